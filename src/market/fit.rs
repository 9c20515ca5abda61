//! Whether recorded prices fit the contracts that they are traded as: a tick coarser than the prices moves fills away
//! from them. Knows no file, no plan and no exchange.

use super::{MarketError, Recording};
use swarm_core::model::{Candle, Instrument, Price};

/// Prices are at least so many ticks: below, the tick alone moves a fill by more than 1 %, and figures say more of
/// it than of the market.
const TICKS_LEAST: i64 = 100;

/// What the user should know of prices that lie between the ticks.
///
/// # Errors
/// A symbol whose prices are so small that its tick is no step of them.
pub fn fit(recording: &Recording, instruments: &[Instrument]) -> Result<Vec<String>, MarketError> {
    let mut warnings = Vec::new();
    for (candles, instrument) in recording.series.iter().zip(instruments) {
        warnings.extend(one(candles, instrument)?);
    }
    Ok(warnings)
}

fn one(candles: &[Candle], instrument: &Instrument) -> Result<Option<String>, MarketError> {
    let Instrument { symbol, tick, .. } = instrument;
    let Some(lowest) = candles.iter().map(|candle| candle.close).min() else { return Ok(None) };
    if lowest.0 < tick.0.saturating_mul(TICKS_LEAST) {
        let what = format!(
            "{symbol}: a close of {lowest} is too small for the contract's tick of {tick}, to which every fill is rounded"
        );
        let help = format!("set `venue.instruments.{symbol}.tick` to the step of these prices");
        return Err(MarketError::new(what, help).without(symbol));
    }
    let is_between = |close: &Price| close.0 % tick.0 != 0;
    let mut between = candles.iter().map(|candle| candle.close).filter(is_between);
    let Some(first) = between.next() else { return Ok(None) };
    Ok(Some(format!(
        "{symbol}: {} of {} closes, such as {first}, lie between the contract's ticks of {tick}; fills are rounded to \
         the tick against the account: set `venue.instruments.{symbol}.tick` where the contract's own is finer",
        between.count() + 1,
        candles.len(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::instruments::instrument;
    use swarm_core::model::Time;

    fn check(symbol: &str, closes: &[&str]) -> Result<Option<String>, MarketError> {
        let candle = |text: &&str| {
            let price: Price = text.parse().unwrap();
            Candle { open_time: Time(0), open: price, high: price, low: price, close: price, volume: 1.0 }
        };
        one(&closes.iter().map(candle).collect::<Vec<_>>(), &instrument(symbol))
    }

    #[test]
    fn prices_on_the_tick_fit() {
        assert_eq!(check("BTCUSDT", &["40000.1", "39999.9"]), Ok(None));
        assert_eq!(check("UNHEARDUSDT", &["0.00100"]), Ok(None));
        assert_eq!(check("BTCUSDT", &[]), Ok(None));
    }

    #[test]
    fn prices_between_the_ticks_are_told_with_how_many_they_are() {
        let warning = check("BTCUSDT", &["40000.1", "40000.13", "40000.2", "40000.04"]).unwrap().unwrap();
        for said in ["2 of 4 closes, such as 40000.13,", "ticks of 0.1", "`venue.instruments.BTCUSDT.tick`"] {
            assert!(warning.contains(said), "{warning}");
        }
    }

    #[test]
    fn prices_of_less_than_a_hundred_ticks_are_refused() {
        for (symbol, close) in [("UNHEARDUSDT", "0.00000123"), ("UNHEARDUSDT", "0.00099"), ("1000SHIBUSDT", "0.000099")]
        {
            let error = check(symbol, &["1", close]).unwrap_err();
            assert_eq!(error.symbol.as_deref(), Some(symbol));
            assert!(error.what.contains(close) && error.help.contains(".tick`"), "{error}");
        }
    }
}
