//! Faults on order, and the controls.

use crate::support::{Desk, limit, market};
use asterswarm::aster::wire::{OrderRef, Side, calls};
use asterswarm::venue_server::Request;

#[test]
fn a_lost_answer_leaves_the_order_alive_and_a_refused_one_does_not() {
    let mut desk = Desk::new();
    let named = |name: &str| {
        let mut order = limit(Side::Buy, "1", "99");
        order.new_client_order_id = Some(name.to_owned());
        calls::place_order(order)
    };
    desk.control("POST", "faults", r#"[{"kind":"unavailable_after","only":"POST /fapi/v3/order","times":1}]"#);
    assert_eq!(desk.ask(&named("alive")).map(drop), Err((503, -1007)));
    assert_eq!(desk.code(&calls::query_order(OrderRef::by_client_id("SOLUSDT", "alive"))), 0);
    desk.control("POST", "faults", r#"[{"kind":"unavailable_before","times":1}]"#);
    assert_eq!(desk.ask(&named("never")).map(drop), Err((503, 0)), "a page of HTML has no code");
    assert_eq!(desk.code(&calls::query_order(OrderRef::by_client_id("SOLUSDT", "never"))), -2013);
}

#[test]
fn a_call_is_refused_with_the_code_that_was_ordered_or_as_if_it_did_not_exist() {
    let mut desk = Desk::new();
    let mut order = limit(Side::Buy, "1", "99");
    order.new_client_order_id = Some("never".to_owned());
    for (fault, refusal) in [
        (r#"{"kind":"refuse","code":-1020,"only":"POST"}"#, (400, -1020)),
        (r#"{"kind":"no_such_path","only":"POST"}"#, (404, 0)),
    ] {
        desk.control("POST", "faults", &format!("[{fault}]"));
        assert_eq!(desk.ask(&calls::place_order(order.clone())).map(drop), Err(refusal));
        assert_eq!(desk.code(&calls::query_order(OrderRef::by_client_id("SOLUSDT", "never"))), -2013, "{fault}");
    }
}

#[test]
fn limits_bans_maintenance_latency_and_skew_are_shown() {
    let mut desk = Desk::new();
    for (fault, status) in [
        (r#"{"kind":"throttle","seconds":3}"#, 429),
        (r#"{"kind":"ban","seconds":9}"#, 418),
        (r#"{"kind":"maintenance"}"#, 503),
    ] {
        desk.control("POST", "faults", &format!("[{fault}]"));
        assert_eq!(desk.ask(&calls::ping()).map_err(|(status, _)| status), Err(status));
    }
    desk.control("POST", "faults", r#"[{"kind":"latency","ms":250}]"#);
    desk.ask(&calls::ping()).unwrap();
    assert_eq!(desk.last.clone().unwrap().delay_ms, 250);
    desk.control("POST", "faults", r#"[{"kind":"clock_skew","ms":-20000}]"#);
    let told = desk.ask(&calls::time()).unwrap().server_time.0;
    assert_eq!(told, crate::support::START - 20_000);
    assert_eq!(desk.code(&calls::balance()), -4225);
    desk.control("DELETE", "faults", "");
    assert_eq!(desk.code(&calls::balance()), 0);
}

#[test]
fn the_hand_moves_time_and_prices_from_this_machine_only() {
    let mut desk = Desk::new();
    let before = desk.venue.now();
    let state = desk.control("POST", "step", r#"{"ms":60000}"#);
    assert_eq!(state["marketTime"].as_i64(), Some(before.0 + 60_000));
    desk.price("105");
    assert_eq!(desk.ask(&calls::ticker_price(Some("SOLUSDT"))).unwrap().rows[0].price.to_string(), "105");
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    for (path, body) in [
        ("price", r#"{"symbol":"SOLUSDT","price":"-1"}"#),
        ("price", r#"{"symbol":"SOLUSDT","price":"1001"}"#),
        ("money", r#"{"account":"paper-1","amount":"1000000000"}"#),
        ("step", r#"{"ms":0}"#),
        ("x", ""),
        ("faults", "[{}]"),
    ] {
        let path = format!("/control/{path}");
        let request = Request { method: "POST".into(), path, body: body.into(), is_local: true, ..Request::default() };
        assert!(desk.send(&request).status >= 400);
    }
    let far = Request { method: "GET".into(), path: "/control/state".into(), ..Request::default() };
    assert_eq!(desk.send(&far).status, 403);
}
