//! How far the venue's clock is from ours, from questions for its time. Pure: instants are passed in.
//!
//! An answer's time lies somewhere between question and answer; the middle is taken, and the quickest of the last
//! few questions is believed, since it leaves the least room for error.

use crate::aster::sign::Micros;
use std::collections::VecDeque;

/// How many questions are remembered.
const REMEMBERED: usize = 8;
/// Difference from which an operator should know: the venue's window was 5 s at its tightest.
const ALARM_US: u64 = 1_000_000;

/// Difference of two clocks, as measured.
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    offset_us: i64,
    round_trip_us: u64,
    at: Micros,
}

impl ClockOffset {
    /// A question sent and answered at these instants of our clock, answered with this time of the venue's, which
    /// is in whole milliseconds.
    pub fn observe(&mut self, sent: Micros, received: Micros, server_ms: i64) {
        let round_trip_us = received.saturating_sub(sent);
        let middle = sent.saturating_add(round_trip_us / 2);
        let server = server_ms.saturating_mul(1_000).saturating_add(500);
        let offset_us = server.saturating_sub(i64::try_from(middle).unwrap_or(i64::MAX));
        if self.samples.len() == REMEMBERED {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { offset_us, round_trip_us, at: received });
    }

    /// The venue's clock less ours; `None` before the first measurement.
    pub fn offset_us(&self) -> Option<i64> {
        self.best().map(|sample| sample.offset_us)
    }

    /// How far the true difference may be from the measured one.
    pub fn uncertainty_us(&self) -> Option<u64> {
        self.best().map(|sample| sample.round_trip_us / 2 + 500)
    }

    /// The venue's clock at this instant of ours; ours as long as nothing was measured.
    pub fn correct(&self, now: Micros) -> Micros {
        now.saturating_add_signed(self.offset_us().unwrap_or(0))
    }

    /// Whether it is time to measure again.
    pub fn is_due(&self, now: Micros, every_us: u64) -> bool {
        self.samples.back().is_none_or(|sample| now.abs_diff(sample.at) >= every_us)
    }

    /// Whether the clocks are so far apart that an operator should set ours.
    pub fn is_alarming(&self) -> bool {
        self.offset_us().is_some_and(|offset| offset.unsigned_abs() > ALARM_US)
    }

    fn best(&self) -> Option<&Sample> {
        self.samples.iter().min_by_key(|sample| sample.round_trip_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_measured_difference_is_within_its_uncertainty(
            offset in -5_000_000i64..5_000_000,
            trips in proptest::collection::vec((0u64..200_000, 0u64..200_000), 1..20),
        ) {
            let (mut clock, mut now) = (ClockOffset::default(), 1_700_000_000_000_000u64);
            for (there, back) in trips {
                let server = (now + there).saturating_add_signed(offset);
                clock.observe(now, now + there + back, i64::try_from(server / 1_000).unwrap());
                now += there + back + 1_000_000;
            }
            let error = (clock.offset_us().unwrap() - offset).unsigned_abs();
            proptest::prop_assert!(error <= clock.uncertainty_us().unwrap(), "{} off", error);
            proptest::prop_assert_eq!(clock.is_alarming(), clock.offset_us().unwrap().unsigned_abs() > ALARM_US);
        }
    }

    #[test]
    fn without_a_measurement_our_clock_is_taken_and_one_is_due() {
        let mut clock = ClockOffset::default();
        assert_eq!((clock.correct(7), clock.is_due(7, 10)), (7, true));
        clock.observe(1_000_000, 1_000_000, 3_000);
        assert_eq!(clock.correct(1_000_000), 3_000_500);
        assert!(!clock.is_due(1_000_009, 10) && clock.is_due(1_000_010, 10) && clock.is_alarming());
    }

    #[test]
    fn old_measurements_are_forgotten() {
        let mut clock = ClockOffset::default();
        clock.observe(0, 0, 50);
        for at in 0..8u64 {
            clock.observe(at * 1_000, at * 1_000 + 100, 0);
        }
        assert!(clock.offset_us().unwrap() < 500);
    }
}
