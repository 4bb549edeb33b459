//! Messages beside the result, on standard error: lines of text, or of JSON for machines.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::printable::{escape, escape_json};
use super::redact::redact;

static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Whether messages are JSON from here on.
pub fn set_json(json: bool) {
    AS_JSON.store(json, Ordering::Relaxed);
}

/// Whether they are.
pub fn are_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Writes a message: `kind` is warning, notice or the like. Passwords in it are hidden; a closed pipe is ignored.
pub fn say(kind: &str, message: &str, hint: Option<&str>) {
    let message = redact(message);
    let hint = hint.map(redact);
    let line = if are_json() {
        let mut event = json!({"event": kind, "message": message});
        if let Some(hint) = hint {
            event["hint"] = hint.into();
        }
        escape_json(&event.to_string()).into_owned()
    } else {
        let hint = hint.map_or_else(String::new, |hint| format!("\n  hint: {}", escape(&hint)));
        format!("pg_clone: {kind}: {}{hint}", escape(&message))
    };
    let _ = writeln!(std::io::stderr(), "{line}");
}
