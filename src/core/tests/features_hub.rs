//! What the feature hub promises: when a value is there, what it may know, and that sharing changes nothing.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

mod support;

use support::hub::*;
use swarm_core::features::{Feature, FeatureSpec, Hub, HubError, Slot, Wants};
use swarm_core::indicators::{LANES, Rsi, Sma, ZScores};
use swarm_core::model::{Candle, GapPolicy, HOUR_MS, Interval, MINUTE_MS, SymbolId};

#[test]
fn a_frame_knows_nothing_of_later_candles() {
    let specs = everything();
    let slots = slots(&specs);
    let (past, split) = (walk(1, 900, TEN), 700);
    let future = walk(2, 900, TEN);
    let other: Vec<Candle> = past[..split].iter().chain(&future[split..]).copied().collect();
    let (mut one, mut two) = (hub_of(&specs, GapPolicy::Reset), hub_of(&specs, GapPolicy::Reset));
    for (i, (a, b)) in past.iter().zip(&other).enumerate() {
        one.close(BTC, a);
        two.close(BTC, b);
        let same = bits(&one, &slots) == bits(&two, &slots);
        assert_eq!(same, i < split, "candle {i}");
        assert_eq!(one.frame(BTC).unwrap().now, a.close_time(M5));
    }
}

#[test]
fn a_higher_value_is_that_of_the_last_candle_that_has_closed() {
    let candles = walk(3, 40, TEN);
    let mut wants = Wants::default();
    let [quarter, hour] = [M15, H1].map(|interval| wants.want(interval, Feature::Close));
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let close = |place: usize| Some(candles[place].close.to_f64());
    for (i, candle) in candles.iter().enumerate() {
        hub.close(BTC, candle);
        let closed = |count: usize| ((i + 1) / count * count).checked_sub(1).and_then(close);
        assert_eq!(value(&hub, quarter), closed(3), "15m after candle {i}");
        assert_eq!(value(&hub, hour), closed(12), "1h after candle {i}");
    }
    // Spelled out: at 11:55, which the candle of 11:50 closes, the hour is the one closed at 11:00; five minutes later it is the next.
    let (mut hub, hour) = one(H1, Feature::Close, GapPolicy::Reset);
    candles[..23].iter().for_each(|candle| assert!(hub.close(BTC, candle)));
    assert_eq!(hub.frame(BTC).unwrap().now.to_string(), "2023-11-01T11:55:00Z");
    assert_eq!(value(&hub, hour), close(11));
    hub.close(BTC, &candles[23]);
    assert_eq!(value(&hub, hour), close(23));
}

#[test]
fn a_higher_candle_that_began_before_the_series_is_dropped() {
    for gaps in [GapPolicy::Reset, GapPolicy::Carry] {
        let (mut hub, hour) = one(H1, Feature::Close, gaps);
        let candles = walk(4, 23, TEN.plus(M5_MS));
        for candle in &candles[..22] {
            hub.close(BTC, candle);
            assert_eq!(value(&hub, hour), None);
        }
        hub.close(BTC, &candles[22]);
        assert_eq!(value(&hub, hour), Some(candles[22].close.to_f64()));
    }
}

#[test]
fn sharing_changes_nothing() {
    let specs = everything();
    let all = slots(&specs);
    let candles = without(&walk(5, 1_000, TEN.plus(3 * M5_MS)), &[(300, 301), (400, 417), (800, 900)]);
    for gaps in [GapPolicy::Reset, GapPolicy::Carry] {
        let mut together = hub_of(&specs, gaps);
        let mut seen = vec![false; specs.len()];
        let mut alone: Vec<(Hub, Slot)> =
            specs.iter().map(|spec| one(spec.interval, spec.feature.clone(), gaps)).collect();
        for candle in &candles {
            together.close(BTC, candle);
            let frame = together.frame(BTC).unwrap();
            seen.iter_mut().zip(&all).for_each(|(seen, slot)| *seen |= frame.get(*slot).is_some());
            for ((hub, slot), place) in alone.iter_mut().zip(&all) {
                hub.close(BTC, candle);
                let alone = hub.frame(BTC).unwrap().raw(*slot);
                assert_eq!(alone.to_bits(), frame.raw(*place).to_bits(), "{:?}", specs[place_of(&all, *place)]);
            }
        }
        assert!(seen.iter().all(|seen| *seen), "{gaps:?}: a feature was never there to compare");
    }
}

fn place_of(slots: &[Slot], slot: Slot) -> usize {
    slots.iter().position(|known| *known == slot).unwrap()
}

#[test]
fn symbols_do_not_meet() {
    let specs = everything();
    let slots = slots(&specs);
    let (btc, eth) = (walk(6, 400, TEN), walk(7, 400, TEN));
    let mut both = Hub::new(M5, GapPolicy::Reset, &[wants_of(&specs), wants_of(&specs)]).unwrap();
    let mut alone = hub_of(&specs, GapPolicy::Reset);
    for (a, b) in btc.iter().zip(&eth) {
        both.close(SymbolId(1), b);
        both.close(BTC, a);
        alone.close(BTC, a);
        assert_eq!(bits(&both, &slots), bits(&alone, &slots));
    }
}

#[test]
fn a_higher_interval_is_computed_from_its_own_candles() {
    let candles = walk(8, 600, TEN);
    let mut wants = Wants::default();
    let rsi_slot = wants.want(M15, Feature::Rsi { period: 7 });
    let sma_slot = wants.want(H1, Feature::Sma { period: 10 });
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let (mut rsi, mut sma) = (Rsi::new(7), Sma::new(10));
    let (mut expected_rsi, mut expected_sma) = (None, None);
    for (i, candle) in candles.iter().enumerate() {
        hub.close(BTC, candle);
        if (i + 1) % 3 == 0 {
            expected_rsi = rsi.update(candle.close.to_f64());
        }
        if (i + 1) % 12 == 0 {
            expected_sma = sma.update(candle.close.to_f64());
        }
        assert_eq!((value(&hub, rsi_slot), value(&hub, sma_slot)), (expected_rsi, expected_sma), "candle {i}");
    }
}

#[test]
fn a_change_counts_the_candles_of_its_time() {
    let candles = walk(9, 900, TEN);
    for (interval, per_candle) in [(M5, 1), (M15, 3), (H1, 12)] {
        let (mut hub, slot) = one(interval, Feature::Change { ms: 24 * HOUR_MS }, GapPolicy::Reset);
        for (i, candle) in candles.iter().enumerate() {
            hub.close(BTC, candle);
            let now = (i + 1) / per_candle * per_candle;
            let expected =
                (now > 288).then(|| candles[now - 1].close.to_f64() / candles[now - 289].close.to_f64() - 1.0);
            assert_eq!(value(&hub, slot), expected, "{interval} after candle {i}");
        }
    }
}

#[test]
fn lags_and_scores_advance_with_the_candles_of_their_interval() {
    let candles = walk(10, 600, TEN);
    let mut wants = Wants::default();
    let rsi = wants.want(H1, Feature::Rsi { period: 3 });
    let lagged = wants.want(H1, lag(Feature::Rsi { period: 3 }, 2));
    let scored = wants.want(H1, z_score(Feature::Rsi { period: 3 }, 5));
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let mut history: Vec<f64> = Vec::new();
    for (i, candle) in candles.iter().enumerate() {
        hub.close(BTC, candle);
        if (i + 1) % 12 == 0 {
            history.extend(value(&hub, rsi));
        }
        assert_eq!(value(&hub, lagged), history.len().checked_sub(3).map(|place| history[place]), "candle {i}");
        let window = history.len().checked_sub(5).map(|from| &history[from..]);
        match (value(&hub, scored), window) {
            (None, None) => {}
            (Some(got), Some(window)) => {
                let mean = window.iter().sum::<f64>() / 5.0;
                let deviation = (window.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 5.0).sqrt();
                let expected = if deviation == 0.0 { 0.0 } else { (window[4] - mean) / deviation };
                assert!((got - expected).abs() < 1e-9, "candle {i}: {got} {expected}");
            }
            other => panic!("candle {i}: {other:?}"),
        }
    }
}

#[test]
fn a_feature_of_a_score_takes_the_score_of_the_same_candle() {
    let mut wants = Wants::default();
    let score = z_score(Feature::Momentum { period: 3 }, 6);
    // Asked for in the order that is hardest to compute in.
    let scored_again = wants.want(M5, z_score(score.clone(), 4));
    let lagged = wants.want(M5, lag(score.clone(), 1));
    let plain = wants.want(M5, score);
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let (mut again, mut before) = (ZScores::new(4), None);
    for (i, candle) in walk(23, 200, TEN).iter().enumerate() {
        hub.close(BTC, candle);
        assert_eq!(value(&hub, lagged), before, "candle {i}");
        before = value(&hub, plain);
        let expected = again.update([hub.frame(BTC).unwrap().raw(plain); LANES])[0];
        assert_eq!(hub.frame(BTC).unwrap().raw(scored_again).to_bits(), expected.to_bits(), "candle {i}");
    }
}

#[test]
fn a_score_needs_its_values_in_a_row() {
    // The position between bands that touch is absent: the sample starts anew.
    let mut wants = Wants::default();
    let position = Feature::BbPosition { period: 3, deviations_x100: 200 };
    let (raw, score) = (wants.want(M5, position.clone()), wants.want(M5, z_score(position, 4)));
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let mut candles = walk(11, 40, TEN);
    let still = candles[19];
    (20..24).for_each(|i| candles[i] = Candle { open_time: candles[i].open_time, ..still });
    let mut in_a_row = 0;
    for (i, candle) in candles.iter().enumerate() {
        hub.close(BTC, candle);
        assert_eq!(value(&hub, raw).is_none(), i < 2 || (21..24).contains(&i), "candle {i}");
        in_a_row = if value(&hub, raw).is_some() { in_a_row + 1 } else { 0 };
        assert_eq!(value(&hub, score).is_some(), in_a_row >= 4, "candle {i}");
    }
}

#[test]
fn a_candle_that_is_not_the_next_one_changes_nothing() {
    let specs = everything();
    let all = slots(&specs);
    let candles = walk(19, 300, TEN);
    let mut hub = hub_of(&specs, GapPolicy::Reset);
    candles.iter().for_each(|candle| assert!(hub.close(BTC, candle)));
    let before = bits(&hub, &all);
    let off_grid = Candle { open_time: TEN.plus(400 * M5_MS + 1), ..candles[0] };
    for candle in [candles[299], candles[0], off_grid] {
        assert!(!hub.close(BTC, &candle));
        hub.miss(BTC, candle.open_time);
        assert_eq!((bits(&hub, &all), hub.gaps(BTC)), (before.clone(), 0));
        assert_eq!(hub.frame(BTC).unwrap().candle, &candles[299]);
    }
}

fn refused(base: Interval, interval: &str, feature: Feature) -> HubError {
    let wants = wants_of(&[FeatureSpec { interval: interval.parse().unwrap(), feature }]);
    Hub::new(base, GapPolicy::Reset, &[Wants::default(), wants]).unwrap_err()
}

#[test]
fn wishes_that_cannot_be_met_are_refused_with_what_to_do() {
    let cases = [
        ("7m", Feature::Close, "interval 7m is not a multiple of the base interval 5m: use 5m or a multiple of it"),
        ("1m", Feature::Close, "interval 1m is not a multiple of the base interval 5m: use 5m or a multiple of it"),
        ("5m", Feature::Rsi { period: 1 }, "Rsi { period: 1 } on 5m: period is 1, must be from 2 to 100000"),
        (
            "1h",
            Feature::Change { ms: 90 * MINUTE_MS },
            "Change { ms: 5400000 } on 1h: ms is 5400000, must be a positive multiple of 1h and at most 360000000000",
        ),
        (
            "5m",
            z_score(Feature::Sma { period: 0 }, 5),
            "ZScore { of: Sma { period: 0 }, window: 5 } on 5m: period is 0, must be from 1 to 100000",
        ),
    ];
    for (interval, feature, message) in cases {
        let error = refused(M5, interval, feature);
        assert_eq!(error.to_string(), message);
        let (HubError::Interval { symbol, .. } | HubError::Parameter { symbol, .. }) = error;
        assert_eq!(symbol, SymbolId(1));
    }
}

#[test]
fn after_the_warm_up_every_feature_is_there_and_not_before() {
    for spec in everything() {
        let ratio = spec.interval.ms() / M5_MS;
        let mut latest = 0;
        for offset in 0..ratio {
            let (mut hub, slot) = one(spec.interval, spec.feature.clone(), GapPolicy::Reset);
            let warm_up = hub.warm_up_candles(BTC);
            let candles = walk(20, warm_up, TEN.plus(offset * M5_MS));
            let first = candles.iter().position(|candle| hub.close(BTC, candle) && value(&hub, slot).is_some());
            latest = latest.max(first.unwrap_or_else(|| panic!("{spec:?} not ready after {warm_up}")) + 1);
            if latest == warm_up {
                break;
            }
        }
        assert_eq!(
            latest,
            one(spec.interval, spec.feature.clone(), GapPolicy::Reset).0.warm_up_candles(BTC),
            "{spec:?}"
        );
    }
    assert_eq!(hub_of(&[], GapPolicy::Reset).warm_up_candles(BTC), 0);
}

#[test]
fn a_score_of_large_values_does_not_depend_on_how_long_the_series_has_run() {
    let specs = [
        FeatureSpec { interval: M5, feature: z_score(Feature::Obv, 50) },
        FeatureSpec { interval: M5, feature: z_score(Feature::Sma { period: 20 }, 100) },
    ];
    let all = slots(&specs);
    let candles = support::synthetic(22, 60_000, 90_000.0, 0.1).at(TEN, M5_MS);
    let mut long = hub_of(&specs, GapPolicy::Reset);
    candles[..59_000].iter().for_each(|candle| assert!(long.close(BTC, candle)));
    let mut short = hub_of(&specs, GapPolicy::Reset);
    for candle in &candles[58_000..59_000] {
        short.close(BTC, candle);
    }
    for candle in &candles[59_000..] {
        long.close(BTC, candle);
        short.close(BTC, candle);
        for slot in &all {
            let (a, b) = (value(&long, *slot).unwrap(), value(&short, *slot).unwrap());
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}
