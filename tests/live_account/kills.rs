//! Kills at random moments while real orders are on their way. `SWARM_KILLS=200 cargo test --release --test live_account
//! kills` is the long run of docs/reliability.md; with every run of the tests it is a short one.

use super::support::{Running, until};
use super::venue::{KEY, RUN, Venue, differences};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Kills without `SWARM_KILLS`.
const KILLS: u32 = 6;

/// Whatever moment it is killed at, a swarm that is started again comes to hold what its account at the venue holds, and
/// no order was sent twice.
#[test]
fn kills_at_random_moments_leave_books_and_venue_in_agreement() {
    kill_at_random("single");
}

#[test]
fn kills_at_random_moments_leave_books_and_venue_in_agreement_where_entries_bring_their_stops() {
    kill_at_random("strategy");
}

fn kill_at_random(protection: &str) {
    let kills = std::env::var("SWARM_KILLS").ok().map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(kills));
    let venue = Venue::with(protection);
    for kill in 0..kills {
        // Some die before they have looked at their account.
        let swarm = if kill % 4 == 3 { venue.place.start_with(&RUN, &[KEY]) } else { venue.swarm() };
        for _ in 0..random.random_range(0..5) {
            std::thread::sleep(Duration::from_millis(random.random_range(0..700)));
            venue.candle();
        }
        if kill % 3 == 1 {
            // The middle of closing everything.
            venue.place.run(&["flatten", "--yes", "--api", &swarm.api(), "--state", "state"]);
        }
        std::thread::sleep(Duration::from_millis(random.random_range(0..700)));
        swarm.process.kill();
    }
    let swarm = venue.place.start_with(&RUN, &[KEY]);
    // What was unknown when it died is settled only when it cannot arrive any more.
    agree(&venue, &swarm);
    let api = swarm.api();
    venue.place.json(&["flatten", "--yes", "--api", &api, "--state", "state", "--json"]);
    until("nothing at the venue", || {
        let (positions, orders, _) = venue.account();
        ((positions, orders) == (0, 0)).then_some(())
    });
    let wallet = venue.account().2;
    swarm.until("the venue's wallet", |status| status["portfolios"][0]["equity"].as_str() == Some(wallet.as_str()));
    assert_eq!(differences(&swarm), 0.0);
    swarm.process.kill();
    check_journal(&venue, kills);
}

/// The book holds as many positions as the venue, each with its stop, and entries are free.
fn agree(venue: &Venue, swarm: &Running) {
    swarm.until("books and venue to agree", |status| {
        let positions = status["positions"].as_array().unwrap();
        let protected = positions.iter().all(|one| one["stop_price"].is_string());
        let free = status["portfolios"][0]["entries_gated"] == false;
        free && protected && positions.len() as u64 == venue.account().0
    });
}

/// Every order of the journal was approved once, and every execution is booked once.
fn check_journal(venue: &Venue, kills: u32) {
    let exported = venue.place.run(&["journal", "export", "state"]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let (mut orders, mut trades) = (BTreeSet::new(), BTreeSet::new());
    for line in exported.out.lines() {
        let fact: Value = serde_json::from_str(line).unwrap();
        let text = fact.to_string();
        if fact["type"] == "order" {
            assert!(orders.insert(fact["order"]["id"].to_string()), "approved twice: {text}");
        }
        if let Some(fill) = find(&fact, "fill") {
            let symbol = find(&fact, "symbol").unwrap().to_string();
            assert!(trades.insert((symbol, fill["trade"].to_string())), "booked twice: {text}");
        }
    }
    eprintln!("{kills} kills, {} orders, {} executions", orders.len(), trades.len());
    assert!(!orders.is_empty() && !trades.is_empty(), "nothing was traded");
    let replayed = venue.place.json(&["replay", "state", "--json"]);
    assert_eq!(replayed["difference"], Value::Null, "{replayed}");
    assert_eq!(replayed["orders"].as_u64(), Some(orders.len() as u64), "each is approved again");
}

/// The first value with this key, at any depth.
pub fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(key).or_else(|| fields.values().find_map(|value| find(value, key))),
        Value::Array(rows) => rows.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}
