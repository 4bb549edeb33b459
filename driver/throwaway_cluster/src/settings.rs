//! The configuration of a temporary cluster.

use std::fmt::Write as _;
use std::path::Path;

/// The configuration of a temporary cluster. The default is fast and not durable.
#[derive(Clone, Debug, Default)]
pub struct ClusterConfig {
    /// Whether the server syncs to disk (`fsync`, `full_page_writes`, `synchronous_commit`); off by default.
    pub durable: bool,
    /// TCP port on 127.0.0.1; it is also the port in the socket's name.
    pub tcp_port: Option<u16>,
    /// Libraries for `shared_preload_libraries`.
    pub preload: Vec<String>,
    /// Further configuration parameters; they override the defaults of this crate.
    pub settings: Vec<(String, String)>,
}

impl ClusterConfig {
    /// Adds a configuration parameter.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a library to `shared_preload_libraries`.
    #[must_use]
    pub fn preload(mut self, library: &str) -> Self {
        self.preload.push(library.to_owned());
        self
    }

    /// The lines for `postgresql.conf`; if a parameter occurs twice, the server uses the last.
    pub(super) fn configuration(&self, socket_directory: &Path, port: u16) -> String {
        let durable = if self.durable { "on" } else { "off" };
        let listen = if self.tcp_port.is_some() { "127.0.0.1" } else { "" };
        let mut text = String::from("\n# pg_clone\n");
        for (name, value) in [
            ("unix_socket_directories", &*socket_directory.to_string_lossy()),
            ("port", &*port.to_string()),
            ("listen_addresses", listen),
            ("fsync", durable),
            ("full_page_writes", durable),
            ("synchronous_commit", durable),
            ("max_wal_size", "2GB"),
            ("lc_messages", "C"),
            ("timezone", "UTC"),
            ("log_line_prefix", "%m [%p] %q%a "),
            ("shared_preload_libraries", &*self.preload.join(",")),
        ] {
            text.push_str(&line(name, value));
        }
        for (name, value) in &self.settings {
            text.push_str(&line(name, value));
        }
        text
    }
}

/// One quoted line of `postgresql.conf`.
pub(super) fn line(name: &str, value: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{name} = '{}'",
        value.replace('\\', "\\\\").replace('\'', "''")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_the_server_reads_them() {
        assert_eq!(line("search_path", r#"a'b\c"#), "search_path = 'a''b\\\\c'\n");
    }

    #[test]
    fn own_settings_come_last_and_so_win() {
        let text = ClusterConfig::default()
            .setting("fsync", "on")
            .configuration(Path::new("/s"), 5432);
        assert!(text.find("fsync = 'off'").unwrap() < text.find("fsync = 'on'").unwrap());
    }
}
