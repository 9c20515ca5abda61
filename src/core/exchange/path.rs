//! The way of prices: the four points of a candle, the legs between them, and when a leg meets a
//! price. Knows no order beyond which side of the market the account is on.

use super::book::reducible;
use super::{Exchange, OpenOrder, Request};
use crate::model::{
    Candle, CandlePath, Millis, Order, OrderKind, Price, PriceRange, Qty, Round, SymbolId, Time, mul_div,
};
use serde::{Deserialize, Serialize};

/// Points of a candle: open, the two extremes, close.
pub const POINTS: usize = 4;

/// The time of a step, and how far it is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    /// Open time of the candles.
    pub start: Time,
    /// Length of the candles; 0 while a fold has not yet met the end of the step.
    pub length: Millis,
    /// How many points' prices are reached: 0 to [`POINTS`].
    pub reached: usize,
}

impl Walk {
    pub const fn new(start: Time, length: Millis) -> Self {
        Self { start, length, reached: 0 }
    }
    /// When a point is reached: at the start, a third, two thirds, and the last millisecond.
    pub const fn time(&self, point: usize) -> Time {
        self.start.plus(match point {
            0 => 0,
            1 => self.length / 3,
            2 => self.length * 2 / 3,
            _ => self.length - 1,
        })
    }
}

/// Where a price stands on one symbol, and the way it takes in this step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Market {
    /// Price before this step, or the last single price.
    pub last: Option<Price>,
    /// Whether the symbol has a candle in this step.
    pub trading: bool,
    /// The candle's prices in the order of the path.
    pub points: [Price; POINTS],
    /// Volume of the last candle in base units; `None` before the first.
    pub volume: Option<f64>,
    /// The price that the last single price took the place of.
    pub before_quote: Option<Price>,
    /// When that was.
    pub quoted_at: Time,
    /// What the account's orders may still trade until the market trades again; `None` is any quantity.
    pub liquidity: Option<Qty>,
}

impl Market {
    /// Prices of the candle, while there is one.
    pub fn range_ahead(&self) -> Option<PriceRange> {
        let [_, first, second, _] = self.points;
        self.trading.then(|| PriceRange { low: first.min(second), high: first.max(second) })
    }
    /// The leg that ends at `point`.
    pub fn leg_to(&self, walk: &Walk, point: usize) -> Leg {
        match point {
            0 => Leg {
                from: self.last.unwrap_or(self.points[0]),
                to: self.points[0],
                start: walk.start,
                end: walk.start,
            },
            1..POINTS => Leg {
                from: self.points[point - 1],
                to: self.points[point],
                start: walk.time(point - 1),
                end: walk.time(point),
            },
            _ => Leg::still(self.points[POINTS - 1]),
        }
    }
}

/// Which way a price must go to meet a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At or below it.
    Falls,
    /// At or above it.
    Rises,
}

impl Way {
    /// Whether `price` is at the line or beyond.
    pub fn is_met(self, line: Price, price: Price) -> bool {
        match self {
            Self::Falls => price <= line,
            Self::Rises => price >= line,
        }
    }
}

/// A straight way of one price. With `start == end` it is a jump, which trades at no price between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leg {
    pub from: Price,
    pub to: Price,
    pub start: Time,
    pub end: Time,
}

impl Leg {
    /// A price that stands.
    pub const fn still(price: Price) -> Self {
        Self { from: price, to: price, start: Time(i64::MIN), end: Time(i64::MIN) }
    }

    /// The price at an instant, to the nearest mantissa; before and after the leg its ends.
    pub fn price_at(&self, at: Time) -> Price {
        if at >= self.end {
            self.to
        } else if at <= self.start {
            self.from
        } else {
            let moved =
                mul_div(self.to.0 - self.from.0, at.since(self.start), self.end.since(self.start), Round::Nearest);
            Price(self.from.0 + moved)
        }
    }

    /// When, from `now` on, the price meets `line`, and at what price an order that waited for it can
    /// trade then: the line itself, or where the price stands when it got there by a jump.
    pub fn meets(&self, way: Way, line: Price, now: Time) -> Option<(Time, Price)> {
        // Prices between the ends lie between them, so most lines are ruled out here.
        if !way.is_met(line, self.to) && !way.is_met(line, self.from) {
            return None;
        }
        let here = self.price_at(now);
        if now >= self.start && way.is_met(line, here) {
            return Some((now, here));
        }
        if !way.is_met(line, self.to) {
            return None;
        }
        if self.start == self.end {
            return Some((self.end, self.to));
        }
        let (way_to_go, length) = ((line.0 - self.from.0).abs(), (self.to.0 - self.from.0).abs());
        let after = mul_div(way_to_go, self.end.since(self.start), length, Round::Up);
        Some((self.start.plus(after).max(now), line))
    }
}

impl Exchange {
    /// The way a symbol's price is on; `None` before its first price.
    pub(super) fn leg(&self, symbol: SymbolId) -> Option<Leg> {
        match self.jump {
            Some((jumping, leg)) if jumping == symbol => Some(leg),
            _ => self.leg_of(self.markets.get(symbol.index())?),
        }
    }

    pub(super) fn leg_of(&self, market: &Market) -> Option<Leg> {
        match &self.walk {
            // Before its first open a symbol has no price: the jump to it comes from nowhere.
            Some(walk) if market.trading && (market.last.is_some() || self.now >= walk.start) => {
                Some(market.leg_to(walk, walk.reached))
            }
            _ => market.last.map(Leg::still),
        }
    }

    /// Ends the step: the symbols that traded stand at their close.
    pub(super) fn settle(&mut self) {
        for market in self.markets.iter_mut().filter(|market| market.trading) {
            market.trading = false;
            market.last = Some(market.points[POINTS - 1]);
        }
    }

    /// Takes a symbol's candle into the step, and chooses its path.
    pub(super) fn begin_symbol(&mut self, index: usize, candle: &Candle) {
        let low_first = match self.params.path {
            CandlePath::OpenLowHighClose => true,
            CandlePath::OpenHighLowClose => false,
            CandlePath::Worse => self.exposure_ahead(index, candle.open) >= 0,
        };
        let (first, second) = if low_first { (candle.low, candle.high) } else { (candle.high, candle.low) };
        self.refill(index, candle.volume);
        let market = &mut self.markets[index];
        market.trading = true;
        market.points = [candle.open, first, second, candle.close];
        market.volume = Some(candle.volume);
    }

    /// Sign of what the account will hold once everything that can trade at once has traded; of what it
    /// holds when that is nothing.
    fn exposure_ahead(&self, index: usize, open: Price) -> i64 {
        let held = self.accounts[index].holding.qty;
        if self.queue.is_empty() && self.book.is_empty() {
            return held.0.signum();
        }
        let queued = self.queue.iter().filter_map(|queued| match &queued.request {
            Request::Order(order) if trades_at_once(order, open) => Some((order, order.qty)),
            _ => None,
        });
        let stands = |one: &&OpenOrder| one.trades_at_market() || trades_at_once(&one.order, open);
        let standing = self.book.iter().filter(stands).map(|one| (&one.order, one.leaves));
        let ahead = queued.chain(standing).filter(|(order, _)| order.symbol.index() == index).fold(held, ahead_of);
        if ahead.is_zero() { held.0.signum() } else { ahead.0.signum() }
    }
}

/// Whether an order that meets `open` trades there.
fn trades_at_once(order: &Order, open: Price) -> bool {
    match order.kind {
        OrderKind::Market => true,
        OrderKind::Limit { price, .. } => super::price::is_marketable(order.side, price, open),
        _ => false,
    }
}

fn ahead_of(held: Qty, (order, leaves): (&Order, Qty)) -> Qty {
    if !super::book::reduces(order) {
        return Qty(held.0.saturating_add(order.side.signed(leaves).0));
    }
    Qty(held.0 + order.side.sign() * reducible(order, leaves, held).0)
}
