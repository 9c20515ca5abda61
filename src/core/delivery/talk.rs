//! What is asked of a venue and what it may answer or tell by itself: the language between the desk and
//! whoever carries its requests. Types only; the desk's side of AsterDEX's wire, without its spelling.

use crate::model::{Order, OrderId, Price, Qty, Side, SymbolId, Time, Usd, VenueReject};
use serde::{Deserialize, Serialize};

/// Names one request of one desk; counted anew by each process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// How an order is named to the venue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderKey {
    /// By the client order id.
    Name(String),
    /// By the venue's number: the only way to speak of an order whose name is not known.
    Number(u64),
}

/// From where on trades are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradesFrom {
    /// From this trade number on.
    Trade(u64),
    /// From this instant on.
    Time(Time),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Place an order under this name. Emitted again only when it is certain that it never left.
    Place {
        /// The order.
        order: Order,
        /// Its client order id.
        name: String,
    },
    /// Place an entry and, once it fills in part or whole, its stop: one strategy order of the venue's. Emitted
    /// again only when it is certain that it never left.
    PlaceStrategy(Box<EntryWithStop>),
    /// What became of a strategy order, open or ended?
    QueryStrategy {
        /// Its client strategy id.
        name: String,
    },
    /// Cancel an order.
    Cancel {
        /// On which contract.
        symbol: SymbolId,
        /// Which.
        key: OrderKey,
        /// The order as this run knows it; `None` when it is not one of this run's.
        id: Option<OrderId>,
    },
    /// What became of an order?
    QueryOrder {
        /// On which contract.
        symbol: SymbolId,
        /// Which.
        key: OrderKey,
    },
    /// All open orders of the account.
    OpenOrders,
    /// The account's trades on a contract, ascending, all pages.
    Trades {
        /// On which contract.
        symbol: SymbolId,
        /// From where on.
        from: TradesFrom,
    },
    /// All open positions.
    Positions,
    /// The wallet.
    Balance,
    /// Funding and transfers from an instant on, ascending.
    Income {
        /// From when on.
        from: Time,
    },
    /// Position mode and margin mode of the account.
    Modes,
    /// Set a contract's leverage, in whole times.
    SetLeverage {
        /// On which contract.
        symbol: SymbolId,
        /// To what.
        leverage: u32,
    },
    /// Use up the nonce of an earlier request, so that it cannot be carried out any more if it was not yet.
    /// Whoever has no nonces answers [`Answer::NotSent`] without an instant.
    Noop {
        /// Of which request.
        of: RequestId,
    },
}

/// An entry and the stop that it brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryWithStop {
    /// Client strategy id.
    pub name: String,
    /// The entry.
    pub entry: Order,
    /// Its client order id.
    pub entry_name: String,
    /// The stop; it only reduces.
    pub stop: Order,
    /// Its client order id.
    pub stop_name: String,
}

/// Where a strategy order is, as far as that says anything about its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrategyState {
    /// The venue took it: its entry is placed, or was.
    Taken,
    /// The venue says that it failed, and not whether any of its orders was placed.
    Failed,
    /// It is over: nothing of it will be placed any more.
    Over,
}

/// Where an order is, as the venue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Open, nothing executed.
    New,
    /// Open, executed in part.
    PartiallyFilled,
    /// Executed; final.
    Filled,
    /// Cancelled; final.
    Canceled,
    /// Ended by the venue; final.
    Expired,
    /// Refused; final.
    Rejected,
}

impl OrderStatus {
    /// Whether nothing more will happen to the order.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::New | Self::PartiallyFilled)
    }
}

/// An order as the venue shows it, in whichever answer or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// Client order id, or the venue's name for its own orders.
    pub name: String,
    /// The venue's number.
    pub number: u64,
    /// On which contract.
    pub symbol: SymbolId,
    /// Where it is.
    pub status: OrderStatus,
    /// Executed so far.
    pub filled: Qty,
    /// Quantity asked for; 0 where it closes whatever is open.
    pub qty: Qty,
    /// When it came to this, by the venue's clock.
    pub at: Time,
}

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// On which contract.
    pub symbol: SymbolId,
    /// Number of the trade, unique for the contract and ascending.
    pub id: u64,
    /// The venue's number of the order.
    pub number: u64,
    /// Buy or sell.
    pub side: Side,
    /// Executed at.
    pub price: Price,
    /// Executed quantity, positive.
    pub qty: Qty,
    /// Fee in USDT, positive is paid.
    pub fee: Usd,
    /// Whether it added liquidity.
    pub maker: bool,
    /// When, by the venue's clock.
    pub at: Time,
}

/// A position as the venue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// On which contract; `None` when the plan does not have it.
    pub symbol: Option<SymbolId>,
    /// The contract's name.
    pub contract: String,
    /// Signed quantity; 0 where only the leverage is told.
    pub qty: Qty,
    /// Average entry price; 0 when flat.
    pub entry_price: Price,
    /// Mark price, where told.
    pub mark: Option<Price>,
    /// Leverage set for the contract, where told.
    pub leverage: Option<u32>,
}

/// Why money moved without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncomeKind {
    /// Funding of a position.
    Funding,
    /// Deposit, withdrawal or transfer.
    Transfer,
}

/// Money that moved without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomeRow {
    /// Why.
    pub kind: IncomeKind,
    /// Of which contract; `None` for a transfer.
    pub symbol: Option<SymbolId>,
    /// When, by the venue's clock.
    pub at: Time,
    /// Change of the wallet in USDT.
    pub amount: Usd,
}

/// What a refusal asks of us. In each case nothing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// Later it may pass.
    Retry,
    /// The same again will be refused again.
    Refuse,
    /// Nothing else will pass either: credentials, rights, a blocked address.
    Halt,
}

/// What became of a request. Each request is answered once; a request whose answer is lost is answered by
/// its carrier, with [`Unknown`](Self::Unknown) or [`Unanswered`](Self::Unanswered).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To Place, Cancel and QueryOrder: the order as it is now.
    Order(OrderReport),
    /// To QueryOrder and QueryStrategy: there is no such order. Right after an unknown outcome that proves nothing.
    NoSuchOrder,
    /// To PlaceStrategy and QueryStrategy. Of the orders nothing more is known: they are asked for by their names.
    Strategy(StrategyState),
    /// To OpenOrders.
    OpenOrders(Vec<OrderReport>),
    /// To Trades.
    Trades(Vec<TradeRow>),
    /// To Positions.
    Positions(Vec<PositionRow>),
    /// To Balance: the wallet without open profit, in USDT.
    Balance(Usd),
    /// To Income.
    Income(Vec<IncomeRow>),
    /// To Modes.
    Modes {
        /// Long and short are held apart.
        hedge: bool,
        /// Other assets count as margin.
        multi_assets: bool,
    },
    /// To SetLeverage and Noop: done.
    Done,
    /// Definitely not carried out.
    Refused {
        /// What that asks of us.
        class: RefusalClass,
        /// Why, where it was an order.
        why: VenueReject,
    },
    /// It may or may not have been carried out.
    Unknown,
    /// A question without an answer; nothing has changed.
    Unanswered,
    /// It never left.
    NotSent {
        /// The earliest instant at which it may; `None` when that is not known.
        until: Option<Time>,
    },
}

/// Why an account event was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountReason {
    /// An order executed.
    Order,
    /// Funding was paid.
    Funding,
    /// Money was moved in or out.
    Transfer,
    /// Anything else.
    Other,
}

/// What a user stream tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// An order changed; with the execution that did it.
    Order {
        /// The order as it is now.
        report: OrderReport,
        /// The execution.
        trade: Option<TradeRow>,
    },
    /// Money or positions changed. What it says of amounts is not taken over: fills come from trades and
    /// other money from income, each with a number that tells it from a repetition.
    Account {
        /// Why.
        reason: AccountReason,
        /// Positions that changed, with their quantity.
        positions: Vec<(SymbolId, Qty)>,
    },
    /// Somebody set a contract's leverage.
    Leverage {
        /// On which contract.
        symbol: SymbolId,
        /// To what.
        leverage: u32,
    },
    /// Somebody changed a mode of the account.
    Modes {
        /// Long and short are held apart.
        hedge: bool,
        /// Other assets count as margin.
        multi_assets: bool,
    },
}

/// The state of the user stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Connected: what happens from now on is told.
    Up,
    /// Lost, or its key has expired: anything may happen unseen.
    Down,
}
