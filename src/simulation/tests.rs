//! Specifications of the host of real actors, and the seeds that once failed.

use super::life::Until;
use super::{Run, simulate};
use crate::fold::Folded;
use crate::replay::{Part, Replayed, replay};
use crate::store::{Configuration, JournalReader, Medium, MemoryMedium, recover};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_core::features::Wants;
use swarm_core::model::{AgentId, Fact, Mode, Time};
use swarm_core::rule::Rule;
use swarm_core::sim::swarm::{Cast, Counts, Length, OwnCast, Rates, Scenario, make_rule};

/// Seeds that are run each time; long ranges are for `swarm simulate --host actors`.
const SEEDS: std::ops::Range<u64> = 0..24;

fn scenario(seed: u64) -> Scenario {
    Scenario::of_seed(seed, &OwnCast, Length::Drawn)
}

fn play(scenario: &Scenario, traces: bool) -> Run {
    let cast: Arc<dyn Cast> = Arc::new(OwnCast);
    simulate(scenario, &cast, traces)
}

/// Every file of a journal with its bytes.
fn files(run: &Run) -> Vec<(String, Vec<u8>)> {
    let mut names = run.journal.names().unwrap();
    names.sort();
    let read = |name: String| {
        let mut bytes = Vec::new();
        run.journal.open(&name, 0).unwrap().read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn a_range_of_seeds_holds() {
    let mut sum = Counts::default();
    for seed in SEEDS {
        let outcome = play(&scenario(seed), false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        sum += outcome.counts;
    }
    // Something happened: a simulator that does nothing finds nothing.
    assert!(sum.faults > 1_000 && sum.deaths > 20 && sum.orders > 200, "{sum:?}");
}

#[test]
fn the_same_seed_is_the_same_journal_byte_by_byte() {
    for seed in [3, 8, 18, 23] {
        let [first, second] = [(); 2].map(|()| play(&scenario(seed), true));
        assert_eq!(first.outcome, second.outcome, "seed {seed}");
        assert_eq!(files(&first), files(&second), "seed {seed}");
        let untold = play(&scenario(seed), false);
        assert_eq!(files(&untold), files(&first), "telling changes nothing");
    }
}

#[test]
fn seeds_differ() {
    let journals: BTreeSet<_> = (0..4).map(|seed| play(&scenario(seed), false).outcome.journal.hex()).collect();
    assert_eq!(journals.len(), 4);
}

#[test]
fn without_faults_nothing_dies_and_every_step_is_journaled() {
    for seed in 0..3 {
        let mut calm = scenario(seed);
        calm.rates = Rates::none();
        calm.acts.clear();
        let outcome = play(&calm, false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert_eq!((outcome.counts.faults, outcome.counts.deaths), (0, 0), "seed {seed}");
        // A candle of each symbol and the end of the step.
        let least = u64::from(calm.steps) * (calm.plan.instruments.len() as u64 + 1);
        assert!(outcome.counts.facts > least, "seed {seed}: {:?}", outcome.counts);
    }
}

#[test]
fn a_swarm_that_only_dies_comes_to_the_same_rest() {
    for seed in [3, 13, 19] {
        let mut deadly = scenario(seed);
        deadly.rates = Rates { torn_append: 200, failed_flush: 100, ..Rates::none() };
        let outcome = play(&deadly, false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert!(outcome.counts.deaths > 1, "seed {seed}: {:?}", outcome.counts);
    }
}

/// What the kept journal was written under, beside its files.
#[derive(Serialize, Deserialize)]
struct Kept {
    configuration: Configuration,
    seed: u64,
    panics: u32,
    end: Time,
    /// The chain at its end.
    chain: String,
    /// Facts of each account's wallet, at its end.
    wallets: Vec<String>,
}

fn kept_place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-live-v2")
}

fn facts_of(medium: &MemoryMedium) -> Vec<Fact> {
    recover(&mut medium.after_kill(), Path::new("kept"), Mode::Live).unwrap().0
}

fn wallets(configuration: &Configuration, facts: &[Fact]) -> Vec<String> {
    let plan = Arc::new(configuration.plan.clone());
    let mut folded = Folded::new(&plan, configuration.restart, None);
    facts.iter().for_each(|fact| folded.apply(fact));
    let desks = folded.desks.iter().map(|desk| desk.wallet().to_string());
    let wallets: Vec<String> = desks.collect();
    let portfolios = (0..wallets.len()).map(swarm_core::model::PortfolioId::at);
    let books: Vec<_> = portfolios.map(|of| folded.supervisor.portfolio(of).wallet.to_string()).collect();
    assert_eq!(wallets, books, "desks and books have the same money");
    wallets
}

/// Writes the first journal that has everything worth keeping.
fn write_kept() {
    for seed in 0..200 {
        let scenario = scenario(seed);
        let run = play(&scenario, false);
        let facts = facts_of(&run.journal);
        let has = |is: fn(&Fact) -> bool| facts.iter().filter(|fact| is(fact)).count();
        let differences = has(|fact| matches!(fact, Fact::Difference { .. }));
        let starts = has(|fact| matches!(fact, Fact::Start { .. }));
        let panics = has(|fact| matches!(fact, Fact::Agent { .. }));
        if differences == 0 || starts < 3 || panics == 0 || run.outcome.counts.orders < 20 || facts.len() > 1_500 {
            continue;
        }
        let configuration = Configuration { plan: (*scenario.plan).clone(), restart: scenario.restart };
        std::fs::create_dir_all(kept_place()).unwrap();
        for (name, bytes) in
            files(&run).into_iter().filter(|(name, _)| name.ends_with(".bin") || name.ends_with(".head"))
        {
            std::fs::write(kept_place().join(name), bytes).unwrap();
        }
        let wallets = wallets(&configuration, &facts);
        let (panics, end, chain) = (scenario.rates.panic, scenario.end(), run.outcome.journal.hex());
        let kept = Kept { configuration, seed, panics, end, chain, wallets };
        std::fs::write(kept_place().join("kept.json"), serde_json::to_string_pretty(&kept).unwrap()).unwrap();
        return;
    }
    panic!("no journal is worth keeping");
}

/// A journal of live trading, with deaths, differences and panics, is readable for ever, and each of its decisions is
/// the same for ever.
#[test]
fn a_kept_live_journal_is_folded_and_decided_again() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        write_kept();
    }
    let kept: Kept = serde_json::from_slice(&std::fs::read(kept_place().join("kept.json")).unwrap()).unwrap();
    let medium = MemoryMedium::new();
    for entry in std::fs::read_dir(kept_place()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name != "kept.json" {
            medium.put(&name, std::fs::read(entry.path()).unwrap());
        }
    }
    let (facts, position) = recover(&mut medium.after_kill(), Path::new("kept"), Mode::Live).unwrap();
    assert_eq!(position.link.hex(), kept.chain);
    assert_eq!(wallets(&kept.configuration, &facts), kept.wallets);
    let plan = Arc::new(kept.configuration.plan.clone());
    let of_plan = Arc::clone(&plan);
    let make = move |agent: AgentId, wants: &mut Wants| -> Result<Box<dyn Rule>, String> {
        let inner = make_rule(&OwnCast, &of_plan, agent, wants, (kept.seed, kept.panics))?;
        Ok(Box::new(Until { inner, end: kept.end }))
    };
    let part =
        || Part { after_seq: 0, plan: Arc::clone(&plan), make: make.clone(), restart: kept.configuration.restart };
    let open = |medium: &MemoryMedium| JournalReader::over(medium.clone(), Path::new("kept"), None);
    let Replayed { orders, decisions, difference, .. } = replay(|| open(&medium), vec![part()]).unwrap();
    assert_eq!(difference, None);
    let approved = facts.iter().filter(|fact| matches!(fact, Fact::Order { .. })).count() as u64;
    assert!(
        orders == approved && orders >= 20 && decisions > 0,
        "{orders} of {approved} orders, {decisions} decisions"
    );
}

/// The journal of these facts.
fn journal_of(facts: &[Fact]) -> MemoryMedium {
    use swarm_core::journal::{Position, encode, first_header};
    let (mut bytes, mut link) = (first_header().to_vec(), Position::start().link);
    for fact in facts {
        link = encode(link, true, fact, &mut bytes).unwrap();
    }
    let medium = MemoryMedium::new();
    medium.put("journal.bin", bytes);
    medium
}

/// Decides a journal of a scenario over again.
fn again(scenario: &Scenario, medium: &MemoryMedium) -> Replayed {
    let plan = Arc::clone(&scenario.plan);
    let (of_plan, seed, panics, end) = (Arc::clone(&plan), scenario.seed, scenario.rates.panic, scenario.end());
    let make = move |agent: AgentId, wants: &mut Wants| -> Result<Box<dyn Rule>, String> {
        Ok(Box::new(Until { inner: make_rule(&OwnCast, &of_plan, agent, wants, (seed, panics))?, end }))
    };
    let part = Part { after_seq: 0, plan, make, restart: scenario.restart };
    replay(|| JournalReader::over(medium.clone(), Path::new("made"), None), vec![part]).unwrap()
}

/// A process may die at any record that it writes: what it did not get to write is no difference, also where it was
/// the end of a step.
#[test]
fn a_live_journal_that_ends_anywhere_and_begins_anew_is_decided_again() {
    let scenario = scenario(8);
    let facts = facts_of(&play(&scenario, false).journal);
    let of_ends = |at: &usize| matches!(facts[*at], Fact::Watermark { .. });
    let ends: Vec<usize> = (0..facts.len()).filter(of_ends).take(30).collect();
    assert!(ends.len() > 10, "{} watermarks", ends.len());
    for cut in ends.into_iter().chain((0..facts.len()).step_by(facts.len() / 30)) {
        let start = Fact::Start { at: Time(facts.len() as i64) };
        for rest in [&[start][..], &[]] {
            let cut = [&facts[..=cut], rest].concat();
            let Replayed { difference, .. } = again(&scenario, &journal_of(&cut));
            assert_eq!(difference, None, "cut behind record {}: {:?}", cut.len() - rest.len(), cut.last());
        }
    }
}

/// A journal in which one order was altered, with all checks made right again, is not what the swarm decides.
#[test]
fn an_altered_order_of_a_live_journal_is_found() {
    let scenario = scenario(8);
    let run = play(&scenario, false);
    let mut facts = facts_of(&run.journal);
    let order = facts.iter_mut().filter(|fact| matches!(fact, Fact::Order { .. })).nth(5).unwrap();
    if let Fact::Order { order, .. } = order {
        order.qty.0 += 1;
    }
    let found = again(&scenario, &journal_of(&facts)).difference.unwrap();
    assert!(matches!(found.recorded, Some(Fact::Order { .. })), "{found:?}");
}
