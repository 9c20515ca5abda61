//! The future is taken away or replaced: does anything before it change? Every other market is run beside
//! the recorded one, step by step, up to its cut.

use super::bench::{Bench, Said, Watched, name_of, watched};
use super::differ::{decision_text, first_cause, said_text, value_text};
use super::report::{Bias, Finding, Report, names, symbol_of};
use super::{BiasError, Boxed, Subject, variant};
use crate::market::Recording;
use std::sync::Arc;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::model::{AgentId, Candle, Decision, Fact, Interval, Plan, Step, SymbolId, Tape, Time};

/// Decisions of one step, in the order they were taken.
#[derive(Default)]
struct Collected(Vec<(AgentId, Decision)>);

impl Sink for Collected {
    fn fact(&mut self, fact: &Fact) {
        if let Fact::Signal(record) | Fact::Hold(record) = fact {
            self.0.push((record.agent, record.decision.clone()));
        }
    }
}

/// One market being run: the whole swarm and the rules alone.
struct Lane<'a> {
    tape: Box<dyn Tape>,
    bench: Bench,
    engine: Engine<Boxed<'a>>,
    step: Step,
    decided: Collected,
    /// Up to which close it must agree.
    until: Time,
    label: String,
}

impl<'a> Lane<'a> {
    fn new(
        plan: &Arc<Plan>,
        subject: &'a dyn Subject,
        market: &Arc<Recording>,
        until: Time,
        label: String,
    ) -> Result<Self, BiasError> {
        let rules = subject.rules(market);
        let bench = Bench::new(plan, rules.as_ref())?;
        // HOLDs count as well: a feature that changes is seen in them first.
        let options = EngineOptions { record_holds: true, ..EngineOptions::default() };
        let engine = Engine::new(Arc::clone(plan), Boxed(rules), options)?;
        let (step, decided) = (Step::default(), Collected::default());
        Ok(Self { tape: subject.tape(market), bench, engine, step, decided, until, label })
    }

    fn advance(&mut self) -> bool {
        if !self.tape.next(&mut self.step) {
            return false;
        }
        self.decided.0.clear();
        self.bench.step(&self.step);
        self.engine.step(&self.step, &mut self.decided);
        true
    }
}

pub(super) fn check(
    plan: &Arc<Plan>,
    subject: &dyn Subject,
    market: &Arc<Recording>,
    report: &mut Report,
) -> Result<(), BiasError> {
    let watched = watched(plan, subject.rules(market).as_ref())?;
    let highest = highest(plan, &watched);
    let cuts = variant::cuts(market, highest);
    report.cuts = cuts.iter().map(Time::to_string).collect();
    let mut reference = Lane::new(plan, subject, market, market.to, String::new())?;
    let mut lanes = Vec::new();
    for cut in cuts {
        for (other, label) in [
            (variant::truncated(market, cut), format!("cut off at {cut}")),
            (variant::replaced(market, cut), format!("another future after {cut}")),
        ] {
            lanes.push(Lane::new(plan, subject, &other, cut, label)?);
        }
    }
    while !lanes.is_empty() && reference.advance() {
        lanes.retain_mut(|lane| {
            if reference.step.close_time > lane.until {
                return false;
            }
            let goes_on = lane.advance();
            let mut comparison = Comparison { plan, watched: &watched, report: &mut *report, reference: &reference };
            if !goes_on {
                comparison.ended(lane);
                return false;
            }
            comparison.steps(lane);
            comparison.features(lane);
            comparison.rules(lane);
            comparison.swarm(lane);
            true
        });
    }
    Ok(())
}

/// The longest interval that the swarm or a rule names.
pub(super) fn highest(plan: &Plan, watched: &[Watched]) -> Interval {
    let wanted = watched.iter().map(|watched| watched.spec.interval);
    plan.intervals.iter().copied().chain(wanted).max().unwrap_or(plan.base)
}

struct Comparison<'a, 'b> {
    plan: &'a Plan,
    watched: &'a [Watched],
    report: &'a mut Report,
    reference: &'a Lane<'b>,
}

impl Comparison<'_, '_> {
    fn finding(&self, lane: &Lane<'_>, symbol: SymbolId, what: &str) -> Finding {
        let base = self.plan.base;
        Finding {
            bias: Bias::LookAhead,
            agent: String::new(),
            symbol: symbol_of(self.plan, symbol),
            what: what.to_owned(),
            interval: base,
            stance: None,
            candle: self.reference.step.close_time.plus(-base.ms()),
            against: lane.label.clone(),
            expected: String::new(),
            found: String::new(),
            cause: None,
            times: 1,
        }
    }

    /// The other market stopped before its cut.
    fn ended(&mut self, lane: &Lane<'_>) {
        let found = Finding { found: "the tape has ended".to_owned(), ..self.finding(lane, SymbolId(0), "candle") };
        self.report.add(found);
    }

    /// The tape itself: candles, and funding due.
    fn steps(&mut self, lane: &Lane<'_>) {
        let (one, other) = (&self.reference.step, &lane.step);
        for index in 0..self.plan.instruments.len() {
            let [one, other] = [one, other].map(|step| step.candles.get(index).copied().flatten());
            if one != other {
                let text = |candle: Option<Candle>| candle.map_or("none".to_owned(), |candle| format!("{candle:?}"));
                let (expected, found) = (text(one), text(other));
                let finding = Finding { expected, found, ..self.finding(lane, SymbolId::at(index), "candle") };
                self.report.add(finding);
            }
        }
        if one.funding != other.funding || one.close_time != other.close_time {
            let (expected, found) = (format!("{:?}", one.funding), format!("{:?}", other.funding));
            self.report.add(Finding { expected, found, ..self.finding(lane, SymbolId(0), "funding") });
        }
    }

    fn features(&mut self, lane: &Lane<'_>) {
        for watched in self.watched {
            if self.reference.step.candles.get(watched.symbol.index()).is_none_or(Option::is_none) {
                continue;
            }
            let [one, other] = [&self.reference.bench, &lane.bench]
                .map(|bench| bench.values(watched.symbol).get(watched.place).copied().unwrap_or(f64::NAN));
            self.report.values_compared += 1;
            if one.to_bits() != other.to_bits() {
                let finding = Finding {
                    agent: names(self.plan, &watched.agents),
                    interval: watched.spec.interval,
                    expected: value_text(one),
                    found: value_text(other),
                    ..self.finding(lane, watched.symbol, &name_of(&watched.spec.feature))
                };
                self.report.add(finding);
            }
        }
    }

    fn rules(&mut self, lane: &Lane<'_>) {
        let reference = self.reference;
        for ((agent, stance, one), (_, _, other)) in reference.bench.said().zip(lane.bench.said()) {
            self.report.agents[agent.index()].look_ahead_compared += u64::from(one.is_some());
            if same(one, other) {
                continue;
            }
            let symbol = self.plan.agents[agent.index()].symbol;
            let lines = |bench: &Bench, step: &Step| match step.candles.get(symbol.index()).and_then(Option::as_ref) {
                Some(candle) => bench.lines(agent, stance, candle),
                None => Vec::new(),
            };
            let finding = Finding {
                agent: self.plan.agent_name(agent).to_owned(),
                stance: Some(stance.label()),
                expected: said_text(one),
                found: said_text(other),
                cause: first_cause(&lines(&reference.bench, &reference.step), &lines(&lane.bench, &lane.step)),
                ..self.finding(lane, symbol, "decision")
            };
            self.report.add(finding);
        }
    }

    /// What the whole swarm decided, in order.
    fn swarm(&mut self, lane: &Lane<'_>) {
        let (one, other) = (&self.reference.decided.0, &lane.decided.0);
        for index in 0..one.len().max(other.len()) {
            let (one, other) = (one.get(index), other.get(index));
            let Some((agent, _)) = one.or(other) else { continue };
            self.report.agents[agent.index()].look_ahead_compared += 1;
            let agree = match (one, other) {
                (Some((one, said)), Some((other, found))) => one == other && same_decision(said, found),
                _ => false,
            };
            if agree {
                continue;
            }
            let text = |said: Option<&(AgentId, Decision)>| {
                said.map_or("not asked".to_owned(), |(_, decision)| decision_text(decision))
            };
            let symbol = self.plan.agents[agent.index()].symbol;
            let finding = Finding {
                agent: self.plan.agent_name(*agent).to_owned(),
                expected: text(one),
                found: text(other),
                ..self.finding(lane, symbol, "decision in the swarm")
            };
            self.report.add(finding);
        }
    }
}

fn same(one: Option<&Said>, other: Option<&Said>) -> bool {
    match (one, other) {
        (Some(Ok(one)), Some(Ok(other))) => same_decision(one, other),
        (Some(Err(_)), Some(Err(_))) | (None, None) => true,
        _ => false,
    }
}

/// Equal to the bit.
fn same_decision(one: &Decision, other: &Decision) -> bool {
    one.action == other.action
        && one.confidence.to_bits() == other.confidence.to_bits()
        && one.target_score.to_bits() == other.target_score.to_bits()
        && one.proposal == other.proposal
}
