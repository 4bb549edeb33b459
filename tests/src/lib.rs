//! Helpers of the integration tests.

pub mod blob_queue;
pub mod database;
pub mod fault_proxy;
pub mod id_oracle;
pub mod medplum_source;
pub mod s3_objects;
pub mod scratch_database;
pub mod shared_data;
pub mod storage_servers;
