//! Former states of rows: client_history, whose id is the key of the client.

use super::super::{answer_all, discovered, open};

const CLIENTS: &str = "CREATE TABLE tenant (id bigserial PRIMARY KEY, name text); INSERT INTO tenant (name) VALUES ('Other'), ('Ours');
    CREATE TABLE client (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenant, firma text); INSERT INTO client (tenant_id, firma) SELECT 1 + n % 2, 'f' || n FROM generate_series(1, 60) n;";

#[tokio::test]
async fn former_states_name_the_rows_of_the_clone() {
    for (table, columns, rows) in [
        (
            "client_history",
            "id bigint NOT NULL, tenant_id bigint, firma text",
            36,
        ),
        (
            "\"ClientVersions\"",
            "version_id bigserial PRIMARY KEY, id bigint NOT NULL, tenant_id bigint, firma text",
            36,
        ),
        (
            "client_aud",
            "id bigint NOT NULL, rev int NOT NULL DEFAULT 1, tenant_id bigint, firma text, PRIMARY KEY (id, rev)",
            30,
        ),
        (
            "archived_clients",
            "id bigint PRIMARY KEY, tenant_id bigint, firma text",
            30,
        ),
        (
            "former",
            "id bigint NOT NULL, tenant_id bigint, firma text, at timestamptz",
            36,
        ),
        ("clients_log", "LIKE client INCLUDING DEFAULTS", 36),
    ] {
        let db = discovered(
            &format!("{CLIENTS} CREATE TABLE {table} ({columns}); INSERT INTO {table} (id, tenant_id, firma) SELECT id, tenant_id, firma FROM client; INSERT INTO {table} (id, tenant_id, firma) SELECT 900 + id, tenant_id, 'gone' FROM client WHERE id < 13"),
            "tenant",
        )
        .await;
        assert_eq!(open(&db).await, [format!("error public.{table}.id")]);
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.list(&format!("SELECT (SELECT count(*) FROM {table} WHERE tenant_id = {clone})::text UNION ALL SELECT count(*)::text FROM {table} h JOIN client c ON c.id = h.id AND c.tenant_id = h.tenant_id WHERE c.tenant_id = {clone}"))
                .await,
            [rows.to_string(), "30".to_owned()],
            "{table}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        answer_all(&discovered(&format!("{CLIENTS} CREATE TABLE {table} ({columns}); INSERT INTO {table} (id, tenant_id, firma) SELECT id, tenant_id, firma FROM client"), "tenant").await, "otherwise").await;
    }
}

#[tokio::test]
async fn former_states_without_a_tenant_belong_with_their_rows() {
    let db = discovered(
        &format!("{CLIENTS} CREATE TABLE client_aud (id bigint NOT NULL, rev int NOT NULL, firma text, PRIMARY KEY (id, rev)); INSERT INTO client_aud SELECT id, 1, firma FROM client; CREATE TABLE tenant_history (id bigint NOT NULL, name text, at int); INSERT INTO tenant_history SELECT id, name, 1 FROM tenant"),
        "tenant",
    )
    .await;
    assert_eq!(
        open(&db).await,
        ["error public.client_aud.id", "error public.tenant_history.id"]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM client_aud a JOIN client c ON c.id = a.id WHERE c.tenant_id = {clone}"
        ))
        .await,
        30
    );
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM tenant_history WHERE id = {clone}"))
            .await,
        1
    );
}

#[tokio::test]
async fn tables_with_numbers_of_their_own_are_no_history() {
    let db = discovered(
        &format!("{CLIENTS} CREATE TABLE client_log (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenant, firma text); INSERT INTO client_log (tenant_id, firma) SELECT tenant_id, firma FROM client;
            CREATE TABLE supplier (LIKE client INCLUDING ALL); INSERT INTO supplier (tenant_id, firma) SELECT tenant_id, firma FROM client"),
        "tenant",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
}
