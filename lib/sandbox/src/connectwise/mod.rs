//! ConnectWise PSA's REST API as its fact sheet (connectwise_psa.md) describes it, over a shared world.
//!
//! Where the sheet says UNCERTAIN, [`Forms`] chooses between the forms; the default is the one the sheet thinks likelier.

mod conditions;
mod paging;
mod records;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use apis::call::{Call, Method, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub use records::{company_id, configuration_id, contact_id, member_id, site_id, type_id};

use paging::Wish;
use records::Writer;
use tables::{Row, Table};

use crate::faults::{Fault, Place, RowDamage, Trouble, Troubles};
use crate::simulator::{Answer, Delivery, Listing, Simulator};
use crate::world::SharedWorld;

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The company that people sign in to.
    pub company_id: String,
    /// The API member's public key.
    pub public_key: String,
    /// Its private key; with characters that must not get into an address unescaped.
    pub private_key: String,
    /// The integration's id at the vendor.
    pub client_id: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            company_id: "larchmsp".to_owned(),
            public_key: "Xb7Sandb0xPublic".to_owned(),
            private_key: "q9/Sandb0x+Private=".to_owned(),
            client_id: "3f1c2a9e-0d4b-4b7a-9a51-5b0c6f7e8d90".to_owned(),
        }
    }
}

/// The code of a 401 (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unauthorized {
    /// `Unauthorized`, with words about the keys.
    #[default]
    Keys,
    /// `ConnectWiseApi`, without.
    NotAuthenticated,
}

/// The body of a 429 (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Throttling {
    /// `error` and `message`.
    #[default]
    Own,
    /// The envelope of all other errors.
    Envelope,
}

/// Where it runs (section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hosting {
    /// The vendor's cloud: a release as codebase, and `IsCloud` as a boolean.
    #[default]
    Cloud,
    /// The same with `IsCloud` as a text.
    CloudInWords,
    /// The MSP's own server.
    OnPremise,
}

/// The choices that the sheet leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forms {
    /// What a 401 says.
    pub unauthorized: Unauthorized,
    /// What a 429 says.
    pub throttling: Throttling,
    /// Where it runs.
    pub hosting: Hosting,
    /// Whether a call without a clientId is refused with 403 instead of 401.
    pub missing_client_id_is_403: bool,
    /// Whether a missing right has the code `Unauthorized` instead of `Security`.
    pub no_right_is_unauthorized: bool,
    /// Whether something in between drops the `Link` header.
    pub links_are_dropped: bool,
}

/// The simulated ConnectWise PSA.
#[derive(Debug)]
pub struct ConnectWiseSim {
    world: SharedWorld,
    credentials: Credentials,
    forms: Forms,
    troubles: Troubles,
    calls: u64,
}

/// A reply that stands already, because the call was refused.
type Refused = Reply;

/// A call below the API, read.
struct Asked<'a> {
    call: &'a Call,
    /// The path below the API's address, without slashes at its ends.
    path: &'a str,
    query: Vec<(String, String)>,
    /// The API's address, without a slash at its end.
    base: String,
}

/// A reply, and the page of a list that it holds.
struct Said {
    reply: Reply,
    page: usize,
}

impl ConnectWiseSim {
    /// Makes a ConnectWise PSA that shows `world` to whoever has these credentials.
    pub fn new(world: SharedWorld, credentials: Credentials) -> Self {
        Self { world, credentials, forms: Forms::default(), troubles: Troubles::default(), calls: 0 }
    }

    /// Returns the number of calls that were answered, refused ones included.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Chooses among the forms that the sheet leaves open.
    pub fn set_forms(&mut self, forms: Forms) {
        self.forms = forms;
    }

    /// Replaces the keys; the old ones are refused from the next call on.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
    }

    /// Switches a fault on. Paths begin below the API's address: `/company/contacts`.
    pub fn trouble(&mut self, trouble: impl Into<Trouble>) {
        self.troubles.add(trouble);
    }

    /// Switches all faults off.
    pub fn heal(&mut self) {
        self.troubles.clear();
    }

    fn codebase(&self) -> &'static str {
        if self.forms.hosting == Hosting::OnPremise { "v4_6_release" } else { "v2025_1" }
    }

    /// Says where the API is, to anybody; null for a company that is unknown (section 1).
    fn company_info(&self, company: &str, origin: &str) -> Reply {
        if !company.eq_ignore_ascii_case(&self.credentials.company_id) {
            return json_reply(200, &Value::Null);
        }
        let is_cloud = match self.forms.hosting {
            Hosting::Cloud => json!(true),
            Hosting::CloudInWords => json!("True"),
            Hosting::OnPremise => json!(false),
        };
        let name = self.world.read().clients.first().map(|msp| msp.name.clone());
        json_reply(
            200,
            &json!({
                "CompanyName": name,
                "Codebase": format!("{}/", self.codebase()),
                "VersionCode": "v2025.1",
                "VersionNumber": "v4.6.118842",
                "CompanyID": self.credentials.company_id,
                "IsCloud": is_cloud,
                "SiteUrl": origin.split_once("://").map_or(origin, |(_, host)| host),
            }),
        )
    }

    /// Looks at keys and clientId, which every call needs (section 2).
    fn admit(&self, call: &Call) -> Result<(), Refused> {
        let Credentials { company_id, public_key, private_key, client_id } = &self.credentials;
        let expected = STANDARD.encode(format!("{company_id}+{public_key}:{private_key}"));
        let given = call.header("authorization").and_then(|text| text.split_once(' '));
        if !given.is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("basic") && token == expected) {
            return Err(self.unauthorized());
        }
        match call.header("clientid") {
            Some(given) if given.eq_ignore_ascii_case(client_id) => Ok(()),
            _ => {
                let status = if self.forms.missing_client_id_is_403 { 403 } else { 401 };
                Err(error(status, "Unauthorized", "A valid clientId header is required for this request."))
            }
        }
    }

    fn route(&self, asked: &Asked<'_>) -> Result<Said, Refused> {
        let world = self.world.read();
        let hrefs = format!("{}//", asked.base);
        let writer = Writer { world: &world, base: &hrefs };
        let parts: Vec<&str> = asked.path.split('/').collect();
        if parts[..] == ["system", "info"] {
            return Ok(one(&json!({
                "version": "v2025.1.118842", "isCloud": self.forms.hosting != Hosting::OnPremise,
                "serverTimeZone": "Eastern Standard Time", "cloudRegion": "NA", "licenseBits": [],
            })));
        }
        let (table, rest) = Table::find(&parts, &world).ok_or_else(|| error(404, "NotFound", "No such resource."))?;
        let table = table.map_err(|id| error(404, "NotFound", &format!("Company {id} not found.")))?;
        let (is_search, body) = match (asked.call.method, rest) {
            (Method::Post, ["search"]) => (true, asked.call.body.as_ref().map_or("{}", |body| body.expose())),
            (Method::Post, _) => return Err(error(405, "MethodNotAllowed", "This simulator is read-only.")),
            _ => (false, ""),
        };
        let is_forward_only =
            asked.call.header("pagination-type").is_some_and(|way| way.eq_ignore_ascii_case("forward-only"));
        let wish = Wish::read(asked.query.clone(), is_search.then_some(body), is_forward_only)
            .map_err(|why| error(400, "InvalidParameters", &why))?;
        let rows = table.rows(&world);
        match rest {
            [] | ["search"] => {
                let address = format!("{}/{}", asked.base, asked.path);
                let page = wish.page(&rows, Row::id, |row| row.write(writer), &address);
                let mut reply = json_reply(200, &Value::Array(page.rows));
                reply
                    .headers
                    .extend(page.link.filter(|_| !self.forms.links_are_dropped).map(|link| ("link".to_owned(), link)));
                Ok(Said { reply, page: page.number })
            }
            ["count"] => Ok(one(&json!({ "count": wish.count(&rows, |row| row.write(writer)) }))),
            [id, ways @ ..] => {
                let wanted = id.parse::<u64>().ok();
                let row = rows.iter().find(|row| wanted == Some(row.id()));
                let row =
                    row.ok_or_else(|| error(404, "NotFound", &format!("{} {id} not found.", table.singular())))?;
                let row = row.write(writer);
                match ways {
                    [] => Ok(one(&wish.shown(row))),
                    ["communications"] if row["communicationItems"].is_array() => Ok(one(&row["communicationItems"])),
                    _ => Err(error(404, "NotFound", "No such resource.")),
                }
            }
        }
    }

    fn unauthorized(&self) -> Reply {
        match self.forms.unauthorized {
            Unauthorized::Keys => error(401, "Unauthorized", "Incorrect public/private key"),
            Unauthorized::NotAuthenticated => error(401, "ConnectWiseApi", "UserNotAuthenticated"),
        }
    }

    fn forbidden(&self) -> Reply {
        let code = if self.forms.no_right_is_unauthorized { "Unauthorized" } else { "Security" };
        error(403, code, "You do not have security permission to perform this action.")
    }

    fn throttled(&self, status: u16, wait_s: Option<u64>) -> Reply {
        let words = format!("Too many requests. Please try again in {} seconds.", wait_s.unwrap_or(30));
        let mut reply = match self.forms.throttling {
            Throttling::Own => json_reply(status, &json!({ "error": "ConnectWiseAPI", "message": words })),
            Throttling::Envelope => error(status, "TooManyRequests", &words),
        };
        reply.headers.extend(wait_s.map(|wait_s| ("retry-after".to_owned(), wait_s.to_string())));
        reply
    }

    /// Puts a fault's answer in the place of the good one.
    fn spoil(&self, fault: Fault, reply: Reply, asked: &Asked<'_>) -> Answer {
        let reply = match fault {
            Fault::Unauthorized => self.unauthorized(),
            Fault::Moved { origin } => {
                let path = &asked.call.url[url::Position::BeforePath..];
                Reply { status: 302, headers: vec![("location".to_owned(), format!("{origin}{path}"))], body: vec![] }
            }
            Fault::Forbidden => self.forbidden(),
            Fault::ThrottleAs403 => self.throttled(403, None),
            Fault::ThrottleAs429 { retry_after_s } => self.throttled(429, retry_after_s),
            Fault::ServerError { status: status @ (502 | 504) } => html(status),
            Fault::ServerError { status } => Reply { status, ..Reply::default() },
            Fault::Html => html(200),
            Fault::Truncated => Reply { body: reply.body[..reply.body.len() / 2].to_vec(), ..reply },
            Fault::RepeatPage => self.repeated(asked, reply),
            Fault::NextElsewhere { origin } => {
                let path = &asked.call.url[url::Position::BeforePath..];
                with_link(reply, format!("<{origin}{path}>; rel=\"next\""))
            }
            Fault::DoubledRow => rewritten(reply, |body| {
                if let Some(rows) = body.as_array_mut() {
                    rows.extend(rows.first().cloned());
                }
            }),
            Fault::Row { index, damage } => rewritten(reply, |body| damage_row(body, index, damage)),
            Fault::CloseConnection => return Answer { reply, delivery: Delivery::Cut },
            Fault::SlowBody { pause } => return Answer { reply, delivery: Delivery::Slow { pieces: 4, pause } },
        };
        Answer { reply, delivery: Delivery::Whole }
    }

    /// Gives the first page whatever is asked for, and says that more follow.
    fn repeated(&self, asked: &Asked<'_>, reply: Reply) -> Reply {
        let is_place = |name: &str| name.eq_ignore_ascii_case("page") || name.eq_ignore_ascii_case("pageId");
        let query = asked.query.iter().filter(|(name, _)| !is_place(name)).cloned().collect();
        let first = Asked { query, base: asked.base.clone(), ..*asked };
        let reply = self.route(&first).map_or(reply, |said| said.reply);
        with_link(reply, format!("<{}/{}?pageId=2>; rel=\"next\"", asked.base, asked.path))
    }

    /// Answers a call below the API.
    fn answer_below(&mut self, asked: &Asked<'_>) -> Answer {
        if let Err(reply) = self.admit(asked.call) {
            return Answer { reply, delivery: Delivery::Whole };
        }
        let Said { reply, page } = self.route(asked).unwrap_or_else(|reply| Said { reply, page: 1 });
        let parts: Vec<&str> = asked.path.split('/').collect();
        let company = match parts[..] {
            ["company", "companies", id, ..] => Some(id),
            _ => None,
        };
        let path = format!("/{}", asked.path);
        match self.troubles.strike(Place { path: &path, tenants: company.as_slice(), page }) {
            Some(fault) => self.spoil(fault, reply, asked),
            None => Answer { reply, delivery: Delivery::Whole },
        }
    }
}

impl Simulator for ConnectWiseSim {
    fn vendor(&self) -> &'static str {
        "connectwise"
    }

    fn serve(&mut self, call: &Call, own_origin: &str) -> Answer {
        self.calls += 1;
        let path = call.url.path().trim_matches('/');
        let query = call.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let whole = |reply| Answer { reply, delivery: Delivery::Whole };
        // The gateway routes the release as well as the old name (section 1).
        let below = [self.codebase(), "v4_6_release"].into_iter().find_map(|codebase| {
            let below = path.strip_prefix(codebase)?.strip_prefix("/apis/3.0")?;
            Some((format!("{own_origin}/{codebase}/apis/3.0"), below.trim_matches('/')))
        });
        let mut answer = match (path.strip_prefix("login/companyinfo/"), below) {
            (Some(company), _) => {
                let reply = self.company_info(company, own_origin);
                match self.troubles.strike(Place { path: call.url.path(), tenants: &[], page: 1 }) {
                    // It asks nobody who they are.
                    None | Some(Fault::Unauthorized | Fault::Forbidden) => whole(reply),
                    Some(fault) => self.spoil(fault, reply, &Asked { call, path, query, base: own_origin.to_owned() }),
                }
            }
            (None, Some((base, path))) => self.answer_below(&Asked { call, path, query, base }),
            (None, None) => whole(Reply {
                status: 400,
                headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
                body: b"Cannot route. Codebase/company is invalid".to_vec(),
            }),
        };
        if call.method == Method::Head {
            answer.reply.body.clear();
        }
        answer
    }

    fn troubles(&mut self) -> &mut Troubles {
        &mut self.troubles
    }

    fn listing(&self, url: &str) -> Listing {
        Listing {
            vendor: self.vendor(),
            url: url.to_owned(),
            settings: BTreeMap::from([("url", url.to_owned()), ("company_id", self.credentials.company_id.clone())]),
            secret: BTreeMap::from([
                ("public_key", self.credentials.public_key.clone()),
                ("private_key", self.credentials.private_key.clone()),
                ("client_id", self.credentials.client_id.clone()),
            ]),
        }
    }
}

fn one(body: &Value) -> Said {
    Said { reply: json_reply(200, body), page: 1 }
}

fn json_reply(status: u16, body: &Value) -> Reply {
    let headers = [("content-type", "application/json; charset=utf-8"), ("api-current-version", "2025.1")];
    Reply {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: body.to_string().into_bytes(),
    }
}

/// Writes a refusal (section 5).
fn error(status: u16, code: &str, message: &str) -> Reply {
    json_reply(status, &json!({ "code": code, "message": message, "errors": null }))
}

fn html(status: u16) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
        body: b"<html><head><title>ConnectWise</title></head><body><h1>Sign in</h1></body></html>".to_vec(),
    }
}

fn with_link(mut reply: Reply, link: String) -> Reply {
    reply.headers.retain(|(name, _)| name != "link");
    reply.headers.push(("link".to_owned(), link));
    reply
}

/// Changes a JSON body; one that is none stays as it is.
fn rewritten(reply: Reply, change: impl FnOnce(&mut Value)) -> Reply {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(mut body) => {
            change(&mut body);
            Reply { body: body.to_string().into_bytes(), ..reply }
        }
        Err(_) => reply,
    }
}

/// Damages a row of a list; nothing happens where there is no such row.
fn damage_row(rows: &mut Value, index: usize, damage: RowDamage) {
    let Some(row) = rows.get_mut(index) else { return };
    match damage {
        RowDamage::NoObject => *row = json!("<null>"),
        RowDamage::NoId => drop(row.as_object_mut().and_then(|row| row.remove("id"))),
        RowDamage::NoAttributes => *row = json!({ "id": row["id"] }),
        RowDamage::NumbersForTexts => {
            for (_, value) in row.as_object_mut().into_iter().flatten() {
                if value.is_string() {
                    *value = json!(7);
                }
            }
        }
        RowDamage::NoOwner => drop(row.as_object_mut().and_then(|row| row.remove("company"))),
    }
}
