//! The host: sockets outside, one task that owns the venue inside. Decides nothing about orders.

use super::venue::{Answer, ConnectionId, MAX_TEXT, Request, Venue};
use super::wallets::Wallets;
use crate::aster::sign::{API_KEY_HEADER, Micros};
use actix_web::http::StatusCode;
use actix_web::http::header::UPGRADE;
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::AggregatedMessage;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_core::model::Time;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Questions that wait for the venue.
const MAILBOX: usize = 1_024;
/// Frames that wait for a slow reader before it is cut off.
const FRAMES: usize = 16_384;
/// Longest frame taken.
const MAX_FRAME: usize = 64 * 1024;
/// How often time passes.
const TICK: Duration = Duration::from_millis(50);
/// Market time a single look lets pass, so that questions are answered between.
const MOST_AT_ONCE_MS: i64 = 300_000;
/// How often a socket is pinged, and how long it may be silent.
const PING: Duration = Duration::from_secs(300);
const SILENCE: Duration = Duration::from_secs(900);
/// A socket's life.
const LIFE: Duration = Duration::from_secs(24 * 3_600);

/// How the market's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times as fast as the clock.
    Times(f64),
    /// As fast as it can be done.
    Max,
    /// By `/control/step` alone.
    Hand,
}

/// What the owner of the venue is asked.
enum Ask {
    Request(Box<Request>, oneshot::Sender<Answer>),
    Connect(String, String, mpsc::Sender<String>, oneshot::Sender<Result<ConnectionId, Answer>>),
    Message(ConnectionId, String),
    Gone(ConnectionId),
}

/// A venue being served.
pub struct VenueServer {
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    owner: tokio::task::JoinHandle<()>,
}

impl VenueServer {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it, now.
    pub async fn stop(self) {
        self.owner.abort();
        self.handle.stop(false).await;
    }
}

/// The clock in microseconds since the epoch.
fn clock() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Serves a venue on a listener that the caller has bound. Needs a tokio runtime.
///
/// # Errors
/// Fails when the listener cannot be used.
pub fn serve(listener: TcpListener, venue: Venue, pace: Pace) -> io::Result<VenueServer> {
    let address = listener.local_addr()?;
    let (asks, questions) = mpsc::channel(MAILBOX);
    let wallets = venue.wallets();
    let owner = tokio::spawn(own(venue, pace, questions));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(asks.clone()))
            .app_data(web::Data::from(Arc::clone(&wallets)))
            .app_data(web::PayloadConfig::new(MAX_TEXT))
            .route("/ws", web::get().to(socket))
            .route("/ws/{streams:.*}", web::get().to(socket))
            .route("/stream", web::get().to(socket))
            .default_service(web::to(answer))
    })
    .workers(workers())
    .max_connections(2_048)
    .client_request_timeout(Duration::from_secs(5))
    .client_disconnect_timeout(Duration::from_secs(1))
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(VenueServer { address, handle, owner })
}

/// Threads that read requests and look at their signatures: as many as there are cores, up to four.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// The one task that has the venue.
async fn own(mut venue: Venue, pace: Pace, mut questions: mpsc::Receiver<Ask>) {
    let mut readers: BTreeMap<ConnectionId, mpsc::Sender<String>> = BTreeMap::new();
    let (began, opened) = (Instant::now(), venue.now());
    let mut ticks = tokio::time::interval(if pace == Pace::Max { Duration::from_millis(1) } else { TICK });
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            ask = questions.recv() => match ask {
                None => return,
                Some(ask) => {
                    // What happened on the market before the question was asked comes first.
                    if let Pace::Times(_) = pace {
                        pass(&mut venue, pace, opened, began);
                    }
                    take(&mut venue, ask, &mut readers);
                }
            },
            _ = ticks.tick() => pass(&mut venue, pace, opened, began),
        }
        for (id, frame) in venue.frames() {
            let sent = match (frame, readers.get(&id)) {
                (Some(text), Some(reader)) => reader.try_send(text).is_ok(),
                _ => false,
            };
            if !sent {
                // A closed channel closes its socket; a reader that is too slow is cut off.
                readers.remove(&id);
                venue.disconnect(id);
            }
        }
    }
}

fn pass(venue: &mut Venue, pace: Pace, opened: Time, began: Instant) {
    let now = venue.now();
    let until = match pace {
        Pace::Hand => now,
        Pace::Max => match venue.next_at() {
            Some(next) => next.max(now).plus(MOST_AT_ONCE_MS),
            None => now,
        },
        Pace::Times(times) => {
            let passed = (began.elapsed().as_secs_f64() * 1_000.0 * times).min(9e15) as i64;
            let limit = now.plus(MOST_AT_ONCE_MS.max((200.0 * times) as i64));
            opened.plus(passed).min(limit)
        }
    };
    venue.advance(clock(), until.max(now));
}

fn take(venue: &mut Venue, ask: Ask, readers: &mut BTreeMap<ConnectionId, mpsc::Sender<String>>) {
    match ask {
        Ask::Request(request, reply) => {
            // Nobody waits any more where this fails; the request was carried out all the same.
            let _ = reply.send(venue.handle(clock(), &request));
        }
        Ask::Connect(path, query, frames, reply) => {
            let connected = venue.connect(&path, &query);
            if let Ok(id) = connected {
                readers.insert(id, frames);
            }
            let _ = reply.send(connected.map_err(|refusal| Answer::refused(&refusal)));
        }
        Ask::Message(id, text) => venue.message(clock(), id, &text),
        Ask::Gone(id) => {
            readers.remove(&id);
            venue.disconnect(id);
        }
    }
}

async fn answer(
    request: HttpRequest,
    body: web::Payload,
    asks: web::Data<mpsc::Sender<Ask>>,
    wallets: web::Data<Wallets>,
) -> HttpResponse {
    // What wants to be a socket where there is none has no end to wait for.
    if request.headers().contains_key(UPGRADE) {
        return plain(404, r#"{"code":-1000,"msg":"There is no such path."}"#);
    }
    let Ok(body) = web::Bytes::from_request(&request, &mut body.into_inner()).await else {
        return plain(413, r#"{"code":-1130,"msg":"The body is too long."}"#);
    };
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return plain(400, r#"{"code":-1100,"msg":"Illegal characters found in the body."}"#);
    };
    let key = request.headers().get(API_KEY_HEADER).and_then(|key| key.to_str().ok()).map(str::to_owned);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let mut asked = Request {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        body,
        key,
        peer: peer.map_or_else(String::new, |peer| peer.to_string()),
        is_local: peer.is_some_and(|peer| peer.is_loopback()),
        signature: None,
    };
    asked.signature = wallets.look(&asked);
    let (reply, answered) = oneshot::channel();
    if asks.try_send(Ask::Request(Box::new(asked), reply)).is_err() {
        return plain(503, r#"{"code":-1003,"msg":"Too many requests; the queue is full."}"#);
    }
    let Ok(answer) = answered.await else { return plain(503, r#"{"code":-1001,"msg":"Internal error."}"#) };
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(u64::from(answer.delay_ms))).await;
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type(if answer.is_json { "application/json" } else { "text/html" });
    answer.headers.into_iter().for_each(|header| {
        response.insert_header(header);
    });
    response.body(answer.body)
}

fn plain(status: u16, body: &'static str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type("application/json").body(body)
}

async fn socket(
    request: HttpRequest,
    body: web::Payload,
    asks: web::Data<mpsc::Sender<Ask>>,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let (frames, outgoing) = mpsc::channel(FRAMES);
    let (reply, connected) = oneshot::channel();
    let ask = Ask::Connect(request.path().to_owned(), request.query_string().to_owned(), frames, reply);
    let busy = || plain(503, r#"{"code":-1003,"msg":"Too many requests; the queue is full."}"#);
    if asks.send(ask).await.is_err() {
        return Ok(busy());
    }
    let id = match connected.await {
        Ok(Ok(id)) => id,
        Ok(Err(refused)) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(HttpResponse::build(status).content_type("application/json").body(refused.body));
        }
        Err(_) => return Ok(busy()),
    };
    let asks = asks.get_ref().clone();
    actix_web::rt::spawn(async move {
        let messages = messages.max_frame_size(MAX_FRAME).aggregate_continuations().max_continuation_size(MAX_FRAME);
        converse(id, session, messages, outgoing, &asks).await;
        // The venue is gone where this fails.
        let _ = asks.send(Ask::Gone(id)).await;
    });
    Ok(response)
}

/// One socket until its end.
async fn converse(
    id: ConnectionId,
    mut session: actix_ws::Session,
    mut messages: actix_ws::AggregatedMessageStream,
    mut outgoing: mpsc::Receiver<String>,
    asks: &mpsc::Sender<Ask>,
) {
    let (born, mut heard) = (Instant::now(), Instant::now());
    let mut pings = tokio::time::interval_at(born + PING, PING);
    loop {
        tokio::select! {
            biased;
            frame = outgoing.recv() => match frame {
                Some(text) => if session.text(text).await.is_err() { return },
                None => break,
            },
            message = messages.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(AggregatedMessage::Text(text))) => {
                        if asks.send(Ask::Message(id, text.to_string())).await.is_err() { return }
                    }
                    Some(Ok(AggregatedMessage::Ping(bytes))) => if session.pong(&bytes).await.is_err() { return },
                    Some(Ok(AggregatedMessage::Pong(_) | AggregatedMessage::Binary(_))) => {}
                    Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => break,
                }
            },
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE || born.elapsed() > LIFE || session.ping(b"").await.is_err() {
                    break;
                }
            }
        }
    }
    // It may be closed already.
    let _ = session.close(None).await;
}
