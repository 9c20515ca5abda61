//! A directory of small candle files, and what the tests ask of it.

use asterswarm::market::{MarketError, Query, Recording, load};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use swarm_core::model::{Interval, Time};

pub const HEADER: &str = "open_time,open,high,low,close,volume\n";
pub const FUNDING_HEADER: &str = "funding_time,funding_rate,mark_price\n";
/// 2024-01-01T00:00:00Z, on the grid of every interval up to a day.
pub const START: i64 = 1_704_067_200_000;
pub const M1: i64 = 60_000;
pub const M5: i64 = 5 * M1;
pub const HOUR: i64 = 60 * M1;
pub const DAY: i64 = 24 * HOUR;

/// A temporary directory that goes when it is dropped.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// Writes bytes as they are.
    pub fn put(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Writes candles at these multiples of `spacing` after [`START`]; gzip'd if the name says so.
    pub fn candles(&self, relative: &str, spacing: i64, at: impl IntoIterator<Item = i64>) -> &Self {
        let text = candle_text(spacing, at);
        if relative.ends_with(".gz") { self.put(relative, gzip(&text)) } else { self.put(relative, text) }
    }

    pub fn query(&self, symbols: &[&str]) -> Query {
        Query {
            dir: self.path(""),
            symbols: symbols.iter().map(ToString::to_string).collect(),
            base: Interval::M5,
            from: None,
            to: None,
        }
    }

    pub fn load(&self, symbols: &[&str]) -> Result<Recording, MarketError> {
        load(&self.query(symbols))
    }
}

/// Candles that climb by one a row, so that each tells which row it was.
pub fn candle_text(spacing: i64, at: impl IntoIterator<Item = i64>) -> String {
    let mut text = HEADER.to_owned();
    for index in at {
        let price = 1_000 + index;
        let time = START + index * spacing;
        writeln!(text, "{time},{price},{}.5,{}.25,{}.125,{}", price + 1, price - 1, price, index + 1).unwrap();
    }
    text
}

pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Open times of a series as multiples of `spacing` after [`START`].
pub fn places(recording: &Recording, symbol: usize, spacing: i64) -> Vec<i64> {
    recording.series[symbol].iter().map(|candle| (candle.open_time.0 - START) / spacing).collect()
}

pub fn at(ms_after_start: i64) -> Time {
    Time(START + ms_after_start)
}
