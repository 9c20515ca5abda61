//! The world around a swarm in virtual time: a queue of what is on its way, and whose turn it is. What happens
//! at each turn is in the files beside: the trading links, the market, the operators. What is inside, and dies
//! in a kill, is whatever is [`Inside`].

use super::audit::{Audit, Nakedness};
use super::chance::Chance;
use super::inside::Inside;
use super::market::Walk;
use super::rates::Way;
use super::scenario::{Act, Scenario};
use crate::delivery::{Answer, LinkState, Request, RequestId, StreamEvent};
use crate::invariants::Violation;
use crate::model::{Candle, Fact, Millis, Plan, PortfolioId, Price, SymbolId, Time};
use crate::sim::{Fault, Venue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Delivery<O> {
    /// The market goes on: the n-th mark of the n-th step.
    Market {
        step: u32,
        mark: u32,
    },
    Act(Act),
    /// A process starts.
    Start(u32),
    Link(usize, u32, LinkState),
    ToVenue {
        account: usize,
        life: u32,
        id: RequestId,
        request: Request,
        nonce: (u64, Time),
        is_copy: bool,
    },
    ToDesk(usize, u32, RequestId, Answer),
    TimeOut(usize, u32, RequestId),
    Event(usize, u32, StreamEvent),
    /// A silent stream speaks again.
    Thaw(usize, u32),
    Mark(SymbolId, Time, Price),
    Candle(SymbolId, Candle),
    /// The clock was measured again.
    Clock,
    /// Within the process.
    Own(u32, O),
}

/// One account: its venue and what lies between.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) venue: Venue,
    /// What REST tells from, while it lags behind.
    pub(super) replica: Option<(Time, Box<Venue>)>,
    /// Counts connections of the user stream; odd while it is up.
    pub(super) connection: u32,
    /// A silent stream's events.
    pub(super) frozen: Option<Vec<StreamEvent>>,
    /// Requests that are not answered, and how each was signed.
    pub(super) open: BTreeSet<RequestId>,
    pub(super) signed: BTreeMap<RequestId, (u64, Time)>,
    pub(super) nakedness: Nakedness,
    /// When something last went wrong.
    pub(super) disturbed_at: Time,
}

/// Counts of what happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Turns taken.
    pub events: u64,
    /// Facts in the journal.
    pub facts: u64,
    /// Orders at the venues.
    pub orders: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Times the process died.
    pub deaths: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.facts += other.facts;
        self.orders += other.orders;
        self.faults += other.faults;
        self.deaths += other.deaths;
    }
}

/// See the module.
#[derive(Debug)]
pub struct Host<I: Inside> {
    pub(super) scenario: Arc<Scenario>,
    pub(super) plan: Arc<Plan>,
    /// The swarm.
    pub inside: I,
    pub(super) now: Time,
    queue: BTreeMap<(Time, u64), Delivery<I::Own>>,
    queued: u64,
    pub(super) accounts: Vec<Account>,
    pub(super) walks: Vec<Walk>,
    /// By symbol: how many marks in a row were told wrong.
    pub(super) wrong_marks: Vec<u8>,
    /// By symbol: every candle there was, as the venue's own history tells it.
    pub(super) history: Vec<Vec<Candle>>,
    /// Counts processes, so that nothing of a dead one reaches the next.
    pub(super) life: u32,
    pub(super) prices: Chance,
    pub(super) faults: Chance,
    /// How much the market trades.
    pub(super) depths: Chance,
    pub(super) nonces: u64,
    /// By how much the process' clock is wrong.
    pub(super) skew: Millis,
    /// The venue is down for maintenance until then.
    pub(super) down_until: Time,
    /// The market stream is silent until then.
    pub(super) market_frozen_until: Time,
    /// Agents are asked no more and nothing goes wrong any more.
    pub(super) is_over: bool,
    pub(super) audit: Audit,
    pub(super) counts: Counts,
    pub(super) trace: Option<Vec<String>>,
    calls_at_once: u32,
    /// When the last turn was.
    turned_at: Time,
}

/// From the start of a process, or the end of an outage, to the user stream being connected.
pub(super) const CONNECT_MS: Millis = 500;
/// At one instant more calls than this are a loop that does not end.
const MAX_CALLS_AT_ONCE: u32 = 20_000;

impl<I: Inside> Host<I> {
    /// The world of a scenario at its first instant. `traces` where a line a turn is to be kept.
    pub fn new(scenario: Arc<Scenario>, inside: I, traces: bool) -> Self {
        let plan = Arc::clone(&scenario.plan);
        let account = |index: usize| Account {
            venue: Venue::new(&plan, plan.portfolios[index].equity)
                .in_parts(scenario.parts)
                .hiding_for(scenario.hidden_ms)
                .taking(scenario.takes),
            replica: None,
            connection: 0,
            frozen: None,
            open: BTreeSet::new(),
            signed: BTreeMap::new(),
            nakedness: Nakedness::default(),
            disturbed_at: scenario.start,
        };
        let walks = scenario.symbols.iter().zip(&plan.instruments);
        let mut host = Self {
            now: scenario.start,
            queue: BTreeMap::new(),
            queued: 0,
            accounts: (0..plan.portfolios.len()).map(account).collect(),
            walks: walks.map(|(shape, instrument)| Walk::new(*shape, instrument.tick)).collect(),
            wrong_marks: vec![0; plan.instruments.len()],
            history: vec![Vec::new(); plan.instruments.len()],
            inside,
            life: 0,
            prices: Chance::new(scenario.seed, 2),
            faults: Chance::new(scenario.seed, 3),
            depths: Chance::new(scenario.seed, 7),
            nonces: 0,
            skew: 0,
            down_until: Time(i64::MIN),
            market_frozen_until: Time(i64::MIN),
            is_over: false,
            audit: Audit::new(&plan),
            counts: Counts::default(),
            trace: traces.then(Vec::new),
            calls_at_once: 0,
            turned_at: scenario.start,
            scenario,
            plan,
        };
        host.begin();
        host
    }

    fn begin(&mut self) {
        for (after, act) in Arc::clone(&self.scenario).acts.iter().copied() {
            self.send(after, Delivery::Act(act));
        }
        self.send(0, Delivery::Start(0));
        self.send(0, Delivery::Market { step: 0, mark: 0 });
    }

    /// The present instant.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Time passes, and nothing else happens.
    pub fn pass_to(&mut self, at: Time) {
        self.now = self.now.max(at);
    }

    /// Which process runs or is to start next, counted from 0.
    pub const fn life(&self) -> u32 {
        self.life
    }

    /// What is simulated.
    pub const fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Whether the last turn at which something goes wrong is over.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// By how much the process' clock is ahead.
    pub const fn skew(&self) -> Millis {
        self.skew
    }

    /// The time as the process has it.
    pub fn clock(&self) -> Time {
        self.now.plus(self.skew)
    }

    pub(super) fn send(&mut self, after: Millis, delivery: Delivery<I::Own>) {
        self.queued += 1;
        self.queue.insert((self.now.plus(after), self.queued), delivery);
    }

    /// Keeps a line of what happens, where a trace is kept.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>7} {} {}", self.counts.events, self.now, what()));
        }
    }

    pub(super) fn send_own(&mut self, after: Millis, own: I::Own) {
        self.send(after, Delivery::Own(self.life, own));
    }

    /// When the next turn is, if there is one.
    pub fn next_turn(&self) -> Option<Time> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let due = I::due(self).map(|(at, _)| at);
        queued.into_iter().chain(due).min().map(|at| at.max(self.now))
    }

    /// Lets one thing happen at an instant, which is that of the next turn or before it: then nothing happens but
    /// the time passing.
    pub fn turn(&mut self, at: Time) {
        let at = at.max(self.now);
        self.calls_at_once = if at > self.turned_at { 0 } else { self.calls_at_once + 1 };
        self.turned_at = at;
        if self.calls_at_once > MAX_CALLS_AT_ONCE {
            self.audit.blame(20, || format!("does not come to rest at {at}"));
        }
        self.now = at;
        let due = I::due(self);
        if self.queue.first_key_value().is_some_and(|((queued, _), _)| *queued <= at) {
            self.counts.events += 1;
            if let Some((_, delivery)) = self.queue.pop_first() {
                self.deliver(delivery);
            }
        } else if let Some((_, account)) = due.filter(|(due, _)| *due <= at) {
            self.counts.events += 1;
            I::call(self, account);
        }
        I::look(self);
    }

    /// Lets time pass; stops at the first violation, and where the inside is to be waited for.
    pub fn run_until(&mut self, end: Time) {
        while self.audit.violation().is_none() && !self.inside.is_waited_for() {
            match self.next_turn().filter(|next| *next <= end) {
                Some(next) => self.turn(next),
                None => break,
            }
        }
        if self.audit.violation().is_none() && !self.inside.is_waited_for() {
            self.now = self.now.max(end);
        }
    }

    fn deliver(&mut self, delivery: Delivery<I::Own>) {
        if self.trace.is_some() && !matches!(&delivery, Delivery::Own(_, own) if I::is_routine(own)) {
            self.note(|| format!("{delivery:?}"));
        }
        match delivery {
            Delivery::Market { step, mark } => self.go_on(step, mark),
            Delivery::Act(act) => self.act(act),
            Delivery::Start(life) if life == self.life => I::start(self),
            Delivery::Link(account, life, state) if life == self.life => self.link(account, state),
            Delivery::ToVenue { account, life, id, request, nonce, is_copy } => {
                self.arrive(account, (life, id), &request, nonce, is_copy);
            }
            Delivery::ToDesk(account, life, id, answer)
                if life == self.life && self.accounts[account].open.remove(&id) =>
            {
                I::answered(self, account, id, answer);
            }
            Delivery::TimeOut(account, life, id) if life == self.life && self.accounts[account].open.remove(&id) => {
                I::answered(self, account, id, Answer::Unknown);
            }
            Delivery::Event(account, connection, event) => self.hear(account, connection, event),
            Delivery::Thaw(account, connection) => self.thaw(account, connection),
            Delivery::Mark(symbol, at, price) => I::marked(self, symbol, at, price),
            Delivery::Candle(symbol, candle) => I::closed(self, symbol, &candle),
            Delivery::Clock => self.set_clock(),
            Delivery::Own(life, own) if life == self.life => I::own(self, own),
            _ => {}
        }
    }

    /// The clock is right again. A desk's time never goes back: one that was ahead waits until it is caught up.
    fn set_clock(&mut self) {
        let wait = std::mem::take(&mut self.skew).max(0);
        for account in &mut self.accounts {
            account.disturbed_at = account.disturbed_at.max(self.now.plus(wait));
        }
    }

    /// What strikes at a message, if anything.
    pub fn strike(&mut self, way: Way) -> Option<Fault> {
        if self.is_over {
            return None;
        }
        let fault = self.scenario.rates.strike(way, &mut self.faults)?;
        self.counts.faults += 1;
        self.note(|| format!("  {way:?}: {fault:?}"));
        Some(fault)
    }

    /// Something goes wrong with an account's links.
    pub(super) fn disturb(&mut self, account: usize) {
        let at = &mut self.accounts[account].disturbed_at;
        *at = self.now.max(*at);
    }

    pub(super) fn disturb_all(&mut self) {
        (0..self.accounts.len()).for_each(|account| self.disturb(account));
    }

    /// Whether something goes wrong that strikes at so many of 10,000.
    pub fn happens(&mut self, rate: u32) -> bool {
        let happens = !self.is_over && self.faults.happens(rate);
        self.counts.faults += u64::from(happens);
        happens
    }

    pub(super) fn portfolios(&self) -> impl Iterator<Item = PortfolioId> + use<I> {
        (0..self.plan.portfolios.len()).map(PortfolioId::at)
    }

    /// The process dies and starts again after `ms`.
    pub fn crash(&mut self, ms: Millis) {
        self.note(|| format!("  dies for {ms} ms"));
        self.inside.die();
        self.life += 1;
        self.counts.deaths += 1;
        for account in &mut self.accounts {
            account.connection += account.connection % 2;
            account.frozen = None;
            account.open.clear();
            account.signed.clear();
        }
        self.disturb_all();
        self.send(ms, Delivery::Start(self.life));
    }

    /// A choice below `count` about what goes wrong.
    pub fn draw(&mut self, count: u64) -> u64 {
        self.faults.below(count)
    }

    /// Candles of a contract so far, as the venue's own history has them; `before` of them are of before the start.
    pub fn past(&mut self, symbol: SymbolId, before: usize) -> &[Candle] {
        let (base, start, index) = (self.plan.base, self.scenario.start, symbol.index());
        if self.history[index].is_empty() {
            self.history[index] = self.walks[index].history(before, start, base, &mut self.prices);
        }
        &self.history[index]
    }

    /// What does not hold, so far.
    pub const fn violation(&self) -> Option<&Violation> {
        self.audit.violation()
    }

    /// Something does not hold; the first counts.
    pub fn blame(&mut self, number: u8, what: impl FnOnce() -> String) {
        self.audit.blame(number, what);
    }

    /// A process has read so many facts back, of which `unseen` were written by one that died before it could
    /// say so.
    pub fn read_back(&mut self, facts: u64, unseen: &[Fact]) {
        unseen.iter().for_each(|fact| self.audit.fact(fact));
        let known = self.audit.facts();
        if facts < known {
            self.audit.blame(15, || format!("{facts} facts are read back of {known}"));
        }
        self.audit.started();
    }

    /// Facts in the journal that were seen.
    pub const fn facts(&self) -> u64 {
        self.audit.facts()
    }

    /// Facts are in the journal.
    pub fn journaled(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.note(|| format!("    {fact:?}"));
            self.audit.fact(fact);
        }
    }

    /// Looks at the books after these facts.
    pub fn look_at_books(&mut self, facts: &[Fact]) {
        if let Some(books) = self.inside.books() {
            self.audit.supervisor(books);
            self.audit.cover(books, facts);
            self.audit.deeds(books, facts);
        }
    }

    /// The user stream of a process that has just started is about to be connected.
    pub fn connect(&mut self, account: usize) {
        self.send(CONNECT_MS, Delivery::Link(account, self.life, LinkState::Up));
    }
}
