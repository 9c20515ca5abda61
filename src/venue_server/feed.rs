//! The market as single trades and books, in the order of time: candles become prices on straight lines between their
//! four points, recorded ticks stay what they are and make the candles. Knows no account and no clock.

use super::board::Book;
use crate::aster::wire::Level;
use std::collections::VecDeque;
use swarm_core::model::{Candle, FundingDue, Interval, Millis, Price, Qty, Round, Step, SymbolId, Tape, Time};

/// Trades made of a candle, at most.
const TRADES_OF_A_CANDLE: Millis = 60;

/// Something that happens on the market.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Happening {
    /// A trade.
    Trade { symbol: SymbolId, at: Time, price: Price, qty: Qty, is_buyer_maker: Option<bool> },
    /// A book as recorded.
    Book { symbol: SymbolId, at: Time, book: Book },
    /// Funding is due.
    Funding(FundingDue),
    /// A candle has ended.
    Close { symbol: SymbolId, at: Time, candle: Candle },
}

impl Happening {
    pub const fn at(&self) -> Time {
        match self {
            Self::Trade { at, .. } | Self::Book { at, .. } | Self::Close { at, .. } => *at,
            Self::Funding(due) => due.at,
        }
    }
}

/// What was recorded at an instant.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordedKind {
    /// A trade.
    Trade {
        /// Its price.
        price: Price,
        /// Its quantity.
        qty: Qty,
        /// Whether the buyer's order was there first, where that is known.
        is_buyer_maker: Option<bool>,
    },
    /// The best levels of a book; a quantity of 0 is one that is not known.
    Book {
        /// Price and quantity, best first.
        bids: Vec<(Price, Qty)>,
        /// Price and quantity, best first.
        asks: Vec<(Price, Qty)>,
    },
}

/// A recorded trade or book.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Which contract.
    pub symbol: SymbolId,
    /// When.
    pub at: Time,
    /// What.
    pub kind: RecordedKind,
}

/// Where a venue's market comes from.
pub enum Market {
    /// Candles, played through their four points.
    Candles(Box<dyn Tape + Send>),
    /// Ticks in ascending order of time.
    Ticks(Vec<Recorded>),
}

enum Source {
    Candles(Box<dyn Tape + Send>),
    /// With the candles being made of them, by symbol.
    Ticks(std::vec::IntoIter<Recorded>, Vec<Option<Candle>>),
}

/// A market, taken apart.
pub(super) struct Feed {
    source: Source,
    base: Interval,
    /// Added to every time of the tape.
    shift: Millis,
    /// Steps of quantities by symbol.
    steps: Vec<Qty>,
    ticks: Vec<Price>,
    ahead: VecDeque<Happening>,
    step: Step,
    ended: bool,
}

impl Feed {
    pub fn new(market: Market, base: Interval, grids: Vec<(Price, Qty)>) -> Self {
        let source = match market {
            Market::Candles(tape) => Source::Candles(tape),
            Market::Ticks(ticks) => Source::Ticks(ticks.into_iter(), vec![None; grids.len()]),
        };
        let (ticks, steps) = grids.into_iter().unzip();
        let (step, ahead) = (Step::default(), VecDeque::new());
        Self { source, base, shift: 0, steps, ticks, ahead, step, ended: false }
    }

    /// The next `count` steps as whole candles, and the time at which trading goes on. Of ticks there are none.
    pub fn skip(&mut self, count: usize, mut take: impl FnMut(&Step)) -> Option<Time> {
        let mut end = None;
        let Source::Candles(tape) = &mut self.source else { return None };
        for _ in 0..count {
            if !tape.next(&mut self.step) {
                self.ended = true;
                break;
            }
            end = Some(self.step.close_time);
            take(&self.step);
        }
        end
    }

    /// Moves all times that are still to come.
    pub fn shift_by(&mut self, shift: Millis) {
        self.shift += shift;
        if let Source::Ticks(_, forming) = &mut self.source {
            forming.iter_mut().flatten().for_each(|candle| candle.open_time = candle.open_time.plus(shift));
        }
        for happening in &mut self.ahead {
            match happening {
                Happening::Trade { at, .. } | Happening::Book { at, .. } => *at = at.plus(shift),
                Happening::Funding(due) => due.at = due.at.plus(shift),
                Happening::Close { at, candle, .. } => {
                    *at = at.plus(shift);
                    candle.open_time = candle.open_time.plus(shift);
                }
            }
        }
    }

    /// Whether the tape is at its end and everything on it has happened.
    pub fn is_over(&self) -> bool {
        self.ended && self.ahead.is_empty()
    }

    /// What happens next, if it happens by `until`.
    pub fn next(&mut self, until: Time) -> Option<Happening> {
        self.fill();
        if self.ahead.front().is_some_and(|happening| happening.at() <= until) { self.ahead.pop_front() } else { None }
    }

    /// When something happens next.
    pub fn next_at(&mut self) -> Option<Time> {
        self.fill();
        self.ahead.front().map(Happening::at)
    }

    /// Gets what comes next, where nothing is at hand.
    fn fill(&mut self) {
        while self.ahead.is_empty() && !self.ended {
            match &mut self.source {
                Source::Candles(tape) => match tape.next(&mut self.step) {
                    true => self.unroll(),
                    false => self.ended = true,
                },
                Source::Ticks(ticks, forming) => match ticks.next() {
                    Some(tick) => {
                        let tick = Recorded { at: tick.at.plus(self.shift), ..tick };
                        close_before(forming, tick.at, self.base.ms(), &mut self.ahead);
                        self.ahead.push_back(happening(tick, forming, self.base.ms()));
                    }
                    None => {
                        close_before(forming, Time(i64::MAX), self.base.ms(), &mut self.ahead);
                        self.ended = true;
                    }
                },
            }
        }
    }

    fn unroll(&mut self) {
        let ms = self.base.ms();
        let close_time = self.step.close_time.plus(self.shift);
        let open_time = close_time.plus(-ms);
        let count = (ms / 1_000).clamp(4, TRADES_OF_A_CANDLE);
        let mut all: Vec<Happening> = Vec::new();
        all.extend(self.step.funding.iter().map(|due| {
            let at = due.at.plus(self.shift).max(open_time).min(close_time.plus(-1));
            Happening::Funding(FundingDue { at, ..*due })
        }));
        for (index, candle) in self.step.candles.iter().enumerate() {
            let Some(candle) = candle else { continue };
            let (Some(tick), Some(step)) = (self.ticks.get(index), self.steps.get(index)) else { continue };
            let symbol = SymbolId::at(index);
            let share = Qty::from_f64(candle.volume / (count + 1) as f64).unwrap_or(*step);
            let qty = share.snap(*step, Round::Nearest).max(*step);
            for place in 0..=count {
                let at = open_time.plus((ms - 1) * place / count);
                let price = path_price(candle, place, count).snap(*tick, Round::Nearest).max(*tick);
                all.push(Happening::Trade { symbol, at, price, qty, is_buyer_maker: None });
            }
            let moved = Candle { open_time, ..*candle };
            all.push(Happening::Close { symbol, at: close_time.plus(-1), candle: moved });
        }
        all.sort_by_key(Happening::at);
        self.ahead.extend(all);
    }
}

/// Ends the candles that are over by `at`.
fn close_before(forming: &mut [Option<Candle>], at: Time, ms: Millis, ahead: &mut VecDeque<Happening>) {
    for (index, place) in forming.iter_mut().enumerate() {
        if let Some(candle) = place.take_if(|candle| candle.open_time.plus(ms) <= at) {
            let (symbol, at) = (SymbolId::at(index), candle.open_time.plus(ms - 1));
            ahead.push_back(Happening::Close { symbol, at, candle });
        }
    }
}

/// What a recorded tick is on the market; trades go into the candle of their time.
fn happening(tick: Recorded, forming: &mut [Option<Candle>], ms: Millis) -> Happening {
    let Recorded { symbol, at, kind } = tick;
    match kind {
        RecordedKind::Book { bids, asks } => {
            let levels = |side: Vec<(Price, Qty)>| side.into_iter().map(|(price, qty)| Level { price, qty }).collect();
            Happening::Book { symbol, at, book: Book { bids: levels(bids), asks: levels(asks) } }
        }
        RecordedKind::Trade { price, qty, is_buyer_maker } => {
            if let Some(place) = forming.get_mut(symbol.index()) {
                let open_time = at.floor(ms);
                let fresh = Candle { open_time, open: price, high: price, low: price, close: price, volume: 0.0 };
                let candle = place.get_or_insert(fresh);
                (candle.high, candle.low, candle.close) = (candle.high.max(price), candle.low.min(price), price);
                candle.volume += qty.to_f64();
            }
            Happening::Trade { symbol, at, price, qty, is_buyer_maker }
        }
    }
}

/// The price at `place` of `count` on the way from open by the two extremes to the close: down first in a candle
/// that rises, up first in one that falls.
fn path_price(candle: &Candle, place: Millis, count: Millis) -> Price {
    let rises = candle.close >= candle.open;
    let (first, second) = if rises { (candle.low, candle.high) } else { (candle.high, candle.low) };
    let points = [candle.open, first, second, candle.close];
    let thirds = place * 3;
    let leg = usize::try_from(thirds / count).unwrap_or(0).min(2);
    let (from, to) = (points[leg], points[leg + 1]);
    let along = thirds - leg as Millis * count;
    Price(from.0 + swarm_core::model::mul_div(to.0 - from.0, along, count, Round::Nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(u8);
    impl Tape for Two {
        fn next(&mut self, step: &mut Step) -> bool {
            self.0 += 1;
            let open_time = Time(i64::from(self.0) * 60_000);
            let price = Price::whole;
            let (open, high, low, close) = (price(100), price(103), price(97), price(101));
            step.candles = vec![Some(Candle { open_time, open, high, low, close, volume: 61.0 })];
            step.funding = vec![FundingDue { symbol: SymbolId(0), at: open_time, rate: swarm_core::model::Rate(1) }];
            step.close_time = open_time.plus(60_000);
            self.0 <= 2
        }
    }

    #[test]
    fn a_candle_is_traded_through_its_points_and_its_trades_make_it_again() {
        let mut feed =
            Feed::new(Market::Candles(Box::new(Two(0))), Interval::M1, vec![(Price(1_000_000), Qty::whole(1))]);
        feed.shift_by(1_000_000);
        assert_eq!(feed.next_at(), Some(Time(1_060_000)));
        assert_eq!(feed.next(Time(1_059_999)), None);
        let mut happened = Vec::new();
        while let Some(happening) = feed.next(Time(1_119_999)) {
            happened.push(happening);
        }
        assert!(matches!(happened[0], Happening::Funding(due) if due.at == Time(1_060_000)));
        let prices: Vec<_> = happened
            .iter()
            .filter_map(|it| if let Happening::Trade { price, .. } = it { Some(*price) } else { None })
            .collect();
        assert_eq!(prices.len(), 61);
        assert_eq!(
            (prices[0], prices[20], prices[40], prices[60]),
            (Price::whole(100), Price::whole(97), Price::whole(103), Price::whole(101))
        );
        assert!(matches!(happened.last(), Some(Happening::Close { .. })));
        assert!(!feed.is_over());
        while feed.next(Time(i64::MAX)).is_some() {}
        assert!(feed.is_over());
    }

    #[test]
    fn recorded_ticks_stay_as_they_are_and_make_the_candles() {
        let tick = |at: i64, price: i64| Recorded {
            symbol: SymbolId(0),
            at: Time(at),
            kind: RecordedKind::Trade { price: Price::whole(price), qty: Qty::whole(1), is_buyer_maker: Some(true) },
        };
        let ticks = vec![tick(1_000, 10), tick(2_000, 12), tick(61_000, 11)];
        let mut feed = Feed::new(Market::Ticks(ticks), Interval::M1, vec![(Price(1_000_000), Qty::whole(1))]);
        assert_eq!(feed.next_at(), Some(Time(1_000)));
        feed.shift_by(600_000);
        let all: Vec<_> = std::iter::from_fn(|| feed.next(Time(i64::MAX))).collect();
        let times: Vec<i64> = all.iter().map(|happening| happening.at().0).collect();
        assert_eq!(times, [601_000, 602_000, 659_999, 661_000, 719_999]);
        let Happening::Close { candle, .. } = &all[2] else { panic!("the first minute ends") };
        assert_eq!((candle.open, candle.high, candle.volume), (Price::whole(10), Price::whole(12), 2.0));
        assert!(feed.is_over());
    }
}
