//! What the rows of a clone hold.

mod columns;
mod dangling;
mod derived;
mod documents;
mod external_systems;
mod names;
mod owner;
mod secrets;
