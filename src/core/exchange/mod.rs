//! The simulated exchange: one account on a venue of perpetual futures, as a plain value.
//!
//! Candles or single prices and orders go in, venue events come out. `docs/exchange-model.md` states
//! the model. All that an event changes is changed in one place ([`apply_event`](Exchange::apply)),
//! live and when folding a journal. This room knows one account only: no other account, no agent's
//! wishes, no limits of ours, no clock and no queue position in a book.

mod arrival;
mod book;
mod filters;
mod fold;
mod liquidation;
mod liquidity;
mod margin;
mod matching;
mod path;
mod price;
mod saved;
#[cfg(test)]
mod tests;

pub use book::OpenOrder;
pub use path::POINTS;

use crate::model::{
    Candle, ExchangeParams, Holding, Instrument, Interval, Mark, Order, OrderId, Price, Qty, Rate, ReportKind, Round,
    SymbolId, Time, Usd, VenueEvent,
};
use path::{Leg, Market, Walk};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the account has on one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPosition {
    /// Signed quantity and signed cost.
    pub holding: Holding,
    /// Leverage set for the symbol by the latest order that could open there, in whole times.
    pub leverage: u32,
    /// Margin set apart for the position, in USDT; 0 when the account's positions share the wallet.
    pub isolated_margin: Usd,
}

/// Something on its way to the venue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Request {
    Order(Order),
    Cancel { id: OrderId, symbol: SymbolId },
}

impl Request {
    const fn symbol(&self) -> SymbolId {
        match self {
            Self::Order(order) => order.symbol,
            Self::Cancel { symbol, .. } => *symbol,
        }
    }
}

/// A request with its time of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Queued {
    arrives: Time,
    request: Request,
}

/// Whether anything can happen in the rest of the step: found once, forgotten at every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calm {
    Unknown,
    Yes,
    No,
}

/// One account on the simulated exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    params: ExchangeParams,
    instruments: Arc<[Instrument]>,
    /// By symbol.
    markets: Vec<Market>,
    /// By symbol.
    accounts: Vec<AccountPosition>,
    /// Symbols with a position, ascending: so that nothing walks over all symbols.
    held: Vec<SymbolId>,
    /// The step's time, while candles are walked.
    walk: Option<Walk>,
    /// The jump that a single price makes, while it is being met.
    jump: Option<(SymbolId, Leg)>,
    now: Time,
    wallet: Usd,
    next_trade: u64,
    /// By arrival; equal arrivals in the order they were sent.
    queue: VecDeque<Queued>,
    /// In the order of acceptance.
    book: Vec<OpenOrder>,
    calm: Calm,
}

impl Exchange {
    /// An account with `wallet` USDT, no position and no order, before its first price.
    pub fn new(params: ExchangeParams, instruments: impl Into<Arc<[Instrument]>>, wallet: Usd) -> Self {
        let instruments = instruments.into();
        let flat = AccountPosition { holding: Holding::FLAT, leverage: 1, isolated_margin: Usd::ZERO };
        let liquidity = params.participation.map(|_| Qty::ZERO);
        Self {
            params,
            markets: vec![Market { liquidity, ..Market::default() }; instruments.len()],
            accounts: vec![flat; instruments.len()],
            instruments,
            held: Vec::new(),
            walk: None,
            jump: None,
            now: Time::default(),
            wallet,
            next_trade: 1,
            queue: VecDeque::new(),
            book: Vec::new(),
            calm: Calm::Unknown,
        }
    }

    /// Sends an order: it arrives `latency_ms` after `now`. What becomes of it comes out of
    /// [`advance`](Self::advance) or [`quote`](Self::quote).
    pub fn submit(&mut self, now: Time, order: &Order) {
        self.send(now, Request::Order(order.clone()));
    }

    /// Sends a cancel, likewise. Each is answered once: by `Canceled(Requested)` or `CancelRejected`.
    pub fn cancel(&mut self, now: Time, id: OrderId, symbol: SymbolId) {
        self.send(now, Request::Cancel { id, symbol });
    }

    fn send(&mut self, now: Time, request: Request) {
        let arrives = now.plus(self.params.latency_ms);
        let place = self.queue.iter().rposition(|queued| queued.arrives <= arrives).map_or(0, |index| index + 1);
        self.queue.insert(place, Queued { arrives, request });
        self.calm = Calm::Unknown;
    }

    /// Begins a step: `candles` by symbol, all of `interval` and of one open time. Nothing moves yet:
    /// funding that is due is paid at the last price ([`fund`](Self::fund)), then
    /// [`advance`](Self::advance) walks the points.
    ///
    /// A symbol without a candle does not trade in this step: its price stands, and what is sent for it
    /// waits.
    pub fn begin(&mut self, interval: Interval, candles: &[Option<Candle>]) {
        self.settle();
        self.walk = None;
        for (index, candle) in candles.iter().enumerate().take(self.markets.len()) {
            let Some(candle) = candle else { continue };
            self.walk.get_or_insert(Walk::new(candle.open_time, interval.ms()));
            self.begin_symbol(index, candle);
        }
        self.calm = Calm::Unknown;
    }

    /// Books a funding payment on the open position, if any, at the last price. Positive rates are
    /// paid by longs. The event carries `at`, the time at which the payment was due.
    pub fn fund(&mut self, at: Time, symbol: SymbolId, rate: Rate, events: &mut Vec<VenueEvent>) {
        let (Some(position), Some(mark)) = (self.position(symbol), self.price(symbol)) else { return };
        let amount = price::funding(position.holding.qty, mark, rate);
        self.emit(VenueEvent::Funding { symbol, at, rate, mark, amount }, events);
    }

    /// Moves money in or, negative, out. No more leaves than is free: a withdrawal is cut to that, and
    /// one of nothing does not happen.
    pub fn transfer(&mut self, at: Time, amount: Usd, events: &mut Vec<VenueEvent>) {
        let amount = amount.max(-self.free_balance().max(Usd::ZERO));
        if !amount.is_zero() {
            self.emit(VenueEvent::Transfer { at, amount }, events);
        }
    }

    /// The prices of the symbols that have a candle in this step, at the instant reached. Replaces
    /// what is in `out`.
    pub fn marks(&self, out: &mut Vec<Mark>) {
        out.clear();
        if self.walk.is_none() {
            return;
        }
        for (index, market) in self.markets.iter().enumerate().filter(|(_, market)| market.trading) {
            let symbol = SymbolId::at(index);
            if let Some(price) = self.leg_of(market).map(|leg| leg.price_at(self.now)) {
                out.push(Mark { symbol, price });
            }
        }
    }

    /// The instant reached.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// A symbol's price at the instant reached; `None` before its first.
    pub fn price(&self, symbol: SymbolId) -> Option<Price> {
        self.leg(symbol).map(|leg| leg.price_at(self.now))
    }

    /// Money in the account without open profit, in USDT.
    pub const fn wallet(&self) -> Usd {
        self.wallet
    }

    /// Wallet and open profit at the prices of the instant reached, in USDT.
    pub fn equity(&self) -> Usd {
        self.wallet + self.held.iter().map(|symbol| self.unrealized(*symbol)).sum()
    }

    /// The open position of a symbol.
    pub fn position(&self, symbol: SymbolId) -> Option<&AccountPosition> {
        self.accounts.get(symbol.index()).filter(|account| !account.holding.is_flat())
    }

    /// Symbols with an open position, ascending.
    pub fn held(&self) -> &[SymbolId] {
        &self.held
    }

    /// The leverage set for a symbol, in whole times; 1 before the first order.
    pub fn leverage(&self, symbol: SymbolId) -> u32 {
        self.accounts.get(symbol.index()).map_or(1, |account| account.leverage)
    }

    /// Orders that rest or wait at the venue, in the order of their acceptance.
    pub fn open_orders(&self) -> impl Iterator<Item = &OpenOrder> {
        self.book.iter()
    }

    /// No position and no open or queued order: a step costs nothing.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.book.is_empty() && self.held.is_empty()
    }

    fn holding(&self, symbol: SymbolId) -> Holding {
        self.accounts.get(symbol.index()).map_or(Holding::FLAT, |account| account.holding)
    }

    fn unrealized(&self, symbol: SymbolId) -> Usd {
        let holding = self.holding(symbol);
        self.price(symbol).map_or(Usd::ZERO, |price| holding.unrealized(price))
    }

    /// Applies an event and hands it out: the only way anything is told.
    fn emit(&mut self, event: VenueEvent, events: &mut Vec<VenueEvent>) {
        self.apply_event(&event);
        events.push(event);
    }

    fn report(&mut self, id: OrderId, symbol: SymbolId, kind: ReportKind, events: &mut Vec<VenueEvent>) {
        self.emit(VenueEvent::Order { id, symbol, at: self.now, kind }, events);
    }

    /// Notional of `qty` at `price`, rounded up, whatever its sign.
    fn notional(price: Price, qty: Qty) -> Usd {
        Usd::notional(price, qty.abs(), Round::Up)
    }
}
