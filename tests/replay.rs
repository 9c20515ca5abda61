//! Journals decided over again: `swarm replay` comes to every recorded fact, whatever happened to the run,
//! and finds the one that was changed. And journals that were kept: each version's is readable for ever.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::fold::Folded;
use asterswarm::store::{Configuration, StateView};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{DAY, Place, START, SWARM, SYMBOLS, journal_bytes, until};
use swarm_core::engine::RestartPolicy;
use swarm_core::journal::{Fingerprint, Link, encode, first_header};
use swarm_core::model::{Action, Fact, PortfolioId, ReportKind, SymbolId, Usd, VenueEvent};

/// Replays a state and expects no difference.
fn same(place: &Place, state: &str) -> Value {
    let done = place.run(&["replay", state, "--json"]);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let replayed = done.json();
    assert_eq!(replayed["difference"], Value::Null);
    replayed
}

const RUN: [&str; 8] = ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--json", "--state", "state"];

fn run<'a>(further: &[&'a str]) -> Vec<&'a str> {
    [&RUN[..], further].concat()
}

#[test]
fn a_run_at_full_speed_and_a_paced_one_with_its_holds() {
    for (words, holds) in [(&["--speed", "max"][..], false), (&["--speed", "max", "--decisions", "all"][..], true)] {
        let place = Place::with(SWARM);
        place.market(7, 700);
        let report = place.json(&run(words));
        let replayed = same(&place, "state");
        assert_eq!(replayed["steps"], 700);
        let (decisions, all) = (replayed["decisions"].as_u64().unwrap(), report["timing"]["agent_candles"].as_u64());
        assert!(if holds { Some(decisions) == all } else { decisions > 50 && Some(decisions) < all }, "{replayed}");
        assert!(replayed["orders"].as_u64() > Some(100), "{replayed}");
        let told = place.run(&["replay", "state"]);
        assert!(told.out.contains("700 steps") && told.out.contains("no difference"), "{}", told.out);
    }
}

#[test]
fn with_orders_that_fill_in_parts() {
    let place = Place::with(&format!("{SWARM}venue: {{ participation: 0.00001 }}\n"));
    place.market(7, 700);
    place.json(&run(&["--speed", "max"]));
    assert!(same(&place, "state")["orders"].as_u64() > Some(100));
    let facts = place.run(&["journal", "export", "state"]).out;
    let parts = facts.lines().filter(|line| line.contains("\"leaves\"") && !line.contains("\"leaves\":\"0\"")).count();
    assert!(parts > 50, "{parts}");
}

#[test]
fn with_funding_holes_and_a_warm_up() {
    let place = Place::new();
    for (index, symbol) in SYMBOLS.iter().enumerate() {
        let payments = (0..12).map(|number| {
            let at = START + number * DAY / 3 + 7;
            format!("{at},{}0.000{}\n", if number % 2 == 0 { "" } else { "-" }, index + 1)
        });
        let text = format!("funding_time,funding_rate\n{}", payments.collect::<String>());
        place.put(&format!("data/funding/{symbol}.csv"), text);
        let rows = support::candles(7, index, 1_200);
        let hole = 300 * (index + 1)..300 * (index + 1) + 10 * index + 1;
        place.put(&format!("data/5m/{symbol}.csv"), support::candle_text(&rows, |row| !hole.contains(&row)));
    }
    let report = place.json(&run(&["--speed", "max"]));
    assert_ne!(report["cohorts"]["control"]["funding"], "0");
    same(&place, "state");
    let words = ["run", "--market", "synthetic:3", "--listen", "127.0.0.1:0", "--json", "--state", "made-up"];
    place.json(&[&words[..], &["--speed", "max", "--to", "2025-01-03"]].concat());
    assert_eq!(same(&place, "made-up")["steps"], 2 * 288);
    let export = place.run(&["journal", "export", "made-up"]).out;
    assert!(export.contains("\"warm_up\"") && export.contains("\"funding_due\""), "its inputs are all there");
}

#[test]
fn after_kills_operators_acts_and_another_configuration() {
    let place = Place::with(&SWARM.replacen("max_drawdown: 0.5", "max_drawdown: 0.02", 1));
    place.market(7, 1_500);
    let mut process = place.launch(&run(&["--speed", "max"]));
    until("the journal to grow", || (!process.runs() || journal_bytes(&place.path("state")) >= 60_000).then_some(()));
    process.kill();
    let swarm = place.start(&run(&["--speed", "60000"]));
    let acts: [&[&str]; 5] = [
        &["agent", "stop", "control-btcusdt"],
        &["agent", "stop", "expert-ethusdt", "--positions", "close"],
        &["agent", "start", "control-btcusdt"],
        &["agent", "restart", "expert-solusdt"],
        &["flatten", "--yes"],
    ];
    let steps = |status: &Value| status["steps"].as_u64().unwrap();
    for act in acts {
        let before = steps(&swarm.status());
        let done = place.run(&[act, &["--api", &swarm.api(), "--state", "state", "--json"]].concat());
        assert_eq!(done.code, Some(0), "{act:?}: {}", done.err);
        swarm.until("some steps", |status| steps(status) > before + 20);
    }
    let tripped = |status: &Value| status["portfolios"][0]["breaker_tripped"] == true;
    swarm.until("the trip", tripped);
    let words = ["breaker", "reset", "control", "--reason", "seen to", "--api", &swarm.api(), "--state", "state"];
    assert_eq!(place.run(&words).code, Some(0));
    let before = steps(&swarm.status());
    swarm.until("some steps", |status| steps(status) > before + 20);
    swarm.process.kill();
    let replayed = same(&place, "state");
    assert!(replayed["acts"].as_u64() >= Some(6), "{replayed}");

    place.put("swarm.yaml", SWARM.replace("min_confidence: 40", "min_confidence: 55"));
    place.json(&run(&["--speed", "max"]));
    let whole = same(&place, "state");
    assert_eq!(whole["steps"], 1_500);
    assert_eq!(whole["acts"], replayed["acts"]);
    // Without the kept plans the file has to be named, and the first part was another file's.
    for entry in std::fs::read_dir(place.path("state")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("plan-") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let unnamed = place.run(&["replay", "state"]);
    assert_eq!(unnamed.code, Some(2), "{}", unnamed.err);
    assert!(unnamed.err.contains("name the swarm's file"), "{}", unnamed.err);
    let named = place.run(&["replay", "state", "swarm.yaml", "--json"]);
    assert_eq!(named.code, Some(1), "{}{}", named.out, named.err);
    assert_ne!(named.json()["difference"], Value::Null);
}

/// Writes a journal of these facts in the place of a state's.
fn rewrite(state: &Path, facts: &[Fact]) {
    let (mut bytes, mut link) = (first_header().to_vec(), Link::start());
    for fact in facts {
        link = encode(link, true, fact, &mut bytes).unwrap();
    }
    std::fs::write(state.join("journal.bin"), bytes).unwrap();
    // Nobody noted its head; the first time there is one of the journal before it.
    let _ = std::fs::remove_file(state.join("journal.head"));
}

fn facts(state: &Path) -> Vec<Fact> {
    StateView::open(state).unwrap().facts().unwrap().map(|record| record.unwrap().fact).collect()
}

#[test]
fn one_fact_that_is_another_is_found_by_its_sequence_number() {
    let place = Place::with(SWARM);
    place.market(7, 700);
    place.json(&run(&["--speed", "max"]));
    let state = place.path("state");
    let whole = facts(&state);
    let last = |is: &dyn Fn(&Fact) -> bool| whole.iter().rposition(is).unwrap();
    let check = |facts: &[Fact], seq: usize| {
        rewrite(&state, facts);
        let done = place.run(&["replay", "state", "--json"]);
        assert_eq!(done.code, Some(1), "{}{}", done.out, done.err);
        let found = done.json();
        assert_eq!(found["difference"]["seq"], seq, "{found}");
        let told = place.run(&["replay", "state"]);
        assert!(told.out.contains(&format!("DIFFERENT at record {seq}")), "{}", told.out);
        found["difference"].clone()
    };

    let at = last(&|fact| matches!(fact, Fact::Signal(_)));
    let mut other = whole.clone();
    let Fact::Signal(record) = &mut other[at] else { panic!("a signal") };
    record.decision.confidence = f64::from_bits(record.decision.confidence.to_bits() - 1);
    let found = check(&other, at + 1);
    assert_eq!((&found["recorded"]["type"], &found["replayed"]["type"]), (&"signal".into(), &"signal".into()));

    let at = last(&|fact| matches!(fact, Fact::Order { .. }));
    let mut other = whole.clone();
    let Fact::Order { order, .. } = &mut other[at] else { panic!("an order") };
    order.qty.0 += 1;
    check(&other, at + 1);

    // An input that is another leads to other decisions; one decision less is one too few.
    let at = last(&|fact| matches!(fact, Fact::Signal(record) if record.decision.action != Action::Exit));
    let without = [&whole[..at], &whole[at + 1..]].concat();
    let found = check(&without, at + 1);
    assert_eq!(found["replayed"]["type"], "signal");
}

#[test]
fn what_cannot_be_replayed_is_refused_in_plain_words() {
    let place = Place::with(SWARM);
    let nowhere = place.run(&["replay", "nowhere"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.err.contains("holds no state of a swarm"), "{}", nowhere.err);
    place.market(7, 60);
    place.json(&run(&["--speed", "max"]));
    // Live trading by a version that did not record when processes began.
    let plan = std::fs::read_dir(place.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let plan = plan.into_iter().find(|path| path.to_string_lossy().contains("plan-")).unwrap();
    let text = std::fs::read_to_string(&plan).unwrap();
    assert!(text.contains("\"mode\":\"paper\""), "{text}");
    std::fs::write(&plan, text.replace("\"mode\":\"paper\"", "\"mode\":\"live\"")).unwrap();
    let live = place.run(&["replay", "state"]);
    assert_eq!(live.code, Some(1));
    assert!(live.err.contains("did not record when live processes began"), "{}", live.err);
}

fn kept(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/journal-v{version}"))
}

/// What a kept journal comes to: fingerprint, end equities, steps.
fn check_kept(version: u32, fingerprint: &str, records: usize, steps: u64, equities: [&str; 2]) {
    let folder = kept(version);
    let facts = facts(&folder);
    let loaded = asterswarm::config::load(&folder.join("swarm.yaml")).unwrap();
    let plan = Arc::new(loaded.plan);
    let (mut folded, mut of_facts) = (Folded::new(&plan, RestartPolicy::default(), None), Fingerprint::new());
    for fact in &facts {
        folded.apply(fact);
        of_facts.add(fact);
    }
    assert_eq!((facts.len(), folded.steps), (records, steps));
    assert_eq!(of_facts.finish(), fingerprint);
    assert_eq!(folded.recorder.fingerprint(), fingerprint);
    for (index, equity) in equities.iter().enumerate() {
        let id = PortfolioId::at(index);
        assert_eq!(folded.supervisor.equity(id), equity.parse::<Usd>().unwrap(), "portfolio {index}");
        let held = folded.exchanges[index].held().len();
        assert_eq!(folded.supervisor.portfolio(id).open_positions as usize, held, "book and account agree");
    }
}

/// Makes the kept journal of the present format anew: `WRITE_KEPT=1 cargo test --test replay kept`.
fn write_kept(version: u32) {
    let folder = kept(version);
    let swarm = std::fs::read_to_string(kept(1).join("swarm.yaml")).unwrap();
    let place = Place::with(&swarm);
    place.market(7, 450);
    place.json(&run(&["--speed", "max"]));
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(place.path("state")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("journal") || name.starts_with("plan") {
            std::fs::copy(entry.path(), folder.join(name)).unwrap();
        }
    }
    let manifest = std::fs::read_to_string(place.path("state/manifest.json")).unwrap();
    let data = place.path("data").canonicalize().unwrap();
    std::fs::write(folder.join("manifest.json"), manifest.replace(data.to_str().unwrap(), "candles")).unwrap();
    std::fs::write(folder.join("swarm.yaml"), swarm).unwrap();
}

#[test]
fn the_journals_that_were_kept_come_to_what_they_came_to() {
    if std::env::var_os("WRITE_KEPT").is_some() {
        write_kept(2);
    }
    check_kept(
        1,
        "22d35a67fa4be446148d81621c2bee5ad39de43b7408c66ea887976268568638",
        2_349,
        432,
        ["9963.4928342", "9719.16952391"],
    );
    check_kept(
        2,
        "bd26582d283f922db72aed0b28121c775cc4916692a8364972691b75e71a2279",
        1_976,
        450,
        ["9635.28129335", "9798.60178328"],
    );
}

#[test]
fn the_journal_that_was_kept_is_decided_the_same_today() {
    let place = Place::with(SWARM);
    let folder = kept(2);
    let done = place.run(&["replay", folder.to_str().unwrap(), "--json"]);
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert_eq!(done.json()["steps"], 450);
    let verified = place.json(&["journal", "verify", folder.to_str().unwrap(), "--json"]);
    assert_eq!((&verified["ending"]["kind"], &verified["finished"]), (&"whole".into(), &true.into()));
}

/// A live journal with all its worth: an entry that filled in parts, and a mark that was held in doubt and believed
/// later. Made by `WRITE_KEPT=1 cargo test --test live_account doubt`.
#[test]
fn the_live_journal_that_was_kept_is_decided_the_same_today() {
    let place = Place::with(SWARM);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-live-v3");
    let words = |act: &[&'static str]| -> Vec<String> {
        act.iter().map(|word| (*word).to_owned()).chain([folder.display().to_string(), "--json".to_owned()]).collect()
    };
    let done = |act: &[&'static str]| place.json(&words(act).iter().map(String::as_str).collect::<Vec<_>>());
    let replayed = done(&["replay"]);
    assert_eq!((&replayed["orders"], &replayed["difference"]), (&6.into(), &Value::Null), "{replayed}");
    assert_eq!(done(&["journal", "verify"])["chain"], "247b788b2e3b190c9152a2fdbddf44f9");

    let facts = facts(&folder);
    let plan = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut plans = plan.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("plan-"));
    let configuration: Configuration = serde_json::from_slice(&std::fs::read(plans.next().unwrap()).unwrap()).unwrap();
    let plan = Arc::new(configuration.plan);
    let mut folded = Folded::new(&plan, configuration.restart, None);
    let (mut doubted, mut believed, mut parts) = (None, None, 0);
    for fact in &facts {
        folded.apply(fact);
        if let Fact::Venue { event: VenueEvent::Order { kind: ReportKind::Filled { leaves, .. }, .. }, .. } = fact {
            parts += u32::from(!leaves.is_zero());
        }
        let symbol = SymbolId(0);
        match (folded.supervisor.unconfirmed_mark(symbol), fact) {
            (Some(held), _) => doubted = Some(held.price),
            // Not refuted: a mark ended the doubt, with the price that was doubted.
            (None, Fact::Mark { price, .. }) if doubted.is_some() => believed = believed.or(Some(*price)),
            (None, _) => {}
        }
    }
    assert!(parts > 0, "an order filled in parts");
    assert!(doubted.is_some() && doubted == believed, "{doubted:?} held in doubt, {believed:?} believed");
}
