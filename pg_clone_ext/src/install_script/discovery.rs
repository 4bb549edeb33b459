//! The SQL files of discovery, and which of them others need.

use pgrx::prelude::*;

extension_sql_file!(
    "../../../sql/install/discovery/words.sql",
    name = "words",
    requires = ["view_keys"]
);
extension_sql_file!(
    "../../../sql/install/discovery/store_question.sql",
    name = "store_question",
    requires = ["words"]
);
extension_sql_file!(
    "../../../sql/install/discovery/samples.sql",
    name = "samples",
    requires = ["store_question"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/columns_with_new_values.sql",
    name = "columns_with_new_values",
    requires = ["samples"]
);
extension_sql_file!(
    "../../../sql/install/discovery/keys_in_samples.sql",
    name = "keys_in_samples",
    requires = ["columns_with_new_values"]
);
extension_sql_file!(
    "../../../sql/install/discovery/references_by_name.sql",
    name = "references_by_name",
    requires = ["keys_in_samples"]
);
extension_sql_file!(
    "../../../sql/install/discovery/namesakes.sql",
    name = "namesakes",
    requires = ["references_by_name"]
);
extension_sql_file!(
    "../../../sql/install/discovery/table_questions.sql",
    name = "table_questions",
    requires = ["namesakes"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/foreign_tables.sql",
    name = "foreign_tables",
    requires = ["table_questions"]
);
extension_sql_file!(
    "../../../sql/install/discovery/tenants.sql",
    name = "tenants",
    requires = ["table_questions"]
);
extension_sql_file!(
    "../../../sql/install/discovery/ask_about_data.sql",
    name = "ask_about_data",
    requires = ["tenants"]
);
extension_sql_file!(
    "../../../sql/install/discovery/secret_names.sql",
    name = "secret_names",
    requires = ["ask_about_data"]
);
extension_sql_file!(
    "../../../sql/install/discovery/secrets.sql",
    name = "secrets",
    requires = ["secret_names"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/kinds.sql",
    name = "kinds",
    requires = ["secrets"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/types_by_keys.sql",
    name = "types_by_keys",
    requires = ["kinds"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/waiting.sql",
    name = "waiting",
    requires = ["types_by_keys"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/pair_targets.sql",
    name = "pair_targets",
    requires = ["waiting"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/left_out_types.sql",
    name = "left_out_types",
    requires = ["pair_targets"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/owned_by_pairs.sql",
    name = "owned_by_pairs",
    requires = ["left_out_types"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/other_tenants.sql",
    name = "other_tenants",
    requires = ["owned_by_pairs"]
);
extension_sql_file!(
    "../../../sql/install/discovery/store_check.sql",
    name = "store_check",
    requires = ["other_tenants"]
);
extension_sql_file!(
    "../../../sql/install/discovery/discover_tables.sql",
    name = "discover_tables",
    requires = ["store_check"]
);
extension_sql_file!(
    "../../../sql/install/discovery/discover_references.sql",
    name = "discover_references",
    requires = ["discover_tables"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/unique_columns.sql",
    name = "unique_columns",
    requires = ["discover_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/preset_discover.sql",
    name = "preset_discover",
    requires = ["unique_columns"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/unnamed_references.sql",
    name = "unnamed_references",
    requires = ["preset_discover"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/keys_of_tables.sql",
    name = "keys_of_tables",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/all_values.sql",
    name = "all_values",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/own_rows.sql",
    name = "own_rows",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/own_references.sql",
    name = "own_references",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/link_tables.sql",
    name = "link_tables",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/outside_texts.sql",
    name = "outside_texts",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/tenant_of_row.sql",
    name = "tenant_of_row",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/likeliest_target.sql",
    name = "likeliest_target",
    requires = ["tenant_of_row"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/lists.sql",
    name = "lists",
    requires = ["likeliest_target"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/owned.sql",
    name = "owned",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/tenant_copies.sql",
    name = "tenant_copies",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/several_tables.sql",
    name = "several_tables",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/copied_references.sql",
    name = "copied_references",
    requires = ["several_tables"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/pairs_by_values.sql",
    name = "pairs_by_values",
    requires = ["copied_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/no_owner.sql",
    name = "no_owner",
    requires = ["copied_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/listed_ownerless.sql",
    name = "listed_ownerless",
    requires = ["no_owner"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/tenant_segments.sql",
    name = "tenant_segments",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/two_tenants.sql",
    name = "two_tenants",
    requires = ["no_owner"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/chance.sql",
    name = "chance",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/outside_pairs.sql",
    name = "outside_pairs",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/links_within_table.sql",
    name = "links_within_table",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/links_between_tables.sql",
    name = "links_between_tables",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/membership/shared_primary_keys.sql",
    name = "shared_primary_keys",
    requires = ["links_between_tables"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/typed_texts.sql",
    name = "typed_texts",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/history.sql",
    name = "history",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/pairs/fields.sql",
    name = "fields",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/document_pairs.sql",
    name = "document_pairs",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/numbers_within.sql",
    name = "numbers_within",
    requires = ["lists"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/other_forms.sql",
    name = "other_forms",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/groups.sql",
    name = "groups",
    requires = ["unnamed_references", "unique_columns"]
);
extension_sql_file!(
    "../../../sql/install/discovery/values/member_names.sql",
    name = "member_names",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/large_objects.sql",
    name = "large_objects",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/free_sequences.sql",
    name = "free_sequences",
    requires = ["unnamed_references"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/parts_of_keys.sql",
    name = "parts_of_keys",
    requires = ["free_sequences"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/nested_sets.sql",
    name = "nested_sets",
    requires = ["groups"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/check_digits.sql",
    name = "check_digits",
    requires = ["nested_sets"]
);
extension_sql_file!(
    "../../../sql/install/discovery/new_values/unique_texts.sql",
    name = "unique_texts",
    requires = ["check_digits"]
);
