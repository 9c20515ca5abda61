//! Trades and other money: whose they are, booking each once, and folding the journal's facts.

use super::desk::{Desk, Out};
use super::policy::{INCOME_KEPT, OWNERS_KEPT, TRADE_GRACE_MS};
use super::talk::{Answer, IncomeKind, IncomeRow, RequestId, TradeRow};
use super::tracked::{End, Stage, Tracked};
use super::{Owner, poll};
use crate::model::{
    DifferenceKind, DifferencePolicy, Fact, Fill, Order, OrderId, Price, Qty, Rate, ReportKind, SymbolId, Time, Usd,
    VenueEvent, VenueReject,
};

/// Income that was announced is asked for so often before the next reconciliation has to find it.
const INCOME_ASKS: u32 = 4;

impl Desk {
    /// Remembers whose an order is by its number.
    pub(super) fn own(&mut self, symbol: SymbolId, number: u64, owner: Owner) {
        if symbol.index() < self.lanes.len() && self.owners.insert((symbol, number), owner).is_none() {
            self.owners_order.push_back((symbol, number));
            if self.owners_order.len() > OWNERS_KEPT
                && let Some(oldest) = self.owners_order.pop_front()
            {
                self.owners.remove(&oldest);
            }
        }
    }

    /// Takes an execution, once, from wherever it comes; without an owner it waits for one.
    pub(super) fn take_trade(&mut self, row: &TradeRow, out: &mut Out) {
        let Some(lane) = self.lanes.get_mut(row.symbol.index()) else { return };
        if row.qty <= Qty::ZERO || lane.knows(row.id) {
            return;
        }
        if let Some(owner) = self.owners.get(&(row.symbol, row.number)).copied() {
            return match owner {
                Owner::Foreign => self.take_strangers(row, out),
                _ => self.book(owner, row, out),
            };
        }
        let unowned = lane.unowned.entry(row.number).or_default();
        if !unowned.rows.iter().any(|known| known.id == row.id) {
            unowned.rows.push(*row);
        }
        unowned.poll.want_if_idle(self.now);
    }

    /// An execution of somebody else's. What it takes from a position of ours is booked. The rest is a position
    /// that nobody here opened: the supervisor would close what is booked of it, so where that is not asked for
    /// it stays out of the books, and the next comparison finds it.
    fn take_strangers(&mut self, row: &TradeRow, out: &mut Out) {
        let held = self.lanes[row.symbol.index()].holding.qty;
        let reduces = held.0.signum() * row.side.sign() < 0;
        let ours = if reduces { row.qty.min(held.abs()) } else { Qty::ZERO };
        let is_left = self.policy.differences.of(DifferenceKind::UnknownPosition) == DifferencePolicy::Halt;
        if !is_left || ours == row.qty {
            return self.book(Owner::Foreign, row, out);
        }
        self.report_stranger((row.symbol, row.number), &row.number.to_string(), row.qty, out);
        self.reconciliation.look_soon(self.now);
        if ours.is_zero() {
            self.lanes[row.symbol.index()].pass_over(row.id);
        } else {
            self.book(Owner::Foreign, &TradeRow { qty: ours, ..*row }, out);
        }
    }

    /// Books what waited for an order's owner.
    pub(super) fn release(&mut self, symbol: SymbolId, number: u64, out: &mut Out) {
        let Some(unowned) = self.lanes[symbol.index()].unowned.remove(&number) else { return };
        for row in unowned.rows {
            self.take_trade(&row, out);
        }
        // Whoever is denied by trades may have waited for this.
        self.lanes[symbol.index()].trades.want(self.now.plus(TRADE_GRACE_MS));
    }

    fn book(&mut self, owner: Owner, row: &TradeRow, out: &mut Out) {
        let symbol = row.symbol;
        let lane = &mut self.lanes[symbol.index()];
        let held = lane.holding.qty;
        let reduces = held.0.signum() * row.side.sign() < 0 && row.qty <= held.abs();
        let realized = lane.book(row.id, row.side, row.qty, row.price);
        self.wallet += realized - row.fee;
        let fill = Fill {
            trade: row.id,
            side: row.side,
            price: row.price,
            qty: row.qty,
            fee: row.fee,
            maker: row.maker,
            slippage: Usd::ZERO,
        };
        match owner {
            Owner::Venue if reduces => {
                let at = self.learned_at(row.at);
                out.events.push(VenueEvent::Liquidation { symbol, at, fill });
            }
            Owner::Ours(id) if self.orders.contains_key(&id) => self.book_own(id, row.at, fill, out),
            Owner::Ours(id) => {
                self.tell(id, symbol, row.at, ReportKind::Filled { fill, leaves: Qty::ZERO }, out);
            }
            // A forced execution that is learned of before what it closes: nobody holds it yet.
            Owner::Venue => {
                let id = self.stranger_id(symbol);
                self.tell(id, symbol, row.at, ReportKind::Filled { fill, leaves: Qty::ZERO }, out);
            }
            Owner::Foreign => {
                let id = self.stranger_id(symbol);
                self.tell(id, symbol, row.at, ReportKind::Filled { fill, leaves: Qty::ZERO }, out);
                self.report_stranger((symbol, row.number), &row.number.to_string(), row.qty, out);
            }
        }
    }

    fn book_own(&mut self, id: OrderId, at: Time, fill: Fill, out: &mut Out) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let symbol = order.order.symbol;
        order.booked += fill.qty;
        order.told = order.told.max(order.booked);
        order.denials = 0;
        order.absence = super::tracked::Absence::default();
        let was_working = order.is_working();
        if was_working {
            order.stage = Stage::Seen;
        }
        let leaves = order.leaves(self.lanes[symbol.index()].holding.qty);
        let is_over = was_working && leaves.is_zero();
        if is_over {
            order.stage = Stage::Done;
            order.end.get_or_insert(End::Filled);
        }
        self.tell(id, symbol, at, ReportKind::Filled { fill, leaves }, out);
        if is_over {
            self.attend(id);
            self.retire(id, symbol);
        } else {
            self.follow(id, out);
        }
    }

    pub(super) fn trades_listed(&mut self, symbol: SymbolId, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let lane = &mut self.lanes[symbol.index()];
        match answer {
            Answer::Trades(rows) => {
                let Some(asked_at) = lane.trades.answered(request) else { return };
                for row in rows.iter().filter(|row| row.symbol == symbol) {
                    self.take_trade(row, out);
                }
                self.deny_by_trades(symbol, asked_at);
                self.ask_on_for_gaps(symbol);
            }
            Answer::NotSent { until } => lane.trades.failed(request, now, until),
            _ => lane.trades.failed(request, now, None),
        }
    }

    /// What is announced and still not listed is asked for again.
    fn ask_on_for_gaps(&mut self, symbol: SymbolId) {
        let now = self.now;
        let lacking = |order: &&mut Tracked| order.order.symbol == symbol && order.lacks_trades();
        for order in self.orders.values_mut().filter(lacking) {
            let wait = poll::back_off(order.denials as usize);
            order.denials += 1;
            self.lanes[symbol.index()].trades.want_if_idle(now.plus(wait));
        }
    }

    /// Money was announced: its rows are asked for.
    pub(super) fn expect_income(&mut self) {
        self.income_hints = INCOME_ASKS;
        self.income.want(self.now.plus(TRADE_GRACE_MS));
    }

    pub(super) fn income_listed(&mut self, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        match answer {
            Answer::Income(rows) => {
                self.income.answered(request);
                let mut is_news = false;
                for row in &rows {
                    is_news |= self.book_income(row, out);
                }
                if is_news {
                    self.income_hints = 0;
                } else if self.income_hints > 0 {
                    // Announced, and not listed yet.
                    let tries = (INCOME_ASKS - self.income_hints) as usize;
                    self.income_hints -= 1;
                    self.income.want(now.plus(poll::back_off(tries)));
                }
            }
            Answer::NotSent { until } => self.income.failed(request, now, until),
            _ => self.income.failed(request, now, None),
        }
    }

    fn book_income(&mut self, row: &IncomeRow, out: &mut Out) -> bool {
        let IncomeRow { kind, symbol, at, amount } = *row;
        let is_early = self.opened_at.is_some_and(|opened| at < opened);
        if is_early || amount.is_zero() || !self.note_income(kind, symbol, at, amount) {
            return false;
        }
        self.wallet += amount;
        out.events.push(match (kind, symbol) {
            (IncomeKind::Funding, Some(symbol)) => {
                VenueEvent::Funding { symbol, at, rate: Rate::ZERO, mark: Price::ZERO, amount }
            }
            _ => VenueEvent::Transfer { at, amount },
        });
        true
    }

    /// Remembers a row; `false` when it is known.
    fn note_income(&mut self, kind: IncomeKind, symbol: Option<SymbolId>, at: Time, amount: Usd) -> bool {
        let is_new = self.income_known.insert(Self::income_key(kind, symbol, at, amount));
        if is_new {
            self.income_at = self.income_at.max(Some(at));
            if self.income_known.len() > INCOME_KEPT {
                let oldest = self.income_known.iter().min_by_key(|key| key.2).copied();
                oldest.map(|oldest| self.income_known.remove(&oldest));
            }
        }
        is_new
    }

    /// Folds a fact of the journal. A desk that was given all facts of its portfolio and then
    /// [starts](Self::start) knows what it must ask for: an order that the facts leave without an end has an
    /// unknown outcome.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Order { at, order } if order.portfolio == self.portfolio => self.apply_order(*at, order),
            Fact::Cancel { portfolio, id, .. } if *portfolio == self.portfolio => {
                if let Some(order) = self.orders.get_mut(id) {
                    order.cancel_wanted = true;
                }
            }
            Fact::Venue { portfolio, event } if *portfolio == self.portfolio => self.apply_event(event),
            Fact::Gate { at, portfolio, .. } if *portfolio == self.portfolio => {
                self.opened_at.get_or_insert(*at);
            }
            // An execution that was not booked is listed again after a start: it was reported.
            Fact::Difference { portfolio, difference, .. }
                if *portfolio == self.portfolio && difference.kind == DifferenceKind::UnknownOrder =>
            {
                if let (Some(symbol), Ok(number)) = (difference.symbol, difference.subject.parse()) {
                    self.is_new_stranger((symbol, number));
                }
            }
            _ => {}
        }
    }

    fn apply_order(&mut self, at: Time, order: &Order) {
        if order.symbol.index() >= self.lanes.len() {
            return;
        }
        // When it left, if it did, is not known: until when it may arrive is counted from the start.
        let tracked = self.fold_driven(at, order).unwrap_or_else(|| Tracked::new(order.clone(), at, Stage::Unknown));
        self.orders.insert(order.id, tracked);
    }

    fn apply_event(&mut self, event: &VenueEvent) {
        let is_first = !std::mem::replace(&mut self.is_opened, true);
        match *event {
            VenueEvent::Order { id, symbol, kind, .. } => self.apply_report(id, symbol, &kind),
            VenueEvent::Liquidation { symbol, fill, .. } => self.apply_fill(symbol, &fill),
            VenueEvent::Funding { symbol, at, amount, .. } => {
                self.note_income(IncomeKind::Funding, Some(symbol), at, amount);
                self.wallet += amount;
            }
            VenueEvent::Transfer { at, amount } => {
                if is_first {
                    self.opened_at = Some(at);
                }
                self.note_income(IncomeKind::Transfer, None, at, amount);
                self.wallet += amount;
            }
        }
    }

    fn apply_report(&mut self, id: OrderId, symbol: SymbolId, kind: &ReportKind) {
        if let ReportKind::Filled { fill, .. } = kind {
            self.apply_fill(symbol, fill);
        }
        let Some(order) = self.orders.get_mut(&id) else { return };
        let mut is_final = false;
        match kind {
            ReportKind::Accepted => {
                order.is_accepted = true;
                order.stage = if order.is_working() { Stage::Seen } else { Stage::Done };
            }
            ReportKind::Filled { fill, leaves } => {
                order.booked += fill.qty;
                order.told = order.told.max(order.booked);
                order.stage = if order.is_working() { Stage::Seen } else { Stage::Done };
                if leaves.is_zero() {
                    order.end = Some(End::Filled);
                    is_final = true;
                }
            }
            // Not by the venue's word: it may turn up yet.
            ReportKind::Rejected(VenueReject::NeverArrived | VenueReject::NotSent) => is_final = true,
            ReportKind::Rejected(_) | ReportKind::Canceled(_) => {
                order.end = Some(End::Canceled);
                is_final = true;
            }
            ReportKind::CancelRejected => {}
        }
        if is_final && order.is_working() {
            order.stage = Stage::Done;
            self.retire(id, symbol);
        }
        self.attend(id);
    }

    fn apply_fill(&mut self, symbol: SymbolId, fill: &Fill) {
        if let Some(lane) = self.lanes.get_mut(symbol.index()) {
            let realized = lane.book(fill.trade, fill.side, fill.qty, fill.price);
            self.wallet += realized - fill.fee;
        }
    }
}
