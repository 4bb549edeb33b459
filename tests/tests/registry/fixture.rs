//! A database with a registry in it, one per test: copied from a template that is made once.
//!
//! The items of `golden/registry_items.json` are synthetic, in the present model, with handles 10378.1/100 to 112; `ada` owns
//! all of them. Users: `bob` reads and writes, `eve` only reads, `root` is an admin, `mallory` has no
//! role at all. Database roles: `app` may set pg_clone.actor, `plain` may not.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use throwaway_cluster::{Cluster, ClusterConfig};
use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config};

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The made-up items.
pub const ITEMS: &str = include_str!("../../golden/registry_items.json");

/// Handles of the made-up items.
pub const ORGANISATION: &str = "10378.1/100";
pub const PERSON: &str = "10378.1/101";
pub const MODEL: &str = "10378.1/102";
pub const INPUT_TEMPLATE: &str = "10378.1/103";
pub const OUTPUT_TEMPLATE: &str = "10378.1/104";
pub const WORKFLOW: &str = "10378.1/105";
pub const DATASET: &str = "10378.1/106";
pub const STUDY: &str = "10378.1/107";
pub const RUN_1: &str = "10378.1/108";
pub const RUN_2: &str = "10378.1/109";
pub const CREATE: &str = "10378.1/110";
pub const VERSION: &str = "10378.1/111";
pub const SEED: &str = "10378.1/112";

/// The error of a failed statement.
#[derive(Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

/// A database of one test.
pub struct Registry {
    pub client: Client,
    config: Config,
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::start(ClusterConfig::default()).unwrap();
            let postgres = cluster.connect("postgres").await.unwrap();
            postgres
                .batch_execute("CREATE ROLE app; CREATE ROLE plain LOGIN; GRANT SET ON PARAMETER pg_clone.actor TO app")
                .await
                .unwrap();
            for database in ["bare", "items"] {
                postgres.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
                let client = cluster.connect(database).await.unwrap();
                client
                    .batch_execute(
                        "CREATE EXTENSION pg_clone_ext;
                         SELECT clone.store_create('reg', 'registry', '{\"handle_prefix\": \"10378.1\", \"grant_to\": [\"app\", \"plain\"]}')",
                    )
                    .await
                    .unwrap();
                if database == "items" {
                    fill(&client).await;
                }
            }
            cluster
        })
        .await
}

async fn fill(client: &Client) {
    let items: Value = serde_json::from_str(ITEMS).unwrap();
    // Fields of a model that this registry has besides: subtypes are rows.
    client
        .batch_execute(
            "UPDATE reg.subtype SET json_schema = jsonb_set(json_schema, '{properties}', json_schema->'properties' || \
             '{\"zero\": {\"type\": \"number\"}, \"off\": {\"type\": \"boolean\"}, \"precise\": {\"type\": \"number\"}}') WHERE name = 'MODEL'",
        )
        .await
        .unwrap();
    client
        .query_one("SELECT clone.registry_load($1)", &[&items])
        .await
        .unwrap();
    client
        .batch_execute(
            "INSERT INTO reg.user_role VALUES ('bob', 'registry-read'), ('bob', 'registry-write'), ('eve', 'registry-read'),
                 ('root', 'registry-read'), ('root', 'registry-write'), ('root', 'registry-admin');
             INSERT INTO reg.group_user (group_id, username) VALUES ('g1', 'bob')",
        )
        .await
        .unwrap();
}

async fn copy_of(template: &str) -> Registry {
    let cluster = cluster().await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let postgres = cluster.connect("postgres").await.unwrap();
    // The session that filled the template may take a moment to be gone.
    let mut tries = 0;
    while let Err(error) = postgres
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
    {
        tries += 1;
        assert!(tries < 500, "{error:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let config = cluster.connection(&name);
    let client = cluster.connect(&name).await.unwrap();
    Registry { client, config }
}

/// A registry with the made-up items.
pub async fn with_items() -> Registry {
    copy_of("items").await
}

/// A registry without items.
pub async fn empty() -> Registry {
    copy_of("bare").await
}

impl Registry {
    /// Where other programs reach it.
    pub async fn dsn(&self) -> String {
        cluster().await.dsn(self.config.get_dbname().unwrap_or_default())
    }

    /// How sessions connect.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Another session on the same database.
    pub async fn session(&self) -> Client {
        let (client, connection) = self.config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Another session, of another role.
    pub async fn session_as(&self, role: &str) -> Client {
        let (client, connection) = self
            .config
            .clone()
            .user(role)
            .connect(tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) {
        self.client
            .batch_execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// The only value of a query, as JSON.
    pub async fn json(&self, sql: &str) -> Value {
        let sql = format!("SELECT to_jsonb(({sql}))");
        let row = self
            .client
            .query_one(&sql, &[])
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        row.get::<_, Option<Value>>(0).unwrap_or(Value::Null)
    }

    /// Clones an item for a user.
    pub async fn clone_item(
        &self,
        id: &str,
        edits: Value,
        actor: &str,
        options: Value,
    ) -> Result<Value, Failure> {
        self.call(
            "SELECT item_clone($1, $2, $3, options => $4)",
            &[&id, &edits, &actor, &options],
        )
        .await
    }

    /// Clones an item for ada, as it is.
    pub async fn cloned(&self, id: &str) -> Value {
        self.clone_item(id, Value::Null, "ada", Value::Null)
            .await
            .unwrap()
    }

    /// Clones a set for ada.
    pub async fn clone_set(&self, ids: &[&str], edits: Value, options: Value) -> Result<Vec<Value>, Failure> {
        let sql = "SELECT COALESCE(jsonb_agg(c), '[]') FROM items_clone($1, $2, 'ada', options => $3) c";
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_string()).collect();
        let list = self.call(sql, &[&ids, &edits, &options]).await?;
        Ok(list.as_array().unwrap().clone())
    }

    /// A call whose value is JSON.
    pub async fn call(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Value, Failure> {
        self.client
            .query_one(sql, arguments)
            .await
            .map(|row| row.get(0))
            .map_err(Failure::of)
    }

    /// How a statement fails.
    pub async fn failure(&self, sql: &str) -> Failure {
        match self.client.query(sql, &[]).await {
            Ok(_) => panic!("{sql} did not fail"),
            Err(error) => Failure::of(error),
        }
    }

    /// An item as one document.
    pub async fn item(&self, id: &str) -> Value {
        self.json(&format!("SELECT payload FROM reg.item_payload WHERE id = '{id}'"))
            .await
    }

    /// Everything the tables say of an item, to see that nothing changed.
    pub async fn everything(&self, id: &str) -> Value {
        self.json(&format!(
            "SELECT jsonb_build_array((SELECT to_jsonb(i) FROM reg.item i WHERE id = '{id}'), \
             (SELECT i.xmin::text || i.ctid::text FROM reg.item i WHERE id = '{id}'), \
             (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.id) FROM reg.item_history h WHERE item_id = '{id}'), \
             (SELECT to_jsonb(a) FROM reg.item_auth a WHERE id = '{id}'), \
             (SELECT to_jsonb(l) FROM reg.item_lock l WHERE id = '{id}'))"
        ))
        .await
    }
}

impl Failure {
    /// What the server said.
    pub fn of(error: tokio_postgres::Error) -> Self {
        let said = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
        Failure {
            code: said.code().code().to_string(),
            message: said.message().to_string(),
            detail: said.detail().unwrap_or_default().to_string(),
            hint: said.hint().unwrap_or_default().to_string(),
        }
    }
}

/// The handle of a clone.
pub fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap()
}

/// A file that is shared with the project but not part of it. Tests that need one are ignored where `build.rs` does not find it.
pub fn shared(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
