//! What operators, other people and the venue itself do to the swarm, and the misfortunes of a step.

use super::host::{Delivery, Host};
use super::inside::Inside;
use super::scenario::Act;
use crate::model::{
    AgentId, IntentId, Order, OrderId, OrderKind, PortfolioId, Price, Purpose, Qty, Rate, Round, SECOND_MS, Side,
    SymbolId, TimeInForce, Usd,
};

impl<I: Inside> Host<I> {
    /// Something is done to the swarm.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Stop(..) | Act::Start(_) | Act::Flatten(_) | Act::Reset => I::operate(self, act),
            Act::Kill(ms) => {
                if self.inside.is_alive() {
                    self.crash(ms);
                }
            }
            Act::Transfer(portfolio, percent) => {
                let of = &mut self.accounts[portfolio.index()];
                let amount = of.venue.wallet().times(Rate::percent(percent), Round::Down);
                of.venue.transfer(self.now, amount);
                self.flush_told(portfolio.index());
            }
            Act::Manual(portfolio, symbol) => self.trade_by_hand(portfolio, symbol),
            Act::Deleverage(portfolio) => self.deleverage(portfolio),
        }
    }

    fn trade_by_hand(&mut self, portfolio: PortfolioId, symbol: SymbolId) {
        let instrument = self.plan.instrument(symbol);
        let price = self.walks[symbol.index()].price;
        let smallest = Qty::worth(Usd::whole(8), price, Round::Up).snap(instrument.step, Round::Up);
        let qty = Qty(smallest.0 * self.faults.between(1, 3));
        let side = if self.faults.happens(5_000) { Side::Buy } else { Side::Sell };
        let away = price.times(Rate::percent(1), Round::Up).snap(instrument.tick, Round::Up);
        let limit = if side == Side::Buy { price - away } else { price + away };
        let rests = self.faults.happens(4_000) && limit > Price::ZERO;
        let kind = if rests {
            OrderKind::Limit { price: limit.snap(instrument.tick, Round::Down), tif: TimeInForce::Gtc }
        } else {
            OrderKind::Market
        };
        let name = format!("web_{}", self.nonces);
        self.place_past_the_desk(portfolio, (symbol, side, qty, kind, false), &name);
    }

    fn deleverage(&mut self, portfolio: PortfolioId) {
        let held = self.accounts[portfolio.index()].venue.holdings().find(|(_, qty)| !qty.is_zero());
        let Some((symbol, held)) = held else { return };
        let step = self.plan.instrument(symbol).step;
        let half = Qty(held.abs().0 / 2).snap(step, Round::Up);
        let qty = if self.faults.happens(5_000) { held.abs() } else { half };
        let qty = qty.min(self.plan.instrument(symbol).max_market_qty);
        let order = (symbol, Side::of(held).opposite(), qty, OrderKind::Market, true);
        self.place_past_the_desk(portfolio, order, "adl_autoclose");
    }

    fn place_past_the_desk(
        &mut self,
        portfolio: PortfolioId,
        (symbol, side, qty, kind, reduce_only): (SymbolId, Side, Qty, OrderKind, bool),
        name: &str,
    ) {
        if self.now < self.down_until {
            return;
        }
        let order = Order {
            id: OrderId { intent: IntentId { agent: AgentId(0), number: 0 }, leg: 0 },
            portfolio,
            symbol,
            side,
            kind,
            qty,
            reduce_only,
            close_position: false,
            leverage: 3,
            purpose: Purpose::Entry,
        };
        let answer = self.accounts[portfolio.index()].venue.place_by_hand(self.now, &order, name);
        self.note(|| format!("  {name}: {answer:?}"));
        self.disturb(portfolio.index());
        self.flush_told(portfolio.index());
    }

    /// What goes wrong in this step.
    pub(super) fn misfortunes(&mut self) {
        let rates = self.scenario.rates.steps;
        let pause = self.plan.base.ms();
        let later = |host: &mut Self| host.faults.between(0, pause);
        if self.happens(rates.kill) {
            let (after, ms) = (later(self), self.faults.some_of(40 * SECOND_MS));
            self.send(after, Delivery::Act(Act::Kill(ms)));
        }
        if self.happens(rates.market_freeze) {
            self.market_frozen_until = self.now.plus(self.faults.some_of(3 * 60 * SECOND_MS));
            self.note(|| "  the market stream falls silent".into());
        }
        if self.happens(rates.maintenance) {
            let ms = self.faults.some_of(90 * SECOND_MS);
            self.down_until = self.now.plus(ms);
            self.note(|| format!("  maintenance for {ms} ms"));
            (0..self.accounts.len()).for_each(|account| self.cut(account, ms));
            for account in &mut self.accounts {
                account.disturbed_at = account.disturbed_at.max(self.down_until);
            }
        }
        if self.happens(rates.clock_jump) {
            self.skew = self.faults.between(-90 * SECOND_MS, 90 * SECOND_MS);
            let skew = self.skew;
            self.note(|| format!("  the clock is off by {skew} ms"));
            self.disturb_all();
            let after = self.faults.some_of(20 * SECOND_MS);
            self.send(after, Delivery::Clock);
        }
        for account in 0..self.accounts.len() {
            let portfolio = PortfolioId::at(account);
            if self.happens(rates.freeze) {
                let ms = self.faults.some_of(20 * SECOND_MS);
                self.freeze(account, ms);
            }
            if self.happens(rates.stale_reads) {
                let until = self.now.plus(self.faults.some_of(1_200));
                let of = &mut self.accounts[account];
                of.replica = Some((until, Box::new(of.venue.clone())));
                self.disturb(account);
            }
            if self.happens(rates.deleverage) {
                let after = later(self);
                self.send(after, Delivery::Act(Act::Deleverage(portfolio)));
            }
            if self.happens(rates.manual) {
                let symbol = SymbolId::at(self.faults.below(self.walks.len() as u64) as usize);
                let after = later(self);
                self.send(after, Delivery::Act(Act::Manual(portfolio, symbol)));
            }
            if self.happens(rates.transfer) {
                let (after, percent) = (later(self), self.faults.between(-20, 20));
                self.send(after, Delivery::Act(Act::Transfer(portfolio, percent)));
            }
        }
    }
}
