//! The few pieces that the page is made of. Every text goes through [`escape`].

use std::fmt::Display;
use swarm_core::model::{ONE, Rate, Round, SECOND_MS, Time, Usd};

/// A text as it may stand between tags and in quoted attributes.
pub(super) fn escape(text: &impl Display) -> String {
    let text = text.to_string();
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A cell of a table.
pub(super) struct Cell {
    class: &'static str,
    /// Escaped.
    html: String,
}

/// A text, to the left.
pub(super) fn text(value: impl Display) -> Cell {
    Cell { class: "", html: escape(&value) }
}

/// A number, to the right.
pub(super) fn number(value: impl Display) -> Cell {
    Cell { class: "number", html: escape(&value) }
}

/// A text as a mark of this class.
pub(super) fn mark(class: &'static str, value: impl Display) -> Cell {
    Cell { class: "", html: format!(r#"<span class="mark {class}">{}</span>"#, escape(&value)) }
}

/// A text that may be long: it breaks into lines instead of widening the table.
pub(super) fn prose(value: impl Display) -> Cell {
    Cell { class: "prose", html: escape(&value) }
}

/// The same where a sentence is the rule.
pub(super) fn sentence(value: impl Display) -> Cell {
    Cell { class: "prose wide", html: escape(&value) }
}

/// Money with its sign in words of colour.
pub(super) fn money(value: Usd) -> Cell {
    let class = match sign(value) {
        "gain" => "number gain",
        "loss" => "number loss",
        _ => "number",
    };
    Cell { class, html: escape(&cents(value)) }
}

/// The class of an amount's colour.
pub(super) fn sign(value: Usd) -> &'static str {
    match value.0.signum() {
        1 => "gain",
        -1 => "loss",
        _ => "",
    }
}

/// Names with the classes of their values and the values, one beside the other.
pub(super) fn facts(facts: &[(&str, &str, String)]) -> String {
    let one = |(name, class, value): &(&str, &str, String)| {
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        format!("<div><dt>{}</dt><dd{class}>{}</dd></div>", escape(name), escape(value))
    };
    format!(r#"<dl class="facts">{}</dl>"#, facts.iter().map(one).collect::<String>())
}

/// A section with a heading and a table; instead of an empty table, `empty`.
pub(super) fn table(id: &str, heading: &str, columns: &[&str], rows: Vec<Vec<Cell>>, empty: &str) -> String {
    let head = format!(r#"<section data-part="{id}"><h2>{}</h2>"#, escape(&heading));
    if rows.is_empty() {
        return format!(r#"{head}<p class="empty">{}</p></section>"#, escape(&empty));
    }
    let mut html = format!(r#"{head}<div class="scroll"><table><thead><tr>"#);
    // A column is aligned like its first cell.
    for (column, cell) in columns.iter().zip(&rows[0]) {
        let class = if cell.class.starts_with("number") { r#" class="number""# } else { "" };
        html.push_str(&format!("<th{class}>{}</th>", escape(column)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for Cell { class, html: inner } in row {
            match class {
                "" => html.push_str(&format!("<td>{inner}</td>")),
                class => html.push_str(&format!(r#"<td class="{class}">{inner}</td>"#)),
            }
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></section>");
    html
}

/// `-1,234.50`: two decimals, thousands apart.
pub(super) fn cents(value: Usd) -> String {
    let cent = ONE / 100;
    let total = value.snap(Usd(cent), Round::Nearest).0 / cent;
    let (whole, fraction) = (total.unsigned_abs() / 100, total.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}.{fraction:02}", if total < 0 { "-" } else { "" })
}

/// `2025-01-31 12:05:00`, in UTC: what a person compares with the clock beside the page.
pub(super) fn clock(at: Time) -> String {
    at.floor(SECOND_MS).to_string().replace('T', " ").replace('Z', "")
}

/// `4.20 %`.
pub(super) fn percent(rate: Rate) -> String {
    format!("{:.2} %", rate.to_f64() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place() {
        assert_eq!(escape(&r#"<b a="x" c='y'>&"#), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
        let html = table("t", "<h>", &["<c>"], vec![vec![mark("ok", "<script>")]], "");
        assert!(!html.contains("<script>") && !html.contains("<c>") && !html.contains("<h>"), "{html}");
    }

    #[test]
    fn money_is_readable() {
        for (amount, shown) in [
            ("0", "0.00"),
            ("1234567.895", "1,234,567.90"),
            ("-0.005", "-0.01"),
            ("-999.5", "-999.50"),
            ("-0.001", "0.00"),
        ] {
            assert_eq!(cents(amount.parse().unwrap()), shown);
        }
        assert_eq!(percent(Rate::bps(420)), "4.20 %");
    }

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(clock(Time(1_700_000_000_050)), "2023-11-14 22:13:20");
    }
}
