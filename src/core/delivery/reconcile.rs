//! Comparing the account with the books: fills first, then orders, then positions and money, at the start,
//! after every outage and on a period. What differs at two looks, with the trades asked for between them,
//! is a difference and is met by its policy.

use super::desk::{Desk, Halt, Out, What};
use super::lane::Lane;
use super::policy::CONFIRM_MS;
use super::talk::{Answer, LinkState, PositionRow, RequestId};
use super::tracked::Stage;
use crate::model::{
    Difference, DifferenceKind, DifferencePolicy, Figure, Fill, OrderId, Price, Purpose, Qty, ReportKind, Side,
    SymbolId, Time, Usd, VenueEvent,
};
use std::collections::{BTreeMap, BTreeSet};

/// What may differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suspect {
    Position(SymbolId),
    /// A contract that is not in the plan.
    Elsewhere(String),
    Stop(SymbolId),
    Balance,
}

/// What the venue has and what the books have.
type Pair = (Figure, Figure);

/// How far a comparison has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reconciliation {
    /// Runs, and asks for everything anew that was asked for before this.
    since: Option<Time>,
    /// Orders are done; positions and money are asked for from here on.
    money_since: Option<Time>,
    /// When the next begins.
    next: Option<Time>,
    /// When what the stream told of positions is held against the books.
    hint_at: Option<Time>,
    /// Everything is looked at, not only what moves.
    is_full: bool,
    /// One was finished since the last outage.
    is_done: bool,
    /// Seen to differ, since when, and not yet certain.
    suspects: BTreeMap<Suspect, (Pair, Time)>,
    /// Differs for certain, and was met.
    met: BTreeMap<Suspect, Pair>,
    is_mode_met: bool,
    rows: Vec<PositionRow>,
    wallet: Usd,
}

impl Reconciliation {
    /// Begins anew: after a start, an outage, or a new connection.
    pub(super) fn begin(&mut self, now: Time) {
        (self.since, self.money_since, self.next) = (Some(now), None, None);
        (self.is_full, self.is_done) = (true, false);
    }

    /// What was met with a halt is found again if it is still there.
    pub(super) fn forget_met(&mut self) {
        self.met.clear();
        self.is_mode_met = false;
    }

    /// The stream told of positions: one that does not agree soon is a reason to look.
    pub(super) fn hint(&mut self, now: Time) {
        self.hint_at.get_or_insert(now.plus(CONFIRM_MS));
    }

    /// There is a reason to look soon.
    pub(super) fn look_soon(&mut self, now: Time) {
        if self.since.is_none() {
            let soon = now.plus(CONFIRM_MS);
            self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
        }
    }

    /// Whether one was finished since the last outage and nothing seems to differ.
    pub(super) fn is_settled(&self) -> bool {
        self.is_done && self.suspects.is_empty()
    }

    pub(super) fn wants_trades(&self, lane: &Lane) -> bool {
        self.since.is_some_and(|since| !lane.trades.is_current(since))
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let next = if self.since.is_some() { None } else { self.next };
        next.into_iter().chain(self.hint_at).min()
    }
}

impl Desk {
    /// Goes on with the comparison as far as answers are there.
    pub(super) fn advance(&mut self, out: &mut Out) {
        let now = self.now;
        self.follow_hints();
        let state = &mut self.reconciliation;
        if state.since.is_none() && state.next.is_some_and(|next| next <= now) {
            (state.since, state.money_since, state.next) = (Some(now), None, None);
        }
        let Some(since) = state.since else { return };
        if self.recovers_fills(since) || self.recovers_orders(since) {
            return;
        }
        let money_since = *self.reconciliation.money_since.get_or_insert(now);
        if !self.asks_money(since, money_since) {
            self.compare(out);
        }
    }

    fn follow_hints(&mut self) {
        if self.reconciliation.hint_at.is_none_or(|at| at > self.now) {
            return;
        }
        self.reconciliation.hint_at = None;
        let mut differs = false;
        for lane in &mut self.lanes {
            differs |= lane.hinted.take().is_some_and(|told| told != lane.holding.qty);
        }
        if differs {
            self.reconciliation.look_soon(self.now.plus(-CONFIRM_MS));
        }
    }

    /// Whether fills are still being asked for.
    fn recovers_fills(&mut self, since: Time) -> bool {
        let mut is_busy = false;
        for index in 0..self.lanes.len() {
            let symbol = SymbolId::at(index);
            let is_suspect = self.reconciliation.suspects.contains_key(&Suspect::Position(symbol));
            let is_at_work = self.is_at_work(symbol);
            let lane = &mut self.lanes[index];
            let is_in_play = is_at_work || is_suspect || !lane.holding.is_flat() || !lane.unowned.is_empty();
            if is_in_play && !lane.trades.is_current(since) {
                lane.trades.want_if_idle(self.now);
                is_busy = true;
            }
            is_busy |= !lane.unowned.is_empty();
        }
        is_busy
    }

    /// Whether orders are still being asked for.
    fn recovers_orders(&mut self, since: Time) -> bool {
        if !self.listing.is_current(since) {
            self.listing.want_if_idle(self.now);
            return true;
        }
        let mut is_busy = false;
        for order in self.orders.values_mut() {
            is_busy |= order.lacks_trades();
            match order.stage {
                Stage::Seen | Stage::Unknown if order.verified_at < since => {
                    order.query.want_if_idle(self.now);
                    is_busy = true;
                }
                // Not found, and not yet certain.
                Stage::Seen => is_busy |= order.denials > 0,
                _ => {}
            }
        }
        is_busy
    }

    /// Whether positions and money are still being asked for.
    fn asks_money(&mut self, since: Time, money_since: Time) -> bool {
        let now = self.now;
        let state = &self.reconciliation;
        let asks_income = self.is_opened && (state.is_full || state.suspects.contains_key(&Suspect::Balance));
        let mut is_busy = false;
        let mut need = |poll: &mut super::poll::Poll, from: Time| {
            if !poll.is_current(from) {
                poll.want_if_idle(now);
                is_busy = true;
            }
        };
        if state.is_full {
            need(&mut self.modes, since);
        }
        if asks_income {
            need(&mut self.income, money_since);
        }
        need(&mut self.positions, money_since);
        need(&mut self.balance, money_since);
        is_busy
    }

    pub(super) fn listed(&mut self, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let rows = match answer {
            Answer::OpenOrders(rows) => rows,
            Answer::NotSent { until } => return self.listing.failed(request, now, until),
            _ => return self.listing.failed(request, now, None),
        };
        let Some(asked_at) = self.listing.answered(request) else { return };
        let mut ours = BTreeSet::<OrderId>::new();
        for row in &rows {
            if let super::Owner::Ours(id) = self.tag.owner(&row.name) {
                ours.insert(id);
                if let Some(order) = self.orders.get_mut(&id) {
                    order.verified_at = order.verified_at.max(asked_at);
                }
            }
            self.absorb(row, out);
        }
        self.deny_by_listing(asked_at, |id| ours.contains(&id));
    }

    pub(super) fn account_told(&mut self, what: What, request: RequestId, answer: Answer, out: &mut Out) {
        let now = self.now;
        let poll = match what {
            What::Positions => &mut self.positions,
            What::Balance => &mut self.balance,
            _ => &mut self.modes,
        };
        match answer {
            Answer::Positions(rows) => {
                poll.answered(request);
                for row in &rows {
                    if let (Some(symbol), Some(leverage)) = (row.symbol, row.leverage) {
                        self.leverage_listed(symbol, leverage, out);
                    }
                }
                self.reconciliation.rows = rows;
            }
            Answer::Balance(wallet) => {
                poll.answered(request);
                self.reconciliation.wallet = wallet;
            }
            Answer::Modes { hedge, multi_assets } => {
                poll.answered(request);
                self.modes_told(hedge, multi_assets, out);
            }
            Answer::NotSent { until } => poll.failed(request, now, until),
            _ => poll.failed(request, now, None),
        }
    }

    /// The stream's word may be of before our own: only the account's own rows are believed.
    pub(super) fn leverage_told(&mut self, symbol: SymbolId, leverage: u32, _: &mut Out) {
        let known = self.lanes.get(symbol.index()).and_then(|lane| lane.leverage);
        if known.is_some_and(|known| known != leverage) {
            self.reconciliation.look_soon(self.now);
        }
    }

    fn leverage_listed(&mut self, symbol: SymbolId, leverage: u32, out: &mut Out) {
        let Some(lane) = self.lanes.get_mut(symbol.index()) else { return };
        if lane.set_leverage.is_asked() {
            return;
        }
        let known = lane.leverage.replace(leverage);
        if let Some(known) = known.filter(|known| *known != leverage) {
            let kind = DifferenceKind::Leverage;
            self.meet(self.difference(kind, Some(symbol), Figure::Count(leverage), Figure::Count(known)), out);
        }
    }

    pub(super) fn modes_told(&mut self, hedge: bool, multi_assets: bool, out: &mut Out) {
        let differs = hedge || multi_assets;
        if differs && !self.reconciliation.is_mode_met {
            let count = Figure::Count(u32::from(hedge) + u32::from(multi_assets));
            let mut difference = self.difference(DifferenceKind::Mode, None, count, Figure::Count(0));
            difference.subject = if hedge { "hedge mode" } else { "multi-assets mode" }.to_owned();
            self.meet(difference, out);
        }
        self.reconciliation.is_mode_met = differs;
    }

    fn compare(&mut self, out: &mut Out) {
        let now = self.now;
        let found = self.find();
        let mut certain = Vec::new();
        let state = &mut self.reconciliation;
        state.met.retain(|suspect, pair| found.get(suspect) == Some(pair));
        let before = std::mem::take(&mut state.suspects);
        for (suspect, pair) in found {
            if state.met.contains_key(&suspect) {
                continue;
            }
            let since = before.get(&suspect).filter(|(known, _)| *known == pair).map_or(now, |(_, since)| *since);
            // What an account begins with is not a difference.
            let begins = suspect == Suspect::Balance && !self.is_opened;
            if begins || now.since(since) >= CONFIRM_MS {
                certain.push((suspect, pair));
            } else {
                state.suspects.insert(suspect, (pair, since));
            }
        }
        let is_clear = certain.is_empty() && state.suspects.is_empty();
        for (suspect, pair) in certain {
            self.meet_suspect(suspect, pair, out);
        }
        let state = &mut self.reconciliation;
        (state.since, state.money_since) = (None, None);
        if is_clear {
            state.is_done = self.link == LinkState::Up;
            state.is_full = false;
            let is_up = self.link == LinkState::Up;
            state.next = Some(now.plus(if is_up { self.policy.period_ms } else { self.policy.down_period_ms }));
        } else {
            state.next = Some(now.plus(CONFIRM_MS));
        }
    }

    /// What differs now.
    fn find(&mut self) -> BTreeMap<Suspect, Pair> {
        let mut found = BTreeMap::new();
        for index in 0..self.lanes.len() {
            let symbol = SymbolId::at(index);
            let (venue, book) = (self.venue_qty(symbol), self.lanes[index].holding.qty);
            if venue != book {
                found.insert(Suspect::Position(symbol), (Figure::Qty(venue), Figure::Qty(book)));
            } else if self.policy.expects_stop && !book.is_zero() && !self.has_way_out(symbol) {
                found.insert(Suspect::Stop(symbol), (Figure::Nothing, Figure::Qty(book)));
            }
        }
        for row in self.reconciliation.rows.iter().filter(|row| row.symbol.is_none() && !row.qty.is_zero()) {
            found.insert(Suspect::Elsewhere(row.contract.clone()), (Figure::Qty(row.qty), Figure::Nothing));
        }
        // Money cannot agree while positions do not.
        let agrees = !found.keys().any(|suspect| matches!(suspect, Suspect::Position(_)));
        let (venue, book) = (self.reconciliation.wallet, self.wallet);
        if agrees && self.is_opened && (venue - book).abs() > self.policy.balance_tolerance {
            found.insert(Suspect::Balance, (Figure::Usd(venue), Figure::Usd(book)));
        }
        if agrees && !self.is_opened {
            found.insert(Suspect::Balance, (Figure::Usd(venue), Figure::Nothing));
        }
        found
    }

    fn venue_qty(&self, symbol: SymbolId) -> Qty {
        self.reconciliation.rows.iter().filter(|row| row.symbol == Some(symbol)).map(|row| row.qty).sum()
    }

    /// Whether a stop or a close of a contract is at the venue or on its way.
    fn has_way_out(&self, symbol: SymbolId) -> bool {
        let mut own = self.orders.values().filter(|order| order.is_working() && order.order.symbol == symbol);
        own.any(|order| matches!(order.order.purpose, Purpose::Stop | Purpose::Exit | Purpose::Flatten))
    }

    fn meet_suspect(&mut self, suspect: Suspect, pair: Pair, out: &mut Out) {
        let (venue, book) = pair;
        let mut difference = match &suspect {
            Suspect::Position(symbol) => {
                let (there, here) = (self.venue_qty(*symbol), self.lanes[symbol.index()].holding.qty);
                let is_less = there.0.signum() * here.0.signum() >= 0 && there.abs() < here.abs();
                let kind = if is_less { DifferenceKind::PositionSize } else { DifferenceKind::UnknownPosition };
                self.difference(kind, Some(*symbol), venue, book)
            }
            Suspect::Elsewhere(_) => self.difference(DifferenceKind::UnknownPosition, None, venue, book),
            Suspect::Stop(symbol) => self.difference(DifferenceKind::NoStop, Some(*symbol), venue, book),
            Suspect::Balance => self.difference(DifferenceKind::Balance, None, venue, book),
        };
        if let Suspect::Elsewhere(contract) = &suspect {
            // Nothing here knows how to close it.
            (difference.policy, difference.subject) = (DifferencePolicy::Halt, contract.clone());
        }
        let is_beginning = suspect == Suspect::Balance && !std::mem::replace(&mut self.is_opened, true);
        if is_beginning {
            self.opened_at = Some(self.now);
            return self.adopt_balance(out);
        }
        let policy = difference.policy;
        self.meet(difference, out);
        match suspect {
            // What is taken over agrees from now on; the same again is a new difference.
            Suspect::Position(symbol) if policy != DifferencePolicy::Halt => self.adopt_position(symbol, out),
            Suspect::Balance if policy != DifferencePolicy::Halt => self.adopt_balance(out),
            suspect => drop(self.reconciliation.met.insert(suspect, pair)),
        }
    }

    /// Hands a difference out, and halts where its policy says so.
    pub(super) fn meet(&mut self, difference: Difference, out: &mut Out) {
        if difference.policy == DifferencePolicy::Halt {
            self.halt(Halt::Difference(difference.kind), out);
        }
        out.differences.push(difference);
    }

    fn difference(&self, kind: DifferenceKind, symbol: Option<SymbolId>, venue: Figure, book: Figure) -> Difference {
        let policy = self.policy.differences.of(kind);
        Difference { kind, policy, symbol, subject: String::new(), venue, book }
    }

    /// The books take over what no trade explains, as an execution of nobody's at the best price known: the
    /// supervisor closes what that opens.
    fn adopt_position(&mut self, symbol: SymbolId, out: &mut Out) {
        let row = self.reconciliation.rows.iter().find(|row| row.symbol == Some(symbol));
        let told = row.map(|row| (row.mark, row.entry_price));
        let lane = &mut self.lanes[symbol.index()];
        let delta =
            self.reconciliation.rows.iter().filter(|row| row.symbol == Some(symbol)).map(|row| row.qty).sum::<Qty>()
                - lane.holding.qty;
        let opens = lane.holding.qty.0.signum() * delta.0.signum() >= 0;
        let positive = |price: Price| (price > Price::ZERO).then_some(price);
        let entry = told.and_then(|(_, entry)| positive(entry));
        let mark = told.and_then(|(mark, _)| mark).and_then(positive);
        let price = if opens { entry.or(mark) } else { mark };
        let price = price.or_else(|| lane.holding.entry_price()).unwrap_or(Price(1));
        let (side, qty) = (Side::of(delta), delta.abs());
        let realized = lane.book(0, side, qty, price);
        self.wallet += realized;
        let fill = Fill { trade: 0, side, price, qty, fee: Usd::ZERO, maker: false, slippage: Usd::ZERO };
        let id = self.stranger_id(symbol);
        self.tell(id, symbol, self.now, ReportKind::Filled { fill, leaves: Qty::ZERO }, out);
    }

    fn adopt_balance(&mut self, out: &mut Out) {
        let amount = self.reconciliation.wallet - self.wallet;
        if !amount.is_zero() {
            self.wallet += amount;
            out.events.push(VenueEvent::Transfer { at: self.now, amount });
        }
    }
}
