//! What the handlers share: the director's hand, the metrics, the token, the limits.

use super::events::RecentEvents;
use super::guard::Hosts;
use super::token::Token;
use crate::control::Control;
use crate::telemetry::Metrics;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::{Mode, Plan, Rate};
use tokio::sync::{Semaphore, watch};

/// Bounds on what clients can take of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Threads that answer.
    pub workers: usize,
    /// Open connections of each worker; further ones wait to be accepted.
    pub connections_per_worker: usize,
    /// Event streams at a time.
    pub event_streams: usize,
    /// Size of a request's body in bytes.
    pub body_bytes: usize,
    /// Time for the head of a connection's first request to arrive; its resolution is half a second.
    pub head_timeout: Duration,
    /// Time for a request's body to arrive.
    pub body_timeout: Duration,
    /// Time an idle connection is kept.
    pub keep_alive: Duration,
    /// Time between signs of life on a quiet event stream.
    pub heartbeat: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            workers: 2,
            connections_per_worker: 128,
            event_streams: 16,
            body_bytes: 64 * 1_024,
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// Everything the handlers use. Cloned freely.
#[derive(Clone)]
pub struct ApiState {
    pub(super) control: Control,
    pub(super) metrics: Metrics,
    pub(super) token: Token,
    pub(super) hosts: Hosts,
    pub(super) mode: Mode,
    /// Drawdown that trips the breaker, by portfolio.
    pub(super) drawdown_limits: Arc<BTreeMap<String, Rate>>,
    pub(super) page: bool,
    pub(super) limits: ServerLimits,
    pub(super) streams: Arc<Semaphore>,
    pub(super) recent: RecentEvents,
    closing: Arc<watch::Sender<bool>>,
}

impl ApiState {
    /// State of the swarm of this plan.
    pub fn new(plan: &Plan, control: Control, metrics: Metrics, token: Token) -> Self {
        let limits = ServerLimits::default();
        let drawdown_limits = plan
            .portfolios
            .iter()
            .filter_map(|portfolio| portfolio.limits.max_drawdown.map(|drawdown| (portfolio.name.clone(), drawdown)));
        Self {
            control,
            metrics,
            token,
            hosts: Hosts::default(),
            mode: plan.mode,
            drawdown_limits: Arc::new(drawdown_limits.collect()),
            page: true,
            limits,
            streams: Arc::new(Semaphore::new(limits.event_streams)),
            recent: RecentEvents::default(),
            closing: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Without the status page.
    pub fn without_page(mut self) -> Self {
        self.page = false;
        self
    }

    /// With a further name that clients may call this server by, such as a container's.
    pub fn with_host(mut self, name: &str) -> Self {
        self.hosts.allow_name(name);
        self
    }

    /// With other bounds.
    pub fn with_limits(mut self, limits: ServerLimits) -> Self {
        self.streams = Arc::new(Semaphore::new(limits.event_streams));
        self.limits = limits;
        self
    }

    /// With the address the server listens on; [`serve`](super::serve) does this itself.
    pub fn listening_on(mut self, address: SocketAddr) -> Self {
        self.hosts.listen_on(address);
        self
    }

    /// Ends all event streams, now and from now on.
    pub(super) fn close_streams(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when event streams are to end.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}
