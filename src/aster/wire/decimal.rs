//! Decimal numbers as the venue writes them, read exactly into the core's amounts.
//!
//! A number comes as text or as a JSON number, at times with an exponent (`0E-8`). More than eight decimals are an
//! error where the venue takes a number from us and hands it back, and are rounded where it has divided.

use serde::de::{self, Deserializer, Visitor};
use std::fmt;
use std::marker::PhantomData;
use swarm_core::model::{Price, Qty, Rate, Usd};

/// What to do with decimals beyond the eighth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// They are an error, unless they are 0.
    Refuse,
    /// Rounded to the nearest, halves away from zero: for averages and other quotients.
    Round,
}

/// A text that is not a number this program can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// No number at all.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// More than eight decimals where none may be lost.
    #[error("`{0}` has more than 8 decimals")]
    TooPrecise(String),
    /// Beyond what an amount holds.
    #[error("`{0}` is out of range: amounts hold up to 92 billion units")]
    OutOfRange(String),
}

const DECIMALS: i32 = 8;
const ONE: i64 = 100_000_000;

/// The mantissa, with eight decimals, of a decimal text.
///
/// # Errors
/// Fails on texts that are not numbers, on numbers out of range, and on excess decimals where refused.
pub fn parse(text: &str, excess: Excess) -> Result<i64, DecimalError> {
    quick(text.as_bytes()).map_or_else(|| thorough(text, excess), Ok)
}

/// The plain case: at most 17 digits, at most eight decimals, no exponent.
#[inline]
fn quick(text: &[u8]) -> Option<i64> {
    const POWERS: [i64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, ONE];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let (mut mantissa, mut decimals, mut point) = (0i64, 0usize, false);
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + i64::from(digit);
            decimals += usize::from(point);
        } else if byte == b'.' && !point {
            point = true;
        } else {
            return None;
        }
    }
    if digits.len() == usize::from(point) {
        return None;
    }
    let mantissa = mantissa.checked_mul(*POWERS.get(8usize.checked_sub(decimals)?)?)?;
    Some(if negative { -mantissa } else { mantissa })
}

fn thorough(text: &str, excess: Excess) -> Result<i64, DecimalError> {
    let quoted = || text.chars().take(40).collect::<String>();
    let bad = || DecimalError::NotANumber(quoted());
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| bad())?),
        None => (text, 0),
    };
    let (negative, digits) = match number.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mut value, mut scale, mut point, mut any) = (0i128, 0i32, false, false);
    let mut lost = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                any = true;
                match value.checked_mul(10).and_then(|value| value.checked_add(i128::from(byte - b'0'))) {
                    Some(more) if scale <= 30 => {
                        value = more;
                        scale += i32::from(point);
                    }
                    // Digits beyond the 30th decimal cannot change the eighth, only whether anything is lost.
                    _ if point => lost |= byte != b'0',
                    _ => return Err(DecimalError::OutOfRange(quoted())),
                }
            }
            b'.' if !point => point = true,
            _ => return Err(bad()),
        }
    }
    if !any {
        return Err(bad());
    }
    let shift = DECIMALS.saturating_add(exponent).saturating_sub(scale);
    let (mut mantissa, rest_lost) = shifted(value, shift).ok_or_else(|| DecimalError::OutOfRange(quoted()))?;
    if (lost || rest_lost) && excess == Excess::Refuse {
        return Err(DecimalError::TooPrecise(quoted()));
    }
    if negative {
        mantissa = -mantissa;
    }
    i64::try_from(mantissa).map_err(|_| DecimalError::OutOfRange(quoted()))
}

/// `value * 10^shift`, rounded to the nearest, and whether anything was lost by it; `None` when too large.
fn shifted(value: i128, shift: i32) -> Option<(i128, bool)> {
    if value == 0 {
        return Some((0, false));
    }
    if shift >= 0 {
        return 10i128
            .checked_pow(shift.unsigned_abs())
            .and_then(|by| value.checked_mul(by))
            .map(|value| (value, false));
    }
    let Some(by) = 10i128.checked_pow(shift.unsigned_abs()) else { return Some((0, true)) };
    let (whole, rest) = (value / by, value % by);
    Some((whole + i128::from(rest >= by - rest), rest != 0))
}

/// An amount of the core, by its mantissa.
pub trait Amount: Copy + fmt::Display {
    /// From a mantissa with eight decimals.
    fn of(mantissa: i64) -> Self;
    /// For JSON numbers.
    fn float(self) -> f64;
}

macro_rules! amounts {
    ($($name:ident)+) => {$(
        impl Amount for $name {
            #[inline]
            fn of(mantissa: i64) -> Self {
                Self(mantissa)
            }
            fn float(self) -> f64 {
                self.to_f64()
            }
        }
    )+};
}

amounts!(Price Qty Usd Rate);

struct Number(Excess);

impl Visitor<'_> for Number {
    type Value = i64;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a decimal number, as text or as number")
    }
    #[inline]
    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        parse(text, self.0).map_err(E::custom)
    }
    fn visit_i64<E: de::Error>(self, units: i64) -> Result<i64, E> {
        units.checked_mul(ONE).ok_or_else(|| E::custom(DecimalError::OutOfRange(units.to_string())))
    }
    fn visit_u64<E: de::Error>(self, units: u64) -> Result<i64, E> {
        let units = i64::try_from(units).map_err(|_| E::custom(DecimalError::OutOfRange(units.to_string())))?;
        self.visit_i64(units)
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
        // A JSON number of this size has gone through binary already: its nearest decimal is what was meant.
        Usd::from_f64(value).map(|usd| usd.0).ok_or_else(|| E::custom(DecimalError::OutOfRange(value.to_string())))
    }
}

struct Maybe(Excess);

impl<'de> Visitor<'de> for Maybe {
    type Value = Option<i64>;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a decimal number, as text or as number, or nothing")
    }
    fn visit_none<E: de::Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<i64>, D::Error> {
        from.deserialize_any(self)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<i64>, E> {
        if text.is_empty() { Ok(None) } else { Number(self.0).visit_str(text).map(Some) }
    }
    fn visit_i64<E: de::Error>(self, units: i64) -> Result<Option<i64>, E> {
        Number(self.0).visit_i64(units).map(Some)
    }
    fn visit_u64<E: de::Error>(self, units: u64) -> Result<Option<i64>, E> {
        Number(self.0).visit_u64(units).map(Some)
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<i64>, E> {
        Number(self.0).visit_f64(value).map(Some)
    }
}

macro_rules! with {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $excess:expr) => {
        $(#[$doc])*
        pub mod $name {
            use super::{Amount, Deserializer, Number, Excess};
            use serde::Serializer;

            /// Reads it.
            ///
            /// # Errors
            /// Fails on what is not such a number.
            #[inline]
            pub fn deserialize<'de, T: Amount, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
                from.deserialize_any(Number($excess)).map(T::of)
            }
            /// Writes it as text, without an exponent.
            ///
            /// # Errors
            /// Fails when the writer does.
            pub fn serialize<T: Amount, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(value)
            }
        }

        /// The same where it may be absent, null or empty text.
        pub mod $optional {
            use super::{Amount, Deserializer, Maybe, Excess};
            use serde::Serializer;

            /// Reads it.
            ///
            /// # Errors
            /// Fails on what is neither such a number nor nothing.
            pub fn deserialize<'de, T: Amount, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
                from.deserialize_any(Maybe($excess)).map(|value| value.map(T::of))
            }
            /// Writes it as text, without an exponent.
            ///
            /// # Errors
            /// Fails when the writer does.
            pub fn serialize<T: Amount, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => to.collect_str(value),
                    None => to.serialize_none(),
                }
            }
        }
    };
}

with!(
    /// An amount that is what it is: more than eight decimals are an error.
    exact, exact_or_none, Excess::Refuse
);
with!(
    /// An amount that the venue has computed: rounded to eight decimals.
    rounded, rounded_or_none, Excess::Round
);

/// An amount that the venue writes as a JSON number, and that is read either way.
pub mod number {
    use super::{Amount, Deserializer, Excess, Number};
    use serde::Serializer;

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is not a number.
    pub fn deserialize<'de, T: Amount, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Number(Excess::Round)).map(T::of)
    }
    /// Writes it as a JSON number.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<T: Amount, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        let float = value.float();
        if float.fract() == 0.0 && float.abs() < 1e15 {
            to.serialize_i64(float as i64)
        } else {
            to.serialize_f64(float)
        }
    }
}

struct Statistic(PhantomData<()>);

impl Visitor<'_> for Statistic {
    type Value = f64;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number, as text or as number")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        let value: f64 =
            text.parse().map_err(|_| E::custom(DecimalError::NotANumber(text.chars().take(40).collect())))?;
        self.visit_f64(value)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        if value.is_finite() { Ok(value) } else { Err(E::custom("a statistic is a finite number")) }
    }
}

/// Volumes and the like: too large for an exact amount at times, and never money. Read as `f64`, written as text.
pub mod statistic {
    use super::{Deserializer, PhantomData, Statistic};
    use serde::Serializer;

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is not a finite number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        from.deserialize_any(Statistic(PhantomData))
    }
    /// Writes it as text.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for (text, mantissa) in [
            ("0", 0),
            ("-0", 0),
            ("64250.1", 6_425_010_000_000),
            ("0E-8", 0),
            ("1E-7", 10),
            ("1.5e3", 150_000_000_000),
            ("+2", 200_000_000),
            ("-0.00004210", -4_210),
            ("38.370000000000000000000000000000000000000000", 3_837_000_000),
            ("92000000000", 9_200_000_000_000_000_000),
            ("0.000000000e-99", 0),
        ] {
            assert_eq!(parse(text, Excess::Refuse), Ok(mantissa), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_or_does_not_fit_is_told_apart() {
        for text in ["", "-", ".", "1.2.3", "NaN", "inf", "0x10", " 1", "1 ", "1,5", "e5", "1e", "１"] {
            assert!(matches!(parse(text, Excess::Round), Err(DecimalError::NotANumber(_))), "{text}");
        }
        for text in ["93000000000", "1e30", "-99999999999999999999", "1e2147483647"] {
            assert!(matches!(parse(text, Excess::Round), Err(DecimalError::OutOfRange(_))), "{text}");
        }
        for text in ["0.000000001", "1e-9", "1.000000000000000000000000000000000000000000001"] {
            assert!(matches!(parse(text, Excess::Refuse), Err(DecimalError::TooPrecise(_))), "{text}");
        }
        for (text, mantissa) in [("0.000000005", 1), ("0.0000000049", 0), ("-0.000000015", -2), ("1e-999999999", 0)] {
            assert_eq!(parse(text, Excess::Round), Ok(mantissa), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(mantissa in proptest::num::i64::ANY.prop_filter("has a magnitude", |m| *m != i64::MIN)) {
            let text = Usd(mantissa).to_string();
            proptest::prop_assert_eq!(parse(&text, Excess::Refuse), Ok(mantissa));
            proptest::prop_assert_eq!(thorough(&text, Excess::Refuse), Ok(mantissa));
        }

        #[test]
        fn both_ways_of_reading_agree(text in "-?[0-9]{0,12}\\.?[0-9]{0,9}") {
            if let Some(mantissa) = quick(text.as_bytes()) {
                proptest::prop_assert_eq!(thorough(&text, Excess::Refuse), Ok(mantissa));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,50}") {
            let _ = parse(&text, Excess::Round);
        }
    }

    use proptest::strategy::Strategy as _;
}
