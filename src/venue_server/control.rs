//! What AsterDEX has not: the hand of the person who tests. From this machine only.

use super::faults::{FaultRule, Faults};
use super::info::MAX_PRICE;
use super::refusal::Refusal;
use super::venue::{Answer, Request, Venue, to_json};
use serde::Deserialize;
use serde_json::json;
use swarm_core::model::{DAY_MS, FundingDue, Price, Qty, Rate, Usd};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPrice {
    symbol: String,
    price: Price,
    /// How much is traded; the smallest order where nothing is said.
    qty: Option<Qty>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTime {
    ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fund {
    symbol: String,
    rate: Rate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Money {
    account: String,
    amount: Usd,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    account: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(rename = "postOnlyExpires")]
    post_only_expires: Option<bool>,
    /// `null` is any quantity.
    #[serde(default, deserialize_with = "given")]
    participation: Option<Option<Rate>>,
}

/// Tells what is `null` from what is left out.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Rate>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How far from a symbol's first price the hand may set it, as a factor.
const PRICE_FACTOR: i64 = 10;
/// Largest quantity of a trade by hand.
const MAX_TRADE: Qty = Qty::whole(1_000_000_000);
/// Market time that one step lets pass, at most.
const MAX_STEP_MS: i64 = DAY_MS;

/// Every call of `/control`: method, path, what it does.
pub(super) const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "/control/state", "market time, prices, accounts, faults, connections"),
    (
        "POST",
        "/control/price",
        "`{symbol, price, qty}`: a trade at this price now, of the smallest quantity where none is named",
    ),
    ("POST", "/control/step", "`{ms}`: lets market time pass, with `--speed hand` the only way it does"),
    ("POST", "/control/funding", "`{symbol, rate}`: a funding payment now"),
    ("POST", "/control/money", "`{account, amount}`: a deposit or, negative, a withdrawal"),
    ("POST", "/control/faults", "a list of faults in place of those in force"),
    ("DELETE", "/control/faults", "no more faults"),
    (
        "POST",
        "/control/options",
        "`{postOnlyExpires}`: whether GTX that would trade expires or is refused (-5022); `{participation}`: as the option, `null` for whole fills",
    ),
    ("POST", "/control/disconnect", "closes every stream connection"),
    ("POST", "/control/expire-listen-key", "`{account}`: lets its listen key expire now"),
];

impl Venue {
    pub(super) fn control(&mut self, request: &Request) -> Answer {
        if !request.is_local {
            return Answer::refused(&Refusal::with_status(403, -1002, "/control is for this machine only."));
        }
        match self.controlled(request) {
            Ok(body) => Answer::json(200, body),
            Err(refusal) => Answer::refused(&refusal),
        }
    }

    fn controlled(&mut self, request: &Request) -> Result<String, Refusal> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/control/state") => {}
            ("POST", "/control/price") => {
                let asked: SetPrice = read(request)?;
                let symbol = self.symbol(&asked.symbol)?;
                let instrument = &self.boards[symbol.index()].instrument;
                let (tick, qty) = (instrument.tick, asked.qty.unwrap_or(instrument.min_qty));
                if qty <= Qty::ZERO || qty > MAX_TRADE {
                    return Err(Refusal::value("qty", &format!("it must be above 0 and at most {MAX_TRADE}")));
                }
                let on_tick = tick.0 <= 0 || asked.price.0 % tick.0 == 0;
                // Positions stay within exact amounts that far and no farther.
                let first = self.boards[symbol.index()].first.unwrap_or(asked.price);
                let (least, most) = (Price(first.0 / PRICE_FACTOR), first.0.saturating_mul(PRICE_FACTOR));
                let near = asked.price >= least && asked.price.0 <= most;
                if asked.price <= Price::ZERO || asked.price > MAX_PRICE || !on_tick || !near {
                    let why = format!(
                        "it must be a multiple of {tick}, within a tenth and ten times the first price {first}"
                    );
                    return Err(Refusal::value("price", &why));
                }
                let now = self.now;
                self.trade(symbol, now, asked.price, qty, None);
            }
            ("POST", "/control/step") => {
                let asked: StepTime = read(request)?;
                if !(1..=MAX_STEP_MS).contains(&asked.ms) {
                    return Err(Refusal::value("ms", "it must be 1 ms to a day"));
                }
                let (clock, until) = (self.clock, self.now.plus(asked.ms));
                self.advance(clock, until);
            }
            ("POST", "/control/funding") => {
                let asked: Fund = read(request)?;
                let symbol = self.symbol(&asked.symbol)?;
                if asked.rate.abs() > Rate::ONE {
                    return Err(Refusal::value("rate", "it must be between -1 and 1"));
                }
                let due = FundingDue { symbol, at: self.now, rate: asked.rate };
                let board = &mut self.boards[symbol.index()];
                board.fund(due.at, due.rate, board.last);
                self.each_account(|purse, events| purse.fund(due.at, due.symbol, due.rate, events));
            }
            ("POST", "/control/money") => {
                let asked: Money = read(request)?;
                let account = self.named(&asked.account)?;
                self.move_money(account, asked.amount)?;
            }
            ("POST", "/control/faults") => {
                let rules: Vec<FaultRule> = read(request)?;
                if let Some(why) = Faults::fault(&rules) {
                    return Err(Refusal::value("faults", why));
                }
                self.faults.rules = rules;
            }
            ("DELETE", "/control/faults") => self.faults.rules.clear(),
            ("POST", "/control/options") => {
                let asked: Options = read(request)?;
                if let Some(share) = asked.participation {
                    if share.is_some_and(|share| share <= Rate::ZERO || share > Rate::ONE) {
                        return Err(Refusal::value("participation", "it must be above 0 and at most 1, or null"));
                    }
                    self.set_participation(share);
                }
                self.post_only_expires = asked.post_only_expires.unwrap_or(self.post_only_expires);
            }
            ("POST", "/control/disconnect") => self.streams.close_all(),
            ("POST", "/control/expire-listen-key") => {
                let account = self.named(&read::<Named>(request)?.account)?;
                self.expire_listen_key(account);
            }
            _ => return Err(Refusal::with_status(404, -1000, "There is no such control.")),
        }
        Ok(self.state())
    }

    fn set_participation(&mut self, share: Option<Rate>) {
        self.params.participation = share;
        self.accounts.iter_mut().for_each(|account| account.purse.set_participation(share));
    }

    fn named(&self, name: &str) -> Result<usize, Refusal> {
        let found = self.accounts.iter().position(|account| account.spec.name == name);
        found.ok_or_else(|| Refusal::new(-1109, "There is no account of this name."))
    }

    fn state(&self) -> String {
        let accounts = self.accounts.iter().map(|account| {
            json!({
                "name": account.spec.name,
                "user": account.spec.user.to_string(),
                "wallet": account.purse.wallet(),
                "equity": account.purse.equity(),
                "openOrders": account.open.len(),
                "positions": account.purse.held().count(),
            })
        });
        let prices = self.boards.iter().map(|board| (board.instrument.symbol.clone(), json!(board.last)));
        to_json(&json!({
            "marketTime": self.now.0,
            "over": self.is_over(),
            "prices": prices.collect::<serde_json::Map<_, _>>(),
            "accounts": accounts.collect::<Vec<_>>(),
            "faults": self.faults.rules,
            "postOnlyExpires": self.post_only_expires,
            "participation": self.params.participation,
            "connections": self.streams.count(),
        }))
    }
}

fn read<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    serde_json::from_str(&request.body)
        .map_err(|error| Refusal::new(-1130, format!("The body is not what this control takes: {error}.")))
}
