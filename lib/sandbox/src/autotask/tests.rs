use std::collections::BTreeSet;

use apis::call::{SecretText, Text};
use url::Url;

use super::*;
use crate::faults::RowDamage;
use crate::world::{CONFIGURATION_TYPES, Size, Standing, System};

const ORIGIN: &str = "http://127.0.0.1:4001";
const API: &str = "/ATServicesRest/V1.0";

fn sandbox(clients: usize, devices: usize) -> AutotaskSim {
    let world = World::new(&Size { clients, devices, seed: 7 });
    AutotaskSim::new(SharedWorld::new(world), Credentials::default())
}

fn call(method: Method, url: &str, body: Option<&Value>, credentials: &Credentials) -> Call {
    let url = if url.starts_with('/') { format!("{ORIGIN}{url}") } else { url.to_owned() };
    let text = |text: &str| Text::Secret(SecretText::new(text));
    let headers = vec![
        ("username", text(&credentials.username)),
        ("secret", text(&credentials.secret)),
        ("apiintegrationcode", text(&credentials.integration_code)),
    ];
    let body = body.map(|body| Text::Plain(body.to_string()));
    Call { method, headers, body, ..Call::get(Url::parse(&url).unwrap()) }
}

fn get(autotask: &mut AutotaskSim, url: &str) -> Reply {
    autotask.answer(&call(Method::Get, url, None, &Credentials::default()), ORIGIN)
}

fn post(autotask: &mut AutotaskSim, url: &str, body: &Value) -> Reply {
    autotask.answer(&call(Method::Post, url, Some(body), &Credentials::default()), ORIGIN)
}

fn query(autotask: &mut AutotaskSim, entity: &str, body: &Value) -> Reply {
    post(autotask, &format!("{API}/{entity}/query"), body)
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

fn said(reply: &Reply) -> String {
    json_of(reply)["errors"][0].as_str().unwrap_or_default().to_owned()
}

fn ids(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

fn everything(rows_max: usize) -> Value {
    json!({ "MaxRecords": rows_max, "Filter": [{ "op": "gte", "field": "id", "value": 0 }] })
}

fn item_ids(autotask: &AutotaskSim) -> Vec<u64> {
    let world = autotask.world.read();
    let devices = world.clients.iter().flat_map(|client| &client.devices);
    let mut ids: Vec<u64> =
        devices.filter(|device| device.is_seen_by(System::Psa)).map(|device| rows::item_id(device.number)).collect();
    ids.sort_unstable();
    ids
}

/// Counts what a filter leaves.
fn count(autotask: &mut AutotaskSim, entity: &str, filter: Value) -> usize {
    let reply = post(autotask, &format!("{API}/{entity}/query/count"), &json!({ "filter": filter }));
    assert_eq!(reply.status, 200, "{filter}: {}", said(&reply));
    json_of(&reply)["queryCount"].as_u64().unwrap() as usize
}

#[test]
fn ids_above_the_last_read_every_item_once() {
    for rows in [1, 30, 500] {
        let mut autotask = sandbox(6, 120);
        let (mut all, mut calls) = (Vec::new(), 0);
        let mut filter = json!([{ "op": "gte", "field": "id", "value": 0 }]);
        loop {
            let body = json!({ "MaxRecords": rows, "IncludeFields": ["id"], "Filter": filter });
            let page = json_of(&query(&mut autotask, "ConfigurationItems", &body));
            let found = ids(&page);
            assert_eq!(page["pageDetails"]["count"], found.len());
            assert_eq!(page["pageDetails"]["requestCount"], rows);
            all.extend(found);
            calls += 1;
            if page["pageDetails"]["nextPageUrl"].is_null() {
                break;
            }
            filter = json!([{ "op": "gt", "field": "id", "value": all.last() }]);
        }
        let expected = item_ids(&autotask);
        assert_eq!((all, calls), (expected.clone(), expected.len().div_ceil(rows)));
    }
}

#[test]
fn the_address_of_the_next_page_is_followed_with_the_method_of_the_first() {
    let mut autotask = sandbox(30, 0);
    let body = everything(10);
    let first = json_of(&query(&mut autotask, "Companies", &body));
    assert!(first["pageDetails"]["prevPageUrl"].is_null());
    let next = first["pageDetails"]["nextPageUrl"].as_str().unwrap().to_owned();
    let paging = "paging=%7b%22pageSize%22%3a10%2c%22previousIds%22%3a%5b-1%5d%2c%22nextIds%22%3a%5b";
    assert!(next.starts_with(&format!("{ORIGIN}{API}/Companies/query/next?{paging}")), "{next}");
    let refused = get(&mut autotask, &next);
    assert_eq!(
        (refused.status, json_of(&refused)["Message"].as_str().is_some_and(|text| text.contains("'GET'"))),
        (405, true)
    );
    let second = json_of(&post(&mut autotask, &next, &body));
    assert_eq!(json_of(&post(&mut autotask, &next, &Value::Null)), second, "a body of null does no harm");
    let back = second["pageDetails"]["prevPageUrl"].as_str().unwrap().to_owned();
    assert_eq!(json_of(&post(&mut autotask, &back, &body)), first);

    let search = encoded(&json!({ "filter": [{ "op": "exist", "field": "id" }], "maxRecords": 10 }).to_string());
    let (mut all, mut url) = (Vec::new(), Some(format!("/atservicesrest/v1.0/companies/query?search={search}")));
    while let Some(here) = url {
        let page = json_of(&get(&mut autotask, &here));
        all.extend(ids(&page));
        url = page["pageDetails"]["nextPageUrl"].as_str().map(str::to_owned);
        assert!(url.as_ref().is_none_or(|url| url.ends_with(&format!("&search={search}"))));
    }
    assert_eq!(all.len(), autotask.world.read().companies(System::Psa).count());
    assert_eq!((all.first(), all.is_sorted()), (Some(&0), true), "the MSP is company 0");
}

#[test]
fn every_operator_parts_the_rows() {
    let mut autotask = sandbox(40, 600);
    let companies = count(&mut autotask, "Companies", json!([{ "op": "exist", "field": "id" }]));
    for (entity, one, other) in [
        (
            "Companies",
            json!({ "op": "eq", "field": "isActive", "value": true }),
            json!({ "op": "noteq", "field": "ISACTIVE", "value": 1 }),
        ),
        (
            "Companies",
            json!({ "op": "gt", "field": "id", "value": 170 }),
            json!({ "op": "lte", "field": "Id", "value": 170 }),
        ),
        (
            "Companies",
            json!({ "op": "gte", "field": "id", "value": 170 }),
            json!({ "op": "lt", "field": "id", "value": 170 }),
        ),
        (
            "Companies",
            json!({ "op": "in", "field": "companyType", "value": [3, 7] }),
            json!({ "op": "notIn", "field": "CompanyType", "value": [3, "7"] }),
        ),
        (
            "ConfigurationItems",
            json!({ "op": "exist", "field": "serialNumber" }),
            json!({ "op": "notExist", "field": "serialNumber" }),
        ),
        (
            "ConfigurationItems",
            json!({ "op": "gt", "field": "lastModifiedTime", "value": "2026-08-01T00:00:00Z" }),
            json!({ "op": "lte", "field": "lastModifiedTime", "value": "2026-08-01" }),
        ),
        (
            "Contacts",
            json!({ "op": "eq", "field": "isActive", "value": 1 }),
            json!({ "op": "eq", "field": "isActive", "value": 0 }),
        ),
        (
            "Companies",
            json!({ "op": "eq", "udf": true, "field": "Contract tier", "value": "gold" }),
            json!({ "op": "eq", "udf": true, "field": "contract tier", "value": "Silver" }),
        ),
    ] {
        let all = count(&mut autotask, entity, json!([{ "op": "gte", "field": "id", "value": 0 }]));
        let parts = [one, other].map(|condition| count(&mut autotask, entity, json!([condition])));
        assert!(parts[0] > 0 && parts[1] > 0 && parts[0] + parts[1] == all, "{entity}: {parts:?} of {all}");
    }
    let name = autotask.world.read().clients[3].name_in(System::Psa);
    let (head, tail) = name.split_at(4);
    for (op, text) in
        [("beginsWith", head), ("endsWith", tail), ("contains", &name[2..6]), ("eq", &name.to_uppercase())]
    {
        let found = count(&mut autotask, "Companies", json!([{ "op": op, "field": "companyName", "value": text }]));
        assert!((1..companies).contains(&found), "{op} {text}: {found}");
    }
}

#[test]
fn conditions_nest_and_an_unknown_operator_is_dropped_without_a_word() {
    let mut autotask = sandbox(40, 0);
    let is = |id: u64| json!({ "op": "eq", "field": "id", "value": id });
    let mut count = |filter: Value| count(&mut autotask, "Companies", filter);
    let all = count(json!([{ "op": "exist", "field": "id" }]));
    assert_eq!(
        count(json!([{ "op": "or", "items": [is(0), is(170), { "op": "and", "items": [is(171), is(172)] }] }])),
        2
    );
    assert_eq!(count(json!([is(0), is(170)])), 0, "elements at the top are joined by AND");
    let unknown = json!({ "op": "greaterThan", "field": "noSuchField", "value": 5 });
    assert_eq!(count(json!([unknown])), all);
    assert_eq!(count(json!([{ "op": "and", "items": [unknown, is(0)] }])), 1);
    assert_eq!(count(json!([{ "op": "or", "items": [unknown, is(0)] }])), 1);
    assert_eq!(count(json!([{ "op": "and", "items": [{ "op": "or", "items": [unknown] }] }])), all);
    let many: Vec<u64> = (0..500).collect();
    assert_eq!(count(json!([{ "op": "in", "field": "id", "value": many }])), all);
}

#[test]
fn mistakes_are_a_500_with_words() {
    let mut autotask = sandbox(600, 0);
    let many: Vec<u64> = (0..501).collect();
    let all = json!([{ "op": "exist", "field": "id" }]);
    for (entity, body, words) in [
        (
            "ConfigurationItems",
            json!({ "filter": [{ "op": "eq", "field": "foo", "value": 1 }] }),
            "Unable to find foo in the InstalledProduct Entity.",
        ),
        (
            "Companies",
            json!({ "filter": all, "includeFields": ["id", "foo"] }),
            "Unable to find foo in the Account Entity.",
        ),
        (
            "Companies",
            json!({ "filter": [{ "op": "eq", "udf": true, "field": "foo", "value": "1" }] }),
            "Unable to find foo",
        ),
        (
            "Contacts",
            json!({ "filter": [{ "op": "eq", "field": "surveyOptOut", "value": true }] }),
            "surveyOptOut cannot be queried",
        ),
        (
            "Companies",
            json!({ "filter": [{ "op": "in", "field": "id", "value": many }] }),
            "500 or fewer 'OR' conditions",
        ),
        ("Companies", json!({}), "A filter is required"),
        ("Companies", json!({ "filter": [] }), "A filter is required"),
        ("Companies", json!({ "filter": all, "maxRecords": 501 }), "between 1 and 500"),
        ("Companies", json!({ "filter": all, "maxRecords": 0 }), "between 1 and 500"),
        ("Companies", json!({ "filter": all, "includeFields": ["companyName"] }), "IncludeFields must contain id"),
        ("Companies", json!([1]), "Invalid query syntax"),
    ] {
        let reply = query(&mut autotask, entity, &body);
        assert_eq!(reply.status, 500, "{body}");
        assert!(said(&reply).contains(words), "{body}: {}", said(&reply));
    }
    autotask.set_forms(Forms { errors_under_200: true, ..Forms::default() });
    let reply = query(&mut autotask, "Companies", &json!({ "filter": [{ "op": "eq", "field": "foo" }] }));
    assert_eq!((reply.status, said(&reply).contains("foo")), (200, true));
}

#[test]
fn only_included_fields_come_and_the_id_and_the_user_defined_ones() {
    let mut autotask = sandbox(3, 20);
    let body = json!({ "filter": [{ "op": "exist", "field": "id" }], "includeFields": ["CompanyName", "isactive"] });
    let page = json_of(&query(&mut autotask, "Companies", &body));
    let names: Vec<&str> = page["items"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["companyName", "id", "isActive", "userDefinedFields"]);
    let whole = json_of(&query(&mut autotask, "ConfigurationItems", &everything(1)));
    let row = whole["items"][0].as_object().unwrap();
    assert!(row.len() > 110 && row["dattoHostname"].is_null() && row["sslSource"].is_null(), "{} fields", row.len());
}

#[test]
fn one_row_is_got_by_its_id_and_an_unknown_one_is_null() {
    let mut autotask = sandbox(3, 20);
    let found = json_of(&get(&mut autotask, &format!("{API}/Companies/0")));
    assert_eq!(
        (&found["item"]["id"], &found["item"]["companyName"]),
        (&json!(0), &json!("Larch Managed Services Inc."))
    );
    let missing = get(&mut autotask, &format!("{API}/Companies/99999999"));
    assert_eq!((missing.status, json_of(&missing)), (200, json!({ "item": null })));
    let contacts = json_of(&get(&mut autotask, &format!("{API}/Companies/162/Contacts")));
    assert!(!ids(&contacts).is_empty());
    assert!(
        contacts["items"].as_array().unwrap().iter().all(|row| row["companyID"] == 162 && row["isActive"].is_u64())
    );
    for (method, url, status) in [
        (Method::Get, "/Nothing/query", 404),
        (Method::Get, "/Companies/alpha", 404),
        (Method::Get, "", 404),
        (Method::Post, "/Companies/entityInformation", 405),
        (Method::Post, "/Companies/0", 405),
        (Method::Head, "/Companies/query?search=%7b%7d", 405),
    ] {
        let reply = autotask.answer(&call(method, &format!("{API}{url}"), None, &Credentials::default()), ORIGIN);
        assert_eq!((reply.status, json_of(&reply)["Message"].is_string()), (status, true), "{url}");
    }
}

#[test]
fn the_zone_is_told_to_everybody_who_knows_a_user_name() {
    let mut autotask = sandbox(1, 1);
    let ask = |autotask: &mut AutotaskSim, user: &str| {
        let url = format!("{ORIGIN}/atservicesrest/v1.0/zoneInformation?user={}", encoded(user));
        autotask.answer(&Call::get(Url::parse(&url).unwrap()), ORIGIN)
    };
    let known = ask(&mut autotask, &Credentials::default().username.to_lowercase());
    assert_eq!((known.status, &json_of(&known)["url"]), (200, &json!(format!("{ORIGIN}/ATServicesRest/"))));
    let unknown = ask(&mut autotask, "nobody@larchmsp.example");
    assert_eq!((unknown.status, said(&unknown).as_str()), (500, "Zone information could not be determined"));
}

#[test]
fn without_credentials_there_is_a_401_without_a_body() {
    let mut autotask = sandbox(1, 1);
    let right = Credentials::default();
    let wrong = [
        Credentials { username: "other@larchmsp.example".to_owned(), ..right.clone() },
        Credentials { integration_code: "other".to_owned(), ..right.clone() },
        Credentials { secret: "other".to_owned(), ..right.clone() },
    ];
    let ask = |autotask: &mut AutotaskSim, credentials: &Credentials| {
        autotask.answer(&call(Method::Get, &format!("{API}/Version"), None, credentials), ORIGIN)
    };
    assert_eq!(ask(&mut autotask, &right).status, 200);
    for credentials in &wrong {
        let reply = ask(&mut autotask, credentials);
        assert_eq!((reply.status, reply.body.len()), (401, 0));
        assert!(reply.header("www-authenticate").is_some());
    }
    autotask.set_forms(Forms { refused_as: RefusedAs::ByPart, ..Forms::default() });
    let statuses = wrong.each_ref().map(|credentials| ask(&mut autotask, credentials).status);
    assert_eq!(statuses, [500, 500, 401]);
    autotask.set_forms(Forms::default());
    autotask.set_credentials(wrong[2].clone());
    assert_eq!((ask(&mut autotask, &right).status, ask(&mut autotask, &wrong[2]).status), (401, 200));
}

#[test]
fn numbers_in_rows_lead_to_words() {
    let mut autotask = sandbox(20, 300);
    let fields = json_of(&get(&mut autotask, &format!("{API}/ConfigurationItems/entityInformation/fields")));
    let labels = |name: &str| -> Vec<(String, String)> {
        let fields = fields["fields"].as_array().unwrap();
        let list = &fields.iter().find(|field| field["name"] == name).unwrap()["picklistValues"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|choice| (text(&choice["value"]), text(&choice["label"]))).collect()
    };
    assert_eq!(labels("configurationItemType").len(), CONFIGURATION_TYPES.len());
    let (makes, models) = (labels("rmmDeviceAuditManufacturerID"), labels("rmmDeviceAuditModelID"));
    let label = |list: &[(String, String)], number: &Value| {
        let number = number.to_string();
        list.iter().find(|(value, _)| *value == number).map(|(_, label)| label.clone())
    };
    let page = json_of(&query(&mut autotask, "ConfigurationItems", &everything(500)));
    let world = autotask.world.read();
    let mut audited = 0;
    for (client, device) in world.clients.iter().flat_map(|client| client.devices.iter().map(move |one| (client, one)))
    {
        let id = rows::item_id(device.number);
        let row = page["items"].as_array().unwrap().iter().find(|row| row["id"] == id);
        assert_eq!(row.is_some(), device.is_seen_by(System::Psa));
        let Some(row) = row else { continue };
        assert_eq!(row["companyID"], rows::company_id(client));
        let is_audited = device.is_seen_by(System::Rmm);
        assert_eq!(row["rmmDeviceID"].is_u64(), is_audited);
        if is_audited && device.make.is_some() {
            assert_eq!(label(&makes, &row["rmmDeviceAuditManufacturerID"]).as_deref(), device.make.as_deref());
            assert_eq!(label(&models, &row["rmmDeviceAuditModelID"]).as_deref(), device.model.as_deref());
            audited += 1;
        }
    }
    assert!(audited > 50, "{audited}");
    drop(world);
    autotask.set_forms(Forms { capital_field_names: true, ..Forms::default() });
    let old = json_of(&get(&mut autotask, &format!("{API}/Companies/entityInformation/fields")));
    assert_eq!(old["fields"][0]["name"], "Id");
    for (path, pointer) in
        [("entityInformation", "/info/canQuery"), ("entityInformation/userDefinedFields", "/fields/0/name")]
    {
        let body = json_of(&get(&mut autotask, &format!("{API}/Companies/{path}")));
        assert!(body.pointer(pointer).is_some(), "{path}");
    }
}

#[test]
fn companies_that_are_no_customers_and_people_who_left_are_listed() {
    let mut autotask = sandbox(60, 0);
    let page = json_of(&query(&mut autotask, "Companies", &everything(500)));
    let world = autotask.world.read();
    for company in world.companies(System::Psa) {
        let row = page["items"].as_array().unwrap().iter().find(|row| row["id"] == rows::company_id(company)).unwrap();
        let is_customer = row["companyType"] == 1 && row["isActive"] == true;
        assert_eq!(is_customer, matches!(company.standing, Standing::Msp | Standing::Customer), "{row}");
    }
    let api_only = world.users.iter().filter(|user| user.is_api_only).count();
    let users = world.users.len();
    drop(world);
    assert_eq!(count(&mut autotask, "Resources", json!([{ "op": "exist", "field": "id" }])), users);
    assert_eq!(
        count(&mut autotask, "Resources", json!([{ "op": "eq", "field": "licenseType", "value": 7 }])),
        api_only
    );
}

#[test]
fn each_form_of_blanks_and_dates_is_offered() {
    let mut autotask = sandbox(3, 60);
    let mut item = |forms: Forms| {
        autotask.set_forms(forms);
        let rows =
            |entity, autotask: &mut AutotaskSim| json_of(&query(autotask, entity, &everything(1)))["items"][0].clone();
        (rows("ConfigurationItems", &mut autotask), rows("Companies", &mut autotask))
    };
    let (sample, company) = item(Forms::default());
    assert_eq!((&sample["dattoHostname"], &company["fax"]), (&Value::Null, &json!("")));
    assert!(sample["lastModifiedTime"].as_str().unwrap().ends_with('Z'));
    let (null, company) = item(Forms { blank: Blank::Null, dates_have_zone: false, ..Forms::default() });
    assert_eq!((&null["dattoHostname"], &company["fax"]), (&Value::Null, &Value::Null));
    assert_eq!(
        format!("{}Z", null["lastModifiedTime"].as_str().unwrap()),
        sample["lastModifiedTime"].as_str().unwrap()
    );
    let (empty, company) = item(Forms { blank: Blank::Empty, ..Forms::default() });
    assert_eq!((&empty["dattoHostname"], &company["fax"]), (&json!(""), &json!("")));
    let writer = Writer { forms: Forms::default() };
    let written = |instant_ms: u64| writer.date(instant_ms).unwrap();
    assert_eq!(written(1_795_204_800_000), "2026-11-20T20:00:00Z");
    assert_eq!(written(1_795_204_800_520), "2026-11-20T20:00:00.52Z");
    assert_eq!(written(1_795_204_800_007), "2026-11-20T20:00:00.007Z");
}

#[test]
fn calls_beyond_the_hourly_threshold_are_refused_until_the_hour_is_over() {
    for status in [429, 500] {
        let mut autotask = sandbox(1, 1);
        autotask.set_forms(Forms { threshold_status: status, ..Forms::default() });
        let path = format!("{API}/ThresholdInformation");
        assert_eq!(json_of(&get(&mut autotask, &path))["currentTimeframeRequestCount"], 1);
        autotask.keep_threshold(9_998);
        assert_eq!(json_of(&get(&mut autotask, &path))["currentTimeframeRequestCount"], 10_000);
        let refused = get(&mut autotask, &path);
        assert!(refused.status == status && said(&refused).contains("threshold"), "{}", said(&refused));
        autotask.world.change(|world| world.night(1, 0.0));
        assert_eq!(get(&mut autotask, &path).status, 200);
    }
}

#[test]
fn each_fault_looks_like_the_real_thing() {
    let page = |fault: Fault| {
        let mut autotask = sandbox(3, 60);
        autotask.trouble(fault);
        query(&mut autotask, "ConfigurationItems", &everything(10))
    };
    assert_eq!(page(Fault::Unauthorized), unauthorized());
    assert_eq!(page(Fault::Moved { origin: "https://webservices5.autotask.net".to_owned() }), unauthorized());
    let refused = page(Fault::Forbidden);
    assert!(refused.status == 500 && said(&refused).contains("adequate permissions"));
    assert!(said(&page(Fault::ThrottleAs403)).contains("threshold"));
    let threads = page(Fault::ThrottleAs429 { retry_after_s: Some(9) });
    assert_eq!((threads.status, threads.header("retry-after")), (429, Some("9")));
    assert!(said(&threads).contains("3 threads"));
    let failed = page(Fault::ServerError { status: 500 });
    assert_eq!((failed.status, json_of(&failed).get("errors")), (500, None));
    assert_eq!(page(Fault::ServerError { status: 502 }).header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(json_of(&page(Fault::Html)), Value::Null);
    assert!(json_of(&page(Fault::Truncated)).is_null());
    let elsewhere = json_of(&page(Fault::NextElsewhere { origin: "http://127.0.0.2:1".to_owned() }));
    assert_eq!(elsewhere["pageDetails"]["nextPageUrl"], format!("http://127.0.0.2:1{API}/ConfigurationItems/query"));
    let doubled = json_of(&page(Fault::DoubledRow));
    assert_eq!((doubled["items"][0].clone(), 11), (doubled["items"][10].clone(), ids(&doubled).len()));
    let row = |damage| json_of(&page(Fault::Row { index: 2, damage }))["items"][2].clone();
    assert!(row(RowDamage::NoObject).is_string());
    assert!(row(RowDamage::NoId).get("id").is_none());
    assert_eq!(row(RowDamage::NoAttributes).as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(row(RowDamage::NumbersForTexts)["referenceNumber"], 7);
    assert!(row(RowDamage::NoOwner).get("companyID").is_none());
    assert_eq!(page(Fault::CloseConnection).status, 0);
}

#[test]
fn a_page_that_repeats_does_not_heed_the_ids_asked_for() {
    let mut autotask = sandbox(3, 60);
    let above = json!({ "MaxRecords": 10, "Filter": [{ "op": "gt", "field": "id", "value": 155_030 }] });
    let heeded = ids(&json_of(&query(&mut autotask, "ConfigurationItems", &above)));
    assert!(heeded.iter().all(|id| *id > 155_030));
    autotask.trouble(Fault::RepeatPage);
    let page = json_of(&query(&mut autotask, "ConfigurationItems", &above));
    assert_eq!(ids(&page), item_ids(&autotask)[..10]);
    assert!(page["pageDetails"]["nextPageUrl"].is_string());
}

#[test]
fn a_forbidden_company_is_missing_without_a_word() {
    let mut autotask = sandbox(6, 200);
    let (client, all) = {
        let world = autotask.world.read();
        let client = world.clients.iter().skip(1).max_by_key(|client| client.devices.len()).unwrap();
        (rows::company_id(client), item_ids(&autotask).len())
    };
    autotask.trouble(Trouble::new(Fault::Forbidden).for_tenant(&client.to_string()));
    let page = json_of(&query(&mut autotask, "ConfigurationItems", &everything(500)));
    let owners: BTreeSet<u64> =
        page["items"].as_array().unwrap().iter().filter_map(|row| row["companyID"].as_u64()).collect();
    assert!(!owners.contains(&client) && owners.len() > 3 && ids(&page).len() < all);
    assert_eq!(get(&mut autotask, &format!("{API}/Companies/{client}")).status, 500);
}

#[test]
fn an_account_that_moves_is_told_to_the_look_up_alone() {
    let mut autotask = sandbox(1, 1);
    autotask.trouble(Fault::Moved { origin: "http://127.0.0.1:4002".to_owned() });
    let user = encoded(&Credentials::default().username);
    let zone = json_of(&get(&mut autotask, &format!("/ATServicesRest/V1.0/ZoneInformation?user={user}")));
    assert_eq!(zone["url"], "http://127.0.0.1:4002/ATServicesRest/");
    assert_eq!(get(&mut autotask, &format!("{API}/Version")).status, 401);
}

#[test]
fn a_trouble_keeps_to_its_page() {
    let mut autotask = sandbox(3, 120);
    autotask.trouble(Trouble::new(Fault::Html).at_path(&format!("{API}/ConfigurationItems")).on_page(2));
    let known = item_ids(&autotask);
    let mut is_good_above = |last: u64| {
        let body = json!({ "MaxRecords": 10, "Filter": [{ "op": "gt", "field": "id", "value": last }] });
        json_of(&query(&mut autotask, "ConfigurationItems", &body)).is_object()
    };
    assert_eq!([0, known[9], known[19]].map(&mut is_good_above), [true, false, true]);
}
