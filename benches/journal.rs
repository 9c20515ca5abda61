//! What the journal costs: encoding and fingerprinting a fact, and durable records a second.
//!
//! Workloads: `order` is an approved stop order, `signal` a decision with six feature lines. The durable
//! ones write to a file in the system's temporary directory (`TMPDIR` names another disk): 100,000
//! orders in batches as the queue takes them, and one order at a time, each awaited before the next. The
//! recoveries are starts over a million records of a swarm of six agents on three made-up symbols, until
//! the state is there: once over the whole journal, once from the newest snapshot.

use asterswarm::cli::prepare;
use asterswarm::fold::{Folded, MakeFolded, STATE_FORMAT};
use asterswarm::market::SyntheticTape;
use asterswarm::store::{JournalWriter, Manifest, StateDir, WriterOptions};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::sync::{Arc, LazyLock};
use swarm_core::engine::{Engine, EngineOptions, RestartPolicy, Sink};
use swarm_core::journal::{Fingerprint, Link, encode, first_header, records};
use swarm_core::model::{
    Action, AgentId, Decision, DecisionRecord, Explanation, Fact, FeatureLine, IntentId, Mode, Order, OrderId,
    OrderKind, Plan, PortfolioId, Price, Purpose, Qty, Side, Step, SymbolId, Tape, Time,
};

fn main() {
    divan::main();
}

/// Records of the larger workloads: few when the benches are only tried out, by `cargo test --benches` or
/// `cargo bench -- --test`.
fn many() -> usize {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--bench") && !asked("--test") { 100_000 } else { 1_000 }
}

const AT: Time = Time(1_698_796_800_000);

fn order() -> Fact {
    let order = Order {
        id: OrderId { intent: IntentId { agent: AgentId(731), number: 4_211 }, leg: 1 },
        portfolio: PortfolioId(1),
        symbol: SymbolId(2),
        side: Side::Sell,
        kind: OrderKind::StopMarket { trigger: Price::whole(34_150) },
        qty: Qty(1_200_000),
        reduce_only: true,
        close_position: false,
        leverage: 3,
        purpose: Purpose::Stop,
    };
    Fact::Order { at: AT, order }
}

fn signal() -> Fact {
    let line = |name: &'static str| FeatureLine {
        name: name.into(),
        value: Some(28.25),
        normalized: Some(0.5),
        weight: 0.25,
        contribution: 0.125,
    };
    let features = ["rsi", "macd", "bb_position", "adx", "volume_ratio", "trend"].map(line).to_vec();
    Fact::Signal(Box::new(DecisionRecord {
        at: AT,
        candle: AT.plus(-300_000),
        agent: AgentId(731),
        symbol: SymbolId(2),
        decision: Decision { action: Action::Long, confidence: 71.5, target_score: 0.375, proposal: None },
        explanation: Explanation {
            features,
            score: Some(0.375),
            reason: "oversold in an upward trend, with rising volume".into(),
            ..Explanation::default()
        },
    }))
}

#[divan::bench]
fn encode_order(bencher: Bencher<'_, '_>) {
    let (fact, link, mut out) = (order(), Link::start(), Vec::with_capacity(4_096));
    bencher.bench_local(|| {
        out.clear();
        encode(link, false, black_box(&fact), &mut out)
    });
}

#[divan::bench]
fn encode_signal(bencher: Bencher<'_, '_>) {
    let (fact, link, mut out) = (signal(), Link::start(), Vec::with_capacity(4_096));
    bencher.bench_local(|| {
        out.clear();
        encode(link, false, black_box(&fact), &mut out)
    });
}

#[divan::bench]
fn fingerprint_order(bencher: Bencher<'_, '_>) {
    let (fact, mut fingerprint) = (order(), Fingerprint::new());
    bencher.bench_local(|| fingerprint.add(black_box(&fact)));
}

#[divan::bench]
fn fingerprint_signal(bencher: Bencher<'_, '_>) {
    let (fact, mut fingerprint) = (signal(), Fingerprint::new());
    bencher.bench_local(|| fingerprint.add(black_box(&fact)));
}

#[divan::bench(sample_count = 10)]
fn read_100k_orders(bencher: Bencher<'_, '_>) {
    let (fact, mut link, mut journal) = (order(), Link::start(), first_header().to_vec());
    for _ in 0..many() {
        link = encode(link, false, &fact, &mut journal).expect("an order fits");
    }
    bencher.counter(ItemsCount::new(many())).bench_local(|| records(&journal).count());
}

fn manifest() -> Manifest {
    Manifest {
        format: asterswarm::store::MANIFEST_FORMAT,
        swarm_version: "bench".into(),
        name: "bench".into(),
        mode: Mode::Paper,
        market: "synthetic".into(),
        seed: 1,
        config_hash: String::new(),
        configurations: vec![],
        created_at: AT,
        symbols: vec![],
        portfolios: vec![],
        agents: vec![],
    }
}

#[divan::bench(sample_count = 10, args = [1, 16, 256])]
fn durable_100k_orders_in_batches_of(bencher: Bencher<'_, '_>, batch: usize) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let opened = StateDir::open(&place.path().join("state"), &manifest()).expect("a fresh state");
    let writer = opened.dir.writer(WriterOptions::default(), |_| {}).expect("writable");
    let facts = vec![order(); batch];
    bencher.counter(ItemsCount::new(many())).bench_local(|| {
        for _ in 0..many() / batch {
            writer.append(facts.clone()).expect("accepted");
        }
        writer.flush()
    });
}

#[divan::bench(sample_count = 20, sample_size = 50)]
fn durable_order_one_at_a_time(bencher: Bencher<'_, '_>) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let opened = StateDir::open(&place.path().join("state"), &manifest()).expect("a fresh state");
    let writer = opened.dir.writer(WriterOptions::default(), |_| {}).expect("writable");
    let fact = order();
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        writer.append(vec![fact.clone()]).expect("accepted");
        writer.flush()
    });
}

const SWARM: &str = "\
version: 1
name: bench
market: { source: synthetic, symbols: [BTCUSDT, ETHUSDT, SOLUSDT], intervals: [5m, 15m, 1h] }
portfolios:
  control: { equity: 1000000, risk: { max_positions: 3, max_leverage: 5, max_drawdown: 0.9 } }
  expert: { equity: 1000000, risk: { max_positions: 3, max_leverage: 5, max_drawdown: 0.9 } }
cohorts:
  control: { portfolio: control, agents: [ { use: control, count: 3, set: { rsi_buy: 40, rsi_sell: 60 } } ] }
  expert: { portfolio: expert, agents: [ { use: expert, count: 3, set: { min_confidence: 55 } } ] }
";

/// A state directory with the journal of a long run in it.
struct Recorded {
    _place: tempfile::TempDir,
    path: std::path::PathBuf,
    plan: Arc<Plan>,
    manifest: Manifest,
    records: u64,
}

/// Hands a run's facts to a journal, step by step.
struct ToJournal {
    writer: JournalWriter,
    facts: Vec<Fact>,
    records: u64,
}

impl Sink for ToJournal {
    fn fact(&mut self, fact: &Fact) {
        self.facts.push(fact.clone());
        if matches!(fact, Fact::StepEnd { .. }) {
            self.records = self.writer.append(std::mem::take(&mut self.facts)).expect("accepted");
        }
    }
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (file, path) = (place.path().join("swarm.yaml"), place.path().join("state"));
    std::fs::write(&file, SWARM).expect("writable");
    let plan = Arc::new(asterswarm::config::load(&file).expect("a swarm").plan);
    let manifest = Manifest::new(&plan, "synthetic:1", 1, "bench", AT);
    let opened = StateDir::open(&path, &manifest).expect("a fresh state");
    let make = MakeFolded { plan: Arc::clone(&plan), restart: RestartPolicy::default() };
    let snapshots = opened.dir.snapshots(STATE_FORMAT, make, 100).expect("a thread");
    let tell = snapshots.feed();
    let on_commit = move |commit: asterswarm::store::Commit| commit.next_file.into_iter().for_each(&tell);
    let writer = opened.dir.writer(WriterOptions::default(), on_commit).expect("writable");
    let options = EngineOptions { record_candles: true, ..EngineOptions::default() };
    let mut engine = Engine::new(Arc::clone(&plan), prepare::rules(&plan), options).expect("a swarm");
    let mut sink = ToJournal { writer, facts: Vec::new(), records: 0 };
    let mut tape = SyntheticTape::new(1, AT, plan.base, &plan.instruments);
    let mut step = Step::default();
    while sink.records < 10 * many() as u64 && tape.next(&mut step) {
        engine.step(&step, &mut sink);
    }
    let records = sink.records;
    sink.writer.close().expect("durable");
    snapshots.close();
    Recorded { _place: place, path, plan, manifest, records }
});

/// A start, until the state is there; gives how many steps it has.
fn recover(state_format: Option<u32>) -> u64 {
    let Recorded { path, plan, manifest, records, .. } = &*RECORDED;
    let opened = StateDir::open_from(path, manifest, state_format).expect("a state");
    assert_eq!((opened.records, opened.snapshot.is_some()), (*records, state_format.is_some() && *records > 500_000));
    let restart = RestartPolicy::default();
    let (mut folded, facts) = match &opened.snapshot {
        Some(snapshot) => {
            let folded = Folded::restored(plan, restart, None, &snapshot.state).expect("a state");
            (folded, opened.dir.facts_after(snapshot.position))
        }
        None => (Folded::new(plan, restart, None), opened.dir.facts()),
    };
    for record in facts.expect("readable") {
        folded.apply(&record.expect("whole").fact);
    }
    folded.steps
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn recover_1m_records_whole(bencher: Bencher<'_, '_>) {
    let records = RECORDED.records;
    bencher.counter(ItemsCount::new(records)).bench_local(|| recover(None));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn recover_1m_records_from_a_snapshot(bencher: Bencher<'_, '_>) {
    let records = RECORDED.records;
    bencher.counter(ItemsCount::new(records)).bench_local(|| recover(Some(STATE_FORMAT)));
}
