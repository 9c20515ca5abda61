//! Which recorded funding belongs to the candles that were chosen, joined to one schedule a symbol.
//!
//! The rule: files in a funding folder named after the candles' venue folder come first, then files
//! directly in `funding`, then, if neither the candles nor the funding left a choice of venue, the
//! one folder there is, with a warning. Otherwise a symbol has no funding, with a warning.

use super::Query;
use super::choose::Choice;
use super::discover::FundingFile;
use super::read::read_funding;
use crate::market::MarketError;
use std::collections::BTreeSet;
use std::path::PathBuf;
use swarm_core::model::{FundingSchedule, HOUR_MS, Time};

/// Funding that begins or ends this far inside of the run's time is missing there: the longest time between two
/// payments that venues have, and a little.
const PAYMENT_MS: i64 = 9 * HOUR_MS;

/// The schedules of a run.
#[derive(Debug, Default)]
pub(super) struct Funding {
    /// By symbol; empty where nothing was recorded.
    pub schedules: Vec<FundingSchedule>,
    /// The files read.
    pub sources: Vec<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Reads the funding of all symbols; the time of the run is not looked at.
pub(super) fn read_schedules(query: &Query, choice: &Choice, files: &[FundingFile]) -> Result<Funding, MarketError> {
    let venues: Vec<String> = choice
        .folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    let mut funding = Funding::default();
    for (index, symbol) in query.symbols.iter().enumerate() {
        let of_symbol: Vec<&FundingFile> = files.iter().filter(|file| file.symbol == index).collect();
        let (chosen, warning) = select(symbol, &venues, choice.others, &of_symbol);
        funding.warnings.extend(warning);
        funding.schedules.push(join(&chosen)?);
        funding.sources.extend(chosen.iter().map(|file| file.path.clone()));
    }
    Ok(funding)
}

fn select<'a>(
    symbol: &str,
    venues: &[String],
    others: bool,
    files: &[&'a FundingFile],
) -> (Vec<&'a FundingFile>, Option<String>) {
    let by = |fits: &dyn Fn(&FundingFile) -> bool| -> Vec<&'a FundingFile> {
        files.iter().filter(|file| fits(file)).copied().collect()
    };
    let of_venue = by(&|file| file.below.iter().any(|name| venues.contains(name)));
    if !of_venue.is_empty() {
        return (of_venue, None);
    }
    let direct = by(&|file| file.below.is_empty());
    if !direct.is_empty() {
        return (direct, None);
    }
    let folders: BTreeSet<&[String]> = files.iter().map(|file| file.below.as_slice()).collect();
    let names: Vec<String> = folders.iter().map(|folder| folder.join("/")).collect();
    match (names.as_slice(), others || venues.len() > 1) {
        ([], _) => (Vec::new(), Some(format!("{symbol}: no recorded funding was found, none is paid"))),
        ([name], false) => (files.to_vec(), Some(format!("{symbol}: funding is taken from the folder {name}"))),
        _ => {
            let warning = format!(
                "{symbol}: funding was found in {} but not for the venue of the candles, {}: none is paid",
                names.join(", "),
                venues.join(", ")
            );
            (Vec::new(), Some(warning))
        }
    }
}

fn join(files: &[&FundingFile]) -> Result<FundingSchedule, MarketError> {
    let mut parts = Vec::new();
    for file in files {
        parts.push((read_funding(&file.path)?, file));
    }
    parts.sort_by_key(|(payments, _)| payments.first().map(|payment| payment.0));
    let mut joined: FundingSchedule = Vec::new();
    let mut before: Option<&FundingFile> = None;
    for (payments, file) in parts {
        let overlaps = |last: &(_, _)| payments.first().is_some_and(|first| first.0 <= last.0);
        if let Some(before) = before.filter(|_| joined.last().is_some_and(overlaps)) {
            return Err(MarketError::about(
                &file.path,
                format!("overlaps in time with {}", before.path.display()),
                "remove one of them",
            ));
        }
        joined.extend(payments);
        before = Some(file);
    }
    Ok(joined)
}

/// Says where the funding is of which there are no candles.
pub(super) fn without_candles(mut error: MarketError, query: &Query, files: &[FundingFile]) -> MarketError {
    let place = error.symbol.as_ref().and_then(|symbol| query.symbols.iter().position(|known| known == symbol));
    if let Some(file) = files.iter().find(|file| Some(file.symbol) == place) {
        error.what.push_str(&format!(", though its funding is there ({})", file.path.display()));
    }
    error
}

/// Names symbols whose recorded funding does not cover the run's time.
pub(super) fn beside(query: &Query, schedules: &[FundingSchedule], from: Time, to: Time) -> Vec<String> {
    let one = |(symbol, schedule): (&String, &FundingSchedule)| {
        let (first, last) = (schedule.first()?.0, schedule.last()?.0);
        let late = first.since(from) > PAYMENT_MS;
        let early = to.since(last) > PAYMENT_MS;
        if first >= to || last < from {
            return Some(format!(
                "{symbol}: funding is recorded from {first} to {last}, which is beside the run's {from} to {to}: none is paid"
            ));
        }
        match (late, early) {
            (false, false) => None,
            (true, false) => Some(format!("{symbol}: funding is recorded from {first} on; before that none is paid")),
            (false, true) => Some(format!("{symbol}: funding is recorded until {last}; after that none is paid")),
            (true, true) => {
                Some(format!("{symbol}: funding is recorded from {first} to {last}; outside of that none is paid"))
            }
        }
    };
    query.symbols.iter().zip(schedules).filter_map(one).collect()
}

/// Names symbols whose recorded funding has holes inside of the run's time.
pub(super) fn holes(query: &Query, schedules: &[FundingSchedule], from: Time, to: Time) -> Vec<String> {
    let one = |(symbol, schedule): (&String, &FundingSchedule)| {
        let inside =
            |pair: &&[(Time, _)]| pair[1].0.since(pair[0].0) > PAYMENT_MS && pair[1].0 > from && pair[0].0 < to;
        let holes: Vec<&[(Time, _)]> = schedule.windows(2).filter(inside).collect();
        let first = holes.first()?;
        Some(format!(
            "{symbol}: {} hole(s) in the recorded funding, the first between {} and {}: nothing is paid in them",
            holes.len(),
            first[0].0,
            first[1].0,
        ))
    };
    query.symbols.iter().zip(schedules).filter_map(one).collect()
}
