//! A headless Chromium for tests: finds elements, clicks and types.
//!
//! Uses the DevTools protocol over two pipes (`--remote-debugging-pipe`), which needs no port and no library.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// Names of Chromium programs, smallest first.
const PROGRAMS: [&str; 4] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
];
/// Time limit for an element to appear.
const PATIENCE: Duration = Duration::from_secs(60);
/// Terminator of a message.
const END: u8 = 0;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A browser with one page.
pub struct Browser {
    process: Child,
    directory: PathBuf,
    commands: File,
    answers: BufReader<File>,
    page: Option<String>,
    last: u64,
}

impl Browser {
    /// Starts it. Tests that need it are ignored where `build.rs` finds no Chromium.
    ///
    /// # Panics
    /// When no Chromium is installed, or when it does not start.
    pub fn start() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = PROGRAMS.iter().find_map(|name| {
            std::env::split_paths(&path)
                .map(|directory| directory.join(name))
                .find(|program| program.exists())
        });
        let Some(program) = found else {
            panic!("no Chromium is installed (Debian: chromium-headless-shell)");
        };
        match Self::of(&program) {
            Ok(browser) => browser,
            Err(error) => panic!("{} does not start: {error:#}", program.display()),
        }
    }

    fn of(program: &std::path::Path) -> Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("pg_clone-browser-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let (to, from) = (directory.join("to"), directory.join("from"));
        for pipe in [&to, &from] {
            nix::unistd::mkfifo(pipe, nix::sys::stat::Mode::S_IRWXU)?;
        }
        let log = File::create(directory.join("log"))?;
        let process = Command::new("sh")
            .args([
                "-c",
                r#"program=$1; to=$2; from=$3; shift 3; exec "$program" "$@" 3<"$to" 4>"$from""#,
                "sh",
            ])
            .arg(program)
            .args([&to, &from])
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--no-proxy-server",
            ])
            .arg(format!("--user-data-dir={}", directory.join("profile").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let commands = OpenOptions::new().write(true).open(&to)?;
        let answers = BufReader::new(File::open(&from)?);
        let mut browser = Self {
            process,
            directory,
            commands,
            answers,
            page: None,
            last: 0,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))?;
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        )?;
        browser.page = attached["sessionId"].as_str().map(str::to_owned);
        Ok(browser)
    }

    fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(page) = &self.page {
            message["sessionId"] = json!(page);
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(END);
        self.commands.write_all(&bytes)?;
        loop {
            let mut answer = Vec::new();
            self.answers.read_until(END, &mut answer)?;
            ensure!(
                answer.pop() == Some(END),
                "the browser has ended: {}",
                std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
            );
            let answer: Value = serde_json::from_slice(&answer)?;
            if answer["id"] == self.last {
                if let Some(error) = answer.get("error") {
                    bail!("{method}: {error}");
                }
                return Ok(answer["result"].clone());
            }
        }
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn open(&mut self, url: &str) -> Result<()> {
        self.call("Page.navigate", json!({"url": url})).map(|_| ())
    }

    /// The value of an expression in the page.
    ///
    /// # Errors
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        )?;
        match answer.get("exceptionDetails") {
            Some(exception) => bail!("{expression}: {exception}"),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is truthy, and returns its value.
    ///
    /// # Errors
    /// It does not become truthy; the error has the text of the page.
    pub fn wait_for(&mut self, expression: &str) -> Result<Value> {
        let began = Instant::now();
        loop {
            // Evaluation fails while the page is loading.
            let found = self.evaluate(expression).unwrap_or_default();
            if !matches!(found, Value::Null | Value::Bool(false)) && found != json!("") && found != json!(0) {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                let shown = self.evaluate("document.body.innerText")?;
                bail!("never true: {expression}; the page shows: {shown}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The text of an element, once it is there.
    ///
    /// # Errors
    /// When there is none.
    pub fn text(&mut self, selector: &str) -> Result<String> {
        let found = self.wait_for(&format!("document.querySelector({})?.innerText", json!(selector)))?;
        found.as_str().map(str::to_owned).context("no text")
    }

    /// Clicks on the middle of an element, with the mouse.
    ///
    /// # Errors
    /// There is none, or another element covers it.
    pub fn click(&mut self, selector: &str) -> Result<()> {
        let place = self.wait_for(&format!(
            "(() => {{ const e = document.querySelector({}); if (!e || e.disabled) return null; e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); const at = [r.x + r.width / 2, r.y + r.height / 2]; \
             return e.contains(document.elementFromPoint(...at)) ? at : null; }})()",
            json!(selector)
        ))?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Replaces the content of an input by typing.
    ///
    /// # Errors
    /// When there is no such input.
    pub fn enter(&mut self, selector: &str, text: &str) -> Result<()> {
        self.click(selector)?;
        self.evaluate("document.activeElement.select()")?;
        self.call("Input.insertText", json!({"text": text}))?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
