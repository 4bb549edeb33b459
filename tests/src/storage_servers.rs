//! Servers on loopback that the tests start: SeaweedFS for S3, Azurite for Azure, fake-gcs-server for Google, Redis. Each
//! ends with the test program, also after a crash. Tests that need a server are ignored if `build.rs` does not
//! find it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// Access key of the S3 server.
pub const S3_KEY: &str = "pg_clone-test";
/// Secret key of the S3 server.
pub const S3_SECRET: &str = "pg_clone-test-secret";
/// Azurite's published development account.
pub const AZURE_ACCOUNT: &str = "devstoreaccount1";
/// Its published key.
pub const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A signature made with that key that allows everything, for the requests of the tests themselves.
pub const AZURE_SIGNATURE: &str = "sv=2019-12-12&ss=b&srt=sco&sp=rwdlacup&se=2099-01-01T00%3A00%3A00Z&spr=https%2Chttp&sig=1Rm5wThYJ%2B9O3reZjoD96zOFKbXWPdcwqjm3DfVxYAQ%3D";

/// Password of the Redis server.
pub const REDIS_PASSWORD: &str = "pg_clone-test-password";

/// A running server.
#[derive(Clone, Debug)]
pub struct StorageServer {
    /// Where it listens.
    pub address: SocketAddr,
}

/// The S3 server of this test program.
///
/// # Panics
/// When it is not installed and cannot be installed, or when it does not start.
pub fn s3() -> StorageServer {
    static SERVER: OnceLock<StorageServer> = OnceLock::new();
    SERVER
        .get_or_init(|| available("SeaweedFS", "venv/bin/weed", start_s3))
        .clone()
}

/// The Azure server of this test program.
///
/// # Panics
/// When it is not installed and cannot be installed, or when it does not start.
pub fn azure() -> StorageServer {
    static SERVER: OnceLock<StorageServer> = OnceLock::new();
    let program = "azurite/node_modules/azurite/dist/src/blob/main.js";
    SERVER
        .get_or_init(|| available("Azurite", program, start_azure))
        .clone()
}

/// The Google server of this test program. It keeps objects in memory and knows no uploads in
/// parts (`?uploads`).
///
/// # Panics
/// When it is not installed and cannot be installed, or when it does not start.
pub fn google() -> StorageServer {
    static SERVER: OnceLock<StorageServer> = OnceLock::new();
    SERVER
        .get_or_init(|| available("fake-gcs-server", "fake-gcs-server", start_google))
        .clone()
}

/// A Redis server of its own, with or without a password.
///
/// # Panics
/// When `redis-server` is not installed, or when it does not start.
pub fn redis(with_password: bool) -> StorageServer {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|directory| directory.join("redis-server"))
        .find(|program| program.exists());
    let Some(program) = found else {
        panic!("redis-server is not installed");
    };
    match start_redis(&program, with_password) {
        Ok(server) => server,
        Err(error) => panic!("redis-server does not start: {error:#}"),
    }
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

fn available(name: &str, program: &str, start: fn(&Path) -> anyhow::Result<StorageServer>) -> StorageServer {
    let script = repository().join("scripts/test/servers.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output();
    let directory = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let program = PathBuf::from(directory.unwrap_or_default()).join(program);
    assert!(
        program.exists(),
        "{name} is not installed, and scripts/test/servers.sh could not install it"
    );
    match start(&program) {
        Ok(server) => server,
        Err(error) => panic!("{name} does not start: {error:#}"),
    }
}

fn start_s3(program: &Path) -> anyhow::Result<StorageServer> {
    let directory = scratch("s3")?;
    let config = directory.join("s3.json");
    let actions = r#"["Admin","Read","Write","List","Tagging"]"#;
    std::fs::write(
        &config,
        format!(
            r#"{{"identities":[{{"name":"test","credentials":[{{"accessKey":"{S3_KEY}","secretKey":"{S3_SECRET}"}}],"actions":{actions}}}]}}"#
        ),
    )?;
    let ports = free_ports::<4>()?;
    let [s3, master, volume, filer] = ports;
    let mut arguments: Vec<String> = [
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        "-filer",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=512",
        // Every bucket that is written to takes seven, empty as they are.
        "-volume.max=1000",
        // Two more services on ports of their own, of which a machine has one each.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend([
        format!("-dir={}", directory.display()),
        format!("-s3.config={}", config.display()),
        format!("-s3.port={s3}"),
        format!("-master.port={master}"),
        format!("-volume.port={volume}"),
        format!("-filer.port={filer}"),
    ]);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, s3));
    run(program, &arguments, &directory, address)?;
    // The gateway listens before the volume server has registered; until then writes are refused.
    let ready = format!("{}/dir/assign", SocketAddr::from((Ipv4Addr::LOCALHOST, master)));
    wait_until("a volume can be written", || {
        get(&ready).is_ok_and(|answer| answer.contains("\"fid\""))
    })?;
    Ok(StorageServer { address })
}

fn start_azure(program: &Path) -> anyhow::Result<StorageServer> {
    let directory = scratch("azure")?;
    let [port] = free_ports::<1>()?;
    let mut arguments: Vec<String> = [
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.insert(0, program.display().to_string());
    arguments.extend([
        port.to_string(),
        "--location".to_owned(),
        directory.display().to_string(),
    ]);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    run(Path::new("node"), &arguments, &directory, address)?;
    Ok(StorageServer { address })
}

fn start_google(program: &Path) -> anyhow::Result<StorageServer> {
    let directory = scratch("google")?;
    let [port] = free_ports::<1>()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let arguments = ["-scheme=http", "-host=127.0.0.1", "-backend=memory"].map(str::to_owned);
    let mut arguments = arguments.to_vec();
    arguments.push(format!("-port={port}"));
    // Objects are read under this name only.
    arguments.push(format!("-public-host={address}"));
    run(program, &arguments, &directory, address)?;
    Ok(StorageServer { address })
}

fn start_redis(program: &Path, with_password: bool) -> anyhow::Result<StorageServer> {
    let [port] = free_ports::<1>()?;
    let directory = scratch(&format!("redis-{port}"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let port = port.to_string();
    let password = if with_password { REDIS_PASSWORD } else { "" };
    let arguments = [
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--requirepass",
        password,
    ];
    run(program, &arguments.map(str::to_owned), &directory, address)?;
    Ok(StorageServer { address })
}

/// Starts the server under a guard that kills it and removes its directory when this process is gone, however it went: the
/// guard waits for the end of its input, which this process holds open and never writes.
fn run(program: &Path, arguments: &[String], directory: &Path, address: SocketAddr) -> anyhow::Result<()> {
    const GUARD: &str = r#"
        directory=$1; shift
        "$@" >"$directory/log" 2>&1 </dev/null &
        cat >/dev/null
        kill -9 $!
        wait
        rm -rf "$directory""#;
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "guard"])
        .arg(directory)
        .arg(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    std::mem::forget(guard.stdin.take());
    wait_until("the port opens", || TcpStream::connect(address).is_ok()).with_context(|| {
        let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    })
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let start = Instant::now();
    while !is_so() {
        ensure!(
            start.elapsed() < Duration::from_secs(60),
            "waited a minute until {what}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn get(url: &str) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    let (host, path) = url.split_once('/').context("no path")?;
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Ports that nothing listened on a moment ago. SeaweedFS adds 10,000 to each for its own protocol.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut held = Vec::new();
    for _ in 0..1000 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if port < 55_000 && TcpListener::bind((Ipv4Addr::LOCALHOST, port + 10_000)).is_ok() {
            held.push((port, listener));
        }
        if held.len() == N {
            let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
            return ports.try_into().map_err(|_| anyhow::anyhow!("not {N} ports"));
        }
    }
    bail!("no free ports")
}

fn scratch(name: &str) -> anyhow::Result<PathBuf> {
    let directory = std::env::temp_dir().join(format!("pg_clone-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}
