//! One candle file, row by row. Knows nothing of other files.

use super::find::{CandleFile, unreadable};
use super::finding::as_text;
use super::jump::Jumps;
use super::{Audit, Finding, Kind};
use crate::market::recorded::read::scan_candles;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use swarm_core::model::{Candle, Interval, Time};

/// Faults of one kind that are told one by one; the rest is counted in the last.
const TOLD: u64 = 100;

/// What a candle file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileSummary {
    /// Where it is.
    pub file: PathBuf,
    /// Of which symbol.
    pub symbol: String,
    /// Of which candles.
    pub interval: Interval,
    /// Rows, good and bad.
    pub rows: u64,
    /// First open time.
    #[serde(serialize_with = "as_text")]
    pub from: Option<Time>,
    /// Last close time.
    #[serde(serialize_with = "as_text")]
    pub to: Option<Time>,
    /// Rows that a backtest refuses.
    pub errors: u64,
    /// Holes.
    pub gaps: u64,
    /// Candles missing in them.
    pub missing: u64,
    /// Candles in which nothing was traded.
    pub zero_volume: u64,
    /// Prices far from the one before.
    pub jumps: u64,
}

/// Candles in which nothing was traded, one after the other.
struct Stretch {
    line: u64,
    from: Time,
    count: u64,
}

/// A file on the way through.
struct Look<'a> {
    file: &'a CandleFile,
    audit: &'a mut Audit,
    summary: FileSummary,
    candles: Vec<Candle>,
    jumps: Jumps,
    idle: Option<Stretch>,
    /// By kind of error: how often it was told, and where the last of them stands.
    told: BTreeMap<Kind, (u64, usize)>,
}

/// Reads a file, tells what is wrong with it, and gives its good candles.
pub(super) fn look_at(file: &CandleFile, audit: &mut Audit) -> Vec<Candle> {
    let summary = FileSummary {
        file: file.path.clone(),
        symbol: file.symbol.clone(),
        interval: file.interval,
        rows: 0,
        from: None,
        to: None,
        errors: 0,
        gaps: 0,
        missing: 0,
        zero_volume: 0,
        jumps: 0,
    };
    let mut look =
        Look { file, audit, summary, candles: Vec::new(), jumps: Jumps::default(), idle: None, told: BTreeMap::new() };
    let read = scan_candles(&file.path, |line, row| match row {
        Ok(candle) => look.candle(line, candle),
        Err(error) => look.refuse(Kind::BadRow, line, None, error.what),
    });
    look.end_of_idle();
    if let Err(error) = read {
        look.summary.errors += 1;
        look.audit
            .findings
            .push(Finding { interval: Some(file.interval), ..unreadable(&file.path, &file.symbol, &error) });
    } else if look.summary.rows == 0 {
        look.summary.errors += 1;
        let what = "has a header but no rows";
        let empty = Finding { file: Some(file.path.clone()), ..Finding::error(Kind::Unreadable, &file.symbol, what) };
        look.audit.findings.push(empty);
    }
    let Look { mut summary, candles, audit, .. } = look;
    summary.from = candles.first().map(|candle| candle.open_time);
    summary.to = candles.last().map(|candle| candle.close_time(file.interval));
    audit.files.push(summary);
    candles
}

impl Look<'_> {
    fn candle(&mut self, line: u64, candle: Candle) {
        let interval = self.file.interval;
        if candle.open_time.floor(interval.ms()) != candle.open_time {
            let what = format!("open_time {} is no multiple of {interval}", candle.open_time.0);
            return self.refuse(Kind::OffGrid, line, Some(candle.open_time), what);
        }
        let last = self.candles.last().map(|last| last.open_time);
        if let Some(last) = last.filter(|last| candle.open_time <= *last) {
            // Only of the rows taken so far: a second copy of an early row is as much a duplicate as of the last.
            let known = self.candles.binary_search_by_key(&candle.open_time, |known| known.open_time);
            let (kind, what) = match known {
                Ok(place) if self.candles[place] == candle => {
                    (Kind::Duplicate, "is there before, with the same values".to_owned())
                }
                Ok(_) => (Kind::Duplicate, "is there before, with other values".to_owned()),
                Err(_) => (Kind::OutOfOrder, format!("is before that of the row before, {last}")),
            };
            return self.refuse(kind, line, Some(candle.open_time), format!("open_time {} {what}", candle.open_time));
        }
        if let Some(fault) = candle.fault() {
            return self.refuse(Kind::BadCandle, line, Some(candle.open_time), fault.to_owned());
        }
        self.summary.rows += 1;
        if let Some(last) = last {
            self.gap(line, last.plus(interval.ms()), candle.open_time);
        }
        self.idle(line, &candle);
        if let Some((change, times)) = self.jumps.push(candle.close.to_f64()) {
            self.summary.jumps += 1;
            let what = format!("close moves {:+.2} %, {times:.0} times the usual", change * 100.0);
            self.warn(Kind::Jump, line, candle.open_time, candle.close_time(interval), 1, what);
        }
        self.candles.push(candle);
    }

    fn gap(&mut self, line: u64, expected: Time, found: Time) {
        let missing = (found.since(expected) / self.file.interval.ms()).unsigned_abs();
        if missing == 0 {
            return;
        }
        self.summary.gaps += 1;
        self.summary.missing += missing;
        self.jumps.interrupt();
        self.warn(Kind::Gap, line, expected, found, missing, format!("{missing} candle(s) missing before this row"));
    }

    fn idle(&mut self, line: u64, candle: &Candle) {
        if candle.volume > 0.0 {
            return self.end_of_idle();
        }
        self.summary.zero_volume += 1;
        let next = |stretch: &Stretch| stretch.from.plus(stretch.count as i64 * self.file.interval.ms());
        match &mut self.idle {
            Some(stretch) if next(stretch) == candle.open_time => stretch.count += 1,
            _ => {
                self.end_of_idle();
                self.idle = Some(Stretch { line, from: candle.open_time, count: 1 });
            }
        }
    }

    fn end_of_idle(&mut self) {
        if let Some(Stretch { line, from, count }) = self.idle.take() {
            let to = from.plus(count as i64 * self.file.interval.ms());
            self.warn(Kind::ZeroVolume, line, from, to, count, format!("{count} candle(s) without a trade"));
        }
    }

    fn refuse(&mut self, kind: Kind, line: u64, at: Option<Time>, what: String) {
        self.summary.rows += 1;
        self.summary.errors += 1;
        let finding = Finding {
            file: Some(self.file.path.clone()),
            line: Some(line),
            interval: Some(self.file.interval),
            from: at,
            ..Finding::error(kind, &self.file.symbol, what)
        };
        let (told, last) = self.told.entry(kind).or_insert((0, 0));
        if *told < TOLD {
            (*told, *last) = (*told + 1, self.audit.findings.len());
            self.audit.findings.push(finding);
        } else {
            // A file that is wrong from end to end does not fill the report.
            self.audit.findings[*last].count += 1;
        }
    }

    fn warn(&mut self, kind: Kind, line: u64, from: Time, to: Time, count: u64, what: String) {
        self.audit.findings.push(Finding {
            file: Some(self.file.path.clone()),
            line: Some(line),
            interval: Some(self.file.interval),
            from: Some(from),
            to: Some(to),
            count,
            ..Finding::warning(kind, &self.file.symbol, what)
        });
    }
}
