//! One CSV file, plain, gzip'd or zipped, line by line: every row is checked, and a refusal names file and
//! line. Knows nothing of other files: joining, aggregation and ranges are done elsewhere.

use super::{number, unzip};
use crate::market::MarketError;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use swarm_core::model::{Candle, FundingSchedule, Interval, MINUTE_MS, Millis, Rate, Time};

const CANDLE_HEADER: [&str; 6] = ["open_time", "open", "high", "low", "close", "volume"];
/// Columns of Binance's archive, which came without a header for years: those six, the close time and five more.
const ARCHIVE_COLUMNS: usize = 12;
const FUNDING_HEADER: [&str; 2] = ["funding_time", "funding_rate"];
/// Funding in Binance's archive: the time it was paid, hours since the payment before, and the rate.
const FUNDING_ARCHIVE_HEADER: [&str; 3] = ["calc_time", "funding_interval_hours", "last_funding_rate"];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// A line longer than this is not one of a candle file; keeps a binary file out of memory.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Rows from which the interval of a file outside of an interval folder is told.
const SPACING_ROWS: usize = 1_000;

/// The candles of one file.
#[derive(Debug)]
pub(super) struct Segment {
    /// Open time of its first row.
    pub first: Time,
    /// Open time of its last row.
    pub last: Time,
    /// The rows that were wanted.
    pub candles: Vec<Candle>,
}

/// Reads and checks a whole candle file; `keep` says which open times to hold on to.
pub(super) fn read_candles(
    path: &Path,
    interval: Interval,
    keep: impl Fn(Time) -> bool,
) -> Result<Segment, MarketError> {
    let mut table = Table::open(path, &[&CANDLE_HEADER])?;
    let mut candles = Vec::new();
    let mut span: Option<(Time, Time)> = None;
    while table.read_line()? {
        let candle = table.candle()?;
        if candle.open_time.0 % interval.ms() != 0 {
            return Err(table.refuse(
                format!("open_time {} is off the grid of {interval}", candle.open_time.0),
                format!("times are epoch milliseconds and multiples of {}", interval.ms()),
            ));
        }
        let first = match span {
            None => candle.open_time,
            Some((first, last)) => {
                table.check_order("open_time", last, candle.open_time)?;
                first
            }
        };
        span = Some((first, candle.open_time));
        if let Some(fault) = candle.fault() {
            return Err(table.refuse(fault, format!("correct or remove the row `{}`", table.line_text())));
        }
        if keep(candle.open_time) {
            candles.push(candle);
        }
    }
    let (first, last) = span.ok_or_else(|| table.without_rows())?;
    Ok(Segment { first, last, candles })
}

/// Every row of a candle file with its line, good or bad, for a look that goes on after a fault. Order, grid and
/// the candle itself are left to the caller.
pub(in crate::market) fn scan_candles(
    path: &Path,
    mut each: impl FnMut(u64, Result<Candle, MarketError>),
) -> Result<(), MarketError> {
    let mut table = Table::open(path, &[&CANDLE_HEADER])?;
    while table.read_line()? {
        each(table.number, table.candle());
    }
    Ok(())
}

/// Every row of a funding file with its line, good or bad; times as they are written.
pub(in crate::market) fn scan_funding(
    path: &Path,
    mut each: impl FnMut(u64, Result<(Time, Rate), MarketError>),
) -> Result<(), MarketError> {
    let mut table = Table::open(path, &[&FUNDING_HEADER, &FUNDING_ARCHIVE_HEADER])?;
    while table.read_line()? {
        each(table.number, table.payment());
    }
    Ok(())
}

/// First and last open time of a candle file, without checking its rows.
pub(super) fn read_extent(path: &Path) -> Result<(Time, Time), MarketError> {
    let mut table = Table::open(path, &[&CANDLE_HEADER])?;
    if !table.read_line()? {
        return Err(table.without_rows());
    }
    let first = table.time()?;
    while table.read_line()? {}
    Ok((first, table.time()?))
}

/// The interval of a candle file by the smallest difference between its first rows.
pub(in crate::market) fn infer_interval(path: &Path) -> Result<Interval, MarketError> {
    let mut table = Table::open(path, &[&CANDLE_HEADER])?;
    let mut smallest: Option<Millis> = None;
    let mut previous: Option<Time> = None;
    for _ in 0..SPACING_ROWS {
        if !table.read_line()? {
            break;
        }
        let time = table.time()?;
        if let Some(previous) = previous {
            table.check_order("open_time", previous, time)?;
            let spacing = time.since(previous);
            smallest = Some(smallest.map_or(spacing, |smallest| smallest.min(spacing)));
        }
        previous = Some(time);
    }
    let help = "put the file in a folder named after its interval, such as 5m/";
    let spacing = smallest
        .ok_or_else(|| MarketError::about(path, "has too few rows to tell the interval of its candles", help))?;
    interval_of(spacing).ok_or_else(|| {
        MarketError::about(path, format!("its rows are {spacing} ms apart, which is no known interval"), help)
    })
}

fn interval_of(spacing: Millis) -> Option<Interval> {
    let units = [(86_400_000, 'd'), (3_600_000, 'h'), (60_000, 'm'), (1_000, 's')];
    let (length, unit) = units.into_iter().find(|(length, _)| spacing % length == 0)?;
    format!("{}{unit}", spacing / length).parse().ok()
}

/// Reads and checks a whole funding file. Times are rounded down to the minute, since venues stamp
/// payments some milliseconds late; a rate with more than eight decimals is rounded to the nearest.
pub(super) fn read_funding(path: &Path) -> Result<FundingSchedule, MarketError> {
    let mut table = Table::open(path, &[&FUNDING_HEADER, &FUNDING_ARCHIVE_HEADER])?;
    let mut payments: FundingSchedule = Vec::new();
    while table.read_line()? {
        let (at, rate) = table.payment()?;
        let at = at.floor(MINUTE_MS);
        if let Some(&(last, _)) = payments.last() {
            table.check_order("funding_time", last, at)?;
        }
        payments.push((at, rate));
    }
    if payments.is_empty() {
        return Err(table.without_rows());
    }
    Ok(payments)
}

/// A file with a header, read one line at a time into one buffer.
struct Table {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// How it is packed, if it is.
    packed: Option<&'static str>,
    line: Vec<u8>,
    /// The line being read, so that blank ones at the end do not displace the last row.
    spare: Vec<u8>,
    /// Of the row in `line`, from 1.
    number: u64,
    columns: usize,
    /// Which of the headers that are taken it has.
    kind: usize,
    /// The first line turned out to be a row, and is still to be given.
    is_held: bool,
}

impl Table {
    /// Opens the file and checks that its first columns are one of `headers`.
    fn open(path: &Path, headers: &[&[&str]]) -> Result<Self, MarketError> {
        let io = |error: std::io::Error| MarketError::io(path, &error);
        let mut raw = BufReader::with_capacity(64 * 1024, File::open(path).map_err(io)?);
        let start = raw.fill_buf().map_err(io)?;
        let (is_gzip, is_zip) = (start.starts_with(&GZIP_MAGIC), start.starts_with(&unzip::MAGIC));
        if start.is_empty() {
            return Err(MarketError::about(path, "the file is empty", "remove it, or fetch it again"));
        }
        for (extension, is_held, kind) in [("gz", is_gzip, "gzip"), ("zip", is_zip, "zip")] {
            if !is_held && path.extension().is_some_and(|found| found == extension) {
                let help = "fetch it again, or name it .csv if it is plain text";
                return Err(MarketError::about(
                    path,
                    format!("is named .{extension} but does not hold {kind} data"),
                    help,
                ));
            }
        }
        let (packed, reader): (_, Box<dyn BufRead>) = match (is_gzip, is_zip) {
            (true, _) => (Some("gzip"), Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(raw)))),
            (_, true) => (Some("zip"), unzip::open(raw.into_inner()).map_err(|error| not_unpacked(path, &error))?),
            (false, false) => (None, Box::new(raw)),
        };
        let (line, spare) = (Vec::new(), Vec::new());
        let (number, columns, kind, is_held) = (0, 0, 0, false);
        let mut table = Self { path: path.to_owned(), reader, packed, line, spare, number, columns, kind, is_held };
        table.check_header(headers)?;
        Ok(table)
    }

    fn check_header(&mut self, headers: &[&[&str]]) -> Result<(), MarketError> {
        let header = headers[0];
        let expected = header.join(",");
        let help = format!("the first line must be `{expected}`, with further columns only after these");
        if !self.read_line()? {
            return Err(self.refuse("the header is missing", help));
        }
        if let Some(rest) = self.line.strip_prefix("\u{feff}".as_bytes()) {
            self.line = rest.to_vec();
        }
        let text = self.text()?;
        let names: Vec<&str> = text.split(',').map(unquoted).collect();
        if names[0].bytes().all(|byte| byte.is_ascii_digit()) {
            if !is_archive_row(header, &names) {
                return Err(self.refuse("the header is missing", help));
            }
            (self.columns, self.is_held) = (names.len(), true);
            return Ok(());
        }
        if let Some(kind) = headers.iter().position(|header| names.starts_with(header)) {
            (self.columns, self.kind) = (names.len(), kind);
            return Ok(());
        }
        for (index, wanted) in header.iter().enumerate() {
            match names.get(index) {
                Some(name) if name == wanted => {}
                Some(name) => {
                    return Err(self.refuse(format!("column {} is `{name}`, expected `{wanted}`", index + 1), help));
                }
                None => return Err(self.refuse(format!("the column `{wanted}` is missing"), help)),
            }
        }
        Ok(())
    }

    /// Takes the next line that is not blank; `false` at the end, where the last one stays in hand.
    fn read_line(&mut self) -> Result<bool, MarketError> {
        if std::mem::take(&mut self.is_held) {
            return Ok(true);
        }
        let mut skipped = 0;
        loop {
            self.spare.clear();
            match (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.spare) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => return Err(self.unreadable(&error, skipped)),
            }
            skipped += 1;
            if self.spare.len() as u64 == LINE_BYTES_MAX {
                self.number += skipped;
                return Err(self.refuse("the line is far too long", "this is not a CSV file of candles or funding"));
            }
            while matches!(self.spare.last(), Some(b'\n' | b'\r')) {
                self.spare.pop();
            }
            if !self.spare.iter().all(u8::is_ascii_whitespace) {
                std::mem::swap(&mut self.line, &mut self.spare);
                self.number += skipped;
                return Ok(true);
            }
        }
    }

    fn unreadable(&self, error: &std::io::Error, skipped: u64) -> MarketError {
        let (what, help) = match (self.packed, error.kind()) {
            (Some(kind), ErrorKind::UnexpectedEof) => {
                (format!("the {kind} data end too early: the file is truncated"), "fetch the file again")
            }
            (Some(kind), ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
                (format!("the {kind} data are corrupt: {error}"), "fetch the file again")
            }
            _ => (format!("cannot be read: {error}"), "check the file and the disk it is on"),
        };
        MarketError::about(&self.path, what, help).at(self.number + skipped + 1)
    }

    fn text(&self) -> Result<&str, MarketError> {
        std::str::from_utf8(&self.line)
            .map_err(|_| self.refuse("the line is not UTF-8 text", "this is not a CSV file of candles or funding"))
    }

    /// The first `N` fields of the row, after checking how many there are.
    fn fields<const N: usize>(&self) -> Result<[&str; N], MarketError> {
        let text = self.text()?;
        let mut fields = [""; N];
        let (mut count, mut start) = (0, 0);
        // Fields are a few bytes each: looking at every byte is faster than searching from comma to comma.
        for (at, byte) in text.bytes().chain([b',']).enumerate() {
            if byte == b',' {
                if count < N {
                    fields[count] = unquoted(&text[start..at]);
                }
                (count, start) = (count + 1, at + 1);
            }
        }
        if count != self.columns {
            return Err(self.refuse(
                format!("the row has {count} columns, the header {}", self.columns),
                format!("correct or remove the row `{text}`"),
            ));
        }
        Ok(fields)
    }

    fn candle(&self) -> Result<Candle, MarketError> {
        let [time, open, high, low, close, volume] = self.fields()?;
        let price = |index: usize, text| number::price(text).ok_or_else(|| self.bad_price(index, text));
        Ok(Candle {
            open_time: self.parse_time("open_time", time)?,
            open: price(1, open)?,
            high: price(2, high)?,
            low: price(3, low)?,
            close: price(4, close)?,
            volume: volume.parse().map_err(|_| self.bad_number("volume", volume))?,
        })
    }

    /// A payment, its time as it is written.
    fn payment(&self) -> Result<(Time, Rate), MarketError> {
        let (time, rate, names) = if self.kind == 0 {
            let [time, rate] = self.fields()?;
            (time, rate, FUNDING_HEADER)
        } else {
            let [time, _, rate] = self.fields()?;
            (time, rate, [FUNDING_ARCHIVE_HEADER[0], FUNDING_ARCHIVE_HEADER[2]])
        };
        let at = self.parse_time(names[0], time)?;
        Ok((at, number::rate(rate).ok_or_else(|| self.bad_number(names[1], rate))?))
    }

    /// The time in the first column, without looking at the others.
    fn time(&self) -> Result<Time, MarketError> {
        let text = self.text()?;
        self.parse_time("open_time", unquoted(text.split(',').next().unwrap_or(text)))
    }

    fn parse_time(&self, column: &str, text: &str) -> Result<Time, MarketError> {
        let help = "times are epoch milliseconds or microseconds, in digits";
        let Ok(written) = text.parse::<i64>() else {
            return Err(self.refuse(format!("{column} `{text}` is not a whole number"), help));
        };
        match number::time(written) {
            // A payment is some milliseconds late anyway; a candle opens at a whole one.
            Some((_, beyond)) if beyond != 0 && column == CANDLE_HEADER[0] => {
                Err(self.refuse(format!("{column} {text} is off the grid: it is no whole millisecond"), help))
            }
            Some((time, _)) => Ok(time),
            None => Err(self.refuse(format!("{column} {text} is out of range"), help)),
        }
    }

    fn check_order(&self, column: &str, previous: Time, time: Time) -> Result<(), MarketError> {
        if time > previous {
            return Ok(());
        }
        let what = if time == previous {
            format!("{column} {} ({time}) appears twice", time.0)
        } else {
            format!("{column} {} ({time}) is earlier than that of the row before, {previous}", time.0)
        };
        Err(self.refuse(what, "rows must be in ascending order of time, each time once"))
    }

    fn bad_price(&self, index: usize, text: &str) -> MarketError {
        let column = CANDLE_HEADER[index];
        self.refuse(format!("{column} `{text}` is not a decimal number with at most 8 decimals"), "correct the row")
    }

    fn bad_number(&self, column: &str, text: &str) -> MarketError {
        self.refuse(format!("{column} `{text}` is not a number"), "correct the row")
    }

    fn without_rows(&self) -> MarketError {
        MarketError::about(&self.path, "has a header but no rows", "remove it, or fetch it again")
    }

    fn line_text(&self) -> String {
        String::from_utf8_lossy(&self.line).into_owned()
    }

    /// A refusal of the row in hand.
    fn refuse(&self, what: impl Into<String>, help: impl Into<String>) -> MarketError {
        MarketError::about(&self.path, what, help).at(self.number.max(1))
    }
}

/// The refusal of a .zip file that holds something else than one CSV file, or is damaged.
fn not_unpacked(path: &Path, error: &std::io::Error) -> MarketError {
    match error.kind() {
        ErrorKind::InvalidData => MarketError::about(path, error.to_string(), "fetch it again, or unpack it"),
        ErrorKind::UnexpectedEof => MarketError::about(path, "ends too early", "fetch it again"),
        _ => MarketError::io(path, error),
    }
}

/// Whether a first line without names is a row of Binance's archive: nothing else has its twelve columns, of which the
/// seventh is the close time.
fn is_archive_row(header: &[&str], row: &[&str]) -> bool {
    let time = |column: usize| row.get(column).and_then(|text| text.parse::<i64>().ok());
    header == CANDLE_HEADER
        && row.len() == ARCHIVE_COLUMNS
        && time(0).zip(time(6)).is_some_and(|(open, close)| open < close)
}

/// Numbers hold no commas, so quotes around a field say nothing.
fn unquoted(field: &str) -> &str {
    let field = field.trim_ascii();
    field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(field)
}
