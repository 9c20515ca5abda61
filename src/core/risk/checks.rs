//! What an entry must pass, in this order. The first refusal counts.
//!
//! 1. the intent names its agent's own portfolio and symbol (`malformed`)
//! 2. the agent runs (`agent_not_running`)
//! 3. entries are not gated (`entries_gated`)
//! 4. no breaker is tripped: swarm, portfolio, agent (`breaker_tripped`)
//! 5. its numbers make sense (`malformed`)
//! 6. a price is known (`no_mark`)
//! 7. the data is fresh: swarm, portfolio, agent (`stale_data`)
//! 8. no mark of it waits for others to confirm it (`unconfirmed_mark`)
//! 9. the price is near the market: swarm, portfolio, agent, then the venue's band (`price_collar`)
//! 10. it has a stop where one is demanded (`stop_required`)
//! 11. nobody is on the symbol (`symbol_held`, `position_open`)
//! 12. the day's loss: swarm, portfolio, agent (`daily_loss`)
//! 13. the loss run, likewise (`loss_run`)
//! 14. the entry rate, likewise (`entry_rate`)
//! 15. the positions, likewise (`max_positions`)
//! 16. its size, see `sizing` (`max_notional`, `max_leverage`, `insufficient_margin`, `above_maximum`,
//!     `below_minimum`)
//!
//! What a resting entry left and follows at the market passes 2 to 4, 6 to 9, 12, 13 and 15 once more, and is
//! cut to what its reservation held (`follow`).
//!
//! Exits pass none of these: a close is refused only when there is nothing to close. A reverse is a close
//! and an open; when the open is refused the close still goes, and the verdict says `resized`.

use super::breaker::ratio;
use super::sizing::{Sized, Sizing, asked_qty};
use super::supervisor::Supervisor;
use super::tiers::Tier;
use crate::model::{
    AgentId, AgentPlan, Entry, ExitReason, Figure, Instrument, Intent, IntentId, IntentKind, Level, Price, Rate,
    Refusal, RefusalReason, Round, Side, Size, StopPlan, SymbolId, Time, Usd, Verdict,
};
use crate::planted::{Bug, is_planted};

/// What the supervisor makes of an intent.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// The position to close first, and why.
    pub(super) close: Option<(IntentId, ExitReason)>,
    /// The entry to place.
    pub(super) entry: Option<Sized>,
}

impl Judgement {
    const fn refused(refusal: Refusal) -> Self {
        Self { verdict: Verdict::Refused(refusal), close: None, entry: None }
    }
}

const MALFORMED: Refusal = Refusal::plain(RefusalReason::Malformed, Level::Agent);

impl Supervisor {
    /// Judges an intent of a known agent. Changes nothing.
    pub(super) fn judge(&self, now: Time, intent: &Intent, plan: &AgentPlan) -> Judgement {
        if intent.portfolio != plan.portfolio || intent.symbol != plan.symbol {
            return Judgement::refused(MALFORMED);
        }
        match &intent.kind {
            IntentKind::Close { reason } => self.judge_close(intent, *reason),
            IntentKind::Open(entry) => self.judge_entry(now, intent, entry, None),
            IntentKind::Reverse(entry) => {
                let held = self.reversible(intent, entry);
                // While the rest of the old entry may still fill, there is no telling that it makes room.
                let settled = held
                    .filter(|&index| self.books[intent.portfolio.index()].engagements[index].guard.entry().is_none());
                let mut judgement = self.judge_entry(now, intent, entry, settled);
                if let Some(index) = held {
                    let held = &self.books[intent.portfolio.index()].engagements[index];
                    judgement.close = Some((held.intent, ExitReason::Reverse));
                    if let Verdict::Refused(refusal) = judgement.verdict {
                        judgement.verdict = Verdict::Resized(refusal);
                    }
                }
                judgement
            }
        }
    }

    fn judge_close(&self, intent: &Intent, reason: ExitReason) -> Judgement {
        let book = &self.books[intent.portfolio.index()];
        let own = book.engagements[book.on_symbol(intent.symbol)]
            .iter()
            .filter(|one| one.agent() == intent.agent && one.takes_slot())
            .max_by_key(|one| one.position.is_open());
        match own {
            Some(own) => Judgement { verdict: Verdict::Approved, close: Some((own.intent, reason)), entry: None },
            None => Judgement::refused(Refusal::plain(RefusalReason::NoPosition, Level::Agent)),
        }
    }

    /// The agent's own position on the other side that a reverse closes first.
    fn reversible(&self, intent: &Intent, entry: &Entry) -> Option<usize> {
        let book = &self.books[intent.portfolio.index()];
        book.on_symbol(intent.symbol).find(|&index| {
            let one = &book.engagements[index];
            let qty = one.position.holding.qty;
            one.agent() == intent.agent
                && !qty.is_zero()
                && Side::of(qty) != entry.side
                && one.guard.closing().is_none()
        })
    }

    fn judge_entry(&self, now: Time, intent: &Intent, entry: &Entry, held: Option<usize>) -> Judgement {
        match self.check_entry(now, intent, entry, held) {
            Ok(sized) => Judgement {
                verdict: sized.cut.map_or(Verdict::Approved, Verdict::Resized),
                close: None,
                entry: Some(sized),
            },
            Err(refusal) => Judgement::refused(refusal),
        }
    }

    fn check_entry(&self, now: Time, intent: &Intent, entry: &Entry, held: Option<usize>) -> Result<Sized, Refusal> {
        let portfolio = &self.plan.portfolios[intent.portfolio.index()];
        let book = &self.books[intent.portfolio.index()];
        let instrument = self.plan.instrument(intent.symbol);
        if !self.agents[intent.agent.index()].running {
            return Err(Refusal::plain(RefusalReason::AgentNotRunning, Level::Agent));
        }
        if book.gated {
            return Err(Refusal::plain(RefusalReason::EntriesGated, Level::Portfolio));
        }
        let tiers = self.tiers(intent.agent, held);
        breakers(&tiers)?;
        if !is_sane(intent, entry, instrument) {
            return Err(MALFORMED);
        }
        let market =
            self.market.price(intent.symbol, now).ok_or(Refusal::plain(RefusalReason::NoMark, Level::Venue))?;
        self.fresh(now, intent.symbol, intent.decided_at, &tiers)?;
        self.confirmed(intent.symbol, market)?;
        let asked = asked_price(intent, entry, instrument);
        collars(&tiers, asked, market, entry, instrument)?;
        if portfolio.require_stop && entry.exits.stop.is_none() {
            return Err(Refusal::plain(RefusalReason::StopRequired, Level::Portfolio));
        }
        self.symbol_free(intent, held)?;
        losses(now, &tiers)?;
        rates(now, &tiers)?;
        positions(&tiers, 1)?;
        // As the order will be reserved: its limit on the tick, not as it was wished for.
        let price = asked.max(market);
        let qty = asked_qty(entry.size, intent.reference, price).ok_or(MALFORMED)?;
        let sizing = Sizing {
            free_margin: book.equity - tiers[1].exposure.margin,
            tiers: &tiers,
            instrument,
            price,
            low_price: asked.min(market),
            fee: self.plan.exchange.taker_fee,
        };
        sizing.size(entry, qty)
    }

    pub(super) fn fresh(
        &self,
        now: Time,
        symbol: SymbolId,
        decided_at: Time,
        tiers: &[Tier<'_>; 3],
    ) -> Result<(), Refusal> {
        if is_planted(Bug::TrustStaleMark) {
            return Ok(());
        }
        let decided = now.since(decided_at);
        let age = self.market.last_close(symbol, now).map(|close| now.since(close).max(decided));
        for tier in tiers {
            let Some(limit) = tier.limits.max_data_age_ms else { continue };
            if age.is_none_or(|age| age > limit) {
                return Err(Refusal {
                    reason: RefusalReason::StaleData,
                    level: tier.level,
                    limit: Figure::Millis(limit),
                    seen: age.map_or(Figure::Nothing, Figure::Millis),
                });
            }
        }
        Ok(())
    }

    /// No new risk while it is not certain where the market is.
    pub(super) fn confirmed(&self, symbol: SymbolId, market: Price) -> Result<(), Refusal> {
        let (Some(held), Some(limit)) = (self.market.unconfirmed(symbol), self.plan.max_mark_jump) else {
            return Ok(());
        };
        Err(Refusal {
            reason: RefusalReason::UnconfirmedMark,
            level: Level::Venue,
            limit: Figure::Rate(limit),
            seen: Figure::Rate(ratio(Usd((held.price - market).0.abs()), Usd(market.0))),
        })
    }

    fn symbol_free(&self, intent: &Intent, held: Option<usize>) -> Result<(), Refusal> {
        let book = &self.books[intent.portfolio.index()];
        let busy = book
            .on_symbol(intent.symbol)
            .filter(|&index| Some(index) != held)
            .map(|index| &book.engagements[index])
            .find(|one| one.takes_slot());
        match busy {
            None => Ok(()),
            Some(one) if one.agent() == intent.agent => Err(Refusal::plain(RefusalReason::PositionOpen, Level::Agent)),
            Some(_) => Err(Refusal::plain(RefusalReason::SymbolHeld, Level::Portfolio)),
        }
    }

    /// What an agent's own losses are measured by: its portfolio's starting equity and what it made of it.
    pub(super) fn agent_equity(&self, agent: AgentId) -> Usd {
        let plan = &self.plan.agents[agent.index()];
        self.agent_money(agent) + self.open_profit_of(agent, plan.portfolio, plan.symbol)
    }
}

pub(super) fn breakers(tiers: &[Tier<'_>; 3]) -> Result<(), Refusal> {
    for tier in tiers {
        if let Some(trip) = tier.breaker.trip().filter(|_| !is_planted(Bug::ForgetBreaker)) {
            return Err(Refusal {
                reason: RefusalReason::BreakerTripped,
                level: tier.level,
                limit: tier.limits.max_drawdown.map_or(Figure::Nothing, Figure::Rate),
                seen: Figure::Rate(trip.drawdown),
            });
        }
    }
    Ok(())
}

pub(super) fn collars(
    tiers: &[Tier<'_>; 3],
    asked: Price,
    market: Price,
    entry: &Entry,
    instrument: &Instrument,
) -> Result<(), Refusal> {
    let distance = Rate(crate::model::div((asked - market).0.abs(), market.0, Round::Up));
    let refusal = |level: Level, limit: Rate| Refusal {
        reason: RefusalReason::PriceCollar,
        level,
        limit: Figure::Rate(limit),
        seen: Figure::Rate(distance),
    };
    for tier in tiers {
        if let Some(collar) = tier.limits.price_collar.filter(|collar| distance > *collar) {
            return Err(refusal(tier.level, collar));
        }
    }
    let towards_market = match entry.side {
        Side::Buy => asked > market,
        Side::Sell => asked < market,
    };
    let limit = entry.order.limit().is_some();
    let band = instrument.price_band;
    if limit && towards_market && band > Rate::ZERO && distance > band {
        return Err(refusal(Level::Venue, band));
    }
    Ok(())
}

pub(super) fn losses(now: Time, tiers: &[Tier<'_>; 3]) -> Result<(), Refusal> {
    for tier in tiers {
        let Some(limit) = tier.limits.daily_loss else { continue };
        let loss = tier.breaker.daily_loss(now, tier.equity);
        if loss >= limit {
            return Err(Refusal {
                reason: RefusalReason::DailyLoss,
                level: tier.level,
                limit: Figure::Rate(limit),
                seen: Figure::Rate(loss),
            });
        }
    }
    for tier in tiers {
        let Some(rule) = &tier.limits.loss_run else { continue };
        if let Some(run) = tier.pace.cooling(now, rule) {
            return Err(Refusal {
                reason: RefusalReason::LossRun,
                level: tier.level,
                limit: Figure::Count(rule.losses),
                seen: Figure::Count(run),
            });
        }
    }
    Ok(())
}

fn rates(now: Time, tiers: &[Tier<'_>; 3]) -> Result<(), Refusal> {
    for tier in tiers {
        let Some(limit) = tier.limits.entries_per_minute else { continue };
        let seen = tier.pace.entries_within_a_minute(now);
        if seen >= limit {
            return Err(Refusal {
                reason: RefusalReason::EntryRate,
                level: tier.level,
                limit: Figure::Count(limit),
                seen: Figure::Count(seen),
            });
        }
    }
    Ok(())
}

/// `more` slots beside those that are taken.
pub(super) fn positions(tiers: &[Tier<'_>; 3], more: u32) -> Result<(), Refusal> {
    for tier in tiers {
        let Some(limit) = tier.limits.max_positions else { continue };
        let seen = tier.exposure.slots + more;
        if seen > limit {
            return Err(Refusal {
                reason: RefusalReason::MaxPositions,
                level: tier.level,
                limit: Figure::Count(limit),
                seen: Figure::Count(seen),
            });
        }
    }
    Ok(())
}

/// The price an entry is asked at: its limit on the tick, away from the market, or the reference.
fn asked_price(intent: &Intent, entry: &Entry, instrument: &Instrument) -> Price {
    entry.order.limit().map_or(intent.reference, |terms| limit_price(entry.side, terms.price, instrument))
}

/// A limit price on the tick, snapped away from the market.
pub(super) fn limit_price(side: Side, price: Price, instrument: &Instrument) -> Price {
    price.snap(instrument.tick, if side == Side::Buy { Round::Down } else { Round::Up })
}

/// Highest price and leverage an intent may name: products beyond them would not fit.
const MAX_SANE_PRICE: Price = Price::whole(100_000_000);
const MAX_SANE_LEVERAGE: Rate = Rate::whole(1_000);
/// Highest share a move or distance may be of a price.
const MAX_SANE_MOVE: Rate = Rate::whole(10);

fn is_price(price: Price) -> bool {
    price > Price::ZERO && price <= MAX_SANE_PRICE
}

fn is_sane(intent: &Intent, entry: &Entry, instrument: &Instrument) -> bool {
    let size = match entry.size {
        Size::Qty(qty) => qty.0,
        Size::Notional(notional) => notional.0,
    };
    let order = entry.order.limit().is_none_or(|terms| {
        let price = limit_price(entry.side, terms.price, instrument);
        is_price(terms.price) && price > Price::ZERO && terms.expire_after_ms > 0
    });
    let leverage = entry.leverage >= Rate::ONE && entry.leverage <= MAX_SANE_LEVERAGE;
    is_price(intent.reference) && size > 0 && order && leverage && exits_are_sane(intent, entry, instrument)
}

fn exits_are_sane(intent: &Intent, entry: &Entry, instrument: &Instrument) -> bool {
    let exits = &entry.exits;
    let price = asked_price(intent, entry, instrument);
    let stop = exits.stop.as_ref().is_none_or(|stop| stop_is_sane(stop, price));
    let most = if entry.side == Side::Sell { Rate::ONE } else { MAX_SANE_MOVE };
    let targets = exits.targets.iter().all(|target| {
        target.at > Rate::ZERO && target.at < most && target.fraction > Rate::ZERO && target.fraction <= Rate::ONE
    });
    let ascending = exits.targets.windows(2).all(|pair| pair[0].at <= pair[1].at);
    let few = exits.targets.len() <= 16;
    let whole = few
        && exits.targets.iter().map(|target| i128::from(target.fraction.0)).sum::<i128>() <= i128::from(Rate::ONE.0);
    stop && targets && ascending && whole && exits.max_holding_ms.is_none_or(|ms| ms > 0)
}

fn stop_is_sane(stop: &StopPlan, price: Price) -> bool {
    let in_range = |rate: Rate| rate >= Rate::ZERO && rate < MAX_SANE_MOVE;
    let break_even =
        stop.break_even.is_none_or(|rule| in_range(rule.from) && rule.to < rule.from && rule.to > -Rate::ONE);
    let trail = stop.trail.is_none_or(|rule| {
        in_range(rule.from)
            && rule.distance > Price::ZERO
            && rule.max_distance > Rate::ZERO
            && rule.max_distance < Rate::ONE
    });
    stop.distance > Price::ZERO && stop.distance < price && break_even && trail
}
