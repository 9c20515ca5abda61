//! Values of swarm.yaml that are written as text and mean something: names, symbols, lengths of
//! time, dates, and the schemas of exact decimals. What they may refer to is checked elsewhere.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::str::FromStr;
use swarm_core::model::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, SECOND_MS, Time};

/// Reads a value from its text and gives the type its schema.
macro_rules! textual {
    ($name:ident, $schema:tt) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

/// Longest name of a portfolio, cohort, agent or account.
const MAX_NAME: usize = 48;

/// A name that also stands in labels, addresses and file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub String);

/// A text that is not a name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a name: expected 1 to 48 letters, digits, `-` or `_`, beginning with a letter or digit")]
pub struct NameError(String);

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        let all = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if first && all && text.len() <= MAX_NAME {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError(super::tree::shorten(text)))
        }
    }
}

textual!(Name, { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$" });

/// A contract's symbol as the venue writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol(pub String);

/// A text that is not a symbol.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a symbol: expected 2 to 32 upper-case letters and digits, such as BTCUSDT")]
pub struct SymbolError(String);

impl FromStr for Symbol {
    type Err = SymbolError;
    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let allowed = |c: char| !c.is_ascii_lowercase() && (c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii());
        let fits = (2..=32).contains(&text.chars().count());
        if fits && text.chars().all(|c| allowed(c) && !c.is_whitespace() && !c.is_control()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SymbolError(super::tree::shorten(text)))
        }
    }
}

textual!(Symbol, { "type": "string", "pattern": "^[^a-z\\s!-/:-@\\[-^`{-~]{2,32}$", "examples": ["BTCUSDT"] });

/// A length of time in milliseconds, written `500ms`, `90s`, `5m`, `8h` or `2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Millis);

/// A text that is not a length of time.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a length of time: expected a whole number from 1 to 999999 and ms, s, m, h or d, such as 90s or 5m"
)]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let bad = || SpanError(super::tree::shorten(text));
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let unit = match &text[split..] {
            "ms" => 1,
            "s" => SECOND_MS,
            "m" => MINUTE_MS,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            _ => return Err(bad()),
        };
        let count: Millis = text[..split].parse().map_err(|_| bad())?;
        if !(1..1_000_000).contains(&count) {
            return Err(bad());
        }
        Ok(Self(count * unit))
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s"), (1, "ms")];
        let (ms, unit) = units.into_iter().find(|(ms, _)| self.0 % ms == 0).unwrap_or((1, "ms"));
        write!(out, "{}{unit}", self.0 / ms)
    }
}

textual!(Span, { "type": "string", "pattern": "^0*[1-9][0-9]{0,5}(ms|s|m|h|d)$", "examples": ["90s", "5m"] });

/// A day or an instant in UTC, written `2025-01-31` or `2025-01-31T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Time);

/// A text that is not a date.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a date: expected one such as 2025-01-31 or 2025-01-31T12:00:00Z, in UTC")]
pub struct InstantError(String);

impl FromStr for Instant {
    type Err = InstantError;
    fn from_str(text: &str) -> Result<Self, InstantError> {
        let bad = || InstantError(super::tree::shorten(text));
        let stamp = match text.parse::<jiff::civil::Date>() {
            Ok(day) if text.len() == "2025-01-31".len() => {
                day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| bad())?.timestamp()
            }
            _ => text.parse::<jiff::Timestamp>().map_err(|_| bad())?,
        };
        Ok(Self(Time(stamp.as_millisecond())))
    }
}

textual!(Instant, {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2}))?$",
    "examples": ["2025-01-31"]
});

/// Schema of an exact decimal: a number, or a text of digits where the number must not be rounded by an editor.
pub struct Decimal;

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "pattern": "^[+-]?[0-9]*\\.?[0-9]*$" })
    }
}

/// Schema of a candle's length.
pub struct IntervalText;

impl JsonSchema for IntervalText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,5}[smhdw]$", "examples": ["5m", "1h"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_round_trip() {
        for (text, ms) in [("500ms", 500), ("90s", 90_000), ("5m", 300_000), ("8h", 28_800_000), ("2d", 172_800_000)] {
            assert_eq!(text.parse::<Span>().unwrap(), Span(ms));
            assert_eq!(Span(ms).to_string(), text);
        }
        for text in ["", "5", "m", "-5m", "0s", "1.5h", "5 m", "5M", "99999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!("2023-11-01".parse::<Instant>().unwrap().0, Time(1_698_796_800_000));
        assert_eq!("2023-11-01T00:00:01Z".parse::<Instant>().unwrap().0, Time(1_698_796_801_000));
        assert_eq!("2023-11-01T01:00:00+01:00".parse::<Instant>().unwrap().0, Time(1_698_796_800_000));
        for text in ["", "2023-13-01", "yesterday", "2023-11-01T00:00:00", "20231101"] {
            assert!(text.parse::<Instant>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_read_and_what_the_schema_allows_agree() {
        let mut generator = SchemaGenerator::default();
        fn agree(schema: Schema, reads: impl Fn(&str) -> bool, texts: &[&str]) {
            for text in texts {
                assert_eq!(jsonschema::is_valid(schema.as_value(), &(*text).into()), reads(text), "{schema:?} {text}");
            }
        }
        let names = ["control", "a-b_1", "9", "", "-a", "a b", "ä", "a/b"];
        agree(Name::json_schema(&mut generator), |text| text.parse::<Name>().is_ok(), &names);
        let symbols = ["BTCUSDT", "1000SHIBUSDT", "A_B", "币安USDT", "btcusdt", "B", "A/B", "A B", "A.B", ""];
        agree(Symbol::json_schema(&mut generator), |text| text.parse::<Symbol>().is_ok(), &symbols);
        let spans = ["5m", "05m", "0m", "5", "5ms", "5w", "1234567s"];
        agree(Span::json_schema(&mut generator), |text| text.parse::<Span>().is_ok(), &spans);
    }
}
