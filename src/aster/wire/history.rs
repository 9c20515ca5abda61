//! What has happened to the account: trades, income, forced closes, and its place in their queue.
//!
//! Source: the venue's documents, "account endpoints".

use super::enums::{AutoCloseType, IncomeType, PositionSide, Side};
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Price, Qty, Time, Usd};

/// A row of GET `userTrades`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTrade {
    /// The trade's number.
    #[serde(with = "lenient::int")]
    pub id: u64,
    /// The order's number.
    #[serde(with = "lenient::int")]
    pub order_id: u64,
    /// Which contract.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// Which position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Price.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// Quantity.
    #[serde(with = "decimal::exact")]
    pub qty: Qty,
    /// Price times quantity.
    #[serde(with = "decimal::rounded")]
    pub quote_qty: Usd,
    /// Fee. Its sign differs between documents and streams: compare with the rate's sign and with income.
    #[serde(with = "decimal::rounded")]
    pub commission: Usd,
    /// What the fee is in.
    pub commission_asset: String,
    /// Profit of the closed part, before fees.
    #[serde(with = "decimal::rounded")]
    pub realized_pnl: Usd,
    /// Whether we bought.
    #[serde(default, with = "lenient::flag")]
    pub buyer: bool,
    /// Whether we added liquidity.
    #[serde(with = "lenient::flag")]
    pub maker: bool,
    /// When.
    #[serde(with = "lenient::int")]
    pub time: Time,
    /// What margin is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_asset: Option<String>,
}
/// A row of GET `income`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Income {
    /// Which contract; empty for transfers.
    #[serde(default)]
    pub symbol: String,
    /// Why.
    pub income_type: IncomeType,
    /// Signed: negative is paid.
    #[serde(with = "decimal::rounded")]
    pub income: Usd,
    /// What it is in.
    pub asset: String,
    /// More words.
    #[serde(default, with = "lenient::text")]
    pub info: String,
    /// When.
    #[serde(with = "lenient::int")]
    pub time: Time,
    /// Its number, unique by type.
    #[serde(default, with = "lenient::text")]
    pub tran_id: String,
    /// The trade it belongs to, if any.
    #[serde(default, with = "lenient::text")]
    pub trade_id: String,
}
/// A row of GET `adlQuantile`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdlQuantile {
    /// Which contract.
    pub symbol: String,
    /// Place in the queue, 0 last to 4 first.
    pub adl_quantile: AdlRanks,
}
/// Places in the queue of forced closes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE", default)]
pub struct AdlRanks {
    /// Long side in hedge mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<u32>,
    /// Short side in hedge mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<u32>,
    /// One-way mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub both: Option<u32>,
    /// Both sides are held: only whether, not where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<u32>,
}

/// GET `userTrades`: from a number on, or within a window of at most seven days, never both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTrades {
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// First trade.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub from_id: Option<u64>,
    /// Most rows, up to 1000.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Start of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// Which contract.
    pub symbol: String,
}
/// GET `income`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomeHistory {
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// One kind only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub income_type: Option<IncomeType>,
    /// Most rows, up to 1000.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Start of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// One contract only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}
/// GET `forceOrders`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForcedOrders {
    /// One kind only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_close_type: Option<AutoCloseType>,
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Most rows, up to 100.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Start of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// One contract only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}
