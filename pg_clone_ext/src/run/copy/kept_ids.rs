//! `options.keep_ids`: the rows come from another database and keep their ids. The ids must not be in use, and the sequences of the table must
//! not generate them again.

use crate::error::internal;
use crate::pg::privileges;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, ColumnRole, KeyKind, TableRole, quote};

/// Maximum number of keys of each table in the error.
const LISTED: u32 = 10;

/// Raises 23505, with a list, for ids that rows of the target already have.
pub fn check_free(run: &Run) -> Result<()> {
    let mut taken = Vec::new();
    for table in run.store.tables.iter().filter(|table| !table.empty) {
        if !matches!(table.role, TableRole::Project | TableRole::Resource) {
            continue;
        }
        let (Some(id), Some(belongs)) = (
            &table.id_column,
            plan::condition(&run.store, table, &run.source, &run.active, true)?,
        ) else {
            continue;
        };
        let text = table.text_of("t", id);
        let id = quote::identifier(id);
        let found = pgrx::Spi::get_one::<String>(&format!(
            "SELECT pg_catalog.string_agg(k.id, ', ') FROM (SELECT {text} AS id FROM {} AS t WHERE {belongs} \
             AND EXISTS (SELECT FROM {} AS o WHERE o.{id} OPERATOR(pg_catalog.=) t.{id}) ORDER BY t.{id} LIMIT {LISTED}) AS k",
            table.source_name(),
            table.sql_name,
        ))
        .map_err(internal)?;
        taken.extend(found.map(|ids| format!("{}: {ids}", table.sql_name)));
    }
    if taken.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::Duplicate,
        "ids of the project are already in use, so they cannot be kept".to_owned(),
    )
    .detail(taken.join("; "))
    .hint(
        "Leave keep_ids out to get new ids, or name the project that is to be replaced by options.replace.",
    ))
}

/// Advances sequences past the keys of the new rows.
pub fn advance_sequences(run: &Run) -> Result<()> {
    for table in run.store.tables.iter().filter(|table| !table.empty) {
        let keys = table.columns.iter().filter(|column| {
            KeyKind::of(&column.type_name) == KeyKind::Int
                && (column.role == ColumnRole::Key
                    || table.id_column.as_deref() == Some(column.name.as_str()))
        });
        for column in keys {
            let sequence = pgrx::Spi::get_one::<String>(&format!(
                "SELECT pg_catalog.pg_get_serial_sequence({}, {})",
                quote::literal(&table.sql_name),
                quote::literal(&column.name)
            ))
            .map_err(internal)?;
            let Some(sequence) = sequence else { continue };
            privileges::check_sequence(&sequence, true)?;
            // nextval is called once, so that a sequence that is ahead is never set back, even with concurrent use.
            pgrx::Spi::run(&format!(
                "SELECT CASE WHEN m.highest OPERATOR(pg_catalog.>) n.next THEN pg_catalog.setval({sequence}::pg_catalog.regclass, m.highest) END \
                 FROM (SELECT pg_catalog.max(t.{column})::pg_catalog.int8 AS highest FROM {source} AS t) AS m, \
                 (SELECT pg_catalog.nextval({sequence}::pg_catalog.regclass) AS next) AS n",
                sequence = quote::literal(&sequence),
                column = quote::identifier(&column.name),
                source = table.source_name(),
            ))
            .map_err(internal)?;
        }
    }
    Ok(())
}
