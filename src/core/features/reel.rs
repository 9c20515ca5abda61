//! Steps with all features as of each: computed once, then shown as often as wanted. A run over recorded candles goes
//! reel by reel, so that rules look at many candles at a time; runs over the same candles share their reels. It
//! computes nothing itself, and knows no rule and no account.

use super::{Frame, Hub};
use crate::model::{Candle, Closes, Price, PriceRange, Step, Steps, SymbolId, Tape};

/// So many steps in a row have their extremes kept together.
const CHUNK: usize = 16;

/// Some steps in a row, with the features of every symbol that has a candle in them.
#[derive(Clone, Debug)]
pub struct Reel {
    steps: Steps,
    tracks: Vec<Track>,
}

/// One symbol.
#[derive(Clone, Debug, Default)]
struct Track {
    /// How many values a step has. Those of one without a candle mean nothing.
    width: usize,
    values: Vec<f64>,
    /// None where they were not [found](Reel::share).
    chunks: Vec<Chunk>,
}

/// Extremes of a chunk.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    prices: PriceRange,
    closes: PriceRange,
}

impl Chunk {
    const EMPTY: Self = {
        let nothing = PriceRange { low: Price(i64::MAX), high: Price(i64::MIN) };
        Self { prices: nothing, closes: nothing }
    };

    fn of<'c>(candles: impl Iterator<Item = &'c Candle>) -> Self {
        candles.fold(Self::EMPTY, |Self { prices, closes }, candle| {
            let range = PriceRange::of(candle);
            let prices = prices.including(range.low).including(range.high);
            Self { prices, closes: closes.including(candle.close) }
        })
    }
}

impl Reel {
    /// A reel without a step, for what a hub shows.
    pub fn new(hub: &Hub) -> Self {
        let tracks: Vec<Track> = hub.cells().map(|width| Track { width, ..Track::default() }).collect();
        Self { steps: Steps::of(tracks.len()), tracks }
    }

    /// How many steps fit into so many bytes.
    pub fn steps_in(&self, bytes: usize) -> usize {
        let of = |track: &Track| track.width * size_of::<f64>() + size_of::<Candle>();
        (bytes / self.tracks.iter().map(of).sum::<usize>().max(1)).clamp(16, 4_096)
    }

    /// Records at most `most` steps of a tape, shown to a hub, in the place of those it has; `false` at the end of the
    /// tape.
    pub fn record(&mut self, hub: &mut Hub, tape: &mut dyn Tape, most: usize) -> bool {
        self.steps.clear(most);
        tape.fill(&mut self.steps);
        self.develop(hub);
        !self.is_empty()
    }

    /// Likewise, only this step.
    pub fn record_one(&mut self, hub: &mut Hub, step: &Step) {
        self.steps.clear(1);
        self.steps.push(step.close_time, step.candles.iter().map(Option::as_ref), &step.funding);
        self.develop(hub);
    }

    /// Features of the candles, symbol by symbol.
    fn develop(&mut self, hub: &mut Hub) {
        for (index, Track { values, chunks, width }) in self.tracks.iter_mut().enumerate() {
            values.resize(self.steps.len() * *width, f64::NAN);
            hub.close_all(SymbolId::at(index), self.steps.lane(SymbolId::at(index)), values);
            chunks.clear();
        }
    }

    /// Finds the extremes of many steps once, for many swarms that will want them.
    pub fn share(&mut self) {
        for (index, Track { chunks, .. }) in self.tracks.iter_mut().enumerate() {
            let mut candles = self.steps.lane(SymbolId::at(index));
            chunks.clear();
            while candles.len() > 0 {
                chunks.push(Chunk::of(candles.by_ref().take(CHUNK).flatten()));
            }
        }
    }

    /// How many steps it has.
    #[inline]
    pub const fn len(&self) -> usize {
        self.steps.len()
    }
    /// Whether it has none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
    /// What it shows the features of.
    #[inline]
    pub const fn steps(&self) -> &Steps {
        &self.steps
    }

    /// A symbol's features at a step; `None` when it has no candle there.
    #[inline]
    pub fn frame(&self, symbol: SymbolId, at: usize) -> Option<Frame<'_>> {
        let candle = self.steps.candle(symbol, at)?;
        Some(self.frame_of(&self.tracks[symbol.index()], candle, at))
    }

    #[inline(always)]
    fn frame_of<'r>(&'r self, track: &'r Track, candle: &'r Candle, at: usize) -> Frame<'r> {
        let values = &track.values[at * track.width..(at + 1) * track.width];
        Frame::new(self.steps.close_times()[at], candle, values)
    }

    /// The first step from `from` on, before `to`, in which a symbol's price leaves a range; `to` when none does.
    pub(crate) fn keeps_to(&self, symbol: SymbolId, range: PriceRange, from: usize, to: usize) -> usize {
        let track = &self.tracks[symbol.index()];
        let candles = self.steps.whole(symbol, from, to);
        let mut at = from;
        while at < to {
            let is_inside = |chunk: &Chunk| range.holds(chunk.prices);
            if at.is_multiple_of(CHUNK) && track.chunks.get(at / CHUNK).is_some_and(is_inside) {
                at += CHUNK;
            } else if range.holds(PriceRange::of(&candles[at - from])) {
                at += 1;
            } else {
                return at;
            }
        }
        to
    }

    /// The closes of some steps, of a symbol that has a candle in each. There is at least one.
    pub(crate) fn closes(&self, symbol: SymbolId, from: usize, to: usize) -> Closes {
        let track = &self.tracks[symbol.index()];
        let candles = self.steps.whole(symbol, from, to);
        let mut closes = Closes::of(candles[to - from - 1].close);
        closes.before = (to - from > 1).then(|| candles[to - from - 2].close);
        let mut at = from;
        while at < to {
            let is_whole = at.is_multiple_of(CHUNK) && at + CHUNK <= to;
            let whole = track.chunks.get(at / CHUNK).filter(|_| is_whole).map(|chunk| chunk.closes);
            let seen = whole.unwrap_or_else(|| {
                let close = candles[at - from].close;
                PriceRange { low: close, high: close }
            });
            (closes.low, closes.high) = (closes.low.min(seen.low), closes.high.max(seen.high));
            at += if whole.is_some() { CHUNK } else { 1 };
        }
        closes
    }

    /// A symbol's features at some steps, of which each has a candle of it.
    #[inline]
    pub(crate) fn film(&self, symbol: SymbolId, from: usize, to: usize) -> Film<'_> {
        let candles = self.steps.whole(symbol, from, to);
        Film { reel: self, track: &self.tracks[symbol.index()], candles: candles.iter(), at: from }
    }
}

/// Features of one symbol, step by step.
#[derive(Clone, Debug)]
pub struct Film<'a> {
    reel: &'a Reel,
    track: &'a Track,
    /// Those that are left.
    candles: std::slice::Iter<'a, Candle>,
    /// The next step.
    at: usize,
}

impl<'a> Iterator for Film<'a> {
    type Item = Frame<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Frame<'a>> {
        let frame = self.reel.frame_of(self.track, self.candles.next()?, self.at);
        self.at += 1;
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
