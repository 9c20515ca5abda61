//! The user stream: keeps the listen key alive and its socket open, and takes an expired key for a lost connection.

use super::listen_key::{ListenKeyKeeper, Need};
use super::session::{Policy, Session};
use super::socket::{Delivery, Pump, now};
use crate::aster::rest::{Outcome, Rest};
use crate::aster::wire::{Body, Event, calls};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::Time;
use tokio::sync::mpsc;

/// The venue does not know the listen key.
const UNKNOWN_KEY: i64 = -1125;

/// Runs the user stream of a client's account until nobody takes its deliveries any more.
///
/// After each [`Delivery::Up`] fills, orders, balances and positions are to be fetched: what happened before it was
/// not delivered. One of these for each account, since the key is the account's.
pub async fn run_user(rest: Arc<Rest>, policy: Policy, seed: u64, out: mpsc::Sender<Delivery>) {
    let mut stream = UserStream { rest, policy, seed, keeper: ListenKeyKeeper::new(seed), pump: None, up: false };
    loop {
        let deliveries = tokio::select! {
            biased;
            () = out.closed() => return,
            deliveries = stream.next() => deliveries,
        };
        for delivery in deliveries {
            if out.send(delivery).await.is_err() {
                return;
            }
        }
    }
}

struct UserStream {
    rest: Arc<Rest>,
    policy: Policy,
    seed: u64,
    keeper: ListenKeyKeeper,
    pump: Option<Pump>,
    up: bool,
}

impl UserStream {
    async fn next(&mut self) -> Vec<Delivery> {
        let at = now();
        match self.keeper.need(at) {
            Need::Create => self.create().await,
            Need::Renew => self.renew().await,
            Need::Nothing { until } => self.wait(at, until).await,
        }
    }

    async fn create(&mut self) -> Vec<Delivery> {
        match self.rest.send(&calls::start_user_stream()).await {
            Outcome::Answered(answer) => {
                if !self.keeper.created(now(), answer.listen_key) && self.pump.is_some() {
                    return Vec::new();
                }
                let dropped = self.drop_pump();
                let url = self.rest.environment().user_stream_url(self.keeper.key().unwrap_or_default());
                self.pump = Session::new(&[], self.policy, self.seed).ok().map(|session| Pump::new(session, url));
                dropped
            }
            _ => {
                self.keeper.failed(now(), false);
                Vec::new()
            }
        }
    }

    async fn renew(&mut self) -> Vec<Delivery> {
        match self.rest.send(&calls::keep_user_stream()).await {
            Outcome::Answered(_) | Outcome::AlreadySo => {
                self.keeper.renewed(now());
                Vec::new()
            }
            Outcome::Refused(refusal) if refusal.code == Some(UNKNOWN_KEY) => {
                self.keeper.expired(now());
                self.drop_pump()
            }
            _ => {
                self.keeper.failed(now(), false);
                Vec::new()
            }
        }
    }

    /// Delivers until the key needs something.
    async fn wait(&mut self, at: Time, until: Time) -> Vec<Delivery> {
        let wait = Duration::from_millis(u64::try_from(until.since(at)).unwrap_or(0));
        let Some(pump) = &mut self.pump else {
            tokio::time::sleep(wait).await;
            return Vec::new();
        };
        let delivery = tokio::select! {
            biased;
            delivery = pump.next() => delivery,
            () = tokio::time::sleep(wait) => return Vec::new(),
        };
        match &delivery {
            Delivery::Up => self.up = true,
            Delivery::Down => {
                self.up = false;
                self.keeper.doubt(now());
            }
            Delivery::Frame { frame, .. } if matches!(frame.body, Body::Event(Event::ListenKeyExpired(_))) => {
                self.keeper.expired(now());
                let mut all = vec![delivery];
                all.extend(self.drop_pump());
                return all;
            }
            Delivery::Frame { .. } | Delivery::Closed(_) | Delivery::Unreadable(_) => {}
        }
        vec![delivery]
    }

    fn drop_pump(&mut self) -> Vec<Delivery> {
        self.pump = None;
        if std::mem::take(&mut self.up) { vec![Delivery::Down] } else { Vec::new() }
    }
}
