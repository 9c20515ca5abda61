//! An agent: one rule on one symbol behind a mailbox. It answers ticks; it sends nothing. A panic of
//! its rule is caught here, the rule is dropped, and the director is told in the answer.

use actix::{Actor, ActorContext, Context, Handler, Message};
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_core::engine::{Answer, Standing, consult};
use swarm_core::features::Frame;
use swarm_core::model::{AgentId, Candle, Plan, SymbolId, Time};
use swarm_core::rule::Rule;

/// Features of one symbol, copied from the hub once for all agents.
#[derive(Debug)]
pub struct FrameCopy {
    /// The closed base candle.
    pub candle: Candle,
    /// One number a slot, NaN where not ready.
    pub values: Vec<f64>,
}

/// What all agents are shown at one step.
#[derive(Debug)]
pub struct Board {
    /// When the candles closed.
    pub now: Time,
    /// By symbol; absent where no candle closed.
    pub frames: Vec<Option<FrameCopy>>,
    /// By agent.
    pub standings: Vec<Standing>,
}

/// Asks the agent to decide.
#[derive(Message)]
#[rtype(result = "Reply")]
pub struct Tick(pub Arc<Board>);

/// Gives the agent a fresh rule after a panic.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Renew(pub Box<dyn Rule>);

/// Ends the actor.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave;

/// An agent's answer to a tick.
#[derive(Debug)]
pub enum Reply {
    /// It decided, in so much time.
    Decided(Answer, Duration),
    /// No candle of its symbol closed, or its features are not there.
    Nothing,
    /// Its rule panicked and is gone.
    Panicked(String),
}

/// The actor.
pub struct Agent {
    id: AgentId,
    symbol: SymbolId,
    plan: Arc<Plan>,
    rule: Option<Box<dyn Rule>>,
    explain_holds: bool,
}

impl Agent {
    /// An agent with its rule.
    pub fn new(id: AgentId, plan: Arc<Plan>, rule: Box<dyn Rule>, explain_holds: bool) -> Self {
        let symbol = plan.agents[id.index()].symbol;
        Self { id, symbol, plan, rule: Some(rule), explain_holds }
    }
}

impl Actor for Agent {
    type Context = Context<Self>;
}

impl Handler<Tick> for Agent {
    type Result = actix::MessageResult<Tick>;

    fn handle(&mut self, Tick(board): Tick, _: &mut Context<Self>) -> Self::Result {
        let frame = board.frames.get(self.symbol.index()).and_then(Option::as_ref);
        let (Some(frame), Some(rule)) = (frame, self.rule.as_mut()) else {
            return actix::MessageResult(Reply::Nothing);
        };
        let started = Instant::now();
        let view = Frame::new(board.now, &frame.candle, &frame.values);
        let standing = &board.standings[self.id.index()];
        let reply = match consult(rule.as_mut(), &self.plan, self.symbol, view, standing, self.explain_holds) {
            Ok(answer) => Reply::Decided(answer, started.elapsed()),
            Err(panic) => {
                self.rule = None;
                Reply::Panicked(panic.0)
            }
        };
        actix::MessageResult(reply)
    }
}

impl Handler<Renew> for Agent {
    type Result = ();

    fn handle(&mut self, Renew(rule): Renew, _: &mut Context<Self>) {
        self.rule = Some(rule);
    }
}

impl Handler<Leave> for Agent {
    type Result = ();

    fn handle(&mut self, _: Leave, context: &mut Context<Self>) {
        context.stop();
    }
}
