//! What an archive says of itself.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first part of an archive: what it holds, from where, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When the rows were read, as the server writes a `timestamptz`.
    pub created_at: String,
    /// The role that read them.
    pub created_by: String,
    /// The server's version, as `SHOW server_version` has it.
    pub server_version: String,
    /// The version of the extension; none where the source has none.
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
    /// Where the files are on the source's side, as the store's option `blobs` has it.
    pub blobs: Option<String>,
    /// Rows of other tables that the project names.
    #[serde(default)]
    pub shared: Vec<SharedRows>,
    /// [`Manifest::fingerprint_of`] the tables.
    pub fingerprint: String,
}

/// Rows that a column of the project names and that do not belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRows {
    /// The table of the project.
    pub relation: String,
    /// Its column that names them.
    pub column: String,
    /// Columns of their natural key; none where their table has no other unique key than the one that is named.
    pub natural: Vec<String>,
    /// Of each row the key that is named and the values of the natural key, as text.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A table of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its qualified name, quoted where SQL needs it.
    pub name: String,
    /// The columns of its rows, in order.
    pub columns: Vec<Column>,
    /// How many rows the source expected; the totals at the end are what was written.
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
    /// Whether NULL is refused.
    pub not_null: bool,
}

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its key in the source's storage.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Its content type, where the storage knows it.
    pub content_type: Option<String>,
}

/// The last part of an archive: what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// By table, in the manifest's order.
    pub tables: Vec<TableTotals>,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
}

/// What was written of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableTotals {
    /// Rows.
    pub rows: u64,
    /// Bytes in COPY's binary form.
    pub bytes: u64,
}

/// Bytes of a manifest: some 40,000 columns.
const MAX_BYTES: usize = 4 << 20;
/// Its parts: each takes up to 50 bytes of memory, however short it is in JSON.
const MAX_PARTS: usize = 400_000;

impl Manifest {
    /// Whether a manifest of this text is small enough to be read within the memory that readers promise.
    pub(crate) fn may_be_read(text: &[u8]) -> bool {
        let parts = text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{'));
        text.len() <= MAX_BYTES && parts.count() <= MAX_PARTS
    }

    /// SHA-256 over names and types of tables and columns, in hexadecimal digits: equal for equal schemas.
    pub fn fingerprint_of(tables: &[Table]) -> String {
        let mut digest = Sha256::new();
        for table in tables {
            // Lengths keep the parts apart.
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
