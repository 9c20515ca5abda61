//! `swarm venue` as a process of its own, moved by hand, and a swarm that trades its first account.

use super::support::{M5, Place, Process, Running, until};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Wants to be long all the time.
pub const SWARM: &str = "\
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

pub const RUN: [&str; 8] = ["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state", "--json"];
/// Of the venue's first account.
pub const KEY: (&str, &str) =
    ("FIRST_PRIVATE_KEY", "0x0101010101010101010101010101010101010101010101010101010101010101");

/// See the module.
pub struct Venue {
    pub place: Place,
    address: SocketAddr,
    _process: Process,
}

impl Venue {
    pub fn new() -> Self {
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

    pub fn control(&self, method: &str, path: &str, body: &str) -> Value {
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
    pub fn candle(&self) {
        self.control("POST", "step", &format!("{{\"ms\":{M5}}}"));
    }

    /// The first account: positions, open orders, wallet.
    pub fn account(&self) -> (u64, u64, String) {
        let state = self.control("GET", "state", "");
        let account = &state["accounts"][0];
        let wallet = account["wallet"].as_str().unwrap().to_owned();
        (account["positions"].as_u64().unwrap(), account["openOrders"].as_u64().unwrap(), wallet)
    }

    /// A swarm whose entries are free.
    pub fn swarm(&self) -> Running {
        let swarm = self.place.start_with(&RUN, &[KEY]);
        swarm.until("the account to be reconciled", |status| status["portfolios"][0]["entries_gated"] == false);
        swarm
    }

    /// A swarm that holds both symbols.
    pub fn holding(&self) -> Running {
        let swarm = self.swarm();
        self.candle();
        self.candle();
        self.wait_for_positions(&swarm, 2);
        swarm
    }

    pub fn wait_for_positions(&self, swarm: &Running, count: usize) -> Value {
        let status = swarm.until(&format!("{count} protected positions"), |status| {
            let positions = status["positions"].as_array().unwrap();
            positions.len() == count && positions.iter().all(|one| one["stop_price"].is_string())
        });
        until("the same at the venue", || (self.account().0 == count as u64).then_some(()));
        status
    }
}

pub fn metric(swarm: &Running, name: &str, label: &str) -> f64 {
    let page = swarm.text("/metrics");
    let line = page.lines().find(|line| line.starts_with(name) && line.contains(label));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

pub fn differences(swarm: &Running) -> f64 {
    let page = swarm.text("/metrics");
    let lines = page.lines().filter(|line| line.starts_with("swarm_reconcile_differences_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
