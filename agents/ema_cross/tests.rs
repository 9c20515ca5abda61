//! The crossing by its numbers, and over random series against a plain loop.

use super::*;
use crate::params::check;
use crate::testing::{MIDNIGHT, Scene};
use proptest::prelude::*;
use serde_json::{Value, json};
use swarm_core::model::{EntryOrder, Interval, Price};

const M5: Interval = Interval::M5;

fn averages(scene: &mut Scene, interval: Interval, before: [f64; 2], now: [f64; 2]) {
    for (period, before, now) in [(10, before[0], now[0]), (20, before[1], now[1])] {
        let average = Feature::EmaFromFirst { period };
        scene.set(interval, average.clone(), now);
        scene.set(interval, Feature::Lag { of: Box::new(average), candles: 1 }, before);
    }
}

fn scene(params: &Value, before: [f64; 2], now: [f64; 2]) -> Scene {
    let mut scene = Scene::new("ema_cross", params);
    averages(&mut scene, M5, before, now);
    scene
}

const BELOW: [f64; 2] = [99.0, 100.0];
const ABOVE: [f64; 2] = [101.0, 100.0];
const LEVEL: [f64; 2] = [100.0, 100.0];

#[test]
fn only_a_change_of_side_opens() {
    for (before, now, action, words) in [
        (BELOW, ABOVE, Action::Long, "rose above"),
        (LEVEL, ABOVE, Action::Long, "rose above"),
        (ABOVE, BELOW, Action::Short, "fell below"),
        (ABOVE, LEVEL, Action::Short, "fell below"),
        (ABOVE, ABOVE, Action::Hold, "did not change sides"),
        (BELOW, BELOW, Action::Hold, "did not change sides"),
        (BELOW, LEVEL, Action::Hold, "did not change sides"),
        ([f64::NAN, 100.0], ABOVE, Action::Hold, "not ready"),
        (BELOW, [101.0, f64::NAN], Action::Hold, "not ready"),
    ] {
        let (decision, explanation) = scene(&Value::Null, before, now).explain();
        assert_eq!(decision.action, action, "{before:?} to {now:?}");
        assert!(explanation.reason.contains(words), "{}", explanation.reason);
    }
    let mut long = scene(&Value::Null, BELOW, ABOVE);
    let entry = long.entry();
    assert_eq!((entry.side, entry.size, entry.leverage), (Side::Buy, Size::Qty(Qty(10_000_000)), Rate::ONE));
    assert_eq!(entry.exits, ExitPlan::default());
    let explanation = long.explain().1;
    assert_eq!((explanation.notional_usdt, explanation.stop_price), (Some(10.0), None));
}

#[test]
fn a_held_position_is_reversed_and_never_added_to() {
    let mut scene = scene(&Value::Null, BELOW, ABOVE);
    scene.hold(Side::Sell, 0.0);
    let decision = scene.decide();
    assert_eq!(decision.action, Action::Long);
    match decision.proposal.as_deref() {
        Some(IntentKind::Reverse(entry)) => assert_eq!(entry.side, Side::Buy),
        other => panic!("{other:?}"),
    }
    scene.hold(Side::Buy, 0.0);
    assert_eq!(scene.decide(), Decision::hold(0.0, 0.0));
    assert!(scene.reason().contains("the side that is held"));
}

#[test]
fn waits_while_an_entry_is_working_and_between_its_candles() {
    let mut pending = scene(&Value::Null, BELOW, ABOVE);
    pending.entry_pending = true;
    assert_eq!(pending.decide().action, Action::Hold);
    assert!(pending.reason().contains("while an entry is working"));

    let mut quarterly = Scene::new("ema_cross", &json!({ "timeframe": "15m" }));
    averages(&mut quarterly, Interval::M15, BELOW, ABOVE);
    assert_eq!(quarterly.decide().action, Action::Long);
    quarterly.now = MIDNIGHT.plus(M5.ms());
    assert_eq!(quarterly.decide().action, Action::Hold);
}

#[test]
fn a_stop_is_placed_where_asked_for() {
    let entry = scene(&json!({ "stop": 0.025, "qty": 2, "leverage": 3 }), ABOVE, BELOW).entry();
    let distance = Price::from_f64(2.5).unwrap();
    assert_eq!(entry.exits.stop, Some(StopPlan { distance, break_even: None, trail: None }));
    assert_eq!((entry.side, entry.size, entry.leverage), (Side::Sell, Size::Qty(Qty::whole(2)), Rate::whole(3)));
    let mut coarse = scene(&json!({ "stop": 0.0004 }), ABOVE, BELOW);
    coarse.instrument.tick = Price::from_f64(0.05).unwrap();
    assert_eq!(coarse.entry().exits.stop.unwrap().distance, coarse.instrument.tick, "never less than a tick");
}

#[test]
fn contradictions_are_told_with_their_path() {
    assert_eq!(check::<Params>(&json!({ "fast": 20 }))[0].0, "fast");
    assert_eq!(check::<Params>(&json!({ "stop": 0.5, "leverage": 2 }))[0].0, "stop");
    assert_eq!(check::<Params>(&json!({ "fast": 19, "stop": 0.49, "leverage": 2 })), []);
}

/// The rule over a series of closes, without an engine: what it holds after each candle, by a plain
/// loop over the two averages from the 20th candle on.
fn reference(closes: &[f64]) -> Vec<i64> {
    let (mut fast, mut slow, mut side, mut held) = (closes[0], closes[0], None, 0);
    let mut after = Vec::new();
    for (place, close) in closes.iter().enumerate() {
        fast += (close - fast) * (2.0 / 11.0);
        slow += (close - slow) * (2.0 / 21.0);
        if place >= 19 {
            let up = fast > slow;
            if side.is_some_and(|before| before != up) {
                held = if up { 1 } else { -1 };
            }
            side = Some(up);
        }
        after.push(held);
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn over_a_series_it_holds_what_a_plain_loop_holds(moves in prop::collection::vec(-2.0..2.0f64, 20..200)) {
        let closes: Vec<f64> = moves.iter().scan(100.0, |price: &mut f64, step| {
            *price = (*price + step).max(1.0);
            Some(*price)
        }).collect();
        let mut scene = Scene::new("ema_cross", &Value::Null);
        let (mut now, mut before, mut held) = ([closes[0]; 2], [f64::NAN; 2], Vec::new());
        for (place, close) in closes.iter().enumerate() {
            now = [now[0] + (close - now[0]) * (2.0 / 11.0), now[1] + (close - now[1]) * (2.0 / 21.0)];
            let ready = |value: f64, from: usize| if place + 1 >= from { value } else { f64::NAN };
            let shown = [ready(now[0], 10), ready(now[1], 20)];
            averages(&mut scene, M5, before, shown);
            before = shown;
            let decision = scene.decide();
            if let Some(wish) = decision.proposal.as_deref() {
                let reverses = matches!(wish, IntentKind::Reverse(_));
                prop_assert_eq!(reverses, scene.position.is_some());
                scene.hold(if decision.action == Action::Long { Side::Buy } else { Side::Sell }, 0.0);
            }
            held.push(scene.position.map_or(0, |position| position.qty.0.signum()));
        }
        prop_assert_eq!(held, reference(&closes));
    }
}

#[test]
fn a_maker_rests_at_the_close_and_says_so() {
    let maker = json!({ "entry": { "type": "limit", "then": "cancel" } });
    let mut scene = scene(&maker, ABOVE, BELOW);
    let order = EntryOrder::Limit { price: Price::whole(100), post_only: true, expire_after_ms: 300_000 };
    assert_eq!(scene.entry().order, order);
    assert_eq!(scene.reason(), "the fast average fell below the slow one; rests at 100 for 5m, then dropped");
}
