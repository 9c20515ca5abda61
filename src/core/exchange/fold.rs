//! How events and facts change the account: the one path for both, so that an account folded from its
//! journal is the account that lived. Decides nothing.

use super::path::{POINTS, Walk};
use super::{Calm, Exchange, OpenOrder, Request};
use crate::model::{
    CancelReason, Fact, Fill, OrderId, Price, Qty, ReportKind, Round, SymbolId, Time, Usd, VenueEvent, mul_div,
};

impl Exchange {
    /// Folds a fact of this account; the caller passes this portfolio's orders, cancels and venue
    /// events, the candles that the account walked, the single prices it was quoted (each before the
    /// events it caused), and the ends of steps. After each [`Fact::StepEnd`] the result equals the
    /// account as it lived. Other facts change nothing.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Candle { symbol, candle } => {
                let is_next = self.walk.is_none_or(|walk| walk.start != candle.open_time || walk.reached > 0);
                if is_next {
                    self.settle();
                    self.walk = Some(Walk::new(candle.open_time, 0));
                }
                if symbol.index() < self.markets.len() {
                    self.begin_symbol(symbol.index(), candle);
                }
            }
            Fact::Order { at, order } => self.submit(*at, order),
            Fact::Cancel { at, id, symbol, .. } => self.cancel(*at, *id, *symbol),
            Fact::Venue { event, .. } => {
                self.apply_event(event);
                self.let_accepted_see_quote(event);
            }
            Fact::Mark { at, symbol, price } => {
                self.settle();
                self.walk = None;
                self.see_quote(*at, *symbol, *price);
            }
            Fact::StepEnd { at } => self.end_step(*at),
            _ => {}
        }
    }

    /// Applies one event of this account.
    pub(super) fn apply_event(&mut self, event: &VenueEvent) {
        self.calm = Calm::Unknown;
        match *event {
            VenueEvent::Order { id, symbol, at, kind } => self.apply_report(id, symbol, at, &kind),
            VenueEvent::Funding { symbol, amount, .. } => {
                self.wallet += amount;
                if self.params.isolated_margin
                    && let Some(account) = self.accounts.get_mut(symbol.index())
                {
                    account.isolated_margin += amount;
                }
            }
            VenueEvent::Liquidation { symbol, fill, .. } => self.apply_fill(symbol, &fill),
            VenueEvent::Transfer { amount, .. } => self.wallet += amount,
        }
    }

    fn apply_report(&mut self, id: OrderId, symbol: SymbolId, at: Time, kind: &ReportKind) {
        match *kind {
            ReportKind::Accepted => {
                if let Some(open) = self.book.iter_mut().find(|open| open.order.id == id) {
                    open.take();
                } else if let Some(order) = self.unqueue_order(id) {
                    self.note_leverage(&order);
                    self.book.push(OpenOrder::new(order, at));
                }
            }
            ReportKind::Rejected(_) => {
                self.unqueue_order(id);
            }
            ReportKind::Filled { fill, leaves } => {
                if let Some(index) = self.book.iter().position(|open| open.order.id == id) {
                    if leaves.is_zero() {
                        self.book.remove(index);
                    } else {
                        self.book[index].execute(&fill, leaves);
                    }
                } else if let Some(order) = self.unqueue_order(id) {
                    self.note_leverage(&order);
                    if !leaves.is_zero() {
                        let mut open = OpenOrder::new(order, at);
                        open.execute(&fill, leaves);
                        self.book.push(open);
                    }
                }
                self.drain(symbol, fill.qty);
                self.apply_fill(symbol, &fill);
            }
            ReportKind::Canceled(why) => {
                if why == CancelReason::Requested {
                    self.unqueue_cancel(id);
                }
                match self.book.iter().position(|open| open.order.id == id) {
                    Some(index) => drop(self.book.remove(index)),
                    None => drop(self.unqueue_order(id)),
                }
            }
            ReportKind::CancelRejected => self.unqueue_cancel(id),
        }
    }

    fn note_leverage(&mut self, order: &crate::model::Order) {
        if !super::book::reduces(order)
            && let Some(account) = self.accounts.get_mut(order.symbol.index())
        {
            account.leverage = order.leverage;
        }
    }

    fn unqueue_order(&mut self, id: OrderId) -> Option<crate::model::Order> {
        let is_it = |queued: &super::Queued| matches!(&queued.request, Request::Order(order) if order.id == id);
        let index = self.queue.iter().position(is_it)?;
        match self.queue.remove(index)?.request {
            Request::Order(order) => Some(order),
            Request::Cancel { .. } => None,
        }
    }

    fn unqueue_cancel(&mut self, cancelled: OrderId) {
        let is_it = |queued: &super::Queued| matches!(queued.request, Request::Cancel { id, .. } if id == cancelled);
        if let Some(index) = self.queue.iter().position(is_it) {
            self.queue.remove(index);
        }
    }

    fn apply_fill(&mut self, symbol: SymbolId, fill: &Fill) {
        self.next_trade = fill.trade + 1;
        let Some(account) = self.accounts.get_mut(symbol.index()) else { return };
        let before = account.holding.qty;
        let realized = account.holding.apply(fill.side, fill.qty, fill.price);
        self.wallet += realized - fill.fee;
        let after = account.holding.qty;
        if self.params.isolated_margin {
            account.isolated_margin =
                isolated_margin(account.isolated_margin, account.leverage, before, after, fill.price);
        }
        match (self.held.binary_search(&symbol), after.is_zero()) {
            (Ok(place), true) => drop(self.held.remove(place)),
            (Err(place), false) => self.held.insert(place, symbol),
            _ => {}
        }
    }

    /// Ends a folded step: everything has walked to the close.
    fn end_step(&mut self, at: Time) {
        self.calm = Calm::Unknown;
        let Some(walk) = &mut self.walk else { return };
        if walk.reached > 0 {
            // This step brought no candle at all.
            self.settle();
            self.walk = None;
            return;
        }
        walk.length = at.since(walk.start);
        walk.reached = POINTS;
        let walk = *walk;
        self.now = walk.time(POINTS);
        for open in self.book.iter_mut().filter(|open| open.is_trailing()) {
            let market = &self.markets[open.order.symbol.index()];
            if market.trading {
                // The jump to the open needs no look: both its ends are ends of other legs.
                (1..POINTS).for_each(|point| open.track_leg(&market.leg_to(&walk, point)));
            }
        }
    }

    /// Records a price that came without a candle.
    pub(super) fn note_quote(&mut self, at: Time, symbol: SymbolId, price: Price) {
        if let Some(market) = self.markets.get_mut(symbol.index()) {
            market.before_quote = market.last;
            market.last = Some(price);
            market.quoted_at = at;
        }
    }

    fn see_quote(&mut self, at: Time, symbol: SymbolId, price: Price) {
        let at = at.max(self.now);
        self.now = at;
        self.note_quote(at, symbol, price);
        self.book.iter_mut().filter(|open| open.order.symbol == symbol).for_each(|open| open.track(price, price));
        self.calm = Calm::Unknown;
    }

    /// A folded quote comes before its events; what was accepted before the quote also saw the price
    /// that it replaced.
    fn let_accepted_see_quote(&mut self, event: &VenueEvent) {
        let VenueEvent::Order { id, symbol, at, kind: ReportKind::Accepted } = *event else { return };
        if self.walk.is_some() {
            return;
        }
        let Some(market) = self.markets.get(symbol.index()) else { return };
        let earlier = if at < market.quoted_at { market.before_quote } else { None };
        let (last, open) = (market.last, self.book.last_mut().filter(|open| open.order.id == id));
        if let (Some(last), Some(open)) = (last, open) {
            let first = earlier.unwrap_or(last);
            open.track(first, first);
            open.track(last, last);
        }
    }
}

/// The margin set apart after a fill: a reduction releases its share, an increase adds its own.
fn isolated_margin(margin: Usd, leverage: u32, before: Qty, after: Qty, price: Price) -> Usd {
    let (was, is) = (before.0.abs(), after.0.abs());
    let turned = before.0.signum() * after.0.signum() < 0;
    let (kept, opened) = if turned || was == 0 { (0, is) } else { (was.min(is), (is - was).max(0)) };
    let kept_margin = match kept {
        0 => Usd::ZERO,
        _ if kept == was => margin,
        _ => Usd(mul_div(margin.0, kept, was, Round::Down)),
    };
    if opened == 0 {
        return kept_margin;
    }
    kept_margin + super::margin::initial(Usd::notional(price, Qty(opened), Round::Up), leverage)
}
