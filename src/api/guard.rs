//! Who may ask what: checked before any handler runs.
//!
//! A page of another site can make a browser send requests to a loopback address. Three things keep it
//! out: the Host header must name this server (a name that was re-bound to this address does not), an
//! Origin must be this server's own, and every change needs a token that no page of another origin
//! knows. There are no CORS headers, so other origins cannot read answers either.

use super::error::ApiError;
use super::state::ApiState;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, Uri};
use actix_web::middleware::{DefaultHeaders, Next};
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, ResponseError};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The names and addresses that clients may call this server by.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    listen: Option<IpAddr>,
    names: Vec<String>,
}

impl Hosts {
    /// A further name.
    pub fn allow_name(&mut self, name: &str) {
        self.names.push(name.to_ascii_lowercase());
    }

    /// The address that the server listens on.
    pub fn listen_on(&mut self, address: SocketAddr) {
        self.listen = Some(address.ip());
    }

    /// Whether an authority, `name[:port]`, is one of ours. Only names can be re-bound, so a server that
    /// listens on all addresses takes every address in figures.
    pub fn allow(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else { return false };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(address) => {
                address.is_loopback() || self.listen.is_some_and(|own| own == address || own.is_unspecified())
            }
            Err(_) => host == "localhost" || self.names.contains(&host),
        }
    }
}

/// The host of `name[:port]` or `[v6][:port]` in lower case; `None` if it is neither.
fn host_of(authority: &str) -> Option<String> {
    let (host, port) = match authority.rfind(']') {
        Some(end) if authority.starts_with('[') => (&authority[..=end], &authority[end + 1..]),
        Some(_) => return None,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_is_fine = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    (port_is_fine && !host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The one value of a header; `Err` if there are several or it is no text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name);
    let first = values.next();
    match (first, values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

fn check_host<'a>(hosts: &Hosts, headers: &'a HeaderMap, uri: &Uri) -> Result<&'a str, ApiError> {
    let host = single(headers, &header::HOST).ok().flatten().ok_or_else(ApiError::foreign_host)?;
    let target_is_ours = uri.authority().is_none_or(|authority| hosts.allow(authority.as_str()));
    if hosts.allow(host) && target_is_ours { Ok(host) } else { Err(ApiError::foreign_host()) }
}

fn check_origin(host: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    match single(headers, &header::ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin)) => {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let same = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
            if same { Ok(()) } else { Err(ApiError::foreign_origin()) }
        }
        Err(()) => Err(ApiError::foreign_origin()),
    }
}

fn check_token(state: &ApiState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = single(headers, &header::AUTHORIZATION).map_err(|()| ApiError::wrong_token())? else {
        return Err(ApiError::no_token());
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            if state.token.matches(token.trim()) {
                Ok(())
            } else {
                Err(ApiError::wrong_token())
            }
        }
        _ => Err(ApiError::no_token()),
    }
}

fn check(state: &ApiState, request: &ServiceRequest) -> Result<(), ApiError> {
    let host = check_host(&state.hosts, request.headers(), request.uri())?;
    check_origin(host, request.headers())?;
    // Methods other than these are on no path and are answered with 405.
    if request.method() == Method::POST {
        check_token(state, request.headers())?;
    }
    Ok(())
}

/// An answer's body that keeps the reader of the request's body. The server would wait without end for
/// the rest of a chunked body whose reader is gone; while the reader lives to the end of the answer, it
/// closes the connection instead.
struct Closing {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for Closing {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Turns away what may not be asked.
pub(super) async fn admit<B: MessageBody>(
    state: ApiState,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    if request.headers().contains_key(header::TRANSFER_ENCODING) {
        let _unread = request.take_payload();
        let response = ApiError::length_required().error_response();
        let response = response.map_body(|_, body| BoxBody::new(Closing { body, _unread }));
        return Ok(request.into_response(response).map_into_right_body());
    }
    if let Err(error) = check(&state, &request) {
        return Ok(request.into_response(error.error_response()).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Gives errors that the web framework made itself the body that ours have.
pub(super) async fn shape_errors<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let mut shaped = ApiError::of_status(status).error_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH && name != header::CONTENT_ENCODING {
            shaped.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(ServiceResponse::new(request, shaped).map_into_right_body())
}

/// Headers on every answer: nothing is guessed, framed, kept, referred or loaded from elsewhere.
pub(super) fn security_headers() -> DefaultHeaders {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                          img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, POLICY))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add(("cross-origin-resource-policy", "same-origin"))
        .add(("cross-origin-opener-policy", "same-origin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, authority: &str, allowed: bool) {
        let mut hosts = Hosts::default();
        hosts.listen_on(listen.parse().unwrap());
        hosts.allow_name("Swarm.internal");
        assert_eq!(hosts.allow(authority), allowed, "{authority} at {listen}");
    }

    #[test]
    fn loopback_the_listening_address_and_allowed_names_are_ours() {
        for host in ["localhost", "LocalHost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "swarm.internal:80"] {
            check("127.0.0.1:8080", host, true);
        }
        check("10.0.0.5:8080", "10.0.0.5:8080", true);
        check("10.0.0.5:8080", "10.0.0.6:8080", false);
        check("0.0.0.0:8080", "10.0.0.6:8080", true);
        check("[::]:8080", "[fe80::1]:8080", true);
        check("0.0.0.0:8080", "evil.example:8080", false);
    }

    #[test]
    fn anything_else_is_not() {
        for host in [
            "",
            ":8080",
            "evil.example",
            "localhost.evil.example",
            "evil.example:80@127.0.0.1",
            "127.0.0.1.evil.example",
            "localhost:x",
            "localhost:99999",
            "[::1",
            "::1]",
            "[::1]x",
            "127.0.0.1:80:80",
        ] {
            check("127.0.0.1:8080", host, false);
        }
    }
}
