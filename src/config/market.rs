//! Where candles come from, as text and as a value. Opening the source is not done here.

use super::defaults;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A market, ready to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketSpec {
    /// Made-up candles; the same seed gives the same ones.
    Synthetic {
        /// Seed.
        seed: u64,
    },
    /// Recorded candles.
    Replay {
        /// Directory that holds them.
        dir: PathBuf,
    },
    /// AsterDEX.
    Aster,
    /// AsterDEX's test network.
    AsterTestnet,
}

/// A text that names no market.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    /// `replay` without a directory.
    #[error("`replay` needs the directory of the recorded candles: write replay:DIR")]
    NoDirectory,
    /// A seed that is none.
    #[error("`{0}` is not a seed: expected a whole number from 0, as in synthetic:7")]
    Seed(String),
    /// A word too many.
    #[error("`{0}` takes nothing after a colon")]
    Surplus(&'static str),
    /// Something else.
    #[error("`{0}` is not a market: expected synthetic, synthetic:SEED, replay:DIR, aster or aster-testnet")]
    Unknown(String),
}

impl MarketSpec {
    /// Whether candles come from the exchange as they happen.
    pub const fn is_online(&self) -> bool {
        matches!(self, Self::Aster | Self::AsterTestnet)
    }
}

impl FromStr for MarketSpec {
    type Err = MarketError;
    fn from_str(text: &str) -> Result<Self, MarketError> {
        Ok(text.parse::<MarketText>()?.spec(None))
    }
}

impl fmt::Display for MarketSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic { seed } => write!(out, "synthetic:{seed}"),
            Self::Replay { dir } => write!(out, "replay:{}", dir.display()),
            Self::Aster => out.write_str("aster"),
            Self::AsterTestnet => out.write_str("aster-testnet"),
        }
    }
}

/// A market as written: the seed may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketText {
    /// `synthetic` or `synthetic:SEED`.
    Synthetic(Option<u64>),
    /// `replay:DIR`.
    Replay(PathBuf),
    /// `aster`.
    Aster,
    /// `aster-testnet`.
    AsterTestnet,
}

impl MarketText {
    /// The market; `seed` is used where the text has none.
    pub fn spec(&self, seed: Option<u64>) -> MarketSpec {
        match self {
            Self::Synthetic(own) => MarketSpec::Synthetic { seed: own.or(seed).unwrap_or(defaults::SEED) },
            Self::Replay(dir) => MarketSpec::Replay { dir: dir.clone() },
            Self::Aster => MarketSpec::Aster,
            Self::AsterTestnet => MarketSpec::AsterTestnet,
        }
    }
}

impl FromStr for MarketText {
    type Err = MarketError;
    fn from_str(text: &str) -> Result<Self, MarketError> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("synthetic", None) => Ok(Self::Synthetic(None)),
            ("synthetic", Some(seed)) if seed.bytes().all(|byte| byte.is_ascii_digit()) => {
                seed.parse().map(|seed| Self::Synthetic(Some(seed))).map_err(|_| MarketError::Seed(seed.to_owned()))
            }
            ("synthetic", Some(seed)) => Err(MarketError::Seed(seed.to_owned())),
            ("replay", None | Some("")) => Err(MarketError::NoDirectory),
            ("replay", Some(dir)) => Ok(Self::Replay(PathBuf::from(dir))),
            ("aster", None) => Ok(Self::Aster),
            ("aster-testnet", None) => Ok(Self::AsterTestnet),
            ("aster", Some(_)) => Err(MarketError::Surplus("aster")),
            ("aster-testnet", Some(_)) => Err(MarketError::Surplus("aster-testnet")),
            _ => Err(MarketError::Unknown(super::tree::shorten(text))),
        }
    }
}

impl<'de> Deserialize<'de> for MarketText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for MarketText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Market source".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(synthetic(:[0-9]+)?|replay:.+|aster|aster-testnet)$",
            "examples": ["synthetic", "replay:data", "aster", "aster-testnet"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markets_are_read_and_written() {
        for text in ["synthetic:7", "replay:../shared/data", "aster", "aster-testnet"] {
            assert_eq!(text.parse::<MarketSpec>().unwrap().to_string(), text);
        }
        assert_eq!("synthetic".parse(), Ok(MarketSpec::Synthetic { seed: defaults::SEED }));
        for (text, why) in [
            ("replay", "replay:DIR"),
            ("replay:", "replay:DIR"),
            ("synthetic:x", "not a seed"),
            ("synthetic:", "not a seed"),
            ("synthetic:99999999999999999999", "not a seed"),
            ("aster:x", "nothing after a colon"),
            ("binance", "not a market"),
            ("", "not a market"),
        ] {
            assert!(text.parse::<MarketSpec>().unwrap_err().to_string().contains(why), "{text}");
        }
    }
}
