//! The director: paces the steps, carries out what operators ask between them, starts, stops and
//! restarts agents. The operator's hand reaches the swarm only through here.

use super::address::Address;
use super::agent::{Agent, Leave};
use super::boot::{Clock, Ended, Hands, Pace};
use super::kill::KillSwitch;
use super::live::{Drivers, NotResumed};
use super::observe;
use super::stepper::Floor;
use super::supervisor::{Act, Ask, AskDecisions, AskReport, Halt, Question, Reset};
use crate::control::{AgentAct, AgentState, AgentStatus, ControlError, PortfolioDifferences, Request, Snapshot};
use crate::telemetry::Metrics;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::engine::LifeState;
use swarm_core::experiment::{Comparison, Report};
use swarm_core::model::{AgentChange, AgentId, BreakerScope, Plan, PortfolioId, Step, StopPolicy, Time};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// The director.
pub struct Director {
    pub(super) plan: Arc<Plan>,
    pub(super) floor: Floor,
    pub(super) hands: Hands,
    pub(super) metrics: Metrics,
    pub(super) kill: KillSwitch,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) pace: Pace,
    /// The market's time, where the market goes on by itself.
    pub(super) clock: Option<Clock>,
    /// Steps that follow the tape, as they close.
    pub(super) live: Option<mpsc::Receiver<Step>>,
    /// What drives live accounts, and how they say that they cannot go on.
    pub(super) drivers: Drivers,
    /// Wall time after which the run ends.
    pub(super) run_for: Option<Duration>,
    pub(super) market: String,
    pub(super) now: Time,
    pub(super) steps: u64,
    pub(super) phase: String,
    pub(super) load_s: f64,
    pub(super) journal_sequence: Arc<dyn Fn() -> u64>,
}

/// Who waits for a picture of the present.
#[derive(Default)]
struct Lookers {
    at_everything: Vec<oneshot::Sender<Snapshot>>,
    at_comparison: Vec<oneshot::Sender<Option<Comparison>>>,
}

impl Director {
    /// Runs the swarm to its end.
    async fn run(mut self) -> Finished {
        let started = Instant::now();
        let ended = match self.steps_until_the_end(started).await {
            Ok(ended) => ended,
            Err(halt) => Ended::Halted(halt.0),
        };
        let run_s = started.elapsed().as_secs_f64();
        let ended = self.close(ended).await;
        let partial = !matches!(ended, Ended::Complete);
        let ask = AskReport { gaps: self.floor.gaps, partial, load_s: self.load_s, run_s };
        let report = self.floor.supervisor.ask(ask).await.ok();
        (ended, report)
    }

    async fn steps_until_the_end(&mut self, started: Instant) -> Result<Ended, Halt> {
        let end = self.run_for.map(|run_for| started + run_for);
        let mut next_step = started;
        self.phase = "running".to_owned();
        loop {
            if let Some(reason) = self.serve(None).await? {
                return Ok(Ended::Stopped(reason));
            }
            let wait_for = end.map_or(next_step, |end| end.min(next_step));
            tokio::select! {
                biased;
                Some(request) = self.requests.recv(), if wait_for > Instant::now() => {
                    if let Some(reason) = self.serve(Some(request)).await? {
                        return Ok(Ended::Stopped(reason));
                    }
                    continue;
                }
                () = sleep_until(wait_for), if wait_for > Instant::now() => {}
                else => {}
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Ended::Stopped("the time given by --for is over".to_owned()));
            }
            if Instant::now() < next_step {
                continue;
            }
            match self.floor.pull().await? {
                Some(step) => self.play(step).await?,
                None => match self.live.take() {
                    Some(steps) => return self.follow(steps, end).await,
                    None => return Ok(Ended::Complete),
                },
            }
            next_step = self.pace.after(next_step, self.plan.base);
        }
    }

    async fn play(&mut self, step: Arc<Step>) -> Result<(), Halt> {
        let at = step.close_time;
        // A live candle may be late: what is decided on it is decided now, not when it closed.
        let now = self.clock.as_ref().map_or(at, |clock| clock().max(at));
        let hands = &self.hands;
        self.floor.play(step, now, &|agent| hands.make(agent).ok()).await?;
        self.now = now;
        self.steps += 1;
        Ok(())
    }

    /// Plays the steps of a live market as they close, and carries requests out while it waits for them. Steps are few,
    /// so they come first; between two of them everybody who waited has his turn.
    async fn follow(&mut self, mut steps: mpsc::Receiver<Step>, end: Option<Instant>) -> Result<Ended, Halt> {
        loop {
            let over = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let first = tokio::select! {
                biased;
                Some(halt) = self.drivers.faults.recv() => return Err(halt),
                () = over => {
                    return Ok(Ended::Stopped("the time given by --for is over".to_owned()));
                }
                step = steps.recv() => match step {
                    Some(step) => {
                        self.play(Arc::new(step)).await?;
                        None
                    }
                    None => return Err(Halt("the market data has ended: whatever followed it is gone".to_owned())),
                },
                Some(request) = self.requests.recv() => Some(request),
            };
            // What an operator does is done now, not when the last candle closed.
            self.now = self.clock.as_ref().map_or(self.now, |clock| clock().max(self.now));
            if let Some(reason) = self.serve(first).await? {
                return Ok(Ended::Stopped(reason));
            }
        }
    }

    /// Ends the run: the end is journaled and flushed, agents leave, positions stay under their stops.
    async fn close(&mut self, ended: Ended) -> Ended {
        let ended = match ended {
            Ended::Halted(reason) => {
                self.kill.throw(&reason);
                self.tell_of_halt(&reason).await;
                Ended::Halted(reason)
            }
            Ended::Complete | Ended::Stopped(_) => {
                // What happens at a live venue from here on is found at the next start.
                self.drivers.stop();
                let act = Act::End(self.now, matches!(ended, Ended::Complete));
                match self.floor.tell(self.now, act).await {
                    Ok(()) => ended,
                    Err(halt) => Ended::Halted(halt.0),
                }
            }
        };
        self.phase = match &ended {
            Ended::Complete | Ended::Stopped(_) => "finished".to_owned(),
            Ended::Halted(reason) => format!("halted: {reason}"),
        };
        // Best effort: the metrics page shows the end if it can.
        let _ = self.renew_metrics().await;
        for agent in self.floor.agents.iter_mut().filter_map(Option::take) {
            let _ = agent.ask(Leave).await;
        }
        ended
    }

    /// Says to log and event streams that trading has ended; the exit code and the last line say it too.
    async fn tell_of_halt(&self, reason: &str) {
        tracing::error!(reason, "trading stopped; stops that rest at the venue stay there");
        let message = format!("trading stopped: {reason}; stops that rest at the venue stay there");
        let tell: Question<()> = Box::new(move |_, recorder| recorder.tell_notice(message));
        // A supervisor that is gone tells nobody; the log has it.
        let _ = self.floor.supervisor.ask(Ask(tell)).await;
    }

    async fn renew_metrics(&self) -> Result<(), Halt> {
        let (plan, metrics, now) = (Arc::clone(&self.plan), self.metrics.clone(), self.now);
        let renew: Question<()> =
            Box::new(move |supervisor, _| observe::renew_metrics(&plan, &metrics, supervisor, now));
        self.floor.supervisor.ask(Ask(renew)).await?;
        Ok(())
    }

    /// Carries out what waits, and no more: whoever asks on and on must not keep the next step waiting. All who look at
    /// the same see one picture, taken when everything else is done. A reason to stop ends the run.
    async fn serve(&mut self, first: Option<Request>) -> Result<Option<String>, Halt> {
        let (mut next, mut lookers) = (first, Lookers::default());
        for _ in 0..=self.requests.len() {
            let Some(request) = next.take().or_else(|| self.requests.try_recv().ok()) else { break };
            if let Some(reason) = self.carry_out(request, &mut lookers).await? {
                return Ok(Some(reason));
            }
        }
        if !lookers.at_everything.is_empty() {
            let snapshot = self.snapshot().await?;
            lookers.at_everything.into_iter().for_each(|reply| drop(reply.send(snapshot.clone())));
        }
        if !lookers.at_comparison.is_empty() {
            let ask: Question<Option<Comparison>> = Box::new(|_, recorder| recorder.tracker().comparison());
            let comparison = self.floor.supervisor.ask(Ask(ask)).await?.0;
            lookers.at_comparison.into_iter().for_each(|reply| drop(reply.send(comparison.clone())));
        }
        Ok(None)
    }

    async fn carry_out(&mut self, request: Request, lookers: &mut Lookers) -> Result<Option<String>, Halt> {
        // An asker that is gone does not matter: what was asked for has been done.
        match request {
            Request::Shutdown { reason } => return Ok(Some(reason)),
            Request::Snapshot(reply) => lookers.at_everything.push(reply),
            Request::Compare(reply) => lookers.at_comparison.push(reply),
            Request::Agent { name, act, reply } => {
                let done = self.act_on_agent(&name, act).await?;
                drop(reply.send(done));
            }
            Request::ResetBreaker { portfolio, reason, reply } => {
                let done = self.reset_breaker(&portfolio, reason).await?;
                drop(reply.send(done));
            }
            Request::Flatten { portfolio, reply } => {
                let done = self.flatten(portfolio.as_deref()).await?;
                drop(reply.send(done));
            }
            Request::Differences { portfolio, reply } => {
                let done = self.differences(&portfolio).await?;
                drop(reply.send(done));
            }
            Request::Resume { portfolio, reason, reply } => {
                drop(reply.send(self.resume(&portfolio, &reason).await));
            }
            Request::Decisions { agent, after, limit, reply } => {
                let done = match agent.map(|name| self.find_agent(&name)).transpose() {
                    Ok(agent) => Ok(self.floor.supervisor.ask(AskDecisions { agent, after, limit }).await?),
                    Err(error) => Err(error),
                };
                drop(reply.send(done));
            }
        }
        Ok(None)
    }

    async fn snapshot(&self) -> Result<Snapshot, Halt> {
        let plan = Arc::clone(&self.plan);
        let lives = self.floor.lives.clone();
        let ask: Question<Snapshot> =
            Box::new(move |supervisor, recorder| observe::snapshot(&plan, supervisor, recorder, &lives));
        let mut snapshot = self.floor.supervisor.ask(Ask(ask)).await?.0;
        snapshot.market.clone_from(&self.market);
        snapshot.market_time = self.now;
        snapshot.steps = self.steps;
        snapshot.speed = self.pace.speed();
        snapshot.phase.clone_from(&self.phase);
        snapshot.journal_sequence = (self.journal_sequence)();
        for (index, portfolio) in snapshot.portfolios.iter_mut().enumerate() {
            portfolio.halted = self.drivers.halted(PortfolioId::at(index));
            portfolio.strategies_refused = self.drivers.strategies_refused(PortfolioId::at(index));
        }
        Ok(snapshot)
    }

    fn find_agent(&self, name: &str) -> Result<AgentId, ControlError> {
        let names = || self.plan.agents.iter().map(|agent| agent.name.as_str());
        let index = names().position(|known| known == name);
        index.map(AgentId::at).ok_or_else(|| ControlError::Unknown {
            kind: "agent",
            name: name.to_owned(),
            nearest: crate::config::nearest::nearest(name, names()).map(str::to_owned),
        })
    }

    fn find_portfolio(&self, name: &str) -> Result<PortfolioId, ControlError> {
        let names = || self.plan.portfolios.iter().map(|portfolio| portfolio.name.as_str());
        let index = names().position(|known| known == name);
        index.map(PortfolioId::at).ok_or_else(|| ControlError::Unknown {
            kind: "portfolio",
            name: name.to_owned(),
            nearest: crate::config::nearest::nearest(name, names()).map(str::to_owned),
        })
    }

    async fn act_on_agent(&mut self, name: &str, act: AgentAct) -> Result<Result<AgentStatus, ControlError>, Halt> {
        let id = match self.find_agent(name) {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        let state = self.floor.lives[id.index()].state();
        let refused = match (act, state) {
            (AgentAct::Start, LifeState::Running) => Some(format!("agent `{name}` is running already")),
            (AgentAct::Start, LifeState::Restarting(_)) => {
                Some(format!("agent `{name}` is being restarted after a panic; stop it first to start it by hand"))
            }
            (AgentAct::Stop(StopPolicy::Keep), LifeState::Stopped) => {
                Some(format!("agent `{name}` is stopped already"))
            }
            _ => None,
        };
        if let Some(message) = refused {
            return Ok(Err(ControlError::Conflict(message)));
        }
        let done = match act {
            AgentAct::Start => self.start_agent(id).await?,
            AgentAct::Stop(policy) => {
                self.stop_agent(id, policy).await?;
                Ok(())
            }
            AgentAct::Restart => {
                if state != LifeState::Stopped {
                    self.stop_agent(id, StopPolicy::Keep).await?;
                }
                self.start_agent(id).await?
            }
        };
        match done {
            Err(error) => Ok(Err(error)),
            Ok(()) => {
                let mut snapshot = self.snapshot().await?;
                Ok(Ok(snapshot.agents.swap_remove(id.index())))
            }
        }
    }

    async fn start_agent(&mut self, id: AgentId) -> Result<Result<(), ControlError>, Halt> {
        let rule = match self.hands.make(id) {
            Ok(rule) => rule,
            Err(message) => return Ok(Err(ControlError::Conflict(message))),
        };
        let addr = self.hands.start_agent(id, rule);
        self.floor.agents[id.index()] = Some(addr);
        self.floor.lives[id.index()].started();
        self.floor.tell(self.now, Act::Life(self.now, id, AgentChange::Started)).await?;
        Ok(Ok(()))
    }

    /// Stops an agent; one that is stopped already may still have its position closed.
    async fn stop_agent(&mut self, id: AgentId, policy: StopPolicy) -> Result<(), Halt> {
        self.floor.lives[id.index()].stopped();
        if let Some(agent) = self.floor.agents[id.index()].take() {
            leave(agent).await?;
        }
        self.floor.tell(self.now, Act::Life(self.now, id, AgentChange::Stopped(policy))).await
    }

    async fn reset_breaker(&mut self, name: &str, reason: String) -> Result<Result<BreakerScope, ControlError>, Halt> {
        let scope = if name == "swarm" {
            BreakerScope::Swarm
        } else {
            match (self.find_portfolio(name), self.find_agent(name)) {
                (Ok(portfolio), _) => BreakerScope::Portfolio(portfolio),
                (Err(_), Ok(agent)) => BreakerScope::Agent(agent),
                (Err(error), Err(_)) => return Ok(Err(error)),
            }
        };
        let done = self.floor.supervisor.ask(Reset { at: self.now, scope, reason }).await??;
        Ok(done.map(|()| scope).map_err(|error| ControlError::Conflict(error.to_string())))
    }

    async fn differences(&self, name: &str) -> Result<Result<PortfolioDifferences, ControlError>, Halt> {
        let portfolio = match self.find_portfolio(name) {
            Ok(portfolio) => portfolio,
            Err(error) => return Ok(Err(error)),
        };
        let ask: Question<PortfolioDifferences> = Box::new(move |supervisor, recorder| PortfolioDifferences {
            entries_gated: supervisor.portfolio(portfolio).gated,
            ..recorder.differences(portfolio)
        });
        let found = self.floor.supervisor.ask(Ask(ask)).await?.0;
        Ok(Ok(PortfolioDifferences { halted: self.drivers.halted(portfolio), ..found }))
    }

    /// Lifts a live account's halt. Entries pass once account and books agree.
    async fn resume(&self, name: &str, reason: &str) -> Result<String, ControlError> {
        let portfolio = self.find_portfolio(name)?;
        let why = self.drivers.resume(portfolio).await.map_err(|not| match not {
            NotResumed::NotLive => ControlError::Conflict(format!(
                "portfolio `{name}` trades on the simulated exchange, which never differs from the books"
            )),
            NotResumed::NotHalted => ControlError::Conflict(format!(
                "portfolio `{name}` is not halted; entries that are gated are freed when account and books agree"
            )),
            NotResumed::Gone => ControlError::Unavailable("the account's driver is gone".to_owned()),
        })?;
        let message =
            format!("portfolio {name}: an operator lifted the halt ({why}): {reason}; the account is compared");
        tracing::warn!("{message}");
        let tell: Question<()> = Box::new(move |_, recorder| recorder.tell_notice(message));
        // Without a supervisor the run is over, which the next step finds.
        let _ = self.floor.supervisor.ask(Ask(tell)).await;
        Ok(why)
    }

    async fn flatten(&mut self, name: Option<&str>) -> Result<Result<u32, ControlError>, Halt> {
        let portfolios: Vec<PortfolioId> = match name.map(|name| self.find_portfolio(name)).transpose() {
            Err(error) => return Ok(Err(error)),
            Ok(Some(portfolio)) => vec![portfolio],
            Ok(None) => (0..self.plan.portfolios.len()).map(PortfolioId::at).collect(),
        };
        let mut closing = 0;
        for portfolio in portfolios {
            let ask: Question<u32> = Box::new(move |supervisor, _| supervisor.portfolio(portfolio).open_positions);
            closing += self.floor.supervisor.ask(Ask(ask)).await?.0;
            self.floor.tell(self.now, Act::Flatten(self.now, portfolio)).await?;
        }
        Ok(Ok(closing))
    }
}

async fn leave(agent: Address<Agent>) -> Result<(), Halt> {
    agent.ask(Leave).await?;
    Ok(())
}

/// How an agent's life is shown.
pub const fn shown_state(state: LifeState, warm: bool) -> AgentState {
    match state {
        LifeState::Running if warm => AgentState::Running,
        LifeState::Running => AgentState::Warming,
        LifeState::Stopped => AgentState::Stopped,
        LifeState::Restarting(_) => AgentState::Restarting,
        LifeState::Failed => AgentState::Failed,
    }
}

/// The director as an actor: its work is one task, from the first step to the last.
pub struct DirectorActor {
    work: Option<(Director, oneshot::Sender<Finished>)>,
}

/// How the run ended, and its report where there is one.
pub type Finished = (Ended, Option<Box<Report>>);

impl DirectorActor {
    /// Starts it; what the receiver gets is the end.
    pub fn begin(director: Director) -> oneshot::Receiver<Finished> {
        let (finished, end) = oneshot::channel();
        Self { work: Some((director, finished)) }.start();
        end
    }
}

impl Actor for DirectorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let Some((director, finished)) = self.work.take() else { return };
        let work = async move {
            // A receiver that is gone has no use for the end.
            drop(finished.send(director.run().await));
        };
        context.spawn(work.into_actor(self).map(|(), _, context| context.stop()));
    }
}
