//! What was found. Each difference is told once, with the first candle at which it shows.

use crate::market::Recording;
use serde::{Serialize, Serializer};
use swarm_core::model::{AgentId, Interval, Plan, SymbolId, Time};

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// The future changes what is decided before it.
    LookAhead,
    /// The start of the series changes what is decided once warm.
    WarmUp,
}

impl Bias {
    /// In tables.
    pub const fn label(self) -> &'static str {
        match self {
            Self::LookAhead => "look-ahead",
            Self::WarmUp => "warm-up",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which promise.
    pub bias: Bias,
    /// The agent's name; the names of all that use the feature, joined by commas; empty for a candle.
    pub agent: String,
    /// Of which symbol.
    pub symbol: String,
    /// `candle`, the feature's name, `decision` (rules alone) or `decision in the swarm` (positions and all).
    pub what: String,
    /// Of which candles a feature is computed; the base interval for anything else.
    pub interval: Interval,
    /// What the rule was told about its position, where that matters.
    pub stance: Option<&'static str>,
    /// Start of the first candle at which it shows.
    #[serde(serialize_with = "as_text")]
    pub candle: Time,
    /// How the other market differs.
    pub against: String,
    /// On the market as recorded.
    pub expected: String,
    /// On the other one.
    pub found: String,
    /// What the rule itself says it saw differently, where a decision differs.
    pub cause: Option<String>,
    /// At how many candles and markets it shows.
    pub times: u64,
}

fn as_text<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// How one agent stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentResult {
    /// Its name.
    pub name: String,
    /// Its rule.
    pub rule: String,
    /// Base candles its features declare as warm-up.
    pub warm_up: usize,
    /// Base candles after which averages that never forget have settled, the warm-up included.
    pub settled: usize,
    /// Decisions compared for look-ahead.
    pub look_ahead_compared: u64,
    /// Decisions compared for warm-up.
    pub warm_up_compared: u64,
}

/// Everything that was compared and found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Nothing found?
    pub ok: bool,
    /// First candle.
    #[serde(serialize_with = "as_text")]
    pub from: Time,
    /// End of the last candle.
    #[serde(serialize_with = "as_text")]
    pub to: Time,
    /// Moments after which the future was changed.
    pub cuts: Vec<String>,
    /// Open times at which the series began anew.
    pub starts: Vec<String>,
    /// By agent.
    pub agents: Vec<AgentResult>,
    /// Values of features compared.
    pub values_compared: u64,
    /// Rules that answered otherwise where a feature differed in its last digits: a threshold that was all but met.
    pub knife_edges: u64,
    /// The differences, by time.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(plan: &Plan, market: &Recording) -> Self {
        let agent = |agent: &swarm_core::model::AgentPlan| AgentResult {
            name: agent.name.clone(),
            rule: agent.rule.clone(),
            warm_up: 0,
            settled: 0,
            look_ahead_compared: 0,
            warm_up_compared: 0,
        };
        Self {
            ok: true,
            from: market.from,
            to: market.to,
            cuts: Vec::new(),
            starts: Vec::new(),
            agents: plan.agents.iter().map(agent).collect(),
            values_compared: 0,
            knife_edges: 0,
            findings: Vec::new(),
        }
    }

    /// Adds a difference, or counts one more of a known kind; the earliest candle stays.
    pub(super) fn add(&mut self, finding: Finding) {
        self.ok = false;
        let alike = |known: &&mut Finding| {
            known.bias == finding.bias
                && known.agent == finding.agent
                && known.symbol == finding.symbol
                && known.what == finding.what
                && known.interval == finding.interval
        };
        match self.findings.iter_mut().find(alike) {
            Some(known) if known.candle <= finding.candle => known.times += 1,
            Some(known) => {
                let times = known.times + 1;
                *known = Finding { times, ..finding };
            }
            None => self.findings.push(finding),
        }
    }
}

/// Names of agents, as a finding has them.
pub(super) fn names(plan: &Plan, agents: &[AgentId]) -> String {
    agents.iter().map(|agent| plan.agent_name(*agent)).collect::<Vec<_>>().join(",")
}

/// Name of a symbol.
pub(super) fn symbol_of(plan: &Plan, symbol: SymbolId) -> String {
    plan.instrument(symbol).symbol.clone()
}
