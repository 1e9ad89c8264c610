//! The door with a provider in memory: who comes in, and who does not.

mod world;

use std::time::Duration;

use console::roles::Role;
use console::views::VerifyView;
use console::words::IntegrationState;
use engine::life::{self, Opened};
use engine::ports::Clock;
use engine::store::integrations::{self, Integration, IntegrationState as State};
use http::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pages::Notice;
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;
use reconcile::run::Trigger;
use serde_json::json;
use web::{Bytes, Told};
use world::{Browser, Desk, HOST_NAME, ISSUER, KEY, Signer, World};

use crate::seal::Sealer;
use crate::{IDLE_MAX, RoleMap, SESSION_MAX, TRIES_MAX, WINDOW, told};

const SESSION: &str = "__Host-msp_sync_session";
const BEGUN: &str = "__Host-msp_sync_sign_in";

fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

#[tokio::test]
async fn who_has_a_role_is_let_in_and_comes_to_the_page_that_was_asked_for() {
    let world = World::new();
    let mut browser = Browser::default();
    let page = world.get(&mut browser, "/audit").await;
    assert_eq!(page.status, 401);
    assert!(page.text.contains("href=\"/sign-in?back=%2Faudit\""), "{}", page.text);
    let back = world.knock(&mut browser, "/sign-in?back=%2Faudit").await;
    let answer = world.get(&mut browser, &back).await;
    assert_eq!((answer.status, answer.to.as_str()), (303, "/audit"));
    let session = answer.cookies.iter().find(|cookie| cookie.starts_with(SESSION)).expect("there is a session");
    assert!(session.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{session}");
    assert!(!browser.cookies.contains_key(BEGUN), "what the sign-in needed is gone");
    let page = world.get(&mut browser, "/audit").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("ann@acme.example · operator"), "{}", page.text);
    let noted = ("ann@acme.example".to_owned(), "sign-in".to_owned(), "as operator, subject u-17".to_owned());
    assert_eq!(world.audit(), [noted]);
}

#[tokio::test]
async fn the_provider_is_asked_with_pkce_and_what_is_sealed_tells_nothing() {
    let world = World::new();
    let mut browser = Browser::default();
    world.knock(&mut browser, "/sign-in").await;
    let asked = world.provider().asked.clone();
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["tenant"], "acme", "what the provider's own address carries stays");
    assert_eq!(asked["redirect_uri"], format!("https://{HOST_NAME}/sign-in/callback"));
    assert!(!asked.contains_key("prompt"));
    for secret in [&asked["state"], &asked["nonce"]] {
        assert!(!browser.cookies[BEGUN].contains(secret.as_str()));
        assert!(secret.len() >= 40, "{secret}");
    }
    world.knock(&mut browser, "/sign-in?again=yes").await;
    assert_eq!(world.provider().asked["prompt"], "login", "somebody else may sign in");
}

#[tokio::test]
async fn a_session_that_is_not_ours_or_was_changed_is_a_stranger_s() {
    let world = World::new();
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let good = browser.cookies[SESSION].clone();
    let other = Sealer::new(&KEY.to_uppercase()).unwrap();
    let forged = json!({"id": "x", "name": "ann", "role": "admin", "csrf": "x",
        "began": "2026-11-22T08:00:00Z", "noted": "2026-11-22T08:00:00Z"});
    let flipped = if good.starts_with('A') { "B" } else { "A" };
    let for_another_purpose = Sealer::new(KEY).unwrap().seal("msp_sync_told", &forged);
    let bad = [
        String::new(),
        "nonsense".to_owned(),
        good[..good.len() - 4].to_owned(),
        format!("{flipped}{}", &good[1..]),
        other.seal("msp_sync_session", &forged),
        for_another_purpose,
    ];
    for cookie in bad {
        browser.cookies.insert(SESSION.to_owned(), cookie.clone());
        assert_eq!(world.get(&mut browser, "/").await.status, 401, "{cookie}");
    }
    browser.cookies.insert(SESSION.to_owned(), good);
    assert_eq!(world.get(&mut browser, "/").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let mut world = World::new();
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let mut copied = browser.clone();
    let step = IDLE_MAX.as_secs() as u64 / 60 - 1;
    let mut passed = 0;
    while passed + step < SESSION_MAX.as_secs() as u64 / 60 {
        world.desk.clock.advance(minutes(step));
        passed += step;
        world.restart();
        assert_eq!(world.get(&mut browser, "/").await.status, 200, "in use after {passed} minutes");
        let is_idle = passed > step;
        assert_eq!(world.get(&mut copied.clone(), "/").await.status, if is_idle { 401 } else { 200 });
        if !is_idle {
            copied.cookies.insert("other".to_owned(), "cookie".to_owned());
        }
    }
    world.desk.clock.advance(minutes(step));
    assert_eq!(world.get(&mut browser, "/").await.status, 401, "roles are asked for again");
}

#[tokio::test]
async fn a_sign_in_is_ended_by_the_browser_that_began_it_in_time_and_once() {
    let world = World::new();
    let (mut ann, mut eve) = (Browser::default(), Browser::default());
    let back = world.knock(&mut ann, "/sign-in").await;
    assert_eq!(world.get(&mut eve, &back).await.status, 400, "another browser has no cookie");
    world.knock(&mut eve, "/sign-in").await;
    assert_eq!(world.get(&mut eve, &back).await.status, 400, "the state is another one's");
    let back = world.knock(&mut ann, "/sign-in").await;
    let mut copied = ann.clone();
    assert_eq!(world.get(&mut ann, &back).await.status, 303);
    let again = world.get(&mut copied, &back).await;
    assert_eq!(again.status, 400, "used up");
    assert!(again.text.contains("used already"), "{}", again.text);
    let back = world.knock(&mut eve, "/sign-in").await;
    world.desk.clock.advance(minutes(11));
    assert_eq!(world.get(&mut eve, &back).await.status, 400, "too late");
    let refused: Vec<String> = world.audit().into_iter().map(|(_, what, how)| format!("{what}: {how}")).collect();
    let state = "sign-in refused: state";
    let used = "sign-in refused: state used before";
    assert_eq!(refused, [state, state, "sign-in: as operator, subject u-17", used, state]);
}

#[tokio::test]
async fn a_token_that_is_wrong_in_anything_lets_nobody_in() {
    let wrong = [
        ("another sign-in's", json!({"nonce": "another"})),
        ("without a nonce", json!({"nonce": null})),
        ("another issuer's", json!({"iss": "https://login.acme.example/other"})),
        ("for another application", json!({"aud": "mail"})),
        ("for several, made for another", json!({"aud": ["console", "mail"], "azp": "mail"})),
        ("expired", json!({"exp": 1_700_000_000})),
        ("without an end", json!({"exp": null})),
        ("from the future", json!({"iat": 4_000_000_000_u64})),
        ("not valid yet", json!({"nbf": 4_000_000_000_u64})),
        ("of nobody", json!({"sub": ""})),
    ];
    for (what, claims) in wrong {
        let world = World::new();
        let mut browser = Browser::default();
        let mut all = world.provider().claims.clone();
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        world.provider().claims = all;
        let answer = world.sign_in(&mut browser).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(!browser.cookies.contains_key(SESSION), "{what}");
        assert_eq!(world.audit()[0].2, "ID token", "{what}");
    }
}

#[tokio::test]
async fn a_signature_that_is_not_the_provider_s_lets_nobody_in() {
    let hmac = |claims| encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(b"console")).unwrap();
    for name in ["another key", "a shared secret", "none", "torn"] {
        let world = World::new();
        let mut browser = Browser::default();
        let back = world.knock(&mut browser, "/sign-in").await;
        let claims = world.provider().claims_of_a_token();
        let good = world.provider().signer.sign(&claims);
        let body = good.split('.').nth(1).unwrap().to_owned();
        let forged = match name {
            "another key" => Signer::new("first").sign(&claims),
            "a shared secret" => hmac(claims),
            // {"alg":"none"}
            "none" => format!("eyJhbGciOiJub25lIn0.{body}."),
            _ => good[..good.len() - 6].to_owned(),
        };
        world.provider().forged = Some(forged);
        assert_eq!(world.get(&mut browser, &back).await.status, 403, "{name}");
        assert!(!browser.cookies.contains_key(SESSION), "{name}");
    }
}

#[tokio::test]
async fn a_key_that_the_provider_has_published_since_is_learnt() {
    let world = World::new();
    assert_eq!(world.sign_in(&mut Browser::default()).await.status, 303);
    world.desk.clock.advance(minutes(1));
    world.provider().rotate("second", true);
    assert_eq!(world.sign_in(&mut Browser::default()).await.status, 303);
    world.provider().rotate("third", false);
    assert_eq!(world.sign_in(&mut Browser::default()).await.status, 403);
}

#[tokio::test]
async fn who_has_no_role_is_told_where_roles_come_from() {
    let world = World::new();
    for (claims, hint) in [
        (json!({"email": "bob@acme.example", "roles": ["guest"]}), "None of the values"),
        (json!({"email": "bob@acme.example"}), "says nothing of the claim"),
    ] {
        world.provider().claims = claims;
        world.provider().about = json!({"sub": "u-17"});
        let mut browser = Browser::default();
        let answer = world.sign_in(&mut browser).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text.contains("bob@acme.example") && answer.text.contains(hint), "{}", answer.text);
        assert!(!browser.cookies.contains_key(SESSION));
    }
    let refused = ("bob@acme.example".to_owned(), "sign-in refused".to_owned(), "no role".to_owned());
    assert_eq!(world.audit(), [refused.clone(), refused]);
}

#[tokio::test]
async fn roles_that_the_id_token_lacks_are_asked_for_and_only_of_the_same_person() {
    let world = World::new();
    world.provider().claims = json!({});
    world.provider().about = json!({"sub": "u-17", "preferred_username": "ann", "roles": "admin"});
    let mut browser = Browser::default();
    assert_eq!(world.sign_in(&mut browser).await.status, 303);
    assert!(world.get(&mut browser, "/").await.text.contains("ann · admin"));
    world.provider().about = json!({"sub": "u-18", "roles": "admin"});
    assert_eq!(world.sign_in(&mut Browser::default()).await.status, 502);
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_nobody_s_name() {
    let world = World::new();
    world.provider().claims = json!({"email": "boss@acme.example", "email_verified": false, "roles": "viewer"});
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let page = world.get(&mut browser, "/").await;
    assert!(page.text.contains("u-17 · viewer") && !page.text.contains("boss"), "{}", page.text);
}

#[tokio::test]
async fn a_viewer_decides_nothing_and_an_order_needs_the_session_s_token_and_our_page() {
    let world = World::new();
    world.provider().claims = json!({"email": "vic@acme.example", "roles": ["viewer"]});
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let csrf = browser.csrf(&world).await;
    let form = [("csrf", csrf.as_str()), ("confirm", "acme")];
    let answer = world.post(&mut browser, "/plan/acme.0123456789abcdef/discard", &form).await;
    assert_eq!(answer.status, 303);
    let page = world.get(&mut browser, "/").await;
    assert!(page.text.contains("`plan discard` needs the role operator; vic@acme.example is viewer"), "{}", page.text);
    assert!(!world.get(&mut browser, "/").await.text.contains("needs the role"), "told once");
    let mut ann = Browser::default();
    world.provider().claims = json!({"roles": "admin"});
    world.sign_in(&mut ann).await;
    let hers = ann.csrf(&world).await;
    for token in ["", "guessed", hers.as_str()] {
        let answer = world.post(&mut browser, "/i/acme/pause", &[("csrf", token)]).await;
        assert_eq!(answer.status, 403, "{token}");
    }
    let form = Bytes::from(format!("csrf={csrf}"));
    let elsewhere = Request::post("/i/acme/pause").header("origin", "https://evil.example");
    assert_eq!(world.send(&mut browser, "", elsewhere.body(form.clone()).unwrap()).await.status, 403);
    let other_host = Request::post("/i/acme/pause").header("host", "evil.example").body(form).unwrap();
    assert_eq!(world.send(&mut browser, "", other_host).await.status, 421);
}

#[tokio::test]
async fn a_viewer_sees_an_integration_whose_types_only_others_may_choose() {
    let world = World::new();
    let id = IntegrationId::parse("acme").unwrap();
    let vendor = apis::vendors::find("autotask").unwrap();
    let draft = Integration::draft(id, vendor, [].into(), world.desk.clock.now());
    let mut integration = Integration { state: State::Live, sync: [Kind::Client, Kind::Asset].into(), ..draft };
    integrations::save(&world.desk.table, &mut integration).await.unwrap();
    let Desk { table, queue, clock, holder, .. } = world.desk.as_ref();
    let opened = life::open(&integration, Trigger::Manual, holder, table, queue, clock).await.unwrap();
    let Opened::New(run) = opened else { panic!("no run was open") };
    life::give_up(&run.run_id, "the test ends it", table, queue, clock).await.unwrap();
    world.provider().claims = json!({"roles": "viewer"});
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let page = world.get(&mut browser, "/i/acme").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("Configuration types") && !page.text.contains("href=\"/audit\""), "{}", page.text);
}

#[tokio::test]
async fn signing_out_ends_the_session_wherever_its_cookie_is() {
    let mut world = World::new();
    let mut browser = Browser::default();
    world.sign_in(&mut browser).await;
    let mut stolen = browser.clone();
    let csrf = browser.csrf(&world).await;
    assert_eq!(world.post(&mut browser, "/sign-out", &[("csrf", "guessed")]).await.status, 403);
    let answer = world.post(&mut browser, "/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("You are signed out"));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    world.restart();
    assert_eq!(world.get(&mut stolen, "/").await.status, 401);
    assert_eq!(world.audit().last().unwrap().1, "sign-out");
}

#[tokio::test]
async fn who_signs_out_is_offered_to_end_the_providers_session_too() {
    let leave = async |leaving: Option<&str>, is_down: bool| {
        let mut world = World::new();
        world.provider().leaving = leaving.map(str::to_owned);
        let mut browser = Browser::default();
        world.sign_in(&mut browser).await;
        let csrf = browser.csrf(&world).await;
        // A process that has not asked the provider yet.
        world.restart();
        world.provider().is_down = is_down;
        let answer = world.post(&mut browser, "/sign-out", &[("csrf", &csrf)]).await;
        assert_eq!((answer.status, browser.cookies.len()), (200, 0), "{}", answer.text);
        answer.text
    };
    let there = "https://login.acme.example/leave?tenant=acme";
    let page = leave(Some(there), false).await;
    let link =
        format!("{there}&amp;client_id=console&amp;post_logout_redirect_uri=https%3A%2F%2F{HOST_NAME}%2Fsigned-out");
    assert!(page.contains(&link), "{page}");
    for (leaving, is_down) in [(None, false), (Some("http://login.acme.example/leave"), false), (Some(there), true)] {
        let page = leave(leaving, is_down).await;
        assert!(page.contains("You are signed out") && !page.contains("/leave"), "{leaving:?}: {page}");
    }
}

#[tokio::test]
async fn who_comes_back_signed_out_is_told_so_and_who_is_not_sees_the_console() {
    let world = World::new();
    let mut browser = Browser::default();
    let answer = world.get(&mut browser, "/signed-out").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.text.contains("You are signed out") && answer.text.contains("/sign-in?again=yes"),
        "{}",
        answer.text
    );
    world.sign_in(&mut browser).await;
    let answer = world.get(&mut browser, "/signed-out").await;
    assert_eq!((answer.status, answer.to.as_str()), (303, "/"));
}

#[tokio::test]
async fn sign_ins_are_counted_over_all_processes_by_address_and_network() {
    let mut world = World::new();
    let knock = || Request::get("/sign-in").body(Bytes::new()).unwrap();
    for nth in 0..TRIES_MAX {
        let address = format!("2001:db8:1:2::{nth:x}");
        assert_eq!(world.send(&mut Browser::default(), &address, knock()).await.status, 303);
        if nth % 7 == 0 {
            world.restart();
        }
    }
    for _ in 0..3 {
        let answer = world.send(&mut Browser::default(), "2001:db8:1:2::ffff", knock()).await;
        assert_eq!(answer.status, 429);
    }
    assert_eq!(world.send(&mut Browser::default(), "2001:db8:1:3::1", knock()).await.status, 303);
    let refused = ("somebody".to_owned(), "sign-in refused".to_owned(), "too many tries".to_owned());
    assert_eq!(world.audit(), [refused], "one line says it");
    let stored = world.desk.table.dump();
    assert!(stored.iter().all(|item| !item.key.sk.contains("2001")), "no address is stored");
    world.desk.clock.advance(Duration::from_secs(WINDOW.as_secs() as u64));
    assert_eq!(world.send(&mut Browser::default(), "2001:db8:1:2::1", knock()).await.status, 303);
}

#[tokio::test]
async fn a_provider_that_is_down_or_refuses_lets_nobody_in_and_says_so() {
    let world = World::new();
    let mut browser = Browser::default();
    let back = world.knock(&mut browser, "/sign-in").await;
    world.provider().is_down = true;
    assert_eq!(world.get(&mut browser, &back).await.status, 502);
    world.provider().is_down = false;
    let back = world.knock(&mut browser, "/sign-in").await;
    let refused = back.replace("code=the-code", "error=access_denied&error_description=%3Cb%3Eno%20licence");
    let answer = world.get(&mut browser, &refused).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("&lt;b&gt;no licence"), "{}", answer.text);
    let back = world.knock(&mut browser, "/sign-in").await;
    let mixed_up = world.get(&mut browser, &format!("{back}&iss=https%3A%2F%2Fevil.example")).await;
    assert_eq!(mixed_up.status, 400);
    let back = world.knock(&mut browser, "/sign-in").await;
    let named = url::form_urlencoded::byte_serialize(ISSUER.as_bytes()).collect::<String>();
    assert_eq!(world.get(&mut browser, &format!("{back}&iss={named}")).await.status, 303);
}

#[tokio::test]
async fn a_sign_in_leads_to_pages_of_ours_alone() {
    let world = World::new();
    for back in ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in/callback", "", "/%0d%0ax"] {
        let mut browser = Browser::default();
        let encoded = url::form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>();
        let callback = world.knock(&mut browser, &format!("/sign-in?back={encoded}")).await;
        let answer = world.get(&mut browser, &callback).await;
        let expected = if back == "/%0d%0ax" { back } else { "/" };
        assert_eq!((answer.status, answer.to.as_str()), (303, expected), "{back}");
    }
}

#[test]
fn what_is_too_long_for_a_cookie_is_told_without_the_vendor_s_words() {
    let sealer = Sealer::new(KEY).unwrap();
    let id = IntegrationId::parse("acme").unwrap();
    let items = Vec::new();
    let verdict = VerifyView { integration: id, ok: true, state: IntegrationState::Verified, items, promoted: None };
    let short = Told { notice: Some(Notice::care("done", "look")), verdict: Some(verdict.clone()) };
    let text = told::write(&sealer, "session", short.clone());
    assert_eq!(told::read(&sealer, "session", &text), Some(short));
    assert_eq!(told::read(&sealer, "another", &text), None, "another session cannot read it");
    // Letters that no compression makes shorter.
    let noise = std::iter::successors(Some(1_u64), |n| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)));
    let noise: String = noise.take(6000).map(|n| char::from(33 + (n >> 57) as u8 % 90)).collect();
    let long = Told { notice: Some(Notice::good(noise.clone())), verdict: Some(verdict) };
    let text = told::write(&sealer, "session", long);
    assert!(text.len() < 4000, "{}", text.len());
    let read = told::read(&sealer, "session", &text).unwrap();
    assert!(noise.starts_with(&read.notice.unwrap().text) && read.verdict.is_none());
}

#[test]
fn a_mapping_of_roles_is_read_and_the_highest_role_counts() {
    let map = RoleMap::parse("viewer=everyone, operator=desk,operator=dispatch ,admin=CN=msp admins").unwrap();
    assert_eq!(map.role(&["everyone", "dispatch"]), Some(Role::Operator));
    assert_eq!(map.role(&["CN=msp admins", "everyone"]), Some(Role::Admin));
    assert_eq!(map.role(&["operator", "Everyone", ""]), None);
    assert_eq!(RoleMap::parse(" ").unwrap(), RoleMap::default());
    assert_eq!(RoleMap::default().role(&["admin"]), Some(Role::Admin));
    for bad in ["boss=x", "viewer", "viewer=", "admin=a,=b"] {
        assert!(RoleMap::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_short_key_seals_nothing() {
    assert!(Sealer::new(&KEY[..31]).is_err());
}
