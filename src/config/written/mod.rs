//! swarm.yaml and agent files as they are written: the types the JSON Schemas come from.
//!
//! Every key is optional here, also those the schema requires, so that a file with faults can still
//! be looked at as a whole. Nothing is resolved and no default is filled in; the defaults named here
//! are those of [`defaults`].

mod live;
mod reconcile;
mod risk;
mod venue;

pub use live::{OrderTimes, RequestLimits};
pub use reconcile::Reconcile;
pub use risk::{LossRun, PortfolioRisk, Risk};
pub use venue::{Bracket, FillRule, Filters, MarginMode, Venue, VenueKind};

use super::defaults;
use super::market::MarketText;
use super::scalars::{Decimal, Instant, IntervalText, Name, Span, Symbol};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use swarm_core::model::{GapPolicy, Interval, Mode, Rate, Usd};

/// A map whose order is kept: portfolios, cohorts and agents count in the order they are declared.
#[derive(Clone, Debug)]
pub struct Named<K, T>(pub Vec<(K, T)>);

impl<K, T> Default for Named<K, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for Named<K, T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<K, T>(PhantomData<(K, T)>);
        impl<'de, K: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for Entries<K, T> {
            type Value = Named<K, T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<K, T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }
        from.deserialize_map(Entries(PhantomData))
    }
}

impl<K: JsonSchema, T: JsonSchema> JsonSchema for Named<K, T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (key, value) = (K::json_schema(generator), generator.subschema_for::<T>());
        json_schema!({ "type": "object", "propertyNames": key, "additionalProperties": value })
    }
}

/// Parameters of a rule: checked against the rule's own schema, where they stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params;

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self)
    }
}

impl JsonSchema for Params {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// A swarm: markets, accounts, limits, and the agents that trade them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swarm {
    /// Version of this file's format. The only one is 1.
    #[schemars(required, range(min = 1, max = 1))]
    pub version: Option<u32>,
    /// Name of the swarm, in pages, metrics and reports.
    #[schemars(required)]
    pub name: Option<Name>,
    /// Where money is at stake. `live` also needs `--live` on the command line. Default: paper.
    #[schemars(extend("default" = "paper"))]
    pub mode: Option<Mode>,
    /// What is traded, and where its candles come from.
    #[schemars(required)]
    pub market: Option<Market>,
    /// Where orders go. Default: the simulated exchange as it is.
    pub venue: Option<Venue>,
    /// The swarm's own limits, above those of every portfolio. Only what is written limits here.
    pub risk: Option<Risk>,
    /// Accounts by name: each has its equity, its limits and its breaker.
    #[schemars(required, extend("minProperties" = 1, "maxProperties" = 1000))]
    pub portfolios: Option<Named<Name, Portfolio>>,
    /// Groups of agents by name, each trading one portfolio and judged as one.
    #[schemars(required, extend("minProperties" = 1, "maxProperties" = 1000))]
    pub cohorts: Option<Named<Name, Cohort>>,
    /// Which cohorts are compared.
    pub experiment: Option<Experiment>,
    /// The HTTP interface and dashboard of `swarm run`.
    pub api: Option<Api>,
    /// Directory of journals and snapshots, relative to this file; each mode gets a directory of its own in it.
    /// Default: state.
    #[schemars(length(min = 1), extend("default" = defaults::STATE))]
    pub state: Option<String>,
    /// How agents are hosted in `swarm run`.
    pub actors: Option<Actors>,
    /// How the journal of `swarm run` is kept.
    pub journal: Option<Journal>,
}

/// What is traded, and where its candles come from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// `synthetic` or `synthetic:SEED` (made up, reproducible), `replay:DIR` (recorded candles, DIR relative to this
    /// file), `aster` or `aster-testnet` (the exchange's streams). `--market` overrides it. Default: synthetic.
    #[schemars(extend("default" = "synthetic"))]
    pub source: Option<MarketText>,
    /// Contracts, as the venue writes them. Agents are numbered in this order.
    #[schemars(required, length(min = 1, max = 1000))]
    pub symbols: Option<Vec<Symbol>>,
    /// Lengths of candles. Agents decide on the shortest; each other must be a multiple of it.
    #[schemars(required, length(min = 1, max = 16), with = "Vec<IntervalText>")]
    pub intervals: Option<Vec<Interval>>,
    /// Seed of the synthetic market: the same seed gives the same candles. Default: 1.
    #[schemars(range(min = 0), extend("default" = defaults::SEED))]
    pub seed: Option<u64>,
    /// Time of the synthetic market's first candle, in UTC. Default: 2025-01-01.
    #[schemars(extend("default" = "2025-01-01"))]
    pub start: Option<Instant>,
    /// A hole in the candles: `reset` makes indicators that span it wait until refilled, `carry` goes on as if it
    /// were not there. Default: reset.
    #[schemars(extend("default" = "reset"))]
    pub gaps: Option<GapPolicy>,
    /// With `mode: live`: a mark price further than this share from the last price is not believed until two more agree
    /// with it, or a candle closes there. Until then no stop follows it, no breaker counts it, and the contract takes no
    /// entry. Below it is what a second brings on a thin contract, above it what bad ticks are. Default: 0.1.
    #[schemars(with = "Option<Decimal>", range(min = 0.01, max = 10), extend("default" = 0.1))]
    pub max_mark_jump: Option<Rate>,
}

/// An account and the limits on it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    /// Starting equity on paper and in backtests, in USDT.
    #[schemars(required, with = "Decimal", range(min = 1, max = 100000000))]
    pub equity: Option<Usd>,
    /// Limits of this portfolio.
    pub risk: Option<PortfolioRisk>,
    /// With `mode: live`, the AsterDEX account: the first part of the environment variables that hold its keys.
    pub account: Option<Name>,
}

/// Agents that trade one portfolio and are judged together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Name of the portfolio it trades.
    #[schemars(required)]
    pub portfolio: Option<Name>,
    /// Its agents.
    #[schemars(required, length(min = 1, max = 10000))]
    pub agents: Option<Vec<Agents>>,
}

/// One agent a symbol, all with the same rule and parameters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Agent file, relative to this one, or the name of a shipped one such as `expert`.
    #[serde(rename = "use")]
    #[schemars(required, length(min = 1))]
    pub file: Option<String>,
    /// Number of agents: one a symbol, in order. Default: as many as there are symbols.
    #[schemars(range(min = 1, max = 10000))]
    pub count: Option<u32>,
    /// The symbols they trade. Default: all of `market.symbols`.
    #[schemars(length(min = 1, max = 1000))]
    pub symbols: Option<Vec<Symbol>>,
    /// Parameters of the rule that differ from the agent file's.
    pub set: Option<Params>,
    /// Limits of each of these agents, over those of the agent file.
    pub risk: Option<Risk>,
    /// First part of their names; the symbol follows. Default: the cohort's name.
    pub name: Option<Name>,
}

/// Which cohorts are compared.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The cohort that is in place.
    #[schemars(required)]
    pub control: Option<Name>,
    /// The cohort that wants its place.
    #[schemars(required)]
    pub treatment: Option<Name>,
}

/// The HTTP interface and dashboard.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port. `--listen` overrides it. Default: 127.0.0.1:8080.
    #[schemars(extend("default" = defaults::LISTEN))]
    pub listen: Option<String>,
}

/// How agents are hosted in `swarm run`. Nothing here changes what agents decide.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Actors {
    /// Threads that host agents. Default: 1.
    #[schemars(range(min = 1, max = 64), extend("default" = defaults::ARBITERS))]
    pub arbiters: Option<u32>,
    /// Messages that wait in front of one actor before the sender is told that it is full. Default: 1024.
    #[schemars(range(min = 16, max = 65536), extend("default" = defaults::MAILBOX_CAPACITY))]
    pub mailbox_capacity: Option<u32>,
    /// What happens to an agent whose rule panicked.
    pub restart: Option<Restart>,
}

/// How the journal of `swarm run` is kept. Nothing of it is ever removed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Records after which it goes on in another file, with a snapshot of the state before it: a start reads at most
    /// about twice as many. Default: 250000.
    #[schemars(range(min = 100, max = 100000000), extend("default" = defaults::FILE_RECORDS))]
    pub file_records: Option<u32>,
    /// Full files that stay as they are; older ones are compressed. Default: 4.
    #[schemars(range(min = 0, max = 100000), extend("default" = defaults::UNPACKED_FILES))]
    pub unpacked_files: Option<u32>,
}

/// What happens to an agent whose rule panicked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Restarts within `within` before the agent stays failed until an operator starts it. Default: 5.
    #[schemars(range(min = 0, max = 1000), extend("default" = defaults::MAX_RESTARTS))]
    pub max_restarts: Option<u32>,
    /// The time in which restarts are counted, at most 30d. Default: 10m.
    #[schemars(extend("default" = "10m"))]
    pub within: Option<Span>,
    /// Wait before the first restart, doubled for each further one, at most 1h. Default: 1s.
    #[schemars(extend("default" = "1s"))]
    pub back_off: Option<Span>,
    /// Longest wait before a restart, at most 1d. Default: 1m.
    #[schemars(extend("default" = "1m"))]
    pub back_off_max: Option<Span>,
}

impl Restart {
    /// The first wait and the longest one.
    pub fn waits(&self) -> (Span, Span) {
        let first = self.back_off.unwrap_or(Span(defaults::BACK_OFF_MS));
        (first, self.back_off_max.unwrap_or(Span(defaults::BACK_OFF_MAX_MS)))
    }
}

/// An agent file: a rule with its parameters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentFile {
    /// The rule by its name, and below it the parameters that differ from the rule's defaults.
    #[schemars(required)]
    pub rule: Option<Params>,
    /// What this agent is, for people.
    pub description: Option<String>,
    /// Limits of each agent that uses this file.
    pub risk: Option<Risk>,
}
