//! One life of a simulated process: from what the disk holds to running actors, as `swarm run` starts them.

use super::follow::Follower;
use super::inside::{Lines, TOLD_WAITING};
use super::medium::Disk;
use super::port::Port;
use super::world::{Origin, World};
use crate::actors::{self, Barrier, Clock, KillSwitch, Live, LiveAccount, Marks, Pace, Setup};
use crate::control::{AgentAct, Control};
use crate::fold::Folded;
use crate::market::live::Assembly;
use crate::record::Listeners;
use crate::store::{Commit, JournalWriter, WriterOptions, recover};
use crate::telemetry::Metrics;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use swarm_core::delivery::Desk;
use swarm_core::engine::{Crew, MakeRule, RestartPolicy};
use swarm_core::features::{Hub, Wants};
use swarm_core::model::{
    AgentId, BreakerScope, Decision, Explanation, Fact, Mode, Plan, PortfolioId, Step, SymbolId, Time,
};
use swarm_core::rule::{Rule, View};
use swarm_core::sim::swarm::{Act, Cast, make_rule, tag};
use tokio::sync::mpsc;
use tokio::task::spawn_local;

/// Requests that may wait for the director.
const REQUESTS_WAITING: usize = 64;
/// Steps that may wait for the swarm.
const STEPS_WAITING: usize = 64;
/// Messages that a mailbox holds: few, so that senders wait at times.
const MAILBOX_CAPACITY: usize = 4;

/// What the lives of one run share.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) cast: Arc<dyn Cast>,
    /// Agents hold from then on.
    pub(super) end: Time,
}

/// A rule that holds once the play is over.
pub(super) struct Until {
    pub(super) inner: Box<dyn Rule>,
    pub(super) end: Time,
}

impl Rule for Until {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        if view.frame.now > self.end { Decision::hold(0.0, 0.0) } else { self.inner.decide(view) }
    }
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.inner.explain(view, decision)
    }
}

impl Stage {
    pub(super) fn make(
        &self,
        plan: &Arc<Plan>,
    ) -> impl Fn(AgentId, &mut Wants) -> Result<Box<dyn Rule>, String> + 'static {
        let (plan, cast, end) = (Arc::clone(plan), Arc::clone(&self.cast), self.end);
        let of_seed = self.world.enter(|host| (host.scenario().seed, host.scenario().rates.panic));
        move |agent, wants| {
            let inner = make_rule(cast.as_ref(), &plan, agent, wants, of_seed)?;
            Ok(Box::new(Until { inner, end }))
        }
    }

    /// What makes rules, shared by the actors of one thread.
    #[expect(clippy::arc_with_non_send_sync, reason = "a setup shares it so, and all of it stays in one thread")]
    fn shared(&self, plan: &Arc<Plan>) -> Arc<dyn MakeRule> {
        Arc::new(self.make(plan))
    }

    /// Starts a process; inside of its system. What cannot be started is said by the answer.
    pub(super) fn begin(&self) -> Result<(), String> {
        let (plan, life, medium) =
            self.world.enter(|host| (Arc::clone(&host.scenario().plan), host.life(), host.inside.medium.after_kill()));
        let mut disk = Disk { world: self.world.clone(), life, files: medium.clone() };
        // Reading and cutting belong to a process that lives, which this one does not yet.
        let (history, position) =
            recover(&mut disk.files, Path::new("memory"), Mode::Live).map_err(|error| error.to_string())?;
        self.take_in(&history, medium)?;
        let warm_up = self.warm_up(&plan)?;
        let (control, requests) = Control::new(REQUESTS_WAITING);
        let metrics = Metrics::new(&plan, "simulated");
        let restart = self.world.enter(|host| host.scenario().restart);
        let listeners = Listeners { metrics: metrics.clone(), control: control.clone() };
        let mut folded = Folded::new(&plan, restart, Some(listeners));
        history.iter().for_each(|fact| folded.apply(fact));
        if self.world.enter(|host| folded.supervisor != *host.inside.folded()) {
            return Err("the journal, read back, folds to other books than those that were written".into());
        }
        check_snapshot(&plan, restart, &history, &folded)?;
        let (accounts, told) = self.accounts(&plan, life);
        let (tape, warm_up_steps, last) = self.tape(&plan, folded.last_step, warm_up);
        let (lines, clock, live) = self.lines(life, &plan, told, control.clone(), last);
        let options = WriterOptions { file_records: 400, ..WriterOptions::default() };
        let world = self.world.clone();
        let on_commit = move |commit: Commit| {
            world.of_life(life, |host| told_durable(host, &commit));
        };
        self.world.enter(|host| {
            host.inside.live(lines);
            (0..plan.portfolios.len()).for_each(|account| host.connect(account));
        });
        let writer = JournalWriter::inline(disk, position, options, on_commit).map_err(|error| error.to_string())?;
        let setup = Setup {
            make: self.shared(&plan),
            plan,
            tape: Box::new(tape.into_iter()),
            live: Some(Live { steps: live, clock, marks: self.marks() }),
            accounts,
            warm_up_steps,
            is_new: history.is_empty(),
            folded,
            writer: Arc::new(writer),
            barrier: Barrier::Strict,
            record_holds: false,
            arbiters: 1,
            mailbox_capacity: MAILBOX_CAPACITY,
            restart,
            pace: Pace::Max,
            run_for: None,
            market: "simulated".into(),
            load_s: 0.0,
            control,
            requests,
            metrics,
            kill: KillSwitch::default(),
        };
        let world = self.world.clone();
        drop(spawn_local(async move {
            let ended = actors::run(setup).await;
            world.of_life(life, |host| host.inside.end(ended));
        }));
        Ok(())
    }

    fn marks(&self) -> Marks {
        self.world.enter(|host| host.inside.marks()).unwrap_or_default()
    }

    /// What was read back, compared with what was told to be durable.
    fn take_in(&self, history: &[Fact], medium: crate::store::MemoryMedium) -> Result<(), String> {
        self.world.enter(|host| {
            host.inside.medium = medium;
            let known = usize::try_from(host.facts()).unwrap_or(usize::MAX);
            let unseen = history.get(known..).unwrap_or_default();
            unseen.iter().for_each(|fact| host.inside.fold(fact));
            host.read_back(history.len() as u64, unseen);
            host.violation().map_or(Ok(()), |violation| Err(violation.to_string()))
        })
    }

    /// Base candles until every feature has a value.
    fn warm_up(&self, plan: &Arc<Plan>) -> Result<usize, String> {
        let crew = Crew::build(plan, &self.make(plan)).map_err(|error| error.to_string())?;
        let hub = Hub::new(plan.base, plan.gaps, &crew.wants).map_err(|error| error.to_string())?;
        Ok((0..plan.instruments.len()).map(|symbol| hub.warm_up_candles(SymbolId::at(symbol))).max().unwrap_or(0))
    }

    fn accounts(&self, plan: &Plan, life: u32) -> (Vec<LiveAccount>, Vec<mpsc::Sender<crate::venue::live::Told>>) {
        let policy = self.world.enter(|host| host.scenario().policy.clone());
        let account = |account: usize| {
            let desk = Desk::new(plan, PortfolioId::at(account), tag(), policy.clone());
            let (tell, told) = mpsc::channel(TOLD_WAITING);
            let link = Box::new(Port { world: self.world.clone(), account, life });
            (LiveAccount { desk, link, told }, tell)
        };
        (0..plan.portfolios.len()).map(account).unzip()
    }

    /// Steps of the past, how many of them only warm the features, and when the last of them closed.
    fn tape(&self, plan: &Plan, traded_until: Option<Time>, warm_up: usize) -> (Vec<Step>, u64, Time) {
        self.world.enter(|host| {
            // At least one, so that there is a last.
            let before = warm_up.max(1);
            let mut steps: BTreeMap<Time, Step> = BTreeMap::new();
            for index in 0..plan.instruments.len() {
                for candle in host.past(SymbolId::at(index), before) {
                    let close_time = candle.close_time(plan.base);
                    let empty =
                        || Step { close_time, candles: vec![None; plan.instruments.len()], funding: Vec::new() };
                    steps.entry(close_time).or_insert_with(empty).candles[index] = Some(*candle);
                }
            }
            let last = steps.last_key_value().map_or(host.scenario().start, |(at, _)| *at);
            let traded_until = traded_until.unwrap_or(last);
            let from = traded_until.plus(-(before as i64) * plan.base.ms());
            steps.retain(|at, _| *at > from);
            let warm_up = steps.range(..=traded_until).count() as u64;
            (steps.into_values().collect(), warm_up, last)
        })
    }

    /// What leads into the process, its clock, and its steps.
    fn lines(
        &self,
        life: u32,
        plan: &Arc<Plan>,
        told: Vec<mpsc::Sender<crate::venue::live::Told>>,
        control: Control,
        last: Time,
    ) -> (Lines, Clock, mpsc::Receiver<Step>) {
        let origin = Origin::now(self.world.enter(|host| host.now()));
        let skew = Arc::new(AtomicI64::new(0));
        let clock = clock(origin, Arc::clone(&skew));
        let (candles, stream) = mpsc::unbounded_channel();
        let (acts, asked) = mpsc::unbounded_channel();
        let (steps, live) = mpsc::channel(STEPS_WAITING);
        let follower = Follower {
            world: self.world.clone(),
            life,
            assembly: Assembly::new(plan.instruments.len(), plan.base, last, Follower::waits()),
            clock: Arc::clone(&clock),
            candles: stream,
            steps,
        };
        drop(spawn_local(follower.run()));
        drop(spawn_local(operate(self.world.clone(), life, Arc::clone(plan), control.clone(), asked)));
        (Lines { origin, told, marks: Marks::default(), candles, acts, control, skew }, clock, live)
    }
}

/// A state that was saved at the last end of a step goes on as the whole fold.
fn check_snapshot(plan: &Arc<Plan>, restart: RestartPolicy, facts: &[Fact], whole: &Folded) -> Result<(), String> {
    let Some(end) = facts.iter().rposition(|fact| matches!(fact, Fact::StepEnd { .. })) else { return Ok(()) };
    let mut until = Folded::new(plan, restart, None);
    facts[..=end].iter().for_each(|fact| until.apply(fact));
    let saved = until.save();
    let restored = Folded::restored(plan, restart, None, &saved);
    let mut restored = restored.ok_or("a state that was saved cannot be restored")?;
    facts[end + 1..].iter().for_each(|fact| restored.apply(fact));
    let desks = |folded: &Folded| format!("{:?}", folded.desks);
    let same = restored.supervisor == whole.supervisor && desks(&restored) == desks(whole);
    if same { Ok(()) } else { Err("a state that was saved does not go on as the whole fold".into()) }
}

/// The process' clock of the market: as the real one it is never set back.
fn clock(origin: Origin, skew: Arc<AtomicI64>) -> Clock {
    let shown = AtomicI64::new(i64::MIN);
    Arc::new(move || {
        let now = origin.time().plus(skew.load(Ordering::Relaxed));
        Time(shown.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    })
}

/// Facts are durable: they are part of the books, and these are looked at.
fn told_durable(host: &mut swarm_core::sim::swarm::Host<super::inside::Actors>, commit: &Commit) {
    for batch in &commit.batches {
        batch.facts.iter().for_each(|fact| host.inside.fold(fact));
        host.journaled(&batch.facts);
        host.look_at_books(&batch.facts);
    }
}

/// Carries operators' acts to the director, one after the other, as the API does.
async fn operate(world: World, life: u32, plan: Arc<Plan>, control: Control, mut asked: mpsc::UnboundedReceiver<Act>) {
    let agent_name = |agent: AgentId| plan.agents[agent.index()].name.clone();
    let portfolio_name = |portfolio: PortfolioId| plan.portfolios[portfolio.index()].name.clone();
    while let Some(act) = asked.recv().await {
        // What is refused is refused for a good reason: it is done already, or the director is busy.
        match act {
            Act::Stop(agent, policy) => drop(control.agent(&agent_name(agent), AgentAct::Stop(policy)).await),
            Act::Start(agent) => drop(control.agent(&agent_name(agent), AgentAct::Start).await),
            Act::Flatten(portfolio) => drop(control.flatten(Some(&portfolio_name(portfolio))).await),
            Act::Reset => {
                for scope in world.of_life(life, |host| tripped(host.inside.folded(), &plan)).unwrap_or_default() {
                    let name = match scope {
                        BreakerScope::Swarm => "swarm".to_owned(),
                        BreakerScope::Portfolio(portfolio) => portfolio_name(portfolio),
                        BreakerScope::Agent(agent) => agent_name(agent),
                    };
                    drop(control.reset_breaker(&name, "looked at it").await);
                }
            }
            _ => {}
        }
    }
}

fn tripped(books: &swarm_core::risk::Supervisor, plan: &Plan) -> Vec<BreakerScope> {
    let portfolios = (0..plan.portfolios.len()).map(|index| BreakerScope::Portfolio(PortfolioId::at(index)));
    let agents = (0..plan.agents.len()).map(|index| BreakerScope::Agent(AgentId::at(index)));
    let scopes = [BreakerScope::Swarm].into_iter().chain(portfolios).chain(agents);
    scopes.filter(|scope| books.breaker(*scope).is_some_and(swarm_core::risk::Breaker::is_tripped)).collect()
}
