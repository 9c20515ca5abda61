//! A stretch: steps in a row that are known to be calm and in which no agent acts. All that is done at
//! each of them is to close candles, ask the agents whether they may act, and tell the sink; supervisor
//! and accounts are brought to its last step when it ends. The same state as stepping there, found sooner;
//! `tests/calm_steps.rs` holds it.

use super::{Engine, MakeRule, Sink, may_act};
use crate::model::{AgentId, AgentPlan, Fact, Price, Side, Step, SymbolId};
use crate::risk::Closes;

/// What was passed since supervisor and accounts were last brought up to date.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    /// Steps passed; 0 when everything is up to date.
    steps: u32,
    /// By symbol: the closes of these steps.
    closes: Vec<Option<Closes>>,
    /// By symbol: the close of the last step but one.
    before: Vec<Option<Price>>,
    /// By agent: the side it holds, all through the stretch.
    held: Vec<Option<Side>>,
    /// `held` is known, and everything else that lasts as long as nothing happens was looked at.
    is_prepared: bool,
    /// Marks may wait until the end of the stretch.
    defers_marks: bool,
}

impl Stretch {
    /// Something happened: look again.
    pub(super) const fn end(&mut self) {
        self.is_prepared = false;
    }

    fn note(&mut self, step: &Step) {
        self.steps += 1;
        for ((closes, before), candle) in self.closes.iter_mut().zip(&mut self.before).zip(&step.candles) {
            let Some(candle) = candle else { continue };
            *before = closes.map(|closes| closes.last);
            match closes {
                Some(closes) => closes.add(candle.close),
                None => *closes = Some(Closes::of(candle.close)),
            }
        }
    }
}

impl<M: MakeRule> Engine<M> {
    /// Takes a step as part of a stretch, if it is one; `before` is the step before it.
    pub(super) fn glide(&mut self, step: &Step, before: &Step, sink: &mut impl Sink) -> bool {
        if !self.calm.covers_all(step) || !step.funding.is_empty() || !self.may_glide() {
            self.land(before);
            return false;
        }
        let watches = sink.watches() || !self.stretch.defers_marks;
        for (index, candle) in step.candles.iter().enumerate() {
            let Some(candle) = candle else { continue };
            self.supervisor.on_candle(SymbolId::at(index), candle, step.close_time);
            self.hub.close(SymbolId::at(index), candle);
        }
        self.stretch.note(step);
        if self.somebody_may_act(step) {
            self.land(step);
            self.supervisor.rest_until(step.close_time);
            self.decide(step, sink);
            self.end_step(step, sink);
            return true;
        }
        for index in 0..self.rules.len() {
            if self.decides(index, step) {
                sink.decided(AgentId::at(index));
            }
        }
        if watches {
            self.land(step);
        }
        sink.fact(&Fact::StepEnd { at: step.close_time });
        sink.step_end(step, &self.supervisor);
        true
    }

    /// Whether nothing that lasts stands in the way.
    fn may_glide(&mut self) -> bool {
        if self.stretch.is_prepared {
            return true;
        }
        let is_recorded = self.options.record_candles || self.options.record_holds || self.walks_always;
        if is_recorded || self.lives.iter().any(|life| life.is_restarting()) {
            return false;
        }
        let side_of = |index| self.supervisor.position_view(AgentId::at(index)).map(|held| Side::of(held.qty));
        self.stretch.held.clear();
        self.stretch.held.extend((0..self.rules.len()).map(side_of));
        self.stretch.defers_marks = self.supervisor.has_single_positions();
        self.stretch.closes.resize(self.plan.instruments.len(), None);
        self.stretch.before.resize(self.plan.instruments.len(), None);
        self.stretch.is_prepared = true;
        true
    }

    #[inline]
    fn decides(&self, index: usize, step: &Step) -> bool {
        self.lives[index].runs() && matches!(step.candles.get(self.plan.agents[index].symbol.index()), Some(Some(_)))
    }

    fn somebody_may_act(&self, step: &Step) -> bool {
        self.rules.iter().enumerate().any(|(index, rule)| {
            let AgentPlan { symbol, .. } = self.plan.agents[index];
            self.decides(index, step)
                && self.hub.frame(symbol).is_some_and(|frame| may_act(rule.as_ref(), &frame, self.stretch.held[index]))
        })
    }

    /// Ends a stretch: supervisor and accounts are brought to `last`, its last step.
    pub(super) fn land(&mut self, last: &Step) {
        if self.stretch.steps == 0 {
            return;
        }
        for exchange in &mut self.exchanges {
            exchange.pass_to(self.plan.base, &last.candles, &self.stretch.before);
        }
        self.supervisor.pass_stretch(&self.stretch.closes);
        self.stretch.steps = 0;
        self.stretch.closes.fill(None);
        self.stretch.before.fill(None);
    }
}
