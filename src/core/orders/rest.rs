//! How long a guard has nothing to do. Most marks lead to nothing, and to find that out anew at each
//! of them was the dearest thing in a backtest: so it is found out once after each change, as a time
//! and two prices. It may say less than the truth (then [`Guard::next_action`] is asked), never more.

use super::exits::{better, break_even_stop, stop_price};
use super::{Guard, Working};
use crate::model::{Instrument, OrderKind, Price, Purpose, Qty, Rate, Round, Side, StopPlan, Time, Trail};
use serde::{Deserialize, Serialize};

/// A guard has nothing to do before a time, while the mark lies between two prices (both exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The time before which there is nothing to do, and the prices between which.
    #[inline]
    pub const fn ends(&self) -> (Time, [Price; 2]) {
        (self.until, [self.above, self.below])
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
        if !self.remainder.is_zero() {
            return Rest::NONE;
        }
        if qty.is_zero() {
            let is_left = |order: &Working| order.purpose != Purpose::Entry && !self.waits_for_entry(order);
            let sweeps = self.orders.iter().any(is_left);
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
        let fits = self.fits(newest, size);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AgentId, BreakEven, CancelReason, ExitPlan, Fill, IntentId, Order, OrderId, PortfolioId, ReportKind, SymbolId,
        Usd,
    };
    use crate::orders::{Action, Context};
    use proptest::prelude::*;

    const OPENED: Time = Time(1_000);

    fn instrument() -> Instrument {
        Instrument {
            symbol: "TESTUSDT".into(),
            tick: "0.1".parse().unwrap(),
            step: "0.001".parse().unwrap(),
            min_qty: "0.001".parse().unwrap(),
            max_qty: Qty::whole(1_000),
            max_market_qty: Qty::whole(1_000),
            min_notional: Usd::whole(5),
            price_band: Rate::percent(5),
            market_take_bound: Rate::percent(5),
            liquidation_fee: Rate::bps(100),
            max_open_orders: 200,
            brackets: Vec::new(),
        }
    }

    fn order(leg: u16, purpose: Purpose, side: Side, kind: OrderKind, qty: Qty) -> Order {
        Order {
            id: OrderId { intent: IntentId { agent: AgentId(0), number: 1 }, leg },
            portfolio: PortfolioId(0),
            symbol: SymbolId(0),
            side,
            kind,
            qty,
            reduce_only: purpose != Purpose::Entry,
            close_position: false,
            leverage: 1,
            purpose,
        }
    }

    /// A guard of a position of 1, opened at `entry`, that has come to rest at `mark`.
    struct Held {
        guard: Guard,
        qty: Qty,
        entry: Price,
        instrument: Instrument,
    }

    impl Held {
        fn new(side: Side, plan: StopPlan, max_holding_ms: Option<i64>, entry: Price) -> Self {
            let exits = ExitPlan { stop: Some(plan), targets: Vec::new(), max_holding_ms };
            let (mut guard, instrument) = (Guard::new(side, exits), instrument());
            let placed = order(0, Purpose::Entry, side, OrderKind::Market, Qty::ONE);
            guard.placed(OPENED, &placed, None, Qty::ZERO);
            guard.executed(placed.id, Qty::ONE, Qty::ZERO, &instrument);
            let fill =
                Fill { trade: 1, side, price: entry, qty: Qty::ONE, fee: Usd::ZERO, maker: false, slippage: Usd::ZERO };
            guard.report(placed.id, &ReportKind::Filled { fill, leaves: Qty::ZERO });
            guard.settle(OPENED, side.signed(Qty::ONE));
            Self { guard, qty: side.signed(Qty::ONE), entry, instrument }
        }

        fn context(&self, now: Time, mark: Price) -> Context<'_> {
            Context {
                naked_timeout_ms: crate::model::NAKED_TIMEOUT_MS,
                now,
                qty: self.qty,
                entry_price: self.entry,
                opened_at: OPENED,
                mark,
                instrument: &self.instrument,
                tick: true,
            }
        }

        fn rest(&self) -> Rest {
            self.guard.rest(self.qty, self.entry, OPENED, &self.instrument)
        }

        /// Does what the guard asks for at this mark, as a venue that accepts all would; `None` once it closes.
        fn settle_at(&mut self, mark: Price) -> Option<()> {
            while let Some(action) = self.guard.next_action(&self.context(OPENED, mark)) {
                match action {
                    Action::Close(_) => return None,
                    Action::Cancel(id) => {
                        self.guard.cancel_sent(OPENED, id);
                        self.guard.report(id, &ReportKind::Canceled(CancelReason::Requested));
                    }
                    Action::Place(draft) => {
                        let placed = order(self.guard.next_leg(), draft.purpose, draft.side, draft.kind, draft.qty);
                        self.guard.placed(OPENED, &placed, None, self.qty.abs());
                        self.guard.report(placed.id, &ReportKind::Accepted);
                    }
                }
                self.guard.settle(OPENED, self.qty);
            }
            Some(())
        }
    }

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn a_protected_position_rests_until_its_stop_may_move_or_its_time_is_up() {
        let plan = StopPlan {
            distance: Price::whole(5),
            break_even: Some(BreakEven { from: Rate::percent(2), to: Rate::percent(1) }),
            trail: Some(Trail { from: Rate::percent(4), distance: Price::whole(3), max_distance: Rate::percent(10) }),
        };
        for (side, unmoved, armed, moved, beyond) in
            [(Side::Buy, "101.9", "102", "103.9", "104.1"), (Side::Sell, "98.1", "98", "96.1", "95.9")]
        {
            let mut held = Held::new(side, plan, Some(60_000), Price::whole(100));
            assert_eq!(held.rest(), Rest::NONE, "without a stop");
            held.settle_at(Price::whole(100)).unwrap();
            let rest = held.rest();
            assert!(rest.covers(OPENED, price(unmoved)) && !rest.covers(OPENED, price(armed)), "{side:?} {rest:?}");
            assert!(rest.covers(Time(60_999), price(unmoved)) && !rest.covers(Time(61_000), price(unmoved)));
            held.settle_at(price(armed)).unwrap();
            let rest = held.rest();
            assert!(rest.covers(OPENED, price(moved)) && !rest.covers(OPENED, price(beyond)), "{side:?} {rest:?}");
            held.guard.close(crate::model::ExitReason::Signal);
            assert_eq!(held.rest(), Rest::NONE, "while it is being closed");
        }
    }

    proptest! {
        #[test]
        fn while_it_rests_a_guard_has_nothing_to_do(
            sell in any::<bool>(),
            distance in 1i64..400, from in 0i64..300, to in -50i64..250,
            trail_from in 0i64..300, trail_distance in 1i64..400, max_distance in 1i64..300,
            arms in 0u8..4, holding in prop::option::of(1i64..50_000),
            visited in prop::collection::vec(9_500_000_000i64..10_500_000_000, 1..5),
            marks in prop::collection::vec((0i64..60_000, 9_000_000_000i64..11_000_000_000), 60),
        ) {
            let side = if sell { Side::Sell } else { Side::Buy };
            let plan = StopPlan {
                distance: Price(distance * 3_000_000),
                break_even: (arms & 1 != 0).then(|| BreakEven { from: Rate::bps(from), to: Rate::bps(to) }),
                trail: (arms & 2 != 0).then(|| Trail {
                    from: Rate::bps(trail_from),
                    distance: Price(trail_distance * 1_700_003),
                    max_distance: Rate::bps(max_distance),
                }),
            };
            let mut held = Held::new(side, plan, holding, Price(10_000_000_017));
            for mark in visited {
                if held.settle_at(Price(mark)).is_none() {
                    return Ok(());
                }
            }
            let rest = held.rest();
            for (after, mark) in marks {
                let (now, mark) = (OPENED.plus(after), Price(mark));
                if rest.covers(now, mark) {
                    prop_assert_eq!(held.guard.next_action(&held.context(now, mark)), None);
                }
            }
        }
    }
}
