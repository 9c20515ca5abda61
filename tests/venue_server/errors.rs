//! Every class of refusal can be met, with the status and code of the documents.

use crate::support::{CHAIN, Desk, key, limit, market, setup, stop, wallet, wallet_of};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{
    AllOrders, KlineInterval, KlineQuery, MarginType, MarketQuery, NewOrder, OrderRef, OrderType, PositionSide, Side,
    StpMode, Transfer, TransferKind, calls,
};
use asterswarm::venue_server::Request;
use swarm_core::model::{DAY_MS, Rate, Time, Usd};

/// What becomes of an order after `change`.
fn check_order(change: impl FnOnce(&mut NewOrder), expected: i64) {
    let mut order = limit(Side::Buy, "1", "99");
    change(&mut order);
    let mut desk = Desk::new();
    let described = format!("{order:?}");
    assert_eq!(desk.code(&calls::place_order(order)), expected, "{described}");
}

#[test]
fn orders_are_refused_with_the_documented_codes() {
    check_order(|_| {}, 0);
    check_order(|order| order.symbol = "NOPEUSDT".into(), -1121);
    check_order(|order| order.side = Side::of("HOLD"), -1117);
    check_order(|order| order.order_type = OrderType::of("ODD"), -1116);
    check_order(|order| order.order_type = OrderType::Stop, -1102);
    check_order(|order| order.time_in_force = Some(asterswarm::aster::wire::TimeInForce::of("GTD")), -1115);
    check_order(|order| order.time_in_force = None, -1102);
    check_order(|order| order.quantity = None, -1102);
    check_order(|order| order.price = None, -1102);
    check_order(|order| order.price = Some("99.00001".parse().unwrap()), -1111);
    check_order(|order| order.quantity = Some("0.001".parse().unwrap()), -1111);
    check_order(|order| order.quantity = Some("0".parse().unwrap()), -4003);
    check_order(|order| order.quantity = Some("200000".parse().unwrap()), -4005);
    check_order(|order| order.quantity = Some("0.01".parse().unwrap()), -4164);
    check_order(|order| order.price = Some("0".parse().unwrap()), -4013);
    check_order(|order| order.price = Some("-1".parse().unwrap()), -4001);
    check_order(|order| order.price = Some("106".parse().unwrap()), -4016);
    check_order(|order| (order.side, order.price) = (Side::Sell, Some("94".parse().unwrap())), -4024);
    check_order(|order| order.position_side = Some(PositionSide::Long), -4061);
    check_order(|order| order.reduce_only = Some(true), -2022);
    check_order(|order| order.quantity = Some("90000".parse().unwrap()), -2027);
    check_order(|order| order.new_client_order_id = Some("x".repeat(37)), -4015);
    check_order(|order| order.new_client_order_id = Some("a b".into()), -4015);
    check_order(|order| order.close_position = Some(true), -1128);
    check_order(|order| order.working_type = Some(asterswarm::aster::wire::WorkingType::of("INDEX")), -4031);
    check_order(|order| *order = stop(Side::Sell, "101"), -2021);
    check_order(|order| (*order = stop(Side::Sell, "95"), order.quantity = Some("1".parse().unwrap())).1, -4137);
    check_order(|order| (*order = stop(Side::Sell, "95"), order.reduce_only = Some(true)).1, -1106);
    check_order(|order| *order = stop(Side::Sell, "0"), -4006);
}

#[test]
fn margin_and_leverage_have_their_limits() {
    let mut desk = Desk::new();
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"-9990"}"#);
    assert_eq!(desk.code(&calls::place_order(market(Side::Buy, "10"))), -2019);
    assert_eq!(desk.code(&calls::set_leverage("SOLUSDT", 126)), -4028);
    assert_eq!(desk.code(&calls::set_leverage("SOLUSDT", 0)), -4028);
    let answer = desk.ask(&calls::set_leverage("SOLUSDT", 50)).unwrap();
    assert_eq!((answer.leverage, answer.max_notional_value), (50, Usd::whole(5_000)));
    assert_eq!(desk.code(&calls::place_order(market(Side::Buy, "60"))), -2027);
}

#[test]
fn what_becomes_of_orders_that_meet_is_kept_and_must_be_a_known_word() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask(&calls::stp_mode()).unwrap().stp_mode, StpMode::ExpireTaker);
    for mode in [StpMode::ExpireMaker, StpMode::ExpireBoth, StpMode::ExpireTaker] {
        assert_eq!(desk.code(&calls::set_stp_mode(mode.clone())), 0);
        assert_eq!(desk.ask(&calls::stp_mode()).unwrap().stp_mode, mode);
        let order = NewOrder { stp_mode: Some(mode), ..market(Side::Buy, "1") };
        assert_eq!(desk.code(&calls::place_order(order)), 0);
    }
    let unheard_of = StpMode::Other("EXPIRE_NOBODY".into());
    assert_eq!(desk.code(&calls::set_stp_mode(unheard_of.clone())), -1130);
    let order = NewOrder { stp_mode: Some(unheard_of), ..market(Side::Buy, "1") };
    assert_eq!(desk.code(&calls::place_order(order)), -1130);
}

#[test]
fn settings_that_are_so_already_and_those_that_are_not_simulated() {
    let mut desk = Desk::new();
    assert_eq!(desk.code(&calls::set_margin_type("SOLUSDT", MarginType::Crossed)), -4046);
    assert_eq!(desk.code(&calls::set_dual_side(false)), -4059);
    assert!(!desk.ask(&calls::dual_side()).unwrap().dual_side_position);
    assert_eq!(desk.code(&calls::set_multi_assets(true)), -1020);
    let index = desk.ask(&calls::index_references("SOLUSDT")).unwrap();
    assert_eq!((index.symbol.as_str(), index.references.len()), ("SOLUSDT", 1));
    assert_eq!(index.references[0].weight, Rate::ONE);
    assert_eq!(desk.code(&calls::index_references("NONEUSDT")), -1000);
    let transfer = |amount: &str, name: &str| {
        let (amount, client_tran_id) = (amount.parse().unwrap(), name.to_owned());
        calls::transfer(Transfer { amount, asset: "USDT".into(), client_tran_id, kind_type: TransferKind::FutureSpot })
    };
    assert_eq!(desk.code(&transfer("100", "one")), 0);
    assert_eq!(desk.code(&transfer("100", "one")), -4115);
    assert_eq!(desk.code(&transfer("100000", "two")), -2018);
    assert_eq!(desk.code(&transfer("-1", "three")), -4055);
    assert_eq!(desk.ask(&calls::balance()).unwrap()[0].balance, Usd::whole(9_900));
}

#[test]
fn market_questions_are_checked() {
    let mut desk = Desk::new();
    let query = |change: fn(&mut MarketQuery)| {
        let mut query = MarketQuery { symbol: Some("SOLUSDT".to_owned()), ..MarketQuery::default() };
        change(&mut query);
        query
    };
    assert_eq!(desk.code(&calls::depth("SOLUSDT", 7)), -4021);
    assert_eq!(desk.code(&calls::depth("NOPE", 5)), -1121);
    assert_eq!(desk.code(&calls::trades(query(|query| query.symbol = None))), -1102);
    assert_eq!(desk.code(&calls::trades(query(|query| query.limit = Some(1_001)))), -1130);
    let hours = |query: &mut MarketQuery| (query.start_time, query.end_time) = (Some(Time(0)), Some(Time(DAY_MS)));
    assert_eq!(desk.code(&calls::agg_trades(query(hours))), -1127);
    let backwards = |query: &mut MarketQuery| (query.start_time, query.end_time) = (Some(Time(2)), Some(Time(1)));
    assert_eq!(desk.code(&calls::funding_rate(query(backwards))), -1023);
    let klines = |word: &str| KlineQuery {
        end_time: None,
        interval: KlineInterval::of(word),
        limit: None,
        pair: None,
        start_time: None,
        symbol: Some("SOLUSDT".to_owned()),
    };
    assert_eq!(desk.code(&calls::klines(klines("7m"))), -1120);
    assert_eq!(desk.ask(&calls::klines(klines("1m"))).unwrap().len(), 10);
    assert_eq!(desk.ask(&calls::klines(klines("5m"))).unwrap().len(), 2);
}

#[test]
fn lists_by_number_and_by_time_do_not_combine() {
    let mut desk = Desk::new();
    let orders = |id, start, end| {
        calls::all_orders(AllOrders {
            end_time: end,
            limit: None,
            order_id: id,
            start_time: start,
            symbol: "SOLUSDT".to_owned(),
        })
    };
    assert_eq!(desk.code(&orders(Some(1), Some(Time(1)), None)), -1128);
    assert_eq!(desk.code(&orders(None, Some(Time(0)), Some(Time(8 * DAY_MS)))), -4165);
    assert_eq!(desk.code(&orders(None, None, None)), 0);
    let none = OrderRef { order_id: None, orig_client_order_id: None, symbol: "SOLUSDT".to_owned() };
    assert_eq!(desk.code(&calls::query_order(none)), -1102);
    assert_eq!(desk.code(&calls::query_order(OrderRef::by_id("SOLUSDT", 99))), -2013);
}

/// What becomes of a signed request of V3 after `change`.
fn check_wallet(change: impl FnOnce(&mut Desk, &mut Request), expected: (u16, i64)) {
    let mut desk = Desk::new();
    let mut request = desk.request(&calls::balance());
    change(&mut desk, &mut request);
    let answer = desk.send(&request);
    let code = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["code"].as_i64().unwrap_or(0);
    assert_eq!((answer.status, code), expected, "{}", answer.body);
}

#[test]
fn wallet_signatures_nonces_and_signers_are_checked() {
    check_wallet(|_, _| {}, (200, 0));
    check_wallet(|desk, request| request.signature = desk.venue.wallets().look(request), (200, 0));
    check_wallet(
        |desk, request| {
            request.query = request.query.replace("nonce=1", "nonce=2");
            request.signature = desk.venue.wallets().look(request);
        },
        (400, -1022),
    );
    check_wallet(|_, request| request.query = request.query.replace("nonce=1", "nonce=2"), (400, -1022));
    check_wallet(|_, request| request.query = request.query.replace("&signature=0x", "&signature=0X00"), (400, -1022));
    check_wallet(|_, request| request.query = String::new(), (400, -1102));
    check_wallet(
        |_, request| request.query = request.query.split("&signature").next().unwrap().to_owned(),
        (400, -1102),
    );
    check_wallet(|desk, _| desk.clock += 11_000_000, (400, -4225));
    check_wallet(|desk, request| drop(desk.send(&request.clone())), (400, -4225));
    let resign = |credentials| {
        move |desk: &mut Desk, request: &mut Request| {
            desk.credentials = credentials;
            *request = desk.request(&calls::balance());
        }
    };
    check_wallet(resign(wallet(9)), (401, -2015));
    check_wallet(resign(wallet_of(1, CHAIN + 1)), (400, -1022));
    check_wallet(resign(wallet_of(1, 1666)), (200, 0));
    check_wallet(
        |desk, request| {
            desk.version = Version::V1;
            *request = desk.request(&calls::balance());
        },
        (401, -2014),
    );
    // Without a user, in any order: what was sent is what was signed.
    check_wallet(
        |desk, request| {
            let secret = asterswarm::aster::secret::Secret::new("01".repeat(32));
            let wallet = asterswarm::aster::sign::Wallet::new(&secret).unwrap();
            let text = format!("nonce={}&signer={}&a=%20b", desk.clock + 7, wallet.address());
            let signature = wallet.sign(&asterswarm::aster::sign::Domain::new(CHAIN), &text);
            request.query = format!("{text}&signature={}", signature.to_uppercase().replacen("0X", "", 1));
        },
        (200, 0),
    );
    check_wallet(|_, request| request.body = "a=1".into(), (400, -1101));
    check_wallet(|_, request| request.query = format!("a=1&a=2&{}", request.query), (400, -1101));
    check_wallet(|_, request| request.query = format!("a=%zz&{}", request.query), (400, -1100));
    check_wallet(|_, request| request.query = format!("a=&{}", request.query), (400, -1105));
    check_wallet(|_, request| request.path = "/fapi/v3/nothing".into(), (404, -1000));
    check_wallet(|_, request| request.query = "a".repeat(70_000), (413, -1130));
}

/// What becomes of a signed request of V1 after `change`.
fn check_key(change: impl FnOnce(&mut Desk, &mut Request), expected: (u16, i64)) {
    let mut desk = Desk::with(setup(), key(1), Version::V1);
    let mut request = desk.request(&calls::place_order(limit(Side::Buy, "1", "99")));
    change(&mut desk, &mut request);
    let answer = desk.send(&request);
    let code = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["code"].as_i64().unwrap_or(0);
    assert_eq!((answer.status, code), expected, "{}", answer.body);
}

#[test]
fn keys_times_and_windows_are_checked() {
    check_key(|_, _| {}, (200, 0));
    check_key(|_, request| request.key = None, (401, -2014));
    check_key(|_, request| request.key = Some("paper-9".into()), (401, -2015));
    check_key(|_, request| request.key = Some("paper-2".into()), (400, -1022));
    check_key(|_, request| request.body = request.body.replace("price=99", "price=98"), (400, -1022));
    check_key(|desk, _| desk.clock += 5_001_000, (400, -1021));
    check_key(|desk, _| desk.clock -= 1_001_000, (400, -1021));
    // The same text in the query of a POST is taken, too.
    check_key(|_, request| std::mem::swap(&mut request.query, &mut request.body), (200, 0));
}

#[test]
fn too_much_weight_is_429_and_going_on_is_418() {
    let mut desk = Desk::new();
    let mut statuses = Vec::new();
    for _ in 0..120 {
        let request = desk.request(&calls::ticker_24h(None));
        let answer = desk.send(&request);
        if !statuses.contains(&answer.status) {
            statuses.push(answer.status);
        }
        if answer.status == 200 {
            assert!(answer.headers.iter().any(|(name, _)| *name == "X-MBX-USED-WEIGHT-1M"));
        } else {
            assert!(answer.headers.iter().any(|(name, _)| *name == "Retry-After"));
        }
    }
    assert_eq!(statuses, [200, 429, 418]);
}

#[test]
fn an_account_without_money_has_to_deposit_first() {
    let mut setup = setup();
    setup.accounts[0].balance = Usd::ZERO;
    let mut desk = Desk::with(setup, wallet(1), Version::V3);
    assert_eq!(desk.code(&calls::balance()), -5050);
    desk.control("POST", "money", r#"{"account":"paper-1","amount":"5"}"#);
    assert_eq!(desk.code(&calls::balance()), 0);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_request_panics(path in "/[a-z0-9/]{0,12}|/fapi/v[13]/(order|klines|depth|batchOrders|income)", query in "\\PC{0,80}", body in "\\PC{0,80}", post in proptest::prelude::any::<bool>()) {
        let mut desk = Desk::new();
        let method = if post { "POST" } else { "GET" }.to_owned();
        let request = Request { method, path, query, body, key: Some("paper-1".into()), peer: "p".into(), is_local: true, signature: None };
        let answer = desk.send(&request);
        proptest::prop_assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_ok());
    }

    #[test]
    fn no_order_panics(qty in proptest::num::i64::ANY, price in proptest::num::i64::ANY, stop in proptest::num::i64::ANY, kind in 0usize..7, tif in 0usize..6, buy in proptest::prelude::any::<bool>(), reduce in proptest::prelude::any::<bool>()) {
        use asterswarm::aster::wire::TimeInForce;
        let mut desk = Desk::new();
        let mut order = NewOrder::new("SOLUSDT", if buy { Side::Buy } else { Side::Sell }, OrderType::KNOWN[kind].clone());
        order.quantity = Some(swarm_core::model::Qty(qty));
        order.price = (kind != 1).then_some(swarm_core::model::Price(price));
        order.stop_price = Some(swarm_core::model::Price(stop));
        order.callback_rate = Some(swarm_core::model::Rate::ONE);
        order.activation_price = (kind > 4).then_some(swarm_core::model::Price(stop));
        order.time_in_force = Some(TimeInForce::KNOWN[tif].clone());
        order.reduce_only = reduce.then_some(true);
        let _ = desk.ask(&calls::place_order(order));
        proptest::prop_assert!(desk.ask(&calls::account()).is_ok());
    }
}
