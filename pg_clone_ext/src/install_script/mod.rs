//! The SQL files that make up the installation script, and which of them others need.

mod discovery;

use pgrx::prelude::*;

extension_sql_file!(
    "../../../sql/install/stores/catalog.sql",
    name = "catalog",
    bootstrap
);
extension_sql_file!(
    "../../../sql/install/runs/runs.sql",
    name = "runs",
    requires = ["catalog"]
);
extension_sql_file!(
    "../../../sql/install/runs/lifecycle.sql",
    name = "lifecycle",
    requires = ["runs"]
);
extension_sql_file!(
    "../../../sql/install/runs/jobs.sql",
    name = "jobs",
    requires = ["lifecycle"]
);
extension_sql_file!(
    "../../../sql/install/runs/blob_queue.sql",
    name = "blob_queue",
    requires = ["runs"]
);
extension_sql_file!(
    "../../../sql/install/stores/describe.sql",
    name = "describe",
    requires = ["catalog"]
);
extension_sql_file!(
    "../../../sql/install/stores/keys.sql",
    name = "keys",
    requires = ["describe"]
);
extension_sql_file!(
    "../../../sql/install/stores/arguments.sql",
    name = "arguments",
    requires = ["keys"]
);
extension_sql_file!(
    "../../../sql/install/stores/option_checks.sql",
    name = "option_checks",
    requires = ["arguments"]
);
extension_sql_file!(
    "../../../sql/install/stores/recorded_names.sql",
    name = "recorded_names",
    requires = ["option_checks"]
);
extension_sql_file!(
    "../../../sql/install/stores/stores.sql",
    name = "stores",
    requires = ["recorded_names"]
);
extension_sql_file!(
    "../../../sql/install/stores/references.sql",
    name = "references",
    requires = [
        "stores",
        snake,
        singular,
        plain,
        folded_word,
        named_table,
        named_word,
        says_id,
        table_word,
        table_match,
        ends_with_word,
        kind_forms,
        kind_matches,
        names_person,
        has_persons,
        names_quantity,
        in_place_of_null
    ]
);
extension_sql_file!(
    "../../../sql/install/stores/view_keys.sql",
    name = "view_keys",
    requires = ["references"]
);
extension_sql_file!(
    "../../../sql/install/stores/store_files.sql",
    name = "store_files",
    requires = ["preset_discover"]
);
extension_sql_file!(
    "../../../sql/install/stores/store_options.sql",
    name = "store_options",
    requires = ["stores", "jobs", "blob_queue"]
);
extension_sql_file!(
    "../../../sql/install/runs/verify.sql",
    name = "verify",
    requires = ["blob_queue"]
);
extension_sql_file!(
    "../../../sql/install/runs/rewritten_rows.sql",
    name = "rewritten_rows",
    requires = ["runs"]
);
extension_sql_file!(
    "../../../sql/presets/documents.sql",
    name = "preset_documents",
    requires = ["stores"]
);
extension_sql_file!(
    "../../../sql/presets/medplum_derived.sql",
    name = "medplum_derived",
    requires = ["stores"]
);
extension_sql_file!(
    "../../../sql/presets/medplum_hooks.sql",
    name = "medplum_hooks",
    requires = ["medplum_derived"]
);
extension_sql_file!(
    "../../../sql/presets/medplum_verify.sql",
    name = "medplum_verify",
    requires = ["medplum_hooks"]
);
extension_sql_file!(
    "../../../sql/presets/medplum.sql",
    name = "preset_medplum",
    requires = ["medplum_verify", "stores", "lifecycle"]
);
extension_sql_file!(
    "../../../sql/install/runs/item.sql",
    name = "item",
    requires = ["runs"]
);
extension_sql_file!(
    "../../../sql/presets/registry_subtypes.sql",
    name = "registry_subtypes",
    requires = ["stores"]
);
extension_sql_file!(
    "../../../sql/presets/registry_datasets.sql",
    name = "registry_datasets",
    requires = ["registry_subtypes"]
);
extension_sql_file!(
    "../../../sql/presets/registry_load.sql",
    name = "registry_load",
    requires = ["registry_datasets"]
);
extension_sql_file!(
    "../../../sql/presets/registry_tables.sql",
    name = "registry_tables",
    requires = ["registry_load", "item"]
);
extension_sql_file!(
    "../../../sql/presets/registry.sql",
    name = "preset_registry",
    requires = ["registry_tables", "lifecycle"]
);
extension_sql_file!(
    "../../../sql/install/access/visibility.sql",
    name = "visibility",
    requires = ["blob_queue"]
);
extension_sql_file!(
    "../../../sql/install/access/column_comments.sql",
    name = "column_comments",
    requires = [
        "allow",
        "preset_medplum",
        "preset_registry",
        "store_options",
        "store_question"
    ]
);
extension_sql_file!(
    "../../../sql/install/access/allow.sql",
    name = "allow",
    requires = ["visibility", "lifecycle"]
);
// The functions for users are created in the schema of CREATE EXTENSION. Everything else is created before, under a path
// of pg_catalog only; each of those functions requires this.
extension_sql_file!(
    "../../../sql/install/access/target_schema.sql",
    name = "target_schema",
    requires = [
        "allow",
        "blob_queue",
        "column_comments",
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
    "../../../sql/install/access/finalize.sql",
    name = "finalize",
    requires = ["target_schema"],
    finalize
);
