//! Which candles are worth a decision: a few comparisons a candle, of many candles at a time where their numbers stand
//! side by side. This file decides nothing: a candle that it lets through is judged in full.

use super::Expert;
use super::exits;
use super::params::Params;
use super::score::{ScoreSlots, Target, Terms, entry_confidence};
use swarm_core::features::{Column, Film, Frame, Slot, Wants};
use swarm_core::model::Side;

/// So many candles are compared at once, without a branch between them.
const BLOCK: usize = 8;

/// What is looked at, where many agents look at the same candles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) target: Column,
    rsi_fast: Column,
    rsi_slow: Column,
    volume_ratio: Column,
}

impl Columns {
    /// Announces what an agent of these slots and terms looks at.
    pub fn share(
        slots: ScoreSlots,
        terms: &Terms,
        (rsi_fast, rsi_slow): (Slot, Slot),
        volume_ratio: Slot,
        wants: &mut Wants,
    ) -> Self {
        Self {
            target: wants.share(Target { slots, terms: terms.clone() }),
            rsi_fast: wants.share(rsi_fast),
            rsi_slow: wants.share(rsi_slow),
            volume_ratio: wants.share(volume_ratio),
        }
    }

    /// What stands in them of a film's candles, where they are computed.
    pub(super) fn of<'f>(&self, film: &Film<'f>) -> Option<Seen<'f>> {
        Some(Seen {
            rsi_fast: film.column(self.rsi_fast)?,
            rsi_slow: film.column(self.rsi_slow)?,
            volume_ratio: film.column(self.volume_ratio)?,
            target: film.column(self.target),
        })
    }
}

/// What is looked at of some candles in a row: of each column as many numbers.
pub(super) struct Seen<'f> {
    rsi_fast: &'f [f64],
    rsi_slow: &'f [f64],
    volume_ratio: &'f [f64],
    /// Absent where too few agents have the same.
    pub(super) target: Option<&'f [f64]>,
}

/// Fast and slow RSI.
type Rsi = (f64, f64);

/// Whether RSI lets an agent enter that holds nothing: long, short. An absent feature is NaN and lets none.
#[inline(always)]
fn sides(params: &Params, (fast, slow): Rsi) -> (bool, bool) {
    (fast < params.entry_rsi_long, slow > params.entry_rsi_short)
}

/// Whether volume does.
#[inline(always)]
fn is_traded(params: &Params, volume_ratio: f64) -> bool {
    volume_ratio >= params.entry_volume_ratio
}

/// Whether the target score is beyond the threshold on one of these sides, and sure enough.
#[inline(always)]
fn is_beyond(params: &Params, (long, short): (bool, bool), target: f64) -> bool {
    let is_beyond = (long & (target > params.entry_score)) | (short & (target < -params.entry_score));
    is_beyond & (entry_confidence(target) >= params.min_confidence)
}

impl Expert {
    /// Whether the agent may act on this candle.
    #[inline]
    pub(super) fn looks_at(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        let rsi = (frame.raw(self.rsi_fast), frame.raw(self.rsi_slow));
        let volume_ratio = || frame.raw(self.volume_ratio);
        self.pace.closes(frame.now) && self.passes(held, rsi, volume_ratio, || self.read(frame).target)
    }

    /// Likewise, by the numbers of a candle: the gate that most candles do not pass first, the dearest number last.
    #[inline(always)]
    fn passes(
        &self,
        held: Option<Side>,
        rsi: Rsi,
        volume_ratio: impl FnOnce() -> f64,
        target: impl FnOnce() -> f64,
    ) -> bool {
        let params = &self.setup.params;
        if let Some(side) = held {
            return exits::signal_exit(params, side, target(), rsi, true).is_some();
        }
        let (long, short) = sides(params, rsi);
        (long || short) && is_traded(params, volume_ratio()) && is_beyond(params, (long, short), target())
    }

    /// How many candles come before the first on which the agent may act.
    pub(super) fn look_through(&self, mut film: Film<'_>, held: Option<Side>) -> Option<usize> {
        let Some(seen) = self.columns.of(&film) else {
            return film.position(|frame| self.looks_at(&frame, held));
        };
        let closes = |place: usize| self.pace.closes(film.close_times()[place]);
        if let (None, Some(target)) = (held, seen.target) {
            return self.first_entry(&seen, target, closes);
        }
        let target = |place: usize| match seen.target {
            Some(target) => target[place],
            None => film.frame(place).map_or(f64::NAN, |frame| self.read(&frame).target),
        };
        let Seen { rsi_fast, rsi_slow, volume_ratio, .. } = seen;
        let passes = |place: usize| {
            let rsi = (rsi_fast[place], rsi_slow[place]);
            self.passes(held, rsi, || volume_ratio[place], || target(place))
        };
        (0..rsi_fast.len()).find(|place| passes(*place) && closes(*place))
    }

    /// The first place at which an agent that holds nothing may enter, of those that `closes` says are asked about.
    #[inline(always)]
    fn first_entry(&self, seen: &Seen<'_>, target: &[f64], closes: impl Fn(usize) -> bool) -> Option<usize> {
        let params = &self.setup.params;
        let enters = |rsi_fast, rsi_slow, volume_ratio, target| {
            is_traded(params, volume_ratio) & is_beyond(params, sides(params, (rsi_fast, rsi_slow)), target)
        };
        let (rsi_fast, rest) = seen.rsi_fast.as_chunks::<BLOCK>();
        let (rsi_slow, _) = seen.rsi_slow.as_chunks::<BLOCK>();
        let (volume_ratio, _) = seen.volume_ratio.as_chunks::<BLOCK>();
        let (targets, _) = target.as_chunks::<BLOCK>();
        let blocks = rsi_fast.iter().zip(rsi_slow).zip(volume_ratio).zip(targets);
        for (block, (((rsi_fast, rsi_slow), volume_ratio), targets)) in blocks.enumerate() {
            let enters = |lane: usize| enters(rsi_fast[lane], rsi_slow[lane], volume_ratio[lane], targets[lane]);
            if (0..BLOCK).fold(false, |any, lane| any | enters(lane)) {
                let found = (0..BLOCK).find(|lane| enters(*lane) && closes(block * BLOCK + lane));
                if let Some(lane) = found {
                    return Some(block * BLOCK + lane);
                }
            }
        }
        let Seen { rsi_fast, rsi_slow, volume_ratio, .. } = seen;
        let enters = |place: usize| enters(rsi_fast[place], rsi_slow[place], volume_ratio[place], target[place]);
        (target.len() - rest.len()..target.len()).find(|place| enters(*place) && closes(*place))
    }
}
