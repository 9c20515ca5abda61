//! The rules of the desk, one by one: requests are answered by hand.

use super::bench::{Bench, STOP, order, refused, report, report_of, trade};
use super::scenario::{BTC, START, policy};
use crate::delivery::{
    AccountReason, Answer, Differences, FINISHED_KEPT, Halt, LinkState, OrderKey, OrderStatus, Pending, Policy,
    RefusalClass, Request, RequestId, StreamEvent, TradesFrom,
};
use crate::model::*;

#[test]
fn an_order_leaves_once_and_is_accepted_once() {
    let mut bench = Bench::new();
    let id = bench.resting(1);
    bench.place(1, Purpose::Stop, STOP);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    assert_eq!((bench.asked(), bench.told().len()), (vec![], 0));
    assert_eq!(id.to_string(), "0-1-1");
}

#[test]
fn an_entry_waits_for_its_leverage_and_is_refused_with_it() {
    let mut bench = Bench::with(policy());
    let mut entry = order(0, Purpose::Entry, OrderKind::Market);
    entry.leverage = 5;
    bench.call(|desk, _, out| {
        desk.take(entry, out);
        desk.tick(START.plus(10_000), out);
    });
    assert_eq!(bench.asked(), ["leverage"]);
    bench.answer(refused(RefusalClass::Refuse, VenueReject::Other));
    assert_eq!(bench.told(), ["0-1-0 Rejected(LeverageBracket)"]);
}

#[test]
fn an_unknown_order_is_asked_for_with_back_off_and_never_sent_again() {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(Answer::Unknown);
    let mut gaps = Vec::new();
    let mut last = bench.now;
    for _ in 0..4 {
        assert_eq!(bench.asked(), ["query"]);
        let request = bench.answer(Answer::NoSuchOrder);
        assert_eq!(request, Request::QueryOrder { symbol: BTC, key: OrderKey::Name("t-0-1-1".into()) });
        let due = bench.desk.next_deadline().unwrap();
        gaps.push(due.since(last));
        bench.wait(due.since(bench.now));
        last = due;
    }
    assert_eq!(gaps, [1_000, 2_000, 5_000, 7_000], "the last is when it cannot arrive any more");
    assert_eq!(bench.desk.pending(), Pending { unknown: 1, ..Pending::default() });
    assert_eq!(bench.told(), [""; 0]);
    bench.answer(Answer::Order(report(1, OrderStatus::New, "0")));
    assert_eq!(bench.told(), ["0-1-1 Accepted"]);
    assert_eq!((bench.asked(), bench.desk.pending()), (vec![], Pending::default()));
}

#[test]
fn the_stream_settles_an_unknown_order_as_well() {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(Answer::Unknown);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    assert_eq!(bench.told(), ["0-1-1 Accepted"]);
    bench.answer(Answer::NoSuchOrder);
    assert_eq!(bench.told(), [""; 0], "a stale denial ends nothing");
}

#[test]
fn absence_takes_query_listing_and_trades_after_the_window() {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(Answer::Unknown);
    for _ in 0..4 {
        bench.answer(Answer::NoSuchOrder);
        assert_eq!(bench.asked(), [""; 0], "no proof yet, whatever the number of denials");
        bench.wait(bench.desk.next_deadline().unwrap().since(bench.now));
    }
    bench.answer(Answer::NoSuchOrder);
    assert_eq!(bench.asked(), ["listing", "trades"].iter().rev().copied().collect::<Vec<_>>());
    bench.answer_to(|request| matches!(request, Request::Trades { .. }), Answer::Trades(Vec::new()));
    assert_eq!(bench.told(), [""; 0]);
    bench.answer(Answer::OpenOrders(Vec::new()));
    assert_eq!(bench.told(), ["0-1-1 Rejected(NeverArrived)"]);
    assert_eq!(bench.desk.pending(), Pending::default());
}

#[test]
fn a_trade_without_an_owner_is_traced_before_anything_is_taken_to_be_absent() {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(Answer::Unknown);
    for _ in 0..4 {
        bench.answer(Answer::NoSuchOrder);
        bench.wait(bench.desk.next_deadline().unwrap().since(bench.now));
    }
    bench.answer(Answer::NoSuchOrder);
    let found = Answer::Trades(vec![trade(7, 101, Side::Sell, "2")]);
    bench.answer_to(|request| matches!(request, Request::Trades { .. }), found);
    bench.answer_to(|request| matches!(request, Request::OpenOrders), Answer::OpenOrders(Vec::new()));
    assert_eq!(bench.told(), [""; 0]);
    let request = bench.answer(Answer::Order(report(1, OrderStatus::Filled, "2")));
    assert_eq!(request, Request::QueryOrder { symbol: BTC, key: OrderKey::Number(101) });
    assert_eq!(bench.told(), ["0-1-1 filled 2 at 100 fee 0.5 leaves 0"]);
}

#[test]
fn a_noop_that_used_up_the_nonce_shortens_the_wait() {
    let mut bench = Bench::new();
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(Answer::Unknown);
    let place = RequestId(bench.desk.last_request - 2);
    assert_eq!(bench.open[0].1, Request::Noop { of: place });
    bench.answer_to(|request| matches!(request, Request::Noop { .. }), Answer::Done);
    for ms in [1_000, 2_000, 2_000] {
        bench.answer(Answer::NoSuchOrder);
        bench.wait(ms);
    }
    bench.answer(Answer::NoSuchOrder);
    bench.answer_to(|request| matches!(request, Request::OpenOrders), Answer::OpenOrders(Vec::new()));
    bench.answer(Answer::Trades(Vec::new()));
    assert_eq!(bench.told(), ["0-1-1 Rejected(NeverArrived)"]);
    assert!(bench.now.since(START) < policy().valid_ms());
}

#[test]
fn an_order_that_turns_up_after_all_is_reported_cancelled_and_booked() {
    let mut bench = Bench::new();
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(refused(RefusalClass::Retry, VenueReject::Other));
    bench.cancel(OrderId { intent: IntentId { agent: AgentId(0), number: 1 }, leg: 1 });
    assert_eq!(bench.told(), ["0-1-1 Canceled(Requested)"]);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    assert_eq!(bench.differences.len(), 1);
    assert_eq!(bench.differences[0].kind, DifferenceKind::UnknownOrder);
    assert_eq!(bench.asked(), ["cancel"]);
    bench.stream(report(1, OrderStatus::PartiallyFilled, "1"), Some(trade(7, 101, Side::Sell, "1")));
    assert_eq!(bench.told(), ["0-1-1 filled 1 at 100 fee 0.5 leaves 0"], "what happened is booked");
    assert_eq!(bench.differences.len(), 1, "reported once");
}

#[test]
fn what_was_not_sent_leaves_later_when_it_is_still_wanted() {
    let mut bench = Bench::new();
    bench.place(1, Purpose::Stop, STOP);
    let until = Some(bench.now.plus(20_000));
    let first = bench.answer(Answer::NotSent { until });
    bench.wait(19_999);
    assert_eq!(bench.asked(), [""; 0]);
    bench.wait(1);
    assert_eq!(bench.answer(Answer::Order(report(1, OrderStatus::New, "0"))), first);
    bench.place(0, Purpose::Entry, OrderKind::Market);
    bench.answer(Answer::NotSent { until: None });
    bench.wait(1_000);
    bench.answer(Answer::NotSent { until: None });
    bench.wait(2_000);
    bench.answer(Answer::NotSent { until: Some(bench.now.plus(60_000)) });
    bench.wait(2_001);
    assert_eq!(bench.told(), ["0-1-1 Accepted", "0-1-0 Rejected(NotSent)"], "an entry is wanted for a short time");
}

#[test]
fn a_refusal_ends_an_order_and_a_name_in_use_does_not() {
    let mut bench = Bench::with(Policy { noop_settles_ms: None, ..policy() });
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(refused(RefusalClass::Refuse, VenueReject::WouldTrigger));
    assert_eq!(bench.told(), ["0-1-1 Rejected(WouldTrigger)"]);
    bench.place(2, Purpose::Stop, STOP);
    bench.answer(refused(RefusalClass::Refuse, VenueReject::DuplicateId));
    assert_eq!((bench.told().len(), bench.asked()), (0, vec!["query"]));
}

#[test]
fn a_cancel_never_ends_an_order() {
    for answer in [refused(RefusalClass::Refuse, VenueReject::Other), Answer::Unknown] {
        let mut bench = Bench::new();
        let id = bench.resting(1);
        bench.cancel(id);
        assert_eq!(bench.asked(), ["cancel"]);
        bench.answer(answer);
        assert_eq!((bench.told().len(), bench.asked()), (0, vec!["query"]));
        bench.answer(Answer::Order(report(1, OrderStatus::Filled, "2")));
        bench.wait(300);
        bench.answer(Answer::Trades(vec![trade(7, 101, Side::Sell, "2")]));
        assert_eq!(bench.told(), ["0-1-1 filled 2 at 100 fee 0.5 leaves 0"]);
    }
}

#[test]
fn a_cancel_that_led_to_nothing_is_sent_again_once_the_order_is_known_to_stand() {
    let mut bench = Bench::new();
    let id = bench.resting(1);
    bench.cancel(id);
    bench.answer(Answer::Unknown);
    bench.answer(Answer::Order(report(1, OrderStatus::New, "0")));
    bench.wait(1_000);
    let again = bench.answer(Answer::Order(report(1, OrderStatus::Canceled, "0")));
    assert!(matches!(again, Request::Cancel { id: Some(of), .. } if of == id));
    assert_eq!(bench.told(), ["0-1-1 Canceled(Requested)"]);
}

#[test]
fn fills_are_booked_once_with_their_fees_whoever_tells_them() {
    let mut bench = Bench::new();
    bench.resting(1);
    let half = trade(7, 101, Side::Sell, "0.5");
    bench.stream(report(1, OrderStatus::PartiallyFilled, "0.5"), Some(half));
    bench.stream(report(1, OrderStatus::PartiallyFilled, "0.5"), Some(half));
    bench.stream(report(1, OrderStatus::Filled, "2"), Some(trade(9, 101, Side::Sell, "0.5")));
    assert_eq!(
        bench.told(),
        ["0-1-1 filled 0.5 at 100 fee 0.5 leaves 1.5", "0-1-1 filled 0.5 at 100 fee 0.5 leaves 1"],
        "one is missing, and nothing is invented"
    );
    assert_eq!(bench.desk.pending().gaps, 1);
    bench.wait(300);
    let rows = vec![half, trade(8, 101, Side::Sell, "1"), trade(9, 101, Side::Sell, "0.5")];
    let request = bench.answer(Answer::Trades(rows));
    assert!(matches!(request, Request::Trades { from: TradesFrom::Time(_), .. }));
    assert_eq!(bench.told(), ["0-1-1 filled 1 at 100 fee 0.5 leaves 0"]);
    assert_eq!(bench.desk.wallet(), "9998.5".parse().unwrap());
}

#[test]
fn an_end_is_told_when_all_fills_before_it_are() {
    let mut bench = Bench::new();
    let id = bench.resting(1);
    bench.cancel(id);
    bench.answer(Answer::Order(report(1, OrderStatus::Canceled, "1")));
    assert_eq!(bench.told(), [""; 0]);
    bench.wait(300);
    bench.answer(Answer::Trades(Vec::new()));
    bench.wait(1_000);
    bench.answer(Answer::Trades(vec![trade(7, 101, Side::Sell, "1")]));
    assert_eq!(bench.told(), ["0-1-1 filled 1 at 100 fee 0.5 leaves 1", "0-1-1 Canceled(Requested)"]);
    bench.stream(report(1, OrderStatus::New, "0"), None);
    bench.stream(report(1, OrderStatus::PartiallyFilled, "1"), Some(trade(7, 101, Side::Sell, "1")));
    assert_eq!((bench.told().len(), bench.asked(), bench.differences.len()), (0, vec![], 0), "late words");
}

#[test]
fn ends_are_told_in_the_supervisors_words() {
    let post_only = OrderKind::Limit { price: Price::whole(99), tif: TimeInForce::PostOnly };
    for (purpose, kind, status, told) in [
        (Purpose::Entry, post_only, OrderStatus::Expired, "Rejected(WouldTake)"),
        (Purpose::Entry, OrderKind::Market, OrderStatus::Expired, "Canceled(Immediate)"),
        (Purpose::Entry, post_only, OrderStatus::Canceled, "Canceled(Expired)"),
        (Purpose::Stop, STOP, OrderStatus::Expired, "Canceled(PositionClosed)"),
        (Purpose::Stop, STOP, OrderStatus::Canceled, "Canceled(PositionClosed)"),
        (Purpose::Stop, STOP, OrderStatus::Rejected, "Rejected(Other)"),
    ] {
        let mut bench = Bench::new();
        bench.place(1, purpose, kind);
        bench.answer(Answer::Order(report(1, status, "0")));
        assert_eq!(bench.told(), [format!("0-1-1 {told}")], "{purpose:?} {status:?}");
    }
}

#[test]
fn after_an_outage_fills_come_first_then_orders_then_money_and_the_gate_opens_last() {
    let mut bench = Bench::new();
    bench.resting(1);
    bench.call(|desk, now, out| desk.link(now, LinkState::Down, out));
    bench.open.clear();
    bench.now = bench.now.plus(1_000);
    bench.call(|desk, now, out| desk.link(now, LinkState::Up, out));
    // Questions of before the outage say nothing about after it.
    bench.wait(16_000);
    bench.open.clear();
    bench.wait(16_000);
    assert_eq!(bench.asked(), ["trades"]);
    bench.answer(Answer::Trades(Vec::new()));
    assert_eq!(bench.asked(), ["listing"]);
    bench.answer(Answer::OpenOrders(Vec::new()));
    assert_eq!(bench.asked(), ["query"], "one that is not listed is asked for");
    bench.answer(Answer::Order(report(1, OrderStatus::New, "0")));
    let mut asked = bench.asked();
    asked.sort_unstable();
    assert_eq!(asked, ["balance", "income", "modes", "positions"]);
    assert_eq!(bench.gates, [true, false, true]);
    bench.answer_account(Usd::whole(10_000), Qty::ZERO);
    assert_eq!(bench.gates, [true, false, true, false]);
}

#[test]
fn an_order_that_vanished_is_a_difference_and_ends() {
    let mut bench = Bench::new();
    bench.resting(1);
    bench.wait(60_000);
    bench.answer(Answer::Trades(Vec::new()));
    bench.answer(Answer::OpenOrders(Vec::new()));
    for ms in [1_000, 2_000] {
        bench.answer(Answer::NoSuchOrder);
        assert_eq!(bench.told(), [""; 0]);
        bench.wait(ms);
    }
    bench.answer(Answer::NoSuchOrder);
    bench.answer_to(|request| matches!(request, Request::Trades { .. }), Answer::Trades(Vec::new()));
    bench.answer_to(|request| matches!(request, Request::OpenOrders), Answer::OpenOrders(Vec::new()));
    assert_eq!(bench.told(), ["0-1-1 Canceled(PositionClosed)"]);
    assert_eq!(bench.differences.iter().map(|one| one.kind).collect::<Vec<_>>(), [DifferenceKind::MissingOrder]);
}

#[test]
fn strangers_orders_are_reported_and_met_by_the_policy() {
    for (policy_of, asked, halted) in [
        (DifferencePolicy::Close, vec!["cancel"], None),
        (DifferencePolicy::Adopt, vec![], None),
        (DifferencePolicy::Halt, vec![], Some(Halt::Difference(DifferenceKind::UnknownOrder))),
    ] {
        let mut policy = policy();
        policy.differences.set(DifferenceKind::UnknownOrder, policy_of).unwrap();
        let mut bench = Bench::with(policy);
        for name in ["web_1", "web_1", "other-0-1"] {
            bench.stream(report_of(name, 55, OrderStatus::New, "0"), None);
        }
        assert_eq!((bench.asked(), bench.halt, bench.differences.len()), (asked, halted, 1), "{policy_of:?}");
        assert_eq!(bench.desk.is_gated(), halted.is_some());
    }
}

#[test]
fn what_an_older_run_left_behind_is_cancelled_whatever_is_set() {
    for set in Differences::allowed(DifferenceKind::UnknownOrder) {
        let mut policy = policy();
        policy.differences.set(DifferenceKind::UnknownOrder, *set).unwrap();
        let mut bench = Bench::with(policy);
        bench.stream(report_of("other-0-1-1", 55, OrderStatus::New, "0"), None);
        bench.stream(report_of("other-0-1-2", 56, OrderStatus::Filled, "2"), Some(trade(4, 56, Side::Sell, "2")));
        let met: Vec<_> = bench.differences.iter().map(|one| (&*one.subject, one.policy)).collect();
        assert_eq!(met, [("other-0-1-1", DifferencePolicy::Close), ("other-0-1-2", DifferencePolicy::Close)]);
        assert_eq!((bench.open.remove(0).1, bench.halt), (cancel_of(55), None), "{set:?}");
    }
}

fn cancel_of(number: u64) -> Request {
    Request::Cancel { symbol: BTC, key: OrderKey::Number(number), id: None }
}

#[test]
fn what_a_stranger_opens_stays_out_of_the_books_and_what_he_takes_from_ours_is_booked() {
    let mut bench = Bench::new();
    bench.place(0, Purpose::Entry, OrderKind::Market);
    bench.answer(Answer::Order(report(0, OrderStatus::Filled, "2")));
    bench.stream(report(0, OrderStatus::Filled, "2"), Some(trade(1, 100, Side::Buy, "2")));
    assert_eq!(bench.told(), ["0-1-0 filled 2 at 100 fee 0.5 leaves 0"]);
    bench.stream(report_of("web_1", 10, OrderStatus::Filled, "1"), Some(trade(2, 10, Side::Buy, "1")));
    assert_eq!((bench.told().len(), bench.halt), (0, Some(Halt::Difference(DifferenceKind::UnknownOrder))));
    bench.stream(report_of("web_2", 11, OrderStatus::Filled, "0.5"), Some(trade(3, 11, Side::Sell, "0.5")));
    bench.stream(report_of("web_3", 12, OrderStatus::Filled, "4"), Some(trade(4, 12, Side::Sell, "4")));
    let told = ["0-0-0 filled 0.5 at 100 fee 0.5 leaves 0", "0-0-0 filled 1.5 at 100 fee 0.5 leaves 0"];
    assert_eq!(bench.told(), told, "of the last one only what was ours");
    bench.stream(report_of("web_3", 12, OrderStatus::Filled, "4"), Some(trade(4, 12, Side::Sell, "4")));
    assert_eq!(bench.told(), [""; 0]);
    assert_eq!(bench.differences.iter().map(|one| &*one.subject).collect::<Vec<_>>(), ["10", "11", "12"]);
}

#[test]
fn an_execution_that_was_reported_is_not_reported_after_a_start() {
    let taken = trade(4, 10, Side::Sell, "1");
    let mut before = Bench::new();
    before.stream(report_of("web_1", 10, OrderStatus::Filled, "1"), Some(taken));
    let fact = |difference: &Difference| Fact::Difference {
        at: START,
        portfolio: PortfolioId(0),
        difference: Box::new(difference.clone()),
    };
    let facts: Vec<_> = before.differences.iter().map(fact).collect();
    let mut after = Bench::new();
    facts.iter().for_each(|fact| after.desk.apply(fact));
    after.stream(report_of("web_1", 10, OrderStatus::Filled, "1"), Some(taken));
    assert_eq!((facts.len(), after.differences.len(), after.halt), (1, 0, None));
}

#[test]
fn executions_of_the_venue_and_of_strangers_are_booked_where_that_is_asked_for() {
    let mut policy = policy();
    policy.differences.set(DifferenceKind::UnknownPosition, DifferencePolicy::Close).unwrap();
    let mut bench = Bench::with(policy);
    bench.stream(report_of("web", 9, OrderStatus::Filled, "2"), Some(trade(3, 9, Side::Sell, "2")));
    bench.stream(report_of("autoclose-9", 10, OrderStatus::Filled, "2"), Some(trade(4, 10, Side::Buy, "2")));
    // Learned of before what it closes: somebody's, until that is known.
    bench.stream(report_of("adl_autoclose", 11, OrderStatus::Filled, "1"), Some(trade(5, 11, Side::Buy, "1")));
    let strangers = "0-0-0 filled 2 at 100 fee 0.5 leaves 0";
    assert_eq!(bench.told(), [strangers, "liquidated 2", "0-0-0 filled 1 at 100 fee 0.5 leaves 0"]);
    assert_eq!(bench.differences.len(), 1, "the venue's own orders are not a stranger's");
}

#[test]
fn money_is_taken_from_rows_once_and_asked_for_until_it_is_listed() {
    use crate::delivery::{IncomeKind, IncomeRow};
    let mut bench = Bench::new();
    let at = bench.now;
    let amount = "-1.5".parse().unwrap();
    let row = IncomeRow { kind: IncomeKind::Funding, symbol: Some(BTC), at, amount };
    let reason = AccountReason::Funding;
    let event = StreamEvent::Account { reason, positions: Vec::new() };
    bench.call(|desk, now, out| desk.streamed(now, event, out));
    bench.wait(300);
    bench.answer(Answer::Income(Vec::new()));
    bench.wait(1_000);
    bench.answer(Answer::Income(vec![row]));
    let event = StreamEvent::Account { reason, positions: Vec::new() };
    bench.call(|desk, now, out| desk.streamed(now, event, out));
    bench.wait(300);
    bench.answer(Answer::Income(vec![row]));
    assert_eq!(bench.told(), ["funding -1.5"]);
}

#[test]
fn a_mode_or_a_refused_key_gates_for_good() {
    let mut bench = Bench::new();
    let event = StreamEvent::Modes { hedge: true, multi_assets: false };
    bench.call(|desk, now, out| desk.streamed(now, event, out));
    assert_eq!(bench.halt, Some(Halt::Difference(DifferenceKind::Mode)));
    let mut bench = Bench::new();
    bench.place(1, Purpose::Stop, STOP);
    bench.answer(refused(RefusalClass::Halt, VenueReject::Other));
    assert_eq!(bench.halt, Some(Halt::Refused));
    bench.call(|desk, now, out| desk.link(now, LinkState::Up, out));
    bench.answer_account(Usd::whole(10_000), Qty::ZERO);
    assert!(bench.desk.is_gated());
}

#[test]
fn a_halt_is_lifted_by_hand_and_what_still_differs_halts_again() {
    let mut bench = Bench::new();
    bench.call(|desk, now, out| assert!(!desk.resume(now, out), "nothing halts it"));
    assert!(bench.open.is_empty() && !bench.desk.is_gated());
    let strange = report_of("web_1", 55, OrderStatus::New, "0");
    bench.stream(strange.clone(), None);
    assert!(bench.desk.is_gated() && bench.differences.len() == 1);

    bench.call(|desk, now, out| assert!(desk.resume(now, out)));
    assert!(bench.desk.is_gated() && bench.desk.halted().is_none(), "not before account and books agree");
    bench.answer_to(|request| matches!(request, Request::OpenOrders), Answer::OpenOrders(vec![strange]));
    assert_eq!(bench.desk.halted(), Some(Halt::Difference(DifferenceKind::UnknownOrder)));
    assert_eq!(bench.differences.len(), 2, "it is told again");

    bench.call(|desk, now, out| assert!(desk.resume(now, out)));
    bench.answer_account(Usd::whole(10_000), Qty::ZERO);
    assert!(!bench.desk.is_gated() && bench.desk.halted().is_none());
    assert_eq!(bench.differences.len(), 2);

    // A position of nobody's that stays is found anew as well.
    bench.wait(60_000);
    for _ in 0..10 {
        bench.answer_account(Usd::whole(10_000), Qty::ONE);
    }
    let unknown = Some(Halt::Difference(DifferenceKind::UnknownPosition));
    assert_eq!((bench.desk.halted(), bench.differences.len()), (unknown, 3));
    bench.call(|desk, now, out| assert!(desk.resume(now, out)));
    bench.answer_account(Usd::whole(10_000), Qty::ONE);
    assert_eq!(bench.desk.halted(), unknown);
    assert_eq!(bench.differences.len(), 4);
}

#[test]
fn a_position_that_should_have_a_stop_and_has_none_is_a_difference() {
    let mut bench = Bench::with(Policy { expects_stop: true, ..policy() });
    bench.place(0, Purpose::Entry, OrderKind::Market);
    bench.answer(Answer::Order(report(0, OrderStatus::Filled, "2")));
    bench.stream(report(0, OrderStatus::Filled, "2"), Some(trade(1, 100, Side::Buy, "2")));
    for _ in 0..3 {
        bench.wait(60_000);
        bench.answer_account("9999.5".parse().unwrap(), Qty::whole(2));
    }
    assert_eq!(bench.differences.iter().map(|one| one.kind).collect::<Vec<_>>(), [DifferenceKind::NoStop]);
}

#[test]
fn memory_is_bounded() {
    let mut bench = Bench::new();
    for leg in 1..=(FINISHED_KEPT as u16 + 100) {
        bench.place(leg, Purpose::Stop, STOP);
        bench.answer(refused(RefusalClass::Refuse, VenueReject::Other));
    }
    assert_eq!(bench.desk.orders.len(), FINISHED_KEPT);
    assert!(bench.desk.asked.is_empty());
}
