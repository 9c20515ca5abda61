//! The drawdown breaker of one level, as a plain value: equities in, a trip out. It knows no positions
//! and no orders; what a trip does is the supervisor's matter.
//!
//! Rules:
//! - It is measured from the highest equity seen, open profit, fees and funding included. Transfers move
//!   that peak (and the day's opening equity) by their amount.
//! - It trips when the drawdown is reached in as many evaluations in a row, at distinct instants, as the
//!   plan asks for: one wild mark does not trip it. A missing mark does not save it either: then the last
//!   known one counts.
//! - It trips at once when no mark could be to blame: nothing is open, or money alone, realised profit
//!   less fees and funding, fell by the limit from its own highest.
//! - A single wild mark must not raise the peak for good: a peak that the next evaluation would take for
//!   a breach, while the peak before it would not, is taken back.
//! - Tripped it stays tripped until a person resets it, which sets the peak to the present equity.

use super::calm::Span;
use crate::model::{ONE, Rate, Time, Usd, Watermark};
use serde::{Deserialize, Serialize};

/// That a breaker is tripped, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    /// When.
    pub at: Time,
    /// Equity that tripped it, in USDT.
    pub equity: Usd,
    /// Peak it fell from, in USDT.
    pub peak: Usd,
    /// `1 - equity / peak`.
    pub drawdown: Rate,
    /// With `on_trip: flatten`: the venue has said flat.
    pub flat: bool,
}

/// What a breaker looks at.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// Equity with open profit, in USDT.
    pub equity: Usd,
    /// Equity without open profit, in USDT.
    pub realized: Usd,
    /// Whether any position is open, so that `equity` depends on marks.
    pub open: bool,
}

/// The breaker of the swarm, of a portfolio or of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    mark: Watermark,
    /// The watermark as folding the facts so far would give it.
    folded: Watermark,
    /// Highest equity without open profit, moved by transfers.
    realized_peak: Usd,
    /// Instant of the last counted breach; forgotten at the end of a step.
    sampled_at: Option<Time>,
    /// The peak before the last evaluation raised it; forgotten at the end of a step.
    raised_from: Option<Usd>,
    trip: Option<Trip>,
}

/// `amount` in times of `whole`, rounded down; 0 when there is no whole, capped where it is past telling.
pub(super) fn ratio(amount: Usd, whole: Usd) -> Rate {
    if whole <= Usd::ZERO {
        return Rate::ZERO;
    }
    let share = i128::from(amount.0) * i128::from(ONE) / i128::from(whole.0);
    Rate(i64::try_from(share).unwrap_or(i64::MAX))
}

/// Whether [`ratio`] is above `rate`, found without its division; where there is no whole it is not.
pub(super) fn ratio_exceeds(amount: Usd, whole: Usd, rate: Rate) -> bool {
    whole > Usd::ZERO && i128::from(amount.0) * i128::from(ONE) >= (i128::from(rate.0) + 1) * i128::from(whole.0)
}

/// `1 - equity / peak`, rounded down; 0 at or above the peak.
pub fn drawdown(equity: Usd, peak: Usd) -> Rate {
    if equity >= peak { Rate::ZERO } else { ratio(peak - equity, peak) }
}

/// Whether `equity` is down from `peak` by `limit` or more, exactly.
fn reached(equity: Usd, peak: Usd, limit: Rate) -> bool {
    if peak <= Usd::ZERO {
        return equity < Usd::ZERO;
    }
    (i128::from(peak.0) - i128::from(equity.0)) * i128::from(ONE) >= i128::from(limit.0) * i128::from(peak.0)
}

impl Breaker {
    /// A breaker at the beginning of a run.
    pub const fn new(start: Usd) -> Self {
        let mark = Watermark { peak: start, breach_samples: 0, day: 0, day_start_equity: start };
        Self { mark, folded: mark, realized_peak: start, sampled_at: None, raised_from: None, trip: None }
    }

    /// What it remembers between marks.
    pub const fn watermark(&self) -> Watermark {
        self.mark
    }

    /// The watermark, when no fact tells it yet.
    pub fn unrecorded(&self) -> Option<Watermark> {
        (self.mark != self.folded).then_some(self.mark)
    }

    /// The trip it is latched on.
    pub const fn trip(&self) -> Option<Trip> {
        self.trip
    }

    /// Whether it is latched.
    pub const fn is_tripped(&self) -> bool {
        self.trip.is_some()
    }

    /// Takes notice of the day; the first notice on a day takes its opening equity. Called before
    /// anything of that instant is booked.
    pub fn roll_day(&mut self, at: Time, equity: Usd) {
        if at.day() != self.mark.day {
            self.mark.day = at.day();
            self.mark.day_start_equity = equity;
        }
    }

    /// Loss since 00:00 UTC as a share of the equity then; 0 with a profit.
    pub fn daily_loss(&self, at: Time, equity: Usd) -> Rate {
        if at.day() != self.mark.day {
            return Rate::ZERO;
        }
        drawdown(equity, self.mark.day_start_equity)
    }

    /// Evaluates. `Some` says that the breaker trips now; the caller makes a fact of it.
    pub fn observe(&mut self, sample: &Sample, limit: Option<Rate>, samples: u32) -> Option<Trip> {
        self.roll_day(sample.at, sample.equity);
        if let (Some(before), Some(limit)) = (self.raised_from.take(), limit)
            && reached(sample.equity, self.mark.peak, limit)
            && !reached(sample.equity, before, limit)
        {
            self.mark.peak = before;
        }
        if sample.equity > self.mark.peak {
            self.raised_from = sample.open.then_some(self.mark.peak);
            self.mark.peak = sample.equity;
        }
        let limit = limit?;
        if self.trip.is_some() {
            return None;
        }
        if !reached(sample.equity, self.mark.peak, limit) {
            self.mark.breach_samples = 0;
            self.sampled_at = None;
            return None;
        }
        if self.mark.breach_samples == 0 || self.sampled_at != Some(sample.at) {
            self.mark.breach_samples += 1;
            self.sampled_at = Some(sample.at);
        }
        let beyond_doubt = !sample.open || reached(sample.realized, self.realized_peak, limit);
        (beyond_doubt || self.mark.breach_samples >= samples.max(1)).then(|| Trip {
            at: sample.at,
            equity: sample.equity,
            peak: self.mark.peak,
            drawdown: drawdown(sample.equity, self.mark.peak),
            flat: false,
        })
    }

    /// Whether observing any equity from `low` to `high` at any instant of the span changes nothing:
    /// below the peak, above the limit, on the day it knows, and with nothing in suspense.
    pub fn is_calm(&self, low: Usd, high: Usd, span: Span, limit: Option<Rate>) -> bool {
        let within = |limit: Rate| {
            self.mark.breach_samples == 0 && self.sampled_at.is_none() && !reached(low, self.mark.peak, limit)
        };
        high <= self.mark.peak
            && self.raised_from.is_none()
            && span.first.day() == self.mark.day
            && span.last.day() == self.mark.day
            && (self.trip.is_some() || limit.is_none_or(within))
    }

    /// Money was realised: equity without open profit is this now.
    pub(super) fn realized(&mut self, realized: Usd) {
        self.realized_peak = self.realized_peak.max(realized);
    }

    /// Money was moved in or out: peak and day's opening move with it.
    pub(super) fn transfer(&mut self, amount: Usd) {
        self.realized_peak += amount;
        self.raised_from = self.raised_from.map(|peak| peak + amount);
        for mark in [&mut self.mark, &mut self.folded] {
            mark.peak += amount;
            mark.day_start_equity += amount;
        }
    }

    pub(super) fn latch(&mut self, trip: Trip) {
        self.trip = Some(trip);
        self.mark.breach_samples = 0;
        self.folded.breach_samples = 0;
        self.sampled_at = None;
    }

    pub(super) fn latch_flat(&mut self) {
        if let Some(trip) = &mut self.trip {
            trip.flat = true;
        }
    }

    /// Cleared by a person; peaks begin anew. A watermark is recorded right after.
    pub(super) fn reset(&mut self, equity: Usd, realized: Usd) {
        self.trip = None;
        self.mark.peak = equity;
        self.mark.breach_samples = 0;
        self.realized_peak = realized;
        self.sampled_at = None;
        self.raised_from = None;
    }

    pub(super) fn record(&mut self, mark: Watermark) {
        self.mark = mark;
        self.folded = mark;
    }

    /// What is not in a watermark is forgotten here, so that a run and its fold are equal.
    pub(super) fn end_step(&mut self) {
        self.sampled_at = None;
        self.raised_from = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DAY_MS;

    const LIMIT: Option<Rate> = Some(Rate::percent(15));

    fn open(at: i64, equity: i64) -> Sample {
        Sample { at: Time(at), equity: Usd::whole(equity), realized: Usd::whole(10_000), open: true }
    }

    fn fresh() -> Breaker {
        Breaker::new(Usd::whole(10_000))
    }

    #[test]
    fn the_limit_reached_in_enough_samples_in_a_row_trips_it() {
        let mut breaker = fresh();
        assert_eq!(breaker.observe(&open(1, 8_500), LIMIT, 3), None);
        assert_eq!(breaker.observe(&open(2, 8_500), LIMIT, 3), None);
        let trip = breaker.observe(&open(3, 8_499), LIMIT, 3).unwrap();
        assert_eq!(
            (trip.peak, trip.equity, trip.drawdown),
            (Usd::whole(10_000), Usd::whole(8_499), "0.1501".parse().unwrap())
        );
    }

    #[test]
    fn just_below_the_limit_never_trips() {
        let mut breaker = fresh();
        for at in 1..100 {
            assert_eq!(breaker.observe(&Sample { equity: Usd::whole(8_500) + Usd(1), ..open(at, 0) }, LIMIT, 1), None);
        }
    }

    #[test]
    fn one_wild_mark_does_not_trip_it() {
        let mut breaker = fresh();
        for at in 0..50 {
            assert_eq!(breaker.observe(&open(2 * at, 1), LIMIT, 2), None);
            assert_eq!(breaker.observe(&open(2 * at + 1, 9_900), LIMIT, 2), None);
        }
    }

    #[test]
    fn one_wild_mark_upwards_does_not_trip_it_either() {
        let mut breaker = fresh();
        assert_eq!(breaker.observe(&open(1, 10_100), LIMIT, 2), None);
        assert_eq!(breaker.observe(&open(2, 50_000), LIMIT, 2), None);
        for at in 3..10 {
            assert_eq!(breaker.observe(&open(at, 10_050), LIMIT, 2), None);
        }
        assert_eq!(breaker.watermark().peak, Usd::whole(10_100));
    }

    #[test]
    fn evaluations_at_one_instant_are_one_sample() {
        let mut breaker = fresh();
        for _ in 0..10 {
            assert_eq!(breaker.observe(&open(1, 8_000), LIMIT, 2), None);
        }
        assert!(breaker.observe(&open(2, 8_000), LIMIT, 2).is_some());
    }

    #[test]
    fn money_lost_for_good_trips_it_at_once() {
        let flat = Sample { open: false, ..open(1, 8_500) };
        assert!(fresh().observe(&flat, LIMIT, 100).is_some());
        let realized = Sample { realized: Usd::whole(8_500), ..open(1, 8_500) };
        assert!(fresh().observe(&realized, LIMIT, 100).is_some());
        let mut rich = fresh();
        assert_eq!(rich.observe(&open(1, 15_000), LIMIT, 2), None);
        let carried = Sample { realized: Usd::whole(8_500), ..open(2, 14_000) };
        assert_eq!(rich.observe(&carried, LIMIT, 2), None, "open profit makes up for it");
    }

    #[test]
    fn transfers_are_neither_profit_nor_loss() {
        let mut breaker = fresh();
        breaker.transfer(Usd::whole(-5_000));
        assert_eq!(breaker.observe(&Sample { realized: Usd::whole(5_000), ..open(1, 5_000) }, LIMIT, 1), None);
        assert!(breaker.observe(&open(2, 4_250), LIMIT, 1).is_some());
    }

    #[test]
    fn a_latched_breaker_stays_and_a_reset_begins_anew() {
        let mut breaker = fresh();
        let trip = breaker.observe(&open(1, 8_000), LIMIT, 1).unwrap();
        breaker.latch(trip);
        assert_eq!(breaker.observe(&open(2, 20_000), LIMIT, 1), None);
        assert!(breaker.is_tripped());
        breaker.reset(Usd::whole(8_000), Usd::whole(8_000));
        assert!(!breaker.is_tripped());
        assert_eq!(breaker.observe(&open(3, 7_000), LIMIT, 1), None);
        assert!(breaker.observe(&open(4, 6_800), LIMIT, 1).is_some());
    }

    #[test]
    fn the_loss_of_a_day_ends_with_the_day() {
        let mut breaker = fresh();
        breaker.roll_day(Time(5), Usd::whole(10_000));
        breaker.roll_day(Time(DAY_MS + 1), Usd::whole(9_000));
        assert_eq!(breaker.daily_loss(Time(DAY_MS + 2), Usd::whole(8_100)), Rate::percent(10));
        assert_eq!(breaker.daily_loss(Time(DAY_MS + 2), Usd::whole(9_100)), Rate::ZERO);
        assert_eq!(breaker.daily_loss(Time(2 * DAY_MS), Usd::whole(1)), Rate::ZERO);
    }
}
