//! Seeds: good input of every kind, of our own making.

use super::targets::ANSWERS;
use serde_json::Value;
use std::path::PathBuf;
use swarm_core::journal::{Link, encode, first_header};
use swarm_core::model::{
    AgentChange, AgentId, BreakerChange, BreakerScope, CancelReason, Candle, Fact, Fill, IntentId, Order, OrderId,
    OrderKind, PortfolioId, Price, Purpose, Qty, Rate, ReportKind, Side, StopPolicy, SymbolId, Time, Usd, VenueEvent,
    Watermark,
};

pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "configuration" => configurations(),
        "answers" => answers(),
        "frames" => shapes("events.json").into_iter().map(|(_, value)| value.to_string().into_bytes()).collect(),
        "requests" => REQUESTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "venue" => venue(),
        "journal" => vec![journal(), journal()[first_header().len()..].to_vec()],
        "facts" => facts().iter().map(|fact| postcard::to_allocvec(fact).unwrap()).collect(),
        other => panic!("no seeds for {other}"),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn configurations() -> Vec<Vec<u8>> {
    let mut files = vec![root().join("swarm.yaml")];
    files.extend(std::fs::read_dir(root().join("examples")).unwrap().map(|file| file.unwrap().path()));
    files.retain(|file| file.extension().is_some_and(|kind| kind == "yaml"));
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Shapes of our fixtures by name.
fn shapes(file: &str) -> Vec<(String, Value)> {
    let text = std::fs::read(root().join("tests/fixtures/aster").join(file)).unwrap();
    serde_json::from_slice::<serde_json::Map<String, Value>>(&text).unwrap().into_iter().collect()
}

fn answers() -> Vec<Vec<u8>> {
    let mut seeds = vec![b"\0{\"code\":-1121,\"msg\":\"Invalid symbol.\"}".to_vec(), b"\0<html></html>".to_vec()];
    for (name, value) in shapes("answers.json") {
        // Where no reader has its name, all of them get it.
        let own = ANSWERS.iter().position(|(reader, _)| name.starts_with(reader));
        let readers = own.map_or(0..ANSWERS.len(), |own| own..own + 1);
        for reader in readers {
            let mut seed = vec![u8::try_from(reader).unwrap()];
            seed.extend_from_slice(value.to_string().as_bytes());
            seeds.push(seed);
        }
    }
    seeds
}

const REQUESTS: [&str; 4] = [
    "symbol=SOLUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1.5&price=100.2&newClientOrderId=a-1",
    "symbol=SOLUSDT&side=SELL&type=STOP_MARKET&stopPrice=90&closePosition=true&workingType=MARK_PRICE",
    "symbol=SOLUSDT&interval=5m&startTime=1735689600000&limit=500",
    "symbol=SOLUSDT&side=BUY&type=MARKET&quantity=1&nonce=1735689600000000&user=0x00&signer=0x00&signature=0x00",
];

fn venue() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [
        "GET /fapi/v3/exchangeInfo\n\n\n",
        "GET /fapi/v1/klines\nsymbol=SOLUSDT&interval=1m&limit=5\n\n",
        "GET /fapi/v3/depth\nsymbol=SOLUSDT&limit=5\n\n",
        "GET /fapi/v3/premiumIndex\n\n\n",
        "GET /fapi/v1/ticker/24hr\nsymbol=SOLUSDT\n\n",
        "POST /fapi/v1/listenKey\n\n\npaper-1",
        "DELETE /fapi/v3/order\nsymbol=SOLUSDT&orderId=1\n\n",
        "GET /control/state\n\n\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    seeds.extend(REQUESTS.iter().map(|text| format!("POST /fapi/v3/order\n\n{text}\npaper-1").into_bytes()));
    seeds.extend(
        REQUESTS.iter().map(|text| format!("POST /fapi/v1/order\n{text}&signature=00\n\npaper-1").into_bytes()),
    );
    seeds
}

fn journal() -> Vec<u8> {
    let (mut journal, mut link) = (first_header().to_vec(), Link::start());
    for (index, fact) in facts().iter().enumerate() {
        link = encode(link, index % 3 == 0, fact, &mut journal).unwrap();
    }
    journal
}

fn facts() -> Vec<Fact> {
    let (at, symbol, portfolio) = (Time(1_735_689_600_000), SymbolId(0), PortfolioId(0));
    let intent = IntentId { agent: AgentId(1), number: 3 };
    let id = OrderId { intent, leg: 2 };
    let fill = Fill {
        trade: 7,
        side: Side::Buy,
        price: Price::whole(100),
        qty: Qty::ONE,
        fee: Usd::whole(1),
        maker: true,
        slippage: Usd::ZERO,
    };
    let event = |kind| Fact::Venue { portfolio, event: VenueEvent::Order { id, symbol, at, kind } };
    let price = Price::whole(100);
    vec![
        Fact::Candle {
            symbol,
            candle: Candle { open_time: at, open: price, high: price, low: price, close: price, volume: 1.5 },
        },
        Fact::Order {
            at,
            order: Order {
                id,
                portfolio,
                symbol,
                side: Side::Sell,
                kind: OrderKind::StopMarket { trigger: Price::whole(90) },
                qty: Qty::ONE,
                reduce_only: true,
                close_position: false,
                leverage: 3,
                purpose: Purpose::Stop,
            },
        },
        Fact::Cancel { at, portfolio, id, symbol },
        event(ReportKind::Accepted),
        event(ReportKind::Filled { fill, leaves: Qty::ZERO }),
        event(ReportKind::Canceled(CancelReason::Requested)),
        Fact::Venue { portfolio, event: VenueEvent::Transfer { at, amount: Usd::whole(-5) } },
        Fact::Breaker {
            at,
            scope: BreakerScope::Swarm,
            change: BreakerChange::Tripped { equity: Usd::whole(8), peak: Usd::whole(10), drawdown: Rate::percent(20) },
        },
        Fact::Breaker {
            at,
            scope: BreakerScope::Agent(AgentId(1)),
            change: BreakerChange::Reset { reason: "looked into".to_owned() },
        },
        Fact::Agent { at, agent: AgentId(1), change: AgentChange::Stopped(StopPolicy::Close) },
        Fact::Watermark {
            scope: BreakerScope::Swarm,
            mark: Watermark { peak: Usd::whole(10), breach_samples: 1, day: 20_089, day_start_equity: Usd::whole(9) },
        },
        Fact::StepEnd { at },
        Fact::End { at, complete: true },
    ]
}
