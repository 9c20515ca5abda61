//! Driving live accounts: one task for each carries its desk's requests over the link, brings answers, events and
//! marks to the supervisor at any time, and takes the supervisor's commands. The desk decides what to ask and what
//! it means; the supervisor decides what to do about it; here is only the carrying, with the present time.

use super::address::Address;
use super::boot::Clock;
use super::kill::KillSwitch;
use super::supervisor;
use super::supervisor::{Act, SupervisorActor};
use crate::telemetry::{EntryWay, Metrics, OrderOutcome, VenueLabel};
use crate::venue::live::{Link, Told};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use swarm_core::delivery::{Answer, Desk, Halt, Out, Request, RequestId, StrategyUse, StreamEvent};
use swarm_core::model::{Mark, Plan, PortfolioId, Price, SymbolId, Time, VenueEvent};
use swarm_core::risk::Command;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often guards and breakers look at marks and time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Lists of commands that wait for a driver; whoever sends more waits.
const COMMANDS_WAITING: usize = 1_024;
/// Answers that are taken in before what follows from them is carried out.
const ANSWERS_AT_ONCE: usize = 64;
/// Where nothing is due, the desk is asked again after this long.
const IDLE: Duration = Duration::from_secs(60);

/// Last mark prices, by symbol; clones are one.
#[derive(Clone, Debug, Default)]
pub struct Marks(Arc<Mutex<Vec<Option<Seen>>>>);

/// A mark price, and when it was the venue's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// By the venue's time.
    pub at: Time,
    /// The price.
    pub mark: Mark,
}

impl Marks {
    /// Takes in a price of `at`, by the venue's time. One that is not newer than what is known is an old one that
    /// comes again, whatever it says.
    pub fn set(&self, symbol: SymbolId, at: Time, price: Price) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() <= symbol.index() {
            marks.resize(symbol.index() + 1, None);
        }
        let known = &mut marks[symbol.index()];
        if known.is_none_or(|newest| newest.at < at) {
            *known = Some(Seen { at, mark: Mark { symbol, price } });
        }
    }

    fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten().copied().collect()
    }
}

/// An account at a live venue: what is known of it, and the way there.
pub struct LiveAccount {
    /// Goes on from what was folded of its account.
    pub desk: Desk,
    /// Carries its requests.
    pub link: Box<dyn Link>,
    /// What its user stream tells.
    pub told: mpsc::Receiver<Told>,
}

/// What an operator's hand has of a driver.
struct Hand {
    portfolio: PortfolioId,
    /// Why its desk is halted.
    halted: Halted,
    /// What strategies came to.
    strategies: Strategies,
    /// Asks it to resume; answered with whether it was halted.
    resume: mpsc::Sender<oneshot::Sender<bool>>,
}

/// Why a desk is halted, in words; shared by its driver and the director.
type Halted = Arc<Mutex<Option<String>>>;

/// What strategies came to on an account; shared likewise.
type Strategies = Arc<Mutex<StrategyUse>>;

/// Sorts of entries that are not taken as strategies.
fn refused_sorts(known: StrategyUse) -> impl Iterator<Item = &'static str> {
    [("market", known.no_market), ("limit", known.no_limit)]
        .into_iter()
        .filter(|(_, refused)| *refused)
        .map(|(sort, _)| sort)
}

/// Why a portfolio was not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotResumed {
    /// It trades on the simulated exchange.
    NotLive,
    /// Nothing halts it.
    NotHalted,
    /// Its driver is gone.
    Gone,
}

/// Where commands for each account go, by portfolio.
pub type Lanes = Arc<[mpsc::Sender<Vec<Command>>]>;

/// Lanes to so many drivers, and their ends.
pub fn lanes(accounts: usize) -> (Lanes, Vec<mpsc::Receiver<Vec<Command>>>) {
    let (lanes, ends): (Vec<_>, Vec<_>) = (0..accounts).map(|_| mpsc::channel(COMMANDS_WAITING)).unzip();
    (lanes.into(), ends)
}

/// The drivers of all accounts.
pub struct Drivers {
    tasks: Vec<JoinHandle<()>>,
    hands: Vec<Hand>,
    /// A driver that cannot go on says why.
    pub(super) faults: mpsc::Receiver<supervisor::Halt>,
    tell: mpsc::Sender<supervisor::Halt>,
}

impl Drop for Drivers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drivers {
    /// None yet.
    pub fn new() -> Self {
        let (tell, faults) = mpsc::channel(16);
        Self { tasks: Vec::new(), hands: Vec::new(), faults, tell }
    }

    /// Why a portfolio's entries stay gated until an operator resumes it, if they do.
    pub(super) fn halted(&self, portfolio: PortfolioId) -> Option<String> {
        let hand = self.hands.iter().find(|hand| hand.portfolio == portfolio)?;
        hand.halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sorts of a portfolio's entries that the venue does not take with their stop.
    pub(super) fn strategies_refused(&self, portfolio: PortfolioId) -> Vec<String> {
        let hand = self.hands.iter().find(|hand| hand.portfolio == portfolio);
        let known = hand.map(|hand| *hand.strategies.lock().unwrap_or_else(PoisonError::into_inner));
        known.into_iter().flat_map(refused_sorts).map(str::to_owned).collect()
    }

    /// Lifts a portfolio's halt; what it was.
    pub(super) async fn resume(&self, portfolio: PortfolioId) -> Result<String, NotResumed> {
        let hand = self.hands.iter().find(|hand| hand.portfolio == portfolio).ok_or(NotResumed::NotLive)?;
        let why = self.halted(portfolio).ok_or(NotResumed::NotHalted)?;
        let (reply, answer) = oneshot::channel();
        hand.resume.send(reply).await.map_err(|_| NotResumed::Gone)?;
        match answer.await {
            Ok(true) => Ok(why),
            Ok(false) => Err(NotResumed::NotHalted),
            Err(_) => Err(NotResumed::Gone),
        }
    }

    /// Gates the account's entries and begins to drive it. `commands` are for it; `lanes` lead to the drivers of all
    /// accounts, by portfolio.
    #[expect(clippy::too_many_arguments, reason = "what a driver needs, once, at the start")]
    pub async fn drive(
        &mut self,
        account: LiveAccount,
        commands: mpsc::Receiver<Vec<Command>>,
        lanes: &Lanes,
        supervisor: Address<SupervisorActor>,
        plan: &Arc<Plan>,
        clock: &Clock,
        marks: &Marks,
        kill: KillSwitch,
        metrics: Metrics,
    ) {
        let (resume, resumes) = mpsc::channel(1);
        let (halted, strategies) = (Halted::default(), Strategies::default());
        self.hands.push(Hand {
            portfolio: account.desk.portfolio(),
            halted: Arc::clone(&halted),
            strategies: Arc::clone(&strategies),
            resume,
        });
        let name = plan.portfolios[account.desk.portfolio().index()].name.clone();
        let mut driver = Driver {
            portfolio: account.desk.portfolio(),
            name,
            desk: account.desk,
            link: account.link,
            lanes: lanes.clone(),
            supervisor,
            born: Instant::now(),
            began: clock(),
            clock: Arc::clone(clock),
            marks: marks.clone(),
            kill,
            metrics,
            answers: FuturesUnordered::new(),
            strategies,
            halted,
        };
        let (told, faults) = (account.told, self.tell.clone());
        let begun = driver.begin().await;
        self.tasks.push(tokio::spawn(async move {
            let ended = match begun {
                Ok(()) => driver.run(told, commands, resumes).await,
                Err(halt) => Err(halt),
            };
            if let Err(halt) = ended {
                // Whoever listened is gone: then the run is over anyway.
                let _ = faults.send(halt).await;
            }
        }));
    }

    /// Ends them: nothing more is sent.
    pub fn stop(&mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
    }
}

/// An answer with its request.
type Answered = (RequestId, Carried, Answer);
type Coming = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// What of a request is of interest when its answer comes.
#[derive(Clone, Copy, Debug)]
struct Carried {
    places: bool,
    sent: Instant,
}

struct Driver {
    portfolio: PortfolioId,
    name: String,
    desk: Desk,
    link: Box<dyn Link>,
    lanes: Lanes,
    supervisor: Address<SupervisorActor>,
    born: Instant,
    began: Time,
    clock: Clock,
    marks: Marks,
    kill: KillSwitch,
    metrics: Metrics,
    answers: FuturesUnordered<Coming>,
    /// As last told.
    strategies: Strategies,
    halted: Halted,
}

/// Why a desk is halted, for an operator.
fn words(why: Halt) -> String {
    match why {
        Halt::Difference(kind) => format!("{}: the account and the books differ", kind.label()),
        Halt::Refused => "the venue refuses the account: credentials, rights or a blocked address".to_owned(),
    }
}

impl Driver {
    /// The desk's time: where the market's clock stood at the start, carried on by the steady clock, so that waits
    /// are waits whatever the venue stamps.
    fn now(&self) -> Time {
        self.began.plus(i64::try_from(self.born.elapsed().as_millis()).unwrap_or(i64::MAX / 4))
    }

    async fn begin(&mut self) -> Result<(), supervisor::Halt> {
        let mut out = Out::default();
        self.desk.start(self.now(), &mut out);
        self.carry_out(out).await
    }

    async fn run(
        mut self,
        mut told: mpsc::Receiver<Told>,
        mut commands: mpsc::Receiver<Vec<Command>>,
        mut resumes: mpsc::Receiver<oneshot::Sender<bool>>,
    ) -> Result<(), supervisor::Halt> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.desk.next_deadline().map(|due| due.since(self.now()).max(0));
            let wait = due.map_or(IDLE, |ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(IDLE));
            let mut out = Out::default();
            tokio::select! {
                biased;
                given = commands.recv() => match given {
                    Some(given) => self.obey(given, &mut out)?,
                    // The swarm is gone.
                    None => return Ok(()),
                },
                Some(first) = self.answers.next(), if !self.answers.is_empty() => self.take_answers(first, &mut out),
                one = told.recv() => match one {
                    Some(Told::Link(state)) => self.desk.link(self.now(), state, &mut out),
                    Some(Told::Event(event)) => self.hear(event, &mut out),
                    None => return Err(supervisor::Halt(format!("the user stream of portfolio `{}` is gone", self.name))),
                },
                Some(reply) = resumes.recv() => self.resume(reply, &mut out),
                _ = looks.tick() => self.look(&mut out).await?,
                () = tokio::time::sleep(wait) => self.desk.tick(self.now(), &mut out),
            }
            self.carry_out(out).await?;
        }
    }

    /// Takes an answer in, and those that have come by now: what follows from them is booked at once.
    fn take_answers(&mut self, first: Answered, out: &mut Out) {
        let (mut next, mut taken) = (Some(first), 0);
        while let Some((id, carried, answer)) = next {
            self.measure(carried, &answer);
            self.desk.answered(self.now(), id, answer, out);
            taken += 1;
            // What is not asked for here is not lost: it comes with the next turn.
            let more = (taken < ANSWERS_AT_ONCE).then(|| self.answers.next().now_or_never().flatten());
            next = more.flatten();
        }
    }

    fn resume(&mut self, reply: oneshot::Sender<bool>, out: &mut Out) {
        let was_halted = self.desk.resume(self.now(), out);
        // What is found at once halts it again, and says so.
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // An operator who is gone has had the act all the same.
        let _ = reply.send(was_halted);
    }

    fn hear(&mut self, event: StreamEvent, out: &mut Out) {
        self.desk.streamed(self.now(), event, out);
    }

    fn measure(&self, carried: Carried, answer: &Answer) {
        if !carried.places {
            return;
        }
        self.metrics.order_roundtrip(VenueLabel::Aster, carried.sent.elapsed());
        if *answer == Answer::Unknown {
            self.metrics.portfolio(self.portfolio).order(OrderOutcome::Unknown);
            tracing::warn!("portfolio `{}`: what became of an order is unknown: asking", self.name);
        }
    }

    /// Lets guards and breakers look at the marks and at the time.
    async fn look(&mut self, out: &mut Out) -> Result<(), supervisor::Halt> {
        let act = Act::Look(self.portfolio, (self.clock)(), self.marks.all());
        let commands = self.supervisor.ask(act).await??;
        self.obey(commands, out)
    }

    /// Hands commands to the desk, and those for other accounts to their drivers: a breaker of the whole swarm closes
    /// positions everywhere. After the kill switch only what takes risk away.
    fn obey(&mut self, commands: Vec<Command>, out: &mut Out) -> Result<(), supervisor::Halt> {
        let mut own = Vec::with_capacity(commands.len());
        for command in commands {
            let portfolio = command.portfolio();
            if portfolio != self.portfolio {
                let lane = self.lanes.get(portfolio.index());
                // Two drivers that waited for each other would wait for ever.
                if lane.is_none_or(|lane| lane.try_send(vec![command]).is_err()) {
                    let what = format!("the driver of portfolio {} does not take its commands", portfolio.0);
                    return Err(supervisor::Halt(what));
                }
                continue;
            }
            if !(command.adds_risk() && self.kill.is_thrown()) {
                own.push(command);
            }
        }
        if !own.is_empty() {
            self.desk.commands(self.now(), &own, out);
        }
        Ok(())
    }

    /// Sends requests, and tells the supervisor what the desk found out, until nothing follows from it any more.
    async fn carry_out(&mut self, out: Out) -> Result<(), supervisor::Halt> {
        self.note_strategies();
        let mut waiting = VecDeque::from([out]);
        while let Some(out) = waiting.pop_front() {
            let Out { requests, events, gate, differences, halt } = out;
            for (id, request) in requests {
                self.send(id, request);
            }
            if let Some(why) = halt {
                let why = words(why);
                tracing::error!(
                    "portfolio `{0}`: entries stay gated: {why}; look at the account, then `swarm resume {0}`",
                    self.name
                );
                *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
            let mut next = Out::default();
            let at = (self.clock)();
            if let Some(gated) = gate {
                let commands = self.supervisor.ask(Act::Gate(self.portfolio, at, gated)).await??;
                self.obey(commands, &mut next)?;
                // At once: the observer renews gauges with candles only.
                self.metrics.portfolio(self.portfolio).set_entries_gated(gated);
                let word = if gated { "gated" } else { "free: account and books agree" };
                tracing::info!("portfolio `{}`: entries are {word}", self.name);
            }
            if !differences.is_empty() {
                let commands = self.supervisor.ask(Act::Differences(self.portfolio, at, differences)).await??;
                self.obey(commands, &mut next)?;
            }
            if !events.is_empty() {
                let events = events.iter().map(|event| self.in_market_time(event)).collect();
                let commands = self.supervisor.ask(Act::Venue(self.portfolio, events)).await??;
                self.obey(commands, &mut next)?;
            }
            if next != Out::default() {
                waiting.push_back(next);
            }
        }
        Ok(())
    }

    /// Counts entries that left with their stop or without, and says so once when the venue does not take the first.
    fn note_strategies(&mut self) {
        let known = self.desk.strategy_use();
        let before = std::mem::replace(&mut *self.strategies.lock().unwrap_or_else(PoisonError::into_inner), known);
        if known == before {
            return;
        }
        let metrics = self.metrics.portfolio(self.portfolio);
        metrics.entries_left(EntryWay::WithStop, known.taken - before.taken);
        metrics.entries_left(EntryWay::Alone, known.alone - before.alone);
        metrics.set_strategies_refused(known.no_market || known.no_limit);
        for sort in refused_sorts(known).filter(|sort| refused_sorts(before).all(|was| was != *sort)) {
            tracing::warn!(
                "portfolio `{}`: the venue does not take {sort} entries as strategies with their stop: each leaves \
                 alone from now on, and its stop follows the fill",
                self.name
            );
        }
    }

    fn send(&mut self, id: RequestId, request: Request) {
        let carried = Carried {
            places: matches!(request, Request::Place { .. } | Request::PlaceStrategy(_)),
            sent: Instant::now(),
        };
        let answering = self.link.send(id, request);
        self.answers.push(Box::pin(async move { (id, carried, answering.await) }));
    }

    /// What the desk dates by its own time, in the market's. On a live venue both are one but for milliseconds;
    /// rows of money keep the venue's date, by which they are told from repetitions.
    fn in_market_time(&self, event: &VenueEvent) -> VenueEvent {
        let moved = |at: Time| (self.clock)().plus(at.since(self.now()).min(0));
        match *event {
            VenueEvent::Order { id, symbol, at, kind } => VenueEvent::Order { id, symbol, at: moved(at), kind },
            VenueEvent::Liquidation { symbol, at, fill } => VenueEvent::Liquidation { symbol, at: moved(at), fill },
            VenueEvent::Funding { .. } | VenueEvent::Transfer { .. } => *event,
        }
    }
}
