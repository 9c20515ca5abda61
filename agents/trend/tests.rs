//! The trend rule by its numbers. Every expected value is computed by hand beside it.

use super::Params;
use crate::params::check;
use crate::registry;
use crate::testing::{MIDNIGHT, Scene, build, instrument};
use proptest::prelude::*;
use serde_json::{Value, json};
use swarm_core::features::{Feature, Hub, Wants};
use swarm_core::model::{
    Action, Candle, Decision, EntryOrder, ExitReason, GapPolicy, IntentKind, Interval, Price, Rate, Side, Size,
    StopPlan, SymbolId, Time, Usd,
};
use swarm_core::rule::{AccountView, TradeStats, View};

const H4: Interval = Interval::H4;
const ATR: Feature = Feature::Atr { period: 14 };

fn deviation() -> Feature {
    Feature::Deviation { of: Box::new(Feature::Roc { period: 1 }), window: 60 }
}

/// Price 100, ATR 2; returns over 30, 60 and 120 candles; a deviation of 1 % a candle, so of
/// sqrt(365 x 6) = 46.797 % a year.
fn scene(params: &Value, returns: [f64; 3]) -> Scene {
    let mut scene = Scene::new("trend", params);
    for (period, value) in [30, 60, 120].into_iter().zip(returns) {
        scene.set(H4, Feature::Roc { period }, value);
    }
    scene.set(H4, deviation(), 1.0).set(H4, ATR, 2.0);
    scene
}

const UP: [f64; 3] = [3.0, 0.1, 20.0];
const DOWN: [f64; 3] = [-3.0, -0.1, -20.0];
const MIXED: [f64; 3] = [-1.0, 2.0, 3.0];

fn notional(scene: &mut Scene) -> f64 {
    match scene.entry().size {
        Size::Notional(notional) => notional.to_f64(),
        size => panic!("{size:?}"),
    }
}

fn close_to(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-6 * expected.abs().max(1.0), "{got} is not {expected}");
}

#[test]
fn it_goes_where_all_look_backs_point() {
    for (returns, action, score) in [
        (UP, Action::Long, 1.0),
        (DOWN, Action::Short, -1.0),
        (MIXED, Action::Hold, 1.0 / 3.0),
        ([0.0, 1.0, 1.0], Action::Long, 2.0 / 3.0),
        ([0.0, 0.0, 1.0], Action::Hold, 1.0 / 3.0),
        ([0.0, 0.0, 0.0], Action::Hold, 0.0),
    ] {
        let decision = scene(&Value::Null, returns).decide();
        assert_eq!((decision.action, decision.target_score), (action, score), "{returns:?}");
        assert_eq!(decision.confidence, score.abs() * 100.0);
    }
    // A lower threshold takes two of three.
    assert_eq!(scene(&json!({ "entry_score": 0.3 }), MIXED).decide().action, Action::Long);
    assert_eq!(scene(&json!({ "sides": "short" }), UP).decide().action, Action::Hold);
    assert_eq!(scene(&json!({ "sides": "long" }), DOWN).decide().action, Action::Hold);
}

#[test]
fn averages_can_take_the_place_of_returns() {
    let mut scene = Scene::new("trend", &json!({ "measure": "average", "look_backs": [10, 20] }));
    scene.set(H4, deviation(), 1.0).set(H4, ATR, 2.0);
    for (averages, action) in
        [([99.0, 98.0], Action::Long), ([99.0, 101.0], Action::Hold), ([101.0, 102.0], Action::Short)]
    {
        for (period, value) in [10, 20].into_iter().zip(averages) {
            scene.set(H4, Feature::Sma { period }, value);
        }
        assert_eq!(scene.decide().action, action, "{averages:?}");
    }
    assert_eq!(scene.explain().1.features[0].name, "average_10");
}

#[test]
fn the_size_aims_at_the_target_volatility_of_one_positions_equity() {
    // 10,000 over 3 positions; 40 % over 46.797 % is 0.85475 of it.
    let a_year = 2190f64.sqrt() / 100.0;
    close_to(notional(&mut scene(&Value::Null, UP)), 10_000.0 / 3.0 * 0.4 / a_year);
    // Twice as volatile, half the size; calm, and the cap of 2 binds.
    let mut wild = scene(&Value::Null, DOWN);
    wild.set(H4, deviation(), 2.0);
    close_to(notional(&mut wild), 10_000.0 / 3.0 * 0.2 / a_year);
    for still in [0.1, 0.0] {
        let mut calm = scene(&Value::Null, UP);
        calm.set(H4, deviation(), still);
        close_to(notional(&mut calm), 20_000.0 / 3.0);
        assert_eq!(calm.entry().leverage, Rate::whole(2));
        calm.account.max_leverage = Rate::from_f64(1.5).unwrap();
        close_to(notional(&mut calm), 5_000.0);
        calm.account.equity = Usd(-1);
        assert_eq!(calm.decide().action, Action::Hold);
        assert!(calm.reason().contains("leave no size"), "{}", calm.reason());
    }
    assert_eq!(scene(&Value::Null, UP).entry().leverage, Rate::ONE, "less than its money needs no leverage");
}

#[test]
fn the_stop_is_four_atr_or_fifteen_percent_whichever_is_nearer() {
    for (atr, distance) in [(2.0, 8), (3.75, 15), (9.0, 15)] {
        let mut scene = scene(&Value::Null, UP);
        scene.set(H4, ATR, atr);
        let stop = StopPlan { distance: Price::whole(distance), break_even: None, trail: None };
        assert_eq!(scene.entry().exits.stop, Some(stop), "ATR {atr}");
        assert_eq!((scene.entry().order, scene.entry().exits.targets), (EntryOrder::Market, Vec::new()));
    }
    let with = json!({ "trail": { "from": 0.05, "atr": 3, "max": 0.1 }, "max_holding": "5d",
        "targets": [{ "at": 0.2, "fraction": 0.5 }], "entry": { "type": "limit", "offset_ticks": 1 } });
    let entry = scene(&with, UP).entry();
    let trail = entry.exits.stop.unwrap().trail.unwrap();
    assert_eq!(
        (trail.from, trail.distance, trail.max_distance),
        (Rate::percent(5), Price::whole(6), Rate::percent(10))
    );
    assert_eq!((entry.exits.targets.len(), entry.exits.max_holding_ms), (1, Some(432_000_000)));
    assert_eq!(entry.order.limit().unwrap().price, Price::from_f64(99.99).unwrap());
}

#[test]
fn a_position_lasts_as_long_as_its_sign_and_is_turned_by_the_other() {
    let check = |params: &Value, side, returns, action, words: &str| {
        let mut scene = scene(params, returns);
        scene.hold(side, 0.0);
        let (decision, explanation) = scene.explain();
        assert_eq!(decision.action, action, "{}", explanation.reason);
        assert!(explanation.reason.contains(words), "{}", explanation.reason);
        decision.proposal
    };
    let close = IntentKind::Close { reason: ExitReason::Signal };
    let plain = &Value::Null;
    check(plain, Side::Buy, UP, Action::Hold, "the position is kept");
    check(plain, Side::Buy, MIXED, Action::Hold, "the position is kept");
    let proposal = check(plain, Side::Sell, MIXED, Action::Exit, "close: signal +0.33");
    assert_eq!(proposal.as_deref(), Some(&close));
    let proposal = check(plain, Side::Buy, DOWN, Action::Short, "reverse to SHORT: signal -1.00");
    assert!(matches!(proposal.as_deref(), Some(IntentKind::Reverse(entry)) if entry.side == Side::Sell));
    let proposal = check(plain, Side::Sell, UP, Action::Long, "reverse to LONG");
    assert!(matches!(proposal.as_deref(), Some(IntentKind::Reverse(entry)) if entry.side == Side::Buy));
    check(&json!({ "on_turn": "close" }), Side::Buy, DOWN, Action::Exit, "close:");
    check(&json!({ "sides": "long" }), Side::Buy, DOWN, Action::Exit, "close:");
    check(&json!({ "exit_score": 0.4 }), Side::Buy, MIXED, Action::Exit, "is below 0.4");
    check(&json!({ "exit_score": -0.5 }), Side::Sell, MIXED, Action::Hold, "kept");
}

#[test]
fn it_waits_until_everything_is_ready_and_between_its_candles() {
    let mut cold = scene(&Value::Null, [1.0, f64::NAN, 1.0]);
    assert_eq!(cold.decide().action, Action::Hold);
    assert_eq!(cold.reason(), "a look-back is not ready");
    for feature in [deviation(), ATR] {
        let mut cold = scene(&json!({ "on_turn": "close" }), UP);
        cold.set(H4, feature, f64::NAN);
        assert_eq!(cold.decide().action, Action::Hold);
        assert!(
            cold.reason().contains("LONG wanted, but volatility, ATR or equity leave no size"),
            "{}",
            cold.reason()
        );
        cold.hold(Side::Sell, 0.0);
        assert_eq!(cold.decide().action, Action::Exit, "what ends a position needs neither");
    }
    let mut between = scene(&Value::Null, UP);
    between.now = MIDNIGHT.plus(Interval::M5.ms());
    assert_eq!(between.decide().action, Action::Hold);
    assert_eq!(between.reason(), "between two 4h candles");
    let mut pending = scene(&Value::Null, UP);
    pending.entry_pending = true;
    assert_eq!(pending.decide().action, Action::Hold);
    assert!(pending.reason().contains("an entry is working"));
}

#[test]
fn the_record_says_what_each_look_back_saw() {
    let (_, explanation) = scene(&Value::Null, MIXED).explain();
    let seen: Vec<_> = explanation.features.iter().map(|line| (line.name.as_ref(), line.normalized)).collect();
    assert_eq!(seen, [("return_30", Some(-1.0)), ("return_60", Some(1.0)), ("return_120", Some(1.0))]);
    let sum: f64 = explanation.features.iter().map(|line| line.contribution).sum();
    close_to(sum, explanation.score.unwrap());
    assert_eq!(explanation.volatility, Some(0.02));
    let (_, entered) = scene(&Value::Null, UP).explain();
    assert!(
        entered.reason.contains("LONG: signal +1.00 over [30, 60, 120] candles, realised volatility 46.8 % a year")
    );
    assert_eq!(entered.stop_price, Some(92.0));
}

#[test]
fn it_runs_on_aggregated_candles_and_on_its_own() {
    let paths =
        |params: Value, base| build("trend", &params, base, &mut Wants::default()).err().map(|error| error.path);
    assert_eq!(paths(json!({}), Interval::M5), None);
    assert_eq!(paths(json!({}), H4), None);
    assert_eq!(paths(json!({}), Interval::D1).as_deref(), Some("timeframe"));
    assert_eq!(paths(json!({ "timeframe": "base" }), Interval::D1), None);
}

#[test]
fn contradictions_are_told_with_their_path() {
    for (written, path) in [
        (json!({ "look_backs": [30, 60, 30] }), "look_backs[2]"),
        (json!({ "exit_score": 0.5 }), "exit_score"),
        (json!({ "entry_score": 0, "exit_score": 0.1 }), "exit_score"),
        (json!({ "stop": 0.49, "max_leverage": 2.1 }), "stop"),
        (json!({ "stop": 0.4, "max_leverage": 3 }), "stop"),
        (json!({ "break_even": { "from": 0.01, "to": 0.02 } }), "break_even.to"),
        (json!({ "targets": [{ "at": 0.1, "fraction": 0.7 }, { "at": 0.2, "fraction": 0.7 }] }), "targets[1].fraction"),
        (json!({ "entry": { "expire_after": "1h" } }), "entry.expire_after"),
    ] {
        let faults = check::<Params>(&written);
        assert_eq!(faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [path], "{written}");
    }
    assert_eq!(check::<Params>(&json!({ "entry_score": 0, "look_backs": [1] })), []);
    assert_eq!(registry::find("trend").map(|rule| (rule.check)(&json!({ "look_backs": [] }))), Some(vec![]));
}

/// What a flat agent decides after each of these candles, the HOLDs between its own candles left out.
fn decided(base: Interval, candles: &[Candle]) -> Vec<(Time, Decision)> {
    let params = json!({ "timeframe": "30m", "look_backs": [2, 3, 5], "volatility_window": 4, "atr_period": 3 });
    let mut wants = Wants::default();
    let mut rule = build("trend", &params, base, &mut wants).unwrap();
    let mut hub = Hub::new(base, GapPolicy::Reset, &[wants]).unwrap();
    let (symbol, instrument) = (SymbolId(0), instrument());
    let account = AccountView { equity: Usd::whole(10_000), max_positions: 3, max_leverage: Rate::whole(5) };
    let mut seen = Vec::new();
    for candle in candles {
        assert!(hub.close(symbol, candle));
        let frame = hub.frame(symbol).unwrap();
        let view = View {
            frame,
            symbol,
            instrument: &instrument,
            position: None,
            entry_pending: false,
            account,
            stats: TradeStats::default(),
            funding_rate: None,
        };
        let decision = rule.decide(&view);
        if frame.now.0 % (30 * 60_000) == 0 {
            seen.push((frame.now, decision));
        } else {
            assert_eq!(decision, Decision::hold(0.0, 0.0));
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn on_aggregated_candles_it_decides_what_it_decides_on_its_own(
        closes in prop::collection::vec(9_000i64..11_000, 60..150),
    ) {
        let cents = |cents: i64| Price(cents * 1_000_000);
        let five: Vec<Candle> = closes.iter().scan((MIDNIGHT, closes[0]), |(open_time, open), close| {
            let (low, high) = ((*open).min(*close) - 7, (*open).max(*close) + 5);
            let candle = Candle {
                open_time: *open_time, open: cents(*open), high: cents(high), low: cents(low), close: cents(*close), volume: 1.0,
            };
            (*open_time, *open) = (open_time.plus(Interval::M5.ms()), *close);
            Some(candle)
        }).collect();
        let thirty: Vec<Candle> = five.chunks_exact(6).map(|six| Candle {
            open_time: six[0].open_time,
            open: six[0].open,
            high: six.iter().map(|one| one.high).max().unwrap(),
            low: six.iter().map(|one| one.low).min().unwrap(),
            close: six[5].close,
            volume: 6.0,
        }).collect();
        let own = decided("30m".parse().unwrap(), &thirty);
        prop_assert_eq!(&decided(Interval::M5, &five), &own);
        prop_assert_eq!(own.len(), thirty.len());
        let unanimous = own.iter().any(|(_, decision)| decision.target_score.abs() == 1.0);
        prop_assert!(!unanimous || own.iter().any(|(_, decision)| decision.action != Action::Hold));
    }
}
