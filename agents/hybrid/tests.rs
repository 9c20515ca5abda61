//! The hybrid by its branches, with the shipped control and expert as parts.

use super::Params;
use crate::params::{check, complete, read};
use crate::registry;
use crate::testing::{Scene, build};
use serde_json::{Value, json};
use swarm_core::features::{Feature, MacdLine, Wants};
use swarm_core::model::{Action, ExitReason, IntentKind, Interval, Side, Size};

const M5: Interval = Interval::M5;
const H1: Interval = Interval::H1;

fn histogram() -> Feature {
    Feature::Macd { fast: 12, slow: 26, signal: 9, line: MacdLine::Histogram }
}

/// What the parts say: the control by RSI 14 and the histogram's turn, the expert by S = `score` alone (its
/// regime is neutral, so T = S), with RSI 7 and volume allowing a long entry. RSI 14 is the gate of its shorts, too.
fn scene(params: &Value, rsi: f64, turn: f64, score: f64) -> Scene {
    let mut scene = Scene::new("hybrid", params);
    scene.set_all(0.0);
    for feature in crate::expert::Indicators::default().scored() {
        scene.set(M5, Feature::ZScore { of: Box::new(feature), window: 100 }, 3.0 * score);
    }
    scene.set(M5, Feature::Close, 100.0).set(M5, Feature::Atr { period: 14 }, 0.5);
    scene.set(M5, Feature::Volume, 1_000_000.0).set(M5, Feature::VolumeRatio { period: 20 }, 1.5);
    scene.set(M5, Feature::Rsi { period: 7 }, 35.0).set(M5, Feature::Rsi { period: 14 }, rsi);
    scene.set(M5, histogram(), turn).set(M5, Feature::Lag { of: Box::new(histogram()), candles: 1 }, 0.0);
    scene.set(H1, Feature::Close, 100.0).set(H1, Feature::BbMiddle { period: 20 }, 100.0);
    scene
}

const DEFAULT: Value = Value::Null;
/// What the control buys and sells at.
const LOW: f64 = 20.0;
const HIGH: f64 = 80.0;

fn check_branch(mut scene: Scene, action: Action, branch: &str, words: &str) -> f64 {
    let (decision, explanation) = scene.explain();
    assert_eq!((decision.action, explanation.branch.as_deref()), (action, Some(branch)), "{}", explanation.reason);
    assert!(explanation.reason.contains(words), "`{words}` is not in `{}`", explanation.reason);
    match decision.proposal.as_deref() {
        Some(IntentKind::Open(entry)) => match entry.size {
            Size::Notional(notional) => notional.to_f64(),
            Size::Qty(_) => panic!("neither part asks for a quantity"),
        },
        _ => 0.0,
    }
}

#[test]
fn the_expert_is_taken_above_seventy_and_else_the_base() {
    // T = 0.51: confidence 75.5; the control does not care.
    check_branch(scene(&DEFAULT, 50.0, 0.0, 0.51), Action::Long, "expert", "expert, confidence 75.5 over 70: LONG");
    // The expert holds: its score is within its threshold.
    check_branch(scene(&DEFAULT, LOW, 1.0, 0.2), Action::Long, "base", "base, since the expert holds: BUY");
    check_branch(scene(&DEFAULT, 50.0, 1.0, 0.2), Action::Hold, "base", "base, since the expert holds: no signal");
    // Unsure: T = 0.39 is confidence 69.5, T = 0.41 is 70.5.
    let eager = json!({ "expert": { "expert": { "entry_score": 0.3 } } });
    let words = "base, since the expert's LONG has confidence 69.5, not over 70: no signal";
    check_branch(scene(&eager, 50.0, 0.0, 0.39), Action::Hold, "base", words);
    check_branch(scene(&eager, 50.0, 0.0, 0.41), Action::Long, "expert", "confidence 70.5");
    check_branch(scene(&DEFAULT, 65.0, 0.0, -0.6), Action::Short, "expert", "confidence 80.0 over 70");
}

#[test]
fn on_the_threshold_is_not_above_it() {
    let weights =
        json!({ "rsi": 1, "macd": 0, "cci": 0, "momentum": 0, "stochastic": 0, "bb_position": 0, "trend_strength": 0 });
    // S = 0.5 exactly: confidence 75.
    let at = |take: f64, boost: f64| {
        json!({ "take_above": take, "boost_above": boost,
            "expert": { "expert": { "entry_score": 0.4, "weights": weights.clone() } } })
    };
    check_branch(scene(&at(75.0, 75.0), LOW, 1.0, 0.5), Action::Long, "base", "has confidence 75.0, not over 75");
    check_branch(scene(&at(74.9, 75.0), LOW, 1.0, 0.5), Action::Long, "expert", "confidence 75.0 over 74.9");
    check_branch(
        scene(&at(74.8, 74.9), LOW, 1.0, 0.5),
        Action::Long,
        "expert, size boosted",
        "says the same: size x 1.5",
    );
}

#[test]
fn where_both_say_the_same_and_the_expert_is_surer_still_the_size_is_half_as_large_again_before_the_caps() {
    // Equity 1,000 and one position: by risk 0.02 x 1,000 / 0.01 = 2,000, the cap 2.0 x 1,000.
    let sized = |params: &Value, rsi, turn, branch| {
        let mut scene = scene(params, rsi, turn, 0.59);
        scene.account.max_positions = 1;
        scene.account.equity = swarm_core::model::Usd::whole(1_000);
        check_branch(scene, Action::Long, branch, "confidence 79.5")
    };
    let careful = json!({ "expert": { "expert": { "risk": 0.005 } } });
    assert_eq!(sized(&careful, 50.0, 0.0, "expert"), 500.0);
    assert_eq!(sized(&careful, LOW, 1.0, "expert, size boosted"), 750.0);
    assert_eq!(
        sized(&json!({ "boost": 3, "expert": { "expert": { "risk": 0.005 } } }), LOW, 1.0, "expert, size boosted"),
        1_500.0
    );
    assert_eq!(sized(&json!({ "boost_above": 80 }), LOW, 1.0, "expert"), 2_000.0);
    assert_eq!(sized(&DEFAULT, LOW, 1.0, "expert, size boosted"), 2_000.0, "the cap holds after the boost");
    let volume = json!({ "expert": { "expert": { "risk": 0.005, "max_volume_share": 0.00001 } } });
    let mut thin = scene(&volume, LOW, 1.0, 0.59);
    thin.account.max_positions = 1;
    thin.account.equity = swarm_core::model::Usd::whole(1_000);
    thin.set(M5, Feature::Volume, 600_000.0);
    assert_eq!(check_branch(thin, Action::Long, "expert, size boosted", "share of the candle's volume"), 600.0);
}

#[test]
fn either_part_may_close_what_is_held() {
    let close = IntentKind::Close { reason: ExitReason::Signal };
    // The expert's exit has confidence |T| x 100 = 80.
    let mut sure = scene(&DEFAULT, 50.0, 0.0, -0.8);
    sure.hold(Side::Buy, -1.0);
    assert_eq!(sure.decide().proposal.as_deref(), Some(&close));
    check_branch(sure, Action::Exit, "expert", "close LONG");
    // At 40 it is not taken, and the control sees no signal.
    let mut unsure = scene(&DEFAULT, 50.0, 0.0, -0.4);
    unsure.hold(Side::Buy, -1.0);
    check_branch(unsure, Action::Hold, "base", "the expert's EXIT has confidence 40.0");
    let mut base = scene(&DEFAULT, HIGH, -1.0, 0.0);
    base.hold(Side::Buy, -1.0);
    check_branch(base, Action::Exit, "base", "exit on the opposite signal");
}

#[test]
fn the_record_keeps_what_the_expert_measured() {
    let (_, explanation) = scene(&DEFAULT, LOW, 1.0, 0.2).explain();
    assert_eq!(explanation.features[0].name, "rsi");
    assert!((explanation.score.unwrap() - 0.2).abs() < 1e-12);
    assert_eq!((explanation.regime, explanation.volatility), (Some(0), Some(0.005)));
}

#[test]
fn missing_parameters_take_the_defaults_of_the_rule_that_is_named() {
    let whole = complete::<Params>(&json!({ "base": { "ema_cross": { "fast": 5 } }, "boost": 2 }));
    assert_eq!(whole["base"]["ema_cross"]["slow"], 20);
    assert_eq!(whole["base"]["ema_cross"]["fast"], 5);
    assert!(whole["base"].get("control").is_none(), "the default part does not stay beside the one that is named");
    assert_eq!(whole["expert"]["expert"]["risk"], 0.02);
    assert_eq!((&whole["boost"], &whole["take_above"]), (&json!(2), &json!(70.0)));
    let preset = complete::<Params>(&json!({ "expert": { "expert": { "risk_preset": "aggressive" } } }));
    assert_eq!(preset["expert"]["expert"]["risk"], 0.03);
    assert_eq!(complete::<Params>(&whole), whole);
}

#[test]
fn faults_of_a_part_are_told_below_it() {
    for (written, path, words) in [
        (json!({ "base": { "control": { "rsi_buy": 80 } } }), "base.control.rsi_buy", "rsi_sell"),
        (
            json!({ "expert": { "expert": { "entry": { "then": "cancel" } } } }),
            "expert.expert.entry.then",
            "type: limit",
        ),
        (json!({ "expert": { "ema_cross": { "fast": 20 } } }), "expert.ema_cross.fast", "shorter"),
        (json!({ "base": { "hybrid": {} } }), "base.hybrid", "not made of hybrids"),
        (json!({ "base": { "nobody": {} } }), "base.nobody", "no such rule"),
        (
            json!({ "base": { "control": {}, "trend": {} } }),
            "base",
            "names 2 rules; write one of expert, control, trend",
        ),
        (json!({ "base": {} }), "base", "names 0 rules"),
        (json!({ "boost_above": 60 }), "boost_above", "take_above"),
    ] {
        let faults = check::<Params>(&written);
        let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths.first(), Some(&path), "{written}: {faults:?}");
        assert!(faults[0].1.contains(words), "{faults:?}");
        assert!(read::<Params>(&written).is_err(), "{written}");
    }
    let out_of_range = json!({ "base": { "control": { "macd_signal": 5000 } } });
    let error = (registry::find("hybrid").unwrap().prepare)(&out_of_range).err().unwrap();
    assert_eq!(error.path, "base.control.macd_signal");
    let fails =
        |params: Value, base| build("hybrid", &params, base, &mut Wants::default()).err().map(|error| error.path);
    assert_eq!(fails(json!({}), M5), None);
    assert_eq!(fails(json!({ "base": { "trend": {} } }), M5), None);
    assert_eq!(fails(json!({ "base": { "trend": {} } }), Interval::D1).as_deref(), Some("base.trend.timeframe"));
    assert_eq!(fails(json!({}), Interval::H4).as_deref(), Some("expert.expert.regime_timeframe"));
}

/// Whatever the parts are: with a threshold nothing passes it is the base, and with one that everything
/// passes, and no boost, what the expert enters is what it would enter alone.
#[test]
fn any_two_rules_make_a_hybrid() {
    for base in registry::rules().iter().filter(|rule| rule.name != "hybrid") {
        for expert in registry::rules().iter().filter(|rule| rule.name != "hybrid") {
            let written = json!({ "base": { base.name: {} }, "expert": { expert.name: {} } });
            assert_eq!(check::<Params>(&written), [], "{written}");
            let mut scene = Scene::new("hybrid", &written);
            assert_eq!(scene.decide().action, Action::Hold, "not warm");
            scene.set_all(1.0);
            let (decision, explanation) = scene.explain();
            assert!(explanation.branch.is_some() && !explanation.reason.is_empty(), "{decision:?}");
        }
    }
}
