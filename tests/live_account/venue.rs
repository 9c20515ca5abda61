//! `swarm venue` as a process of its own, moved by hand, and a swarm that trades its first account.

use super::support::{HandVenue, M5, Place, Running, until};
use asterswarm::aster::environment::{Environment, MAINNET_CHAIN_ID, Version};
use asterswarm::aster::rest::{Patience, Rest};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{Credentials, Wallet, WalletSigner};
use serde_json::Value;
use std::sync::Arc;

/// The swarm of most tests.
fn real() -> String {
    eager("real", "rsi_sell: 95")
}

/// A swarm of two agents that want to be long all the time, with these parameters.
pub fn eager(name: &str, set: &str) -> String {
    format!(
        "\
version: 1
name: {name}
mode: live
market: {{ source: aster, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }}
portfolios: {{ main: {{ equity: 10000, account: first, risk: {{ max_positions: 2 }} }} }}
cohorts:
  eager:
    portfolio: main
    agents: [{{ use: control, count: 2, set: {{ rsi_buy: 90, base_notional: 1000, {set} }} }}]
"
    )
}

pub const RUN: [&str; 8] = ["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state", "--json"];
/// Of the venue's first account.
pub const KEY: (&str, &str) =
    ("FIRST_PRIVATE_KEY", "0x0101010101010101010101010101010101010101010101010101010101010101");

/// Candles that a venue takes before it opens.
const WARM_UP: i64 = 1_500;

/// See the module.
pub struct Venue {
    pub place: Place,
    hand: HandVenue,
}

impl Venue {
    pub fn new() -> Self {
        Self::with("single")
    }

    /// With this `entry_protection`.
    pub fn with(protection: &str) -> Self {
        let swarm = real();
        let place = Place::with(&swarm);
        let hand = HandVenue::start(&place);
        Self::of(place, hand, &swarm, protection)
    }

    /// With another swarm.
    pub fn trading(swarm: &str) -> Self {
        let place = Place::with(swarm);
        let hand = HandVenue::start(&place);
        Self::of(place, hand, swarm, "single")
    }

    /// A venue that plays so many recorded candles after those that warm it up, the same ones each time, and stands at
    /// the end of one: where within a candle it opens is the wall clock's doing.
    pub fn replaying(swarm: &str, candles: i64) -> Self {
        let place = Place::with(swarm);
        place.market(11, WARM_UP + candles);
        let hand = HandVenue::start_on(&place, "replay:data");
        let now = hand.control("GET", "state", "")["marketTime"].as_i64().unwrap();
        hand.control("POST", "step", &format!("{{\"ms\":{}}}", M5 - now % M5));
        Self::of(place, hand, swarm, "single")
    }

    fn of(place: Place, hand: HandVenue, swarm: &str, protection: &str) -> Self {
        let venue = format!("venue: {{ kind: aster, entry_protection: {protection}, {} }}\n", hand.hosts());
        place.put("swarm.yaml", format!("{swarm}{venue}"));
        Self { place, hand }
    }

    /// More keys of `venue` in the swarm file.
    pub fn configure(&self, keys: &str) {
        let text = format!("{}venue: {{ kind: aster, {}, {keys} }}\n", real(), self.hand.hosts());
        self.place.put("swarm.yaml", text);
    }

    /// A client of the swarm's own account: somebody else's hand at it.
    pub fn stranger(&self) -> Rest {
        let wallet = Wallet::new(&Secret::new("01".repeat(32))).unwrap();
        let credentials = Credentials::Wallet(WalletSigner::new(wallet, None, MAINNET_CHAIN_ID));
        let (rest, stream) = (format!("http://{}", self.hand.address), format!("ws://{}", self.hand.address));
        let environment = Environment::custom(&rest, &stream, Version::V3, MAINNET_CHAIN_ID).unwrap();
        Rest::new(environment, Some(credentials), Arc::default(), Patience::default()).unwrap()
    }

    pub fn control(&self, method: &str, path: &str, body: &str) -> Value {
        self.hand.control(method, path, body)
    }

    /// Lets a candle close.
    pub fn candle(&self) {
        self.hand.candle();
    }

    /// Lets the candle in hand close, by a second that passes.
    pub fn end_of_candle(&self) {
        self.hand.end_of_candle();
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
        self.end_of_candle();
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
