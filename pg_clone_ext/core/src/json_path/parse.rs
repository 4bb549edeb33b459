//! Reads a path that is known to be valid.

use super::functions::Function;
use super::{Call, Comparison, Filter, Operand, Query, Segment, Selector};
use serde_json::Value;

/// The path; None where it is not valid after all.
pub(super) fn query(text: &str) -> Option<Query> {
    let mut reader = Reader(text);
    let query = reader.query()?;
    reader.white();
    reader.0.is_empty().then_some(query)
}

/// What is left of the text.
struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn white(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Takes these characters, and the white space before them.
    fn takes(&mut self, token: &str) -> bool {
        match self.0.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn while_char(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn query(&mut self) -> Option<Query> {
        let from_root = self.takes("$");
        if !from_root && !self.takes("@") {
            return None;
        }
        let mut segments = Vec::new();
        while let Some(segment) = self.segment()? {
            segments.push(segment);
        }
        Some(Query { from_root, segments })
    }

    /// The next segment; `Some(None)` where the query ends.
    fn segment(&mut self) -> Option<Option<Segment>> {
        let descends = self.takes("..");
        let dot = !descends && self.takes(".");
        if !dot && self.takes("[") {
            let selectors = self.selectors()?;
            return Some(Some(Segment { descends, selectors }));
        }
        if !dot && !descends {
            return Some(None);
        }
        let selector = if self.takes("*") {
            Selector::Wildcard
        } else {
            let name = self.while_char(|c| c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii());
            if name.is_empty() {
                return None;
            }
            Selector::Name(name.to_owned())
        };
        let selectors = vec![selector];
        Some(Some(Segment { descends, selectors }))
    }

    fn selectors(&mut self) -> Option<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            selectors.push(self.selector()?);
            if self.takes("]") {
                return Some(selectors);
            }
            self.takes(",").then_some(())?;
        }
    }

    fn selector(&mut self) -> Option<Selector> {
        self.white();
        match self.0.chars().next()? {
            '*' => {
                self.takes("*");
                Some(Selector::Wildcard)
            }
            '?' => {
                self.takes("?");
                Some(Selector::Filter(self.any()?))
            }
            quote @ ('\'' | '"') => Some(Selector::Name(self.string(quote)?)),
            _ => self.index_or_slice(),
        }
    }

    fn index_or_slice(&mut self) -> Option<Selector> {
        let start = self.integer()?;
        if !self.takes(":") {
            return start.map(Selector::Index);
        }
        let end = self.integer()?;
        let step = if self.takes(":") { self.integer()? } else { None };
        Some(Selector::Slice {
            start,
            end,
            step: step.unwrap_or(1),
        })
    }

    /// An integer, if there is one; None for one that is none.
    fn integer(&mut self) -> Option<Option<i64>> {
        self.white();
        let digits = self.while_char(|c| c == '-' || c.is_ascii_digit());
        if digits.is_empty() {
            return Some(None);
        }
        digits.parse().ok().map(Some)
    }

    /// A string, whose opening quote comes next.
    fn string(&mut self, quote: char) -> Option<String> {
        self.takes(&quote.to_string()).then_some(())?;
        let (text, rest) = quoted(self.0, quote)?;
        self.0 = rest;
        Some(text)
    }

    fn any(&mut self) -> Option<Filter> {
        let mut filters = vec![self.all()?];
        while self.takes("||") {
            filters.push(self.all()?);
        }
        Some(Filter::Any(filters))
    }

    fn all(&mut self) -> Option<Filter> {
        let mut filters = vec![self.basic()?];
        while self.takes("&&") {
            filters.push(self.basic()?);
        }
        Some(Filter::All(filters))
    }

    fn basic(&mut self) -> Option<Filter> {
        if self.takes("!") {
            return Some(Filter::Not(Box::new(self.basic()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            return self.takes(")").then_some(inner);
        }
        let left = self.operand()?;
        match self.comparison() {
            Some(comparison) => Some(Filter::Compare(left, comparison, self.operand()?)),
            None => match left {
                Operand::Query(query) => Some(Filter::Exists(query)),
                Operand::Call(call) => Some(Filter::Call(call)),
                Operand::Literal(_) => None,
            },
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        // The longer ones first.
        [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(token, comparison)| self.takes(token).then_some(comparison))
    }

    fn operand(&mut self) -> Option<Operand> {
        self.white();
        match self.0.chars().next()? {
            '$' | '@' => self.query().map(Operand::Query),
            quote @ ('\'' | '"') => self.string(quote).map(Value::String).map(Operand::Literal),
            '-' | '0'..='9' => {
                let number =
                    self.while_char(|c| matches!(c, '-' | '+' | '.' | 'e' | 'E') || c.is_ascii_digit());
                serde_json::from_str(number).ok().map(Operand::Literal)
            }
            _ => {
                let word = self.while_char(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit());
                match word {
                    "true" => Some(Operand::Literal(Value::Bool(true))),
                    "false" => Some(Operand::Literal(Value::Bool(false))),
                    "null" => Some(Operand::Literal(Value::Null)),
                    name => self.call(Function::of(name)?).map(Operand::Call),
                }
            }
        }
    }

    fn call(&mut self, function: Function) -> Option<Call> {
        self.takes("(").then_some(())?;
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.takes(",").then_some(())?;
            }
            arguments.push(self.operand()?);
        }
        Some(Call { function, arguments })
    }
}

/// The string whose opening quote was just read, and the rest after its closing quote.
pub(crate) fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut json = String::from("\"");
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                json.push('"');
                return Some((serde_json::from_str(&json).ok()?, &text[at + 1..]));
            }
            '"' => json.push_str("\\\""),
            '\\' => match chars.next()?.1 {
                '\'' => json.push('\''),
                escaped => json.extend(['\\', escaped]),
            },
            c => json.push(c),
        }
    }
    None
}
