//! One shape for everything that goes wrong: `{"error":{"code","message"}}` with a fitting status.

use crate::control::ControlError;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{StatusCode, header::HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};

/// What every error answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// For programs: one of a small set of words.
    pub code: String,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// An error on its way to the client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, &'static str)>,
    close: bool,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None, close: false }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn no_experiment() -> Self {
        let message = "there is nothing to compare: swarm.yaml has no `experiment`, or it has no closed trades yet";
        Self::new(StatusCode::NOT_FOUND, "no_experiment", message)
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        let message = format!("this path takes {allowed}");
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        Self { header: Some((header::ALLOW, allowed)), ..error }
    }

    pub(super) fn no_token() -> Self {
        let message = "this needs the header `Authorization: Bearer TOKEN` with the token that `swarm run` printed";
        let error = Self::new(StatusCode::UNAUTHORIZED, "token_missing", message);
        Self { header: Some((header::WWW_AUTHENTICATE, r#"Bearer realm="swarm""#)), ..error }
    }

    pub(super) fn wrong_token() -> Self {
        let error = Self::new(StatusCode::UNAUTHORIZED, "token_wrong", "this is not the token of this swarm");
        let challenge = r#"Bearer realm="swarm", error="invalid_token""#;
        Self { header: Some((header::WWW_AUTHENTICATE, challenge)), ..error }
    }

    pub(super) fn foreign_host() -> Self {
        let message = "the Host header names none of this server's addresses; use the address it listens on";
        Self::new(StatusCode::FORBIDDEN, "host_not_allowed", message)
    }

    pub(super) fn foreign_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of other origins may not use this API")
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        let error = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
        Self { close: true, ..error }
    }

    pub(super) fn length_required() -> Self {
        let message = "a body needs a Content-Length here; chunked bodies are not taken";
        let error = Self::new(StatusCode::LENGTH_REQUIRED, "length_required", message);
        Self { close: true, ..error }
    }

    pub(super) fn body_timeout() -> Self {
        let error = Self::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive in time");
        Self { close: true, ..error }
    }

    pub(super) fn too_many_streams(limit: usize) -> Self {
        let message = format!("{limit} event streams are open; close one, or ask again later");
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", message);
        Self { header: Some((header::RETRY_AFTER, "15")), ..error }
    }

    pub(super) fn not_ready(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message)
    }

    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", message)
    }

    /// For a status that the web framework answered without a body of ours.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "bad_request",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::NOT_ACCEPTABLE => "not_acceptable",
            StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
            status if status.is_client_error() => "client_error",
            _ => "internal",
        };
        Self::new(status, code, status.canonical_reason().unwrap_or("error").to_lowercase())
    }

    pub(super) fn body(&self) -> ErrorBody {
        ErrorBody { error: ErrorDetail { code: self.code.to_owned(), message: self.message.clone() } }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let message = error.to_string();
        match error {
            ControlError::Unknown { .. } => Self::not_found(message),
            ControlError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", message),
            ControlError::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some((name, value)) = &self.header {
            response.insert_header((name.clone(), HeaderValue::from_static(value)));
        }
        if self.close {
            response.force_close();
        }
        response.json(self.body())
    }
}
