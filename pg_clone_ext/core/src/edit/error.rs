//! Why a document could not be edited.

use super::Step;

/// Why a document could not be edited. The caller reports all of them as an internal error (SQLSTATE XX000) except
/// [`EditError::Malformed`], which is the document's fault (22P02).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not one JSON value.
    #[error("the document is not valid JSON: {0}")]
    Malformed(String),
    /// The place of a set or rename does not exist in the document.
    #[error("the document has no place {}", display(.0))]
    NoPlace(Vec<Step>),
    /// It is nested too deeply.
    #[error(transparent)]
    Depth(#[from] crate::depth::DepthError),
    /// The edit removes or renames the whole document.
    #[error("a document cannot be removed from itself")]
    Root,
}

/// The path as a JSONPath, for messages.
fn display(path: &[Step]) -> String {
    let mut out = String::from("$");
    for step in path {
        match step {
            Step::Key(name) => out.push_str(&format!("[{}]", serde_json::Value::from(name.as_str()))),
            Step::Index(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_place_as_a_path() {
        let error = EditError::NoPlace(vec!["a\"b".into(), 3.into()]);
        assert_eq!(error.to_string(), r#"the document has no place $["a\"b"][3]"#);
    }
}
