//! Every documented shape is read and written back, and nothing that is wrong with one makes reading panic or
//! take it for something else.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

use asterswarm::aster::sign::{Pairs, read_pairs, read_request};
use asterswarm::aster::wire::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use swarm_core::model::{self, Price, Qty, Rate, Usd};

/// Reads bytes as one type and writes what was understood.
type Reader = fn(&[u8]) -> Result<Value, WireError>;

fn as_type<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<Value, WireError> {
    decode::<T>(bytes).map(|value| serde_json::to_value(value).unwrap())
}

fn as_event(bytes: &[u8]) -> Result<Value, WireError> {
    Frame::read(bytes).map(|frame| match frame.body {
        Body::Event(event) => serde_json::to_value(event).unwrap(),
        Body::Events(events) => serde_json::to_value(events).unwrap(),
        Body::Done { id, result } => json!({ "id": id, "result": result }),
        Body::Refused { error, .. } => serde_json::to_value(error).unwrap(),
    })
}

/// Types by the name of a shape.
fn reader(shape: &str) -> Reader {
    match shape {
        "ping" | "listen_key_put" | "listen_key_delete" => as_type::<Empty>,
        "time" => as_type::<ServerTime>,
        "exchange_info" | "exchange_info_docs_shape" => as_type::<ExchangeInfo>,
        "depth" => as_type::<Depth>,
        "trades" | "historical_trades" => as_type::<Vec<Trade>>,
        "agg_trades" => as_type::<Vec<AggTrade>>,
        "klines" | "index_price_klines" | "mark_price_klines" => as_type::<Vec<Kline>>,
        "premium_index" | "premium_index_all" => as_type::<Many<PremiumIndex>>,
        "funding_rate" => as_type::<Vec<FundingRate>>,
        "funding_info" => as_type::<Many<FundingInfo>>,
        "ticker_24h" | "ticker_24hr" | "ticker_24hr_all" => as_type::<Many<Ticker24h>>,
        "ticker_price" | "ticker_price_all" => as_type::<Many<PriceTicker>>,
        "ticker_book" | "ticker_book_all" => as_type::<Many<QuoteTicker>>,
        "index_references" => as_type::<IndexReferences>,
        "orders" | "all_orders" | "open_orders" | "force_orders" => as_type::<Vec<OrderAnswer>>,
        "batch" | "batch_orders_post" | "batch_orders_delete" => as_type::<Vec<Element<OrderAnswer>>>,
        "success" | "generic_success" | "noop" | "all_open_orders_delete" | "all_open_orders_delete_number" => {
            as_type::<Success>
        }
        "countdown" | "countdown_cancel_all" => as_type::<CountdownAnswer>,
        "chase_docs_shape" | "chase_live_shape" => as_type::<ChaseAnswer>,
        "strategy_answer" | "strategy_place" => as_type::<StrategyAnswer>,
        "strategy_update" => as_type::<Vec<StrategyAnswer>>,
        "strategy" | "strategy_open_order" | "strategy_history_order" => as_type::<Strategy>,
        "balance" => as_type::<Vec<Balance>>,
        "account" | "account_with_join_margin" => as_type::<Account>,
        "position_margin_post" => as_type::<MarginAnswer>,
        "position_margin_history" => as_type::<Vec<MarginChange>>,
        "position_side_dual_get" | "dual_side" => as_type::<DualSide>,
        "multi_assets" | "multi_assets_margin_get" => as_type::<MultiAssets>,
        "stp_mode_get" => as_type::<StpAnswer>,
        "user_trades" | "user_trades_negative_commission" => as_type::<Vec<UserTrade>>,
        "income" => as_type::<Vec<Income>>,
        "leverage_bracket"
        | "leverage_bracket_one"
        | "leverage_bracket_all"
        | "leverage_bracket_symbol"
        | "leverage_bracket_symbol_array" => as_type::<Many<SymbolBrackets>>,
        "adl_quantile" => as_type::<Many<AdlQuantile>>,
        "commission_rate" => as_type::<CommissionRate>,
        "leverage" | "leverage_post" => as_type::<LeverageAnswer>,
        "listen_key" | "listen_key_post" => as_type::<ListenKey>,
        "wallet_transfer" => as_type::<TransferAnswer>,
        "agent_list" => as_type::<Vec<AgentInfo>>,
        "builder_list" => as_type::<Vec<BuilderInfo>>,
        "sub_account_list" => as_type::<Vec<SubAccount>>,
        "mmp_get" => as_type::<Vec<MarketMakerProtection>>,
        "v1_remaining_openable_notional" => as_type::<OpenableNotional>,
        "error_invalid_symbol" | "error_min_notional" | "error_nonce_expired" | "error_string_code" => {
            as_type::<asterswarm::aster::errors::ErrorBody>
        }
        shape if shape.starts_with("position_risk") => as_type::<Vec<PositionRisk>>,
        shape if shape.starts_with("order") || shape == "open_order" => as_type::<OrderAnswer>,
        shape if shape.starts_with("ws_") || shape.starts_with("user_") => as_event,
        other => panic!("no type for the shape {other}"),
    }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn own(file: &str) -> Map<String, Value> {
    serde_json::from_slice(&std::fs::read(root("tests/fixtures/aster").join(file)).unwrap()).unwrap()
}

/// Every shape of our own making, with its reader.
fn shapes() -> Vec<(String, Value, Reader)> {
    let answers = own("answers.json").into_iter().map(|(name, value)| {
        let reader = reader(&name);
        (name, value, reader)
    });
    let events = own("events.json").into_iter().map(|(name, value)| (name, value, as_event as Reader));
    answers.chain(events).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// A shape is read, and what was understood is written and read again as the same.
fn check_round_trip(name: &str, value: &Value, read: Reader) -> Value {
    let understood = read(&bytes(value)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let again = read(&bytes(&understood)).unwrap_or_else(|error| panic!("{name}, written back: {error}\n{understood}"));
    assert_eq!(understood, again, "{name}");
    understood
}

/// Numbers as numbers, whatever their spelling; nulls, empty texts and zeros as absent.
fn essence(value: &Value) -> Value {
    match value {
        Value::String(text) => text.parse::<f64>().map_or_else(|_| value.clone(), |number| json!(number)),
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(all) => all.iter().map(essence).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null() && **value != json!(""));
            fields.map(|(key, value)| (key.clone(), essence(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn every_shape_is_read_and_written_back() {
    let shapes = shapes();
    assert!(shapes.len() > 45);
    for (name, value, read) in &shapes {
        let understood = check_round_trip(name, value, *read);
        // Nothing that was understood was changed: every field that is written stood in the original so, except
        // where the venue has divided and more than eight decimals were rounded.
        let (original, written) = (essence(value), essence(&understood));
        for (key, found) in written.as_object().into_iter().flatten() {
            if !["weightedAvgPrice", "liquidationPrice"].contains(&key.as_str()) {
                let before = &original[key];
                let defaulted =
                    before.is_null() && (found == &json!([]) || found == &json!(0.0) || found == &json!(false));
                assert!(
                    before == found || defaulted || found.is_object() || found.is_array(),
                    "{name}.{key}: {before} became {found}"
                );
            }
        }
    }
}

#[test]
fn every_shared_payload_is_read() {
    let folder = root("../shared/aster/payloads");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no ../shared/aster/payloads beside the workspace");
        return;
    };
    // Not answers or events of their own: tested below, or of calls this client does not make.
    let elsewhere = [
        "announcement_direct",
        "announcement_direct_by_id",
        "depth_sync_scenario",
        "error_set",
        "migrate_user",
        "migrate_user_history",
        "mmp_write",
        "ws_control_errors",
        "ws_control_messages",
    ];
    let mut read = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "json") || elsewhere.contains(&name.as_str()) {
            continue;
        }
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let understood = check_round_trip(&name, &value, reader(&name));
        assert!(understood.get("unread").is_none());
        read += 1;
    }
    assert!(read >= 110, "only {read} payloads were read");
    for name in elsewhere {
        let text = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap();
    }
    check_control_messages(&folder);
    check_error_set(&folder);
    let info: ExchangeInfo = decode(&std::fs::read(folder.join("exchange_info.json")).unwrap()).unwrap();
    assert_eq!((info.symbols.rows.len(), info.symbols.unread.len()), (4, 0));
}

fn check_error_set(folder: &Path) {
    use asterswarm::aster::errors::{Class, ErrorBody, classify};
    let errors: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("error_set.json")).unwrap()).unwrap();
    for error in errors {
        let status = u16::try_from(error["http"].as_u64().unwrap()).unwrap();
        let body = ErrorBody::find(&bytes(&error["body"])).unwrap();
        let expected = match (status, body.code) {
            (503, _) => Class::Settle,
            (429, _) => Class::Retry,
            (401, _) | (_, -5050 | -4061) => Class::Halt,
            (_, -4046 | -4059) => Class::Already,
            _ => Class::Refuse,
        };
        assert_eq!(classify(status, Some(&body)), expected, "{error}");
    }
}

fn check_control_messages(folder: &Path) {
    let read =
        |name: &str| -> Vec<Value> { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    for pair in read("ws_control_messages.json") {
        let request: Control = serde_json::from_value(pair["request"].clone()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&request.to_text()).unwrap(), pair["request"]);
        let frame = Frame::read(&bytes(&pair["response"])).unwrap();
        assert!(matches!(frame.body, Body::Done { id, .. } if id == request.id), "{pair}");
    }
    for refusal in read("ws_control_errors.json") {
        let frame = Frame::read(&bytes(&refusal)).unwrap();
        assert!(
            matches!(frame.body, Body::Refused { ref error, .. } if json!(error.code) == refusal["code"]),
            "{refusal}"
        );
    }
}

/// Every copy of a value in which one node was changed by `change`, which gives the replacements of a node.
fn variants(value: &Value, change: &dyn Fn(&Value) -> Vec<Value>) -> Vec<Value> {
    let mut all = change(value);
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                for variant in variants(inner, change) {
                    let mut copy = fields.clone();
                    copy.insert(key.clone(), variant);
                    all.push(Value::Object(copy));
                }
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate().take(2) {
                for variant in variants(inner, change) {
                    let mut copy = list.clone();
                    copy[at] = variant;
                    all.push(Value::Array(copy));
                }
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_changed_field_is_an_error_or_understood_but_never_a_panic() {
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(0.1),
        json!(u64::MAX),
        json!(""),
        json!("?"),
        json!("99999999999999999999999"),
        json!("-1e400"),
        json!("0.0000000000001"),
        json!([]),
        json!({}),
        json!([[[1]]]),
        json!({ "code": -1 }),
    ];
    let retype = |_: &Value| odd.to_vec();
    let drop_or_rename = |value: &Value| {
        let Value::Object(fields) = value else { return Vec::new() };
        let without = |key: &String| {
            let mut copy = fields.clone();
            copy.remove(key).map(|value| (copy, value))
        };
        fields
            .keys()
            .filter_map(without)
            .enumerate()
            .flat_map(|(at, (copy, value))| {
                let mut renamed = copy.clone();
                renamed.insert(format!("renamed{at}"), value);
                [Value::Object(copy), Value::Object(renamed)]
            })
            .collect()
    };
    let (mut refused, mut understood) = (0, 0);
    for (name, value, read) in shapes() {
        for variant in variants(&value, &retype).into_iter().chain(variants(&value, &drop_or_rename)) {
            match read(&bytes(&variant)) {
                Ok(meaning) => {
                    understood += 1;
                    // What was understood can be said again and means the same.
                    let again = read(&bytes(&meaning));
                    assert_eq!(again.as_ref(), Ok(&meaning), "{name}: {variant}");
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    assert!(refused > 3_000 && understood > 1_000, "{refused} refused, {understood} understood");
}

#[test]
fn fields_that_were_added_change_nothing() {
    let add = |value: &Value| match value {
        Value::Object(fields) => {
            let mut copy = fields.clone();
            copy.insert("addedLater".to_owned(), json!({ "x": [1, null] }));
            vec![Value::Object(copy)]
        }
        _ => Vec::new(),
    };
    for (name, value, read) in shapes() {
        let plain = read(&bytes(&value)).unwrap();
        for variant in variants(&value, &add) {
            assert_eq!(read(&bytes(&variant)).as_ref(), Ok(&plain), "{name}");
        }
    }
}

#[test]
fn half_a_text_is_never_an_answer() {
    for (name, value, read) in shapes() {
        let whole = bytes(&value);
        for length in 0..whole.len() {
            let error = read(&whole[..length]).expect_err(&name);
            let expected = matches!(error, WireError::Empty | WireError::Truncated { .. });
            assert!(expected || length > 0, "{name} cut to {length}: {error:?}");
        }
        assert_eq!(read(b"  \n"), Err(WireError::Empty), "{name}");
    }
}

#[test]
fn a_page_for_people_is_told_apart_from_json() {
    let page = "<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>";
    for (name, _, read) in shapes() {
        assert!(matches!(read(page.as_bytes()), Err(WireError::Html { .. })), "{name}");
        assert!(matches!(read(b"Service Unavailable"), Err(WireError::NotJson { .. })), "{name}");
        assert!(read(b"\xff\xfe{}").is_err(), "{name}");
    }
    let error = decode::<ListenKey>(b"{\"listenKey\":1,\"secret\":\"s3cr3t\"}").map(|_| ()).unwrap_err();
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

/// A field without which nothing may be concluded: missing, null and out of range are errors.
fn check_needed(name: &str, path: &[&str]) {
    let all: BTreeMap<_, _> = shapes().into_iter().map(|(name, value, read)| (name, (value, read))).collect();
    let (value, read) = &all[name];
    fn at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
        path.iter().fold(value, |value, step| match step.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[*step],
        })
    }
    for bad in [Value::Null, json!("93000000000000000000"), json!("1e30"), json!("x"), json!([])] {
        let mut copy = value.clone();
        *at(&mut copy, path) = bad.clone();
        let error = read(&bytes(&copy)).expect_err(&format!("{name} {path:?} as {bad}"));
        assert!(matches!(error, WireError::Shape { .. }), "{name} {path:?} as {bad}: {error}");
        if bad == json!("1e30") {
            assert!(error.to_string().contains("out of range") || error.to_string().contains("integer"), "{error}");
        }
    }
    let mut copy = value.clone();
    let (last, parents) = path.split_last().unwrap();
    at(&mut copy, parents).as_object_mut().unwrap().remove(*last);
    let error = read(&bytes(&copy)).expect_err(name).to_string();
    assert!(error.contains("missing field"), "{name} {path:?}: {error}");
}

#[test]
fn what_money_rests_on_must_be_there() {
    for (name, path) in [
        ("order", &["executedQty"][..]),
        ("order", &["origQty"]),
        ("orders", &["1", "executedQty"]),
        ("balance", &["0", "balance"]),
        ("balance", &["0", "availableBalance"]),
        ("position_risk", &["0", "positionAmt"]),
        ("position_risk", &["0", "entryPrice"]),
        ("position_risk", &["0", "liquidationPrice"]),
        ("account", &["positions", "0", "positionAmt"]),
        ("user_trades", &["0", "qty"]),
        ("user_trades", &["0", "commission"]),
        ("income", &["0", "income"]),
        ("commission_rate", &["takerCommissionRate"]),
        ("leverage_bracket", &["0", "brackets", "0", "maintMarginRatio"]),
        ("ORDER_TRADE_UPDATE", &["o", "l"]),
        ("ORDER_TRADE_UPDATE", &["o", "z"]),
        ("ORDER_TRADE_UPDATE", &["o", "L"]),
        ("ACCOUNT_UPDATE", &["a", "P", "0", "pa"]),
        ("ACCOUNT_UPDATE", &["a", "B", "0", "wb"]),
        ("bookTicker", &["b"]),
        ("depthUpdate", &["pu"]),
        ("kline", &["k", "c"]),
    ] {
        check_needed(name, path);
    }
}

#[test]
fn numbers_and_flags_are_read_in_either_form() {
    let mut order = own("answers.json")["order"].clone();
    let plain: OrderAnswer = serde_json::from_value(order.clone()).unwrap();
    order["orderId"] = json!("51001");
    order["updateTime"] = json!("1735689600123");
    order["price"] = json!(151.25);
    order["executedQty"] = json!("0E-8");
    order["reduceOnly"] = json!("FALSE");
    assert_eq!(decode::<OrderAnswer>(&bytes(&order)), Ok(plain));
}

#[test]
fn words_that_are_not_known_are_kept() {
    let mut order = own("answers.json")["order"].clone();
    order["status"] = json!("PAUSED");
    let answer: OrderAnswer = decode(&bytes(&order)).unwrap();
    assert_eq!((answer.status.as_str(), answer.status.is_final()), ("PAUSED", None));
    let other = Frame::read(br#"{"e":"futureEvent","E":1,"x":{"y":[1]}}"#).unwrap();
    assert_eq!(other.body, Body::Event(Event::Other { kind: "futureEvent".to_owned() }));
}

#[test]
fn an_event_is_read_whatever_the_order_of_its_fields_and_wrapped_or_bare() {
    for (name, value) in own("events.json") {
        let plain = Frame::read(&bytes(&value)).unwrap().body;
        let reversed: Map<String, Value> = value.as_object().unwrap().clone().into_iter().rev().collect();
        assert_eq!(Frame::read(&bytes(&Value::Object(reversed))).unwrap().body, plain, "{name}");
        let spaced = serde_json::to_vec_pretty(&value).unwrap();
        assert_eq!(Frame::read(&spaced).unwrap().body, plain, "{name}");
        for wrapped in [json!({ "stream": "x@y", "data": value }), json!({ "data": value, "stream": "x@y" })] {
            let frame = Frame::read(&bytes(&wrapped)).unwrap();
            assert_eq!((frame.stream.as_deref(), frame.body), (Some("x@y"), plain.clone()), "{name}");
        }
        let Body::Event(event) = plain else { panic!("{name} is one event") };
        assert_eq!(event.kind(), name);
        assert_eq!(Frame::read(&bytes(&json!([value, value]))).unwrap().body, Body::Events(vec![event.clone(), event]));
    }
}

#[test]
fn an_exotic_symbol_does_not_hide_the_others() {
    let mut info = own("answers.json")["exchange_info"].clone();
    let mut exotic = info["symbols"][0].clone();
    exotic["symbol"] = json!("TINYUSDT");
    exotic["filters"][0]["tickSize"] = json!("0.0000000001");
    info["symbols"].as_array_mut().unwrap().push(exotic);
    let info: ExchangeInfo = decode(&bytes(&info)).unwrap();
    assert_eq!(info.symbols.rows.len(), 1);
    let (symbol, why) = &info.symbols.unread[0];
    assert_eq!(symbol, "TINYUSDT");
    assert!(why.contains("PRICE_FILTER") && why.contains("more than 8 decimals"), "{why}");
}

#[test]
fn a_symbol_becomes_the_cores_instrument() {
    let answers = own("answers.json");
    let info: ExchangeInfo = serde_json::from_value(answers["exchange_info"].clone()).unwrap();
    let Many(brackets): Many<SymbolBrackets> = serde_json::from_value(answers["leverage_bracket_one"].clone()).unwrap();
    let symbol = &info.symbols.rows[0];
    let instrument = symbol.instrument(&brackets[0].brackets).unwrap();
    assert_eq!((instrument.tick, instrument.step), ("0.01".parse().unwrap(), "0.01".parse().unwrap()));
    assert_eq!((instrument.max_qty, instrument.max_market_qty), (Qty::whole(80_000), Qty::whole(4_000)));
    assert_eq!((instrument.min_notional, instrument.price_band), (Usd::whole(5), Rate::percent(5)));
    assert_eq!(instrument.maintenance_margin(Usd::whole(50_000)), Usd::whole(950));
    assert_eq!(symbol.instrument(&[]), Err(InstrumentError::NoBrackets { symbol: "SOLUSDT".to_owned() }));

    let broken = |change: &dyn Fn(&mut Value)| {
        let mut info = answers["exchange_info"].clone();
        change(&mut info["symbols"][0]["filters"]);
        let info: ExchangeInfo = serde_json::from_value(info).unwrap();
        info.symbols.rows[0].instrument(&brackets[0].brackets)
    };
    let missing = broken(&|filters| filters[0]["filterType"] = json!("OTHER"));
    assert!(matches!(missing, Err(InstrumentError::NoFilter { filter: "PRICE_FILTER", .. })));
    let no_step = broken(&|filters| filters[1]["stepSize"] = json!("0"));
    assert!(matches!(no_step, Err(InstrumentError::NoStep { filter: "LOT_SIZE", .. })));
    let off_grid = broken(&|filters| filters[0]["minPrice"] = json!("0.055"));
    assert!(matches!(off_grid, Err(InstrumentError::OffGrid { filter: "PRICE_FILTER", .. })));
}

/// A request is written as this text, and read back from it as the same request.
fn check_request<P: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug, A>(call: Call<P, A>, text: &str) {
    let written = Pairs::of(&call.params).unwrap().into_text();
    assert_eq!(written, text);
    let read: P = read_request(&read_pairs(&written).unwrap()).unwrap();
    assert_eq!(read, call.params);
}

fn core_order(kind: model::OrderKind) -> model::Order {
    model::Order {
        id: model::OrderId { intent: model::IntentId { agent: model::AgentId(3), number: 9 }, leg: 0 },
        portfolio: model::PortfolioId(0),
        symbol: model::SymbolId(0),
        side: model::Side::Buy,
        kind,
        qty: "2.4".parse().unwrap(),
        reduce_only: false,
        close_position: false,
        leverage: 5,
        purpose: model::Purpose::Entry,
    }
}

#[test]
fn requests_are_written_as_documented_and_read_back() {
    use model::OrderKind;
    let new = |order: &model::Order| NewOrder::from_core(order, "SOLUSDT", "sw-3-9-0");
    let limit = core_order(OrderKind::Limit { price: "151.25".parse().unwrap(), tif: model::TimeInForce::PostOnly });
    check_request(
        calls::place_order(new(&limit)),
        "newClientOrderId=sw-3-9-0&newOrderRespType=RESULT&price=151.25&quantity=2.4&side=BUY&symbol=SOLUSDT\
         &timeInForce=GTX&type=LIMIT",
    );
    let market = model::Order { reduce_only: true, side: model::Side::Sell, ..core_order(OrderKind::Market) };
    check_request(
        calls::place_order(new(&market)),
        "newClientOrderId=sw-3-9-0&newOrderRespType=RESULT&quantity=2.4&reduceOnly=true&side=SELL&symbol=SOLUSDT&type=MARKET",
    );
    let stop = model::Order {
        close_position: true,
        reduce_only: true,
        ..core_order(OrderKind::StopMarket { trigger: Price::whole(140) })
    };
    check_request(
        calls::place_order(new(&stop)),
        "closePosition=true&newClientOrderId=sw-3-9-0&side=BUY&stopPrice=140&symbol=SOLUSDT&type=STOP_MARKET\
         &workingType=MARK_PRICE",
    );
    let trailing = core_order(OrderKind::TrailingStopMarket { activation: None, callback: Rate::bps(150) });
    let trailing = new(&trailing);
    assert_eq!(trailing.callback_rate, Some("1.5".parse().unwrap()));
    assert_eq!(trailing.fault(), None);
    check_request(calls::cancel_order(OrderRef::by_client_id("SOLUSDT", "a")), "origClientOrderId=a&symbol=SOLUSDT");
    check_request(calls::query_order(OrderRef::by_id("SOLUSDT", 7)), "orderId=7&symbol=SOLUSDT");
    let batch = CancelBatch { order_id_list: Some(vec![1, 2]), orig_client_order_id_list: None, symbol: "A".into() };
    check_request(calls::cancel_batch(batch), "orderIdList=%5B1%2C2%5D&symbol=A");
    check_request(calls::set_dual_side(false), "dualSidePosition=false");
    check_request(calls::set_leverage("A", 5), "leverage=5&symbol=A");
    check_request(calls::open_orders(None), "");
    check_request(calls::depth("A", 20), "limit=20&symbol=A");
    let orders = vec![new(&market)];
    check_request(
        calls::batch_orders(orders),
        "batchOrders=%5B%7B%22newClientOrderId%22%3A%22sw-3-9-0%22%2C%22newOrderRespType%22%3A%22RESULT%22%2C%22quantity\
         %22%3A%222.4%22%2C%22reduceOnly%22%3A%22true%22%2C%22side%22%3A%22SELL%22%2C%22symbol%22%3A%22SOLUSDT%22%2C%22\
         type%22%3A%22MARKET%22%7D%5D",
    );
}

#[test]
fn strategies_say_what_each_leg_waits_for() {
    let order = |kind| NewOrder::from_core(&core_order(kind), "SOLUSDT", "x");
    let market = || order(model::OrderKind::Market);
    let strategy = PlaceStrategy::entry_with_exits(market(), market(), market());
    let call = calls::place_strategy(strategy);
    assert_eq!((call.orders, call.weight), (3, 50));
    let text = Pairs::of(&call.params).unwrap().into_text();
    let read: PlaceStrategy = read_request(&read_pairs(&text).unwrap()).unwrap();
    assert_eq!(read, call.params);
    let legs = &read.sub_order_list;
    assert_eq!(legs.iter().map(|leg| leg.strategy_sub_id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((legs[0].first_driven_id, legs[1].first_driven_id, legs[2].first_driven_id), (None, Some(1), Some(1)));
    assert_eq!((legs[1].second_driven_id, legs[2].second_driven_id), (Some(3), Some(2)));
    assert_eq!(legs[2].second_trigger, Some(LegTrigger::CancelOrder));
}

#[test]
fn an_order_that_every_venue_refuses_is_found_before_it_is_sent() {
    let limit = core_order(model::OrderKind::Limit { price: Price::whole(1), tif: model::TimeInForce::Gtc });
    let good = NewOrder::from_core(&limit, "SOLUSDT", "sw-1");
    assert_eq!(good.fault(), None);
    let changes: [fn(&mut NewOrder); 9] = [
        |order| order.new_client_order_id = None,
        |order| order.new_client_order_id = Some("x".repeat(37)),
        |order| order.new_client_order_id = Some("a b".to_owned()),
        |order| order.quantity = Some(Qty::ZERO),
        |order| order.price = None,
        |order| order.time_in_force = None,
        |order| order.close_position = Some(true),
        |order| order.order_type = OrderType::StopMarket,
        |order| order.order_type = OrderType::TrailingStopMarket,
    ];
    for change in changes {
        let mut order = good.clone();
        change(&mut order);
        assert!(order.fault().is_some(), "{order:?}");
    }
}

#[test]
fn an_average_price_is_derived_where_it_is_not_answered() {
    let order = |avg: Value, quote: Value, executed: &str| {
        let mut value = own("answers.json")["order"].clone();
        (value["avgPrice"], value["cumQuote"], value["executedQty"]) = (avg, quote, json!(executed));
        decode::<OrderAnswer>(&bytes(&value)).unwrap().average_price()
    };
    assert_eq!(order(json!("151.3"), json!("0"), "1"), Some("151.3".parse().unwrap()));
    assert_eq!(order(json!("0.000"), json!("302.5"), "2"), Some("151.25".parse().unwrap()));
    assert_eq!(order(Value::Null, json!("1"), "3"), Some("0.33333333".parse().unwrap()));
    assert_eq!(order(Value::Null, json!("0"), "0"), None);
    assert_eq!(order(Value::Null, json!("92000000000"), "0.00000001"), None);
}
