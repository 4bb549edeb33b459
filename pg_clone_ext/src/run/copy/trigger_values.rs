//! Values that triggers change in the rows that a statement inserts. The clone's rows would not be those of the source: a number that
//! a trigger assigns, for example, follows the order of insertion.

use crate::catalog::rows_once;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Store, Table, TableCopy, TableRole, quote};

/// The columns whose values are compared, of one table.
pub struct Comparison {
    store: String,
    columns: Vec<String>,
    /// The call wants what triggers do: only keys are compared.
    fires: bool,
}

impl Comparison {
    /// None if no trigger can change the rows of this table. If the call wants what triggers do, only keys are compared that others
    /// refer to: they would refer to no row.
    pub fn of(run: &Run, table: &Table, table_copy: &TableCopy) -> Result<Option<Self>> {
        let fires = run.store.follows_constraints() && run.request.options.fire_triggers;
        // The project's own row is looked for when it is written.
        if fires && table.role == TableRole::Project || !fires && !run.guards_against_triggers() {
            return Ok(None);
        }
        let changeable = match table.kind.as_str() {
            "r" | "p" => table.triggers_before_row,
            // Triggers of the table below it, which the store does not describe.
            "v" => rows_once::table_below(table.oid).is_some(),
            _ => false,
        };
        if !changeable {
            return Ok(None);
        }
        let columns: Vec<String> = table_copy
            .outputs
            .iter()
            // Triggers set such columns to the time at which a row is written, as a new row has it.
            .filter(|output| fires || !plan::is_time_or_interval(&output.type_name))
            .filter(|output| !fires || is_referenced(&run.store, table, &output.column))
            .map(|output| output.column.clone())
            .collect();
        Ok((!columns.is_empty()).then(|| Comparison {
            store: run.store.name.clone(),
            columns,
            fires,
        }))
    }

    /// The statement that inserts `columns`, given as SQL with `typed` as their definitions, and returns the number of rows and
    /// hashes of the values that were made and of those that are stored. Each is the sum over all rows: of the whole row, then of
    /// each column.
    pub fn statement(&self, table: &Table, columns: &str, typed: &str) -> String {
        let hash = |text: String| {
            format!(
                "COALESCE(pg_catalog.sum(pg_catalog.hashtextextended({text}, 0::pg_catalog.int8))::pg_catalog.text, '')"
            )
        };
        let sums = |alias: &str| {
            let column = |name: &String| format!("{alias}.{}", quote::identifier(name));
            let row = format!(
                "ROW({})::pg_catalog.text",
                self.columns.iter().map(column).collect::<Vec<_>>().join(", ")
            );
            let sums: Vec<String> = std::iter::once(row)
                .chain(self.columns.iter().map(|name| table.text_of(alias, name)))
                .map(hash)
                .collect();
            format!(
                "pg_catalog.array_to_string(ARRAY[{}]::pg_catalog.text[], '|')",
                sums.join(", ")
            )
        };
        format!(
            "WITH made AS MATERIALIZED (SELECT {columns} FROM clone_internal.rewritten_rows($1) AS e ({typed})), \
             stored AS (INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM made RETURNING {columns}) \
             SELECT s.number, s.sums, m.sums FROM (SELECT pg_catalog.count(*)::pg_catalog.text AS number, {} AS sums FROM stored AS s) AS s \
             CROSS JOIN (SELECT {} AS sums FROM made AS m) AS m",
            table.sql_name,
            sums("s"),
            sums("m")
        )
    }

    /// The number of rows that were inserted.
    pub fn rows(&self, found: &[Option<String>]) -> Result<u64> {
        let number = found.first().and_then(Option::as_ref);
        number
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Error::new(Code::Internal, "an INSERT returned no count"))
    }

    /// Values that differ are an error (0A000).
    pub fn check(&self, table: &Table, found: &[Option<String>]) -> Result<()> {
        let [_, Some(stored), Some(made)] = found else {
            return Err(Error::new(Code::Internal, "an INSERT returned no hashes"));
        };
        if stored == made {
            return Ok(());
        }
        let pairs = stored.split('|').zip(made.split('|')).skip(1);
        let changed: Vec<String> = self
            .columns
            .iter()
            .zip(pairs)
            .filter(|(_, (stored, made))| stored != made)
            .map(|(name, _)| name.clone())
            .collect();
        let what = match changed.as_slice() {
            // The same values, in other rows.
            [] => "columns".to_owned(),
            [one] => format!("column {one}"),
            several => format!("columns {}", several.join(", ")),
        };
        const SKIP: &str = "Leave the triggers out: options => '{\"triggers\": \"skip\"}'.";
        let (detail, hint) = if self.fires {
            (
                "Other rows refer to the keys that these rows were given.",
                SKIP.to_owned(),
            )
        } else {
            let keep = changed.first().map_or_else(String::new, |column| {
                format!(
                    "; for one column: SELECT clone.store_column({}, {}, {}, 'default')",
                    quote::literal(&self.store),
                    quote::literal(&table.sql_name),
                    quote::literal(column)
                )
            });
            (
                "The clone would have other values there than its source.",
                format!("{SKIP} Or let the clone have their values: '{{\"triggers\": \"fire\"}}'{keep}."),
            )
        };
        Err(Error::new(
            Code::Unsupported,
            format!(
                "a trigger of {} changes {what} in the rows of the clone",
                table.sql_name
            ),
        )
        .detail(detail)
        .hint(hint))
    }
}

/// Whether a column is a key to which columns or documents of the store refer. A UUID may be named anywhere.
fn is_referenced(store: &Store, table: &Table, column: &str) -> bool {
    let Some(own) = table
        .key_ref(column)
        .filter(|own| table.holds(column) == Some(*own))
    else {
        return false;
    };
    let is_own = |other: &Table, name: &str| other.oid == table.oid && name == column;
    let held = store.tables.iter().any(|other| {
        let mut columns = other.columns.iter();
        columns.any(|c| c.keys.holds == Some(own) && !is_own(other, &c.name))
    });
    let declared = || {
        let mut references = store.tables.iter().flat_map(|other| &other.keys.references);
        references.any(|reference| reference.target == table.oid && reference.target_column == column)
    };
    held || declared() || table.type_of(column) == "uuid"
}
