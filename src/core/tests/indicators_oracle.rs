//! The indicators against TA-Lib's own Rust port: first value and every value, on synthetic candles with
//! flat stretches and jumps, and on recorded candles where they lie beside the workspace.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Candles, recorded, synthetic};
use swarm_core::features::{Feature, Hub, Wants};
use swarm_core::indicators::*;
use swarm_core::model::{GapPolicy, Interval, SymbolId, Time};
use ta_lib::{Core, MAType, OutRange, RetCode};

/// Relative difference that is forgiven.
const TOLERANCE: f64 = 1e-9;

/// Runs TA-Lib over a whole series: `None` before its first value.
fn oracle<const N: usize>(
    len: usize,
    run: impl FnOnce(&Core, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> [Vec<Option<f64>>; N] {
    let mut outputs: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; len]);
    let range = run(&Core::new(), outputs.each_mut().map(Vec::as_mut_slice)).unwrap();
    assert_eq!(range.beg_idx + range.count, len);
    outputs.map(|values| {
        (0..len).map(|i| i.checked_sub(range.beg_idx).map(|place| values[place])).collect::<Vec<Option<f64>>>()
    })
}

/// Both have values at the same candles, and they agree relative to the larger of the value and `scale`, the
/// size below which the value is a difference of larger numbers and its own digits mean nothing.
fn check(name: &str, ours: &[Option<f64>], oracle: &[Option<f64>], scale: f64) {
    assert_eq!(ours.len(), oracle.len());
    assert!(oracle.iter().flatten().count() > 1000, "{name}: too few values to compare");
    for (i, (got, expected)) in ours.iter().zip(oracle).enumerate() {
        match (got, expected) {
            (None, None) => {}
            (Some(got), Some(expected)) => {
                let allowed = TOLERANCE * expected.abs().max(scale);
                assert!((got - expected).abs() <= allowed, "{name} at {i}: {got:?}, TA-Lib {expected:?}");
            }
            _ => panic!("{name} at {i}: {got:?}, TA-Lib {expected:?}"),
        }
    }
}

fn closes(candles: &Candles, mut update: impl FnMut(f64) -> Option<f64>) -> Vec<Option<f64>> {
    candles.close.iter().map(|close| update(*close)).collect()
}

fn ranges(candles: &Candles, mut update: impl FnMut(f64, f64, f64) -> Option<f64>) -> Vec<Option<f64>> {
    (0..candles.len()).map(|i| update(candles.high[i], candles.low[i], candles.close[i])).collect()
}

/// Differences of prices have their digits relative to the price: this is where 1e-9 of it meets 1e-13 of the price.
fn price_scale(candles: &Candles) -> f64 {
    candles.high.iter().copied().fold(0.0, f64::max) * 1e-4
}

fn check_averages(candles: &Candles) {
    let (close, last) = (&candles.close, candles.len() - 1);
    for period in [1, 2, 10, 20, 50, 100] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.sma(0, last, close, period, out));
        let mut sma = Sma::new(period as usize);
        check(&format!("SMA {period}"), &closes(candles, |c| sma.update(c)), &expected, 0.0);
    }
    for period in [1, 2, 9, 12, 26] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.ema(0, last, close, period, out));
        let mut ema = Ema::new(period as usize);
        check(&format!("EMA {period}"), &closes(candles, |c| ema.update(c)), &expected, 0.0);
    }
    for (fast, slow, signal) in [(12, 26, 9), (3, 10, 16), (26, 12, 9), (5, 6, 1), (8, 8, 4)] {
        let expected: [_; 3] =
            oracle(candles.len(), |ta, [line, sig, hist]| ta.macd(0, last, close, fast, slow, signal, line, sig, hist));
        for (which, expected) in expected.iter().enumerate() {
            let mut macd = Macd::new(fast as usize, slow as usize, signal as usize);
            let ours = closes(candles, |c| macd.update(c).map(|l| [l.macd, l.signal, l.histogram][which]));
            check(&format!("MACD {fast} {slow} {signal} output {which}"), &ours, expected, price_scale(candles));
        }
    }
}

fn check_momentum(candles: &Candles) {
    let (close, last) = (&candles.close, candles.len() - 1);
    for period in [2, 7, 14] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.rsi(0, last, close, period, out));
        let mut rsi = Rsi::new(period as usize);
        check(&format!("RSI {period}"), &closes(candles, |c| rsi.update(c)), &expected, 1.0);
    }
    for period in [1, 4, 10] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.mom(0, last, close, period, out));
        let mut momentum = Momentum::new(period as usize);
        check(&format!("MOM {period}"), &closes(candles, |c| momentum.update(c)), &expected, 0.0);
        let [expected] = oracle(candles.len(), |ta, [out]| ta.roc(0, last, close, period, out));
        let mut roc = RateOfChange::new(period as usize);
        check(&format!("ROC {period}"), &closes(candles, |c| roc.update(c).map(|r| 100.0 * r)), &expected, 1e-4);
    }
    for period in [2, 14, 20, 33] {
        let [expected] =
            oracle(candles.len(), |ta, [out]| ta.cci(0, last, &candles.high, &candles.low, close, period, out));
        let mut cci = Cci::new(period as usize);
        check(&format!("CCI {period}"), &ranges(candles, |h, l, c| cci.update(h, l, c)), &expected, 1.0);
    }
}

/// Mean and population standard deviation of the last `period` values, the plain way.
fn two_passes(values: &[f64], period: usize) -> Vec<Option<(f64, f64)>> {
    let n = period as f64;
    let moments = |window: &[f64]| {
        let distances = window.iter().map(|v| v - window[0]);
        let mean = distances.clone().sum::<f64>() / n;
        (window[0] + mean, (distances.map(|d| (d - mean) * (d - mean)).sum::<f64>() / n).sqrt())
    };
    (0..values.len()).map(|i| (i + 1 >= period).then(|| moments(&values[i + 1 - period..=i]))).collect()
}

/// A hub with one feature over the candles: what it shows after each.
fn shown(candles: &Candles, feature: Feature) -> Vec<Option<f64>> {
    let mut wants = Wants::default();
    let slot = wants.want(Interval::M5, feature);
    let mut hub = Hub::new(Interval::M5, GapPolicy::Reset, &[wants]).unwrap();
    let mut values = Vec::with_capacity(candles.len());
    for candle in candles.at(Time(0), Interval::M5.ms()) {
        assert!(hub.close(SymbolId(0), &candle));
        values.push(hub.frame(SymbolId(0)).unwrap().get(slot));
    }
    values
}

/// Realised volatility: the standard deviation of the candles' returns, of TA-Lib's ROC by TA-Lib's STDDEV.
fn check_deviation_of_returns(candles: &Candles) {
    let (close, last) = (&candles.close, candles.len() - 1);
    let [returns] = oracle(candles.len(), |ta, [out]| ta.roc(0, last, close, 1, out));
    let returns: Vec<f64> = returns.into_iter().flatten().collect();
    for window in [2, 20, 120] {
        let [expected] = oracle(returns.len(), |ta, [out]| ta.stddev(0, returns.len() - 1, &returns, window, 1.0, out));
        let expected: Vec<_> = std::iter::once(None).chain(expected).collect();
        let feature = Feature::Deviation { of: Box::new(Feature::Roc { period: 1 }), window: window as u32 };
        // Where a window has calmed down, TA-Lib's running sums of squares keep half of the digits.
        check(&format!("deviation of returns {window}"), &shown(candles, feature.clone()), &expected, 1e3);
        let exact: Vec<_> = two_passes(&returns, window as usize).into_iter().map(|e| e.map(|(_, d)| d)).collect();
        let exact: Vec<_> = std::iter::once(None).chain(exact).collect();
        check(&format!("deviation of returns {window} in two passes"), &shown(candles, feature), &exact, 1e-4);
    }
}

fn check_bollinger(candles: &Candles) {
    let (close, last) = (&candles.close, candles.len() - 1);
    for (period, deviations) in [(2, 1.0), (20, 2.0), (50, 2.5)] {
        let [upper, middle, lower] = oracle(candles.len(), |ta, [upper, middle, lower]| {
            ta.bbands(0, last, close, period, deviations, deviations, MAType::SMA, upper, middle, lower)
        });
        let [deviation] = oracle(candles.len(), |ta, [out]| ta.stddev(0, last, close, period, 1.0, out));
        let mut bollinger = Bollinger::new(period as usize);
        let bands: Vec<Option<Bands>> = close.iter().map(|c| bollinger.update(*c)).collect();
        let ours = |of: &dyn Fn(&Bands) -> f64| bands.iter().map(|b| b.as_ref().map(of)).collect::<Vec<_>>();
        let name = |what: &str| format!("BBANDS {period} {what}");
        check(&name("middle"), &ours(&|b| b.middle), &middle, 0.0);
        check(&name("upper"), &ours(&|b| b.upper(deviations)), &upper, 0.0);
        check(&name("lower"), &ours(&|b| b.lower(deviations)), &lower, 0.0);
        check(&name("deviation"), &ours(&|b| b.deviation), &deviation, price_scale(candles));
        // Where a window has all but calmed down, TA-Lib's running sums keep fewer digits than two passes over
        // the window do; so those are the reference for the deviation's own digits and for the ratios.
        let exact = two_passes(close, period as usize);
        let of_exact = |of: &dyn Fn((f64, f64)) -> f64| exact.iter().map(|e| e.map(of)).collect::<Vec<_>>();
        check(&name("deviation in two passes"), &ours(&|b| b.deviation), &of_exact(&|(_, d)| d), 0.0);
        let width = of_exact(&|(mean, deviation)| 2.0 * deviations * deviation / mean);
        check(&name("width"), &ours(&|b| b.width(deviations)), &width, 0.0);
        let mut touching = 0;
        for (i, bands) in bands.iter().enumerate() {
            let (Some(bands), Some((mean, deviation))) = (bands, exact[i]) else { continue };
            let Some(got) = bands.position(deviations) else {
                assert_eq!(deviation, 0.0, "{} at {i}", name("position"));
                touching += 1;
                continue;
            };
            let (lower, upper) = (mean - deviations * deviation, mean + deviations * deviation);
            let expected = (close[i] - lower) / (upper - lower);
            // The bands' difference has lost the digits that the price level takes.
            let allowed = TOLERANCE.max(1e-15 * upper / (upper - lower));
            assert!((got - expected).abs() <= allowed, "{} at {i}: {got} {expected}", name("position"));
        }
        assert!(touching < candles.len() / 4, "{}: absent at {touching} candles", name("position"));
    }
}

fn check_ranges(candles: &Candles) {
    let Candles { high, low, close, .. } = candles;
    let last = candles.len() - 1;
    for period in [1, 2, 14] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.atr(0, last, high, low, close, period, out));
        let mut atr = Atr::new(period as usize);
        check(&format!("ATR {period}"), &ranges(candles, |h, l, c| atr.update(h, l, c)), &expected, 0.0);
    }
    for period in [2, 7, 14] {
        let [expected] = oracle(candles.len(), |ta, [out]| ta.adx(0, last, high, low, close, period, out));
        let mut adx = Adx::new(period as usize);
        check(&format!("ADX {period}"), &ranges(candles, |h, l, c| adx.update(h, l, c)), &expected, 1e-3);
    }
    for (period, slowing, smooth) in [(14, 3, 3), (5, 1, 4), (100, 5, 2), (1, 2, 2)] {
        let [expected, _] =
            oracle(candles.len(), |ta, [k, d]| ta.stochf(0, last, high, low, close, period, 1, MAType::SMA, k, d));
        let mut raw = StochasticRawK::new(period as usize);
        let ours = ranges(candles, |h, l, c| raw.update(h, l, c));
        check(&format!("raw %K {period}"), &ours, &expected, 1.0);
        let [k, d] = oracle(candles.len(), |ta, [k, d]| {
            ta.stoch(0, last, high, low, close, period, slowing, MAType::SMA, smooth, MAType::SMA, k, d)
        });
        let (mut slow, mut signal) = (Sma::new(slowing as usize), Sma::new(smooth as usize));
        let lines: Vec<_> = ours
            .iter()
            .map(|raw| {
                let k = slow.update((*raw)?)?;
                Some((k, signal.update(k)?))
            })
            .collect();
        let name = format!("STOCH {period} {slowing} {smooth}");
        check(&name, &lines.iter().map(|l| l.map(|l| l.0)).collect::<Vec<_>>(), &k, 1.0);
        check(&name, &lines.iter().map(|l| l.map(|l| l.1)).collect::<Vec<_>>(), &d, 1.0);
    }
}

fn check_volume(candles: &Candles) {
    let Candles { close, volume, .. } = candles;
    let last = candles.len() - 1;
    let [expected] = oracle(candles.len(), |ta, [out]| ta.obv(0, last, close, volume, out));
    let mut obv = Obv::new();
    let ours: Vec<_> = close.iter().zip(volume).map(|(c, v)| obv.update(*c, *v)).collect();
    check("OBV", &ours, &expected, 1.0);
    let [average] = oracle(candles.len(), |ta, [out]| ta.sma(0, last, volume, 20, out));
    let expected: Vec<_> = average.iter().zip(volume).map(|(mean, v)| mean.map(|mean| v / mean)).collect();
    let mut ratio = VolumeRatio::new(20);
    let ours: Vec<_> = volume.iter().map(|v| ratio.update(*v)).collect();
    check("volume ratio", &ours, &expected, 0.0);
}

fn check_all(candles: &Candles) {
    check_averages(candles);
    check_momentum(candles);
    check_bollinger(candles);
    check_deviation_of_returns(candles);
    check_ranges(candles);
    check_volume(candles);
}

#[test]
fn indicators_equal_ta_lib_on_random_walks_with_flat_stretches() {
    for (seed, start, tick) in [(1, 30_000.0, 0.1), (2, 0.5, 0.0001), (3, 1_000.0, 0.01)] {
        check_all(&synthetic(seed, 6_000, start, tick));
    }
}

#[test]
fn indicators_equal_ta_lib_where_nothing_moves() {
    let still = support::still(2_000, 0.1);
    check_averages(&still);
    check_momentum(&still);
    check_ranges(&still);
}

#[test]
fn indicators_equal_ta_lib_on_recorded_candles() {
    if let Some(candles) = recorded() {
        assert!(candles.len() > 200_000);
        check_all(&candles);
    }
}

#[test]
fn the_width_keeps_its_digits_over_a_million_candles() {
    let candles = synthetic(4, 1_000_000, 30_000.0, 0.1);
    let mut bollinger = Bollinger::new(20);
    let ours = closes(&candles, |c| bollinger.update(c).map(|b| b.deviation));
    let exact: Vec<_> = two_passes(&candles.close, 20).into_iter().map(|e| e.map(|(_, deviation)| deviation)).collect();
    check("deviation", &ours, &exact, 0.0);
}
