//! Whatever happens, the invariants hold after every event, and the fold of the journal is the live supervisor.

use super::life::{Event, Life, event};
use super::*;
use proptest::prelude::*;

fn live(events: &[Event], flatten: bool) -> Life {
    let mut life = Life::new(flatten);
    for event in events {
        life.happen(event);
        life.take_commands();
        life.take_commands();
        life.check();
    }
    life.world.step("100");
    life
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_life_breaks_an_invariant_and_every_fold_is_the_life(
        events in prop::collection::vec(event(), 1..120),
        flatten in any::<bool>(),
    ) {
        live(&events, flatten);
    }

    /// However a life went: when the venue does what it is told, everything ends flat, swept and free.
    #[test]
    fn a_flatten_ends_flat_with_nothing_reserved(events in prop::collection::vec(event(), 1..80)) {
        let mut life = live(&events, false);
        for portfolio in [PortfolioId(0), PortfolioId(1)] {
            life.world.flatten(portfolio);
        }
        for _ in 0..40 {
            life.take_commands();
            while let Some(index) = life.venue.orders.iter().position(|order| order.kind == OrderKind::Market) {
                life.fill(index, 4);
                life.take_commands();
            }
            // What is too small to be closed at market is closed by its stop; lost cancels arrive.
            for index in (0..life.venue.orders.len()).rev() {
                let order = &life.venue.orders[index];
                let flat = life.held(order.portfolio, order.symbol).is_zero();
                if flat || order.purpose == Purpose::Entry {
                    let order = life.venue.orders.remove(index);
                    life.tell(&order, ReportKind::Canceled(CancelReason::Requested));
                } else if order.close_position {
                    life.fill(index, 4);
                }
            }
            life.take_commands();
            life.check();
            life.world.step("100");
        }
        for portfolio in [PortfolioId(0), PortfolioId(1)] {
            let snapshot = life.world.supervisor.portfolio(portfolio);
            prop_assert_eq!((snapshot.open_positions, snapshot.slots), (0, 0));
            prop_assert_eq!((snapshot.reserved_notional, snapshot.margin), (Usd::ZERO, Usd::ZERO));
            prop_assert_eq!(snapshot.equity, snapshot.wallet);
            prop_assert!(!life.world.supervisor.has_exposure(portfolio));
        }
    }
}
