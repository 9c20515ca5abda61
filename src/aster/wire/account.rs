//! The account: balances, positions, transfers, listen keys, and who may sign for it.
//!
//! A position or balance that cannot be read makes the whole answer an error: what is not known must not be taken
//! for nothing. Source: the venue's documents, "account endpoints".

use super::enums::{MarginType, PositionSide, TransferKind};
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Price, Qty, Rate, Time, Usd};

/// Answer of calls that change a setting; the code is 200.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Success {
    /// 200.
    #[serde(with = "lenient::int")]
    pub code: i64,
    /// `success`.
    #[serde(default, with = "lenient::text")]
    pub msg: String,
}
/// A row of GET `balance`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// The venue's name of the account.
    #[serde(default)]
    pub account_alias: String,
    /// Margin asset.
    pub asset: String,
    /// Wallet balance, in units of the asset.
    #[serde(with = "decimal::exact")]
    pub balance: Usd,
    /// Part of it not in isolated positions.
    #[serde(with = "decimal::exact")]
    pub cross_wallet_balance: Usd,
    /// Open profit of cross positions; at times stale.
    #[serde(with = "decimal::exact")]
    pub cross_un_pnl: Usd,
    /// What new positions may use; may exceed the balance in multi-assets mode.
    #[serde(with = "decimal::exact")]
    pub available_balance: Usd,
    /// What may be taken out.
    #[serde(with = "decimal::exact")]
    pub max_withdraw_amount: Usd,
    /// Whether it counts as margin.
    #[serde(default, with = "lenient::flag")]
    pub margin_available: bool,
    /// When it last changed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
}
/// Answer of GET `accountWithJoinMargin` (V1 `account`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Fee tier.
    #[serde(default, with = "lenient::int")]
    pub fee_tier: u32,
    /// Whether orders are taken.
    #[serde(with = "lenient::flag")]
    pub can_trade: bool,
    /// Whether deposits are.
    #[serde(with = "lenient::flag")]
    pub can_deposit: bool,
    /// Whether withdrawals are.
    #[serde(with = "lenient::flag")]
    pub can_withdraw: bool,
    /// When it last changed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
    /// Margin of positions and orders.
    #[serde(with = "decimal::exact")]
    pub total_initial_margin: Usd,
    /// Maintenance margin.
    #[serde(with = "decimal::exact")]
    pub total_maint_margin: Usd,
    /// Wallet.
    #[serde(with = "decimal::exact")]
    pub total_wallet_balance: Usd,
    /// Open profit.
    #[serde(with = "decimal::exact")]
    pub total_unrealized_profit: Usd,
    /// Wallet and open profit.
    #[serde(with = "decimal::exact")]
    pub total_margin_balance: Usd,
    /// Margin of positions.
    #[serde(with = "decimal::exact")]
    pub total_position_initial_margin: Usd,
    /// Margin of orders.
    #[serde(with = "decimal::exact")]
    pub total_open_order_initial_margin: Usd,
    /// Wallet not in isolated positions.
    #[serde(with = "decimal::exact")]
    pub total_cross_wallet_balance: Usd,
    /// Open profit of cross positions.
    #[serde(with = "decimal::exact")]
    pub total_cross_un_pnl: Usd,
    /// What new positions may use.
    #[serde(with = "decimal::exact")]
    pub available_balance: Usd,
    /// What may be taken out.
    #[serde(with = "decimal::exact")]
    pub max_withdraw_amount: Usd,
    /// By margin asset.
    pub assets: Vec<AccountAsset>,
    /// By contract, flat ones too.
    pub positions: Vec<AccountPosition>,
}
/// A margin asset of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAsset {
    /// Which.
    pub asset: String,
    /// Wallet.
    #[serde(with = "decimal::exact")]
    pub wallet_balance: Usd,
    /// Open profit.
    #[serde(with = "decimal::exact")]
    pub unrealized_profit: Usd,
    /// Both.
    #[serde(with = "decimal::exact")]
    pub margin_balance: Usd,
    /// Maintenance margin.
    #[serde(with = "decimal::exact")]
    pub maint_margin: Usd,
    /// Margin of positions and orders.
    #[serde(with = "decimal::exact")]
    pub initial_margin: Usd,
    /// Margin of positions.
    #[serde(with = "decimal::exact")]
    pub position_initial_margin: Usd,
    /// Margin of orders.
    #[serde(with = "decimal::exact")]
    pub open_order_initial_margin: Usd,
    /// Wallet not in isolated positions.
    #[serde(with = "decimal::exact")]
    pub cross_wallet_balance: Usd,
    /// Open profit of cross positions.
    #[serde(with = "decimal::exact")]
    pub cross_un_pnl: Usd,
    /// What new positions may use.
    #[serde(with = "decimal::exact")]
    pub available_balance: Usd,
    /// What may be taken out.
    #[serde(with = "decimal::exact")]
    pub max_withdraw_amount: Usd,
    /// Whether it counts as margin.
    #[serde(default, with = "lenient::flag")]
    pub margin_available: bool,
    /// When it last changed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
}
/// A contract of an account, without mark price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountPosition {
    /// Which contract.
    pub symbol: String,
    /// Margin of position and orders.
    #[serde(with = "decimal::exact")]
    pub initial_margin: Usd,
    /// Maintenance margin.
    #[serde(with = "decimal::exact")]
    pub maint_margin: Usd,
    /// Open profit.
    #[serde(with = "decimal::exact")]
    pub unrealized_profit: Usd,
    /// Margin of the position.
    #[serde(with = "decimal::exact")]
    pub position_initial_margin: Usd,
    /// Margin of orders.
    #[serde(with = "decimal::exact")]
    pub open_order_initial_margin: Usd,
    /// Leverage set.
    #[serde(with = "lenient::int_text")]
    pub leverage: u32,
    /// Whether its margin is its own.
    #[serde(with = "lenient::flag")]
    pub isolated: bool,
    /// Average entry; 0 when flat.
    #[serde(with = "decimal::rounded")]
    pub entry_price: Price,
    /// Largest notional at this leverage.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<Usd>,
    /// Which position.
    pub position_side: PositionSide,
    /// Long positive.
    #[serde(with = "decimal::exact")]
    pub position_amt: Qty,
    /// When it last changed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
}
/// A row of GET `positionRisk`. No row for a contract means flat, if the call succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRisk {
    /// Which contract.
    pub symbol: String,
    /// Long positive.
    #[serde(with = "decimal::exact")]
    pub position_amt: Qty,
    /// Average entry; 0 when flat.
    #[serde(with = "decimal::rounded")]
    pub entry_price: Price,
    /// Mark price.
    #[serde(with = "decimal::rounded")]
    pub mark_price: Price,
    /// Open profit.
    #[serde(with = "decimal::rounded")]
    pub un_realized_profit: Usd,
    /// Price of liquidation; 0 is none.
    #[serde(with = "decimal::rounded")]
    pub liquidation_price: Price,
    /// Leverage set.
    #[serde(with = "lenient::int_text")]
    pub leverage: u32,
    /// Largest notional at this leverage.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub max_notional_value: Option<Usd>,
    /// Cross or isolated.
    pub margin_type: MarginType,
    /// Margin with open profit, isolated only.
    #[serde(with = "decimal::rounded")]
    pub isolated_margin: Usd,
    /// Whether margin is added by itself.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub is_auto_add_margin: Option<bool>,
    /// Which position.
    pub position_side: PositionSide,
    /// Signed like the position.
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub notional: Option<Usd>,
    /// Margin without open profit, isolated only.
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub isolated_wallet: Option<Usd>,
    /// When it last changed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
}
/// Answer of POST `listenKey`. A secret: whoever has it reads the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenKey {
    /// The key.
    pub listen_key: String,
}
/// POST `asset/wallet/transfer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// How much.
    #[serde(with = "decimal::exact")]
    pub amount: Usd,
    /// Of what.
    pub asset: String,
    /// Our name for it, below 64 letters.
    pub client_tran_id: String,
    /// Which way.
    pub kind_type: TransferKind,
}
/// Answer of POST `asset/wallet/transfer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferAnswer {
    /// The venue's number.
    #[serde(default, with = "lenient::text")]
    pub tran_id: String,
    /// `SUCCESS`.
    pub status: String,
}
/// A row of GET `agent`: a wallet that may sign for the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentInfo {
    /// Its address.
    pub agent_address: String,
    /// Its name.
    #[serde(default)]
    pub agent_name: String,
    /// Where it may sign from; empty is anywhere.
    #[serde(default, with = "lenient::text")]
    pub ip_whitelist: String,
    /// When its rights end.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub expired: Option<Time>,
    /// Where it was approved.
    #[serde(default)]
    pub source: String,
    /// May read.
    #[serde(default, with = "lenient::flag")]
    pub can_read: bool,
    /// May trade spot.
    #[serde(default, with = "lenient::flag")]
    pub can_spot_trade: bool,
    /// May trade perpetuals.
    #[serde(default, with = "lenient::flag")]
    pub can_perp_trade: bool,
    /// May withdraw: it should not.
    #[serde(default, with = "lenient::flag")]
    pub can_withdraw: bool,
}
/// A row of GET `builder`: who may take a surcharge on orders. Should be empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuilderInfo {
    /// The account.
    pub user_address: String,
    /// Who takes it.
    pub builder_address: String,
    /// How much at most.
    #[serde(with = "decimal::number")]
    pub max_fee_rate: Rate,
    /// Its name.
    #[serde(default)]
    pub builder_name: String,
}
/// A row of GET `getSubAccountList`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubAccount {
    /// Its number.
    #[serde(with = "lenient::int")]
    pub account_id: u64,
    /// Its name.
    #[serde(default)]
    pub sub_account_name: String,
    /// Whether it is the main one.
    #[serde(with = "lenient::flag")]
    pub parent_account: bool,
}
/// Answer of GET `remainingOpenableNotionalValue` (V1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenableNotional {
    /// How much more may be opened.
    #[serde(with = "decimal::number")]
    pub remaining_openable_notional_value: Usd,
}
