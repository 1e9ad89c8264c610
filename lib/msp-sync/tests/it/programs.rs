//! The interface for programs over HTTP: who is let in, and what comes back. `tests/api` tries all of it.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::bench::{Bench, ID, Vendors};
use crate::page::{Came, Console};

fn token(bench: &Bench) -> String {
    let path = bench.data().join("api-token");
    let mode = std::fs::metadata(&path).expect("serve makes it").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::read_to_string(path).expect("it can be read").trim().to_owned()
}

fn call(console: &Console, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Came {
    console.send(method, &format!("/api/v1{path}"), &console.address, headers, body)
}

fn json(came: &Came) -> Value {
    assert_eq!(came.header("content-type"), Some("application/json"), "{came:?}");
    assert_eq!(came.header("cache-control"), Some("no-store"));
    serde_json::from_str(&came.body).unwrap_or_else(|error| panic!("{error}: {came:?}"))
}

#[test]
fn a_program_is_let_in_by_the_folders_token_and_by_nothing_else() {
    let bench = Bench::new();
    let console = Console::start(&bench);
    let bearer = format!("Bearer {}", token(&bench));
    let good = call(&console, "GET", "/status", &[("Authorization", &bearer)], "");
    assert_eq!((good.status, json(&good)), (200, json!({"items": [], "next": null})));
    for wrong in ["", "Bearer", "Bearer ", "Bearer guessed", "Basic dTpw", &bearer[..bearer.len() - 1]] {
        for path in ["/status", "/openapi.json", "/nothing"] {
            let came = call(&console, "GET", path, &[("Authorization", wrong)], "");
            assert_eq!((came.status, came.header("www-authenticate")), (401, Some("Bearer")), "{wrong:?} {path}");
            assert_eq!(json(&came)["error"]["code"], "forbidden");
        }
    }
    assert_eq!(call(&console, "GET", "/status", &[], "").status, 401);
    let turned = console.send("GET", "/api/v1/status", "evil.example", &[("Authorization", &bearer)], "");
    assert_eq!(turned.status, 421, "a name that was turned to this machine");
    assert_eq!(json(&turned)["error"]["code"], "forbidden");
}

#[test]
fn a_signed_in_browser_may_look_and_orders_only_from_our_pages() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    bench.set_up(&vendors);
    let console = Console::start(&bench);
    let cookie = console.enter();
    let csrf = console.csrf(&format!("/i/{ID}"), &cookie);
    let ours = format!("http://{}", console.address);
    assert_eq!(call(&console, "GET", "/status", &[("Cookie", &cookie)], "").status, 200);
    let pause = |headers: &[(&str, &str)]| {
        let all = [&[("Cookie", cookie.as_str())], headers].concat();
        call(&console, "POST", &format!("/integrations/{ID}/pause"), &all, "").status
    };
    assert_eq!(pause(&[("Origin", &ours)]), 403);
    assert_eq!(pause(&[("Origin", &ours), ("X-CSRF-Token", "guessed")]), 403);
    assert_eq!(pause(&[("Origin", "http://evil.example"), ("X-CSRF-Token", &csrf)]), 403);
    assert_eq!(bench.json(&["integration", "show", ID]).json(0)["state"], "configured");
    assert_eq!(pause(&[("Origin", &ours), ("X-CSRF-Token", &csrf)]), 200);
    assert_eq!(bench.json(&["integration", "show", ID]).json(0)["state"], "paused");
}

#[test]
fn a_program_gets_what_the_command_prints() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 12));
    bench.go_live(&vendors);
    let console = Console::start(&bench);
    let bearer = format!("Bearer {}", token(&bench));
    let ask = |path: &str| json(&call(&console, "GET", path, &[("Authorization", &bearer)], ""));
    for (path, words) in [
        ("/integrations", vec!["integration", "list"]),
        ("/integrations/acme", vec!["integration", "show", ID]),
        ("/integrations/acme/records?kind=asset&limit=5", vec!["records", ID, "--kind", "asset", "--limit", "5"]),
        ("/integrations/acme/runs", vec!["runs", ID]),
        ("/docs?kind=client", vec!["docs", "list", "--kind", "client"]),
        ("/audit?limit=3", vec!["audit", "--limit", "3"]),
    ] {
        let printed = bench.json(&words).json(0);
        assert_eq!(ask(path), printed, "{path}");
        assert!(printed["items"].as_array().is_none_or(|items| !items.is_empty()), "{path}");
    }
}
