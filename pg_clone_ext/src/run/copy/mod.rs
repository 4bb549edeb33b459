//! The copy stage: a table of the source is read, rewritten and inserted, by the bulk path or by SQL.

use super::copy::pipeline::Pipeline;
use super::state::{Run, TableStatistics};
use super::transform::Transformer;
use super::transform::row_batch::CloneRow;
use crate::pg::insert::bulk_insert::BulkInsert;
use crate::pg::insert::progress::CopyProgress;
use crate::pg::memory::Memory;
use crate::pg::query::for_each_row;
use crate::pg::query::snapshot::next_command;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::pg::table::relation::OpenTable;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::toast::CompressedValue;
use crate::pg::value::{NOTHING, Value};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{ColumnRole, InsertPath, TableCopy};
use std::rc::Rc;

/// Rows between two updates of the progress view.
const PROGRESS_ROWS: u64 = 1000;

/// Where a row of the clone goes.
pub trait Sink {
    /// Takes a row and returns its bytes.
    fn put(&mut self, row: &mut CloneRow<'_>) -> usize;
    /// Whether it needs uncompressed values.
    fn looks_into_values(&self) -> bool {
        false
    }
    /// Writes all rows to the table.
    fn flush(&mut self) {}
}

/// Copies the rows of a table: rows of the source are transformed into a batch, and the rows of a batch are put into the sink when
/// its documents are rewritten.
pub fn copy_rows(
    run: &Run,
    table_copy: &TableCopy,
    targets: Vec<Attribute>,
    sink: &mut dyn Sink,
    after: &mut dyn FnMut(u64, u64),
) -> Result<TableStatistics> {
    let _settings = ReadingSettings::new();
    run.snapshot.within(|| {
        let mut memory = Memory::new(c"pg_clone row");
        let width = targets.len();
        let mut transformer = Transformer::new(run, table_copy, targets)?;
        let mut pipeline = Pipeline::new(run, width, transformer.has_documents(), sink.looks_into_values());
        let (mut rows, mut total) = (0u64, 0u64);
        for_each_row(&table_copy.sql, &mut |source| {
            match source {
                Some(source) => transformer.transform(source, &mut pipeline.filling, &mut memory)?,
                None => pipeline.end(),
            }
            while let Some(mut batch) = pipeline.next_to_write()? {
                for number in 0..batch.len() {
                    let mut row = batch.row(number);
                    memory.reset();
                    let bytes = memory.within(|| {
                        transformer.put_documents(&mut row)?;
                        Ok(sink.put(&mut row))
                    })?;
                    transformer.add_bytes(row.type_number, bytes);
                    rows += 1;
                    total += bytes as u64;
                    if rows % PROGRESS_ROWS == 0 {
                        after(rows, total);
                    }
                }
                transformer.add_counts(&batch);
                pipeline.recycle(batch);
            }
            if source.is_none() {
                sink.flush();
            }
            Ok(())
        })?;
        after(rows, total);
        Ok(transformer.finish())
    })
}

/// The path of a table: its own, unless the session has switched the bulk path off.
pub fn path(run: &Run, table_copy: &TableCopy) -> InsertPath {
    if run.left_to_finish(table_copy.table) {
        return InsertPath::Sql("written by the store's finish function".to_owned());
    }
    let Some(table) = run.store.table(table_copy.table) else {
        return InsertPath::Bulk;
    };
    let triggers = table
        .triggers
        .as_ref()
        .filter(|_| !run.request.options.skip_triggers)
        .map(|names| format!("trigger {names}"));
    match (&table.path, triggers) {
        (InsertPath::Bulk, None) if crate::settings::bulk() => InsertPath::Bulk,
        (InsertPath::Bulk, None) => InsertPath::Sql("pg_clone.bulk is off".to_owned()),
        (InsertPath::Bulk, Some(triggers)) => InsertPath::Sql(triggers),
        (InsertPath::Sql(why), None) => InsertPath::Sql(why.clone()),
        (InsertPath::Sql(why), Some(triggers)) => InsertPath::Sql(format!("{why}; {triggers}")),
    }
}

/// Makes the values that are the same in every row, before anything is written: a value that a column's type does not accept raises
/// the type's error.
pub fn check_constants(run: &Run) -> Result<()> {
    for table_copy in &run.table_copies {
        let table = OpenTable::for_read(table_copy.table);
        let (_, targets) = ColumnMapping::new(&table, table_copy)?;
        Transformer::new(run, table_copy, targets)?;
    }
    Ok(())
}

/// Fills one table.
pub fn table(
    run: &Rc<Run>,
    table_copy: &TableCopy,
    after: &mut dyn FnMut(u64, u64),
) -> Result<TableStatistics> {
    if run.left_to_finish(table_copy.table) {
        return dry(run, table_copy);
    }
    let statistics = match path(run, table_copy) {
        InsertPath::Bulk => bulk(run, table_copy, after)?,
        InsertPath::Sql(_) => sql_path::fill(run, table_copy, after)?,
    };
    // Foreign keys of the next table must see these rows.
    next_command();
    Ok(statistics)
}

/// The columns of a table that a clone fills, in the order of the outputs.
pub fn output_attributes(table: &OpenTable, table_copy: &TableCopy) -> Result<Vec<Attribute>> {
    Ok(ColumnMapping::new(table, table_copy)?.1)
}

/// A row in the table's own order of attributes.
struct ColumnMapping {
    /// Place of each output in the table's attributes.
    places: Vec<usize>,
    values: Vec<Value>,
    nulls: Vec<bool>,
}

impl ColumnMapping {
    /// Finds the outputs' places; also returns their attributes.
    fn new(table: &OpenTable, table_copy: &TableCopy) -> Result<(Self, Vec<Attribute>)> {
        let attributes = table.attributes();
        let places = table_copy
            .outputs
            .iter()
            .map(|output| {
                attributes
                    .iter()
                    .position(|a| !a.dropped && a.name == output.column)
                    .ok_or_else(|| {
                        Error::new(Code::Internal, format!("column {} does not exist", output.column))
                    })
            })
            .collect::<Result<Vec<usize>>>()?;
        let targets = places.iter().map(|place| attributes[*place].clone()).collect();
        let width = attributes.len();
        Ok((
            ColumnMapping {
                places,
                values: vec![NOTHING; width],
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

    /// Attribute numbers of the columns that get a value.
    fn numbers(&self) -> Vec<i16> {
        self.places
            .iter()
            .filter_map(|place| i16::try_from(place + 1).ok())
            .collect()
    }

    fn place(&mut self, values: &[Value], nulls: &[bool]) {
        for (from, to) in self.places.iter().enumerate() {
            self.values[*to] = values[from];
            self.nulls[*to] = nulls[from];
        }
    }
}

struct BulkSink {
    insert: BulkInsert,
    row: ColumnMapping,
}

impl Sink for BulkSink {
    fn put(&mut self, row: &mut CloneRow<'_>) -> usize {
        self.row.place(row.values, row.nulls);
        let compressed = self.row.compressed(row.compressed);
        self.insert
            .put(&self.row.values, &mut self.row.nulls, &compressed)
    }

    fn looks_into_values(&self) -> bool {
        self.insert.has_checks()
    }

    fn flush(&mut self) {
        self.insert.flush();
    }
}

/// Foreign keys that need no check per row: every row has the key of the project row, which this
/// transaction has inserted and no other session can see or delete. This saves a clone of 1,000,000 documents
/// 1,000,000 queued key checks.
fn proven_keys(run: &Run, table_copy: &TableCopy) -> Vec<u32> {
    let place = |oid: u32| run.table_copies.iter().position(|other| other.table == oid);
    let project = run
        .store
        .project_table()
        .ok()
        .and_then(|project| place(project.oid));
    let project_first =
        matches!((project, place(table_copy.table)), (Some(project), Some(own)) if project < own);
    let columns_are_the_project = |table: &pg_clone_core::plan::Table| {
        table
            .project_column
            .as_deref()
            .and_then(|name| table.column(name))
            .is_some_and(|c| c.role == ColumnRole::Project)
    };
    match run.store.table(table_copy.table) {
        Some(table) if project_first && columns_are_the_project(table) => table.project_keys.clone(),
        _ => Vec::new(),
    }
}

fn bulk(run: &Run, table_copy: &TableCopy, after: &mut dyn FnMut(u64, u64)) -> Result<TableStatistics> {
    let open = OpenTable::for_insert(table_copy.table);
    let (row, targets) = ColumnMapping::new(&open, table_copy)?;
    let progress = CopyProgress::start(table_copy.table);
    let mut sink = BulkSink {
        insert: BulkInsert::open(
            open,
            &row.numbers(),
            &proven_keys(run, table_copy),
            run.path.clone(),
            run.held,
            run.request.options.skip_triggers,
        ),
        row,
    };
    let statistics = copy_rows(run, table_copy, targets, &mut sink, &mut |rows, bytes| {
        progress.update(rows, bytes);
        after(rows, bytes);
    })?;
    sink.insert.finish();
    Ok(statistics)
}

struct CountSink {
    table: OpenTable,
    row: ColumnMapping,
}

impl Sink for CountSink {
    fn put(&mut self, row: &mut CloneRow<'_>) -> usize {
        self.row.place(row.values, row.nulls);
        let compressed = self.row.compressed(row.compressed);
        self.table
            .row_bytes(&self.row.values, &mut self.row.nulls, &compressed)
    }
}

/// Makes every row and writes none, to count for `project_clone_plan`.
pub fn dry(run: &Run, table_copy: &TableCopy) -> Result<TableStatistics> {
    let table = OpenTable::for_read(table_copy.table);
    let (row, targets) = ColumnMapping::new(&table, table_copy)?;
    copy_rows(
        run,
        table_copy,
        targets,
        &mut CountSink { table, row },
        &mut |_, _| (),
    )
}

pub mod added_rows;
pub mod deferred_triggers;
pub mod kept_ids;
mod pipeline;
pub mod project_sequences;
pub mod sql_path;
pub mod trigger_effects;
mod trigger_values;
pub mod unchecked_keys;
pub mod written_rows;
