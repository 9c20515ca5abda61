//! Which files hold candles or funding, by name and place, whatever their symbol. The same places as a run's, which
//! knows its symbols beforehand; here the symbol is the file's name up to its interval, else up to the first `_`.

use super::{AuditQuery, Finding, Kind};
use crate::market::MarketError;
use crate::market::recorded::discover::{files_below, folder_names, is_funding_archive, named_interval, place, stem};
use crate::market::recorded::read::infer_interval;
use std::path::{Path, PathBuf};
use swarm_core::model::Interval;

/// A file of candles.
pub(super) struct CandleFile {
    pub path: PathBuf,
    pub symbol: String,
    pub interval: Interval,
    /// The folder that stands for the venue.
    pub folder: PathBuf,
}

/// A file of funding payments.
pub(super) struct FundingFile {
    pub path: PathBuf,
    pub symbol: String,
}

/// What a directory holds.
#[derive(Default)]
pub(super) struct Found {
    pub candles: Vec<CandleFile>,
    pub funding: Vec<FundingFile>,
    /// Candle files of which not even the interval can be told.
    pub faults: Vec<Finding>,
    /// Files that are neither.
    pub others: usize,
}

pub(super) fn find(query: &AuditQuery) -> Result<Found, MarketError> {
    let dir = &query.dir;
    let real = dir.canonicalize().map_err(|error| MarketError::io(dir, &error))?;
    if !real.is_dir() {
        return Err(MarketError::about(dir, "is not a directory", "name the directory that holds the files"));
    }
    // A directory at or below `funding` holds funding only.
    let below_funding = folder_names(&real.join("file")).iter().any(|name| name == "funding");
    let mut found = Found::default();
    for relative in files_below(dir)? {
        let Some((symbol, rest)) = symbol_of(&relative) else {
            found.others += 1;
            continue;
        };
        if !query.symbols.is_empty() && !query.symbols.contains(&symbol) {
            continue;
        }
        let path = dir.join(&relative);
        let is_below = below_funding || folder_names(&relative).iter().any(|name| name == "funding");
        if is_below || is_funding_archive(&rest) {
            found.funding.push(FundingFile { path, symbol });
            continue;
        }
        let parent = || path.parent().unwrap_or(dir).to_owned();
        let (interval, folder) = match (named_interval(&rest), place(dir, &real, &relative)) {
            (Some(interval), place) => (interval, place.map_or_else(parent, |(_, folder)| folder)),
            (None, Some(place)) => place,
            // `SYMBOL_*` outside of an interval folder may be trades, books or anything else.
            (None, None) if !rest.is_empty() => {
                found.others += 1;
                continue;
            }
            (None, None) => match infer_interval(&path) {
                Ok(interval) => (interval, parent()),
                // Another table that happens to have a name in capitals.
                Err(error) if query.symbols.is_empty() && error.what.starts_with("column 1 is") => {
                    found.others += 1;
                    continue;
                }
                Err(error) => {
                    found.faults.push(unreadable(&path, &symbol, &error));
                    continue;
                }
            },
        };
        if query.interval.is_none_or(|wanted| wanted == interval) {
            found.candles.push(CandleFile { path, symbol, interval, folder });
        }
    }
    Ok(found)
}

/// What a file that cannot be read has to say.
pub(super) fn unreadable(path: &Path, symbol: &str, error: &MarketError) -> Finding {
    Finding {
        file: Some(path.to_owned()),
        line: error.line,
        ..Finding::error(Kind::Unreadable, symbol, error.what.clone())
    }
}

/// The symbol a file is named after, and what follows in the name.
fn symbol_of(path: &Path) -> Option<(String, String)> {
    let stem = stem(path)?;
    let split = |(at, _): (usize, &str)| {
        (named_interval(&stem[at..]).is_some() || is_funding_archive(&stem[at..])).then_some(at)
    };
    let at = stem.match_indices(['-', '_']).find_map(split).or_else(|| stem.find('_'));
    let (symbol, rest) = stem.split_at(at.unwrap_or(stem.len()));
    let fits = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '-';
    (!symbol.is_empty() && symbol.chars().all(fits)).then(|| (symbol.to_owned(), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_symbol() {
        for (name, symbol) in [
            ("5m/BTCUSDT_20230101-20250630.csv.gz", Some(("BTCUSDT", "_20230101-20250630"))),
            ("1000SHIBUSDT.csv", Some(("1000SHIBUSDT", ""))),
            ("x/BTC-USD_a_b.csv.gz", Some(("BTC-USD", "_a_b"))),
            ("BTCUSDT-5m-2024-01.csv", Some(("BTCUSDT", "-5m-2024-01"))),
            ("BTC-USD-1h-2024.csv", Some(("BTC-USD", "-1h-2024"))),
            ("BTCUSDT_5m.csv.gz", Some(("BTCUSDT", "_5m"))),
            ("BTCUSDT-fundingRate-2024-01.csv", Some(("BTCUSDT", "-fundingRate-2024-01"))),
            ("BTCUSDT-metrics-2024-01.csv", None),
            ("MANIFEST.txt", None),
            ("notes.csv", None),
            ("_x.csv", None),
            (".csv", None),
        ] {
            let expected = symbol.map(|(symbol, rest)| (symbol.to_owned(), rest.to_owned()));
            assert_eq!(symbol_of(Path::new(name)), expected, "{name}");
        }
    }
}
