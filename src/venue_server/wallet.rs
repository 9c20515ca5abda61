//! Calls about money: balance, account, positions, trades, income, fees.

use super::auth::Parameters;
use super::info::{brackets, notional_cap};
use super::public::{limit, window};
use super::purse::Slot;
use super::records::Account as Owner;
use super::refusal::Refusal;
use super::trading::week;
use super::venue::{Venue, to_json};
use crate::aster::sign::read_request;
use crate::aster::wire::{
    Account, AccountAsset, AccountPosition, AdlQuantile, AdlRanks, Balance, CommissionRate, Income, IncomeHistory,
    MarginType, PositionRisk, Route, SymbolOnly, SymbolOrAll, UserTrade, UserTrades,
};
use swarm_core::model::{Price, Qty, Rate, Round, SymbolId, Usd, div};

impl Venue {
    pub(super) fn money(&mut self, route: Route, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        match route {
            Route::Balance => Ok(to_json(&[self.balance(&self.accounts[account])])),
            Route::Account => Ok(to_json(&self.account(&self.accounts[account]))),
            Route::PositionRisk => {
                let symbols = self.asked_symbols(parameters)?;
                let owner = &self.accounts[account];
                let slots = symbols.into_iter().flat_map(|symbol| owner.slots(symbol));
                let rows = slots.map(|slot| self.position_risk(owner, slot));
                Ok(to_json(&rows.collect::<Vec<_>>()))
            }
            Route::LeverageBracket => {
                let symbols = self.asked_symbols(parameters)?;
                let rows = symbols.into_iter().map(|symbol| brackets(&self.boards[symbol.index()].instrument));
                Ok(to_json(&rows.collect::<Vec<_>>()))
            }
            Route::CommissionRate => {
                let query: SymbolOnly = read_request(parameters)?;
                self.symbol(&query.symbol)?;
                Ok(to_json(&CommissionRate {
                    symbol: query.symbol,
                    maker_commission_rate: self.params.maker_fee,
                    taker_commission_rate: self.params.taker_fee,
                }))
            }
            Route::AdlQuantile => {
                let symbols = self.asked_symbols(parameters)?;
                // Nobody is deleveraged: every queue is empty.
                let ranks = match self.accounts[account].purse.hedge {
                    true => AdlRanks { long: Some(0), short: Some(0), hedge: Some(0), ..AdlRanks::default() },
                    false => AdlRanks { long: Some(0), short: Some(0), both: Some(0), ..AdlRanks::default() },
                };
                let row = |symbol: SymbolId| AdlQuantile {
                    symbol: self.boards[symbol.index()].instrument.symbol.clone(),
                    adl_quantile: ranks.clone(),
                };
                Ok(to_json(&symbols.into_iter().map(row).collect::<Vec<_>>()))
            }
            Route::UserTrades => self.user_trades(account, parameters),
            Route::Income => self.income(account, parameters),
            _ => self.setting(route, account, parameters),
        }
    }

    fn asked_symbols(&self, parameters: &Parameters) -> Result<Vec<SymbolId>, Refusal> {
        let query: SymbolOrAll = read_request(parameters)?;
        match query.symbol {
            Some(name) => Ok(vec![self.symbol(&name)?]),
            None => Ok((0..self.boards.len()).map(SymbolId::at).collect()),
        }
    }

    fn unrealized(&self, owner: &Owner) -> Usd {
        owner.purse.held().map(|slot| self.unrealized_of(owner, slot)).sum()
    }

    /// Of the positions that share the wallet.
    pub(super) fn cross_unrealized(&self, owner: &Owner) -> Usd {
        let shared = owner.purse.held().filter(|slot| !owner.purse.is_isolated(owner.purse.position_of(*slot).0));
        shared.map(|slot| self.unrealized_of(owner, slot)).sum()
    }

    pub(super) fn unrealized_of(&self, owner: &Owner, slot: Slot) -> Usd {
        let (symbol, _) = owner.purse.position_of(slot);
        self.boards[symbol.index()].last.map_or(Usd::ZERO, |last| owner.holdings[slot.index()].unrealized(last))
    }

    fn balance(&self, owner: &Owner) -> Balance {
        let available = owner.purse.free_balance().max(Usd::ZERO);
        Balance {
            account_alias: owner.spec.name.clone(),
            asset: "USDT".to_owned(),
            balance: owner.purse.wallet(),
            cross_wallet_balance: owner.purse.cross_wallet(),
            cross_un_pnl: self.cross_unrealized(owner),
            available_balance: available,
            max_withdraw_amount: available.min(owner.purse.cross_wallet().max(Usd::ZERO)),
            margin_available: true,
            update_time: Some(self.now),
        }
    }

    fn account(&self, owner: &Owner) -> Account {
        let slots = (0..self.boards.len()).flat_map(|index| owner.slots(SymbolId::at(index)));
        let positions: Vec<AccountPosition> = slots.map(|slot| self.account_position(owner, slot)).collect();
        let position_margin: Usd = positions.iter().map(|position| position.position_initial_margin).sum();
        let shared_margin: Usd =
            positions.iter().filter(|position| !position.isolated).map(|it| it.position_initial_margin).sum();
        let (wallet, unrealized) = (owner.purse.wallet(), self.unrealized(owner));
        let (cross_wallet, cross_unrealized) = (owner.purse.cross_wallet(), self.cross_unrealized(owner));
        let free = owner.purse.free_balance();
        // What of the shared wallet is neither free nor held by positions is held by orders.
        let order_margin = (cross_wallet + cross_unrealized - shared_margin - free).max(Usd::ZERO);
        let maintenance = owner.purse.maintenance_margin();
        let (available, initial) = (free.max(Usd::ZERO), position_margin + order_margin);
        let most = available.min(cross_wallet.max(Usd::ZERO));
        let asset = AccountAsset {
            asset: "USDT".to_owned(),
            wallet_balance: wallet,
            unrealized_profit: unrealized,
            margin_balance: wallet + unrealized,
            maint_margin: maintenance,
            initial_margin: initial,
            position_initial_margin: position_margin,
            open_order_initial_margin: order_margin,
            cross_wallet_balance: cross_wallet,
            cross_un_pnl: cross_unrealized,
            available_balance: available,
            max_withdraw_amount: most,
            margin_available: true,
            update_time: Some(self.now),
        };
        Account {
            fee_tier: 0,
            can_trade: true,
            can_deposit: true,
            can_withdraw: false,
            update_time: Some(self.now),
            total_initial_margin: initial,
            total_maint_margin: maintenance,
            total_wallet_balance: wallet,
            total_unrealized_profit: unrealized,
            total_margin_balance: wallet + unrealized,
            total_position_initial_margin: position_margin,
            total_open_order_initial_margin: order_margin,
            total_cross_wallet_balance: cross_wallet,
            total_cross_un_pnl: cross_unrealized,
            available_balance: available,
            max_withdraw_amount: most,
            assets: vec![asset],
            positions,
        }
    }

    fn account_position(&self, owner: &Owner, slot: Slot) -> AccountPosition {
        let (symbol, stance) = owner.purse.position_of(slot);
        let board = &self.boards[symbol.index()];
        let holding = owner.holdings[slot.index()];
        let leverage = owner.leverage[symbol.index()];
        let notional = board.last.map_or(Usd::ZERO, |last| holding.notional(last));
        let margin = initial(notional, owner.purse.leverage(slot).max(1));
        AccountPosition {
            symbol: board.instrument.symbol.clone(),
            initial_margin: margin,
            maint_margin: if holding.is_flat() { Usd::ZERO } else { board.instrument.maintenance_margin(notional) },
            unrealized_profit: self.unrealized_of(owner, slot),
            position_initial_margin: margin,
            open_order_initial_margin: Usd::ZERO,
            leverage,
            isolated: owner.purse.is_isolated(symbol),
            entry_price: holding.entry_price().unwrap_or(Price::ZERO),
            max_notional: Some(notional_cap(&board.instrument, leverage)),
            position_side: stance.wire(),
            position_amt: holding.qty,
            update_time: Some(owner.updated[slot.index()]),
        }
    }

    fn position_risk(&self, owner: &Owner, slot: Slot) -> PositionRisk {
        let (symbol, stance) = owner.purse.position_of(slot);
        let board = &self.boards[symbol.index()];
        let holding = owner.holdings[slot.index()];
        let isolated = owner.purse.is_isolated(symbol);
        let (unrealized, margin) = (self.unrealized_of(owner, slot), owner.purse.isolated_margin(slot));
        let leverage = owner.leverage[symbol.index()];
        let mark = board.last.unwrap_or(Price::ZERO);
        PositionRisk {
            symbol: board.instrument.symbol.clone(),
            position_amt: holding.qty,
            entry_price: holding.entry_price().unwrap_or(Price::ZERO),
            mark_price: mark,
            un_realized_profit: unrealized,
            liquidation_price: self.liquidation_price(owner, slot),
            leverage,
            max_notional_value: Some(notional_cap(&board.instrument, leverage)),
            margin_type: if isolated { MarginType::IsolatedLower } else { MarginType::CrossLower },
            isolated_margin: if margin.is_zero() { Usd::ZERO } else { margin + unrealized },
            is_auto_add_margin: Some(false),
            position_side: stance.wire(),
            notional: Some(Usd::notional(mark, holding.qty, Round::Nearest)),
            isolated_wallet: Some(margin),
            update_time: Some(owner.updated[slot.index()]),
        }
    }

    /// Where this symbol's price alone brings the liquidation, all others standing; 0 is nowhere. Long and short share
    /// one where they share the wallet. The bracket is that of the present notional.
    fn liquidation_price(&self, owner: &Owner, slot: Slot) -> Price {
        let (symbol, _) = owner.purse.position_of(slot);
        let board = &self.boards[symbol.index()];
        let isolated = owner.purse.is_isolated(symbol);
        let (Some(last), false) = (board.last, owner.holdings[slot.index()].is_flat()) else { return Price::ZERO };
        let mut together: Vec<Slot> = if isolated { vec![slot] } else { owner.slots(symbol).collect() };
        together.retain(|slot| !owner.holdings[slot.index()].is_flat());
        let instrument = &board.instrument;
        // margin + q p - cost = others + sum of |q| p rate - amount, solved for p.
        let mut fixed = if isolated {
            owner.purse.isolated_margin(slot)
        } else {
            let money = owner.purse.shared_wallet() + self.cross_unrealized(owner);
            money - owner.purse.cross_maintenance()
        };
        let mut slope = Qty::ZERO;
        for slot in together {
            let holding = owner.holdings[slot.index()];
            let bracket = instrument.bracket(holding.notional(last));
            slope = slope + holding.qty.abs().times(bracket.maintenance_rate, Round::Up) - holding.qty;
            fixed = fixed + bracket.maintenance_amount - holding.cost;
            if !isolated {
                fixed = fixed - self.unrealized_of(owner, slot) + instrument.maintenance_margin(holding.notional(last));
            }
        }
        if slope == Qty::ZERO {
            return Price::ZERO;
        }
        let exact = i128::from(fixed.0) * i128::from(Usd::ONE.0) / i128::from(slope.0);
        let price = i64::try_from(exact).ok().filter(|price| *price > 0 && *price < 1_000_000_000 * Usd::ONE.0);
        price.map_or(Price::ZERO, |price| Price(price).snap(instrument.tick, Round::Nearest))
    }

    fn user_trades(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: UserTrades = read_request(parameters)?;
        self.symbol(&query.symbol)?;
        let limit = limit(query.limit, 500, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        if query.from_id.is_some() && (query.start_time.is_some() || query.end_time.is_some()) {
            return Err(Refusal::new(-1128, "Combination of optional parameters invalid."));
        }
        week(query.start_time, query.end_time)?;
        let start = match query.start_time {
            None => start.max(end.min(self.now).plus(-super::trading::WEEK_MS)),
            Some(start) => start,
        };
        let found: Vec<&UserTrade> = self.accounts[account]
            .trades
            .iter()
            .filter(|trade| trade.symbol == query.symbol)
            .filter(|trade| match query.from_id {
                Some(from) => trade.id >= from,
                None => trade.time >= start && trade.time <= end,
            })
            .collect();
        let bounded = query.from_id.is_some() || query.start_time.is_some();
        let skip = if bounded { 0 } else { found.len().saturating_sub(limit) };
        Ok(to_json(&found.into_iter().skip(skip).take(limit).collect::<Vec<_>>()))
    }

    fn income(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: IncomeHistory = read_request(parameters)?;
        if let Some(symbol) = &query.symbol {
            self.symbol(symbol)?;
        }
        let limit = limit(query.limit, 100, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        let start = match query.start_time {
            None => start.max(end.min(self.now).plus(-super::trading::WEEK_MS)),
            Some(start) => start,
        };
        let found: Vec<&Income> = self.accounts[account]
            .incomes
            .iter()
            .filter(|row| query.symbol.as_ref().is_none_or(|symbol| row.symbol == *symbol))
            .filter(|row| query.income_type.as_ref().is_none_or(|kind| row.income_type == *kind))
            .filter(|row| row.time >= start && row.time <= end)
            .collect();
        let skip = if query.start_time.is_some() { 0 } else { found.len().saturating_sub(limit) };
        Ok(to_json(&found.into_iter().skip(skip).take(limit).collect::<Vec<_>>()))
    }
}

/// `notional / leverage`, rounded up.
fn initial(notional: Usd, leverage: u32) -> Usd {
    Usd(div(notional.0, Rate::whole(i64::from(leverage)).0, Round::Up))
}
