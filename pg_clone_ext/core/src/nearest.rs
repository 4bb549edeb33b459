//! The known word that is most similar to an unknown one.

/// The word that is most similar to `given`, if at most a third of its letters differ; case is ignored.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: Vec<char> = given.chars().take(100).flat_map(char::to_lowercase).collect();
    known
        .into_iter()
        .map(|word| {
            let letters: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
            (distance(&given, &letters), word)
        })
        .filter(|(distance, word)| {
            *distance <= (word.chars().count() / 3).max(2) && *distance < word.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `Did you mean "x"? `, or nothing.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |word| format!("Did you mean \"{word}\"? "))
}

/// Letters to insert, delete or replace.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, b) in to.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(0);
            let cost = if a == b {
                diagonal
            } else {
                1 + diagonal.min(above).min(left)
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            (diagonal, left) = (above, cost);
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_found() {
        let known = ["blobs", "schema", "history", "id_generator"];
        for (given, meant) in [
            ("blob", Some("blobs")),
            ("Schema", Some("schema")),
            ("histroy", Some("history")),
            ("idgenerator", Some("id_generator")),
            ("x", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
    }

    #[test]
    fn distances_count_letters() {
        let count =
            |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
        ] {
            assert_eq!(count(a, b), expected, "{a} {b}");
        }
    }
}
