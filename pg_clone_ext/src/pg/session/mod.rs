//! The session: its roles, settings, locks, signals and messages.

pub mod as_role;
pub mod background;
pub mod constraint_hint;
pub mod environment;
pub mod error_hint;
pub mod error_origin;
pub mod interrupts;
pub mod notice;
pub mod object_lock;
pub mod parallel;
pub mod settings_guard;
pub mod signals;
