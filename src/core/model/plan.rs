//! The resolved swarm: what `config` makes of swarm.yaml and everything else is built from. Every
//! name is resolved to an index, every default filled in, every value within its range.

use super::{CandlePath, CohortId, Instrument, Interval, Millis, PortfolioId, Rate, SECOND_MS, SymbolId, Time, Usd};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where money is at stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Recorded candles only, as fast as they can be computed.
    Backtest,
    /// A running swarm on the simulated exchange.
    #[default]
    Paper,
    /// Real money.
    Live,
}

impl Mode {
    /// The label in metrics, pages and paths.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Backtest => "backtest",
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

/// What the breaker does besides refusing entries and cancelling resting ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTrip {
    /// Positions stay under their stops.
    #[default]
    Halt,
    /// Positions are closed, and the trip is finished only when the venue says flat.
    Flatten,
}

/// How an entry comes to its stop at a live venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryProtection {
    /// The entry is an order of its own, and its stop another that follows the first fill.
    #[default]
    Single,
    /// Entry and stop leave together, as one strategy order of the venue's, which places the stop when the entry
    /// fills. Where that is not taken, as with `single`.
    Strategy,
}

impl EntryProtection {
    /// Whether each order leaves by itself.
    pub const fn is_single(&self) -> bool {
        matches!(self, Self::Single)
    }
}

/// How a hole in the candles is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GapPolicy {
    /// Indicators whose window spans the hole are not ready until refilled.
    #[default]
    Reset,
    /// Indicators carry on as if the hole were not there.
    Carry,
}

/// So many losses in a row end entries for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossRun {
    /// Closed trades with a loss in a row.
    pub losses: u32,
    /// How long entries are refused after the last of them.
    pub cool_down_ms: Millis,
}

/// The limits of one level of the tree swarm, portfolio, agent. What is absent does not limit there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Open positions, reserved ones included.
    pub max_positions: Option<u32>,
    /// On each order, and on gross notional over equity.
    pub max_leverage: Option<Rate>,
    /// From peak equity, marked to market; reaching it trips the breaker of that level.
    pub max_drawdown: Option<Rate>,
    /// Loss since 00:00 UTC as a share of the equity then; reaching it refuses entries for the day.
    pub daily_loss: Option<Rate>,
    /// Losses in a row.
    pub loss_run: Option<LossRun>,
    /// Notional of one position in USDT; larger entries are cut.
    pub max_notional: Option<Usd>,
    /// Entries approved within any 60 seconds.
    pub entries_per_minute: Option<u32>,
    /// Largest distance of an entry's price from the mark price, as a share of it.
    pub price_collar: Option<Rate>,
    /// Oldest market data an entry may rest on.
    pub max_data_age_ms: Option<Millis>,
}

/// An account and the limits on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioPlan {
    /// Its name in swarm.yaml.
    pub name: String,
    /// Starting equity on paper, in USDT.
    pub equity: Usd,
    /// Limits of this level.
    pub limits: Limits,
    /// Consecutive marks with the drawdown reached that trip the breaker.
    pub breaker_samples: u32,
    /// What a trip does.
    pub on_trip: OnTrip,
    /// Refuse entries without a stop.
    pub require_stop: bool,
}

/// Agents that are judged together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortPlan {
    /// Its name in swarm.yaml.
    pub name: String,
    /// The portfolio it trades.
    pub portfolio: PortfolioId,
}

/// One agent: one rule on one symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentPlan {
    /// `expert-btcusdt` and the like; unique.
    pub name: String,
    /// Its cohort.
    pub cohort: CohortId,
    /// Its cohort's portfolio.
    pub portfolio: PortfolioId,
    /// What it trades.
    pub symbol: SymbolId,
    /// Name of the rule in the registry.
    pub rule: String,
    /// The rule's parameters, complete and checked; one value for all agents declared together.
    pub params: Arc<serde_json::Value>,
    /// Limits of this level.
    pub limits: Limits,
}

/// The simulated exchange's parameters; `docs/exchange-model.md` explains each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeParams {
    /// Fee of a maker fill, as a share of notional.
    pub maker_fee: Rate,
    /// Fee of a taker fill, as a share of notional.
    pub taker_fee: Rate,
    /// Full bid-ask spread as a share of the price; a taker pays half.
    pub spread: Rate,
    /// Impact: share of the price paid when taking as much as the candle traded; linear below.
    pub impact: Rate,
    /// From sending an order to its arrival in the book.
    pub latency_ms: Millis,
    /// The way of the price inside a candle.
    pub path: CandlePath,
    /// A resting limit order fills when the price trades through it by a tick; `false`: at a touch.
    pub fill_on_trade_through: bool,
    /// Margin of positions is set apart; `false`: all positions share the wallet.
    pub isolated_margin: bool,
    /// Time between funding payments.
    pub funding_interval_ms: Millis,
    /// Largest share of what a contract trades in a candle that the account's orders on it may trade; `None` is any
    /// quantity. Left out of what is written where it is the default: a configuration that says nothing of it is the
    /// one it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participation: Option<Rate>,
}

impl Default for ExchangeParams {
    fn default() -> Self {
        Self {
            maker_fee: Rate(10_000),
            taker_fee: Rate(35_000),
            spread: Rate::bps(1),
            impact: Rate::percent(1),
            latency_ms: 50,
            path: CandlePath::Worse,
            fill_on_trade_through: true,
            isolated_margin: false,
            funding_interval_ms: 8 * super::HOUR_MS,
            participation: None,
        }
    }
}

/// Which cohorts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentPlan {
    /// The one that is in place.
    pub control: CohortId,
    /// The one that wants its place.
    pub treatment: CohortId,
}

/// The whole swarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name in swarm.yaml.
    pub name: String,
    /// Backtest, paper or live.
    pub mode: Mode,
    /// Base interval: the candles that are read, and the pace of decisions.
    pub base: Interval,
    /// All intervals, ascending, base first; each is a multiple of the base.
    pub intervals: Vec<Interval>,
    /// How gaps are met.
    pub gaps: GapPolicy,
    /// Contracts, in declared order.
    pub instruments: Vec<Instrument>,
    /// The simulated exchange.
    pub exchange: ExchangeParams,
    /// The swarm's own limits, above every portfolio's.
    pub limits: Limits,
    /// Accounts, in declared order.
    pub portfolios: Vec<PortfolioPlan>,
    /// Cohorts, in declared order.
    pub cohorts: Vec<CohortPlan>,
    /// Agents, in declared order: intents of one candle are judged in this order.
    pub agents: Vec<AgentPlan>,
    /// The comparison, if any.
    pub experiment: Option<ExperimentPlan>,
    /// How entries come to their stops. Left out of what is written where it is the default: a configuration that
    /// says nothing of it is the one it was.
    #[serde(default, skip_serializing_if = "EntryProtection::is_single")]
    pub entry_protection: EntryProtection,
    /// A mark price further than this share from the last one is not believed until others confirm it; `None` where all
    /// marks come from candles, and in plans of before there was such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_mark_jump: Option<Rate>,
    /// A position without an accepted stop for longer than this, in event time, is closed at market. Left out of what is
    /// written where it is [usual](NAKED_TIMEOUT_MS).
    #[serde(default = "usual_naked_timeout", skip_serializing_if = "is_usual_naked_timeout")]
    pub naked_timeout_ms: Millis,
}

/// How long a position may be without an accepted stop where nothing else is said, in event time.
pub const NAKED_TIMEOUT_MS: Millis = 2 * SECOND_MS;

const fn usual_naked_timeout() -> Millis {
    NAKED_TIMEOUT_MS
}

const fn is_usual_naked_timeout(ms: &Millis) -> bool {
    *ms == NAKED_TIMEOUT_MS
}

impl Plan {
    /// The instrument of a symbol.
    pub fn instrument(&self, symbol: SymbolId) -> &Instrument {
        &self.instruments[symbol.index()]
    }
    /// The contract that an agent trades; absent when there is no such agent.
    pub fn instrument_of(&self, agent: super::AgentId) -> Option<&Instrument> {
        self.agents.get(agent.index()).map(|agent| self.instrument(agent.symbol))
    }
    /// An agent's name, for messages.
    pub fn agent_name(&self, agent: super::AgentId) -> &str {
        self.agents.get(agent.index()).map_or("?", |agent| &agent.name)
    }
}

/// Funding of one symbol as recorded: `(time, rate)` ascending, time rounded down to the minute.
pub type FundingSchedule = Vec<(Time, Rate)>;
