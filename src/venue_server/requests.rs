//! From a request to its answer: faults, path, weight, signature, then the call. Knows no call itself.

use super::auth::{Parameters, find, parameters};
use super::digits::Names;
use super::faults::FaultKind;
use super::refusal::Refusal;
use super::venue::{Answer, MAX_TEXT, Request, Venue};
use crate::aster::environment::Version;
use crate::aster::sign::Micros;
use crate::aster::wire::{Method, Route, Security};

impl Venue {
    /// Answers a request that came at `clock` of the host, in microseconds since the epoch.
    pub fn handle(&mut self, clock: Micros, request: &Request) -> Answer {
        if request.query.len() > MAX_TEXT || request.body.len() > MAX_TEXT {
            return Answer::refused(&Refusal::with_status(413, -1130, "The request is too long."));
        }
        self.clock = clock;
        if request.path.starts_with("/control") {
            return self.control(request);
        }
        let now = clock.saturating_add_signed(self.faults.skew_ms().saturating_mul(1_000));
        let struck = self.faults.strike(&format!("{} {}", request.method, request.path), false);
        let delay = struck.iter().map(|kind| if let FaultKind::Latency { ms } = kind { *ms } else { 0 }).sum();
        let mut answer = self.disturb(&struck).unwrap_or_else(|| {
            let answer = self.route(now, request);
            // Carried out, and the answer is lost.
            if struck.contains(&FaultKind::UnavailableAfter) {
                Answer::refused(&Refusal::with_status(503, -1007, "Timeout waiting for response from backend server."))
            } else {
                answer
            }
        });
        answer.delay_ms = delay;
        answer
    }

    /// The fault that keeps a request from being carried out.
    fn disturb(&self, struck: &[FaultKind]) -> Option<Answer> {
        struck.iter().find_map(|kind| match *kind {
            FaultKind::UnavailableBefore => Some(Answer {
                is_json: false,
                ..Answer::json(503, "<html><body><h1>503 Service Unavailable</h1></body></html>".to_owned())
            }),
            FaultKind::Refuse { code } => Some(Answer::refused(&Refusal::with_status(400, code, "Refused by order."))),
            FaultKind::NoSuchPath => Some(Answer {
                is_json: false,
                ..Answer::json(404, "<html><body><h1>404 Not Found</h1></body></html>".to_owned())
            }),
            FaultKind::Maintenance => {
                Some(Answer::refused(&Refusal::with_status(503, -1016, "This service is no longer available.")))
            }
            FaultKind::Throttle { seconds } => {
                let refusal = Refusal::with_status(429, -1003, "Too many requests.");
                Some(Answer::waiting(&refusal, u64::from(seconds)))
            }
            FaultKind::Ban { seconds } => {
                let refusal = Refusal::with_status(418, -1003, "Way too many requests; IP banned.");
                Some(Answer::waiting(&refusal, u64::from(seconds)))
            }
            _ => None,
        })
    }

    fn route(&mut self, now: Micros, request: &Request) -> Answer {
        let Some((version, route)) = find_route(request) else {
            let refusal = Refusal::with_status(404, -1000, "There is no such path.");
            return Answer::refused(&refusal);
        };
        let parameters = parameters(version, request);
        let weight = parameters.as_ref().map_or(1, |parameters| weight(route, parameters));
        let used = match self.weights.take(now, &request.peer, weight, self.limits) {
            Ok(used) => used,
            Err(wait) => return Answer::waiting(&wait.refusal, wait.seconds),
        };
        let whole =
            parameters.as_ref().ok().and_then(|all| find(all, "symbol").or(find(all, "pair"))).map(str::to_owned);
        let mut counted = None;
        let done = parameters.and_then(|parameters| {
            if route.security() == Security::Public {
                return self.public(now, route, &parameters);
            }
            let account = self.authenticate(version, route.security(), request, &parameters, now)?;
            if matches!(route, Route::PlaceOrder | Route::BatchOrders) {
                let orders = if route == Route::BatchOrders { self.batch_len(&parameters) } else { 1 };
                let taken = self.accounts[account].order_count.order(now, orders, self.limits);
                counted = Some(self.accounts[account].order_count.used);
                taken?;
            }
            self.private(route, account, &parameters)
        });
        let mut answer = match done {
            Ok(body) => Answer::json(200, self.worded(route, body, whole.as_deref())),
            Err(refusal) => Answer::refused(&refusal),
        };
        answer.headers.push(("X-MBX-USED-WEIGHT-1M", used.to_string()));
        if let Some(count) = counted {
            answer.headers.push(("X-MBX-ORDER-COUNT-1M", count.to_string()));
        }
        answer
    }

    /// An answer with its numbers spelled out.
    fn worded(&self, route: Route, body: String, whole: Option<&str>) -> String {
        match Names::of_call(route) {
            Some(names) => self.spelled(&body, &names, whole),
            None => body,
        }
    }
}

fn find_route(request: &Request) -> Option<(Version, Route)> {
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    // Names of before the spring of 2026 and of older clients.
    let path = match request.path.as_str() {
        "/fapi/v3/account" => "/fapi/v3/accountWithJoinMargin",
        "/fapi/v2/account" => "/fapi/v4/account",
        path => path,
    };
    [Version::V3, Version::V1].into_iter().find_map(|version| Some((version, Route::find(version, method, path)?)))
}

/// What a request costs, by what it asks.
fn weight(route: Route, parameters: &Parameters) -> u32 {
    let limit =
        |default: u32| find(parameters, "limit").map_or(Some(default), |text| text.parse().ok()).unwrap_or(default);
    let all = find(parameters, "symbol").is_none();
    match route {
        Route::Depth => match limit(500) {
            0..=50 => 2,
            51..=100 => 5,
            101..=500 => 10,
            _ => 20,
        },
        Route::Klines | Route::IndexPriceKlines | Route::MarkPriceKlines => match limit(500) {
            0..=99 => 1,
            100..=499 => 2,
            500..=1_000 => 5,
            _ => 10,
        },
        Route::Ticker24h | Route::OpenOrders if all => 40,
        Route::TickerPrice | Route::TickerBook if all => 2,
        Route::ForceOrders if all => 50,
        route => route.weight(),
    }
}
