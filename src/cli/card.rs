//! A decision as a framed card for a terminal: signal analysis, position parameters, the reason, and
//! what was done about it.

use crate::control::DecisionView;
use std::fmt::Write as _;
use swarm_core::model::{Action, Explanation};

/// Columns between the frame's sides.
const WIDTH: usize = 76;

struct Card {
    text: String,
}

impl Card {
    fn rule(&mut self, left: char, title: &str, right: char) {
        let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
        let dashes = WIDTH.saturating_sub(title.chars().count() + 1);
        let _ = writeln!(self.text, "{left}─{title}{}{right}", "─".repeat(dashes));
    }
    fn line(&mut self, content: &str) {
        for part in wrap(content, WIDTH - 2) {
            let _ = writeln!(self.text, "│ {part}{} │", " ".repeat((WIDTH - 2).saturating_sub(part.chars().count())));
        }
    }
    fn pair(&mut self, label: &str, value: &str) {
        self.line(&format!("{label:<18}{value}"));
    }
}

/// Breaks a text at spaces into lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let mut word = word.to_owned();
        while word.chars().count() > width {
            let head: String = word.chars().take(width).collect();
            word = word.chars().skip(width).collect();
            lines.push(head);
            lines.push(String::new());
        }
        let last = lines.last_mut().expect("invariant: there is a line");
        if last.chars().count() + word.trim_end().chars().count() > width {
            lines.push(word);
        } else {
            last.push_str(&word);
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn shown(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.decimals$}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{:.3} %", value * 100.0))
}

fn regime(value: Option<i8>) -> &'static str {
    match value {
        None => "n/a",
        Some(2) => "STRONG BULL (+2)",
        Some(1) => "BULL (+1)",
        Some(-1) => "BEAR (-1)",
        Some(-2) => "STRONG BEAR (-2)",
        Some(_) => "NEUTRAL (0)",
    }
}

/// The card.
pub fn card(view: &DecisionView) -> String {
    let record = &view.record;
    let why = &record.explanation;
    let mut card = Card { text: String::new() };
    card.rule('┌', &format!("{}  {}  {}", view.agent, view.symbol, record.at), '┐');
    card.line("SIGNAL ANALYSIS");
    card.pair("action", &record.decision.action.label().to_uppercase());
    card.pair("confidence", &format!("{:.1} of 100", record.decision.confidence));
    card.pair("target score T", &format!("{:+.4}", record.decision.target_score));
    card.pair("score S", &why.score.map_or_else(|| "n/a".to_owned(), |score| format!("{score:+.4}")));
    card.pair("regime R", regime(why.regime));
    card.pair("stability V", &format!("{}   volatility {}", shown(why.stability, 4), percent(why.volatility)));
    features(&mut card, why);
    card.rule('├', "", '┤');
    card.line("POSITION PARAMETERS");
    card.pair("leverage", &why.leverage.map_or_else(|| "n/a".to_owned(), |leverage| format!("{leverage:.2}x")));
    card.pair("size", &why.notional_usdt.map_or_else(|| "n/a".to_owned(), |usdt| format!("{usdt:.2} USDT notional")));
    card.pair("stop", &shown(why.stop_price, 4));
    let targets: Vec<String> = why.target_prices.iter().map(|price| format!("{price:.4}")).collect();
    card.pair("targets", if targets.is_empty() { "n/a".to_owned() } else { targets.join(", ") }.as_str());
    card.pair("expected funding", &percent(why.expected_funding));
    card.pair("expected slippage", &percent(why.expected_slippage));
    card.rule('├', "", '┤');
    card.line("REASON");
    card.line(&why.reason);
    if let Some(branch) = &why.branch {
        card.pair("branch", branch);
    }
    card.rule('├', "", '┤');
    card.pair("ACTION TAKEN", &taken(view));
    card.rule('└', "", '┘');
    card.text
}

fn features(card: &mut Card, why: &Explanation) {
    if why.features.is_empty() {
        return;
    }
    card.line("");
    card.line(&format!("{:<16}{:>14}{:>12}{:>10}{:>14}", "feature", "value", "normalized", "weight", "contribution"));
    for line in &why.features {
        card.line(&format!(
            "{:<16}{:>14}{:>12}{:>10.3}{:>14.4}",
            line.name,
            shown(line.value, 4),
            shown(line.normalized, 3),
            line.weight,
            line.contribution
        ));
    }
}

fn taken(view: &DecisionView) -> String {
    match (&view.verdict, view.record.decision.action) {
        (Some(verdict), _) => verdict.clone(),
        (None, Action::Hold) => "none: HOLD".to_owned(),
        (None, _) => "none asked for".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_core::model::{AgentId, Decision, DecisionRecord, FeatureLine, SymbolId, Time};

    #[test]
    fn every_line_of_the_frame_is_as_wide_and_says_what_was_done() {
        let view = DecisionView {
            sequence: 1,
            agent: "expert-btcusdt".into(),
            cohort: "expert".into(),
            symbol: "BTCUSDT".into(),
            record: DecisionRecord {
                at: Time(1_698_796_800_000),
                candle: Time(1_698_796_500_000),
                agent: AgentId(0),
                symbol: SymbolId(0),
                decision: Decision { action: Action::Long, confidence: 81.25, target_score: 0.625, proposal: None },
                explanation: Explanation {
                    features: vec![FeatureLine {
                        name: "rsi".into(),
                        value: Some(31.5),
                        normalized: Some(-0.7),
                        weight: 0.15,
                        contribution: -0.105,
                    }],
                    regime: Some(1),
                    reason: "a reason so long that it has to be broken over several lines ".repeat(4).into(),
                    ..Explanation::default()
                },
            },
            verdict: Some("approved".into()),
        };
        let text = card(&view);
        for line in text.lines() {
            assert_eq!(line.chars().count(), WIDTH + 2, "{line}");
        }
        for part in ["LONG", "81.2", "+0.6250", "BULL (+1)", "rsi", "n/a", "ACTION TAKEN      approved"] {
            assert!(text.contains(part), "{part} is missing from\n{text}");
        }
    }
}
