//! What a venue reports: the life of orders, fills, funding, liquidations and transfers.

use super::{OrderId, PortfolioId, Price, Qty, Rate, Side, SymbolId, Time, Usd};
use serde::{Deserialize, Serialize};

/// Part of an order executed. Attribution is by the order's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Venue's number of the trade, unique per account.
    pub trade: u64,
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
    /// Cost against the price without spread and impact, in USDT, positive is lost. Informational:
    /// it is already in `price`.
    pub slippage: Usd,
}

/// Why a venue refused an order. `docs/exchange-model.md` maps each to AsterDEX's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueReject {
    /// Price off the tick.
    PriceTick,
    /// Quantity off the step.
    QtyStep,
    /// Quantity below the minimum, or not positive.
    QtyTooSmall,
    /// Quantity above the maximum.
    QtyTooLarge,
    /// Price not positive or outside the band around the mark price.
    PriceBand,
    /// Notional below the minimum.
    MinNotional,
    /// A trigger that has already been passed.
    WouldTrigger,
    /// A post-only order that would have taken liquidity.
    WouldTake,
    /// A fill-or-kill order that could not be filled.
    CannotFill,
    /// Reduce-only with nothing to reduce.
    ReduceOnly,
    /// Not enough margin.
    Margin,
    /// Leverage above the bracket of the resulting notional.
    LeverageBracket,
    /// Too many open orders.
    TooManyOrders,
    /// An order id in use.
    DuplicateId,
    /// No price yet.
    NoMarket,
    /// The combination of type and flags makes no sense.
    BadCombination,
    /// Any other refusal of a live venue.
    Other,
    /// It never reached the venue: its request is not valid there any more, and the venue knows nothing of it.
    NeverArrived,
    /// It never left: the venue could not be asked while the order was wanted, or the entry that was to bring it
    /// there did not.
    NotSent,
}

/// Why an order ended without (full) execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Asked for.
    Requested,
    /// Its position is gone.
    PositionClosed,
    /// Rest of an immediate-or-cancel order.
    Immediate,
    /// The account is being liquidated.
    Liquidation,
    /// Any other end at the venue.
    Expired,
}

/// A step in the life of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportKind {
    /// Resting or waiting at the venue. Said again of an open order it means that the order trades at the market from
    /// now on, as far as there is anything to trade with: its trigger was met, for instance.
    Accepted,
    /// Refused; final.
    Rejected(VenueReject),
    /// Executed in part; `leaves` is what remains, 0 makes it final.
    Filled {
        /// The execution.
        fill: Fill,
        /// Quantity still open.
        leaves: Qty,
    },
    /// Ended; final.
    Canceled(CancelReason),
    /// A cancel request found no such open order. Says nothing about what became of it.
    CancelRejected,
}

/// Everything a venue tells about one account, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VenueEvent {
    /// About one of our orders.
    Order {
        /// Which.
        id: OrderId,
        /// On which contract.
        symbol: SymbolId,
        /// When, by the venue's clock.
        at: Time,
        /// What.
        kind: ReportKind,
    },
    /// Funding booked on an open position.
    Funding {
        /// On which contract.
        symbol: SymbolId,
        /// When.
        at: Time,
        /// Rate of the period.
        rate: Rate,
        /// Mark price it was computed at.
        mark: Price,
        /// Change of the wallet in USDT: negative is paid.
        amount: Usd,
    },
    /// The venue closed (part of) a position by force.
    Liquidation {
        /// On which contract.
        symbol: SymbolId,
        /// When.
        at: Time,
        /// The forced execution, its fee the liquidation fee.
        fill: Fill,
    },
    /// Money moved in (positive) or out.
    Transfer {
        /// When.
        at: Time,
        /// Change of the wallet in USDT.
        amount: Usd,
    },
}

impl VenueEvent {
    /// When it happened, by the venue's clock.
    pub const fn at(&self) -> Time {
        match self {
            Self::Order { at, .. }
            | Self::Funding { at, .. }
            | Self::Liquidation { at, .. }
            | Self::Transfer { at, .. } => *at,
        }
    }
}

/// A price of one symbol at one instant: the mark that equity and triggers are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which contract.
    pub symbol: SymbolId,
    /// The price.
    pub price: Price,
}

/// An event with the account it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEvent {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// What happened.
    pub event: VenueEvent,
}
