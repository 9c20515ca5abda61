//! What a feature needs: parameters in range, and candles until its first value. Computes nothing.

use super::{Feature, FeatureSpec};
use crate::model::Interval;

/// Longest period: TA-Lib's own limit, and a bound on memory.
const PERIOD_MAX: u32 = 100_000;
/// Widest bands, in hundredths of a standard deviation.
const DEVIATIONS_X100_MAX: u32 = 10_000;

/// Candles of its own interval until `feature` has its first value, from a start without history.
pub(super) fn candles(feature: &Feature, interval: Interval) -> usize {
    let n = |period: &u32| *period as usize;
    match feature {
        Feature::Close | Feature::Volume | Feature::Obv => 1,
        Feature::BbMiddle { period }
        | Feature::BbUpper { period, .. }
        | Feature::BbLower { period, .. }
        | Feature::BbWidth { period, .. }
        | Feature::BbPosition { period, .. }
        | Feature::Cci { period }
        | Feature::StochRawK { period }
        | Feature::Sma { period }
        | Feature::Ema { period }
        | Feature::EmaFromFirst { period }
        | Feature::VolumeRatio { period } => n(period),
        Feature::Rsi { period } | Feature::Atr { period } | Feature::Momentum { period } | Feature::Roc { period } => {
            n(period) + 1
        }
        Feature::Macd { fast, slow, signal, .. } => n(fast.max(slow)) + n(signal) - 1,
        Feature::StochK { period, slowing } => n(period) + n(slowing) - 1,
        Feature::StochD { period, slowing, smooth } => n(period) + n(slowing) + n(smooth) - 2,
        Feature::Adx { period } => 2 * n(period),
        Feature::Change { ms } => change_candles(*ms, interval) + 1,
        Feature::TrendStrength { fast, slow, adx } => n(fast.max(slow)).max(2 * n(adx)),
        Feature::Lag { of, candles: ago } => candles(of, interval) + n(ago),
        Feature::ZScore { of, window } | Feature::Deviation { of, window } => candles(of, interval) + n(window) - 1,
    }
}

/// Length of a change in candles; 0 when `ms` is not positive.
pub(super) fn change_candles(ms: i64, interval: Interval) -> usize {
    usize::try_from(ms / interval.ms()).unwrap_or(0)
}

/// Base candles until `spec` has its first value, wherever on the grid the series begins: the first, partial
/// candle of a higher interval does not count.
pub(super) fn base_candles(spec: &FeatureSpec, base: Interval) -> usize {
    let ratio = usize::try_from(spec.interval.ms() / base.ms()).unwrap_or(1);
    candles(&spec.feature, spec.interval) * ratio + (ratio - 1)
}

/// What is wrong with the parameters, if anything, in words for the user.
pub(super) fn fault(feature: &Feature, interval: Interval) -> Option<String> {
    let within = |what: &str, value: u32, least: u32| {
        let bad = !(least..=PERIOD_MAX).contains(&value);
        bad.then(|| format!("{what} is {value}, must be from {least} to {PERIOD_MAX}"))
    };
    let bands = |period: u32, deviations_x100: u32| {
        within("period", period, 2).or_else(|| {
            let bad = !(1..=DEVIATIONS_X100_MAX).contains(&deviations_x100);
            bad.then(|| format!("deviations_x100 is {deviations_x100}, must be from 1 to {DEVIATIONS_X100_MAX}"))
        })
    };
    match *feature {
        Feature::Close | Feature::Volume | Feature::Obv => None,
        Feature::Rsi { period } | Feature::BbMiddle { period } | Feature::Cci { period } | Feature::Adx { period } => {
            within("period", period, 2)
        }
        Feature::Atr { period }
        | Feature::StochRawK { period }
        | Feature::Sma { period }
        | Feature::Ema { period }
        | Feature::EmaFromFirst { period }
        | Feature::Momentum { period }
        | Feature::Roc { period }
        | Feature::VolumeRatio { period } => within("period", period, 1),
        Feature::BbUpper { period, deviations_x100 }
        | Feature::BbLower { period, deviations_x100 }
        | Feature::BbWidth { period, deviations_x100 }
        | Feature::BbPosition { period, deviations_x100 } => bands(period, deviations_x100),
        Feature::Macd { fast, slow, signal, .. } => {
            within("fast", fast, 2).or_else(|| within("slow", slow, 2)).or_else(|| within("signal", signal, 1))
        }
        Feature::StochK { period, slowing } => within("period", period, 1).or_else(|| within("slowing", slowing, 1)),
        Feature::StochD { period, slowing, smooth } => within("period", period, 1)
            .or_else(|| within("slowing", slowing, 1))
            .or_else(|| within("smooth", smooth, 1)),
        Feature::TrendStrength { fast, slow, adx } => {
            within("fast", fast, 1).or_else(|| within("slow", slow, 1)).or_else(|| within("adx", adx, 2))
        }
        Feature::Change { ms } => {
            let longest = interval.ms() * i64::from(PERIOD_MAX);
            let bad = ms <= 0 || ms % interval.ms() != 0 || ms > longest;
            bad.then(|| format!("ms is {ms}, must be a positive multiple of {interval} and at most {longest}"))
        }
        Feature::Lag { ref of, candles } => within("candles", candles, 1).or_else(|| fault(of, interval)),
        Feature::ZScore { ref of, window } | Feature::Deviation { ref of, window } => {
            within("window", window, 2).or_else(|| fault(of, interval))
        }
    }
}
