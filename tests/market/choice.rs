//! Which files are taken where several folders hold the same symbols, and whose funding.

use crate::files::{DAY, FUNDING_HEADER, Files, M1, M5, START, at, places};
use asterswarm::market::{Query, load};

const DAY_CANDLES: i64 = DAY / M5;

fn funding(rate: &str) -> String {
    format!("{FUNDING_HEADER}{START},{rate},\n")
}

#[test]
fn the_venue_with_the_longest_common_time_is_taken_and_said() {
    let files = Files::new();
    files.candles("klines/small/5m/BTCUSDT_a.csv", M5, 0..100).candles("klines/small/5m/ETHUSDT_a.csv", M5, 0..100);
    // Longer for one symbol, but not for both together.
    files.candles("klines/big/5m/BTCUSDT_a.csv", M5, 0..500).candles("klines/big/5m/ETHUSDT_a.csv", M5, 300..500);
    files.candles("klines/half/5m/BTCUSDT_a.csv", M5, 0..900);
    files.put("funding/small/BTCUSDT_a.csv", funding("0.5")).put("funding/half/BTCUSDT_a.csv", funding("0.25"));
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert_eq!((loaded.from, loaded.to), (at(300 * M5), at(500 * M5)));
    assert!(loaded.sources.iter().all(|source| source.starts_with(files.path("klines/big"))));
    let warning = &loaded.warnings[0];
    for said in ["are taken from", "klines/big", "left aside", "klines/half", "klines/small"] {
        assert!(warning.contains(said), "{warning}");
    }
    assert!(loaded.funding[0].is_empty(), "funding of another venue is not taken");
    assert!(loaded.warnings.iter().any(|warning| warning.contains("not for the venue of the candles, big")));

    let early = Query { to: Some(at(50 * M5)), ..files.query(&["BTCUSDT", "ETHUSDT"]) };
    let loaded = load(&early).unwrap();
    assert!(loaded.sources.iter().all(|source| source.starts_with(files.path("klines/small"))), "inside of the bounds");
    assert_eq!(loaded.funding[0][0].1, "0.5".parse().unwrap(), "funding of the venue of the same name");
}

#[test]
fn venues_that_are_equally_long_are_refused_by_name() {
    let files = Files::new();
    files.candles("a/5m/BTCUSDT_x.csv", M5, 0..10).candles("b/5m/BTCUSDT_x.csv", M5, 0..10);
    let error = files.load(&["BTCUSDT"]).unwrap_err().to_string();
    assert!(error.contains("a/5m/BTCUSDT_x.csv") && error.contains("b/5m/BTCUSDT_x.csv"), "{error}");
}

#[test]
fn no_venue_with_all_symbols_and_an_overlap_is_refused_by_name() {
    let files = Files::new();
    files.candles("a/5m/BTCUSDT_x.csv", M5, 0..10).candles("b/5m/BTCUSDT_x.csv", M5, 5..20);
    files.candles("c/5m/ETHUSDT_x.csv", M5, 0..20);
    let error = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap_err();
    assert_eq!(error.file, Some(files.path("b/5m/BTCUSDT_x.csv")));
    assert!(error.what.contains("a/5m/BTCUSDT_x.csv"), "{error}");
    let bounded = Query { from: Some(at(30 * M5)), ..files.query(&["BTCUSDT"]) };
    let error = load(&bounded).unwrap_err();
    assert!(error.what.contains("no folder has all symbols in the time asked for"), "{error}");
}

#[test]
fn folders_that_follow_each_other_in_time_are_parts_of_one_series() {
    let files = Files::new();
    files.candles("2023/5m/BTCUSDT.csv", M5, 0..100).candles("2024/5m/BTCUSDT.csv", M5, 100..150);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(places(&loaded, 0, M5), (0..150).collect::<Vec<_>>());
    assert!(loaded.warnings[0].contains("joined from several folders"));
}

#[test]
fn folders_far_apart_in_time_are_venues_of_their_own() {
    let files = Files::new();
    files.candles("a/5m/BTCUSDT.csv", M5, 0..100).candles("b/5m/BTCUSDT.csv", M5, 100 + 2 * DAY_CANDLES..5_000);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(loaded.sources, [files.path("b/5m/BTCUSDT.csv")]);
    assert!(loaded.warnings[0].contains("left aside"));
}

#[test]
fn the_base_interval_comes_before_one_that_adds_up_to_it() {
    let files = Files::new();
    files.candles("a/5m/BTCUSDT.csv", M5, 0..10).candles("b/1m/BTCUSDT.csv", M1, 0..1_000);
    files.candles("a/1h/BTCUSDT.csv", 12 * M5, 0..10);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(loaded.sources, [files.path("a/5m/BTCUSDT.csv")]);
    // One interval for all symbols, where there is one.
    files.candles("b/1m/ETHUSDT.csv", M1, 0..1_000);
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert!(loaded.sources.iter().all(|source| source.starts_with(files.path("b/1m"))), "{:?}", loaded.sources);
}

#[test]
fn candles_that_are_missing_are_named_with_what_exists() {
    let files = Files::new();
    files.candles("a/15m/BTCUSDT_x.csv", 3 * M5, 0..10).candles("a/1h/BTCUSDT_x.csv", 12 * M5, 0..10);
    let error = files.load(&["BTCUSDT"]).unwrap_err();
    assert!(error.what.contains("only 15m, 1h"), "{error}");
    let error = files.load(&["ETHUSDT"]).unwrap_err();
    assert!(error.what.contains("holds no candles of ETHUSDT") && error.help.contains("5m/ETHUSDT_*.csv"), "{error}");
}

#[test]
fn funding_directly_in_its_folder_serves_any_venue() {
    let files = Files::new();
    files.candles("venue/5m/BTCUSDT.csv", M5, 0..10).put("funding/BTCUSDT.csv", funding("0.5"));
    assert_eq!(files.load(&["BTCUSDT"]).unwrap().funding[0].len(), 1);
    files.put("funding/venue/BTCUSDT_x.csv", funding("0.25"));
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(loaded.funding[0][0].1, "0.25".parse().unwrap(), "the venue's own comes first");
    assert_eq!(loaded.funding_sources, [files.path("funding/venue/BTCUSDT_x.csv")]);
}
