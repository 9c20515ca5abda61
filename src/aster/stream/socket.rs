//! Sockets for a [`Session`]: a task a socket, and a pump that carries the session's acts out and hands on what
//! comes. Decides nothing.

use super::session::{Act, Session, Slot};
use crate::aster::wire::{Frame, WireError};
use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_core::model::Time;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Frames waiting between the sockets and the pump; a full queue slows the socket down, nothing is dropped.
const QUEUE: usize = 1_024;
/// Longest frame that is taken, in bytes.
const MAX_FRAME: usize = 8 * 1024 * 1024;

/// What a stream delivers, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// Frames come from here on. What was known before may be old: build books anew, fetch fills.
    Up,
    /// Nothing comes until the next [`Up`](Self::Up).
    Down,
    /// A socket ended, for this reason. Whether anything was missed, `Down` says.
    Closed(String),
    /// A frame, once.
    Frame {
        /// What it holds.
        frame: Frame,
        /// When it was received, by our clock.
        at: Time,
    },
    /// A frame that could not be read, and was passed over.
    Unreadable(WireError),
}

/// What a socket's task tells the pump.
enum Happening {
    Opened,
    Text(Utf8Bytes),
    Alive,
    Closed(String),
}

/// A socket's task, by the way to it. Dropping it closes the socket.
struct Line {
    birth: u64,
    texts: mpsc::Sender<String>,
}

/// Runs a session's sockets.
pub(super) struct Pump {
    session: Session,
    url: String,
    lines: [Option<Line>; 2],
    births: u64,
    happenings: mpsc::Receiver<(Slot, u64, Happening)>,
    tell: mpsc::Sender<(Slot, u64, Happening)>,
    ready: VecDeque<Delivery>,
}

impl Pump {
    pub(super) fn new(session: Session, url: String) -> Self {
        // The TLS library panics without one; a second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (tell, happenings) = mpsc::channel(QUEUE);
        Self { session, url, lines: [None, None], births: 0, happenings, tell, ready: VecDeque::new() }
    }

    /// The next thing delivered. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return delivery;
            }
            let now = now();
            let acts = self.session.tick(now);
            self.carry_out(acts);
            if !self.ready.is_empty() {
                continue;
            }
            let wait = self.session.next_tick(now).since(now).max(1);
            let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
            tokio::select! {
                biased;
                Some((slot, birth, happening)) = self.happenings.recv() => self.take(slot, birth, happening),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn take(&mut self, slot: Slot, birth: u64, happening: Happening) {
        // Words of a socket that was closed since are old.
        if self.lines[slot.index()].as_ref().is_none_or(|line| line.birth != birth) {
            return;
        }
        let now = now();
        let acts = match happening {
            Happening::Opened => self.session.opened(slot, now),
            Happening::Alive => {
                self.session.alive(slot, now);
                Vec::new()
            }
            Happening::Closed(why) => {
                self.lines[slot.index()] = None;
                self.ready.push_back(Delivery::Closed(why));
                self.session.closed(slot, now)
            }
            Happening::Text(text) => match Frame::read(text.as_bytes()) {
                Ok(frame) => {
                    let (new, acts) = self.session.frame(slot, now, &frame, text.as_bytes());
                    if new {
                        self.ready.push_back(Delivery::Frame { frame, at: now });
                    }
                    acts
                }
                Err(error) => {
                    self.session.alive(slot, now);
                    self.ready.push_back(Delivery::Unreadable(error));
                    Vec::new()
                }
            },
        };
        self.carry_out(acts);
    }

    fn carry_out(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Open(slot) => self.open(slot),
                Act::Close(slot) => self.lines[slot.index()] = None,
                Act::Up => self.ready.push_back(Delivery::Up),
                Act::Down => self.ready.push_back(Delivery::Down),
                Act::Send(slot, text) => {
                    // A socket sends one text in its life, so there is room; a dead one says so by itself.
                    if let Some(line) = &self.lines[slot.index()] {
                        let _ = line.texts.try_send(text);
                    }
                }
            }
        }
    }

    fn open(&mut self, slot: Slot) {
        self.births += 1;
        let (texts, outgoing) = mpsc::channel(16);
        self.lines[slot.index()] = Some(Line { birth: self.births, texts });
        let teller = Teller { slot, birth: self.births, tell: self.tell.clone() };
        tokio::spawn(serve(self.url.clone(), outgoing, teller));
    }
}

/// A socket's voice.
struct Teller {
    slot: Slot,
    birth: u64,
    tell: mpsc::Sender<(Slot, u64, Happening)>,
}

impl Teller {
    /// `false` when nobody listens any more.
    async fn say(&self, happening: Happening) -> bool {
        self.tell.send((self.slot, self.birth, happening)).await.is_ok()
    }
}

/// One socket, from connecting to its end. Pings are answered by the library.
async fn serve(url: String, mut outgoing: mpsc::Receiver<String>, teller: Teller) {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_FRAME)).max_frame_size(Some(MAX_FRAME));
    let connected = tokio::select! {
        biased;
        // Closed by the pump, or given up by it, before there was a connection.
        _ = outgoing.recv() => return,
        connected = tokio_tungstenite::connect_async_with_config(url, Some(config), true) => connected,
    };
    let mut socket = match connected {
        Ok((socket, _)) => socket,
        Err(error) => {
            teller.say(Happening::Closed(error.to_string())).await;
            return;
        }
    };
    if !teller.say(Happening::Opened).await {
        return;
    }
    let why = loop {
        let happening = tokio::select! {
            biased;
            text = outgoing.recv() => match text {
                Some(text) => match socket.send(Message::text(text)).await {
                    Ok(()) => continue,
                    Err(error) => break error.to_string(),
                },
                None => {
                    // Best effort: the other side may be gone already.
                    let _ = socket.close(None).await;
                    return;
                }
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => Happening::Text(text),
                Some(Ok(Message::Close(_))) | None => break "the venue closed the connection".to_owned(),
                Some(Ok(_)) => Happening::Alive,
                Some(Err(error)) => break error.to_string(),
            },
        };
        if !teller.say(happening).await {
            return;
        }
    };
    teller.say(Happening::Closed(why)).await;
}

/// Runs a session against `url` until nobody takes its deliveries any more. A slow taker slows the sockets down.
pub async fn run(session: Session, url: String, out: mpsc::Sender<Delivery>) {
    let mut pump = Pump::new(session, url);
    loop {
        let delivery = tokio::select! {
            biased;
            () = out.closed() => return,
            delivery = pump.next() => delivery,
        };
        if out.send(delivery).await.is_err() {
            return;
        }
    }
}

pub(super) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
