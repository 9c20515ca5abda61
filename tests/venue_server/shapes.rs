//! Answers and events have every field that the documented samples have.

use crate::support::{Desk, limit, market, stop};
use asterswarm::aster::wire::{
    Call, IncomeHistory, MarketQuery, NewOrder, OrderRef, OrderType, Side, UserTrades, calls,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/aster/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Paths of all fields, lists by their first element.
fn fields(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().take(1).for_each(|first| fields(first, at, out)),
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{at}.{key}");
                fields(value, &path, out);
                out.insert(path);
            }
        }
        _ => {}
    }
}

fn missing(sample: &Value, ours: &Value) -> Vec<String> {
    let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
    fields(sample, "", &mut expected);
    fields(ours, "", &mut found);
    assert!(!found.is_empty(), "an empty answer shows nothing: {ours}");
    expected.difference(&found).cloned().collect()
}

/// The answer has all fields of the sample but those that are left out on purpose.
fn check<P: Serialize, A>(desk: &mut Desk, sample: &str, call: &Call<P, A>, left_out: &[&str]) {
    let request = desk.request(call);
    let answer = desk.send(&request);
    assert_eq!(answer.status, 200, "{sample}: {}", answer.body);
    let ours: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(missing(&fixture("answers")[sample], &ours), left_out, "{sample}");
}

#[test]
fn answers_have_the_fields_of_the_samples() {
    let mut desk = Desk::new();
    for price in ["101", "102"] {
        desk.price(price);
    }
    desk.control("POST", "funding", r#"{"symbol":"SOLUSDT","rate":"0.0001"}"#);
    let query = || MarketQuery { symbol: Some("SOLUSDT".to_owned()), ..MarketQuery::default() };
    check(&mut desk, "time", &calls::time(), &[]);
    check(&mut desk, "depth", &calls::depth("SOLUSDT", 5), &[]);
    check(&mut desk, "trades", &calls::trades(query()), &[]);
    check(&mut desk, "agg_trades", &calls::agg_trades(query()), &[]);
    check(&mut desk, "premium_index", &calls::premium_index(Some("SOLUSDT")), &[]);
    check(&mut desk, "funding_rate", &calls::funding_rate(query()), &[]);
    check(&mut desk, "funding_info", &calls::funding_info(Some("SOLUSDT")), &[]);
    check(&mut desk, "ticker_price", &calls::ticker_price(Some("SOLUSDT")), &[]);
    check(&mut desk, "ticker_book", &calls::ticker_book(Some("SOLUSDT")), &[]);
    check(&mut desk, "order", &calls::place_order(limit(Side::Buy, "1", "101")), &[]);
    let mut trailing = NewOrder::new("SOLUSDT", Side::Buy, OrderType::TrailingStopMarket);
    trailing.quantity = Some("1".parse().unwrap());
    trailing.callback_rate = Some("1".parse().unwrap());
    trailing.activation_price = Some("90".parse().unwrap());
    check(&mut desk, "order_trailing", &calls::place_order(trailing), &[]);
    check(&mut desk, "countdown", &calls::countdown_cancel_all("SOLUSDT", 0), &[]);
    check(&mut desk, "balance", &calls::balance(), &[]);
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    check(&mut desk, "account", &calls::account(), &[]);
    check(&mut desk, "position_risk", &calls::position_risk(Some("SOLUSDT")), &[]);
    let trades =
        UserTrades { end_time: None, from_id: None, limit: None, start_time: None, symbol: "SOLUSDT".to_owned() };
    check(&mut desk, "user_trades", &calls::user_trades(trades), &[]);
    let income = IncomeHistory { end_time: None, income_type: None, limit: None, start_time: None, symbol: None };
    check(&mut desk, "income", &calls::income(income), &[]);
    check(&mut desk, "leverage_bracket", &calls::leverage_bracket(None), &[]);
    check(&mut desk, "commission_rate", &calls::commission_rate("SOLUSDT"), &[]);
    check(&mut desk, "leverage", &calls::set_leverage("SOLUSDT", 10), &[]);
    check(&mut desk, "dual_side", &calls::dual_side(), &[]);
    check(&mut desk, "multi_assets", &calls::multi_assets(), &[]);
    check(&mut desk, "listen_key", &calls::start_user_stream(), &[]);
    check(&mut desk, "success", &calls::cancel_all("SOLUSDT"), &[]);
}

#[test]
fn events_have_the_fields_of_the_samples() {
    let mut desk = Desk::new();
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    let market_streams = "solusdt@aggTrade/solusdt@bookTicker/solusdt@markPrice/solusdt@kline_1m/solusdt@depth";
    desk.venue.connect("/stream", &format!("streams={market_streams}/{key}")).unwrap();
    desk.price("101");
    let order = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    desk.ask(&calls::cancel_order(OrderRef::by_id("SOLUSDT", order.order_id))).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    desk.ask(&calls::place_order(stop(Side::Sell, "95"))).unwrap();
    desk.ask(&calls::set_leverage("SOLUSDT", 3)).unwrap();
    desk.control("POST", "expire-listen-key", r#"{"account":"paper-1"}"#);
    let frames: Vec<Value> = desk.frames().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let samples = fixture("events");
    for kind in [
        "aggTrade",
        "bookTicker",
        "markPriceUpdate",
        "kline",
        "depthUpdate",
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "listenKeyExpired",
    ] {
        let of_kind: Vec<&Value> =
            frames.iter().map(|frame| &frame["data"]).filter(|data| data["e"].as_str() == Some(kind)).collect();
        assert!(!of_kind.is_empty(), "{kind}");
        // Of trailing stops, and of forks of the protocol.
        let known = [".o.AP", ".o.cr", ".listenKey"];
        let best = of_kind.iter().map(|data| missing(&samples[kind], data)).min_by_key(Vec::len).unwrap();
        let lacking: Vec<_> = best.into_iter().filter(|field| !known.contains(&field.as_str())).collect();
        assert!(lacking.is_empty(), "{kind}: {lacking:?}");
    }
}
