//! The `swarm` binary: reads the command line, runs one command, exits with its code.

use asterswarm::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
