//! Steps with all features as of each: computed once, then shown as often as wanted. A run over recorded candles goes
//! reel by reel, so that rules look at many candles at a time; runs over the same candles share their reels. It
//! computes nothing itself, and knows no rule and no account.

use super::derived::Derivable;
use super::{Column, Frame, Hub};
use crate::model::{Candle, Closes, Price, PriceRange, Step, Steps, SymbolId, Tape, Time};

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
    /// What rules derive from its features.
    derived: Derivable,
    /// By column and step what they derive. Empty where it is not computed; NaN at a step without a candle.
    columns: Vec<Vec<f64>>,
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

impl Track {
    /// Whether so many rules share what they derive that it is worth it even where one swarm looks at the reel.
    fn is_crowded(&self) -> bool {
        self.derived.iter().flatten().any(|derived| derived.least_users() > 1)
    }
}

impl Reel {
    /// A reel without a step, for what a hub shows.
    pub fn new(hub: &Hub) -> Self {
        let track = |(width, derived): (usize, &Derivable)| Track {
            width,
            derived: Derivable::clone(derived),
            ..Track::default()
        };
        let tracks: Vec<Track> = hub.cells().zip(hub.derived()).map(track).collect();
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
        self.derive(Track::is_crowded);
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
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let Track { values, chunks, columns, width, .. } = track;
            values.resize(self.steps.len() * *width, f64::NAN);
            hub.close_all(SymbolId::at(index), self.steps.lane(SymbolId::at(index)), values);
            chunks.clear();
            columns.iter_mut().for_each(Vec::clear);
        }
    }

    /// Finds out once what many swarms will want: the extremes of many steps, and what their rules derive from the
    /// features.
    pub fn share(&mut self) {
        for (index, Track { chunks, .. }) in self.tracks.iter_mut().enumerate() {
            let mut candles = self.steps.lane(SymbolId::at(index));
            chunks.clear();
            while candles.len() > 0 {
                chunks.push(Chunk::of(candles.by_ref().take(CHUNK).flatten()));
            }
        }
        self.derive(|track| !track.is_crowded());
    }

    /// Fills the columns of some symbols.
    fn derive(&mut self, is_wanted: impl Fn(&Track) -> bool) {
        for index in 0..self.tracks.len() {
            if !is_wanted(&self.tracks[index]) {
                continue;
            }
            let mut columns = std::mem::take(&mut self.tracks[index].columns);
            let track = &self.tracks[index];
            columns.resize_with(track.derived.len(), Vec::new);
            for (column, derived) in columns.iter_mut().zip(track.derived.iter()) {
                column.clear();
                let Some(derived) = derived else { continue };
                let candles = self.steps.lane(SymbolId::at(index)).enumerate();
                let frames = candles.map(|(at, candle)| Some(self.frame_of(track, candle?, at)));
                column.extend(frames.map(|frame| frame.map_or(f64::NAN, |frame| derived.value(&frame))));
            }
            self.tracks[index].columns = columns;
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
    pub fn film(&self, symbol: SymbolId, from: usize, to: usize) -> Film<'_> {
        let candles = self.steps.whole(symbol, from, to);
        Film { reel: self, track: &self.tracks[symbol.index()], candles, at: from }
    }
}

/// Features of one symbol, step by step.
#[derive(Clone, Copy, Debug)]
pub struct Film<'a> {
    reel: &'a Reel,
    track: &'a Track,
    /// Those that are left.
    candles: &'a [Candle],
    /// The place of the first of them.
    at: usize,
}

impl<'a> Film<'a> {
    /// Only so many frames from its start, if there are more.
    pub fn first(mut self, most: usize) -> Self {
        self.candles = &self.candles[..most.min(self.candles.len())];
        self
    }

    /// The frame that so many others come before.
    #[inline]
    pub fn frame(&self, before: usize) -> Option<Frame<'a>> {
        Some(self.reel.frame_of(self.track, self.candles.get(before)?, self.at + before))
    }

    /// When the candle of each closed.
    #[inline]
    pub fn close_times(&self) -> &'a [Time] {
        &self.reel.steps.close_times()[self.at..self.at + self.candles.len()]
    }

    /// A value that was [announced](super::Wants::share), of each of the frames; `None` where it was not computed, since
    /// too few rules share it, or none anything with another and no swarm the reel.
    #[inline]
    pub fn column(&self, column: Column) -> Option<&'a [f64]> {
        self.track.columns.get(column.index())?.get(self.at..self.at + self.candles.len())
    }
}

impl<'a> Iterator for Film<'a> {
    type Item = Frame<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Frame<'a>> {
        let (candle, later) = self.candles.split_first()?;
        let frame = self.reel.frame_of(self.track, candle, self.at);
        (self.candles, self.at) = (later, self.at + 1);
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
