//! Entries that leave with their stops, as strategy orders of the venue's: `entry_protection: strategy`.

use super::support::{Running, until};
use super::venue::{KEY, RUN, Venue, differences, metric};
use serde_json::Value;
use std::collections::BTreeSet;

const PLACE: &str = "POST /fapi/v3/placeStrategyOrder";

fn left(swarm: &Running, way: &str) -> f64 {
    metric(swarm, "swarm_strategy_entries_total", &format!("way=\"{way}\""))
}

/// How many orders were approved for this, each once.
fn count(venue: &Venue, purpose: &str) -> usize {
    let exported = venue.place.run(&["journal", "export", "state"]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let facts = exported.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let orders: Vec<Value> = facts.filter(|fact| fact["type"] == "order").map(|fact| fact["order"].clone()).collect();
    let ids: BTreeSet<String> = orders.iter().map(|order| order["id"].to_string()).collect();
    assert_eq!(ids.len(), orders.len(), "approved twice");
    orders.iter().filter(|order| order["purpose"] == purpose).count()
}

/// Everything is closed, here and there, and nothing differs.
fn close(venue: &Venue, swarm: &Running) {
    venue.place.json(&["flatten", "--yes", "--api", &swarm.api(), "--state", "state", "--json"]);
    swarm.until("nothing held", |status| status["positions"].as_array().unwrap().is_empty());
    until("nothing at the venue", || {
        let (positions, orders, _) = venue.account();
        ((positions, orders) == (0, 0)).then_some(())
    });
    assert_eq!(differences(swarm), 0.0);
}

#[test]
fn entries_and_their_stops_leave_together() {
    let venue = Venue::with("strategy");
    let swarm = venue.holding();
    assert_eq!((left(&swarm, "with_stop"), left(&swarm, "alone")), (2.0, 0.0));
    assert_eq!(metric(&swarm, "swarm_strategies_refused", "portfolio=\"main\""), 0.0);
    assert_eq!((count(&venue, "entry"), count(&venue, "stop") >= 2), (2, true));
    close(&venue, &swarm);
}

#[test]
fn a_strategy_whose_answer_is_lost_is_one_entry_and_one_stop() {
    let venue = Venue::with("strategy");
    let swarm = venue.swarm();
    venue.control("POST", "faults", &format!(r#"[{{"kind":"unavailable_after","only":"{PLACE}"}}]"#));
    venue.end_of_candle();
    let status = venue.wait_for_positions(&swarm, 2);
    assert_eq!(metric(&swarm, "swarm_orders_total", "status=\"unknown\""), 2.0);
    for position in status["positions"].as_array().unwrap() {
        let number = |key: &str| position[key].as_str().unwrap().parse::<f64>().unwrap();
        let notional = number("qty") * number("entry_price");
        assert!((500.0..1_600.0).contains(&notional), "not twice: {position}");
    }
    assert_eq!(count(&venue, "entry"), 2);
    close(&venue, &swarm);
}

#[test]
fn where_the_venue_does_not_take_strategies_entries_leave_alone_and_are_protected() {
    for fault in [r#""kind":"refuse","code":-1020"#, r#""kind":"no_such_path""#] {
        let venue = Venue::with("strategy");
        let swarm = venue.swarm();
        venue.control("POST", "faults", &format!(r#"[{{{fault},"only":"{PLACE}"}}]"#));
        venue.end_of_candle();
        venue.wait_for_positions(&swarm, 2);
        assert_eq!((left(&swarm, "with_stop"), left(&swarm, "alone")), (0.0, 2.0), "{fault}");
        assert_eq!(metric(&swarm, "swarm_strategies_refused", "portfolio=\"main\""), 1.0, "{fault}");
        close(&venue, &swarm);
    }
}

#[test]
fn a_kill_between_a_strategy_and_its_answer_leaves_one_entry_and_its_stop() {
    let venue = Venue::with("strategy");
    let swarm = venue.swarm();
    // Carried out at once, and answered when nobody is there any more.
    venue.control("POST", "faults", &format!(r#"[{{"kind":"latency","ms":20000,"only":"{PLACE}"}}]"#));
    venue.end_of_candle();
    until("two positions at the venue", || (venue.account().0 == 2).then_some(()));
    swarm.process.kill();
    let before = venue.account();
    let swarm = venue.place.start_with(&RUN, &[KEY]);
    venue.wait_for_positions(&swarm, 2);
    let after = venue.account();
    assert_eq!((after.0, after.2), (before.0, before.2), "no trade was made");
    assert_eq!(count(&venue, "entry"), 2);
    swarm.until("free entries", |status| status["portfolios"][0]["entries_gated"] == false);
    close(&venue, &swarm);
}
