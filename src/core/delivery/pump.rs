//! What is due now: everything that waits for its time is asked or sent from here, so that nothing is asked
//! twice because it is wanted twice.

use super::desk::{Desk, Out, What};
use super::lane::Lane;
use super::policy::{CLOCK_MARGIN_MS, INCOME_OVERLAP_MS};
use super::poll::Poll;
use super::talk::{LinkState, OrderKey, Request, TradesFrom};
use super::tracked::Stage;
use crate::model::{OrderId, SymbolId, Time, VenueReject};
use std::collections::BTreeMap;

impl Desk {
    /// Does all that is due. The end of every door.
    pub(super) fn pump(&mut self, out: &mut Out) {
        self.give_up_on_silence();
        self.conclude_absences(out);
        self.advance(out);
        self.pump_orders(out);
        self.pump_lanes(out);
        self.pump_strangers(out);
        self.pump_account(out);
        self.swing_gate(out);
    }

    /// When to call [`tick`](Self::tick) next, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        let mut first: Option<Time> = self.reconciliation.deadline();
        let mut offer = |at: Option<Time>| {
            if let Some(at) = at {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        };
        for order in self.orders.values().filter(|order| order.is_working()) {
            offer(order.query.deadline());
            offer(order.cancel.deadline());
            offer(order.strategy.and_then(|strategy| strategy.look.deadline()));
            match order.stage {
                Stage::Waiting(at) => offer(Some(at)),
                Stage::Sent => offer(Some(order.sent_at.plus(self.policy.overdue_ms))),
                _ => {}
            }
            if order.is_held() && order.is_entry() {
                offer(Some(order.placed_at.plus(self.policy.entry_life_ms + 1)));
            }
        }
        for lane in &self.lanes {
            offer(lane.trades.deadline());
            offer(lane.set_leverage.deadline());
            lane.unowned.values().for_each(|unowned| offer(unowned.poll.deadline()));
        }
        self.unwanted.values().for_each(|poll| offer(poll.deadline()));
        for poll in [&self.listing, &self.positions, &self.balance, &self.income, &self.modes] {
            offer(poll.deadline());
        }
        first
    }

    /// Questions that were never answered are asked anew; a silent order counts as unknown.
    fn give_up_on_silence(&mut self) {
        let now = self.now;
        let mut silent = Vec::new();
        let mut look = |poll: &mut Poll| silent.extend(poll.give_up(now));
        for order in self.orders.values_mut() {
            look(&mut order.query);
            look(&mut order.cancel);
            order.strategy.iter_mut().for_each(|strategy| look(&mut strategy.look));
        }
        for lane in &mut self.lanes {
            look(&mut lane.trades);
            look(&mut lane.set_leverage);
            lane.unowned.values_mut().for_each(|unowned| look(&mut unowned.poll));
        }
        self.unwanted.values_mut().for_each(&mut look);
        for poll in [&mut self.listing, &mut self.positions, &mut self.balance, &mut self.income, &mut self.modes] {
            look(poll);
        }
        for request in silent {
            self.asked.remove(&request);
        }
    }

    fn pump_orders(&mut self, out: &mut Out) {
        let now = self.now;
        let ids: Vec<OrderId> = self.orders.iter().filter(|(_, order)| order.is_working()).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(order) = self.orders.get_mut(&id) else { continue };
            let is_old = now.since(order.placed_at) > self.policy.entry_life_ms;
            match order.stage {
                Stage::Waiting(_) | Stage::Leverage if order.is_entry() && is_old => {
                    self.reject(id, VenueReject::NotSent, out);
                    continue;
                }
                Stage::Waiting(at) if at <= now => self.launch(id, out),
                Stage::Sent if now.since(order.sent_at) >= self.policy.overdue_ms => {
                    order.stage = Stage::Unknown;
                    order.query.want(now);
                }
                _ => {}
            }
            self.pump_order(id, out);
        }
    }

    fn pump_order(&mut self, id: OrderId, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let symbol = order.order.symbol;
        let is_out = matches!(order.stage, Stage::Unknown | Stage::Seen);
        if !is_out {
            order.query.drop_want();
        }
        if !is_out || order.end.is_some() {
            order.cancel.drop_want();
        }
        if order.cancel_wanted && order.cancel.is_ready(self.now) {
            let key = OrderKey::Name(self.tag.name(id));
            let request = self.ask(What::Cancel(id), Request::Cancel { symbol, key, id: Some(id) }, out);
            if let Some(order) = self.orders.get_mut(&id) {
                order.cancel.asked(request, self.now);
            }
        }
        let Some(order) = self.orders.get(&id) else { return };
        if order.query.is_ready(self.now) {
            let key = OrderKey::Name(self.tag.name(id));
            let request = self.ask(What::Query(id), Request::QueryOrder { symbol, key }, out);
            if let Some(order) = self.orders.get_mut(&id) {
                order.query.asked(request, self.now);
            }
        }
        self.pump_strategy(id, out);
    }

    fn pump_lanes(&mut self, out: &mut Out) {
        // Of each contract the leverage of the first order that waits for one.
        let mut leverages = BTreeMap::new();
        for order in self.orders.values().filter(|order| order.stage == Stage::Leverage) {
            leverages.entry(order.order.symbol).or_insert(order.order.leverage);
        }
        for index in 0..self.lanes.len() {
            let symbol = SymbolId::at(index);
            self.pump_trades(symbol, out);
            self.pump_leverage(symbol, leverages.get(&symbol).copied(), out);
            let ready = |lane: &Lane, now| {
                let mut unowned = lane.unowned.iter();
                unowned.find(|(_, unowned)| unowned.poll.is_ready(now)).map(|(number, _)| *number)
            };
            while let Some(number) = ready(&self.lanes[index], self.now) {
                let request = Request::QueryOrder { symbol, key: OrderKey::Number(number) };
                let request = self.ask(What::Resolve(symbol, number), request, out);
                if let Some(unowned) = self.lanes[index].unowned.get_mut(&number) {
                    unowned.poll.asked(request, self.now);
                }
            }
        }
    }

    fn pump_trades(&mut self, symbol: SymbolId, out: &mut Out) {
        if !self.lanes[symbol.index()].trades.is_ready(self.now) {
            return;
        }
        if !self.wants_trades(symbol) {
            // The stream brought what was missing.
            self.lanes[symbol.index()].trades.drop_want();
            return;
        }
        let from = self.trades_from(symbol);
        let request = self.ask(What::Trades(symbol), Request::Trades { symbol, from }, out);
        self.lanes[symbol.index()].trades.asked(request, self.now);
    }

    /// Whether a contract's trades are worth asking for.
    fn wants_trades(&self, symbol: SymbolId) -> bool {
        let mut own = self.orders.values().filter(|order| order.order.symbol == symbol);
        own.any(|order| order.lacks_trades() || order.absence.query.is_some())
            || self.reconciliation.wants_trades(&self.lanes[symbol.index()])
    }

    /// The earliest trade that may be missing.
    pub(super) fn trades_from(&self, symbol: SymbolId) -> TradesFrom {
        if let Some(complete) = self.lanes[symbol.index()].complete_to() {
            return TradesFrom::Trade(complete + 1);
        }
        let own = self.orders.values().filter(|order| order.order.symbol == symbol);
        let first = own.map(|order| order.placed_at).min().or(self.opened_at).unwrap_or(self.now);
        TradesFrom::Time(first.plus(-CLOCK_MARGIN_MS))
    }

    fn pump_leverage(&mut self, symbol: SymbolId, wanted: Option<u32>, out: &mut Out) {
        let lane = &mut self.lanes[symbol.index()];
        let Some(leverage) = wanted else {
            lane.set_leverage.drop_want();
            return;
        };
        lane.set_leverage.want_if_idle(self.now);
        if lane.set_leverage.is_ready(self.now) {
            let request = Request::SetLeverage { symbol, leverage };
            let request = self.ask(What::Leverage(symbol, leverage), request, out);
            self.lanes[symbol.index()].set_leverage.asked(request, self.now);
        }
    }

    fn pump_strangers(&mut self, out: &mut Out) {
        let now = self.now;
        let due: Vec<_> = self.unwanted.iter().filter(|(_, poll)| poll.is_ready(now)).map(|(key, _)| *key).collect();
        for (symbol, number) in due {
            let request = Request::Cancel { symbol, key: OrderKey::Number(number), id: None };
            let request = self.ask(What::CancelStranger(symbol, number), request, out);
            if let Some(poll) = self.unwanted.get_mut(&(symbol, number)) {
                poll.asked(request, now);
            }
        }
    }

    fn pump_account(&mut self, out: &mut Out) {
        let now = self.now;
        if self.listing.is_ready(now) {
            let request = self.ask(What::Listing, Request::OpenOrders, out);
            self.listing.asked(request, now);
        }
        if self.positions.is_ready(now) {
            let request = self.ask(What::Positions, Request::Positions, out);
            self.positions.asked(request, now);
        }
        if self.balance.is_ready(now) {
            let request = self.ask(What::Balance, Request::Balance, out);
            self.balance.asked(request, now);
        }
        if self.modes.is_ready(now) {
            let request = self.ask(What::Modes, Request::Modes, out);
            self.modes.asked(request, now);
        }
        if self.income.is_ready(now) {
            let opened = self.opened_at.unwrap_or(now);
            let from = self.income_at.map_or(opened, |at| at.plus(-INCOME_OVERLAP_MS).max(opened));
            let request = self.ask(What::Income, Request::Income { from }, out);
            self.income.asked(request, now);
        }
    }

    /// Entries pass while the user stream is up, the account is reconciled, and nothing seems to differ.
    fn swing_gate(&mut self, out: &mut Out) {
        let is_open = self.link == LinkState::Up && self.halted.is_none() && self.reconciliation.is_settled();
        if self.gated == is_open {
            self.gated = !is_open;
            out.gate = Some(self.gated);
        }
    }
}
