//! SQL functions for moving projects between databases.

use pgrx::prelude::*;

#[pg_schema]
mod clone {
    use crate::api::clone::argument;
    use crate::entry::entry;
    use crate::pg::value::json_text::JsonText;
    use crate::run::plan::source_queries::source_queries as queries;
    use pgrx::prelude::*;

    /// For `pg_clone copy` and `pg_clone export`: the columns of each table and the condition on its rows (alias `t`), to read a project from another database with the same tables.
    /// `options` are those of `project_clone`. Errors: 22023 bad argument, 55000 changed tables.
    #[pg_extern(volatile, parallel_unsafe)]
    fn source_queries(
        source_project: Option<String>,
        store: default!(Option<String>, "NULL"),
        options: default!(Option<JsonText>, "'{}'"),
    ) -> TableIterator<
        'static,
        (
            name!(relation, String),
            name!(columns, Vec<String>),
            name!(condition, String),
        ),
    > {
        let found = entry(|_| {
            let options = argument("options", options)?;
            queries(&source_project.unwrap_or_default(), store.as_deref(), &options)
        });
        TableIterator::new(
            found
                .into_iter()
                .map(|query| (query.relation, query.columns, query.condition)),
        )
    }
}
