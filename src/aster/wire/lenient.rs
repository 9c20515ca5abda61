//! Scalars that the venue writes now so, now so: integers as text, flags as text, texts as numbers.
//!
//! Decimal numbers are in [`decimal`](super::decimal). Nothing here guesses: what fits no form is an error.

use serde::de::{self, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use swarm_core::model::Time;

/// An integer of the wire.
pub trait Integer: Copy {
    /// From the widest integer; `None` when out of range.
    fn of(value: i128) -> Option<Self>;
    /// For writing.
    fn wide(self) -> i64;
}

macro_rules! integers {
    ($($name:ty)+) => {$(
        impl Integer for $name {
            fn of(value: i128) -> Option<Self> {
                // Numbers beyond 63 bits are written by nobody and could not be written back.
                i64::try_from(value).ok().and_then(|value| Self::try_from(value).ok())
            }
            fn wide(self) -> i64 {
                i64::try_from(self).expect("invariant: integers of the wire have at most 63 bits")
            }
        }
    )+};
}

integers!(i64 u64 u32 i32);

impl Integer for Time {
    /// Milliseconds since the epoch.
    fn of(value: i128) -> Option<Self> {
        // Arithmetic on times is not checked: what is not within some thousand years is not a time.
        i64::try_from(value).ok().filter(|ms| ms.unsigned_abs() < 1 << 52).map(Self)
    }
    fn wide(self) -> i64 {
        self.0
    }
}

struct Int<T>(PhantomData<T>);

impl<T: Integer> Int<T> {
    fn of<E: de::Error>(value: i128) -> Result<T, E> {
        T::of(value).ok_or_else(|| E::custom(format_args!("integer {value} is out of range")))
    }
}

impl<T: Integer> Visitor<'_> for Int<T> {
    type Value = T;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an integer, as number or as text")
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        Self::of(i128::from(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        Self::of(i128::from(value))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        if value.fract() == 0.0 && value.abs() < 9e15 {
            Self::of(value as i128)
        } else {
            Err(E::custom(format_args!("{value} is not an integer")))
        }
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        let value = text.parse::<i128>();
        Self::of(value.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?)
    }
}

struct MaybeInt<T>(PhantomData<T>);

impl<'de, T: Integer> Visitor<'de> for MaybeInt<T> {
    type Value = Option<T>;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an integer, as number or as text, or nothing")
    }
    fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_any(self)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        Int(PhantomData).visit_i64(value).map(Some)
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        Int(PhantomData).visit_u64(value).map(Some)
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<T>, E> {
        Int(PhantomData).visit_f64(value).map(Some)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        if text.is_empty() { Ok(None) } else { Int(PhantomData).visit_str(text).map(Some) }
    }
}

/// An integer, as number or as text; written as a number.
pub mod int {
    use super::{Deserializer, Int, Integer, PhantomData, Serializer};

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is not an integer in range.
    pub fn deserialize<'de, T: Integer, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Int(PhantomData))
    }
    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<T: Integer, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.wide())
    }
}

/// An integer that the venue writes as text.
pub mod int_text {
    pub use super::int::deserialize;
    use super::*;

    /// Writes a text.
    ///
    /// # Errors
    /// Fails where the format does.
    pub fn serialize<T: Integer, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&value.wide())
    }
}

/// The same where it may be absent, null or empty text.
pub mod int_or_none {
    use super::{Deserializer, Integer, MaybeInt, PhantomData, Serializer};

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is neither an integer in range nor nothing.
    pub fn deserialize<'de, T: Integer, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_any(MaybeInt(PhantomData))
    }
    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<T: Integer, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_i64(value.wide()),
            None => to.serialize_none(),
        }
    }
}

struct Flag;

impl Visitor<'_> for Flag {
    type Value = bool;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("true or false, as such or as text")
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
        if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
}

/// A flag, as such or as text of any case; written as such.
pub mod flag {
    use super::{Deserializer, Flag, Serializer};

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is not a flag.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
        from.deserialize_any(Flag)
    }
    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<S: Serializer>(value: &bool, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bool(*value)
    }
}

/// A flag that is written as text, as requests and some answers have it.
pub mod flag_text {
    use super::Serializer;
    pub use super::flag::deserialize;

    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<S: Serializer>(value: &bool, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if *value { "true" } else { "false" })
    }
}

/// The same where it may be absent.
pub mod flag_text_or_none {
    use super::{Deserializer, Serializer};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Inner(#[serde(with = "super::flag")] bool);

    /// Reads it.
    ///
    /// # Errors
    /// Fails on what is neither a flag nor nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
        Option::<Inner>::deserialize(from).map(|flag| flag.map(|Inner(flag)| flag))
    }
    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<S: Serializer>(value: &Option<bool>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::flag_text::serialize(value, to),
            None => to.serialize_none(),
        }
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = String;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("text, or a number that stands for it")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_unit<E: de::Error>(self) -> Result<String, E> {
        Ok(String::new())
    }
}

/// A text that comes as a number or as null at times; absent is empty. Written as text.
pub mod text {
    use super::{Deserializer, Serializer, Text};

    /// Reads it.
    ///
    /// # Errors
    /// Fails on lists and objects.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        from.deserialize_any(Text)
    }
    /// Writes it.
    ///
    /// # Errors
    /// Fails when the writer does.
    pub fn serialize<S: Serializer>(value: &str, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value)
    }
}

/// A value inside a parameter, as JSON text: lists of orders and of ids.
pub mod json {
    use super::{Serialize, Serializer, de};
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use std::borrow::Cow;

    /// Reads the value from the text.
    ///
    /// # Errors
    /// Fails on text that is not such a value in JSON.
    pub fn deserialize<'de, T: DeserializeOwned, D: de::Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        serde_json::from_str(&text).map_err(de::Error::custom)
    }
    /// Writes the value compactly.
    ///
    /// # Errors
    /// Fails on values that JSON does not have.
    pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(value).map_err(serde::ser::Error::custom)?)
    }
}

/// The same where it may be absent.
pub mod json_or_none {
    use super::{Serialize, Serializer, de};
    use serde::de::DeserializeOwned;

    /// Reads the value from the text.
    ///
    /// # Errors
    /// Fails on text that is not such a value in JSON.
    pub fn deserialize<'de, T: DeserializeOwned, D: de::Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        super::json::deserialize(from).map(Some)
    }
    /// Writes the value compactly.
    ///
    /// # Errors
    /// Fails on values that JSON does not have.
    pub fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::json::serialize(value, to),
            None => to.serialize_none(),
        }
    }
}

/// A list of integers inside a parameter, as JSON text, each a number or a text; written as numbers. It may be absent.
pub mod ints_json_or_none {
    pub use super::json_or_none::serialize;
    use super::{Integer, de};
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(bound = "T: Integer")]
    struct Item<T>(#[serde(with = "super::int")] T);

    /// Reads the list from the text.
    ///
    /// # Errors
    /// Fails on text that is not a list in JSON, and on what is not an integer in range.
    pub fn deserialize<'de, T: Integer, D: de::Deserializer<'de>>(from: D) -> Result<Option<Vec<T>>, D::Error> {
        let items: Vec<Item<T>> = super::json::deserialize(from)?;
        Ok(Some(items.into_iter().map(|item| item.0).collect()))
    }
}
