//! Carrying out what guards ask for, and closing on request.

use super::engagement::Engagement;
use super::supervisor::{CancelOrder, Effects, Supervisor};
use crate::model::{ExitReason, Fact, IntentId, Order, OrderId, PortfolioId, SymbolId, Time};
use crate::orders::{Action, Draft};

/// More actions of one guard at one instant than this are a fault of the guard.
const MAX_ACTIONS: usize = 256;

impl Supervisor {
    /// Lets the guards of a symbol act on a report.
    pub(super) fn react_symbol(&mut self, portfolio: PortfolioId, symbol: SymbolId, now: Time, out: &mut Effects) {
        for index in self.books[portfolio.index()].on_symbol(symbol) {
            self.react(portfolio, index, now, false, out);
        }
    }

    /// Lets all guards of a portfolio act on the time.
    pub(super) fn react_all(&mut self, portfolio: PortfolioId, now: Time, out: &mut Effects) {
        for index in 0..self.books[portfolio.index()].engagements.len() {
            self.react(portfolio, index, now, true, out);
        }
    }

    /// Asks a guard until it has nothing to do. No fact made here removes or adds an engagement, so the
    /// index stays good.
    fn react(&mut self, portfolio: PortfolioId, index: usize, now: Time, tick: bool, out: &mut Effects) {
        for _ in 0..MAX_ACTIONS {
            let one = &self.books[portfolio.index()].engagements[index];
            let (symbol, intent) = one.key();
            let context = one.context(&self.plan, now, tick);
            if one.rests(&context) {
                return;
            }
            match one.guard.next_action(&context) {
                None => return,
                Some(Action::Close(reason)) => {
                    self.emit(Fact::Closing { at: now, portfolio, symbol, intent, reason }, out);
                }
                Some(Action::Cancel(id)) => self.cancel(now, CancelOrder { portfolio, symbol, id }, out),
                Some(Action::Place(draft)) => {
                    let leg = if one.orphan { self.next_orphan_leg(portfolio, intent) } else { one.guard.next_leg() };
                    let id = OrderId { intent, leg };
                    let order = exit_order(id, portfolio, symbol, one.leverage, &draft);
                    self.place(now, order, out);
                }
            }
        }
        debug_assert!(false, "invariant: a guard comes to rest");
    }

    /// Executions of nobody on several symbols share one intent: no two of their orders have the same leg.
    fn next_orphan_leg(&self, portfolio: PortfolioId, intent: IntentId) -> u16 {
        let same = self.books[portfolio.index()].engagements.iter().filter(|one| one.intent == intent);
        let gone = self.agents.get(intent.agent.index()).map_or(0, |agent| agent.orphan_leg);
        same.map(|one| one.guard.next_leg()).fold(gone, u16::max)
    }

    /// Decides to close an engagement, unless that is decided already, and lets its guard act.
    pub(super) fn close(
        &mut self,
        portfolio: PortfolioId,
        (symbol, intent): (SymbolId, IntentId),
        reason: ExitReason,
        now: Time,
        out: &mut Effects,
    ) {
        let Some(index) = self.books[portfolio.index()].find(symbol, intent) else { return };
        if self.books[portfolio.index()].engagements[index].guard.closing().is_none() {
            self.emit(Fact::Closing { at: now, portfolio, symbol, intent, reason }, out);
        }
        self.react(portfolio, index, now, false, out);
    }

    /// Decides to close all engagements of a portfolio that hold or may come to hold something.
    pub(super) fn close_where(
        &mut self,
        portfolio: PortfolioId,
        now: Time,
        reason: ExitReason,
        which: impl Fn(&Engagement) -> bool,
        out: &mut Effects,
    ) {
        for index in 0..self.books[portfolio.index()].engagements.len() {
            let one = &self.books[portfolio.index()].engagements[index];
            if one.takes_slot() && which(one) {
                let key = one.key();
                self.close(portfolio, key, reason, now, out);
            }
        }
    }
}

fn exit_order(id: OrderId, portfolio: PortfolioId, symbol: SymbolId, leverage: u32, draft: &Draft) -> Order {
    Order {
        id,
        portfolio,
        symbol,
        side: draft.side,
        kind: draft.kind,
        qty: draft.qty,
        // The venue takes one of the two flags: what closes the position cannot but reduce it.
        reduce_only: !draft.close_position,
        close_position: draft.close_position,
        leverage,
        purpose: draft.purpose,
    }
}
