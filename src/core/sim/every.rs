//! A bounded model checker: every order of messages, losses, late answers, deaths and wishes up to a depth,
//! over the real supervisor, the real desks and the venue's model, breadth first.
//!
//! It is our own and not `stateright`: that asks for states that are compared and hashed whole, and here a state
//! is a supervisor, desks and venues whose equality is that of the journal they fold from. What is kept of a
//! state that was seen is a hash of 128 bits over its journal, its desks, its venues and what is on its way.
//!
//! After each move the invariants hold, each order is at its venue once, and each was approved before. From
//! each state, left to itself without further faults, everything comes to rest: every wish is answered, nothing
//! stays reserved, and books and venue agree to the last unit.

use super::{Takes, Venue};
use crate::delivery::{Answer, Desk, LinkState, Out, Owner, Pending, Policy, Request, RequestId, RunTag, StreamEvent};
use crate::invariants;
use crate::model::{
    AgentId, AgentPlan, CohortId, CohortPlan, Entry, EntryOrder, EntryProtection, ExchangeParams, ExitPlan, Fact,
    GapPolicy, Instrument, Intent, IntentKind, Interval, LeverageBracket, Limits, Millis, Mode, OnTrip, OrderId, Plan,
    PortfolioId, PortfolioPlan, Price, Purpose, Qty, Rate, SECOND_MS, Side, Size, StopPlan, SymbolId, Time, Usd,
};
use crate::risk::{Effects, Supervisor};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// What is checked.
#[derive(Clone, Debug)]
pub struct Model {
    /// The swarm.
    pub plan: Arc<Plan>,
    /// Of each desk.
    pub policy: Policy,
    /// What is wished for, each once, at any time.
    pub wishes: Vec<(AgentId, IntentKind)>,
    /// The price of each symbol, which stands.
    pub prices: Vec<Price>,
    /// How the venues take strategies.
    pub takes: Takes,
    /// How many messages may be lost in one run.
    pub losses: u8,
    /// How often the process may die in one run.
    pub deaths: u8,
    /// Moves of a run.
    pub depth: u32,
    /// From how many of the states the way to rest is gone: every n-th.
    pub rest_every: u64,
}

impl Model {
    /// Three agents on two accounts and four contracts, of whom the swarm lets two hold a position. Each wishes
    /// for one, with a stop.
    pub fn small(depth: u32, losses: u8, deaths: u8, rest_every: u64) -> Self {
        let entry = |side| {
            IntentKind::Open(Entry {
                side,
                size: Size::Qty(Qty::whole(2)),
                leverage: Rate::whole(2),
                order: EntryOrder::Market,
                exits: ExitPlan {
                    stop: Some(StopPlan { distance: Price::whole(5), break_even: None, trail: None }),
                    ..ExitPlan::default()
                },
            })
        };
        Self {
            plan: Arc::new(small_plan()),
            policy: Policy {
                nonce_window_ms: super::NONCE_WINDOW_MS,
                balance_tolerance: Usd::ZERO,
                noop_settles_ms: None,
                ..Policy::default()
            },
            wishes: [Side::Buy, Side::Sell, Side::Buy]
                .into_iter()
                .enumerate()
                .map(|(index, side)| (AgentId::at(index), entry(side)))
                .collect(),
            prices: vec![Price::whole(100); 4],
            takes: Takes::Strategies,
            losses,
            deaths,
            depth,
            rest_every,
        }
    }

    /// The same with entries that leave with their stops, at venues that take that so.
    pub fn with_strategies(mut self, takes: Takes) -> Self {
        Arc::make_mut(&mut self.plan).entry_protection = EntryProtection::Strategy;
        self.takes = takes;
        self
    }
}

fn small_plan() -> Plan {
    let limits = Limits {
        max_positions: Some(2),
        max_leverage: Some(Rate::whole(3)),
        max_drawdown: Some(Rate::percent(20)),
        ..Limits::default()
    };
    let instrument = |index: usize| Instrument {
        symbol: format!("MC{index}USDT"),
        tick: Price(Price::ONE.0 / 10),
        step: Qty(Qty::ONE.0 / 1_000),
        min_qty: Qty(Qty::ONE.0 / 1_000),
        max_qty: Qty::whole(10_000),
        max_market_qty: Qty::whole(500),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::bps(100),
        max_open_orders: 200,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(1_000_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }],
    };
    let portfolio = |index: usize| PortfolioPlan {
        name: format!("account{index}"),
        equity: Usd::whole(10_000),
        limits: Limits::default(),
        breaker_samples: 2,
        on_trip: OnTrip::Halt,
        require_stop: true,
    };
    let agent = |index: usize| AgentPlan {
        name: format!("agent{index}"),
        cohort: CohortId::at(index / 2),
        portfolio: PortfolioId::at(index / 2),
        symbol: SymbolId::at(index),
        rule: "wish".into(),
        params: Arc::new(serde_json::Value::Null),
        limits: Limits::default(),
    };
    Plan {
        name: "small".into(),
        mode: Mode::Live,
        base: Interval::M1,
        intervals: vec![Interval::M1],
        gaps: GapPolicy::Reset,
        instruments: (0..4).map(instrument).collect(),
        exchange: ExchangeParams { impact: Rate::ZERO, ..ExchangeParams::default() },
        limits,
        portfolios: (0..2).map(portfolio).collect(),
        cohorts: (0..2)
            .map(|index| CohortPlan { name: format!("cohort{index}"), portfolio: PortfolioId::at(index) })
            .collect(),
        agents: (0..3).map(agent).collect(),
        experiment: None,
        entry_protection: EntryProtection::Single,
        max_mark_jump: None,
        naked_timeout_ms: crate::model::NAKED_TIMEOUT_MS,
    }
}

/// How a check went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Different states.
    pub states: u64,
    /// Moves made.
    pub moves: u64,
    /// States from which the way to rest was gone.
    pub rests: u64,
    /// The depth that was searched to its end.
    pub depth: u32,
    /// What does not hold, and the moves that lead there.
    pub fault: Option<(String, Vec<Move>)>,
}

/// One thing that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A wish reaches the supervisor.
    Wish(usize),
    /// A message arrives, whichever was sent before it.
    Deliver(usize),
    /// A message is lost; whoever waits for an answer learns that the outcome is unknown.
    Lose(usize),
    /// The process dies, and another begins from the journal.
    Die,
    /// Time passes until somebody wants to act.
    Wait,
}

#[derive(Clone, Debug, PartialEq)]
enum Message {
    Request(usize, u32, RequestId, Request, (u64, Time)),
    Answer(usize, RequestId, Answer),
    Event(usize, StreamEvent),
}

#[derive(Clone)]
struct State {
    now: Time,
    life: u32,
    nonces: u64,
    supervisor: Supervisor,
    desks: Vec<Desk>,
    venues: Vec<Venue>,
    journal: Vec<Fact>,
    network: Vec<Message>,
    wishes: Vec<bool>,
    losses: u8,
    deaths: u8,
    path: Vec<Move>,
}

const START: Time = Time(1_700_000_000_000);
/// Moves of a way to rest before it counts as endless.
const REST_MOVES: u32 = 5_000;
/// Time passes by this at most, so that guards may act.
const TICK_MS: Millis = SECOND_MS;

fn tag() -> RunTag {
    "mc".parse().expect("invariant: a plain tag")
}

/// Searches all runs up to the model's depth.
pub fn check(model: &Model) -> Verdict {
    let mut verdict = Verdict::default();
    let first = match State::begin(model) {
        Ok(first) => first,
        Err(fault) => return Verdict { fault: Some((fault, Vec::new())), ..verdict },
    };
    let mut seen = BTreeSet::from([first.key()]);
    let mut layer = vec![first];
    for depth in 0..=model.depth {
        let mut next = Vec::new();
        for state in &layer {
            verdict.states += 1;
            if verdict.states.is_multiple_of(model.rest_every.max(1)) {
                verdict.rests += 1;
                if let Err(fault) = state.clone().settle() {
                    verdict.fault = Some((format!("no rest: {fault}"), state.path.clone()));
                    return verdict;
                }
            }
            if depth == model.depth {
                continue;
            }
            for step in state.moves(model) {
                verdict.moves += 1;
                let mut after = state.clone();
                after.path.push(step);
                if let Err(fault) = after.make(model, step) {
                    verdict.fault = Some((fault, after.path));
                    return verdict;
                }
                if seen.insert(after.key()) {
                    next.push(after);
                }
            }
        }
        verdict.depth = depth;
        layer = next;
    }
    verdict
}

/// A hash of what is written to it, without keeping it: FNV-1a of 128 bits.
struct Digest(u128);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        Ok(())
    }
}

impl State {
    /// A swarm that has looked at its accounts and may trade.
    fn begin(model: &Model) -> Result<Self, String> {
        let plan = &model.plan;
        let venue = |index: usize| {
            let mut venue = Venue::new(plan, plan.portfolios[index].equity).taking(model.takes);
            for (symbol, price) in model.prices.iter().enumerate() {
                venue.quote(START, SymbolId::at(symbol), *price);
            }
            venue
        };
        let mut state = Self {
            now: START,
            life: 0,
            nonces: 0,
            supervisor: Supervisor::new(Arc::clone(plan)),
            desks: Vec::new(),
            venues: (0..plan.portfolios.len()).map(venue).collect(),
            journal: Vec::new(),
            network: Vec::new(),
            wishes: vec![false; model.wishes.len()],
            losses: model.losses,
            deaths: model.deaths,
            path: Vec::new(),
        };
        for (symbol, price) in model.prices.iter().enumerate() {
            let mark = Fact::Mark { at: START, symbol: SymbolId::at(symbol), price: *price };
            state.supervisor.apply(&mark);
            state.journal.push(mark);
        }
        state.start(model)?;
        state.settle()?;
        Ok(state)
    }

    fn start(&mut self, model: &Model) -> Result<(), String> {
        self.life += 1;
        let plan = &model.plan;
        self.supervisor = Supervisor::new(Arc::clone(plan));
        let portfolios = (0..plan.portfolios.len()).map(PortfolioId::at);
        self.desks = portfolios.map(|portfolio| Desk::new(plan, portfolio, tag(), model.policy.clone())).collect();
        for fact in &self.journal {
            self.supervisor.apply(fact);
            self.desks.iter_mut().for_each(|desk| desk.apply(fact));
        }
        for account in 0..self.desks.len() {
            self.on_desk(account, |desk, now, out| desk.start(now, out))?;
            self.on_desk(account, |desk, now, out| desk.link(now, LinkState::Up, out))?;
        }
        Ok(())
    }

    fn key(&self) -> u128 {
        let mut digest = Digest(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        let Self { now, desks, venues, journal, network, wishes, losses, deaths, .. } = self;
        let rest = (now, wishes, losses, deaths);
        write!(digest, "{journal:?}{desks:?}{venues:?}{network:?}{rest:?}").expect("invariant: a digest takes all");
        digest.0
    }

    fn moves(&self, model: &Model) -> Vec<Move> {
        let mut moves: Vec<_> = (0..model.wishes.len()).filter(|at| !self.wishes[*at]).map(Move::Wish).collect();
        for at in 0..self.network.len() {
            moves.push(Move::Deliver(at));
            if self.losses > 0 {
                moves.push(Move::Lose(at));
            }
        }
        moves.push(Move::Wait);
        if self.deaths > 0 {
            moves.push(Move::Die);
        }
        moves
    }

    fn make(&mut self, model: &Model, step: Move) -> Result<(), String> {
        match step {
            Move::Wish(at) => self.wish(model, at)?,
            Move::Deliver(at) => {
                let message = self.network.remove(at);
                self.deliver(message)?;
            }
            Move::Lose(at) => {
                self.losses -= 1;
                match self.network.remove(at) {
                    Message::Request(account, life, id, ..) if life == self.life => {
                        self.network.push(Message::Answer(account, id, Answer::Unknown));
                    }
                    Message::Answer(account, id, _) => {
                        self.network.push(Message::Answer(account, id, Answer::Unknown));
                    }
                    Message::Request(..) | Message::Event(..) => {}
                }
            }
            Move::Die => {
                self.deaths -= 1;
                self.network.retain(|message| matches!(message, Message::Request(..)));
                self.start(model)?;
            }
            Move::Wait => self.wait()?,
        }
        self.look()
    }

    fn wish(&mut self, model: &Model, at: usize) -> Result<(), String> {
        self.wishes[at] = true;
        let (agent, kind) = &model.wishes[at];
        let plan = &model.plan.agents[agent.index()];
        let intent = Intent {
            agent: *agent,
            portfolio: plan.portfolio,
            symbol: plan.symbol,
            decided_at: self.now,
            reference: model.prices[plan.symbol.index()],
            kind: kind.clone(),
        };
        let now = self.now;
        let mut held = Ok(());
        self.on_supervisor(|supervisor, effects| {
            let _: crate::model::Verdict = supervisor.on_intent(now, &intent, effects);
            let entry = |fact: &Fact| matches!(fact, Fact::Order { order, .. } if order.purpose == Purpose::Entry);
            if effects.facts.iter().any(entry) {
                held = invariants::after_approval(supervisor, intent.agent);
            }
        })?;
        held.map_err(|violation| violation.to_string())
    }

    fn deliver(&mut self, message: Message) -> Result<(), String> {
        match message {
            Message::Request(account, life, id, request, (nonce, signed_at)) => {
                let answer = self.venues[account].serve(self.now, &request, nonce, signed_at);
                for event in self.venues[account].drain_told() {
                    self.network.push(Message::Event(account, event));
                }
                if life == self.life {
                    self.network.push(Message::Answer(account, id, answer));
                }
                Ok(())
            }
            Message::Answer(account, id, answer) => {
                self.on_desk(account, |desk, now, out| desk.answered(now, id, answer, out))
            }
            Message::Event(account, event) => self.on_desk(account, |desk, now, out| desk.streamed(now, event, out)),
        }
    }

    fn wait(&mut self) -> Result<(), String> {
        let due = self.desks.iter().filter_map(Desk::next_deadline).min();
        self.now = due.map_or(self.now.plus(TICK_MS), |due| due.max(self.now.plus(1)).min(self.now.plus(TICK_MS)));
        for account in 0..self.desks.len() {
            self.on_desk(account, |desk, now, out| desk.tick(now, out))?;
            let (now, portfolio) = (self.now, PortfolioId::at(account));
            self.on_supervisor(|supervisor, effects| supervisor.on_marks(portfolio, now, &[], effects))?;
        }
        Ok(())
    }

    fn on_supervisor(&mut self, call: impl FnOnce(&mut Supervisor, &mut Effects)) -> Result<(), String> {
        let mut effects = Effects::default();
        call(&mut self.supervisor, &mut effects);
        self.obey(effects)
    }

    fn obey(&mut self, effects: Effects) -> Result<(), String> {
        self.journal.extend(effects.facts);
        for command in effects.commands {
            self.on_desk(command.portfolio().index(), |desk, now, out| desk.command(now, &command, out))?;
        }
        Ok(())
    }

    fn on_desk(&mut self, account: usize, call: impl FnOnce(&mut Desk, Time, &mut Out)) -> Result<(), String> {
        let mut out = Out::default();
        call(&mut self.desks[account], self.now, &mut out);
        self.carry_out(account, out)
    }

    fn carry_out(&mut self, account: usize, out: Out) -> Result<(), String> {
        let (now, portfolio) = (self.now, PortfolioId::at(account));
        let Out { requests, events, gate, differences, halt } = out;
        if halt.is_some() {
            return Err(format!("account {account} halts: {halt:?}"));
        }
        if let Some(gated) = gate {
            self.on_supervisor(|supervisor, effects| supervisor.set_gate(now, portfolio, gated, effects))?;
        }
        for difference in differences {
            self.on_supervisor(|supervisor, effects| supervisor.note_difference(now, portfolio, difference, effects))?;
        }
        for (id, request) in requests {
            self.nonces += 1;
            // A noop uses up its request's nonce; here nothing that is lost arrives later, so a new one serves.
            self.network.push(Message::Request(account, self.life, id, request, (self.nonces, now)));
        }
        self.on_supervisor(|supervisor, effects| {
            events.iter().for_each(|event| supervisor.on_venue(portfolio, event, effects));
        })
    }

    /// What holds at any time.
    fn look(&self) -> Result<(), String> {
        invariants::check(&self.supervisor).map_err(|violation| violation.to_string())?;
        let approved: BTreeSet<OrderId> = self.approved().collect();
        for venue in &self.venues {
            let mut seen = BTreeSet::new();
            for record in venue.records() {
                match tag().owner(&record.report.name) {
                    Owner::Ours(id) if !approved.contains(&id) => return Err(format!("{id} was never approved")),
                    Owner::Ours(id) if !seen.insert(id) => return Err(format!("{id} is at the venue twice")),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn approved(&self) -> impl Iterator<Item = OrderId> {
        self.journal.iter().filter_map(|fact| match fact {
            Fact::Order { order, .. } => Some(order.id),
            _ => None,
        })
    }

    /// Messages arrive in their order and nothing goes wrong, until nothing is left to do.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..REST_MOVES {
            if self.network.is_empty() {
                if self.is_settled().is_ok() {
                    return Ok(());
                }
                self.wait()?;
            } else {
                let message = self.network.remove(0);
                self.deliver(message)?;
            }
            self.look()?;
        }
        self.is_settled()
    }

    fn is_settled(&self) -> Result<(), String> {
        for (account, desk) in self.desks.iter().enumerate() {
            let portfolio = PortfolioId::at(account);
            let snapshot = self.supervisor.portfolio(portfolio);
            let (pending, gated) = (desk.pending(), desk.is_gated());
            if pending != Pending::default() || gated {
                return Err(format!("account {account}: {pending:?}, gated {gated}"));
            }
            let resting = self.supervisor.open_orders(portfolio).any(|order| order.purpose == Purpose::Entry);
            if !snapshot.reserved_notional.is_zero() && !resting {
                return Err(format!("account {account}: {} stays reserved", snapshot.reserved_notional));
            }
            let venue = &self.venues[account];
            invariants::agrees(&self.supervisor, portfolio, venue.holdings()).map_err(|fault| fault.to_string())?;
            if snapshot.wallet != venue.wallet() || desk.wallet() != venue.wallet() {
                return Err(format!("account {account}: wallets {} and {}", snapshot.wallet, venue.wallet()));
            }
            let unsafe_one = self.supervisor.positions(portfolio).find(|one| one.wants_stop && !one.is_protected);
            if let Some(one) = unsafe_one {
                return Err(format!("without a stop: {one:?}"));
            }
        }
        let answers = self.journal.iter().filter(|fact| matches!(fact, Fact::Verdict { .. })).count();
        let wished = self.wishes.iter().filter(|wished| **wished).count();
        if answers == wished { Ok(()) } else { Err(format!("{wished} wishes, {answers} answers")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Refusal, RefusalReason, Verdict as Word};

    #[test]
    fn every_run_of_a_small_swarm_holds() {
        let verdict = check(&Model::small(5, 1, 1, 25));
        assert_eq!(verdict.fault, None, "{verdict:?}");
        assert!(verdict.depth == 5 && verdict.states > 1_000 && verdict.rests > 40, "{verdict:?}");
    }

    #[test]
    fn every_run_holds_where_entries_bring_their_stops() {
        for (takes, depth) in
            [(Takes::Strategies, 5), (Takes::Refusing, 4), (Takes::Failing, 4), (Takes::WithoutStops, 4)]
        {
            let verdict = check(&Model::small(depth, 1, 1, 25).with_strategies(takes));
            assert_eq!(verdict.fault, None, "{takes:?}: {verdict:?}");
            assert!(verdict.depth == depth && verdict.states > 500, "{takes:?}: {verdict:?}");
        }
    }

    #[test]
    fn the_model_reaches_its_limits() {
        let model = Model::small(1, 0, 0, 1);
        let mut state = State::begin(&model).unwrap();
        (0..3).for_each(|at| state.wish(&model, at).unwrap());
        let last = state.journal.iter().rev().find_map(|fact| match fact {
            Fact::Verdict { verdict, .. } => Some(verdict.clone()),
            _ => None,
        });
        let reason = |word: &Word| {
            matches!(word, Word::Refused(Refusal { reason: RefusalReason::MaxPositions, level: Level::Swarm, .. }))
        };
        assert!(last.as_ref().is_some_and(reason), "{last:?}");
        state.settle().unwrap();
        let held = (0..2).map(|index| state.supervisor.portfolio(PortfolioId::at(index)).open_positions).sum::<u32>();
        assert_eq!(held, 2);
    }
}
