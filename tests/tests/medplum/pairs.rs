//! Pairs of a source's row and its clone.

use std::collections::HashMap;

use pg_clone_tests::id_oracle::Ids;
use pg_clone_tests::scratch_database::Session;
use serde_json::Value;

/// The ids and version ids that became others.
pub async fn ids(session: &Session) -> Ids {
    let mut new = HashMap::new();
    for row in session
        .rows("SELECT old, new, old_version, new_version FROM test.map")
        .await
    {
        let [old, clone, old_version, new_version] = row.try_into().unwrap();
        new.insert(old.unwrap(), clone.unwrap());
        new.insert(old_version.unwrap(), new_version.unwrap());
    }
    Ids { new }
}

/// A resource of the source and its clone: their rows.
pub struct Pair {
    pub resource_type: String,
    pub source: Value,
    pub clone: Value,
}

impl Pair {
    /// The documents, as text.
    pub fn contents(&self) -> (&str, &str) {
        (
            self.source["content"].as_str().unwrap(),
            self.clone["content"].as_str().unwrap(),
        )
    }
}

/// All pairs.
pub async fn pairs(session: &Session) -> Vec<Pair> {
    let mut found = Vec::new();
    for name in session
        .list("SELECT DISTINCT type FROM test.map ORDER BY 1")
        .await
    {
        let rows = session
            .rows(&format!(
                r#"SELECT to_jsonb(s), to_jsonb(c) FROM test.map m JOIN "{name}" s ON s.id = m.old JOIN "{name}" c ON c.id = m.new"#
            ))
            .await;
        for row in rows {
            let [source, clone] = row.try_into().unwrap();
            let parse = |text: Option<String>| serde_json::from_str(&text.unwrap()).unwrap();
            found.push(Pair {
                resource_type: name.clone(),
                source: parse(source),
                clone: parse(clone),
            });
        }
    }
    found
}

/// Rows of a project in every table.
pub async fn rows_of(session: &Session, project: &str) -> Vec<(String, Value)> {
    session
        .rows(&format!(
            "SELECT relation, row_json FROM test.rows_of('{project}')"
        ))
        .await
        .into_iter()
        .map(|row| {
            let [relation, json] = row.try_into().unwrap();
            (relation.unwrap(), serde_json::from_str(&json.unwrap()).unwrap())
        })
        .collect()
}
