//! Checks of one account against the portfolio that is to trade it. Pure.

use super::checks::{Finding, Level, gathered, largest_position, of, traded, whole_leverage};
use super::facts::{AccountFacts, MarketFacts};
use super::market::weight_limit;
use crate::aster::wire::{Account, AgentInfo, Balance, OrderAnswer, OrderType, PositionRisk, Side, SymbolBrackets};
use swarm_core::model::{DAY_MS, Plan, PortfolioPlan, Price, Qty, Round, Usd};

/// A signer that expires within this is told.
const EXPIRES_SOON_MS: i64 = 7 * DAY_MS;

pub(super) fn examine(
    plan: &Plan,
    portfolio: &PortfolioPlan,
    facts: &AccountFacts,
    market: &MarketFacts,
) -> Vec<Finding> {
    let mut findings = vec![keys(facts)];
    if facts.keys.is_err() {
        return findings;
    }
    findings.push(of("account", &facts.account, |account| access(account, facts)));
    if facts.account.is_err() {
        return findings;
    }
    findings.extend([
        withdrawal(facts),
        of("position mode", &facts.dual_side, |dual| position_mode(*dual)),
        of("assets mode", &facts.multi_assets, |multi| assets_mode(*multi)),
        of("money", &facts.balances, |balances| money(portfolio, balances)),
        of("margin type", &facts.positions, |rows| margin_type(plan, portfolio, rows, facts)),
        of("leverage", &facts.positions, |rows| leverage(plan, portfolio, rows)),
        of("brackets", &facts.brackets, |tables| brackets(plan, portfolio, tables)),
        smallest_order(plan, portfolio, market),
        fees(plan, facts),
        stops(facts),
        of("open orders", &facts.orders, |orders| open_orders(orders)),
        headroom(facts, market),
    ]);
    if let Some(agents) = &facts.agents {
        findings.push(of("signer", agents, |agents| signer(agents, facts)));
    }
    if let Some(builders) = &facts.builders {
        findings.push(of("builders", builders, |builders| {
            let names: Vec<String> = builders.iter().map(|builder| builder.builder_address.clone()).collect();
            let todo = "they may take a surcharge on orders: remove them unless you put them there";
            gathered("builders", Level::Warn, &names, "none may take a surcharge".to_owned(), todo)
        }));
    }
    findings
}

fn keys(facts: &AccountFacts) -> Finding {
    match &facts.keys {
        Ok(whose) => Finding::new("keys", Level::Ok, whose.clone(), ""),
        Err(why) => Finding::new("keys", Level::Fail, why.clone(), "see docs/doctor.md for the names of the variables"),
    }
}

fn access(account: &Account, facts: &AccountFacts) -> Finding {
    let wallet = account.total_wallet_balance;
    if account.can_trade {
        Finding::new("account", Level::Ok, format!("the keys are taken; {wallet} USDT; it may trade"), "")
    } else {
        let todo = "the venue takes no orders of it: look at the account there, and at the rights of the key";
        let whose = facts.user.as_deref().unwrap_or("the account");
        Finding::new("account", Level::Fail, format!("{whose} may not trade"), todo)
    }
}

/// A key that can do more than trade is worth more to a thief.
fn withdrawal(facts: &AccountFacts) -> Finding {
    let todo = "let a signer trade that may not withdraw, and keep this key off this machine";
    let is_own = facts.signer.is_some() && facts.signer == facts.user;
    let of_signer = facts.agents.as_ref().and_then(|agents| agents.as_ref().ok());
    let of_signer = of_signer.and_then(|agents| find(agents, facts)).map(|agent| agent.can_withdraw);
    let of_account = facts.account.as_ref().is_ok_and(|account| account.can_withdraw);
    if is_own {
        return Finding::new("withdrawal", Level::Warn, "the account's own wallet signs: it may withdraw", todo);
    }
    match of_signer.unwrap_or(facts.signer.is_none() && of_account) {
        true => Finding::new("withdrawal", Level::Warn, "the key may withdraw", todo),
        false => Finding::new("withdrawal", Level::Ok, "the key may not withdraw", ""),
    }
}

fn find<'a>(agents: &'a [AgentInfo], facts: &AccountFacts) -> Option<&'a AgentInfo> {
    let signer = facts.signer.as_deref()?;
    agents.iter().find(|agent| agent.agent_address.eq_ignore_ascii_case(signer))
}

fn signer(agents: &[AgentInfo], facts: &AccountFacts) -> Finding {
    if facts.signer == facts.user {
        return Finding::new("signer", Level::Ok, "the account's own wallet signs", "");
    }
    let address = facts.signer.as_deref().unwrap_or_default();
    let approve = "approve it in the venue's web interface, with the right to trade perpetuals";
    let Some(agent) = find(agents, facts) else {
        return Finding::new("signer", Level::Fail, format!("{address} is not among the account's signers"), approve);
    };
    if !agent.can_perp_trade {
        return Finding::new("signer", Level::Fail, format!("{address} may not trade perpetuals"), approve);
    }
    match agent.expired.map(|at| (at, at.since(facts.asked_at))) {
        Some((at, ..=0)) => Finding::new("signer", Level::Fail, format!("{address} expired at {at}"), approve),
        Some((at, ..=EXPIRES_SOON_MS)) => {
            Finding::new("signer", Level::Warn, format!("{address} expires at {at}"), "renew it before then")
        }
        _ => Finding::new("signer", Level::Ok, format!("{address} may trade perpetuals"), ""),
    }
}

fn position_mode(dual: bool) -> Finding {
    if dual {
        let todo = "switch the account to one-way mode when it is flat; it is never switched here";
        Finding::new("position mode", Level::Fail, "hedge mode: long and short are positions of their own", todo)
    } else {
        Finding::new("position mode", Level::Ok, "one-way", "")
    }
}

fn assets_mode(multi: bool) -> Finding {
    if multi {
        let todo = "switch to single-asset mode: limits are measured against USDT alone";
        Finding::new("assets mode", Level::Fail, "multi-assets: other assets count as margin", todo)
    } else {
        Finding::new("assets mode", Level::Ok, "single-asset", "")
    }
}

fn money(portfolio: &PortfolioPlan, balances: &[Balance]) -> Finding {
    let wallet: Usd = balances.iter().filter(|row| row.asset == "USDT").map(|row| row.balance).sum();
    let seen = format!("{wallet} USDT, `equity` says {}", portfolio.equity);
    if wallet <= Usd::ZERO {
        Finding::new("money", Level::Fail, seen, "deposit USDT into the futures account")
    } else if wallet < portfolio.equity {
        Finding::new(
            "money",
            Level::Warn,
            seen,
            "sizes follow what is there; write it as `equity` for papers that agree",
        )
    } else {
        Finding::new("money", Level::Ok, seen, "")
    }
}

fn margin_type(plan: &Plan, portfolio: &PortfolioPlan, rows: &[PositionRisk], facts: &AccountFacts) -> Finding {
    let isolated = plan.exchange.isolated_margin;
    let (wanted, word) = (Some(isolated), if isolated { "isolated" } else { "cross" });
    let (mut changes, mut stuck) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| traded(plan, portfolio).iter().any(|it| it.symbol == row.symbol)) {
        if row.margin_type.is_isolated() == wanted {
            continue;
        }
        let orders = facts.orders.as_ref().is_ok_and(|orders| orders.iter().any(|order| order.symbol == row.symbol));
        let (is_busy, text) = (orders || !row.position_amt.is_zero(), row.symbol.clone());
        if is_busy { stuck.push(text) } else { changes.push(text) }
    }
    if !stuck.is_empty() {
        let seen = format!("not {word}, and not to be changed with positions or orders open: {}", stuck.join(", "));
        return Finding::new("margin type", Level::Fail, seen, "close them, or change `venue.margin`");
    }
    let todo = format!("a live start would set them to {word}");
    gathered("margin type", Level::Warn, &changes, format!("{word} where it is traded"), &todo)
}

fn leverage(plan: &Plan, portfolio: &PortfolioPlan, rows: &[PositionRisk]) -> Finding {
    let wanted = whole_leverage(plan, portfolio);
    let traded = traded(plan, portfolio);
    let of_plan = rows.iter().filter(|row| traded.iter().any(|it| it.symbol == row.symbol));
    let lower: Vec<String> = of_plan
        .filter(|row| row.leverage < wanted)
        .map(|row| format!("{} is set to {}x", row.symbol, row.leverage))
        .collect();
    let todo = format!("entries would raise it, to {wanted}x at most, when they need it");
    gathered("leverage", Level::Warn, &lower, format!("{wanted}x or more is set where it is traded"), &todo)
}

fn brackets(plan: &Plan, portfolio: &PortfolioPlan, tables: &[SymbolBrackets]) -> Finding {
    let (wanted, largest) = (whole_leverage(plan, portfolio), largest_position(plan, portfolio));
    let (mut missing, mut cut) = (Vec::new(), Vec::new());
    for instrument in traded(plan, portfolio) {
        let symbol = &instrument.symbol;
        let Some(table) = tables.iter().find(|table| table.symbol == *symbol && !table.brackets.is_empty()) else {
            missing.push(symbol.clone());
            continue;
        };
        let allowed = table.brackets.iter().filter(|row| row.initial_leverage >= wanted);
        match allowed.map(|row| row.notional_cap).max() {
            None => {
                let most = table.brackets.iter().map(|row| row.initial_leverage).max().unwrap_or_default();
                cut.push(format!("{symbol} has {most}x at most, not {wanted}x"));
            }
            Some(cap) if cap < largest => cut.push(format!("{symbol} at {wanted}x holds {cap} USDT, not {largest}")),
            Some(_) => {}
        }
    }
    if !missing.is_empty() {
        let todo = "margin cannot be known: do not trade them";
        return Finding::new("brackets", Level::Fail, format!("there is no table of {}", missing.join(", ")), todo);
    }
    let good = format!("positions of up to {largest} USDT at {wanted}x are allowed");
    gathered("brackets", Level::Warn, &cut, good, "larger entries would be refused there (-2027): lower `max_notional`")
}

/// Whether what limits leave is enough for an order at all.
fn smallest_order(plan: &Plan, portfolio: &PortfolioPlan, market: &MarketFacts) -> Finding {
    let largest = largest_position(plan, portfolio);
    let (mut faults, mut highest) = (Vec::new(), Usd::ZERO);
    let (Ok(info), Ok(marks)) = (&market.info, &market.marks) else {
        return Finding::new("smallest order", Level::Fail, "filters or prices are not known", "try again");
    };
    for known in traded(plan, portfolio) {
        let row = info.symbols.rows.iter().find(|row| row.symbol == known.symbol);
        let venue = row.and_then(|row| row.instrument_with(known.brackets.clone()).ok());
        let mark = marks.iter().find(|row| row.symbol == known.symbol).map(|row| row.mark_price);
        let (Some(venue), Some(mark)) = (venue, mark.filter(|mark| *mark > Price::ZERO)) else { continue };
        let smallest = venue.min_notional.max(Usd::notional(mark, venue.min_qty, Round::Up));
        highest = highest.max(smallest);
        if smallest > largest {
            faults.push(format!("{} takes no order below {smallest} USDT", known.symbol));
        }
    }
    let todo = format!("limits leave {largest} USDT to a position: give the portfolio more, or leave these out");
    let good = format!("{highest} USDT or less everywhere; limits leave {largest} to a position");
    gathered("smallest order", Level::Fail, &faults, good, &todo)
}

fn fees(plan: &Plan, facts: &AccountFacts) -> Finding {
    let (maker, taker) = (plan.exchange.maker_fee, plan.exchange.taker_fee);
    let mut differences = Vec::new();
    for (symbol, fee) in &facts.fees {
        match fee {
            Ok(fee) if fee.maker_commission_rate > maker || fee.taker_commission_rate > taker => {
                let (maker, taker) = (fee.maker_commission_rate, fee.taker_commission_rate);
                differences.push(format!("{symbol} {maker} and {taker}"));
            }
            Ok(_) => {}
            Err(why) => differences.push(format!("{symbol} is not known ({why})")),
        }
    }
    let todo =
        format!("the file has {maker} (maker) and {taker} (taker): write the venue's into `venue`, or tests flatter");
    gathered("fees", Level::Warn, &differences, format!("{maker} (maker) and {taker} (taker), or less"), &todo)
}

/// Whether an order takes a position down when the market goes against it.
fn protects(order: &OrderAnswer, position: &PositionRisk) -> bool {
    let stop = matches!(order.order_type, OrderType::StopMarket | OrderType::Stop | OrderType::TrailingStopMarket);
    let against = if position.position_amt > Qty::ZERO { Side::Sell } else { Side::Buy };
    let closes = order.reduce_only || order.close_position;
    stop && closes && order.side == against && order.symbol == position.symbol
}

fn stops(facts: &AccountFacts) -> Finding {
    let (positions, orders) = match (&facts.positions, &facts.orders) {
        (Ok(positions), Ok(orders)) => (positions, orders),
        (Err(why), _) | (_, Err(why)) => return Finding::new("stops", Level::Fail, why.clone(), "try again"),
    };
    let (mut naked, mut count) = (Vec::new(), 0);
    for position in positions.iter().filter(|row| !row.position_amt.is_zero()) {
        count += 1;
        let held = position.position_amt.abs();
        let stops = orders.iter().filter(|order| protects(order, position));
        let covered: Qty =
            stops.map(|order| if order.close_position { held } else { order.orig_qty - order.executed_qty }).sum();
        if covered < held {
            let uncovered = held - covered;
            naked.push(format!("{uncovered} of {} {} have no stop", position.position_amt, position.symbol));
        }
    }
    let todo = "place a reduce-only stop, or close it; a swarm that did not open it does not protect it";
    gathered("stops", Level::Fail, &naked, format!("{count} open positions, each under a stop"), todo)
}

/// Orders that are there before the swarm is.
fn open_orders(orders: &[OrderAnswer]) -> Finding {
    let shown = |order: &OrderAnswer| {
        format!("{} {} {} {}", order.symbol, order.side.as_str(), order.order_type.as_str(), order.client_order_id)
    };
    let orders: Vec<String> = orders.iter().map(shown).collect();
    let todo = "those that the swarm did not place are left alone: cancel them if nobody else needs them";
    gathered("open orders", Level::Warn, &orders, "none".to_owned(), todo)
}

fn headroom(facts: &AccountFacts, market: &MarketFacts) -> Finding {
    let limit = market.info.as_ref().ok().and_then(weight_limit).unwrap_or(2_400);
    let seen = format!("{} of {limit} weight used in this minute", facts.used_weight);
    if facts.used_weight * 2 > u64::from(limit) {
        Finding::new("headroom", Level::Warn, seen, "something else asks from this address: limits count by address")
    } else {
        Finding::new("headroom", Level::Ok, seen, "")
    }
}
