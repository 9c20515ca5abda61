//! What an agent asks for. An intent is a wish: the supervisor numbers it, judges it, cuts it to size
//! and turns it into orders, or refuses it with a reason.

use super::{AgentId, Millis, PortfolioId, Price, Qty, Rate, Side, SymbolId, Time, Usd};
use serde::{Deserialize, Serialize};

/// How much an entry asks for, before the supervisor's caps and the venue's filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    /// An exact quantity in base units.
    Qty(Qty),
    /// A notional in USDT at the reference price.
    Notional(Usd),
}

/// How an entry goes to the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryOrder {
    /// At the market.
    Market,
    /// Resting at a price; cancelled when it has not filled after `expire_after_ms`.
    Limit {
        /// The price asked for; snapped away from the market.
        price: Price,
        /// Refuse to take liquidity.
        post_only: bool,
        /// How long it may rest.
        expire_after_ms: Millis,
    },
    /// Resting at a price; what has not filled after `expire_after_ms` follows at the market, once the
    /// venue has said that the resting order is final.
    LimitThenMarket {
        /// The price asked for; snapped away from the market.
        price: Price,
        /// Refuse to take liquidity; a refusal for that counts as expired at once.
        post_only: bool,
        /// How long it may rest.
        expire_after_ms: Millis,
    },
}

/// A resting entry's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitTerms {
    /// The price asked for.
    pub price: Price,
    /// Refuse to take liquidity.
    pub post_only: bool,
    /// How long it may rest.
    pub expire_after_ms: Millis,
    /// Whether what is left then follows at the market.
    pub then_market: bool,
}

impl EntryOrder {
    /// The terms, if it rests.
    pub const fn limit(&self) -> Option<LimitTerms> {
        let (price, post_only, expire_after_ms, then_market) = match *self {
            Self::Market => return None,
            Self::Limit { price, post_only, expire_after_ms } => (price, post_only, expire_after_ms, false),
            Self::LimitThenMarket { price, post_only, expire_after_ms } => (price, post_only, expire_after_ms, true),
        };
        Some(LimitTerms { price, post_only, expire_after_ms, then_market })
    }
}

/// Moves the stop once to a better place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakEven {
    /// Move in favour, as a share of the entry price, that arms it.
    pub from: Rate,
    /// Where the stop goes: this share of the entry price beyond it, in favour.
    pub to: Rate,
}

/// Lets the stop follow the best price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Move in favour, as a share of the entry price, that arms it.
    pub from: Rate,
    /// Distance from the best price seen, in USDT.
    pub distance: Price,
    /// The distance is never more than this share of the best price.
    pub max_distance: Rate,
}

/// The stop of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    /// Distance of the first stop from the fill price, in USDT, positive.
    pub distance: Price,
    /// Optional move to break-even.
    pub break_even: Option<BreakEven>,
    /// Optional trailing.
    pub trail: Option<Trail>,
}

/// One target: where, and how much of the position as filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// Move in favour, as a share of the entry price.
    pub at: Rate,
    /// Share of the filled quantity to close there; the shares of all targets sum to at most 1.
    pub fraction: Rate,
}

/// How a position will be left, as data: the supervisor carries it out whether or not the agent lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitPlan {
    /// The protective stop; a portfolio that demands one refuses an entry without.
    pub stop: Option<StopPlan>,
    /// Targets, nearest first.
    pub targets: Vec<TargetPlan>,
    /// A position in profit is closed after this long.
    pub max_holding_ms: Option<Millis>,
}

/// A wish to open a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Buy opens long, sell opens short.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// Leverage the rule wants to use, in times of margin; at least 1.
    pub leverage: Rate,
    /// Order type.
    pub order: EntryOrder,
    /// How it will be left.
    pub exits: ExitPlan,
}

/// Why a rule or the guard closes a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// The rule's own exit signal.
    Signal,
    /// The opposite signal: closed to be reversed.
    Reverse,
    /// The protective stop, first or moved.
    Stop,
    /// A target.
    Target,
    /// Held as long as allowed.
    Time,
    /// The agent was stopped with `close`.
    AgentStop,
    /// The breaker tripped with `on_trip: flatten`.
    Breaker,
    /// An operator's flatten.
    Operator,
    /// A stop could not be placed in time.
    Naked,
    /// The venue liquidated it.
    Liquidation,
}

/// The wish itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntentKind {
    /// Open a position where there is none.
    Open(Entry),
    /// Close what is open and open the other side.
    Reverse(Entry),
    /// Close what is open.
    Close {
        /// Why.
        reason: ExitReason,
    },
}

/// A wish with who wishes it and on what grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Who.
    pub agent: AgentId,
    /// Which account.
    pub portfolio: PortfolioId,
    /// Which contract.
    pub symbol: SymbolId,
    /// When the candle that caused it closed; its age is judged against `max_data_age`.
    pub decided_at: Time,
    /// Last price the rule saw: sizes are computed and collars measured from it.
    pub reference: Price,
    /// What.
    pub kind: IntentKind,
}
