//! One step of the swarm over messages: the same calls in the same order as `swarm_core::engine`.

use super::address::{Address, AskError};
use super::agent::{Agent, Board, Renew, Reply, Tick};
use super::execution::{Begin, Execution, ForOthers, Fund, Obey, Walk};
use super::feed::{Close, Feed, Pull};
use super::supervisor::{Act, AskStandings, Halt, SupervisorActor, Turn};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::engine::{AfterPanic, Lifecycle, RestartPolicy};
use swarm_core::exchange::POINTS;
use swarm_core::model::{AgentId, Step, Time};
use swarm_core::risk::Command;
use swarm_core::rule::Rule;

/// How long all agents together may take over one candle. A rule that takes longer hangs its whole
/// arbiter, and trading on without knowing which decisions are missing would be a guess: the swarm halts.
const DECISION_DEADLINE: Duration = Duration::from_secs(20);

/// The actors that trade.
pub struct Floor {
    /// Steps and features.
    pub feed: Address<Feed>,
    /// Limits, ledger, verdicts.
    pub supervisor: Address<SupervisorActor>,
    /// By portfolio.
    pub executions: Vec<Address<Execution>>,
    /// By agent; absent while stopped or failed.
    pub agents: Vec<Option<Address<Agent>>>,
    /// By agent.
    pub lives: Vec<Lifecycle>,
    /// How panics are treated.
    pub policy: RestartPolicy,
    /// Base candles missing so far.
    pub gaps: u64,
}

impl Floor {
    /// The tape's next step; none when it is at its end.
    pub async fn pull(&self) -> Result<Option<Arc<Step>>, Halt> {
        Ok(self.feed.ask(Pull).await?)
    }

    /// Plays a step. What the agents make of it is judged at `now`, which is not before its candles closed. `renew`
    /// makes a fresh rule after a panic.
    pub async fn play(
        &mut self,
        step: Arc<Step>,
        now: Time,
        renew: &dyn Fn(AgentId) -> Option<Box<dyn Rule>>,
    ) -> Result<(), Halt> {
        self.tell(step.close_time, Act::Candles(Arc::clone(&step))).await?;
        for due in &step.funding {
            for execution in &self.executions {
                let for_others = execution.ask(Fund(*due)).await??;
                self.pass_on(for_others).await?;
            }
        }
        self.walk(&step).await?;
        let (seen, turns) = self.decide(&step, renew).await?;
        self.tell(now, Act::Turns(Arc::clone(&step), now, seen, turns)).await?;
        self.tell(step.close_time, Act::EndStep(step)).await
    }

    /// Every account through every point of the candles, point by point.
    async fn walk(&self, step: &Arc<Step>) -> Result<(), Halt> {
        let mut busy = Vec::with_capacity(self.executions.len());
        for execution in &self.executions {
            if execution.ask(Begin(Arc::clone(step))).await? {
                busy.push(execution);
            }
        }
        for point in 0..POINTS {
            for execution in &busy {
                let for_others = execution.ask(Walk(point)).await??;
                self.pass_on(for_others).await?;
            }
        }
        Ok(())
    }

    /// Gathers what every running agent makes of the closed candles, in declared order, and the record after which they
    /// were shown what they decided on.
    async fn decide(
        &mut self,
        step: &Arc<Step>,
        renew: &dyn Fn(AgentId) -> Option<Box<dyn Rule>>,
    ) -> Result<(u64, Vec<(AgentId, Turn)>), Halt> {
        let features = self.feed.ask(Close(Arc::clone(step))).await?;
        self.gaps = features.gaps;
        let (standings, seen) = self.supervisor.ask(AskStandings(features.funding_rates)).await?;
        let board = Arc::new(Board { now: step.close_time, frames: features.frames, standings });
        let mut turns = Vec::new();
        let mut asked = Vec::with_capacity(self.agents.len());
        let mut questions = Vec::with_capacity(self.agents.len());
        for (index, agent) in self.agents.iter().enumerate() {
            let id = AgentId::at(index);
            let Some(agent) = agent else { continue };
            if self.lives[index].restart_if_due(step.close_time) {
                if let Some(rule) = renew(id) {
                    agent.ask(Renew(rule)).await?;
                }
                turns.push((id, Turn::Restarted));
            }
            if self.lives[index].runs() {
                asked.push(id);
                questions.push(agent.ask_gathered(Tick(Arc::clone(&board))));
            }
        }
        let replies = tokio::time::timeout(DECISION_DEADLINE, join_all(questions))
            .await
            .map_err(|_| Halt(format!("the agents did not all decide within {} s", DECISION_DEADLINE.as_secs())))?;
        for (id, reply) in asked.into_iter().zip(replies) {
            if let Some(turn) = self.turn(id, step.close_time, reply) {
                turns.push((id, turn));
            }
        }
        // A restarted agent's restart comes before its answer; both at its place in the declared order.
        turns.sort_by_key(|(id, _)| *id);
        Ok((seen, turns))
    }

    fn turn(&mut self, id: AgentId, now: Time, reply: Result<Reply, AskError>) -> Option<Turn> {
        let message = match reply {
            Ok(Reply::Decided(answer, elapsed)) => return Some(Turn::Answered(answer, elapsed)),
            Ok(Reply::Nothing) => return None,
            Ok(Reply::Panicked(message)) => message,
            Err(error) => error.to_string(),
        };
        let failed = self.lives[id.index()].panicked(now, &self.policy) == AfterPanic::Fail;
        Some(Turn::Panicked { message, failed })
    }

    /// Puts an act before the supervisor and its commands before the accounts they are for.
    pub async fn tell(&self, now: Time, act: Act) -> Result<(), Halt> {
        let commands = self.supervisor.ask(act).await??;
        self.obey(now, commands).await
    }

    /// Hands on what was commanded for other accounts while one was walked, before any of them goes on.
    async fn pass_on(&self, commands: ForOthers) -> Result<(), Halt> {
        for (at, command) in commands {
            self.obey(at, vec![command]).await?;
        }
        Ok(())
    }

    /// Hands commands to the accounts they are for, in order.
    pub async fn obey(&self, now: Time, commands: Vec<Command>) -> Result<(), Halt> {
        if commands.is_empty() {
            return Ok(());
        }
        let mut by_account: Vec<Vec<Command>> = self.executions.iter().map(|_| Vec::new()).collect();
        for command in commands {
            by_account[command.portfolio().index()].push(command);
        }
        for (execution, commands) in self.executions.iter().zip(by_account) {
            if !commands.is_empty() {
                execution.ask(Obey(now, commands)).await??;
            }
        }
        Ok(())
    }
}
