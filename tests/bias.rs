//! No shipped rule sees the future or depends on where the candles begin; and a rule, a tape or a feature
//! that does is caught, with its name.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::bias::{self, Bias, BiasError, Finding, Plain, Report, Subject};
use asterswarm::cli::prepare;
use asterswarm::config;
use asterswarm::market::{Query, Recording, SyntheticTape, load};
use std::sync::Arc;
use support::{Place, shared_data};
use swarm_agents::registry;
use swarm_core::engine::MakeRule;
use swarm_core::features::{Feature, Slot, Wants};
use swarm_core::model::{
    Action, AgentId, Candle, Decision, Explanation, FeatureLine, Interval, Plan, Step, Tape, Time,
};
use swarm_core::rule::{Rule, View};

/// 2024-01-01T00:00:00Z.
const START: Time = Time(1_704_067_200_000);

/// A swarm of one agent a rule on one symbol.
fn swarm_of(rules: &[&str]) -> String {
    let agents: Vec<String> = rules.iter().map(|rule| format!("      - {{ use: {rule} }}\n")).collect();
    format!(
        "version: 1\nname: bias\n\
         market: {{ source: synthetic, symbols: [BTCUSDT], intervals: [5m, 15m, 1h] }}\n\
         portfolios:\n  main: {{ equity: 10000, risk: {{ require_stop: false, max_drawdown: 0.9 }} }}\n\
         cohorts:\n  all:\n    portfolio: main\n    agents:\n{}",
        agents.concat()
    )
}

fn plan_of(rules: &[&str]) -> Arc<Plan> {
    let place = Place::with(&swarm_of(rules));
    Arc::new(config::load(&place.path("swarm.yaml")).unwrap().plan)
}

/// The synthetic market as a recording.
fn synthetic(plan: &Plan, seed: u64, steps: usize) -> Arc<Recording> {
    let mut tape = SyntheticTape::new(seed, START, plan.base, &plan.instruments);
    let mut step = Step::default();
    let mut series = vec![Vec::new(); plan.instruments.len()];
    let mut funding = series.iter().map(|_| Vec::new()).collect::<Vec<_>>();
    for _ in 0..steps {
        assert!(tape.next(&mut step));
        step.candles.iter().zip(&mut series).for_each(|(candle, series)| series.extend(*candle));
        step.funding.iter().for_each(|due| funding[due.symbol.index()].push((due.at, due.rate)));
    }
    Arc::new(Recording {
        interval: plan.base,
        symbols: plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
        gaps: vec![Vec::new(); series.len()],
        series,
        funding,
        from: START,
        to: step.close_time,
        warnings: Vec::new(),
        sources: Vec::new(),
        funding_sources: Vec::new(),
    })
}

fn assert_unbiased(report: &Report) {
    assert!(report.ok && report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.cuts.len() >= 4 && report.starts.len() >= 2, "{:?} {:?}", report.cuts, report.starts);
    for agent in &report.agents {
        assert!(agent.look_ahead_compared > 1_000 && agent.warm_up_compared > 400, "{agent:?}");
    }
}

#[test]
fn no_shipped_rule_is_biased_on_made_up_candles() {
    for rule in registry::rules() {
        let plan = plan_of(&[rule.name]);
        let rules = prepare::rules(&plan);
        let steps = bias::needed_steps(&plan, &rules).unwrap() * 3 / 2 + 300;
        let report = bias::check(&plan, &Plain(&rules), &synthetic(&plan, 11, steps)).unwrap();
        assert_unbiased(&report);
    }
}

#[test]
fn no_shipped_rule_is_biased_on_recorded_candles() {
    let Some(dir) = shared_data("klines/binance-um") else { return };
    let names: Vec<&str> = registry::rules().iter().map(|rule| rule.name).collect();
    let plan = plan_of(&names);
    let rules = prepare::rules(&plan);
    let steps = bias::needed_steps(&plan, &rules).unwrap() as i64 * 3 / 2;
    let query = Query {
        dir,
        symbols: vec!["BTCUSDT".to_owned()],
        base: plan.base,
        from: Some(START),
        to: Some(START.plus(steps * plan.base.ms())),
    };
    assert_unbiased(&bias::check(&plan, &Plain(&rules), &Arc::new(load(&query).unwrap())).unwrap());
}

/// Looks up the close of the candle after the one that just closed.
struct Peek {
    market: Arc<Recording>,
    close: Slot,
}

impl Peek {
    fn next_close(&self, view: &View<'_>) -> Option<f64> {
        let series = &self.market.series[0];
        let next = series.partition_point(|candle| candle.open_time < view.frame.now);
        series.get(next).map(|candle| candle.close.to_f64())
    }
}

fn decision(action: Action) -> Decision {
    Decision { action, ..Decision::hold(50.0, 0.0) }
}

fn explained(name: &str, value: Option<f64>) -> Explanation {
    let line = FeatureLine { name: name.to_owned().into(), value, normalized: None, weight: 1.0, contribution: 0.0 };
    Explanation { features: vec![line], ..Explanation::default() }
}

impl Rule for Peek {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let close = view.frame.get(self.close).unwrap_or(0.0);
        let rises = self.next_close(view).is_some_and(|next| next > close);
        decision(if rises { Action::Long } else { Action::Hold })
    }
    fn explain(&self, view: &View<'_>, _: &Decision) -> Explanation {
        explained("next close", self.next_close(view))
    }
}

/// Says something else after so many candles, wherever they began.
struct Count {
    seen: u64,
}

impl Rule for Count {
    fn decide(&mut self, _: &View<'_>) -> Decision {
        self.seen += 1;
        decision(if self.seen.is_multiple_of(7) { Action::Short } else { Action::Hold })
    }
    fn explain(&self, _: &View<'_>, _: &Decision) -> Explanation {
        explained("candles seen", Some(self.seen as f64))
    }
}

/// Rules made by a function that is told the market of the run.
struct Made<F>(F);

impl<F> Subject for Made<F>
where
    F: Fn(&Arc<Recording>, &mut Wants) -> Box<dyn Rule>,
{
    fn rules(&self, market: &Arc<Recording>) -> Box<dyn MakeRule + '_> {
        let market = Arc::clone(market);
        Box::new(move |_: AgentId, wants: &mut Wants| -> Result<Box<dyn Rule>, String> { Ok((self.0)(&market, wants)) })
    }
}

fn examine(subject: &dyn Subject) -> Report {
    let plan = plan_of(&["control"]);
    bias::check(&plan, subject, &synthetic(&plan, 5, 900)).unwrap()
}

fn found<'a>(report: &'a Report, bias: Bias, what: &str) -> &'a Finding {
    assert!(!report.ok);
    let finding = report.findings.iter().find(|finding| finding.bias == bias && finding.what == what);
    finding.unwrap_or_else(|| panic!("no {bias:?} of {what}: {:#?}", report.findings))
}

#[test]
fn a_rule_that_reads_the_next_candle_is_caught() {
    let report = examine(&Made(|market: &Arc<Recording>, wants: &mut Wants| -> Box<dyn Rule> {
        Box::new(Peek { market: Arc::clone(market), close: wants.want(Interval::M5, Feature::Close) })
    }));
    for what in ["decision", "decision in the swarm"] {
        let finding = found(&report, Bias::LookAhead, what);
        assert!(finding.agent.starts_with("all-btcusdt"), "{finding:?}");
        assert_ne!(finding.expected, finding.found);
    }
    let cause = found(&report, Bias::LookAhead, "decision").cause.clone().unwrap();
    assert!(cause.starts_with("next close is "), "{cause}");
    assert!(report.findings.iter().all(|finding| finding.bias == Bias::LookAhead), "{:#?}", report.findings);
}

#[test]
fn a_rule_that_counts_candles_is_caught() {
    let report = examine(&Made(|_: &Arc<Recording>, wants: &mut Wants| -> Box<dyn Rule> {
        wants.want(Interval::M5, Feature::Close);
        Box::new(Count { seen: 0 })
    }));
    let finding = found(&report, Bias::WarmUp, "decision");
    assert!(finding.agent.starts_with("all-btcusdt") && finding.times > 50, "{finding:?}");
    assert!(finding.cause.as_deref().unwrap().starts_with("candles seen is "), "{finding:?}");
    assert!(report.findings.iter().all(|finding| finding.bias == Bias::WarmUp), "{:#?}", report.findings);
}

/// A tape that gives each candle the close of the one after it.
struct Early {
    market: Arc<Recording>,
    inner: Box<dyn Tape>,
}

impl Tape for Early {
    fn next(&mut self, step: &mut Step) -> bool {
        let more = self.inner.next(step);
        let series = &self.market.series[0];
        let next = series.partition_point(|candle| candle.open_time < step.close_time);
        if let (Some(Some(candle)), Some(next)) = (step.candles.first_mut(), series.get(next)) {
            let close = next.close;
            *candle = Candle { close, high: candle.high.max(close), low: candle.low.min(close), ..*candle };
        }
        more
    }
}

struct Leaking<'a>(&'a dyn MakeRule);

impl Subject for Leaking<'_> {
    fn tape(&self, market: &Arc<Recording>) -> Box<dyn Tape> {
        Box::new(Early { market: Arc::clone(market), inner: Box::new(market.tape()) })
    }
    fn rules(&self, _: &Arc<Recording>) -> Box<dyn MakeRule + '_> {
        Box::new(|agent: AgentId, wants: &mut Wants| -> Result<Box<dyn Rule>, String> { self.0.make(agent, wants) })
    }
}

#[test]
fn a_tape_that_leaks_the_next_close_is_caught_and_the_features_it_reaches_are_named() {
    let plan = plan_of(&["control"]);
    let rules = prepare::rules(&plan);
    let report = bias::check(&plan, &Leaking(&rules), &synthetic(&plan, 5, 1_200)).unwrap();
    let candle = found(&report, Bias::LookAhead, "candle");
    assert_eq!((candle.symbol.as_str(), candle.agent.as_str()), ("BTCUSDT", ""));
    let feature = found(&report, Bias::LookAhead, "Rsi { period: 14 }");
    assert_eq!(feature.interval, Interval::M5);
    assert!(feature.agent.starts_with("all-btcusdt") && feature.expected.parse::<f64>().is_ok(), "{feature:?}");
    assert_ne!(feature.expected, feature.found);
    assert!(
        report.cuts.contains(&candle.candle.plus(plan.base.ms()).to_string()),
        "it shows at the last candle: {candle:?}"
    );
}

/// A level that the first candle sets, taken for what it is.
struct Level {
    volume: Slot,
}

impl Rule for Level {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let level = view.frame.get(self.volume);
        decision(if level.is_some_and(|level| level > 0.0) { Action::Long } else { Action::Hold })
    }
    fn explain(&self, view: &View<'_>, _: &Decision) -> Explanation {
        explained("obv", view.frame.get(self.volume))
    }
}

#[test]
fn a_rule_that_takes_a_running_sum_for_its_level_is_caught() {
    let plan = plan_of(&["control"]);
    // On some markets the sum keeps its sign from wherever it begins: of four one must show it.
    let biased = (1..=4).any(|seed| {
        let made = Made(|_: &Arc<Recording>, wants: &mut Wants| -> Box<dyn Rule> {
            Box::new(Level { volume: wants.want(Interval::M5, Feature::Obv) })
        });
        let report = bias::check(&plan, &made, &synthetic(&plan, seed, 900)).unwrap();
        assert!(report.findings.iter().all(|finding| finding.what == "decision"), "its changes are right: {report:#?}");
        report.findings.iter().any(|finding| finding.cause.as_deref().is_some_and(|cause| cause.starts_with("obv is ")))
    });
    assert!(biased);
}

#[test]
fn too_few_candles_prove_nothing() {
    let plan = plan_of(&["expert"]);
    let rules = prepare::rules(&plan);
    let needed = bias::needed_steps(&plan, &rules).unwrap();
    let error = bias::check(&plan, &Plain(&rules), &synthetic(&plan, 3, needed - 1)).unwrap_err();
    assert!(matches!(&error, BiasError::TooShort { has, .. } if *has == needed - 1), "{error}");
    assert!(bias::check(&plan, &Plain(&rules), &synthetic(&plan, 3, needed)).is_ok());
}

#[test]
fn the_command_says_it_in_words_and_in_json() {
    let place = Place::new();
    let document = place.json(&["bias", "--data", "data", "--json"]);
    assert_eq!(document["ok"], true, "{document:#}");
    assert_eq!(document["agents"].as_array().unwrap().len(), 6);
    let done = place.run(&["bias", "--data", "data"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.trim_end().ends_with("no bias"), "{}", done.out);
    let short = place.run(&["bias", "--data", "data", "--to", "2024-01-01T12:00"]);
    assert_eq!(short.code, Some(2), "{}", short.out);
    assert!(short.err.contains("steps are too few"), "{}", short.err);
}
