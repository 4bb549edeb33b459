//! Questions that the values of columns raise: mentions in prose, values in place of NULL.

mod mentions;
mod no_value;
