//! The one error type that reaches the user: a SQLSTATE, a message with the offending value, and a hint.

use std::fmt;

/// Class of an error, by SQLSTATE. The list is part of the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// 42501: a privilege is missing.
    NotAllowed,
    /// P0002: no such project or item.
    NotFound,
    /// 22023: an argument is wrong.
    BadArgument,
    /// 53200: over the memory budget.
    OutOfMemory,
    /// 0A000: row-level security or a feature of the table prevents a complete clone.
    Unsupported,
    /// 55000: the tables are not as the catalog describes them.
    StoreChanged,
    /// 55000: the object is in a state that does not allow the call.
    WrongState,
    /// 54001: a document is nested too deeply.
    TooDeep,
    /// 22P02: a value in a table is not valid for its type (damaged data).
    BadData,
    /// 23503: a reference would dangle, and the option `dangling` is `error`.
    Dangling,
    /// 23505: a key is already in use.
    Duplicate,
    /// 40001: another session has changed rows meanwhile; the same call can succeed.
    ChangedMeanwhile,
    /// XX000: a bug in this extension.
    Internal,
}

impl Code {
    /// The five characters of the SQLSTATE.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Code::NotAllowed => "42501",
            Code::NotFound => "P0002",
            Code::BadArgument => "22023",
            Code::OutOfMemory => "53200",
            Code::Unsupported => "0A000",
            Code::StoreChanged | Code::WrongState => "55000",
            Code::TooDeep => "54001",
            Code::BadData => "22P02",
            Code::Dangling => "23503",
            Code::Duplicate => "23505",
            Code::ChangedMeanwhile => "40001",
            Code::Internal => "XX000",
        }
    }
}

/// An error for the user; the pgrx shell raises it unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Its class.
    pub code: Code,
    /// What is wrong, with the offending value.
    pub message: String,
    /// More about it, may be empty.
    pub detail: String,
    /// What to do, may be empty.
    pub hint: String,
}

impl Error {
    /// An error without detail and hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            detail: String::new(),
            hint: String::new(),
        }
    }

    /// The same with a hint: what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with a detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// A wrong argument (22023).
    pub fn bad_argument(message: impl Into<String>) -> Self {
        Error::new(Code::BadArgument, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.sqlstate())
    }
}

impl std::error::Error for Error {}

/// A given value as messages show it: a long one is cut.
pub fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    match value.char_indices().nth(LONGEST) {
        None => value.to_owned(),
        Some((end, _)) => format!(
            "{}… ({} characters)",
            value.get(..end).unwrap_or_default(),
            value.chars().count()
        ),
    }
}

/// A message with a long value in it: its beginning, its end and its length.
pub fn shortened(message: String) -> String {
    const LONGEST: usize = 800;
    const END: usize = 200;
    let length = message.chars().count();
    if length <= LONGEST {
        return message;
    }
    let begin: String = message.chars().take(LONGEST - END).collect();
    let end: String = message.chars().skip(length - END).collect();
    format!("{begin}… ({length} characters) …{end}")
}

/// Result of everything that can fail because of a user.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::{shortened, shown};

    #[test]
    fn long_values_are_cut_at_characters() {
        assert_eq!(shown(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(
            shown(&"ä".repeat(201)),
            format!("{}… (201 characters)", "ä".repeat(200))
        );
        assert_eq!(shortened("x".repeat(800)), "x".repeat(800));
        let message = shortened(format!("unknown option \"{}\" of a call", "ä".repeat(1_000_000)));
        assert!(message.starts_with("unknown option \"ää") && message.ends_with("ää\" of a call"));
        assert!(message.contains("… (1000027 characters) …"), "{message}");
    }
}
