//! Candles of one symbol and interval in several folders: a backtest takes those of one, joins them, or refuses. It is
//! asked here by its own rule, for each symbol alone and for all of an interval together. Knows no rows.

use super::find::CandleFile;
use super::{Audit, AuditQuery, Finding, Kind, Severity};
use crate::market::Query;
use crate::market::recorded::choose::{Extents, choose_knowing};
use crate::market::recorded::discover;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use swarm_core::model::Interval;

/// What a backtest takes where the files of a symbol and interval lie in several folders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceSummary {
    /// Of which symbol, where it is the only one of the swarm.
    pub symbol: String,
    /// Of which candles.
    pub interval: Interval,
    /// Whose files are taken; none where a backtest refuses.
    pub taken: Vec<PathBuf>,
    /// Whose are left aside.
    pub aside: Vec<PathBuf>,
}

/// Asks what a backtest would take. Where a file is at fault it is refused anyway, for what has been told of it.
pub(super) fn look_at(query: &AuditQuery, files: &[CandleFile], audit: &mut Audit) {
    if audit.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    let span = |file: &super::FileSummary| Some((file.file.clone(), (file.from?, file.to?)));
    let mut extents = Extents(audit.files.iter().filter_map(span).collect());
    let intervals: BTreeSet<Interval> = files.iter().map(|file| file.interval).collect();
    for interval in intervals {
        // As a backtest: candles that add up to the interval count as well, for those who have none of it.
        let usable: Vec<&CandleFile> = files.iter().filter(|file| file.interval.divides(interval)).collect();
        let has_own = |file: &&&CandleFile| file.interval == interval;
        let own: BTreeSet<&str> = usable.iter().filter(has_own).map(|file| file.symbol.as_str()).collect();
        let mut each_is_taken = true;
        for symbol in own {
            let of_symbol: Vec<&CandleFile> = usable.iter().filter(|file| file.symbol == symbol).copied().collect();
            each_is_taken &= one(query, symbol, interval, &of_symbol, &mut extents, audit);
        }
        let symbols: BTreeSet<&str> = usable.iter().map(|file| file.symbol.as_str()).collect();
        if each_is_taken && symbols.len() > 1 {
            let names: Vec<String> = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
            if let Err(error) = asked(query, &names, interval, &usable, &mut extents) {
                let what = format!("a backtest of {} together refuses them: {error}", names.join(", "));
                let finding = Finding::warning(Kind::Folders, &names.join(","), what);
                audit.findings.push(Finding { interval: Some(interval), ..finding });
            }
        }
    }
}

/// One symbol alone; whether a backtest takes it.
fn one(
    query: &AuditQuery,
    symbol: &str,
    interval: Interval,
    files: &[&CandleFile],
    extents: &mut Extents,
    audit: &mut Audit,
) -> bool {
    let folders: BTreeSet<&PathBuf> = files.iter().map(|file| &file.folder).collect();
    if folders.len() < 2 {
        return true;
    }
    let names = [symbol.to_owned()];
    let (finding, taken) = match asked(query, &names, interval, files, extents) {
        // Of the interval itself there is one folder only.
        Ok((_, warnings)) if warnings.is_empty() => return true,
        Ok((taken, warnings)) => (Finding::warning(Kind::Folders, symbol, warnings.join("; ")), taken),
        Err(error) => (Finding::error(Kind::Folders, symbol, format!("a backtest refuses them: {error}")), Vec::new()),
    };
    let is_taken = !taken.is_empty();
    audit.findings.push(Finding { interval: Some(interval), ..finding });
    let aside = folders.into_iter().filter(|folder| !taken.contains(folder)).cloned().collect();
    audit.choices.push(ChoiceSummary { symbol: symbol.to_owned(), interval, taken, aside });
    is_taken
}

/// The folders whose files a backtest of these symbols takes, and what it says about that.
fn asked(
    query: &AuditQuery,
    symbols: &[String],
    interval: Interval,
    files: &[&CandleFile],
    extents: &mut Extents,
) -> Result<(Vec<PathBuf>, Vec<String>), String> {
    let asked = Query { dir: query.dir.clone(), symbols: symbols.to_vec(), base: interval, from: None, to: None };
    let place = |file: &&CandleFile| {
        let symbol = symbols.iter().position(|symbol| *symbol == file.symbol)?;
        let CandleFile { path, interval, folder, .. } = *file;
        Some(discover::CandleFile { path: path.clone(), symbol, interval: *interval, folder: folder.clone() })
    };
    let found: Vec<discover::CandleFile> = files.iter().filter_map(place).collect();
    let choice = choose_knowing(&asked, &found, extents).map_err(|error| error.to_string())?;
    Ok((choice.folders, choice.warnings))
}
