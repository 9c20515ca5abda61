//! A swarm with real orders: `swarm run --live` against `swarm venue`. What it holds is what the venue holds, after a
//! kill as well, and an order whose answer is lost is one order.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod kills;
mod operator;
mod parts;
mod strategies;
#[path = "../support/mod.rs"]
mod support;
mod undisturbed;
mod venue;

use serde_json::Value;
use support::until;
use venue::{Venue, differences, metric};

#[test]
fn orders_are_filled_protected_and_closed_at_the_venue() {
    let venue = Venue::new();
    let swarm = venue.holding();
    let status = swarm.status();
    assert_eq!(
        (status["mode"].as_str(), status["portfolios"][0]["entries_gated"].as_bool()),
        (Some("live"), Some(false))
    );
    until("stops and targets at the venue", || (venue.account().1 >= 2).then_some(()));
    assert!(metric(&swarm, "swarm_order_roundtrip_seconds_count", "venue=\"aster\"") >= 4.0);
    let api = swarm.api();
    venue.place.json(&["flatten", "--yes", "--api", &api, "--state", "state", "--json"]);
    swarm.until("nothing held", |status| status["positions"].as_array().unwrap().is_empty());
    until("nothing at the venue", || {
        let (positions, orders, _) = venue.account();
        ((positions, orders) == (0, 0)).then_some(())
    });
    let wallet = venue.account().2;
    swarm.until("the venue's wallet", |status| status["portfolios"][0]["equity"].as_str() == Some(wallet.as_str()));
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn after_a_kill_books_and_venue_agree_and_nothing_is_sent_twice() {
    let venue = Venue::new();
    let swarm = venue.holding();
    let held = swarm.status()["positions"].clone();
    let before = until("all stops at the venue", || Some(venue.account()).filter(|account| account.1 >= 2));
    swarm.process.kill();
    let swarm = venue.swarm();
    let status = venue.wait_for_positions(&swarm, 2);
    let sizes = |positions: &Value| {
        positions.as_array().unwrap().iter().map(|one| (one["symbol"].clone(), one["qty"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&status["positions"]), sizes(&held));
    let after = venue.account();
    assert_eq!((after.0, after.2), (before.0, before.2), "no trade was made");
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn an_order_whose_answer_is_lost_is_one_order() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    let lost = r#"[{"kind":"unavailable_after","only":"POST /fapi/v3/order","times":1}]"#;
    venue.control("POST", "faults", lost);
    venue.end_of_candle();
    let status = venue.wait_for_positions(&swarm, 2);
    assert_eq!(metric(&swarm, "swarm_orders_total", "status=\"unknown\""), 1.0);
    for position in status["positions"].as_array().unwrap() {
        let number = |key: &str| position[key].as_str().unwrap().parse::<f64>().unwrap();
        let notional = number("qty") * number("entry_price");
        assert!((500.0..1_600.0).contains(&notional), "not twice: {position}");
    }
    assert_eq!(differences(&swarm), 0.0);
}

#[test]
fn real_money_needs_the_flag_the_word_and_the_keys() {
    let venue = Venue::new();
    for (words, says) in [
        (&["run", "--state", "state"][..], "--live"),
        (&["run", "--live", "--state", "state"], "not confirmed"),
        (&["run", "--live", "--yes", "--market", "synthetic", "--state", "state"], "own prices"),
        (&["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state"], "FIRST_PRIVATE_KEY"),
    ] {
        let done = venue.place.run(words);
        assert_ne!(done.code, Some(0), "{words:?}");
        assert!((done.out.clone() + &done.err).contains(says), "{words:?}: {}{}", done.out, done.err);
    }
}
