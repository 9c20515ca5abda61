//! What the venue says, as it was asked: one field a question, an answer or in words why there is none. Questions
//! only; nothing is changed.

use crate::aster::environment::Version;
use crate::aster::errors::Class;
use crate::aster::limiter::Limiter;
use crate::aster::rest::{Outcome, Rest};
use crate::aster::wire::{
    Account, AgentInfo, Balance, BuilderInfo, CommissionRate, ExchangeInfo, OrderAnswer, PositionRisk, PremiumIndex,
    SymbolBrackets, calls,
};
use std::sync::{Mutex, PoisonError};
use swarm_core::model::Time;

/// An answer, or why there is none.
pub type Asked<T> = Result<T, String>;

/// What anybody may ask.
#[derive(Clone, Debug)]
pub struct MarketFacts {
    /// Where it was asked.
    pub host: String,
    /// The venue's clock less this machine's, in microseconds.
    pub clock_us: Asked<i64>,
    /// Contracts and limits.
    pub info: Asked<ExchangeInfo>,
    /// Mark prices.
    pub marks: Asked<Vec<PremiumIndex>>,
}

/// What the keys of an account may ask.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    /// The portfolio that trades it, by its place.
    pub portfolio: usize,
    /// Whose keys, as an operator may see it; or why there are none.
    pub keys: Asked<String>,
    /// Address that signs, with a wallet.
    pub signer: Option<String>,
    /// Address of the account, with a wallet.
    pub user: Option<String>,
    /// When it was asked, by this machine's clock.
    pub asked_at: Time,
    /// Money and permissions.
    pub account: Asked<Account>,
    /// Money by asset.
    pub balances: Asked<Vec<Balance>>,
    /// Hedge mode.
    pub dual_side: Asked<bool>,
    /// Multi-assets mode.
    pub multi_assets: Asked<bool>,
    /// Positions, leverage and margin types.
    pub positions: Asked<Vec<PositionRisk>>,
    /// Everything that is open.
    pub orders: Asked<Vec<OrderAnswer>>,
    /// Leverage tables.
    pub brackets: Asked<Vec<SymbolBrackets>>,
    /// Fees, of the plan's first contracts.
    pub fees: Vec<(String, Asked<CommissionRate>)>,
    /// Wallets that may sign, with V3.
    pub agents: Option<Asked<Vec<AgentInfo>>>,
    /// Who may take a surcharge, with V3.
    pub builders: Option<Asked<Vec<BuilderInfo>>>,
    /// Weight used of the venue's limit in this minute, once all of this was asked.
    pub used_weight: u64,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What anybody may ask.
    pub market: MarketFacts,
    /// By portfolio with an account.
    pub accounts: Vec<AccountFacts>,
}

/// Contracts whose fees are asked for: a question each, and a heavy one.
const FEES: usize = 20;

fn said<T>(outcome: Outcome<T>) -> Asked<T> {
    match outcome {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::AlreadySo => Err("it said that nothing was to be done".to_owned()),
        Outcome::Refused(refusal) if refusal.class == Class::Halt => {
            let hint = "check the keys, their rights and addresses, and that they belong to this network";
            Err(format!("{refusal}; {hint}"))
        }
        Outcome::Refused(refusal) => Err(refusal.to_string()),
        Outcome::Unknown(cause) | Outcome::Unanswered(cause) => Err(cause.to_string()),
        Outcome::NotSent(not_sent) => Err(not_sent.to_string()),
    }
}

/// Asks what anybody may ask.
pub async fn ask_market(rest: &Rest) -> MarketFacts {
    // The quickest of a few answers is the best measurement.
    let mut clock_us = said(rest.measure_clock().await);
    for _ in 0..2 {
        if clock_us.is_ok() {
            clock_us = said(rest.measure_clock().await);
        }
    }
    let (info, marks) = match &clock_us {
        Ok(_) => (
            said(rest.send(&calls::exchange_info()).await),
            said(rest.send(&calls::premium_index(None)).await).map(|rows| rows.rows),
        ),
        // One wait for a venue that is not there is enough.
        Err(why) => (Err(why.clone()), Err(why.clone())),
    };
    MarketFacts { host: rest.environment().host().to_owned(), clock_us, info, marks }
}

/// An account whose keys could not be had.
pub fn without_keys(portfolio: usize, why: String) -> AccountFacts {
    fn none<T>() -> Asked<T> {
        Err("not asked: there are no keys".to_owned())
    }
    AccountFacts {
        portfolio,
        keys: Err(why),
        signer: None,
        user: None,
        asked_at: Time::default(),
        account: none(),
        balances: none(),
        dual_side: none(),
        multi_assets: none(),
        positions: none(),
        orders: none(),
        brackets: none(),
        fees: Vec::new(),
        agents: None,
        builders: None,
        used_weight: 0,
    }
}

/// Asks what the keys of an account may ask. `whose` is shown to the operator.
pub async fn ask_account(
    portfolio: usize,
    whose: String,
    wallet: Option<(String, String)>,
    rest: &Rest,
    limiter: &Mutex<Limiter>,
    symbols: &[String],
) -> AccountFacts {
    // Signatures carry the venue's time. Where it cannot be had, the first signed question says what is wrong.
    let _ = rest.measure_clock().await;
    let account = said(rest.send(&calls::account()).await);
    let is_wallet = rest.environment().scheme().version() == Version::V3;
    let mut facts = AccountFacts {
        keys: Ok(whose),
        account,
        asked_at: now(),
        signer: wallet.as_ref().map(|(signer, _)| signer.clone()),
        user: wallet.map(|(_, user)| user),
        ..without_keys(portfolio, String::new())
    };
    if let Err(why) = &facts.account {
        // What these keys may not ask once, they may not ask ten times.
        let why = format!("not asked: the account did not answer ({why})");
        facts.balances = Err(why.clone());
        facts.dual_side = Err(why.clone());
        facts.multi_assets = Err(why.clone());
        facts.positions = Err(why.clone());
        facts.orders = Err(why.clone());
        facts.brackets = Err(why);
        return facts;
    }
    facts.balances = said(rest.send(&calls::balance()).await);
    facts.dual_side = said(rest.send(&calls::dual_side()).await).map(|answer| answer.dual_side_position);
    facts.multi_assets = said(rest.send(&calls::multi_assets()).await).map(|answer| answer.multi_assets_margin);
    facts.positions = said(rest.send(&calls::position_risk(None)).await);
    facts.orders = said(rest.send(&calls::open_orders(None)).await);
    facts.brackets = said(rest.send(&calls::leverage_bracket(None)).await).map(|tables| tables.0);
    for symbol in symbols.iter().take(FEES) {
        facts.fees.push((symbol.clone(), said(rest.send(&calls::commission_rate(symbol)).await)));
    }
    if is_wallet {
        facts.agents = Some(said(rest.send(&calls::agents()).await));
        facts.builders = Some(said(rest.send(&calls::builders()).await));
    }
    facts.used_weight = limiter.lock().unwrap_or_else(PoisonError::into_inner).used_weight(now());
    facts
}

fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
