//! Higher candles out of base candles, on the grid that starts at the epoch.
//!
//! Knows whether a higher candle is whole, not what follows from that: the hub decides by its gap policy.
//! Prices are `f64` here, since aggregated candles feed indicators only.

use crate::model::{Candle, Interval, Millis, Time};

/// A candle's numbers as indicators take them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) open: f64,
    pub(super) high: f64,
    pub(super) low: f64,
    pub(super) close: f64,
    pub(super) volume: f64,
}

impl Bar {
    #[inline(always)]
    pub(super) fn of(candle: &Candle) -> Self {
        Self {
            open: candle.open.to_f64(),
            high: candle.high.to_f64(),
            low: candle.low.to_f64(),
            close: candle.close.to_f64(),
            volume: candle.volume,
        }
    }
    #[inline(always)]
    fn extend(&mut self, next: &Self) {
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.volume += next.volume;
    }
}

/// What became of the higher candle in hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Its end has not been reached.
    Open,
    /// It closed, and every base candle was there.
    Whole(Bar),
    /// Its end has passed, but base candles are missing: this is of those that were there.
    Part(Bar),
    /// Its end has passed without any base candle, or it began before the series did.
    Nothing,
}

/// Builds the candles of one higher interval.
#[derive(Clone, Debug)]
pub(super) struct Aggregator {
    base: Millis,
    interval: Millis,
    /// Base candles in a whole candle.
    whole: u32,
    /// End of the candle in hand.
    end: Time,
    /// Base candles in hand.
    count: u32,
    /// The candle in hand began before the series did.
    leading: bool,
    bar: Bar,
}

impl Aggregator {
    /// `interval` is a multiple of `base`.
    pub(super) fn new(base: Interval, interval: Interval) -> Self {
        debug_assert!(base.divides(interval));
        let whole = u32::try_from(interval.ms() / base.ms()).unwrap_or(u32::MAX);
        let bar = Bar { open: 0.0, high: 0.0, low: 0.0, close: 0.0, volume: 0.0 };
        Self { base: base.ms(), interval: interval.ms(), whole, end: Time(0), count: 0, leading: false, bar }
    }
    /// The series begins with the base candle that opens at `open_time`.
    pub(super) fn begin(&mut self, open_time: Time) {
        self.take_up(open_time);
        self.leading = open_time != self.end.plus(-self.interval);
    }
    /// All base candles that open before `open_time` and were not pushed are missing.
    pub(super) fn skip_to(&mut self, open_time: Time) -> Outcome {
        if open_time < self.end {
            return Outcome::Open;
        }
        let outcome = self.finish();
        self.take_up(open_time);
        outcome
    }
    /// Adds the next base candle.
    #[inline(always)]
    pub(super) fn push(&mut self, open_time: Time, bar: &Bar) -> Outcome {
        if self.count == 0 {
            self.bar = *bar;
        } else {
            self.bar.extend(bar);
        }
        self.count += 1;
        if open_time.plus(self.base) < self.end {
            return Outcome::Open;
        }
        let outcome = self.finish();
        self.end = self.end.plus(self.interval);
        outcome
    }
    fn take_up(&mut self, open_time: Time) {
        self.end = open_time.floor(self.interval).plus(self.interval);
        self.count = 0;
        self.leading = false;
    }
    #[inline(always)]
    fn finish(&mut self) -> Outcome {
        let (count, leading) = (self.count, self.leading);
        self.count = 0;
        self.leading = false;
        if count == self.whole {
            Outcome::Whole(self.bar)
        } else if count == 0 || leading {
            Outcome::Nothing
        } else {
            Outcome::Part(self.bar)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: Millis = 300_000;

    fn bars() -> impl Strategy<Value = Vec<Option<Bar>>> {
        let bar = (1u32..1000, 0u32..50, 0u32..50, 0u32..100, 0u32..9).prop_map(|(low, a, b, up, volume)| Bar {
            open: f64::from(low + a),
            high: f64::from(low + a + b + up),
            low: f64::from(low),
            close: f64::from(low + b),
            volume: f64::from(volume),
        });
        proptest::collection::vec(proptest::option::weighted(0.9, bar), 1..200)
    }

    /// Higher candles by grouping on the grid, as one would write it with the whole series at hand.
    fn grouped(bars: &[Option<Bar>], start: i64, ratio: i64) -> Vec<(i64, Vec<Bar>)> {
        let mut groups: Vec<(i64, Vec<Bar>)> = Vec::new();
        for (i, bar) in bars.iter().enumerate() {
            let group = (start + i as i64).div_euclid(ratio);
            if groups.last().is_none_or(|(known, _)| *known != group) {
                groups.push((group, Vec::new()));
            }
            groups.last_mut().unwrap().1.extend(bar);
        }
        groups
    }

    fn expected(group: &[Bar]) -> Bar {
        Bar {
            open: group[0].open,
            high: group.iter().map(|b| b.high).fold(f64::MIN, f64::max),
            low: group.iter().map(|b| b.low).fold(f64::MAX, f64::min),
            close: group[group.len() - 1].close,
            volume: group.iter().map(|b| b.volume).sum(),
        }
    }

    proptest! {
        #[test]
        fn a_candle_opens_first_closes_last_spans_all_and_sums_volume(
            bars in bars(), start in -40i64..40, ratio in 1i64..13, tell_misses in any::<bool>(),
        ) {
            let first = bars.iter().position(Option::is_some);
            prop_assume!(first.is_some());
            let (bars, start) = (&bars[first.unwrap()..], start + first.unwrap() as i64);
            let base: Interval = "5m".parse().unwrap();
            let higher: Interval = format!("{}m", 5 * ratio).parse().unwrap();
            let mut aggregator = Aggregator::new(base, higher);
            let at = |i: usize| Time((start + i as i64) * BASE);
            aggregator.begin(at(0));
            let mut closed = Vec::new();
            let mut missing = false;
            for (i, bar) in bars.iter().enumerate() {
                if let Some(bar) = bar {
                    if missing {
                        closed.push(aggregator.skip_to(at(i)));
                    }
                    missing = false;
                    closed.push(aggregator.push(at(i), bar));
                } else if tell_misses {
                    closed.push(aggregator.skip_to(at(i + 1)));
                } else {
                    missing = true;
                }
            }
            closed.retain(|outcome| !matches!(outcome, Outcome::Open | Outcome::Nothing));
            let leading = start.rem_euclid(ratio) != 0;
            let last = (start + bars.len() as i64).div_euclid(ratio);
            let reached = bars.iter().rposition(Option::is_some).unwrap() as i64 + start + 1;
            let expected: Vec<Outcome> = grouped(bars, start, ratio)
                .into_iter()
                .skip(usize::from(leading))
                // A group is closed once its end is known to have passed.
                .filter(|(group, _)| if tell_misses { *group < last } else { *group < reached.div_euclid(ratio) })
                .filter(|(_, group)| !group.is_empty())
                .map(|(_, group)| {
                    let whole = group.len() as i64 == ratio;
                    if whole { Outcome::Whole(expected(&group)) } else { Outcome::Part(expected(&group)) }
                })
                .collect();
            prop_assert_eq!(closed, expected);
        }
    }
}
