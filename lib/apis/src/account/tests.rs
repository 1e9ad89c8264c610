use super::*;
use crate::vendors;

const KEY: &str = "k3y/With+Signs";

fn secret(parts: &[(&str, &str)]) -> Secret {
    Secret(parts.iter().map(|(name, text)| ((*name).to_owned(), SecretText::new(text))).collect())
}

fn whole_secret() -> Secret {
    secret(&[("username", "api@pine.example"), ("api_key", KEY)])
}

fn make(settings: &[(&str, &str)], secret: Secret, allow_loopback: bool) -> Result<Account, SettingsError> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Account::new(vendors::find("auvik").unwrap(), settings, secret, &Surroundings { allow_loopback })
}

fn refusal(settings: &[(&str, &str)], secret: Secret) -> String {
    make(settings, secret, false).expect_err("it is refused").to_string()
}

const URL: (&str, &str) = ("url", "https://us1.my.auvik.com");

#[test]
fn an_unknown_setting_gets_the_nearest_valid_one() {
    let said = refusal(&[URL, ("requests_per_minut", "3")], whole_secret());
    assert_eq!(said, "Auvik has no setting \"requests_per_minut\"; did you mean \"requests_per_minute\"?");
    let said = refusal(&[URL, ("colour", "blue")], whole_secret());
    assert!(said.contains("it has url, domain, requests_per_minute"), "{said}");
}

#[test]
fn a_secret_given_as_a_setting_is_refused_without_being_repeated() {
    let said = refusal(&[URL, ("api_key", KEY)], whole_secret());
    assert!(said.contains("part of the secret") && !said.contains(KEY), "{said}");
}

#[test]
fn what_is_missing_is_named_with_what_it_is() {
    assert!(refusal(&[], whole_secret()).contains("needs the setting \"url\": the address"));
    assert!(refusal(&[("url", "  ")], whole_secret()).contains("needs the setting \"url\""));
    let said = refusal(&[URL], secret(&[("username", "a@pine.example"), ("api_key", " ")]));
    assert!(said.contains("needs the secret part \"api_key\""), "{said}");
}

#[test]
fn a_secret_part_is_known_and_fits_a_header() {
    let said = refusal(&[URL], secret(&[("username", "x"), ("api-key", KEY)]));
    assert!(said.contains("did you mean \"api_key\"?") && !said.contains(KEY), "{said}");
    let said = refusal(&[URL], secret(&[("username", "x"), ("api_key", "k3y\r\nHost: elsewhere")]));
    assert!(said.contains("line break") && !said.contains("elsewhere"), "{said}");
}

#[test]
fn plain_http_and_addresses_with_credentials_are_refused() {
    assert!(refusal(&[("url", "http://us1.my.auvik.com")], whole_secret()).contains("https://"));
    assert!(refusal(&[("url", "ftp://us1.my.auvik.com")], whole_secret()).contains("https://"));
    let said = refusal(&[("url", &format!("https://me:{KEY}@us1.my.auvik.com"))], whole_secret());
    assert!(said.contains("user name or password") && !said.contains(KEY), "{said}");
    assert!(refusal(&[("url", "https://[")], whole_secret()).contains("not an address"));
}

#[test]
fn loopback_is_taken_as_it_stands_where_it_is_allowed() {
    let addresses = [
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010/"),
        ("http://localhost:4010/auvik/", "http://localhost:4010/auvik/"),
        ("https://[::1]:4010/a?b#c", "https://[::1]:4010/a/"),
    ];
    for (given, taken) in addresses {
        let account = make(&[("url", given)], whole_secret(), true).unwrap();
        assert_eq!(account.base().as_str(), taken);
        let said = refusal(&[("url", given)], whole_secret());
        assert!(said.contains("MSP_SYNC_ALLOW_LOOPBACK=1"), "{said}");
    }
    for hidden in ["https://[::ffff:127.0.0.1]", "https://2130706433", "https://0x7f.1", "https://127.1"] {
        let said = refusal(&[("url", hidden)], whole_secret());
        assert!(said.contains("address of this machine"), "{hidden}: {said}");
    }
}

#[test]
fn loopback_that_is_allowed_does_not_allow_plain_http_elsewhere() {
    for url in ["http://us1.my.auvik.com", "http://10.0.0.5", "http://127.0.0.1.example.com"] {
        let error = make(&[("url", url)], whole_secret(), true).expect_err("it is refused");
        assert!(matches!(error, SettingsError::PlainHttp { .. }), "{url}: {error}");
    }
}

#[test]
fn common_settings_are_checked_and_read() {
    let account =
        make(&[URL, ("requests_per_minute", " 30 "), ("allow_private_network", "true")], whole_secret(), false)
            .unwrap();
    assert_eq!(account.requests_per_minute(), Some(30));
    assert!(account.allow_private_network());
    let account = make(&[URL], whole_secret(), false).unwrap();
    assert_eq!((account.requests_per_minute(), account.allow_private_network()), (None, false));
    for wrong in ["0", "-1", "many", ""] {
        assert!(refusal(&[URL, ("requests_per_minute", wrong)], whole_secret()).contains("whole number"), "{wrong}");
    }
    assert!(refusal(&[URL, ("allow_private_network", "yes")], whole_secret()).contains("true or false"));
}

#[test]
fn calls_carry_the_secret_and_do_not_show_it() {
    let account = make(&[URL], whole_secret(), false).unwrap();
    let call = account.call(Ask::get("v1/x", vec![("page[first]", "2".to_owned())]));
    assert_eq!(call.url.as_str(), "https://auvikapi.us1.my.auvik.com/v1/x?page%5Bfirst%5D=2");
    let token = call.header("authorization").and_then(|text| text.strip_prefix("Basic ")).unwrap();
    assert_eq!(BASE64.decode(token).unwrap(), format!("api@pine.example:{KEY}").into_bytes());
    let shown = format!("{account:?} {call:?} {}", call.as_curl());
    assert!(!shown.contains(KEY) && !shown.contains(token), "{shown}");
}

#[test]
fn secrets_are_masked_in_every_form_they_travel_in() {
    let account = make(&[URL], whole_secret(), false).unwrap();
    let token = BASE64.encode(format!("api@pine.example:{KEY}"));
    let text = format!("{KEY} k3y%2FWith%2BSigns {token} end");
    assert!(account.has_secret(&text));
    assert_eq!(account.mask(&text), "*** *** *** end");
}
