use super::*;

fn call() -> Call {
    let mut call = Call::get(Url::parse("https://user:pass@api.example:8443/v1/x?tenants=1&apikey=hush#part").unwrap());
    call.headers.push(("accept", Text::Plain("it's json".to_owned())));
    call.headers.push(("authorization", Text::Secret(SecretText::new("Basic hush"))));
    call
}

#[test]
fn curl_shows_everything_but_secrets() {
    let curl = call().as_curl();
    assert_eq!(
        curl,
        "curl -X GET 'https://api.example:8443/v1/x?tenants=1&apikey=***' -H 'accept: it'\\''s json' -H 'authorization: ***'"
    );
}

#[test]
fn debug_texts_hold_no_secret_and_no_body() {
    let mut call = call();
    call.body = Some(Text::Secret(SecretText::new("hush")));
    let reply =
        Reply { status: 200, headers: vec![("set-cookie".to_owned(), "hush".to_owned())], body: b"hush".to_vec() };
    let secret = Secret(BTreeMap::from([("key".to_owned(), SecretText::new("hush"))]));
    let shown = format!("{call:?} {reply:?} {secret:?} {}", call.as_curl());
    assert!(!shown.contains("hush") && !shown.contains("pass"), "{shown}");
}

#[test]
fn a_pasted_key_loses_its_blanks() {
    assert_eq!(SecretText::new(" key\n").expose(), "key");
    assert_eq!(Secret::default().part("key"), "");
}
