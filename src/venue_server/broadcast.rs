//! What happened on the market, as frames for whoever listens. Decides nothing.

use super::board::{Book, difference};
use super::digits::{self, Names};
use super::info::decimals;
use super::venue::{Venue, to_json};
use crate::aster::wire::{
    BookTickerEvent, DepthEvent, Event, KlineBody, KlineEvent, KlineInterval, MarkPriceEvent, MiniTickerEvent,
    TickerEvent,
};
use swarm_core::model::{SymbolId, Time};

impl Venue {
    /// An event as the venue writes it: numbers with their contract's decimals, and beside our client's type the fields
    /// that only other clients read.
    pub(super) fn frame(&self, event: &Event) -> String {
        let mut text = to_json(event);
        let beside = match event {
            Event::Kline(_) => r#","B":"0"}}"#,
            Event::Order(_) => r#","pP":false,"si":0,"ss":0}}"#,
            _ => "",
        };
        if !beside.is_empty() && text.ends_with("}}") {
            text.truncate(text.len() - 2);
            text.push_str(beside);
        }
        match Names::of_event(event) {
            Some(names) => self.spelled(&text, &names, None),
            None => text,
        }
    }

    /// A text with its numbers spelled out; `whole` is the contract of what names none.
    pub(super) fn spelled(&self, text: &str, names: &Names, whole: Option<&str>) -> String {
        let digits = |name: &str| {
            let board = self.boards.iter().find(|board| board.instrument.symbol.eq_ignore_ascii_case(name))?;
            Some((decimals(board.instrument.tick.0), decimals(board.instrument.step.0)))
        };
        digits::spelled(text, names, whole.and_then(digits), digits)
    }

    pub(super) fn publish(&mut self, symbol: &str, kind: &str, event: &Event) {
        let name = format!("{}@{kind}", symbol.to_lowercase());
        if self.streams.wanted(&name) {
            let text = self.frame(event);
            self.streams.publish(&name, &text, &mut self.faults);
        }
    }

    fn publish_list(&mut self, name: &str, event: &Event) {
        if self.streams.wanted(name) {
            let text = format!("[{}]", self.frame(event));
            self.streams.publish(name, &text, &mut self.faults);
        }
    }

    pub(super) fn publish_book(&mut self, symbol: SymbolId, at: Time, before: &Book, first_id: u64) {
        let board = &self.boards[symbol.index()];
        let (after, last_id, name) = (board.book(), board.update_id, board.instrument.symbol.clone());
        let depth = |bids, asks| {
            Event::Depth(DepthEvent {
                sent: at,
                time: Some(at),
                symbol: name.clone(),
                first_id: first_id + 1,
                last_id,
                previous_id: first_id,
                bids,
                asks,
            })
        };
        let changed = depth(difference(&before.bids, &after.bids), difference(&before.asks, &after.asks));
        for kind in ["depth", "depth@100ms", "depth@500ms"] {
            self.publish(&name, kind, &changed);
        }
        for (levels, kinds) in [
            (5, ["depth5", "depth5@100ms", "depth5@500ms"]),
            (10, ["depth10", "depth10@100ms", "depth10@500ms"]),
            (20, ["depth20", "depth20@100ms", "depth20@500ms"]),
        ] {
            let top = |side: &[crate::aster::wire::Level]| side.iter().take(levels).copied().collect();
            let partial = depth(top(&after.bids), top(&after.asks));
            kinds.iter().for_each(|kind| self.publish(&name, kind, &partial));
        }
        if let (Some(bid), Some(ask)) = (after.bids.first(), after.asks.first()) {
            let event = Event::BookTicker(BookTickerEvent {
                update_id: last_id,
                sent: Some(at),
                time: Some(at),
                symbol: name.clone(),
                bid: bid.price,
                bid_qty: bid.qty,
                ask: ask.price,
                ask_qty: ask.qty,
            });
            self.publish(&name, "bookTicker", &event);
            if self.streams.wanted("!bookTicker") {
                let text = self.frame(&event);
                self.streams.publish("!bookTicker", &text, &mut self.faults);
            }
        }
    }

    pub(super) fn publish_mark(&mut self, symbol: SymbolId, at: Time) {
        let board = &self.boards[symbol.index()];
        let Some(mark) = board.last else { return };
        let name = board.instrument.symbol.clone();
        let event = Event::MarkPrice(MarkPriceEvent {
            sent: at,
            symbol: name.clone(),
            mark,
            index: Some(mark),
            settle: Some(mark),
            funding_rate: Some(board.rate()),
            next_funding: Some(self.next_funding()),
        });
        for kind in ["markPrice", "markPrice@1s"] {
            self.publish(&name, kind, &event);
        }
        for name in ["!markPrice@arr", "!markPrice@arr@1s"] {
            self.publish_list(name, &event);
        }
    }

    pub(super) fn publish_klines(&mut self, symbol: SymbolId, at: Time, closing: bool) {
        let name = self.boards[symbol.index()].instrument.symbol.clone();
        let start = format!("{}@kline_", name.to_lowercase());
        let wanted: Vec<String> = self.streams.wanted_from(&start).map(str::to_owned).collect();
        for stream in wanted {
            let interval = KlineInterval::of(stream.strip_prefix(&start).unwrap_or_default());
            let Some(ms) = self.kline_ms(&interval) else { continue };
            let Some(kline) = self.boards[symbol.index()].kline_at(ms, at) else { continue };
            let closed = closing && kline.close_time <= at;
            if closing && !closed {
                continue;
            }
            let event = Event::Kline(Box::new(KlineEvent {
                sent: at,
                symbol: name.clone(),
                kline: KlineBody {
                    open_time: kline.open_time,
                    close_time: kline.close_time,
                    symbol: name.clone(),
                    interval,
                    first_trade: -1,
                    last_trade: -1,
                    open: kline.open,
                    close: kline.close,
                    high: kline.high,
                    low: kline.low,
                    volume: kline.volume,
                    trades: kline.trades,
                    closed,
                    quote_volume: kline.quote_volume,
                    taker_base: kline.taker_base,
                    taker_quote: kline.taker_quote,
                },
            }));
            let text = self.frame(&event);
            self.streams.publish(&stream, &text, &mut self.faults);
        }
    }

    /// The last 24 hours of a symbol.
    pub(super) fn publish_day(&mut self, symbol: SymbolId, at: Time) {
        if self.streams.count() == 0 {
            return;
        }
        let Some(day) = self.boards[symbol.index()].day(at) else { return };
        let name = day.symbol.clone();
        let mini = Event::MiniTicker(MiniTickerEvent {
            sent: at,
            symbol: name.clone(),
            close: day.last_price,
            open: day.open_price,
            high: day.high_price,
            low: day.low_price,
            volume: day.volume,
            quote_volume: day.quote_volume,
        });
        let full = Event::Ticker(Box::new(TickerEvent {
            sent: at,
            symbol: name.clone(),
            change: day.price_change,
            change_percent: day.price_change_percent,
            average: day.weighted_avg_price,
            close: day.last_price,
            last_qty: day.last_qty,
            open: day.open_price,
            high: day.high_price,
            low: day.low_price,
            volume: day.volume,
            quote_volume: day.quote_volume,
            open_time: day.open_time,
            close_time: day.close_time,
            first_trade: day.first_id,
            last_trade: day.last_id,
            trades: day.count,
        }));
        self.publish(&name, "miniTicker", &mini);
        self.publish(&name, "ticker", &full);
        self.publish_list("!miniTicker@arr", &mini);
        self.publish_list("!ticker@arr", &full);
    }
}
