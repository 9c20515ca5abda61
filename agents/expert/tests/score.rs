//! Normalisation, weights, S, R, V, T and confidence.

use super::{ATR, BB_MIDDLE, DAY_CHANGE, H1, M5, bear, bull, close_to, scored, zscore};
use crate::testing::Scene;
use proptest::prelude::*;
use serde_json::{Value, json};
use swarm_core::features::Feature;
use swarm_core::model::{Action, Explanation};

const DEFAULT: Value = Value::Null;

fn explained(mut scene: Scene) -> Explanation {
    scene.explain().1
}

#[test]
fn stability_falls_as_volatility_rises_between_a_tenth_and_one() {
    // ATR, V = 1 / (1 + 100 ATR / 100)
    for (atr, stability) in [(0.0, 1.0), (0.25, 0.8), (1.0, 0.5), (9.0, 0.1), (50.0, 0.1)] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, ATR, atr);
        let explanation = explained(scene);
        close_to(explanation.stability.unwrap(), stability);
        close_to(explanation.volatility.unwrap(), atr / 100.0);
    }
}

#[test]
fn the_bb_regime_needs_band_and_day_on_the_same_side() {
    for (middle, change, regime) in [
        (99.0, 0.01, 1),
        (101.0, -0.01, -1),
        (99.0, -0.01, 0),
        (101.0, 0.01, 0),
        (100.0, 0.01, 0),
        (99.0, 0.0, 0),
        (99.999, 0.000_001, 1),
    ] {
        let mut scene = bull(&DEFAULT);
        scene.set(H1, BB_MIDDLE, middle).set(H1, DAY_CHANGE, change);
        assert_eq!(explained(scene).regime, Some(regime), "middle {middle}, change {change}");
    }
}

#[test]
fn the_sma_regime_is_strong_beyond_five_percent() {
    for (close, fast, slow, regime) in [
        (100.0, 99.0, 98.0, 1),
        (100.0, 99.0, 99.5, 0),
        (100.0, 101.0, 102.0, -1),
        (100.0, 101.0, 100.5, 0),
        (104.9, 100.0, 99.0, 1),
        (105.1, 100.0, 99.0, 2),
        (95.1, 100.0, 101.0, -1),
        (94.9, 100.0, 101.0, -2),
    ] {
        let mut scene = Scene::new("expert", &json!({ "regime": "sma" }));
        scene.set_all(0.0).set(M5, Feature::Close, 100.0).set(M5, ATR, 1.0);
        scene.set(H1, Feature::Close, close).set(H1, Feature::Sma { period: 50 }, fast);
        scene.set(H1, Feature::Sma { period: 100 }, slow);
        let (decision, explanation) = scene.explain();
        assert_eq!(explanation.regime, Some(regime), "close {close}, averages {fast} and {slow}");
        // V = 1/2, S = 0: T = R / 2.
        close_to(decision.target_score, f64::from(regime) / 2.0);
    }
}

#[test]
fn weights_are_as_written_without_a_calm_regime() {
    let expected = [0.15, 0.15, 0.10, 0.20, 0.10, 0.15, 0.15];
    let mut neutral = bull(&DEFAULT);
    neutral.set(H1, DAY_CHANGE, 0.0);
    let mut wild = bull(&DEFAULT);
    wild.set(M5, ATR, 1.0); // V = 0.5 is not above 0.5
    for scene in [neutral, wild] {
        for (line, weight) in explained(scene).features.iter().zip(expected) {
            close_to(line.weight, weight);
        }
    }
}

#[test]
fn a_calm_regime_raises_momentum_and_trend_strength_and_rescales_to_one() {
    // 0.20 and 0.15 times 1.5 are 0.30 and 0.225; the sum is 0.65 + 0.525 = 1.175.
    let expected = [0.15, 0.15, 0.10, 0.30, 0.10, 0.15, 0.225].map(|weight| weight / 1.175);
    for scene in [bull(&DEFAULT), bear(&DEFAULT)] {
        let features = explained(scene).features;
        for (line, weight) in features.iter().zip(expected) {
            close_to(line.weight, weight);
        }
        close_to(features.iter().map(|line| line.weight).sum(), 1.0);
    }
}

#[test]
fn weights_of_any_size_are_rescaled() {
    let only = json!({ "weights": {
        "rsi": 1, "macd": 1, "cci": 0, "momentum": 0, "stochastic": 0, "bb_position": 0, "trend_strength": 0
    } });
    let mut scene = bull(&only);
    zscore(&mut scene, "rsi", 1.5);
    zscore(&mut scene, "macd", -0.3);
    zscore(&mut scene, "cci", 3.0);
    // 0.5 x 0.5 - 0.1 x 0.5
    close_to(explained(scene).score.unwrap(), 0.2);
}

#[test]
fn zscores_are_divided_by_three_and_clamped() {
    for (value, normalized) in [(-9.0, -1.0), (-3.0, -1.0), (-1.5, -0.5), (0.0, 0.0), (0.75, 0.25), (3.1, 1.0)] {
        let mut scene = bull(&DEFAULT);
        scene.set(H1, DAY_CHANGE, 0.0);
        zscore(&mut scene, "momentum", value);
        let (decision, explanation) = scene.explain();
        close_to(explanation.features[3].normalized.unwrap(), normalized);
        close_to(explanation.features[3].contribution, 0.2 * normalized);
        // Neutral: T = S.
        close_to(decision.target_score, 0.2 * normalized);
    }
}

#[test]
fn fixed_normalisation_divides_by_published_spans_and_by_the_atr() {
    for (name, value, normalized) in [
        ("rsi", 50.0, 0.0),
        ("rsi", 60.0, 0.4),
        ("rsi", 80.0, 1.0),
        ("macd", 0.25, 0.5),
        ("macd", -2.0, -1.0),
        ("cci", -50.0, -0.5),
        ("momentum", -0.1, -0.2),
        ("stochastic", 75.0, 0.5),
        ("bb_position", 0.75, 0.5),
        ("bb_position", 1.3, 1.0),
        ("trend_strength", -0.3, -0.3),
    ] {
        let mut scene = bull(&json!({ "normalize": "fixed" }));
        assert!(!scene.specs().iter().any(|spec| matches!(spec.feature, Feature::ZScore { .. })));
        scene.set(M5, scored(name), value);
        let line = explained(scene).features.into_iter().find(|line| line.name == name).unwrap();
        assert_eq!(line.value, Some(value));
        close_to(line.normalized.unwrap(), normalized);
    }
}

#[test]
fn fixed_normalisation_survives_a_market_without_any_move() {
    let mut scene = bull(&json!({ "normalize": "fixed" }));
    scene.set(M5, ATR, 0.0).set(M5, scored("macd"), 0.0);
    assert_eq!(explained(scene).features[1].normalized, Some(0.0));
}

#[test]
fn the_target_score_is_score_plus_regime_times_stability_clamped() {
    // momentum's weight in a calm regime is 0.3 / 1.175.
    for (momentum, target) in [(0.0, 2.0 / 3.0), (-3.0, 2.0 / 3.0 - 0.3 / 1.175), (3.0, 2.0 / 3.0 + 0.3 / 1.175)] {
        let mut scene = bull(&DEFAULT);
        zscore(&mut scene, "momentum", momentum);
        close_to(scene.decide().target_score, target);
    }
    let mut scene = bull(&DEFAULT);
    for name in super::NAMES {
        zscore(&mut scene, name, 3.0);
    }
    let (decision, explanation) = scene.explain();
    close_to(explanation.score.unwrap(), 1.0);
    assert_eq!(decision.target_score, 1.0);
    assert_eq!(decision.confidence, 100.0);
}

#[test]
fn confidence_is_of_the_side_the_score_points_to_and_of_the_exit_while_held() {
    close_to(bull(&DEFAULT).decide().confidence, (2.0 / 3.0 + 1.0) * 50.0);
    close_to(bear(&DEFAULT).decide().confidence, (1.0 + 2.0 / 3.0) * 50.0);
    let mut held = bull(&DEFAULT);
    held.hold(swarm_core::model::Side::Buy, 1.0);
    close_to(held.decide().confidence, 100.0 * 2.0 / 3.0);
    let mut silent = bull(&DEFAULT);
    silent.set(H1, DAY_CHANGE, 0.0);
    assert_eq!(silent.decide().confidence, 50.0);
}

#[test]
fn nothing_is_decided_before_every_feature_of_the_score_is_there() {
    let specs = bull(&DEFAULT).specs();
    let scored_by = |feature: &Feature| matches!(feature, Feature::ZScore { .. } | Feature::Atr { .. });
    for spec in specs.into_iter().filter(|spec| spec.interval == H1 || scored_by(&spec.feature)) {
        let mut scene = bull(&DEFAULT);
        scene.set(spec.interval, spec.feature.clone(), f64::NAN);
        let (decision, explanation) = scene.explain();
        assert_eq!((decision.action, decision.confidence, decision.target_score), (Action::Hold, 0.0, 0.0));
        assert!(explanation.reason.starts_with("not ready: "), "{spec:?}: {}", explanation.reason);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn contributions_sum_to_the_score_and_nothing_leaves_its_range(
        scores in prop::array::uniform7(-6.0..6.0f64),
        raw in prop::array::uniform7(-200.0..200.0f64),
        fixed in any::<bool>(),
        atr in 0.0..20.0f64,
        change in -0.1..0.1f64,
        weights in prop::array::uniform7(0.01..1.0f64),
    ) {
        let normalize = if fixed { "fixed" } else { "zscore" };
        let weights: serde_json::Map<String, Value> =
            super::NAMES.iter().zip(weights).map(|(name, weight)| ((*name).to_owned(), json!(weight))).collect();
        let mut scene = bull(&json!({ "normalize": normalize, "weights": weights }));
        for (name, (score, raw)) in super::NAMES.iter().zip(scores.into_iter().zip(raw)) {
            scene.set(M5, scored(name), raw);
            if !fixed {
                zscore(&mut scene, name, score);
            }
        }
        scene.set(M5, ATR, atr).set(H1, DAY_CHANGE, change);
        let (decision, explanation) = scene.explain();
        let sum: f64 = explanation.features.iter().map(|line| line.contribution).sum();
        prop_assert_eq!(sum, explanation.score.unwrap());
        prop_assert!((explanation.features.iter().map(|line| line.weight).sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(explanation.features.iter().all(|line| line.normalized.unwrap().abs() <= 1.0));
        prop_assert!(explanation.score.unwrap().abs() <= 1.0 + 1e-12);
        prop_assert!(decision.target_score.abs() <= 1.0);
        prop_assert!((0.0..=100.0).contains(&decision.confidence));
        prop_assert!((0.1..=1.0).contains(&explanation.stability.unwrap()));
    }
}
