//! Entries that bring their stops along.

use super::*;

fn world() -> World {
    World::with(|plan| (plan.mode, plan.entry_protection) = (Mode::Live, EntryProtection::Strategy))
}

fn protected(world: &World) -> bool {
    world.supervisor.positions(P0).next().unwrap().is_protected
}

#[test]
fn an_entry_with_a_stop_leaves_with_it_and_both_are_facts() {
    let mut world = world();
    assert_eq!(world.open(0, Entry { exits: stop("5"), ..buy("2") }), Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-0 Entry buy 2 market with 0-1-1 Stop sell 2 stop 95 reduce"]);
    let reserved = world.supervisor.portfolio(P0).reserved_notional;
    assert_eq!(reserved, Usd::whole(200), "the stop reserves nothing");
    world.step("100");
    assert!(world.sent().is_empty(), "a stop that waits for its entry is not swept");
    world.fill("0-1-0", Side::Buy, "2", "100", "0");
    assert!(world.sent().is_empty() && !protected(&world), "it is on its way");
    world.accept("0-1-1");
    assert!(world.sent().is_empty() && protected(&world));
    world.step("100");
    assert!(world.sent().is_empty());
}

#[test]
fn a_limit_entrys_stop_is_reckoned_from_its_price_and_a_shorts_is_above() {
    let mut world = world();
    world.open(0, Entry { exits: stop("5"), ..limit(sell("2"), "103") });
    assert_eq!(world.sent(), ["0-1-0 Entry sell 2 limit 103 with 0-1-1 Stop buy 2 stop 108 reduce"]);
}

#[test]
fn who_has_no_stop_or_no_room_for_one_leaves_alone() {
    let mut world = world();
    world.open(0, buy("1"));
    assert_eq!(world.sent(), ["0-1-0 Entry buy 1 market"], "no stop is wanted");
    world.fill("0-1-0", Side::Buy, "1", "100", "0");
    let reverse = IntentKind::Reverse(Entry { exits: stop("5"), ..sell("1") });
    world.wish(0, reverse);
    assert_eq!(world.sent(), ["0-1-1 Exit sell 1 market reduce", "0-2-0 Entry sell 1 market"], "a reversal");
    let mut paper = World::with(|plan| plan.entry_protection = EntryProtection::Strategy);
    paper.open(0, Entry { exits: stop("5"), ..buy("1") });
    assert_eq!(paper.sent(), ["0-1-0 Entry buy 1 market"], "nothing but a live venue has strategies");
}

#[test]
fn a_stop_of_the_whole_entry_is_kept_while_the_rest_may_fill_and_cut_when_it_may_not() {
    let mut world = world();
    world.open(0, Entry { exits: stop("5"), ..limit(buy("3"), "100") });
    assert_eq!(world.sent().len(), 1);
    world.accept("0-1-0");
    world.accept("0-1-1");
    world.fill("0-1-0", Side::Buy, "1", "100", "2");
    assert!(world.sent().is_empty() && protected(&world));
    world.report("0-1-0", ReportKind::Canceled(CancelReason::Requested));
    assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 95 reduce"]);
    assert!(protected(&world), "the old one stands until the new one does");
    world.accept("0-1-2");
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
}

#[test]
fn a_fill_that_asks_for_a_better_stop_moves_it_and_one_that_asks_for_a_worse_does_not() {
    for (filled_at, sent) in [("102", &["0-1-2 Stop sell 2 stop 97 reduce"][..]), ("99", &[])] {
        let mut world = world();
        world.open(0, Entry { exits: stop("5"), ..buy("2") });
        assert_eq!(world.sent().len(), 1);
        world.accept("0-1-1");
        world.fill("0-1-0", Side::Buy, "2", filled_at, "0");
        assert_eq!(world.sent(), sent, "filled at {filled_at}");
    }
}

#[test]
fn a_stop_that_never_came_is_replaced_by_the_guards_own() {
    for why in [VenueReject::NeverArrived, VenueReject::ReduceOnly] {
        let mut world = world();
        world.open(0, Entry { exits: stop("5"), ..buy("2") });
        assert_eq!(world.sent().len(), 1);
        world.fill("0-1-0", Side::Buy, "2", "100", "0");
        world.report("0-1-1", ReportKind::Rejected(why));
        assert_eq!(world.sent(), ["0-1-2 Stop sell 2 stop 95 reduce"], "{why:?}");
        world.accept("0-1-2");
        assert!(protected(&world) && world.sent().is_empty());
    }
}

#[test]
fn what_left_alone_after_all_gets_its_stop_after_the_fill_without_a_mark_on_it() {
    let mut world = world();
    world.open(0, Entry { exits: stop("5"), ..buy("2") });
    assert_eq!(world.sent().len(), 1);
    world.report("0-1-1", ReportKind::Rejected(VenueReject::NotSent));
    world.fill("0-1-0", Side::Buy, "2", "100", "0");
    assert_eq!(world.sent(), ["0-1-2 Stop sell 2 stop 95 reduce"]);
    world.report("0-1-2", ReportKind::Rejected(VenueReject::Other));
    assert_eq!(world.sent(), ["0-1-3 Stop sell 2 stop 95 reduce"], "the first attempt was none");
}

#[test]
fn a_stop_that_stands_when_its_entry_is_gone_unfilled_is_swept() {
    let mut world = world();
    world.open(0, Entry { exits: stop("5"), ..limit(buy("3"), "99") });
    assert_eq!(world.sent().len(), 1);
    world.report("0-1-0", ReportKind::Canceled(CancelReason::Expired));
    assert_eq!(world.sent(), ["cancel 0-1-1"]);
    world.report("0-1-1", ReportKind::Canceled(CancelReason::Requested));
    assert_eq!(world.supervisor.open_orders(P0).count(), 0);
    world.step("100");
    assert!(world.sent().is_empty());
}
