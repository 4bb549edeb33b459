//! A walk over a payload that visits only the strings that contain given positions.

use super::JsonbError;
use super::decode::Container;
use super::layout::{CONTAINER, STRING};
use crate::interrupt;

/// A string of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StringAt {
    /// Offset of its first byte in the payload.
    pub(crate) start: usize,
    /// Offset behind its last byte.
    pub(crate) end: usize,
    /// Whether it is a key of an object.
    pub(crate) is_key: bool,
}

/// Whether one of these places, which do not decrease, is in the name of a member: members are sorted by their names.
///
/// # Errors
/// [`JsonbError`] if the payload is damaged.
pub fn is_in_name(payload: &[u8], places: impl Iterator<Item = usize>) -> Result<bool, JsonbError> {
    let mut walk = Walk::default();
    walk.begin(payload)?;
    let mut last: Option<StringAt> = None;
    for place in places {
        if last.is_none_or(|string| string.end <= place) {
            last = walk.next_string(payload, place)?;
        }
        match last {
            None => break,
            Some(string) if string.is_key && string.start <= place => return Ok(true),
            Some(_) => {}
        }
    }
    Ok(false)
}

/// A container that the walk is inside of.
struct Level {
    container: Container,
    /// Number of the next child.
    index: usize,
    /// Where the next child begins.
    start: usize,
}

/// The walk's stack, kept from document to document.
#[derive(Default)]
pub(crate) struct Walk {
    levels: Vec<Level>,
    steps: interrupt::Steps,
}

impl Walk {
    /// Begins a walk at the root of a payload.
    pub(crate) fn begin(&mut self, payload: &[u8]) -> Result<(), JsonbError> {
        self.levels.clear();
        self.enter(Container::read(payload, 0, payload.len())?);
        Ok(())
    }

    /// The next string that ends after `place`; `None` if there is none. Places must not decrease between calls:
    /// data is stored in the order of the walk, so a child that ends before the place is skipped.
    pub(crate) fn next_string(
        &mut self,
        payload: &[u8],
        place: usize,
    ) -> Result<Option<StringAt>, JsonbError> {
        while let Some(level) = self.levels.last_mut() {
            self.steps.step();
            let Container {
                children, is_object, ..
            } = level.container;
            if level.index == children || place >= level.container.end {
                self.levels.pop();
                continue;
            }
            let child = level.container.child(payload, level.index, level.start)?;
            let is_key = is_object && level.index < children / 2;
            level.index += 1;
            level.start = child.end;
            if child.end <= place {
                continue;
            }
            match child.kind {
                STRING => {
                    return Ok(Some(StringAt {
                        start: child.start,
                        end: child.end,
                        is_key,
                    }));
                }
                CONTAINER => {
                    let container = Container::read(payload, child.container_start()?, child.end)?;
                    self.enter(container);
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn enter(&mut self, container: Container) {
        self.levels.push(Level {
            container,
            index: 0,
            start: container.data,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::is_in_name;
    use crate::jsonb::from_value;

    #[test]
    fn a_place_in_the_name_of_a_member_is_told_from_one_in_a_value() {
        let place = |payload: &[u8]| payload.windows(4).position(|part| part == b"here").unwrap();
        for (value, expected) in [
            (serde_json::json!({"a": "here"}), false),
            (serde_json::json!(["x", {"a": ["y", "here"]}]), false),
            (serde_json::json!({"a": {"here": "b"}}), true),
            (serde_json::json!({"a": 1, "is here": [1]}), true),
        ] {
            let payload = from_value(&value).unwrap();
            assert_eq!(
                is_in_name(&payload, [place(&payload)].into_iter()).unwrap(),
                expected,
                "{value}"
            );
        }
    }
}
