//! Random schemas of two tenants: keys of every kind, hops, circles, references to unique columns, polymorphic pairs and
//! unique values. Discovered, cloned, compared by content, deleted.

use super::{assert_verified, contents};
use pg_clone_tests::scratch_database::Scratch;
use std::fmt::Write;

/// Numbers that a seed determines.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Serial,
    Uuid,
    Text,
}

struct Reference {
    column: String,
    target: usize,
    by_code: bool,
}

struct Table {
    name: String,
    kind: Kind,
    /// Has a tenant column; else it belongs by its first reference.
    tenant: bool,
    code: bool,
    slug: bool,
    references: Vec<Reference>,
    pair: Vec<usize>,
}

struct Schema(Vec<Table>);

impl Schema {
    fn random(random: &mut Random) -> Self {
        let count = 3 + random.below(5);
        let mut tables: Vec<Table> = Vec::new();
        for number in 0..count {
            let kind = [Kind::Serial, Kind::Serial, Kind::Uuid, Kind::Text][random.below(4)];
            let tenant = number == 0 || random.chance(60);
            let mut references = Vec::new();
            if !tenant {
                let target = random.below(number);
                references.push(Reference {
                    column: "base".to_owned(),
                    target,
                    by_code: tables[target].code && random.chance(50),
                });
            }
            tables.push(Table {
                name: format!("t{number}"),
                kind,
                tenant,
                code: random.chance(30),
                slug: random.chance(30),
                references,
                pair: Vec::new(),
            });
        }
        // Any table may refer to any other, itself too: circles are welcome.
        for number in 0..count {
            for extra in 0..random.below(3) {
                let target = random.below(count);
                let by_code = tables[target].code && random.chance(40);
                tables[number].references.push(Reference {
                    column: format!("r{extra}"),
                    target,
                    by_code,
                });
            }
            if random.chance(30) {
                tables[number].pair = (0..count)
                    .filter(|other| tables[*other].kind == Kind::Serial)
                    .collect();
            }
        }
        Schema(tables)
    }

    fn key_type(kind: Kind) -> &'static str {
        match kind {
            Kind::Serial => "bigint",
            Kind::Uuid => "uuid",
            Kind::Text => "text",
        }
    }

    fn type_of(&self, reference: &Reference) -> &'static str {
        if reference.by_code {
            "uuid"
        } else {
            Self::key_type(self.0[reference.target].kind)
        }
    }

    fn sql(&self) -> String {
        let mut sql = "CREATE TABLE tenant (id uuid PRIMARY KEY, label text);
            INSERT INTO tenant VALUES ('a0000000-0000-4000-8000-00000000000a', 'A'), ('b0000000-0000-4000-8000-00000000000b', 'B');\n"
            .to_owned();
        for table in &self.0 {
            let key = match table.kind {
                Kind::Serial => "bigserial",
                Kind::Uuid => "uuid DEFAULT gen_random_uuid()",
                Kind::Text => "text DEFAULT 'c' || substr(md5(random()::text), 1, 24)",
            };
            let _ = write!(
                sql,
                "CREATE TABLE {} (id {key} PRIMARY KEY, label text NOT NULL",
                table.name
            );
            if table.tenant {
                sql.push_str(", tenant_id uuid NOT NULL REFERENCES tenant");
            }
            if table.code {
                sql.push_str(", code uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()");
            }
            if table.slug {
                sql.push_str(", slug text NOT NULL UNIQUE");
            }
            for reference in &table.references {
                let _ = write!(sql, ", {} {}", reference.column, self.type_of(reference));
            }
            if !table.pair.is_empty() {
                sql.push_str(", thing_type text, thing_id bigint");
            }
            sql.push_str(");\n");
        }
        for (number, table) in self.0.iter().enumerate() {
            let rows = 3 + number % 3;
            for (letter, id) in [
                ("a", "a0000000-0000-4000-8000-00000000000a"),
                ("b", "b0000000-0000-4000-8000-00000000000b"),
            ] {
                for row in 0..rows {
                    let mut columns = "label".to_owned();
                    let mut values = format!("'{}.{row}'", table.name);
                    if table.tenant {
                        columns.push_str(", tenant_id");
                        let _ = write!(values, ", '{id}'");
                    } else {
                        let base = &table.references[0];
                        columns.push_str(", base");
                        let _ = write!(values, ", {}", self.pick(base, id, row));
                    }
                    if table.slug {
                        columns.push_str(", slug");
                        let _ = write!(values, ", '{letter}-{}-{row}'", table.name);
                    }
                    let _ = writeln!(sql, "INSERT INTO {} ({columns}) VALUES ({values});", table.name);
                }
            }
        }
        for (number, table) in self.0.iter().enumerate() {
            for (place, reference) in table.references.iter().enumerate() {
                for id in [
                    "a0000000-0000-4000-8000-00000000000a",
                    "b0000000-0000-4000-8000-00000000000b",
                ] {
                    if reference.column != "base" {
                        let _ = writeln!(
                            sql,
                            "UPDATE {0} AS t SET {1} = {2} WHERE {3} AND right(label, 1) <> '{4}';",
                            table.name,
                            reference.column,
                            self.pick(reference, id, number + place),
                            self.member(number, "t", id),
                            place
                        );
                    }
                }
                if reference.column == "base" {
                    let _ = writeln!(sql, "ALTER TABLE {} ALTER base SET NOT NULL;", table.name);
                }
                let target = &self.0[reference.target];
                let _ = writeln!(
                    sql,
                    "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({});",
                    table.name,
                    reference.column,
                    target.name,
                    if reference.by_code { "code" } else { "id" }
                );
            }
            for (place, target) in table.pair.iter().enumerate() {
                for id in [
                    "a0000000-0000-4000-8000-00000000000a",
                    "b0000000-0000-4000-8000-00000000000b",
                ] {
                    let reference = Reference {
                        column: String::new(),
                        target: *target,
                        by_code: false,
                    };
                    let _ = writeln!(
                        sql,
                        "UPDATE {0} AS t SET thing_type = 'T{1}', thing_id = {2} WHERE {3} AND right(label, 1) = '{4}';",
                        table.name,
                        target,
                        self.pick(&reference, id, place),
                        self.member(number, "t", id),
                        place % 3
                    );
                }
            }
        }
        sql
    }

    /// A key of a row of the tenant that a reference can name.
    fn pick(&self, reference: &Reference, tenant: &str, n: usize) -> String {
        let column = if reference.by_code { "code" } else { "id" };
        format!(
            "(SELECT p.{column} FROM {} AS p WHERE {} ORDER BY p.label OFFSET {} LIMIT 1)",
            self.0[reference.target].name,
            self.member(reference.target, "p", tenant),
            n % 3
        )
    }

    /// The condition on rows of a tenant.
    fn member(&self, table: usize, alias: &str, tenant: &str) -> String {
        let t = &self.0[table];
        if t.tenant {
            return format!("{alias}.tenant_id = '{tenant}'");
        }
        let base = &t.references[0];
        let inner = format!("{alias}x");
        format!(
            "{alias}.base IN (SELECT {inner}.{} FROM {} AS {inner} WHERE {})",
            if base.by_code { "code" } else { "id" },
            self.0[base.target].name,
            self.member(base.target, &inner, tenant)
        )
    }

    /// Every reference of a tenant's rows, by content.
    fn content(&self, tenant: &str) -> String {
        let mut parts = Vec::new();
        for (number, table) in self.0.iter().enumerate() {
            let mut all: Vec<(String, String, usize)> = table
                .references
                .iter()
                .map(|r| {
                    (
                        format!("t.{}", r.column),
                        if r.by_code { "code" } else { "id" }.to_owned(),
                        r.target,
                    )
                })
                .collect();
            all.extend(table.pair.iter().map(|target| {
                (
                    format!("CASE WHEN t.thing_type = 'T{target}' THEN t.thing_id END"),
                    "id".to_owned(),
                    *target,
                )
            }));
            parts.push(format!(
                "SELECT t.label AS x FROM {} AS t WHERE {}",
                table.name,
                self.member(number, "t", tenant)
            ));
            for (value, column, target) in all {
                parts.push(format!(
                    "SELECT t.label || ' {value}'::text || ' ' || COALESCE(p.label, '-') || ' ' || COALESCE(({member})::text, '-') FROM {0} AS t LEFT JOIN {1} AS p ON p.{column} = {value} WHERE {own}",
                    table.name,
                    self.0[target].name,
                    member = self.member(target, "p", tenant),
                    own = self.member(number, "t", tenant)
                )
                .replace(&format!("' {value}'::text"), &format!("' {}'", value.replace('\'', "''"))));
            }
        }
        format!("SELECT x FROM ({}) AS s ORDER BY 1", parts.join(" UNION ALL "))
    }
}

#[tokio::test]
async fn clones_of_random_schemas_are_isomorphic_and_leave_everything_else_as_it_was() {
    let seeds = std::env::var("PG_CLONE_SCHEMAS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(12u64);
    for seed in 1..=seeds {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..8 {
            random.below(2);
        }
        let schema = Schema::random(&mut random);
        let sql = schema.sql();
        let db = Scratch::with_extension().await;
        db.run(&sql).await;
        let mut tables: Vec<&str> = schema.0.iter().map(|t| t.name.as_str()).collect();
        tables.push("tenant");
        let before = contents(&db, &tables).await;
        let source = "a0000000-0000-4000-8000-00000000000a";
        db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"tenant\"}'); SELECT clone.store_column('s', 'tenant', 'label', 'name')")
            .await;
        let questions = db
            .list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await;
        assert_eq!(questions, Vec::<String>::new(), "seed {seed}\n{sql}");
        let expected = db.list(&schema.content(source)).await;
        let clone = db.clone_project(&format!("'{source}', 'Copy'")).await;
        assert_eq!(
            db.list(&schema.content(&clone)).await,
            expected,
            "seed {seed}\n{sql}"
        );
        assert_verified(&db, &clone).await;
        assert_eq!(db.list(&schema.content(source)).await, expected, "seed {seed}");
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(contents(&db, &tables).await, before, "seed {seed}\n{sql}");
    }
}
