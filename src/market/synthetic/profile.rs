//! What a contract is like: price level, daily volatility, how much of its movement is the market's,
//! how much is traded; and how busy each hour of the week is. Orders of magnitude of the large
//! perpetual contracts, not quotes of a day. Knows no process and no candle.

use super::random::Stream;
use swarm_core::model::{HOUR_MS, Instrument, Time};

/// Character of one contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Profile {
    /// First price in USDT.
    pub price: f64,
    /// Standard deviation of the log return of a day.
    pub daily_volatility: f64,
    /// Share of the variance that comes from the market's common factor, 0 to 1.
    pub common_share: f64,
    /// Traded in a day, in USDT.
    pub daily_volume_usdt: f64,
}

/// Base asset, price, daily volatility, common share, daily volume in millions of USDT.
const KNOWN: [(&str, f64, f64, f64, f64); 20] = [
    ("BTC", 60_000.0, 0.027, 0.80, 12_000.0),
    ("ETH", 3_000.0, 0.035, 0.80, 8_000.0),
    ("SOL", 150.0, 0.050, 0.64, 2_500.0),
    ("BNB", 600.0, 0.031, 0.66, 600.0),
    ("XRP", 0.6, 0.044, 0.60, 1_200.0),
    ("DOGE", 0.15, 0.053, 0.64, 1_000.0),
    ("ADA", 0.45, 0.047, 0.66, 400.0),
    ("AVAX", 30.0, 0.051, 0.66, 300.0),
    ("LINK", 14.0, 0.048, 0.66, 350.0),
    ("DOT", 6.0, 0.046, 0.68, 200.0),
    ("LTC", 80.0, 0.041, 0.60, 300.0),
    ("BCH", 400.0, 0.046, 0.56, 250.0),
    ("ETC", 25.0, 0.044, 0.62, 150.0),
    ("TRX", 0.13, 0.026, 0.36, 120.0),
    ("NEAR", 5.5, 0.057, 0.60, 200.0),
    ("APT", 9.0, 0.055, 0.58, 180.0),
    ("ARB", 0.9, 0.055, 0.60, 180.0),
    ("SUI", 1.5, 0.060, 0.54, 500.0),
    ("HYPE", 25.0, 0.066, 0.45, 400.0),
    ("ASTER", 1.5, 0.075, 0.36, 500.0),
];

/// The profile of a contract; of an unknown one it is drawn from the seed and the symbol.
pub(super) fn profile(seed: u64, instrument: &Instrument) -> Profile {
    let symbol = instrument.symbol.as_str();
    let base = ["USDT", "USDC", "USD"].iter().find_map(|quote| symbol.strip_suffix(quote)).unwrap_or(symbol);
    if let Some(&(_, price, daily_volatility, common_share, millions)) = KNOWN.iter().find(|known| known.0 == base) {
        return Profile { price, daily_volatility, common_share, daily_volume_usdt: millions * 1e6 };
    }
    let mut stream = Stream::new(seed, &format!("{symbol}/profile"));
    // Evenly spread over the magnitudes, and at least some thousand ticks, so that a tick stays small.
    let price = libm::exp(stream.between(libm::log(0.2), libm::log(50.0))).max(2_000.0 * instrument.tick.to_f64());
    Profile {
        price,
        daily_volatility: stream.between(0.040, 0.065),
        common_share: stream.between(0.45, 0.70),
        daily_volume_usdt: libm::exp(stream.between(libm::log(4e7), libm::log(4e8))),
    }
}

/// Volatility by UTC hour against the day's mean: a quiet Asian morning, the peak at the opening of
/// the American stock market.
const HOURS: [f64; 24] = [
    1.05, 1.05, 0.95, 0.82, 0.77, 0.76, 0.79, 0.84, 0.88, 0.85, 0.83, 0.86, 1.00, 1.20, 1.45, 1.35, 1.25, 1.20, 1.12,
    1.07, 1.05, 1.03, 1.00, 0.90,
];
/// Volatility of Saturdays and Sundays against that of other days.
const WEEKEND: f64 = 0.72;

/// Factor on volatility at a time of the week; between hours it moves in a straight line.
pub(super) fn season(at: Time) -> f64 {
    let hour = at.0.div_euclid(HOUR_MS);
    let part = at.0.rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
    let value = |hour: i64| {
        // Day 0 of the epoch was a Thursday.
        let weekend = matches!(hour.div_euclid(24).rem_euclid(7), 2 | 3);
        HOURS[hour.rem_euclid(24) as usize] * if weekend { WEEKEND } else { 1.0 }
    };
    value(hour) * (1.0 - part) + value(hour + 1) * part
}

/// Root mean square of [`season`] over a week, by its value each quarter of an hour.
pub(super) fn season_level() -> f64 {
    let quarters = 4 * 24 * 7;
    let square: f64 = (0..quarters).map(|quarter| season(Time(quarter * HOUR_MS / 4))).map(|value| value * value).sum();
    (square / quarters as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_and_mornings_are_quiet() {
        // 2024-06-05 was a Wednesday, 2024-06-08 a Saturday.
        let (wednesday, saturday) = (1_717_545_600_000, 1_717_804_800_000);
        let at = |day: i64, hour: i64| season(Time(day + hour * HOUR_MS));
        assert!(at(wednesday, 14) > 1.4 && at(wednesday, 5) < 0.8);
        assert!(at(saturday, 14) < 0.75 * at(wednesday, 14));
        assert!((0.9..1.1).contains(&season_level()), "{}", season_level());
    }
}
