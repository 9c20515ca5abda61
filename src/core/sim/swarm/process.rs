//! What dies in a kill: the supervisor, the desks, the feed, the agents; how they start from the journal,
//! and how facts reach the journal before anything leaves.

use super::cast;
use super::host::{Delivery, Host};
use super::rates::Way;
use crate::delivery::{Desk, LinkState, Out, RunTag};
use crate::engine::{Crew, LifeState, Lifecycle, RestartPolicy};
use crate::features::{Hub, Wants};
use crate::model::{AgentChange, AgentId, Candle, Fact, Millis, PortfolioId, Purpose, Time};
use crate::orders::Status;
use crate::planted::{Bug, is_planted};
use crate::risk::{Effects, Supervisor};
use crate::rule::Rule;
use crate::sim::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;

/// From the start of a process, or the end of an outage, to the user stream being connected.
pub(super) const CONNECT_MS: Millis = 500;

/// What came in of the market.
#[derive(Debug)]
pub(super) struct Feed {
    /// By symbol: the venue's time of the newest mark.
    pub(super) marks: Vec<Time>,
    /// By symbol: the close of the newest candle.
    pub(super) closes: Vec<Time>,
    /// Candles of steps that are not complete.
    pub(super) pending: BTreeMap<Time, Vec<Option<Candle>>>,
    /// The newest step that is.
    pub(super) closed: Time,
}

/// See the module.
pub(super) struct Process {
    pub(super) supervisor: Supervisor,
    pub(super) desks: Vec<Desk>,
    pub(super) hub: Hub,
    pub(super) wants: Vec<Wants>,
    pub(super) rules: Vec<Box<dyn Rule>>,
    pub(super) lives: Vec<Lifecycle>,
    pub(super) feed: Feed,
}

/// The tag of all client order ids.
pub(super) fn tag() -> RunTag {
    "sim".parse().expect("invariant: a plain tag")
}

/// An agent's life as the journal tells it.
fn live_through(life: &mut Lifecycle, change: &AgentChange, at: Time, policy: &RestartPolicy) {
    match change {
        AgentChange::Started if matches!(life.state(), LifeState::Restarting(_)) => {
            life.resume(LifeState::Running, life.restarts() + 1);
        }
        AgentChange::Started => life.started(),
        AgentChange::Stopped(_) => life.stopped(),
        AgentChange::Panicked { .. } => drop(life.panicked(at, policy)),
        AgentChange::Failed => life.resume(LifeState::Failed, life.restarts()),
    }
}

impl Host<'_> {
    /// Makes an agent's rule, for the first time or after a panic.
    pub(super) fn make_rule(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        cast::make(self.cast, &self.plan, agent, wants, (self.scenario.seed, self.scenario.rates.panic))
    }

    /// A process starts: it reads the journal, takes the market's history, and looks at its accounts.
    pub(super) fn start(&mut self) {
        let is_first = self.disk.is_empty();
        let Some(process) = self.build() else { return };
        self.process = Some(process);
        self.audit.started();
        // Reading everything a second time is not cheap.
        if !is_first && self.life % 8 == 1 {
            let place = self.faults.below(1 << 40);
            if !self.disk.refuses_damage(place) {
                self.audit.blame(15, || format!("damage at {place} is not noticed"));
            }
        }
        let life = self.life;
        for index in 0..self.plan.agents.len() {
            let (now, agent) = (self.clock(), AgentId::at(index));
            if is_first && life == self.life {
                self.on_supervisor(|supervisor, effects| {
                    supervisor.on_agent(now, agent, AgentChange::Started, effects);
                });
            }
        }
        for account in 0..self.accounts.len() {
            if life == self.life {
                self.on_desk(account, |desk, now, out| desk.start(now, out));
                self.send(CONNECT_MS, Delivery::Link(account, life, LinkState::Up));
            }
        }
    }

    fn build(&mut self) -> Option<Process> {
        let plan = Arc::clone(&self.plan);
        let make = |agent: AgentId, wants: &mut Wants| self.make_rule(agent, wants);
        let built = Crew::build(&plan, &make).map_err(|error| error.to_string());
        let built = built.and_then(|crew| {
            let hub = Hub::new(plan.base, plan.gaps, &crew.wants).map_err(|error| error.to_string())?;
            Ok((crew, hub))
        });
        let (crew, hub) = match built {
            Ok(built) => built,
            Err(error) => {
                self.audit.blame(20, || format!("the swarm cannot be built: {error}"));
                return None;
            }
        };
        let desk = |portfolio| Desk::new(&plan, portfolio, tag(), self.scenario.policy.clone());
        let mut process = Process {
            supervisor: Supervisor::new(Arc::clone(&plan)),
            desks: self.portfolios().map(desk).collect(),
            hub,
            wants: crew.wants,
            rules: crew.rules,
            lives: vec![Lifecycle::default(); plan.agents.len()],
            feed: Feed {
                marks: vec![Time(i64::MIN); plan.instruments.len()],
                closes: vec![Time(i64::MIN); plan.instruments.len()],
                pending: BTreeMap::new(),
                closed: self.now,
            },
        };
        self.warm(&mut process);
        self.fold(&mut process);
        Some(process)
    }

    /// Candles so far, as the venue's history has them.
    fn warm(&mut self, process: &mut Process) {
        let (base, start) = (self.plan.base, self.scenario.start);
        for (index, history) in self.history.iter_mut().enumerate() {
            let symbol = crate::model::SymbolId::at(index);
            if history.is_empty() {
                let candles = process.hub.warm_up_candles(symbol);
                *history = self.walks[index].history(candles, start, base, &mut self.prices);
            }
            for candle in history.iter() {
                process.hub.close(symbol, candle);
            }
        }
    }

    fn fold(&mut self, process: &mut Process) {
        let (mut read, known) = (0, self.audit.facts());
        let mut unseen = Vec::new();
        let restart = self.scenario.restart;
        let result = self.disk.read(|fact| {
            process.supervisor.apply(fact);
            process.desks.iter_mut().for_each(|desk| desk.apply(fact));
            if let Fact::Agent { at, agent, change } = fact {
                live_through(&mut process.lives[agent.index()], change, *at, &restart);
            }
            read += 1;
            if read > known {
                unseen.push(fact.clone());
            }
        });
        unseen.iter().for_each(|fact| self.audit.fact(fact));
        if read < known {
            self.audit.blame(15, || format!("{read} facts are read back of {known}"));
        }
        if let Err(error) = result {
            self.audit.blame(15, || error);
        }
    }

    /// The process dies and starts again after `ms`.
    pub(super) fn crash(&mut self, ms: Millis) {
        self.note(|| format!("  dies for {ms} ms"));
        self.process = None;
        self.life += 1;
        self.counts.deaths += 1;
        self.tick_at = None;
        for account in &mut self.accounts {
            account.connection += account.connection % 2;
            account.frozen = None;
            account.open.clear();
            account.signed.clear();
            account.due = None;
        }
        self.disturb_all();
        self.send(ms, Delivery::Start(self.life));
    }

    /// Lets the supervisor do something, and does what follows from it.
    pub(super) fn on_supervisor(&mut self, call: impl FnOnce(&mut Supervisor, &mut Effects)) {
        let mut effects = Effects::default();
        let Some(process) = &mut self.process else { return };
        call(&mut process.supervisor, &mut effects);
        self.obey(effects);
    }

    /// Facts are durable before commands leave.
    fn obey(&mut self, effects: Effects) {
        let life = self.life;
        let sends_first = is_planted(Bug::SendBeforeWriting);
        if !sends_first && !self.append(&effects.facts) {
            return;
        }
        self.check_cover(&effects.facts);
        for command in effects.commands {
            let account = command.portfolio().index();
            match self.strike(Way::Command) {
                Some(Fault::Crash(ms)) => return self.crash(ms),
                Some(Fault::Repeat) => self.on_desk(account, |desk, now, out| desk.command(now, &command, out)),
                _ => {}
            }
            if life != self.life {
                return;
            }
            self.on_desk(account, |desk, now, out| desk.command(now, &command, out));
        }
        if sends_first {
            self.append(&effects.facts);
        }
    }

    /// A stop is taken off only where another that was accepted covers the position, or nothing is to be covered.
    fn check_cover(&mut self, facts: &[Fact]) {
        let Some(process) = &self.process else { return };
        for fact in facts {
            let Fact::Cancel { portfolio, id, symbol, .. } = fact else { continue };
            let mut held = process.supervisor.positions(*portfolio).filter(|one| one.symbol == *symbol);
            let Some(held) = held.find(|one| one.intent == id.intent && one.closing.is_none()) else { continue };
            let orders = process.supervisor.open_orders(*portfolio).filter(|order| order.id.intent == id.intent);
            let own: Vec<_> = orders.collect();
            let is_stop = own.iter().any(|order| order.id == *id && order.purpose == Purpose::Stop);
            let covers = own.iter().any(|order| {
                let is_whole = order.close_position || order.leaves >= held.qty.abs();
                order.purpose == Purpose::Stop && order.status == Status::Accepted && !order.is_canceling && is_whole
            });
            if is_stop && !covers {
                self.audit.blame(22, || format!("{id} is taken off and nothing covers {held:?}"));
                return;
            }
        }
    }

    /// Writes facts to the journal; `false` when the process died of it.
    pub(super) fn append(&mut self, facts: &[Fact]) -> bool {
        if facts.is_empty() {
            return true;
        }
        if self.happens(self.scenario.rates.torn_append) {
            let (share, garbage, ms) =
                (self.faults.below(256), self.faults.happens(3_000), self.faults.some_of(30_000));
            self.note(|| format!("  torn at {share}/256 of {} facts", facts.len()));
            self.disk.append_torn(facts, share, garbage);
            self.crash(ms);
            return false;
        }
        self.disk.append(facts);
        for fact in facts {
            self.note(|| format!("    {fact:?}"));
            self.audit.fact(fact);
        }
        true
    }

    /// Lets a desk do something, and does what follows from it.
    pub(super) fn on_desk(&mut self, account: usize, call: impl FnOnce(&mut Desk, Time, &mut Out)) {
        let mut out = Out::default();
        let now = self.clock();
        let Some(process) = &mut self.process else { return };
        let desk = &mut process.desks[account];
        call(desk, now, &mut out);
        self.accounts[account].due = desk.next_deadline();
        self.carry_out(account, out);
    }

    fn carry_out(&mut self, account: usize, out: Out) {
        let (now, life, portfolio) = (self.clock(), self.life, PortfolioId::at(account));
        let Out { requests, events, gate, differences, halt } = out;
        if let Some(why) = halt {
            self.note(|| format!("  account {account} halts: {why:?}"));
        }
        if let Some(gated) = gate {
            self.on_supervisor(|supervisor, effects| supervisor.set_gate(now, portfolio, gated, effects));
        }
        for difference in differences {
            if life == self.life {
                self.on_supervisor(|supervisor, effects| {
                    supervisor.note_difference(now, portfolio, difference, effects);
                });
            }
        }
        for (id, request) in requests {
            // A process that died at the message before sends no more.
            if life == self.life {
                self.request(account, id, request);
            }
        }
        if !events.is_empty() && life == self.life {
            self.on_supervisor(|supervisor, effects| {
                events.iter().for_each(|event| supervisor.on_venue(portfolio, event, effects));
            });
        }
    }

    /// Folds the journal anew and compares.
    pub(super) fn check_fold(&mut self) {
        let Some(process) = &self.process else { return };
        let mut folded = Supervisor::new(Arc::clone(&self.plan));
        let read = self.disk.clone().read(|fact| folded.apply(fact));
        if let Err(error) = read {
            self.audit.blame(15, || error);
        } else if folded != process.supervisor {
            let what = first_difference(&format!("{folded:?}"), &format!("{:?}", process.supervisor));
            self.audit.blame(15, || what);
        }
    }
}

/// Where two texts part.
fn first_difference(folded: &str, ran: &str) -> String {
    let at = folded.bytes().zip(ran.bytes()).take_while(|(a, b)| a == b).count();
    let cut = |text: &str| text.get(at.saturating_sub(160)..(at + 60).min(text.len())).unwrap_or_default().to_owned();
    format!("folded: ..{}.. ran: ..{}..", cut(folded), cut(ran))
}
