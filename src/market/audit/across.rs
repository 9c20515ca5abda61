//! Series against each other: a shorter interval added up against a longer one, one venue against another. Knows no
//! file.

use super::finding::as_text;
use super::{Audit, Finding, Kind, Series};
use serde::Serialize;
use std::path::PathBuf;
use swarm_core::model::{Candle, Interval, Time};

/// Relative difference of volumes that rounding explains.
const VOLUME_TOLERANCE: f64 = 1e-6;
/// Median difference of closes between venues from which it is told.
const VENUES_MEDIAN: f64 = 0.002;
/// Largest difference of closes between venues from which it is told.
const VENUES_MAX: f64 = 0.02;
/// Candles that differ are named up to this many.
const NAMED: usize = 3;

/// Candles of a shorter interval, added up, against those of a longer one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BetweenIntervals {
    /// Whose candles.
    pub folder: PathBuf,
    /// Of which symbol.
    pub symbol: String,
    /// The shorter one.
    pub fine: Interval,
    /// The longer one.
    pub coarse: Interval,
    /// Candles of the longer one for which all of the shorter are there.
    pub compared: u64,
    /// Of these, how many differ in anything.
    pub differing: u64,
    /// In the open.
    pub open: u64,
    /// In the high.
    pub high: u64,
    /// In the low.
    pub low: u64,
    /// In the close.
    pub close: u64,
    /// In the volume.
    pub volume: u64,
}

/// The same symbol and interval in two folders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BetweenVenues {
    /// Of which symbol.
    pub symbol: String,
    /// Of which candles.
    pub interval: Interval,
    /// The one.
    pub one: PathBuf,
    /// The other.
    pub other: PathBuf,
    /// From when both have candles.
    #[serde(serialize_with = "as_text")]
    pub from: Option<Time>,
    /// Until when.
    #[serde(serialize_with = "as_text")]
    pub to: Option<Time>,
    /// Candles that both have.
    pub compared: u64,
    /// Candles in that time that only the other has.
    pub missing_in_one: u64,
    /// Candles in that time that only the one has.
    pub missing_in_other: u64,
    /// Median difference of the closes, as a share of the price.
    pub median: f64,
    /// Largest difference of the closes, as a share of the price.
    pub max: f64,
    /// At which candle it is largest.
    #[serde(serialize_with = "as_text")]
    pub max_at: Option<Time>,
}

/// Each interval against every shorter one of the same folder that adds up to it: they may be of different times.
pub(super) fn intervals(symbol: &str, series: &[Series], audit: &mut Audit) {
    for coarse in series {
        let divides = |fine: &&Series| {
            fine.folder == coarse.folder && fine.interval < coarse.interval && fine.interval.divides(coarse.interval)
        };
        for fine in series.iter().filter(divides) {
            pair(symbol, fine, coarse, audit);
        }
    }
}

fn pair(symbol: &str, fine: &Series, coarse: &Series, audit: &mut Audit) {
    let (result, places) = add_up(symbol, fine, coarse);
    if result.compared == 0 {
        return;
    }
    if let (Some(first), Some(last)) = (places.first(), places.last()) {
        let BetweenIntervals { compared, differing, open, high, low, close, volume, .. } = result;
        let named: Vec<String> = places.iter().take(NAMED).map(Time::to_string).collect();
        let what = format!(
            "{differing} of {compared} candles are not what {} adds up to (open {open}, high {high}, low {low}, close \
                 {close}, volume {volume}), first {}",
            fine.interval,
            named.join(", ")
        );
        audit.findings.push(Finding {
            file: Some(coarse.folder.clone()),
            interval: Some(coarse.interval),
            from: Some(*first),
            to: Some(last.plus(coarse.interval.ms())),
            count: differing,
            ..Finding::warning(Kind::Intervals, symbol, what)
        });
    }
    audit.intervals.push(result);
}

fn add_up(symbol: &str, fine: &Series, coarse: &Series) -> (BetweenIntervals, Vec<Time>) {
    let mut result = BetweenIntervals {
        folder: coarse.folder.clone(),
        symbol: symbol.to_owned(),
        fine: fine.interval,
        coarse: coarse.interval,
        compared: 0,
        differing: 0,
        open: 0,
        high: 0,
        low: 0,
        close: 0,
        volume: 0,
    };
    let mut places = Vec::new();
    let ms = coarse.interval.ms();
    let whole = usize::try_from(ms / fine.interval.ms()).unwrap_or(usize::MAX);
    let mut wanted = coarse.candles.iter().peekable();
    for group in fine.candles.chunk_by(|one, other| one.open_time.floor(ms) == other.open_time.floor(ms)) {
        if group.len() != whole {
            continue;
        }
        let open_time = group[0].open_time;
        while wanted.next_if(|candle| candle.open_time < open_time).is_some() {}
        let Some(candle) = wanted.next_if(|candle| candle.open_time == open_time) else { continue };
        result.compared += 1;
        let high = group.iter().map(|candle| candle.high).max().unwrap_or(candle.high);
        let low = group.iter().map(|candle| candle.low).min().unwrap_or(candle.low);
        let volume: f64 = group.iter().map(|candle| candle.volume).sum();
        let differs = [
            group[0].open != candle.open,
            high != candle.high,
            low != candle.low,
            group[whole - 1].close != candle.close,
            (volume - candle.volume).abs() > VOLUME_TOLERANCE * volume.max(candle.volume),
        ];
        let counts = [&mut result.open, &mut result.high, &mut result.low, &mut result.close, &mut result.volume];
        counts.into_iter().zip(differs).for_each(|(count, differs)| *count += u64::from(differs));
        if differs.contains(&true) {
            result.differing += 1;
            places.push(open_time);
        }
    }
    (result, places)
}

/// Every pair of folders that have the same interval.
pub(super) fn venues(symbol: &str, series: &[Series], audit: &mut Audit) {
    for (place, one) in series.iter().enumerate() {
        for other in series[place + 1..].iter().filter(|other| other.interval == one.interval) {
            let Some(result) = between(symbol, one, other) else { continue };
            if result.median > VENUES_MEDIAN || result.max > VENUES_MAX {
                let what = format!(
                    "closes in {} and {} differ by {:.3} % in the median and {:.2} % at most",
                    one.folder.display(),
                    other.folder.display(),
                    result.median * 100.0,
                    result.max * 100.0,
                );
                audit.findings.push(Finding {
                    interval: Some(one.interval),
                    from: result.max_at,
                    to: result.max_at.map(|at| at.plus(one.interval.ms())),
                    count: result.compared,
                    ..Finding::warning(Kind::Venues, symbol, what)
                });
            }
            audit.venues.push(result);
        }
    }
}

fn between(symbol: &str, one: &Series, other: &Series) -> Option<BetweenVenues> {
    let from = one.candles.first()?.open_time.max(other.candles.first()?.open_time);
    let last = one.candles.last()?.open_time.min(other.candles.last()?.open_time);
    let inside = |series: &[Candle]| {
        let range = series.partition_point(|candle| candle.open_time < from)
            ..series.partition_point(|candle| candle.open_time <= last);
        range.clone().len().checked_sub(1).map(|_| range)
    };
    let (left, right) = (&one.candles[inside(&one.candles)?], &other.candles[inside(&other.candles)?]);
    let mut differences: Vec<(f64, Time)> = Vec::new();
    let mut theirs = right.iter().peekable();
    for candle in left {
        while theirs.next_if(|their| their.open_time < candle.open_time).is_some() {}
        if let Some(their) = theirs.next_if(|their| their.open_time == candle.open_time) {
            differences.push(((their.close.to_f64() / candle.close.to_f64() - 1.0).abs(), candle.open_time));
        }
    }
    let compared = differences.len();
    if compared == 0 {
        return None;
    }
    let (max, max_at) = differences
        .iter()
        .copied()
        .fold((0.0, None), |(max, at), (size, time)| if size > max { (size, Some(time)) } else { (max, at) });
    let middle = compared / 2;
    let (_, median, _) = differences.select_nth_unstable_by(middle, |one, other| one.0.total_cmp(&other.0));
    Some(BetweenVenues {
        symbol: symbol.to_owned(),
        interval: one.interval,
        one: one.folder.clone(),
        other: other.folder.clone(),
        from: Some(from),
        to: Some(last.plus(one.interval.ms())),
        compared: compared as u64,
        missing_in_one: (right.len() - compared) as u64,
        missing_in_other: (left.len() - compared) as u64,
        median: median.0,
        max,
        max_at,
    })
}
