//! Setting up, deciding, syncing, and what happens when the key is revoked.

use sandbox::auvik::Credentials;
use serde_json::Value;

use crate::bench::{Bench, ID, Vendors, holding};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))
}

/// The laws of the counts (product.md section 4).
fn counts_add_up(run: &Value) {
    for (kind, counts) in run["counts"].as_object().expect("counts by kind") {
        let of = |name: &str| number(&counts[name]);
        let reasons: u64 = counts["reasons"].as_object().expect("reasons").values().map(number).sum();
        assert_eq!(of("fetched"), of("synced") + of("unsynced"), "{kind}: {counts}");
        assert_eq!(of("unsynced"), reasons, "{kind}: {counts}");
        assert_eq!(of("synced"), of("created") + of("matched") + of("updated") + of("unchanged"), "{kind}: {counts}");
    }
}

#[test]
fn from_an_empty_folder_to_a_live_integration() {
    let (bench, vendors) = (Bench::new(), Vendors::start(6, 60));
    assert_eq!(bench.json(&["status"]).json(0)["items"], serde_json::json!([]));
    let names: Vec<String> = {
        let world = vendors.sandbox.world.read();
        world.clients.iter().take(2).map(|client| client.name_in(sandbox::world::System::Network)).collect()
    };
    let shouted: Vec<String> = names.iter().map(|name| format!("\"  {}\"", name.to_uppercase())).collect();
    let csv = bench.file("clients.csv", &format!("name\n{}\n", shouted.join("\n")));
    assert_eq!(bench.json(&["docs", "import", "--kind", "client", &csv]).json(0)["created"], 2);

    bench.set_up(&vendors);
    let setup = bench.json(&["sync", ID]).json(0);
    assert_eq!(setup["items"][0]["trigger"], "setup");
    assert_eq!(setup["items"][0]["outcome"], "complete");
    assert_eq!(bench.json(&["docs", "list", "--kind", "asset"]).json(0)["items"], serde_json::json!([]));

    assert_eq!(bench.json(&["auto-match", ID]).json(0)["staged"], 2);
    let left = bench.json(&["records", ID, "--kind", "client", "--state", "unmatched"]).json(0);
    let left = left["items"].as_array().expect("records").clone();
    assert_eq!(left.len(), 5, "the MSP itself is a client too");
    for field in ["vendor_id", "kind", "name", "client_vendor_id", "state", "doc_id", "reason", "suggestion", "fields"]
    {
        assert!(left[0].get(field).is_some(), "records have {field}");
    }
    let out = text(&left[0]["vendor_id"]);
    assert_eq!(bench.json(&["exclude", ID, "--kind", "client", &out]).json(0)["staged"], 1);
    assert_eq!(bench.json(&["create-unmatched", ID, "--kind", "client"]).json(0)["staged"], 4);

    let preview = bench.json(&["preview", ID]).json(0);
    let counts = &preview["counts"];
    assert_eq!((&counts["match"], &counts["create"], &counts["exclude"]), (&2.into(), &4.into(), &1.into()));
    assert_eq!(preview["items"].as_array().map(Vec::len), Some(7));
    let plan = text(&preview["plan_id"]);
    let finished = bench.json(&["finish", ID, "--plan", &plan]).json(0);
    assert_eq!(finished["state"], "live");
    counts_add_up(&finished["run"]);

    let again = bench.json(&["sync", ID]).json(0);
    let run = &again["items"][0];
    counts_add_up(run);
    for kind in ["client", "asset"] {
        let counts = &run["counts"][kind];
        for nothing in ["created", "matched", "updated"] {
            assert_eq!(counts[nothing], 0, "{kind}: {counts}");
        }
    }
    let status = bench.json(&["status", ID]).json(0);
    let of = &status["items"][0];
    assert_eq!((&of["state"], &of["last_run"]["outcome"]), (&"live".into(), &"complete".into()));
    assert_eq!(of["last_run"]["run_id"], run["run_id"]);
    counts_add_up(&of["last_run"]);

    let assets = bench.json(&["docs", "list", "--kind", "asset"]).json(0);
    let asset = &assets["items"][0];
    assert_eq!(asset["sources"][0]["integration"], ID);
    let shown = bench.json(&["docs", "show", &text(&asset["doc_id"])]).json(0);
    assert_eq!(shown["fields"], asset["fields"]);
    let unsynced = bench.json(&["unsynced", ID]).json(0);
    let told = unsynced["items"].as_array().map_or(0, Vec::len) as u64;
    let counted: u64 = ["client", "asset"].iter().map(|kind| number(&run["counts"][kind]["unsynced"])).sum();
    assert_eq!(told, counted);
}

#[test]
fn people_read_tables() {
    let (bench, vendors) = (Bench::new(), Vendors::start(4, 30));
    let empty = bench.run(&["status"]);
    assert_eq!(empty.code, 0);
    assert!(empty.out.contains("msp-sync integration add"), "{}", empty.out);
    bench.go_live(&vendors);
    for (words, told) in [
        (&["status"][..], "live"),
        (&["runs"], "complete"),
        (&["integration", "list"], ID),
        (&["integration", "show", ID], "auto-create"),
        (&["records", ID, "--kind", "client"], "created"),
        (&["docs", "list", "--kind", "asset"], ID),
        (&["plans", ID], "applied"),
        (&["audit"], "integration add"),
        (&["unsynced", ID], "\n"),
    ] {
        let ran = bench.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        assert!(ran.out.contains(told), "{words:?}: {}", ran.out);
        assert!(!ran.out.contains('\u{1b}'), "{words:?}: colours in a pipe");
    }
}

#[test]
fn a_plan_whose_inputs_moved_is_refused() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 10));
    bench.set_up(&vendors);
    bench.json(&["sync", ID]).json(0);
    bench.json(&["create-unmatched", ID]).json(0);
    let plan = text(&bench.json(&["preview", ID]).json(0)["plan_id"]);
    let records = bench.json(&["records", ID, "--kind", "client"]).json(0);
    bench.json(&["exclude", ID, "--kind", "client", &text(&records["items"][0]["vendor_id"])]).json(0);
    let error = bench.json(&["finish", ID, "--plan", &plan]).error(1);
    assert_eq!(error["code"], "plan_outdated");
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "configured");
    assert_eq!(bench.json(&["docs", "list", "--kind", "client"]).json(0)["items"], serde_json::json!([]));
}

#[test]
fn what_does_not_exist_is_not_found_and_the_nearest_is_named() {
    let (bench, vendors) = (Bench::new(), Vendors::start(2, 4));
    bench.set_up(&vendors);
    for words in [
        &["sync", "acne"][..],
        &["status", "acne"],
        &["integration", "show", "acne"],
        &["preview", "acne"],
        &["run", "show", "acme.nothing"],
        &["plan", "show", "acme.nothing"],
        &["undo", "acme.nothing"],
        &["docs", "show", "c_0123456789abcdef"],
        &["match", ID, "--kind", "client", "nothing", "c_0123456789abcdef"],
    ] {
        let error = bench.json(words).error(1);
        assert_eq!(error["code"], "not_found", "{words:?}: {error}");
        if words.contains(&"acne") {
            assert!(error.to_string().contains(ID), "{words:?}: {error}");
        }
    }
}

#[test]
fn a_revoked_key_pauses_the_integration_until_a_good_one_is_rotated_in() {
    let (bench, vendors) = (Bench::new(), Vendors::start(3, 20));
    bench.go_live(&vendors);
    let new = Credentials { api_key: "regenerated-key-4711".to_owned(), ..Credentials::default() };
    vendors.sandbox.auvik.with(|auvik| auvik.set_credentials(new.clone()));

    let run = bench.json(&["sync", ID]).json(3);
    assert_eq!(run["items"][0]["outcome"], "credentials_rejected");
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "credentials_rejected");
    let calls = vendors.sandbox.auvik.with(|auvik| auvik.calls());
    assert_eq!(bench.json(&["sync", ID]).code, 3);
    assert_eq!(vendors.sandbox.auvik.with(|auvik| auvik.calls()), calls, "no further call is made");
    let verdict = bench.json(&["integration", "verify", ID]).json(1);
    assert_eq!(verdict["ok"], false);
    assert!(text(&verdict["items"][0]["curl"]).contains("curl"), "{verdict}");

    let user = format!("username={}", new.username);
    let wrong = bench.json(&["secret", "rotate", ID, "--secret", &user, "--secret", "api_key=still-wrong-0815"]);
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "credentials_rejected");
    let right = format!("api_key={}", new.api_key);
    bench.json(&["secret", "rotate", ID, "--secret", &user, "--secret", &right]).json(0);
    assert_eq!(bench.json(&["status", ID]).json(0)["items"][0]["state"], "live");
    let run = bench.json(&["sync", ID]).json(0);
    assert_eq!(run["items"][0]["counts"]["client"]["created"], 0, "mappings were kept: {run}");

    let files = holding(&bench.data(), &new.api_key);
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["secrets.json"], "the secret lies in its own file alone");
}

#[test]
fn a_secret_can_be_piped_in() {
    use std::io::Write;
    let (bench, vendors) = (Bench::new(), Vendors::start(2, 4));
    let secret: std::collections::BTreeMap<String, String> = vendors
        .secret()
        .iter()
        .map(|part| part.split_once('=').expect("K=V"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let (domain, url) = (format!("domain={}", vendors.setting("domain")), format!("url={}", vendors.setting("url")));
    let words =
        ["integration", "add", ID, "--vendor", "auvik", "--setting", &domain, "--setting", &url, "--secret-stdin"];
    let mut child = bench.command(&words).stdin(std::process::Stdio::piped()).spawn().expect("it starts");
    let document = serde_json::to_vec(&secret).expect("texts");
    child.stdin.take().expect("a pipe").write_all(&document).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(bench.run(&["integration", "verify", ID]).code, 0);
}

#[test]
fn a_list_goes_on_where_its_cursor_says() {
    let (bench, vendors) = (Bench::new(), Vendors::start(7, 7));
    bench.set_up(&vendors);
    bench.json(&["sync", ID]).json(0);
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut words = vec!["records", ID, "--kind", "client", "--limit", "3"];
        words.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page = bench.json(&words).json(0);
        let items = page["items"].as_array().expect("items").clone();
        assert!(items.len() <= 3);
        names.extend(items.iter().map(|item| text(&item["vendor_id"])));
        let Some(next) = page["next"].as_str() else { break };
        cursor = Some(next.to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8);
}

#[test]
fn an_export_is_csv_also_with_json_and_a_bad_row_exits_3() {
    let bench = Bench::new();
    let csv = bench.file("clients.csv", "name,city\nNorthwind,Delft\n,Nowhere\nContoso,\n");
    let import = bench.json(&["docs", "import", "--kind", "client", &csv]).json(3);
    assert_eq!((&import["created"], &import["problems"][0]["line"]), (&2.into(), &3.into()));
    let export = bench.json(&["docs", "export", "--kind", "client"]);
    assert_eq!(export.code, 0);
    assert!(export.out.lines().next().is_some_and(|header| header.contains("name")), "{}", export.out);
    assert!(export.out.contains("Northwind") && export.out.contains("Delft"), "{}", export.out);
}

#[test]
fn the_demo_ends_with_its_tables_and_changes_nothing_the_second_time() {
    let bench = Bench::new();
    let ran = bench.run(&["demo", "--exit"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for told in ["auto-match", "preview", "finish", "typed in by hand", "COMES FROM", "REASON", "live"] {
        assert!(ran.out.contains(told), "{told} is missing: {}", ran.out);
    }
    assert!(!bench.data().exists(), "the demo has a temporary folder of its own");
    let document =
        bench.json(&["demo", "--exit", "--data-dir", bench.home.path().join("demo").to_str().expect("a path")]);
    let document = document.json(0);
    let status = document["status"]["items"].as_array().expect("integrations");
    assert_eq!(status.len(), Vendors::start(0, 0).sandbox.all().len(), "an integration for each simulated vendor");
    let assets = document["catalogue"]["asset"].as_array().expect("assets");
    let sources = assets.iter().map(|doc| doc["sources"].as_array().map_or(0, Vec::len)).max();
    assert_eq!(sources, Some(status.len()), "some device is known to every vendor");
    for of in status {
        assert_eq!((&of["state"], &of["last_run"]["outcome"]), (&"live".into(), &"complete".into()), "{of}");
        counts_add_up(&of["last_run"]);
        let told = document["unsynced"][text(&of["integration"])].as_array().map_or(0, Vec::len) as u64;
        let mut counted = 0;
        for (kind, counts) in of["last_run"]["counts"].as_object().expect("counts by kind") {
            for nothing in ["created", "matched", "updated"] {
                assert_eq!(counts[nothing], 0, "{kind}: {of}");
            }
            counted += number(&counts["unsynced"]);
        }
        assert_eq!(told, counted, "{of}");
    }
}
