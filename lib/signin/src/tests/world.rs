//! A provider in memory, a stack in memory, and browsers with cookies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use apis::account::Surroundings;
use apis::call::{Call, Reply, SecretText};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use console::handle::Ports;
use engine::life::Holder;
use engine::memory::{FnTransport, ManualClock, MemoryQueue, MemorySecrets, MemoryTable};
use engine::ports::{Clock, SendError};
use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{Request, Response};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use web::{Bytes, Console, Place};

use crate::seal::{Sealer, digested};
use crate::{OidcDoor, Provider, RoleMap, Settings};

pub const ISSUER: &str = "https://login.acme.example/tenant";
pub const HOST_NAME: &str = "abc123.execute-api.eu-west-1.amazonaws.com";
pub const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqr";
const SECRET: &str = "s3cret/+ of the console";

/// One key of the provider.
pub struct Signer {
    pub key: EncodingKey,
    kid: String,
}

impl Signer {
    pub fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { key: EncodingKey::from_ec_der(pair.as_ref()), kid: kid.to_owned() }
    }

    fn published(&self) -> Jwk {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        key.common.key_id = Some(self.kid.clone());
        key
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// What the provider knows and does.
pub struct ProviderState {
    pub signer: Signer,
    pub published: Vec<Jwk>,
    /// What is said of whoever signs in, over what a token says by itself.
    pub claims: Value,
    /// What the user-info endpoint says.
    pub about: Value,
    /// Takes the place of the token that would be made.
    pub forged: Option<String>,
    pub is_down: bool,
    /// Where its own session is ended, if it says so.
    pub leaving: Option<String>,
    /// The nonce and the challenge of the code that was given last.
    pub asked: BTreeMap<String, String>,
    pub now: i64,
}

impl ProviderState {
    /// Changes the key; the new one is published if it is said so.
    pub fn rotate(&mut self, kid: &str, publish: bool) {
        self.signer = Signer::new(kid);
        if publish {
            self.published.push(self.signer.published());
        }
    }

    pub fn claims_of_a_token(&self) -> Value {
        let mut claims = json!({
            "iss": ISSUER, "aud": "console", "sub": "u-17", "iat": self.now, "exp": self.now + 300,
            "nonce": self.asked.get("nonce"),
        });
        for (name, value) in self.claims.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn answer(&self, call: &Call) -> Result<Reply, SendError> {
        if self.is_down {
            return Err(SendError::TimedOut { host: "login.acme.example".to_owned(), seconds: 1 });
        }
        let said = match call.url.path() {
            "/tenant/.well-known/openid-configuration" => json!({
                "end_session_endpoint": self.leaving, "issuer": ISSUER, "authorization_endpoint": "https://login.acme.example/authorize?tenant=acme",
                "token_endpoint": "https://login.acme.example/token", "jwks_uri": "https://login.acme.example/keys",
                "userinfo_endpoint": "https://login.acme.example/me",
            }),
            "/keys" => serde_json::to_value(JwkSet { keys: self.published.clone() }).unwrap(),
            "/me" => self.about.clone(),
            "/token" => return Ok(self.token(call)),
            other => panic!("nobody asks for {other}"),
        };
        Ok(Reply { status: 200, headers: Vec::new(), body: said.to_string().into_bytes() })
    }

    fn token(&self, call: &Call) -> Reply {
        let reply = |status, said: Value| Reply { status, headers: Vec::new(), body: said.to_string().into_bytes() };
        let body = call.body.as_ref().unwrap().expose();
        let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        // `s3cret%2F%2B+of+the+console` and the client's name, in base64.
        let basic = "Basic Y29uc29sZTpzM2NyZXQlMkYlMkIrb2YrdGhlK2NvbnNvbGU=";
        let is_ours = call.header("authorization") == Some(basic)
            && form["grant_type"] == "authorization_code"
            && form["redirect_uri"] == self.asked["redirect_uri"]
            && form["code"] == "the-code"
            && digested(&form["code_verifier"]) == self.asked["code_challenge"];
        if !is_ours {
            return reply(400, json!({"error": "invalid_grant"}));
        }
        let token = self.forged.clone().unwrap_or_else(|| self.signer.sign(&self.claims_of_a_token()));
        reply(200, json!({"id_token": token, "access_token": "for-me", "token_type": "Bearer"}))
    }
}

type Answering = Box<dyn Fn(&Call) -> Result<Reply, SendError> + Send + Sync>;

/// A stack in memory.
pub type Desk = Ports<MemoryTable, MemoryQueue, FnTransport<Answering>, MemorySecrets, ManualClock>;

/// The console with its provider.
pub struct World {
    pub desk: Arc<Desk>,
    provider: Arc<Mutex<ProviderState>>,
    console: Console<Desk, OidcDoor<Desk>>,
}

/// One browser.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
}

/// What a browser was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub to: String,
    pub text: String,
    pub cookies: Vec<String>,
}

impl World {
    pub fn new() -> Self {
        let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
        let signer = Signer::new("first");
        let state = ProviderState {
            published: vec![signer.published()],
            signer,
            claims: json!({"email": "ann@acme.example", "roles": ["operator", "something else"]}),
            about: json!({}),
            forged: None,
            is_down: false,
            leaving: None,
            asked: BTreeMap::new(),
            now: clock.now().as_second(),
        };
        let provider = Arc::new(Mutex::new(state));
        let (answering, time) = (Arc::clone(&provider), clock.clone());
        let desk = Arc::new(Desk {
            table: MemoryTable::new(),
            queue: MemoryQueue::new(),
            transport: FnTransport::new(Box::new(move |call| {
                let mut state = answering.lock().unwrap();
                state.now = time.now().as_second();
                state.answer(call)
            })),
            secrets: MemorySecrets::new(),
            clock,
            holder: Holder { name: "console".to_owned(), gone_after: std::time::Duration::ZERO },
            surroundings: Surroundings { allow_loopback: false },
        });
        let console = console(&desk);
        Self { desk, provider, console }
    }

    /// The same stack, answered by another process.
    pub fn restart(&mut self) {
        self.console = console(&self.desk);
    }

    pub fn provider(&self) -> MutexGuard<'_, ProviderState> {
        self.provider.lock().unwrap()
    }

    pub async fn send(&self, browser: &mut Browser, caller: &str, request: Request<Bytes>) -> Answered {
        let (mut head, body) = request.into_parts();
        head.headers.entry(HOST).or_insert(HOST_NAME.parse().unwrap());
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        head.headers.insert(COOKIE, cookies.join("; ").parse().unwrap());
        let place = Place::secure(vec![HOST_NAME.to_owned()]).with_caller(caller);
        let answer = self.console.answer(&place, Request::from_parts(head, body)).await;
        browser.take(&answer)
    }

    pub async fn get(&self, browser: &mut Browser, path: &str) -> Answered {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        self.send(browser, "203.0.113.9", request).await
    }

    pub async fn post(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answered {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path).header("origin", format!("https://{HOST_NAME}"));
        self.send(browser, "203.0.113.9", request.body(body.into()).unwrap()).await
    }

    /// Goes to the provider's page; returns where the provider sends the browser back to.
    pub async fn knock(&self, browser: &mut Browser, path: &str) -> String {
        let answer = self.get(browser, path).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let page = Url::parse(&answer.to).unwrap();
        assert_eq!(page.origin().ascii_serialization(), "https://login.acme.example");
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let state = asked["state"].clone();
        self.provider().asked = asked;
        format!("/sign-in/callback?code=the-code&state={state}")
    }

    pub async fn sign_in(&self, browser: &mut Browser) -> Answered {
        let back = self.knock(browser, "/sign-in").await;
        self.get(browser, &back).await
    }

    /// The audit log, as it stands in the table: who, what, how.
    pub fn audit(&self) -> Vec<(String, String, String)> {
        let items = self.desk.table.dump();
        let entries = items.iter().filter(|item| item.key.pk == "audit#sign_in");
        let entry = |body: &str| {
            let entry: Value = serde_json::from_str(body).unwrap();
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("who"), text("what"), text("on"))
        };
        entries.map(|item| entry(&item.body)).collect()
    }
}

fn console(desk: &Arc<Desk>) -> Console<Desk, OidcDoor<Desk>> {
    let settings = Settings {
        issuer: ISSUER.to_owned(),
        client_id: "console".to_owned(),
        client_secret: Some(SecretText::new(SECRET)),
        scopes: "openid email".to_owned(),
        role_claim: "roles".to_owned(),
        roles: RoleMap::default(),
        allow_loopback: false,
    };
    let (provider, sealer) = (Arc::new(Provider::new(settings)), Arc::new(Sealer::new(KEY).unwrap()));
    Console::new(Arc::clone(desk), OidcDoor::new(Arc::clone(desk), provider, sealer))
}

impl Browser {
    fn take(&mut self, answer: &Response<Bytes>) -> Answered {
        let cookies: Vec<String> =
            answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, kept) = rest.split_once("; ").unwrap();
            if kept.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let to = answer.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        Answered {
            status: answer.status().as_u16(),
            to: to.unwrap_or_default(),
            text: String::from_utf8(answer.body().to_vec()).unwrap(),
            cookies,
        }
    }

    /// The token that forms of its pages carry.
    pub async fn csrf(&mut self, world: &World) -> String {
        let page = world.get(self, "/").await;
        let (_, after) = page.text.split_once("name=\"csrf\" value=\"").expect("the way out is a form");
        after.split_once('"').unwrap().0.to_owned()
    }
}
