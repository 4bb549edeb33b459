//! The nesting depth of a payload, computed without a tree.

use super::decode::Container;
use super::layout::CONTAINER;
use crate::interrupt;

/// Minimum bytes of a level: a header, and an entry in the container around it.
const LEAST: usize = 8;
/// Payloads that cannot have more levels than this are not read.
const FEW: usize = 128;

/// Levels of arrays and objects in a payload, 1 for one that is a plain value; 0 for one with so few bytes that it cannot be
/// nested deeply. For a malformed payload the levels that can be read.
pub fn levels(payload: &[u8]) -> usize {
    if payload.len() < FEW * LEAST {
        return 0;
    }
    let Ok(root) = Container::read(payload, 0, payload.len()) else {
        return 0;
    };
    // Of each container that is open: what it is, the next child, and where that begins.
    let mut open = vec![(root, 0, root.data)];
    let mut deepest = 1;
    let mut steps = interrupt::Steps::default();
    while let Some((container, index, start)) = open.last_mut() {
        steps.step();
        if *index == container.children {
            open.pop();
            continue;
        }
        let Ok(child) = container.child(payload, *index, *start) else {
            return deepest;
        };
        *index += 1;
        *start = child.end;
        if child.kind == CONTAINER {
            let inner = child
                .container_start()
                .and_then(|at| Container::read(payload, at, child.end));
            let Ok(inner) = inner else { return deepest };
            open.push((inner, 0, inner.data));
            deepest = deepest.max(open.len());
        }
    }
    deepest
}
