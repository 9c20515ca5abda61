//! From the checked rows of several files to one series a symbol: joined, aggregated to the base
//! interval, cut to the run's time, its holes counted. Knows no file format and no folder.

use super::choose::overlapping;
use super::discover::CandleFile;
use super::read::{Segment, read_candles};
use super::{Gap, Query};
use crate::market::MarketError;
use crate::side_by_side;
use std::path::Path;
use swarm_core::model::{Candle, Interval, Time};

/// How many holes a warning names.
const GAPS_LISTED: usize = 3;

/// One symbol's candles of the base interval, with the range its files have.
#[derive(Debug)]
pub(super) struct Series {
    /// Ascending, each time once.
    pub candles: Vec<Candle>,
    /// Open time of the first row in the files, rounded down to the base interval.
    pub start: Time,
    /// Close time of the last row in the files.
    pub end: Time,
}

/// Reads the files of all symbols, by symbol, on as many threads as the machine has cores. Of several faults the first
/// symbol's is told, whichever was found first.
pub(super) fn read_all(query: &Query, files: &[Vec<CandleFile>]) -> Result<Vec<Series>, MarketError> {
    side_by_side::map(files, side_by_side::threads(), |files| read_series(query, files)).into_iter().collect()
}

/// Reads the files of one symbol, all of one interval.
fn read_series(query: &Query, files: &[CandleFile]) -> Result<Series, MarketError> {
    let (from, to) = (query.from.unwrap_or(Time(i64::MIN)), query.to.unwrap_or(Time(i64::MAX)));
    let base = query.base;
    let mut segments: Vec<(Segment, &CandleFile)> = Vec::new();
    for file in files {
        // By the base candle that a row belongs to, so that no group is cut.
        let keep = |open_time: Time| (from..to).contains(&open_time.floor(base.ms()));
        segments.push((read_candles(&file.path, file.interval, keep)?, file));
    }
    segments.sort_by_key(|(segment, _)| segment.first);
    if let Some(pair) = segments.windows(2).find(|pair| pair[1].0.first <= pair[0].0.last) {
        return Err(overlapping(pair[0].1, pair[1].1));
    }
    let (first, last) = (&segments[0], &segments[segments.len() - 1]);
    let start = first.0.first.floor(base.ms());
    let end = last.0.last.plus(last.1.interval.ms());
    let fine = files[0].interval;
    let mut parts = segments.into_iter().map(|(segment, _)| segment.candles);
    let mut candles = parts.next().unwrap_or_default();
    parts.for_each(|part| candles.extend(part));
    Ok(Series { candles: if fine == base { candles } else { aggregate(&candles, fine, base) }, start, end })
}

/// Candles of `base` from those of `fine`, which divides it; a group with a hole gives none.
fn aggregate(candles: &[Candle], fine: Interval, base: Interval) -> Vec<Candle> {
    let whole = (base.ms() / fine.ms()) as usize;
    candles
        .chunk_by(|one, other| one.open_time.floor(base.ms()) == other.open_time.floor(base.ms()))
        .filter(|group| group.len() == whole)
        .map(|group| Candle {
            open_time: group[0].open_time,
            open: group[0].open,
            high: group.iter().map(|candle| candle.high).fold(group[0].high, Ord::max),
            low: group.iter().map(|candle| candle.low).fold(group[0].low, Ord::min),
            close: group[whole - 1].close,
            volume: group.iter().map(|candle| candle.volume).sum(),
        })
        .collect()
}

/// Cuts all series to the run's time: what was asked for, and on a side where nothing was asked for,
/// what all symbols have. An error says what there is.
pub(super) fn cut(query: &Query, dir: &Path, series: &mut [Series]) -> Result<(), MarketError> {
    let start = series.iter().map(|series| series.start).max().unwrap_or_default();
    let end = series.iter().map(|series| series.end).min().unwrap_or_default();
    let (from, to) = (query.from.unwrap_or(start), query.to.unwrap_or(end));
    for series in series.iter_mut() {
        let keep = series.candles.partition_point(|candle| candle.open_time < from)
            ..series.candles.partition_point(|candle| candle.open_time < to);
        if !(keep.start == 0 && keep.end == series.candles.len()) {
            series.candles.truncate(keep.end.max(keep.start));
            series.candles.drain(..keep.start);
        }
    }
    let Some(empty) = series.iter().position(|series| series.candles.is_empty()) else { return Ok(()) };
    let ranges: Vec<String> = query
        .symbols
        .iter()
        .zip(series.iter())
        .map(|(symbol, series)| format!("{symbol} from {} to {}", series.start, series.end))
        .collect();
    let what = if query.from.is_none() && query.to.is_none() {
        "holds no whole candle at a time that all symbols have".to_owned()
    } else {
        format!("holds no {} candle of {} from {from} to {to}", query.base, query.symbols[empty])
    };
    Err(MarketError::about(
        dir,
        format!("{what}; it has {}", ranges.join(", ")),
        "change --from and --to, or the symbols",
    ))
}

/// The holes inside a series.
pub(super) fn gaps(candles: &[Candle], base: Interval) -> Vec<Gap> {
    candles
        .windows(2)
        .filter_map(|pair| {
            let (from, to) = (pair[0].close_time(base), pair[1].open_time);
            (to > from).then(|| Gap { from, to, candles: (to.since(from) / base.ms()) as u64 })
        })
        .collect()
}

/// One line about the holes of a symbol, the first few with their place.
pub(super) fn describe_gaps(symbol: &str, gaps: &[Gap]) -> Option<String> {
    if gaps.is_empty() {
        return None;
    }
    let missing: u64 = gaps.iter().map(|gap| gap.candles).sum();
    let mut places: Vec<String> =
        gaps.iter().take(GAPS_LISTED).map(|gap| format!("{} to {} ({})", gap.from, gap.to, gap.candles)).collect();
    if gaps.len() > GAPS_LISTED {
        places.push(format!("and {} more", gaps.len() - GAPS_LISTED));
    }
    Some(format!("{symbol}: {} gap(s), {missing} candle(s) missing: {}", gaps.len(), places.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use swarm_core::model::{MINUTE_MS, Price};

    fn minute(place: i64) -> Candle {
        let price = |units: i64| Price::whole(1_000 + units);
        Candle {
            open_time: Time(place * MINUTE_MS),
            open: price(place % 7),
            high: price(8 + place % 11),
            low: price(-(place % 5)),
            close: price(place % 3),
            volume: place as f64,
        }
    }

    proptest! {
        #[test]
        fn a_whole_group_gives_one_candle_and_a_broken_one_a_hole(places in proptest::collection::btree_set(0i64..60, 5..60)) {
            let fine: Vec<Candle> = places.iter().map(|&place| minute(place)).collect();
            let candles = aggregate(&fine, Interval::M1, Interval::M5);
            let whole: BTreeSet<i64> = (0..12).filter(|group| (0..5).all(|at| places.contains(&(group * 5 + at)))).collect();
            let given: BTreeSet<i64> = candles.iter().map(|candle| candle.open_time.0 / Interval::M5.ms()).collect();
            prop_assert_eq!(&given, &whole);
            for candle in &candles {
                let first = candle.open_time.0 / MINUTE_MS;
                let group: Vec<Candle> = (first..first + 5).map(minute).collect();
                prop_assert_eq!((candle.open, candle.close), (group[0].open, group[4].close));
                prop_assert!(group.iter().all(|part| part.high <= candle.high && part.low >= candle.low));
                prop_assert!(group.iter().any(|part| part.high == candle.high) && candle.fault().is_none());
                prop_assert_eq!(candle.volume, group.iter().map(|part| part.volume).sum::<f64>());
            }
            let missing: u64 = gaps(&candles, Interval::M5).iter().map(|gap| gap.candles).sum();
            if let (Some(first), Some(last)) = (whole.first(), whole.last()) {
                prop_assert_eq!(missing as i64, last - first + 1 - whole.len() as i64);
            }
        }
    }
}
