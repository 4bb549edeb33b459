//! Keys and references: which key a column holds, according to constraints and declarations.
//!
//! Every chain of references ends at one column, whose values are replaced or kept once per run. All columns that refer
//! to it, through any number of tables, get the same new value. Equal integers or texts of two tables are never confused.

mod comparison;
mod edges;
mod form;
mod kept_parents;
mod resolution;

pub use comparison::{ColumnPair, PAIRS_OF_FOREIGN_KEY, equality, equality_of_texts};
pub use form::KeyForm;

use crate::ids::uuid_text;
use crate::plan::columns::ColumnRole;
use crate::plan::quote::identifier;
use crate::plan::store::{Column, Oid, Store, Table, TableRole};
use crate::plan::table_copy::{KeyKind, canonical_key};
use crate::plan::types::is_text;
use std::collections::HashSet;

/// A key: a column whose values have their own map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRef {
    /// The table.
    pub table: Oid,
    /// The column's place in the table's list of columns.
    pub column: u16,
}

/// A foreign key of a table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table they refer to.
    pub target: Oid,
    /// That table's name, quoted.
    pub target_name: String,
    /// The columns they refer to.
    pub target_columns: Vec<String>,
    /// How each pair of columns is compared, as SQL: `OPERATOR(schema.=)`.
    pub operators: Vec<String>,
}

/// A unique index, or an exclusion constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// Its name.
    pub name: String,
    /// The columns in it.
    pub columns: Vec<String>,
    /// The predicate of a partial index.
    pub predicate: Option<String>,
    /// It is an exclusion constraint, not a unique index.
    pub exclusion: bool,
    /// It has expressions: `columns` are the columns that they use.
    pub expressions: bool,
    /// NULL meets NULL in it (`NULLS NOT DISTINCT`).
    pub nulls_meet: bool,
    /// Its parts: two rows meet where they do in every part.
    pub parts: Vec<UniquePart>,
}

/// A column or an expression of a unique index or an exclusion constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniquePart {
    /// The columns that it reads.
    pub columns: Vec<String>,
    /// It as SQL over the row.
    pub value: String,
    /// The operator by which values of two rows meet, as SQL.
    pub operator: String,
    /// That operator is `<>`: values meet that differ.
    pub differs: bool,
}

/// The form of a declared reference in its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceForm {
    /// The value is the key.
    Column,
    /// Every element of the array is a key.
    Array,
    /// Keys are at this JSONPath (RFC 9535) of a document.
    Json(String),
    /// Keys are the segments between these separators.
    Path(String),
}

/// A reference without a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The column that holds it.
    pub column: String,
    /// The table it refers to.
    pub target: Oid,
    /// The column it refers to.
    pub target_column: String,
    /// Its form.
    pub form: ReferenceForm,
    /// SQL condition on the rows of the referring table in which the column is this reference.
    pub condition: Option<String>,
    /// The column with the type of the referenced row.
    pub type_column: Option<String>,
    /// In a document: characters that separate keys in the texts at the path.
    pub separators: Option<String>,
}

/// One way in which rows belong to a project: their columns equal those of a parent row that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Columns of the table.
    pub columns: Vec<String>,
    /// The other table.
    pub parent: Oid,
    /// The referenced columns.
    pub parent_columns: Vec<String>,
    /// How each pair is compared, as SQL.
    pub operators: Vec<String>,
    /// SQL condition on the rows that belong in this way.
    pub condition: Option<String>,
    /// There is no foreign key, so the columns can have any types.
    pub declared: bool,
}

/// Types that one operator compares. A `citext` or `character(n)` and a `text` have no operator that compares them as the key's type does.
fn family(type_name: &str) -> &str {
    match (KeyKind::of(type_name), KeyForm::of(type_name)) {
        (KeyKind::Int, _) => "integer",
        (_, KeyForm::Folded) => "citext",
        (_, KeyForm::Padded) => "character",
        _ if is_text(type_name) => "text",
        _ => type_name.split('(').next().unwrap_or_default(),
    }
}

/// Whether an operator compares values of two types, named as `format_type` does.
pub fn comparable(one: &str, other: &str) -> bool {
    family(one) == family(other)
}

/// Whether `list` is the type of arrays of values that are comparable with those of type `one`.
fn is_list_of(one: &str, list: &str) -> bool {
    list.strip_suffix("[]")
        .is_some_and(|element| comparable(one, element) || is_text(one) && is_text(element))
}

/// The forms of a UUID in texts, as an SQL literal of a regular expression without case: those of type `uuid`.
pub const UUID_INPUT: &str = "'^(([0-9a-f]{4}-?){7}[0-9a-f]{4}|[{]([0-9a-f]{4}-?){7}[0-9a-f]{4}[}])$'";

/// Texts that may hold a key beside other text, as an SQL literal of a regular expression without case.
pub const EMBEDDED_KEY: &str = "'([0-9a-f]{4}-?){8}|/'";

/// The same for a text: it has a slash or 32 hexadecimal digits, and is not as a whole a UUID.
pub fn may_embed_key(text: &str) -> bool {
    let mut digits = 0;
    let embeds = text.bytes().any(|byte| {
        digits = match byte {
            b'-' => digits,
            _ if byte.is_ascii_hexdigit() => digits + 1,
            _ => 0,
        };
        byte == b'/' || digits == 32
    });
    embeds && uuid_text::parse_input(text.as_bytes()).is_none()
}

/// The value of a column of the row `alias` as a text in the form of a key of this type, as SQL.
pub fn in_form_of_key(table: &Table, column: &str, alias: &str, key_type: &str) -> String {
    let form = KeyForm::of(key_type);
    // A citext that names a key of another type names it as that type compares.
    let text = match canonical_key(table, column, alias) {
        Some(canonical)
            if form == KeyForm::Folded || KeyForm::of(table.type_of(column)) != KeyForm::Folded =>
        {
            canonical
        }
        _ => table.text_of(alias, column),
    };
    form.canonical_sql(&text)
}

impl Membership {
    /// Whether a pair of columns has types that no operator compares, such as a text that holds keys of type uuid.
    fn as_text(&self, table: &Table, column: &str, parent: &Table, other: &str) -> bool {
        self.declared
            && !comparable(table.type_of(column), parent.type_of(other))
            && !is_list_of(table.type_of(column), parent.type_of(other))
    }

    /// Whether the parent's row has a list of the rows that belong to it, in this pair of columns.
    pub fn is_list(&self, table: &Table, column: &str, parent: &Table, other: &str) -> bool {
        self.declared && is_list_of(table.type_of(column), parent.type_of(other))
    }

    /// The columns of a row `alias` of the table, as SQL that can be compared with [`Self::parent_values`].
    pub fn values(&self, table: &Table, parent: &Table, alias: &str) -> Vec<String> {
        let pairs = self.columns.iter().zip(&self.parent_columns);
        pairs
            .map(|(column, other)| {
                let plain = format!("{alias}.{}", identifier(column));
                if !self.as_text(table, column, parent, other) {
                    return plain;
                }
                in_form_of_key(table, column, alias, parent.type_of(other))
            })
            .collect()
    }

    /// The referenced columns of the row `alias` of the parent.
    pub fn parent_values(&self, table: &Table, parent: &Table, alias: &str) -> Vec<String> {
        let pairs = self.columns.iter().zip(&self.parent_columns);
        pairs
            .map(|(column, other)| {
                let plain = format!("{alias}.{}", identifier(other));
                if !self.as_text(table, column, parent, other) {
                    return plain;
                }
                canonical_key(parent, other, alias).unwrap_or_else(|| parent.text_of(alias, other))
            })
            .collect()
    }

    /// How each pair of them is compared, as SQL.
    pub fn equalities(&self, table: &Table, parent: &Table) -> Vec<String> {
        let pairs = self.columns.iter().zip(&self.parent_columns).zip(&self.operators);
        pairs
            .map(
                |((column, other), operator)| match self.as_text(table, column, parent, other) {
                    true => equality_of_texts(table.column(column), parent.column(other)),
                    false => operator.clone(),
                },
            )
            .collect()
    }
}

/// The keys of a table, from constraints and declarations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableKeys {
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its unique indexes and exclusion constraints.
    pub uniques: Vec<Unique>,
    /// References that were declared.
    pub references: Vec<Reference>,
    /// Further ways in which its rows belong to a project through rows of other tables.
    pub memberships: Vec<Membership>,
    /// Ways in which its rows belong to a project through other rows of the same table, such as the parent of a folder.
    pub within: Vec<Membership>,
    /// It is a plain table, read without the tables that inherit from it.
    pub only: bool,
}

impl TableKeys {
    /// Whether no two rows of the table have the same value in a column.
    pub fn is_unique(&self, column: &str) -> bool {
        self.uniques.iter().any(|unique| {
            unique.columns == [column]
                && unique.predicate.is_none()
                && !unique.exclusion
                && !unique.expressions
        })
    }
}

/// What the database knows about a column as a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnKeys {
    /// The key whose values it holds.
    pub holds: Option<KeyRef>,
    /// The equality operator of its type, as SQL, if it is not one of pg_catalog.
    pub equality: Option<String>,
    /// The sequence of its default or identity.
    pub sequence: Option<String>,
    /// Its default, as SQL.
    pub default: Option<String>,
    /// Its collation, as SQL, if it is not the default one.
    pub collation: Option<String>,
    /// Its collation is nondeterministic.
    pub nondeterministic: bool,
}

/// Tables of the database that the store does not describe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// Tables whose foreign keys lead to the project: oid and quoted name.
    pub reaching: Vec<(Oid, String)>,
    /// Tables that were declared as shared by all projects.
    pub shared: Vec<Oid>,
    /// Tables that inherit from a described one: their name and that of the described one.
    pub children: Vec<(String, String)>,
}

/// The default equality operator.
pub const EQUAL: &str = "OPERATOR(pg_catalog.=)";

impl Column {
    /// Its equality operator, as SQL.
    pub fn equality(&self) -> &str {
        self.keys.equality.as_deref().unwrap_or(EQUAL)
    }

    /// Whether its role was inferred, not set by hand.
    pub fn inferred(&self) -> bool {
        self.reason != "set by hand"
    }
}

impl Table {
    /// Its rows as a FROM item, without tables that inherit from it.
    pub fn from_sql(&self) -> String {
        match &self.source {
            Some(source) => source.clone(),
            None if self.keys.only => format!("ONLY {}", self.sql_name),
            None => self.sql_name.clone(),
        }
    }

    /// A column as a key.
    pub fn key_ref(&self, column: &str) -> Option<KeyRef> {
        let place = self.columns.iter().position(|c| c.name == column)?;
        Some(KeyRef {
            table: self.oid,
            column: u16::try_from(place).ok()?,
        })
    }

    /// Whether a column is a key of its rows and has keys of other rows in it: `task_12`. Its new values are made of those.
    pub fn makes_key_of_others(&self, column: &str) -> bool {
        let own = self.key_ref(column);
        // A part of a key, beside the project's column, is no key of its own.
        let alone = self.id_column.as_deref() == Some(column) || self.keys.is_unique(column);
        alone
            && own.is_some()
            && self.holds(column) == own
            && self.keys.references.iter().any(|reference| {
                reference.column == column && matches!(reference.form, ReferenceForm::Path(_))
            })
    }

    /// The key whose values a column holds.
    pub fn holds(&self, column: &str) -> Option<KeyRef> {
        self.column(column)?.keys.holds
    }

    /// Its foreign keys to further rows of the store, also of its own table, if its rows have no project column and belong through a row of another
    /// table. Not a column whose role was set by hand.
    pub fn links(&self, store: &Store) -> Vec<Membership> {
        if self.project_column.is_some() || self.role == TableRole::Project {
            return Vec::new();
        }
        let ways = self.ways(store);
        self.keys
            .foreign_keys
            .iter()
            .filter(|key| store.table(key.target).is_some())
            .filter(|key| {
                !ways
                    .iter()
                    .any(|way| way.parent == key.target && way.columns == key.columns)
            })
            .filter(|key| {
                key.columns
                    .iter()
                    .all(|name| self.column(name).is_some_and(Column::inferred))
            })
            .map(|key| Membership {
                columns: key.columns.clone(),
                parent: key.target,
                parent_columns: key.target_columns.clone(),
                operators: key.operators.clone(),
                condition: None,
                declared: false,
            })
            .collect()
    }

    /// All ways in which its rows belong to a project through rows of other tables.
    pub fn ways(&self, store: &Store) -> Vec<Membership> {
        let mut ways = Vec::new();
        if let Some(join) = &self.join_column {
            for parent in self.parents.iter().filter_map(|oid| store.table(*oid)) {
                let named = self
                    .keys
                    .foreign_keys
                    .iter()
                    .filter(|f| f.target == parent.oid && f.columns.contains(join))
                    .min_by_key(|f| f.columns.len());
                match (named, &parent.id_column) {
                    (Some(key), _) => ways.push(Membership {
                        columns: key.columns.clone(),
                        parent: parent.oid,
                        parent_columns: key.target_columns.clone(),
                        operators: key.operators.clone(),
                        condition: None,
                        declared: false,
                    }),
                    (None, Some(id)) => ways.push(Membership {
                        columns: vec![join.clone()],
                        parent: parent.oid,
                        parent_columns: vec![id.clone()],
                        operators: vec![equality(self.column(join), parent.column(id))],
                        condition: None,
                        declared: true,
                    }),
                    (None, None) => {}
                }
            }
        }
        ways.extend(self.keys.memberships.iter().cloned());
        ways
    }
}

impl Store {
    /// Whether the store was described by hand or by discovery: then roles follow the constraints of the database.
    pub fn follows_constraints(&self) -> bool {
        matches!(self.preset.as_str(), "custom" | "discover")
    }

    /// The key of a table's rows.
    pub fn id_key(&self, table: Oid) -> Option<KeyRef> {
        let table = self.table(table)?;
        table.holds(table.id_column.as_deref()?)
    }

    /// The table whose key the rows of a table have: itself, or that to which its key refers (one to one).
    pub fn key_holder(&self, table: &Table) -> Oid {
        self.id_key(table.oid).map_or(table.oid, |key| key.table)
    }

    /// Whether rows of a table belong through rows of another, also through further tables.
    pub fn belongs_through(&self, table: Oid, other: Oid) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![table];
        while let Some(table) = open.pop().and_then(|oid| self.table(oid)) {
            for way in table.ways(self) {
                if way.parent == other {
                    return true;
                }
                if seen.insert(way.parent) {
                    open.push(way.parent);
                }
            }
        }
        false
    }

    /// The column of a key.
    pub fn column_of(&self, key: KeyRef) -> Option<(&Table, &Column)> {
        let table = self.table(key.table)?;
        Some((table, table.columns.get(usize::from(key.column))?))
    }

    /// `table.column` of a key, for messages.
    pub fn key_name(&self, key: KeyRef) -> String {
        self.column_of(key).map_or(String::new(), |(table, column)| {
            format!("{}.{}", table.sql_name, column.name)
        })
    }
}

/// Whether the value in a column of the clone always differs from that of the source.
pub fn changes(store: &Store, table: &Table, column: &str) -> bool {
    let own_key = table.id_column.as_deref() == Some(column);
    let Some(column) = table.column(column) else {
        return false;
    };
    match &column.role {
        role if role.makes_new_value() => true,
        // A kept key is also kept in columns that refer to it.
        ColumnRole::Map(_) if column.keys.holds.is_some() => column
            .keys
            .holds
            .and_then(|root| store.column_of(root))
            .is_none_or(|(_, root)| root.role != ColumnRole::Keep),
        ColumnRole::Map(Some(target)) => store.table(*target).is_some(),
        ColumnRole::Map(None) => own_key,
        _ => false,
    }
}
