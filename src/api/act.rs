//! The acts of an operator. Each is one request to the director, logged with its outcome.

use super::body::{Body, Nothing, Params};
use super::error::{ApiError, ErrorBody};
use super::state::ApiState;
use crate::control::{AgentAct, AgentStatus, ControlError};
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};
use swarm_core::model::StopPolicy;

type Answer<T> = Result<Json<T>, ApiError>;

/// Longest reason, in bytes: it goes into the journal.
const REASON_BYTES_MAX: usize = 500;
/// In place of a portfolio's name: the swarm itself.
const WHOLE_SWARM: &str = "swarm";

/// How to stop an agent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StopRequest {
    /// What its position becomes: `keep` (the default: it stays under its stop) or `close`.
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    positions: Option<StopPolicy>,
}

/// Why a breaker is cleared.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetRequest {
    /// In the operator's words; journaled.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A breaker that was cleared.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct ResetAnswer {
    /// The portfolio, or `swarm`.
    portfolio: String,
    /// As journaled.
    reason: String,
}

/// Why a halt is lifted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeRequest {
    /// In the operator's words; logged and told to listeners.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A halt that was lifted.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct ResumeAnswer {
    /// The portfolio.
    portfolio: String,
    /// What had halted it.
    halted: String,
    /// As logged.
    reason: String,
}

/// What is being closed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct FlattenAnswer {
    /// The portfolio, or `swarm` for all.
    portfolio: String,
    /// Positions being closed.
    closing: u32,
}

async fn act(state: &ApiState, name: &str, act: AgentAct) -> Answer<AgentStatus> {
    let result = state.control.agent(name, act).await;
    log("agent", name, &format!("{act:?}"), &result);
    Ok(Json(result?))
}

fn log<T>(kind: &str, name: &str, act: &str, result: &Result<T, ControlError>) {
    match result {
        Ok(_) => tracing::info!(kind, name, act, "an operator's request was carried out"),
        Err(error) => tracing::warn!(kind, name, act, %error, "an operator's request was not carried out"),
    }
}

/// Start a stopped or failed agent.
#[utoipa::path(post, path = "/api/v1/agents/{name}/start", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "Its state afterwards.", body = AgentStatus),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such agent.", body = ErrorBody),
        (status = 409, description = "It runs.", body = ErrorBody),
    ))]
pub(super) async fn start(state: Data<ApiState>, name: Path<String>, _: Body<Nothing>) -> Answer<AgentStatus> {
    act(&state, &name, AgentAct::Start).await
}

/// Stop an agent. What its position becomes is said in the body or in the query.
#[utoipa::path(post, path = "/api/v1/agents/{name}/stop", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The agent."), StopRequest),
    request_body(content = Option<StopRequest>),
    responses(
        (status = 200, description = "Its state afterwards.", body = AgentStatus),
        (status = 400, description = "Neither `keep` nor `close`, or both.", body = ErrorBody),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such agent.", body = ErrorBody),
        (status = 409, description = "It does not run.", body = ErrorBody),
    ))]
pub(super) async fn stop(
    state: Data<ApiState>,
    name: Path<String>,
    query: Params<StopRequest>,
    body: Body<StopRequest>,
) -> Answer<AgentStatus> {
    let in_body = body.0.unwrap_or_default().positions;
    let policy = match (query.0.positions, in_body) {
        (Some(query), Some(body)) if query != body => {
            return Err(ApiError::bad_request("`positions` is said twice, and differently, in query and body"));
        }
        (query, body) => query.or(body).unwrap_or_default(),
    };
    act(&state, &name, AgentAct::Stop(policy)).await
}

/// Stop an agent, its position kept, and start it with a fresh rule.
#[utoipa::path(post, path = "/api/v1/agents/{name}/restart", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "Its state afterwards.", body = AgentStatus),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such agent.", body = ErrorBody),
    ))]
pub(super) async fn restart(state: Data<ApiState>, name: Path<String>, _: Body<Nothing>) -> Answer<AgentStatus> {
    act(&state, &name, AgentAct::Restart).await
}

/// The reason that an act needs, without blanks around it.
fn given_reason(act: &str, written: Option<String>) -> Result<String, ApiError> {
    let reason = written.unwrap_or_default().trim().to_owned();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(ApiError::bad_request(format!(
            r#"{act} needs a body {{"reason": "…"}} of 1 to {REASON_BYTES_MAX} bytes"#
        )));
    }
    Ok(reason)
}

/// Clear a tripped breaker: of a portfolio, or with the name `swarm` of the swarm itself.
#[utoipa::path(post, path = "/api/v1/portfolios/{name}/breaker/reset", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The portfolio, or `swarm`.")),
    request_body = ResetRequest,
    responses(
        (status = 200, body = ResetAnswer),
        (status = 400, description = "No reason, or too long a one.", body = ErrorBody),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such portfolio.", body = ErrorBody),
        (status = 409, description = "It is not tripped.", body = ErrorBody),
    ))]
pub(super) async fn reset_breaker(
    state: Data<ApiState>,
    name: Path<String>,
    body: Body<ResetRequest>,
) -> Answer<ResetAnswer> {
    let reason = given_reason("clearing a breaker", body.0.map(|request| request.reason))?;
    let result = state.control.reset_breaker(&name, &reason).await;
    log("breaker", &name, "reset", &result);
    result?;
    Ok(Json(ResetAnswer { portfolio: name.into_inner(), reason }))
}

/// Close all positions of a portfolio and cancel its entries; with the name `swarm`, of all portfolios.
#[utoipa::path(post, path = "/api/v1/portfolios/{name}/flatten", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The portfolio, or `swarm` for all.")),
    responses(
        (status = 200, body = FlattenAnswer),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such portfolio.", body = ErrorBody),
    ))]
pub(super) async fn flatten(state: Data<ApiState>, name: Path<String>, _: Body<Nothing>) -> Answer<FlattenAnswer> {
    let portfolio = (*name != WHOLE_SWARM).then_some(name.as_str());
    let result = state.control.flatten(portfolio).await;
    log("portfolio", &name, "flatten", &result);
    Ok(Json(FlattenAnswer { closing: result?, portfolio: name.into_inner() }))
}

/// Lift the halt of a live portfolio after having looked at its account. Entries pass once account and books agree; what
/// still differs halts it again.
#[utoipa::path(post, path = "/api/v1/portfolios/{name}/resume", tag = "act", security(("token" = [])),
    params(("name" = String, Path, description = "The portfolio.")),
    request_body = ResumeRequest,
    responses(
        (status = 200, body = ResumeAnswer),
        (status = 400, description = "No reason, or too long a one.", body = ErrorBody),
        (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
        (status = 404, description = "No such portfolio.", body = ErrorBody),
        (status = 409, description = "It is not halted, or trades on the simulated exchange.", body = ErrorBody),
    ))]
pub(super) async fn resume(
    state: Data<ApiState>,
    name: Path<String>,
    body: Body<ResumeRequest>,
) -> Answer<ResumeAnswer> {
    let reason = given_reason("lifting a halt", body.0.map(|request| request.reason))?;
    let result = state.control.resume(&name, &reason).await;
    log("portfolio", &name, "resume", &result);
    Ok(Json(ResumeAnswer { halted: result?, portfolio: name.into_inner(), reason }))
}

/// Change the running swarm to another plan.
#[utoipa::path(post, path = "/api/v1/apply", tag = "act", security(("token" = [])), responses(
    (status = 401, description = "No token, or a wrong one.", body = ErrorBody),
    (status = 501, description = "This version cannot change a running swarm.", body = ErrorBody),
))]
pub(super) async fn apply(_: Body<serde_json::Value>) -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_implemented(
        "this version cannot change the plan of a running swarm; stop it and run it with the new file",
    ))
}
