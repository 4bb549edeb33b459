//! The key of a row's file: a text with placeholders for what the row says.

/// A piece of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Id,
    Version,
    Project,
    /// The number of the column among [`FileKey::columns`].
    Column(usize),
}

/// A key with its placeholders: `{id}`, `{version}`, `{project}`, and the names of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileKey {
    pieces: Vec<Piece>,
    columns: Vec<String>,
}

/// What a row says.
#[derive(Debug, Clone, Copy)]
pub struct FileOf<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its version.
    pub version: Option<&'a str>,
    /// The project it belongs to.
    pub project: &'a str,
    /// Its values in [`FileKey::columns`].
    pub columns: &'a [Option<String>],
}

impl FileKey {
    /// Reads a key. A brace that is not closed is text.
    pub fn parse(template: &str) -> Self {
        let mut key = FileKey::default();
        let mut rest = template;
        while let Some((text, name, after)) = rest
            .split_once('{')
            .and_then(|(text, after)| after.split_once('}').map(|(name, after)| (text, name, after)))
        {
            if !text.is_empty() {
                key.pieces.push(Piece::Text(text.to_owned()));
            }
            let piece = match name {
                "id" => Piece::Id,
                "version" => Piece::Version,
                "project" => Piece::Project,
                column => Piece::Column(key.place(column)),
            };
            key.pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            key.pieces.push(Piece::Text(rest.to_owned()));
        }
        key
    }

    fn place(&mut self, column: &str) -> usize {
        let known = self.columns.iter().position(|name| name == column);
        known.unwrap_or_else(|| {
            self.columns.push(column.to_owned());
            self.columns.len() - 1
        })
    }

    /// The columns that it names, each once.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether the row's id is in it.
    pub fn has_id(&self) -> bool {
        self.pieces.contains(&Piece::Id)
    }

    /// Whether the row's version is in it.
    pub fn has_version(&self) -> bool {
        self.pieces.contains(&Piece::Version)
    }

    /// Whether the project's id is in it.
    pub fn has_project(&self) -> bool {
        self.pieces.contains(&Piece::Project)
    }

    /// The text before the first placeholder.
    pub fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The key of a row's file; `None` where a column is NULL or empty, or the version is not known: the row has no file.
    pub fn of(&self, row: FileOf<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            text.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Id => row.id,
                Piece::Version => row.version?,
                Piece::Project => row.project,
                Piece::Column(place) => row
                    .columns
                    .get(*place)?
                    .as_deref()
                    .filter(|value| !value.is_empty())?,
            });
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, columns: &[Option<String>]) -> Option<String> {
        FileKey::parse(template).of(FileOf {
            id: "7",
            version: Some("3"),
            project: "p",
            columns,
        })
    }

    #[test]
    fn placeholders_are_what_the_row_says() {
        let column = |text: &str| Some(text.to_owned());
        assert_eq!(
            filled("{project}/{id}/v{version}.png", &[]).as_deref(),
            Some("p/7/v3.png")
        );
        assert_eq!(
            filled("{key}", &[column("{id}")]).as_deref(),
            Some("{id}"),
            "no placeholder of its own"
        );
        assert_eq!(
            filled("{a}/{b}/{a}", &[column("1"), column("2")]).as_deref(),
            Some("1/2/1")
        );
        assert_eq!(filled("x{", &[]).as_deref(), Some("x{"));
    }

    #[test]
    fn a_row_without_a_value_has_no_file() {
        for columns in [&[][..], &[None], &[Some(String::new())]] {
            assert_eq!(filled("files/{key}", columns), None);
        }
        let row = FileOf {
            id: "7",
            version: None,
            project: "p",
            columns: &[],
        };
        assert_eq!(FileKey::parse("files/{id}/{version}").of(row), None);
    }

    #[test]
    fn a_key_knows_what_it_names() {
        let key = FileKey::parse("{project}/{key}/{id}/{thumb key}");
        assert_eq!(key.columns(), ["key", "thumb key"]);
        assert!(key.has_id() && key.has_project() && !key.has_version());
        assert_eq!((key.prefix(), FileKey::parse("a/{id}").prefix()), ("", "a/"));
    }
}
