//! What differs between a contract as it is used and as the venue has it now. Pure; decides nothing.

use crate::aster::wire::{ExchangeInfo, SymbolStatus};
use swarm_core::model::{Instrument, SymbolId};

/// A contract that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub symbol: SymbolId,
    /// Each difference in words.
    pub what: Vec<String>,
    /// Orders made by the old rules would be refused, or fall on prices and sizes that do not exist.
    pub is_serious: bool,
}

/// In words, how the venue's filters differ from those in use. Leverage tables are not compared: they need a key.
pub fn differences(here: &Instrument, there: &Instrument) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, here: String, there: String| {
        if here != there {
            differences.push(format!("{what} {there}, not {here}"));
        }
    };
    compare("tick", here.tick.to_string(), there.tick.to_string());
    compare("step", here.step.to_string(), there.step.to_string());
    compare("smallest quantity", here.min_qty.to_string(), there.min_qty.to_string());
    compare("largest quantity", here.max_qty.to_string(), there.max_qty.to_string());
    compare("largest market order", here.max_market_qty.to_string(), there.max_market_qty.to_string());
    compare("smallest notional", here.min_notional.to_string(), there.min_notional.to_string());
    compare("price band", here.price_band.to_string(), there.price_band.to_string());
    compare("most open orders", here.max_open_orders.to_string(), there.max_open_orders.to_string());
    differences
}

/// Contracts in use that the venue has otherwise now, or has no more.
pub fn changes(info: &ExchangeInfo, known: &[Instrument]) -> Vec<Change> {
    let change = |(index, here): (usize, &Instrument)| {
        let row = info.symbols.rows.iter().find(|row| row.symbol == here.symbol);
        let (what, is_serious) = match row {
            None => (vec!["it is not listed any more".to_owned()], true),
            Some(row) if row.status != SymbolStatus::Trading => {
                (vec![format!("it does not trade: its status is {}", row.status.as_str())], true)
            }
            Some(row) => match row.instrument_with(here.brackets.clone()) {
                Ok(there) => (differences(here, &there), refuses(here, &there)),
                Err(error) => (vec![error.to_string()], true),
            },
        };
        (!what.is_empty()).then(|| Change { symbol: SymbolId::at(index), what, is_serious })
    };
    known.iter().enumerate().filter_map(change).collect()
}

/// Whether an order that is right by the one would be refused by the other.
fn refuses(here: &Instrument, there: &Instrument) -> bool {
    here.tick.0 % there.tick.0.max(1) != 0
        || here.step.0 % there.step.0.max(1) != 0
        || there.min_qty > here.min_qty
        || there.max_qty < here.max_qty
        || there.max_market_qty < here.max_market_qty
        || there.min_notional > here.min_notional
        || there.price_band < here.price_band
        || there.max_open_orders < here.max_open_orders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aster::wire::{Filter, Rows, SymbolInfo};
    use swarm_core::model::{LeverageBracket, Rate, Usd};

    /// `exchangeInfo` of one contract as a venue writes it.
    fn info() -> ExchangeInfo {
        let symbol = serde_json::json!({
            "symbol": "SOLUSDT", "pair": "SOLUSDT", "contractType": "PERPETUAL", "status": "TRADING",
            "quoteAsset": "USDT", "marginAsset": "USDT", "marketTakeBound": "0.05", "liquidationFee": "0.025",
            "filters": [
                { "filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000", "tickSize": "0.01" },
                { "filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "1000", "stepSize": "0.1" },
                { "filterType": "MARKET_LOT_SIZE", "minQty": "0.1", "maxQty": "500", "stepSize": "0.1" },
                { "filterType": "MAX_NUM_ORDERS", "limit": 200 },
                { "filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95" },
                { "filterType": "MIN_NOTIONAL", "notional": "5" }
            ]
        });
        let symbol: SymbolInfo = serde_json::from_value(symbol).unwrap();
        let symbols = Rows { rows: vec![symbol], unread: Vec::new() };
        let empty = serde_json::json!({ "serverTime": 1, "rateLimits": [], "symbols": [] });
        ExchangeInfo { symbols, ..serde_json::from_value(empty).unwrap() }
    }

    fn known() -> Vec<Instrument> {
        let table = vec![LeverageBracket {
            notional_cap: Usd::whole(1_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }];
        vec![info().symbols.rows[0].instrument_with(table).unwrap()]
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut ExchangeInfo), what: &str, is_serious: bool) {
        let mut info = info();
        change(&mut info);
        let found = changes(&info, &known());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].what.join(", ").as_str(), found[0].is_serious), (what, is_serious));
    }

    fn filter(info: &mut ExchangeInfo, with: impl Fn(&mut Filter)) {
        info.symbols.rows[0].filters.iter_mut().for_each(with);
    }

    #[test]
    fn what_did_not_change_is_not_told() {
        assert_eq!(changes(&info(), &known()), []);
    }

    #[test]
    fn a_change_by_which_orders_would_be_refused_is_serious() {
        let price = |tick: &'static str| {
            move |it: &mut Filter| {
                if let Filter::Price(it) = it {
                    (it.tick_size, it.min_price) = (tick.parse().unwrap(), tick.parse().unwrap());
                }
            }
        };
        check(|info| filter(info, price("0.1")), "tick 0.1, not 0.01", true);
        check(|info| filter(info, price("0.001")), "tick 0.001, not 0.01", false);
        let notional = |usd: &'static str| {
            move |it: &mut Filter| {
                if let Filter::MinNotional(it) = it {
                    it.notional = usd.parse().unwrap();
                }
            }
        };
        check(|info| filter(info, notional("20")), "smallest notional 20, not 5", true);
        check(|info| filter(info, notional("1")), "smallest notional 1, not 5", false);
        let lot = |it: &mut Filter| {
            if let Filter::LotSize(it) = it {
                (it.step_size, it.min_qty) = ("1".parse().unwrap(), "1".parse().unwrap());
            }
        };
        check(|info| filter(info, lot), "step 1, not 0.1, smallest quantity 1, not 0.1", true);
    }

    #[test]
    fn a_contract_that_is_gone_or_halted_is_serious() {
        check(|info| info.symbols.rows.clear(), "it is not listed any more", true);
        check(
            |info| info.symbols.rows[0].status = SymbolStatus::Settling,
            "it does not trade: its status is SETTLING",
            true,
        );
        check(|info| info.symbols.rows[0].filters.clear(), "SOLUSDT: the venue gives no PRICE_FILTER filter", true);
    }
}
