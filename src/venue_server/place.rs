//! Whether a new order is taken, and what becomes of it at once. Checks stand in the documented order of codes; what
//! the exchange checks itself is left to it.

use super::board::Board;
use super::info::{MAX_PRICE, decimals};
use super::records::{Record, exchange_id};
use super::refusal::Refusal;
use super::venue::Venue;
use crate::aster::wire::{
    NewOrder, OrderAnswer, OrderStatus, OrderType, PositionSide, ResponseType, TimeInForce, WorkingType,
};
use swarm_core::model::{
    self, Order, OrderKind, PortfolioId, Price, Purpose, Qty, Rate, ReportKind, Round, SymbolId, Usd, VenueReject,
};

/// Most orders of one batch.
pub(super) const MAX_BATCH: usize = 5;

impl Venue {
    /// Places an order of an account.
    pub(super) fn place(&mut self, account: usize, new: &NewOrder) -> Result<OrderAnswer, Refusal> {
        let (symbol, kind) = self.judge(account, new)?;
        let owner = &mut self.accounts[account];
        let id = owner.next_order;
        let side = new.side.core().ok_or_else(|| Refusal::new(-1117, "Invalid side."))?;
        let order = Order {
            id: exchange_id(id),
            portfolio: PortfolioId::at(0),
            symbol,
            side,
            kind,
            qty: new.quantity.filter(|_| new.close_position != Some(true)).unwrap_or(Qty::ZERO),
            reduce_only: new.reduce_only == Some(true),
            close_position: new.close_position == Some(true),
            leverage: owner.leverage[symbol.index()],
            purpose: Purpose::Entry,
        };
        owner.next_order += 1;
        let client_id = new.new_client_order_id.clone().unwrap_or_else(|| format!("venue-{id}"));
        owner.note(Record::new(id, symbol, new, client_id, self.now));
        let tick = self.boards[symbol.index()].instrument.tick;
        let resting = self.accounts[account].orders[&id].answer(tick, false);
        owner_submits(self, account, &order);
        let told = self.poke(account, symbol);
        if let Some((_, why)) = told.rejected.iter().find(|(rejected, _)| *rejected == id) {
            if *why == VenueReject::WouldTake && self.post_only_expires {
                return Ok(self.expire(account, resting));
            }
            return Err(Refusal::of_exchange(*why));
        }
        let full = new.new_order_resp_type == Some(ResponseType::Result);
        let now = self.accounts[account].orders.get(&id).map(|record| record.answer(tick, false));
        Ok(if full { now.unwrap_or(resting) } else { resting })
    }

    /// A post-only order that would have traded, where such orders are taken and expire.
    fn expire(&mut self, account: usize, resting: OrderAnswer) -> OrderAnswer {
        let expired = OrderAnswer { status: OrderStatus::Expired, ..resting };
        let symbol = self.symbol(&expired.symbol).unwrap_or_default();
        let side = expired.side.clone();
        let mut request = NewOrder::new(expired.symbol.clone(), side, expired.order_type.clone());
        (request.price, request.quantity) = (Some(expired.price), Some(expired.orig_qty));
        request.time_in_force = Some(expired.time_in_force.clone());
        let mut record = Record::new(expired.order_id, symbol, &request, expired.client_order_id.clone(), self.now);
        record.status = OrderStatus::Expired;
        self.accounts[account].orders.insert(record.id, record);
        expired
    }

    /// Lets an account's exchange do at this moment what is due.
    pub(super) fn poke(&mut self, account: usize, symbol: SymbolId) -> super::life::Told {
        let mut batch = Vec::new();
        if let Some(price) = self.boards[symbol.index()].last {
            let now = self.now;
            self.accounts[account].exchange.quote(now, symbol, price, &mut batch);
        }
        self.settle(account, &batch)
    }

    /// The order as the core's exchange takes it, or why not.
    fn judge(&self, account: usize, new: &NewOrder) -> Result<(SymbolId, OrderKind), Refusal> {
        words(new)?;
        let symbol = self.symbol(&new.symbol)?;
        let board = &self.boards[symbol.index()];
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

fn owner_submits(venue: &mut Venue, account: usize, order: &Order) {
    let now = venue.now;
    if venue.boards[order.symbol.index()].last.is_some() {
        venue.accounts[account].exchange.submit(now, order);
        return;
    }
    // Without a price nothing can arrive: the exchange would keep it for ever.
    let kind = ReportKind::Rejected(VenueReject::NoMarket);
    let event = model::VenueEvent::Order { id: order.id, symbol: order.symbol, at: now, kind };
    venue.settle(account, &[event]);
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
    match &new.position_side {
        None | Some(PositionSide::Both) => {}
        Some(PositionSide::Long | PositionSide::Short) => {
            return Err(Refusal::new(-4061, "Order's position side does not match user's setting."));
        }
        Some(PositionSide::Other(_)) => return Err(Refusal::new(-4060, "Invalid position side.")),
    }
    if matches!(new.order_type, OrderType::Stop | OrderType::TakeProfit) {
        return Err(Refusal::not_simulated("STOP and TAKE_PROFIT orders with a limit price"));
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
        OrderType::Limit => {
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
    let code = |code: i64, msg: &str| Err(Refusal::new(code, msg));
    if let Some(price) = new.price.filter(|_| new.order_type == OrderType::Limit) {
        if price < Price::ZERO {
            return code(-4001, "Price less than 0.");
        }
        if price < instrument.tick {
            return code(-4013, "Price less than min price.");
        }
        if price > MAX_PRICE {
            return code(-4002, "Price greater than max price.");
        }
        let mark = board.last.unwrap_or(price);
        let sign = new.side.core().map_or(1, model::Side::sign);
        let bound = mark.times(Rate(Rate::ONE.0 + sign * instrument.price_band.0), Round::Nearest);
        if sign > 0 && price > bound {
            return code(-4016, "Limit price can't be higher than the cap of PERCENT_PRICE.");
        }
        if sign < 0 && price < bound {
            return code(-4024, "Limit price can't be lower than the floor of PERCENT_PRICE.");
        }
    }
    for stop in [new.stop_price, new.activation_price].into_iter().flatten() {
        if stop <= Price::ZERO {
            return code(-4006, "Stop price less than zero.");
        }
        if stop > MAX_PRICE {
            return code(-4007, "Stop price greater than max price.");
        }
    }
    if let Some(qty) = new.quantity {
        if qty <= Qty::ZERO {
            return code(-4003, "Quantity less than or equal to zero.");
        }
        if qty > instrument.max_qty {
            return code(-4005, "Quantity greater than max quantity.");
        }
        // Above this the exact amounts end; every table of brackets ends far below.
        let prices = [new.price, new.stop_price, new.activation_price, board.last];
        let price = prices.into_iter().flatten().max().unwrap_or(MAX_PRICE);
        if i128::from(qty.0) * i128::from(price.0) > i128::from(Usd::whole(1_000_000_000).0) * i128::from(Usd::ONE.0) {
            return code(-2027, "Exceeded the maximum allowable position at current leverage.");
        }
    }
    Ok(())
}
