//! A run of the actors from its first turn to the rest after its last, through as many lives as it takes.

use super::inside::Actors;
use super::life::Stage;
use super::picture;
use super::world::{Pause, World};
use crate::replay::{Part, Replayed, replay};
use crate::store::{JournalReader, MemoryMedium, recover};
use actix::SystemRunner;
use std::path::Path;
use std::sync::Arc;
use swarm_core::invariants::Violation;
use swarm_core::journal::{Link, Record};
use swarm_core::model::{Fact, Mode, PortfolioId, SECOND_MS, Time};
use swarm_core::sim::swarm::{Act, Cast, Host, Outcome, Scenario};
use tokio::runtime::Builder;
use tokio::task::yield_now;

/// After the last step until calm is looked for: wishes may be late.
const LATE_MS: i64 = 100 * SECOND_MS;
/// By then everything has come to rest.
const REST_MS: i64 = 30 * 60 * SECOND_MS;
/// Between looks.
const LOOK_MS: i64 = 7 * SECOND_MS;
/// A process that cannot go on is started anew after this long.
const HALTED_MS: i64 = 20 * SECOND_MS;
/// How long a clean stop may take.
const STOP_MS: i64 = 60 * SECOND_MS;

/// How a run went, and what it left.
#[derive(Debug)]
pub struct Run {
    /// As of the other host.
    pub outcome: Outcome,
    /// The journal's files.
    pub journal: MemoryMedium,
}

/// Runs a scenario to its rest, with the real actors.
pub fn simulate(scenario: &Scenario, cast: &Arc<dyn Cast>, traces: bool) -> Run {
    // What an operator would read in the log is in the trace.
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), || play(scenario, cast, traces))
}

fn play(scenario: &Scenario, cast: &Arc<dyn Cast>, traces: bool) -> Run {
    // Candles of a real market begin on their grid, and others are passed over.
    let start = scenario.start.floor(scenario.plan.base.ms());
    let scenario = Arc::new(Scenario { start, ..scenario.clone() });
    let world = World::new(Host::new(Arc::clone(&scenario), Actors::new(&scenario.plan), traces));
    let stage = Stage { world: world.clone(), cast: Arc::clone(cast), end: scenario.end() };
    let mut runner = Runner { stage, system: None };
    runner.run_until(scenario.end().plus(SECOND_MS));
    world.enter(Host::be_calm);
    runner.run_until(scenario.end().plus(LATE_MS));
    runner.come_to_rest(Host::check_rest);
    runner.look_at_picture();
    world.enter(|host| {
        (0..scenario.plan.portfolios.len()).for_each(|index| host.act(Act::Flatten(PortfolioId::at(index))))
    });
    runner.come_to_rest(Host::check_flat);
    runner.look_at_picture();
    runner.stop();
    runner.finish()
}

struct Runner {
    stage: Stage,
    /// While a process runs.
    system: Option<SystemRunner>,
}

impl Runner {
    fn world(&self) -> &World {
        &self.stage.world
    }

    fn is_broken(&self) -> bool {
        self.world().enter(|host| host.violation().is_some())
    }

    fn blame(&self, number: u8, what: String) {
        self.world().enter(|host| host.blame(number, || what));
    }

    /// Lets time pass; stops at the first violation.
    fn run_until(&mut self, end: Time) {
        while !self.is_broken() {
            let Some(system) = &self.system else {
                let is_due = self.world().enter(|host| {
                    host.run_until(end);
                    host.inside.is_due()
                });
                if !is_due {
                    return;
                }
                self.start();
                continue;
            };
            match system.block_on(self.world().go_on(end)) {
                Pause::Reached | Pause::Broken => return,
                Pause::Gone => self.take_away(),
            }
        }
    }

    fn start(&mut self) {
        let runtime = || {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("invariant: a runtime without sockets needs nothing of the system")
        };
        let system = actix::System::with_tokio_rt(runtime);
        let stage = self.stage.clone();
        let begun = system.block_on(async move { stage.begin() });
        self.system = Some(system);
        if let Err(why) = begun {
            self.blame(15, format!("a process cannot start: {why}"));
        }
    }

    /// A process is gone: nothing of it is left but what the disk holds.
    fn take_away(&mut self) {
        self.world().enter(|host| match host.inside.take_end() {
            Some(Err(why)) if !host.inside.disk_failed => {
                host.blame(20, || format!("the swarm halts: {why}"));
            }
            Some(_) => host.crash(HALTED_MS),
            None => {}
        });
        self.system = None;
        self.world().enter(|host| host.inside.bury());
    }

    /// Lets time pass until a check holds.
    fn come_to_rest(&mut self, check: impl Fn(&Host<Actors>) -> Result<(), Violation>) {
        let last = self.world().enter(|host| host.now()).plus(REST_MS);
        while !self.is_broken() {
            let next = self.world().enter(|host| host.now()).plus(LOOK_MS);
            self.run_until(next);
            match self.world().enter(|host| (check(host), host.now() > last)) {
                (Ok(()), _) => return,
                (Err(violation), true) => self.blame(violation.number, violation.what),
                (Err(_), false) => {}
            }
        }
    }

    /// Asks the director for his picture and compares it with the journal.
    fn look_at_picture(&self) {
        let Some((system, control)) = self.system.as_ref().zip(self.world().enter(|host| host.inside.control())) else {
            return;
        };
        if self.is_broken() {
            return;
        }
        match system.block_on(control.snapshot()) {
            Ok(shown) => self.world().enter(|host| {
                let plan = Arc::clone(&host.scenario().plan);
                if let Err(what) = picture::agrees(&plan, host.inside.folded(), &shown) {
                    host.blame(23, || what);
                }
            }),
            Err(error) => self.blame(20, error.to_string()),
        }
    }

    /// Stops the process cleanly, as an operator does.
    fn stop(&mut self) {
        let Some((system, control)) = self.system.as_ref().zip(self.world().enter(|host| host.inside.control())) else {
            return;
        };
        if self.is_broken() {
            return;
        }
        control.shutdown("the play is over");
        let last = self.world().enter(|host| host.now()).plus(STOP_MS);
        let pause = system.block_on(async {
            let pause = self.world().go_on(last).await;
            yield_now().await;
            pause
        });
        let end = self.world().enter(|host| host.inside.take_end());
        match end {
            Some(Ok(())) => {}
            other => self.blame(20, format!("a clean stop leads to {other:?}, {pause:?}")),
        }
    }

    /// Decides the journal over again and compares.
    fn decide_again(&self, journal: &MemoryMedium) -> Result<(), String> {
        let scenario = self.world().enter(|host| Arc::clone(host.scenario()));
        let (plan, restart) = (Arc::clone(&scenario.plan), scenario.restart);
        let part = Part { after_seq: 0, make: self.stage.make(&plan), plan, restart };
        let open = || JournalReader::over(journal.clone(), Path::new("memory"), None);
        let is_order = |record: &Record| matches!(record.fact, Fact::Order { .. });
        let approved = open().map_err(|error| error.to_string())?.flatten().filter(is_order).count() as u64;
        match replay(open, vec![part]) {
            Ok(Replayed { difference: None, orders, .. }) if orders == approved => Ok(()),
            Ok(Replayed { difference: None, orders, .. }) => {
                Err(format!("{orders} of {approved} orders are approved again"))
            }
            Ok(Replayed { difference: Some(difference), .. }) => Err(format!("{difference:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn finish(mut self) -> Run {
        self.system = None;
        let world = self.stage.world.clone();
        let journal = world.enter(|host| host.inside.medium.after_kill());
        let link = match recover(&mut journal.clone(), Path::new("memory"), Mode::Live) {
            Ok((facts, position)) => {
                let is_whole = facts.len() as u64 == position.link.seq;
                let is_ended = matches!(facts.last(), Some(Fact::End { .. }));
                if !(self.is_broken() || is_whole && is_ended) {
                    self.blame(15, format!("the journal ends with {:?}", facts.last()));
                }
                position.link
            }
            Err(error) => {
                self.blame(15, error.to_string());
                Link::start()
            }
        };
        if !self.is_broken()
            && let Err(what) = self.decide_again(&journal)
        {
            self.blame(24, what);
        }
        let outcome = world.enter(|host| host.outcome(link));
        Run { outcome, journal }
    }
}
