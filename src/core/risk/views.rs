//! What others may see of the supervisor: agents for their decisions, metrics and the API for people.
//! Read only; nothing here is state.

use super::breaker::{Trip, drawdown, ratio};
use super::engagement::Engagement;
use super::supervisor::Supervisor;
use crate::ledger::{Account, AgentBook, Position};
use crate::model::{
    AgentId, ExitReason, IntentId, OrderId, OrderKind, Plan, PortfolioId, Price, Purpose, Qty, Rate, Side, SymbolId,
    Time, Usd,
};
use crate::orders::Status;
use crate::rule::{AccountView, PositionView, TradeStats};
use std::sync::Arc;

/// A portfolio at a glance. Money in USDT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioSnapshot {
    /// Wallet and open profit.
    pub equity: Usd,
    /// Without open profit.
    pub wallet: Usd,
    /// Highest equity, moved by transfers and resets.
    pub peak_equity: Usd,
    /// `1 - equity / peak`.
    pub drawdown: Rate,
    /// Largest drawdown at the end of a step or at a trip.
    pub max_drawdown: Rate,
    /// Gross notional of positions over equity.
    pub leverage: Rate,
    /// Largest of it, at the end of a step or at a fill.
    pub peak_leverage: Rate,
    /// Positions held.
    pub open_positions: u32,
    /// Most positions held at a time.
    pub peak_open_positions: u32,
    /// Slots taken: held or reserved.
    pub slots: u32,
    /// Gross notional of positions at their marks.
    pub gross_notional: Usd,
    /// Notional reserved by working entries.
    pub reserved_notional: Usd,
    /// Margin of positions and reservations.
    pub margin: Usd,
    /// Sum of realised profits before fees.
    pub realized: Usd,
    /// Sum of fees, positive is paid.
    pub fees: Usd,
    /// Sum of funding, positive is received.
    pub funding: Usd,
    /// Sum of deposits less withdrawals.
    pub transfers: Usd,
    /// The trip its breaker is latched on.
    pub trip: Option<Trip>,
    /// Entries are gated.
    pub gated: bool,
}

/// An agent at a glance. Money in USDT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentSnapshot {
    /// Whether it runs.
    pub running: bool,
    /// Intents judged so far.
    pub intents: u32,
    /// Realised net of fees and funding.
    pub realized_net: Usd,
    /// Fees, positive is paid.
    pub fees: Usd,
    /// Funding, positive is received.
    pub funding: Usd,
    /// Slippage, positive is lost.
    pub slippage: Usd,
    /// Open profit at the latest mark.
    pub unrealized: Usd,
    /// Notional held at the latest mark, negative when short.
    pub notional: Usd,
    /// Closed trades.
    pub stats: TradeStats,
    /// The trip its own breaker is latched on.
    pub trip: Option<Trip>,
}

/// What an agent made so far, and what it has at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentStake<'a> {
    /// Realised net of fees and funding, in USDT.
    pub realized: Usd,
    /// What it holds.
    pub position: Option<&'a Position>,
    /// An entry of its own is working.
    pub is_pending: bool,
}

/// A position with its owner and its protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPosition {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// Which contract.
    pub symbol: SymbolId,
    /// Who holds it.
    pub agent: AgentId,
    /// The intent that opened it.
    pub intent: IntentId,
    /// Signed quantity.
    pub qty: Qty,
    /// Average entry price.
    pub entry_price: Price,
    /// Latest mark.
    pub mark: Price,
    /// Open profit, before fees.
    pub unrealized: Usd,
    /// First fill.
    pub opened_at: Time,
    /// Leverage the venue is told.
    pub leverage: u32,
    /// Trigger of the newest stop.
    pub stop: Option<Price>,
    /// Whether an accepted stop covers all of it.
    pub is_protected: bool,
    /// Whether its plan has a stop.
    pub wants_stop: bool,
    /// Since when no accepted stop covers it.
    pub naked_since: Option<Time>,
    /// Opened by an execution that no known order explains; being closed.
    pub is_orphan: bool,
    /// Triggers of the targets that are not closed yet.
    pub targets: Vec<Price>,
    /// Why it is being closed, if it is.
    pub closing: Option<ExitReason>,
}

/// An order that may still execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Whose account.
    pub portfolio: PortfolioId,
    /// Which contract.
    pub symbol: SymbolId,
    /// Its id.
    pub id: OrderId,
    /// What it is for.
    pub purpose: Purpose,
    /// Buy or sell.
    pub side: Side,
    /// Type with its prices.
    pub kind: OrderKind,
    /// Quantity asked for.
    pub qty: Qty,
    /// Quantity not yet executed.
    pub leaves: Qty,
    /// Never opens or turns a position.
    pub reduce_only: bool,
    /// Closes whatever is open.
    pub close_position: bool,
    /// Whether the venue has it.
    pub status: Status,
    /// When it was approved.
    pub placed_at: Time,
    /// A cancel is on its way.
    pub is_canceling: bool,
}

#[inline]
fn position_view(position: &Position) -> PositionView {
    PositionView {
        qty: position.holding.qty,
        entry_price: position.entry_price(),
        opened_at: position.opened_at,
        unrealized_pnl: position.unrealized(),
    }
}

impl Supervisor {
    /// The plan it was built from.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The account as an agent may size by it.
    pub fn account_view(&self, portfolio: PortfolioId) -> AccountView {
        let plan = &self.plan.portfolios[portfolio.index()];
        let levels = [&plan.limits, &self.plan.limits];
        AccountView {
            equity: self.books[portfolio.index()].equity,
            max_positions: levels.iter().filter_map(|limits| limits.max_positions).min().unwrap_or(u32::MAX),
            max_leverage: levels.iter().filter_map(|limits| limits.max_leverage).min().unwrap_or(Rate(i64::MAX)),
        }
    }

    fn engagements_of(&self, agent: AgentId) -> impl Iterator<Item = &Engagement> {
        let own = self.plan.agents.get(agent.index()).map_or(&[][..], |plan| {
            let book = &self.books[plan.portfolio.index()];
            &book.engagements[book.on_symbol(plan.symbol)]
        });
        own.iter().filter(move |one| one.agent() == agent)
    }

    /// The agent's position on its symbol.
    pub fn position_view(&self, agent: AgentId) -> Option<PositionView> {
        self.position_and_pending(agent).0
    }

    /// Whether an entry of the agent is working.
    pub fn entry_pending(&self, agent: AgentId) -> bool {
        self.engagements_of(agent).any(|one| one.guard.entry().is_some())
    }

    /// Both of the above in one look.
    #[inline]
    pub fn position_and_pending(&self, agent: AgentId) -> (Option<PositionView>, bool) {
        let has_any = self.agents.get(agent.index()).is_some_and(|agent| agent.engagements > 0);
        let (holder, pending) = if has_any { self.look_for_position(agent) } else { (None, false) };
        (holder.map(position_view), pending)
    }

    /// Gives a reference, since a view that is written and copied at once is read before it is written out.
    fn look_for_position(&self, agent: AgentId) -> (Option<&Position>, bool) {
        let (mut holder, mut pending) = (None, false);
        for one in self.engagements_of(agent) {
            if holder.is_none() && one.position.is_open() {
                holder = Some(&one.position);
            }
            pending |= one.guard.entry().is_some();
        }
        (holder, pending)
    }

    /// The agent's record.
    #[inline]
    pub fn stats(&self, agent: AgentId) -> TradeStats {
        self.agents.get(agent.index()).map(|agent| agent.book.stats).unwrap_or_default()
    }

    /// What the agent made so far, and what it has at stake.
    #[inline]
    pub fn agent_stake(&self, agent: AgentId) -> AgentStake<'_> {
        let state = &self.agents[agent.index()];
        let has_any = state.engagements > 0;
        let (position, is_pending) = if has_any { self.look_for_position(agent) } else { (None, false) };
        AgentStake { realized: state.book.net(), position, is_pending }
    }

    /// What the equity of a portfolio is at other prices, in USDT; a position without a price stands at its latest mark.
    #[inline]
    pub fn equity_at(&self, portfolio: PortfolioId, price: impl Fn(SymbolId) -> Option<Price>) -> Usd {
        let book = &self.books[portfolio.index()];
        let worth = |one: &Engagement| one.position.unrealized_at(price(one.symbol));
        book.account.wallet + book.engagements.iter().map(worth).sum()
    }

    /// Equity of a portfolio at the latest marks, in USDT.
    #[inline]
    pub fn equity(&self, portfolio: PortfolioId) -> Usd {
        self.books[portfolio.index()].equity
    }

    /// Whether the agent runs.
    pub fn agent_runs(&self, agent: AgentId) -> bool {
        self.agents.get(agent.index()).is_some_and(|agent| agent.running)
    }

    /// Whether marks matter to a portfolio: a position, a working order or a reservation.
    pub fn has_exposure(&self, portfolio: PortfolioId) -> bool {
        self.books.get(portfolio.index()).is_some_and(|book| !book.engagements.is_empty())
    }

    /// Gross notional of a portfolio's positions over its equity.
    pub fn leverage(&self, portfolio: PortfolioId) -> Rate {
        let book = &self.books[portfolio.index()];
        ratio(book.engagements.iter().map(|one| one.position.notional()).sum(), book.equity)
    }

    /// Whether entries of a portfolio are gated.
    pub fn is_gated(&self, portfolio: PortfolioId) -> bool {
        self.books.get(portfolio.index()).is_some_and(|book| book.gated)
    }

    /// The swarm's equity: the sum of its portfolios'.
    pub fn swarm_equity(&self) -> Usd {
        self.swarm_equity
    }

    /// A portfolio's wallet and where its money went.
    pub fn account(&self, portfolio: PortfolioId) -> &Account {
        &self.books[portfolio.index()].account
    }

    /// An agent's books.
    pub fn agent_book(&self, agent: AgentId) -> &AgentBook {
        &self.agents[agent.index()].book
    }

    /// A portfolio at a glance.
    pub fn portfolio(&self, portfolio: PortfolioId) -> PortfolioSnapshot {
        let book = &self.books[portfolio.index()];
        let exposure = book.exposure(None);
        let gross: Usd = book.engagements.iter().map(|one| one.position.notional()).sum();
        let peak = book.breaker.watermark().peak;
        PortfolioSnapshot {
            equity: book.equity,
            wallet: book.account.wallet,
            peak_equity: peak,
            drawdown: drawdown(book.equity, peak),
            max_drawdown: book.max_drawdown,
            leverage: ratio(gross, book.equity),
            peak_leverage: book.peak_leverage,
            open_positions: book.open_positions(),
            peak_open_positions: book.peak_open_positions,
            slots: exposure.slots,
            gross_notional: gross,
            reserved_notional: exposure.gross - gross,
            margin: exposure.margin,
            realized: book.account.realized,
            fees: book.account.fees,
            funding: book.account.funding,
            transfers: book.account.transfers,
            trip: book.breaker.trip(),
            gated: book.gated,
        }
    }

    /// An agent at a glance.
    pub fn agent(&self, agent: AgentId) -> AgentSnapshot {
        let state = &self.agents[agent.index()];
        let (mut unrealized, mut notional) = (Usd::ZERO, Usd::ZERO);
        for one in self.engagements_of(agent) {
            unrealized += one.position.unrealized();
            let sign = Side::of(one.position.holding.qty).sign();
            notional += Usd(one.position.notional().0 * sign);
        }
        AgentSnapshot {
            running: state.running,
            intents: state.intents,
            realized_net: state.book.net(),
            fees: state.book.fees,
            funding: state.book.funding,
            slippage: state.book.slippage,
            unrealized,
            notional,
            stats: state.book.stats,
            trip: state.breaker.trip(),
        }
    }

    /// Open positions of a portfolio, by symbol.
    pub fn positions(&self, portfolio: PortfolioId) -> impl Iterator<Item = OpenPosition> {
        let book = &self.books[portfolio.index()];
        book.engagements.iter().filter(|one| one.position.is_open()).map(move |one| self.open_position(portfolio, one))
    }

    fn open_position(&self, portfolio: PortfolioId, one: &Engagement) -> OpenPosition {
        let (position, guard) = (&one.position, &one.guard);
        let stop = guard.stop().and_then(|order| match order.kind {
            OrderKind::StopMarket { trigger } => Some(trigger),
            _ => None,
        });
        let targets = guard.orders().iter().filter_map(|order| match order.kind {
            OrderKind::TakeProfitMarket { trigger } => Some(trigger),
            _ => None,
        });
        OpenPosition {
            portfolio,
            symbol: one.symbol,
            agent: one.agent(),
            intent: one.intent,
            qty: position.holding.qty,
            entry_price: position.entry_price(),
            mark: position.mark(),
            unrealized: position.unrealized(),
            opened_at: position.opened_at,
            leverage: one.leverage,
            stop,
            is_protected: guard.is_covered(position.holding.qty.abs()),
            wants_stop: guard.exits().stop.is_some(),
            naked_since: guard.naked_since(),
            is_orphan: one.orphan,
            targets: targets.collect(),
            closing: guard.closing(),
        }
    }

    /// Orders of a portfolio that may still execute.
    pub fn open_orders(&self, portfolio: PortfolioId) -> impl Iterator<Item = OpenOrder> {
        self.books[portfolio.index()].engagements.iter().flat_map(move |one| {
            one.guard.orders().iter().map(move |order| OpenOrder {
                portfolio,
                symbol: one.symbol,
                id: order.id,
                purpose: order.purpose,
                side: order.side,
                kind: order.kind,
                qty: order.qty,
                leaves: order.leaves,
                reduce_only: order.reduce_only,
                close_position: order.close_position,
                status: order.status,
                placed_at: order.placed_at,
                is_canceling: order.cancel_sent_at.is_some(),
            })
        })
    }
}
