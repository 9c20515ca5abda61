//! Start and recovery, which are one path: fold the journal, warm the feed, start the actors, check that
//! venue and book agree, trade.

use super::address::Address;
use super::agent::Agent;
use super::director::{Director, DirectorActor};
use super::execution::Execution;
use super::feed::{Feed, absorb};
use super::journal::{Barrier, Journal};
use super::kill::KillSwitch;
use super::live::{Drivers, LiveAccount, Marks, lanes};
use super::observer::Observer;
use super::slot::Slot;
use super::stepper::Floor;
use super::supervisor::SupervisorActor;
use crate::control::{Control, Request};
use crate::fold::{Folded, WarmUp};
use crate::store::{JournalFailure, JournalWriter};
use crate::telemetry::{Actor as ActorName, Metrics};
use crate::venue::SimulatedVenue;
use actix::{Actor, Arbiter, ArbiterHandle};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::engine::{BuildError, Crew, LifeState, MakeRule, RestartPolicy};
use swarm_core::exchange::Exchange;
use swarm_core::experiment::Report;
use swarm_core::features::{Hub, Wants};
use swarm_core::model::{AgentId, Fact, Interval, Plan, PortfolioId, Rate, Step, SymbolId, Tape, Time};
use swarm_core::risk::Supervisor;
use swarm_core::rule::Rule;
use tokio::sync::mpsc;

/// How fast market time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times as fast as the wall clock.
    Times(f64),
    /// As fast as the swarm decides.
    Max,
}

impl Pace {
    /// When the next step is due after one that was due at `due`.
    pub(super) fn after(self, due: tokio::time::Instant, interval: Interval) -> tokio::time::Instant {
        match self {
            Self::Max => due,
            Self::Times(times) => {
                let wait = Duration::from_secs_f64(interval.ms() as f64 / 1_000.0 / times);
                // A swarm that fell behind goes on from now instead of racing to catch up.
                (due + wait).max(tokio::time::Instant::now())
            }
        }
    }
    /// The factor; none at full speed.
    pub const fn speed(self) -> Option<f64> {
        match self {
            Self::Times(times) => Some(times),
            Self::Max => None,
        }
    }
}

/// A market that goes on by itself, after the tape.
pub struct Live {
    /// Its steps as they close.
    pub steps: mpsc::Receiver<Step>,
    /// The market's time now.
    pub clock: Clock,
    /// Mark prices as they come.
    pub marks: Marks,
}

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Everything a running swarm is made of.
pub struct Setup {
    /// What to trade, with what, within which limits.
    pub plan: Arc<Plan>,
    /// Makes rules.
    pub make: Arc<dyn MakeRule>,
    /// The market, from its beginning.
    pub tape: Box<dyn Tape + Send>,
    /// What follows the tape; none when its end is the end.
    pub live: Option<Live>,
    /// Steps of the tape that only warm the feed.
    pub warm_up_steps: u64,
    /// The state that the journal gives, at a step's end.
    pub folded: Folded,
    /// The journal holds nothing yet, so that what warms the features has to be recorded.
    pub is_new: bool,
    /// Accounts at a live venue, by portfolio; empty on the simulated exchange.
    pub accounts: Vec<LiveAccount>,
    /// Where facts go.
    pub writer: Arc<JournalWriter>,
    /// When an append is answered.
    pub barrier: Barrier,
    /// Record HOLD decisions in full.
    pub record_holds: bool,
    /// Arbiters: 1 has everything on the caller's; 2 sets trading apart; more spread the agents.
    pub arbiters: usize,
    /// Messages a mailbox holds per sender.
    pub mailbox_capacity: usize,
    /// How panics are treated.
    pub restart: RestartPolicy,
    /// How fast.
    pub pace: Pace,
    /// Wall time after which the run ends.
    pub run_for: Option<Duration>,
    /// Where the market comes from, in words.
    pub market: String,
    /// Seconds spent loading.
    pub load_s: f64,
    /// The operator's hand.
    pub control: Control,
    /// What the operator asks.
    pub requests: mpsc::Receiver<Request>,
    /// Prometheus.
    pub metrics: Metrics,
    /// The kill flag.
    pub kill: KillSwitch,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No more data.
    Complete,
    /// Cleanly, before the data did; why.
    Stopped(String),
    /// It could not go on; why. Stops that rest at the venue stay there.
    Halted(String),
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The report; absent when the supervisor itself was lost.
    pub report: Option<Box<Report>>,
}

/// Why a swarm could not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The market does not reach where the journal ends.
    #[error(
        "the journal ends at {journal}, but the market has no candles that close then; \
         give the same --market, --from and --to as before, or another --state"
    )]
    MarketTooShort {
        /// Last step of the journal.
        journal: Time,
    },
    /// The journal takes nothing.
    #[error(transparent)]
    Journal(JournalFailure),
    /// Venue and book disagree after recovery.
    #[error(
        "after recovery the venue and the book of portfolio `{portfolio}` disagree: {difference}; entries stay gated"
    )]
    Disagreement {
        /// Which account.
        portfolio: String,
        /// How.
        difference: String,
    },
}

/// Makes rules and starts agents' actors, for the director.
pub struct Hands {
    plan: Arc<Plan>,
    make: Arc<dyn MakeRule>,
    wants: RefCell<Vec<Wants>>,
    arbiters: Vec<ArbiterHandle>,
    mailbox_capacity: usize,
    record_holds: bool,
    metrics: Metrics,
}

impl Hands {
    /// A fresh rule for an agent. Its wishes are known to the hub, so its slots are as before.
    pub fn make(&self, agent: AgentId) -> Result<Box<dyn Rule>, String> {
        let symbol = self.plan.agents[agent.index()].symbol;
        self.make.make(agent, &mut self.wants.borrow_mut()[symbol.index()])
    }

    /// Starts an agent's actor on its arbiter.
    pub fn start_agent(&self, id: AgentId, rule: Box<dyn Rule>) -> Address<Agent> {
        let agent = Agent::new(id, Arc::clone(&self.plan), rule, self.record_holds);
        let addr = host(&self.arbiters, id.index(), self.mailbox_capacity, agent);
        Address::new(addr, ActorName::Agent, self.metrics.clone())
    }
}

/// Starts an actor with a bounded mailbox on one of `arbiters`, or here when there is none.
fn host<A>(arbiters: &[ArbiterHandle], index: usize, capacity: usize, actor: A) -> actix::Addr<A>
where
    A: Actor<Context = actix::Context<A>> + Send,
{
    let make = move |context: &mut actix::Context<A>| {
        context.set_mailbox_capacity(capacity);
        actor
    };
    match arbiters.len() {
        0 => A::create(make),
        count => A::start_in_arbiter(&arbiters[index % count], make),
    }
}

/// Warms the hub with everything before the next step: the warm-up, and what the journal has covered.
fn warm(setup: &mut Setup, hub: &mut Hub, last_step: Option<Time>) -> Result<Vec<Option<Rate>>, BootError> {
    let mut rates = vec![None; setup.plan.instruments.len()];
    let (mut step, mut inputs) = (Step::default(), WarmUp::default());
    // A live market's past may be another one at the next start: candles that were missed are there then.
    let records = setup.is_new || !setup.accounts.is_empty();
    for _ in 0..setup.warm_up_steps {
        if !setup.tape.next(&mut step) {
            break;
        }
        absorb(hub, &mut rates, &step);
        if records {
            inputs.take(&step);
        }
    }
    if records && !inputs.is_empty() {
        setup.writer.append(inputs.facts()).map_err(BootError::Journal)?;
    }
    let Some(last_step) = last_step else { return Ok(rates) };
    while step.close_time < last_step {
        if !setup.tape.next(&mut step) {
            return Err(BootError::MarketTooShort { journal: last_step });
        }
        absorb(hub, &mut rates, &step);
    }
    if step.close_time == last_step { Ok(rates) } else { Err(BootError::MarketTooShort { journal: last_step }) }
}

/// Venue and book must agree before anything trades.
fn reconcile(plan: &Plan, supervisor: &Supervisor, exchanges: &[Exchange]) -> Result<(), BootError> {
    for (index, exchange) in exchanges.iter().enumerate() {
        let portfolio = PortfolioId::at(index);
        let held = exchange.held().iter().filter_map(|symbol| Some((*symbol, exchange.position(*symbol)?.holding.qty)));
        if let Err(violation) = swarm_core::invariants::agrees(supervisor, portfolio, held) {
            let portfolio = plan.portfolios[index].name.clone();
            return Err(BootError::Disagreement { portfolio, difference: violation.to_string() });
        }
    }
    Ok(())
}

/// Runs a swarm inside the caller's actix system until it ends.
pub async fn run(mut setup: Setup) -> Result<Outcome, BootError> {
    let crew = Crew::build(&setup.plan, setup.make.as_ref())?;
    let mut hub = Hub::new(setup.plan.base, setup.plan.gaps, &crew.wants).map_err(BuildError::from)?;
    let last_step = setup.folded.last_step;
    if let Some(live) = setup.live.as_ref().filter(|_| !setup.accounts.is_empty()) {
        let at = (live.clock)();
        setup.writer.append([Fact::Start { at }]).map_err(BootError::Journal)?;
    }
    let rates = warm(&mut setup, &mut hub, last_step)?;
    // A live account is reconciled by its desk, while entries are gated.
    if setup.accounts.is_empty() {
        reconcile(&setup.plan, &setup.folded.supervisor, &setup.folded.exchanges)?;
    }
    // What was appended so far may still be on its way to the disk.
    let seq = setup.writer.flush().map_err(BootError::Journal)?;
    let director = assemble(setup, crew, hub, rates, seq).await;
    match DirectorActor::begin(director).await {
        Ok((ended, report)) => Ok(Outcome { ended, report }),
        Err(_) => Ok(Outcome { ended: Ended::Halted("the director is gone".to_owned()), report: None }),
    }
}

async fn assemble(mut setup: Setup, crew: Crew, hub: Hub, rates: Vec<Option<Rate>>, seq: u64) -> Director {
    let folded = setup.folded;
    let (plan, metrics) = (Arc::clone(&setup.plan), setup.metrics.clone());
    // One arbiter for what trades together, the others for groups of agents.
    let arbiters: Vec<ArbiterHandle> = (1..setup.arbiters).map(|_| Arbiter::new().handle()).collect();
    let (trading, groups) = arbiters.split_at(arbiters.len().min(1));
    let capacity = setup.mailbox_capacity;
    let journal = Journal::new(Arc::clone(&setup.writer), setup.barrier);
    let journal = Address::new(host(trading, 0, capacity, journal), ActorName::Journal, metrics.clone());
    let supervisor = {
        let actor = SupervisorActor::new(
            Arc::clone(&plan),
            seq,
            folded.supervisor,
            folded.recorder,
            journal,
            setup.kill.clone(),
        );
        Address::new(host(trading, 0, capacity, actor), ActorName::Supervisor, metrics.clone())
    };
    let mut drivers = Drivers::new();
    let marks = setup.live.as_ref().map(|live| (Arc::clone(&live.clock), live.marks.clone()));
    let mut live = Vec::new();
    if let Some((clock, marks)) = marks {
        let (lanes, ends) = lanes(plan.portfolios.len());
        let accounts = std::mem::take(&mut setup.accounts).into_iter().zip(folded.desks);
        for ((mut account, desk), commands) in accounts.zip(ends) {
            account.desk.take_over(desk);
            let portfolio = account.desk.portfolio();
            let own = supervisor.for_another_producer();
            let lane = lanes[portfolio.index()].clone();
            let actor = Execution::live(portfolio, plan.base, lane, own, setup.kill.clone());
            live.push(Address::new(host(trading, 0, capacity, actor), ActorName::Execution, metrics.clone()));
            let (own, kill) = (supervisor.for_another_producer(), setup.kill.clone());
            drivers.drive(account, commands, &lanes, own, &plan, &clock, &marks, kill, metrics.clone()).await;
        }
    }
    let simulated = if live.is_empty() { folded.exchanges } else { Vec::new() };
    let executions = simulated.into_iter().enumerate().map(|(index, exchange)| {
        let venue = SimulatedVenue::new(exchange);
        let own = supervisor.for_another_producer();
        let actor = Execution::new(PortfolioId::at(index), plan.base, venue, own, setup.kill.clone());
        Address::new(host(trading, 0, capacity, actor), ActorName::Execution, metrics.clone())
    });
    let executions = live.into_iter().chain(executions).collect();
    let gaps = (0..plan.instruments.len()).map(|symbol| hub.gaps(SymbolId::at(symbol))).sum();
    let feed = {
        let slot = Slot::default();
        let own = supervisor.for_another_producer();
        let recorded = setup.live.is_none();
        let observer = Observer::new(Arc::clone(&plan), metrics.clone(), own, slot.clone(), recorded);
        let observer = Address::new(host(&[], 0, capacity, observer), ActorName::Observer, metrics.clone());
        let feed = Feed::new(setup.tape, hub, rates, slot, observer, metrics.clone());
        Address::new(host(&[], 0, capacity, feed), ActorName::Feed, metrics.clone())
    };
    let hands = Hands {
        plan: Arc::clone(&plan),
        make: setup.make,
        wants: RefCell::new(crew.wants),
        arbiters: groups.to_vec(),
        mailbox_capacity: capacity,
        record_holds: setup.record_holds,
        metrics: metrics.clone(),
    };
    let agents = crew.rules.into_iter().enumerate().map(|(index, rule)| {
        let id = AgentId::at(index);
        let down = matches!(folded.lives[index].state(), LifeState::Stopped | LifeState::Failed);
        (!down).then(|| hands.start_agent(id, rule))
    });
    let floor = Floor {
        feed,
        supervisor,
        executions,
        agents: agents.collect(),
        lives: folded.lives,
        policy: setup.restart,
        gaps,
    };
    let writer = Arc::clone(&setup.writer);
    let (clock, live) = setup.live.map(|live| (live.clock, live.steps)).unzip();
    Director {
        plan,
        floor,
        hands,
        metrics,
        kill: setup.kill,
        requests: setup.requests,
        pace: setup.pace,
        clock,
        live,
        drivers,
        run_for: setup.run_for,
        market: setup.market,
        now: folded.last_step.unwrap_or_default(),
        steps: folded.steps,
        phase: "starting".to_owned(),
        load_s: setup.load_s,
        journal_sequence: Arc::new(move || writer.durable().seq()),
    }
}
