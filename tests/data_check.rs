//! `swarm data check` finds what a backtest refuses, with file and line, and what else is odd, and says which
//! is which.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::market::audit::{Audit, AuditQuery, Finding, Kind, Severity, audit};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use support::{CANDLES, HEADER, M5, Place, START, candle_text, candles, shared_data};
use swarm_core::model::{Interval, Time};

const FILE: &str = "data/5m/BTCUSDT.csv";

fn looked_at(place: &Place) -> Audit {
    audit(&AuditQuery { dir: place.path("data"), symbols: Vec::new(), interval: None }).unwrap()
}

/// Rows of a quiet market, open time by number, one line each.
fn rows(count: i64) -> Vec<String> {
    let close = |number: i64| 100.0 + f64::from(u8::from(number % 2 == 0)) * 0.05;
    (0..count).map(|number| row(number, close(number), close(number + 1), 5.0)).collect()
}

fn row(number: i64, open: f64, close: f64, volume: f64) -> String {
    let (high, low) = (open.max(close) + 0.01, open.min(close) - 0.01);
    format!("{},{open:.2},{high:.2},{low:.2},{close:.2},{volume}\n", START + number * M5)
}

fn place_of(rows: &[String]) -> Place {
    let place = Place::with("");
    place.put(FILE, format!("{HEADER}{}", rows.concat()));
    place
}

/// What the audit of one file says about a kind: severity, line, count.
fn found(audit: &Audit, kind: Kind) -> Vec<(Severity, Option<u64>, u64)> {
    let of_kind = audit.findings.iter().filter(|finding| finding.kind == kind);
    of_kind.map(|finding| (finding.severity, finding.line, finding.count)).collect()
}

/// The one kind of finding that a changed file has.
fn check(change: impl FnOnce(&mut Vec<String>), kind: Kind, expected: &[(Severity, u64, u64)]) -> Audit {
    let mut rows = rows(200);
    change(&mut rows);
    let place = place_of(&rows);
    let audit = looked_at(&place);
    let expected: Vec<_> = expected.iter().map(|(severity, line, count)| (*severity, Some(*line), *count)).collect();
    assert_eq!(found(&audit, kind), expected, "{:#?}", audit.findings);
    assert!(
        audit.findings.iter().filter(|finding| finding.severity == Severity::Error).all(|finding| finding.kind == kind)
    );
    // What is an error here is what a backtest refuses, and nothing else.
    let refused = backtest_refuses(&place);
    assert_eq!(refused.is_some(), !audit.ok, "{refused:?} {:#?}", audit.findings);
    audit
}

fn backtest_refuses(place: &Place) -> Option<String> {
    let query = asterswarm::market::Query {
        dir: place.path("data"),
        symbols: vec!["BTCUSDT".to_owned()],
        base: Interval::M5,
        from: None,
        to: None,
    };
    asterswarm::market::load(&query).err().map(|error| error.to_string())
}

use Severity::{Error, Warning};

#[test]
fn sound_candles_have_no_findings() {
    let audit = check(|_| {}, Kind::Gap, &[]);
    assert!(audit.ok && audit.findings.is_empty());
    let file = &audit.files[0];
    assert_eq!((file.rows, file.from, file.to), (200, Some(Time(START)), Some(Time(START + 200 * M5))));
    assert_eq!((file.symbol.as_str(), file.interval), ("BTCUSDT", Interval::M5));
}

#[test]
fn what_a_backtest_refuses_is_an_error_with_its_line() {
    check(|rows| rows[10] = "17040,1,2\n".to_owned(), Kind::BadRow, &[(Error, 12, 1)]);
    check(|rows| rows[10] = rows[10].replace(",5\n", ",much\n"), Kind::BadRow, &[(Error, 12, 1)]);
    check(|rows| rows.insert(11, rows[10].clone()), Kind::Duplicate, &[(Error, 13, 1)]);
    check(|rows| rows.push(rows[10].clone()), Kind::Duplicate, &[(Error, 202, 1)]);
    check(
        |rows| {
            let early = rows.remove(20);
            rows.insert(30, early);
        },
        Kind::OutOfOrder,
        &[(Error, 32, 1)],
    );
    check(|rows| rows[10] = rows[10].replacen("00000,", "00001,", 1), Kind::OffGrid, &[(Error, 12, 1)]);
    let swapped = |rows: &mut Vec<String>| rows[10] = format!("{},100,99,101,100,5\n", START + 10 * M5);
    check(swapped, Kind::BadCandle, &[(Error, 12, 1)]);
    check(|rows| rows[10] = row(10, 100.0, 100.05, -1.0), Kind::BadCandle, &[(Error, 12, 1)]);
}

#[test]
fn a_file_that_is_wrong_from_end_to_end_does_not_fill_the_report() {
    let mut rows = rows(2_000);
    rows.iter_mut().for_each(|row| *row = row.replace(",5\n", ",x\n"));
    let audit = looked_at(&place_of(&rows));
    assert_eq!(audit.findings.len(), 100);
    assert_eq!(audit.findings.iter().map(|finding| finding.count).sum::<u64>(), 2_000);
    assert_eq!((audit.files[0].errors, audit.count(Error)), (2_000, 2_000));
}

#[test]
fn what_a_backtest_takes_is_a_warning() {
    let audit = check(|rows| drop(rows.drain(50..57)), Kind::Gap, &[(Warning, 52, 7)]);
    assert_eq!((audit.files[0].gaps, audit.files[0].missing), (1, 7));
    let gap = &audit.findings[0];
    assert_eq!((gap.from, gap.to), (Some(Time(START + 50 * M5)), Some(Time(START + 57 * M5))));
    let idle = |rows: &mut Vec<String>| {
        (20..24).chain(90..91).for_each(|number| rows[number] = rows[number].replace(",5\n", ",0\n"));
    };
    check(idle, Kind::ZeroVolume, &[(Warning, 22, 4), (Warning, 92, 1)]);
    let jump = |rows: &mut Vec<String>| rows[120] = row(120, 100.0, 110.0, 5.0);
    // There and back again.
    check(jump, Kind::Jump, &[(Warning, 122, 1), (Warning, 123, 1)]);
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    for (name, bytes, line) in [
        ("data/5m/BTCUSDT.csv", b"".to_vec(), None),
        ("data/5m/BTCUSDT.csv", HEADER.as_bytes().to_vec(), None),
        ("data/5m/BTCUSDT.csv", rows(3).concat().into_bytes(), Some(1)),
        ("data/5m/BTCUSDT.csv", b"time,open,high,low,close,volume\n".to_vec(), Some(1)),
        ("data/5m/BTCUSDT.csv.gz", b"open_time,open".to_vec(), None),
        ("data/5m/BTCUSDT.csv.gz", gzipped(20_000), Some(7_000)),
        ("data/BTCUSDT.csv", rows(1).concat().into_bytes(), Some(1)),
    ] {
        let place = Place::with("");
        place.put(name, &bytes);
        let audit = looked_at(&place);
        let faults: Vec<&Finding> = audit.findings.iter().filter(|finding| finding.kind == Kind::Unreadable).collect();
        assert_eq!((faults.len(), audit.ok), (1, false), "{name}: {:#?}", audit.findings);
        let told = faults[0].line;
        assert!(
            told == line || line.is_some_and(|least| told.is_some_and(|told| least > 1 && told >= least)),
            "{name}: {told:?}"
        );
        assert!(backtest_refuses(&place).is_some(), "{name}");
    }
}

/// A gzip'd file that ends too early.
fn gzipped(count: i64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(HEADER.as_bytes()).unwrap();
    encoder.write_all(rows(count).concat().as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    whole[..whole.len() / 2].to_vec()
}

#[test]
fn files_of_a_folder_that_overlap_are_an_error() {
    let place = Place::with("");
    let rows = rows(100);
    place.put("data/5m/BTCUSDT_a.csv", format!("{HEADER}{}", rows[..60].concat()));
    place.put("data/5m/BTCUSDT_b.csv", format!("{HEADER}{}", rows[59..].concat()));
    let audit = looked_at(&place);
    assert_eq!(found(&audit, Kind::Overlap), [(Error, None, 1)]);
    assert!(backtest_refuses(&place).is_some_and(|error| error.contains("overlaps")));
    place.put("data/5m/BTCUSDT_b.csv", format!("{HEADER}{}", rows[60..].concat()));
    assert!(looked_at(&place).findings.is_empty());
}

#[test]
fn candles_missing_between_two_files_are_a_gap() {
    let place = Place::with("");
    let rows = rows(100);
    place.put("data/5m/BTCUSDT_b.csv", format!("{HEADER}{}", rows[..40].concat()));
    place.put("data/5m/BTCUSDT_a.csv", format!("{HEADER}{}", rows[47..].concat()));
    let audit = looked_at(&place);
    assert_eq!(found(&audit, Kind::Gap), [(Warning, None, 7)]);
    let gap = &audit.findings[0];
    assert_eq!((gap.from, gap.to), (Some(Time(START + 40 * M5)), Some(Time(START + 47 * M5))));
    assert!(
        gap.file.as_ref().is_some_and(|file| file.ends_with("BTCUSDT_a.csv")) && gap.what.contains("BTCUSDT_b.csv")
    );
    assert!(audit.ok && backtest_refuses(&place).is_none());
}

/// Candles of 15m out of those of `rows`, as `open_time,open,high,low,close,volume`.
fn added_up(rows: &[String]) -> Vec<String> {
    let numbers = |row: &String| row.trim().split(',').map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<_>>();
    rows.chunks(3)
        .map(|group| {
            let group: Vec<Vec<f64>> = group.iter().map(numbers).collect();
            let high = group.iter().map(|row| row[2]).fold(f64::MIN, f64::max);
            let low = group.iter().map(|row| row[3]).fold(f64::MAX, f64::min);
            let volume: f64 = group.iter().map(|row| row[5]).sum();
            format!("{},{:.2},{high:.2},{low:.2},{:.2},{volume}\n", group[0][0], group[0][1], group[2][4])
        })
        .collect()
}

#[test]
fn an_interval_that_another_does_not_add_up_to_is_told() {
    let (fine, mut coarse) = (rows(300), added_up(&rows(300)));
    let place = place_of(&fine);
    place.put("data/15m/BTCUSDT.csv", format!("{HEADER}{}", coarse.concat()));
    let audit = looked_at(&place);
    assert!(audit.findings.is_empty(), "{:#?}", audit.findings);
    assert_eq!((audit.intervals.len(), audit.intervals[0].compared, audit.intervals[0].differing), (1, 100, 0));
    coarse[7] = coarse[7].replace(",15\n", ",15.1\n");
    coarse[9] = format!("{},100.02,100.07,99.98,100.03,15\n", START + 27 * M5);
    place.put("data/15m/BTCUSDT.csv", format!("{HEADER}{}", coarse.concat()));
    let audit = looked_at(&place);
    let pair = &audit.intervals[0];
    assert_eq!((pair.differing, pair.volume, pair.open, pair.high, pair.low, pair.close), (2, 1, 1, 1, 1, 1));
    let finding = &audit.findings[0];
    assert_eq!((finding.kind, finding.severity, finding.count), (Kind::Intervals, Warning, 2));
    assert_eq!(finding.from, Some(Time(START + 21 * M5)));
    assert!(audit.ok);
}

#[test]
fn venues_are_compared_and_told_where_they_part() {
    let place = Place::with("");
    let one = rows(300);
    let mut other = one.clone();
    other.remove(70);
    place.put("data/one/5m/BTCUSDT.csv", format!("{HEADER}{}", one.concat()));
    place.put("data/two/5m/BTCUSDT.csv", format!("{HEADER}{}", other.concat()));
    let audit = looked_at(&place);
    let pair = &audit.venues[0];
    assert_eq!((pair.compared, pair.missing_in_one, pair.missing_in_other), (299, 0, 1));
    assert_eq!((pair.median, pair.max), (0.0, 0.0));
    assert!(found(&audit, Kind::Venues).is_empty());
    other[99] = row(100, 100.0, 103.0, 5.0);
    place.put("data/two/5m/BTCUSDT.csv", format!("{HEADER}{}", other.concat()));
    let audit = looked_at(&place);
    assert_eq!(found(&audit, Kind::Venues).len(), 1);
    assert_eq!(audit.venues[0].max_at, Some(Time(START + 100 * M5)));
    assert!(!audit.ok && backtest_refuses(&place).is_some(), "both cover the same time: nothing to choose by");
}

/// What the command and a backtest say of two folders with these rows: the exit code, and the last line.
fn check_folders(one: &[String], two: &[String], code: i32, says: &str) -> (Place, String) {
    let place = Place::with("");
    place.put("data/one/5m/BTCUSDT.csv", format!("{HEADER}{}", one.concat()));
    place.put("data/two/5m/BTCUSDT.csv", format!("{HEADER}{}", two.concat()));
    let done = place.run(&["data", "check", "data"]);
    assert_eq!(done.code, Some(code), "{}", done.out);
    assert_eq!(done.out.lines().last(), Some(says), "{}", done.out);
    assert_eq!(backtest_refuses(&place).is_some(), code == 1, "{}", done.out);
    (place, done.out)
}

#[test]
fn what_a_backtest_takes_of_several_folders_is_said_by_its_own_rule() {
    let rows = rows(300);
    let chosen = "a backtest takes these candles, where they lie in several folders as is said above";
    // One after the other, one longer than the other, both as long as each other.
    let (_, joined) = check_folders(&rows[..100], &rows[100..], 0, chosen);
    assert!(joined.contains("folders") && joined.contains("joined from several folders"), "{joined}");
    let (place, longer) = check_folders(&rows[..250], &rows, 0, chosen);
    assert!(longer.contains("taken from data/two") && longer.contains("left aside: data/one"), "{longer}");
    let audit = looked_at(&place);
    let choice = &audit.choices[0];
    assert!(choice.taken[0].ends_with("two") && choice.aside[0].ends_with("one"), "{choice:?}");
    assert_eq!(found(&audit, Kind::Folders), [(Warning, None, 1)]);
    let (place, equal) = check_folders(&rows, &rows, 1, "a backtest refuses what has errors");
    assert!(equal.contains("overlaps in time with"), "{equal}");
    assert_eq!(found(&looked_at(&place), Kind::Folders), [(Error, None, 1)]);
    assert!(looked_at(&place).choices[0].taken.is_empty());
    // Where two are as long as each other, a third that adds up to them may be longer.
    let place = Place::with("");
    let coarse = added_up(&rows[..150]);
    for folder in ["one", "two"] {
        place.put(&format!("data/{folder}/15m/BTCUSDT.csv"), format!("{HEADER}{}", coarse.concat()));
    }
    assert!(!looked_at(&place).ok);
    place.put("data/three/5m/BTCUSDT.csv", format!("{HEADER}{}", rows.concat()));
    let audit = looked_at(&place);
    assert!(audit.ok, "{:#?}", audit.findings);
    let choice = &audit.choices[0];
    assert_eq!((choice.interval, choice.taken.len(), choice.aside.len()), (Interval::M15, 1, 2), "{choice:?}");
    assert!(choice.taken[0].ends_with("three"));
}

#[test]
fn symbols_that_are_taken_alone_and_refused_together_are_told() {
    let rows = rows(300);
    let (place, _) = check_folders(
        &rows[..250],
        &rows,
        0,
        "a backtest takes these candles, where they lie in several folders as is said above",
    );
    place.put("data/three/5m/ETHUSDT.csv", format!("{HEADER}{}", rows.concat()));
    let audit = looked_at(&place);
    let together = audit.findings.iter().find(|finding| finding.symbol == "BTCUSDT,ETHUSDT").unwrap();
    assert_eq!((together.kind, together.severity), (Kind::Folders, Warning));
    assert!(together.what.contains("BTCUSDT, ETHUSDT together refuses them"), "{}", together.what);
    let query = asterswarm::market::Query {
        dir: place.path("data"),
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        base: Interval::M5,
        from: None,
        to: None,
    };
    assert!(asterswarm::market::load(&query).is_err());
}

#[test]
fn funding_files_that_overlap_are_an_error() {
    let place = place_of(&rows_of_a_day());
    let header = "calc_time,funding_interval_hours,last_funding_rate\n";
    let month = |hours: &[i64]| {
        let row = |hour: &i64| format!("{},8,0.00010000\n", START + hour * 3_600_000 + 3);
        format!("{header}{}", hours.iter().map(row).collect::<String>())
    };
    place.put("data/funding/BTCUSDT-fundingRate-2024-01.csv", month(&[0, 8]));
    place.put("data/funding/BTCUSDT-fundingRate-2024-02.csv", month(&[16, 24]));
    let sound = looked_at(&place);
    assert!(sound.findings.is_empty() && sound.funding.len() == 2, "{:#?}", sound.findings);
    place.put("data/funding/BTCUSDT-fundingRate-2024-02.csv", month(&[8, 16]));
    let audit = looked_at(&place);
    assert_eq!(found(&audit, Kind::Overlap), [(Error, None, 1)]);
    assert!(backtest_refuses(&place).is_some_and(|error| error.contains("overlaps")));
}

#[test]
fn funding_that_is_missing_twice_or_strange_is_told() {
    let hour = 3_600_000;
    let write = |rows: &[(i64, &str)]| {
        let place = place_of(&rows_of_a_day());
        let text: String = rows.iter().map(|(hours, rate)| format!("{},{rate}\n", START + hours * hour + 4)).collect();
        place.put("data/funding/BTCUSDT.csv", format!("funding_time,funding_rate\n{text}"));
        place
    };
    let sound = looked_at(&write(&[(0, "0.0001"), (8, "-0.0002"), (16, "0"), (24, "0.000123456789")]));
    assert!(sound.findings.is_empty(), "{:#?}", sound.findings);
    assert_eq!(sound.funding[0].hours, [8.0]);
    let hole = looked_at(&write(&[(0, "0"), (8, "0"), (16, "0"), (32, "0"), (40, "0.02")]));
    assert_eq!(found(&hole, Kind::FundingTimes), [(Warning, Some(5), 1)]);
    assert_eq!(found(&hole, Kind::FundingRate), [(Warning, Some(6), 1)]);
    assert_eq!((hole.funding[0].missing, hole.ok), (1, true));
    for (rows, kind) in [
        (vec![(0, "0"), (8, "0"), (8, "0"), (16, "0")], Kind::Duplicate),
        (vec![(0, "0"), (16, "0"), (8, "0"), (24, "0")], Kind::OutOfOrder),
        (vec![(0, "0"), (8, "0"), (16, "often"), (24, "0")], Kind::BadRow),
    ] {
        let place = write(&rows);
        let audit = looked_at(&place);
        assert_eq!(found(&audit, kind), [(Error, Some(4), 1)], "{:#?}", audit.findings);
        assert!(!audit.ok && backtest_refuses(&place).is_some(), "{kind:?}");
    }
}

fn rows_of_a_day() -> Vec<String> {
    rows(288)
}

#[test]
fn the_command_ends_with_0_1_or_2() {
    let place = Place::new();
    let document: Value = place.json(&["data", "check", "data", "--json"]);
    assert_eq!((&document["ok"], document["files"].as_array().unwrap().len()), (&Value::Bool(true), 3));
    let one = place.json(&["data", "check", "data", "--symbols", "ETHUSDT", "--interval", "5m", "--json"]);
    assert_eq!(one["files"].as_array().unwrap().len(), 1);
    assert_eq!(one["files"][0]["rows"], CANDLES);

    let rows = candles(1, 0, 50);
    place.put(FILE, candle_text(&rows, |number| !(10..15).contains(&number)).replace("00000,", "00001,"));
    let done = place.run(&["data", "check", "data"]);
    assert_eq!(done.code, Some(1), "{}", done.out);
    assert!(done.out.contains("5m/BTCUSDT.csv:2") && done.out.contains("off the grid"), "{}", done.out);
    let json = place.run(&["data", "check", "data", "--json"]);
    assert_eq!((json.code, &json.json()["ok"]), (Some(1), &Value::Bool(false)));

    for words in [["data", "check", "nowhere"].as_slice(), &["data", "check", "data", "--symbols", "XRPUSDT"]] {
        let done = place.run(words);
        assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{words:?}: {}", done.err);
    }
}

#[test]
fn the_recorded_data_are_as_their_readme_says() {
    let Some(dir) = shared_data("") else { return };
    let audit = audit(&AuditQuery { dir, symbols: vec!["BTCUSDT".to_owned()], interval: None }).unwrap();
    assert!(audit.ok, "{:#?}", audit.findings.iter().filter(|finding| finding.severity == Error).collect::<Vec<_>>());
    let spot: Vec<_> = audit.files.iter().filter(|file| lies_in(&file.file, "binance-spot/1h")).collect();
    assert_eq!(
        spot.iter().map(|file| (file.gaps, file.missing)).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)),
        (27, 122)
    );
    let idle: Vec<String> = audit
        .findings
        .iter()
        .filter(|finding| finding.kind == Kind::ZeroVolume && lies_in(finding.file.as_ref().unwrap(), "binance-um/5m"))
        .map(|finding| finding.from.unwrap().to_string())
        .collect();
    let expected = ["2023-09-12T08:35:00Z", "2024-10-28T16:25:00Z", "2024-10-28T20:00:00Z", "2025-01-29T01:25:00Z"];
    assert_eq!(idle, expected);
    let jumps: Vec<String> = audit
        .findings
        .iter()
        .filter(|finding| finding.kind == Kind::Jump)
        .map(|finding| finding.from.unwrap().to_string())
        .collect();
    assert!(jumps.contains(&"2023-08-17T21:40:00Z".to_owned()), "{jumps:?}");
}

fn lies_in(file: &Path, folder: &str) -> bool {
    file.parent().is_some_and(|parent| parent.ends_with(folder))
}
