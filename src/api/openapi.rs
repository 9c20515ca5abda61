//! The API's own description, made from the handlers. A test holds it against the table of routes and
//! real answers against its schemas.

use super::{act, error, events, page, read, schema};
use actix_web::HttpResponse;
use std::sync::OnceLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "asterswarm",
        description = "A running swarm of trading agents: its state, its events, and an operator's few acts. \
                       Amounts are decimal strings in USDT, times are milliseconds since the epoch."
    ),
    tags(
        (name = "read", description = "The state of the swarm."),
        (name = "act", description = "Changes; they need the token."),
        (name = "operate", description = "For monitors."),
        (name = "page", description = "For people."),
    ),
    paths(
        page::index, page::status, page::style, page::script,
        read::healthz, read::readyz, read::metrics, serve,
        read::swarm, read::agents, read::agent, read::cohorts, read::portfolios, read::differences, read::positions, read::orders,
        read::decisions, events::events, read::compare,
        act::start, act::stop, act::restart, act::reset_breaker, act::flatten, act::resume, act::apply,
    ),
    components(schemas(error::ErrorBody, schema::DecisionView, schema::Event)),
    modifiers(&BearerToken),
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token that `swarm run` prints, or that SWARM_API_TOKEN sets."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The document, as JSON.
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| Document::openapi().to_json().expect("invariant: the document is plain data"))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "operate", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Object),
))]
pub(super) async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}
