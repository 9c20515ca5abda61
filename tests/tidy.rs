//! Rules of the house that no compiler checks: who may import whom, calls that are banned in a room,
//! files that are too long to read in one sitting, files that nothing includes.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, tests at its end not counted.
const MAX_LINES: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                if entry.file_name() != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no Rust files in {folder}");
    files
}

/// The text without its tests and without comments, so that prose may name what code may not.
fn shipped_code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn check_absent(files: &[(String, String)], banned: &[&str], why: &str) {
    let mut found = Vec::new();
    for (name, text) in files {
        for (number, line) in shipped_code(text).lines().enumerate() {
            for word in banned {
                if line.contains(word) {
                    found.push(format!("{name}:{}: `{word}`", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

fn without_tests(files: Vec<(String, String)>) -> Vec<(String, String)> {
    let test = |name: &str| {
        name.contains("/tests/")
            || name.contains("/benches/")
            || name.ends_with("tests.rs")
            || name.ends_with("_test.rs")
    };
    files.into_iter().filter(|(name, _)| !test(name)).collect()
}

#[test]
fn the_core_is_pure() {
    let mut files = without_tests(rust_files("src/core"));
    files.extend(without_tests(rust_files("agents")));
    let banned = [
        "std::fs",
        "std::net",
        "std::time",
        "std::thread",
        "std::env",
        "std::process",
        "SystemTime",
        "Instant::now",
        "tokio",
        "actix",
        "reqwest",
        "sled",
        "rand::rng(",
        "thread_rng",
        "HashMap",
        "HashSet",
        "println!",
        "eprintln!",
    ];
    check_absent(
        &files,
        &banned,
        "the core knows no clock, file, socket, thread, unseeded randomness or unordered map",
    );
}

#[test]
fn only_the_address_sends_and_supervision_is_ours() {
    let files: Vec<_> = without_tests(rust_files("src"));
    let actors: Vec<_> = files.iter().filter(|(name, _)| name != "src/actors/address.rs").cloned().collect();
    check_absent(&actors, &[".do_send(", ".try_send(Tick", "addr.send("], "only actors/address.rs sends to actors");
    check_absent(&files, &["actix::Supervisor", "actix::Supervised", "do_send("], "see docs/architecture.md, actors");
}

#[test]
fn selections_name_their_order() {
    for (name, text) in without_tests(rust_files("src")) {
        let code = shipped_code(&text);
        let (all, ordered) = (code.matches("select! {").count(), code.split_whitespace().collect::<String>());
        assert_eq!(all, ordered.matches("select!{biased;").count(), "{name}: `select!` without `biased` is random");
    }
}

/// What each room may import, besides itself. A room that is not listed here may not exist.
fn rooms() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("src/core/model", vec![]),
        ("src/core/indicators", vec![]),
        ("src/core/features", vec!["model", "indicators"]),
        ("src/core/rule.rs", vec!["model", "features"]),
        ("src/core/ledger", vec!["model", "rule"]),
        ("src/core/orders", vec!["model", "planted"]),
        ("src/core/planted.rs", vec![]),
        ("src/core/risk", vec!["model", "ledger", "orders", "planted", "rule"]),
        ("src/core/delivery", vec!["model", "planted", "risk"]),
        (
            "src/core/sim",
            vec![
                "model",
                "risk",
                "delivery",
                "exchange",
                "invariants",
                "engine",
                "features",
                "journal",
                "orders",
                "planted",
                "rule",
            ],
        ),
        ("src/core/exchange", vec!["model"]),
        ("src/core/journal", vec!["model"]),
        ("src/core/experiment", vec!["model", "ledger", "risk"]),
        ("src/core/engine", vec!["model", "features", "rule", "ledger", "risk", "exchange"]),
        ("src/core/invariants.rs", vec!["model", "orders", "risk"]),
        ("src/aster", vec![]),
        ("src/config", vec![]),
        ("src/bias", vec!["market"]),
        ("src/market", vec!["aster", "side_by_side"]),
        ("src/side_by_side.rs", vec![]),
        ("src/store", vec![]),
        ("src/venue", vec!["aster"]),
        ("src/venue_server", vec!["aster"]),
        ("src/control.rs", vec![]),
        ("src/doctor", vec!["aster", "market"]),
        ("src/telemetry", vec![]),
        ("src/record.rs", vec!["control", "telemetry"]),
        ("src/fold.rs", vec!["record", "store"]),
        ("src/replay", vec!["fold", "store"]),
        ("src/report", vec!["record"]),
        ("src/actors", vec!["config", "control", "fold", "record", "store", "telemetry", "venue"]),
        (
            "src/simulation",
            vec!["actors", "control", "fold", "market", "record", "replay", "store", "telemetry", "venue"],
        ),
        ("src/api", vec!["control", "telemetry"]),
        (
            "src/cli",
            vec![
                "actors",
                "api",
                "aster",
                "bias",
                "config",
                "control",
                "doctor",
                "fold",
                "market",
                "record",
                "replay",
                "report",
                "side_by_side",
                "simulation",
                "store",
                "telemetry",
                "venue",
                "venue_server",
            ],
        ),
    ])
}

fn imported_rooms(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue; // another crate's path, such as swarm_crate::
        }
        let rest = &code[at + "crate::".len()..];
        let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        if !name.is_empty() {
            rooms.push(name);
        }
    }
    rooms
}

/// The code as release builds have it: the supervisor asks the invariants about itself, which read it in
/// turn, but only in a debug assertion.
fn without_debug_assertions(code: &str) -> String {
    code.lines().filter(|line| !line.trim_start().starts_with("debug_assert")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_import_only_what_the_architecture_allows() {
    let rooms = rooms();
    let mut files = without_tests(rust_files("src"));
    files.retain(|(name, _)| !["src/lib.rs", "src/main.rs", "src/core/lib.rs"].contains(&name.as_str()));
    let mut faults = Vec::new();
    for (name, text) in &files {
        let Some((room, allowed)) =
            rooms.iter().find(|(room, _)| name.starts_with(&format!("{room}/")) || name == *room)
        else {
            faults.push(format!("{name}: its room is not in tests/tidy.rs and docs/architecture.md"));
            continue;
        };
        let own = Path::new(room).file_stem().unwrap().to_string_lossy().into_owned();
        for imported in imported_rooms(&without_debug_assertions(&shipped_code(text))) {
            if imported != own && !allowed.contains(&imported.as_str()) {
                faults.push(format!("{name}: `{own}` may not import `{imported}`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_architecture_shows_the_rooms_as_they_are_checked() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (room, allowed) in rooms() {
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        let row = format!("| `{room}` | {allowed} |\n");
        assert!(page.contains(&row), "docs/architecture.md lacks: {row}");
    }
}

#[test]
fn files_are_readable_in_one_sitting() {
    let mut files = rust_files("src");
    files.extend(rust_files("agents"));
    for (name, text) in files {
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines: give its second thing a file of its own");
    }
}

#[test]
fn every_module_says_what_it_is() {
    let mut files = rust_files("src");
    files.extend(rust_files("agents"));
    files.extend(rust_files("tests"));
    let silent: Vec<_> = files.iter().filter(|(_, text)| !text.starts_with("//!")).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "their first line does not say what they are: {silent:?}");
}

#[test]
fn no_file_is_dead() {
    let mut files = rust_files("src");
    files.extend(rust_files("agents"));
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let mut dead = Vec::new();
    for (name, _) in &files {
        let path = Path::new(name);
        let stem = path.file_stem().unwrap().to_string_lossy();
        let module = if stem == "mod" { path.parent().unwrap().file_name().unwrap().to_string_lossy() } else { stem };
        let root = ["lib", "main"].contains(&&*module) || name.contains("/tests/") || name.contains("/benches/");
        let file = path.file_name().unwrap().to_string_lossy();
        let named = all.contains(&format!("mod {module};")) || all.contains(&format!("#[path = \"{file}\"]"));
        if !root && !named {
            dead.push(name);
        }
    }
    assert!(dead.is_empty(), "not part of any crate: {dead:?}");
}

#[test]
fn leftovers_are_not_shipped() {
    let mut files = rust_files("src");
    files.extend(rust_files("agents"));
    for (name, text) in &files {
        for word in ["TODO", "FIXME", "XXX", "unimplemented!", "todo!"] {
            assert!(!text.contains(word), "{name}: `{word}`");
        }
    }
}
