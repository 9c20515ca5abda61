//! A live journal decided over again. What a venue told, what prices were marked, which candles closed and what
//! operators did are inputs that it holds; everything that the supervisor and the rules made of them is made
//! again by the same handlers and fresh rules, and compared. Where a process began, it goes on from the fold of
//! what was recorded, as that process did.

use super::{Difference, Part, ReplayError, Replayed};
use crate::fold::Folded;
use crate::store::{JournalReader, StoreError};
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::Arc;
use swarm_core::engine::{
    AfterPanic, Answer, BuildError, Crew, Lifecycle, MakeRule, OperatorAct, RestartPolicy, RulePanic, Standing,
    consult, judge,
};
use swarm_core::features::{Frame, Hub, Wants};
use swarm_core::journal::{Record, write_fact};
use swarm_core::model::{AgentChange, AgentId, Fact, Mark, Plan, Rate, Step, SymbolId, Time};
use swarm_core::risk::{Effects, Supervisor};
use swarm_core::rule::Rule;

/// The records of one plan.
pub(super) struct Records<'a> {
    pub(super) journal: &'a mut Peekable<JournalReader>,
    /// The last that is the plan's.
    pub(super) end_seq: u64,
    /// Read ahead.
    waiting: VecDeque<Record>,
}

impl<'a> Records<'a> {
    pub(super) const fn new(journal: &'a mut Peekable<JournalReader>, end_seq: u64) -> Self {
        Self { journal, end_seq, waiting: VecDeque::new() }
    }

    /// The n-th record from here on, if there is one.
    fn peek(&mut self, n: usize) -> Result<Option<&Record>, StoreError> {
        while self.waiting.len() <= n {
            let end_seq = self.end_seq;
            let is_ours =
                |record: &Result<Record, StoreError>| record.as_ref().map_or(true, |one| one.seq() <= end_seq);
            match self.journal.next_if(is_ours).transpose()? {
                Some(record) => self.waiting.push_back(record),
                None => return Ok(None),
            }
        }
        Ok(self.waiting.get(n))
    }
}

/// What an agent came to at a step.
enum Turn {
    Restarted,
    Answered(Answer),
    Panicked(RulePanic, AfterPanic),
}

/// A live journal under one plan.
pub(super) struct LiveCourse<'a, M> {
    plan: Arc<Plan>,
    make: M,
    restart: RestartPolicy,
    /// What the records so far give.
    folded: Folded,
    supervisor: Supervisor,
    lives: Vec<Lifecycle>,
    rules: Vec<Box<dyn Rule>>,
    wants: Vec<Wants>,
    hub: Hub,
    rates: Vec<Option<Rate>>,
    /// The step that is in progress.
    step: Option<Step>,
    /// What agents would be shown after each record since its candles.
    shown: Vec<(u64, Vec<Standing>)>,
    last_seq: u64,
    records: Records<'a>,
    replayed: &'a mut Replayed,
}

impl<'a, M: MakeRule> LiveCourse<'a, M> {
    /// `before` are the facts before the plan's.
    pub(super) fn new(
        part: Part<M>,
        before: impl Iterator<Item = Result<Record, StoreError>>,
        records: Records<'a>,
        replayed: &'a mut Replayed,
    ) -> Result<Self, ReplayError> {
        let Part { plan, make, restart, after_seq } = part;
        let mut folded = Folded::new(&plan, restart, None);
        for record in before {
            folded.apply(&record?.fact);
        }
        let crew = Crew::build(&plan, &make)?;
        Ok(Self {
            hub: Hub::new(plan.base, plan.gaps, &crew.wants).map_err(BuildError::from)?,
            supervisor: folded.supervisor.clone(),
            lives: folded.lives.clone(),
            rules: crew.rules,
            wants: crew.wants,
            rates: vec![None; plan.instruments.len()],
            step: None,
            shown: Vec::new(),
            last_seq: after_seq,
            plan,
            make,
            restart,
            folded,
            records,
            replayed,
        })
    }

    pub(super) fn run(mut self) -> Result<(), ReplayError> {
        if let Some(first) = self.records.peek(0)?
            && !matches!(first.fact, Fact::Start { .. })
        {
            return Err(ReplayError::TooLittleRecorded { seq: first.seq() });
        }
        while self.replayed.difference.is_none() {
            let Some(first) = self.records.peek(0)? else { return Ok(()) };
            let (fact, seq, before) = (first.fact.clone(), first.seq(), self.last_seq);
            self.act(&fact)?;
            if self.last_seq == before && self.replayed.difference.is_none() {
                self.replayed.difference = Some(Difference { recorded: Some(fact), replayed: None, seq });
            }
            if self.step.is_some() {
                let standing = |(index, agent): (usize, &swarm_core::model::AgentPlan)| {
                    Standing::of(&self.plan, &self.supervisor, AgentId::at(index), self.rates[agent.symbol.index()])
                };
                let standings = self.plan.agents.iter().enumerate().map(standing).collect();
                self.shown.push((self.last_seq, standings));
            }
        }
        Ok(())
    }

    /// Does again what began with this fact, and takes its records.
    fn act(&mut self, first: &Fact) -> Result<(), ReplayError> {
        match first {
            Fact::Start { .. } => self.begin(),
            Fact::WarmUp { symbol, candle, .. } => {
                self.hub.close(*symbol, candle);
                self.input()
            }
            Fact::FundingDue { symbol, rate, .. } => {
                self.rates[symbol.index()] = Some(*rate);
                self.input()
            }
            Fact::End { .. } => self.input(),
            Fact::Candle { candle, .. } => self.candles(candle.close_time(self.plan.base)),
            Fact::Judged { at, seen } => self.turns(*at, *seen),
            Fact::Mark { at, .. } => self.marks(*at),
            Fact::Venue { portfolio, event } => {
                self.redo(|supervisor, out| supervisor.on_venue(*portfolio, event, out))
            }
            Fact::Difference { at, portfolio, difference } => self.redo(|supervisor, out| {
                supervisor.note_difference(*at, *portfolio, (**difference).clone(), out);
            }),
            _ => self.reaction(first),
        }
    }

    /// Takes a record that is an input.
    fn input(&mut self) -> Result<(), ReplayError> {
        self.take()?;
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Record>, ReplayError> {
        self.records.peek(0)?;
        let record = self.records.waiting.pop_front();
        if let Some(record) = &record {
            self.folded.apply(&record.fact);
            self.last_seq = record.seq();
        }
        Ok(record)
    }

    /// A process began.
    fn begin(&mut self) -> Result<(), ReplayError> {
        let crew = Crew::build(&self.plan, &self.make)?;
        self.hub = Hub::new(self.plan.base, self.plan.gaps, &crew.wants).map_err(BuildError::from)?;
        (self.rules, self.wants) = (crew.rules, crew.wants);
        self.supervisor = self.folded.supervisor.clone();
        self.lives.clone_from(&self.folded.lives);
        self.rates.fill(None);
        self.step = None;
        self.shown.clear();
        self.input()
    }

    /// Candles that closed together.
    fn candles(&mut self, close_time: Time) -> Result<(), ReplayError> {
        let mut step = Step { close_time, candles: vec![None; self.plan.instruments.len()], funding: Vec::new() };
        while let Some(record) = self.records.peek(0)? {
            match record.fact {
                Fact::Candle { symbol, candle }
                    if candle.close_time(self.plan.base) == close_time && step.candles[symbol.index()].is_none() =>
                {
                    step.candles[symbol.index()] = Some(candle);
                    self.supervisor.on_candle(symbol, &candle, close_time);
                }
                Fact::FundingDue { symbol, rate, .. } => self.rates[symbol.index()] = Some(rate),
                _ => break,
            }
            self.input()?;
        }
        for (index, candle) in step.candles.iter().enumerate() {
            if let Some(candle) = candle {
                self.hub.close(SymbolId::at(index), candle);
            }
        }
        self.replayed.steps += 1;
        self.step = Some(step);
        self.shown.clear();
        Ok(())
    }

    /// Marks of one look.
    fn marks(&mut self, at: Time) -> Result<(), ReplayError> {
        let mut marks: Vec<Mark> = Vec::new();
        while let Some(record) = self.records.peek(marks.len())? {
            match record.fact {
                Fact::Mark { at: also, symbol, price }
                    if also == at && marks.iter().all(|mark| mark.symbol != symbol) =>
                {
                    marks.push(Mark { symbol, price });
                }
                _ => break,
            }
        }
        self.redo(|supervisor, out| supervisor.on_fresh_marks(at, &marks, out))
    }

    /// What agents make of the step, given what they were shown after the record `seen`.
    fn turns(&mut self, now: Time, seen: u64) -> Result<(), ReplayError> {
        let judged = self.take()?;
        let shown = self.shown.iter().find(|(seq, _)| *seq == seen).map(|(_, standings)| standings.clone());
        let (Some(step), Some(standings)) = (&self.step, shown) else {
            let fact = format!("{:?}", judged.map(|record| record.fact));
            return Err(ReplayError::UnknownInput { seq: self.last_seq, fact });
        };
        let close_time = step.close_time;
        let mut turns = Vec::new();
        for (index, standing) in standings.iter().enumerate() {
            let (id, symbol) = (AgentId::at(index), self.plan.agents[index].symbol);
            if self.lives[index].restart_if_due(close_time) {
                if let Ok(rule) = self.make.make(id, &mut self.wants[symbol.index()]) {
                    self.rules[index] = rule;
                }
                turns.push((id, Turn::Restarted));
            }
            let has_candle = step.candles.get(symbol.index()).is_some_and(Option::is_some);
            let Some(frame) = self.hub.frame(symbol).filter(|_| has_candle && self.lives[index].runs()) else {
                continue;
            };
            let view = Frame::new(close_time, frame.candle, frame.values());
            turns.push((
                id,
                match consult(self.rules[index].as_mut(), &self.plan, symbol, view, standing, true) {
                    Ok(answer) => Turn::Answered(answer),
                    Err(panic) => Turn::Panicked(panic, self.lives[index].panicked(close_time, &self.restart)),
                },
            ));
        }
        let mut effects = Effects::default();
        for (id, turn) in turns {
            self.turn(now, id, turn, &mut effects);
        }
        self.compare(effects.facts)
    }

    fn turn(&mut self, now: Time, id: AgentId, turn: Turn, out: &mut Effects) {
        match turn {
            Turn::Restarted => self.supervisor.on_agent(now, id, AgentChange::Started, out),
            Turn::Panicked(panic, after) => {
                self.supervisor.on_agent(now, id, AgentChange::Panicked { message: panic.0 }, out);
                if after == AfterPanic::Fail {
                    self.supervisor.on_agent(now, id, AgentChange::Failed, out);
                }
            }
            Turn::Answered(answer) => {
                let Some(step) = &self.step else { return };
                let symbol = self.plan.agents[id.index()].symbol;
                if let Some(Some(candle)) = step.candles.get(symbol.index()) {
                    let (open, closed, close) = (candle.open_time, step.close_time, candle.close);
                    judge(&self.plan, &mut self.supervisor, id, open, closed, now, close, answer, out);
                }
            }
        }
    }

    /// What an operator did, what the end of a step led to, or what time itself did.
    fn reaction(&mut self, first: &Fact) -> Result<(), ReplayError> {
        if let Some((at, act)) = OperatorAct::that_began(first) {
            self.replayed.acts += u64::from(!matches!(act, OperatorAct::Gate(..)));
            return self.operate(at, act);
        }
        if let Some(close_time) = self.step.as_ref().map(|step| step.close_time) {
            let (mut ended, mut effects) = (self.supervisor.clone(), Effects::default());
            ended.end_step(close_time, &mut effects);
            if self.begins_with(&effects.facts)? {
                self.supervisor = ended;
                self.step = None;
                self.shown.clear();
                return self.compare(effects.facts);
            }
        }
        let of_time = match first {
            Fact::Order { at, order } => Some((*at, order.portfolio)),
            Fact::Cancel { at, portfolio, .. }
            | Fact::Closing { at, portfolio, .. }
            | Fact::RemainderDropped { at, portfolio, .. } => Some((*at, *portfolio)),
            _ => None,
        };
        match of_time {
            Some((at, portfolio)) => self.redo(|supervisor, out| supervisor.on_time(portfolio, at, out)),
            None => self.compare(Vec::new()),
        }
    }

    fn operate(&mut self, at: Time, act: OperatorAct) -> Result<(), ReplayError> {
        match act {
            OperatorAct::Life(agent, change) => {
                match change {
                    AgentChange::Started => {
                        self.lives[agent.index()].started();
                        let symbol = self.plan.agents[agent.index()].symbol;
                        if let Ok(rule) = self.make.make(agent, &mut self.wants[symbol.index()]) {
                            self.rules[agent.index()] = rule;
                        }
                    }
                    AgentChange::Stopped(_) => self.lives[agent.index()].stopped(),
                    AgentChange::Panicked { .. } | AgentChange::Failed => {}
                }
                self.redo(|supervisor, out| supervisor.on_agent(at, agent, change, out))
            }
            OperatorAct::Reset(scope, reason) => self.redo(|supervisor, out| {
                // What cannot be reset gives no facts, and that is a difference.
                let _ = supervisor.reset_breaker(at, scope, &reason, out);
            }),
            OperatorAct::Flatten(portfolio) => self.redo(|supervisor, out| supervisor.flatten(at, portfolio, out)),
            OperatorAct::Gate(portfolio, gated) => {
                self.redo(|supervisor, out| supervisor.set_gate(at, portfolio, gated, out))
            }
        }
    }

    fn redo(&mut self, call: impl FnOnce(&mut Supervisor, &mut Effects)) -> Result<(), ReplayError> {
        let mut effects = Effects::default();
        call(&mut self.supervisor, &mut effects);
        self.compare(effects.facts)
    }

    /// Whether the next records are these facts, or their beginning where the process died of writing them.
    fn begins_with(&mut self, facts: &[Fact]) -> Result<bool, ReplayError> {
        for (index, fact) in facts.iter().enumerate() {
            match self.records.peek(index)? {
                Some(record) if bytes(&record.fact) == bytes(fact) => {}
                None => return Ok(index > 0),
                Some(record) => return Ok(index > 0 && matches!(record.fact, Fact::Start { .. })),
            }
        }
        Ok(!facts.is_empty())
    }

    /// Takes the records of an act and compares them with what came of it again. HOLDs count where both have them. An
    /// act that the process died of may be there in part: then nothing or another beginning follows.
    fn compare(&mut self, made: Vec<Fact>) -> Result<(), ReplayError> {
        for fact in made {
            let is_hold = matches!(fact, Fact::Hold(_));
            let next = self.records.peek(0)?.map(|record| (record.seq(), record.fact.clone()));
            match next {
                None | Some((_, Fact::Start { .. })) => return Ok(()),
                Some((_, recorded)) if is_hold && !matches!(recorded, Fact::Hold(_)) => {}
                Some((_, recorded)) if bytes(&recorded) == bytes(&fact) => {
                    self.replayed.same += 1;
                    self.replayed.decisions += u64::from(matches!(fact, Fact::Signal(_) | Fact::Hold(_)));
                    self.replayed.orders += u64::from(matches!(fact, Fact::Order { .. }));
                    self.input()?;
                }
                Some((seq, recorded)) => {
                    let (recorded, replayed) = (Some(recorded), Some(fact));
                    self.replayed.difference = Some(Difference { recorded, replayed, seq });
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn bytes(fact: &Fact) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_fact(fact, &mut bytes);
    bytes
}
