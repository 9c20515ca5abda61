//! Looking at many candles at a time finds what asking about each one finds, whether agents share what they look at or
//! not; and only agents share a target score that have the same.

use super::super::score::Target;
use super::super::{Expert, Params};
use super::M5;
use crate::params::complete;
use crate::registry::Registered;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::sync::Arc;
use swarm_core::features::{Derived, Hub, Reel, Wants};
use swarm_core::model::{Candle, GapPolicy, Interval, Price, Side, Step, SymbolId, Time};
use swarm_core::rule::{Build, Rule};

fn expert(params: Value, wants: &mut Wants) -> Expert {
    let params: Params = serde_json::from_value(params).unwrap();
    let mut build = Build { wants, base: M5, intervals: &[M5, Interval::M15, Interval::H1] };
    Expert::new(Arc::new(Expert::setup(params).unwrap()), &mut build).unwrap()
}

/// Steps of one symbol that rises and falls for days, restless within them.
fn steps(seed: u64, count: usize) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut price = 100.0f64;
    let step = |at: usize| {
        let open = price;
        let drift = if (at / 300).is_multiple_of(2) { 0.000_6 } else { -0.000_6 };
        price *= 1.0 + drift + 0.006 * (random.random::<f64>() - 0.5);
        let exact = |value: f64| Price::from_f64(value).unwrap();
        let candle = Candle {
            open_time: Time(1_698_796_800_000 + at as i64 * M5.ms()),
            open: exact(open),
            high: exact(open.max(price) * (1.0 + 0.002 * random.random::<f64>())),
            low: exact(open.min(price) * (1.0 - 0.002 * random.random::<f64>())),
            close: exact(price),
            volume: 1_000.0 * (0.5 + 2.0 * random.random::<f64>()),
        };
        Step { close_time: candle.close_time(M5), candles: vec![Some(candle)], funding: Vec::new() }
    };
    (0..count).map(step).collect()
}

/// Gates and thresholds, of which every candle passes some.
fn gates() -> impl Strategy<Value = Value> {
    let entry = (0.0..0.9f64, 50.0..90.0f64, 0.3..1.8f64, 20.0..60.0f64, 40.0..80.0f64);
    let exit = (0.0..0.9f64, 50.0..62.0f64, 38.0..50.0f64);
    (entry, exit).prop_map(|((score, confidence, volume, long, short), (exit_score, exit_long, exit_short))| {
        json!({
            "entry_score": score, "min_confidence": confidence, "entry_volume_ratio": volume,
            "entry_rsi_long": long, "entry_rsi_short": short,
            "exit_score": exit_score, "exit_rsi_long": exit_long, "exit_rsi_short": exit_short
        })
    })
}

/// Parameters that the score depends on.
fn terms() -> impl Strategy<Value = Value> {
    let regime = prop::sample::select(vec!["bb", "sma"]);
    let normalize = prop::sample::select(vec!["zscore", "fixed"]);
    let timeframe = prop::sample::select(vec!["5m", "15m"]);
    (regime, normalize, timeframe, 20u32..100, 1.0..5.0f64, 10.0..300.0f64).prop_map(
        |(regime, normalize, timeframe, window, divisor, factor)| {
            json!({
                "regime": regime, "normalize": normalize, "timeframe": timeframe, "zscore_window": window,
                "zscore_divisor": divisor, "stability_factor": factor
            })
        },
    )
}

fn written(parts: &[&Value]) -> Value {
    let keys = parts.iter().filter_map(|part| part.as_object()).flatten();
    complete::<Params>(&keys.map(|(key, value)| (key.clone(), value.clone())).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn many_candles_at_a_time_are_what_each_of_them_is(
        seed in any::<u64>(), terms in terms(), gates in prop::collection::vec(gates(), 1..10), most in 20usize..300,
        ends in prop::collection::vec(0usize..300, 8),
    ) {
        let mut wants = Wants::default();
        let mut experts: Vec<Expert> = gates.iter().map(|gates| expert(written(&[&terms, gates]), &mut wants)).collect();
        let alone = json!({ "trend_boost": 3.0 });
        experts.push(expert(written(&[&terms, &gates[0], &alone]), &mut wants));
        let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
        let (mut own, symbol) = (Reel::new(&hub), SymbolId(0));
        let mut tape = steps(seed, 1_500).into_iter();
        let (mut found, are_many) = (0, gates.len() >= Target::LEAST_USERS);
        while own.record(&mut hub, &mut tape, most) {
            let mut shared = own.clone();
            shared.share();
            for (place, expert) in experts.iter().enumerate() {
                prop_assert_eq!(expert.columns.of(&own.film(symbol, 0, own.len())).is_some(), are_many);
                let film = shared.film(symbol, 0, own.len());
                let is_shared = expert.columns.of(&film).unwrap().target.is_some();
                prop_assert_eq!(is_shared, are_many && place < gates.len(), "nobody has the last one's target");
                for held in [None, Some(Side::Buy), Some(Side::Sell)] {
                    for end in ends.iter().map(|end| end % own.len() + 1) {
                        let mut from = 0;
                        while from < end {
                            let mut one_by_one = own.film(symbol, from, end);
                            let expected = one_by_one.position(|frame| expert.may_act(&frame, held));
                            for reel in [&own, &shared] {
                                prop_assert_eq!(expert.first_act(reel.film(symbol, from, end), held), expected);
                            }
                            found += usize::from(expected.is_some());
                            from += expected.map_or(end, |steps| steps + 1);
                        }
                    }
                }
            }
        }
        prop_assert!(found > 0, "somebody may act somewhere");
    }
}

/// Each parameter, another value of it, and whether the target score depends on it.
fn changes() -> Vec<(&'static str, Value, bool)> {
    let score = [
        ("timeframe", json!("15m")),
        ("indicators.rsi_fast", json!(8)),
        ("indicators.macd_fast", json!(11)),
        ("indicators.macd_slow", json!(27)),
        ("indicators.macd_signal", json!(8)),
        ("indicators.bb_period", json!(21)),
        ("indicators.bb_deviations", json!(2.5)),
        ("indicators.atr_period", json!(15)),
        ("indicators.cci_period", json!(21)),
        ("indicators.stochastic_period", json!(15)),
        ("indicators.stochastic_slowing", json!(4)),
        ("indicators.momentum_period", json!(5)),
        ("indicators.sma_fast", json!(51)),
        ("indicators.sma_slow", json!(101)),
        ("indicators.adx_period", json!(15)),
        ("normalize", json!("fixed")),
        ("zscore_window", json!(101)),
        ("zscore_divisor", json!(3.000_000_000_000_001)),
        ("fixed.rsi", json!(26.0)),
        ("fixed.cci", json!(101.0)),
        ("fixed.stochastic", json!(51.0)),
        ("weights.rsi", json!(0.16)),
        ("weights.macd", json!(0.16)),
        ("weights.cci", json!(0.11)),
        ("weights.momentum", json!(0.21)),
        ("weights.stochastic", json!(0.11)),
        ("weights.bb_position", json!(0.16)),
        ("weights.trend_strength", json!(0.16)),
        ("trend_boost", json!(1.6)),
        ("trend_boost_above", json!(0.6)),
        ("regime", json!("sma")),
        ("regime_timeframe", json!("4h")),
        ("regime_change", json!("12h")),
        ("regime_strong", json!(0.06)),
        ("stability_factor", json!(101.0)),
        ("stability_min", json!(0.2)),
    ];
    let others = [
        ("risk_preset", json!("aggressive")),
        ("entry_preset", json!("fewer")),
        ("exit_preset", json!("wide")),
        ("indicators.rsi_slow", json!(15)),
        ("indicators.volume_period", json!(21)),
        ("min_confidence", json!(66.0)),
        ("entry_score", json!(0.6)),
        ("entry_rsi_long", json!(41.0)),
        ("entry_rsi_short", json!(61.0)),
        ("entry_volume_ratio", json!(1.3)),
        ("confirm", json!(["bb", "macd", "timeframes"])),
        ("confirm_timeframes", json!(["4h"])),
        ("exit_score", json!(0.4)),
        ("exit_rsi_long", json!(71.0)),
        ("exit_rsi_short", json!(31.0)),
        ("leverage", json!({ "min": 2.0 })),
        ("max_leverage", json!(4.0)),
        ("risk", json!(0.01)),
        ("volatility_cuts", json!([])),
        ("base_notional", json!(101.0)),
        ("kelly", json!(null)),
        ("max_volume_share", json!(0.02)),
        ("impact", json!(0.02)),
        ("max_slippage", json!(0.002)),
        ("max_funding", json!(0.001)),
        ("funding_interval", json!("4h")),
        ("entry", json!({ "type": "limit" })),
        ("stop", json!(0.06)),
        ("stop_atr", json!(3.0)),
        ("break_even", json!(null)),
        ("trail", json!(null)),
        ("targets", json!([])),
        ("max_holding", json!("4h")),
    ];
    let of = |enters: bool| move |(path, value)| (path, value, enters);
    score.into_iter().map(of(true)).chain(others.into_iter().map(of(false))).collect()
}

/// Paths of all parameters; groups that the score may depend on in part are taken apart.
fn paths(whole: &Value) -> Vec<String> {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let below = |key: String| match key.as_str() {
        "indicators" | "fixed" | "weights" => keys(&whole[&key]).iter().map(|own| format!("{key}.{own}")).collect(),
        _ => vec![key],
    };
    keys(whole).into_iter().flat_map(below).collect()
}

#[test]
fn a_target_score_is_shared_by_those_that_differ_in_nothing_it_depends_on() {
    let whole = complete::<Params>(&json!({}));
    let changes = changes();
    let (mut told, mut known) = (paths(&whole), changes.iter().map(|(path, ..)| *path).collect::<Vec<_>>());
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known, "of every parameter it is said here whether the target score depends on it");

    let mut wants = Wants::default();
    let plain = expert(whole.clone(), &mut wants).columns.target;
    let mut seen = vec![plain];
    for (path, value, enters) in changes {
        let mut changed = whole.clone();
        let place = changed.pointer_mut(&format!("/{}", path.replace('.', "/"))).unwrap();
        assert_ne!(*place, value, "{path} is another one");
        *place = value;
        let target = expert(changed, &mut wants).columns.target;
        assert_eq!(seen.contains(&target), !enters, "{path}");
        assert!(enters || target == plain, "{path}");
        seen.push(target);
    }
}
