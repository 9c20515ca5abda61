//! `swarm sweep`: every set comes to what it would come to alone, whatever the number of threads.
#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use support::Place;

const PARAMS: [&str; 4] = ["--param", "expert.entry_score=0.15,0.3", "--param", "expert.indicators.rsi_fast=7,9,11"];

fn sweep(place: &Place, more: &[&str]) -> Value {
    let mut words = vec!["sweep", "--data", "data", "--json"];
    words.extend(PARAMS);
    words.extend(more);
    let mut report = place.json(&words);
    report.as_object_mut().unwrap().remove("timing");
    report
}

#[test]
fn every_set_comes_to_what_it_would_come_to_alone() {
    let place = Place::new();
    let together = sweep(&place, &["--jobs", "2"]);
    assert_eq!(together, sweep(&place, &["--jobs", "1"]), "the number of threads makes no difference");
    let results = together["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let total = |result: &Value| result["metrics"]["total_return"].as_f64().unwrap();
    assert!(results.iter().all(|result| result["metrics"]["sharpe"].is_null()), "of five days");
    assert!(results.is_sorted_by(|one, next| total(one) >= total(next)), "the best first");
    let mut fingerprints: Vec<&str> = Vec::new();
    for result in results {
        let mut words = vec!["backtest".to_owned(), "--data".into(), "data".into(), "--json".into()];
        for (key, value) in result["set"].as_object().unwrap() {
            words.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        let alone = place.json(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(result["fingerprint"], alone["fingerprint"], "{words:?}");
        assert_eq!(result["metrics"], alone["cohorts"]["expert"], "{words:?}");
        assert!(result["metrics"]["trades"].as_u64().unwrap() > 0, "{words:?} trades");
        fingerprints.push(result["fingerprint"].as_str().unwrap());
    }
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 6, "the sets differ");
}

#[test]
fn sets_that_share_a_score_or_not_come_to_what_they_would_come_to_alone() {
    let place = Place::new();
    // Ten sets of each score: enough for what they look at to be computed once.
    let scores = ["--param", "expert.zscore_divisor=2,3"];
    let gates = ["--param", "expert.entry_score=0.1..0.5/5", "--param", "expert.entry_volume_ratio=0.8,1.1"];
    let words = [&["sweep", "--data", "data", "--json", "--jobs", "1"][..], &scores, &gates].concat();
    let together = place.json(&words);
    let results = together["results"].as_array().unwrap();
    assert_eq!(results.len(), 20);
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let set = result["set"].as_object().unwrap();
        let one: Vec<String> =
            set.iter().flat_map(|(key, value)| ["--param".into(), format!("{key}={value}")]).collect();
        // A sweep of one set shares nothing, and neither does a backtest.
        let one: Vec<&str> = one.iter().map(String::as_str).collect();
        let alone = place.json(&[&["sweep", "--data", "data", "--json"][..], &one].concat());
        assert_eq!(alone["results"][0]["fingerprint"], result["fingerprint"], "{one:?}");
        assert_eq!(alone["results"][0]["metrics"], result["metrics"], "{one:?}");
        fingerprints.insert(result["fingerprint"].as_str().unwrap());
    }
    let sets: Vec<String> = results[0]["set"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(key, value)| ["--set".into(), format!("{key}={value}")])
        .collect();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let backtest = place.json(&[&["backtest", "--data", "data", "--json"][..], &sets].concat());
    assert_eq!(backtest["fingerprint"], results[0]["fingerprint"]);
    assert!(fingerprints.len() > 10, "the scores and the thresholds differ: {fingerprints:?}");
}

#[test]
fn a_sample_is_repeatable_and_files_hold_all_sets() {
    let place = Place::new();
    let words = [
        "sweep",
        "--data",
        "data",
        "--param",
        "expert.entry_score=0.1..0.4",
        "--sample",
        "5",
        "--seed",
        "3",
        "--out",
        "out",
    ];
    let done = place.run(&words);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("5 sets"), "{}", done.out);
    let csv = std::fs::read_to_string(place.path("out/sweep.csv")).unwrap();
    assert_eq!(csv.lines().count(), 6);
    assert!(csv.starts_with("expert.entry_score,trades,"));
    place.run(&words);
    assert_eq!(csv, std::fs::read_to_string(place.path("out/sweep.csv")).unwrap());
}

#[test]
fn sets_that_contradict_themselves_are_left_out_and_counted() {
    let place = Place::new();
    // The control buys below `rsi_buy` and sells above `rsi_sell`; the file says 40 and 60.
    let grid = ["--param", "control.rsi_buy=40,45,50", "--param", "control.rsi_sell=44,48,60", "--out", "out"];
    let words = [&["sweep", "--data", "data"][..], &grid].concat();
    let done = place.run(&words);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("3 set(s) are no swarm and are left out"), "{}", done.err);
    assert!(
        done.err.contains("control.rsi_buy=45 control.rsi_sell=44") && done.err.contains("rsi_sell"),
        "{}",
        done.err
    );
    assert!(done.err.contains("no set has a known sharpe"), "{}", done.err);
    assert!(done.out.contains("6 sets") && done.out.contains("3 more sets are no swarm"), "{}", done.out);
    let document: Value = serde_json::from_slice(&std::fs::read(place.path("out/sweep.json")).unwrap()).unwrap();
    assert_eq!((&document["sets"], &document["left_out"]["sets"]), (&6.into(), &3.into()));
    let reasons = document["left_out"]["reasons"].as_array().unwrap();
    assert_eq!(reasons.iter().map(|reason| reason["sets"].as_u64().unwrap()).sum::<u64>(), 3);
    assert!(reasons[0]["message"].as_str().unwrap().contains("is not below"), "{reasons:?}");
    assert_eq!(std::fs::read_to_string(place.path("out/sweep.csv")).unwrap().lines().count(), 7);

    // Those that are left come to what they come to alone.
    let alone = place.json(&["backtest", "--data", "data", "--json", "--set", "control.rsi_buy=50"]);
    let of_grid = document["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|result| result["set"]["control.rsi_buy"] == 50 && result["set"]["control.rsi_sell"] == 60);
    assert_eq!(of_grid.unwrap()["fingerprint"], alone["fingerprint"]);

    // A sample counts what it draws: nothing is drawn in the place of what is left out.
    let sample = [&words[..], &["--sample", "9", "--json"]].concat();
    let sampled = place.json(&sample);
    assert_eq!((&sampled["sets"], &sampled["left_out"]["sets"]), (&6.into(), &3.into()));

    let none = ["--param", "control.rsi_buy=60,70", "--param", "control.rsi_sell=40,50", "--json"];
    let done = place.run(&[&["sweep", "--data", "data"][..], &none].concat());
    assert_eq!((done.code, done.json()["error"]["details"]["ok"].as_bool()), (Some(2), Some(false)), "{}", done.err);
}

#[test]
fn what_cannot_be_swept_is_told_with_the_setting() {
    let place = Place::new();
    for (param, told) in [
        ("expert.entry_scor=0.4", "entry_scor"),
        ("expert.entry_score=7", "entry_score"),
        ("nobody.entry_score=0.4", "nobody"),
        ("expert.entry_score=0.1..0.2", "--sample"),
        ("entry_score", "COHORT.KEY"),
    ] {
        let done = place.run(&["sweep", "--data", "data", "--param", param]);
        assert_eq!(done.code, Some(2), "{param}: {}", done.err);
        assert!(done.err.contains(told), "{param}: {}", done.err);
    }
}
