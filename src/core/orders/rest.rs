//! How long a guard has nothing to do. Most marks lead to nothing, and to find that out anew at each
//! of them was the dearest thing in a backtest: so it is found out once after each change, as a time
//! and two prices. It may say less than the truth (then [`Guard::next_action`] is asked), never more.

use super::exits::{better, break_even_stop, stop_price};
use super::{Guard, Working};
use crate::model::{Instrument, OrderKind, Price, Purpose, Qty, Rate, Round, Side, StopPlan, Time, Trail};

/// A guard has nothing to do before a time, while the mark lies between two prices (both exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    until: Time,
    above: Price,
    below: Price,
}

impl Rest {
    /// Never: ask.
    pub const NONE: Self = Self { until: Time(i64::MIN), above: Price(i64::MAX), below: Price(i64::MIN) };

    const fn until(until: Time) -> Self {
        Self { until, above: Price(i64::MIN), below: Price(i64::MAX) }
    }

    /// Whether there is nothing to do at `now` with this mark.
    #[inline]
    pub fn covers(&self, now: Time, mark: Price) -> bool {
        now < self.until && self.above < mark && mark < self.below
    }
}

impl Guard {
    /// How long [`next_action`](Self::next_action) has no answer, given a position. Depends on nothing
    /// that time or marks change.
    pub fn rest(&self, qty: Qty, entry_price: Price, opened_at: Time, instrument: &Instrument) -> Rest {
        let mut rest = Rest::until(Time(i64::MAX));
        if let Some(entry) = self.entry() {
            if self.entry_unwanted || (self.was_open && qty.is_zero()) {
                return Rest::NONE;
            }
            rest.until = entry.expires_at.unwrap_or(rest.until);
        }
        if qty.is_zero() {
            let sweeps = self.orders.iter().any(|order| order.purpose != Purpose::Entry);
            return if sweeps { Rest::NONE } else { rest };
        }
        let busy = self.closing.is_some()
            || Side::of(qty) != self.side
            || self.stop_passed
            || self.naked_since.is_some()
            || self.target_difference(qty.abs(), |_, lacking| !lacking.is_zero()).is_some();
        if busy {
            return Rest::NONE;
        }
        if let Some(longest) = self.exits.max_holding_ms {
            rest.until = rest.until.min(Time(opened_at.0.saturating_add(longest)));
        }
        let Some(plan) = &self.exits.stop else { return rest };
        let Some(trigger) = self.standing_stop(plan, qty.abs(), entry_price, instrument.tick) else {
            return Rest::NONE;
        };
        let moves = [break_even_from, trail_from];
        for from in moves.into_iter().filter_map(|from| from(self.side, plan, entry_price, trigger, instrument.tick)) {
            match self.side {
                Side::Buy => rest.below = rest.below.min(from),
                Side::Sell => rest.above = rest.above.max(from),
            }
        }
        rest
    }

    /// The trigger of the one accepted stop that fits, when break-even and trailing alone could ask for
    /// a better one.
    fn standing_stop(&self, plan: &StopPlan, size: Qty, entry_price: Price, tick: Price) -> Option<Price> {
        let newest = self.stop()?;
        let fits = newest.close_position || newest.leaves == size;
        let is_older =
            |order: &Working| order.purpose == Purpose::Stop && order.id != newest.id && order.cancel_sent_at.is_none();
        let OrderKind::StopMarket { trigger } = newest.kind else { return None };
        let first = stop_price(self.side, entry_price, plan.distance, tick);
        let belongs = self.stop_level.map_or(first, |level| better(self.side, level, first));
        let stands = fits && newest.is_accepted() && !self.orders.iter().any(is_older);
        (stands && !is_gain(self.side, trigger, belongs, tick)).then_some(trigger)
    }
}

/// Whether a stop at `to` betters one at `from` by the least that moves it, whatever the mark.
fn is_gain(side: Side, from: Price, to: Price, tick: Price) -> bool {
    match side {
        Side::Buy => to - from >= tick,
        Side::Sell => from - to >= tick,
    }
}

/// The mark that is `share` of the entry in favour of it.
fn armed_at(side: Side, entry: Price, share: Rate) -> Price {
    let gain = entry.times(share, Round::Up);
    match side {
        Side::Buy => entry + gain,
        Side::Sell => entry - gain,
    }
}

/// No break-even move before this mark; `None` when there will be none at all.
fn break_even_from(side: Side, plan: &StopPlan, entry: Price, trigger: Price, tick: Price) -> Option<Price> {
    let rule = plan.break_even?;
    let moves = is_gain(side, trigger, break_even_stop(side, entry, &rule, tick), tick);
    moves.then(|| armed_at(side, entry, rule.from))
}

/// No trailing move before this mark. A move needs a stop beyond `trigger`, and the stop follows the
/// mark by the smaller of two distances, of which the second is a share of the mark.
fn trail_from(side: Side, plan: &StopPlan, entry: Price, trigger: Price, _: Price) -> Option<Price> {
    let Trail { from, distance, max_distance } = plan.trail?;
    let is_sane = distance > Price::ZERO && max_distance >= Rate::ZERO && max_distance < Rate::ONE;
    let armed = armed_at(side, entry, from);
    Some(match side {
        Side::Buy if is_sane => {
            let by_share = trigger.over(Rate::ONE - max_distance, Round::Down);
            armed.max(by_share.min(trigger + distance))
        }
        Side::Sell if is_sane => {
            let by_share = trigger.over(Rate::ONE + max_distance, Round::Up);
            armed.min(by_share.max(trigger - distance))
        }
        // Nothing that the supervisor lets through; at any mark one has to ask.
        Side::Buy => Price(i64::MIN),
        Side::Sell => Price(i64::MAX),
    })
}
