//! Keys stay where they belong. The real binary trades live against `swarm venue` with keys made for this run, and
//! everything that can go wrong with keys and requests does; then all that it has written, logged and answered is searched
//! for them, in every form in which a key is written down. The search finds what is planted.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use asterswarm::aster::keys::Keys;
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{ApiKey, Credentials, KeySigner, Wallet, WalletSigner};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{HandVenue, Place, Running, until};

// With a buyer and a seller for each symbol somebody wants in at every candle, whatever the market does.
const SWARM: &str = "\
version: 1
name: discreet
mode: live
market: { source: aster, symbols: [BTCUSDT, ETHUSDT], intervals: [5m] }
portfolios:
  wallet: { equity: 10000, account: first, risk: { max_positions: 2 } }
  key: { equity: 10000, account: second, risk: { max_positions: 2 } }
cohorts:
  one:
    portfolio: wallet
    agents:
      - { use: control, count: 2, set: { rsi_buy: 90, rsi_sell: 95, base_notional: 1000 } }
      - { use: control, count: 2, set: { rsi_buy: 5, rsi_sell: 10, base_notional: 1000 } }
  two:
    portfolio: key
    agents:
      - { use: control, count: 2, set: { rsi_buy: 90, rsi_sell: 95, base_notional: 1000 } }
      - { use: control, count: 2, set: { rsi_buy: 5, rsi_sell: 10, base_notional: 1000 } }
";

fn random(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Without padding, so that it is found with and without.
fn base64(bytes: &[u8], last: [u8; 2]) -> String {
    let letter = |six: u32| match six as u8 {
        six @ 0..=25 => b'A' + six,
        six @ 26..=51 => b'a' + six - 26,
        six @ 52..=61 => b'0' + six - 52,
        six => last[usize::from(six - 62)],
    };
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
        let word = three[0] << 16 | three[1] << 8 | three[2];
        (0..=chunk.len()).for_each(|place| text.push(char::from(letter(word >> (18 - 6 * place) & 63))));
    }
    text
}

/// What must be nowhere, each form with its name.
#[derive(Default)]
struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    /// All forms of these bytes.
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let lower = hex(bytes);
        let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
        for (form, needle) in [
            ("hex", lower.clone().into_bytes()),
            ("upper-case hex", lower.to_uppercase().into_bytes()),
            ("raw bytes", bytes.to_vec()),
            ("base64", base64(bytes, *b"+/").into_bytes()),
            ("base64 of URLs", base64(bytes, *b"-_").into_bytes()),
            ("list of numbers", list.join(", ").into_bytes()),
            ("close list of numbers", list.join(",").into_bytes()),
        ] {
            self.0.push((format!("{name} as {form}"), needle));
        }
    }

    /// Which of them are in there.
    fn found_in(&self, hay: &[u8]) -> Vec<&str> {
        let is_in = |needle: &[u8]| hay.windows(needle.len()).any(|window| window == needle);
        let starts: Vec<&(String, Vec<u8>)> = self.0.iter().filter(|(_, needle)| is_in(needle)).collect();
        starts.into_iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// Variables of the environment.
type Variables = Vec<(&'static str, String)>;

/// Keys of this run.
struct Owner {
    private: Vec<u8>,
    api_key: String,
    secret: String,
}

impl Owner {
    fn new() -> Self {
        Self { private: random(32), api_key: hex(&random(24)), secret: hex(&random(32)) }
    }

    fn needles(&self) -> Needles {
        let mut needles = Needles::default();
        needles.add("the wallet's key", &self.private);
        needles.add("the secret", self.secret.as_bytes());
        needles.0.push(("the secret itself".to_owned(), self.secret.clone().into_bytes()));
        needles.0.push(("the API key".to_owned(), self.api_key.clone().into_bytes()));
        needles
    }

    /// The wallet's key as an operator may write it.
    fn written(&self, upper: bool) -> String {
        let text = hex(&self.private);
        format!("0x{}", if upper { text.to_uppercase() } else { text })
    }

    fn variables(&self, upper: bool) -> Variables {
        vec![
            ("FIRST_PRIVATE_KEY", self.written(upper)),
            ("SECOND_API_KEY", self.api_key.clone()),
            ("SECOND_API_SECRET", self.secret.clone()),
        ]
    }

    fn accounts(&self) -> String {
        let user = Wallet::new(&Secret::new(self.written(false))).unwrap().address();
        let other = Wallet::new(&Secret::new("02".repeat(32))).unwrap().address();
        format!(
            "accounts:\n  - {{ name: one, balance: 10000, user: \"{user}\", api_key: unused, api_secret: unused-secret }}\n  \
             - {{ name: two, balance: 10000, user: \"{other}\", api_key: \"{}\", api_secret: \"{}\" }}\n",
            self.api_key, self.secret
        )
    }
}

/// Everything that was written and said, with where.
#[derive(Default)]
struct Collected(Vec<(String, Vec<u8>)>);

impl Collected {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn directory(&mut self, path: &Path) {
        for entry in std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                self.directory(&entry);
            } else {
                self.add(entry.display().to_string(), std::fs::read(&entry).unwrap());
            }
        }
    }

    fn search(&self, needles: &Needles) -> Vec<String> {
        let found = self.0.iter().flat_map(|(place, bytes)| {
            needles.found_in(bytes).into_iter().map(move |name| format!("{name} in {place}"))
        });
        found.collect()
    }
}

const PATHS: [&str; 15] = [
    "/",
    "/page/status",
    "/healthz",
    "/metrics",
    "/api/openapi.json",
    "/api/v1/swarm",
    "/api/v1/agents",
    "/api/v1/cohorts",
    "/api/v1/portfolios",
    "/api/v1/portfolios/wallet/differences",
    "/api/v1/portfolios/key/differences",
    "/api/v1/positions",
    "/api/v1/orders",
    "/api/v1/decisions",
    "/readyz",
];

struct Stage {
    place: Place,
    venue: HandVenue,
    owner: Owner,
}

impl Stage {
    fn new() -> Self {
        let (place, owner) = (Place::with(SWARM), Owner::new());
        // Beside the place that is searched, since this file holds them.
        let folder = tempfile::tempdir().unwrap();
        let accounts = folder.path().join("accounts.yaml");
        std::fs::write(&accounts, owner.accounts()).unwrap();
        let venue = HandVenue::start_with(&place, &["--accounts", accounts.to_str().unwrap()]);
        place.put("swarm.yaml", format!("{SWARM}venue: {{ kind: aster, {} }}\n", venue.hosts()));
        Self { place, venue, owner }
    }

    fn command(&self, words: &[&str], upper: bool, level: &str) -> Command {
        let mut command = self.place.command(words);
        command.envs(self.owner.variables(upper)).env("SWARM_LOG", level).env("RUST_BACKTRACE", "full");
        command
    }

    /// A live run in which requests are refused, lost and answered with 503, from its start to its end.
    fn run(&self, format: &str, collected: &mut Collected) {
        let state = format!("state-{format}");
        let words = ["--log-format", format, "run", "--live", "--yes", "--json"];
        let words = [&words[..], &["--listen", "127.0.0.1:0", "--state", &state]].concat();
        let mut variables: Vec<(&str, String)> = self.owner.variables(format == "json");
        variables.extend([("SWARM_LOG", "trace".to_owned()), ("RUST_BACKTRACE", "full".to_owned())]);
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let swarm = self.place.start_with(&words, &variables);
        swarm.until("both accounts to be reconciled", |status| {
            status["portfolios"].as_array().unwrap().iter().all(|one| one["entries_gated"] == false)
        });
        let faults = r#"[{"kind":"unavailable_before","only":"POST /fapi/v3","times":2},
            {"kind":"unavailable_after","only":"POST /fapi/v1/order","times":1},
            {"kind":"throttle","only":"balance","times":1,"seconds":1}]"#;
        self.venue.control("POST", "faults", faults);
        let (mut last, mut steps): (Option<Instant>, u64) = (None, 0);
        until("positions on accounts of both schemes", || {
            let status = swarm.status();
            // Entries whose answers were lost are settled between candles, or asked for again by a later one: the next
            // comes when this one is decided upon and no entry is on its way. How soon one is wanted is the market's affair.
            let is_entry =
                |order: &Value| order["purpose"].as_str().is_some_and(|one| one.eq_ignore_ascii_case("entry"));
            let is_settled = !status["orders"].as_array().unwrap().iter().any(is_entry);
            let taken = status["steps"].as_u64().unwrap();
            if last.is_none_or(|last| last.elapsed() > Duration::from_secs(8)) || (is_settled && taken > steps) {
                self.venue.end_of_candle();
                (last, steps) = (Some(Instant::now()), taken);
            }
            let open = status["positions"].as_array().unwrap();
            let holds = |portfolio: &str| open.iter().any(|one| one["portfolio"] == portfolio);
            (holds("wallet") && holds("key")).then_some(())
        });
        self.venue.control("POST", "disconnect", "");
        self.gather(&swarm, format, collected);
        // The next run finds an account as it should be.
        self.venue.control("DELETE", "faults", "");
        let api = swarm.api();
        let flattened = self.place.run(&["flatten", "--yes", "--state", &state, "--api", &api]);
        assert_eq!(flattened.code, Some(0), "{}", flattened.err);
        swarm.until("nothing held", |status| status["positions"].as_array().is_some_and(Vec::is_empty));
        swarm.process.signal("INT");
        let done = swarm.process.end();
        assert_eq!(done.code, Some(0), "{}", done.err);
        assert!(done.err.contains("TRACE"), "the logs are as talkative as they can be");
        collected.add(format!("report of {format}"), done.out);
        collected.add(format!("log of {format}"), done.err);
        let exported = self.place.run(&["journal", "export", &state]);
        assert_eq!(exported.code, Some(0), "{}", exported.err);
        collected.add(format!("exported journal of {format}"), exported.out);
    }

    fn gather(&self, swarm: &Running, format: &str, collected: &mut Collected) {
        for path in PATHS {
            collected.add(format!("{path} of {format}"), swarm.text(path));
        }
    }

    /// Commands that fail because of keys, or say something about them.
    fn fail(&self, collected: &mut Collected) {
        let live = ["run", "--live", "--yes", "--listen", "127.0.0.1:0", "--state", "state-bad"];
        let own = self.owner.written(false);
        let bad: [(&str, Variables, &str); 5] = [
            ("a key with a letter too many", vec![("FIRST_PRIVATE_KEY", format!("{own}a"))], "FIRST_PRIVATE_KEY"),
            ("a key that is no hex", vec![("FIRST_PRIVATE_KEY", format!("{own}_"))], "FIRST_PRIVATE_KEY"),
            ("keys of both kinds", vec![("FIRST_API_KEY", self.owner.api_key.clone())], "both"),
            ("a file that is not there", vec![("SECOND_API_SECRET_FILE", own.clone() + "-no-file")], "SECOND"),
            ("a user that is none", vec![("FIRST_USER", "nobody".to_owned())], "FIRST_USER"),
        ];
        for (what, variables, says) in bad {
            let mut command = self.command(&live, false, "trace");
            let done = command.envs(variables).output().unwrap();
            let said = [done.stdout, done.stderr].concat();
            let text = String::from_utf8_lossy(&said);
            assert!(!done.status.success() && text.contains(says), "{what}: {text}");
            if what != "a file that is not there" {
                collected.add(what, said);
            }
        }
        // Signed well, by somebody whom the venue does not know.
        let mut stranger = self.command(&live, false, "trace");
        stranger.env("FIRST_PRIVATE_KEY", hex(&random(32)));
        stranger.args(["--for", "3s"]);
        let done = stranger.output().unwrap();
        collected.add("a stranger's run", [done.stdout, done.stderr].concat());
        for words in [&["doctor"][..], &["doctor", "--json"], &["check"]] {
            let done = self.command(words, true, "trace").output().unwrap();
            collected.add(words.join(" "), [done.stdout, done.stderr].concat());
        }
    }
}

/// The panic of a process that prints all it has of its keys.
fn panicking(owner: &Owner) -> Vec<u8> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_panic_with_keys_in_its_hands", "--nocapture"]);
    let done =
        child.envs(owner.variables(false)).env("PANICS_WITH_KEYS", "1").env("RUST_BACKTRACE", "full").output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    assert!(!done.status.success() && text.contains("in its hands:"), "{text}");
    said
}

/// Does nothing unless it is asked to, by the test below.
#[test]
fn a_panic_with_keys_in_its_hands() {
    if std::env::var_os("PANICS_WITH_KEYS").is_none() {
        return;
    }
    let first = Keys::from_environment("first").unwrap();
    let second = Keys::from_environment("second").unwrap();
    let text = std::env::var("FIRST_PRIVATE_KEY").unwrap();
    let wallet = Wallet::new(&Secret::new(text.clone())).unwrap();
    let wallet = Credentials::Wallet(WalletSigner::new(wallet, None, 1666));
    let key = ApiKey::new(Secret::new("key"), &Secret::new(std::env::var("SECOND_API_SECRET").unwrap()));
    let key = Credentials::Key(KeySigner::new(key, 5_000));
    let bad = Wallet::new(&Secret::new(text + "zz")).unwrap_err();
    panic!("in its hands: {first:?} {second:?} {wallet:?} {key:?} {bad:?} {bad}");
}

#[test]
fn no_key_is_in_anything_that_is_written_logged_or_answered() {
    let stage = Stage::new();
    let mut collected = Collected::default();
    for format in ["text", "json"] {
        stage.run(format, &mut collected);
    }
    stage.fail(&mut collected);
    collected.add("a panic", panicking(&stage.owner));
    collected.add("the venue", stage.venue.said());
    collected.directory(&stage.place.path(""));
    let needles = stage.owner.needles();
    assert_eq!(collected.search(&needles), Vec::<String>::new());
    // The logs were looked at, not an empty text.
    let total: usize = collected.0.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(collected.0.len() > 40 && total > 200_000, "{} places, {total} bytes", collected.0.len());

    // What is planted is found, in each form and where it is.
    for (name, needle) in &needles.0 {
        let mut planted = b"{\"level\":\"TRACE\",\"message\":\"".to_vec();
        planted.extend_from_slice(needle);
        planted.extend_from_slice(b"\"}\n");
        let mut with = Collected::default();
        with.add("a log", planted);
        let found = with.search(&needles);
        assert!(found.iter().any(|one| *one == format!("{name} in a log")), "{name}: {found:?}");
    }
    stage.place.put("state-text/planted", stage.owner.secret.as_bytes());
    let mut again = Collected::default();
    again.directory(&stage.place.path(""));
    assert!(again.search(&needles).iter().any(|one| one.contains("planted")), "{:?}", again.search(&needles));
}

#[test]
fn base64_is_base64() {
    for (bytes, expected) in [(&b"Man"[..], "TWFu"), (b"Ma", "TWE"), (b"M", "TQ"), (&[0xfb, 0xef, 0xff], "++//")] {
        assert_eq!(base64(bytes, *b"+/"), expected);
    }
}
