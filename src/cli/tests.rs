//! The commands that act on a running swarm, against a server with a made-up swarm behind it.

use super::console::Console;
use super::{agent, breaker, flatten, resume, status};
use crate::api::testing::{Fake, TOKEN, snapshot};
use clap::{CommandFactory, Parser};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};
use swarm_core::model::Mode;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Status(status::Args),
    Agent(agent::Args),
    Breaker(breaker::Args),
    Flatten(flatten::Args),
    Resume(resume::Args),
    Differences(resume::DifferencesArgs),
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Ran {
    exit: u8,
    out: String,
    err: String,
}

async fn run_with(api: &str, line: &str, input: &'static str, color: bool) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let own = ["--api", api, "--token-file", file.to_str().unwrap()];
    let words = ["swarm"].into_iter().chain(line.split(' ')).chain(own);
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut console = Console::new(out.clone(), err.clone(), input.as_bytes(), color);
    let json = line.contains("--json");
    let result = match Cli::try_parse_from(words).unwrap().command {
        Command::Status(args) => status::execute(&args, &mut console).await,
        Command::Agent(args) => agent::execute(&args, &mut console).await,
        Command::Breaker(args) => breaker::execute(&args, &mut console).await,
        Command::Resume(args) => resume::execute(&args, &mut console).await,
        Command::Differences(args) => resume::show(&args, &mut console).await,
        Command::Flatten(args) => flatten::execute(&args, &mut console).await,
    };
    let exit = console.finish(json, result);
    Ran { exit, out: out.text(), err: err.text() }
}

async fn run(fake: &Fake, line: &str, input: &'static str) -> Ran {
    run_with(&fake.server.url(), line, input, false).await
}

/// A command with what is typed; its exit code, a part of what it prints (on stderr when it fails), and
/// what the director was told since.
async fn check(fake: &Fake, line: &str, input: &'static str, exit: u8, says: &str, told: &[&str]) {
    let before = fake.told().len();
    let ran = run(fake, line, input).await;
    assert_eq!(ran.exit, exit, "{line}: {} {}", ran.out, ran.err);
    let seen = if exit == 0 { &ran.out } else { &ran.err };
    assert!(seen.contains(says), "{line}: expected {says:?} in {seen:?}");
    assert_eq!(fake.told()[before..], *told, "{line}");
}

#[test]
fn the_arguments_are_well_formed() {
    Cli::command().debug_assert();
}

#[tokio::test]
async fn commands_act_on_the_swarm() {
    let fake = Fake::start().await;
    let name = "expert-btcusdt";
    for (line, input, exit, says, told) in [
        ("agent stop expert-btcusdt", "", 0, "expert-btcusdt: stopped\n", &["stop keep expert-btcusdt"][..]),
        ("agent start expert-btcusdt", "", 0, "expert-btcusdt: running\n", &["start expert-btcusdt"]),
        ("agent start expert-btcusdt", "", 1, "error: `expert-btcusdt` runs\n", &[]),
        ("agent stop expert-btcusdt --positions close", "", 0, "stopped", &["stop close expert-btcusdt"]),
        ("agent restart expert-btcusdt", "", 0, "running", &["restart expert-btcusdt"]),
        ("agent stop expert-btcusd", "", 1, "no agent named `expert-btcusd`; did you mean `expert-btcusdt`?", &[]),
        ("breaker reset expert --reason checked", "", 0, "expert: breaker reset\n", &["reset expert: checked"]),
        ("breaker reset expert --reason checked", "", 1, "not tripped", &[]),
        ("breaker reset nobody --reason checked", "", 1, "no portfolio named `nobody`", &[]),
        ("breaker reset expert --reason ", "", 2, "--reason is empty", &[]),
        ("differences expert", "", 0, "web_1", &[]),
        ("differences control", "", 0, "have not differed", &[]),
        ("differences nobody", "", 1, "no portfolio named `nobody`", &[]),
        ("resume expert --reason ", "", 2, "--reason is empty", &[]),
        ("resume expert --reason mine", "", 0, "expert: resumed", &["resume expert: mine"]),
        ("resume expert --reason mine", "", 1, "is not halted", &[]),
        ("resume nobody --reason mine", "", 1, "no portfolio named `nobody`", &[]),
        ("flatten expert", "n\n", 1, "Close the 1 open position(s) of portfolio `expert`", &[]),
        ("flatten expert", "", 1, "not confirmed, so nothing was done; `--yes`", &[]),
        ("flatten expert", "expert\n", 1, "not confirmed", &[]),
        ("flatten expert", "y\n", 0, "expert: closing 1 position\n", &["flatten expert"]),
        ("flatten --yes", "", 0, "swarm: closing 1 position\n", &["flatten all"]),
        ("flatten", "Yes\n", 0, "swarm: closing 0 positions\n", &["flatten all"]),
        ("flatten nobody --yes", "", 1, "no portfolio named `nobody`", &[]),
    ] {
        check(&fake, line, input, exit, says, told).await;
    }
    assert!(fake.world.lock().unwrap().snapshot.agents.iter().any(|agent| agent.name == name));
    fake.server.stop().await;
}

#[tokio::test]
async fn on_live_money_the_name_is_typed_out() {
    let fake = Fake::start().await;
    fake.world.lock().unwrap().snapshot.mode = Mode::Live;
    let close = "agent stop expert-btcusdt --positions close";
    for (line, input, exit, says, told) in [
        ("flatten expert", "y\n", 1, "LIVE, real money.", &[][..]),
        ("flatten expert", "EXPERT\n", 1, "Type `expert` to go on", &[]),
        ("flatten expert", "expert\n", 0, "closing 1", &["flatten expert"]),
        ("flatten", "swarm\n", 1, "Type `control-vs-expert`", &[]),
        ("flatten", "control-vs-expert\n", 0, "closing 1", &["flatten all"]),
        ("flatten --yes", "", 0, "closing 0", &["flatten all"]),
        ("breaker reset expert --reason x", "", 1, "not confirmed", &[]),
        ("breaker reset expert --reason x", "expert\n", 0, "reset", &["reset expert: x"]),
        ("resume expert --reason x", "y\n", 1, "not confirmed", &[]),
        ("resume expert --reason x", "expert\n", 0, "resumed", &["resume expert: x"]),
        (close, "y\n", 1, "not confirmed", &[]),
        (close, "expert-btcusdt\n", 0, "stopped", &["stop close expert-btcusdt"]),
        ("agent stop expert-btcusdt", "", 0, "stopped", &["stop keep expert-btcusdt"]),
        ("agent stop expert-btcusdt --positions close --yes", "", 0, "stopped", &["stop close expert-btcusdt"]),
    ] {
        check(&fake, line, input, exit, says, told).await;
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn json_is_one_document_and_failures_are_one_too() {
    let fake = Fake::start().await;
    let expected = serde_json::to_value(snapshot()).unwrap();
    for (line, exit, document) in [
        ("status --json", 0, expected.clone()),
        ("agent list --json", 0, expected["agents"].clone()),
        ("flatten control --yes --json", 0, json!({"portfolio": "control", "closing": 1})),
        ("breaker reset expert --reason x --json", 0, json!({"portfolio": "expert", "reason": "x"})),
        (
            "resume expert --reason x --json",
            0,
            json!({"portfolio": "expert", "halted": "unknown_order: the account and the books differ", "reason": "x"}),
        ),
        ("agent stop nobody --json", 1, json!({"error": {"code": "not_found", "message": "no agent named `nobody`"}})),
    ] {
        let ran = run(&fake, line, "").await;
        assert_eq!(ran.exit, exit, "{line}: {}", ran.err);
        assert_eq!(serde_json::from_str::<Value>(&ran.out).expect(line), document, "{line}");
        assert_eq!(ran.err.is_empty(), exit == 0, "{line}: {}", ran.err);
    }
    let ran = run(&fake, "agent restart expert-btcusdt --json", "").await;
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["state"], "running");
    fake.server.stop().await;
}

#[tokio::test]
async fn tables_are_aligned_and_coloured_only_where_it_is_seen() {
    let fake = Fake::start().await;
    let plain = run(&fake, "agent list", "").await.out;
    let lines: Vec<&str> = plain.lines().collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        lines[0],
        "AGENT            STATE    COHORT   SYMBOL   LAST   CONFIDENCE  SCORE  WON/LOST  PROFIT  OPEN PROFIT  ERROR"
    );
    assert_eq!(
        lines[3],
        "expert-btcusdt   running  expert   BTCUSDT  short        71.2  -0.50       3/2   12.50        -3.25"
    );
    let coloured = run_with(&fake.server.url(), "agent list", "", true).await.out;
    assert!(coloured.contains("\u{1b}[32mrunning\u{1b}[0m"));
    let stripped = coloured.replace("\u{1b}[32m", "").replace("\u{1b}[0m", "");
    assert_eq!(stripped, plain, "colour does not shift columns");

    let status = run(&fake, "status", "").await.out;
    for shown in [
        "control-vs-expert  paper  running",
        "market synthetic:1, 60 times real time; at 2023-11-14T22:13:20Z after 240 steps",
        "expert     9650.75     5.38%     1.55x          1  breaker tripped",
        "61200",
        "none",
        "expert: the venue does not take market entries with their stop",
        "a mark of 30000 is too far off to be believed",
    ] {
        assert!(status.contains(shown), "{shown}\n{status}");
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn text_of_the_swarm_cannot_steer_the_terminal() {
    let fake = Fake::start().await;
    fake.world.lock().unwrap().snapshot.agents[0].last_error = Some("\u{1b}]0;owned\u{7}\nrow".into());
    for line in ["agent list", "status"] {
        let out = run(&fake, line, "").await.out;
        assert!(!out.contains('\u{1b}') && !out.contains('\u{7}') && out.contains("owned"), "{out}");
    }
    fake.server.stop().await;
}

#[tokio::test]
async fn what_does_not_answer_or_is_no_swarm_is_said_so() {
    let fake = Fake::start().await;
    let api = fake.server.url();
    let missing = run_with(&format!("{api}/elsewhere"), "status", "", false).await;
    assert!(missing.exit == 1 && missing.err.contains("there is nothing at this path"), "{}", missing.err);
    fake.server.stop().await;
    let gone = run_with(&api, "status --json", "", false).await;
    assert_eq!(gone.exit, 1);
    assert!(gone.err.contains("no swarm answers at http://127.0.0.1:"), "{}", gone.err);
    assert_eq!(serde_json::from_str::<Value>(&gone.out).unwrap()["error"]["code"], "unreachable");
    let wrong = run_with("nonsense", "status", "", false).await;
    assert!(wrong.exit == 2 && wrong.err.contains("--api nonsense"), "{}", wrong.err);
}

#[tokio::test]
async fn a_wrong_token_is_a_failure_with_a_reason() {
    let fake = Fake::with(|state| crate::api::testing::with_token(state, "another")).await;
    check(&fake, "agent stop expert-btcusdt", "", 1, "this is not the token of this swarm", &[]).await;
    fake.server.stop().await;
}
