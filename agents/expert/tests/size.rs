//! Leverage and notional, by hand.

use super::{ATR, DAY_CHANGE, H1, M5, VOLUME_RATIO, bull, close_to, rsi, zscore};
use crate::testing::Scene;
use serde_json::{Value, json};
use swarm_core::features::Feature;
use swarm_core::model::{Action, Price, Qty, Rate, Size, Usd};
use swarm_core::rule::TradeStats;

const DEFAULT: Value = Value::Null;

fn leverage(scene: &mut Scene) -> f64 {
    scene.entry().leverage.to_f64()
}

fn notional(scene: &mut Scene) -> f64 {
    match scene.entry().size {
        Size::Notional(notional) => notional.to_f64(),
        size => panic!("{size:?}"),
    }
}

/// T = S + R V with S chosen so that T is `target`.
fn with_target(params: &Value, regime: bool, atr: f64, target: f64) -> Scene {
    let mut scene = bull(params);
    let stability = (1.0 / (1.0 + atr)).max(0.1);
    scene.set(M5, ATR, atr).set(H1, DAY_CHANGE, if regime { 0.01 } else { 0.0 });
    for name in super::NAMES {
        zscore(&mut scene, name, 3.0 * (target - if regime { stability } else { 0.0 }));
    }
    scene
}

#[test]
fn the_leverage_ladder() {
    let eager = json!({ "entry_score": 0.1, "min_confidence": 0 });
    for (regime, atr, target, expected, why) in [
        (false, 0.5, 0.55, 2.0, "no regime"),
        (true, 1.0, 0.55, 2.5, "regime, V 0.5"),
        (true, 0.67, 0.55, 2.5, "regime, V just under 0.6"),
        (true, 0.66, 0.55, 3.5, "regime, V just over 0.6"),
        (false, 2.3, 0.55, 2.0, "V just over 0.3"),
        (false, 2.4, 0.55, 1.6, "V just under 0.3: 2 x 0.8"),
        (true, 2.4, 0.55, 2.0, "regime, V just under 0.3: 2.5 x 0.8"),
        (true, 0.5, 0.599, 3.5, "confidence just under 80"),
        (true, 0.5, 0.601, 4.2, "confidence just over 80: 3.5 x 1.2"),
        (false, 0.5, 0.601, 2.4, "confidence just over 80: 2 x 1.2"),
        (false, 0.5, 0.201, 2.0, "confidence just over 60"),
        (false, 0.5, 0.199, 1.6, "confidence just under 60: 2 x 0.8"),
        (false, 2.4, 0.199, 1.5, "2 x 0.8 x 0.8 = 1.28, raised to 1.5"),
    ] {
        let mut scene = with_target(&eager, regime, atr, target);
        close_to(leverage(&mut scene), expected);
        assert!(scene.reason().contains(&format!("{expected:.2}x")), "{why}: {}", scene.reason());
    }
}

#[test]
fn leverage_stops_at_the_presets_and_the_portfolios_cap() {
    // 3.5 x 1.2 = 4.2
    close_to(leverage(&mut bull(&DEFAULT)), 4.2);
    close_to(leverage(&mut bull(&json!({ "risk_preset": "conservative" }))), 3.0);
    close_to(leverage(&mut bull(&json!({ "risk_preset": "aggressive" }))), 4.2);
    close_to(leverage(&mut bull(&json!({ "leverage": { "calm": 4.5 } }))), 5.0);
    let mut modest = bull(&DEFAULT);
    modest.account.max_leverage = Rate::from_f64(1.2).unwrap();
    close_to(leverage(&mut modest), 1.2);
}

#[test]
fn risk_over_stop_distance_before_any_cap() {
    // Stop 2 x 0.5 = 1 % away: 2 % of 1,000 USDT over 1 % is 2,000; one position may take 4.2 x 1,000.
    let sized = |params: &Value, equity: i64| {
        let mut scene = bull(params);
        scene.account.equity = Usd::whole(equity);
        scene.account.max_positions = 1;
        notional(&mut scene)
    };
    close_to(sized(&DEFAULT, 1_000), 2_000.0);
    close_to(sized(&json!({ "risk_preset": "conservative" }), 1_000), 1_000.0);
    close_to(sized(&json!({ "risk_preset": "aggressive" }), 1_000), 3_000.0);
    close_to(sized(&json!({ "risk": 0.005 }), 1_000), 500.0);
    close_to(sized(&json!({ "stop_atr": 4 }), 1_000), 1_000.0);
}

#[test]
fn volatile_markets_get_less() {
    // Neutral and T = 0.7, so that only volatility differs. Stop 2 ATR, or 5 % where that is nearer;
    // leverage 2.4, times 0.8 where V < 0.3. Equity 10,000, one position.
    for (atr, expected) in [
        (1.499, 0.02 * 10_000.0 / 0.02998),
        (1.501, 0.85 * 0.02 * 10_000.0 / 0.03002),
        (2.999, 0.85 * 0.02 * 10_000.0 / 0.05),
        (3.001, 0.7 * 0.02 * 10_000.0 / 0.05),
    ] {
        let mut scene = with_target(&DEFAULT, false, atr, 0.7);
        scene.account.max_positions = 1;
        close_to(notional(&mut scene), expected);
    }
}

#[test]
fn one_position_takes_its_share_of_equity_times_leverage() {
    // By risk 20,000; 4.2 x 10,000 / 3 = 14,000.
    let mut scene = bull(&DEFAULT);
    close_to(notional(&mut scene), 14_000.0);
    assert!(scene.reason().contains("14000.00 USDT (set by leverage and the equity of one position)"));
    scene.account.max_positions = 2;
    close_to(notional(&mut scene), 20_000.0);
    scene.account.max_positions = 0;
    close_to(notional(&mut scene), 20_000.0);
}

#[test]
fn volume_and_slippage_cap_the_size() {
    // Quote volume 20,000 x 100 = 2,000,000; 1 % of it is 20,000, of less it binds.
    let mut scene = bull(&DEFAULT);
    scene.account.max_positions = 1;
    for (volume, expected) in [(20_001.0, 20_000.0), (19_999.0, 19_999.0), (10_000.0, 10_000.0)] {
        scene.set(M5, Feature::Volume, volume);
        close_to(notional(&mut scene), expected);
    }
    // 0.5 bp of slippage at 1 % impact: 0.5 % of the quote volume.
    let mut scene = bull(&json!({ "max_slippage": 0.00005 }));
    scene.account.max_positions = 1;
    scene.set(M5, Feature::Volume, 10_000.0);
    close_to(notional(&mut scene), 5_000.0);
    let (_, explanation) = scene.explain();
    close_to(explanation.expected_slippage.unwrap(), 0.00005);
    assert!(explanation.reason.contains("set by expected slippage"));
    let mut free = bull(&json!({ "max_slippage": 0.00005, "impact": 0 }));
    free.set(M5, Feature::Volume, 100_000.0);
    close_to(notional(&mut free), 14_000.0);
    close_to(free.explain().1.expected_slippage.unwrap(), 0.0);
}

#[test]
fn the_floor_lifts_small_sizes_as_far_as_the_caps_let_it() {
    // Equity 30: by risk 0.02 x 30 / 0.01 = 60, lifted to 100, but one position may take 4.2 x 30 / 3 = 42.
    let mut scene = bull(&DEFAULT);
    scene.account.equity = Usd::whole(30);
    close_to(notional(&mut scene), 42.0);
    scene.account.max_positions = 1;
    close_to(notional(&mut scene), 100.0);
    assert!(scene.reason().contains("set by base_notional"));
    close_to(notional(&mut with_equity(bull(&json!({ "base_notional": 0 })), 30)), 42.0);
}

fn with_equity(mut scene: Scene, equity: i64) -> Scene {
    scene.account.equity = Usd::whole(equity);
    scene
}

#[test]
fn caps_below_the_venues_minimum_mean_no_trade() {
    // 4.2 x equity / 3 against a minimum of 5 USDT: equity 3.58 gives 5.012, 3.56 gives 4.984.
    for (equity, action) in [(3.58, Action::Long), (3.56, Action::Hold), (0.0, Action::Hold), (-50.0, Action::Hold)] {
        let mut scene = bull(&DEFAULT);
        scene.instrument.step = Qty::from_f64(0.0001).unwrap();
        scene.account.equity = Usd::from_f64(equity).unwrap();
        assert_eq!(scene.decide().action, action, "equity {equity}: {}", scene.reason());
    }
    // The minimum holds for what is left after rounding the quantity down: 50.12 USDT are 0.5 units, 50 USDT.
    for (minimum, action) in [(50, Action::Long), (51, Action::Hold)] {
        let mut scene = bull(&DEFAULT);
        scene.account.equity = Usd::from_f64(35.8).unwrap();
        scene.instrument.step = Qty::from_f64(0.1).unwrap();
        scene.instrument.min_notional = Usd::whole(minimum);
        assert_eq!(scene.decide().action, action, "minimum {minimum}: {}", scene.reason());
    }
    let mut coarse = bull(&DEFAULT);
    coarse.instrument.min_qty = Qty::whole(141);
    assert_eq!(coarse.decide().action, Action::Hold, "140 units at most");
    coarse.instrument.min_qty = Qty::whole(140);
    assert_eq!(coarse.decide().action, Action::Long);
}

#[test]
fn the_venues_largest_quantity_and_leverage_table_cap_the_size() {
    let mut scene = bull(&DEFAULT);
    scene.instrument.max_market_qty = Qty::whole(30);
    close_to(notional(&mut scene), 3_000.0);
    // Leverage 4.2 is carried as 5: the bracket up to 50,000 USDT allows it, the one above does not.
    let mut rich = bull(&DEFAULT);
    rich.account.equity = Usd::whole(1_000_000);
    close_to(notional(&mut rich), 50_000.0);
    rich.instrument.brackets.remove(0);
    assert!(rich.reason().contains("the venue's limits leaves less"), "{}", rich.reason());
}

#[test]
fn half_kelly_caps_after_thirty_trades() {
    let stats = |wins, losses, profit, loss| TradeStats {
        wins,
        losses,
        gross_profit: Usd::whole(profit),
        gross_loss: Usd::whole(loss),
    };
    // Equity 10,000, leverage 4.2, one position: 20,000 by risk.
    for (record, expected, why) in [
        (stats(9, 20, 9, 20), Some(20_000.0), "29 trades do not count yet"),
        // p = 0.6, b = 1: f = (0.6 - 0.4) / 2 = 0.1 of 10,000 as margin at 4.2
        (stats(18, 12, 18, 12), Some(4_200.0), "p 0.6, b 1"),
        // p = 0.4, b = (24 / 12) / (18 / 18) = 2: f = (0.8 - 0.6) / 2 / 2 = 0.05
        (stats(12, 18, 24, 18), Some(2_100.0), "p 0.4, b 2"),
        // p = 0.9, b = 1: f = 0.4, at most 0.25: 10,500
        (stats(27, 3, 27, 3), Some(10_500.0), "f is at most a quarter"),
        (stats(30, 0, 30, 0), Some(10_500.0), "no loss at all"),
        (stats(15, 15, 15, 15), None, "no edge"),
        (stats(0, 30, 0, 30), None, "no win at all"),
        (stats(10, 20, 10, 40), None, "a losing record"),
    ] {
        let mut scene = bull(&DEFAULT);
        scene.account.max_positions = 1;
        scene.stats = record;
        match expected {
            Some(expected) => {
                close_to(notional(&mut scene), expected);
            }
            None => {
                assert_eq!(scene.decide().action, Action::Hold, "{why}");
                assert!(scene.reason().contains("half-Kelly of its own record"), "{why}: {}", scene.reason());
            }
        }
    }
    let mut off = bull(&json!({ "kelly": null }));
    off.stats = stats(0, 30, 0, 30);
    close_to(notional(&mut off), 14_000.0);
    let mut full = bull(&json!({ "kelly": { "fraction": 1, "max": 1, "min_trades": 10 } }));
    full.account.max_positions = 1;
    full.stats = stats(6, 4, 6, 4);
    close_to(notional(&mut full), 8_400.0);
}

#[test]
fn a_market_that_stands_still_is_not_entered() {
    // 2 x 0.005 is a tick of 0.01; less is none.
    for (atr, action) in [(0.005, Action::Long), (0.0049, Action::Hold), (0.0, Action::Hold)] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, ATR, atr);
        assert_eq!(scene.decide().action, action, "ATR {atr}: {}", scene.reason());
    }
}

#[test]
fn prices_at_the_edge_of_the_scale_neither_panic_nor_trade() {
    for (close, volume) in [(1e-9, 1e6), (8.9e10, 1e6), (1e-8, 1e18), (100.0, 1e300)] {
        let mut scene = bull(&DEFAULT);
        scene.set(M5, Feature::Close, close).set(M5, Feature::Volume, volume).set(M5, ATR, close * 0.005);
        scene.candle.close = Price::from_f64(close).unwrap();
        scene.account.equity = Usd::whole(90_000_000_000);
        scene.instrument.brackets[0].notional_cap = Usd::whole(90_000_000_000);
        scene.set(M5, rsi(7), 10.0).set(M5, VOLUME_RATIO, 2.0);
        let _ = scene.explain();
    }
}
