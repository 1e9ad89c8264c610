use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use reconcile::record::{Field, Kind};

use super::*;
use crate::account::{Account, NotOpened, Surroundings};
use crate::call::{Call, Method, Reply, Secret, SecretText};
use crate::reading::{Reading, Then, detail_call, take_detail};
use crate::verify::{CheckAnswer, answer, checks};
use crate::words::Words;

fn account_at(url: &str) -> Result<Account, String> {
    let secret = [("username", "api.sync"), ("password", "p4ss/Word+x")];
    let secret = secret.map(|(name, text)| (name.to_owned(), SecretText::new(text)));
    let settings = BTreeMap::from([("url".to_owned(), url.to_owned()), ("tenant".to_owned(), "Larch MSP".to_owned())]);
    Account::new(&KASEYA_BMS, settings, Secret(secret.into()), &Surroundings::default())
        .map_err(|error| error.to_string())
}

fn account() -> Account {
    account_at("https://bms.kaseya.com").unwrap()
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn logged_in(access: &str, expires: &str) -> Reply {
    let result =
        format!(r#"{{"accessToken":"{access}","refreshToken":"r-{access}","accessTokenExpireOn":"{expires}"}}"#);
    reply(200, &format!(r#"{{"success":true,"result":{result}}}"#))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn form(call: &Call) -> BTreeMap<String, String> {
    let body = call.body.as_ref().expect("a form").expose().as_bytes();
    url::form_urlencoded::parse(body).into_owned().collect()
}

#[test]
fn what_people_paste_becomes_the_apis_address() {
    let pasted = [
        ("https://bms.kaseya.com", "https://api.bms.kaseya.com/"),
        ("https://api.bms.kaseya.com/v2/", "https://api.bms.kaseya.com/"),
        ("bmsemea.kaseya.com/MainPage.aspx?x=1", "https://api.bmsemea.kaseya.com/"),
        ("HTTPS://API.BMSAPAC.KASEYA.COM/swagger/index.html", "https://api.bmsapac.kaseya.com/"),
        ("https://www.vorexlogin.com/", "https://api.vorexlogin.com/"),
        ("https://vorexlogin.com", "https://api.vorexlogin.com/"),
        ("https://api.vorexlogin.kaseya.com", "https://api.vorexlogin.kaseya.com/"),
        ("https://psa.larch.example", "https://psa.larch.example/"),
        ("https://psa.larch.example:8443/bms/v2/crm", "https://psa.larch.example:8443/bms/"),
        ("https://psa.larch.example/bms/Default.aspx#home", "https://psa.larch.example/bms/"),
    ];
    for (given, taken) in pasted {
        assert_eq!(account_at(given).unwrap().base().as_str(), taken, "{given}");
    }
    for wrong in ["bms", "https://helpdesk.kaseya.com", "https://x.bms.kaseya.com", "https://my.vorexlogin.com"] {
        let said = account_at(wrong).expect_err(wrong);
        assert!(said.contains("https://bmsemea.kaseya.com"), "{wrong}: {said}");
    }
    assert!(account_at("https://bms.kaseya.com:8443").expect_err("a port").contains("leave the port out"));
}

#[test]
fn a_log_in_gives_a_token_that_goes_along_and_is_never_shown() {
    let account = account();
    let call = account.opening().expect("a log-in");
    assert_eq!((call.method, call.url.as_str()), (Method::Post, "https://api.bms.kaseya.com/v2/security/authenticate"));
    let sent =
        [("GrantType", "password"), ("Password", "p4ss/Word+x"), ("Tenant", "Larch MSP"), ("UserName", "api.sync")];
    assert_eq!(form(&call), sent.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let open = account.open(&logged_in("t0ken-one", "2026-03-15T10:15:00Z")).unwrap();
    assert!(open.opening().is_none());
    let call = Reading::start(open.vendor.feed("contacts").unwrap(), None, None).call(&open);
    assert_eq!(call.header("authorization"), Some("Bearer t0ken-one"));
    let echo = reply(400, r#"{"message":"bad t0ken-one, r-t0ken-one, p4ss%2FWord%2Bx, api.sync"}"#);
    let taken = Reading::start(open.vendor.feed("contacts").unwrap(), None, None).take(&open, &Words::default(), &echo);
    let shown = format!("{open:?} {call:?} {} {taken:?}", call.as_curl());
    assert!(!shown.contains("t0ken") && !shown.contains("p4ss") && !shown.contains("api.sync"), "{shown}");
}

#[test]
fn a_token_is_read_in_either_letter_case_and_its_end_with_or_without_a_zone() {
    let ends = ["2026-03-15T10:15:00Z", "2026-03-15T10:15:00.000", "2026-03-15T12:15:00+02:00"];
    for end in ends {
        for body in [logged_in("one", end), reply(200, &capitals(&logged_in("one", end).body))] {
            let token = login::read(&body).unwrap();
            assert_eq!((token.access.expose(), token.expires_at), ("one", Some(at(ends[0]))), "{body:?} {end}");
            assert_eq!(token.refresh.as_ref().map(SecretText::expose), Some("r-one"));
        }
    }
    let bare = login::read(&reply(200, r#"{"AccessToken":"one","AccessTokenExpireOn":"soon"}"#)).unwrap();
    assert_eq!((bare.access.expose(), bare.refresh, bare.expires_at), ("one", None, None));
}

/// The body as the vendor's description writes it.
fn capitals(body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    ["success", "result", "accessToken", "refreshToken", "accessTokenExpireOn"].iter().fold(text, |text, name| {
        let capital = name[..1].to_uppercase() + &name[1..];
        text.replace(&format!("\"{name}\""), &format!("\"{capital}\""))
    })
}

#[test]
fn an_answer_without_a_token_opens_nothing() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"success":true,"result":null}"#,
        r#"{"success":true,"result":{"accessToken":" "}}"#,
    ] {
        assert!(matches!(account().open(&reply(200, body)), Err(NotOpened::Broken(_))), "{body}");
    }
}

#[test]
fn a_refused_log_in_is_told_whatever_its_status() {
    let said = r#"{"success":false,"error":{"code":1,"message":"Invalid user name or password"}}"#;
    for status in [200, 400, 401] {
        let Err(NotOpened::Refused(refusal)) = account().open(&reply(status, said)) else { panic!("{status} refuses") };
        assert_eq!(refusal.cause, Cause::Credentials, "{status}");
        assert_eq!(refusal.vendor_words, "Invalid user name or password");
        assert!(refusal.hint.contains("tenant") && refusal.hint.contains("--data '***'"), "{}", refusal.hint);
    }
    let Err(NotOpened::Refused(refusal)) = account().open(&reply(415, "")) else { panic!("it refuses") };
    assert_eq!(refusal.cause, Cause::BadRequest, "the form of the request is no fault of the secret");
    let no_right = r#"{"success":false,"error":{"code":1,"message":"You do not have permission to use the API"}}"#;
    let Err(NotOpened::Refused(refusal)) = account().open(&reply(200, no_right)) else { panic!("it refuses") };
    assert_eq!(refusal.cause, Cause::Permission);
    assert!(refusal.hint.contains("Has API Access"));
    let Err(NotOpened::Again { after, .. }) = account().open(&reply(429, "")) else { panic!("it passes") };
    assert_eq!(after, Some(Duration::from_secs(60)));
}

#[test]
fn a_token_is_renewed_a_minute_before_its_end() {
    let open = account().open(&logged_in("one", "2026-03-15T10:15:00")).unwrap();
    assert!(open.to_renew(at("2026-03-15T10:13:59Z")).is_none());
    let renewing = open.to_renew(at("2026-03-15T10:14:00Z")).expect("it is due");
    let call = renewing.opening().expect("a renewal");
    assert_eq!(call.url.path(), "/v2/security/refreshtoken");
    let sent = [("AccessToken", "one"), ("RefreshToken", "r-one")];
    assert_eq!(form(&call), sent.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let renewed = renewing.open(&logged_in("two", "2026-03-15T10:30:00")).unwrap();
    assert!(renewed.opening().is_none() && renewed.to_renew(at("2026-03-15T10:20:00Z")).is_none());
}

#[test]
fn a_refused_renewal_leads_to_a_new_log_in() {
    let open = account().open(&logged_in("one", "2026-03-15T10:15:00Z")).unwrap();
    let renewing = open.to_renew(at("2026-03-15T10:20:00Z")).unwrap();
    let refusals = [
        reply(401, r#"{"success":false,"error":{"code":978001,"message":"Security Error"}}"#),
        reply(200, r#"{"success":false,"error":{"code":2,"message":"Unknown refresh token"}}"#),
        reply(200, "{}"),
    ];
    for refused in refusals {
        let again = renewing.open(&refused).expect("the secret may be good");
        assert_eq!(
            again.opening().map(|call| call.url.path().to_owned()).as_deref(),
            Some("/v2/security/authenticate")
        );
    }
    let Err(NotOpened::Again { .. }) = renewing.open(&reply(503, "")) else { panic!("a fault of the server passes") };
}

#[test]
fn without_a_refresh_token_the_secret_is_shown_again() {
    let body = r#"{"success":true,"result":{"accessToken":"one","accessTokenExpireOn":"2026-03-15T10:15:00Z"}}"#;
    let open = account().open(&reply(200, body)).unwrap();
    let again = open.to_renew(at("2026-03-15T10:15:00Z")).expect("it is due");
    assert_eq!(again.opening().unwrap().url.path(), "/v2/security/authenticate");
}

#[test]
fn a_token_that_was_taken_back_is_asked_for_anew() {
    let open = account().open(&logged_in("one", "2026-03-15T10:15:00Z")).unwrap();
    let fresh = open.to_reopen().expect("a log-in may help");
    assert_eq!(fresh.opening().unwrap().url.path(), "/v2/security/authenticate");
    assert!(open.opening().is_none(), "the account itself stays open");
}

/// The record of a list row with this id, as poor as it may be.
fn listed(id: u32) -> VendorRecord {
    let body = format!(
        r#"{{"success":true,"result":[{{"id":{id},"accountId":7,"assetName":"ws-1","locationName":"Main"}}]}}"#
    );
    let open = account();
    let taken = Reading::start(&ASSETS, None, None).take(&open, &Words::default(), &reply(200, &body));
    assert_eq!(taken.then, Then::Done);
    taken.records.into_iter().next().unwrap()
}

fn detailed(result: &str) -> (VendorRecord, Then) {
    let mut record = listed(8801);
    let detail = ASSETS.detail.as_ref().unwrap();
    let body = format!(r#"{{"success":true,"result":{result}}}"#);
    let then = take_detail(&account(), detail, &mut record, &reply(200, &body));
    (record, then)
}

const DETAIL: &str = r#"{"id":8801,"name":"HDG-WS-014","accountId":1021,"accountLocation":"Pier 9","category":"Workstation",
    "brand":"Dell","manufacturer":"Dell Inc.","modelNumber":" ","productName":"OptiPlex Micro 7010","serialNumber":"Default string",
    "chassisSerialNumber":"7GK2R63","macAddress":"A4-BB-6D-10-22-3F; a4bb6d102240,00-00-00-00-00-00","ipAddress":"192.168.20.44",
    "connectionGatewayIp":"203.0.113.18","osType":"Windows 11","osInfo":"Professional x64 Edition Build 22631","isActive":true,
    "lastCheckIn":"2026-03-15T02:10:00","dnsServers":null,"diskVolumes":[{"drive":"C","freeMBytes":301221}]}"#;

fn shown(record: &VendorRecord) -> Vec<String> {
    record.fields.iter().map(|(field, value)| format!("{field}={value}")).collect()
}

#[test]
fn the_detail_completes_the_row() {
    let call = detail_call(&account(), ASSETS.detail.as_ref().unwrap(), &listed(8801));
    assert_eq!(call.url.path(), "/v2/servicedesk/hardwareasset/8801");
    let expected = [
        "hostname=HDG-WS-014",
        "serial_number=7GK2R63",
        "mac_addresses=A4:BB:6D:10:22:3F; A4:BB:6D:10:22:40",
        "ip_addresses=192.168.20.44; 203.0.113.18",
        "make=Dell Inc.",
        "model=OptiPlex Micro 7010",
        "os=Windows 11 Professional x64 Edition Build 22631",
        "type=Workstation",
        "location=Pier 9",
    ];
    let (record, then) = detailed(DETAIL);
    assert_eq!((then, shown(&record)), (Then::Done, expected.map(str::to_owned).to_vec()));
    let names = ["name", "serialNumber", "macAddress", "osType", "modelNumber", "productName"];
    let in_capitals = names.iter().fold(DETAIL.to_owned(), |text, name| {
        text.replace(&format!("\"{name}\""), &format!("\"{}{}\"", name[..1].to_uppercase(), &name[1..]))
    });
    assert_eq!(shown(&detailed(&in_capitals).0), shown(&record));
    let mut bare = listed(8801);
    take_detail(&account(), ASSETS.detail.as_ref().unwrap(), &mut bare, &reply(200, DETAIL));
    assert_eq!(bare, record, "the envelope may be left out");
}

#[test]
fn what_changes_without_meaning_is_not_read() {
    let later = DETAIL.replace("02:10:00", "03:40:00").replace("301221", "300000");
    assert_eq!(detailed(&later).0.fingerprint(), detailed(DETAIL).0.fingerprint());
}

#[test]
fn a_poor_detail_takes_nothing_away_that_the_list_says() {
    let (record, then) = detailed(
        r#"{"id":8801,"name":null,"machineGroupId":"srv-2.main.larch","osInfo":"Linux 6.8","osType":"Linux"}"#,
    );
    assert_eq!(then, Then::Done);
    assert_eq!(shown(&record), ["hostname=srv-2", "os=Linux 6.8", "location=Main"]);
    assert_eq!(shown(&detailed(r#"{"id":8801}"#).0), ["hostname=ws-1", "location=Main"]);
}

#[test]
fn a_broken_detail_costs_its_asset() {
    let (record, then) = detailed(r#"{"id":8801,"name":"ws-1","macAddress":12}"#);
    assert_eq!((then, record.malformed.as_deref()), (Then::Done, Some("macAddress")));
    for body in ["null", "[]", "17", r#"{"id":8802,"name":"another"}"#, "{}"] {
        let (record, then) = detailed(body);
        assert!(matches!(then, Then::Broken(_)), "{body}: {then:?}");
        assert_eq!(record, listed(8801), "{body}");
    }
    let whole = format!(r#"{{"success":true,"result":{DETAIL}}}"#);
    for bytes in 0..whole.len() {
        let mut record = listed(8801);
        let cut = reply(200, &whole[..bytes]);
        let then = take_detail(&account(), ASSETS.detail.as_ref().unwrap(), &mut record, &cut);
        assert!(matches!(then, Then::Broken(_)), "{bytes} bytes: {then:?}");
        assert_eq!(record, listed(8801));
    }
}

#[test]
fn a_refused_detail_leaves_the_row_as_it_was() {
    let gone = reply(200, r#"{"success":false,"error":{"code":404,"message":"Not found"}}"#);
    let mut record = listed(8801);
    let then = take_detail(&account(), ASSETS.detail.as_ref().unwrap(), &mut record, &gone);
    assert!(matches!(then, Then::Refused(refusal) if refusal.cause == Cause::NotFound));
    assert_eq!(record, listed(8801));
}

#[test]
fn every_kind_is_verified_by_a_call_of_its_own_list() {
    let open = account().open(&logged_in("one", "2026-03-15T10:15:00Z")).unwrap();
    let asked = |kind: Kind| -> Vec<String> {
        checks(&open, &BTreeSet::from([kind]))
            .iter()
            .map(|check| check.call.url[url::Position::BeforePath..].to_owned())
            .collect()
    };
    let one = "?PageSize=1&PageNumber=1";
    assert_eq!(asked(Kind::Client), ["/v2/system/accounttypes/lookup".to_owned(), format!("/{ACCOUNTS_PATH}{one}")]);
    assert_eq!(asked(Kind::Asset), [format!("/{ASSETS_PATH}{one}")]);
    let check = checks(&open, &BTreeSet::from([Kind::User])).remove(0);
    let cause = |reply: Reply| match answer(&open, &check, &reply) {
        CheckAnswer::Refused(refusal) => refusal.cause,
        _ => panic!("{reply:?} is a refusal"),
    };
    assert!(matches!(answer(&open, &check, &reply(200, r#"{"success":true,"result":[]}"#)), CheckAnswer::Works));
    assert_eq!(cause(reply(200, r#"{"success":false}"#)), Cause::BadRequest);
    assert_eq!(cause(reply(200, r#"{"success":false,"error":{"message":"Forbidden"}}"#)), Cause::Permission);
    assert_eq!(cause(reply(403, "")), Cause::Permission);
    assert_eq!(cause(reply(429, "")), Cause::Unavailable);
    assert_eq!(cause(reply(200, "[]")), Cause::NotTheApi);
}

#[test]
fn a_contact_has_the_default_address_and_a_mobile_apart() {
    let body = r#"{"success":true,"result":[{"id":1,"accountId":7,"lastName":"Reyes","phones":[{"phone":"1","phoneType":"Mobile","isDefault":true},
        {"phone":" ","phoneType":"Work","isDefault":true},{"phone":"2","phoneType":"Home"}],"emails":[{"emailAddress":"a@x.example"}]}]}"#;
    let taken = Reading::start(&CONTACTS, None, None).take(&account(), &Words::default(), &reply(200, body));
    let fields = &taken.records[0].fields;
    assert_eq!(
        [Field::Mobile, Field::Phone, Field::Email].map(|field| fields.text(field)),
        [Some("1"), Some("2"), Some("a@x.example")]
    );
}

#[test]
fn the_user_of_the_api_is_no_user_and_counts_as_a_row() {
    let body = r#"{"success":true,"totalRecords":2,"result":[{"id":1,"lastName":"Doe"},{"id":2,"firstName":"API","username":"API.Sync"}]}"#;
    let taken = Reading::start(&EMPLOYEES, None, None).take(&account(), &Words::default(), &reply(200, body));
    assert_eq!(taken.then, Then::Done);
    assert_eq!(taken.records.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["Doe"]);
}

#[test]
fn the_checkpoint_of_the_longest_list_stays_small() {
    let account = account();
    let mut reading = Reading::start(&ASSETS, None, None);
    // Smaller pages make the test short; how many rows are remembered does not depend on their size.
    for _ in 0..4 {
        reading.take(&account, &Words::default(), &reply(504, ""));
    }
    let mut longest = 0;
    for number in 1..=KASEYA_BMS.limits.pages_max {
        let rows: Vec<String> = (0..6).map(|nth| format!(r#"{{"id":{},"accountId":7}}"#, number * 6 + nth)).collect();
        let page = reply(200, &format!(r#"{{"success":true,"result":[{}]}}"#, rows.join(",")));
        let taken = reading.take(&account, &Words::default(), &page);
        assert_eq!(taken.records.len(), 6);
        let is_last = number == KASEYA_BMS.limits.pages_max;
        assert_eq!(matches!(taken.then, Then::Broken(_)), is_last, "page {number}: {:?}", taken.then);
        longest = longest.max(if number % 50 == 0 { serde_json::to_string(&reading).unwrap().len() } else { 0 });
    }
    assert!(longest < 96 << 10, "the longest checkpoint has {longest} bytes");
}
