//! A folded desk as bytes and back, for snapshots: what facts tell, and nothing of what a running desk knows
//! besides. The plan is not part of it. Bytes are only good for the version that wrote them.

use super::desk::Desk;
use super::{Policy, RunTag};
use crate::model::{Plan, PortfolioId};

impl Desk {
    /// A desk that only folds: it knows no run's tag and no policy, and asks nothing.
    pub fn of_facts(plan: &Plan, portfolio: PortfolioId) -> Self {
        let tag: RunTag = "fold".parse().expect("invariant: a plain tag");
        Self::new(plan, portfolio, tag, Policy::default())
    }

    /// Goes on from what another desk of this portfolio has folded.
    pub fn take_over(&mut self, folded: Self) {
        debug_assert_eq!(self.portfolio, folded.portfolio, "invariant: a desk goes on for its own account");
        *self = Self { tag: self.tag.clone(), policy: self.policy.clone(), ..folded };
    }

    /// What the facts so far have told.
    pub fn save(&self) -> Vec<u8> {
        let orders = (&self.orders, &self.finished, &self.lanes, &self.strangers);
        let income = (&self.income_known, self.income_at, self.income_hints);
        let state = (orders, income, self.wallet, self.opened_at, self.is_opened);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// A desk that only folds, in a saved state; none when the bytes are no state of this plan.
    pub fn restore(plan: &Plan, portfolio: PortfolioId, bytes: &[u8]) -> Option<Self> {
        let (orders, income, wallet, opened_at, is_opened) = postcard::from_bytes(bytes).ok()?;
        let (orders, finished, lanes, strangers) = orders;
        let (income_known, income_at, income_hints) = income;
        let restored = Self {
            orders,
            finished,
            lanes,
            strangers,
            income_known,
            income_at,
            income_hints,
            wallet,
            opened_at,
            is_opened,
            ..Self::of_facts(plan, portfolio)
        };
        (restored.lanes.len() == plan.instruments.len()).then_some(restored)
    }
}
