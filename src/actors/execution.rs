//! Execution: one actor for each portfolio's account. It takes approved commands only, hands them to the
//! venue, and brings the venue's events to the supervisor, one instant at a time.

use super::address::Address;
use super::breath::Breath;
use super::kill::KillSwitch;
use super::supervisor::{Act, Halt, SupervisorActor};
use crate::venue::{SimulatedVenue, Venue};
use actix::{Actor, ActorFutureExt, AtomicResponse, Context, Handler, Message, ResponseFuture, WrapFuture};
use std::sync::Arc;
use swarm_core::model::{FundingDue, Interval, PortfolioId, Step, Time, VenueEvent};
use swarm_core::risk::Command;
use tokio::sync::mpsc;

/// Begins the candles of a step; answers whether the account has anything at stake in it.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Begin(pub Arc<Step>);

/// What the supervisor commanded for other accounts when it heard of this one, and when: a breaker of the whole
/// swarm closes positions everywhere.
pub type ForOthers = Vec<(Time, Command)>;

/// A funding payment is due.
#[derive(Message)]
#[rtype(result = "Result<ForOthers, Halt>")]
pub struct Fund(pub FundingDue);

/// Moves the account to a point of the candles.
#[derive(Message)]
#[rtype(result = "Result<ForOthers, Halt>")]
pub struct Walk(pub usize);

/// Hands commands to the venue.
#[derive(Message)]
#[rtype(result = "Result<(), Halt>")]
pub struct Obey(pub Time, pub Vec<Command>);

/// Where an account is.
enum Place {
    /// Here; away while the account walks.
    Simulated(Option<Box<SimulatedVenue>>),
    /// At a live venue: whoever drives it takes its commands, and its events come when they happen.
    Live(mpsc::Sender<Vec<Command>>),
}

/// The actor.
pub struct Execution {
    portfolio: PortfolioId,
    interval: Interval,
    place: Place,
    supervisor: Arc<Address<SupervisorActor>>,
    kill: KillSwitch,
    breath: Breath,
}

impl Execution {
    /// Around the account of a portfolio, new or recovered.
    pub fn new(
        portfolio: PortfolioId,
        interval: Interval,
        venue: SimulatedVenue,
        supervisor: Address<SupervisorActor>,
        kill: KillSwitch,
    ) -> Self {
        Self {
            portfolio,
            interval,
            place: Place::Simulated(Some(Box::new(venue))),
            supervisor: Arc::new(supervisor),
            kill,
            breath: Breath::default(),
        }
    }

    /// Before the driver of a live account, which takes the commands.
    pub fn live(
        portfolio: PortfolioId,
        interval: Interval,
        commands: mpsc::Sender<Vec<Command>>,
        supervisor: Address<SupervisorActor>,
        kill: KillSwitch,
    ) -> Self {
        let supervisor = Arc::new(supervisor);
        Self { portfolio, interval, place: Place::Live(commands), supervisor, kill, breath: Breath::default() }
    }
}

/// Hands commands to the venue; after the kill switch only what takes risk away.
fn obey(venue: &mut SimulatedVenue, kill: &KillSwitch, now: Time, commands: &[Command]) {
    for command in commands {
        if !(command.adds_risk() && kill.is_thrown()) {
            venue.obey(now, command);
        }
    }
}

/// What one account needs while its venue is away from the actor.
struct Account {
    portfolio: PortfolioId,
    venue: Box<SimulatedVenue>,
    supervisor: Arc<Address<SupervisorActor>>,
    kill: KillSwitch,
    for_others: ForOthers,
}

impl Account {
    /// The supervisor takes the events of one instant; its commands go to the venue.
    async fn take(&mut self, events: Vec<VenueEvent>) -> Result<(), Halt> {
        let Some(at) = events.last().map(VenueEvent::at) else { return Ok(()) };
        let commands = self.supervisor.ask(Act::Venue(self.portfolio, events)).await??;
        self.obey(at, commands);
        Ok(())
    }

    /// Hands the venue what is for this account, and keeps the rest for whom it is for.
    fn obey(&mut self, at: Time, commands: Vec<Command>) {
        for command in commands {
            if command.portfolio() == self.portfolio {
                obey(&mut self.venue, &self.kill, at, std::slice::from_ref(&command));
            } else {
                self.for_others.push((at, command));
            }
        }
    }

    async fn walk(&mut self, point: usize) -> Result<(), Halt> {
        loop {
            let mut events = Vec::new();
            self.venue.advance(point, &mut events);
            if events.is_empty() {
                break;
            }
            self.take(events).await?;
        }
        let (at, marks) = self.venue.marks();
        let commands = self.supervisor.ask(Act::Marks(self.portfolio, at, marks)).await??;
        self.obey(at, commands);
        Ok(())
    }
}

impl Execution {
    /// Lends the simulated venue to `work` and takes it back; a live one is not walked.
    fn lend<F, W>(&mut self, work: F) -> AtomicResponse<Self, Result<ForOthers, Halt>>
    where
        F: FnOnce(Account) -> W,
        W: Future<Output = (Account, Result<(), Halt>)> + 'static,
    {
        let Place::Simulated(venue) = &mut self.place else {
            return AtomicResponse::new(Box::pin(async { Ok(Vec::new()) }.into_actor(self)));
        };
        let venue = venue.take().expect("invariant: a walk is atomic, so no message meets an absent venue");
        let account = Account {
            portfolio: self.portfolio,
            venue,
            supervisor: Arc::clone(&self.supervisor),
            kill: self.kill.clone(),
            for_others: Vec::new(),
        };
        AtomicResponse::new(Box::pin(work(account).into_actor(self).map(|(account, done), actor, _| {
            actor.place = Place::Simulated(Some(account.venue));
            done.map(|()| account.for_others)
        })))
    }
}

impl Actor for Execution {
    type Context = Context<Self>;
}

impl Handler<Begin> for Execution {
    type Result = bool;

    fn handle(&mut self, Begin(step): Begin, _: &mut Context<Self>) -> bool {
        match &mut self.place {
            Place::Simulated(venue) => {
                let venue = venue.as_mut().expect("invariant: a walk is atomic, so no message meets an absent venue");
                venue.begin(self.interval, &step.candles)
            }
            Place::Live(_) => false,
        }
    }
}

impl Handler<Fund> for Execution {
    type Result = AtomicResponse<Self, Result<ForOthers, Halt>>;

    fn handle(&mut self, Fund(due): Fund, _: &mut Context<Self>) -> Self::Result {
        self.lend(move |mut account| async move {
            let mut events = Vec::new();
            account.venue.fund(due, &mut events);
            let done = account.take(events).await;
            (account, done)
        })
    }
}

impl Handler<Walk> for Execution {
    type Result = AtomicResponse<Self, Result<ForOthers, Halt>>;

    fn handle(&mut self, Walk(point): Walk, context: &mut Context<Self>) -> Self::Result {
        self.breath.take(context);
        self.lend(move |mut account| async move {
            let done = account.walk(point).await;
            (account, done)
        })
    }
}

impl Handler<Obey> for Execution {
    type Result = ResponseFuture<Result<(), Halt>>;

    fn handle(&mut self, Obey(now, commands): Obey, _: &mut Context<Self>) -> Self::Result {
        match &mut self.place {
            Place::Simulated(venue) => {
                let venue = venue.as_mut().expect("invariant: a walk is atomic, so no message meets an absent venue");
                obey(venue, &self.kill, now, &commands);
                Box::pin(async { Ok(()) })
            }
            Place::Live(driver) => {
                let driver = driver.clone();
                Box::pin(async move {
                    let gone = |_| Halt("the driver of a live account is gone".to_owned());
                    driver.send(commands).await.map_err(gone)
                })
            }
        }
    }
}
