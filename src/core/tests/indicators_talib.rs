//! The feed against TA-Lib itself: fixtures that `tests/fixtures/talib_values.py` wrote with the C library, at every
//! candle of a made-up series that is committed, and at a few recorded ones where the candles lie beside the workspace.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use swarm_core::features::{Feature, Hub, MacdLine, Wants};
use swarm_core::model::{Candle, DAY_MS, GapPolicy, Interval, Price, SymbolId, Time, parse_decimal};

/// Relative difference that is forgiven.
const TOLERANCE: f64 = 1e-9;
const SYMBOL: SymbolId = SymbolId(0);

/// Where a value's own digits stop to mean something: it is a difference of numbers of this size.
#[derive(Clone, Copy, Debug)]
enum Scale {
    /// Of its own size.
    Own,
    /// This share of the close.
    OfClose(f64),
    /// This.
    Fixed(f64),
}

/// The name in the fixtures, what the feed calls it, and its scale.
fn features() -> Vec<(&'static str, Feature, Scale)> {
    use Scale::{Fixed, OfClose, Own};
    let macd = |line| Feature::Macd { fast: 12, slow: 26, signal: 9, line };
    let (period, deviations_x100) = (20, 200);
    vec![
        ("rsi_7", Feature::Rsi { period: 7 }, Fixed(1.0)),
        ("rsi_14", Feature::Rsi { period: 14 }, Fixed(1.0)),
        ("macd", macd(MacdLine::Macd), OfClose(1e-4)),
        ("macd_signal", macd(MacdLine::Signal), OfClose(1e-4)),
        ("macd_histogram", macd(MacdLine::Histogram), OfClose(1e-4)),
        ("bb_upper", Feature::BbUpper { period, deviations_x100 }, Own),
        ("bb_middle", Feature::BbMiddle { period }, Own),
        ("bb_lower", Feature::BbLower { period, deviations_x100 }, Own),
        ("bb_width", Feature::BbWidth { period, deviations_x100 }, Fixed(1e-2)),
        ("bb_position", Feature::BbPosition { period, deviations_x100 }, Fixed(1.0)),
        ("atr_14", Feature::Atr { period: 14 }, Own),
        ("cci_20", Feature::Cci { period: 20 }, Fixed(1.0)),
        ("stoch_raw_k", Feature::StochRawK { period: 14 }, Fixed(1.0)),
        ("stoch_k", Feature::StochK { period: 14, slowing: 3 }, Fixed(1.0)),
        ("stoch_d", Feature::StochD { period: 14, slowing: 3, smooth: 3 }, Fixed(1.0)),
        ("obv", Feature::Obv, Own),
        ("sma_10", Feature::Sma { period: 10 }, Own),
        ("sma_50", Feature::Sma { period: 50 }, Own),
        ("sma_100", Feature::Sma { period: 100 }, Own),
        ("ema_12", Feature::Ema { period: 12 }, Own),
        ("ema_26", Feature::Ema { period: 26 }, Own),
        ("momentum_4", Feature::Momentum { period: 4 }, OfClose(1e-4)),
        ("roc_4", Feature::Roc { period: 4 }, Fixed(1e-4)),
        ("adx_14", Feature::Adx { period: 14 }, Fixed(1.0)),
        ("volume_ratio_20", Feature::VolumeRatio { period: 20 }, Fixed(1e-2)),
        ("change_24h", Feature::Change { ms: DAY_MS }, Fixed(1e-4)),
    ]
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/talib")
}

/// One file of values.
struct Values {
    source: String,
    interval: Interval,
    candles: usize,
    /// By feature, in the order of [`features`].
    rows: Vec<(usize, Vec<Option<f64>>)>,
}

fn values(name: &str) -> Values {
    let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    let of = |key: &str| head.split(' ').find_map(|word| word.strip_prefix(key)).unwrap().to_owned();
    let names: Vec<&str> = lines.next().unwrap().split(',').skip(1).collect();
    assert_eq!(names, features().iter().map(|(name, ..)| *name).collect::<Vec<_>>(), "{name}: columns");
    let row = |line: &str| {
        let mut cells = line.split(',');
        let place = cells.next().unwrap().parse().unwrap();
        (place, cells.map(|cell| (!cell.is_empty()).then(|| cell.parse().unwrap())).collect())
    };
    Values {
        source: of("file="),
        interval: format!("{}m", of("minutes=")).parse().unwrap(),
        candles: of("rows=").parse().unwrap(),
        rows: lines.map(row).collect(),
    }
}

fn candles(path: &Path) -> Vec<Candle> {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    let plain: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(flate2::read::GzDecoder::new(bytes.as_slice()))
    } else {
        Box::new(bytes.as_slice())
    };
    let mut reader = csv::Reader::from_reader(plain);
    let mut row = csv::StringRecord::new();
    let mut candles = Vec::new();
    while reader.read_record(&mut row).unwrap() {
        let price = |column: usize| Price(parse_decimal(&row[column]).unwrap());
        let (open_time, volume) = (Time(row[0].parse().unwrap()), row[5].parse().unwrap());
        candles.push(Candle { open_time, open: price(1), high: price(2), low: price(3), close: price(4), volume });
    }
    candles
}

/// Runs the feed over the candles and compares it where the fixture has a row.
fn check(name: &str, path: &Path) {
    let values = values(name);
    let candles = candles(path);
    assert_eq!(candles.len(), values.candles, "{name}: not the candles that TA-Lib was given");
    let mut wants = Wants::default();
    let features = features();
    let slots: Vec<_> = features.iter().map(|(_, feature, _)| wants.want(values.interval, feature.clone())).collect();
    let mut hub = Hub::new(values.interval, GapPolicy::Carry, &[wants]).unwrap();
    let mut expected = values.rows.iter().peekable();
    let mut compared = vec![0; features.len()];
    for (place, candle) in candles.iter().enumerate() {
        assert!(hub.close(SYMBOL, candle));
        let Some((_, cells)) = expected.next_if(|(row, _)| *row == place) else { continue };
        let frame = hub.frame(SYMBOL).unwrap();
        for (index, (feature, _, scale)) in features.iter().enumerate() {
            let scale = match scale {
                Scale::Own => 0.0,
                Scale::OfClose(share) => share * candle.close.to_f64(),
                Scale::Fixed(scale) => *scale,
            };
            match (frame.get(slots[index]), cells[index]) {
                (None, None) => {}
                (Some(got), Some(expected)) => {
                    let allowed = TOLERANCE * expected.abs().max(scale);
                    assert!(
                        (got - expected).abs() <= allowed,
                        "{name}: {feature} at candle {place} is {got:?}, TA-Lib says {expected:?}"
                    );
                    compared[index] += 1;
                }
                (got, expected) => panic!("{name}: {feature} at candle {place} is {got:?}, TA-Lib says {expected:?}"),
            }
        }
    }
    assert!(expected.next().is_none(), "{name}: a row of the fixture was not reached");
    let fewest = compared.iter().zip(&features).min_by_key(|(count, _)| **count).unwrap();
    assert!(*fewest.0 >= 20, "{name}: {} was compared {} times only", fewest.1.0, fewest.0);
}

#[test]
fn every_indicator_is_talibs_at_every_made_up_candle() {
    check("synthetic.values.csv", &fixtures().join("synthetic.csv"));
}

#[test]
fn every_indicator_is_talibs_at_recorded_candles() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    for name in
        ["recorded-btcusdt-5m.values.csv", "recorded-solusdt-15m.values.csv", "recorded-1000shibusdt-240m.values.csv"]
    {
        let path = data.join(values(name).source);
        if path.is_file() {
            check(name, &path);
        } else {
            eprintln!("SKIPPED: no recorded candles at {}", path.display());
        }
    }
}
