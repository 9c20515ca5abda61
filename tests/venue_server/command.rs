//! The command itself: wrong input is refused at once, and a file of accounts is served.

use assert_cmd::Command;
use predicates::str::contains;

fn swarm(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(env!("CARGO_BIN_EXE_swarm")).arg("venue").args(arguments).assert()
}

#[test]
fn wrong_input_ends_with_2_and_says_what_to_do() {
    swarm(&["--speed", "fast"]).code(2).stderr(contains("max, or hand"));
    swarm(&["--symbols", "btc"]).code(2).stderr(contains("BTCUSDT"));
    swarm(&["--market", "aster"]).code(2).stderr(contains("synthetic"));
    swarm(&["--market", "replay:/nowhere"]).code(2);
    swarm(&["--market", "ticks:/nowhere"]).code(2).stderr(contains("cannot be read"));
    swarm(&["--accounts", "/nowhere.yaml"]).code(2).stderr(contains("cannot read"));
    swarm(&["--listen", "here"]).code(2);
}

#[test]
fn an_address_in_use_ends_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    swarm(&["--listen", &address]).code(1).stderr(contains("cannot listen"));
}
