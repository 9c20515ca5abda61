//! The two hosts agree: the loop of `swarm backtest` and the actors of `swarm run` come to the same
//! journal and the same report from the same candles, however the actors are spread over threads.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use support::{
    CANDLES, DAY, M5, Place, START, SWARM, SYMBOLS, assert_same, candle_text, candles, shared_data, without_timing,
};

/// Runs the swarm in `place` over `data` in both hosts and gives the report they agree on.
fn check(place: &Place, data: &str, further: &[&str]) -> Value {
    let words =
        |first: &[&str]| -> Vec<String> { first.iter().chain(further).map(|word| (*word).to_owned()).collect() };
    let run = |words: Vec<String>| place.json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let of_loop = run(words(&["backtest", "--data", data, "--json"]));
    let market = format!("replay:{data}");
    let state = format!("state-{}", further.join("").replace('/', ""));
    let of_actors = run(words(&[
        "run",
        "--market",
        &market,
        "--speed",
        "max",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--state",
        &state,
    ]));
    let verified = place.json(&["journal", "verify", &state, "--json"]);
    assert_eq!(verified["fingerprint"], of_loop["fingerprint"], "the journal's own fingerprint");
    assert_eq!(verified["ending"]["kind"], "whole");
    assert_eq!(verified["finished"], true);
    let (of_loop, of_actors) = (without_timing(of_loop), without_timing(of_actors));
    assert_same(&of_actors, &of_loop, "actors against loop");
    of_loop
}

fn trades(report: &Value, cohort: &str) -> u64 {
    report["cohorts"][cohort]["trades"].as_u64().unwrap()
}

#[test]
fn on_whole_data_with_any_number_of_arbiters() {
    let place = Place::new();
    let mut reports = Vec::new();
    for arbiters in [1, 2, 3] {
        place.put("swarm.yaml", format!("{SWARM}actors: {{ arbiters: {arbiters} }}\n"));
        reports.push(check(&place, "data", &[]));
        std::fs::remove_dir_all(place.path("state-")).unwrap();
    }
    assert!(reports.iter().all(|report| *report == reports[0]));
    let report = &reports[0];
    assert!(trades(report, "control") > 50 && trades(report, "expert") > 20, "both cohorts trade");
    assert!(report["portfolios"]["expert"]["rejections"].as_object().is_some_and(|reasons| !reasons.is_empty()));
    assert_eq!(report["market"]["candles"], 3 * CANDLES);
}

/// Entries that rest and follow at the market, a rule made of rules, and one on aggregated slow candles.
#[test]
fn with_maker_entries_a_hybrid_and_a_trend() {
    let maker = "entry: { type: limit, offset_ticks: 300, expire_after: 10m, then: market }";
    let swarm = SWARM
        .replace("use: control, count: 3, set: { rsi_buy: 40", &format!("use: control, count: 3, set: {{ {maker}, rsi_buy: 40"))
        .replace("use: expert, count: 3, set: { min_confidence: 40", &format!("use: expert, count: 3, set: {{ {maker}, min_confidence: 40"))
        .replace(
            "cohorts:\n",
            "  hybrid: { equity: 10000, risk: { max_positions: 3, max_drawdown: 0.5 } }\ncohorts:\n  hybrid:\n    portfolio: hybrid\n    agents:\n      \
             - { use: hybrid, symbols: [BTCUSDT, ETHUSDT], set: { base: { control: { rsi_buy: 40, rsi_sell: 60 } } } }\n      \
             - { use: trend, symbols: [SOLUSDT], set: { timeframe: 30m, look_backs: [3, 6, 9], volatility_window: 12 } }\n",
        )
        .replace("risk: { max_positions: 6 }", "risk: { max_positions: 9 }");
    let place = Place::with(&swarm);
    place.market(7, CANDLES);
    let report = check(&place, "data", &[]);
    assert!(trades(&report, "control") > 50 && trades(&report, "expert") > 20 && trades(&report, "hybrid") > 20);
    let facts = place.run(&["journal", "export", "state-"]).out;
    let at_market = |line: &&str| line.contains("\"purpose\":\"entry\"") && line.contains("\"kind\":\"Market\"");
    let (first, later): (Vec<&str>, Vec<&str>) =
        facts.lines().filter(at_market).partition(|line| line.contains("\"leg\":0}"));
    assert!(first.len() > 20, "the hybrid's go at the market: {}", first.len());
    assert!(later.len() > 20, "what the makers' left follows at the market: {}", later.len());
    assert!(facts.matches("\"maker\":true").count() > 50, "and some fill as makers");
}

/// What cannot be traded at once goes on with the next candle, or is let go.
#[test]
fn with_orders_that_fill_in_parts() {
    let maker = "entry: { type: limit, offset_ticks: 300, expire_after: 30m, then: market }";
    let swarm = SWARM.replace(
        "use: control, count: 3, set: { rsi_buy: 40",
        &format!("use: control, count: 3, set: {{ {maker}, rsi_buy: 40"),
    );
    // About 500 USDT a candle, for positions of 2,000.
    let place = Place::with(&format!("{swarm}venue: {{ participation: 0.00001 }}\n"));
    place.market(7, CANDLES);
    let report = check(&place, "data", &[]);
    assert!(trades(&report, "control") > 20 && trades(&report, "expert") > 10, "both cohorts trade");
    let facts = place.run(&["journal", "export", "state-"]).out;
    let parts = |purpose: &str| {
        let rest =
            |line: &&str| line.contains("\"leaves\"") && !line.contains("\"leaves\":\"0\"") && line.contains(purpose);
        facts.lines().filter(rest).count()
    };
    assert!(parts("\"maker\":true") > 20, "entries that rest fill in parts: {}", parts("\"maker\":true"));
    assert!(parts("\"maker\":false") > 20, "exits and entries at the market do: {}", parts("\"maker\":false"));
}

/// What one account's fills and marks trip closes the positions of the others, each at its own account.
#[test]
fn with_a_breaker_of_the_whole_swarm_that_closes_positions_everywhere() {
    let swarm = SWARM
        .replace("risk: { max_positions: 6 }", "risk: { max_positions: 6, max_drawdown: 0.02 }")
        .replace("equity: 10000, risk: {", "equity: 10000, risk: { on_trip: flatten, breaker_samples: 1,");
    assert_eq!(swarm.matches("on_trip: flatten").count(), 2, "{swarm}");
    let place = Place::with(&swarm);
    place.market(7, CANDLES);
    check(&place, "data", &[]);
    let facts = place.run(&["journal", "export", "state-"]).out;
    let closed = |portfolio: &str| {
        let (purpose, account) = ("\"purpose\":\"flatten\"", format!("\"portfolio\":\"{portfolio}\""));
        facts.lines().filter(|line| line.contains(purpose) && line.contains(&account)).count()
    };
    assert!(closed("control") > 0 && closed("expert") > 0, "both are closed by the one trip");
}

#[test]
fn on_a_part_of_the_data() {
    let place = Place::new();
    let whole = check(&place, "data", &[]);
    let parts = [
        vec!["--from", "2024-01-02"],
        vec!["--to", "2024-01-03T12:00"],
        vec!["--from", "2024-01-02T00:05:00Z", "--to", "2024-01-04"],
    ];
    let mut fingerprints = vec![whole["fingerprint"].clone()];
    for part in &parts {
        let report = check(&place, "data", part);
        assert!(trades(&report, "control") > 10, "{part:?}");
        assert!(!fingerprints.contains(&report["fingerprint"]), "{part:?} is another run");
        fingerprints.push(report["fingerprint"].clone());
    }
}

#[test]
fn with_funding() {
    let place = Place::new();
    let without = check(&place, "data", &["--to", "2024-01-04"]);
    for (index, symbol) in SYMBOLS.iter().enumerate() {
        let payments = (0..12).map(|number| {
            // Stamped some milliseconds late, as venues do.
            let at = START + number * DAY / 3 + 7;
            format!("{at},{}0.000{}\n", if number % 2 == 0 { "" } else { "-" }, index + 1)
        });
        let text = format!("funding_time,funding_rate\n{}", payments.collect::<String>());
        place.put(&format!("data/funding/{symbol}.csv"), text);
    }
    std::fs::remove_dir_all(place.path("state---to2024-01-04")).unwrap();
    let with = check(&place, "data", &["--to", "2024-01-04"]);
    assert_ne!(with["fingerprint"], without["fingerprint"]);
    assert_eq!(without["cohorts"]["control"]["funding"], "0");
    assert_ne!(with["cohorts"]["control"]["funding"], "0");
}

#[test]
fn with_gaps() {
    let place = Place::new();
    let holes = [vec![], vec![400..402, 700..760], vec![410..411, 700..720, 1_100..1_140]];
    for (index, symbol) in SYMBOLS.iter().enumerate() {
        let rows = candles(7, index, CANDLES);
        let text = candle_text(&rows, |row| !holes[index].iter().any(|hole| hole.contains(&row)));
        place.put(&format!("data/5m/{symbol}.csv"), text);
    }
    for policy in ["reset", "carry"] {
        place.put("swarm.yaml", SWARM.replace("market: {", &format!("market: {{ gaps: {policy},")));
        let report = check(&place, "data", &[]);
        assert_eq!(report["market"]["gaps"], 62 + 61);
        std::fs::remove_dir_all(place.path("state-")).unwrap();
    }
}

#[test]
fn with_a_hole_in_all_symbols_at_once() {
    let place = Place::new();
    for (index, symbol) in SYMBOLS.iter().enumerate() {
        let rows = candles(7, index, CANDLES);
        place.put(&format!("data/5m/{symbol}.csv"), candle_text(&rows, |row| !(600..650).contains(&row)));
    }
    let report = check(&place, "data", &[]);
    assert_eq!(report["market"]["gaps"], 3 * 50);
    assert_eq!(report["market"]["candles"], 3 * (CANDLES - 50));
    assert_eq!(CANDLES * M5 / DAY, 5, "the run covers days");
}

#[test]
fn on_recorded_markets() {
    let Some(data) = shared_data("klines/bybit-linear") else { return };
    let place = Place::with(&SWARM.replace(", SOLUSDT", "").replace("count: 3", "count: 2"));
    let report = check(&place, data.to_str().unwrap(), &["--from", "2025-02-01", "--to", "2025-02-08"]);
    assert_eq!(report["market"]["candles"], 2 * 7 * 288);
    assert!(trades(&report, "control") > 0);
}
