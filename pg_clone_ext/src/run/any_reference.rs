//! The references of a store: foreign keys and declared references. Verification follows them, and a deletion looks for those to its rows.

use pg_clone_core::plan::{self, Column, KeyForm, Oid, ReferenceForm, Store, Table, quote};

/// A reference.
pub struct AnyReference {
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
    /// Other parts of the same texts may be keys of another reference, and change.
    pub in_parts: bool,
    /// A value that is no key may hold one beside other text, and change ([`Table::embeds_keys`]).
    pub embedded: bool,
    /// The form of the keys, if values are compared with their texts.
    pub key_form: KeyForm,
    /// Whether values and keys are compared as text.
    pub as_text: bool,
    /// No unique constraint covers the referenced columns.
    pub declared: bool,
    /// Further tables and columns whose keys may be at the same path of a document.
    pub or_of: Vec<(Oid, String)>,
}

impl AnyReference {
    /// A referenced column of a row `t` of the target, as it is compared.
    pub fn key(&self, target: &Table, column: &str) -> String {
        let plain = format!("t.{}", quote::identifier(column));
        match self.as_text {
            true => plan::canonical_key(target, column, "t").unwrap_or_else(|| target.text_of("t", column)),
            false => plain,
        }
    }

    /// The values that refer in a row `t` of the table, as they are compared; before them what has to be joined to the row for them, with the
    /// alias `u`.
    pub fn values(&self, store: &Store, table: &Table) -> (String, Vec<String>) {
        let first = self.columns.first();
        let column = first.map_or(String::new(), |column| format!("t.{}", quote::identifier(column)));
        // Compared with the text of a key.
        let spelled = |value: &str| self.key_form.canonical_sql(value);
        let key_type = match (store.table(self.parent), self.parent_columns.first()) {
            (Some(parent), Some(column)) => parent.type_of(column),
            _ => "",
        };
        match &self.form {
            ReferenceForm::Array => (
                format!(
                    " CROSS JOIN LATERAL pg_catalog.unnest({column}) WITH ORDINALITY AS u (value, place)"
                ),
                vec![spelled(&quote::text_of(
                    "u.value",
                    first.map_or("", |column| table.type_of(column).trim_end_matches("[]")),
                ))],
            ),
            ReferenceForm::Path(separators) => {
                let separator: String = separators.chars().take(1).collect();
                let same = separator.repeat(separators.chars().count());
                (
                    format!(
                        " CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.translate({}, {}, {}), {})) WITH ORDINALITY AS u (value, place)",
                        first.map_or(String::new(), |column| table.text_of("t", column)),
                        quote::literal(separators),
                        quote::literal(&same),
                        quote::literal(&separator)
                    ),
                    // UUIDs next to keys are rewritten independently.
                    vec![if self.key_form == KeyForm::Uuid {
                        spelled("NULLIF(u.value, '')")
                    } else {
                        spelled(&format!(
                            "CASE WHEN u.value OPERATOR(pg_catalog.!~*) {} THEN NULLIF(u.value, '') END",
                            plan::UUID_INPUT
                        ))
                    }],
                )
            }
            _ => (
                String::new(),
                self.columns
                    .iter()
                    .map(|column| {
                        let plain = format!("t.{}", quote::identifier(column));
                        match self.as_text {
                            true => plan::in_form_of_key(table, column, "t", key_type),
                            false => plain,
                        }
                    })
                    .collect(),
            ),
        }
    }
}

/// The references of a table to tables of the store: foreign keys, declared ones, and the column by which rows belong to a parent.
pub fn declared_references(store: &Store, table: &Table) -> Vec<AnyReference> {
    references_by(store, table, &|column| {
        !column.inferred() || table.join_column.as_ref() == Some(&column.name)
    })
}

/// The same, and all columns whose role was inferred or comes from a preset.
pub fn references(store: &Store, table: &Table) -> Vec<AnyReference> {
    references_by(store, table, &|_| true)
}

/// The references of a table; `counts` says whether a column refers to a table that has nothing but a role for it.
fn references_by(store: &Store, table: &Table, counts: &dyn Fn(&Column) -> bool) -> Vec<AnyReference> {
    // A table below a view of the store: the clone's rows are those of the view.
    let by_view = |key: &plan::ForeignKey| {
        let declared = |r: &&plan::Reference| key.columns.as_slice() == [r.column.as_str()];
        let target = |r: &plan::Reference| store.table(r.target).is_some_and(|target| target.kind == "v");
        table.keys.references.iter().filter(declared).any(target)
    };
    let mut all: Vec<AnyReference> = table
        .keys
        .foreign_keys
        .iter()
        // A table that the store does not have is one that all projects share: the same rows must be named.
        .filter(|key| store.table(key.target).is_none_or(|t| !t.empty) && !by_view(key))
        .map(|key| AnyReference {
            columns: key.columns.clone(),
            place: String::new(),
            form: ReferenceForm::Column,
            parent: key.target,
            parent_columns: key.target_columns.clone(),
            operators: key.operators.clone(),
            separators: None,
            mixed: false,
            in_parts: false,
            embedded: false,
            key_form: KeyForm::Exact,
            condition: None,
            as_text: false,
            declared: false,
            or_of: Vec::new(),
        })
        .collect();
    // Then keys of other tables that stand there change, too.
    let everywhere = store.rewrites_text_keys_everywhere();
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
            if same.key_form == KeyForm::Exact {
                same.key_form = KeyForm::of(target.type_of(&reference.target_column));
            }
            continue;
        }
        let key = target.column(&reference.target_column);
        let same_type = reference.form == ReferenceForm::Column
            && plan::comparable(
                target.type_of(&reference.target_column),
                table.type_of(&reference.column),
            );
        all.push(AnyReference {
            columns: vec![reference.column.clone()],
            place: match &reference.form {
                ReferenceForm::Json(path) => format!(" {path}"),
                _ => String::new(),
            },
            form: reference.form.clone(),
            parent: reference.target,
            parent_columns: vec![reference.target_column.clone()],
            operators: vec![match same_type {
                true => plan::equality(table.column(&reference.column), key),
                false => plan::equality_of_texts(table.column(&reference.column), key),
            }],
            separators: reference.separators.clone(),
            mixed: mixed(table, reference) || everywhere && reference.form != ReferenceForm::Column,
            in_parts: in_parts(table, reference),
            embedded: matches!(reference.form, ReferenceForm::Column | ReferenceForm::Array)
                && table
                    .column(&reference.column)
                    .is_some_and(|column| table.embeds_keys(column)),
            key_form: KeyForm::of(target.type_of(&reference.target_column)),
            condition: reference.condition.clone(),
            as_text: !same_type,
            declared: true,
            or_of: Vec::new(),
        });
    }
    // Columns that are declared only by their role.
    for column in &table.columns {
        let plan::ColumnRole::Map(Some(oid)) = &column.role else {
            continue;
        };
        // Of an inferred role, the foreign key says the same.
        if column.inferred() && table.references.contains(oid) || !counts(column) {
            continue;
        }
        let known = |f: &AnyReference| f.columns == [column.name.clone()];
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
        all.push(AnyReference {
            columns: vec![column.name.clone()],
            place: String::new(),
            form: ReferenceForm::Column,
            parent: *oid,
            operators: vec![match same_type {
                true => plan::equality(Some(column), target.column(&id)),
                false => plan::equality_of_texts(Some(column), target.column(&id)),
            }],
            key_form: KeyForm::of(target.type_of(&id)),
            parent_columns: vec![id],
            separators: None,
            mixed: false,
            in_parts: false,
            embedded: table.embeds_keys(column),
            condition: None,
            as_text: !same_type,
            declared: true,
            or_of: Vec::new(),
        });
    }
    all
}

/// Whether the clone must reference what its source references: not where the column gets another value.
pub fn follows_source(table: &Table, reference: &AnyReference) -> bool {
    reference.columns.iter().all(|column| {
        table
            .column(column)
            .is_none_or(|column| column.role.follows_source())
    })
}

/// Whether keys of several tables may be at the path of this reference, or other values that change.
fn mixed(table: &Table, reference: &plan::Reference) -> bool {
    let same_place = |other: &&plan::Reference| {
        other.column == reference.column
            && other.form == reference.form
            && other.condition == reference.condition
    };
    // A key without one of another row gets another text, too, and parts of UUIDs are others where these are rewritten.
    table.makes_key_of_others(&reference.column)
        || matches!(&reference.form, ReferenceForm::Path(separators) if separators.contains('-'))
        || table.keys.references.iter().filter(same_place).count() > 1
}

/// Whether another reference takes other parts of the texts in this reference's column, by other separators, at another path or under another condition.
fn in_parts(table: &Table, reference: &plan::Reference) -> bool {
    let takes_parts =
        |r: &plan::Reference| matches!(r.form, ReferenceForm::Path(_)) || r.separators.is_some();
    let of_column = |other: &&plan::Reference| other.column == reference.column;
    let others = || table.keys.references.iter().filter(of_column);
    others().any(takes_parts) && others().count() > 1
}
