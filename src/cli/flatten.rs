//! `swarm flatten`: close all positions of a portfolio of a running swarm, or of all portfolios.

use super::client::{Client, Connection};
use super::console::{Console, Failure};
use crate::control::Snapshot;
use serde_json::json;

/// In place of a portfolio's name: the swarm itself.
const WHOLE_SWARM: &str = "swarm";

/// Close all positions and cancel entries, of one portfolio or of all.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which portfolio; all when absent.
    pub portfolio: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Which swarm.
    #[command(flatten)]
    pub connection: Connection,
}

/// Runs the command.
pub(super) async fn execute(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = Client::new(&args.connection)?;
    let whose = args.portfolio.as_deref().unwrap_or(WHOLE_SWARM);
    if !args.yes {
        let snapshot = client.snapshot().await?;
        let typed = if whose == WHOLE_SWARM { &snapshot.name } else { whose };
        console.confirm(snapshot.mode, &question(&snapshot, whose), typed)?;
    }
    let answer = client.post(&["api", "v1", "portfolios", whose, "flatten"], &json!({})).await?;
    if args.connection.json {
        return console.json(&answer);
    }
    let count = |count: u64| if count == 1 { "1 position".to_owned() } else { format!("{count} positions") };
    console.line(&format!("{whose}: closing {}", count(answer["closing"].as_u64().unwrap_or_default())))
}

fn question(snapshot: &Snapshot, whose: &str) -> String {
    let is_meant = |portfolio: &str| whose == WHOLE_SWARM || portfolio == whose;
    let open = snapshot.positions.iter().filter(|position| is_meant(&position.portfolio)).count();
    let place = if whose == WHOLE_SWARM { "all portfolios".to_owned() } else { format!("portfolio `{whose}`") };
    format!("Close the {open} open position(s) of {place} at market and cancel entries?")
}
