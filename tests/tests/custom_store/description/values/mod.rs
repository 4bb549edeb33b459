//! Questions that the values of columns raise: keys of several unique columns, mentions in prose, values in place of NULL.

mod key_columns;
mod mentions;
mod no_value;
