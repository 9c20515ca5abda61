//! A stretch: steps in a row that are known to be calm and in which no agent acts. All that is done at
//! each of them is to close candles, ask the agents whether they may act, and tell the sink; supervisor
//! and accounts are brought to its last step when it ends. The same state as stepping there, found sooner;
//! `tests/calm_steps.rs` holds it.

use super::{Engine, MakeRule, Sink};
use crate::features::Frames;
use crate::model::{AgentId, Candle, Closes, Fact, PriceRange, Side, Step, SymbolId, Time};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was passed since supervisor and accounts were last brought up to date.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    /// Everything that lasts as long as nothing happens was looked at, and allows it.
    is_prepared: bool,
    /// The last close it may last to.
    until: Time,
    /// By symbol; one without has no candle in any of the steps.
    lanes: Vec<Option<Lane>>,
    /// Agents that decide.
    asked: Vec<Asked>,
    /// Marks may wait until the end of the stretch.
    defers_marks: bool,
    /// They did, at some of its steps: the supervisor has not stood at their closes.
    has_unseen: bool,
    /// Steps passed; 0 when everything is up to date.
    steps: u32,
    /// When the last of them ended, and the one before it.
    last: Time,
    before: Time,
    // Buffers for its end.
    candles: Vec<Option<Candle>>,
    closes: Vec<Option<Closes>>,
}

/// One symbol on the way.
#[derive(Clone, Debug)]
struct Lane {
    /// Prices that it keeps to.
    range: PriceRange,
    /// The candle of the last step, and the closes of all; `None` before the first.
    passed: Option<(Candle, Closes)>,
}

/// An agent that decides in every step.
#[derive(Clone, Copy, Debug)]
struct Asked {
    agent: AgentId,
    symbol: SymbolId,
    /// The side it holds, all through the stretch.
    held: Option<Side>,
}

impl Stretch {
    /// Something happened: look again.
    pub(super) const fn end(&mut self) {
        self.is_prepared = false;
    }

    /// Whether a step is of the stretch: no later, without funding, with a candle in each lane and nowhere else.
    #[inline]
    fn holds(&self, step: &Step) -> bool {
        let is_inside = |(candle, lane): (&Option<Candle>, &Option<Lane>)| match (candle, lane) {
            (Some(candle), Some(lane)) => lane.range.holds(PriceRange::of(candle)),
            (candle, lane) => candle.is_none() && lane.is_none(),
        };
        step.close_time <= self.until
            && step.funding.is_empty()
            && step.candles.len() == self.lanes.len()
            && step.candles.iter().zip(&self.lanes).all(is_inside)
    }
}

impl<M: MakeRule, F: Frames> Engine<M, F> {
    /// Takes a step as part of a stretch, if it is one.
    #[inline]
    pub(super) fn glide(&mut self, step: &Step, sink: &mut impl Sink) -> bool {
        if (!self.stretch.is_prepared && !self.prepare()) || !self.stretch.holds(step) {
            return false;
        }
        let Self { stretch, frames, .. } = self;
        for (index, (candle, lane)) in step.candles.iter().zip(&mut stretch.lanes).enumerate() {
            let (Some(candle), Some(lane)) = (candle, lane) else { continue };
            frames.close(SymbolId::at(index), candle);
            match &mut lane.passed {
                Some((last, closes)) => {
                    *last = *candle;
                    closes.add(candle.close);
                }
                None => lane.passed = Some((*candle, Closes::of(candle.close))),
            }
        }
        stretch.steps += 1;
        (stretch.before, stretch.last) = (stretch.last, step.close_time);
        if self.somebody_may_act() {
            self.land();
            self.supervisor.rest_until(step.close_time);
            self.decide(step, sink);
            self.end_step(step, sink);
            return true;
        }
        for asked in &self.stretch.asked {
            sink.decided(asked.agent);
        }
        if !self.stretch.defers_marks || sink.watches() {
            self.supervisor.stand_at(|symbol| step.close_of(symbol));
        } else {
            self.stretch.has_unseen = true;
        }
        sink.fact(&Fact::StepEnd { at: step.close_time });
        sink.step_end(step, &self.supervisor);
        true
    }

    /// Looks at everything that lasts as long as nothing happens: whether it allows a stretch.
    fn prepare(&mut self) -> bool {
        let is_recorded = self.options.record_candles || self.options.record_holds || self.walks_always;
        let Some((ranges, until)) = self.calm.ranges() else { return false };
        if is_recorded || self.lives.iter().any(|life| life.is_restarting()) {
            return false;
        }
        let stretch = &mut self.stretch;
        let lane = |range: &Option<PriceRange>| range.map(|range| Lane { range, passed: None });
        stretch.lanes.clear();
        stretch.lanes.extend(ranges.iter().map(lane));
        stretch.asked.clear();
        for (index, plan) in self.plan.agents.iter().enumerate() {
            let (agent, symbol) = (AgentId::at(index), plan.symbol);
            if self.lives[index].runs() && matches!(ranges.get(symbol.index()), Some(Some(_))) {
                let held = self.supervisor.position_view(agent).map(|position| Side::of(position.qty));
                stretch.asked.push(Asked { agent, symbol, held });
            }
        }
        stretch.until = until;
        stretch.defers_marks = self.supervisor.has_single_positions();
        stretch.is_prepared = true;
        true
    }

    /// A rule that panics here is asked in earnest, too.
    #[inline]
    fn somebody_may_act(&self) -> bool {
        let may_act = |asked: &Asked| {
            let frame = self.frames.frame(asked.symbol);
            frame.is_some_and(|frame| self.rules[asked.agent.index()].may_act(&frame, asked.held))
        };
        catch_unwind(AssertUnwindSafe(|| self.stretch.asked.iter().any(may_act))).unwrap_or(true)
    }

    /// Brings supervisor and accounts to the last step passed.
    pub(super) fn land(&mut self) {
        let stretch = &mut self.stretch;
        if stretch.steps == 0 {
            return;
        }
        stretch.steps = 0;
        stretch.candles.clear();
        stretch.closes.clear();
        for lane in &mut stretch.lanes {
            let (candle, closes) = lane.as_mut().and_then(|lane| lane.passed.take()).unzip();
            stretch.candles.push(candle);
            stretch.closes.push(closes);
        }
        for exchange in &mut self.exchanges {
            exchange.pass_to(self.plan.base, &stretch.candles, &stretch.closes);
        }
        self.supervisor.know_closes(&stretch.closes, stretch.before, stretch.last);
        if std::mem::take(&mut stretch.has_unseen) {
            self.supervisor.pass_stretch(&stretch.closes);
        } else {
            self.supervisor.stand_at(|symbol| Some(stretch.closes.get(symbol.index())?.as_ref()?.last));
        }
    }
}
