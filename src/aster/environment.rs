//! Where an AsterDEX account lives: hosts, API version, chain id and path prefix, always together.
//!
//! They are one value because a mixture is the typical mistake: a V3 signature on a V1 path, a testnet chain
//! id on the mainnet host. Knows no credentials and opens nothing.

use std::net::IpAddr;

/// Chain id in the signing domain of the main network.
pub const MAINNET_CHAIN_ID: u64 = 1666;
/// Chain id in the signing domain of the test network.
pub const TESTNET_CHAIN_ID: u64 = 714;

/// How requests are authenticated, and with it which paths they go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `/fapi/v3/`: EIP-712 signatures of a wallet under this chain id, nonces in microseconds.
    V3 {
        /// Chain id of the signing domain.
        chain_id: u64,
    },
    /// `/fapi/v1/`: an API key and HMAC-SHA256, timestamps in milliseconds. New keys are no longer given out.
    V1,
}

/// Which network, for labels and for guards against confusing play with real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// Real money.
    Mainnet,
    /// The venue's test network.
    Testnet,
    /// Any other base URL, such as a venue that runs beside the swarm.
    Custom,
}

/// API version, before a network gives it its chain id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Wallet signatures.
    V3,
    /// API key and secret.
    V1,
}

/// A base URL that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// Not a URL of the wanted kind.
    #[error("`{url}` is not a base URL: expected {expected} and a host, with nothing behind it")]
    NotABaseUrl {
        /// As given.
        url: String,
        /// Schemes that would do.
        expected: &'static str,
    },
    /// Unencrypted to a host that is not near.
    #[error("`{url}` is not encrypted, which is only allowed to this machine or a private network: use {instead}")]
    Unencrypted {
        /// As given.
        url: String,
        /// The encrypted scheme.
        instead: &'static str,
    },
}

/// One venue as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    network: Network,
    scheme: Scheme,
    rest: String,
    stream: String,
}

impl Environment {
    /// The main network.
    pub fn mainnet(version: Version) -> Self {
        Self {
            network: Network::Mainnet,
            scheme: scheme(version, MAINNET_CHAIN_ID),
            rest: "https://fapi.asterdex.com".to_owned(),
            stream: "wss://fstream.asterdex.com".to_owned(),
        }
    }

    /// The test network. Its stream host is documented in two spellings; this is the one that live clients use.
    pub fn testnet(version: Version) -> Self {
        Self {
            network: Network::Testnet,
            scheme: scheme(version, TESTNET_CHAIN_ID),
            rest: "https://fapi.asterdex-testnet.com".to_owned(),
            stream: "wss://fstream5.asterdex-testnet.com".to_owned(),
        }
    }

    /// A venue at these base URLs, such as `http://127.0.0.1:9090` and `ws://127.0.0.1:9090`.
    ///
    /// # Errors
    /// Fails on anything that is not scheme, host and port, and on unencrypted hosts that are not near:
    /// a loopback or private address, `localhost`, or a name without a dot as containers have.
    pub fn custom(rest: &str, stream: &str, version: Version, chain_id: u64) -> Result<Self, EnvironmentError> {
        Ok(Self {
            network: Network::Custom,
            scheme: scheme(version, chain_id),
            rest: base_url(rest, "https://", "http://", "http:// or https://")?,
            stream: base_url(stream, "wss://", "ws://", "ws:// or wss://")?,
        })
    }

    /// Which network.
    pub const fn network(&self) -> Network {
        self.network
    }
    /// How requests are authenticated.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }
    /// Base of the REST API, without a slash at its end.
    pub fn rest(&self) -> &str {
        &self.rest
    }
    /// Base of the streams, without a slash at its end.
    pub fn stream(&self) -> &str {
        &self.stream
    }
    /// Host and port of the REST API: what rate limits are counted by.
    pub fn host(&self) -> &str {
        self.rest.split_once("://").map_or(self.rest.as_str(), |(_, host)| host)
    }
    /// Where a raw stream connection starts: streams are subscribed to afterwards.
    pub fn stream_url(&self) -> String {
        format!("{}/ws", self.stream)
    }
    /// Where the user stream of a listen key is. The key is a secret: do not log this.
    pub fn user_stream_url(&self, listen_key: &str) -> String {
        format!("{}/ws/{listen_key}", self.stream)
    }
}

impl Scheme {
    /// API version of this scheme.
    pub const fn version(self) -> Version {
        match self {
            Self::V3 { .. } => Version::V3,
            Self::V1 => Version::V1,
        }
    }
}

const fn scheme(version: Version, chain_id: u64) -> Scheme {
    match version {
        Version::V3 => Scheme::V3 { chain_id },
        Version::V1 => Scheme::V1,
    }
}

fn base_url(
    url: &str,
    secure: &'static str,
    open: &'static str,
    expected: &'static str,
) -> Result<String, EnvironmentError> {
    let bad = || EnvironmentError::NotABaseUrl { url: url.to_owned(), expected };
    let trimmed = url.strip_suffix('/').unwrap_or(url);
    let (host, encrypted) = match (trimmed.strip_prefix(secure), trimmed.strip_prefix(open)) {
        (Some(host), _) => (host, true),
        (None, Some(host)) => (host, false),
        (None, None) => return Err(bad()),
    };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-.:[]_".contains(letter);
    if host.is_empty() || !host.chars().all(allowed) {
        return Err(bad());
    }
    if !encrypted && !is_near(host) {
        return Err(EnvironmentError::Unencrypted { url: url.to_owned(), instead: secure });
    }
    Ok(trimmed.to_owned())
}

/// Whether a host (with or without port) is this machine or on a network of one's own.
fn is_near(host: &str) -> bool {
    let name = if let Some(rest) = host.strip_prefix('[') {
        rest.split(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !name.is_empty() && !name.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_brings_its_chain_id_with_its_hosts() {
        let mainnet = Environment::mainnet(Version::V3);
        assert_eq!((mainnet.scheme(), mainnet.host()), (Scheme::V3 { chain_id: 1666 }, "fapi.asterdex.com"));
        let testnet = Environment::testnet(Version::V3);
        assert_eq!(testnet.scheme(), Scheme::V3 { chain_id: 714 });
        assert_eq!(testnet.stream_url(), "wss://fstream5.asterdex-testnet.com/ws");
        assert_eq!(Environment::mainnet(Version::V1).scheme(), Scheme::V1);
    }

    fn custom(rest: &str) -> Result<Environment, EnvironmentError> {
        Environment::custom(rest, "ws://localhost:1", Version::V3, 714)
    }

    #[test]
    fn a_venue_nearby_may_be_unencrypted_and_one_afar_may_not() {
        for near in
            ["http://127.0.0.1:9090", "http://[::1]:9090/", "http://localhost", "http://venue:80", "http://10.0.0.7"]
        {
            assert!(custom(near).is_ok(), "{near}");
        }
        for far in ["http://fapi.asterdex.com", "http://8.8.8.8:80"] {
            assert!(matches!(custom(far), Err(EnvironmentError::Unencrypted { .. })), "{far}");
        }
        assert_eq!(custom("https://fapi.example.org/").unwrap().rest(), "https://fapi.example.org");
    }

    #[test]
    fn what_is_not_a_base_url_is_refused() {
        for bad in
            ["", "fapi.asterdex.com", "ftp://x", "http://", "https://a/b", "https://a?b", "https://u@a", "https://a b"]
        {
            assert!(matches!(custom(bad), Err(EnvironmentError::NotABaseUrl { .. })), "{bad}");
        }
    }
}
