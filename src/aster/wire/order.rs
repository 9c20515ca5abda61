//! Orders as they are asked for and answered: place, query, cancel, batches, modification, countdown, chase.
//!
//! Numbers are the core's exact amounts: rounding to tick and step has happened before. Source: the venue's
//! documents, "trading endpoints".

use super::enums::{
    OffsetType, OrderStatus, OrderType, PegPriceType, PositionSide, QuantityUnit, ResponseType, Side, StpMode,
    StrategyStatus, StrategyType, TimeInForce, WorkingType,
};
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use swarm_core::model::{Order, OrderKind, Price, Qty, Rate, Time, Usd};

/// POST `order`, and an element of POST `batchOrders`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    /// Price from which a trailing stop tracks; at once when absent.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub activation_price: Option<Price>,
    /// Turn of a trailing stop in percent, 0.1 to 4.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub callback_rate: Option<Rate>,
    /// Closes whatever is open when triggered; excludes quantity and reduce-only.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub close_position: Option<bool>,
    /// Our name for the order, `[.A-Z:/a-z0-9_-]`, 1 to 36 letters; without one an unknown outcome cannot be settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_client_order_id: Option<String>,
    /// How much the answer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_order_resp_type: Option<ResponseType>,
    /// Distance from the price followed.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub peg_offset: Option<Price>,
    /// What the price follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peg_price_type: Option<PegPriceType>,
    /// Needed in hedge mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Limit price.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Whether mark and last price must agree at the trigger.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub price_protect: Option<bool>,
    /// Positive quantity of the base asset.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Qty>,
    /// Never opens; not in hedge mode.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
    /// Buy or sell.
    pub side: Side,
    /// Trigger price.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// What happens when it would trade with an own order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stp_mode: Option<StpMode>,
    /// Which contract.
    pub symbol: String,
    /// How long it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForce>,
    /// Type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Price that the trigger is measured by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_type: Option<WorkingType>,
}
/// Names one order: GET and DELETE `order`, GET `openOrder`. The venue's number wins where both are given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRef {
    /// The venue's number.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub order_id: Option<u64>,
    /// Our name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_client_order_id: Option<String>,
    /// Which contract.
    pub symbol: String,
}
/// PUT `order`: limit orders only. The quantity is the whole, not what remains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyOrder {
    /// The venue's number.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub order_id: Option<u64>,
    /// Our name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_client_order_id: Option<String>,
    /// New price.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// New quantity.
    #[serde(with = "decimal::exact")]
    pub quantity: Qty,
    /// Which contract.
    pub symbol: String,
}
/// POST `batchOrders`: at most five, executed at the same time and in no order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchOrders {
    /// The orders.
    #[serde(with = "lenient::json")]
    pub batch_orders: Vec<NewOrder>,
}
/// DELETE `batchOrders`: at most ten, by one kind of name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelBatch {
    /// The venue's numbers.
    #[serde(default, with = "lenient::ints_json_or_none", skip_serializing_if = "Option::is_none")]
    pub order_id_list: Option<Vec<u64>>,
    /// Our names.
    #[serde(default, with = "lenient::json_or_none", skip_serializing_if = "Option::is_none")]
    pub orig_client_order_id_list: Option<Vec<String>>,
    /// Which contract.
    pub symbol: String,
}
/// A request about one symbol and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolOnly {
    /// Which contract.
    pub symbol: String,
}
/// A request about one symbol, or all of them without one, which costs more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolOrAll {
    /// Which contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}
/// GET `allOrders`: from a number on, or within a window below seven days, never both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllOrders {
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Most rows, up to 1000.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// First number.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub order_id: Option<u64>,
    /// Start of the window, by creation.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// Which contract.
    pub symbol: String,
}
/// POST `countdownCancelAll`: cancels every order of a symbol, stops too, unless repeated in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountdownCancelAll {
    /// Milliseconds; 0 stops the countdown.
    #[serde(with = "lenient::int")]
    pub countdown_time: u64,
    /// Which contract.
    pub symbol: String,
}
/// Answer of POST `countdownCancelAll`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountdownAnswer {
    /// Which contract.
    pub symbol: String,
    /// Milliseconds.
    #[serde(with = "lenient::int_text")]
    pub countdown_time: u64,
}
/// POST `chase`: a limit order that follows the best price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewChase {
    /// Distance from the best price.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub chase_offset: Option<Price>,
    /// Our name, at most 28 letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_strategy_id: Option<String>,
    /// How far it follows.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub max_chase_offset: Option<Price>,
    /// Unit of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chase_offset_type: Option<OffsetType>,
    /// Needed in hedge mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Quantity.
    #[serde(with = "decimal::exact")]
    pub quantity: Qty,
    /// Its unit.
    pub quantity_unit: QuantityUnit,
    /// Never opens.
    #[serde(default, with = "lenient::flag_text_or_none", skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
    /// Buy or sell.
    pub side: Side,
    /// Which contract.
    pub symbol: String,
    /// How its orders stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForce>,
}
/// Answer of POST `chase`: documents and live use show two shapes, this takes both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChaseAnswer {
    /// The venue's number.
    #[serde(with = "lenient::int")]
    pub strategy_id: u64,
    /// Our name.
    #[serde(default)]
    pub client_strategy_id: String,
    /// Where it is.
    pub strategy_status: StrategyStatus,
    /// `CHASE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy_type: Option<StrategyType>,
    /// Which contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Buy or sell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Quantity.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Qty>,
    /// As of.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub update_time: Option<Time>,
    /// Why it failed; 0 if it did not.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<i64>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
}
/// An order as every order call answers it; which fields there are differs by call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer {
    /// The venue's number.
    #[serde(with = "lenient::int")]
    pub order_id: u64,
    /// Which contract.
    pub symbol: String,
    /// Where it is.
    pub status: OrderStatus,
    /// Our name, or the venue's for what it placed itself.
    pub client_order_id: String,
    /// Limit price; 0 is none.
    #[serde(with = "decimal::exact")]
    pub price: Price,
    /// Average of its fills; 0 is none. See [`average_price`](OrderAnswer::average_price).
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub avg_price: Option<Price>,
    /// Quantity asked for; 0 when it closes the position.
    #[serde(with = "decimal::exact")]
    pub orig_qty: Qty,
    /// Quantity filled.
    #[serde(with = "decimal::exact")]
    pub executed_qty: Qty,
    /// The same, where new orders are answered.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub cum_qty: Option<Qty>,
    /// Filled quantity times price.
    #[serde(default, with = "decimal::rounded_or_none", skip_serializing_if = "Option::is_none")]
    pub cum_quote: Option<Usd>,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Present type.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Type before its trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_type: Option<OrderType>,
    /// Buy or sell.
    pub side: Side,
    /// Which position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_side: Option<PositionSide>,
    /// Trigger price; 0 is none.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// Trailing stops only.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub activate_price: Option<Price>,
    /// Turn of a trailing stop, in percent.
    #[serde(default, with = "decimal::exact_or_none", skip_serializing_if = "Option::is_none")]
    pub price_rate: Option<Rate>,
    /// Never opens.
    #[serde(default, with = "lenient::flag")]
    pub reduce_only: bool,
    /// Closes whatever is open.
    #[serde(default, with = "lenient::flag")]
    pub close_position: bool,
    /// Price its trigger is measured by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_type: Option<WorkingType>,
    /// Whether mark and last price must agree.
    #[serde(default, with = "lenient::flag")]
    pub price_protect: bool,
    /// When it was placed; absent on some rows.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// When it last changed.
    #[serde(with = "lenient::int")]
    pub update_time: Time,
}
impl NewOrder {
    /// An order of this type with nothing else said.
    pub fn new(symbol: impl Into<String>, side: impl Into<Side>, order_type: OrderType) -> Self {
        Self {
            activation_price: None,
            callback_rate: None,
            close_position: None,
            new_client_order_id: None,
            new_order_resp_type: None,
            peg_offset: None,
            peg_price_type: None,
            position_side: None,
            price: None,
            price_protect: None,
            quantity: None,
            reduce_only: None,
            side: side.into(),
            stop_price: None,
            stp_mode: None,
            symbol: symbol.into(),
            time_in_force: None,
            order_type,
            working_type: None,
        }
    }

    /// The core's order, in one-way mode. Triggers are measured by the mark price, as liquidation is, so that a
    /// wick of the last price triggers no stop. The quantity and reduce-only are left out where the whole position
    /// is closed, since the venue refuses them there.
    pub fn from_core(order: &Order, symbol: &str, client_order_id: &str) -> Self {
        let mut new = Self::new(symbol, order.side, OrderType::Market);
        new.new_client_order_id = Some(client_order_id.to_owned());
        if order.close_position {
            new.close_position = Some(true);
        } else {
            new.quantity = Some(order.qty);
            new.reduce_only = order.reduce_only.then_some(true);
        }
        match order.kind {
            OrderKind::Market => new.new_order_resp_type = Some(ResponseType::Result),
            OrderKind::Limit { price, tif } => {
                new.order_type = OrderType::Limit;
                new.price = Some(price);
                new.time_in_force = Some(tif.into());
                new.new_order_resp_type = Some(ResponseType::Result);
            }
            OrderKind::StopMarket { trigger } => {
                new.order_type = OrderType::StopMarket;
                new.stop_price = Some(trigger);
            }
            OrderKind::TakeProfitMarket { trigger } => {
                new.order_type = OrderType::TakeProfitMarket;
                new.stop_price = Some(trigger);
            }
            OrderKind::TrailingStopMarket { activation, callback } => {
                new.order_type = OrderType::TrailingStopMarket;
                new.activation_price = activation;
                // A share here, percent there.
                new.callback_rate = Some(Rate(callback.0.saturating_mul(100)));
            }
        }
        if order.kind.is_conditional() {
            new.working_type = Some(WorkingType::MarkPrice);
        }
        new
    }
}

impl OrderRef {
    /// By our name.
    pub fn by_client_id(symbol: impl Into<String>, client_order_id: impl Into<String>) -> Self {
        Self { order_id: None, orig_client_order_id: Some(client_order_id.into()), symbol: symbol.into() }
    }
    /// By the venue's number.
    pub fn by_id(symbol: impl Into<String>, order_id: u64) -> Self {
        Self { order_id: Some(order_id), orig_client_order_id: None, symbol: symbol.into() }
    }
}

impl OrderAnswer {
    /// Average price of what was filled: as answered, else computed from the amounts; `None` without a fill.
    pub fn average_price(&self) -> Option<Price> {
        if let Some(price) = self.avg_price.filter(|price| !price.is_zero()) {
            return Some(price);
        }
        let (quote, shares) = (i128::from(self.cum_quote?.0), i128::from(self.executed_qty.0));
        if quote <= 0 || shares <= 0 {
            return None;
        }
        i64::try_from((quote * i128::from(Usd::ONE.0) + shares / 2) / shares).ok().map(Price)
    }
}
