//! Orders that belong together: an entry that brings its exits, two exits of which one ends the other, and both.
//! Each leg is an ordinary order; what happens to one places or cancels others.

use super::auth::Parameters;
use super::chase::Chase;
use super::refusal::Refusal;
use super::venue::{Venue, to_json};
use crate::aster::sign::read_request;
use crate::aster::wire::{
    DrivenOn, Event, LegTrigger, ModifyOrder, NewOrder, OrderStatus, OrderType, PlaceStrategy, PositionSide,
    QueryStrategy, SecurityType, Strategy, StrategyAnswer, StrategyLeg, StrategyStatus, StrategySubOrder, StrategyType,
    TimeInForce, UpdateStrategy, WorkingType,
};
use std::collections::{BTreeMap, BTreeSet};
use swarm_core::model::{Price, Qty, Time};

/// Strategies kept of an account.
const MAX_KEPT: usize = 10_000;

/// A leg, placed or not.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub spec: StrategyLeg,
    /// Number of its order, once it is placed.
    pub order: Option<u64>,
    /// Where it is while there is no order, and when it never came to one.
    pub status: OrderStatus,
    pub triggered: Time,
}

/// Orders that belong together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub id: u64,
    pub name: String,
    pub kind: StrategyType,
    pub status: StrategyStatus,
    pub placed: Time,
    pub updated: Time,
    pub legs: Vec<Leg>,
    pub chase: Option<Chase>,
}

impl Group {
    pub fn is_working(&self) -> bool {
        self.status == StrategyStatus::Working
    }
}

/// All strategies of an account.
#[derive(Debug, Default)]
pub(super) struct Strategies {
    pub groups: BTreeMap<u64, Group>,
    /// Group and leg of an order.
    of_order: BTreeMap<u64, (u64, usize)>,
    last: u64,
    /// Acts that are not over: one leg's fill can place another that fills at once.
    acting: u32,
    /// Groups that may be over once they are.
    touched: BTreeSet<u64>,
}

impl Leg {
    /// Not placed yet.
    pub fn new(spec: StrategyLeg) -> Self {
        Self { spec, order: None, status: OrderStatus::New, triggered: Time(0) }
    }
}

impl Strategies {
    pub fn add(&mut self, name: Option<String>, kind: StrategyType, now: Time, legs: Vec<Leg>) -> u64 {
        self.last += 1;
        let (id, status) = (self.last, StrategyStatus::Working);
        let name = name.unwrap_or_else(|| format!("strategy-{id}"));
        self.groups.insert(id, Group { id, name, kind, status, placed: now, updated: now, legs, chase: None });
        if self.groups.len() > MAX_KEPT
            && let Some(old) = self.groups.values().find(|group| !group.is_working()).map(|group| group.id)
        {
            self.groups.remove(&old);
            self.of_order.retain(|_, (group, _)| *group != old);
        }
        id
    }

    fn find(&self, id: Option<u64>, name: Option<&String>) -> Result<Option<&Group>, Refusal> {
        match (id, name) {
            (Some(id), _) => Ok(self.groups.get(&id)),
            (None, Some(name)) => Ok(self.groups.values().rev().find(|group| group.name == *name)),
            (None, None) => Err(Refusal::parameter("strategyId")),
        }
    }
}

impl Venue {
    pub(super) fn place_strategy(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let asked: PlaceStrategy = read_request(parameters)?;
        let wanted = match asked.strategy_type {
            StrategyType::Oto | StrategyType::Oco => 2,
            StrategyType::Otoco => 3,
            _ => return Err(Refusal::value("strategyType", "it must be OTO, OCO or OTOCO")),
        };
        if asked.sub_order_list.len() != wanted {
            let why = format!("{} has {wanted} orders", asked.strategy_type.as_str());
            return Err(Refusal::value("subOrderList", &why));
        }
        self.check_name(account, asked.client_strategy_id.as_deref(), 36)?;
        for (number, leg) in (1..).zip(&asked.sub_order_list) {
            self.check_leg(account, number, wanted, leg)?;
        }
        let legs: Vec<Leg> = asked.sub_order_list.into_iter().map(Leg::new).collect();
        let first: Vec<usize> = (0..legs.len()).filter(|place| !waits(&legs[*place].spec)).collect();
        if first.is_empty() {
            return Err(Refusal::value("subOrderList", "one order at least must wait for none"));
        }
        let now = self.now;
        let id = self.accounts[account].strategies.add(asked.client_strategy_id, asked.strategy_type, now, legs);
        self.accounts[account].strategies.acting += 1;
        let placed = self.place_first(account, id, first);
        self.rest(account);
        placed?;
        Ok(to_json(&self.told(account, id)?))
    }

    /// Places the legs that wait for none; all of them or none.
    fn place_first(&mut self, account: usize, id: u64, first: Vec<usize>) -> Result<(), Refusal> {
        for place in first {
            // What an earlier leg did may have ended this one.
            if self.leg(account, id, place).is_none_or(|leg| leg.status != OrderStatus::New) {
                continue;
            }
            if let Err(refusal) = self.place_leg(account, id, place) {
                self.end(account, id, StrategyStatus::Canceled);
                self.accounts[account].strategies.groups.remove(&id);
                return Err(refusal);
            }
        }
        self.accounts[account].strategies.touched.insert(id);
        Ok(())
    }

    /// An act is over: with the last of them groups end in which nothing stands.
    fn rest(&mut self, account: usize) {
        let strategies = &mut self.accounts[account].strategies;
        strategies.acting -= 1;
        if strategies.acting == 0 {
            let touched = std::mem::take(&mut strategies.touched);
            touched.into_iter().for_each(|id| self.conclude(account, id));
        }
    }

    pub(super) fn check_name(&self, account: usize, name: Option<&str>, most: usize) -> Result<(), Refusal> {
        let Some(name) = name else { return Ok(()) };
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte));
        if !(1..=most).contains(&name.len()) || !letters {
            return Err(Refusal::new(-4015, "Client strategy id is not valid."));
        }
        let groups = &self.accounts[account].strategies.groups;
        if groups.values().any(|group| group.is_working() && group.name == name) {
            return Err(Refusal::new(-4116, "Client strategy id is duplicated."));
        }
        Ok(())
    }

    fn check_leg(&self, account: usize, number: u32, of: usize, leg: &StrategyLeg) -> Result<(), Refusal> {
        if leg.strategy_sub_id != number {
            return Err(Refusal::value("strategySubId", "orders are numbered from 1 in their order"));
        }
        if !matches!(leg.security_type, SecurityType::UsdtFutures | SecurityType::Future) {
            return Err(Refusal::value("securityType", "it must be USDT_FUTURES"));
        }
        if matches!(leg.time_in_force, Some(TimeInForce::Ioc | TimeInForce::Fok)) {
            return Err(Refusal::new(-1115, "Invalid timeInForce."));
        }
        for (driver, on, trigger) in drivers(leg) {
            let is_other = driver != number && (driver as usize) <= of;
            if !is_other || !on.is_known() || !trigger.is_known() {
                return Err(Refusal::value(
                    "subOrderList",
                    "an order is driven by another of the list, on a known event",
                ));
            }
        }
        self.judge(account, &order_of(leg)).map(drop)
    }

    fn leg(&self, account: usize, id: u64, place: usize) -> Option<&Leg> {
        self.accounts[account].strategies.groups.get(&id).and_then(|group| group.legs.get(place))
    }

    fn leg_mut(&mut self, account: usize, id: u64, place: usize) -> Option<&mut Leg> {
        self.accounts[account].strategies.groups.get_mut(&id).and_then(|group| group.legs.get_mut(place))
    }

    pub(super) fn place_leg(&mut self, account: usize, id: u64, place: usize) -> Result<(), Refusal> {
        let Some(new) = self.leg(account, id, place).map(|leg| order_of(&leg.spec)) else { return Ok(()) };
        // Its number is known before it is placed, so that what it does at once finds its group.
        let number = self.accounts[account].next_order;
        let now = self.now;
        self.accounts[account].strategies.of_order.insert(number, (id, place));
        if let Some(leg) = self.leg_mut(account, id, place) {
            (leg.order, leg.triggered) = (Some(number), if waits(&leg.spec) { now } else { Time(0) });
        }
        let placed = self.place(account, &new);
        if placed.is_err() {
            self.accounts[account].strategies.of_order.remove(&number);
            if let Some(leg) = self.leg_mut(account, id, place) {
                (leg.order, leg.status) = (None, OrderStatus::Rejected);
            }
        }
        placed.map(drop)
    }

    /// What happened to orders drives the other legs of their groups.
    pub(super) fn drive(&mut self, account: usize, events: &[Event]) {
        if self.accounts[account].strategies.of_order.is_empty() {
            return;
        }
        self.accounts[account].strategies.acting += 1;
        for event in events {
            let Event::Order(update) = event else { continue };
            let found = self.accounts[account].strategies.of_order.get(&update.order.order_id);
            if let Some((id, place)) = found.copied() {
                let happened: &[DrivenOn] = match update.order.status {
                    OrderStatus::New => &[DrivenOn::New],
                    OrderStatus::PartiallyFilled => &[DrivenOn::PartiallyFilledOrFilled],
                    OrderStatus::Filled => &[DrivenOn::PartiallyFilledOrFilled, DrivenOn::Filled],
                    OrderStatus::Canceled => &[DrivenOn::Canceled],
                    OrderStatus::Expired => &[DrivenOn::Expired],
                    _ => &[],
                };
                self.drive_from(account, id, place, happened);
            }
        }
        self.rest(account);
    }

    fn drive_from(&mut self, account: usize, id: u64, from: usize, happened: &[DrivenOn]) {
        let Some(group) = self.accounts[account].strategies.groups.get_mut(&id) else { return };
        group.updated = self.now;
        let number = group.legs.get(from).map_or(0, |leg| leg.spec.strategy_sub_id);
        let mut acts: Vec<(usize, LegTrigger)> = Vec::new();
        for (place, leg) in group.legs.iter().enumerate() {
            let driven = drivers(&leg.spec).filter(|(driver, on, _)| *driver == number && happened.contains(on));
            acts.extend(driven.map(|(_, _, trigger)| (place, trigger.clone())));
        }
        for (place, trigger) in acts {
            let Some(leg) = self.leg_mut(account, id, place) else { continue };
            match (trigger, leg.order) {
                (LegTrigger::PlaceOrder, None) if leg.status == OrderStatus::New => {
                    self.place_driven(account, id, place);
                }
                (LegTrigger::CancelOrder, None) => leg.status = OrderStatus::Canceled,
                (LegTrigger::CancelOrder, Some(order)) => self.cancel_open(account, order),
                _ => {}
            }
        }
        self.accounts[account].strategies.touched.insert(id);
    }

    /// Places a leg whose turn it is; one that is refused drives others as such.
    fn place_driven(&mut self, account: usize, id: u64, place: usize) {
        if self.place_leg(account, id, place).is_err() {
            self.drive_from(account, id, place, &[DrivenOn::Rejected]);
        }
    }

    fn cancel_open(&mut self, account: usize, order: u64) {
        let open = self.accounts[account].orders.get(&order).filter(|record| record.is_open());
        if let Some(symbol) = open.map(|record| record.symbol) {
            self.cancel_id(account, order, symbol);
        }
    }

    /// Where a leg is.
    fn status_of(&self, account: usize, leg: &Leg) -> OrderStatus {
        let record = leg.order.and_then(|order| self.accounts[account].orders.get(&order));
        record.map_or_else(|| leg.status.clone(), |record| record.status.clone())
    }

    /// Ends a group in which nothing stands any more and nothing can come: what waits for a leg that is over without
    /// having driven it never will be placed.
    fn conclude(&mut self, account: usize, id: u64) {
        let Some(group) = self.accounts[account].strategies.groups.get(&id).filter(|group| group.is_working()) else {
            return;
        };
        let statuses: Vec<OrderStatus> = group.legs.iter().map(|leg| self.status_of(account, leg)).collect();
        let is_open = |place: usize| matches!(statuses[place], OrderStatus::New | OrderStatus::PartiallyFilled);
        let stands = |place: usize| group.legs[place].order.is_some() && is_open(place);
        if (0..group.legs.len()).any(stands) {
            return;
        }
        let cancelled = statuses.iter().all(|status| *status != OrderStatus::Filled);
        self.end(account, id, if cancelled { StrategyStatus::Canceled } else { StrategyStatus::Expired });
    }

    pub(super) fn end(&mut self, account: usize, id: u64, status: StrategyStatus) {
        let now = self.now;
        let Some(group) = self.accounts[account].strategies.groups.get_mut(&id) else { return };
        (group.status, group.updated) = (status, now);
        for leg in &mut group.legs {
            if leg.order.is_none() && leg.status == OrderStatus::New {
                leg.status = OrderStatus::Expired;
            }
        }
        let orders: Vec<u64> = group.legs.iter().filter_map(|leg| leg.order).collect();
        for order in orders {
            self.accounts[account].strategies.of_order.remove(&order);
            self.cancel_open(account, order);
        }
    }

    pub(super) fn told(&self, account: usize, id: u64) -> Result<StrategyAnswer, Refusal> {
        let group = self.accounts[account].strategies.groups.get(&id).ok_or_else(Refusal::no_order)?;
        Ok(StrategyAnswer {
            strategy_id: group.id,
            client_strategy_id: group.name.clone(),
            strategy_type: group.kind.clone(),
            strategy_status: group.status.clone(),
            updated_sub_order: None,
            update_status: None,
            update_time: group.updated,
            failure_code: Some(0),
            failure_reason: Some(String::new()),
        })
    }

    pub(super) fn update_strategy(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let asked: UpdateStrategy = read_request(parameters)?;
        let found = self.accounts[account].strategies.groups.get(&asked.strategy_id);
        let group = found.filter(|group| group.is_working() && group.kind == asked.strategy_type);
        let count = group.ok_or_else(Refusal::no_order)?.legs.len();
        let mut rows = Vec::new();
        for spec in asked.sub_order_list {
            let number = spec.strategy_sub_id;
            let place = (number as usize).wrapping_sub(1);
            if place >= count {
                return Err(Refusal::value("strategySubId", "there is no such order"));
            }
            let done = self.update_leg(account, asked.strategy_id, place, &spec);
            let (code, why) = done.map_or_else(|refusal| (refusal.code, refusal.msg), |()| (0, String::new()));
            rows.push(StrategyAnswer {
                updated_sub_order: Some(number),
                update_status: Some(if code == 0 { "SUCCESS" } else { "FAILED" }.to_owned()),
                failure_code: Some(code),
                failure_reason: Some(why),
                ..self.told(account, asked.strategy_id)?
            });
        }
        Ok(to_json(&rows))
    }

    /// Prices and quantity of a leg: in the group while it waits, of its order while that stands.
    fn update_leg(&mut self, account: usize, id: u64, place: usize, asked: &StrategyLeg) -> Result<(), Refusal> {
        let Some(leg) = self.leg(account, id, place).cloned() else { return Err(Refusal::no_order()) };
        let mut spec = leg.spec.clone();
        spec.price = asked.price.or(spec.price);
        spec.stop_price = asked.stop_price.or(spec.stop_price);
        spec.quantity = asked.quantity.or(spec.quantity);
        spec.activation_price = asked.activation_price.or(spec.activation_price);
        spec.callback_rate = asked.callback_rate.or(spec.callback_rate);
        match leg.order {
            None if leg.status != OrderStatus::New => return Err(Refusal::no_order()),
            None => self.judge(account, &order_of(&spec)).map(drop)?,
            Some(order) => self.replace(account, order, &spec)?,
        }
        let now = self.now;
        if let Some(leg) = self.leg_mut(account, id, place) {
            leg.spec = spec;
        }
        if let Some(group) = self.accounts[account].strategies.groups.get_mut(&id) {
            group.updated = now;
        }
        Ok(())
    }

    /// Changes a standing order: limit orders as they are, others by one that takes their place.
    fn replace(&mut self, account: usize, order: u64, spec: &StrategyLeg) -> Result<(), Refusal> {
        let open = self.accounts[account].orders.get(&order).filter(|record| record.is_open());
        let record = open.ok_or_else(Refusal::no_order)?.clone();
        if record.orig_type == OrderType::Limit {
            let change = ModifyOrder {
                order_id: Some(order),
                orig_client_order_id: None,
                price: spec.price.unwrap_or(record.price),
                quantity: spec.quantity.unwrap_or(record.qty),
                symbol: record.name,
            };
            return self.modify(account, &change).map(drop);
        }
        // The new one first: were it refused, the old one would be missed. It gets its name back with the next order.
        let new = NewOrder { new_client_order_id: None, ..order_of(spec) };
        let owned = self.accounts[account].strategies.of_order.remove(&order);
        let number = self.accounts[account].next_order;
        if let Some((id, place)) = owned {
            self.accounts[account].strategies.of_order.insert(number, (id, place));
            if let Some(leg) = self.leg_mut(account, id, place) {
                leg.order = Some(number);
            }
        }
        if let Err(refusal) = self.place(account, &new) {
            self.accounts[account].strategies.of_order.remove(&number);
            if let Some((id, place)) = owned {
                self.accounts[account].strategies.of_order.insert(order, (id, place));
                if let Some(leg) = self.leg_mut(account, id, place) {
                    leg.order = Some(order);
                }
            }
            return Err(refusal);
        }
        self.cancel_id(account, order, record.symbol);
        Ok(())
    }

    pub(super) fn strategy(&self, account: usize, parameters: &Parameters, open: bool) -> Result<String, Refusal> {
        let query: QueryStrategy = read_request(parameters)?;
        let strategies = &self.accounts[account].strategies;
        let found = strategies.find(query.strategy_id, query.client_strategy_id.as_ref())?;
        let found = found.filter(|group| group.kind == query.strategy_type && (group.is_working() || !open));
        let group = found.ok_or_else(Refusal::no_order)?;
        Ok(to_json(&Strategy {
            strategy_id: group.id,
            client_strategy_id: group.name.clone(),
            strategy_type: group.kind.clone(),
            strategy_status: group.status.clone(),
            book_time: Some(group.placed),
            update_time: group.updated,
            sub_orders: group.legs.iter().map(|leg| self.sub_order(account, group.id, leg)).collect(),
        }))
    }

    fn sub_order(&self, account: usize, id: u64, leg: &Leg) -> StrategySubOrder {
        let spec = &leg.spec;
        let record = leg.order.and_then(|order| self.accounts[account].orders.get(&order));
        let tick = self.symbol(&spec.symbol).map_or(Price(1), |symbol| self.boards[symbol.index()].instrument.tick);
        StrategySubOrder {
            strategy_id: id,
            order_id: leg.order.unwrap_or(0),
            client_order_id: record
                .map_or_else(|| spec.client_order_id.clone().unwrap_or_default(), |it| it.client_id.clone()),
            status: self.status_of(account, leg),
            strategy_sub_id: spec.strategy_sub_id,
            first_driven_id: spec.first_driven_id.unwrap_or(0),
            first_driven_on: spec.first_driven_on.clone().unwrap_or(DrivenOn::None),
            first_trigger: spec.first_trigger.clone().unwrap_or(LegTrigger::None),
            second_driven_id: spec.second_driven_id.unwrap_or(0),
            second_driven_on: spec.second_driven_on.clone().unwrap_or(DrivenOn::None),
            second_trigger: spec.second_trigger.clone().unwrap_or(LegTrigger::None),
            security_type: SecurityType::Future,
            symbol: spec.symbol.clone(),
            side: spec.side.clone(),
            position_side: spec.position_side.clone().unwrap_or(PositionSide::Both),
            order_type: spec.order_type.clone(),
            time_in_force: spec.time_in_force.clone().unwrap_or(TimeInForce::Gtc),
            quantity: spec.quantity.unwrap_or(Qty::ZERO),
            reduce_only: spec.reduce_only == Some(true),
            close_position: spec.close_position == Some(true),
            price: spec.price.unwrap_or(Price::ZERO),
            avg_price: Some(record.map_or(Price::ZERO, |record| record.average(tick))),
            price_protect: spec.price_protect == Some(true),
            stop_price: Some(spec.stop_price.unwrap_or(Price::ZERO)),
            activate_price: spec.activation_price,
            callback_rate: spec.callback_rate,
            working_type: spec.working_type.clone().unwrap_or(WorkingType::ContractPrice),
            trigger_time: Some(leg.triggered),
        }
    }
}

/// What a leg waits for or is ended by: number of the other, event, and what then happens.
fn drivers(leg: &StrategyLeg) -> impl Iterator<Item = (u32, &DrivenOn, &LegTrigger)> {
    let first = (leg.first_driven_id, &leg.first_driven_on, &leg.first_trigger);
    let second = (leg.second_driven_id, &leg.second_driven_on, &leg.second_trigger);
    [first, second].into_iter().filter_map(|(id, on, trigger)| match (id, on, trigger) {
        (Some(id), Some(on), Some(trigger)) if id > 0 => Some((id, on, trigger)),
        _ => None,
    })
}

/// Whether a leg is placed by what happens to another.
fn waits(leg: &StrategyLeg) -> bool {
    drivers(leg).any(|(_, _, trigger)| *trigger == LegTrigger::PlaceOrder)
}

fn order_of(leg: &StrategyLeg) -> NewOrder {
    let default = (leg.order_type == OrderType::Limit).then_some(TimeInForce::Gtc);
    NewOrder {
        activation_price: leg.activation_price,
        callback_rate: leg.callback_rate,
        close_position: leg.close_position,
        new_client_order_id: leg.client_order_id.clone(),
        position_side: leg.position_side.clone(),
        price: leg.price,
        price_protect: leg.price_protect,
        quantity: leg.quantity,
        reduce_only: leg.reduce_only,
        stop_price: leg.stop_price,
        time_in_force: leg.time_in_force.clone().or(default),
        working_type: leg.working_type.clone(),
        ..NewOrder::new(leg.symbol.clone(), leg.side.clone(), leg.order_type.clone())
    }
}
