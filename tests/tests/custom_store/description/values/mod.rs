//! Questions that the values of columns raise: keys of several unique columns, mentions in prose, values in place of NULL, texts of the tenant.

mod frameworks;
mod key_columns;
mod member_names;
mod mentions;
mod nested_sets;
mod no_value;
mod parties;
mod parts_of_keys;
mod several_parts;
mod tables_of_keys;
mod tenant_words;
mod text_forms;
mod type_forms;
mod unique_values;
