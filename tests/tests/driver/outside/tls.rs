//! Connection parameters against a server with TLS, beside psql: what psql accepts is accepted, what it refuses is refused.

use std::path::Path;
use std::process::{Command, Stdio};

use pg_clone_tests::blob_queue::pg_clone_binary;
use throwaway_cluster::{Cluster, ClusterConfig, Shutdown};

/// Runs openssl in a directory.
fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A root, a certificate of it for localhost, a list that revokes that, another root, and a certificate of version 1.
fn make_certificates(directory: &Path) {
    std::fs::write(
        directory.join("ca.cnf"),
        "[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 30\ncrlnumber = number\n\
         crl_extensions = e\n[e]\nauthorityKeyIdentifier = keyid\n",
    )
    .unwrap();
    std::fs::write(directory.join("index.txt"), "").unwrap();
    std::fs::write(directory.join("number"), "01\n").unwrap();
    std::fs::write(directory.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey rsa:2048 -nodes";
    for (name, subject) in [("ca", "root"), ("other", "another"), ("client_ca", "third")] {
        openssl(
            directory,
            &format!("req -x509 {key} -days 30 -subj /CN={subject} -keyout {name}.key -out {name}.crt"),
        );
    }
    for (name, more) in [("server", "-extfile san"), ("old", "-set_serial 7")] {
        openssl(
            directory,
            &format!("req -new {key} -subj /CN=localhost -keyout {name}.key -out {name}.csr"),
        );
        let signer = if name == "server" {
            "-CA ca.crt -CAkey ca.key -CAcreateserial"
        } else {
            "-signkey old.key"
        };
        openssl(
            directory,
            &format!("x509 -req -in {name}.csr {signer} -days 30 {more} -out {name}.crt"),
        );
    }
    openssl(
        directory,
        "ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out empty.crl",
    );
    openssl(
        directory,
        "ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke server.crt",
    );
    openssl(
        directory,
        "ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out revoked.crl",
    );
}

/// Whether psql and pg_clone connect. The latter then misses the extension, which is an answer too.
fn connects(psql: &Path, dsn: &str) -> (bool, bool, String) {
    let clean = |command: &mut Command| {
        command
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let theirs = clean(Command::new(psql).args(["-X", "-c", "SELECT 1", "-d", dsn]));
    let ours = clean(Command::new(pg_clone_binary()).args(["runs", "--dbname", dsn]));
    let said = String::from_utf8_lossy(&ours.stderr).into_owned();
    let words = format!(
        "{dsn}\npsql: {}\npg_clone: {said}",
        String::from_utf8_lossy(&theirs.stderr)
    );
    (theirs.status.success(), said.contains("CREATE EXTENSION"), words)
}

#[tokio::test]
async fn certificates_and_parameters_are_taken_as_psql_takes_them() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = ClusterConfig {
        tcp_port: Some(port),
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::start(config).unwrap();
    let directory = cluster.make_directory("tls").unwrap();
    make_certificates(&directory);
    cluster.give_away(&directory).unwrap();
    for key in ["server.key", "old.key"] {
        let mut command = Command::new("chmod");
        assert!(
            command
                .arg("600")
                .arg(directory.join(key))
                .status()
                .unwrap()
                .success()
        );
    }
    let psql = cluster.installation().program("psql");
    let at = |name: &str| directory.join(name).display().to_string();
    let base = format!("host=localhost hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres");

    for (certificate, cases) in [
        (
            "server",
            vec![
                ("sslmode=disable".to_owned(), true),
                ("sslmode=prefer".to_owned(), true),
                ("sslmode=require".to_owned(), true),
                (
                    "sslmode=require ssl_min_protocol_version=TLSv1.3".to_owned(),
                    true,
                ),
                (
                    "sslmode=require ssl_max_protocol_version=TLSv1.2".to_owned(),
                    true,
                ),
                (format!("sslmode=require sslrootcert={}", at("other.crt")), false),
                (format!("sslmode=verify-ca sslrootcert={}", at("ca.crt")), true),
                (
                    format!("sslmode=verify-ca sslrootcert={}", at("other.crt")),
                    false,
                ),
                (format!("sslmode=verify-full sslrootcert={}", at("ca.crt")), true),
                (
                    format!(
                        "sslmode=verify-full sslrootcert={} host=wrong.example",
                        at("ca.crt")
                    ),
                    false,
                ),
                (
                    format!(
                        "sslmode=verify-ca sslrootcert={} host=wrong.example",
                        at("ca.crt")
                    ),
                    true,
                ),
                ("sslmode=verify-full".to_owned(), false),
                (
                    format!(
                        "sslmode=verify-ca sslrootcert={} sslcrl={}",
                        at("ca.crt"),
                        at("empty.crl")
                    ),
                    true,
                ),
                (
                    format!(
                        "sslmode=verify-ca sslrootcert={} sslcrl={}",
                        at("ca.crt"),
                        at("revoked.crl")
                    ),
                    false,
                ),
                // The server asks for no password, so nothing binds the channel.
                ("sslmode=require channel_binding=require".to_owned(), false),
                ("gssencmode=disable channel_binding=prefer".to_owned(), true),
                ("target_session_attrs=read-write".to_owned(), true),
                ("target_session_attrs=read-only".to_owned(), false),
                ("no_such_parameter=1".to_owned(), false),
            ],
        ),
        (
            "old",
            vec![
                ("sslmode=prefer".to_owned(), true),
                ("sslmode=require".to_owned(), true),
                (
                    "sslmode=require ssl_max_protocol_version=TLSv1.2".to_owned(),
                    true,
                ),
                (format!("sslmode=verify-ca sslrootcert={}", at("ca.crt")), false),
            ],
        ),
    ] {
        for (name, value) in [
            ("ssl", "on".to_owned()),
            ("ssl_cert_file", at(&format!("{certificate}.crt"))),
            ("ssl_key_file", at(&format!("{certificate}.key"))),
        ] {
            cluster.set(name, &value).unwrap();
        }
        cluster.restart(Shutdown::Fast).unwrap();
        for (parameters, expected) in cases {
            let (theirs, ours, words) = connects(&psql, &format!("{base} {parameters}"));
            assert_eq!((theirs, ours), (expected, expected), "{certificate}: {words}");
        }
    }
}
