//! Keys of deleted or replaced rows in the cache of an application server.
//!
//! A store of such a server has the option `cache_key` with the form of a key (for a Medplum server `{type}/{id}`) and,
//! optionally, the address of the cache (`cache`, a `redis://` URL). The keys are recorded in the transaction of the deletion, in
//! `clone.cache_invalidation`. After the commit they are deleted from the cache by `pg_clone cache flush`.

use super::deletion_set::DeletionSet;
use crate::error::internal;
use crate::pg::privileges::{AsExtensionOwner, current_user, current_user_oid};
use crate::pg::query::for_each_row;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{SourceQuery, Store, Table, TableRole, quote};

/// Keys per row of the record.
const BATCH: usize = 1000;

/// The template of keys of the store's cache; None if its server has no cache.
fn template(store: &Store) -> Option<&str> {
    let text = |name: &str| store.options.get(name).and_then(|value| value.as_str());
    text("cache_key").or_else(|| text("cache").map(|_| "{type}/{id}"))
}

/// Records the keys of the resources that will be deleted. Returns their number.
pub fn record(store: &Store, run: i64, rows: &DeletionSet) -> Result<i64> {
    let Some(template) = template(store) else {
        return Ok(0);
    };
    let mut recorder = Recorder {
        store: &store.name,
        run,
        keys: Vec::new(),
        count: 0,
    };
    let snapshot = Snapshot::latest();
    snapshot.within(|| {
        let _settings = ReadingSettings::new();
        for (table, condition) in rows.tables()? {
            if !matches!(table.role, TableRole::Project | TableRole::Resource) {
                continue;
            }
            let Some(id) = &table.id_column else { continue };
            let columns = format!("{}, {}", table.text_of("t", id), resource_type(table));
            let sql = SourceQuery::over(&table.sql_name)
                .filter(condition)
                .select(&columns);
            for_each_row(&sql, &mut |row| {
                let Some(row) = row else { return Ok(()) };
                let (Some(id), Some(resource_type)) = (row.text(0)?, row.text(1)?) else {
                    return Ok(());
                };
                let key = template
                    .replace("{type}", &resource_type)
                    .replace("{id}", &id)
                    .replace("{project}", rows.project());
                recorder.add(key)
            })?;
        }
        Ok(())
    })?;
    recorder.write()?;
    if recorder.count > 0 {
        forget_old()?;
    }
    Ok(recorder.count)
}

/// An expression for the type of a row `t`.
fn resource_type(table: &Table) -> String {
    match (&table.resource_type, &table.type_column) {
        (Some(fixed), _) => format!("{}::pg_catalog.text", quote::literal(fixed)),
        (None, Some(column)) => table.text_of("t", column),
        (None, None) => "'Project'::pg_catalog.text".to_owned(),
    }
}

/// The task for the operator because keys were recorded; None if the command finds the cache by itself.
pub fn todo(store: &Store, run: i64, keys: i64) -> Option<String> {
    if keys == 0 || store.options.get("cache").is_some_and(|cache| cache.is_string()) {
        return None;
    }
    Some(format!(
        "the server's cache holds {keys} resources as they were: delete their keys now and once more after 5 seconds, \
         pg_clone cache flush --run {run} --cache redis://<host>:6379, or by hand \
         psql -XAtc \"SELECT unnest(keys) FROM clone.cache_invalidation WHERE run_id = {run}\" | xargs redis-cli -h <host> UNLINK"
    ))
}

struct Recorder<'s> {
    store: &'s str,
    run: i64,
    keys: Vec<String>,
    count: i64,
}

impl Recorder<'_> {
    fn add(&mut self, key: String) -> Result<()> {
        self.keys.push(key);
        self.count += 1;
        if self.keys.len() >= BATCH {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let (caller, role) = (current_user(), current_user_oid());
        let _owner = AsExtensionOwner::new();
        pgrx::Spi::run_with_args(
            "INSERT INTO clone.cache_invalidation (store, run_id, keys, recorded_by, recorded_role) VALUES ($1, $2, $3, $4, $5)",
            &[
                self.store.into(),
                self.run.into(),
                std::mem::take(&mut self.keys).into(),
                caller.as_str().into(),
                role.into(),
            ],
        )
        .map_err(internal)
    }
}

/// Removes old keys: their cache entries have expired.
fn forget_old() -> Result<()> {
    let _owner = AsExtensionOwner::new();
    pgrx::Spi::run(
        "DELETE FROM clone.cache_invalidation WHERE recorded_at OPERATOR(pg_catalog.<) \
         (pg_catalog.now() OPERATOR(pg_catalog.-) '2 days'::pg_catalog.interval)",
    )
    .map_err(internal)
}
