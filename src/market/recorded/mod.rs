//! Recorded candles and funding below a directory, read, checked and joined to one series a symbol.
//!
//! What is read: `.../INTERVAL/SYMBOL_*.csv[.gz]`, `SYMBOL-INTERVAL-*.csv[.gz]` or `SYMBOL.csv[.gz]` at any depth,
//! with the header `open_time,open,high,low,close,volume[,...]`, or without one if the columns are the twelve of
//! Binance's archive; and `funding/SYMBOL.csv[.gz]` or
//! `.../funding/.../SYMBOL_*.csv[.gz]` with `funding_time,funding_rate[,...]`, or `SYMBOL-fundingRate-*.csv[.gz]` of
//! that archive, which may stay packed (`.zip`). Times are epoch milliseconds or microseconds. If the directory has no
//! folder `funding` but lies at or below one named `klines`, the same path with `funding` in its place is looked at. Where several folders hold the wanted
//! symbols, the rule at the top of `choose.rs` decides; whose funding is taken, that of `funding.rs`.
//!
//! A bad row refuses the run, with file and line; a hole is reported, never filled.

pub(super) mod choose;
pub(super) mod discover;
mod funding;
mod number;
pub(super) mod read;
mod series;
mod tape;
mod unzip;

pub use tape::RecordedTape;

use super::MarketError;
use series::Series;
use std::path::PathBuf;
use std::sync::Arc;
use swarm_core::model::{Candle, FundingSchedule, Interval, Time};

/// What to read.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where to look, at any depth.
    pub dir: PathBuf,
    /// `BTCUSDT` and the like, each once, in the plan's order.
    pub symbols: Vec<String>,
    /// Interval of the candles wanted: the smallest that swarm.yaml names.
    pub base: Interval,
    /// First open time, inclusive; without it the first that all symbols have.
    pub from: Option<Time>,
    /// Last open time, exclusive; without it the end of what all symbols have.
    pub to: Option<Time>,
}

/// A hole in a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Open time of the first candle that is missing.
    pub from: Time,
    /// Open time of the first one that is there again.
    pub to: Time,
    /// How many are missing.
    pub candles: u64,
}

/// Recorded candles and funding of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Length of every candle.
    pub interval: Interval,
    /// As asked for.
    pub symbols: Vec<String>,
    /// By symbol: candles in ascending time, each time once.
    pub series: Vec<Vec<Candle>>,
    /// By symbol: payments in ascending time, from `from` and before `to`; empty where none is recorded.
    pub funding: Vec<FundingSchedule>,
    /// By symbol: holes between its first and its last candle.
    pub gaps: Vec<Vec<Gap>>,
    /// Open time of the first candle of any symbol.
    pub from: Time,
    /// Close time of the last candle of any symbol.
    pub to: Time,
    /// What the user should know: choices made, holes, missing funding.
    pub warnings: Vec<String>,
    /// The candle files read.
    pub sources: Vec<PathBuf>,
    /// The funding files read.
    pub funding_sources: Vec<PathBuf>,
}

/// Reads what is asked for.
///
/// # Errors
/// The first thing that is wrong, with file and line where it is in a file: a bad row, a damaged
/// file, candles that are missing or that exist twice, a time in which there are none.
pub fn load(query: &Query) -> Result<Recording, MarketError> {
    check(query)?;
    let found = discover::discover(&query.dir, &query.symbols)?;
    let choice = choose::choose(query, &found.candles)
        .map_err(|error| funding::without_candles(error, query, &found.funding))
        .map_err(|error| discover::with_near(error, &query.symbols, &found.near))?;
    let mut series = series::read_all(query, &choice.files)?;
    series::cut(query, &query.dir, &mut series)?;
    let funding = funding::read_schedules(query, &choice, &found.funding)?;
    let mut warnings = choice.warnings;
    warnings.extend(late_or_early(query, &series));
    warnings.extend(funding.warnings);
    let series: Vec<Vec<Candle>> = series.into_iter().map(|series| series.candles).collect();
    let gaps: Vec<Vec<Gap>> = series.iter().map(|candles| series::gaps(candles, query.base)).collect();
    warnings.extend(query.symbols.iter().zip(&gaps).filter_map(|(symbol, gaps)| series::describe_gaps(symbol, gaps)));
    let from = series.iter().filter_map(|candles| candles.first()).map(|candle| candle.open_time).min();
    let to = series.iter().filter_map(|candles| candles.last()).map(|candle| candle.close_time(query.base)).max();
    let (from, to) = from.zip(to).expect("invariant: a cut series is not empty");
    let mut schedules = funding.schedules;
    warnings.extend(funding::beside(query, &schedules, from, to));
    warnings.extend(funding::holes(query, &schedules, from, to));
    schedules.iter_mut().for_each(|schedule| schedule.retain(|(at, _)| (from..to).contains(at)));
    Ok(Recording {
        interval: query.base,
        symbols: query.symbols.clone(),
        series,
        funding: schedules,
        gaps,
        from,
        to,
        warnings,
        sources: choice.files.into_iter().flatten().map(|file| file.path).collect(),
        funding_sources: funding.sources,
    })
}

fn check(query: &Query) -> Result<(), MarketError> {
    if query.symbols.is_empty() {
        return Err(MarketError::new("no symbol is asked for", "name at least one under market.symbols"));
    }
    if let Some(twice) = query.symbols.iter().enumerate().find(|(at, symbol)| query.symbols[..*at].contains(symbol)) {
        return Err(MarketError::new(format!("{} is asked for twice", twice.1), "name each symbol once"));
    }
    match (query.from, query.to) {
        (Some(from), Some(to)) if from >= to => {
            Err(MarketError::new(format!("--from {from} is not before --to {to}"), "swap or change them"))
        }
        _ => Ok(()),
    }
}

/// Names symbols that do not reach to a bound that was asked for.
fn late_or_early(query: &Query, series: &[Series]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (symbol, series) in query.symbols.iter().zip(series) {
        if let Some(from) = query.from.filter(|&from| series.start > from) {
            warnings.push(format!("{symbol}: candles begin at {}, after the asked for {from}", series.start));
        }
        if let Some(to) = query.to.filter(|&to| series.end < to) {
            warnings.push(format!("{symbol}: candles end at {}, before the asked for {to}", series.end));
        }
    }
    warnings
}

impl Recording {
    /// Candles of all symbols.
    pub fn candles(&self) -> usize {
        self.series.iter().map(Vec::len).sum()
    }

    /// Holes of all symbols.
    pub fn gap_count(&self) -> usize {
        self.gaps.iter().map(Vec::len).sum()
    }

    /// The steps from the start; any number of tapes can play one recording.
    pub fn tape(self: &Arc<Self>) -> RecordedTape {
        RecordedTape::new(Arc::clone(self))
    }
}
