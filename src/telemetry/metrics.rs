//! Every metric of the swarm in one registry of its own, none global: two swarms in one process, or two
//! tests, do not meet. Names and labels are a contract with dashboards and alerts.
//!
//! It knows the plan's names and what it is told, nothing of actors or HTTP.

use super::agent_cells::AgentCells;
use super::exposition::{escape_label, write_agents};
use super::handles::{CohortMetrics, PortfolioMetrics, series};
use super::labels::{Actor, CandleFate, DropReason, EntryWay, OrderOutcome, VenueLabel};
use dashmap::DashMap;
use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::{Action, AgentId, CohortId, DifferenceKind, Mode, Plan, PortfolioId, SymbolId, Time};
use swarm_core::risk::RefusalReason;

/// Upper bounds in seconds: 1 us to 100 ms.
const DECISION_BUCKETS: [f64; 16] =
    [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1];
/// Upper bounds in seconds: 50 us to 1 s.
const FLUSH_BUCKETS: [f64; 14] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0];
/// Upper bounds in seconds: 1 ms to 30 s, from a simulated venue to one that is overloaded.
const ROUNDTRIP_BUCKETS: [f64; 14] =
    [1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// All metrics of a swarm. Cloned freely; the clones are one.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    mode: Mode,
    agents: DashMap<AgentId, Arc<AgentCells>>,
    cohorts: Vec<(String, Arc<CohortMetrics>)>,
    portfolios: Vec<PortfolioMetrics>,
    feed_lag: Vec<Gauge>,
    feed_candles: Vec<IntCounter>,
    feed_reconnects: IntCounter,
    contract_changed: Vec<Gauge>,
    marks_unconfirmed: Vec<IntCounter>,
    mailbox_depth: Vec<Gauge>,
    dropped: Vec<Vec<IntCounter>>,
    roundtrip: Vec<Histogram>,
    journal_flush: Histogram,
    market_time: Gauge,
}

impl Metrics {
    /// Metrics of this plan, all at 0. `version` is the software's.
    pub fn new(plan: &Plan, version: &str) -> Self {
        let labels = HashMap::from([("mode".to_owned(), plan.mode.label().to_owned())]);
        let registry = Registry::new_custom(None, Some(labels)).expect("invariant: `mode` is a valid label");
        let build = GaugeVec::new(Opts::new("swarm_build_info", "Always 1; says which software runs."), &["version"]);
        register(&registry, build).with_label_values(&[version]).set(1.0);

        let shared = Shared {
            mode: plan.mode,
            agents: DashMap::new(),
            cohorts: cohorts(&registry, plan),
            portfolios: portfolios(&registry, plan),
            feed_lag: feed_lag(&registry, plan),
            feed_candles: feed_candles(&registry),
            feed_reconnects: register(
                &registry,
                IntCounter::new("swarm_feed_reconnects_total", "Times that lost streams of market data came back."),
            ),
            contract_changed: contract_changed(&registry, plan),
            marks_unconfirmed: marks_unconfirmed(&registry, plan),
            mailbox_depth: mailbox_depth(&registry),
            dropped: dropped(&registry),
            roundtrip: roundtrip(&registry),
            journal_flush: register(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new("swarm_journal_flush_seconds", "Time to make journal records durable.")
                        .buckets(FLUSH_BUCKETS.to_vec()),
                ),
            ),
            market_time: register(
                &registry,
                Gauge::new("swarm_market_time_seconds", "Close time of the last step, seconds since the epoch."),
            ),
            registry,
        };
        let metrics = Self { shared: Arc::new(shared) };
        for (index, agent) in plan.agents.iter().enumerate() {
            metrics.add_agent(AgentId::at(index), &agent.name, agent.cohort);
        }
        metrics
    }

    /// The figures of an agent, to be held by whoever reports often. What is reported of a removed agent
    /// goes nowhere: its last messages may still be under way.
    pub fn agent(&self, id: AgentId) -> Arc<AgentCells> {
        match self.shared.agents.get(&id) {
            Some(cells) => Arc::clone(&cells),
            None => Arc::new(AgentCells::new(String::new(), Arc::new(unseen_cohort()))),
        }
    }

    /// Adds an agent's series, at 0; those of an agent with the same id are replaced.
    pub fn add_agent(&self, id: AgentId, name: &str, cohort: CohortId) {
        let (cohort_name, cohort) = &self.shared.cohorts[cohort.index()];
        let labels = format!(
            r#"agent="{}",cohort="{}",mode="{}""#,
            escape_label(name),
            escape_label(cohort_name),
            self.shared.mode.label()
        );
        let cells = Arc::new(AgentCells::new(labels, Arc::clone(cohort)));
        self.shared.agents.insert(id, cells);
    }

    /// Takes an agent's series off the page.
    pub fn remove_agent(&self, id: AgentId) {
        self.shared.agents.remove(&id);
    }

    /// The figures of a cohort of the plan.
    pub fn cohort(&self, id: CohortId) -> &CohortMetrics {
        &self.shared.cohorts[id.index()].1
    }

    /// The figures of a portfolio of the plan.
    pub fn portfolio(&self, id: PortfolioId) -> &PortfolioMetrics {
        &self.shared.portfolios[id.index()]
    }

    /// Journal records became durable after this long.
    pub fn journal_flush(&self, took: Duration) {
        self.shared.journal_flush.observe(took.as_secs_f64());
    }

    /// From sending an order to the venue's answer.
    pub fn order_roundtrip(&self, venue: VenueLabel, took: Duration) {
        self.shared.roundtrip[venue as usize].observe(took.as_secs_f64());
    }

    /// A mark of a symbol of the plan was too far from the last price to be believed yet.
    pub fn mark_unconfirmed(&self, symbol: SymbolId) {
        self.shared.marks_unconfirmed[symbol.index()].inc();
    }

    /// Age of the newest market data of a symbol of the plan, in seconds.
    pub fn feed_lag(&self, symbol: SymbolId, seconds: f64) {
        self.shared.feed_lag[symbol.index()].set(seconds);
    }

    /// A candle of the market had this fate.
    pub fn feed_candle(&self, fate: CandleFate) {
        self.shared.feed_candles[fate as usize].inc();
    }

    /// Streams of market data were lost and are back.
    pub fn feed_reconnected(&self) {
        self.shared.feed_reconnects.inc();
    }

    /// Whether the venue has a contract of the plan otherwise than the swarm took it over.
    pub fn contract_changed(&self, symbol: SymbolId, changed: bool) {
        self.shared.contract_changed[symbol.index()].set(f64::from(u8::from(changed)));
    }

    /// Messages waiting for an actor; for agents, the longest queue.
    pub fn mailbox_depth(&self, actor: Actor, messages: usize) {
        self.shared.mailbox_depth[actor as usize].set(messages as f64);
    }

    /// A message to this kind of actor was not delivered.
    pub fn dropped(&self, actor: Actor, reason: DropReason) {
        self.dropped_many(actor, reason, 1);
    }

    /// So many messages to this kind of actor were not delivered.
    pub fn dropped_many(&self, actor: Actor, reason: DropReason, messages: u64) {
        self.shared.dropped[actor as usize][reason as usize].inc_by(messages);
    }

    /// Close time of the last step.
    pub fn market_time(&self, at: Time) {
        self.shared.market_time.set(at.0 as f64 / 1_000.0);
    }

    /// The page, in text exposition format 0.0.4.
    pub fn render(&self) -> String {
        // In declared order: the map has none.
        let mut agents: Vec<_> = self.shared.agents.iter().map(|entry| (*entry.key(), Arc::clone(&entry))).collect();
        agents.sort_by_key(|(id, _)| *id);
        let agents: Vec<_> = agents.into_iter().map(|(_, cells)| cells).collect();
        // A line is about 90 bytes; 14 lines an agent.
        let mut page = String::with_capacity(agents.len() * 1_400 + 32 * 1_024);
        write_agents(&mut page, &agents);
        TextEncoder::new()
            .encode_utf8(&self.shared.registry.gather(), &mut page)
            .expect("invariant: every family has a name and a series");
        page
    }

    /// The media type of [`Self::render`].
    pub fn content_type() -> String {
        TextEncoder::new().format_type().to_owned()
    }
}

/// Registers a collector whose name and labels are written in this file.
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("invariant: names and labels are valid");
    registry.register(Box::new(collector.clone())).expect("invariant: names are used once");
    collector
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauges(registry: &Registry, name: &str, help: &str, label: &str) -> GaugeVec {
    register(registry, GaugeVec::new(Opts::new(name, help), &[label]))
}

fn cohorts(registry: &Registry, plan: &Plan) -> Vec<(String, Arc<CohortMetrics>)> {
    let actions = counters(registry, "swarm_decisions_by_action_total", "Decisions by action.", &["cohort", "action"]);
    let refusals = counters(registry, "swarm_refusals_total", "Refused intents by reason.", &["cohort", "reason"]);
    let latency = HistogramOpts::new("swarm_decision_latency_seconds", "Time that a decision took.");
    let latency = register(registry, HistogramVec::new(latency.buckets(DECISION_BUCKETS.to_vec()), &["cohort"]));
    let metrics = |name: &str| CohortMetrics {
        actions: Action::ALL.map(|action| actions.with_label_values(&[name, action.label()])),
        refusals: RefusalReason::ALL.map(|reason| refusals.with_label_values(&[name, reason.label()])),
        latency: latency.with_label_values(&[name]),
    };
    plan.cohorts.iter().map(|cohort| (cohort.name.clone(), Arc::new(metrics(&cohort.name)))).collect()
}

/// Figures that are on no page, for agents that are on none.
fn unseen_cohort() -> CohortMetrics {
    let counter = || IntCounter::new("unseen_total", "Unseen.").expect("invariant: the name is valid");
    CohortMetrics {
        actions: std::array::from_fn(|_| counter()),
        refusals: std::array::from_fn(|_| counter()),
        latency: Histogram::with_opts(HistogramOpts::new("unseen", "Unseen.").buckets(vec![1.0]))
            .expect("invariant: the name is valid"),
    }
}

fn portfolios(registry: &Registry, plan: &Plan) -> Vec<PortfolioMetrics> {
    let gauge = |name, help| gauges(registry, name, help, "portfolio");
    let equity = gauge("swarm_equity_usdt", "Equity marked to market.");
    let drawdown = gauge("swarm_drawdown_ratio", "1 - equity / peak equity.");
    let leverage = gauge("swarm_leverage_ratio", "Gross notional over equity.");
    let open_positions = gauge("swarm_open_positions", "Open positions.");
    let reserved = gauge("swarm_reserved_notional_usdt", "Notional held back for working entries.");
    let tripped = gauge("swarm_breaker_tripped", "1 while the breaker is tripped, else 0.");
    let gated = gauge("swarm_entries_gated", "1 while entries wait for reconciliation, else 0.");
    let orders = counters(registry, "swarm_orders_total", "Orders by what became of them.", &["portfolio", "status"]);
    let differences = counters(
        registry,
        "swarm_reconcile_differences_total",
        "Differences found between venue and book.",
        &["portfolio", "kind"],
    );
    let entries = counters(
        registry,
        "swarm_strategy_entries_total",
        "Entries that were to leave with their stop, by how they left.",
        &["portfolio", "way"],
    );
    let refused =
        gauge("swarm_strategies_refused", "1 while the venue does not take some entries with their stop, else 0.");
    let metrics = |name: &str| PortfolioMetrics {
        equity: equity.with_label_values(&[name]),
        drawdown: drawdown.with_label_values(&[name]),
        leverage: leverage.with_label_values(&[name]),
        open_positions: open_positions.with_label_values(&[name]),
        reserved_notional: reserved.with_label_values(&[name]),
        breaker_tripped: tripped.with_label_values(&[name]),
        entries_gated: gated.with_label_values(&[name]),
        orders: series(&orders, name, OrderOutcome::ALL.iter().map(|outcome| outcome.label())),
        differences: series(&differences, name, DifferenceKind::ALL.iter().map(|kind| kind.label())),
        entries: series(&entries, name, EntryWay::ALL.iter().map(|way| way.label())),
        strategies_refused: refused.with_label_values(&[name]),
    };
    plan.portfolios.iter().map(|portfolio| metrics(&portfolio.name)).collect()
}

fn feed_lag(registry: &Registry, plan: &Plan) -> Vec<Gauge> {
    let lag = gauges(registry, "swarm_feed_lag_seconds", "Age of the newest market data.", "symbol");
    plan.instruments.iter().map(|instrument| lag.with_label_values(&[&instrument.symbol])).collect()
}

fn contract_changed(registry: &Registry, plan: &Plan) -> Vec<Gauge> {
    let help = "1 while the venue's filters differ from those that the swarm took over, else 0.";
    let changed = gauges(registry, "swarm_contract_changed", help, "symbol");
    plan.instruments.iter().map(|instrument| changed.with_label_values(&[&instrument.symbol])).collect()
}

fn marks_unconfirmed(registry: &Registry, plan: &Plan) -> Vec<IntCounter> {
    let help = "Marks too far from the last price to be believed before others confirmed them.";
    let marks = counters(registry, "swarm_marks_unconfirmed_total", help, &["symbol"]);
    plan.instruments.iter().map(|instrument| marks.with_label_values(&[&instrument.symbol])).collect()
}

fn feed_candles(registry: &Registry) -> Vec<IntCounter> {
    let help = "Live candles that did not come as they should, by what became of them.";
    let candles = counters(registry, "swarm_feed_candles_total", help, &["fate"]);
    CandleFate::ALL.iter().map(|fate| candles.with_label_values(&[fate.label()])).collect()
}

fn mailbox_depth(registry: &Registry) -> Vec<Gauge> {
    let depth = gauges(registry, "swarm_mailbox_depth", "Messages waiting, by kind of actor.", "actor");
    Actor::ALL.iter().map(|actor| depth.with_label_values(&[actor.label()])).collect()
}

fn dropped(registry: &Registry) -> Vec<Vec<IntCounter>> {
    let dropped = counters(registry, "swarm_dropped_total", "Messages not delivered.", &["actor", "reason"]);
    let reasons = || DropReason::ALL.iter().map(|reason| reason.label());
    Actor::ALL.iter().map(|actor| series(&dropped, actor.label(), reasons())).collect()
}

fn roundtrip(registry: &Registry) -> Vec<Histogram> {
    let opts = HistogramOpts::new("swarm_order_roundtrip_seconds", "From sending an order to the venue's answer.");
    let roundtrip = register(registry, HistogramVec::new(opts.buckets(ROUNDTRIP_BUCKETS.to_vec()), &["venue"]));
    VenueLabel::ALL.iter().map(|venue| roundtrip.with_label_values(&[venue.label()])).collect()
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
