//! Event streams: in time, bounded in number, honest about losses.

use super::{check, notice, request};
use crate::api::ServerLimits;
use crate::api::testing::{Fake, decision};
use crate::control::Event;
use crate::telemetry::strict;
use serde_json::Value;
use std::time::Duration;
use swarm_core::model::Time;

/// An open event stream, read frame by frame.
struct Frames {
    answer: reqwest::Response,
    buffer: String,
}

impl Frames {
    async fn open(fake: &Fake) -> Self {
        // As a browser asks: compression must not hold events back.
        let headers = [("accept", "text/event-stream"), ("accept-encoding", "gzip")];
        let answer = request(fake, "GET", "/api/v1/events", &headers, "").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut frames = Self { answer, buffer: String::new() };
        assert_eq!(frames.next().await.as_deref(), Some("retry: 2000"));
        frames
    }

    /// The next frame without its end; `None` when the stream ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(frame);
            }
            let chunk = self.answer.chunk().await.unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn events_come_as_they_happen_until_the_server_stops() {
    let fake = Fake::start().await;
    let mut frames = Frames::open(&fake).await;
    let told = [
        ("notice", notice("line\nbreak")),
        ("agent", Event::Agent { at: Time(1), agent: "expert-btcusdt".into(), change: "stopped".into() }),
        ("signal", Event::Signal(Box::new(decision(7, 2)))),
    ];
    for (name, event) in told {
        fake.control.tell(event.clone());
        let frame = frames.next().await.unwrap();
        let data = frame.strip_prefix(&format!("event: {name}\ndata: ")).unwrap_or_else(|| panic!("{frame}"));
        assert_eq!(serde_json::from_str::<Event>(data).unwrap(), event);
    }
    fake.server.stop().await;
    assert_eq!(frames.next().await, None);
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let limits = ServerLimits { heartbeat: Duration::from_millis(10), ..ServerLimits::default() };
    let fake = Fake::with(|state| state.with_limits(limits)).await;
    let mut frames = Frames::open(&fake).await;
    for _ in 0..2 {
        assert_eq!(frames.next().await.as_deref(), Some(": still here"));
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn a_slow_listener_is_told_how_many_it_lost() {
    const TOLD: u64 = 20_000;
    let fake = Fake::start().await;
    let mut frames = Frames::open(&fake).await;
    // More than the sockets between can hold, while the listener reads nothing.
    let text = "x".repeat(1_024);
    for _ in 1..TOLD {
        fake.control.tell(notice(&text));
    }
    fake.control.tell(notice("last"));
    let (mut received, mut lost) = (0, 0);
    while let Some(frame) = frames.next().await {
        if let Some(data) = frame.strip_prefix("event: lost\ndata: ") {
            lost += serde_json::from_str::<Value>(data).unwrap()["lost"].as_u64().unwrap();
        } else if frame.starts_with("event: notice") {
            received += 1;
        }
        if frame.contains("last") {
            break;
        }
    }
    assert!(lost > 0);
    assert_eq!(received + lost, TOLD);
    let page = strict::parse(&fake.metrics.render()).unwrap();
    assert_eq!(page.value("swarm_dropped_total", &[("actor", "api"), ("reason", "lagged")]), lost as f64);
    fake.server.stop().await;
}

#[tokio::test]
async fn event_streams_are_few_and_a_place_is_given_back() {
    let limits = ServerLimits { event_streams: 2, heartbeat: Duration::from_millis(5), ..ServerLimits::default() };
    let fake = Fake::with(|state| state.with_limits(limits)).await;
    let first = Frames::open(&fake).await;
    let _second = Frames::open(&fake).await;
    check(&fake, "GET", "/api/v1/events", &[], "", 503, "too_many_streams").await;
    check(&fake, "GET", "/api/v1/swarm", &[], "", 200, "").await;
    drop(first);
    let mut status = 503;
    for _ in 0..10_000 {
        status = request(&fake, "GET", "/api/v1/events", &[], "").send().await.unwrap().status().as_u16();
        if status == 200 {
            break;
        }
    }
    assert_eq!(status, 200);
    fake.server.stop().await;
}
