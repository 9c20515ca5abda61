//! `swarm data fetch`: candles and funding from AsterDEX into files that a backtest reads.

use crate::cli::console::{Cell, Console, Failure};
use crate::cli::{prepare, progress};
use crate::market::fetch::{Client, DEFAULT_URL, FetchError, Fetched, Host, Progress, Request, What, fetch};
use clap::Args as ClapArgs;
use futures_util::future::BoxFuture;
use indicatif::ProgressBar;
use std::path::PathBuf;
use std::time::Duration;
use swarm_core::model::{Interval, Time};

/// Waits shorter than this are not worth a line.
const TOLD_WAIT: Duration = Duration::from_secs(5);

/// Fetch candles, and funding, from AsterDEX; goes on where an earlier fetch ended.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Which symbols.
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',', required = true)]
    symbols: Vec<String>,
    /// Candles of which length.
    #[arg(long)]
    interval: Interval,
    /// First candle, such as 2024-01-01 or 2024-01-01T12:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    from: Time,
    /// End, not included; without it the last candle that has closed.
    #[arg(long, value_name = "DATE", value_parser = prepare::parse_date)]
    to: Option<Time>,
    /// Folder that gets INTERVAL/SYMBOL.csv and funding/SYMBOL.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Fetch funding payments too.
    #[arg(long)]
    funding: bool,
    /// Where the venue's API is.
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    base_url: String,
    /// Print what was fetched as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// The terminal, and the clock that waits.
struct Terminal(ProgressBar);

impl Host for Terminal {
    fn pause<'a>(&'a self, length: Duration, why: &'a str) -> BoxFuture<'a, ()> {
        if length >= TOLD_WAIT {
            let line = format!("waiting {} s: {why}", length.as_secs());
            if self.0.is_hidden() { eprintln!("{line}") } else { self.0.println(line) }
        }
        Box::pin(tokio::time::sleep(length))
    }

    fn progress(&self, progress: Progress) {
        let minutes = |span: i64| u64::try_from(span / 60_000).unwrap_or(0);
        self.0.set_length(minutes(progress.to.since(progress.from)));
        self.0.set_position(minutes(progress.at.since(progress.from)));
        self.0.set_message(format!("{} rows, up to {}", progress.rows, progress.at));
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("failed", format!("cannot start: {error}")))?;
    let mut fetched = Vec::new();
    let done = runtime.block_on(async {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(Failure::failed(
                "interrupted",
                "stopped; what has been written is whole, and the same command goes on from there",
            )),
            done = all(args, &mut fetched) => done.map_err(failure),
        }
    });
    if args.json {
        if done.is_ok() {
            console.json(&serde_json::json!({ "fetched": fetched.iter().map(document).collect::<Vec<_>>() }))?;
        }
    } else if !fetched.is_empty() {
        let rows: Vec<Vec<Cell>> = fetched.iter().map(row).collect();
        console.table(&["symbol", "", "rows before", "added", "first", "last", "file"], &rows)?;
    }
    done
}

/// Symbol by symbol: the venue's limit is one for all.
async fn all(args: &Args, fetched: &mut Vec<Fetched>) -> Result<(), FetchError> {
    let mut client = Client::new(&args.base_url)?;
    for symbol in &args.symbols {
        let mut wanted = vec![What::Candles(args.interval)];
        wanted.extend(args.funding.then_some(What::Funding));
        for what in wanted {
            let bar = progress::bar(format!("{symbol} {}", label(what)));
            let host = Terminal(bar);
            let request = Request { symbol: symbol.clone(), what, from: args.from, to: args.to, out: args.out.clone() };
            let done = fetch(&mut client, &request, &host).await;
            host.0.finish_and_clear();
            fetched.push(done?);
        }
    }
    Ok(())
}

fn label(what: What) -> String {
    match what {
        What::Candles(interval) => interval.to_string(),
        What::Funding => "funding".to_owned(),
    }
}

fn failure(error: FetchError) -> Failure {
    match error {
        FetchError::Input(message) => Failure::input(message),
        FetchError::File(message) => Failure::failed("file", message),
        FetchError::Refused { .. } => Failure::failed("refused", error.to_string()),
        FetchError::Unreachable { .. } | FetchError::Banned { .. } => Failure::failed("unreachable", error.to_string()),
    }
}

fn row(fetched: &Fetched) -> Vec<Cell> {
    let time = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    vec![
        Cell::text(&fetched.symbol),
        Cell::text(label(fetched.what)),
        Cell::number(fetched.rows_before),
        Cell::number(fetched.rows_added),
        Cell::text(time(fetched.first)),
        Cell::text(time(fetched.last)),
        Cell::text(fetched.file.display()),
    ]
}

fn document(fetched: &Fetched) -> serde_json::Value {
    serde_json::json!({
        "symbol": fetched.symbol,
        "what": label(fetched.what),
        "file": fetched.file,
        "rows_before": fetched.rows_before,
        "rows_added": fetched.rows_added,
        "first": fetched.first.map(|time| time.to_string()),
        "last": fetched.last.map(|time| time.to_string()),
    })
}
