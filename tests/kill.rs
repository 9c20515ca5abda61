//! Kill -9 at any moment and start again: the run ends as if nothing had happened.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::{CANDLES, Place, SWARM, assert_same, candle_text, candles, journal_bytes, until, without_timing};

const REPLAY: [&str; 6] = ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--json"];

fn replay<'a>(speed: &'a str, state: &'a str) -> Vec<&'a str> {
    let mut words = REPLAY.to_vec();
    words.extend(["--speed", speed, "--state", state]);
    words
}

/// Numbers that look random, the same ones at every run of the tests.
fn seeded(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    }
}

/// Runs and kills at each of these journal lengths in turn, then lets it end. The report must be that
/// of the undisturbed run. Gives how many kills met a running swarm.
fn check(place: &Place, speed: &str, state: &str, kills: &[u64], undisturbed: &Value) -> usize {
    let words = replay(speed, state);
    let mut met = 0;
    for bytes in kills {
        let mut process = place.launch(&words);
        until("the journal to grow", || (!process.runs() || journal_bytes(&place.path(state)) >= *bytes).then_some(()));
        met += usize::from(process.runs());
        process.kill();
    }
    let report = place.json(&words);
    assert_same(&without_timing(report), undisturbed, &format!("killed at {kills:?} bytes"));
    let verified = place.json(&["journal", "verify", state, "--json"]);
    assert_eq!((&verified["ending"]["kind"], &verified["finished"]), (&"whole".into(), &true.into()));
    assert_eq!(verified["fingerprint"], undisturbed["fingerprint"]);
    met
}

fn undisturbed(place: &Place, speed: &str) -> (Value, u64) {
    let report = without_timing(place.json(&replay(speed, "undisturbed")));
    (report, journal_bytes(&place.path("undisturbed")))
}

#[test]
fn at_any_moment_of_a_run_at_full_speed() {
    let place = Place::new();
    let (report, bytes) = undisturbed(&place, "max");
    let mut roll = seeded(1);
    let mut met = 0;
    // Once each, at moments spread over the run: the first before there is a journal.
    for number in 0..8 {
        let at = if number == 0 { 0 } else { bytes * number / 9 + roll(bytes / 9) };
        met += check(&place, "max", &format!("once-{number}"), &[at], &report);
    }
    // Again and again, recovering from what a recovery left.
    for number in 0..3 {
        let mut kills: Vec<u64> = (0..7).map(|_| roll(bytes)).collect();
        kills.sort_unstable();
        met += check(&place, "max", &format!("again-{number}"), &kills, &report);
    }
    assert!(met >= 20, "{met} kills met a running swarm");
}

#[test]
fn at_any_moment_of_a_paced_run() {
    let place = Place::new();
    place.market(3, 700);
    let (report, bytes) = undisturbed(&place, "100000");
    let mut roll = seeded(2);
    let mut kills: Vec<u64> = (0..8).map(|_| roll(bytes)).collect();
    kills.sort_unstable();
    let met = check(&place, "100000", "again", &kills, &report);
    assert!(met >= 6, "{met} kills met a running swarm");
    assert_same(&without_timing(place.json(&replay("max", "max"))), &report, "at full speed");
}

#[test]
fn in_a_market_with_holes() {
    let place = Place::new();
    for (index, symbol) in support::SYMBOLS.iter().enumerate() {
        let rows = candles(5, index, CANDLES);
        let hole = 300 * (index + 1)..300 * (index + 1) + 10 * index + 1;
        place.put(&format!("data/5m/{symbol}.csv"), candle_text(&rows, |row| !hole.contains(&row)));
    }
    let (report, bytes) = undisturbed(&place, "max");
    assert_eq!(report["market"]["gaps"], 33);
    check(&place, "max", "again", &[bytes / 5, bytes / 2, bytes * 9 / 10], &report);
}

#[test]
fn a_finished_run_is_reported_again() {
    let place = Place::new();
    for (index, symbol) in support::SYMBOLS.iter().enumerate() {
        let rows = candles(5, index, 600);
        place.put(&format!("data/5m/{symbol}.csv"), candle_text(&rows, |row| row != 300));
    }
    let (report, _) = undisturbed(&place, "max");
    assert_eq!(report["market"]["gaps"], 3);
    for _ in 0..2 {
        let again = place.run(&replay("max", "undisturbed"));
        assert_eq!(again.code, Some(0), "{}", again.err);
        assert!(again.err.contains("used up its data already"), "{}", again.err);
        assert_same(&without_timing(again.json()), &report, "reported again");
    }
}

#[test]
fn a_stop_by_hand_is_gone_on_from_too() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let (report, bytes) = undisturbed(&place, "max");
        for part in [3, 2] {
            // A process that writes has long begun to listen for signals; one that has only begun is killed by them.
            let before = journal_bytes(&place.path("stopped"));
            let mut process = place.launch(&replay("max", "stopped"));
            until("the journal to grow", || {
                let now = journal_bytes(&place.path("stopped"));
                (!process.runs() || (now > before && now >= bytes / part)).then_some(())
            });
            if process.runs() {
                process.signal(signal);
            }
            let done = process.end();
            assert_eq!(done.code, Some(0), "{signal}: {}", done.err);
            done.json();
        }
        let gone_on = place.json(&replay("max", "stopped"));
        assert_same(&without_timing(gone_on), &report, signal);
    }
}

/// What of a status does not depend on the moment at which it is asked for.
fn settled(mut status: Value) -> Value {
    for name in ["journal_sequence", "phase"] {
        status.as_object_mut().unwrap().remove(name);
    }
    status
}

/// 5 ms a step: slow enough for many steps to be seen.
const SEEN: &str = "60000";

#[test]
fn positions_orders_and_reservations_are_those_of_the_undisturbed_run() {
    let place = Place::new();
    place.market(3, 900);
    let watch = |process: &mut support::Running, seen: &mut BTreeMap<u64, Value>| {
        let Ok((200, body)) = support::http(process.address, "/api/v1/swarm") else { return None };
        let status: Value = serde_json::from_str(&body).ok()?;
        let step = status["steps"].as_u64().unwrap();
        seen.insert(step, settled(status));
        Some(step)
    };
    let mut expected = BTreeMap::new();
    let mut process = place.start(&replay(SEEN, "undisturbed"));
    until("the end", || {
        watch(&mut process, &mut expected);
        (!process.process.runs()).then_some(())
    });
    let reserves = |status: &&Value| {
        status["portfolios"].as_array().unwrap().iter().any(|portfolio| portfolio["reserved_notional"] != "0")
    };
    assert!(expected.values().filter(reserves).count() > 0, "reservations are seen");
    assert!(expected.values().any(|status| status["orders"].as_array().unwrap().len() > 3), "orders are seen");

    let mut compared = 0;
    let mut holders = BTreeSet::new();
    for kill_at in [120, 300, 500, 680, 760, 840] {
        let mut seen = BTreeMap::new();
        let mut process = place.start(&replay(SEEN, "killed"));
        until("a step that both runs have shown", || {
            watch(&mut process, &mut seen)
                .is_some_and(|step| step >= kill_at && expected.contains_key(&step))
                .then_some(())
        });
        process.process.kill();
        for (step, status) in seen.iter().filter(|(step, _)| **step > 0) {
            let Some(expected) = expected.get(step) else { continue };
            assert_same(status, expected, &format!("step {step}, killed at {kill_at}"));
            let positions = status["positions"].as_array().unwrap();
            compared += usize::from(!positions.is_empty());
            holders.extend(positions.iter().map(|position| position["portfolio"].to_string()));
        }
    }
    assert!(compared > 50, "{compared} steps with positions were compared");
    assert_eq!(holders.len(), 2, "positions of both portfolios were compared");
}

#[test]
fn a_tripped_breaker_stays_tripped() {
    for on_trip in ["halt", "flatten"] {
        let place = Place::new();
        let limits = format!("max_drawdown: 0.03, on_trip: {on_trip}");
        place.put("swarm.yaml", SWARM.replace("max_drawdown: 0.5", &limits));
        let (report, _) = undisturbed(&place, "max");
        let at = &report["portfolios"]["control"]["breaker"]["at"];
        assert!(at.is_string(), "the breaker of control trips: {}", report["portfolios"]);

        let tripped = |status: &Value| status["portfolios"][0]["breaker_tripped"] == true;
        let process = place.start(&replay("100000", "tripped"));
        let before = process.until("the trip", tripped);
        process.process.kill();
        let process = place.start(&replay("1", "tripped"));
        let after = process.until("the first step", |status| status["steps"].as_u64() > before["steps"].as_u64());
        assert!(tripped(&after), "after the kill");
        let trades = |status: &Value| -> u64 {
            let agents = status["agents"].as_array().unwrap().iter();
            agents.map(|agent| agent["wins"].as_u64().unwrap() + agent["losses"].as_u64().unwrap()).sum()
        };
        let told = process.process.said().matches(" closed ").count() as u64;
        assert!(trades(&before) > 10 && told <= trades(&after) - trades(&before), "{told} trades are told again");
        assert_eq!(after["portfolios"][0]["breaker_tripped_at"], before["portfolios"][0]["breaker_tripped_at"]);
        process.process.kill();
        assert_same(&without_timing(place.json(&replay("max", "tripped"))), &report, on_trip);
    }
}

#[test]
fn what_an_operator_did_survives_too() {
    let place = Place::new();
    // One step at a start, and then nothing for five minutes.
    let paused = || {
        let recovered = place.json(&["journal", "verify", "state", "--json"])["steps"].as_u64().unwrap();
        let process = place.start(&replay("1", "state"));
        let status = process.until("the step", |status| status["steps"].as_u64() == Some(recovered + 1));
        (process, status)
    };
    let open = |status: &Value| status["positions"].as_array().unwrap().len();
    let (process, before) = loop {
        let process = place.start(&replay(SEEN, "state"));
        process.until("three positions", |status| open(status) > 2);
        process.process.kill();
        let (process, status) = paused();
        if open(&status) > 2 {
            break (process, status);
        }
        process.process.kill();
    };
    let agent = before["positions"][0]["agent"].as_str().unwrap().to_owned();
    let of = |list: &Value, key: &str| {
        list.as_array().unwrap().iter().find(|item| item[key] == agent.as_str()).cloned().unwrap_or_default()
    };
    let api = process.api();
    place.json(&["agent", "stop", &agent, "--positions", "close", "--json", "--api", &api, "--state", "state"]);
    process.process.kill();

    let (process, after) = paused();
    assert_eq!(after["steps"].as_u64(), before["steps"].as_u64().map(|steps| steps + 1));
    let stopped = of(&after["agents"], "name");
    assert_eq!(
        (&stopped["state"], &stopped["decisions"]),
        (&"stopped".into(), &of(&before["agents"], "name")["decisions"])
    );
    assert_eq!(of(&after["positions"], "agent"), Value::Null, "its position was closed");
    assert!(!of(&before["positions"], "agent").is_null());
    let others = after["positions"].as_array().unwrap().iter().filter(|position| position["stop_price"].is_string());
    assert!(others.count() > 0, "the others are under their stops: {}", after["positions"]);
    let api = process.api();
    place.json(&["agent", "start", &agent, "--json", "--api", &api, "--state", "state"]);
    process.process.kill();

    let (_process, last) = paused();
    let started = of(&last["agents"], "name");
    assert_eq!(started["state"], "running");
    assert_eq!(started["decisions"].as_u64(), stopped["decisions"].as_u64().map(|count| count + 1), "the next candle");
}
