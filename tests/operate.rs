//! The operator's hand on a running swarm: commands, events, metrics, and what reads its state.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{M5, Place, Running, SWARM, assert_same, without_timing};

/// 10 ms a step, for longer than any test here takes.
const PACED: [&str; 10] =
    ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", "30000", "--state", "state", "--json"];

/// Waits until agents of both cohorts hold something, so that there is something to act on.
fn trading(place: &Place) -> Running {
    let swarm = place.start(&PACED);
    swarm.until("positions", |status| status["positions"].as_array().unwrap().len() > 1);
    swarm
}

fn place() -> Place {
    let place = Place::with(SWARM);
    place.market(7, 8_000);
    place
}

/// Runs a command on the swarm: its exit code must be as expected, and its answer is one document.
fn check(place: &Place, swarm: &Running, words: &[&str], code: i32) -> Value {
    let api = swarm.api();
    let words = [words, &["--api", &api, "--state", "state", "--json"]].concat();
    let done = place.run(&words);
    assert_eq!(done.code, Some(code), "{words:?}: {}{}", done.out, done.err);
    done.json()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name} in {list}"))
}

fn decisions(status: &Value, agent: &str) -> u64 {
    named(&status["agents"], agent)["decisions"].as_u64().unwrap()
}

fn holder(status: &Value) -> Option<String> {
    status["positions"].as_array().unwrap().first().map(|position| position["agent"].as_str().unwrap().to_owned())
}

#[test]
fn status_and_list_show_the_swarm() {
    let place = place();
    let swarm = trading(&place);
    let status = check(&place, &swarm, &["status"], 0);
    assert_eq!(status["name"], "outside");
    assert_eq!(status["phase"], "running");
    assert_eq!(status["market"].as_str().unwrap().split(':').next(), Some("replay"));
    let agents = check(&place, &swarm, &["agent", "list"], 0);
    assert_eq!(agents.as_array().unwrap().len(), 6);
    let api = swarm.api();
    for words in [&["status", "--api", &api][..], &["agent", "list", "--api", &api][..]] {
        let done = place.run(words);
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(done.out.contains("expert-solusdt") && done.out.contains("running"), "{}", done.out);
        assert!(!done.out.contains('\u{1b}'), "no colours where nobody sees them");
    }
}

#[test]
fn a_stopped_agent_closes_its_position_and_the_others_go_on() {
    let place = place();
    let swarm = trading(&place);
    let agent = swarm.until("a position", |status| holder(status).is_some());
    let agent = holder(&agent).unwrap();
    let answer = check(&place, &swarm, &["agent", "stop", &agent, "--positions", "close"], 0);
    assert_eq!((&answer["name"], &answer["state"]), (&agent.as_str().into(), &"stopped".into()));
    let holds = |status: &Value| {
        status["positions"].as_array().unwrap().iter().any(|position| position["agent"] == agent.as_str())
    };
    let flat = swarm.until("the position to be closed", |status| !holds(status));
    let later = swarm.until("the others to go on", |status| {
        flat["agents"].as_array().unwrap().iter().all(|before| {
            let name = before["name"].as_str().unwrap();
            name == agent || decisions(status, name) >= before["decisions"].as_u64().unwrap() + 20
        })
    });
    assert_eq!(decisions(&later, &agent), decisions(&flat, &agent), "it decides no more");
    assert!(!holds(&later));
    let known = check(&place, &swarm, &["agent", "stop", &agent], 1);
    assert!(known["error"]["message"].as_str().unwrap().contains("stopped already"), "{known}");
}

/// JSON lines.
fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn a_started_agent_decides_on_the_very_next_candle_and_is_warm() {
    let place = place();
    let agent = "expert-btcusdt";
    let swarm = place.start(&PACED);
    swarm.until("warmth", |status| status["steps"].as_u64() > Some(400));
    let stopped = check(&place, &swarm, &["agent", "stop", agent], 0);
    swarm.until("twenty steps without it", |status| {
        decisions(status, "expert-ethusdt") > stopped["decisions"].as_u64().unwrap() + 20
    });
    let started = check(&place, &swarm, &["agent", "start", agent], 0);
    assert_eq!(started["decisions"], stopped["decisions"], "it had stopped");
    let (started_at, first) = support::until("its decision", || {
        let export = place.run(&["journal", "export", "state"]).out;
        let mut of_agent = lines(&export).filter(|line| line["agent"] == agent);
        let start = of_agent.find(|line| line["change"] == "Started")?;
        let decision = of_agent.find(|line| line["type"] == "hold" || line["type"] == "signal")?;
        Some((start["at"].as_i64().unwrap(), decision))
    });
    assert_eq!(first["at"].as_i64(), Some(started_at + M5), "the next candle");

    // Warm: what it saw is what an agent that never stopped sees on that candle.
    let end = (started_at + 2 * M5).to_string();
    let whole = ["backtest", "--data", "data", "--to", &end, "--out", "whole", "--decisions", "all", "--json"];
    place.json(&whole);
    let decided = std::fs::read_to_string(place.path("whole/decisions.jsonl")).unwrap();
    let same = lines(&decided).find(|line| line["agent"] == agent && line["at"] == first["at"]).unwrap();
    let features = |decision: &Value| decision["explanation"]["features"].clone();
    assert_same(&features(&first), &features(&same), "features");
    let values = features(&first);
    assert!(values.as_array().is_some_and(|lines| lines.len() > 5 && lines.iter().all(|line| line["value"].is_f64())));
}

#[test]
fn acts_that_make_no_sense_are_refused_in_plain_words() {
    let place = place();
    let swarm = trading(&place);
    for (words, code, says) in [
        (&["agent", "stop", "control-btcusd"][..], 1, "did you mean `control-btcusdt`?"),
        (&["agent", "start", "control-btcusdt"][..], 1, "is running already"),
        (&["agent", "restart", "nobody-at-all"][..], 1, "no agent named `nobody-at-all`"),
        (&["breaker", "reset", "control", "--reason", "none"][..], 1, "not tripped"),
        (&["breaker", "reset", "contrl", "--reason", "none"][..], 1, "did you mean `control`?"),
        (&["breaker", "reset", "control", "--reason", " "][..], 2, "--reason is empty"),
        (&["flatten", "exprt", "--yes"][..], 1, "did you mean `expert`?"),
        (&["flatten"][..], 1, "not confirmed"),
    ] {
        let answer = check(&place, &swarm, words, code);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{words:?}: {message}");
    }
    let elsewhere = place.run(&["status", "--api", "http://127.0.0.1:1", "--json"]);
    assert_eq!(elsewhere.code, Some(1));
    assert!(elsewhere.json()["error"]["message"].as_str().unwrap().contains("no swarm answers"), "{}", elsewhere.out);
}

#[test]
fn flatten_closes_everything() {
    let place = place();
    let swarm = trading(&place);
    let answer = check(&place, &swarm, &["flatten", "--yes"], 0);
    assert!(answer["closing"].as_u64() > Some(0), "{answer}");
    let told = support::until("the closing to be journaled", || {
        let export = place.run(&["journal", "export", "state"]).out;
        let told: Vec<Value> = lines(&export).filter(|line| line["reason"] == "operator").collect();
        (!told.is_empty()).then_some(told)
    });
    let at = told[0]["at"].as_i64().unwrap();
    swarm.until("older positions to be gone", |status| {
        status["positions"].as_array().unwrap().iter().all(|position| position["opened_at"].as_i64().unwrap() > at)
    });
}

#[test]
fn a_tripped_breaker_is_cleared_by_hand_only() {
    let place = place();
    place.put("swarm.yaml", SWARM.replacen("max_drawdown: 0.5", "max_drawdown: 0.02", 1));
    let swarm = place.start(&PACED);
    let tripped = |status: &Value| named(&status["portfolios"], "control")["breaker_tripped"] == true;
    let status = swarm.until("the trip", tripped);
    assert!(!named(&status["portfolios"], "expert")["breaker_tripped"].as_bool().unwrap());
    let answer = check(&place, &swarm, &["breaker", "reset", "control", "--reason", "seen to"], 0);
    assert_eq!((&answer["portfolio"], &answer["reason"]), (&"control".into(), &"seen to".into()));
    let export = place.run(&["journal", "export", "state"]).out;
    assert!(export.lines().any(|line| line.contains("\"breaker\"") && line.contains("seen to")), "it is journaled");
}

/// Counters of a metrics page by their series.
fn counters(page: &str) -> BTreeMap<String, f64> {
    let counter = |name: &str| ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(series, _)| counter(series.split('{').next().unwrap()))
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn counters_do_not_fall_when_an_agent_restarts() {
    let place = place();
    let swarm = trading(&place);
    let agent = "control-ethusdt";
    let before = counters(&swarm.text("/metrics"));
    let own = format!("swarm_decisions_total{{agent=\"{agent}\",");
    let own = before.keys().find(|series| series.starts_with(&own)).unwrap().clone();
    assert!(before[&own] > 0.0, "{before:?}");
    check(&place, &swarm, &["agent", "restart", agent], 0);
    let between = counters(&swarm.text("/metrics"));
    check(&place, &swarm, &["agent", "stop", agent], 0);
    check(&place, &swarm, &["agent", "start", agent], 0);
    let after = support::until("more decisions", || {
        Some(counters(&swarm.text("/metrics"))).filter(|counters| counters[&own] > between[&own])
    });
    for (earlier, later) in [(&before, &between), (&between, &after)] {
        for (series, value) in earlier {
            assert!(
                later.get(series).is_some_and(|now| now >= value),
                "{series}: {value} then {:?}",
                later.get(series)
            );
        }
    }
    let (sum, count) = (before.keys().filter(|series| series.contains(agent)).count(), before.len());
    assert!(sum < 15 && count > 30, "{sum} series of an agent, {count} in all");
}

#[test]
fn events_are_told_as_they_happen() {
    let place = place();
    let swarm = trading(&place);
    let mut events = swarm.events();
    check(&place, &swarm, &["agent", "restart", "control-btcusdt"], 0);
    let mut told = |name: &str, holds: &str| {
        let at = events.by_ref().skip_while(|line| line != &format!("event: {name}"));
        let data = at.skip(1).find(|line| line.starts_with("data: ") && line.contains(holds)).unwrap();
        serde_json::from_str::<Value>(data.trim_start_matches("data: ")).unwrap()
    };
    assert_eq!(told("agent", "stopped")["agent"], "control-btcusdt");
    let fill = told("fill", "qty");
    assert!(fill["price"].is_string() && fill["at"].is_i64(), "{fill}");
    let trade = told("trade", "net_pnl");
    assert!(trade["reason"].is_string(), "{trade}");
}

#[test]
fn its_state_can_be_read_while_it_runs() {
    let place = place();
    let swarm = trading(&place);
    let card = place.run(&["decisions", "--last", "1", "--state", "state"]);
    assert_eq!(card.code, Some(0), "{}", card.err);
    let lines: Vec<&str> = card.out.lines().collect();
    assert!(lines[0].starts_with('┌') && lines[0].ends_with('┐'), "{}", card.out);
    assert!(lines[lines.len() - 1].starts_with('└'), "{}", card.out);
    assert!(card.out.contains("SIGNAL ANALYSIS"), "{}", card.out);
    let width = lines[0].chars().count();
    assert!(lines.iter().all(|line| line.chars().count() == width), "a straight frame:\n{}", card.out);
    let last = place.json(&["decisions", "--last", "3", "--agent", "expert-ethusdt", "--state", "state", "--json"]);
    assert!(last.as_array().unwrap().iter().all(|decision| decision["agent"] == "expert-ethusdt"));
    assert_eq!(last.as_array().unwrap().len(), 3);

    let verified = place.json(&["journal", "verify", "state", "--json"]);
    assert_ne!(verified["ending"]["kind"], "damaged");
    assert_eq!(verified["finished"], false);
    let export = place.run(&["journal", "export", "state"]);
    assert_eq!(export.code, Some(0), "{}", export.err);
    for (number, line) in export.out.lines().enumerate() {
        let fact: Value = serde_json::from_str(line).unwrap();
        assert_eq!(fact["seq"], number + 1);
    }
    assert!(export.out.lines().count() as u64 >= verified["records"].as_u64().unwrap());
    assert!(export.out.contains("\"control-btcusdt\"") && export.out.contains("\"ETHUSDT\""), "names, not numbers");
    drop(swarm);
}

#[test]
fn signals_end_it_cleanly_with_a_summary() {
    for (signal, json) in [("INT", false), ("TERM", false), ("INT", true)] {
        let place = place();
        let words = if json { &PACED[..] } else { &PACED[..9] };
        let swarm = place.start(words);
        swarm.until("positions", |status| !status["positions"].as_array().unwrap().is_empty());
        swarm.process.signal(signal);
        let done = swarm.process.end();
        assert_eq!(done.code, Some(0), "{signal}: {}", done.err);
        assert!(done.err.contains("stopped: interrupted"), "{}", done.err);
        let fingerprint = if json {
            let report = done.json();
            assert_eq!(report["partial"], true);
            report["fingerprint"].as_str().unwrap().to_owned()
        } else {
            assert!(done.out.contains("portfolios (USDT)") && done.out.contains("partial"), "{}", done.out);
            done.out.rsplit("fingerprint ").next().unwrap().trim().to_owned()
        };
        let verified = place.json(&["journal", "verify", "state", "--json"]);
        assert_eq!((&verified["ending"]["kind"], &verified["begun_records"]), (&"whole".into(), &0.into()));
        assert_eq!(verified["fingerprint"], fingerprint, "all of it was flushed");
    }
}

#[test]
fn an_end_of_time_is_a_clean_end() {
    let place = place();
    let mut words = PACED.to_vec();
    words.extend(["--for", "300ms"]);
    let done = place.run(&words);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(done.json()["partial"], true);
    assert!(done.err.contains("--for"), "{}", done.err);
}

#[test]
fn a_second_run_without_a_named_state_begins_anew_and_keeps_the_first() {
    let place = Place::with(SWARM);
    place.market(7, 300);
    let words = ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", "max", "--json"];
    let first = without_timing(place.json(&words));
    let second = place.run(&words);
    assert_eq!(second.code, Some(0), "{}", second.err);
    assert!(second.err.contains("was moved to"), "{}", second.err);
    assert_same(&without_timing(second.json()), &first, "the second run");
    let kept: Vec<_> =
        std::fs::read_dir(place.path("state/paper")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    for state in kept {
        let verified = place.json(&["journal", "verify", state.to_str().unwrap(), "--json"]);
        assert_eq!(verified["fingerprint"], first["fingerprint"]);
    }
    let newest = place.run(&["decisions", "--last", "1"]);
    assert_eq!(newest.code, Some(0), "it finds the newest state by itself: {}", newest.err);
}

#[test]
fn an_unfinished_run_without_a_named_state_is_gone_on_with() {
    let place = place();
    let words = |speed| ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", speed, "--json"];
    let swarm = place.start(&words("30000"));
    swarm.until("some steps", |status| status["steps"].as_u64() > Some(50));
    swarm.process.signal("INT");
    assert_eq!(swarm.process.end().code, Some(0));
    let swarm = place.start(&words("1"));
    let status = swarm.until("a step", |status| status["steps"].as_u64() > Some(0));
    assert!(status["steps"].as_u64() > Some(50), "{}", status["steps"]);
    assert!(swarm.process.said().contains("going on after"), "{}", swarm.process.said());
}
