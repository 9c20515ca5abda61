//! The gates of an entry, each just inside and just outside.

use super::{BB_MIDDLE, DAY_CHANGE, H1, M5, VOLUME_RATIO, bear, bull, rsi, scored, zscore};
use crate::testing::{MIDNIGHT, Scene};
use proptest::prelude::*;
use serde_json::{Value, json};
use swarm_core::features::Feature;
use swarm_core::model::{Action, Decision, IntentKind, Interval, Rate, Side};

const DEFAULT: Value = Value::Null;

fn holds_because(scene: &mut Scene, words: &str) {
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, Action::Hold, "{}", explanation.reason);
    assert!(decision.proposal.is_none());
    assert!(explanation.reason.contains(words), "`{words}` is not in `{}`", explanation.reason);
}

fn enters(scene: &mut Scene, action: Action) {
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, action, "{}", explanation.reason);
    assert!(matches!(decision.proposal.as_deref(), Some(IntentKind::Open(_))));
}

/// Neutral, so that T = S, with every z-score the same: S = z / 3.
fn neutral(params: &Value, score: f64) -> Scene {
    let mut scene = bull(params);
    scene.set(H1, DAY_CHANGE, 0.0);
    for name in super::NAMES {
        zscore(&mut scene, name, 3.0 * score);
    }
    scene
}

#[test]
fn a_bull_is_bought_and_a_bear_is_sold() {
    enters(&mut bull(&DEFAULT), Action::Long);
    enters(&mut bear(&DEFAULT), Action::Short);
    assert_eq!(bull(&DEFAULT).entry().side, Side::Buy);
    assert_eq!(bear(&DEFAULT).entry().side, Side::Sell);
}

#[test]
fn the_score_must_be_beyond_the_threshold() {
    enters(&mut neutral(&DEFAULT, 0.501), Action::Long);
    holds_because(&mut neutral(&DEFAULT, 0.499), "target score 0.50 is within ±0.5");
    enters(&mut neutral(&DEFAULT, -0.501), Action::Short);
    holds_because(&mut neutral(&DEFAULT, -0.499), "is within ±0.5");
    // Exactly on it is not beyond it: S of one weight alone is exact.
    let exact = json!({ "weights": super::only_rsi() });
    holds_because(&mut neutral(&exact, 0.5), "is within ±0.5");
    holds_because(&mut neutral(&exact, -0.5), "is within ±0.5");
}

#[test]
fn confidence_must_reach_its_minimum() {
    let sure = |min: f64| json!({ "min_confidence": min, "entry_score": 0.2 });
    // S = 0.3: confidence 65.
    enters(&mut neutral(&sure(64.999), 0.3), Action::Long);
    holds_because(&mut neutral(&sure(65.001), 0.3), "confidence 65.0 is under 65.001");
    enters(&mut neutral(&sure(64.999), -0.3), Action::Short);
    holds_because(&mut neutral(&sure(65.001), -0.3), "says SHORT, but confidence");
    // S = 0.5 exactly: confidence 75, and that is enough.
    let exact = json!({ "min_confidence": 75, "entry_score": 0.2, "weights": super::only_rsi() });
    enters(&mut neutral(&exact, 0.5), Action::Long);
}

#[test]
fn long_needs_a_low_fast_rsi_and_short_a_high_slow_one() {
    for (value, enter) in [(39.999, true), (40.0, false), (40.001, false)] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, rsi(7), value).set(M5, rsi(14), 50.0);
        if enter {
            enters(&mut scene, Action::Long)
        } else {
            holds_because(&mut scene, "RSI 7 at 40.0 is not under 40")
        }
    }
    for (value, enter) in [(60.001, true), (60.0, false), (59.999, false)] {
        let mut scene = bear(&DEFAULT);
        scene.set(M5, rsi(14), value).set(M5, rsi(7), 50.0);
        if enter {
            enters(&mut scene, Action::Short)
        } else {
            holds_because(&mut scene, "RSI 14 at 60.0 is not over 60")
        }
    }
}

#[test]
fn volume_must_reach_its_multiple_of_the_average() {
    for (ratio, enter) in [(1.2, true), (1.3, true), (1.199, false)] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, VOLUME_RATIO, ratio);
        if enter {
            enters(&mut scene, Action::Long)
        } else {
            holds_because(&mut scene, "volume is 1.20 x its average, under 1.2")
        }
    }
}

#[test]
fn a_gate_without_its_feature_stays_shut() {
    for (feature, words) in [(rsi(7), "RSI 7 is not ready"), (VOLUME_RATIO, "average volume is not ready")] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, feature, f64::NAN);
        holds_because(&mut scene, words);
    }
    let mut scene = bull(&DEFAULT);
    scene.set(M5, Feature::Volume, f64::NAN);
    holds_because(&mut scene, "share of the candle's volume leaves less");
}

#[test]
fn the_bb_confirmation_wants_the_close_on_the_trades_side_of_the_middle() {
    let params = json!({ "confirm": ["bb"] });
    for (middle, long, short) in [(99.99, true, false), (100.0, false, false), (100.01, false, true)] {
        let mut scene = bull(&params);
        scene.set(M5, BB_MIDDLE, middle);
        if long {
            enters(&mut scene, Action::Long)
        } else {
            holds_because(&mut scene, "middle band does not confirm")
        }
        let mut scene = bear(&params);
        scene.set(M5, BB_MIDDLE, middle);
        if short {
            enters(&mut scene, Action::Short)
        } else {
            holds_because(&mut scene, "middle band does not confirm")
        }
    }
}

#[test]
fn the_macd_confirmation_wants_the_line_on_the_trades_side_of_its_signal() {
    let params = json!({ "confirm": ["macd"] });
    for (histogram, long, short) in
        [(0.001, true, false), (0.0, false, false), (-0.001, false, true), (f64::NAN, false, false)]
    {
        let mut scene = bull(&params);
        scene.set(M5, scored("macd"), histogram);
        if long {
            enters(&mut scene, Action::Long)
        } else {
            holds_because(&mut scene, "MACD against its signal")
        }
        let mut scene = bear(&params);
        scene.set(M5, scored("macd"), histogram);
        if short { enters(&mut scene, Action::Short) } else { holds_because(&mut scene, "MACD against its signal") }
    }
}

#[test]
fn the_timeframes_confirmation_wants_no_regime_against_the_trade() {
    let params = json!({ "confirm": ["timeframes"] });
    for (middle, change, long, short) in [
        (99.0, 0.01, true, false),
        (99.0, -0.01, true, true),
        (101.0, -0.01, false, true),
        (f64::NAN, 0.01, false, false),
    ] {
        let quarter = |mut scene: Scene| {
            scene.set(Interval::M15, Feature::Close, 100.0).set(Interval::M15, BB_MIDDLE, middle);
            scene.set(Interval::M15, DAY_CHANGE, change);
            scene
        };
        let mut scene = quarter(bull(&params));
        if long {
            enters(&mut scene, Action::Long)
        } else {
            holds_because(&mut scene, "another timeframe")
        }
        let mut scene = quarter(bear(&params));
        if short { enters(&mut scene, Action::Short) } else { holds_because(&mut scene, "another timeframe") }
    }
    let unasked = bull(&DEFAULT);
    assert!(unasked.specs().iter().all(|spec| spec.interval != Interval::M15), "only what is used is computed");
}

#[test]
fn an_entry_is_refused_when_its_side_would_pay_too_much_funding() {
    // Longs pay a positive rate; 0.05 % in 8 h is allowed.
    for (rate, interval, long, short) in [
        (0.0005, "8h", true, true),
        (0.000_501, "8h", false, true),
        (-0.000_501, "8h", true, false),
        (0.000_251, "4h", false, true),
        (0.0005, "4h", false, true),
        (0.000_25, "4h", true, true),
    ] {
        let params = json!({ "funding_interval": interval });
        for (mut scene, enter, action) in [(bull(&params), long, Action::Long), (bear(&params), short, Action::Short)] {
            scene.funding_rate = Rate::from_f64(rate);
            if enter { enters(&mut scene, action) } else { holds_because(&mut scene, "funding in 8 h, over 0.0500 %") }
        }
    }
    enters(&mut bull(&DEFAULT), Action::Long);
}

#[test]
fn nothing_is_done_while_an_entry_is_working_or_between_its_candles() {
    let mut scene = bull(&DEFAULT);
    scene.entry_pending = true;
    holds_because(&mut scene, "an entry is working");

    let quarter = Interval::M15;
    let mut scene = Scene::new("expert", &json!({ "timeframe": "15m" }));
    let specs = scene.specs();
    let reference = bull(&DEFAULT);
    assert_eq!(specs.len(), reference.specs().len());
    assert!(specs.iter().all(|spec| spec.interval == quarter || spec.interval == H1));
    scene.set_all(0.0).set(quarter, Feature::Close, 100.0).set(quarter, super::ATR, 0.5);
    scene.set(quarter, rsi(7), 35.0).set(quarter, VOLUME_RATIO, 1.5).set(quarter, Feature::Volume, 1_000_000.0);
    scene.set(H1, Feature::Close, 100.0).set(H1, BB_MIDDLE, 99.0).set(H1, DAY_CHANGE, 0.01);
    enters(&mut scene, Action::Long);
    for minutes in [5, 10] {
        scene.now = MIDNIGHT.plus(minutes * 60_000);
        holds_because(&mut scene, "between two 15m candles");
        assert!(scene.decide().target_score > 0.6, "the score is told all the same");
    }
    scene.now = MIDNIGHT.plus(15 * 60_000);
    enters(&mut scene, Action::Long);
}

#[test]
fn strong_regimes_of_the_sma_rule_move_the_score_twice() {
    let mut scene = Scene::new("expert", &json!({ "regime": "sma" }));
    scene.set_all(0.0).set(M5, Feature::Close, 100.0).set(M5, super::ATR, 2.0).set(M5, Feature::Volume, 1e6);
    scene.set(M5, rsi(7), 35.0).set(M5, VOLUME_RATIO, 1.5);
    scene.set(H1, Feature::Close, 110.0).set(H1, Feature::Sma { period: 50 }, 100.0);
    scene.set(H1, Feature::Sma { period: 100 }, 99.0);
    // V = 1/3, R = 2: T = 2/3, where a plain BULL would leave it at 1/3.
    enters(&mut scene, Action::Long);
    scene.set(H1, Feature::Close, 104.0);
    holds_because(&mut scene, "target score 0.33");
}

/// What a decision asks for, with the sides swapped when `mirrored`.
fn shape(decision: &Decision, mirrored: bool) -> (Action, Option<IntentKind>) {
    let action = match decision.action {
        Action::Long if mirrored => Action::Short,
        Action::Short if mirrored => Action::Long,
        other => other,
    };
    let wish = decision.proposal.as_deref().cloned().map(|mut wish| {
        if let IntentKind::Open(entry) = &mut wish {
            entry.side = if mirrored { entry.side.opposite() } else { entry.side };
        }
        wish
    });
    (action, wish)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_mirror_image_of_a_market_gets_the_mirror_image_of_the_decision(
        scores in prop::array::uniform7(-6.0..6.0f64),
        atr in 0.1..4.0f64,
        distance in -2.0..2.0f64,
        change in -0.1..0.1f64,
        (fast, slow) in (0.0..100.0f64, 0.0..100.0f64),
        (histogram, middle) in (-1.0..1.0f64, -1.0..1.0f64),
        ratio in 1.0..2.0f64,
        funding in -0.001..0.001f64,
        confirm in prop::sample::subsequence(vec!["bb", "macd"], 0..=2),
        held in prop::option::weighted(0.3, (any::<bool>(), -5.0..5.0f64)),
    ) {
        let params = json!({ "confirm": confirm });
        let scene = |sign: f64| {
            let mut scene = bull(&params);
            for (name, score) in super::NAMES.iter().zip(scores) {
                zscore(&mut scene, name, sign * score);
            }
            let (fast, slow) = if sign > 0.0 { (fast, slow) } else { (100.0 - slow, 100.0 - fast) };
            scene.set(M5, rsi(7), fast).set(M5, rsi(14), slow).set(M5, VOLUME_RATIO, ratio).set(M5, super::ATR, atr);
            scene.set(M5, scored("macd"), sign * histogram).set(M5, BB_MIDDLE, 100.0 + sign * middle);
            scene.set(H1, BB_MIDDLE, 100.0 + sign * distance).set(H1, DAY_CHANGE, sign * change);
            scene.set(M5, scored("rsi"), fast);
            scene.funding_rate = Rate::from_f64(sign * funding);
            if let Some((long, profit)) = held {
                scene.hold(if long == (sign > 0.0) { Side::Buy } else { Side::Sell }, profit);
            }
            scene
        };
        // 100 - x is not exact: stay off the thresholds.
        let near = |value: f64| [30.0, 40.0, 60.0, 70.0].iter().any(|threshold| (value - threshold).abs() < 1e-6);
        prop_assume!(!near(fast) && !near(slow));
        let (one, other) = (scene(1.0).decide(), scene(-1.0).decide());
        prop_assert_eq!(one.target_score, -other.target_score);
        prop_assert_eq!(one.confidence, other.confidence);
        prop_assert_eq!(shape(&one, false), shape(&other, true));
    }
}

/// What a rule above asks of the expert, without a proposal being made.
#[test]
fn a_glance_is_the_decision_without_its_proposal() {
    let held = |side| {
        let mut scene = neutral(&DEFAULT, -0.4);
        scene.hold(side, 1.0);
        scene
    };
    let mut cold = bull(&DEFAULT);
    cold.set(M5, Feature::Close, f64::NAN);
    for mut scene in [bull(&DEFAULT), bear(&DEFAULT), neutral(&DEFAULT, 0.4), held(Side::Buy), held(Side::Sell), cold] {
        let decision = scene.decide();
        let glance = scene.glance::<crate::expert::Expert>(&DEFAULT);
        assert_eq!(glance, (decision.action, decision.confidence));
    }
}
