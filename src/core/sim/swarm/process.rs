//! What dies in a kill: the supervisor, the desks, the feed, the agents; how they start from the journal,
//! and how facts reach the journal before anything leaves.

use super::cast;
use super::cast::Cast;
use super::disk::Disk;
use super::host::Host;
use super::inside::Inside;
use super::rates::Way;
use super::scenario::Act;
use crate::delivery::{Answer, Desk, LinkState, Out, RequestId, RunTag, StreamEvent};
use crate::engine::{Crew, LifeState, Lifecycle, RestartPolicy};
use crate::features::{Hub, Wants};
use crate::model::{
    AgentChange, AgentId, BreakerScope, Candle, Fact, Intent, Millis, PortfolioId, Price, SECOND_MS, SymbolId, Time,
};
use crate::planted::{Bug, is_planted};
use crate::risk::{Effects, OpenPosition, Supervisor};
use crate::rule::Rule;
use crate::sim::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// On its way within a process.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Own {
    /// No more candles of this close are waited for.
    CloseStep(Time),
    EndStep,
    Intent(Box<Intent>),
    Tick,
}

/// A swarm as the plain values of the core, called by the world itself.
pub(super) struct Values<'a> {
    pub(super) cast: &'a dyn Cast,
    pub(super) process: Option<Process>,
    pub(super) disk: Disk,
    /// By account: when its desk is to be called.
    due: Vec<Option<Time>>,
    /// When time itself asks next.
    pub(super) tick_at: Option<Time>,
    /// With so many facts the journal is folded anew and compared.
    pub(super) fold_at: u64,
}

impl<'a> Values<'a> {
    pub(super) fn new(cast: &'a dyn Cast, accounts: usize) -> Self {
        Self { cast, process: None, disk: Disk::new(), due: vec![None; accounts], tick_at: None, fold_at: 100 }
    }
}

impl std::fmt::Debug for Values<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Values").field("disk", &self.disk).field("due", &self.due).finish_non_exhaustive()
    }
}

impl Inside for Values<'_> {
    type Own = Own;

    fn start(host: &mut Host<Self>) {
        host.begin_life();
    }

    fn die(&mut self) {
        self.process = None;
        self.tick_at = None;
        self.due.fill(None);
    }

    fn is_alive(&self) -> bool {
        self.process.is_some()
    }

    fn books(&self) -> Option<&Supervisor> {
        self.process.as_ref().map(|process| &process.supervisor)
    }

    fn desk(&self, account: usize) -> Option<&Desk> {
        self.process.as_ref().map(|process| &process.desks[account])
    }

    fn answered(host: &mut Host<Self>, account: usize, id: RequestId, answer: Answer) {
        host.on_desk(account, |desk, now, out| desk.answered(now, id, answer, out));
    }

    fn streamed(host: &mut Host<Self>, account: usize, event: StreamEvent) {
        host.on_desk(account, |desk, now, out| desk.streamed(now, event, out));
    }

    fn linked(host: &mut Host<Self>, account: usize, state: LinkState) {
        host.on_desk(account, |desk, now, out| desk.link(now, state, out));
    }

    fn marked(host: &mut Host<Self>, symbol: SymbolId, at: Time, price: Price) {
        host.hear_mark(symbol, at, price);
    }

    fn closed(host: &mut Host<Self>, symbol: SymbolId, candle: &Candle) {
        host.hear_candle(symbol, candle);
    }

    fn operate(host: &mut Host<Self>, act: Act) {
        host.operate(act);
    }

    fn own(host: &mut Host<Self>, own: Own) {
        match own {
            Own::CloseStep(close_time) => host.close_step(close_time),
            Own::EndStep => host.end_step(),
            Own::Intent(intent) => host.judge(&intent),
            Own::Tick if host.inside.tick_at == Some(host.now) => host.tick(),
            Own::Tick => {}
        }
    }

    fn is_routine(own: &Own) -> bool {
        matches!(own, Own::Tick)
    }

    fn due(host: &Host<Self>) -> Option<(Time, usize)> {
        host.inside.process.as_ref()?;
        let due = host.inside.due.iter().enumerate();
        due.filter_map(|(index, due)| Some(((*due)?.plus(-host.skew), index))).min()
    }

    fn call(host: &mut Host<Self>, account: usize) {
        host.on_desk(account, |desk, now, out| desk.tick(now, out));
    }

    /// The supervisor's invariants, and when time itself asks next.
    fn look(host: &mut Host<Self>) {
        let Some(process) = &host.inside.process else { return };
        host.audit.supervisor(&process.supervisor);
        let Some(pause) = host.pause_of_ticks() else { return };
        let at = host.now.plus(pause);
        if host.inside.tick_at.is_none_or(|known| known > at) {
            host.inside.tick_at = Some(at);
            host.send_own(pause, Own::Tick);
        }
    }
}

/// The tag of all client order ids.
pub fn tag() -> RunTag {
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

impl Host<Values<'_>> {
    /// Makes an agent's rule, for the first time or after a panic.
    pub(super) fn make_rule(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        cast::make_rule(self.inside.cast, &self.plan, agent, wants, (self.scenario.seed, self.scenario.rates.panic))
    }

    /// A process starts: it reads the journal, takes the market's history, and looks at its accounts.
    fn begin_life(&mut self) {
        let is_first = self.inside.disk.is_empty();
        let Some(process) = self.build() else { return };
        self.inside.process = Some(process);
        // Reading everything a second time is not cheap.
        if !is_first && self.life % 8 == 1 {
            let place = self.faults.below(1 << 40);
            if !self.inside.disk.refuses_damage(place) {
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
                self.connect(account);
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

    fn warm(&mut self, process: &mut Process) {
        for index in 0..self.plan.instruments.len() {
            let symbol = SymbolId::at(index);
            let candles = process.hub.warm_up_candles(symbol);
            for candle in self.past(symbol, candles) {
                process.hub.close(symbol, candle);
            }
        }
    }

    fn fold(&mut self, process: &mut Process) {
        let (mut read, known) = (0, self.audit.facts());
        let mut unseen = Vec::new();
        let restart = self.scenario.restart;
        let result = self.inside.disk.read(|fact| {
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
        self.read_back(read, &unseen);
        if let Err(error) = result {
            self.audit.blame(15, || error);
        }
    }

    /// Lets the supervisor do something, and does what follows from it.
    pub(super) fn on_supervisor(&mut self, call: impl FnOnce(&mut Supervisor, &mut Effects)) {
        let mut effects = Effects::default();
        let Some(process) = &mut self.inside.process else { return };
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
        if let Some(process) = &self.inside.process {
            self.audit.cover(&process.supervisor, &effects.facts);
            self.audit.deeds(&process.supervisor, &effects.facts);
        }
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

    /// Writes facts to the journal; `false` when the process died of it.
    pub(super) fn append(&mut self, facts: &[Fact]) -> bool {
        if facts.is_empty() {
            return true;
        }
        if self.happens(self.scenario.rates.torn_append) {
            let (share, garbage, ms) =
                (self.faults.below(256), self.faults.happens(3_000), self.faults.some_of(30_000));
            self.note(|| format!("  torn at {share}/256 of {} facts", facts.len()));
            self.inside.disk.append_torn(facts, share, garbage);
            self.crash(ms);
            return false;
        }
        self.inside.disk.append(facts);
        self.journaled(facts);
        true
    }

    /// Lets a desk do something, and does what follows from it.
    pub(super) fn on_desk(&mut self, account: usize, call: impl FnOnce(&mut Desk, Time, &mut Out)) {
        let mut out = Out::default();
        let now = self.clock();
        let Some(process) = &mut self.inside.process else { return };
        let desk = &mut process.desks[account];
        call(desk, now, &mut out);
        self.inside.due[account] = desk.next_deadline();
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

    /// Time asks each second while a position is not as it should be, and now and then while all is well.
    fn pause_of_ticks(&self) -> Option<Millis> {
        let supervisor = &self.inside.process.as_ref()?.supervisor;
        let exposed = self.portfolios().filter(|portfolio| supervisor.has_exposure(*portfolio));
        let pause = |portfolio| {
            let is_bad = |one: OpenPosition| one.naked_since.is_some() || one.closing.is_some();
            if supervisor.positions(portfolio).any(is_bad) { SECOND_MS } else { 10 * SECOND_MS }
        };
        exposed.map(pause).min()
    }

    fn operate(&mut self, act: Act) {
        let now = self.clock();
        match act {
            Act::Stop(agent, policy) => {
                if let Some(process) = &mut self.inside.process {
                    process.lives[agent.index()].stopped();
                }
                self.on_supervisor(|supervisor, effects| {
                    supervisor.on_agent(now, agent, AgentChange::Stopped(policy), effects);
                });
            }
            Act::Start(agent) => {
                if let Some(process) = &mut self.inside.process {
                    process.lives[agent.index()].started();
                    self.revive(agent, now);
                }
            }
            Act::Flatten(portfolio) => {
                self.on_supervisor(|supervisor, effects| supervisor.flatten(now, portfolio, effects));
            }
            Act::Reset => self.reset(),
            _ => {}
        }
    }

    fn reset(&mut self) {
        let now = self.clock();
        let Some(process) = &self.inside.process else { return };
        let portfolios = self.portfolios().map(BreakerScope::Portfolio);
        let agents = (0..self.plan.agents.len()).map(|index| BreakerScope::Agent(AgentId::at(index)));
        let scopes: Vec<_> = [BreakerScope::Swarm]
            .into_iter()
            .chain(portfolios)
            .chain(agents)
            .filter(|scope| process.supervisor.breaker(*scope).is_some_and(crate::risk::Breaker::is_tripped))
            .collect();
        for scope in scopes {
            self.on_supervisor(|supervisor, effects| {
                supervisor.reset_breaker(now, scope, "looked at it", effects).ok();
            });
        }
    }

    /// Folds the journal anew and compares.
    pub(super) fn check_fold(&mut self) {
        let Some(process) = &self.inside.process else { return };
        let mut folded = Supervisor::new(Arc::clone(&self.plan));
        let read = self.inside.disk.clone().read(|fact| folded.apply(fact));
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
