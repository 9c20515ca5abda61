//! swarm.yaml and agent files as they are written: the types the JSON Schemas come from.
//!
//! Every key is optional here, also those the schema requires, so that a file with faults can still
//! be looked at as a whole. Nothing is resolved and no default is filled in; the defaults named here
//! are those of [`defaults`](super::defaults).

use super::defaults;
use super::market::MarketText;
use super::scalars::{Decimal, Instant, IntervalText, Name, Span, Symbol};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use swarm_core::model::{CandlePath, GapPolicy, Interval, Mode, OnTrip, Price, Qty, Rate, Usd};

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
    #[schemars(required, extend("minProperties" = 1))]
    pub portfolios: Option<Named<Name, Portfolio>>,
    /// Groups of agents by name, each trading one portfolio and judged as one.
    #[schemars(required, extend("minProperties" = 1))]
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
}

/// Which venue executes orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VenueKind {
    /// The simulated exchange.
    #[default]
    Simulated,
    /// AsterDEX, with `mode: live`.
    Aster,
}

/// When a resting limit order of the simulated exchange fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FillRule {
    /// When the price goes past it by a tick: somebody else was ahead in the queue.
    #[default]
    TradeThrough,
    /// When the price reaches it.
    Touch,
}

/// What stands behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MarginMode {
    /// The whole wallet.
    #[default]
    Cross,
    /// Only the margin set apart for it.
    Isolated,
}

/// Where orders go. All keys but `kind` and `instruments` are parameters of the simulated exchange.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Venue {
    /// `simulated` for paper and backtests, `aster` for live. Default: simulated.
    #[schemars(extend("default" = "simulated"))]
    pub kind: Option<VenueKind>,
    /// Fee of a fill that rested in the book, as a share of notional; negative is a rebate. Default: 0.0001.
    #[schemars(with = "Option<Decimal>", range(min = -0.01, max = 0.1), extend("default" = 0.0001))]
    pub maker_fee: Option<Rate>,
    /// Fee of a fill that took from the book, as a share of notional. Default: 0.00035.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 0.1), extend("default" = 0.00035))]
    pub taker_fee: Option<Rate>,
    /// Bid-ask spread in basis points of the price; a taker pays half of it. Default: 1.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1000), extend("default" = 1))]
    pub spread_bps: Option<Rate>,
    /// Share of the price paid when taking as much as the candle traded, linear below. Default: 0.01.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1), extend("default" = 0.01))]
    pub impact: Option<Rate>,
    /// Milliseconds from sending an order to its arrival in the book. Default: 50.
    #[schemars(range(min = 0, max = 60000), extend("default" = 50))]
    pub latency_ms: Option<u32>,
    /// The way of the price inside a candle: `worse` takes first the extreme that is worse for the position.
    /// Default: worse.
    #[schemars(extend("default" = "worse"))]
    pub path: Option<CandlePath>,
    /// When a resting limit order fills. Default: trade-through.
    #[schemars(extend("default" = "trade-through"))]
    pub fill: Option<FillRule>,
    /// Whether positions share the wallet. Default: cross.
    #[schemars(extend("default" = "cross"))]
    pub margin: Option<MarginMode>,
    /// Time between funding payments. Default: 8h.
    #[schemars(extend("default" = "8h"))]
    pub funding_interval: Option<Span>,
    /// Filters of single contracts, by symbol, where they differ from the built-in ones.
    pub instruments: Option<Named<Symbol, Filters>>,
}

/// A contract's filters, where they differ from the built-in ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Step of a price, in USDT.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000))]
    pub tick: Option<Price>,
    /// Step of a quantity, in units of the base asset.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000))]
    pub step: Option<Qty>,
    /// Smallest quantity of an order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000000))]
    pub min_qty: Option<Qty>,
    /// Largest quantity of a limit order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 10000000000_i64))]
    pub max_qty: Option<Qty>,
    /// Largest quantity of a market order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 10000000000_i64))]
    pub max_market_qty: Option<Qty>,
    /// Smallest notional of an order that is not reduce-only, in USDT.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1000000))]
    pub min_notional: Option<Usd>,
    /// Largest distance of a limit price from the mark price, as a share of it.
    #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
    pub price_band: Option<Rate>,
    /// Largest distance from the mark price at which a market order executes, as a share of it.
    #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
    pub market_take_bound: Option<Rate>,
    /// Fee of a liquidation, as a share of its notional.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1))]
    pub liquidation_fee: Option<Rate>,
    /// Most open orders at a time, stops and targets included.
    #[schemars(range(min = 1, max = 10000))]
    pub max_open_orders: Option<u32>,
    /// Leverage table, ascending by notional. Maintenance amounts follow from it.
    #[schemars(length(min = 1, max = 20))]
    pub brackets: Option<Vec<Bracket>>,
}

/// A row of the leverage table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// Largest notional of a position in this row, in USDT.
    #[schemars(required, with = "Decimal", range(min = 1, max = 10000000000_i64))]
    pub notional_cap: Option<Usd>,
    /// Highest leverage up to there.
    #[schemars(required, range(min = 1, max = 1000))]
    pub max_leverage: Option<u32>,
    /// Maintenance margin as a share of notional.
    #[schemars(required, with = "Decimal", range(min = 0.0001, max = 0.9))]
    pub maintenance_rate: Option<Rate>,
}

/// So many losses in a row end entries for a while.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossRun {
    /// Closed trades with a loss in a row.
    #[schemars(required, range(min = 1, max = 1000))]
    pub losses: Option<u32>,
    /// How long entries are refused after the last of them, at most 30d.
    #[schemars(required)]
    pub cool_down: Option<Span>,
}

/// Limits of one level, with the further keys of that level.
macro_rules! risk {
    ($(#[$doc:meta])* $name:ident { $($further:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Most open positions, reserved ones included. Default: 3 in a portfolio, else not limited.
            #[schemars(range(min = 1, max = 10000))]
            pub max_positions: Option<u32>,
            /// Highest leverage of an order, and of gross notional over equity. Default: 5 in a portfolio, else not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.1, max = 125))]
            pub max_leverage: Option<Rate>,
            /// Drawdown from peak equity, as a share, at which the breaker trips. Default: 0.15 in a portfolio, else
            /// not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.001, max = 1))]
            pub max_drawdown: Option<Rate>,
            /// Loss since 00:00 UTC, as a share of the equity then, that ends entries for the day. Default: not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.001, max = 1))]
            pub daily_loss: Option<Rate>,
            /// So many losses in a row end entries for a while. Default: not limited.
            pub loss_run: Option<LossRun>,
            /// Largest notional of one position, in USDT; larger entries are cut. Default: not limited.
            #[schemars(with = "Option<Decimal>", range(min = 1, max = 10000000000_i64))]
            pub max_notional: Option<Usd>,
            /// Most entries approved within any 60 seconds. Default: 60 in a portfolio, else not limited.
            #[schemars(range(min = 1, max = 100000))]
            pub entries_per_minute: Option<u32>,
            /// Largest distance of an entry's price from the mark price, as a share of it. Default: 0.05 in a portfolio,
            /// else not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
            pub price_collar: Option<Rate>,
            /// Oldest market data an entry may rest on, at most 30d. Default: two base intervals in a portfolio, else not
            /// limited.
            pub max_age: Option<Span>,
            $($further)*
        }
    };
}

risk!(
    /// Limits of the swarm or of one agent. What is not written does not limit here.
    Risk {}
);

risk!(
    /// Limits of a portfolio.
    PortfolioRisk {
        /// Consecutive marks with the drawdown reached that trip the breaker: one wild mark does not. Default: 3.
        #[schemars(range(min = 1, max = 1000), extend("default" = defaults::BREAKER_SAMPLES))]
        pub breaker_samples: Option<u32>,
        /// What a trip does besides refusing entries: `halt` leaves positions under their stops, `flatten` closes them.
        /// Default: halt.
        #[schemars(extend("default" = "halt"))]
        pub on_trip: Option<OnTrip>,
        /// Refuse entries without a stop. Default: true.
        #[schemars(extend("default" = defaults::REQUIRE_STOP))]
        pub require_stop: Option<bool>,
    }
);

impl PortfolioRisk {
    /// The limits every level has.
    pub fn common(&self) -> Risk {
        Risk {
            max_positions: self.max_positions,
            max_leverage: self.max_leverage,
            max_drawdown: self.max_drawdown,
            daily_loss: self.daily_loss,
            loss_run: self.loss_run,
            max_notional: self.max_notional,
            entries_per_minute: self.entries_per_minute,
            price_collar: self.price_collar,
            max_age: self.max_age,
        }
    }
}

impl Risk {
    /// These limits, and where one is absent that of `under`.
    pub fn over(&self, under: &Self) -> Self {
        Self {
            max_positions: self.max_positions.or(under.max_positions),
            max_leverage: self.max_leverage.or(under.max_leverage),
            max_drawdown: self.max_drawdown.or(under.max_drawdown),
            daily_loss: self.daily_loss.or(under.daily_loss),
            loss_run: self.loss_run.or(under.loss_run),
            max_notional: self.max_notional.or(under.max_notional),
            entries_per_minute: self.entries_per_minute.or(under.entries_per_minute),
            price_collar: self.price_collar.or(under.price_collar),
            max_age: self.max_age.or(under.max_age),
        }
    }
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
