//! Applying facts: the only place where the supervisor's state changes, save for what marks alone move.

use super::book::reserve_price;
use super::breaker::{Breaker, Trip};
use super::engagement::Engagement;
use super::supervisor::Supervisor;
use crate::ledger::{Position, Trade};
use crate::model::{
    AgentChange, AgentId, BreakerChange, BreakerScope, EntryOrder, ExitPlan, Fact, Intent, IntentId, IntentKind,
    OnTrip, Order, OrderKind, PortfolioId, Price, Purpose, Rate, SymbolId, Time, Usd,
};
use crate::orders::{Guard, Rest};

impl Supervisor {
    /// Applies a fact of the journal. Feeding a new supervisor all facts of a run, up to the end of a
    /// step, makes it equal to the one that ran.
    pub fn apply(&mut self, fact: &Fact) {
        self.apply_with(fact, &mut Vec::new());
    }

    /// Like [`apply`](Self::apply), and hands out the trades that the fact closed: for whoever rebuilds a
    /// report from a journal.
    pub fn apply_with(&mut self, fact: &Fact, trades: &mut Vec<Trade>) {
        self.calm_until = None;
        match fact {
            Fact::Candle { symbol, candle } => {
                self.market.candle(*symbol, candle.close_time(self.plan.base), candle.close);
            }
            Fact::Signal(record) => self.on_signal(record),
            Fact::Intent { id, intent } => self.fold_intent(*id, intent),
            Fact::Order { at, order } => self.fold_order(*at, order),
            Fact::Cancel { at, portfolio, id, symbol } => {
                self.with_intent(*portfolio, *symbol, id.intent, |one| one.guard.cancel_sent(*at, *id));
            }
            Fact::Closing { portfolio, symbol, intent, reason, .. } => {
                self.with_intent(*portfolio, *symbol, *intent, |one| one.guard.close(*reason));
            }
            Fact::RemainderDropped { at, portfolio, symbol, intent, .. } => {
                self.with_intent(*portfolio, *symbol, *intent, |one| one.guard.drop_entry());
                if portfolio.index() < self.books.len() {
                    self.settle(*portfolio, *symbol, *at);
                }
            }
            Fact::Venue { portfolio, event } => self.fold_venue(*portfolio, event, trades),
            Fact::Mark { at, symbol, price } => self.market.mark(*symbol, *at, *price),
            Fact::Breaker { at, scope, change } => self.fold_breaker(*at, *scope, change),
            Fact::Agent { agent, change, .. } => self.fold_agent(*agent, change),
            Fact::Gate { portfolio, gated, .. } => {
                if let Some(book) = self.books.get_mut(portfolio.index()) {
                    book.gated = *gated;
                }
            }
            Fact::Watermark { scope, mark } => {
                if let Some(breaker) = self.breaker_mut(*scope) {
                    breaker.record(*mark);
                }
            }
            Fact::StepEnd { at } => self.fold_step_end(*at),
            // The answer shows in the orders that follow it; holds, the end of a run, differences and inputs of others
            // change nothing.
            Fact::Verdict { .. }
            | Fact::Hold(_)
            | Fact::End { .. }
            | Fact::FundingDue { .. }
            | Fact::WarmUp { .. }
            | Fact::Difference { .. }
            | Fact::Start { .. }
            | Fact::Judged { .. } => {}
        }
    }

    fn with_intent(
        &mut self,
        portfolio: PortfolioId,
        symbol: SymbolId,
        intent: IntentId,
        change: impl FnOnce(&mut Engagement),
    ) {
        let Some(book) = self.books.get_mut(portfolio.index()) else { return };
        if let Some(index) = book.find(symbol, intent) {
            let one = &mut book.engagements[index];
            change(one);
            one.renew_rest(&self.plan.instruments[one.symbol.index()]);
        }
    }

    fn fold_intent(&mut self, id: IntentId, intent: &Intent) {
        let Some(agent) = self.agents.get_mut(id.agent.index()) else { return };
        agent.intents = id.number;
        if let IntentKind::Open(entry) | IntentKind::Reverse(entry) = &intent.kind {
            let asked = &mut agent.asked;
            asked.intent = Some(id);
            asked.order = entry.order;
            asked.side = entry.side;
            asked.reference = intent.reference;
            asked.exits.clone_from(&entry.exits);
        }
    }

    fn fold_order(&mut self, at: Time, order: &Order) {
        // A later leg is what a resting entry left: same engagement, same approval.
        let is_first = order.purpose == Purpose::Entry && order.id.leg == 0;
        if is_first {
            self.fold_entry(at, order);
        }
        let terms = self.agents.get(order.agent().index()).map(|agent| agent.asked.order).filter(|_| is_first);
        let price = self.market.price(order.symbol, at).unwrap_or(Price::ZERO);
        let Some(book) = self.books.get_mut(order.portfolio.index()) else { return };
        if let Some(index) = book.find(order.symbol, order.id.intent) {
            let one = &mut book.engagements[index];
            let size = one.position.holding.qty.abs();
            if order.purpose == Purpose::Entry && !is_first {
                one.reserve_price = one.reserve_price.max(price);
            }
            one.guard.placed(at, order, terms.as_ref(), size);
            one.renew_rest(&self.plan.instruments[order.symbol.index()]);
        }
    }

    fn fold_entry(&mut self, at: Time, order: &Order) {
        let agent = order.agent();
        let (Some(state), Some(plan)) = (self.agents.get_mut(agent.index()), self.plan.agents.get(agent.index()))
        else {
            return;
        };
        let asked = &state.asked;
        let known = asked.intent == Some(order.id.intent);
        let exits = if known { asked.exits.clone() } else { ExitPlan::default() };
        let reference = if known { asked.reference } else { Price::ZERO };
        let terms = match order.kind {
            OrderKind::Limit { price, .. } => EntryOrder::Limit { price, post_only: false, expire_after_ms: 1 },
            _ => EntryOrder::Market,
        };
        let engagement = Engagement {
            symbol: order.symbol,
            intent: order.id.intent,
            leverage: order.leverage,
            reserve_price: reserve_price(&terms, reference, self.market.price(order.symbol, at)),
            fee_rate: self.plan.exchange.taker_fee,
            confidence: state.confidence,
            guard: Guard::new(order.side, exits),
            position: Position::default(),
            rest: Rest::NONE,
            orphan: false,
        };
        state.pace.approved(at, &plan.limits);
        self.swarm_pace.approved(at, &self.plan.limits);
        let Some(book) = self.books.get_mut(order.portfolio.index()) else { return };
        book.pace.approved(at, &self.plan.portfolios[order.portfolio.index()].limits);
        state.engagements += 1;
        book.insert(engagement);
    }

    fn fold_breaker(&mut self, at: Time, scope: BreakerScope, change: &BreakerChange) {
        let (equity, realized) = (self.scope_equity(scope), self.scope_money(scope));
        let Some(breaker) = self.breaker_mut(scope) else { return };
        match change {
            BreakerChange::Tripped { equity, peak, drawdown } => {
                breaker.latch(Trip { at, equity: *equity, peak: *peak, drawdown: *drawdown, flat: false });
                self.fold_trip(scope, *drawdown);
            }
            BreakerChange::Flat => {
                breaker.latch_flat();
                self.unfinished.retain(|one| *one != scope);
            }
            BreakerChange::Reset { .. } => {
                breaker.reset(equity, realized);
                self.unfinished.retain(|one| *one != scope);
            }
        }
    }

    fn fold_trip(&mut self, scope: BreakerScope, drawdown: Rate) {
        for index in 0..self.books.len() {
            let portfolio = PortfolioId(index as u16);
            if self.in_scope(scope, portfolio) {
                let book = &mut self.books[index];
                let inside = |one: &&mut Engagement| scope_holds(scope, one.agent());
                for one in book.engagements.iter_mut().filter(inside) {
                    one.guard.drop_entry();
                    one.renew_rest(&self.plan.instruments[one.symbol.index()]);
                }
            }
        }
        if let BreakerScope::Portfolio(portfolio) = scope {
            let book = &mut self.books[portfolio.index()];
            book.max_drawdown = book.max_drawdown.max(drawdown);
        }
        if self.flattens(scope) && !self.unfinished.contains(&scope) {
            self.unfinished.push(scope);
        }
    }

    fn fold_agent(&mut self, id: AgentId, change: &AgentChange) {
        let (Some(agent), Some(plan)) = (self.agents.get_mut(id.index()), self.plan.agents.get(id.index())) else {
            return;
        };
        agent.running = *change == AgentChange::Started;
        if agent.running {
            return;
        }
        let book = &mut self.books[plan.portfolio.index()];
        for index in book.on_symbol(plan.symbol) {
            let one = &mut book.engagements[index];
            if one.agent() == id {
                one.guard.drop_entry();
                one.renew_rest(&self.plan.instruments[plan.symbol.index()]);
            }
        }
    }

    /// Marks become the ones everybody knows: the close of the candle, or the last recorded mark.
    fn fold_step_end(&mut self, at: Time) {
        for index in 0..self.books.len() {
            let book = &mut self.books[index];
            book.breaker.end_step();
            if book.engagements.is_empty() {
                continue;
            }
            let mut is_moved = false;
            for one in book.engagements.iter_mut().filter(|one| one.position.is_open()) {
                let mark = self.market.standing(one.symbol, at).unwrap_or(one.position.entry_price());
                if one.position.mark() != mark {
                    one.position.set_mark(mark);
                    is_moved = true;
                }
                one.position.settled_mark = mark;
            }
            if is_moved {
                self.refresh_equity(PortfolioId(index as u16));
            }
            self.books[index].note_extremes();
        }
        self.swarm_breaker.end_step();
        for agent in std::mem::take(&mut self.touched) {
            let agent = &mut self.agents[agent.index()];
            agent.touched = false;
            agent.breaker.end_step();
        }
    }

    /// Recomputes a portfolio's equity, and the swarm's with it.
    pub(super) fn refresh_equity(&mut self, portfolio: PortfolioId) {
        let book = &mut self.books[portfolio.index()];
        let equity = book.computed_equity();
        self.swarm_equity += equity - book.equity;
        book.equity = equity;
    }

    /// The breaker of a scope; `None` when the plan has no such portfolio or agent.
    pub fn breaker(&self, scope: BreakerScope) -> Option<&Breaker> {
        match scope {
            BreakerScope::Swarm => Some(&self.swarm_breaker),
            BreakerScope::Portfolio(portfolio) => self.books.get(portfolio.index()).map(|book| &book.breaker),
            BreakerScope::Agent(agent) => self.agents.get(agent.index()).map(|agent| &agent.breaker),
        }
    }

    pub(super) fn breaker_mut(&mut self, scope: BreakerScope) -> Option<&mut Breaker> {
        match scope {
            BreakerScope::Swarm => Some(&mut self.swarm_breaker),
            BreakerScope::Portfolio(portfolio) => self.books.get_mut(portfolio.index()).map(|book| &mut book.breaker),
            BreakerScope::Agent(agent) => self.agents.get_mut(agent.index()).map(|agent| &mut agent.breaker),
        }
    }

    pub(super) fn scope_equity(&self, scope: BreakerScope) -> Usd {
        match scope {
            BreakerScope::Swarm => self.swarm_equity,
            BreakerScope::Portfolio(portfolio) => {
                self.books.get(portfolio.index()).map_or(Usd::ZERO, |book| book.equity)
            }
            BreakerScope::Agent(agent) if agent.index() < self.agents.len() => self.agent_equity(agent),
            BreakerScope::Agent(_) => Usd::ZERO,
        }
    }

    /// Equity of a scope without open profit.
    pub(super) fn scope_money(&self, scope: BreakerScope) -> Usd {
        match scope {
            BreakerScope::Swarm => self.swarm_wallet,
            BreakerScope::Portfolio(portfolio) => {
                self.books.get(portfolio.index()).map_or(Usd::ZERO, |book| book.account.wallet)
            }
            BreakerScope::Agent(agent) if agent.index() < self.agents.len() => self.agent_money(agent),
            BreakerScope::Agent(_) => Usd::ZERO,
        }
    }

    /// Starting equity of the agent's portfolio and what the agent realised, net.
    pub(super) fn agent_money(&self, agent: AgentId) -> Usd {
        let portfolio = self.plan.agents[agent.index()].portfolio;
        self.plan.portfolios[portfolio.index()].equity + self.agents[agent.index()].book.net()
    }

    /// Whether a scope reaches into a portfolio.
    pub(super) fn in_scope(&self, scope: BreakerScope, portfolio: PortfolioId) -> bool {
        match scope {
            BreakerScope::Swarm => true,
            BreakerScope::Portfolio(one) => one == portfolio,
            BreakerScope::Agent(agent) => {
                self.plan.agents.get(agent.index()).is_some_and(|plan| plan.portfolio == portfolio)
            }
        }
    }

    /// Whether a trip of this scope closes positions anywhere.
    pub(super) fn flattens(&self, scope: BreakerScope) -> bool {
        let mut portfolios = self.plan.portfolios.iter().enumerate();
        portfolios
            .any(|(index, plan)| plan.on_trip == OnTrip::Flatten && self.in_scope(scope, PortfolioId(index as u16)))
    }
}

/// Whether an agent's engagement is inside a scope, given that its portfolio is.
pub(super) fn scope_holds(scope: BreakerScope, agent: AgentId) -> bool {
    match scope {
        BreakerScope::Swarm | BreakerScope::Portfolio(_) => true,
        BreakerScope::Agent(one) => one == agent,
    }
}
