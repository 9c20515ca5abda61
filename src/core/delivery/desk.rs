//! The desk itself: its state, its doors, and what comes out of them.

use super::lane::Lane;
use super::policy::{FINISHED_KEPT, Policy};
use super::poll::Poll;
use super::reconcile::Reconciliation;
use super::strategy::Strategies;
use super::talk::{IncomeKind, LinkState, Request, RequestId};
use super::tracked::{Stage, Tracked};
use super::{Owner, RunTag};
use crate::model::{
    AgentId, CancelReason, Difference, DifferenceKind, IntentId, Order, OrderId, Plan, PortfolioId, ReportKind,
    SymbolId, Time, Usd, VenueEvent, VenueReject,
};
use crate::risk::Command;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Why entries stay gated until a person has looked, and [resumed](Desk::resume) the desk or started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A difference whose policy says so.
    Difference(DifferenceKind),
    /// The venue refused a request in a way that the next will share: credentials, rights, a blocked address.
    Refused,
}

/// What a call led to, in order. The host drains and reuses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Out {
    /// To be carried to the venue, each answered once with its id.
    pub requests: Vec<(RequestId, Request)>,
    /// For the supervisor.
    pub events: Vec<VenueEvent>,
    /// Entries are to be gated (`true`) or freed, when that changed.
    pub gate: Option<bool>,
    /// What differed, for the journal.
    pub differences: Vec<Difference>,
    /// Entries stay gated from now on, and why.
    pub halt: Option<Halt>,
}

impl Out {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.requests.clear();
        self.events.clear();
        self.gate = None;
        self.differences.clear();
        self.halt = None;
    }
}

/// What is not settled, for people and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Orders that have not left.
    pub held: usize,
    /// Orders that left and are not answered.
    pub sent: usize,
    /// Orders whose outcome is unknown.
    pub unknown: usize,
    /// Executions that were told and whose trades are not known, or trades without a known owner.
    pub gaps: usize,
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Place(OrderId),
    Cancel(OrderId),
    Query(OrderId),
    Look(OrderId),
    Noop(OrderId),
    CancelStranger(SymbolId, u64),
    Resolve(SymbolId, u64),
    Trades(SymbolId),
    Leverage(SymbolId, u32),
    Listing,
    Positions,
    Balance,
    Income,
    Modes,
}

/// A row of income, as far as a journal can tell rows apart.
pub(super) type IncomeKey = (bool, Option<SymbolId>, Time, Usd);

/// One account's business with its venue. See the module.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) portfolio: PortfolioId,
    pub(super) tag: RunTag,
    pub(super) policy: Policy,
    /// By symbol: whose name executions of strangers are booked to.
    pub(super) agents: Vec<AgentId>,
    pub(super) now: Time,
    /// Time of the latest event handed out.
    pub(super) last_at: Time,
    pub(super) orders: BTreeMap<OrderId, Tracked>,
    /// Orders that are done, oldest first.
    pub(super) finished: VecDeque<OrderId>,
    /// By symbol.
    pub(super) lanes: Vec<Lane>,
    pub(super) owners: BTreeMap<(SymbolId, u64), Owner>,
    pub(super) owners_order: VecDeque<(SymbolId, u64)>,
    /// Open orders of others that are to be cancelled.
    pub(super) unwanted: BTreeMap<(SymbolId, u64), Poll>,
    /// Orders of others that were reported.
    pub(super) strangers: BTreeSet<(SymbolId, u64)>,
    pub(super) asked: BTreeMap<RequestId, What>,
    pub(super) last_request: u64,
    /// By what is booked, in USDT.
    pub(super) wallet: Usd,
    pub(super) listing: Poll,
    pub(super) positions: Poll,
    pub(super) balance: Poll,
    pub(super) income: Poll,
    pub(super) modes: Poll,
    /// Times that income is asked for again after a hint that led to nothing.
    pub(super) income_hints: u32,
    pub(super) income_known: BTreeSet<IncomeKey>,
    /// Latest income row booked.
    pub(super) income_at: Option<Time>,
    /// When the account was taken over: what was booked before is not ours to book.
    pub(super) opened_at: Option<Time>,
    /// Whether the wallet's beginning has been taken over.
    pub(super) is_opened: bool,
    pub(super) link: LinkState,
    pub(super) reconciliation: Reconciliation,
    pub(super) gated: bool,
    pub(super) halted: Option<Halt>,
    pub(super) strategies: Strategies,
}

impl Desk {
    /// The desk of a portfolio before its first fact. Entries are gated until the first reconciliation is done.
    pub fn new(plan: &Plan, portfolio: PortfolioId, tag: RunTag, policy: Policy) -> Self {
        let of_portfolio = |symbol: Option<SymbolId>| {
            plan.agents
                .iter()
                .position(|one| one.portfolio == portfolio && symbol.is_none_or(|symbol| one.symbol == symbol))
        };
        let agent_of = |index: usize| {
            let agent = of_portfolio(Some(SymbolId::at(index))).or_else(|| of_portfolio(None));
            AgentId::at(agent.unwrap_or(0))
        };
        let equity = plan.portfolios.get(portfolio.index()).map_or(Usd::ZERO, |plan| plan.equity);
        Self {
            portfolio,
            tag,
            policy,
            agents: (0..plan.instruments.len()).map(agent_of).collect(),
            now: Time(i64::MIN),
            last_at: Time(i64::MIN),
            orders: BTreeMap::new(),
            finished: VecDeque::new(),
            lanes: vec![Lane::default(); plan.instruments.len()],
            owners: BTreeMap::new(),
            owners_order: VecDeque::new(),
            unwanted: BTreeMap::new(),
            strangers: BTreeSet::new(),
            asked: BTreeMap::new(),
            last_request: 0,
            wallet: equity,
            listing: Poll::default(),
            positions: Poll::default(),
            balance: Poll::default(),
            income: Poll::default(),
            modes: Poll::default(),
            income_hints: 0,
            income_known: BTreeSet::new(),
            income_at: None,
            opened_at: None,
            is_opened: false,
            link: LinkState::Down,
            reconciliation: Reconciliation::default(),
            gated: false,
            halted: None,
            strategies: Strategies::default(),
        }
    }

    /// Begins to work, with what was folded so far: closes the gate and looks at the account.
    pub fn start(&mut self, now: Time, out: &mut Out) {
        self.now = now;
        self.last_at = now;
        self.reconciliation.begin(now);
        for order in self.orders.values_mut().filter(|order| order.is_working()) {
            order.query.want(now);
            // Whoever may have sent it is gone.
            order.arrives_before = order.arrives_before.min(now.plus(self.policy.valid_ms()));
        }
        self.begin_strategies();
        self.pump(out);
    }

    /// The supervisor approved something. An order that was taken before is not taken again.
    pub fn command(&mut self, now: Time, command: &Command, out: &mut Out) {
        self.commands(now, std::slice::from_ref(command), out);
    }

    /// As [`command`](Self::command) for several at once, in their order; what else is due is looked at once.
    pub fn commands(&mut self, now: Time, commands: &[Command], out: &mut Out) {
        self.now = self.now.max(now);
        for command in commands {
            match command {
                Command::Place(order) => self.take(order.get().clone(), out),
                Command::Enter { entry, stop } => self.take_both(entry.get().clone(), stop.get().clone(), out),
                Command::Cancel(cancel) => self.take_cancel(cancel.get().id, out),
            }
        }
        self.pump(out);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time, out: &mut Out) {
        self.now = self.now.max(now);
        self.pump(out);
    }

    /// The user stream was lost, or is back.
    pub fn link(&mut self, now: Time, state: LinkState, out: &mut Out) {
        self.now = self.now.max(now);
        self.link = state;
        self.reconciliation.begin(self.now);
        self.pump(out);
    }

    pub(super) fn take(&mut self, order: Order, out: &mut Out) {
        let (id, symbol) = (order.id, order.symbol);
        if self.orders.contains_key(&id) || symbol.index() >= self.lanes.len() {
            return;
        }
        let is_stranger = id == self.stranger_id(symbol);
        debug_assert!(!is_stranger, "invariant: intents are counted from 1");
        self.orders.insert(id, Tracked::new(order, self.now, Stage::Waiting(self.now)));
        self.launch(id, out);
    }

    /// Lets an order leave that has not left.
    pub(super) fn launch(&mut self, id: OrderId, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_held()) else { return };
        let wants = &order.order;
        let opens = !wants.reduce_only && !wants.close_position;
        let lane = &mut self.lanes[wants.symbol.index()];
        if opens && lane.leverage != Some(wants.leverage) {
            order.stage = Stage::Leverage;
            lane.set_leverage.want_if_idle(self.now);
            return;
        }
        order.stage = Stage::Sent;
        order.sent_at = self.now;
        order.arrives_before = self.now.plus(self.policy.valid_ms());
        let request = self.placing(id, out);
        let request = self.ask(What::Place(id), request, out);
        if let Some(order) = self.orders.get_mut(&id) {
            order.place = Some(request);
        }
    }

    pub(super) fn take_cancel(&mut self, id: OrderId, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        order.cancel_wanted = true;
        if order.is_held() {
            // It never left, so it never will.
            self.finish(id, ReportKind::Canceled(CancelReason::Requested), out);
        } else if !matches!(order.stage, Stage::Sent | Stage::Driven) {
            order.cancel.want_if_idle(self.now);
        }
        // One that is on its way is cancelled when the venue has it.
    }

    /// Tells the end of an order that nothing more can come of.
    pub(super) fn finish(&mut self, id: OrderId, kind: ReportKind, out: &mut Out) {
        // What it would have brought along never comes.
        self.drop_stop(id, out);
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_working()) else { return };
        order.stage = Stage::Done;
        let (symbol, at) = (order.order.symbol, order.end_at);
        self.tell(id, symbol, at, kind, out);
        self.retire(id, symbol);
    }

    /// Keeps a bounded number of orders that are done, and notes when a contract has come to rest.
    pub(super) fn retire(&mut self, id: OrderId, symbol: SymbolId) {
        self.finished.push_back(id);
        if self.finished.len() > FINISHED_KEPT
            && let Some(oldest) = self.finished.pop_front()
        {
            self.orders.remove(&oldest);
        }
        if !self.is_at_work(symbol) {
            self.lanes[symbol.index()].settle();
        }
    }

    /// Whether an order of a contract may still execute, or did and its trades are not known.
    pub(super) fn is_at_work(&self, symbol: SymbolId) -> bool {
        let mut own = self.orders.values().filter(|order| order.order.symbol == symbol);
        own.any(|order| order.is_working() || order.lacks_trades())
    }

    /// Hands an event about an order out, see [`LATE_MS`](super::LATE_MS).
    pub(super) fn tell(&mut self, id: OrderId, symbol: SymbolId, at: Time, kind: ReportKind, out: &mut Out) {
        let at = self.learned_at(at);
        out.events.push(VenueEvent::Order { id, symbol, at, kind });
    }

    pub(super) fn learned_at(&mut self, at: Time) -> Time {
        let learned = at.max(self.now.plus(-super::LATE_MS)).min(self.now).max(self.last_at);
        self.last_at = learned;
        learned
    }

    /// What executions of strangers are booked to: intents are counted from 1, so 0 is nobody's.
    pub(super) fn stranger_id(&self, symbol: SymbolId) -> OrderId {
        let agent = self.agents.get(symbol.index()).copied().unwrap_or_default();
        OrderId { intent: IntentId { agent, number: 0 }, leg: 0 }
    }

    pub(super) fn ask(&mut self, what: What, request: Request, out: &mut Out) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.asked.insert(id, what);
        out.requests.push((id, request));
        id
    }

    /// A person has looked at what halted the desk. The account is compared anew, and whatever differs counts as not seen
    /// before; entries pass once nothing does. `false` when it was not halted.
    pub fn resume(&mut self, now: Time, out: &mut Out) -> bool {
        if self.halted.take().is_none() {
            return false;
        }
        self.now = self.now.max(now);
        self.strangers.clear();
        self.reconciliation.forget_met();
        self.reconciliation.begin(self.now);
        self.pump(out);
        true
    }

    pub(super) fn halt(&mut self, why: Halt, out: &mut Out) {
        if self.halted.is_none() {
            self.halted = Some(why);
            out.halt = Some(why);
        }
    }

    /// Ends an order that did not leave in time or could not.
    pub(super) fn reject(&mut self, id: OrderId, why: VenueReject, out: &mut Out) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.end_at = self.now;
            // Its own word; the others are our conclusions.
            if !matches!(why, VenueReject::NeverArrived | VenueReject::NotSent) {
                order.end = Some(super::tracked::End::Rejected(why));
            }
        }
        self.finish(id, ReportKind::Rejected(why), out);
    }

    /// Which portfolio's.
    pub const fn portfolio(&self) -> PortfolioId {
        self.portfolio
    }

    /// Whether entries are gated.
    pub const fn is_gated(&self) -> bool {
        self.gated
    }

    /// Why entries stay gated until somebody resumes the desk, if they do.
    pub const fn halted(&self) -> Option<Halt> {
        self.halted
    }

    /// The wallet by what is booked, in USDT.
    pub const fn wallet(&self) -> Usd {
        self.wallet
    }

    /// The state of the user stream.
    pub const fn link_state(&self) -> LinkState {
        self.link
    }

    /// What is not settled.
    pub fn pending(&self) -> Pending {
        let mut pending = Pending::default();
        for order in self.orders.values() {
            match order.stage {
                Stage::Waiting(_) | Stage::Leverage => pending.held += 1,
                Stage::Sent => pending.sent += 1,
                Stage::Unknown => pending.unknown += 1,
                Stage::Driven | Stage::Seen | Stage::Done => {}
            }
            pending.gaps += usize::from(order.lacks_trades());
        }
        pending.gaps += self.lanes.iter().map(|lane| lane.unowned.len()).sum::<usize>();
        pending
    }

    pub(super) fn income_key(kind: IncomeKind, symbol: Option<SymbolId>, at: Time, amount: Usd) -> IncomeKey {
        (kind == IncomeKind::Funding, symbol, at, amount)
    }
}
