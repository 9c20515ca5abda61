//! Bodies and query strings of requests, bounded in size and time, with errors in our shape.

use super::error::ApiError;
use super::state::ApiState;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Data, Query};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

/// A JSON body. An empty one is absent; the media type is not looked at, since no other is understood.
pub(super) struct Body<T>(pub Option<T>);

/// A query string; unknown parameters are errors where `T` says so.
pub(super) struct Params<T>(pub T);

/// No field at all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = Query::<T>::from_query(request.query_string());
        ready(query.map(|query| Self(query.into_inner())).map_err(|error| {
            // The error's own words begin with a phrase of the framework.
            let text = error.to_string();
            let text = text.rsplit_once("deserialize error: ").map_or(text.as_str(), |(_, reason)| reason);
            ApiError::bad_request(format!("query: {text}"))
        }))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request
            .app_data::<Data<ApiState>>()
            .map(|state| state.limits)
            .expect("invariant: `configure` registers the state");
        let declared =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let payload = payload.take();
        Box::pin(async move {
            if declared.is_some_and(|bytes: usize| bytes > limits.body_bytes) {
                return Err(ApiError::too_large(limits.body_bytes));
            }
            let read = read(payload, limits.body_bytes);
            let bytes = tokio::time::timeout(limits.body_timeout, read).await;
            let bytes = bytes.map_err(|_| ApiError::body_timeout())??;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Self(None));
            }
            let parsed = serde_json::from_slice(&bytes);
            parsed.map(|value| Self(Some(value))).map_err(|error| ApiError::bad_request(format!("body: {error}")))
        })
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::bad_request(format!("body: {error}")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
