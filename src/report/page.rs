//! The page from top to bottom. Everything it shows is in the file itself; its only script draws the chosen trade
//! and the chosen decision.

use super::collect::Collector;
use super::html::{escape, note, script_data, section, shown};
use super::{charts, data, tables};
use std::collections::BTreeMap;
use swarm_core::experiment::{ComparisonVerdict, Report, Unit};
use swarm_core::ledger::Trade;
use swarm_core::model::Candle;

/// Longest text of a configuration file that is shown, in characters.
const SOURCE_MAX: usize = 60_000;

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What was kept while the run went on.
    pub collected: &'a Collector,
    /// The report.
    pub report: &'a Report,
    /// All closed trades, in order of closing.
    pub trades: &'a [Trade],
    /// By symbol, the candles of the run.
    pub candles: &'a [Vec<Candle>],
    /// Where the candles came from, in words.
    pub market: &'a str,
    /// What the reader of the data should know about it.
    pub warnings: &'a [String],
    /// Text of each configuration file by name.
    pub sources: &'a BTreeMap<String, String>,
    /// SHA-256 of the plan.
    pub config_hash: &'a str,
}

/// The page as one HTML document.
pub fn render(page: &Page<'_>) -> String {
    let plan = page.collected.plan();
    let title = format!("{}: backtest {} to {}", plan.name, day(&page.report.from), day(&page.report.to));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{}</style></head>\n<body><main>\n",
        escape(title),
        include_str!("style.css")
    );
    html.push_str(&header(page));
    html.push_str(&section("targets", "Control against expert", &(tables::against_targets(page) + &verdict(page))));
    html.push_str(&section("portfolios", "Portfolios", &tables::portfolios(page)));
    html.push_str(&section("equity", "Equity and drawdown", &charts::curves(page.collected)));
    html.push_str(&section("trade", "A trade", &(chooser("trade") + &rule(page, "trade"))));
    html.push_str(&section("decision", "A decision", &(chooser("decision") + &rule(page, "decision"))));
    html.push_str(&section("results", "Results of trades", &charts::results(page)));
    html.push_str(&section("exposure", "Exposure and leverage", &charts::exposure(page.collected)));
    html.push_str(&section("costs", "Costs", &tables::costs(page)));
    html.push_str(&section("rejections", "Refused intents", &tables::rejections(page)));
    html.push_str(&section("figures", "All figures", &tables::figures(page)));
    html.push_str(&section("config", "Configuration", &configuration(page)));
    let data = script_data(&data::chosen(page.collected, page.candles));
    html.push_str(&format!(
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{}</script>\n</body></html>\n",
        include_str!("script.js")
    ));
    html
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

fn header(page: &Page<'_>) -> String {
    let (report, plan) = (page.report, page.collected.plan());
    let mut html = format!("<header><h1>{}</h1>", escape(&plan.name));
    if report.partial {
        html.push_str(
            "<p class=\"banner\" id=\"partial\"><strong>Partial.</strong> The run was stopped before its data ended; \
             everything below covers only what was run.</p>",
        );
    }
    let missing = match report.market.gaps {
        0 => "none missing".to_owned(),
        gaps => format!("{} missing", shown(Unit::Count, gaps as f64)),
    };
    let facts = [
        ("from", report.from.clone()),
        ("to", report.to.clone()),
        ("market", page.market.to_owned()),
        ("symbols", report.market.symbols.join(", ")),
        ("candles", format!("{} of {}, {missing}", shown(Unit::Count, report.market.candles as f64), plan.base)),
        ("agents", format!("{} in {} cohorts", plan.agents.len(), plan.cohorts.len())),
        ("decisions", shown(Unit::Count, report.timing.agent_candles as f64)),
        ("run took", format!("{:.2} s", report.timing.run_s)),
        ("fingerprint", report.fingerprint.clone()),
        ("configuration", page.config_hash.to_owned()),
        ("software", format!("asterswarm {}", env!("CARGO_PKG_VERSION"))),
    ];
    html.push_str("<dl>");
    for (name, value) in facts {
        html.push_str(&format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value)));
    }
    html.push_str("</dl>");
    if !page.warnings.is_empty() {
        let items: String = page.warnings.iter().map(|warning| format!("<li>{}</li>", escape(warning))).collect();
        html.push_str(&format!(
            "<details><summary>{} warnings about the data</summary><ul>{items}</ul></details>",
            page.warnings.len()
        ));
    }
    html + "</header>\n"
}

fn verdict(page: &Page<'_>) -> String {
    let Some(comparison) = &page.report.comparison else {
        return note("No comparison: the swarm declares no experiment.");
    };
    let (class, word) = match comparison.verdict {
        ComparisonVerdict::Better => ("met", "better"),
        ComparisonVerdict::Worse => ("missed", "worse"),
        ComparisonVerdict::Undecided => ("above", "undecided"),
    };
    let p_value = comparison.p_value.map_or_else(|| "n/a".to_owned(), |p_value| format!("{p_value:.4}"));
    format!(
        "<p class=\"verdict\">{} against {}: <b class=\"mark {class}\">{word}</b> {} (p {}).</p>",
        escape(&comparison.treatment),
        escape(&comparison.control),
        escape(&comparison.explanation),
        escape(p_value),
    )
}

/// The controls and the empty places that the script fills.
fn chooser(kind: &str) -> String {
    let drawing =
        if kind == "trade" { r#"<div class="wide"><svg id="trade-picture" class="plot"></svg></div>"# } else { "" };
    format!(
        "<div class=\"chooser\" hidden id=\"{kind}-chooser\"><label>agent <select id=\"{kind}-agent\"></select></label> \
         <label>{kind} <select id=\"{kind}-choice\"></select></label> \
         <button type=\"button\" id=\"{kind}-previous\">previous</button> \
         <button type=\"button\" id=\"{kind}-next\">next</button></div>\
         <div id=\"{kind}-shown\" hidden><dl id=\"{kind}-facts\"></dl>{drawing}<div id=\"{kind}-more\"></div></div>\
         <noscript><p class=\"note\">Choosing a {kind} needs JavaScript; the files beside this page have all of them.</p></noscript>"
    )
}

/// Which trades or decisions can be chosen.
fn rule(page: &Page<'_>, kind: &str) -> String {
    let (each, all) = (page.collected.each, page.trades.len());
    let text = match kind {
        "trade" => format!(
            "Of each agent the {each} best, the {each} worst and the {each} latest of its trades can be chosen, of {} \
             closed trades in all; trades.csv has all. Times are UTC.",
            shown(Unit::Count, all as f64)
        ),
        _ => format!(
            "Of each agent the decisions that opened the trades above and its {each} latest other than HOLD can be \
             chosen; decisions.jsonl has all."
        ),
    };
    note(text) + &charts::hidden(page.collected)
}

fn configuration(page: &Page<'_>) -> String {
    let one = |(name, text): (&String, &String)| {
        let shown: String = text.chars().take(SOURCE_MAX).collect();
        let cut = if shown.len() < text.len() { "\n[cut here]" } else { "" };
        format!("<details><summary>{}</summary><pre>{}{cut}</pre></details>", escape(name), escape(shown))
    };
    page.sources.iter().map(one).collect()
}
