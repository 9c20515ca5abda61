//! Watching the breakers: evaluating them, tripping them, and saying when a flatten is finished.

use super::breaker::{Sample, Trip};
use super::fold::scope_holds;
use super::supervisor::{Effects, Supervisor};
use crate::model::{
    AgentId, BreakerChange, BreakerScope, ExitReason, Fact, Limits, OnTrip, PortfolioId, SymbolId, Time, Usd,
};

impl Supervisor {
    /// Evaluates the breakers that a portfolio's equity bears on: its agents', its own, the swarm's.
    /// `also` is an agent that may hold nothing any more.
    pub(super) fn evaluate(&mut self, portfolio: PortfolioId, at: Time, also: Option<AgentId>, out: &mut Effects) {
        if let Some(agent) = also {
            self.evaluate_agent(agent, at, out);
        }
        for index in 0..self.books[portfolio.index()].engagements.len() {
            let agent = self.books[portfolio.index()].engagements[index].agent();
            if Some(agent) != also {
                self.evaluate_agent(agent, at, out);
            }
        }
        let (plan, book) = (&self.plan.portfolios[portfolio.index()], &mut self.books[portfolio.index()]);
        let sample = Sample {
            at,
            equity: book.equity,
            realized: book.account.wallet,
            open: book.engagements.iter().any(|one| one.position.is_open()),
        };
        let trip = book.breaker.observe(&sample, plan.limits.max_drawdown, plan.breaker_samples);
        self.trip(BreakerScope::Portfolio(portfolio), trip, out);

        let sample = Sample { at, equity: self.swarm_equity, realized: self.swarm_wallet, open: self.swarm_open > 0 };
        // The swarm waits as long as the most patient of its portfolios.
        let samples = self.plan.portfolios.iter().map(|plan| plan.breaker_samples).max().unwrap_or(1);
        let trip = self.swarm_breaker.observe(&sample, self.plan.limits.max_drawdown, samples);
        self.trip(BreakerScope::Swarm, trip, out);
    }

    fn evaluate_agent(&mut self, agent: AgentId, at: Time, out: &mut Effects) {
        let plan = &self.plan.agents[agent.index()];
        if !is_watched(&plan.limits) {
            return;
        }
        let samples = self.plan.portfolios[plan.portfolio.index()].breaker_samples;
        let limit = plan.limits.max_drawdown;
        let realized = self.agent_money(agent);
        let equity = self.agent_equity(agent);
        let open = self.books[plan.portfolio.index()]
            .engagements
            .iter()
            .any(|one| one.agent() == agent && one.position.is_open());
        self.touch(agent);
        let sample = Sample { at, equity, realized, open };
        let trip = self.agents[agent.index()].breaker.observe(&sample, limit, samples);
        self.trip(BreakerScope::Agent(agent), trip, out);
    }

    fn touch(&mut self, agent: AgentId) {
        let state = &mut self.agents[agent.index()];
        if !state.touched {
            state.touched = true;
            self.touched.push(agent);
        }
    }

    /// Takes notice of the day at all levels, before anything of this instant is booked.
    pub(super) fn roll_days(&mut self, portfolio: PortfolioId, agent: Option<AgentId>, at: Time) {
        let book = &mut self.books[portfolio.index()];
        book.breaker.roll_day(at, book.equity);
        self.swarm_breaker.roll_day(at, self.swarm_equity);
        if let Some(agent) = agent.filter(|agent| is_watched(&self.plan.agents[agent.index()].limits)) {
            self.touch(agent);
            let equity = self.agent_equity(agent);
            self.agents[agent.index()].breaker.roll_day(at, equity);
        }
    }

    fn trip(&mut self, scope: BreakerScope, trip: Option<Trip>, out: &mut Effects) {
        let Some(trip) = trip else { return };
        let change = BreakerChange::Tripped { equity: trip.equity, peak: trip.peak, drawdown: trip.drawdown };
        self.emit(Fact::Breaker { at: trip.at, scope, change }, out);
        for index in 0..self.books.len() {
            let portfolio = PortfolioId(index as u16);
            if !self.in_scope(scope, portfolio) {
                continue;
            }
            if self.plan.portfolios[index].on_trip == OnTrip::Flatten {
                let inside = |one: &super::engagement::Engagement| scope_holds(scope, one.agent());
                self.close_where(portfolio, trip.at, ExitReason::Breaker, inside, out);
            }
            // Resting entries are not wanted any more since the trip was applied.
            self.react_all(portfolio, trip.at, out);
        }
        self.announce_flat(trip.at, out);
    }

    /// Says of each trip that was to flatten whether the venue has said flat.
    pub(super) fn announce_flat(&mut self, at: Time, out: &mut Effects) {
        let mut index = 0;
        while let Some(&scope) = self.unfinished.get(index) {
            if self.is_flat(scope) {
                self.emit(Fact::Breaker { at, scope, change: BreakerChange::Flat }, out);
            } else {
                index += 1;
            }
        }
    }

    /// Whether nothing is open or may open where this scope closes positions.
    fn is_flat(&self, scope: BreakerScope) -> bool {
        self.books.iter().enumerate().all(|(index, book)| {
            let concerned = self.plan.portfolios[index].on_trip == OnTrip::Flatten
                && self.in_scope(scope, PortfolioId(index as u16));
            !concerned || !book.engagements.iter().any(|one| scope_holds(scope, one.agent()) && one.takes_slot())
        })
    }

    /// Records what marks changed.
    pub(super) fn record_watermarks(&mut self, out: &mut Effects) {
        if let Some(mark) = self.swarm_breaker.unrecorded() {
            self.emit(Fact::Watermark { scope: BreakerScope::Swarm, mark }, out);
        }
        for index in 0..self.books.len() {
            if let Some(mark) = self.books[index].breaker.unrecorded() {
                let scope = BreakerScope::Portfolio(PortfolioId(index as u16));
                self.emit(Fact::Watermark { scope, mark }, out);
            }
        }
        for index in 0..self.touched.len() {
            let agent = self.touched[index];
            if let Some(mark) = self.agents[agent.index()].breaker.unrecorded() {
                self.emit(Fact::Watermark { scope: BreakerScope::Agent(agent), mark }, out);
            }
        }
    }

    /// Open profit of an agent at the latest marks.
    pub(super) fn open_profit_of(&self, agent: AgentId, portfolio: PortfolioId, symbol: SymbolId) -> Usd {
        let book = &self.books[portfolio.index()];
        let own = book.on_symbol(symbol).map(|index| &book.engagements[index]).filter(|one| one.agent() == agent);
        own.map(|one| one.position.unrealized()).sum()
    }
}

/// Whether an agent's own equity is of interest.
pub(super) fn is_watched(limits: &Limits) -> bool {
    limits.max_drawdown.is_some() || limits.daily_loss.is_some()
}
