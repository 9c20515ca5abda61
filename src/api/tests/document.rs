//! The API's description against the API.

use super::{AUTHORIZED, Answer, ask, get, notice};
use crate::api::testing::{Fake, decision};
use crate::api::{ROUTES, document};
use crate::control::Event;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use swarm_core::model::{Purpose, Side, Time};

#[test]
fn the_document_names_every_route_and_no_other() {
    let document: Value = serde_json::from_str(document()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
            let is_act = operation["security"] == json!([{"token": []}]);
            assert_eq!(is_act, method == "post", "{method} {path}");
        }
    }
    let served: BTreeSet<_> = ROUTES.iter().map(|(m, path)| ((*m).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, served);
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
}

/// Every object whose members are listed has no others.
fn close_objects(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(close_objects);
        }
        Value::Array(items) => items.iter_mut().for_each(close_objects),
        _ => {}
    }
}

/// Holds an answer against the schema that the document gives for it.
#[track_caller]
fn check_schema(document: &Value, method: &str, path: &str, answer: &Answer) {
    let responses = &document["paths"][path][method]["responses"];
    let schema = &responses[answer.status.to_string()]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} {}: {responses}", answer.status);
    let root = json!({"components": document["components"], "allOf": [schema]});
    let validator = jsonschema::validator_for(&root).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&answer.json()).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{method} {path}: {errors:?}\n{}", answer.text());
}

#[tokio::test]
async fn real_answers_fit_the_document() {
    let fake = Fake::start().await;
    fake.compares();
    let mut document: Value = serde_json::from_str(document()).unwrap();
    close_objects(&mut document["components"]["schemas"]);
    let text = ["/metrics", "/api/v1/events"];
    for (method, path) in ROUTES {
        let own = path.replace("{name}", if path.contains("/agents/") { "expert-btcusdt" } else { "expert" });
        if *method == "POST" {
            // The agent runs at first, so `start` is a conflict; `apply` is refused.
            let answer = ask(&fake, method, &own, &[AUTHORIZED], r#"{"reason":"checked"}"#).await;
            let answer = match answer.status {
                400 => ask(&fake, method, &own, &[AUTHORIZED], "").await,
                _ => answer,
            };
            check_schema(&document, "post", path, &answer);
            check_schema(&document, "post", path, &ask(&fake, method, &own, &[], "").await);
        } else if !text.contains(path) && !path.starts_with("/page/") && *path != "/" {
            let answer = get(&fake, &own).await;
            assert_eq!(answer.status, 200, "{path}");
            check_schema(&document, "get", path, &answer);
        }
    }
    check_schema(&document, "get", "/api/v1/agents/{name}", &get(&fake, "/api/v1/agents/nobody").await);
    fake.server.stop().await;
}

#[test]
fn events_fit_the_document() {
    let document: Value = serde_json::from_str(document()).unwrap();
    let root = json!({"components": document["components"], "$ref": "#/components/schemas/Event"});
    let validator = jsonschema::validator_for(&root).unwrap();
    let at = Time(5);
    let events = [
        Event::Signal(Box::new(decision(7, 2))),
        Event::Fill {
            at,
            agent: "a".into(),
            symbol: "s".into(),
            side: Side::Buy,
            qty: "0.5".parse().unwrap(),
            price: "2".parse().unwrap(),
            fee: "0.01".parse().unwrap(),
            purpose: Purpose::Entry,
        },
        Event::Trade {
            at,
            agent: "a".into(),
            symbol: "s".into(),
            net_pnl: "-1".parse().unwrap(),
            reason: "stop".into(),
        },
        Event::Breaker { at, scope: "swarm".into(), change: "tripped".into() },
        Event::Agent { at, agent: "a".into(), change: "failed".into() },
        notice("hello"),
    ];
    for event in events {
        let value = serde_json::to_value(&event).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{value}: {errors:?}");
    }
    assert!(!validator.is_valid(&json!({"type": "unheard_of"})));
}
