//! Every argument of every function for users, with every kind of nonsense: refused with a word that helps, or right.

use pg_clone_tests::scratch_database::{Scratch, Session};
use std::collections::BTreeSet;

const ORG: &str = "'a0000000-0000-4000-8000-000000000001'";
const TABLES: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE doc (id uuid PRIMARY KEY, org_id uuid REFERENCES org, kind text, content jsonb);
    CREATE TABLE note (id uuid PRIMARY KEY, doc_id uuid, kind text, about uuid); CREATE TABLE country (id uuid PRIMARY KEY); CREATE VIEW a_view AS TABLE org;
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'O'); INSERT INTO doc VALUES (md5('d')::uuid, 'a0000000-0000-4000-8000-000000000001', 'a', '{}');
    SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'doc', 'resource', project_column => 'org_id');
    SELECT clone.store_table('s', 'note', 'derived', parent => 'doc', join_column => 'doc_id');
    SELECT clone.store_create('reg', 'registry', '{\"handle_prefix\": \"10378.1\"}'); CREATE ROLE app_of_arguments;
    SELECT set_config('test.clone', project_clone('a0000000-0000-4000-8000-000000000001', 'Copy')->>'id', false)";

/// Functions, each with its arguments as SQL, in order.
const CALLS: [(&str, &[(&str, &str)]); 38] = [
    (
        "clone.allow",
        &[("role", "'app_of_arguments'"), ("operator", "false")],
    ),
    ("clone.allow_worker", &[("role", "'app_of_arguments'")]),
    ("clone.expire", &[("store", "'s'")]),
    ("clone.last_run", &[]),
    (
        "clone.registry_cloneable",
        &[("actor", "'ada'"), ("store", "'reg'")],
    ),
    (
        "clone.registry_export",
        &[("item_ids", "'{}'"), ("store", "'reg'")],
    ),
    (
        "clone.registry_grant",
        &[("schema", "'reg'"), ("role", "'app_of_arguments'")],
    ),
    (
        "clone.registry_load",
        &[("bundle", "'[]'"), ("store", "'reg'"), ("options", "'{}'")],
    ),
    (
        "clone.registry_load_check",
        &[("bundle", "'[]'"), ("store", "'reg'")],
    ),
    (
        "clone.rule",
        &[
            ("store", "'s'"),
            ("resource_type", "'doc'"),
            ("path", "'$.secret'"),
            ("action", "'remove'"),
            ("value", "NULL"),
            ("when", "'@.a == 1'"),
            ("unless_cloned", "'$.x'"),
            ("if_given", "'name'"),
            ("columns", "'{}'"),
            ("todo", "'do'"),
            ("position", "1"),
        ],
    ),
    ("clone.run_next_job", &[]),
    (
        "clone.set_expiry",
        &[
            ("target_project", "current_setting('test.clone')"),
            ("expires_in", "'1 day'"),
            ("expires_at", "NULL"),
        ],
    ),
    (
        "clone.source_queries",
        &[("source_project", ORG), ("store", "'s'"), ("options", "'{}'")],
    ),
    (
        "clone.preserve_ids",
        &[
            ("store", "'s'"),
            ("resource_type", "'doc'"),
            ("keep_added", "false"),
            ("needs", "'{}'"),
        ],
    ),
    ("clone.store_alter", &[("store", "'s'"), ("options", "'{}'")]),
    (
        "clone.store_belongs",
        &[
            ("store", "'s'"),
            ("relation", "'note'"),
            ("columns", "'{about}'"),
            ("parent", "'doc'"),
            ("parent_columns", "'{id}'"),
            ("condition", "'kind = ''a'''"),
        ],
    ),
    ("clone.store_check", &[("store", "'s'")]),
    (
        "clone.store_column",
        &[
            ("store", "'s'"),
            ("relation", "'doc'"),
            ("name", "'kind'"),
            ("role", "'value'"),
            ("target", "NULL"),
            ("value", "'x'"),
        ],
    ),
    (
        "clone.store_create",
        &[("name", "'other'"), ("preset", "'custom'"), ("options", "'{}'")],
    ),
    (
        "clone.store_discover",
        &[
            ("tenant", "'org'"),
            ("name", "'other'"),
            ("schemas", "'{public}'"),
            ("shared", "'{country}'"),
        ],
    ),
    ("clone.store_drop", &[("name", "'s'"), ("force", "false")]),
    ("clone.store_export", &[("store", "'s'")]),
    (
        "clone.store_import",
        &[("description", "clone.store_export('s')"), ("name", "'other'")],
    ),
    (
        "clone.store_no_reference",
        &[
            ("store", "'s'"),
            ("relation", "'note'"),
            ("column", "'about'"),
            ("path", "NULL"),
        ],
    ),
    (
        "clone.store_polymorphic",
        &[
            ("store", "'s'"),
            ("relation", "'note'"),
            ("column", "'about'"),
            ("type_column", "'kind'"),
            ("belongs", "false"),
        ],
    ),
    (
        "clone.store_reference",
        &[
            ("store", "'s'"),
            ("relation", "'note'"),
            ("column", "'about'"),
            ("target", "'doc'"),
        ],
    ),
    ("clone.store_refresh", &[("store", "'s'")]),
    (
        "clone.store_remove_table",
        &[("store", "'s'"), ("table_name", "'note'")],
    ),
    (
        "clone.store_shared",
        &[
            ("store", "'s'"),
            ("relation", "'country'"),
            ("reason", "'all use it'"),
        ],
    ),
    (
        "clone.store_table",
        &[
            ("store", "'s'"),
            ("relation", "'note'"),
            ("role", "'derived'"),
            ("resource_type", "NULL"),
            ("type_column", "NULL"),
            ("id_column", "'id'"),
            ("project_column", "NULL"),
            ("parent", "'doc'"),
            ("join_column", "'doc_id'"),
            ("document_column", "NULL"),
            ("version_path", "NULL"),
            ("live", "'kind IS NULL'"),
            ("columns", "'{}'"),
            ("cloned", "true"),
            ("blob_key", "NULL"),
            ("blob_type", "NULL"),
            ("position", "0"),
        ],
    ),
    (
        "public.project_clone",
        &[
            ("source_project", ORG),
            ("name", "'x'"),
            ("resource_types", "NULL"),
            ("include_ids", "NULL"),
            ("exclude_ids", "NULL"),
            ("owner", "NULL"),
            ("store", "'s'"),
            ("options", "'{}'"),
        ],
    ),
    (
        "public.project_clone_plan",
        &[
            ("source_project", ORG),
            ("name", "'x'"),
            ("store", "'s'"),
            ("options", "'{}'"),
        ],
    ),
    (
        "public.project_clone_start",
        &[
            ("source_project", ORG),
            ("name", "'x'"),
            ("store", "'s'"),
            ("options", "'{}'"),
        ],
    ),
    ("public.project_clone_cancel", &[("job", "1")]),
    (
        "public.project_clone_verify",
        &[
            ("target_project", "current_setting('test.clone')"),
            ("store", "'s'"),
        ],
    ),
    (
        "public.project_delete",
        &[
            ("target_project", "current_setting('test.clone')"),
            ("store", "'s'"),
            ("options", "'{}'"),
        ],
    ),
    (
        "public.item_clone",
        &[
            ("item_id", "'10378.1/1'"),
            ("edits", "'{}'"),
            ("actor", "'ada'"),
            ("store", "'reg'"),
            ("options", "'{}'"),
        ],
    ),
    (
        "public.items_clone",
        &[
            ("item_ids", "'{10378.1/1}'"),
            ("edits", "'{}'"),
            ("actor", "'ada'"),
            ("store", "'reg'"),
            ("options", "'{}'"),
        ],
    ),
];

/// What stands in an argument's place, by its type.
fn nonsense(argument_type: &str) -> Vec<String> {
    let texts: &[&str] = match argument_type {
        "text" | "name" => &[
            "''",
            "'no such thing'",
            "' '",
            "E'a\\nb'",
            "repeat('x', 20000)",
            "'{}'",
            "'$['",
        ],
        "jsonb" => &[
            "'7'",
            "'[]'",
            "'null'",
            "'{\"no_such\": 1}'",
            "'\"x\"'",
            "'[null]'",
            "'{\"\": {}}'",
            "to_jsonb(repeat('x', 20000))",
            "jsonb_build_object(repeat('x', 20000), repeat('y', 20000))",
        ],
        "text[]" | "name[]" => &[
            "'{}'",
            "'{NULL}'",
            "'{no such}'",
            "'{\"\"}'",
            "'{{a,b},{c,d}}'",
            "ARRAY[repeat('x', 20000)]",
        ],
        "regclass" => &[
            "'a_view'",
            "'org_pkey'",
            "'pg_class'",
            "'country'",
            "'99999999'::oid::regclass",
        ],
        "regclass[]" => &[
            "'{}'",
            "'{NULL}'",
            "'{a_view}'",
            "ARRAY['99999999'::oid::regclass]",
        ],
        "integer" | "bigint" => &["-1", "0", "2147483647"],
        "regrole" => &["'99999999'::oid::regrole"],
        "interval" => &["'-1 day'", "'0'", "'178000000 years'"],
        "timestamp with time zone" => &["'infinity'", "'-infinity'", "'1970-01-01'"],
        _ => &[],
    };
    texts
        .iter()
        .map(|text| format!("({text})::{argument_type}"))
        .chain([format!("NULL::{argument_type}")])
        .collect()
}

async fn types_of(db: &Session, function: &str) -> Vec<(String, String)> {
    db.rows(&format!(
        "SELECT a.name, format_type(a.type, NULL) FROM pg_proc p, unnest(p.proargnames, COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a (name, type, n)
         WHERE p.oid IN (SELECT q.oid FROM pg_proc q WHERE q.pronamespace::regnamespace || '.' || q.proname = '{function}' ORDER BY q.pronargs DESC LIMIT 1) AND a.n <= p.pronargs"
    ))
    .await
    .into_iter()
    .map(|row| (row[0].clone().unwrap_or_default(), row[1].clone().unwrap_or_default()))
    .collect()
}

/// Both tests create the same role of the cluster.
static ROLE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn nonsense_in_any_argument_is_refused_with_a_hint() {
    let db = Scratch::with_extension().await;
    let _alone = ROLE.lock().await;
    db.run("DROP ROLE IF EXISTS app_of_arguments").await;
    db.run(TABLES).await;
    let mut bad = Vec::new();
    let mut accepted = Vec::new();
    for (function, arguments) in CALLS {
        let types = types_of(&db, function).await;
        for (name, _) in arguments {
            let (_, argument_type) = types
                .iter()
                .find(|(other, _)| other == name)
                .unwrap_or_else(|| panic!("{function} {name}: {types:?}"));
            for nonsense in nonsense(argument_type) {
                let given: Vec<String> = arguments
                    .iter()
                    .map(|(other, value)| {
                        format!(
                            "\"{other}\" => {}",
                            if other == name { &nonsense } else { *value }
                        )
                    })
                    .collect();
                let call = format!("BEGIN; SELECT * FROM {function}({}); ROLLBACK", given.join(", "));
                let what = format!("{function} {name} {nonsense}");
                match db.attempt(&call).await {
                    Ok(()) => accepted.push(what),
                    Err(failure) => {
                        db.run("ROLLBACK").await;
                        let internal = [
                            "violates",
                            "null value",
                            "XX",
                            "invalid input",
                            "duplicate key",
                            "cannot be null",
                            "must not be null",
                        ]
                        .iter()
                        .any(|word| failure.message.contains(word));
                        if failure.hint.is_empty()
                            || internal
                            || failure.code.starts_with("XX")
                            || failure.code == "P0001"
                            || failure.message.contains("<NULL>")
                            || failure.message.chars().count() > 1000
                        {
                            bad.push(format!(
                                "{what}: {} {} | {} | {}",
                                failure.code,
                                failure.message.chars().take(150).collect::<String>(),
                                failure.detail.chars().take(80).collect::<String>(),
                                failure.hint.chars().take(80).collect::<String>()
                            ));
                        }
                    }
                }
            }
        }
    }
    db.run("DROP OWNED BY app_of_arguments; DROP ROLE app_of_arguments")
        .await;
    println!("accepted:\n{}", accepted.join("\n"));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let tested: BTreeSet<&str> = CALLS.iter().map(|(function, _)| *function).collect();
    assert!(!tested.is_empty());
}

#[tokio::test]
async fn in_a_read_only_transaction_every_function_works_or_says_what_to_do() {
    let db = Scratch::with_extension().await;
    let _alone = ROLE.lock().await;
    db.run("DROP ROLE IF EXISTS app_of_arguments").await;
    db.run(TABLES).await;
    db.run(&format!("SELECT project_clone_start({ORG}, store => 's')"))
        .await;
    let mut bad = Vec::new();
    let mut works = Vec::new();
    for (function, arguments) in CALLS {
        let given: Vec<String> = arguments
            .iter()
            .map(|(name, value)| format!("\"{name}\" => {value}"))
            .collect();
        let call = format!(
            "BEGIN READ ONLY; SELECT * FROM {function}({}); ROLLBACK",
            given.join(", ")
        );
        match db.attempt(&call).await {
            Ok(()) => works.push(function),
            Err(failure) => {
                db.run("ROLLBACK").await;
                if failure.hint.is_empty() || failure.code != "25006" && failure.code.starts_with("25") {
                    bad.push(format!("{function}: {failure:?}"));
                }
            }
        }
    }
    db.run("DROP OWNED BY app_of_arguments; DROP ROLE app_of_arguments")
        .await;
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    for reads in [
        "public.project_clone_plan",
        "public.project_clone_verify",
        "clone.store_check",
        "clone.store_export",
        "clone.source_queries",
    ] {
        assert!(works.contains(&reads), "{reads} only reads");
    }
}
