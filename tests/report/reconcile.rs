//! Money adds up to the last unit: what fills, fees and funding did to each account is what trades.csv and the open
//! positions say, and is the change of its equity. Fills are multiplied out here from the venue's reports; the ledger
//! is not asked.

use crate::rows;
use crate::support::{Place, SWARM, shared_data};
use asterswarm::cli::prepare;
use asterswarm::market::{Query, load};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use swarm_core::engine::{Engine, EngineOptions, Sink};
use swarm_core::journal::Fingerprint;
use swarm_core::model::{AgentId, Fact, Fill, Plan, PortfolioId, ReportKind, SymbolId, Usd, VenueEvent};

/// Units of money a mantissa of `price * qty` has: both have eight decimals.
const SCALE: i128 = 100_000_000;

/// Exact sums of one position since it was flat, and of one account, with sixteen decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    /// Mantissa, positive when long.
    qty: i64,
    /// Received for sold less paid for bought.
    cash: i128,
    fees: i128,
    funding: i128,
}

impl Sums {
    fn fill(&mut self, fill: &Fill) {
        let signed = fill.side.signed(fill.qty).0;
        self.qty += signed;
        self.cash -= i128::from(signed) * i128::from(fill.price.0);
        self.fees += i128::from(fill.fee.0) * SCALE;
    }
    fn fund(&mut self, amount: Usd) {
        self.funding += i128::from(amount.0) * SCALE;
    }
    /// What it is worth with its open quantity at a price.
    fn worth(&self, price: i64) -> i128 {
        self.cash - self.fees + self.funding + i128::from(self.qty) * i128::from(price)
    }
}

/// A mantissa of eight decimals; fails when there are more.
fn units(sum: i128) -> i64 {
    assert_eq!(sum % SCALE, 0, "{sum} has more decimals than money");
    i64::try_from(sum / SCALE).unwrap()
}

/// Net result, fees and funding of a closed position.
type Closed = (i64, i64, i64);

/// Adds up what venues report.
#[derive(Default)]
struct Books {
    fingerprint: Option<Fingerprint>,
    accounts: BTreeMap<(PortfolioId, SymbolId), Sums>,
    open: BTreeMap<AgentId, Sums>,
    closed: BTreeMap<AgentId, Vec<Closed>>,
    /// By account and contract, who holds it; where several do, nobody's funding can be told from outside.
    owners: BTreeMap<(PortfolioId, SymbolId), Vec<AgentId>>,
}

impl Sink for Books {
    fn fact(&mut self, fact: &Fact) {
        self.fingerprint.get_or_insert_with(Fingerprint::new).add(fact);
        match fact {
            Fact::Venue {
                portfolio,
                event: VenueEvent::Order { id, symbol, kind: ReportKind::Filled { fill, .. }, .. },
            } => {
                self.accounts.entry((*portfolio, *symbol)).or_default().fill(fill);
                let agent = id.intent.agent;
                let own = self.open.entry(agent).or_default();
                let before = own.qty;
                own.fill(fill);
                assert!(before == 0 || own.qty == 0 || (before > 0) == (own.qty > 0), "no fill turns a position here");
                if own.qty == 0 {
                    let closed = (units(own.worth(0)), units(own.fees), units(own.funding));
                    self.closed.entry(agent).or_default().push(closed);
                    *own = Sums::default();
                }
            }
            Fact::Venue { portfolio, event: VenueEvent::Funding { symbol, amount, .. } } => {
                self.accounts.entry((*portfolio, *symbol)).or_default().fund(*amount);
                if let [only] = self.owners[&(*portfolio, *symbol)][..] {
                    self.open.entry(only).or_default().fund(*amount);
                }
            }
            Fact::Venue { event: VenueEvent::Liquidation { .. }, .. } => panic!("nothing is liquidated in these runs"),
            _ => {}
        }
    }
}

/// Runs the same swarm again with books of our own: them, and the last price of each contract.
fn run(place: &Place, query: &Query, plan: &Arc<Plan>) -> (Books, Vec<i64>) {
    let recording = Arc::new(load(query).unwrap());
    let mut books = Books::default();
    for (index, agent) in plan.agents.iter().enumerate() {
        books.owners.entry((agent.portfolio, agent.symbol)).or_default().push(AgentId::at(index));
    }
    let make = prepare::rules(plan);
    let mut engine = Engine::new(Arc::clone(plan), make, EngineOptions::default()).unwrap();
    assert!(engine.run(&mut recording.tape(), &mut books, |_| true));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path("out/report.json")).unwrap()).unwrap();
    let fingerprint = books.fingerprint.take().unwrap().finish();
    assert_eq!(report["fingerprint"], fingerprint, "the same run as the one that wrote the files");
    (books, recording.series.iter().map(|series| series[series.len() - 1].close.0).collect())
}

fn mantissa(text: &str) -> i64 {
    text.parse::<Usd>().unwrap_or_else(|_| panic!("`{text}` is no amount")).0
}

/// Compares a backtest's files with the books; gives the number of trades and of positions left open.
fn check(place: &Place, data: &Path, range: [&str; 2]) -> (usize, usize) {
    let data_text = data.display().to_string();
    let done = place.run(&["backtest", "--data", &data_text, "--from", range[0], "--to", range[1], "--out", "out"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let loaded = asterswarm::config::load(&place.path("swarm.yaml")).unwrap();
    let plan = Arc::new(loaded.plan);
    let query = Query {
        dir: data.to_owned(),
        symbols: plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
        base: plan.base,
        from: prepare::parse_date(range[0]).ok(),
        to: prepare::parse_date(range[1]).ok(),
    };
    let (books, prices) = run(place, &query, &plan);

    let trades = rows(&place.path("out/trades.csv"));
    let mut told: BTreeMap<&str, Vec<Closed>> = BTreeMap::new();
    let mut of_portfolio: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &trades {
        let [gross, fees, funding, net] =
            ["gross_pnl", "fees", "funding", "net_pnl"].map(|column| mantissa(&row[column]));
        assert_eq!(gross - fees + funding, net, "{row:?}");
        told.entry(&row["agent"]).or_default().push((net, fees, funding));
        *of_portfolio.entry(&row["portfolio"]).or_default() += net;
    }
    let is_shared = books.owners.values().any(|owners| owners.len() > 1);
    let mut open_positions = 0;
    let mut of_open: BTreeMap<PortfolioId, i128> = BTreeMap::new();
    for (index, agent) in plan.agents.iter().enumerate() {
        let id = AgentId::at(index);
        let closed = books.closed.get(&id).cloned().unwrap_or_default();
        let told = told.get(agent.name.as_str()).cloned().unwrap_or_default();
        if is_shared {
            // Funding of a contract that several hold is split inside; what was traded and its fees are not.
            let without = |closed: &[Closed]| -> Vec<(i64, i64)> {
                closed.iter().map(|(net, fees, funding)| (net - funding, *fees)).collect()
            };
            let outside: Vec<(i64, i64)> = closed.iter().map(|(net, fees, _)| (*net, *fees)).collect();
            assert_eq!(without(&told), outside, "trades of {}", agent.name);
        } else {
            assert_eq!(told, closed, "trades of {}", agent.name);
        }
        let open = books.open.get(&id).copied().unwrap_or_default();
        open_positions += usize::from(open.qty != 0);
        *of_open.entry(agent.portfolio).or_default() += open.worth(prices[agent.symbol.index()]);
    }

    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path("out/report.json")).unwrap()).unwrap();
    let equity = rows(&place.path("out/equity.csv"));
    for (index, portfolio) in plan.portfolios.iter().enumerate() {
        let id = PortfolioId::at(index);
        let name = portfolio.name.as_str();
        let last = equity.iter().rfind(|row| row["portfolio"] == name && row["cohort"].is_empty()).unwrap();
        let change = mantissa(&last["equity"]) - portfolio.equity.0;
        assert_eq!(report["portfolios"][name]["end_equity"], last["equity"].as_str(), "{name}");
        let accounts = books.accounts.iter().filter(|((account, _), _)| *account == id);
        let outside: i128 = accounts.map(|((_, symbol), sums)| sums.worth(prices[symbol.index()])).sum();
        let funding: i128 = books.accounts.values().map(|sums| sums.funding.abs()).sum();
        let trades_here = plan.agents.iter().any(|agent| agent.portfolio == id);
        assert!(
            !trades_here || (funding > 0 && change != 0),
            "{name}: nothing was funded or traded, so nothing is shown"
        );
        assert_eq!(units(outside), change, "{name}: fills, fees, funding and open positions against equity");
        let traded = of_portfolio.get(name).copied().unwrap_or(0);
        if !is_shared {
            let open = units(of_open.get(&id).copied().unwrap_or_default());
            assert_eq!(traded + open, change, "{name}: trades.csv and open positions against equity");
        }
        // The curves of agents and cohorts are parts of the portfolio's.
        let last_of = |column: &str, empty: &[&str]| -> i64 {
            let mut last: BTreeMap<&str, i64> = BTreeMap::new();
            let of = |row: &&BTreeMap<String, String>| {
                row["portfolio"] == name && !row[column].is_empty() && empty.iter().all(|other| row[*other].is_empty())
            };
            for row in equity.iter().filter(of) {
                last.insert(&row[column], mantissa(&row["equity"]));
            }
            last.values().map(|equity| equity - portfolio.equity.0).sum()
        };
        assert_eq!(last_of("cohort", &["agent"]), change, "{name}: cohorts against the portfolio");
        assert_eq!(last_of("agent", &[]), change, "{name}: agents against the portfolio");
    }
    (trades.len(), open_positions)
}

const RANGE: [&str; 2] = ["2024-01-01", "2024-01-06"];

/// Funding every eight hours, up and down.
fn fund(place: &Place) {
    for (index, symbol) in crate::support::SYMBOLS.iter().enumerate() {
        let rate = |payment: i64| ["0.0001", "-0.00023", "0.00071"][(payment as usize + index) % 3];
        let at = |payment: i64| crate::support::START + payment * crate::support::DAY / 3;
        let rows: String = (0..20).map(|payment| format!("{},{}\n", at(payment), rate(payment))).collect();
        place.put(&format!("data/funding/{symbol}.csv"), format!("funding_time,funding_rate\n{rows}"));
    }
}

#[test]
fn every_trade_of_a_made_up_market_reconciles_with_equity() {
    let (mut trades, mut open) = (0, 0);
    for seed in [7, 8, 9] {
        let place = Place::with(SWARM);
        place.market(seed, crate::support::CANDLES);
        fund(&place);
        let (closed, left) = check(&place, &place.path("data"), RANGE);
        trades += closed;
        open += left;
    }
    assert!(trades > 100 && open > 0, "{trades} trades, {open} open positions: too little to say anything");
}

#[test]
fn accounts_that_several_agents_share_reconcile_too() {
    let shared = SWARM.replace("portfolio: expert", "portfolio: control");
    let place = Place::with(&shared);
    place.market(7, crate::support::CANDLES);
    fund(&place);
    let (trades, _) = check(&place, &place.path("data"), RANGE);
    assert!(trades > 30, "{trades} trades");
}

#[test]
fn every_trade_of_recorded_candles_reconciles_with_equity() {
    let Some(data) = shared_data("klines/binance-um") else { return };
    let swarm = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("swarm.yaml")).unwrap();
    let place = Place::with(&swarm.replace("agents/control.yaml", "control").replace("agents/expert.yaml", "expert"));
    let (trades, _) = check(&place, &data, ["2024-01-01", "2024-03-01"]);
    assert!(trades > 50, "{trades} trades");
}
