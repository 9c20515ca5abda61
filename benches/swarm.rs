//! The actor host at size: 10,000 expert agents over 50 symbols on one machine. Prints how long the
//! start took, resident memory an agent, and how long one candle takes from being handed out until
//! every agent has decided and the supervisor has judged. Run with `cargo bench --bench swarm`; numbers
//! as arguments give other sizes: `cargo bench --bench swarm -- 1000 50`.

use asterswarm::actors::{Barrier, KillSwitch, Pace, Setup, run};
use asterswarm::cli::prepare;
use asterswarm::config::instruments;
use asterswarm::control::Control;
use asterswarm::fold::Folded;
use asterswarm::market::SyntheticTape;
use asterswarm::store::{Manifest, StateDir, WriterOptions};
use asterswarm::telemetry::Metrics;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use swarm_core::engine::RestartPolicy;
use swarm_core::model::*;

/// Steps that are measured, after the features are warm.
const STEPS: usize = 200;
/// Base candles until the expert's features are warm: SMA 100 on 1h candles.
const WARM_UP: u64 = 1_300;

/// When each step was asked for, and memory halfway.
#[derive(Default)]
struct Seen {
    pulls: Vec<Instant>,
    resident_kib: u64,
}

struct Watched {
    tape: SyntheticTape,
    left: usize,
    warm_up: u64,
    seen: Arc<Mutex<Seen>>,
}

impl Tape for Watched {
    fn next(&mut self, step: &mut Step) -> bool {
        if self.warm_up > 0 {
            self.warm_up -= 1;
            return self.tape.next(step);
        }
        let mut seen = self.seen.lock().expect("one thread");
        seen.pulls.push(Instant::now());
        if seen.pulls.len() == STEPS / 2 {
            seen.resident_kib = resident_kib();
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0 && self.tape.next(step)
    }
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn plan(agents: usize, symbols: usize) -> Plan {
    let expert = swarm_agents::registry::find("expert").expect("a shipped rule");
    let params = Arc::new((expert.complete)(&serde_json::json!({})));
    let portfolio = |name: &str| PortfolioPlan {
        name: name.into(),
        equity: Usd::whole(1_000_000),
        limits: Limits { max_positions: Some(symbols as u32), max_leverage: Some(Rate::whole(5)), ..Limits::default() },
        breaker_samples: 3,
        on_trip: OnTrip::Halt,
        require_stop: true,
    };
    let symbol = |index: usize| match index {
        0 => "BTCUSDT".to_owned(),
        1 => "ETHUSDT".to_owned(),
        2 => "SOLUSDT".to_owned(),
        _ => format!("COIN{index}USDT"),
    };
    Plan {
        name: "bench".into(),
        mode: Mode::Paper,
        base: Interval::M5,
        intervals: vec![Interval::M5, Interval::M15, Interval::H1],
        gaps: GapPolicy::Reset,
        instruments: (0..symbols).map(|index| instruments::instrument(&symbol(index))).collect(),
        exchange: ExchangeParams::default(),
        limits: Limits::default(),
        portfolios: vec![portfolio("bench")],
        cohorts: vec![CohortPlan { name: "bench".into(), portfolio: PortfolioId(0) }],
        agents: (0..agents)
            .map(|index| AgentPlan {
                name: format!("expert-{index}"),
                cohort: CohortId(0),
                portfolio: PortfolioId(0),
                symbol: SymbolId::at(index % symbols),
                rule: "expert".into(),
                params: Arc::clone(&params),
                limits: Limits::default(),
            })
            .collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
    }
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    // `cargo bench` says --bench; anything else only tries out whether it runs.
    let quick = sizes.is_empty() && !std::env::args().any(|argument| argument == "--bench");
    let agents = sizes.first().copied().unwrap_or(if quick { 100 } else { 10_000 });
    let symbols = sizes.get(1).copied().unwrap_or(if quick { 5 } else { 50 });

    let plan = Arc::new(plan(agents, symbols));
    let folder = tempfile::tempdir().expect("a folder for the state");
    let manifest = Manifest::new(&plan, "synthetic:1", 1, "bench", Time(0));
    let opened = StateDir::open(&folder.path().join("state"), &manifest).expect("a fresh state directory");
    let writer = opened.dir.writer(WriterOptions::default(), |_| {}).expect("a journal");
    let seen = Arc::new(Mutex::new(Seen::default()));
    let warm_up_steps = if quick { 20 } else { WARM_UP };
    let tape = SyntheticTape::new(1, Time(1_735_689_600_000), plan.base, &plan.instruments);
    let tape = Watched { tape, left: if quick { 10 } else { STEPS }, warm_up: warm_up_steps, seen: Arc::clone(&seen) };
    let (control, requests) = Control::new(8);
    let metrics = Metrics::new(&plan, "bench");
    let setup = Setup {
        make: Arc::new(prepare::rules(&plan)),
        plan: Arc::clone(&plan),
        tape: Box::new(tape),
        live: None,
        accounts: Vec::new(),
        warm_up_steps,
        folded: Folded::new(&plan, RestartPolicy::default(), None),
        is_new: true,
        writer: Arc::new(writer),
        barrier: Barrier::Grouped,
        record_holds: false,
        arbiters: 1,
        mailbox_capacity: 16,
        restart: RestartPolicy::default(),
        pace: Pace::Max,
        run_for: Some(Duration::from_secs(300)),
        market: "synthetic:1".into(),
        load_s: 0.0,
        control,
        requests,
        metrics,
        kill: KillSwitch::default(),
    };
    let before_kib = resident_kib();
    let began = Instant::now();
    let outcome = actix::System::new().block_on(run(setup)).expect("the swarm starts");
    let report = outcome.report.expect("a report");
    let seen = seen.lock().expect("one thread");
    let mut steps: Vec<Duration> = seen.pulls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort();
    let at = |share: f64| steps[((steps.len() - 1) as f64 * share) as usize];
    println!("agents {agents}, symbols {symbols}, decisions {}", report.timing.agent_candles);
    println!("start, {warm_up_steps} candles of warm-up a symbol included: {:?}", seen.pulls[0] - began);
    if seen.resident_kib > 0 {
        let grown = seen.resident_kib.saturating_sub(before_kib);
        println!("resident memory: {} KiB before, {:.2} KiB an agent more", before_kib, grown as f64 / agents as f64);
    }
    println!("one candle of every symbol, delivered and decided by all: p50 {:?}, p99 {:?}", at(0.5), at(0.99));
}
