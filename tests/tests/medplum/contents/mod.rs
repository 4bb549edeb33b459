//! The content of a clone's rows.

mod columns;
mod dangling;
mod derived;
mod documents;
mod external_systems;
mod names;
mod owner;
mod secrets;
