//! AsterDEX: bytes of a frame to a typed event, and an order value to the signed bytes that are sent.
//!
//! Frames are those of the test fixtures. `cargo bench --bench aster`

use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{ApiKey, Credentials, Domain, KeySigner, Nonces, Pairs, Received, Wallet, WalletSigner};
use asterswarm::aster::wire::{Frame, NewOrder};
use divan::{Bencher, black_box};
use swarm_core::model::{
    AgentId, IntentId, Order, OrderId, OrderKind, PortfolioId, Price, Purpose, Qty, Side, SymbolId, TimeInForce,
};

const CHAIN: u64 = 1666;
const NOW: u64 = 1_735_689_600_000_000;

fn main() {
    divan::main();
}

fn frame(kind: &str) -> Vec<u8> {
    let events = include_str!("../tests/fixtures/aster/events.json");
    let events: serde_json::Value = serde_json::from_str(events).expect("the fixture is JSON");
    events[kind].to_string().into_bytes()
}

fn read(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = frame(kind);
    bencher.bench(|| Frame::read(black_box(&bytes)));
}

#[divan::bench]
fn read_book_ticker(bencher: Bencher<'_, '_>) {
    read(bencher, "bookTicker");
}

#[divan::bench]
fn read_trade(bencher: Bencher<'_, '_>) {
    read(bencher, "aggTrade");
}

#[divan::bench]
fn read_mark_price(bencher: Bencher<'_, '_>) {
    read(bencher, "markPriceUpdate");
}

#[divan::bench]
fn read_kline(bencher: Bencher<'_, '_>) {
    read(bencher, "kline");
}

/// Twenty levels on each side.
#[divan::bench]
fn read_depth_20(bencher: Bencher<'_, '_>) {
    read(bencher, "depthUpdate");
}

#[divan::bench]
fn read_order_update(bencher: Bencher<'_, '_>) {
    read(bencher, "ORDER_TRADE_UPDATE");
}

#[divan::bench]
fn read_account_update(bencher: Bencher<'_, '_>) {
    read(bencher, "ACCOUNT_UPDATE");
}

fn order() -> Order {
    Order {
        id: OrderId { intent: IntentId { agent: AgentId(3), number: 9 }, leg: 0 },
        portfolio: PortfolioId(0),
        symbol: SymbolId(0),
        side: Side::Buy,
        kind: OrderKind::Limit { price: Price(6_425_010_000_000), tif: TimeInForce::PostOnly },
        qty: Qty(1_000_000),
        reduce_only: false,
        close_position: false,
        leverage: 5,
        purpose: Purpose::Entry,
    }
}

/// From the core's order to the text that is sent.
fn sign(bencher: Bencher<'_, '_>, credentials: &Credentials) {
    let (order, mut nonces) = (order(), Nonces::new());
    bencher.bench_local(|| {
        let new = NewOrder::from_core(black_box(&order), "BTCUSDT", "sw-3-9-0");
        let pairs = Pairs::of(&new).expect("an order has a text");
        credentials.sign(pairs, &mut nonces, NOW)
    });
}

fn wallet() -> Wallet {
    Wallet::new(&Secret::new("01".repeat(32))).expect("a throw-away key")
}

#[divan::bench]
fn order_to_eip712_bytes(bencher: Bencher<'_, '_>) {
    sign(bencher, &Credentials::Wallet(WalletSigner::new(wallet(), None, CHAIN)));
}

#[divan::bench]
fn order_to_hmac_bytes(bencher: Bencher<'_, '_>) {
    let key = ApiKey::new(Secret::new("key"), &Secret::new("throw-away-test-secret"));
    sign(bencher, &Credentials::Key(KeySigner::new(key, 5_000)));
}

/// The other side: text and signature to the signer's address.
#[divan::bench]
fn recover_eip712(bencher: Bencher<'_, '_>) {
    let signer = WalletSigner::new(wallet(), None, CHAIN);
    let pairs = Pairs::of(&NewOrder::from_core(&order(), "BTCUSDT", "sw-3-9-0")).expect("an order has a text");
    let signed = signer.sign(pairs, NOW);
    let (domain, received) = (Domain::new(CHAIN), Received::split(signed.as_str()));
    let signature = received.signature.expect("it is signed");
    bencher.bench(|| domain.recover(black_box(received.text), black_box(signature)));
}
