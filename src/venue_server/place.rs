//! Whether a new order is taken, and what becomes of it at once. Checks stand in the documented order of codes; what
//! the exchange checks itself is left to it.

use super::board::Board;
use super::info::{MAX_PRICE, decimals};
use super::life::{self, Told};
use super::purse::Stance;
use super::records::{Record, Waiting, exchange_id};
use super::refusal::Refusal;
use super::venue::Venue;
use crate::aster::wire::{
    ModifyOrder, NewOrder, OrderAnswer, OrderRef, OrderStatus, OrderType, ResponseType, TimeInForce, WorkingType,
};
use std::fmt::Display;
use swarm_core::model::{
    self, CancelReason, Order, OrderKind, PortfolioId, Price, Purpose, Qty, Rate, ReportKind, Round, SymbolId, Usd,
    VenueEvent, VenueReject,
};

/// How often one order may be changed.
const MAX_CHANGES: u32 = 10_000;

/// Most orders of one batch.
pub(super) const MAX_BATCH: usize = 5;

impl Venue {
    /// Places an order of an account.
    pub(super) fn place(&mut self, account: usize, new: &NewOrder) -> Result<OrderAnswer, Refusal> {
        let (symbol, kind) = self.judge(account, new)?;
        let id = self.accounts[account].next_order;
        let order = self.order(account, id, symbol, kind, new)?;
        if new.order_type != OrderType::Limit && new.order_type.has_limit() {
            return self.place_waiting(account, symbol, order, new);
        }
        let resting = self.note(account, id, symbol, new);
        let tick = self.boards[symbol.index()].instrument.tick;
        let told = self.send(account, symbol, &order);
        if let Some((_, why)) = told.rejected.iter().find(|(rejected, _)| *rejected == id) {
            if *why == VenueReject::WouldTake && self.post_only_expires {
                return Ok(self.expire(account, resting));
            }
            return Err(Refusal::of_order(*why, &order, &self.boards[symbol.index()].instrument));
        }
        let full = new.new_order_resp_type == Some(ResponseType::Result);
        let now = self.accounts[account].orders.get(&id).map(|record| record.answer(tick, false));
        Ok(if full { now.unwrap_or(resting) } else { resting })
    }

    /// The order as the core's exchange takes it.
    fn order(
        &self,
        account: usize,
        id: u64,
        symbol: SymbolId,
        kind: OrderKind,
        new: &NewOrder,
    ) -> Result<Order, Refusal> {
        let owner = &self.accounts[account];
        let side = new.side.core().ok_or_else(|| Refusal::new(-1117, "Invalid side."))?;
        let stance = Stance::of(new.position_side.as_ref()).unwrap_or(Stance::Both);
        // In hedge mode the side says what an order is for: selling a long one is closing it, and never more.
        let closes = matches!((stance, side), (Stance::Long, model::Side::Sell) | (Stance::Short, model::Side::Buy));
        Ok(Order {
            id: exchange_id(id),
            portfolio: PortfolioId::at(0),
            symbol: owner.purse.slot(symbol, stance),
            side,
            kind,
            qty: new.quantity.filter(|_| new.close_position != Some(true)).unwrap_or(Qty::ZERO),
            reduce_only: new.reduce_only == Some(true) || (closes && new.close_position != Some(true)),
            close_position: new.close_position == Some(true),
            leverage: owner.leverage[symbol.index()],
            purpose: Purpose::Entry,
        })
    }

    /// Takes a new order into the books; gives how it stands there.
    fn note(&mut self, account: usize, id: u64, symbol: SymbolId, new: &NewOrder) -> OrderAnswer {
        let owner = &mut self.accounts[account];
        owner.next_order = id + 1;
        let client_id = new.new_client_order_id.clone().unwrap_or_else(|| format!("venue-{id}"));
        owner.note(Record::new(id, symbol, new, client_id, self.now));
        owner.orders[&id].answer(self.boards[symbol.index()].instrument.tick, false)
    }

    /// Sends an order and lets it arrive.
    pub(super) fn send(&mut self, account: usize, symbol: SymbolId, order: &Order) -> Told {
        let now = self.now;
        if self.boards[symbol.index()].last.is_some() {
            self.accounts[account].purse.submit(now, order);
            return self.poke(account, symbol);
        }
        // Without a price nothing can arrive: the exchange would keep it for ever.
        let kind = ReportKind::Rejected(VenueReject::NoMarket);
        self.settle(account, &[VenueEvent::Order { id: order.id, symbol: order.symbol, at: now, kind }])
    }

    /// A limit order that waits for its trigger: checked as a stop of its kind would be, and kept here.
    fn place_waiting(
        &mut self,
        account: usize,
        symbol: SymbolId,
        order: Order,
        new: &NewOrder,
    ) -> Result<OrderAnswer, Refusal> {
        let trigger = new.stop_price.unwrap_or(Price::ZERO);
        let is_stop = new.order_type == OrderType::Stop;
        let kind = if is_stop { OrderKind::StopMarket { trigger } } else { OrderKind::TakeProfitMarket { trigger } };
        self.rehearse(account, symbol, &Order { kind, ..order.clone() })?;
        let (id, now) = (self.accounts[account].next_order, self.now);
        let resting = self.note(account, id, symbol, new);
        let rises = (order.side == model::Side::Buy) == is_stop;
        let event = life::order_news(&self.accounts[account], &self.boards, id, now);
        self.accounts[account].waiting.insert(id, Waiting { symbol, trigger, rises, order });
        self.tell(account, &event);
        self.drive(account, &event);
        Ok(resting)
    }

    /// Whether an order would be taken now.
    fn rehearse(&self, account: usize, symbol: SymbolId, order: &Order) -> Result<(), Refusal> {
        let Some(price) = self.boards[symbol.index()].last else {
            return Err(Refusal::of_exchange(VenueReject::NoMarket));
        };
        let (mut purse, mut batch) = (self.accounts[account].purse.clone(), Vec::new());
        purse.submit(self.now, order);
        purse.quote(self.now, symbol, price, &mut batch);
        match rejection(&batch, order.id) {
            Some(why) => Err(Refusal::of_order(why, order, &self.boards[symbol.index()].instrument)),
            None => Ok(()),
        }
    }

    /// Sends the waiting orders whose trigger a price has met.
    pub(super) fn trigger_all(&mut self, symbol: SymbolId, price: Price) {
        for account in 0..self.accounts.len() {
            let met = self.accounts[account].waiting.iter();
            let met = met.filter(|(_, waiting)| waiting.symbol == symbol && waiting.is_met(price));
            let ids: Vec<u64> = met.map(|(id, _)| *id).collect();
            for id in ids {
                let Some(waiting) = self.accounts[account].waiting.remove(&id) else { continue };
                if let Some(record) = self.accounts[account].orders.get_mut(&id) {
                    record.is_triggered = true;
                }
                self.send(account, symbol, &waiting.order);
            }
        }
    }

    /// Ends waiting orders that what happened leaves without a reason: all of them at a liquidation, and those that
    /// only reduce when their position is gone.
    pub(super) fn sweep_waiting(&mut self, account: usize, batch: &[VenueEvent]) {
        if self.accounts[account].waiting.is_empty() {
            return;
        }
        let liquidated = batch.iter().any(|event| matches!(event, VenueEvent::Liquidation { .. }));
        let filled = |slot| {
            let is_fill = |event: &VenueEvent| matches!(event, VenueEvent::Order { symbol, kind: ReportKind::Filled { .. }, .. } if *symbol == slot);
            batch.iter().any(is_fill)
        };
        let owner = &self.accounts[account];
        let is_over = |waiting: &Waiting| {
            let slot = waiting.order.symbol;
            liquidated || (waiting.order.reduce_only && filled(slot) && owner.holdings[slot.index()].is_flat())
        };
        let over = owner.waiting.iter().filter(|(_, waiting)| is_over(waiting));
        let ids: Vec<u64> = over.map(|(id, _)| *id).collect();
        let why = if liquidated { CancelReason::Liquidation } else { CancelReason::PositionClosed };
        ids.into_iter().for_each(|id| self.drop_waiting(account, id, why));
    }

    /// Ends a waiting order.
    pub(super) fn drop_waiting(&mut self, account: usize, id: u64, why: CancelReason) {
        let Some(waiting) = self.accounts[account].waiting.remove(&id) else { return };
        let (order, kind) = (waiting.order, ReportKind::Canceled(why));
        self.settle(account, &[VenueEvent::Order { id: order.id, symbol: order.symbol, at: self.now, kind }]);
    }

    /// Changes price and quantity of a limit order. What is refused leaves it as it was.
    pub(super) fn modify(&mut self, account: usize, change: &ModifyOrder) -> Result<OrderAnswer, Refusal> {
        let named = OrderRef {
            order_id: change.order_id,
            orig_client_order_id: change.orig_client_order_id.clone(),
            symbol: change.symbol.clone(),
        };
        let found = self.find_order(account, &named)?.filter(|record| record.is_open());
        let record = found.ok_or_else(Refusal::no_order)?.clone();
        if record.orig_type != OrderType::Limit {
            return Err(Refusal::new(-1116, "Invalid orderType: only LIMIT orders can be changed."));
        }
        if (record.price, record.qty) == (change.price, change.quantity) {
            return Err(Refusal::new(-5027, "No need to modify the order."));
        }
        if record.changes >= MAX_CHANGES {
            return Err(Refusal::new(-5026, "Exceed maximum modify order limit."));
        }
        // The family's rule, of which AsterDEX's documents say nothing: what is executed already is as much as was wanted.
        if change.quantity <= record.executed && !record.executed.is_zero() {
            let id = record.id;
            self.cancel_id(account, id, record.symbol);
            let tick = self.boards[record.symbol.index()].instrument.tick;
            let ended = self.accounts[account].orders.get(&id);
            return ended.map(|record| record.answer(tick, false)).ok_or_else(Refusal::no_order);
        }
        let new = NewOrder {
            price: Some(change.price),
            quantity: Some(change.quantity - record.executed),
            time_in_force: Some(record.tif.clone()),
            position_side: Some(record.stance.wire()),
            reduce_only: record.reduce_only.then_some(true),
            ..NewOrder::new(record.name.clone(), record.side.clone(), OrderType::Limit)
        };
        let board = &self.boards[record.symbol.index()];
        precision(&new, board)?;
        prices(&new, board)?;
        let order = self.order(account, record.id, record.symbol, kind_of(&new)?, &new)?;
        let Some(price) = board.last else { return Err(Refusal::of_exchange(VenueReject::NoMarket)) };
        let (now, mut batch, owner) = (self.now, Vec::new(), &mut self.accounts[account]);
        let before = owner.purse.clone();
        owner.purse.cancel(now, order.id, order.symbol);
        owner.purse.quote(now, record.symbol, price, &mut batch);
        batch.clear();
        owner.purse.submit(now, &order);
        owner.purse.quote(now, record.symbol, price, &mut batch);
        if let Some(why) = rejection(&batch, order.id) {
            owner.purse = before;
            return Err(Refusal::of_order(why, &order, &board.instrument));
        }
        let changed = Record { price: change.price, qty: change.quantity, changes: record.changes + 1, ..record };
        let id = changed.id;
        owner.orders.insert(id, Record { updated: now, ..changed });
        self.settle(account, &batch);
        let tick = self.boards[self.symbol(&change.symbol)?.index()].instrument.tick;
        self.accounts[account].orders.get(&id).map(|record| record.answer(tick, false)).ok_or_else(Refusal::no_order)
    }

    /// A post-only order that would have traded, where such orders are taken and expire.
    fn expire(&mut self, account: usize, resting: OrderAnswer) -> OrderAnswer {
        let expired = OrderAnswer { status: OrderStatus::Expired, ..resting };
        let symbol = self.symbol(&expired.symbol).unwrap_or_default();
        let side = expired.side.clone();
        let mut request = NewOrder::new(expired.symbol.clone(), side, expired.order_type.clone());
        (request.price, request.quantity) = (Some(expired.price), Some(expired.orig_qty));
        request.time_in_force = Some(expired.time_in_force.clone());
        request.position_side.clone_from(&expired.position_side);
        let mut record = Record::new(expired.order_id, symbol, &request, expired.client_order_id.clone(), self.now);
        record.status = OrderStatus::Expired;
        self.accounts[account].orders.insert(record.id, record);
        expired
    }

    /// Lets an account's exchange do at this moment what is due.
    pub(super) fn poke(&mut self, account: usize, symbol: SymbolId) -> Told {
        let mut batch = Vec::new();
        if let Some(price) = self.boards[symbol.index()].last {
            let now = self.now;
            self.accounts[account].purse.quote(now, symbol, price, &mut batch);
        }
        self.settle(account, &batch)
    }

    /// Its symbol and kind, or why it is refused.
    pub(super) fn judge(&self, account: usize, new: &NewOrder) -> Result<(SymbolId, OrderKind), Refusal> {
        words(new)?;
        let symbol = self.symbol(&new.symbol)?;
        let board = &self.boards[symbol.index()];
        stance(new, self.accounts[account].purse.hedge)?;
        combination(new)?;
        let kind = kind_of(new)?;
        if let Some(id) = &new.new_client_order_id {
            let letters = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte));
            if !(1..=36).contains(&id.len()) || !letters {
                return Err(Refusal::new(-4015, "Client order id is not valid."));
            }
            if self.accounts[account].open.contains_key(id) {
                return Err(Refusal::of_exchange(VenueReject::DuplicateId));
            }
        }
        precision(new, board)?;
        prices(new, board)?;
        Ok((symbol, kind))
    }
}

/// Why an order was refused on arrival, if it was.
fn rejection(batch: &[VenueEvent], order: model::OrderId) -> Option<VenueReject> {
    batch.iter().find_map(|event| match *event {
        VenueEvent::Order { id, kind: ReportKind::Rejected(why), .. } if id == order => Some(why),
        _ => None,
    })
}

/// Whether the position named is one that the account's mode has, and the order one that it takes.
fn stance(new: &NewOrder, hedge: bool) -> Result<(), Refusal> {
    let stance = Stance::of(new.position_side.as_ref()).ok_or_else(|| Refusal::new(-4060, "Invalid position side."))?;
    if (stance == Stance::Both) == hedge {
        return Err(Refusal::new(-4061, "Order's position side does not match user's setting."));
    }
    if hedge && new.reduce_only.is_some() {
        return Err(Refusal::new(-1106, "Parameter 'reduceOnly' sent when not required."));
    }
    let opens = matches!(
        (stance, new.side.core()),
        (Stance::Long, Some(model::Side::Buy)) | (Stance::Short, Some(model::Side::Sell))
    );
    if opens && new.close_position == Some(true) {
        return Err(Refusal::new(-1128, "closePosition closes: SELL a LONG position, BUY a SHORT one."));
    }
    Ok(())
}

/// Words of closed sets.
fn words(new: &NewOrder) -> Result<(), Refusal> {
    if !new.side.is_known() {
        return Err(Refusal::new(-1117, "Invalid side."));
    }
    if !new.order_type.is_known() || new.order_type == OrderType::Liquidation {
        return Err(Refusal::new(-1116, "Invalid orderType."));
    }
    if new.time_in_force.as_ref().is_some_and(|tif| !tif.is_known() || *tif == TimeInForce::GteGtc) {
        return Err(Refusal::new(-1115, "Invalid timeInForce."));
    }
    if new.working_type.as_ref().is_some_and(|working| !WorkingType::is_known(working)) {
        return Err(Refusal::new(-4031, "Invalid working type."));
    }
    if new.new_order_resp_type.as_ref().is_some_and(|response| !response.is_known()) {
        return Err(Refusal::new(-1136, "Invalid newOrderRespType."));
    }
    if new.stp_mode.as_ref().is_some_and(|mode| !mode.is_known()) {
        return Err(Refusal::value("stpMode", "EXPIRE_TAKER, EXPIRE_MAKER and EXPIRE_BOTH are"));
    }
    if new.peg_price_type.is_some() || new.peg_offset.is_some() {
        return Err(Refusal::not_simulated("pegged orders"));
    }
    Ok(())
}

/// What a type needs and may not have.
fn combination(new: &NewOrder) -> Result<(), Refusal> {
    let needs = |there: bool, name: &str| if there { Ok(()) } else { Err(Refusal::parameter(name)) };
    let closes = new.close_position == Some(true);
    let triggered = matches!(new.order_type, OrderType::StopMarket | OrderType::TakeProfitMarket);
    if closes && !triggered {
        return Err(Refusal::new(-1128, "closePosition is for STOP_MARKET and TAKE_PROFIT_MARKET only."));
    }
    if closes && new.quantity.is_some() {
        return Err(Refusal::new(-4137, "Quantity must be zero with closePosition equals true."));
    }
    if closes && new.reduce_only.is_some() {
        return Err(Refusal::new(-1106, "Parameter 'reduceOnly' sent when not required."));
    }
    needs(closes || new.quantity.is_some(), "quantity")?;
    match new.order_type {
        OrderType::Limit => {
            needs(new.price.is_some(), "price")?;
            needs(new.time_in_force.is_some(), "timeInForce")?;
        }
        OrderType::Market if new.price.is_some() => {
            return Err(Refusal::new(-1106, "Parameter 'price' sent when not required."));
        }
        OrderType::StopMarket | OrderType::TakeProfitMarket => needs(new.stop_price.is_some(), "stopPrice")?,
        OrderType::Stop | OrderType::TakeProfit => {
            needs(new.price.is_some(), "price")?;
            needs(new.stop_price.is_some(), "stopPrice")?;
        }
        OrderType::TrailingStopMarket => {
            let callback = new.callback_rate.ok_or_else(|| Refusal::parameter("callbackRate"))?;
            if callback < Rate(10_000_000) || callback > Rate::whole(5) {
                return Err(Refusal::value("callbackRate", "it must be 0.1 to 5"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn kind_of(new: &NewOrder) -> Result<OrderKind, Refusal> {
    let trigger = new.stop_price.unwrap_or(Price::ZERO);
    Ok(match new.order_type {
        OrderType::Market => OrderKind::Market,
        OrderType::Limit | OrderType::Stop | OrderType::TakeProfit => {
            let tif = match new.time_in_force {
                Some(TimeInForce::Ioc) => model::TimeInForce::Ioc,
                Some(TimeInForce::Fok) => model::TimeInForce::Fok,
                Some(TimeInForce::Gtx) => model::TimeInForce::PostOnly,
                _ => model::TimeInForce::Gtc,
            };
            OrderKind::Limit { price: new.price.unwrap_or(Price::ZERO), tif }
        }
        OrderType::StopMarket => OrderKind::StopMarket { trigger },
        OrderType::TakeProfitMarket => OrderKind::TakeProfitMarket { trigger },
        OrderType::TrailingStopMarket => OrderKind::TrailingStopMarket {
            activation: new.activation_price,
            // Percent there, a share here.
            callback: Rate(new.callback_rate.unwrap_or(Rate::ZERO).0 / 100),
        },
        _ => return Err(Refusal::new(-1116, "Invalid orderType.")),
    })
}

/// Decimals beyond those of tick and step.
fn precision(new: &NewOrder, board: &Board) -> Result<(), Refusal> {
    let over = |value: i64, step: i64| value % 10i64.pow(8 - decimals(step)) != 0;
    let tick = board.instrument.tick.0;
    let prices = [new.price, new.stop_price, new.activation_price];
    if prices.into_iter().flatten().any(|price| over(price.0, tick))
        || new.quantity.is_some_and(|qty| over(qty.0, board.instrument.step.0))
    {
        return Err(Refusal::new(-1111, "Precision is over the maximum defined for this asset."));
    }
    Ok(())
}

/// Prices and quantity where the venue has finer codes than the exchange.
fn prices(new: &NewOrder, board: &Board) -> Result<(), Refusal> {
    let instrument = &board.instrument;
    let tick = instrument.tick;
    let code =
        |code: i64, msg: &str, seen: &dyn Display, limit: &dyn Display| Err(Refusal::filter(code, msg, seen, limit));
    if let Some(price) = new.price.filter(|_| new.order_type.has_limit()) {
        if price < Price::ZERO {
            return code(-4001, "Price less than 0.", &price, &0);
        }
        if price < instrument.tick {
            return code(-4013, "Price less than min price.", &price, &tick);
        }
        if price > MAX_PRICE {
            return code(-4002, "Price greater than max price.", &price, &MAX_PRICE);
        }
        if price.0 % instrument.tick.0.max(1) != 0 {
            return code(-4014, "Price not increased by tick size.", &price, &tick);
        }
        // A limit behind a trigger is measured by the trigger: by then the price is there.
        let waits = new.stop_price.filter(|_| new.order_type != OrderType::Limit);
        let measure = waits.or(board.last).unwrap_or(price);
        let sign = new.side.core().map_or(1, model::Side::sign);
        let bound = measure.times(Rate(Rate::ONE.0 + sign * instrument.price_band.0), Round::Nearest);
        if sign > 0 && price > bound {
            return match waits {
                Some(_) => code(-4183, "Limit price can't be higher than the stop price's cap.", &price, &bound),
                None => code(-4016, "Limit price can't be higher than the cap.", &price, &bound),
            };
        }
        if sign < 0 && price < bound {
            return match waits {
                Some(_) => code(-4184, "Limit price can't be lower than the stop price's floor.", &price, &bound),
                None => code(-4024, "Limit price can't be lower than the floor.", &price, &bound),
            };
        }
    }
    for stop in [new.stop_price, new.activation_price].into_iter().flatten() {
        if stop <= Price::ZERO {
            return code(-4006, "Stop price less than zero.", &stop, &0);
        }
        if stop > MAX_PRICE {
            return code(-4007, "Stop price greater than max price.", &stop, &MAX_PRICE);
        }
    }
    if let Some(qty) = new.quantity {
        if qty <= Qty::ZERO {
            return code(-4003, "Quantity less than or equal to zero.", &qty, &instrument.min_qty);
        }
        if qty > instrument.max_qty {
            return code(-4005, "Quantity greater than max quantity.", &qty, &instrument.max_qty);
        }
        // Above this the exact amounts end; every table of brackets ends far below.
        let prices = [new.price, new.stop_price, new.activation_price, board.last];
        let price = prices.into_iter().flatten().max().unwrap_or(MAX_PRICE);
        if i128::from(qty.0) * i128::from(price.0) > i128::from(Usd::whole(1_000_000_000).0) * i128::from(Usd::ONE.0) {
            let most = Usd::whole(1_000_000_000);
            return code(-2027, "Exceeded the maximum allowable position at current leverage.", &qty, &most);
        }
    }
    Ok(())
}
