//! `swarm breaker reset`: clear a tripped breaker of a running swarm, with a reason that is journaled.

use super::client::{Client, Connection};
use super::console::{Console, Failure};
use serde_json::json;
use swarm_core::model::Mode;

/// Clear a tripped breaker of a running swarm.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub act: Act,
}

/// What to do with a breaker.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Act {
    /// Clear it, so that entries are allowed again.
    Reset {
        /// Whose breaker: a portfolio's name, or `swarm`.
        portfolio: String,
        /// Why; goes into the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask, even on live money.
        #[arg(long)]
        yes: bool,
        /// Which swarm.
        #[command(flatten)]
        connection: Connection,
    },
}

impl Args {
    /// Whether one JSON document is asked for.
    pub(super) fn json(&self) -> bool {
        let Act::Reset { connection, .. } = &self.act;
        connection.json
    }
}

/// Runs the command.
pub(super) async fn execute(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let Act::Reset { portfolio, reason, yes, connection } = &args.act;
    if reason.trim().is_empty() {
        return Err(Failure::input("--reason is empty; say why the breaker may be cleared, it goes into the journal"));
    }
    let client = Client::new(connection)?;
    if !yes && client.snapshot().await?.mode == Mode::Live {
        let act = format!("Clear the breaker of `{portfolio}`; its agents may open positions again.");
        console.confirm(Mode::Live, &act, portfolio)?;
    }
    let answer =
        client.post(&["api", "v1", "portfolios", portfolio, "breaker", "reset"], &json!({"reason": reason})).await?;
    if connection.json {
        return console.json(&answer);
    }
    console.line(&format!("{portfolio}: breaker reset"))
}
