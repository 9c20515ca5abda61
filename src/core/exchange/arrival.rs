//! A request reaches the venue: refused, executed, resting, or cancelling. Judging changes nothing;
//! what is decided becomes an event.

use super::Exchange;
use super::book::{reduces, reducible};
use super::filters::{self, is_immediate};
use super::price::{Execution, is_marketable};
use crate::model::{
    CancelReason, Order, OrderId, OrderKind, Price, Qty, ReportKind, SymbolId, TimeInForce, VenueEvent, VenueReject,
};

/// What becomes of an order on its arrival, when it is not refused.
enum Outcome {
    /// It trades; the second is what it could not trade at once.
    Take(Execution, Qty),
    /// It would trade, but there is nothing to trade with.
    Wait,
    /// It rests, or waits for its trigger.
    Rest,
    /// It can trade nothing at once and does not rest.
    Expire,
}

impl Exchange {
    pub(super) fn arrive(&mut self, order: &Order, events: &mut Vec<VenueEvent>) {
        let (id, symbol) = (order.id, order.symbol);
        match self.judge(order) {
            Err(why) => self.report(id, symbol, ReportKind::Rejected(why), events),
            Ok(Outcome::Take(execution, leaves)) => {
                self.execute(order, &execution, leaves, events);
                if is_immediate(&order.kind) && self.book.iter().any(|open| open.order.id == id) {
                    self.report(id, symbol, ReportKind::Canceled(CancelReason::Immediate), events);
                }
            }
            Ok(Outcome::Wait) => {
                // Twice, which tells it from one that rests.
                self.report(id, symbol, ReportKind::Accepted, events);
                self.report(id, symbol, ReportKind::Accepted, events);
            }
            Ok(Outcome::Expire) => self.report(id, symbol, ReportKind::Canceled(CancelReason::Immediate), events),
            Ok(Outcome::Rest) => {
                self.report(id, symbol, ReportKind::Accepted, events);
                if let (Some(price), Some(open)) = (self.price(symbol), self.book.last_mut()) {
                    open.track(price, price);
                }
            }
        }
    }

    pub(super) fn arrive_cancel(&mut self, id: OrderId, symbol: SymbolId, events: &mut Vec<VenueEvent>) {
        let is_open = self.book.iter().any(|open| open.order.id == id);
        let kind = if is_open { ReportKind::Canceled(CancelReason::Requested) } else { ReportKind::CancelRejected };
        self.report(id, symbol, kind, events);
    }

    /// The checks in AsterDEX's order; the first that fails answers.
    fn judge(&self, order: &Order) -> Result<Outcome, VenueReject> {
        let (Some(instrument), Some(leg)) = (self.instruments.get(order.symbol.index()), self.leg(order.symbol)) else {
            return Err(VenueReject::NoMarket);
        };
        if self.book.iter().any(|open| open.order.id == order.id) {
            return Err(VenueReject::DuplicateId);
        }
        let mark = leg.price_at(self.now);
        filters::check(order, instrument, mark)?;
        let takes = match order.kind {
            OrderKind::Market => true,
            OrderKind::Limit { price, tif } => self.check_tif(order, price, tif, mark)?,
            _ => false,
        };
        let held = self.holding(order.symbol).qty;
        let qty = if reduces(order) { reducible(order, order.qty, held) } else { order.qty };
        let portion = self.portion(order.symbol, qty);
        if !is_immediate(&order.kind) && (!takes || portion < qty) {
            let open = self.book.iter().filter(|open| open.order.symbol == order.symbol).count();
            if open >= instrument.max_open_orders as usize {
                return Err(VenueReject::TooManyOrders);
            }
        }
        if qty.is_zero() {
            return Err(VenueReject::ReduceOnly);
        }
        if !takes {
            self.check_exposure(order, None, resting_price(&order.kind).unwrap_or(mark), mark)?;
            return Ok(if is_immediate(&order.kind) { Outcome::Expire } else { Outcome::Rest });
        }
        let base = self.arrival_price(order.symbol, &leg, self.now, order.side);
        let limit = match order.kind {
            OrderKind::Limit { price, .. } => Some(price),
            _ => None,
        };
        let execution = self.take(order.symbol, order.side, if portion.is_zero() { qty } else { portion }, base, limit);
        self.check_exposure(order, None, execution.price, mark)?;
        match order.kind {
            OrderKind::Limit { tif: TimeInForce::Fok, .. } if portion < qty => Err(VenueReject::CannotFill),
            kind if portion.is_zero() && is_immediate(&kind) => Ok(Outcome::Expire),
            _ if portion.is_zero() => Ok(Outcome::Wait),
            _ => Ok(Outcome::Take(execution, qty - portion)),
        }
    }

    /// Whether a limit order takes at once, and whether it may.
    fn check_tif(&self, order: &Order, limit: Price, tif: TimeInForce, mark: Price) -> Result<bool, VenueReject> {
        match (tif, is_marketable(order.side, limit, mark)) {
            (TimeInForce::PostOnly, true) => Err(VenueReject::WouldTake),
            (TimeInForce::Fok, false) => Err(VenueReject::CannotFill),
            (_, takes) => Ok(takes),
        }
    }
}

/// The price an order that does not trade at once is expected to trade at.
fn resting_price(kind: &OrderKind) -> Option<Price> {
    match *kind {
        OrderKind::Limit { price, .. } => Some(price),
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfitMarket { trigger } => Some(trigger),
        OrderKind::Market | OrderKind::TrailingStopMarket { .. } => None,
    }
}
