//! Plans of a small relational store.

use super::*;
use crate::error::Code;
use std::collections::HashSet;

fn column(name: &str, type_name: &str, role: ColumnRole) -> Column {
    Column {
        name: name.into(),
        type_name: type_name.into(),
        role,
        reason: String::new(),
        generated: false,
        not_null: false,
        keys: ColumnKeys::default(),
    }
}

fn table(oid: Oid, name: &str, role: TableRole) -> Table {
    Table {
        oid,
        sql_name: format!("app.{name}"),
        schema: "app".into(),
        role,
        position: 0,
        resource_type: (role == TableRole::Resource).then(|| name.to_owned()),
        type_column: None,
        id_column: Some("id".into()),
        project_column: Some("tenant".into()),
        parents: Vec::new(),
        join_column: None,
        document_column: None,
        version_path: None,
        live: None,
        cloned: true,
        blob_key: None,
        blob_type: None,
        columns: vec![
            column("id", "uuid", ColumnRole::Map(None)),
            column("tenant", "uuid", ColumnRole::Project),
        ],
        path: InsertPath::Bulk,
        triggers: None,
        triggers_before_row: false,
        left_to_finish: false,
        document_inferred: false,
        membership: None,
        kind: "r".into(),
        inherited_by: Vec::new(),
        only: false,
        elsewhere: false,
        empty: false,
        references: Vec::new(),
        project_keys: Vec::new(),
        source: None,
        keys: TableKeys::default(),
    }
}

/// project(1) <- customer(2) <- line(4) -> orders(3); history(5) of customer.
fn store() -> Store {
    let mut project = table(1, "project", TableRole::Project);
    project.project_column = None;
    let mut customer = table(2, "customer", TableRole::Resource);
    customer.document_column = Some("doc".into());
    customer.version_path = Some(vec!["meta".into(), "versionId".into()]);
    customer.live = Some("NOT gone".into());
    customer.columns.push(column("doc", "text", ColumnRole::Rewrite));
    customer
        .columns
        .push(column("made", "timestamp with time zone", ColumnRole::Default));
    let mut line = table(4, "line", TableRole::Derived);
    line.project_column = None;
    line.parents = vec![3, 2];
    line.join_column = Some("order_id".into());
    line.columns = vec![
        column("id", "bigint", ColumnRole::Key),
        column("order_id", "uuid", ColumnRole::Map(None)),
        column("next", "bigint", ColumnRole::Map(Some(4))),
    ];
    line.references = vec![3, 4];
    let mut orders = table(3, "orders", TableRole::Resource);
    orders.references = vec![2, 1];
    let mut history = table(5, "customer_history", TableRole::History);
    history.project_column = None;
    history.parents = vec![2];
    history.join_column = Some("id".into());
    history.columns = vec![
        column("id", "uuid", ColumnRole::Map(None)),
        column("doc", "text", ColumnRole::Rewrite),
        column("version", "uuid", ColumnRole::Version),
    ];
    Store {
        name: "app".into(),
        preset: "custom".into(),
        options: serde_json::json!({}),
        tables: vec![line, history, orders, customer, project],
        dependencies: Vec::new(),
        outside: Outside::default(),
    }
}

fn all() -> HashSet<Oid> {
    HashSet::from([1, 2, 3, 4, 5])
}

#[test]
fn a_table_comes_after_those_its_foreign_keys_name() {
    let order = insertion_order(&store());
    let place = |oid| order.iter().position(|o| *o == oid).unwrap();
    assert_eq!(order.len(), 5);
    assert!(
        place(1) < place(3),
        "orders names project, which therefore is not last: {order:?}"
    );
    assert!(place(2) < place(3) && place(3) < place(4), "{order:?}");
}

#[test]
fn without_foreign_keys_the_project_of_a_preset_is_last() {
    let mut store = store();
    store.preset = "documents".to_owned();
    store.tables.iter_mut().for_each(|t| t.references.clear());
    assert_eq!(insertion_order(&store).last(), Some(&1));
}

#[test]
fn the_tenant_of_a_described_store_is_first() {
    let mut store = store();
    store.preset = "discover".to_owned();
    store.tables.iter_mut().for_each(|t| t.references.clear());
    assert_eq!(insertion_order(&store).first(), Some(&1));
}

#[test]
fn a_table_comes_after_the_parents_of_its_rows() {
    let mut store = store();
    store.preset = "custom".to_owned();
    for table in &mut store.tables {
        table.references.clear();
        table.role = TableRole::Derived;
        table.parents = if table.oid == 2 { vec![4] } else { Vec::new() };
    }
    let order = insertion_order(&store);
    let place = |oid| order.iter().position(|o| *o == oid).unwrap();
    assert!(place(4) < place(2), "{order:?}");
}

#[test]
fn a_circle_of_foreign_keys_still_gives_every_table_once() {
    let mut store = store();
    store
        .tables
        .iter_mut()
        .for_each(|t| t.references = vec![1, 2, 3, 4, 5]);
    let order = insertion_order(&store);
    assert_eq!(order.iter().collect::<HashSet<_>>().len(), 5);
}

#[test]
fn rows_belong_by_column_or_through_their_parents_and_the_literal_is_quoted() {
    let store = store();
    let line = store.table(4).unwrap();
    let sql = condition(&store, line, "o'brien", &all(), false)
        .unwrap()
        .unwrap();
    assert!(
        sql.starts_with(
            "t.\"order_id\" OPERATOR(pg_catalog.=) ANY (SELECT p0.\"id\" FROM app.orders AS p0 WHERE"
        ),
        "{sql}"
    );
    assert!(
        sql.contains("'o''brien'::uuid") && sql.contains("UNION ALL") && sql.contains("(NOT gone)"),
        "{sql}"
    );
    let with_deleted = condition(&store, line, "x", &all(), true).unwrap().unwrap();
    assert!(!with_deleted.contains("gone"));
    assert_eq!(
        condition(&store, line, "x", &HashSet::new(), false).unwrap(),
        None,
        "no parent has rows"
    );
}

#[test]
fn joins_in_a_circle_are_an_error_not_an_endless_recursion() {
    let mut store = store();
    store.tables[0].parents = vec![4];
    let line = store.table(4).unwrap();
    assert_eq!(
        condition(&store, line, "x", &all(), false).unwrap_err().code,
        Code::StoreChanged
    );
}

#[test]
fn the_history_of_one_version_is_made_from_the_resource_itself() {
    let store = store();
    let history = store.table(5).unwrap();
    let made = table_copy(&store, history, "x", &all(), History::Current)
        .unwrap()
        .unwrap();
    assert!(made.sql.contains("FROM app.customer AS t"), "{}", made.sql);
    assert_eq!(made.resource_type.as_deref(), Some("customer"));
    let actions: Vec<_> = made.outputs.iter().map(|o| o.action.clone()).collect();
    assert_eq!(
        actions,
        [
            Action::Map(KeyKind::Uuid, None),
            Action::JsonText { document: true },
            Action::VersionOfDocument
        ]
    );
    let full = table_copy(&store, history, "x", &all(), History::Full)
        .unwrap()
        .unwrap();
    assert!(
        full.sql.contains("FROM app.customer_history AS t"),
        "{}",
        full.sql
    );
    assert!(
        table_copy(&store, history, "x", &all(), History::None)
            .unwrap()
            .is_none()
    );
}

#[test]
fn integer_keys_are_mapped_in_the_domain_of_their_table() {
    let mut store = store();
    store.resolve_keys().unwrap();
    let line = store.table(4).unwrap();
    let made = table_copy(&store, line, "x", &all(), History::Current)
        .unwrap()
        .unwrap();
    assert_eq!(made.row_filter.tables, [3, 2]);
    let own = Some(KeyRef { table: 4, column: 0 });
    assert_eq!(made.outputs[0].action, Action::Map(KeyKind::Int, own));
    assert_eq!(
        made.outputs[2].action,
        Action::Map(KeyKind::Int, None),
        "no constraint says what it holds"
    );
}

#[test]
fn default_columns_are_left_out_and_empty_tables_are_not_read() {
    let mut store = store();
    let made = table_copy(&store, store.table(2).unwrap(), "x", &all(), History::Current)
        .unwrap()
        .unwrap();
    assert!(made.outputs.iter().all(|o| o.column != "made"));
    store.tables[3].empty = true;
    assert!(
        table_copy(&store, store.table(2).unwrap(), "x", &all(), History::Current)
            .unwrap()
            .is_none()
    );
}
