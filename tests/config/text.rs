//! Reports as people and programs get them, the committed schemas, and texts of any kind.

use super::{SHIPPED, load_text, sample, told};
use asterswarm::config::{self, schema};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn warnings_do_not_keep_a_swarm_from_being_loaded() {
    let path = sample("warnings.yaml");
    let loaded = config::load(&path).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(
        told(&loaded.warnings, &path),
        [
            "3:75 market.seed: `seed` only matters to the synthetic market; remove `seed`, or write `source: synthetic`",
            "6:3 portfolios.spare: no cohort trades portfolio `spare`; give it a cohort, or remove it",
            "10:40 experiment.treatment: both cohorts trade portfolio `main`: one's positions take the other's room; \
         give each a portfolio of its own",
            "11:16 api.listen: 0.0.0.0:8080 can be reached from other machines; \
         changes need the token, reading does not",
        ]
    );
}

#[test]
fn reports_are_printed_and_given_as_json() {
    let path = sample("unknown_key_deep.yaml");
    let report = config::check(&path);
    let file = path.display().to_string();
    assert_eq!(
        report.to_json(),
        json!({
            "ok": false,
            "errors": [{
                "file": file, "line": 5, "column": 34, "path": "portfolios.main.risk.max_positon",
                "message": "unknown key `max_positon`", "help": "did you mean `max_positions`?"
            }],
            "warnings": []
        })
    );
    let expected = format!(
        "error: unknown key `max_positon`\n --> {file}:5:34\n  |\n\
         5 |   main: {{ equity: 10000, risk: {{ max_positon: 2 }} }}\n  |                                  ^^^^^^^^^^^\n  \
         = at portfolios.main.risk.max_positon\n  = help: did you mean `max_positions`?\n\n1 error\n"
    );
    assert_eq!(config::render(&report, false), expected);
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_own() {
    let report = config::check(&sample("no_such_file.yaml"));
    assert!(report.errors[0].message.starts_with("the file cannot be read"), "{report}");
}

/// The committed schemas are those of the types. `UPDATE_SCHEMA=1 cargo test --test config schemas` writes them, as
/// `swarm schema` does.
#[test]
fn committed_schemas_are_current() {
    for (file, schema) in [("swarm.json", schema::swarm()), ("agent.json", schema::agent())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(file);
        let text = schema::text(&schema);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{file} is not current: run `swarm schema`, or this test with UPDATE_SCHEMA=1");
    }
}

#[test]
fn samples_without_shape_faults_fit_the_committed_schema_too() {
    let schema: Value = schema::swarm();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let good = json!({
        "version": 1, "name": "x", "market": { "symbols": ["BTCUSDT"], "intervals": ["5m"] },
        "portfolios": { "a": { "equity": "10000.5" } },
        "cohorts": { "c": { "portfolio": "a", "agents": [{ "use": "expert", "set": { "min_confidence": 70 } }] } }
    });
    assert!(validator.is_valid(&good));
    for (pointer, value) in [
        ("/name", json!("not a name")),
        ("/market/symbols", json!(["btcusdt"])),
        ("/market/intervals", json!(["soon"])),
        ("/portfolios/a/equity", json!("many")),
        ("/portfolios/a/equity", json!(0)),
        ("/cohorts/c/agents", json!([])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
}

/// The shipped file with some of its text cut out, doubled or replaced.
fn mutated(edits: &[(usize, usize, String)]) -> String {
    let mut text: Vec<char> = SHIPPED.chars().collect();
    for (at, cut, insert) in edits {
        let at = at % (text.len() + 1);
        let end = text.len().min(at + cut);
        text.splice(at..end, insert.chars());
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_mutation_of_the_shipped_file_panics_the_loader(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>().prop_map(|i| i.index(SHIPPED.len())), 0usize..12, "([ -~]|\n|é){0,8}"),
            1..6,
        ),
    ) {
        match load_text(&mutated(&edits)) {
            Ok(loaded) => prop_assert!(loaded.report().is_ok()),
            Err(report) => {
                prop_assert!(!report.errors.is_empty());
                prop_assert!(report.errors.iter().all(|found| found.line > 0 && found.column > 0));
                prop_assert!(report.to_string().contains("error: "));
            }
        }
    }

    #[test]
    fn no_text_panics_the_loader(text in "([ -~]|\n|\t|[^\u{0}-\u{7f}]){0,200}") {
        prop_assert!(load_text(&text).is_err());
    }
}
