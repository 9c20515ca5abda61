//! Entries that leave with their stop, as one strategy order of the venue's: the venue places the stop when the
//! entry fills, so that no position waits for a round trip.
//!
//! Each of both orders was approved, has its own name and is tracked as any other; the strategy is only the way
//! they travel. So what became of the entry is found out by its name, and by the strategy's where nothing else
//! knows it; and what becomes of the stop follows from the entry: it is placed when the entry fills, and never
//! when the entry ends before that. A strategy that is refused leaves as the entry alone, once, when it is certain
//! that nothing was placed. The desk remembers what sort of entry is not taken as a strategy, for as long as the
//! process lives.

use super::desk::{Desk, Out, What};
use super::policy::{DRIVEN_MS, STRATEGY_SETTLES_MS, TRADE_GRACE_MS};
use super::poll::back_off;
use super::talk::{Answer, EntryWithStop, RefusalClass, Request, RequestId, StrategyState};
use super::tracked::{Absence, Stage, Strategy, Tracked};
use crate::model::{CancelReason, Order, OrderId, OrderKind, Purpose, ReportKind, Time, VenueReject};

/// What strategies came to on an account, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrategyUse {
    /// Entries that left with their stop, and that the venue took.
    pub taken: u64,
    /// Entries that were to leave with their stop and left alone.
    pub alone: u64,
    /// Market entries are not taken as strategies.
    pub no_market: bool,
    /// Limit entries are not taken as strategies.
    pub no_limit: bool,
}

/// What a desk remembers of strategies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strategies(StrategyUse);

impl Strategies {
    const fn is_refused(self, entry: &Order) -> bool {
        match entry.kind {
            OrderKind::Limit { .. } => self.0.no_limit,
            _ => self.0.no_market,
        }
    }

    const fn refuse(&mut self, entry: &Order) {
        match entry.kind {
            OrderKind::Limit { .. } => self.0.no_limit = true,
            _ => self.0.no_market = true,
        }
    }
}

impl Desk {
    /// What strategies came to.
    pub const fn strategy_use(&self) -> StrategyUse {
        self.strategies.0
    }

    /// Takes an entry and the stop that it is to bring along. Those that were taken before are not taken again.
    pub(super) fn take_both(&mut self, entry: Order, stop: Order, out: &mut Out) {
        let (id, stop_id) = (entry.id, stop.id);
        if self.orders.contains_key(&id) || entry.symbol.index() >= self.lanes.len() {
            return;
        }
        self.orders.insert(stop_id, Tracked::driven(stop, self.now));
        let waiting = Tracked::new(entry, self.now, Stage::Waiting(self.now));
        self.orders.insert(id, Tracked { stop: Some(stop_id), ..waiting });
        self.launch(id, out);
    }

    /// The request that an order leaves with.
    pub(super) fn placing(&mut self, id: OrderId, out: &mut Out) -> Request {
        let together = self.together(id);
        if together.is_none() && self.drop_stop(id, out) {
            self.strategies.0.alone += 1;
        }
        let order = self.orders.get_mut(&id).expect("invariant: it is about to leave");
        match together {
            Some(together) => {
                order.strategy = Some(Strategy::default());
                Request::PlaceStrategy(Box::new(together))
            }
            None => Request::Place { order: order.order.clone(), name: self.tag.name(id) },
        }
    }

    /// An entry with its stop, where both are to leave together.
    fn together(&self, id: OrderId) -> Option<EntryWithStop> {
        let entry = self.orders.get(&id)?;
        let stop = self.orders.get(&entry.stop?).filter(|stop| stop.stage == Stage::Driven)?;
        if entry.alone.is_some() || self.strategies.is_refused(&entry.order) {
            return None;
        }
        Some(EntryWithStop {
            name: self.tag.strategy_name(id.intent)?,
            entry: entry.order.clone(),
            entry_name: self.tag.name(id),
            stop: stop.order.clone(),
            stop_name: self.tag.name(stop.order.id),
        })
    }

    /// Tells that the stop which an entry was to bring along never comes; whether it still was to.
    pub(super) fn drop_stop(&mut self, entry: OrderId, out: &mut Out) -> bool {
        let stop = self.orders.get(&entry).and_then(|entry| entry.stop);
        let Some(order) = stop.and_then(|stop| self.orders.get_mut(&stop)) else { return false };
        if order.stage != Stage::Driven {
            return false;
        }
        order.end_at = self.now;
        let id = order.order.id;
        self.finish(id, ReportKind::Rejected(VenueReject::NotSent), out);
        true
    }

    pub(super) fn left_as_strategy(&self, id: OrderId) -> bool {
        self.orders.get(&id).is_some_and(|order| order.is_working() && order.strategy.is_some())
    }

    /// The venue answered to a strategy.
    pub(super) fn strategy_answered(&mut self, id: OrderId, state: StrategyState) {
        let now = self.now;
        self.strategies.0.taken += u64::from(state == StrategyState::Taken);
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        let Some(strategy) = &mut order.strategy else { return };
        strategy.failed = state != StrategyState::Taken;
        if !matches!(order.stage, Stage::Sent | Stage::Unknown) {
            return;
        }
        order.stage = Stage::Unknown;
        // It did arrive. What it says of its orders is nothing, so they are asked for; mostly the stream comes first.
        let settles = if strategy.failed { 0 } else { STRATEGY_SETTLES_MS };
        order.arrives_before = order.arrives_before.min(now.plus(settles));
        order.query.want(now.plus(if strategy.failed { 0 } else { TRADE_GRACE_MS }));
    }

    /// It is certain that nothing of a strategy was placed: its entry leaves by itself, once. `why` it was refused;
    /// `None` when it failed.
    pub(super) fn leave_alone(&mut self, id: OrderId, why: Option<VenueReject>, out: &mut Out) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        if order.stage == Stage::Seen {
            // The stream knows it: what was refused is not this.
            return order.query.want(now);
        }
        order.strategy = None;
        // A stop that the market has passed, or that is beyond its bounds, says nothing of others.
        order.alone = Some(!matches!(why, Some(VenueReject::WouldTrigger | VenueReject::PriceBand)));
        order.stage = Stage::Waiting(now);
        order.absence = Absence::default();
        order.query.drop_want();
        if order.cancel_wanted {
            self.finish(id, ReportKind::Canceled(CancelReason::Requested), out);
        } else if now.since(order.placed_at) > self.policy.entry_life_ms {
            self.reject(id, VenueReject::NotSent, out);
        } else {
            self.launch(id, out);
        }
    }

    /// What an entry has come to says something of its stop, and of strategies.
    pub(super) fn attend(&mut self, id: OrderId) {
        let now = self.now;
        let Some(entry) = self.orders.get_mut(&id) else { return };
        let has_arrived = entry.stage == Stage::Seen || entry.booked.0 > 0;
        if has_arrived && entry.alone == Some(true) {
            // Refused with its stop, and accepted without.
            entry.alone = Some(false);
            self.strategies.refuse(&entry.order);
        }
        let has_filled = entry.told.0 > 0 || entry.booked.0 > 0;
        let Some(stop) = entry.stop.filter(|_| has_filled) else { return };
        let Some(stop) = self.orders.get_mut(&stop).filter(|stop| stop.stage == Stage::Driven) else { return };
        stop.stage = Stage::Unknown;
        (stop.sent_at, stop.arrives_before) = (now, now.plus(DRIVEN_MS));
        stop.query.want(now.plus(TRADE_GRACE_MS));
        if stop.cancel_wanted {
            stop.cancel.want_if_idle(now);
        }
    }

    /// Asks what became of a strategy, where that is due.
    pub(super) fn pump_strategy(&mut self, id: OrderId, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let Some(strategy) = &mut order.strategy else { return };
        if order.stage != Stage::Unknown {
            strategy.look.drop_want();
        }
        let Some(name) = self.tag.strategy_name(id.intent).filter(|_| strategy.look.is_ready(self.now)) else { return };
        let request = self.ask(What::Look(id), Request::QueryStrategy { name }, out);
        if let Some(strategy) = self.orders.get_mut(&id).and_then(|order| order.strategy.as_mut()) {
            strategy.look.asked(request, self.now);
        }
    }

    /// What became of a strategy, as the venue says.
    pub(super) fn looked(&mut self, id: OrderId, request: RequestId, answer: &Answer) {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id) else { return };
        let Some(strategy) = &mut order.strategy else { return };
        match answer {
            // What is over places nothing any more, and a venue that refuses the question has no strategies.
            Answer::NoSuchOrder
            | Answer::Strategy(StrategyState::Over)
            | Answer::Refused { class: RefusalClass::Refuse, .. } => {
                let asked_at = strategy.look.answered(request);
                if let (Some(asked_at), Some(query)) = (asked_at, order.absence.query) {
                    order.absence.strategy |= asked_at >= query;
                }
            }
            Answer::Strategy(_) => {
                // It is there, so its entry is, or was.
                strategy.look.answered(request);
                order.absence = Absence::default();
                order.query.want(now.plus(back_off(order.denials as usize)));
            }
            Answer::NotSent { until } => strategy.look.failed(request, now, *until),
            _ => strategy.look.failed(request, now, None),
        }
    }

    /// The journal holds a stop whose entry has not filled: the entry brings it along. Any other stop was approved
    /// after a fill.
    pub(super) fn fold_driven(&mut self, at: Time, order: &Order) -> Option<Tracked> {
        let entry = self.orders.get_mut(&OrderId { leg: 0, ..order.id }).filter(|_| order.purpose == Purpose::Stop)?;
        if !entry.is_working() || !entry.is_entry() || entry.booked.0 > 0 {
            return None;
        }
        // Whether it left so is not known; without a name it cannot have.
        let name = self.tag.strategy_name(order.id.intent);
        (entry.stop, entry.strategy) = (Some(order.id), name.map(|_| Strategy::default()));
        Some(Tracked::driven(order.clone(), at))
    }

    /// After a start: a stop whose entry filled is looked for as at the fill, and so is one whose entry is over.
    pub(super) fn begin_strategies(&mut self) {
        let now = self.now;
        let driven = |order: &&Tracked| order.stage == Stage::Driven;
        let waiting = self.orders.values().filter(|order| order.is_working() && order.is_entry());
        let waiting: Vec<OrderId> = waiting.filter_map(|entry| entry.stop).collect();
        let left: Vec<OrderId> =
            self.orders.values().filter(driven).map(|stop| stop.order.id).filter(|id| !waiting.contains(id)).collect();
        for order in self.orders.values_mut().filter(|order| order.is_driven) {
            if left.contains(&order.order.id) {
                order.stage = Stage::Unknown;
            }
            if order.stage == Stage::Unknown {
                order.arrives_before = now.plus(DRIVEN_MS);
            }
        }
    }
}
