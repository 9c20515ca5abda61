//! report.html as text: that it needs nothing but itself, that no text of a swarm can leave its place, and that the
//! trades and decisions to choose from are those it says.

use crate::rows;
use crate::support::{Place, SWARM};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const BACKTEST: [&str; 5] = ["backtest", "--data", "data", "--out", "out"];

fn page(place: &Place, words: &[&str]) -> String {
    let done = place.run(&[&BACKTEST[..], words].concat());
    assert_eq!(done.code, Some(0), "{}", done.err);
    std::fs::read_to_string(place.path("out/report.html")).unwrap()
}

/// The data that the page's script draws from.
fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let rest = &page[page.find(start).unwrap() + start.len()..];
    serde_json::from_str(&rest[..rest.find("</script>").unwrap()]).unwrap()
}

#[test]
fn the_page_is_one_file_that_asks_nothing_of_anyone() {
    let page = page(&Place::new(), &[]);
    for outside in ["://", "src=", "href=", "url(", "@import", "fetch(", "XMLHttp", "<link", "<iframe", "<img"] {
        assert!(!page.contains(outside), "`{outside}` in the page");
    }
    assert!(page.contains("default-src 'none'"), "the browser is told so too");
    for part in [
        "targets",
        "portfolios",
        "equity",
        "trade",
        "decision",
        "results",
        "exposure",
        "costs",
        "rejections",
        "figures",
        "config",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\">")), "{part}");
    }
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(!page.contains("id=\"partial\""));
}

#[test]
fn the_page_shows_the_report() {
    let place = Place::new();
    let page = page(&place, &[]);
    let report: Value = serde_json::from_slice(&std::fs::read(place.path("out/report.json")).unwrap()).unwrap();
    for text in ["fingerprint", "from", "to"] {
        assert!(page.contains(report[text].as_str().unwrap()), "{text}");
    }
    let figures = report["cohorts"].as_object().unwrap().iter().chain(report["agents"].as_object().unwrap());
    for (name, figures) in figures {
        assert!(page.contains(name), "{name}");
        for (key, shown) in [("sharpe", ""), ("win_rate", " %"), ("max_drawdown", " %")] {
            let scale = if shown.is_empty() { 1.0 } else { 100.0 };
            let Some(value) = figures[key].as_f64() else { continue };
            let text = format!("{:.2}{shown}", value * scale);
            assert!(page.contains(&text), "{key} of {name}: {text}");
        }
    }
    let refused = report["portfolios"]["expert"]["rejections"].as_object().unwrap();
    assert!(refused.keys().all(|reason| page.contains(reason)), "{refused:?}");
    let verdict = report["comparison"]["verdict"].as_str().unwrap();
    assert!(page.contains(&format!(">{verdict}</b>")), "{verdict}");
}

#[test]
fn a_refusal_that_rests_on_a_filter_of_the_venue_names_it() {
    let filters = "venue: { instruments: { BTCUSDT: { min_notional: 90000 } } }";
    let place = Place::with(&format!("{SWARM}{filters}\n"));
    place.market(7, 600);
    let page = page(&place, &[]);
    assert!(page.contains("<th>below_minimum</th><td>MIN_NOTIONAL</td>"), "in the table of refusals");
    let notes = data(&page)["decisions"].to_string();
    assert!(notes.contains("MIN_NOTIONAL"), "in the words of a decision: {notes}");

    // The same words in decisions.jsonl, in the journal of the same candles, and in what is shown of it.
    let lines = std::fs::read_to_string(place.path("out/decisions.jsonl")).unwrap();
    let verdict = |line: &Value| line["verdict"].as_str().map(str::to_owned);
    let words = |text: &str, of: &dyn Fn(&Value) -> Option<String>| -> Vec<String> {
        text.lines().filter_map(|line| of(&serde_json::from_str(line).unwrap())).collect()
    };
    let of_report = words(&lines, &verdict);
    assert!(of_report.iter().any(|text| text.contains("MIN_NOTIONAL below_minimum")), "{of_report:?}");
    let run = ["run", "--market", "replay:data", "--listen", "127.0.0.1:0", "--speed", "max", "--state", "state"];
    assert_eq!(place.run(&run).code, Some(0));
    let exported = place.run(&["journal", "export", "state"]).out;
    assert_eq!(words(&exported, &|line| line["words"].as_str().map(str::to_owned)), of_report);
    let shown = place.json(&["decisions", "--state", "state", "--last", "100000", "--json"]);
    let shown: Vec<String> = shown.as_array().unwrap().iter().filter_map(verdict).collect();
    assert_eq!(shown, of_report);
}

#[test]
fn no_text_of_a_swarm_leaves_its_place() {
    let hostile = "</pre></script><script>alert(1)</script>\"'&";
    let place = Place::with(&format!("# {hostile}\n{SWARM}"));
    place.market(7, 600);
    let page = page(&place, &[]);
    assert!(!page.contains("<script>alert") && !page.contains("</pre></script>"));
    assert!(page.contains("&lt;/pre&gt;&lt;/script&gt;&lt;script&gt;alert(1)"), "the comment is shown as text");
    assert_eq!(page.matches("<script").count(), 2);
}

/// Best, worst and latest trades by agent as trades.csv has them: places in the agent's list, from 1.
fn expected(place: &Place, each: usize) -> BTreeMap<String, BTreeSet<u64>> {
    let mut by_agent: BTreeMap<String, Vec<(f64, u64)>> = BTreeMap::new();
    for row in rows(&place.path("out/trades.csv")) {
        let trades = by_agent.entry(row["agent"].clone()).or_default();
        trades.push((row["net_pnl"].parse().unwrap(), trades.len() as u64 + 1));
    }
    let chosen = |trades: Vec<(f64, u64)>| {
        let mut by_result = trades.clone();
        by_result.sort_by(|one, other| one.0.total_cmp(&other.0));
        let ends = by_result.iter().take(each).chain(by_result.iter().rev().take(each));
        ends.chain(trades.iter().rev().take(each)).map(|(_, number)| *number).collect()
    };
    by_agent.into_iter().map(|(agent, trades)| (agent, chosen(trades))).collect()
}

#[test]
fn the_best_the_worst_and_the_latest_trades_can_be_chosen() {
    let place = Place::with(SWARM);
    place.market(11, 6_000);
    let page = page(&place, &[]);
    assert!(page.contains("Of each agent the 8 best, the 8 worst and the 8 latest of its trades can be chosen"));
    let data = data(&page);
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for trade in data["trades"].as_array().unwrap() {
        let agent = data["agents"][trade["agent"].as_u64().unwrap() as usize].as_str().unwrap();
        found.entry(agent.to_owned()).or_default().insert(trade["number"].as_u64().unwrap());
    }
    assert_eq!(found, expected(&place, 8));
    assert!(found.values().any(|chosen| chosen.len() >= 16), "more trades than are shown: {found:?}");
}

#[test]
fn a_chosen_trade_has_its_candles_fills_stops_and_decision() {
    let place = Place::new();
    let data = data(&page(&place, &[]));
    let trades = data["trades"].as_array().unwrap();
    assert!(trades.len() > 30);
    for trade in trades {
        let marks = trade["marks"].as_array().unwrap();
        let of = |kind: &str| marks.iter().filter(|mark| mark[1] == kind).count();
        assert!(of("entry") > 0 && of("exit") > 0 && of("stop") > 0, "{trade}");
        let held: f64 = marks
            .iter()
            .filter(|mark| mark[1] == "entry" || mark[1] == "exit")
            .map(|mark| mark[3].as_f64().unwrap() * mark[4].as_str().unwrap().parse::<f64>().unwrap())
            .sum();
        assert!(held.abs() < 1e-9, "it is flat again: {trade}");
        let decision = &data["decisions"][trade["decision"].as_u64().unwrap() as usize];
        assert_eq!((&decision["agent"], &decision["symbol"]), (&trade["agent"], &trade["symbol"]));
        assert_eq!(decision["action"], trade["side"]);
        let waited = trade["opened"].as_i64().unwrap() - decision["at"].as_i64().unwrap();
        assert!((0..300_000).contains(&waited), "opened {waited} ms after its decision");
        check_bars(trade);
    }
    let features = data["decisions"].as_array().unwrap().iter().filter(|one| !one["features"][0].is_null());
    assert!(features.count() > 20, "decisions have features");
}

/// The fills lie within the candles that are shown for them.
fn check_bars(trade: &Value) {
    let bars = &trade["bars"];
    let number = |value: &Value| value.as_f64().unwrap();
    let (from, width) = (bars["from"].as_i64().unwrap(), bars["ms"].as_i64().unwrap());
    let fills = trade["marks"].as_array().unwrap().iter().filter(|mark| mark[1] == "entry" || mark[1] == "exit");
    for fill in fills {
        let bar = &bars["rows"][((fill[0].as_i64().unwrap() - from) / width) as usize];
        let price = |column: usize| number(&bars["low"]) + number(&bar[column]) * number(&bars["unit"]);
        // Spread and impact may take a fill a little beyond the candle.
        let (high, low, at) = (price(1) * 1.002, price(2) * 0.998, number(&fill[2]));
        assert!((low..=high).contains(&at), "{at} is outside of {low} to {high}: {trade}");
    }
}

#[test]
fn a_run_without_trades_says_why_figures_are_absent() {
    let place = Place::with(SWARM);
    place.market(7, 40);
    let page = page(&place, &[]);
    for words in [
        "n/a <small>no closed trade</small>",
        "n/a <small>needs 7 daily returns, of which two differ</small>",
        "n/a <small>needs a day or more",
        "control: no trade was closed.",
        "No intent was refused.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(data(&page)["trades"], serde_json::json!([]));
}

#[test]
fn a_new_run_leaves_nothing_of_the_one_before() {
    let place = Place::new();
    page(&place, &[]);
    let refused = place.run(&[&BACKTEST[..], &["--from", "2030-01-01"]].concat());
    assert_eq!(refused.code, Some(2));
    assert!(place.path("out/report.json").exists(), "a run that is refused touches nothing");
    let first = std::fs::read(place.path("out/equity.csv")).unwrap();
    page(&place, &["--to", "2024-01-02"]);
    let second = std::fs::read(place.path("out/equity.csv")).unwrap();
    assert!(second.len() < first.len() / 2);
}

/// So many agents of one rule with different thresholds, three symbols each.
fn many(copies: usize) -> String {
    let copy = |copy: usize| {
        let set = format!("rsi_buy: {}, rsi_sell: 60, base_notional: 300, stop: 0.01, target: 0.015", 25 + copy % 20);
        format!("      - {{ use: control, count: 3, name: copy{copy:02}, set: {{ {set} }} }}\n")
    };
    let agents: String = (0..copies).map(copy).collect();
    format!(
        "version: 1\nname: many\n\
         market: {{ source: synthetic, symbols: [BTCUSDT, ETHUSDT, SOLUSDT], intervals: [5m, 15m, 1h] }}\n\
         portfolios:\n  one: {{ equity: 10000, risk: {{ max_positions: 200 }} }}\n\
         cohorts:\n  all:\n    portfolio: one\n    agents:\n{agents}"
    )
}

#[test]
fn more_agents_than_fit_are_said_and_the_files_stay_small() {
    let place = Place::with(&many(34));
    place.market(7, 1_000);
    let page = page(&place, &[]);
    assert!(page.contains("Of 102 agents the first 24 in declared order are drawn"), "said");
    assert!(page.contains("the 3 best, the 3 worst and the 3 latest"), "said");
    assert_eq!(data(&page)["agents"].as_array().unwrap().len(), 24);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let equity = rows(&place.path("out/equity.csv"));
    let of_agents = equity.iter().filter(|row| !row["agent"].is_empty());
    let times: BTreeSet<i64> = of_agents.clone().map(|row| row["time"].parse().unwrap()).collect();
    // The start, three times 00:00, and the end.
    assert_eq!((times.len(), of_agents.count()), (5, 5 * 102));
    let of_cohort = equity.iter().filter(|row| row["agent"].is_empty() && !row["cohort"].is_empty());
    assert!(of_cohort.count() > 500, "a cohort has every change");
}
