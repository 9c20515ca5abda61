//! The same recorded market twice, moved by hand: once without a disturbance, once with kills at random moments. What
//! comes of it is the same, to the last unit, wherever timing does not decide it.
//!
//! A round is a few candles and then a flatten, so it begins and ends without a position, and agents keep no memory:
//! rounds are compared one by one, as positions with their stops after each candle, as executions with their fees, and
//! as what the round did to the wallet. Timing decides a round in which an entry met the gate of a start, an order died
//! between the journal and the socket, or a position was without a stop for longer than it may be: the journal says so,
//! and then only that books and account agree is asked for. `SWARM_KILLS=200 cargo test --test live_account undisturbed`.

use super::kills::find;
use super::support::{Running, until};
use super::venue::{KEY, RUN, Venue, differences};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;
use swarm_core::model::Usd;

/// Trades both ways, with stops and targets that are often met within a candle.
const SWARM: &str = "\
version: 1
name: rounds
mode: live
market: { source: aster, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }
portfolios: { main: { equity: 10000, account: first, risk: { max_positions: 2, max_drawdown: 0.9 } } }
cohorts:
  both_ways:
    portfolio: main
    agents: [{ use: control, count: 2, set: { rsi_buy: 49, rsi_sell: 51, base_notional: 1000, stop: 0.006, target: 0.006 } }]
";

/// Candles of a round.
const CANDLES: u32 = 5;
/// The end of a candle, in ms, which passes by itself.
const LAST_MS: i64 = 5_000;
/// Kills without `SWARM_KILLS`.
const KILLS: u32 = 3;
/// Rounds without a kill: before the first and after the last.
const QUIET: u32 = 2;

/// What a round came to.
#[derive(Debug, PartialEq)]
struct Round {
    /// After each candle: contract, quantity, entry, stop and targets of each position.
    positions: Vec<Vec<String>>,
    /// Contract, side, quantity, price and fee of each execution.
    fills: Vec<String>,
    /// What it did to the venue's wallet.
    wallet: Usd,
}

/// A round as it was played, with what the journal has of it.
struct Played {
    from: i64,
    until: i64,
    positions: Vec<Vec<String>>,
    wallet: Usd,
}

/// When a swarm dies in a round.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// It is dead while the candle passes.
    Absent,
    /// So soon after the candle, in ms.
    After(u64),
    /// So soon after the candle, and again so long after it was started anew.
    Twice(u64, u64),
    /// So soon after an operator's flatten began.
    Flattening(u64),
}

#[test]
fn an_undisturbed_run_comes_to_the_same_wherever_timing_does_not_decide_it() {
    let kills = std::env::var("SWARM_KILLS").ok().map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(kills));
    let mut deaths = Vec::new();
    let mut left = kills;
    while left > 0 {
        let moment = match random.random_range(0..8) {
            0 => Moment::Absent,
            1 if left > 1 => Moment::Twice(random.random_range(0..80), random.random_range(0..2_500)),
            2 => Moment::Flattening(random.random_range(0..60)),
            _ => Moment::After(random.random_range(0..80)),
        };
        left -= if matches!(moment, Moment::Twice(..)) { 2 } else { 1 };
        deaths.push((random.random_range(0..CANDLES), moment));
    }
    let quiet = || std::iter::repeat_n(None, QUIET as usize);
    let plan: Vec<_> = quiet().chain(deaths.into_iter().map(Some)).chain(quiet()).collect();
    let (expected, _) = play(&vec![None; plan.len()]);
    let (found, decided) = play(&plan);
    let mut compared = 0;
    for (number, death) in plan.iter().enumerate() {
        if let Some(why) = &decided[number] {
            assert!(death.is_some(), "round {number} was not disturbed, and timing decided it: {why}");
            eprintln!("round {number}, {death:?}: timing decided it: {why}");
            continue;
        }
        compared += u32::from(death.is_some());
        assert_eq!(found[number], expected[number], "round {number}, {death:?}");
    }
    let fills: usize = expected.iter().map(|round| round.fills.len()).sum();
    let wallet: Usd = expected.iter().map(|round| round.wallet).sum();
    eprintln!(
        "{kills} kills in {} rounds, {compared} of {} disturbed ones compared, {fills} executions undisturbed, {wallet} USDT",
        plan.len(),
        plan.iter().flatten().count()
    );
    assert!(fills > plan.len(), "too little was traded");
    assert!(kills < 50 || compared * 2 > kills, "hardly anything could be compared");
}

/// Plays all rounds on a venue of their own: what each came to, and of each whether timing decided it, and how.
fn play(deaths: &[Option<(u32, Moment)>]) -> (Vec<Round>, Vec<Option<String>>) {
    let venue = Venue::replaying(SWARM, (deaths.len() as i64 + 2) * i64::from(CANDLES));
    let swarm = venue.swarm();
    let mut course = Course { steps: swarm.status()["steps"].as_u64().unwrap(), swarm: Some(swarm), venue };
    let played: Vec<Played> = deaths.iter().map(|death| course.round(*death)).collect();
    assert_eq!(differences(course.swarm()), 0.0);
    course.kill();
    let exported = course.venue.place.run(&["journal", "export", "state"]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let facts: Vec<Value> = exported.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts = facts.iter().filter(|fact| fact["type"] == "verdict");
    let verdicts = verdicts.map(|fact| (fact["id"].to_string(), fact["verdict"].to_string())).collect();
    let mut decided = Vec::new();
    let rounds = played.into_iter().map(|played| {
        let own = facts.iter().filter(|fact| time(fact).is_some_and(|at| (played.from..played.until).contains(&at)));
        let own: Vec<&Value> = own.collect();
        decided.push(own.iter().find_map(|fact| timing(fact, &verdicts)).or_else(|| decided_early(&own)));
        let mut fills: Vec<String> = own.iter().filter_map(|fact| fill(fact)).collect();
        fills.sort_unstable();
        Round { positions: played.positions, fills, wallet: played.wallet }
    });
    (rounds.collect(), decided)
}

struct Course {
    venue: Venue,
    swarm: Option<Running>,
    /// Candles that it should have decided on.
    steps: u64,
}

impl Course {
    fn swarm(&self) -> &Running {
        self.swarm.as_ref().unwrap()
    }

    fn kill(&mut self) {
        self.swarm.take().unwrap().process.kill();
    }

    fn start(&mut self) {
        self.swarm = Some(self.venue.place.start_with(&RUN, &[KEY]));
    }

    fn market_time(&self) -> i64 {
        self.venue.control("GET", "state", "")["marketTime"].as_i64().unwrap()
    }

    fn wallet(&self) -> Usd {
        self.venue.account().2.parse().unwrap()
    }

    fn round(&mut self, death: Option<(u32, Moment)>) -> Played {
        let (from, before) = (self.market_time() + super::support::M5, self.wallet());
        let mut positions = Vec::new();
        for candle in 0..CANDLES {
            let death = death.filter(|(at, _)| *at == candle).map(|(_, moment)| moment);
            self.candle(death);
            positions.push(self.settled());
        }
        self.flatten(death.map(|(_, moment)| moment));
        let wallet = self.wallet();
        Played { from, until: self.market_time() + super::support::M5, positions, wallet: wallet - before }
    }

    /// Lets a candle close, and the swarm die if its time has come.
    fn candle(&mut self, death: Option<Moment>) {
        if !matches!(death, Some(Moment::Absent)) {
            // What a candle's path executes is known before it closes: which of two sockets is heard first decides nothing.
            self.pass(super::support::M5 - LAST_MS);
            self.settled();
        }
        self.steps += 1;
        if let Some(Moment::Absent) = death {
            self.kill();
            self.venue.candle();
            return self.start();
        }
        self.pass(LAST_MS);
        if let Some(Moment::After(ms) | Moment::Twice(ms, _)) = death {
            sleep(Duration::from_millis(ms));
            self.kill();
            self.start();
        }
        if let Some(Moment::Twice(_, ms)) = death {
            sleep(Duration::from_millis(ms));
            self.kill();
            self.start();
        }
    }

    fn pass(&self, ms: i64) {
        self.venue.control("POST", "step", &format!("{{\"ms\":{ms}}}"));
    }

    /// Waits until the last candle is decided on and everything that follows is done: the book holds what the account
    /// holds, each position with its stop and its target, and nothing else. These positions.
    fn settled(&self) -> Vec<String> {
        let status = self.swarm().until("the candle to be done with", |status| {
            let positions = status["positions"].as_array().unwrap();
            let orders = status["orders"].as_array().unwrap();
            let whole =
                |one: &Value| one["stop_price"].is_string() && one["target_prices"].as_array().unwrap().len() == 1;
            status["steps"].as_u64() == Some(self.steps)
                && status["portfolios"][0]["entries_gated"] == false
                && positions.iter().all(whole)
                && orders.len() == 2 * positions.len()
                && orders.iter().all(|order| order["accepted"] == true)
                && {
                    let (held, working, _) = self.venue.account();
                    held == positions.len() as u64 && working == orders.len() as u64
                }
        });
        let told = |one: &Value| {
            ["symbol", "qty", "entry_price", "stop_price", "target_prices"].map(|key| one[key].to_string()).join(" ")
        };
        status["positions"].as_array().unwrap().iter().map(told).collect()
    }

    /// Closes everything, and again when the swarm died of it.
    fn flatten(&mut self, death: Option<Moment>) {
        let api = self.swarm().api();
        let words = ["flatten", "--yes", "--api", &api, "--state", "state"];
        if let Some(Moment::Flattening(ms)) = death {
            let operator = self.venue.place.launch(&words);
            sleep(Duration::from_millis(ms));
            self.kill();
            drop(operator);
            self.start();
            self.swarm().until("free entries", |status| status["portfolios"][0]["entries_gated"] == false);
            let api = self.swarm().api();
            self.venue.place.json(&["flatten", "--yes", "--api", &api, "--state", "state", "--json"]);
        } else {
            self.venue.place.json(&[&words[..], &["--json"]].concat());
        }
        until("nothing at the venue", || {
            let (positions, orders, _) = self.venue.account();
            ((positions, orders) == (0, 0)).then_some(())
        });
        let wallet = self.venue.account().2;
        self.swarm().until("nothing in the books but the venue's wallet", |status| {
            status["portfolios"][0]["equity"].as_str() == Some(wallet.as_str())
                && status["positions"].as_array().unwrap().is_empty()
                && status["orders"].as_array().unwrap().is_empty()
        });
    }
}

/// When a fact was, in market time.
fn time(fact: &Value) -> Option<i64> {
    ["decided_at", "at"].iter().find_map(|key| find(fact, key)).and_then(Value::as_i64)
}

/// An execution without its names and its time.
fn fill(fact: &Value) -> Option<String> {
    let fill = find(fact, "fill").filter(|_| fact["type"] == "venue")?;
    let symbol = find(fact, "symbol").unwrap();
    let told = ["side", "qty", "price", "fee"].map(|key| fill[key].to_string()).join(" ");
    Some(format!("{symbol} {told}"))
}

/// Whether a candle was decided on after a start before account and books were compared: what was executed meanwhile
/// was not known then.
fn decided_early(facts: &[&Value]) -> Option<String> {
    let mut is_gated = false;
    for fact in facts {
        if fact["type"] == "gate" {
            is_gated = fact["gated"] == true;
        }
        if is_gated && fact["type"] == "step_end" {
            return Some("a candle was decided on before account and books were compared".into());
        }
    }
    None
}

/// What of a fact says that the moment decided what became of a round.
fn timing(fact: &Value, verdicts: &BTreeMap<String, String>) -> Option<String> {
    let text = fact.to_string();
    let word = ["never_arrived", "not_sent", "NeverArrived", "NotSent"].iter().find(|word| text.contains(**word));
    if let Some(word) = word {
        return Some(format!("an order did not leave ({word})"));
    }
    if fact["type"] == "closing" && text.to_lowercase().contains("naked") {
        return Some("a position was without a stop for too long".into());
    }
    if fact["type"] != "intent" {
        return None;
    }
    let verdict = verdicts.get(&fact["id"].to_string())?;
    let reason = ["entries_gated", "stale_data"].iter().find(|reason| verdict.contains(**reason))?;
    Some(format!("an entry was refused ({reason})"))
}
