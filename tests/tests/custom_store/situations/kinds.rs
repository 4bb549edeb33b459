//! Kinds of schemas, each with two tenants whose keys look alike: discovered, answered as proposed, cloned, verified, compared by content,
//! deleted. The scenarios are in `tests/fixtures/kinds`.
//!
//! Which test of ours holds the situation of which public bug report (by its number in the list of reports that the project keeps outside of the repository):
//!
//! | report | test |
//! |---|---|
//! | 00, 23, 47 | `tables::roles`, `custom_store::types`, `custom_store::given_values` |
//! | 01 | `polymorphic` here, `custom_store::references` |
//! | 02, 16, 48 | `documents` here, `custom_store::text_keys`, `documents::rows`, `core/tests/jsonb_codec` |
//! | 03 | `types` here, `custom_store::types` |
//! | 04, 04b, 04c, 05, 06, 39 | `keys` here, `custom_store::keys`, `custom_store::membership` |
//! | 07, 19, 22 | `unique` here, `custom_store::unique`, `custom_store::given_values` |
//! | 08, 08b, 08c | `circles` here, `custom_store::circles` |
//! | 11, 14, 29 | `storage` and `keys` here, `tables::names`, `tables::elsewhere` |
//! | 13 | `trees` here |
//! | 15, 30, 33 | `documents::spellings`, `documents::references` |
//! | 20b, 24 | `keys` here, `custom_store::keys` |
//! | 21, 42 | `custom_store::situations`, `custom_store::unique` |
//! | 25, 40, 51, 54 | `membership` here, `custom_store::filters`, `custom_store::shop` |
//! | 26, 44 | `custom_store::membership`, `custom_store::description` |
//! | 27, 43, 43c | `lifecycle::refresh` |
//! | 50 | `medplum::contents` |
//! | 52 | `tables::names`, `rights::qualified_sql` |
//! | 53 | `custom_store::situations` |

use crate::{assert_verified, description::discovered};
use pg_clone_tests::scratch_database::Scratch;

/// A schema with its data, and what must be said of a clone.
#[derive(Default)]
struct Scenario {
    name: String,
    tenant: String,
    source: String,
    other: String,
    /// A query with `$T` for a tenant: what a clone has as its source has it.
    content: String,
    /// SQLSTATE, where a clone must be refused before anything is written.
    refused: Option<String>,
    sql: String,
}

fn scenarios(file: &str) -> Vec<Scenario> {
    let mut found: Vec<Scenario> = Vec::new();
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("-- scenario: ") {
            found.push(Scenario {
                name: name.to_owned(),
                ..Scenario::default()
            });
            continue;
        }
        let Some(scenario) = found.last_mut() else {
            continue;
        };
        let told = |what: &str| line.strip_prefix(what).map(str::to_owned);
        if let Some(tenant) = told("-- tenant: ") {
            scenario.tenant = tenant;
        } else if let Some(tenants) = told("-- source: ") {
            let (source, other) = tenants.split_once(", other: ").unwrap_or_default();
            (scenario.source, scenario.other) = (source.to_owned(), other.to_owned());
        } else if let Some(query) = told("-- content: ") {
            scenario.content = query;
        } else if let Some(code) = told("-- refused: ") {
            scenario.refused = Some(code);
        } else {
            scenario.sql.push_str(line);
            scenario.sql.push('\n');
        }
    }
    found
}

/// All rows of all tables, as text.
async fn everything(db: &Scratch) -> Vec<String> {
    let tables = db
        .list(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1",
        )
        .await;
    let mut rows = Vec::new();
    for table in tables {
        rows.extend(
            db.list(&format!(
                "SELECT '{table}: ' || all_columns::text FROM ONLY {table} AS all_columns ORDER BY 1"
            ))
            .await,
        );
    }
    rows
}

async fn content(db: &Scratch, scenario: &Scenario, tenant: &str) -> Vec<String> {
    let query = scenario.content.replace("$T", &format!("'{tenant}'"));
    db.list(&format!("SELECT c::text FROM ({query}) AS c ORDER BY 1"))
        .await
}

/// Answers every question as it is proposed.
async fn answer(db: &Scratch) {
    for _ in 0..6 {
        let calls = db
            .list("SELECT answer FROM clone.store_check('s') WHERE severity <> 'note'")
            .await;
        if calls.is_empty() {
            return;
        }
        for call in calls {
            db.run(&call).await;
        }
    }
    panic!("questions stay open");
}

async fn hold(scenario: &Scenario) {
    let name = &scenario.name;
    let db = Scratch::with_extension().await;
    db.run(&scenario.sql).await;
    let before = everything(&db).await;
    let (own, others) = (
        content(&db, scenario, &scenario.source).await,
        content(&db, scenario, &scenario.other).await,
    );
    assert!(!own.is_empty(), "{name}");
    let tenant = scenario.tenant.replace('\'', "''");
    db.run(&format!(
        "SELECT clone.store_create('s', 'discover', jsonb_build_object('tenant', '{tenant}'))"
    ))
    .await;
    answer(&db).await;
    if let Some(code) = &scenario.refused {
        let failure = db
            .fails(&format!("SELECT project_clone('{}')", scenario.source))
            .await;
        assert_eq!(&failure.code, code, "{name}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{name}: {failure:?}");
        assert_eq!(everything(&db).await, before, "{name}");
        return;
    }
    db.run(&format!("SELECT project_clone('{}')", scenario.source))
        .await;
    let clone = db.text("SELECT target_project FROM clone.run").await;
    assert_eq!(content(&db, scenario, &clone).await, own, "{name}");
    assert_eq!(content(&db, scenario, &scenario.source).await, own, "{name}");
    assert_eq!(content(&db, scenario, &scenario.other).await, others, "{name}");
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(everything(&db).await, before, "{name}");
}

macro_rules! kinds {
    ($($kind:ident),*) => {$(
        #[tokio::test]
        async fn $kind() {
            for scenario in scenarios(include_str!(concat!("../../../fixtures/kinds/", stringify!($kind), ".sql"))) {
                hold(&scenario).await;
            }
        }
    )*};
}

kinds!(
    circles,
    documents,
    keys,
    membership,
    polymorphic,
    storage,
    trees,
    types,
    unique
);

#[tokio::test]
#[cfg_attr(not(icu), ignore = "needs a server with ICU")]
async fn collations() {
    for scenario in scenarios(include_str!("../../../fixtures/kinds/collations.sql")) {
        hold(&scenario).await;
    }
}

#[tokio::test]
async fn a_column_whose_values_name_rows_of_other_tenants_is_not_proposed_as_a_reference() {
    let db = discovered(
        "CREATE TABLE org (id int GENERATED BY DEFAULT AS IDENTITY (START 90000) PRIMARY KEY, name text NOT NULL); INSERT INTO org SELECT n, 'o' || n FROM generate_series(1, 3) n;
         CREATE TABLE articles (id int GENERATED BY DEFAULT AS IDENTITY (START 70000) PRIMARY KEY, org_id int NOT NULL REFERENCES org);
         INSERT INTO articles SELECT 500 + n, 1 + n * 7 % 3 FROM generate_series(1, 60) n;
         CREATE TABLE components_blocks_heroes (id int PRIMARY KEY, headline text); INSERT INTO components_blocks_heroes SELECT n, 'h' FROM generate_series(1, 40) n;
         CREATE TABLE components_blocks_quotes (id int PRIMARY KEY, body text); INSERT INTO components_blocks_quotes SELECT n, 'q' FROM generate_series(1, 60) n;
         CREATE TABLE articles_cmps (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, entity_id int NOT NULL REFERENCES articles, cmp_id int, component_type text);
         INSERT INTO articles_cmps (entity_id, cmp_id, component_type) SELECT 501 + n * 17 % 60, n, k FROM (SELECT id AS n, 'blocks.hero' AS k FROM components_blocks_heroes UNION ALL SELECT id, 'blocks.quote' FROM components_blocks_quotes) s",
        "org",
    )
    .await;
    let asked = db
        .text("SELECT concat_ws(' ', severity, question, COALESCE(answer, 'none'), otherwise) FROM clone.store_check('s') WHERE subject = 'public.articles_cmps.cmp_id'")
        .await;
    assert!(
        asked.starts_with("error public.articles_cmps.cmp_id looks like a reference to public.articles_cmps, and no foreign key says so. But of ")
            && asked.contains(" are those of rows of other tenants alone. component_type beside it names public.components_blocks_heroes, public.components_blocks_quotes none SELECT clone.store_column("),
        "{asked}"
    );
}
