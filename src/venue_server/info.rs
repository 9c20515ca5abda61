//! What the venue says of itself: contracts with filters, limits, brackets. Data, no decisions.

use super::limits::{ORDERS, WEIGHT};
use super::venue::Venue;
use crate::aster::sign::Micros;
use crate::aster::wire::{
    AssetInfo, Bracket, ContractType, CountFilter, ExchangeInfo, Filter, LotFilter, NotionalFilter, OrderType,
    PercentFilter, PriceFilter, RateLimit, RateLimitInterval, RateLimitType, Rows, SymbolBrackets, SymbolInfo,
    SymbolStatus, TimeInForce,
};
use swarm_core::model::{Instrument, Price, Rate, Time, Usd};

/// Highest price of a filter.
pub(super) const MAX_PRICE: Price = Price::whole(1_000_000_000);

fn typed(venue: &Venue, now: Micros) -> ExchangeInfo {
    let limit = |rate_limit_type, limit| RateLimit {
        rate_limit_type,
        interval: RateLimitInterval::Minute,
        interval_num: 1,
        limit,
    };
    ExchangeInfo {
        server_time: Time(i64::try_from(now / 1_000).unwrap_or(i64::MAX)),
        timezone: "UTC".to_owned(),
        rate_limits: vec![limit(RateLimitType::RequestWeight, WEIGHT), limit(RateLimitType::Orders, ORDERS)],
        assets: vec![AssetInfo { asset: "USDT".to_owned(), margin_available: true, auto_asset_exchange: None }],
        symbols: Rows {
            rows: venue.boards.iter().map(|board| symbol(&board.instrument)).collect(),
            unread: Vec::new(),
        },
    }
}

/// The answer of `exchangeInfo`: our client's type, and beside it the fields that only other clients read.
pub(super) fn exchange_info(venue: &Venue, now: Micros) -> serde_json::Value {
    let mut info = serde_json::json!(typed(venue, now));
    info["futuresType"] = serde_json::json!("U_MARGINED");
    info["exchangeFilters"] = serde_json::json!([]);
    for asset in info["assets"].as_array_mut().into_iter().flatten() {
        // A text, as the venue has it for this asset: typed clients read nothing else there.
        asset["autoAssetExchange"] = serde_json::json!("-10000");
    }
    for symbol in info["symbols"].as_array_mut().into_iter().flatten() {
        // To be ignored, the documents say: brackets count.
        symbol["maintMarginPercent"] = serde_json::json!("2.5000");
        symbol["requiredMarginPercent"] = serde_json::json!("5.0000");
        symbol["baseAssetPrecision"] = serde_json::json!(8);
        symbol["quotePrecision"] = serde_json::json!(8);
        symbol["underlyingSubType"] = serde_json::json!([]);
        symbol["settlePlan"] = serde_json::json!(0);
        for filter in symbol["filters"].as_array_mut().into_iter().flatten() {
            // A number in the documents, a text at the venue.
            if let Some(decimals) = filter.get("multiplierDecimal").and_then(serde_json::Value::as_i64) {
                filter["multiplierDecimal"] = serde_json::json!(decimals.to_string());
            }
        }
    }
    info
}

fn symbol(instrument: &Instrument) -> SymbolInfo {
    let name = instrument.symbol.clone();
    let lot = |max_qty| LotFilter { min_qty: instrument.min_qty, max_qty, step_size: instrument.step };
    let band = instrument.price_band;
    SymbolInfo {
        pair: name.clone(),
        base_asset: name.strip_suffix("USDT").map(str::to_owned),
        symbol: name,
        contract_type: ContractType::Perpetual,
        status: SymbolStatus::Trading,
        quote_asset: "USDT".to_owned(),
        margin_asset: "USDT".to_owned(),
        price_precision: decimals(instrument.tick.0),
        quantity_precision: decimals(instrument.step.0),
        onboard_date: Some(Time(1_569_398_400_000)),
        delivery_date: Some(Time(4_133_404_800_000)),
        underlying_type: "COIN".to_owned(),
        trigger_protect: Some(band),
        liquidation_fee: Some(instrument.liquidation_fee),
        market_take_bound: Some(instrument.market_take_bound),
        filters: vec![
            Filter::Price(PriceFilter { min_price: instrument.tick, max_price: MAX_PRICE, tick_size: instrument.tick }),
            Filter::LotSize(lot(instrument.max_qty)),
            Filter::MarketLotSize(lot(instrument.max_market_qty)),
            Filter::MaxNumOrders(CountFilter { limit: instrument.max_open_orders }),
            Filter::MaxNumAlgoOrders(CountFilter { limit: instrument.max_open_orders }),
            Filter::MinNotional(NotionalFilter { notional: instrument.min_notional }),
            Filter::PercentPrice(PercentFilter {
                multiplier_up: Rate(Rate::ONE.0 + band.0),
                multiplier_down: Rate(Rate::ONE.0 - band.0),
                multiplier_decimal: Some(4),
            }),
        ],
        order_types: vec![
            OrderType::Limit,
            OrderType::Market,
            OrderType::Stop,
            OrderType::StopMarket,
            OrderType::TakeProfit,
            OrderType::TakeProfitMarket,
            OrderType::TrailingStopMarket,
        ],
        time_in_force: vec![
            TimeInForce::Gtc,
            TimeInForce::Ioc,
            TimeInForce::Fok,
            TimeInForce::Gtx,
            TimeInForce::Hidden,
        ],
    }
}

/// Decimals that a step has.
pub(super) const fn decimals(step: i64) -> u32 {
    let (mut step, mut decimals) = (step, 8);
    while decimals > 0 && step > 0 && step % 10 == 0 {
        step /= 10;
        decimals -= 1;
    }
    decimals
}

pub(super) fn brackets(instrument: &Instrument) -> SymbolBrackets {
    let mut floor = Usd::ZERO;
    let mut rows = Vec::new();
    for (number, bracket) in (1..).zip(&instrument.brackets) {
        rows.push(Bracket {
            bracket: number,
            initial_leverage: bracket.max_leverage,
            notional_cap: bracket.notional_cap,
            notional_floor: floor,
            maint_margin_ratio: bracket.maintenance_rate,
            cum: bracket.maintenance_amount,
        });
        floor = bracket.notional_cap;
    }
    SymbolBrackets { symbol: instrument.symbol.clone(), brackets: rows }
}

/// The largest notional at a leverage; 0 when the leverage is above every bracket.
pub(super) fn notional_cap(instrument: &Instrument, leverage: u32) -> Usd {
    let fits = instrument.brackets.iter().filter(|bracket| bracket.max_leverage >= leverage);
    fits.map(|bracket| bracket.notional_cap).max().unwrap_or(Usd::ZERO)
}
