//! Events as they happen, as server-sent events, and the last few for the page.
//!
//! Each stream reads from the director's broadcast at its own pace: a slow one holds up nobody, loses
//! the oldest events and is told how many.

use super::error::{ApiError, ErrorBody};
use super::state::ApiState;
use crate::control::Event;
use crate::telemetry::{Actor, DropReason};
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpResponse};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Interval;

/// Events that the page shows.
const RECENT_EVENTS: usize = 30;

/// The last events, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentEvents(Arc<Mutex<VecDeque<Event>>>);

impl RecentEvents {
    /// Keeps up with the director until the server stops.
    pub(super) async fn follow(self, mut events: Receiver<Event>, mut closing: watch::Receiver<bool>) {
        loop {
            let received = tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return,
                received = events.recv() => received,
            };
            match received {
                Ok(event) => self.push(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn push(&self, event: Event) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == RECENT_EVENTS {
            recent.pop_front();
        }
        recent.push_back(event);
    }

    /// Newest first.
    pub(super) fn newest_first(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

/// One client's stream.
struct Listener {
    events: Receiver<Event>,
    heartbeat: Interval,
    closing: watch::Receiver<bool>,
    state: Data<ApiState>,
    greeted: bool,
    /// Gives the place back when the client goes.
    _place: OwnedSemaphorePermit,
}

/// The word that `EventSource` listeners listen for.
fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Signal(_) => "signal",
        Event::Fill { .. } => "fill",
        Event::Trade { .. } => "trade",
        Event::Breaker { .. } => "breaker",
        Event::Agent { .. } => "agent",
        Event::Notice { .. } => "notice",
    }
}

fn frame(name: &str, data: &str) -> Bytes {
    // JSON has no raw line ends, so one `data` line carries it.
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

impl Listener {
    /// What is sent next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(Bytes::from_static(b"retry: 2000\n\n"));
        }
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => None,
            received = self.events.recv() => match received {
                Ok(event) => {
                    let data = serde_json::to_string(&event).expect("invariant: events are plain data");
                    Some(frame(event_name(&event), &data))
                }
                Err(RecvError::Lagged(lost)) => {
                    self.state.metrics.dropped_many(Actor::Api, DropReason::Lagged, lost);
                    Some(frame("lost", &format!(r#"{{"lost":{lost}}}"#)))
                }
                Err(RecvError::Closed) => None,
            },
            _ = self.heartbeat.tick() => Some(Bytes::from_static(b": still here\n\n")),
        }
    }
}

fn stream(listener: Listener) -> impl Stream<Item = Result<Bytes, Error>> {
    unfold(listener, async |mut listener| {
        let bytes = listener.next().await?;
        Some((Ok(bytes), listener))
    })
}

/// Events from now on: `signal`, `fill`, `trade`, `breaker`, `agent`, `notice`, each with the event as
/// JSON; `lost` says how many a slow listener has missed.
#[utoipa::path(get, path = "/api/v1/events", tag = "read", responses(
    (status = 200, description = "A stream that ends when the swarm stops.", content_type = "text/event-stream",
     body = super::schema::Event),
    (status = 503, description = "As many streams are open as allowed.", body = ErrorBody),
))]
pub(super) async fn events(state: Data<ApiState>) -> Result<HttpResponse, ApiError> {
    let place = Arc::clone(&state.streams).try_acquire_owned();
    let place = place.map_err(|_| ApiError::too_many_streams(state.limits.event_streams))?;
    let period = state.limits.heartbeat;
    let listener = Listener {
        events: state.control.events(),
        heartbeat: tokio::time::interval_at(tokio::time::Instant::now() + period, period),
        closing: state.closing(),
        state,
        greeted: false,
        _place: place,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Compressed, events would wait in the compressor.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(stream(listener)))
}
