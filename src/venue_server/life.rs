//! What the exchange reports, as the venue's records and user events. Decides nothing.

use super::board::Board;
use super::purse::Slot;
use super::records::{Account, Record, record_id};
use crate::aster::wire::{
    AccountChange, AccountReason, AccountUpdate, BalanceChange, Event, ExecutionType, ForceOrderEvent, ForcedOrder,
    Income, IncomeType, MarginType, OrderEvent, OrderStatus, OrderType, OrderUpdate, PositionChange, Side, TimeInForce,
    UserTrade, WorkingType,
};
use swarm_core::model::{CancelReason, Fill, Price, Qty, ReportKind, Round, Time, Usd, VenueEvent, VenueReject};

/// That an order was taken, where no exchange reports it.
pub(super) fn order_news(account: &Account, boards: &[Board], id: u64, at: Time) -> Vec<Event> {
    let record = account.orders.get(&id);
    let event = |record: &Record| order_event(record, &boards[record.symbol.index()], at, ExecutionType::New, None);
    record.map(event).into_iter().collect()
}

/// What became of a batch of events.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// For the account's stream.
    pub events: Vec<Event>,
    /// For everybody.
    pub forced: Vec<Event>,
    /// Orders that were refused on arrival.
    pub rejected: Vec<(u64, VenueReject)>,
    /// Cancels that found nothing.
    pub not_cancelled: bool,
}

/// Books events of an account.
pub(super) fn book(account: &mut Account, boards: &[Board], batch: &[VenueEvent], told: &mut Told) {
    let mut changed: Vec<(Slot, Time)> = Vec::new();
    for event in batch {
        match *event {
            VenueEvent::Order { id, at, kind, .. } => {
                let kind = numbered(account, kind);
                report(account, boards, record_id(id), at, &kind, &mut changed, told);
            }
            VenueEvent::Liquidation { symbol: slot, at, fill } => {
                let fill = Fill { trade: next_trade(account), ..fill };
                liquidate(account, boards, slot, at, &fill, told);
                changed.push((slot, at));
            }
            VenueEvent::Funding { symbol: slot, at, amount, .. } => {
                let symbol = account.purse.position_of(slot).0;
                let name = &boards[symbol.index()].instrument.symbol;
                account.note_income(income(name, IncomeType::FundingFee, amount, at, ""));
                // Of isolated positions it says which one paid, of others only what was paid.
                let paid: &[Slot] = if account.purse.is_isolated(symbol) { &[slot] } else { &[] };
                let update = account_update(account, boards, AccountReason::FundingFee, at, paid, Some(amount));
                told.events.push(update);
            }
            VenueEvent::Transfer { at, amount } => {
                account.note_income(income("", IncomeType::Transfer, amount, at, "TRANSFER"));
                let reason = if amount < Usd::ZERO { AccountReason::Withdraw } else { AccountReason::Deposit };
                told.events.push(account_update(account, boards, reason, at, &[], Some(amount)));
            }
        }
    }
    if let Some((_, at)) = changed.last().copied() {
        let mut slots: Vec<Slot> = changed.iter().map(|(slot, _)| *slot).collect();
        slots.extend(account.purse.held());
        told.events.push(account_update(account, boards, AccountReason::Order, at, &slots, None));
    }
}

fn next_trade(account: &mut Account) -> u64 {
    account.next_trade += 1;
    account.next_trade - 1
}

/// A report with the account's own number of the trade: its two exchanges count apart.
fn numbered(account: &mut Account, kind: ReportKind) -> ReportKind {
    match kind {
        ReportKind::Filled { fill, leaves } => {
            ReportKind::Filled { fill: Fill { trade: next_trade(account), ..fill }, leaves }
        }
        other => other,
    }
}

fn report(
    account: &mut Account,
    boards: &[Board],
    id: u64,
    at: Time,
    kind: &ReportKind,
    changed: &mut Vec<(Slot, Time)>,
    told: &mut Told,
) {
    let Some(mut record) = account.orders.get(&id).cloned() else { return };
    let board = &boards[record.symbol.index()];
    record.updated = at;
    match *kind {
        ReportKind::Accepted => {
            // Said again: what waited for its trigger is a market order now.
            let again = record.is_told && record.rest() == record.qty;
            if record.orig_type.has_limit() {
                record.order_type = OrderType::Limit;
            } else if again {
                record.order_type = OrderType::Market;
            }
            // A limit order that found nothing to trade with yet has been told already.
            if again && record.orig_type == OrderType::Limit {
                return;
            }
            record.is_told = true;
            told.events.push(order_event(&record, board, at, ExecutionType::New, None));
        }
        // A trigger was met, and the limit order behind it was not taken.
        ReportKind::Rejected(_) if record.is_triggered => {
            record.status = OrderStatus::Expired;
            told.events.push(order_event(&record, board, at, ExecutionType::Expired, None));
        }
        ReportKind::Rejected(why) => {
            account.open.remove(&record.client_id);
            account.orders.remove(&id);
            told.rejected.push((id, why));
            return;
        }
        ReportKind::Filled { fill, leaves } => {
            let rested = record.orig_type == OrderType::Limit || record.orig_type == OrderType::Market;
            let conditional = !(rested || record.orig_type.has_limit() && fill.maker);
            let now = if record.orig_type.has_limit() { OrderType::Limit } else { OrderType::Market };
            let is_met = conditional && record.order_type != now;
            if is_met || !(record.is_told || fill.maker) {
                record.order_type = now;
                record.is_told = true;
                // What trades on arrival or trigger is announced as new first.
                told.events.push(order_event(&record, board, at, ExecutionType::New, None));
            }
            record.executed += fill.qty;
            record.quote += Usd::notional(fill.price, fill.qty, Round::Nearest);
            if record.close_position {
                record.qty = record.executed + leaves;
            }
            // A reduce-only order that was cut to the position is done as well.
            record.status = if leaves.is_zero() { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
            let slot = account.slot(&record);
            let realized = take_fill(account, board, slot, id, at, &fill);
            let execution = ExecutionType::Trade;
            told.events.push(order_event(&record, board, at, execution, Some((&fill, realized))));
            changed.push((slot, at));
        }
        ReportKind::Canceled(why) => {
            let asked = matches!(why, CancelReason::Requested | CancelReason::Liquidation);
            let (status, execution) = match asked {
                true => (OrderStatus::Canceled, ExecutionType::Canceled),
                false => (OrderStatus::Expired, ExecutionType::Expired),
            };
            if why == CancelReason::Immediate && !record.is_told {
                told.events.push(order_event(&record, board, at, ExecutionType::New, None));
            }
            record.status = status;
            told.events.push(order_event(&record, board, at, execution, None));
        }
        ReportKind::CancelRejected => {
            told.not_cancelled = true;
            return;
        }
    }
    if !record.is_open() {
        account.open.remove(&record.client_id);
    }
    account.orders.insert(id, record);
}

/// Books a fill: trade, income and position. Gives what it realised, before fees.
fn take_fill(account: &mut Account, board: &Board, slot: Slot, order: u64, at: Time, fill: &Fill) -> Usd {
    let index = slot.index();
    let realized = account.holdings[index].apply(fill.side, fill.qty, fill.price);
    account.realized[index] += realized;
    account.updated[index] = at;
    let name = &board.instrument.symbol;
    let trade = fill.trade.to_string();
    if !realized.is_zero() {
        account
            .note_income(Income { trade_id: trade.clone(), ..income(name, IncomeType::RealizedPnl, realized, at, "") });
    }
    if !fill.fee.is_zero() {
        account.note_income(Income { trade_id: trade, ..income(name, IncomeType::Commission, -fill.fee, at, "") });
    }
    account.note_trade(UserTrade {
        id: fill.trade,
        order_id: order,
        symbol: name.clone(),
        side: fill.side.into(),
        position_side: Some(account.purse.position_of(slot).1.wire()),
        price: fill.price,
        qty: fill.qty,
        quote_qty: Usd::notional(fill.price, fill.qty, Round::Nearest),
        commission: fill.fee,
        commission_asset: "USDT".to_owned(),
        realized_pnl: realized,
        buyer: fill.side == swarm_core::model::Side::Buy,
        maker: fill.maker,
        time: at,
        margin_asset: Some("USDT".to_owned()),
    });
    realized
}

fn liquidate(account: &mut Account, boards: &[Board], slot: Slot, at: Time, fill: &Fill, told: &mut Told) {
    let (symbol, stance) = account.purse.position_of(slot);
    let board = &boards[symbol.index()];
    let id = account.next_order;
    account.next_order += 1;
    let realized = take_fill(account, board, slot, id, at, fill);
    let record = Record {
        id,
        symbol,
        stance,
        is_triggered: false,
        is_told: true,
        changes: 0,
        name: board.instrument.symbol.clone(),
        client_id: format!("autoclose-{}{id:06}", at.0),
        side: fill.side.into(),
        order_type: OrderType::Liquidation,
        orig_type: OrderType::Liquidation,
        tif: TimeInForce::Ioc,
        price: fill.price,
        qty: fill.qty,
        stop: Price::ZERO,
        activation: None,
        callback: None,
        reduce_only: false,
        close_position: false,
        working: WorkingType::ContractPrice,
        protect: false,
        status: OrderStatus::Filled,
        executed: fill.qty,
        quote: Usd::notional(fill.price, fill.qty, Round::Nearest),
        time: at,
        updated: at,
    };
    told.events.push(order_event(&record, board, at, ExecutionType::Calculated, Some((fill, realized))));
    told.forced.push(Event::ForceOrder(Box::new(ForceOrderEvent {
        sent: at,
        order: ForcedOrder {
            symbol: record.name.clone(),
            side: record.side.clone(),
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Ioc,
            qty: fill.qty,
            price: fill.price,
            avg_price: fill.price,
            status: OrderStatus::Filled,
            last_qty: fill.qty,
            filled_qty: fill.qty,
            time: at,
        },
    })));
    account.orders.insert(id, record);
}

fn income(symbol: &str, income_type: IncomeType, amount: Usd, at: Time, info: &str) -> Income {
    Income {
        symbol: symbol.to_owned(),
        income_type,
        income: amount,
        asset: "USDT".to_owned(),
        info: info.to_owned(),
        time: at,
        tran_id: String::new(),
        trade_id: String::new(),
    }
}

fn order_event(
    record: &Record,
    board: &Board,
    at: Time,
    execution: ExecutionType,
    fill: Option<(&Fill, Usd)>,
) -> Event {
    let working = |side: Side| {
        let waits = record.is_open() && record.side == side && !record.price.is_zero();
        Some(if waits { Usd::notional(record.price, record.rest(), Round::Up) } else { Usd::ZERO })
    };
    let trailing = record.orig_type == OrderType::TrailingStopMarket;
    Event::Order(Box::new(OrderUpdate {
        sent: at,
        time: at,
        order: OrderEvent {
            symbol: record.name.clone(),
            client_order_id: record.client_id.clone(),
            side: record.side.clone(),
            order_type: record.order_type.clone(),
            time_in_force: record.tif.clone(),
            orig_qty: record.qty,
            price: record.price,
            avg_price: record.average(board.instrument.tick),
            stop_price: Some(record.stop),
            execution,
            status: record.status.clone(),
            order_id: record.id,
            last_qty: fill.map_or(Qty::ZERO, |(fill, _)| fill.qty),
            filled_qty: record.executed,
            last_price: fill.map_or(Price::ZERO, |(fill, _)| fill.price),
            commission_asset: fill.map(|_| "USDT".to_owned()),
            commission: fill.map(|(fill, _)| fill.fee),
            trade_time: at,
            trade_id: fill.map_or(0, |(fill, _)| i64::try_from(fill.trade).unwrap_or(i64::MAX)),
            bid_notional: working(Side::Buy),
            ask_notional: working(Side::Sell),
            maker: fill.is_some_and(|(fill, _)| fill.maker),
            reduce_only: record.reduce_only,
            working_type: Some(record.working.clone()),
            orig_type: Some(record.orig_type.clone()),
            position_side: Some(record.stance.wire()),
            close_position: record.close_position,
            activation_price: record.activation.filter(|_| trailing),
            callback_rate: record.callback.filter(|_| trailing),
            realized_profit: Some(fill.map_or(Usd::ZERO, |(_, realized)| realized)),
        },
    }))
}

pub(super) fn account_update(
    account: &Account,
    boards: &[Board],
    reason: AccountReason,
    at: Time,
    slots: &[Slot],
    change: Option<Usd>,
) -> Event {
    let wallet = account.purse.wallet();
    let mut all: Vec<Slot> = slots.to_vec();
    all.sort_unstable();
    all.dedup();
    let positions = all.into_iter().map(|slot| {
        let (symbol, stance) = account.purse.position_of(slot);
        let holding = account.holdings[slot.index()];
        let last = boards[symbol.index()].last.unwrap_or(Price::ZERO);
        let isolated = account.purse.is_isolated(symbol);
        PositionChange {
            symbol: boards[symbol.index()].instrument.symbol.clone(),
            amount: holding.qty,
            entry_price: holding.entry_price().unwrap_or(Price::ZERO),
            realized: account.realized[slot.index()],
            unrealized: holding.unrealized(last),
            margin_type: if isolated { MarginType::IsolatedLower } else { MarginType::CrossLower },
            isolated_wallet: Some(account.purse.isolated_margin(slot)),
            position_side: stance.wire(),
            margin_asset: Some("USDT".to_owned()),
        }
    });
    Event::Account(Box::new(AccountUpdate {
        sent: at,
        time: at,
        change: AccountChange {
            reason,
            balances: vec![BalanceChange {
                asset: "USDT".to_owned(),
                wallet,
                cross_wallet: account.purse.cross_wallet(),
                change: Some(change.unwrap_or(Usd::ZERO)),
            }],
            positions: positions.collect(),
        },
    }))
}
