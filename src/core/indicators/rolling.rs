//! Windows over the last n values: the ring, mean and spread, and extremes. Building blocks of the
//! indicators; they know nothing of what the values mean.

/// The last n values, overwritten in turn.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    slots: Box<[f64]>,
    at: usize,
    /// Slots that hold no value yet.
    vacant: usize,
}

impl Ring {
    /// A ring of `len` values; below 1 counts as 1.
    pub(super) fn new(len: usize) -> Self {
        let len = len.max(1);
        Self { slots: vec![0.0; len].into_boxed_slice(), at: 0, vacant: len }
    }
    pub(super) fn reset(&mut self) {
        self.at = 0;
        self.vacant = self.slots.len();
    }
    /// Stores `value` in place of the one stored n values ago, which is returned; means nothing before the ring is full.
    #[inline(always)]
    pub(super) fn replace(&mut self, value: f64) -> f64 {
        let leaving = std::mem::replace(&mut self.slots[self.at], value);
        self.at += 1;
        if self.at == self.slots.len() {
            self.at = 0;
        }
        leaving
    }
    /// As [`replace`](Self::replace), `None` while there is none.
    #[inline(always)]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        let leaving = self.replace(value);
        if self.vacant == 0 {
            return Some(leaving);
        }
        self.vacant -= 1;
        None
    }
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.vacant == 0
    }
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.vacant == self.slots.len()
    }
    /// The newest value stands in the last slot: true once per window.
    #[inline(always)]
    pub(super) fn wrapped(&self) -> bool {
        self.at == 0
    }
    /// The slots in their own order; all of them are values once the ring is full.
    #[inline(always)]
    pub(super) fn slots(&self) -> &[f64] {
        &self.slots
    }
}

/// Sum of `of(value)` with four partial sums: a fixed order that processors can take four at a time.
#[inline(always)]
pub(super) fn sum_of(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, value) in sums.iter_mut().zip(four) {
            *sum += of(*value);
        }
    }
    rest.iter().fold((sums[0] + sums[2]) + (sums[1] + sums[3]), |sum, value| sum + of(*value))
}

/// Mean of the last n values.
///
/// The sum is that of distances from a value of the window, so it is small where prices are large, and it is
/// rebuilt once per window, so rounding does not add up. A constant series has exactly its constant as mean.
#[derive(Clone, Debug)]
pub(super) struct RollingMean {
    ring: Ring,
    /// What distances are measured from.
    shift: f64,
    sum: f64,
    inverse: f64,
}

impl RollingMean {
    pub(super) fn new(len: usize) -> Self {
        let ring = Ring::new(len);
        let inverse = 1.0 / ring.slots().len() as f64;
        Self { ring, shift: 0.0, sum: 0.0, inverse }
    }
    pub(super) fn reset(&mut self) {
        self.ring.reset();
    }
    /// The last n values in no particular order, once full.
    #[inline(always)]
    pub(super) fn window(&self) -> &[f64] {
        self.ring.slots()
    }
    /// Takes a value; the mean, once there are n values.
    #[inline(always)]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        if !self.ring.is_full() {
            return self.fill(value);
        }
        self.sum += value - self.ring.replace(value);
        if self.ring.wrapped() {
            self.rebuild(value);
        }
        Some(self.shift + self.sum * self.inverse)
    }
    #[cold]
    fn fill(&mut self, value: f64) -> Option<f64> {
        if self.ring.is_empty() {
            (self.shift, self.sum) = (value, 0.0);
        }
        self.ring.push(value);
        self.sum += value - self.shift;
        self.ring.is_full().then_some(self.shift + self.sum * self.inverse)
    }
    #[inline(never)]
    fn rebuild(&mut self, newest: f64) {
        self.shift = newest;
        self.sum = sum_of(self.ring.slots(), |value| value - newest);
    }
}

/// Mean and population standard deviation of the last n values.
///
/// Keeps the sums of distances from a value of the window and of their squares. Digits are lost only where
/// the sum of squares, or its highest since the last rebuild, is large against the spread; then, and once
/// per window, both sums are rebuilt from the window with the newest value as reference. That bounds the loss: with
/// an element of the window as reference the spread is at least 1/(n+1) of the sum of squares. (Variance of
/// shifted data: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.)
#[derive(Clone, Debug)]
pub(super) struct RollingSpread {
    ring: Ring,
    len: f64,
    inverse: f64,
    /// Rebuild when the spread falls below this share of the highest sum of squares.
    floor: f64,
    shift: f64,
    sum: f64,
    squares: f64,
    peak: f64,
    /// `n * squares - sum * sum`, which is the variance times n squared.
    spread: f64,
}

/// Share of the sum of squares below which cancellation costs too much: leaves eleven digits of a spread. For long
/// windows it lies below what a rebuild guarantees, or they would be rebuilt without end.
pub(super) fn cancellation_floor(len: usize) -> f64 {
    f64::min(1e-4, 0.25 / (len as f64 + 1.0))
}

impl RollingSpread {
    pub(super) fn new(len: usize) -> Self {
        let ring = Ring::new(len);
        let len = ring.slots().len() as f64;
        let floor = cancellation_floor(ring.slots().len()) * len;
        Self { ring, len, inverse: 1.0 / len, floor, shift: 0.0, sum: 0.0, squares: 0.0, peak: 0.0, spread: 0.0 }
    }
    #[inline(always)]
    pub(super) fn reset(&mut self) {
        self.ring.reset();
    }
    /// Takes a value; whether there are n values.
    #[inline(always)]
    pub(super) fn push(&mut self, value: f64) -> bool {
        if !self.ring.is_full() {
            return self.fill(value);
        }
        let leaving = self.ring.replace(value);
        let (distance, left) = (value - self.shift, leaving - self.shift);
        let change = distance - left;
        self.sum += change;
        self.squares += change * (distance + left);
        self.peak = larger(self.peak, self.squares);
        self.spread = self.len * self.squares - self.sum * self.sum;
        if self.ring.wrapped() || self.spread < self.floor * self.peak {
            self.rebuild(value);
        }
        true
    }
    #[cold]
    fn fill(&mut self, value: f64) -> bool {
        self.ring.push(value);
        if self.ring.is_full() {
            self.rebuild(value);
        }
        self.ring.is_full()
    }
    #[inline(never)]
    fn rebuild(&mut self, newest: f64) {
        self.shift = newest;
        self.sum = sum_of(self.ring.slots(), |value| value - newest);
        self.squares = sum_of(self.ring.slots(), |value| (value - newest) * (value - newest));
        self.peak = self.squares;
        self.spread = self.len * self.squares - self.sum * self.sum;
    }
    /// Mean of the window.
    #[inline(always)]
    pub(super) fn mean(&self) -> f64 {
        self.shift + self.sum * self.inverse
    }
    /// `value - mean`, with the digits that the difference of two prices would lose.
    #[inline(always)]
    pub(super) fn distance(&self, value: f64) -> f64 {
        (value - self.shift) - self.sum * self.inverse
    }
    /// Population standard deviation; exactly 0 when all values are equal.
    #[inline(always)]
    pub(super) fn deviation(&self) -> f64 {
        if self.spread > 0.0 { self.spread.sqrt() * self.inverse } else { 0.0 }
    }
}

/// Highest of the last n values; feed negated values for the lowest.
///
/// Time is cut into blocks of n values. The window is a tail of the last block and a head of this one: the
/// head's maximum is carried along, the tails' maxima were computed backwards when the block ended. Two
/// comparisons a value and no branch that depends on the data (van Herk 1992; Gil and Werman 1993).
#[derive(Clone, Debug)]
pub(super) struct RollingMax {
    /// Before `at` values of this block, from `at` on maxima of the last block's tails.
    slots: Box<[f64]>,
    at: usize,
    head: f64,
    full: bool,
}

impl RollingMax {
    pub(super) fn new(len: usize) -> Self {
        let slots = vec![f64::NEG_INFINITY; len.max(1)].into_boxed_slice();
        Self { slots, at: 0, head: f64::NEG_INFINITY, full: false }
    }
    pub(super) fn reset(&mut self) {
        self.at = 0;
        self.head = f64::NEG_INFINITY;
        self.full = false;
    }
    /// Takes a value; the highest, once there are n values.
    #[inline(always)]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        self.slots[self.at] = value;
        self.head = larger(self.head, value);
        self.at += 1;
        if self.at == self.slots.len() {
            let highest = self.head;
            self.turn();
            return Some(highest);
        }
        self.full.then(|| larger(self.head, self.slots[self.at]))
    }
    fn turn(&mut self) {
        let mut tail = f64::NEG_INFINITY;
        for slot in self.slots.iter_mut().rev() {
            tail = larger(tail, *slot);
            *slot = tail;
        }
        self.at = 0;
        self.head = f64::NEG_INFINITY;
        self.full = true;
    }
}

#[inline(always)]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec((0u32..40).prop_map(|v| 1000.0 + f64::from(v) * 0.25), 1..120)
    }

    fn plain_moments(window: &[f64]) -> (f64, f64) {
        let first = window[0];
        let n = window.len() as f64;
        let mean = first + window.iter().map(|v| v - first).sum::<f64>() / n;
        (mean, (window.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt())
    }

    proptest! {
        #[test]
        fn the_maximum_is_that_of_the_window(values in values(), len in 1usize..20) {
            let mut max = RollingMax::new(len);
            for (i, value) in values.iter().enumerate() {
                let expected = (i + 1 >= len).then(|| values[i + 1 - len..=i].iter().copied().fold(0.0, f64::max));
                prop_assert_eq!(max.push(*value), expected);
            }
        }

        #[test]
        fn mean_and_deviation_are_those_of_the_window(values in values(), len in 1usize..20) {
            let (mut mean, mut spread) = (RollingMean::new(len), RollingSpread::new(len));
            for (i, value) in values.iter().enumerate() {
                let (got, full) = (mean.push(*value), spread.push(*value));
                prop_assert_eq!(full, i + 1 >= len);
                prop_assert_eq!(got.is_some(), full);
                if let Some(got) = got {
                    let (expected, deviation) = plain_moments(&values[i + 1 - len..=i]);
                    prop_assert!((got - expected).abs() < 1e-12);
                    prop_assert!((spread.mean() - expected).abs() < 1e-12);
                    prop_assert!((spread.deviation() - deviation).abs() < 1e-11, "{} {}", spread.deviation(), deviation);
                }
            }
        }

        #[test]
        fn after_a_reset_nothing_of_the_past_is_left(values in values(), len in 1usize..20, cut in 0usize..120) {
            let cut = cut.min(values.len());
            let (mut mean, mut spread, mut max) = (RollingMean::new(len), RollingSpread::new(len), RollingMax::new(len));
            for value in &values[..cut] {
                mean.push(*value);
                spread.push(value * 3.0);
                max.push(value * 5.0);
            }
            mean.reset();
            spread.reset();
            max.reset();
            let (mut mean2, mut spread2, mut max2) = (RollingMean::new(len), RollingSpread::new(len), RollingMax::new(len));
            for value in &values[cut..] {
                prop_assert_eq!(mean.push(*value), mean2.push(*value));
                prop_assert_eq!(max.push(*value), max2.push(*value));
                let full = spread.push(*value);
                prop_assert_eq!(full, spread2.push(*value));
                if full {
                    prop_assert_eq!(spread.mean().to_bits(), spread2.mean().to_bits());
                    prop_assert_eq!(spread.deviation().to_bits(), spread2.deviation().to_bits());
                }
            }
        }
    }

    /// Deviations of `values` agree with the two-pass formula to `digits` at every full window.
    fn check_spread(values: impl Iterator<Item = f64>, len: usize, relative: f64) {
        let mut spread = RollingSpread::new(len);
        let mut window = std::collections::VecDeque::new();
        for (i, value) in values.enumerate() {
            window.push_back(value);
            if window.len() > len {
                window.pop_front();
            }
            if spread.push(value) {
                let (_, expected) = plain_moments(window.make_contiguous());
                let got = spread.deviation();
                assert!((got - expected).abs() <= relative * expected, "value {i}: {got} against {expected}");
            }
        }
    }

    #[test]
    fn a_large_level_with_a_tiny_spread_keeps_its_digits_over_a_long_run() {
        let mut state = 1u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64
        };
        check_spread((0..100_000).map(|i| 1e9 + f64::from(i) + noise() / 1e7), 20, 1e-11);
    }

    #[test]
    fn a_burst_that_leaves_the_window_leaves_no_trace() {
        let wave = |i: i32| f64::from(i % 7) * 0.01;
        check_spread((0..5_000).map(|i| if i % 50 == 0 { 1e6 } else { 100.0 + wave(i) }), 20, 1e-10);
    }

    #[test]
    fn a_constant_has_exactly_no_deviation_wherever_it_begins() {
        for lead in 0..25 {
            let mut spread = RollingSpread::new(20);
            for i in 0..lead {
                spread.push(0.3 + 0.1 * f64::from(i % 3));
            }
            for i in 0..100 {
                if spread.push(0.1) && i >= 19 {
                    assert_eq!((spread.deviation(), spread.mean()), (0.0, 0.1), "lead {lead}, {i}");
                }
            }
        }
    }
}
