//! The expert by its numbers. Every expected value is computed by hand beside it.

mod entry;
mod exits;
mod explain;
mod look;
mod params;
mod score;
mod size;

use super::score::NAMES;
use super::{Indicators, Params};
use crate::testing::Scene;
use serde_json::{Value, json};
use swarm_core::features::Feature;
use swarm_core::model::Interval;

const M5: Interval = Interval::M5;
const H1: Interval = Interval::H1;

fn rsi(period: u32) -> Feature {
    Feature::Rsi { period }
}

const ATR: Feature = Feature::Atr { period: 14 };
const VOLUME_RATIO: Feature = Feature::VolumeRatio { period: 20 };
const BB_MIDDLE: Feature = Feature::BbMiddle { period: 20 };
const DAY_CHANGE: Feature = Feature::Change { ms: 86_400_000 };

/// One of the seven features, by its name.
fn scored(name: &str) -> Feature {
    let place = NAMES.iter().position(|known| *known == name).expect("a scored feature");
    Indicators::default().scored()[place].clone()
}

/// Sets the z-score that a feature is scored by.
fn zscore(scene: &mut Scene, name: &str, value: f64) {
    scene.set(M5, Feature::ZScore { of: Box::new(scored(name)), window: 100 }, value);
}

/// Price 100, ATR 0.5, so V = 1 / (1 + 100 x 0.005) = 2/3; BULL on 1h, so R = 1; all z-scores 0, so
/// S = 0 and T = 2/3: a long entry with confidence 83.3. RSI and volume allow either side.
fn bull(params: &Value) -> Scene {
    let mut scene = Scene::new("expert", params);
    scene.set_all(0.0);
    scene.set(M5, Feature::Close, 100.0).set(M5, ATR, 0.5).set(M5, Feature::Volume, 1_000_000.0);
    scene.set(M5, rsi(7), 35.0).set(M5, rsi(14), 65.0).set(M5, VOLUME_RATIO, 1.5).set(M5, BB_MIDDLE, 100.0);
    scene.set(H1, Feature::Close, 100.0).set(H1, BB_MIDDLE, 99.0).set(H1, DAY_CHANGE, 0.01);
    scene
}

/// The mirror image: BEAR on 1h, R = -1, T = -2/3.
fn bear(params: &Value) -> Scene {
    let mut scene = bull(params);
    scene.set(H1, BB_MIDDLE, 101.0).set(H1, DAY_CHANGE, -0.01);
    scene
}

/// Weights with which S is the z-score of RSI over three, without a rounding.
fn only_rsi() -> Value {
    json!({ "rsi": 1, "macd": 0, "cci": 0, "momentum": 0, "stochastic": 0, "bb_position": 0, "trend_strength": 0 })
}

fn close_to(seen: f64, expected: f64) {
    assert!((seen - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{seen} is not {expected}");
}
