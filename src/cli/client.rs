//! A client of a running swarm's API: where it is, which token, one request.

use super::console::Failure;
use crate::api::{ErrorBody, TOKEN_VARIABLE, Token};
use crate::control::Snapshot;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time for an answer; the swarm itself gives up after 5 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Which swarm, and how to show the answer.
#[derive(Clone, Debug, clap::Args)]
pub struct Connection {
    /// Address of the running swarm's API.
    #[arg(long, value_name = "URL", env = "SWARM_API", default_value = "http://127.0.0.1:8080")]
    pub api: String,

    /// File with the API's token; else the variable SWARM_API_TOKEN, the file `api-token` in --state, or
    /// the file that `swarm run` left in the working directory.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// State directory of the running swarm, to find its token.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// A connection ready for requests.
pub struct Client {
    base: Url,
    http: reqwest::Client,
    connection: Connection,
}

impl Client {
    /// A client of the swarm at `--api`.
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        let api = &connection.api;
        let wrong =
            |reason: &str| Failure::input(format!("--api {api}: {reason}; expected such as http://127.0.0.1:8080"));
        let base = Url::parse(api).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("not an http or https address"));
        }
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            // A proxy or another address must not get to see the token.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        // The client sets TLS up even where it is not used: that takes a provider, and where the system
        // has no root certificates it would fail for a plain address too.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let builder = if base.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let http =
            builder.build().map_err(|error| Failure::failed("client", format!("cannot set up HTTP: {error}")))?;
        Ok(Self { base, http, connection: connection.clone() })
    }

    /// The state of everything.
    pub async fn snapshot(&self) -> Result<Snapshot, Failure> {
        read(self.get(&["api", "v1", "swarm"]).await?)
    }

    /// Reads a path.
    pub async fn get(&self, path: &[&str]) -> Result<serde_json::Value, Failure> {
        self.send(self.http.request(Method::GET, self.url(path)?)).await
    }

    /// Asks for a change; needs the token.
    pub async fn post(&self, path: &[&str], body: &serde_json::Value) -> Result<serde_json::Value, Failure> {
        let directory = std::env::current_dir().unwrap_or_default();
        let environment = Token::set_in_environment().map_err(|error| Failure::input(error.to_string()))?;
        let token = find_token(&self.connection, &self.base, environment, &directory)?;
        self.send(self.http.request(Method::POST, self.url(path)?).bearer_auth(token.reveal()).json(body)).await
    }

    /// The address of a path, each segment escaped.
    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::input(format!("--api {} cannot have a path", self.connection.api)))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<serde_json::Value, Failure> {
        let unreachable = |error: reqwest::Error| {
            let reason = if error.is_timeout() {
                "no answer in time".to_owned()
            } else {
                // The innermost cause says it best: "Connection refused".
                let mut cause: &dyn std::error::Error = &error;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                cause.to_string()
            };
            let api = &self.connection.api;
            Failure::failed(
                "unreachable",
                format!("no swarm answers at {api}: {reason}; is `swarm run` running there?"),
            )
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| not_ours(&error.to_string()));
        }
        let error =
            serde_json::from_slice::<ErrorBody>(&body).map_err(|_| not_ours(&format!("status {status}")))?.error;
        let exit = if status == reqwest::StatusCode::BAD_REQUEST { 2 } else { 1 };
        Err(Failure::of(exit, &error.code, error.message))
    }
}

fn not_ours(reason: &str) -> Failure {
    Failure::failed("not_understood", format!("the answer is not that of a swarm of this version: {reason}"))
}

/// An answer as a type of ours.
pub fn read<T: DeserializeOwned>(answer: serde_json::Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| not_ours(&error.to_string()))
}

/// The token, from the first place that has one: `--token-file`, the environment, `--state`, the file
/// that `run` left in the working directory. The last is sent to this machine only.
fn find_token(
    connection: &Connection,
    base: &Url,
    environment: Option<Token>,
    directory: &Path,
) -> Result<Token, Failure> {
    let from_file = |path: &Path| Token::read_file(path).map_err(|error| Failure::input(error.to_string()));
    if let Some(file) = &connection.token_file {
        return from_file(file);
    }
    if let Some(token) = environment {
        return Ok(token);
    }
    if let Some(state) = &connection.state {
        return from_file(&Token::file_in_state(state));
    }
    let left = base.port_or_known_default().map(|port| Token::file_for_port(directory, port));
    match left {
        Some(file) if is_this_machine(base) && file.exists() => from_file(&file),
        _ => Err(Failure::input(format!(
            "no token: set {TOKEN_VARIABLE} to the token that `swarm run` printed, or use --token-file or --state, or \
             call this in the directory where `swarm run` was started"
        ))),
    }
}

fn is_this_machine(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(api: &str) -> Connection {
        Connection { api: api.to_owned(), token_file: None, state: None, json: false }
    }

    fn found(connection: &Connection, environment: Option<&str>, directory: &Path) -> Result<String, Failure> {
        let base = Url::parse(&connection.api).unwrap();
        let environment = environment.map(|text| Token::new(text, "here").unwrap());
        find_token(connection, &base, environment, directory).map(|token| token.reveal().to_owned())
    }

    #[test]
    fn the_token_comes_from_the_first_place_that_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        let mut connection = connection("http://127.0.0.1:9000");
        assert_eq!(found(&connection, None, here).unwrap_err().exit, 2);

        let write = |path: &Path, text: &str| Token::new(text, "here").unwrap().write_file(path).unwrap();
        write(&Token::file_for_port(here, 9000), "left");
        assert_eq!(found(&connection, None, here).unwrap(), "left");
        write(&here.join("state/api-token"), "state");
        connection.state = Some(here.join("state"));
        assert_eq!(found(&connection, None, here).unwrap(), "state");
        assert_eq!(found(&connection, Some("environment"), here).unwrap(), "environment");
        write(&here.join("file"), "file");
        connection.token_file = Some(here.join("file"));
        assert_eq!(found(&connection, Some("environment"), here).unwrap(), "file");
        connection.token_file = Some(here.join("absent"));
        assert_eq!(found(&connection, Some("environment"), here).unwrap_err().exit, 2);
    }

    #[test]
    fn a_token_left_in_the_directory_is_for_this_machine_only() {
        let directory = tempfile::tempdir().unwrap();
        Token::new("left", "here").unwrap().write_file(&Token::file_for_port(directory.path(), 9000)).unwrap();
        for (api, is_found) in [
            ("http://localhost:9000", true),
            ("http://[::1]:9000", true),
            ("http://10.0.0.5:9000", false),
            ("http://swarm.example:9000", false),
            ("http://127.0.0.1:9001", false),
        ] {
            assert_eq!(found(&connection(api), None, directory.path()).is_ok(), is_found, "{api}");
        }
    }

    #[test]
    fn names_become_one_segment_of_a_path() {
        let client = Client::new(&connection("http://127.0.0.1:9000/swarm/")).unwrap();
        let url = client.url(&["api", "a/../b c?d"]).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:9000/swarm/api/a%2F..%2Fb%20c%3Fd");
    }

    #[test]
    fn an_address_that_is_none_is_wrong_input() {
        for api in ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "x"] {
            assert_eq!(Client::new(&connection(api)).err().map(|failure| failure.exit), Some(2), "{api}");
        }
    }
}
