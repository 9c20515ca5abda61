//! Candles and funding from AsterDEX's public API into files that a backtest reads.
//!
//! A file grows by whole pages, each checked before it is written and synced after: whatever stops a fetch, the file is
//! sound, and the next fetch goes on after its last row. A candle is written only once the venue's own clock says that
//! it has closed. Holes that the venue has stay holes.
//!
//! Knows no terminal: a [`Host`] is told how far it is and waits where waiting is due.

mod client;
mod limits;
mod page;
mod table;

pub use client::{Client, DEFAULT_URL};
pub use limits::{ATTEMPTS, LONGEST_WAIT, USABLE_WEIGHT};

use futures_util::future::BoxFuture;
use page::{Page, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;
use swarm_core::model::{Interval, Time};
use table::Table;

/// Rows asked for at once. The weight of a page of candles is 5 up to 1,000 rows and 10 beyond: this is the most for
/// its weight among the long pages. Funding weighs 1 whatever its length, and has at most 1,000.
const PAGE_ROWS: u32 = 1_000;
/// Weight of a page of candles of that length.
const CANDLES_WEIGHT: u32 = 5;
/// Weight of a page of funding.
const FUNDING_WEIGHT: u32 = 1;
/// Intervals of the venue whose grid starts at the epoch: weeks start on Mondays there, and months have no length.
const INTERVALS: [&str; 12] = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];

/// Why a fetch ended early. What was written is whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Input(String),
    /// The venue refuses the request, and would again.
    #[error("the venue refuses {what}: {answer}")]
    Refused {
        /// What was asked for.
        what: String,
        /// Its words.
        answer: String,
    },
    /// No good answer, however often it was asked.
    #[error("no good answer to {what} after {attempts} attempts; the last: {last}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// How often.
        attempts: u32,
        /// What came of the last attempt.
        last: String,
    },
    /// The venue wants to be left alone for longer than a fetch should hang.
    #[error("the venue asks to wait {seconds} s before the next request; run the same command again then")]
    Banned {
        /// How long.
        seconds: u64,
    },
    /// A file that cannot be continued.
    #[error("{0}")]
    File(String),
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Start of what is being fetched.
    pub from: Time,
    /// Everything before this is there.
    pub at: Time,
    /// Its end.
    pub to: Time,
    /// Rows written so far.
    pub rows: u64,
}

/// What surrounds a fetch: a terminal that shows how far it is, and a clock that waits.
pub trait Host: Send + Sync {
    /// Waits so long, and may say why.
    fn pause<'a>(&'a self, length: Duration, why: &'a str) -> BoxFuture<'a, ()>;
    /// A page has been written.
    fn progress(&self, _progress: Progress) {}
}

/// What to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Candles of an interval.
    Candles(Interval),
    /// Funding payments.
    Funding,
}

/// One series to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// `BTCUSDT` and the like.
    pub symbol: String,
    /// What of it.
    pub what: What,
    /// First open time or payment, inclusive.
    pub from: Time,
    /// End, exclusive; without it the present.
    pub to: Option<Time>,
    /// The folder that gets `INTERVAL/SYMBOL.csv` or `funding/SYMBOL.csv`.
    pub out: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Of which symbol.
    pub symbol: String,
    /// What of it.
    pub what: What,
    /// Where it is.
    pub file: PathBuf,
    /// Rows that were there before.
    pub rows_before: u64,
    /// Rows that were added.
    pub rows_added: u64,
    /// Time of the first row.
    pub first: Option<Time>,
    /// Time of the last row.
    pub last: Option<Time>,
}

impl What {
    fn path(self) -> &'static str {
        match self {
            Self::Candles(_) => "klines",
            Self::Funding => "fundingRate",
        }
    }

    const fn weight(self) -> u32 {
        match self {
            Self::Candles(_) => CANDLES_WEIGHT,
            Self::Funding => FUNDING_WEIGHT,
        }
    }

    /// The first time after `time` at which there can be another row.
    const fn after(self, time: Time) -> Time {
        match self {
            Self::Candles(interval) => time.plus(interval.ms()),
            Self::Funding => time.plus(1),
        }
    }

    /// Where its file goes.
    fn file(self, out: &Path, symbol: &str) -> PathBuf {
        let folder = match self {
            Self::Candles(interval) => interval.to_string(),
            Self::Funding => "funding".to_owned(),
        };
        out.join(folder).join(format!("{symbol}.csv"))
    }
}

/// Fetches what the file does not have yet: before its first row, and after its last.
///
/// # Errors
/// See [`FetchError`]; the file then holds every page that was fetched, or is as it was.
pub async fn fetch(client: &mut Client, request: &Request, host: &dyn Host) -> Result<Fetched, FetchError> {
    let Request { symbol, what, .. } = request;
    check(request)?;
    let now = client.server_time(host).await?;
    let (from, to) = match what {
        // The candle that is open now is not told.
        What::Candles(interval) => {
            let closed = now.floor(interval.ms());
            let from = Time(request.from.0 + interval.ms() - 1).floor(interval.ms());
            (from, request.to.unwrap_or(closed).min(closed))
        }
        What::Funding => (request.from, request.to.unwrap_or(now).min(now)),
    };
    let mut table = Table::open(&what.file(&request.out, symbol), *what)?;
    let rows_before = table.rows();
    let mut progress = Progress { from, at: from, to, rows: 0 };
    if let Some(first) = table.first().filter(|first| *first > from) {
        // Rows come in order of time, so what is missing before goes into a new file together with the old one.
        let mut head: Vec<Row> = Vec::new();
        let mut next = from;
        while next < first.min(to) {
            let page = page_of(client, request, host, next, first.min(to), head.last()).await?;
            let Some(last) = page.rows.last() else { break };
            next = what.after(last.time);
            head.extend(page.rows);
        }
        progress.rows += head.len() as u64;
        table.put_before(&head)?;
    }
    let mut next = table.last().map_or(from, |last| what.after(last.time).max(from));
    progress.at = next;
    host.progress(progress);
    while next < to {
        let page = page_of(client, request, host, next, to, table.last()).await?;
        let Some(last) = page.rows.last() else { break };
        next = what.after(last.time);
        table.append(&page.rows)?;
        (progress.at, progress.rows) = (next, progress.rows + page.rows.len() as u64);
        host.progress(progress);
    }
    Ok(Fetched {
        symbol: symbol.clone(),
        what: *what,
        file: table.path().to_owned(),
        rows_before,
        rows_added: table.rows() - rows_before,
        first: table.first(),
        last: table.last().map(|row| row.time),
    })
}

fn check(request: &Request) -> Result<(), FetchError> {
    let Request { symbol, what, from, to, .. } = request;
    if symbol.is_empty() || !symbol.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()) {
        return Err(FetchError::Input(format!("`{symbol}` is not a symbol: expected such as BTCUSDT")));
    }
    if let What::Candles(interval) = what
        && !INTERVALS.contains(&interval.to_string().as_str())
    {
        let known = INTERVALS.join(", ");
        return Err(FetchError::Input(format!("the venue has no candles of {interval} on this grid: use {known}")));
    }
    if to.is_some_and(|to| to <= *from) {
        return Err(FetchError::Input(format!("--from {from} is not before --to {}", to.unwrap_or_default())));
    }
    Ok(())
}

/// The rows from `next` on and before `to`, as many as a page has; none where the venue has none.
async fn page_of(
    client: &mut Client,
    request: &Request,
    host: &dyn Host,
    next: Time,
    to: Time,
    before: Option<&Row>,
) -> Result<Page, FetchError> {
    let Request { symbol, what, .. } = request;
    let mut query = vec![
        ("symbol", symbol.clone()),
        ("startTime", next.0.to_string()),
        // Of the venue the end is inclusive.
        ("endTime", (to.0 - 1).to_string()),
        ("limit", PAGE_ROWS.to_string()),
    ];
    if let What::Candles(interval) = what {
        query.insert(1, ("interval", interval.to_string()));
    }
    let read = |answer: &serde_json::Value| page::read(answer, *what, next, to, before);
    client.get(what.path(), &query, what.weight(), host, &read).await
}
