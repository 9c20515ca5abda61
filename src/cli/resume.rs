//! `swarm resume`: lift the halt of a live portfolio of a running swarm, and `swarm differences`: what halted it.

use super::client::{self, Client, Connection};
use super::console::{Cell, Console, Failure, Tone};
use crate::control::{DifferenceView, PortfolioDifferences};
use serde_json::json;
use swarm_core::model::Mode;

/// Let a halted portfolio's entries pass again, once its account and the books agree.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which portfolio.
    pub portfolio: String,
    /// What was found and done at the account; it is logged.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask, even on live money.
    #[arg(long)]
    pub yes: bool,
    /// Which swarm.
    #[command(flatten)]
    pub connection: Connection,
}

/// How a live portfolio's account has differed from the books.
#[derive(Clone, Debug, clap::Args)]
pub struct DifferencesArgs {
    /// Which portfolio.
    pub portfolio: String,
    /// Which swarm.
    #[command(flatten)]
    pub connection: Connection,
}

/// Runs `swarm resume`.
pub(super) async fn execute(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let Args { portfolio, reason, yes, connection } = args;
    if reason.trim().is_empty() {
        return Err(Failure::input("--reason is empty; say what was found at the account, it is logged"));
    }
    let client = Client::new(connection)?;
    if !yes && client.snapshot().await?.mode == Mode::Live {
        let act = format!("Lift the halt of `{portfolio}`; once account and books agree it may open positions again.");
        console.confirm(Mode::Live, &act, portfolio)?;
    }
    let answer = client.post(&["api", "v1", "portfolios", portfolio, "resume"], &json!({"reason": reason})).await?;
    if connection.json {
        return console.json(&answer);
    }
    console.line(&format!("{portfolio}: resumed; entries pass once its account and the books agree"))
}

pub(super) async fn show(args: &DifferencesArgs, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&args.connection)?;
    let answer = client.get(&["api", "v1", "portfolios", &args.portfolio, "differences"]).await?;
    if args.connection.json {
        return console.json(&answer);
    }
    let found: PortfolioDifferences = client::read(answer)?;
    let gate = match (&found.halted, found.entries_gated) {
        (Some(why), _) => format!("halted: {why}"),
        (None, true) => "entries gated until account and books agree".to_owned(),
        (None, false) => "entries pass".to_owned(),
    };
    console.line(&format!("{}: {gate}", found.portfolio))?;
    if found.differences.is_empty() {
        return console.line("account and books have not differed");
    }
    let or_nothing = |text: &String| if text.is_empty() { "nothing".to_owned() } else { text.clone() };
    let row = |one: &DifferenceView| {
        let about = [one.symbol.clone().unwrap_or_default(), one.subject.clone()].join(" ");
        let tone = if one.policy == "halt" { Tone::Bad } else { Tone::Warn };
        vec![
            Cell::text(one.at.to_string()),
            Cell::text(&one.kind),
            Cell::text(about.trim()),
            Cell::text(or_nothing(&one.venue)),
            Cell::text(or_nothing(&one.book)),
            Cell::text(&one.policy).toned(tone),
        ]
    };
    let rows: Vec<_> = found.differences.iter().map(row).collect();
    console.table(&["found", "kind", "about", "at the venue", "here", "met by"], &rows)
}
