//! `pg_clone show FILE`: the content of an archive.

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context as _, Result};
use clone_archive::{Item, Manifest, Reader, Totals};
use serde_json::json;

use super::Context;
use crate::failure::Exit;
use crate::output::{bytes, thousands};

/// Checks all checksums of an archive and shows its description.
pub(super) fn show(context: &mut Context, file: &str) -> Result<Exit> {
    let mut archive = open(file)?;
    let manifest = archive.manifest().clone();
    let totals = loop {
        match archive
            .next_item()
            .with_context(|| format!("cannot read {file}"))?
        {
            Some(Item::End(totals)) => break totals,
            Some(_) => {}
            None => anyhow::bail!("{file} has no end"),
        }
    };
    print(context, &manifest, &totals);
    context
        .output
        .document(&json!({"manifest": manifest, "totals": totals}));
    Ok(Exit::Done)
}

fn print(context: &mut Context, manifest: &Manifest, totals: &Totals) {
    let output = &mut context.output;
    output.line(format!(
        "Project {} of store {} (preset {}), exported {} by {}, PostgreSQL {}, pg_clone_ext {}",
        manifest.project,
        manifest.store,
        manifest.preset,
        manifest.created_at,
        manifest.created_by,
        manifest.server_version,
        manifest.extension_version.as_deref().unwrap_or("none")
    ));
    let rows = manifest
        .tables
        .iter()
        .zip(&totals.tables)
        .filter(|(_, counts)| counts.rows > 0);
    output.table(
        &["table", ">rows", ">size"],
        rows.map(|(table, counts)| {
            vec![
                table.name.clone(),
                count(counts.rows),
                bytes(i64::try_from(counts.bytes).unwrap_or(i64::MAX)),
            ]
        }),
    );
    if totals.files > 0 {
        output.line(format!(
            "{} files, {}",
            count(totals.files),
            bytes(i64::try_from(totals.file_bytes).unwrap_or(i64::MAX))
        ));
    }
    for shared in &manifest.shared {
        output.line(format!(
            "{}.{} names {} rows of no project",
            shared.relation,
            shared.column,
            shared.rows.len()
        ));
    }
}

pub(super) fn count(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Opens an archive; - is standard input.
pub(super) fn open(file: &str) -> Result<Reader<Box<dyn Read>>> {
    let input: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(BufReader::new(
            File::open(file).with_context(|| format!("cannot open {file}"))?,
        ))
    };
    Reader::new(input).with_context(|| format!("cannot read {file}"))
}
