//! What the feature hub promises: when a value is there, what it may know, and what a hole does to it.

mod support;

use proptest::prelude::*;
use swarm_core::features::{Feature, FeatureSpec, Hub, HubError, MacdLine, Slot, Wants};
use swarm_core::indicators::{Rsi, Sma};
use swarm_core::model::{Candle, GapPolicy, HOUR_MS, Interval, MINUTE_MS, SymbolId, Time};

const BTC: SymbolId = SymbolId(0);
const M5: Interval = Interval::M5;
const M15: Interval = Interval::M15;
const H1: Interval = Interval::H1;
const M5_MS: i64 = 5 * MINUTE_MS;
/// 2023-11-01T10:00:00Z.
const TEN: Time = Time(1_698_832_800_000);

fn walk(seed: u64, len: usize, start: Time) -> Vec<Candle> {
    support::synthetic(seed, len, 30_000.0, 0.1).at(start, M5_MS)
}

fn lag(of: Feature, candles: u32) -> Feature {
    Feature::Lag { of: Box::new(of), candles }
}

fn z_score(of: Feature, window: u32) -> Feature {
    Feature::ZScore { of: Box::new(of), window }
}

/// One of every kind, with short periods and with inputs in common.
fn every_feature() -> Vec<Feature> {
    let macd = |line| Feature::Macd { fast: 3, slow: 7, signal: 4, line };
    vec![
        Feature::Close,
        Feature::Volume,
        Feature::Rsi { period: 7 },
        macd(MacdLine::Macd),
        macd(MacdLine::Signal),
        macd(MacdLine::Histogram),
        Feature::BbMiddle { period: 9 },
        Feature::BbUpper { period: 9, deviations_x100: 200 },
        Feature::BbLower { period: 9, deviations_x100: 150 },
        Feature::BbWidth { period: 9, deviations_x100: 200 },
        Feature::BbPosition { period: 9, deviations_x100: 200 },
        Feature::Atr { period: 5 },
        Feature::Cci { period: 8 },
        Feature::StochRawK { period: 6 },
        Feature::StochK { period: 6, slowing: 3 },
        Feature::StochD { period: 6, slowing: 3, smooth: 2 },
        Feature::Obv,
        Feature::Sma { period: 10 },
        Feature::Ema { period: 6 },
        Feature::EmaFromFirst { period: 6 },
        Feature::Momentum { period: 4 },
        Feature::Roc { period: 4 },
        Feature::Adx { period: 5 },
        Feature::VolumeRatio { period: 7 },
        Feature::Change { ms: 5 * HOUR_MS },
        Feature::TrendStrength { fast: 5, slow: 10, adx: 5 },
        lag(Feature::Rsi { period: 7 }, 2),
        z_score(Feature::Rsi { period: 7 }, 12),
        z_score(lag(macd(MacdLine::Histogram), 3), 5),
        lag(z_score(Feature::Momentum { period: 3 }, 6), 1),
    ]
}

fn wants_of(specs: &[FeatureSpec]) -> Wants {
    let mut wants = Wants::default();
    for spec in specs {
        wants.want(spec.interval, spec.feature.clone());
    }
    wants
}

fn everything() -> Vec<FeatureSpec> {
    let on = |interval| every_feature().into_iter().map(move |feature| FeatureSpec { interval, feature });
    on(M5).chain(on(M15)).chain(on(H1)).collect()
}

fn hub_of(specs: &[FeatureSpec], gaps: GapPolicy) -> Hub {
    Hub::new(M5, gaps, &[wants_of(specs)]).unwrap()
}

/// A hub with one wish.
fn one(interval: Interval, feature: Feature, gaps: GapPolicy) -> (Hub, Slot) {
    let mut wants = Wants::default();
    let slot = wants.want(interval, feature);
    (Hub::new(M5, gaps, &[wants]).unwrap(), slot)
}

fn slots(specs: &[FeatureSpec]) -> Vec<Slot> {
    let mut wants = Wants::default();
    specs.iter().map(|spec| wants.want(spec.interval, spec.feature.clone())).collect()
}

fn bits(hub: &Hub, slots: &[Slot]) -> Vec<u64> {
    let frame = hub.frame(BTC).unwrap();
    slots.iter().map(|slot| frame.raw(*slot).to_bits()).collect()
}

fn value(hub: &Hub, slot: Slot) -> Option<f64> {
    hub.frame(BTC).unwrap().get(slot)
}

/// Removes candles by place.
fn without(candles: &[Candle], holes: &[std::ops::Range<usize>]) -> Vec<Candle> {
    let kept = candles.iter().enumerate().filter(|(i, _)| !holes.iter().any(|hole| hole.contains(i)));
    kept.map(|(_, candle)| *candle).collect()
}

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
    let candles = without(&walk(5, 1_000, TEN.plus(3 * M5_MS)), &[300..301, 400..417, 800..900]);
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
fn after_a_hole_a_reset_hub_is_one_that_began_there() {
    let specs = everything();
    let all = slots(&specs);
    let candles = walk(12, 1_500, TEN);
    for (from, len) in [(500, 1), (503, 12), (491, 200)] {
        let mut hub = hub_of(&specs, GapPolicy::Reset);
        let mut fresh = hub_of(&specs, GapPolicy::Reset);
        candles[..from].iter().for_each(|candle| assert!(hub.close(BTC, candle)));
        for (i, candle) in candles.iter().enumerate().skip(from + len) {
            hub.close(BTC, candle);
            fresh.close(BTC, candle);
            for (spec, slot) in specs.iter().zip(&all) {
                // The higher candle with the hole in it fails at its end; until then the last one stands.
                let hole_end = TEN.plus((from + len) as i64 * M5_MS);
                let spoiled = hole_end.plus(-1).floor(spec.interval.ms()).plus(spec.interval.ms());
                if candle.close_time(M5) >= spoiled {
                    let [got, expected] = [&hub, &fresh].map(|hub| hub.frame(BTC).unwrap().raw(*slot));
                    assert_eq!(got.to_bits(), expected.to_bits(), "{spec:?} at {i} after a hole of {len} at {from}");
                }
            }
        }
        assert_eq!((hub.gaps(BTC), fresh.gaps(BTC)), (len as u64, 0));
    }
}

#[test]
fn the_hour_with_a_hole_in_it_never_closes() {
    let candles = walk(13, 60, TEN);
    let (mut hub, hour) = one(H1, Feature::Close, GapPolicy::Reset);
    // The candle of 11:10 is missing.
    let missing = 14;
    for (i, candle) in candles.iter().enumerate().filter(|(i, _)| *i != missing) {
        hub.close(BTC, candle);
        let expected = match i + 1 {
            0..12 => None,
            12..24 => Some(11),
            24..36 => None,
            36..48 => Some(35),
            48..60 => Some(47),
            _ => Some(59),
        };
        assert_eq!(value(&hub, hour), expected.map(|place: usize| candles[place].close.to_f64()), "after candle {i}");
    }
    assert_eq!(hub.gaps(BTC), 1);
}

#[test]
fn an_hour_that_is_missing_as_a_whole_is_a_hole_too() {
    let candles = without(&walk(14, 120, TEN), &[24..36]);
    let (mut hub, slot) = one(H1, Feature::Sma { period: 2 }, GapPolicy::Reset);
    let ready: Vec<bool> = candles
        .iter()
        .map(|candle| {
            hub.close(BTC, candle);
            value(&hub, slot).is_some()
        })
        .collect();
    // Hours 0 and 1 give the first mean; hour 2 is missing, so 3 and 4 give the next, twelve candles each.
    assert_eq!(ready.iter().position(|r| *r), Some(23));
    assert!(ready[24..47].iter().all(|r| !r));
    assert!(ready[47..].iter().all(|r| *r));
    assert_eq!(hub.gaps(BTC), 12);
}

#[test]
fn carry_goes_on_as_if_there_were_no_hole() {
    let base: Vec<FeatureSpec> =
        every_feature().into_iter().map(|feature| FeatureSpec { interval: M5, feature }).collect();
    let all = slots(&base);
    let holed = without(&walk(15, 500, TEN), &[200..207, 300..301]);
    let closed_up: Vec<Candle> =
        holed.iter().enumerate().map(|(i, c)| Candle { open_time: TEN.plus(i as i64 * M5_MS), ..*c }).collect();
    let (mut carried, mut plain) = (hub_of(&base, GapPolicy::Carry), hub_of(&base, GapPolicy::Reset));
    for (a, b) in holed.iter().zip(&closed_up) {
        carried.close(BTC, a);
        plain.close(BTC, b);
        assert_eq!(bits(&carried, &all), bits(&plain, &all));
    }
    assert_eq!((carried.gaps(BTC), plain.gaps(BTC)), (8, 0));
}

#[test]
fn carry_closes_a_higher_candle_at_its_end_with_what_there_was() {
    let candles = walk(16, 60, TEN);
    let mut wants = Wants::default();
    let (close, volume) = (wants.want(H1, Feature::Close), wants.want(H1, Feature::Volume));
    let mut hub = Hub::new(M5, GapPolicy::Carry, &[wants]).unwrap();
    // From 10:50 to 11:10 nothing, so the hour of ten ends with the candle of 10:45 and shows at the next candle.
    let holed = without(&candles, &[10..14]);
    for (i, candle) in holed.iter().enumerate() {
        hub.close(BTC, candle);
        let expected = match i {
            0..10 => None,
            10..19 => Some((9, &holed[..10])),
            19..31 => Some((19, &holed[10..20])),
            31..43 => Some((31, &holed[20..32])),
            43..55 => Some((43, &holed[32..44])),
            _ => Some((55, &holed[44..56])),
        };
        assert_eq!(value(&hub, close), expected.map(|(last, _)| holed[last].close.to_f64()), "after {i}");
        assert_eq!(value(&hub, volume), expected.map(|(_, all)| all.iter().map(|c| c.volume).sum()), "after {i}");
    }
}

#[test]
fn a_hole_told_at_once_is_seen_at_once() {
    let candles = walk(17, 60, TEN);
    for gaps in [GapPolicy::Reset, GapPolicy::Carry] {
        let mut wants = Wants::default();
        let [five, hour] = [M5, H1].map(|interval| wants.want(interval, Feature::Close));
        let mut hub = Hub::new(M5, gaps, &[wants]).unwrap();
        candles[..23].iter().for_each(|candle| assert!(hub.close(BTC, candle)));
        hub.miss(BTC, candles[23].open_time);
        assert_eq!(hub.gaps(BTC), 1);
        let last = |place: usize| Some(candles[place].close.to_f64());
        let expected = if gaps == GapPolicy::Reset { (None, None) } else { (last(22), last(22)) };
        assert_eq!((value(&hub, five), value(&hub, hour)), expected, "{gaps:?}");
        // The frame is still that of the last candle, and telling twice counts once.
        hub.miss(BTC, candles[23].open_time);
        hub.miss(BTC, candles[22].open_time);
        assert_eq!(hub.gaps(BTC), 1);
        assert_eq!(hub.frame(BTC).unwrap().candle, &candles[22]);
        assert_eq!(hub.last_close(BTC), Some(candles[22].close_time(M5)));
    }
}

#[test]
fn before_its_first_candle_a_series_has_neither_frame_nor_holes() {
    let (mut hub, _) = one(M5, Feature::Close, GapPolicy::Reset);
    hub.miss(BTC, TEN);
    assert!(hub.frame(BTC).is_none() && hub.last_close(BTC).is_none());
    hub.close(BTC, &walk(18, 1, TEN.plus(10 * M5_MS))[0]);
    assert_eq!(hub.gaps(BTC), 0);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whether holes are told one by one, in one go or not at all, the next candle finds the same hub.
    #[test]
    fn it_does_not_matter_when_a_hole_is_told(
        holes in proptest::collection::vec((20usize..280, 1usize..30), 0..5), start in 0i64..12, carry in any::<bool>(),
    ) {
        let gaps = if carry { GapPolicy::Carry } else { GapPolicy::Reset };
        let specs = everything();
        let all = slots(&specs);
        let candles = walk(21, 320, TEN.plus(start * M5_MS));
        let missing = |i: usize| holes.iter().any(|(from, len)| (*from..from + len).contains(&i));
        let [mut silent, mut told, mut told_late] = [(); 3].map(|()| hub_of(&specs, gaps));
        let mut holes_seen = 0;
        for (i, candle) in candles.iter().enumerate() {
            if missing(i) {
                told.miss(BTC, candle.open_time);
                holes_seen += 1;
                prop_assert_eq!(told.gaps(BTC), holes_seen);
                continue;
            }
            if i > 0 && missing(i - 1) {
                told_late.miss(BTC, candles[i - 1].open_time);
            }
            for hub in [&mut silent, &mut told, &mut told_late] {
                prop_assert!(hub.close(BTC, candle));
                prop_assert_eq!(hub.gaps(BTC), holes_seen);
            }
            prop_assert_eq!(bits(&silent, &all), bits(&told, &all));
            prop_assert_eq!(bits(&silent, &all), bits(&told_late, &all));
        }
    }
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
