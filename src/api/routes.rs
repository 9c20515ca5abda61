//! All paths in one table: what is served, what the document describes and what tests go through are
//! the same list.

use super::error::ApiError;
use super::state::ApiState;
use super::{act, events, guard, openapi, page, read};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{Error, HttpResponse, Scope, web};

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path,)+) => {
        /// Every method and path that is served. `GET` answers `HEAD` too.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path),)+];

        fn register(scope: Scope) -> Scope {
            scope$(.service(routes!(@resource $method $path $handler)))+
        }
    };
    (@resource GET $path:literal $handler:path) => {
        web::resource($path)
            .route(web::get().to($handler))
            .route(web::head().to($handler))
            .default_service(web::to(|| refuse("GET, HEAD")))
    };
    (@resource POST $path:literal $handler:path) => {
        web::resource($path).route(web::post().to($handler)).default_service(web::to(|| refuse("POST")))
    };
}

routes! {
    GET "/" => page::index,
    GET "/page/status" => page::status,
    GET "/page/style.css" => page::style,
    GET "/page/script.js" => page::script,
    GET "/healthz" => read::healthz,
    GET "/readyz" => read::readyz,
    GET "/metrics" => read::metrics,
    GET "/api/openapi.json" => openapi::serve,
    GET "/api/v1/swarm" => read::swarm,
    GET "/api/v1/agents" => read::agents,
    GET "/api/v1/agents/{name}" => read::agent,
    GET "/api/v1/cohorts" => read::cohorts,
    GET "/api/v1/portfolios" => read::portfolios,
    GET "/api/v1/portfolios/{name}/differences" => read::differences,
    GET "/api/v1/positions" => read::positions,
    GET "/api/v1/orders" => read::orders,
    GET "/api/v1/decisions" => read::decisions,
    GET "/api/v1/events" => events::events,
    GET "/api/v1/compare" => read::compare,
    POST "/api/v1/agents/{name}/start" => act::start,
    POST "/api/v1/agents/{name}/stop" => act::stop,
    POST "/api/v1/agents/{name}/restart" => act::restart,
    POST "/api/v1/portfolios/{name}/breaker/reset" => act::reset_breaker,
    POST "/api/v1/portfolios/{name}/flatten" => act::flatten,
    POST "/api/v1/portfolios/{name}/resume" => act::resume,
    POST "/api/v1/apply" => act::apply,
}

async fn refuse(allowed: &'static str) -> Result<HttpResponse, ApiError> {
    Err(ApiError::method_not_allowed(allowed))
}

async fn nowhere() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("there is nothing at this path; /api/openapi.json lists what there is"))
}

fn guarded(
    state: ApiState,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let data = web::Data::new(state.clone());
    register(web::scope(""))
        .app_data(data)
        .default_service(web::to(nowhere))
        .wrap(Compress::default())
        .wrap(from_fn(move |request, next| guard::admit(state.clone(), request, next)))
        .wrap(from_fn(guard::shape_errors))
        .wrap(guard::security_headers())
}

/// Adds all paths, guarded, to an application.
pub fn configure(config: &mut web::ServiceConfig, state: ApiState) {
    config.service(guarded(state));
}
