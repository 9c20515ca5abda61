//! Z-scores of series against their own recent past, four series side by side.

use super::rolling::cancellation_floor;

/// Series that one [`ZScores`] takes: as many numbers as two registers of 128 bits hold.
pub const LANES: usize = 4;

/// One number for each series.
type Lanes = [f64; LANES];

/// `(value - mean) / deviation` over the last `window` values, the newest included, with the population
/// standard deviation; 0 when that is 0. For four series that advance together, each by itself: what the
/// others do, or whether they are ready, changes no bit of a series' scores.
///
/// Sums of distances and of their squares are kept as for Bollinger bands: measured from a value of the window,
/// rebuilt once per window and where cancellation would cost digits.
#[derive(Clone, Debug)]
pub struct ZScores {
    rows: Box<[Lanes]>,
    at: usize,
    len: f64,
    floor: f64,
    /// Values in a row, up to the window.
    run: [usize; LANES],
    /// All runs are as long as the window.
    settled: bool,
    shift: Lanes,
    sum: Lanes,
    squares: Lanes,
    /// Highest sum of squares since the last rebuild.
    peak: Lanes,
}

impl ZScores {
    /// Over `window` values; below 1 counts as 1.
    pub fn new(window: usize) -> Self {
        let window = window.max(1);
        let len = window as f64;
        Self {
            rows: vec![[0.0; LANES]; window].into_boxed_slice(),
            at: 0,
            len,
            floor: cancellation_floor(window) * len,
            run: [0; LANES],
            settled: false,
            shift: [0.0; LANES],
            sum: [0.0; LANES],
            squares: [0.0; LANES],
            peak: [0.0; LANES],
        }
    }

    /// Takes the next value of each series; their scores. A value that is NaN is none: the series has no score
    /// until `window` values in a row have come, and its score is NaN so long.
    // Inlined by force: handed over in memory, four numbers just stored one by one would be read two at a time,
    // and have to wait for the stores.
    #[inline(always)]
    pub fn update(&mut self, values: Lanes) -> Lanes {
        let row = &mut self.rows[self.at];
        let leaving = *row;
        let distance: Lanes = std::array::from_fn(|lane| values[lane] - self.shift[lane]);
        let left: Lanes = std::array::from_fn(|lane| leaving[lane] - self.shift[lane]);
        for lane in 0..LANES {
            let change = distance[lane] - left[lane];
            self.sum[lane] += change;
            self.squares[lane] += change * (distance[lane] + left[lane]);
            self.peak[lane] = if self.squares[lane] > self.peak[lane] { self.squares[lane] } else { self.peak[lane] };
        }
        *row = values;
        self.at = if self.at + 1 == self.rows.len() { 0 } else { self.at + 1 };
        let mut rebuild = self.at == 0;
        let spread = self.spread();
        for (spread, peak) in spread.iter().zip(&self.peak) {
            rebuild |= *spread < self.floor * peak;
        }
        let gone = (values[0] + values[1]) + (values[2] + values[3]);
        if rebuild | !self.settled | gone.is_nan() {
            return self.update_slowly(values, spread);
        }
        self.scores(values, spread)
    }

    /// Variances times the window squared.
    #[inline(always)]
    fn spread(&self) -> Lanes {
        std::array::from_fn(|lane| self.len * self.squares[lane] - self.sum[lane] * self.sum[lane])
    }

    /// Distance from the mean times the window, over the root of the spread; written so that division and root
    /// run side by side.
    #[inline(always)]
    fn scores(&self, values: Lanes, spread: Lanes) -> Lanes {
        std::array::from_fn(|lane| {
            let distance = (values[lane] - self.shift[lane]) * self.len - self.sum[lane];
            let score = distance / spread[lane] * spread[lane].sqrt();
            if spread[lane] > 0.0 { score } else { 0.0 }
        })
    }

    /// Where a lane is not ready, or its sums are due for a rebuild.
    #[inline(never)]
    fn update_slowly(&mut self, values: Lanes, spread: Lanes) -> Lanes {
        let window = self.rows.len();
        let is_due: [bool; LANES] = std::array::from_fn(|lane| {
            let run = self.run[lane];
            self.run[lane] = if values[lane].is_nan() { 0 } else { window.min(run + 1) };
            let just_ready = run < window && self.run[lane] == window;
            // Sums of a lane that is not ready mean nothing and are rebuilt before they do.
            just_ready || self.at == 0 || spread[lane] < self.floor * self.peak[lane]
        });
        if is_due.contains(&true) {
            self.rebuild(is_due, values);
        }
        self.settled = self.run == [window; LANES];
        let scores = self.scores(values, self.spread());
        std::array::from_fn(|lane| if self.run[lane] == window { scores[lane] } else { f64::NAN })
    }

    /// Sums of the lanes that are due, as of the newest values. All are added up, since four sums side by side take as long as
    /// one.
    fn rebuild(&mut self, is_due: [bool; LANES], newest: Lanes) {
        let (mut sum, mut squares) = ([0.0; LANES], [0.0; LANES]);
        for row in &self.rows {
            for lane in 0..LANES {
                let distance = row[lane] - newest[lane];
                sum[lane] += distance;
                squares[lane] += distance * distance;
            }
        }
        for lane in (0..LANES).filter(|lane| is_due[*lane]) {
            (self.shift[lane], self.sum[lane]) = (newest[lane], sum[lane]);
            (self.squares[lane], self.peak[lane]) = (squares[lane], squares[lane]);
        }
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.at = 0;
        self.run = [0; LANES];
        self.settled = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_newest_value_belongs_to_its_own_sample() {
        let mut scores = ZScores::new(4);
        for _ in 0..3 {
            assert!(scores.update([1.0; LANES]).iter().all(|score| score.is_nan()));
        }
        // Mean 2, population variance 3.
        let got = scores.update([5.0; LANES]);
        assert!(got.iter().all(|score| (score - 3f64.sqrt()).abs() < 1e-15), "{got:?}");
    }

    #[test]
    fn a_constant_scores_zero() {
        let mut scores = ZScores::new(5);
        for i in 0..40 {
            let got = scores.update([0.1, 0.7, -3.0, 1e9]);
            assert_eq!(got.map(|score| score == 0.0), [i >= 4; LANES]);
        }
    }

    fn series() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            10 => (0u32..50).prop_map(|v| 500.0 + f64::from(v) * 0.125),
            1 => Just(f64::NAN),
            1 => Just(1e7),
        ];
        proptest::collection::vec(value, 150)
    }

    fn plain(window: &[f64]) -> f64 {
        let (n, newest) = (window.len() as f64, window[window.len() - 1]);
        let mean = window.iter().sum::<f64>() / n;
        let deviation = (window.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        if deviation == 0.0 { 0.0 } else { (newest - mean) / deviation }
    }

    proptest! {
        #[test]
        fn a_score_is_that_of_the_window_and_of_its_own_series(
            series in [series(), series(), series(), series()], window in 2usize..12,
        ) {
            let mut together = ZScores::new(window);
            let mut alone = [(); LANES].map(|()| ZScores::new(window));
            for i in 0..series[0].len() {
                let got = together.update(std::array::from_fn(|lane| series[lane][i]));
                for lane in 0..LANES {
                    let single = alone[lane].update([series[lane][i]; LANES]);
                    prop_assert_eq!(single.map(f64::to_bits), [got[lane].to_bits(); LANES]);
                    let sample = (i + 1).checked_sub(window).map(|from| &series[lane][from..=i]);
                    match sample.filter(|sample| sample.iter().all(|v| !v.is_nan())) {
                        None => prop_assert!(got[lane].is_nan()),
                        Some(sample) => {
                            let expected = plain(sample);
                            prop_assert!((got[lane] - expected).abs() < 1e-9, "{} {}", got[lane], expected);
                        }
                    }
                }
            }
        }

        #[test]
        fn after_a_reset_nothing_of_the_past_is_left(series in series(), cut in 0usize..150) {
            let (mut used, mut fresh) = (ZScores::new(7), ZScores::new(7));
            for value in &series[..cut] {
                used.update([*value * 3.0; LANES]);
            }
            used.reset();
            for value in &series[cut..] {
                prop_assert_eq!(used.update([*value; LANES]).map(f64::to_bits), fresh.update([*value; LANES]).map(f64::to_bits));
            }
        }
    }
}
