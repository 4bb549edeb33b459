//! `pg_clone export`: writes a project into an archive.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Context;
use super::archive::count;
use crate::args::moving::ExportArgs;
use crate::blobs::Location;
use crate::failure::{Exit, Hinted, UsageContext};
use crate::moving::{self, Export, ExportFiles, Snapshot};
use crate::output::bytes;

pub(super) async fn run(context: &mut Context, args: &ExportArgs) -> Result<Exit> {
    let from = args.blobs_from.as_deref().map(Location::from_argument);
    let from = from.transpose().context("--blobs-from").or_usage()?;
    let target = context.target()?;
    let source = Snapshot::open(&target, &context.interrupt, args.snapshot.as_deref()).await?;
    let options = if args.full_history {
        json!({"history": "full"})
    } else {
        json!({})
    };
    let export = Export {
        project: &args.project,
        store: args.store.as_deref(),
        options: &options,
        files: args.with_blobs.then_some(ExportFiles {
            from,
            allowed: &context.allowed,
        }),
    };
    let interrupt = context.interrupt.clone();
    let totals = if args.file == "-" {
        let output = BufWriter::new(std::io::stdout().lock());
        moving::export_project(&source, &export, output, &interrupt, &mut context.progress).await?
    } else {
        let file = NewFile::create(Path::new(&args.file))?;
        let output = BufWriter::new(&file.file);
        let totals =
            moving::export_project(&source, &export, output, &interrupt, &mut context.progress).await?;
        file.keep()?;
        totals
    };
    let rows: u64 = totals.tables.iter().map(|table| table.rows).sum();
    if args.file != "-" {
        let size = std::fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
        context.output.line(format!(
            "{} rows{} of project {} are in {} ({})",
            count(rows),
            if args.with_blobs {
                format!(" and {} files", count(totals.files))
            } else {
                String::new()
            },
            args.project,
            args.file,
            bytes(i64::try_from(size).unwrap_or(i64::MAX))
        ));
        context
            .output
            .document(&json!({"project": args.project, "file": args.file, "rows": rows, "files": totals.files, "bytes": size}));
    }
    Ok(Exit::Done)
}

/// A temporary file that gets its name when it is complete.
struct NewFile {
    file: File,
    temporary: PathBuf,
    name: PathBuf,
    kept: bool,
}

impl NewFile {
    /// An archive holds a project's data, so that only its owner may read it. A symbolic link to a file stays, and the file is replaced.
    fn create(name: &Path) -> Result<Self> {
        let name = std::fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
        if std::fs::metadata(&name).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Hinted::new(
                format!("{} is not a regular file", name.display()),
                "Name a new file, or write to standard output: -o -.",
            )
            .into())
            .or_usage();
        }
        let mut temporary = name.clone().into_os_string();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .with_context(|| format!("cannot create {}", temporary.display()))?;
        Ok(Self {
            file,
            temporary,
            name,
            kept: false,
        })
    }

    fn keep(mut self) -> Result<()> {
        self.file.flush()?;
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.name)
            .with_context(|| format!("cannot write {}", self.name.display()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // The file is incomplete; a failure to remove it is ignored.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
