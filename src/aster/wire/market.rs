//! Answers of the public market endpoints. Source: the venue's documents, "market data endpoints".

use super::{decimal, lenient};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use swarm_core::model::{Candle, Price, Qty, Rate, Time, Usd};

/// Answer of calls that have nothing to say: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Answer of GET `time`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    /// The venue's clock.
    #[serde(with = "lenient::int")]
    pub server_time: Time,
}
/// A price of the book with its quantity, on the wire a pair. In updates quantity 0 removes the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Price.
    pub price: Price,
    /// Quantity standing there.
    pub qty: Qty,
}

/// Answer of GET `depth`: the book as of an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Depth {
    /// Number of the last update in it.
    #[serde(rename = "lastUpdateId", with = "lenient::int")]
    pub last_update_id: u64,
    /// When it was sent.
    #[serde(rename = "E", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub sent: Option<Time>,
    /// When the engine made it.
    #[serde(rename = "T", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Best first.
    pub bids: Vec<Level>,
    /// Best first.
    pub asks: Vec<Level>,
}
/// A trade of GET `trades` and `historicalTrades`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade {
    /// Its number.
    #[serde(with = "lenient::int")]
    pub id: u64,
    /// Price.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// Quantity.
    #[serde(with = "decimal::exact")]
    pub qty: Qty,
    /// Price times quantity.
    #[serde(with = "decimal::rounded")]
    pub quote_qty: Usd,
    /// When.
    #[serde(with = "lenient::int")]
    pub time: Time,
    /// Whether the seller took.
    #[serde(with = "lenient::flag")]
    pub is_buyer_maker: bool,
}
/// Trades of one taker at one price, of GET `aggTrades`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggTrade {
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
/// A candle of GET `klines` and its siblings, on the wire a row of twelve. Volumes are statistics, not money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kline {
    /// Start.
    pub open_time: Time,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded volume in units of the base asset.
    pub volume: f64,
    /// Last millisecond.
    pub close_time: Time,
    /// Traded volume in USDT.
    pub quote_volume: f64,
    /// Number of trades.
    pub trades: u64,
    /// Volume that buyers took, in units of the base asset.
    pub taker_base: f64,
    /// Volume that buyers took, in USDT.
    pub taker_quote: f64,
}

/// Answer of GET `premiumIndex`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PremiumIndex {
    /// Which contract.
    pub symbol: String,
    /// Mark price.
    #[serde(with = "decimal::exact")]
    pub mark_price: Price,
    /// Index price.
    #[serde(with = "decimal::rounded")]
    pub index_price: Price,
    /// Settlement price, as estimated.
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub estimated_settle_price: Option<Price>,
    /// Rate of the running interval, an estimate until it is paid.
    #[serde(with = "decimal::exact")]
    pub last_funding_rate: Rate,
    /// Interest part of it.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub interest_rate: Option<Rate>,
    /// When it is paid next.
    #[serde(with = "lenient::int")]
    pub next_funding_time: Time,
    /// As of.
    #[serde(with = "lenient::int")]
    pub time: Time,
}
/// A payment of GET `fundingRate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingRate {
    /// Which contract.
    pub symbol: String,
    /// Rate paid.
    #[serde(with = "decimal::exact")]
    pub funding_rate: Rate,
    /// When.
    #[serde(with = "lenient::int")]
    pub funding_time: Time,
    /// Mark price it was computed at.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub mark_price: Option<Price>,
}
/// Answer of GET `ticker/24hr`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticker24h {
    /// Which contract.
    pub symbol: String,
    /// Last less open.
    #[serde(with = "decimal::exact")]
    pub price_change: Price,
    /// The same in percent.
    #[serde(with = "decimal::rounded")]
    pub price_change_percent: Rate,
    /// Average by volume.
    #[serde(with = "decimal::rounded")]
    pub weighted_avg_price: Price,
    /// Price before the window.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub prev_close_price: Option<Price>,
    /// Last.
    #[serde(with = "decimal::exact")]
    pub last_price: Price,
    /// Quantity of the last trade.
    #[serde(with = "decimal::exact")]
    pub last_qty: Qty,
    /// First.
    #[serde(with = "decimal::exact")]
    pub open_price: Price,
    /// Highest.
    #[serde(with = "decimal::exact")]
    pub high_price: Price,
    /// Lowest.
    #[serde(with = "decimal::exact")]
    pub low_price: Price,
    /// In units of the base asset.
    #[serde(with = "decimal::statistic")]
    pub volume: f64,
    /// In USDT.
    #[serde(with = "decimal::statistic")]
    pub quote_volume: f64,
    /// Start of the window.
    #[serde(with = "lenient::int")]
    pub open_time: Time,
    /// End of the window.
    #[serde(with = "lenient::int")]
    pub close_time: Time,
    /// First trade; -1 without any.
    #[serde(with = "lenient::int")]
    pub first_id: i64,
    /// Last trade; -1 without any.
    #[serde(with = "lenient::int")]
    pub last_id: i64,
    /// Number of trades.
    #[serde(with = "lenient::int")]
    pub count: u64,
}
/// Answer of GET `ticker/price`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceTicker {
    /// Which contract.
    pub symbol: String,
    /// Last price.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// As of.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}
/// Answer of GET `ticker/bookTicker`, one symbol of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuoteTicker {
    /// Which contract.
    pub symbol: String,
    /// Best bid.
    #[serde(with = "decimal::exact")]
    pub bid_price: Price,
    /// Quantity there.
    #[serde(with = "decimal::exact")]
    pub bid_qty: Qty,
    /// Best ask.
    #[serde(with = "decimal::exact")]
    pub ask_price: Price,
    /// Quantity there.
    #[serde(with = "decimal::exact")]
    pub ask_qty: Qty,
    /// As of.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}
/// Answer of GET `indexreferences`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexReferences {
    /// Which contract.
    pub symbol: String,
    /// As of.
    #[serde(with = "lenient::int")]
    pub time: Time,
    /// Markets the index is made of.
    pub references: Vec<IndexReference>,
}
/// A market of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexReference {
    /// Whose.
    pub exchange: String,
    /// Its name there.
    pub symbol: String,
    /// Its share.
    #[serde(with = "decimal::exact")]
    pub weight: Rate,
}
impl Kline {
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

#[derive(Deserialize, Serialize)]
struct ExactPrice(#[serde(with = "decimal::exact")] Price);
#[derive(Deserialize, Serialize)]
struct ExactQty(#[serde(with = "decimal::exact")] Qty);
#[derive(Deserialize, Serialize)]
struct Statistic(#[serde(with = "decimal::statistic")] f64);
#[derive(Deserialize, Serialize)]
struct Instant(#[serde(with = "lenient::int")] Time);
#[derive(Deserialize, Serialize)]
struct Count(#[serde(with = "lenient::int")] u64);

/// The next element of a row, which must be there.
fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    row: &mut A,
    at: usize,
    what: &'static str,
) -> Result<T, A::Error> {
    use serde::de::Error;
    row.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &what))
}

/// Elements that were added to a row later on.
fn skip_rest<'de, A: SeqAccess<'de>>(row: &mut A) -> Result<(), A::Error> {
    while row.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Level;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a price and a quantity")
            }
            #[inline]
            fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Level, A::Error> {
                let ExactPrice(price) = next(&mut row, 0, "a price and a quantity")?;
                let ExactQty(qty) = next(&mut row, 1, "a price and a quantity")?;
                skip_rest(&mut row)?;
                Ok(Level { price, qty })
            }
        }
        from.deserialize_seq(Pair)
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_tuple(2)?;
        row.serialize_element(&ExactPrice(self.price))?;
        row.serialize_element(&ExactQty(self.qty))?;
        row.end()
    }
}

impl<'de> Deserialize<'de> for Kline {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = Kline;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a candle's row")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Kline, A::Error> {
                const WHAT: &str = "a candle's row of at least 11";
                let Instant(open_time) = next(&mut row, 0, WHAT)?;
                let ExactPrice(open) = next(&mut row, 1, WHAT)?;
                let ExactPrice(high) = next(&mut row, 2, WHAT)?;
                let ExactPrice(low) = next(&mut row, 3, WHAT)?;
                let ExactPrice(close) = next(&mut row, 4, WHAT)?;
                let Statistic(volume) = next(&mut row, 5, WHAT)?;
                let Instant(close_time) = next(&mut row, 6, WHAT)?;
                let Statistic(quote_volume) = next(&mut row, 7, WHAT)?;
                let Count(trades) = next(&mut row, 8, WHAT)?;
                let Statistic(taker_base) = next(&mut row, 9, WHAT)?;
                let Statistic(taker_quote) = next(&mut row, 10, WHAT)?;
                skip_rest(&mut row)?;
                Ok(Kline {
                    open_time,
                    open,
                    high,
                    low,
                    close,
                    volume,
                    close_time,
                    quote_volume,
                    trades,
                    taker_base,
                    taker_quote,
                })
            }
        }
        from.deserialize_seq(Row)
    }
}

impl Serialize for Kline {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_tuple(12)?;
        row.serialize_element(&Instant(self.open_time))?;
        for price in [self.open, self.high, self.low, self.close] {
            row.serialize_element(&ExactPrice(price))?;
        }
        row.serialize_element(&Statistic(self.volume))?;
        row.serialize_element(&Instant(self.close_time))?;
        row.serialize_element(&Statistic(self.quote_volume))?;
        row.serialize_element(&Count(self.trades))?;
        row.serialize_element(&Statistic(self.taker_base))?;
        row.serialize_element(&Statistic(self.taker_quote))?;
        row.serialize_element("0")?;
        row.end()
    }
}
