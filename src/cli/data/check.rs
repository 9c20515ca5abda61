//! `swarm data check`: everything that is wrong or odd about recorded candles and funding.

use crate::cli::console::{Cell, Console, Failure, Tone};
use crate::market::audit::{Audit, AuditQuery, Finding, Kind, Severity, audit_with};
use clap::Args as ClapArgs;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use swarm_core::model::{Interval, Time};

/// Findings of one kind and file that are told in words; JSON has all.
const TOLD: usize = 3;

/// Find what a backtest would refuse, and what else is odd.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Folder with recorded candles.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Only these symbols.
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',')]
    symbols: Vec<String>,
    /// Only candles of this interval, such as 5m.
    #[arg(long)]
    interval: Option<Interval>,
    /// Tell every finding, not the first few of a kind in a file.
    #[arg(long)]
    all: bool,
    /// Print everything as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let query = AuditQuery { dir: args.dir.clone(), symbols: args.symbols.clone(), interval: args.interval };
    let bar = crate::cli::progress::spinner("reading");
    let audit = audit_with(&query, &mut |path| {
        bar.set_message(path.display().to_string());
        bar.tick();
    });
    bar.finish_and_clear();
    let audit = audit.map_err(|error| Failure::input(error.to_string()))?;
    if args.json {
        console.json(&audit)?;
    } else {
        print(&audit, args, console)?;
    }
    if audit.ok {
        return Ok(());
    }
    let message = format!("{} error(s): a backtest refuses these candles", audit.count(Severity::Error));
    Err(Failure::failed("bad_data", message).in_full())
}

fn print(audit: &Audit, args: &Args, console: &mut Console) -> Result<(), Failure> {
    files(audit, &args.dir, console)?;
    funding(audit, &args.dir, console)?;
    intervals(audit, &args.dir, console)?;
    venues(audit, &args.dir, console)?;
    findings(audit, args, console)?;
    let (errors, warnings) = (audit.count(Severity::Error), audit.count(Severity::Warning));
    let rows: u64 = audit.files.iter().map(|file| file.rows).sum();
    console.line(&format!(
        "{} candle files with {rows} rows, {} funding files, {} others left aside: {errors} error(s), {warnings} warning(s)",
        audit.files.len(),
        audit.funding.len(),
        audit.other_files,
    ))?;
    console.line(match (errors, audit.choices.is_empty()) {
        (0, true) => "a backtest takes these candles",
        (0, false) => "a backtest takes these candles, where they lie in several folders as is said above",
        _ => "a backtest refuses what has errors",
    })
}

/// A number that is worth a look unless it is 0.
fn count(number: u64, tone: Tone) -> Cell {
    let cell = Cell::number(number);
    if number == 0 { cell } else { cell.toned(tone) }
}

fn time(time: Option<Time>) -> Cell {
    Cell::text(time.map_or_else(|| "-".to_owned(), minutes))
}

/// `2024-01-01 00:00`.
fn minutes(time: Time) -> String {
    let text = time.to_string();
    text.get(..16).map_or(text.clone(), |text| text.replace('T', " "))
}

fn below<'a>(path: &'a Path, dir: &Path) -> std::path::Display<'a> {
    path.strip_prefix(dir).unwrap_or(path).display()
}

fn files(audit: &Audit, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    if audit.files.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = audit
        .files
        .iter()
        .map(|file| {
            vec![
                Cell::text(below(&file.file, dir)),
                Cell::number(file.rows),
                time(file.from),
                time(file.to),
                count(file.errors, Tone::Bad),
                count(file.gaps, Tone::Warn),
                count(file.missing, Tone::Warn),
                count(file.zero_volume, Tone::Warn),
                count(file.jumps, Tone::Warn),
            ]
        })
        .collect();
    console.table(&["candles", "rows", "from", "to", "errors", "gaps", "missing", "no volume", "jumps"], &rows)?;
    console.line("")
}

fn funding(audit: &Audit, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    if audit.funding.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = audit
        .funding
        .iter()
        .map(|file| {
            let hours: Vec<String> = file.hours.iter().map(f64::to_string).collect();
            vec![
                Cell::text(below(&file.file, dir)),
                Cell::number(file.rows),
                time(file.from),
                time(file.to),
                Cell::text(hours.join(", ")),
                count(file.errors, Tone::Bad),
                count(file.missing, Tone::Warn),
            ]
        })
        .collect();
    console.table(&["funding", "rows", "first", "last", "every (h)", "errors", "missing"], &rows)?;
    console.line("")
}

fn intervals(audit: &Audit, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    if audit.intervals.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = audit
        .intervals
        .iter()
        .map(|pair| {
            vec![
                Cell::text(below(&pair.folder, dir)),
                Cell::text(&pair.symbol),
                Cell::text(format!("{} to {}", pair.fine, pair.coarse)),
                Cell::number(pair.compared),
                count(pair.differing, Tone::Warn),
                count(pair.open, Tone::Warn),
                count(pair.high, Tone::Warn),
                count(pair.low, Tone::Warn),
                count(pair.close, Tone::Warn),
                count(pair.volume, Tone::Warn),
            ]
        })
        .collect();
    let columns = ["added up", "symbol", "interval", "compared", "differing", "open", "high", "low", "close", "volume"];
    console.table(&columns, &rows)?;
    console.line("")
}

fn venues(audit: &Audit, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    if audit.venues.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = audit
        .venues
        .iter()
        .map(|pair| {
            vec![
                Cell::text(format!("{} and {}", below(&pair.one, dir), below(&pair.other, dir))),
                Cell::text(&pair.symbol),
                Cell::text(pair.interval),
                time(pair.from),
                time(pair.to),
                Cell::number(pair.compared),
                count(pair.missing_in_one, Tone::Warn),
                count(pair.missing_in_other, Tone::Warn),
                Cell::number(format!("{:.4} %", pair.median * 100.0)),
                Cell::number(format!("{:.3} %", pair.max * 100.0)),
                time(pair.max_at),
            ]
        })
        .collect();
    let columns =
        ["venues", "symbol", "interval", "from", "to", "compared", "only 2nd", "only 1st", "median", "largest", "at"];
    console.table(&columns, &rows)?;
    console.line("")
}

fn findings(audit: &Audit, args: &Args, console: &mut Console) -> Result<(), Failure> {
    let mut groups: BTreeMap<(Severity, Option<&Path>, Kind), Vec<&Finding>> = BTreeMap::new();
    for finding in &audit.findings {
        groups.entry((finding.severity, finding.file.as_deref(), finding.kind)).or_default().push(finding);
    }
    let mut rows = Vec::new();
    for ((severity, file, kind), findings) in &groups {
        let tone = if *severity == Severity::Error { Tone::Bad } else { Tone::Warn };
        let word = if *severity == Severity::Error { "error" } else { "warning" };
        let told = if args.all { findings.len() } else { TOLD };
        for finding in findings.iter().take(told) {
            rows.push(vec![
                Cell::text(word).toned(tone),
                Cell::text(kind.label()),
                Cell::text(place(finding, &args.dir)),
                Cell::text(span(finding)),
                Cell::text(&finding.what),
            ]);
        }
        let rest =
            findings.iter().skip(told).map(|finding| if *severity == Severity::Error { finding.count } else { 1 });
        let rest: u64 = rest.sum();
        if rest > 0 {
            let place = file.map_or_else(String::new, |file| below(file, &args.dir).to_string());
            let more = Cell::text(format!("and {rest} more"));
            rows.push(vec![
                Cell::text(word).toned(tone),
                Cell::text(kind.label()),
                Cell::text(place),
                Cell::text(""),
                more,
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    console.table(&["severity", "kind", "where", "when", "what"], &rows)?;
    console.line("")
}

fn place(finding: &Finding, dir: &Path) -> String {
    let Some(file) = &finding.file else {
        let interval = finding.interval.map_or_else(String::new, |interval| format!(" {interval}"));
        return format!("{}{interval}", finding.symbol);
    };
    match (finding.line, finding.kind) {
        (Some(line), _) => format!("{}:{line}", below(file, dir)),
        (None, Kind::Intervals) => {
            let interval = finding.interval.map_or_else(String::new, |interval| interval.to_string());
            format!("{}/{interval} {}", below(file, dir), finding.symbol)
        }
        (None, _) => below(file, dir).to_string(),
    }
}

fn span(finding: &Finding) -> String {
    match (finding.from, finding.to) {
        (Some(from), Some(to)) => format!("{} to {}", minutes(from), minutes(to)),
        (Some(from), None) => minutes(from),
        _ => String::new(),
    }
}
