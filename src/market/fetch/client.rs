//! One request at a time to the venue's public endpoints, again and again until there is a good answer or none can be
//! had. Knows no file, and of an answer only what the caller's reader makes of it.

use super::limits::{ATTEMPTS, LONGEST_WAIT, Next, Weight, after, back_off};
use super::{FetchError, Host};
use reqwest::{Response, Url};
use serde_json::Value;
use std::time::Duration;
use swarm_core::model::Time;

/// AsterDEX's perpetual futures.
pub const DEFAULT_URL: &str = "https://fapi.asterdex.com";
/// The public endpoints answer the same below `/fapi/v3`; testnet has them here only.
const PREFIX: &str = "fapi/v1";
/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A longer answer is not one of ours: a page has about 200 KiB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// So much of an answer is shown where it cannot be read.
const SHOWN: usize = 120;
/// The venue's code for too many requests.
const TOO_MANY_REQUESTS: i64 = -1003;

/// Asks the venue.
pub struct Client {
    base: Url,
    http: reqwest::Client,
    weight: Weight,
    /// The venue's second of the minute at its last answer.
    second: Option<u64>,
}

/// An attempt that failed and may be repeated.
struct Failed {
    what: String,
    wait: Duration,
}

impl Client {
    /// A client of the venue at `base`, [`DEFAULT_URL`] for AsterDEX itself.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(base: &str) -> Result<Self, FetchError> {
        let wrong =
            |reason: &str| FetchError::Input(format!("--base-url {base}: {reason}; expected such as {DEFAULT_URL}"));
        let url = Url::parse(base).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("not an http or https address"));
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .user_agent(concat!("asterswarm/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none());
        // A plain address needs no certificates, and a machine without any could else not make a client at all.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]).no_proxy() } else { builder };
        let http = builder.build().map_err(|error| FetchError::Input(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { base: url, http, weight: Weight::default(), second: None })
    }

    /// The venue's clock.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn server_time(&mut self, host: &dyn Host) -> Result<Time, FetchError> {
        let read = |answer: &Value| {
            answer["serverTime"].as_i64().map(Time).ok_or_else(|| "the answer has no `serverTime`".to_owned())
        };
        self.get("time", &[], 1, host, &read).await
    }

    /// Asks until `read` takes the answer.
    pub(super) async fn get<T>(
        &mut self,
        path: &str,
        query: &[(&str, String)],
        weight: u32,
        host: &dyn Host,
        read: &(dyn Fn(&Value) -> Result<T, String> + Sync),
    ) -> Result<T, FetchError> {
        let symbol = query.iter().find(|(name, _)| *name == "symbol").map(|(_, symbol)| format!(" of {symbol}"));
        let what = format!("{path}{}", symbol.unwrap_or_default());
        let mut last = String::new();
        for attempt in 1..=ATTEMPTS {
            if let Some(wait) = self.weight.wait(weight, self.second) {
                host.pause(wait, "the venue's weight for this minute is used up").await;
                self.weight.forget();
            }
            let Failed { what: why, wait } = match self.attempt(&what, path, query, attempt).await? {
                Ok(answer) => match read(&answer) {
                    Ok(value) => return Ok(value),
                    // A page that contradicts itself may be whole the next time.
                    Err(fault) => Failed { what: fault, wait: back_off(attempt) },
                },
                Err(failed) => failed,
            };
            if wait > LONGEST_WAIT {
                return Err(FetchError::Banned { seconds: wait.as_secs() });
            }
            if attempt < ATTEMPTS {
                host.pause(wait, &why).await;
            }
            last = why;
        }
        Err(FetchError::Unreachable { what, attempts: ATTEMPTS, last })
    }

    /// One attempt: a document, or why there is none.
    async fn attempt(
        &mut self,
        what: &str,
        path: &str,
        query: &[(&str, String)],
        attempt: u32,
    ) -> Result<Result<Value, Failed>, FetchError> {
        let transient = |what: String| Ok(Err(Failed { what, wait: back_off(attempt) }));
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(PREFIX.split('/')).push(path);
        }
        let answer = match self.http.get(url).query(query).send().await {
            Ok(answer) => answer,
            Err(error) => return transient(cause_of(&error)),
        };
        let status = answer.status().as_u16();
        let retry_after = self.hear(&answer);
        let body = match body_of(answer).await {
            Ok(body) => body,
            Err(fault) => return transient(fault),
        };
        let document: Option<Value> = serde_json::from_slice(&body).ok();
        let refusal = document.as_ref().and_then(refusal_of);
        match after(status, retry_after, attempt) {
            Next::Wait(wait) => Ok(Err(Failed { what: format!("status {status}: {}", shown(&body)), wait })),
            // Some refusals come with status 200, and that of too many requests with any.
            _ if refusal.as_ref().is_some_and(|(code, _)| *code == TOO_MANY_REQUESTS) => {
                match after(429, retry_after, attempt) {
                    Next::Wait(wait) => Ok(Err(Failed { what: shown(&body), wait })),
                    Next::Read | Next::Refused => transient(shown(&body)),
                }
            }
            Next::Refused => {
                let words = refusal.map_or_else(|| shown(&body), |(code, words)| format!("{words} (code {code})"));
                Err(FetchError::Refused { what: what.to_owned(), answer: format!("status {status}: {words}") })
            }
            Next::Read => match (refusal, document) {
                (Some((code, words)), _) => {
                    Err(FetchError::Refused { what: what.to_owned(), answer: format!("{words} (code {code})") })
                }
                (None, Some(document)) => Ok(Ok(document)),
                (None, None) => transient(format!("the answer is not JSON: {}", shown(&body))),
            },
        }
    }

    /// Takes what the headers say; gives the seconds of `Retry-After`.
    fn hear(&mut self, answer: &Response) -> Option<u64> {
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                self.weight.hear(name.as_str(), value);
            }
        }
        // `Sun, 06 Nov 1994 08:49:37 GMT`
        self.second = text("date").and_then(|date| date.split(':').nth(2)?.get(..2)?.parse().ok());
        text("retry-after").and_then(|value| value.trim().parse().ok())
    }
}

async fn body_of(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| cause_of(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause says it best: "Connection refused".
fn cause_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// `{"code": -1121, "msg": "Invalid symbol."}`; the code may be text.
fn refusal_of(document: &Value) -> Option<(i64, String)> {
    let code = &document["code"];
    let code = code.as_i64().or_else(|| code.as_str()?.parse().ok())?;
    Some((code, document["msg"].as_str().unwrap_or_default().to_owned()))
}

/// The start of an answer, without what could steer a terminal.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let start: String = text.chars().take(SHOWN).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{start}...") } else { start }
}
