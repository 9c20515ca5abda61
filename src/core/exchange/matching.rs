//! Walking time: what is due next, in which order, and what becomes of it. At one instant comes first
//! what the account owes (liquidation), then what stands at the venue in the order in which the price
//! met it, then what arrives in the order in which it was sent.

use super::book::{opening, reduces, reducible};
use super::path::{Leg, POINTS, Way};
use super::price::{Execution, is_marketable};
use super::{Calm, Exchange, OpenOrder, Request};
use crate::model::{
    CancelReason, Candle, Closes, Interval, Order, OrderId, OrderKind, Price, PriceRange, Qty, ReportKind, SymbolId,
    Time, Usd, VenueEvent,
};

/// Something that happens by itself. The order of the variants is their order at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// Of an isolated position, or of the account.
    Liquidation(Option<SymbolId>),
    /// An open order: by symbol, by how far the price had to go to it, by acceptance; and the price an
    /// order that waited for it can trade at.
    Open { symbol: SymbolId, distance: i64, index: usize, price: Price },
    /// A request, by its place in the queue.
    Arrival(usize),
}

impl Exchange {
    /// Moves towards a point of the step. Stops at the first instant at which something happens,
    /// pushes that instant's events and returns; called again it goes on from there. When it pushes
    /// nothing the point is reached.
    pub fn advance(&mut self, point: usize, events: &mut Vec<VenueEvent>) {
        let Some(walk) = self.walk else { return };
        let goal = walk.time(point);
        if goal < self.now {
            return;
        }
        if self.is_calm() {
            self.now = goal;
            self.reach((point + 1).min(POINTS));
            return;
        }
        let pushed_before = events.len();
        while let Some(walk) = self.walk {
            let is_jump = walk.reached == 0;
            let leg_end = if walk.reached == POINTS { goal } else { walk.time(walk.reached) };
            let horizon = leg_end.min(goal);
            let happened = events.len() > pushed_before;
            // A jump trades at no instant before its own, and what arrives then arrives after it.
            let from = if is_jump { horizon } else { self.now };
            if let Some((at, due)) = self.next_due(from, horizon, !is_jump) {
                if happened && at > self.now {
                    return;
                }
                self.move_to(at);
                self.carry_out(due, events);
            } else if happened && horizon > self.now {
                return;
            } else {
                self.move_to(horizon);
                if walk.reached == POINTS || horizon < leg_end || (happened && !is_jump) {
                    self.rest_if_done();
                    return;
                }
                self.reach(walk.reached + 1);
            }
        }
    }

    /// Sets a symbol's price to `price` at `at`, a jump. What is due earlier happens first, at the
    /// prices that stood. Ends the walk of a step's candles, if there is one.
    pub fn quote(&mut self, at: Time, symbol: SymbolId, price: Price, events: &mut Vec<VenueEvent>) {
        self.jump_to(at, symbol, price, None, events);
    }

    /// A [quote](Self::quote) that comes from a trade of so much: orders may trade their share of it.
    pub fn trade(&mut self, at: Time, symbol: SymbolId, price: Price, qty: Qty, events: &mut Vec<VenueEvent>) {
        self.jump_to(at, symbol, price, Some(qty), events);
    }

    fn jump_to(&mut self, at: Time, symbol: SymbolId, price: Price, traded: Option<Qty>, events: &mut Vec<VenueEvent>) {
        self.settle();
        self.walk = None;
        if symbol.index() >= self.markets.len() {
            return;
        }
        let at = at.max(self.now);
        self.run_until(at.plus(-1), events);
        if let Some(traded) = traded {
            self.supply(symbol.index(), traded);
        }
        let market = &self.markets[symbol.index()];
        let from = market.last.unwrap_or(price);
        self.jump = Some((symbol, Leg { from, to: price, start: at, end: at }));
        while let Some((at, due)) = self.next_due(at, at, false) {
            self.move_to(at);
            self.carry_out(due, events);
        }
        self.move_to(at);
        self.jump = None;
        self.book.iter_mut().filter(|open| open.order.symbol == symbol).for_each(|open| open.track(price, price));
        self.note_quote(at, symbol, price);
        self.run_until(at, events);
        self.calm = Calm::Unknown;
    }

    /// Lets everything up to `horizon` happen at prices that stand.
    fn run_until(&mut self, horizon: Time, events: &mut Vec<VenueEvent>) {
        while let Some((at, due)) = self.next_due(self.now.min(horizon), horizon, true) {
            self.move_to(at);
            self.carry_out(due, events);
        }
    }

    /// Whether nothing can happen in the rest of the step.
    fn is_calm(&mut self) -> bool {
        if self.calm == Calm::Unknown {
            let calm = self.is_idle() || (self.nothing_arrives() && self.nothing_is_met() && self.is_margin_safe());
            self.calm = if calm { Calm::Yes } else { Calm::No };
        }
        self.calm == Calm::Yes
    }

    fn nothing_arrives(&self) -> bool {
        let end = self.walk.map_or(self.now, |walk| walk.time(POINTS));
        !self.queue.iter().any(|queued| queued.arrives <= end && self.is_served(queued.request.symbol()))
    }

    fn nothing_is_met(&self) -> bool {
        self.nothing_is_met_in(|symbol| self.markets[symbol.index()].range_ahead())
    }

    fn nothing_is_met_in(&self, range_of: impl Fn(SymbolId) -> Option<PriceRange>) -> bool {
        self.book.iter().all(|open| {
            let symbol = open.order.symbol;
            let Some(PriceRange { low, high }) = range_of(symbol) else { return true };
            match open.line(self.instruments[symbol.index()].tick, self.params.fill_on_trade_through) {
                // It watches prices, or trades with what they bring: the walk has to be walked.
                _ if open.is_trailing() || open.trades_at_market() => false,
                Some((way, line)) => !way.is_met(line, low) && !way.is_met(line, high),
                None => true,
            }
        })
    }

    /// Narrows ranges of prices, by symbol, to where no order is met as seen from the prices of a step.
    pub fn keep_clear(&self, own: &[Option<PriceRange>], ranges: &mut [Option<PriceRange>]) {
        for open in self.book.iter() {
            let symbol = open.order.symbol.index();
            let line = open.line(self.instruments[symbol].tick, self.params.fill_on_trade_through);
            if let (Some((_, line)), Some(Some(own)), Some(Some(range))) =
                (line, own.get(symbol), ranges.get_mut(symbol))
            {
                *range = range.short_of(line, *own);
            }
        }
    }

    /// Whether nothing can happen as long as no request is sent and all prices keep to these ranges, by
    /// symbol; a symbol without one stands at its price. Such steps may be [passed](Self::pass).
    pub fn is_calm_in(&self, ranges: &[Option<PriceRange>]) -> bool {
        let range_of = |symbol: SymbolId| ranges.get(symbol.index()).copied().flatten();
        self.is_idle()
            || (self.queue.is_empty() && self.nothing_is_met_in(range_of) && self.is_margin_safe_in(range_of))
    }

    /// Goes to the end of a step in which [nothing can happen](Self::is_calm_in).
    pub fn pass(&mut self) {
        let Some(walk) = &mut self.walk else { return };
        debug_assert!(self.now <= walk.start, "invariant: steps follow each other");
        walk.reached = POINTS;
        self.now = walk.time(POINTS);
        self.calm = Calm::Unknown;
    }

    /// Goes through several steps in which [nothing can happen](Self::is_calm_in), of which `candles` are the
    /// last and `closes` are the closes, by symbol.
    pub fn pass_to(&mut self, interval: Interval, candles: &[Option<Candle>], closes: &[Option<Closes>]) {
        self.begin(interval, candles);
        for (market, closes) in self.markets.iter_mut().zip(closes) {
            market.last = closes.and_then(|closes| closes.before).or(market.last);
        }
        self.pass();
    }

    /// Whether requests for a symbol are answered now: not while it misses a candle, save that what
    /// never had a price can be refused.
    fn is_served(&self, symbol: SymbolId) -> bool {
        let Some(market) = self.markets.get(symbol.index()) else { return true };
        self.walk.is_none() || market.trading || market.last.is_none()
    }

    /// What happens first from `from` up to `horizon`.
    fn next_due(&self, from: Time, horizon: Time, arrivals: bool) -> Option<(Time, Due)> {
        let mut first: Option<(Time, Due)> = None;
        let mut offer = |at: Time, due: Due| {
            if at <= horizon && first.is_none_or(|first| (at, due) < first) {
                first = Some((at, due));
            }
        };
        if let Some((at, whose)) = self.next_liquidation(from, horizon) {
            offer(at, Due::Liquidation(whose));
        }
        for (index, open) in self.book.iter().enumerate() {
            let symbol = open.order.symbol;
            let instrument = &self.instruments[symbol.index()];
            let line = open.line(instrument.tick, self.params.fill_on_trade_through);
            // What waits for a trigger only begins to need something to trade with.
            if (open.takes || !open.order.kind.is_conditional()) && self.is_dry(symbol) {
                continue;
            }
            let Some(leg) = self.leg(symbol) else { continue };
            let Some((way, line)) = line else {
                if open.trades_at_market() {
                    // It has stood where the price comes from.
                    offer(from, Due::Open { symbol, distance: i64::MIN, index, price: leg.price_at(from) });
                }
                continue;
            };
            let Some((at, price)) = leg.meets(way, line, from) else { continue };
            let distance = (line.0 - leg.from.0) * if way == Way::Falls { -1 } else { 1 };
            offer(at, Due::Open { symbol, distance, index, price });
        }
        if arrivals {
            let served = |queued: &&super::Queued| self.is_served(queued.request.symbol());
            // The queue is in order of arrival, so the first that is served arrives first.
            if let Some((index, queued)) = self.queue.iter().enumerate().find(|(_, queued)| served(queued)) {
                offer(queued.arrives.max(from), Due::Arrival(index));
            }
        }
        first
    }

    fn carry_out(&mut self, due: Due, events: &mut Vec<VenueEvent>) {
        match due {
            Due::Liquidation(whose) => self.liquidate(whose, events),
            Due::Open { index, price, .. } => self.execute_open(index, price, events),
            Due::Arrival(index) => match self.queue[index].request.clone() {
                Request::Order(order) => self.arrive(&order, events),
                Request::Cancel { id, symbol } => self.arrive_cancel(id, symbol, events),
            },
        }
    }

    /// Goes to an instant; trailing stops see the way there.
    fn move_to(&mut self, at: Time) {
        if at <= self.now {
            return;
        }
        let before = self.now;
        self.now = at;
        if self.walk.is_some_and(|walk| walk.reached > 0) {
            self.let_trailing_see(|leg| (leg.price_at(before), leg.price_at(at)));
        }
    }

    /// Takes a point of the walk as reached.
    fn reach(&mut self, points: usize) {
        let Some(walk) = &mut self.walk else { return };
        let jumped = walk.reached == 0 && points > 0;
        walk.reached = walk.reached.max(points);
        if jumped {
            self.let_trailing_see(|leg| (leg.from, leg.from));
        }
        self.rest_if_done();
    }

    fn let_trailing_see(&mut self, seen: impl Fn(&Leg) -> (Price, Price)) {
        let Some(walk) = self.walk else { return };
        for open in self.book.iter_mut().filter(|open| open.is_trailing()) {
            let market = &self.markets[open.order.symbol.index()];
            if market.trading {
                let (from, to) = seen(&market.leg_to(&walk, walk.reached));
                open.track(from, to);
            }
        }
    }

    /// At the end of a step nothing transient is left, so that a folded account is the same.
    fn rest_if_done(&mut self) {
        if self.walk.is_some_and(|walk| walk.reached == POINTS) {
            self.calm = Calm::Unknown;
        }
    }

    /// An open order whose line the price met: a limit order that rested trades at its own price as maker, all
    /// others at the market from `price`; as much of it as there is anything to trade with.
    fn execute_open(&mut self, index: usize, price: Price, events: &mut Vec<VenueEvent>) {
        let open = self.book[index].clone();
        let order = &open.order;
        let held = self.holding(order.symbol).qty;
        let qty = if reduces(order) { reducible(order, open.leaves, held) } else { open.leaves };
        if qty.is_zero() {
            let gone = ReportKind::Canceled(CancelReason::PositionClosed);
            return self.report(order.id, order.symbol, gone, events);
        }
        let portion = self.portion(order.symbol, qty);
        let traded = if portion.is_zero() { qty } else { portion };
        let execution = match order.kind {
            OrderKind::Limit { price: limit, .. } if open.takes && is_marketable(order.side, limit, price) => {
                self.take(order.symbol, order.side, traded, price, Some(limit))
            }
            OrderKind::Limit { price, .. } => {
                Execution { side: order.side, qty: traded, price, maker: true, slippage: Usd::ZERO }
            }
            _ => self.take(order.symbol, order.side, traded, price, None),
        };
        let is_refused = order.kind.is_conditional()
            && !open.takes
            && !opening(order.side, qty, held).is_zero()
            && self.check_exposure(order, Some(&open), execution.price, price).is_err();
        if is_refused {
            return self.report(order.id, order.symbol, ReportKind::Canceled(CancelReason::Expired), events);
        }
        if portion.is_zero() {
            return self.report(order.id, order.symbol, ReportKind::Accepted, events);
        }
        self.execute(order, &execution, qty - portion, events);
    }

    /// Books an execution, after which `leaves` of its order is open, and cancels what it leaves without a position.
    pub(super) fn execute(&mut self, order: &Order, execution: &Execution, leaves: Qty, events: &mut Vec<VenueEvent>) {
        let fill = self.fill(execution);
        self.report(order.id, order.symbol, ReportKind::Filled { fill, leaves }, events);
        let held = self.holding(order.symbol).qty;
        while let Some(id) = self.orphan(order.symbol, held) {
            self.report(id, order.symbol, ReportKind::Canceled(CancelReason::PositionClosed), events);
        }
    }

    /// The first reducing order of a symbol that has nothing left to reduce.
    fn orphan(&self, symbol: SymbolId, held: Qty) -> Option<OrderId> {
        let mine = self.book.iter().filter(|open| open.order.symbol == symbol && reduces(&open.order));
        let over = |open: &&OpenOrder| reducible(&open.order, open.leaves, held).is_zero();
        mine.filter(over).map(|open| open.order.id).next()
    }
}
