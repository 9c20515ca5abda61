//! Events of the user stream. They may arrive out of order and twice: order them by their times, and know fills by
//! symbol and trade number.
//!
//! Field names are the letters of the wire. Source: the venue's documents, "user data stream".

use super::enums::{
    AccountReason, ExecutionType, MarginType, OrderStatus, OrderType, PositionSide, Side, TimeInForce, WorkingType,
};
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Price, Qty, Rate, Time, Usd};

/// `ORDER_TRADE_UPDATE`: an order was accepted, filled or ended. Refusals come as REST errors only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// When the engine did it.
    #[serde(rename = "T", with = "lenient::int")]
    pub time: Time,
    /// The order.
    #[serde(rename = "o")]
    pub order: OrderEvent,
}
/// The order in an `ORDER_TRADE_UPDATE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Our name; the venue's own orders start with `autoclose-` or `adl_autoclose`.
    #[serde(rename = "c")]
    pub client_order_id: String,
    /// Buy or sell.
    #[serde(rename = "S")]
    pub side: Side,
    /// Present type.
    #[serde(rename = "o")]
    pub order_type: OrderType,
    /// How long it stands.
    #[serde(rename = "f")]
    pub time_in_force: TimeInForce,
    /// Quantity asked for.
    #[serde(rename = "q", with = "decimal::exact")]
    pub orig_qty: Qty,
    /// Limit price; 0 is none.
    #[serde(rename = "p", with = "decimal::exact")]
    pub price: Price,
    /// Average of its fills; 0 is none.
    #[serde(rename = "ap", with = "decimal::rounded")]
    pub avg_price: Price,
    /// Trigger price; 0 is none.
    #[serde(rename = "sp", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// What happened.
    #[serde(rename = "x")]
    pub execution: ExecutionType,
    /// Where the order is now.
    #[serde(rename = "X")]
    pub status: OrderStatus,
    /// The venue's number.
    #[serde(rename = "i", with = "lenient::int")]
    pub order_id: u64,
    /// Quantity of this fill; 0 without one.
    #[serde(rename = "l", with = "decimal::exact")]
    pub last_qty: Qty,
    /// Quantity filled so far.
    #[serde(rename = "z", with = "decimal::exact")]
    pub filled_qty: Qty,
    /// Price of this fill; 0 without one.
    #[serde(rename = "L", with = "decimal::exact")]
    pub last_price: Price,
    /// What the fee is in; absent without one.
    #[serde(rename = "N", default, skip_serializing_if = "Option::is_none")]
    pub commission_asset: Option<String>,
    /// Fee of this fill; absent without one.
    #[serde(rename = "n", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub commission: Option<Usd>,
    /// When.
    #[serde(rename = "T", with = "lenient::int")]
    pub trade_time: Time,
    /// Number of the trade; 0 without one.
    #[serde(rename = "t", with = "lenient::int")]
    pub trade_id: i64,
    /// Notional of working buys.
    #[serde(rename = "b", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub bid_notional: Option<Usd>,
    /// Notional of working sells.
    #[serde(rename = "a", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub ask_notional: Option<Usd>,
    /// Whether this fill added liquidity.
    #[serde(rename = "m", default, with = "lenient::flag")]
    pub maker: bool,
    /// Never opens.
    #[serde(rename = "R", default, with = "lenient::flag")]
    pub reduce_only: bool,
    /// Price its trigger is measured by.
    #[serde(rename = "wt", default, skip_serializing_if = "Option::is_none")]
    pub working_type: Option<WorkingType>,
    /// Type before its trigger.
    #[serde(rename = "ot", default, skip_serializing_if = "Option::is_none")]
    pub orig_type: Option<OrderType>,
    /// Which position.
    #[serde(rename = "ps", default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Closes whatever is open.
    #[serde(rename = "cp", default, with = "lenient::flag")]
    pub close_position: bool,
    /// Trailing stops only.
    #[serde(rename = "AP", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub activation_price: Option<Price>,
    /// Trailing stops only, in percent.
    #[serde(rename = "cr", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub callback_rate: Option<Rate>,
    /// Profit of the part this fill closed, before fees.
    #[serde(rename = "rp", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub realized_profit: Option<Usd>,
}
/// `ACCOUNT_UPDATE`: balances and positions that changed. What is not in it has not changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountUpdate {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// When the engine did it.
    #[serde(rename = "T", with = "lenient::int")]
    pub time: Time,
    /// What changed.
    #[serde(rename = "a")]
    pub change: AccountChange,
}
/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountChange {
    /// Why.
    #[serde(rename = "m")]
    pub reason: AccountReason,
    /// Margin assets.
    #[serde(rename = "B", default)]
    pub balances: Vec<BalanceChange>,
    /// Positions: the one that changed and those that are open.
    #[serde(rename = "P", default)]
    pub positions: Vec<PositionChange>,
}
/// A margin asset after the change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceChange {
    /// Which.
    #[serde(rename = "a")]
    pub asset: String,
    /// Wallet.
    #[serde(rename = "wb", with = "decimal::exact")]
    pub wallet: Usd,
    /// Part of it not in isolated positions.
    #[serde(rename = "cw", with = "decimal::exact")]
    pub cross_wallet: Usd,
    /// Change by other things than profit and fees.
    #[serde(rename = "bc", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub change: Option<Usd>,
}
/// A position after the change; an amount of 0 says that it was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionChange {
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Long positive.
    #[serde(rename = "pa", with = "decimal::exact")]
    pub amount: Qty,
    /// Average entry; 0 when flat.
    #[serde(rename = "ep", with = "decimal::rounded")]
    pub entry_price: Price,
    /// Profit realised so far, before fees.
    #[serde(rename = "cr", with = "decimal::rounded")]
    pub realized: Usd,
    /// Open profit.
    #[serde(rename = "up", with = "decimal::rounded")]
    pub unrealized: Usd,
    /// Cross or isolated.
    #[serde(rename = "mt")]
    pub margin_type: MarginType,
    /// Margin, isolated only.
    #[serde(rename = "iw", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub isolated_wallet: Option<Usd>,
    /// Which position.
    #[serde(rename = "ps")]
    pub position_side: PositionSide,
    /// What margin is in.
    #[serde(rename = "ma", default, skip_serializing_if = "Option::is_none")]
    pub margin_asset: Option<String>,
}
/// `MARGIN_CALL`: margin is near its end. May come too late; guidance only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginCall {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// Cross positions only.
    #[serde(rename = "cw", default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub cross_wallet: Option<Usd>,
    /// Which positions.
    #[serde(rename = "p")]
    pub positions: Vec<MarginCallPosition>,
}
/// A position near its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginCallPosition {
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Which position.
    #[serde(rename = "ps")]
    pub position_side: PositionSide,
    /// Long positive.
    #[serde(rename = "pa", with = "decimal::exact")]
    pub amount: Qty,
    /// Cross or isolated.
    #[serde(rename = "mt")]
    pub margin_type: MarginType,
    /// Margin, isolated only.
    #[serde(rename = "iw", default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub isolated_wallet: Option<Usd>,
    /// Mark price.
    #[serde(rename = "mp", with = "decimal::rounded")]
    pub mark_price: Price,
    /// Open profit.
    #[serde(rename = "up", with = "decimal::rounded")]
    pub unrealized: Usd,
    /// Maintenance margin.
    #[serde(rename = "mm", with = "decimal::rounded")]
    pub maintenance_margin: Usd,
}
/// `ACCOUNT_CONFIG_UPDATE`: somebody changed a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigUpdate {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
    /// When the engine did it.
    #[serde(rename = "T", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Leverage of a contract.
    #[serde(rename = "ac", default, skip_serializing_if = "Option::is_none")]
    pub leverage: Option<LeverageChange>,
    /// Modes of the account.
    #[serde(rename = "ai", default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<ModeChange>,
}
/// Leverage of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeverageChange {
    /// Which contract.
    #[serde(rename = "s")]
    pub symbol: String,
    /// Leverage now.
    #[serde(rename = "l", with = "lenient::int")]
    pub leverage: u32,
}
/// Modes of the account now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeChange {
    /// Whether other assets count as margin.
    #[serde(rename = "j", default, with = "lenient::flag")]
    pub multi_assets: bool,
    /// Whether fees are taken in the venue's token.
    #[serde(rename = "f", default, with = "lenient::flag")]
    pub fee_token: bool,
    /// Hedge mode; this program trades one-way only.
    #[serde(rename = "d", default, with = "lenient::flag")]
    pub hedge: bool,
}
/// `listenKeyExpired`: nothing more will come, although the socket stays open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenKeyExpired {
    /// When it was sent.
    #[serde(rename = "E", with = "lenient::int")]
    pub sent: Time,
}
