//! Lists that the venue writes in more than one way, and lists of which a part may be unreadable.

use crate::aster::errors::ErrorBody;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A list, or a single object in its place, as calls about one symbol answer. Written as a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Many<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Many<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list or a single object")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Many(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| Many(vec![one]))
            }
        }
        from.deserialize_any(Either(PhantomData))
    }
}

impl<T: Serialize> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

/// A list of things that are read each for themselves: one that cannot be read does not hide the others. For
/// listings of the market only; where money is concerned, all or nothing is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows<T> {
    /// Those that could be read.
    pub rows: Vec<T>,
    /// Symbol of each of the others, and what is wrong with it.
    pub unread: Vec<(String, String)>,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Many::<serde_json::Value>(values) = Many::deserialize(from)?;
        let mut read = Self { rows: Vec::with_capacity(values.len()), unread: Vec::new() };
        for value in values {
            match T::deserialize(&value) {
                Ok(row) => read.rows.push(row),
                Err(error) => {
                    let symbol = value.get("symbol").and_then(serde_json::Value::as_str).unwrap_or("?");
                    read.unread.push((symbol.to_owned(), error.to_string()));
                }
            }
        }
        Ok(read)
    }
}

impl<T: Serialize> Serialize for Rows<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(to)
    }
}

/// An element of a batch's answer: done, or refused by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Element<T> {
    /// Done.
    Done(T),
    /// Refused.
    Refused(ErrorBody),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(from)?;
        if let Ok(body) = ErrorBody::deserialize(&value)
            && body.code < 0
        {
            return Ok(Self::Refused(body));
        }
        T::deserialize(value).map(Self::Done).map_err(serde::de::Error::custom)
    }
}

impl<T: Serialize> Serialize for Element<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Done(done) => done.serialize(to),
            Self::Refused(body) => body.serialize(to),
        }
    }
}
