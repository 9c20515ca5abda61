//! What a rule says at each closed candle, and why.

use super::{AgentId, IntentKind, SymbolId, Time};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The verdict of a rule on one candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Do nothing.
    Hold,
    /// Open long.
    Long,
    /// Open short.
    Short,
    /// Close what is open.
    Exit,
}

impl Action {
    /// All of them, in the order of metrics and tables.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Long, Self::Short, Self::Exit];

    /// The label in metrics and reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Long => "long",
            Self::Short => "short",
            Self::Exit => "exit",
        }
    }
}

/// A rule's decision. Cheap when it is HOLD: no allocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// 0 to 100.
    pub confidence: f64,
    /// -1 (short) to 1 (long); NaN is never stored, a rule without a score says 0.
    pub target_score: f64,
    /// What to ask the supervisor for; absent on HOLD.
    pub proposal: Option<Box<IntentKind>>,
}

impl Decision {
    /// Do nothing.
    pub const fn hold(confidence: f64, target_score: f64) -> Self {
        Self { action: Action::Hold, confidence, target_score, proposal: None }
    }
}

/// One feature's part in a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureLine {
    /// `rsi`, `macd` and so on: the name in `strategy.md` and in the agent file.
    pub name: Cow<'static, str>,
    /// The indicator's value; absent until warm.
    pub value: Option<f64>,
    /// Normalised to -1..1; absent where the rule does not normalise.
    pub normalized: Option<f64>,
    /// Share of the score, 0 to 1.
    pub weight: f64,
    /// `normalized * weight`.
    pub contribution: f64,
}

/// Why a rule decided as it did. Computed on demand from the same inputs, so that a HOLD in a
/// backtest costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Features with weights and contributions.
    pub features: Vec<FeatureLine>,
    /// Weighted score S, -1 to 1.
    pub score: Option<f64>,
    /// Regime R: -1, 0 or 1 (-2 and 2 for the strong variants of `regime: sma`).
    pub regime: Option<i8>,
    /// Stability V, 0.1 to 1.
    pub stability: Option<f64>,
    /// ATR / close.
    pub volatility: Option<f64>,
    /// Leverage the rule chose.
    pub leverage: Option<f64>,
    /// Notional the rule asked for, in USDT.
    pub notional_usdt: Option<f64>,
    /// Stop price as planned at the reference price.
    pub stop_price: Option<f64>,
    /// Target prices as planned at the reference price.
    pub target_prices: Vec<f64>,
    /// Funding the position would pay over the next 8 h, as a share of notional; negative is received.
    pub expected_funding: Option<f64>,
    /// Slippage expected for this notional, as a share of the price.
    pub expected_slippage: Option<f64>,
    /// Which branch of a composed rule spoke.
    pub branch: Option<Cow<'static, str>>,
    /// One sentence for a person.
    pub reason: Cow<'static, str>,
}

/// A decision with its grounds, as journaled and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// When the candle closed.
    pub at: Time,
    /// Start of the candle that was decided on.
    pub candle: Time,
    /// Who.
    pub agent: AgentId,
    /// On what.
    pub symbol: SymbolId,
    /// What.
    pub decision: Decision,
    /// Why.
    pub explanation: Explanation,
}
