//! `swarm check`: every fault of a swarm file with its place, and `swarm schema`: what editors read.

use super::console::Failure;
use crate::config;
use clap::Args as ClapArgs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Check a swarm file and everything it uses.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The file.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Print the findings as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs `swarm check`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let report = config::check(&args.file);
    let text = if args.json {
        format!("{:#}\n", report.to_json())
    } else if report.errors.is_empty() && report.warnings.is_empty() {
        format!("{} is fine\n", args.file.display())
    } else {
        config::render(&report, std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    };
    // A reader that closed the pipe has read what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if report.is_ok() { Ok(()) } else { Err(Failure::input("the file is not sound").told()) }
}

/// Print a JSON Schema, for editors and other tools.
#[derive(Debug, ClapArgs)]
pub struct SchemaArgs {
    /// Of which file.
    #[arg(value_enum, default_value_t = Which::Swarm)]
    which: Which,
}

/// Which file a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// swarm.yaml.
    Swarm,
    /// An agent file.
    Agent,
}

/// Runs `swarm schema`.
pub fn schema(args: &SchemaArgs) -> Result<(), Failure> {
    let schema = match args.which {
        Which::Swarm => config::schema::swarm(),
        Which::Agent => config::schema::agent(),
    };
    let _ = std::io::stdout().write_all(config::schema::text(&schema).as_bytes());
    Ok(())
}
