//! A stretch: steps in a row that are known to be calm. As long as no agent acts either, all that is done in them is to
//! tell the sink; supervisor and accounts are brought to its last step when it ends. The same state as stepping there,
//! found sooner; `tests/calm_steps.rs` holds it.

use super::{Engine, MakeRule, Sink};
use crate::features::Reel;
use crate::model::{AgentId, Candle, Closes, Fact, Passed, PriceRange, Side, Step, SymbolId, Time};

/// What was passed since supervisor and accounts were last brought up to date.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    /// Everything that lasts as long as nothing happens was looked at, and allows it.
    is_prepared: bool,
    /// The last close it may last to.
    until: Time,
    /// The first step of the reel that is not of the stretch; no later than the current one when it is not known.
    ends_at: usize,
    /// By symbol; one without has no candle in any of the steps.
    lanes: Vec<Option<Lane>>,
    /// Agents that decide, and what of.
    asked: Vec<Asked>,
    deciding: Vec<AgentId>,
    /// Marks may wait until the end of the stretch.
    defers_marks: bool,
    /// They did, at some of its steps: the supervisor has not stood at their closes.
    has_unseen: bool,
    /// Steps were passed that supervisor and accounts know nothing of.
    is_ahead: bool,
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

/// An agent that decides in every step, its symbol, and the side it holds all through the stretch.
type Asked = (AgentId, SymbolId, Option<Side>);

impl Stretch {
    /// Something happened: look again.
    pub(super) const fn end(&mut self) {
        self.is_prepared = false;
    }

    /// The first step of a reel from `at` on that is not of the stretch: it is later, pays funding, has no candle in
    /// a lane or one elsewhere, or a price that leaves its lane.
    #[inline]
    fn end_in(&self, reel: &Reel, at: usize) -> usize {
        let is_of_lanes = |(index, lane): (usize, &Option<Lane>)| reel.has(SymbolId::at(index), at) == lane.is_some();
        if reel.pays_funding(at) || !self.lanes.iter().enumerate().all(is_of_lanes) {
            return at;
        }
        let alike = reel.alike_until(at);
        let mut end = at + reel.close_times()[at..alike].partition_point(|close| *close <= self.until);
        for (index, lane) in self.lanes.iter().enumerate() {
            if let Some(lane) = lane {
                end = reel.keeps_to(SymbolId::at(index), lane.range, at, end);
            }
        }
        end
    }

    /// What a sink is told of these steps.
    fn passed<'a>(&'a self, reel: &'a Reel, from: usize, to: usize) -> Passed<'a> {
        Passed {
            close_times: &reel.close_times()[from..to],
            candles: self.lanes.iter().flatten().count() as u64,
            decided: &self.deciding,
        }
    }

    /// These steps are passed.
    #[inline]
    fn pass(&mut self, reel: &Reel, from: usize, to: usize) {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(lane) = lane else { continue };
            let symbol = SymbolId::at(index);
            let closes = reel.closes(symbol, from, to);
            let candle = *reel.candle(symbol, to - 1);
            match &mut lane.passed {
                Some((last, known)) => {
                    *last = candle;
                    known.extend(closes);
                }
                None => lane.passed = Some((candle, closes)),
            }
        }
        let times = &reel.close_times()[from..to];
        (self.before, self.last) = match times {
            [.., before, last] => (*before, *last),
            [last] => (self.last, *last),
            [] => return,
        };
        self.is_ahead = true;
    }
}

impl<M: MakeRule> Engine<M> {
    /// Takes the next steps as part of a stretch, if they are: those in which nobody may act, and one more in which
    /// somebody may. `step` is a buffer.
    #[inline]
    pub(super) fn glide(&mut self, step: &mut Step, sink: &mut impl Sink) -> bool {
        if !self.stretch.is_prepared && !self.prepare() {
            return false;
        }
        if self.at == 0 || self.at >= self.stretch.ends_at {
            self.stretch.ends_at = self.stretch.end_in(&self.reel, self.at);
        }
        let end = self.stretch.ends_at;
        debug_assert_eq!(end, self.stretch.end_in(&self.reel, self.at), "a stretch ends where it was found to end");
        if end == self.at {
            return false;
        }
        let act = self.next_act(end);
        if act > self.at {
            self.stretch.pass(&self.reel, self.at, act);
            self.tell(act, step, sink);
            self.at = act;
        }
        if act < end {
            self.stretch.pass(&self.reel, act, act + 1);
            self.reel.read(act, step);
            self.land();
            self.supervisor.rest_until(step.close_time);
            self.decide(step, sink);
            self.end_step(step, sink);
            self.at += 1;
        }
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
        stretch.deciding.clear();
        for (index, plan) in self.plan.agents.iter().enumerate() {
            let (agent, symbol) = (AgentId::at(index), plan.symbol);
            if self.lives[index].runs() && matches!(ranges.get(symbol.index()), Some(Some(_))) {
                let held = self.supervisor.position_view(agent).map(|position| Side::of(position.qty));
                stretch.asked.push((agent, symbol, held));
                stretch.deciding.push(agent);
            }
        }
        stretch.until = until;
        stretch.ends_at = 0;
        stretch.defers_marks = self.supervisor.has_single_positions();
        stretch.is_prepared = true;
        true
    }

    /// The first of the next steps, before `end`, at which somebody may act.
    #[inline]
    fn next_act(&mut self, end: usize) -> usize {
        let Self { stretch, outlook, rules, reel, at, .. } = self;
        stretch
            .asked
            .iter()
            .fold(end, |end, asked| outlook.next_act(*asked, rules[asked.0.index()].as_ref(), reel, (*at, end)))
    }

    /// Tells the sink of the steps before `to`, in which nothing happened: one by one while it watches, then all.
    fn tell(&mut self, to: usize, step: &mut Step, sink: &mut impl Sink) {
        let Self { stretch, supervisor, reel, .. } = self;
        for at in self.at..to {
            let is_watched = sink.watches();
            if stretch.defers_marks && !is_watched {
                stretch.has_unseen = true;
                sink.passed(&stretch.passed(reel, at, to));
                return;
            }
            let close_of = |symbol: SymbolId| reel.has(symbol, at).then(|| reel.candle(symbol, at).close);
            supervisor.stand_at(close_of);
            if !is_watched {
                sink.passed(&stretch.passed(reel, at, at + 1));
                continue;
            }
            reel.read(at, step);
            stretch.deciding.iter().for_each(|agent| sink.decided(*agent));
            sink.fact(&Fact::StepEnd { at: step.close_time });
            sink.step_end(step, supervisor);
        }
    }

    /// Brings supervisor and accounts to the last step passed.
    pub(super) fn land(&mut self) {
        let stretch = &mut self.stretch;
        if !std::mem::take(&mut stretch.is_ahead) {
            return;
        }
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
