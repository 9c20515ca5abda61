//! A closed trade: from flat to flat, with all it earned and cost.

use crate::model::{AgentId, ExitReason, IntentId, PortfolioId, Price, Qty, Rate, Side, SymbolId, Time, Usd};
use serde::{Deserialize, Serialize};

/// A position that was opened and is flat again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// Who held it.
    pub agent: AgentId,
    /// The intent that opened it.
    pub intent: IntentId,
    /// Which contract.
    pub symbol: SymbolId,
    /// Buy was long, sell was short.
    pub side: Side,
    /// First entry fill.
    pub opened_at: Time,
    /// Last exit fill.
    pub closed_at: Time,
    /// Quantity entered over its life, in base units.
    pub qty: Qty,
    /// Average price entered at, rounded to the nearest mantissa.
    pub entry_price: Price,
    /// Average price left at, rounded to the nearest mantissa.
    pub exit_price: Price,
    /// Realised profit before fees and funding, in USDT.
    pub gross: Usd,
    /// Fees of all its fills, in USDT, positive is paid.
    pub fees: Usd,
    /// Funding while it was open, in USDT, positive is received.
    pub funding: Usd,
    /// Slippage of all its fills, in USDT, positive is lost; already in the prices.
    pub slippage: Usd,
    /// `gross - fees + funding`.
    pub net: Usd,
    /// What closed the last of it.
    pub exit: ExitReason,
    /// Notional entered over the portfolio's equity at the first fill, in times.
    pub leverage: Rate,
    /// Confidence of the decision that opened it, 0 to 100, where the host told it.
    pub confidence: Option<f64>,
}
