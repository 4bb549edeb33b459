//! Where the tables of a store are not as the catalog describes them, and the calls that describe them again.

use pg_clone_core::plan::quote;
use serde::Deserialize;

/// One difference, as `clone_internal.store_description` finds it.
#[derive(Clone, Deserialize)]
pub(super) struct Difference {
    /// The difference as a text for the caller.
    pub(super) text: String,
    /// The table, quoted and qualified.
    table: String,
    /// The statement that makes the description match, if one does.
    call: Option<String>,
    #[serde(flatten)]
    kind: Kind,
}

/// What differs. Kinds with a column: a declaration names it, and the table has none of that name.
#[derive(Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    /// The table does not exist.
    TableGone,
    /// The table does not exist, but another with its name does.
    TableReplaced,
    /// The table has another name, and another table has its name.
    TableRenamed,
    /// The catalog of the server does not show the table, which an extension may cause.
    TableHidden,
    /// Columns are new, gone or of another type, or have lost their foreign key.
    ColumnsChanged,
    /// Named by a key, the document or the type of the table.
    DescriptionWithoutColumn,
    /// Named by the template of the table's file keys.
    FileKeyWithoutColumn,
    /// The column of a declared reference.
    ReferenceWithoutColumn { column: String },
    /// The target of a reference that is declared for the column `declared_for`.
    ReferenceWithoutTarget { declared_for: String },
    /// The column of a declared membership.
    MembershipWithoutColumn,
    /// The parent's column of a membership that is declared for the table `declared_for`.
    MembershipWithoutParent { declared_for: String },
}

impl Difference {
    /// A table that the server's catalog does not show.
    pub(super) fn hidden(store: &str, table: &str) -> Self {
        Difference {
            text: format!("table {table} cannot be seen"),
            table: table.to_owned(),
            call: Some(refresh(store)),
            kind: Kind::TableHidden,
        }
    }
}

fn refresh(store: &str) -> String {
    format!("SELECT clone.store_refresh({});", quote::literal(store))
}

/// The calls that make the description of a store match the tables.
pub(super) fn calls(store: &str, differences: &[Difference]) -> String {
    let mut calls: Vec<String> = Vec::new();
    for call in differences
        .iter()
        .filter_map(|difference| difference.call.as_ref())
    {
        if !calls.contains(call) {
            calls.push(call.clone());
        }
    }
    if differences.is_empty() {
        calls.push(refresh(store));
    }
    let store = quote::literal(store);
    calls.extend(
        differences
            .iter()
            .filter_map(|difference| declare_again(&store, difference)),
    );
    calls.join(" ")
}

/// How a declaration is corrected that names a column which does not exist; `store` is a literal.
fn declare_again(store: &str, difference: &Difference) -> Option<String> {
    let table = quote::literal(&difference.table);
    Some(match &difference.kind {
        Kind::TableGone
        | Kind::TableReplaced
        | Kind::TableRenamed
        | Kind::TableHidden
        | Kind::ColumnsChanged => return None,
        Kind::DescriptionWithoutColumn | Kind::FileKeyWithoutColumn => {
            format!("Describe it again: clone.store_table({store}, {table}, …).")
        }
        Kind::ReferenceWithoutColumn { column } => format!(
            "Declare the reference for the new column, clone.store_reference({store}, {table}, …), and take back the old one: \
             SELECT clone.store_no_reference({store}, {table}, {});",
            quote::literal(column)
        ),
        Kind::MembershipWithoutColumn => format!(
            "Declare the membership again: SELECT clone.store_remove_table({store}, {table}); clone.store_belongs({store}, …), \
             clone.store_table({store}, {table}, …)."
        ),
        Kind::ReferenceWithoutTarget { declared_for } => {
            format!("Declare the reference of {declared_for} again: clone.store_reference({store}, …).")
        }
        Kind::MembershipWithoutParent { declared_for } => format!(
            "Declare the membership of {declared_for} again: clone.store_remove_table(…), then clone.store_belongs({store}, …)."
        ),
    })
}
