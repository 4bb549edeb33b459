//! How a column is compared with the key that it refers to: by which operator, under which collation.

use super::EQUAL;
use crate::plan::store::Column;

/// How a column is compared with a key of a type that is comparable with its own, as SQL between the two: by the equality operator of the
/// key, under the key's collation if the two columns have different ones that are not the default. Without it the server refuses to
/// choose one (42P22).
pub fn equality(column: Option<&Column>, key: Option<&Column>) -> String {
    let operator = key.map_or(EQUAL, Column::equality);
    match collation_of_comparison(column, key) {
        Some(of_key) => format!("COLLATE {of_key} {operator}"),
        None => operator.to_owned(),
    }
}

/// How the texts of the two are compared, if their types are not comparable or the column has several keys: byte by byte.
pub fn equality_of_texts(column: Option<&Column>, key: Option<&Column>) -> String {
    match collation_of_comparison(column, key) {
        Some(_) => format!("COLLATE pg_catalog.\"C\" {EQUAL}"),
        None => EQUAL.to_owned(),
    }
}

/// The collation of a key, if the two columns have different ones of which none is the default.
fn collation_of_comparison<'a>(column: Option<&Column>, key: Option<&'a Column>) -> Option<&'a str> {
    let own = column?.keys.collation.as_deref()?;
    let of_key = key?.keys.collation.as_deref()?;
    (own != of_key).then_some(of_key)
}
