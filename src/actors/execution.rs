//! Execution: one actor for each portfolio's account. It takes approved commands only, hands them to the
//! venue, and brings the venue's events to the supervisor, one instant at a time.

use super::address::Address;
use super::breath::Breath;
use super::kill::KillSwitch;
use super::supervisor::{Act, Halt, SupervisorActor};
use crate::venue::{SimulatedVenue, Venue};
use actix::{Actor, ActorFutureExt, AtomicResponse, Context, Handler, Message, MessageResult, WrapFuture};
use std::sync::Arc;
use swarm_core::model::{FundingDue, Interval, PortfolioId, Purpose, Step, Time, VenueEvent};
use swarm_core::risk::Command;

/// Begins the candles of a step; answers whether the account has anything at stake in it.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Begin(pub Arc<Step>);

/// A funding payment is due.
#[derive(Message)]
#[rtype(result = "Result<(), Halt>")]
pub struct Fund(pub FundingDue);

/// Moves the account to a point of the candles.
#[derive(Message)]
#[rtype(result = "Result<(), Halt>")]
pub struct Walk(pub usize);

/// Hands commands to the venue.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Obey(pub Time, pub Vec<Command>);

/// The actor.
pub struct Execution {
    portfolio: PortfolioId,
    interval: Interval,
    /// Away while the account walks.
    venue: Option<SimulatedVenue>,
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
            venue: Some(venue),
            supervisor: Arc::new(supervisor),
            kill,
            breath: Breath::default(),
        }
    }

    fn venue(&mut self) -> &mut SimulatedVenue {
        self.venue.as_mut().expect("invariant: a walk is atomic, so no message meets an absent venue")
    }
}

/// Hands commands to the venue; after the kill switch only what takes risk away.
fn obey(venue: &mut SimulatedVenue, kill: &KillSwitch, now: Time, commands: &[Command]) {
    for command in commands {
        let adds_risk = matches!(command, Command::Place(order) if order.get().purpose == Purpose::Entry);
        if !(adds_risk && kill.is_thrown()) {
            venue.obey(now, command);
        }
    }
}

/// What one account needs while its venue is away from the actor.
struct Account {
    portfolio: PortfolioId,
    venue: SimulatedVenue,
    supervisor: Arc<Address<SupervisorActor>>,
    kill: KillSwitch,
}

impl Account {
    /// The supervisor takes the events of one instant; its commands go to the venue.
    async fn take(&mut self, events: Vec<VenueEvent>) -> Result<(), Halt> {
        let Some(at) = events.last().map(VenueEvent::at) else { return Ok(()) };
        let commands = self.supervisor.ask(Act::Venue(self.portfolio, events)).await??;
        obey(&mut self.venue, &self.kill, at, &commands);
        Ok(())
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
        obey(&mut self.venue, &self.kill, at, &commands);
        Ok(())
    }
}

impl Execution {
    /// Lends the venue to `work` and takes it back.
    fn lend<F, W>(&mut self, work: F) -> AtomicResponse<Self, Result<(), Halt>>
    where
        F: FnOnce(Account) -> W,
        W: Future<Output = (SimulatedVenue, Result<(), Halt>)> + 'static,
    {
        let venue = self.venue.take().expect("invariant: a walk is atomic, so no message meets an absent venue");
        let account = Account {
            portfolio: self.portfolio,
            venue,
            supervisor: Arc::clone(&self.supervisor),
            kill: self.kill.clone(),
        };
        AtomicResponse::new(Box::pin(work(account).into_actor(self).map(|(venue, done), actor, _| {
            actor.venue = Some(venue);
            done
        })))
    }
}

impl Actor for Execution {
    type Context = Context<Self>;
}

impl Handler<Begin> for Execution {
    type Result = bool;

    fn handle(&mut self, Begin(step): Begin, _: &mut Context<Self>) -> bool {
        let interval = self.interval;
        self.venue().begin(interval, &step.candles)
    }
}

impl Handler<Fund> for Execution {
    type Result = AtomicResponse<Self, Result<(), Halt>>;

    fn handle(&mut self, Fund(due): Fund, _: &mut Context<Self>) -> Self::Result {
        self.lend(move |mut account| async move {
            let mut events = Vec::new();
            account.venue.fund(due, &mut events);
            let done = account.take(events).await;
            (account.venue, done)
        })
    }
}

impl Handler<Walk> for Execution {
    type Result = AtomicResponse<Self, Result<(), Halt>>;

    fn handle(&mut self, Walk(point): Walk, context: &mut Context<Self>) -> Self::Result {
        self.breath.take(context);
        self.lend(move |mut account| async move {
            let done = account.walk(point).await;
            (account.venue, done)
        })
    }
}

impl Handler<Obey> for Execution {
    type Result = MessageResult<Obey>;

    fn handle(&mut self, Obey(now, commands): Obey, _: &mut Context<Self>) -> Self::Result {
        let kill = self.kill.clone();
        obey(self.venue(), &kill, now, &commands);
        MessageResult(())
    }
}
