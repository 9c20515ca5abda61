//! The REST client: one `send`, which signs, asks the limiter, sends once, and says what became of it.
//!
//! Never sends anything again by itself: a lost answer to a call that changes something is [`Outcome::Unknown`],
//! and settling it is for whoever owns the order. Nothing here is logged; errors carry no URL and no signature.

mod clock;
mod outcome;

pub use clock::ClockOffset;
pub use outcome::{Cause, NotSent, Outcome, Refusal};

use super::environment::{Environment, Network};
use super::errors::{Class, ErrorBody, classify};
use super::limiter::{Limiter, Permit, Usage};
use super::sign::{API_KEY_HEADER, Credentials, CredentialsError, Micros, Nonces, Pairs};
use super::wire::{Call, Effect, Method, RateLimit, Security, WireError, calls, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_core::model::Time;
use tokio::sync::Semaphore;

/// Longest answer that is read, in bytes; the longest documented one, exchangeInfo, is a twentieth of it.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Requests on their way at a time: the venue remembers 100 nonces, and these must never be older than those.
const IN_FLIGHT: usize = 32;
/// Most letters of a message of the venue that are kept.
const MESSAGE: usize = 300;

/// When to ask for an order whose outcome is unknown, after the request, in milliseconds. Only the last answer may
/// count as "there is none", and only together with open orders and trades.
pub const SETTLE_AFTER_MS: [i64; 3] = [2_000, 5_000, 15_000];

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the whole answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), answer: Duration::from_secs(10) }
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// Credentials of the other scheme.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The system refuses, for instance without certificates to trust.
    #[error("no HTTP client could be made: {0}")]
    Http(String),
}

/// A clock in microseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// A client of one account, or of none for public calls. The only one in this process that signs with its key.
pub struct Rest {
    http: reqwest::Client,
    environment: Environment,
    credentials: Option<Credentials>,
    limiter: Arc<Mutex<Limiter>>,
    signing: Mutex<Signing>,
    in_flight: Semaphore,
    clock: Clock,
}

/// What changes with every signature.
#[derive(Default)]
struct Signing {
    nonces: Nonces,
    offset: ClockOffset,
}

/// A request as it goes out.
struct Prepared {
    url: String,
    body: Option<String>,
    key: Option<String>,
}

impl Rest {
    /// For an environment. The limiter is shared by everything that sends to the same host.
    ///
    /// # Errors
    /// Fails on credentials of the other scheme or chain.
    pub fn new(
        environment: Environment,
        credentials: Option<Credentials>,
        limiter: Arc<Mutex<Limiter>>,
        patience: Patience,
    ) -> Result<Self, RestError> {
        Self::with_clock(environment, credentials, limiter, patience, Arc::new(system_clock))
    }

    /// As [`new`](Self::new) with another clock.
    ///
    /// # Errors
    /// The same.
    pub fn with_clock(
        environment: Environment,
        credentials: Option<Credentials>,
        limiter: Arc<Mutex<Limiter>>,
        patience: Patience,
        clock: Clock,
    ) -> Result<Self, RestError> {
        if let Some(credentials) = &credentials {
            credentials.fit(environment.scheme())?;
        }
        // The HTTP client panics without one; a second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(patience.connect)
            .timeout(patience.answer)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .user_agent(concat!("asterswarm/", env!("CARGO_PKG_VERSION")));
        if environment.network() == Network::Custom {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| RestError::Http(error.to_string()))?;
        let signing = Mutex::new(Signing::default());
        Ok(Self { http, environment, credentials, limiter, signing, in_flight: Semaphore::new(IN_FLIGHT), clock })
    }

    /// Where it sends to.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Takes over the limits that the venue declares, for everything that shares this client's limiter; `true` when they
    /// are others than before.
    pub fn adopt_limits(&self, declared: &[RateLimit]) -> bool {
        let mut limiter = lock(&self.limiter);
        let before = limiter.limits();
        limiter.adopt(declared);
        limiter.limits() != before
    }

    /// The difference of the clocks, as measured so far.
    pub fn clock_offset(&self) -> ClockOffset {
        lock(&self.signing).offset.clone()
    }

    /// Sends a call, once.
    pub async fn send<P: Serialize, A: DeserializeOwned>(&self, call: &Call<P, A>) -> Outcome<A> {
        self.send_as(call, &mut None).await
    }

    /// Sends a call, once, under the nonce given, and says which nonce it went out under: a noop under the nonce of a
    /// request whose outcome is unknown keeps that request from being carried out later. V1 has no nonces.
    pub async fn send_as<P: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<P, A>,
        nonce: &mut Option<Micros>,
    ) -> Outcome<A> {
        if !call.route.exists(self.environment.scheme().version()) {
            return Outcome::NotSent(NotSent::NoSuchCall);
        }
        // Before the limits: who waits for those must not learn afterwards that it was in vain.
        if self.credentials.is_none() && call.route.security() != Security::Public {
            return Outcome::NotSent(NotSent::NoCredentials);
        }
        let pairs = match Pairs::of(&call.params) {
            Ok(pairs) => pairs,
            Err(error) => return Outcome::NotSent(NotSent::Malformed(error.to_string())),
        };
        let Ok(_place) = self.in_flight.acquire().await else {
            return Outcome::NotSent(NotSent::Unreachable("the client is closed".to_owned()));
        };
        if let Permit::Wait { until, reason } =
            lock(&self.limiter).ask(self.now(), call.urgency, call.weight, call.orders)
        {
            return Outcome::NotSent(NotSent::Limited { until, reason });
        }
        let prepared = match self.prepare(call, pairs, nonce) {
            Ok(prepared) => prepared,
            Err(not_sent) => return Outcome::NotSent(not_sent),
        };
        let reads = call.route.effect() == Effect::Reads;
        let lost = |cause| if reads { Outcome::Unanswered(cause) } else { Outcome::Unknown(cause) };
        match self.exchange(call.route.method(), prepared).await {
            Err(Lost::NeverSent(why)) => Outcome::NotSent(NotSent::Unreachable(why)),
            Err(Lost::Underway(cause)) => lost(cause),
            Ok((status, Err(cause))) => judge::<A>(status, Err(cause), lost),
            Ok((status, Ok(body))) => judge(status, Ok(&body), lost),
        }
    }

    /// Asks the venue for its time and takes note of the difference; signatures use it from then on.
    pub async fn measure_clock(&self) -> Outcome<i64> {
        let sent = (self.clock)();
        let answer = self.send(&calls::time()).await;
        let received = (self.clock)();
        match answer {
            Outcome::Answered(time) => {
                let offset = &mut lock(&self.signing).offset;
                offset.observe(sent, received, time.server_time.0);
                Outcome::Answered(offset.offset_us().unwrap_or(0))
            }
            Outcome::AlreadySo => Outcome::AlreadySo,
            Outcome::Refused(refusal) => Outcome::Refused(refusal),
            Outcome::Unknown(cause) => Outcome::Unknown(cause),
            Outcome::Unanswered(cause) => Outcome::Unanswered(cause),
            Outcome::NotSent(not_sent) => Outcome::NotSent(not_sent),
        }
    }

    fn now(&self) -> Time {
        Time(i64::try_from((self.clock)() / 1_000).unwrap_or(i64::MAX))
    }

    /// The text of a call, signed where it must be, in the place where its method carries it.
    fn prepare<P, A>(&self, call: &Call<P, A>, pairs: Pairs, nonce: &mut Option<Micros>) -> Result<Prepared, NotSent> {
        let (text, key) = match (call.route.security(), &self.credentials) {
            (Security::Public, _) => (pairs.into_text(), None),
            (_, None) => return Err(NotSent::NoCredentials),
            (Security::UserStream, Some(Credentials::Key(signer))) => (pairs.into_text(), Some(signer.key().key())),
            (_, Some(Credentials::Wallet(wallet))) => {
                let mut signing = lock(&self.signing);
                let now = signing.offset.correct((self.clock)());
                let used = *nonce.get_or_insert_with(|| signing.nonces.next(now));
                (wallet.sign(pairs, used).into_string(), None)
            }
            (_, Some(credentials)) => {
                let mut signing = lock(&self.signing);
                let now = signing.offset.correct((self.clock)());
                let signed = credentials.sign(pairs, &mut signing.nonces, now).into_string();
                let key = if let Credentials::Key(signer) = credentials { Some(signer.key().key()) } else { None };
                (signed, key)
            }
        };
        let mut url = format!("{}{}", self.environment.rest(), call.route.path(self.environment.scheme().version()));
        let body = if call.route.method().has_body() {
            Some(text)
        } else {
            if !text.is_empty() {
                url.push('?');
                url.push_str(&text);
            }
            None
        };
        Ok(Prepared { url, body, key: key.map(|key| key.expose().to_owned()) })
    }

    /// Status, and body as far as it came.
    async fn exchange(&self, method: Method, prepared: Prepared) -> Result<(u16, Result<Vec<u8>, Cause>), Lost> {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.http.request(method, prepared.url);
        if let Some(body) = prepared.body {
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        }
        if let Some(key) = prepared.key {
            request = request.header(API_KEY_HEADER, key);
        }
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let usage = Usage::read(headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))));
        lock(&self.limiter).answered(self.now(), status, usage);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                    return Ok((status, Err(Cause::TooLong(MAX_ANSWER))));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok((status, Ok(body))),
                Err(error) => return Ok((status, Err(cause_of(error)))),
            }
        }
    }
}

/// What became of a request without an answer.
enum Lost {
    /// No connection was made, so nothing was sent.
    NeverSent(String),
    /// It may have arrived.
    Underway(Cause),
}

fn lost(error: reqwest::Error) -> Lost {
    if error.is_connect() || error.is_builder() {
        Lost::NeverSent(plain(error))
    } else {
        Lost::Underway(cause_of(error))
    }
}

fn cause_of(error: reqwest::Error) -> Cause {
    if error.is_timeout() { Cause::Timeout } else { Cause::Broken(plain(error)) }
}

/// The error with what caused it, without its URL, which carries the signature.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What an answer means.
fn judge<A: DeserializeOwned>(
    status: u16,
    body: Result<&Vec<u8>, Cause>,
    lost: impl Fn(Cause) -> Outcome<A>,
) -> Outcome<A> {
    let (error, readable) = match &body {
        Ok(bytes) => (ErrorBody::find(bytes), Ok(*bytes)),
        Err(cause) => (None, Err(cause.clone())),
    };
    let success = (200..300).contains(&status);
    if success && error.is_none() {
        return match readable {
            Ok(bytes) => decode(bytes).map_or_else(|error| lost(Cause::Unreadable(error)), Outcome::Answered),
            Err(cause) => lost(cause),
        };
    }
    let class = classify(status, error.as_ref());
    let code = error.as_ref().map(|error| error.code);
    let message = error.map(|error| error.msg).or_else(|| readable.as_ref().ok().map(|bytes| beginning(bytes)));
    let message: String = message.unwrap_or_default().chars().take(MESSAGE).collect();
    match class {
        Class::Settle => match readable {
            // A page or a broken body under a status that says nothing: what is wrong with it says most.
            Ok(bytes) if code.is_none() && status < 500 && !matches!(status, 404 | 405 | 408) => {
                lost(decode::<serde::de::IgnoredAny>(bytes).err().map_or_else(
                    || Cause::Undecided { status, code, message },
                    |error: WireError| Cause::Unreadable(error),
                ))
            }
            Ok(_) => lost(Cause::Undecided { status, code, message }),
            Err(cause) => lost(cause),
        },
        Class::Already => Outcome::AlreadySo,
        Class::Retry | Class::Refuse | Class::Halt => Outcome::Refused(Refusal { class, status, code, message }),
    }
}

fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MESSAGE * 4)]).into_owned()
}

fn system_clock() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The values behind these locks are whole between any two statements, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
