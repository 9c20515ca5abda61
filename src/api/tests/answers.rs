//! What is read, what is done, and what goes wrong.

use super::{AUTHORIZED, ask, check, get};
use crate::api::testing::{Fake, snapshot};
use crate::control::DecisionView;
use crate::telemetry::strict;
use serde_json::json;
use std::io::Read;

#[tokio::test]
async fn what_is_read_is_what_the_director_says() {
    let fake = Fake::start().await;
    let expected = serde_json::to_value(snapshot()).unwrap();
    assert_eq!(get(&fake, "/api/v1/swarm").await.json(), expected);
    for part in ["agents", "cohorts", "portfolios", "positions", "orders"] {
        assert_eq!(get(&fake, &format!("/api/v1/{part}")).await.json(), expected[part], "{part}");
    }
    assert_eq!(get(&fake, "/api/v1/agents/expert-btcusdt").await.json(), expected["agents"][2]);
    assert_eq!(get(&fake, "/healthz").await.json(), json!({"status": "ok"}));
    let ready = json!({"ready": true, "entries_gated": ["expert"], "breakers_tripped": ["expert"]});
    assert_eq!(get(&fake, "/readyz").await.json(), ready);
    fake.server.stop().await;
}

#[tokio::test]
async fn decisions_are_paged_and_filtered() {
    let fake = Fake::start().await;
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("?limit=2", vec![5, 6]),
        ("?after=4", vec![5, 6]),
        ("?after=6", vec![]),
        ("?agent=expert-btcusdt", vec![2, 6]),
        ("?agent=expert-btcusdt&after=2&limit=10", vec![6]),
    ] {
        let answer = get(&fake, &format!("/api/v1/decisions{query}")).await;
        let views: Vec<DecisionView> = serde_json::from_slice(&answer.bytes).unwrap();
        assert_eq!(views.iter().map(|view| view.sequence).collect::<Vec<_>>(), expected, "{query}");
    }
    for query in ["limit=0", "limit=1001", "limit=x", "limit=-1", "after=x", "agnet=x", "limit=1&limit=2"] {
        check(&fake, "GET", &format!("/api/v1/decisions?{query}"), &[], "", 400, "bad_request").await;
    }
    check(&fake, "GET", "/api/v1/decisions?agent=nobody", &[], "", 404, "not_found").await;
    fake.server.stop().await;
}

#[tokio::test]
async fn acts_reach_the_director() {
    let fake = Fake::start().await;
    let agent = "/api/v1/agents/expert-btcusdt";
    let steps = [
        (format!("{agent}/stop"), "", 200, "stop keep expert-btcusdt"),
        (format!("{agent}/start"), "", 200, "start expert-btcusdt"),
        (format!("{agent}/start"), "{}", 409, ""),
        (format!("{agent}/stop"), r#"{"positions":"close"}"#, 200, "stop close expert-btcusdt"),
        (format!("{agent}/stop"), r#"{"positions":"keep"}"#, 200, "stop keep expert-btcusdt"),
        (format!("{agent}/stop?positions=close"), "", 200, "stop close expert-btcusdt"),
        (format!("{agent}/stop?positions=close"), r#"{"positions":"close"}"#, 200, "stop close expert-btcusdt"),
        (format!("{agent}/restart"), " \n", 200, "restart expert-btcusdt"),
        ("/api/v1/portfolios/expert/breaker/reset".into(), r#"{"reason":" checked "}"#, 200, "reset expert: checked"),
        ("/api/v1/portfolios/expert/breaker/reset".into(), r#"{"reason":"again"}"#, 409, ""),
        ("/api/v1/portfolios/expert/resume".into(), r#"{"reason":" mine "}"#, 200, "resume expert: mine"),
        ("/api/v1/portfolios/expert/resume".into(), r#"{"reason":"again"}"#, 409, ""),
        ("/api/v1/portfolios/expert/flatten".into(), "", 200, "flatten expert"),
        ("/api/v1/portfolios/swarm/flatten".into(), "{}", 200, "flatten all"),
    ];
    let mut expected: Vec<String> = Vec::new();
    for (path, body, status, told) in steps {
        check(&fake, "POST", &path, &[AUTHORIZED], body, status, "conflict").await;
        expected.extend((status == 200).then(|| told.to_owned()));
        assert_eq!(fake.told(), expected, "{path} {body}");
    }
    let answer = ask(&fake, "POST", &format!("{agent}/stop"), &[AUTHORIZED], "").await;
    assert_eq!((&answer.json()["name"], &answer.json()["state"]), (&json!("expert-btcusdt"), &json!("stopped")));
    let answer = ask(&fake, "POST", "/api/v1/portfolios/control/flatten", &[AUTHORIZED], "").await;
    assert_eq!(answer.json(), json!({"portfolio": "control", "closing": 0}));
    fake.server.stop().await;
}

#[tokio::test]
async fn everything_that_goes_wrong_has_one_shape() {
    let fake = Fake::start().await;
    let stop = "/api/v1/agents/expert-btcusdt/stop";
    let reset = "/api/v1/portfolios/expert/breaker/reset";
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(501));
    let huge = format!(r#"{{"reason":"{}"}}"#, "x".repeat(64 * 1_024));
    for (method, path, body, status, code) in [
        ("GET", "/nothing", "", 404, "not_found"),
        ("GET", "/api/v1/swarm/", "", 404, "not_found"),
        ("GET", "/api/v1/agents/nobody", "", 404, "not_found"),
        ("GET", "/api/v1/agents/%00%ff", "", 404, "not_found"),
        ("GET", "/api/v1/compare", "", 404, "no_experiment"),
        ("POST", "/api/v1/nothing", "", 404, "not_found"),
        ("POST", "/api/v1/agents/nobody/start", "", 404, "not_found"),
        ("POST", "/api/v1/portfolios/nobody/flatten", "", 404, "not_found"),
        ("POST", "/api/v1/portfolios/nobody/resume", r#"{"reason":"x"}"#, 404, "not_found"),
        ("POST", "/api/v1/portfolios/expert/resume", "", 400, "bad_request"),
        ("GET", "/api/v1/portfolios/nobody/differences", "", 404, "not_found"),
        ("POST", "/api/v1/swarm", "", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/agents/expert-btcusdt", "", 405, "method_not_allowed"),
        ("PUT", stop, "", 405, "method_not_allowed"),
        ("OPTIONS", stop, "", 405, "method_not_allowed"),
        ("GET", stop, "", 405, "method_not_allowed"),
        ("POST", stop, "{", 400, "bad_request"),
        ("POST", stop, "[]", 400, "bad_request"),
        ("POST", stop, "close", 400, "bad_request"),
        ("POST", stop, r#"{"positions":"sell"}"#, 400, "bad_request"),
        ("POST", stop, r#"{"position":"keep"}"#, 400, "bad_request"),
        ("POST", "/api/v1/agents/expert-btcusdt/stop?positions=keep", r#"{"positions":"close"}"#, 400, "bad_request"),
        ("POST", "/api/v1/agents/expert-btcusdt/stop?x=1", "", 400, "bad_request"),
        ("POST", "/api/v1/agents/expert-btcusdt/start", r#"{"x":1}"#, 400, "bad_request"),
        ("POST", reset, "", 400, "bad_request"),
        ("POST", reset, "{}", 400, "bad_request"),
        ("POST", reset, r#"{"reason":" "}"#, 400, "bad_request"),
        ("POST", reset, &long, 400, "bad_request"),
        ("POST", reset, &huge, 413, "body_too_large"),
        ("POST", "/api/v1/apply", "{}", 501, "not_implemented"),
    ] {
        check(&fake, method, path, &[AUTHORIZED], body, status, code).await;
    }
    assert!(fake.told().is_empty());
    let answer = ask(&fake, "DELETE", "/api/v1/agents", &[], "").await;
    assert_eq!(answer.header("allow"), "GET, HEAD");
    let answer = get(&fake, "/api/v1/agents/expert-btcusd").await;
    assert!(answer.text().contains("did you mean `expert-btcusdt`?"), "{}", answer.text());
    check(&fake, "GET", "/healthz", &[("accept-encoding", "br, *;q=0")], "", 406, "not_acceptable").await;
    fake.server.stop().await;
}

#[tokio::test]
async fn readiness_follows_the_swarm() {
    let mut fake = Fake::start().await;
    for phase in ["starting", "finished", "halted: the journal cannot be written"] {
        fake.world.lock().unwrap().snapshot.phase = phase.into();
        check(&fake, "GET", "/readyz", &[], "", 503, "not_ready").await;
    }
    fake.director.abort();
    let _ = (&mut fake.director).await;
    check(&fake, "GET", "/healthz", &[], "", 200, "").await;
    check(&fake, "GET", "/", &[], "", 200, "").await;
    for path in ["/readyz", "/api/v1/swarm", "/api/v1/decisions", "/page/status"] {
        check(&fake, "GET", path, &[], "", 503, "unavailable").await;
    }
    check(&fake, "POST", "/api/v1/portfolios/expert/flatten", &[AUTHORIZED], "", 503, "unavailable").await;
    fake.server.stop().await;
}

#[tokio::test]
async fn the_comparison_is_passed_through() {
    let fake = Fake::start().await;
    check(&fake, "GET", "/api/v1/compare", &[], "", 404, "no_experiment").await;
    let comparison = fake.compares();
    assert_eq!(get(&fake, "/api/v1/compare").await.json(), serde_json::to_value(comparison).unwrap());
    fake.server.stop().await;
}

#[tokio::test]
async fn metrics_and_json_come_compressed_to_who_can_take_it() {
    let fake = Fake::start().await;
    fake.metrics.agent(swarm_core::model::AgentId(2)).trade(true);
    let plain = get(&fake, "/metrics").await;
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4");
    let page = strict::parse(&plain.text()).unwrap();
    assert_eq!(page.value("swarm_trades_total", &[("agent", "expert-btcusdt"), ("result", "win")]), 1.0);
    for path in ["/metrics", "/api/v1/swarm", "/api/openapi.json", "/"] {
        let plain = get(&fake, path).await;
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        let packed = ask(&fake, "GET", path, &[("accept-encoding", "gzip")], "").await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.bytes.as_slice()).read_to_string(&mut text).unwrap();
        assert!(text == plain.text() && packed.bytes.len() < plain.bytes.len(), "{path}");
    }
    let head = ask(&fake, "HEAD", "/metrics", &[], "").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    fake.server.stop().await;
}
