//! Stream connections: who subscribes to what, control messages, frames on their way out. Knows no market.

use super::faults::{FaultKind, Faults};
use super::refusal::Refusal;
use super::venue::ConnectionId;
use crate::aster::sign::Micros;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Connections at a time.
const MAX_CONNECTIONS: usize = 1_024;
/// Streams of a connection.
const MAX_STREAMS: usize = 200;
/// Longest name of a stream.
const MAX_NAME: usize = 128;
/// Control messages of a connection in a second.
const MESSAGES_A_SECOND: u32 = 10;
/// Frames kept for the host to take.
const MAX_OUTBOX: usize = 200_000;

/// What a host does with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Sends a text frame.
    Text(String),
    /// Closes it.
    Close,
}

#[derive(Debug, Default)]
struct Connection {
    names: BTreeSet<String>,
    combined: bool,
    /// A frame that lets the next one pass.
    held: Option<String>,
    second: Micros,
    messages: u32,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Streams {
    connections: BTreeMap<ConnectionId, Connection>,
    by_name: BTreeMap<String, BTreeSet<ConnectionId>>,
    next: u64,
    outbox: VecDeque<(ConnectionId, Out)>,
}

impl Streams {
    /// Opens a connection at `/ws`, `/ws/<stream>` or `/stream?streams=<a>/<b>`.
    pub fn connect(&mut self, path: &str, query: &str) -> Result<ConnectionId, Refusal> {
        if self.connections.len() >= MAX_CONNECTIONS {
            return Err(Refusal::with_status(503, -1003, "Too many stream connections."));
        }
        let (names, combined) = if let Some(rest) = path.strip_prefix("/ws") {
            (rest.to_owned(), false)
        } else {
            let names = query.split('&').find_map(|pair| pair.strip_prefix("streams=")).unwrap_or_default();
            (names.replace("%2F", "/").replace("%2f", "/").replace("%40", "@").replace("%21", "!"), true)
        };
        let names: Vec<String> = names.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.len() > MAX_STREAMS || names.iter().any(|name| name.len() > MAX_NAME) {
            return Err(Refusal::new(-1130, "Too many streams, or a name that is too long."));
        }
        self.next += 1;
        let id = ConnectionId(self.next);
        self.connections.insert(id, Connection { combined, ..Connection::default() });
        names.into_iter().for_each(|name| self.subscribe(id, name));
        Ok(id)
    }

    /// Forgets a connection.
    pub fn disconnect(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            connection.names.iter().for_each(|name| self.unlink(id, name));
        }
    }

    fn subscribe(&mut self, id: ConnectionId, name: String) {
        if let Some(connection) = self.connections.get_mut(&id)
            && connection.names.insert(name.clone())
        {
            self.by_name.entry(name).or_default().insert(id);
        }
    }

    fn unlink(&mut self, id: ConnectionId, name: &str) {
        if let Some(ids) = self.by_name.get_mut(name) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// Whether anybody listens.
    pub fn wanted(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Names that start so and that somebody listens to.
    pub fn wanted_from<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.by_name.range(start.to_owned()..);
        names.map(|(name, _)| name.as_str()).take_while(move |name| name.starts_with(start))
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    /// Takes a control message.
    pub fn message(&mut self, id: ConnectionId, text: &str, now: Micros) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let second = now / 1_000_000;
        if connection.second != second {
            (connection.second, connection.messages) = (second, 0);
        }
        connection.messages += 1;
        if connection.messages > MESSAGES_A_SECOND {
            self.close(id);
            return;
        }
        let answer = self.control(id, text).unwrap_or_else(|(code, msg)| json!({ "code": code, "msg": msg }));
        self.send(id, Out::Text(answer.to_string()));
    }

    fn control(&mut self, id: ConnectionId, text: &str) -> Result<Value, (u8, String)> {
        let message: Value = serde_json::from_str(text).map_err(|error| (3, format!("Invalid JSON: {error}")))?;
        let invalid = |what: &str| (2, format!("Invalid request: {what}"));
        let number = match message.get("id") {
            Some(number) => number.as_u64().ok_or_else(|| invalid("request ID must be an unsigned integer"))?,
            None => return Err(invalid("missing request ID")),
        };
        let params = match message.get("params") {
            None => &[][..],
            Some(Value::Array(params)) => params.as_slice(),
            Some(_) => return Err(invalid("params must be a list")),
        };
        let names = || -> Result<Vec<String>, (u8, String)> {
            let name = |value: &Value| value.as_str().filter(|name| name.len() <= MAX_NAME).map(str::to_owned);
            params.iter().map(|value| name(value).ok_or_else(|| invalid("stream names must be strings"))).collect()
        };
        let result = match message.get("method").and_then(Value::as_str) {
            Some("SUBSCRIBE") => {
                let names = names()?;
                let held = self.connections.get(&id).map_or(0, |connection| connection.names.len());
                if held + names.len() > MAX_STREAMS {
                    return Err(invalid("too many streams"));
                }
                names.into_iter().for_each(|name| self.subscribe(id, name));
                Value::Null
            }
            Some("UNSUBSCRIBE") => {
                for name in names()? {
                    if self.connections.get_mut(&id).is_some_and(|connection| connection.names.remove(&name)) {
                        self.unlink(id, &name);
                    }
                }
                Value::Null
            }
            Some("LIST_SUBSCRIPTIONS") => {
                self.connections.get(&id).map(|connection| json!(connection.names)).unwrap_or_default()
            }
            Some("SET_PROPERTY") => self.set_property(id, params)?,
            Some("GET_PROPERTY") => {
                property(params.first())?;
                json!(self.connections.get(&id).is_some_and(|connection| connection.combined))
            }
            _ => return Err(invalid("unknown method")),
        };
        Ok(json!({ "result": result, "id": number }))
    }

    fn set_property(&mut self, id: ConnectionId, params: &[Value]) -> Result<Value, (u8, String)> {
        property(params.first())?;
        if params.len() > 2 {
            return Err((2, "Invalid request: too many parameters".to_owned()));
        }
        let Some(combined) = params.get(1).and_then(Value::as_bool) else {
            return Err((1, "Invalid value type: expected Boolean".to_owned()));
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.combined = combined;
        }
        Ok(Value::Null)
    }

    /// Hands a frame to everybody who listens to `name`.
    pub fn publish(&mut self, name: &str, data: &str, faults: &mut Faults) {
        let Some(ids) = self.by_name.get(name) else { return };
        for id in ids.clone() {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let text = if connection.combined {
                format!(r#"{{"stream":{},"data":{data}}}"#, Value::String(name.to_owned()))
            } else {
                data.to_owned()
            };
            let struck = faults.strike(name, true);
            if struck.contains(&FaultKind::Disconnect) {
                self.close(id);
                continue;
            }
            if struck.contains(&FaultKind::FreezeStreams) || struck.contains(&FaultKind::LoseFrames) {
                continue;
            }
            if struck.contains(&FaultKind::ReorderFrames) && connection.held.is_none() {
                connection.held = Some(text);
                continue;
            }
            let held = connection.held.take();
            if struck.contains(&FaultKind::DuplicateFrames) {
                self.send(id, Out::Text(text.clone()));
            }
            self.send(id, Out::Text(text));
            if let Some(held) = held {
                self.send(id, Out::Text(held));
            }
        }
    }

    /// Closes a connection from this side.
    fn close(&mut self, id: ConnectionId) {
        self.disconnect(id);
        self.send(id, Out::Close);
    }

    /// Closes all of them.
    pub fn close_all(&mut self) {
        let ids: Vec<_> = self.connections.keys().copied().collect();
        ids.into_iter().for_each(|id| self.close(id));
    }

    fn send(&mut self, id: ConnectionId, out: Out) {
        // A host takes them after every call; what nobody takes must not grow without end.
        if self.outbox.len() < MAX_OUTBOX {
            self.outbox.push_back((id, out));
        }
    }

    /// What is to be sent since the last time.
    pub fn take(&mut self) -> VecDeque<(ConnectionId, Out)> {
        std::mem::take(&mut self.outbox)
    }
}

fn property(name: Option<&Value>) -> Result<(), (u8, String)> {
    match name {
        Some(Value::String(name)) if name == "combined" => Ok(()),
        Some(Value::String(_)) => Err((0, "Unknown property".to_owned())),
        _ => Err((2, "Invalid request: property name must be a string".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(streams: &mut Streams) -> Vec<String> {
        streams
            .take()
            .into_iter()
            .map(|(_, out)| if let Out::Text(text) = out { text } else { "closed".into() })
            .collect()
    }

    fn check(message: &str, expected: &str) {
        let mut streams = Streams::default();
        let id = streams.connect("/ws/btcusdt@aggTrade", "").unwrap();
        streams.message(id, message, 0);
        let answers = texts(&mut streams);
        assert_eq!(answers.len(), 1);
        assert!(answers[0].contains(expected), "{message}: {}", answers[0]);
    }

    #[test]
    fn control_messages_are_answered_as_documented() {
        check(r#"{"method":"SUBSCRIBE","params":["a","b"],"id":1}"#, r#"{"result":null,"id":1}"#);
        check(r#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#, r#"{"result":["btcusdt@aggTrade"],"id":2}"#);
        check(r#"{"method":"GET_PROPERTY","params":["combined"],"id":4}"#, r#"{"result":false,"id":4}"#);
        check(r#"{"method":"GET_PROPERTY","params":["x"],"id":4}"#, r#""code":0"#);
        check(r#"{"method":"SET_PROPERTY","params":["combined",1],"id":4}"#, r#""code":1"#);
        check(r#"{"method":"SET_PROPERTY","params":[5],"id":4}"#, r#""code":2"#);
        check(r#"{"method":"SUBSCRIBE","params":[],"id":"x"}"#, r#""code":2"#);
        check("nonsense", r#""code":3"#);
    }

    #[test]
    fn frames_are_bare_or_wrapped_and_go_to_subscribers_only() {
        let (mut streams, mut faults) = (Streams::default(), Faults::new(1));
        streams.connect("/ws/a", "").unwrap();
        streams.connect("/stream", "streams=a/b").unwrap();
        streams.publish("a", "{}", &mut faults);
        streams.publish("b", "1", &mut faults);
        streams.publish("c", "2", &mut faults);
        assert_eq!(texts(&mut streams), ["{}", r#"{"stream":"a","data":{}}"#, r#"{"stream":"b","data":1}"#]);
    }

    #[test]
    fn too_many_messages_close_the_connection() {
        let mut streams = Streams::default();
        let id = streams.connect("/ws", "").unwrap();
        for _ in 0..=MESSAGES_A_SECOND {
            streams.message(id, r#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#, 5);
        }
        assert_eq!(texts(&mut streams).last().map(String::as_str), Some("closed"));
        assert_eq!(streams.count(), 0);
    }

    #[test]
    fn faults_double_lose_and_reorder_frames() {
        let run = |kind: &str| {
            let (mut streams, mut faults) = (Streams::default(), Faults::new(1));
            faults.rules = vec![serde_json::from_str(&format!(r#"{{"kind":"{kind}","times":1}}"#)).unwrap()];
            streams.connect("/ws/a", "").unwrap();
            ["1", "2", "3"].into_iter().for_each(|data| streams.publish("a", data, &mut faults));
            texts(&mut streams).join(" ")
        };
        assert_eq!(run("duplicate_frames"), "1 1 2 3");
        assert_eq!(run("lose_frames"), "2 3");
        assert_eq!(run("reorder_frames"), "2 1 3");
        assert_eq!(run("disconnect"), "closed");
    }
}
