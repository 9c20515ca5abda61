//! What comes back: answers to requests and events of the user stream.

use super::desk::{Desk, Halt, Out, What};
use super::policy::{STRANGERS_KEPT, TRADE_GRACE_MS};
use super::poll::back_off;
use super::talk::{AccountReason, Answer, OrderReport, RefusalClass, Request, RequestId, StreamEvent};
use super::tracked::{End, Stage};
use super::{Owner, names};
use crate::model::{
    CancelReason, Difference, DifferenceKind, DifferencePolicy, Figure, OrderId, Qty, ReportKind, SymbolId, Time,
    VenueReject,
};
use crate::planted::{Bug, is_planted};

impl Desk {
    /// What became of a request. Answers may come in any order and late; a second answer to a request, and one
    /// to a request that was given up, changes nothing.
    pub fn answered(&mut self, now: Time, request: RequestId, answer: Answer, out: &mut Out) {
        self.now = self.now.max(now);
        let Some(what) = self.asked.remove(&request) else { return };
        if let Answer::Refused { class: RefusalClass::Halt, .. } = answer {
            self.halt(Halt::Refused, out);
        }
        match what {
            What::Place(id) => self.placed(id, answer, out),
            What::Look(id) => self.looked(id, request, &answer),
            What::Noop(id) => self.nullified(id, &answer),
            What::Cancel(id) => self.canceled(id, request, answer, out),
            What::Query(id) => self.queried(id, request, answer, out),
            What::Resolve(symbol, number) => self.resolved(symbol, number, request, answer, out),
            What::CancelStranger(symbol, number) => self.stranger_canceled(symbol, number, request, &answer),
            What::Leverage(symbol, leverage) => self.leverage_set(symbol, leverage, request, &answer, out),
            What::Trades(symbol) => self.trades_listed(symbol, request, answer, out),
            What::Listing => self.listed(request, answer, out),
            What::Income => self.income_listed(request, answer, out),
            What::Positions | What::Balance | What::Modes => self.account_told(what, request, answer, out),
        }
        self.pump(out);
    }

    /// The user stream told something. Events may come twice and in any order.
    pub fn streamed(&mut self, now: Time, event: StreamEvent, out: &mut Out) {
        self.now = self.now.max(now);
        match event {
            StreamEvent::Order { report, trade } => {
                self.own(report.symbol, report.number, self.tag.owner(&report.name));
                if let Some(trade) = trade {
                    // Before the report: then the last execution itself says that nothing is left.
                    if let Owner::Ours(id) = self.tag.owner(&report.name)
                        && let Some(order) = self.orders.get_mut(&id)
                    {
                        order.hear(&report);
                    }
                    self.report_left_behind(&report, out);
                    self.take_trade(&trade, out);
                }
                self.absorb(&report, out);
            }
            StreamEvent::Account { reason, positions } => {
                match reason {
                    AccountReason::Funding | AccountReason::Transfer => self.expect_income(),
                    AccountReason::Order | AccountReason::Other => {}
                }
                for (symbol, qty) in positions {
                    if let Some(lane) = self.lanes.get_mut(symbol.index()) {
                        lane.hinted = Some(qty);
                    }
                }
                self.reconciliation.hint(self.now);
            }
            StreamEvent::Leverage { symbol, leverage } => self.leverage_told(symbol, leverage, out),
            StreamEvent::Modes { hedge, multi_assets } => self.modes_told(hedge, multi_assets, out),
        }
        self.pump(out);
    }

    fn placed(&mut self, id: OrderId, answer: Answer, out: &mut Out) {
        let now = self.now;
        match answer {
            Answer::Order(report) => return self.absorb(&report, out),
            Answer::Strategy(state) => return self.strategy_answered(id, state),
            // The name is in use: then the order is there, by whatever way.
            Answer::Refused { why: VenueReject::DuplicateId, .. } => {}
            Answer::Refused { class: RefusalClass::Refuse, why } if self.left_as_strategy(id) => {
                return self.leave_alone(id, Some(why), out);
            }
            Answer::Refused { class: RefusalClass::Refuse | RefusalClass::Halt, why } => {
                return self.refused(id, why, out);
            }
            Answer::Refused { class: RefusalClass::Retry, .. } => return self.hold(id, None, out),
            Answer::NotSent { until } => return self.hold(id, until, out),
            Answer::Unknown if is_planted(Bug::ResendOnTimeout) => {
                let working = self.orders.get_mut(&id).filter(|order| order.is_working());
                return working.map_or((), |order| order.stage = Stage::Waiting(now));
            }
            _ => {}
        }
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        if order.stage == Stage::Sent {
            order.stage = Stage::Unknown;
        }
        if order.stage != Stage::Unknown {
            return;
        }
        order.query.want(now);
        let place = order.place.filter(|_| self.policy.noop_settles_ms.is_some());
        if let Some(of) = place {
            self.ask(What::Noop(id), Request::Noop { of }, out);
        }
    }

    pub(super) fn refused(&mut self, id: OrderId, why: VenueReject, out: &mut Out) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        if order.stage == Stage::Seen {
            // The stream knows it: what was refused is not this order.
            order.query.want(now);
        } else {
            self.reject(id, why, out);
        }
    }

    /// An order did not leave: it may later.
    fn hold(&mut self, id: OrderId, until: Option<Time>, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        if !matches!(order.stage, Stage::Sent | Stage::Unknown) {
            return;
        }
        let tries = order.denials as usize;
        order.denials += 1;
        let at = until.unwrap_or_else(|| self.now.plus(back_off(tries)));
        order.stage = Stage::Waiting(at.max(self.now.plus(1)));
        order.query.drop_want();
        if order.cancel_wanted {
            self.finish(id, ReportKind::Canceled(CancelReason::Requested), out);
        }
    }

    /// The nonce of an order's request is used up, by the request itself or by the noop.
    fn nullified(&mut self, id: OrderId, answer: &Answer) {
        let (Answer::Done, Some(settles)) = (answer, self.policy.noop_settles_ms) else { return };
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.stage == Stage::Unknown) else { return };
        order.arrives_before = order.arrives_before.min(self.now.plus(settles));
        order.query.want(order.arrives_before);
    }

    fn canceled(&mut self, id: OrderId, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id) else { return };
        if let Answer::NotSent { until } = answer {
            order.cancel.failed(request, now, until);
            return;
        }
        // Again later, unless the order turns out to have ended.
        order.cancel.failed(request, now, None);
        match answer {
            Answer::Order(report) => self.absorb(&report, out),
            _ if order.is_working() => order.query.want(now),
            _ => {}
        }
    }

    fn queried(&mut self, id: OrderId, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id) else { return };
        match answer {
            Answer::Order(report) => {
                if let Some(at) = order.query.answered(request) {
                    order.verified_at = order.verified_at.max(at);
                }
                if order.cancel_wanted {
                    order.cancel.want_if_idle(now);
                }
                self.absorb(&report, out);
            }
            Answer::NoSuchOrder => {
                let asked_at = order.query.answered(request);
                self.denied(id, asked_at.unwrap_or(now));
            }
            Answer::NotSent { until } => order.query.failed(request, now, until),
            _ => order.query.failed(request, now, None),
        }
    }

    fn resolved(&mut self, symbol: SymbolId, number: u64, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let Some(unowned) = self.lanes[symbol.index()].unowned.get_mut(&number) else { return };
        match answer {
            Answer::Order(report) => {
                unowned.poll.answered(request);
                self.absorb(&report, out);
            }
            Answer::NoSuchOrder if unowned.denials >= super::MISSING_LOOKS => {
                // It traded, so it was there; nobody will say whose it was.
                self.own(symbol, number, Owner::Foreign);
                self.release(symbol, number, out);
            }
            Answer::NoSuchOrder => {
                unowned.denials += 1;
                unowned.poll.failed(request, now, None);
            }
            Answer::NotSent { until } => unowned.poll.failed(request, now, until),
            _ => unowned.poll.failed(request, now, None),
        }
    }

    /// An order as the venue shows it, from whichever side that comes.
    pub(super) fn absorb(&mut self, report: &OrderReport, out: &mut Out) {
        if report.symbol.index() >= self.lanes.len() {
            return;
        }
        let owner = self.tag.owner(&report.name);
        self.own(report.symbol, report.number, owner);
        self.report_left_behind(report, out);
        self.release(report.symbol, report.number, out);
        let tracked = match owner {
            names::Owner::Ours(id) => self.orders.get_mut(&id).map(|order| (id, order)),
            _ => None,
        };
        let Some((id, order)) = tracked else {
            if !report.status.is_final() && owner != Owner::Venue {
                self.strange(report, out);
            } else {
                self.unwanted.remove(&(report.symbol, report.number));
            }
            return;
        };
        let was_done = !order.is_working();
        order.hear(report);
        let by_conclusion = order.end.is_none() || order.end == Some(End::Missing);
        if was_done && by_conclusion && !report.status.is_final() {
            // It was taken to be gone, and nobody counts on it any more.
            self.strange(report, out);
        }
        self.follow(id, out);
    }

    /// Tells what has become certain of an order.
    pub(super) fn follow(&mut self, id: OrderId, out: &mut Out) {
        let now = self.now;
        self.attend(id);
        let Some(order) = self.orders.get_mut(&id) else { return };
        let symbol = order.order.symbol;
        if order.lacks_trades() {
            self.lanes[symbol.index()].trades.want_if_idle(now.plus(TRADE_GRACE_MS));
        }
        if !order.is_working() {
            return;
        }
        if order.is_complete() {
            let kind = order.last_report(self.lanes[symbol.index()].holding.is_flat());
            return self.finish(id, kind, out);
        }
        if order.stage == Stage::Seen && order.end.is_none() {
            if order.cancel_wanted {
                order.cancel.want_if_idle(now);
            }
            if !order.is_accepted && order.booked.is_zero() && !order.lacks_trades() {
                order.is_accepted = true;
                let at = order.end_at.max(order.placed_at);
                self.tell(id, symbol, at, ReportKind::Accepted, out);
            }
        }
    }

    /// An open order that nobody here approved, or that everybody here takes to be gone.
    fn strange(&mut self, report: &OrderReport, out: &mut Out) {
        let key = (report.symbol, report.number);
        if self.met_by(&report.name) == DifferencePolicy::Close {
            self.unwanted.entry(key).or_default().want_if_idle(self.now);
        }
        self.report_stranger(key, &report.name, report.qty - report.filled, out);
    }

    /// An executed order of an older run is reported by its name, before its executions are by its number.
    fn report_left_behind(&mut self, report: &OrderReport, out: &mut Out) {
        let is_foreign = self.tag.owner(&report.name) == Owner::Foreign;
        if is_foreign && names::is_of_a_run(&report.name) && report.filled > Qty::ZERO {
            self.report_stranger((report.symbol, report.number), &report.name, report.qty, out);
        }
    }

    /// How an order of this name is met that nobody here wants. What some run of a swarm left behind is taken
    /// off the venue whatever is set: nobody would miss it.
    fn met_by(&self, name: &str) -> DifferencePolicy {
        if names::is_of_a_run(name) {
            return DifferencePolicy::Close;
        }
        self.policy.differences.of(DifferenceKind::UnknownOrder)
    }

    /// Remembers an order of somebody else; `false` when it is known.
    pub(super) fn is_new_stranger(&mut self, key: (SymbolId, u64)) -> bool {
        let is_new = self.strangers.insert(key);
        if self.strangers.len() > STRANGERS_KEPT {
            self.strangers.pop_first();
        }
        is_new
    }

    /// Reports an order of somebody else, once.
    pub(super) fn report_stranger(&mut self, key: (SymbolId, u64), subject: &str, qty: Qty, out: &mut Out) {
        if !self.is_new_stranger(key) {
            return;
        }
        let difference = Difference {
            kind: DifferenceKind::UnknownOrder,
            policy: self.met_by(subject),
            symbol: Some(key.0),
            subject: subject.to_owned(),
            venue: Figure::Qty(qty),
            book: Figure::Nothing,
        };
        self.meet(difference, out);
    }

    fn stranger_canceled(&mut self, symbol: SymbolId, number: u64, request: RequestId, answer: &Answer) {
        let now = self.now;
        let key = (symbol, number);
        let Some(poll) = self.unwanted.get_mut(&key) else { return };
        match answer {
            Answer::NotSent { until } => poll.failed(request, now, *until),
            Answer::Unknown | Answer::Unanswered => poll.failed(request, now, None),
            // Done, or not there any more; a listing that still has it begins anew.
            _ => drop(self.unwanted.remove(&key)),
        }
    }

    fn leverage_set(&mut self, symbol: SymbolId, leverage: u32, request: RequestId, answer: &Answer, out: &mut Out) {
        let now = self.now;
        let lane = &mut self.lanes[symbol.index()];
        let waiting = |order: &super::tracked::Tracked| {
            order.order.symbol == symbol && order.stage == Stage::Leverage && order.order.leverage == leverage
        };
        let ids: Vec<_> = self.orders.iter().filter(|(_, order)| waiting(order)).map(|(id, _)| *id).collect();
        match answer {
            Answer::Done => {
                lane.set_leverage.answered(request);
                lane.leverage = Some(leverage);
                ids.into_iter().for_each(|id| self.launch(id, out));
            }
            Answer::Refused { class: RefusalClass::Refuse | RefusalClass::Halt, .. } => {
                lane.set_leverage.answered(request);
                ids.into_iter().for_each(|id| self.reject(id, VenueReject::LeverageBracket, out));
            }
            // Setting it twice does no harm.
            Answer::NotSent { until } => lane.set_leverage.failed(request, now, *until),
            _ => lane.set_leverage.failed(request, now, None),
        }
    }
}
