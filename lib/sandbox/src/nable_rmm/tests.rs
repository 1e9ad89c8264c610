use apis::call::{SecretText, Text};
use url::Url;

use super::*;
use crate::faults::RowDamage;
use crate::world::{Size, World};

const ORIGIN: &str = "http://127.0.0.1:4001";

fn sandbox(clients: usize, devices: usize) -> NableRmmSim {
    NableRmmSim::new(SharedWorld::new(World::new(&Size { clients, devices, seed: 7 })), API_KEY)
}

fn call(parameters: &str) -> Call {
    Call::get(Url::parse(&format!("{ORIGIN}/api/?apikey={API_KEY}&{parameters}")).unwrap())
}

/// The body of an answer under 200, letters as in ISO-8859-1.
fn body(rmm: &mut NableRmmSim, parameters: &str) -> String {
    let reply = rmm.answer(&call(parameters), ORIGIN);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/xml")), "{parameters}");
    latin_1(&reply.body)
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The texts of all elements of this name.
fn texts(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inside = |part: &str| {
        let text = part.split_once(&close).map_or("", |(text, _)| text);
        text.trim_start_matches("<![CDATA[").trim_end_matches("]]>").to_owned()
    };
    body.split(&open).skip(1).map(inside).collect()
}

/// The code and the words of a failure.
fn failure(rmm: &mut NableRmmSim, parameters: &str) -> (String, String) {
    let body = body(rmm, parameters);
    assert!(body.contains("status=\"FAIL\"") && !body.contains("<items"), "{body}");
    (texts(&body, "errorcode").concat(), texts(&body, "message").concat())
}

fn told(code: &str, words: &str) -> (String, String) {
    (code.to_owned(), words.to_owned())
}

/// A client with servers and workstations at one of its sites.
fn full_site(rmm: &mut NableRmmSim) -> (String, String) {
    for client in texts(&body(rmm, "service=list_clients"), "clientid") {
        for site in texts(&body(rmm, &format!("service=list_sites&clientid={client}")), "siteid") {
            let has = |rmm: &mut NableRmmSim, list: &str| {
                body(rmm, &format!("service={list}&siteid={site}")).contains("<name>")
            };
            if has(rmm, "list_servers") && has(rmm, "list_workstations") {
                return (client, site);
            }
        }
    }
    panic!("the world has such a site");
}

#[test]
fn nothing_is_said_without_the_key() {
    let mut rmm = sandbox(3, 40);
    for service in SERVICES.iter().chain(&["list_nothing"]) {
        let wrong = format!("{ORIGIN}/api/?apikey=other&service={service}");
        for url in [wrong, format!("{ORIGIN}/api/?service={service}")] {
            let reply = rmm.answer(&Call::get(Url::parse(&url).unwrap()), ORIGIN);
            assert_eq!(reply.status, 200, "refusals come under 200");
            let body = latin_1(&reply.body);
            assert_eq!(
                (texts(&body, "errorcode"), texts(&body, "message")),
                (vec!["3".into()], vec!["Login failed".into()])
            );
        }
    }
    rmm.set_api_key("another");
    assert_eq!(failure(&mut rmm, "service=list_clients"), told("3", "Login failed"), "a new key ends the old one");
}

#[test]
fn a_parameter_that_is_missing_or_wrong_is_named() {
    let mut rmm = sandbox(3, 40);
    let missing = [("list_sites", "clientid"), ("list_servers", "siteid"), ("list_all_hardware", "assetid")];
    for (service, name) in missing {
        let of = format!("service={service}");
        assert_eq!(failure(&mut rmm, &of), told("5", &format!("Missing parameter: {name}")));
        for value in ["abc", "1", "999999999999999999999999"] {
            let words = format!("Invalid value for parameter: {name}");
            assert_eq!(failure(&mut rmm, &format!("{of}&{name}={value}")), told("4", &words), "{value}");
        }
    }
    let (client, _) = full_site(&mut rmm);
    let tree = format!("service=list_devices_at_client&clientid={client}&devicetype=");
    assert_eq!(failure(&mut rmm, &format!("{tree}Server")), told("4", "Invalid value for parameter: devicetype"));
    assert!(
        body(&mut rmm, &format!("{tree}server&experimentalChecks=False")).contains("<server>"),
        "others are ignored"
    );
    assert!(body(&mut rmm, &format!("{tree}mobile_device")).contains("<items/>"));
    assert_eq!(failure(&mut rmm, "service=list_nothing").1, "Service unknown");
    assert_eq!(failure(&mut rmm, "service=List_Clients").1, "Service unknown", "values are told apart by their case");
    assert!(body(&mut rmm, "service=list_sites&describe=true").contains("<service>"));
}

#[test]
fn the_question_may_be_posted() {
    let mut rmm = sandbox(3, 40);
    let expected = body(&mut rmm, "service=list_clients");
    let in_address = Call { method: Method::Post, ..call("service=list_clients") };
    assert_eq!(latin_1(&rmm.answer(&in_address, ORIGIN).body), expected);
    let form = Text::Secret(SecretText::new(&format!("apikey={API_KEY}&service=list_clients")));
    let address = Url::parse(&format!("{ORIGIN}/api/default.php")).unwrap();
    let in_body = Call { method: Method::Post, body: Some(form), ..Call::get(address) };
    assert_eq!(latin_1(&rmm.answer(&in_body, ORIGIN).body), expected);
}

#[test]
fn what_stands_in_front_wants_a_name_and_the_path() {
    let mut rmm = sandbox(1, 5);
    let named = |name: &str| Call {
        headers: vec![("user-agent", Text::Plain(name.to_owned()))],
        ..call("service=list_clients")
    };
    let front = rmm.answer(&named(""), ORIGIN);
    assert_eq!((front.status, front.header("content-type")), (403, Some("text/html; charset=UTF-8")));
    assert_eq!(rmm.answer(&named("python-requests/2"), ORIGIN).status, 200);
    let at = |path: &str| Call::get(Url::parse(&format!("{ORIGIN}{path}")).unwrap());
    assert_eq!(rmm.answer(&at("/dashboard/"), ORIGIN).status, 404);
    let moved = rmm.answer(&at("/api"), ORIGIN);
    assert_eq!((moved.status, moved.header("location")), (301, Some("/api/")));
}

#[test]
fn letters_are_bytes_of_iso_8859_1_and_free_texts_cdata() {
    let mut rmm = sandbox(2, 10);
    let number = rmm.world.read().clients[1].number;
    rmm.world.change(|world| world.client_mut(number).unwrap().name = "Café & <Nord> ]]> Ł".to_owned());
    rmm.world.change(|world| world.client_mut(number).unwrap().form = "");
    let bytes = |rmm: &mut NableRmmSim| rmm.answer(&call("service=list_clients"), ORIGIN).body;
    let has = |body: &[u8], part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let body = bytes(&mut rmm);
    assert!(body.starts_with(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<result created="));
    assert!(has(&body, b"<![CDATA[Caf\xe9 & <Nord> ]]]]><![CDATA[> ?]]>"), "{}", latin_1(&body));
    rmm.set_forms(Forms { encoding: Encoding::Utf8SaidToBeLatin1, plain_texts: true, ..Forms::default() });
    let body = bytes(&mut rmm);
    assert!(has(&body, b"encoding=\"ISO-8859-1\""));
    assert!(has(&body, "<name>Café &amp; &lt;Nord&gt; ]]&gt; Ł</name>".as_bytes()), "{}", latin_1(&body));
    rmm.set_forms(Forms { encoding: Encoding::Utf8Undeclared, no_status: true, ..Forms::default() });
    assert!(bytes(&mut rmm).starts_with(b"<?xml version=\"1.0\"?>\n<result>\n"));
}

#[test]
fn every_computer_is_in_one_list_and_counted() {
    let mut rmm = sandbox(12, 600);
    let clients = body(&mut rmm, "service=list_clients");
    let count =
        |name: &str| texts(&clients, name).iter().map(|text| text.parse::<usize>().unwrap()).collect::<Vec<_>>();
    let (servers, workstations) = (count("server_count"), count("workstation_count"));
    let mut ids = Vec::new();
    for (nth, client) in texts(&clients, "clientid").iter().enumerate() {
        let (mut here, before) = ([0, 0], ids.len());
        for site in texts(&body(&mut rmm, &format!("service=list_sites&clientid={client}")), "siteid") {
            for (list, name, sum) in [("list_servers", "serverid", 0), ("list_workstations", "workstationid", 1)] {
                let found = texts(&body(&mut rmm, &format!("service={list}&siteid={site}")), name);
                here[sum] += found.len();
                ids.extend(found);
            }
        }
        assert_eq!(here, [servers[nth], workstations[nth]], "client {client}");
        let tree = format!("service=list_devices_at_client&clientid={client}&devicetype");
        let both = body(&mut rmm, &format!("{tree}=server")) + &body(&mut rmm, &format!("{tree}=workstation"));
        assert!(ids[before..].iter().all(|id| both.contains(&format!("<id>{id}</id>"))), "{both}");
    }
    let world = rmm.world.read();
    let mut expected: Vec<String> =
        world.clients.iter().flat_map(writer::devices).map(NableRmmSim::device_id).collect();
    assert!(expected.len() > 200, "most of the world's devices are computers");
    expected.sort();
    ids.sort();
    assert_eq!(ids, expected);
}

#[test]
fn the_clients_with_devices_of_a_sort_can_be_asked_for() {
    let mut rmm = sandbox(60, 300);
    let all = body(&mut rmm, "service=list_clients");
    let rows: Vec<&str> = all.split("<client>").skip(1).collect();
    let with = |count: &str| -> Vec<String> {
        let some = rows.iter().filter(|row| texts(row, count) != ["0"]);
        some.map(|row| texts(row, "clientid").concat()).collect()
    };
    for (word, count) in [("server", "server_count"), ("workstation", "workstation_count")] {
        let asked = texts(&body(&mut rmm, &format!("service=list_clients&devicetype={word}")), "clientid");
        assert_eq!(asked, with(count));
        assert!(asked.len() < rows.len(), "some have no {word}");
    }
}

#[test]
fn details_and_hardware_are_of_the_device() {
    let mut rmm = sandbox(6, 200);
    let (_, site) = full_site(&mut rmm);
    let row = body(&mut rmm, &format!("service=list_servers&siteid={site}"));
    let first = |body: &str, name: &str| texts(body, name).first().cloned().unwrap_or_default();
    let details = body(&mut rmm, &format!("service=list_device_asset_details&deviceid={}", first(&row, "serverid")));
    assert!(!details.contains("<items"), "its fields stand under the result");
    for (here, there) in [("assetid", "assetid"), ("name", "user"), ("device_serial", "serialnumber"), ("mac1", "mac1")]
    {
        assert_eq!(first(&row, here), first(&details, there), "{here}");
    }
    let hardware = body(&mut rmm, &format!("service=list_all_hardware&assetid={}", first(&row, "assetid")));
    assert_eq!(texts(&hardware, "details"), texts(&details, "details"));
}

#[test]
fn numbers_can_be_counted_apart() {
    let mut rmm = sandbox(12, 600);
    rmm.set_forms(Forms { numbers_apart: true, ..Forms::default() });
    let mut numbers = [Vec::new(), Vec::new()];
    for client in texts(&body(&mut rmm, "service=list_clients"), "clientid") {
        for site in texts(&body(&mut rmm, &format!("service=list_sites&clientid={client}")), "siteid") {
            numbers[0].extend(texts(&body(&mut rmm, &format!("service=list_servers&siteid={site}")), "serverid"));
            numbers[1]
                .extend(texts(&body(&mut rmm, &format!("service=list_workstations&siteid={site}")), "workstationid"));
        }
    }
    for list in &mut numbers {
        let before = list.len();
        list.sort();
        list.dedup();
        assert_eq!(list.len(), before, "each list has a number once");
    }
    assert!(numbers[0].iter().any(|number| numbers[1].contains(number)), "the lists share one");
}

#[test]
fn troubles_strike_by_service_and_client() {
    let mut rmm = sandbox(6, 200);
    let (client, site) = full_site(&mut rmm);
    let servers = format!("service=list_servers&siteid={site}");
    let good = body(&mut rmm, &servers);
    rmm.trouble(Trouble::new(Fault::Unauthorized).at_path("list_servers").for_tenant(&client).times(1));
    assert!(body(&mut rmm, &format!("service=list_workstations&siteid={site}")).contains("OK"));
    assert_eq!(failure(&mut rmm, &servers).0, "3");
    assert_eq!(body(&mut rmm, &servers), good);
    rmm.trouble(Trouble::new(Fault::Forbidden).for_tenant(&client));
    assert_eq!(failure(&mut rmm, &servers).1, "Invalid value for parameter: siteid");
    assert!(!texts(&body(&mut rmm, "service=list_clients"), "clientid").contains(&client), "it is not in the group");
    rmm.heal();

    for (forms, retry_after_s, status) in
        [(Throttling::Status429, Some(20), 429), (Throttling::PageUnder403, None, 403), (Throttling::Fail, None, 200)]
    {
        rmm.set_forms(Forms { throttling: forms, ..Forms::default() });
        rmm.trouble(Trouble::new(Fault::ThrottleAs429 { retry_after_s }).times(1));
        let reply = rmm.answer(&call(&servers), ORIGIN);
        assert_eq!((reply.status, reply.header("retry-after")), (status, retry_after_s.map(|_| "20")));
    }
}

#[test]
fn rows_are_damaged_one_at_a_time() {
    let mut rmm = sandbox(6, 200);
    let rows = |body: &str| -> Vec<String> { body.split("<client").skip(1).map(str::to_owned).collect() };
    let before = rows(&body(&mut rmm, "service=list_clients"));
    for damage in [RowDamage::NoObject, RowDamage::NoId, RowDamage::NoAttributes, RowDamage::NumbersForTexts] {
        rmm.trouble(Trouble::new(Fault::Row { index: 1, damage }).times(1));
        let after = rows(&body(&mut rmm, "service=list_clients").replace("<clientid", "<id"));
        assert_ne!(after[1], before[1].replace("<clientid", "<id"), "{damage:?}");
    }
    rmm.trouble(Trouble::new(Fault::DoubledRow).times(1));
    let doubled = texts(&body(&mut rmm, "service=list_clients"), "clientid");
    assert_eq!(doubled.first(), doubled.last());
    rmm.trouble(Trouble::new(Fault::Truncated).times(1));
    assert!(!body(&mut rmm, "service=list_clients").contains("</result>"));
    rmm.trouble(Fault::CloseConnection);
    assert_eq!(rmm.answer(&call("service=list_clients"), ORIGIN).status, 0);
}
