//! The trees in sled: how keys and values look, how facts change them, how questions are answered.
//!
//! Every tree keeps under [`POSITION`] the place in the journal that it reflects, changed in one batch
//! with its content. Every value carries the schema's version and a checksum. Knows nothing of threads
//! and rebuilding: what does not hold is an error.

use super::{DECISIONS_PER_AGENT, ProjectionError, Recorded, Trade};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use swarm_core::journal::Position;
use swarm_core::model::{AgentId, DecisionRecord, Fact, ReportKind, VenueEvent};

/// Version of keys and values; another one is rebuilt.
const SCHEMA: u8 = 2;
/// Key of the place in the journal.
const POSITION: &[u8] = b"p";
/// First byte of a record's key; its sequence number follows, big endian.
const RECORD: u8 = b'r';
/// First byte of the key that says an agent decided in a record: agent and sequence number follow.
const OF_AGENT: u8 = b'a';
/// Milliseconds between sled's own flushes to disk: the only ones that last through a loss of power.
const FLUSH_EVERY_MS: u64 = 500;
const CACHE_BYTES: u64 = 8 << 20;
/// How often and after which pause a locked database is tried again.
const LOCK_ATTEMPTS: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

type Result<T> = std::result::Result<T, ProjectionError>;

impl From<sled::Error> for ProjectionError {
    fn from(error: sled::Error) -> Self {
        match &error {
            sled::Error::Io(source) if is_of_the_disk(source.kind()) => Self::Unavailable(error.to_string()),
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// Whether an error is about the disk or the rights to it: fresh files would meet it too.
fn is_of_the_disk(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

/// The open database.
#[derive(Debug)]
pub(super) struct Trees {
    database: sled::Db,
    /// The last decisions of each agent, by sequence number and by agent.
    decisions: sled::Tree,
    /// All signals by sequence number.
    signals: sled::Tree,
    /// All executions by sequence number.
    trades: sled::Tree,
}

/// Sequence numbers of the decisions kept of each agent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Rings {
    by_agent: BTreeMap<AgentId, VecDeque<u64>>,
}

impl Trees {
    /// Opens the database and checks every value in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, Rings)> {
        let database = open_database(folder)?;
        let trees = Self {
            decisions: database.open_tree("decisions")?,
            signals: database.open_tree("signals")?,
            trades: database.open_tree("trades")?,
            database,
        };
        let rings = trees.check()?;
        Ok((trees, rings))
    }

    fn all(&self) -> [&sled::Tree; 3] {
        [&self.decisions, &self.signals, &self.trades]
    }

    fn check(&self) -> Result<Rings> {
        let mut rings = Rings::default();
        for tree in self.all() {
            for entry in tree {
                let (key, value) = entry?;
                match (key.first(), agent_key(&key)) {
                    (Some(&OF_AGENT), Some((agent, seq))) => {
                        rings.by_agent.entry(agent).or_default().push_back(seq);
                    }
                    (Some(&OF_AGENT), None) => return Err(ProjectionError::Damaged("an index".into())),
                    _ => drop(open_seal(&key, &value)?),
                }
            }
        }
        Ok(rings)
    }

    /// The place in the journal that all trees reflect: the earliest of theirs.
    pub(super) fn reflects(&self) -> Result<Position> {
        let mut earliest: Option<Position> = None;
        for tree in self.all() {
            let position = place_of(tree)?;
            if earliest.is_none_or(|earliest| position.link.seq < earliest.link.seq) {
                earliest = Some(position);
            }
        }
        Ok(earliest.unwrap_or_else(Position::start))
    }

    /// The farthest place that any tree reflects.
    pub(super) fn farthest(&self) -> Result<Position> {
        let mut farthest = Position::start();
        for tree in self.all() {
            let position = place_of(tree)?;
            if position.link.seq > farthest.link.seq {
                farthest = position;
            }
        }
        Ok(farthest)
    }

    /// Empties everything.
    pub(super) fn clear(&self) -> Result<()> {
        for tree in self.all() {
            tree.clear()?;
        }
        Ok(())
    }

    /// Hands everything to the operating system.
    pub(super) fn flush(&self) -> Result<()> {
        self.database.flush()?;
        Ok(())
    }

    /// Takes in the facts that lead to `end`. Facts that are in already change nothing.
    pub(super) fn apply(&self, facts: &[(u64, &Fact)], end: Position, rings: &mut Rings) -> Result<()> {
        self.apply_decisions(facts, end, rings)?;
        append(&self.signals, facts, end, |fact| match fact {
            Fact::Signal(record) => Some(&**record),
            _ => None,
        })?;
        append(&self.trades, facts, end, trade)
    }

    fn apply_decisions(&self, facts: &[(u64, &Fact)], end: Position, rings: &mut Rings) -> Result<()> {
        let reflected = place_of(&self.decisions)?.link.seq;
        if reflected >= end.link.seq {
            return Ok(());
        }
        let mut fresh: BTreeMap<AgentId, Vec<(u64, &DecisionRecord)>> = BTreeMap::new();
        for &(seq, fact) in facts.iter().filter(|(seq, _)| *seq > reflected) {
            if let Fact::Signal(record) | Fact::Hold(record) = fact {
                fresh.entry(record.agent).or_default().push((seq, record));
            }
        }
        let mut batch = sled::Batch::default();
        for (agent, records) in fresh {
            let ring = rings.by_agent.entry(agent).or_default();
            // Of many at once only those are written that stay.
            for &(seq, record) in &records[records.len().saturating_sub(DECISIONS_PER_AGENT)..] {
                let key = record_key(seq);
                batch.insert(&key, seal(&key, record));
                batch.insert(&of_agent_key(agent, seq), &[]);
                ring.push_back(seq);
            }
            while ring.len() > DECISIONS_PER_AGENT {
                if let Some(seq) = ring.pop_front() {
                    batch.remove(&record_key(seq));
                    batch.remove(&of_agent_key(agent, seq));
                }
            }
        }
        batch.insert(POSITION, seal(POSITION, &end));
        self.decisions.apply_batch(batch)?;
        Ok(())
    }

    pub(super) fn last_decisions(&self, agent: Option<AgentId>, count: usize) -> Result<Vec<Recorded<DecisionRecord>>> {
        let Some(agent) = agent else { return last(&self.decisions, count, |_| true) };
        let mut found = Vec::new();
        for key in self.decisions.scan_prefix(of_agent_prefix(agent)).keys().rev().take(count) {
            found.extend(self.decision_at(&key?)?);
        }
        found.reverse();
        Ok(found)
    }

    pub(super) fn decisions_after(
        &self,
        agent: Option<AgentId>,
        seq: u64,
        count: usize,
    ) -> Result<Vec<Recorded<DecisionRecord>>> {
        let first = seq.saturating_add(1);
        let mut found = Vec::new();
        match agent {
            Some(agent) => {
                let range = of_agent_key(agent, first)..=of_agent_key(agent, u64::MAX);
                for key in self.decisions.range(range).keys().take(count) {
                    found.extend(self.decision_at(&key?)?);
                }
            }
            None => {
                for entry in self.decisions.range(record_key(first)..=record_key(u64::MAX)).take(count) {
                    let (key, value) = entry?;
                    found.push(recorded(&key, &value)?);
                }
            }
        }
        Ok(found)
    }

    /// The decision that an index entry means; none when it has left the ring in between.
    fn decision_at(&self, index_key: &[u8]) -> Result<Option<Recorded<DecisionRecord>>> {
        let Some((_, seq)) = agent_key(index_key) else { return Err(ProjectionError::Damaged("an index".into())) };
        let key = record_key(seq);
        self.decisions.get(key)?.map(|value| recorded(&key, &value)).transpose()
    }

    pub(super) fn last_signals(&self, count: usize) -> Result<Vec<Recorded<DecisionRecord>>> {
        last(&self.signals, count, |_| true)
    }

    pub(super) fn last_trades(
        &self,
        portfolio: Option<swarm_core::model::PortfolioId>,
        count: usize,
    ) -> Result<Vec<Recorded<Trade>>> {
        last(&self.trades, count, |trade: &Trade| portfolio.is_none_or(|portfolio| portfolio == trade.portfolio))
    }

    /// Breaks the last trade's value, for tests.
    #[cfg(test)]
    pub(super) fn damage_last_trade(&self) {
        let (key, value) = self.trades.scan_prefix([RECORD]).last().expect("a trade").expect("readable");
        let mut value = value.to_vec();
        *value.last_mut().expect("not empty") ^= 1;
        self.trades.insert(key, value).expect("writable");
    }
}

/// Opens the files. Background threads of sled hold the lock of a database for a moment after it was
/// dropped; since the state directory is locked for this process, nobody else can.
fn open_database(folder: &Path) -> Result<sled::Db> {
    let config = sled::Config::default().path(folder).flush_every_ms(Some(FLUSH_EVERY_MS)).cache_capacity(CACHE_BYTES);
    for _ in 0..LOCK_ATTEMPTS {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::sleep(LOCK_PAUSE);
            }
            result => return Ok(result?),
        }
    }
    Err(ProjectionError::Unavailable("their files stay locked by another process".into()))
}

/// Adds what `part` makes of the facts to a tree that only grows, and says which place it now reflects.
fn append<'a, T: Serialize>(
    tree: &sled::Tree,
    facts: &[(u64, &'a Fact)],
    end: Position,
    part: impl Fn(&'a Fact) -> Option<T>,
) -> Result<()> {
    let reflected = place_of(tree)?.link.seq;
    if reflected >= end.link.seq {
        return Ok(());
    }
    let mut batch = sled::Batch::default();
    for &(seq, fact) in facts.iter().filter(|(seq, _)| *seq > reflected) {
        if let Some(value) = part(fact) {
            let key = record_key(seq);
            batch.insert(&key, seal(&key, &value));
        }
    }
    batch.insert(POSITION, seal(POSITION, &end));
    tree.apply_batch(batch)?;
    Ok(())
}

/// The last values that pass, oldest first.
fn last<T: DeserializeOwned>(tree: &sled::Tree, count: usize, passes: impl Fn(&T) -> bool) -> Result<Vec<Recorded<T>>> {
    let mut found = Vec::new();
    for entry in tree.scan_prefix([RECORD]).rev() {
        if found.len() == count {
            break;
        }
        let (key, value) = entry?;
        let record: Recorded<T> = recorded(&key, &value)?;
        if passes(&record.value) {
            found.push(record);
        }
    }
    found.reverse();
    Ok(found)
}

fn trade(fact: &Fact) -> Option<Trade> {
    let Fact::Venue { portfolio, event } = *fact else { return None };
    match event {
        VenueEvent::Order { id, symbol, at, kind: ReportKind::Filled { fill, .. } } => {
            Some(Trade { portfolio, symbol, at, order: Some(id), fill })
        }
        VenueEvent::Liquidation { symbol, at, fill } => Some(Trade { portfolio, symbol, at, order: None, fill }),
        _ => None,
    }
}

fn place_of(tree: &sled::Tree) -> Result<Position> {
    match tree.get(POSITION)? {
        Some(value) => unseal(POSITION, &value),
        None => Ok(Position::start()),
    }
}

fn record_key(seq: u64) -> [u8; 9] {
    let mut key = [RECORD; 9];
    key[1..].copy_from_slice(&seq.to_be_bytes());
    key
}

fn of_agent_prefix(agent: AgentId) -> [u8; 5] {
    let mut key = [OF_AGENT; 5];
    key[1..].copy_from_slice(&agent.0.to_be_bytes());
    key
}

fn of_agent_key(agent: AgentId, seq: u64) -> [u8; 13] {
    let mut key = [OF_AGENT; 13];
    key[..5].copy_from_slice(&of_agent_prefix(agent));
    key[5..].copy_from_slice(&seq.to_be_bytes());
    key
}

fn agent_key(key: &[u8]) -> Option<(AgentId, u64)> {
    let (agent, rest) = key.strip_prefix(&[OF_AGENT])?.split_first_chunk::<4>()?;
    Some((AgentId(u32::from_be_bytes(*agent)), u64::from_be_bytes(rest.try_into().ok()?)))
}

fn recorded<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<Recorded<T>> {
    let seq = key.last_chunk::<8>().ok_or_else(|| ProjectionError::Damaged("a key".into()))?;
    Ok(Recorded { seq: u64::from_be_bytes(*seq), value: unseal(key, value)? })
}

/// Version, checksum over key and content, content.
fn seal(key: &[u8], value: &impl Serialize) -> Vec<u8> {
    let sealed = postcard::to_extend(value, vec![SCHEMA, 0, 0, 0, 0]);
    let mut sealed = sealed.expect("invariant: every list in a projection knows its length");
    let check = checksum(key, &sealed[5..]);
    sealed[1..5].copy_from_slice(&check.to_le_bytes());
    sealed
}

fn open_seal<'a>(key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8]> {
    let damaged = |what: &str| ProjectionError::Damaged(what.to_owned());
    let (head, content) = sealed.split_first_chunk::<5>().ok_or_else(|| damaged("a value without content"))?;
    let [schema, check @ ..] = *head;
    if schema != SCHEMA {
        return Err(damaged("written by another version"));
    }
    if u32::from_le_bytes(check) != checksum(key, content) {
        return Err(damaged("a value with a wrong checksum"));
    }
    Ok(content)
}

fn unseal<T: DeserializeOwned>(key: &[u8], sealed: &[u8]) -> Result<T> {
    postcard::from_bytes(open_seal(key, sealed)?).map_err(|error| ProjectionError::Damaged(error.to_string()))
}

fn checksum(key: &[u8], content: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(key);
    hash.update(content);
    hash.finalize()
}
