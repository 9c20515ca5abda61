//! Applying what the venue told: fills to positions and money, reports to guards.
//!
//! The venue nets a symbol; so do we. A fill first reduces what its own engagement holds, then what
//! another one holds on the other side (a position being reversed, or one that outlived its orders), and
//! only what is left opens. So the wallet is the venue's wallet whatever the order of reports.

use super::breaker::ratio;
use super::engagement::Engagement;
use super::supervisor::Supervisor;
use crate::ledger::{Part, Position, Trade};
use crate::model::{
    AgentId, BreakerScope, ExitReason, Fill, OrderId, PortfolioId, Price, Purpose, Qty, ReportKind, Round, SymbolId,
    Time, Usd, VenueEvent, mul_div,
};
use crate::orders::{Guard, Rest};
use crate::planted::{Bug, is_planted};

impl Supervisor {
    pub(super) fn fold_venue(&mut self, portfolio: PortfolioId, event: &VenueEvent, trades: &mut Vec<Trade>) {
        if portfolio.index() >= self.books.len() {
            return;
        }
        match *event {
            VenueEvent::Order { id, symbol, at, kind } => self.fold_report(portfolio, symbol, at, id, &kind, trades),
            VenueEvent::Funding { symbol, amount, .. } => self.fold_funding(portfolio, symbol, amount),
            VenueEvent::Liquidation { symbol, at, fill } => self.execute(portfolio, symbol, at, None, &fill, trades),
            VenueEvent::Transfer { amount, .. } => self.fold_transfer(portfolio, amount),
        }
        if let Some(symbol) = symbol_of(event) {
            self.settle(portfolio, symbol, event.at());
        }
        self.refresh_equity(portfolio);
    }

    fn fold_report(
        &mut self,
        portfolio: PortfolioId,
        symbol: SymbolId,
        at: Time,
        id: OrderId,
        kind: &ReportKind,
        trades: &mut Vec<Trade>,
    ) {
        if let ReportKind::Filled { fill, .. } = kind {
            self.execute(portfolio, symbol, at, Some(id), fill, trades);
        }
        let book = &mut self.books[portfolio.index()];
        if let Some(index) = book.find(symbol, id.intent) {
            book.engagements[index].guard.report(id, kind);
        }
    }

    fn fold_transfer(&mut self, portfolio: PortfolioId, amount: Usd) {
        let book = &mut self.books[portfolio.index()];
        book.account.book_transfer(amount);
        book.breaker.transfer(amount);
        self.swarm_breaker.transfer(amount);
        self.swarm_wallet += amount;
    }

    fn fold_funding(&mut self, portfolio: PortfolioId, symbol: SymbolId, amount: Usd) {
        let holder = self.holding_index(portfolio, symbol);
        let book = &mut self.books[portfolio.index()];
        book.account.book_funding(amount);
        match holder {
            Some(index) => {
                let one = &mut book.engagements[index];
                one.position.funding += amount;
                let agent = one.agent();
                self.agents[agent.index()].book.funding += amount;
                self.money_moved(portfolio, Some(agent), amount);
            }
            None => {
                book.account.unattributed += amount;
                self.money_moved(portfolio, None, amount);
            }
        }
    }

    /// Who holds a symbol: the open position, else whatever is left of the last one.
    fn holding_index(&self, portfolio: PortfolioId, symbol: SymbolId) -> Option<usize> {
        let book = &self.books[portfolio.index()];
        book.on_symbol(symbol).max_by_key(|&index| book.engagements[index].position.is_open())
    }

    pub(super) fn holder(&self, portfolio: PortfolioId, symbol: SymbolId) -> Option<AgentId> {
        let index = self.holding_index(portfolio, symbol)?;
        Some(self.books[portfolio.index()].engagements[index].agent())
    }

    fn execute(
        &mut self,
        portfolio: PortfolioId,
        symbol: SymbolId,
        at: Time,
        id: Option<OrderId>,
        fill: &Fill,
        trades: &mut Vec<Trade>,
    ) {
        let is_dropped = is_planted(Bug::DropFill) && fill.trade % 7 == 3;
        if is_dropped || fill.qty <= Qty::ZERO || symbol.index() >= self.plan.instruments.len() {
            return;
        }
        let own = id.and_then(|id| self.engage(portfolio, symbol, id, fill));
        let purpose = own.and_then(|index| self.purpose_of(portfolio, index, id));
        let mut rest = Part::whole(fill);
        let mut closed = Qty::ZERO;
        // Its own position first, then the other side of the symbol.
        let range = self.books[portfolio.index()].on_symbol(symbol);
        for index in own.into_iter().chain(range.filter(|index| Some(*index) != own)) {
            let one = &self.books[portfolio.index()].engagements[index];
            let held = one.position.holding.qty;
            if held.0 * fill.side.sign() >= 0 {
                continue;
            }
            let reason = exit_reason(id, purpose, one.guard.closing());
            if let Some(part) = rest.split_off(held.abs()) {
                closed += if Some(index) == own { part.qty } else { Qty::ZERO };
                self.book_part(portfolio, index, at, &part, reason, trades);
                self.books[portfolio.index()].engagements[index].guard.reduced();
            }
        }
        let opened = rest.qty;
        match own {
            Some(index) => {
                let home = if opened > Qty::ZERO { self.home_of(portfolio, symbol, index, fill) } else { index };
                if opened > Qty::ZERO {
                    self.book_part(portfolio, home, at, &rest, ExitReason::Naked, trades);
                }
                if let Some(id) = id {
                    let instrument = &self.plan.instruments[symbol.index()];
                    let engagements = &mut self.books[portfolio.index()].engagements;
                    let own = if home == index { opened } else { Qty::ZERO };
                    engagements[index].guard.executed(id, own, closed, instrument);
                    if home != index {
                        engagements[home].guard.executed(id, opened, Qty::ZERO, instrument);
                    }
                }
            }
            None if opened > Qty::ZERO => {
                // A forced execution on what nobody holds: only its fee is ours to book.
                let account = &mut self.books[portfolio.index()].account;
                account.book_fill(Usd::ZERO, rest.fee);
                account.unattributed -= rest.fee;
                self.money_moved(portfolio, None, -rest.fee);
            }
            None => {}
        }
    }

    /// Where an execution opens: with its own order's engagement, save that a close which is learned of late,
    /// after a reversal's entry was booked against what it had closed, makes up for what the entry lacks.
    fn home_of(&self, portfolio: PortfolioId, symbol: SymbolId, own: usize, fill: &Fill) -> usize {
        let book = &self.books[portfolio.index()];
        let one = &book.engagements[own];
        if one.guard.side() == fill.side || one.position.is_open() {
            return own;
        }
        let reversed = |index: &usize| {
            let other = &book.engagements[*index];
            *index != own && other.guard.side() == fill.side && other.takes_slot()
        };
        book.on_symbol(symbol).find(reversed).unwrap_or(own)
    }

    /// The engagement of an order; one that no engagement knows gets one that closes what it opened.
    fn engage(&mut self, portfolio: PortfolioId, symbol: SymbolId, id: OrderId, fill: &Fill) -> Option<usize> {
        let agent = self.agents.get_mut(id.intent.agent.index())?;
        let leg = agent.orphan_leg;
        let book = &mut self.books[portfolio.index()];
        if book.find(symbol, id.intent).is_none() {
            agent.engagements += 1;
            book.insert(Engagement {
                symbol,
                intent: id.intent,
                leverage: 1,
                reserve_price: Price::ZERO,
                fee_rate: self.plan.exchange.taker_fee,
                confidence: None,
                guard: Guard::orphan(fill.side, leg.max(id.leg.saturating_add(1))),
                position: Position::default(),
                rest: Rest::NONE,
                orphan: true,
            });
        }
        book.find(symbol, id.intent)
    }

    fn purpose_of(&self, portfolio: PortfolioId, index: usize, id: Option<OrderId>) -> Option<Purpose> {
        let orders = self.books[portfolio.index()].engagements[index].guard.orders();
        orders.iter().find(|order| Some(order.id) == id).map(|order| order.purpose)
    }

    fn book_part(
        &mut self,
        portfolio: PortfolioId,
        index: usize,
        at: Time,
        part: &Part,
        reason: ExitReason,
        trades: &mut Vec<Trade>,
    ) {
        let book = &mut self.books[portfolio.index()];
        let equity = book.settled_equity();
        let one = &mut book.engagements[index];
        let opening = !one.position.is_open();
        let booking = one.position.book(at, part, equity);
        let agent = one.agent();
        book.account.book_fill(booking.realized, part.fee);
        let money = &mut self.agents[agent.index()].book;
        money.realized += booking.realized;
        money.fees += part.fee;
        money.slippage += part.slippage;
        self.money_moved(portfolio, Some(agent), booking.realized - part.fee);
        let book = &mut self.books[portfolio.index()];
        if opening {
            self.swarm_open += 1;
            book.peak_open_positions = book.peak_open_positions.max(book.open_positions());
        }
        if booking.closed {
            self.swarm_open -= 1;
            let trade = trade_of(portfolio, &book.engagements[index], at, reason);
            book.pace.closed(&trade);
            self.swarm_pace.closed(&trade);
            let agent = &mut self.agents[agent.index()];
            agent.pace.closed(&trade);
            agent.book.count(&trade);
            trades.push(trade);
        } else {
            book.peak_leverage = book.peak_leverage.max(ratio(book.settled_gross(), book.settled_equity()));
        }
    }

    /// Wallets and highest wallets follow money.
    fn money_moved(&mut self, portfolio: PortfolioId, agent: Option<AgentId>, amount: Usd) {
        self.swarm_wallet += amount;
        for scope in
            [Some(BreakerScope::Swarm), Some(BreakerScope::Portfolio(portfolio)), agent.map(BreakerScope::Agent)]
                .into_iter()
                .flatten()
        {
            let money = self.scope_money(scope);
            if let Some(breaker) = self.breaker_mut(scope) {
                breaker.realized(money);
            }
        }
    }

    /// Lets the guards of a symbol take notice, and drops engagements of which nothing is left.
    pub(super) fn settle(&mut self, portfolio: PortfolioId, symbol: SymbolId, at: Time) {
        let book = &mut self.books[portfolio.index()];
        let range = book.on_symbol(symbol);
        for index in range.clone().rev() {
            let one = &mut book.engagements[index];
            one.guard.settle(at, one.position.holding.qty);
            if one.is_done() {
                let agent = &mut self.agents[one.agent().index()];
                if one.orphan {
                    agent.orphan_leg = agent.orphan_leg.max(one.guard.next_leg());
                }
                agent.engagements -= 1;
                book.engagements.remove(index);
            } else {
                one.renew_rest(&self.plan.instruments[symbol.index()]);
            }
        }
    }
}

const fn symbol_of(event: &VenueEvent) -> Option<SymbolId> {
    match event {
        VenueEvent::Order { symbol, .. }
        | VenueEvent::Funding { symbol, .. }
        | VenueEvent::Liquidation { symbol, .. } => Some(*symbol),
        VenueEvent::Transfer { .. } => None,
    }
}

const fn exit_reason(id: Option<OrderId>, purpose: Option<Purpose>, closing: Option<ExitReason>) -> ExitReason {
    match (id, purpose, closing) {
        (None, ..) => ExitReason::Liquidation,
        (_, Some(Purpose::Stop), _) => ExitReason::Stop,
        (_, Some(Purpose::Target), _) => ExitReason::Target,
        (_, Some(Purpose::Entry), _) => ExitReason::Reverse,
        (.., Some(reason)) => reason,
        (.., None) => ExitReason::Operator,
    }
}

fn trade_of(portfolio: PortfolioId, one: &Engagement, at: Time, exit: ExitReason) -> Trade {
    let position = &one.position;
    let average = |value: Usd, qty: Qty| {
        if qty.is_zero() { Price::ZERO } else { Price(mul_div(value.0, crate::model::ONE, qty.0, Round::Nearest)) }
    };
    Trade {
        portfolio,
        agent: one.agent(),
        intent: one.intent,
        symbol: one.symbol,
        side: one.guard.side(),
        opened_at: position.opened_at,
        closed_at: at,
        qty: position.entered,
        entry_price: average(position.entry_value, position.entered),
        exit_price: average(position.exit_value, position.exited),
        gross: position.gross,
        fees: position.fees,
        funding: position.funding,
        slippage: position.slippage,
        net: position.net(),
        exit,
        leverage: position.leverage(),
        confidence: one.confidence,
    }
}
