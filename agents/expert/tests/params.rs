//! Presets, contradictions, and how agents share parameters.

use super::super::Expert;
use super::Params;
use crate::params::{check, complete, read};
use crate::registry::Registered;
use crate::testing::build;
use serde_json::{Value, json};
use swarm_core::features::Wants;
use swarm_core::model::Interval;

fn completed(written: &Value) -> Params {
    serde_json::from_value(complete::<Params>(written)).unwrap()
}

#[test]
fn presets_set_the_defaults_of_their_keys_and_nothing_else() {
    for (preset, risk, max_leverage) in
        [("conservative", 0.01, 3.0), ("moderate", 0.02, 5.0), ("aggressive", 0.03, 5.0)]
    {
        let seen = completed(&json!({ "risk_preset": preset }));
        assert_eq!(seen, Params { risk_preset: seen.risk_preset, risk, max_leverage, ..Params::default() });
    }
    for (preset, score, long, short) in
        [("more", 0.4, 45.0, 55.0), ("default", 0.5, 40.0, 60.0), ("fewer", 0.6, 35.0, 65.0)]
    {
        let seen = completed(&json!({ "entry_preset": preset }));
        let expected = Params {
            entry_preset: seen.entry_preset,
            entry_score: score,
            entry_rsi_long: long,
            entry_rsi_short: short,
            ..Params::default()
        };
        assert_eq!(seen, expected);
    }
    for (preset, stop, target) in [("tight", 0.03, 0.08), ("default", 0.05, 0.15), ("wide", 0.07, 0.2)] {
        let seen = completed(&json!({ "exit_preset": preset }));
        assert_eq!((seen.stop, seen.targets[0].at, seen.targets[1].at), (stop, 0.04, target));
        let expected =
            Params { exit_preset: seen.exit_preset, stop, targets: seen.targets.clone(), ..Params::default() };
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_written_key_wins_over_its_preset() {
    let seen = completed(&json!({
        "risk_preset": "conservative", "max_leverage": 4, "entry_preset": "more", "entry_rsi_long": 30,
        "exit_preset": "wide", "stop": 0.06
    }));
    assert_eq!((seen.risk, seen.max_leverage), (0.01, 4.0));
    assert_eq!((seen.entry_score, seen.entry_rsi_long, seen.entry_rsi_short), (0.4, 30.0, 55.0));
    assert_eq!((seen.stop, seen.targets[1].at), (0.06, 0.2));
}

#[test]
fn contradictions_are_told_with_their_path() {
    for (written, path) in [
        (json!({ "indicators": { "rsi_fast": 14 } }), "indicators.rsi_fast"),
        (json!({ "indicators": { "macd_slow": 12 } }), "indicators.macd_fast"),
        (json!({ "indicators": { "sma_fast": 200 } }), "indicators.sma_fast"),
        (
            json!({ "trend_boost": 0, "weights": {
            "rsi": 0, "macd": 0, "cci": 0, "momentum": 1, "stochastic": 0, "bb_position": 0, "trend_strength": 0
        } }),
            "weights",
        ),
        (
            json!({ "weights": {
            "rsi": 0, "macd": 0, "cci": 0, "momentum": 0, "stochastic": 0, "bb_position": 0, "trend_strength": 0
        } }),
            "weights",
        ),
        (json!({ "exit_rsi_long": 40 }), "entry_rsi_long"),
        (json!({ "exit_rsi_short": 60 }), "exit_rsi_short"),
        (json!({ "confirm": ["bb", "macd", "bb"] }), "confirm[2]"),
        (json!({ "confirm": ["timeframes"], "confirm_timeframes": [] }), "confirm_timeframes"),
        (json!({ "timeframe": "15m", "regime_timeframe": "20m" }), "regime_timeframe"),
        (json!({ "timeframe": "30m", "confirm": ["timeframes"] }), "confirm_timeframes[0]"),
        (json!({ "regime_timeframe": "7h" }), "regime_timeframe"),
        (json!({ "risk_preset": "conservative", "leverage": { "min": 3.5 } }), "leverage.min"),
        (json!({ "leverage": { "wild_below": 0.7 } }), "leverage.wild_below"),
        (json!({ "leverage": { "unsure_below": 81 } }), "leverage.unsure_below"),
        (
            json!({ "volatility_cuts": [{ "above": 0.1, "factor": 0.5 }, { "above": 0.1, "factor": 0.4 }] }),
            "volatility_cuts[1].above",
        ),
        // 1 / 5 less the least maintenance margin of 0.004.
        (json!({ "stop": 0.196 }), "stop"),
        (json!({ "entry": { "then": "cancel" } }), "entry.then"),
        (json!({ "break_even": { "to": 0.01 } }), "break_even.to"),
        (json!({ "targets": [{ "at": 0.2, "fraction": 0.5 }, { "at": 0.1, "fraction": 0.5 }] }), "targets[1].at"),
        (json!({ "targets": [{ "at": 0.1, "fraction": 0.6 }, { "at": 0.2, "fraction": 0.5 }] }), "targets[1].fraction"),
    ] {
        let faults = check::<Params>(&written);
        let paths: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, [path], "{written}: {faults:?}");
        assert_eq!(read::<Params>(&written).unwrap_err().path, path);
    }
}

#[test]
fn what_is_just_consistent_is_accepted() {
    for written in [
        json!({}),
        json!({ "regime": "sma", "regime_timeframe": "7h" }),
        json!({ "timeframe": "30m", "confirm": ["bb"] }),
        json!({ "confirm": ["timeframes", "macd", "bb"], "confirm_timeframes": ["15m"] }),
        json!({ "stop": 0.1959, "leverage": { "min": 5 } }),
        json!({ "break_even": { "to": 0.0099 } }),
        json!({ "targets": [{ "at": 0.1, "fraction": 0.3 }, { "at": 0.2, "fraction": 0.3 }, { "at": 0.3, "fraction": 0.4 }] }),
    ] {
        assert_eq!(check::<Params>(&written), [], "{written}");
        assert!(read::<Params>(&written).is_ok(), "{written}");
    }
}

#[test]
fn timeframes_must_fit_the_swarms_base_interval() {
    let fails = |params: Value, base| {
        let mut wants = Wants::default();
        build("expert", &params, base, &mut wants).err().map(|error| error.path)
    };
    let with_timeframes = json!({ "confirm": ["timeframes"] });
    assert_eq!(fails(json!({}), Interval::M5), None);
    assert_eq!(fails(json!({ "timeframe": "5m" }), Interval::M15).as_deref(), Some("timeframe"));
    assert_eq!(fails(json!({}), Interval::H4).as_deref(), Some("regime_timeframe"));
    assert_eq!(fails(json!({ "regime_timeframe": "4h" }), Interval::H4), None);
    assert_eq!(fails(with_timeframes.clone(), Interval::M5), None);
    assert_eq!(fails(with_timeframes, "30m".parse().unwrap()).as_deref(), Some("confirm_timeframes[0]"));
}

#[test]
fn an_agents_own_state_is_small() {
    assert!(size_of::<Expert>() < 256, "{} bytes", size_of::<Expert>());
    assert_eq!(Expert::NAME, "expert");
}
