//! What a hole in the candles does to the feature hub, under either policy.

mod support;

use proptest::prelude::*;
use support::hub::*;
use swarm_core::features::{Feature, FeatureSpec, Hub, Wants};
use swarm_core::model::{Candle, GapPolicy};

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
    let candles = without(&walk(14, 120, TEN), &[(24, 36)]);
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
    let holed = without(&walk(15, 500, TEN), &[(200, 207), (300, 301)]);
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
    let holed = without(&candles, &[(10, 14)]);
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
