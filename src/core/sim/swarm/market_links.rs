//! The market in time: prices go on, candles close, and marks and candles travel to the feed.

use super::carrier::LATENCY_MS;
use super::host::{Delivery, Host};
use super::inside::Inside;
use super::rates::Way;
use crate::model::{Price, Qty, Rate, Round, SECOND_MS, SymbolId, Time};
use crate::risk::CONFIRMATIONS;
use crate::sim::Fault;

/// Steps between payments of funding.
const FUNDING_STEPS: u32 = 30;

impl<I: Inside> Host<I> {
    /// The n-th mark of a step; the first closes the step before.
    pub(super) fn go_on(&mut self, step: u32, mark: u32) {
        if mark == 0 {
            if step > 0 {
                self.close_candles();
                if step.is_multiple_of(FUNDING_STEPS) {
                    self.fund();
                }
            }
            let opens = self.mark_at(step, 0);
            self.walks.iter_mut().for_each(|walk| walk.open(opens));
            self.misfortunes();
        }
        let jumps = self.happens(self.scenario.rates.steps.price_jump / self.scenario.marks.max(1));
        for index in 0..self.walks.len() {
            let price = self.walks[index].go(&mut self.prices, jumps);
            self.quote(SymbolId::at(index), price);
        }
        let (step, mark) = if mark + 1 < self.scenario.marks { (step, mark + 1) } else { (step + 1, 0) };
        // On the grid, also where a turn came late.
        let wait = self.mark_at(step, mark).since(self.now);
        self.send(wait, Delivery::Market { step, mark });
    }

    /// When the n-th mark of a step is due.
    fn mark_at(&self, step: u32, mark: u32) -> Time {
        let base = self.plan.base.ms();
        self.scenario.start.plus(i64::from(step) * base + i64::from(mark) * (base / i64::from(self.scenario.marks)))
    }

    fn quote(&mut self, symbol: SymbolId, price: Price) {
        self.audit.had(symbol, self.now, price);
        if self.now < self.down_until {
            return;
        }
        let traded = self.traded(price);
        for account in 0..self.accounts.len() {
            let venue = &mut self.accounts[account].venue;
            match traded {
                Some(qty) => venue.trade(self.now, symbol, price, qty),
                None => venue.quote(self.now, symbol, price),
            }
            self.flush_told(account);
        }
        let told = self.told_price(symbol, price);
        self.over_market_link(Delivery::Mark(symbol, self.now, told));
        if self.happens(self.scenario.rates.replayed_mark) {
            let (ago, after) = (self.faults.some_of(120 * SECOND_MS), self.faults.some_of(10 * SECOND_MS));
            // What the market had, as far off as it goes.
            let span = self.audit.lately(symbol);
            let old = if self.faults.happens(5_000) { span.map(|span| span.low) } else { span.map(|span| span.high) };
            let old = old.unwrap_or(price);
            self.audit.had_before(symbol, self.now, old);
            self.send(after, Delivery::Mark(symbol, self.now.plus(-ago), old));
        }
    }

    /// What the market trades at a mark, where that matters: at times next to nothing, at times twice the usual.
    fn traded(&mut self, price: Price) -> Option<Qty> {
        let depth = self.scenario.depth?;
        let percent = self.depths.pick(&[0, 10, 50, 100, 100, 150, 200]);
        Some(Qty::worth(depth.traded.times(Rate::percent(percent), Round::Down), price, Round::Down))
    }

    /// The price as it is told. As many wrong ones in a row as would confirm each other are a market that nobody can
    /// tell from a real one.
    fn told_price(&mut self, symbol: SymbolId, price: Price) -> Price {
        let in_a_row = self.wrong_marks[symbol.index()];
        if !self.happens(self.scenario.rates.wrong_mark) {
            self.wrong_marks[symbol.index()] = 0;
            return price;
        }
        let share = Rate::percent(self.faults.pick(&[30, 70, 140, 250]));
        if in_a_row >= CONFIRMATIONS {
            self.wrong_marks[symbol.index()] = 0;
            return price;
        }
        self.wrong_marks[symbol.index()] = in_a_row + 1;
        price.times(share, Round::Up)
    }

    fn over_market_link(&mut self, delivery: Delivery<I::Own>) {
        if self.now < self.market_frozen_until {
            return;
        }
        match self.strike(Way::Market) {
            Some(Fault::Lose) => {}
            Some(Fault::Delay(ms)) => self.send(LATENCY_MS + ms, delivery),
            Some(Fault::Repeat) => {
                let again = self.faults.some_of(60 * SECOND_MS);
                self.send(LATENCY_MS, delivery.clone());
                self.send(LATENCY_MS + again, delivery);
            }
            _ => self.send(LATENCY_MS, delivery),
        }
    }

    fn close_candles(&mut self) {
        for index in 0..self.walks.len() {
            if let Some(candle) = self.walks[index].close() {
                self.history[index].push(candle);
                self.over_market_link(Delivery::Candle(SymbolId::at(index), candle));
            }
        }
    }

    fn fund(&mut self) {
        let rate = Rate::bps(self.prices.between(-20, 20));
        for account in 0..self.accounts.len() {
            for index in 0..self.plan.instruments.len() {
                self.accounts[account].venue.fund(self.now, SymbolId::at(index), rate);
            }
            self.flush_told(account);
        }
    }
}
