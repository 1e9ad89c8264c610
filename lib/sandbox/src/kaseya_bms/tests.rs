use apis::call::{SecretText, Text};
use url::Url;

use super::*;
use crate::world::{Size, World};

const ORIGIN: &str = "http://127.0.0.1:4001";

fn simulator() -> KaseyaBmsSim {
    let world = World::new(&Size { clients: 12, devices: 260, seed: 3 });
    KaseyaBmsSim::new(SharedWorld::new(world), Credentials::default())
}

fn post(path: &str, media_type: &str, body: &str) -> Call {
    let mut call = Call::get(Url::parse(&format!("{ORIGIN}/{path}")).unwrap());
    call.method = Method::Post;
    call.headers.push(("content-type", Text::Plain(media_type.to_owned())));
    call.body = Some(Text::Secret(SecretText::new(body)));
    call
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

const PLAIN: &str = "application/x-www-form-urlencoded";
const LOG_IN: [(&str, &str); 4] =
    [("GrantType", "password"), ("UserName", "api.sync"), ("Password", "s4ndb0x/Bms+Pass&="), ("Tenant", "Larch MSP")];

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn token(simulator: &mut KaseyaBmsSim) -> String {
    let reply = simulator.answer(&post("v2/security/authenticate", PLAIN, &form(&LOG_IN)), ORIGIN);
    json(&reply)["result"]["accessToken"].as_str().expect("a token").to_owned()
}

fn get(simulator: &mut KaseyaBmsSim, token: &str, target: &str) -> Reply {
    let mut call = Call::get(Url::parse(&format!("{ORIGIN}/{target}")).unwrap());
    call.headers.push(("authorization", Text::Secret(SecretText::new(&format!("Bearer {token}")))));
    simulator.answer(&call, ORIGIN)
}

fn rows(simulator: &mut KaseyaBmsSim, target: &str) -> Vec<Value> {
    let token = token(simulator);
    let body = json(&get(simulator, &token, target));
    body["result"].as_array().unwrap_or_else(|| panic!("{target} gives a list, not {body}")).clone()
}

#[test]
fn a_form_is_taken_in_one_part_and_in_several_and_in_any_case() {
    let mut simulator = simulator();
    let parts: String = LOG_IN
        .iter()
        .map(|(name, value)| format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"))
        .collect();
    let small = LOG_IN.map(|(name, value)| (name.to_lowercase(), value));
    let small: Vec<(&str, &str)> = small.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let calls = [
        post("v2/security/authenticate", PLAIN, &form(&LOG_IN)),
        post("v2/security/authenticate", PLAIN, &form(&small)),
        post("v2/security/authenticate", "multipart/form-data; boundary=\"x1\"", &format!("{parts}--x1--\r\n")),
    ];
    for call in calls {
        let reply = simulator.answer(&call, ORIGIN);
        assert_eq!((reply.status, &json(&reply)["success"]), (200, &json!(true)), "{}", json(&reply));
    }
}

#[test]
fn whoever_is_not_let_in_gets_an_envelope_without_success() {
    let mut simulator = simulator();
    for (part, wrong) in [(0, "none"), (1, "someone"), (2, "guess"), (3, "Other MSP")] {
        let mut fields = LOG_IN;
        fields[part].1 = wrong;
        let reply = simulator.answer(&post("v2/security/authenticate", PLAIN, &form(&fields)), ORIGIN);
        assert_eq!((reply.status, &json(&reply)["success"]), (200, &json!(false)), "{wrong}");
    }
    let reply = get(&mut simulator, "made-up", "v2/security/userinfo");
    assert_eq!((reply.status, &json(&reply)["error"]["code"]), (401, &json!(978_001)));
}

#[test]
fn a_refresh_token_is_good_once_and_a_token_until_its_end() {
    let mut simulator = simulator();
    simulator.set_forms(Forms { token_ms: 1000, ..Forms::default() });
    let reply = simulator.answer(&post("v2/security/authenticate", PLAIN, &form(&LOG_IN)), ORIGIN);
    let given = json(&reply)["result"].clone();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let fields = [("AccessToken", text("accessToken")), ("RefreshToken", text("refreshToken"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    simulator.world.change(|world| world.now_ms += 1000);
    assert_eq!(get(&mut simulator, &text("accessToken"), "v2/security/userinfo").status, 401);
    let renewed = json(&simulator.answer(&post("v2/security/refreshtoken", PLAIN, &form(&fields)), ORIGIN));
    let new = renewed["result"]["accessToken"].as_str().expect("a new token");
    assert_eq!(get(&mut simulator, new, "v2/security/userinfo").status, 200);
    let again = json(&simulator.answer(&post("v2/security/refreshtoken", PLAIN, &form(&fields)), ORIGIN));
    assert_eq!(again["success"], json!(false));
}

#[test]
fn pages_follow_one_another_without_a_gap() {
    let mut simulator = simulator();
    let list = "v2/servicedesk/hardwareasset/searchselect";
    let all = rows(&mut simulator, &format!("{list}?PageSize=1000"));
    assert_eq!(all.len(), 100, "no page is larger");
    let three: Vec<Value> =
        (1..=3).flat_map(|page| rows(&mut simulator, &format!("{list}?PageSize=30&PageNumber={page}"))).collect();
    assert_eq!(three, all[..90]);
    assert!(rows(&mut simulator, &format!("{list}?PageNumber=90")).is_empty());
    let token = token(&mut simulator);
    let body = json(&get(&mut simulator, &token, list));
    assert_eq!((body.get("totalRecords"), body.get("error")), (None, None));
    let body = json(&get(&mut simulator, &token, "v2/crm/accounts/summary?PageSize=2"));
    assert!(body["totalRecords"].as_u64().is_some_and(|total| total > 12));
    assert_eq!(get(&mut simulator, &token, &format!("{list}?PageSize=all")).status, 400);
}

#[test]
fn filters_order_and_left_out_fields_are_heeded() {
    let mut simulator = simulator();
    let accounts = rows(&mut simulator, "v2/crm/accounts/summary");
    let count = |rows: &[Value], keep: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| keep(row)).count();
    let inactive = rows(&mut simulator, "v2/crm/accounts/summary?Filter.IsActive=false");
    assert_eq!(inactive.len(), count(&accounts, &|row| row["isActive"] == json!(false)));
    let vendors = rows(&mut simulator, "v2/crm/accounts/summary?filter.accounttypeid=2");
    assert_eq!(vendors.len(), count(&accounts, &|row| row["accountType"] == json!("Vendor")));
    let id = accounts[1]["id"].as_u64().unwrap();
    let contacts = rows(&mut simulator, &format!("v2/crm/contacts/summary?Filter.AccountId={id}&PageSize=100"));
    assert!(!contacts.is_empty() && contacts.iter().all(|row| row["accountId"] == json!(id)));
    let assets = rows(&mut simulator, "v2/servicedesk/hardwareasset/searchselect?Filter.CategoryIds=1,3");
    assert!(assets.iter().all(|row| matches!(row["categoryId"].as_u64(), Some(1 | 3))) && !assets.is_empty());
    let sorted = rows(&mut simulator, "v2/hr/employees/searchselect?Sort=LastName&Exclude=JobTitle,Username");
    assert!(sorted.is_sorted_by_key(|row| row["lastName"].as_str().unwrap_or_default().to_owned()));
    assert!(sorted.iter().all(|row| row.get("jobTitle").is_none() && row.get("username").is_none()));
}

#[test]
fn what_changed_since_can_be_asked_for() {
    let mut simulator = simulator();
    simulator.world.change(|world| {
        world.now_ms += dates::DAY_MS;
        let contact = world.clients[1].contacts[0].number;
        world.change_contact(contact, |contact| contact.phone = "1".to_owned());
    });
    let since = dates::stamp(simulator.world.read().now_ms - 1000);
    for since in [since.clone(), since.replace('Z', "")] {
        let changed = rows(&mut simulator, &format!("v2/crm/contacts/summary?Filter.ModifiedOnFrom={since}"));
        assert_eq!(changed.len(), 1, "{since}");
        assert_eq!(changed[0]["phones"][0]["phone"], json!("1"));
    }
}

#[test]
fn the_detail_of_an_asset_fits_its_row() {
    let mut simulator = simulator();
    let row = rows(&mut simulator, "v2/servicedesk/hardwareasset/searchselect?PageSize=1").remove(0);
    let token = token(&mut simulator);
    let target = format!("v2/servicedesk/hardwareasset/{}", row["id"]);
    let detail = json(&get(&mut simulator, &token, &target))["result"].clone();
    for (of_row, of_detail) in [("assetName", "name"), ("serialNumber", "serialNumber"), ("categoryName", "category")] {
        assert_eq!(row[of_row], detail[of_detail], "{of_row}");
    }
    let missing = json(&get(&mut simulator, &token, "v2/servicedesk/hardwareasset/7999"));
    assert_eq!((&missing["success"], &missing["error"]["code"]), (&json!(false), &json!(404)));
    simulator.set_forms(Forms { capitals: true, bare_objects: true, ..Forms::default() });
    let bare = json(&get(&mut simulator, &token, &target));
    assert_eq!((&bare["Id"], &bare["IpAddress"]), (&row["id"], &row["ipAddress"]));
    assert!(bare.get("DHCPEnabled").is_some());
    let list = json(&get(&mut simulator, &token, "v2/servicedesk/hardwareasset/searchselect?PageSize=1"));
    assert_eq!(list["Result"][0]["IPAddress"], row["ipAddress"]);
}

#[test]
fn a_fault_takes_the_place_of_a_good_answer() {
    let mut simulator = simulator();
    let token = token(&mut simulator);
    let list = "v2/crm/accounts/summary";
    let cases = [
        (Fault::Unauthorized, 401),
        (Fault::Forbidden, 200),
        (Fault::ThrottleAs403, 403),
        (Fault::ThrottleAs429 { retry_after_s: Some(9) }, 429),
        (Fault::ServerError { status: 503 }, 503),
    ];
    for (fault, status) in cases {
        simulator.trouble(Trouble::new(fault.clone()).times(1));
        let reply = get(&mut simulator, &token, list);
        assert_eq!(reply.status, status, "{fault:?}");
        assert_eq!(reply.header("retry-after"), (status == 429).then_some("9"));
        let is_good = serde_json::from_slice(&reply.body).is_ok_and(|body: Value| body["success"] == json!(true));
        assert!(!is_good, "{fault:?}");
        assert_eq!(get(&mut simulator, &token, list).status, 200, "it passes");
    }
}
