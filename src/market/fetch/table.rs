//! A file that grows by whole pages. What is there is checked before anything is added; a last line that was not
//! written whole is cut off. Knows no venue.

use super::page::Row;
use super::{FetchError, What};
use crate::market::MarketError;
use crate::market::recorded::read::{scan_candles, scan_funding};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use swarm_core::model::{MINUTE_MS, Time};

const CANDLE_COLUMNS: &[&str] =
    &["open_time", "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume"];
const FUNDING_COLUMNS: &[&str] = &["funding_time", "funding_rate", "mark_price"];
/// How far from the end the last line is looked for.
const LAST_LINE_BYTES: u64 = 4 * 1024;

/// A file being continued.
pub(super) struct Table {
    path: PathBuf,
    /// Of the file; its rows have as many fields.
    columns: usize,
    header: String,
    exists: bool,
    rows: u64,
    first: Option<Time>,
    last: Option<Row>,
}

impl Table {
    /// Opens what is there, or nothing yet.
    pub(super) fn open(path: &Path, what: What) -> Result<Self, FetchError> {
        let columns = match what {
            What::Candles(_) => CANDLE_COLUMNS,
            What::Funding => FUNDING_COLUMNS,
        };
        let mut table = Self {
            path: path.to_owned(),
            columns: columns.len(),
            header: columns.join(","),
            exists: false,
            rows: 0,
            first: None,
            last: None,
        };
        table.check_neighbours()?;
        if path.exists() {
            table.take_up(what, columns)?;
        }
        Ok(table)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn first(&self) -> Option<Time> {
        self.first
    }

    pub(super) fn last(&self) -> Option<&Row> {
        self.last.as_ref()
    }

    /// Other files of the symbol in the folder would tell of the same time twice.
    fn check_neighbours(&self) -> Result<(), FetchError> {
        let (Some(folder), Some(symbol)) = (self.path.parent(), self.path.file_stem().and_then(|stem| stem.to_str()))
        else {
            return Ok(());
        };
        let Ok(entries) = folder.read_dir() else { return Ok(()) };
        for name in entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()) {
            let stem = name.strip_suffix(".gz").unwrap_or(&name).strip_suffix(".csv");
            let rest = stem.and_then(|stem| stem.strip_prefix(symbol));
            let same = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
            if same && name != format!("{symbol}.csv") {
                return Err(FetchError::File(format!(
                    "{} holds {symbol} already, and two files of one time are refused by a backtest; give another --out, or \
                     unpack it to {}",
                    folder.join(name).display(),
                    self.path.display()
                )));
            }
        }
        Ok(())
    }

    fn take_up(&mut self, what: What, columns: &[&str]) -> Result<(), FetchError> {
        self.cut_torn_line()?;
        let io = |error: std::io::Error| self.fault(&error.to_string());
        let length = fs::metadata(&self.path).map_err(io)?.len();
        if length == 0 {
            return Ok(());
        }
        let mut start = vec![0; length.min(LAST_LINE_BYTES) as usize];
        File::open(&self.path).and_then(|mut file| file.read_exact(&mut start)).map_err(io)?;
        let start = String::from_utf8_lossy(&start);
        let header = start.lines().next().unwrap_or_default();
        let known = header.split(',').count();
        let least = if matches!(what, What::Funding) { 2 } else { 6 };
        if known < least
            || !columns.join(",").starts_with(header)
            || columns.get(..known).is_none_or(|part| part.join(",") != header)
        {
            return Err(
                self.fault(&format!("line 1: its columns are not `{}`, so it cannot be continued", self.header))
            );
        }
        (self.columns, self.header, self.exists) = (known, header.to_owned(), true);
        self.check_rows(what)?;
        if self.rows > 0 {
            self.last = Some(self.last_row()?);
        }
        Ok(())
    }

    /// The same checks as a backtest's.
    fn check_rows(&mut self, what: What) -> Result<(), FetchError> {
        let (mut rows, mut first, mut last, mut fault) = (0_u64, None, None, None::<String>);
        let mut row = |line: u64, time: Result<Time, MarketError>| {
            let refused = match time {
                Err(error) => Some(error.what),
                Ok(time) if last.is_some_and(|last| time <= last) => {
                    Some(format!("{time} is not after the row before"))
                }
                Ok(time) => {
                    (rows, last) = (rows + 1, Some(time));
                    first.get_or_insert(time);
                    None
                }
            };
            if let (Some(refused), None) = (refused, &fault) {
                fault = Some(format!("line {line}: {refused}"));
            }
        };
        let read = match what {
            What::Candles(interval) => scan_candles(&self.path, |line, candle| {
                let sound = candle.and_then(|candle| {
                    let off = candle.open_time.floor(interval.ms()) != candle.open_time;
                    match candle.fault().or(off.then_some("open_time is off the grid")) {
                        Some(fault) => Err(MarketError::new(fault, "")),
                        None => Ok(candle.open_time),
                    }
                });
                row(line, sound);
            }),
            What::Funding => {
                scan_funding(&self.path, |line, payment| row(line, payment.map(|(at, _)| at.floor(MINUTE_MS))))
            }
        };
        let fault = fault.or(read.err().map(|error| error.what));
        if let Some(fault) = fault {
            return Err(self.fault(&format!("{fault}; correct it, or remove the file to fetch all of it again")));
        }
        (self.rows, self.first) = (rows, first);
        Ok(())
    }

    /// What a fetch that was killed while writing left behind.
    fn cut_torn_line(&self) -> Result<(), FetchError> {
        let io = |error: std::io::Error| self.fault(&error.to_string());
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let from = length.saturating_sub(LAST_LINE_BYTES);
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut end)).map_err(io)?;
        match end.iter().rposition(|byte| *byte == b'\n') {
            Some(place) if place + 1 == end.len() => Ok(()),
            Some(place) => {
                let whole = from + place as u64 + 1;
                file.set_len(whole).and_then(|()| file.sync_data()).map_err(io)
            }
            // Not even the header was written.
            None if length < LAST_LINE_BYTES && self.header.as_bytes().starts_with(&end) => file.set_len(0).map_err(io),
            None => Err(self.fault("it has no line end, so it is no table")),
        }
    }

    fn last_row(&self) -> Result<Row, FetchError> {
        let io = |error: std::io::Error| self.fault(&error.to_string());
        let mut file = File::open(&self.path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE_BYTES)))
            .and_then(|_| file.read_to_end(&mut end))
            .map_err(io)?;
        let text = String::from_utf8_lossy(&end);
        let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let fields: Vec<String> = line.split(',').map(|field| field.trim().trim_matches('"').to_owned()).collect();
        let time = fields[0].parse().map(Time).map_err(|_| self.fault("its last row has no time"))?;
        Ok(Row { time, fields })
    }

    /// Adds rows at the end; all of them or none.
    pub(super) fn append(&mut self, rows: &[Row]) -> Result<(), FetchError> {
        let io = |error: std::io::Error| self.fault(&error.to_string());
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let mut text = if self.exists { String::new() } else { format!("{}\n", self.header) };
        text.extend(rows.iter().map(|row| self.line(row)));
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_data()) {
            // A full disk, most likely: what was there stays as it was.
            let _ = file.set_len(length);
            return Err(io(error));
        }
        self.exists = true;
        self.count(rows);
        Ok(())
    }

    /// Puts rows before all others: a new file takes the place of the old one.
    pub(super) fn put_before(&mut self, rows: &[Row]) -> Result<(), FetchError> {
        if rows.is_empty() {
            return Ok(());
        }
        let io = |error: std::io::Error| self.fault(&error.to_string());
        let old = fs::read_to_string(&self.path).map_err(io)?;
        let rest = old.split_once('\n').map_or("", |(_, rest)| rest);
        let mut text = format!("{}\n", self.header);
        text.extend(rows.iter().map(|row| self.line(row)));
        text.push_str(rest);
        let fresh = self.path.with_extension("csv.new");
        let write = || {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &self.path)
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&fresh);
            return Err(io(error));
        }
        self.rows += rows.len() as u64;
        self.first = rows.first().map(|row| row.time);
        Ok(())
    }

    fn line(&self, row: &Row) -> String {
        format!("{}\n", row.fields[..self.columns.min(row.fields.len())].join(","))
    }

    fn count(&mut self, rows: &[Row]) {
        self.rows += rows.len() as u64;
        self.first = self.first.or(rows.first().map(|row| row.time));
        self.last = rows.last().cloned().or(self.last.take());
    }

    fn fault(&self, what: &str) -> FetchError {
        FetchError::File(format!("{}: {what}", self.path.display()))
    }
}
