//! What an operator sees and does when account and books differ, and what a start sets at the account.

use super::support::Running;
use super::venue::{KEY, RUN, Venue};
use asterswarm::aster::rest::{Outcome, Rest};
use asterswarm::aster::wire::{NewOrder, OrderAnswer, OrderRef, OrderType, PositionRisk, Side, TimeInForce, calls};
use serde_json::Value;

/// Calls of somebody else at the account.
fn block<T>(work: impl Future<Output = Outcome<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work).answer().expect("the venue answers")
}

fn strange_order(rest: &Rest) -> OrderAnswer {
    let rows = block(rest.send(&calls::ticker_price(Some("BTCUSDT")))).rows;
    let mut order = NewOrder::new("BTCUSDT", Side::Buy, OrderType::Limit);
    let tick = 100_000_000;
    let far = rows[0].price.0 / 100 * 97 / tick * tick;
    order.price = Some(swarm_core::model::Price(far));
    order.quantity = Some("0.1".parse().unwrap());
    order.time_in_force = Some(TimeInForce::Gtc);
    order.new_client_order_id = Some("web_1".to_owned());
    block(rest.send(&calls::place_order(order)))
}

fn portfolio(status: &Value) -> (bool, Option<&str>) {
    let portfolio = &status["portfolios"][0];
    (portfolio["entries_gated"].as_bool().unwrap(), portfolio["halted"].as_str())
}

fn found(swarm: &Running) -> Value {
    swarm.get("/api/v1/portfolios/main/differences")
}

#[test]
fn a_strange_order_halts_until_an_operator_has_looked_and_it_is_gone() {
    let venue = Venue::new();
    let swarm = venue.swarm();
    let api = swarm.api();
    let resume = ["resume", "main", "--yes", "--state", "state", "--api", &api, "--reason", "it was mine"];
    let nothing = found(&swarm);
    assert_eq!((&nothing["entries_gated"], &nothing["halted"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(nothing["differences"].as_array().map(Vec::len), Some(0));
    let early = venue.place.run(&resume);
    assert_eq!(early.code, Some(1), "{}", early.err);
    assert!(early.err.contains("is not halted"), "{}", early.err);

    let rest = venue.stranger();
    let order = strange_order(&rest);
    let status = swarm.until("the halt", |status| portfolio(status).1.is_some());
    let (gated, halted) = portfolio(&status);
    assert!(gated && halted.unwrap().contains("unknown_order"), "{status}");
    let differs = found(&swarm);
    let one = &differs["differences"][0];
    assert_eq!(differs["counts"]["unknown_order"], 1);
    assert_eq!(
        (&one["kind"], &one["policy"], &one["subject"]),
        (&"unknown_order".into(), &"halt".into(), &"web_1".into())
    );
    assert_eq!((&one["symbol"], &one["venue"], &one["book"]), (&"BTCUSDT".into(), &"0.1".into(), &"".into()));
    assert!(one["at"].as_i64().unwrap() > 0);
    assert!(swarm.text("/").contains("halted: unknown_order"), "the status page says it");
    let told = venue.place.run(&["differences", "main", "--api", &api]);
    assert!(told.out.contains("web_1") && told.out.contains("halted"), "{}", told.out);

    // It is still there: the next comparison finds it again.
    let first = venue.place.json(&[&resume[..], &["--json"]].concat());
    assert!(first["halted"].as_str().unwrap().contains("unknown_order"), "{first}");
    swarm.until("the halt again", |_| found(&swarm)["counts"]["unknown_order"] == 2);
    swarm.until("the halt again", |status| portfolio(status).1.is_some());

    let key = OrderRef::by_id("BTCUSDT", order.order_id);
    assert_eq!(block(rest.send(&calls::cancel_order(key))).order_id, order.order_id);
    venue.place.json(&[&resume[..], &["--json"]].concat());
    swarm.until("free entries", |status| portfolio(status) == (false, None));
    venue.end_of_candle();
    venue.wait_for_positions(&swarm, 2);
}

fn isolated(rows: &[PositionRisk]) -> Vec<bool> {
    let known = rows.iter().filter(|row| ["BTCUSDT", "ETHUSDT"].contains(&row.symbol.as_str()));
    known.map(|row| row.margin_type.is_isolated().unwrap()).collect()
}

#[test]
fn margin_type_is_set_at_the_start_where_the_file_names_it_and_not_where_a_position_stands() {
    let venue = Venue::new();
    let rest = venue.stranger();
    let margins = || isolated(&block(rest.send(&calls::position_risk(None))));
    let stop = |swarm: Running| {
        swarm.process.signal("INT");
        assert_eq!(swarm.process.end().code, Some(0));
    };
    stop(venue.swarm());
    assert_eq!(margins(), [false, false], "nothing is said, nothing is set");
    venue.configure("margin: isolated");
    stop(venue.swarm());
    assert_eq!(margins(), [true, true]);
    // It is so already.
    let swarm = venue.swarm();
    venue.end_of_candle();
    venue.wait_for_positions(&swarm, 2);
    stop(swarm);
    venue.configure("margin: cross");
    let done = venue.place.command(&RUN).envs([KEY]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("BTCUSDT has isolated margin") && said.contains("close what is open"), "{said}");
    assert_eq!(margins(), [true, true]);
}
