//! The HTTP server: bounded in connections, time and size, stopped on command.

use super::routes::configure;
use super::state::ApiState;
use actix_web::{App, HttpServer};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Time that answers under way have to finish when the server stops.
const SHUTDOWN_SECONDS: u64 = 2;

/// A running server. It goes on when this is dropped.
pub struct ApiServer {
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    state: ApiState,
    ended: tokio::task::JoinHandle<io::Result<()>>,
}

impl ApiServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page for a person.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends event streams, lets answers under way finish for a moment, and stops.
    pub async fn stop(self) {
        self.state.close_streams();
        self.handle.stop(true).await;
        // The server's own error, if any, was logged by its task.
        let _ = self.ended.await;
    }
}

/// Serves on a listener that the caller has bound, so that a port in use is the caller's error. Needs a
/// tokio runtime.
pub async fn serve(listener: TcpListener, state: ApiState) -> io::Result<ApiServer> {
    let address = listener.local_addr()?;
    let state = state.listening_on(address);
    let limits = state.limits;
    let shared = state.clone();
    let server = HttpServer::new(move || {
        let state = shared.clone();
        App::new().configure(move |config| configure(config, state))
    })
    .workers(limits.workers)
    .max_connections(limits.connections_per_worker)
    .worker_max_blocking_threads(2)
    .keep_alive(limits.keep_alive)
    .client_request_timeout(limits.head_timeout)
    .client_disconnect_timeout(Duration::from_secs(1))
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(state.recent.clone().follow(state.control.events(), state.closing()));
    let ended = tokio::spawn(async move {
        let result = server.await;
        if let Err(error) = &result {
            tracing::error!(%error, "the API server ended");
        }
        result
    });
    Ok(ApiServer { address, handle, state, ended })
}
