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
