//! Signatures against vectors that other implementations agreed on, in both directions, and texts that are
//! sent exactly as they were signed.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

use asterswarm::aster::environment::{Environment, Version};
use asterswarm::aster::secret::Secret;
use asterswarm::aster::sign::{
    ApiKey, Credentials, CredentialsError, Domain, KeySigner, Nonces, Pairs, Received, SignatureError, Wallet,
    WalletSigner, read_pairs,
};
use serde_json::Value;
use std::path::Path;

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn json(path: &str) -> Option<Value> {
    std::fs::read(root(path)).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn own() -> Value {
    json("tests/fixtures/aster/signing.json").unwrap()
}

/// The larger collection beside the workspace, where there is one.
fn shared() -> Option<Value> {
    let found = json("../shared/aster/signing-vectors.json");
    if found.is_none() {
        eprintln!("SKIPPED: no ../shared/aster/signing-vectors.json beside the workspace");
    }
    found
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {value}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// A text under a chain has this digest, this key signs it so, and the signature leads back to this address.
fn check_v3(chain_id: u64, private_key: &str, address: &str, message: &str, digest: &str, signature: &str) {
    let domain = Domain::new(chain_id);
    let wallet = Wallet::new(&Secret::new(private_key)).unwrap();
    assert_eq!(wallet.address().to_string(), address.to_lowercase());
    assert_eq!(hex(&domain.digest(message)), digest, "digest of {message}");
    assert_eq!(wallet.sign(&domain, message), signature, "signature of {message}");
    assert_eq!(domain.recover(message, signature), Ok(wallet.address()), "signer of {message}");
    // One letter more is another text: whoever signed that, it was not this wallet.
    assert_ne!(domain.recover(&format!("{message}x"), signature), Ok(wallet.address()));
    let other_chain = Domain::new(chain_id + 1);
    assert_ne!(other_chain.recover(message, signature), Ok(wallet.address()));
}

#[test]
fn v3_signatures_are_those_of_other_implementations() {
    let own = own();
    let cases = own["v3"].as_array().unwrap();
    assert!(cases.len() >= 12);
    for case in cases {
        let key = &own["keys"][text(case, "key")];
        let chain_id = case["chain_id"].as_u64().unwrap();
        let (private, address) = (text(key, "private_key"), text(key, "address"));
        check_v3(chain_id, private, address, text(case, "text"), text(case, "digest"), text(case, "signature"));
    }
}

#[test]
fn every_shared_v3_vector_passes() {
    let Some(shared) = shared() else { return };
    let cases = shared["v3"].as_array().unwrap();
    assert_eq!(cases.len(), 22);
    for case in cases {
        let chain_id = case["chain_id"].as_u64().unwrap();
        let (private, address) = (text(case, "signing_private_key"), text(case, "signing_address"));
        check_v3(chain_id, private, address, text(case, "message"), text(case, "digest"), text(case, "signature"));
        let wire = text(case, "wire");
        let received = Received::split(wire);
        assert_eq!(received.text, text(case, "message"));
        let signer = Domain::new(chain_id).recover(received.text, received.signature.unwrap()).unwrap();
        assert_eq!(signer.to_string(), address.to_lowercase(), "signer of {wire}");
    }
}

#[test]
fn domains_of_chains_are_those_of_other_implementations() {
    for (chain, separator) in own()["domain_separators"].as_object().unwrap() {
        assert_eq!(hex(Domain::new(chain.parse().unwrap()).separator()), separator.as_str().unwrap());
    }
}

/// Query and body under this secret have this signature, in any case, and no other texts have.
fn check_v1(secret: &str, query: &str, body: &str, signature: &str) {
    let key = ApiKey::new(Secret::new("key"), &Secret::new(secret));
    assert_eq!(key.sign(query, body), signature);
    assert!(key.verify(query, body, signature) && key.verify(query, body, &signature.to_uppercase()));
    assert!(!key.verify(query, &format!("{body} "), signature));
    assert!(!key.verify(query, body, &signature[2..]) && !key.verify(query, body, ""));
    assert!(!ApiKey::new(Secret::new("key"), &Secret::new("another")).verify(query, body, signature));
}

#[test]
fn v1_signatures_are_those_of_other_implementations() {
    let own = own();
    for case in own["v1"].as_array().unwrap() {
        check_v1(text(&own, "v1_secret"), text(case, "query"), text(case, "body"), text(case, "signature"));
    }
}

#[test]
fn every_shared_v1_vector_passes() {
    let Some(shared) = shared() else { return };
    let strip = |wire: &Value| wire.as_str().map(|wire| Received::split(wire).text.to_owned()).unwrap_or_default();
    for case in shared["v1"].as_array().unwrap() {
        let (query, body) = (strip(&case["wire_query"]), strip(&case["wire_body"]));
        assert_eq!(format!("{query}{body}"), text(case, "message"));
        check_v1(text(case, "api_secret"), &query, &body, text(case, "signature"));
    }
    let known = &shared["v1_known_answer"];
    check_v1(text(known, "api_secret"), text(known, "message"), "", text(known, "signature"));
}

#[test]
fn every_spelling_of_a_signature_that_clients_use_is_read() {
    let own = own();
    let case = &own["v3"][0];
    let (domain, message) = (Domain::new(case["chain_id"].as_u64().unwrap()), text(case, "text"));
    let signature = text(case, "signature");
    let expected = text(&own["keys"][text(case, "key")], "address").parse();
    let parity = format!("{:02x}", u8::from_str_radix(&signature[130..], 16).unwrap() - 27);
    for spelling in [
        signature[2..].to_owned(),
        signature.to_uppercase().replace("0X", "0x"),
        format!("{}{}", &signature[..130], signature[130..].to_uppercase()),
        format!("{}{parity}", &signature[..130]),
    ] {
        assert_eq!(domain.recover(message, &spelling).ok(), expected.clone().ok(), "{spelling}");
    }
    for (bad, error) in [
        ("", SignatureError::Form),
        ("0x00", SignatureError::Form),
        (&format!("{}zz", &signature[..130]), SignatureError::Form),
        (&format!("{}02", &signature[..130]), SignatureError::Parity),
        (&format!("0x{}1b", "00".repeat(64)), SignatureError::NoKey),
        (&format!("0x{}1b", "ff".repeat(64)), SignatureError::NoKey),
    ] {
        assert_eq!(domain.recover(message, bad), Err(error), "{bad}");
    }
}

#[test]
fn a_private_key_that_is_none_is_refused_without_being_quoted() {
    for bad in ["", "0x01", &"zz".repeat(32), &"00".repeat(32), &"ff".repeat(32), &"01".repeat(33)] {
        let error = Wallet::new(&Secret::new(bad)).unwrap_err().to_string();
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
    let wallet = Wallet::new(&Secret::new("01".repeat(32))).unwrap();
    assert!(!format!("{wallet:?}").contains("0101"));
}

#[derive(serde::Serialize)]
struct Order {
    symbol: &'static str,
    quantity: Option<&'static str>,
    note: &'static str,
    price: Option<&'static str>,
}

fn order() -> Pairs {
    Pairs::of(&Order { symbol: "BTCUSDT", quantity: Some("0.010"), note: "[1, ü]", price: None }).unwrap()
}

fn wallet_signer() -> WalletSigner {
    let wallet = Wallet::new(&Secret::new("01".repeat(32))).unwrap();
    WalletSigner::new(wallet, Some("0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c".parse().unwrap()), 714)
}

#[test]
fn a_v3_request_is_one_text_in_ascii_order_with_its_signature_last() {
    let signed = wallet_signer().sign(order(), 1_767_225_600_000_001);
    let received = Received::split(signed.as_str());
    assert_eq!(
        received.text,
        "nonce=1767225600000001&note=%5B1%2C%20%C3%BC%5D&quantity=0.010\
         &signer=0x1a642f0e3c3af545e7acbd38b07251b3990914f1&symbol=BTCUSDT\
         &user=0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c"
    );
    let signer = Domain::new(714).recover(received.text, received.signature.unwrap());
    assert_eq!(signer, Ok(wallet_signer().signer()));
    let pairs = read_pairs(received.text).unwrap();
    assert!(pairs.contains(&("note".to_owned(), "[1, ü]".to_owned())));
    assert!(!format!("{signed:?}").contains(received.signature.unwrap()));
}

#[test]
fn a_v1_request_carries_time_and_window() {
    let key = ApiKey::new(Secret::new("key"), &Secret::new("throw-away-test-secret"));
    let signed = KeySigner::new(key.clone(), 5_000).sign(order(), 1_767_225_600_123);
    let received = Received::split(signed.as_str());
    assert_eq!(
        received.text,
        "note=%5B1%2C%20%C3%BC%5D&quantity=0.010&recvWindow=5000&symbol=BTCUSDT&timestamp=1767225600123"
    );
    assert!(key.verify(received.text, "", received.signature.unwrap()));
}

#[test]
fn credentials_sign_with_new_nonces_and_only_in_their_own_environment() {
    let wallet = Credentials::Wallet(wallet_signer());
    let mut nonces = Nonces::new();
    let first = wallet.sign(Pairs::default(), &mut nonces, 5_000);
    let second = wallet.sign(Pairs::default(), &mut nonces, 4_000);
    assert!(first.as_str().starts_with("nonce=5000&") && second.as_str().starts_with("nonce=5001&"));

    let key = Credentials::Key(KeySigner::new(ApiKey::new(Secret::new("k"), &Secret::new("s")), 5_000));
    let (v3, v1) = (Environment::testnet(Version::V3).scheme(), Environment::testnet(Version::V1).scheme());
    assert_eq!(wallet.fit(v3), Ok(()));
    assert_eq!(key.fit(v1), Ok(()));
    assert_eq!(wallet.fit(v1), Err(CredentialsError::WalletForV1));
    assert_eq!(key.fit(v3), Err(CredentialsError::KeyForV3));
    assert_eq!(wallet.fit(Environment::mainnet(Version::V3).scheme()), Err(CredentialsError::OtherChain));
    // Signed in milliseconds: microseconds would be refused as ahead of the server's time.
    assert!(
        key.sign(Pairs::default(), &mut nonces, 1_767_225_600_123_456).as_str().contains("timestamp=1767225600123&")
    );
}

#[test]
fn nested_values_cannot_be_sent_by_mistake() {
    #[derive(serde::Serialize)]
    struct Nested {
        list: Vec<u8>,
    }
    assert!(Pairs::of(&Nested { list: vec![1] }).is_err());
    assert!(Pairs::of(&[1, 2]).is_err());
    assert!(Pairs::of(&()).is_err());
}
