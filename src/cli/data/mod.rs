//! `swarm data`: recorded candles and funding, checked and fetched.

pub mod check;
pub mod fetch;

use super::console::{Console, Failure};
use clap::{Args as ClapArgs, Subcommand};

/// Check recorded candles, or fetch some.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Fetch(fetch::Args),
}

impl Args {
    /// Whether one JSON document is asked for.
    pub(super) const fn json(&self) -> bool {
        match &self.command {
            Command::Check(args) => args.json,
            Command::Fetch(args) => args.json,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, console),
        Command::Fetch(args) => fetch::run(args, console),
    }
}
