//! The record of a decision.

use super::{M5, bear, bull, close_to, rsi, scored, zscore};
use serde_json::{Value, json};
use swarm_core::features::Feature;
use swarm_core::model::{Action, Rate, Side};

const DEFAULT: Value = Value::Null;

#[test]
fn an_entry_is_explained_completely() {
    let mut scene = bull(&DEFAULT);
    scene.funding_rate = Rate::from_f64(0.0001);
    scene.set(M5, scored("rsi"), 33.25).set(M5, scored("macd"), -0.125);
    zscore(&mut scene, "rsi", -0.6);
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, Action::Long);
    assert_eq!(explanation.features.iter().map(|line| line.name.as_ref()).collect::<Vec<_>>(), super::NAMES);
    let line = &explanation.features[0];
    assert_eq!((line.value, explanation.features[1].value), (Some(33.25), Some(-0.125)));
    close_to(line.normalized.unwrap(), -0.2);
    close_to(line.weight, 0.15 / 1.175);
    close_to(line.contribution, -0.2 * 0.15 / 1.175);
    close_to(explanation.score.unwrap(), line.contribution);
    assert_eq!(explanation.regime, Some(1));
    close_to(explanation.stability.unwrap(), 2.0 / 3.0);
    close_to(explanation.volatility.unwrap(), 0.005);
    close_to(explanation.leverage.unwrap(), 4.2);
    close_to(explanation.notional_usdt.unwrap(), 14_000.0);
    close_to(explanation.stop_price.unwrap(), 99.0);
    assert_eq!(explanation.target_prices.len(), 2);
    close_to(explanation.target_prices[0], 104.0);
    close_to(explanation.target_prices[1], 115.0);
    close_to(explanation.expected_funding.unwrap(), 0.0001);
    // 14,000 of 100,000,000 USDT at an impact of 1 %.
    close_to(explanation.expected_slippage.unwrap(), 0.01 * 14_000.0 / 100_000_000.0);
    assert_eq!(
        explanation.reason,
        "LONG: target score 0.64, RSI 7 at 33.2, volume 1.50 x its average, regime BULL on 1h, stability 0.67; \
         14000.00 USDT (set by leverage and the equity of one position) at 4.20x, stop at 99 (1.00 % away)"
    );
}

#[test]
fn a_short_has_stop_above_targets_below_and_receives_what_longs_pay() {
    let mut scene = bear(&DEFAULT);
    scene.funding_rate = Rate::from_f64(0.0001);
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, Action::Short);
    close_to(explanation.stop_price.unwrap(), 101.0);
    close_to(explanation.target_prices[0], 96.0);
    close_to(explanation.target_prices[1], 85.0);
    close_to(explanation.expected_funding.unwrap(), -0.0001);
    assert!(explanation.reason.starts_with("SHORT: target score -0.67, RSI 14 at 65.0"), "{}", explanation.reason);
}

#[test]
fn a_hold_tells_the_reading_but_no_plan() {
    let mut scene = bull(&DEFAULT);
    scene.funding_rate = Rate::from_f64(0.0001);
    scene.set(M5, rsi(7), 45.0);
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, Action::Hold);
    assert_eq!(
        explanation.reason,
        "target score 0.67 says LONG, but RSI 7 at 45.0 is not under 40; regime BULL on 1h, stability 0.67"
    );
    assert_eq!((explanation.leverage, explanation.notional_usdt, explanation.stop_price), (None, None, None));
    assert!(explanation.target_prices.is_empty());
    assert_eq!(explanation.expected_funding, Some(0.0001), "the side that was looked at");
    close_to(explanation.score.unwrap(), 0.0);
}

#[test]
fn a_held_position_tells_its_funding() {
    let mut scene = bull(&json!({ "funding_interval": "4h" }));
    scene.funding_rate = Rate::from_f64(0.0001);
    scene.hold(Side::Sell, 1.0);
    let (decision, explanation) = scene.explain();
    assert_eq!(decision.action, Action::Exit);
    close_to(explanation.expected_funding.unwrap(), -0.0002);
}

#[test]
fn what_is_not_ready_is_named_and_absent() {
    let mut scene = bull(&DEFAULT);
    scene.set(M5, scored("trend_strength"), f64::NAN);
    zscore(&mut scene, "trend_strength", f64::NAN);
    scene.set(super::H1, Feature::Close, f64::NAN);
    let (_, explanation) = scene.explain();
    assert_eq!(explanation.reason, "not ready: trend_strength, regime missing");
    let line = &explanation.features[6];
    assert_eq!((line.value, line.normalized, line.contribution), (None, None, 0.0));
    assert_eq!((explanation.score, explanation.regime), (None, None));
    close_to(explanation.stability.unwrap(), 2.0 / 3.0);
}
