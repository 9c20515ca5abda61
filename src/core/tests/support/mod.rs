//! Candle series for tests: a seeded walk with flat stretches, jumps and idle candles, and recorded ones.

// Every test file uses its part of this, and a helper that cannot go on fails its test.
#![allow(dead_code, clippy::unwrap_used)]

pub mod hub;

use std::path::Path;
use swarm_core::model::{Candle, Price, Time};

/// A series by column, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Candles {
    pub open: Vec<f64>,
    pub high: Vec<f64>,
    pub low: Vec<f64>,
    pub close: Vec<f64>,
    pub volume: Vec<f64>,
}

impl Candles {
    pub fn len(&self) -> usize {
        self.close.len()
    }
    /// As the hub takes them, one every `interval_ms` from `start` on.
    pub fn at(&self, start: Time, interval_ms: i64) -> Vec<Candle> {
        let price = |value: f64| Price::from_f64(value).unwrap();
        let candle = |i: usize| Candle {
            open_time: start.plus(interval_ms * i as i64),
            open: price(self.open[i]),
            high: price(self.high[i]),
            low: price(self.low[i]),
            close: price(self.close[i]),
            volume: self.volume[i],
        };
        (0..self.len()).map(candle).collect()
    }
    fn push(&mut self, [open, high, low, close]: [f64; 4], volume: f64) {
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
        self.volume.push(volume);
    }
}

/// SplitMix64, a number of [0, 1) a call.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A walk on the grid of `tick` around `start`: every thousand candles it stands still for a while, now and then it jumps.
pub fn synthetic(seed: u64, len: usize, start: f64, tick: f64) -> Candles {
    let mut state = seed;
    let mut candles = Candles::default();
    let ticks_start = (start / tick).round();
    let mut ticks = ticks_start;
    for i in 0..len {
        let flat = i % 1000 >= 700 && i % 1000 < 700 + 20 * (i / 1000 % 10);
        let open = ticks;
        if !flat {
            let jump = if uniform(&mut state) < 0.002 { 0.05 } else { 0.002 };
            ticks += (ticks_start * jump * (uniform(&mut state) - 0.5)).round();
            // A pull to the start keeps the price positive.
            ticks = (ticks + (ticks_start - ticks) * 0.0005).round().max(10.0);
        }
        let wick = |share: f64| if flat { 0.0 } else { (ticks_start * 0.001 * share).round() };
        let (up, down) = (wick(uniform(&mut state)), wick(uniform(&mut state)));
        let (high, low) = (open.max(ticks) + up, (open.min(ticks) - down).max(1.0));
        let volume = 10.0 + 90.0 * uniform(&mut state);
        candles.push([open, high, low, ticks].map(|ticks| ticks * tick), (volume * 1000.0).round() / 1000.0);
    }
    candles
}

/// A market that never moves.
pub fn still(len: usize, price: f64) -> Candles {
    let mut candles = Candles::default();
    (0..len).for_each(|_| candles.push([price; 4], 1.0));
    candles
}

/// BTCUSDT 5m candles of 2023-01 to 2025-06 where they lie beside the workspace.
pub fn recorded() -> Option<Candles> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/klines/binance-um/5m/BTCUSDT_20230101-20250630.csv.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: no recorded candles at {}", path.display());
        return None;
    };
    let mut candles = Candles::default();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).unwrap() {
        let field = |i: usize| row[i].parse::<f64>().unwrap();
        candles.push([field(1), field(2), field(3), field(4)], field(5));
    }
    Some(candles)
}
