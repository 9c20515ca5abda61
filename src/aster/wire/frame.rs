//! A frame of a socket: an event, a list of events, or an answer to a control message; bare or wrapped with the
//! name of its stream.
//!
//! The kind of an event is read off its first bytes, where the venue writes it, so that the fields are read only
//! once and straight into their type; any other order of fields is read too, a little slower.

use super::decode::{WireError, decode, explain};
use super::stream::*;
use super::user::*;
use crate::aster::errors::ErrorBody;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An event of a market or user stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `aggTrade`
    AggTrade(AggTradeEvent),
    /// `tradepro`
    Trade(Box<TradeEvent>),
    /// `bookTicker`
    BookTicker(BookTickerEvent),
    /// `markPriceUpdate`
    MarkPrice(MarkPriceEvent),
    /// `kline`
    Kline(Box<KlineEvent>),
    /// `depthUpdate`
    Depth(DepthEvent),
    /// `24hrMiniTicker`
    MiniTicker(MiniTickerEvent),
    /// `24hrTicker`
    Ticker(Box<TickerEvent>),
    /// `forceOrder`
    ForceOrder(Box<ForceOrderEvent>),
    /// `ORDER_TRADE_UPDATE`
    Order(Box<OrderUpdate>),
    /// `ACCOUNT_UPDATE`
    Account(Box<AccountUpdate>),
    /// `MARGIN_CALL`
    MarginCall(MarginCall),
    /// `ACCOUNT_CONFIG_UPDATE`
    Config(ConfigUpdate),
    /// `listenKeyExpired`
    ListenKeyExpired(ListenKeyExpired),
    /// Any other kind: to be passed over.
    Other {
        /// Its name.
        kind: String,
    },
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One event.
    Event(Event),
    /// A list, as streams of all symbols send.
    Events(Vec<Event>),
    /// A control message was carried out.
    Done {
        /// Its number.
        id: u64,
        /// What it answered.
        result: serde_json::Value,
    },
    /// A control message was refused.
    Refused {
        /// Its number, where it is said.
        id: Option<u64>,
        /// Why.
        error: ErrorBody,
    },
}

/// A frame as received.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Name of the stream, where frames are wrapped.
    pub stream: Option<String>,
    /// What it holds.
    pub body: Body,
}

/// A control message of a stream connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`.
    pub method: String,
    /// Names of streams, or a property with its value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<serde_json::Value>,
    /// Number that the answer carries.
    pub id: u64,
}

impl Control {
    /// Subscribes to streams, in lower case: other names are accepted and never deliver.
    pub fn subscribe(streams: &[String], id: u64) -> Self {
        let params = streams.iter().map(|stream| serde_json::Value::String(stream.clone())).collect();
        Self { method: "SUBSCRIBE".to_owned(), params, id }
    }

    /// As text to send.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("invariant: a control message is JSON")
    }
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// What tells the kinds of frames apart where the first bytes do not.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default, with = "super::lenient::int_or_none")]
    id: Option<u64>,
    #[serde(default, with = "super::lenient::int_or_none")]
    code: Option<i64>,
    #[serde(default, with = "super::lenient::text")]
    msg: String,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    result: serde_json::Value,
}

impl Frame {
    /// Reads a text frame.
    ///
    /// # Errors
    /// Fails on what is not JSON, or not as documented. Kinds of events that are not known are no error.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        if let Some(kind) = leading_kind(bytes) {
            return Event::of_kind(kind, bytes).map(|event| Self { stream: None, body: Body::Event(event) });
        }
        if leads_with(bytes, b"\"stream\"")
            && let Ok(wrapped) = serde_json::from_slice::<Wrapped<'_>>(bytes)
        {
            return Self::unwrap(wrapped);
        }
        let body = if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            Body::Events(list(bytes)?)
        } else {
            return Self::probe(bytes);
        };
        Ok(Self { stream: None, body })
    }

    fn unwrap(wrapped: Wrapped<'_>) -> Result<Self, WireError> {
        let data = wrapped.data.get().as_bytes();
        let body =
            if data.first() == Some(&b'[') { Body::Events(list(data)?) } else { Body::Event(Event::read(data)?) };
        Ok(Self { stream: Some(wrapped.stream.into_owned()), body })
    }

    fn probe(bytes: &[u8]) -> Result<Self, WireError> {
        let probe: Probe<'_> = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
        let bare = |body| Self { stream: None, body };
        if let Some(kind) = probe.e {
            return Event::of_kind(&kind, bytes).map(|event| bare(Body::Event(event)));
        }
        if probe.data.is_some() {
            return decode_wrapped(bytes);
        }
        if let Some(error) = probe.error {
            return Ok(bare(Body::Refused { id: probe.id, error }));
        }
        if let Some(code) = probe.code {
            return Ok(bare(Body::Refused { id: probe.id, error: ErrorBody { code, msg: probe.msg } }));
        }
        let Reply { result } = decode(bytes)?;
        match probe.id {
            Some(id) => Ok(bare(Body::Done { id, result })),
            None => Err(WireError::Shape {
                message: "neither an event nor an answer to a control message".to_owned(),
                head: String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned(),
            }),
        }
    }
}

fn decode_wrapped(bytes: &[u8]) -> Result<Frame, WireError> {
    let wrapped = serde_json::from_slice::<Wrapped<'_>>(bytes).map_err(|error| explain(bytes, &error))?;
    Frame::unwrap(wrapped)
}

fn list(bytes: &[u8]) -> Result<Vec<Event>, WireError> {
    let rows: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
    rows.into_iter().map(|row| Event::read(row.get().as_bytes())).collect()
}

/// Whether the first field of an object has this (quoted) name.
fn leads_with(bytes: &[u8], name: &[u8]) -> bool {
    let start = bytes.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    start.is_some_and(|start| start.starts_with(name))
}

/// The kind of an event, where it is the first field and plainly written.
fn leading_kind(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"e\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
    if rest[end] == b'\\' { None } else { std::str::from_utf8(&rest[..end]).ok() }
}

impl Event {
    /// Reads a single event.
    ///
    /// # Errors
    /// Fails on what is not JSON, not an event, or not as documented.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow)]
            e: Cow<'a, str>,
        }
        if let Some(kind) = leading_kind(bytes) {
            return Self::of_kind(kind, bytes);
        }
        let Kind { e } = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
        Self::of_kind(&e, bytes)
    }

    fn of_kind(kind: &str, bytes: &[u8]) -> Result<Self, WireError> {
        Ok(match kind {
            "aggTrade" => Self::AggTrade(decode(bytes)?),
            "bookTicker" => Self::BookTicker(decode(bytes)?),
            "depthUpdate" => Self::Depth(decode(bytes)?),
            "markPriceUpdate" => Self::MarkPrice(decode(bytes)?),
            "kline" => Self::Kline(decode(bytes)?),
            "tradepro" => Self::Trade(decode(bytes)?),
            "24hrMiniTicker" => Self::MiniTicker(decode(bytes)?),
            "24hrTicker" => Self::Ticker(decode(bytes)?),
            "forceOrder" => Self::ForceOrder(decode(bytes)?),
            "ORDER_TRADE_UPDATE" => Self::Order(decode(bytes)?),
            "ACCOUNT_UPDATE" => Self::Account(decode(bytes)?),
            "MARGIN_CALL" => Self::MarginCall(decode(bytes)?),
            "ACCOUNT_CONFIG_UPDATE" => Self::Config(decode(bytes)?),
            "listenKeyExpired" => Self::ListenKeyExpired(decode(bytes)?),
            other => {
                // Whole and JSON it must be all the same: half a frame is never an event.
                decode::<serde::de::IgnoredAny>(bytes)?;
                Self::Other { kind: other.to_owned() }
            }
        })
    }

    /// Name of its kind, as the venue writes it.
    pub fn kind(&self) -> &str {
        match self {
            Self::AggTrade(_) => "aggTrade",
            Self::Trade(_) => "tradepro",
            Self::BookTicker(_) => "bookTicker",
            Self::MarkPrice(_) => "markPriceUpdate",
            Self::Kline(_) => "kline",
            Self::Depth(_) => "depthUpdate",
            Self::MiniTicker(_) => "24hrMiniTicker",
            Self::Ticker(_) => "24hrTicker",
            Self::ForceOrder(_) => "forceOrder",
            Self::Order(_) => "ORDER_TRADE_UPDATE",
            Self::Account(_) => "ACCOUNT_UPDATE",
            Self::MarginCall(_) => "MARGIN_CALL",
            Self::Config(_) => "ACCOUNT_CONFIG_UPDATE",
            Self::ListenKeyExpired(_) => "listenKeyExpired",
            Self::Other { kind } => kind,
        }
    }
}

/// An event with its kind as first field, as the venue writes it. Kinds that are not known have lost their fields.
impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a, T> {
            e: &'a str,
            #[serde(flatten)]
            event: &'a T,
        }
        fn named<T: Serialize, S: serde::Serializer>(e: &str, event: &T, to: S) -> Result<S::Ok, S::Error> {
            Named { e, event }.serialize(to)
        }
        let kind = self.kind();
        match self {
            Self::AggTrade(event) => named(kind, event, to),
            Self::Trade(event) => named(kind, event, to),
            Self::BookTicker(event) => named(kind, event, to),
            Self::MarkPrice(event) => named(kind, event, to),
            Self::Kline(event) => named(kind, event, to),
            Self::Depth(event) => named(kind, event, to),
            Self::MiniTicker(event) => named(kind, event, to),
            Self::Ticker(event) => named(kind, event, to),
            Self::ForceOrder(event) => named(kind, event, to),
            Self::Order(event) => named(kind, event, to),
            Self::Account(event) => named(kind, event, to),
            Self::MarginCall(event) => named(kind, event, to),
            Self::Config(event) => named(kind, event, to),
            Self::ListenKeyExpired(event) => named(kind, event, to),
            Self::Other { kind } => named(kind, &super::market::Empty {}, to),
        }
    }
}
