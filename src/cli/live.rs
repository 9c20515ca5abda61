//! A live market for `swarm run`: which hosts, the contracts as the venue has them, the candles of the past, and the
//! task that follows the streams. What that task tells becomes metrics and log lines here.

use super::console::Failure;
use super::filters;
use super::market::Market;
use crate::actors::{self, LiveAccount};
use crate::aster::environment::{Environment, MAINNET_CHAIN_ID, TESTNET_CHAIN_ID, Version};
use crate::aster::keys::Keys;
use crate::aster::limiter::{Caps, Limiter};
use crate::aster::rest::{Patience, Rest};
use crate::aster::sign::Credentials;
use crate::aster::stream;
use crate::config::{MarginMode, MarketSpec, RequestLimits, RuntimePlan};
use crate::control::Control;
use crate::market::live::{
    self, Fate, Following, History, LiveError, MarketClock, News, Note, Waits, contracts, market_time,
};
use crate::telemetry::{CandleFate, Metrics};
use crate::venue::live::AsterLink;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use swarm_core::delivery::{Desk, Policy, RunTag};
use swarm_core::model::{Plan, PortfolioId, SymbolId, Time};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Steps that wait for the swarm.
const STEPS_WAITING: usize = 64;
/// Silence after which an operator is told, in milliseconds: mark prices come every second.
const SILENCE_MS: i64 = 15_000;

/// A live market, found and not yet followed.
pub struct LiveMarket {
    rest: Arc<Rest>,
    limiter: Arc<Mutex<Limiter>>,
    clock: MarketClock,
    warm_up: u64,
    label: String,
    kind: &'static str,
    began: Instant,
}

/// Where the market and its accounts are, for keys of this version.
pub fn environment(runtime: &RuntimePlan, version: Version) -> Result<Environment, Failure> {
    let testnet = runtime.market == MarketSpec::AsterTestnet;
    let chain_id = if testnet { TESTNET_CHAIN_ID } else { MAINNET_CHAIN_ID };
    match &runtime.hosts {
        Some(hosts) => Environment::custom(&hosts.rest, &hosts.stream, version, chain_id)
            .map_err(|error| Failure::input(format!("`venue.rest_url` and `venue.stream_url`: {error}"))),
        None if testnet => Ok(Environment::testnet(version)),
        None => Ok(Environment::mainnet(version)),
    }
}

fn failure(error: LiveError) -> Failure {
    match error {
        LiveError::Unreachable { .. } | LiveError::NoAnswer { .. } => Failure::failed("market", error.to_string()),
        LiveError::Contracts { .. } | LiveError::Interval(_) => Failure::input(error.to_string()),
    }
}

/// Finds the market and takes over the contracts as the venue has them: filters of the file count on paper with
/// made-up or recorded candles only.
pub async fn open(runtime: &RuntimePlan, plan: &mut Plan, warm_up: u64) -> Result<LiveMarket, Failure> {
    let began = Instant::now();
    // Public calls are the same in both versions of the API; the test network has them in V1 only.
    let environment = environment(runtime, Version::V1)?;
    let label = match &runtime.hosts {
        Some(hosts) => format!("{} at {}", runtime.market, hosts.rest),
        None => runtime.market.to_string(),
    };
    let kind = if runtime.market == MarketSpec::AsterTestnet { "aster-testnet" } else { "aster" };
    let limiter = Arc::new(Mutex::new(Limiter::capped(caps(runtime.caps))));
    let rest = Rest::new(environment, None, Arc::clone(&limiter), Patience::default())
        .map_err(|error| Failure::failed("market", error.to_string()))?;
    let (instruments, _) = contracts(&rest, &plan.instruments).await.map_err(failure)?;
    plan.instruments = instruments;
    let (now, _) = market_time(&rest, &symbols(plan)).await.map_err(failure)?;
    Ok(LiveMarket { rest: Arc::new(rest), limiter, clock: MarketClock::new(now), warm_up, label, kind, began })
}

const fn caps(written: RequestLimits) -> Caps {
    Caps {
        weight_a_minute: written.weight_per_minute,
        orders_a_minute: written.orders_per_minute,
        orders_in_ten_seconds: written.orders_per_10s,
    }
}

fn symbols(plan: &Plan) -> Vec<String> {
    plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect()
}

impl LiveMarket {
    /// It as a market whose candles are not there yet.
    pub fn market(&self) -> Market {
        let tape = Box::new(Vec::new().into_iter());
        Market { tape, warm_up_steps: 0, label: self.label.clone(), kind: self.kind, load_s: 0.0 }
    }

    /// What counts requests of this machine: market and accounts share the venue's limits.
    pub fn limiter(&self) -> Arc<Mutex<Limiter>> {
        Arc::clone(&self.limiter)
    }

    /// Fetches the candles of the past into `market`, those since the journal `ended` included, and begins to follow what
    /// comes after them.
    pub async fn start(
        self,
        plan: &Arc<Plan>,
        ended: Option<Time>,
        metrics: &Metrics,
        control: &Control,
        market: &mut Market,
    ) -> Result<(actors::Live, Followers), Failure> {
        let symbols = symbols(plan);
        let history = live::history(&self.rest, &symbols, plan.base, &self.clock, self.warm_up, ended);
        let History { steps, warm_up, last } = history.await.map_err(failure)?;
        market.tape = Box::new(steps.into_iter());
        market.warm_up_steps = warm_up;
        market.load_s = self.began.elapsed().as_secs_f64();
        let (steps, coming) = mpsc::channel(STEPS_WAITING);
        let marks = actors::Marks::default();
        let watch = filters::watch(Arc::clone(&self.rest), Arc::clone(plan), control.clone(), metrics.clone());
        let following = Following {
            rest: self.rest,
            symbols: symbols.clone(),
            base: plan.base,
            last,
            clock: self.clock.clone(),
            waits: Waits::default(),
            policy: stream::Policy::MARKET,
            steps,
            news: teller(symbols, metrics.clone(), marks.clone()),
        };
        let follower = tokio::spawn(async move {
            if let Err(why) = live::follow(following).await {
                tracing::error!("the market cannot be followed: {why}");
            }
        });
        let clock = self.clock;
        let clock: actors::Clock = Arc::new(move || clock.now());
        Ok((actors::Live { steps: coming, clock, marks }, Followers(vec![follower, tokio::spawn(watch)])))
    }
}

/// The tasks that follow a market; they end with this.
pub struct Followers(Vec<JoinHandle<()>>);

impl Drop for Followers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Opens each portfolio's account at the venue. `begun` is when the state directory was: names of orders derive from
/// it, so that another directory on the same account uses other names.
pub async fn accounts(
    runtime: &RuntimePlan,
    plan: &Plan,
    begun: Time,
    limiter: &Arc<Mutex<Limiter>>,
) -> Result<Vec<LiveAccount>, Failure> {
    let tag = tag(begun);
    let mut whose: BTreeSet<String> = BTreeSet::new();
    let mut accounts = Vec::new();
    for (index, portfolio) in plan.portfolios.iter().enumerate() {
        let name = runtime.accounts.get(index).and_then(Option::as_ref).ok_or_else(|| {
            Failure::input(format!("portfolio `{}` names no `account`, and the mode is live", portfolio.name))
        })?;
        let keys = Keys::from_environment(name).map_err(|error| Failure::input(error.to_string()))?;
        let environment = environment(runtime, keys.version())?;
        let credentials = keys.credentials(environment.scheme());
        let owner = match &credentials {
            Credentials::Wallet(signer) => signer.user().to_string(),
            Credentials::Key(signer) => signer.key().key().expose().to_owned(),
        };
        if !whose.insert(owner) {
            return Err(Failure::input(format!(
                "account `{name}` of portfolio `{}` is another portfolio's already: one account holds one position a \
                 symbol, so give each portfolio a sub-account",
                portfolio.name
            )));
        }
        let failed = |error: &dyn std::fmt::Display| Failure::failed("venue", format!("account `{name}`: {error}"));
        let rest = Rest::new(environment, Some(credentials), Arc::clone(limiter), Patience::default());
        let rest = rest.map_err(|error| failed(&error))?;
        let (link, told) = AsterLink::open(rest, plan).await.map_err(|error| failed(&error))?;
        if let Some(margin) = runtime.margin {
            let changed = link.set_margin(margin == MarginMode::Isolated).await.map_err(|error| failed(&error))?;
            if !changed.is_empty() {
                let margin = if margin == MarginMode::Isolated { "isolated" } else { "cross" };
                tracing::info!("account `{name}`: {margin} margin was set for {}", changed.join(", "));
            }
        }
        let policy = Policy { expects_stop: portfolio.require_stop, ..runtime.reconcile.clone() };
        let desk = Desk::new(plan, PortfolioId::at(index), tag.clone(), policy);
        accounts.push(LiveAccount { desk, link: Box::new(link), told });
    }
    Ok(accounts)
}

/// The tag of a state directory: when it was begun, in milliseconds and base 36, which is eight letters until 2059.
fn tag(begun: Time) -> RunTag {
    let mut rest = begun.0.unsigned_abs() % 36_u64.pow(8);
    let mut letters = [b'0'; 8];
    for letter in letters.iter_mut().rev() {
        *letter = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
        rest /= 36;
    }
    let text: String = letters.iter().map(|letter| char::from(*letter)).collect();
    text.parse().expect("invariant: eight digits and small letters are a tag")
}

/// Makes metrics and log lines of what is told.
fn teller(symbols: Vec<String>, metrics: Metrics, marks: actors::Marks) -> Arc<dyn Fn(News) + Send + Sync> {
    let silent: Mutex<BTreeSet<SymbolId>> = Mutex::default();
    Arc::new(move |news| match news {
        News::Candle(note) => {
            metrics.feed_candle(label(note.fate));
            log(&symbols, note);
        }
        News::Mark(symbol, at, price) => marks.set(symbol, at, price),
        News::Age(symbol, age_ms) => {
            metrics.feed_lag(symbol, age_ms as f64 / 1_000.0);
            let mut silent = silent.lock().unwrap_or_else(PoisonError::into_inner);
            let was_silent = !silent.is_empty();
            if age_ms > SILENCE_MS {
                silent.insert(symbol)
            } else {
                silent.remove(&symbol)
            };
            match (was_silent, silent.is_empty()) {
                (false, false) => tracing::warn!(
                    "nothing was heard of {} for {} s: entries wait for fresh candles",
                    symbols[symbol.index()],
                    age_ms / 1_000
                ),
                (true, true) => tracing::info!("market data of all symbols is fresh again"),
                _ => {}
            }
        }
        News::Reconnected => {
            metrics.feed_reconnected();
            tracing::info!("market streams are back; candles are checked");
        }
        News::Lost(why) => tracing::warn!("market stream: {why}"),
        News::Unanswered(why) => tracing::warn!("no answer about {why}"),
    })
}

fn log(symbols: &[String], note: Note) {
    let (symbol, at): (&str, Time) = (&symbols[note.symbol.index()], note.close_time);
    match note.fate {
        Fate::Filled => tracing::debug!("{symbol}: the candle that closed at {at} came from REST"),
        Fate::Corrected => tracing::warn!("{symbol}: the candle that closed at {at} was corrected by REST"),
        Fate::Differs => {
            tracing::warn!("{symbol}: the candle that closed at {at} was used, and REST has it otherwise");
        }
        Fate::Late => tracing::warn!("{symbol}: the candle that closed at {at} came too late to be used"),
        Fate::Missing => tracing::warn!("{symbol}: no candle closed at {at}: a gap"),
        Fate::Faulty => tracing::warn!("{symbol}: the candle that closed at {at} makes no sense and was passed over"),
    }
}

const fn label(fate: Fate) -> CandleFate {
    match fate {
        Fate::Filled => CandleFate::Filled,
        Fate::Corrected => CandleFate::Corrected,
        Fate::Differs => CandleFate::Differs,
        Fate::Late => CandleFate::Late,
        Fate::Missing => CandleFate::Missing,
        Fate::Faulty => CandleFate::Faulty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_directory_has_a_tag_of_its_own() {
        assert_eq!(tag(Time(1_700_000_000_000)).to_string(), "loyw3v28");
        assert_ne!(tag(Time(1_700_000_000_000)), tag(Time(1_700_000_000_001)));
        assert_eq!(tag(Time(0)).to_string(), "00000000");
    }
}
