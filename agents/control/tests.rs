//! The control by its numbers.

use super::*;
use crate::params::check;
use crate::testing::{MIDNIGHT, Scene};
use serde_json::{Value, json};
use swarm_core::model::{EntryOrder, Interval, Price};

const M5: Interval = Interval::M5;
const RSI: Feature = Feature::Rsi { period: 14 };

fn histogram() -> Feature {
    Feature::Macd { fast: 12, slow: 26, signal: 9, line: MacdLine::Histogram }
}

fn scene(params: &Value, rsi: f64, before: f64, now: f64) -> Scene {
    let mut scene = Scene::new("control", params);
    let lagged = Feature::Lag { of: Box::new(histogram()), candles: 1 };
    scene.set(M5, RSI, rsi).set(M5, histogram(), now).set(M5, lagged, before);
    scene
}

#[test]
fn buys_low_rsi_turning_up_and_sells_high_rsi_turning_down() {
    for (rsi, before, now, action, words) in [
        (29.999, -1.0, -0.9, Action::Long, "BUY: RSI 30.0, MACD histogram turns up; RSI is under 30"),
        (30.0, -1.0, -0.9, Action::Hold, "no signal"),
        (29.999, -1.0, -1.0, Action::Hold, "MACD histogram stands still"),
        (29.999, -0.9, -1.0, Action::Hold, "MACD histogram turns down"),
        (70.001, 1.0, 0.9, Action::Short, "SELL: RSI 70.0, MACD histogram turns down; RSI is over 70"),
        (70.0, 1.0, 0.9, Action::Hold, "no signal"),
        (70.001, 1.0, 1.0, Action::Hold, "no signal"),
        (70.001, 0.9, 1.0, Action::Hold, "no signal"),
        (50.0, -1.0, 1.0, Action::Hold, "no signal: RSI 50.0"),
    ] {
        let (decision, explanation) = scene(&Value::Null, rsi, before, now).explain();
        assert_eq!(decision.action, action, "RSI {rsi}, histogram {before} to {now}");
        assert!(explanation.reason.contains(words), "{}", explanation.reason);
        let (confidence, score) = match action {
            Action::Long => (100.0, 1.0),
            Action::Short => (100.0, -1.0),
            _ => (0.0, 0.0),
        };
        assert_eq!((decision.confidence, decision.target_score), (confidence, score));
    }
}

#[test]
fn holds_until_everything_is_ready() {
    for (rsi, before, now) in [(f64::NAN, -1.0, 1.0), (20.0, f64::NAN, 1.0), (20.0, -1.0, f64::NAN)] {
        let (decision, explanation) = scene(&Value::Null, rsi, before, now).explain();
        assert_eq!(decision.action, Action::Hold);
        assert_eq!(explanation.reason, "RSI or MACD is not ready");
    }
}

#[test]
fn leverage_size_stop_and_target_are_fixed() {
    let mut short = scene(&Value::Null, 80.0, 1.0, 0.5);
    let entry = short.entry();
    assert_eq!((entry.side, entry.order), (Side::Sell, EntryOrder::Market));
    assert_eq!((entry.leverage, entry.size), (Rate::whole(3), Size::Notional(Usd::whole(100))));
    let stop = StopPlan { distance: Price::whole(5), break_even: None, trail: None };
    assert_eq!(entry.exits.stop, Some(stop));
    assert_eq!(entry.exits.targets, [TargetPlan { at: Rate::percent(10), fraction: Rate::ONE }]);
    assert_eq!(entry.exits.max_holding_ms, None);
    let explanation = short.explain().1;
    assert_eq!((explanation.leverage, explanation.notional_usdt), (Some(3.0), Some(100.0)));
    assert_eq!(explanation.stop_price, Some(105.0));
    assert_eq!(explanation.features[0].value, Some(80.0));

    let params = json!({ "leverage": 2, "base_notional": 250.5, "stop": 0.02, "target": 0.04 });
    let entry = scene(&params, 20.0, -1.0, 0.5).entry();
    assert_eq!((entry.side, entry.leverage), (Side::Buy, Rate::whole(2)));
    assert_eq!(entry.size, Size::Notional(Usd::from_f64(250.5).unwrap()));
    assert_eq!(entry.exits.stop.unwrap().distance, Price::whole(2));
    assert_eq!(entry.exits.targets[0].at, Rate::percent(4));
}

#[test]
fn a_share_of_equity_takes_the_place_of_the_fixed_notional() {
    let mut scene = scene(&json!({ "equity_share": 0.05 }), 20.0, -1.0, 0.5);
    assert_eq!(scene.entry().size, Size::Notional(Usd::whole(500)));
    scene.account.equity = Usd(-1);
    assert_eq!(scene.decide().action, Action::Hold);
    assert!(scene.reason().contains("no equity to size by"));
}

#[test]
fn the_opposite_signal_closes_and_its_own_changes_nothing() {
    for (held, rsi, before, now, action) in [
        (Side::Buy, 80.0, 1.0, 0.5, Action::Exit),
        (Side::Buy, 20.0, -1.0, -0.5, Action::Hold),
        (Side::Sell, 20.0, -1.0, -0.5, Action::Exit),
        (Side::Sell, 80.0, 1.0, 0.5, Action::Hold),
        (Side::Buy, 50.0, 1.0, 0.5, Action::Hold),
    ] {
        let mut scene = scene(&Value::Null, rsi, before, now);
        scene.hold(held, -3.0);
        let decision = scene.decide();
        assert_eq!(decision.action, action, "held {held:?}, RSI {rsi}");
        let close = IntentKind::Close { reason: ExitReason::Signal };
        assert_eq!(decision.proposal.as_deref(), (action == Action::Exit).then_some(&close));
    }
}

#[test]
fn waits_while_an_entry_is_working_and_between_its_candles() {
    let mut pending = scene(&Value::Null, 20.0, -1.0, 0.5);
    pending.entry_pending = true;
    assert_eq!(pending.decide().action, Action::Hold);
    assert!(pending.reason().contains("an entry is working"));

    let mut hourly = Scene::new("control", &json!({ "timeframe": "1h" }));
    let lagged = Feature::Lag { of: Box::new(histogram()), candles: 1 };
    let hour = Interval::H1;
    hourly.set(hour, RSI, 20.0).set(hour, histogram(), 1.0).set(hour, lagged, -1.0);
    assert_eq!(hourly.decide().action, Action::Long);
    hourly.now = MIDNIGHT.plus(-M5.ms());
    assert_eq!(hourly.decide().action, Action::Hold);
    assert!(hourly.reason().contains("between two 1h candles"));
}

#[test]
fn contradictions_are_told_with_their_path() {
    for (written, path) in [
        (json!({ "rsi_buy": 70 }), "rsi_buy"),
        (json!({ "macd_fast": 26 }), "macd_fast"),
        (json!({ "stop": 0.33 }), "stop"),
        (json!({ "entry": { "offset_ticks": 2 } }), "entry.offset_ticks"),
    ] {
        let faults = check::<Params>(&written);
        assert_eq!(faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [path], "{faults:?}");
    }
    assert_eq!(check::<Params>(&json!({ "rsi_buy": 69, "macd_fast": 25, "stop": 0.329 })), []);
}

#[test]
fn a_maker_rests_at_the_close_and_says_so() {
    let maker = json!({ "entry": { "type": "limit", "offset_ticks": 5, "expire_after": "10m" } });
    let mut scene = scene(&maker, 20.0, -1.0, 0.5);
    let price = Price::from_f64(99.95).unwrap();
    let order = EntryOrder::LimitThenMarket { price, post_only: true, expire_after_ms: 600_000 };
    assert_eq!(scene.entry().order, order);
    assert!(scene.reason().ends_with("; rests at 99.95 for 10m, then at the market"), "{}", scene.reason());
}
