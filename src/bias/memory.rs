//! How long a feature remembers where its series began. Knows no candle.

use swarm_core::features::{Feature, FeatureSpec};
use swarm_core::model::Interval;

/// Weight of its first value at which an average that never forgets counts as settled.
pub const SETTLED: f64 = 1e-12;
/// Difference of settled values that is forgiven, relative to the larger of the value and its unit: the close for a
/// feature in units of price, 1 for any other.
pub const TOLERANCE: f64 = 1e-8;

/// Candles of its own interval, beyond the declared warm-up, after which the start has no weight. A feature that is
/// not named here is held to the stricter promise that it forgets by its declared warm-up.
fn settling(feature: &Feature) -> usize {
    match feature {
        Feature::Rsi { period } | Feature::Atr { period } => decay(wilder(*period), 1),
        // One smoothing over another.
        Feature::Adx { period } => decay(wilder(*period), 2),
        Feature::TrendStrength { adx, .. } => decay(wilder(*adx), 2),
        Feature::Ema { period } | Feature::EmaFromFirst { period } => decay(exponential(*period), 1),
        Feature::Macd { fast, slow, signal, .. } => decay(exponential(*fast.max(slow).max(signal)), 2),
        Feature::Lag { of, candles } => settling(of) + *candles as usize,
        Feature::ZScore { of, window } => settling(of) + *window as usize,
        _ => 0,
    }
}

/// Base candles until `spec` has settled, on top of its warm-up.
pub(super) fn settling_base(spec: &FeatureSpec, base: Interval) -> usize {
    settling(&spec.feature) * usize::try_from(spec.interval.ms() / base.ms()).unwrap_or(1)
}

/// Whether the level of a feature is set by the start and only its changes are not: a running sum.
pub(super) fn is_sum(feature: &Feature) -> bool {
    match feature {
        Feature::Obv => true,
        Feature::Lag { of, .. } => is_sum(of),
        _ => false,
    }
}

/// Whether a feature is in units of price, so that its error is one of the price.
pub(super) fn is_price(feature: &Feature) -> bool {
    match feature {
        Feature::Close
        | Feature::Macd { .. }
        | Feature::BbMiddle { .. }
        | Feature::BbUpper { .. }
        | Feature::BbLower { .. }
        | Feature::Atr { .. }
        | Feature::Sma { .. }
        | Feature::Ema { .. }
        | Feature::EmaFromFirst { .. }
        | Feature::Momentum { .. } => true,
        Feature::Lag { of, .. } => is_price(of),
        _ => false,
    }
}

fn wilder(period: u32) -> f64 {
    let period = f64::from(period.max(1));
    (period - 1.0) / period
}

fn exponential(period: u32) -> f64 {
    let period = f64::from(period.max(1));
    (period - 1.0) / (period + 1.0)
}

/// Candles until `kept` to their power is below [`SETTLED`]; with two such averages in a row, times their number.
fn decay(kept: f64, averages: i32) -> usize {
    let (mut weight, mut candles) = (1.0, 0_usize);
    while weight * (candles.max(1) as f64).powi(averages - 1) > SETTLED {
        weight *= kept;
        candles += 1;
    }
    candles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_has_settled_when_its_first_value_weighs_nothing() {
        for period in [1, 2, 14, 26, 200] {
            let candles = decay(wilder(period), 1);
            assert!(wilder(period).powi(candles as i32) <= SETTLED, "{period}");
            assert!(candles < 2 || wilder(period).powi(candles as i32 - 1) > SETTLED, "{period} settles no earlier");
            assert!(decay(wilder(period), 2) >= candles);
        }
        assert_eq!(settling(&Feature::Sma { period: 100 }), 0);
        let lagged = Feature::Lag { of: Box::new(Feature::Rsi { period: 14 }), candles: 7 };
        assert_eq!(settling(&lagged), settling(&Feature::Rsi { period: 14 }) + 7);
        let hourly = FeatureSpec { interval: Interval::H1, feature: Feature::Rsi { period: 14 } };
        assert_eq!(settling_base(&hourly, Interval::M5), 12 * settling(&Feature::Rsi { period: 14 }));
    }
}
