//! A swarm with real orders: `swarm run --live` against `swarm venue`. What it holds is what the venue holds, after a
//! kill as well, and an order whose answer is lost is one order.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use support::{M5, Place, Process, Running, until};

/// Wants to be long all the time.
const SWARM: &str = "\
version: 1
name: real
mode: live
market: { source: aster, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }
portfolios: { main: { equity: 10000, account: first, risk: { max_positions: 2 } } }
cohorts:
  eager:
    portfolio: main
    agents: [{ use: control, count: 2, set: { rsi_buy: 90, rsi_sell: 95, base_notional: 1000 } }]
";

const RUN: [&str; 8] = ["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state", "--json"];
/// Of the venue's first account.
const KEY: (&str, &str) = ("FIRST_PRIVATE_KEY", "0x0101010101010101010101010101010101010101010101010101010101010101");

struct Venue {
    place: Place,
    address: SocketAddr,
    _process: Process,
}

impl Venue {
    fn new() -> Self {
        let place = Place::with(SWARM);
        let words = ["--listen", "127.0.0.1:0", "--symbols", "BTCUSDT,ETHUSDT", "--interval", "5m", "--speed", "hand"];
        let process = place.launch(&[&["venue"], &words[..]].concat());
        let address = until("the venue", || {
            let said = process.said();
            let rest = said.split("venue  http://").nth(1)?;
            rest.split_whitespace().next().filter(|_| rest.contains('\n'))?.parse().ok()
        });
        let hosts = format!("rest_url: \"http://{address}\", stream_url: \"ws://{address}\"");
        place.put("swarm.yaml", format!("{SWARM}venue: {{ kind: aster, {hosts} }}\n"));
        Self { place, address, _process: process }
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = body.len();
        write!(stream, "{method} /control/{path} HTTP/1.0\r\nHost: venue\r\nContent-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {text}");
        serde_json::from_str(body).unwrap()
    }

    /// Lets a candle close.
    fn candle(&self) {
        self.control("POST", "step", &format!("{{\"ms\":{M5}}}"));
    }

    /// The first account: positions, open orders, wallet.
    fn account(&self) -> (u64, u64, String) {
        let state = self.control("GET", "state", "");
        let account = &state["accounts"][0];
        let wallet = account["wallet"].as_str().unwrap().to_owned();
        (account["positions"].as_u64().unwrap(), account["openOrders"].as_u64().unwrap(), wallet)
    }

    /// A swarm whose entries are free.
    fn swarm(&self) -> Running {
        let swarm = self.place.start_with(&RUN, &[KEY]);
        swarm.until("the account to be reconciled", |status| status["portfolios"][0]["entries_gated"] == false);
        swarm
    }

    /// A swarm that holds both symbols.
    fn holding(&self) -> Running {
        let swarm = self.swarm();
        self.candle();
        self.candle();
        self.wait_for_positions(&swarm, 2);
        swarm
    }

    fn wait_for_positions(&self, swarm: &Running, count: usize) -> Value {
        let status = swarm.until(&format!("{count} protected positions"), |status| {
            let positions = status["positions"].as_array().unwrap();
            positions.len() == count && positions.iter().all(|one| one["stop_price"].is_string())
        });
        until("the same at the venue", || (self.account().0 == count as u64).then_some(()));
        status
    }
}

fn metric(swarm: &Running, name: &str, label: &str) -> f64 {
    let page = swarm.text("/metrics");
    let line = page.lines().find(|line| line.starts_with(name) && line.contains(label));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn differences(swarm: &Running) -> f64 {
    let page = swarm.text("/metrics");
    let lines = page.lines().filter(|line| line.starts_with("swarm_reconcile_differences_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn orders_are_filled_protected_and_closed_at_the_venue() {
    let venue = Venue::new();
    let swarm = venue.holding();
    let status = swarm.status();
    assert_eq!(
        (status["mode"].as_str(), status["portfolios"][0]["entries_gated"].as_bool()),
        (Some("live"), Some(false))
    );
    until("stops and targets at the venue", || (venue.account().1 >= 2).then_some(()));
    assert!(metric(&swarm, "swarm_order_roundtrip_seconds_count", "venue=\"aster\"") >= 4.0);
    let api = swarm.api();
    venue.place.json(&["flatten", "--yes", "--api", &api, "--state", "state", "--json"]);
    swarm.until("nothing held", |status| status["positions"].as_array().unwrap().is_empty());
    until("nothing at the venue", || {
        let (positions, orders, _) = venue.account();
        ((positions, orders) == (0, 0)).then_some(())
    });
    let wallet = venue.account().2;
    swarm.until("the venue's wallet", |status| status["portfolios"][0]["equity"].as_str() == Some(wallet.as_str()));
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn after_a_kill_books_and_venue_agree_and_nothing_is_sent_twice() {
    let venue = Venue::new();
    let swarm = venue.holding();
    let held = swarm.status()["positions"].clone();
    let before = until("all stops at the venue", || Some(venue.account()).filter(|account| account.1 >= 2));
    swarm.process.kill();
    let swarm = venue.swarm();
    let status = venue.wait_for_positions(&swarm, 2);
    let sizes = |positions: &Value| {
        positions.as_array().unwrap().iter().map(|one| (one["symbol"].clone(), one["qty"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&status["positions"]), sizes(&held));
    let after = venue.account();
    assert_eq!((after.0, after.2), (before.0, before.2), "no trade was made");
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn an_order_whose_answer_is_lost_is_one_order() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    let lost = r#"[{"kind":"unavailable_after","only":"POST /fapi/v3/order","times":1}]"#;
    venue.control("POST", "faults", lost);
    venue.candle();
    venue.candle();
    let status = venue.wait_for_positions(&swarm, 2);
    assert_eq!(metric(&swarm, "swarm_orders_total", "status=\"unknown\""), 1.0);
    for position in status["positions"].as_array().unwrap() {
        let number = |key: &str| position[key].as_str().unwrap().parse::<f64>().unwrap();
        let notional = number("qty") * number("entry_price");
        assert!((500.0..1_600.0).contains(&notional), "not twice: {position}");
    }
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn real_money_needs_the_flag_the_word_and_the_keys() {
    let venue = Venue::new();
    for (words, says) in [
        (&["run", "--state", "state"][..], "--live"),
        (&["run", "--live", "--state", "state"], "not confirmed"),
        (&["run", "--live", "--yes", "--market", "synthetic", "--state", "state"], "own prices"),
        (&["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state"], "FIRST_PRIVATE_KEY"),
    ] {
        let done = venue.place.run(words);
        assert_ne!(done.code, Some(0), "{words:?}");
        assert!((done.out.clone() + &done.err).contains(says), "{words:?}: {}{}", done.out, done.err);
    }
}
