//! Time as the core sees it: milliseconds handed in by the host. No clock is read here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// A length of time in milliseconds.
pub type Millis = i64;

/// A second in milliseconds.
pub const SECOND_MS: Millis = 1_000;
/// A minute in milliseconds.
pub const MINUTE_MS: Millis = 60 * SECOND_MS;
/// An hour in milliseconds.
pub const HOUR_MS: Millis = 60 * MINUTE_MS;
/// A day in milliseconds.
pub const DAY_MS: Millis = 24 * HOUR_MS;

impl Time {
    /// This instant moved by `ms`.
    #[inline]
    pub const fn plus(self, ms: Millis) -> Self {
        Self(self.0 + ms)
    }
    /// Milliseconds from `earlier` to this instant.
    #[inline]
    pub const fn since(self, earlier: Self) -> Millis {
        self.0 - earlier.0
    }
    /// Start of the interval of `ms` that holds this instant, on the grid that starts at the epoch.
    #[inline]
    pub const fn floor(self, ms: Millis) -> Self {
        Self(self.0.div_euclid(ms) * ms)
    }
    /// Number of the UTC day.
    #[inline]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }
}

impl fmt::Display for Time {
    /// `2025-06-30T23:55:00Z`; the calendar is Howard Hinnant's `civil_from_days`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let z = self.day() + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second, milli) = (ms / HOUR_MS, ms / MINUTE_MS % 60, ms / SECOND_MS % 60, ms % SECOND_MS);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if milli != 0 {
            write!(out, ".{milli:03}")?;
        }
        out.write_str("Z")
    }
}

/// The length of a candle: `1m`, `5m`, `15m`, `1h`, `4h`, `1d` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(Millis);

/// A text that is not an interval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an interval: expected a whole number from 1 to 10000 and s, m, h, d or w, such as 5m or 1h")]
pub struct IntervalError(pub String);

impl Interval {
    /// One minute.
    pub const M1: Self = Self(MINUTE_MS);
    /// Five minutes.
    pub const M5: Self = Self(5 * MINUTE_MS);
    /// A quarter of an hour.
    pub const M15: Self = Self(15 * MINUTE_MS);
    /// One hour.
    pub const H1: Self = Self(HOUR_MS);
    /// Four hours.
    pub const H4: Self = Self(4 * HOUR_MS);
    /// One day.
    pub const D1: Self = Self(DAY_MS);

    /// Length in milliseconds.
    #[inline]
    pub const fn ms(self) -> Millis {
        self.0
    }
    /// Whether candles of this interval add up to candles of `higher` without a rest.
    pub const fn divides(self, higher: Self) -> bool {
        higher.0 % self.0 == 0
    }
}

impl FromStr for Interval {
    type Err = IntervalError;
    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let bad = || IntervalError(text.to_owned());
        let unit = match text.as_bytes().last() {
            Some(b's') => SECOND_MS,
            Some(b'm') => MINUTE_MS,
            Some(b'h') => HOUR_MS,
            Some(b'd') => DAY_MS,
            Some(b'w') => 7 * DAY_MS,
            _ => return Err(bad()),
        };
        let count: i64 = text[..text.len() - 1].parse().map_err(|_| bad())?;
        if !(1..=10_000).contains(&count) || text.starts_with('+') {
            return Err(bad());
        }
        Ok(Self(count * unit))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = [(7 * DAY_MS, 'w'), (DAY_MS, 'd'), (HOUR_MS, 'h'), (MINUTE_MS, 'm')]
            .into_iter()
            .find(|(ms, _)| self.0 % ms == 0)
            .map_or((self.0 / SECOND_MS, 's'), |(ms, unit)| (self.0 / ms, unit));
        write!(out, "{count}{unit}")
    }
}

impl Serialize for Interval {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_as_utc() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Time(1_698_796_800_000).to_string(), "2023-11-01T00:00:00Z");
        assert_eq!(Time(1_709_164_799_999).to_string(), "2024-02-28T23:59:59.999Z");
        assert_eq!(Time(1_709_164_800_000).to_string(), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn intervals_round_trip() {
        for text in ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
        for text in ["", "m", "0m", "-5m", "+5m", "5", "5x", "1.5h", "m5"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
        assert!(Interval::M5.divides(Interval::H1) && !Interval::M15.divides("20m".parse().unwrap()));
    }
}
