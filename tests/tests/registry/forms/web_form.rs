//! The web form of contrib/registry_form, clicked through in a browser: the button, the prefilled form, errors at their fields,
//! the new item.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use pg_clone_tests::browser::Browser;
use pg_clone_tests::storage_servers::repository;
use serde_json::{Value, json};

use crate::fixture::*;

/// The example's server.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    async fn start(reg: &Registry, user: &str) -> Self {
        let mut process = Command::new("python3")
            .arg(repository().join("contrib/registry_form/server.py"))
            .args(["--port", "0", "--user", user, "--database", &reg.dsn().await])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Server {
            process,
            address: address.trim_end().trim_end_matches('/').to_owned(),
        }
    }

    /// What it answers to a request that no browser would send for this page.
    fn raw(&self, head: &str, body: &str) -> (u16, Value) {
        let host = self.address.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let head = head.replace("HOST", host);
        let length = match head.contains("Content-Length") || body.is_empty() {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        write!(stream, "{head}{length}Connection: close\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    fn call(&self, function: &str, arguments: &Value) -> (u16, Value) {
        let head =
            format!("POST /rpc/{function} HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n");
        self.raw(&head, &arguments.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(chromium), ignore = "needs Chromium")]
async fn a_person_is_cloned_by_button_and_form() {
    let mut browser = Browser::start();
    let reg = with_items().await;
    let server = Server::start(&reg, "ada").await;
    browser.open(&format!("{}/#10378.1/101", server.address)).unwrap();
    assert_eq!(browser.text("h1").unwrap(), "Person 10378.1/101");
    browser.click("#clone").unwrap();

    // The form is prefilled, and says what starts afresh.
    let afresh = browser.text("#afresh").unwrap();
    assert!(
        afresh.contains("consent to be registered is given anew"),
        "{afresh}"
    );
    let value = |path: &str| format!("document.querySelector('[data-path=\"{path}\"]').value");
    assert_eq!(browser.evaluate(&value("/first_name")).unwrap(), "Ada");
    browser.enter("[data-path='/first_name']", "Grace").unwrap();
    browser.enter("[data-path='/email']", "nobody").unwrap();
    browser.enter("[data-path='/orcid']", "").unwrap();
    browser.click("#send").unwrap();

    // Errors stand at their fields, and nothing was made.
    let problem = browser.text("[data-problem='/email']").unwrap();
    assert!(problem.contains("is not a \"email\""), "{problem}");
    assert_eq!(
        browser.text("[data-problem='/ethics_approved']").unwrap(),
        "true was expected"
    );
    assert_eq!(
        browser
            .evaluate("document.querySelector('[data-path=\"/email\"]').getAttribute('aria-invalid')")
            .unwrap(),
        "true"
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);

    browser
        .enter("[data-path='/email']", "grace@example.org")
        .unwrap();
    browser.click("[data-path='/ethics_approved']").unwrap();
    browser
        .wait_for("document.getElementById('general').textContent === ''")
        .unwrap();
    browser.click("#send").unwrap();
    assert_eq!(browser.text("#new").unwrap(), "New item 10378.1/113");
    assert_eq!(browser.text("[data-field='owner_username']").unwrap(), "ada");
    assert_eq!(browser.text("main a").unwrap(), "10378.1/101");
    let clone = reg.item("10378.1/113").await;
    assert_eq!(
        json!([
            clone["first_name"],
            clone["email"],
            clone["ethics_approved"],
            clone["orcid"]
        ]),
        json!(["Grace", "grace@example.org", true, null])
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(chromium), ignore = "needs Chromium")]
async fn a_data_set_with_nested_fields_keeps_what_nobody_touches() {
    let mut browser = Browser::start();
    let reg = with_items().await;
    let server = Server::start(&reg, "ada").await;
    browser
        .open(&format!("{}/#clone/10378.1/106", server.address))
        .unwrap();
    let name = "[data-path='/collection_format/dataset_info/name']";
    browser.enter(name, "Another reef").unwrap();
    // Approvals that are needed are given anew.
    browser.click("#send").unwrap();
    browser
        .wait_for("document.querySelector('[aria-invalid]')")
        .unwrap();
    while let Some(path) = browser
        .evaluate("[...document.querySelectorAll('input[type=checkbox][aria-invalid=true]')].filter(e => !e.checked)[0]?.dataset.path")
        .unwrap()
        .as_str()
    {
        browser.click(&format!("[data-path='{path}']")).unwrap();
    }
    browser
        .wait_for("document.getElementById('general').textContent === ''")
        .unwrap();
    browser.click("#send").unwrap();
    assert_eq!(browser.text("#new").unwrap(), "New item 10378.1/113");
    let draft = reg.json("SELECT item_clone_draft('10378.1/106', 'ada')").await;
    let mut expected = draft["item"]["collection_format"].clone();
    expected["dataset_info"]["name"] = json!("Another reef");
    expected["approvals"]["ethics_access"]["obtained"] = json!(true);
    assert_eq!(reg.item("10378.1/113").await["collection_format"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_a_status_and_an_error_in_json() {
    let reg = with_items().await;
    let server = Server::start(&reg, "ada").await;
    let post = |path: &str, more: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n{more}")
    };
    let check = "/rpc/item_clone_check";
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (head, body, status, said) in [
        (post(check, ""), "{", 400, "not JSON"),
        (post(check, ""), deep.as_str(), 400, "nested"),
        (post(check, ""), "{\"item_id\": \"\u{0}\"}", 400, "not JSON"),
        (post(check, ""), r#"{"item_id": "\u0000"}"#, 400, "zero byte"),
        (post(check, ""), r#"{"item_id": "\ud800"}"#, 400, "Unicode"),
        (post(check, ""), r#"{"edits": {"name": "\u0000"}}"#, 400, ""),
        (post(check, ""), r#"{"item_id": NaN}"#, 400, "not JSON"),
        (post(check, ""), "[1]", 400, "object"),
        (post(check, ""), r#"{"item": 1}"#, 400, "no argument item"),
        (post(check, "Content-Length: 0\r\n"), "", 400, "not JSON"),
        (post(check, ""), "", 411, "Content-Length"),
        (post(check, "Content-Length: seven\r\n"), "", 400, "seven"),
        (post(check, "Content-Length: -1\r\n"), "", 400, "-1"),
        (
            post(check, "Content-Length: 99999999999\r\n"),
            "",
            413,
            "16777216",
        ),
        (post("/rpc/nothing", ""), "{}", 404, "/rpc/nothing"),
        (post("/nothing", ""), "{}", 404, "/nothing"),
        (post("/", ""), "{}", 405, "POST"),
        (
            "GET /rpc/item_clone HTTP/1.1\r\nHost: HOST\r\n".to_owned(),
            "",
            405,
            "GET",
        ),
        (
            "GET /etc/passwd HTTP/1.1\r\nHost: HOST\r\n".to_owned(),
            "",
            404,
            "/etc/passwd",
        ),
        (
            "PUT /rpc/item_clone HTTP/1.1\r\nHost: HOST\r\n".to_owned(),
            "",
            405,
            "PUT",
        ),
        (
            "DELETE / HTTP/1.1\r\nHost: HOST\r\n".to_owned(),
            "",
            405,
            "DELETE",
        ),
        ("nonsense\r\n".to_owned(), "", 400, ""),
    ] {
        let (found, refused) = server.raw(&head, body);
        let text = |member: &str| refused[member].as_str().unwrap_or_default().to_owned();
        assert_eq!(found, status, "{head} {refused}");
        assert!(text("message").contains(said), "{head} {refused}");
        assert!(!text("code").is_empty(), "{head} {refused}");
        assert!(text("hint").ends_with('.'), "{head} {refused}");
        assert!(!refused.to_string().contains("Traceback"), "{head} {refused}");
    }
    // A whole form of the largest size is no fault of the request.
    let (status, large) = server.call(
        "item_clone_check",
        &json!({"item_id": STUDY, "edits": {"description": "x".repeat(1_000_000)}}),
    );
    assert_eq!(status, 200, "{large}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_clone_sees_no_button_and_is_refused() {
    let reg = with_items().await;
    let server = Server::start(&reg, "eve").await;
    let study = json!({"item_id": STUDY});
    assert_eq!(server.call("item_can_clone", &study), (200, json!(false)));
    let (status, refused) = server.call("item_clone", &study);
    assert_eq!((status, &refused["code"]), (403, &json!("42501")), "{refused}");
    let (status, unknown) = server.call("item_clone_draft", &json!({"item_id": "10378.1/0"}));
    assert_eq!((status, &unknown["code"]), (404, &json!("P0002")), "{unknown}");
    // Quotes and backslashes are text.
    let (status, odd) = server.call(
        "item_clone_draft",
        &json!({"item_id": "x'); DROP TABLE reg.item; --\\"}),
    );
    assert_eq!((status, &odd["code"]), (404, &json!("P0002")), "{odd}");
    let (status, _) = server.call("item_clone_draft", &json!({"item_id": STUDY, "actor": "ada"}));
    assert_eq!(status, 400, "the actor is not the browser's to say");
    let (status, _) = server.call("pg_sleep", &json!({}));
    assert_eq!(status, 404);
    for head in [
        "POST /rpc/item_clone HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n",
        "POST /rpc/item_clone HTTP/1.1\r\nHost: HOST\r\nContent-Type: text/plain\r\n",
    ] {
        assert_eq!(server.raw(head, &study.to_string()).0, 403, "{head}");
    }
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
    if cfg!(chromium) {
        let mut browser = Browser::start();
        browser.open(&format!("{}/#10378.1/107", server.address)).unwrap();
        assert_eq!(browser.text("h1").unwrap(), "Study 10378.1/107");
        assert_eq!(
            browser.evaluate("document.getElementById('clone')").unwrap(),
            Value::Null
        );
    }
}
