//! Steps in which nothing happens anywhere in the swarm, and how they are known without a look at each.
//!
//! Once everything has been looked at, it is at rest as long as prices keep to some ranges, time has not
//! run on too far, and nothing is decided. So the look is taken at ranges wider than the step's own, and
//! the steps that stay inside need none. Any fact ends it. It decides nothing: what is calm has the same
//! outcome walked or passed.

use crate::exchange::Exchange;
use crate::model::{DAY_MS, Millis, PriceRange, Step, Time};
use crate::risk::{Span, Supervisor};

/// How much wider than the step's own the ranges are tried, in times, to each side. Wider ones last
/// longer and fail more often.
const WIDENINGS: [i64; 2] = [8, 2];
/// How many steps ahead are tried.
const STEPS_AHEAD: i64 = 256;
/// After wide ranges failed, so many steps are looked at by themselves before the next try.
const PATIENCE: u32 = 8;

/// Where and until when everything is at rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Calm {
    /// By symbol; a symbol without one has no candle meanwhile.
    ranges: Vec<Option<PriceRange>>,
    /// Of the step that is looked at.
    own: Vec<Option<PriceRange>>,
    /// The last close it holds for; `None` when nothing is known.
    until: Option<Time>,
    /// Steps until wide ranges are tried again.
    patience: u32,
}

impl Calm {
    /// Something happened: look again.
    pub(super) const fn end(&mut self) {
        self.until = None;
    }

    /// Whether nothing happens in this step. Exchanges have begun it.
    pub(super) fn holds(
        &mut self,
        step: &Step,
        interval: Millis,
        exchanges: &[Exchange],
        supervisor: &Supervisor,
    ) -> bool {
        if self.covers(step) {
            return true;
        }
        // Where no candle comes no time passes for the exchanges.
        if !step.candles.iter().any(Option::is_some) {
            return false;
        }
        let is_calm = |ranges: &[Option<PriceRange>], last: Time| {
            let span = Span { first: step.close_time.plus(-interval), last };
            exchanges.iter().all(|exchange| exchange.is_calm_in(ranges)) && supervisor.is_calm_in(ranges, span)
        };
        self.until = None;
        self.own.clear();
        self.own.extend(step.candles.iter().map(|candle| candle.as_ref().map(PriceRange::of)));
        let tries_wide = self.patience == 0;
        if tries_wide {
            // A new day is noted by the breakers.
            let midnight = Time((step.close_time.day() + 1) * DAY_MS);
            let latest = step.close_time.plus(STEPS_AHEAD * interval).min(midnight.plus(-1));
            for widening in WIDENINGS {
                let mut last = latest;
                self.look_at(widening);
                exchanges.iter().for_each(|exchange| exchange.keep_clear(&self.own, &mut self.ranges));
                supervisor.keep_clear(&self.own, step.close_time, &mut self.ranges, &mut last);
                if is_calm(&self.ranges, last) {
                    self.until = Some(last);
                    return true;
                }
            }
        } else {
            self.patience -= 1;
        }
        self.look_at(0);
        let is_calm_here = is_calm(&self.ranges, step.close_time);
        // Where the step itself is busy nothing was learned about wide ranges.
        if tries_wide && is_calm_here {
            self.patience = PATIENCE;
        }
        is_calm_here
    }

    /// By symbol, and until when, while that is known.
    pub(super) fn ranges(&self) -> Option<(&[Option<PriceRange>], Time)> {
        self.until.map(|until| (&self.ranges[..], until))
    }

    fn covers(&self, step: &Step) -> bool {
        let is_inside = |(candle, range): (&Option<_>, &Option<PriceRange>)| match (candle, range) {
            (Some(candle), Some(range)) => range.holds(PriceRange::of(candle)),
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.until.is_some_and(|until| step.close_time <= until)
            && step.candles.len() == self.ranges.len()
            && step.candles.iter().zip(&self.ranges).all(is_inside)
    }

    fn look_at(&mut self, widening: i64) {
        self.ranges.clear();
        self.ranges.extend(self.own.iter().map(|own| own.map(|own| own.widened(widening))));
    }
}
