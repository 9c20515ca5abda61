//! `swarm venue` as a process of its own, whose time stands still until it is moved.

use super::{M5, Place, Process, until};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// BTCUSDT and ETHUSDT in candles of five minutes; it ends with this.
pub struct HandVenue {
    /// Where it listens.
    pub address: SocketAddr,
    process: Process,
}

impl HandVenue {
    /// Starts it in a place and waits until it says where it listens.
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same on a market.
    pub fn start_on(place: &Place, market: &str) -> Self {
        Self::start_with(place, &["--market", market])
    }

    /// The same with more options.
    pub fn start_with(place: &Place, more: &[&str]) -> Self {
        let words = ["--listen", "127.0.0.1:0", "--symbols", "BTCUSDT,ETHUSDT", "--interval", "5m", "--speed", "hand"];
        let process = place.launch(&[&["venue"], &words[..], more].concat());
        let address = until("the venue", || {
            let said = process.said();
            let rest = said.split("venue  http://").nth(1)?;
            rest.split_whitespace().next().filter(|_| rest.contains('\n'))?.parse().ok()
        });
        Self { address, process }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.process.said()
    }

    /// The keys of `venue` that lead a swarm to it.
    pub fn hosts(&self) -> String {
        format!("rest_url: \"http://{0}\", stream_url: \"ws://{0}\"", self.address)
    }

    /// An operator's request.
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

    /// Lets the candle in hand close, by a second that passes: what follows from it has all the time it needs, where a
    /// whole candle at once would be five minutes in which a position had no stop.
    pub fn end_of_candle(&self) {
        let now = self.control("GET", "state", "")["marketTime"].as_i64().unwrap();
        self.control("POST", "step", &format!("{{\"ms\":{}}}", (M5 - now % M5 - 500).max(1)));
        self.control("POST", "step", "{\"ms\":1000}");
    }

    /// Lets a candle close.
    pub fn candle(&self) {
        self.control("POST", "step", &format!("{{\"ms\":{M5}}}"));
    }
}
