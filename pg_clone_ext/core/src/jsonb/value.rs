//! Between a `jsonb` tree and `serde_json`'s, for rules and reports.

use super::{JsonbError, Node, numeric};
use crate::interrupt;
use serde_json::Value;
use std::borrow::Cow;

impl Node<'_> {
    /// The same document as a `serde_json` tree; numbers keep their digits.
    ///
    /// # Errors
    /// [`JsonbError::NotUtf8`], [`JsonbError::Malformed`] for a number that is none.
    pub fn to_value(&self) -> Result<Value, JsonbError> {
        Ok(match self {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Number(bytes) => {
                let text = numeric::to_text(bytes)?;
                Value::Number(text.parse().map_err(|_| JsonbError::Number(text))?)
            }
            Node::String(bytes) => Value::String(text(bytes)?),
            Node::Array(elements) => {
                let mut steps = interrupt::Steps::begin();
                let element = |element: &Node<'_>| {
                    steps.step();
                    element.to_value()
                };
                Value::Array(elements.iter().map(element).collect::<Result<_, _>>()?)
            }
            Node::Object(members) => {
                let mut steps = interrupt::Steps::begin();
                let member = |(key, value): &(Cow<'_, [u8]>, Node<'_>)| {
                    steps.step();
                    Ok((text(key)?, value.to_value()?))
                };
                Value::Object(members.iter().map(member).collect::<Result<_, JsonbError>>()?)
            }
        })
    }

    /// The `jsonb` tree of a `serde_json` tree.
    ///
    /// # Errors
    /// [`JsonbError::Number`], [`JsonbError::NulCharacter`].
    pub fn from_value(value: &Value) -> Result<Node<'static>, JsonbError> {
        Ok(match value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(Cow::Owned(numeric::from_text(&number.to_string())?)),
            Value::String(text) => Node::String(bytes(text)?),
            Value::Array(elements) => {
                let mut steps = interrupt::Steps::begin();
                let element = |element: &Value| {
                    steps.step();
                    Node::from_value(element)
                };
                Node::Array(elements.iter().map(element).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut steps = interrupt::Steps::begin();
                let member = |(key, value): (&String, &Value)| {
                    steps.step();
                    Ok((bytes(key)?, Node::from_value(value)?))
                };
                Node::Object(members.iter().map(member).collect::<Result<_, JsonbError>>()?)
            }
        })
    }
}

/// The payload of a document as a `serde_json` tree.
///
/// # Errors
/// As [`super::decode`] and [`Node::to_value`].
pub fn to_value(payload: &[u8]) -> Result<Value, JsonbError> {
    super::decode(payload)?.to_value()
}

/// The payload that PostgreSQL makes of a `serde_json` tree.
///
/// # Errors
/// As [`Node::from_value`] and [`Node::encode`].
pub fn from_value(value: &Value) -> Result<Vec<u8>, JsonbError> {
    Node::from_value(value)?.encode()
}

fn text(bytes: &[u8]) -> Result<String, JsonbError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| JsonbError::NotUtf8)
}

pub(super) fn bytes(text: &str) -> Result<Cow<'static, [u8]>, JsonbError> {
    if text.contains('\0') {
        return Err(JsonbError::NulCharacter);
    }
    Ok(Cow::Owned(text.as_bytes().to_vec()))
}
