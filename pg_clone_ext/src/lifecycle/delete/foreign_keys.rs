//! Foreign keys of all tables of the database that reference the store's tables.

use crate::error::internal;
use crate::pg::privileges::{self, Privilege};
use crate::pg::query;
use crate::pg::session::notice::notice;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{ColumnPair, Oid, PAIRS_OF_FOREIGN_KEY, Table, TableRole, quote};
use serde::Deserialize;
use std::collections::HashSet;

/// A foreign key.
#[derive(Clone, Deserialize)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Its name with its schema, as SET CONSTRAINTS takes it.
    pub qualified: String,
    /// The referencing table.
    pub child: Oid,
    /// Its name, ready for SQL.
    pub child_name: String,
    /// The rows of the key as a FROM item, without tables that inherit.
    pub child_rows: String,
    /// The referenced table.
    pub parent: Oid,
    /// Columns of the child.
    pub columns: Vec<String>,
    /// Columns of the parent.
    pub keys: Vec<String>,
    /// How they are compared.
    pairs: Vec<ColumnPair>,
    /// a: no action, r: restrict, c: cascade, n: set null, d: set default. A key that is not enforced (18 and later) has no action.
    action: String,
    /// Whether its check can be deferred.
    pub deferrable: bool,
    /// Whether its check is initially deferred.
    pub deferred: bool,
    /// The child's owner.
    pub owner: Oid,
    /// The columns of the child's primary key.
    row_key: Vec<String>,
    /// Whether its action is not carried out in this session: its trigger is disabled, by ALTER TABLE or by session_replication_role.
    is_disabled: bool,
}

/// The table's own rows as a FROM item.
pub fn rows_of(table: &Table) -> String {
    if table.only {
        format!("ONLY {}", table.sql_name)
    } else {
        table.sql_name.clone()
    }
}

/// The foreign keys that reference these relations.
pub fn into(relations: &HashSet<Oid>) -> Result<Vec<ForeignKey>> {
    let oids: Vec<String> = relations.iter().map(Oid::to_string).collect();
    let found = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', f.conname, \
         'qualified', pg_catalog.format('%I.%I', cn.nspname, f.conname), \
         'child', f.conrelid::pg_catalog.int8, 'child_name', pg_catalog.format('%I.%I', n.nspname, c.relname), \
         'child_rows', pg_catalog.format(CASE c.relkind WHEN 'r' THEN 'ONLY %I.%I' ELSE '%I.%I' END, n.nspname, c.relname), 'parent', f.confrelid::pg_catalog.int8, \
         'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.conrelid AND a.attnum OPERATOR(pg_catalog.=) k.number), \
         'keys', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (number, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.confrelid AND a.attnum OPERATOR(pg_catalog.=) k.number), \
         'pairs', {PAIRS_OF_FOREIGN_KEY}, \
         'action', CASE WHEN (pg_catalog.to_jsonb(f) OPERATOR(pg_catalog.->>) 'conenforced') OPERATOR(pg_catalog.=) 'false' THEN 'a' ELSE f.confdeltype::pg_catalog.text END, 'deferrable', f.condeferrable AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS o WHERE o.connamespace OPERATOR(pg_catalog.=) f.connamespace \
           AND o.conname OPERATOR(pg_catalog.=) f.conname AND o.contype OPERATOR(pg_catalog.=) ANY ('{{f,u,p,x,t}}'::pg_catalog.\"char\"[]) AND NOT o.condeferrable), 'deferred', f.condeferred, \
         'owner', c.relowner::pg_catalog.int8, \
         'row_key', COALESCE((SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) \
            FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, place), pg_catalog.pg_attribute a \
            WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisprimary AND a.attrelid OPERATOR(pg_catalog.=) c.oid \
            AND a.attnum OPERATOR(pg_catalog.=) k.number), '[]'), \
         'is_disabled', EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgconstraint OPERATOR(pg_catalog.=) f.oid AND t.tgrelid OPERATOR(pg_catalog.=) f.confrelid \
            AND t.tgenabled OPERATOR(pg_catalog.=) ANY (CASE pg_catalog.current_setting('session_replication_role') WHEN 'replica' THEN '{{O,D}}' ELSE '{{R,D}}' END::pg_catalog.\"char\"[]))) ORDER BY n.nspname, c.relname, f.conname)::pg_catalog.text \
         FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         JOIN pg_catalog.pg_namespace cn ON cn.oid OPERATOR(pg_catalog.=) f.connamespace \
         WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
         AND f.confrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[])",
        oids.join(",")
    ))?;
    found.map_or(Ok(Vec::new()), |keys| {
        serde_json::from_str(&keys).map_err(internal)
    })
}

/// Bytes of a table that are read in a few milliseconds.
const SMALL_TABLE: u32 = 8 << 20;

/// Tells which large tables the server reads once for each deleted row of these tables: the check of a foreign key uses an index of the
/// referencing columns, if there is one.
pub fn tell_unindexed(parents: &[Oid]) -> Result<()> {
    let oids: Vec<String> = parents.iter().map(Oid::to_string).collect();
    let found = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(f.conname, pg_catalog.format('%I.%I', pn.nspname, p.relname), \
         pg_catalog.format('%I.%I', n.nspname, c.relname), (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place) \
            FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.conrelid AND a.attnum OPERATOR(pg_catalog.=) k.number)) \
            ORDER BY n.nspname, c.relname, f.conname)::pg_catalog.text \
         FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.conrelid AND c.relkind OPERATOR(pg_catalog.=) 'r' \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         JOIN pg_catalog.pg_class p ON p.oid OPERATOR(pg_catalog.=) f.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid OPERATOR(pg_catalog.=) p.relnamespace \
         WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
         AND COALESCE(pg_catalog.to_jsonb(f) OPERATOR(pg_catalog.->>) 'conenforced', 'true') OPERATOR(pg_catalog.=) 'true' \
         AND f.confrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) AND pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) {SMALL_TABLE}::pg_catalog.int8 \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisvalid AND i.indpred IS NULL \
            AND i.indkey[0] OPERATOR(pg_catalog.=) ANY (f.conkey))",
        oids.join(",")
    ))?;
    let keys: Vec<[String; 4]> = match found {
        Some(keys) => serde_json::from_str(&keys).map_err(internal)?,
        None => Vec::new(),
    };
    for [name, parent, child, columns] in keys {
        notice(
            &format!(
                "the check of foreign key \"{name}\" reads all of {child} for each deleted row of {parent}: its columns have no index"
            ),
            &format!("Create one first: CREATE INDEX CONCURRENTLY ON {child} ({columns});"),
        );
    }
    Ok(())
}

impl ForeignKey {
    /// The condition on rows `t` of the child that reference a row of the parent with `condition` (on its rows `t`).
    pub fn names(&self, parent: &Table, condition: &str) -> String {
        self.is_among(&format!("({})", self.keys_of(&rows_of(parent), condition)))
    }

    /// A query for the keys of the rows `t` of a FROM item with `condition`, in the columns k0, k1, ….
    pub fn keys_of(&self, from: &str, condition: &str) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .enumerate()
            .map(|(place, key)| format!("t.{} AS k{place}", quote::identifier(key)))
            .collect();
        format!("SELECT {} FROM {from} AS t WHERE {condition}", keys.join(", "))
    }

    /// The condition on rows `t` of the child that reference a key of `keys`, a FROM item with the columns k0, k1, ….
    pub fn is_among(&self, keys: &str) -> String {
        let equal: Vec<String> = self
            .columns
            .iter()
            .zip(&self.pairs)
            .enumerate()
            .map(|(place, (column, pair))| {
                let value = format!("t.{}", quote::identifier(column));
                pair.equality_of_values(&format!("g.k{place}"), &value)
            })
            .collect();
        format!("EXISTS (SELECT 1 FROM {keys} AS g WHERE {})", equal.join(" AND "))
    }

    /// An expression for the key of a row `t` of the child, to be shown. It is printed by its types' output functions: a cast may be a
    /// function of any role.
    pub fn row_key(&self) -> String {
        let columns: Vec<String> = self
            .row_key
            .iter()
            .map(|column| format!("t.{}", quote::identifier(column)))
            .collect();
        match columns.as_slice() {
            [] => "pg_catalog.concat(t.ctid)".to_owned(),
            columns => format!("pg_catalog.concat_ws(',', {})", columns.join(", ")),
        }
    }

    /// The columns of the child's primary key; empty without one.
    pub fn row_key_columns(&self) -> &[String] {
        &self.row_key
    }

    /// An expression for the primary key of a row `t` of the child, to be compared; by output functions for the same reason.
    pub fn row_text(&self) -> String {
        row_text(&self.row_key)
    }

    /// Whether the key is the membership of its table: then every referencing row belongs to the project.
    pub fn is_membership(&self, child: &Table, parent: &Table) -> bool {
        let ([column], [named]) = (self.columns.as_slice(), self.keys.as_slice()) else {
            return false;
        };
        if parent.id_column.as_ref() != Some(named) {
            return false;
        }
        (child.project_column.as_ref() == Some(column) && parent.role == TableRole::Project)
            || (child.project_column.is_none()
                && child.live.is_none()
                && child.join_column.as_ref() == Some(column)
                && child.parents.contains(&parent.oid))
    }

    /// Whether the key's action deletes or changes rows of the child.
    pub fn acts(&self) -> bool {
        matches!(self.action.as_str(), "c" | "n" | "d")
    }

    /// Its name, if it has an action that is not carried out in this session.
    pub fn disabled_action(&self) -> Option<String> {
        (self.acts() && self.is_disabled).then(|| self.name.clone())
    }

    /// Whether the key's action changes rows of the child, which stay.
    pub fn changes(&self) -> bool {
        matches!(self.action.as_str(), "n" | "d")
    }

    /// The effect of the key's action on rows of the child, in words.
    pub fn action_words(&self) -> &'static str {
        match self.action.as_str() {
            "c" => ", which deletes them along",
            "n" => ", which sets it to NULL",
            "d" => ", which sets it to its default",
            _ => "",
        }
    }

    /// Requires SELECT on the columns of the child that a search reads and shows (42501).
    pub fn check_readable(&self) -> Result<()> {
        let columns: Vec<&str> = self
            .columns
            .iter()
            .chain(&self.row_key)
            .map(String::as_str)
            .collect();
        privileges::check_table(self.child, &self.child_name, &[(Privilege::Select, &columns)]).map_err(
            |error| {
                error.detail(format!(
                    "Its foreign key \"{}\" would delete or change rows that this role cannot see.",
                    self.name
                ))
            },
        )
    }

    /// Refuses a child in which policies hide rows from the caller (0A000): they would be deleted or changed without being searched.
    pub fn check_no_row_security(&self) -> Result<()> {
        privileges::check_no_row_security(self.child, &self.child_name).map_err(|error| {
            error
                .detail(format!(
                    "Rows that the policies hide may refer to rows of the project by its foreign key \"{}\".",
                    self.name
                ))
                .hint("Call it as the table's owner (without FORCE ROW LEVEL SECURITY), or as a role with BYPASSRLS.")
        })
    }
}

/// The values of columns of a row `t` as one text, made by their types' output functions.
pub fn row_text(columns: &[String]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("t.{}", quote::identifier(column)))
        .collect();
    format!("pg_catalog.concat(ROW({}))", columns.join(", "))
}
