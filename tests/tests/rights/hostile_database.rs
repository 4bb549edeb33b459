//! A database in which a role has created operators, functions, types and tables that shadow those of PostgreSQL.

use pg_clone_tests::scratch_database::{Scratch, cluster};
use std::process::{Command, Stdio};
use tokio::sync::OnceCell;

/// A copy of the hostile database, without the extension.
pub async fn hostile() -> Scratch {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let postgres = Scratch::of("postgres").await;
            postgres.run("CREATE ROLE mallory LOGIN").await;
            postgres.run("CREATE DATABASE hostile TEMPLATE template0").await;
            let db = Scratch::of("hostile").await;
            // Too many objects for the locks of one transaction; psql commits each statement.
            let mut psql = Command::new(cluster().await.installation().program("psql"))
                .args([
                    "--username=postgres",
                    "--dbname=hostile",
                    "--quiet",
                    "--set=ON_ERROR_STOP=1",
                    "--host",
                ])
                .arg(cluster().await.directory())
                .arg(format!("--port={}", cluster().await.port()))
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut psql.stdin.take().unwrap(), include_bytes!("hostile.sql"))
                .unwrap();
            assert!(psql.wait().unwrap().success());
            assert!(db.number("SELECT last_value FROM evil.objects").await > 20_000);
        })
        .await;
    Scratch::copy_of("hostile").await
}

/// Asserts that none of the hostile objects was ever called.
pub async fn assert_nothing_called(db: &Scratch, what: &str) {
    // No operator or function in here: this session's path may be hostile too.
    let calls = db.rows("SELECT last_value, is_called FROM evil.calls").await;
    assert_eq!(calls, [[Some("0".to_owned()), Some("f".to_owned())]], "{what}");
}
