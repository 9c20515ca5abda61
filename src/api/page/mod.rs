//! The status page: one page of plain HTML with the numbers already in it, and a small script of the
//! same origin that fetches the changing part again every second. All HTML is made here, so text from
//! outside is escaped in one place and the page reads the same without JavaScript.

mod html;
mod parts;

use super::error::{ApiError, ErrorBody};
use super::state::ApiState;
use crate::control::ControlError;
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use html::escape;

/// Decisions on the page.
const DECISIONS: usize = 20;

/// The part of the page that changes.
async fn parts_now(state: &ApiState) -> Result<String, ControlError> {
    let snapshot = state.control.snapshot().await?;
    let decisions = state.control.decisions(None, None, DECISIONS).await?;
    Ok(parts::all(&snapshot, &decisions, &state.recent.newest_first(), &state.drawdown_limits))
}

/// The status page.
#[utoipa::path(get, path = "/", tag = "page", responses(
    (status = 200, description = "The swarm at a glance.", content_type = "text/html", body = String),
))]
pub(super) async fn index(state: Data<ApiState>) -> HttpResponse {
    if !state.page {
        return ApiError::not_found("the status page is off: it was started with --no-dashboard").error_response();
    }
    // Without an answer the page still comes up, says so, and goes on asking.
    let parts = parts_now(&state).await.unwrap_or_else(|error| parts::unanswered(&error.to_string()));
    let mode = state.mode.label();
    let page = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · asterswarm</title>
<link rel="stylesheet" href="/page/style.css">
<script src="/page/script.js" defer></script>
</head>
<body class="{mode}">
{banner}
<p id="stale" class="stale" role="alert" hidden></p>
<main id="status">
{parts}
</main>
<footer><a href="/api/openapi.json">API</a> <a href="/metrics">Metrics</a> <a href="/api/v1/swarm">JSON</a></footer>
</body>
</html>
"#,
        title = escape(&mode.to_uppercase()),
        banner = parts::mode_banner(state.mode),
    );
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page)
}

/// The changing part of the status page.
#[utoipa::path(get, path = "/page/status", tag = "page", responses(
    (status = 200, description = "A fragment of HTML.", content_type = "text/html", body = String),
    (status = 503, description = "The swarm does not answer.", body = ErrorBody),
))]
pub(super) async fn status(state: Data<ApiState>) -> Result<HttpResponse, ApiError> {
    let parts = parts_now(&state).await?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(parts))
}

/// Style of the status page.
#[utoipa::path(get, path = "/page/style.css", tag = "page", responses(
    (status = 200, content_type = "text/css", body = String),
))]
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("style.css"))
}

/// Script of the status page.
#[utoipa::path(get, path = "/page/script.js", tag = "page", responses(
    (status = 200, content_type = "text/javascript", body = String),
))]
pub(super) async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("script.js"))
}
