//! A report for people: each finding with its line and a caret under the place. It writes text and
//! knows no terminal; the caller says whether colours are wanted.

use super::diagnostic::{Diagnostic, Report};
use std::fmt::Write;

/// Colours of a terminal, or none.
struct Style {
    error: &'static str,
    warning: &'static str,
    quiet: &'static str,
    bold: &'static str,
    end: &'static str,
}

const PLAIN: Style = Style { error: "", warning: "", quiet: "", bold: "", end: "" };
const COLOUR: Style =
    Style { error: "\u{1b}[1;31m", warning: "\u{1b}[1;33m", quiet: "\u{1b}[34m", bold: "\u{1b}[1m", end: "\u{1b}[0m" };

/// Longest part of a source line that is shown.
const MAX_SHOWN: usize = 160;

/// All findings, errors first, and a line that counts them.
pub fn render(report: &Report, colour: bool) -> String {
    let style = if colour { &COLOUR } else { &PLAIN };
    let mut out = String::new();
    let labelled = [("error", style.error, &report.errors), ("warning", style.warning, &report.warnings)];
    for (label, paint, list) in labelled {
        for diagnostic in list {
            let source = report.sources.get(&diagnostic.file).map(String::as_str);
            finding(&mut out, style, &format!("{paint}{label}{}", style.end), diagnostic, source);
        }
    }
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (report.errors.len(), report.warnings.len()) {
        (0, 0) => {}
        (errors, 0) => line(&mut out, &count(errors, "error")),
        (0, warnings) => line(&mut out, &count(warnings, "warning")),
        (errors, warnings) => {
            line(&mut out, &format!("{}, {}", count(errors, "error"), count(warnings, "warning")));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn finding(out: &mut String, style: &Style, label: &str, found: &Diagnostic, source: Option<&str>) {
    let Style { quiet, bold, end, .. } = style;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{label}: {bold}{}{end}", found.message);
    let width = found.line.to_string().len();
    let pad = " ".repeat(width);
    let _ = writeln!(out, "{pad}{quiet}-->{end} {}:{}:{}", found.file, found.line, found.column);
    let shown = source.and_then(|text| text.lines().nth(found.line as usize - 1));
    if let Some(shown) = shown {
        let (shown, caret) = excerpt(shown, found.column as usize);
        let _ = writeln!(out, "{pad} {quiet}|{end}");
        let _ = writeln!(out, "{quiet}{} |{end} {shown}", found.line);
        let _ = writeln!(out, "{pad} {quiet}|{end} {caret}");
    }
    if !found.path.is_empty() {
        let _ = writeln!(out, "{pad} {quiet}={end} at {}", found.path);
    }
    if !found.help.is_empty() {
        let _ = writeln!(out, "{pad} {quiet}={end} help: {}", found.help);
    }
    out.push('\n');
}

/// The line, cut where it is long, and the carets that go below it.
fn excerpt(line: &str, column: usize) -> (String, String) {
    let all: Vec<char> = line.chars().collect();
    let at = column.saturating_sub(1).min(all.len());
    let start = if at > MAX_SHOWN / 2 && all.len() > MAX_SHOWN { at - MAX_SHOWN / 2 } else { 0 };
    let end = all.len().min(start + MAX_SHOWN);
    let shown: String = all[start..end].iter().map(|c| if c.is_control() && *c != '\t' { ' ' } else { *c }).collect();
    // Tabs stay tabs, so that the caret stands below its place whatever a tab is worth.
    let lead: String = all[start..at].iter().map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
    let carets = token(&all[at..end]).max(1);
    (shown, format!("{lead}{}", "^".repeat(carets)))
}

/// Length of the scalar or bracket that begins here.
fn token(rest: &[char]) -> usize {
    match rest.first() {
        Some(quote @ ('"' | '\'')) => rest[1..].iter().position(|c| c == quote).map_or(1, |n| n + 2),
        Some('[' | '{' | '-') => 1,
        _ => rest.iter().position(|c| c.is_whitespace() || ":,]}#".contains(*c)).unwrap_or(rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str, line: u32, column: u32) -> Report {
        let found = Diagnostic {
            file: "swarm.yaml".into(),
            line,
            column,
            path: "venue.knd".into(),
            message: "unknown key `knd`".into(),
            help: "did you mean `kind`?".into(),
        };
        let sources = [("swarm.yaml".to_owned(), text.to_owned())].into();
        Report { errors: vec![found], warnings: vec![], sources }
    }

    #[test]
    fn a_finding_shows_its_line_with_a_caret_below_the_place() {
        let expected = "\
error: unknown key `knd`
 --> swarm.yaml:2:11
  |
2 | venue:  { knd: simulated }
  |           ^^^
  = at venue.knd
  = help: did you mean `kind`?

1 error
";
        assert_eq!(render(&report("version: 1\nvenue:  { knd: simulated }\n", 2, 11), false), expected);
        assert!(render(&report("a\n", 1, 1), true).contains("\u{1b}[1;31merror\u{1b}[0m"));
    }

    #[test]
    fn places_outside_of_the_text_are_survived() {
        for (text, line, column) in [("", 1, 1), ("a\n", 9, 9), ("\tä: 'x", 1, 5), (&"x".repeat(5000), 1, 4000)] {
            assert!(render(&report(text, line, column), false).contains("unknown key"));
        }
    }
}
