//! How a column is compared with the key that it refers to: by which operator, under which collation.

use super::EQUAL;
use crate::plan::quote;
use crate::plan::store::Column;
use serde::Deserialize;

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

/// A column of a foreign key and the one that it references, which the server compares as [`PAIRS_OF_FOREIGN_KEY`] says.
#[derive(Debug, Clone, Deserialize)]
pub struct ColumnPair {
    /// The referencing column.
    pub column: String,
    /// The referenced column.
    pub target: String,
    operator: String,
    collation: Option<String>,
}

impl ColumnPair {
    /// The comparison of rows `target` of the referenced table with `value`, a value of the referencing column, as SQL.
    pub fn equality(&self, target: &str, value: &str) -> String {
        let target = format!("{target}.{}", quote::identifier(&self.target));
        self.equality_of_values(&target, value)
    }

    /// The comparison of a value of the referenced column with one of the referencing column, as SQL.
    pub fn equality_of_values(&self, target: &str, value: &str) -> String {
        match &self.collation {
            Some(collation) => format!("{target} {} {value} COLLATE {collation}", self.operator),
            None => format!("{target} {} {value}", self.operator),
        }
    }
}

/// The [`ColumnPair`]s of the foreign key `f`, a row of `pg_constraint`, as SQL for a JSON array. The server compares by the operator of the
/// constraint, under the collation of the referenced column: it is given if the two columns differ in it, also if one has the default.
pub const PAIRS_OF_FOREIGN_KEY: &str = "(SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('column', a.attname, 'target', b.attname, \
       'operator', pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname), \
       'collation', CASE WHEN a.attcollation OPERATOR(pg_catalog.<>) b.attcollation THEN (SELECT pg_catalog.format('%I.%I', ls.nspname, l.collname) \
         FROM pg_catalog.pg_collation AS l JOIN pg_catalog.pg_namespace AS ls ON ls.oid OPERATOR(pg_catalog.=) l.collnamespace \
         WHERE l.oid OPERATOR(pg_catalog.=) b.attcollation) END) ORDER BY k.place) \
     FROM ROWS FROM (pg_catalog.unnest(f.conkey), pg_catalog.unnest(f.confkey), pg_catalog.unnest(f.conpfeqop)) WITH ORDINALITY AS k (own, other, operator, place) \
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) f.conrelid AND a.attnum OPERATOR(pg_catalog.=) k.own \
     JOIN pg_catalog.pg_attribute AS b ON b.attrelid OPERATOR(pg_catalog.=) f.confrelid AND b.attnum OPERATOR(pg_catalog.=) k.other \
     JOIN pg_catalog.pg_operator AS o ON o.oid OPERATOR(pg_catalog.=) k.operator \
     JOIN pg_catalog.pg_namespace AS s ON s.oid OPERATOR(pg_catalog.=) o.oprnamespace)";
