//! A supervisor's state as bytes and back, for snapshots. The plan is not part of it: whoever restores a
//! state says for which plan. Bytes are only good for the version that wrote them.

use super::supervisor::Supervisor;
use crate::model::Plan;
use std::sync::Arc;

impl Supervisor {
    /// The state without the plan.
    pub fn save(&self) -> Vec<u8> {
        let money = (self.swarm_equity, self.swarm_wallet, self.swarm_open);
        let breakers = (&self.swarm_breaker, &self.swarm_pace, &self.touched, &self.unfinished);
        let state = (&self.market, &self.books, &self.agents, breakers, money, self.calm_until);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// A supervisor in a saved state; none when the bytes are no state of this plan.
    pub fn restore(plan: Arc<Plan>, bytes: &[u8]) -> Option<Self> {
        let (market, books, agents, breakers, money, calm_until) = postcard::from_bytes(bytes).ok()?;
        let (swarm_breaker, swarm_pace, touched, unfinished) = breakers;
        let (swarm_equity, swarm_wallet, swarm_open) = money;
        let restored = Self {
            market,
            books,
            agents,
            swarm_breaker,
            swarm_pace,
            swarm_equity,
            swarm_wallet,
            swarm_open,
            touched,
            unfinished,
            calm_until,
            plan,
        };
        let fits = restored.books.len() == restored.plan.portfolios.len()
            && restored.agents.len() == restored.plan.agents.len()
            && restored.market.symbols() == restored.plan.instruments.len();
        fits.then_some(restored)
    }
}
