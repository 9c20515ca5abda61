//! Calls that need no account: time, market data, contracts.

use super::auth::Parameters;
use super::board::{Board, aggregate};
use super::info;
use super::refusal::Refusal;
use super::venue::{Venue, to_json};
use crate::aster::sign::{Micros, read_request};
use crate::aster::wire::{
    AggTrade, Depth, Empty, FundingInfo, FundingRate, IndexReference, IndexReferences, Kline, KlineQuery, MarketQuery,
    PremiumIndex, PriceTicker, QuoteTicker, Route, ServerTime, SymbolOnly, SymbolOrAll, Trade,
};
use swarm_core::model::{HOUR_MS, Rate, Time};

impl Venue {
    pub(super) fn public(&self, now: Micros, route: Route, parameters: &Parameters) -> Result<String, Refusal> {
        match route {
            Route::Ping => Ok(to_json(&Empty {})),
            Route::Time => {
                let server_time = Time(i64::try_from(now / 1_000).unwrap_or(i64::MAX));
                Ok(to_json(&ServerTime { server_time }))
            }
            Route::ExchangeInfo => Ok(to_json(&info::exchange_info(self, now))),
            Route::Depth => self.depth(parameters),
            Route::Trades | Route::HistoricalTrades => self.trades(parameters),
            Route::AggTrades => self.agg_trades(parameters),
            Route::Klines | Route::MarkPriceKlines => self.klines(parameters, false),
            Route::IndexPriceKlines => self.klines(parameters, true),
            Route::PremiumIndex => self.rows(parameters, |board| {
                let mark = board.last?;
                Some(PremiumIndex {
                    symbol: board.instrument.symbol.clone(),
                    mark_price: mark,
                    index_price: mark,
                    estimated_settle_price: Some(mark),
                    last_funding_rate: board.rate(),
                    interest_rate: Some(Rate(10_000)),
                    next_funding_time: self.next_funding(),
                    time: self.now,
                })
            }),
            Route::FundingRate => self.funding(parameters),
            Route::IndexReferences => {
                let query: SymbolOnly = read_request(parameters)?;
                // Here alone the venue answers with another code.
                self.symbol(&query.symbol).map_err(|_| Refusal::new(-1000, "Invalid symbol."))?;
                let own =
                    IndexReference { exchange: "simulated".into(), symbol: query.symbol.clone(), weight: Rate::ONE };
                Ok(to_json(&IndexReferences { symbol: query.symbol, time: self.now, references: vec![own] }))
            }
            Route::FundingInfo => {
                let query: SymbolOrAll = read_request(parameters)?;
                let chosen = self.chosen(&query)?;
                let row = |board: &&Board| FundingInfo {
                    symbol: board.instrument.symbol.clone(),
                    interest_rate: Some(Rate(10_000)),
                    time: Some(self.now),
                    funding_interval_hours: u32::try_from(self.params.funding_interval_ms / HOUR_MS).ok(),
                    funding_fee_cap: Some(Rate::percent(3)),
                    funding_fee_floor: Some(Rate::percent(-3)),
                };
                Ok(to_json(&chosen.iter().map(row).collect::<Vec<_>>()))
            }
            Route::Ticker24h => self.rows(parameters, |board| board.day(self.now)),
            Route::TickerPrice => self.rows(parameters, |board| {
                let symbol = board.instrument.symbol.clone();
                Some(PriceTicker { symbol, price: board.last?, time: Some(board.traded_at) })
            }),
            Route::TickerBook => self.rows(parameters, |board| {
                let book = board.book();
                let (bid, ask) = (book.bids.first()?, book.asks.first()?);
                Some(QuoteTicker {
                    symbol: board.instrument.symbol.clone(),
                    bid_price: bid.price,
                    bid_qty: bid.qty,
                    ask_price: ask.price,
                    ask_qty: ask.qty,
                    time: Some(board.traded_at),
                })
            }),
            _ => Err(Refusal::not_simulated(route.tail())),
        }
    }

    fn chosen(&self, query: &SymbolOrAll) -> Result<Vec<&Board>, Refusal> {
        match &query.symbol {
            Some(symbol) => Ok(vec![&self.boards[self.symbol(symbol)?.index()]]),
            None => Ok(self.boards.iter().collect()),
        }
    }

    /// One object with a symbol, a list without one.
    fn rows<T: serde::Serialize>(
        &self,
        parameters: &Parameters,
        row: impl Fn(&Board) -> Option<T>,
    ) -> Result<String, Refusal> {
        let query: SymbolOrAll = read_request(parameters)?;
        let rows: Vec<T> = self.chosen(&query)?.into_iter().filter_map(row).collect();
        if query.symbol.is_none() {
            return Ok(to_json(&rows));
        }
        rows.first().map(to_json).ok_or_else(|| Refusal::new(-1112, "No orders on book for symbol."))
    }

    fn board_of(&self, symbol: Option<&String>) -> Result<&Board, Refusal> {
        let symbol = symbol.ok_or_else(|| Refusal::parameter("symbol"))?;
        Ok(&self.boards[self.symbol(symbol)?.index()])
    }

    fn depth(&self, parameters: &Parameters) -> Result<String, Refusal> {
        let query: MarketQuery = read_request(parameters)?;
        let board = self.board_of(query.symbol.as_ref())?;
        let limit = query.limit.unwrap_or(500);
        if ![5, 10, 20, 50, 100, 500, 1_000].contains(&limit) {
            return Err(Refusal::new(-4021, format!("{limit} is not a valid depth limit.")));
        }
        let mut book = board.book();
        book.bids.truncate(limit as usize);
        book.asks.truncate(limit as usize);
        Ok(to_json(&Depth {
            last_update_id: board.update_id,
            sent: Some(self.now),
            time: Some(board.traded_at),
            bids: book.bids,
            asks: book.asks,
        }))
    }

    fn trades(&self, parameters: &Parameters) -> Result<String, Refusal> {
        let query: MarketQuery = read_request(parameters)?;
        let board = self.board_of(query.symbol.as_ref())?;
        let limit = limit(query.limit, 500, 1_000)?;
        let after: Vec<&Trade> =
            board.trades.iter().filter(|trade| query.from_id.is_none_or(|from| trade.id >= from)).collect();
        let start = if query.from_id.is_some() { 0 } else { after.len().saturating_sub(limit) };
        Ok(to_json(&after.into_iter().skip(start).take(limit).collect::<Vec<_>>()))
    }

    fn agg_trades(&self, parameters: &Parameters) -> Result<String, Refusal> {
        let query: MarketQuery = read_request(parameters)?;
        let board = self.board_of(query.symbol.as_ref())?;
        let limit = limit(query.limit, 500, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        if let (Some(start), Some(end)) = (query.start_time, query.end_time)
            && end.since(start) >= HOUR_MS
        {
            return Err(Refusal::new(-1127, "More than 1 hours between startTime and endTime."));
        }
        let found: Vec<AggTrade> = board
            .trades
            .iter()
            .filter(|trade| query.from_id.is_none_or(|from| trade.id >= from))
            .filter(|trade| trade.time >= start && trade.time <= end)
            .map(aggregate)
            .collect();
        let bounded = query.from_id.is_some() || query.start_time.is_some();
        let skip = if bounded { 0 } else { found.len().saturating_sub(limit) };
        Ok(to_json(&found.into_iter().skip(skip).take(limit).collect::<Vec<_>>()))
    }

    fn klines(&self, parameters: &Parameters, index: bool) -> Result<String, Refusal> {
        let query: KlineQuery = read_request(parameters)?;
        let board = if index {
            let pair = query.pair.as_ref().ok_or_else(|| Refusal::parameter("pair"))?;
            let found = self.symbol(pair).map_err(|_| Refusal::new(-4144, "Invalid pair."))?;
            &self.boards[found.index()]
        } else {
            self.board_of(query.symbol.as_ref())?
        };
        if !query.interval.is_known() {
            return Err(Refusal::new(-1120, "Invalid interval."));
        }
        let ms = self.kline_ms(&query.interval).ok_or_else(|| {
            Refusal::new(-1120, format!("Invalid interval: this market is made of candles of {}.", self.base))
        })?;
        let limit = limit(query.limit, 500, 1_500)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        let rows: Vec<Kline> = board.klines(ms, start, end, limit, query.start_time.is_none());
        Ok(to_json(&rows))
    }

    fn funding(&self, parameters: &Parameters) -> Result<String, Refusal> {
        let query: MarketQuery = read_request(parameters)?;
        let limit = limit(query.limit, 100, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        let chosen = self.chosen(&SymbolOrAll { symbol: query.symbol })?;
        let mut rows: Vec<&FundingRate> = chosen.into_iter().flat_map(|board| &board.funding).collect();
        rows.retain(|row| row.funding_time >= start && row.funding_time <= end);
        rows.sort_by_key(|row| row.funding_time);
        let skip = if query.start_time.is_some() { 0 } else { rows.len().saturating_sub(limit) };
        Ok(to_json(&rows.into_iter().skip(skip).take(limit).collect::<Vec<_>>()))
    }
}

/// How many rows: at least one, at most `most`.
pub(super) fn limit(asked: Option<u32>, default: usize, most: u32) -> Result<usize, Refusal> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit as usize),
        Some(_) => Err(Refusal::value("limit", &format!("it must be 1 to {most}"))),
    }
}

/// A window of time, open where nothing is said.
pub(super) fn window(start: Option<Time>, end: Option<Time>) -> Result<(Time, Time), Refusal> {
    // Far enough for every time there is, and no sum with a day or a month leaves the range.
    let (start, end) = (start.unwrap_or(Time(0)), end.unwrap_or(Time(1 << 52)));
    if start > end {
        return Err(Refusal::new(-1023, "Start time is greater than end time."));
    }
    Ok((start, end))
}
