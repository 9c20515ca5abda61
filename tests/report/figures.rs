//! Figures against `tests/fixtures/figures.py`, which computes them from equity.csv and trades.csv with numpy. A
//! made-up example with the script's answer is committed, so that the comparison happens without Python too.

use crate::rows;
use crate::support::{Place, START, candle_text, candles, shared_data};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use swarm_core::experiment::{Metrics, Sample};
use swarm_core::model::{DAY_MS, Usd};

/// Relative, as two orders of adding up may differ.
const TOLERANCE: f64 = 1e-9;
/// Averages of money are cut to its eight decimals.
const MANTISSA: f64 = 1e-8;

fn fixtures(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(below)
}

/// All figures of the script, and no others, must be the ones found.
fn compare(what: &str, found: &Value, expected: &Value) {
    for (kind, named) in expected.as_object().unwrap() {
        assert_eq!(named.as_object().unwrap().len(), found[kind].as_object().unwrap().len(), "{what}: {kind}");
        for (name, figures) in named.as_object().unwrap() {
            for (key, expected) in figures.as_object().unwrap() {
                compare_one(&format!("{what}: {key} of {name}"), &found[kind][name][key], expected);
            }
        }
    }
}

fn compare_one(what: &str, found: &Value, expected: &Value) {
    let money = found.is_string();
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    match (number(found), number(expected)) {
        (Some(found), Some(expected)) => {
            let allowed = TOLERANCE * expected.abs() + if money { MANTISSA } else { 0.0 };
            assert!((found - expected).abs() <= allowed, "{what}: {found}, computed anew {expected}");
        }
        (None, None) => {}
        _ => panic!("{what}: {found}, computed anew {expected}"),
    }
}

/// What the script says of a folder; nothing, said loudly, without Python or numpy.
fn computed_anew(folder: &Path) -> Option<Value> {
    let has_numpy =
        Command::new("python3").args(["-c", "import numpy"]).output().is_ok_and(|done| done.status.success());
    if !has_numpy {
        eprintln!("SKIPPED: python3 with numpy is not there, so figures are not computed anew");
        return None;
    }
    let done = Command::new("python3").arg(fixtures("figures.py")).arg(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

/// Runs a backtest and computes its figures anew.
fn check(place: &Place, words: &[&str]) {
    let report = place.json(&[&["backtest", "--json", "--out", "out"], words].concat());
    let written: Value = serde_json::from_slice(&std::fs::read(place.path("out/report.json")).unwrap()).unwrap();
    assert_eq!(report, written);
    assert!(report["cohorts"].as_object().unwrap().values().all(|figures| figures["trades"].as_u64().unwrap() > 20));
    if let Some(expected) = computed_anew(&place.path("out")) {
        compare(&words.join(" "), &report, &expected);
    }
}

#[test]
fn figures_of_made_up_candles_are_those_computed_anew() {
    let place = Place::new();
    check(&place, &["--data", "data"]);
    // Ends inside of a day, and begins inside of one.
    check(&place, &["--data", "data", "--from", "2024-01-01T07:35", "--to", "2024-01-05T16:20"]);
}

#[test]
fn days_are_days_across_holes_and_long_candles() {
    let place = Place::new();
    // Holes over a 00:00, over two days, and behind a 00:00.
    let holes = [280..300, 600..1_300, 1_728..1_740];
    for (number, symbol) in ["BTCUSDT", "ETHUSDT", "SOLUSDT"].iter().enumerate() {
        let text = candle_text(&candles(3, number, 3_000), |index| !holes.iter().any(|hole| hole.contains(&index)));
        place.put(&format!("holes/5m/{symbol}.csv"), text);
    }
    check(&place, &["--data", "holes"]);
    let midnights = |folder: &str| -> Vec<i64> {
        let of_portfolio = |row: &BTreeMap<String, String>| row["portfolio"] == "control" && row["cohort"].is_empty();
        let rows = rows(&place.path(folder).join("equity.csv"));
        let times = rows.iter().filter(|row| of_portfolio(row)).map(|row| row["time"].parse::<i64>().unwrap());
        times.filter(|time| time % DAY_MS == 0).map(|time| (time - START) / DAY_MS).collect()
    };
    assert_eq!(midnights("out"), (0..=10).collect::<Vec<_>>(), "3,000 candles are 10.4 days");

    // The grid of 35m meets 00:00 once in a week.
    let swarm = "version: 1\nname: slow\nmarket: { symbols: [BTCUSDT], intervals: [35m] }\n\
        portfolios: { control: { equity: 10000, risk: { require_stop: false } } }\n\
        cohorts: { c: { portfolio: control, agents: [ { use: ema_cross, set: { fast: 1, slow: 2, qty: 0.01 } } ] } }\n";
    place.put("swarm.yaml", swarm);
    check(&place, &["--data", "holes"]);
    assert_eq!(midnights("out"), (1..=10).collect::<Vec<_>>(), "it begins at 00:15");
}

#[test]
fn figures_of_recorded_candles_are_those_computed_anew() {
    let Some(data) = shared_data("klines/binance-um") else { return };
    let swarm = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("swarm.yaml")).unwrap();
    let place = Place::with(&swarm.replace("agents/control.yaml", "control").replace("agents/expert.yaml", "expert"));
    let data = data.display().to_string();
    check(&place, &["--data", &data, "--from", "2024-02-01", "--to", "2024-05-01"]);
}

/// The sample of a curve of the committed example.
#[derive(Default)]
struct Curve {
    sample: Sample,
    times: Vec<i64>,
    equity: Vec<f64>,
}

impl Curve {
    fn metrics(mut self) -> Metrics {
        let (first, last) = (self.times[0], self.times[self.times.len() - 1]);
        let mut peak = f64::NEG_INFINITY;
        for (at, equity) in self.times.iter().zip(&self.equity) {
            peak = peak.max(*equity);
            self.sample.max_drawdown = self.sample.max_drawdown.max(1.0 - equity / peak);
            if at % DAY_MS == 0 || *at == first || *at == last {
                self.sample.daily_equity.push(*equity);
            }
        }
        self.sample.days = (last - first) as f64 / DAY_MS as f64;
        Metrics::of(&self.sample)
    }
}

#[test]
fn figures_of_the_committed_example_are_those_of_the_script() {
    let mut curves: BTreeMap<(&str, String), Curve> = BTreeMap::new();
    for row in rows(&fixtures("figures/equity.csv")) {
        let key = match (row["agent"].as_str(), row["cohort"].as_str()) {
            ("", "") => continue,
            ("", cohort) => ("cohorts", cohort.to_owned()),
            (agent, _) => ("agents", agent.to_owned()),
        };
        let curve = curves.entry(key).or_default();
        curve.times.push(row["time"].parse().unwrap());
        curve.equity.push(row["equity"].parse().unwrap());
    }
    for row in rows(&fixtures("figures/trades.csv")) {
        let net: Usd = row["net_pnl"].parse().unwrap();
        for key in [("cohorts", row["cohort"].clone()), ("agents", row["agent"].clone())] {
            curves.get_mut(&key).unwrap().sample.trade_results.push(net);
        }
    }
    let mut found = serde_json::json!({ "agents": {}, "cohorts": {} });
    for ((kind, name), curve) in curves {
        found[kind][name] = serde_json::to_value(curve.metrics()).unwrap();
    }
    let expected: Value = serde_json::from_slice(&std::fs::read(fixtures("figures/expected.json")).unwrap()).unwrap();
    assert_eq!(expected["agents"].as_object().unwrap().len(), 4);
    compare("the example", &found, &expected);
    if let Some(anew) = computed_anew(&fixtures("figures")) {
        compare("the committed answer", &anew, &expected);
    }
}
