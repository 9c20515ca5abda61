//! The exit plan of an entry, and exits by signal.

use super::{ATR, DAY_CHANGE, H1, M5, bear, bull, rsi, zscore};
use crate::testing::Scene;
use serde_json::{Value, json};
use swarm_core::model::{
    Action, BreakEven, ExitReason, HOUR_MS, IntentKind, Price, Rate, Side, StopPlan, TargetPlan, Trail,
};

const DEFAULT: Value = Value::Null;

fn price(value: f64) -> Price {
    Price::from_f64(value).unwrap()
}

fn rate(value: f64) -> Rate {
    Rate::from_f64(value).unwrap()
}

fn target(at: f64, fraction: f64) -> TargetPlan {
    TargetPlan { at: rate(at), fraction: rate(fraction) }
}

#[test]
fn the_plan_of_an_entry_by_default() {
    for mut scene in [bull(&DEFAULT), bear(&DEFAULT)] {
        let exits = scene.entry().exits;
        assert_eq!(
            exits.stop,
            Some(StopPlan {
                distance: price(1.0), // 2 x 0.5
                break_even: Some(BreakEven { from: rate(0.01), to: rate(0.005) }),
                trail: Some(Trail { from: rate(0.02), distance: price(0.75), max_distance: rate(0.015) }),
            })
        );
        assert_eq!(exits.targets, [target(0.04, 0.5), target(0.15, 0.5)]);
        assert_eq!(exits.max_holding_ms, None);
    }
}

#[test]
fn the_stop_is_two_atr_or_five_percent_whichever_is_nearer() {
    for (atr, distance) in [(2.49, 4.98), (2.5, 5.0), (2.51, 5.0), (20.0, 5.0)] {
        let mut scene = bull(&json!({ "entry_score": 0.05, "min_confidence": 0 }));
        scene.set(M5, ATR, atr);
        assert_eq!(scene.entry().exits.stop.unwrap().distance, price(distance), "ATR {atr}");
    }
    for (preset, distance) in [("tight", 3.0), ("default", 5.0), ("wide", 7.0)] {
        let mut scene = bull(&json!({ "entry_score": 0.05, "min_confidence": 0, "exit_preset": preset }));
        scene.set(M5, ATR, 10.0);
        assert_eq!(scene.entry().exits.stop.unwrap().distance, price(distance), "{preset}");
    }
}

#[test]
fn exits_can_be_switched_off_and_replaced() {
    let exits = bull(&json!({
        "break_even": null, "trail": null, "targets": [{ "at": 0.1, "fraction": 1 }], "max_holding": "12h"
    }))
    .entry()
    .exits;
    assert_eq!(exits.stop, Some(StopPlan { distance: price(1.0), break_even: None, trail: None }));
    assert_eq!(exits.targets, [target(0.1, 1.0)]);
    assert_eq!(exits.max_holding_ms, Some(12 * HOUR_MS));
    assert!(bull(&json!({ "targets": [] })).entry().exits.targets.is_empty());
    let partly = bull(&json!({ "trail": { "atr": 3 } })).entry().exits.stop.unwrap().trail.unwrap();
    assert_eq!((partly.from, partly.distance, partly.max_distance), (rate(0.02), price(1.5), rate(0.015)));
}

/// Neutral with T = S = `score`, holding a position; no RSI stretched.
fn held(side: Side, profit: f64, score: f64) -> Scene {
    let mut scene = bull(&DEFAULT);
    scene.set(H1, DAY_CHANGE, 0.0).set(M5, rsi(7), 50.0).set(M5, rsi(14), 50.0);
    for name in super::NAMES {
        zscore(&mut scene, name, 3.0 * score);
    }
    scene.hold(side, profit);
    scene
}

fn check(mut scene: Scene, exits: bool, words: &str) {
    let (decision, explanation) = scene.explain();
    assert!(explanation.reason.contains(words), "`{words}` is not in `{}`", explanation.reason);
    if exits {
        assert_eq!(decision.action, Action::Exit, "{}", explanation.reason);
        assert_eq!(decision.proposal.as_deref(), Some(&IntentKind::Close { reason: ExitReason::Signal }));
    } else {
        assert_eq!(decision.action, Action::Hold, "{}", explanation.reason);
        assert_eq!(decision.proposal, None);
    }
}

#[test]
fn a_score_against_the_position_closes_it_in_profit_or_not() {
    for profit in [-10.0, 10.0] {
        check(held(Side::Buy, profit, -0.301), true, "close LONG: target score -0.30 turned against it");
        check(held(Side::Buy, profit, -0.299), false, "position kept");
        check(held(Side::Buy, profit, 0.9), false, "position kept");
        check(held(Side::Sell, profit, 0.301), true, "close SHORT: target score 0.30 turned against it");
        check(held(Side::Sell, profit, 0.299), false, "position kept");
        check(held(Side::Sell, profit, -0.9), false, "position kept");
    }
}

#[test]
fn a_stretched_rsi_closes_only_in_profit() {
    for (side, feature, inside, outside, words) in [
        (Side::Buy, rsi(14), 70.0, 70.001, "close LONG: RSI 14 at 70.0 while in profit"),
        (Side::Sell, rsi(7), 30.0, 29.999, "close SHORT: RSI 7 at 30.0 while in profit"),
    ] {
        for (profit, value, exits) in
            [(0.01, outside, true), (0.01, inside, false), (0.0, outside, false), (-5.0, outside, false)]
        {
            let mut scene = held(side, profit, 0.0);
            scene.set(M5, feature.clone(), value);
            check(scene, exits, if exits { words } else { "position kept" });
        }
        let mut scene = held(side, 1.0, 0.0);
        scene.set(M5, feature, f64::NAN);
        check(scene, false, "position kept");
    }
}

#[test]
fn thresholds_of_exits_are_parameters() {
    let params = json!({ "exit_score": 0.1, "exit_rsi_long": 60, "exit_rsi_short": 45 });
    let scene = |side, score: f64, fast, slow| {
        let mut scene = bull(&params);
        scene.set(H1, DAY_CHANGE, 0.0).set(M5, rsi(7), fast).set(M5, rsi(14), slow);
        for name in super::NAMES {
            zscore(&mut scene, name, 3.0 * score);
        }
        scene.hold(side, 1.0);
        scene
    };
    check(scene(Side::Buy, -0.11, 50.0, 50.0), true, "turned against it");
    check(scene(Side::Buy, 0.0, 50.0, 61.0), true, "RSI 14");
    check(scene(Side::Sell, 0.0, 44.0, 50.0), true, "RSI 7");
    check(scene(Side::Sell, 0.0, 46.0, 50.0), false, "position kept");
}

#[test]
fn no_position_is_opened_or_closed_while_the_score_is_not_ready() {
    let mut scene = held(Side::Buy, 1.0, -0.9);
    scene.set(M5, ATR, f64::NAN);
    check(scene, false, "not ready: volatility missing");
}

#[test]
fn a_held_position_is_never_added_to() {
    let mut scene = bull(&DEFAULT);
    scene.hold(Side::Buy, 1.0);
    check(scene, false, "position kept");
}
