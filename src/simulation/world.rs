//! The world around the actors, shared by everything that touches it: ports, the medium, the writer, the market's
//! follower. All of them run in one thread; whoever enters finds the world at the present virtual instant.

use super::inside::Actors;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use swarm_core::model::{Millis, Time};
use swarm_core::sim::swarm::Host;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A handle; clones are one.
#[derive(Clone, Debug)]
pub(super) struct World {
    host: Arc<Mutex<Host<Actors>>>,
    /// Something was put on its way, or a process died.
    changed: Arc<Notify>,
}

/// Why the world waits for whoever hosts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The time that was asked for has come.
    Reached,
    /// The process is gone, by a kill or by its own end.
    Gone,
    /// An invariant does not hold.
    Broken,
}

/// Where a process' virtual clock began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    instant: Instant,
    time: Time,
}

impl Origin {
    /// Now, which is `time` in the world; inside of a runtime only.
    pub(super) fn now(time: Time) -> Self {
        Self { instant: Instant::now(), time }
    }

    /// The present time.
    pub(super) fn time(self) -> Time {
        self.time.plus(Millis::try_from(self.instant.elapsed().as_millis()).unwrap_or(Millis::MAX / 4))
    }

    fn instant_of(self, at: Time) -> Instant {
        self.instant + Duration::from_millis(u64::try_from(at.since(self.time)).unwrap_or(0))
    }
}

impl World {
    pub(super) fn new(host: Host<Actors>) -> Self {
        Self { host: Arc::new(Mutex::new(host)), changed: Arc::default() }
    }

    /// Does something to the world, at the present instant. Never to be called from within itself.
    pub(super) fn enter<T>(&self, act: impl FnOnce(&mut Host<Actors>) -> T) -> T {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        // Outside of the process' runtime no virtual time passes, and its clock shows the machine's.
        if let Some(origin) = host.inside.origin().filter(|_| Handle::try_current().is_ok()) {
            host.pass_to(origin.time());
        }
        let done = act(&mut host);
        drop(host);
        self.changed.notify_one();
        done
    }

    /// Likewise for something of a process' life: nothing happens once it is over.
    pub(super) fn of_life<T>(&self, life: u32, act: impl FnOnce(&mut Host<Actors>) -> T) -> Option<T> {
        self.enter(|host| (host.life() == life && host.inside.is_running()).then(|| act(host)))
    }

    /// Takes the world's turns at their instants, while the actors do theirs between them.
    pub(super) async fn go_on(&self, until: Time) -> Pause {
        enum Next {
            Turned,
            Wait(Instant),
            Pause(Pause),
        }
        loop {
            let next = {
                let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
                match host.inside.origin() {
                    _ if host.violation().is_some() => Next::Pause(Pause::Broken),
                    None => Next::Pause(Pause::Gone),
                    Some(_) if host.inside.has_ended() => Next::Pause(Pause::Gone),
                    Some(origin) => {
                        let now = origin.time();
                        host.pass_to(now);
                        match host.next_turn() {
                            Some(at) if at <= now => {
                                host.turn(now);
                                Next::Turned
                            }
                            _ if now >= until => Next::Pause(Pause::Reached),
                            at => Next::Wait(origin.instant_of(at.map_or(until, |at| at.min(until)))),
                        }
                    }
                }
            };
            match next {
                // The actors see each turn by itself.
                Next::Turned => tokio::task::yield_now().await,
                Next::Pause(pause) => return pause,
                Next::Wait(instant) => tokio::select! {
                    biased;
                    () = self.changed.notified() => {}
                    () = sleep_until(instant) => {}
                },
            }
        }
    }
}
