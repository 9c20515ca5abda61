//! What goes wrong before or beside trading, through the binary: the exit code and the words that lead
//! to the cause. 2 is wrong input, 1 is that it failed.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::Command;
use support::{Done, Place, SWARM, assert_same, candle_text, candles, without_timing};

const RUN: [&str; 9] =
    ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", "max", "--state", "state"];

/// Runs a command: its exit code, the words that must be on stderr, and with `--json` a document on stdout.
fn check(place: &Place, words: &[&str], code: i32, says: &[&str]) -> Done {
    let done = place.run(words);
    assert_eq!(done.code, Some(code), "{words:?}: {}{}", done.out, done.err);
    for word in says {
        assert!(done.err.contains(word), "{words:?}: `{word}` is not in: {}", done.err);
    }
    assert!(!done.err.contains("panicked"), "{words:?}: {}", done.err);
    if words.contains(&"--json") {
        done.json();
    }
    done
}

/// A swarm file that is refused by every command that reads it, with these words.
fn check_swarm(swarm: &str, says: &[&str]) {
    let place = Place::with(swarm);
    place.market(1, 60);
    for words in [&["backtest", "--data", "data", "--json"][..], &RUN[..]] {
        let done = check(&place, words, 2, says);
        if words.contains(&"--json") {
            let error = &done.json()["error"];
            assert_eq!(error["code"], "wrong_input", "{words:?}: {error}");
            assert_eq!(error["details"], place.run(&["check", "--json"]).json(), "{words:?}");
        } else {
            assert_eq!(done.out, "", "{words:?}");
        }
    }
    let done = place.run(&["check"]);
    assert_eq!(done.code, Some(2));
    for word in says {
        assert!(done.out.contains(word), "`{word}` is not in: {}", done.out);
    }
    let report = place.run(&["check", "--json"]);
    assert_eq!((report.code, &report.json()["ok"]), (Some(2), &false.into()));
    assert!(!place.path("state").exists(), "nothing was begun");
}

#[test]
fn a_broken_swarm_file_is_told_in_all_its_faults() {
    let swarm = SWARM
        .replace("name: outside", "nmae: outside")
        .replace("max_positions: 6", "max_positions: many")
        .replace("portfolio: expert", "portfolio: exprt");
    check_swarm(
        &swarm,
        &[
            "swarm.yaml:2:1",
            "nmae",
            "did you mean `name`",
            "missing key `name`",
            "swarm.yaml:4:24",
            "many",
            "swarm.yaml:14:16",
            "exprt",
            "did you mean `expert`",
        ],
    );
    check_swarm("version: 1\nname: [\n", &["swarm.yaml:", "error"]);
    check_swarm("", &["swarm.yaml:1:1"]);
}

/// The commands below these words that take `--json`, by what `--help` lists.
fn with_json(place: &Place, words: &[&str], found: &mut Vec<String>) {
    let help = place.run(&[words, &["--help"]].concat()).out;
    let listed = help.split_once("Commands:\n").map_or("", |(_, after)| after);
    let below = listed.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let below: Vec<&str> = below.filter(|name| *name != "help").collect();
    if below.is_empty() && help.contains("--json") {
        found.push(words.join(" "));
    }
    below.iter().for_each(|name| with_json(place, &[words, &[*name]].concat(), found));
}

/// Each with a way to fail that is its own: what is not there, what is no file of ours, what is not a swarm.
const FAILING: [(&str, &[&str]); 24] = [
    ("run", &["none.yaml"]),
    ("check", &["none.yaml"]),
    ("backtest", &["--data", "nowhere"]),
    ("sweep", &["none.yaml", "--data", "data", "--param", "expert.entry_score=0.3,0.4"]),
    ("bias", &["none.yaml", "--data", "data"]),
    ("simulate", &["--seeds", "many"]),
    ("data check", &["nowhere"]),
    ("data fetch", &["--symbols", "BTCUSDT", "--interval", "7m", "--from", "2024-01-01", "--out", "fetched"]),
    ("doctor", &["none.yaml"]),
    ("status", &["--api", "http://127.0.0.1:1"]),
    ("agent list", &["--api", "http://127.0.0.1:1"]),
    ("agent start", &["one", "--api", "not an address"]),
    ("agent stop", &["one"]),
    ("agent restart", &["--token-file", "nowhere"]),
    ("breaker reset", &["expert", "--reason", " "]),
    ("flatten", &["--yes", "--token-file", "nowhere"]),
    ("resume", &["expert"]),
    ("differences", &["expert", "--api", "http://127.0.0.1:1"]),
    ("decisions", &["--state", "nowhere"]),
    ("journal verify", &["nowhere"]),
    ("journal compact", &["nowhere"]),
    ("replay", &["nowhere"]),
    ("compare", &["swarm.yaml"]),
    ("run", &["--live", "--yes"]),
];

#[test]
fn with_json_every_command_tells_its_failure_as_one_document() {
    let place = Place::with(SWARM);
    let mut commands = Vec::new();
    with_json(&place, &[], &mut commands);
    for command in &commands {
        assert!(FAILING.iter().any(|(known, _)| known == command), "{command} has --json and is not tried here");
    }
    for (command, rest) in FAILING {
        let words: Vec<&str> = command.split(' ').chain(rest.iter().copied()).chain(["--json"]).collect();
        let done = place.run(&words);
        assert!(matches!(done.code, Some(1 | 2)), "{words:?}: {:?}", done.code);
        let document = done.json();
        let is_told = match command {
            "check" => document["ok"] == false && document["errors"][0]["message"].is_string(),
            _ => document["error"]["code"].is_string() && !document["error"]["message"].as_str().unwrap().is_empty(),
        };
        assert!(is_told && !done.err.contains("panicked"), "{words:?}: {document} {}", done.err);
        assert!(command == "check" || !done.err.is_empty(), "{words:?}: nothing for people");
    }
}

#[test]
fn a_state_directory_that_is_refused_and_an_address_that_is_taken_are_documents_too() {
    let place = Place::with(SWARM);
    place.market(1, 60);
    let run = [&RUN[..], &["--json"]].concat();
    place.put("state", "a file where a directory should be");
    assert!(place.run(&run).json()["error"]["message"].as_str().unwrap().contains("state"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words: Vec<&str> = run.iter().map(|word| if *word == "127.0.0.1:0" { &address } else { *word }).collect();
    let done = place.run(&words);
    assert_eq!((done.code, &done.json()["error"]["code"]), (Some(1), &"failed".into()));
}

#[test]
fn what_a_swarm_file_names_must_be_there() {
    check_swarm(&SWARM.replace("use: expert", "use: agents/nobody.yaml"), &["swarm.yaml:16:16", "agents/nobody.yaml"]);
    check_swarm(&SWARM.replacen("count: 3", "count: 4", 1), &["swarm.yaml:12:", "count"]);
    check_swarm(&SWARM.replacen("count: 3", "count: 2", 1), &["swarm.yaml:12:", "count"]);
    check_swarm(&SWARM.replace("count: 3,", "count: 3, symbols: [BTCUSDT],"), &["swarm.yaml:12:", "count"]);
}

#[test]
fn limits_out_of_range_are_refused() {
    check_swarm(&SWARM.replacen("max_leverage: 5", "max_leverage: 500", 1), &["swarm.yaml:6:", "500", "125"]);
    check_swarm(&SWARM.replacen("max_drawdown: 0.5", "max_drawdown: 15", 1), &["swarm.yaml:6:", "15"]);
    check_swarm(&SWARM.replacen("equity: 10000", "equity: -1", 1), &["swarm.yaml:6:", "-1"]);
    check_swarm(&SWARM.replace("rsi_buy: 40", "rsi_buy: 400"), &["swarm.yaml:12:", "rsi_buy", "400"]);
}

#[test]
fn a_swarm_file_that_is_not_there_is_said_so() {
    let place = Place::with(SWARM);
    for command in
        [&["run", "none.yaml"][..], &["check", "none.yaml"][..], &["backtest", "none.yaml", "--data", "data"][..]]
    {
        let done = place.run(command);
        assert_eq!(done.code, Some(2), "{command:?}");
        let said = done.out + &done.err;
        assert!(said.contains("none.yaml") && said.contains("cannot be read"), "{command:?}: {said}");
    }
}

#[test]
fn a_data_directory_must_hold_candles() {
    let place = Place::with(SWARM);
    std::fs::create_dir(place.path("data")).unwrap();
    let backtest = ["backtest", "--data", "data", "--json"];
    for words in [&backtest[..], &RUN[..]] {
        check(&place, words, 2, &["data", "holds no candles of BTCUSDT", "5m/BTCUSDT"]);
    }
    place.market(1, 60);
    std::fs::remove_file(place.path("data/5m/ETHUSDT.csv")).unwrap();
    check(&place, &backtest, 2, &["holds no candles of ETHUSDT"]);
    place.market(1, 60);
    check(&place, &["backtest", "--data", "data", "--from", "2030-01-01"], 2, &["2030-01-01", "--from"]);
    check(&place, &["backtest", "--data", "data", "--from", "yesterday"], 2, &["yesterday", "not a date"]);
    check(&place, &["backtest", "--data", "nowhere"], 2, &["nowhere", "cannot be read"]);
}

/// A candle file that is refused at this line.
fn check_row(line: usize, change: impl Fn(&mut Vec<String>), says: &[&str]) {
    let place = Place::with(SWARM);
    place.market(1, 60);
    let path = place.path("data/5m/ETHUSDT.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let at = format!("ETHUSDT.csv:{line}:");
    let says: Vec<&str> = [at.as_str()].into_iter().chain(says.iter().copied()).collect();
    for words in [&["backtest", "--data", "data", "--json"][..], &RUN[..]] {
        let done = check(&place, words, 2, &says);
        if words.contains(&"--json") {
            assert_eq!(done.json()["error"]["code"], "wrong_input", "{words:?}");
        } else {
            assert_eq!(done.out, "", "{words:?}");
        }
    }
}

/// Puts a value into a column of line 21.
fn column(column: usize, value: &str) -> impl Fn(&mut Vec<String>) {
    move |lines| {
        let mut fields: Vec<&str> = lines[20].split(',').collect();
        fields[column] = value;
        lines[20] = fields.join(",");
    }
}

#[test]
fn a_bad_row_is_refused_with_file_and_line() {
    check_row(22, |lines| lines.insert(21, lines[20].clone()), &["open_time"]);
    check_row(22, |lines| lines.swap(20, 21), &["open_time"]);
    check_row(21, column(4, "NaN"), &["NaN", "close"]);
    check_row(21, column(4, ""), &["close"]);
    check_row(21, column(5, "-1"), &["volume"]);
    check_row(21, column(2, "1"), &["high"]);
    check_row(21, column(1, "-5"), &["open"]);
    check_row(21, column(0, "1704073200001"), &["off the grid"]);
    check_row(21, |lines| lines[20].push_str(",1"), &["columns"]);
    check_row(1, |lines| drop(lines.remove(0)), &["header"]);
}

#[test]
fn gzip_that_was_cut_is_refused_with_file_and_line() {
    let place = Place::with(SWARM);
    place.market(1, 600);
    let path = place.path("data/5m/ETHUSDT.csv");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&std::fs::read(&path).unwrap()).unwrap();
    let bytes = gzip.finish().unwrap();
    std::fs::remove_file(path).unwrap();
    place.put("data/5m/ETHUSDT.csv.gz", &bytes);
    check(&place, &["backtest", "--data", "data", "--json"], 0, &[]);
    place.put("data/5m/ETHUSDT.csv.gz", &bytes[..bytes.len() / 2]);
    let done = check(&place, &["backtest", "--data", "data"], 2, &["ETHUSDT.csv.gz:", "truncated"]);
    let line = done.err.split("ETHUSDT.csv.gz:").nth(1).unwrap().split(':').next().unwrap();
    assert!((2..600).contains(&line.parse().unwrap()), "{}", done.err);
}

#[test]
fn a_gap_is_reported_and_no_fault() {
    let place = Place::with(SWARM);
    place.market(1, 300);
    let rows = candles(1, 1, 300);
    place.put("data/5m/ETHUSDT.csv", candle_text(&rows, |row| !(100..103).contains(&row)));
    for words in [&["backtest", "--data", "data", "--json"][..], &[&RUN[..], &["--json"]].concat()[..]] {
        let done = check(&place, words, 0, &["ETHUSDT: 1 gap(s), 3 candle(s) missing", "2024-01-01T08:20"]);
        assert_eq!(done.json()["market"]["gaps"], 3);
    }
}

/// A state directory with a run over half a day, and the bytes of its journal.
fn begun() -> (Place, u64) {
    let place = Place::with(SWARM);
    place.market(7, 400);
    check(&place, &[&RUN[..], &["--json", "--to", "2024-01-01T12:00"]].concat(), 0, &[]);
    let bytes = support::journal_bytes(&place.path("state"));
    (place, bytes)
}

const SAME: [&str; 3] = ["--to", "2024-01-01T12:00", "--json"];

#[test]
fn a_state_directory_belongs_to_one_swarm_and_market() {
    let (place, _) = begun();
    check(&place, &RUN, 2, &["another swarm", "its market is", "--state"]);
    place.put("swarm.yaml", SWARM.replace("name: outside", "name: other"));
    check(&place, &[&RUN[..], &SAME].concat(), 2, &["another swarm", "its name is `outside`, not `other`", "--state"]);
    place.put("swarm.yaml", SWARM.replace("[BTCUSDT, ETHUSDT, SOLUSDT]", "[ETHUSDT, BTCUSDT, SOLUSDT]"));
    check(&place, &[&RUN[..], &SAME].concat(), 2, &["its symbols differ"]);
    place.put("swarm.yaml", SWARM.replacen("equity: 10000", "equity: 20000", 1));
    check(&place, &[&RUN[..], &SAME].concat(), 2, &["portfolio `control` began with 10000 USDT, not 20000", "--state"]);
    place.put("swarm.yaml", SWARM);
    check(&place, &[&RUN[..], &SAME].concat(), 0, &[]);
}

#[test]
fn a_state_directory_that_cannot_be_used_is_refused_and_left_alone() {
    let (place, _) = begun();
    let words = [&RUN[..], &SAME].concat();
    let manifest = std::fs::read_to_string(place.path("state/manifest.json")).unwrap();
    let refused = |says: &[&str]| {
        let journal = std::fs::read(place.path("state/journal.bin")).unwrap();
        check(&place, &words, 2, says);
        assert_eq!(std::fs::read(place.path("state/journal.bin")).unwrap(), journal, "nothing was changed");
    };
    place.put("state/manifest.json", manifest.replace("\"format\": 1", "\"format\": 99"));
    refused(&["has format 99", "knows formats up to 1"]);
    place.put("state/manifest.json", "{");
    refused(&["manifest.json", "cannot be read as a manifest"]);
    std::fs::remove_file(place.path("state/manifest.json")).unwrap();
    refused(&["no manifest.json"]);
    place.put("state/manifest.json", &manifest);

    let mut bytes = std::fs::read(place.path("state/journal.bin")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.put("state/journal.bin", &bytes);
    refused(&["journal.bin", "nothing was changed", "swarm journal export"]);
    let verified = place.run(&["journal", "verify", "state"]);
    assert_eq!(verified.code, Some(1));
    assert!(verified.out.contains("DAMAGED after byte"), "{}", verified.out);
    let export = check(&place, &["journal", "export", "state"], 1, &["journal.bin"]);
    assert!(export.out.lines().count() > 100, "what precedes the damage");

    let mut words = words.clone();
    words[8] = "swarm.yaml";
    check(&place, &words, 2, &["is not a directory", "--state"]);
    words[8] = "data";
    check(&place, &words, 2, &["holds other files", "--state"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    use std::process::Stdio;
    let (place, _) = begun();
    let backtest = ["backtest", "--data", "data", "--json"];
    for words in [
        &backtest[..],
        &["check"],
        &["schema"],
        &["data", "check", "data"],
        &["journal", "verify", "state"],
        &["replay", "state"],
        &["decisions", "--state", "state"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let done = place.command(words).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{words:?}: {err}");
        assert!(err.contains("cannot write the result"), "{words:?}: {err}");
        // Whoever closes the pipe has read what he wanted.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = place.command(words).stdout(Stdio::from(writer)).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn a_refused_journal_command_has_its_one_document_too() {
    let place = Place::with(SWARM);
    for words in [["journal", "verify", "nowhere", "--json"], ["journal", "compact", "nowhere", "--json"]] {
        let done = check(&place, &words, 2, &["holds no state of a swarm"]);
        let document: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(document["error"]["code"], "wrong_input", "{}", done.out);
    }
}

#[test]
fn a_torn_tail_is_cut_off_and_the_run_goes_on() {
    let (place, bytes) = begun();
    let words = [&RUN[..], &SAME].concat();
    let report = without_timing(place.json(&words));
    let journal = std::fs::read(place.path("state/journal.bin")).unwrap();
    place.put("state/journal.bin", &journal[..bytes as usize - 100]);
    check(&place, &words, 2, &["had reached the disk", "taken off its end", "remove that file"]);
    for cut in [1, 7, 100, bytes as usize / 2] {
        place.put("state/journal.bin", &journal[..bytes as usize - cut]);
        // Of what a disk never confirmed nobody has noted that it was there.
        std::fs::remove_file(place.path("state/journal.head")).unwrap();
        let done = check(&place, &words, 0, &["cut off", "a copy is"]);
        assert_same(&without_timing(done.json()), &report, &format!("{cut} bytes missing"));
    }
}

#[test]
fn a_state_directory_in_use_is_refused() {
    let place = Place::with(SWARM);
    place.market(7, 400);
    let swarm =
        place.start(&["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", "1", "--state", "state"]);
    check(&place, &RUN, 2, &["in use by another running swarm", &format!("process {}", swarm.process.id()), "--state"]);
    let status = swarm.status();
    assert_eq!(status["phase"], "running", "the first is not disturbed");
    swarm.process.kill();
    check(&place, &RUN, 0, &[]);
}

#[test]
fn a_port_in_use_is_a_failure() {
    let place = Place::with(SWARM);
    place.market(7, 60);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut words = RUN;
    words[4] = &address;
    let done = check(&place, &words, 1, &["cannot listen on", &address, "--listen"]);
    assert_eq!(done.out, "");
    assert!(!place.path("state").exists(), "nothing was begun");
}

#[test]
fn live_is_said_twice_or_not_at_all() {
    let place = Place::with(SWARM);
    place.market(7, 60);
    check(&place, &[&RUN[..], &["--live"]].concat(), 2, &["--live", "mode: paper"]);
    let live = SWARM
        .replace("name: outside", "name: outside\nmode: live\nvenue: { kind: aster }")
        .replace("source: synthetic", "source: aster")
        .replace("control: { equity", "control: { account: one, equity")
        .replace("expert: { equity", "expert: { account: two, equity");
    place.put("swarm.yaml", live);
    check(&place, &RUN, 2, &["`mode: live` trades real money", "--live"]);
    check(&place, &[&RUN[..], &["--live"]].concat(), 2, &["own prices"]);
    check(&place, &["run", "--live", "--listen", "127.0.0.1:0", "--state", "state"], 1, &["not confirmed"]);
    assert!(!place.path("state").exists(), "nothing was begun");
}

#[test]
fn markets_that_are_not_there_are_said_so() {
    let place = Place::with(SWARM);
    let listen = ["--listen", "127.0.0.1:0"];
    // Nothing is asked of a live market where the command line makes no sense for one.
    for market in ["aster", "aster-testnet"] {
        let words = ["run", "--market", market, "--speed", "60"];
        check(&place, &[&words[..], &listen].concat(), 2, &["--speed", "live market"]);
    }
    check(&place, &[&["run", "--market", "binance"][..], &listen].concat(), 2, &["binance", "not a market"]);
    check(&place, &[&["run", "--market", "replay:nowhere"][..], &listen].concat(), 2, &["nowhere"]);
}

#[test]
fn command_lines_that_cannot_be_meant_are_wrong_input() {
    let place = Place::with(SWARM);
    for words in [
        &["run", "--sped", "max"][..],
        &["run", "--speed", "0"][..],
        &["run", "--for", "10"][..],
        &["run", "--listen", "everywhere"][..],
        &["backtest"][..],
        &["backtest", "--data"][..],
        &["bcktest"][..],
        &["agent", "stop"][..],
        &["agent", "stop", "one", "--positions", "sell"][..],
        &["breaker", "reset", "control"][..],
        &["journal", "verify"][..],
        &["decisions", "--last", "many"][..],
        &["status", "--api", "nowhere"][..],
    ] {
        let done = check(&place, words, 2, &[]);
        assert!(!done.err.is_empty(), "{words:?}");
    }
    for words in [&["--help"][..], &["run", "--help"][..], &["--version"][..]] {
        let done = check(&place, words, 0, &[]);
        assert!(done.out.contains("swarm"), "{words:?}");
    }
    check(&place, &["journal", "verify", "nowhere"], 2, &["nowhere", "holds no state"]);
    check(&place, &["decisions"], 2, &["--state"]);
    check(&place, &["compare", "nowhere"], 2, &["nowhere"]);
}

#[test]
fn a_full_disk_stops_trading_and_says_why() {
    let place = Place::with(SWARM);
    place.market(7, 1_500);
    std::fs::create_dir(place.path("small")).unwrap();
    let small = |script: &str| {
        let script = format!("mount -t tmpfs -o size=400k tmpfs small && {script}");
        // The mount is gone with the process that made it.
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", &script])
            .current_dir(place.path(""))
            .env("SWARM", env!("CARGO_BIN_EXE_swarm"));
        command.output()
    };
    if !small("true").is_ok_and(|probe| probe.status.success()) {
        eprintln!("SKIPPED: no right to mount a small file system");
        return;
    }
    for speed in ["max", "1000000"] {
        let run = format!(
            "\"$SWARM\" run --market replay:data --listen 127.0.0.1:0 --speed {speed} --state small/state --json; \
             code=$?; echo; \"$SWARM\" journal verify small/state >&2; exit $code"
        );
        let done = small(&run).unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains("trading stopped: the journal cannot be written"), "{said}");
        assert!(said.contains("free some space and start again"), "{said}");
        assert!(said.contains("every record holds"), "what was acknowledged is safe: {said}");
        assert!(!said.contains("panicked"), "{said}");
        let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(report["partial"], true);
    }
}

#[test]
fn a_market_that_ends_before_its_journal_is_refused() {
    let (place, _) = begun();
    place.market(7, 100);
    check(&place, &[&RUN[..], &SAME].concat(), 1, &["the journal ends at 2024-01-01T12:00", "--state"]);
}

#[test]
fn an_output_that_nobody_reads_stops_nothing() {
    let place = Place::with(SWARM);
    place.market(7, 300);
    let script = format!("\"$SWARM\" {} | true; exec \"$SWARM\" journal verify state", RUN.join(" "));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(place.path("")).env("SWARM", env!("CARGO_BIN_EXE_swarm"));
    let done = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(out.contains("finished: its data is used up"), "{out}{err}");
    assert!(!err.contains("panicked"), "{err}");
}
