//! Keys of kinds that names and types do not tell: numbers of several types, names without separators, lists, generated numbers.

mod composite;
mod computed;
mod copied_numbers;
mod counts;
mod folded_names;
mod likeliest;
mod list_forms;
mod long_numbers;
mod numeric;
mod of_same_tenant;
mod pairs;
mod same_names;
mod shared_identifiers;
mod typed_texts;
