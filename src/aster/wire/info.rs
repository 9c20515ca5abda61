//! What the venue says about itself: symbols with filters, limits, leverage brackets, fees; and the step from
//! these to the core's [`Instrument`].
//!
//! A symbol whose row cannot be read does not make the others unreadable: it stands in
//! [`Rows::unread`](super::Rows) with the reason. Source: the venue's documents, sections "exchangeInfo" and
//! "filters".

use super::enums::{ContractType, OrderType, RateLimitInterval, RateLimitType, SymbolStatus, TimeInForce};
use super::many::Rows;
use super::{decimal, lenient};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use swarm_core::model::LeverageBracket as CoreBracket;
use swarm_core::model::{Instrument, Price, Qty, Rate, Time, Usd};

/// Answer of GET `exchangeInfo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeInfo {
    /// The venue's clock; not for measuring the difference to ours.
    #[serde(with = "lenient::int")]
    pub server_time: Time,
    /// Always UTC.
    #[serde(default)]
    pub timezone: String,
    /// Limits that requests are counted by.
    pub rate_limits: Vec<RateLimit>,
    /// Margin assets.
    #[serde(default)]
    pub assets: Vec<AssetInfo>,
    /// Contracts.
    pub symbols: Rows<SymbolInfo>,
}
/// One limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// What is counted.
    pub rate_limit_type: RateLimitType,
    /// Unit of the interval.
    pub interval: RateLimitInterval,
    /// How many of these units.
    #[serde(with = "lenient::int")]
    pub interval_num: u32,
    /// How much within it.
    #[serde(with = "lenient::int")]
    pub limit: u32,
}
/// A margin asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetInfo {
    /// Its name.
    pub asset: String,
    /// Whether it counts as margin in multi-assets mode.
    #[serde(default, with = "lenient::flag")]
    pub margin_available: bool,
    /// Balance below which it is exchanged into, negative.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub auto_asset_exchange: Option<Usd>,
}
/// A contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolInfo {
    /// `BTCUSDT` and the like.
    pub symbol: String,
    /// Its pair.
    #[serde(default)]
    pub pair: String,
    /// Kind of contract.
    pub contract_type: ContractType,
    /// Whether it can be traded.
    pub status: SymbolStatus,
    /// What is traded; absent on some rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_asset: Option<String>,
    /// What it is priced in.
    pub quote_asset: String,
    /// What margin is in.
    pub margin_asset: String,
    /// Decimals shown. Not the tick: only filters count.
    #[serde(default, with = "lenient::int")]
    pub price_precision: u32,
    /// Decimals shown. Not the step.
    #[serde(default, with = "lenient::int")]
    pub quantity_precision: u32,
    /// When it was listed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub onboard_date: Option<Time>,
    /// Far away for perpetuals.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub delivery_date: Option<Time>,
    /// COIN, EQUITY and the like.
    #[serde(default)]
    pub underlying_type: String,
    /// Largest difference between mark and last price at which a protected trigger executes.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub trigger_protect: Option<Rate>,
    /// Fee of a liquidation as a share of its notional.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub liquidation_fee: Option<Rate>,
    /// How far from the mark price a market order executes.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub market_take_bound: Option<Rate>,
    /// Rules for orders.
    pub filters: Vec<Filter>,
    /// Types that may be placed; two spellings of the name are in use.
    #[serde(rename = "orderTypes", alias = "OrderType", default)]
    pub order_types: Vec<OrderType>,
    /// How long orders may stand.
    #[serde(default)]
    pub time_in_force: Vec<TimeInForce>,
}
/// A rule for orders of a symbol.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Bounds and step of prices; a 0 switches its check off.
    Price(PriceFilter),
    /// Bounds and step of quantities.
    LotSize(LotFilter),
    /// The same for market orders.
    MarketLotSize(LotFilter),
    /// Most open orders, stops included.
    MaxNumOrders(CountFilter),
    /// Most open orders that wait for a trigger.
    MaxNumAlgoOrders(CountFilter),
    /// Bounds of a price around the mark price.
    PercentPrice(PercentFilter),
    /// Smallest notional of an order that is not reduce-only.
    MinNotional(NotionalFilter),
    /// A rule that was not known when this was written, as it came.
    Other(serde_json::Value),
}

/// Bounds and step of prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceFilter {
    /// Lowest.
    #[serde(with = "decimal::exact")]
    pub min_price: Price,
    /// Highest.
    #[serde(with = "decimal::exact")]
    pub max_price: Price,
    /// Step, counted from the lowest.
    #[serde(with = "decimal::exact")]
    pub tick_size: Price,
}
/// Bounds and step of quantities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LotFilter {
    /// Smallest.
    #[serde(with = "decimal::exact")]
    pub min_qty: Qty,
    /// Largest.
    #[serde(with = "decimal::exact")]
    pub max_qty: Qty,
    /// Step, counted from the smallest.
    #[serde(with = "decimal::exact")]
    pub step_size: Qty,
}
/// A number of orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountFilter {
    /// Most.
    #[serde(with = "lenient::int")]
    pub limit: u32,
}
/// Bounds of a price around the mark price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PercentFilter {
    /// Buys at most at mark times this.
    #[serde(with = "decimal::exact")]
    pub multiplier_up: Rate,
    /// Sells at least at mark times this.
    #[serde(with = "decimal::exact")]
    pub multiplier_down: Rate,
    /// Decimals of the multipliers.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub multiplier_decimal: Option<u32>,
}
/// A smallest notional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotionalFilter {
    /// In USDT.
    #[serde(with = "decimal::exact")]
    pub notional: Usd,
}
/// Answer of GET `leverageBracket`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolBrackets {
    /// Which contract.
    pub symbol: String,
    /// Ascending by notional.
    pub brackets: Vec<Bracket>,
}
/// A step of the leverage table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// Its number, from 1.
    #[serde(with = "lenient::int")]
    pub bracket: u32,
    /// Highest leverage.
    #[serde(with = "lenient::int")]
    pub initial_leverage: u32,
    /// Upper bound of the notional.
    #[serde(with = "decimal::number")]
    pub notional_cap: Usd,
    /// Lower bound of the notional.
    #[serde(with = "decimal::number")]
    pub notional_floor: Usd,
    /// Maintenance margin as a share of notional.
    #[serde(with = "decimal::number")]
    pub maint_margin_ratio: Rate,
    /// Subtracted from it, so that the table is continuous.
    #[serde(with = "decimal::number")]
    pub cum: Usd,
}
/// Answer of GET `commissionRate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRate {
    /// Which contract.
    pub symbol: String,
    /// Share of notional for adding liquidity; negative is a rebate.
    #[serde(with = "decimal::exact")]
    pub maker_commission_rate: Rate,
    /// Share of notional for taking it.
    #[serde(with = "decimal::exact")]
    pub taker_commission_rate: Rate,
}
/// Answer of GET `fundingInfo`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingInfo {
    /// Which contract.
    pub symbol: String,
    /// Interest part of the rate.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub interest_rate: Option<Rate>,
    /// As of.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Hours between payments; absent is not known.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub funding_interval_hours: Option<u32>,
    /// Highest rate.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub funding_fee_cap: Option<Rate>,
    /// Lowest rate.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub funding_fee_floor: Option<Rate>,
}
/// Why a symbol cannot be traded by this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// A rule that is needed is missing.
    #[error("{symbol}: the venue gives no {filter} filter")]
    NoFilter {
        /// Which contract.
        symbol: String,
        /// Name of the rule.
        filter: &'static str,
    },
    /// A step that is not positive.
    #[error("{symbol}: {filter} has a step of 0")]
    NoStep {
        /// Which contract.
        symbol: String,
        /// Name of the rule.
        filter: &'static str,
    },
    /// A grid that does not start at a multiple of its step: prices and quantities are aligned to 0 here.
    #[error("{symbol}: {filter} starts off its own step, which this program does not trade")]
    OffGrid {
        /// Which contract.
        symbol: String,
        /// Name of the rule.
        filter: &'static str,
    },
    /// No leverage table.
    #[error("{symbol}: the venue gives no leverage brackets")]
    NoBrackets {
        /// Which contract.
        symbol: String,
    },
}

impl SymbolInfo {
    fn find<'a, T>(
        &'a self,
        filter: &'static str,
        pick: impl Fn(&'a Filter) -> Option<&'a T>,
    ) -> Result<&'a T, InstrumentError> {
        let missing = || InstrumentError::NoFilter { symbol: self.symbol.clone(), filter };
        self.filters.iter().find_map(pick).ok_or_else(missing)
    }

    fn grid(&self, filter: &'static str, step: i64, start: i64) -> Result<(), InstrumentError> {
        let symbol = || self.symbol.clone();
        match step {
            ..=0 => Err(InstrumentError::NoStep { symbol: symbol(), filter }),
            step if start % step != 0 => Err(InstrumentError::OffGrid { symbol: symbol(), filter }),
            _ => Ok(()),
        }
    }

    /// This contract as the core knows it, with its leverage table.
    ///
    /// # Errors
    /// Fails when a rule is missing that orders are made by.
    pub fn instrument(&self, brackets: &[Bracket]) -> Result<Instrument, InstrumentError> {
        self.instrument_with(brackets.iter().map(Bracket::core).collect())
    }

    /// The same, with a leverage table that is known already.
    ///
    /// # Errors
    /// The same.
    pub fn instrument_with(&self, brackets: Vec<CoreBracket>) -> Result<Instrument, InstrumentError> {
        let price = self.find("PRICE_FILTER", |filter| if let Filter::Price(it) = filter { Some(it) } else { None })?;
        let lot = self.find("LOT_SIZE", |filter| if let Filter::LotSize(it) = filter { Some(it) } else { None })?;
        let market = self
            .find("MARKET_LOT_SIZE", |filter| if let Filter::MarketLotSize(it) = filter { Some(it) } else { None })
            .unwrap_or(lot);
        let notional =
            self.find("MIN_NOTIONAL", |filter| if let Filter::MinNotional(it) = filter { Some(it) } else { None })?;
        let percent =
            self.find("PERCENT_PRICE", |filter| if let Filter::PercentPrice(it) = filter { Some(it) } else { None })?;
        let orders =
            self.find("MAX_NUM_ORDERS", |filter| if let Filter::MaxNumOrders(it) = filter { Some(it) } else { None })?;
        self.grid("PRICE_FILTER", price.tick_size.0, price.min_price.0)?;
        self.grid("LOT_SIZE", lot.step_size.0, lot.min_qty.0)?;
        if brackets.is_empty() {
            return Err(InstrumentError::NoBrackets { symbol: self.symbol.clone() });
        }
        // Both are bounded by the wire's range of amounts, so neither subtraction leaves it.
        let band = percent
            .multiplier_up
            .0
            .saturating_sub(Rate::ONE.0)
            .min(Rate::ONE.0.saturating_sub(percent.multiplier_down.0));
        let price_band = Rate(band.max(0));
        Ok(Instrument {
            symbol: self.symbol.clone(),
            tick: price.tick_size,
            step: lot.step_size,
            min_qty: lot.min_qty,
            max_qty: lot.max_qty,
            max_market_qty: market.max_qty,
            min_notional: notional.notional,
            price_band,
            market_take_bound: self.market_take_bound.unwrap_or(price_band),
            liquidation_fee: self.liquidation_fee.unwrap_or(Rate::ZERO),
            max_open_orders: orders.limit,
            brackets,
        })
    }
}

impl Bracket {
    /// The core's bracket.
    pub const fn core(&self) -> CoreBracket {
        CoreBracket {
            notional_cap: self.notional_cap,
            max_leverage: self.initial_leverage,
            maintenance_rate: self.maint_margin_ratio,
            maintenance_amount: self.cum,
        }
    }
}

const FILTER_TYPE: &str = "filterType";

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = serde_json::Value::deserialize(from)?;
        let kind = value.get(FILTER_TYPE).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        fn read<T: serde::de::DeserializeOwned, E: Error>(kind: &str, value: serde_json::Value) -> Result<T, E> {
            serde_json::from_value(value).map_err(|error| E::custom(format_args!("{kind}: {error}")))
        }
        Ok(match kind.as_str() {
            "PRICE_FILTER" => Self::Price(read(&kind, value)?),
            "LOT_SIZE" => Self::LotSize(read(&kind, value)?),
            "MARKET_LOT_SIZE" => Self::MarketLotSize(read(&kind, value)?),
            "MAX_NUM_ORDERS" => Self::MaxNumOrders(read(&kind, value)?),
            "MAX_NUM_ALGO_ORDERS" => Self::MaxNumAlgoOrders(read(&kind, value)?),
            "PERCENT_PRICE" => Self::PercentPrice(read(&kind, value)?),
            "MIN_NOTIONAL" => Self::MinNotional(read(&kind, value)?),
            _ => Self::Other(value),
        })
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a, T> {
            #[serde(rename = "filterType")]
            filter_type: &'static str,
            #[serde(flatten)]
            filter: &'a T,
        }
        fn named<T: Serialize, S: Serializer>(filter_type: &'static str, filter: &T, to: S) -> Result<S::Ok, S::Error> {
            Named { filter_type, filter }.serialize(to)
        }
        match self {
            Self::Price(filter) => named("PRICE_FILTER", filter, to),
            Self::LotSize(filter) => named("LOT_SIZE", filter, to),
            Self::MarketLotSize(filter) => named("MARKET_LOT_SIZE", filter, to),
            Self::MaxNumOrders(filter) => named("MAX_NUM_ORDERS", filter, to),
            Self::MaxNumAlgoOrders(filter) => named("MAX_NUM_ALGO_ORDERS", filter, to),
            Self::PercentPrice(filter) => named("PERCENT_PRICE", filter, to),
            Self::MinNotional(filter) => named("MIN_NOTIONAL", filter, to),
            Self::Other(value) => value.serialize(to),
        }
    }
}
