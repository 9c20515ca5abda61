//! A higher interval is seen only once its candle has closed, whatever the intervals and wherever the series begins.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::hub::*;
use swarm_core::features::{Feature, Hub, Slot, Wants};
use swarm_core::model::{Candle, GapPolicy, Interval, Price};

/// A hub with close, volume and a mean of three candles of one interval.
fn hub_on(interval: Interval) -> (Hub, [Slot; 3]) {
    let mut wants = Wants::default();
    let features = [Feature::Close, Feature::Volume, Feature::Sma { period: 3 }];
    let slots = features.map(|feature| wants.want(interval, feature));
    (Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap(), slots)
}

fn seen(hub: &Hub, slots: &[Slot; 3]) -> [Option<f64>; 3] {
    slots.map(|slot| value(hub, slot))
}

/// Everything there is to see after each of these candles.
fn history(interval: Interval, candles: &[Candle]) -> Vec<[Option<f64>; 3]> {
    let (mut hub, slots) = hub_on(interval);
    let close = |candle| {
        assert!(hub.close(BTC, candle));
        seen(&hub, &slots)
    };
    candles.iter().map(close).collect()
}

/// The same from the whole series at hand: only groups that are complete and have ended.
fn expected(candles: &[Candle], interval: Interval, upto: usize) -> [Option<f64>; 3] {
    let now = candles[upto].close_time(M5);
    let whole = (interval.ms() / M5.ms()) as usize;
    let closed: Vec<&[Candle]> = candles
        .chunk_by(|one, other| one.open_time.floor(interval.ms()) == other.open_time.floor(interval.ms()))
        .filter(|group| group.len() == whole && group[whole - 1].close_time(M5) <= now)
        .collect();
    let closes: Vec<f64> = closed.iter().map(|group| group[whole - 1].close.to_f64()).collect();
    let volume = closed.last().map(|group| group.iter().map(|candle| candle.volume).sum());
    let mean = closes.len().checked_sub(3).map(|from| closes[from..].iter().sum::<f64>() / 3.0);
    [closes.last().copied(), volume, mean]
}

fn near(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * other.abs(),
        (one, other) => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_seen_is_of_candles_that_have_closed(ratio in 1i64..40, late in 0i64..40, seed in 0u64..1_000) {
        let interval: Interval = format!("{}m", 5 * ratio).parse().unwrap();
        let candles = walk(seed, 200, TEN.plus(late * M5_MS));
        for (place, seen) in history(interval, &candles).iter().enumerate() {
            let expected = expected(&candles, interval, place);
            prop_assert!(seen.iter().zip(expected).all(|(one, other)| near(*one, other)), "{place}: {seen:?}, {expected:?}");
        }
    }

    #[test]
    fn another_base_candle_is_seen_no_earlier_than_its_higher_candle_closes(
        ratio in 2i64..40, late in 0i64..40, seed in 0u64..1_000, changed in 0usize..200,
    ) {
        let interval: Interval = format!("{}m", 5 * ratio).parse().unwrap();
        let candles = walk(seed, 200, TEN.plus(late * M5_MS));
        let mut other = candles.clone();
        let candle = &mut other[changed];
        (candle.close, candle.high) = (candle.high + Price::whole(1), candle.high + Price::whole(2));
        candle.volume += 1.0;
        let ends = candle.open_time.floor(interval.ms()).plus(interval.ms());
        let (one, two) = (history(interval, &candles), history(interval, &other));
        let first = one.iter().zip(&two).position(|(one, two)| one != two);
        let closes = candles.iter().position(|candle| candle.close_time(M5) == ends);
        // In the candle that began before the series nothing is seen at all.
        let is_leading = candles[0].open_time.floor(interval.ms()) != candles[0].open_time
            && candles[changed].open_time.floor(interval.ms()) == candles[0].open_time.floor(interval.ms());
        prop_assert_eq!(first, closes.filter(|_| !is_leading));
    }

    #[test]
    fn another_future_changes_no_feature_before_it(ratio in 1i64..40, late in 0i64..40, seed in 0u64..1_000, split in 1usize..199) {
        let interval: Interval = format!("{}m", 5 * ratio).parse().unwrap();
        let start = TEN.plus(late * M5_MS);
        let (past, future) = (walk(seed, 200, start), walk(seed + 1, 200, start));
        let other: Vec<Candle> = past[..split].iter().chain(&future[split..]).copied().collect();
        prop_assert_eq!(&history(interval, &past)[..split], &history(interval, &other)[..split]);
    }
}
