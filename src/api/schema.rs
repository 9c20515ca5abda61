//! The shapes, for the API's document, of what comes from the core: its types say nothing of HTTP, so
//! their shape on the wire is written here. Nothing is made of these types; a test holds real answers
//! against them.
#![allow(dead_code, reason = "these types are read by the derive only")]

use utoipa::ToSchema;

/// A decision with its names and what became of it.
#[derive(ToSchema)]
pub(super) struct DecisionView {
    /// Counted up over all agents; pages ask for what is `after` one.
    sequence: u64,
    /// Agent's name.
    agent: String,
    /// Cohort's name.
    cohort: String,
    /// Symbol's name.
    symbol: String,
    /// The decision and its grounds.
    record: DecisionRecord,
    /// `approved`, or a refusal in words; for decisions that asked for something.
    verdict: Option<String>,
}

/// A decision with its grounds, as journaled.
#[derive(ToSchema)]
pub(super) struct DecisionRecord {
    /// When the candle closed, ms since the epoch.
    at: i64,
    /// Start of the candle that was decided on, ms since the epoch.
    candle: i64,
    /// Number of the agent in the plan.
    agent: u32,
    /// Number of the symbol in the plan.
    symbol: u32,
    /// What.
    decision: Decision,
    /// Why.
    explanation: Explanation,
}

/// What is decided.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Action {
    /// Do nothing.
    Hold,
    /// Open long.
    Long,
    /// Open short.
    Short,
    /// Close what is open.
    Exit,
}

/// The verdict of a rule on one candle.
#[derive(ToSchema)]
pub(super) struct Decision {
    /// What.
    action: Action,
    /// 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    confidence: f64,
    /// -1 (short) to 1 (long).
    #[schema(minimum = -1, maximum = 1)]
    target_score: f64,
    /// What was asked for: `Open`, `Reverse` or `Close` with its particulars; absent on HOLD.
    #[schema(value_type = Option<Object>)]
    proposal: Option<()>,
}

/// Why a rule decided as it did.
#[derive(ToSchema)]
pub(super) struct Explanation {
    /// Features with weights and contributions.
    features: Vec<FeatureLine>,
    /// Weighted score, -1 to 1.
    score: Option<f64>,
    /// Regime, -2 to 2.
    regime: Option<i8>,
    /// Stability, 0.1 to 1.
    stability: Option<f64>,
    /// ATR / close.
    volatility: Option<f64>,
    /// Leverage the rule chose.
    leverage: Option<f64>,
    /// Notional the rule asked for, in USDT.
    notional_usdt: Option<f64>,
    /// Stop as planned.
    stop_price: Option<f64>,
    /// Targets as planned.
    target_prices: Vec<f64>,
    /// Funding over the next 8 h as a share of notional; negative is received.
    expected_funding: Option<f64>,
    /// Slippage as a share of the price.
    expected_slippage: Option<f64>,
    /// Which branch of a composed rule spoke.
    branch: Option<String>,
    /// One sentence for a person.
    reason: String,
}

/// One feature's part in a decision.
#[derive(ToSchema)]
pub(super) struct FeatureLine {
    /// Its name.
    name: String,
    /// The indicator's value; absent until warm.
    value: Option<f64>,
    /// Normalised to -1..1.
    normalized: Option<f64>,
    /// Share of the score, 0 to 1.
    weight: f64,
    /// `normalized * weight`.
    contribution: f64,
}

/// Buy or sell.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Side {
    /// Raises the position.
    Buy,
    /// Lowers the position.
    Sell,
}

/// The data of one server-sent event.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    /// A decision other than HOLD.
    Signal(Box<DecisionView>),
    /// An order executed, wholly or in part.
    Fill {
        /// Market time, ms since the epoch.
        at: i64,
        /// Which agent.
        agent: String,
        /// Which contract.
        symbol: String,
        /// Buy or sell.
        side: Side,
        /// Executed quantity.
        qty: String,
        /// Executed at.
        price: String,
        /// Fee in USDT.
        fee: String,
        /// What the order was for.
        purpose: String,
    },
    /// A position returned to flat.
    Trade {
        /// Market time, ms since the epoch.
        at: i64,
        /// Which agent.
        agent: String,
        /// Which contract.
        symbol: String,
        /// Net of fees and funding, in USDT.
        net_pnl: String,
        /// Why it ended.
        reason: String,
    },
    /// A breaker moved.
    Breaker {
        /// Market time, ms since the epoch.
        at: i64,
        /// `swarm`, or the portfolio's or agent's name.
        scope: String,
        /// In words.
        change: String,
    },
    /// An agent's life changed.
    Agent {
        /// Market time, ms since the epoch.
        at: i64,
        /// Which agent.
        agent: String,
        /// In words.
        change: String,
    },
    /// Anything else an operator should read.
    Notice {
        /// In words.
        message: String,
    },
}
