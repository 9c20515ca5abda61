//! The pieces that the page is made of. Every text of the run goes through [`escape`], and data for the script
//! through [`script_data`]; nothing else here may be fed with text that is not a literal.

use std::fmt::Display;
use swarm_core::experiment::Unit;
use swarm_core::model::{MINUTE_MS, Time};

/// A text as it may stand between tags and inside of quoted attributes.
pub(super) fn escape(text: impl Display) -> String {
    let mut safe = String::new();
    for letter in text.to_string().chars() {
        let entity = match letter {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ => {
                safe.push(letter);
                continue;
            }
        };
        safe.push_str(entity);
    }
    safe
}

/// A value as JSON that cannot end the script element around it.
pub(super) fn script_data(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    class: &'static str,
    html: String,
}

impl Cell {
    /// To the left.
    pub fn text(value: impl Display) -> Self {
        Self { class: "", html: escape(value) }
    }
    /// To the right.
    pub fn number(value: impl Display) -> Self {
        Self { class: "n", html: escape(value) }
    }
    /// To the right, coloured by its sign.
    pub fn signed(value: f64) -> Self {
        let class = match value {
            value if value > 0.0 => "n gain",
            value if value < 0.0 => "n loss",
            _ => "n",
        };
        Self { class, html: escape(shown(Unit::Money, value)) }
    }
    /// Not available, and why.
    pub fn absent(why: &str) -> Self {
        Self { class: "n absent", html: format!("n/a <small>{}</small>", escape(why)) }
    }
    /// With a word that says how it stands, in a colour.
    pub fn mark(mut self, class: &'static str, word: &str) -> Self {
        self.html.push_str(&format!(r#" <b class="mark {class}">{}</b>"#, escape(word)));
        self
    }
    /// With a bar behind it, `share` of the widest from 0 to 1.
    pub fn bar(mut self, share: f64) -> Self {
        let width = (share.clamp(0.0, 1.0) * 100.0).round();
        self.html = format!(r#"<i class="bar" style="width:{width}%"></i><span>{}</span>"#, self.html);
        self
    }
}

/// A table; the first column heads its rows.
pub(super) fn table(head: &[String], rows: &[Vec<Cell>]) -> String {
    let mut html = String::from(r#"<div class="scroll"><table><thead><tr>"#);
    for (index, column) in head.iter().enumerate() {
        // A column stands like its first cell.
        let class = rows.first().and_then(|row| row.get(index)).map_or("", |cell| cell.class);
        let class = if class.starts_with('n') { r#" class="n""# } else { "" };
        html.push_str(&format!("<th{class}>{}</th>", escape(column)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (index, Cell { class, html: inner }) in row.iter().enumerate() {
            let tag = if index == 0 { "th" } else { "td" };
            let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
            html.push_str(&format!("<{tag}{class}>{inner}</{tag}>"));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

/// A section of the page.
pub(super) fn section(id: &str, heading: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{}</h2>{body}</section>\n", escape(heading))
}

/// A remark.
pub(super) fn note(text: impl Display) -> String {
    format!(r#"<p class="note">{}</p>"#, escape(text))
}

/// A number with thousands apart.
fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut digits = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            digits.push(',');
        }
        digits.push(digit);
    }
    let is_zero = plain.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{fraction}") }
}

/// A value for people.
pub(super) fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count => grouped(value, 0),
        Unit::Share => format!("{} %", grouped(value * 100.0, 2)),
        Unit::Ratio => grouped(value, 2),
        Unit::Money => grouped(value, 2),
        Unit::Times => format!("{}x", grouped(value, 2)),
        Unit::Points => grouped(value, 1),
    }
}

/// `2024-03-01 12:05`, in UTC.
pub(super) fn minute(at: Time) -> String {
    let text = at.floor(MINUTE_MS).to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place() {
        let hostile = r#"</script><b a="x" c='y'>&"#;
        assert_eq!(escape(hostile), "&lt;/script&gt;&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
        let html =
            table(&[hostile.to_owned()], &[vec![Cell::text(hostile).mark("ok", hostile), Cell::absent(hostile)]]);
        for html in [html, section("id", hostile, &note(hostile))] {
            assert!(!html.contains("<b a") && !html.contains("</script"), "{html}");
        }
        let data = script_data(&serde_json::json!({ hostile: hostile }));
        assert!(!data.contains('<') && !data.contains('>'), "{data}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap()[hostile], hostile);
    }

    #[test]
    fn values_are_readable() {
        for (unit, value, text) in [
            (Unit::Money, -1_234_567.891, "-1,234,567.89"),
            (Unit::Money, -0.001, "0.00"),
            (Unit::Count, 999.0, "999"),
            (Unit::Count, 1_000.0, "1,000"),
            (Unit::Share, 0.0421, "4.21 %"),
            (Unit::Times, 3.456, "3.46x"),
            (Unit::Points, 66.66, "66.7"),
        ] {
            assert_eq!(shown(unit, value), text);
        }
        assert_eq!(minute(Time(1_700_000_000_050)), "2023-11-14 22:13");
    }
}
