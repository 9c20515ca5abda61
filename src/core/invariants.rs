//! What must hold of a supervisor at any instant, numbered, as plain predicates: for property tests, the
//! model checker, the fault simulator and debug assertions. They look at what a supervisor shows and know
//! nothing of how it works.
//!
//! | number | holds when |
//! |---|---|
//! | 1 | open and reserved positions are within `max_positions` at each level |
//! | 2 | right after an entry was approved, gross notional over equity is within `max_leverage` at each level |
//! | 3 | no entry is approved while a breaker above it is tripped |
//! | 4 | something is reserved just while an entry is working |
//! | 5 | each open position has an owner whose symbol and portfolio it is, and a symbol is held once (1 and 5 leave out what an execution opened that no known order explains: it is being closed) |
//! | 6 | money is conserved: each change of a wallet is booked, and each booking has its agent |
//! | 7 | a position that wants a stop is covered by an accepted one, or its clock runs, or it is being closed |
//! | 8 | no order id works twice, and exits can only reduce |
//! | 9 | equity is the wallet and the open profit, and the swarm's is the sum of its portfolios' |
//! | 10 | at rest, the venue holds what the supervisor holds |
//! | 11 | the clock of a naked position does not run past its time-out |

use crate::model::{AgentId, ExitReason, PortfolioId, Purpose, Qty, SymbolId, Time, Usd};
use crate::risk::{OpenOrder, OpenPosition, Supervisor};
use std::collections::{BTreeMap, BTreeSet};

/// Which invariant does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant {number} does not hold: {what}")]
pub struct Violation {
    /// Its number in the table of this module.
    pub number: u8,
    /// What was seen.
    pub what: String,
}

fn hold(number: u8, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { number, what: what() }) }
}

fn portfolios(supervisor: &Supervisor) -> impl Iterator<Item = PortfolioId> {
    (0..supervisor.plan().portfolios.len()).map(PortfolioId::at)
}

/// All that must hold at any instant: 1, 4, 5, 6, 7, 8 and 9.
pub fn check(supervisor: &Supervisor) -> Result<(), Violation> {
    let mut slots_of_swarm = 0;
    let mut equity_of_swarm = Usd::ZERO;
    for portfolio in portfolios(supervisor) {
        let orders: Vec<_> = supervisor.open_orders(portfolio).collect();
        let positions: Vec<_> = supervisor.positions(portfolio).collect();
        slots_of_swarm += slots(supervisor, portfolio, &positions)?;
        reservations(supervisor, portfolio, &orders)?;
        owners(supervisor, portfolio, &positions)?;
        protection(&positions)?;
        ids(&orders, &positions)?;
        money(supervisor, portfolio)?;
        let snapshot = supervisor.portfolio(portfolio);
        let open: Usd = positions.iter().map(|position| position.unrealized).sum();
        hold(9, snapshot.equity == snapshot.wallet + open, || format!("portfolio {}: {snapshot:?}", portfolio.0))?;
        equity_of_swarm += snapshot.equity;
    }
    hold(9, supervisor.swarm_equity() == equity_of_swarm, || {
        format!("swarm {} is not {equity_of_swarm}", supervisor.swarm_equity())
    })?;
    let limit = supervisor.plan().limits.max_positions;
    hold(1, limit.is_none_or(|limit| slots_of_swarm <= limit), || format!("{slots_of_swarm} in the swarm"))
}

/// Slots that count against the limit: a position that is being closed to be reversed makes room for its
/// successor, and what a lost report opened was never approved.
fn slots(supervisor: &Supervisor, portfolio: PortfolioId, positions: &[OpenPosition]) -> Result<u32, Violation> {
    let exempt = positions.iter().filter(|one| one.closing == Some(ExitReason::Reverse) || one.is_orphan).count();
    let counted = supervisor.portfolio(portfolio).slots.saturating_sub(exempt as u32);
    let limit = supervisor.plan().portfolios[portfolio.index()].limits.max_positions;
    hold(1, limit.is_none_or(|limit| counted <= limit), || format!("{counted} in portfolio {}", portfolio.0))?;
    Ok(counted)
}

fn reservations(supervisor: &Supervisor, portfolio: PortfolioId, orders: &[OpenOrder]) -> Result<(), Violation> {
    let works = orders.iter().any(|order| order.purpose == Purpose::Entry);
    let reserved = supervisor.portfolio(portfolio).reserved_notional;
    hold(4, reserved >= Usd::ZERO && works != reserved.is_zero(), || {
        format!("{reserved} reserved in portfolio {}", portfolio.0)
    })
}

fn owners(supervisor: &Supervisor, portfolio: PortfolioId, positions: &[OpenPosition]) -> Result<(), Violation> {
    let plan = supervisor.plan();
    let known: Vec<_> = positions.iter().filter(|position| !position.is_orphan).collect();
    for position in &known {
        let owner = plan.agents.get(position.agent.index());
        let fits = owner.is_some_and(|agent| agent.portfolio == portfolio && agent.symbol == position.symbol);
        hold(5, fits, || format!("{position:?} is not its agent's"))?;
    }
    let symbols: BTreeSet<_> = known.iter().map(|position| position.symbol).collect();
    hold(5, symbols.len() == known.len(), || format!("a symbol is held twice: {positions:?}"))
}

fn protection(positions: &[OpenPosition]) -> Result<(), Violation> {
    for one in positions {
        let safe = !one.wants_stop || one.is_protected || one.naked_since.is_some() || one.closing.is_some();
        hold(7, safe, || format!("{one:?}"))?;
    }
    Ok(())
}

fn ids(orders: &[OpenOrder], positions: &[OpenPosition]) -> Result<(), Violation> {
    let unique: BTreeSet<_> = orders.iter().map(|order| order.id).collect();
    hold(8, unique.len() == orders.len(), || format!("{orders:?}"))?;
    for order in orders.iter().filter(|order| order.purpose != Purpose::Entry) {
        hold(8, order.reduce_only || order.close_position, || format!("{order:?} could open"))?;
        let own = positions.iter().find(|position| position.intent == order.id.intent);
        // Fills that are learned of out of order can turn a position: it is closed, and its old exits, which
        // only reduce, cannot execute meanwhile.
        let reduces = own.is_none_or(|own| own.qty.0 * order.side.sign() < 0 || own.is_orphan || own.closing.is_some());
        hold(8, reduces, || format!("{order:?} is on the side of {own:?}"))?;
    }
    Ok(())
}

fn money(supervisor: &Supervisor, portfolio: PortfolioId) -> Result<(), Violation> {
    let account = supervisor.account(portfolio);
    hold(6, account.is_balanced(), || format!("{account:?}"))?;
    let plan = supervisor.plan();
    let agents = (0..plan.agents.len()).filter(|&index| plan.agents[index].portfolio == portfolio);
    let attributed: Usd = agents.map(|index| supervisor.agent_book(AgentId(index as u32)).net()).sum();
    hold(6, attributed + account.unattributed == account.net_profit(), || {
        format!("{attributed} of agents and {} of nobody are not {}", account.unattributed, account.net_profit())
    })
}

/// 1, 2 and 3, right after an entry of `agent` was approved.
pub fn after_approval(supervisor: &Supervisor, agent: AgentId) -> Result<(), Violation> {
    for level in supervisor.level_uses(agent) {
        let what = || format!("{level:?}");
        hold(1, level.limits.max_positions.is_none_or(|limit| level.slots <= limit), what)?;
        let cap = level.limits.max_leverage.map(|cap| crate::risk::times_capped(level.capital, cap));
        hold(2, cap.is_none_or(|cap| level.gross <= cap), what)?;
        hold(3, !level.is_tripped, what)?;
    }
    Ok(())
}

/// 10: what the venue holds of an account, by symbol, when no report is on its way.
pub fn agrees(
    supervisor: &Supervisor,
    portfolio: PortfolioId,
    venue: impl IntoIterator<Item = (SymbolId, Qty)>,
) -> Result<(), Violation> {
    let sum = |holdings: &mut dyn Iterator<Item = (SymbolId, Qty)>| {
        let mut sums = BTreeMap::<SymbolId, Qty>::new();
        holdings.for_each(|(symbol, qty)| *sums.entry(symbol).or_default() += qty);
        sums.retain(|_, qty| !qty.is_zero());
        sums
    };
    let held = sum(&mut venue.into_iter());
    let booked = sum(&mut supervisor.positions(portfolio).map(|one| (one.symbol, one.qty)));
    hold(10, held == booked, || format!("the venue has {held:?}, the books {booked:?}"))
}

/// 11, after the supervisor has been told the time.
pub fn clocks(supervisor: &Supervisor, now: Time) -> Result<(), Violation> {
    for portfolio in portfolios(supervisor) {
        for one in supervisor.positions(portfolio) {
            let late = one.naked_since.is_some_and(|since| now.since(since) > supervisor.plan().naked_timeout_ms);
            hold(11, !late || one.closing.is_some(), || format!("at {now}: {one:?}"))?;
        }
    }
    Ok(())
}
