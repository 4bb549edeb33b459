//! The references of a store that verification follows: foreign keys and declared references.

use pg_clone_core::plan::{self, ColumnRole, Oid, ReferenceForm, Store, Table};

/// A reference that verification follows.
pub struct Followed {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// Path in the column, for messages.
    pub place: String,
    /// The form of the keys in the column.
    pub form: ReferenceForm,
    /// The referenced table.
    pub parent: Oid,
    /// The referenced columns.
    pub parent_columns: Vec<String>,
    /// The equality operator of each column.
    pub operators: Vec<String>,
    /// In documents: the separators of keys.
    pub separators: Option<String>,
    /// Condition on the rows to which the reference applies.
    pub condition: Option<String>,
    /// Values that are not keys of this reference may be keys of another, and change.
    pub mixed: bool,
    /// Whether the keys are UUIDs.
    pub of_uuids: bool,
    /// Whether values and keys are compared as text.
    pub as_text: bool,
    /// No unique constraint covers the referenced columns.
    pub declared: bool,
    /// Further tables and columns whose keys may be at the same path of a document.
    pub or_of: Vec<(Oid, String)>,
}

/// The references of a table to tables of the store: foreign keys, and declared ones.
pub fn references(store: &Store, table: &Table) -> Vec<Followed> {
    // A table below a view of the store: the clone's rows are those of the view.
    let by_view = |key: &plan::ForeignKey| {
        let declared = |r: &&plan::Reference| key.columns.as_slice() == [r.column.as_str()];
        let target = |r: &plan::Reference| store.table(r.target).is_some_and(|target| target.kind == "v");
        table.keys.references.iter().filter(declared).any(target)
    };
    let mut all: Vec<Followed> = table
        .keys
        .foreign_keys
        .iter()
        // A table that the store does not have is one that all projects share: the same rows must be named.
        .filter(|key| store.table(key.target).is_none_or(|t| !t.empty) && !by_view(key))
        .map(|key| Followed {
            columns: key.columns.clone(),
            place: String::new(),
            form: ReferenceForm::Column,
            parent: key.target,
            parent_columns: key.target_columns.clone(),
            operators: key.operators.clone(),
            separators: None,
            mixed: false,
            of_uuids: false,
            condition: None,
            as_text: false,
            declared: false,
            or_of: Vec::new(),
        })
        .collect();
    // Then keys of other tables that stand there change, too.
    let everywhere = store.options.get("text_keys").is_some_and(|v| v == "everywhere");
    for reference in &table.keys.references {
        let Some(target) = store.table(reference.target).filter(|target| !target.empty) else {
            continue;
        };
        if matches!(reference.form, ReferenceForm::Json(_))
            && let Some(same) = all.iter_mut().find(|f| {
                f.columns == [reference.column.clone()]
                    && f.form == reference.form
                    && f.condition == reference.condition
            })
        {
            same.or_of
                .push((reference.target, reference.target_column.clone()));
            continue;
        }
        let key = target.column(&reference.target_column);
        let same_type = reference.form == ReferenceForm::Column
            && plan::comparable(
                target.type_of(&reference.target_column),
                table.type_of(&reference.column),
            );
        all.push(Followed {
            columns: vec![reference.column.clone()],
            place: match &reference.form {
                ReferenceForm::Json(path) => format!(" {path}"),
                _ => String::new(),
            },
            form: reference.form.clone(),
            parent: reference.target,
            parent_columns: vec![reference.target_column.clone()],
            operators: vec![
                key.filter(|_| same_type)
                    .map_or(plan::EQUAL, |column| column.equality())
                    .to_owned(),
            ],
            separators: reference.separators.clone(),
            mixed: mixed(table, reference) || everywhere && reference.form != ReferenceForm::Column,
            of_uuids: plan::KeyKind::of(target.type_of(&reference.target_column)) == plan::KeyKind::Uuid,
            condition: reference.condition.clone(),
            as_text: !same_type,
            declared: true,
            or_of: Vec::new(),
        });
    }
    // Columns that are declared only by their role.
    for column in table.columns.iter().filter(|column| !column.inferred()) {
        let plan::ColumnRole::Map(Some(oid)) = &column.role else {
            continue;
        };
        let known = |f: &Followed| f.columns == [column.name.clone()];
        let Some(target) = store
            .table(*oid)
            .filter(|target| !target.empty && !all.iter().any(known))
        else {
            continue;
        };
        let Some(id) = target.id_column.clone() else {
            continue;
        };
        let same_type = plan::comparable(target.type_of(&id), &column.type_name);
        all.push(Followed {
            columns: vec![column.name.clone()],
            place: String::new(),
            form: ReferenceForm::Column,
            parent: *oid,
            operators: vec![
                target
                    .column(&id)
                    .filter(|_| same_type)
                    .map_or(plan::EQUAL, |column| column.equality())
                    .to_owned(),
            ],
            parent_columns: vec![id],
            separators: None,
            mixed: false,
            of_uuids: false,
            condition: None,
            as_text: !same_type,
            declared: true,
            or_of: Vec::new(),
        });
    }
    all
}

/// Whether the clone must reference what its source references: not where the column gets another value.
pub fn follows_source(table: &Table, reference: &Followed) -> bool {
    reference.columns.iter().all(|column| {
        table.column(column).is_none_or(|column| {
            matches!(
                column.role,
                ColumnRole::Keep
                    | ColumnRole::Map(_)
                    | ColumnRole::Rewrite
                    | ColumnRole::Project
                    | ColumnRole::Key
            )
        })
    })
}

/// Whether keys of several tables may be at the path of this reference.
fn mixed(table: &Table, reference: &plan::Reference) -> bool {
    let same_place = |other: &&plan::Reference| {
        other.column == reference.column
            && other.form == reference.form
            && other.condition == reference.condition
    };
    table.keys.references.iter().filter(same_place).count() > 1
}
