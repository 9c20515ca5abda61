//! The supervisor's handlers: what comes in, and the facts and commands that follow from it.

use super::approved::Approved;
use super::book::{AgentState, Book};
use super::breaker::Breaker;
use super::checks::{Judgement, limit_price};
use super::market::Market;
use super::pace::Pace;
use super::plausible::Unconfirmed;
use super::sizing::Sized;
use crate::ledger::Trade;
use crate::model::{
    AgentChange, AgentId, BreakerChange, BreakerScope, Candle, DecisionRecord, Difference, Entry, ExitReason, Fact,
    Intent, IntentId, IntentKind, Level, Mark, Order, OrderId, OrderKind, Plan, PortfolioId, Purpose, Refusal,
    RefusalReason, StopPolicy, SymbolId, Time, TimeInForce, Usd, VenueEvent, Verdict,
};
use std::sync::Arc;

/// A cancel for execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// On which contract.
    pub symbol: SymbolId,
    /// Which order.
    pub id: OrderId,
}

/// What execution takes, and it takes nothing else. Commands leave once the facts pushed with them are
/// durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send this order.
    Place(Approved<Order>),
    /// Send this entry and have the venue place this stop when it fills. Whoever cannot sends the entry alone and
    /// tells that the stop was refused: then the stop that follows the fill is an order of its own.
    Enter {
        /// What takes on risk.
        entry: Approved<Order>,
        /// What is to protect it.
        stop: Approved<Order>,
    },
    /// Cancel this order.
    Cancel(Approved<CancelOrder>),
}

impl Command {
    /// Whose account it is for.
    pub const fn portfolio(&self) -> PortfolioId {
        match self {
            Self::Place(order) | Self::Enter { entry: order, .. } => order.get().portfolio,
            Self::Cancel(cancel) => cancel.get().portfolio,
        }
    }

    /// Whether it takes on risk.
    pub fn adds_risk(&self) -> bool {
        match self {
            Self::Place(order) => order.get().purpose == Purpose::Entry,
            Self::Enter { .. } => true,
            Self::Cancel(_) => false,
        }
    }
}

/// What a call led to, in order. The host drains and reuses it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// Facts for the journal.
    pub facts: Vec<Fact>,
    /// Commands for execution.
    pub commands: Vec<Command>,
    /// Trades that were closed.
    pub trades: Vec<Trade>,
}

impl Effects {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.facts.clear();
        self.commands.clear();
        self.trades.clear();
    }
}

/// Why a breaker was not reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    /// No such portfolio or agent.
    #[error("there is no such breaker: name the swarm, a portfolio or an agent of the plan")]
    Unknown,
    /// It is not tripped.
    #[error("the breaker is not tripped, so there is nothing to reset")]
    NotTripped,
    /// Without a reason.
    #[error("a reset needs a reason: say why trading may go on")]
    NoReason,
}

/// The one owner of risk. See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisor {
    pub(super) plan: Arc<Plan>,
    pub(super) market: Market,
    pub(super) books: Vec<Book>,
    pub(super) agents: Vec<AgentState>,
    pub(super) swarm_breaker: Breaker,
    pub(super) swarm_pace: Pace,
    /// Sum of the portfolios' equities.
    pub(super) swarm_equity: Usd,
    /// Sum of the portfolios' wallets.
    pub(super) swarm_wallet: Usd,
    /// Open positions of the whole swarm.
    pub(super) swarm_open: u32,
    /// Agents whose breaker was looked at since the last end of a step.
    pub(super) touched: Vec<AgentId>,
    /// Tripped with `flatten`, and the venue has not said flat yet.
    pub(super) unfinished: Vec<BreakerScope>,
    /// Until when neither guards nor breakers have anything to do; any fact ends it.
    pub(super) calm_until: Option<Time>,
}

impl Supervisor {
    /// A supervisor at the beginning of a run: nothing is open and no agent runs.
    pub fn new(plan: Arc<Plan>) -> Self {
        let books: Vec<_> = plan.portfolios.iter().map(|portfolio| Book::new(portfolio.equity)).collect();
        let agents =
            plan.agents.iter().map(|agent| AgentState::new(plan.portfolios[agent.portfolio.index()].equity)).collect();
        let start = plan.portfolios.iter().map(|portfolio| portfolio.equity).sum();
        Self {
            market: Market::new(plan.instruments.len(), plan.max_mark_jump),
            books,
            agents,
            swarm_breaker: Breaker::new(start),
            swarm_pace: Pace::default(),
            swarm_equity: start,
            swarm_wallet: start,
            swarm_open: 0,
            touched: Vec::new(),
            unfinished: Vec::new(),
            calm_until: None,
            plan,
        }
    }

    /// A candle of the base interval closes at `close_time`. The host journals it.
    pub fn on_candle(&mut self, symbol: SymbolId, candle: &Candle, close_time: Time) {
        self.market.candle(symbol, close_time, candle.close);
    }

    /// An agent decided something other than HOLD: kept for the trade it may lead to. The host journals it.
    pub fn on_signal(&mut self, record: &DecisionRecord) {
        if let Some(agent) = self.agents.get_mut(record.agent.index()) {
            agent.confidence = Some(record.decision.confidence);
        }
    }

    /// Marks of one instant on one account. Symbols without one keep their last. Does not allocate while
    /// it leads to nothing.
    pub fn on_marks(&mut self, portfolio: PortfolioId, at: Time, marks: &[Mark], out: &mut Effects) {
        let Some(book) = self.books.get_mut(portfolio.index()) else { return };
        if book.engagements.is_empty() {
            return;
        }
        self.calm_until = None;
        for mark in marks.iter().filter(|mark| mark.price.0 > 0) {
            for index in book.on_symbol(mark.symbol) {
                let position = &mut book.engagements[index].position;
                if position.is_open() {
                    position.set_mark(mark.price);
                }
            }
        }
        self.refresh_equity(portfolio);
        self.evaluate(portfolio, at, None, out);
        self.react_all(portfolio, at, out);
    }

    /// New marks of one instant, which no candle told: facts, shown to every account that holds their contracts. One
    /// that is not believed is only a fact: to those accounts time has passed.
    pub fn on_fresh_marks(&mut self, at: Time, marks: &[Mark], out: &mut Effects) {
        for mark in marks {
            self.emit(Fact::Mark { at, symbol: mark.symbol, price: mark.price }, out);
        }
        let is_believed = |mark: &&Mark| self.market.unconfirmed(mark.symbol).is_none();
        let believed: Vec<Mark> = marks.iter().filter(is_believed).copied().collect();
        for index in 0..self.books.len() {
            let portfolio = PortfolioId(index as u16);
            if self.holds_any(portfolio, &believed) {
                self.on_marks(portfolio, at, &believed, out);
            } else if self.holds_any(portfolio, marks) {
                self.on_time(portfolio, at, out);
            }
        }
    }

    /// The mark of a contract that waits for others to confirm it.
    pub fn unconfirmed_mark(&self, symbol: SymbolId) -> Option<Unconfirmed> {
        self.market.unconfirmed(symbol)
    }

    /// Whether an account holds a contract of these marks.
    pub fn holds_any(&self, portfolio: PortfolioId, marks: &[Mark]) -> bool {
        let open = self.books.get(portfolio.index()).into_iter().flat_map(|book| &book.engagements);
        open.filter(|one| one.position.is_open()).any(|one| marks.iter().any(|mark| mark.symbol == one.symbol))
    }

    /// Time has passed on an account, and no mark came: guards look at their time-outs, and breakers take no
    /// sample, since the same mark looked at again is no second witness.
    pub fn on_time(&mut self, portfolio: PortfolioId, at: Time, out: &mut Effects) {
        if self.books.get(portfolio.index()).is_some_and(|book| !book.engagements.is_empty()) {
            self.calm_until = None;
            self.react_all(portfolio, at, out);
        }
    }

    /// The venue told something of an account.
    pub fn on_venue(&mut self, portfolio: PortfolioId, event: &VenueEvent, out: &mut Effects) {
        if portfolio.index() >= self.books.len() {
            return;
        }
        let (at, agent, symbol, money) = match *event {
            VenueEvent::Order { id, symbol, at, kind } => {
                let money = matches!(kind, crate::model::ReportKind::Filled { .. });
                (at, Some(id.intent.agent), Some(symbol), money)
            }
            VenueEvent::Funding { symbol, at, .. } | VenueEvent::Liquidation { symbol, at, .. } => {
                (at, self.holder(portfolio, symbol), Some(symbol), true)
            }
            VenueEvent::Transfer { at, .. } => (at, None, None, false),
        };
        let agent = agent.filter(|agent| agent.index() < self.agents.len());
        self.roll_days(portfolio, agent, at);
        self.emit(Fact::Venue { portfolio, event: *event }, out);
        if let Some(symbol) = symbol {
            self.follow_up(portfolio, Some(symbol), at, out);
            self.react_symbol(portfolio, symbol, at, out);
        }
        if money {
            self.evaluate(portfolio, at, agent, out);
        }
        self.announce_flat(at, out);
    }

    /// Judges a wish: numbers it, approves, cuts or refuses it, and makes the orders of what was
    /// approved. `now` is when it is judged.
    pub fn on_intent(&mut self, now: Time, intent: &Intent, out: &mut Effects) -> Verdict {
        let plan = Arc::clone(&self.plan);
        let Some(agent) = plan.agents.get(intent.agent.index()) else {
            // Nobody to number it for: not a fact.
            return Verdict::Refused(Refusal::plain(RefusalReason::Malformed, Level::Agent));
        };
        let id = IntentId { agent: intent.agent, number: self.agents[intent.agent.index()].intents + 1 };
        self.roll_days(agent.portfolio, Some(intent.agent), now);
        let Judgement { verdict, close, entry } = self.judge(now, intent, agent);
        self.emit(Fact::Intent { id, intent: Box::new(intent.clone()) }, out);
        self.emit(Fact::Verdict { id, portfolio: agent.portfolio, verdict: verdict.clone() }, out);
        if let Some((held, reason)) = close {
            self.close(agent.portfolio, (agent.symbol, held), reason, now, out);
        }
        if let (Some(sized), IntentKind::Open(wish) | IntentKind::Reverse(wish)) = (entry, &intent.kind) {
            let order = self.entry_order(id, intent, wish, &sized);
            match self.stop_beside(now, &order, wish, intent.reference) {
                Some(stop) => self.place_together(now, order, stop, out),
                None => self.place(now, order, out),
            }
            debug_assert_eq!(crate::invariants::after_approval(self, intent.agent), Ok(()));
        }
        verdict
    }

    fn entry_order(&self, id: IntentId, intent: &Intent, wish: &Entry, sized: &Sized) -> Order {
        let kind = wish.order.limit().map_or(OrderKind::Market, |terms| OrderKind::Limit {
            price: limit_price(wish.side, terms.price, self.plan.instrument(intent.symbol)),
            tif: if terms.post_only { TimeInForce::PostOnly } else { TimeInForce::Gtc },
        });
        Order {
            id: OrderId { intent: id, leg: 0 },
            portfolio: intent.portfolio,
            symbol: intent.symbol,
            side: wish.side,
            kind,
            qty: sized.qty,
            reduce_only: false,
            close_position: false,
            leverage: sized.leverage,
            purpose: Purpose::Entry,
        }
    }

    /// An agent's life changed. Stopped, panicked or failed, its resting entries are cancelled; what
    /// becomes of its position is said by the [`StopPolicy`], and without one it stays protected.
    pub fn on_agent(&mut self, now: Time, agent: AgentId, change: AgentChange, out: &mut Effects) {
        let plan = Arc::clone(&self.plan);
        let Some(of) = plan.agents.get(agent.index()) else { return };
        let close = change == AgentChange::Stopped(StopPolicy::Close);
        // The close comes first: a journal torn between the two holds a position that is being closed and
        // an agent that still runs, which stopping again mends, never a stopped agent's forgotten position.
        if close {
            self.close_where(of.portfolio, now, ExitReason::AgentStop, |one| one.agent() == agent, out);
        }
        self.emit(Fact::Agent { at: now, agent, change }, out);
        self.react_symbol(of.portfolio, of.symbol, now, out);
    }

    /// Clears a tripped breaker. The reason is journaled.
    pub fn reset_breaker(
        &mut self,
        now: Time,
        scope: BreakerScope,
        reason: &str,
        out: &mut Effects,
    ) -> Result<(), ResetError> {
        let breaker = self.breaker(scope).ok_or(ResetError::Unknown)?;
        if reason.trim().is_empty() {
            return Err(ResetError::NoReason);
        }
        if !breaker.is_tripped() {
            return Err(ResetError::NotTripped);
        }
        let change = BreakerChange::Reset { reason: reason.trim().to_owned() };
        self.emit(Fact::Breaker { at: now, scope, change }, out);
        if let Some(breaker) = self.breaker(scope) {
            // At once: the equity it began anew from is of this instant's marks.
            let mark = breaker.watermark();
            self.emit(Fact::Watermark { scope, mark }, out);
        }
        Ok(())
    }

    /// An operator wants a portfolio flat: entries are cancelled, positions closed at market, again and
    /// again until the venue says flat.
    pub fn flatten(&mut self, now: Time, portfolio: PortfolioId, out: &mut Effects) {
        if portfolio.index() < self.books.len() {
            self.close_where(portfolio, now, ExitReason::Operator, |_| true, out);
            self.react_all(portfolio, now, out);
        }
    }

    /// Closes or opens the gate for a portfolio's entries.
    pub fn set_gate(&mut self, now: Time, portfolio: PortfolioId, gated: bool, out: &mut Effects) {
        if self.books.get(portfolio.index()).is_some_and(|book| book.gated != gated) {
            self.emit(Fact::Gate { at: now, portfolio, gated }, out);
        }
    }

    /// Records that an account and its venue did not agree, for the journal and all who follow it.
    pub fn note_difference(&mut self, now: Time, portfolio: PortfolioId, difference: Difference, out: &mut Effects) {
        self.emit(Fact::Difference { at: now, portfolio, difference: Box::new(difference) }, out);
    }

    /// Ends a step: expiries, holding times, time-outs, retries, one more evaluation of the breakers for
    /// those whose marks are missing, then what marks changed, then the end itself.
    pub fn end_step(&mut self, now: Time, out: &mut Effects) {
        let is_calm = self.calm_until.is_some_and(|until| now <= until);
        for index in 0..self.books.len() {
            if is_calm || self.books[index].engagements.is_empty() {
                continue;
            }
            let portfolio = PortfolioId(index as u16);
            self.evaluate(portfolio, now, None, out);
            self.follow_up(portfolio, None, now, out);
            self.react_all(portfolio, now, out);
        }
        self.announce_flat(now, out);
        self.record_watermarks(out);
        self.emit(Fact::StepEnd { at: now }, out);
        debug_assert_eq!(crate::invariants::check(self), Ok(()));
    }

    /// The one way from a decision to a change: apply the fact, then hand it out.
    pub(super) fn emit(&mut self, fact: Fact, out: &mut Effects) {
        self.apply_with(&fact, &mut out.trades);
        out.facts.push(fact);
    }

    /// Approves an order.
    pub(super) fn place(&mut self, at: Time, order: Order, out: &mut Effects) {
        let command = Command::Place(Approved::new(order.clone()));
        self.emit(Fact::Order { at, order }, out);
        out.commands.push(command);
    }

    /// Approves a cancel.
    pub(super) fn cancel(&mut self, at: Time, cancel: CancelOrder, out: &mut Effects) {
        self.emit(Fact::Cancel { at, portfolio: cancel.portfolio, id: cancel.id, symbol: cancel.symbol }, out);
        out.commands.push(Command::Cancel(Approved::new(cancel)));
    }
}
