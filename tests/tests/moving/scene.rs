//! A production server without the extension, and a test server with it, both with the tables of the shop.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use pg_clone_tests::blob_queue::pg_clone_binary;
use pg_clone_tests::scratch_database::{Scratch, cluster};
use throwaway_cluster::{Cluster, ClusterConfig};
use tokio::sync::OnceCell;

/// The project that moves.
pub const ACME: &str = "a0000000-0000-4000-8000-000000000001";
/// Another one that is in the target from the start.
pub const NEIGHBOUR: &str = "c0000000-0000-4000-8000-000000000001";

const COUNTRIES: &str = "
    CREATE TABLE shop.country (id serial PRIMARY KEY, code text NOT NULL UNIQUE);
    ALTER TABLE shop.customer ADD country_id int REFERENCES shop.country;";

/// Everything that belongs to a tenant, by content: no id is in it.
const CONTENT: &str = "
    SELECT concat_ws(' ', 'customer', c.email, r.email, k.code, c.profile ->> 'note' LIKE '%' || f.id AND f.tenant_id = c.tenant_id)
    FROM shop.customer c LEFT JOIN shop.customer r ON r.id = c.referred_by AND r.tenant_id = c.tenant_id
    LEFT JOIN shop.country k ON k.id = c.country_id
    LEFT JOIN shop.product f ON f.id::text = c.profile #>> '{favourite,id}' WHERE c.tenant_id = $1
    UNION ALL
    SELECT concat_ws(' ', 'category', c.name, p.name) FROM shop.category c
    LEFT JOIN shop.category p ON p.id = c.parent_id AND p.tenant_id = c.tenant_id WHERE c.tenant_id = $1
    UNION ALL
    SELECT concat_ws(' ', 'product', p.sku, p.price, c.name, cardinality(p.related),
        (SELECT count(*) FROM shop.product r WHERE r.id = ANY (p.related) AND r.tenant_id = p.tenant_id))
    FROM shop.product p JOIN shop.category c ON c.id = p.category_id AND c.tenant_id = p.tenant_id WHERE p.tenant_id = $1
    UNION ALL
    SELECT concat_ws(' ', 'item', o.number, c.email, p.sku, i.quantity, s.carrier)
    FROM shop.order_item i JOIN shop.orders o ON o.id = i.order_id JOIN shop.customer c ON c.id = o.customer_id AND c.tenant_id = o.tenant_id
    JOIN shop.product p ON p.id = i.product_id AND p.tenant_id = o.tenant_id
    LEFT JOIN shop.shipment s ON s.code = o.last_shipment AND s.tenant_id = o.tenant_id WHERE o.tenant_id = $1
    ORDER BY 1";

/// The server of the sources; the target's is the test program's.
pub async fn source_server() -> &'static Cluster {
    static SOURCES: OnceCell<Cluster> = OnceCell::const_new();
    SOURCES
        .get_or_init(|| async { Cluster::start(ClusterConfig::default()).unwrap() })
        .await
}

/// Both databases, each of its own server.
pub struct Scene {
    /// Production: no extension, and a role `reader` that may only read.
    pub source: Scratch,
    /// The test database: the extension, the store `shop`, a neighbour.
    pub target: Scratch,
    from: String,
    to: String,
}

impl Scene {
    /// Fills both, on servers that tests share.
    pub async fn new() -> Self {
        let target = Scratch::with_extension().await;
        Self::fill(source_server().await, cluster().await, target).await
    }

    /// Fills both, on servers of the test's own.
    pub async fn between(sources: &Cluster, targets: &Cluster) -> Self {
        let target = Scratch::new_on(targets).await;
        target.run("CREATE EXTENSION pg_clone_ext").await;
        Self::fill(sources, targets, target).await
    }

    async fn fill(sources: &Cluster, targets: &Cluster, target: Scratch) -> Self {
        let source = Scratch::new_on(sources).await;
        source.run(include_str!("../../fixtures/shop.sql")).await;
        source.run(COUNTRIES).await;
        source
            .run(&format!(
                "INSERT INTO shop.country (code) VALUES ('DE'), ('FR'), ('NO'), ('SE');
                 UPDATE shop.customer SET country_id = 3 WHERE email = 'ada@example.org' AND tenant_id = '{ACME}';
                 UPDATE shop.customer SET country_id = 2 WHERE email = 'bob@example.org';
                 DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                 GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO reader"
            ))
            .await;
        target.run(include_str!("../../fixtures/shop.sql")).await;
        target.run(COUNTRIES).await;
        target
            .run(&format!(
                "INSERT INTO shop.country (code) VALUES ('NO'), ('DE'), ('FR');
                 DELETE FROM shop.order_item; UPDATE shop.orders SET last_shipment = NULL; DELETE FROM shop.shipment; DELETE FROM shop.orders;
                 DELETE FROM shop.product; DELETE FROM shop.customer; DELETE FROM shop.category; DELETE FROM shop.tenant;
                 ALTER SEQUENCE shop.orders_id_seq RESTART 100;
                 INSERT INTO shop.tenant (id, name, slug) VALUES ('{NEIGHBOUR}', 'Neighbour', 'neighbour');
                 INSERT INTO shop.category (tenant_id, name) VALUES ('{NEIGHBOUR}', 'Books')"
            ))
            .await;
        target.run(include_str!("../../fixtures/shop_store.sql")).await;
        let from = sources.dsn(&source.name).replace("user=postgres", "user=reader");
        let to = targets.dsn(&target.name);
        Self {
            source,
            target,
            from,
            to,
        }
    }

    /// The same with a new session on the source.
    pub fn on_source(self, source: Scratch) -> Self {
        Self { source, ..self }
    }

    /// The same with a new session on the target.
    pub fn on_target(self, target: Scratch) -> Self {
        Self { target, ..self }
    }

    /// The connection string of the source, as the role that may only read.
    pub fn from(&self) -> String {
        self.from.clone()
    }

    /// The connection string of the target.
    pub fn to(&self) -> String {
        self.to.clone()
    }

    /// Copies a project from the source to the target, with these options.
    pub fn copy(&self, project: &str, options: &[&str]) -> Output {
        let ends = ["copy", project, "--from", &self.from, "--to", &self.to];
        Self::pg_clone(&[&ends, options].concat())
    }

    /// Runs the command.
    pub fn pg_clone(arguments: &[&str]) -> Output {
        Command::new(pg_clone_binary())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs the command with these bytes as its standard input.
    pub fn pg_clone_fed(arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(pg_clone_binary())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that refuses its input ends without reading all of it.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// What belongs to a tenant, by content.
    pub async fn content(database: &Scratch, tenant: &str) -> Vec<String> {
        database
            .list(&CONTENT.replace("$1", &format!("'{tenant}'")))
            .await
    }

    /// Every row of the target's tables.
    pub async fn everything(&self) -> Vec<String> {
        Self::rows_of(&self.target).await
    }

    /// Every row of a database's tables.
    pub async fn rows_of(database: &Scratch) -> Vec<String> {
        let mut rows = Vec::new();
        for table in [
            "tenant",
            "customer",
            "category",
            "product",
            "orders",
            "order_item",
            "shipment",
            "country",
        ] {
            rows.extend(
                database
                    .list(&format!(
                        "SELECT '{table} ' || t::text FROM shop.{table} t ORDER BY 1"
                    ))
                    .await,
            );
        }
        rows
    }
}
