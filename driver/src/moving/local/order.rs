//! The order in which tables are written, so that referenced rows exist.

use std::collections::HashSet;

use anyhow::Result;

use crate::connect::session::Session;
use crate::failure::Hinted;

/// A table, and its columns that are written after all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: String,
    /// Columns that reference rows of later tables.
    pub later: Vec<String>,
}

/// A foreign key that is not deferrable.
#[derive(Debug, Clone)]
struct Edge {
    table: String,
    names: String,
    nullable: Vec<String>,
}

/// The order for these tables.
///
/// # Errors
/// Foreign keys form a cycle, and all of them are NOT NULL and not deferrable.
pub async fn of(private: &Session, tables: &Vec<String>) -> Result<Vec<Step>> {
    let rows = private
        .query(include_str!("sql/foreign_keys.sql"), &[tables])
        .await?;
    let edges = rows
        .iter()
        .map(|row| {
            Ok(Edge {
                table: row.try_get(0)?,
                names: row.try_get(1)?,
                nullable: row.try_get(2)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    sorted(tables, &edges)
}

fn sorted(tables: &[String], edges: &[Edge]) -> Result<Vec<Step>> {
    let mut left: Vec<&String> = tables.iter().collect();
    let mut steps = Vec::with_capacity(tables.len());
    while !left.is_empty() {
        let waiting: HashSet<&String> = left.iter().copied().collect();
        let of = |table: &String| -> Vec<&Edge> {
            let own = edges.iter().filter(|edge| edge.table == *table);
            own.filter(|edge| waiting.contains(&edge.names)).collect()
        };
        let ready = left.iter().position(|table| of(table).is_empty());
        let next = ready.or_else(|| {
            left.iter()
                .position(|table| of(table).iter().all(|edge| !edge.nullable.is_empty()))
        });
        let Some(next) = next else {
            let names: Vec<&str> = left.iter().map(|name| name.as_str()).collect();
            return Err(Hinted::new(
                format!("tables name each other in a circle that cannot be written: {}", names.join(", ")),
                "Make one of their foreign keys DEFERRABLE, or its column NULL-able; or install the extension in the target.",
            )
            .into());
        };
        let mut later: Vec<String> = of(left[next])
            .iter()
            .flat_map(|edge| edge.nullable.clone())
            .collect();
        later.sort();
        later.dedup();
        steps.push(Step {
            table: left.remove(next).clone(),
            later,
        });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(table: &str, names: &str, nullable: &[&str]) -> Edge {
        Edge {
            table: table.to_owned(),
            names: names.to_owned(),
            nullable: nullable.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn order(edges: &[Edge]) -> Result<Vec<(String, Vec<String>)>> {
        let tables = ["a", "b", "c"].map(str::to_owned);
        let steps = sorted(&tables, edges)?;
        Ok(steps.into_iter().map(|step| (step.table, step.later)).collect())
    }

    #[test]
    fn what_is_named_comes_first_and_a_circle_is_closed_later() {
        let plain = order(&[edge("a", "b", &[]), edge("b", "c", &["x"])]).unwrap();
        assert_eq!(
            plain,
            [("c", vec![]), ("b", vec![]), ("a", vec![])].map(|(a, b)| (a.to_owned(), b))
        );
        let circle = order(&[
            edge("a", "b", &[]),
            edge("b", "a", &["x", "y"]),
            edge("c", "a", &[]),
        ])
        .unwrap();
        assert_eq!(circle[0], ("b".to_owned(), vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(circle[1].0, "a");
    }

    #[test]
    fn a_circle_that_cannot_be_written_is_named() {
        let error = order(&[edge("a", "b", &[]), edge("b", "a", &[])]).unwrap_err();
        assert!(error.to_string().ends_with("a, b"), "{error}");
    }
}
