//! What clients written for the venue rely on and ours does not: how numbers are spelled, other ways to send the same.

use crate::support::{Desk, key, limit, market, setup};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{OrderRef, Side, calls};
use asterswarm::venue_server::Request;
use serde_json::Value;
use swarm_core::model::{Price, Usd};

fn keyed() -> Desk {
    Desk::with(setup(), key(1), Version::V1)
}

fn get(desk: &mut Desk, path: &str, query: &str) -> Value {
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        peer: "192.0.2.1".to_owned(),
        ..Request::default()
    };
    let answer = desk.send(&request);
    assert_eq!(answer.status, 200, "{path}?{query}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Sends query and body as they are, signed over both, the signature in the one or the other.
fn signed(desk: &mut Desk, method: &str, query: &str, body: &str, in_query: bool) -> (u16, Value) {
    let signature = desk.credentials.clone();
    let asterswarm::aster::sign::Credentials::Key(signer) = &signature else { panic!("a key") };
    let signature = format!("&signature={}", signer.key().sign(query, body));
    let request = Request {
        method: method.to_owned(),
        path: "/fapi/v1/order".to_owned(),
        query: if in_query { format!("{query}{signature}") } else { query.to_owned() },
        body: if in_query { body.to_owned() } else { format!("{body}{signature}") },
        key: Some("paper-1".to_owned()),
        peer: "192.0.2.1".to_owned(),
        ..Request::default()
    };
    let answer = desk.send(&request);
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn prices_and_quantities_have_the_decimals_of_their_contract() {
    let mut desk = keyed();
    desk.price("101");
    let book = get(&mut desk, "/fapi/v1/depth", "symbol=SOLUSDT&limit=5");
    for (place, decimals) in [(0, 3), (1, 2)] {
        for level in book["bids"].as_array().unwrap() {
            let (_, after) = level[place].as_str().unwrap().split_once('.').unwrap();
            assert_eq!(after.len(), decimals, "{level}");
        }
    }
    assert_eq!(get(&mut desk, "/fapi/v1/ticker/price", "symbol=SOLUSDT")["price"], "101.000");
    let all = get(&mut desk, "/fapi/v1/ticker/price", "");
    assert_eq!(all[0]["price"], "101.000");
    let kline = &get(&mut desk, "/fapi/v1/klines", "symbol=SOLUSDT&interval=1m&limit=1")[0];
    assert_eq!(kline[4], "101.000");
    let order = desk.ask(&calls::place_order(limit(Side::Buy, "1.5", "99"))).unwrap();
    assert_eq!(order.price, Price::whole(99));
    let text = desk.last.as_ref().unwrap().body.clone();
    assert!(text.contains(r#""price":"99.000""#) && text.contains(r#""origQty":"1.50""#), "{text}");
    assert!(text.contains(r#""executedQty":"0""#) && text.contains(r#""stopPrice":"0""#), "{text}");
}

#[test]
fn frames_have_them_too() {
    let mut desk = keyed();
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    desk.venue
        .connect("/stream", &format!("streams=solusdt@aggTrade/solusdt@bookTicker/solusdt@kline_1m/{key}"))
        .unwrap();
    desk.price("101");
    desk.ask(&calls::place_order(market(Side::Buy, "2"))).unwrap();
    let frames: Vec<Value> = desk.frames().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let find = |kind: &str| frames.iter().map(|it| &it["data"]).rfind(|it| it["e"] == kind).unwrap();
    assert_eq!((&find("aggTrade")["p"], &find("aggTrade")["q"]), (&"101.000".into(), &"0.01".into()));
    assert_eq!(find("bookTicker")["B"].as_str().unwrap().split_once('.').unwrap().1.len(), 2);
    assert_eq!((&find("kline")["k"]["c"], &find("kline")["k"]["B"]), (&"101.000".into(), &"0".into()));
    let order = &find("ORDER_TRADE_UPDATE")["o"];
    assert_eq!((&order["q"], &order["L"], &order["p"]), (&"2.00".into(), &"101.001".into(), &"0".into()));
    assert_eq!(find("ACCOUNT_UPDATE")["a"]["P"][0]["pa"], "2.00");
}

#[test]
fn candles_are_chosen_by_their_own_start_and_are_whole() {
    let mut desk = keyed();
    let all = get(&mut desk, "/fapi/v1/klines", "symbol=SOLUSDT&interval=1m");
    let starts: Vec<i64> = all.as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()).collect();
    let from = |start: i64, end: i64| format!("symbol=SOLUSDT&interval=1m&startTime={start}&endTime={end}");
    let count = |rows: Value| rows.as_array().unwrap().len();
    assert_eq!(count(get(&mut desk, "/fapi/v1/klines", &from(starts[2], starts[4]))), 3);
    assert_eq!(count(get(&mut desk, "/fapi/v1/klines", &from(starts[2] + 1, starts[4]))), 2, "one that runs already");
    assert_eq!(count(get(&mut desk, "/fapi/v1/klines", &from(starts[4] + 1, starts[4] + 2))), 0);
    let fives = get(&mut desk, "/fapi/v1/klines", "symbol=SOLUSDT&interval=5m");
    let (start, volume) = (fives[0][0].as_i64().unwrap(), fives[0][5].clone());
    let query = format!("symbol=SOLUSDT&interval=5m&startTime={start}&endTime={}", start + 60_000);
    assert_eq!(get(&mut desk, "/fapi/v1/klines", &query)[0][5], volume, "an end within it does not cut it");
}

#[test]
fn a_signature_over_query_and_body_may_stand_in_either() {
    for in_query in [true, false] {
        let mut desk = keyed();
        let query = "symbol=SOLUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
        let body = format!("quantity=1&price=99&timestamp={}", desk.clock / 1_000);
        let (status, answer) = signed(&mut desk, "POST", query, &body, in_query);
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn powers_of_ten_and_words_are_no_numbers() {
    for quantity in ["1e0", "NaN", "inf", "-inf"] {
        let mut desk = keyed();
        let clock = desk.clock / 1_000;
        let body = format!("symbol=SOLUSDT&side=BUY&type=MARKET&quantity={quantity}&timestamp={clock}");
        let (status, answer) = signed(&mut desk, "POST", "", &body, false);
        assert_eq!((status, answer["code"].as_i64()), (400, Some(-1100)), "{quantity}");
    }
}

#[test]
fn orders_are_cancelled_by_numbers_that_are_texts() {
    let mut desk = keyed();
    let order = desk.ask(&calls::place_order(limit(Side::Buy, "1", "99"))).unwrap();
    let call = calls::cancel_order(OrderRef::by_id("SOLUSDT", order.order_id));
    let mut request = desk.request(&call);
    let asterswarm::aster::sign::Credentials::Key(signer) = desk.credentials.clone() else { panic!("a key") };
    let list = format!("%5B%22{}%22%5D", order.order_id);
    let text = format!("symbol=SOLUSDT&orderIdList={list}&timestamp={}", desk.clock / 1_000);
    request.path = "/fapi/v1/batchOrders".to_owned();
    request.query = format!("{text}&signature={}", signer.key().sign(&text, ""));
    let answer = desk.send(&request);
    let rows: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(rows[0]["status"], "CANCELED", "{}", answer.body);
}

#[test]
fn contracts_are_described_in_the_venue_s_forms() {
    let mut desk = keyed();
    let info = get(&mut desk, "/fapi/v1/exchangeInfo", "");
    assert_eq!(info["assets"][0]["autoAssetExchange"], "-10000");
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    let percent = filters.iter().find(|filter| filter["filterType"] == "PERCENT_PRICE").unwrap();
    assert_eq!(percent["multiplierDecimal"], "4");
}

#[test]
fn another_leverage_changes_the_margin_of_positions_and_orders_at_once() {
    let mut desk = Desk::new();
    desk.ask(&calls::set_leverage("SOLUSDT", 5)).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "10"))).unwrap();
    desk.ask(&calls::place_order(limit(Side::Buy, "10", "99"))).unwrap();
    let margins = |desk: &mut Desk| {
        let account = desk.ask(&calls::account()).unwrap();
        (account.total_position_initial_margin, account.total_open_order_initial_margin)
    };
    assert_eq!(margins(&mut desk), (Usd::whole(200), Usd::whole(198)));
    desk.ask(&calls::set_leverage("SOLUSDT", 10)).unwrap();
    assert_eq!(margins(&mut desk), (Usd::whole(100), Usd::whole(99)));
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9700"}"#);
    assert_eq!(desk.code(&calls::set_leverage("SOLUSDT", 1)), -2028);
    assert_eq!(margins(&mut desk), (Usd::whole(100), Usd::whole(99)), "what is refused changes nothing");
}
