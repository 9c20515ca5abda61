//! From the approved command to bytes.

use crate::venue::{self, Arrival, Waiting};
use crate::{quantile, tell};
use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::limiter::Limiter;
use asterswarm::aster::rest::{Patience, Rest};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{ApiKey, Credentials, KeySigner, Nonces, Pairs, Wallet, WalletSigner};
use asterswarm::aster::wire::{NewOrder, RateLimit, RateLimitInterval, RateLimitType};
use asterswarm::config::instruments;
use asterswarm::venue::live::{AsterLink, Link};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use swarm_core::delivery::{Answer, Desk, LinkState, Out, Policy, PositionRow, Request};
use swarm_core::model::*;
use swarm_core::risk::{Command, Effects, Supervisor};

/// Chain of the main network.
const CHAIN: u64 = 1666;
/// No longer than that: nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// An account's credentials, thrown away after.
pub(crate) fn credentials(version: Version) -> Credentials {
    match version {
        Version::V3 => {
            let wallet = Wallet::new(&Secret::new("01".repeat(32))).expect("a throw-away key");
            Credentials::Wallet(WalletSigner::new(wallet, None, CHAIN))
        }
        Version::V1 => {
            let key = ApiKey::new(Secret::new("bench-key"), &Secret::new("throw-away-bench-secret"));
            Credentials::Key(KeySigner::new(key, 5_000))
        }
    }
}

/// A client of the other end, without limits: they are not what is measured.
pub(crate) fn rest(address: SocketAddr, version: Version) -> Rest {
    let minute = |rate_limit_type, limit| RateLimit {
        rate_limit_type,
        interval: RateLimitInterval::Minute,
        interval_num: 1,
        limit,
    };
    let most = u32::MAX;
    let limits = [minute(RateLimitType::RequestWeight, most), minute(RateLimitType::Orders, most)];
    let limiter = Arc::new(Mutex::new(Limiter::new(&limits)));
    let (rest, stream) = (format!("http://{address}"), format!("ws://{address}"));
    let environment = Environment::custom(&rest, &stream, version, CHAIN).expect("an address of this machine");
    Rest::new(environment, Some(credentials(version)), limiter, Patience::default()).expect("a client")
}

/// A plan of so many agents, each on its own contract, in one portfolio.
pub(crate) fn plan(agents: usize) -> Plan {
    let symbol = |index: usize| if index == 0 { "BTCUSDT".to_owned() } else { format!("COIN{index}USDT") };
    let expert = swarm_agents::registry::find("expert").expect("a shipped rule");
    let params = Arc::new((expert.complete)(&serde_json::json!({})));
    let limits = Limits { max_positions: Some(agents as u32), max_leverage: Some(Rate::whole(5)), ..Limits::default() };
    Plan {
        name: "bench".into(),
        mode: Mode::Live,
        base: Interval::M5,
        intervals: vec![Interval::M5, Interval::M15, Interval::H1],
        gaps: GapPolicy::Reset,
        instruments: (0..agents).map(|index| instruments::instrument(&symbol(index))).collect(),
        exchange: ExchangeParams::default(),
        limits: Limits::default(),
        portfolios: vec![PortfolioPlan {
            name: "bench".into(),
            equity: Usd::whole(1_000_000),
            limits,
            breaker_samples: 3,
            on_trip: OnTrip::Halt,
            require_stop: false,
        }],
        cohorts: vec![CohortPlan { name: "bench".into(), portfolio: PortfolioId(0) }],
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: swarm_core::model::NAKED_TIMEOUT_MS,
        agents: (0..agents)
            .map(|index| AgentPlan {
                name: format!("agent-{index}"),
                cohort: CohortId(0),
                portfolio: PortfolioId(0),
                symbol: SymbolId::at(index),
                rule: "expert".into(),
                params: Arc::clone(&params),
                limits: Limits::default(),
            })
            .collect(),
        experiment: None,
    }
}

/// The wish that each order here comes from.
pub(crate) fn entry() -> IntentKind {
    IntentKind::Open(Entry {
        side: Side::Buy,
        size: Size::Notional(Usd::whole(1_000)),
        leverage: Rate::whole(5),
        order: EntryOrder::Market,
        exits: ExitPlan::default(),
    })
}

const BEGAN: Time = Time(1_735_689_600_000);

/// An approved command, as the supervisor hands it out.
fn approved(plan: &Arc<Plan>) -> Command {
    let mut supervisor = Supervisor::new(Arc::clone(plan));
    let price = Price::whole(60_000);
    let candle =
        Candle { open_time: BEGAN.plus(-300_000), open: price, high: price, low: price, close: price, volume: 1.0 };
    supervisor.on_candle(SymbolId(0), &candle, BEGAN);
    let intent = Intent {
        agent: AgentId(0),
        portfolio: PortfolioId(0),
        symbol: SymbolId(0),
        decided_at: BEGAN,
        reference: price,
        kind: entry(),
    };
    let mut effects = Effects::default();
    let verdict = supervisor.on_intent(BEGAN, &intent, &mut effects);
    assert!(!matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
    effects.commands.pop().expect("an approved order is a command")
}

/// A desk whose account is reconciled and whose leverage is set.
fn desk(plan: &Plan) -> Desk {
    let tag = "bench000".parse().expect("a tag");
    let mut desk = Desk::new(plan, PortfolioId(0), tag, Policy::default());
    let (mut now, mut out) = (BEGAN, Out::default());
    desk.start(now, &mut out);
    desk.link(now, LinkState::Up, &mut out);
    while desk.is_gated() {
        let requests = std::mem::take(&mut out.requests);
        for (id, request) in &requests {
            desk.answered(now, *id, told(request), &mut out);
        }
        if out.requests.is_empty() && desk.is_gated() {
            now = desk.next_deadline().expect("something is due");
            desk.tick(now, &mut out);
        }
    }
    desk
}

fn told(request: &Request) -> Answer {
    let position = PositionRow {
        symbol: Some(SymbolId(0)),
        contract: "BTCUSDT".into(),
        qty: Qty::ZERO,
        entry_price: Price::ZERO,
        mark: None,
        leverage: Some(5),
    };
    match request {
        Request::OpenOrders => Answer::OpenOrders(Vec::new()),
        Request::Trades { .. } => Answer::Trades(Vec::new()),
        Request::Positions => Answer::Positions(vec![position]),
        Request::Balance => Answer::Balance(Usd::whole(1_000_000)),
        Request::Income { .. } => Answer::Income(Vec::new()),
        Request::Modes => Answer::Modes { hedge: false, multi_assets: false },
        other => panic!("a quiet account is not asked for {other:?}"),
    }
}

fn arrival(arrivals: &Receiver<Arrival>) -> Arrival {
    arrivals.recv_timeout(PATIENCE).expect("the order arrives")
}

/// Desk, translation and signature alone: command to signed text.
fn to_text(desk: &Desk, command: &Command, version: Version, times: usize) -> Vec<Duration> {
    let (credentials, mut nonces) = (credentials(version), Nonces::new());
    let now_us = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    };
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let (mut desk, mut out) = (desk.clone(), Out::default());
        let began = Instant::now();
        desk.command(BEGAN, command, &mut out);
        let Some((_, Request::Place { order, name })) = out.requests.first() else { panic!("{out:?}") };
        let pairs = Pairs::of(&NewOrder::from_core(order, "BTCUSDT", name)).expect("an order has a text");
        let text = credentials.sign(pairs, &mut nonces, now_us());
        taken.push(began.elapsed());
        std::hint::black_box(text);
    }
    taken
}

/// Command to the other end of the connection, and one request as it went over it.
fn to_socket(desk: &Desk, command: &Command, version: Version, times: usize) -> (Vec<Duration>, Vec<u8>) {
    let (address, arrivals) = venue::start(&["BTCUSDT".to_owned()], Waiting::Spinning);
    let plan = plan(1);
    actix::System::new().block_on(async {
        let (link, _told) = AsterLink::open(rest(address, version), &plan).await.expect("the clock is told");
        let (mut taken, mut bytes) = (Vec::with_capacity(times), Vec::new());
        // The first ones open the connection and fill caches.
        for round in 0..times + times / 10 + 2 {
            let (mut desk, mut out) = (desk.clone(), Out::default());
            let began = Instant::now();
            desk.command(BEGAN, command, &mut out);
            let (id, request) = out.requests.pop().expect("it leaves at once");
            let answer = link.send(id, request).await;
            assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
            let arrived = arrival(&arrivals);
            if round >= times / 10 + 2 {
                taken.push(arrived.at - began);
                bytes = arrived.bytes;
            }
        }
        (taken, bytes)
    })
}

/// A bare write of the same bytes: how long the call takes, and until the other end has them.
fn bare(bytes: &[u8], times: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (address, arrivals) = venue::start(&[], Waiting::Spinning);
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut calls, mut ways) = (Vec::with_capacity(times), Vec::with_capacity(times));
    let mut answer = [0_u8; 4_096];
    for _ in 0..times {
        let began = Instant::now();
        stream.write_all(bytes).expect("the other end is there");
        calls.push(began.elapsed());
        ways.push(arrival(&arrivals).at - began);
        let _ = stream.read(&mut answer).expect("an answer");
    }
    (calls, ways)
}

/// Measures both schemes.
pub(crate) fn measure(times: usize) {
    println!("approved command to bytes, market order, one connection that is open");
    let plan = Arc::new(plan(1));
    let (command, desk) = (approved(&plan), desk(&plan));
    for (version, name) in [(Version::V3, "V3 (EIP-712)"), (Version::V1, "V1 (HMAC)")] {
        let text = to_text(&desk, &command, version, times);
        tell(&format!("{name}: to signed text (desk, translation, signature)"), &text);
        let (socket, bytes) = to_socket(&desk, &command, version, times);
        tell(&format!("{name}: to the other end of the socket"), &socket);
        let (call, way) = bare(&bytes, times);
        tell(&format!("{name}: kernel alone, write of {} bytes until it returns", bytes.len()), &call);
        tell(&format!("{name}: kernel alone, until the other end has them"), &way);
        let median = |times: &[Duration]| quantile(times, 0.5);
        let client = median(&socket) - median(&text) - median(&way);
        println!("{name}: what is left of the medians for the HTTP client and its task: {client:.1} us");
    }
}
