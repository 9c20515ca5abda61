//! A venue without a socket, asked with our own client's signatures and types.

use asterswarm::aster::environment::Version;
use asterswarm::aster::errors::ErrorBody;
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{ApiKey, Credentials, KeySigner, Nonces, Pairs, Wallet, WalletSigner};
use asterswarm::aster::wire::{Call, NewOrder, OrderType, Security, Side};
use asterswarm::config::instruments::instrument;
use asterswarm::venue_server::{Answer, Market, Request, Setup, Venue, default_accounts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use swarm_core::model::{Candle, ExchangeParams, Interval, Price, Step, Tape, Time};

pub const CHAIN: u64 = 714;
/// 2025-01-01, on the grid of everything.
pub const START: i64 = 1_735_689_600_000;

/// `candles` minutes at 100, then nothing: from there on prices are set by hand.
pub struct Still {
    pub candles: i64,
    pub played: i64,
    pub symbols: usize,
}

impl Tape for Still {
    fn next(&mut self, step: &mut Step) -> bool {
        if self.played == self.candles {
            return false;
        }
        let open_time = Time(START + (self.played - self.candles) * 60_000);
        self.played += 1;
        let price = Price::whole(100);
        let candle = Candle { open_time, open: price, high: price, low: price, close: price, volume: 1e9 };
        step.candles = vec![Some(candle); self.symbols];
        step.funding.clear();
        step.close_time = open_time.plus(60_000);
        true
    }
}

pub fn setup() -> Setup {
    Setup {
        instruments: vec![instrument("SOLUSDT"), instrument("BTCUSDT")],
        base: Interval::M1,
        market: Market::Candles(Box::new(Still { candles: 10, played: 0, symbols: 2 })),
        warm_up: 10,
        start: None,
        accounts: default_accounts(),
        params: ExchangeParams { spread: swarm_core::model::Rate::ZERO, ..ExchangeParams::default() },
        chain_ids: vec![CHAIN, 1666],
        seed: 7,
        limits: true,
    }
}

pub fn wallet(number: u8) -> Credentials {
    wallet_of(number, CHAIN)
}

pub fn wallet_of(number: u8, chain: u64) -> Credentials {
    let secret = Secret::new(format!("{number:02x}").repeat(32));
    Credentials::Wallet(WalletSigner::new(Wallet::new(&secret).unwrap(), None, chain))
}

pub fn key(number: u8) -> Credentials {
    let name = format!("paper-{number}");
    Credentials::Key(KeySigner::new(
        ApiKey::new(Secret::new(name.clone()), &Secret::new(format!("{name}-secret"))),
        5_000,
    ))
}

/// A venue and whoever talks to it.
pub struct Desk {
    pub venue: Venue,
    pub version: Version,
    pub credentials: Credentials,
    pub nonces: Nonces,
    /// The venue's wall clock in microseconds.
    pub clock: u64,
    pub last: Option<Answer>,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(setup(), wallet(1), Version::V3)
    }

    pub fn with(setup: Setup, credentials: Credentials, version: Version) -> Self {
        let clock = u64::try_from(START).unwrap() * 1_000;
        Self { venue: Venue::new(setup), version, credentials, nonces: Nonces::new(), clock, last: None }
    }

    /// The request that our client would send.
    pub fn request<P: Serialize, A>(&mut self, call: &Call<P, A>) -> Request {
        let pairs = Pairs::of(&call.params).unwrap();
        let text = match (call.route.security(), &self.credentials) {
            (Security::Public, _) | (Security::UserStream, Credentials::Key(_)) => pairs.into_text(),
            _ => self.credentials.sign(pairs, &mut self.nonces, self.clock).into_string(),
        };
        let (query, body) = if call.route.method().has_body() { (String::new(), text) } else { (text, String::new()) };
        let key = if let Credentials::Key(key) = &self.credentials {
            Some(key.key().key().expose().to_owned())
        } else {
            None
        };
        Request {
            method: call.route.method().as_str().to_owned(),
            path: call.route.path(self.version),
            query,
            body,
            key,
            peer: "192.0.2.1".to_owned(),
            is_local: true,
            signature: None,
        }
    }

    pub fn send(&mut self, request: &Request) -> Answer {
        let answer = self.venue.handle(self.clock, request);
        self.last = Some(answer.clone());
        answer
    }

    /// The answer, or status and code of the refusal.
    pub fn ask<P: Serialize, A: DeserializeOwned>(&mut self, call: &Call<P, A>) -> Result<A, (u16, i64)> {
        let request = self.request(call);
        let answer = self.send(&request);
        if answer.status == 200 {
            return Ok(serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body)));
        }
        let body = ErrorBody::find(answer.body.as_bytes());
        Err((answer.status, body.map_or(0, |body| body.code)))
    }

    pub fn code<P: Serialize, A: DeserializeOwned>(&mut self, call: &Call<P, A>) -> i64 {
        self.ask(call).map_or_else(|(_, code)| code, |_| 0)
    }

    pub fn control(&mut self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let request = Request {
            method: method.to_owned(),
            path: format!("/control/{path}"),
            body: body.to_owned(),
            is_local: true,
            ..Request::default()
        };
        let answer = self.venue.handle(self.clock, &request);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub fn price(&mut self, price: &str) {
        self.control("POST", "price", &format!(r#"{{"symbol":"SOLUSDT","price":"{price}"}}"#));
    }

    /// Texts sent to streams since the last time.
    pub fn frames(&mut self) -> Vec<String> {
        self.venue.frames().into_iter().map(|(_, text)| text.unwrap_or_else(|| "closed".to_owned())).collect()
    }
}

pub fn market(side: Side, qty: &str) -> NewOrder {
    let mut order = NewOrder::new("SOLUSDT", side, OrderType::Market);
    order.quantity = Some(qty.parse().unwrap());
    order.new_order_resp_type = Some(asterswarm::aster::wire::ResponseType::Result);
    order
}

pub fn limit(side: Side, qty: &str, price: &str) -> NewOrder {
    let mut order = NewOrder::new("SOLUSDT", side, OrderType::Limit);
    order.quantity = Some(qty.parse().unwrap());
    order.price = Some(price.parse().unwrap());
    order.time_in_force = Some(asterswarm::aster::wire::TimeInForce::Gtc);
    order
}

pub fn stop(side: Side, trigger: &str) -> NewOrder {
    let mut order = NewOrder::new("SOLUSDT", side, OrderType::StopMarket);
    order.stop_price = Some(trigger.parse().unwrap());
    order.close_position = Some(true);
    order
}
