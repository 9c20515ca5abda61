//! What a guard does next: the first difference between what should stand at the venue and what does.

use super::exits::{better, moved_stop, stop_price, target_price};
use super::{Guard, LAST_MOVING_LEG, MAX_ATTEMPTS, MIN_STOP_MOVE, Working};
use crate::model::{
    ExitReason, Instrument, Millis, OrderId, OrderKind, Price, Purpose, Qty, Round, Side, StopPlan, Time,
};
use crate::planted::{Bug, is_planted};

/// What a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Event time.
    pub now: Time,
    /// Signed quantity held.
    pub qty: Qty,
    /// Average entry price; zero when flat.
    pub entry_price: Price,
    /// When the position was opened.
    pub opened_at: Time,
    /// Latest mark.
    pub mark: Price,
    /// The contract.
    pub instrument: &'a Instrument,
    /// A position without an accepted stop for longer than this is closed at market.
    pub naked_timeout_ms: Millis,
    /// Time itself asks (marks, end of a step), not a report: what failed may be tried again.
    pub tick: bool,
}

/// An order to be made. All of them reduce only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is for.
    pub purpose: Purpose,
    /// Buy or sell.
    pub side: Side,
    /// Type with its prices.
    pub kind: OrderKind,
    /// Quantity; 0 with `close_position`.
    pub qty: Qty,
    /// Closes whatever is open.
    pub close_position: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Decide to close the position, for this reason.
    Close(ExitReason),
    /// Place an order.
    Place(Draft),
    /// Cancel an order.
    Cancel(OrderId),
}

impl Guard {
    /// The next thing to do, or `None` when all is as it should be. Every action, once applied as a
    /// fact, changes the answer, so asking until `None` comes to an end.
    pub fn next_action(&self, context: &Context<'_>) -> Option<Action> {
        if let Some(cancel) = self.unwanted_entry(context) {
            return Some(cancel);
        }
        if context.qty.is_zero() {
            return self.sweep(context);
        }
        if self.closing.is_some() {
            // The stop and the targets stay until the venue says flat.
            return self.close_action(context);
        }
        if let Some(reason) = self.must_close(context) {
            return Some(Action::Close(reason));
        }
        self.stop_action(context).or_else(|| self.target_action(context))
    }

    /// Cancels an entry that expired, that nobody wants any more, or whose position is closed already.
    fn unwanted_entry(&self, context: &Context<'_>) -> Option<Action> {
        let entry = self.entry()?;
        let expired = entry.expires_at.is_some_and(|at| context.now >= at);
        let left_behind = self.was_open && context.qty.is_zero();
        let unwanted = expired || left_behind || self.entry_unwanted;
        (unwanted && entry.may_cancel(context.now, context.tick)).then_some(Action::Cancel(entry.id))
    }

    /// Cancels what is left when the position is gone; a stop that waits for the entry stays.
    fn sweep(&self, context: &Context<'_>) -> Option<Action> {
        let is_left = |order: &Working| order.purpose != Purpose::Entry && !self.waits_for_entry(order);
        self.orders
            .iter()
            .find(|order| is_left(order) && order.may_cancel(context.now, context.tick))
            .map(|order| Action::Cancel(order.id))
    }

    fn must_close(&self, context: &Context<'_>) -> Option<ExitReason> {
        if Side::of(context.qty) != self.side {
            return Some(ExitReason::Naked);
        }
        if self.stop_passed {
            return Some(ExitReason::Stop);
        }
        if let Some(since) = self.naked_since {
            let hopeless = !self.may_try_stop() && !self.venue_sweeps;
            if hopeless || context.now.since(since) > context.naked_timeout_ms {
                return Some(ExitReason::Naked);
            }
        }
        let in_profit = match self.side {
            Side::Buy => context.mark > context.entry_price,
            Side::Sell => context.mark < context.entry_price,
        };
        let too_long = self.exits.max_holding_ms.is_some_and(|ms| context.now.since(context.opened_at) >= ms);
        (too_long && in_profit).then_some(ExitReason::Time)
    }

    /// Closes at market; the rest follows when the venue takes it in parts or refuses.
    fn close_action(&self, context: &Context<'_>) -> Option<Action> {
        let size = context.qty.abs();
        // What is too small for an order of its own is closed by a stop a tick from the market that
        // closes whatever is open.
        let tick = context.instrument.tick;
        let dust = size < context.instrument.min_qty;
        let side = Side::of(context.qty);
        let nearest = stop_price(side, context.mark, tick, tick);
        let closers = || self.orders.iter().filter(|order| matches!(order.purpose, Purpose::Exit | Purpose::Flatten));
        // A position that grew out of being dust is closed at market beside the stop.
        if closers().any(|order| dust || !order.kind.is_conditional()) {
            return closers().find_map(|order| self.left_behind(order, side, nearest, context));
        }
        if self.close_stalled && !context.tick {
            return None;
        }
        let by_agent = matches!(
            self.closing,
            Some(ExitReason::Signal | ExitReason::Reverse | ExitReason::Time | ExitReason::Target)
        );
        Some(Action::Place(Draft {
            purpose: if by_agent { Purpose::Exit } else { Purpose::Flatten },
            side: side.opposite(),
            kind: if dust { OrderKind::StopMarket { trigger: nearest } } else { OrderKind::Market },
            qty: if dust { Qty::ZERO } else { at_most(size, context.instrument.max_market_qty) },
            close_position: dust,
        }))
    }

    /// Takes back a stop that is to close dust and that the market has left behind; it is placed anew.
    fn left_behind(&self, order: &Working, side: Side, nearest: Price, context: &Context<'_>) -> Option<Action> {
        let OrderKind::StopMarket { trigger } = order.kind else { return None };
        let behind = if side == Side::Buy { nearest - trigger } else { trigger - nearest };
        let is_far = behind >= context.mark.times(MIN_STOP_MOVE, Round::Up).max(context.instrument.tick);
        let may = context.tick && is_far && order.is_accepted() && order.may_cancel(context.now, context.tick);
        may.then_some(Action::Cancel(order.id))
    }

    fn may_try_stop(&self) -> bool {
        self.stop_rejects < MAX_ATTEMPTS && self.stop_ends < MAX_ATTEMPTS
    }

    fn stop_action(&self, context: &Context<'_>) -> Option<Action> {
        let plan = self.exits.stop.as_ref()?;
        let size = context.qty.abs();
        let Some(newest) = self.stop() else {
            let wait = self.venue_sweeps && !context.tick;
            return (!wait).then(|| self.place_stop(context, self.best_stop(plan, context)));
        };
        let fits = self.fits(newest, size) || is_planted(Bug::KeepFirstStop);
        let may_try = self.may_try_stop() && self.next_leg < LAST_MOVING_LEG;
        if !fits && (may_try || !newest.covers(size)) {
            return Some(self.place_stop(context, self.best_stop(plan, context)));
        }
        if !newest.is_accepted() && !is_planted(Bug::CancelBeforePlacing) {
            return None;
        }
        // Only now that the better one stands do the older ones go.
        let older = self
            .orders
            .iter()
            .find(|order| order.purpose == Purpose::Stop && order.id != newest.id && order.cancel_sent_at.is_none());
        if let Some(older) = older {
            return Some(Action::Cancel(older.id));
        }
        self.move_stop(plan, newest, context).filter(|_| may_try)
    }

    /// A better stop, when it is enough better.
    fn move_stop(&self, plan: &StopPlan, newest: &Working, context: &Context<'_>) -> Option<Action> {
        // Not from the mark alone: a better stop that was refused is tried again where it belonged.
        let moved = self.best_stop(plan, context);
        let OrderKind::StopMarket { trigger } = newest.kind else { return None };
        let gain = match self.side {
            Side::Buy => moved - trigger,
            Side::Sell => trigger - moved,
        };
        let enough = context.instrument.tick.max(context.mark.times(MIN_STOP_MOVE, Round::Up));
        (gain >= enough).then(|| self.place_stop(context, moved))
    }

    /// Where the stop belongs: never behind where one already stood.
    fn best_stop(&self, plan: &StopPlan, context: &Context<'_>) -> Price {
        let tick = context.instrument.tick;
        let first = stop_price(self.side, context.entry_price, plan.distance, tick);
        let moved = moved_stop(self.side, plan, context.entry_price, context.mark, tick);
        [self.stop_level, moved].into_iter().flatten().fold(first, |best, price| better(self.side, best, price))
    }

    fn place_stop(&self, context: &Context<'_>, trigger: Price) -> Action {
        let size = context.qty.abs();
        // Sizes the venue would refuse for an order of their own are covered as a whole.
        let close_position = size < context.instrument.min_qty || size > context.instrument.max_market_qty;
        Action::Place(Draft {
            purpose: Purpose::Stop,
            side: self.side.opposite(),
            kind: OrderKind::StopMarket { trigger },
            qty: if close_position { Qty::ZERO } else { size },
            close_position,
        })
    }

    /// The first target that lacks quantity, and how much.
    pub(super) fn next_target(&self, size: Qty) -> Option<(usize, Qty)> {
        self.target_difference(size, |_, lacking| lacking > Qty::ZERO)
    }

    /// Compares wanted with working quantities, nearest target first, and gives the first difference
    /// (positive: lacking) that `wanted` accepts.
    pub(super) fn target_difference(&self, size: Qty, wanted: impl Fn(usize, Qty) -> bool) -> Option<(usize, Qty)> {
        let mut left = size;
        for (index, (share, target)) in self.shares.iter().zip(&self.targets).enumerate() {
            let remaining = Qty((share.0 - target.done.0).max(0)).min(left);
            left -= remaining;
            let working: Qty = self.working_of(index).map(|order| order.leaves).sum();
            if target.faults < MAX_ATTEMPTS && wanted(index, remaining - working) {
                return Some((index, remaining - working));
            }
        }
        None
    }

    fn working_of(&self, target: usize) -> impl Iterator<Item = &Working> {
        self.orders.iter().filter(move |order| order.purpose == Purpose::Target && usize::from(order.target) == target)
    }

    fn target_action(&self, context: &Context<'_>) -> Option<Action> {
        if self.targets.is_empty() || self.venue_sweeps && !context.tick {
            return None;
        }
        let (size, instrument) = (context.qty.abs(), context.instrument);
        let cancel_of = |index: usize| {
            self.working_of(index)
                .find(|order| order.may_cancel(context.now, context.tick))
                .map(|order| Action::Cancel(order.id))
        };
        // Too much on a target: take it back; what is right is placed when the cancel is confirmed.
        let over = self.target_difference(size, |index, lacking| lacking < Qty::ZERO && cancel_of(index).is_some());
        if let Some((index, _)) = over {
            return cancel_of(index);
        }
        let (index, lacking) = self.next_target(size)?;
        if lacking < instrument.min_qty && self.working_of(index).next().is_some() {
            return cancel_of(index); // Too little for an order of its own: place all of it anew.
        }
        let kind = if self.targets[index].passed {
            OrderKind::Market
        } else {
            let plan = &self.exits.targets[index];
            OrderKind::TakeProfitMarket {
                trigger: target_price(self.side, context.entry_price, plan.at, instrument.tick),
            }
        };
        Some(Action::Place(Draft {
            purpose: Purpose::Target,
            side: self.side.opposite(),
            kind,
            qty: at_most(lacking, instrument.max_market_qty),
            close_position: false,
        }))
    }
}

fn at_most(qty: Qty, limit: Qty) -> Qty {
    if limit > Qty::ZERO { qty.min(limit) } else { qty }
}
