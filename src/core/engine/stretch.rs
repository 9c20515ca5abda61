//! A stretch: steps in a row that are known to be calm. As long as no agent acts either, all that is done in them is to
//! tell the sink; supervisor and accounts are brought to its last step when it ends. The same state as stepping there,
//! found sooner; `tests/calm_steps.rs` holds it.

use super::{Engine, MakeRule, Sink, consult};
use crate::features::Reel;
use crate::model::{AgentId, Candle, Closes, Fact, Passed, PriceRange, Side, Step, Steps, SymbolId, Time};

/// So many steps are looked at at a time.
const STEPS_AHEAD: usize = 64;

/// What was passed since supervisor and accounts were last brought up to date.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    /// Everything that lasts as long as nothing happens was looked at, and allows it.
    is_prepared: bool,
    /// The last close it may last to.
    until: Time,
    /// By symbol; one without has no candle in any of the steps.
    lanes: Vec<Option<Lane>>,
    /// Agents that decide, and those of them that may do anything, with what they are asked about.
    deciding: Vec<AgentId>,
    asked: Vec<Asked>,
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

    /// The first step of a reel from `at` on that is not of the stretch whatever its prices: it is later, pays funding,
    /// has no candle in a lane or one elsewhere. No further than is looked ahead.
    #[inline]
    fn limit_in(&self, steps: &Steps, at: usize) -> usize {
        let has_candle = |index| steps.candle(SymbolId::at(index), at).is_some();
        let is_of_lanes = |(index, lane): (usize, &Option<Lane>)| has_candle(index) == lane.is_some();
        if steps.pays_funding(at) || !self.lanes.iter().enumerate().all(is_of_lanes) {
            return at;
        }
        let alike = steps.alike_until(at).min(at + STEPS_AHEAD);
        at + steps.close_times()[at..alike].partition_point(|close| *close <= self.until)
    }

    /// The first of these steps with a price that leaves its lane; the end when there is none.
    #[inline]
    fn keeps_to_lanes(&self, reel: &Reel, at: usize, end: usize) -> usize {
        let lanes = self.lanes.iter().enumerate().filter_map(|(index, lane)| Some((index, lane.as_ref()?)));
        lanes.fold(end, |end, (index, lane)| reel.keeps_to(SymbolId::at(index), lane.range, at, end))
    }

    /// What a sink is told of these steps.
    fn passed<'a>(&'a self, steps: &'a Steps, from: usize, to: usize) -> Passed<'a> {
        Passed {
            among: steps,
            places: (from, to),
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
            let candle = reel.steps().whole(symbol, to - 1, to)[0];
            match &mut lane.passed {
                Some((last, known)) => {
                    *last = candle;
                    known.extend(closes);
                }
                None => lane.passed = Some((candle, closes)),
            }
        }
        let times = &reel.steps().close_times()[from..to];
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
        // Rules first: what they say of later candles stays known, and prices are looked at no further than is gone.
        let limit = self.stretch.limit_in(self.reel.steps(), self.at);
        let next_act = self.next_act(limit);
        let end = self.stretch.keeps_to_lanes(&self.reel, self.at, limit.min(next_act + 1));
        if end == self.at {
            return false;
        }
        let act = next_act.min(end);
        if act > self.at {
            self.stretch.pass(&self.reel, self.at, act);
            self.tell(act, step, sink);
            self.at = act;
        }
        if act < end {
            self.stretch.pass(&self.reel, act, act + 1);
            self.reel.steps().read(act, step);
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
                stretch.deciding.push(agent);
                let stats = self.supervisor.stats(agent);
                if held.is_some() || consult::may_enter(self.rules[index].as_ref(), &stats) {
                    stretch.asked.push((agent, symbol, held));
                }
            }
        }
        stretch.until = until;
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
        let steps = reel.steps();
        for at in self.at..to {
            let is_watched = sink.watches();
            if stretch.defers_marks && !is_watched {
                stretch.has_unseen = true;
                sink.passed(&stretch.passed(steps, at, to), supervisor);
                return;
            }
            let close_of = |symbol: SymbolId| steps.candle(symbol, at).map(|candle| candle.close);
            supervisor.stand_at(close_of);
            if !is_watched {
                sink.passed(&stretch.passed(steps, at, at + 1), supervisor);
                continue;
            }
            steps.read(at, step);
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
