//! The arguments of a call for rules: named texts, some of them optional.

use std::collections::BTreeMap;

/// The arguments that rules can test (`if_given`) and use as placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    values: BTreeMap<String, Given>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Always(String),
    Perhaps(Option<String>),
}

impl Arguments {
    /// No arguments at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// An optional argument, such as `name`. A rule can use it as a placeholder only with `if_given`.
    #[must_use]
    pub fn optional(mut self, name: impl Into<String>, value: Option<&str>) -> Self {
        self.values
            .insert(name.into(), Given::Perhaps(value.map(str::to_owned)));
        self
    }

    /// A text that every run has, such as `project`.
    #[must_use]
    pub fn always(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), Given::Always(value.into()));
        self
    }

    /// The value, if the argument exists and has one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            Given::Always(value) => Some(value),
            Given::Perhaps(value) => value.as_deref(),
        }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a rule must say `if_given` to use it.
    pub(super) fn is_optional(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Given::Perhaps(_)))
    }

    /// The names, for messages.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}
