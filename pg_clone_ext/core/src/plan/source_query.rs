//! Queries over the rows of one table of a store. Those that join several tables or write to one are built where they are used.

use super::quote;
use super::store::Table;
use super::table_copy::canonical_key;
use super::types::is_text;

/// The rows of a table that meet all conditions. In conditions and expressions the row has the alias `t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQuery {
    from: String,
    conditions: Vec<String>,
    limit: Option<i64>,
}

impl SourceQuery {
    /// Every row of a relation, given as a FROM item: [`Table::from_sql`], [`Table::source_name`] or
    /// [`Table::sql_name`].
    pub fn over(relation: &str) -> Self {
        SourceQuery {
            from: relation.to_owned(),
            conditions: Vec::new(),
            limit: None,
        }
    }

    /// Only rows that meet an SQL condition.
    pub fn filter(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// At most so many rows, any of them; None: all.
    pub fn limit(mut self, rows: Option<i64>) -> Self {
        self.limit = rows;
        self
    }

    /// Only rows whose column of `table` has this value, given as text.
    pub fn equal(self, table: &Table, column: &str, value: &str) -> Self {
        let condition = format!(
            "t.{} OPERATOR(pg_catalog.=) {}::{}",
            quote::identifier(column),
            quote::literal(value),
            table.type_of(column)
        );
        self.filter(condition)
    }

    /// Only rows whose column of `table` has one of these values, given as texts in the form in which equal keys are the same.
    pub fn any_of<V: AsRef<str>>(
        self,
        table: &Table,
        column: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| quote::literal(value.as_ref()))
            .collect();
        // The operator of citext is its own; in the text form no index is used.
        let condition = match canonical_key(table, column, "t") {
            Some(key) if is_text(table.type_of(column)) => format!(
                "({key})::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.text[])",
                values.join(", ")
            ),
            _ => format!(
                "t.{} OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::{}[])",
                quote::identifier(column),
                values.join(", "),
                table.type_of(column)
            ),
        };
        self.filter(condition)
    }

    /// SELECT of a list of expressions of the rows; with a limit not of an aggregate.
    pub fn select(&self, expressions: &str) -> String {
        let condition = match self.conditions.as_slice() {
            [] => String::new(),
            [only] => format!(" WHERE {only}"),
            all => format!(" WHERE ({})", all.join(") AND (")),
        };
        let limit = self.limit.map_or(String::new(), |rows| format!(" LIMIT {rows}"));
        format!("SELECT {expressions} FROM {} AS t{condition}{limit}", self.from)
    }

    /// SELECT of the number of rows.
    pub fn count(&self) -> String {
        self.select("pg_catalog.count(*)")
    }

    /// SELECT of whether there is such a row.
    pub fn exists(&self) -> String {
        format!("SELECT EXISTS ({})", self.select(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_conditions_stand_in_parentheses() {
        let rows = SourceQuery::over("public.doc").filter("a OR b");
        assert_eq!(
            rows.select("t.id"),
            "SELECT t.id FROM public.doc AS t WHERE a OR b"
        );
        assert_eq!(
            rows.clone().limit(Some(3)).select("t.id"),
            "SELECT t.id FROM public.doc AS t WHERE a OR b LIMIT 3"
        );
        assert_eq!(
            rows.filter("c").count(),
            "SELECT pg_catalog.count(*) FROM public.doc AS t WHERE (a OR b) AND (c)"
        );
    }

    #[test]
    fn without_a_condition_there_is_no_where() {
        assert_eq!(
            SourceQuery::over("doc").exists(),
            "SELECT EXISTS (SELECT  FROM doc AS t)"
        );
    }
}
