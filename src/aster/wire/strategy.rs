//! Strategy orders: an entry that brings its exits (OTO), two exits of which one ends the other (OCO), both (OTOCO).
//!
//! Source: the venue's documents, "strategies". Test networks lack these calls, so plain orders must be able to
//! take their place.

use super::enums::{
    DrivenOn, LegTrigger, OrderStatus, OrderType, PositionSide, SecurityType, Side, StrategyStatus, StrategyType,
    TimeInForce, WorkingType,
};
use super::order::NewOrder;
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Price, Qty, Rate, Time};

/// POST `placeStrategyOrder`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceStrategy {
    /// Our name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_strategy_id: Option<String>,
    /// `OTO`, `OCO` (two legs) or `OTOCO` (three).
    pub strategy_type: StrategyType,
    /// The legs, in order of their numbers.
    #[serde(with = "lenient::json")]
    pub sub_order_list: Vec<StrategyLeg>,
}
/// POST `updateStrategyOrder`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// The venue's number.
    #[serde(with = "lenient::int")]
    pub strategy_id: u64,
    /// Kind.
    pub strategy_type: StrategyType,
    /// Legs to change.
    #[serde(with = "lenient::json")]
    pub sub_order_list: Vec<StrategyLeg>,
}
/// GET `strategyOpenOrder` and `strategyHistoryOrder`, by one kind of name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryStrategy {
    /// Our name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_strategy_id: Option<String>,
    /// History only: end of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// History only: most rows.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// History only: start of the window, 90 days back at most.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// The venue's number.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub strategy_id: Option<u64>,
    /// Kind.
    pub strategy_type: StrategyType,
}
/// An order within a strategy order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyLeg {
    /// Price from which a trailing stop tracks.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub activation_price: Option<Price>,
    /// Turn of a trailing stop in percent.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub callback_rate: Option<Rate>,
    /// Our name for the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_order_id: Option<String>,
    /// Closes whatever is open when triggered.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub close_position: Option<bool>,
    /// Leg whose event this one waits for first.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub first_driven_id: Option<u32>,
    /// Which event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_driven_on: Option<DrivenOn>,
    /// What then happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_trigger: Option<LegTrigger>,
    /// Needed in hedge mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Limit price.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Whether mark and last price must agree.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub price_protect: Option<bool>,
    /// Positive quantity.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Qty>,
    /// Never opens.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
    /// Leg whose event this one waits for second.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub second_driven_id: Option<u32>,
    /// Which event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_driven_on: Option<DrivenOn>,
    /// What then happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_trigger: Option<LegTrigger>,
    /// `USDT_FUTURES`.
    pub security_type: SecurityType,
    /// Buy or sell.
    pub side: Side,
    /// Trigger price.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// Number of the leg, from 1.
    #[serde(with = "lenient::int")]
    pub strategy_sub_id: u32,
    /// Which contract.
    pub symbol: String,
    /// `GTC` or `GTX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForce>,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Price that the trigger is measured by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_type: Option<WorkingType>,
}
/// Answer of POST `placeStrategyOrder` and a row of `updateStrategyOrder`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyAnswer {
    /// The venue's number.
    #[serde(with = "lenient::int")]
    pub strategy_id: u64,
    /// Our name.
    #[serde(default)]
    pub client_strategy_id: String,
    /// Kind.
    pub strategy_type: StrategyType,
    /// Where it is.
    pub strategy_status: StrategyStatus,
    /// Updates only: which leg.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub updated_sub_order: Option<u32>,
    /// Updates only: what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_status: Option<String>,
    /// When it last changed.
    #[serde(with = "lenient::int")]
    pub update_time: Time,
    /// Why it failed; 0 if it did not.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<i64>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
}
/// A strategy order with its legs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// The venue's number.
    #[serde(with = "lenient::int")]
    pub strategy_id: u64,
    /// Our name.
    #[serde(default)]
    pub client_strategy_id: String,
    /// Kind.
    pub strategy_type: StrategyType,
    /// Where it is.
    pub strategy_status: StrategyStatus,
    /// When it was placed.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub book_time: Option<Time>,
    /// When it last changed.
    #[serde(with = "lenient::int")]
    pub update_time: Time,
    /// Its legs.
    pub sub_orders: Vec<StrategySubOrder>,
}
/// A leg as answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategySubOrder {
    /// The strategy's number.
    #[serde(with = "lenient::int")]
    pub strategy_id: u64,
    /// The order's number; 0 while it is not placed.
    #[serde(with = "lenient::int")]
    pub order_id: u64,
    /// Our name.
    #[serde(default)]
    pub client_order_id: String,
    /// Where it is.
    pub status: OrderStatus,
    /// Number of the leg.
    #[serde(with = "lenient::int")]
    pub strategy_sub_id: u32,
    /// Leg whose event it waits for first; 0 is none.
    #[serde(default, with = "lenient::int")]
    pub first_driven_id: u32,
    /// Which event.
    pub first_driven_on: DrivenOn,
    /// What then happens.
    pub first_trigger: LegTrigger,
    /// Leg whose event it waits for second; 0 is none.
    #[serde(default, with = "lenient::int")]
    pub second_driven_id: u32,
    /// Which event.
    pub second_driven_on: DrivenOn,
    /// What then happens.
    pub second_trigger: LegTrigger,
    /// Product.
    pub security_type: SecurityType,
    /// Which contract.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// Which position.
    pub position_side: PositionSide,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// How it stands.
    pub time_in_force: TimeInForce,
    /// Quantity.
    #[serde(with = "decimal::exact")]
    pub quantity: Qty,
    /// Never opens.
    #[serde(default, with = "lenient::flag")]
    pub reduce_only: bool,
    /// Closes whatever is open.
    #[serde(default, with = "lenient::flag")]
    pub close_position: bool,
    /// Limit price; 0 is none.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// Average of its fills; 0 is none.
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub avg_price: Option<Price>,
    /// Whether mark and last price must agree.
    #[serde(default, with = "lenient::flag")]
    pub price_protect: bool,
    /// Trigger price; 0 is none.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// Trailing stops only.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub activate_price: Option<Price>,
    /// Trailing stops only.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub callback_rate: Option<Rate>,
    /// Price its trigger is measured by.
    pub working_type: WorkingType,
    /// When it was triggered; 0 is not yet.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub trigger_time: Option<Time>,
}
impl StrategyLeg {
    /// Leg `number` from an order; it waits for nothing.
    pub fn of(number: u32, order: NewOrder) -> Self {
        Self {
            activation_price: order.activation_price,
            callback_rate: order.callback_rate,
            client_order_id: order.new_client_order_id,
            close_position: order.close_position,
            first_driven_id: None,
            first_driven_on: None,
            first_trigger: None,
            position_side: order.position_side,
            price: order.price,
            price_protect: order.price_protect,
            quantity: order.quantity,
            reduce_only: order.reduce_only,
            second_driven_id: None,
            second_driven_on: None,
            second_trigger: None,
            security_type: SecurityType::UsdtFutures,
            side: order.side,
            stop_price: order.stop_price,
            strategy_sub_id: number,
            symbol: order.symbol,
            time_in_force: order.time_in_force,
            order_type: order.order_type,
            working_type: order.working_type,
        }
    }

    /// Waits first for an event of leg `leg`.
    #[must_use]
    pub fn first(mut self, leg: u32, on: DrivenOn, then: LegTrigger) -> Self {
        (self.first_driven_id, self.first_driven_on, self.first_trigger) = (Some(leg), Some(on), Some(then));
        self
    }

    /// Waits second for an event of leg `leg`.
    #[must_use]
    pub fn second(mut self, leg: u32, on: DrivenOn, then: LegTrigger) -> Self {
        (self.second_driven_id, self.second_driven_on, self.second_trigger) = (Some(leg), Some(on), Some(then));
        self
    }
}

impl PlaceStrategy {
    /// An exit that is placed once the entry is filled, in part or whole.
    pub fn entry_with_exit(entry: NewOrder, exit: NewOrder) -> Self {
        let legs = vec![
            StrategyLeg::of(1, entry),
            StrategyLeg::of(2, exit).first(1, DrivenOn::PartiallyFilledOrFilled, LegTrigger::PlaceOrder),
        ];
        Self { client_strategy_id: None, strategy_type: StrategyType::Oto, sub_order_list: legs }
    }

    /// Stop and target, of which either cancels the other when it fills, in part or whole.
    pub fn one_cancels_other(stop: NewOrder, target: NewOrder) -> Self {
        let event = DrivenOn::PartiallyFilledOrFilled;
        let legs = vec![
            StrategyLeg::of(1, stop).first(2, event.clone(), LegTrigger::CancelOrder),
            StrategyLeg::of(2, target).first(1, event, LegTrigger::CancelOrder),
        ];
        Self { client_strategy_id: None, strategy_type: StrategyType::Oco, sub_order_list: legs }
    }

    /// Stop and target that are placed once the entry is filled, of which either then cancels the other.
    pub fn entry_with_exits(entry: NewOrder, stop: NewOrder, target: NewOrder) -> Self {
        let event = || DrivenOn::PartiallyFilledOrFilled;
        let placed = |number, order| StrategyLeg::of(number, order).first(1, event(), LegTrigger::PlaceOrder);
        let legs = vec![
            StrategyLeg::of(1, entry),
            placed(2, stop).second(3, event(), LegTrigger::CancelOrder),
            placed(3, target).second(2, event(), LegTrigger::CancelOrder),
        ];
        Self { client_strategy_id: None, strategy_type: StrategyType::Otoco, sub_order_list: legs }
    }
}
