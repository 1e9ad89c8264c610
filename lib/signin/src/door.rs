//! The door: who is let in, and the two requests that lead through it.

use std::net::IpAddr;
use std::sync::Arc;

use console::audit::note_sign_in;
use console::handle::Deps;
use console::roles::Role;
use engine::error::with_causes;
use engine::ports::Clock;
use engine::store::sign_in::{self, Counted};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use pages::{links, refusal};
use url::Url;
use web::door::{cookies, is_same};
use web::form::Form;
use web::{Bytes, Door, Guest, Place, Told, reply};

use crate::claims::Claims;
use crate::provider::Provider;
use crate::seal::{Sealer, digested};
use crate::session::{Begun, SESSION_MAX, SIGN_IN_MAX, Session};
use crate::token::{Expected, TokenRefused, verify};
use crate::told;

/// From one address so many requests of sign-ins are answered in a [`WINDOW`]; a sign-in takes two. An office that comes to
/// work at the same minute has one address.
pub const TRIES_MAX: u32 = 60;
/// The time that tries are counted in.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

const BEGIN: &str = "/sign-in";
const CALLBACK: &str = "/sign-in/callback";
/// Where the provider sends people whose session it ended.
const SIGNED_OUT: &str = "/signed-out";

const SESSION: &str = "msp_sync_session";
const BEGUN: &str = "msp_sync_sign_in";
const TOLD: &str = "msp_sync_told";

/// The door of a console whose people sign in at a provider.
#[derive(Debug)]
pub struct OidcDoor<D> {
    deps: Arc<D>,
    provider: Arc<Provider>,
    sealer: Arc<Sealer>,
}

/// Why somebody is not let in.
struct Refused {
    status: StatusCode,
    /// Who it was, where that is known.
    who: String,
    /// What the audit log keeps.
    note: &'static str,
    why: String,
    hint: String,
}

impl Refused {
    fn new(status: StatusCode, note: &'static str, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, who: "somebody".to_owned(), note, why: why.into(), hint: hint.into() }
    }

    /// The provider is of no help; the log says more than the page.
    fn provider(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = with_causes(error), "the provider could not be used for a sign-in");
        let why = "Your organisation's sign-in could not be reached, or its answer not be understood.";
        Self::new(StatusCode::BAD_GATEWAY, "provider", why, "Try again; if it stays so, the console's log says more.")
    }
}

impl<D: Deps> OidcDoor<D> {
    /// Makes the door. Provider and sealer may be shared by many.
    pub fn new(deps: Arc<D>, provider: Arc<Provider>, sealer: Arc<Sealer>) -> Self {
        Self { deps, provider, sealer }
    }

    fn now(&self) -> Timestamp {
        self.deps.clock().now()
    }

    fn sealed<T: serde::de::DeserializeOwned>(&self, place: &Place, headers: &HeaderMap, name: &str) -> Option<T> {
        let text = cookie(place, headers, name)?;
        self.sealer.open(name, text)
    }

    fn session(&self, place: &Place, headers: &HeaderMap) -> Option<Session> {
        let session: Session = self.sealed(place, headers, SESSION)?;
        session.is_open(self.now()).then_some(session)
    }

    /// Counts a request, and turns it away where there were too many.
    async fn admit(&self, place: &Place) -> Result<(), Response<Bytes>> {
        let seconds = WINDOW.as_secs();
        let window = self.now().as_second().div_euclid(seconds);
        let whose = self.sealer.pseudonym(&network(place.caller()));
        let over = (window + 1) * seconds;
        let counted = sign_in::count(self.deps.table(), &whose, window, TRIES_MAX, over + seconds).await;
        let left = over - self.now().as_second();
        match counted {
            Ok(Counted::Within) => return Ok(()),
            Ok(Counted::FirstAbove) => self.note("somebody", "sign-in refused", "too many tries").await,
            Ok(Counted::Above) => {}
            Err(error) => {
                tracing::error!(error = with_causes(&error), "tries of sign-ins could not be counted");
                let why = "Sign-ins cannot be counted just now, and none is let in uncounted.";
                let page = refusal::sign_in_failed(why, "Try again in a moment.", BEGIN);
                return Err(reply::html(StatusCode::SERVICE_UNAVAILABLE, page));
            }
        }
        let hint = format!("Try again in {} minutes.", (left + 59) / 60);
        let page = refusal::sign_in_failed("Too many sign-ins were tried from your network.", &hint, BEGIN);
        let mut answer = reply::html(StatusCode::TOO_MANY_REQUESTS, page);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(left.max(1)));
        Err(answer)
    }

    /// Writes into the audit log. A sign-in whose note is lost is let in: the table that refuses the note refuses the rest.
    async fn note(&self, who: &str, what: &'static str, how: &str) {
        if let Err(error) = note_sign_in(self.deps.as_ref(), who, what, how).await {
            tracing::error!(error = error.message, what, "a sign-in could not be noted in the audit log");
        }
    }

    /// Sends the browser to the provider.
    async fn begin(&self, place: &Place, query: &Form) -> Result<Response<Bytes>, Refused> {
        let now = self.now();
        let settings = &self.provider.settings;
        let metadata = self.provider.metadata(self.deps.transport(), now).await.map_err(|e| Refused::provider(&e))?;
        let begun = Begun::new(query.one("back"), now);
        let mut page: Url = metadata.page().clone();
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &callback(place))
            .append_pair("scope", &settings.scopes)
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &digested(&begun.verifier))
            .append_pair("code_challenge_method", "S256");
        if query.given("again").is_some() {
            page.query_pairs_mut().append_pair("prompt", "login");
        }
        let mut answer = reply::to(page.as_str());
        set(place, &mut answer, BEGUN, &self.sealer.seal(BEGUN, &begun), SIGN_IN_MAX);
        Ok(answer)
    }

    /// Lets in whom the provider sends back.
    async fn finish(&self, place: &Place, headers: &HeaderMap, query: &Form) -> Result<Response<Bytes>, Refused> {
        let begun = self.begun(place, headers, query).await?;
        let claims = self.claims(place, &begun, query).await?;
        let role = self.role(&claims)?;
        let session = Session::begin(claims.name(), role, self.now());
        self.note(&session.name, "sign-in", &format!("as {role}, subject {}", claims.subject())).await;
        tracing::info!(role = role.code(), "somebody signed in");
        let mut answer = reply::to(&begun.back);
        set(place, &mut answer, SESSION, &self.sealer.seal(SESSION, &session), SESSION_MAX);
        Ok(answer)
    }

    /// Finds the sign-in that the provider answers, and uses it up.
    async fn begun(&self, place: &Place, headers: &HeaderMap, query: &Form) -> Result<Begun, Refused> {
        let bad = StatusCode::BAD_REQUEST;
        let begun = self.sealed::<Begun>(place, headers, BEGUN);
        let begun = begun.filter(|begun| begun.is_open(self.now()) && is_same(query.one("state"), &begun.state));
        let begun = begun.ok_or_else(|| {
            Refused::new(bad, "state", "This sign-in was begun elsewhere, or too long ago.", "Begin again here.")
        })?;
        let over = begun.at.as_second() + SIGN_IN_MAX.as_secs() * 2;
        let unused = sign_in::use_once(self.deps.table(), &begun.state, over).await;
        if !unused.map_err(|error| Refused::provider(&error))? {
            return Err(Refused::new(bad, "state used before", "This sign-in was used already.", "Begin again."));
        }
        // RFC 9207: where the provider says who answers, it is the one that was asked.
        if query.given("iss").is_some_and(|issuer| issuer != self.provider.settings.issuer) {
            return Err(Refused::new(bad, "issuer", "Another provider answered than the one that was asked.", ""));
        }
        if let Some(error) = query.given("error") {
            let said = query.given("error_description").unwrap_or(error);
            let why = format!("Your organisation's sign-in refuses: {said}");
            return Err(Refused::new(StatusCode::FORBIDDEN, "refused by the provider", why, ""));
        }
        Ok(begun)
    }

    /// Exchanges the code, and checks what came for it.
    async fn claims(&self, place: &Place, begun: &Begun, query: &Form) -> Result<Claims, Refused> {
        let (provider, transport, now) = (&self.provider, self.deps.transport(), self.now());
        let failed = |error| Refused::provider(&error);
        let metadata = provider.metadata(transport, now).await.map_err(failed)?;
        let callback = callback(place);
        let tokens = provider.exchange(transport, &metadata, query.one("code"), &begun.verifier, &callback);
        let tokens = tokens.await.map_err(failed)?;
        let settings = &provider.settings;
        let expected = Expected { issuer: &settings.issuer, client_id: &settings.client_id, nonce: &begun.nonce, now };
        let keys = provider.keys(transport, now, false).await.map_err(failed)?;
        let mut verified = verify(&tokens.id_token, &keys, &expected);
        if verified == Err(TokenRefused::UnknownKey) {
            let keys = provider.keys(transport, now, true).await.map_err(failed)?;
            verified = verify(&tokens.id_token, &keys, &expected);
        }
        let mut claims = verified.map_err(|error| {
            tracing::error!(%error, "an ID token was refused");
            let why = "What your organisation's sign-in said cannot be believed.";
            Refused::new(StatusCode::FORBIDDEN, "ID token", why, "The console's log says why.")
        })?;
        let lacks_roles = claims.texts(&settings.role_claim).is_none();
        if let Some(access_token) = tokens.access_token.filter(|_| lacks_roles) {
            let subject = claims.subject().to_owned();
            claims.add(provider.about(transport, &metadata, &access_token, &subject).await.map_err(failed)?);
        }
        Ok(claims)
    }

    fn role(&self, claims: &Claims) -> Result<Role, Refused> {
        let settings = &self.provider.settings;
        let values = claims.texts(&settings.role_claim);
        settings.roles.role(values.as_deref().unwrap_or_default()).ok_or_else(|| {
            let why = format!("{} is known, and has no role here.", claims.name());
            let claim = &settings.role_claim;
            let hint = match values {
                None => format!("The provider says nothing of the claim {claim:?}, which roles come from."),
                Some(_) => format!("None of the values of the claim {claim:?} is one that gives a role."),
            };
            let refused = Refused::new(StatusCode::FORBIDDEN, "no role", why, hint);
            Refused { who: claims.name().to_owned(), ..refused }
        })
    }
}

impl<D: Deps> Door for OidcDoor<D> {
    async fn guest(&self, place: &Place, headers: &HeaderMap) -> Option<Guest> {
        let session = self.session(place, headers)?;
        match sign_in::is_ended(self.deps.table(), &session.id).await {
            Ok(ended) => (!ended).then(|| session.guest()),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "it is not known whether a session was ended");
                None
            }
        }
    }

    async fn receive(&self, place: &Place, head: &Parts, guest: Option<&Guest>) -> Option<Response<Bytes>> {
        let path = head.uri.path();
        if path == SIGNED_OUT && head.method == Method::GET {
            // Who has a session here is not signed out, whatever the provider ended.
            let page = || reply::html(StatusCode::OK, refusal::signed_out(&begin_again(), None));
            return Some(guest.map_or_else(page, |_| reply::to("/")));
        }
        if head.method != Method::GET || ![BEGIN, CALLBACK].contains(&path) {
            return None;
        }
        if let Err(turned_away) = self.admit(place).await {
            return Some(turned_away);
        }
        let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
        let done = if path == BEGIN {
            self.begin(place, &query).await
        } else {
            self.finish(place, &head.headers, &query).await
        };
        let mut answer = match done {
            Ok(answer) => answer,
            Err(Refused { status, who, note, why, hint }) => {
                self.note(&who, "sign-in refused", note).await;
                reply::html(status, refusal::sign_in_failed(&why, &hint, &begin_again()))
            }
        };
        if path == CALLBACK {
            clear(place, &mut answer, BEGUN);
        }
        Some(answer)
    }

    fn stranger(&self, _place: &Place, head: &Parts) -> Response<Bytes> {
        let asked = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let back = if head.method == Method::GET && asked != "/" { asked } else { "" };
        reply::html(StatusCode::UNAUTHORIZED, refusal::sign_in(&links::with(BEGIN, &[("back", back)])))
    }

    async fn leave(&self, place: &Place, guest: &Guest) -> Response<Bytes> {
        let over = self.now().as_second() + SESSION_MAX.as_secs();
        let mut answer = match sign_in::end_session(self.deps.table(), &guest.session, over).await {
            Ok(()) => {
                let back = format!("{}{SIGNED_OUT}", place.origin());
                let elsewhere = self.provider.leaving(self.deps.transport(), &back, self.now()).await;
                let page = refusal::signed_out(&begin_again(), elsewhere.as_ref().map(Url::as_str));
                reply::html(StatusCode::OK, page)
            }
            Err(error) => {
                tracing::error!(error = with_causes(&error), "a session could not be ended");
                let why = "This browser has forgotten your session, but it could not be ended everywhere.";
                let page = refusal::sign_in_failed(why, "It ends by itself within hours.", BEGIN);
                reply::html(StatusCode::SERVICE_UNAVAILABLE, page)
            }
        };
        self.note(&guest.actor.name, "sign-out", "").await;
        clear(place, &mut answer, SESSION);
        clear(place, &mut answer, TOLD);
        answer
    }

    fn told(&self, place: &Place, headers: &HeaderMap, guest: &Guest) -> Told {
        let written = cookie(place, headers, TOLD);
        written.and_then(|text| told::read(&self.sealer, &guest.session, text)).unwrap_or_default()
    }

    fn keep(&self, place: &Place, headers: &HeaderMap, guest: &Guest, told: Told, answer: &mut Response<Bytes>) {
        if told != self.told(place, headers, guest) {
            if told == Told::default() {
                clear(place, answer, TOLD);
            } else {
                let text = told::write(&self.sealer, &guest.session, told);
                set(place, answer, TOLD, &text, SESSION_MAX);
            }
        }
        let noted = self.session(place, headers).and_then(|session| session.noted_again(self.now()));
        if let Some(session) = noted {
            let left = SignedDuration::from_secs(session.over_at() - self.now().as_second());
            set(place, answer, SESSION, &self.sealer.seal(SESSION, &session), left);
        }
    }
}

/// Where the provider sends the browser back to; it has to know this address.
fn callback(place: &Place) -> String {
    format!("{}{CALLBACK}", place.origin())
}

/// Returns where somebody begins who is to be asked for the name and password again.
fn begin_again() -> String {
    links::with(BEGIN, &[("again", "yes")])
}

/// Browsers take a cookie with this name from the host itself alone, over https.
fn cookie_name(place: &Place, name: &str) -> String {
    if place.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
}

fn cookie<'h>(place: &Place, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let name = cookie_name(place, name);
    cookies(headers).find(|(of, _)| *of == name).map(|(_, value)| value)
}

fn set(place: &Place, answer: &mut Response<Bytes>, name: &str, value: &str, kept: SignedDuration) {
    let name = cookie_name(place, name);
    let secure = if place.is_secure() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", kept.as_secs());
    let text = HeaderValue::from_str(&text).expect("names are ours, values are letters and digits");
    answer.headers_mut().append(SET_COOKIE, text);
}

fn clear(place: &Place, answer: &mut Response<Bytes>, name: &str) {
    set(place, answer, name, "", SignedDuration::ZERO);
}

/// Returns what tries are counted by: an address, or for IPv6 the network that one customer has.
fn network(caller: &str) -> String {
    match caller.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        _ => caller.to_owned(),
    }
}
