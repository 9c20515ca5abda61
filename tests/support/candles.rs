//! Made-up 5m candles with regimes: up, sideways, down, wild, in an order that the seed decides. The
//! same seed gives the same text on every machine.

use std::fmt::Write as _;

/// First line of a candle file.
pub const HEADER: &str = "open_time,open,high,low,close,volume\n";
/// 2024-01-01T00:00:00Z.
pub const START: i64 = 1_704_067_200_000;
/// Length of a candle in ms.
pub const M5: i64 = 300_000;
/// Length of a day in ms.
pub const DAY: i64 = 24 * 12 * M5;

/// Candles that keep a regime.
const REGIME: i64 = 90;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub open_time: i64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

/// SplitMix64, as numbers from 0 to 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// So many candles of the `symbol`th symbol.
pub fn candles(seed: u64, symbol: usize, count: i64) -> Vec<Row> {
    let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(symbol as u64));
    let start = [60_000.0, 3_000.0, 150.0][symbol % 3];
    let (mut price, mut drift, mut width) = (start, 0.0, 0.001);
    let mut rows = Vec::new();
    for index in 0..count {
        if index % REGIME == 0 {
            let pull = 0.0006 * (1.0 - price / start);
            (drift, width) = match (dice.roll() * 4.0) as u32 {
                0 => (0.0006 + pull, 0.002),
                1 => (pull, 0.0015),
                2 => (-0.0006 + pull, 0.002),
                _ => (pull, 0.006),
            };
        }
        let shock = width * (dice.roll() + dice.roll() + dice.roll() - 1.5);
        let open = price;
        let close = open * (1.0 + drift + shock);
        let (high, low) = (open.max(close), open.min(close));
        let high = high * (1.0 + width * dice.roll());
        let low = low * (1.0 - width * dice.roll());
        let volume = 50_000_000.0 / start * (0.5 + dice.roll() + 600.0 * (drift + shock).abs());
        rows.push(Row { open_time: START + index * M5, open, high, low, close, volume });
        price = close;
    }
    rows
}

/// The rows that `keep` wants by their number, as a file.
pub fn candle_text(rows: &[Row], keep: impl Fn(usize) -> bool) -> String {
    let mut text = HEADER.to_owned();
    for (_, row) in rows.iter().enumerate().filter(|(index, _)| keep(*index)) {
        let Row { open_time, open, high, low, close, volume } = row;
        writeln!(text, "{open_time},{open:.4},{high:.4},{low:.4},{close:.4},{volume:.3}").unwrap();
    }
    text
}
