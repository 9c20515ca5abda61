//! The commands of `swarm`, one file each. A command has `Args`, made by clap, and `run`. Exit codes: 0
//! done, 1 it failed, 2 the input is wrong.
//!
//! Some act on a running swarm through its API and know nothing else of it; the others read files.

pub mod agent;
pub mod backtest;
pub mod breaker;
pub mod card;
pub mod check;
pub mod client;
pub mod compare;
pub mod console;
pub mod flatten;
pub mod init;
pub mod journal;
pub mod lines;
pub mod market;
pub mod prepare;
pub mod run;
pub mod status;
pub mod summary;

use clap::{Parser, Subcommand};
use prepare::Failure;
use std::process::ExitCode;

#[cfg(test)]
mod tests;

/// Run swarms of trading agents on AsterDEX perpetual futures: in backtests, on paper, live.
#[derive(Debug, Parser)]
#[command(name = "swarm", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// How logs on stderr are written; SWARM_LOG filters them (default: info).
    #[arg(long, global = true, value_enum, default_value_t = crate::telemetry::log::LogFormat::Text, value_name = "FORMAT")]
    log_format: crate::telemetry::log::LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Run(run::Args),
    Check(check::Args),
    Backtest(backtest::Args),
    Status(status::Args),
    Agent(agent::Args),
    Breaker(breaker::Args),
    Flatten(flatten::Args),
    Decisions(journal::DecisionsArgs),
    Journal(journal::Args),
    Compare(compare::Args),
    Schema(check::SchemaArgs),
}

/// Reads the command line and runs one command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = crate::telemetry::log::init(cli.log_format) {
        return Failure::Input(error.to_string()).report();
    }
    let done = match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Decisions(args) => journal::decisions(&args),
        Command::Journal(args) => journal::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Schema(args) => check::schema(&args),
        Command::Status(args) => return ask(status::run(args)),
        Command::Agent(args) => return ask(agent::run(args)),
        Command::Breaker(args) => return ask(breaker::run(args)),
        Command::Flatten(args) => return ask(flatten::run(args)),
    };
    done.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}

/// Runs a command that talks to a running swarm.
fn ask(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Failure::Failed(format!("cannot start: {error}")).report(),
    }
}
