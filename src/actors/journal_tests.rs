//! A journal that fails under a running swarm: nothing is acted on that is not durable, the operator is
//! told, and starting again goes on as if nothing had happened.

use super::{Barrier, Ended, KillSwitch, Outcome, Pace, Setup, run};
use crate::cli::prepare;
use crate::config;
use crate::control::{Control, Event};
use crate::fold::Folded;
use crate::market::SyntheticTape;
use crate::record::Listeners;
use crate::store::{JournalReader, JournalWriter, Medium, MemoryMedium, WriterOptions, recover};
use crate::telemetry::Metrics;
use std::path::Path;
use std::sync::Arc;
use swarm_core::engine::RestartPolicy;
use swarm_core::journal::Position;
use swarm_core::model::{Fact, Mode, Plan, Step, Tape, Time};

const SWARM: &str = "\
version: 1
name: failing
market: { source: synthetic, symbols: [BTCUSDT, ETHUSDT], intervals: [5m, 15m, 1h] }
portfolios:
  control: { equity: 10000, risk: { max_positions: 2, max_leverage: 5 } }
cohorts:
  control:
    portfolio: control
    agents:
      - { use: control, count: 2, set: { rsi_buy: 45, rsi_sell: 55, base_notional: 2000, stop: 0.01, target: 0.015 } }
";
const STEPS: usize = 300;

struct First<T>(T, usize);

impl<T: Tape> Tape for First<T> {
    fn next(&mut self, step: &mut Step) -> bool {
        self.1 = self.1.saturating_sub(1);
        self.1 > 0 && self.0.next(step)
    }
}

fn plan() -> Arc<Plan> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("swarm.yaml");
    std::fs::write(&file, SWARM).unwrap();
    Arc::new(config::load(&file).unwrap().plan)
}

/// How a run over a journal ended, and what was told.
struct Seen {
    outcome: Outcome,
    kill: KillSwitch,
    events: Vec<Event>,
}

/// Which writer.
#[derive(Clone, Copy, Debug)]
enum Driver {
    Thread,
    Inline,
}

/// Runs the swarm over what the medium holds, from start or recovery to the end of the market.
fn play(plan: &Arc<Plan>, medium: &MemoryMedium, driver: Driver, barrier: Barrier) -> Seen {
    let (history, position) = recover(&mut medium.clone(), Path::new("memory"), Mode::Paper).unwrap();
    let options = WriterOptions { file_records: 100, ..WriterOptions::default() };
    let writer = match driver {
        Driver::Thread => JournalWriter::start(medium.clone(), position, options, |_| {}),
        Driver::Inline => JournalWriter::inline(medium.clone(), position, options, |_| {}),
    };
    let (control, requests) = Control::new(8);
    let (kill, mut told) = (KillSwitch::default(), control.events());
    let tape = SyntheticTape::new(7, Time(1_735_689_600_000), plan.base, &plan.instruments);
    let metrics = Metrics::new(plan, "test");
    let listeners = Listeners { metrics: metrics.clone(), control: control.clone() };
    let mut folded = Folded::new(plan, RestartPolicy::default(), Some(listeners));
    history.iter().for_each(|fact| folded.apply(fact));
    let setup = Setup {
        make: Arc::new(prepare::rules(plan)),
        plan: Arc::clone(plan),
        tape: Box::new(First(tape, STEPS)),
        live: None,
        accounts: Vec::new(),
        warm_up_steps: 0,
        is_new: history.is_empty(),
        folded,
        writer: Arc::new(writer.unwrap()),
        barrier,
        record_holds: false,
        arbiters: 1,
        mailbox_capacity: 64,
        restart: RestartPolicy::default(),
        pace: Pace::Max,
        run_for: None,
        market: "synthetic:7".into(),
        load_s: 0.0,
        control,
        requests,
        metrics,
        kill: kill.clone(),
    };
    let outcome = actix::System::new().block_on(run(setup)).unwrap();
    let mut events = Vec::new();
    while let Ok(event) = told.try_recv() {
        events.push(event);
    }
    Seen { outcome, kill, events }
}

fn facts(medium: &MemoryMedium) -> Vec<Fact> {
    let reader = JournalReader::over(medium.after_kill(), Path::new("memory"), None).unwrap();
    reader.map(|record| record.unwrap().fact).collect()
}

/// Entries among facts.
fn entries(facts: &[Fact]) -> usize {
    facts.iter().filter(|fact| matches!(fact, Fact::Order { order, .. } if !order.reduce_only)).count()
}

fn undisturbed(plan: &Arc<Plan>) -> Vec<Fact> {
    let medium = MemoryMedium::new();
    let seen = play(plan, &medium, Driver::Inline, Barrier::Strict);
    assert_eq!(seen.outcome.ended, Ended::Complete);
    assert!(!seen.kill.is_thrown());
    assert!(medium.names().unwrap().len() > 4, "the journal is in several files");
    facts(&medium)
}

/// Breaks the journal of a run, and then starts again over what was durable.
fn check(driver: Driver, barrier: Barrier, says: &str, break_it: impl Fn(&MemoryMedium, usize)) {
    let plan = plan();
    let whole = undisturbed(&plan);
    assert!(entries(&whole) > 10, "{} entries", entries(&whole));
    for part in 1..6 {
        let medium = MemoryMedium::new();
        break_it(&medium, part);
        let seen = play(&plan, &medium, driver, barrier);
        let Ended::Halted(reason) = &seen.outcome.ended else { panic!("{part}: {:?}", seen.outcome.ended) };
        assert!(reason.contains("the journal cannot be written") && reason.contains(says), "{reason}");
        assert!(seen.kill.is_thrown() && seen.kill.reason() == Some(reason), "no entry passes any more");
        let notices =
            seen.events.iter().filter(|event| matches!(event, Event::Notice { message } if message.contains(says)));
        assert_eq!(notices.count(), 1, "{:?}", seen.events);
        assert!(seen.outcome.report.is_some_and(|report| report.partial));

        let durable = facts(&medium.after_power_loss(|_| 0));
        assert!(durable.len() < whole.len() && durable[..] == whole[..durable.len()], "{part}: what is there is true");
        for kept in [0, usize::MAX] {
            let medium = medium.after_power_loss(|_| kept);
            let seen = play(&plan, &medium, driver, barrier);
            assert_eq!(seen.outcome.ended, Ended::Complete, "{part}");
            assert_eq!(facts(&medium), whole, "{part}: as if nothing had happened");
        }
    }
}

#[test]
fn a_flush_that_fails_ends_trading_and_nothing_is_tried_again() {
    for (driver, barrier) in
        [(Driver::Inline, Barrier::Strict), (Driver::Thread, Barrier::Strict), (Driver::Thread, Barrier::Grouped)]
    {
        // How many flushes a grouped run has is the machine's doing; one for each of its files it has in any case.
        let far = if barrier == Barrier::Strict { 100 } else { 1 };
        check(driver, barrier, "cannot flush it", |medium, part| {
            medium.set(|faults| faults.syncs_until_failure = Some(part * far));
        });
    }
}

#[test]
fn a_full_disk_ends_trading_and_says_what_to_do() {
    check(Driver::Inline, Barrier::Strict, "free some space", |medium, part| {
        medium.set(|faults| faults.room_bytes = Some(8_000 * part));
    });
}

#[test]
fn writes_that_come_through_in_pieces_change_nothing() {
    let plan = plan();
    let medium = MemoryMedium::new();
    medium.set(|faults| faults.most_bytes_a_write = Some(11));
    assert_eq!(play(&plan, &medium, Driver::Inline, Barrier::Strict).outcome.ended, Ended::Complete);
    assert_eq!(facts(&medium), undisturbed(&plan));
    assert_ne!(recover(&mut medium.clone(), Path::new("memory"), Mode::Paper).unwrap().1, Position::start());
}
