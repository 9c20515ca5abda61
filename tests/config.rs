//! What `swarm check` says of broken files, and what a file without faults becomes.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

#[path = "config/resolved.rs"]
mod resolved;
#[path = "config/text.rs"]
mod text;

use asterswarm::config::{self, Loaded, Report};
use std::path::{Path, PathBuf};

const SHIPPED: &str = include_str!("../swarm.yaml");

fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(file)
}

/// Findings as `line:column path: message; help`, with the file in front where it is not `main`.
fn told(report: &[config::Diagnostic], main: &Path) -> Vec<String> {
    let folder = format!("{}/", main.parent().unwrap().display());
    report
        .iter()
        .map(|found| {
            let file = found.file.trim_start_matches(&folder);
            let file = if main.ends_with(file) { String::new() } else { format!("{file}:") };
            let help = if found.help.is_empty() { String::new() } else { format!("; {}", found.help) };
            format!("{file}{}:{} {}: {}{help}", found.line, found.column, found.path, found.message)
        })
        .collect()
}

/// A sample's errors are exactly these.
#[track_caller]
fn check(file: &str, expected: &[&str]) {
    let path = sample(&format!("{file}.yaml"));
    let report = config::check(&path);
    assert_eq!(told(&report.errors, &path), expected, "{file}");
    assert_eq!(report.is_ok(), config::load(&path).is_ok());
}

fn load_text(text: &str) -> Result<Loaded, Report> {
    config::load_text(&sample("inline.yaml"), text)
}

/// The good sample with one part replaced.
fn variant(from: &str, to: &str) -> Loaded {
    let text = std::fs::read_to_string(sample("good.yaml")).unwrap();
    assert!(text.contains(from), "{from}");
    load_text(&text.replacen(from, to, 1)).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn text_that_is_no_swarm_is_refused_at_its_place() {
    check("good", &[]);
    check("empty", &["1:1 : the file is empty; `swarm init` writes an example"]);
    check("not_a_map", &["1:1 : expected a map of keys, found a list; write `key: value` lines"]);
    check(
        "unclosed",
        &[
            "3:39 : not YAML: mismatched bracket '[' closed by '}'; check quotes, brackets and indentation at and before this place",
        ],
    );
    check("duplicate_key", &["11:1 name: key `name` stands here a second time; remove one of them"]);
    check(
        "missing_sections",
        &[
            "1:1 market: missing key `market`; add `market`: What is traded, and where its candles come from.",
            "1:1 portfolios: missing key `portfolios`; add `portfolios`: Accounts by name: each has its equity, its limits and its breaker.",
            "1:1 cohorts: missing key `cohorts`; add `cohorts`: Groups of agents by name, each trading one portfolio and judged as one.",
        ],
    );
}

#[test]
fn unknown_keys_are_told_with_the_nearest_known_one() {
    check("unknown_key", &["11:1 experimnt: unknown key `experimnt`; did you mean `experiment`?"]);
    check(
        "unknown_key_deep",
        &["5:34 portfolios.main.risk.max_positon: unknown key `max_positon`; did you mean `max_positions`?"],
    );
    check(
        "key_at_wrong_level",
        &["5:26 portfolios.main.max_leverage: unknown key `max_leverage`; `max_leverage` belongs below `risk`"],
    );
}

#[test]
fn missing_keys_are_told_where_they_belong() {
    check(
        "missing_key",
        &[
            "5:3 portfolios.main.equity: missing key `equity`; add `equity`: Starting equity on paper and in backtests, in USDT.",
        ],
    );
    check(
        "key_without_value",
        &[
            "5:46 portfolios.main.risk.max_drawdown: expected a number, found nothing; give it a value, or leave the key out",
        ],
    );
    check(
        "no_symbols",
        &[
            "3:39 market.symbols: expected at least one, found none; Contracts, as the venue writes them. Agents are numbered in this order.",
        ],
    );
    check(
        "set_without_value",
        &["9:56 cohorts.two.agents[0].set: expected a map, found nothing; give it a value, or leave the key out"],
    );
}

#[test]
fn values_of_the_wrong_type_are_told_with_what_was_expected() {
    check(
        "wrong_type",
        &[
            "5:49 portfolios.main.risk.max_positions: expected a whole number, found the text `three`; Most open positions, reserved ones included. Default: 3 in a portfolio, else not limited.",
        ],
    );
    check(
        "quoted_number",
        &[
            "5:49 portfolios.main.risk.max_positions: expected a whole number, found the text `3`; write it without quotes",
        ],
    );
    check(
        "yes_is_no_boolean",
        &["5:48 portfolios.main.risk.require_stop: expected true or false, found the text `yes`; write true"],
    );
    check(
        "list_expected",
        &["3:39 market.symbols: expected a list, found the text `BTCUSDT`; write it as a list: [BTCUSDT]"],
    );
    check(
        "bad_name",
        &[
            "5:3 portfolios.ma in: `ma in` is not a name: expected 1 to 48 letters, digits, `-` or `_`, beginning with a letter or digit",
            "8:21 cohorts.one.portfolio: there is no portfolio `main`; did you mean `ma in`?",
        ],
    );
    check(
        "lower_case_symbol",
        &[
            "3:49 market.symbols[1]: `ethusdt` is not a symbol: expected 2 to 32 upper-case letters and digits, such as BTCUSDT",
        ],
    );
    check(
        "bad_interval",
        &[
            "3:75 market.intervals[1]: `quarter` is not an interval: expected a whole number from 1 to 10000 and s, m, h, d or w, such as 5m or 1h",
        ],
    );
    check(
        "bad_start",
        &[
            "3:37 market.start: `yesterday` is not a date: expected one such as 2025-01-31 or 2025-01-31T12:00:00Z, in UTC",
        ],
    );
    check(
        "bad_duration",
        &[
            "11:18 risk.max_age: `5 minutes` is not a length of time: expected a whole number from 1 to 999999 and ms, s, m, h or d, such as 90s or 5m",
        ],
    );
    check("duration_without_unit", &["11:18 risk.max_age: expected a text, found 300; add a unit, as in 300s or 300m"]);
    check(
        "too_many_decimals",
        &["5:48 portfolios.main.risk.max_drawdown: `0.1234567891` is not a decimal number with at most 8 decimals"],
    );
    check(
        "amounts_that_would_be_rounded",
        &[
            "9:64 cohorts.one.agents[0].set.qty: 0.123456789 has 9 decimals; amounts are exact, with at most 8 of them",
            "13:57 cohorts.two.agents[0].set.base.ema_cross.qty: 0.100000001 has 9 decimals; amounts are exact, with at most 8 of them",
            "16:62 cohorts.two.agents[1].set.targets[1].at: 0.0333333333 has 10 decimals; amounts are exact, with at most 8 of them",
            "17:22 venue.spread_bps: 1.23456 has more than 4 decimals; a basis point is exact with at most 4 of them",
            "17:63 venue.funding_interval: `0s` is not a length of time: expected a whole number from 1 to 999999 and ms, s, m, h or d, such as 90s or 5m",
        ],
    );
}

#[test]
fn values_out_of_range_are_told_with_the_range() {
    check(
        "out_of_range",
        &[
            "5:48 portfolios.main.risk.max_drawdown: out of range: expected 0.001 to 1, found 15; Drawdown from peak equity, as a share, at which the breaker trips. Default: 0.15 in a portfolio, else not limited.",
        ],
    );
    check(
        "out_of_range_as_text",
        &[
            "5:48 portfolios.main.risk.max_drawdown: out of range: expected 0.001 to 1, found the text `1.5`; Drawdown from peak equity, as a share, at which the breaker trips. Default: 0.15 in a portfolio, else not limited.",
        ],
    );
    check(
        "wrong_version",
        &["1:10 version: out of range: expected 1, found 2; Version of this file's format. The only one is 1."],
    );
    check(
        "wrong_choice",
        &[
            "11:16 venue.path: expected one of `open-low-high-close`, `open-high-low-close` or `worse`, found the text `worst`; did you mean `worse`?",
        ],
    );
    check("long_cool_down", &["11:43 risk.loss_run.cool_down: out of range: expected 1s to 30d, found 90d"]);
    check("back_off_that_shrinks", &["11:32 actors.restart.back_off: back_off 2m is longer than back_off_max 1m"]);
}

#[test]
fn a_difference_is_met_only_by_what_makes_sense_for_it() {
    check(
        "differences_that_cannot_be_met",
        &[
            "10:23 venue.reconcile.unknown_position: expected one of `halt` or `close`, found the text `adopt`",
            "11:20 venue.reconcile.unknown_order: expected one of `halt`, `close` or `adopt`, found the text `cancel`",
            "12:20 venue.reconcile.position_size: expected one of `adopt` or `halt`, found the text `close`",
            "13:14 venue.reconcile.balance: expected one of `adopt` or `halt`, found the text `hallt`; did you mean `halt`?",
            "14:5 venue.reconcile.mode: unknown key `mode`; the keys here are `period`, `period_while_down`, `unknown_order`, `missing_order`, `position_size`, `unknown_position`, `no_stop`, `balance`, `leverage` and `balance_tolerance`",
            "15:5 venue.reconcile.unknown_postion: unknown key `unknown_postion`; did you mean `unknown_position`?",
            "16:13 venue.reconcile.period: out of range: expected 5s to 1h, found 1s",
            "17:24 venue.reconcile.balance_tolerance: out of range: expected 0 to 1000000, found -1; How far a wallet may be off before that is a difference, in USDT. Default: 0.01.",
        ],
    );
}

#[test]
fn a_market_must_make_sense() {
    check("symbol_twice", &["3:58 market.symbols[2]: `BTCUSDT` stands here twice; remove one of them"]);
    check(
        "interval_not_a_multiple",
        &[
            "3:71 market.intervals[0]: 15m is not a multiple of 10m, the shortest interval; candles are aggregated from the shortest: take one that divides all others",
        ],
    );
    check("interval_twice", &["3:79 market.intervals[2]: interval 1h stands here twice; remove one of them"]);
    check(
        "replay_without_directory",
        &["3:19 market.source: `replay` needs the directory of the recorded candles: write replay:DIR"],
    );
    check(
        "unknown_source",
        &[
            "3:19 market.source: `binance` is not a market: expected synthetic, synthetic:SEED, replay:DIR, aster or aster-testnet",
        ],
    );
    check("seed_twice", &["3:34 market.seed: seed 4 contradicts `source: synthetic:3`; write the seed in one place"]);
    check(
        "start_off_the_grid",
        &["3:37 market.start: no 5m candle begins at this time; the one before is 2025-01-01T00:00:00Z"],
    );
}

#[test]
fn names_must_lead_somewhere() {
    check("unknown_portfolio", &["8:21 cohorts.one.portfolio: there is no portfolio `mian`; did you mean `main`?"]);
    check("unknown_cohort", &["10:40 experiment.treatment: there is no cohort `three`; there is `one` and `two`"]);
    check("same_cohort", &["10:40 experiment.treatment: cohort `one` is compared with itself; name two cohorts"]);
    check(
        "unknown_symbol",
        &["8:63 cohorts.one.agents[0].symbols[0]: `BTCUSDC` is not among market.symbols; did you mean `BTCUSDT`?"],
    );
    check(
        "agent_symbol_twice",
        &["8:72 cohorts.one.agents[0].symbols[1]: `BTCUSDT` stands here twice; remove one of them"],
    );
    check(
        "name_taken",
        &["9:59 cohorts.two.agents[0].name: agent name `one-btcusdt` is taken; give these agents another `name`"],
    );
    check(
        "bad_listen",
        &[
            "11:16 api.listen: expected an address and a port, found the text `localhost`; write one such as 127.0.0.1:8080",
        ],
    );
}

#[test]
fn one_agent_trades_one_symbol() {
    check(
        "count_above_symbols",
        &[
            "8:60 cohorts.one.agents[0].count: 3 agents for 2 symbols: each agent trades one symbol of its own; write `count: 2`, or name 3 symbols in `symbols`",
        ],
    );
    check(
        "count_below_symbols",
        &[
            "8:60 cohorts.one.agents[0].count: 1 agent for 2 symbols: each agent trades one symbol of its own; write `count: 2`, or name 1 symbol in `symbols`",
        ],
    );
    check(
        "count_against_named_symbols",
        &[
            "8:60 cohorts.one.agents[0].count: 2 agents for 1 symbol: each agent trades one symbol of its own; write `count: 1`, or leave it out",
        ],
    );
}

#[test]
fn parameters_are_told_where_they_were_set() {
    check(
        "unknown_parameter",
        &[
            "9:60 cohorts.two.agents[0].set.min_confidance: unknown key `min_confidance`; did you mean `min_confidence`?",
        ],
    );
    check(
        "parameter_out_of_range",
        &[
            "9:76 cohorts.two.agents[0].set.min_confidence: out of range: expected 0 to 100, found 165; Least confidence of an entry.",
        ],
    );
    check(
        "parameter_of_wrong_type",
        &["9:69 cohorts.two.agents[0].set.confirm: expected a list, found the text `bb`; write it as a list: [bb]"],
    );
    check(
        "nested_parameter",
        &["9:76 cohorts.two.agents[0].set.weights.rsi: out of range: expected 0 to 1, found -1; Of the fast RSI."],
    );
    check(
        "contradictory_parameters",
        &["9:69 cohorts.two.agents[0].set.fast: 30 is not shorter than `slow`, 20; lower it or raise `slow`"],
    );
    check(
        "parameter_against_base",
        &[
            "9:74 cohorts.two.agents[0].set.timeframe: 7m is not a multiple of 5m, the swarm's base interval; choose a multiple of 5m",
        ],
    );
    check(
        "shipped_parameter_against_set",
        &[
            "9:45 cohorts.two.agents[0].use: `regime_timeframe`: 1h is not a multiple of `timeframe`, 40m; choose a multiple of 40m; say otherwise with `set: { regime_timeframe: … }`",
        ],
    );
}

/// Contradictions, ranges and unknown keys of every rule: at their line and column, with what to do.
#[test]
fn faults_of_every_rule_are_told_at_their_place() {
    check(
        "exits_that_clash",
        &[
            "14:17 cohorts.two.agents[0].set.stop: a stop 0.3 of the price away lies beyond the liquidation at leverage 5; choose less than 0.1960",
            "17:21 cohorts.two.agents[0].set.targets[1].at: 0.03 is not beyond the target before it, 0.04; sort the targets, nearest first",
            "18:36 cohorts.two.agents[0].set.targets[2].fraction: the targets up to this one close 1.1 of the position; lower the fractions to a sum of 1",
            "19:41 cohorts.two.agents[0].set.break_even.to: 0.02 is not below `break_even.from`, 0.01; lower it or raise `break_even.from`",
            "20:36 cohorts.two.agents[0].set.indicators.macd_fast: 30 is not below `indicators.macd_slow`, 26; lower it or raise `indicators.macd_slow`",
            "21:14 cohorts.two.agents[1].use: `stop`: a stop 0.05 of the price away lies beyond the liquidation at leverage 20; choose less than 0.0460; say otherwise with `set: { stop: … }`",
        ],
    );
    check(
        "hybrid_faults",
        &[
            "14:39 cohorts.two.agents[0].set.base.control.rsi_buy: 75 is not below `rsi_sell`, 70; lower it or raise `rsi_sell`",
            "15:91 cohorts.two.agents[0].set.expert.expert.targets[1].fraction: the targets up to this one close 1.1 of the position; lower the fractions to a sum of 1",
            "18:35 cohorts.two.agents[1].set.base.control.leverge: unknown key `leverge`; did you mean `leverage`?",
            "18:53 cohorts.two.agents[1].set.base.control.stop: out of range: expected 0.0001 to 0.5, found 0.6; Distance of the stop from the fill price.",
            "18:75 cohorts.two.agents[1].set.boost_above: out of range: expected 0 to 100, found 101; When both name the same entry and the expert's confidence is above this, the size is multiplied by `boost`.",
            "22:21 cohorts.two.agents[2].set.expert.hybrid: unknown key `hybrid`; the keys here are `expert`, `control`, `trend` and `ema_cross`",
            "26:17 cohorts.two.agents[3].set.base: expected one entry, found 2; The rule that decides when the expert is not sure: one rule by its name, and below it its parameters.",
            "27:14 cohorts.two.agents[4].use: `expert.expert.regime_timeframe`: 1h is not a multiple of `timeframe`, 7m; choose a multiple of 7m; say otherwise with `set: { expert: { expert: { regime_timeframe: … } } }`",
            "34:38 cohorts.two.agents[5].set.base.ema_cross.fast: 50 is not shorter than `slow`, 20; lower it or raise `slow`",
            "37:22 cohorts.two.agents[6].set.base: expected one rule, found none; write one of `expert`, `control`, `trend` or `ema_cross`, or leave the key out",
        ],
    );
    check(
        "trend_faults",
        &[
            "13:33 cohorts.two.agents[0].set.look_backs[1]: 30 stands there twice; remove one",
            "13:50 cohorts.two.agents[0].set.exit_score: 0.6 is not below `entry_score`, 0.5: a position would be closed as soon as it is open; lower it",
            "13:61 cohorts.two.agents[0].set.stop: a stop 0.5 of the price away lies beyond the liquidation at leverage 2; choose less than 0.4960",
            "16:28 cohorts.two.agents[1].set.look_backs: expected at least one, found none; How far back it looks, each with the same say.",
            "16:51 cohorts.two.agents[1].set.target_volatility: out of range: expected 0.01 to 5, found 50; Volatility that a position is to have, of the equity that one of the portfolio's positions may take.",
            "16:62 cohorts.two.agents[1].set.sides: expected one of `both`, `long` or `short`, found the text `bth`; did you mean `both`?",
            "19:27 cohorts.two.agents[2].set.timeframe: 7m is not a multiple of 5m, the swarm's base interval; choose a multiple of 5m",
        ],
    );
    check(
        "entry_faults",
        &[
            "13:39 cohorts.two.agents[0].set.entry.offset_ticks: means nothing with `type: market`; write `type: limit`, or leave it out",
            "13:48 cohorts.two.agents[0].set.entry.then: means nothing with `type: market`; write `type: limit`, or leave it out",
            "16:52 cohorts.two.agents[1].set.entry.offset_ticks: out of range: expected 0 to 100000, found -1; With `type: limit`, how far from the candle's close it rests, away from the market.",
            "16:70 cohorts.two.agents[1].set.entry.expire_after: expected a whole number from 1 to 9999 and s, m, h, d or w, found the text `soon`; With `type: limit`, how long it rests at most, looked at whenever a price comes (four times a candle in a replay); a refusal since it would take counts as expired at once.",
            "16:82 cohorts.two.agents[1].set.entry.then: expected one of `market` or `cancel`, found the text `wait`",
            "19:25 cohorts.two.agents[2].set.entry.typ: unknown key `typ`; did you mean `type`?",
        ],
    );
}

#[test]
fn every_example_is_fine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let report = config::check(&path);
        assert!(report.errors.is_empty() && report.warnings.is_empty(), "{}: {report}", path.display());
        assert!(
            std::fs::read_to_string(&path).unwrap().starts_with("# yaml-language-server: $schema=../schema/swarm.json")
        );
        seen += 1;
    }
    assert!(seen >= 4, "{seen} examples");
}

#[test]
fn agent_files_are_checked_in_their_own_lines() {
    check(
        "no_agent_file",
        &[
            "8:44 cohorts.one.agents[0].use: there is no agent file `agents/contrl.yaml`; did you mean `agents/control.yaml`?",
        ],
    );
    check(
        "agent_file_with_fault",
        &[
            "agents/faulty.yaml:2:17 rule.expert: expected a map of parameters, found a list; write `{}` for the rule's defaults",
            "agents/faulty.yaml:3:1 riks: unknown key `riks`; did you mean `risk`?",
        ],
    );
    check(
        "agent_file_with_parameter_fault",
        &[
            "9:45 cohorts.two.agents[0].use: `stop`: a stop 0.05 of the price away lies beyond the liquidation at leverage 50; choose less than 0.0160; say otherwise with `set: { stop: … }`",
        ],
    );
    check(
        "agent_file_with_unknown_rule",
        &["agents/nobody.yaml:1:9 rule.exprt: there is no rule `exprt`; did you mean `expert`?"],
    );
    check(
        "two_rules",
        &[
            "agents/two.yaml:1:21 rule.control: a second rule `control` beside `expert`; an agent file has one rule: write another file",
        ],
    );
}

#[test]
fn mode_venue_and_market_belong_together() {
    check(
        "live_without_venue",
        &[
            "3:7 mode: mode `live` needs `venue.kind: aster`; write both, or `mode: paper`",
            "4:19 market.source: mode `live` trades on the exchange's own prices; write `source: aster`, or another mode",
            "6:3 portfolios.main: portfolio `main` has no `account`, and the mode is live; name its AsterDEX account: the first part of the environment variables with its keys",
            "7:3 portfolios.other: portfolio `other` has no `account`, and the mode is live; name its AsterDEX account: the first part of the environment variables with its keys",
        ],
    );
    check(
        "aster_without_live",
        &[
            "11:16 venue.kind: venue `aster` is for mode `live`, and the mode is `paper`; write `mode: live`, or `kind: simulated`",
        ],
    );
    check(
        "live_on_one_account",
        &[
            "8:36 portfolios.other.account: account `FIRST` is portfolio `main`'s already; one account holds one position a symbol: give each portfolio a sub-account",
            "9:3 portfolios.third: portfolio `third` has no `account`, and the mode is live; name its AsterDEX account: the first part of the environment variables with its keys",
        ],
    );
    check(
        "backtest_on_a_stream",
        &["4:19 market.source: mode `backtest` needs recorded candles; write `source: replay:DIR`, or `mode: paper`"],
    );
}

#[test]
fn filters_of_contracts_must_fit_together() {
    check(
        "filters_of_unknown_symbol",
        &["11:25 venue.instruments.BTCUSD: `BTCUSD` is not among market.symbols; did you mean `BTCUSDT`?"],
    );
    check(
        "filters_that_clash",
        &[
            "11:58 venue.instruments.BTCUSDT.min_qty: min_qty 0.001 is not a multiple of the step 0.002; set `min_qty` with `step`",
        ],
    );
    check(
        "brackets_that_descend",
        &[
            "16:27 venue.instruments.BTCUSDT.brackets[1].notional_cap: 20000 is not above 50000, the row before; rows ascend: more notional, less leverage, more maintenance margin",
            "16:48 venue.instruments.BTCUSDT.brackets[1].max_leverage: 75 is not below 50, the row before; rows ascend: more notional, less leverage, more maintenance margin",
            "16:70 venue.instruments.BTCUSDT.brackets[1].maintenance_rate: 0.02 is not below 0.01333333, the margin a position at 75x opens with; rows ascend: more notional, less leverage, more maintenance margin",
        ],
    );
}

#[test]
fn all_faults_are_told_in_one_go() {
    check(
        "many_faults",
        &[
            "3:7 mode: expected one of `backtest`, `paper` or `live`, found the text `papre`; did you mean `paper`?",
            "5:11 market.source: `replay` needs the directory of the recorded candles: write replay:DIR",
            "6:31 market.symbols[2]: `btcusdt` is not a symbol: expected 2 to 32 upper-case letters and digits, such as BTCUSDT",
            "7:19 market.intervals[1]: 7m is not a multiple of 5m, the shortest interval; candles are aggregated from the shortest: take one that divides all others",
            "8:3 market.sed: unknown key `sed`; did you mean `seed`?",
            "10:19 portfolios.main.equity: `lots` is not a decimal number with at most 8 decimals",
            "10:47 portfolios.main.risk.max_leverage: out of range: expected 0.1 to 125, found 500; Highest leverage of an order, and of gross notional over equity. Default: 5 in a portfolio, else not limited.",
            "10:52 portfolios.main.risk.max_drawdwn: unknown key `max_drawdwn`; did you mean `max_drawdown`?",
            "13:16 cohorts.one.portfolio: there is no portfolio `maine`; did you mean `main`?",
            "15:31 cohorts.one.agents[0].count: 5 agents for 3 symbols: each agent trades one symbol of its own; write `count: 3`, or name 5 symbols in `symbols`",
            "15:57 cohorts.one.agents[0].set.min_confidence: out of range: expected 0 to 100, found 200; Least confidence of an entry.",
            "15:62 cohorts.one.agents[0].set.entry_scor: unknown key `entry_scor`; did you mean `entry_score`?",
            "16:9 cohorts.one.agents[1].use: missing key `use`; add `use`: Agent file, relative to this one, or the name of a shipped one such as `expert`.",
            "16:18 cohorts.one.agents[1].count: 2 agents for 3 symbols: each agent trades one symbol of its own; write `count: 3`, or name 2 symbols in `symbols`",
            "17:16 cohorts.one.agents[2].use: there is no agent file `nothing_like_it`; there is `expert`, `control`, `hybrid`, `trend` and `ema_cross`",
            "18:40 experiment.treatment: there is no cohort `tow`; there is `one`",
        ],
    );
}
