//! Which files below a directory hold candles or funding of the wanted symbols, by their names and
//! folders. Opens a file only to tell the interval of one that neither its name nor its folder tells.

use super::read::infer_interval;
use crate::market::MarketError;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use swarm_core::model::Interval;

/// A file of candles.
#[derive(Clone, Debug)]
pub(in crate::market) struct CandleFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which of the wanted symbols.
    pub symbol: usize,
    /// Length of its candles: the name of its folder, else told from its rows.
    pub interval: Interval,
    /// The folder that stands for the venue: the one above the interval folder, else its own.
    pub folder: PathBuf,
}

/// A file of funding payments.
#[derive(Clone, Debug)]
pub(super) struct FundingFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which of the wanted symbols.
    pub symbol: usize,
    /// Names of the folders between `funding` and the file, or of all above a file that its name alone tells.
    pub below: Vec<String>,
}

/// What a directory holds of the wanted symbols.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Candle files by path.
    pub candles: Vec<CandleFile>,
    /// Funding files by path.
    pub funding: Vec<FundingFile>,
    /// Of a wanted symbol by the beginning of their names, and neither: the symbol and the first such file.
    pub near: Vec<(usize, PathBuf)>,
}

/// Looks through `dir` at any depth.
pub(super) fn discover(dir: &Path, symbols: &[String]) -> Result<Found, MarketError> {
    let real = dir.canonicalize().map_err(|error| MarketError::io(dir, &error))?;
    if !real.is_dir() {
        return Err(MarketError::about(dir, "is not a directory", "name the directory that holds the files"));
    }
    let mut found = Found::default();
    let mut has_funding = false;
    for relative in files_below(dir)? {
        let folders = folder_names(&relative);
        let funding_at = folders.iter().position(|name| name == "funding");
        has_funding |= funding_at.is_some() || stem(&relative).is_some_and(|stem| stem.contains(FUNDING_ARCHIVE));
        let path = dir.join(&relative);
        let Some((symbol, rest)) = wanted_symbol(&relative, symbols) else {
            found.near.extend(begins_with(&relative, symbols).map(|symbol| (symbol, path)));
            continue;
        };
        if let Some(at) = funding_at {
            found.funding.push(FundingFile { path, symbol, below: folders[at + 1..].to_vec() });
            continue;
        }
        if is_funding_archive(&rest) {
            found.funding.push(FundingFile { path, symbol, below: folders });
            continue;
        }
        let parent = || path.parent().unwrap_or(dir).to_owned();
        let (interval, folder) = match (named_interval(&rest), place(dir, &real, &relative)) {
            (Some(interval), place) => (interval, place.map_or_else(parent, |(_, folder)| folder)),
            (None, Some(place)) => place,
            (None, None) if rest.is_empty() => (infer_interval(&path)?, parent()),
            // `SYMBOL_*` outside of an interval folder may be trades, books or anything else.
            (None, None) => {
                found.near.push((symbol, path));
                continue;
            }
        };
        found.candles.push(CandleFile { path, symbol, interval, folder });
    }
    if !has_funding && let Some(twin) = funding_twin(&real) {
        found.funding = funding_below(&twin, symbols)?;
    }
    Ok(found)
}

/// The interval folder that holds a file directly, and the folder above it.
pub(in crate::market) fn place(dir: &Path, real: &Path, relative: &Path) -> Option<(Interval, PathBuf)> {
    let parent = relative.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = parent.map_or(real.file_name(), Path::file_name)?;
    let interval = name.to_str()?.parse().ok()?;
    let folder = match parent {
        Some(parent) => match parent.parent().filter(|above| !above.as_os_str().is_empty()) {
            Some(above) => dir.join(above),
            None => dir.to_owned(),
        },
        None => real.parent()?.to_owned(),
    };
    Some((interval, folder))
}

/// For `.../klines/VENUE` without a funding folder inside: `.../funding/VENUE`, if it exists. An
/// interval folder at the end is left out, as funding has none.
fn funding_twin(real: &Path) -> Option<PathBuf> {
    let parts: Vec<&OsStr> = real.iter().collect();
    let at = parts.iter().rposition(|part| *part == "klines")?;
    let twin = |parts: &[&OsStr]| -> Option<PathBuf> {
        let path: PathBuf = parts
            .iter()
            .enumerate()
            .map(|(index, part)| if index == at { OsStr::new("funding") } else { part })
            .collect();
        path.is_dir().then_some(path)
    };
    let ends_in_interval = parts.len() > at + 1 && parts.last()?.to_str()?.parse::<Interval>().is_ok();
    twin(&parts).or_else(|| if ends_in_interval { twin(&parts[..parts.len() - 1]) } else { None })
}

fn funding_below(root: &Path, symbols: &[String]) -> Result<Vec<FundingFile>, MarketError> {
    let names = folder_names(&root.join("file"));
    let at = names.iter().rposition(|name| name == "funding").unwrap_or(0);
    let mut funding = Vec::new();
    for relative in files_below(root)? {
        if let Some((symbol, _)) = wanted_symbol(&relative, symbols) {
            let mut below = names[at + 1..].to_vec();
            below.extend(folder_names(&relative));
            funding.push(FundingFile { path: root.join(&relative), symbol, below });
        }
    }
    Ok(funding)
}

/// The wanted symbol a file is named after, and what follows in the name: `SYMBOL.csv`, `SYMBOL_anything.csv`,
/// `SYMBOL-INTERVAL-anything.csv`, `SYMBOL-fundingRate-anything.csv`, each also with `.gz`. The longest symbol wins.
fn wanted_symbol(path: &Path, symbols: &[String]) -> Option<(usize, String)> {
    let stem = stem(path)?;
    let fits = |symbol: &str| {
        let rest = stem.strip_prefix(symbol);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('_') || named_interval(rest).is_some() || is_funding_archive(rest)
        })
    };
    let (index, symbol) =
        symbols.iter().enumerate().filter(|(_, symbol)| fits(symbol)).max_by_key(|(_, symbol)| symbol.len())?;
    Some((index, stem[symbol.len()..].to_owned()))
}

/// The name of a table without `.csv`, `.csv.gz` and `.zip`.
pub(in crate::market) fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    if let Some(packed) = name.strip_suffix(".zip") {
        return Some(packed.strip_suffix(".csv").unwrap_or(packed));
    }
    name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv")
}

/// The interval that a name has right behind its symbol, as in Binance's archive: `-5m-2024-01` and `_5m` are of 5m.
pub(in crate::market) fn named_interval(rest: &str) -> Option<Interval> {
    const BETWEEN: [char; 2] = ['-', '_'];
    rest.strip_prefix(BETWEEN)?.split(BETWEEN).next()?.parse().ok()
}

/// What Binance's archive calls files of funding payments, behind the symbol.
const FUNDING_ARCHIVE: &str = "-fundingRate-";

/// Whether a name that goes on like this behind its symbol is that of funding payments in Binance's archive.
pub(in crate::market) fn is_funding_archive(rest: &str) -> bool {
    rest.starts_with(FUNDING_ARCHIVE)
}

/// The wanted symbol that a name of any kind begins with, in whatever case.
fn begins_with(path: &Path, symbols: &[String]) -> Option<usize> {
    let name = path.file_name()?.to_str()?.to_uppercase();
    symbols.iter().position(|symbol| name.starts_with(symbol.as_str()))
}

/// Says which file looks as if it were of the symbol that has no candles, and is not read.
pub(super) fn with_near(mut error: MarketError, symbols: &[String], near: &[(usize, PathBuf)]) -> MarketError {
    let wanted = error.symbol.as_ref().and_then(|symbol| symbols.iter().position(|known| known == symbol));
    if let Some((_, path)) = near.iter().find(|(symbol, _)| Some(*symbol) == wanted) {
        error.what.push_str(&format!(" that can be read; {} is not one by its name", path.display()));
    }
    error
}

pub(in crate::market) fn folder_names(file: &Path) -> Vec<String> {
    file.parent().into_iter().flat_map(Path::iter).map(|name| name.to_string_lossy().into_owned()).collect()
}

/// All files at any depth, relative to `dir`, in order of path. Hidden ones are left out; a folder
/// reached twice through links is entered once.
pub(in crate::market) fn files_below(dir: &Path) -> Result<Vec<PathBuf>, MarketError> {
    let mut files = Vec::new();
    let mut entered = BTreeSet::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(relative) = waiting.pop() {
        let path = dir.join(&relative);
        let io = |error: std::io::Error| MarketError::io(&path, &error);
        if !entered.insert(path.canonicalize().map_err(io)?) {
            continue;
        }
        for entry in path.read_dir().map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            // Follows links; one that leads nowhere is not data.
            match path.join(&name).metadata() {
                Ok(data) if data.is_dir() => waiting.push(relative.join(name)),
                Ok(data) if data.is_file() => files.push(relative.join(name)),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}
