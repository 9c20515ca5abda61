//! Recorded data that a backtest cannot use as asked, or not all of it: what is said, and where.

use crate::support::{M5, Place, START, SWARM, candle_text, candles};

/// Runs a backtest: its exit code, and words that must be on stderr.
fn check(place: &Place, words: &[&str], code: i32, says: &[&str]) -> String {
    let done = place.run(&[&["backtest", "--data", "data", "--json"], words].concat());
    assert_eq!(done.code, Some(code), "{words:?}: {}", done.err);
    for word in says {
        assert!(done.err.contains(word), "{words:?}: `{word}` is not in: {}", done.err);
    }
    done.json();
    done.err
}

fn with(count: i64) -> Place {
    let place = Place::with(SWARM);
    place.market(7, count);
    place
}

#[test]
fn a_symbol_without_data_is_named_where_the_swarm_file_asks_for_it() {
    let place = with(600);
    std::fs::remove_file(place.path("data/5m/ETHUSDT.csv")).unwrap();
    let place_of =
        ["swarm.yaml:3:49: market.symbols[1]: data: holds no candles of ETHUSDT", "expected 5m/ETHUSDT_*.csv"];
    check(&place, &[], 2, &place_of);
    place.put("data/1h/ETHUSDT.csv", format!("{}{START},1,1,1,1,1\n", crate::support::HEADER));
    check(&place, &[], 2, &["swarm.yaml:3:49:", "holds no 5m candles of ETHUSDT", "only 1h"]);
}

#[test]
fn funding_without_candles_is_said() {
    let place = with(600);
    std::fs::remove_file(place.path("data/5m/SOLUSDT.csv")).unwrap();
    place.put("data/funding/SOLUSDT.csv", format!("funding_time,funding_rate\n{START},0.0001\n"));
    check(&place, &[], 2, &["swarm.yaml:3:58:", "no candles of SOLUSDT, though its funding is there", "SOLUSDT.csv"]);
}

fn fund(place: &Place, symbol: &str, first: i64, last: i64) {
    let rows: String = (first..=last).map(|hour| format!("{},0.0001\n", START + hour * 12 * M5)).collect();
    place.put(&format!("data/funding/{symbol}.csv"), format!("funding_time,funding_rate\n{rows}"));
}

#[test]
fn funding_that_does_not_cover_the_run_is_said() {
    let place = with(1_200);
    fund(&place, "BTCUSDT", 0, 100);
    fund(&place, "ETHUSDT", 24, 48);
    fund(&place, "SOLUSDT", 200, 300);
    let err = check(
        &place,
        &[],
        0,
        &[
            "ETHUSDT: funding is recorded from 2024-01-02T00:00:00Z to 2024-01-03T00:00:00Z; outside of that none",
            "SOLUSDT: funding is recorded from 2024-01-09T08:00:00Z to 2024-01-13T12:00:00Z, which is beside the run's",
        ],
    );
    assert!(!err.contains("BTCUSDT: funding"), "{err}");
    check(&place, &["--from", "2024-01-02", "--to", "2024-01-03T12:00"], 0, &["ETHUSDT: funding is recorded until"]);
    check(
        &place,
        &["--from", "2024-01-01T06:00", "--to", "2024-01-03"],
        0,
        &["ETHUSDT: funding is recorded from 2024-01-02T00:00:00Z on"],
    );
}

#[test]
fn holes_in_the_funding_are_said() {
    let place = with(1_200);
    let pay = |hours: &[i64]| {
        let rows: String = hours.iter().map(|hour| format!("{},0.0001\n", START + hour * 12 * M5)).collect();
        place.put("data/funding/BTCUSDT.csv", format!("funding_time,funding_rate\n{rows}"));
    };
    pay(&[0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96]);
    assert!(!check(&place, &[], 0, &[]).contains("hole(s) in the recorded funding"));
    pay(&[0, 8, 24, 32, 40, 48, 56, 64, 72, 88, 96]);
    let said =
        "BTCUSDT: 2 hole(s) in the recorded funding, the first between 2024-01-01T08:00:00Z and 2024-01-02T00:00:00Z";
    check(&place, &[], 0, &[said]);
    assert!(!check(&place, &["--from", "2024-01-02", "--to", "2024-01-03"], 0, &[]).contains("hole(s)"));
}

#[test]
fn data_shorter_than_the_warm_up_is_said_with_what_is_missing() {
    let err = check(
        &with(200),
        &[],
        0,
        &["BTCUSDT: 200 candles of 5m are there", "fewer than the", "candles of 1h missing", "HOLD"],
    );
    // The hour's candles are the ones that are missing most.
    let missing = |err: &str, interval: &str| -> usize {
        let end = err.find(&format!(" candles of {interval} missing")).unwrap_or_else(|| panic!("{err}"));
        err[..end].rsplit([' ', '(']).next().unwrap().parse().unwrap()
    };
    let hours = missing(&err, "1h");
    let err = check(&with(200 - 24), &[], 0, &[]);
    assert_eq!(missing(&err, "1h"), hours + 2, "two hours less");
    let err = check(&with(1_500), &[], 0, &[]);
    assert!(!err.contains("fewer than the"), "{err}");
}

#[test]
fn a_time_without_candles_is_refused_with_the_time_they_cover() {
    let place = with(600);
    let covers = "BTCUSDT from 2024-01-01T00:00:00Z to 2024-01-03T02:00:00Z";
    for range in [["--from", "2030-01-01"], ["--to", "2024-01-01"], ["--to", "2020-01-01"]] {
        check(&place, &range, 2, &[covers, range[1], "change --from and --to"]);
    }
    check(&place, &["--from", "2024-01-02", "--to", "2024-01-02"], 2, &["is not before --to"]);
    check(&place, &["--from", "2024-01-02", "--to", "2024-01-01"], 2, &["is not before --to"]);
    for (index, symbol) in crate::support::SYMBOLS.iter().enumerate() {
        let hole = |row: usize| !(100..200).contains(&row);
        place.put(&format!("data/5m/{symbol}.csv"), candle_text(&candles(7, index, 600), hole));
    }
    check(&place, &["--from", "2024-01-01T09:00", "--to", "2024-01-01T15:00"], 2, &[covers]);
}

#[test]
fn from_and_to_cut_the_run_as_asked() {
    let place = with(1_200);
    let report = |words: &[&str]| place.json(&[&["backtest", "--data", "data", "--json"], words].concat());
    let whole = report(&[]);
    assert_eq!((&whole["from"], &whole["to"]), (&"2024-01-01T00:00:00Z".into(), &"2024-01-05T04:00:00Z".into()));
    let part = report(&["--from", "2024-01-02", "--to", "2024-01-03T00:10:00Z"]);
    assert_eq!((&part["from"], &part["to"]), (&"2024-01-02T00:00:00Z".into(), &"2024-01-03T00:10:00Z".into()));
    assert_eq!(part["market"]["candles"], 3 * (288 + 2));
    // Times inside of a candle: only candles that open within the bounds.
    let part = report(&["--from", "2024-01-02T00:01", "--to", "2024-01-02T00:11"]);
    assert_eq!((&part["from"], &part["market"]["candles"]), (&"2024-01-02T00:05:00Z".into(), &6.into()));
    let one = report(&["--from", "2024-01-02", "--to", "2024-01-02T00:05"]);
    assert_eq!(one["market"]["candles"], 3);
}
