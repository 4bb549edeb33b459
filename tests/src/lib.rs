//! Helpers of the integration tests.

pub mod blob_queue;
pub mod database;
pub mod fault_proxy;
pub mod s3_objects;
pub mod shared_data;
pub mod storage_servers;
