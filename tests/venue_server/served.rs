//! The documentation says what is served, and what is served is what it says.

use crate::support::Desk;
use asterswarm::aster::environment::Version;
use asterswarm::aster::sign::Pairs;
use asterswarm::aster::wire::{Empty, Route, Security};
use asterswarm::venue_server::{Request, Served, served, tables};

const BEGIN: &str = "<!-- generated -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_tables_of_the_documentation_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/venue.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
        return;
    }
    assert!(page == expected, "docs/venue.md is not what is served: run the tests with UPDATE_DOCS=1");
}

#[test]
fn a_call_is_refused_as_not_simulated_exactly_when_the_table_says_no() {
    for route in Route::ALL {
        let mut desk = Desk::new();
        let text = match route.security() {
            Security::Public => String::new(),
            _ => desk.credentials.sign(Pairs::of(&Empty {}).unwrap(), &mut desk.nonces, desk.clock).into_string(),
        };
        let (query, body) = if route.method().has_body() { (String::new(), text) } else { (text, String::new()) };
        let (method, path) = (route.method().as_str().to_owned(), route.path(Version::V3));
        let answer = desk.send(&Request { method, path, query, body, ..Request::default() });
        let refused = answer.body.contains("-1020");
        assert_eq!(refused, matches!(served(*route), Served::No(_)), "{route:?}: {}", answer.body);
    }
}
