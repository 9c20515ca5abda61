//! The report of `contract.md` as data.

use super::{Comparison, Metrics};
use crate::model::{Rate, Usd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the report's shape.
pub const REPORT_SCHEMA: u32 = 1;

/// What was traded on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MarketReport {
    /// In declared order.
    pub symbols: Vec<String>,
    /// Base candles read, all symbols together.
    pub candles: u64,
    /// Base candles missing inside the series.
    pub gaps: u64,
}

/// A breaker at the end of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BreakerReport {
    /// Whether it is tripped.
    pub tripped: bool,
    /// When it tripped last, RFC 3339.
    pub at: Option<String>,
}

/// A portfolio over the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortfolioReport {
    /// In USDT.
    pub start_equity: Usd,
    /// Marked to market, in USDT.
    pub end_equity: Usd,
    /// Most positions open at a time.
    pub peak_open_positions: u32,
    /// Highest gross notional over equity at a step's end.
    pub peak_leverage: Rate,
    /// Largest fall from the peak on any mark, as a fraction.
    pub max_drawdown: Rate,
    /// Its breaker.
    pub breaker: BreakerReport,
    /// Refused intents by reason.
    pub rejections: BTreeMap<String, u64>,
}

/// How long it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Reading the data, in seconds.
    pub load_s: f64,
    /// Running, in seconds.
    pub run_s: f64,
    /// Decisions taken: agents times their symbols' candles.
    pub agent_candles: u64,
    /// Per second of `run_s`.
    pub agent_candles_per_s: f64,
}

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this shape.
    pub schema: u32,
    /// Hash of the run's journal.
    pub fingerprint: String,
    /// Start of the first candle, RFC 3339.
    pub from: String,
    /// Close of the last candle, RFC 3339.
    pub to: String,
    /// Ended before its data did.
    pub partial: bool,
    /// What was traded on.
    pub market: MarketReport,
    /// By name.
    pub cohorts: BTreeMap<String, Metrics>,
    /// By name.
    pub agents: BTreeMap<String, Metrics>,
    /// By name.
    pub portfolios: BTreeMap<String, PortfolioReport>,
    /// Absent without an experiment.
    pub comparison: Option<Comparison>,
    /// How long it took.
    pub timing: Timing,
}
