//! Errors of rules.

/// An error of a rule, found before any document is read. SQLSTATE 22023, except for
/// [`RuleError::is_internal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A JSONPath or filter expression that cannot be parsed.
    #[error("rule {rule} ({path}): \"{field}\" is not valid at character {position}: {message}: {text}")]
    Syntax {
        /// Which rule, counted from 1 in the order they are evaluated.
        rule: usize,
        /// Its path.
        path: String,
        /// `path`, `when` or `unless_cloned`.
        field: &'static str,
        /// The character of `text` where it goes wrong, counted from 1.
        position: usize,
        /// What is wrong there.
        message: String,
        /// The expression.
        text: String,
    },
    /// A rule that can be parsed but is not valid.
    #[error("rule {rule} ({path}): {message}")]
    Invalid {
        /// Which rule, counted from 1.
        rule: usize,
        /// Its path.
        path: String,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A catalog row that is not a rule.
    #[error("{0}")]
    Row(String),
    /// A document in which a path with wildcards would select too much. SQLSTATE 54001.
    #[error(transparent)]
    Depth(crate::depth::DepthError),
    /// An edit that a rule made could not be applied: a bug in this module.
    #[error("rule {rule}: {source}")]
    Edit {
        /// Which rule, counted from 1.
        rule: usize,
        /// Why.
        source: crate::edit::EditError,
    },
}

impl RuleError {
    /// What the user can do about a rule that is not valid.
    pub fn hint(&self) -> &'static str {
        match self {
            RuleError::Invalid { hint, .. } => hint,
            _ => {
                "Paths and filters are JSONPath as RFC 9535 defines it: a path begins with $, as in $.contact[*].phone."
            }
        }
    }

    /// Whether the error is a bug and not in the catalog (SQLSTATE XX000).
    pub fn is_internal(&self) -> bool {
        matches!(self, RuleError::Edit { .. })
    }
}
