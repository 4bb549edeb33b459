//! Singular JSONPaths: names and indexes only, so they select at most one place.

use crate::edit::Step;
use crate::json_path::quoted;

/// The steps of a singular path; `None` when the path is another kind. The path must be a valid JSONPath.
pub fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = vec![];
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(steps);
        }
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(|c: char| !(c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii()));
            let (name, behind) = behind.split_at(end.unwrap_or(behind.len()));
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Key(name.to_owned()));
            rest = behind;
            continue;
        }
        let inner = rest.strip_prefix('[')?.trim_start();
        let (step, behind) = match inner.chars().next()? {
            quote @ ('\'' | '"') => {
                let (name, behind) = quoted(&inner[1..], quote)?;
                (Step::Key(name), behind)
            }
            _ => {
                let end = inner.find(|c: char| !c.is_ascii_digit())?;
                (Step::Index(inner[..end].parse().ok()?), &inner[end..])
            }
        };
        steps.push(step);
        rest = behind.trim_start().strip_prefix(']')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indexes_are_steps() {
        assert_eq!(steps("$"), Some(vec![]));
        assert_eq!(
            steps("$.project.display"),
            Some(vec!["project".into(), "display".into()])
        );
        assert_eq!(
            steps(r#"$['it\'s "a"'] [0]["b\n"].ø_1"#),
            Some(vec!["it's \"a\"".into(), 0.into(), "b\n".into(), "ø_1".into()])
        );
    }

    #[test]
    fn other_selectors_are_not_singular() {
        for path in [
            "$.*",
            "$..a",
            "$.a[*]",
            "$.a[-1]",
            "$.a[0:1]",
            "$['a','b']",
            "$.a[?@.b]",
        ] {
            assert_eq!(steps(path), None, "{path}");
        }
    }
}
