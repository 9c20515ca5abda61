//! The journal for people and scripts: JSON lines with names in place of ids, and a summary of whether
//! it holds. Reads only, and interprets nothing beyond names and times.

use super::head::HEAD;
use super::recover::{CutRule, HeadRule};
use super::{JournalReader, Manifest, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, Write};
use swarm_core::journal::{Fingerprint, Position, Record};
use swarm_core::model::{Fact, Mode, Time};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output took no more.
    #[error("cannot write the export: {0}")]
    Output(#[from] io::Error),
}

/// The names that ids stand for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    symbols: &'a [String],
    portfolios: &'a [String],
    agents: &'a [String],
}

impl<'a> Names<'a> {
    /// Those of a manifest.
    pub fn of(manifest: &'a Manifest) -> Self {
        Self { symbols: &manifest.symbols, portfolios: &manifest.portfolios, agents: &manifest.agents }
    }

    /// A record as a JSON object: `seq`, `type` (the fact's kind in snake case), then its fields.
    /// Decimals are texts, times are milliseconds since 1970, and every `agent`, `symbol` and
    /// `portfolio` is a name.
    pub fn line(&self, record: &Record) -> Value {
        self.fact_line(record.seq(), &record.fact)
    }

    /// Likewise, of a fact with this sequence number.
    pub fn fact_line(&self, seq: u64, fact: &Fact) -> Value {
        let mut line = Map::new();
        line.insert("seq".into(), seq.into());
        let fact = serde_json::to_value(fact).expect("invariant: facts are plain data");
        if let Value::Object(fact) = fact {
            for (kind, fields) in fact {
                line.insert("type".into(), snake_case(&kind).into());
                if let Value::Object(mut fields) = fields {
                    self.put_into(&mut fields);
                    line.append(&mut fields);
                }
            }
        }
        Value::Object(line)
    }

    fn put_into(&self, fields: &mut Map<String, Value>) {
        for (key, value) in fields {
            let names = match key.as_str() {
                "symbol" => self.symbols,
                // Capitals are those of a breaker's scope.
                "portfolio" | "Portfolio" => self.portfolios,
                "agent" | "Agent" => self.agents,
                _ => &[],
            };
            match value {
                Value::Object(fields) => self.put_into(fields),
                Value::Array(items) => {
                    items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| self.put_into(item))
                }
                Value::Number(id) => {
                    let name = id.as_u64().and_then(|id| usize::try_from(id).ok()).and_then(|id| names.get(id));
                    if let Some(name) = name {
                        *value = name.clone().into();
                    }
                }
                _ => {}
            }
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Writes every record as a line of JSON and returns how many there were. `words` are what is to be said of a record
/// besides its fields; they stand under that name.
///
/// # Errors
/// When the journal cannot be read to its end (what precedes the damage has been written then), or the
/// output fails.
pub fn export(
    journal: JournalReader,
    manifest: &Manifest,
    words: impl Fn(&Record) -> Option<String>,
    output: &mut impl Write,
) -> Result<u64, ExportError> {
    let (names, mut count) = (Names::of(manifest), 0);
    for record in journal {
        let record = record?;
        let mut line = names.line(&record);
        if let (Some(words), Some(line)) = (words(&record), line.as_object_mut()) {
            line.insert("words".into(), words.into());
        }
        serde_json::to_writer(&mut *output, &line).map_err(io::Error::from)?;
        output.write_all(b"\n")?;
        count += 1;
    }
    output.flush()?;
    Ok(count)
}

/// How a journal ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JournalEnding {
    /// With a whole record.
    Whole,
    /// With bytes that are no record yet: a run is writing, or was cut off. The next run cuts them.
    Torn {
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Records that were durable are gone from its end.
    Shortened {
        /// The last record that was durable.
        durable: u64,
        /// What to do.
        message: String,
    },
    /// It cannot be read on although it goes on.
    Damaged {
        /// Where the good part ends.
        offset: u64,
        /// What is wrong and what to do.
        message: String,
    },
}

/// What `swarm journal verify` tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Good records from the first on.
    pub records: u64,
    /// Bytes of the good part.
    pub bytes: u64,
    /// Steps that were ended.
    pub steps: u64,
    /// Records of the step that was begun and not ended.
    pub begun_records: u64,
    /// Earliest time in any record, in milliseconds since 1970.
    pub first: Option<Time>,
    /// Latest time in any record.
    pub last: Option<Time>,
    /// Of all good records.
    pub fingerprint: String,
    /// The last good record's chain, which vouches for all of them: noted elsewhere, it shows later whether
    /// any was altered.
    pub chain: String,
    /// A run had used up its data.
    pub finished: bool,
    /// How it ends.
    pub ending: JournalEnding,
}

impl Verification {
    /// Every record holds; a torn tail is no fault of the records.
    pub const fn holds(&self) -> bool {
        matches!(self.ending, JournalEnding::Whole | JournalEnding::Torn { .. })
    }
}

/// Checks every record. Damage is part of the answer.
///
/// # Errors
/// When the file itself cannot be read.
pub fn verify(mut journal: JournalReader) -> Result<Verification, StoreError> {
    let (mut fingerprint, mut rule) = (Fingerprint::new(), CutRule::new(Position::start(), Mode::Paper));
    let (mut steps, mut first, mut last) = (0, None::<Time>, None::<Time>);
    let (head, mut damage) = (HeadRule::new(&journal), None);
    let head_path = journal.place().join(HEAD);
    for record in journal.by_ref() {
        let record = match record {
            Ok(record) => record,
            Err(error @ StoreError::Journal { .. }) => {
                damage = Some(error.to_string());
                break;
            }
            Err(error) => return Err(error),
        };
        if head.contradicts(record.end) {
            damage = Some(StoreError::OtherHead { path: head_path.clone(), seq: record.seq() }.to_string());
            break;
        }
        fingerprint.add(&record.fact);
        rule.see(&record);
        steps += u64::from(matches!(record.fact, Fact::StepEnd { .. }));
        // Agents start before the market has told a time.
        if let Some(at) = time_of(&record.fact).filter(|at| at.0 > 0) {
            first = Some(first.map_or(at, |first| first.min(at)));
            last = Some(last.map_or(at, |last| last.max(at)));
        }
    }
    let end = journal.end();
    let ending = match (damage, head.lost(end), journal.torn()) {
        (Some(message), ..) => JournalEnding::Damaged { offset: end.offset, message },
        (None, Some(durable), _) => {
            let lost = StoreError::EndLost { path: head_path, last: end.link.seq, durable };
            JournalEnding::Shortened { durable, message: lost.to_string() }
        }
        (None, None, Some(torn)) => JournalEnding::Torn { offset: torn.offset, bytes: torn.bytes },
        (None, None, None) => JournalEnding::Whole,
    };
    Ok(Verification {
        records: end.link.seq,
        bytes: end.offset,
        steps,
        begun_records: end.link.seq - rule.kept().link.seq,
        first,
        last,
        fingerprint: fingerprint.finish(),
        chain: end.link.hex(),
        finished: rule.finished(),
        ending,
    })
}

/// When a fact happened; a candle counts from its start.
const fn time_of(fact: &Fact) -> Option<Time> {
    match fact {
        Fact::Candle { candle, .. } => Some(candle.open_time),
        Fact::Signal(record) | Fact::Hold(record) => Some(record.at),
        Fact::Intent { intent, .. } => Some(intent.decided_at),
        Fact::Venue { event, .. } => Some(event.at()),
        Fact::Order { at, .. }
        | Fact::Cancel { at, .. }
        | Fact::Closing { at, .. }
        | Fact::RemainderDropped { at, .. }
        | Fact::Mark { at, .. }
        | Fact::Breaker { at, .. }
        | Fact::Agent { at, .. }
        | Fact::Gate { at, .. }
        | Fact::Difference { at, .. }
        | Fact::Start { at }
        | Fact::Judged { at, .. }
        | Fact::StepEnd { at }
        | Fact::End { at, .. } => Some(*at),
        Fact::Verdict { .. } | Fact::Watermark { .. } | Fact::FundingDue { .. } | Fact::WarmUp { .. } => None,
    }
}
