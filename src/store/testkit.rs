//! What the tests of this room share: facts, manifests and journals in memory.

use super::recover::begin_file;
use super::{Manifest, MemoryMedium};
use swarm_core::journal::Position;
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
        configurations: vec![],
        created_at: Time(1_698_796_800_000),
        symbols: names(["BTCUSDT", "ETHUSDT"]),
        portfolios: names(["control", "expert"]),
        agents: names(["control-btcusdt", "expert-ethusdt"]),
    }
}

/// An empty journal in memory, without faults, that can be written on.
pub(super) fn empty_journal() -> MemoryMedium {
    let mut medium = MemoryMedium::new();
    begin_file(&mut medium, Position { offset: 0, ..Position::start() }).expect("memory can be written");
    medium
}

/// Lets held flushes go on when dropped.
pub(super) struct Gate(MemoryMedium);

impl Gate {
    /// Flushes wait until it is dropped.
    pub(super) fn close(medium: &MemoryMedium) -> Self {
        medium.set(|faults| faults.hold_syncs = true);
        Self(medium.clone())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.set(|faults| faults.hold_syncs = false);
    }
}
