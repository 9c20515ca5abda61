//! The commands of `swarm`, one file each. A command has `Args`, made by clap, and `run`. Exit codes: 0
//! done, 1 it failed, 2 the input is wrong.
//!
//! Some act on a running swarm through its API and know nothing else of it; the others read files.

pub mod agent;
pub mod backtest;
pub mod bias;
pub mod breaker;
pub mod card;
pub mod check;
pub mod client;
pub mod compare;
pub mod console;
pub mod data;
pub mod doctor;
pub mod filters;
pub mod flatten;
pub mod init;
pub mod interrupt;
pub mod journal;
pub mod lines;
pub mod live;
pub mod market;
pub mod prepare;
pub mod progress;
pub mod replay;
pub mod resume;
mod resumed;
pub mod run;
pub mod simulate;
pub mod status;
pub mod summary;
pub mod sweep;
pub mod venue;

use clap::{Parser, Subcommand};
use console::{Console, Failure};
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
    Sweep(sweep::Args),
    Bias(bias::Args),
    Simulate(simulate::Args),
    Data(data::Args),
    Doctor(doctor::Args),
    Status(status::Args),
    Agent(agent::Args),
    Breaker(breaker::Args),
    Flatten(flatten::Args),
    Resume(resume::Args),
    Differences(resume::DifferencesArgs),
    Decisions(journal::DecisionsArgs),
    Journal(journal::Args),
    Replay(replay::Args),
    Compare(compare::Args),
    Schema(check::SchemaArgs),
    Venue(venue::Args),
}

/// Reads the command line and runs one command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = crate::telemetry::log::init(cli.log_format) {
        return end(false, Err(Failure::input(error.to_string())));
    }
    match cli.command {
        Command::Init(args) => end(false, init::run(&args)),
        Command::Run(args) => end(args.json, run::run(&args)),
        // Its findings are the document already.
        Command::Check(args) => end(false, check::run(&args)),
        Command::Backtest(args) => end(args.json, backtest::run(&args)),
        Command::Sweep(args) => end(args.json, sweep::run(&args)),
        Command::Bias(args) => on_console(args.json, |console| bias::run(&args, console)),
        Command::Simulate(args) => on_console(args.json, |console| simulate::run(&args, console)),
        Command::Data(args) => on_console(args.json(), |console| data::run(&args, console)),
        Command::Doctor(args) => on_console(args.json, |console| doctor::run(&args, console)),
        Command::Decisions(args) => end(args.json, journal::decisions(&args)),
        Command::Journal(args) => end(args.json(), journal::run(&args)),
        Command::Replay(args) => end(args.json, replay::run(&args)),
        Command::Compare(args) => end(args.json, compare::run(&args)),
        Command::Schema(args) => end(false, check::schema(&args)),
        Command::Venue(args) => end(false, venue::run(&args)),
        Command::Status(args) => ask(status::run(args)),
        Command::Agent(args) => ask(agent::run(args)),
        Command::Breaker(args) => ask(breaker::run(args)),
        Command::Flatten(args) => ask(flatten::run(args)),
        Command::Resume(args) => ask(resume::run(args)),
        Command::Differences(args) => ask(resume::differences(args)),
    }
}

/// Runs a command that prints through the console.
fn on_console(json: bool, command: impl FnOnce(&mut Console) -> Result<(), Failure>) -> ExitCode {
    let mut console = Console::standard();
    let done = command(&mut console);
    ExitCode::from(console.finish(json, done))
}

/// Says what failed and gives the exit code.
fn end(json: bool, done: Result<(), Failure>) -> ExitCode {
    ExitCode::from(Console::standard().finish(json, done))
}

/// Runs a command that talks to a running swarm.
fn ask(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => end(false, Err(Failure::failed("failed", format!("cannot start: {error}")))),
    }
}
