//! Modes of an account and of its symbols: hedge or one-way, isolated or cross, margin moved by hand, protection of
//! market makers, and who belongs together. Knows no order.

use super::auth::Parameters;
use super::life::account_update;
use super::public::{limit, window};
use super::purse::Stance;
use super::refusal::Refusal;
use super::settings::done;
use super::venue::{Venue, to_json};
use crate::aster::sign::read_request;
use crate::aster::wire::{
    AccountReason, ChangeMargin, ConfigUpdate, Event, MarginAnswer, MarginChange, MarginHistory, MarketMakerProtection,
    ModeChange, SetDualSide, SetMarginType, SubAccount, SymbolOrAll,
};
use serde::Deserialize;
use swarm_core::model::{Price, Rate, SymbolId, Usd};

/// Changes of margin kept of an account.
const MAX_CHANGES: usize = 10_000;

/// What is asked of a protection; what is not given is not limited.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protect {
    symbol: String,
    window_time_in_milliseconds: String,
    frozen_time_in_milliseconds: String,
    qty_limit: Option<String>,
    value_limit: Option<String>,
    delta_limit: Option<String>,
}

impl Venue {
    fn last_prices(&self) -> Vec<Option<Price>> {
        self.boards.iter().map(|board| board.last).collect()
    }

    pub(super) fn set_dual_side(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: SetDualSide = read_request(parameters)?;
        let (now, prices, owner) = (self.now, self.last_prices(), &mut self.accounts[account]);
        if query.dual_side_position == owner.purse.hedge {
            return Err(Refusal::new(-4059, "No need to change position side."));
        }
        if !owner.open.is_empty() {
            return Err(Refusal::new(-4067, "Position side cannot be changed if there exists open orders."));
        }
        if owner.purse.held().next().is_some() {
            return Err(Refusal::new(-4068, "Position side cannot be changed if there exists position."));
        }
        owner.purse.set_hedge(now, query.dual_side_position, &prices);
        let modes = ModeChange { multi_assets: false, fee_token: false, hedge: query.dual_side_position };
        self.tell(
            account,
            &[Event::Config(ConfigUpdate { sent: now, time: Some(now), leverage: None, modes: Some(modes) })],
        );
        Ok(done())
    }

    pub(super) fn set_margin_type(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: SetMarginType = read_request(parameters)?;
        let symbol = self.symbol(&query.symbol)?;
        let isolated = query.margin_type.is_isolated().ok_or_else(|| Refusal::parameter("marginType"))?;
        let (now, prices, owner) = (self.now, self.last_prices(), &mut self.accounts[account]);
        if isolated == owner.purse.is_isolated(symbol) {
            return Err(Refusal::new(-4046, "No need to change margin type."));
        }
        if owner.open_orders().any(|record| record.symbol == symbol) {
            return Err(Refusal::new(-4047, "Margin type cannot be changed if there exists open orders."));
        }
        if owner.purse.held().any(|slot| owner.purse.position_of(slot).0 == symbol) {
            return Err(Refusal::new(-4048, "Margin type cannot be changed if there exists position."));
        }
        owner.purse.set_isolated(now, symbol, isolated, &prices);
        self.tell_margin(account, symbol, AccountReason::MarginTypeChange);
        Ok(done())
    }

    fn tell_margin(&mut self, account: usize, symbol: SymbolId, reason: AccountReason) {
        let owner = &self.accounts[account];
        let slots: Vec<_> = owner.slots(symbol).collect();
        let event = account_update(owner, &self.boards, reason, self.now, &slots, None);
        self.tell(account, &[event]);
        self.watch_margin(account);
    }

    pub(super) fn change_margin(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: ChangeMargin = read_request(parameters)?;
        let symbol = self.symbol(&query.symbol)?;
        let stance = Stance::of(query.position_side.as_ref());
        let stance = stance.ok_or_else(|| Refusal::new(-4060, "Invalid position side."))?;
        let (now, owner) = (self.now, &mut self.accounts[account]);
        if !owner.purse.stances().contains(&stance) {
            return Err(Refusal::new(-4061, "Order's position side does not match user's setting."));
        }
        if query.amount <= Usd::ZERO {
            return Err(Refusal::new(-4055, "Amount must be positive."));
        }
        if !owner.purse.is_isolated(symbol) {
            return Err(Refusal::new(-4049, "Add margin only support for isolated position."));
        }
        let slot = owner.purse.slot(symbol, stance);
        if owner.holdings[slot.index()].is_flat() {
            return Err(Refusal::new(-4054, "Cannot add position margin: position is 0."));
        }
        let (amount, refusal) = match query.margin_change {
            1 => (query.amount, Refusal::new(-4050, "Cross balance insufficient.")),
            2 => (-query.amount, Refusal::new(-4051, "Isolated balance insufficient.")),
            _ => return Err(Refusal::value("type", "it must be 1 (add) or 2 (reduce)")),
        };
        if !owner.purse.move_margin(now, slot, amount) {
            return Err(refusal);
        }
        if owner.margin_changes.len() >= MAX_CHANGES {
            owner.margin_changes.pop_front();
        }
        owner.margin_changes.push_back(MarginChange {
            amount: query.amount,
            asset: "USDT".to_owned(),
            symbol: query.symbol,
            time: now,
            margin_change: query.margin_change,
            position_side: stance.wire(),
        });
        self.tell_margin(account, symbol, AccountReason::MarginTransfer);
        let (amount, msg) = (query.amount, "Successfully modify position margin.".to_owned());
        Ok(to_json(&MarginAnswer { amount, code: 200, msg, margin_change: query.margin_change }))
    }

    pub(super) fn margin_history(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: MarginHistory = read_request(parameters)?;
        self.symbol(&query.symbol)?;
        let limit = limit(query.limit, 500, 1_000)?;
        let (start, end) = window(query.start_time, query.end_time)?;
        let rows = self.accounts[account].margin_changes.iter().filter(|row| {
            row.symbol == query.symbol
                && query.margin_change.is_none_or(|kind| row.margin_change == kind)
                && row.time >= start
                && row.time <= end
        });
        Ok(to_json(&rows.take(limit).collect::<Vec<_>>()))
    }

    /// The account that others belong to, and those others, as its accounts file has it.
    pub(super) fn sub_accounts(&self, account: usize) -> Vec<SubAccount> {
        let spec = &self.accounts[account].spec;
        let main = spec.parent.clone().unwrap_or_else(|| spec.name.clone());
        let family = self
            .accounts
            .iter()
            .enumerate()
            .filter(|(_, other)| other.spec.name == main || other.spec.parent.as_ref() == Some(&main));
        let row = |(number, other): (usize, &super::records::Account)| {
            let is_main = other.spec.name == main;
            let sub_account_name = if is_main { String::new() } else { other.spec.name.clone() };
            SubAccount { account_id: number as u64 + 1, sub_account_name, parent_account: is_main }
        };
        family.map(row).collect()
    }

    pub(super) fn protections(&self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: SymbolOrAll = read_request(parameters)?;
        let asked = query.symbol.as_deref().map(|name| self.symbol(name)).transpose()?;
        let rows = self.accounts[account].protections.iter();
        let rows = rows.filter(|(symbol, _)| asked.is_none_or(|asked| asked == **symbol)).map(|(_, row)| row);
        Ok(to_json(&rows.collect::<Vec<_>>()))
    }

    pub(super) fn protect(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: Protect = read_request(parameters)?;
        let symbol = self.symbol(&query.symbol)?;
        let time = |text: &str, name: &str| text.parse::<i64>().map_err(|_| Refusal::parameter(name));
        let limit = |text: &Option<String>, name: &str| match text {
            None => Ok(Rate::whole(-1)),
            Some(text) => text.parse::<Rate>().map_err(|_| Refusal::parameter(name)),
        };
        let protection = MarketMakerProtection {
            symbol: query.symbol.clone(),
            window_time_in_milliseconds: time(&query.window_time_in_milliseconds, "windowTimeInMilliseconds")?,
            frozen_time_in_milliseconds: time(&query.frozen_time_in_milliseconds, "frozenTimeInMilliseconds")?,
            qty_limit: limit(&query.qty_limit, "qtyLimit")?,
            value_limit: limit(&query.value_limit, "valueLimit")?,
            delta_limit: limit(&query.delta_limit, "deltaLimit")?,
        };
        self.accounts[account].protections.insert(symbol, protection);
        Ok(to_json(&true))
    }
}
