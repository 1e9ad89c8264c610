use std::collections::BTreeSet;

use apis::call::SecretText;
use apis::call::Text;
use url::Url;

use super::*;
use crate::faults::RowDamage;
use crate::world::{DeviceNo, Size};

const ORIGIN: &str = "http://127.0.0.1:4001";

fn sandbox(clients: usize, devices: usize) -> AuvikSim {
    let world = World::new(&Size { clients, devices, seed: 7 });
    AuvikSim::new(SharedWorld::new(world), Credentials::default())
}

fn call(url: &str, credentials: &Credentials) -> Call {
    let url = if url.starts_with('/') { format!("{ORIGIN}{url}") } else { url.to_owned() };
    let token = STANDARD.encode(format!("{}:{}", credentials.username, credentials.api_key));
    let header = ("authorization", Text::Secret(SecretText::new(&format!("Basic {token}"))));
    Call { headers: vec![header], ..Call::get(Url::parse(&url).unwrap()) }
}

fn get(auvik: &mut AuvikSim, url: &str) -> Reply {
    auvik.answer(&call(url, &Credentials::default()), ORIGIN)
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

fn body(auvik: &mut AuvikSim, url: &str) -> Value {
    let reply = get(auvik, url);
    assert_eq!(reply.status, 200, "{url}");
    assert_eq!(reply.header("content-type"), Some("application/vnd.api+json"));
    json_of(&reply)
}

fn ids(body: &Value) -> Vec<String> {
    let rows = body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(|row| Some(row["id"].as_str()?.to_owned())).collect()
}

/// Reads a list to its end by following `next` as it stands; returns the ids and the number of pages.
fn walk(auvik: &mut AuvikSim, url: &str) -> (Vec<String>, usize) {
    let (mut all, mut pages, mut next) = (Vec::new(), 0, Some(url.to_owned()));
    while let Some(url) = next {
        let page = body(auvik, &url);
        all.extend(ids(&page));
        pages += 1;
        assert!(pages < 1000, "the list has no end");
        next = page["links"]["next"].as_str().map(str::to_owned);
    }
    (all, pages)
}

fn expected_ids(auvik: &AuvikSim) -> Vec<String> {
    let world = auvik.world.read();
    let devices = |client: &Client| -> Vec<String> {
        client.devices.iter().map(|device| device_id(client.number, device.number)).collect()
    };
    world.clients.iter().flat_map(devices).collect()
}

/// Returns a client with that many devices or more.
fn client_with(auvik: &AuvikSim, devices_min: usize) -> String {
    let world = auvik.world.read();
    let client = world.clients.iter().skip(1).find(|client| client.devices.len() >= devices_min);
    AuvikSim::tenant_id(client.expect("the world has one").number)
}

#[test]
fn following_next_reads_every_device_once() {
    for rows in [1, 7, 100, 1000] {
        let mut auvik = sandbox(6, 230);
        let (read, pages) = walk(&mut auvik, &format!("/v1/inventory/device/info?page[first]={rows}"));
        assert_eq!(read, expected_ids(&auvik), "pages of {rows}");
        assert_eq!(pages, 230_usize.div_ceil(rows));
        assert_eq!(auvik.calls(), pages as u64);
    }
}

#[test]
fn tenants_and_include_go_along_from_page_to_page() {
    let mut auvik = sandbox(6, 230);
    let (first, second) = (client_with(&auvik, 12), AuvikSim::tenant_id(ClientNo(1)));
    let url = format!("/v1/inventory/device/info?tenants={first},{second}&include=deviceDetail&page%5Bfirst%5D=10");
    let page = body(&mut auvik, &url);
    let next = page["links"]["next"].as_str().unwrap().to_owned();
    assert!(next.starts_with(ORIGIN) && next.contains("page%5Bafter%5D=") && next.contains(&first), "{next}");
    let page = body(&mut auvik, &next);
    assert_eq!(page["included"].as_array().map(Vec::len), page["data"].as_array().map(Vec::len));
    let owners: BTreeSet<_> = page["data"].as_array().unwrap().iter().map(owner).collect();
    assert!(owners.iter().all(|owner| [&first, &second].contains(&owner)), "{owners:?}");
}

fn owner(row: &Value) -> String {
    row["relationships"]["tenant"]["data"]["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn reading_backward_gives_the_same_devices() {
    let mut auvik = sandbox(6, 95);
    let (mut all, mut url) = (Vec::new(), Some("/v1/inventory/device/info?page[last]=20".to_owned()));
    while let Some(here) = url {
        let page = body(&mut auvik, &here);
        all.splice(0..0, ids(&page));
        url = page["links"]["prev"].as_str().map(str::to_owned);
    }
    assert_eq!(all, expected_ids(&auvik));
}

#[test]
fn a_device_retired_between_two_pages_costs_no_other_one() {
    let mut auvik = sandbox(3, 60);
    let page = body(&mut auvik, "/v1/inventory/device/info?page[first]=20");
    let gone = ids(&page).pop().and_then(|id| ids::device_of(ids::read_opaque(&id)?.1)).unwrap();
    auvik.world.change(|world| assert!(world.retire_device(gone)));
    let (rest, _) = walk(&mut auvik, page["links"]["next"].as_str().unwrap());
    assert_eq!(rest.len(), 40);
}

#[test]
fn without_credentials_no_path_says_whether_it_exists() {
    let mut auvik = sandbox(2, 10);
    let wrong_key = Credentials { api_key: "wrong".to_owned(), ..Credentials::default() };
    for path in ["/v1/tenants", "/v1/nothing", "/", "/authentication/verify", "/v1/inventory/device/info?page[first]=0"]
    {
        let bare = Call::get(Url::parse(&format!("{ORIGIN}{path}")).unwrap());
        for call in [bare, call(path, &wrong_key)] {
            let reply = auvik.answer(&call, ORIGIN);
            assert_eq!(reply.status, 401, "{path}");
            assert!(String::from_utf8_lossy(&reply.body).contains("Full authentication is required"));
        }
    }
}

#[test]
fn both_envelopes_of_a_401_carry_the_text() {
    let mut auvik = sandbox(1, 1);
    auvik.set_forms(Forms { unauthorized: Envelope::Spring, ..Forms::default() });
    auvik.trouble(Fault::Unauthorized);
    let reply = get(&mut auvik, "/v1/tenants");
    assert_eq!(json_of(&reply)["message"], "Full authentication is required to access this resource");
    auvik.set_forms(Forms::default());
    let reply = get(&mut auvik, "/v1/tenants");
    assert_eq!(json_of(&reply)["errors"][0]["status"], "401");
}

#[test]
fn verify_answers_on_both_paths_with_nothing() {
    let mut auvik = sandbox(1, 1);
    for path in ["/v1/authentication/verify", "/authentication/verify"] {
        for method in [Method::Get, Method::Head] {
            let reply = auvik.answer(&Call { method, ..call(path, &Credentials::default()) }, ORIGIN);
            assert_eq!((reply.status, reply.body.len()), (200, 0), "{path}");
        }
    }
}

#[test]
fn a_bad_parameter_is_a_400_and_an_unknown_thing_a_404() {
    let mut auvik = sandbox(2, 30);
    let msp = "tenantDomainPrefix=larchmsp";
    for (url, status) in [
        ("/v1/inventory/device/info?page[first]=0".to_owned(), 400),
        ("/v1/inventory/device/info?page[first]=1001".to_owned(), 400),
        ("/v1/inventory/device/info?page[first]=ten".to_owned(), 400),
        ("/v1/inventory/device/info?page[after]=bm9uc2Vuc2U".to_owned(), 400),
        ("/v1/inventory/device/info?include=everything".to_owned(), 400),
        ("/v1/inventory/device/info?filter[deviceType]=toaster".to_owned(), 400),
        ("/v1/inventory/device/info?filter[modifiedAfter]=yesterday".to_owned(), 400),
        ("/v1/inventory/device/info?include=deviceDetail&fields[deviceDetail]=tenant".to_owned(), 200),
        ("/v1/inventory/device/info?page[first]=1000".to_owned(), 200),
        ("/v1/inventory/device/info?tenants=1".to_owned(), 403),
        ("/v1/tenants/detail".to_owned(), 400),
        ("/v1/tenants/detail?tenantDomainPrefix=other".to_owned(), 403),
        (format!("/v1/tenants/detail?{msp}"), 200),
        (format!("/v1/tenants/detail/{}?{msp}", AuvikSim::tenant_id(ClientNo(2))), 200),
        (format!("/v1/tenants/detail/12?{msp}"), 404),
        (format!("/v1/inventory/device/info/{}", device_id(ClientNo(9), DeviceNo(1))), 404),
        ("/v1/nothing".to_owned(), 404),
    ] {
        let reply = get(&mut auvik, &url);
        assert_eq!(reply.status, status, "{url}");
        assert!(status == 200 || json_of(&reply)["errors"][0]["detail"].is_string(), "{url}");
    }
}

#[test]
fn tenants_and_their_details_join_on_the_id() {
    let mut auvik = sandbox(40, 0);
    let tenants = body(&mut auvik, "/v1/tenants");
    let details = body(&mut auvik, "/v1/tenants/detail?tenantDomainPrefix=larchmsp");
    assert_eq!(ids(&tenants), ids(&details));
    assert_eq!(tenants["data"][0]["attributes"]["tenantType"], "multiClient");
    assert!(tenants["data"][0].get("relationships").is_none());
    assert_eq!(tenants["data"][1]["relationships"]["parent"]["data"]["id"], tenants["data"][0]["id"]);
    assert_eq!(details["data"][1]["type"], "tenants");
    let rows = details["data"].as_array().unwrap();
    let names = rows.iter().filter(|row| row["attributes"]["displayName"].is_string()).count();
    assert!((30..41).contains(&names), "{names} of 41 have a name");
}

#[test]
fn interfaces_say_the_same_mac_in_the_detail_and_in_their_own_list() {
    let mut auvik = sandbox(3, 40);
    let page = body(&mut auvik, "/v1/inventory/device/info?include=deviceDetail&fields[deviceDetail]=interfaces");
    let mut compared = 0;
    for detail in page["included"].as_array().unwrap() {
        assert!(detail["relationships"].get("configurations").is_none(), "only what was asked for");
        for mention in detail["relationships"]["interfaces"]["data"].as_array().unwrap() {
            let id = mention["id"].as_str().unwrap();
            let own = body(&mut auvik, &format!("/v1/inventory/interface/info/{id}"));
            let here = mention["attributes"]["macAddress"].as_str().map(str::to_uppercase);
            assert_eq!(own["data"]["attributes"]["macAddress"].as_str(), here.as_deref());
            assert_eq!(own["data"]["relationships"]["parentDevice"]["data"]["id"], detail["id"]);
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
    let (listed, _) = walk(&mut auvik, "/v1/inventory/interface/info?page[first]=9");
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), compared);
    assert_eq!(listed.len(), compared);
}

#[test]
fn filters_part_the_devices() {
    let mut auvik = sandbox(4, 200);
    let list = "/v1/inventory/device/info?page[first]=1000";
    let types =
        ["unknown", "switch", "router", "accessPoint", "firewall", "workstation", "server", "storage", "printer"];
    let others = ["hypervisor", "virtualMachine", "ipPhone", "ups", "camera"];
    let count = |auvik: &mut AuvikSim, filter: &str| walk(auvik, &format!("{list}&{filter}")).0.len();
    let by_type = types.iter().chain(&others).map(|word| count(&mut auvik, &format!("filter[deviceType]={word}")));
    assert_eq!(by_type.sum::<usize>(), 200);
    let managed = ["true", "false"]
        .map(|word| walk(&mut auvik, &format!("/v1/inventory/device/detail?filter[manageStatus]={word}")).0.len());
    assert!(managed[0] > managed[1] && managed[0] + managed[1] == 200, "{managed:?}");
    let beginning = dates::stamp(auvik.world.read().now_ms);
    let changed = auvik.world.change(|world| world.night(3, 5.0));
    assert_eq!(count(&mut auvik, &format!("filter[modifiedAfter]={beginning}")), changed);
}

#[test]
fn each_form_of_an_empty_list_is_offered() {
    for (empty_list, status, has_data) in [
        (EmptyList::EmptyData, 200, true),
        (EmptyList::NoData, 200, false),
        (EmptyList::NoContent, 204, false),
        (EmptyList::NotFound, 404, false),
    ] {
        let mut auvik = sandbox(1, 0);
        auvik.set_forms(Forms { empty_list, ..Forms::default() });
        let reply = get(&mut auvik, "/v1/inventory/device/info");
        assert_eq!((reply.status, json_of(&reply)["data"].is_array()), (status, has_data));
    }
}

#[test]
fn each_form_of_the_next_link_is_offered() {
    for (next_link, first, last) in [
        (NextLink::TextOrNull, "a text", json!(null)),
        (NextLink::TextOrEmpty, "a text", json!("")),
        (NextLink::Object, "an object", json!(null)),
    ] {
        let mut auvik = sandbox(1, 15);
        auvik.set_forms(Forms { next_link, ..Forms::default() });
        let page = body(&mut auvik, "/v1/inventory/device/info?page[first]=10");
        let next = &page["links"]["next"];
        let (form, address) = match next.as_str() {
            Some(address) => ("a text", address),
            None => ("an object", next["href"].as_str().unwrap()),
        };
        assert_eq!(form, first);
        let page = body(&mut auvik, address);
        assert_eq!(page["links"]["next"], last);
    }
}

#[test]
fn the_msp_covers_its_clients_where_the_form_says_so() {
    let mut auvik = sandbox(5, 50);
    let url = format!("/v1/inventory/device/info?tenants={}&page[first]=1000", AuvikSim::tenant_id(ClientNo(1)));
    assert!(walk(&mut auvik, &url).0.len() < 5);
    auvik.set_forms(Forms { msp_covers_clients: true, ..Forms::default() });
    assert_eq!(walk(&mut auvik, &url).0.len(), 50);
}

#[test]
fn each_fault_looks_like_the_real_thing() {
    let page = |fault: Fault| {
        let mut auvik = sandbox(3, 30);
        auvik.trouble(fault);
        get(&mut auvik, "/v1/inventory/device/info?page[first]=10")
    };
    assert_eq!(page(Fault::Unauthorized).status, 401);
    let moved = page(Fault::Moved { origin: "https://auvikapi.eu1.my.auvik.com".to_owned() });
    assert_eq!(moved.status, 308);
    let location = "https://auvikapi.eu1.my.auvik.com/v1/inventory/device/info?page[first]=10";
    assert_eq!(moved.header("location"), Some(location));
    let throttled = page(Fault::ThrottleAs403);
    assert_eq!(
        (throttled.status, json_of(&throttled)["errors"][0]["detail"].as_str()),
        (403, Some("Rate limit exceeded"))
    );
    let throttled = page(Fault::ThrottleAs429 { retry_after_s: Some(9) });
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("9")));
    let failed = page(Fault::ServerError { status: 500 });
    assert_eq!((failed.status, failed.body.len()), (500, 0));
    assert_eq!(page(Fault::ServerError { status: 502 }).header("content-type"), Some("text/html; charset=utf-8"));
    let html = page(Fault::Html);
    assert_eq!((html.status, json_of(&html)), (200, Value::Null));
    let truncated = page(Fault::Truncated);
    assert!(truncated.body.len() > 100 && json_of(&truncated).is_null());
    let repeated = json_of(&page(Fault::RepeatPage));
    assert_eq!(repeated["links"]["next"], format!("{ORIGIN}/v1/inventory/device/info?page[first]=10"));
    let elsewhere = json_of(&page(Fault::NextElsewhere { origin: "http://127.0.0.2:1".to_owned() }));
    assert_eq!(elsewhere["links"]["next"], "http://127.0.0.2:1/v1/inventory/device/info?page[first]=10");
    let doubled = json_of(&page(Fault::DoubledRow));
    assert_eq!((doubled["data"][0].clone(), 11), (doubled["data"][10].clone(), ids(&doubled).len()));
    let row = |damage| json_of(&page(Fault::Row { index: 2, damage }))["data"][2].clone();
    assert!(row(RowDamage::NoObject).is_string());
    assert!(row(RowDamage::NoId).get("id").is_none());
    assert!(row(RowDamage::NoAttributes).get("attributes").is_none());
    assert_eq!(row(RowDamage::NumbersForTexts)["attributes"]["deviceName"], 7);
    assert!(row(RowDamage::NoOwner).get("relationships").is_none());
    assert_eq!(page(Fault::CloseConnection).status, 0);
}

#[test]
fn a_forbidden_tenant_leaves_the_others_readable() {
    let mut auvik = sandbox(6, 120);
    let forbidden = client_with(&auvik, 5);
    auvik.trouble(Trouble::new(Fault::Forbidden).for_tenant(&forbidden));
    let list = "/v1/inventory/device/info?page[first]=1000";
    assert_eq!(get(&mut auvik, &format!("{list}&tenants={forbidden}")).status, 403);
    let all = body(&mut auvik, list);
    let owners: BTreeSet<_> = all["data"].as_array().unwrap().iter().map(owner).collect();
    assert!(!owners.contains(&forbidden) && owners.len() > 3, "{owners:?}");
    let of_it = expected_ids(&auvik)
        .into_iter()
        .find(|id| ids::read_opaque(id).is_some_and(|(tenant, _)| tenant.to_string() == forbidden));
    assert_eq!(get(&mut auvik, &format!("/v1/inventory/device/info/{}", of_it.unwrap())).status, 403);
}

#[test]
fn a_trouble_keeps_to_its_place_and_number() {
    let mut auvik = sandbox(3, 30);
    let list = "/v1/inventory/device/info?page[first]=10";
    auvik.trouble(Trouble::new(Fault::Html).on_page(2).times(1));
    let first = body(&mut auvik, list);
    let next = first["links"]["next"].as_str().unwrap().to_owned();
    assert!(json_of(&get(&mut auvik, &next)).is_null());
    assert_eq!(ids(&body(&mut auvik, &next)).len(), 10);

    auvik.trouble(Trouble::new(Fault::Unauthorized).at_path("/v1/inventory").after(2));
    let statuses = [list, "/v1/tenants", list, list, "/v1/tenants", list].map(|url| get(&mut auvik, url).status);
    assert_eq!(statuses, [200, 200, 200, 401, 200, 401]);
    auvik.heal();
    assert_eq!(get(&mut auvik, list).status, 200);
}

#[test]
fn a_regenerated_key_shuts_the_old_one_out() {
    let mut auvik = sandbox(1, 1);
    let fresh = Credentials { api_key: "fresh".to_owned(), ..Credentials::default() };
    auvik.set_credentials(fresh.clone());
    assert_eq!(get(&mut auvik, "/v1/tenants").status, 401);
    assert_eq!(auvik.answer(&call("/v1/tenants", &fresh), ORIGIN).status, 200);
}

#[test]
fn ids_lead_back_to_what_they_name() {
    for number in [1, 2, 1000, 4_000_000] {
        assert_eq!(ids::client_of(ids::tenant_id(ClientNo(number))), Some(ClientNo(number)));
        assert_eq!(ids::device_of(ids::device_entity(DeviceNo(number))), Some(DeviceNo(number)));
        assert_eq!(ids::interface_of(ids::interface_entity(DeviceNo(number), 3)), Some((DeviceNo(number), 3)));
    }
    assert_eq!(AuvikSim::tenant_id(ClientNo(1)).len(), 18);
    assert_eq!(ids::client_of(5), None);
    let sample = "MTk5NzYyMjM1MDE1MTY4MDA0LDE5OTc2MjQ4MzgzMjYxMjM1NQ";
    assert_eq!(ids::read_opaque(sample), Some((199_762_235_015_168_004, 199_762_483_832_612_355)));
    assert_eq!(ids::opaque((199_762_235_015_168_004, 199_762_483_832_612_355)), sample);
}
