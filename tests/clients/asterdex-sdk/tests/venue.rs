//! The crate `asterdex-sdk`, as its own documentation uses it, against `swarm venue`: every call and stream of its public
//! surface that the venue serves, and, at the end, where the crate itself differs from AsterDEX's documents.
//!
//! `cargo build` in the workspace first, then `cargo test` here. `SWARM` names another binary.

use asterdex_sdk::futures::models::account::MmpUpdateParams;
use asterdex_sdk::futures::models::trading::{
    AllOrdersParams, CountdownParams, GetOrderParams, IncomeParams, PositionMarginParams, UserTradesParams,
};
use asterdex_sdk::{
    AsterDexError, BookTickerShape, CancelOrderParams, Credentials, KlineInterval, MarkPriceShape, ModifyOrderParams,
    PlaceOrderParams, Ticker24hrShape, TickerPriceShape, UserDataEvent, WebSocketClient, WebSocketMessage,
    futures::FuturesClient,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SYMBOL: &str = "BTCUSDT";

/// The venue, a process of its own.
struct Venue {
    child: Child,
    address: String,
    /// Of the first account, as the venue prints it.
    user: String,
}

fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("SWARM") {
        return named.into();
    }
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target");
    let built = ["debug", "release"].map(|profile| PathBuf::from(target).join(profile).join("swarm"));
    let found = built.into_iter().find(|path| path.exists());
    found.expect("no swarm to test: run `cargo build` in the workspace, or name one by SWARM")
}

impl Venue {
    fn start() -> Self {
        let arguments = ["venue", "--listen", "127.0.0.1:0", "--no-limits", "--speed", "hand"];
        let mut child = Command::new(binary()).args(arguments).stdout(Stdio::piped()).spawn().expect("swarm starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
        let mut line = || lines.next().expect("it says where it listens").expect("in text");
        let word_after = |line: &str, word: &str| {
            let rest = line.split_once(word).expect("the line has the word").1;
            rest.split_whitespace().next().expect("and one after it").to_owned()
        };
        let address = word_after(&line(), "http://");
        let user = word_after(&line(), " user ");
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, user }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Of account `paper-1`, by both of the networks' chains.
    fn client(&self, chain: u64) -> FuturesClient {
        let credentials = Credentials::new(&self.user, &self.user, &"01".repeat(32), chain).expect("a key");
        FuturesClient::new(&self.url(), credentials).expect("a client")
    }

    /// The hand that no exchange has.
    fn control(&self, path: &str, body: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        write!(
            stream,
            "POST /control/{path} HTTP/1.1\r\nHost: venue\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
    }

    /// Moves the price by so many tenths of a percent.
    async fn move_price(&self, client: &FuturesClient, per_mille: f64) {
        let price = (price(client).await * (1.0 + per_mille / 1_000.0) * 10.0).round() / 10.0;
        self.control("price", &format!(r#"{{"symbol":"{SYMBOL}","price":"{price:.1}"}}"#));
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn price(client: &FuturesClient) -> f64 {
    match client.get_ticker_price(Some(SYMBOL)).await.expect("a price").data {
        TickerPriceShape::Single(ticker) => ticker.price.parse().expect("a number"),
        TickerPriceShape::Multi(_) => panic!("one was asked for"),
    }
}

/// A price so many tenths of a percent from the last, on the tick.
async fn near(client: &FuturesClient, per_mille: f64) -> String {
    format!("{:.1}", price(client).await * (1.0 + per_mille / 1_000.0))
}

fn market(side: &str, quantity: &str) -> PlaceOrderParams {
    PlaceOrderParams {
        symbol: SYMBOL.into(),
        side: side.into(),
        order_type: "MARKET".into(),
        quantity: quantity.into(),
        new_order_resp_type: Some("RESULT".into()),
        ..PlaceOrderParams::default()
    }
}

fn limit(side: &str, quantity: &str, price: String) -> PlaceOrderParams {
    PlaceOrderParams {
        symbol: SYMBOL.into(),
        side: side.into(),
        order_type: "LIMIT".into(),
        quantity: quantity.into(),
        price: Some(price),
        time_in_force: Some("GTC".into()),
        ..PlaceOrderParams::default()
    }
}

fn code<T>(result: Result<T, AsterDexError>) -> i64 {
    match result {
        Ok(_) => 0,
        Err(AsterDexError::ApiError { code, .. }) => code,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_is_read_by_everybody() {
    let venue = Venue::start();
    let client = FuturesClient::new_public(&venue.url()).unwrap();
    client.ping().await.unwrap();
    assert!(client.get_server_time().await.unwrap().data.server_time > 1_700_000_000_000);
    let info = client.get_exchange_info().await.unwrap().data;
    let contract = info.symbols.iter().find(|contract| contract.symbol == SYMBOL).unwrap();
    assert_eq!((contract.quote_asset.as_str(), contract.status.as_str()), ("USDT", "TRADING"));
    assert!(contract.filters.len() >= 7 && !info.rate_limits.is_empty());
    venue.move_price(&client, 1.0).await;
    let depth = client.get_depth(SYMBOL, Some(20)).await.unwrap().data;
    assert_eq!((depth.bids.len(), depth.asks.len()), (20, 20));
    assert!(!client.get_trades(SYMBOL, Some(5)).await.unwrap().data.is_empty());
    assert!(!client.get_historical_trades(SYMBOL, Some(5), None).await.unwrap().data.is_empty());
    assert!(!client.get_agg_trades(SYMBOL, None, None, None, Some(5)).await.unwrap().data.is_empty());
    let klines = client.get_klines(SYMBOL, KlineInterval::FiveMinutes, None, None, Some(10)).await.unwrap().data;
    assert_eq!(klines.len(), 10);
    assert!(klines.windows(2).all(|pair| pair[1].open_time - pair[0].open_time == 300_000));
    for klines in [
        client.get_index_price_klines(SYMBOL, KlineInterval::OneMinute, None, None, Some(3)).await,
        client.get_mark_price_klines(SYMBOL, KlineInterval::OneHour, None, None, Some(3)).await,
    ] {
        assert_eq!(klines.unwrap().data.len(), 3);
    }
    let one = client.get_mark_price(Some(SYMBOL)).await.unwrap().data;
    assert!(matches!(one, MarkPriceShape::Single(mark) if mark.symbol == SYMBOL));
    assert!(matches!(client.get_mark_price(None).await.unwrap().data, MarkPriceShape::Multi(all) if all.len() == 6));
    client.get_funding_rate(Some(SYMBOL), None, None, Some(3)).await.unwrap();
    assert_eq!(client.get_funding_info().await.unwrap().data.len(), 6);
    let day = client.get_ticker_24hr(Some(SYMBOL)).await.unwrap().data;
    assert!(matches!(day, Ticker24hrShape::Single(day) if !day.prev_close_price.is_empty() && day.count > 0));
    assert!(matches!(client.get_ticker_24hr(None).await.unwrap().data, Ticker24hrShape::Multi(all) if all.len() == 6));
    assert!(
        matches!(client.get_ticker_price(None).await.unwrap().data, TickerPriceShape::Multi(all) if all.len() == 6)
    );
    let book = client.get_book_ticker(Some(SYMBOL)).await.unwrap().data;
    assert!(matches!(book, BookTickerShape::Single(book) if book.bid_price != book.ask_price));
    assert!(matches!(client.get_book_ticker(None).await.unwrap().data, BookTickerShape::Multi(all) if all.len() == 6));
    assert_eq!(code(client.get_depth("NOPE", None).await), -1121);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_placed_changed_asked_for_and_cancelled() {
    let venue = Venue::start();
    for chain in [714, 1666] {
        let client = venue.client(chain);
        let below = near(&client, -5.0).await;
        let mut order = limit("BUY", "0.002", below.clone());
        order.new_client_order_id = Some(format!("mine-{chain}"));
        let placed = client.place_order(order).await.unwrap().data;
        assert_eq!((placed.status.as_str(), placed.orig_type.as_str()), ("NEW", "LIMIT"));
        let by_id =
            || GetOrderParams { symbol: SYMBOL.into(), order_id: Some(placed.order_id), orig_client_order_id: None };
        assert_eq!(client.get_order(by_id()).await.unwrap().data.client_order_id, format!("mine-{chain}"));
        assert!(client.get_open_order(by_id()).await.unwrap().data.time.is_some());
        assert_eq!(client.get_open_orders(Some(SYMBOL)).await.unwrap().data.len(), 1);
        assert_eq!(client.get_open_orders(None).await.unwrap().data.len(), 1);
        let changed = client
            .modify_order(ModifyOrderParams {
                symbol: SYMBOL.into(),
                order_id: Some(placed.order_id),
                orig_client_order_id: None,
                quantity: Some("0.003".into()),
                price: Some(below),
            })
            .await
            .unwrap()
            .data;
        assert_eq!((changed.order_id, changed.orig_qty.as_str()), (placed.order_id, "0.003"));
        let cancelled = client
            .cancel_order(CancelOrderParams {
                symbol: SYMBOL.into(),
                order_id: None,
                orig_client_order_id: Some(format!("mine-{chain}")),
            })
            .await
            .unwrap()
            .data;
        assert_eq!(cancelled.status, "CANCELED");
        assert_eq!(code(client.get_open_order(by_id()).await), -2013);
    }
    let client = venue.client(714);
    let all = AllOrdersParams { symbol: SYMBOL.into(), ..AllOrdersParams::default() };
    assert_eq!(client.get_all_orders(all).await.unwrap().data.len(), 2);
    let batch = vec![
        limit("BUY", "0.002", near(&client, -4.0).await),
        limit("BUY", "0.002", near(&client, 90.0).await),
        limit("BUY", "0.002", near(&client, -3.0).await),
    ];
    let placed = client.place_batch_orders(batch).await.unwrap().data;
    assert_eq!((placed[0].order_id.is_some(), placed[1].code, placed[2].order_id.is_some()), (true, Some(-4016), true));
    let first = placed[0].order_id.unwrap();
    let cancelled = client.cancel_batch_orders(SYMBOL, vec![first, 999_999]).await.unwrap().data;
    assert_eq!((cancelled[0].status.as_deref(), cancelled[1].code), (Some("CANCELED"), Some(-2011)));
    assert_eq!(client.cancel_all_open_orders(SYMBOL).await.unwrap().data.code, 200);
    assert!(client.get_open_orders(None).await.unwrap().data.is_empty());
    let countdown = CountdownParams { symbol: SYMBOL.into(), countdown_time: 60_000 };
    assert_eq!(client.countdown_cancel_all(countdown).await.unwrap().data.countdown_time, 60_000);
    client.noop().await.unwrap();
    assert_eq!(code(client.place_order(limit("BUY", "0", near(&client, -5.0).await)).await), -4003);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_opened_protected_closed_and_accounted_for() {
    let venue = Venue::start();
    let client = venue.client(714);
    assert_eq!(client.set_leverage(SYMBOL, 10).await.unwrap().data.leverage, 10);
    let filled = client.place_order(market("BUY", "0.01")).await.unwrap().data;
    assert_eq!((filled.status.as_str(), filled.executed_qty.as_str()), ("FILLED", "0.010"));
    let conditional = |kind: &str, stop: String| PlaceOrderParams {
        symbol: SYMBOL.into(),
        side: "SELL".into(),
        order_type: kind.into(),
        quantity: "0.01".into(),
        stop_price: Some(stop),
        reduce_only: Some(true),
        working_type: Some("MARK_PRICE".into()),
        price_protect: Some(true),
        ..PlaceOrderParams::default()
    };
    let stop = client.place_order(conditional("STOP_MARKET", near(&client, -8.0).await)).await.unwrap().data;
    client.place_order(conditional("TAKE_PROFIT_MARKET", near(&client, 20.0).await)).await.unwrap();
    let mut limited = conditional("STOP", near(&client, -9.0).await);
    (limited.price, limited.time_in_force) = (Some(near(&client, -10.0).await), Some("GTC".into()));
    assert_eq!(client.place_order(limited).await.unwrap().data.order_type, "STOP");
    let trailing = PlaceOrderParams {
        symbol: SYMBOL.into(),
        side: "SELL".into(),
        order_type: "TRAILING_STOP_MARKET".into(),
        quantity: "0.01".into(),
        reduce_only: Some(true),
        callback_rate: Some("3".into()),
        activation_price: Some(near(&client, 15.0).await),
        ..PlaceOrderParams::default()
    };
    assert_eq!(client.place_order(trailing).await.unwrap().data.price_rate, "3");
    let risk = client.get_position_risk(Some(SYMBOL)).await.unwrap().data;
    assert_eq!((risk[0].position_amt.as_str(), risk[0].leverage.as_str()), ("0.010", "10"));
    assert_eq!(client.get_position_risk(None).await.unwrap().data.len(), 6);
    venue.move_price(&client, -8.5).await;
    let order = GetOrderParams { symbol: SYMBOL.into(), order_id: Some(stop.order_id), orig_client_order_id: None };
    assert_eq!(client.get_order(order).await.unwrap().data.status, "FILLED");
    assert!(client.get_open_orders(None).await.unwrap().data.is_empty(), "what only reduced went with the position");
    let income = client.get_income(IncomeParams::default()).await.unwrap().data;
    let sum: f64 = income.iter().map(|row| row.income.parse::<f64>().unwrap()).sum();
    let balance = client.get_balance().await.unwrap().data;
    let wallet: f64 = balance[0].wallet_balance.parse().unwrap();
    assert!((wallet - 10_000.0 - sum).abs() < 1e-6 && sum < 0.0, "{wallet} {sum}");
    let account = client.get_account_with_join_margin().await.unwrap().data;
    assert_eq!((account.total_wallet_balance, account.positions.len()), (balance[0].wallet_balance.clone(), 6));
    assert!(client.get_force_orders(None, None, None, None, None).await.unwrap().data.is_empty());
    assert_eq!(client.get_commission_rate(SYMBOL).await.unwrap().data.symbol, SYMBOL);
    assert_eq!(client.get_adl_quantile(Some(SYMBOL)).await.unwrap().data[0].adl_quantile["BOTH"], 0);
    assert_eq!(client.get_adl_quantile(None).await.unwrap().data.len(), 6);
    let brackets = client.get_leverage_bracket(Some(SYMBOL)).await.unwrap().data;
    assert!(brackets[0].brackets.len() > 1);
    assert_eq!(client.get_leverage_bracket(None).await.unwrap().data.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_and_margins_are_set() {
    let venue = Venue::start();
    let client = venue.client(714);
    assert!(!client.get_multi_assets_margin().await.unwrap().data.multi_assets_margin);
    assert_eq!(client.set_multi_assets_margin(false).await.unwrap().data.code, 200);
    assert_eq!(code(client.set_multi_assets_margin(true).await), -1020);
    assert!(!client.get_position_side_dual().await.unwrap().data.dual_side_position);
    assert_eq!(code(client.set_position_side_dual(false).await), -4059);
    assert_eq!(client.set_position_side_dual(true).await.unwrap().data.code, 200);
    assert!(client.get_position_side_dual().await.unwrap().data.dual_side_position);
    assert_eq!(client.get_position_risk(Some(SYMBOL)).await.unwrap().data.len(), 2);
    assert_eq!(code(client.place_order(market("BUY", "0.01")).await), -4061);
    client.set_position_side_dual(false).await.unwrap();
    assert_eq!(client.set_margin_type(SYMBOL, "ISOLATED").await.unwrap().data.code, 200);
    assert_eq!(code(client.set_margin_type(SYMBOL, "ISOLATED").await), -4046);
    client.place_order(market("SELL", "0.01")).await.unwrap();
    let before = client.get_position_risk(Some(SYMBOL)).await.unwrap().data;
    assert_eq!(before[0].margin_type, "isolated");
    let margin =
        PositionMarginParams { symbol: SYMBOL.into(), position_side: None, amount: "5".into(), margin_type: 1 };
    // The crate reads the amount as a text, the documents print a number: carried out, and not understood.
    assert!(matches!(client.set_position_margin(margin).await, Err(AsterDexError::SerdeError { .. })));
    let after = client.get_position_risk(Some(SYMBOL)).await.unwrap().data;
    let wallet = |rows: &[asterdex_sdk::PositionResponse]| rows[0].isolated_wallet.parse::<f64>().unwrap();
    assert!((wallet(&after) - wallet(&before) - 5.0).abs() < 1e-9);
    let history = client.get_position_margin_history(SYMBOL, Some(1), None, None, Some(10)).await.unwrap().data;
    assert_eq!(history.len(), 1);
    assert!(client.get_mmp(Some(SYMBOL)).await.unwrap().data.is_empty());
    let protection = MmpUpdateParams {
        symbol: SYMBOL.into(),
        window_time_ms: 5_000,
        frozen_time_ms: 3_000,
        qty_limit: Some(100),
        value_limit: None,
        delta_limit: Some(50),
    };
    assert!(client.update_mmp(protection).await.unwrap().data);
    let kept = client.get_mmp(None).await.unwrap().data;
    assert_eq!((kept[0].window_time_ms, kept[0].qty_limit, kept[0].value_limit), (5_000, Some(100), Some(-1)));
    assert!(client.reset_mmp(SYMBOL).await.unwrap().data);
    assert!(client.delete_mmp(SYMBOL).await.unwrap().data);
    assert!(client.get_mmp(Some(SYMBOL)).await.unwrap().data.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_stream_tells_what_happens() {
    let venue = Venue::start();
    let client = venue.client(714);
    let key = client.create_listen_key().await.unwrap().data.listen_key;
    client.renew_listen_key(&key).await.unwrap();
    let sockets = WebSocketClient::new(&format!("ws://{}", venue.address)).unwrap();
    let mut stream = sockets.subscribe_user_data(&key).await.unwrap();
    client.set_leverage(SYMBOL, 7).await.unwrap();
    client.place_order(market("BUY", "0.01")).await.unwrap();
    let mut told = Vec::new();
    while !matches!(told.last(), Some(UserDataEvent::AccountUpdate(_))) {
        let event = tokio::time::timeout(Duration::from_secs(20), stream.next_event()).await;
        told.push(event.expect("it comes in time").expect("the stream stays").expect("it can be read"));
    }
    assert!(told.iter().any(|event| matches!(event, UserDataEvent::AccountConfigUpdate(config)
        if config.leverage_change.as_ref().is_some_and(|change| change.leverage == 7))));
    let orders: Vec<_> = told
        .iter()
        .filter_map(|event| if let UserDataEvent::OrderUpdate(update) = event { Some(&update.order) } else { None })
        .map(|order| (order.execution_type.as_str(), order.order_status.as_str()))
        .collect();
    assert_eq!(orders, [("NEW", "NEW"), ("TRADE", "FILLED")]);
    let Some(UserDataEvent::AccountUpdate(update)) = told.last() else { unreachable!("it ended the loop") };
    assert_eq!(update.account.positions[0].position_amount, "0.010");
    client.delete_listen_key(&key).await.unwrap();
    assert_eq!(code(client.renew_listen_key(&key).await), -1125);
}

#[tokio::test(flavor = "multi_thread")]
async fn market_streams_are_delivered_and_read() {
    let venue = Venue::start();
    let client = FuturesClient::new_public(&venue.url()).unwrap();
    let sockets = WebSocketClient::new(&format!("ws://{}", venue.address)).unwrap();
    let names = [
        "btcusdt@aggTrade",
        "btcusdt@markPrice",
        "!markPrice@arr",
        "btcusdt@kline_1m",
        "btcusdt@bookTicker",
        "btcusdt@depth@100ms",
        "btcusdt@miniTicker",
        "btcusdt@ticker",
        "!miniTicker@arr",
        "!ticker@arr",
    ];
    let mut stream = sockets.subscribe(names.to_vec()).await.unwrap();
    venue.move_price(&client, 1.0).await;
    venue.control("step", r#"{"ms":120000}"#);
    let mut missing: Vec<&str> =
        vec!["trade", "mark", "marks", "kline", "book", "depth", "mini", "ticker", "minis", "tickers"];
    while !missing.is_empty() {
        let frame = tokio::time::timeout(Duration::from_secs(20), stream.recv()).await;
        let frame = frame.unwrap_or_else(|_| panic!("never came: {missing:?}"));
        let value = frame.expect("the stream stays").expect("a frame");
        let kind = match serde_json::from_value::<WebSocketMessage>(value).expect("it can be read") {
            WebSocketMessage::AggTrade(_) => "trade",
            WebSocketMessage::MarkPrice(_) => "mark",
            WebSocketMessage::AllMarkPrices(_) => "marks",
            WebSocketMessage::Kline(_) => "kline",
            WebSocketMessage::BookTicker(_) => "book",
            WebSocketMessage::DiffDepth(_) => "depth",
            WebSocketMessage::MiniTicker(_) => "mini",
            WebSocketMessage::Ticker(_) => "ticker",
            WebSocketMessage::AllMiniTickers(_) => "minis",
            WebSocketMessage::AllTickers(_) => "tickers",
            // Answers to what the crate subscribes to a second time.
            _ => continue,
        };
        missing.retain(|wanted| *wanted != kind);
    }
}

/// What of the crate no server that keeps to the documents can satisfy. Should one of these begin to work, the crate has
/// changed, and the call belongs to the tests above.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_crate_differs_from_the_documents() {
    let venue = Venue::start();
    let client = venue.client(714);
    client.place_order(market("BUY", "0.01")).await.unwrap();
    // It asks `trades`, which everybody may, for what `userTrades` knows; the raw call finds it.
    let query = UserTradesParams { symbol: SYMBOL.into(), ..UserTradesParams::default() };
    assert!(client.get_user_trades(query).await.map(|trades| trades.data.is_empty()).unwrap_or(true));
    let trades = client.raw_signed_get("/fapi/v3/userTrades", &[("symbol", SYMBOL)]).await.unwrap().data;
    assert_eq!(trades.as_array().map(Vec::len), Some(1));
    // It sends `type` where the documents want `kindType` and `clientTranId`.
    let transfer = asterdex_sdk::futures::models::account::WalletTransferParams {
        asset: "USDT".into(),
        amount: "5".into(),
        transfer_type: 1,
    };
    assert_eq!(code(client.wallet_transfer(transfer).await), -1102);
    let by_hand = [("asset", "USDT"), ("amount", "5"), ("kindType", "FUTURE_SPOT"), ("clientTranId", "one")];
    let moved = client.raw_signed_post("/fapi/v3/asset/wallet/transfer", &by_hand).await.unwrap().data;
    assert_eq!(moved["status"], "SUCCESS");
    assert!(moved["tranId"].is_u64());
    // A path that is in no document.
    assert!(client.sub_account_bind("1").await.is_err());
    // It reads a list where the documents show one object; the raw call finds it.
    assert!(client.get_index_references(Some(SYMBOL)).await.is_err());
    let index = client.raw_signed_get("/fapi/v3/indexreferences", &[("symbol", SYMBOL)]).await.unwrap().data;
    assert_eq!((&index["symbol"], index["references"].as_array().map(Vec::len)), (&SYMBOL.into(), Some(1)));
}
