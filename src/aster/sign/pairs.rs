//! A request as the text that is signed and sent: `key=value&...`, percent-encoded (RFC 3986), in ASCII order of
//! the keys, which every published rule of the venue accepts.
//!
//! Any `Serialize` struct of scalars can be written; nested values must be made JSON texts before. Knows no
//! authentication.

use serde::ser::{self, Impossible, Serialize};
use std::fmt::{self, Write};

/// Parameters of a request, values already encoded.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    encoded: String,
    spans: Vec<(&'static str, usize, usize)>,
}

/// A request that has no text: a mistake in its type, not in its values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be sent as parameters: {0}")]
pub struct PairsError(String);

impl Pairs {
    /// The fields of a struct that are not absent, under their serialised names.
    ///
    /// # Errors
    /// Fails on structs with nested values.
    pub fn of(request: &impl Serialize) -> Result<Self, PairsError> {
        let mut pairs = Self { encoded: String::with_capacity(160), spans: Vec::with_capacity(16) };
        request.serialize(Fields(&mut pairs))?;
        Ok(pairs)
    }

    /// Adds one, encoding its value.
    pub fn push(&mut self, key: &'static str, value: impl fmt::Display) {
        let start = self.encoded.len();
        write!(Encode(&mut self.encoded), "{value}").expect("invariant: writing to a String does not fail");
        self.spans.push((key, start, self.encoded.len()));
    }

    /// All of them, in ASCII order.
    pub fn into_text(mut self) -> String {
        self.spans.sort_unstable_by_key(|&(key, ..)| key);
        let keys: usize = self.spans.iter().map(|(key, ..)| key.len() + 2).sum();
        // Room for the signature, which is appended next.
        let mut text = String::with_capacity(self.encoded.len() + keys + 150);
        for (key, start, end) in self.spans {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(key);
            text.push('=');
            text.push_str(&self.encoded[start..end]);
        }
        text
    }
}

/// Writes text with everything but unreserved characters percent-encoded.
struct Encode<'a>(&'a mut String);

impl Write for Encode<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if text.bytes().all(unreserved) {
            self.0.push_str(text);
            return Ok(());
        }
        for byte in text.bytes() {
            if unreserved(byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push('%');
                self.0.push(char::from(DIGITS[usize::from(byte >> 4)]));
                self.0.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
        Ok(())
    }
}

impl ser::Error for PairsError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn nested<T>(what: &str) -> Result<T, PairsError> {
    Err(PairsError(format!("{what} is not a flat struct of scalars")))
}

/// Takes the struct itself.
struct Fields<'a>(&'a mut Pairs);

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = PairsError;
    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result<(), PairsError> {
        value.serialize(Value { key, pairs: self.0 })
    }
    fn end(self) -> Result<(), PairsError> {
        Ok(())
    }
}

/// Takes one field.
struct Value<'a> {
    key: &'static str,
    pairs: &'a mut Pairs,
}

impl Value<'_> {
    fn put(self, value: impl fmt::Display) -> Result<(), PairsError> {
        self.pairs.push(self.key, value);
        Ok(())
    }
}

macro_rules! refuse {
    ($($method:ident($($type:ty),*) -> $result:ident;)+) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::$result, PairsError> {
            nested(stringify!($method))
        }
    )+};
}

impl<'a> ser::Serializer for Fields<'a> {
    type Ok = ();
    type Error = PairsError;
    type SerializeSeq = Impossible<(), PairsError>;
    type SerializeTuple = Impossible<(), PairsError>;
    type SerializeTupleStruct = Impossible<(), PairsError>;
    type SerializeTupleVariant = Impossible<(), PairsError>;
    type SerializeMap = Impossible<(), PairsError>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), PairsError>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, PairsError> {
        Ok(self)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), PairsError> {
        Ok(())
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<(), PairsError> {
        value.serialize(self)
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), PairsError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), PairsError> {
        nested("a variant")
    }
    refuse! {
        serialize_bool(bool) -> Ok;
        serialize_i8(i8) -> Ok;
        serialize_i16(i16) -> Ok;
        serialize_i32(i32) -> Ok;
        serialize_i64(i64) -> Ok;
        serialize_u8(u8) -> Ok;
        serialize_u16(u16) -> Ok;
        serialize_u32(u32) -> Ok;
        serialize_u64(u64) -> Ok;
        serialize_f32(f32) -> Ok;
        serialize_f64(f64) -> Ok;
        serialize_char(char) -> Ok;
        serialize_str(&str) -> Ok;
        serialize_bytes(&[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> Ok;
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty);)+) => {$(
        fn $method(self, value: $type) -> Result<(), PairsError> {
            self.put(value)
        }
    )+};
}

impl ser::Serializer for Value<'_> {
    type Ok = ();
    type Error = PairsError;
    type SerializeSeq = Impossible<(), PairsError>;
    type SerializeTuple = Impossible<(), PairsError>;
    type SerializeTupleStruct = Impossible<(), PairsError>;
    type SerializeTupleVariant = Impossible<(), PairsError>;
    type SerializeMap = Impossible<(), PairsError>;
    type SerializeStruct = Impossible<(), PairsError>;
    type SerializeStructVariant = Impossible<(), PairsError>;

    scalars! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_char(char);
        serialize_str(&str);
    }
    fn collect_str<T: ?Sized + fmt::Display>(self, value: &T) -> Result<(), PairsError> {
        self.put(value)
    }
    /// An absent value is not sent at all.
    fn serialize_none(self) -> Result<(), PairsError> {
        Ok(())
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), PairsError> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<(), PairsError> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), PairsError> {
        self.put(variant)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), PairsError> {
        nested("a variant")
    }
    refuse! {
        serialize_f32(f32) -> Ok;
        serialize_f64(f64) -> Ok;
        serialize_bytes(&[u8]) -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(&'static str) -> Ok;
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}
