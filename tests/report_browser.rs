//! report.html in a browser: it draws without a word on the console, what is chosen is shown, it fits a narrow
//! window, and it is dark in the dark. Skipped, loudly, where there is no Chromium.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use flate2::read::ZlibDecoder;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Place;

/// What the browser is started with besides a profile of its own: no sandbox, since tests may run as root.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--force-device-scale-factor=1",
];

fn chromium() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success()));
    if found.is_none() {
        eprintln!("SKIPPED: no chromium, so report.html was not opened in a browser");
    }
    found
}

/// Opens a file: stdout, after a look at the console.
fn open(browser: &str, place: &Place, file: &Path, words: &[&str]) -> Vec<u8> {
    // A profile of its own each time: what is left of a browser may write into it after its end.
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    let profile = place.path(&format!("profile-{}", OPENED.fetch_add(1, Ordering::Relaxed)));
    // A browser that hangs is ended.
    let done = Command::new("timeout")
        .args(["--kill-after=5", "180", browser])
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(words)
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(profile);
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{err}");
    assert!(!err.contains(":CONSOLE"), "the page wrote to the console: {err}");
    done.stdout
}

/// A report with trades of all agents.
fn report() -> (Place, PathBuf) {
    let place = Place::new();
    let done = place.run(&["backtest", "--data", "data", "--out", "out"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let page = place.path("out/report.html");
    (place, page)
}

/// Pixels of an image of eight bits a channel.
struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Image {
    /// Decodes a PNG as browsers write it: RGB or RGBA of eight bits, not interlaced.
    fn decode(png: &[u8]) -> Self {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let (width, height) = (number(16), number(20));
        let channels = match (png[24], png[25], png[28]) {
            (8, 2, 0) => 3,
            (8, 6, 0) => 4,
            other => panic!("a kind of PNG that is not expected: {other:?}"),
        };
        let (mut at, mut packed) = (8, Vec::new());
        while at < png.len() {
            let length = number(at);
            if &png[at + 4..at + 8] == b"IDAT" {
                packed.extend_from_slice(&png[at + 8..at + 8 + length]);
            }
            at += 12 + length;
        }
        let mut raw = Vec::new();
        ZlibDecoder::new(&packed[..]).read_to_end(&mut raw).unwrap();
        let stride = width * channels;
        let mut before = vec![0_u8; stride];
        let mut pixels = Vec::with_capacity(width * height);
        for row in raw.chunks_exact(stride + 1) {
            let line = unfilter(row[0], &row[1..], &before, channels);
            pixels.extend(line.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]));
            before = line;
        }
        assert_eq!(pixels.len(), width * height);
        Self { width, height, pixels }
    }

    fn brightness_at_the_corner(&self) -> u32 {
        self.pixels[0].iter().map(|channel| u32::from(*channel)).sum::<u32>() / 3
    }

    /// Rows of pixels that are not all alike, as a share.
    fn drawn(&self) -> f64 {
        let rows = self.pixels.chunks_exact(self.width);
        let drawn = rows.filter(|row| row.iter().any(|pixel| pixel != &row[0])).count();
        drawn as f64 / self.height as f64
    }

    fn colours(&self) -> usize {
        let changes = self.pixels.windows(2).filter(|pair| pair[0] != pair[1]).map(|pair| pair[1]);
        changes.collect::<BTreeSet<_>>().len()
    }
}

/// A line of a PNG without its filter (PNG specification, 9.2).
fn unfilter(filter: u8, line: &[u8], before: &[u8], channels: usize) -> Vec<u8> {
    let mut plain = vec![0_u8; line.len()];
    for index in 0..line.len() {
        let left = if index >= channels { plain[index - channels] } else { 0 };
        let above = before[index];
        let corner = if index >= channels { before[index - channels] } else { 0 };
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => above,
            3 => ((u16::from(left) + u16::from(above)) / 2) as u8,
            4 => paeth(left, above, corner),
            other => panic!("unknown filter {other}"),
        };
        plain[index] = line[index].wrapping_add(guess);
    }
    plain
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let guess = a + b - c;
    let [far_a, far_b, far_c] = [a, b, c].map(|value| (guess - value).abs());
    if far_a <= far_b && far_a <= far_c {
        left
    } else if far_b <= far_c {
        above
    } else {
        corner
    }
}

/// Takes a picture of the top of the page.
fn picture(browser: &str, place: &Place, page: &Path, size: &str, words: &[&str]) -> Image {
    let file = place.path("picture.png");
    let shot = format!("--screenshot={}", file.display());
    let size = format!("--window-size={size}");
    open(browser, place, page, &[&[shot.as_str(), size.as_str()], words].concat());
    Image::decode(&std::fs::read(file).unwrap())
}

#[test]
fn the_page_is_drawn_in_light_and_dark() {
    let Some(browser) = chromium() else { return };
    let (place, page) = report();
    let light = picture(browser, &place, &page, "1200,2400", &["--blink-settings=preferredColorScheme=1"]);
    assert_eq!((light.width, light.height), (1200, 2400));
    assert!(light.brightness_at_the_corner() > 230, "light");
    let dark = picture(browser, &place, &page, "1200,2400", &["--blink-settings=preferredColorScheme=0"]);
    assert!(dark.brightness_at_the_corner() < 50, "dark");
    for image in [&light, &dark] {
        assert!(image.drawn() > 0.5, "{} of the rows have something on them", image.drawn());
        assert!(image.colours() > 100, "{} colours", image.colours());
    }
}

/// Watches for faults from the first script on.
const WATCH: &str = "<script>window.faults = [];\
    addEventListener('error', (event) => window.faults.push(String(event.message)));\
    addEventListener('securitypolicyviolation', (event) => window.faults.push('policy: ' + event.blockedURI));</script>";

/// Chooses what can be chosen and writes what was seen where the test can read it.
const ACT: &str = include_str!("fixtures/report_use.js");

/// What the page showed while it was used, in a window so many pixels wide.
fn used(browser: &str, place: &Place, page: &Path, width: u32) -> Value {
    let text = std::fs::read_to_string(page).unwrap();
    let text = text.replacen("<head>", &format!("<head>{WATCH}"), 1);
    let at = text.rfind("</body>").unwrap();
    let file = place.path("used.html");
    std::fs::write(&file, format!("{}<script>{ACT}</script></body>{}", &text[..at], &text[at + "</body>".len()..]))
        .unwrap();
    let size = format!("--window-size={width},1000");
    let dom = String::from_utf8(open(browser, place, &file, &["--dump-dom", &size])).unwrap();
    let start = "<pre id=\"seen\">";
    let rest = &dom[dom.find(start).unwrap_or_else(|| panic!("the page did not get to its end")) + start.len()..];
    serde_json::from_slice(&from_base64(&rest[..rest.find('<').unwrap()])).unwrap()
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> =
        text.bytes().filter(|letter| *letter != b'=').map(|letter| u32::from(digit(letter))).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let all = group.iter().enumerate().map(|(place, digit)| digit << (18 - 6 * place)).sum::<u32>();
        bytes.extend_from_slice(&all.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[test]
fn what_is_chosen_is_shown_and_nothing_goes_wrong() {
    let Some(browser) = chromium() else { return };
    let (place, page) = report();
    let trades_in_file = std::fs::read_to_string(place.path("out/trades.csv")).unwrap().lines().count() - 1;
    for width in [1200, 500] {
        let seen = used(browser, &place, &page, width);
        assert_eq!(seen["faults"], serde_json::json!([]), "{width}");
        assert_eq!(seen["wide"], 0, "nothing is cut off or scrolls sideways at {width} pixels");
        assert_eq!(seen["agents"], 6);
        let trades = seen["trades"].as_array().unwrap();
        assert!(trades.len() > 30 && trades.len() <= trades_in_file, "{}", trades.len());
        let mut shown = BTreeSet::new();
        for trade in trades {
            for part in ["candles", "entries", "exits", "stops"] {
                assert!(trade[part].as_u64().unwrap() > 0, "{part}: {trade}");
            }
            assert!(trade["candles"].as_u64().unwrap() >= 20, "{trade}");
            let label = trade["label"].as_str().unwrap();
            let net = label.split(' ').nth(4).unwrap();
            assert!(trade["facts"].as_str().unwrap().contains(&format!("net{net} USDT")), "{trade}");
            shown.insert((trade["picture"].to_string(), trade["facts"].to_string()));
        }
        assert_eq!(shown.len(), trades.len(), "each choice shows something else");
        assert_eq!(seen["next"], serde_json::json!({ "index": 1, "previous": false }));
        assert_eq!(seen["previous"], serde_json::json!({ "index": 0, "previous": true }));
        let decisions = seen["decisions"].as_array().unwrap();
        assert_eq!(decisions.len(), 6);
        let expert = decisions.iter().filter(|one| one["agent"].as_str().unwrap().starts_with("expert"));
        assert!(expert.clone().all(|one| one["rows"].as_u64().unwrap() >= 7), "{decisions:?}");
        assert!(expert.clone().all(|one| one["facts"].as_str().unwrap().contains("regime R")), "{decisions:?}");
        assert_eq!(seen["linked"], "expert-solusdt");
    }
}
