//! A journal decided over again: fresh rules on the recorded candles, funding payments and operators' acts,
//! through a fresh supervisor and fresh accounts, and every fact that comes of it compared with the
//! recorded one, byte for byte. Reads only; it knows no directory and does not say what a difference means.
//! Journals of live trading are in `live`: what a venue told is an input there.

mod live;

use self::live::{LiveCourse, Records};
use crate::fold::Folded;
use crate::store::{JournalReader, StoreError};
use std::iter::Peekable;
use std::sync::Arc;
use swarm_core::engine::{BuildError, Engine, EngineOptions, MakeRule, OperatorAct, RestartPolicy, Resumed, Sink};
use swarm_core::journal::{Record, write_fact};
use swarm_core::model::{Fact, FundingDue, Mode, Plan, Step, Time};

/// Why a replay could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan cannot be carried out.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An input of a kind that this replay cannot give again.
    #[error("record {seq} stands between two steps and is none of the acts that can be done again: {fact}")]
    UnknownInput {
        /// Its sequence number.
        seq: u64,
        /// What it says.
        fact: String,
    },
    /// A live journal of a version that did not record enough.
    #[error(
        "record {seq} was written by a version of swarm that did not record when live processes began and what their \
         agents were shown, so it cannot be decided again; `swarm journal verify` checks its records"
    )]
    TooLittleRecorded {
        /// Its sequence number.
        seq: u64,
    },
}

/// The first place where journal and replay part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The recorded fact; absent where the replay has more.
    pub recorded: Option<Fact>,
    /// What the replay came to; absent where it has less.
    pub replayed: Option<Fact>,
    /// Sequence number of the recorded fact, or of where it would be.
    pub seq: u64,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// Steps that were taken again.
    pub steps: u64,
    /// Operators' acts that were carried out again.
    pub acts: u64,
    /// Facts that are the same, inputs left out.
    pub same: u64,
    /// Of them decisions, HOLDs included where recorded.
    pub decisions: u64,
    /// Of them approved orders.
    pub orders: u64,
    /// Where they part; nothing is compared behind it.
    pub difference: Option<Difference>,
}

/// A plan, what makes its rules, and from where on it held.
pub struct Part<M> {
    /// The last record before it.
    pub after_seq: u64,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Makes its rules.
    pub make: M,
    /// How panics are treated.
    pub restart: RestartPolicy,
}

/// Replays a journal; `open` opens it from the beginning, as often as asked. `parts` are in order, the first
/// from record 0 on.
///
/// # Errors
/// When the journal cannot be read, or not be replayed; differences are no error.
pub fn replay<M: MakeRule>(
    open: impl Fn() -> Result<JournalReader, StoreError>,
    parts: Vec<Part<M>>,
) -> Result<Replayed, ReplayError> {
    let mut replayed = Replayed::default();
    let mut records = open()?.peekable();
    let ends: Vec<u64> = parts.iter().skip(1).map(|part| part.after_seq).chain([u64::MAX]).collect();
    for (part, end_seq) in parts.into_iter().zip(ends) {
        if part.plan.mode == Mode::Live {
            let after_seq = part.after_seq;
            let before = open()?.take_while(|record| record.as_ref().is_ok_and(|one| one.seq() <= after_seq));
            let own = Records::new(&mut records, end_seq);
            LiveCourse::new(part, before, own, &mut replayed)?.run()?;
        } else {
            let engine = engine_at(&open, part)?;
            Course { engine, records: &mut records, end_seq, replayed: &mut replayed }.run()?;
        }
        if replayed.difference.is_some() {
            break;
        }
    }
    Ok(replayed)
}

/// A swarm as a start after the part's last record before would have it.
fn engine_at<M: MakeRule>(
    open: &impl Fn() -> Result<JournalReader, StoreError>,
    part: Part<M>,
) -> Result<Engine<M>, ReplayError> {
    let options = EngineOptions { record_holds: true, record_candles: true, restart: part.restart };
    let is_before = |record: &Result<Record, StoreError>| record.as_ref().is_ok_and(|one| one.seq() <= part.after_seq);
    let mut folded = Folded::new(&part.plan, part.restart, None);
    for record in open()?.take_while(is_before) {
        folded.apply(&record?.fact);
    }
    let from = Resumed { supervisor: folded.supervisor, exchanges: folded.exchanges, lives: folded.lives };
    let mut engine = Engine::resume(part.plan, part.make, options, from)?;
    for record in open()?.take_while(is_before) {
        warm(&mut engine, &record?.fact);
    }
    Ok(engine)
}

fn warm<M: MakeRule>(engine: &mut Engine<M>, fact: &Fact) {
    match fact {
        Fact::Candle { symbol, candle } | Fact::WarmUp { symbol, candle, .. } => engine.warm(*symbol, candle),
        Fact::FundingDue { symbol, rate, .. } => engine.funded(*symbol, *rate),
        _ => {}
    }
}

/// Takes the facts of the replay.
#[derive(Default)]
struct Made(Vec<Fact>);

impl Sink for Made {
    fn fact(&mut self, fact: &Fact) {
        self.0.push(fact.clone());
    }
}

/// The journal under one plan.
struct Course<'a, M> {
    engine: Engine<M>,
    records: &'a mut Peekable<JournalReader>,
    end_seq: u64,
    replayed: &'a mut Replayed,
}

impl<M: MakeRule> Course<'_, M> {
    fn run(&mut self) -> Result<(), ReplayError> {
        // What comes before a step and may be of it or of the warm-up.
        let mut dues: Vec<Record> = Vec::new();
        while let Some(record) = self.next()? {
            match &record.fact {
                Fact::FundingDue { .. } => dues.push(record),
                Fact::WarmUp { .. } => {
                    dues.drain(..).for_each(|due| warm(&mut self.engine, &due.fact));
                    warm(&mut self.engine, &record.fact);
                }
                Fact::End { .. } => {}
                Fact::Candle { .. } | Fact::StepEnd { .. } => {
                    let begin = dues.drain(..).chain([record]).collect();
                    if !self.step(begin)? {
                        return Ok(());
                    }
                }
                _ => self.act(record)?,
            }
            if self.replayed.difference.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record>, StoreError> {
        let end_seq = self.end_seq;
        let is_ours = |record: &Result<Record, StoreError>| record.as_ref().map_or(true, |one| one.seq() <= end_seq);
        self.records.next_if(is_ours).transpose()
    }

    /// Takes a step again that begins with these records; `false` when it was not recorded to its end.
    fn step(&mut self, begin: Vec<Record>) -> Result<bool, ReplayError> {
        let mut recorded = begin;
        let at = loop {
            match recorded.last().map(|record| &record.fact) {
                Some(Fact::StepEnd { at }) => break *at,
                _ => match self.next()? {
                    Some(record) => recorded.push(record),
                    None => return Ok(false),
                },
            }
        };
        let step = step_of(&recorded, at, self.engine.plan().instruments.len());
        self.engine.record_holds(recorded.iter().any(|record| matches!(record.fact, Fact::Hold(_))));
        let mut made = Made::default();
        self.engine.step(&step, &mut made);
        self.replayed.steps += 1;
        self.compare(&recorded, &made.0);
        Ok(true)
    }

    /// Carries out the act that began with this record again.
    fn act(&mut self, first: Record) -> Result<(), ReplayError> {
        let Some((at, act)) = OperatorAct::that_began(&first.fact) else {
            return Err(ReplayError::UnknownInput { seq: first.seq(), fact: format!("{:?}", first.fact) });
        };
        let mut made = Made::default();
        self.engine.act(at, &act, &mut made);
        self.replayed.acts += 1;
        let mut recorded = vec![first];
        while recorded.len() < made.0.len() {
            match self.next()? {
                Some(record) => recorded.push(record),
                None => break,
            }
        }
        self.compare(&recorded, &made.0);
        Ok(())
    }

    /// Compares fact by fact. HOLDs count where both have them: a run at full speed records none.
    fn compare(&mut self, recorded: &[Record], made: &[Fact]) {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let mut made = made.iter();
        for record in recorded {
            let mut fact = made.next();
            while matches!(fact, Some(Fact::Hold(_))) && !matches!(record.fact, Fact::Hold(_)) {
                fact = made.next();
            }
            one.clear();
            other.clear();
            write_fact(&record.fact, &mut one);
            if let Some(fact) = fact {
                write_fact(fact, &mut other);
            }
            if one != other {
                return self.part(Some(&record.fact), fact, record.seq());
            }
            self.count(&record.fact);
        }
        if let Some(fact) = made.find(|fact| !matches!(fact, Fact::Hold(_))) {
            let seq = recorded.last().map_or(0, Record::seq) + 1;
            self.part(None, Some(fact), seq);
        }
    }

    fn part(&mut self, recorded: Option<&Fact>, replayed: Option<&Fact>, seq: u64) {
        self.replayed.difference = Some(Difference { recorded: recorded.cloned(), replayed: replayed.cloned(), seq });
    }

    fn count(&mut self, fact: &Fact) {
        let is_input = matches!(fact, Fact::Candle { .. } | Fact::FundingDue { .. });
        self.replayed.same += u64::from(!is_input);
        self.replayed.decisions += u64::from(matches!(fact, Fact::Signal(_) | Fact::Hold(_)));
        self.replayed.orders += u64::from(matches!(fact, Fact::Order { .. }));
    }
}

/// The step that these records began with.
fn step_of(recorded: &[Record], close_time: Time, symbols: usize) -> Step {
    let mut step = Step { close_time, candles: vec![None; symbols], funding: Vec::new() };
    for record in recorded {
        match &record.fact {
            Fact::Candle { symbol, candle } => {
                if let Some(place) = step.candles.get_mut(symbol.index()) {
                    *place = Some(*candle);
                }
            }
            Fact::FundingDue { symbol, at, rate } => {
                step.funding.push(FundingDue { symbol: *symbol, at: *at, rate: *rate });
            }
            _ => {}
        }
    }
    step
}
