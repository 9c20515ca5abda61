//! The journal as people and scripts read it.

use super::super::testkit::{candle, decision, filled, manifest, started, step_end};
use super::super::{JournalEnding, StateView, export, verify};
use super::{Place, append};
use serde_json::{Value, json};
use swarm_core::journal::{Fingerprint, HEADER_BYTES};
use swarm_core::model::{Action, AgentId, BreakerChange, BreakerScope, Fact, PortfolioId, Time};

fn run() -> Vec<Fact> {
    vec![
        candle(0),
        decision(1, 0, Action::Short),
        filled(1, 1, 0),
        Fact::Breaker {
            at: Time(1_698_796_860_000),
            scope: BreakerScope::Portfolio(PortfolioId(1)),
            change: BreakerChange::Flat,
        },
        Fact::Breaker {
            at: Time(1_698_796_860_000),
            scope: BreakerScope::Agent(AgentId(9)),
            change: BreakerChange::Flat,
        },
        step_end(0),
        candle(1),
    ]
}

fn view(place: &Place) -> StateView {
    append(&place.open().dir, &run());
    StateView::open(&place.state()).unwrap()
}

#[test]
fn an_export_is_a_line_a_fact_with_names() {
    let place = Place::new();
    let mut output = Vec::new();
    assert_eq!(export(view(&place).facts().unwrap(), &manifest(), |_| None, &mut output).unwrap(), 7);
    let lines: Vec<Value> = output
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        json!({"seq": 1, "type": "candle", "symbol": "BTCUSDT", "candle": {"open_time": 1_698_796_800_000_i64,
            "open": "100", "high": "100", "low": "100", "close": "100", "volume": 1.5}})
    );
    assert_eq!(lines[1]["agent"], "expert-ethusdt");
    assert_eq!(lines[1]["decision"]["action"], "short");
    let report = &lines[2];
    assert_eq!((&report["type"], &report["portfolio"]), (&json!("venue"), &json!("expert")));
    assert_eq!(report["event"]["Order"]["id"], json!({"intent": {"agent": "expert-ethusdt", "number": 1}, "leg": 0}));
    assert_eq!(report["event"]["Order"]["kind"]["Filled"]["fill"]["fee"], "0.000035");
    assert_eq!(lines[3]["scope"], json!({"Portfolio": "expert"}));
    assert_eq!(lines[4]["scope"], json!({"Agent": 9}), "an id without a name stays an id");
    assert_eq!(lines[5], json!({"seq": 6, "type": "step_end", "at": 1_698_796_860_000_i64}));
}

#[test]
fn a_whole_journal_is_summed_up() {
    let place = Place::new();
    let mut fingerprint = Fingerprint::new();
    run().iter().for_each(|fact| fingerprint.add(fact));
    let found = verify(view(&place).facts().unwrap()).unwrap();
    assert!(found.holds());
    assert_eq!((found.records, found.steps, found.begun_records, found.finished), (7, 1, 1, false));
    assert_eq!((found.first, found.last), (Some(Time(1_698_796_800_000)), Some(Time(1_698_796_860_000))));
    assert_eq!((found.fingerprint, found.ending), (fingerprint.finish(), JournalEnding::Whole));
    assert_eq!(found.bytes, std::fs::metadata(place.journal()).unwrap().len());
}

#[test]
fn agents_that_start_before_the_market_has_a_time_do_not_date_a_journal() {
    let place = Place::new();
    append(&place.open().dir, &[started(0), candle(0), step_end(0)]);
    let found = verify(StateView::open(&place.state()).unwrap().facts().unwrap()).unwrap();
    assert_eq!((found.records, found.first), (3, Some(Time(1_698_796_800_000))));
}

#[test]
fn a_torn_tail_holds_and_damage_does_not() {
    let place = Place::new();
    let view = view(&place);
    let bytes = std::fs::read(place.journal()).unwrap();
    std::fs::write(place.journal(), &bytes[..bytes.len() - 1]).unwrap();
    std::fs::remove_file(place.file("journal.head")).unwrap();
    let found = verify(view.facts().unwrap()).unwrap();
    assert!(found.holds() && matches!(found.ending, JournalEnding::Torn { .. }), "{found:?}");
    assert_eq!(found.records, 6);

    let mut damaged = bytes;
    damaged[HEADER_BYTES + 24] ^= 1;
    std::fs::write(place.journal(), &damaged).unwrap();
    let found = verify(view.facts().unwrap()).unwrap();
    assert!(!found.holds());
    assert!(matches!(&found.ending, JournalEnding::Damaged { offset: 52, message } if message.contains("byte 52")));
    let mut output = Vec::new();
    assert!(export(view.facts().unwrap(), &manifest(), |_| None, &mut output).is_err());
}

#[test]
fn last_decisions_can_be_read_without_a_run() {
    let place = Place::new();
    let actions = [Action::Hold, Action::Long, Action::Hold, Action::Exit];
    let facts: Vec<Fact> = (0..12).map(|n| decision(u32::from(n % 3 == 0), n, actions[n as usize % 4])).collect();
    append(&place.open().dir, &facts);
    let view = StateView::open(&place.state()).unwrap();
    let seqs = |agent, count| {
        let decisions = view.last_decisions(agent, count).unwrap();
        decisions.iter().map(|decision| decision.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(None, 3), [10, 11, 12]);
    assert_eq!(seqs(Some(AgentId(1)), 2), [7, 10]);
    assert_eq!(seqs(Some(AgentId(7)), 2), Vec::<u64>::new());
    assert_eq!(seqs(None, 99).len(), 12);
}
