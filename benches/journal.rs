//! What the journal costs: encoding and fingerprinting a fact, and durable records a second.
//!
//! Workloads: `order` is an approved stop order, `signal` a decision with six feature lines. The durable
//! ones write to a file in the system's temporary directory (`TMPDIR` names another disk): 100,000
//! orders in batches as the queue takes them, and one order at a time, each awaited before the next.

use asterswarm::store::{Manifest, StateDir, WriterOptions};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use swarm_core::journal::{Fingerprint, Link, encode, first_header, records};
use swarm_core::model::{
    Action, AgentId, Decision, DecisionRecord, Explanation, Fact, FeatureLine, IntentId, Mode, Order, OrderId,
    OrderKind, PortfolioId, Price, Purpose, Qty, Side, SymbolId, Time,
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
