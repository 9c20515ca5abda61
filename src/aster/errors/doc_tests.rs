//! The tables of docs/aster.md are those of this room, and the tables are complete.

use super::{CODES, Class, ErrorBody, FILTERS, STATUSES, classify, code, filter};
use std::fmt::Write as _;
use swarm_core::model::Filter;

const BEGIN: &str = "<!-- tables of errors: UPDATE_DOCS=1 cargo test --lib aster::errors -->\n";
const END: &str = "<!-- end of tables -->\n";

fn tables() -> String {
    let mut out = String::from("| HTTP status | class | meaning |\n|---|---|---|\n");
    for row in STATUSES {
        let range = if row.from == row.to { row.from.to_string() } else { format!("{} to {}", row.from, row.to) };
        let class = row.class.map_or("by code", Class::label);
        writeln!(out, "| {range} | {class} | {} |", row.meaning).unwrap();
    }
    out.push_str("\n| code | name | class | meaning | what to do |\n|---|---|---|---|---|\n");
    for entry in CODES {
        let class = entry.class.label();
        writeln!(out, "| {} | {} | {class} | {} | {} |", entry.code, entry.name, entry.meaning, entry.action).unwrap();
    }
    out.push_str("\n| filter | codes that are about it |\n|---|---|\n");
    for filter in Filter::ALL {
        let codes: Vec<String> = codes_of(filter).map(|code| code.to_string()).collect();
        let codes = if codes.is_empty() { "none of its own".to_owned() } else { codes.join(", ") };
        writeln!(out, "| {} | {codes} |", filter.name()).unwrap();
    }
    out
}

fn codes_of(of: Filter) -> impl Iterator<Item = i32> {
    FILTERS.iter().filter(move |(_, filter)| *filter == of).map(|(code, _)| *code)
}

#[test]
fn codes_of_filters_are_listed_and_each_is_about_one() {
    assert!(FILTERS.windows(2).all(|pair| pair[0].0 > pair[1].0));
    for (listed, of) in FILTERS {
        assert!(code(i64::from(*listed)).is_some_and(|entry| entry.class == Class::Refuse), "{listed}");
        assert_eq!(filter(i64::from(*listed)), Some(*of));
    }
    for other in [0, -2010, -2019, -2021, -2022, -4116] {
        assert_eq!(filter(other), None, "{other}");
    }
}

/// `UPDATE_DOCS=1 cargo test --lib aster::errors` writes them.
#[test]
fn the_committed_tables_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/aster.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("docs/aster.md marks where the tables begin");
    let (documented, after) = rest.split_once(END).expect("docs/aster.md marks where the tables end");
    let tables = tables();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
    } else {
        assert!(documented == tables, "docs/aster.md is not current: run this test with UPDATE_DOCS=1");
    }
}

#[test]
fn every_code_is_found_and_none_is_listed_twice() {
    assert!(CODES.windows(2).all(|pair| pair[0].code > pair[1].code));
    for entry in CODES {
        assert_eq!(code(i64::from(entry.code)), Some(entry));
    }
    for unknown in [0, 1, 200, -1, -999, -9_999, i64::MIN, i64::MAX] {
        assert_eq!(code(unknown), None);
    }
}

#[test]
fn statuses_have_no_hole() {
    assert_eq!((STATUSES[0].from, STATUSES[STATUSES.len() - 1].to), (100, 599));
    assert!(STATUSES.windows(2).all(|pair| pair[0].to + 1 == pair[1].from));
}

fn body(code: i64) -> ErrorBody {
    ErrorBody { code, msg: String::new() }
}

#[test]
fn the_status_speaks_before_the_code_except_for_lost_answers() {
    for (http_status, error, class) in [
        (400, Some(-2019), Class::Refuse),
        (400, Some(-1021), Class::Retry),
        (400, Some(-1022), Class::Halt),
        (400, Some(-4046), Class::Already),
        (200, Some(-5050), Class::Halt),
        (400, Some(-99_999), Class::Refuse),
        (400, None, Class::Settle),
        (404, None, Class::Settle),
        (503, Some(-2019), Class::Settle),
        (503, Some(-1000), Class::Settle),
        (503, None, Class::Settle),
        (400, Some(-1007), Class::Settle),
        (429, Some(-1007), Class::Settle),
        (200, Some(-1006), Class::Settle),
        (429, Some(-1003), Class::Retry),
        (429, None, Class::Retry),
        (418, None, Class::Retry),
        (403, None, Class::Halt),
        (401, Some(-2014), Class::Halt),
        (408, None, Class::Settle),
        (302, None, Class::Settle),
        (700, Some(-2019), Class::Settle),
    ] {
        assert_eq!(classify(http_status, error.map(body).as_ref()), class, "{http_status} {error:?}");
    }
}

#[test]
fn an_error_is_an_object_with_a_negative_code_at_any_status() {
    let find = |text: &str| ErrorBody::find(text.as_bytes()).map(|body| body.code);
    assert_eq!(find(r#"{"code":-1121,"msg":"Invalid symbol."}"#), Some(-1121));
    assert_eq!(find(r#"{"code":"-2011","msg":"Unknown order sent."}"#), Some(-2011));
    assert_eq!(find(r#"{"code":-2011}"#), Some(-2011));
    for other in [r#"{"code":200,"msg":"success"}"#, r#"{"code":"200"}"#, "{}", "[]", "<html>", "", r#"{"code":null}"#]
    {
        assert_eq!(find(other), None, "{other}");
    }
}
