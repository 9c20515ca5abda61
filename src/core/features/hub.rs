//! The hub: takes closed base candles, keeps every wanted feature of every symbol up to date, and shows
//! them as frames. It knows neither who asked nor what for, and it reads no clock: a candle is closed when the host says so.

mod preview;

pub use preview::Preview;

use super::aggregate::{Aggregator, Bar, Outcome};
use super::graph::Graph;
use super::node::Node;
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
    candle: Option<Candle>,
    /// When the next base candle opens, unless it is missing.
    next_open: Time,
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
        Ok(Self { base, gaps, feeds: feeds.collect::<Result<_, _>>()? })
    }

    /// Takes a closed base candle, together with the holes before it. A candle that is not later than all known
    /// ones, or not on the grid of the base interval, changes nothing; returns whether the candle was taken.
    ///
    /// `symbol` is one of those the hub was made for.
    pub fn close(&mut self, symbol: SymbolId, candle: &Candle) -> bool {
        self.feeds[symbol.index()].close(candle, self.base, self.gaps)
    }

    /// The base candle that should have opened at `open_time` does not exist, nor any between the last
    /// known one and it. Counts what is newly missing; before the first candle of a series nothing is.
    /// Telling is optional: the next candle shows the hole too, only later.
    pub fn miss(&mut self, symbol: SymbolId, open_time: Time) {
        let feed = &mut self.feeds[symbol.index()];
        if feed.candle.is_some() && open_time >= feed.next_open && on_grid(open_time, self.base) {
            feed.skip_to(open_time.plus(self.base.ms()), self.base, self.gaps);
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

    /// By symbol: how many features are wanted.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.feeds.iter().map(|feed| feed.slots)
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
        Self {
            nodes,
            higher,
            values: vec![f64::NAN; cells],
            slots: specs.len(),
            candle: None,
            next_open: Time(0),
            missing: 0,
            warm_up: specs.iter().map(|spec| need::base_candles(spec, base)).max().unwrap_or(0),
        }
    }

    #[inline]
    fn close(&mut self, candle: &Candle, base: Interval, gaps: GapPolicy) -> bool {
        let open_time = candle.open_time;
        if (self.candle.is_none() || open_time != self.next_open) && !self.turn_to(open_time, base, gaps) {
            return false;
        }
        let bar = Bar::of(candle);
        for node in &mut self.nodes {
            node.update(&bar, &mut self.values);
        }
        for higher in &mut self.higher {
            let outcome = higher.aggregator.push(open_time, &bar);
            higher.settle(outcome, gaps, &mut self.values);
        }
        self.candle = Some(*candle);
        self.next_open = open_time.plus(base.ms());
        true
    }

    /// The series begins at `open_time`, or goes on there after a hole; `false` if it cannot.
    #[cold]
    fn turn_to(&mut self, open_time: Time, base: Interval, gaps: GapPolicy) -> bool {
        if !on_grid(open_time, base) {
            return false;
        }
        if self.candle.is_none() {
            for higher in &mut self.higher {
                higher.aggregator.begin(open_time);
            }
            return true;
        }
        if open_time < self.next_open {
            return false;
        }
        self.skip_to(open_time, base, gaps);
        true
    }

    /// All base candles from the expected one to before `open_time` are missing.
    fn skip_to(&mut self, open_time: Time, base: Interval, gaps: GapPolicy) {
        self.missing += (open_time.since(self.next_open) / base.ms()).unsigned_abs();
        self.next_open = open_time;
        if gaps == GapPolicy::Reset {
            for node in &mut self.nodes {
                node.reset(&mut self.values);
            }
        }
        for higher in &mut self.higher {
            let outcome = higher.aggregator.skip_to(open_time);
            higher.settle(outcome, gaps, &mut self.values);
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
