//! Words: snake case, the singular, and names without separators.

/// Whether a character is a letter or a digit, of any script.
pub(super) fn is_word_character(c: char) -> bool {
    c.is_alphanumeric()
}

/// A name in snake case: `order_item` for `orderItem` and `OrderItem`, `api_key` for `APIKey`. Other characters stay.
pub fn snake(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 4);
    let mut before = None::<char>;
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        if c.is_ascii_uppercase() {
            let begins_word = match before {
                Some(b) if b.is_ascii_lowercase() || b.is_ascii_digit() => true,
                Some(b) if b.is_ascii_uppercase() => characters.peek().is_some_and(char::is_ascii_lowercase),
                _ => false,
            };
            if begins_word {
                result.push('_');
            }
        }
        result.extend(c.to_lowercase());
        before = Some(c);
    }
    result
}

/// A name without separators, in lower case: `orderitem` for `order_item` and `OrderItem`.
pub fn plain(name: &str) -> String {
    // İ has two characters in lower case, of which one is no letter.
    name.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| is_word_character(*c))
        .collect()
}

/// Words whose plural only adds an s, against the rules for their ending.
const ONLY_S: &[&str] = &[
    "wiki", "taxi", "menu", "api", "kpi", "sku", "cpu", "gpu", "emoji", "kiwi", "alibi", "gnu", "ui", "pi",
    "cookie", "movie", "calorie", "selfie", "hoodie", "rookie", "smoothie", "brownie", "zombie", "genie",
    "pixie", "tie", "pie",
];
/// Words whose plural adds es to an o.
const ADD_ES: &[&str] = &[
    "hero", "echo", "potato", "tomato", "veto", "cargo", "embargo", "volcano", "mosquito", "domino",
    "buffalo", "mango", "tornado", "torpedo",
];

/// The singular of an English noun, by the rules of frameworks that name tables in the plural. The last word of a name in snake case
/// is changed; a word that is no plural stays. Letters may be of either case; those that are added are in lower case.
pub fn singular(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| lower.ends_with(suffix));
    // The last word as a whole.
    let last = lower.rsplit('_').next().unwrap_or_default();
    // The number of bytes to remove, all of them ASCII, and what takes their place.
    let (remove, add) = match last {
        "people" => (5, "erson"),
        "children" => (3, ""),
        "men" | "women" => (2, "an"),
        _ if !lower.ends_with('s') => (0, ""),
        _ if ONLY_S.contains(&&last[..last.len() - 1]) => (1, ""),
        "theses" => (2, "is"),
        _ if ends(&[
            "analyses",
            "diagnoses",
            "synopses",
            "hypotheses",
            "prognoses",
            "crises",
        ]) =>
        {
            (2, "is")
        }
        "shelves" | "halves" | "wolves" | "calves" | "selves" | "loaves" => (3, "f"),
        "lives" | "knives" | "wives" => (3, "fe"),
        _ if ends(&["matrices", "appendices"]) => (4, "ix"),
        _ if ends(&["indices", "vertices", "vortices"]) => (4, "ex"),
        _ if ends(&["zzes"]) => (3, ""),
        _ if ends(&["ss", "us", "is", "news", "series"]) => (0, ""),
        _ if lower
            .strip_suffix("ies")
            .and_then(|stem| stem.chars().next_back())
            .is_some_and(|c| !"aeiou".contains(c)) =>
        {
            (3, "y")
        }
        _ if lower
            .strip_suffix("es")
            .is_some_and(|stem| ADD_ES.iter().any(|word| stem.ends_with(word))) =>
        {
            (2, "")
        }
        _ if ends(&[
            "ches", "shes", "xes", "sses", "zes", "statuses", "aliases", "buses",
        ]) =>
        {
            (2, "")
        }
        _ => (1, ""),
    };
    format!("{}{add}", &name[..name.len() - remove])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_case_are_written_in_snake_case() {
        for (name, expected) in [
            ("orderItem", "order_item"),
            ("OrderItem", "order_item"),
            ("APIKey", "api_key"),
            ("userIDs", "user_i_ds"),
            ("A1B2", "a1_b2"),
            ("sale.Order", "sale.order"),
            ("Änderung", "änderung"),
            ("ÄBc", "äbc"),
            ("", ""),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    #[test]
    fn separators_are_left_out() {
        assert_eq!(plain("Order_Item-2 é"), "orderitem2é");
        assert_eq!(plain("__"), "");
    }

    #[test]
    fn the_last_word_is_put_into_the_singular() {
        for (plural, expected) in [
            ("order_items", "order_item"),
            ("OrderItems", "OrderItem"),
            ("CATEGORIES", "CATEGORy"),
            ("people", "person"),
            ("sales_people", "sales_person"),
            ("townspeople", "townspeople"),
            ("women", "woman"),
            ("specimen", "specimen"),
            ("movies", "movie"),
            ("parties", "party"),
            ("toeies", "toeie"),
            ("theses", "thesis"),
            ("psychoanalyses", "psychoanalysis"),
            ("bookshelves", "bookshelve"),
            ("book_shelves", "book_shelf"),
            ("knives", "knife"),
            ("app_indices", "app_index"),
            ("matrices", "matrix"),
            ("quizzes", "quiz"),
            ("news", "news"),
            ("address", "address"),
            ("addresses", "address"),
            ("statuses", "status"),
            ("heroes", "hero"),
            ("boxes", "box"),
            ("shoes", "shoe"),
            ("status", "status"),
            ("s", ""),
            ("ies", "ie"),
            ("", ""),
        ] {
            assert_eq!(singular(plural), expected, "{plural}");
        }
    }
}
