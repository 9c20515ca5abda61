//! What the tests of this room share: facts, directories and storage that breaks on demand.

use super::{JournalStorage, Manifest};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use swarm_core::journal::header;
use swarm_core::model::{
    Action, AgentChange, AgentId, Candle, Decision, DecisionRecord, Explanation, Fact, Fill, IntentId, Mode, OrderId,
    PortfolioId, Price, Qty, ReportKind, Side, SymbolId, Time, Usd, VenueEvent,
};

/// A small fact that says `n`.
pub(super) fn started(n: u32) -> Fact {
    Fact::Agent { at: Time(i64::from(n)), agent: AgentId(n), change: AgentChange::Started }
}

/// A candle that opens at minute `n`.
pub(super) fn candle(n: i64) -> Fact {
    let price = Price::whole(100 + n);
    let candle = Candle { open_time: minute(n), open: price, high: price, low: price, close: price, volume: 1.5 };
    Fact::Candle { symbol: SymbolId(0), candle }
}

/// The end of the step of that candle.
pub(super) fn step_end(n: i64) -> Fact {
    Fact::StepEnd { at: minute(n + 1) }
}

/// A decision at minute `n`, a signal unless it is HOLD.
pub(super) fn decision(agent: u32, n: i64, action: Action) -> Fact {
    let record = Box::new(DecisionRecord {
        at: minute(n + 1),
        candle: minute(n),
        agent: AgentId(agent),
        symbol: SymbolId(0),
        decision: Decision { action, confidence: 60.0, target_score: 0.25, proposal: None },
        explanation: Explanation { reason: format!("decision {n}").into(), ..Explanation::default() },
    });
    if action == Action::Hold { Fact::Hold(record) } else { Fact::Signal(record) }
}

/// A fill of an agent's order at minute `n`.
pub(super) fn filled(portfolio: u16, agent: u32, n: i64) -> Fact {
    let fill = Fill {
        trade: u64::try_from(n).expect("not negative"),
        side: Side::Buy,
        price: Price::whole(100 + n),
        qty: Qty::ONE,
        fee: Usd(3_500),
        maker: false,
        slippage: Usd::ZERO,
    };
    let id = OrderId { intent: IntentId { agent: AgentId(agent), number: 1 }, leg: 0 };
    let kind = ReportKind::Filled { fill, leaves: Qty::ZERO };
    let event = VenueEvent::Order { id, symbol: SymbolId(0), at: minute(n + 1), kind };
    Fact::Venue { portfolio: PortfolioId(portfolio), event }
}

const fn minute(n: i64) -> Time {
    Time(1_698_796_800_000 + n * 60_000)
}

/// A manifest with two of each name.
pub(super) fn manifest() -> Manifest {
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    Manifest {
        format: super::MANIFEST_FORMAT,
        swarm_version: "0.1.0".into(),
        name: "control-vs-expert".into(),
        mode: Mode::Paper,
        market: "synthetic:7".into(),
        seed: 7,
        config_hash: "c0ffee".into(),
        created_at: Time(1_698_796_800_000),
        symbols: names(["BTCUSDT", "ETHUSDT"]),
        portfolios: names(["control", "expert"]),
        agents: names(["control-btcusdt", "expert-ethusdt"]),
    }
}

/// What goes wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// A write takes no more bytes than this.
    pub(super) most_bytes_a_write: Option<usize>,
    /// The disk is full at this size.
    pub(super) room_bytes: Option<usize>,
    /// So many flushes fail.
    pub(super) failing_syncs: usize,
    /// Truncating fails.
    pub(super) no_truncate: bool,
    hold_syncs: bool,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    syncs: usize,
    waiting: usize,
    faults: Faults,
}

/// A journal in memory that breaks on demand; clones are the same journal.
#[derive(Clone, Debug)]
pub(super) struct FaultyStorage {
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// Lets held flushes go on when dropped.
pub(super) struct Gate(FaultyStorage);

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.set(|faults| faults.hold_syncs = false);
    }
}

impl FaultyStorage {
    /// An empty journal without faults.
    pub(super) fn new() -> Self {
        let state = State { bytes: header().to_vec(), ..State::default() };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())) }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no test panics while it holds the state")
    }
    /// Changes what goes wrong.
    pub(super) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
        self.shared.1.notify_all();
    }
    /// What is stored.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }
    /// How many flushes succeeded.
    pub(super) fn syncs(&self) -> usize {
        self.state().syncs
    }
    /// Flushes wait until the gate is dropped.
    pub(super) fn hold_syncs(&self) -> Gate {
        self.set(|faults| faults.hold_syncs = true);
        Gate(self.clone())
    }
    /// Returns when a flush is being held.
    pub(super) fn wait_for_held_sync(&self) {
        let state = self.state();
        drop(self.shared.1.wait_while(state, |state| state.waiting == 0).expect("no test panics while waiting"));
    }
}

impl JournalStorage for FaultyStorage {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let room = state.faults.room_bytes.map_or(usize::MAX, |room| room.saturating_sub(state.bytes.len()));
        let count = bytes.len().min(room).min(state.faults.most_bytes_a_write.unwrap_or(usize::MAX));
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state();
        state.waiting += 1;
        self.shared.1.notify_all();
        state = self.shared.1.wait_while(state, |state| state.faults.hold_syncs).expect("no test panics while waiting");
        state.waiting -= 1;
        if state.faults.failing_syncs > 0 {
            state.faults.failing_syncs -= 1;
            return Err(io::Error::other("input/output error"));
        }
        state.syncs += 1;
        Ok(())
    }
    fn truncate(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.state();
        if state.faults.no_truncate {
            return Err(io::Error::other("input/output error"));
        }
        state.bytes.truncate(usize::try_from(size).expect("a small journal"));
        Ok(())
    }
    fn size(&mut self) -> io::Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }
}
