//! A checked file to the plan: names become indexes, defaults are filled in. Nothing can fail here; what
//! could has been told by the checks.

use super::check::{Checked, CheckedAgent};
use super::market::{MarketSpec, MarketText};
use super::runtime::{Hosts, RestartPolicy, RuntimePlan, Speed};
use super::scalars::{Name, Span, Symbol};
use super::written::{
    Cohort, FillRule, MarginMode, Market, Named, Portfolio, PortfolioRisk, Restart, Risk, Swarm, Venue,
};
use super::{defaults, instruments};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;
use swarm_core::delivery::Policy;
use swarm_core::model::{
    AgentPlan, CohortId, CohortPlan, ExchangeParams, ExperimentPlan, Instrument, Interval, Limits, LossRun, Millis,
    Mode, NAKED_TIMEOUT_MS, Plan, PortfolioId, PortfolioPlan, Rate, SymbolId,
};

/// Basis points in one.
pub(super) const BASIS_POINT: i64 = 10_000;

/// What the schema requires is there once a file has been checked.
fn required<T>(value: Option<T>) -> T {
    value.expect("invariant: a checked file has every required key")
}

/// The plan of a checked file.
pub(super) fn plan(checked: &Checked) -> Plan {
    let swarm = &checked.swarm;
    let market = required(swarm.market.as_ref());
    let intervals = intervals(market);
    let base = *required(intervals.first());
    let portfolios = required(swarm.portfolios.as_ref());
    let cohorts = required(swarm.cohorts.as_ref());
    let venue = swarm.venue.clone().unwrap_or_default();
    let is_live = swarm.mode.unwrap_or_default() == Mode::Live;
    let orders = venue.orders.as_ref().filter(|_| is_live);
    let cohort_plans: Vec<CohortPlan> = cohorts.0.iter().map(|cohort| cohort_plan(cohort, portfolios)).collect();
    Plan {
        name: required(swarm.name.as_ref()).0.clone(),
        mode: swarm.mode.unwrap_or_default(),
        base,
        intervals,
        gaps: market.gaps.unwrap_or_default(),
        instruments: contracts(market, &venue),
        exchange: exchange(&venue),
        limits: limits(&swarm.risk.clone().unwrap_or_default()),
        portfolios: portfolios.0.iter().map(|(name, written)| portfolio_plan(name, written, base)).collect(),
        agents: checked.agents.iter().map(|agent| agent_plan(agent, &cohort_plans)).collect(),
        experiment: swarm.experiment.as_ref().map(|experiment| ExperimentPlan {
            control: CohortId(place(cohorts, required(experiment.control.as_ref()))),
            treatment: CohortId(place(cohorts, required(experiment.treatment.as_ref()))),
        }),
        cohorts: cohort_plans,
        entry_protection: venue.entry_protection.unwrap_or_default(),
        max_mark_jump: is_live.then(|| market.max_mark_jump.unwrap_or(defaults::MAX_MARK_JUMP)),
        naked_timeout_ms: orders.and_then(|orders| orders.naked_timeout).map_or(NAKED_TIMEOUT_MS, |span| span.0),
    }
}

fn intervals(market: &Market) -> Vec<Interval> {
    let mut intervals = required(market.intervals.clone());
    intervals.sort_unstable();
    intervals
}

fn place<T>(named: &Named<Name, T>, name: &Name) -> u16 {
    let place = required(named.0.iter().position(|(known, _)| known == name));
    u16::try_from(place).expect("invariant: the schema allows fewer than 2^16")
}

fn contracts(market: &Market, venue: &Venue) -> Vec<Instrument> {
    let written = |symbol: &Symbol| venue.instruments.as_ref()?.0.iter().find(|(known, _)| known == symbol);
    let contract = |symbol: &Symbol| match written(symbol) {
        Some((_, filters)) => instruments::overridden(&symbol.0, filters),
        None => instruments::instrument(&symbol.0),
    };
    required(market.symbols.as_ref()).iter().map(contract).collect()
}

fn exchange(venue: &Venue) -> ExchangeParams {
    let default = ExchangeParams::default();
    ExchangeParams {
        maker_fee: venue.maker_fee.unwrap_or(default.maker_fee),
        taker_fee: venue.taker_fee.unwrap_or(default.taker_fee),
        // Basis points with up to four decimals, which the checks ask for, stay exact.
        spread: venue.spread_bps.map_or(default.spread, |bps| Rate(bps.0 / BASIS_POINT)),
        impact: venue.impact.unwrap_or(default.impact),
        latency_ms: venue.latency_ms.map_or(default.latency_ms, i64::from),
        path: venue.path.unwrap_or(default.path),
        fill_on_trade_through: venue.fill.unwrap_or_default() == FillRule::TradeThrough,
        isolated_margin: venue.margin.unwrap_or_default() == MarginMode::Isolated,
        funding_interval_ms: venue.funding_interval.map_or(default.funding_interval_ms, |span| span.0),
        participation: venue.participation,
    }
}

fn limits(written: &Risk) -> Limits {
    let run = |run: &super::written::LossRun| LossRun {
        losses: required(run.losses),
        cool_down_ms: required(run.cool_down).0,
    };
    Limits {
        max_positions: written.max_positions,
        max_leverage: written.max_leverage,
        max_drawdown: written.max_drawdown,
        daily_loss: written.daily_loss,
        loss_run: written.loss_run.as_ref().map(run),
        max_notional: written.max_notional,
        entries_per_minute: written.entries_per_minute,
        price_collar: written.price_collar,
        max_data_age_ms: written.max_age.map(|age| age.0),
    }
}

/// What limits a portfolio where its `risk` says nothing.
fn portfolio_defaults(base: Interval) -> Risk {
    Risk {
        max_positions: Some(defaults::MAX_POSITIONS),
        max_leverage: Some(defaults::MAX_LEVERAGE),
        max_drawdown: Some(defaults::MAX_DRAWDOWN),
        entries_per_minute: Some(defaults::ENTRIES_PER_MINUTE),
        price_collar: Some(defaults::PRICE_COLLAR),
        max_age: Some(Span(defaults::max_age_ms(base))),
        ..Risk::default()
    }
}

fn portfolio_plan(name: &Name, written: &Portfolio, base: Interval) -> PortfolioPlan {
    let none = PortfolioRisk::default();
    let risk = written.risk.as_ref().unwrap_or(&none);
    PortfolioPlan {
        name: name.0.clone(),
        equity: required(written.equity),
        limits: limits(&risk.common().over(&portfolio_defaults(base))),
        breaker_samples: risk.breaker_samples.unwrap_or(defaults::BREAKER_SAMPLES),
        on_trip: risk.on_trip.unwrap_or_default(),
        require_stop: risk.require_stop.unwrap_or(defaults::REQUIRE_STOP),
    }
}

fn cohort_plan((name, written): &(Name, Cohort), portfolios: &Named<Name, Portfolio>) -> CohortPlan {
    let portfolio = PortfolioId(place(portfolios, required(written.portfolio.as_ref())));
    CohortPlan { name: name.0.clone(), portfolio }
}

fn agent_plan(agent: &CheckedAgent, cohorts: &[CohortPlan]) -> AgentPlan {
    let small = |place: usize| u16::try_from(place).expect("invariant: the schema allows fewer than 2^16");
    AgentPlan {
        name: agent.name.clone(),
        cohort: CohortId(small(agent.cohort)),
        portfolio: cohorts[agent.cohort].portfolio,
        symbol: SymbolId(small(agent.symbol)),
        rule: agent.rule.clone(),
        params: agent.params.clone(),
        limits: limits(&agent.risk),
    }
}

/// What a run of a checked file needs beside the plan. `dir` is the file's directory.
pub(super) fn runtime(swarm: &Swarm, dir: &Path) -> RuntimePlan {
    let market = required(swarm.market.as_ref());
    let source = market.source.clone().unwrap_or(MarketText::Synthetic(None));
    let spec = match source.spec(market.seed) {
        MarketSpec::Replay { dir: data } => MarketSpec::Replay { dir: dir.join(data) },
        other => other,
    };
    let listen = swarm.api.as_ref().and_then(|api| api.listen.as_deref()).unwrap_or(defaults::LISTEN);
    let actors = swarm.actors.clone().unwrap_or_default();
    let restart = actors.restart.clone().unwrap_or_default();
    let journal = swarm.journal.clone().unwrap_or_default();
    let portfolios = required(swarm.portfolios.as_ref());
    let mode = swarm.mode.unwrap_or_default();
    RuntimePlan {
        market: spec,
        start: market.start.map_or(defaults::START, |start| start.0),
        speed: Speed::default(),
        venue: swarm.venue.as_ref().and_then(|venue| venue.kind).unwrap_or_default(),
        hosts: swarm.venue.as_ref().and_then(hosts),
        accounts: portfolios.0.iter().map(|(_, written)| Some(written.account.as_ref()?.0.clone())).collect(),
        reconcile: policy(&swarm.venue.clone().unwrap_or_default()),
        caps: swarm.venue.as_ref().and_then(|venue| venue.limits).unwrap_or_default(),
        margin: swarm.venue.as_ref().and_then(|venue| venue.margin),
        state_dir: dir.join(swarm.state.as_deref().unwrap_or(defaults::STATE)).join(mode.label()),
        listen: listen.parse().expect("invariant: the address has been checked"),
        arbiters: actors.arbiters.unwrap_or(defaults::ARBITERS) as usize,
        mailbox_capacity: actors.mailbox_capacity.unwrap_or(defaults::MAILBOX_CAPACITY) as usize,
        restart: restart_policy(&restart),
        journal_file_records: u64::from(journal.file_records.unwrap_or(defaults::FILE_RECORDS)),
        journal_unpacked_files: journal.unpacked_files.unwrap_or(defaults::UNPACKED_FILES) as usize,
    }
}

fn hosts(venue: &Venue) -> Option<Hosts> {
    Some(Hosts { rest: venue.rest_url.clone()?, stream: venue.stream_url.clone()? })
}

fn policy(venue: &Venue) -> Policy {
    let mut policy = Policy::default();
    let or = |written: Option<Span>, default: Millis| written.map_or(default, |span| span.0);
    let orders = venue.orders.clone().unwrap_or_default();
    policy.overdue_ms = or(orders.ask_after, policy.overdue_ms);
    policy.entry_life_ms = or(orders.send_entries_within, policy.entry_life_ms);
    policy.nonce_window_ms = or(orders.valid_for, policy.nonce_window_ms);
    policy.nonce_margin_ms = or(orders.valid_margin, policy.nonce_margin_ms);
    policy.noop_settles_ms = policy.noop_settles_ms.map(|settles| or(orders.nonce_settles, settles));
    let written = venue.reconcile.clone().unwrap_or_default();
    policy.period_ms = or(written.period, policy.period_ms);
    policy.down_period_ms = or(written.period_while_down, policy.down_period_ms);
    policy.balance_tolerance = written.balance_tolerance.unwrap_or(policy.balance_tolerance);
    for (kind, met_by) in written.met_by() {
        policy.differences.set(kind, met_by).expect("invariant: the schema has what each kind can be met by");
    }
    policy
}

fn restart_policy(restart: &Restart) -> RestartPolicy {
    let (first, longest) = restart.waits();
    RestartPolicy {
        max_restarts: restart.max_restarts.unwrap_or(defaults::MAX_RESTARTS),
        window_ms: restart.within.map_or(defaults::RESTART_WITHIN_MS, |span| span.0),
        back_off_ms: first.0,
        max_back_off_ms: longest.0,
    }
}

/// SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// SHA-256 of a plan. Its parameters are in order of their names, so it does not matter how they were
/// written. The text of ten thousand agents is hashed as it is made, never held.
pub fn config_hash(plan: &Plan) -> String {
    struct Hashing(Sha256);
    impl std::io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(Sha256::new());
    serde_json::to_writer(std::io::BufWriter::new(&mut hashing), plan).expect("invariant: a plan is JSON");
    hex(&hashing.0.finalize())
}
