//! Somebody else acts on the account: what the desk finds, the supervisor does about, and the books say
//! afterwards, in a whole world.

use super::scenario::{self, BTC, START, open, plan, play, venue};
use crate::delivery::Policy;
use crate::model::*;
use crate::sim::{Act, Faults, Venue, World};

fn by_hand(side: Side, quantity: &str, kind: OrderKind) -> Order {
    Order {
        id: OrderId { intent: IntentId { agent: AgentId(9), number: 9 }, leg: 0 },
        portfolio: PortfolioId(0),
        symbol: BTC,
        side,
        kind,
        qty: quantity.parse().unwrap(),
        reduce_only: false,
        close_position: false,
        leverage: 2,
        purpose: Purpose::Entry,
    }
}

/// Takes what others made off the account.
fn policy() -> Policy {
    let mut policy = scenario::policy();
    for kind in [DifferenceKind::UnknownOrder, DifferenceKind::UnknownPosition] {
        policy.differences.set(kind, DifferencePolicy::Close).unwrap();
    }
    policy
}

fn idle(faults: Faults) -> World {
    let mut world = World::new(plan(), policy(), venue(), faults, START);
    world.schedule(START.plus(600), Act::Price(BTC, Price::whole(100)));
    world
}

/// A world in which agent 0 has been long 1 for a while.
fn long() -> World {
    let mut world = idle(Faults::none());
    world.schedule(START.plus(8_000), Act::Wish(AgentId(0), open(Side::Buy, "1")));
    world.run_until(START.plus(20_000));
    assert_eq!(world.supervisor().unwrap().positions(PortfolioId(0)).count(), 1);
    world
}

fn kinds(world: &World) -> Vec<&'static str> {
    world.differences().map(|one| one.kind.label()).collect()
}

fn held(world: &World) -> Vec<(AgentId, Qty)> {
    world.supervisor().unwrap().positions(PortfolioId(0)).map(|one| (one.agent, one.qty)).collect()
}

#[test]
fn a_persons_position_is_booked_and_closed_at_once() {
    let mut world = idle(Faults::none());
    world.run_until(START.plus(10_000));
    let now = world.now();
    world.venue_mut().place_by_hand(now, &by_hand(Side::Sell, "0.7", OrderKind::Market), "web_1");
    world.schedule(START.plus(10_500), Act::Price(BTC, Price::whole(100)));
    world.run_until(START.plus(12_000));
    assert_eq!((kinds(&world), held(&world)), (vec!["unknown_order"], vec![]));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(world.venue().holdings().map(|(_, qty)| qty).collect::<Vec<_>>(), [Qty::ZERO]);
}

/// Nothing of what a person did is undone, and entries are gated for good.
fn check_left_alone(mut world: World, quantity: &str, found: &[&str]) {
    let sent = |world: &World| world.venue().records().iter().filter(|one| one.report.name.starts_with("sim-")).count();
    for end in [60_000, 130_000] {
        world.run_until(START.plus(end));
        assert_eq!(world.venue().holdings().map(|(_, qty)| qty).collect::<Vec<_>>(), [quantity.parse().unwrap()]);
        assert_eq!((sent(&world), held(&world)), (0, vec![]));
        assert!(world.supervisor().unwrap().portfolio(PortfolioId(0)).gated);
    }
    assert_eq!(kinds(&world), found);
}

#[test]
fn by_default_a_persons_position_is_left_alone_and_entries_are_gated() {
    let mut world = scenario::idle(Faults::none());
    world.run_until(START.plus(10_000));
    let now = world.now();
    world.venue_mut().place_by_hand(now, &by_hand(Side::Sell, "0.7", OrderKind::Market), "web_1");
    world.schedule(START.plus(10_500), Act::Price(BTC, Price::whole(100)));
    world.schedule(START.plus(30_000), Act::Wish(AgentId(0), open(Side::Buy, "1")));
    check_left_alone(world, "-0.7", &["unknown_order", "unknown_position"]);
}

#[test]
fn by_default_a_position_from_before_the_journal_is_left_alone() {
    let (mut venue, early) = (Venue::new(&plan(), Usd::whole(10_000)), START.plus(-900_000));
    venue.quote(early, BTC, Price::whole(98));
    venue.place_by_hand(early, &by_hand(Side::Buy, "0.3", OrderKind::Market), "web_1");
    venue.quote(START, BTC, Price::whole(100));
    venue.drain_told();
    let mut world = World::new(plan(), scenario::policy(), venue, Faults::none(), START);
    world.schedule(START.plus(500), Act::Price(BTC, Price::whole(100)));
    world.schedule(START.plus(30_000), Act::Wish(AgentId(0), open(Side::Buy, "1")));
    check_left_alone(world, "0.3", &["unknown_position"]);
}

#[test]
fn by_default_a_persons_resting_order_stays() {
    let mut world = scenario::idle(Faults::none());
    world.run_until(START.plus(10_000));
    let resting = OrderKind::Limit { price: Price::whole(98), tif: TimeInForce::Gtc };
    let now = world.now();
    world.venue_mut().place_by_hand(now, &by_hand(Side::Buy, "0.5", resting), "web_1");
    world.schedule(START.plus(10_500), Act::Price(BTC, Price::whole(100)));
    world.run_until(START.plus(90_000));
    assert_eq!(kinds(&world), ["unknown_order"]);
    assert!(world.venue().records().iter().all(|record| !record.report.status.is_final()));
    assert!(world.supervisor().unwrap().portfolio(PortfolioId(0)).gated);
}

#[test]
fn a_persons_sale_reduces_the_position_and_its_protection_follows() {
    let mut world = long();
    let now = world.now();
    world.venue_mut().place_by_hand(now, &by_hand(Side::Sell, "0.4", OrderKind::Market), "web_1");
    world.schedule(START.plus(21_000), Act::Price(BTC, Price::whole(100)));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(held(&world), [(AgentId(0), "0.6".parse().unwrap())]);
    assert!(world.venue().is_protected(BTC));
}

#[test]
fn a_position_from_before_the_journal_is_found_and_closed() {
    let (mut venue, early) = (Venue::new(&plan(), Usd::whole(10_000)), START.plus(-900_000));
    venue.quote(early, BTC, Price::whole(98));
    venue.place_by_hand(early, &by_hand(Side::Buy, "0.3", OrderKind::Market), "web_1");
    venue.quote(START, BTC, Price::whole(100));
    venue.drain_told();
    let mut world = World::new(plan(), policy(), venue, Faults::none(), START);
    world.schedule(START.plus(500), Act::Price(BTC, Price::whole(100)));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!((kinds(&world)[0], held(&world)), ("unknown_position", vec![]));
}

#[test]
fn a_persons_resting_order_is_cancelled() {
    let mut world = idle(Faults::none());
    world.run_until(START.plus(10_000));
    let resting = OrderKind::Limit { price: Price::whole(98), tif: TimeInForce::Gtc };
    let now = world.now();
    world.venue_mut().place_by_hand(now, &by_hand(Side::Buy, "0.5", resting), "web_1");
    world.schedule(START.plus(10_500), Act::Price(BTC, Price::whole(100)));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(kinds(&world), ["unknown_order"]);
}

#[test]
fn a_stop_that_vanished_is_placed_anew() {
    let mut world = long();
    let stop = world
        .venue()
        .records()
        .iter()
        .rev()
        .find(|record| {
            record.order.kind.is_conditional()
                && !record.report.status.is_final()
                && matches!(record.order.kind, OrderKind::StopMarket { .. })
        })
        .unwrap()
        .report
        .number;
    let now = world.now();
    world.venue_mut().forget(now, stop);
    assert!(!world.venue().is_protected(BTC));
    world.run_until(START.plus(90_000));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(kinds(&world), ["missing_order"]);
    assert!(world.venue().is_protected(BTC) && held(&world).len() == 1);
}

#[test]
fn an_unexplained_change_of_the_wallet_is_adopted_and_reported() {
    let mut world = long();
    world.venue_mut().adjust(Usd::whole(-3));
    world.run_until(START.plus(90_000));
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(kinds(&world), ["balance"]);
}

#[test]
fn the_account_begins_with_what_it_has() {
    let mut venue = venue();
    venue.adjust(Usd::whole(-4_000));
    let mut world = World::new(plan(), policy(), venue, Faults::none(), START);
    world.run_until(START.plus(10_000));
    assert_eq!(world.supervisor().unwrap().portfolio(PortfolioId(0)).equity, Usd::whole(6_000));
    assert_eq!((kinds(&world).len(), world.check_at_rest()), (0, Ok(())));
}

#[test]
fn leverage_that_somebody_set_is_reported_and_the_mode_halts() {
    let mut world = long();
    world.venue_mut().set_leverage(BTC, 20);
    world.schedule(START.plus(21_000), Act::Price(BTC, Price::whole(100)));
    world.run_until(START.plus(40_000));
    assert_eq!(kinds(&world), ["leverage"]);
    world.venue_mut().set_modes(true, false);
    world.schedule(START.plus(41_000), Act::Price(BTC, Price::whole(100)));
    world.run_until(START.plus(42_000));
    assert_eq!(kinds(&world), ["leverage", "mode"]);
    assert!(world.supervisor().unwrap().portfolio(PortfolioId(0)).gated);
}

#[test]
fn a_liquidation_is_booked_to_the_last_unit() {
    let mut world = idle(Faults::none());
    world.schedule(START.plus(8_000), Act::Wish(AgentId(0), open(Side::Buy, "190")));
    for (index, price) in [99, 97, 60, 41].into_iter().enumerate() {
        world.schedule(START.plus(20_000 + index as i64 * 10), Act::Price(BTC, Price::whole(price)));
    }
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(held(&world), []);
}
