//! One set of streams over sockets that come and go, as a pure state machine: what happened goes in, what to do
//! comes out. Sockets are in two slots, so that a connection near its 24 hours is replaced before it ends and
//! nothing is missed; what both deliver is passed on once.
//!
//! Knows no socket and no clock: a shell carries its acts out and tells it the time.

use super::backoff::Backoff;
use super::dedupe::Dedupe;
use crate::aster::wire::{Body, Control, Event, Frame};
use swarm_core::model::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, SECOND_MS, Time};

/// Most streams of one connection.
pub const MAX_STREAMS: usize = 200;

/// One of the two places for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    const BOTH: [Self; 2] = [Self::A, Self::B];
    /// As an index.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Times by which a session goes.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Age at which a connection is replaced.
    pub life_ms: Millis,
    /// A connection without any frame for this long is dead.
    pub idle_ms: Millis,
    /// Longest wait for a connection, and for the answer to a subscription.
    pub answer_ms: Millis,
    /// How long both connections are kept, at most, before the old one goes.
    pub overlap_ms: Millis,
}

impl Policy {
    /// For market streams: replaced five minutes before the venue ends them, dead after a minute of silence.
    pub const MARKET: Self = Self {
        life_ms: DAY_MS - 5 * MINUTE_MS,
        idle_ms: MINUTE_MS,
        answer_ms: 5 * SECOND_MS,
        overlap_ms: 10 * SECOND_MS,
    };
    /// For user streams, which may be silent for long: the venue pings every five minutes.
    pub const USER: Self = Self { life_ms: 23 * HOUR_MS, idle_ms: 12 * MINUTE_MS, ..Self::MARKET };
}

/// What the shell is to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Connect this slot.
    Open(Slot),
    /// Send a text.
    Send(Slot, String),
    /// Close this slot; nothing more is expected of it.
    Close(Slot),
    /// Streams are delivered from here on.
    Up,
    /// Nothing is delivered: books are to be built anew, fills to be fetched.
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Closed,
    Opening { since: Time },
    Subscribing { opened: Time, last: Time },
    Live { opened: Time, live: Time, last: Time, delivered: bool },
}

/// A set of streams.
#[derive(Clone, Debug)]
pub struct Session {
    streams: Vec<String>,
    policy: Policy,
    sockets: [Socket; 2],
    retry_at: Time,
    up: bool,
    next_id: u64,
    backoff: Backoff,
    dedupe: Dedupe,
}

/// More streams than a connection may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} streams are more than the {MAX_STREAMS} of one connection: use several sessions")]
pub struct TooManyStreams(pub usize);

impl Session {
    /// For these streams, written in lower case; none for a user stream, whose URL says all.
    ///
    /// # Errors
    /// Fails on more streams than a connection may have.
    pub fn new(streams: &[String], policy: Policy, seed: u64) -> Result<Self, TooManyStreams> {
        if streams.len() > MAX_STREAMS {
            return Err(TooManyStreams(streams.len()));
        }
        // Upper-case symbols are accepted and never deliver. Only the symbol before `@` has case; parameters such as
        // `markPrice` keep theirs.
        let lower = |name: &String| match name.split_once('@') {
            Some((symbol, kind)) if !symbol.starts_with('!') => format!("{}@{kind}", symbol.to_lowercase()),
            _ => name.clone(),
        };
        Ok(Self {
            streams: streams.iter().map(lower).collect(),
            policy,
            sockets: [Socket::Closed; 2],
            retry_at: Time(i64::MIN),
            up: false,
            next_id: 1,
            backoff: Backoff::new(seed),
            dedupe: Dedupe::default(),
        })
    }

    /// Whether streams are delivered.
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// Time has passed: opens what is missing, closes what is dead, replaces what is old.
    pub fn tick(&mut self, now: Time) -> Vec<Act> {
        let mut acts = Vec::new();
        for slot in Slot::BOTH {
            if self.dies_at(slot).is_some_and(|at| at <= now) {
                acts.push(Act::Close(slot));
                self.lose(slot, now, &mut acts);
            }
        }
        self.retire(now, &mut acts);
        if self.wants_socket(now)
            && now >= self.retry_at
            && let Some(slot) = Slot::BOTH.into_iter().find(|slot| self.sockets[slot.index()] == Socket::Closed)
        {
            self.sockets[slot.index()] = Socket::Opening { since: now };
            acts.push(Act::Open(slot));
        }
        acts
    }

    /// When [`tick`](Self::tick) has something to do at the latest.
    pub fn next_tick(&self, now: Time) -> Time {
        let deaths = Slot::BOTH.into_iter().filter_map(|slot| self.dies_at(slot));
        let opening = if self.wants_socket(now) { Some(self.retry_at) } else { self.replace_at() };
        let retiring = self.retires_at().map(|(_, at)| at);
        deaths.chain(opening).chain(retiring).min().unwrap_or(now.plus(MINUTE_MS)).max(now)
    }

    /// A socket is connected.
    pub fn opened(&mut self, slot: Slot, now: Time) -> Vec<Act> {
        if !matches!(self.sockets[slot.index()], Socket::Opening { .. }) {
            return Vec::new();
        }
        if self.streams.is_empty() {
            return self.go_live(slot, now, now);
        }
        self.sockets[slot.index()] = Socket::Subscribing { opened: now, last: now };
        let control = Control::subscribe(&self.streams, self.next_id);
        self.next_id += 1;
        vec![Act::Send(slot, control.to_text())]
    }

    /// A socket ended, or could not be opened.
    pub fn closed(&mut self, slot: Slot, now: Time) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.sockets[slot.index()] != Socket::Closed {
            self.lose(slot, now, &mut acts);
        }
        acts
    }

    /// A ping or pong came: the socket is alive.
    pub fn alive(&mut self, slot: Slot, now: Time) {
        match &mut self.sockets[slot.index()] {
            Socket::Subscribing { last, .. } | Socket::Live { last, .. } => *last = now,
            Socket::Closed | Socket::Opening { .. } => {}
        }
    }

    /// A frame came. Whether it is to be passed on, and what to do.
    pub fn frame(&mut self, slot: Slot, now: Time, frame: &Frame, bytes: &[u8]) -> (bool, Vec<Act>) {
        self.alive(slot, now);
        let mut acts = Vec::new();
        match (&frame.body, self.sockets[slot.index()]) {
            (_, Socket::Closed | Socket::Opening { .. }) => return (false, acts),
            (Body::Done { .. }, Socket::Subscribing { opened, .. }) => {
                acts = self.go_live(slot, opened, now);
                return (false, acts);
            }
            (Body::Refused { .. }, Socket::Subscribing { .. }) => {
                acts.push(Act::Close(slot));
                self.lose(slot, now, &mut acts);
                return (false, acts);
            }
            (Body::Done { .. } | Body::Refused { .. }, Socket::Live { .. }) => return (false, acts),
            (Body::Event(_) | Body::Events(_), _) => {}
        }
        if let Socket::Live { delivered, .. } = &mut self.sockets[slot.index()] {
            *delivered = true;
        }
        let new = self.dedupe.is_new(frame, bytes);
        self.retire(now, &mut acts);
        if matches!(frame.body, Body::Event(Event::ListenKeyExpired(_))) {
            acts.extend(self.restart(now));
        }
        (new, acts)
    }

    /// Closes everything, as on an expired listen key; the next tick opens anew at once.
    pub fn restart(&mut self, now: Time) -> Vec<Act> {
        let mut acts = Vec::new();
        for slot in Slot::BOTH {
            if self.sockets[slot.index()] != Socket::Closed {
                self.sockets[slot.index()] = Socket::Closed;
                acts.push(Act::Close(slot));
            }
        }
        self.retry_at = now;
        self.settle(&mut acts);
        acts
    }

    fn go_live(&mut self, slot: Slot, opened: Time, now: Time) -> Vec<Act> {
        self.sockets[slot.index()] = Socket::Live { opened, live: now, last: now, delivered: false };
        self.backoff.works(now);
        let mut acts = Vec::new();
        self.settle(&mut acts);
        self.retire(now, &mut acts);
        acts
    }

    fn lose(&mut self, slot: Slot, now: Time, acts: &mut Vec<Act>) {
        self.sockets[slot.index()] = Socket::Closed;
        self.retry_at = self.backoff.fails(now);
        self.settle(acts);
    }

    /// Says so when delivery begins or ends.
    fn settle(&mut self, acts: &mut Vec<Act>) {
        let up = self.sockets.iter().any(|socket| matches!(socket, Socket::Live { .. }));
        if up != self.up {
            self.up = up;
            acts.push(if up { Act::Up } else { Act::Down });
        }
    }

    fn dies_at(&self, slot: Slot) -> Option<Time> {
        match self.sockets[slot.index()] {
            Socket::Closed => None,
            Socket::Opening { since } => Some(since.plus(self.policy.answer_ms)),
            Socket::Subscribing { opened, .. } => Some(opened.plus(self.policy.answer_ms)),
            Socket::Live { last, .. } => Some(last.plus(self.policy.idle_ms)),
        }
    }

    /// Whether a socket is to be opened: none is there, or the only one is old.
    fn wants_socket(&self, now: Time) -> bool {
        match self.sockets.iter().filter(|socket| **socket != Socket::Closed).count() {
            0 => true,
            1 => self.replace_at().is_some_and(|at| at <= now),
            _ => false,
        }
    }

    /// When the only socket gets too old.
    fn replace_at(&self) -> Option<Time> {
        let mut open = self.sockets.iter().filter(|socket| **socket != Socket::Closed);
        match (open.next(), open.next()) {
            (Some(Socket::Live { opened, .. }), None) => Some(opened.plus(self.policy.life_ms)),
            _ => None,
        }
    }

    /// The older of two live sockets, and when it may go: once the newer one has delivered, or has had its time.
    fn retires_at(&self) -> Option<(Slot, Time)> {
        let [
            Socket::Live { opened: a, live: live_a, delivered: from_a, .. },
            Socket::Live { opened: b, live: live_b, delivered: from_b, .. },
        ] = self.sockets
        else {
            return None;
        };
        let (old, live, delivered) = if a <= b { (Slot::A, live_b, from_b) } else { (Slot::B, live_a, from_a) };
        // Every stream of a list has its own rhythm: the newer socket has delivered one, the others may be about to.
        let overlap = if delivered { self.policy.overlap_ms / 2 } else { self.policy.overlap_ms };
        Some((old, live.plus(overlap)))
    }

    fn retire(&mut self, now: Time, acts: &mut Vec<Act>) {
        if let Some((old, at)) = self.retires_at()
            && at <= now
        {
            self.sockets[old.index()] = Socket::Closed;
            acts.push(Act::Close(old));
        }
    }
}
