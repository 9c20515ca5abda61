//! The status page as a browser without JavaScript gets it.

use super::{get, http, notice};
use crate::api::testing::{Fake, TOKEN, plan};
use crate::api::{ApiState, Token, serve};
use crate::control::{Control, Event, Snapshot};
use crate::telemetry::Metrics;
use swarm_core::model::{Mode, Plan, Time};

#[tokio::test]
async fn the_page_has_its_numbers_without_a_script() {
    let fake = Fake::start().await;
    let page = get(&fake, "/").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = page.text();
    for shown in [
        "PAPER: simulated exchange, no real money",
        "control-vs-expert",
        "2023-11-14 22:13:20 UTC",
        "9,650.75 USDT",
        "5.38 % of 15.00 %",
        r#"<meter min="0" max="0.15""#,
        "1.55x",
        "breaker tripped 2023-11-14 21:56:40 UTC",
        "entries gated",
        "60130 (30000 not confirmed)",
        "market entries leave without their stop",
        "halted: unknown_order: the account and the books differ",
        "expert-btcusdt",
        "71.2",
        "-0.50",
        "61200",
        "not confirmed",
        "score -0.50 below -0.40",
        "limit 59500",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    // The page is one fragment in a frame; what the script fetches is the same fragment.
    let fragment = get(&fake, "/page/status").await.text();
    assert!(text.contains(&fragment));
    fake.server.stop().await;
}

#[tokio::test]
async fn the_page_shows_events_it_was_told() {
    let fake = Fake::start().await;
    let told = Event::Breaker { at: Time(0), scope: "expert".into(), change: "tripped at 15.2 %".into() };
    // The page's own listener is another task, so ask until it has heard.
    fake.control.tell(told);
    let mut shown = false;
    for _ in 0..1_000 {
        shown = get(&fake, "/page/status").await.text().contains("tripped at 15.2 %");
        if shown {
            break;
        }
    }
    assert!(shown);
    fake.server.stop().await;
}

#[tokio::test]
async fn no_name_or_message_becomes_markup() {
    const EVIL: &str = r#"<script>alert("1")</script><img src=x onerror='x'>"#;
    let fake = Fake::start().await;
    {
        let mut world = fake.world.lock().unwrap();
        let Snapshot { name, market, version, phase, agents, cohorts, portfolios, positions, orders, .. } =
            &mut world.snapshot;
        for text in [name, market, version, phase] {
            *text = EVIL.into();
        }
        for agent in agents {
            for text in [&mut agent.name, &mut agent.cohort, &mut agent.symbol, &mut agent.rule] {
                *text = EVIL.into();
            }
            agent.last_error = Some(EVIL.into());
        }
        cohorts[0].name = EVIL.into();
        portfolios[0].name = EVIL.into();
        positions[0].agent = EVIL.into();
        orders[0].agent = EVIL.into();
        for view in &mut world.decisions {
            view.agent = EVIL.into();
            view.verdict = Some(EVIL.into());
            view.record.explanation.reason = EVIL.into();
        }
    }
    fake.control.tell(notice(EVIL));
    for path in ["/", "/page/status"] {
        let text = get(&fake, path).await.text();
        assert!(!text.contains("<script>") && !text.contains("<img") && text.contains("&lt;script&gt;"), "{path}");
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_cannot_be_framed() {
    let fake = Fake::start().await;
    let page = get(&fake, "/").await;
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let text = page.text();
    for outside in ["http://", "https://", " style=", " onclick=", "<style"] {
        assert!(!text.contains(outside), "{outside}");
    }
    for (path, kind) in [("/page/style.css", "text/css"), ("/page/script.js", "text/javascript")] {
        assert!(text.contains(path), "{path}");
        let asset = get(&fake, path).await;
        assert!(asset.status == 200 && asset.header("content-type").starts_with(kind), "{path}");
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn live_cannot_be_taken_for_paper() {
    let (control, _) = Control::new(1);
    let plan = Plan { mode: Mode::Live, ..plan() };
    let state = ApiState::new(&plan, control, Metrics::new(&plan, "1"), Token::new(TOKEN, "test").unwrap());
    let server = serve(std::net::TcpListener::bind("127.0.0.1:0").unwrap(), state).await.unwrap();
    let text = http().get(server.url()).send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"<body class="live">"#) && text.contains("LIVE: real money"), "{text}");
    assert!(text.contains("<title>LIVE") && !text.contains("PAPER"), "{text}");
    let metrics = http().get(format!("{}/metrics", server.url())).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"mode="live""#) && !metrics.contains(r#"mode="paper""#));
    server.stop().await;
}
