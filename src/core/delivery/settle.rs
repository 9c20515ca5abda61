//! Orders that are not found: when that proves something, and what follows.

use super::desk::{Desk, Out};
use super::policy::MISSING_LOOKS;
use super::poll::back_off;
use super::tracked::{End, Stage};
use crate::model::{Difference, DifferenceKind, Figure, OrderId, ReportKind, SymbolId, Time, VenueReject};

impl Desk {
    /// The venue says that there is no such order. `asked_at`: when that was asked for.
    pub(super) fn denied(&mut self, id: OrderId, asked_at: Time) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        order.verified_at = order.verified_at.max(asked_at);
        order.denials += 1;
        let proves = match order.stage {
            // What rested can have ended and be forgotten, or be hidden for a moment.
            Stage::Seen => order.denials >= MISSING_LOOKS,
            Stage::Unknown => asked_at >= order.arrives_before,
            _ => return,
        };
        if proves {
            order.absence.query.get_or_insert(asked_at);
            if order.is_driven && order.stage == Stage::Unknown {
                // It can but reduce, and would be cancelled: better to have another soon than to be certain.
                (order.absence.listing, order.absence.trades, order.absence.strategy) = (true, true, true);
                return;
            }
            order.absence.strategy |= order.strategy.is_none();
            let symbol = order.order.symbol;
            self.listing.want_if_idle(now);
            self.lanes[symbol.index()].trades.want_if_idle(now);
            return;
        }
        let again = now.plus(back_off(order.denials as usize - 1));
        let last = if order.arrives_before > now { again.min(order.arrives_before) } else { again };
        order.query.want(last);
    }

    /// The open orders, asked for at `asked_at`, do not have some that are being looked for.
    pub(super) fn deny_by_listing(&mut self, asked_at: Time, is_listed: impl Fn(OrderId) -> bool) {
        for (id, order) in &mut self.orders {
            if order.absence.query.is_some_and(|query| asked_at >= query) && !is_listed(*id) {
                order.absence.listing = true;
            }
        }
    }

    /// The trades of a contract, asked for at `asked_at`, all have their owner.
    pub(super) fn deny_by_trades(&mut self, symbol: SymbolId, asked_at: Time) {
        if !self.lanes[symbol.index()].unowned.is_empty() {
            return;
        }
        for order in self.orders.values_mut().filter(|order| order.order.symbol == symbol) {
            if order.absence.query.is_some_and(|query| asked_at >= query) {
                order.absence.trades = true;
            }
        }
    }

    /// Concludes of orders that all deny that they are not there, and asks on for those that not all deny yet.
    pub(super) fn conclude_absences(&mut self, out: &mut Out) {
        let now = self.now;
        let mut proven = Vec::new();
        for (id, order) in self.orders.iter_mut().filter(|(_, order)| order.is_working()) {
            let Some(query) = order.absence.query else { continue };
            if order.absence.is_proven() {
                proven.push(*id);
                continue;
            }
            if !order.absence.listing && !self.listing.is_current(query) {
                self.listing.want_if_idle(now);
            }
            let lane = &mut self.lanes[order.order.symbol.index()];
            if !order.absence.trades && lane.unowned.is_empty() {
                lane.trades.want_if_idle(now);
            }
            if let Some(strategy) = order.strategy.as_mut().filter(|_| !order.absence.strategy) {
                strategy.look.want_if_idle(now);
            }
        }
        for id in proven {
            self.conclude_absence(id, out);
        }
    }

    fn conclude_absence(&mut self, id: OrderId, out: &mut Out) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.end_at = now;
        if order.stage == Stage::Unknown && order.strategy.is_some_and(|strategy| strategy.failed) {
            return self.leave_alone(id, None, out);
        }
        if order.stage == Stage::Unknown {
            return self.finish(id, ReportKind::Rejected(VenueReject::NeverArrived), out);
        }
        order.end = Some(End::Missing);
        let (symbol, was_wanted) = (order.order.symbol, !order.cancel_wanted);
        let leaves = order.order.qty - order.booked;
        // All trades are known, so nothing more was executed, whatever was announced.
        order.told = order.booked;
        if was_wanted {
            let difference = Difference {
                kind: DifferenceKind::MissingOrder,
                policy: self.policy.differences.of(DifferenceKind::MissingOrder),
                symbol: Some(symbol),
                subject: self.tag.name(id),
                venue: Figure::Nothing,
                book: Figure::Qty(leaves),
            };
            self.meet(difference, out);
        }
        self.follow(id, out);
    }
}
