//! What is examined: how a market is played and how rules are made for it.
//!
//! Both are told the very market of the run, since that is the only way by which the future could leak: a
//! tape or a rule that holds the recording itself.

use crate::market::Recording;
use std::sync::Arc;
use swarm_core::engine::MakeRule;
use swarm_core::features::Wants;
use swarm_core::model::{AgentId, Tape};
use swarm_core::rule::Rule;

/// A way to run a swarm over recorded candles.
pub trait Subject {
    /// The steps of a market.
    fn tape(&self, market: &Arc<Recording>) -> Box<dyn Tape> {
        Box::new(market.tape())
    }
    /// The rules of a run over that market.
    fn rules(&self, market: &Arc<Recording>) -> Box<dyn MakeRule + '_>;
}

/// As the backtest runs it: rules are made without a look at the market.
pub struct Plain<'a>(pub &'a dyn MakeRule);

impl Subject for Plain<'_> {
    fn rules(&self, _: &Arc<Recording>) -> Box<dyn MakeRule + '_> {
        Box::new(|agent: AgentId, wants: &mut Wants| -> Result<Box<dyn Rule>, String> { self.0.make(agent, wants) })
    }
}
