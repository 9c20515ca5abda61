//! A value over time in bounded memory: neighbouring steps share a bucket that keeps their lowest, their
//! highest, their last and their mean. When all buckets are taken, every two become one, so that a series of
//! any length is covered evenly and no extreme is ever lost. Knows nothing of what the value means.

use swarm_core::model::Time;

/// Most buckets of a series; an even number. A plot is about twice as many pixels wide.
pub(super) const BUCKETS: usize = 512;

/// A value and when it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub at: Time,
    pub value: f64,
}

/// Neighbouring steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// The lowest value, at its first time.
    pub low: Sample,
    /// The highest value, at its first time.
    pub high: Sample,
    /// The last value.
    pub last: Sample,
    sum: f64,
    steps: u64,
}

impl Bucket {
    fn of(sample: Sample) -> Self {
        Self { low: sample, high: sample, last: sample, sum: sample.value, steps: 1 }
    }

    /// Takes a later one in.
    fn join(&mut self, later: &Self) {
        if later.low.value < self.low.value {
            self.low = later.low;
        }
        if later.high.value > self.high.value {
            self.high = later.high;
        }
        self.last = later.last;
        self.sum += later.sum;
        self.steps += later.steps;
    }

    /// Mean over its steps.
    pub fn mean(&self) -> f64 {
        self.sum / self.steps as f64
    }
}

/// The series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Steps that a full bucket holds.
    width: u64,
    buckets: Vec<Bucket>,
}

impl Series {
    pub fn new() -> Self {
        Self { width: 1, buckets: Vec::new() }
    }

    /// Takes the value of the next step.
    #[inline]
    pub fn push(&mut self, at: Time, value: f64) {
        let next = Bucket::of(Sample { at, value });
        match self.buckets.last_mut() {
            Some(last) if last.steps < self.width => last.join(&next),
            _ => {
                if self.buckets.len() == BUCKETS {
                    self.halve();
                }
                self.buckets.push(next);
            }
        }
    }

    fn halve(&mut self) {
        for pair in 0..BUCKETS / 2 {
            let mut joined = self.buckets[2 * pair];
            joined.join(&self.buckets[2 * pair + 1]);
            self.buckets[pair] = joined;
        }
        self.buckets.truncate(BUCKETS / 2);
        self.width *= 2;
    }

    /// Oldest first.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Steps that a bucket stands for.
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// The lowest, the highest and the last value of each bucket in order of time.
    pub fn extremes(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = Vec::with_capacity(2 * self.buckets.len());
        for bucket in &self.buckets {
            let mut three = [bucket.low, bucket.high, bucket.last];
            three.sort_by_key(|sample| sample.at);
            for sample in three {
                if samples.last() != Some(&sample) {
                    samples.push(sample);
                }
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_extreme_is_lost_and_time_is_covered_evenly(values in prop::collection::vec(-1e6f64..1e6, 1..5_000)) {
            let mut series = Series::new();
            for (index, value) in values.iter().enumerate() {
                series.push(Time(index as i64), *value);
            }
            let buckets = series.buckets();
            prop_assert!(buckets.len() <= BUCKETS);
            prop_assert!(buckets[..buckets.len() - 1].iter().all(|bucket| bucket.steps == series.width()));
            prop_assert_eq!(buckets.iter().map(|bucket| bucket.steps).sum::<u64>(), values.len() as u64);
            let mut start = 0;
            for bucket in buckets {
                let part = &values[start..start + bucket.steps as usize];
                start += part.len();
                prop_assert_eq!(bucket.low.value, part.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(bucket.high.value, part.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                prop_assert_eq!((bucket.last.value, bucket.last.at), (part[part.len() - 1], Time(start as i64 - 1)));
                prop_assert!((bucket.mean() - part.iter().sum::<f64>() / part.len() as f64).abs() < 1e-6);
            }
            let shown = series.extremes();
            prop_assert!(shown.windows(2).all(|pair| pair[0].at < pair[1].at));
            prop_assert!(shown.iter().all(|sample| values[sample.at.0 as usize] == sample.value));
        }
    }

    #[test]
    fn a_short_series_is_kept_whole() {
        let mut series = Series::new();
        for index in 0..BUCKETS as i64 {
            series.push(Time(index), (index % 7) as f64);
        }
        assert_eq!((series.width(), series.extremes().len()), (1, BUCKETS));
    }
}
