//! Recorded trades and books, tick by tick: CSV files named `SYMBOL_trades_*`, `SYMBOL_bbo_*` and `SYMBOL_l2_*`, plain or
//! gzip'd, merged in the order of time. Knows no candle and no venue: what a tick does is for whoever plays them.

use super::MarketError;
use super::recorded::discover::files_below;
use flate2::bufread::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use swarm_core::model::{Price, Qty, Time, parse_decimal};

/// Longest line read.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Ticks read at most: several days of a busy market.
const TICKS_MAX: usize = 20_000_000;
/// Times at or beyond this are microseconds written by mistake.
const TIME_LIMIT: i64 = 100_000_000_000_000;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Levels of one side, best first; a quantity of 0 is one that was not recorded.
pub type Side = Vec<(Price, Qty)>;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum TickKind {
    /// A trade.
    Trade {
        /// Its price.
        price: Price,
        /// Its quantity in base units.
        qty: Qty,
        /// Whether the buyer's order was there first; `None` where that was not recorded.
        is_buyer_maker: Option<bool>,
    },
    /// The book, or its best levels.
    Book {
        /// Bids, best first.
        bids: Side,
        /// Asks, best first.
        asks: Side,
    },
}

/// Something that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// When, by the exchange's clock, or by the recorder's where that is all there is.
    pub at: Time,
    /// Which contract.
    pub symbol: String,
    /// What.
    pub kind: TickKind,
}

/// Kinds of files, by the word after the symbol.
#[derive(Clone, Copy)]
enum Kind {
    Trades,
    Best,
    Levels,
}

/// Reads the ticks of a directory: of these symbols, or of all that it has.
///
/// # Errors
/// Fails on a directory without such files, on a symbol without trades, and on the first row that cannot be read, with
/// file and line.
pub fn load_ticks(dir: &Path, symbols: Option<&[String]>) -> Result<Vec<Tick>, MarketError> {
    let mut ticks = Vec::new();
    let mut trades: BTreeMap<String, usize> = BTreeMap::new();
    for relative in files_below(dir)? {
        let Some((symbol, kind)) = relative.file_name().and_then(|name| name.to_str()).and_then(named) else {
            continue;
        };
        if symbols.is_some_and(|symbols| !symbols.iter().any(|wanted| wanted == symbol)) {
            continue;
        }
        let before = ticks.len();
        read(&dir.join(&relative), symbol, kind, &mut ticks)?;
        let count = trades.entry(symbol.to_owned()).or_default();
        *count += if matches!(kind, Kind::Trades) { ticks.len() - before } else { 0 };
    }
    let help = "name a directory with files such as BTCUSDT_trades_20250924.csv.gz";
    if ticks.is_empty() {
        return Err(MarketError::about(dir, "holds no recorded trades or books of these symbols", help));
    }
    let untraded = symbols.unwrap_or_default().iter().find(|symbol| !trades.contains_key(*symbol));
    let untraded = untraded.or_else(|| trades.iter().find(|(_, count)| **count == 0).map(|(symbol, _)| symbol));
    if let Some(symbol) = untraded {
        return Err(MarketError::about(dir, format!("holds no recorded trades of {symbol}"), help).without(symbol));
    }
    // What was recorded first at one instant stays first.
    ticks.sort_by_key(|tick| tick.at);
    Ok(from_first_prices(ticks, trades.len()))
}

/// The ticks from when each of `symbols` has traded: recordings seldom begin at one time, and nobody can trade a symbol
/// without a price. Of what was before, each symbol's last trade and last book are kept, as of that moment.
fn from_first_prices(ticks: Vec<Tick>, symbols: usize) -> Vec<Tick> {
    let mut traded: BTreeSet<&str> = BTreeSet::new();
    let is_trade = |tick: &&Tick| matches!(tick.kind, TickKind::Trade { .. });
    let last = ticks.iter().filter(is_trade).find(|tick| traded.insert(&tick.symbol) && traded.len() == symbols);
    let Some(begin) = last.map(|tick| tick.at) else { return ticks };
    let mut kept: BTreeMap<(String, bool), Tick> = BTreeMap::new();
    let mut rest = Vec::new();
    for tick in ticks {
        if tick.at < begin {
            let is_book = matches!(tick.kind, TickKind::Book { .. });
            kept.insert((tick.symbol.clone(), is_book), Tick { at: begin, ..tick });
        } else {
            rest.push(tick);
        }
    }
    kept.into_values().chain(rest).collect()
}

/// Symbol and kind, from `SYMBOL_trades_...csv` and the like.
fn named(name: &str) -> Option<(&str, Kind)> {
    let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv")?;
    let mut words = stem.split('_');
    let symbol = words.next().filter(|symbol| !symbol.is_empty())?;
    let kind = match words.next()? {
        "trades" => Kind::Trades,
        "bbo" => Kind::Best,
        "l2" => Kind::Levels,
        _ => return None,
    };
    Some((symbol, kind))
}

/// A row with its place, for refusals.
struct Row<'a> {
    path: &'a Path,
    line: u64,
    names: &'a [String],
    fields: Vec<&'a str>,
}

impl Row<'_> {
    fn refuse(&self, what: impl Into<String>) -> MarketError {
        MarketError::about(self.path, what, "correct or remove the row").at(self.line)
    }

    /// The field of a column; `None` where there is no such column or nothing in it.
    fn field(&self, name: &str) -> Option<&str> {
        let place = self.names.iter().position(|other| other == name)?;
        self.fields.get(place).copied().filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, MarketError> {
        let Some(text) = self.field(name) else { return Ok(None) };
        let bad = || self.refuse(format!("{name} `{text}` is not a decimal number with at most 8 decimals"));
        let value = parse_decimal(text).map_err(|_| bad())?;
        if value < 0 { Err(bad()) } else { Ok(Some(value)) }
    }

    fn price(&self, name: &str) -> Result<Option<Price>, MarketError> {
        match self.number(name)? {
            Some(0) => Err(self.refuse(format!("{name} is 0"))),
            price => Ok(price.map(Price)),
        }
    }

    fn time(&self) -> Result<Time, MarketError> {
        let text = self.field("time").or_else(|| self.field("recv_time"));
        let time = text.and_then(|text| text.parse::<i64>().ok()).filter(|time| (0..TIME_LIMIT).contains(time));
        time.map(Time).ok_or_else(|| self.refuse("the time is not in epoch milliseconds"))
    }

    fn trade(&self) -> Result<TickKind, MarketError> {
        let price = self.price("price")?.ok_or_else(|| self.refuse("the price is missing"))?;
        let qty = Qty(self.number("qty")?.ok_or_else(|| self.refuse("the quantity is missing"))?);
        let is_buyer_maker = match self.field("is_buyer_maker") {
            None => None,
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            Some(text) => return Err(self.refuse(format!("is_buyer_maker `{text}` is neither true nor false"))),
        };
        Ok(TickKind::Trade { price, qty, is_buyer_maker })
    }

    /// The levels of a side until the first that is not there.
    fn side(&self, price: impl Fn(usize) -> String, qty: impl Fn(usize) -> String) -> Result<Side, MarketError> {
        let mut levels = Vec::new();
        while let Some(found) = self.price(&price(levels.len()))? {
            levels.push((found, Qty(self.number(&qty(levels.len()))?.unwrap_or(0))));
        }
        Ok(levels)
    }

    fn book(&self, kind: Kind) -> Result<TickKind, MarketError> {
        let side = |name: &str| match kind {
            Kind::Levels => self.side(|level| format!("{name}_px_{level}"), |level| format!("{name}_qty_{level}")),
            _ => {
                let best = self.price(&format!("{name}_price"))?;
                let qty = Qty(self.number(&format!("{name}_qty"))?.unwrap_or(0));
                Ok(best.map(|price| (price, qty)).into_iter().collect())
            }
        };
        Ok(TickKind::Book { bids: side("bid")?, asks: side("ask")? })
    }
}

fn read(path: &Path, symbol: &str, kind: Kind, ticks: &mut Vec<Tick>) -> Result<(), MarketError> {
    let io = |error: std::io::Error| MarketError::io(path, &error);
    let mut raw = BufReader::with_capacity(64 * 1024, File::open(path).map_err(io)?);
    let mut reader: Box<dyn BufRead> = if raw.fill_buf().map_err(io)?.starts_with(&GZIP_MAGIC) {
        Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(raw)))
    } else {
        Box::new(raw)
    };
    let (mut names, mut text, mut number): (Vec<String>, String, u64) = (Vec::new(), String::new(), 0);
    let mut last = Time(0);
    loop {
        text.clear();
        number += 1;
        if (&mut reader).take(LINE_BYTES_MAX).read_line(&mut text).map_err(io)? == 0 {
            return Ok(());
        }
        let line = text.trim_end();
        if names.is_empty() {
            names = line.split(',').map(str::to_owned).collect();
            let wanted = if matches!(kind, Kind::Trades) { "price" } else { "recv_time" };
            if !names.iter().any(|name| name == wanted) {
                let what = format!("the header has no column `{wanted}`");
                return Err(MarketError::about(path, what, "the first line names the columns").at(1));
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let row = Row { path, line: number, names: &names, fields: line.split(',').collect() };
        if row.fields.len() != names.len() {
            return Err(row.refuse(format!("the row has {} columns, the header {}", row.fields.len(), names.len())));
        }
        let at = row.time()?;
        if at < last {
            return Err(row.refuse("the time is earlier than that of the row before"));
        }
        last = at;
        let kind = if matches!(kind, Kind::Trades) { row.trade()? } else { row.book(kind)? };
        if ticks.len() >= TICKS_MAX {
            return Err(row.refuse(format!("there are more than {TICKS_MAX} rows: name fewer symbols")));
        }
        ticks.push(Tick { at, symbol: symbol.to_owned(), kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    const TRADES: &str = "time,price,qty,is_buyer_maker\n1000,100.5,2,true\n3000,101,1.5,\n";
    const BEST: &str = "time,recv_time,bid_price,bid_qty,ask_price,ask_qty\n,2000,100.4,,100.6,3\n";
    const LEVELS: &str = "time,recv_time,bid_px_0,bid_qty_0,bid_px_1,bid_qty_1,ask_px_0,ask_qty_0,ask_px_1,ask_qty_1\n2500,2600,100,1,99,2,102,3,,\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            if name.ends_with(".gz") {
                let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packed.write_all(text.as_bytes()).unwrap();
                std::fs::write(dir.path().join(name), packed.finish().unwrap()).unwrap();
            } else {
                std::fs::write(dir.path().join(name), text).unwrap();
            }
        }
        dir
    }

    #[test]
    fn files_are_merged_in_the_order_of_time_and_what_is_empty_is_unknown() {
        let dir = folder(&[
            ("AUSDT_trades_1.csv.gz", TRADES),
            ("AUSDT_bbo_1.csv", BEST),
            ("AUSDT_l2_1.csv", LEVELS),
            ("BUSDT_rawws_1.gz", "x"),
        ]);
        let ticks = load_ticks(dir.path(), None).unwrap();
        assert_eq!(ticks.iter().map(|tick| tick.at.0).collect::<Vec<_>>(), [1_000, 2_000, 2_500, 3_000]);
        let TickKind::Book { bids, asks } = &ticks[1].kind else { panic!("a book") };
        assert_eq!((bids[0].1, asks[0]), (Qty::ZERO, ("100.6".parse().unwrap(), Qty::whole(3))));
        let TickKind::Book { bids, asks } = &ticks[2].kind else { panic!("a book") };
        assert_eq!((bids.len(), asks.len()), (2, 1));
        assert!(matches!(ticks[3].kind, TickKind::Trade { is_buyer_maker: None, .. }));
    }

    #[test]
    fn the_market_begins_when_every_symbol_has_a_price() {
        let later = "time,price,qty,is_buyer_maker\n2500,7,1,true\n";
        let dir = folder(&[("AUSDT_trades_1.csv", TRADES), ("AUSDT_bbo_1.csv", BEST), ("BUSDT_trades_1.csv", later)]);
        let ticks = load_ticks(dir.path(), None).unwrap();
        let seen: Vec<_> = ticks.iter().map(|tick| (tick.at.0, tick.symbol.as_str())).collect();
        assert_eq!(seen, [(2_500, "AUSDT"), (2_500, "AUSDT"), (2_500, "BUSDT"), (3_000, "AUSDT")]);
        assert!(matches!(ticks[0].kind, TickKind::Trade { .. }) && matches!(ticks[1].kind, TickKind::Book { .. }));
    }

    fn check(files: &[(&str, &str)], symbols: Option<&[String]>, expected: &str) {
        let dir = folder(files);
        let said = load_ticks(dir.path(), symbols).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn what_cannot_be_played_is_refused_with_its_place() {
        check(&[], None, "no recorded trades or books");
        check(&[("AUSDT_bbo_1.csv", BEST)], None, "no recorded trades of AUSDT");
        check(&[("AUSDT_trades_1.csv", TRADES)], Some(&["BUSDT".to_owned()]), "no recorded trades");
        check(&[("AUSDT_trades_1.csv", "time,qty\n1,2\n")], None, "no column `price`");
        for (row, expected) in [
            ("x,1,1,true", "epoch milliseconds"),
            ("1000,0,1,true", "price is 0"),
            ("1000,-1,1,true", "not a decimal"),
            ("1000,1,1,maybe", "neither true nor false"),
            ("1000,1,1", "columns"),
            ("5,1,1,true\n4,1,1,true", "earlier"),
        ] {
            check(&[("AUSDT_trades_1.csv", &format!("time,price,qty,is_buyer_maker\n{row}\n"))], None, expected);
        }
    }
}
