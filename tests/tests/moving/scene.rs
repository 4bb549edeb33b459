//! A production database without the extension, and a test database with it, both with the tables of the shop.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use pg_clone_tests::blob_queue::pg_clone_binary;
use pg_clone_tests::scratch_database::{Scratch, cluster};

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

/// Both databases.
pub struct Scene {
    /// Production: no extension, and a role `reader` that may only read.
    pub source: Scratch,
    /// The test database: the extension, the store `shop`, a neighbour.
    pub target: Scratch,
}

impl Scene {
    /// Fills both.
    pub async fn new() -> Self {
        let source = Scratch::copy_of("template0").await;
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
        let target = Scratch::with_extension().await;
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
        Self { source, target }
    }

    /// The connection string of the source, as the role that may only read.
    pub async fn from(&self) -> String {
        cluster()
            .await
            .dsn(&self.source.name)
            .replace("user=postgres", "user=reader")
    }

    /// The connection string of the target.
    pub async fn to(&self) -> String {
        cluster().await.dsn(&self.target.name)
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
                self.target
                    .list(&format!(
                        "SELECT '{table} ' || t::text FROM shop.{table} t ORDER BY 1"
                    ))
                    .await,
            );
        }
        rows
    }
}
