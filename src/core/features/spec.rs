//! What can be asked of the feed, and how an answer is read.

use super::derived::{Column, Derivations, Derived};
use crate::model::{Candle, Interval, Time};
use serde::{Deserialize, Serialize};

/// Which output of MACD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MacdLine {
    /// Fast EMA minus slow EMA.
    Macd,
    /// EMA of the line.
    Signal,
    /// Line minus signal.
    Histogram,
}

/// A series that the feed can compute from the candles of one interval. Names and values as in
/// TA-Lib; absent until warm, never 0 and never 50.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Feature {
    /// Close price of the last closed candle.
    Close,
    /// Volume of the last closed candle, in base units.
    Volume,
    /// Relative strength index, 0 to 100, Wilder smoothing.
    Rsi {
        /// Period in candles.
        period: u32,
    },
    /// Moving average convergence divergence, in price units.
    Macd {
        /// Fast period.
        fast: u32,
        /// Slow period.
        slow: u32,
        /// Signal period.
        signal: u32,
        /// Which output.
        line: MacdLine,
    },
    /// Bollinger middle band: the SMA.
    BbMiddle {
        /// Period in candles.
        period: u32,
    },
    /// Bollinger upper band; `deviations` in hundredths of a population standard deviation.
    BbUpper {
        /// Period in candles.
        period: u32,
        /// Width in hundredths of a standard deviation: 200 is two.
        deviations_x100: u32,
    },
    /// Bollinger lower band.
    BbLower {
        /// Period in candles.
        period: u32,
        /// Width in hundredths of a standard deviation.
        deviations_x100: u32,
    },
    /// `(upper - lower) / middle`.
    BbWidth {
        /// Period in candles.
        period: u32,
        /// Width in hundredths of a standard deviation.
        deviations_x100: u32,
    },
    /// `(close - lower) / (upper - lower)`; absent when the bands touch.
    BbPosition {
        /// Period in candles.
        period: u32,
        /// Width in hundredths of a standard deviation.
        deviations_x100: u32,
    },
    /// Average true range, in price units, Wilder smoothing.
    Atr {
        /// Period in candles.
        period: u32,
    },
    /// Commodity channel index, constant 0.015.
    Cci {
        /// Period in candles.
        period: u32,
    },
    /// Stochastic before slowing, 0 to 100.
    StochRawK {
        /// %K period.
        period: u32,
    },
    /// Slowed stochastic %K, 0 to 100.
    StochK {
        /// %K period.
        period: u32,
        /// Slowing: an SMA.
        slowing: u32,
    },
    /// Stochastic %D: the SMA of %K.
    StochD {
        /// %K period.
        period: u32,
        /// Slowing.
        slowing: u32,
        /// %D period.
        smooth: u32,
    },
    /// On-balance volume, from the first candle seen.
    Obv,
    /// Simple moving average of the close.
    Sma {
        /// Period in candles.
        period: u32,
    },
    /// Exponential moving average of the close, seeded with the SMA.
    Ema {
        /// Period in candles.
        period: u32,
    },
    /// Exponential moving average seeded with the first close, usable from the `period`th candle on.
    EmaFromFirst {
        /// Period in candles.
        period: u32,
    },
    /// `close - close n candles ago`.
    Momentum {
        /// n.
        period: u32,
    },
    /// `100 * (close / close n candles ago - 1)`.
    Roc {
        /// n.
        period: u32,
    },
    /// Average directional index, 0 to 100.
    Adx {
        /// Period in candles.
        period: u32,
    },
    /// Volume over its SMA.
    VolumeRatio {
        /// Period of the SMA.
        period: u32,
    },
    /// `close / close of that long ago - 1`, by time, not by count.
    Change {
        /// How long ago, in milliseconds; a multiple of the interval.
        ms: i64,
    },
    /// `sign(SMA fast - SMA slow) * min(ADX / 50, 1)`.
    TrendStrength {
        /// Period of the fast SMA.
        fast: u32,
        /// Period of the slow SMA.
        slow: u32,
        /// Period of the ADX.
        adx: u32,
    },
    /// Another feature one or more closed candles of the same interval ago.
    Lag {
        /// Of which feature.
        of: Box<Feature>,
        /// How many candles ago, at least 1.
        candles: u32,
    },
    /// `(value - mean) / deviation` of another feature over the last closed candles, the newest
    /// included, with the population standard deviation; 0 when that is 0.
    ZScore {
        /// Of which feature.
        of: Box<Feature>,
        /// How many candles.
        window: u32,
    },
    /// Population standard deviation of another feature over the last closed candles, the newest included.
    Deviation {
        /// Of which feature.
        of: Box<Feature>,
        /// How many candles.
        window: u32,
    },
}

/// A feature on an interval.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// Of which candles.
    pub interval: Interval,
    /// Which series.
    pub feature: Feature,
}

/// Where a wanted feature stands in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub(crate) u32);

/// Collects what the rules of one symbol want, each wish once.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    specs: Vec<FeatureSpec>,
    derived: Derivations,
}

impl Wants {
    /// Asks for a feature; the same wish gets the same slot.
    pub fn want(&mut self, interval: Interval, feature: Feature) -> Slot {
        let spec = FeatureSpec { interval, feature };
        let place = self.specs.iter().position(|known| *known == spec).unwrap_or_else(|| {
            self.specs.push(spec);
            self.specs.len() - 1
        });
        Slot(u32::try_from(place).expect("invariant: fewer features than 2^32"))
    }
    /// Announces a value that the rule derives from its frames: equal ones get the same column. It may be read there
    /// where many swarms share a reel ([`Film::column`](super::Film::column)), and nowhere else.
    pub fn share<D: Derived>(&mut self, derived: D) -> Column {
        self.derived.announce(derived)
    }
    pub(super) const fn derived(&self) -> &Derivations {
        &self.derived
    }
    /// Everything wanted, in the order of the slots.
    pub fn specs(&self) -> &[FeatureSpec] {
        &self.specs
    }
}

/// The features of one symbol as of one closed base candle.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When the base candle closed: nothing in here is later.
    pub now: Time,
    /// The closed base candle.
    pub candle: &'a Candle,
    values: &'a [f64],
}

impl<'a> Frame<'a> {
    /// `values` holds one number a slot, NaN where not ready.
    pub const fn new(now: Time, candle: &'a Candle, values: &'a [f64]) -> Self {
        Self { now, candle, values }
    }
    /// The feature's value, absent until warm.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<f64> {
        let value = self.values[slot.0 as usize];
        (!value.is_nan()).then_some(value)
    }
    /// All values by slot, NaN where not ready: for copying a frame.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }
    /// The feature's value, NaN until warm: for arithmetic that lets NaN through to one check.
    #[inline]
    pub fn raw(&self, slot: Slot) -> f64 {
        self.values[slot.0 as usize]
    }
}
