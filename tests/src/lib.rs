//! Helpers of the integration tests.

pub mod blob_queue;
pub mod browser;
pub mod cancellation;
pub mod described_store;
pub mod driver_source;
pub mod fault_proxy;
pub mod growth;
pub mod id_oracle;
pub mod medplum_source;
pub mod psql;
pub mod s3_objects;
pub mod sample_documents;
pub mod scratch_database;
pub mod storage_servers;
