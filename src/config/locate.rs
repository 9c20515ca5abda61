//! Where in a swarm file something stands that turned out wrong only later, when the market was opened. Reads the
//! text again; knows no market.

use super::{Diagnostic, yaml};
use std::collections::BTreeMap;
use std::path::Path;

/// Where a symbol is named under `market.symbols`: a diagnostic with that place and this message. Nothing when
/// the file does not name it there.
pub fn symbol(
    file: &Path,
    sources: &BTreeMap<String, String>,
    symbol: &str,
    message: &str,
    help: &str,
) -> Option<Diagnostic> {
    let name = file.display().to_string();
    let document = yaml::parse(&name, sources.get(&name)?).ok()?;
    let node = document.root.dig(&["market", "symbols"])?.items().iter().find(|node| node.text() == Some(symbol))?;
    Some(Diagnostic::new(&node.place, &node.path, message, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, place: Option<(u32, u32)>) {
        let sources = BTreeMap::from([("a/swarm.yaml".to_owned(), text.to_owned())]);
        let found = symbol(Path::new("a/swarm.yaml"), &sources, name, "gone", "look");
        assert_eq!(found.as_ref().map(|found| (found.line, found.column)), place, "{found:?}");
        assert!(found.is_none_or(|found| found.to_string().contains("market.symbols") && found.file == "a/swarm.yaml"));
    }

    #[test]
    fn a_symbol_is_found_where_it_is_written() {
        let text = "market:\n  symbols: [BTCUSDT,\n    ETHUSDT]\n";
        check(text, "BTCUSDT", Some((2, 13)));
        check(text, "ETHUSDT", Some((3, 5)));
        check(text, "SOLUSDT", None);
        check("market: [", "BTCUSDT", None);
    }
}
