//! The picture that operators get, compared with the journal: what the director says is what the facts say.

use crate::control::Snapshot;
use std::collections::BTreeSet;
use swarm_core::model::{Plan, PortfolioId};
use swarm_core::risk::Supervisor;

/// Whether a snapshot shows what the books hold, as far as marks do not move it.
///
/// # Errors
/// What it shows otherwise.
pub(super) fn agrees(plan: &Plan, books: &Supervisor, shown: &Snapshot) -> Result<(), String> {
    for (index, portfolio) in shown.portfolios.iter().enumerate() {
        let own = books.portfolio(PortfolioId::at(index));
        let same = portfolio.open_positions == own.open_positions
            && portfolio.breaker_tripped == own.trip.is_some()
            && portfolio.entries_gated == own.gated
            && portfolio.reserved_notional == own.reserved_notional;
        if !same {
            return Err(format!("{portfolio:?} is shown of {own:?}"));
        }
    }
    let portfolios = || (0..plan.portfolios.len()).map(PortfolioId::at);
    let held: BTreeSet<_> = portfolios()
        .flat_map(|id| books.positions(id).map(move |one| (id, one)))
        .map(|(id, one)| {
            let symbol = plan.instrument(one.symbol).symbol.clone();
            let stop = one.stop.filter(|_| one.is_protected);
            (plan.portfolios[id.index()].name.clone(), symbol, one.qty, one.entry_price, stop)
        })
        .collect();
    let positions = shown.positions.iter();
    let positions: BTreeSet<_> = positions
        .map(|one| (one.portfolio.clone(), one.symbol.clone(), one.qty, one.entry_price, one.stop_price))
        .collect();
    if held != positions {
        return Err(format!("{positions:?} are shown of {held:?}"));
    }
    let open: BTreeSet<_> =
        portfolios().flat_map(|id| books.open_orders(id)).map(|order| order.id.to_string()).collect();
    let orders: BTreeSet<_> = shown.orders.iter().map(|order| order.id.clone()).collect();
    if open != orders {
        return Err(format!("{orders:?} are shown of {open:?}"));
    }
    Ok(())
}
