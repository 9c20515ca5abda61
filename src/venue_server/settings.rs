//! Settings of accounts, listen keys, transfers; and a plain refusal of everything that is not simulated.

use super::auth::Parameters;
use super::info::notional_cap;
use super::purse::Slot;
use super::refusal::Refusal;
use super::venue::{Venue, to_json};
use crate::aster::sign::{Micros, read_request};
use crate::aster::wire::{
    AgentInfo, BuilderInfo, ConfigUpdate, DualSide, Empty, Event, LeverageAnswer, LeverageChange, ListenKey,
    ListenKeyExpired, MultiAssets, Route, SetLeverage, SetMultiAssets, StpAnswer, Success, SymbolOnly, Transfer,
    TransferAnswer, TransferKind,
};
use sha2::{Digest, Sha256};
use swarm_core::model::Usd;

/// How long a listen key lives.
const LISTEN_KEY_US: Micros = 3_600_000_000;
/// Most money in an account after a transfer.
const MAX_MONEY: Usd = Usd::whole(1_000_000_000);
/// Names of transfers remembered of an account.
const MAX_TRANSFERS: usize = 10_000;

impl Venue {
    pub(super) fn setting(&mut self, route: Route, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        match route {
            Route::SetLeverage => self.set_leverage(account, parameters),
            Route::SetMarginType => self.set_margin_type(account, parameters),
            Route::ChangeMargin => self.change_margin(account, parameters),
            Route::MarginHistory => self.margin_history(account, parameters),
            Route::DualSide => Ok(to_json(&DualSide { dual_side_position: self.accounts[account].purse.hedge })),
            Route::SetDualSide => self.set_dual_side(account, parameters),
            Route::SubAccounts => Ok(to_json(&self.sub_accounts(account))),
            Route::Mmp => self.protections(account, parameters),
            Route::SetMmp => self.protect(account, parameters),
            Route::DeleteMmp | Route::ResetMmp => {
                let query: SymbolOnly = read_request(parameters)?;
                let symbol = self.symbol(&query.symbol)?;
                if route == Route::DeleteMmp {
                    self.accounts[account].protections.remove(&symbol);
                }
                Ok(to_json(&true))
            }
            Route::MultiAssets => Ok(to_json(&MultiAssets { multi_assets_margin: false })),
            Route::SetMultiAssets => {
                let query: SetMultiAssets = read_request(parameters)?;
                match query.multi_assets_margin {
                    // As it is already; the venue has no code of its own for that.
                    false => Ok(done()),
                    true => Err(Refusal::not_simulated("multi-assets mode")),
                }
            }
            Route::Stp => Ok(to_json(&StpAnswer { stp_mode: self.accounts[account].stp_mode.clone() })),
            Route::SetStp => {
                let query: StpAnswer = read_request(parameters)?;
                if !query.stp_mode.is_known() {
                    return Err(Refusal::value("stpMode", "EXPIRE_TAKER, EXPIRE_MAKER and EXPIRE_BOTH are"));
                }
                self.accounts[account].stp_mode = query.stp_mode;
                Ok(done())
            }
            Route::Agents => Ok(to_json(&self.agents(account))),
            Route::Builders => Ok(to_json(&Vec::<BuilderInfo>::new())),
            Route::Transfer => self.transfer(account, parameters),
            Route::StartUserStream => Ok(to_json(&self.start_stream(account))),
            Route::KeepUserStream => {
                let clock = self.clock;
                let key = self.accounts[account].listen_key.as_mut();
                let (_, expires) = key.ok_or_else(|| Refusal::new(-1125, "This listenKey does not exist."))?;
                *expires = clock.saturating_add(LISTEN_KEY_US);
                Ok(to_json(&Empty {}))
            }
            Route::EndUserStream => {
                self.accounts[account].listen_key = None;
                Ok(to_json(&Empty {}))
            }
            _ => Err(Refusal::not_simulated(route.tail())),
        }
    }

    fn set_leverage(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: SetLeverage = read_request(parameters)?;
        let symbol = self.symbol(&query.symbol)?;
        let instrument = &self.boards[symbol.index()].instrument;
        let cap = notional_cap(instrument, query.leverage);
        if query.leverage == 0 || query.leverage > 125 || cap.is_zero() {
            return Err(Refusal::new(-4028, format!("Leverage {} is not valid.", query.leverage)));
        }
        let owner = &self.accounts[account];
        let last = self.boards[symbol.index()].last;
        let notional = |slot: Slot| last.map_or(Usd::ZERO, |last| owner.holdings[slot.index()].notional(last));
        let largest = owner.slots(symbol).map(notional).max().unwrap_or(Usd::ZERO);
        if largest > cap {
            return Err(Refusal::new(-2027, "Exceeded the maximum allowable position at current leverage."));
        }
        let is_lower = query.leverage < owner.leverage[symbol.index()];
        if is_lower && owner.purse.is_isolated(symbol) && !largest.is_zero() {
            let msg = "Leverage reduction is not supported in Isolated Margin Mode with open positions.";
            return Err(Refusal::new(-4161, msg));
        }
        let (now, mut purse) = (self.now, owner.purse.clone());
        if !purse.set_leverage(now, symbol, query.leverage) {
            return Err(Refusal::new(-2028, "Leverage is smaller than permitted: insufficient margin balance."));
        }
        let owner = &mut self.accounts[account];
        owner.purse = purse;
        owner.leverage[symbol.index()] = query.leverage;
        for waiting in owner.waiting.values_mut().filter(|waiting| waiting.symbol == symbol) {
            waiting.order.leverage = query.leverage;
        }
        let change = LeverageChange { symbol: query.symbol.clone(), leverage: query.leverage };
        let (sent, time) = (self.now, Some(self.now));
        self.tell(account, &[Event::Config(ConfigUpdate { sent, time, leverage: Some(change), modes: None })]);
        let answer = LeverageAnswer { symbol: query.symbol, leverage: query.leverage, max_notional_value: cap };
        Ok(to_json(&answer))
    }

    fn agents(&self, account: usize) -> Vec<AgentInfo> {
        let spec = &self.accounts[account].spec;
        let agents = spec.signers.iter().filter(|signer| **signer != spec.user);
        agents
            .map(|signer| AgentInfo {
                agent_address: signer.to_string(),
                agent_name: spec.name.clone(),
                ip_whitelist: String::new(),
                expired: Some(swarm_core::model::Time(4_133_404_800_000)),
                source: "accounts".to_owned(),
                can_read: true,
                can_spot_trade: false,
                can_perp_trade: true,
                can_withdraw: false,
            })
            .collect()
    }

    fn transfer(&mut self, account: usize, parameters: &Parameters) -> Result<String, Refusal> {
        let query: Transfer = read_request(parameters)?;
        if query.asset != "USDT" {
            return Err(Refusal::new(-1108, "Invalid asset."));
        }
        if query.amount <= Usd::ZERO || query.amount > Usd::whole(1_000_000_000) {
            return Err(Refusal::new(-4055, "Amount must be positive."));
        }
        if query.client_tran_id.len() >= 64 {
            return Err(Refusal::new(-4114, "Invalid clientTranId length."));
        }
        let owner = &self.accounts[account];
        if owner.transfers.contains_key(&query.client_tran_id) || owner.transfers.len() >= MAX_TRANSFERS {
            return Err(Refusal::new(-4115, "clientTranId is duplicated."));
        }
        let amount = match query.kind_type {
            TransferKind::SpotFuture => query.amount,
            TransferKind::FutureSpot => -query.amount,
            TransferKind::Other(_) => return Err(Refusal::parameter("kindType")),
        };
        if -amount > owner.purse.free_balance() {
            return Err(Refusal::new(-2018, "Balance is insufficient."));
        }
        let number = self.move_money(account, amount)?;
        self.accounts[account].transfers.insert(query.client_tran_id, number);
        let mut answer = serde_json::json!(TransferAnswer { tran_id: String::new(), status: "SUCCESS".to_owned() });
        // Documented as a number.
        answer["tranId"] = serde_json::json!(number);
        Ok(answer.to_string())
    }

    /// Moves money in or out; gives the number of the transfer.
    pub(super) fn move_money(&mut self, account: usize, amount: Usd) -> Result<u64, Refusal> {
        let wallet = self.accounts[account].purse.wallet();
        if amount.abs() > MAX_MONEY || wallet + amount > MAX_MONEY {
            return Err(Refusal::value("amount", "an account holds at most 1,000,000,000 USDT"));
        }
        let (now, mut batch) = (self.now, Vec::new());
        let number = self.accounts[account].next_income;
        self.accounts[account].purse.transfer(now, amount, &mut batch);
        self.settle(account, &batch);
        Ok(number)
    }

    /// The account's listen key, with an hour before it; one for all who ask while it lives.
    fn start_stream(&mut self, account: usize) -> ListenKey {
        let expires = self.clock.saturating_add(LISTEN_KEY_US);
        let key = match &self.accounts[account].listen_key {
            Some((key, _)) => key.clone(),
            None => {
                // Made of what only the account knows and of when it was asked for: nobody else can guess it.
                let spec = &self.accounts[account].spec;
                let text = format!("{}/{}", spec.user, self.clock);
                let hex = spec.key.sign(&text, "listen");
                hex + &Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..24]
            }
        };
        self.accounts[account].listen_key = Some((key.clone(), expires));
        ListenKey { listen_key: key }
    }

    /// Says that an account's listen key is at its end; the sockets stay open and nothing more comes.
    pub(super) fn expire_listen_key(&mut self, account: usize) {
        let sent = self.now;
        self.tell(account, &[Event::ListenKeyExpired(ListenKeyExpired { sent })]);
        self.accounts[account].listen_key = None;
    }
}

pub(super) fn done() -> String {
    to_json(&Success { code: 200, msg: "success".to_owned() })
}
