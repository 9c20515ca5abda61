//! Exact numbers: price, quantity, money and rate, all as an `i64` mantissa with eight decimals.
//!
//! One scale for all of them means that no product needs the instrument beside it and no two scales
//! can be mixed up; it holds ±92 billion units, and a product of a venue's tick and step is exact.
//! Products go through `i128`, rounding always names its direction, and `f64` crosses over only in
//! [`Price::from_f64`] and its siblings. This file knows nothing of instruments or filters.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Number of decimals of every mantissa.
pub const DECIMALS: u32 = 8;
/// One whole unit as a mantissa.
pub const ONE: i64 = 100_000_000;

/// The direction a product or quotient is rounded in, always named by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// To the nearest mantissa, halves away from zero.
    Nearest,
}

/// A decimal text that is not a number of at most eight decimals within range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a decimal number with at most 8 decimals")]
pub struct DecimalError(pub String);

#[inline]
fn div_round(n: i128, d: i128, round: Round) -> i128 {
    debug_assert!(d > 0);
    let q = n / d;
    // Not `n % d`: at this width that would be a second division, by far the dearest thing here.
    let r = n - q * d;
    match round {
        _ if r == 0 => q,
        Round::Down => q - i128::from(r < 0),
        Round::Up => q + i128::from(r > 0),
        Round::Nearest if r.abs() * 2 >= d => q + r.signum(),
        Round::Nearest => q,
    }
}

/// As [`div_round`], where everything fits.
#[inline]
fn div_round_64(n: i64, d: i64, round: Round) -> i64 {
    debug_assert!(d > 0);
    let (q, r) = (n / d, n % d);
    match round {
        _ if r == 0 => q,
        Round::Down => q - i64::from(r < 0),
        Round::Up => q + i64::from(r > 0),
        // Doubled it might not fit.
        Round::Nearest if r.unsigned_abs() >= d.unsigned_abs().div_ceil(2) => q + r.signum(),
        Round::Nearest => q,
    }
}

#[inline]
fn narrow(n: i128) -> i64 {
    i64::try_from(n).expect("invariant: amounts stay within ±92 billion units")
}

/// `a * b` of two mantissas, as a mantissa. Panics outside of ±92 billion units: a wrong amount is
/// worse than none.
#[inline]
pub fn mul(a: i64, b: i64, round: Round) -> i64 {
    // Dividing 64 bits by a constant costs no division; dividing 128 bits does, several times over.
    let (q, r) = match a.checked_mul(b) {
        Some(n) => (n / ONE, n % ONE),
        None => match split_product(a, b) {
            Some(parts) => parts,
            None => return narrow(div_round(i128::from(a) * i128::from(b), i128::from(ONE), round)),
        },
    };
    match round {
        _ if r == 0 => q,
        Round::Down => q - i64::from(r < 0),
        Round::Up => q + i64::from(r > 0),
        Round::Nearest if r.abs() * 2 >= ONE => q + r.signum(),
        Round::Nearest => q,
    }
}

/// Quotient and remainder of `a * b / ONE`, both towards zero, without a number of 128 bits: wholes and
/// fractions are multiplied by themselves. `None` when the quotient leaves the range or comes near it.
#[inline]
fn split_product(a: i64, b: i64) -> Option<(i64, i64)> {
    let (whole_a, part_a) = (a / ONE, a % ONE);
    let (whole_b, part_b) = (b / ONE, b % ONE);
    // Neither overflows: parts are below ONE, and so is `i64::MAX / ONE / ONE`.
    let (parts, mixed) = (part_a * part_b, part_a * whole_b);
    // All terms have the sign of the product, so the remainder has it as well.
    let q = whole_a.checked_mul(b)?.checked_add(mixed)?.checked_add(parts / ONE)?;
    (q.unsigned_abs() < i64::MAX as u64).then_some((q, parts % ONE))
}

/// `a * b / c` of three mantissas with one rounding at the end. `c` must not be 0.
#[inline]
pub fn mul_div(a: i64, b: i64, c: i64, round: Round) -> i64 {
    if let Some(n) = a.checked_mul(b)
        && c > 0
    {
        return div_round_64(n, c, round);
    }
    let (n, d) = (i128::from(a) * i128::from(b), i128::from(c));
    let (n, d) = if d < 0 { (-n, -d) } else { (n, d) };
    narrow(div_round(n, d, round))
}

/// `a / b` of two mantissas, as a mantissa. `b` must not be 0.
#[inline]
pub fn div(a: i64, b: i64, round: Round) -> i64 {
    mul_div(a, ONE, b, round)
}

/// Parses `-12.345` exactly; no exponent, no more than eight significant decimals.
pub fn parse_decimal(text: &str) -> Result<i64, DecimalError> {
    let bad = || DecimalError(text.to_owned());
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mut mantissa, mut decimals, mut seen_point, mut seen_digit) = (0i64, 0u32, false, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                if decimals == DECIMALS {
                    if byte != b'0' {
                        return Err(bad());
                    }
                    continue;
                }
                mantissa =
                    mantissa.checked_mul(10).and_then(|m| m.checked_add(i64::from(byte - b'0'))).ok_or_else(bad)?;
                decimals += u32::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            _ => return Err(bad()),
        }
    }
    if !seen_digit {
        return Err(bad());
    }
    let mantissa = mantissa.checked_mul(10i64.pow(DECIMALS - decimals)).ok_or_else(bad)?;
    Ok(if negative { -mantissa } else { mantissa })
}

/// The longest text of an amount: a sign, eleven digits, the point and eight decimals.
const LONGEST: usize = 21;

/// An amount in as few digits as it has, written into `room` from its end.
fn decimal_text(mantissa: i64, room: &mut [u8; LONGEST]) -> &str {
    let mut start = LONGEST;
    let mut put = |byte: u8| {
        start -= 1;
        room[start] = byte;
    };
    let mut whole = mantissa.unsigned_abs() / ONE as u64;
    let mut fraction = mantissa.unsigned_abs() % ONE as u64;
    if fraction != 0 {
        let mut decimals = 8;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            decimals -= 1;
        }
        for _ in 0..decimals {
            put(b'0' + (fraction % 10) as u8);
            fraction /= 10;
        }
        put(b'.');
    }
    loop {
        put(b'0' + (whole % 10) as u8);
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    if mantissa < 0 {
        put(b'-');
    }
    std::str::from_utf8(&room[start..]).expect("invariant: digits are text")
}

fn write_decimal(mantissa: i64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.pad(decimal_text(mantissa, &mut [0; LONGEST]))
}

macro_rules! decimal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(
            /// The mantissa: the amount times 100,000,000.
            pub i64,
        );

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// One whole unit.
            pub const ONE: Self = Self(ONE);

            /// A whole number of units.
            pub const fn whole(units: i64) -> Self {
                Self(units * ONE)
            }
            /// The nearest mantissa; `None` if not finite or out of range. The one way in from `f64`.
            pub fn from_f64(value: f64) -> Option<Self> {
                let scaled = (value * ONE as f64).round();
                (scaled.is_finite() && scaled.abs() < 9.2e18).then_some(Self(scaled as i64))
            }
            /// For indicators, statistics and display only.
            #[inline]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / ONE as f64
            }
            /// Appends what `Display` shows, without the detour over a formatter: for files of many rows.
            pub fn append_to(self, text: &mut String) {
                text.push_str(decimal_text(self.0, &mut [0; LONGEST]));
            }
            /// Magnitude.
            #[inline]
            pub const fn abs(self) -> Self {
                Self(self.0.abs())
            }
            /// Neither positive nor negative.
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
            /// This amount times a rate, rounded as named.
            #[inline]
            pub fn times(self, rate: Rate, round: Round) -> Self {
                Self(mul(self.0, rate.0, round))
            }
            /// This amount divided by a rate, which must not be 0.
            #[inline]
            pub fn over(self, rate: Rate, round: Round) -> Self {
                Self(div(self.0, rate.0, round))
            }
            /// This amount as a share of another of its kind; `None` when that is 0.
            #[inline]
            pub fn ratio_to(self, whole: Self, round: Round) -> Option<Rate> {
                (whole.0 != 0).then(|| Rate(div(self.0, whole.0, round)))
            }
            /// The nearest multiple of `step` in the named direction; `step` 0 changes nothing.
            pub fn snap(self, step: Self, round: Round) -> Self {
                if step.0 <= 0 {
                    return self;
                }
                Self(div_round_64(self.0, step.0, round) * step.0)
            }
        }
        impl std::ops::Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0.checked_add(other.0).expect("invariant: sums stay in range"))
            }
        }
        impl std::ops::Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0.checked_sub(other.0).expect("invariant: differences stay in range"))
            }
        }
        impl std::ops::AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl std::ops::SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
        impl std::ops::Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, |sum, amount| sum + amount)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(self.0, out)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(self.0, out)
            }
        }
        impl FromStr for $name {
            type Err = DecimalError;
            fn from_str(text: &str) -> Result<Self, DecimalError> {
                parse_decimal(text).map(Self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    from.deserialize_any(DecimalVisitor).map(Self)
                } else {
                    i64::deserialize(from).map(Self)
                }
            }
        }
    };
}

macro_rules! money_text {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            /// A decimal string for people, the mantissa for machines.
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
            }
        }
    )+};
}

money_text!(Price Qty Usd);

impl Serialize for Rate {
    /// A number for people, since ratios are not money; the mantissa for machines.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { self.to_f64().serialize(to) } else { self.0.serialize(to) }
    }
}

struct DecimalVisitor;

impl serde::de::Visitor<'_> for DecimalVisitor {
    type Value = i64;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a decimal number with at most 8 decimals")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
        parse_decimal(text).map_err(E::custom)
    }
    fn visit_i64<E: serde::de::Error>(self, units: i64) -> Result<i64, E> {
        units.checked_mul(ONE).ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_u64<E: serde::de::Error>(self, units: u64) -> Result<i64, E> {
        i64::try_from(units).map_err(E::custom).and_then(|units| self.visit_i64(units))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<i64, E> {
        Usd::from_f64(value).map(|usd| usd.0).ok_or_else(|| E::custom("number out of range"))
    }
}

decimal!(
    /// A price: USDT for one unit of the base asset.
    Price
);
decimal!(
    /// A quantity of the base asset. Orders carry it positive; positions are signed, long positive.
    Qty
);
decimal!(
    /// An amount of money in USDT.
    Usd
);
decimal!(
    /// A ratio without unit: a fee of 4 bp is 0.0004, a leverage of five is 5, a drawdown of 15 % is 0.15.
    Rate
);

impl Usd {
    /// `price * qty`, signed like `qty`.
    #[inline]
    pub fn notional(price: Price, qty: Qty, round: Round) -> Self {
        Self(mul(price.0, qty.0, round))
    }
}

impl Qty {
    /// The quantity that `notional` buys at `price`, which must be positive.
    #[inline]
    pub fn worth(notional: Usd, price: Price, round: Round) -> Self {
        Self(div(notional.0, price.0, round))
    }
}

impl Rate {
    /// From basis points.
    pub const fn bps(bps: i64) -> Self {
        Self(bps * ONE / 10_000)
    }
    /// From percent.
    pub const fn percent(percent: i64) -> Self {
        Self(percent * ONE / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_read_and_written_exactly() {
        for (text, mantissa) in [
            ("0", 0),
            ("1", ONE),
            ("-0.5", -ONE / 2),
            ("16537.5", 1_653_750_000_000),
            ("0.00000001", 1),
            ("38.37300000000", 3_837_300_000),
        ] {
            assert_eq!(parse_decimal(text), Ok(mantissa), "{text}");
        }
        for text in ["", "-", ".", "1e5", "1.2.3", "0.000000001", "99999999999999", "NaN", " 1"] {
            assert!(parse_decimal(text).is_err(), "{text}");
        }
        assert_eq!(Usd(-123_450_000).to_string(), "-1.2345");
        assert_eq!(Price::whole(7).to_string(), "7");
    }

    #[test]
    fn rounding_goes_where_its_name_says() {
        for (n, down, up, nearest) in [(7, 3, 4, 4), (-7, -4, -3, -4), (6, 3, 3, 3), (5, 2, 3, 3)] {
            assert_eq!(div_round(n, 2, Round::Down), down);
            assert_eq!(div_round(n, 2, Round::Up), up);
            assert_eq!(div_round(n, 2, Round::Nearest), nearest);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_the_shortest_and_reads_back(mantissa in proptest::num::i64::ANY, shift in 0u32..63) {
            for mantissa in [mantissa >> shift, i64::MAX, i64::MIN, 0] {
                let amount = Usd(mantissa);
                let sign = if mantissa < 0 { "-" } else { "" };
                let (whole, fraction) = (mantissa.unsigned_abs() / ONE as u64, mantissa.unsigned_abs() % ONE as u64);
                let long = format!("{sign}{whole}.{fraction:08}");
                let text = amount.to_string();
                proptest::prop_assert_eq!(&text, long.trim_end_matches('0').trim_end_matches('.'));
                proptest::prop_assert_eq!(format!("{amount:>24}"), format!("{text:>24}"));
                let mut appended = String::from("usdt ");
                amount.append_to(&mut appended);
                proptest::prop_assert_eq!(appended, format!("usdt {text}"));
                if whole < 92_233_720_368 {
                    proptest::prop_assert_eq!(parse_decimal(&text), Ok(mantissa));
                }
            }
        }

        #[test]
        fn both_widths_of_a_product_agree(a in -3_000_000_000i64..3_000_000_000, b in -3_000_000_000i64..3_000_000_000) {
            for round in [Round::Down, Round::Up, Round::Nearest] {
                let wide = narrow(div_round(i128::from(a) * i128::from(b), i128::from(ONE), round));
                proptest::prop_assert_eq!(mul(a, b, round), wide);
            }
        }

        #[test]
        fn a_product_of_any_size_is_that_of_128_bits(a in proptest::num::i64::ANY, shift in 0u32..63, b in proptest::num::i64::ANY, other in 0u32..63) {
            let (a, b) = (a >> shift, b >> other);
            for round in [Round::Down, Round::Up, Round::Nearest] {
                let wide = div_round(i128::from(a) * i128::from(b), i128::from(ONE), round);
                proptest::prop_assume!(i64::try_from(wide).is_ok());
                proptest::prop_assert_eq!(mul(a, b, round), narrow(wide));
            }
        }

        #[test]
        fn quotients_of_either_width_agree(a in proptest::num::i64::ANY, shift in 0u32..63, b in proptest::num::i64::ANY, other in 0u32..63, c in 1..i64::MAX, third in 0u32..62) {
            let (a, b, c) = (a >> shift, b >> other, (c >> third).max(1));
            for round in [Round::Down, Round::Up, Round::Nearest] {
                let wide = div_round(i128::from(a) * i128::from(b), i128::from(c), round);
                proptest::prop_assume!(i64::try_from(wide).is_ok());
                proptest::prop_assert_eq!(mul_div(a, b, c, round), narrow(wide));
                proptest::prop_assert_eq!(div_round_64(a, c, round), narrow(div_round(i128::from(a), i128::from(c), round)));
            }
        }

        #[test]
        fn text_round_trips(mantissa in proptest::num::i64::ANY) {
            proptest::prop_assume!(mantissa != i64::MIN);
            proptest::prop_assert_eq!(parse_decimal(&Usd(mantissa).to_string()), Ok(mantissa));
        }
    }
}
