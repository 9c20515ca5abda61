//! The property over every cut: whatever is lost, late, repeated or reordered at whichever message, and
//! wherever the process dies, each approved order is at the venue at most once, and at rest books and venue
//! agree to the last unit.

use super::scenario::{one_entry, play, world, world_of_strategies};
use crate::delivery::OrderStatus;
use crate::model::*;
use crate::sim::{Fault, Faults, Takes, World};
use proptest::prelude::*;

fn check(faults: Faults, naked_ms: Millis) -> Result<u64, String> {
    check_of(world, faults, naked_ms)
}

fn check_of(begin: impl Fn(Faults) -> World, faults: Faults, naked_ms: Millis) -> Result<u64, String> {
    let mut world = begin(faults.clone());
    play(&mut world).map_err(|fault| format!("{faults:?}: {fault}"))?;
    if world.longest_naked_ms() > naked_ms {
        return Err(format!("{faults:?}: naked for {} ms", world.longest_naked_ms()));
    }
    Ok(world.messages())
}

#[test]
fn without_a_fault_the_script_trades_and_comes_to_rest() {
    let mut world = world(Faults::none());
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(world.differences().count(), 0);
    let fills = |fact: &&Fact| {
        matches!(fact, Fact::Venue { event: VenueEvent::Order { kind: ReportKind::Filled { .. }, .. }, .. })
    };
    assert_eq!(world.journal().iter().filter(fills).count(), 20);
    assert!(world.longest_naked_ms() < 500, "{}", world.longest_naked_ms());
}

#[test]
fn entries_that_bring_their_stops_along_trade_and_come_to_rest() {
    let mut world = world_of_strategies(Faults::none(), Takes::Strategies);
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(world.differences().count(), 0);
    // The reversal's entry leaves alone.
    assert!(world.longest_naked_ms() < 500, "{}", world.longest_naked_ms());
    let used = world.desk().unwrap().strategy_use();
    assert_eq!((used.taken, used.alone, used.no_market, used.no_limit), (3, 0, false, false));
}

#[test]
fn an_entry_that_brings_its_stop_along_is_not_naked_for_an_instant() {
    let mut world = one_entry(EntryProtection::Strategy);
    assert_eq!(play(&mut world), Ok(()));
    assert_eq!(world.longest_naked_ms(), 0);
    let stops = world.venue().records().iter().filter(|record| record.order.purpose == Purpose::Stop);
    let stops: Vec<_> = stops.map(|record| (record.order.kind, record.report.status)).collect();
    let stop = |trigger: &str| OrderKind::StopMarket { trigger: trigger.parse().unwrap() };
    // By the fill it belongs a tick nearer than by the expected price: the better one stands before the other goes.
    assert_eq!(stops, [(stop("95"), OrderStatus::Canceled), (stop("95.1"), OrderStatus::New)]);
    let mut world = one_entry(EntryProtection::Single);
    assert_eq!(play(&mut world), Ok(()));
    assert!(world.longest_naked_ms() > 0);
}

#[test]
fn where_strategies_are_not_taken_entries_trade_as_before() {
    let (mut plain, mut refusing) = (world(Faults::none()), world_of_strategies(Faults::none(), Takes::Refusing));
    let traded = |world: &World| {
        let fills = world.journal().iter().filter_map(|fact| match fact {
            Fact::Venue { event: VenueEvent::Order { kind: ReportKind::Filled { fill, .. }, .. }, .. } => {
                Some((fill.side, fill.qty, fill.price, fill.fee))
            }
            _ => None,
        });
        fills.collect::<Vec<_>>()
    };
    assert_eq!((play(&mut plain), play(&mut refusing)), (Ok(()), Ok(())));
    assert_eq!(traded(&plain), traded(&refusing));
    let used = refusing.desk().unwrap().strategy_use();
    assert_eq!((used.taken, used.alone, used.no_market, used.no_limit), (0, 3, true, true));
}

#[test]
fn a_strategy_that_fails_or_never_brings_its_stop_leaves_no_position_naked_for_long() {
    for (takes, most) in [(Takes::Failing, 500), (Takes::WithoutStops, 2_000)] {
        let mut world = world_of_strategies(Faults::none(), takes);
        assert_eq!(play(&mut world), Ok(()), "{takes:?}");
        assert!(world.longest_naked_ms() < most, "{takes:?}: {}", world.longest_naked_ms());
    }
}

fn strike_everywhere(fault: Fault, begin: impl Fn(Faults) -> World) {
    let mut faults = Vec::new();
    let messages = check_of(&begin, Faults::none(), 2_000).unwrap();
    for message in 0..messages {
        if let Err(why) = check_of(&begin, Faults::none().at(message, fault), 30_000) {
            faults.push(why);
        }
    }
    assert!(faults.is_empty(), "{} of {messages}:\n{}", faults.len(), faults.join("\n"));
}

macro_rules! everywhere {
    ($($name:ident: $fault:expr;)+) => {$(
        #[test]
        fn $name() {
            strike_everywhere($fault, world);
            strike_everywhere($fault, |faults| world_of_strategies(faults, Takes::Strategies));
        }
    )+};
}

everywhere! {
    each_message_may_be_lost: Fault::Lose;
    each_message_may_come_when_nobody_waits_for_it: Fault::Delay(25_000);
    each_event_may_come_twice: Fault::Repeat;
    the_stream_may_break_at_each_event: Fault::Outage(12_000);
    the_process_may_die_at_each_message: Fault::Crash(2_000);
    each_request_may_be_undecided_and_not_done: Fault::Undecided { done: false };
    each_request_may_be_undecided_and_done: Fault::Undecided { done: true };
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Lose),
        (50i64..30_000).prop_map(Fault::Delay),
        Just(Fault::Repeat),
        (100i64..20_000).prop_map(Fault::Outage),
        (500i64..20_000).prop_map(Fault::Crash),
        any::<bool>().prop_map(|done| Fault::Undecided { done }),
        (100i64..8_000).prop_map(Fault::Held),
    ]
}

fn any_venue() -> impl Strategy<Value = Takes> {
    prop::sample::select(vec![Takes::Strategies, Takes::Refusing, Takes::Failing, Takes::WithoutStops])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn faults_may_meet(first in 0u64..200, after in 1u64..30, last in 0u64..200, kinds in [any_fault(), any_fault(), any_fault()], takes in any_venue()) {
        let faults = Faults::none().at(first, kinds[0]).at(first + after, kinds[1]).at(last, kinds[2]);
        prop_assert_eq!(check(faults.clone(), 120_000).map(drop), Ok(()));
        let begin = |faults| world_of_strategies(faults, takes);
        prop_assert_eq!(check_of(begin, faults, 120_000).map(drop), Ok(()), "{:?}", takes);
    }
}
