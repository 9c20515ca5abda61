//! The limit tree: swarm, portfolio, agent, each with its limits and with what they are measured against.

use super::book::Exposure;
use super::breaker::Breaker;
use super::pace::Pace;
use super::supervisor::Supervisor;
use crate::model::{AgentId, ExitReason, Level, Limits, Usd};

/// One level as an intent passes it.
pub(super) struct Tier<'a> {
    pub(super) level: Level,
    pub(super) limits: &'a Limits,
    pub(super) breaker: &'a Breaker,
    pub(super) pace: &'a Pace,
    /// What losses are measured by, in USDT.
    pub(super) equity: Usd,
    /// What leverage is measured by: an agent's is its portfolio's equity.
    pub(super) capital: Usd,
    pub(super) exposure: Exposure,
}

/// What is used at one level, with its limits: for the invariants.
#[derive(Debug)]
pub(crate) struct LevelUse<'a> {
    /// Which level.
    #[allow(dead_code)] // Its only reader is a person: it stands in the Debug text of a violation.
    pub(crate) level: Level,
    pub(crate) limits: &'a Limits,
    pub(crate) slots: u32,
    pub(crate) gross: Usd,
    pub(crate) capital: Usd,
    pub(crate) is_tripped: bool,
}

impl Supervisor {
    /// What is used at the levels above an agent, a position that is being reversed left out.
    pub(crate) fn level_uses(&self, agent: AgentId) -> [LevelUse<'_>; 3] {
        let plan = &self.plan.agents[agent.index()];
        let book = &self.books[plan.portfolio.index()];
        let reversed = book.on_symbol(plan.symbol).find(|&index| {
            let one = &book.engagements[index];
            one.position.is_open() && one.guard.closing() == Some(ExitReason::Reverse)
        });
        self.tiers(agent, reversed).map(|tier| LevelUse {
            level: tier.level,
            limits: tier.limits,
            slots: tier.exposure.slots,
            gross: tier.exposure.gross,
            capital: tier.capital,
            is_tripped: tier.breaker.is_tripped(),
        })
    }

    /// The levels an intent of this agent passes, outermost first. Exposure is counted as if the
    /// engagement at `without` were gone.
    pub(super) fn tiers(&self, agent: AgentId, without: Option<usize>) -> [Tier<'_>; 3] {
        let plan = &self.plan.agents[agent.index()];
        let portfolio = plan.portfolio;
        let (book, state) = (&self.books[portfolio.index()], &self.agents[agent.index()]);
        let of_portfolio = book.exposure(without);
        let mut of_swarm = of_portfolio;
        let limits = &self.plan.limits;
        if limits.max_positions.is_some() || limits.max_leverage.is_some() {
            for (_, other) in self.books.iter().enumerate().filter(|(index, _)| *index != portfolio.index()) {
                let exposure = other.exposure(None);
                of_swarm.slots += exposure.slots;
                of_swarm.gross += exposure.gross;
            }
        }
        // An agent trades one symbol, and whatever it has there refuses the entry before its limits do.
        let of_agent = Exposure::default();
        [
            Tier {
                level: Level::Swarm,
                limits,
                breaker: &self.swarm_breaker,
                pace: &self.swarm_pace,
                equity: self.swarm_equity,
                capital: self.swarm_equity,
                exposure: of_swarm,
            },
            Tier {
                level: Level::Portfolio,
                limits: &self.plan.portfolios[portfolio.index()].limits,
                breaker: &book.breaker,
                pace: &book.pace,
                equity: book.equity,
                capital: book.equity,
                exposure: of_portfolio,
            },
            Tier {
                level: Level::Agent,
                limits: &plan.limits,
                breaker: &state.breaker,
                pace: &state.pace,
                equity: self.agent_equity(agent),
                capital: book.equity,
                exposure: of_agent,
            },
        ]
    }
}
