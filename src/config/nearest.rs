//! The known word that a wrong word was probably meant to be.

/// The nearest of `known`, if near enough to be a slip: one edit in three letters, case aside.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are not worth comparing, and cost their length squared.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`, at most twelve of them; `last` is the word before the last one.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    if words.len() > 12 {
        let more = words.len() - 12;
        words.truncate(12);
        return format!("{} and {more} more", words.join(", "));
    }
    match words.pop() {
        Some(only) if words.is_empty() => only,
        Some(end) => format!("{} {last} {end}", words.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// Help for a word that is not among `known`.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("there is {}", list(known, "and")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["max_positions", "max_leverage", "on_trip"];
        for (word, found) in [
            ("max_positon", Some("max_positions")),
            ("maxleverage", Some("max_leverage")),
            ("ON_TRIP", Some("on_trip")),
            ("equity", None),
        ] {
            assert_eq!(nearest(word, known), found, "{word}");
        }
        assert_eq!(suggestion("equity", known), "there is `max_positions`, `max_leverage` and `on_trip`");
    }
}
