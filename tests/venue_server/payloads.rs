//! Every documented sample beside what the venue answers: the same fields, of the same kinds of JSON.
//!
//! The samples stand beside the workspace (`../shared/aster/payloads`); where they do not, this is skipped and says so.

use crate::support::{Desk, limit, market, stop};
use asterswarm::aster::sign::Pairs;
use asterswarm::aster::wire::{
    Call, CancelBatch, ChangeMargin, Empty, ForcedOrders, IncomeHistory, KlineInterval, KlineQuery, MarginHistory,
    MarginType, MarketQuery, ModifyOrder, NewChase, NewOrder, OrderRef, OrderType, PlaceStrategy, PositionSide,
    QuantityUnit, QueryStrategy, ResponseType, Side, StrategyType, TimeInForce, Transfer, TransferKind, UpdateStrategy,
    UserTrades, calls,
};
use asterswarm::venue_server::Request;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Samples that are not compared, and why.
const APART: &[(&str, &str)] = &[
    ("exchange_info_docs_shape", "another name of a field: the live one is served"),
    ("index_references", "not served"),
    ("all_open_orders_delete", "the code as a text: the number is served"),
    ("leverage_bracket_symbol", "one object: the list is served"),
    ("v1_remaining_openable_notional", "not served"),
    ("migrate_user", "not served"),
    ("migrate_user_history", "not served"),
    ("announcement_direct", "not served"),
    ("announcement_direct_by_id", "not served"),
    ("builder_list", "always empty here"),
    ("order_new_string_ids", "numbers are served as numbers"),
    ("order_get_without_time", "the time is always there"),
    ("position_risk_docs_shape", "the live shape has more"),
    ("position_risk_flat", "rows with 0 are served"),
    ("user_order_adl", "nobody is deleveraged"),
    ("user_margin_call", "never sent"),
    ("user_listen_key_expired_with_key", "the documented one is served"),
    ("user_trades_negative_commission", "a cost is positive"),
    ("depth_sync_scenario", "a scenario"),
    ("ws_announcement", "not served"),
    ("ws_tradepro", "not served"),
    ("ws_control_errors", "pairs; see streams"),
    ("ws_control_messages", "pairs; see streams"),
    ("ws_combined_wrapper", "see streams"),
    ("user_order_partially_filled", "fills are whole"),
];

/// Fields of samples that are not served: of the live venue only, or without meaning.
const LEFT_OUT: &[&str] = &[
    ".k.B",
    ".o.pP",
    ".o.si",
    ".o.ss",
    ".symbols.symbolType",
    ".symbols.tradingMode",
    ".symbols.name",
    ".symbols.channel",
    ".symbols.sequenceNo",
    ".symbols.twapMinNotional",
    ".symbols.imn",
    ".symbols.tags",
    ".symbols.createTime",
];

fn samples() -> Option<BTreeMap<String, Value>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/aster/payloads");
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("SKIPPED: there are no samples at {folder}");
        return None;
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let sample = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    Some(paths.map(sample).collect())
}

/// Kinds of JSON by the path of each field, those of all elements of a list together.
fn shape(value: &Value, at: &str, out: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    out.entry(at.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(list) => list.iter().for_each(|element| shape(element, at, out)),
        Value::Object(map) => map.iter().for_each(|(key, value)| shape(value, &format!("{at}.{key}"), out)),
        _ => {}
    }
}

/// What of a sample is in none of the answers, and what is of another kind.
fn differences(sample: &Value, ours: &[Value]) -> Vec<String> {
    let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
    shape(sample, "", &mut expected);
    ours.iter().for_each(|ours| shape(ours, "", &mut found));
    let mut all = Vec::new();
    for (path, kinds) in &expected {
        match found.get(path) {
            None if LEFT_OUT.contains(&path.as_str()) || kinds.contains("null") => {}
            None => all.push(format!("{path} is missing")),
            Some(ours) if ours.is_subset(kinds) || ours.contains("null") => {}
            Some(ours) => all.push(format!("{path} is {ours:?} and not {kinds:?}")),
        }
    }
    all
}

/// Answers by the names of the samples.
#[derive(Default)]
struct Answers(BTreeMap<&'static str, Vec<Value>>);

impl Answers {
    fn take<P: Serialize, A>(&mut self, desk: &mut Desk, name: &'static str, call: &Call<P, A>) -> Value {
        let request = desk.request(call);
        let answer = desk.send(&request);
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        self.0.entry(name).or_default().push(value.clone());
        value
    }

    /// A call that our client has no use for.
    fn raw(&mut self, desk: &mut Desk, name: &'static str, method: &str, path: &str, parameters: &impl Serialize) {
        let pairs = Pairs::of(parameters).unwrap();
        let signed = desk.credentials.sign(pairs, &mut desk.nonces, desk.clock).into_string();
        let (query, body) = if method == "GET" { (signed, String::new()) } else { (String::new(), signed) };
        let answer =
            desk.send(&Request { method: method.into(), path: path.into(), query, body, ..Request::default() });
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        self.0.entry(name).or_default().push(serde_json::from_str(&answer.body).unwrap());
    }
}

/// What our client does not ask for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Protection {
    frozen_time_in_milliseconds: u32,
    qty_limit: u32,
    symbol: &'static str,
    value_limit: u32,
    window_time_in_milliseconds: u32,
}

fn symbol() -> MarketQuery {
    MarketQuery { symbol: Some("SOLUSDT".to_owned()), ..MarketQuery::default() }
}

fn public(desk: &mut Desk, answers: &mut Answers) {
    let klines = |pair| KlineQuery {
        end_time: None,
        interval: KlineInterval::M1,
        limit: Some(3),
        pair,
        start_time: None,
        symbol: Some("SOLUSDT".to_owned()),
    };
    answers.take(desk, "ping", &calls::ping());
    answers.take(desk, "time", &calls::time());
    answers.take(desk, "exchange_info", &calls::exchange_info());
    answers.take(desk, "depth", &calls::depth("SOLUSDT", 5));
    answers.take(desk, "trades", &calls::trades(symbol()));
    answers.take(desk, "historical_trades", &calls::historical_trades(symbol()));
    answers.take(desk, "agg_trades", &calls::agg_trades(symbol()));
    answers.take(desk, "klines", &calls::klines(klines(None)));
    answers.take(desk, "mark_price_klines", &calls::mark_price_klines(klines(None)));
    answers.take(desk, "index_price_klines", &calls::index_price_klines(klines(Some("SOLUSDT".to_owned()))));
    answers.take(desk, "premium_index", &calls::premium_index(Some("SOLUSDT")));
    answers.take(desk, "premium_index_all", &calls::premium_index(None));
    answers.take(desk, "funding_rate", &calls::funding_rate(symbol()));
    answers.take(desk, "funding_info", &calls::funding_info(None));
    answers.take(desk, "ticker_24hr", &calls::ticker_24h(Some("SOLUSDT")));
    answers.take(desk, "ticker_24hr_all", &calls::ticker_24h(None));
    answers.take(desk, "ticker_price", &calls::ticker_price(Some("SOLUSDT")));
    answers.take(desk, "ticker_price_all", &calls::ticker_price(None));
    answers.take(desk, "ticker_book", &calls::ticker_book(Some("SOLUSDT")));
    answers.take(desk, "ticker_book_all", &calls::ticker_book(None));
}

fn orders(desk: &mut Desk, answers: &mut Answers) {
    let trailing = NewOrder {
        quantity: Some("1".parse().unwrap()),
        callback_rate: Some("1".parse().unwrap()),
        activation_price: Some("90".parse().unwrap()),
        ..NewOrder::new("SOLUSDT", Side::Buy, OrderType::TrailingStopMarket)
    };
    answers.take(desk, "order_new_trailing", &calls::place_order(trailing));
    let order = answers.take(desk, "order_new_limit_ack", &calls::place_order(limit(Side::Buy, "1", "99")));
    let id = order["orderId"].as_u64().unwrap();
    let named = || OrderRef::by_id("SOLUSDT", id);
    answers.take(desk, "order_get", &calls::query_order(named()));
    answers.take(desk, "open_order", &calls::open_order(named()));
    answers.take(desk, "open_orders", &calls::open_orders(None));
    let (price, quantity) = ("98".parse().unwrap(), "2".parse().unwrap());
    let change =
        ModifyOrder { order_id: Some(id), orig_client_order_id: None, price, quantity, symbol: "SOLUSDT".into() };
    answers.take(desk, "order_modify", &calls::modify_order(change));
    answers.take(desk, "order_cancel", &calls::cancel_order(named()));
    answers.take(desk, "order_new_market_result", &calls::place_order(market(Side::Buy, "1")));
    let mut immediate = limit(Side::Buy, "1", "98");
    (immediate.time_in_force, immediate.new_order_resp_type) = (Some(TimeInForce::Ioc), Some(ResponseType::Result));
    answers.take(desk, "order_new_ioc_expired_result", &calls::place_order(immediate));
    answers.take(desk, "order_new_stop_market_close_position", &calls::place_order(stop(Side::Sell, "95")));
    let batch = vec![limit(Side::Buy, "1", "97"), limit(Side::Buy, "1", "200")];
    let placed = answers.take(desk, "batch_orders_post", &calls::batch_orders(batch));
    let ids = vec![placed[0]["orderId"].as_u64().unwrap(), 999];
    let cancels =
        CancelBatch { order_id_list: Some(ids), orig_client_order_id_list: None, symbol: "SOLUSDT".to_owned() };
    answers.take(desk, "batch_orders_delete", &calls::cancel_batch(cancels));
    answers.take(desk, "countdown_cancel_all", &calls::countdown_cancel_all("SOLUSDT", 0));
    answers.take(desk, "all_open_orders_delete_number", &calls::cancel_all("SOLUSDT"));
    let all = asterswarm::aster::wire::AllOrders {
        end_time: None,
        limit: None,
        order_id: None,
        start_time: None,
        symbol: "SOLUSDT".to_owned(),
    };
    answers.take(desk, "all_orders", &calls::all_orders(all));
    answers.take(desk, "noop", &calls::noop());
}

fn strategies(desk: &mut Desk, answers: &mut Answers) {
    let strategy = PlaceStrategy::entry_with_exit(limit(Side::Buy, "1", "98"), stop(Side::Sell, "95"));
    let legs = strategy.sub_order_list.clone();
    let placed = answers.take(desk, "strategy_place", &calls::place_strategy(strategy));
    let id = placed["strategyId"].as_u64().unwrap();
    let update =
        UpdateStrategy { strategy_id: id, strategy_type: StrategyType::Oto, sub_order_list: vec![legs[1].clone()] };
    answers.take(desk, "strategy_update", &calls::update_strategy(update));
    let query = || QueryStrategy {
        client_strategy_id: None,
        end_time: None,
        limit: None,
        start_time: None,
        strategy_id: Some(id),
        strategy_type: StrategyType::Oto,
    };
    answers.take(desk, "strategy_open_order", &calls::strategy_open_order(query()));
    answers.take(desk, "strategy_history_order", &calls::strategy_history_order(query()));
    let chase = NewChase {
        chase_offset: Some("0.5".parse().unwrap()),
        client_strategy_id: None,
        max_chase_offset: Some("40".parse().unwrap()),
        max_chase_offset_type: None,
        position_side: None,
        quantity: "1".parse().unwrap(),
        quantity_unit: QuantityUnit::Base,
        reduce_only: None,
        side: Side::Buy,
        symbol: "SOLUSDT".to_owned(),
        time_in_force: None,
    };
    let chased = answers.take(desk, "chase_live_shape", &calls::chase(chase));
    answers.0.entry("chase_docs_shape").or_default().push(chased);
    desk.ask(&calls::cancel_all("SOLUSDT")).unwrap();
}

fn account(desk: &mut Desk, answers: &mut Answers) {
    answers.take(desk, "balance", &calls::balance());
    answers.take(desk, "account_with_join_margin", &calls::account());
    answers.take(desk, "position_risk_one_way", &calls::position_risk(None));
    let trades =
        UserTrades { end_time: None, from_id: None, limit: None, start_time: None, symbol: "SOLUSDT".to_owned() };
    answers.take(desk, "user_trades", &calls::user_trades(trades));
    let income = IncomeHistory { end_time: None, income_type: None, limit: None, start_time: None, symbol: None };
    answers.take(desk, "income", &calls::income(income));
    answers.take(desk, "leverage_bracket_all", &calls::leverage_bracket(None));
    answers.take(desk, "leverage_bracket_symbol_array", &calls::leverage_bracket(Some("SOLUSDT")));
    answers.take(desk, "adl_quantile", &calls::adl_quantile(None));
    answers.take(desk, "commission_rate", &calls::commission_rate("SOLUSDT"));
    answers.take(desk, "leverage_post", &calls::set_leverage("SOLUSDT", 10));
    answers.take(desk, "multi_assets_margin_get", &calls::multi_assets());
    answers.take(desk, "stp_mode_get", &calls::stp_mode());
    let (amount, client_tran_id) = ("5".parse().unwrap(), "one".to_owned());
    let transfer = Transfer { amount, asset: "USDT".into(), client_tran_id, kind_type: TransferKind::FutureSpot };
    answers.take(desk, "wallet_transfer", &calls::transfer(transfer));
    answers.take(desk, "agent_list", &calls::agents());
    answers.raw(desk, "sub_account_list", "GET", "/fapi/v3/getSubAccountList", &Empty {});
    let protection = Protection {
        frozen_time_in_milliseconds: 15_000,
        qty_limit: 25,
        symbol: "SOLUSDT",
        value_limit: 1_500_000,
        window_time_in_milliseconds: 5_000,
    };
    answers.raw(desk, "mmp_write", "POST", "/fapi/v3/mmp", &protection);
    answers.raw(desk, "mmp_get", "GET", "/fapi/v3/mmp", &Empty {});
    answers.take(desk, "listen_key_post", &calls::start_user_stream());
    answers.take(desk, "listen_key_put", &calls::keep_user_stream());
}

/// Both sides of an isolated symbol.
fn hedge(desk: &mut Desk, answers: &mut Answers) {
    desk.ask(&calls::place_order(market(Side::Sell, "1"))).unwrap();
    answers.take(desk, "generic_success", &calls::set_dual_side(true));
    answers.take(desk, "position_side_dual_get", &calls::dual_side());
    answers.take(desk, "adl_quantile", &calls::adl_quantile(None));
    answers.take(desk, "generic_success", &calls::set_margin_type("SOLUSDT", MarginType::Isolated));
    for (stance, side) in [(PositionSide::Long, Side::Buy), (PositionSide::Short, Side::Sell)] {
        desk.ask(&calls::place_order(NewOrder { position_side: Some(stance), ..market(side, "2") })).unwrap();
    }
    answers.take(desk, "position_risk_hedge", &calls::position_risk(Some("SOLUSDT")));
    let change = ChangeMargin {
        amount: "5".parse().unwrap(),
        position_side: Some(PositionSide::Long),
        symbol: "SOLUSDT".to_owned(),
        margin_change: 1,
    };
    answers.take(desk, "position_margin_post", &calls::change_margin(change));
    let history =
        MarginHistory { end_time: None, limit: None, start_time: None, symbol: "SOLUSDT".into(), margin_change: None };
    answers.take(desk, "position_margin_history", &calls::margin_history(history));
    desk.control("POST", "funding", r#"{"symbol":"SOLUSDT","rate":"0.0001"}"#);
    desk.price("85");
    desk.price("118");
    let forced = ForcedOrders { auto_close_type: None, end_time: None, limit: None, start_time: None, symbol: None };
    answers.take(desk, "force_orders", &calls::force_orders(forced));
}

/// Events by the names of the samples, by what they are and carry.
fn events(answers: &mut Answers, frames: &[String]) {
    for text in frames {
        let value: Value = serde_json::from_str(text).unwrap();
        let data = value.get("data").unwrap_or(&value);
        let stream = value["stream"].as_str().unwrap_or_default();
        let is = |wanted: &str| stream.contains(wanted);
        let (kind, order) = (data["e"].as_str().unwrap_or_default(), &data["o"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name: &'static str = match kind {
            "aggTrade" => "ws_agg_trade",
            "bookTicker" => "ws_book_ticker",
            "markPriceUpdate" => "ws_mark_price",
            "kline" if data["k"]["x"] == true => "ws_kline_closed",
            "kline" => "ws_kline_open",
            "depthUpdate" if is("depth5") => "ws_depth_partial_5",
            "depthUpdate" => "ws_depth_diff",
            "24hrMiniTicker" => "ws_mini_ticker",
            "24hrTicker" => "ws_ticker",
            "forceOrder" => "ws_force_order",
            "" if is("markPrice@arr") => "ws_mark_price_arr",
            "" if is("miniTicker@arr") => "ws_mini_ticker_arr",
            "" if is("ticker@arr") => "ws_ticker_arr",
            "listenKeyExpired" => "user_listen_key_expired",
            "ACCOUNT_CONFIG_UPDATE" if data["ac"].is_object() => "user_account_config_leverage",
            "ACCOUNT_CONFIG_UPDATE" => "user_account_config_modes",
            "ACCOUNT_UPDATE" => {
                let update = &data["a"];
                let positions = update["P"].as_array().unwrap();
                match (text(&update["m"]).as_str(), positions.first()) {
                    ("FUNDING_FEE", None) => "user_account_update_funding_cross",
                    ("FUNDING_FEE", _) => "user_account_update_funding_isolated",
                    ("DEPOSIT" | "WITHDRAW", _) => "user_account_update_deposit",
                    ("ORDER", Some(row)) if row["pa"] == "0" => "user_account_update_close",
                    ("ORDER", Some(row)) if row["ps"] != "BOTH" => "user_account_update_hedge",
                    ("ORDER", _) => "user_account_update_order",
                    _ => continue,
                }
            }
            "ORDER_TRADE_UPDATE" => match (text(&order["x"]).as_str(), text(&order["ot"]).as_str()) {
                ("NEW", "TRAILING_STOP_MARKET") => "user_order_trailing_new",
                ("NEW", "STOP_MARKET") if order["o"] == "MARKET" => "user_order_stop_triggered",
                ("NEW", _) => "user_order_new",
                ("CANCELED", _) => "user_order_canceled",
                ("EXPIRED", _) => "user_order_expired",
                ("CALCULATED", _) => "user_order_liquidation",
                ("TRADE", _) if order["R"] == true => "user_order_market_reduce_filled",
                ("TRADE", _) => "user_order_filled",
                _ => continue,
            },
            _ => continue,
        };
        answers.0.entry(name).or_default().push(data.clone());
    }
}

#[test]
fn answers_and_events_are_shaped_like_the_documented_samples() {
    let Some(samples) = samples() else { return };
    let (mut desk, mut answers) = (Desk::new(), Answers::default());
    let mut setup = crate::support::setup();
    setup.accounts[0].signers.push("0x2222222222222222222222222222222222222222".parse().unwrap());
    let tape = crate::support::Still { candles: 12, played: 0, symbols: 2 };
    setup.market = asterswarm::venue_server::Market::Candles(Box::new(tape));
    desk.venue = asterswarm::venue_server::Venue::new(setup);
    let key = desk.ask(&calls::start_user_stream()).unwrap().listen_key;
    let names = "solusdt@aggTrade/solusdt@bookTicker/solusdt@markPrice/solusdt@kline_1m/solusdt@depth/solusdt@depth5/\
        solusdt@miniTicker/solusdt@ticker/!markPrice@arr/!miniTicker@arr/!ticker@arr/!forceOrder@arr";
    desk.venue.connect("/stream", &format!("streams={names}/{key}")).unwrap();
    desk.control("POST", "step", r#"{"ms":60000}"#);
    desk.price("101");
    desk.price("100");
    public(&mut desk, &mut answers);
    orders(&mut desk, &mut answers);
    desk.control("POST", "funding", r#"{"symbol":"SOLUSDT","rate":"0.0001"}"#);
    public(&mut desk, &mut answers);
    strategies(&mut desk, &mut answers);
    account(&mut desk, &mut answers);
    let reduce = NewOrder { reduce_only: Some(true), ..market(Side::Sell, "0.5") };
    desk.ask(&calls::place_order(reduce)).unwrap();
    desk.ask(&calls::place_order(market(Side::Buy, "0.5"))).unwrap();
    hedge(&mut desk, &mut answers);
    desk.price("100");
    let long = |order| NewOrder { position_side: Some(PositionSide::Long), ..order };
    desk.ask(&calls::place_order(long(market(Side::Buy, "1")))).unwrap();
    desk.ask(&calls::place_order(long(stop(Side::Sell, "95")))).unwrap();
    desk.price("94");
    desk.control("POST", "expire-listen-key", r#"{"account":"paper-1"}"#);
    answers.take(&mut desk, "listen_key_delete", &calls::end_user_stream());
    let frames = desk.frames();
    events(&mut answers, &frames);
    let mut wrong = Vec::new();
    for (name, sample) in &samples {
        let is_apart = APART.iter().any(|(apart, _)| apart == name) || name.starts_with("error_");
        match answers.0.get(name.as_str()) {
            _ if is_apart => {}
            None => wrong.push(format!("{name}: no answer is compared with it")),
            Some(ours) => {
                let found = differences(sample, ours);
                wrong.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
