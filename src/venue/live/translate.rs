//! Between the desk's language and AsterDEX's wire. Pure; knows neither socket nor clock.

use crate::aster::errors::Class;
use crate::aster::rest::{Cause, NotSent, Outcome, Refusal};
use crate::aster::wire::{
    AccountReason as WireReason, AccountUpdate, Balance, ConfigUpdate, Event, Income, IncomeType, OrderAnswer,
    OrderRef, OrderStatus as WireStatus, OrderUpdate, PositionRisk, Strategy, StrategyAnswer, StrategyStatus,
    UserTrade,
};
use swarm_core::delivery::{
    AccountReason, Answer, IncomeKind, IncomeRow, OrderKey, OrderReport, OrderStatus, PositionRow, RefusalClass,
    StrategyState, StreamEvent, TradeRow,
};
use swarm_core::model::{Price, SymbolId, Usd, VenueReject};

/// What money is counted in.
const USDT: &str = "USDT";

/// Contracts by their names, in the plan's order.
#[derive(Clone, Debug)]
pub(super) struct Contracts(pub(super) Vec<String>);

impl Contracts {
    pub(super) fn id(&self, name: &str) -> Option<SymbolId> {
        self.0.iter().position(|known| known == name).map(SymbolId::at)
    }

    pub(super) fn name(&self, symbol: SymbolId) -> &str {
        self.0.get(symbol.index()).map_or("", String::as_str)
    }

    pub(super) fn order_ref(&self, symbol: SymbolId, key: &OrderKey) -> OrderRef {
        match key {
            OrderKey::Name(name) => OrderRef::by_client_id(self.name(symbol), name),
            OrderKey::Number(number) => OrderRef::by_id(self.name(symbol), *number),
        }
    }

    /// `None` for a contract that is not in the plan, and for a status that nobody knows: then it is asked again.
    pub(super) fn report(&self, order: &OrderAnswer) -> Option<OrderReport> {
        Some(OrderReport {
            name: order.client_order_id.clone(),
            number: order.order_id,
            symbol: self.id(&order.symbol)?,
            status: status(&order.status)?,
            filled: order.executed_qty,
            qty: order.orig_qty,
            at: order.update_time,
        })
    }

    pub(super) fn trade(&self, row: &UserTrade) -> Option<TradeRow> {
        Some(TradeRow {
            symbol: self.id(&row.symbol)?,
            id: row.id,
            number: row.order_id,
            side: row.side.core()?,
            price: row.price,
            qty: row.qty,
            fee: fee(row.commission, &row.commission_asset),
            maker: row.maker,
            at: row.time,
        })
    }

    pub(super) fn position(&self, row: &PositionRisk) -> PositionRow {
        PositionRow {
            symbol: self.id(&row.symbol),
            contract: row.symbol.clone(),
            qty: row.position_amt,
            entry_price: row.entry_price,
            mark: Some(row.mark_price).filter(|price| *price > Price::ZERO),
            leverage: Some(row.leverage),
        }
    }

    /// Funding and whatever else moved money without a trade; what trades explain is left out.
    pub(super) fn income(&self, row: &Income) -> Option<IncomeRow> {
        let kind = match row.income_type {
            IncomeType::FundingFee => IncomeKind::Funding,
            IncomeType::RealizedPnl | IncomeType::Commission => return None,
            _ => IncomeKind::Transfer,
        };
        let symbol = self.id(&row.symbol).filter(|_| kind == IncomeKind::Funding);
        (row.asset == USDT).then_some(IncomeRow { kind, symbol, at: row.time, amount: row.income })
    }

    /// What a user stream's event says; `None` for what is no business of an account's.
    pub(super) fn event(&self, event: &Event) -> Option<StreamEvent> {
        match event {
            Event::Order(update) => self.order_event(update),
            Event::Account(update) => Some(self.account_event(update)),
            Event::Config(update) => self.config_event(update),
            _ => None,
        }
    }

    fn order_event(&self, update: &OrderUpdate) -> Option<StreamEvent> {
        let order = &update.order;
        let symbol = self.id(&order.symbol)?;
        let report = OrderReport {
            name: order.client_order_id.clone(),
            number: order.order_id,
            symbol,
            status: status(&order.status)?,
            filled: order.filled_qty,
            qty: order.orig_qty,
            at: update.time,
        };
        let asset = order.commission_asset.as_deref().unwrap_or(USDT);
        let trade = u64::try_from(order.trade_id).ok().filter(|id| *id > 0 && !order.last_qty.is_zero());
        let trade = trade.zip(order.side.core()).map(|(id, side)| TradeRow {
            symbol,
            id,
            number: order.order_id,
            side,
            price: order.last_price,
            qty: order.last_qty,
            fee: fee(order.commission.unwrap_or(Usd::ZERO), asset),
            maker: order.maker,
            at: order.trade_time,
        });
        Some(StreamEvent::Order { report, trade })
    }

    fn account_event(&self, update: &AccountUpdate) -> StreamEvent {
        let reason = match update.change.reason {
            WireReason::Order => AccountReason::Order,
            WireReason::FundingFee => AccountReason::Funding,
            WireReason::MarginTransfer | WireReason::MarginTypeChange => AccountReason::Other,
            _ => AccountReason::Transfer,
        };
        let rows = update.change.positions.iter();
        let positions = rows.filter_map(|row| Some((self.id(&row.symbol)?, row.amount))).collect();
        StreamEvent::Account { reason, positions }
    }

    fn config_event(&self, update: &ConfigUpdate) -> Option<StreamEvent> {
        if let Some(modes) = &update.modes {
            return Some(StreamEvent::Modes { hedge: modes.hedge, multi_assets: modes.multi_assets });
        }
        let change = update.leverage.as_ref()?;
        Some(StreamEvent::Leverage { symbol: self.id(&change.symbol)?, leverage: change.leverage })
    }
}

/// The wallet without open profit.
pub(super) fn wallet(rows: &[Balance]) -> Usd {
    rows.iter().filter(|row| row.asset == USDT).map(|row| row.balance).sum()
}

/// Documents and streams disagree about the sign, and no fee here is a rebate; a fee in another asset does not
/// touch the wallet.
fn fee(commission: Usd, asset: &str) -> Usd {
    if asset == USDT { commission.abs() } else { Usd::ZERO }
}

/// `None` for a word that is not known: nothing is to be concluded from it.
const fn status(status: &WireStatus) -> Option<OrderStatus> {
    Some(match status {
        WireStatus::New | WireStatus::NewInsurance | WireStatus::NewAdl => OrderStatus::New,
        WireStatus::PartiallyFilled => OrderStatus::PartiallyFilled,
        WireStatus::Filled => OrderStatus::Filled,
        WireStatus::Canceled => OrderStatus::Canceled,
        WireStatus::Rejected => OrderStatus::Rejected,
        WireStatus::Expired => OrderStatus::Expired,
        WireStatus::Other(_) => return None,
    })
}

/// What became of a call, for the desk. `answered` reads the answer; what it cannot read is no answer.
pub(super) fn answer<T>(outcome: Outcome<T>, answered: impl FnOnce(T) -> Option<Answer>) -> Answer {
    match outcome {
        Outcome::Answered(told) => answered(told).unwrap_or(Answer::Unanswered),
        Outcome::AlreadySo => Answer::Done,
        Outcome::Refused(refusal) => refused(&refusal),
        Outcome::Unknown(_) => Answer::Unknown,
        Outcome::Unanswered(_) => Answer::Unanswered,
        Outcome::NotSent(NotSent::Limited { until, .. }) => Answer::NotSent { until: Some(until) },
        Outcome::NotSent(NotSent::Unreachable(_)) => Answer::NotSent { until: None },
        // The same again will not leave either.
        Outcome::NotSent(_) => Answer::Refused { class: RefusalClass::Refuse, why: VenueReject::Other },
    }
}

/// What the venue says of a strategy that it was given; `None` where that is no word that is known.
pub(super) fn strategy_placed(told: &StrategyAnswer) -> Option<StrategyState> {
    let has_failed = told.failure_code.is_some_and(|code| code != 0);
    match told.strategy_status {
        _ if has_failed => Some(StrategyState::Failed),
        StrategyStatus::Failed => Some(StrategyState::Failed),
        StrategyStatus::Other(_) => None,
        _ => Some(StrategyState::Taken),
    }
}

/// What a strategy has come to.
pub(super) fn strategy_found(told: &Strategy) -> StrategyState {
    let is_over =
        matches!(told.strategy_status, StrategyStatus::Expired | StrategyStatus::Canceled | StrategyStatus::Failed);
    if is_over { StrategyState::Over } else { StrategyState::Taken }
}

/// Whether an outcome says that the venue does not have the call: then nobody carried it out, whatever else is said.
pub(super) const fn is_no_such_path<T>(outcome: &Outcome<T>) -> bool {
    matches!(
        outcome,
        Outcome::Unknown(Cause::Undecided { status: 404 | 405, .. })
            | Outcome::Unanswered(Cause::Undecided { status: 404 | 405, .. })
    )
}

/// The nonce is out of the window or was used before: then a copy of the request came first, and its answer may still be
/// on its way. Which of both it is is not said, so it is asked.
const NONCE_NOT_TAKEN: i64 = -4225;

/// "No such order", in answer to a question about one.
const NO_SUCH_ORDER: i64 = -2013;

fn refused(refusal: &Refusal) -> Answer {
    if refusal.code == Some(NO_SUCH_ORDER) {
        return Answer::NoSuchOrder;
    }
    if refusal.code == Some(NONCE_NOT_TAKEN) {
        return Answer::Unknown;
    }
    let class = match refusal.class {
        Class::Halt => RefusalClass::Halt,
        Class::Retry => RefusalClass::Retry,
        Class::Refuse | Class::Settle | Class::Already => RefusalClass::Refuse,
    };
    Answer::Refused { class, why: reject(refusal.code) }
}

/// Why an order was refused, by the venue's code; `docs/exchange-model.md` has the table.
pub(super) const fn reject(code: Option<i64>) -> VenueReject {
    match code {
        Some(-1112 | -1121) => VenueReject::NoMarket,
        Some(-4116) => VenueReject::DuplicateId,
        Some(-1128 | -4137 | -4028 | -1130) => VenueReject::BadCombination,
        Some(-4001 | -4002 | -4006 | -4007 | -4013 | -4016 | -4024 | -4131 | -4183 | -4184) => VenueReject::PriceBand,
        Some(-4014) => VenueReject::PriceTick,
        Some(-4003 | -4004) => VenueReject::QtyTooSmall,
        Some(-4005) => VenueReject::QtyTooLarge,
        Some(-4023 | -1111) => VenueReject::QtyStep,
        Some(-4164 | -5076) => VenueReject::MinNotional,
        Some(-2021 | -4135) => VenueReject::WouldTrigger,
        Some(-5022) => VenueReject::WouldTake,
        Some(-2020) => VenueReject::CannotFill,
        Some(-2025 | -4045) => VenueReject::TooManyOrders,
        Some(-2022 | -4118) => VenueReject::ReduceOnly,
        Some(-2027 | -2028) => VenueReject::LeverageBracket,
        Some(-2018 | -2019) => VenueReject::Margin,
        _ => VenueReject::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aster::wire::Frame;

    fn contracts() -> Contracts {
        Contracts(vec!["BTCUSDT".into(), "ETHUSDT".into()])
    }

    fn event(text: &str) -> Option<StreamEvent> {
        match Frame::read(text.as_bytes()).unwrap().body {
            crate::aster::wire::Body::Event(event) => contracts().event(&event),
            other => panic!("{other:?}"),
        }
    }

    fn order(name: &str, status: &str, trade: &str) -> String {
        format!(
            r#"{{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{{"s":"ETHUSDT","c":"{name}",
            "S":"SELL","o":"MARKET","f":"GTC","q":"2","p":"0","ap":"100","sp":"0","x":"TRADE","X":"{status}","i":8886774,
            {trade},"z":"1.5","N":"USDT","n":"-0.25","T":1568879465650,"m":false}}}}"#
        )
    }

    #[test]
    fn an_execution_is_told_with_its_order_and_its_fee_as_a_cost() {
        let text = order("t-0-1-2", "PARTIALLY_FILLED", r#""t":77,"l":"0.5","L":"101.5""#);
        let Some(StreamEvent::Order { report, trade: Some(trade) }) = event(&text) else { panic!("{text}") };
        assert_eq!((report.symbol, report.number, report.name.as_str()), (SymbolId(1), 8_886_774, "t-0-1-2"));
        assert_eq!((report.status, report.filled), (OrderStatus::PartiallyFilled, "1.5".parse().unwrap()));
        assert_eq!((trade.id, trade.qty, trade.price), (77, "0.5".parse().unwrap(), "101.5".parse().unwrap()));
        assert_eq!(trade.fee, "0.25".parse().unwrap());
        let text = order("t-0-1-2", "EXPIRED", r#""t":0,"l":"0","L":"0""#);
        assert!(matches!(event(&text), Some(StreamEvent::Order { trade: None, .. })));
    }

    #[test]
    fn nothing_is_concluded_from_a_status_that_is_not_known() {
        assert_eq!(event(&order("t-0-1-2", "HALF_DEAD", r#""t":0,"l":"0","L":"0""#)), None);
    }

    #[test]
    fn account_events_say_why_and_only_positions_of_the_plan() {
        let text = r#"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"FUNDING_FEE","B":[{"a":"USDT","wb":"9","cw":"9","bc":"-1"}],"P":[]}}"#;
        let expected = StreamEvent::Account { reason: AccountReason::Funding, positions: Vec::new() };
        assert_eq!(event(text), Some(expected));
        let text = r#"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[],"P":[
            {"s":"BTCUSDT","pa":"-2","ep":"1","cr":"0","up":"0","mt":"cross","iw":"0","ps":"BOTH"},
            {"s":"XRPUSDT","pa":"5","ep":"1","cr":"0","up":"0","mt":"cross","iw":"0","ps":"BOTH"}]}}"#;
        let Some(StreamEvent::Account { reason, positions }) = event(text) else { panic!("{text}") };
        assert_eq!((reason, positions), (AccountReason::Order, vec![(SymbolId(0), "-2".parse().unwrap())]));
    }

    #[test]
    fn what_became_of_a_call_keeps_its_certainty() {
        let refusal =
            |class, code| Outcome::Refused(Refusal { class, status: 400, code: Some(code), message: String::new() });
        let check = |outcome: Outcome<()>, expected: Answer| assert_eq!(answer(outcome, |()| None), expected);
        check(Outcome::Unknown(Cause::Timeout), Answer::Unknown);
        check(Outcome::Unanswered(Cause::Timeout), Answer::Unanswered);
        check(Outcome::Answered(()), Answer::Unanswered);
        check(Outcome::NotSent(NotSent::Unreachable(String::new())), Answer::NotSent { until: None });
        check(refusal(Class::Refuse, -2013), Answer::NoSuchOrder);
        let refused = |class, why| Answer::Refused { class, why };
        check(refusal(Class::Refuse, -2021), refused(RefusalClass::Refuse, VenueReject::WouldTrigger));
        check(refusal(Class::Halt, -2015), refused(RefusalClass::Halt, VenueReject::Other));
        check(refusal(Class::Retry, -1015), refused(RefusalClass::Retry, VenueReject::Other));
        check(refusal(Class::Retry, NONCE_NOT_TAKEN), Answer::Unknown);
    }

    #[test]
    fn what_became_of_a_strategy_is_read_with_care() {
        let placed = |status: &str, code: &str| {
            let text = format!(
                r#"{{"strategyId":1,"clientStrategyId":"t-0-1","strategyType":"OTO","strategyStatus":"{status}",
                    "updateTime":1,"failureCode":{code},"failureReason":""}}"#
            );
            strategy_placed(&serde_json::from_str(&text).unwrap())
        };
        for (status, code, state) in [
            ("WORKING", "0", Some(StrategyState::Taken)),
            ("NEW", "null", Some(StrategyState::Taken)),
            ("EXPIRED", "0", Some(StrategyState::Taken)),
            ("FAILED", "0", Some(StrategyState::Failed)),
            ("WORKING", "-2019", Some(StrategyState::Failed)),
            ("HALF_DEAD", "0", None),
        ] {
            assert_eq!(placed(status, code), state, "{status} {code}");
        }
        let found = |status: &str, leg: &str, number: u64| {
            let leg = format!(
                r#"{{"strategyId":1,"orderId":{number},"clientOrderId":"t-0-1-0","status":"{leg}","strategySubId":1,
                    "firstDrivenOn":"","firstTrigger":"","secondDrivenOn":"","secondTrigger":"",
                    "securityType":"FUTURE","symbol":"BTCUSDT","side":"BUY","positionSide":"BOTH","type":"MARKET",
                    "timeInForce":"GTC","quantity":"1","price":"0","workingType":"MARK_PRICE"}}"#
            );
            let text = format!(
                r#"{{"strategyId":1,"clientStrategyId":"t-0-1","strategyType":"OTO","strategyStatus":"{status}",
                    "updateTime":1,"subOrders":[{leg}]}}"#
            );
            strategy_found(&serde_json::from_str(&text).unwrap())
        };
        for (status, leg, number, state) in [
            ("WORKING", "NEW", 7, StrategyState::Taken),
            // It may be placed yet.
            ("WORKING", "NEW", 0, StrategyState::Taken),
            ("EXPIRED", "FILLED", 7, StrategyState::Over),
            ("CANCELED", "CANCELED", 7, StrategyState::Over),
            ("FAILED", "REJECTED", 0, StrategyState::Over),
            ("HALF_DEAD", "NEW", 0, StrategyState::Taken),
        ] {
            assert_eq!(found(status, leg, number), state, "{status} {leg} {number}");
        }
    }

    #[test]
    fn only_a_path_that_is_not_there_is_a_refusal_without_a_code() {
        let undecided =
            |status| Outcome::<()>::Unknown(Cause::Undecided { status, code: None, message: String::new() });
        assert!(is_no_such_path(&undecided(404)) && is_no_such_path(&undecided(405)));
        let asked = Outcome::<()>::Unanswered(Cause::Undecided { status: 404, code: None, message: String::new() });
        assert!(is_no_such_path(&asked));
        assert!(!is_no_such_path(&undecided(503)) && !is_no_such_path(&undecided(400)));
        assert!(!is_no_such_path(&Outcome::<()>::Unknown(Cause::Timeout)));
    }

    #[test]
    fn a_code_that_is_about_a_filter_is_told_as_that_filter() {
        use swarm_core::model::{Filter, OrderKind, TimeInForce};
        let kinds = [OrderKind::Market, OrderKind::Limit { price: Price::ONE, tif: TimeInForce::Gtc }];
        for (code, filter) in crate::aster::errors::FILTERS {
            let why = reject(Some(i64::from(*code)));
            for kind in kinds {
                let told = Filter::of_reject(why, kind);
                let is_same = match *filter {
                    // The venue has one code for both of these pairs, or the books have one word.
                    Filter::LotSize => matches!(told, Some(Filter::LotSize | Filter::MarketLotSize)),
                    Filter::Price => matches!(told, Some(Filter::Price | Filter::PercentPrice)),
                    Filter::MaxConditionalOrders => told == Some(Filter::MaxOrders),
                    other => told == Some(other),
                };
                assert!(is_same || *code == -4028, "{code}: {filter:?} is told as {told:?}");
            }
        }
    }

    #[test]
    fn every_refusal_of_the_simulated_exchange_comes_back_as_itself() {
        use VenueReject::*;
        for why in [
            PriceTick,
            QtyStep,
            QtyTooSmall,
            QtyTooLarge,
            PriceBand,
            MinNotional,
            WouldTrigger,
            WouldTake,
            CannotFill,
            ReduceOnly,
            Margin,
            LeverageBracket,
            TooManyOrders,
            DuplicateId,
            NoMarket,
            BadCombination,
            Other,
        ] {
            let code = crate::venue_server::Refusal::of_exchange(why).code;
            assert_eq!(reject(Some(code)), why, "{code}");
        }
    }
}
