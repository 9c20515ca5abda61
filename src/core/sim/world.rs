//! The host of a supervisor and a desk in virtual time, with a journal that outlives them. It carries
//! requests, answers and events over the link and checks the supervisor's invariants after each.

use super::link::{Fault, Faults, Message};
use super::venue::Venue;
use crate::delivery::{Answer, Desk, LinkState, Out, Policy, Request, RequestId, RunTag, StreamEvent};
use crate::invariants;
use crate::model::{
    AgentChange, AgentId, Fact, Intent, IntentKind, Mark, Millis, Plan, PortfolioId, Price, Rate, SECOND_MS, SymbolId,
    Time, Usd, Verdict,
};
use crate::risk::{Effects, Supervisor};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The carrier gives up on an answer after this long.
pub const TIME_OUT_MS: Millis = 10 * SECOND_MS;
/// One way over the link.
const LATENCY_MS: Millis = 40;
/// From the start of the process to the user stream being connected.
const CONNECT_MS: Millis = 500;
/// At one instant more calls than this are a loop that does not end.
const MAX_CALLS_AT_ONCE: u32 = 10_000;

/// Something that happens by the script.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A price moves.
    Price(SymbolId, Price),
    /// An agent wishes.
    Wish(AgentId, IntentKind),
    /// Funding is paid.
    Fund(SymbolId, Rate),
    /// Money is moved in or out, in USDT.
    Transfer(Usd),
    /// An operator wants the portfolio flat.
    Flatten,
}

/// Something on its way.
#[derive(Clone, Debug, PartialEq)]
enum Delivery {
    Script(Act),
    Start(u32),
    Link(u32, LinkState),
    ToVenue(u32, RequestId, Request),
    ToDesk(u32, RequestId, Answer),
    TimeOut(u32, RequestId),
    Event(u32, StreamEvent),
    Second,
}

/// A process: what dies in a crash.
pub(super) struct Process {
    pub(super) supervisor: Supervisor,
    pub(super) desk: Desk,
}

/// See the module.
pub struct World {
    plan: Arc<Plan>,
    policy: Policy,
    pub(super) portfolio: PortfolioId,
    pub(super) process: Option<Process>,
    /// Counts processes, so that nothing of a dead one reaches the next.
    life: u32,
    /// Counts connections of the user stream; odd while it is up.
    connection: u32,
    pub(super) journal: Vec<Fact>,
    pub(super) venue: Venue,
    faults: Faults,
    messages: u64,
    queue: BTreeMap<(Time, u64), Delivery>,
    queued: u64,
    now: Time,
    calls_at_once: u32,
    /// Nonce and instant of each request of the present process.
    signed: BTreeMap<RequestId, (u64, Time)>,
    nonces: u64,
    /// The same of those on their way, whatever became of the process that sent them.
    on_the_way: BTreeMap<(u32, RequestId), (u64, Time)>,
    open: BTreeSet<RequestId>,
    /// Since when a contract's position has had no stop at the venue.
    naked_since: BTreeMap<SymbolId, Time>,
    longest_naked_ms: Millis,
    pub(super) faulty: Option<String>,
}

impl World {
    /// A world at `now` in which the process is about to start.
    pub fn new(plan: Plan, policy: Policy, venue: Venue, faults: Faults, now: Time) -> Self {
        let mut world = Self {
            plan: Arc::new(plan),
            policy,
            portfolio: PortfolioId(0),
            process: None,
            life: 0,
            connection: 0,
            journal: Vec::new(),
            venue,
            faults,
            messages: 0,
            queue: BTreeMap::new(),
            queued: 0,
            now,
            calls_at_once: 0,
            signed: BTreeMap::new(),
            nonces: 0,
            on_the_way: BTreeMap::new(),
            open: BTreeSet::new(),
            naked_since: BTreeMap::new(),
            longest_naked_ms: 0,
            faulty: None,
        };
        world.send(0, Delivery::Start(0));
        world.send(SECOND_MS, Delivery::Second);
        world
    }

    /// Lets something happen at an instant.
    pub fn schedule(&mut self, at: Time, act: Act) {
        self.send(at.since(self.now), Delivery::Script(act));
    }

    /// Lets time pass.
    pub fn run_until(&mut self, end: Time) {
        loop {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            let due = self.process.as_ref().and_then(|process| process.desk.next_deadline());
            let next = queued.into_iter().chain(due).min().unwrap_or(end).max(self.now);
            if next > end || self.faulty.is_some() {
                self.now = end;
                return;
            }
            self.calls_at_once = if next > self.now { 0 } else { self.calls_at_once + 1 };
            if self.calls_at_once > MAX_CALLS_AT_ONCE {
                self.faulty = Some(format!("does not come to rest at {next}"));
            }
            self.now = next;
            if queued == Some(next) || queued.is_some_and(|at| at <= next) {
                if let Some((_, delivery)) = self.queue.pop_first() {
                    self.deliver(delivery);
                }
            } else {
                self.on_desk(|desk, now, out| desk.tick(now, out));
            }
            self.check();
        }
    }

    fn send(&mut self, after: Millis, delivery: Delivery) {
        self.queued += 1;
        self.queue.insert((self.now.plus(after), self.queued), delivery);
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Script(act) => self.act(act),
            Delivery::Start(life) if life == self.life => self.start(),
            Delivery::Second => {
                self.send(SECOND_MS, Delivery::Second);
                self.second();
            }
            Delivery::Link(life, state) if life == self.life => {
                // Connected afresh: what was on the way over the old connection is not heard.
                self.connection += 1;
                debug_assert_eq!(self.connection % 2 == 1, state == LinkState::Up);
                self.on_desk(|desk, now, out| desk.link(now, state, out));
            }
            Delivery::ToVenue(life, id, request) => self.arrive(life, id, &request),
            Delivery::ToDesk(life, id, answer) if life == self.life => {
                self.open.remove(&id);
                self.on_desk(|desk, now, out| desk.answered(now, id, answer, out));
            }
            Delivery::TimeOut(life, id) if life == self.life && self.open.remove(&id) => {
                // Whether it was a question or a change is for the desk to know: both answers mean to ask.
                self.on_desk(|desk, now, out| desk.answered(now, id, Answer::Unknown, out));
            }
            Delivery::Event(connection, event) if connection == self.connection => {
                self.on_desk(|desk, now, out| desk.streamed(now, event, out));
            }
            _ => {}
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Price(symbol, price) => {
                self.venue.quote(self.now, symbol, price);
                self.mark(symbol, price);
            }
            Act::Fund(symbol, rate) => self.venue.fund(self.now, symbol, rate),
            Act::Transfer(amount) => self.venue.transfer(self.now, amount),
            Act::Wish(agent, kind) => {
                let symbol = self.plan.agents[agent.index()].symbol;
                let (portfolio, now) = (self.portfolio, self.now);
                let reference = self.last_price(symbol);
                let intent = Intent { agent, portfolio, symbol, decided_at: now, reference, kind };
                self.on_supervisor(|supervisor, effects| {
                    let _: Verdict = supervisor.on_intent(now, &intent, effects);
                });
            }
            Act::Flatten => {
                let (portfolio, now) = (self.portfolio, self.now);
                self.on_supervisor(|supervisor, effects| supervisor.flatten(now, portfolio, effects));
            }
        }
        self.flush_told();
    }

    fn last_price(&self, symbol: SymbolId) -> Price {
        let mut marks = self.journal.iter().rev().filter_map(|fact| match fact {
            Fact::Mark { symbol: of, price, .. } if *of == symbol => Some(*price),
            _ => None,
        });
        marks.next().unwrap_or(Price::ZERO)
    }

    fn mark(&mut self, symbol: SymbolId, price: Price) {
        let (now, portfolio) = (self.now, self.portfolio);
        if self.process.is_none() {
            return;
        }
        let fact = Fact::Mark { at: now, symbol, price };
        self.journal.push(fact.clone());
        self.on_supervisor(|supervisor, effects| {
            supervisor.apply(&fact);
            supervisor.on_marks(portfolio, now, &[Mark { symbol, price }], effects);
        });
    }

    fn second(&mut self) {
        let (now, portfolio) = (self.now, self.portfolio);
        self.on_supervisor(|supervisor, effects| supervisor.on_marks(portfolio, now, &[], effects));
        if now.0 % (60 * SECOND_MS) < SECOND_MS {
            self.on_supervisor(|supervisor, effects| supervisor.end_step(now, effects));
        }
    }

    fn start(&mut self) {
        let life = self.life;
        let mut supervisor = Supervisor::new(Arc::clone(&self.plan));
        let tag: RunTag = "sim".parse().expect("invariant: a plain tag");
        let mut desk = Desk::new(&self.plan, self.portfolio, tag, self.policy.clone());
        let is_first = self.journal.is_empty();
        for fact in &self.journal {
            supervisor.apply(fact);
            desk.apply(fact);
        }
        self.process = Some(Process { supervisor, desk });
        if is_first {
            let now = self.now;
            for agent in 0..self.plan.agents.len() {
                let agent = AgentId::at(agent);
                self.on_supervisor(|supervisor, effects| {
                    supervisor.on_agent(now, agent, AgentChange::Started, effects);
                });
            }
        }
        self.on_desk(|desk, now, out| desk.start(now, out));
        self.send(CONNECT_MS, Delivery::Link(life, LinkState::Up));
    }

    fn crash(&mut self, ms: Millis) {
        self.process = None;
        self.life += 1;
        self.connection += self.connection % 2;
        self.signed.clear();
        self.open.clear();
        self.send(ms, Delivery::Start(self.life));
    }

    fn on_supervisor(&mut self, call: impl FnOnce(&mut Supervisor, &mut Effects)) {
        let mut effects = Effects::default();
        if let Some(process) = &mut self.process {
            call(&mut process.supervisor, &mut effects);
        }
        self.obey(effects);
    }

    /// Facts are durable before commands leave.
    fn obey(&mut self, effects: Effects) {
        self.journal.extend(effects.facts);
        for command in effects.commands {
            self.on_desk(|desk, now, out| desk.command(now, &command, out));
        }
    }

    fn on_desk(&mut self, call: impl FnOnce(&mut Desk, Time, &mut Out)) {
        let mut out = Out::default();
        let (now, portfolio, life) = (self.now, self.portfolio, self.life);
        let Some(process) = &mut self.process else { return };
        call(&mut process.desk, now, &mut out);
        let Out { requests, events, gate, differences, halt: _ } = out;
        if let Some(gated) = gate {
            self.on_supervisor(|supervisor, effects| supervisor.set_gate(now, portfolio, gated, effects));
        }
        for difference in differences {
            self.on_supervisor(|supervisor, effects| {
                supervisor.note_difference(now, portfolio, difference, effects);
            });
        }
        for (id, request) in requests {
            // A process that died at the message before sends no more.
            if life == self.life {
                self.request(id, request);
            }
        }
        if !events.is_empty() && life == self.life {
            self.on_supervisor(|supervisor, effects| {
                events.iter().for_each(|event| supervisor.on_venue(portfolio, event, effects));
            });
        }
    }

    fn next_message(&mut self, message: Message) -> Option<Fault> {
        let fault = self.faults.strike(self.messages, message);
        self.messages += 1;
        fault
    }

    fn request(&mut self, id: RequestId, request: Request) {
        let (life, fault) = (self.life, self.next_message(Message::Request));
        self.nonces += 1;
        let nonce = match &request {
            Request::Noop { of } => self.signed.get(of).copied().unwrap_or((self.nonces, self.now)),
            _ => (self.nonces, self.now),
        };
        self.signed.insert(id, nonce);
        self.open.insert(id);
        let extra = match fault {
            Some(Fault::Held(ms)) => {
                let answer = Answer::NotSent { until: Some(self.now.plus(ms)) };
                return self.send(0, Delivery::ToDesk(life, id, answer));
            }
            Some(Fault::Crash(ms)) => return self.crash(ms),
            Some(Fault::Undecided { done }) => {
                if done {
                    let (nonce, at) = nonce;
                    let _: Answer = self.venue.serve(self.now, &request, nonce, at);
                    self.flush_told();
                }
                return self.send(2 * LATENCY_MS, Delivery::ToDesk(life, id, Answer::Unknown));
            }
            Some(Fault::Delay(ms)) => ms,
            _ => 0,
        };
        self.send(TIME_OUT_MS, Delivery::TimeOut(life, id));
        if fault != Some(Fault::Lose) {
            self.on_the_way.insert((life, id), nonce);
            self.send(LATENCY_MS + extra, Delivery::ToVenue(life, id, request));
        }
    }

    fn arrive(&mut self, life: u32, id: RequestId, request: &Request) {
        let Some((nonce, at)) = self.on_the_way.remove(&(life, id)) else { return };
        let answer = self.venue.serve(self.now, request, nonce, at);
        // The stream and the answer race; which is first is the link's matter.
        self.flush_told();
        match self.next_message(Message::Answer) {
            Some(Fault::Lose) => {}
            Some(Fault::Crash(ms)) => self.crash(ms),
            Some(Fault::Delay(ms)) => self.send(LATENCY_MS + ms, Delivery::ToDesk(life, id, answer)),
            _ => self.send(LATENCY_MS, Delivery::ToDesk(life, id, answer)),
        }
    }

    fn flush_told(&mut self) {
        for event in self.venue.drain_told() {
            if self.connection.is_multiple_of(2) {
                continue;
            }
            let connection = self.connection;
            match self.next_message(Message::Event) {
                Some(Fault::Lose) => {}
                Some(Fault::Crash(ms)) => self.crash(ms),
                Some(Fault::Delay(ms)) => self.send(LATENCY_MS + ms, Delivery::Event(connection, event)),
                Some(Fault::Repeat) => {
                    self.send(LATENCY_MS, Delivery::Event(connection, event.clone()));
                    self.send(LATENCY_MS * 3, Delivery::Event(connection, event));
                }
                Some(Fault::Outage(ms)) => {
                    // What answers the outage may be the message that the process dies at.
                    let life = self.life;
                    self.connection += 1;
                    self.on_desk(|desk, now, out| desk.link(now, LinkState::Down, out));
                    self.send(ms, Delivery::Link(life, LinkState::Up));
                }
                _ => self.send(LATENCY_MS, Delivery::Event(connection, event)),
            }
        }
    }

    fn check(&mut self) {
        for (symbol, _) in self.venue.holdings() {
            if self.venue.is_protected(symbol) {
                self.naked_since.remove(&symbol);
            } else {
                let since = *self.naked_since.entry(symbol).or_insert(self.now);
                self.longest_naked_ms = self.longest_naked_ms.max(self.now.since(since));
            }
        }
        let Some(process) = &self.process else { return };
        if let Err(violation) = invariants::check(&process.supervisor) {
            self.faulty.get_or_insert(format!("at {}: {violation}", self.now));
        }
    }

    /// Differences that were journaled.
    pub fn differences(&self) -> impl Iterator<Item = &crate::model::Difference> {
        self.journal.iter().filter_map(|fact| match fact {
            Fact::Difference { difference, .. } => Some(&**difference),
            _ => None,
        })
    }

    /// Messages sent so far.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// The longest that a position had no stop at the venue, in milliseconds.
    pub const fn longest_naked_ms(&self) -> Millis {
        self.longest_naked_ms
    }

    /// Everything that was journaled.
    pub fn journal(&self) -> &[Fact] {
        &self.journal
    }

    /// The account's venue.
    pub const fn venue_mut(&mut self) -> &mut Venue {
        &mut self.venue
    }

    /// The account's venue.
    pub const fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The desk, while the process lives.
    pub fn desk(&self) -> Option<&Desk> {
        self.process.as_ref().map(|process| &process.desk)
    }

    /// The supervisor, while the process lives.
    pub fn supervisor(&self) -> Option<&Supervisor> {
        self.process.as_ref().map(|process| &process.supervisor)
    }

    /// The present instant.
    pub const fn now(&self) -> Time {
        self.now
    }
}
