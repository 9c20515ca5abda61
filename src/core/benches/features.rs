//! What a candle costs: the whole set of indicators, and the hub with what an expert wants. One item is one
//! base candle, so the reported items per second are candles per second on one core.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use swarm_core::features::{Feature, Hub, MacdLine, Wants};
use swarm_core::indicators::*;
use swarm_core::model::{Candle, GapPolicy, HOUR_MS, Interval, MINUTE_MS, Price, SymbolId, Time};

/// Candles a sample: long enough that construction and warm-up do not show, short enough that a busy neighbour
/// leaves some samples alone.
const CANDLES: usize = 20_000;

fn main() {
    divan::main();
}

/// A seeded walk around 30,000 in ticks of 0.1.
fn walk() -> Vec<Candle> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let tick = Price::from_f64(0.1).expect("a price").0;
    let mut ticks = 300_000i64;
    let candle = |i: usize| {
        let open = ticks;
        ticks += ((uniform() - 0.5) * 600.0) as i64 + (300_000 - ticks) / 2_000;
        let [up, down] = [(); 2].map(|()| (uniform() * 200.0) as i64);
        Candle {
            open_time: Time(1_672_531_200_000 + i as i64 * 5 * MINUTE_MS),
            open: Price(open * tick),
            high: Price((open.max(ticks) + up) * tick),
            low: Price((open.min(ticks) - down) * tick),
            close: Price(ticks * tick),
            volume: 10.0 + 90.0 * uniform(),
        }
    };
    (0..CANDLES).map(candle).collect()
}

fn columns() -> Vec<[f64; 4]> {
    let row = |c: &Candle| [c.high.to_f64(), c.low.to_f64(), c.close.to_f64(), c.volume];
    walk().iter().map(row).collect()
}

/// Runs `update` over all candles with fresh state; the sum keeps the work alive.
fn each_candle<S>(bencher: Bencher, fresh: impl Fn() -> S, update: impl Fn(&mut S, &[f64; 4]) -> f64) {
    let rows = columns();
    bencher.counter(ItemsCount::new(rows.len())).bench_local(|| {
        let mut state = fresh();
        black_box(&rows).iter().map(|row| update(&mut state, row)).sum::<f64>()
    });
}

fn or_zero(value: Option<f64>) -> f64 {
    value.unwrap_or(0.0)
}

mod one {
    use super::*;

    #[divan::bench]
    fn nothing(bencher: Bencher) {
        each_candle(bencher, || (), |(), row| row[2]);
    }
    #[divan::bench]
    fn rsi_14(bencher: Bencher) {
        each_candle(bencher, || Rsi::new(14), |rsi, row| or_zero(rsi.update(row[2])));
    }
    #[divan::bench]
    fn macd(bencher: Bencher) {
        each_candle(bencher, || Macd::new(12, 26, 9), |macd, row| macd.update(row[2]).map_or(0.0, |l| l.histogram));
    }
    #[divan::bench]
    fn bollinger_20(bencher: Bencher) {
        each_candle(bencher, || Bollinger::new(20), |b, row| b.update(row[2]).map_or(0.0, |b| b.upper(2.0)));
    }
    #[divan::bench]
    fn atr_14(bencher: Bencher) {
        each_candle(bencher, || Atr::new(14), |atr, row| or_zero(atr.update(row[0], row[1], row[2])));
    }
    #[divan::bench]
    fn adx_14(bencher: Bencher) {
        each_candle(bencher, || Adx::new(14), |adx, row| or_zero(adx.update(row[0], row[1], row[2])));
    }
    #[divan::bench]
    fn cci_20(bencher: Bencher) {
        each_candle(bencher, || Cci::new(20), |cci, row| or_zero(cci.update(row[0], row[1], row[2])));
    }
    #[divan::bench]
    fn stochastic_raw_k_14(bencher: Bencher) {
        each_candle(bencher, || StochasticRawK::new(14), |k, row| or_zero(k.update(row[0], row[1], row[2])));
    }
    #[divan::bench]
    fn obv(bencher: Bencher) {
        each_candle(bencher, Obv::new, |obv, row| or_zero(obv.update(row[2], row[3])));
    }
    #[divan::bench]
    fn sma_50(bencher: Bencher) {
        each_candle(bencher, || Sma::new(50), |sma, row| or_zero(sma.update(row[2])));
    }
    #[divan::bench]
    fn four_z_scores_100(bencher: Bencher) {
        each_candle(bencher, || ZScores::new(100), |scores, row| scores.update(*row)[2]);
    }
}

/// RSI 7 and 14, MACD, Bollinger, ATR, CCI, STOCH, OBV, SMA 10, 50 and 100, EMA 12 and 26, MOM, ADX: 20 outputs.
struct WholeSet {
    rsi: [Rsi; 2],
    macd: Macd,
    bollinger: Bollinger,
    atr: Atr,
    cci: Cci,
    raw_k: StochasticRawK,
    k: Sma,
    d: Sma,
    obv: Obv,
    sma: [Sma; 3],
    ema: [Ema; 2],
    momentum: Momentum,
    adx: Adx,
}

impl WholeSet {
    fn new() -> Self {
        Self {
            rsi: [7, 14].map(Rsi::new),
            macd: Macd::new(12, 26, 9),
            bollinger: Bollinger::new(20),
            atr: Atr::new(14),
            cci: Cci::new(20),
            raw_k: StochasticRawK::new(14),
            k: Sma::new(3),
            d: Sma::new(3),
            obv: Obv::new(),
            sma: [10, 50, 100].map(Sma::new),
            ema: [12, 26].map(Ema::new),
            momentum: Momentum::new(4),
            adx: Adx::new(14),
        }
    }
    fn update(&mut self, &[high, low, close, volume]: &[f64; 4]) -> f64 {
        let mut sum = 0.0;
        self.rsi.iter_mut().for_each(|rsi| sum += or_zero(rsi.update(close)));
        sum += self.macd.update(close).map_or(0.0, |lines| lines.macd + lines.signal + lines.histogram);
        sum += self.bollinger.update(close).map_or(0.0, |bands| bands.middle + bands.upper(2.0) + bands.lower(2.0));
        sum += or_zero(self.atr.update(high, low, close));
        sum += or_zero(self.cci.update(high, low, close));
        if let Some(raw) = self.raw_k.update(high, low, close)
            && let Some(k) = self.k.update(raw)
        {
            sum += k + or_zero(self.d.update(k));
        }
        sum += or_zero(self.obv.update(close, volume));
        self.sma.iter_mut().for_each(|sma| sum += or_zero(sma.update(close)));
        self.ema.iter_mut().for_each(|ema| sum += or_zero(ema.update(close)));
        sum += or_zero(self.momentum.update(close));
        sum + or_zero(self.adx.update(high, low, close))
    }
}

#[divan::bench]
fn whole_indicator_set(bencher: Bencher) {
    each_candle(bencher, WholeSet::new, |set, row| set.update(row));
}

/// What an expert asks for.
fn expert() -> Wants {
    let mut wants = Wants::default();
    let macd = |line| Feature::Macd { fast: 12, slow: 26, signal: 9, line };
    let score = |of: Feature| Feature::ZScore { of: Box::new(of), window: 100 };
    let scored = [
        Feature::Rsi { period: 7 },
        macd(MacdLine::Histogram),
        Feature::Cci { period: 20 },
        Feature::Momentum { period: 4 },
        Feature::StochK { period: 14, slowing: 3 },
        Feature::BbPosition { period: 20, deviations_x100: 200 },
        Feature::TrendStrength { fast: 50, slow: 100, adx: 14 },
    ];
    let plain = [
        Feature::Rsi { period: 7 },
        Feature::Rsi { period: 14 },
        Feature::Atr { period: 14 },
        Feature::VolumeRatio { period: 20 },
        Feature::BbMiddle { period: 20 },
        macd(MacdLine::Macd),
        macd(MacdLine::Signal),
        Feature::Close,
    ];
    scored.into_iter().map(score).chain(plain).for_each(|feature| {
        wants.want(Interval::M5, feature);
    });
    for interval in [Interval::M15, Interval::H1] {
        wants.want(interval, Feature::BbMiddle { period: 20 });
        wants.want(interval, Feature::Close);
        wants.want(interval, Feature::Change { ms: 24 * HOUR_MS });
    }
    wants.want(Interval::H1, Feature::Sma { period: 50 });
    wants.want(Interval::H1, Feature::Sma { period: 100 });
    wants
}

/// Symbols side by side; an item is still one candle of one symbol.
#[divan::bench(args = [1, 10])]
fn hub_with_an_expert_on_three_intervals(bencher: Bencher, symbols: u16) {
    let candles = walk();
    let wants: Vec<Wants> = (0..symbols).map(|_| expert()).collect();
    bencher.counter(ItemsCount::new(candles.len() * usize::from(symbols))).bench_local(|| {
        let mut hub = Hub::new(Interval::M5, GapPolicy::Reset, &wants).expect("wishes in range");
        let mut seen = 0;
        for candle in black_box(&candles) {
            for symbol in (0..symbols).map(SymbolId) {
                hub.close(symbol, candle);
                seen += usize::from(hub.frame(symbol).is_some());
            }
        }
        (hub, seen)
    });
}
