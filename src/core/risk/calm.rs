//! Marks that lead to nothing, which are most of them: no guard has anything to do at them, and no
//! breaker has anything to note. Whether that is so is found out for ranges of prices and a span of time,
//! before any of the marks comes. "No" only means that one has to look at each.

use super::book::Book;
use super::engagement::Engagement;
use super::supervisor::Supervisor;
use crate::model::{Closes, Plan, PortfolioId, Price, PriceRange, SymbolId, Time, Usd};
use crate::orders::Context;

/// From when to when marks come, both inclusive.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Not before the first mark.
    pub first: Time,
    /// Not after the last mark.
    pub last: Time,
}

/// Least and most that an equity can come to, in USDT.
#[derive(Clone, Copy)]
struct Bounds {
    low: Usd,
    high: Usd,
}

impl Bounds {
    const fn at(amount: Usd) -> Self {
        Self { low: amount, high: amount }
    }
    fn add(&mut self, other: Self) {
        self.low += other.low;
        self.high += other.high;
    }
    /// Wide enough for `amount` too.
    fn include(&mut self, amount: Usd) {
        self.low = self.low.min(amount);
        self.high = self.high.max(amount);
    }
}

impl Supervisor {
    /// Whether marks in these ranges (by symbol; a symbol without one keeps its mark), at any instants of
    /// the span, change nothing but marks and equity: no fact, no command, no watermark follows from them.
    pub fn is_calm_in(&self, ranges: &[Option<PriceRange>], span: Span) -> bool {
        let mut swarm = Bounds::at(self.swarm_equity);
        let mut is_exposed = false;
        for (plan, book) in self.plan.portfolios.iter().zip(&self.books) {
            if book.engagements.is_empty() {
                continue;
            }
            is_exposed = true;
            let Some(mut bounds) = self.book_bounds(book, ranges, span) else { return false };
            // Until its own marks come, the others see what it was worth before.
            bounds.include(book.equity);
            if !book.breaker.is_calm(bounds.low, bounds.high, span, plan.limits.max_drawdown) {
                return false;
            }
            swarm.low += bounds.low - book.equity;
            swarm.high += bounds.high - book.equity;
        }
        !is_exposed || self.swarm_breaker.is_calm(swarm.low, swarm.high, span, self.plan.limits.max_drawdown)
    }

    /// Narrows ranges of prices, by symbol, and the last time of a span to where guards rest, as seen from the prices and
    /// the time of a step.
    pub fn keep_clear(
        &self,
        own: &[Option<PriceRange>],
        now: Time,
        ranges: &mut [Option<PriceRange>],
        last: &mut Time,
    ) {
        for one in self.books.iter().flat_map(|book| &book.engagements) {
            let (until, lines) = one.rest.ends();
            if until > now {
                *last = (*last).min(until.plus(-1));
            }
            let symbol = one.symbol.index();
            if let (Some(Some(range)), Some(Some(own))) = (ranges.get_mut(symbol), own.get(symbol)) {
                *range = lines.into_iter().fold(*range, |range, line| range.short_of(line, *own));
            }
        }
    }

    /// What a portfolio may be worth meanwhile; `None` when a guard or an agent's breaker needs a look.
    fn book_bounds(&self, book: &Book, ranges: &[Option<PriceRange>], span: Span) -> Option<Bounds> {
        let mut equity = Bounds::at(book.account.wallet);
        for one in &book.engagements {
            let open = profit_bounds(&self.plan, one, *ranges.get(one.symbol.index())?, span)?;
            equity.add(open);
            let agent = one.agent();
            let limits = &self.plan.agents[agent.index()].limits;
            if super::watch::is_watched(limits) {
                if book.on_symbol(one.symbol).len() > 1 {
                    return None;
                }
                let money = self.agent_money(agent);
                let breaker = &self.agents[agent.index()].breaker;
                if !breaker.is_calm(money + open.low, money + open.high, span, limits.max_drawdown) {
                    return None;
                }
            }
        }
        Some(equity)
    }

    /// Neither guards nor breakers have anything to do until then, as long as there is no fact.
    pub const fn rest_until(&mut self, until: Time) {
        self.calm_until = Some(until);
    }

    /// Whether no portfolio holds more than one position. Then all figures of a portfolio rise or fall with
    /// one price, so that the lowest and the highest of several closes show the extremes of each.
    pub fn has_single_positions(&self) -> bool {
        self.books.iter().all(|book| book.open_positions() <= 1)
    }

    /// The end of a step that is [calm](Self::is_calm_in): positions stand at these prices, by symbol.
    #[inline]
    pub fn stand_at(&mut self, price: impl Fn(SymbolId) -> Option<Price>) {
        for index in 0..self.books.len() {
            let book = &mut self.books[index];
            let mut is_moved = false;
            for one in &mut book.engagements {
                let Some(mark) = price(one.symbol).filter(|_| one.position.is_open()) else { continue };
                is_moved |= one.position.mark() != mark || one.position.settled_mark != mark;
                one.position.set_mark(mark);
                one.position.settled_mark = mark;
            }
            if is_moved {
                self.refresh_equity(PortfolioId::at(index));
                self.books[index].note_extremes();
            }
        }
    }

    /// Several steps at once that are [calm](Self::is_calm_in), with [single positions](Self::has_single_positions),
    /// from their closes by symbol: everything stands at the last, and was seen at the lowest and the highest.
    pub fn pass_stretch(&mut self, closes: &[Option<Closes>]) {
        let of = |symbol: SymbolId| closes.get(symbol.index()).copied().flatten();
        self.stand_at(|symbol| of(symbol).map(|closes| closes.low));
        self.stand_at(|symbol| of(symbol).map(|closes| closes.high));
        self.stand_at(|symbol| of(symbol).map(|closes| closes.last));
    }

    /// What the market's prices are after several steps; the last ended at `last`, the one before it at `before`.
    pub fn know_closes(&mut self, closes: &[Option<Closes>], before: Time, last: Time) {
        for (index, closes) in closes.iter().enumerate() {
            let Some(closes) = closes else { continue };
            if let Some(close) = closes.before {
                self.market.candle(SymbolId::at(index), before, close);
            }
            self.market.candle(SymbolId::at(index), last, closes.last);
        }
    }
}

/// Open profit in a range of prices; `None` when the guard may have something to do on the way.
fn profit_bounds(plan: &Plan, one: &Engagement, range: Option<PriceRange>, span: Span) -> Option<Bounds> {
    let mark = one.position.mark();
    let PriceRange { low, high } = match range {
        Some(range) if one.position.is_open() => range,
        _ => PriceRange { low: mark, high: mark },
    };
    let is_at_rest = |mark: Price| one.rests(&Context { mark, ..one.context(plan, span.last, true) });
    // A price that makes no sense is not taken for a mark.
    if (one.position.is_open() && low <= Price::ZERO) || !is_at_rest(low) || !is_at_rest(high) {
        return None;
    }
    if !one.position.is_open() {
        return Some(Bounds::at(Usd::ZERO));
    }
    let holding = &one.position.holding;
    let (at_low, at_high) = (holding.unrealized(low), holding.unrealized(high));
    Some(Bounds { low: at_low.min(at_high), high: at_low.max(at_high) })
}
