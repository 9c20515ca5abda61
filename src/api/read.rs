//! Everything that can be read: answers of the director, passed on.

use super::body::Params;
use super::error::{ApiError, ErrorBody};
use super::schema;
use super::state::ApiState;
use crate::control::{
    AgentStatus, CohortStatus, ControlError, DecisionView, OrderStatus, PortfolioDifferences, PortfolioStatus,
    PositionStatus, Snapshot,
};
use crate::telemetry::Metrics;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};
use swarm_core::experiment::Comparison;

type Answer<T> = Result<Json<T>, ApiError>;

/// Decisions of a page unless asked for.
const DECISIONS_DEFAULT: usize = 100;
/// Decisions of a page at most.
const DECISIONS_MAX: usize = 1_000;
/// A snapshot's phase while the swarm runs.
const RUNNING: &str = "running";

/// That the process lives.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
}

/// That the swarm runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Readiness {
    /// Always true; what is not ready is an error.
    ready: bool,
    /// Portfolios that take no entries until they are reconciled.
    entries_gated: Vec<String>,
    /// Portfolios that take no entries because their breaker is tripped.
    breakers_tripped: Vec<String>,
}

/// Which decisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DecisionQuery {
    /// Of this agent only.
    agent: Option<String>,
    /// With a sequence above this.
    after: Option<u64>,
    /// At most this many, 1 to 1000; 100 unless asked for.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Whether the process answers. Asks nobody else.
#[utoipa::path(get, path = "/healthz", tag = "operate", responses((status = 200, body = Health)))]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the swarm runs.
#[utoipa::path(get, path = "/readyz", tag = "operate", responses(
    (status = 200, body = Readiness),
    (status = 503, description = "It does not run yet, or no more.", body = ErrorBody),
))]
pub(super) async fn readyz(state: Data<ApiState>) -> Answer<Readiness> {
    let snapshot = state.control.snapshot().await?;
    if snapshot.phase != RUNNING {
        return Err(ApiError::not_ready(format!("the swarm is not running: {}", snapshot.phase)));
    }
    let named = |condition: fn(&PortfolioStatus) -> bool| {
        snapshot.portfolios.iter().filter(|portfolio| condition(portfolio)).map(|p| p.name.clone()).collect()
    };
    let readiness = Readiness {
        ready: true,
        entries_gated: named(|portfolio| portfolio.entries_gated),
        breakers_tripped: named(|portfolio| portfolio.breaker_tripped),
    };
    Ok(Json(readiness))
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operate", responses(
    (status = 200, description = "Text exposition format 0.0.4.", content_type = "text/plain", body = String),
))]
pub(super) async fn metrics(state: Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok().content_type(Metrics::content_type()).body(state.metrics.render())
}

/// The state of everything at one step.
#[utoipa::path(get, path = "/api/v1/swarm", tag = "read", responses(
    (status = 200, body = Snapshot),
    (status = 503, description = "The swarm does not answer.", body = ErrorBody),
))]
pub(super) async fn swarm(state: Data<ApiState>) -> Answer<Snapshot> {
    Ok(Json(state.control.snapshot().await?))
}

/// All agents, in declared order.
#[utoipa::path(get, path = "/api/v1/agents", tag = "read", responses((status = 200, body = [AgentStatus])))]
pub(super) async fn agents(state: Data<ApiState>) -> Answer<Vec<AgentStatus>> {
    Ok(Json(state.control.snapshot().await?.agents))
}

/// One agent.
#[utoipa::path(get, path = "/api/v1/agents/{name}", tag = "read",
    params(("name" = String, Path, description = "Its unique name.")),
    responses((status = 200, body = AgentStatus), (status = 404, description = "No such agent.", body = ErrorBody)))]
pub(super) async fn agent(state: Data<ApiState>, name: Path<String>) -> Answer<AgentStatus> {
    let agents = state.control.snapshot().await?.agents;
    match agents.iter().position(|agent| agent.name == *name) {
        Some(index) => Ok(Json(agents.into_iter().nth(index).expect("invariant: the index was just found"))),
        None => {
            let nearest = nearest(&name, agents.iter().map(|agent| agent.name.as_str()));
            Err(ControlError::Unknown { kind: "agent", name: name.into_inner(), nearest }.into())
        }
    }
}

/// The known name that is most like this one, if any is much like it.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, candidate)| candidate.to_owned())
}

/// Cohorts: sums over their agents.
#[utoipa::path(get, path = "/api/v1/cohorts", tag = "read", responses((status = 200, body = [CohortStatus])))]
pub(super) async fn cohorts(state: Data<ApiState>) -> Answer<Vec<CohortStatus>> {
    Ok(Json(state.control.snapshot().await?.cohorts))
}

/// Portfolios: accounts, limits and breakers.
#[utoipa::path(get, path = "/api/v1/portfolios", tag = "read", responses((status = 200, body = [PortfolioStatus])))]
pub(super) async fn portfolios(state: Data<ApiState>) -> Answer<Vec<PortfolioStatus>> {
    Ok(Json(state.control.snapshot().await?.portfolios))
}

/// How a live portfolio's account has differed from the books, the last differences first counted by kind; and whether
/// its entries are gated or halted because of it.
#[utoipa::path(get, path = "/api/v1/portfolios/{name}/differences", tag = "read",
    params(("name" = String, Path, description = "The portfolio.")),
    responses(
        (status = 200, body = PortfolioDifferences),
        (status = 404, description = "No such portfolio.", body = ErrorBody),
    ))]
pub(super) async fn differences(state: Data<ApiState>, name: Path<String>) -> Answer<PortfolioDifferences> {
    Ok(Json(state.control.differences(&name).await?))
}

/// Open positions with their stops.
#[utoipa::path(get, path = "/api/v1/positions", tag = "read", responses((status = 200, body = [PositionStatus])))]
pub(super) async fn positions(state: Data<ApiState>) -> Answer<Vec<PositionStatus>> {
    Ok(Json(state.control.snapshot().await?.positions))
}

/// Working orders.
#[utoipa::path(get, path = "/api/v1/orders", tag = "read", responses((status = 200, body = [OrderStatus])))]
pub(super) async fn orders(state: Data<ApiState>) -> Answer<Vec<OrderStatus>> {
    Ok(Json(state.control.snapshot().await?.orders))
}

/// The last decisions, oldest first. To go on, ask for what is `after` the last sequence received.
#[utoipa::path(get, path = "/api/v1/decisions", tag = "read", params(DecisionQuery), responses(
    (status = 200, body = [schema::DecisionView]),
    (status = 400, description = "A parameter is unknown or out of range.", body = ErrorBody),
    (status = 404, description = "No such agent.", body = ErrorBody),
))]
pub(super) async fn decisions(state: Data<ApiState>, query: Params<DecisionQuery>) -> Answer<Vec<DecisionView>> {
    let DecisionQuery { agent, after, limit } = query.0;
    let limit = limit.unwrap_or(DECISIONS_DEFAULT);
    if !(1..=DECISIONS_MAX).contains(&limit) {
        return Err(ApiError::bad_request(format!("query: limit is {limit}, expected 1 to {DECISIONS_MAX}")));
    }
    Ok(Json(state.control.decisions(agent.as_deref(), after, limit).await?))
}

/// The comparison of control and treatment as it stands.
#[utoipa::path(get, path = "/api/v1/compare", tag = "read", responses(
    (status = 200, description = "The `comparison` part of the report.", body = Object),
    (status = 404, description = "There is nothing to compare.", body = ErrorBody),
))]
pub(super) async fn compare(state: Data<ApiState>) -> Answer<Comparison> {
    state.control.compare().await?.map(Json).ok_or_else(ApiError::no_experiment)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let known = ["expert-btcusdt", "expert-ethusdt", "control-btcusdt"];
        assert_eq!(nearest("expert-btcusd", known.into_iter()).as_deref(), Some("expert-btcusdt"));
        assert_eq!(nearest("zzz", known.into_iter()), None);
    }
}
