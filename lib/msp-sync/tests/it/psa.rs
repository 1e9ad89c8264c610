//! A service desk through the command line: types, users and clients decided, people and places that follow them.

use apis::vendors;
use reconcile::record::Kind;
use sandbox::world::Person;
use serde_json::Value;

use crate::bench::{Bench, Vendors};

const PSAS: [&str; 3] = ["autotask", "connectwise", "kaseya-bms"];

fn items(document: &Value) -> &Vec<Value> {
    document["items"].as_array().unwrap_or_else(|| panic!("{document} is a list"))
}

/// Adds an integration whose id is its vendor's, and chooses all its kinds.
fn set_up(bench: &Bench, vendors: &Vendors, vendor: &str) {
    let listing = vendors.sandbox.describe().iter().find(|listing| listing.vendor == vendor).expect("it is simulated");
    let mut words: Vec<String> = ["integration", "add", vendor, "--vendor", vendor].map(str::to_owned).into();
    for (flag, parts) in [("--setting", &listing.settings), ("--secret", &listing.secret)] {
        words.extend(parts.iter().flat_map(|(name, value)| [flag.to_owned(), format!("{name}={value}")]));
    }
    bench.json(&words.iter().map(String::as_str).collect::<Vec<_>>()).json(0);
    let kinds: Vec<&str> = vendors::find(vendor).expect("a vendor").kinds.iter().map(|kind| kind.code()).collect();
    let verified = bench.json(&["integration", "verify", vendor]).json(0);
    assert_eq!(items(&verified).len(), kinds.len(), "{verified}");
    bench.json(&["integration", "set", vendor, "--sync", &kinds.join(",")]).json(0);
}

#[test]
fn users_are_matched_by_e_mail_first_and_people_and_places_follow_their_client() {
    for vendor in PSAS {
        let (bench, vendors) = (Bench::new(), Vendors::start(4, 30));
        let (by_mail, by_name): (Person, Person) = {
            let world = vendors.sandbox.world.read();
            let mut users = world.users.iter().filter(|user| user.is_active && !user.is_api_only).cloned();
            let mut next = || users.next().expect("the MSP has several people");
            (next(), next())
        };
        let mail = by_mail.email.as_ref().expect("users have one").to_uppercase();
        let csv = format!("name,email\nSomebody Else,{mail}\n  {}  ,\n", by_name.full_name().to_uppercase());
        bench.json(&["docs", "import", "--kind", "user", &bench.file("users.csv", &csv)]).json(0);
        set_up(&bench, &vendors, vendor);
        bench.json(&["sync", vendor]).json(0);
        let types = bench.json(&["integration", "types", vendor]).json(0);
        for field in ["id", "name", "count", "selected"] {
            assert!(items(&types)[0].get(field).is_some(), "{vendor}: {field} in {types}");
        }
        let error = bench.json(&["integration", "set", vendor, "--types", "Sever"]).error(2);
        assert_eq!(error["hint"], "did you mean Server?", "{vendor}");
        bench.json(&["integration", "set", vendor, "--types", "Server,Workstation"]).json(0);

        assert_eq!(bench.json(&["auto-match", vendor]).json(0)["counts"]["user"], 2, "{vendor}");
        let users = bench.json(&["records", vendor, "--kind", "user", "--state", "matched"]).json(0);
        let names: Vec<&str> = items(&users).iter().filter_map(|user| user["name"].as_str()).collect();
        assert!(names.contains(&by_mail.full_name().as_str()), "{vendor}: {names:?}");
        assert!(names.contains(&by_name.full_name().as_str()), "{vendor}: {names:?}");
        bench.json(&["create-unmatched", vendor]).json(0);
        let plan = bench.json(&["preview", vendor]).json(0);
        assert!(items(&plan).iter().all(|item| item["kind"] == "user" || item["kind"] == "client"), "{plan}");
        let plan = plan["plan_id"].as_str().expect("an id");
        let finished = bench.json(&["finish", vendor, "--plan", plan]).json(0);
        let counts = &finished["run"]["counts"];
        for kind in Kind::ALL.map(Kind::code) {
            assert!(counts[kind]["synced"].as_u64() > Some(0), "{vendor}, {kind}: {counts}");
            let docs = bench.json(&["docs", "list", "--kind", kind]).json(0);
            assert!(items(&docs).iter().any(|doc| doc["sources"][0]["integration"] == vendor), "{vendor}, {kind}");
        }
        let left_out = bench.json(&["unsynced", vendor, "--kind", "asset", "--reason", "type_not_selected"]).json(0);
        assert!(!items(&left_out).is_empty(), "{vendor}");
        let status = bench.json(&["status", vendor]).json(0);
        assert!(items(&status)[0]["expected_cost"]["vendor_requests"].is_u64(), "{status}");
    }
}
