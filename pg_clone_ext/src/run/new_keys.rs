//! New keys for rows whose keys are no UUIDs.

use super::keys::Key;
use super::state::{Run, over_budget};
use crate::error::internal;
use crate::pg::query::for_each_row;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{Table, quote};

/// Gives new keys to ids that are no UUIDs: integers from the column's own sequence, texts from the store's generator.
pub fn new_keys(run: &mut Run, table: &Table, column: &str, keys: Vec<Key>) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    run.active.insert(table.oid);
    if matches!(keys.first(), Some(Key::Int(_))) {
        let new = if run.dry || run.request.options.keep_ids {
            // A plan takes no number from a sequence; the old ones do to count with.
            keys.iter()
                .map(|key| if let Key::Int(number) = key { *number } else { 0 })
                .collect()
        } else {
            next_integers(table, column, keys.len())?
        };
        let budget = u64::try_from(run.ids.budget()).unwrap_or(u64::MAX);
        let map = run.integers.entry(table.oid).or_default();
        let needed = (map.len() + keys.len()) * 40;
        if needed as u64 > budget || map.try_reserve(keys.len()).is_err() {
            return Err(over_budget(pg_clone_core::ids::OutOfMemory {
                needed,
                budget: run.ids.budget(),
                entries: map.len() as u64,
            }));
        }
        for (key, new) in keys.iter().zip(new) {
            if let Key::Int(number) = key {
                map.insert(*number, Some(new));
            }
        }
        return Ok(());
    }
    let new = if run.dry || run.request.options.keep_ids {
        keys.iter().map(Key::to_text).collect()
    } else {
        next_texts(run, keys.len())?
    };
    for (key, new) in keys.iter().zip(new) {
        if let Key::Text(text) = key {
            run.texts_mut()?.insert(text, &new).map_err(over_budget)?;
        }
    }
    Ok(())
}

fn next_integers(table: &Table, column: &str, count: usize) -> Result<Vec<i64>> {
    let sequence = pgrx::Spi::get_one::<String>(&format!(
        "SELECT pg_catalog.pg_get_serial_sequence({}, {})",
        quote::literal(&table.sql_name),
        quote::literal(column)
    ))
    .map_err(internal)?;
    let Some(sequence) = sequence else {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "column {}.{column} has no sequence to take new keys from",
                table.sql_name
            ),
        )
        .hint("Make it an identity column, or let a sequence be OWNED BY it."));
    };
    let mut new = Vec::with_capacity(count);
    for_each_row(
        &format!(
            "SELECT pg_catalog.nextval({}::pg_catalog.regclass) FROM pg_catalog.generate_series(1, {count})",
            quote::literal(&sequence)
        ),
        &mut |row| {
            new.extend(row.and_then(|row| row.bigint(0)));
            Ok(())
        },
    )?;
    Ok(new)
}

/// New text ids: from the function in options.id_generator, else UUIDs of the run.
fn next_texts(run: &mut Run, count: usize) -> Result<Vec<String>> {
    let id_generator = run
        .store
        .options
        .get("id_generator")
        .and_then(|id_generator| id_generator.as_str())
        .map(str::to_owned);
    let mut new = Vec::with_capacity(count);
    match id_generator {
        Some(call) => {
            for_each_row(
                &format!("SELECT ({call})::pg_catalog.text FROM pg_catalog.generate_series(1, {count})"),
                &mut |row| {
                    if let Some(row) = row {
                        new.extend(row.text(0)?.map(std::borrow::Cow::into_owned));
                    }
                    Ok(())
                },
            )?;
            if new.len() != count {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!("{call} returned NULL instead of a new id"),
                ));
            }
        }
        None => {
            for _ in 0..count {
                let seed = crate::pg::datum::random::<16>()?;
                new.push(uuid_text::to_string(
                    &run.ids_mut()?.insert_cloned(seed).map_err(over_budget)?,
                ));
            }
        }
    }
    Ok(new)
}
