//! A limit order that follows the best price, once a second of market time, until it is filled or has come too far.

use super::auth::Parameters;
use super::refusal::Refusal;
use super::strategy::{Group, Leg};
use super::venue::Venue;
use crate::aster::sign::read_request;
use crate::aster::wire::{
    ModifyOrder, NewChase, NewOrder, OffsetType, OrderType, PositionSide, QuantityUnit, Side, StrategyLeg,
    StrategyStatus, StrategyType, TimeInForce,
};
use serde_json::json;
use swarm_core::model::{self, Price, Qty, Rate, Round, SymbolId, Time, Usd};

/// Longest name of a chase.
const MAX_NAME: usize = 28;
/// How often a chase looks at the price.
const CHASE_MS: i64 = 1_000;

/// How a chase follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chase {
    pub offset: Price,
    /// Farthest from the first price, in price units.
    pub most: Option<Price>,
    pub first: Price,
    pub looked: Time,
}

impl Venue {
    /// A limit order that stays at the best price, or at a distance behind it.
    pub(super) fn chase(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let asked: NewChase = read_request(parameters)?;
        let symbol = self.symbol(&asked.symbol)?;
        let side = asked.side.core().ok_or_else(|| Refusal::new(-1117, "Invalid side."))?;
        self.check_name(account, asked.client_strategy_id.as_deref(), MAX_NAME)?;
        let instrument = self.boards[symbol.index()].instrument.clone();
        let offset = asked.chase_offset.unwrap_or(Price::ZERO);
        if offset < Price::ZERO || offset.0 % instrument.tick.0.max(1) != 0 {
            return Err(Refusal::value("chaseOffset", "it must be a multiple of the tick and not negative"));
        }
        let first = self.chased(symbol, side, offset)?;
        let most = match (asked.max_chase_offset, &asked.max_chase_offset_type) {
            (None, _) => None,
            (Some(most), _) if most <= Price::ZERO => {
                return Err(Refusal::value("maxChaseOffset", "it must be positive"));
            }
            (Some(percent), Some(OffsetType::Percentage)) => Some(first.times(Rate(percent.0 / 100), Round::Down)),
            (Some(most), _) => Some(most),
        };
        let quantity = match asked.quantity_unit {
            QuantityUnit::Base => asked.quantity,
            QuantityUnit::Quote => {
                Qty::worth(Usd(asked.quantity.0), first, Round::Down).snap(instrument.step, Round::Down)
            }
            QuantityUnit::Other(_) => return Err(Refusal::parameter("quantityUnit")),
        };
        let order = NewOrder {
            quantity: Some(quantity),
            price: Some(first),
            time_in_force: Some(asked.time_in_force.clone().unwrap_or(TimeInForce::Gtx)),
            position_side: asked.position_side.clone(),
            reduce_only: asked.reduce_only,
            ..NewOrder::new(asked.symbol.clone(), side, OrderType::Limit)
        };
        let now = self.now;
        let leg = Leg::new(StrategyLeg::of(1, order));
        let id = self.accounts[account].strategies.add(
            asked.client_strategy_id.clone(),
            StrategyType::Chase,
            now,
            vec![leg],
        );
        if let Some(group) = self.accounts[account].strategies.groups.get_mut(&id) {
            group.chase = Some(Chase { offset, most, first, looked: now });
        }
        if let Err(refusal) = self.place_leg(account, id, 0) {
            self.accounts[account].strategies.groups.remove(&id);
            return Err(refusal);
        }
        // The short answer of live use and the long one of the documents in one.
        let mut answer = json!(self.told(account, id)?);
        answer["symbol"] = json!(asked.symbol);
        answer["side"] = json!(asked.side);
        answer["positionSide"] = json!(asked.position_side.unwrap_or(PositionSide::Both));
        answer["quantity"] = json!(asked.quantity);
        answer["quantityUnit"] = json!(asked.quantity_unit);
        answer["reduceOnly"] = json!(asked.reduce_only == Some(true));
        answer["chaseOffset"] = json!(offset);
        answer["chaseOffsetType"] = json!(OffsetType::Absolute);
        answer["maxChaseOffset"] = json!(asked.max_chase_offset);
        answer["maxChaseOffsetType"] = json!(asked.max_chase_offset_type.unwrap_or(OffsetType::Absolute));
        answer["timeInForce"] = json!(asked.time_in_force.unwrap_or(TimeInForce::Gtx));
        answer["bookTime"] = json!(now);
        Ok(answer.to_string())
    }

    /// Where a chase stands now.
    fn chased(&self, symbol: SymbolId, side: model::Side, offset: Price) -> Result<Price, Refusal> {
        let quotes = self.boards[symbol.index()].quotes();
        let (bid, ask) = quotes.ok_or_else(|| Refusal::new(-1112, "No orders on book for symbol."))?;
        let price = if side == model::Side::Buy { bid - offset } else { ask + offset };
        if price > Price::ZERO { Ok(price) } else { Err(Refusal::value("chaseOffset", "it is above the price")) }
    }

    /// Lets every chase follow the price, once a second of market time.
    pub(super) fn chase_all(&mut self) {
        for account in 0..self.accounts.len() {
            let groups = self.accounts[account].strategies.groups.values();
            let due = |group: &&Group| {
                group.is_working() && group.chase.is_some_and(|chase| self.now.since(chase.looked) >= CHASE_MS)
            };
            let ids: Vec<u64> = groups.filter(due).map(|group| group.id).collect();
            ids.into_iter().for_each(|id| self.follow(account, id));
        }
    }

    fn follow(&mut self, account: usize, id: u64) {
        let now = self.now;
        let Some(group) = self.accounts[account].strategies.groups.get_mut(&id) else { return };
        let (Some(chase), Some(order)) = (&mut group.chase, group.legs.first().and_then(|leg| leg.order)) else {
            return;
        };
        chase.looked = now;
        let chase = *chase;
        let Some(record) = self.accounts[account].orders.get(&order).filter(|record| record.is_open()).cloned() else {
            return;
        };
        let side = if record.side == Side::Buy { model::Side::Buy } else { model::Side::Sell };
        let Ok(price) = self.chased(record.symbol, side, chase.offset) else { return };
        if chase.most.is_some_and(|most| (price.0 - chase.first.0).abs() > most.0) {
            self.end(account, id, StrategyStatus::Expired);
        } else if price != record.price {
            let (symbol, quantity) = (record.name, record.qty);
            let change = ModifyOrder { order_id: Some(order), orig_client_order_id: None, price, quantity, symbol };
            // Refused it stays where it is, and tries again in a second.
            let _ = self.modify(account, &change);
        }
    }
}
