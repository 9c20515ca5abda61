//! Numbers as recorded files write them: exact prices, with or without an exponent, and times in milliseconds or
//! microseconds. Knows no file and no column.

use swarm_core::model::{Price, Rate, Time, parse_decimal};

/// Times below this (the year 5138) are milliseconds.
const MILLIS_LIMIT: i64 = 100_000_000_000_000;
/// Times from there up to this are microseconds, from 1973 to 5138.
const MICROS_LIMIT: i64 = 1_000 * MILLIS_LIMIT;
/// Exponents beyond this, either way, are of no price.
const EXPONENT_MAX: i32 = 30;

/// A price, exactly: `0.00000012` and `1.2e-7` are the same. None with more than eight decimals or beyond the range.
pub(super) fn price(text: &str) -> Option<Price> {
    decimal(text).map(Price)
}

/// A rate; one with more than eight decimals is rounded to the nearest.
pub(super) fn rate(text: &str) -> Option<Rate> {
    decimal(text).map(Rate).or_else(|| text.parse::<f64>().ok().and_then(Rate::from_f64))
}

fn decimal(text: &str) -> Option<i64> {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else { return parse_decimal(text).ok() };
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() <= EXPONENT_MAX)?;
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // The point moves by the exponent; nothing is computed, so nothing is rounded.
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let shifted = match usize::try_from(point) {
        Ok(point) if point >= all.len() => format!("{all:0<point$}"),
        Ok(point) => format!("{}.{}", &all[..point], &all[point..]),
        Err(_) => format!("0.{}{all}", "0".repeat(point.unsigned_abs() as usize)),
    };
    // Zeros in front say nothing, and zeros behind are no decimals.
    let shifted = shifted.trim_start_matches('0');
    parse_decimal(&format!("{sign}0{shifted}")).ok()
}

/// Milliseconds since the epoch, and the microseconds beyond them; none for what is neither.
pub(super) fn time(written: i64) -> Option<(Time, i64)> {
    match written {
        0..MILLIS_LIMIT => Some((Time(written), 0)),
        MILLIS_LIMIT..MICROS_LIMIT => Some((Time(written / 1_000), written % 1_000)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponents_move_the_point_and_round_nothing() {
        for (text, plain) in [
            ("1.2e-7", Some("0.00000012")),
            ("1.2E-7", Some("0.00000012")),
            ("12e0", Some("12")),
            ("1.1e1", Some("11")),
            ("1.1e+1", Some("11")),
            (".5e1", Some("5")),
            ("5.e-1", Some("0.5")),
            ("-1e-8", Some("-0.00000001")),
            ("0e5", Some("0")),
            ("100e-10", Some("0.00000001")),
            ("9e9", Some("9000000000")),
            ("1e-9", None),
            ("1.23456789e-1", None),
            ("1e12", None),
            ("1e31", None),
            ("1e", None),
            ("e1", None),
            (".e1", None),
            ("1e1.5", None),
            ("1e1e1", None),
            ("--1e1", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(decimal(text), plain.map(|plain| parse_decimal(plain).unwrap()), "{text}");
        }
    }

    #[test]
    fn times_are_milliseconds_or_microseconds() {
        let at = Time(1_735_689_600_000);
        assert_eq!(time(1_735_689_600_000), Some((at, 0)));
        assert_eq!(time(1_735_689_600_000_000), Some((at, 0)));
        assert_eq!(time(1_735_689_600_000_999), Some((at, 999)));
        assert_eq!(time(1_735_689_600_000_000_000), None, "nanoseconds");
        assert_eq!(time(-1), None);
    }

    proptest! {
        #[test]
        fn any_mantissa_and_exponent_is_the_number_that_it_is(mantissa in -999_999_999i64..=999_999_999, exponent in -8i32..=0) {
            let expected = mantissa * 10i64.pow(8u32 - exponent.unsigned_abs());
            prop_assert_eq!(decimal(&format!("{mantissa}e{exponent}")), Some(expected));
        }
    }
}
