//! `swarm init` from outside: what it writes is a swarm that holds and runs, and it overwrites nothing.

use assert_cmd::Command;
use predicates::prelude::*;
use std::fs;
use std::path::Path;

fn swarm(folder: &Path, words: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(assert_cmd::cargo::cargo_bin!("swarm"))
        .current_dir(folder)
        .env_remove("SWARM_API_TOKEN")
        .args(words)
        .assert()
}

#[test]
fn it_writes_a_swarm_that_is_fine_as_it_stands() {
    let place = tempfile::tempdir().unwrap();
    swarm(place.path(), &["init", "mine"]).success().stdout(predicate::str::contains("next: swarm run mine"));
    let mine = place.path().join("mine");
    swarm(&mine, &["check"]).success().stdout("swarm.yaml is fine\n");
    for (file, shipped) in [
        ("swarm.yaml", "swarm.yaml"),
        ("agents/expert.yaml", "agents/expert.yaml"),
        ("agents/control.yaml", "agents/control.yaml"),
        ("agents/ema_cross.yaml", "agents/ema_cross.yaml"),
        ("agents/hybrid.yaml", "agents/hybrid.yaml"),
        ("agents/trend.yaml", "agents/trend.yaml"),
        ("schema/swarm.json", "schema/swarm.json"),
        ("schema/agent.json", "schema/agent.json"),
    ] {
        let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(shipped)).unwrap();
        assert_eq!(fs::read_to_string(mine.join(file)).unwrap(), shipped, "{file}");
    }
}

#[test]
fn what_it_wrote_trades() {
    let place = tempfile::tempdir().unwrap();
    swarm(place.path(), &["init"]).success();
    let run = ["run", "--to", "2025-01-01T02:00:00Z", "--speed", "max", "--listen", "127.0.0.1:0", "--json"];
    let done = swarm(place.path(), &run).success();
    let report: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!(report["market"]["candles"], 24 * 3, "two hours of 5m candles of three symbols");
}

#[test]
fn it_overwrites_nothing_and_says_which_file_is_in_the_way() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("agents")).unwrap();
    let own = place.path().join("agents/expert.yaml");
    fs::write(&own, "mine").unwrap();
    swarm(place.path(), &["init", "."])
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("agents/expert.yaml").and(predicate::str::contains("nothing was written")));
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
    assert!(!place.path().join("swarm.yaml").exists() && !place.path().join("agents/control.yaml").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_a_failure() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    swarm(place.path(), &["init", "file/below"]).code(1).stderr(predicate::str::contains("cannot write"));
}

#[test]
fn a_missing_swarm_file_leads_here() {
    let place = tempfile::tempdir().unwrap();
    swarm(place.path(), &["check"]).code(2).stdout(predicate::str::contains("`swarm init`"));
}
