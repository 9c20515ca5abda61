//! A venue on which orders fill in parts: positions grow and shrink part by part, stops are as large as what is held, and
//! in the end venue and books agree to the last unit.

use super::kills::find;
use super::support::{Running, until};
use super::venue::{Venue, differences, eager};
use asterswarm::aster::wire::{OrderAnswer, OrderStatus, OrderType, PositionRisk, calls};
use asterswarm::config::instruments::instrument;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use swarm_core::model::{Holding, Price, Qty, Side, Usd};

/// So little that what the market trades by itself comes to nothing: parts come by hand.
const SHARE: f64 = 0.000_001;
/// Entries rest a little below the price.
const RESTING: &str = "entry: { type: limit, offset_ticks: 20, then: cancel }";
const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

/// Lets the market trade so much that this much of an order is filled: at this price, or at its own.
fn part(venue: &Venue, symbol: &str, qty: f64, price: Option<Price>) {
    let price = price.map_or_else(|| venue.control("GET", "state", "")["prices"][symbol].clone(), |price| json!(price));
    let qty = format!("{:.3}", (qty * 1_000.0).ceil() / 1_000.0 / SHARE);
    venue.control("POST", "price", &json!({"symbol": symbol, "price": price, "qty": qty}).to_string());
}

fn at_venue<P: serde::Serialize, A: serde::de::DeserializeOwned>(
    venue: &Venue,
    call: &asterswarm::aster::wire::Call<P, A>,
) -> A {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(venue.stranger().send(call)).answer().expect("the venue answers")
}

fn open_orders(venue: &Venue) -> Vec<OrderAnswer> {
    at_venue(venue, &calls::open_orders(None))
}

fn held(venue: &Venue) -> BTreeMap<String, Qty> {
    let risk: Vec<PositionRisk> = at_venue(venue, &calls::position_risk(None));
    let open = risk.into_iter().filter(|row| !row.position_amt.is_zero());
    open.map(|row| (row.symbol, row.position_amt)).collect()
}

fn in_books(status: &Value) -> BTreeMap<String, Qty> {
    let row = |one: &Value| (one["symbol"].as_str().unwrap().to_owned(), one["qty"].as_str().unwrap().parse().unwrap());
    status["positions"].as_array().unwrap().iter().map(row).collect()
}

/// Waits until books and venue hold the same, and each position has a stop at the venue that closes all of it and no more.
fn covered(venue: &Venue, swarm: &Running) -> BTreeMap<String, Qty> {
    until("positions covered by their stops", || {
        let held = held(venue);
        let orders = open_orders(venue);
        let is_covered = |(symbol, qty): (&String, &Qty)| {
            orders.iter().any(|order| {
                order.symbol == *symbol
                    && order.order_type == OrderType::StopMarket
                    && (order.close_position || order.orig_qty == qty.abs())
            })
        };
        (in_books(&swarm.status()) == held && held.iter().all(is_covered)).then_some(held)
    })
}

/// What the journal has.
fn facts(venue: &Venue) -> Vec<Value> {
    let exported = venue.place.run(&["journal", "export", "state"]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    exported.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}

#[test]
fn entries_and_exits_in_parts_are_protected_and_come_out_even() {
    let venue = Venue::trading(&eager("parts", &format!("rsi_sell: 95, {RESTING}")));
    venue.control("POST", "options", &json!({ "participation": SHARE }).to_string());
    let swarm = venue.swarm();
    venue.end_of_candle();
    let entries = until("two entries that rest", || {
        let orders = open_orders(&venue);
        (orders.len() == 2 && orders.iter().all(|order| order.status == OrderStatus::New)).then_some(orders)
    });
    assert_eq!(venue.account().0, 0);
    let wanted: BTreeMap<String, Qty> = entries.iter().map(|order| (order.symbol.clone(), order.orig_qty)).collect();
    let mut before = BTreeMap::new();
    // A third each time, and the rest with what is left over. A tick through its price is where an order fills.
    for share in [0.34, 0.34, 0.4] {
        for order in &entries {
            let tick = instrument(&order.symbol).tick;
            part(&venue, &order.symbol, order.orig_qty.to_f64() * share, Some(order.price - tick));
        }
        until("both to grow", || {
            let now = held(&venue);
            SYMBOLS.iter().all(|symbol| now.get(*symbol) > before.get(*symbol)).then_some(())
        });
        before = covered(&venue, &swarm);
        assert!(before.iter().all(|(symbol, qty)| qty <= &wanted[symbol]), "{before:?} of {wanted:?}");
    }
    assert_eq!(before, wanted, "all of it in the end");
    let words = ["flatten", "--yes", "--api", &swarm.api(), "--state", "state"];
    let operator = venue.place.launch(&words);
    until("nothing at the venue", || {
        for symbol in SYMBOLS {
            part(&venue, symbol, wanted[symbol].to_f64() * 0.4, None);
        }
        let (positions, orders, _) = venue.account();
        ((positions, orders) == (0, 0)).then_some(())
    });
    drop(operator);
    let wallet = venue.account().2;
    swarm.until("nothing in the books but the venue's wallet", |status| {
        status["portfolios"][0]["equity"].as_str() == Some(wallet.as_str())
            && status["positions"].as_array().unwrap().is_empty()
    });
    assert_eq!(differences(&swarm), 0.0);
    swarm.process.kill();
    let facts = facts(&venue);
    let fills: Vec<&Value> =
        facts.iter().filter(|fact| fact["type"] == "venue" && find(fact, "fill").is_some()).collect();
    assert!(fills.len() >= 10, "in parts: {}", fills.len());
    let mut holdings: BTreeMap<String, Holding> = BTreeMap::new();
    let mut money = Usd::whole(10_000);
    for fill in fills {
        let number = |key: &str| find(fill, key).and_then(Value::as_str).unwrap();
        let side = if number("side").eq_ignore_ascii_case("buy") { Side::Buy } else { Side::Sell };
        let (qty, price) = (number("qty").parse().unwrap(), number("price").parse().unwrap());
        money += holdings.entry(number("symbol").to_owned()).or_default().apply(side, qty, price);
        money -= number("fee").parse::<Usd>().unwrap();
    }
    assert_eq!(money, wallet.parse().unwrap(), "the wallet is what the executions in the journal come to");
    assert!(holdings.values().all(Holding::is_flat));
}

/// A mark that is far off is a price only once others agree with it; meanwhile the entry that filled in parts is held
/// under its stop. With `WRITE_KEPT` the journal of it becomes the one that `tests/replay.rs` decides again.
#[test]
fn a_mark_in_doubt_is_believed_once_others_agree_and_the_journal_is_decided_again() {
    // Exits are far off, so that nothing but the price itself happens when it jumps.
    let wide = format!("rsi_sell: 99, leverage: 2, stop: 0.2, target: 0.5, {RESTING}");
    let venue = Venue::trading(&eager("doubt", &wide));
    venue.control("POST", "options", &json!({ "participation": SHARE }).to_string());
    let swarm = venue.swarm();
    venue.end_of_candle();
    let entry = until("an entry that rests", || {
        let is_new = |order: &OrderAnswer| order.symbol == "BTCUSDT" && order.status == OrderStatus::New;
        open_orders(&venue).into_iter().find(is_new)
    });
    let tick = instrument("BTCUSDT").tick;
    for share in [0.5, 0.6] {
        let before = held(&venue).get("BTCUSDT").copied();
        part(&venue, "BTCUSDT", entry.orig_qty.to_f64() * share, Some(entry.price - tick));
        until("it to grow", || (held(&venue).get("BTCUSDT").copied() > before).then_some(()));
        covered(&venue, &swarm);
    }
    let far = Price((entry.price.0 / 100 * 115) / tick.0 * tick.0);
    let in_doubt = |status: &Value| {
        let held = status["positions"].as_array().unwrap().iter().find(|one| one["symbol"] == "BTCUSDT");
        held.and_then(|one| one["unconfirmed_mark_price"].as_str().map(str::to_owned))
    };
    // A trade there, at an instant of its own; it is seen with the swarm's next look.
    let mark = || {
        let seen = swarm.status()["journal_sequence"].as_u64();
        venue.control("POST", "step", "{\"ms\":1}");
        venue.control("POST", "price", &json!({"symbol": "BTCUSDT", "price": far}).to_string());
        swarm.until("the mark to be seen", |status| status["journal_sequence"].as_u64() > seen)
    };
    let doubted = mark();
    assert_eq!(in_doubt(&doubted).and_then(|price| price.parse().ok()), Some(far), "{doubted}");
    let believed = (0..5).map(|_| mark()).find(|status| in_doubt(status).is_none()).expect("others agree");
    let held = believed["positions"].as_array().unwrap().iter().find(|one| one["symbol"] == "BTCUSDT").unwrap();
    assert_eq!(held["mark_price"].as_str().and_then(|price| price.parse().ok()), Some(far));
    venue.end_of_candle();
    swarm.process.signal("TERM");
    assert_eq!(swarm.process.end().code, Some(0));
    let replayed = venue.place.json(&["replay", "state", "--json"]);
    assert_eq!(replayed["same"].as_u64().map(|same| same > 10), Some(true), "{replayed}");
    if std::env::var_os("WRITE_KEPT").is_some() {
        keep(&venue.place.path("state"));
    }
}

/// Copies what a journal is decided again from.
fn keep(state: &std::path::Path) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-live-v3");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(state).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["journal", "plan", "manifest"].iter().any(|part| name.starts_with(part)) {
            std::fs::copy(entry.path(), folder.join(name)).unwrap();
        }
    }
}
