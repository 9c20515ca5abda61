//! Closed candles and the way a price is said to have taken inside one.

use super::{Interval, Price, Time};
use serde::{Deserialize, Serialize};

/// A closed candle. Prices are exact for the exchange; `volume` is a statistic and stays `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candle {
    /// Start; the candle covers `[open_time, open_time + interval)`.
    pub open_time: Time,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded volume in units of the base asset.
    pub volume: f64,
}

impl Candle {
    /// The instant at which this candle is closed and may be acted on.
    #[inline]
    pub const fn close_time(&self, interval: Interval) -> Time {
        self.open_time.plus(interval.ms())
    }

    /// What is wrong with this candle, if anything: the checks every source applies while reading.
    pub fn fault(&self) -> Option<&'static str> {
        let (open, high, low, close) = (self.open, self.high, self.low, self.close);
        if low <= Price::ZERO {
            Some("a price is not positive")
        } else if high < low {
            Some("high is below low")
        } else if open < low || open > high {
            Some("open lies outside of low and high")
        } else if close < low || close > high {
            Some("close lies outside of low and high")
        } else if !self.volume.is_finite() {
            Some("volume is not a number")
        } else if self.volume < 0.0 {
            Some("volume is negative")
        } else {
            None
        }
    }
}

/// Prices that a symbol keeps to for some time, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRange {
    /// Lowest.
    pub low: Price,
    /// Highest.
    pub high: Price,
}

impl PriceRange {
    /// All prices of a candle, even of a faulty one.
    #[inline]
    pub fn of(candle: &Candle) -> Self {
        let low = candle.low.min(candle.high).min(candle.open).min(candle.close);
        let high = candle.high.max(candle.low).max(candle.open).max(candle.close);
        Self { low, high }
    }

    /// Wider on each side by `times` its own width.
    pub fn widened(self, times: i64) -> Self {
        let by = self.high.0.saturating_sub(self.low.0).saturating_mul(times);
        Self { low: Price(self.low.0.saturating_sub(by)), high: Price(self.high.0.saturating_add(by)) }
    }

    /// Wide enough for `price` too.
    #[inline]
    pub fn including(self, price: Price) -> Self {
        Self { low: self.low.min(price), high: self.high.max(price) }
    }

    /// Without a line and what lies beyond it, as seen from `own` prices; as it is where the line lies among these.
    #[inline]
    pub fn short_of(self, line: Price, own: Self) -> Self {
        if line > own.high {
            Self { high: self.high.min(Price(line.0 - 1)), ..self }
        } else if line < own.low {
            Self { low: self.low.max(Price(line.0 + 1)), ..self }
        } else {
            self
        }
    }

    /// Whether all of `other` lies inside.
    #[inline]
    pub fn holds(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }
}

/// The closes of a symbol over some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closes {
    /// Lowest.
    pub low: Price,
    /// Highest.
    pub high: Price,
    /// That of the last step but one, where there was one.
    pub before: Option<Price>,
    /// That of the last step.
    pub last: Price,
}

impl Closes {
    /// Of one step.
    pub const fn of(close: Price) -> Self {
        Self { low: close, high: close, before: None, last: close }
    }
    /// The steps after these, too.
    #[inline]
    pub fn extend(&mut self, later: Self) {
        (self.low, self.high) = (self.low.min(later.low), self.high.max(later.high));
        (self.before, self.last) = (later.before.or(Some(self.last)), later.last);
    }
}

/// The order in which a price is taken to have visited the four prices of a candle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CandlePath {
    /// Down first.
    OpenLowHighClose,
    /// Up first.
    OpenHighLowClose,
    /// Whichever is worse for the position that is open or being opened; down first when flat.
    #[default]
    Worse,
}
