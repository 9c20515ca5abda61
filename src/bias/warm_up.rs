//! The series begins later: is anything different once warm? Hub and rules alone, each rule in the same
//! stances, beside those that have seen everything.

use super::bench::{Bench, Watched, name_of, watched, wishes};
use super::differ::{first_cause, nearly_same, said_text, value_text, values_agree};
use super::look_ahead::highest;
use super::memory::{is_price, is_sum, settling_base};
use super::report::{Bias, Finding, Report, names, symbol_of};
use super::{BiasError, Subject, variant};
use crate::market::Recording;
use std::sync::Arc;
use swarm_core::engine::{BuildError, MakeRule};
use swarm_core::features::{FeatureSpec, Hub, Wants};
use swarm_core::model::{AgentId, Plan, Step, SymbolId, Tape, Time};

/// Fewest steps that are compared after the longest warm-up.
const COMPARED_STEPS: usize = 200;

/// What an agent or a feature needs before it is compared, in base candles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// Declared warm-up.
    warm_up: usize,
    /// Until averages that never forget have settled, the warm-up included.
    settled: usize,
}

impl Need {
    /// Until nothing depends on the start any more.
    pub(super) const fn settled(self) -> usize {
        self.settled
    }

    /// Steps with which there is something to compare.
    pub(super) const fn steps(self) -> usize {
        self.settled + COMPARED_STEPS + 2
    }
}

/// By agent.
pub(super) fn needs(plan: &Arc<Plan>, make: &dyn MakeRule) -> Result<Vec<Need>, BiasError> {
    wishes(plan, make)?
        .iter()
        .map(|wants| {
            let mut whole = Need { warm_up: 1, settled: 1 };
            for spec in wants.specs() {
                let need = need_of(plan, spec)?;
                whole.warm_up = whole.warm_up.max(need.warm_up);
                whole.settled = whole.settled.max(need.settled);
            }
            Ok(whole)
        })
        .collect()
}

/// The hub says itself how many candles a feature needs.
fn need_of(plan: &Plan, spec: &FeatureSpec) -> Result<Need, BiasError> {
    let mut wants = Wants::default();
    wants.want(spec.interval, spec.feature.clone());
    let hub = Hub::new(plan.base, plan.gaps, &[wants]).map_err(BuildError::from)?;
    let warm_up = hub.warm_up_candles(SymbolId(0));
    Ok(Need { warm_up, settled: warm_up + settling_base(spec, plan.base) })
}

/// A market that began later.
struct Lane {
    tape: Box<dyn Tape>,
    bench: Bench,
    step: Step,
    start: Time,
    /// By symbol, candles so far.
    candles: Vec<usize>,
    /// By feature of the swarm, for running sums: how far the level is off, once known.
    offsets: Vec<Option<f64>>,
}

pub(super) fn check(
    plan: &Arc<Plan>,
    subject: &dyn Subject,
    market: &Arc<Recording>,
    report: &mut Report,
) -> Result<(), BiasError> {
    let rules = subject.rules(market);
    let needs = needs(plan, rules.as_ref())?;
    for (result, need) in report.agents.iter_mut().zip(&needs) {
        (result.warm_up, result.settled) = (need.warm_up, need.settled);
    }
    let watched = watched(plan, rules.as_ref())?;
    let each: Vec<Need> = watched.iter().map(|watched| need_of(plan, &watched.spec)).collect::<Result<_, _>>()?;
    let has = usize::try_from(market.to.since(market.from) / plan.base.ms()).unwrap_or(0);
    let longest = needs.iter().enumerate().max_by_key(|(_, need)| need.settled);
    if let Some((index, need)) = longest.filter(|(_, need)| need.steps() > has) {
        let agent = plan.agents[index].name.clone();
        return Err(BiasError::TooShort { agent, has, needed: need.steps() });
    }
    let room = longest.map_or(0, |(_, need)| need.settled + COMPARED_STEPS);
    let starts = variant::starts(market, highest(plan, &watched), room);
    report.starts = starts.iter().map(Time::to_string).collect();
    let mut lanes = Vec::new();
    for start in starts {
        let other = variant::started(market, start);
        let bench = Bench::new(plan, subject.rules(&other).as_ref())?;
        let (candles, offsets) = (vec![0; plan.instruments.len()], vec![None; watched.len()]);
        lanes.push(Lane { tape: subject.tape(&other), bench, step: Step::default(), start, candles, offsets });
    }
    let mut reference = Bench::new(plan, rules.as_ref())?;
    let mut tape = subject.tape(market);
    let mut step = Step::default();
    while tape.next(&mut step) {
        reference.step(&step);
        for lane in &mut lanes {
            if step.close_time.plus(-plan.base.ms()) < lane.start || !lane.tape.next(&mut lane.step) {
                continue;
            }
            lane.bench.step(&lane.step);
            for (count, candle) in lane.candles.iter_mut().zip(&lane.step.candles) {
                *count += usize::from(candle.is_some());
            }
            let mut comparison = Comparison { plan, report: &mut *report, reference: &reference, step: &step };
            comparison.features(lane, &watched, &each);
            comparison.rules(lane, &watched, &needs);
        }
    }
    Ok(())
}

struct Comparison<'a> {
    plan: &'a Plan,
    report: &'a mut Report,
    reference: &'a Bench,
    step: &'a Step,
}

impl Comparison<'_> {
    fn finding(&self, lane: &Lane, symbol: SymbolId, what: &str) -> Finding {
        let base = self.plan.base;
        Finding {
            bias: Bias::WarmUp,
            agent: String::new(),
            symbol: symbol_of(self.plan, symbol),
            what: what.to_owned(),
            interval: base,
            stance: None,
            candle: self.step.close_time.plus(-base.ms()),
            against: format!("begun at {}, {} candles before", lane.start, lane.candles[symbol.index()]),
            expected: String::new(),
            found: String::new(),
            cause: None,
            times: 1,
        }
    }

    fn features(&mut self, lane: &mut Lane, watched: &[Watched], needs: &[Need]) {
        for (index, (watched, need)) in watched.iter().zip(needs).enumerate() {
            let symbol = watched.symbol.index();
            let Some(Some(candle)) = self.step.candles.get(symbol) else { continue };
            let count = lane.candles[symbol];
            if count < need.warm_up {
                continue;
            }
            let feature = &watched.spec.feature;
            let [one, mut other] = values(self.reference, &lane.bench, watched);
            if is_sum(feature) && !one.is_nan() && !other.is_nan() {
                other += *lane.offsets[index].get_or_insert(one - other);
            }
            self.report.values_compared += 1;
            let unit = if is_price(feature) {
                candle.close.to_f64()
            } else if is_sum(feature) {
                one.abs().max(candle.volume)
            } else {
                1.0
            };
            // Before it has settled it need only be there.
            let agree = one.is_nan() == other.is_nan() && (count < need.settled || values_agree(one, other, unit));
            if !agree {
                let finding = Finding {
                    agent: names(self.plan, &watched.agents),
                    interval: watched.spec.interval,
                    expected: value_text(one),
                    found: value_text(other),
                    ..self.finding(lane, watched.symbol, &name_of(feature))
                };
                self.report.add(finding);
            }
        }
    }

    fn rules(&mut self, lane: &mut Lane, watched: &[Watched], needs: &[Need]) {
        let said: Vec<_> = lane.bench.said().map(|(_, _, said)| said.cloned()).collect();
        for ((agent, stance, one), other) in self.reference.said().zip(&said) {
            let other = other.as_ref();
            let symbol = self.plan.agents[agent.index()].symbol;
            let candle = self.step.candles.get(symbol.index()).and_then(Option::as_ref);
            let Some(candle) = candle.filter(|_| lane.candles[symbol.index()] >= needs[agent.index()].settled) else {
                continue;
            };
            self.report.agents[agent.index()].warm_up_compared += 1;
            if one == other {
                continue;
            }
            let inputs = self.inputs(lane, watched, agent, candle.close.to_f64());
            if inputs == Inputs::Near && nearly_same(one, other) {
                continue;
            }
            // The last digits of a settled average can decide a threshold. It is that, and no memory of the rule's, if it
            // answers as expected on the values of the whole series.
            let again = self.reference.frame(symbol).filter(|_| inputs == Inputs::Near);
            let again = again.map(|frame| lane.bench.ask(agent, stance, frame, candle));
            if again.is_some() && again.as_ref() == one {
                self.report.knife_edges += 1;
                continue;
            }
            let lines = |bench: &Bench| bench.lines(agent, stance, candle);
            let finding = Finding {
                agent: self.plan.agent_name(agent).to_owned(),
                stance: Some(stance.label()),
                expected: said_text(one),
                found: said_text(other),
                cause: first_cause(&lines(self.reference), &lines(&lane.bench)),
                ..self.finding(lane, symbol, "decision")
            };
            self.report.add(finding);
        }
    }

    /// How the features of an agent stand to each other. The level of a running sum counts as it is: the rule sees it.
    fn inputs(&self, lane: &Lane, watched: &[Watched], agent: AgentId, close: f64) -> Inputs {
        let own = watched.iter().filter(|watched| watched.agents.contains(&agent));
        let each = own.map(|watched| {
            let [one, other] = values(self.reference, &lane.bench, watched);
            if one.to_bits() == other.to_bits() {
                Inputs::Same
            } else if values_agree(one, other, if is_price(&watched.spec.feature) { close } else { 1.0 }) {
                Inputs::Near
            } else {
                Inputs::Far
            }
        });
        each.max().unwrap_or(Inputs::Same)
    }
}

/// How what a rule saw on one market stands to what it saw on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Inputs {
    /// To the bit.
    Same,
    /// Within the tolerance.
    Near,
    /// Not the same at all.
    Far,
}

fn values(one: &Bench, other: &Bench, watched: &Watched) -> [f64; 2] {
    [one, other].map(|bench| bench.values(watched.symbol).get(watched.place).copied().unwrap_or(f64::NAN))
}
