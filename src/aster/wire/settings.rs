//! Settings of the account and of its symbols: leverage, margin, modes, protection of market makers.
//!
//! Source: the venue's documents, "account modes".

use super::enums::{MarginType, PositionSide, StpMode};
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Rate, Time, Usd};

/// Answer of POST `leverage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverageAnswer {
    /// Which contract.
    pub symbol: String,
    /// Leverage set.
    #[serde(with = "lenient::int")]
    pub leverage: u32,
    /// Largest notional at it.
    #[serde(with = "decimal::exact")]
    pub max_notional_value: Usd,
}
/// Answer of POST `positionMargin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginAnswer {
    /// How much.
    #[serde(with = "decimal::number")]
    pub amount: Usd,
    /// 200.
    #[serde(with = "lenient::int")]
    pub code: i64,
    /// In words.
    #[serde(default, with = "lenient::text")]
    pub msg: String,
    /// 1 added, 2 taken.
    #[serde(rename = "type", with = "lenient::int")]
    pub margin_change: u32,
}
/// A row of GET `positionMargin/history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginChange {
    /// How much.
    #[serde(with = "decimal::exact")]
    pub amount: Usd,
    /// Of what.
    pub asset: String,
    /// Which contract.
    pub symbol: String,
    /// When.
    #[serde(with = "lenient::int")]
    pub time: Time,
    /// 1 added, 2 taken.
    #[serde(rename = "type", with = "lenient::int")]
    pub margin_change: u32,
    /// Which position.
    pub position_side: PositionSide,
}
/// Answer of GET `positionSide/dual`, and POST with text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DualSide {
    /// True is hedge mode, false one-way.
    #[serde(with = "lenient::flag")]
    pub dual_side_position: bool,
}
/// Answer of GET `multiAssetsMargin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultiAssets {
    /// Whether other assets count as margin.
    #[serde(with = "lenient::flag")]
    pub multi_assets_margin: bool,
}
/// Answer of GET and request of POST `stpMode`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StpAnswer {
    /// What happens when two own orders would trade.
    pub stp_mode: StpMode,
}
/// POST `positionSide/dual`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetDualSide {
    /// True is hedge mode.
    #[serde(with = "lenient::flag_text")]
    pub dual_side_position: bool,
}
/// POST `multiAssetsMargin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetMultiAssets {
    /// Whether other assets count as margin.
    #[serde(with = "lenient::flag_text")]
    pub multi_assets_margin: bool,
}
/// POST `leverage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetLeverage {
    /// 1 to 125.
    #[serde(with = "lenient::int")]
    pub leverage: u32,
    /// Which contract.
    pub symbol: String,
}
/// POST `marginType`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetMarginType {
    /// `ISOLATED` or `CROSSED`.
    pub margin_type: MarginType,
    /// Which contract.
    pub symbol: String,
}
/// POST `positionMargin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeMargin {
    /// How much, positive.
    #[serde(with = "decimal::exact")]
    pub amount: Usd,
    /// Needed in hedge mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Which contract.
    pub symbol: String,
    /// 1 adds, 2 takes.
    #[serde(rename = "type", with = "lenient::int")]
    pub margin_change: u32,
}
/// GET `positionMargin/history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginHistory {
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Most rows.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Start of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// Which contract.
    pub symbol: String,
    /// 1 added, 2 taken.
    #[serde(rename = "type", default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub margin_change: Option<u32>,
}
/// A row of GET `mmp`; -1 is a limit not set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketMakerProtection {
    /// Which contract.
    pub symbol: String,
    /// Length of the window.
    #[serde(with = "lenient::int")]
    pub window_time_in_milliseconds: i64,
    /// How long quotes are frozen.
    #[serde(with = "lenient::int")]
    pub frozen_time_in_milliseconds: i64,
    /// Most quantity within it.
    #[serde(with = "decimal::number")]
    pub qty_limit: Rate,
    /// Most notional within it.
    #[serde(with = "decimal::number")]
    pub value_limit: Rate,
    /// Most net quantity within it.
    #[serde(with = "decimal::number")]
    pub delta_limit: Rate,
}
