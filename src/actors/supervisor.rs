//! The supervisor's actor: the one place through which every fact passes. Each act is one core call;
//! its facts go to the recorder and the journal before its commands are handed out.

use super::address::{Address, AskError};
use super::breath::Breath;
use super::journal::{Append, Journal};
use super::kill::KillSwitch;
use super::live::Seen;
use crate::control::DecisionView;
use crate::record::Recorder;
use actix::{Actor, ActorFuture, ActorFutureExt, AtomicResponse, Context, Handler, Message, MessageResult, WrapFuture};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::engine::{Answer, Sink, Standing, judge};
use swarm_core::experiment::Report;
use swarm_core::model::{
    AgentChange, AgentId, BreakerScope, Difference, Fact, Mark, Mode, Plan, PortfolioId, Rate, Step, SymbolId, Time,
    VenueEvent,
};
use swarm_core::risk::{Command, Effects, ResetError, Supervisor};

/// The swarm cannot go on; the reason is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Halt(pub String);

impl From<AskError> for Halt {
    fn from(error: AskError) -> Self {
        Self(error.to_string())
    }
}

/// One agent's part in a step, in declared order.
#[derive(Debug)]
pub enum Turn {
    /// Its back-off is over; it decides again.
    Restarted,
    /// It decided, in so much time.
    Answered(Answer, Duration),
    /// Its rule panicked; `failed` when it stays down.
    Panicked {
        /// The panic's message.
        message: String,
        /// Whether it stays down.
        failed: bool,
    },
}

/// Everything that can happen to the supervisor.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<Command>, Halt>")]
pub enum Act {
    /// Candles of a step closed.
    Candles(Arc<Step>),
    /// The venue told something about an account: one instant's events.
    Venue(PortfolioId, Vec<VenueEvent>),
    /// Marks of an account.
    Marks(PortfolioId, Time, Vec<Mark>),
    /// The driver of an account looks at the time, and at the newest marks.
    Look(PortfolioId, Time, Vec<Seen>),
    /// Entries of an account are gated or freed.
    Gate(PortfolioId, Time, bool),
    /// An account and the books did not agree.
    Differences(PortfolioId, Time, Vec<Difference>),
    /// The agents' parts in a step, in declared order, when they are judged, and the record after which they were
    /// shown what they decided on.
    Turns(Arc<Step>, Time, u64, Vec<(AgentId, Turn)>),
    /// An agent's life changed by an operator's hand.
    Life(Time, AgentId, AgentChange),
    /// Close all positions of an account.
    Flatten(Time, PortfolioId),
    /// The step is complete.
    EndStep(Arc<Step>),
    /// The run ends; `true` when there is no more data.
    End(Time, bool),
}

/// Clears a breaker.
#[derive(Debug, Message)]
#[rtype(result = "Result<Result<(), ResetError>, Halt>")]
pub struct Reset {
    /// Market time.
    pub at: Time,
    /// Whose.
    pub scope: BreakerScope,
    /// Why.
    pub reason: String,
}

/// Asks what each agent is to be told about itself, and after which record that is so.
#[derive(Message)]
#[rtype(result = "(Vec<Standing>, u64)")]
pub struct AskStandings(pub Vec<Option<Rate>>);

/// Asks a question of the supervisor's state.
pub struct Ask<T>(pub Question<T>);

/// A question of the supervisor's state.
pub type Question<T> = Box<dyn FnOnce(&Supervisor, &Recorder) -> T + Send>;

impl<T: Send + 'static> Message for Ask<T> {
    type Result = Answered<T>;
}

/// An answer to [`Ask`].
pub struct Answered<T>(pub T);

/// Asks for the last decisions.
#[derive(Message)]
#[rtype(result = "Vec<DecisionView>")]
pub struct AskDecisions {
    /// Of this agent only.
    pub agent: Option<AgentId>,
    /// With a sequence above this.
    pub after: Option<u64>,
    /// At most this many.
    pub limit: usize,
}

/// Asks for the report as of now.
#[derive(Message)]
#[rtype(result = "Box<Report>")]
pub struct AskReport {
    /// Base candles missing.
    pub gaps: u64,
    /// Ended before its data.
    pub partial: bool,
    /// Seconds spent loading.
    pub load_s: f64,
    /// Seconds spent running.
    pub run_s: f64,
}

/// Commands, once the journal has the facts they rest on.
type Settled = std::pin::Pin<Box<dyn ActorFuture<SupervisorActor, Output = Result<Vec<Command>, Halt>>>>;

/// The actor.
pub struct SupervisorActor {
    plan: Arc<Plan>,
    core: Supervisor,
    recorder: Recorder,
    journal: Arc<Address<Journal>>,
    kill: KillSwitch,
    effects: Effects,
    breath: Breath,
    /// By symbol: the venue's time of the newest mark that was taken.
    marked_at: Vec<Time>,
    /// The last record that was handed to the journal.
    seq: u64,
}

impl SupervisorActor {
    /// Around a supervisor, new or recovered; `seq` is the journal's last record.
    pub fn new(
        plan: Arc<Plan>,
        seq: u64,
        core: Supervisor,
        recorder: Recorder,
        journal: Address<Journal>,
        kill: KillSwitch,
    ) -> Self {
        let symbols = plan.instruments.len();
        Self {
            plan,
            core,
            recorder,
            journal: Arc::new(journal),
            kill,
            effects: Effects::default(),
            breath: Breath::default(),
            marked_at: vec![Time(i64::MIN); symbols],
            seq,
        }
    }

    fn act(&mut self, act: Act) -> Option<Arc<Step>> {
        match act {
            Act::Candles(step) => {
                for (index, candle) in step.candles.iter().enumerate() {
                    let Some(candle) = candle else { continue };
                    let symbol = SymbolId::at(index);
                    self.core.on_candle(symbol, candle, step.close_time);
                    self.effects.facts.push(Fact::Candle { symbol, candle: *candle });
                }
                let dues = step.funding.iter();
                let dues = dues.map(|due| Fact::FundingDue { symbol: due.symbol, at: due.at, rate: due.rate });
                self.effects.facts.extend(dues);
            }
            Act::Venue(portfolio, events) => {
                for event in &events {
                    self.core.on_venue(portfolio, event, &mut self.effects);
                }
            }
            Act::Marks(portfolio, at, marks) => {
                // As the loop does: what is neither held nor working is not measured.
                if self.core.has_exposure(portfolio) {
                    self.core.on_marks(portfolio, at, &marks, &mut self.effects);
                }
            }
            Act::Look(portfolio, at, seen) => self.look(portfolio, at, &seen),
            Act::Gate(portfolio, at, gated) => self.core.set_gate(at, portfolio, gated, &mut self.effects),
            Act::Differences(portfolio, at, differences) => {
                for difference in differences {
                    self.core.note_difference(at, portfolio, difference, &mut self.effects);
                }
            }
            Act::Turns(step, now, seen, turns) => {
                if self.plan.mode == Mode::Live {
                    self.effects.facts.push(Fact::Judged { at: now, seen });
                }
                for (agent, turn) in turns {
                    self.turn(&step, now, agent, turn);
                }
            }
            Act::Life(at, agent, change) => self.core.on_agent(at, agent, change, &mut self.effects),
            Act::Flatten(at, portfolio) => self.core.flatten(at, portfolio, &mut self.effects),
            Act::EndStep(step) => {
                self.core.end_step(step.close_time, &mut self.effects);
                return Some(step);
            }
            Act::End(at, complete) => self.effects.facts.push(Fact::End { at, complete }),
        }
        None
    }

    /// Marks that are new are facts, and are shown to every account that holds their contract. Without one only the
    /// time has passed: the same mark looked at again is no second witness.
    fn look(&mut self, portfolio: PortfolioId, at: Time, seen: &[Seen]) {
        let mut fresh: Vec<Mark> = Vec::new();
        for Seen { at: marked_at, mark } in seen {
            let is_held = (0..self.plan.portfolios.len()).any(|of| self.core.holds_any(PortfolioId::at(of), &[*mark]));
            let known = &mut self.marked_at[mark.symbol.index()];
            if *known < *marked_at && is_held {
                *known = *marked_at;
                fresh.push(*mark);
            }
        }
        let is_shown = self.core.holds_any(portfolio, &fresh);
        if !fresh.is_empty() {
            self.core.on_fresh_marks(at, &fresh, &mut self.effects);
            let is_held = |mark: &&Mark| self.core.unconfirmed_mark(mark.symbol).is_some();
            fresh.iter().filter(is_held).for_each(|mark| self.recorder.unconfirmed_mark(mark));
        }
        if !is_shown {
            self.core.on_time(portfolio, at, &mut self.effects);
        }
    }

    fn turn(&mut self, step: &Step, now: Time, agent: AgentId, turn: Turn) {
        match turn {
            Turn::Restarted => self.core.on_agent(now, agent, AgentChange::Started, &mut self.effects),
            Turn::Panicked { message, failed } => {
                self.core.on_agent(now, agent, AgentChange::Panicked { message }, &mut self.effects);
                if failed {
                    self.core.on_agent(now, agent, AgentChange::Failed, &mut self.effects);
                }
            }
            Turn::Answered(answer, elapsed) => {
                self.recorder.decided_in(agent, &answer.decision, elapsed);
                let symbol = self.plan.agents[agent.index()].symbol;
                let Some(Some(candle)) = step.candles.get(symbol.index()) else { return };
                // After the kill switch no entry is judged; what is open stays under its stop.
                if answer.explanation.is_some() && !self.kill.is_thrown() {
                    let (open, closed, close) = (candle.open_time, step.close_time, candle.close);
                    judge(&self.plan, &mut self.core, agent, open, closed, now, close, answer, &mut self.effects);
                }
            }
        }
    }

    /// Records the effects of an act and hands out its commands once the journal has its facts.
    fn settle(&mut self) -> Settled {
        let facts = std::mem::take(&mut self.effects.facts);
        self.seq += facts.len() as u64;
        let commands = std::mem::take(&mut self.effects.commands);
        for fact in &facts {
            self.recorder.fact(fact);
        }
        for trade in self.effects.trades.drain(..) {
            self.recorder.trade(&trade);
        }
        let journal = Arc::clone(&self.journal);
        let work = async move {
            if !facts.is_empty() {
                journal.ask(Append(facts)).await?.map_err(|error| Halt(error.to_string()))?;
            }
            Ok(commands)
        };
        Box::pin(work.into_actor(self))
    }
}

impl Actor for SupervisorActor {
    type Context = Context<Self>;
}

impl Handler<Act> for SupervisorActor {
    type Result = AtomicResponse<Self, Result<Vec<Command>, Halt>>;

    fn handle(&mut self, act: Act, context: &mut Context<Self>) -> Self::Result {
        self.breath.take(context);
        let ended_step = self.act(act);
        let answer = AtomicResponse::new(self.settle());
        if let Some(step) = ended_step {
            self.recorder.step_end(&step, &self.core);
        }
        answer
    }
}

impl Handler<Reset> for SupervisorActor {
    type Result = AtomicResponse<Self, Result<Result<(), ResetError>, Halt>>;

    fn handle(&mut self, reset: Reset, _: &mut Context<Self>) -> Self::Result {
        let done = self.core.reset_breaker(reset.at, reset.scope, &reset.reason, &mut self.effects);
        AtomicResponse::new(Box::pin(self.settle().map(move |settled, _, _| settled.map(move |_| done))))
    }
}

impl<T: Send + 'static> Handler<Ask<T>> for SupervisorActor {
    type Result = MessageResult<Ask<T>>;

    fn handle(&mut self, Ask(question): Ask<T>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Answered(question(&self.core, &self.recorder)))
    }
}

impl Handler<AskStandings> for SupervisorActor {
    type Result = MessageResult<AskStandings>;

    fn handle(&mut self, AskStandings(rates): AskStandings, _: &mut Context<Self>) -> Self::Result {
        let standing = |(index, agent): (usize, &swarm_core::model::AgentPlan)| {
            let id = AgentId::at(index);
            Standing::of(&self.plan, &self.core, id, rates[agent.symbol.index()])
        };
        MessageResult((self.plan.agents.iter().enumerate().map(standing).collect(), self.seq))
    }
}

impl Handler<AskDecisions> for SupervisorActor {
    type Result = MessageResult<AskDecisions>;

    fn handle(&mut self, ask: AskDecisions, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.recorder.decisions(ask.agent, ask.after, ask.limit))
    }
}

impl Handler<AskReport> for SupervisorActor {
    type Result = MessageResult<AskReport>;

    fn handle(&mut self, ask: AskReport, _: &mut Context<Self>) -> Self::Result {
        let tracker = self.recorder.tracker();
        let fingerprint = self.recorder.fingerprint();
        MessageResult(Box::new(tracker.report(&self.core, fingerprint, ask.gaps, ask.partial, ask.load_s, ask.run_s)))
    }
}
