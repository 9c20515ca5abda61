//! Writes values in postcard's format (<https://postcard.jamesmunns.com/wire-format>), as postcard itself
//! does and in a third of its instructions: facts are written by the million in a backtest, and their
//! integers, which are nearly all there is in them, go out in one piece here. Reading is left to postcard.
//! It knows nothing of facts.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::Error;

/// Adds `value` to the end of `out`.
///
/// # Errors
/// When the value holds a list of unknown length, a map or an integer of 128 bits.
#[inline]
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(&mut Writer(out))
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    /// Seven bits a byte, the lowest first, each byte but the last with its highest bit set.
    #[inline]
    fn varint(&mut self, value: u64) {
        if value >> 56 != 0 {
            return self.long_varint(value);
        }
        // All eight groups are spread at once, whatever the length: a loop over them would be guessed wrong by the
        // processor at nearly every integer.
        let spread = (value & 0x0000_0000_0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
        let spread = (spread & 0x0000_3fff_0000_3fff) | ((spread & 0x0fff_c000_0fff_c000) << 2);
        let spread = (spread & 0x007f_007f_007f_007f) | ((spread & 0x3f80_3f80_3f80_3f80) << 1);
        let bits = u64::BITS - (value | 1).leading_zeros();
        let length = bits.div_ceil(7);
        let more = 0x8080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
        // All bytes are copied, then the rest is dropped: cheaper than a copy of unknown length.
        let end = self.0.len() + length as usize;
        self.0.extend_from_slice(&(spread | more).to_le_bytes());
        self.0.truncate(end);
    }
    #[cold]
    fn long_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
    #[inline]
    fn zigzag(&mut self, value: i64) {
        self.varint((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }
    #[inline]
    fn variant(&mut self, index: u32) {
        self.varint(u64::from(index));
    }
    fn length(&mut self, length: Option<usize>) -> Result<(), Error> {
        let length = length.ok_or_else(|| Error::custom("a list of unknown length"))?;
        self.varint(length as u64);
        Ok(())
    }
}

macro_rules! integers {
    ($($name:ident $type:ty => $how:ident as $wide:ty),+ $(,)?) => {$(
        #[inline]
        fn $name(self, value: $type) -> Result<(), Error> {
            self.$how(<$wide>::from(value));
            Ok(())
        }
    )+};
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers! {
        serialize_u16 u16 => varint as u64,
        serialize_u32 u32 => varint as u64,
        serialize_u64 u64 => varint as u64,
        serialize_i16 i16 => zigzag as i64,
        serialize_i32 i32 => zigzag as i64,
        serialize_i64 i64 => zigzag as i64,
    }
    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.serialize_u8(u8::from(value))
    }
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.0.push(value);
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_u8(value.cast_unsigned())
    }
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.0.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }
    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.0.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.serialize_bytes(value.as_bytes())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        Ok(())
    }
    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_u8(0)
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.0.push(1);
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }
    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.variant(index);
        Ok(())
    }
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }
    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(index);
        value.serialize(self)
    }
    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Error> {
        self.length(length)?;
        Ok(self)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }
    fn serialize_tuple_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Error> {
        self.variant(index);
        Ok(self)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Impossible<(), Error>, Error> {
        Err(Error::custom("maps are not written"))
    }
    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }
    #[inline]
    fn serialize_struct_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Error> {
        self.variant(index);
        Ok(self)
    }
}

/// What is in a list or a record follows one after the other.
macro_rules! members {
    ($($name:ident :: $method:ident ( $($key:ty)? )),+ $(,)?) => {$(
        impl $name for &mut Writer<'_> {
            type Ok = ();
            type Error = Error;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), Error> {
                value.serialize(&mut **self)
            }
            #[inline]
            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        }
    )+};
}

members! {
    SerializeSeq::serialize_element(),
    SerializeTuple::serialize_element(),
    SerializeTupleStruct::serialize_field(),
    SerializeTupleVariant::serialize_field(),
    SerializeStruct::serialize_field(&'static str),
    SerializeStructVariant::serialize_field(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One of everything that can be written.
    mod samples {
        #[derive(Debug, Clone, serde::Serialize)]
        pub(super) struct Sample {
            pub(super) small: (bool, u8, i8),
            pub(super) unsigned: (u16, u32, u64),
            pub(super) signed: (i16, i32, i64),
            pub(super) real: (f32, f64),
            pub(super) text: (char, String),
            pub(super) list: Vec<Option<Choice>>,
            pub(super) nothing: (),
        }
        #[derive(Debug, Clone, serde::Serialize)]
        pub(super) enum Choice {
            Unit,
            One(i64),
            Two(u64, Marker),
            Named { first: String, second: Option<f64> },
        }
        #[derive(Debug, Clone, serde::Serialize)]
        pub(super) struct Marker;
    }
    use samples::{Choice, Marker, Sample};

    fn choice() -> impl Strategy<Value = Choice> {
        prop_oneof![
            Just(Choice::Unit),
            any::<i64>().prop_map(Choice::One),
            any::<u64>().prop_map(|value| Choice::Two(value, Marker)),
            (".{0,8}", any::<Option<f64>>()).prop_map(|(first, second)| Choice::Named { first, second }),
        ]
    }

    prop_compose! {
        fn sample()(
            small in any::<(bool, u8, i8)>(), unsigned in any::<(u16, u32, u64)>(), signed in any::<(i16, i32, i64)>(),
            shift in 0u32..64, real in any::<(f32, f64)>(), text in (any::<char>(), ".{0,200}"),
            list in prop::collection::vec(prop::option::of(choice()), 0..5),
        ) -> Sample {
            // Integers of every length.
            let (unsigned, signed) = ((unsigned.0, unsigned.1, unsigned.2 >> shift), (signed.0, signed.1, signed.2 >> shift));
            Sample { small, unsigned, signed, real, text, list, nothing: () }
        }
    }

    proptest! {
        #[test]
        fn it_writes_what_postcard_writes(sample in sample()) {
            let mut out = vec![7];
            write(&sample, &mut out).unwrap();
            prop_assert_eq!(out.remove(0), 7, "it adds to the end");
            prop_assert_eq!(out, postcard::to_allocvec(&sample).unwrap());
        }
    }

    #[test]
    fn the_ends_of_the_integers_are_written_like_postcards() {
        let powers = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]);
        for value in powers.chain([u64::MAX >> 1, u64::MAX]) {
            let mut out = Vec::new();
            write(&(value, value.cast_signed(), -value.cast_signed().saturating_abs()), &mut out).unwrap();
            let expected = (value, value.cast_signed(), -value.cast_signed().saturating_abs());
            assert_eq!(out, postcard::to_allocvec(&expected).unwrap());
        }
    }

    #[test]
    fn what_has_no_place_in_a_fact_is_refused() {
        let map = std::collections::BTreeMap::from([(1, 2)]);
        assert!(write(&map, &mut Vec::new()).is_err());
        assert!(write(&1u128, &mut Vec::new()).is_err());
    }
}
