//! A market of recorded trades and books.

use crate::support::{Desk, market, setup, wallet};
use asterswarm::aster::environment::Version;
use asterswarm::aster::wire::{KlineInterval, KlineQuery, MarketQuery, OrderStatus, Side, calls};
use asterswarm::config::instruments::instrument;
use asterswarm::market::ticks::{TickKind, load_ticks};
use asterswarm::venue_server::{Market, Recorded, RecordedKind, Setup};
use swarm_core::model::{Price, Qty, SymbolId, Time};

const START: i64 = crate::support::START;

fn desk(ticks: Vec<Recorded>, symbols: &[&str]) -> Desk {
    let instruments = symbols.iter().map(|symbol| instrument(symbol)).collect();
    let made = Setup { instruments, market: Market::Ticks(ticks), warm_up: 0, ..setup() };
    Desk::with(made, wallet(1), Version::V3)
}

fn recorded(at: i64, kind: RecordedKind) -> Recorded {
    Recorded { symbol: SymbolId(0), at: Time(START + at), kind }
}

fn trade(at: i64, price: &str, is_buyer_maker: bool) -> Recorded {
    let (price, qty) = (price.parse().unwrap(), Qty::whole(2));
    recorded(at, RecordedKind::Trade { price, qty, is_buyer_maker: Some(is_buyer_maker) })
}

fn levels(rows: &[(&str, &str)]) -> Vec<(Price, Qty)> {
    rows.iter().map(|(price, qty)| (price.parse().unwrap(), qty.parse().unwrap())).collect()
}

fn of_sol() -> MarketQuery {
    MarketQuery { symbol: Some("SOLUSDT".to_owned()), ..MarketQuery::default() }
}

fn klines(symbol: &str) -> KlineQuery {
    KlineQuery {
        end_time: None,
        interval: KlineInterval::M1,
        limit: Some(1_500),
        pair: None,
        start_time: None,
        symbol: Some(symbol.to_owned()),
    }
}

#[test]
fn trades_and_books_are_those_recorded_and_orders_meet_them() {
    let book = RecordedKind::Book { bids: levels(&[("99.9", "7"), ("99.8", "0")]), asks: levels(&[("100.1", "3")]) };
    let crossed = RecordedKind::Book { bids: levels(&[("101", "1")]), asks: levels(&[("100", "1")]) };
    let ticks = vec![
        trade(1_000, "100", false),
        recorded(2_000, book),
        recorded(2_500, crossed),
        trade(3_000, "99.9", true),
        trade(61_000, "102", false),
    ];
    let mut desk = desk(ticks, &["SOLUSDT"]);
    let clock = desk.clock;
    desk.venue.advance(clock, Time(START + 3_500));
    let shown = desk.ask(&calls::depth("SOLUSDT", 5)).unwrap();
    let best = [shown.bids[0], shown.asks[0]].map(|level| (level.price, level.qty));
    assert_eq!(best[..], levels(&[("99.9", "7"), ("100.1", "3")]));
    assert!(shown.bids[1].qty > Qty::ZERO, "a quantity that was not recorded is made up");
    let makers: Vec<bool> =
        desk.ask(&calls::trades(of_sol())).unwrap().iter().map(|trade| trade.is_buyer_maker).collect();
    assert_eq!(makers, [false, true]);
    let filled = desk.ask(&calls::place_order(market(Side::Buy, "1"))).unwrap();
    assert_eq!((filled.status.clone(), filled.average_price()), (OrderStatus::Filled, Some("99.9".parse().unwrap())));
    desk.venue.advance(clock, Time(START + 200_000));
    let shown = desk.ask(&calls::depth("SOLUSDT", 50)).unwrap();
    assert!(
        shown.asks[0].price >= Price::whole(102) && shown.bids.len() == 50,
        "a book beyond the trade is an old one"
    );
    let candles = desk.ask(&calls::klines(klines("SOLUSDT"))).unwrap();
    assert_eq!(
        candles.iter().map(|candle| (candle.close, candle.trades)).collect::<Vec<_>>(),
        [("99.9".parse().unwrap(), 2), (Price::whole(102), 1)]
    );
    assert!(desk.venue.is_over());
}

#[test]
fn a_day_of_the_exchange_itself_is_played_without_loss() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/ticks/aster");
    if !std::path::Path::new(folder).is_dir() {
        eprintln!("SKIPPED: there are no recorded trades and books at {folder}");
        return;
    }
    let ticks = load_ticks(folder.as_ref(), Some(&["ETHUSDT".to_owned()])).unwrap();
    let mut expected = (0u64, 0.0);
    let all: Vec<Recorded> = ticks
        .into_iter()
        .map(|tick| Recorded {
            symbol: SymbolId(0),
            at: tick.at,
            kind: match tick.kind {
                TickKind::Trade { price, qty, is_buyer_maker } => {
                    expected = (expected.0 + 1, expected.1 + qty.to_f64());
                    RecordedKind::Trade { price, qty, is_buyer_maker }
                }
                TickKind::Book { bids, asks } => RecordedKind::Book { bids, asks },
            },
        })
        .collect();
    let mut desk = desk(all, &["ETHUSDT"]);
    assert!(expected.0 > 40_000, "a busy day");
    let clock = desk.clock;
    desk.venue.advance(clock, Time(1_758_800_000_000));
    assert!(desk.venue.is_over());
    let day = desk.ask(&calls::klines(KlineQuery { interval: KlineInterval::D1, ..klines("ETHUSDT") })).unwrap();
    let traded: u64 = day.iter().map(|candle| candle.trades).sum();
    let volume: f64 = day.iter().map(|candle| candle.volume).sum();
    assert_eq!(traded, expected.0);
    assert!((volume - expected.1).abs() < 1e-3, "{volume} and not {}", expected.1);
    let book = desk.ask(&calls::depth("ETHUSDT", 5)).unwrap();
    assert!(book.bids[0].price < book.asks[0].price);
}
