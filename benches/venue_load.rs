//! What `swarm venue` takes: signed orders a second over loopback, and how long one takes at half of that.
//!
//! The server is the command itself, a process of its own; this one is the clients: 16 connections that stay open,
//! three accounts in turn, market orders of 0.1 SOL that buy and sell. First as fast as answers come, then at a fixed
//! rate, where an order's time counts from when it was due, so that a server that falls behind cannot hide it.
//! V3 orders are signed before they are sent, within the ten seconds that their nonces are good for.
//!
//! `cargo bench --bench venue_load`

use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{ApiKey, Credentials, KeySigner, Nonces, Pairs, Wallet, WalletSigner};
use asterswarm::aster::wire::{NewOrder, OrderType, ResponseType, Side};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Connections at a time.
const CONNECTIONS: usize = 16;
/// Accounts that the server has when it is given none.
const ACCOUNTS: u8 = 3;
const CHAIN: u64 = 714;

/// How orders are signed.
#[derive(Clone, Copy, PartialEq)]
enum Scheme {
    /// HMAC, V1.
    Key,
    /// EIP-712, V3.
    Wallet,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "V1",
            Self::Wallet => "V3",
        }
    }
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_swarm"))
            .args(["venue", "--listen", "127.0.0.1:0", "--no-limits"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or_else(|| io::Error::other("no output"))?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let address = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
        let address = address.ok_or_else(|| io::Error::other(format!("no address in `{line}`")))?.to_owned();
        // What else it says is of no use here, and must not stop it.
        std::thread::spawn(move || io::copy(&mut lines.take(u64::MAX), &mut io::sink()));
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes requests, one account after the other.
struct Desk {
    scheme: Scheme,
    address: String,
    accounts: Vec<(Credentials, String, Nonces)>,
    made: usize,
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

impl Desk {
    fn new(scheme: Scheme, address: &str) -> Self {
        let account = |number: u8| {
            let name = format!("paper-{number}");
            let credentials = match scheme {
                Scheme::Key => {
                    let key = ApiKey::new(Secret::new(name.clone()), &Secret::new(format!("{name}-secret")));
                    Credentials::Key(KeySigner::new(key, 60_000))
                }
                Scheme::Wallet => {
                    let secret = Secret::new(format!("{number:02x}").repeat(32));
                    let wallet = Wallet::new(&secret).expect("small numbers are private keys");
                    Credentials::Wallet(WalletSigner::new(wallet, None, CHAIN))
                }
            };
            (credentials, name, Nonces::new())
        };
        Self { scheme, address: address.to_owned(), accounts: (1..=ACCOUNTS).map(account).collect(), made: 0 }
    }

    /// A whole request: buys and sells alternate for each account.
    fn request(&mut self) -> Vec<u8> {
        let turn = self.made / self.accounts.len();
        let place = self.made % self.accounts.len();
        let (credentials, key, nonces) = &mut self.accounts[place];
        let side = if turn.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let mut order = NewOrder::new("SOLUSDT", side, OrderType::Market);
        order.quantity = Some("0.1".parse().expect("a quantity"));
        order.new_order_resp_type = Some(ResponseType::Result);
        order.new_client_order_id = Some(format!("load-{}", self.made));
        self.made += 1;
        let pairs = Pairs::of(&order).expect("an order has a text");
        let body = credentials.sign(pairs, nonces, micros());
        let body = body.as_str();
        let (path, header) = match self.scheme {
            Scheme::Key => ("/fapi/v1/order", format!("X-MBX-APIKEY: {key}\r\n")),
            Scheme::Wallet => ("/fapi/v3/order", String::new()),
        };
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n{header}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }
}

/// A connection that stays open.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    /// Sends a request and reads its answer to the end; fails on every status but 200.
    async fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&self.buffer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() < length) {
                continue;
            }
            return if head.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(io::Error::other(text.into_owned())) };
        }
    }
}

/// Requests as they are asked for: made at once, or before.
enum Source {
    Made(VecDeque<Vec<u8>>),
    Making(Desk),
}

impl Source {
    fn of(mut desk: Desk, count: usize) -> Self {
        match desk.scheme {
            Scheme::Key => Self::Making(desk),
            Scheme::Wallet => Self::Made((0..count).map(|_| desk.request()).collect()),
        }
    }
    fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Made(requests) => requests.pop_front(),
            Self::Making(desk) => Some(desk.request()),
        }
    }
}

/// How long orders took, and how many a second were done.
struct Measured {
    rate: f64,
    times: Vec<Duration>,
}

impl Measured {
    fn quantile(&self, share: f64) -> f64 {
        let place = (self.times.len() as f64 * share) as usize;
        self.times.get(place.min(self.times.len() - 1)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

/// `count` orders over all connections; at `rate` a second where one is given, each from when it is due.
async fn run(scheme: Scheme, address: &str, count: usize, rate: Option<f64>) -> io::Result<Measured> {
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        lines.push(Line::open(address).await?);
    }
    let source = Arc::new(Mutex::new((Source::of(Desk::new(scheme, address), count), 0usize)));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for mut line in lines {
        let source = Arc::clone(&source);
        tasks.push(tokio::task::spawn_local(async move {
            let mut times = Vec::new();
            loop {
                let (place, request) = {
                    let mut source = source.lock().expect("one thread");
                    let place = source.1;
                    if place == count {
                        return Ok::<_, io::Error>(times);
                    }
                    source.1 += 1;
                    let Some(request) = source.0.next() else { return Ok(times) };
                    (place, request)
                };
                let due = match rate {
                    Some(rate) => began + Duration::from_secs_f64(place as f64 / rate),
                    None => Instant::now(),
                };
                sleep_until(due).await;
                line.ask(&request).await?;
                times.push(due.elapsed());
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.map_err(io::Error::other)??);
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    Ok(Measured { rate, times })
}

fn tell(scheme: Scheme, what: &str, measured: &Measured) {
    println!(
        "{}  {what}: {:.0} orders/s, p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms ({} orders)",
        scheme.name(),
        measured.rate,
        measured.quantile(0.5),
        measured.quantile(0.99),
        measured.quantile(1.0),
        measured.times.len()
    );
}

async fn measure(address: &str, is_short: bool) -> io::Result<()> {
    for scheme in [Scheme::Key, Scheme::Wallet] {
        let count = if is_short { 60 } else { 20_000 };
        run(scheme, address, count.min(2_000), None).await?;
        let most = run(scheme, address, count, None).await?;
        tell(scheme, "as fast as answers come", &most);
        for rate in [2_500.0, most.rate / 2.0] {
            let rate = if is_short { 50.0 } else { rate };
            let count = if is_short { 20 } else { (rate * 3.0) as usize };
            tell(scheme, "at a fixed rate", &run(scheme, address, count, Some(rate)).await?);
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    let is_short = !asked("--bench") || asked("--test");
    let server = Server::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, measure(&server.address, is_short))
}
