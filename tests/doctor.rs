//! `swarm doctor`: facts are asked of a venue over sockets, and every check is made to fail.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::limiter::Limiter;
use asterswarm::aster::rest::{Outcome, Patience, Rest};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{Credentials, Wallet, WalletSigner};
use asterswarm::aster::wire::{BuilderInfo, MarginType, NewOrder, OrderType, Side, SymbolStatus, TimeInForce, calls};
use asterswarm::config::instruments::instrument;
use asterswarm::doctor::{AccountFacts, Facts, Finding, Level, ask_account, ask_market, examine, without_keys};
use asterswarm::market::SyntheticTape;
use asterswarm::venue_server::{Market, Pace, Setup, Venue, VenueServer, read_accounts, serve};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::{Place, until};
use swarm_core::model::{ExchangeParams, Interval, Plan, Qty, Rate, Time, Usd};

const SWARM: &str = "\
version: 1
name: doctor
market: { source: synthetic, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }
portfolios: { main: { equity: 10000, account: main, risk: { max_positions: 2 } } }
cohorts: { one: { portfolio: main, agents: [{ use: control, count: 2 }] } }
";

fn plan() -> Plan {
    asterswarm::config::load_text(Path::new("swarm.yaml"), SWARM).unwrap().plan
}

fn wallet(number: u8) -> Wallet {
    Wallet::new(&Secret::new(format!("{number:02x}").repeat(32))).unwrap()
}

/// A venue, and a client of its only account, whose signer may not withdraw.
struct World {
    server: VenueServer,
    rest: Rest,
    limiter: Arc<Mutex<Limiter>>,
}

impl World {
    fn new() -> Self {
        let instruments = vec![instrument("BTCUSDT"), instrument("ETHUSDT")];
        let accounts = format!(
            "accounts:\n  - {{ name: one, balance: 10000, user: \"{}\", signers: [\"{}\"], api_key: a-key-of-one, api_secret: secret }}\n",
            wallet(1).address(),
            wallet(2).address()
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let venue = Venue::new(Setup {
            base: Interval::M5,
            market: Market::Candles(Box::new(SyntheticTape::new(
                1,
                Time(1_735_689_600_000),
                Interval::M5,
                &instruments,
            ))),
            instruments,
            warm_up: 20,
            start: None,
            accounts: read_accounts(&accounts).unwrap(),
            params: ExchangeParams::default(),
            chain_ids: vec![714],
            seed: 1,
            limits: true,
        });
        let server = serve(listener, venue, Pace::Hand).unwrap();
        let (http, ws) = (format!("http://{}", server.address()), format!("ws://{}", server.address()));
        let environment = Environment::custom(&http, &ws, Version::V3, 714).unwrap();
        let signer = WalletSigner::new(wallet(2), Some(wallet(1).address()), 714);
        let limiter = Arc::new(Mutex::new(Limiter::default()));
        let rest = Rest::new(environment, Some(Credentials::Wallet(signer)), limiter.clone(), Patience::default());
        Self { server, rest: rest.unwrap(), limiter }
    }

    async fn facts(&self) -> Facts {
        let plan = plan();
        let symbols: Vec<String> = plan.instruments.iter().map(|it| it.symbol.clone()).collect();
        let addresses = Some((wallet(2).address().to_string(), wallet(1).address().to_string()));
        let whose = "the test's keys".to_owned();
        let account = ask_account(0, whose, addresses, &self.rest, &self.limiter, &symbols).await;
        Facts { market: ask_market(&self.rest).await, accounts: vec![account] }
    }

    async fn place(&self, order: NewOrder) {
        let outcome = self.rest.send(&calls::place_order(order)).await;
        assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    }
}

fn find<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("{check} in {findings:#?}"))
}

/// After `change`, this check alone comes to `level`, with `seen` in what it saw, and says what to do.
#[track_caller]
fn check(good: &Facts, name: &str, level: Level, seen: &str, change: impl FnOnce(&mut Plan, &mut Facts)) {
    let (mut plan, mut facts) = (plan(), good.clone());
    change(&mut plan, &mut facts);
    let findings = examine(&plan, &facts);
    let finding = find(&findings, name);
    assert_eq!(finding.level, level, "{name}: {finding:?}");
    assert!(finding.seen.contains(seen) && !finding.todo.is_empty(), "{finding:?}");
}

fn account(facts: &mut Facts) -> &mut AccountFacts {
    &mut facts.accounts[0]
}

#[actix_web::test]
async fn a_sound_account_passes_and_every_fault_of_the_market_is_found() {
    let world = World::new();
    let good = world.facts().await;
    let findings = examine(&plan(), &good);
    let bad: Vec<&Finding> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
    assert!(bad.is_empty() && findings.len() >= 19, "{bad:#?} of {}", findings.len());
    assert!(findings.iter().all(|finding| finding.todo.is_empty()));

    let no = || Err("nobody is there".to_owned());
    check(&good, "venue", Level::Fail, "nobody is there", |_, facts| facts.market.clock_us = no());
    check(&good, "clock", Level::Warn, "1500 ms", |_, facts| facts.market.clock_us = Ok(1_500_000));
    check(&good, "clock", Level::Fail, "-9000 ms", |_, facts| facts.market.clock_us = Ok(-9_000_000));
    check(&good, "contracts", Level::Fail, "BTCUSDT is not listed", |_, facts| {
        facts.market.info.as_mut().unwrap().symbols.rows.remove(0);
    });
    check(&good, "contracts", Level::Fail, "SETTLING", |_, facts| {
        facts.market.info.as_mut().unwrap().symbols.rows[1].status = SymbolStatus::Settling;
    });
    check(&good, "contracts", Level::Fail, "PRICE_FILTER", |_, facts| {
        facts.market.info.as_mut().unwrap().symbols.rows[0].filters.remove(0);
    });
    check(&good, "filters", Level::Warn, "ETHUSDT step 0.001, not 0.01", |plan, _| {
        plan.instruments[1].step = "0.01".parse().unwrap();
    });
    check(&good, "rate limits", Level::Warn, "no limit", |_, facts| {
        facts.market.info.as_mut().unwrap().rate_limits.clear();
    });
    check(&good, "smallest order", Level::Fail, "BTCUSDT takes no order below", |plan, _| {
        plan.portfolios[0].limits.max_notional = Some(Usd::whole(4));
    });
    check(&good, "smallest order", Level::Fail, "not known", |_, facts| {
        facts.market.marks = Err("nobody is there".to_owned());
    });
    world.server.stop().await;
}

#[actix_web::test]
async fn every_fault_of_an_account_is_found() {
    let world = World::new();
    let good = world.facts().await;
    let no = || "no answer in time".to_owned();
    check(&good, "keys", Level::Fail, "no keys", |_, facts| facts.accounts = vec![without_keys(0, "no keys".into())]);
    check(&good, "account", Level::Fail, "no answer", |_, facts| account(facts).account = Err(no()));
    check(&good, "account", Level::Fail, "may not trade", |_, facts| {
        account(facts).account.as_mut().unwrap().can_trade = false;
    });
    check(&good, "withdrawal", Level::Warn, "may withdraw", |_, facts| {
        account(facts).agents.as_mut().unwrap().as_mut().unwrap()[0].can_withdraw = true;
    });
    check(&good, "withdrawal", Level::Warn, "own wallet", |_, facts| {
        account(facts).signer = account(facts).user.clone();
    });
    check(&good, "withdrawal", Level::Warn, "may withdraw", |_, facts| {
        // A V1 key: the account's rights are the key's.
        (account(facts).signer, account(facts).agents) = (None, None);
        account(facts).account.as_mut().unwrap().can_withdraw = true;
    });
    check(&good, "position mode", Level::Fail, "hedge", |_, facts| account(facts).dual_side = Ok(true));
    check(&good, "position mode", Level::Fail, "no answer", |_, facts| account(facts).dual_side = Err(no()));
    check(&good, "assets mode", Level::Fail, "multi-assets", |_, facts| account(facts).multi_assets = Ok(true));
    check(&good, "money", Level::Fail, "0 USDT", |_, facts| account(facts).balances = Ok(Vec::new()));
    check(&good, "money", Level::Warn, "10000 USDT", |plan, _| plan.portfolios[0].equity = Usd::whole(10_001));
    check(&good, "margin type", Level::Warn, "BTCUSDT", |plan, _| plan.exchange.isolated_margin = true);
    check(&good, "margin type", Level::Fail, "not to be changed", |_, facts| {
        let row = &mut account(facts).positions.as_mut().unwrap()[0];
        (row.margin_type, row.position_amt) = (MarginType::Isolated, Qty::ONE);
    });
    check(&good, "leverage", Level::Warn, "ETHUSDT is set to 2x", |_, facts| {
        account(facts).positions.as_mut().unwrap()[1].leverage = 2;
    });
    check(&good, "brackets", Level::Fail, "no table of BTCUSDT", |_, facts| {
        account(facts).brackets.as_mut().unwrap().remove(0);
    });
    check(&good, "brackets", Level::Warn, "not 200x", |plan, _| {
        plan.portfolios[0].limits.max_leverage = Some(Rate::whole(200));
    });
    check(&good, "brackets", Level::Warn, "USDT, not", |plan, _| plan.portfolios[0].equity = Usd::whole(90_000_000));
    check(&good, "fees", Level::Warn, "BTCUSDT 0.0001 and 0.00035", |plan, _| plan.exchange.taker_fee = Rate::bps(3));
    check(&good, "fees", Level::Warn, "not known", |_, facts| account(facts).fees[0].1 = Err(no()));
    check(&good, "headroom", Level::Warn, "2000 of 2400", |_, facts| account(facts).used_weight = 2_000);
    check(&good, "signer", Level::Fail, "not among", |_, facts| account(facts).agents = Some(Ok(Vec::new())));
    check(&good, "signer", Level::Fail, "may not trade", |_, facts| {
        account(facts).agents.as_mut().unwrap().as_mut().unwrap()[0].can_perp_trade = false;
    });
    for (ms, level) in [(-1, Level::Fail), (86_400_000, Level::Warn)] {
        check(&good, "signer", level, "expire", |_, facts| {
            let at = account(facts).asked_at.plus(ms);
            account(facts).agents.as_mut().unwrap().as_mut().unwrap()[0].expired = Some(at);
        });
    }
    check(&good, "builders", Level::Warn, "0xbad", |_, facts| {
        let max_fee_rate = Rate::bps(1);
        let builder = BuilderInfo {
            user_address: String::new(),
            builder_address: "0xbad".into(),
            max_fee_rate,
            builder_name: String::new(),
        };
        account(facts).builders = Some(Ok(vec![builder]));
    });
    check(&good, "open orders", Level::Fail, "no answer", |_, facts| account(facts).orders = Err(no()));
    world.server.stop().await;
}

#[actix_web::test]
async fn a_position_counts_as_protected_only_under_reduce_only_stops_for_all_of_it() {
    let world = World::new();
    let order = |side, kind, qty: &str| {
        let mut order = NewOrder::new("ETHUSDT", side, kind);
        order.quantity = Some(qty.parse().unwrap());
        order
    };
    world.place(order(Side::Buy, OrderType::Market, "0.5")).await;
    let naked = world.facts().await;
    check(&naked, "stops", Level::Fail, "0.5 of 0.5 ETHUSDT have no stop", |_, _| {});
    let mut far = order(Side::Buy, OrderType::Limit, "0.5");
    (far.price, far.time_in_force) = (Some("2700".parse().unwrap()), Some(TimeInForce::Gtc));
    let stop = |qty: &str| {
        let mut stop = order(Side::Sell, OrderType::StopMarket, qty);
        (stop.stop_price, stop.reduce_only) = (Some("2000".parse().unwrap()), Some(true));
        stop
    };
    world.place(stop("0.2")).await;
    let half = world.facts().await;
    check(&half, "stops", Level::Fail, "0.3 of 0.5 ETHUSDT", |_, _| {});
    world.place(stop("0.3")).await;
    let whole = world.facts().await;
    assert_eq!(find(&examine(&plan(), &whole), "stops").level, Level::Ok);
    check(&whole, "open orders", Level::Warn, "ETHUSDT SELL STOP_MARKET", |_, _| {});
    check(&whole, "stops", Level::Fail, "have no stop", |_, facts| {
        account(facts).orders.as_mut().unwrap().iter_mut().for_each(|order| order.reduce_only = false);
    });
    world.server.stop().await;
}

#[test]
fn the_command_tells_findings_and_ends_with_1_when_one_fails() {
    let place = Place::with(SWARM);
    let words = ["venue", "--listen", "127.0.0.1:0", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "hand"];
    let venue = place.launch(&words);
    let address = until("the venue", || {
        let said = venue.said();
        let rest = said.split("venue  http://").nth(1)?;
        rest.split_whitespace().next().filter(|_| rest.contains('\n')).map(str::to_owned)
    });
    let hosts = format!("venue: {{ rest_url: \"http://{address}\", stream_url: \"ws://{address}\" }}\n");
    place.put("swarm.yaml", format!("{SWARM}{hosts}"));
    let run = |variables: &[(&str, &str)], json: bool| {
        let words = if json { &["doctor", "--json"][..] } else { &["doctor"][..] };
        let mut command = place.command(words);
        command.envs(variables.iter().copied());
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, out, err) = run(&[("MAIN_API_KEY", "paper-1"), ("MAIN_API_SECRET", "paper-1-secret")], true);
    assert_eq!(code, Some(0), "{out}{err}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&document["ok"], &document["failed"]), (&true.into(), &0.into()), "{document}");
    let named = |name: &str| {
        let findings = document["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == name).unwrap().clone()
    };
    assert_eq!(named("file")["level"], "warn", "a file for paper is told, and is no failure");
    assert_eq!((&named("keys")["level"], &named("keys")["portfolio"]), (&"ok".into(), &"main".into()));
    assert!(!out.contains("paper-1-secret"));

    let (code, out, err) = run(&[("MAIN_API_KEY", "paper-1"), ("MAIN_API_SECRET", "hush")], false);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("-1022") && err.contains("checks fail") && !out.contains("hush"), "{out}{err}");
    let (code, out, _) = run(&[], true);
    assert_eq!(code, Some(1));
    assert!(out.contains("MAIN_PRIVATE_KEY"), "{out}");
    drop(venue);
    let (code, out, _) = run(&[], false);
    assert_eq!(code, Some(1));
    assert!(out.contains("does not answer"), "{out}");
}
