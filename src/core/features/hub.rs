//! The hub: takes closed base candles, keeps every wanted feature of every symbol up to date, and shows
//! them as frames. It knows neither who asked nor what for, and it reads no clock: a candle is closed when the host says so.

mod preview;

pub use preview::Preview;

use super::aggregate::{Aggregator, Bar, Outcome};
use super::derived::Derivable;
use super::graph::Graph;
use super::node::{Cell, Node};
use super::{Feature, FeatureSpec, Frame, Wants, need};
use crate::model::{Candle, GapPolicy, Interval, SymbolId, Time};

/// A wish that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// A feature on an interval that base candles do not add up to.
    #[error("interval {interval} is not a multiple of the base interval {base}: use {base} or a multiple of it")]
    Interval {
        /// Whose wish.
        symbol: SymbolId,
        /// The interval.
        interval: Interval,
        /// The interval of the candles that come in.
        base: Interval,
    },
    /// A parameter out of range.
    #[error("{feature:?} on {interval}: {problem}")]
    Parameter {
        /// Whose wish.
        symbol: SymbolId,
        /// The interval.
        interval: Interval,
        /// The feature, outermost where nested.
        feature: Feature,
        /// Which parameter is wrong, and what it may be.
        problem: String,
    },
}

/// Features of all symbols, each computed once however many ask for it.
#[derive(Clone, Debug)]
pub struct Hub {
    base: Interval,
    gaps: GapPolicy,
    feeds: Vec<Feed>,
    /// By symbol and column what rules derive from frames; not computed here, only passed on.
    derived: Vec<Derivable>,
}

/// One interval above the base.
#[derive(Clone, Debug)]
struct Higher {
    aggregator: Aggregator,
    nodes: Vec<Node>,
}

/// Everything of one symbol.
#[derive(Clone, Debug)]
struct Feed {
    nodes: Vec<Node>,
    higher: Vec<Higher>,
    /// One a slot, then the hidden ones.
    values: Vec<f64>,
    slots: usize,
    /// Values that a base candle does not write anew each time.
    carried: Vec<Cell>,
    candle: Option<Candle>,
    /// When the next base candle opens, unless it is missing; none before the first.
    next_open: Option<Time>,
    missing: u64,
    warm_up: usize,
}

impl Hub {
    /// A hub for candles of `base`, with one `Wants` a symbol in the order of their ids.
    ///
    /// # Errors
    /// An interval that is not a multiple of `base`, or a parameter out of range.
    pub fn new(base: Interval, gaps: GapPolicy, wants: &[Wants]) -> Result<Self, HubError> {
        let feeds = wants.iter().enumerate().map(|(place, wants)| {
            check(SymbolId(u16::try_from(place).unwrap_or(u16::MAX)), base, wants.specs())?;
            Ok(Feed::new(base, wants.specs()))
        });
        let derived = wants.iter().map(|wants| wants.derived().worthwhile()).collect();
        Ok(Self { base, gaps, feeds: feeds.collect::<Result<_, _>>()?, derived })
    }

    /// Takes a closed base candle, together with the holes before it. A candle that is not later than all known
    /// ones, or not on the grid of the base interval, changes nothing; returns whether the candle was taken.
    ///
    /// `symbol` is one of those the hub was made for.
    pub fn close(&mut self, symbol: SymbolId, candle: &Candle) -> bool {
        self.feeds[symbol.index()].close(candle, self.base, self.gaps)
    }

    /// Takes candles of a symbol like [`close`](Self::close), one after the other, and writes the features as of each
    /// into its row: `rows` are as many as candles, each of as many [cells](Self::cells) as the symbol has.
    pub(super) fn close_all<'a>(
        &mut self,
        symbol: SymbolId,
        candles: impl Iterator<Item = Option<&'a Candle>>,
        rows: &mut [f64],
    ) {
        self.feeds[symbol.index()].close_all(candles, rows, self.base, self.gaps);
    }

    /// The base candle that should have opened at `open_time` does not exist, nor any between the last
    /// known one and it. Counts what is newly missing; before the first candle of a series nothing is.
    /// Telling is optional: the next candle shows the hole too, only later.
    pub fn miss(&mut self, symbol: SymbolId, open_time: Time) {
        let feed = &mut self.feeds[symbol.index()];
        if feed.next_open.is_some_and(|next| open_time >= next) && on_grid(open_time, self.base) {
            feed.beside_values(|feed, values| {
                feed.skip_to(open_time.plus(self.base.ms()), self.base, self.gaps, values);
            });
        }
    }

    /// The features as of the last closed base candle; `None` before the first. After [`miss`](Self::miss) the
    /// candle is still the last one there was, the features are what the gap policy left of them.
    #[inline]
    pub fn frame(&self, symbol: SymbolId) -> Option<Frame<'_>> {
        let feed = &self.feeds[symbol.index()];
        let candle = feed.candle.as_ref()?;
        Some(Frame::new(candle.close_time(self.base), candle, &feed.values[..feed.slots]))
    }

    /// By symbol: how many values are computed, those that features are wanted of first.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        self.feeds.iter().map(|feed| feed.values.len())
    }

    /// By symbol: what rules derive from its frames.
    pub(super) fn derived(&self) -> &[Derivable] {
        &self.derived
    }

    /// Base candles known to be missing between the first and the last one of the series.
    pub fn gaps(&self, symbol: SymbolId) -> u64 {
        self.feeds[symbol.index()].missing
    }

    /// When the last base candle closed.
    pub fn last_close(&self, symbol: SymbolId) -> Option<Time> {
        Some(self.feeds[symbol.index()].candle.as_ref()?.close_time(self.base))
    }

    /// Base candles without a hole after which every wanted feature has a value, wherever on the grid of the higher
    /// intervals the first of them lies. (A few features may be absent later for want of movement or volume.)
    pub fn warm_up_candles(&self, symbol: SymbolId) -> usize {
        self.feeds[symbol.index()].warm_up
    }
}

fn on_grid(open_time: Time, base: Interval) -> bool {
    open_time.floor(base.ms()) == open_time
}

fn check(symbol: SymbolId, base: Interval, specs: &[FeatureSpec]) -> Result<(), HubError> {
    for FeatureSpec { interval, feature } in specs {
        let interval = *interval;
        if !base.divides(interval) {
            return Err(HubError::Interval { symbol, interval, base });
        }
        if let Some(problem) = need::fault(feature, interval) {
            return Err(HubError::Parameter { symbol, interval, feature: feature.clone(), problem });
        }
    }
    Ok(())
}

impl Feed {
    fn new(base: Interval, specs: &[FeatureSpec]) -> Self {
        let (nodes, mut cells) = Graph::build(base, specs, specs.len());
        let mut intervals: Vec<Interval> = specs.iter().map(|spec| spec.interval).filter(|i| *i != base).collect();
        intervals.sort_unstable();
        intervals.dedup();
        let mut higher = Vec::with_capacity(intervals.len());
        for interval in intervals {
            let (nodes, now) = Graph::build(interval, specs, cells);
            cells = now;
            higher.push(Higher { aggregator: Aggregator::new(base, interval), nodes });
        }
        let written: Vec<Cell> = nodes.iter().flat_map(Node::cells).collect();
        Self {
            carried: (0..cells).filter(|cell| !written.contains(cell)).collect(),
            nodes,
            higher,
            values: vec![f64::NAN; cells],
            slots: specs.len(),
            candle: None,
            next_open: None,
            missing: 0,
            warm_up: specs.iter().map(|spec| need::base_candles(spec, base)).max().unwrap_or(0),
        }
    }

    #[inline]
    fn close(&mut self, candle: &Candle, base: Interval, gaps: GapPolicy) -> bool {
        let is_taken = self.beside_values(|feed, values| feed.take(candle, base, gaps, values));
        if is_taken {
            self.candle = Some(*candle);
        }
        is_taken
    }

    /// Works on the feed and on its values.
    #[inline]
    fn beside_values<T>(&mut self, work: impl FnOnce(&mut Self, &mut [f64]) -> T) -> T {
        let mut values = std::mem::take(&mut self.values);
        let done = work(self, &mut values);
        self.values = values;
        done
    }

    /// Closes candles in a row, computing in the rows themselves: what is not written anew comes from the row before.
    fn close_all<'a>(
        &mut self,
        candles: impl Iterator<Item = Option<&'a Candle>>,
        rows: &mut [f64],
        base: Interval,
        gaps: GapPolicy,
    ) {
        let mut last = None;
        self.beside_values(|feed, values| {
            let width = values.len();
            let (mut newest, mut rest) = (None, rows);
            for candle in candles {
                let (row, later) = rest.split_at_mut(width);
                rest = later;
                let Some(candle) = candle else {
                    row.fill(f64::NAN);
                    continue;
                };
                let before: &[f64] = newest.unwrap_or(&*values);
                for cell in &feed.carried {
                    row[*cell] = before[*cell];
                }
                if feed.take(candle, base, gaps, row) {
                    last = Some(candle);
                } else {
                    row.copy_from_slice(before);
                }
                newest = Some(&*row);
            }
            if let Some(newest) = newest {
                values.copy_from_slice(newest);
            }
        });
        self.candle = last.copied().or(self.candle);
    }

    /// All of closing a candle but to remember it.
    #[inline(always)]
    fn take(&mut self, candle: &Candle, base: Interval, gaps: GapPolicy, values: &mut [f64]) -> bool {
        let open_time = candle.open_time;
        if self.next_open != Some(open_time) && !self.turn_to(open_time, base, gaps, values) {
            return false;
        }
        let bar = Bar::of(candle);
        for node in &mut self.nodes {
            node.update(&bar, values);
        }
        for higher in &mut self.higher {
            let outcome = higher.aggregator.push(open_time, &bar);
            higher.settle(outcome, gaps, values);
        }
        self.next_open = Some(open_time.plus(base.ms()));
        true
    }

    /// The series begins at `open_time`, or goes on there after a hole; `false` if it cannot.
    #[cold]
    fn turn_to(&mut self, open_time: Time, base: Interval, gaps: GapPolicy, values: &mut [f64]) -> bool {
        if !on_grid(open_time, base) {
            return false;
        }
        let Some(next_open) = self.next_open else {
            for higher in &mut self.higher {
                higher.aggregator.begin(open_time);
            }
            return true;
        };
        if open_time < next_open {
            return false;
        }
        self.skip_to(open_time, base, gaps, values);
        true
    }

    /// All base candles from the expected one to before `open_time` are missing.
    fn skip_to(&mut self, open_time: Time, base: Interval, gaps: GapPolicy, values: &mut [f64]) {
        let expected = self.next_open.unwrap_or(open_time);
        self.missing += (open_time.since(expected) / base.ms()).unsigned_abs();
        self.next_open = Some(open_time);
        if gaps == GapPolicy::Reset {
            for node in &mut self.nodes {
                node.reset(values);
            }
        }
        for higher in &mut self.higher {
            let outcome = higher.aggregator.skip_to(open_time);
            higher.settle(outcome, gaps, values);
        }
    }
}

impl Higher {
    #[inline]
    fn settle(&mut self, outcome: Outcome, gaps: GapPolicy, values: &mut [f64]) {
        let bar = match (outcome, gaps) {
            (Outcome::Open, _) | (Outcome::Nothing, GapPolicy::Carry) => return,
            (Outcome::Whole(bar), _) | (Outcome::Part(bar), GapPolicy::Carry) => bar,
            (Outcome::Part(_) | Outcome::Nothing, GapPolicy::Reset) => {
                // A candle of this interval is missing as well.
                for node in &mut self.nodes {
                    node.reset(values);
                }
                return;
            }
        };
        for node in &mut self.nodes {
            node.update(&bar, values);
        }
    }
}
