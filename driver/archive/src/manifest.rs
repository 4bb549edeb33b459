//! The description of an archive's content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first part of an archive: its content and origin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Time at which the rows were read: the text of a `timestamptz`.
    pub created_at: String,
    /// The role that read them.
    pub created_by: String,
    /// The server's version: the result of `SHOW server_version`.
    pub server_version: String,
    /// The version of the extension; `None` if the source has no extension.
    pub extension_version: Option<String>,
    /// Name of the store.
    pub store: String,
    /// Its preset.
    pub preset: String,
    /// Id of the project.
    pub project: String,
    /// Its tables, in the order of their rows.
    pub tables: Vec<Table>,
    /// Whether the files of the project are in the archive.
    pub with_files: bool,
    /// Location of the files of the source: the store's option `blobs`.
    pub blobs: Option<String>,
    /// Rows of other tables that the project references.
    #[serde(default)]
    pub shared: Vec<SharedRows>,
    /// [`Manifest::fingerprint_of`] the tables.
    pub fingerprint: String,
}

/// Rows that a column of the project references and that are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRows {
    /// The table of the project.
    pub relation: String,
    /// The referencing column.
    pub column: String,
    /// Columns of their natural key; empty if their table has no unique key besides the referenced one.
    pub natural: Vec<String>,
    /// For each row: the referenced key, then the values of the natural key, as text.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A table of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its qualified name, quoted if necessary.
    pub name: String,
    /// The columns of its rows, in order.
    pub columns: Vec<Column>,
    /// Number of rows that the source expected; the totals at the end have the written number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_rows: Option<u64>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, not quoted.
    pub name: String,
    /// Its type, as `format_type` writes it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether the column is NOT NULL.
    pub not_null: bool,
}

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its key in the source's storage.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Its content type, if the storage has one.
    pub content_type: Option<String>,
}

/// The last part of an archive: the totals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// By table, in the manifest's order.
    pub tables: Vec<TableTotals>,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
}

/// Totals of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableTotals {
    /// Rows.
    pub rows: u64,
    /// Bytes in COPY's binary format.
    pub bytes: u64,
}

/// Maximum size of a manifest in bytes: about 40,000 columns.
const MAX_BYTES: usize = 4 << 20;
/// Maximum number of JSON values of a manifest: each takes up to 50 bytes of memory, even if its text is short.
const MAX_PARTS: usize = 400_000;

impl Manifest {
    /// Whether a manifest is small enough for the memory limit of readers.
    pub(crate) fn may_be_read(text: &[u8]) -> bool {
        let parts = text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{'));
        text.len() <= MAX_BYTES && parts.count() <= MAX_PARTS
    }

    /// SHA-256 over names and types of tables and columns, in hexadecimal digits: equal for equal schemas.
    pub fn fingerprint_of(tables: &[Table]) -> String {
        let mut digest = Sha256::new();
        for table in tables {
            // Lengths separate the parts.
            let mut part = |text: &str| {
                digest.update((text.len() as u64).to_be_bytes());
                digest.update(text);
            };
            part(&table.name);
            part(&table.columns.len().to_string());
            for column in &table.columns {
                part(&column.name);
                part(&column.type_name);
            }
        }
        digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
