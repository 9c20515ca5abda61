//! Steps with all features as of each: computed once, then shown as often as wanted. A run over recorded candles goes
//! reel by reel, so that rules look at many candles at a time; runs over the same candles share their reels. It
//! computes nothing itself, and knows no rule and no account.

use super::derived::Derivable;
use super::{Column, Frame, Hub};
use crate::model::{Candle, Closes, FundingDue, Price, PriceRange, Step, SymbolId, Tape, Time};

/// So many steps in a row have their extremes kept together.
const CHUNK: usize = 16;

/// In the place of one that is missing.
const MISSING: Candle = Candle {
    open_time: Time(i64::MIN),
    open: Price::ZERO,
    high: Price::ZERO,
    low: Price::ZERO,
    close: Price::ZERO,
    volume: 0.0,
};

/// Some steps in a row, with the features of every symbol that has a candle in them.
#[derive(Clone, Debug)]
pub struct Reel {
    /// Steps; what stands behind them below is of earlier ones.
    len: usize,
    close_times: Vec<Time>,
    tracks: Vec<Track>,
    /// Payments, with the place of their step.
    funding: Vec<(usize, FundingDue)>,
    /// Places of steps that pay funding, or have candles of other symbols than the step before.
    breaks: Vec<usize>,
    /// What the tape fills; then the last step.
    step: Step,
}

/// One symbol.
#[derive(Clone, Debug, Default)]
struct Track {
    /// By step.
    candles: Vec<Candle>,
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

    fn of(candles: &[Candle]) -> Self {
        candles.iter().filter(|one| is_present(one)).fold(Self::EMPTY, |Self { prices, closes }, candle| {
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

#[inline(always)]
const fn is_present(candle: &Candle) -> bool {
    candle.open_time.0 != MISSING.open_time.0
}

impl Reel {
    /// A reel without a step, for what a hub shows.
    pub fn new(hub: &Hub) -> Self {
        let track = |(width, derived): (usize, &Derivable)| Track {
            width,
            derived: Derivable::clone(derived),
            ..Track::default()
        };
        Self {
            len: 0,
            close_times: Vec::new(),
            tracks: hub.cells().zip(hub.derived()).map(track).collect(),
            funding: Vec::new(),
            breaks: Vec::new(),
            step: Step::default(),
        }
    }

    /// How many steps fit into so many bytes.
    pub fn steps_in(&self, bytes: usize) -> usize {
        let of = |track: &Track| track.width * size_of::<f64>() + size_of::<Candle>();
        (bytes / self.tracks.iter().map(of).sum::<usize>().max(1)).clamp(16, 4_096)
    }

    /// Records at most `most` steps of a tape, shown to a hub, in the place of those it has; `false` at the end of the
    /// tape.
    pub fn record(&mut self, hub: &mut Hub, tape: &mut dyn Tape, most: usize) -> bool {
        self.clear(most);
        let mut step = std::mem::take(&mut self.step);
        while self.len < most && tape.next(&mut step) {
            self.add(&step);
        }
        self.step = step;
        self.develop(hub);
        self.derive(Track::is_crowded);
        !self.is_empty()
    }

    /// Likewise, only this step.
    pub fn record_one(&mut self, hub: &mut Hub, step: &Step) {
        self.clear(1);
        self.add(step);
        self.develop(hub);
    }

    /// Makes room for so many steps.
    fn clear(&mut self, most: usize) {
        self.len = 0;
        self.funding.clear();
        self.breaks.clear();
        if self.close_times.len() < most {
            self.close_times.resize(most, Time(0));
            self.tracks.iter_mut().for_each(|track| track.candles.resize(most, MISSING));
        }
    }

    #[inline]
    fn add(&mut self, step: &Step) {
        let at = self.len;
        let mut is_alike = at > 0 && step.funding.is_empty();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let candle = step.candles.get(index).and_then(Option::as_ref).unwrap_or(&MISSING);
            is_alike = is_alike && is_present(candle) == is_present(&track.candles[at - 1]);
            track.candles[at] = *candle;
        }
        if !is_alike {
            self.breaks.push(at);
            self.funding.extend(step.funding.iter().map(|due| (at, *due)));
        }
        self.close_times[at] = step.close_time;
        self.len += 1;
    }

    /// Features of the candles, symbol by symbol.
    fn develop(&mut self, hub: &mut Hub) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let Track { candles, values, chunks, columns, width, .. } = track;
            let candles = &candles[..self.len];
            values.resize(candles.len() * *width, f64::NAN);
            hub.close_all(SymbolId::at(index), candles.iter().map(|one| is_present(one).then_some(one)), values);
            chunks.clear();
            columns.iter_mut().for_each(Vec::clear);
        }
    }

    /// Finds out once what many swarms will want: the extremes of many steps, and what their rules derive from the
    /// features.
    pub fn share(&mut self) {
        for Track { candles, chunks, .. } in &mut self.tracks {
            chunks.clear();
            chunks.extend(candles[..self.len].chunks(CHUNK).map(Chunk::of));
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
                let frame = |at: usize| is_present(&track.candles[at]).then(|| self.frame_of(track, at));
                column.extend((0..self.len).map(|at| frame(at).map_or(f64::NAN, |frame| derived.value(&frame))));
            }
            self.tracks[index].columns = columns;
        }
    }

    /// How many steps it has.
    pub const fn len(&self) -> usize {
        self.len
    }
    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// When the steps ended.
    pub fn close_times(&self) -> &[Time] {
        &self.close_times[..self.len]
    }
    /// How many candles it has, of all symbols.
    pub fn candles(&self) -> usize {
        self.tracks.iter().flat_map(|track| &track.candles[..self.len]).filter(|one| is_present(one)).count()
    }

    /// Writes a step out.
    pub fn read(&self, at: usize, step: &mut Step) {
        step.close_time = self.close_times[at];
        step.candles.clear();
        step.candles.extend(self.tracks.iter().map(|track| is_present(&track.candles[at]).then(|| track.candles[at])));
        step.funding.clear();
        let from = self.funding.partition_point(|(place, _)| *place < at);
        let of_it = self.funding[from..].iter().take_while(|(place, _)| *place == at);
        step.funding.extend(of_it.map(|(_, due)| *due));
    }

    /// A symbol's features at a step; `None` when it has no candle there.
    #[inline]
    pub fn frame(&self, symbol: SymbolId, at: usize) -> Option<Frame<'_>> {
        let track = self.tracks.get(symbol.index())?;
        (at < self.len && is_present(&track.candles[at])).then(|| self.frame_of(track, at))
    }

    #[inline(always)]
    fn frame_of<'r>(&self, track: &'r Track, at: usize) -> Frame<'r> {
        let values = &track.values[at * track.width..(at + 1) * track.width];
        Frame::new(self.close_times[at], &track.candles[at], values)
    }

    /// Whether a step has a candle of a symbol.
    #[inline]
    pub(crate) fn has(&self, symbol: SymbolId, at: usize) -> bool {
        is_present(&self.tracks[symbol.index()].candles[at])
    }

    /// A symbol's candle at a step that has one.
    #[inline]
    pub(crate) fn candle(&self, symbol: SymbolId, at: usize) -> &Candle {
        &self.tracks[symbol.index()].candles[at]
    }

    /// The first later step that pays funding or has candles of other symbols; the end when there is none.
    pub(crate) fn alike_until(&self, at: usize) -> usize {
        let next = self.breaks.partition_point(|place| *place <= at);
        self.breaks.get(next).copied().unwrap_or(self.len())
    }

    /// Whether funding is paid in a step.
    pub(crate) fn pays_funding(&self, at: usize) -> bool {
        self.funding.binary_search_by_key(&at, |(place, _)| *place).is_ok()
    }

    /// The first step from `from` on, before `to`, in which a symbol's price leaves a range; `to` when none does.
    pub(crate) fn keeps_to(&self, symbol: SymbolId, range: PriceRange, from: usize, to: usize) -> usize {
        let track = &self.tracks[symbol.index()];
        let mut at = from;
        while at < to {
            let is_inside = |chunk: &Chunk| range.holds(chunk.prices);
            if at.is_multiple_of(CHUNK) && track.chunks.get(at / CHUNK).is_some_and(is_inside) {
                at += CHUNK;
            } else if range.holds(PriceRange::of(&track.candles[at])) {
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
        let mut closes = Closes::of(track.candles[to - 1].close);
        closes.before = (to - from > 1).then(|| track.candles[to - 2].close);
        let mut at = from;
        while at < to {
            let is_whole = at.is_multiple_of(CHUNK) && at + CHUNK <= to;
            let whole = track.chunks.get(at / CHUNK).filter(|_| is_whole).map(|chunk| chunk.closes);
            let seen = whole.unwrap_or_else(|| {
                let close = track.candles[at].close;
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
        Film { reel: self, track: &self.tracks[symbol.index()], at: from, to }
    }
}

/// Features of one symbol, step by step.
#[derive(Clone, Copy, Debug)]
pub struct Film<'a> {
    reel: &'a Reel,
    track: &'a Track,
    at: usize,
    to: usize,
}

impl<'a> Film<'a> {
    /// Only so many frames from its start, if there are more.
    pub fn first(mut self, most: usize) -> Self {
        self.to = self.to.min(self.at.saturating_add(most));
        self
    }

    /// The frame that so many others come before.
    #[inline]
    pub fn frame(&self, before: usize) -> Option<Frame<'a>> {
        let at = self.at + before;
        (at < self.to).then(|| self.reel.frame_of(self.track, at))
    }

    /// When the candle of each closed.
    #[inline]
    pub fn close_times(&self) -> &'a [Time] {
        &self.reel.close_times[self.at..self.to]
    }

    /// A value that was [announced](super::Wants::share), of each of the frames; `None` where it was not computed, since
    /// too few rules share it, or none anything with another and no swarm the reel.
    #[inline]
    pub fn column(&self, column: Column) -> Option<&'a [f64]> {
        self.track.columns.get(column.index())?.get(self.at..self.to)
    }
}

impl<'a> Iterator for Film<'a> {
    type Item = Frame<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Frame<'a>> {
        if self.at >= self.to {
            return None;
        }
        let frame = self.reel.frame_of(self.track, self.at);
        self.at += 1;
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
