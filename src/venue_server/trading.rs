//! Calls about orders: place, query, cancel, lists, countdowns. Knows no money.

use super::auth::{Parameters, find};
use super::place::MAX_BATCH;
use super::public::{limit, window};
use super::records::Record;
use super::refusal::Refusal;
use super::venue::{Venue, to_json};
use crate::aster::sign::read_request;
use crate::aster::wire::{
    AllOrders, AutoCloseType, CancelBatch, CountdownAnswer, CountdownCancelAll, Element, ForcedOrders, ModifyOrder,
    NewOrder, OrderAnswer, OrderRef, OrderType, Route, Success, SymbolOnly, SymbolOrAll,
};
use swarm_core::model::{CancelReason, DAY_MS, SymbolId};

/// Most orders cancelled by one call.
const MAX_CANCELS: usize = 10;
/// Longest window of a list.
pub(super) const WEEK_MS: i64 = 7 * DAY_MS;

impl Venue {
    pub(super) fn private(&mut self, route: Route, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        match route {
            Route::PlaceOrder => {
                let new = new_order(parameters)?;
                self.place(account, &new).map(|answer| to_json(&answer))
            }
            Route::BatchOrders => self.place_batch(account, parameters),
            Route::QueryOrder | Route::OpenOrder => {
                let query: OrderRef = read_request(parameters)?;
                let record = self.find_order(account, &query)?;
                let there = record.filter(|record| route == Route::QueryOrder || record.is_open());
                let record = there.ok_or_else(Refusal::no_order)?;
                Ok(to_json(&self.asked(record)))
            }
            Route::ModifyOrder => {
                let change: ModifyOrder = read_request(parameters)?;
                self.modify(account, &change).map(|answer| to_json(&answer))
            }
            Route::Chase => self.chase(account, parameters),
            Route::PlaceStrategy => self.place_strategy(account, parameters),
            Route::UpdateStrategy => self.update_strategy(account, parameters),
            Route::StrategyOpenOrder => self.strategy(account, parameters, true),
            Route::StrategyHistoryOrder => self.strategy(account, parameters, false),
            Route::CancelOrder => {
                let query: OrderRef = read_request(parameters)?;
                self.cancel_one(account, &query).map(|answer| to_json(&answer))
            }
            Route::CancelBatch => self.cancel_batch(account, parameters),
            Route::CancelAll => {
                let query: SymbolOnly = read_request(parameters)?;
                let symbol = self.symbol(&query.symbol)?;
                self.cancel_symbol(account, symbol);
                // A number, although one of the documents' samples has a text: typed clients read a number.
                let msg = "The operation of cancel all open order is done.".to_owned();
                Ok(to_json(&Success { code: 200, msg }))
            }
            Route::OpenOrders => {
                let query: SymbolOrAll = read_request(parameters)?;
                let symbol = query.symbol.as_deref().map(|name| self.symbol(name)).transpose()?;
                let open = self.accounts[account].open_orders();
                let chosen = open.filter(|record| symbol.is_none_or(|symbol| record.symbol == symbol));
                Ok(to_json(&chosen.map(|record| self.asked(record)).collect::<Vec<_>>()))
            }
            Route::AllOrders => self.all_orders(account, parameters),
            Route::ForceOrders => self.forced_orders(account, parameters),
            Route::CountdownCancelAll => {
                let query: CountdownCancelAll = read_request(parameters)?;
                let symbol = self.symbol(&query.symbol)?;
                let countdowns = &mut self.accounts[account].countdowns;
                match query.countdown_time {
                    0 => drop(countdowns.remove(&symbol)),
                    ms => drop(countdowns.insert(symbol, self.clock.saturating_add(ms.saturating_mul(1_000)))),
                }
                Ok(to_json(&CountdownAnswer { symbol: query.symbol, countdown_time: query.countdown_time }))
            }
            Route::Noop => Ok(to_json(&Success { code: 200, msg: "success".to_owned() })),
            _ => self.money(route, account, parameters),
        }
    }

    fn asked(&self, record: &Record) -> OrderAnswer {
        record.answer(self.boards[record.symbol.index()].instrument.tick, true)
    }

    pub(super) fn find_order(&self, account: usize, query: &OrderRef) -> Result<Option<&Record>, Refusal> {
        let symbol = self.symbol(&query.symbol)?;
        let owner = &self.accounts[account];
        let found = match (query.order_id, &query.orig_client_order_id) {
            (Some(id), _) => owner.orders.get(&id),
            // A name may be used again: the latest order of that name is meant.
            (None, Some(name)) => match owner.open.get(name) {
                Some(id) => owner.orders.get(id),
                None => owner.orders.values().rev().find(|record| record.client_id == *name),
            },
            (None, None) => return Err(Refusal::parameter("orderId")),
        };
        Ok(found.filter(|record| record.symbol == symbol))
    }

    fn cancel_one(&mut self, account: usize, query: &OrderRef) -> Result<OrderAnswer, Refusal> {
        let found = self.find_order(account, query)?.filter(|record| record.is_open());
        let (id, symbol) = found.map(|record| (record.id, record.symbol)).ok_or_else(Refusal::unknown_order)?;
        self.cancel_id(account, id, symbol);
        let record = self.accounts[account].orders.get(&id).ok_or_else(Refusal::unknown_order)?;
        if record.is_open() || record.status != crate::aster::wire::OrderStatus::Canceled {
            return Err(Refusal::unknown_order());
        }
        let tick = self.boards[symbol.index()].instrument.tick;
        Ok(record.answer(tick, false))
    }

    pub(super) fn cancel_id(&mut self, account: usize, id: u64, symbol: SymbolId) {
        if self.accounts[account].waiting.contains_key(&id) {
            self.drop_waiting(account, id, CancelReason::Requested);
            return;
        }
        let (now, owner) = (self.now, &mut self.accounts[account]);
        let Some(slot) = owner.orders.get(&id).map(|record| owner.slot(record)) else { return };
        owner.purse.cancel(now, super::records::exchange_id(id), slot);
        self.poke(account, symbol);
    }

    /// Cancels every order of a symbol.
    pub(super) fn cancel_symbol(&mut self, account: usize, symbol: SymbolId) {
        let open = self.accounts[account].open_orders().filter(|record| record.symbol == symbol);
        let ids: Vec<u64> = open.map(|record| record.id).collect();
        ids.into_iter().for_each(|id| self.cancel_id(account, id, symbol));
    }

    fn cancel_batch(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: CancelBatch = read_request(parameters)?;
        self.symbol(&query.symbol)?;
        let refs: Vec<OrderRef> = match (query.order_id_list, query.orig_client_order_id_list) {
            (Some(ids), _) => ids.into_iter().map(|id| OrderRef::by_id(&query.symbol, id)).collect(),
            (None, Some(names)) => names.into_iter().map(|name| OrderRef::by_client_id(&query.symbol, name)).collect(),
            (None, None) => return Err(Refusal::parameter("orderIdList")),
        };
        if refs.is_empty() || refs.len() > MAX_CANCELS {
            return Err(Refusal::new(-4032, "Exceed maximum cancel order size."));
        }
        let cancel = |query: OrderRef| match self.cancel_one(account, &query) {
            Ok(answer) => Element::Done(answer),
            Err(refusal) => Element::Refused(refusal.body()),
        };
        Ok(to_json(&refs.into_iter().map(cancel).collect::<Vec<_>>()))
    }

    /// How many orders a batch has, for the count of orders.
    pub(super) fn batch_len(&self, parameters: &Parameters) -> u32 {
        batch(parameters).map_or(1, |orders| u32::try_from(orders.len()).unwrap_or(u32::MAX)).max(1)
    }

    fn place_batch(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let orders = batch(parameters)?;
        if orders.is_empty() || orders.len() > MAX_BATCH {
            return Err(Refusal::new(-4082, "Invalid number of batch place orders."));
        }
        let mut elements: Vec<Element<OrderAnswer>> = Vec::new();
        for order in orders {
            let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pairs: Parameters = order.iter().map(|(key, value)| (key.clone(), text(value))).collect();
            elements.push(match new_order(&pairs).and_then(|new| self.place(account, &new)) {
                Ok(answer) => Element::Done(answer),
                Err(refusal) => Element::Refused(refusal.body()),
            });
        }
        Ok(to_json(&elements))
    }

    fn all_orders(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: AllOrders = read_request(parameters)?;
        let symbol = self.symbol(&query.symbol)?;
        let limit = limit(query.limit, 500, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        if query.order_id.is_some() && (query.start_time.is_some() || query.end_time.is_some()) {
            return Err(Refusal::new(-1128, "Combination of optional parameters invalid."));
        }
        week(query.start_time, query.end_time)?;
        let start = if query.start_time.is_none() { start.max(end.min(self.now).plus(-WEEK_MS)) } else { start };
        let found: Vec<&Record> = self.accounts[account]
            .orders
            .values()
            .filter(|record| record.symbol == symbol)
            .filter(|record| match query.order_id {
                Some(from) => record.id >= from,
                None => record.time >= start && record.time <= end,
            })
            .collect();
        let skip = if query.order_id.is_some() { 0 } else { found.len().saturating_sub(limit) };
        let rows = found.into_iter().skip(skip).take(limit).map(|record| self.asked(record));
        Ok(to_json(&rows.collect::<Vec<_>>()))
    }

    fn forced_orders(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: ForcedOrders = read_request(parameters)?;
        let symbol = query.symbol.as_deref().map(|name| self.symbol(name)).transpose()?;
        let limit = limit(query.limit, 50, 100)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        // Nobody is deleveraged here.
        let none = query.auto_close_type == Some(AutoCloseType::Adl);
        let rows = self.accounts[account].orders.values().filter(|record| {
            !none
                && record.orig_type == OrderType::Liquidation
                && symbol.is_none_or(|symbol| record.symbol == symbol)
                && record.time >= start
                && record.time <= end
        });
        Ok(to_json(&rows.map(|record| self.asked(record)).take(limit).collect::<Vec<_>>()))
    }

    /// Countdowns that ran out, and listen keys that expired.
    pub(super) fn run_timers(&mut self) {
        for index in 0..self.accounts.len() {
            let due = self.accounts[index].countdowns.iter().filter(|(_, at)| **at <= self.clock);
            let due: Vec<SymbolId> = due.map(|(symbol, _)| *symbol).collect();
            for symbol in due {
                self.accounts[index].countdowns.remove(&symbol);
                self.cancel_symbol(index, symbol);
            }
            if self.accounts[index].listen_key.as_ref().is_some_and(|(_, expires)| *expires <= self.clock) {
                self.expire_listen_key(index);
            }
        }
    }
}

fn batch(parameters: &Parameters) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, Refusal> {
    let text = find(parameters, "batchOrders").ok_or_else(|| Refusal::parameter("batchOrders"))?;
    serde_json::from_str(text).map_err(|_| Refusal::parameter("batchOrders"))
}

/// A new order; what is missing or malformed is named.
fn new_order(parameters: &Parameters) -> Result<NewOrder, Refusal> {
    for name in ["symbol", "side", "type"] {
        if find(parameters, name).is_none() {
            return Err(Refusal::parameter(name));
        }
    }
    for name in ["quantity", "price", "stopPrice", "activationPrice", "callbackRate"] {
        let Some(text) = find(parameters, name) else { continue };
        if text.parse::<f64>().is_err() {
            return Err(Refusal::parameter(name));
        }
        // Powers of ten, "NaN" and "inf", which languages make of numbers and the venue does not read.
        if text.bytes().any(|byte| !byte.is_ascii_digit() && !b"+-.".contains(&byte)) {
            return Err(Refusal::new(-1100, format!("Illegal characters found in parameter '{name}'.")));
        }
        if swarm_core::model::parse_decimal(text).is_err() {
            return Err(Refusal::new(-1111, "Precision is over the maximum defined for this asset."));
        }
    }
    Ok(read_request(parameters)?)
}

/// A window of at most seven days.
pub(super) fn week(
    start: Option<swarm_core::model::Time>,
    end: Option<swarm_core::model::Time>,
) -> Result<(), Refusal> {
    match (start, end) {
        (Some(start), Some(end)) if end.since(start) > WEEK_MS => {
            Err(Refusal::new(-4165, "Invalid time interval: more than 7 days."))
        }
        _ => Ok(()),
    }
}
