//! Looks each hour whether the venue still has the contracts as the swarm took them over. Limits of requests and orders
//! that it declares are taken over at once; what changed of contracts is logged and shown in the metrics; agents whose orders would be refused are stopped, their positions stay under their stops, and
//! a restart takes the new filters over. Filters are never changed under a running swarm: sizes, stops and reservations
//! that are under way rest on them.

use crate::aster::rest::{Outcome, Rest};
use crate::aster::wire::calls;
use crate::control::{AgentAct, Control, ControlError};
use crate::market::live::{Change, changes};
use crate::telemetry::Metrics;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::{Plan, StopPolicy, SymbolId};

/// How often it is looked: the answer is large, and filters change rarely.
pub const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Looks until it is dropped.
pub async fn watch(rest: Arc<Rest>, plan: Arc<Plan>, control: Control, metrics: Metrics) {
    let mut told = BTreeSet::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match rest.send(&calls::exchange_info()).await {
            Outcome::Answered(info) => {
                if rest.adopt_limits(&info.rate_limits) {
                    tracing::info!("the venue declares other limits of requests and orders: they hold from now on");
                }
                let changes = changes(&info, &plan.instruments);
                act(&plan, &control, &metrics, &changes, &mut told).await;
            }
            other => tracing::warn!("the contracts could not be looked at, again in an hour: {other:?}"),
        }
    }
}

/// Tells what is new, and stops the agents of what is serious. `told` is what has been acted on before: an agent that
/// an operator starts again is let be.
async fn act(plan: &Plan, control: &Control, metrics: &Metrics, changes: &[Change], told: &mut BTreeSet<SymbolId>) {
    for index in 0..plan.instruments.len() {
        let symbol = SymbolId::at(index);
        metrics.contract_changed(symbol, changes.iter().any(|change| change.symbol == symbol));
    }
    for change in changes {
        if !told.insert(change.symbol) {
            continue;
        }
        let (symbol, what) = (&plan.instrument(change.symbol).symbol, change.what.join(", "));
        if !change.is_serious {
            tracing::warn!("{symbol} has changed at the venue: {what}; a restart takes it over");
            continue;
        }
        tracing::error!("{symbol} has changed at the venue: {what}; its agents are stopped until a restart");
        for agent in plan.agents.iter().filter(|agent| agent.symbol == change.symbol) {
            match control.agent(&agent.name, AgentAct::Stop(StopPolicy::Keep)).await {
                // One that is stopped already is as good.
                Ok(_) | Err(ControlError::Conflict(_)) => {}
                Err(error) => {
                    // Not acted on: the next look tries again.
                    told.remove(&change.symbol);
                    tracing::error!("agent `{}` could not be stopped: {error}", agent.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::plan;
    use crate::control::Request;

    fn change(symbol: SymbolId, is_serious: bool) -> Change {
        Change { symbol, what: vec!["tick 1, not 0.1".to_owned()], is_serious }
    }

    /// Names of the agents that are asked to be stopped; each is answered with `answer`.
    async fn stopped(changes: &[Change], told: &mut BTreeSet<SymbolId>, answer: fn() -> ControlError) -> Vec<String> {
        let (plan, (control, mut requests)) = (plan(), Control::new(8));
        let metrics = Metrics::new(&plan, "0.0.0");
        let acting = async {
            act(&plan, &control, &metrics, changes, told).await;
            drop(control);
        };
        let serving = async {
            let mut names = Vec::new();
            while let Some(request) = requests.recv().await {
                if let Request::Agent { name, act: AgentAct::Stop(StopPolicy::Keep), reply } = request {
                    names.push(name);
                    reply.send(Err(answer())).unwrap();
                }
            }
            names
        };
        futures_util::future::join(acting, serving).await.1
    }

    #[actix::test]
    async fn agents_of_a_contract_that_would_refuse_them_are_stopped_once() {
        let plan = plan();
        let symbol = plan.agents[0].symbol;
        let of_symbol = plan.agents.iter().filter(|agent| agent.symbol == symbol).map(|agent| agent.name.clone());
        let of_symbol: Vec<String> = of_symbol.collect();
        let mut told = BTreeSet::new();
        let conflict = || ControlError::Conflict("stopped already".to_owned());
        assert_eq!(stopped(&[change(symbol, false)], &mut BTreeSet::new(), conflict).await, Vec::<String>::new());
        assert_eq!(stopped(&[change(symbol, true)], &mut told, conflict).await, of_symbol);
        assert_eq!(stopped(&[change(symbol, true)], &mut told, conflict).await, Vec::<String>::new());
        // Where it could not be done, it is tried again.
        let busy = || ControlError::Unavailable("busy".to_owned());
        let mut told = BTreeSet::new();
        assert_eq!(stopped(&[change(symbol, true)], &mut told, busy).await, of_symbol);
        assert_eq!(stopped(&[change(symbol, true)], &mut told, conflict).await, of_symbol);
    }
}
