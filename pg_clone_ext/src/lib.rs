//! pg_clone_ext: clone a whole project (a tenant) inside a live database, in one transaction.
//!
//! This crate is the thin PostgreSQL shell around `pg_clone_core`: `api` has every SQL function, `catalog` reads
//! the description of a store, `clone` makes a clone by the stages of `run`, `verify` checks one, `lifecycle` deletes and
//! replaces clones, `jobs` queues them, `item` clones items of registries, and `pg` is the only place with `unsafe` code.
#![deny(unsafe_code)]

mod api;
mod catalog;
mod clone;
mod entry;
mod error;
mod item;
mod jobs;
mod lifecycle;
#[allow(unsafe_code)]
mod pg;
mod run;
mod settings;
mod verify;

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

extension_sql_file!(
    "../../sql/install/stores/catalog.sql",
    name = "catalog",
    bootstrap
);
extension_sql_file!(
    "../../sql/install/runs/runs.sql",
    name = "runs",
    requires = ["catalog"]
);
extension_sql_file!(
    "../../sql/install/runs/lifecycle.sql",
    name = "lifecycle",
    requires = ["runs"]
);
extension_sql_file!(
    "../../sql/install/runs/jobs.sql",
    name = "jobs",
    requires = ["lifecycle"]
);
extension_sql_file!(
    "../../sql/install/runs/blob_queue.sql",
    name = "blob_queue",
    requires = ["runs"]
);
extension_sql_file!(
    "../../sql/install/stores/describe.sql",
    name = "describe",
    requires = ["catalog"]
);
extension_sql_file!(
    "../../sql/install/stores/keys.sql",
    name = "keys",
    requires = ["describe"]
);
extension_sql_file!(
    "../../sql/install/stores/stores.sql",
    name = "stores",
    requires = ["keys"]
);
extension_sql_file!(
    "../../sql/install/stores/references.sql",
    name = "references",
    requires = ["stores"]
);
extension_sql_file!(
    "../../sql/install/stores/questions.sql",
    name = "questions",
    requires = ["references"]
);
extension_sql_file!(
    "../../sql/install/stores/discover.sql",
    name = "discover",
    requires = ["questions"]
);
extension_sql_file!(
    "../../sql/install/stores/store_files.sql",
    name = "store_files",
    requires = ["discover"]
);
extension_sql_file!(
    "../../sql/install/stores/store_options.sql",
    name = "store_options",
    requires = ["stores", "jobs", "blob_queue"]
);
extension_sql_file!(
    "../../sql/install/runs/verify.sql",
    name = "verify",
    requires = ["blob_queue"]
);
extension_sql_file!(
    "../../sql/install/runs/rewritten_rows.sql",
    name = "rewritten_rows",
    requires = ["runs"]
);
extension_sql_file!(
    "../../sql/presets/documents.sql",
    name = "preset_documents",
    requires = ["stores"]
);
extension_sql_file!(
    "../../sql/presets/medplum_derived.sql",
    name = "medplum_derived",
    requires = ["stores"]
);
extension_sql_file!(
    "../../sql/presets/medplum_hooks.sql",
    name = "medplum_hooks",
    requires = ["medplum_derived"]
);
extension_sql_file!(
    "../../sql/presets/medplum_verify.sql",
    name = "medplum_verify",
    requires = ["medplum_hooks"]
);
extension_sql_file!(
    "../../sql/presets/medplum.sql",
    name = "preset_medplum",
    requires = ["medplum_verify", "stores", "lifecycle"]
);
extension_sql_file!(
    "../../sql/install/runs/item.sql",
    name = "item",
    requires = ["runs"]
);
extension_sql_file!(
    "../../sql/presets/registry_subtypes.sql",
    name = "registry_subtypes",
    requires = ["stores"]
);
extension_sql_file!(
    "../../sql/presets/registry_datasets.sql",
    name = "registry_datasets",
    requires = ["registry_subtypes"]
);
extension_sql_file!(
    "../../sql/presets/registry_load.sql",
    name = "registry_load",
    requires = ["registry_datasets"]
);
extension_sql_file!(
    "../../sql/presets/registry_tables.sql",
    name = "registry_tables",
    requires = ["registry_load", "item"]
);
extension_sql_file!(
    "../../sql/presets/registry.sql",
    name = "preset_registry",
    requires = ["registry_tables", "lifecycle"]
);
extension_sql_file!(
    "../../sql/install/access/visibility.sql",
    name = "visibility",
    requires = ["blob_queue"]
);
extension_sql_file!(
    "../../sql/install/access/allow.sql",
    name = "allow",
    requires = ["visibility", "lifecycle"]
);
// The functions that users call go to the schema that CREATE EXTENSION names. Everything else comes before, under a path
// that only pg_catalog is on; each of those functions requires this.
extension_sql_file!(
    "../../sql/install/access/target_schema.sql",
    name = "target_schema",
    requires = [
        "allow",
        "blob_queue",
        "item",
        "jobs",
        "lifecycle",
        "preset_documents",
        "preset_medplum",
        "preset_registry",
        "rewritten_rows",
        "store_files",
        "store_options",
        "verify",
        "visibility"
    ]
);
extension_sql_file!(
    "../../sql/install/access/privileges.sql",
    name = "privileges",
    requires = ["target_schema"],
    finalize
);

/// Called by PostgreSQL when the library is loaded.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    pg::session::environment::no_backtraces();
    settings::register();
}
