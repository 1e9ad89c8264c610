use std::collections::BTreeSet;

use apis::call::{SecretText, Text};
use url::Url;

use super::conditions::Condition;
use super::*;
use crate::world::{Size, Standing, System, World};

const ORIGIN: &str = "http://127.0.0.1:4001";
const API: &str = "/v2025_1/apis/3.0";

fn simulator(clients: usize, devices: usize) -> ConnectWiseSim {
    let world = World::new(&Size { clients, devices, seed: 7 });
    ConnectWiseSim::new(SharedWorld::new(world), Credentials::default())
}

fn call(path: &str, more: &[(&'static str, &str)]) -> Call {
    let Credentials { company_id, public_key, private_key, client_id } = Credentials::default();
    let token = STANDARD.encode(format!("{company_id}+{public_key}:{private_key}"));
    let secret = |text: &str| Text::Secret(SecretText::new(text));
    let mut headers = vec![("authorization", secret(&format!("Basic {token}"))), ("clientid", secret(&client_id))];
    headers.extend(more.iter().map(|(name, value)| (*name, secret(value))));
    Call { headers, ..Call::get(Url::parse(&format!("{ORIGIN}{path}")).unwrap()) }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

fn get(simulator: &mut ConnectWiseSim, path: &str) -> (u16, Value) {
    let reply = simulator.answer(&call(&format!("{API}{path}"), &[]), ORIGIN);
    (reply.status, json_of(&reply))
}

fn body(simulator: &mut ConnectWiseSim, path: &str) -> Value {
    let (status, body) = get(simulator, path);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn ids(rows: &Value) -> Vec<u64> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_u64()).collect()
}

/// Encodes conditions as a query value.
fn with(path: &str, name: &str, value: &str) -> String {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{path}?pageSize=1000&{name}={value}")
}

/// Returns the address of a link with this rel, as path and query.
fn link(reply: &Reply, rel: &str) -> Option<String> {
    let header = reply.header("link")?;
    let one = header.split(", ").find(|one| one.ends_with(&format!("; rel=\"{rel}\"")))?;
    let address = one.strip_prefix('<')?.split_once('>')?.0;
    Some(address.strip_prefix(ORIGIN)?.to_owned())
}

#[test]
fn the_look_up_needs_no_key_and_knows_its_company_only() {
    let mut sim = simulator(2, 0);
    let bare = |path: &str| Call::get(Url::parse(&format!("{ORIGIN}{path}")).unwrap());
    let info = json_of(&sim.answer(&bare("/login/companyinfo/larchmsp"), ORIGIN));
    assert_eq!((&info["SiteUrl"], &info["Codebase"]), (&json!("127.0.0.1:4001"), &json!("v2025_1/")));
    assert_eq!(info["IsCloud"], json!(true));
    let unknown = sim.answer(&bare("/login/companyinfo/elsewhere"), ORIGIN);
    assert_eq!((unknown.status, unknown.body.as_slice()), (200, b"null".as_slice()));
    sim.set_forms(Forms { hosting: Hosting::OnPremise, ..Forms::default() });
    let info = json_of(&sim.answer(&bare("/login/companyinfo/larchmsp"), ORIGIN));
    assert_eq!((&info["Codebase"], &info["IsCloud"]), (&json!("v4_6_release/"), &json!(false)));
    let lost = sim.answer(&bare("/v2019_1/apis/3.0/company/companies"), ORIGIN);
    assert_eq!((lost.status, lost.body.as_slice()), (400, b"Cannot route. Codebase/company is invalid".as_slice()));
}

#[test]
fn nothing_is_said_without_keys_and_client_id() {
    let mut sim = simulator(2, 0);
    let path = format!("{API}/company/companies");
    let good = call(&path, &[]);
    assert_eq!(sim.answer(&good, ORIGIN).status, 200);
    let without = |name: &str| {
        let headers = good.headers.iter().filter(|(header, _)| *header != name).cloned().collect();
        Call { headers, ..good.clone() }
    };
    let refused = sim.answer(&without("authorization"), ORIGIN);
    assert_eq!((refused.status, &json_of(&refused)["code"]), (401, &json!("Unauthorized")));
    let refused = sim.answer(&without("clientid"), ORIGIN);
    assert!(refused.status == 401 && json_of(&refused)["message"].as_str().unwrap().contains("clientId"));
    let forms =
        Forms { missing_client_id_is_403: true, unauthorized: Unauthorized::NotAuthenticated, ..Forms::default() };
    sim.set_forms(forms);
    assert_eq!(sim.answer(&without("clientid"), ORIGIN).status, 403);
    assert_eq!(json_of(&sim.answer(&without("authorization"), ORIGIN))["message"], "UserNotAuthenticated");
    sim.set_credentials(Credentials { private_key: "another".to_owned(), ..Credentials::default() });
    assert_eq!(sim.answer(&good, ORIGIN).status, 401, "a key that was taken back");
}

#[test]
fn numbered_pages_have_links_with_the_page_last_and_end_empty() {
    let mut sim = simulator(30, 0);
    let total = sim.world.read().companies(System::Psa).count();
    let page = |sim: &mut ConnectWiseSim, path: &str| sim.answer(&call(path, &[]), ORIGIN);
    let (mut all, mut next, mut pages) = (Vec::new(), Some(format!("{API}/company/companies/?pagesize=10")), 0);
    while let Some(path) = next {
        let reply = page(&mut sim, &path);
        all.extend(ids(&json_of(&reply)));
        pages += 1;
        next = link(&reply, "next");
        assert!(next.as_ref().is_none_or(|next| next.rsplit('&').next().unwrap().starts_with("page=")), "{next:?}");
        assert_eq!(link(&reply, "prev").is_some(), pages > 1);
    }
    assert_eq!((all.len(), pages), (total, total.div_ceil(10)));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), total);
    assert!(all.iter().all(|id| *id >= 2), "a client that starts above 1 must miss nothing");
    let beyond = page(&mut sim, &format!("{API}/company/companies?pageSize=10&page=99"));
    assert_eq!((beyond.status, json_of(&beyond)), (200, json!([])));
    let whole = page(&mut sim, &format!("{API}/company/companies?pageSize=1000"));
    assert_eq!((whole.header("link"), ids(&json_of(&whole)).len()), (None, total));
    let usual = page(&mut sim, &format!("{API}/company/companies"));
    assert_eq!(ids(&json_of(&usual)).len(), 25);
    assert_eq!(body(&mut sim, "/company/companies/count"), json!({ "count": total }));
}

#[test]
fn forward_only_lists_go_by_ids_and_always_have_a_link() {
    let mut sim = simulator(10, 700);
    let forward = [("pagination-type", "forward-only")];
    let (mut all, mut next) = (Vec::new(), Some(format!("{API}/company/configurations?pageSize=100&page=3")));
    while let Some(path) = next {
        let reply = sim.answer(&call(&path, &forward), ORIGIN);
        let rows = ids(&json_of(&reply));
        next = link(&reply, "next");
        let last = rows.last().copied().unwrap_or_default();
        match &next {
            Some(next) => assert!(next.ends_with(&format!("pageId={last}")), "{next}"),
            None => assert_eq!(reply.header("link"), Some("")),
        }
        all.extend(rows);
    }
    let world = sim.world.read();
    let seen = world.clients.iter().flat_map(|client| &client.devices).filter(|one| one.is_seen_by(System::Psa));
    let mut expected: Vec<u64> = seen.map(|device| configuration_id(device.number)).collect();
    expected.sort_unstable();
    assert_eq!(all, expected);
    drop(world);
    let ordered = call(&format!("{API}/company/configurations?orderBy=name"), &forward);
    assert_eq!(sim.answer(&ordered, ORIGIN).status, 400, "an order of one's own is not allowed");
    sim.set_forms(Forms { links_are_dropped: true, ..Forms::default() });
    let dropped = sim.answer(&call(&format!("{API}/company/configurations?pageSize=5"), &forward), ORIGIN);
    assert_eq!((dropped.header("link"), ids(&json_of(&dropped)).len()), (None, 5));
}

#[test]
fn conditions_pick_rows() {
    let mut sim = simulator(20, 400);
    let all = body(&mut sim, "/company/configurations?pageSize=1000");
    let rows = all.as_array().unwrap().clone();
    let mut picked = |condition: &str| ids(&body(&mut sim, &with("/company/configurations", "CONDITIONS", condition)));
    let expected = |keep: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        rows.iter().filter(|row| keep(row)).filter_map(|row| row["id"].as_u64()).collect()
    };
    let company = rows[40]["company"]["id"].as_u64().unwrap();
    let name = rows[40]["name"].as_str().unwrap().to_owned();
    let is_of = |row: &Value| row["company"]["id"] == company;
    let is_server = |row: &Value| row["type"]["name"] == "Server";
    let has_serial = |row: &Value| row.get("serialNumber").is_some();
    assert_eq!(picked(&format!("company/id = {company}")), expected(&is_of));
    assert_eq!(picked(&format!("company/id in ({company}, 9999)")), expected(&is_of));
    assert_eq!(picked(&format!("company/id not in ({company})")), expected(&|row| !is_of(row)));
    assert_eq!(
        picked(&format!("Company/Id={company} and type/name=\"server\"")),
        expected(&|row| is_of(row) && is_server(row))
    );
    assert_eq!(
        picked(&format!("company/id={company} AND (type/name='Server' OR serialNumber = null)")),
        expected(&|row| is_of(row) && (is_server(row) || !has_serial(row)))
    );
    assert_eq!(
        picked(&format!("company/id={company} OR type/name='Server' AND serialNumber != null")),
        expected(&|row| is_of(row) || (is_server(row) && has_serial(row)))
    );
    assert_eq!(
        picked(&format!("name = \"{name}\"")).len(),
        rows.iter().filter(|row| row["name"] == name.as_str()).count()
    );
    let is_switch = |row: &Value| row["name"].as_str().unwrap().contains("-SW");
    for pattern in ["name like \"%-sw%\"", "name like '*-SW*'", "name contains \"-SW\""] {
        assert_eq!(picked(pattern), expected(&is_switch), "{pattern}");
    }
    assert_eq!(picked("name not like '*-SW*'"), expected(&|row| !is_switch(row)));
    assert!(picked("activeFlag = False").is_empty());
    assert_eq!(picked("activeFlag=true and billFlag = True"), expected(&|row| row["billFlag"] == true));
    let id = rows[7]["id"].as_u64().unwrap();
    assert_eq!(picked(&format!("id < {id}")).len(), 7);
    assert_eq!(picked(&format!("id <= {id}")).len(), 8);
    assert_eq!(picked(&format!("id >= {id}")).len(), rows.len() - 7);
    let instant = rows[7]["_info"]["lastUpdated"].as_str().unwrap();
    let later = |row: &Value| row["_info"]["lastUpdated"].as_str().unwrap() > instant;
    for field in ["lastUpdated", "_info/lastUpdated"] {
        assert_eq!(picked(&format!("{field} > [{instant}]")), expected(&later), "{field}");
    }
    assert!(!expected(&later).is_empty() && !expected(&is_switch).is_empty() && !expected(&is_of).is_empty());
}

#[test]
fn what_is_no_condition_is_refused() {
    let mut sim = simulator(2, 10);
    for text in
        ["name", "name = ", "name ~ 'x'", "name = 'x", "(name = 'x'", "name = 'x')", "id in 5", "x = [yesterday]"]
    {
        let (status, body) = get(&mut sim, &with("/company/companies", "conditions", text));
        assert_eq!((status, body["code"].is_string()), (400, true), "{text}: {body}");
    }
    let bracket = Condition::read("name = \"a[[]b]\"").unwrap();
    assert!(bracket.fits(&json!({ "name": "a[b]" })), "an opening bracket is doubled in brackets of its own");
}

#[test]
fn children_and_custom_fields_have_conditions_of_their_own() {
    let mut sim = simulator(20, 0);
    let contacts = body(&mut sim, "/company/contacts?pageSize=1000");
    let with_mail = contacts.as_array().unwrap().iter().filter(|row| {
        row["communicationItems"].as_array().unwrap().iter().any(|item| item["communicationType"] == "Email")
    });
    let mut expected: Vec<u64> = with_mail.filter_map(|row| row["id"].as_u64()).collect();
    expected.dedup();
    let children = |text: &str| with("/company/contacts", "childconditions", text);
    assert_eq!(ids(&body(&mut sim, &children("communicationItems/communicationType=\"Email\""))), expected);
    let mixed = "communicationItems/value like \"+1*\" AND communicationItems/communicationType=\"Email\"";
    assert_eq!(ids(&body(&mut sim, &children(mixed))), [] as [u64; 0], "one item has to fit as a whole");
    let world = sim.world.read();
    let prospects = world.others.iter().filter(|company| company.standing == Standing::Prospect);
    let prospects: Vec<u64> = prospects.map(|company| company_id(company.number)).collect();
    drop(world);
    let typed = with("/company/companies", "childConditions", "types/name = \"Prospect\"");
    assert_eq!(ids(&body(&mut sim, &typed)), prospects);
    let gold = with("/company/companies", "customFieldConditions", "caption=\"Contract tier\" AND value = 'Gold'");
    let gold = ids(&body(&mut sim, &gold));
    assert!(gold.iter().all(|id| id % 2 == 0) && gold.len() > 5, "{gold:?}");
}

#[test]
fn a_search_takes_its_conditions_from_the_body() {
    let mut sim = simulator(10, 100);
    let mut search = call(&format!("{API}/company/configurations/search?pageSize=1000"), &[]);
    search.method = Method::Post;
    search.body = Some(Text::Plain(json!({ "conditions": "type/name = 'Server'" }).to_string()));
    let found = sim.answer(&search, ORIGIN);
    let asked = body(&mut sim, &with("/company/configurations", "conditions", "type/name = 'Server'"));
    assert_eq!((found.status, json_of(&found)), (200, asked));
    let mut write = call(&format!("{API}/company/contacts"), &[]);
    write.method = Method::Post;
    assert_eq!(sim.answer(&write, ORIGIN).status, 405);
}

#[test]
fn order_and_fields_are_as_asked() {
    let mut sim = simulator(12, 0);
    let rows = body(
        &mut sim,
        "/company/companies?pageSize=1000&orderby=status/name%20desc,name&fields=id,name,status/name,types/id,_info/lastUpdated",
    );
    let rows = rows.as_array().unwrap();
    let keys: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row["status"]["name"].as_str().unwrap().to_owned(), row["name"].as_str().unwrap().to_lowercase()))
        .collect();
    let mut sorted = keys.clone();
    sorted.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    assert_eq!(keys, sorted);
    let row = rows[0].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["_info", "id", "name", "status", "types"]);
    assert_eq!(row["status"].as_object().unwrap().len(), 1);
    assert_eq!(row["_info"].as_object().unwrap().len(), 1);
    let (status, one) = get(&mut sim, &format!("/company/companies/{}", row["id"]));
    assert_eq!((status, &one["name"]), (200, &row["name"]));
    let (status, none) = get(&mut sim, "/company/companies/99999");
    assert_eq!((status, &none["message"]), (404, &json!("Company 99999 not found.")));
    assert_eq!(get(&mut sim, "/company/companies/99999/sites").0, 404);
}

#[test]
fn records_leave_out_what_has_no_value_and_write_doubled_slashes() {
    let mut sim = simulator(40, 900);
    for path in ["/company/companies", "/company/contacts", "/company/configurations", "/system/members"] {
        let rows = body(&mut sim, &format!("{path}?pageSize=1000"));
        for row in rows.as_array().unwrap() {
            assert!(row.as_object().unwrap().values().all(|value| !value.is_null()), "{row}");
            let texts = row["_info"].as_object().unwrap();
            let hrefs = texts.iter().filter(|(name, _)| name.ends_with("_href"));
            assert!(hrefs.clone().all(|(_, href)| href.as_str().unwrap().contains("/apis/3.0//")), "{texts:?}");
        }
    }
    let configurations = body(&mut sim, "/company/configurations?pageSize=1000");
    let macs: Vec<&str> =
        configurations.as_array().unwrap().iter().filter_map(|row| row["macAddress"].as_str()).collect();
    assert!(macs.iter().all(|mac| mac.len() <= 25) && macs.iter().any(|mac| mac.contains('.')), "{macs:?}");
    let addresses = configurations.as_array().unwrap().iter().filter_map(|row| row["ipAddress"].as_str());
    assert!(addresses.clone().all(|text| text.len() <= 50) && addresses.clone().any(|text| text.contains('|')));
}

#[test]
fn faults_strike_where_they_are_told() {
    let mut sim = simulator(6, 60);
    sim.trouble(Trouble::new(Fault::Forbidden).at_path("/company/contacts"));
    assert_eq!(get(&mut sim, "/company/contacts").1["code"], "Security");
    assert_eq!(get(&mut sim, "/company/companies").0, 200);
    sim.heal();
    sim.set_forms(Forms { no_right_is_unauthorized: true, throttling: Throttling::Envelope, ..Forms::default() });
    sim.trouble(Fault::Forbidden);
    assert_eq!(get(&mut sim, "/company/contacts").1["code"], "Unauthorized");
    sim.heal();
    sim.trouble(Trouble::new(Fault::ThrottleAs429 { retry_after_s: Some(3) }).times(1));
    let throttled = sim.answer(&call(&format!("{API}/company/contacts"), &[]), ORIGIN);
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("3")));
    assert!(json_of(&throttled)["errors"].is_null() && json_of(&throttled)["code"].is_string());
    sim.set_forms(Forms::default());
    sim.trouble(Trouble::new(Fault::ThrottleAs429 { retry_after_s: None }).times(1));
    assert_eq!(get(&mut sim, "/company/contacts").1["error"], "ConnectWiseAPI");
    let site = sim.world.read().clients[2].number;
    sim.trouble(Trouble::new(Fault::Html).for_tenant(&company_id(site).to_string()));
    assert_eq!(get(&mut sim, &format!("/company/companies/{}/sites", company_id(site))).1, Value::Null);
    assert_eq!(get(&mut sim, &format!("/company/companies/{}/sites", company_id(site) + 1)).0, 200);
    sim.heal();
    sim.trouble(Trouble::new(Fault::Row { index: 1, damage: RowDamage::NoOwner }).on_page(2));
    let second = body(&mut sim, "/company/configurations?pageSize=10&page=2");
    let ownerless: Vec<bool> = second.as_array().unwrap().iter().map(|row| row.get("company").is_none()).collect();
    assert_eq!(ownerless.iter().position(|is| *is), Some(1));
    sim.heal();
    sim.trouble(Fault::RepeatPage);
    let first = body(&mut sim, "/company/configurations?pageSize=5");
    assert_eq!(body(&mut sim, "/company/configurations?pageSize=5&page=2"), first);
}
