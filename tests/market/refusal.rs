//! What is refused while reading, each with its file and line.

use crate::files::{Files, HEADER, M5, START, candle_text, gzip};
use swarm_core::model::Time;

/// Line 2 is a good candle, `row` follows as line 3.
fn check_row(row: &str, what: &str) {
    let text = format!("{HEADER}{START},10,12,9,11,5\n{row}\n{},10,12,9,11,5\n", START + 2 * M5);
    check_text("5m/BTCUSDT_a.csv", text.as_bytes(), Some(3), what);
    check_text("5m/BTCUSDT_a.csv.gz", &gzip(&text), Some(3), what);
}

fn check_text(name: &str, bytes: &[u8], line: Option<u64>, what: &str) {
    let files = Files::new();
    let error = files.put(name, bytes).load(&["BTCUSDT"]).expect_err(what);
    assert_eq!(error.file, Some(files.path(name)), "{error}");
    assert_eq!(error.line, line, "{error}");
    assert!(error.what.contains(what), "expected `{what}` in: {error}");
    assert!(!error.help.is_empty(), "an error says what to do: {error}");
    let place = line.map_or(format!("{name}: "), |line| format!("{name}:{line}: "));
    assert!(error.to_string().contains(&place), "{error}");
}

#[test]
fn a_bad_number_is_refused() {
    let next = START + M5;
    for (row, what) in [
        (format!("{next},x,12,9,11,5"), "open `x` is not a decimal"),
        (format!("{next},10,NaN,9,11,5"), "high `NaN` is not a decimal"),
        (format!("{next},10,12,inf,11,5"), "low `inf` is not a decimal"),
        (format!("{next},10,12,9,1.1e,5"), "close `1.1e` is not a decimal"),
        (format!("{next},10,12,9,1.1e-9,5"), "close `1.1e-9` is not a decimal number with at most 8 decimals"),
        (format!("{next},10,12,9,11.123456789,5"), "with at most 8 decimals"),
        (format!("{next},,12,9,11,5"), "open `` is not a decimal"),
        (format!("{next},10,12,9,11,lots"), "volume `lots` is not a number"),
        (format!("{next},10,12,9,11,NaN"), "volume is not a number"),
        (format!("{next},10,12,9,11,inf"), "volume is not a number"),
        ("yesterday,10,12,9,11,5".to_owned(), "open_time `yesterday` is not a whole number"),
        (format!("{next}.5,10,12,9,11,5"), "is not a whole number"),
        (format!("{next}000000,10,12,9,11,5"), "is out of range"),
        (format!("{next}001,10,12,9,11,5"), "is no whole millisecond"),
    ] {
        check_row(&row, what);
    }
}

#[test]
fn an_impossible_candle_is_refused() {
    let next = START + M5;
    for (row, what) in [
        (format!("{next},10,12,9,11,-5"), "volume is negative"),
        (format!("{next},10,8,9,10,5"), "high is below low"),
        (format!("{next},13,12,9,11,5"), "open lies outside"),
        (format!("{next},10,12,9,8,5"), "close lies outside"),
        (format!("{next},0,12,0,11,5"), "a price is not positive"),
        (format!("{next},10,12,-9,11,5"), "a price is not positive"),
    ] {
        check_row(&row, what);
    }
}

#[test]
fn a_row_at_the_wrong_time_is_refused() {
    check_row(&format!("{START},10,12,9,11,5"), "appears twice");
    check_row(&format!("{},10,12,9,11,5", START - M5), "is earlier than that of the row before");
    check_row(&format!("{},10,12,9,11,5", START + M5 + 1), "is off the grid of 5m");
}

#[test]
fn a_row_with_other_columns_is_refused() {
    let next = START + M5;
    check_row(&format!("{next},10,12,9,11"), "the row has 5 columns, the header 6");
    check_row(&format!("{next},10,12,9,11,5,6"), "the row has 7 columns, the header 6");
    check_row("oops", "the row has 1 columns");
}

#[test]
fn a_wrong_header_is_refused() {
    let rows = format!("{START},10,12,9,11,5\n");
    for (header, what) in [
        ("", "the header is missing"),
        ("time,open,high,low,close,volume\n", "column 1 is `time`, expected `open_time`"),
        ("open_time,open,low,high,close,volume\n", "column 3 is `low`, expected `high`"),
        (&format!("{START},10,12,9,11,5,{START},1,1,1,1,0\n"), "the header is missing"),
        ("open_time,open,high,low,close\n", "the column `volume` is missing"),
        ("quote_volume,open_time,open,high,low,close,volume\n", "column 1 is `quote_volume`"),
    ] {
        check_text("5m/BTCUSDT.csv", format!("{header}{rows}").as_bytes(), Some(1), what);
    }
}

#[test]
fn a_file_without_text_is_refused() {
    check_text("5m/BTCUSDT.csv", b"", None, "the file is empty");
    check_text("5m/BTCUSDT.csv.gz", b"", None, "the file is empty");
    check_text("5m/BTCUSDT.csv", b"\n\n", Some(1), "the header is missing");
    check_text("5m/BTCUSDT.csv", HEADER.as_bytes(), None, "has a header but no rows");
    check_text("5m/BTCUSDT.csv.gz", HEADER.as_bytes(), None, "does not hold gzip data");
    let mut bytes = format!("{HEADER}{START},10,12,9,11,5\n").into_bytes();
    bytes.extend(b"17040675\xff\xfe0000,10,12,9,11,5\n");
    check_text("5m/BTCUSDT.csv", &bytes, Some(3), "not UTF-8");
    check_text("5m/BTCUSDT.csv", &vec![b'7'; 40_000], Some(1), "the line is far too long");
}

#[test]
fn a_damaged_gzip_file_is_refused_wherever_it_is_cut() {
    let whole = gzip(&candle_text(M5, 0..5_000));
    for length in [1, 5, 12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let files = Files::new();
        let error = files.put("5m/BTCUSDT.csv.gz", &whole[..length]).load(&["BTCUSDT"]).unwrap_err();
        assert_eq!(error.file, Some(files.path("5m/BTCUSDT.csv.gz")), "{length}: {error}");
        if length > 1 {
            assert!(error.what.contains("truncated") && error.line.is_some(), "{length}: {error}");
        }
    }
    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle..middle + 40].iter_mut().for_each(|byte| *byte ^= 0x5a);
    let error = Files::new().put("5m/BTCUSDT.csv.gz", &flipped).load(&["BTCUSDT"]).unwrap_err();
    assert!(error.line.is_some(), "{error}");
    let mut checksum = whole.clone();
    checksum[whole.len() - 6] ^= 1;
    let error = Files::new().put("5m/BTCUSDT.csv.gz", &checksum).load(&["BTCUSDT"]).unwrap_err();
    assert!(error.what.contains("corrupt"), "{error}");
}

#[test]
fn the_line_is_that_of_the_text_with_blank_lines_counted() {
    let text = format!("{HEADER}\n{START},10,12,9,11,5\n\n\n{},10,8,9,11,5\n", START + M5);
    check_text("5m/BTCUSDT.csv", text.as_bytes(), Some(6), "high is below low");
    let files = Files::new();
    let crlf = format!("\u{feff}{HEADER}{START},10,12,9,11,5\n \t\n\n").replace('\n', "\r\n");
    let loaded = files.put("5m/BTCUSDT.csv", crlf).load(&["BTCUSDT"]).unwrap();
    assert_eq!(loaded.candles(), 1);
}

#[test]
fn bad_funding_is_refused() {
    for (rows, line, what) in [
        (format!("{START},x,\n"), 2, "funding_rate `x` is not a number"),
        (format!("{START},NaN,\n"), 2, "funding_rate `NaN` is not a number"),
        ("x,0.1,\n".to_owned(), 2, "funding_time `x` is not a whole number"),
        (format!("{START},0.0001,\n{},0.0001,\n", START + 20), 3, "appears twice"),
        (format!("{START},0.0001,\n{},0.0001,\n", START - M5), 3, "is earlier than"),
        (format!("{START},0.0001\n"), 2, "the row has 2 columns, the header 3"),
        (format!("{START}000000,0.0001,\n"), 2, "funding_time 1704067200000000000 is out of range"),
    ] {
        let files = Files::new();
        files.candles("5m/BTCUSDT.csv", M5, 0..10);
        let text = format!("{}{rows}", crate::files::FUNDING_HEADER);
        let error = files.put("funding/BTCUSDT.csv", text).load(&["BTCUSDT"]).unwrap_err();
        assert_eq!((error.file.clone(), error.line), (Some(files.path("funding/BTCUSDT.csv")), Some(line)), "{error}");
        assert!(error.what.contains(what), "{error}");
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let files = Files::new();
    files.candles("5m/BTCUSDT.csv", M5, 0..10);
    assert!(files.load(&[]).unwrap_err().what.contains("no symbol"));
    assert!(files.load(&["BTCUSDT", "BTCUSDT"]).unwrap_err().what.contains("twice"));
    let backwards = asterswarm::market::Query { from: Some(Time(2)), to: Some(Time(1)), ..files.query(&["BTCUSDT"]) };
    assert!(asterswarm::market::load(&backwards).unwrap_err().what.contains("is not before"));
    let nowhere = asterswarm::market::Query { dir: files.path("nowhere"), ..files.query(&["BTCUSDT"]) };
    assert_eq!(asterswarm::market::load(&nowhere).unwrap_err().file, Some(files.path("nowhere")));
    let file = asterswarm::market::Query { dir: files.path("5m/BTCUSDT.csv"), ..files.query(&["BTCUSDT"]) };
    assert!(asterswarm::market::load(&file).unwrap_err().what.contains("not a directory"));
}
