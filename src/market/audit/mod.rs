//! A look at recorded candles and funding that goes on after a fault: everything that a backtest would refuse, and
//! what it would take but a person should know of.
//!
//! Errors are what [`load`](super::load) refuses: files that cannot be read, rows that are no candles, times off the
//! grid, twice or out of order, prices that contradict each other, files that overlap. Warnings are holes, candles
//! without trades, jumps, intervals and venues that do not agree, irregular funding. Nothing is repaired.

mod across;
mod choice;
mod file;
mod find;
mod finding;
mod funding;
mod jump;

pub use across::{BetweenIntervals, BetweenVenues};
pub use choice::ChoiceSummary;
pub use file::FileSummary;
pub use finding::{Finding, Kind, Severity};
pub use funding::FundingSummary;
pub use jump::{JUMP_LEAST, JUMP_TIMES, JUMP_WINDOW};

use super::MarketError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use swarm_core::model::{Candle, Interval};

/// What to look at.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Where, at any depth.
    pub dir: PathBuf,
    /// Only these symbols; empty for all.
    pub symbols: Vec<String>,
    /// Only candles of this interval.
    pub interval: Option<Interval>,
}

/// What was seen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Audit {
    /// No errors? Warnings may be there.
    pub ok: bool,
    /// Candle files by path.
    pub files: Vec<FileSummary>,
    /// Funding files by path.
    pub funding: Vec<FundingSummary>,
    /// Candles of a shorter interval added up, against those of a longer one.
    pub intervals: Vec<BetweenIntervals>,
    /// The same symbol and interval in two folders.
    pub venues: Vec<BetweenVenues>,
    /// Errors first.
    pub findings: Vec<Finding>,
    /// Where the candles of a symbol and interval lie in several folders: what a backtest takes of them.
    pub choices: Vec<ChoiceSummary>,
    /// Files that hold neither candles nor funding by their name and place.
    pub other_files: usize,
}

impl Audit {
    /// How much there is of a severity: of errors the rows and files that a backtest refuses, also those that a
    /// finding only counts; of warnings the findings.
    pub fn count(&self, severity: Severity) -> u64 {
        let of_severity = self.findings.iter().filter(|finding| finding.severity == severity);
        of_severity.map(|finding| if severity == Severity::Error { finding.count } else { 1 }).sum()
    }
}

/// The candles of one symbol and interval below one folder.
struct Series {
    folder: PathBuf,
    interval: Interval,
    candles: Vec<Candle>,
}

/// The good candles of one file.
type Part<'a> = (Vec<Candle>, &'a Path);

/// Looks through everything that was asked for.
///
/// # Errors
/// A directory that cannot be read, or one that holds nothing of what was asked for.
pub fn audit(query: &AuditQuery) -> Result<Audit, MarketError> {
    audit_with(query, &mut |_| {})
}

/// The same, telling each file as its turn comes.
///
/// # Errors
/// As [`audit`].
pub fn audit_with(query: &AuditQuery, at: &mut dyn FnMut(&Path)) -> Result<Audit, MarketError> {
    let found = find::find(query)?;
    let mut audit = Audit { other_files: found.others, ..Audit::default() };
    audit.findings.extend(found.faults);
    if found.candles.is_empty() && found.funding.is_empty() && audit.findings.is_empty() {
        let what =
            if query.symbols.is_empty() { "holds no candles and no funding" } else { "holds nothing of these symbols" };
        let help =
            "expected INTERVAL/SYMBOL_*.csv[.gz] or SYMBOL.csv[.gz], and funding/.../SYMBOL_*.csv[.gz], at any depth";
        return Err(MarketError::about(&query.dir, what, help));
    }
    // A symbol at a time: its intervals and venues are compared and then forgotten.
    let mut by_symbol: BTreeMap<&str, Vec<&find::CandleFile>> = BTreeMap::new();
    found.candles.iter().for_each(|file| by_symbol.entry(&file.symbol).or_default().push(file));
    for (symbol, files) in by_symbol {
        let series = look_at(symbol, &files, &mut audit, at);
        across::intervals(symbol, &series, &mut audit);
        across::venues(symbol, &series, &mut audit);
    }
    for file in &found.funding {
        at(&file.path);
        funding::look_at(file, &mut audit);
    }
    funding::overlaps(&mut audit);
    choice::look_at(query, &found.candles, &mut audit);
    audit.files.sort_by(|one, other| one.file.cmp(&other.file));
    audit
        .findings
        .sort_by(|one, other| (one.severity, &one.file, one.line).cmp(&(other.severity, &other.file, other.line)));
    audit.ok = audit.count(Severity::Error) == 0;
    Ok(audit)
}

/// Reads the files of one symbol and joins those of one folder and interval.
fn look_at(symbol: &str, files: &[&find::CandleFile], audit: &mut Audit, at: &mut dyn FnMut(&Path)) -> Vec<Series> {
    let mut groups: BTreeMap<(&Path, Interval), Vec<Part<'_>>> = BTreeMap::new();
    for file in files {
        at(&file.path);
        let candles = file::look_at(file, audit);
        groups.entry((&file.folder, file.interval)).or_default().push((candles, &file.path));
    }
    let mut series = Vec::new();
    for ((folder, interval), mut parts) in groups {
        parts.retain(|(candles, _)| !candles.is_empty());
        parts.sort_by_key(|(candles, _)| candles.first().map(|candle| candle.open_time));
        for pair in parts.windows(2) {
            let ((one, before), (other, path)) = (&pair[0], &pair[1]);
            let (end, start) = (one[one.len() - 1].close_time(interval), other[0].open_time);
            if start < end {
                audit.findings.push(Finding {
                    file: Some(path.to_path_buf()),
                    interval: Some(interval),
                    from: Some(start),
                    to: Some(end),
                    ..Finding::error(Kind::Overlap, symbol, format!("tells of the same time as {}", before.display()))
                });
            }
            let missing = start.since(end) / interval.ms();
            if missing > 0 {
                let what = format!("{missing} candle(s) missing between {} and this file", before.display());
                audit.findings.push(Finding {
                    file: Some(path.to_path_buf()),
                    interval: Some(interval),
                    from: Some(end),
                    to: Some(start),
                    count: missing.unsigned_abs(),
                    ..Finding::warning(Kind::Gap, symbol, what)
                });
            }
        }
        let mut candles: Vec<Candle> = parts.into_iter().flat_map(|(candles, _)| candles).collect();
        candles.sort_by_key(|candle| candle.open_time);
        candles.dedup_by_key(|candle| candle.open_time);
        series.push(Series { folder: folder.to_owned(), interval, candles });
    }
    series
}
