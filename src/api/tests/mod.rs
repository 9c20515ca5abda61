//! The API from outside: real requests to the real server, whose director is made up.

mod admission;
mod answers;
mod document;
mod events;
mod fuzz;
mod page;

use super::ErrorBody;
use super::testing::Fake;
use crate::control::Event;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

const AUTHORIZED: (&str, &str) = ("authorization", "Bearer 0123456789abcdef");

struct Answer {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn http() -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn request(fake: &Fake, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> reqwest::RequestBuilder {
    let url = format!("{}{path}", fake.server.url());
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    http().request(method.parse().unwrap(), url).headers(map).body(body.to_owned())
}

async fn ask(fake: &Fake, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answer = request(fake, method, path, headers, body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
}

async fn get(fake: &Fake, path: &str) -> Answer {
    ask(fake, "GET", path, &[], "").await
}

/// A request and what must come of it: a status, and for errors the code in the one shape they have.
async fn check(fake: &Fake, method: &str, path: &str, headers: &[(&str, &str)], body: &str, status: u16, code: &str) {
    let answer = ask(fake, method, path, headers, body).await;
    let case = format!("{method} {path} {headers:?} {:.80}", body);
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    if status >= 400 {
        assert_eq!(answer.header("content-type"), "application/json", "{case}");
        let error = serde_json::from_slice::<ErrorBody>(&answer.bytes).expect(&case).error;
        assert_eq!(error.code, code, "{case}: {}", error.message);
        assert!(!error.message.is_empty(), "{case}");
        assert_eq!(answer.json().as_object().unwrap().len(), 1, "{case}");
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{case}");
}

fn notice(message: &str) -> Event {
    Event::Notice { message: message.into() }
}
