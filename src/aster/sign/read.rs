//! The way back from received text to parameters and requests, for a venue that serves this API.
//!
//! A signature is checked over the raw text, never over parameters written again, so the raw text is kept beside
//! what was read from it. Knows no endpoint.

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Text that cannot be read as parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A `%` without two hex digits, or bytes that are not UTF-8.
    #[error("parameter `{0}` is not percent-encoded UTF-8")]
    Encoding(String),
    /// Twice the same name.
    #[error("parameter `{0}` was sent twice")]
    Duplicate(String),
    /// Missing, or with a value that is refused.
    #[error("{0}")]
    Value(String),
}

/// A request as received, taken apart for verifying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// All text before the signature: what was signed.
    pub text: &'a str,
    /// The signature, if there is one.
    pub signature: Option<&'a str>,
}

impl<'a> Received<'a> {
    /// Splits `...&signature=...`. A signature is only one where it stands last, as the venue demands.
    pub fn split(raw: &'a str) -> Self {
        let (text, last) = raw.rsplit_once('&').unwrap_or(("", raw));
        match last.strip_prefix("signature=") {
            Some(signature) => Self { text, signature: Some(signature) },
            None => Self { text: raw, signature: None },
        }
    }
}

/// Names and values of a text, decoded, in the order received. `+` is a space, as forms write it.
///
/// # Errors
/// Fails on broken encoding and on a name that comes twice.
pub fn read_pairs(text: &str) -> Result<Vec<(String, String)>, ReadError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let bad = || ReadError::Encoding(key.chars().take(40).collect());
        let (key, value) = (decode(key).ok_or_else(bad)?, decode(value).ok_or_else(bad)?);
        if pairs.iter().any(|(other, _)| *other == key) {
            return Err(ReadError::Duplicate(key));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// A request type from its parameters; names it does not know, such as those of authentication, are passed over.
///
/// # Errors
/// Fails on a missing parameter and on one with a value that its type refuses.
pub fn read_request<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, ReadError> {
    let values = pairs.iter().map(|(key, value)| (key.as_str(), Text(value)));
    T::deserialize(de::value::MapDeserializer::new(values)).map_err(|error: Fault| ReadError::Value(error.0))
}

fn decode(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Some(text.to_owned());
    }
    let (mut decoded, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// One value: text for whoever asks, and present for whoever asks whether it is.
struct Text<'a>(&'a str);

#[derive(Debug)]
struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Text<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Text<'de> {
    type Error = Fault;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Cow::Borrowed(self.0).into_deserializer())
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_last_parameter_or_none() {
        let split = |raw| {
            let received = Received::split(raw);
            (received.text, received.signature)
        };
        assert_eq!(split("a=1&b=2&signature=ff"), ("a=1&b=2", Some("ff")));
        assert_eq!(split("signature=ff"), ("", Some("ff")));
        assert_eq!(split("signature=ff&a=1"), ("signature=ff&a=1", None));
        assert_eq!(split(""), ("", None));
    }

    #[test]
    fn both_encodings_of_a_space_are_read() {
        let pairs = read_pairs("a=x%20y&b=x+y&c=%5B1%2C2%5D&d").unwrap();
        let values: Vec<_> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["x y", "x y", "[1,2]", ""]);
        assert_eq!(read_pairs("a=%4"), Err(ReadError::Encoding("a".to_owned())));
        assert_eq!(read_pairs("a=%ff"), Err(ReadError::Encoding("a".to_owned())));
        assert_eq!(read_pairs("a=1&a=2"), Err(ReadError::Duplicate("a".to_owned())));
    }
}
