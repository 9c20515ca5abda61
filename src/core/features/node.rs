//! One computation of the hub: an indicator, where it reads and where it writes. An enum rather than trait
//! objects, since this is the inner loop of everything. Knows no interval and no time.

use super::aggregate::Bar;
use crate::indicators::{
    Adx, Atr, Bands, Bollinger, Cci, Ema, EmaFromFirst, LANES, Lagged, Macd, Momentum, Obv, RateOfChange, Rsi, Sma,
    StochasticRawK, VolumeRatio, ZScores,
};

/// Place of a value in a symbol's values.
pub(super) type Cell = usize;

/// An input of a node that is another node's output.
pub(super) type Source = Cell;

/// Where Bollinger's statistics stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct BandCells {
    pub(super) middle: Cell,
    pub(super) deviation: Cell,
    pub(super) distance: Cell,
}

/// Which ratio or band is taken from Bollinger's statistics.
#[derive(Clone, Copy, Debug)]
pub(super) enum Band {
    Upper,
    Lower,
    Width,
    Position,
}

/// What is computed. The tag is a byte of its own: a tag hidden in a pointer would take longer to read, twenty times a candle.
#[derive(Clone, Debug)]
#[repr(u8)]
pub(super) enum Work {
    Close,
    Volume,
    Rsi(Rsi),
    /// Writes MACD to the node's cell, signal and histogram to these.
    Macd(Macd, Cell, Cell),
    /// Writes the middle to the node's cell, deviation and distance to these.
    Bollinger(Bollinger, Cell, Cell),
    Band(Band, f64, BandCells),
    Atr(Atr),
    Cci(Cci),
    StochasticRawK(StochasticRawK),
    /// Mean of another node's values: %K of raw %K, %D of %K.
    Smooth(Sma, Source),
    Obv(Obv),
    Sma(Sma),
    Ema(Ema),
    EmaFromFirst(EmaFromFirst),
    Momentum(Momentum),
    Roc(RateOfChange),
    Change(RateOfChange),
    Adx(Adx),
    VolumeRatio(VolumeRatio),
    /// Scores of up to four series; a lane too many repeats the first.
    ZScores(ZScores, [Source; LANES], [Cell; LANES]),
    /// Of fast average, slow average and ADX.
    TrendStrength(Source, Source, Source),
    Lag(Lagged, Source),
    /// The value of one candle ago, the lag that is asked for most.
    Previous(f64, Source),
    /// Spread of another node's values.
    Deviation(Bollinger, Source),
}

/// A computation and the cell of its first output.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) work: Work,
    pub(super) to: Cell,
}

#[inline(always)]
fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

impl Node {
    /// Takes the candle that closed; sources have been computed before.
    #[inline(always)]
    pub(super) fn update(&mut self, bar: &Bar, values: &mut [f64]) {
        let value = match &mut self.work {
            Work::Close => bar.close,
            Work::Volume => bar.volume,
            Work::Rsi(rsi) => or_nan(rsi.update(bar.close)),
            Work::Macd(macd, signal, histogram) => {
                let lines = macd.update(bar.close);
                values[*signal] = or_nan(lines.map(|lines| lines.signal));
                values[*histogram] = or_nan(lines.map(|lines| lines.histogram));
                or_nan(lines.map(|lines| lines.macd))
            }
            Work::Bollinger(bollinger, deviation, distance) => {
                let bands = bollinger.update(bar.close);
                values[*deviation] = or_nan(bands.map(|bands| bands.deviation));
                values[*distance] = or_nan(bands.map(|bands| bands.distance));
                or_nan(bands.map(|bands| bands.middle))
            }
            Work::Band(band, deviations, cells) => band.of(*deviations, cells, values),
            Work::Atr(atr) => or_nan(atr.update(bar.high, bar.low, bar.close)),
            Work::Cci(cci) => or_nan(cci.update(bar.high, bar.low, bar.close)),
            Work::StochasticRawK(raw) => or_nan(raw.update(bar.high, bar.low, bar.close)),
            Work::Smooth(mean, source) => {
                let value = values[*source];
                if value.is_nan() { f64::NAN } else { or_nan(mean.update(value)) }
            }
            Work::Deviation(spread, source) => deviation(spread, values[*source]),
            Work::Obv(obv) => or_nan(obv.update(bar.close, bar.volume)),
            Work::Sma(sma) => or_nan(sma.update(bar.close)),
            Work::Ema(ema) => or_nan(ema.update(bar.close)),
            Work::EmaFromFirst(ema) => or_nan(ema.update(bar.close)),
            Work::Momentum(momentum) => or_nan(momentum.update(bar.close)),
            Work::Roc(roc) => 100.0 * or_nan(roc.update(bar.close)),
            Work::Change(change) => or_nan(change.update(bar.close)),
            Work::Adx(adx) => or_nan(adx.update(bar.high, bar.low, bar.close)),
            Work::VolumeRatio(ratio) => or_nan(ratio.update(bar.volume)),
            Work::TrendStrength(fast, slow, adx) => trend_strength(values[*fast], values[*slow], values[*adx]),
            Work::Lag(past, source) => or_nan(past.update(values[*source])),
            Work::Previous(previous, source) => std::mem::replace(previous, values[*source]),
            Work::ZScores(scores, sources, cells) => {
                // Not by a loop: four numbers stored one by one and read two at a time would wait for the stores.
                let [first, second, third, fourth] = *sources;
                let scores = scores.update([values[first], values[second], values[third], values[fourth]]);
                for (cell, score) in cells.iter().zip(scores) {
                    values[*cell] = score;
                }
                return;
            }
        };
        values[self.to] = value;
    }

    /// Every cell that it reads.
    pub(super) fn sources(&self) -> Vec<Cell> {
        match &self.work {
            Work::Smooth(_, source) | Work::Deviation(_, source) | Work::Lag(_, source) | Work::Previous(_, source) => {
                vec![*source]
            }
            Work::Band(_, _, cells) => vec![cells.middle, cells.deviation, cells.distance],
            Work::TrendStrength(fast, slow, adx) => vec![*fast, *slow, *adx],
            Work::ZScores(_, sources, _) => sources.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Every cell that it writes each time.
    pub(super) fn cells(&self) -> Vec<Cell> {
        match &self.work {
            Work::Macd(_, signal, histogram) => vec![self.to, *signal, *histogram],
            Work::Bollinger(_, deviation, distance) => vec![self.to, *deviation, *distance],
            Work::ZScores(_, _, cells) => cells.to_vec(),
            _ => vec![self.to],
        }
    }

    /// Forgets the past: no value until refilled.
    pub(super) fn reset(&mut self, values: &mut [f64]) {
        values[self.to] = f64::NAN;
        match &mut self.work {
            Work::Close | Work::Volume | Work::Band(..) | Work::TrendStrength(..) => {}
            Work::Macd(macd, signal, histogram) => {
                (values[*signal], values[*histogram]) = (f64::NAN, f64::NAN);
                macd.reset();
            }
            Work::Bollinger(bollinger, deviation, distance) => {
                (values[*deviation], values[*distance]) = (f64::NAN, f64::NAN);
                bollinger.reset();
            }
            Work::Rsi(rsi) => rsi.reset(),
            Work::Atr(atr) => atr.reset(),
            Work::Cci(cci) => cci.reset(),
            Work::StochasticRawK(raw) => raw.reset(),
            Work::Smooth(mean, _) | Work::Sma(mean) => mean.reset(),
            Work::Obv(obv) => obv.reset(),
            Work::Ema(ema) => ema.reset(),
            Work::EmaFromFirst(ema) => ema.reset(),
            Work::Momentum(momentum) => momentum.reset(),
            Work::Roc(change) | Work::Change(change) => change.reset(),
            Work::Adx(adx) => adx.reset(),
            Work::VolumeRatio(ratio) => ratio.reset(),
            Work::Lag(past, _) => past.reset(),
            Work::Previous(previous, _) => *previous = f64::NAN,
            Work::Deviation(spread, _) => spread.reset(),
            Work::ZScores(scores, _, cells) => {
                cells.iter().for_each(|cell| values[*cell] = f64::NAN);
                scores.reset();
            }
        }
    }
}

impl Band {
    #[inline(always)]
    fn of(self, deviations: f64, cells: &BandCells, values: &[f64]) -> f64 {
        let bands = Bands {
            middle: values[cells.middle],
            deviation: values[cells.deviation],
            distance: values[cells.distance],
        };
        match self {
            Self::Upper => bands.upper(deviations),
            Self::Lower => bands.lower(deviations),
            Self::Width => bands.width(deviations),
            Self::Position => or_nan(bands.position(deviations)),
        }
    }
}

/// Standard deviation of the last values; a value that is NaN is none, and the window begins anew.
fn deviation(spread: &mut Bollinger, value: f64) -> f64 {
    if value.is_nan() {
        spread.reset();
        return f64::NAN;
    }
    or_nan(spread.update(value).map(|bands| bands.deviation))
}

/// Share of an average within which two averages are equal: what they differ by then is rounding, which depends on where
/// the series began.
const EQUAL: f64 = 1e-10;

/// `sign(fast - slow) * min(adx / 50, 1)`; NaN where an input is.
#[inline(always)]
fn trend_strength(fast: f64, slow: f64, adx: f64) -> f64 {
    let (gap, equal) = (fast - slow, EQUAL * slow.abs());
    let share = adx / 50.0;
    let strength = if share > 1.0 { 1.0 } else { share };
    // What is neither above nor below is level, or NaN and stays that.
    let sign = if gap > equal {
        1.0
    } else if gap < -equal {
        -1.0
    } else if gap.is_nan() {
        gap
    } else {
        0.0
    };
    sign * strength
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_that_differ_by_rounding_alone_are_level() {
        let (fast, slow) = (0.1 + 0.2, 0.3);
        assert!(fast != slow);
        assert_eq!((trend_strength(fast, slow, 50.0), trend_strength(slow, fast, 50.0)), (0.0, 0.0));
        assert_eq!(trend_strength(0.3 + 1e-9, 0.3, 50.0), 1.0, "far less than a tick and no rounding");
    }

    #[test]
    fn a_trend_is_as_strong_as_its_adx_up_to_fifty_and_has_the_sign_of_the_averages() {
        assert_eq!(trend_strength(5.0, 3.0, 25.0), 0.5);
        assert_eq!(trend_strength(3.0, 5.0, 80.0), -1.0);
        assert_eq!(trend_strength(3.0, 3.0, 80.0), 0.0);
        assert!(trend_strength(f64::NAN, 3.0, 25.0).is_nan());
        assert!(trend_strength(3.0, f64::NAN, 25.0).is_nan());
        assert!(trend_strength(3.0, 2.0, f64::NAN).is_nan());
    }
}
