//! Calls: a route, its parameters, the type of its answer, and what it costs.

use super::account::*;
use super::enums::{KlineInterval, MarginType, OrderType, StpMode};
use super::history::*;
use super::info::{CommissionRate, ExchangeInfo, FundingInfo, SymbolBrackets};
use super::many::{Element, Many, Rows};
use super::market::*;
use super::order::*;
use super::route::Route;
use super::settings::*;
use super::strategy::*;
use super::{decimal, lenient};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;
use swarm_core::model::{Price, Rate, Time};

/// How badly a call is needed: who waits when limits are near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Statistics, history, listings.
    Background,
    /// Entries, and questions about orders and account.
    Normal,
    /// What takes risk away: cancels, stops, closes.
    Urgent,
}

/// A request that is ready to be sent.
#[derive(Clone, PartialEq)]
pub struct Call<P, A> {
    /// Which call.
    pub route: Route,
    /// Its parameters.
    pub params: P,
    /// Its cost in request weight.
    pub weight: u32,
    /// Its cost in orders.
    pub orders: u32,
    /// How badly it is needed.
    pub urgency: Urgency,
    answer: PhantomData<fn() -> A>,
}

impl<P: fmt::Debug, A> fmt::Debug for Call<P, A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {:?}", self.route.method().as_str(), self.route.tail(), self.params)
    }
}

impl<P, A> Call<P, A> {
    fn new(route: Route, params: P, urgency: Urgency) -> Self {
        Self { route, params, weight: route.weight(), orders: 0, urgency, answer: PhantomData }
    }
    fn weighing(self, weight: u32) -> Self {
        Self { weight, ..self }
    }
    fn ordering(self, orders: usize) -> Self {
        Self { orders: u32::try_from(orders).unwrap_or(u32::MAX), ..self }
    }
}

/// Parameters of the lists of trades and rates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MarketQuery {
    /// End of the window.
    #[serde(with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// First number.
    #[serde(with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub from_id: Option<u64>,
    /// Most rows.
    #[serde(with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Start of the window.
    #[serde(with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// Which contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// Parameters of candles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KlineQuery {
    /// End of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Length of a candle.
    pub interval: KlineInterval,
    /// Most rows, up to 1500.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Index candles only: which pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Start of the window.
    #[serde(default, with = "lenient::int_or_none", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// Which contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// Most a trailing stop may turn, in percent: documents say 5 here and 4 there.
const MAX_CALLBACK: &str = "4";

impl NewOrder {
    /// What is wrong with this order before any venue sees it, if anything: its type's parameters, its name, its
    /// combination of flags. Ticks, steps and prices are checked where the order is made.
    pub fn fault(&self) -> Option<&'static str> {
        let name = |id: &String| {
            (1..=36).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte))
        };
        let positive = |price: Option<Price>| price.is_some_and(|price| price.0 > 0);
        let sized = self.quantity.is_some_and(|qty| qty.0 > 0);
        let closes = self.close_position == Some(true);
        let conditional_market = matches!(self.order_type, OrderType::StopMarket | OrderType::TakeProfitMarket);
        let limit = matches!(self.order_type, OrderType::Limit | OrderType::Stop | OrderType::TakeProfit);
        let triggered = conditional_market || matches!(self.order_type, OrderType::Stop | OrderType::TakeProfit);
        if !self.new_client_order_id.as_ref().is_some_and(name) {
            Some("it needs a client order id of 1 to 36 letters, digits and .:/_-")
        } else if closes && !conditional_market {
            Some("only STOP_MARKET and TAKE_PROFIT_MARKET close a position")
        } else if closes && (self.quantity.is_some() || self.reduce_only.is_some()) {
            Some("an order that closes the position has neither quantity nor reduce-only")
        } else if !closes && !sized {
            Some("it needs a positive quantity")
        } else if limit && self.peg_price_type.is_none() && !positive(self.price) {
            Some("it needs a positive price")
        } else if self.order_type == OrderType::Limit && self.time_in_force.is_none() {
            Some("a limit order needs a time in force")
        } else if triggered && !positive(self.stop_price) {
            Some("it needs a positive stop price")
        } else if self.order_type == OrderType::TrailingStopMarket && !self.callback_rate.is_some_and(in_range) {
            Some("it needs a callback rate of 0.1 to 4 percent")
        } else {
            None
        }
    }

    /// Whether it takes risk away.
    fn urgency(&self) -> Urgency {
        let protects = self.close_position == Some(true) || self.reduce_only == Some(true);
        if protects { Urgency::Urgent } else { Urgency::Normal }
    }
}

fn in_range(percent: Rate) -> bool {
    let most = decimal::parse(MAX_CALLBACK, decimal::Excess::Refuse).unwrap_or_default();
    (Rate::ONE.0 / 10..=most).contains(&percent.0)
}

/// Constructors of every call.
pub mod calls {
    use super::*;
    use Urgency::{Background, Normal, Urgent};

    fn one(symbol: &str) -> SymbolOnly {
        SymbolOnly { symbol: symbol.to_owned() }
    }
    fn maybe(symbol: Option<&str>) -> SymbolOrAll {
        SymbolOrAll { symbol: symbol.map(str::to_owned) }
    }
    /// Weight by how many rows are asked for.
    fn by_limit(limit: Option<u32>, default: u32, steps: &[(u32, u32)], above: u32) -> u32 {
        let limit = limit.unwrap_or(default);
        steps.iter().find(|(most, _)| limit <= *most).map_or(above, |(_, weight)| *weight)
    }
    fn by_klines(limit: Option<u32>) -> u32 {
        by_limit(limit, 500, &[(99, 1), (499, 2), (1_000, 5)], 10)
    }

    /// Whether anybody is there.
    pub fn ping() -> Call<Empty, Empty> {
        Call::new(Route::Ping, Empty {}, Background)
    }
    /// The venue's clock.
    pub fn time() -> Call<Empty, ServerTime> {
        Call::new(Route::Time, Empty {}, Normal)
    }
    /// Symbols and limits. Throttled harder than its weight says: keep the answer for an hour.
    pub fn exchange_info() -> Call<Empty, ExchangeInfo> {
        Call::new(Route::ExchangeInfo, Empty {}, Normal)
    }
    /// The book, 5, 10, 20, 50, 100, 500 or 1000 levels deep.
    pub fn depth(symbol: &str, limit: u32) -> Call<MarketQuery, Depth> {
        let params = MarketQuery { symbol: Some(symbol.to_owned()), limit: Some(limit), ..MarketQuery::default() };
        let weight = by_limit(Some(limit), 500, &[(50, 2), (100, 5), (500, 10)], 20);
        Call::new(Route::Depth, params, Normal).weighing(weight)
    }
    /// Last trades.
    pub fn trades(query: MarketQuery) -> Call<MarketQuery, Vec<Trade>> {
        Call::new(Route::Trades, query, Background)
    }
    /// Trades from a number on.
    pub fn historical_trades(query: MarketQuery) -> Call<MarketQuery, Vec<Trade>> {
        Call::new(Route::HistoricalTrades, query, Background)
    }
    /// Trades by taker.
    pub fn agg_trades(query: MarketQuery) -> Call<MarketQuery, Vec<AggTrade>> {
        Call::new(Route::AggTrades, query, Background)
    }
    /// Candles.
    pub fn klines(query: KlineQuery) -> Call<KlineQuery, Vec<Kline>> {
        let weight = by_klines(query.limit);
        Call::new(Route::Klines, query, Normal).weighing(weight)
    }
    /// Candles of the index price; volumes are 0.
    pub fn index_price_klines(query: KlineQuery) -> Call<KlineQuery, Vec<Kline>> {
        let weight = by_klines(query.limit);
        Call::new(Route::IndexPriceKlines, query, Background).weighing(weight)
    }
    /// Candles of the mark price; volumes are 0.
    pub fn mark_price_klines(query: KlineQuery) -> Call<KlineQuery, Vec<Kline>> {
        let weight = by_klines(query.limit);
        Call::new(Route::MarkPriceKlines, query, Background).weighing(weight)
    }
    /// Mark price and funding.
    pub fn premium_index(symbol: Option<&str>) -> Call<SymbolOrAll, Rows<PremiumIndex>> {
        Call::new(Route::PremiumIndex, maybe(symbol), Normal)
    }
    /// Funding paid.
    pub fn funding_rate(query: MarketQuery) -> Call<MarketQuery, Vec<FundingRate>> {
        Call::new(Route::FundingRate, query, Background)
    }
    /// Intervals and bounds of funding.
    pub fn funding_info(symbol: Option<&str>) -> Call<SymbolOrAll, Rows<FundingInfo>> {
        Call::new(Route::FundingInfo, maybe(symbol), Background)
    }
    /// The last 24 hours.
    pub fn ticker_24h(symbol: Option<&str>) -> Call<SymbolOrAll, Rows<Ticker24h>> {
        Call::new(Route::Ticker24h, maybe(symbol), Background).weighing(if symbol.is_some() { 1 } else { 40 })
    }
    /// Last prices.
    pub fn ticker_price(symbol: Option<&str>) -> Call<SymbolOrAll, Rows<PriceTicker>> {
        Call::new(Route::TickerPrice, maybe(symbol), Background).weighing(if symbol.is_some() { 1 } else { 2 })
    }
    /// Best bids and asks.
    pub fn ticker_book(symbol: Option<&str>) -> Call<SymbolOrAll, Rows<QuoteTicker>> {
        Call::new(Route::TickerBook, maybe(symbol), Background).weighing(if symbol.is_some() { 1 } else { 2 })
    }
    /// What an index is made of.
    pub fn index_references(symbol: &str) -> Call<SymbolOnly, IndexReferences> {
        Call::new(Route::IndexReferences, one(symbol), Background)
    }

    /// Places an order.
    pub fn place_order(order: NewOrder) -> Call<NewOrder, OrderAnswer> {
        let urgency = order.urgency();
        Call::new(Route::PlaceOrder, order, urgency).ordering(1)
    }
    /// Changes price and quantity of a limit order.
    pub fn modify_order(change: ModifyOrder) -> Call<ModifyOrder, OrderAnswer> {
        Call::new(Route::ModifyOrder, change, Normal).ordering(1)
    }
    /// What became of an order. "No such order" right after an unknown outcome proves nothing.
    pub fn query_order(order: OrderRef) -> Call<OrderRef, OrderAnswer> {
        Call::new(Route::QueryOrder, order, Normal)
    }
    /// Cancels an order.
    pub fn cancel_order(order: OrderRef) -> Call<OrderRef, OrderAnswer> {
        Call::new(Route::CancelOrder, order, Urgent)
    }
    /// Places up to five orders at once.
    pub fn batch_orders(orders: Vec<NewOrder>) -> Call<BatchOrders, Vec<Element<OrderAnswer>>> {
        let count = orders.len();
        let urgency = orders.iter().map(NewOrder::urgency).min().unwrap_or(Normal);
        Call::new(Route::BatchOrders, BatchOrders { batch_orders: orders }, urgency).ordering(count)
    }
    /// Cancels up to ten orders at once.
    pub fn cancel_batch(batch: CancelBatch) -> Call<CancelBatch, Vec<Element<OrderAnswer>>> {
        Call::new(Route::CancelBatch, batch, Urgent)
    }
    /// Cancels every order of a symbol, stops too.
    pub fn cancel_all(symbol: &str) -> Call<SymbolOnly, Success> {
        Call::new(Route::CancelAll, one(symbol), Urgent)
    }
    /// Cancels every order of a symbol, stops too, unless repeated in time. Never where a position is held.
    pub fn countdown_cancel_all(symbol: &str, countdown_ms: u64) -> Call<CountdownCancelAll, CountdownAnswer> {
        let params = CountdownCancelAll { countdown_time: countdown_ms, symbol: symbol.to_owned() };
        Call::new(Route::CountdownCancelAll, params, Urgent)
    }
    /// An open order.
    pub fn open_order(order: OrderRef) -> Call<OrderRef, OrderAnswer> {
        Call::new(Route::OpenOrder, order, Normal)
    }
    /// Open orders, of all symbols without one.
    pub fn open_orders(symbol: Option<&str>) -> Call<SymbolOrAll, Vec<OrderAnswer>> {
        Call::new(Route::OpenOrders, maybe(symbol), Normal).weighing(if symbol.is_some() { 1 } else { 40 })
    }
    /// Orders of the last seven days.
    pub fn all_orders(query: AllOrders) -> Call<AllOrders, Vec<OrderAnswer>> {
        Call::new(Route::AllOrders, query, Background)
    }
    /// Does nothing; sent with the nonce of a request still queued it may take that one's place.
    pub fn noop() -> Call<Empty, Success> {
        Call::new(Route::Noop, Empty {}, Normal)
    }
    /// A limit order that follows the best price.
    pub fn chase(chase: NewChase) -> Call<NewChase, ChaseAnswer> {
        Call::new(Route::Chase, chase, Normal).ordering(1)
    }
    /// Places a strategy order.
    pub fn place_strategy(strategy: PlaceStrategy) -> Call<PlaceStrategy, StrategyAnswer> {
        let legs = strategy.sub_order_list.len();
        Call::new(Route::PlaceStrategy, strategy, Normal).ordering(legs)
    }
    /// Changes legs of a strategy order.
    pub fn update_strategy(update: UpdateStrategy) -> Call<UpdateStrategy, Vec<StrategyAnswer>> {
        let legs = update.sub_order_list.len();
        Call::new(Route::UpdateStrategy, update, Normal).ordering(legs)
    }
    /// An open strategy order.
    pub fn strategy_open_order(query: QueryStrategy) -> Call<QueryStrategy, Strategy> {
        Call::new(Route::StrategyOpenOrder, query, Normal)
    }
    /// A strategy order, ended ones too.
    pub fn strategy_history_order(query: QueryStrategy) -> Call<QueryStrategy, Strategy> {
        Call::new(Route::StrategyHistoryOrder, query, Background)
    }

    /// Balances by asset.
    pub fn balance() -> Call<Empty, Vec<Balance>> {
        Call::new(Route::Balance, Empty {}, Normal)
    }
    /// The whole account.
    pub fn account() -> Call<Empty, Account> {
        Call::new(Route::Account, Empty {}, Normal)
    }
    /// Positions with mark and liquidation prices.
    pub fn position_risk(symbol: Option<&str>) -> Call<SymbolOrAll, Vec<PositionRisk>> {
        Call::new(Route::PositionRisk, maybe(symbol), Normal)
    }
    /// Own trades.
    pub fn user_trades(query: UserTrades) -> Call<UserTrades, Vec<UserTrade>> {
        Call::new(Route::UserTrades, query, Normal)
    }
    /// Where money came from and went.
    pub fn income(query: IncomeHistory) -> Call<IncomeHistory, Vec<Income>> {
        Call::new(Route::Income, query, Background)
    }
    /// Leverage tables.
    pub fn leverage_bracket(symbol: Option<&str>) -> Call<SymbolOrAll, Many<SymbolBrackets>> {
        Call::new(Route::LeverageBracket, maybe(symbol), Normal)
    }
    /// Places in the queue of forced closes.
    pub fn adl_quantile(symbol: Option<&str>) -> Call<SymbolOrAll, Many<AdlQuantile>> {
        Call::new(Route::AdlQuantile, maybe(symbol), Background)
    }
    /// Forced closes of this account.
    pub fn force_orders(query: ForcedOrders) -> Call<ForcedOrders, Vec<OrderAnswer>> {
        let weight = if query.symbol.is_some() { 20 } else { 50 };
        Call::new(Route::ForceOrders, query, Background).weighing(weight)
    }
    /// Fees of a symbol.
    pub fn commission_rate(symbol: &str) -> Call<SymbolOnly, CommissionRate> {
        Call::new(Route::CommissionRate, one(symbol), Normal)
    }
    /// Sets the leverage of a symbol.
    pub fn set_leverage(symbol: &str, leverage: u32) -> Call<SetLeverage, LeverageAnswer> {
        Call::new(Route::SetLeverage, SetLeverage { leverage, symbol: symbol.to_owned() }, Normal)
    }
    /// Sets cross or isolated margin; "already so" is success.
    pub fn set_margin_type(symbol: &str, margin_type: MarginType) -> Call<SetMarginType, Success> {
        Call::new(Route::SetMarginType, SetMarginType { margin_type, symbol: symbol.to_owned() }, Normal)
    }
    /// Adds or takes margin of an isolated position.
    pub fn change_margin(change: ChangeMargin) -> Call<ChangeMargin, MarginAnswer> {
        Call::new(Route::ChangeMargin, change, Normal)
    }
    /// Changes of margin.
    pub fn margin_history(query: MarginHistory) -> Call<MarginHistory, Vec<MarginChange>> {
        Call::new(Route::MarginHistory, query, Background)
    }
    /// Hedge or one-way mode. Not knowing it, nothing may be traded.
    pub fn dual_side() -> Call<Empty, DualSide> {
        Call::new(Route::DualSide, Empty {}, Normal)
    }
    /// Sets hedge or one-way mode for all symbols; "already so" is success.
    pub fn set_dual_side(dual: bool) -> Call<SetDualSide, Success> {
        Call::new(Route::SetDualSide, SetDualSide { dual_side_position: dual }, Normal)
    }
    /// Whether other assets count as margin.
    pub fn multi_assets() -> Call<Empty, MultiAssets> {
        Call::new(Route::MultiAssets, Empty {}, Normal)
    }
    /// Sets whether other assets count as margin.
    pub fn set_multi_assets(multi: bool) -> Call<SetMultiAssets, Success> {
        Call::new(Route::SetMultiAssets, SetMultiAssets { multi_assets_margin: multi }, Normal)
    }
    /// What happens when two own orders would trade.
    pub fn stp_mode() -> Call<Empty, StpAnswer> {
        Call::new(Route::Stp, Empty {}, Normal)
    }
    /// Sets what happens when two own orders would trade.
    pub fn set_stp_mode(stp_mode: StpMode) -> Call<StpAnswer, Success> {
        Call::new(Route::SetStp, StpAnswer { stp_mode }, Normal)
    }
    /// Wallets that may sign for the account.
    pub fn agents() -> Call<Empty, Vec<AgentInfo>> {
        Call::new(Route::Agents, Empty {}, Normal)
    }
    /// Who may take a surcharge; should be empty.
    pub fn builders() -> Call<Empty, Vec<BuilderInfo>> {
        Call::new(Route::Builders, Empty {}, Normal)
    }
    /// Moves money between wallets.
    pub fn transfer(transfer: Transfer) -> Call<Transfer, TransferAnswer> {
        Call::new(Route::Transfer, transfer, Normal)
    }
    /// A key for the user stream: a new one, or the one there is with another hour.
    pub fn start_user_stream() -> Call<Empty, ListenKey> {
        Call::new(Route::StartUserStream, Empty {}, Urgent)
    }
    /// Another hour for the key.
    pub fn keep_user_stream() -> Call<Empty, Empty> {
        Call::new(Route::KeepUserStream, Empty {}, Urgent)
    }
    /// Ends the key, for every process of the account.
    pub fn end_user_stream() -> Call<Empty, Empty> {
        Call::new(Route::EndUserStream, Empty {}, Normal)
    }
}
