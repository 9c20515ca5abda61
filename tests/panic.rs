//! A rule that panics: its agent is down for a while, its position stays under its stop, and nobody else
//! notices. The actor host is driven directly here, since no rule that ships does such a thing.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::actors::{self, Barrier, Ended, KillSwitch, Pace, Setup};
use asterswarm::cli::prepare;
use asterswarm::config;
use asterswarm::control::{AgentState, Control, ControlError, Request, Snapshot};
use asterswarm::fold::Folded;
use asterswarm::market::{Query, Recording, load};
use asterswarm::record::{Listeners, Recorder};
use asterswarm::store::{Manifest, StateDir, WriterOptions};
use asterswarm::telemetry::Metrics;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{M5, Place, SWARM, SYMBOLS, candle_text, candles};
use swarm_core::engine::{Engine, EngineOptions, MakeRule, RestartPolicy, Sink};
use swarm_core::experiment::Report;
use swarm_core::features::Wants;
use swarm_core::model::{
    AgentChange, AgentId, Decision, DecisionRecord, Explanation, Fact, HOUR_MS, Plan, Step, Tape, Time,
};
use swarm_core::risk::Supervisor;
use swarm_core::rule::{Rule, View};
use tokio::sync::mpsc;

/// Two restarts, the first 2 h after the panic.
const POLICY: RestartPolicy =
    RestartPolicy { max_restarts: 2, window_ms: 240 * HOUR_MS, back_off_ms: 2 * HOUR_MS, max_back_off_ms: 6 * HOUR_MS };
/// Rows that no symbol has: the panic is at the first step after them.
const HOLE: std::ops::Range<usize> = 500..506;
/// Requests that wait at most.
const WAITING: usize = 16;
/// Rows of a symbol, those of the hole counted.
const ROWS: i64 = 700;

/// Which rule panics, and at which steps.
#[derive(Clone, Copy, Debug)]
struct Fault {
    agent: AgentId,
    from: Time,
    /// At every step from then on, not only at that one.
    always: bool,
}

struct Breaking {
    rule: Box<dyn Rule>,
    fault: Fault,
}

impl Rule for Breaking {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let now = view.frame.candle.open_time.plus(M5);
        let Fault { from, always, .. } = self.fault;
        if now == from || (always && now > from) {
            // A panic without the noise of the hook.
            std::panic::resume_unwind(Box::new(format!("broken at {}", now.0)));
        }
        self.rule.decide(view)
    }
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.rule.explain(view, decision)
    }
}

struct Rules {
    rules: prepare::Rules,
    fault: Option<Fault>,
}

impl MakeRule for Rules {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        let rule = self.rules.make(agent, wants)?;
        match self.fault.filter(|fault| fault.agent == agent) {
            Some(fault) => Ok(Box::new(Breaking { rule, fault })),
            None => Ok(rule),
        }
    }
}

/// Every fact of a run, and its fingerprint.
struct Run {
    facts: Vec<Fact>,
    fingerprint: String,
}

struct Collector {
    facts: Vec<Fact>,
    recorder: Recorder,
}

impl Sink for Collector {
    fn fact(&mut self, fact: &Fact) {
        self.facts.push(fact.clone());
        self.recorder.fact(fact);
    }
    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.recorder.step_end(step, supervisor);
    }
}

/// A tape that ends after so many steps.
struct Short(Box<dyn Tape + Send>, u64);

impl Tape for Short {
    fn next(&mut self, step: &mut Step) -> bool {
        self.1 = self.1.saturating_sub(1);
        self.1 > 0 && self.0.next(step)
    }
}

/// A swarm and its market.
struct Stage {
    place: Place,
    plan: Arc<Plan>,
    recording: Arc<Recording>,
}

impl Stage {
    fn new() -> Self {
        let place = Place::with(SWARM);
        for (index, symbol) in SYMBOLS.iter().enumerate() {
            let rows = candles(7, index, ROWS);
            place.put(&format!("data/5m/{symbol}.csv"), candle_text(&rows, |row| !HOLE.contains(&row)));
        }
        let plan = config::load(&place.path("swarm.yaml")).unwrap().plan;
        let query = Query {
            dir: place.path("data"),
            symbols: SYMBOLS.map(str::to_owned).to_vec(),
            base: plan.base,
            from: None,
            to: None,
        };
        Self { place, plan: Arc::new(plan), recording: Arc::new(load(&query).unwrap()) }
    }

    fn rules(&self, fault: Option<Fault>) -> Rules {
        Rules { rules: prepare::rules(&self.plan), fault }
    }

    fn by_loop(&self, fault: Option<Fault>) -> Run {
        let options = EngineOptions { record_holds: true, record_candles: true, restart: POLICY };
        let mut engine = Engine::new(Arc::clone(&self.plan), self.rules(fault), options).unwrap();
        let mut sink = Collector { facts: Vec::new(), recorder: Recorder::new(Arc::clone(&self.plan), None) };
        engine.run(&mut self.recording.tape(), &mut sink, |_| true);
        Run { facts: sink.facts, fingerprint: sink.recorder.fingerprint() }
    }

    /// Goes on after `history` to the end of the tape; gives the facts of the journal, history included.
    fn by_actors(&self, history: &[Fact], steps: u64, runner: &Runner) -> (Run, Report) {
        let state = self.place.path(&format!("state-{}", runner.name));
        let manifest = Manifest::new(&self.plan, "test", 0, "", Time(0));
        let opened = StateDir::open(&state, &manifest).unwrap();
        let writer = Arc::new(opened.dir.writer(WriterOptions::default(), |_| {}).unwrap());
        writer.append(history.to_vec()).unwrap();
        let (control, requests) = Control::new(WAITING);
        let watcher = runner.watch.map(|watch| {
            let control = control.clone();
            std::thread::spawn(move || watch(&Watched { control }))
        });
        let setup = self.setup(history, steps, runner, Arc::clone(&writer), (control, requests));
        let outcome = actix::System::new().block_on(actors::run(setup)).unwrap();
        assert_eq!(outcome.ended, Ended::Complete);
        if let Some(watcher) = watcher {
            watcher.join().unwrap();
        }
        drop(Arc::into_inner(writer));
        let report = *outcome.report.unwrap();
        (Run { facts: journaled(&state), fingerprint: report.fingerprint.clone() }, report)
    }

    fn setup(
        &self,
        history: &[Fact],
        steps: u64,
        runner: &Runner,
        writer: Arc<asterswarm::store::JournalWriter>,
        (control, requests): (Control, mpsc::Receiver<Request>),
    ) -> Setup {
        let metrics = Metrics::new(&self.plan, "test");
        let listeners = Listeners { metrics: metrics.clone(), control: control.clone() };
        let mut folded = Folded::new(&self.plan, POLICY, Some(listeners));
        history.iter().for_each(|fact| folded.apply(fact));
        Setup {
            plan: Arc::clone(&self.plan),
            make: Arc::new(self.rules(runner.fault)),
            tape: Box::new(Short(Box::new(self.recording.tape()), steps)),
            live: None,
            accounts: Vec::new(),
            warm_up_steps: 0,
            is_new: history.is_empty(),
            folded,
            writer,
            barrier: Barrier::Grouped,
            record_holds: true,
            arbiters: runner.arbiters,
            mailbox_capacity: 64,
            restart: POLICY,
            pace: runner.pace,
            run_for: None,
            market: "test".to_owned(),
            load_s: 0.0,
            control,
            requests,
            metrics,
            kill: KillSwitch::default(),
        }
    }

    /// An agent of the cohort `control` that holds a position over the hole, and the first step after it.
    fn fault(&self, undisturbed: &Run, always: bool) -> Fault {
        let from = Time(support::START + (HOLE.end as i64 + 1) * M5);
        let mut supervisor = Supervisor::new(Arc::clone(&self.plan));
        for fact in undisturbed.facts.iter().take_while(|fact| !matches!(fact, Fact::StepEnd { at } if *at >= from)) {
            supervisor.apply(fact);
        }
        let agent = (0..3).map(AgentId).find(|agent| supervisor.position_view(*agent).is_some());
        Fault { agent: agent.expect("one of three holds a position"), from, always }
    }
}

/// How the actors are run.
struct Runner {
    name: &'static str,
    fault: Option<Fault>,
    arbiters: usize,
    pace: Pace,
    watch: Option<fn(&Watched)>,
}

/// A running swarm as an operator sees it.
struct Watched {
    control: Control,
}

impl Watched {
    fn until(&self, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        support::until(what, || runtime.block_on(self.control.snapshot()).ok().filter(&is))
    }
}

fn journaled(state: &Path) -> Vec<Fact> {
    let view = asterswarm::store::StateView::open(state).unwrap();
    let facts = view.facts().unwrap().map(|record| record.unwrap().fact);
    facts.filter(|fact| !matches!(fact, Fact::End { .. })).collect()
}

fn lives(run: &Run, agent: AgentId) -> Vec<(Time, &AgentChange)> {
    let life = |fact| match fact {
        &Fact::Agent { at, agent: of, ref change } if of == agent => Some((at, change)),
        _ => None,
    };
    run.facts.iter().filter_map(life).collect()
}

/// All decisions of everyone else.
fn others(run: &Run, agent: AgentId) -> Vec<&DecisionRecord> {
    let decision = |fact| match fact {
        &(Fact::Signal(ref record) | Fact::Hold(ref record)) if record.agent != agent => Some(&**record),
        _ => None,
    };
    run.facts.iter().filter_map(decision).collect()
}

fn decisions(run: &Run, agent: AgentId) -> usize {
    run.facts.iter().filter(|fact| matches!(fact, Fact::Signal(of) | Fact::Hold(of) if of.agent == agent)).count()
}

/// Both hosts, with any number of arbiters, write the same facts about this fault; gives them.
fn check(stage: &Stage, fault: Fault) -> Run {
    let by_loop = stage.by_loop(Some(fault));
    for (name, arbiters) in [("one", 1), ("three", 3)] {
        let runner = Runner { name, fault: Some(fault), arbiters, pace: Pace::Max, watch: None };
        let (by_actors, _) = stage.by_actors(&[], u64::MAX, &runner);
        assert_eq!(by_actors.fingerprint, by_loop.fingerprint, "{arbiters} arbiters");
        let differs = by_actors.facts.iter().zip(&by_loop.facts).find(|(one, other)| one != other);
        assert_eq!(differs, None, "{arbiters} arbiters");
        assert_eq!(by_actors.facts.len(), by_loop.facts.len());
    }
    by_loop
}

#[test]
fn a_panic_is_the_agents_own_affair() {
    let stage = Stage::new();
    let undisturbed = stage.by_loop(None);
    let fault = stage.fault(&undisturbed, false);
    let broken = check(&stage, fault);
    assert_eq!(others(&broken, fault.agent), others(&undisturbed, fault.agent), "the others decide as ever");
    let message = format!("broken at {}", fault.from.0);
    assert_eq!(
        lives(&broken, fault.agent),
        [
            (fault.from, &AgentChange::Panicked { message }),
            (fault.from.plus(POLICY.back_off_ms), &AgentChange::Started)
        ],
    );
    let missing = decisions(&undisturbed, fault.agent) - decisions(&broken, fault.agent);
    assert_eq!(missing as i64, POLICY.back_off_ms / M5, "it decides again on the candle of its restart");
}

#[test]
fn too_many_panics_end_it() {
    let stage = Stage::new();
    let undisturbed = stage.by_loop(None);
    let fault = stage.fault(&undisturbed, true);
    let broken = check(&stage, fault);
    assert_eq!(others(&broken, fault.agent), others(&undisturbed, fault.agent), "the others decide as ever");
    let at = |hours: i64| fault.from.plus(hours * HOUR_MS);
    let panicked = |at: Time| AgentChange::Panicked { message: format!("broken at {}", at.0) };
    // 2 h after the first panic, 4 h after the second, never after the third.
    let expected = [
        (at(0), panicked(at(0))),
        (at(2), AgentChange::Started),
        (at(2), panicked(at(2))),
        (at(6), AgentChange::Started),
        (at(6), panicked(at(6))),
        (at(6), AgentChange::Failed),
    ];
    let lives: Vec<(Time, AgentChange)> =
        lives(&broken, fault.agent).into_iter().map(|(at, change)| (at, change.clone())).collect();
    assert_eq!(lives, expected);
}

#[test]
fn while_it_is_down_its_stop_is_at_the_venue() {
    let stage = Stage::new();
    let undisturbed = stage.by_loop(None);
    let fault = Some(stage.fault(&undisturbed, true));
    let watch = |watched: &Watched| {
        let down =
            watched.until("the back-off", |seen| seen.agents.iter().any(|agent| agent.state == AgentState::Restarting));
        let agent = down.agents.iter().find(|agent| agent.state == AgentState::Restarting).unwrap();
        assert!(agent.last_error.as_deref().is_some_and(|error| error.contains("broken at")), "{agent:?}");
        let position = down.positions.iter().find(|position| position.agent == agent.name).unwrap();
        assert!(position.stop_price.is_some(), "{position:?}");
        let stop = down.orders.iter().find(|order| order.agent == agent.name && order.accepted);
        assert!(stop.is_some(), "it rests at the venue: {:?}", down.orders);
        let failed =
            watched.until("the failure", |seen| seen.agents.iter().any(|agent| agent.state == AgentState::Failed));
        assert_eq!(failed.agents.iter().filter(|agent| agent.state == AgentState::Running).count(), 5);
        assert_eq!(failed.agents.iter().map(|agent| agent.restarts).sum::<u32>(), 2);
    };
    // 5 ms a step: two hours of back-off are a tenth of a second.
    let runner = Runner { name: "paced", fault, arbiters: 1, pace: Pace::Times(60_000.0), watch: Some(watch) };
    stage.by_actors(&[], u64::MAX, &runner);
}

#[test]
fn a_restart_of_the_process_keeps_back_off_and_failure() {
    let stage = Stage::new();
    let undisturbed = stage.by_loop(None);
    let fault = stage.fault(&undisturbed, true);
    let whole = stage.by_loop(Some(fault));
    let runner = |name| Runner { name, fault: Some(fault), arbiters: 2, pace: Pace::Max, watch: None };
    let before = HOLE.start as u64;
    // Ended right after the first panic, in the second back-off, and after the failure.
    for (name, steps) in [("first", before + 2), ("second", before + 40), ("failed", before + 100)] {
        let (part, _) = stage.by_actors(&[], steps, &runner(name));
        assert!(whole.facts.starts_with(&part.facts), "{name}");
        assert!(!lives(&part, fault.agent).is_empty(), "{name}: it has panicked by then");
        std::fs::remove_dir_all(stage.place.path(&format!("state-{name}"))).unwrap();
        let (gone_on, report) = stage.by_actors(&part.facts, u64::MAX, &runner(name));
        assert_eq!(lives(&gone_on, fault.agent), lives(&whole, fault.agent), "{name}");
        assert_eq!(gone_on.fingerprint, whole.fingerprint, "{name}");
        assert_eq!(gone_on.facts.len(), whole.facts.len(), "{name}");
        assert_eq!(report.market.candles, 3 * (ROWS as u64 - HOLE.len() as u64), "{name}");
    }
}

#[test]
fn whoever_asks_without_a_pause_does_not_keep_the_steps_waiting() {
    static ANSWERS: AtomicU64 = AtomicU64::new(0);
    let stage = Stage::new();
    let watch = |watched: &Watched| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // More than can wait, so the queue is full all the time.
            let askers = (0..4 * WAITING).map(|_| async {
                loop {
                    match watched.control.snapshot().await {
                        Ok(_) => drop(ANSWERS.fetch_add(1, Ordering::Relaxed)),
                        Err(ControlError::Unavailable(why)) if why.contains("too many") => {
                            tokio::task::yield_now().await
                        }
                        Err(_) => return,
                    }
                }
            });
            futures_util::future::join_all(askers).await;
        });
    };
    let runner = Runner { name: "asked", fault: None, arbiters: 1, pace: Pace::Max, watch: Some(watch) };
    let (run, _) = stage.by_actors(&[], u64::MAX, &runner);
    assert_eq!(run.fingerprint, stage.by_loop(None).fingerprint);
    // Between two steps no more are answered than can wait, and one that came as the queue was looked at.
    let most = (ROWS as u64 + 10) * (WAITING as u64 + 1);
    let answers = ANSWERS.load(Ordering::Relaxed);
    assert!((1..=most).contains(&answers), "{answers} answers");
}
