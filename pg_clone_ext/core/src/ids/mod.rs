//! Ids: their text form, the new ids of a run, and the maps from a source's ids to the clone's.

mod budget;
mod id_map;
mod integer_map;
mod new_ids;
pub mod no_value;
mod scattered_integers;
pub mod text_form;
mod text_id_map;
pub mod uuid_text;

pub use budget::OutOfMemory;
pub use id_map::{IdMap, Mapped};
pub use integer_map::{IntegerMap, MappedInteger};
pub use new_ids::{IdVersion, NewIds, is_time_ordered};
pub use text_id_map::{MappedText, TextIdMap};

/// The 16 bytes of a UUID, in the order of its text form (as PostgreSQL's `uuid` stores it).
pub type Id = [u8; 16];
