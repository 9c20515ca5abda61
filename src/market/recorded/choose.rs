//! Which of the files found make up the run: the interval to read and, where several folders hold
//! the same symbols, whose candles are taken.
//!
//! The rule. Files of exactly the base interval are taken, else of the longest interval that divides
//! it; one interval for all symbols where there is one. A folder (the one above the interval
//! folders) stands for a venue. If the files wanted lie in several folders, then in this order:
//!
//! 1. Where no two files of a symbol overlap and no hole longer than a day lies between files of
//!    different folders, they are parts of one series and are joined.
//! 2. Of the folders that hold all symbols, the one with the longest time common to all (inside of
//!    `from` and `to` where given) is taken, and a warning names what was left aside. Two folders
//!    that are equally long are an error.
//! 3. If no folder holds all symbols, files are joined where no two of a symbol overlap; two that do
//!    are an error that names both.

use super::Query;
use super::discover::CandleFile;
use super::read::read_extent;
use crate::market::MarketError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use swarm_core::model::{DAY_MS, Interval, Time};

/// The files of a run.
#[derive(Debug)]
pub(in crate::market) struct Choice {
    /// By symbol; the files of a symbol have one interval.
    pub files: Vec<Vec<CandleFile>>,
    /// The folders they lie in.
    pub folders: Vec<PathBuf>,
    /// Whether other folders held candles of the wanted symbols too.
    pub others: bool,
    /// What the user should know about the choice.
    pub warnings: Vec<String>,
}

/// Applies the rule above.
pub(super) fn choose(query: &Query, found: &[CandleFile]) -> Result<Choice, MarketError> {
    choose_knowing(query, found, &mut Extents::default())
}

/// The same, where the times of files are known already.
pub(in crate::market) fn choose_knowing(
    query: &Query,
    found: &[CandleFile],
    extents: &mut Extents,
) -> Result<Choice, MarketError> {
    let usable: Vec<&CandleFile> = found.iter().filter(|file| file.interval.divides(query.base)).collect();
    for (index, symbol) in query.symbols.iter().enumerate() {
        if !usable.iter().any(|file| file.symbol == index) {
            return Err(without_candles(query, symbol, found.iter().filter(|file| file.symbol == index)));
        }
    }
    let all: BTreeSet<&Path> = usable.iter().map(|file| file.folder.as_path()).collect();
    let merged = pick(query, &usable);
    if folders_of(&merged).len() == 1 {
        return Ok(Choice::of(merged, &all, Vec::new()));
    }
    let joint = Joint::of(&merged, extents)?;
    if joint.overlap.is_none() && !joint.apart {
        let warning = format!("candles are joined from several folders: {}", listed(&folders_of(&merged)));
        return Ok(Choice::of(merged, &all, vec![warning]));
    }
    let complete: Vec<(&Path, Vec<Vec<CandleFile>>)> = all
        .iter()
        .map(|folder| {
            let inside: Vec<&CandleFile> = usable.iter().filter(|file| file.folder == *folder).copied().collect();
            (*folder, pick(query, &inside))
        })
        .filter(|(_, files)| files.iter().all(|files| !files.is_empty()))
        .collect();
    if !complete.is_empty() {
        return longest(query, complete, &all, extents);
    }
    match joint.overlap {
        Some((one, other)) => Err(overlapping(&one, &other)),
        None => {
            let warning = format!(
                "no folder holds all symbols; candles are joined from several, with holes of more than a day: {}",
                listed(&folders_of(&merged))
            );
            Ok(Choice::of(merged, &all, vec![warning]))
        }
    }
}

/// The refusal of two files that tell of the same time.
pub(super) fn overlapping(one: &CandleFile, other: &CandleFile) -> MarketError {
    MarketError::about(
        &other.path,
        format!("overlaps in time with {}", one.path.display()),
        "remove one of them, or give the directory of one venue only",
    )
}

impl Choice {
    fn of(files: Vec<Vec<CandleFile>>, all: &BTreeSet<&Path>, warnings: Vec<String>) -> Self {
        let folders: Vec<PathBuf> = folders_of(&files).into_iter().map(Path::to_owned).collect();
        Self { files, others: all.len() > folders.len(), folders, warnings }
    }
}

/// By symbol, the files of one interval: of the longest one that all symbols have, else of the
/// longest one each has.
fn pick(query: &Query, files: &[&CandleFile]) -> Vec<Vec<CandleFile>> {
    let intervals: BTreeSet<Interval> = files.iter().map(|file| file.interval).collect();
    let has =
        |symbol: usize, interval: Interval| files.iter().any(|file| file.symbol == symbol && file.interval == interval);
    let symbols = 0..query.symbols.len();
    let shared = intervals.iter().rev().find(|&&interval| symbols.clone().all(|symbol| has(symbol, interval)));
    symbols
        .map(|symbol| {
            let interval = shared.or_else(|| intervals.iter().rev().find(|&&interval| has(symbol, interval)));
            let wanted = |file: &&&CandleFile| file.symbol == symbol && Some(&file.interval) == interval;
            files.iter().filter(wanted).map(|&file| file.clone()).collect()
        })
        .collect()
}

/// How the files of several folders lie to each other.
struct Joint {
    /// Two files of one symbol that tell of the same time.
    overlap: Option<(CandleFile, CandleFile)>,
    /// Whether more than a day lies between files of different folders.
    apart: bool,
}

impl Joint {
    fn of(files: &[Vec<CandleFile>], extents: &mut Extents) -> Result<Self, MarketError> {
        let mut joint = Self { overlap: None, apart: false };
        for files in files {
            let mut spans = Vec::new();
            for file in files {
                spans.push((extents.of(file)?, file));
            }
            spans.sort_by_key(|(span, _)| *span);
            for pair in spans.windows(2) {
                let (((_, end), one), ((start, _), other)) = (pair[0], pair[1]);
                if start < end && joint.overlap.is_none() {
                    joint.overlap = Some((one.clone(), other.clone()));
                }
                joint.apart |= one.folder != other.folder && start.since(end) > DAY_MS;
            }
        }
        Ok(joint)
    }
}

/// Of several folders with all symbols, the one that covers the most.
fn longest(
    query: &Query,
    complete: Vec<(&Path, Vec<Vec<CandleFile>>)>,
    all: &BTreeSet<&Path>,
    extents: &mut Extents,
) -> Result<Choice, MarketError> {
    let mut ranked = Vec::new();
    for (folder, files) in complete {
        let (mut start, mut end) = (Time(i64::MIN), Time(i64::MAX));
        for files in &files {
            let mut spans = Vec::new();
            for file in files {
                spans.push(extents.of(file)?);
            }
            start = start.max(spans.iter().map(|span| span.0).min().unwrap_or(start));
            end = end.min(spans.iter().map(|span| span.1).max().unwrap_or(end));
        }
        let covered = query.to.unwrap_or(end).min(end).since(query.from.unwrap_or(start).max(start)).max(0);
        ranked.push((covered, start, end, folder, files));
    }
    ranked.sort_by_key(|(covered, ..)| std::cmp::Reverse(*covered));
    let described: Vec<String> = ranked
        .iter()
        .map(|(_, start, end, folder, _)| match end > start {
            true => format!("{} from {start} to {end}", folder.display()),
            false => format!("{} at no time", folder.display()),
        })
        .collect();
    if ranked[0].0 == 0 {
        return Err(MarketError::about(
            &query.dir,
            format!("no folder has all symbols in the time asked for; they have: {}", described.join(", ")),
            "change --from and --to, or the symbols",
        ));
    }
    if ranked.len() > 1 && ranked[0].0 == ranked[1].0 {
        return Err(overlapping(&ranked[0].4[0][0], &ranked[1].4[0][0]));
    }
    let (_, start, end, folder, files) = ranked.swap_remove(0);
    let aside: Vec<&Path> = all.iter().filter(|other| **other != folder).copied().collect();
    let warning = format!(
        "candles are taken from {}, which has the longest time common to all symbols, {start} to {end}; left aside: {}",
        folder.display(),
        listed(&aside)
    );
    Ok(Choice::of(files, all, vec![warning]))
}

fn without_candles<'a>(query: &Query, symbol: &str, others: impl Iterator<Item = &'a CandleFile>) -> MarketError {
    let intervals: BTreeSet<Interval> = others.map(|file| file.interval).collect();
    let base = query.base;
    if intervals.is_empty() {
        return MarketError::about(
            &query.dir,
            format!("holds no candles of {symbol}"),
            format!("expected {base}/{symbol}_*.csv[.gz] or {symbol}.csv[.gz] at any depth"),
        )
        .without(symbol);
    }
    let intervals: Vec<String> = intervals.iter().map(Interval::to_string).collect();
    MarketError::about(
        &query.dir,
        format!("holds no {base} candles of {symbol} and none that add up to {base}, only {}", intervals.join(", ")),
        "name one of these intervals in swarm.yaml, or a multiple of one, or add the files",
    )
    .without(symbol)
}

fn folders_of(files: &[Vec<CandleFile>]) -> Vec<&Path> {
    let folders: BTreeSet<&Path> = files.iter().flatten().map(|file| file.folder.as_path()).collect();
    folders.into_iter().collect()
}

fn listed(paths: &[&Path]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Start and end of files, each looked through once.
#[derive(Default)]
pub(in crate::market) struct Extents(pub BTreeMap<PathBuf, (Time, Time)>);

impl Extents {
    fn of(&mut self, file: &CandleFile) -> Result<(Time, Time), MarketError> {
        if let Some(&known) = self.0.get(&file.path) {
            return Ok(known);
        }
        let (first, last) = read_extent(&file.path)?;
        let extent = (first, last.plus(file.interval.ms()));
        self.0.insert(file.path.clone(), extent);
        Ok(extent)
    }
}
