//! The host of a whole swarm in virtual time: a queue of what is on its way, and whose turn it is. What
//! happens at each turn is in the files beside: the process, the trading links, the market, the operators.

use super::audit::{Audit, Nakedness};
use super::cast::Cast;
use super::chance::Chance;
use super::disk::Disk;
use super::market::Walk;
use super::process::Process;
use super::rates::Way;
use super::scenario::{Act, Scenario};
use crate::delivery::{Answer, LinkState, Request, RequestId, StreamEvent};
use crate::model::{Candle, Intent, Millis, Plan, PortfolioId, Price, SECOND_MS, SymbolId, Time};
use crate::risk::OpenPosition;
use crate::sim::{Fault, Venue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Delivery {
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
    /// No more candles of this close are waited for.
    CloseStep(u32, Time),
    EndStep(u32),
    Intent(u32, Box<Intent>),
    /// The clock was measured again.
    Clock,
    Tick(u32),
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
    /// By the desk: when to call it.
    pub(super) due: Option<Time>,
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
pub(super) struct Host<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) cast: &'a dyn Cast,
    pub(super) plan: Arc<Plan>,
    pub(super) now: Time,
    queue: BTreeMap<(Time, u64), Delivery>,
    queued: u64,
    pub(super) accounts: Vec<Account>,
    pub(super) walks: Vec<Walk>,
    /// By symbol: every candle there was, as the venue's own history tells it.
    pub(super) history: Vec<Vec<Candle>>,
    pub(super) process: Option<Process>,
    /// Counts processes, so that nothing of a dead one reaches the next.
    pub(super) life: u32,
    pub(super) disk: Disk,
    pub(super) prices: Chance,
    pub(super) faults: Chance,
    pub(super) nonces: u64,
    /// By how much the process' clock is wrong.
    pub(super) skew: Millis,
    /// The venue is down for maintenance until then.
    pub(super) down_until: Time,
    /// The market stream is silent until then.
    pub(super) market_frozen_until: Time,
    /// Agents are asked no more and nothing goes wrong any more.
    pub(super) is_over: bool,
    /// With so many facts the journal is folded anew and compared.
    pub(super) fold_at: u64,
    /// When time itself asks next.
    pub(super) tick_at: Option<Time>,
    pub(super) audit: Audit,
    pub(super) counts: Counts,
    pub(super) trace: Option<Vec<String>>,
    calls_at_once: u32,
}

/// At one instant more calls than this are a loop that does not end.
const MAX_CALLS_AT_ONCE: u32 = 20_000;

impl<'a> Host<'a> {
    pub(super) fn new(scenario: &'a Scenario, cast: &'a dyn Cast, traces: bool) -> Self {
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
            due: None,
        };
        let walks = scenario.symbols.iter().zip(&plan.instruments);
        let mut host = Self {
            now: scenario.start,
            queue: BTreeMap::new(),
            queued: 0,
            accounts: (0..plan.portfolios.len()).map(account).collect(),
            walks: walks.map(|(shape, instrument)| Walk::new(*shape, instrument.tick)).collect(),
            history: vec![Vec::new(); plan.instruments.len()],
            process: None,
            life: 0,
            disk: Disk::new(),
            prices: Chance::new(scenario.seed, 2),
            faults: Chance::new(scenario.seed, 3),
            nonces: 0,
            skew: 0,
            down_until: Time(i64::MIN),
            market_frozen_until: Time(i64::MIN),
            is_over: false,
            fold_at: 100,
            tick_at: None,
            audit: Audit::new(&plan),
            counts: Counts::default(),
            trace: traces.then(Vec::new),
            calls_at_once: 0,
            scenario,
            cast,
            plan,
        };
        host.begin();
        host
    }

    fn begin(&mut self) {
        for (after, act) in &self.scenario.acts {
            self.send(*after, Delivery::Act(*act));
        }
        self.send(0, Delivery::Start(0));
        self.send(0, Delivery::Market { step: 0, mark: 0 });
    }

    /// The time as the process has it.
    pub(super) fn clock(&self) -> Time {
        self.now.plus(self.skew)
    }

    pub(super) fn send(&mut self, after: Millis, delivery: Delivery) {
        self.queued += 1;
        self.queue.insert((self.now.plus(after), self.queued), delivery);
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>7} {} {}", self.counts.events, self.now, what()));
        }
    }

    /// Lets time pass; stops at the first violation.
    pub(super) fn run_until(&mut self, end: Time) {
        while self.audit.violation().is_none() {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            let due = self.next_due();
            let next = queued.into_iter().chain(due.map(|(at, _)| at)).min().unwrap_or(end).max(self.now);
            if next > end {
                break;
            }
            self.calls_at_once = if next > self.now { 0 } else { self.calls_at_once + 1 };
            if self.calls_at_once > MAX_CALLS_AT_ONCE {
                self.audit.blame(20, || format!("does not come to rest at {next}"));
            }
            self.now = next;
            self.counts.events += 1;
            if queued.is_some_and(|at| at <= next) {
                if let Some((_, delivery)) = self.queue.pop_first() {
                    self.deliver(delivery);
                }
            } else if let Some((_, account)) = due {
                self.on_desk(account, |desk, now, out| desk.tick(now, out));
            }
            self.look();
        }
        if self.audit.violation().is_none() {
            self.now = self.now.max(end);
        }
    }

    /// Which desk is to be called next, and when.
    fn next_due(&self) -> Option<(Time, usize)> {
        self.process.as_ref()?;
        let due = self.accounts.iter().enumerate();
        due.filter_map(|(index, account)| Some((account.due?.plus(-self.skew), index))).min()
    }

    fn deliver(&mut self, delivery: Delivery) {
        if self.trace.is_some() && !matches!(delivery, Delivery::Tick(_)) {
            self.note(|| format!("{delivery:?}"));
        }
        match delivery {
            Delivery::Market { step, mark } => self.go_on(step, mark),
            Delivery::Act(act) => self.act(act),
            Delivery::Start(life) if life == self.life => self.start(),
            Delivery::Link(account, life, state) if life == self.life => self.link(account, state),
            Delivery::ToVenue { account, life, id, request, nonce, is_copy } => {
                self.arrive(account, (life, id), &request, nonce, is_copy);
            }
            Delivery::ToDesk(account, life, id, answer)
                if life == self.life && self.accounts[account].open.remove(&id) =>
            {
                self.on_desk(account, |desk, now, out| desk.answered(now, id, answer, out));
            }
            Delivery::TimeOut(account, life, id) if life == self.life && self.accounts[account].open.remove(&id) => {
                self.on_desk(account, |desk, now, out| desk.answered(now, id, Answer::Unknown, out));
            }
            Delivery::Event(account, connection, event) => self.hear(account, connection, event),
            Delivery::Thaw(account, connection) => self.thaw(account, connection),
            Delivery::Mark(symbol, at, price) => self.hear_mark(symbol, at, price),
            Delivery::Candle(symbol, candle) => self.hear_candle(symbol, &candle),
            Delivery::CloseStep(life, close_time) if life == self.life => self.close_step(close_time),
            Delivery::EndStep(life) if life == self.life => self.end_step(),
            Delivery::Intent(life, intent) if life == self.life => self.judge(&intent),
            Delivery::Clock => self.set_clock(),
            Delivery::Tick(life) if life == self.life && self.tick_at == Some(self.now) => self.tick(),
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
    pub(super) fn strike(&mut self, way: Way) -> Option<Fault> {
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
    pub(super) fn happens(&mut self, rate: u32) -> bool {
        let happens = !self.is_over && self.faults.happens(rate);
        self.counts.faults += u64::from(happens);
        happens
    }

    pub(super) fn portfolios(&self) -> impl Iterator<Item = PortfolioId> + use<> {
        (0..self.plan.portfolios.len()).map(PortfolioId::at)
    }

    /// After each turn: the supervisor's invariants, and the positions at the venues.
    fn look(&mut self) {
        let Some(process) = &self.process else { return };
        self.audit.supervisor(&process.supervisor);
        let Some(pause) = self.pause_of_ticks() else { return };
        let at = self.now.plus(pause);
        if self.tick_at.is_none_or(|known| known > at) {
            self.tick_at = Some(at);
            self.send(pause, Delivery::Tick(self.life));
        }
    }

    /// Time asks each second while a position is not as it should be, and now and then while all is well.
    fn pause_of_ticks(&self) -> Option<Millis> {
        let supervisor = &self.process.as_ref()?.supervisor;
        let exposed = self.portfolios().filter(|portfolio| supervisor.has_exposure(*portfolio));
        let pause = |portfolio| {
            let is_bad = |one: OpenPosition| one.naked_since.is_some() || one.closing.is_some();
            if supervisor.positions(portfolio).any(is_bad) { SECOND_MS } else { 10 * SECOND_MS }
        };
        exposed.map(pause).min()
    }
}
