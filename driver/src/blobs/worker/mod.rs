//! A worker: claims rows of the queue, copies or deletes files, records the outcomes.

pub mod attempt;
pub mod claim_schedule;
pub mod file_counts;
pub mod in_flight;
pub mod listing;
pub mod main_loop;
pub mod options;
pub mod progress;
pub mod run;
pub mod store_locations;
pub mod summary;
