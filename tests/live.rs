//! A swarm on a live market: `swarm run --market aster` against `swarm venue`, whose time the tests move by hand. What
//! the streams lose comes back by REST, and what comes too late is not traded on.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use support::{HandVenue, Place, Running, http, until};

/// Wants to be long all the time.
const SWARM: &str = "\
version: 1
name: live
market: { source: synthetic, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }
portfolios: { paper: { equity: 10000, risk: { max_positions: 2 } } }
cohorts:
  eager:
    portfolio: paper
    agents: [{ use: control, count: 2, set: { rsi_buy: 90, rsi_sell: 95, base_notional: 1000 } }]
";

const RUN: [&str; 8] = ["run", "--market", "aster", "--listen", "127.0.0.1:0", "--state", "state", "--json"];

/// A venue whose time stands still until it is moved.
struct Venue {
    place: Place,
    hand: HandVenue,
}

impl Venue {
    fn new() -> Self {
        let place = Place::with(SWARM);
        let hand = HandVenue::start(&place);
        place.put("swarm.yaml", format!("{SWARM}venue: {{ {} }}\n", hand.hosts()));
        Self { place, hand }
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        self.hand.control(method, path, body)
    }

    /// Lets so many candles close.
    fn candles(&self, count: i64) {
        for _ in 0..count {
            self.hand.candle();
        }
    }

    fn swarm(&self) -> Running {
        let swarm = self.place.start(&RUN);
        until("the streams", || {
            let (_, state) = http(self.hand.address, "/control/state").ok()?;
            let state: Value = serde_json::from_str(&state).unwrap();
            (state["connections"].as_u64().unwrap() > 0).then_some(())
        });
        swarm
    }
}

fn steps(status: &Value) -> u64 {
    status["steps"].as_u64().unwrap()
}

/// The value of a series of the metrics page whose labels hold this text; 0 when there is none.
fn metric(swarm: &Running, name: &str, label: &str) -> f64 {
    let page = swarm.text("/metrics");
    let line = page.lines().find(|line| line.starts_with(name) && line.contains(label));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn fate(swarm: &Running, fate: &str) -> f64 {
    metric(swarm, "swarm_feed_candles_total", &format!("fate=\"{fate}\""))
}

fn wait_for_steps(swarm: &Running, count: u64) -> Value {
    swarm.until(&format!("step {count}"), |status| steps(status) >= count)
}

#[test]
fn the_swarm_is_warm_at_once_and_trades_each_candle_as_it_closes() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    let status = swarm.status();
    assert_eq!((status["phase"].as_str(), status["mode"].as_str()), (Some("running"), Some("paper")));
    assert!(status["market"].as_str().unwrap().starts_with("aster at http://127.0.0.1:"), "{status}");
    venue.candles(1);
    wait_for_steps(&swarm, 1);
    venue.candles(1);
    let status = swarm.until("a position on paper", |status| !status["positions"].as_array().unwrap().is_empty());
    assert!(status["positions"][0]["stop_price"].is_string(), "it is protected: {status}");
    assert!(metric(&swarm, "swarm_feed_lag_seconds", "BTCUSDT") < 60.0);
    // An operator is served while nothing happens on the market.
    let stopped =
        venue.place.json(&["agent", "stop", "eager-btcusdt", "--api", &swarm.api(), "--state", "state", "--json"]);
    assert_eq!(stopped["state"], "stopped");
}

#[test]
fn candles_that_closed_while_the_streams_were_down_are_fetched() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    venue.candles(1);
    wait_for_steps(&swarm, 1);
    venue.control("POST", "disconnect", "");
    venue.candles(3);
    wait_for_steps(&swarm, 4);
    assert!(fate(&swarm, "filled") > 0.0);
    assert!(metric(&swarm, "swarm_feed_reconnects_total", "") >= 1.0);
    venue.candles(1);
    wait_for_steps(&swarm, 5);
    assert_eq!((fate(&swarm, "missing"), fate(&swarm, "late"), fate(&swarm, "differs")), (0.0, 0.0, 0.0));
}

#[test]
fn a_candle_that_a_frozen_stream_kept_is_fetched() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    venue.candles(1);
    wait_for_steps(&swarm, 1);
    let filled = fate(&swarm, "filled");
    venue.control("POST", "faults", r#"[{"kind":"freeze_streams","only":"btcusdt@kline"}]"#);
    venue.candles(1);
    wait_for_steps(&swarm, 2);
    assert_eq!((fate(&swarm, "filled") - filled, fate(&swarm, "missing")), (1.0, 0.0));
    // All of them, and then one candle that arrives: the one before it is asked for.
    venue.control("POST", "faults", r#"[{"kind":"freeze_streams"}]"#);
    venue.candles(1);
    venue.control("DELETE", "faults", "");
    venue.candles(1);
    wait_for_steps(&swarm, 4);
    assert_eq!(fate(&swarm, "missing"), 0.0);
}

#[test]
fn nothing_is_entered_on_candles_that_came_too_late() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    venue.control("POST", "faults", r#"[{"kind":"freeze_streams"},{"kind":"unavailable_before","only":"klines"}]"#);
    venue.candles(6);
    venue.control("DELETE", "faults", "");
    venue.candles(1);
    wait_for_steps(&swarm, 7);
    let refused = metric(&swarm, "swarm_refusals_total", "reason=\"stale_data\"");
    assert!((2.0..14.0).contains(&refused), "{refused}: late candles are refused, fresh ones are not");
    venue.candles(1);
    swarm.until("an entry on a fresh candle", |status| !status["positions"].as_array().unwrap().is_empty());
}

/// Start and four prices of each candle.
type Prices = Vec<(i64, [f64; 4])>;

#[test]
fn whatever_streams_do_every_candle_of_the_venue_is_played_once_and_as_it_was() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    let faults = r#"[{"kind":"lose_frames","share":0.2},{"kind":"duplicate_frames","share":0.2},
        {"kind":"reorder_frames","share":0.2},{"kind":"disconnect","share":0.001,"times":2},
        {"kind":"unavailable_before","share":0.3,"only":"klines"}]"#;
    venue.control("POST", "faults", faults);
    venue.candles(25);
    venue.control("DELETE", "faults", "");
    venue.candles(1);
    wait_for_steps(&swarm, 26);
    assert_eq!((fate(&swarm, "missing"), fate(&swarm, "differs")), (0.0, 0.0));
    swarm.process.signal("INT");
    assert_eq!(swarm.process.end().code, Some(0));
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let journal = venue.place.run(&["journal", "export", "state"]).out;
    let facts: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        let of_symbol = facts.iter().filter(|fact| fact["type"] == "candle" && fact["symbol"] == symbol);
        let played = of_symbol.map(|fact| {
            let prices = ["open", "high", "low", "close"].map(|key| number(&fact["candle"][key]));
            (fact["candle"]["open_time"].as_i64().unwrap(), prices)
        });
        let played: Prices = played.collect();
        let (_, body) =
            http(venue.hand.address, &format!("/fapi/v1/klines?symbol={symbol}&interval=5m&limit=100")).unwrap();
        let rows: Vec<Value> = serde_json::from_str(&body).unwrap();
        let rows = rows.iter().map(|row| (row[0].as_i64().unwrap(), [1, 2, 3, 4].map(|place| number(&row[place]))));
        let first = played[0].0;
        let there: Prices = rows.filter(|row| row.0 >= first).take(26).collect();
        assert_eq!(played, there, "{symbol}");
    }
}

#[test]
fn a_swarm_that_was_away_plays_what_it_missed_and_goes_on() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    venue.candles(2);
    wait_for_steps(&swarm, 2);
    swarm.process.signal("INT");
    assert_eq!(swarm.process.end().code, Some(0));
    venue.candles(30);
    let swarm = venue.swarm();
    let status = wait_for_steps(&swarm, 32);
    assert_eq!(status["phase"], "running");
    assert_eq!(status["agents"][0]["decisions"], 32, "{status}");
    venue.candles(1);
    wait_for_steps(&swarm, 33);
    assert_eq!(fate(&swarm, "missing"), 0.0);
}

#[test]
fn a_market_that_cannot_be_reached_or_does_not_fit_is_told_at_once() {
    let place = Place::with(SWARM);
    let with = |venue: &str, words: &[&str]| {
        place.put("swarm.yaml", format!("{SWARM}venue: {{ {venue} }}\n"));
        place.run(&[&RUN[..], words].concat())
    };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let hosts = format!("rest_url: \"http://127.0.0.1:{port}\", stream_url: \"ws://127.0.0.1:{port}\"");
    let done = with(&hosts, &[]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.json()["error"]["message"].as_str().unwrap().contains("cannot be reached"), "{}", done.out);
    assert!(!place.path("state").exists(), "nothing was begun");
    for (venue, words, says) in [
        ("rest_url: \"http://127.0.0.1:1\"", &[][..], "needs `stream_url`"),
        ("rest_url: \"http://example.com\", stream_url: \"ws://example.com\"", &[], "not encrypted"),
        (&hosts, &["--speed", "60"], "--speed"),
        (&hosts, &["--from", "2024-01-01"], "--from"),
    ] {
        let done = with(venue, words);
        assert_eq!(done.code, Some(2), "{venue} {words:?}: {}", done.err);
        assert!((done.out.clone() + &done.err).contains(says), "{venue}: {}{}", done.out, done.err);
    }
    let venue = Venue::new();
    let text = std::fs::read_to_string(venue.place.path("swarm.yaml")).unwrap();
    venue.place.put("swarm.yaml", text.replace("[BTCUSDT, ETHUSDT]", "[BTCUSDT, SOLUSDT]"));
    let done = venue.place.run(&RUN);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.out.contains("SOLUSDT (it is not listed)"), "{}", done.out);
}
