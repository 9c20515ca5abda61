//! `swarm data fetch` against a venue on loopback that answers like AsterDEX: pages, limits, outages, nonsense. What
//! ends up in the files is exactly what the venue has, whatever happened on the way.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use asterswarm::market::fetch::{
    ATTEMPTS, Client, FetchError, Fetched, Host, LONGEST_WAIT, Progress, Request, USABLE_WEIGHT, What, fetch,
};
use asterswarm::market::{Query as MarketQuery, load};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{M5, Place, START, until};
use swarm_core::model::{Interval, Time};
use tempfile::TempDir;

/// What goes wrong with the next answer.
#[derive(Clone, Debug)]
enum Fault {
    /// A status, a body, and `Retry-After`.
    Status(u16, &'static str, Option<u64>),
    /// Half of the answer, as if that were all.
    Truncated,
    /// Half of the answer, and the connection is gone.
    Cut,
    /// This instead of the answer.
    Body(&'static str),
    /// The answer with rows from before what was asked for.
    Overlapping(i64),
    /// The answer with its first two rows swapped.
    Swapped,
    /// The answer with its last row twice.
    Twice,
    /// The answer with one time off the grid.
    OffGrid,
    /// The answer with what comes after the end that was asked for: the candle that is open, too.
    PastEnd,
    /// Never an answer.
    Silence,
}

/// What the venue has, and what happens to it.
#[derive(Default)]
struct Venue {
    /// Its clock.
    now: i64,
    /// Open times of its candles.
    candles: Vec<i64>,
    /// Times of its payments.
    funding: Vec<i64>,
    /// By number of the request for rows, from 0.
    faults: BTreeMap<usize, Fault>,
    /// At every request for rows.
    always: Option<Fault>,
    /// Requests for rows so far.
    asked: Vec<(String, BTreeMap<String, String>)>,
    /// Weight that it says is used, once each.
    weights: VecDeque<u32>,
}

type Shared = Data<Mutex<Venue>>;

fn candle(open_time: i64, shift: f64) -> Value {
    let number = (open_time - START) / M5;
    let open = 100.0 + (number % 17) as f64 + shift;
    json!([
        open_time,
        format!("{open:.2}"),
        format!("{:.2}", open + 1.0),
        format!("{:.2}", open - 1.0),
        format!("{:.2}", open + 0.5),
        format!("{}.125", number % 7),
        open_time + M5 - 1,
        "1234.5",
        12,
        "3.5",
        "350.1",
        "0"
    ])
}

async fn time(venue: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "serverTime": venue.lock().unwrap().now }))
}

async fn rows(venue: Shared, request: HttpRequest, query: Query<BTreeMap<String, String>>) -> HttpResponse {
    let (body, fault, weight) = {
        let mut venue = venue.lock().unwrap();
        let number = venue.asked.len();
        venue.asked.push((request.path().to_owned(), query.0.clone()));
        let of = |name: &str| query.get(name).map(|text| text.parse::<i64>().unwrap());
        if query["symbol"] == "NOSUCHUSDT" {
            return HttpResponse::BadRequest().json(json!({ "code": -1121, "msg": "Invalid symbol." }));
        }
        let fault = venue.always.clone().or_else(|| venue.faults.remove(&number));
        let early = if let Some(Fault::Overlapping(rows)) = fault { rows * M5 } else { 0 };
        let to = if matches!(fault, Some(Fault::PastEnd)) { i64::MAX } else { of("endTime").unwrap() };
        let from = of("startTime").unwrap() - early;
        let limit = of("limit").unwrap().min(1_500) as usize;
        let inside = |times: &[i64]| -> Vec<i64> {
            times.iter().copied().filter(|time| (from..=to).contains(time)).take(limit).collect()
        };
        let mut body: Vec<Value> = if request.path().ends_with("klines") {
            inside(&venue.candles).into_iter().map(|at| candle(at, 0.0)).collect()
        } else {
            let payment = |at| json!({ "symbol": "BTCUSDT", "fundingRate": "0.00010000", "fundingTime": at });
            inside(&venue.funding).into_iter().map(payment).collect()
        };
        match fault {
            Some(Fault::Swapped) => body.swap(0, 1),
            Some(Fault::Twice) => body.extend(body.last().cloned()),
            Some(Fault::OffGrid) => body[1][0] = json!(body[1][0].as_i64().unwrap() + 1),
            _ => {}
        }
        (Value::Array(body).to_string(), fault, venue.weights.pop_front())
    };
    let half = body[..body.len() / 2].to_owned();
    match fault {
        Some(Fault::Silence) => futures_util::future::pending().await,
        Some(Fault::Status(status, body, retry_after)) => {
            let mut answer = HttpResponse::build(status.try_into().unwrap());
            if let Some(seconds) = retry_after {
                answer.insert_header(("Retry-After", seconds.to_string()));
            }
            answer.body(body)
        }
        Some(Fault::Body(body)) => HttpResponse::Ok().body(body),
        Some(Fault::Truncated) => HttpResponse::Ok().body(half),
        Some(Fault::Cut) => {
            let parts = [Ok(Bytes::from(half)), Err(std::io::Error::other("gone"))];
            HttpResponse::Ok().no_chunking(body.len() as u64).streaming(futures_util::stream::iter(parts))
        }
        _ => {
            let mut answer = HttpResponse::Ok();
            if let Some(weight) = weight {
                answer.insert_header(("X-MBX-USED-WEIGHT-1M", weight.to_string()));
            }
            answer.content_type("application/json").body(body)
        }
    }
}

/// A venue being served, and a folder for what is fetched from it.
struct Scene {
    venue: Shared,
    url: String,
    server: ServerHandle,
    out: TempDir,
}

/// Waits for nothing and remembers what it should have waited for.
#[derive(Default)]
struct Waits(Mutex<Vec<(u64, String)>>, Mutex<Vec<Progress>>);

impl Host for Waits {
    fn pause<'a>(&'a self, length: Duration, why: &'a str) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap().push((length.as_millis() as u64, why.to_owned()));
        Box::pin(std::future::ready(()))
    }
    fn progress(&self, progress: Progress) {
        self.1.lock().unwrap().push(progress);
    }
}

impl Waits {
    fn lengths(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(|(length, _)| *length).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Scene {
    /// A venue with candles that follow each other from the start on, whose clock stands inside of the last one.
    async fn new(candles: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let venue = Data::new(Mutex::new(Venue {
            now: START + candles * M5 - 1,
            candles: (0..candles).map(|number| START + number * M5).collect(),
            ..Venue::default()
        }));
        let shared = venue.clone();
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .route("/fapi/v1/time", web::get().to(time))
                .route("/fapi/v1/klines", web::get().to(rows))
                .route("/fapi/v1/fundingRate", web::get().to(rows))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { venue, url, server: handle, out: tempfile::tempdir().unwrap() }
    }

    fn change(&self, change: impl FnOnce(&mut Venue)) {
        change(&mut self.venue.lock().unwrap());
    }

    /// Lets requests for rows fail, by their numbers.
    fn fail(&self, numbers: std::ops::Range<usize>, fault: &Fault) {
        self.change(|venue| venue.faults.extend(numbers.map(|number| (number, fault.clone()))));
    }

    fn request(&self, what: What) -> Request {
        Request { symbol: "BTCUSDT".to_owned(), what, from: Time(START), to: None, out: self.out.path().to_owned() }
    }

    async fn fetch(&self, waits: &Waits) -> Result<Fetched, FetchError> {
        fetch(&mut Client::new(&self.url).unwrap(), &self.request(What::Candles(Interval::M5)), waits).await
    }

    fn file(&self) -> PathBuf {
        self.out.path().join("5m/BTCUSDT.csv")
    }

    /// Open times in the file.
    fn times(&self) -> Vec<i64> {
        times(&self.file())
    }

    /// The venue's candles but for the one that is open.
    fn closed(&self) -> Vec<i64> {
        let venue = self.venue.lock().unwrap();
        venue.candles.iter().copied().filter(|at| at + M5 <= venue.now).collect()
    }

    fn requests(&self) -> usize {
        self.venue.lock().unwrap().asked.len()
    }
}

fn times(file: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
}

#[actix_web::test]
async fn pages_are_joined_to_what_the_venue_has_and_a_backtest_reads_it() {
    let scene = Scene::new(2_501).await;
    let waits = Waits::default();
    let fetched = scene.fetch(&waits).await.unwrap();
    assert_eq!(scene.times(), scene.closed());
    assert_eq!((fetched.rows_before, fetched.rows_added), (0, 2_500));
    assert_eq!((fetched.first, fetched.last), (Some(Time(START)), Some(Time(START + 2_499 * M5))));
    assert!(waits.lengths().is_empty());
    let asked = scene.venue.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 3, "1,000, 1,000 and 500 rows: the end is reached");
    for (number, (path, query)) in asked.iter().enumerate() {
        let expected = (START + number as i64 * 1_000 * M5).to_string();
        assert_eq!(
            (path.as_str(), &query["startTime"], query["limit"].as_str()),
            ("/fapi/v1/klines", &expected, "1000")
        );
        assert_eq!((query["interval"].as_str(), query["symbol"].as_str()), ("5m", "BTCUSDT"));
    }
    let progress = waits.1.lock().unwrap().clone();
    assert_eq!(progress.iter().map(|progress| progress.rows).collect::<Vec<_>>(), [0, 1_000, 2_000, 2_500]);
    assert_eq!(progress[3].at, progress[3].to);
    let query = MarketQuery {
        dir: scene.out.path().to_owned(),
        symbols: vec!["BTCUSDT".to_owned()],
        base: Interval::M5,
        from: None,
        to: None,
    };
    let recording = load(&query).unwrap();
    assert_eq!((recording.candles(), recording.gap_count()), (2_500, 0));
    assert_eq!((recording.series[0][9].close.to_string(), recording.series[0][9].volume), ("109.5".to_owned(), 2.125));
}

#[actix_web::test]
async fn the_candle_that_is_open_is_not_written_until_it_has_closed() {
    let scene = Scene::new(10).await;
    // Whatever was asked for, the venue sends it.
    scene.change(|venue| venue.always = Some(Fault::PastEnd));
    scene.fetch(&Waits::default()).await.unwrap();
    assert_eq!(scene.times().len(), 9);
    scene.change(|venue| venue.now += 1);
    let fetched = scene.fetch(&Waits::default()).await.unwrap();
    assert_eq!((fetched.rows_before, fetched.rows_added), (9, 1));
    assert_eq!(scene.times(), scene.closed());
    // Nothing new: nothing is asked for.
    let requests = scene.requests();
    assert_eq!(scene.fetch(&Waits::default()).await.unwrap().rows_added, 0);
    assert_eq!(scene.requests(), requests);
}

/// Fetches with a fault at the second request for rows; gives what was waited for.
async fn survives(fault: Fault) -> Vec<u64> {
    let scene = Scene::new(2_201).await;
    scene.fail(1..2, &fault);
    let waits = Waits::default();
    let fetched = scene.fetch(&waits).await;
    assert_eq!(fetched.unwrap().rows_added, 2_200, "{fault:?}");
    assert_eq!(scene.times(), scene.closed(), "{fault:?}");
    waits.lengths()
}

#[actix_web::test]
async fn outages_and_nonsense_are_asked_again_and_leave_no_trace() {
    const PAGE: &str = "<html><body>502 Bad Gateway</body></html>";
    for (fault, wait) in [
        (Fault::Status(429, r#"{"code":-1003,"msg":"Too many requests."}"#, Some(7)), 7_000),
        (Fault::Status(429, "", None), 10_000),
        (Fault::Status(418, "", Some(130)), 130_000),
        (Fault::Status(418, "", None), 120_000),
        (Fault::Status(500, "", None), 500),
        (Fault::Status(502, PAGE, None), 500),
        (Fault::Status(503, "", Some(4)), 4_000),
        (Fault::Body(r#"{"code":"-1003","msg":"Too many requests."}"#), 10_000),
        (Fault::Body(PAGE), 500),
        (Fault::Body(""), 500),
        (Fault::Body("{}"), 500),
        (Fault::Body(r#"[[1,"2"]]"#), 500),
        (Fault::Truncated, 500),
        (Fault::Cut, 500),
        (Fault::Swapped, 500),
        (Fault::Twice, 500),
        (Fault::OffGrid, 500),
    ] {
        assert_eq!(survives(fault.clone()).await, [wait], "{fault:?}");
    }
}

#[actix_web::test]
async fn pages_that_overlap_are_joined_without_a_row_twice() {
    for rows in [1, 3, 400] {
        assert!(survives(Fault::Overlapping(rows)).await.is_empty(), "{rows}");
    }
    // A page that does not get beyond what is there is no page.
    assert_eq!(survives(Fault::Overlapping(1_000)).await, [500]);
}

#[actix_web::test]
async fn an_outage_that_lasts_is_given_up_and_what_was_fetched_stays() {
    let scene = Scene::new(2_501).await;
    let waits = Waits::default();
    scene.fail(1..100, &Fault::Status(500, "down", None));
    let error = scene.fetch(&waits).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Unreachable { attempts, last, .. } if *attempts == ATTEMPTS && last.contains("500: down")),
        "{error}"
    );
    assert_eq!(waits.lengths(), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    assert_eq!(scene.times().len(), 1_000);
    scene.change(|venue| venue.faults.clear());
    assert_eq!(scene.fetch(&Waits::default()).await.unwrap().rows_before, 1_000);
    assert_eq!(scene.times(), scene.closed());
}

#[actix_web::test]
async fn what_would_be_refused_again_is_not_asked_again() {
    let scene = Scene::new(10).await;
    for (fault, words) in [
        (Fault::Status(403, "<html>blocked</html>", None), "status 403"),
        (Fault::Status(400, r#"{"code":-1120,"msg":"Invalid interval."}"#, None), "Invalid interval. (code -1120)"),
        (Fault::Body(r#"{"code":-1121,"msg":"Invalid symbol."}"#), "Invalid symbol. (code -1121)"),
    ] {
        scene.change(|venue| venue.always = Some(fault.clone()));
        let (before, waits) = (scene.requests(), Waits::default());
        let error = scene.fetch(&waits).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused { .. }) && error.to_string().contains(words), "{error}");
        assert_eq!((scene.requests() - before, waits.lengths().len()), (1, 0));
        assert!(!scene.file().exists());
    }
    let long = LONGEST_WAIT.as_secs() + 1;
    scene.change(|venue| venue.always = Some(Fault::Status(418, "", Some(long))));
    assert_eq!(scene.fetch(&Waits::default()).await, Err(FetchError::Banned { seconds: long }));
}

#[actix_web::test]
async fn the_venues_own_count_of_weight_is_kept_below_its_limit() {
    let scene = Scene::new(3_001).await;
    scene.change(|venue| venue.weights = VecDeque::from([USABLE_WEIGHT - 5, USABLE_WEIGHT - 4, 5]));
    let waits = Waits::default();
    scene.fetch(&waits).await.unwrap();
    let told = waits.0.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "before the third page: {told:?}");
    assert!((2_000..=61_000).contains(&told[0].0) && told[0].1.contains("weight"), "{told:?}");
    assert_eq!(scene.times().len(), 3_000);
}

#[actix_web::test]
async fn holes_of_the_venue_stay_holes_and_a_late_listing_is_no_fault() {
    let scene = Scene::new(3_000).await;
    scene.change(|venue| {
        venue.candles.retain(|at| !(START + 900 * M5..START + 1_100 * M5).contains(at) && *at >= START + 50 * M5)
    });
    scene.fetch(&Waits::default()).await.unwrap();
    assert_eq!(scene.times(), scene.closed());
    // Again: there is nothing before the first candle, which one request tells.
    let requests = scene.requests();
    assert_eq!(scene.fetch(&Waits::default()).await.unwrap().rows_added, 0);
    assert_eq!(scene.requests(), requests + 1);
    let nothing = Scene::new(100).await;
    nothing.change(|venue| venue.candles.clear());
    let fetched = nothing.fetch(&Waits::default()).await.unwrap();
    assert_eq!((fetched.rows_added, fetched.first, nothing.file().exists()), (0, None, false));
}

#[actix_web::test]
async fn an_earlier_start_is_put_before_what_is_there() {
    let scene = Scene::new(2_600).await;
    let mut late = scene.request(What::Candles(Interval::M5));
    (late.from, late.to) = (Time(START + 1_300 * M5), Some(Time(START + 1_400 * M5)));
    let mut client = Client::new(&scene.url).unwrap();
    assert_eq!(fetch(&mut client, &late, &Waits::default()).await.unwrap().rows_added, 100);
    let fetched = scene.fetch(&Waits::default()).await.unwrap();
    assert_eq!((fetched.rows_before, fetched.rows_added, fetched.first), (100, 2_499, Some(Time(START))));
    assert_eq!(scene.times(), scene.closed());
}

#[actix_web::test]
async fn a_line_that_was_not_written_whole_is_cut_off_and_fetched_again() {
    for (kept, before) in [(1_000, 500), (30, 0), (20, 0), (0, 0)] {
        let scene = Scene::new(501 + 500).await;
        let mut half = scene.request(What::Candles(Interval::M5));
        half.to = Some(Time(START + 500 * M5));
        fetch(&mut Client::new(&scene.url).unwrap(), &half, &Waits::default()).await.unwrap();
        let text = std::fs::read_to_string(scene.file()).unwrap();
        let torn = if kept == 1_000 { format!("{text}1704217200000,10") } else { text[..kept].to_owned() };
        std::fs::write(scene.file(), torn).unwrap();
        let fetched = scene.fetch(&Waits::default()).await.unwrap();
        assert_eq!(fetched.rows_before, before, "{kept}");
        assert_eq!(scene.times(), scene.closed(), "{kept}");
    }
}

#[actix_web::test]
async fn a_file_with_a_fault_is_refused_and_left_as_it_is() {
    let scene = Scene::new(100).await;
    scene.fetch(&Waits::default()).await.unwrap();
    let text = std::fs::read_to_string(scene.file()).unwrap();
    let line = |number: usize| text.lines().nth(number).unwrap().to_owned() + "\n";
    for (damaged, words) in [
        (text.replacen(&line(5), "", 1) + &line(5), "line 100:"),
        (text.replacen(",100.00,", ",abc,", 1), "line 2:"),
        (text.replacen("open_time", "time", 1), "line 1:"),
        (text.replacen("00000,", "00007,", 1), "line 2:"),
    ] {
        std::fs::write(scene.file(), &damaged).unwrap();
        let error = scene.fetch(&Waits::default()).await.unwrap_err();
        assert!(matches!(error, FetchError::File(_)) && error.to_string().contains(words), "{words} {error}");
        assert_eq!(std::fs::read_to_string(scene.file()).unwrap(), damaged);
    }
    let scene = Scene::new(100).await;
    std::fs::create_dir_all(scene.out.path().join("5m")).unwrap();
    std::fs::write(scene.out.path().join("5m/BTCUSDT_2024.csv.gz"), "").unwrap();
    let error = scene.fetch(&Waits::default()).await.unwrap_err();
    assert!(error.to_string().contains("holds BTCUSDT already"), "{error}");
}

#[actix_web::test]
async fn a_file_of_the_six_columns_is_continued_in_its_own_shape() {
    let scene = Scene::new(100).await;
    let text = format!("{}{START},100.00,101,99,100.50,0.125\n", support::HEADER);
    std::fs::create_dir_all(scene.out.path().join("5m")).unwrap();
    std::fs::write(scene.file(), text).unwrap();
    assert_eq!(scene.fetch(&Waits::default()).await.unwrap().rows_added, 98);
    assert!(std::fs::read_to_string(scene.file()).unwrap().lines().all(|line| line.split(',').count() == 6));
    assert_eq!(scene.times(), scene.closed());
}

#[actix_web::test]
async fn funding_is_paged_continued_and_read_by_a_backtest() {
    let scene = Scene::new(5_000).await;
    let hour = 3_600_000;
    // Stamped some milliseconds late.
    scene.change(|venue| venue.funding = (0..416).map(|number| START + number * hour + 3).collect());
    let mut request = scene.request(What::Funding);
    request.to = Some(Time(START + 100 * hour));
    let mut client = Client::new(&scene.url).unwrap();
    let fetched = fetch(&mut client, &request, &Waits::default()).await.unwrap();
    assert_eq!(fetched.rows_added, 100);
    request.to = None;
    let fetched = fetch(&mut client, &request, &Waits::default()).await.unwrap();
    assert_eq!((fetched.rows_before, fetched.rows_added), (100, 316));
    assert_eq!(times(&fetched.file), scene.venue.lock().unwrap().funding);
    scene.fetch(&Waits::default()).await.unwrap();
    let query = MarketQuery {
        dir: scene.out.path().to_owned(),
        symbols: vec!["BTCUSDT".to_owned()],
        base: Interval::M5,
        from: None,
        to: None,
    };
    let recording = load(&query).unwrap();
    assert_eq!((recording.funding[0].len(), recording.warnings.len()), (416, 0), "{:?}", recording.warnings);
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let scene = Scene::new(10).await;
    let sound = scene.request(What::Candles(Interval::M5));
    for request in [
        Request { symbol: "btcusdt".to_owned(), ..sound.clone() },
        Request { symbol: "../BTCUSDT".to_owned(), ..sound.clone() },
        Request { what: What::Candles("1w".parse().unwrap()), ..sound.clone() },
        Request { what: What::Candles("7m".parse().unwrap()), ..sound.clone() },
        Request { to: Some(sound.from), ..sound },
    ] {
        let done = fetch(&mut Client::new(&scene.url).unwrap(), &request, &Waits::default()).await;
        assert!(matches!(done, Err(FetchError::Input(_))), "{request:?}: {done:?}");
    }
    assert_eq!(scene.requests(), 0);
    for base in ["", "fapi.asterdex.com", "ftp://127.0.0.1"] {
        assert!(matches!(Client::new(base), Err(FetchError::Input(_))), "{base}");
    }
}

/// The command in a process of its own.
fn words<'a>(scene: &'a Scene, out: &'a str) -> Vec<&'a str> {
    let mut words = vec!["data", "fetch", "--symbols", "BTCUSDT", "--interval", "5m", "--from", "2024-01-01"];
    words.extend(["--out", out, "--base-url", &scene.url]);
    words
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::rt::task::spawn_blocking(work).await.unwrap()
}

#[actix_web::test]
async fn ctrl_c_leaves_whole_pages_and_the_same_command_goes_on() {
    let scene = Scene::new(3_501).await;
    scene.fail(2..3, &Fault::Silence);
    let (place, out) = (Arc::new(Place::with("")), scene.out.path().to_str().unwrap().to_owned());
    let words: Vec<String> = words(&scene, &out).into_iter().map(str::to_owned).collect();
    let (at, venue, again) = (Arc::clone(&place), scene.venue.clone(), words.clone());
    let done = apart(move || {
        let process = at.launch(&words.iter().map(String::as_str).collect::<Vec<_>>());
        until("the third request", || (venue.lock().unwrap().asked.len() == 3).then_some(()));
        process.signal("INT");
        process.end()
    })
    .await;
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("the same command goes on"), "{}", done.err);
    assert_eq!(scene.times().len(), 2_000);
    let done = apart(move || {
        let mut words: Vec<&str> = again.iter().map(String::as_str).collect();
        words.push("--json");
        place.run(&words)
    })
    .await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(
        (&done.json()["fetched"][0]["rows_before"], &done.json()["fetched"][0]["rows_added"]),
        (&json!(2_000), &json!(1_500))
    );
    assert_eq!(done.err, "", "no progress where no terminal shows it");
    assert_eq!(scene.times(), scene.closed());
}

#[actix_web::test]
async fn the_command_says_what_went_wrong_by_its_exit_code() {
    let scene = Scene::new(10).await;
    let (place, out, url) =
        (Arc::new(Place::with("")), scene.out.path().to_str().unwrap().to_owned(), scene.url.clone());
    let (refused, wrong) = apart(move || {
        let base = [
            "data",
            "fetch",
            "--interval",
            "5m",
            "--from",
            "2024-01-01",
            "--out",
            &out,
            "--base-url",
            &url,
            "--symbols",
        ];
        let run = |symbols: &str, further: &[&str]| place.run(&[&base, [symbols].as_slice(), further].concat());
        (run("NOSUCHUSDT", &["--json"]), run("BTCUSDT", &["--to", "2023-01-01"]))
    })
    .await;
    assert_eq!((refused.code, &refused.json()["error"]["code"]), (Some(1), &json!("refused")), "{}", refused.err);
    assert!(refused.err.contains("Invalid symbol"), "{}", refused.err);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}
