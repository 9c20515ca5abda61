//! What is fuzzed, one plain function a parser: bytes in, and what must hold for any bytes. Two drivers call them:
//! `cargo fuzz` guides itself by coverage for minutes or hours, and `tests/fuzz.rs` tries mutated seeds for seconds
//! with every run of the tests. Knows neither of them.

use asterswarm::aster::errors::{ErrorBody, classify};
use asterswarm::aster::sign::{read_pairs, read_request};
use asterswarm::aster::wire::*;
use asterswarm::{config, venue_server};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::path::Path;
use swarm_core::journal::{Link, encode, first_header, records};
use swarm_core::model::{Candle, ExchangeParams, Fact, Interval, Price, Step, Tape, Time};

/// A target: never panics, and holds what its function says.
pub type Target = fn(&[u8]);

/// All targets by name; the files in `fuzz_targets/` have the same names.
pub const TARGETS: [(&str, Target); 7] = [
    ("configuration", configuration),
    ("answers", answers),
    ("frames", frames),
    ("requests", requests),
    ("venue", venue),
    ("journal", journal),
    ("facts", facts),
];

/// swarm.yaml: every fault has a place inside the text, and what is accepted is accepted again.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("swarm.yaml");
    match config::load_text(path, text) {
        Ok(loaded) => {
            let again = config::load_text(path, text).expect("what was accepted is accepted again");
            assert_eq!(loaded.config_hash, again.config_hash);
        }
        Err(report) => {
            assert!(!report.errors.is_empty(), "refused without a word");
            // A carriage return alone ends a line of YAML as well.
            let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
            for error in report.errors.iter().filter(|error| error.file == "swarm.yaml") {
                assert!((1..=lines).contains(&error.line), "{error}: the text has {lines} lines");
                assert!(error.column >= 1 && !error.message.is_empty(), "{error}");
            }
        }
    }
}

/// What is understood of an answer is written and read again as the same.
fn check_answer<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(value) = decode::<T>(bytes) else { return };
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    match decode::<T>(&written) {
        Ok(again) => assert_eq!(serde_json::to_value(&value).ok(), serde_json::to_value(&again).ok()),
        // What the venue writes as a JSON number has 15 digits: next to 92 billion the last ones are lost.
        Err(error) => assert!(error.to_string().contains("is out of range: amounts"), "{error}"),
    }
}

/// Readers of the answers of REST calls; the first byte of a seed says which.
pub const ANSWERS: [(&str, Target); 18] = [
    ("exchange_info", check_answer::<ExchangeInfo>),
    ("depth", check_answer::<Depth>),
    ("klines", check_answer::<Vec<Kline>>),
    ("premium_index", check_answer::<Many<PremiumIndex>>),
    ("ticker_24h", check_answer::<Many<Ticker24h>>),
    ("ticker_book", check_answer::<Many<QuoteTicker>>),
    ("orders", check_answer::<Vec<OrderAnswer>>),
    ("order", check_answer::<OrderAnswer>),
    ("batch", check_answer::<Vec<Element<OrderAnswer>>>),
    ("strategy", check_answer::<Strategy>),
    ("balance", check_answer::<Vec<Balance>>),
    ("account", check_answer::<Account>),
    ("position_risk", check_answer::<Vec<PositionRisk>>),
    ("user_trades", check_answer::<Vec<UserTrade>>),
    ("income", check_answer::<Vec<Income>>),
    ("leverage_bracket", check_answer::<Many<SymbolBrackets>>),
    ("funding_rate", check_answer::<Vec<FundingRate>>),
    ("trades", check_answer::<Vec<Trade>>),
];

/// Answers of REST calls, and error bodies under any status.
pub fn answers(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    (ANSWERS[usize::from(first) % ANSWERS.len()].1)(body);
    let error = ErrorBody::find(body);
    for status in [200, 400, 401, 403, 418, 429, 500, 503] {
        // Total: every status with every body has a class.
        let _ = classify(status, error.as_ref());
    }
}

/// Frames of both kinds of stream. A fill says exactly what its text says: never another quantity or price.
pub fn frames(bytes: &[u8]) {
    let Ok(frame) = Frame::read(bytes) else { return };
    let events = match frame.body {
        Body::Event(event) => vec![event],
        Body::Events(events) => events,
        Body::Done { .. } | Body::Refused { .. } => return,
    };
    for event in &events {
        if matches!(event, Event::Other { .. }) {
            continue;
        }
        let written = serde_json::to_vec(event).expect("what was read can be written");
        let again = Event::read(&written).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(serde_json::to_value(event).ok(), serde_json::to_value(&again).ok());
    }
    if let ([Event::Order(_)], Ok(text)) = (events.as_slice(), serde_json::from_slice::<Value>(bytes)) {
        let told = text.get("data").unwrap_or(&text);
        let understood = serde_json::to_value(&events[0]).expect("what was read can be written");
        for field in ["q", "p", "ap", "sp", "l", "z", "L", "n", "t", "i"] {
            check_number(field, told.pointer(&format!("/o/{field}")), understood.pointer(&format!("/o/{field}")));
        }
    }
}

/// Two texts of the same number, compared digit by digit, without floating point and without our own reader.
fn check_number(field: &str, told: Option<&Value>, understood: Option<&Value>) {
    let plain = |value: Option<&Value>| match value {
        Some(Value::String(text)) => plain_decimal(text),
        Some(Value::Number(number)) => plain_decimal(&number.to_string()),
        _ => None,
    };
    if let (Some(told), Some(understood)) = (plain(told), plain(understood)) {
        assert_eq!(told, understood, "field {field}");
    }
}

/// Sign, digits before and after the point, without zeros that mean nothing. None for other ways to write numbers, and
/// for more than eight decimals, which are rounded.
fn plain_decimal(text: &str) -> Option<(bool, String, String)> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(part) || digits.is_empty() || part.len() > 8 {
        return None;
    }
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    Some((negative && !(whole.is_empty() && part.is_empty()), whole.to_owned(), part.to_owned()))
}

/// Form bodies and queries, as a venue reads them.
pub fn requests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(pairs) = read_pairs(text) else { return };
    drop(read_request::<NewOrder>(&pairs));
    drop(read_request::<MarketQuery>(&pairs));
    drop(read_request::<KlineQuery>(&pairs));
}

/// The same minute for ever.
struct Still;

impl Tape for Still {
    fn next(&mut self, step: &mut Step) -> bool {
        let open_time = if step.candles.is_empty() { START } else { step.close_time };
        let price = Price::whole(100);
        let candle = Candle { open_time, open: price, high: price, low: price, close: price, volume: 1e6 };
        step.candles = vec![Some(candle)];
        step.funding.clear();
        step.close_time = open_time.plus(60_000);
        true
    }
}

const START: Time = Time(1_735_689_600_000);

thread_local! {
    static VENUE: RefCell<(venue_server::Venue, u64)> = RefCell::new((
        venue_server::Venue::new(venue_server::Setup {
            instruments: vec![config::instruments::instrument("SOLUSDT")],
            base: Interval::M1,
            market: venue_server::Market::Candles(Box::new(Still)),
            warm_up: 10,
            start: None,
            accounts: venue_server::default_accounts(),
            params: ExchangeParams::default(),
            chain_ids: vec![714],
            seed: 1,
            limits: true,
        }),
        1_735_689_600_000_000,
    ));
}

/// Requests to the served venue: a line `METHOD path`, a line of query, a line of body, a line with a key. Every
/// one is answered, with a status of HTTP and, where that is an error, a code.
pub fn venue(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let (method, path) = lines.next().unwrap_or_default().split_once(' ').unwrap_or(("GET", "/"));
    let request = venue_server::Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: lines.next().unwrap_or_default().to_owned(),
        body: lines.next().unwrap_or_default().to_owned(),
        key: lines.next().map(str::to_owned),
        peer: "192.0.2.1".to_owned(),
        is_local: false,
        signature: None,
    };
    VENUE.with_borrow_mut(|(venue, clock)| {
        // A minute later each time, so that no limit hides what is behind it.
        *clock += 60_000_000;
        let answer = venue.handle(*clock, &request);
        assert!((200..600).contains(&answer.status), "{}", answer.status);
        if answer.status >= 400 && answer.is_json {
            assert!(ErrorBody::find(answer.body.as_bytes()).is_some(), "{} {}", answer.status, answer.body);
        }
    });
}

/// A journal: reading it piece by piece is reading it whole, and a good record is never read otherwise than written.
pub fn journal(bytes: &[u8]) {
    let mut journal = first_header().to_vec();
    journal.extend_from_slice(bytes);
    for journal in [bytes, &journal] {
        let mut ended = false;
        for record in records(journal) {
            assert!(!ended, "an error is the last thing that is read");
            match record {
                Ok(record) => assert!(record.offset < journal.len() as u64),
                Err(_) => ended = true,
            }
        }
    }
}

/// Facts: what a payload says is written and read again as the same, as a record of a journal.
pub fn facts(bytes: &[u8]) {
    let Ok(fact) = postcard::from_bytes::<Fact>(bytes) else { return };
    let mut journal = first_header().to_vec();
    if encode(Link::start(), false, &fact, &mut journal).is_err() {
        return;
    }
    let read: Vec<_> = records(&journal).map(|record| record.map(|record| record.fact)).collect();
    let [Ok(read)] = read.as_slice() else { panic!("one good record was written, and read were {read:?}") };
    // Not `==`: a number that is none is not equal to itself.
    assert_eq!(postcard::to_allocvec(read), postcard::to_allocvec(&fact));
}
