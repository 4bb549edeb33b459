//! The copy stage: a table of the source is read, rewritten and inserted, by the bulk path or by SQL.

use super::flight::Flight;
use super::row_batch::{FinishedRow, RowBatch};
use super::state::{Findings, Run};
use super::transform::Transformer;
use crate::error::internal;
use crate::pg::bulk_insert::BulkInsert;
use crate::pg::emit_result::EmitResult;
use crate::pg::memory::Memory;
use crate::pg::progress::Progress;
use crate::pg::query::for_each_row;
use crate::pg::relation::{Attribute, OpenTable};
use crate::pg::settings_guard::ReadingSettings;
use crate::pg::snapshot::next_command;
use crate::pg::stored::CompressedValue;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{ColumnRole, Emission, InsertPath, quote};
use pgrx::pg_sys;

/// Rows between two updates of the progress view.
const PROGRESS_ROWS: u64 = 1000;

/// Where a row of the clone goes.
trait Sink {
    /// Takes a row and returns its bytes.
    fn put(&mut self, row: FinishedRow<'_>) -> usize;
    /// Whether it wants plain values.
    fn looks_into_values(&self) -> bool {
        false
    }
    /// Everything put so far must be in the table.
    fn flush(&mut self) {}
}

/// Makes every row of an emission.
fn emit_into(
    run: &Run,
    emission: &Emission,
    targets: Vec<Attribute>,
    sink: &mut dyn Sink,
    after: &mut dyn FnMut(u64, u64),
) -> Result<Findings> {
    let _settings = ReadingSettings::new();
    run.snapshot.within(|| {
        let memory = Memory::new(c"pg_clone row");
        let width = targets.len();
        let mut transformer = Transformer::new(run, emission, targets)?;
        let mut flight = Flight::new(run, width, transformer.has_documents(), sink.looks_into_values());
        let (mut rows, mut total) = (0u64, 0u64);
        for_each_row(&emission.sql, &mut |row| {
            if let Some(row) = row {
                let filling = &flight.filling;
                let made = filling
                    .memory
                    .within(|| transformer.row(row, filling.keeps_values()))?;
                match made {
                    Some(origin) => {
                        memory.reset();
                        memory.within(|| transformer.add_to(&mut flight.filling, origin))?;
                    }
                    None => flight.filling.leave_out(),
                }
                if !flight.filling.is_full() {
                    return Ok(());
                }
            }
            let mut land = |batch: &mut RowBatch| {
                transformer.land(batch, &memory, &mut |row| {
                    let bytes = sink.put(row);
                    rows += 1;
                    total += bytes as u64;
                    if rows % PROGRESS_ROWS == 0 {
                        after(rows, total);
                    }
                    bytes
                })
            };
            if row.is_some() {
                flight.turn(&mut land)
            } else {
                flight.finish(&mut land)?;
                sink.flush();
                Ok(())
            }
        })?;
        after(rows, total);
        Ok(transformer.finish())
    })
}

/// The path that a table takes: its own, unless the session has switched the bulk path off.
pub fn path(run: &Run, emission: &Emission) -> InsertPath {
    match run.store.table(emission.table).map(|table| table.path.clone()) {
        Some(InsertPath::Bulk) if !crate::settings::bulk() => {
            InsertPath::Sql("pg_clone.bulk is off".to_owned())
        }
        Some(path) => path,
        None => InsertPath::Bulk,
    }
}

/// Fills one table.
pub fn table(run: &Run, emission: &Emission, after: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
    let findings = match path(run, emission) {
        InsertPath::Bulk => bulk(run, emission, after)?,
        InsertPath::Sql(_) => sql(run, emission, after)?,
    };
    // Foreign keys of the next table must see these rows.
    next_command();
    Ok(findings)
}

/// A row in the table's own order of attributes.
struct Placed {
    /// Place of each output in the table's attributes.
    places: Vec<usize>,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl Placed {
    /// Finds the outputs' places; also returns their attributes.
    fn new(table: &OpenTable, emission: &Emission) -> Result<(Self, Vec<Attribute>)> {
        let attributes = table.attributes();
        let places = emission
            .outputs
            .iter()
            .map(|output| {
                attributes
                    .iter()
                    .position(|a| !a.dropped && a.name == output.column)
                    .ok_or_else(|| {
                        Error::new(Code::StoreChanged, format!("column {} is gone", output.column))
                    })
            })
            .collect::<Result<Vec<usize>>>()?;
        let targets = places.iter().map(|place| attributes[*place].clone()).collect();
        let width = attributes.len();
        Ok((
            Placed {
                places,
                values: vec![pg_sys::Datum::from(0); width],
                nulls: vec![true; width],
            },
            targets,
        ))
    }

    /// The same values, by their places in the table.
    fn compressed(&self, values: &[CompressedValue]) -> Vec<CompressedValue> {
        let placed = |value: &CompressedValue| CompressedValue {
            place: self.places[value.place],
            ..*value
        };
        values.iter().map(placed).collect()
    }

    fn place(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) {
        for (from, to) in self.places.iter().enumerate() {
            self.values[*to] = values[from];
            self.nulls[*to] = nulls[from];
        }
    }
}

struct BulkSink {
    insert: BulkInsert,
    row: Placed,
}

impl Sink for BulkSink {
    fn put(&mut self, row: FinishedRow<'_>) -> usize {
        self.row.place(row.values, row.nulls);
        let compressed = self.row.compressed(row.compressed);
        self.insert
            .put(&mut self.row.values, &mut self.row.nulls, &compressed)
    }

    fn looks_into_values(&self) -> bool {
        self.insert.has_checks()
    }

    fn flush(&mut self) {
        self.insert.flush();
    }
}

/// Foreign keys that need no check row by row: every row has the same key, that of the project row which this very
/// transaction has inserted before and nobody else can see, let alone delete. With them a clone of 1,000,000 documents
/// queues and runs 1,000,000 key checks less.
fn proven_keys(run: &Run, emission: &Emission) -> Vec<u32> {
    let place = |oid: u32| run.emissions.iter().position(|other| other.table == oid);
    let project = run
        .store
        .project_table()
        .ok()
        .and_then(|project| place(project.oid));
    let project_first =
        matches!((project, place(emission.table)), (Some(project), Some(own)) if project < own);
    let columns_are_the_project = |table: &pg_clone_core::plan::Table| {
        table
            .project_column
            .as_deref()
            .and_then(|name| table.column(name))
            .is_some_and(|c| c.role == ColumnRole::Project)
    };
    match run.store.table(emission.table) {
        Some(table) if project_first && columns_are_the_project(table) => table.project_keys.clone(),
        _ => Vec::new(),
    }
}

fn bulk(run: &Run, emission: &Emission, after: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
    let open = OpenTable::for_insert(emission.table);
    let (row, targets) = Placed::new(&open, emission)?;
    let progress = Progress::start(emission.table);
    let mut sink = BulkSink {
        insert: BulkInsert::open(open, &proven_keys(run, emission), run.path.clone()),
        row,
    };
    let findings = emit_into(run, emission, targets, &mut sink, &mut |rows, bytes| {
        progress.update(rows, bytes);
        after(rows, bytes);
    })?;
    sink.insert.finish();
    Ok(findings)
}

fn sql(run: &Run, emission: &Emission, after: &mut dyn FnMut(u64, u64)) -> Result<Findings> {
    let Some(table) = run.store.table(emission.table) else {
        return Err(Error::new(Code::Internal, "an emission has no table"));
    };
    let columns: Vec<String> = emission
        .outputs
        .iter()
        .map(|o| quote::identifier(&o.column))
        .collect();
    let typed: Vec<String> = emission
        .outputs
        .iter()
        .map(|o| {
            format!(
                "{} {}",
                quote::identifier(&o.column),
                quote::type_name(&o.type_name)
            )
        })
        .collect();
    let columns = columns.join(", ");
    let statement = format!(
        "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM clone.emit({}, {}::pg_catalog.oid::pg_catalog.regclass) AS e ({})",
        table.sql_name,
        run.id,
        emission.table,
        typed.join(", ")
    );
    run.emitted.replace(None);
    let inserted = {
        let _path = run.path.enter();
        pgrx::Spi::connect_mut(|client| {
            client
                .update(statement.as_str(), None, &[])
                .map(|result| result.len())
        })
        .map_err(internal)?
    };
    let findings = run.emitted.take().unwrap_or_default();
    let rows = findings.by_type.values().map(|counts| counts.rows).sum();
    let bytes = findings.by_type.values().map(|counts| counts.bytes).sum();
    after(rows, bytes);
    if inserted as u64 != rows {
        return Err(Error::new(
            Code::Unsupported,
            format!(
                "{rows} rows were made for {}, but {inserted} were inserted",
                table.sql_name
            ),
        )
        .detail("The clone would have holes.")
        .hint("A trigger or rule of the table keeps rows back; make it let the rows of a clone pass."));
    }
    Ok(findings)
}

struct EmitSink<'e>(&'e mut EmitResult);

impl Sink for EmitSink<'_> {
    fn put(&mut self, row: FinishedRow<'_>) -> usize {
        self.0.put(row.values, row.nulls, row.compressed)
    }
}

/// What `clone.emit` does within the SQL path.
pub fn emit(run: &Run, table: u32, result: &mut EmitResult) -> Result<()> {
    let Some(emission) = run.emission(table) else {
        return Err(Error::bad_argument(format!(
            "run {} does not fill the table with oid {table}",
            run.id
        )));
    };
    if result.columns() != emission.outputs.len() {
        return Err(Error::bad_argument(format!(
            "clone.emit returns {} columns here, the statement wants {}",
            emission.outputs.len(),
            result.columns()
        )));
    }
    let targets = result.attributes();
    let progress = Progress::start(table);
    let findings = emit_into(
        run,
        emission,
        targets,
        &mut EmitSink(result),
        &mut |rows, bytes| progress.update(rows, bytes),
    )?;
    run.emitted.replace(Some(findings));
    Ok(())
}

struct CountSink {
    table: OpenTable,
    row: Placed,
}

impl Sink for CountSink {
    fn put(&mut self, row: FinishedRow<'_>) -> usize {
        self.row.place(row.values, row.nulls);
        let compressed = self.row.compressed(row.compressed);
        self.table
            .row_bytes(&self.row.values, &mut self.row.nulls, &compressed)
    }
}

/// Makes every row and writes none: what `project_clone_plan` counts.
pub fn dry(run: &Run, emission: &Emission) -> Result<Findings> {
    let table = OpenTable::for_read(emission.table);
    let (row, targets) = Placed::new(&table, emission)?;
    emit_into(
        run,
        emission,
        targets,
        &mut CountSink { table, row },
        &mut |_, _| (),
    )
}
