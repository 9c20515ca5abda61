//! What was found, with its place.

use serde::{Serialize, Serializer};
use std::path::PathBuf;
use swarm_core::model::{Interval, Time};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A backtest refuses it.
    Error,
    /// A backtest takes it.
    Warning,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The file cannot be read, is damaged, has no rows or another header.
    Unreadable,
    /// A row that is not one of candles or funding.
    BadRow,
    /// A time that is no multiple of the interval.
    OffGrid,
    /// A time that was there before.
    Duplicate,
    /// A time before that of the row before.
    OutOfOrder,
    /// Prices or volume that contradict each other.
    BadCandle,
    /// Two files of a folder that tell of the same time.
    Overlap,
    /// The same candles lie in several folders.
    Folders,
    /// Candles are missing.
    Gap,
    /// Candles in which nothing was traded.
    ZeroVolume,
    /// A price far from the one before.
    Jump,
    /// Candles added up do not give those of a longer interval.
    Intervals,
    /// Two venues do not agree on the price.
    Venues,
    /// Funding payments are missing, or come at odd times.
    FundingTimes,
    /// A funding rate beyond what is usual.
    FundingRate,
}

impl Kind {
    /// In tables.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::BadRow => "bad row",
            Self::OffGrid => "off the grid",
            Self::Duplicate => "twice",
            Self::OutOfOrder => "out of order",
            Self::BadCandle => "bad candle",
            Self::Overlap => "overlap",
            Self::Folders => "folders",
            Self::Gap => "gap",
            Self::ZeroVolume => "zero volume",
            Self::Jump => "jump",
            Self::Intervals => "intervals",
            Self::Venues => "venues",
            Self::FundingTimes => "funding times",
            Self::FundingRate => "funding rate",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What.
    pub kind: Kind,
    /// In which file; absent for what lies between files.
    pub file: Option<PathBuf>,
    /// In which line, the header being 1; for gzip'd files of the text inside.
    pub line: Option<u64>,
    /// Of which symbol.
    pub symbol: String,
    /// Of which candles.
    pub interval: Option<Interval>,
    /// Where it begins.
    #[serde(serialize_with = "as_text")]
    pub from: Option<Time>,
    /// Where it ends, not included.
    #[serde(serialize_with = "as_text")]
    pub to: Option<Time>,
    /// How many candles, rows or payments.
    pub count: u64,
    /// In words.
    pub what: String,
}

impl Finding {
    pub(super) fn error(kind: Kind, symbol: &str, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            kind,
            file: None,
            line: None,
            symbol: symbol.to_owned(),
            interval: None,
            from: None,
            to: None,
            count: 1,
            what: what.into(),
        }
    }

    pub(super) fn warning(kind: Kind, symbol: &str, what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, symbol, what) }
    }
}

pub(super) fn as_text<S: Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.collect_str(time),
        None => to.serialize_none(),
    }
}
