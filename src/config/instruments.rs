//! Filters of contracts as the simulated exchange applies them, as data: what AsterDEX says of the common
//! ones, and a generic contract for every other symbol. On the live venue its own answer counts.

use super::written::{Bracket, Filters};
use swarm_core::model::{Instrument, LeverageBracket, Price, Qty, Rate, Round, Usd};

/// Symbol, tick, step (also the smallest quantity), largest limit and market quantity.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// Common contracts as they are now. Years ago some had finer ticks, and spot markets have others: what that does to
/// recorded prices, `market::fit` tells.
const ROWS: [Row; 30] = [
    ("BTCUSDT", "0.1", "0.001", "1000", "120"),
    ("ETHUSDT", "0.01", "0.001", "10000", "2000"),
    ("SOLUSDT", "0.001", "0.01", "100000", "5000"),
    ("BNBUSDT", "0.01", "0.01", "100000", "2000"),
    ("XRPUSDT", "0.0001", "0.1", "10000000", "2000000"),
    ("DOGEUSDT", "0.00001", "1", "50000000", "30000000"),
    ("ADAUSDT", "0.0001", "1", "20000000", "2000000"),
    ("ASTERUSDT", "0.00001", "0.01", "10000000", "1000000"),
    ("HYPEUSDT", "0.001", "0.01", "1000000", "50000"),
    ("LINKUSDT", "0.001", "0.01", "1000000", "100000"),
    ("AVAXUSDT", "0.001", "0.1", "1000000", "100000"),
    ("SUIUSDT", "0.0001", "0.1", "10000000", "1000000"),
    ("LTCUSDT", "0.01", "0.001", "100000", "5000"),
    ("BCHUSDT", "0.01", "0.001", "100000", "5000"),
    ("DOTUSDT", "0.001", "0.1", "10000000", "500000"),
    ("TRXUSDT", "0.00001", "1", "20000000", "2000000"),
    ("XLMUSDT", "0.00001", "1", "20000000", "2000000"),
    ("ETCUSDT", "0.001", "0.01", "1000000", "100000"),
    ("NEARUSDT", "0.0001", "1", "10000000", "500000"),
    ("ATOMUSDT", "0.001", "0.01", "1000000", "50000"),
    ("APTUSDT", "0.0001", "0.1", "1000000", "100000"),
    ("ARBUSDT", "0.0001", "0.1", "10000000", "1000000"),
    ("OPUSDT", "0.0001", "0.1", "10000000", "1000000"),
    ("FILUSDT", "0.001", "0.1", "1000000", "100000"),
    ("ENAUSDT", "0.0001", "1", "10000000", "1000000"),
    ("WIFUSDT", "0.0001", "0.1", "10000000", "500000"),
    ("ALGOUSDT", "0.0001", "0.1", "10000000", "1000000"),
    ("VETUSDT", "0.000001", "1", "100000000", "10000000"),
    ("1000SHIBUSDT", "0.000001", "1", "100000000", "20000000"),
    ("1000PEPEUSDT", "0.0000001", "1", "100000000", "20000000"),
];

/// Any other symbol: fine steps, so that no recorded price or sensible size is cut off.
const GENERIC: Row = ("", "0.00001", "0.001", "100000000", "10000000");

/// Largest notional in USDT, leverage and maintenance rate.
type BracketRow = (i64, u32, &'static str);

const BTC: [BracketRow; 4] =
    [(50_000, 125, "0.004"), (250_000, 100, "0.005"), (1_000_000, 50, "0.01"), (10_000_000, 20, "0.025")];
const ETH: [BracketRow; 4] =
    [(10_000, 100, "0.005"), (100_000, 75, "0.0065"), (500_000, 50, "0.01"), (10_000_000, 20, "0.025")];
const OTHER: [BracketRow; 5] =
    [(5_000, 50, "0.01"), (25_000, 25, "0.02"), (100_000, 20, "0.025"), (250_000, 10, "0.05"), (5_000_000, 5, "0.1")];

/// The filters of a symbol where swarm.yaml says nothing else.
pub fn instrument(symbol: &str) -> Instrument {
    let (_, tick, step, max, max_market) = ROWS.iter().find(|row| row.0 == symbol).unwrap_or(&GENERIC);
    let qty = |text: &str| text.parse::<Qty>().expect("invariant: the table holds decimals");
    let rows: &[BracketRow] = match symbol {
        "BTCUSDT" => &BTC,
        "ETHUSDT" => &ETH,
        _ => &OTHER,
    };
    let bracket = |row: &BracketRow| {
        (Usd::whole(row.0), row.1, row.2.parse::<Rate>().expect("invariant: the table holds decimals"))
    };
    Instrument {
        symbol: symbol.to_owned(),
        tick: tick.parse::<Price>().expect("invariant: the table holds decimals"),
        step: qty(step),
        min_qty: qty(step),
        max_qty: qty(max),
        max_market_qty: qty(max_market),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::bps(250),
        max_open_orders: 200,
        brackets: brackets(rows.iter().map(bracket)),
    }
}

/// The filters of a symbol with what swarm.yaml says of it laid on top.
pub fn overridden(symbol: &str, written: &Filters) -> Instrument {
    let known = instrument(symbol);
    let rows = |rows: &Vec<Bracket>| {
        // Rows with a missing key have been told; a table without rows would have none to fall back to.
        let row = |row: &Bracket| Some((row.notional_cap?, row.max_leverage?, row.maintenance_rate?));
        Some(brackets(rows.iter().filter_map(row))).filter(|table| !table.is_empty())
    };
    Instrument {
        symbol: known.symbol,
        tick: written.tick.unwrap_or(known.tick),
        step: written.step.unwrap_or(known.step),
        min_qty: written.min_qty.unwrap_or(known.min_qty),
        max_qty: written.max_qty.unwrap_or(known.max_qty),
        max_market_qty: written.max_market_qty.unwrap_or(known.max_market_qty),
        min_notional: written.min_notional.unwrap_or(known.min_notional),
        price_band: written.price_band.unwrap_or(known.price_band),
        market_take_bound: written.market_take_bound.unwrap_or(known.market_take_bound),
        liquidation_fee: written.liquidation_fee.unwrap_or(known.liquidation_fee),
        max_open_orders: written.max_open_orders.unwrap_or(known.max_open_orders),
        brackets: written.brackets.as_ref().and_then(rows).unwrap_or(known.brackets),
    }
}

/// A leverage table from caps, leverages and rates. The maintenance amount of a row is that of the row before
/// plus the notional where it begins times the step of the rate, so that margin does not jump there.
pub fn brackets(rows: impl IntoIterator<Item = (Usd, u32, Rate)>) -> Vec<LeverageBracket> {
    let (mut floor, mut amount, mut rate) = (Usd::ZERO, Usd::ZERO, None);
    let mut table = Vec::new();
    for (notional_cap, max_leverage, maintenance_rate) in rows {
        let step = maintenance_rate - rate.unwrap_or(maintenance_rate);
        amount += floor.times(step, Round::Down);
        table.push(LeverageBracket { notional_cap, max_leverage, maintenance_rate, maintenance_amount: amount });
        (floor, rate) = (notional_cap, Some(maintenance_rate));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_amounts_are_those_the_venue_gives() {
        let amounts = |symbol: &str| -> Vec<String> {
            instrument(symbol).brackets.iter().map(|bracket| bracket.maintenance_amount.to_string()).collect()
        };
        assert_eq!(amounts("BTCUSDT"), ["0", "50", "1300", "16300"]);
        assert_eq!(amounts("ETHUSDT")[..3], ["0", "15", "365"]);
    }

    #[test]
    fn every_contract_is_consistent() {
        for symbol in ROWS.iter().map(|row| row.0).chain(["UNHEARDUSDT"]) {
            let contract = instrument(symbol);
            assert!(contract.tick > Price::ZERO && contract.step > Qty::ZERO, "{symbol}");
            assert!(contract.min_qty <= contract.max_market_qty && contract.max_market_qty <= contract.max_qty);
            for pair in contract.brackets.windows(2) {
                assert!(pair[0].notional_cap < pair[1].notional_cap, "{symbol}");
                assert!(pair[0].max_leverage > pair[1].max_leverage, "{symbol}");
                let (at, below, above) = (pair[0].notional_cap, pair[0], pair[1]);
                let margin = |row: LeverageBracket| at.times(row.maintenance_rate, Round::Up) - row.maintenance_amount;
                assert_eq!(margin(below), margin(above), "{symbol}: margin jumps at {at}");
            }
            for row in &contract.brackets {
                let initial = Rate::ONE.over(Rate::whole(i64::from(row.max_leverage)), Round::Down);
                assert!(row.maintenance_rate < initial, "{symbol}: liquidated at once at {}x", row.max_leverage);
            }
        }
    }
}
