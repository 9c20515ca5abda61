//! Other markets out of one: cut off, with another future, begun later. Knows nothing of rules.

use crate::market::{Gap, Recording};
use std::sync::Arc;
use swarm_core::model::{Candle, Interval, Price, Rate, Time};

/// Candles that are kept after a cut where the future is replaced: enough to be peeked at.
const OTHER_FUTURE_CANDLES: i64 = 500;
/// The other future is the recorded one turned upside down, this much higher.
const OTHER_LEVEL: f64 = 1.03;
/// It trades this many times the volume.
const OTHER_VOLUME: f64 = 3.0;

/// Moments after which the future is changed, from the market alone: at quarter, half, two thirds, three quarters and
/// before the last candle. `highest` is the longest interval of the swarm: one cut lies at its end, the others inside of
/// one of its candles: after the first base candle, in the middle, before the last.
pub(super) fn cuts(market: &Recording, highest: Interval) -> Vec<Time> {
    let (base, high) = (market.interval.ms(), highest.ms());
    let length = market.to.since(market.from);
    let at = |parts: i64, of: i64| market.from.plus(length / of * parts).floor(high);
    let mut cuts = vec![
        at(1, 4).plus(base),
        at(1, 2).plus((high / base / 2).max(1) * base),
        at(2, 3).plus(high - base),
        at(3, 4),
        market.to.plus(-base),
    ];
    cuts.retain(|cut| *cut > market.from && *cut < market.to);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Open times at which the series begins anew: a base candle later, off the grid of the longest interval, and after a
/// fifth and a third of the time, as far as `room` steps remain.
pub(super) fn starts(market: &Recording, highest: Interval, room: usize) -> Vec<Time> {
    let (base, high) = (market.interval.ms(), highest.ms());
    let length = market.to.since(market.from);
    let latest = market.to.plus(-(i64::try_from(room).unwrap_or(i64::MAX / base) * base));
    let mut starts = vec![
        market.from.plus(base),
        market.from.plus((high / base / 2).max(2) * base),
        market.from.plus(length / 5).floor(high).plus(base),
        market.from.plus(length / 3).floor(high).plus(high - base),
        market.from.plus(length / 2).floor(high),
    ];
    starts.retain(|start| *start > market.from && *start <= latest);
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The market as it was known at `cut`.
pub(super) fn truncated(market: &Recording, cut: Time) -> Arc<Recording> {
    Arc::new(within(market, market.from, cut))
}

/// The market without what was before `start`.
pub(super) fn started(market: &Recording, start: Time) -> Arc<Recording> {
    Arc::new(within(market, start, market.to))
}

/// The same up to `cut`, and another future after it.
pub(super) fn replaced(market: &Recording, cut: Time) -> Arc<Recording> {
    let end = cut.plus(OTHER_FUTURE_CANDLES * market.interval.ms()).min(market.to);
    let mut other = within(market, market.from, end);
    for series in &mut other.series {
        let first = series.partition_point(|candle| candle.open_time < cut);
        let Some(anchor) = series.get(first.saturating_sub(1)).map(|candle| candle.close) else { continue };
        series[first..].iter_mut().for_each(|candle| *candle = upside_down(candle, anchor));
    }
    for (at, rate) in other.funding.iter_mut().flatten() {
        if *at >= cut {
            *rate = Rate::bps(1) - *rate;
        }
    }
    Arc::new(other)
}

fn within(market: &Recording, from: Time, to: Time) -> Recording {
    let base = market.interval;
    let part = |series: &Vec<Candle>| -> Vec<Candle> {
        let first = series.partition_point(|candle| candle.open_time < from);
        let end = series.partition_point(|candle| candle.close_time(base) <= to);
        series.get(first..end).unwrap_or_default().to_vec()
    };
    Recording {
        interval: base,
        symbols: market.symbols.clone(),
        series: market.series.iter().map(part).collect(),
        funding: market
            .funding
            .iter()
            .map(|schedule| schedule.iter().filter(|(at, _)| (from..to).contains(at)).copied().collect())
            .collect(),
        gaps: market
            .gaps
            .iter()
            .map(|gaps| gaps.iter().filter(|gap: &&Gap| gap.from >= from && gap.to <= to).copied().collect())
            .collect(),
        from,
        to,
        warnings: Vec::new(),
        sources: Vec::new(),
        funding_sources: Vec::new(),
    }
}

/// A candle mirrored at `anchor`: what rose falls by the same factor.
fn upside_down(candle: &Candle, anchor: Price) -> Candle {
    let mirrored = |price: Price| {
        let value = anchor.to_f64() / price.to_f64() * anchor.to_f64() * OTHER_LEVEL;
        Price::from_f64(value).filter(|price| *price > Price::ZERO).unwrap_or(price)
    };
    let (open, close) = (mirrored(candle.open), mirrored(candle.close));
    let (high, low) = (mirrored(candle.low), mirrored(candle.high));
    Candle {
        open_time: candle.open_time,
        open,
        high: high.max(open).max(close),
        low: low.min(open).min(close),
        close,
        volume: candle.volume * OTHER_VOLUME + 1.0,
    }
}
