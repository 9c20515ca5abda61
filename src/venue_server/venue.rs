//! The venue as a value: accounts, market, connections. Requests and moments in, answers and frames out. Reads no
//! clock and opens no socket.

use super::accounts::AccountSpec;
use super::board::{Board, Book};
use super::faults::Faults;
use super::feed::{Feed, Happening, Market};
use super::life::{self, Told};
use super::limits::Weights;
use super::purse::{Purse, slots};
use super::records::Account;
use super::refusal::Refusal;
use super::streams::{Out, Streams};
use super::wallets::Wallets;
use crate::aster::sign::Micros;
use crate::aster::wire::{AggTradeEvent, Event, KlineInterval};
use std::collections::VecDeque;
use std::sync::Arc;
use swarm_core::model::{
    Candle, ExchangeParams, FundingDue, HOUR_MS, Instrument, Interval, Millis, Price, Qty, SymbolId, Time, VenueEvent,
};

/// Longest query and longest body, in bytes.
pub(super) const MAX_TEXT: usize = 64 * 1024;

/// A stream connection, for its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A request as received.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method of HTTP.
    pub method: String,
    /// Path, from the slash on.
    pub path: String,
    /// Query, without the question mark, as it came.
    pub query: String,
    /// Form body, as it came.
    pub body: String,
    /// Header `X-MBX-APIKEY`.
    pub key: Option<String>,
    /// Address it came from: what weights are counted by.
    pub peer: String,
    /// Whether that is this machine.
    pub is_local: bool,
    /// Whether the signature is the claimed wallet's, where a host has [looked](super::Wallets) already: that takes
    /// longer than all the rest, and needs nothing that only the venue has.
    pub signature: Option<bool>,
}

impl Request {
    /// What a wallet signs, with the signature: the body where there is one, or else the query.
    pub(super) fn signed_text(&self) -> &str {
        if self.body.is_empty() { &self.query } else { &self.body }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// Headers besides those of the content.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
    /// JSON, or else a page of HTML.
    pub is_json: bool,
    /// How long the host keeps it back, in milliseconds.
    pub delay_ms: u32,
}

impl Answer {
    pub(super) fn json(status: u16, body: String) -> Self {
        Self { status, headers: Vec::new(), body, is_json: true, delay_ms: 0 }
    }
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::json(refusal.status, to_json(&refusal.body()))
    }
    pub(super) fn waiting(refusal: &Refusal, seconds: u64) -> Self {
        let mut answer = Self::refused(refusal);
        answer.headers.push(("Retry-After", seconds.to_string()));
        answer
    }
}

/// What a venue is made of.
pub struct Setup {
    /// Contracts, in the order of the tape.
    pub instruments: Vec<Instrument>,
    /// Length of the tape's candles, or of those that ticks are gathered into.
    pub base: Interval,
    /// The market.
    pub market: Market,
    /// Candles of the tape that have happened before the venue opens.
    pub warm_up: usize,
    /// The moment at which trading begins, rounded down to a candle; the tape's own where nothing is said.
    pub start: Option<Time>,
    /// Accounts.
    pub accounts: Vec<AccountSpec>,
    /// Fees, spread and the like.
    pub params: ExchangeParams,
    /// Chain ids that signatures may be for: at least one.
    pub chain_ids: Vec<u64>,
    /// Seed of faults.
    pub seed: u64,
    /// Whether weights and orders by the minute are limited, and not only counted.
    pub limits: bool,
}

/// The venue.
pub struct Venue {
    pub(super) accounts: Vec<Account>,
    pub(super) boards: Vec<Board>,
    pub(super) params: ExchangeParams,
    pub(super) base: Interval,
    pub(super) wallets: Arc<Wallets>,
    pub(super) faults: Faults,
    pub(super) streams: Streams,
    pub(super) post_only_expires: bool,
    /// The market's time.
    pub(super) now: Time,
    /// The venue's clock at the latest request.
    pub(super) clock: Micros,
    pub(super) weights: Weights,
    pub(super) limits: bool,
    feed: Feed,
}

pub(super) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("invariant: answers are JSON")
}

impl Venue {
    /// A venue that opens with the tape's first candle after those for warming up.
    pub fn new(setup: Setup) -> Self {
        // Requests arrive when they arrive: the wire has its own latency.
        let params = ExchangeParams { latency_ms: 0, ..setup.params };
        let mut feed = Feed::new(
            setup.market,
            setup.base,
            setup.instruments.iter().map(|instrument| (instrument.tick, instrument.step)).collect(),
        );
        let board = |instrument: &Instrument| Board::new(instrument.clone(), setup.base.ms(), params.spread);
        let boards: Vec<Board> = setup.instruments.iter().map(board).collect();
        let places = slots(&setup.instruments);
        let account = |spec: AccountSpec| {
            let purse = Purse::new(&params, Arc::clone(&places), spec.balance);
            Account::new(spec, &setup.instruments, purse)
        };
        let accounts = setup.accounts.into_iter().map(account).collect();
        let mut history: Vec<(usize, Candle)> = Vec::new();
        let mut paid: Vec<FundingDue> = Vec::new();
        let end = feed.skip(setup.warm_up, |step| {
            history.extend(step.candles.iter().enumerate().filter_map(|(index, candle)| candle.map(|it| (index, it))));
            paid.extend_from_slice(&step.funding);
        });
        let opens = end.or_else(|| feed.next_at()).unwrap_or_default();
        let start = setup.start.unwrap_or(opens).floor(setup.base.ms());
        // Ticks begin within a candle and stay where they are in it.
        let opens = opens.floor(setup.base.ms());
        let shift = start.since(opens).div_euclid(setup.base.ms()) * setup.base.ms();
        let mut venue = Self {
            accounts,
            boards,
            params,
            base: setup.base,
            wallets: Arc::new(Wallets::new(&setup.chain_ids)),
            faults: Faults::new(setup.seed),
            streams: Streams::default(),
            post_only_expires: false,
            now: start,
            clock: 0,
            weights: Weights::default(),
            limits: setup.limits,
            feed,
        };
        for (index, candle) in history {
            let candle = Candle { open_time: candle.open_time.plus(shift), ..candle };
            if let Some(board) = venue.boards.get_mut(index) {
                board.remember(&candle);
            }
            venue.tell_price(SymbolId::at(index), candle.open_time.plus(setup.base.ms() - 1), &candle);
        }
        for due in paid {
            if let Some(board) = venue.boards.get_mut(due.symbol.index()) {
                board.fund(due.at.plus(shift), due.rate, None);
            }
        }
        venue.feed.shift_by(shift);
        venue
    }

    /// What tells whose wallet signed a request, for hosts that look before they ask.
    pub fn wallets(&self) -> Arc<Wallets> {
        Arc::clone(&self.wallets)
    }

    /// The market's time.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// When something happens next on the market; `None` at the end of the tape.
    pub fn next_at(&mut self) -> Option<Time> {
        self.feed.next_at()
    }

    /// Whether the tape is over: prices stand from then on.
    pub fn is_over(&self) -> bool {
        self.feed.is_over()
    }

    /// Lets time pass: the market's up to `until`, the venue's clock to `clock`.
    pub fn advance(&mut self, clock: Micros, until: Time) {
        self.clock = clock;
        while let Some(happening) = self.feed.next(until) {
            self.now = self.now.max(happening.at());
            match happening {
                Happening::Trade { symbol, at, price, qty, is_buyer_maker } => {
                    self.trade(symbol, at, price, qty, is_buyer_maker);
                }
                Happening::Book { symbol, at, book } => self.see_book(symbol, at, book),
                Happening::Funding(due) => {
                    let board = &mut self.boards[due.symbol.index()];
                    board.fund(due.at, due.rate, board.last);
                    self.each_account(|purse, events| purse.fund(due.at, due.symbol, due.rate, events));
                }
                Happening::Close { symbol, at, candle } => self.close(symbol, at, &candle),
            }
        }
        self.now = self.now.max(until);
        self.chase_all();
        self.run_timers();
    }

    /// Something happens to every account's positions.
    pub(super) fn each_account(&mut self, mut act: impl FnMut(&mut Purse, &mut Vec<VenueEvent>)) {
        for index in 0..self.accounts.len() {
            let mut batch = Vec::new();
            act(&mut self.accounts[index].purse, &mut batch);
            if batch.is_empty() {
                self.watch_margin(index);
            } else {
                self.settle(index, &batch);
            }
        }
    }

    /// Books what an account's exchange reported, and tells it.
    pub(super) fn settle(&mut self, index: usize, batch: &[VenueEvent]) -> Told {
        let mut told = Told::default();
        if !batch.is_empty() {
            life::book(&mut self.accounts[index], &self.boards, batch, &mut told);
            self.tell(index, &told.events);
            self.sweep_waiting(index, batch);
            self.drive(index, &told.events);
            for event in &told.forced {
                if let Event::ForceOrder(forced) = event {
                    let name = format!("{}@forceOrder", forced.order.symbol.to_lowercase());
                    let data = self.frame(event);
                    self.streams.publish(&name, &data, &mut self.faults);
                    self.streams.publish("!forceOrder@arr", &data, &mut self.faults);
                }
            }
            self.watch_margin(index);
        }
        told
    }

    /// Sends events to an account's stream, if it has one.
    pub(super) fn tell(&mut self, index: usize, events: &[Event]) {
        let Some((key, _)) = self.accounts[index].listen_key.clone() else { return };
        for event in events {
            let text = self.frame(event);
            self.streams.publish(&key, &text, &mut self.faults);
        }
    }

    /// A symbol trades at a price, for everybody.
    pub(super) fn trade(&mut self, symbol: SymbolId, at: Time, price: Price, qty: Qty, is_buyer_maker: Option<bool>) {
        // Where the tape has no candle any more, prices set by hand end one by the first trade after it.
        if let Some(end) = self.boards[symbol.index()].forming.map(|kline| kline.close_time)
            && end < at
        {
            self.publish_klines(symbol, end, true);
            self.boards[symbol.index()].close();
        }
        // Nobody to tell: then nothing is put into words.
        let watched = self.streams.count() > 0;
        let before = if watched { self.boards[symbol.index()].book() } else { Book::default() };
        let first_id = self.boards[symbol.index()].update_id;
        let trade = self.boards[symbol.index()].trade(at, price, qty, is_buyer_maker).clone();
        self.each_account(|purse, events| purse.trade(at, symbol, price, qty, events));
        self.trigger_all(symbol, price);
        if !watched {
            return;
        }
        let board = &self.boards[symbol.index()];
        let name = board.instrument.symbol.clone();
        let event = Event::AggTrade(AggTradeEvent {
            sent: at,
            symbol: name.clone(),
            id: trade.id,
            price,
            qty,
            first: trade.id,
            last: trade.id,
            time: at,
            is_buyer_maker: trade.is_buyer_maker,
        });
        self.publish(&name, "aggTrade", &event);
        self.publish_book(symbol, at, &before, first_id);
        self.publish_mark(symbol, at);
        self.publish_klines(symbol, at, false);
    }

    /// A recorded book takes the place of the one that is made from the price.
    fn see_book(&mut self, symbol: SymbolId, at: Time, book: Book) {
        let watched = self.streams.count() > 0;
        let before = if watched { self.boards[symbol.index()].book() } else { Book::default() };
        let first_id = self.boards[symbol.index()].update_id;
        self.boards[symbol.index()].see(book);
        if watched {
            self.publish_book(symbol, at, &before, first_id);
        }
    }

    fn close(&mut self, symbol: SymbolId, at: Time, candle: &Candle) {
        self.publish_klines(symbol, at, true);
        self.boards[symbol.index()].close();
        self.tell_price(symbol, at, candle);
        self.publish_day(symbol, at);
    }

    /// Every exchange learns a candle that is over: what it traded is what impact is measured by from now on.
    fn tell_price(&mut self, symbol: SymbolId, at: Time, candle: &Candle) {
        let mut candles = vec![None; self.boards.len()];
        if let Some(place) = candles.get_mut(symbol.index()) {
            *place = Some(*candle);
        }
        self.each_account(|purse, events| {
            purse.learn(&candles);
            purse.quote(at, symbol, candle.close, events);
        });
    }

    /// Length of an interval that this market has candles of.
    pub(super) fn kline_ms(&self, interval: &KlineInterval) -> Option<Millis> {
        if *interval == KlineInterval::Month1 || !interval.is_known() {
            return None;
        }
        let interval: Interval = interval.as_str().parse().ok()?;
        self.base.divides(interval).then(|| interval.ms())
    }

    /// When funding is next due, on the usual grid.
    pub(super) fn next_funding(&self) -> Time {
        let ms = self.params.funding_interval_ms.max(HOUR_MS);
        self.now.floor(ms).plus(ms)
    }

    pub(super) fn symbol(&self, name: &str) -> Result<SymbolId, Refusal> {
        self.boards
            .iter()
            .position(|board| board.instrument.symbol == name)
            .map(SymbolId::at)
            .ok_or_else(Refusal::symbol)
    }

    /// Opens a stream connection at a path of `/ws` or `/stream`.
    ///
    /// # Errors
    /// Fails when there are too many connections or streams.
    pub fn connect(&mut self, path: &str, query: &str) -> Result<ConnectionId, Refusal> {
        self.streams.connect(path, query)
    }
    /// Takes a text frame of a connection.
    pub fn message(&mut self, clock: Micros, id: ConnectionId, text: &str) {
        self.streams.message(id, text, clock);
    }
    /// Forgets a connection that is gone.
    pub fn disconnect(&mut self, id: ConnectionId) {
        self.streams.disconnect(id);
    }
    /// Frames to be sent since the last time.
    pub(super) fn take_frames(&mut self) -> VecDeque<(ConnectionId, Out)> {
        self.streams.take()
    }
    /// Texts to be sent since the last time; `None` closes the connection.
    pub fn frames(&mut self) -> Vec<(ConnectionId, Option<String>)> {
        let text = |out| if let Out::Text(text) = out { Some(text) } else { None };
        self.take_frames().into_iter().map(|(id, out)| (id, text(out))).collect()
    }
}
