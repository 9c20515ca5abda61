//! One symbol as everybody sees it: price, book, trades, candles, funding. Knows no account.
//!
//! There is no real book behind the simulated exchange. The one shown is a function of the price: best bid and ask
//! where a taker trades, and levels on a fixed grid behind them. Orders of accounts are not in it.

use crate::aster::wire::{AggTrade, FundingRate, Kline, Level, Ticker24h, Trade};
use std::collections::VecDeque;
use swarm_core::model::{Candle, DAY_MS, Instrument, Millis, Price, Qty, Rate, Round, Time, Usd};

/// Candles of the base interval kept.
const CANDLES: usize = 12_000;
/// Trades kept.
pub(super) const TRADES: usize = 1_000;
/// Funding rates kept.
const FUNDING: usize = 1_000;
/// Levels of each side of the book.
pub(super) const LEVELS: usize = 50;

/// The two sides of a book, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Book {
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
}

/// A symbol.
#[derive(Debug)]
pub(super) struct Board {
    pub instrument: Instrument,
    /// Last price; `None` before the first.
    pub last: Option<Price>,
    pub last_qty: Qty,
    /// When it was last traded.
    pub traded_at: Time,
    pub trades: VecDeque<Trade>,
    next_trade: u64,
    /// Number of the book's state.
    pub update_id: u64,
    pub funding: VecDeque<FundingRate>,
    /// Closed candles of the base interval, oldest first.
    candles: VecDeque<Kline>,
    /// The candle being traded.
    pub forming: Option<Kline>,
    base_ms: Millis,
    spread: Rate,
    grid: Price,
    /// The first price there was.
    pub first: Option<Price>,
    /// The book as recorded, while it fits the price.
    recorded: Option<Book>,
}

impl Board {
    pub fn new(instrument: Instrument, base_ms: Millis, spread: Rate) -> Self {
        let grid = instrument.tick;
        Self {
            instrument,
            last: None,
            last_qty: Qty::ZERO,
            traded_at: Time::default(),
            trades: VecDeque::new(),
            next_trade: 1,
            update_id: 1,
            funding: VecDeque::new(),
            candles: VecDeque::new(),
            forming: None,
            base_ms,
            spread,
            grid,
            first: None,
            recorded: None,
        }
    }

    /// Takes a candle that happened before the venue opened.
    pub fn remember(&mut self, candle: &Candle) {
        let mut kline = fresh(candle.open_time, self.base_ms, candle.open);
        (kline.high, kline.low, kline.close) = (candle.high, candle.low, candle.close);
        kline.volume = candle.volume;
        kline.quote_volume = candle.volume * candle.close.to_f64();
        kline.trades = 1;
        (kline.taker_base, kline.taker_quote) = (kline.volume / 2.0, kline.quote_volume / 2.0);
        self.push(kline);
        self.set_price(candle.close_time_ms(self.base_ms), candle.close);
    }

    fn push(&mut self, kline: Kline) {
        if self.candles.len() >= CANDLES {
            self.candles.pop_front();
        }
        self.candles.push_back(kline);
    }

    fn set_price(&mut self, at: Time, price: Price) {
        if self.first.is_none() {
            self.first = Some(price);
            // About a hundredth of a percent, a power of ten of ticks, so that levels keep their places.
            let wanted = price.0 / 10_000;
            while self.grid.0 > 0 && self.grid.0.saturating_mul(10) <= wanted {
                self.grid.0 *= 10;
            }
        }
        self.last = Some(price);
        self.traded_at = at;
        self.update_id += 1;
    }

    /// A trade at a price.
    pub fn trade(&mut self, at: Time, price: Price, qty: Qty, is_buyer_maker: Option<bool>) -> &Trade {
        let is_buyer_maker = is_buyer_maker.unwrap_or_else(|| self.last.is_some_and(|last| price < last));
        // A trade beyond the recorded book says that the book is an old one.
        self.recorded.take_if(|book| {
            let beyond = |level: Option<&Level>, is_beyond: fn(Price, Price) -> bool| {
                level.is_none_or(|level| is_beyond(price, level.price))
            };
            beyond(book.bids.first(), |price, bid| price < bid) || beyond(book.asks.first(), |price, ask| price > ask)
        });
        self.set_price(at, price);
        self.last_qty = qty;
        let quote = Usd::notional(price, qty, Round::Nearest);
        let forming = self.forming.get_or_insert_with(|| fresh(at.floor(self.base_ms), self.base_ms, price));
        (forming.high, forming.low, forming.close) = (forming.high.max(price), forming.low.min(price), price);
        forming.volume += qty.to_f64();
        forming.quote_volume += quote.to_f64();
        forming.trades += 1;
        if !is_buyer_maker {
            forming.taker_base += qty.to_f64();
            forming.taker_quote += quote.to_f64();
        }
        if self.trades.len() >= TRADES {
            self.trades.pop_front();
        }
        let id = self.next_trade;
        self.next_trade += 1;
        self.trades.push_back(Trade { id, price, qty, quote_qty: quote, time: at, is_buyer_maker });
        self.trades.back().expect("invariant: it was just pushed")
    }

    /// Ends the candle being traded.
    pub fn close(&mut self) {
        if let Some(kline) = self.forming.take() {
            self.push(kline);
        }
    }

    /// Notes a funding payment, and the price it was computed at where that is known.
    pub fn fund(&mut self, at: Time, rate: Rate, mark_price: Option<Price>) {
        if self.funding.len() >= FUNDING {
            self.funding.pop_front();
        }
        let row =
            FundingRate { symbol: self.instrument.symbol.clone(), funding_rate: rate, funding_time: at, mark_price };
        self.funding.push_back(row);
    }

    /// The rate of the latest payment.
    pub fn rate(&self) -> Rate {
        self.funding.back().map_or(Rate(10_000), |row| row.funding_rate)
    }

    /// Where a taker buys and sells.
    pub fn quotes(&self) -> Option<(Price, Price)> {
        let last = self.last?;
        let half = Rate(self.spread.0 / 2);
        let tick = self.instrument.tick;
        let ask = last.times(Rate(Rate::ONE.0 + half.0), Round::Up).snap(tick, Round::Up);
        let bid = last.times(Rate(Rate::ONE.0 - half.0), Round::Down).snap(tick, Round::Down);
        let ask = if ask > bid { ask } else { bid + tick };
        Some((bid.max(tick), ask))
    }

    /// Takes a recorded book; one that is crossed or lacks a side is passed over. Quantities that were not recorded are
    /// those that the price's own book has there.
    pub fn see(&mut self, mut book: Book) {
        let best = |side: &[Level]| side.first().map(|level| level.price);
        let (Some(bid), Some(ask)) = (best(&book.bids), best(&book.asks)) else { return };
        if bid >= ask {
            return;
        }
        for level in book.bids.iter_mut().chain(&mut book.asks).filter(|level| level.qty.is_zero()) {
            level.qty = self.depth_at(level.price);
        }
        self.recorded = Some(book);
        self.update_id += 1;
    }

    /// The book as it is shown.
    pub fn book(&self) -> Book {
        if let Some(book) = &self.recorded {
            return book.clone();
        }
        let Some((bid, ask)) = self.quotes() else { return Book::default() };
        let level = |price: Price| Level { price, qty: self.depth_at(price) };
        let below = bid.snap(self.grid, Round::Down);
        let above = ask.snap(self.grid, Round::Up);
        let behind = |start: Price, best: Price, sign: i64| {
            let mut levels = vec![level(best)];
            let places = (0i64..).map(|place| Price(start.0 + sign * place * self.grid.0));
            let places = places.take_while(|price| price.0 > 0).filter(|price| *price != best);
            levels.extend(places.take(LEVELS - 1).map(level));
            levels
        };
        Book { bids: behind(below, bid, -1), asks: behind(above, ask, 1) }
    }

    /// Quantity at a price: some 20,000 to 80,000 USDT, always the same at the same price.
    fn depth_at(&self, price: Price) -> Qty {
        let mixed = (price.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        let usd = Usd::whole(20_000 + (mixed % 60_000) as i64);
        let step = self.instrument.step;
        Qty::worth(usd, price, Round::Down).snap(step, Round::Down).max(self.instrument.min_qty)
    }

    /// Candles of an interval that is a multiple of the base and that begin from `from` to `to`, oldest first, the one
    /// being traded last.
    pub fn klines(&self, ms: Millis, from: Time, to: Time, limit: usize, newest: bool) -> Vec<Kline> {
        let mut klines: Vec<Kline> = Vec::new();
        for base in self.candles.iter().chain(&self.forming) {
            // A candle is chosen by its own start, and then whole.
            let open_time = kline_start(base.open_time, ms);
            if open_time < from || open_time > to {
                continue;
            }
            let full = klines.len() == limit && !newest;
            match klines.last_mut() {
                Some(last) if last.open_time == open_time => merge(last, base),
                _ if full => break,
                _ => klines.push(Kline { open_time, close_time: open_time.plus(ms - 1), ..*base }),
            }
        }
        let extra = klines.len().saturating_sub(limit);
        klines.drain(..extra);
        klines.iter_mut().for_each(tidy);
        klines
    }

    /// The candle of an interval that holds a moment.
    pub fn kline_at(&self, ms: Millis, at: Time) -> Option<Kline> {
        self.klines(ms, kline_start(at, ms), at, 1, true).pop()
    }

    /// The last 24 hours.
    pub fn day(&self, now: Time) -> Option<Ticker24h> {
        let last = self.last?;
        let from = now.plus(-DAY_MS);
        let before = self.candles.iter().rev().find(|base| base.open_time < from).map(|base| base.close);
        let mut sum: Option<Kline> = None;
        for base in self.candles.iter().chain(&self.forming).filter(|base| base.open_time >= from) {
            match &mut sum {
                Some(sum) => merge(sum, base),
                None => sum = Some(*base),
            }
        }
        let mut sum = sum.unwrap_or_else(|| fresh(now, self.base_ms, last));
        tidy(&mut sum);
        let average = if sum.volume > 0.0 { Price::from_f64(sum.quote_volume / sum.volume) } else { None };
        let average = average.unwrap_or(last).max(sum.low).min(sum.high);
        let change = last - sum.open;
        let percent = Rate::from_f64(change.to_f64() / sum.open.to_f64() * 100.0).unwrap_or(Rate::ZERO);
        let last_id = self.trades.back().map_or(-1, |trade| i64::try_from(trade.id).unwrap_or(i64::MAX));
        Some(Ticker24h {
            symbol: self.instrument.symbol.clone(),
            price_change: change,
            price_change_percent: percent.snap(Rate(100_000), Round::Nearest),
            weighted_avg_price: average.snap(self.instrument.tick, Round::Nearest),
            prev_close_price: Some(before.unwrap_or(sum.open)),
            last_price: last,
            last_qty: self.last_qty,
            open_price: sum.open,
            high_price: sum.high,
            low_price: sum.low,
            volume: sum.volume,
            quote_volume: sum.quote_volume,
            open_time: from,
            close_time: now,
            first_id: self.trades.front().map_or(-1, |trade| i64::try_from(trade.id).unwrap_or(i64::MAX)),
            last_id,
            count: sum.trades,
        })
    }
}

/// A trade as the aggregated lists show it: each stands for itself.
pub(super) const fn aggregate(trade: &Trade) -> AggTrade {
    AggTrade {
        id: trade.id,
        price: trade.price,
        qty: trade.qty,
        first: trade.id,
        last: trade.id,
        time: trade.time,
        is_buyer_maker: trade.is_buyer_maker,
    }
}

/// What changed from one book to the next, for each side: new quantities, 0 where a level is gone.
pub(super) fn difference(before: &[Level], after: &[Level]) -> Vec<Level> {
    let gone = before.iter().filter(|level| !after.iter().any(|other| other.price == level.price));
    let mut changed: Vec<Level> = gone.map(|level| Level { price: level.price, qty: Qty::ZERO }).collect();
    changed.extend(after.iter().filter(|level| !before.contains(level)).copied());
    changed
}

const fn fresh(open_time: Time, ms: Millis, price: Price) -> Kline {
    Kline {
        open_time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 0.0,
        close_time: open_time.plus(ms - 1),
        quote_volume: 0.0,
        trades: 0,
        taker_base: 0.0,
        taker_quote: 0.0,
    }
}

/// When the candle of an interval begins that holds a moment: a week's on Monday.
fn kline_start(at: Time, ms: Millis) -> Time {
    if ms == 7 * DAY_MS { at.plus(3 * DAY_MS).floor(ms).plus(-3 * DAY_MS) } else { at.floor(ms) }
}

fn merge(into: &mut Kline, next: &Kline) {
    (into.high, into.low, into.close) = (into.high.max(next.high), into.low.min(next.low), next.close);
    into.volume += next.volume;
    into.quote_volume += next.quote_volume;
    into.trades += next.trades;
    into.taker_base += next.taker_base;
    into.taker_quote += next.taker_quote;
}

/// Takes away what adding left beyond eight decimals, which no venue writes.
fn tidy(kline: &mut Kline) {
    for sum in [&mut kline.volume, &mut kline.quote_volume, &mut kline.taker_base, &mut kline.taker_quote] {
        *sum = (*sum * 1e8).round() / 1e8;
    }
}

/// Ends of candles whose length is not in the type.
trait Closing {
    fn close_time_ms(&self, ms: Millis) -> Time;
}

impl Closing for Candle {
    fn close_time_ms(&self, ms: Millis) -> Time {
        self.open_time.plus(ms - 1)
    }
}
