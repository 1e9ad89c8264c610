//! The console over HTTP, as a browser and as somebody who is none of ours: who is let in, what an order needs, what the
//! answers carry.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::bench::{Bench, ID, Running, Vendors};

/// A `serve` with its console.
pub struct Console {
    _serving: Running,
    pub address: String,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Came {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Came {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (of, value) = line.split_once(": ")?;
            of.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Console {
    pub fn start(bench: &Bench) -> Self {
        let words = ["serve", "--json", "--listen", "127.0.0.1:0"];
        let mut child = bench.command(&words).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let document: Value = serde_json::from_str(&line).expect("a document");
        let link = document["console"].as_str().expect("a link");
        let (address, token) =
            link.strip_prefix("http://").and_then(|rest| rest.split_once("/?token=")).expect("a link");
        Self { _serving: Running(child), address: address.to_owned(), token: token.to_owned() }
    }

    /// Sends a request with these headers besides `Host`, and reads the answer to its end.
    pub fn send(&self, method: &str, path: &str, host: &str, headers: &[(&str, &str)], body: &str) -> Came {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Came { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Looks at a page as the browser with this cookie.
    fn get(&self, path: &str, cookie: &str) -> Came {
        self.send("GET", path, &self.address, &[("Cookie", cookie)], "")
    }

    /// Opens the link and returns the cookie.
    pub fn enter(&self) -> String {
        let came = self.send("GET", &format!("/?token={}", self.token), &self.address, &[], "");
        assert_eq!((came.status, came.header("location")), (303, Some("/")), "{came:?}");
        let cookie = came.header("set-cookie").expect("a cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite"), "{cookie}");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    /// Returns what the forms of the page at `path` carry.
    pub fn csrf(&self, path: &str, cookie: &str) -> String {
        let page = self.get(path, cookie).body;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }
}

#[test]
fn nobody_is_let_in_without_the_link_and_the_link_lets_one_in() {
    let bench = Bench::new();
    let console = Console::start(&bench);
    for cookie in ["", "msp_sync=1", &format!("msp_sync_{}=guessed", console.address.rsplit(':').next().unwrap())] {
        for path in ["/", "/add", "/audit", "/i/acme/unsynced.csv", "/catalogue.csv?kind=client"] {
            assert_eq!(console.get(path, cookie).status, 401, "{path}");
        }
    }
    assert_eq!(console.send("GET", "/?token=guessed", &console.address, &[], "").status, 401);
    let cookie = console.enter();
    assert_eq!(console.get("/", &cookie).status, 200);
    let again = console.send("GET", &format!("/?token={}", console.token), &console.address, &[], "");
    assert_eq!(again.status, 401, "the link was used");
}

#[test]
fn every_answer_forbids_scripts_of_others_and_frames_and_every_page_keeping() {
    let bench = Bench::new();
    let console = Console::start(&bench);
    let cookie = console.enter();
    for path in ["/", "/add?vendor=auvik", "/catalogue", "/audit", "/page.css", "/page.js", "/nowhere"] {
        let came = console.get(path, &cookie);
        let policy = came.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        // Style and script tell nothing of anybody, and may be kept for minutes.
        let kept = if path.starts_with("/page.") { "max-age=300" } else { "no-store" };
        assert_eq!(came.header("cache-control"), Some(kept), "{path}");
        assert_eq!(came.header("x-content-type-options"), Some("nosniff"));
        assert!(!came.body.contains(" style=") && !came.body.contains(" onclick="), "{path}");
    }
}

#[test]
fn a_name_that_was_turned_to_this_machine_is_refused() {
    let bench = Bench::new();
    let console = Console::start(&bench);
    let cookie = console.enter();
    for host in ["evil.example", "evil.example:8080", "127.0.0.1", ""] {
        assert_eq!(console.send("GET", "/", host, &[("Cookie", &cookie)], "").status, 421, "{host}");
    }
    let port = console.address.rsplit(':').next().expect("a port");
    assert_eq!(console.send("GET", "/", &format!("localhost:{port}"), &[("Cookie", &cookie)], "").status, 200);
}

#[test]
fn an_order_needs_the_token_of_its_session_and_our_origin() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    bench.set_up(&vendors);
    let console = Console::start(&bench);
    let cookie = console.enter();
    let csrf = console.csrf(&format!("/i/{ID}"), &cookie);
    let ours = format!("http://{}", console.address);
    let path = format!("/i/{ID}/pause");
    let form = format!("csrf={csrf}");
    let pause = |origin: &str, cookie: &str, form: &str| {
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        console.send("POST", &path, &console.address, &[("Cookie", cookie), ("Origin", origin), kind], form).status
    };
    assert_eq!(pause(&ours, "", &form), 401);
    assert_eq!(pause(&ours, &cookie, ""), 403);
    assert_eq!(pause(&ours, &cookie, "csrf=guessed"), 403);
    assert_eq!(pause("http://evil.example", &cookie, &form), 403);
    assert_eq!(pause("null", &cookie, &form), 403);
    let elsewhere = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(console.send("POST", &path, &console.address, &elsewhere, &form).status, 403);
    assert_eq!(bench.json(&["integration", "show", ID]).json(0)["state"], "configured");
    assert_eq!(pause(&ours, &cookie, &form), 303);
    assert_eq!(bench.json(&["integration", "show", ID]).json(0)["state"], "paused");
}

#[test]
fn looking_changes_nothing() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    bench.set_up(&vendors);
    bench.json(&["sync", ID]).json(0);
    let console = Console::start(&bench);
    let cookie = console.enter();
    let before = (bench.json(&["integration", "show", ID]).out, bench.json(&["records", ID, "--kind", "client"]).out);
    let deeds = ["verify", "sync", "force", "pause", "remove", "rotate", "finish", "auto-match", "decide", "switches"];
    for deed in deeds {
        assert_eq!(
            console.get(&format!("/i/{ID}/{deed}?csrf=x&kind=client&confirm={ID}"), &cookie).status,
            404,
            "{deed}"
        );
    }
    for page in ["", "/match/client", "/preview", "/unsynced", "/plans", "/runs"] {
        assert_eq!(console.get(&format!("/i/{ID}{page}"), &cookie).status, 200, "{page}");
    }
    let after = (bench.json(&["integration", "show", ID]).out, bench.json(&["records", ID, "--kind", "client"]).out);
    assert_eq!(after, before);
}

#[test]
fn the_console_is_on_this_machine_alone() {
    let bench = Bench::new();
    assert_eq!(bench.json(&["serve", "--listen", "0.0.0.0:0"]).error(2)["code"], "usage");
}

#[test]
fn a_secret_that_was_typed_comes_back_on_no_page() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    let console = Console::start(&bench);
    let cookie = console.enter();
    let csrf = console.csrf("/add?vendor=auvik", &cookie);
    let (canary, url) = ("c4naryc4nary", vendors.setting("url").replace(':', "%3A").replace('/', "%2F"));
    let add = |id: &str| {
        let form = format!(
            "csrf={csrf}&vendor=auvik&id={id}&setting.url={url}&secret.username=me%40msp.example&secret.api_key={canary}"
        );
        console.send("POST", "/add", &console.address, &[("Cookie", &cookie)], &form)
    };
    let refused = add("Not%20an%20id");
    assert_eq!(refused.status, 422);
    let added = add(ID);
    assert_eq!((added.status, added.header("location")), (303, Some(format!("/i/{ID}").as_str())));
    let page = console.get(&format!("/i/{ID}"), &cookie);
    assert!(page.body.contains("What the vendor said"), "the refused key is told");
    for came in [refused, added, page, console.get("/", &cookie), console.get("/audit", &cookie)] {
        assert!(!format!("{came:?}").contains(canary), "{came:?}");
    }
}
