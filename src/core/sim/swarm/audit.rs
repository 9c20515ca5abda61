//! What must hold all the time, seen from outside: beside the numbered invariants of a supervisor
//! ([`invariants`](crate::invariants)), those of a journal, of the venue's books, and of what becomes of
//! everything in the end. It remembers what it saw and asks nothing of how the swarm works.
//!
//! | number | holds when |
//! |---|---|
//! | 12 | each order that leaves was approved, in the journal, and is at its venue once; no other order is called ours |
//! | 13 | a tripped breaker stays tripped until a person resets it, and does not trip twice |
//! | 14 | no execution and no payment is booked twice |
//! | 15 | the journal, read back, folds to the supervisor that wrote it, and damage in its middle is refused |
//! | 16 | at rest, money, positions and orders of the venue and of the books are the same to the last unit |
//! | 17 | nothing is approved for an agent that does not run, or while a breaker above it is tripped |
//! | 18 | a position at a venue is under a stop or being closed, save for a minute and a half after whatever went wrong last |
//! | 19 | each intent is numbered next and answered at once |
//! | 20 | everything comes to rest, and an operator's flatten leads to flat |
//! | 21 | an entry is approved on candles no older than the limit |
//! | 22 | a stop is taken off only where another that was accepted covers the position, or it is being closed |
//! | 25 | no position is valued, no stop moved and no breaker tripped at a price that the market never had ([`marks`](super::marks)) |

use super::marks::Marks;
use crate::invariants::{self, Violation};
use crate::model::{
    AgentChange, AgentId, BreakerChange, BreakerScope, DifferenceKind, Fact, IntentId, Millis, Order, OrderId, Plan,
    PortfolioId, Purpose, ReportKind, SymbolId, Time, Usd, VenueEvent,
};
use crate::orders::Status;
use crate::risk::Supervisor;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A position may be without a stop for so long after the last fault, in milliseconds: one that nobody told of
/// is found by the next reconciliation, a minute later at most, is looked at twice, and is closed then.
pub const NAKED_WINDOW_MS: Millis = 90_000;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    pub(super) plan: Arc<Plan>,
    pub(super) marks: Marks,
    approved: BTreeSet<(PortfolioId, OrderId)>,
    trades: BTreeSet<(PortfolioId, SymbolId, u64)>,
    payments: BTreeSet<(PortfolioId, SymbolId, Time, Usd)>,
    latched: BTreeSet<BreakerScope>,
    /// Accounts of which something was taken over without an execution that explains it.
    adopted: BTreeSet<PortfolioId>,
    /// By agent.
    running: Vec<bool>,
    /// By agent: the number of its last intent.
    numbers: Vec<u32>,
    unanswered: Option<IntentId>,
    /// By symbol: when its newest candle closed.
    closes: Vec<Time>,
    /// Facts seen.
    facts: u64,
    violation: Option<Violation>,
}

impl Audit {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            approved: BTreeSet::new(),
            trades: BTreeSet::new(),
            payments: BTreeSet::new(),
            latched: BTreeSet::new(),
            adopted: BTreeSet::new(),
            // A supervisor takes agents to run until it hears otherwise.
            running: vec![true; plan.agents.len()],
            numbers: vec![0; plan.agents.len()],
            unanswered: None,
            closes: vec![Time(i64::MIN); plan.instruments.len()],
            facts: 0,
            violation: None,
            marks: Marks::new(plan.instruments.len()),
            plan: Arc::clone(plan),
        }
    }

    pub(super) const fn facts(&self) -> u64 {
        self.facts
    }

    pub(super) const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(super) fn is_approved(&self, portfolio: PortfolioId, id: OrderId) -> bool {
        self.approved.contains(&(portfolio, id))
    }

    /// Whether something was taken over at a price that nobody told: the cost of what is held is a guess then.
    pub(super) fn has_adopted(&self, portfolio: PortfolioId) -> bool {
        self.adopted.contains(&portfolio)
    }

    /// Something does not hold; the first counts.
    pub(super) fn blame(&mut self, number: u8, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { number, what: what() });
        }
    }

    pub(super) fn hold(&mut self, number: u8, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.blame(number, what);
        }
    }

    /// A process began with what was folded: an intent whose answer did not reach the journal is nobody's.
    pub(super) fn started(&mut self) {
        self.unanswered = None;
    }

    /// A fact is in the journal.
    pub(super) fn fact(&mut self, fact: &Fact) {
        self.facts += 1;
        match fact {
            Fact::Intent { id, intent } => {
                self.marks.intent(*id, intent);
                let (number, before) = (&mut self.numbers[id.agent.index()], self.unanswered.replace(*id));
                let is_next = id.number == *number + 1;
                *number = id.number;
                self.hold(19, before.is_none() && is_next, || format!("{id} after {before:?}"));
            }
            Fact::Verdict { id, .. } => {
                let asked = self.unanswered.take();
                self.hold(19, asked == Some(*id), || format!("an answer to {id}, not to {asked:?}"));
            }
            Fact::Candle { symbol, candle } => self.closes[symbol.index()] = candle.close_time(self.plan.base),
            Fact::Order { at, order } => {
                let is_new = self.approved.insert((order.portfolio, order.id));
                self.hold(12, is_new, || format!("{} is approved twice", order.id));
                if order.purpose == Purpose::Entry {
                    self.entry(order.agent(), order.portfolio);
                    self.age(*at, order);
                }
            }
            Fact::Venue { portfolio, event } => self.event(*portfolio, event),
            Fact::Difference { portfolio, difference, .. } => {
                use DifferenceKind::{Balance, PositionSize, UnknownPosition};
                if matches!(difference.kind, PositionSize | UnknownPosition | Balance) {
                    self.adopted.insert(*portfolio);
                }
            }
            Fact::Breaker { scope, change, .. } => match change {
                BreakerChange::Tripped { .. } => {
                    let is_new = self.latched.insert(*scope);
                    self.hold(13, is_new, || format!("{scope:?} trips twice"));
                }
                BreakerChange::Reset { .. } => drop(self.latched.remove(scope)),
                BreakerChange::Flat => {}
            },
            Fact::Agent { agent, change, .. } => self.running[agent.index()] = *change == AgentChange::Started,
            _ => {}
        }
    }

    fn entry(&mut self, agent: AgentId, portfolio: PortfolioId) {
        let scopes = [BreakerScope::Swarm, BreakerScope::Portfolio(portfolio), BreakerScope::Agent(agent)];
        let tripped = scopes.into_iter().find(|scope| self.latched.contains(scope));
        self.hold(17, tripped.is_none(), || format!("an entry of agent {} while {tripped:?} is tripped", agent.0));
        self.hold(17, self.running[agent.index()], || format!("an entry of agent {}, which does not run", agent.0));
    }

    /// What follows a resting entry rests on the candles that entry was approved on.
    fn age(&mut self, at: Time, order: &Order) {
        let agent = &self.plan.agents[order.agent().index()];
        let limits = [&self.plan.limits, &self.plan.portfolios[agent.portfolio.index()].limits, &agent.limits];
        let strictest = limits.iter().filter_map(|limits| limits.max_data_age_ms).min();
        let Some(limit) = strictest.filter(|_| order.id.leg == 0) else { return };
        let age = at.since(self.closes[order.symbol.index()]);
        self.hold(21, age <= limit, || format!("an entry on candles {age} ms old, {limit} are allowed"));
    }

    /// A stop is taken off only where another that was accepted covers the position, or nothing is to be covered.
    pub(super) fn cover(&mut self, books: &Supervisor, facts: &[Fact]) {
        for fact in facts {
            let Fact::Cancel { portfolio, id, symbol, .. } = fact else { continue };
            let mut held = books.positions(*portfolio).filter(|one| one.symbol == *symbol);
            let Some(held) = held.find(|one| one.intent == id.intent && one.closing.is_none()) else { continue };
            let orders = books.open_orders(*portfolio).filter(|order| order.id.intent == id.intent);
            let own: Vec<_> = orders.collect();
            let is_stop = own.iter().any(|order| order.id == *id && order.purpose == Purpose::Stop);
            let covers = own.iter().any(|order| {
                let is_whole = order.close_position || order.leaves >= held.qty.abs();
                order.purpose == Purpose::Stop && order.status == Status::Accepted && !order.is_canceling && is_whole
            });
            self.hold(22, !is_stop || covers, || format!("{id} is taken off and nothing covers {held:?}"));
        }
    }

    fn event(&mut self, portfolio: PortfolioId, event: &VenueEvent) {
        match *event {
            VenueEvent::Order { symbol, kind: ReportKind::Filled { fill, .. }, .. }
            | VenueEvent::Liquidation { symbol, fill, .. } => {
                // What no trade explains has no number.
                let is_new = fill.trade == 0 || self.trades.insert((portfolio, symbol, fill.trade));
                self.hold(14, is_new, || format!("trade {} of symbol {}", fill.trade, symbol.0));
            }
            VenueEvent::Funding { symbol, at, amount, .. } => {
                let is_new = self.payments.insert((portfolio, symbol, at, amount));
                self.hold(14, is_new, || format!("funding of {amount} at {at}"));
            }
            VenueEvent::Order { .. } | VenueEvent::Transfer { .. } => {}
        }
    }

    /// The supervisor's own invariants, and that it remembers what the journal says.
    pub(super) fn supervisor(&mut self, supervisor: &Supervisor) {
        if self.violation.is_none()
            && let Err(violation) = invariants::check(supervisor)
        {
            self.violation = Some(violation);
        }
        self.valued(supervisor);
        let portfolios = (0..self.plan.portfolios.len()).map(|index| BreakerScope::Portfolio(PortfolioId::at(index)));
        let agents = (0..self.plan.agents.len()).map(|index| BreakerScope::Agent(AgentId::at(index)));
        for scope in portfolios.chain(agents).chain([BreakerScope::Swarm]) {
            let is_tripped = supervisor.breaker(scope).is_some_and(crate::risk::Breaker::is_tripped);
            let is_latched = self.latched.contains(&scope);
            self.hold(13, is_tripped == is_latched, || format!("{scope:?} tripped: {is_tripped}, told: {is_latched}"));
        }
    }
}

/// Since when positions of one account have had no stop at their venue.
#[derive(Clone, Debug, Default)]
pub(super) struct Nakedness(BTreeMap<SymbolId, Time>);

impl Nakedness {
    /// Takes notice of a position; since when it has been naked, if it is.
    pub(super) fn note(&mut self, symbol: SymbolId, is_protected: bool, now: Time) -> Option<Time> {
        if is_protected {
            self.0.remove(&symbol);
            return None;
        }
        Some(*self.0.entry(symbol).or_insert(now))
    }
}
