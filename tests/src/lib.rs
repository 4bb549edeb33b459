//! Helpers of the integration tests.

pub mod blob_queue;
pub mod fault_proxy;
pub mod storage_servers;
