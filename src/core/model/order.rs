//! Orders as a venue takes them, and what they are for. No state machine here: see `orders` and `exchange`.

use super::{AgentId, OrderId, PortfolioId, Price, Qty, Rate, SymbolId};
use serde::{Deserialize, Serialize};

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Raises the position.
    Buy,
    /// Lowers the position.
    Sell,
}

impl Side {
    /// +1 for buy, -1 for sell.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
    /// The side that opens a position of this sign: long (positive) by buying.
    #[inline]
    pub const fn of(qty: Qty) -> Self {
        if qty.0 < 0 { Self::Sell } else { Self::Buy }
    }
    /// `qty` signed by this side.
    #[inline]
    pub const fn signed(self, qty: Qty) -> Qty {
        Qty(qty.0 * self.sign())
    }
}

/// How long a limit order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc,
    /// Fill what can be filled at once, cancel the rest.
    Ioc,
    /// Fill all at once or nothing.
    Fok,
    /// Refused if it would take liquidity (GTX at the venue).
    PostOnly,
}

/// What makes an order execute, and at what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    /// At once, at the best price there is.
    Market,
    /// At `price` or better.
    Limit {
        /// The worst acceptable price.
        price: Price,
        /// How long it stands.
        tif: TimeInForce,
    },
    /// Becomes a market order when the price moves against the position to `trigger`.
    StopMarket {
        /// Trigger price.
        trigger: Price,
    },
    /// Becomes a market order when the price moves in favour of the position to `trigger`.
    TakeProfitMarket {
        /// Trigger price.
        trigger: Price,
    },
    /// Becomes a market order when the price has turned by `callback` from its best since activation.
    TrailingStopMarket {
        /// Price from which the best price is tracked; at once when absent.
        activation: Option<Price>,
        /// Turn that triggers, as a share of the best price.
        callback: Rate,
    },
}

impl OrderKind {
    /// Whether the order waits for a trigger instead of standing in the book.
    pub const fn is_conditional(self) -> bool {
        matches!(self, Self::StopMarket { .. } | Self::TakeProfitMarket { .. } | Self::TrailingStopMarket { .. })
    }
}

/// Why an order exists. Decides what the supervisor checks and what the guard does when it is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Opens or adds; the only purpose that takes on risk.
    Entry,
    /// An agent's own exit.
    Exit,
    /// The protective stop of a position.
    Stop,
    /// A target of a position.
    Target,
    /// A close that the supervisor or an operator ordered.
    Flatten,
}

/// An order as handed to execution. It says nothing of whether it was approved: that is what
/// [`Approved`](crate::risk::Approved) around it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, from the intent it serves.
    pub id: OrderId,
    /// Whose account.
    pub portfolio: PortfolioId,
    /// Which contract.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Type with its prices.
    pub kind: OrderKind,
    /// Positive quantity in base units; 0 with `close_position`.
    pub qty: Qty,
    /// Never opens or turns a position; cut to what is open.
    pub reduce_only: bool,
    /// Closes whatever is open when it triggers.
    pub close_position: bool,
    /// Leverage the account must have on the symbol, a whole number of times.
    pub leverage: u32,
    /// What it is for.
    pub purpose: Purpose,
}

impl Order {
    /// The agent this order is booked to.
    #[inline]
    pub const fn agent(&self) -> AgentId {
        self.id.intent.agent
    }
}
