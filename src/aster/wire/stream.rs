//! Events of the market streams.
//!
//! Field names are the letters of the wire. Whole depth (`@depth5` and the like) and changes of depth (`@depth`)
//! look the same: which it is, the stream's name says. Source: the venue's documents, "market streams".

use super::enums::{KlineInterval, OrderStatus, OrderType, Side, TimeInForce};
use super::market::Level;
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Candle, Price, Qty, Rate, Time};

/// `aggTrade`: trades of one taker at one price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggTradeEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Its number.
    #[serde(rename = "a", with = "lenient::int")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p", with = "decimal::exact")]
    pub price: Price,
    /// Quantity.
    #[serde(rename = "q", with = "decimal::exact")]
    pub qty: Qty,
    /// First trade in it.
    #[serde(rename = "f", with = "lenient::int")]
    pub first: u64,
    /// Last trade in it.
    #[serde(rename = "l", with = "lenient::int")]
    pub last: u64,
    /// When.
    #[serde(rename = "T", with = "lenient::int")]
    pub time: Time,
    /// Whether the seller took.
    #[serde(rename = "m", with = "lenient::flag")]
    pub is_buyer_maker: bool,
}
/// `tradepro`: a single trade with its chain transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// When.
    #[serde(rename = "T", with = "lenient::int")]
    pub time: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Its number.
    #[serde(rename = "t", with = "lenient::int")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p", with = "decimal::exact")]
    pub price: Price,
    /// Quantity.
    #[serde(rename = "q", with = "decimal::exact")]
    pub qty: Qty,
    /// Hash of the chain transaction.
    #[serde(rename = "h", default, with = "lenient::text")]
    pub transaction: String,
    /// Taker and maker, or `hidden`.
    #[serde(rename = "m", default)]
    pub parties: Vec<String>,
}
/// `bookTicker`: best bid and ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookTickerEvent {
    /// Number of the book's update.
    #[serde(rename = "u", with = "lenient::int")]
    pub update_id: u64,
    /// When it was sent.
    #[serde(rename = "E", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub sent: Option<Time>,
    /// When the engine made it.
    #[serde(rename = "T", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Best bid.
    #[serde(rename = "b", with = "decimal::exact")]
    pub bid: Price,
    /// Quantity there.
    #[serde(rename = "B", with = "decimal::exact")]
    pub bid_qty: Qty,
    /// Best ask.
    #[serde(rename = "a", with = "decimal::exact")]
    pub ask: Price,
    /// Quantity there.
    #[serde(rename = "A", with = "decimal::exact")]
    pub ask_qty: Qty,
}
/// `markPriceUpdate`: mark price and funding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkPriceEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Mark price.
    #[serde(rename = "p", with = "decimal::exact")]
    pub mark: Price,
    /// Index price.
    #[serde(rename = "i", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub index: Option<Price>,
    /// Settlement price, as estimated.
    #[serde(rename = "P", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub settle: Option<Price>,
    /// Rate of the running interval, an estimate.
    #[serde(rename = "r", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub funding_rate: Option<Rate>,
    /// When it is paid.
    #[serde(rename = "T", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub next_funding: Option<Time>,
}
/// `kline`: a candle so far; only a closed one is final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KlineEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// The candle.
    #[serde(rename = "k")]
    pub kline: KlineBody,
}
/// The candle of a `kline` event. Volumes are statistics, not money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KlineBody {
    /// Start.
    #[serde(rename = "t", with = "lenient::int")]
    pub open_time: Time,
    /// Last millisecond.
    #[serde(rename = "T", with = "lenient::int")]
    pub close_time: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Its length.
    #[serde(rename = "i")]
    pub interval: KlineInterval,
    /// First trade; -1 without any.
    #[serde(rename = "f", with = "lenient::int")]
    pub first_trade: i64,
    /// Last trade; -1 without any.
    #[serde(rename = "L", with = "lenient::int")]
    pub last_trade: i64,
    /// First price.
    #[serde(rename = "o", with = "decimal::exact")]
    pub open: Price,
    /// Last price.
    #[serde(rename = "c", with = "decimal::exact")]
    pub close: Price,
    /// Highest price.
    #[serde(rename = "h", with = "decimal::exact")]
    pub high: Price,
    /// Lowest price.
    #[serde(rename = "l", with = "decimal::exact")]
    pub low: Price,
    /// In units of the base asset.
    #[serde(rename = "v", with = "decimal::statistic")]
    pub volume: f64,
    /// Number of trades.
    #[serde(rename = "n", with = "lenient::int")]
    pub trades: u64,
    /// Whether it is final.
    #[serde(rename = "x", with = "lenient::flag")]
    pub closed: bool,
    /// In USDT.
    #[serde(rename = "q", with = "decimal::statistic")]
    pub quote_volume: f64,
    /// Volume that buyers took, in units of the base asset.
    #[serde(rename = "V", with = "decimal::statistic")]
    pub taker_base: f64,
    /// Volume that buyers took, in USDT.
    #[serde(rename = "Q", with = "decimal::statistic")]
    pub taker_quote: f64,
}
/// `depthUpdate`: changes of the book, or its best levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepthEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// When the engine made it.
    #[serde(rename = "T", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Number of the first update in it.
    #[serde(rename = "U", with = "lenient::int")]
    pub first_id: u64,
    /// Number of the last update in it.
    #[serde(rename = "u", with = "lenient::int")]
    pub last_id: u64,
    /// Number of the last update of the event before.
    #[serde(rename = "pu", with = "lenient::int")]
    pub previous_id: u64,
    /// Quantities now standing at these prices; 0 is none.
    #[serde(rename = "b")]
    pub bids: Vec<Level>,
    /// Quantities now standing at these prices; 0 is none.
    #[serde(rename = "a")]
    pub asks: Vec<Level>,
}
/// `24hrMiniTicker`: the last 24 hours, short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MiniTickerEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Last price.
    #[serde(rename = "c", with = "decimal::exact")]
    pub close: Price,
    /// First price.
    #[serde(rename = "o", with = "decimal::exact")]
    pub open: Price,
    /// Highest price.
    #[serde(rename = "h", with = "decimal::exact")]
    pub high: Price,
    /// Lowest price.
    #[serde(rename = "l", with = "decimal::exact")]
    pub low: Price,
    /// In units of the base asset.
    #[serde(rename = "v", with = "decimal::statistic")]
    pub volume: f64,
    /// In USDT.
    #[serde(rename = "q", with = "decimal::statistic")]
    pub quote_volume: f64,
}
/// `24hrTicker`: the last 24 hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TickerEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Last less first price.
    #[serde(rename = "p", with = "decimal::exact")]
    pub change: Price,
    /// The same in percent.
    #[serde(rename = "P", with = "decimal::rounded")]
    pub change_percent: Rate,
    /// Average by volume.
    #[serde(rename = "w", with = "decimal::rounded")]
    pub average: Price,
    /// Last price.
    #[serde(rename = "c", with = "decimal::exact")]
    pub close: Price,
    /// Quantity of the last trade.
    #[serde(rename = "Q", with = "decimal::exact")]
    pub last_qty: Qty,
    /// First price.
    #[serde(rename = "o", with = "decimal::exact")]
    pub open: Price,
    /// Highest price.
    #[serde(rename = "h", with = "decimal::exact")]
    pub high: Price,
    /// Lowest price.
    #[serde(rename = "l", with = "decimal::exact")]
    pub low: Price,
    /// In units of the base asset.
    #[serde(rename = "v", with = "decimal::statistic")]
    pub volume: f64,
    /// In USDT.
    #[serde(rename = "q", with = "decimal::statistic")]
    pub quote_volume: f64,
    /// Start of the window.
    #[serde(rename = "O", with = "lenient::int")]
    pub open_time: Time,
    /// End of the window.
    #[serde(rename = "C", with = "lenient::int")]
    pub close_time: Time,
    /// First trade; -1 without any.
    #[serde(rename = "F", with = "lenient::int")]
    pub first_trade: i64,
    /// Last trade; -1 without any.
    #[serde(rename = "L", with = "lenient::int")]
    pub last_trade: i64,
    /// Number of trades.
    #[serde(rename = "n", with = "lenient::int")]
    pub trades: u64,
}
/// `forceOrder`: a liquidation, at most one a second and symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForceOrderEvent {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// The order.
    #[serde(rename = "o")]
    pub order: ForcedOrder,
}
/// The order of a liquidation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForcedOrder {
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Buy or sell.
    #[serde(rename = "S")]
    pub side: Side,
    /// Type.
    #[serde(rename = "o")]
    pub order_type: OrderType,
    /// How it stands.
    #[serde(rename = "f")]
    pub time_in_force: TimeInForce,
    /// Quantity.
    #[serde(rename = "q", with = "decimal::exact")]
    pub qty: Qty,
    /// Limit price.
    #[serde(rename = "p", with = "decimal::exact")]
    pub price: Price,
    /// Average of its fills.
    #[serde(rename = "ap", with = "decimal::rounded")]
    pub avg_price: Price,
    /// Where it is.
    #[serde(rename = "X")]
    pub status: OrderStatus,
    /// Last fill.
    #[serde(rename = "l", with = "decimal::exact")]
    pub last_qty: Qty,
    /// Filled so far.
    #[serde(rename = "z", with = "decimal::exact")]
    pub filled_qty: Qty,
    /// When.
    #[serde(rename = "T", with = "lenient::int")]
    pub time: Time,
}
impl KlineBody {
    /// The core's candle.
    pub const fn candle(&self) -> Candle {
        Candle {
            open_time: self.open_time,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
        }
    }
}
