//! Hubs, wishes and readings for the tests of the feature hub.

use super::synthetic;
use swarm_core::features::{Feature, FeatureSpec, Hub, MacdLine, Slot, Wants};
use swarm_core::model::{Candle, GapPolicy, HOUR_MS, Interval, MINUTE_MS, SymbolId, Time};

pub const BTC: SymbolId = SymbolId(0);
pub const M5: Interval = Interval::M5;
pub const M15: Interval = Interval::M15;
pub const H1: Interval = Interval::H1;
pub const M5_MS: i64 = 5 * MINUTE_MS;
/// 2023-11-01T10:00:00Z.
pub const TEN: Time = Time(1_698_832_800_000);

pub fn walk(seed: u64, len: usize, start: Time) -> Vec<Candle> {
    synthetic(seed, len, 30_000.0, 0.1).at(start, M5_MS)
}

pub fn lag(of: Feature, candles: u32) -> Feature {
    Feature::Lag { of: Box::new(of), candles }
}

pub fn z_score(of: Feature, window: u32) -> Feature {
    Feature::ZScore { of: Box::new(of), window }
}

pub fn deviation(of: Feature, window: u32) -> Feature {
    Feature::Deviation { of: Box::new(of), window }
}

/// One of every kind, with short periods and with inputs in common.
pub fn every_feature() -> Vec<Feature> {
    let macd = |line| Feature::Macd { fast: 3, slow: 7, signal: 4, line };
    vec![
        Feature::Close,
        Feature::Volume,
        Feature::Rsi { period: 7 },
        macd(MacdLine::Macd),
        macd(MacdLine::Signal),
        macd(MacdLine::Histogram),
        Feature::BbMiddle { period: 9 },
        Feature::BbUpper { period: 9, deviations_x100: 200 },
        Feature::BbLower { period: 9, deviations_x100: 150 },
        Feature::BbWidth { period: 9, deviations_x100: 200 },
        Feature::BbPosition { period: 9, deviations_x100: 200 },
        Feature::Atr { period: 5 },
        Feature::Cci { period: 8 },
        Feature::StochRawK { period: 6 },
        Feature::StochK { period: 6, slowing: 3 },
        Feature::StochD { period: 6, slowing: 3, smooth: 2 },
        Feature::Obv,
        Feature::Sma { period: 10 },
        Feature::Ema { period: 6 },
        Feature::EmaFromFirst { period: 6 },
        Feature::Momentum { period: 4 },
        Feature::Roc { period: 4 },
        Feature::Adx { period: 5 },
        Feature::VolumeRatio { period: 7 },
        Feature::Change { ms: 5 * HOUR_MS },
        Feature::TrendStrength { fast: 5, slow: 10, adx: 5 },
        lag(Feature::Rsi { period: 7 }, 2),
        z_score(Feature::Rsi { period: 7 }, 12),
        deviation(Feature::Roc { period: 1 }, 12),
        deviation(z_score(Feature::Momentum { period: 3 }, 6), 4),
        z_score(lag(macd(MacdLine::Histogram), 3), 5),
        lag(z_score(Feature::Momentum { period: 3 }, 6), 1),
        z_score(z_score(Feature::Cci { period: 8 }, 6), 4),
        z_score(Feature::BbPosition { period: 9, deviations_x100: 200 }, 12),
        z_score(Feature::TrendStrength { fast: 5, slow: 10, adx: 5 }, 12),
        z_score(Feature::Obv, 12),
        z_score(Feature::StochK { period: 6, slowing: 3 }, 12),
    ]
}

pub fn wants_of(specs: &[FeatureSpec]) -> Wants {
    let mut wants = Wants::default();
    for spec in specs {
        wants.want(spec.interval, spec.feature.clone());
    }
    wants
}

pub fn everything() -> Vec<FeatureSpec> {
    let on = |interval| every_feature().into_iter().map(move |feature| FeatureSpec { interval, feature });
    on(M5).chain(on(M15)).chain(on(H1)).collect()
}

pub fn hub_of(specs: &[FeatureSpec], gaps: GapPolicy) -> Hub {
    Hub::new(M5, gaps, &[wants_of(specs)]).unwrap()
}

/// A hub with one wish.
pub fn one(interval: Interval, feature: Feature, gaps: GapPolicy) -> (Hub, Slot) {
    let mut wants = Wants::default();
    let slot = wants.want(interval, feature);
    (Hub::new(M5, gaps, &[wants]).unwrap(), slot)
}

pub fn slots(specs: &[FeatureSpec]) -> Vec<Slot> {
    let mut wants = Wants::default();
    specs.iter().map(|spec| wants.want(spec.interval, spec.feature.clone())).collect()
}

pub fn bits(hub: &Hub, slots: &[Slot]) -> Vec<u64> {
    let frame = hub.frame(BTC).unwrap();
    slots.iter().map(|slot| frame.raw(*slot).to_bits()).collect()
}

pub fn value(hub: &Hub, slot: Slot) -> Option<f64> {
    hub.frame(BTC).unwrap().get(slot)
}

/// Leaves out candles, from one place to before another.
pub fn without(candles: &[Candle], holes: &[(usize, usize)]) -> Vec<Candle> {
    let missing = |i: usize| holes.iter().any(|(from, to)| (*from..*to).contains(&i));
    candles.iter().enumerate().filter(|(i, _)| !missing(*i)).map(|(_, candle)| *candle).collect()
}
