//! What a recording holds: joined files, holes, ranges, aggregation, funding, and its tape.

use crate::files::{DAY, FUNDING_HEADER, Files, HEADER, HOUR, M1, M5, START, at, candle_text, gzip, places};
use asterswarm::market::{Gap, Query, Recording, load};
use std::path::Path;
use std::sync::Arc;
use swarm_core::model::{Interval, Price, Rate, Step, Tape, Time};

fn steps(recording: Recording) -> Vec<Step> {
    let mut tape = Arc::new(recording).tape();
    let mut all = Vec::new();
    let mut step = Step::default();
    while tape.next(&mut step) {
        all.push(step.clone());
    }
    assert!(!tape.next(&mut step), "a tape that has ended stays ended");
    all
}

#[test]
fn prices_are_read_exactly_and_further_columns_ignored() {
    let files = Files::new();
    let header = HEADER.replace('\n', ",quote_volume,trades\n");
    let row = format!("{START},\"16537.5\",16538.00000001,0.00000001, 16529.20 ,844.251,x,y\n");
    let loaded = files.put("a/5m/BTCUSDT_x.csv", header + &row).load(&["BTCUSDT"]).unwrap();
    let candle = loaded.series[0][0];
    assert_eq!(candle.open, Price(1_653_750_000_000));
    assert_eq!((candle.high, candle.low), (Price(1_653_800_000_001), Price(1)));
    assert_eq!((candle.close, candle.volume), (Price(1_652_920_000_000), 844.251));
    assert_eq!((loaded.from, loaded.to), (at(0), at(M5)));
}

#[test]
fn files_of_a_symbol_are_joined_in_order_of_time() {
    let files = Files::new();
    files.candles("5m/BTCUSDT_a.csv", M5, 20..30).candles("5m/BTCUSDT_b.csv.gz", M5, 0..20);
    files.candles("5m/BTCUSDTX_a.csv", M5, 0..3).candles("trades/BTCUSDT_trades.csv", M1, 0..3);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(places(&loaded, 0, M5), (0..30).collect::<Vec<_>>());
    assert_eq!(loaded.sources, [files.path("5m/BTCUSDT_a.csv"), files.path("5m/BTCUSDT_b.csv.gz")]);
    assert!(loaded.gaps[0].is_empty());
}

#[test]
fn two_files_of_one_time_are_refused_by_name() {
    let files = Files::new();
    files.candles("5m/BTCUSDT_a.csv", M5, 0..20).candles("5m/BTCUSDT_b.csv", M5, 19..30);
    let error = files.load(&["BTCUSDT"]).unwrap_err();
    assert_eq!(error.file, Some(files.path("5m/BTCUSDT_b.csv")));
    assert!(error.what.contains("BTCUSDT_a.csv"), "{error}");
}

#[test]
fn holes_are_counted_with_their_place_and_never_filled() {
    let files = Files::new();
    let with_holes = (0..50).filter(|place| ![3, 10, 11, 12, 20, 30].contains(place));
    files.candles("5m/BTCUSDT.csv", M5, with_holes);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(loaded.gaps[0].len(), 4);
    assert_eq!(loaded.gaps[0][1], Gap { from: at(10 * M5), to: at(13 * M5), candles: 3 });
    assert_eq!((loaded.gap_count(), loaded.candles()), (4, 44));
    let warning = loaded.warnings.iter().find(|warning| warning.contains("gap")).unwrap();
    assert!(warning.contains("4 gap(s), 6 candle(s) missing: 2024-01-01T00:15:00Z to 2024-01-01T00:20:00Z (1)"));
    assert!(warning.ends_with("and 1 more"), "{warning}");
}

#[test]
fn without_bounds_the_run_covers_what_all_symbols_have() {
    let files = Files::new();
    // The hole of the first symbol lies before the second begins: it is not one of the run.
    files.candles("5m/BTCUSDT.csv", M5, (0..5).chain(8..40)).candles("5m/ETHUSDT.csv", M5, 10..50);
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert_eq!((loaded.from, loaded.to), (at(10 * M5), at(40 * M5)));
    assert_eq!((places(&loaded, 0, M5), places(&loaded, 1, M5)), ((10..40).collect(), (10..40).collect()));
    assert_eq!(loaded.gap_count(), 0);
}

#[test]
fn bounds_are_inclusive_below_and_exclusive_above() {
    let files = Files::new();
    files.candles("5m/BTCUSDT.csv", M5, 0..40).candles("5m/ETHUSDT.csv", M5, 10..50);
    let query = |from: Option<i64>, to: Option<i64>| Query {
        from: from.map(at),
        to: to.map(at),
        ..files.query(&["BTCUSDT", "ETHUSDT"])
    };
    let loaded = load(&query(Some(12 * M5), Some(20 * M5))).unwrap();
    assert_eq!(places(&loaded, 0, M5), (12..20).collect::<Vec<_>>());
    let loaded = load(&query(Some(12 * M5 + 1), None)).unwrap();
    assert_eq!((loaded.from, loaded.to), (at(13 * M5), at(40 * M5)));
    let loaded = load(&query(Some(5 * M5), Some(45 * M5))).unwrap();
    assert_eq!((loaded.series[0].len(), loaded.series[1].len()), (35, 35), "what was asked for, of each what it has");
    assert!(loaded.warnings.iter().any(|warning| warning.contains("ETHUSDT: candles begin at")));
    assert!(loaded.warnings.iter().any(|warning| warning.contains("BTCUSDT: candles end at")));
    assert_eq!(loaded.gap_count(), 0, "a late start is not a hole");
}

#[test]
fn an_empty_result_says_what_there_is() {
    let files = Files::new();
    files.candles("5m/BTCUSDT.csv", M5, 0..12).candles("5m/ETHUSDT.csv", M5, 12..24);
    let error = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap_err();
    assert!(error.what.contains("BTCUSDT from 2024-01-01T00:00:00Z to 2024-01-01T01:00:00Z"), "{error}");
    assert!(error.what.contains("ETHUSDT from 2024-01-01T01:00:00Z to 2024-01-01T02:00:00Z"), "{error}");
    let later = Query { from: Some(at(DAY)), ..files.query(&["BTCUSDT"]) };
    assert!(load(&later).unwrap_err().what.contains("it has BTCUSDT from 2024-01-01T00:00:00Z"));
}

#[test]
fn a_missing_base_interval_is_aggregated_from_whole_groups() {
    let files = Files::new();
    // Minutes 3 to 31 without 17: the first and last groups are cut, the fourth has a hole.
    files.candles("1m/BTCUSDT_a.csv", M1, (3..12).chain(12..17)).candles("1m/BTCUSDT_b.csv", M1, 18..32);
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(places(&loaded, 0, M5), [1, 2, 4, 5]);
    let candle = loaded.series[0][1];
    assert_eq!((candle.open, candle.close), (Price::whole(1_010), "1014.125".parse().unwrap()));
    assert_eq!((candle.high, candle.low), ("1015.5".parse().unwrap(), "1009.25".parse().unwrap()));
    assert_eq!(candle.volume, f64::from(11 + 12 + 13 + 14 + 15));
    assert_eq!(loaded.gaps[0], [Gap { from: at(15 * M1), to: at(20 * M1), candles: 1 }]);
    let cut = Query { from: Some(at(10 * M1)), to: Some(at(20 * M1)), ..files.query(&["BTCUSDT"]) };
    assert_eq!(places(&load(&cut).unwrap(), 0, M5), [2], "bounds cut base candles, not their parts");
}

/// Rows as Binance's archive has them.
fn archive(spacing: i64, at: std::ops::Range<i64>) -> String {
    let row = |index: i64| {
        let (open, close) = (START + index * spacing, START + (index + 1) * spacing - 1);
        format!("{open},10,12,9,11,5,{close},55,7,2.5,27,0\n")
    };
    at.map(row).collect()
}

#[test]
fn the_archive_of_binance_is_read_as_it_is_unpacked() {
    const NAMES: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n";
    let files = Files::new();
    files.put("BTCUSDT/5m/BTCUSDT-5m-2023-12.csv", archive(M5, 0..10));
    files.put("BTCUSDT/5m/BTCUSDT-5m-2024-01.csv", format!("{NAMES}{}", archive(M5, 10..20)));
    files.put("ETHUSDT/5m/ETHUSDT-5m-2024-01.csv.gz", gzip(&archive(M5, 0..20)));
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert_eq!(places(&loaded, 0, M5), (0..20).collect::<Vec<_>>());
    assert_eq!(loaded.series[0], loaded.series[1], "the first line of a file without names is a row");
    // All in one folder: the name tells the interval.
    let files = Files::new();
    files.put("BTCUSDT-5m-2024-01.csv", archive(M5, 0..4)).put("BTCUSDT-1h-2024-01.csv", archive(HOUR, 0..20));
    files.put("ETHUSDT_1m.csv", archive(M1, 0..20));
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert_eq!((places(&loaded, 0, M5), places(&loaded, 1, M5)), ((0..4).collect(), (0..4).collect()));
}

#[test]
fn times_in_microseconds_and_prices_with_exponents_are_what_they_say() {
    let files = Files::new();
    // The archive's spot files of 2025 on, behind one of 2024.
    files.put("BTCUSDT/5m/BTCUSDT-5m-2024-12.csv", archive(M5, 0..10));
    let micros = |index: i64| {
        let (open, close) = ((START + index * M5) * 1_000, (START + (index + 1) * M5) * 1_000 - 1);
        format!("{open},1.0e1,1.2E+1,0.9e1,110e-1,5,{close},55,7,2.5,27,0\n")
    };
    files.put("BTCUSDT/5m/BTCUSDT-5m-2025-01.csv", (10..20).map(micros).collect::<String>());
    let loaded = files.load(&["BTCUSDT"]).unwrap();
    assert_eq!(places(&loaded, 0, M5), (0..20).collect::<Vec<_>>());
    let prices = |place: usize| {
        let candle = &loaded.series[0][place];
        [candle.open, candle.high, candle.low, candle.close]
    };
    assert_eq!(prices(15), prices(5));
    let small = Files::new();
    small.put("5m/PEPEUSDT.csv", format!("{}{START},1.2e-7,1.4e-7,1e-7,0.00000013,9e6\n", crate::files::HEADER));
    let candle = small.load(&["PEPEUSDT"]).unwrap().series[0][0];
    assert_eq!((candle.open, candle.high, candle.low, candle.close), (Price(12), Price(14), Price(10), Price(13)));
    assert_eq!(candle.volume, 9_000_000.0);
}

/// A .zip file of these members, as its specification has it: headers, data, the list, its end.
fn zipped(members: &[(&str, &str)], method: u16) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        let data = if method == 8 { encoder.finish().unwrap() } else { text.as_bytes().to_vec() };
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let sizes = [crc.sum(), data.len() as u32, text.len() as u32].map(u32::to_le_bytes).concat();
        let (at, name_length) = (bytes.len() as u32, (name.len() as u16).to_le_bytes());
        let common = [&[20, 0, 0, 0][..], &method.to_le_bytes(), &[0; 4], &sizes, &name_length, &[0, 0]].concat();
        bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &data].concat());
        list.extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let (size, from) = ((list.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    bytes.extend(list);
    bytes.extend([&b"PK\x05\x06"[..], &[0; 4], &count, &count, &size, &from, &[0, 0]].concat());
    bytes
}

#[test]
fn the_archive_may_stay_packed() {
    let text = archive(M5, 0..2_000);
    for method in [8, 0] {
        let files = Files::new();
        files.put("BTCUSDT/5m/BTCUSDT-5m-2024-01.zip", zipped(&[("BTCUSDT-5m-2024-01.csv", &text)], method));
        assert_eq!(places(&files.load(&["BTCUSDT"]).unwrap(), 0, M5), (0..2_000).collect::<Vec<_>>());
    }
    let whole = zipped(&[("BTCUSDT-5m-2024-01.csv", &text)], 8);
    let refused = |bytes: &[u8]| {
        let files = Files::new();
        let name = "BTCUSDT/5m/BTCUSDT-5m-2024-01.zip";
        let error = files.put(name, bytes).load(&["BTCUSDT"]).unwrap_err();
        assert_eq!(error.file, Some(files.path(name)), "{error}");
        error.what
    };
    for length in [1, 3, 10, 60, whole.len() / 2, whole.len() - 30, whole.len() - 1] {
        refused(&whole[..length]);
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 0x5a;
    refused(&flipped);
    let mut sum = whole.clone();
    let at = sum.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    sum[at + 16] ^= 1;
    assert!(refused(&sum).contains("check sum"));
    assert!(refused(&zipped(&[("a.csv", &text), ("b.csv", &text)], 8)).contains("more than one"));
    assert!(refused(&zipped(&[("a.txt", &text)], 8)).contains("not a .csv"));
    assert!(refused(&zipped(&[("a.csv", &text)], 12)).contains("method 12"));
    assert!(refused(&zipped(&[], 8)).contains("does not hold zip data"));
    assert!(refused(text.as_bytes()).contains("does not hold zip data"));
}

#[test]
fn funding_of_the_archive_is_read_wherever_it_lies() {
    let text = |micros: i64| {
        let row = |(hour, rate): (i64, &str)| format!("{},8,{rate}\n", (START + hour * HOUR + 3) * micros);
        let rows = [(0, "0.00010000"), (8, "-1.5e-5"), (16, "0.00003000")].map(row).concat();
        format!("calc_time,funding_interval_hours,last_funding_rate\n{rows}")
    };
    let name = "BTCUSDT-fundingRate-2024-01.csv";
    // Beside the candles, in a folder for funding, as the archive is laid out, and gzip'd.
    for (place, micros) in [
        (name.to_owned(), 1),
        (format!("funding/{name}"), 1_000),
        (format!("futures/um/monthly/fundingRate/BTCUSDT/{name}"), 1),
        (format!("{name}.gz"), 1),
    ] {
        let files = Files::new();
        files.put("futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2024-01.csv", archive(M5, 0..288));
        let text = text(micros);
        if place.ends_with(".gz") {
            files.put(&place, gzip(&text))
        } else {
            files.put(&place, &text)
        };
        let loaded = files.load(&["BTCUSDT"]).unwrap();
        let expected = [(0, 10_000), (8, -1_500), (16, 3_000)];
        assert_eq!(loaded.funding[0], expected.map(|(hour, rate)| (at(hour * HOUR), Rate(rate))), "{place}");
        assert!(loaded.warnings.iter().all(|warning| !warning.contains("funding")), "{place}: {:?}", loaded.warnings);
    }
}

#[test]
fn a_file_that_is_not_read_is_named_where_its_symbol_has_none() {
    for name in ["BTCUSDT-trades-2024-01.csv", "5m/btcusdt.csv", "5m/BTCUSDT-5m-2024-01.7z", "BTCUSDT_a.csv"] {
        let files = Files::new();
        let error = files.put(name, archive(M5, 0..4)).load(&["BTCUSDT"]).unwrap_err();
        assert!(error.what.contains("no candles of BTCUSDT") && error.what.contains(name), "{error}");
    }
}

#[test]
fn a_file_outside_of_an_interval_folder_tells_its_interval_by_its_rows() {
    let files = Files::new();
    files.candles("BTCUSDT.csv", M5, [0, 2, 3, 4, 9]).candles("deep/er/ETHUSDT.csv.gz", M1, 0..60);
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    assert_eq!((places(&loaded, 0, M5), places(&loaded, 1, M5)), (vec![0, 2, 3, 4, 9], (0..10).collect()));
    files.candles("SOLUSDT.csv", HOUR, 0..5);
    let error = files.load(&["SOLUSDT"]).unwrap_err();
    assert!(error.what.contains("no 5m candles of SOLUSDT") && error.what.contains("only 1h"), "{error}");
    files.candles("XRPUSDT.csv", HOUR, 0..1);
    assert_eq!(files.load(&["XRPUSDT"]).unwrap_err().file, Some(files.path("XRPUSDT.csv")));
}

#[test]
fn funding_is_joined_floored_to_the_minute_and_cut_to_the_run() {
    let files = Files::new();
    files.candles("5m/BTCUSDT.csv", M5, 0..2 * 12 * 24).candles("5m/ETHUSDT.csv", M5, 0..2 * 12 * 24);
    let rows = |at: &[(i64, &str)]| {
        at.iter().fold(FUNDING_HEADER.to_owned(), |text, (hour, rate)| {
            format!("{text}{},{rate},\n", START + hour * HOUR + 17)
        })
    };
    files.put("funding/x/BTCUSDT_b.csv", rows(&[(16, "-0.0003"), (24, "0.00000691"), (48, "0.1")]));
    files.put("funding/x/BTCUSDT_a.csv", rows(&[(-8, "0.5"), (0, "0.0001"), (8, "0.000012345678")]));
    let loaded = files.load(&["BTCUSDT", "ETHUSDT"]).unwrap();
    let expected = [(0, 10_000), (8, 1_235), (16, -30_000), (24, 691)];
    assert_eq!(loaded.funding[0], expected.map(|(hour, rate)| (at(hour * HOUR), Rate(rate))));
    assert!(loaded.funding[1].is_empty());
    assert!(loaded.warnings.iter().any(|warning| warning.contains("ETHUSDT: no recorded funding")));
    assert_eq!(loaded.funding_sources.len(), 2);

    let all = steps(loaded);
    let due: Vec<(Time, Time)> =
        all.iter().flat_map(|step| step.funding.iter().map(|due| (step.close_time, due.at))).collect();
    assert_eq!(due, [0, 8, 16, 24].map(|hour| (at(hour * HOUR + M5), at(hour * HOUR))));
    files.put("funding/x/BTCUSDT_c.csv", rows(&[(8, "0.1")]));
    let error = files.load(&["BTCUSDT"]).unwrap_err();
    assert!(error.what.contains("overlaps in time with"), "{error}");
}

#[test]
fn a_step_is_the_union_of_times_and_a_hole_in_all_gives_none() {
    let files = Files::new();
    files.candles("5m/BTCUSDT.csv", M5, [0, 1, 4, 5]).candles("5m/ETHUSDT.csv", M5, [0, 4, 5]);
    // Due inside of the hole: booked with the first step after it.
    files.put("funding/ETHUSDT.csv", format!("{FUNDING_HEADER}{},0.0001,\n", START + 2 * M5 + M1));
    let all = steps(files.load(&["BTCUSDT", "ETHUSDT"]).unwrap());
    let shape: Vec<(i64, bool, bool)> = all
        .iter()
        .map(|step| ((step.close_time.0 - START) / M5, step.candles[0].is_some(), step.candles[1].is_some()))
        .collect();
    assert_eq!(shape, [(1, true, true), (2, true, false), (5, true, true), (6, true, true)]);
    assert_eq!(all[2].funding.len(), 1);
    assert_eq!((all[2].funding[0].at, all[2].funding[0].symbol.index()), (at(4 * M5), 1));
}

#[test]
fn funding_beside_klines_is_found_from_inside() {
    let files = Files::new();
    files.candles("klines/venue/5m/BTCUSDT_a.csv", M5, 0..10);
    files.put("funding/venue/BTCUSDT_a.csv", format!("{FUNDING_HEADER}{START},0.0001,\n"));
    for dir in ["", "klines", "klines/venue", "klines/venue/5m"] {
        let loaded = load(&Query { dir: files.path(dir), ..files.query(&["BTCUSDT"]) }).unwrap();
        assert_eq!(loaded.funding[0], [(at(0), Rate(10_000))], "from `{dir}`");
        let source = loaded.funding_sources[0].canonicalize().unwrap();
        assert_eq!(source, files.path("funding/venue/BTCUSDT_a.csv").canonicalize().unwrap());
    }
}

#[test]
fn a_tape_reads_what_the_text_says() {
    let files = Files::new();
    files.put("5m/BTCUSDT.csv", candle_text(M5, 0..100));
    let recording = Arc::new(files.load(&["BTCUSDT"]).unwrap());
    let source = asterswarm::market::Source::Recorded(Arc::clone(&recording));
    let mut tape = source.tape();
    let mut step = Step::default();
    for candle in &recording.series[0] {
        assert!(tape.next(&mut step));
        assert_eq!((step.candles[0], step.close_time), (Some(*candle), candle.close_time(Interval::M5)));
    }
    assert!(!tape.next(&mut step));
}

/// The recorded market that lies beside the workspace where this is developed.
#[test]
fn a_real_market_loads() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/klines/binance-um");
    if !dir.is_dir() {
        eprintln!("SKIPPED: no recorded market at {}", dir.display());
        return;
    }
    let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"].map(String::from).to_vec();
    let loaded = load(&Query { dir, symbols, base: Interval::M5, from: None, to: None }).unwrap();
    assert_eq!(loaded.from.to_string(), "2023-11-01T00:00:00Z");
    assert_eq!(loaded.to.to_string(), "2025-07-01T00:00:00Z");
    assert_eq!((loaded.candles(), loaded.gap_count()), (3 * 175_104, 0));
    assert!(loaded.funding.iter().all(|schedule| schedule.len() == 608 * 3), "three payments a day");
    assert_eq!(loaded.series[2][0].open, "38.373".parse().unwrap());
    assert_eq!(loaded.series[0].last().map(|candle| candle.close), Some("107087.4".parse().unwrap()));
    let mut tape = Arc::new(loaded).tape();
    let (mut step, mut count, mut payments) = (Step::default(), 0, 0);
    while tape.next(&mut step) {
        assert!(step.candles.iter().all(Option::is_some));
        count += 1;
        payments += step.funding.len();
    }
    assert_eq!((count, payments), (175_104, 3 * 3 * 608));
}
