//! What a file without faults becomes: the plan, and what a run needs beside it.

use super::{SHIPPED, load_text, sample, variant};
use asterswarm::config::{self, Loaded, MarginMode, MarketSpec, RequestLimits, VenueKind};
use serde_json::json;
use std::path::{Path, PathBuf};
use swarm_core::delivery::Policy;
use swarm_core::model::{
    DifferenceKind, EntryProtection, Interval, Mode, NAKED_TIMEOUT_MS, OnTrip, Plan, Rate, Time, Usd,
};

fn names(plan: &Plan) -> Vec<&str> {
    plan.agents.iter().map(|agent| agent.name.as_str()).collect()
}

#[test]
fn the_shipped_file_declares_six_agents_without_a_warning() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("swarm.yaml");
    let loaded = config::load(&path).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(loaded.warnings, []);
    let plan = &loaded.plan;
    assert_eq!(
        names(plan),
        ["control-btcusdt", "control-ethusdt", "control-solusdt", "expert-btcusdt", "expert-ethusdt", "expert-solusdt",]
    );
    assert_eq!((plan.base, plan.mode), (Interval::M5, Mode::Paper));
    assert_eq!(plan.agents[3].params["min_confidence"], 65);
    let experiment = plan.experiment.unwrap();
    assert_eq!(plan.cohorts[experiment.control.index()].name, "control");
    assert_eq!(plan.cohorts[experiment.treatment.index()].name, "expert");
    assert_eq!(plan.limits.max_positions, Some(6));
    assert_eq!(plan.limits.max_leverage, None);
}

/// What stands commented out at the end of the shipped file is what holds without it.
#[test]
fn the_shipped_file_names_its_defaults() {
    let (_, commented) = SHIPPED.split_once("these are the defaults.\n").unwrap();
    let written: String = commented.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
    let path = sample("inline.yaml");
    let plain = config::load_text(&path, SHIPPED).unwrap_or_else(|report| panic!("{report}"));
    let explicit = config::load_text(&path, &format!("{SHIPPED}{written}")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(plain.runtime, explicit.runtime);
}

#[test]
fn shipped_agent_files_need_no_checkout() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("swarm.yaml");
    std::fs::write(&path, SHIPPED).unwrap();
    let plan = config::load(&path).unwrap_or_else(|report| panic!("{report}")).plan;
    assert_eq!(plan.agents.len(), 6);
    // A file of one's own by that name wins.
    std::fs::create_dir(elsewhere.path().join("agents")).unwrap();
    std::fs::write(elsewhere.path().join("agents/expert.yaml"), "rule: { ema_cross: {} }\n").unwrap();
    let report = config::load(&path).unwrap_err();
    assert_eq!(report.errors[0].path, "cohorts.expert.agents[0].set.min_confidence");
}

#[test]
fn a_portfolio_is_limited_where_nothing_is_written_and_other_levels_are_not() {
    let plan = variant("name: sample", "name: sample").plan;
    let portfolio = &plan.portfolios[0];
    let limits = &portfolio.limits;
    assert_eq!(limits.max_positions, Some(3));
    assert_eq!(limits.max_leverage, Some(Rate::whole(5)));
    assert_eq!(limits.max_drawdown, Some(Rate::percent(15)));
    assert_eq!(limits.entries_per_minute, Some(60));
    assert_eq!(limits.price_collar, Some(Rate::percent(5)));
    assert_eq!(limits.max_data_age_ms, Some(600_000));
    assert_eq!((limits.daily_loss, limits.loss_run, limits.max_notional), (None, None, None));
    assert_eq!((portfolio.breaker_samples, portfolio.on_trip, portfolio.require_stop), (3, OnTrip::Halt, true));
    assert_eq!(plan.limits, Default::default());
    assert_eq!(plan.agents[0].limits, Default::default());
}

#[test]
fn every_limit_is_carried_into_the_plan() {
    let risk = "{ max_positions: 7, max_leverage: 2.5, max_drawdown: 0.2, daily_loss: 0.03, \
                loss_run: { losses: 4, cool_down: 2h }, max_notional: 1234.56, entries_per_minute: 9, \
                price_collar: 0.01, max_age: 90s, breaker_samples: 5, on_trip: flatten, require_stop: false }";
    let loaded = variant("{ equity: 10000 }", &format!("{{ equity: \"10000.00000001\", risk: {risk} }}"));
    let portfolio = serde_json::to_value(&loaded.plan.portfolios[0]).unwrap();
    assert_eq!(
        portfolio,
        json!({
            "name": "main", "equity": "10000.00000001",
            "limits": {
                "max_positions": 7, "max_leverage": 2.5, "max_drawdown": 0.2, "daily_loss": 0.03,
                "loss_run": { "losses": 4, "cool_down_ms": 7_200_000 }, "max_notional": "1234.56",
                "entries_per_minute": 9, "price_collar": 0.01, "max_data_age_ms": 90_000
            },
            "breaker_samples": 5, "on_trip": "flatten", "require_stop": false
        })
    );
}

#[test]
fn money_does_not_pass_through_floats() {
    // The nearest float to 12345678.87654321 is another number from the ninth decimal on; read as a float and
    // rounded it would still do, so the amount is one where it would not.
    let plan = variant("{ equity: 10000 }", "{ equity: 99999999.12345679 }").plan;
    assert_eq!(plan.portfolios[0].equity, "99999999.12345679".parse::<Usd>().unwrap());
    let plan = variant("{ equity: 10000 }", "{ equity: 10000, risk: { max_notional: 9999999999.12345679 } }").plan;
    assert_eq!(plan.portfolios[0].limits.max_notional, Some("9999999999.12345679".parse().unwrap()));
}

#[test]
fn the_exchanges_parameters_and_filters_are_carried_into_the_plan() {
    let venue = "venue: { maker_fee: -0.00005, taker_fee: 0.0005, spread_bps: 2.5, impact: 0.02, latency_ms: 120, \
                 path: open-high-low-close, fill: touch, margin: isolated, funding_interval: 4h, participation: 0.1, \
                 instruments: { ETHUSDT: { tick: 0.05, min_notional: 20, brackets: \
                 [{ notional_cap: 1000, max_leverage: 20, maintenance_rate: 0.01 }, \
                 { notional_cap: 5000, max_leverage: 10, maintenance_rate: 0.02 }] } } }";
    let plan = variant("name: sample", &format!("name: sample\n{venue}")).plan;
    assert_eq!(
        serde_json::to_value(&plan.exchange).unwrap(),
        json!({
            "maker_fee": -0.00005, "taker_fee": 0.0005, "spread": 0.00025, "impact": 0.02, "latency_ms": 120,
            "path": "open-high-low-close", "fill_on_trade_through": false, "isolated_margin": true,
            "funding_interval_ms": 14_400_000, "participation": 0.1
        })
    );
    let plain = serde_json::to_value(&variant("name: sample", "name: sample").plan.exchange).unwrap();
    assert_eq!(plain.get("participation"), None, "what says nothing of it is written as it always was");
    let [btc, eth] = plan.instruments.as_slice() else { panic!("two contracts") };
    assert_eq!((btc.tick.to_string(), btc.min_notional), ("0.1".to_owned(), Usd::whole(5)));
    assert_eq!((eth.tick.to_string(), eth.step.to_string()), ("0.05".to_owned(), "0.001".to_owned()));
    assert_eq!(eth.min_notional, Usd::whole(20));
    assert_eq!(eth.brackets[1].maintenance_amount, Usd::whole(10));
}

#[test]
fn intervals_may_be_written_in_any_order() {
    let plan = variant("[5m, 15m, 1h]", "[1h, 5m, 15m]").plan;
    assert_eq!(plan.intervals, [Interval::M5, Interval::M15, Interval::H1]);
}

#[test]
fn agents_of_a_cohort_on_one_symbol_are_numbered() {
    let agents = "[ { use: control, symbols: [ETHUSDT] }, { use: expert, count: 2 }, { use: ema_cross, name: fast } ]";
    let plan = variant("[ { use: control } ]", agents).plan;
    assert_eq!(names(&plan)[..5], ["one-ethusdt", "one-btcusdt", "one-ethusdt-2", "fast-btcusdt", "fast-ethusdt"]);
    let rules: Vec<&str> = plan.agents.iter().take(4).map(|agent| agent.rule.as_str()).collect();
    assert_eq!(rules, ["control", "expert", "expert", "ema_cross"]);
    assert_eq!(plan.agents[0].symbol.index(), 1);
}

#[test]
fn set_and_risk_lie_over_the_agent_file_key_by_key() {
    let agents =
        "[ { use: agents/careful.yaml, set: { weights: { cci: 0.2 }, confirm: [bb] }, risk: { max_notional: 50 } } ]";
    let plan = variant("[ { use: expert } ]", agents).plan;
    let agent = plan.agents.last().unwrap();
    assert_eq!(agent.rule, "expert");
    let params = &agent.params;
    assert_eq!((&params["min_confidence"], &params["confirm"]), (&json!(80), &json!(["bb"])));
    assert_eq!((&params["weights"]["rsi"], &params["weights"]["cci"]), (&json!(0.3), &json!(0.2)));
    assert!(params["weights"]["macd"].is_number(), "defaults are filled in: {params}");
    assert_eq!(agent.limits.max_notional, Some(Usd::whole(50)));
    assert_eq!(agent.limits.max_leverage, Some(Rate::whole(2)));
}

#[test]
fn what_a_run_needs_has_defaults_and_may_be_written() {
    let runtime = variant("name: sample", "name: sample").runtime;
    assert_eq!(runtime.market, MarketSpec::Synthetic { seed: 1 });
    assert_eq!(runtime.start.to_string(), "2025-01-01T00:00:00Z");
    assert_eq!((runtime.listen.to_string(), runtime.venue), ("127.0.0.1:8080".to_owned(), VenueKind::Simulated));
    assert_eq!(runtime.state_dir, sample("state/paper"));
    assert_eq!((runtime.arbiters, runtime.mailbox_capacity, runtime.restart.max_restarts), (1, 1024, 5));
    assert_eq!((runtime.journal_file_records, runtime.journal_unpacked_files), (250_000, 4));
    let written = "name: sample\njournal: { file_records: 500, unpacked_files: 0 }\nstate: journal\napi: { listen: \"127.0.0.1:9000\" }\nactors: { arbiters: 2, mailbox_capacity: 64, \
                   restart: { max_restarts: 0, within: 1h, back_off: 50ms, back_off_max: 2s } }";
    let runtime = variant("name: sample", written).runtime;
    assert_eq!((runtime.state_dir, runtime.listen.port()), (sample("journal/paper"), 9000));
    assert_eq!((runtime.arbiters, runtime.mailbox_capacity), (2, 64));
    assert_eq!((runtime.journal_file_records, runtime.journal_unpacked_files), (500, 0));
    let restart = runtime.restart;
    assert_eq!((restart.max_restarts, restart.window_ms), (0, 3_600_000));
    assert_eq!((restart.back_off_ms, restart.max_back_off_ms), (50, 2_000));
    let runtime = variant("source: synthetic,", "source: synthetic, seed: 9, start: 2024-02-29,").runtime;
    assert_eq!((runtime.market, runtime.start), (MarketSpec::Synthetic { seed: 9 }, Time(1_709_164_800_000)));
    let runtime = variant("source: synthetic,", "source: \"replay:../data\",").runtime;
    assert_eq!(runtime.market, MarketSpec::Replay { dir: sample("../data") });
}

#[test]
fn the_command_line_goes_before_the_file() {
    let mut runtime = variant("name: sample", "name: sample").runtime;
    let before = runtime.clone();
    runtime.apply(config::Overrides::default());
    assert_eq!(runtime, before);
    runtime.apply(config::Overrides {
        market: Some(MarketSpec::Aster),
        speed: Some(config::Speed::Times(10)),
        state_dir: Some("elsewhere".into()),
        listen: Some(([127, 0, 0, 1], 1).into()),
    });
    assert_eq!((runtime.market, runtime.speed), (MarketSpec::Aster, config::Speed::Times(10)));
    assert_eq!((runtime.state_dir, runtime.listen.port()), (PathBuf::from("elsewhere"), 1));
}

#[test]
fn a_live_file_is_read_with_its_accounts() {
    let loaded = load_text(
        "version: 1\nname: sample\nmode: live\nmarket: { source: aster, symbols: [BTCUSDT], intervals: [5m] }\n\
         venue: { kind: aster }\nportfolios: { main: { equity: 1000, account: MAIN } }\n\
         cohorts: { one: { portfolio: main, agents: [ { use: expert } ] } }\n",
    )
    .unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((loaded.plan.mode, loaded.runtime.venue), (Mode::Live, VenueKind::Aster));
    assert_eq!(loaded.runtime.accounts, [Some("MAIN".to_owned())]);
    assert_eq!(loaded.runtime.state_dir, sample("state/live"));
}

/// A live swarm with these further keys of `venue`.
fn live(keys: &str) -> Loaded {
    load_text(&format!(
        "version: 1\nname: sample\nmode: live\nmarket: {{ source: aster, symbols: [BTCUSDT], intervals: [5m] }}\n\
         venue: {{ kind: aster{keys} }}\nportfolios: {{ main: {{ equity: 1000, account: MAIN }} }}\n\
         cohorts: {{ one: {{ portfolio: main, agents: [ {{ use: expert }} ] }} }}\n"
    ))
    .unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn how_entries_come_to_their_stops_is_carried_to_the_plan_and_the_default_is_as_if_nothing_were_said() {
    let [silent, single, strategy] = ["", ", entry_protection: single", ", entry_protection: strategy"].map(live);
    assert_eq!(silent.plan.entry_protection, EntryProtection::Single);
    assert_eq!((silent.plan.clone(), silent.config_hash), (single.plan, single.config_hash.clone()));
    assert_eq!((strategy.plan.entry_protection, strategy.warnings.len()), (EntryProtection::Strategy, 0));
    assert_ne!(strategy.config_hash, single.config_hash);
    assert!(!serde_json::to_string(&silent.plan).unwrap().contains("entry_protection"));
    let paper = variant("name: sample", "name: sample\nvenue: { entry_protection: strategy }");
    let [warning] = paper.warnings.as_slice() else { panic!("one warning: {:?}", paper.warnings) };
    assert_eq!((warning.path.as_str(), warning.line), ("venue.entry_protection", 3));
}

#[test]
fn what_a_live_swarm_makes_of_marks_and_missing_stops_is_in_its_plan_and_in_no_others() {
    let silent = live("");
    assert_eq!((silent.plan.max_mark_jump, silent.plan.naked_timeout_ms), (Some(Rate::percent(10)), NAKED_TIMEOUT_MS));
    assert!(
        !serde_json::to_string(&silent.plan).unwrap().contains("naked_timeout"),
        "the usual is as if nothing were said"
    );
    let patient = live(", orders: { naked_timeout: 5s }");
    assert_eq!((patient.plan.naked_timeout_ms, patient.warnings), (5_000, vec![]));
    assert_ne!(patient.config_hash, silent.config_hash);

    let plain = variant("name: sample", "name: sample");
    let paper = variant("intervals:", "max_mark_jump: 0.2, intervals:");
    assert_eq!(paper.plan.max_mark_jump, None);
    assert_eq!(paper.config_hash, plain.config_hash);
    let [warning] = paper.warnings.as_slice() else { panic!("one warning: {:?}", paper.warnings) };
    assert_eq!(warning.path, "market.max_mark_jump");
    let paper = variant("name: sample", "name: sample\nvenue: { orders: { naked_timeout: 5s } }");
    assert_eq!((paper.plan.naked_timeout_ms, paper.config_hash), (NAKED_TIMEOUT_MS, plain.config_hash));
}

#[test]
fn how_differences_are_met_is_carried_to_the_accounts() {
    assert_eq!(live("").runtime.reconcile, Policy::default());
    assert_eq!(live(", reconcile: {}").runtime.reconcile, Policy::default());
    let loaded = live(
        ", reconcile: { period: 20s, unknown_order: adopt, missing_order: halt, position_size: halt, \
         unknown_position: close, no_stop: halt, balance: halt, leverage: halt, balance_tolerance: 0.5 }",
    );
    assert_eq!(loaded.warnings, []);
    let policy = loaded.runtime.reconcile;
    let met_by = DifferenceKind::ALL.map(|kind| policy.differences.of(kind).label());
    assert_eq!(met_by, ["adopt", "halt", "halt", "close", "halt", "halt", "halt", "halt"]);
    assert_eq!((policy.period_ms, policy.balance_tolerance), (20_000, "0.5".parse().unwrap()));
    assert_eq!((policy.nonce_window_ms, policy.down_period_ms), (60_000, 5_000));

    let loaded = live(
        ", margin: isolated, reconcile: { period_while_down: 2s }, orders: { ask_after: 1500ms, send_entries_within: 2s, \
         valid_for: 10s, valid_margin: 1s, nonce_settles: 9s }, limits: { weight_per_minute: 500, orders_per_10s: 20 }",
    );
    assert_eq!(loaded.warnings, []);
    let runtime = loaded.runtime;
    let expected = Policy {
        overdue_ms: 1_500,
        entry_life_ms: 2_000,
        nonce_window_ms: 10_000,
        nonce_margin_ms: 1_000,
        noop_settles_ms: Some(9_000),
        down_period_ms: 2_000,
        ..Policy::default()
    };
    assert_eq!((runtime.reconcile, runtime.margin), (expected, Some(MarginMode::Isolated)));
    let caps = RequestLimits { weight_per_minute: Some(500), orders_per_minute: None, orders_per_10s: Some(20) };
    assert_eq!(runtime.caps, caps);
    assert_eq!((live("").runtime.caps, live("").runtime.margin), (RequestLimits::default(), None));
}

#[test]
fn how_far_a_mark_may_jump_has_bounds() {
    let good = std::fs::read_to_string(sample("good.yaml")).unwrap();
    for written in ["0", "0.001", "11", "-0.1", "wide"] {
        let text = good.replacen("intervals:", &format!("max_mark_jump: {written}, intervals:"), 1);
        let report = load_text(&text).map(|_| ()).unwrap_err().to_string();
        assert!(report.contains("max_mark_jump") && report.contains(":3:"), "{written}: {report}");
    }
}

#[test]
fn times_of_orders_have_bounds() {
    for (written, range) in [
        ("orders: { ask_after: 20s }", "expected 500ms to 10s, found 20s"),
        ("orders: { valid_for: 1s }", "expected 5s to 5m, found 1s"),
        ("orders: { naked_timeout: 500ms }", "expected 1s to 30s, found 500ms"),
        ("orders: { naked_timeout: 1m }", "expected 1s to 30s, found 1m"),
        ("orders: { nonce_settles: 2m }", "expected 1s to 1m, found 2m"),
        ("reconcile: { period_while_down: 1h }", "expected 1s to 1m, found 1h"),
    ] {
        let text = format!("name: sample\nvenue: {{ {written} }}");
        let good = std::fs::read_to_string(sample("good.yaml")).unwrap();
        let report = load_text(&good.replacen("name: sample", &text, 1)).map(|_| ()).unwrap_err();
        assert!(report.to_string().contains(range), "{written}: {report}");
    }
}

#[test]
fn how_differences_are_met_does_not_matter_on_paper() {
    let loaded = variant("name: sample", "name: sample\nvenue: { reconcile: { unknown_order: close } }");
    let [warning] = loaded.warnings.as_slice() else { panic!("one warning: {:?}", loaded.warnings) };
    assert_eq!((warning.path.as_str(), warning.line), ("venue.reconcile", 3));
    assert!(warning.message.contains("only matters to venue `aster`"), "{}", warning.message);
}

#[test]
fn the_same_swarm_has_the_same_hash_however_it_is_written() {
    let plain = variant("name: sample", "name: sample");
    let commented = variant("name: sample", "name: sample # the same");
    let explicit = variant("{ equity: 10000 }", "{ risk: { max_leverage: 5.0 }, equity: \"10000\" }");
    let other = variant("{ equity: 10000 }", "{ equity: 10001 }");
    assert_eq!(plain.config_hash, commented.config_hash);
    assert_eq!(plain.config_hash, explicit.config_hash);
    assert_ne!(plain.config_hash, other.config_hash);
    assert_ne!(plain.text_hash, commented.text_hash);
    assert_eq!(plain.config_hash.len(), 64);
}

#[test]
fn anchors_and_merge_keys_share_settings() {
    let plan = variant(
        "  main: { equity: 10000 }\n  other: { equity: 10000 }",
        "  main: &account { equity: 500, risk: { max_positions: 1 } }\n  other: { <<: *account, equity: 600 }",
    )
    .plan;
    let [main, other] = plan.portfolios.as_slice() else { panic!("two portfolios") };
    assert_eq!((main.equity, other.equity), (Usd::whole(500), Usd::whole(600)));
    assert_eq!(other.limits.max_positions, Some(1));
}
