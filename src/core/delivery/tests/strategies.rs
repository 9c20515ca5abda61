//! The rules of entries that leave with their stop, one by one: requests are answered by hand.

use super::bench::{Bench, STOP, name, order, refused, report, trade};
use super::scenario::{BTC, START, plan, policy};
use crate::delivery::{
    Answer, Desk, EntryWithStop, OrderKey, OrderStatus, Out, Policy, RefusalClass, Request, RunTag, StrategyState,
};
use crate::model::*;

const LIMIT: OrderKind = OrderKind::Limit { price: Price::whole(100), tif: TimeInForce::Gtc };

/// The entry is leg 0 and the stop leg 1 of intent 1.
fn enter(bench: &mut Bench, kind: OrderKind) {
    let (entry, stop) = (order(0, Purpose::Entry, kind), order(1, Purpose::Stop, STOP));
    bench.call(|desk, now, out| {
        desk.take_both(entry, stop, out);
        desk.tick(now, out);
    });
}

fn entered(kind: OrderKind) -> Bench {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    enter(&mut bench, kind);
    assert_eq!(bench.asked(), ["strategy"]);
    bench
}

/// The entry rests at the venue.
fn resting() -> Bench {
    let mut bench = entered(LIMIT);
    bench.answer(Answer::Strategy(StrategyState::Taken));
    bench.stream(report(0, OrderStatus::New, "0"), None);
    bench.wait(300);
    bench.answer(Answer::Order(report(0, OrderStatus::New, "0")));
    assert_eq!((bench.told(), bench.asked()), (vec!["0-1-0 Accepted".to_owned()], vec![]));
    bench
}

fn fill_of_entry(bench: &mut Bench) {
    bench.stream(report(0, OrderStatus::Filled, "2"), Some(trade(1, 100, Side::Buy, "2")));
    assert_eq!(bench.told(), ["0-1-0 filled 2 at 100 fee 0.5 leaves 0"]);
}

fn taken(bench: &Bench) -> (u64, u64, bool, bool) {
    let used = bench.desk.strategy_use();
    (used.taken, used.alone, used.no_market, used.no_limit)
}

#[test]
fn entry_and_stop_leave_as_one_request_and_once() {
    let mut bench = entered(OrderKind::Market);
    enter(&mut bench, OrderKind::Market);
    let request = bench.answer(Answer::Strategy(StrategyState::Taken));
    let both = EntryWithStop {
        name: "t-0-1".into(),
        entry: order(0, Purpose::Entry, OrderKind::Market),
        entry_name: "t-0-1-0".into(),
        stop: order(1, Purpose::Stop, STOP),
        stop_name: "t-0-1-1".into(),
    };
    assert_eq!(request, Request::PlaceStrategy(Box::new(both)));
    bench.wait(300);
    let asked = bench.answer(Answer::Order(report(0, OrderStatus::New, "0")));
    assert_eq!(asked, Request::QueryOrder { symbol: BTC, key: OrderKey::Name("t-0-1-0".into()) });
    bench.wait(10_000);
    assert_eq!((bench.told(), bench.asked()), (vec!["0-1-0 Accepted".to_owned()], vec![]), "the stop is not asked for");
    assert_eq!(taken(&bench), (1, 0, false, false));
}

#[test]
fn the_stop_is_accepted_when_it_shows_and_asked_for_when_it_does_not() {
    let mut bench = resting();
    fill_of_entry(&mut bench);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    assert_eq!(bench.told(), ["0-1-1 Accepted"]);

    let mut bench = resting();
    fill_of_entry(&mut bench);
    bench.wait(299);
    assert_eq!(bench.asked(), [""; 0]);
    bench.wait(1);
    let asked = bench.answer(Answer::Order(report(1, OrderStatus::New, "0")));
    assert_eq!(asked, Request::QueryOrder { symbol: BTC, key: OrderKey::Name("t-0-1-1".into()) });
    assert_eq!(bench.told(), ["0-1-1 Accepted"]);
}

#[test]
fn a_stop_that_does_not_show_counts_as_not_placed_and_is_cancelled_when_it_does_after_all() {
    let mut bench = resting();
    fill_of_entry(&mut bench);
    bench.wait(300);
    bench.answer(Answer::NoSuchOrder);
    assert_eq!(bench.told(), [""; 0], "it may be on its way");
    bench.wait(500);
    bench.answer(Answer::NoSuchOrder);
    assert_eq!(bench.told(), ["0-1-1 Rejected(NeverArrived)"], "in time for another");
    bench.open.clear();
    bench.stream(report(1, OrderStatus::New, "0"), None);
    assert_eq!(bench.asked(), ["cancel"]);
    assert_eq!(bench.differences.last().map(|one| one.kind), Some(DifferenceKind::UnknownOrder));
}

#[test]
fn a_stop_executes_and_is_booked_whatever_was_taken_for_granted() {
    let mut bench = resting();
    fill_of_entry(&mut bench);
    bench.stream(report(1, OrderStatus::Filled, "2"), Some(trade(2, 101, Side::Sell, "2")));
    assert_eq!(bench.told(), ["0-1-1 filled 2 at 100 fee 0.5 leaves 0"]);
}

#[test]
fn a_stop_whose_entry_ends_unfilled_ends_before_it() {
    let mut bench = resting();
    bench.stream(report(0, OrderStatus::Canceled, "0"), None);
    assert_eq!(bench.told(), ["0-1-1 Rejected(NotSent)", "0-1-0 Canceled(Expired)"]);
    // Not so after a part of it.
    let mut bench = resting();
    bench.stream(report(0, OrderStatus::PartiallyFilled, "1"), Some(trade(1, 100, Side::Buy, "1")));
    bench.stream(report(0, OrderStatus::Canceled, "1"), None);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    let told = ["0-1-0 filled 1 at 100 fee 0.5 leaves 1", "0-1-0 Canceled(Expired)", "0-1-1 Accepted"];
    assert_eq!(bench.told(), told);
}

#[test]
fn a_refused_strategy_leaves_as_the_entry_alone_and_once() {
    let mut bench = entered(OrderKind::Market);
    bench.answer(refused(RefusalClass::Refuse, VenueReject::Other));
    assert_eq!(bench.told(), ["0-1-1 Rejected(NotSent)"]);
    assert_eq!(taken(&bench), (0, 1, false, false), "nothing is known of strategies yet");
    let alone = bench.answer(refused(RefusalClass::Refuse, VenueReject::Margin));
    let entry = order(0, Purpose::Entry, OrderKind::Market);
    assert_eq!(alone, Request::Place { order: entry, name: "t-0-1-0".into() });
    assert_eq!((bench.told(), bench.asked()), (vec!["0-1-0 Rejected(Margin)".to_owned()], vec![]));
    assert_eq!(taken(&bench), (0, 1, false, false), "the entry was at fault");
}

#[test]
fn what_is_refused_with_its_stop_and_accepted_without_leaves_without_from_then_on() {
    for (kind, other, why, remembered) in [
        (OrderKind::Market, LIMIT, VenueReject::Other, (true, false)),
        (LIMIT, OrderKind::Market, VenueReject::ReduceOnly, (false, true)),
        // That says something of this stop only.
        (OrderKind::Market, LIMIT, VenueReject::WouldTrigger, (false, false)),
    ] {
        let mut bench = entered(kind);
        bench.answer(refused(RefusalClass::Refuse, why));
        bench.answer(Answer::Order(report(0, OrderStatus::Filled, "2")));
        bench.stream(report(0, OrderStatus::Filled, "2"), Some(trade(1, 100, Side::Buy, "2")));
        let used = bench.desk.strategy_use();
        assert_eq!((used.no_market, used.no_limit), remembered, "{kind:?} {why:?}");
        bench.open.clear();
        let next = |bench: &mut Bench, number: u32, kind| {
            let mut both = [order(0, Purpose::Entry, kind), order(1, Purpose::Stop, STOP)];
            both.iter_mut().for_each(|order| order.id.intent.number = number);
            let [entry, stop] = both;
            bench.call(|desk, _, out| desk.take_both(entry, stop, out));
            name(&bench.open.pop().unwrap().1)
        };
        let usual = if remembered == (false, false) { "strategy" } else { "place" };
        assert_eq!((next(&mut bench, 2, kind), next(&mut bench, 3, other)), (usual, "strategy"));
    }
}

#[test]
fn a_name_in_use_and_an_unknown_outcome_are_asked_about_and_never_sent_alone() {
    for answer in [refused(RefusalClass::Refuse, VenueReject::DuplicateId), Answer::Unknown] {
        let mut bench = entered(OrderKind::Market);
        bench.answer(answer);
        bench.answer(Answer::Order(report(0, OrderStatus::New, "0")));
        assert_eq!((bench.told(), bench.asked()), (vec!["0-1-0 Accepted".to_owned()], vec![]));
    }
    let mut bench = entered(OrderKind::Market);
    bench.answer(refused(RefusalClass::Retry, VenueReject::Other));
    bench.wait(1_000);
    assert_eq!(bench.asked(), ["strategy"], "nothing happened, so it may leave as it was");
}

/// Answers the questions about an absent entry until it is looked for as a strategy.
fn deny_until_look(bench: &mut Bench) {
    for _ in 0..20 {
        bench.answer_to(|request| matches!(request, Request::QueryOrder { .. }), Answer::NoSuchOrder);
        if bench.asked().contains(&"look") {
            break;
        }
        let due = bench.desk.next_deadline().unwrap();
        bench.wait(due.since(bench.now));
    }
    bench.answer_to(|request| *request == Request::OpenOrders, Answer::OpenOrders(Vec::new()));
    bench.answer_to(|request| matches!(request, Request::Trades { .. }), Answer::Trades(Vec::new()));
    assert_eq!(bench.asked(), ["look"]);
}

#[test]
fn an_entry_counts_as_never_arrived_only_when_its_strategy_is_denied_too() {
    for state in
        [Answer::NoSuchOrder, Answer::Strategy(StrategyState::Over), refused(RefusalClass::Refuse, VenueReject::Other)]
    {
        let mut bench = entered(OrderKind::Market);
        bench.answer(Answer::Unknown);
        deny_until_look(&mut bench);
        assert!(bench.now.since(START) >= policy().valid_ms(), "not while it may arrive");
        assert_eq!(bench.told(), [""; 0]);
        assert_eq!(bench.answer(state), Request::QueryStrategy { name: "t-0-1".into() });
        assert_eq!(bench.told(), ["0-1-1 Rejected(NotSent)", "0-1-0 Rejected(NeverArrived)"]);
        assert_eq!(bench.asked(), [""; 0], "and it is not sent alone");
    }
    let mut bench = entered(OrderKind::Market);
    bench.answer(Answer::Unknown);
    deny_until_look(&mut bench);
    bench.answer(Answer::Strategy(StrategyState::Taken));
    let due = bench.desk.next_deadline().unwrap();
    bench.wait(due.since(bench.now));
    assert_eq!((bench.told(), bench.asked()), (vec![], vec!["query"]), "it is there, so its entry is looked for");
}

#[test]
fn a_strategy_that_failed_leaves_alone_when_all_deny_that_anything_was_placed() {
    let mut bench = entered(OrderKind::Market);
    bench.answer(Answer::Strategy(StrategyState::Failed));
    deny_until_look(&mut bench);
    assert_eq!(bench.told(), [""; 0]);
    bench.answer(Answer::Strategy(StrategyState::Over));
    assert_eq!((bench.told(), bench.asked()), (vec!["0-1-1 Rejected(NotSent)".to_owned()], vec!["place"]));
    bench.answer(Answer::Order(report(0, OrderStatus::New, "0")));
    assert_eq!(bench.told(), ["0-1-0 Accepted"]);
    assert_eq!(taken(&bench), (0, 1, true, false));

    let mut bench = entered(OrderKind::Market);
    bench.answer(Answer::Strategy(StrategyState::Failed));
    bench.answer(Answer::Order(report(0, OrderStatus::New, "0")));
    assert_eq!((bench.told(), bench.asked()), (vec!["0-1-0 Accepted".to_owned()], vec![]), "it was placed after all");

    let mut bench = entered(OrderKind::Market);
    bench.answer(Answer::Strategy(StrategyState::Failed));
    bench.cancel(order(0, Purpose::Entry, OrderKind::Market).id);
    bench.open.retain(|(_, request)| !matches!(request, Request::Cancel { .. }));
    deny_until_look(&mut bench);
    bench.answer(Answer::NoSuchOrder);
    assert_eq!(bench.told(), ["0-1-1 Rejected(NotSent)", "0-1-0 Canceled(Requested)"], "nobody wants it any more");
    assert_eq!(bench.asked(), [""; 0]);
}

#[test]
fn an_entry_that_is_not_sent_in_time_takes_its_stop_with_it() {
    let mut bench = entered(OrderKind::Market);
    bench.answer(Answer::NotSent { until: Some(START.plus(60_000)) });
    bench.wait(5_001);
    assert_eq!(bench.told(), ["0-1-1 Rejected(NotSent)", "0-1-0 Rejected(NotSent)"]);
}

/// A desk of a journal.
fn folded(facts: &[Fact]) -> Desk {
    let tag: RunTag = "t".parse().unwrap();
    let mut desk = Desk::new(&plan(), PortfolioId(0), tag, policy());
    facts.iter().for_each(|fact| desk.apply(fact));
    desk
}

fn asked_at_start(facts: &[Fact]) -> Vec<String> {
    let (mut desk, mut out) = (folded(facts), Out::default());
    desk.start(START.plus(1_000), &mut out);
    let keys = out.requests.into_iter().filter_map(|(_, request)| match request {
        Request::QueryOrder { key: OrderKey::Name(name), .. } => Some(name),
        _ => None,
    });
    keys.collect()
}

#[test]
fn after_a_start_a_stop_is_looked_for_when_its_entry_has_filled() {
    let fact = |order| Fact::Order { at: START, order };
    let (entry, stop) = (order(0, Purpose::Entry, OrderKind::Market), order(1, Purpose::Stop, STOP));
    let fill = Fill {
        trade: 1,
        side: Side::Buy,
        price: Price::whole(100),
        qty: Qty::ONE,
        fee: Usd::ZERO,
        maker: false,
        slippage: Usd::ZERO,
    };
    let kind = ReportKind::Filled { fill, leaves: Qty::ONE };
    let filled = Fact::Venue {
        portfolio: PortfolioId(0),
        event: VenueEvent::Order { id: entry.id, symbol: BTC, at: START, kind },
    };
    let (entry, stop) = (fact(entry), fact(stop));
    let of = |facts: &[&Fact]| asked_at_start(&facts.iter().copied().cloned().collect::<Vec<_>>());
    assert_eq!(of(&[&entry, &stop]), ["t-0-1-0"], "the entry decides");
    assert_eq!(of(&[&entry, &stop, &filled]), ["t-0-1-0", "t-0-1-1"]);
    // As journals of single orders are: the stop was approved after the fill.
    assert_eq!(of(&[&entry, &filled, &stop]), ["t-0-1-0", "t-0-1-1"]);
}
