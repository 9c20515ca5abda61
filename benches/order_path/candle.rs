//! From a candle's close to its orders' bytes, over the actors.

use crate::approved::{entry, plan, rest};
use crate::tell;
use crate::venue::{self, Arrival, Waiting};
use asterswarm::actors::{Barrier, KillSwitch, Live, LiveAccount, Marks, Pace, Setup, run};
use asterswarm::aster::environment::Version;
use asterswarm::cli::prepare;
use asterswarm::control::Control;
use asterswarm::fold::Folded;
use asterswarm::market::SyntheticTape;
use asterswarm::store::{Manifest, StateDir, WriterOptions};
use asterswarm::telemetry::Metrics;
use asterswarm::venue::live::{AsterLink, Told};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use swarm_core::delivery::{Desk, LinkState, Policy};
use swarm_core::engine::{MakeRule, RestartPolicy};
use swarm_core::features::Wants;
use swarm_core::model::*;
use swarm_core::rule::{Rule, View};
use tokio::sync::mpsc;

/// Candles until the expert's features are warm: SMA 100 on 1h candles.
const WARM_UP: u64 = 1_300;
/// A candle whose orders are not all there by then is left out, and most are not.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between the last order of a candle and the next candle: refusals are booked.
const PAUSE: Duration = Duration::from_millis(20);

/// The expert, who then enters whatever it has found.
struct Eager(Box<dyn Rule>);

impl Rule for Eager {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let decision = self.0.decide(view);
        if view.position.is_some() || view.entry_pending {
            return decision;
        }
        Decision { action: Action::Long, proposal: Some(Box::new(entry())), ..decision }
    }
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.0.explain(view, decision)
    }
}

/// The expert, who then does nothing.
struct Idle(Box<dyn Rule>);

impl Rule for Idle {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let decision = self.0.decide(view);
        Decision::hold(decision.confidence, decision.target_score)
    }
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.0.explain(view, decision)
    }
}

/// So many enter at each candle, the others watch.
struct Makes<M>(M, usize);

impl<M: MakeRule> MakeRule for Makes<M> {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        let expert = self.0.make(agent, wants)?;
        Ok(if agent.index() < self.1 { Box::new(Eager(expert)) } else { Box::new(Idle(expert)) })
    }
}

/// The market: what warms the features, and what is handed over one by one.
fn steps(plan: &Plan, count: usize) -> Vec<Step> {
    let mut tape = SyntheticTape::new(1, Time(1_735_689_600_000), plan.base, &plan.instruments);
    let mut step = Step::default();
    let mut next = || {
        tape.next(&mut step);
        step.funding.clear();
        step.clone()
    };
    (0..count).map(|_| next()).collect()
}

/// Hands candles over and waits for the orders of each.
struct Market {
    steps: Vec<Step>,
    send: mpsc::Sender<Step>,
    clock: Arc<AtomicI64>,
    arrivals: Receiver<Arrival>,
    /// Orders that each candle leads to.
    orders: usize,
    control: Control,
}

/// Times of each candle's first order, and of all.
#[derive(Default)]
struct Measured {
    first: Vec<Duration>,
    all: Vec<Duration>,
}

impl Market {
    fn play(self) -> Measured {
        let mut measured = Measured::default();
        // The first candles open connections, and until the account is reconciled entries are gated.
        let (count, mut left_out) = (self.steps.len(), 0);
        let opening = (count / 10).max(2);
        for (place, step) in self.steps.into_iter().enumerate() {
            self.clock.store(step.close_time.0, Ordering::Relaxed);
            while self.arrivals.try_recv().is_ok() {}
            let began = Instant::now();
            self.send.blocking_send(step).expect("the swarm runs");
            let mut times = Vec::with_capacity(self.orders);
            while times.len() < self.orders {
                let Ok(arrival) = self.arrivals.recv_timeout(PATIENCE) else { break };
                times.push(arrival.at - began);
            }
            if times.len() == self.orders && place >= opening {
                measured.first.extend(times.iter().min());
                measured.all.extend(times);
            } else {
                left_out += usize::from(place >= opening);
            }
            std::thread::sleep(PAUSE);
        }
        assert!(left_out * 20 <= count.max(20), "{left_out} of {count} candles did not lead to their orders");
        self.control.shutdown("measured");
        measured
    }
}

fn measured(agents: usize, orders: usize, candles: usize, barrier: Barrier) -> Measured {
    let plan = Arc::new(plan(agents));
    let symbols: Vec<String> = plan.instruments.iter().map(|one| one.symbol.clone()).collect();
    let (address, arrivals) = venue::start(&symbols, Waiting::Asleep);
    let mut warm_up = steps(&plan, WARM_UP as usize + candles + candles / 10);
    let live_steps = warm_up.split_off(WARM_UP as usize);
    let folder = tempfile::tempdir().expect("a folder for the state");
    let manifest = Manifest::new(&plan, "bench", 1, "bench", Time(0));
    let opened = StateDir::open(&folder.path().join("state"), &manifest).expect("a fresh state directory");
    let writer = opened.dir.writer(WriterOptions::default(), |_| {}).expect("a journal");
    let (control, requests) = Control::new(8);
    let (send, coming) = mpsc::channel(8);
    let clock = Arc::new(AtomicI64::new(warm_up.last().map_or(0, |step| step.close_time.0)));
    let market =
        Market { steps: live_steps, send, clock: Arc::clone(&clock), arrivals, orders, control: control.clone() };
    let told_clock: asterswarm::actors::Clock = Arc::new(move || Time(clock.load(Ordering::Relaxed)));
    actix::System::new().block_on(async {
        let (link, _) = AsterLink::open(rest(address, Version::V3), &plan).await.expect("the clock is told");
        let (tell, told) = mpsc::channel(8);
        tell.send(Told::Link(LinkState::Up)).await.expect("there is room");
        let desk = Desk::new(&plan, PortfolioId(0), "bench000".parse().expect("a tag"), Policy::default());
        let setup = Setup {
            make: Arc::new(Makes(prepare::rules(&plan), orders)),
            tape: Box::new(warm_up.into_iter()),
            live: Some(Live { steps: coming, clock: told_clock, marks: Marks::default() }),
            accounts: vec![LiveAccount { desk, link: Box::new(link), told }],
            warm_up_steps: WARM_UP,
            folded: Folded::new(&plan, RestartPolicy::default(), None),
            is_new: true,
            writer: Arc::new(writer),
            barrier,
            record_holds: true,
            arbiters: 1,
            mailbox_capacity: 1_024,
            restart: RestartPolicy::default(),
            pace: Pace::Times(1.0),
            run_for: None,
            market: "bench".into(),
            load_s: 0.0,
            control,
            requests,
            metrics: Metrics::new(&plan, "bench"),
            kill: KillSwitch::default(),
            plan,
        };
        let playing = tokio::task::spawn_blocking(move || market.play());
        run(setup).await.expect("the swarm starts");
        drop(tell);
        playing.await.expect("the market is played to its end")
    })
}

/// Measures a swarm of so many agents, each on a contract of its own.
pub(crate) fn measure(agents: usize, candles: usize) {
    println!("candle to bytes, {agents} agents, V3");
    for (barrier, name) in [(Barrier::Strict, "journal on disk first"), (Barrier::Grouped, "not waiting for the disk")]
    {
        let one = measured(agents, 1, candles, barrier);
        tell(&format!("{agents} agents, one enters, {name}"), &one.all);
        if agents > 1 {
            let all = measured(agents, agents, candles, barrier);
            tell(&format!("{agents} agents, all enter, {name}: the first order"), &all.first);
            tell(&format!("{agents} agents, all enter, {name}: each order"), &all.all);
        }
    }
}
