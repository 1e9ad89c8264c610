//! Autotask PSA's REST API v1.0 as its fact sheet (autotask_psa.md) describes it, over a shared world.
//!
//! It can be read only. Where the sheet says UNCERTAIN, [`Forms`] chooses between the forms; the default is the one the
//! sheet thinks likelier.

mod answers;
mod entities;
mod query;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use apis::call::{Call, Method, Reply};
use serde_json::{Value, json};

use answers::{
    beyond_threshold, damage_row, encoded, errors, html, json_reply, method_not_allowed, rewritten, unauthorized,
    unknown_zone, zone,
};
pub use entities::Entity;
use query::Query;
use rows::{Thing, Writer};

use crate::faults::{Fault, Place, Trouble, Troubles};
use crate::simulator::{Answer, Delivery, Listing, Simulator};
use crate::world::{Client, ClientNo, Device, DeviceNo, PersonNo, STOCK, SharedWorld, SiteNo, World};

/// What all integrations of a customer may ask together in an hour (section 7).
const HOURLY_THRESHOLD: u64 = 10_000;
/// The time frame of that threshold.
const HOUR_MS: u64 = 3_600_000;
/// What stands for "before the first row" in the addresses of pages.
const BEFORE_ALL: i64 = -1;
/// The words of a refusal for want of rights (section 6).
const NO_RIGHTS: &str = "The logged in Resource does not have the adequate permissions to query this entity type.";

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The API user's name.
    pub username: String,
    /// Its password; with the characters that must not get into an address unescaped.
    pub secret: String,
    /// The tracking identifier.
    pub integration_code: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            username: "a7xk2mqd91sync@LARCHMSP.EXAMPLE".to_owned(),
            secret: "s4ndb0x/Secret+~9$=".to_owned(),
            integration_code: "SANDBOXCODE0123456789ABCDEF".to_owned(),
        }
    }
}

/// Blank texts (section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blank {
    /// Null in configuration items, blank texts elsewhere.
    #[default]
    AsInSamples,
    /// Null everywhere.
    Null,
    /// Blank texts everywhere.
    Empty,
}

/// How refused credentials are said (section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusedAs {
    /// 401 without a body, whichever part is wrong.
    #[default]
    Bare401,
    /// Only a wrong secret is a 401; an unknown user and a wrong integration code are a 500 with words.
    ByPart,
}

/// The choices that the sheet leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// What a blank text is.
    pub blank: Blank,
    /// Whether instants end in `Z`.
    pub dates_have_zone: bool,
    /// Whether the names in `entityInformation/fields` begin with a capital.
    pub capital_field_names: bool,
    /// How refused credentials are said.
    pub refused_as: RefusedAs,
    /// The status of a refusal for want of rights: 500, or 403 as it is documented.
    pub no_rights_status: u16,
    /// The status beyond the hourly threshold: 429 or 500.
    pub threshold_status: u16,
    /// Whether mistakes in queries are said under 200, as some calls do.
    pub errors_under_200: bool,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            blank: Blank::default(),
            dates_have_zone: true,
            capital_field_names: false,
            refused_as: RefusedAs::default(),
            no_rights_status: 500,
            threshold_status: 429,
            errors_under_200: false,
        }
    }
}

/// The simulated Autotask.
#[derive(Debug)]
pub struct AutotaskSim {
    world: SharedWorld,
    credentials: Credentials,
    forms: Forms,
    troubles: Troubles,
    calls: u64,
    /// When the hour began, and the calls in it.
    hour: (u64, u64),
    is_threshold_kept: bool,
}

/// A reply that stands already, because the call was refused.
type Refused = Reply;

/// A call, read.
struct Asked<'a> {
    call: &'a Call,
    /// The parts of the path below the version, in small letters.
    parts: Vec<String>,
    origin: &'a str,
}

/// A page of an entity, as it was asked for.
struct PageWish {
    entity: Entity,
    query: Query,
    /// Where the earlier pages began, and after which id this one begins.
    before: Vec<i64>,
    after: i64,
}

/// A reply, and the page of a list that it holds.
struct Said {
    reply: Reply,
    page: usize,
}

impl From<Reply> for Said {
    fn from(reply: Reply) -> Self {
        Said { reply, page: 1 }
    }
}

impl AutotaskSim {
    /// Makes an Autotask that shows `world` to whoever has these credentials.
    pub fn new(world: SharedWorld, credentials: Credentials) -> Self {
        let (forms, troubles, hour) = (Forms::default(), Troubles::default(), (0, 0));
        Self { world, credentials, forms, troubles, calls: 0, hour, is_threshold_kept: false }
    }

    /// Returns the number of calls that were answered, refused ones included.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Chooses among the forms that the sheet leaves open.
    pub fn set_forms(&mut self, forms: Forms) {
        self.forms = forms;
    }

    /// Replaces the credentials; the old ones are refused from the next call on.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
    }

    /// Refuses calls beyond the hourly threshold, of which others have used `others` in this hour of the world.
    pub fn keep_threshold(&mut self, others: u64) {
        self.is_threshold_kept = true;
        self.hour.1 += others;
    }

    /// Switches a fault on.
    pub fn trouble(&mut self, trouble: impl Into<Trouble>) {
        self.troubles.add(trouble);
    }

    /// Switches all faults off.
    pub fn heal(&mut self) {
        self.troubles.clear();
    }

    /// Returns the id that Autotask shows for a client.
    pub fn company_id(client: ClientNo) -> String {
        rows::numbered_company_id(client).to_string()
    }

    /// Returns the id that it shows for a contact.
    pub fn contact_id(contact: PersonNo) -> String {
        rows::contact_id(contact).to_string()
    }

    /// Returns the id that it shows for a user.
    pub fn resource_id(user: PersonNo) -> String {
        rows::resource_id(user).to_string()
    }

    /// Returns the id that it shows for a place.
    pub fn location_id(site: SiteNo) -> String {
        rows::location_id(site).to_string()
    }

    /// Returns the id that it shows for a device.
    pub fn item_id(device: DeviceNo) -> String {
        rows::item_id(device).to_string()
    }

    /// Returns make and model of a device's product, where somebody knows them, and the product's name otherwise.
    pub fn product(device: &Device) -> Result<(&'static str, &'static str), &'static str> {
        let model = STOCK.get(rows::product_of(device));
        model.map(|model| (model.make, model.model)).ok_or(rows::UNKNOWN_PRODUCT)
    }

    /// Returns the telephone number and the web site that a company has in Autotask alone.
    pub fn phone_and_website(company: &Client) -> (String, String) {
        (rows::company_phone(company), rows::website(company))
    }

    fn lets_in(&self, call: &Call) -> Result<(), Refused> {
        let header = |name| call.header(name).unwrap_or_default();
        let is_user = header("username").eq_ignore_ascii_case(&self.credentials.username);
        let is_code = header("apiintegrationcode") == self.credentials.integration_code;
        if is_user && is_code && header("secret") == self.credentials.secret {
            return Ok(());
        }
        Err(match self.forms.refused_as {
            RefusedAs::ByPart if !is_user => errors(500, &["The user could not be found."]),
            RefusedAs::ByPart if !is_code => errors(500, &["IntegrationCode is invalid."]),
            _ => unauthorized(),
        })
    }

    /// Answers what needs no credentials (section 1).
    fn open_to_all(&self, asked: &Asked<'_>) -> Option<Said> {
        match asked.parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["v1.0", "zoneinformation"] => {
                let user = asked.query("user").unwrap_or_default();
                let is_known = user.eq_ignore_ascii_case(&self.credentials.username);
                Some(if is_known { zone(asked.origin) } else { unknown_zone() }.into())
            }
            ["versioninformation"] => Some(json_reply(200, &json!({ "apiVersions": ["1.0"] })).into()),
            _ => None,
        }
    }

    fn route(&self, asked: &Asked<'_>) -> Result<Said, Refused> {
        let parts: Vec<&str> = asked.parts.iter().map(String::as_str).collect();
        let Some((&"v1.0", parts)) = parts.split_first() else { return Err(asked.no_such_path()) };
        match *parts {
            ["version"] => {
                let version =
                    json!({ "majorVersion": 2026, "minorVersion": 3, "build": 41, "customerType": "Production" });
                return asked.only_get(version);
            }
            ["thresholdinformation"] => {
                return asked.only_get(json!({
                    "externalRequestThreshold": HOURLY_THRESHOLD, "requestThresholdTimeframe": 60,
                    "currentTimeframeRequestCount": self.hour.1,
                }));
            }
            _ => {}
        }
        let entity = parts.first().and_then(|name| Entity::named(name)).ok_or_else(|| asked.no_such_path())?;
        match parts[1..] {
            ["entityinformation"] => asked.only_get(entity.information()),
            ["entityinformation", "fields"] => asked.only_get(entity.field_list(self.forms.capital_field_names)),
            ["entityinformation", "userdefinedfields"] => asked.only_get(entity.user_defined_list()),
            ["query"] | ["query", "next"] => {
                let wish = self.wish(asked, entity)?;
                Ok(self.page(asked, &wish))
            }
            ["query", "count"] => {
                let wish = self.wish(asked, entity)?;
                let world = self.world.read();
                Ok(json_reply(200, &json!({ "queryCount": self.select(&world, &wish).len() })).into())
            }
            [company, "contacts"] if entity == Entity::Companies => {
                let company: u64 = company.parse().map_err(|_| asked.no_such_path())?;
                let filter = json!({ "filter": [{ "op": "eq", "field": "companyID", "value": company }] });
                let query = Query::read(Entity::Contacts, &filter).map_err(|text| errors(500, &[&text]))?;
                let wish = PageWish { entity: Entity::Contacts, query, before: Vec::new(), after: BEFORE_ALL };
                Ok(self.page(asked, &wish))
            }
            [id] => {
                let id: u64 = id.parse().map_err(|_| asked.no_such_path())?;
                let world = self.world.read();
                let mut item = Value::Null;
                let writer = Writer { forms: self.forms };
                rows::each(entity, &world, |thing| {
                    if thing.id() == id && self.shows(&thing) {
                        item = writer.row(entity, &entity.fields(), &thing);
                    }
                });
                asked.only_get(json!({ "item": item }))
            }
            _ => Err(asked.no_such_path()),
        }
    }

    /// Reads a query. The address of a further page says where it begins and, after a GET, repeats the query; after a POST
    /// the same body is sent again (section 4).
    fn wish(&self, asked: &Asked<'_>, entity: Entity) -> Result<PageWish, Refused> {
        let mistake = |text: &str| errors(if self.forms.errors_under_200 { 200 } else { 500 }, &[text]);
        let syntax = "Invalid query syntax.";
        let is_further = asked.parts.last().is_some_and(|part| part == "next");
        let body = match (asked.call.method, asked.query("search")) {
            (Method::Post, _) => asked.call.body.as_ref().map(|body| body.expose().to_owned()).unwrap_or_default(),
            (Method::Get, Some(search)) => search,
            (Method::Get, None) if !is_further => return Err(mistake(syntax)),
            _ => return Err(method_not_allowed(asked.call.method)),
        };
        let body: Value = match body.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).map_err(|_| mistake(syntax))?,
        };
        // Some clients follow the address with a body of null.
        let query = match body {
            Value::Null if is_further => Query::of_all(entity),
            body => Query::read(entity, &body).map_err(|text| mistake(&text))?,
        };
        let mut wish = PageWish { entity, query, before: Vec::new(), after: BEFORE_ALL };
        if is_further {
            let paging: Value = serde_json::from_str(&asked.query("paging").unwrap_or_default()).unwrap_or_default();
            let ids = |name: &str| -> Option<Vec<i64>> { paging[name].as_array()?.iter().map(Value::as_i64).collect() };
            let (Some(before), Some(next)) = (ids("previousIds"), ids("nextIds")) else { return Err(mistake(syntax)) };
            wish.before = before;
            wish.after = next.first().copied().ok_or_else(|| mistake(syntax))?;
            wish.query.rows_max =
                paging["pageSize"].as_u64().map_or(wish.query.rows_max, |size| size.clamp(1, 500) as usize);
        }
        Ok(wish)
    }

    /// Returns the rows that a query asks for, by id.
    fn select<'w>(&self, world: &'w World, wish: &PageWish) -> Vec<(u64, Thing<'w>)> {
        let writer = Writer { forms: self.forms };
        let mut found = Vec::new();
        rows::each(wish.entity, world, |thing| {
            let id = thing.id();
            if i64::try_from(id).is_ok_and(|id| id > wish.after)
                && wish.query.takes(writer, &thing)
                && self.shows(&thing)
            {
                found.push((id, thing));
            }
        });
        found.sort_unstable_by_key(|(id, _)| *id);
        found
    }

    /// Rows outside of a restriction are missing without a word (section 2).
    fn shows(&self, thing: &Thing<'_>) -> bool {
        thing.company().is_none_or(|company| !self.troubles.hides(&rows::company_id(company).to_string()))
    }

    fn page(&self, asked: &Asked<'_>, wish: &PageWish) -> Said {
        let world = self.world.read();
        let writer = Writer { forms: self.forms };
        let found = self.select(&world, wish);
        let rows_max = wish.query.rows_max;
        if found.len() > rows_max && !wish.query.has_id {
            return errors(500, &["IncludeFields must contain id when there are more results than a page holds."])
                .into();
        }
        let shown = &found[..found.len().min(rows_max)];
        let items: Vec<Value> =
            shown.iter().map(|(_, thing)| writer.row(wish.entity, &wish.query.fields, thing)).collect();
        let last = shown.last().filter(|_| found.len() > rows_max).map(|(id, _)| *id as i64);
        let next = last.map(|last| {
            let before: Vec<i64> = wish.before.iter().copied().chain([wish.after]).collect();
            asked.page_address(wish, &before, last)
        });
        let previous = wish.before.split_last().map(|(start, before)| asked.page_address(wish, before, *start));
        let details = json!({
            "count": items.len(), "requestCount": rows_max, "prevPageUrl": previous, "nextPageUrl": next,
        });
        let mut earlier = 0;
        if let Some((first, _)) = shown.first() {
            rows::each(wish.entity, &world, |thing| earlier += usize::from(thing.id() < *first));
        }
        let reply = json_reply(200, &json!({ "items": items, "pageDetails": details }));
        Said { reply, page: earlier / rows_max + 1 }
    }

    /// Counts a call against the threshold of the hour, and says whether it is beyond it.
    fn is_beyond_threshold(&mut self) -> bool {
        let now_ms = self.world.read().now_ms;
        if now_ms.saturating_sub(self.hour.0) >= HOUR_MS && self.hour.0 != 0 {
            self.hour.1 = 0;
        }
        if self.hour.1 == 0 || self.hour.0 == 0 {
            self.hour.0 = now_ms;
        }
        self.hour.1 += 1;
        self.is_threshold_kept && self.hour.1 > HOURLY_THRESHOLD
    }

    /// Puts a fault's answer in the place of the good one.
    fn spoil(&self, fault: Fault, reply: Reply, asked: &Asked<'_>) -> Answer {
        let is_zone = asked.parts.last().is_some_and(|part| part == "zoneinformation");
        let reply = match fault {
            Fault::Unauthorized if is_zone => unknown_zone(),
            Fault::Moved { origin } if is_zone => zone(&origin),
            Fault::Unauthorized | Fault::Moved { .. } => unauthorized(),
            Fault::Forbidden => errors(self.forms.no_rights_status, &[NO_RIGHTS]),
            Fault::ThrottleAs403 => beyond_threshold(self.forms.threshold_status),
            Fault::ThrottleAs429 { retry_after_s } => {
                let mut reply = errors(429, &["The Autotask API thread threshold of 3 threads has been exceeded."]);
                reply.headers.extend(retry_after_s.map(|wait| ("retry-after".to_owned(), wait.to_string())));
                reply
            }
            Fault::ServerError { status: status @ (502 | 504) } => html(status),
            Fault::ServerError { status } => json_reply(status, &json!({ "Message": "An error has occurred." })),
            Fault::Html => html(200),
            Fault::Truncated => Reply { body: reply.body[..reply.body.len() / 2].to_vec(), ..reply },
            Fault::RepeatPage => self.unheeded(asked).unwrap_or(reply),
            Fault::NextElsewhere { origin } => rewritten(reply, |body| {
                let path = &asked.call.url[url::Position::BeforePath..];
                body["pageDetails"]["nextPageUrl"] = json!(format!("{origin}{path}"));
            }),
            Fault::DoubledRow => rewritten(reply, |body| {
                if let Some(rows) = body["items"].as_array_mut() {
                    rows.extend(rows.first().cloned());
                }
            }),
            Fault::Row { index, damage } => rewritten(reply, |body| damage_row(&mut body["items"], index, damage)),
            Fault::CloseConnection => return Answer { reply, delivery: Delivery::Cut },
            Fault::SlowBody { pause } => return Answer { reply, delivery: Delivery::Slow { pieces: 4, pause } },
        };
        Answer { reply, delivery: Delivery::Whole }
    }

    /// Answers a query as if it had no conditions on ids, and leads back to itself.
    fn unheeded(&self, asked: &Asked<'_>) -> Option<Reply> {
        let entity = Entity::named(asked.parts.get(1)?)?;
        let wish = self.wish(asked, entity).ok()?;
        let again = asked.page_address(&wish, &[], BEFORE_ALL);
        let wish = PageWish { query: wish.query.without_ids(), before: Vec::new(), after: BEFORE_ALL, entity };
        let Said { reply, .. } = self.page(asked, &wish);
        Some(rewritten(reply, |body| body["pageDetails"]["nextPageUrl"] = json!(again)))
    }
}

impl Simulator for AutotaskSim {
    fn vendor(&self) -> &'static str {
        "autotask"
    }

    fn serve(&mut self, call: &Call, own_origin: &str) -> Answer {
        self.calls += 1;
        let asked = Asked::read(call, own_origin);
        let said = match self.open_to_all(&asked) {
            Some(said) => said,
            None => {
                if let Err(reply) = self.lets_in(call) {
                    return Answer { reply, delivery: Delivery::Whole };
                }
                if self.is_beyond_threshold() {
                    return Answer { reply: beyond_threshold(self.forms.threshold_status), delivery: Delivery::Whole };
                }
                self.route(&asked).unwrap_or_else(Said::from)
            }
        };
        let company = asked.company();
        let companies: Vec<&str> = company.iter().map(String::as_str).collect();
        match self.troubles.strike(Place { path: call.url.path(), tenants: &companies, page: said.page }) {
            Some(fault) => self.spoil(fault, said.reply, &asked),
            None => Answer { reply: said.reply, delivery: Delivery::Whole },
        }
    }

    fn troubles(&mut self) -> &mut Troubles {
        &mut self.troubles
    }

    fn listing(&self, url: &str) -> Listing {
        Listing {
            vendor: self.vendor(),
            url: url.to_owned(),
            settings: BTreeMap::from([("url", url.to_owned())]),
            secret: BTreeMap::from([
                ("username", self.credentials.username.clone()),
                ("secret", self.credentials.secret.clone()),
                ("integration_code", self.credentials.integration_code.clone()),
            ]),
        }
    }
}

impl<'a> Asked<'a> {
    /// Paths are the same whatever their case (section 1).
    fn read(call: &'a Call, origin: &'a str) -> Self {
        let path = call.url.path().to_ascii_lowercase();
        let below = path.strip_prefix("/atservicesrest/").unwrap_or_default();
        let parts = below.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Asked { call, parts, origin }
    }

    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = self.call.url.query_pairs();
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    }

    /// Returns the company that the path names.
    fn company(&self) -> Option<String> {
        let is_of_companies = self.parts.get(1).is_some_and(|part| part == "companies");
        self.parts.get(2).filter(|id| is_of_companies && id.bytes().all(|byte| byte.is_ascii_digit())).cloned()
    }

    fn only_get(&self, body: Value) -> Result<Said, Refused> {
        match self.call.method {
            Method::Get => Ok(json_reply(200, &body).into()),
            method => Err(method_not_allowed(method)),
        }
    }

    fn no_such_path(&self) -> Reply {
        let uri = format!("{}{}", self.origin, self.call.url.path());
        let text = format!("No HTTP resource was found that matches the request URI '{uri}'.");
        json_reply(404, &json!({ "Message": text }))
    }

    /// Returns the address of the page that begins after an id; that of a GET has the query in it.
    fn page_address(&self, wish: &PageWish, before: &[i64], after: i64) -> String {
        let paging =
            format!("{{\"pageSize\":{},\"previousIds\":{},\"nextIds\":[{after}]}}", wish.query.rows_max, json!(before));
        let (origin, entity, paging) = (self.origin, wish.entity.name(), encoded(&paging));
        let address = format!("{origin}/ATServicesRest/V1.0/{entity}/query/next?paging={paging}");
        match self.query("search").filter(|_| self.call.method == Method::Get) {
            Some(search) => format!("{address}&search={}", encoded(&search)),
            None => address,
        }
    }
}
