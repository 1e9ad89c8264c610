//! Auvik API v1 as its fact sheet (auvik.md) describes it, over a shared world.
//!
//! Where the sheet says UNCERTAIN, [`Forms`] chooses between the forms; the default is the one the sheet thinks likelier.

mod ids;
mod paging;
#[cfg(test)]
mod tests;
mod wire;
mod writer;

use std::collections::BTreeMap;

use apis::call::{Call, Method, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use ids::Spot;
pub use ids::device_id;
use paging::PageWish;
use wire::{Data, DetailRow, ListBody, ListLinks, Meta, OneBody};
use writer::{DetailFields, Writer};

use crate::dates;
use crate::faults::{Fault, Place, Trouble, Troubles, damage_row};
use crate::simulator::{Answer, Delivery, Listing, Simulator};
use crate::world::{Client, ClientNo, Device, SharedWorld, Standing, World};

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's e-mail address.
    pub username: String,
    /// That user's key; with the characters that must not get into an address unescaped.
    pub api_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { username: "sync@larchmsp.example".to_owned(), api_key: "s4ndb0x/Auvik+Key==".to_owned() }
    }
}

/// The envelope of a 401 (auvik.md, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Envelope {
    /// JSON:API.
    #[default]
    JsonApi,
    /// The framework's own.
    Spring,
}

/// A list without rows (auvik.md, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyList {
    /// An empty `data`.
    #[default]
    EmptyData,
    /// No `data`.
    NoData,
    /// 204.
    NoContent,
    /// 404.
    NotFound,
}

/// The link to the next page (auvik.md, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NextLink {
    /// A text, absent on the last page.
    #[default]
    Text,
    /// A text, null on the last page.
    TextOrNull,
    /// A text, empty on the last page.
    TextOrEmpty,
    /// An object with `href`.
    Object,
}

/// The choices that the sheet leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forms {
    /// How a 401 is wrapped.
    pub unauthorized: Envelope,
    /// What a list without rows is.
    pub empty_list: EmptyList,
    /// What the link to the next page is.
    pub next_link: NextLink,
    /// Whether the list of tenants carries `name`.
    pub tenants_have_names: bool,
    /// Whether the MSP's own id in `tenants` stands for its customers, too.
    pub msp_covers_clients: bool,
}

/// The simulated Auvik.
#[derive(Debug)]
pub struct AuvikSim {
    world: SharedWorld,
    credentials: Credentials,
    forms: Forms,
    troubles: Troubles,
    calls: u64,
}

/// A reply that stands already, because the call was refused.
type Refused = Reply;

/// A call, read.
struct Asked<'a> {
    path: &'a str,
    query: Vec<(String, String)>,
    origin: &'a str,
}

/// A reply, and the page of a list that it holds.
struct Said {
    reply: Reply,
    page: usize,
}

impl AuvikSim {
    /// Makes an Auvik that shows `world` to whoever has these credentials.
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

    /// Replaces the key; the old one is refused from the next call on.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
    }

    /// Switches a fault on.
    pub fn trouble(&mut self, trouble: impl Into<Trouble>) {
        self.troubles.add(trouble);
    }

    /// Switches all faults off.
    pub fn heal(&mut self) {
        self.troubles.clear();
    }

    /// Returns the id that Auvik shows for a client.
    pub fn tenant_id(client: ClientNo) -> String {
        ids::tenant_id(client).to_string()
    }

    /// Credentials are looked at before anything else: paths cannot be probed without them (auvik.md, section 2).
    fn lets_in(&self, call: &Call) -> bool {
        let Some((scheme, token)) = call.header("authorization").and_then(|text| text.split_once(' ')) else {
            return false;
        };
        let expected = format!("{}:{}", self.credentials.username, self.credentials.api_key);
        scheme.eq_ignore_ascii_case("basic") && token == STANDARD.encode(expected)
    }

    fn route(&self, call: &Call, asked: &Asked<'_>) -> Result<Said, Refused> {
        let world = self.world.read();
        let writer = Writer { world: &world, origin: asked.origin };
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        let parts = if parts.first() == Some(&"v1") { &parts[1..] } else { &parts[..] };
        let versioned = asked.path.starts_with("/v1/");
        if *parts == ["authentication", "verify"] && call.method != Method::Post {
            return Ok(Said { reply: Reply { status: 200, ..Reply::default() }, page: 1 });
        }
        if !versioned {
            return Err(problem(404, "Not Found", "No such path"));
        }
        if call.method == Method::Post {
            return Err(problem(405, "Method Not Allowed", "This path is read-only"));
        }
        match *parts {
            ["tenants"] => self.tenants(writer),
            ["tenants", "detail"] => self.tenant_details(writer, asked),
            ["tenants", "detail", id] => self.tenant_detail(writer, asked, id),
            ["inventory", "device", "info"] => self.devices(writer, asked),
            ["inventory", "device", "info", id] => {
                let included = asked.includes_detail()?;
                let (client, device) = self.find(writer.world, id)?;
                let included = included.map(|fields| vec![writer.detail(client, device, fields)]);
                Ok(one(&OneBody { data: writer.device(client, device), included }))
            }
            ["inventory", "device", "detail"] => self.details(writer, asked),
            ["inventory", "device", "detail", id] => {
                let (client, device) = self.find(writer.world, id)?;
                Ok(one(&Data { data: writer.detail(client, device, DetailFields::read(None)) }))
            }
            ["inventory", "interface", "info"] => self.interfaces(writer, asked),
            ["inventory", "interface", "info", id] => {
                let spot = ids::read_opaque(id).ok_or_else(|| problem(404, "Not Found", "Interface not found"))?;
                let found = ids::interface_of(spot.1).and_then(|(number, nth)| {
                    let client = writer.world.client(ids::client_of(spot.0)?)?;
                    let device = client.device(number).filter(|device| nth < device.interfaces.len())?;
                    Some(writer.interface(client, device, nth))
                });
                found.map(|data| one(&Data { data })).ok_or_else(|| problem(404, "Not Found", "Interface not found"))
            }
            _ => Err(problem(404, "Not Found", "No such path")),
        }
    }

    fn tenants(&self, writer: Writer<'_>) -> Result<Said, Refused> {
        let rows = writer.world.clients.iter().map(|client| writer.tenant(client, self.forms.tenants_have_names));
        Ok(one(&Data { data: rows.collect::<Vec<_>>() }))
    }

    fn tenant_details(&self, writer: Writer<'_>, asked: &Asked<'_>) -> Result<Said, Refused> {
        asked.main_account(writer.world)?;
        let only_available = asked.flag("filter[availableTenants]")? == Some(true);
        let shown = |client: &&Client| !only_available || !self.hides(client);
        let rows = writer.world.clients.iter().filter(shown).map(|client| writer.tenant_detail(client));
        Ok(one(&Data { data: rows.collect::<Vec<_>>() }))
    }

    fn tenant_detail(&self, writer: Writer<'_>, asked: &Asked<'_>, id: &str) -> Result<Said, Refused> {
        asked.main_account(writer.world)?;
        let client = id.parse().ok().and_then(ids::client_of).and_then(|number| writer.world.client(number));
        let client = client.ok_or_else(|| problem(404, "Not Found", "Tenant not found"))?;
        Ok(one(&Data { data: writer.tenant_detail(client) }))
    }

    fn devices(&self, writer: Writer<'_>, asked: &Asked<'_>) -> Result<Said, Refused> {
        let included = asked.includes_detail()?;
        let keep = asked.device_filter(writer.world)?;
        let list = self.select(writer.world, asked, keep)?;
        self.page(
            asked,
            &list,
            |(client, device)| ids::device_spot(client, device),
            |rows| {
                let included = included
                    .map(|fields| rows.iter().map(|(client, device)| writer.detail(client, device, fields)).collect());
                (rows.iter().map(|(client, device)| writer.device(client, device)).collect(), included)
            },
        )
    }

    fn details(&self, writer: Writer<'_>, asked: &Asked<'_>) -> Result<Said, Refused> {
        let managed = asked.flag("filter[manageStatus]")?;
        let keep = |_: &Client, device: &Device| managed.is_none_or(|managed| device.managed == managed);
        let list = self.select(writer.world, asked, keep)?;
        self.page(
            asked,
            &list,
            |(client, device)| ids::device_spot(client, device),
            |rows| {
                let fields = DetailFields::read(None);
                (rows.iter().map(|(client, device)| writer.detail(client, device, fields)).collect(), None)
            },
        )
    }

    fn interfaces(&self, writer: Writer<'_>, asked: &Asked<'_>) -> Result<Said, Refused> {
        let parent = asked.value("filter[parentDevice]").map(ids::read_opaque);
        let keep = |client: &Client, device: &Device| {
            parent.is_none_or(|parent| parent == Some(ids::device_spot(client, device)))
        };
        let devices = self.select(writer.world, asked, keep)?;
        let list: Vec<(&Client, &Device, usize)> = devices
            .iter()
            .flat_map(|&(client, device)| (0..device.interfaces.len()).map(move |nth| (client, device, nth)))
            .collect();
        let spot = |&(client, device, nth): &(&Client, &Device, usize)| ids::interface_spot(client, device, nth);
        self.page(asked, &list, spot, |rows| {
            (rows.iter().map(|(client, device, nth)| writer.interface(client, device, *nth)).collect(), None)
        })
    }

    /// Returns the devices of the tenants that a call names, or of all that may be read, in the order of lists.
    fn select<'w>(
        &self,
        world: &'w World,
        asked: &Asked<'_>,
        keep: impl Fn(&Client, &Device) -> bool,
    ) -> Result<Vec<(&'w Client, &'w Device)>, Refused> {
        let named = asked.tenants();
        let mut clients: Vec<&Client> = Vec::new();
        if named.is_empty() {
            clients.extend(world.clients.iter().filter(|client| !self.hides(client)));
        }
        for id in named {
            let client = id.parse().ok().and_then(ids::client_of).and_then(|number| world.client(number));
            let client = client.ok_or_else(|| problem(403, "Forbidden", "No access to this tenant"))?;
            if client.standing == Standing::Msp && self.forms.msp_covers_clients {
                clients.extend(world.clients.iter().filter(|client| !self.hides(client)));
            }
            clients.push(client);
        }
        clients.sort_by_key(|client| client.number);
        clients.dedup_by_key(|client| client.number);
        let devices = |client: &'w Client| client.devices.iter().map(move |device| (client, device));
        Ok(clients.into_iter().flat_map(devices).filter(|(client, device)| keep(client, device)).collect())
    }

    fn page<T: Copy, R: Serialize>(
        &self,
        asked: &Asked<'_>,
        list: &[T],
        spot: impl Fn(&T) -> Spot,
        write: impl FnOnce(&[T]) -> (Vec<R>, Option<Vec<DetailRow>>),
    ) -> Result<Said, Refused> {
        let wish = PageWish::read(&asked.query).map_err(|detail| problem(400, "Bad Request", detail))?;
        let page = wish.cut(list, spot);
        if page.total == 0 {
            return Ok(Said { reply: self.empty_list(), page: 1 });
        }
        let links = wish.links(&page, &format!("{}{}", asked.origin, asked.path), &asked.query);
        let (data, included) = write(&page.rows);
        let links = ListLinks { first: Some(links.first), next: links.next, prev: links.prev, last: Some(links.last) };
        let body = ListBody { data, included, links, meta: Meta { total_pages: page.total } };
        let mut reply = json_reply(200, &body);
        if self.forms.next_link != NextLink::Text {
            reply = rewritten(reply, |body| self.reshape_next(&mut body["links"]));
        }
        Ok(Said { reply, page: page.number })
    }

    fn reshape_next(&self, links: &mut Value) {
        let next = links["next"].take();
        links["next"] = match (self.forms.next_link, next) {
            (NextLink::TextOrEmpty, Value::Null) => json!(""),
            (NextLink::Object, Value::String(href)) => json!({ "href": href, "meta": {} }),
            (_, next) => next,
        };
    }

    fn empty_list(&self) -> Reply {
        let (links, meta) = (json!({}), json!({ "totalPages": 0 }));
        match self.forms.empty_list {
            EmptyList::EmptyData => json_reply(200, &json!({ "data": [], "links": links, "meta": meta })),
            EmptyList::NoData => json_reply(200, &json!({ "links": links, "meta": meta })),
            EmptyList::NoContent => Reply { status: 204, ..Reply::default() },
            EmptyList::NotFound => problem(404, "Not Found", "No results"),
        }
    }

    fn find<'w>(&self, world: &'w World, id: &str) -> Result<(&'w Client, &'w Device), Refused> {
        let found = ids::read_opaque(id).and_then(|(tenant, entity)| {
            let client = world.client(ids::client_of(tenant)?)?;
            Some((client, client.device(ids::device_of(entity)?)?))
        });
        found.ok_or_else(|| problem(404, "Not Found", "Device not found"))
    }

    fn hides(&self, client: &Client) -> bool {
        self.troubles.hides(&Self::tenant_id(client.number))
    }

    fn unauthorized(&self, path: &str) -> Reply {
        let text = "Full authentication is required to access this resource";
        match self.forms.unauthorized {
            Envelope::JsonApi => problem(401, "Unauthorized", text),
            Envelope::Spring => {
                let timestamp = dates::stamp(self.world.read().now_ms).replace('Z', "+0000");
                let body = json!({
                    "timestamp": timestamp, "status": 401, "error": "Unauthorized", "message": text, "path": path,
                });
                json_reply(401, &body)
            }
        }
    }

    /// Puts a fault's answer in the place of the good one.
    fn spoil(&self, fault: Fault, reply: Reply, call: &Call) -> Answer {
        let reply = match fault {
            Fault::Unauthorized => self.unauthorized(call.url.path()),
            Fault::Moved { origin } => {
                let path = &call.url[url::Position::BeforePath..];
                Reply { status: 308, headers: vec![("location".to_owned(), format!("{origin}{path}"))], body: vec![] }
            }
            Fault::Forbidden => problem(403, "Forbidden", "You do not have permission to access this resource"),
            Fault::ThrottleAs403 => problem(403, "Forbidden", "Rate limit exceeded"),
            Fault::ThrottleAs429 { retry_after_s } => {
                let mut reply = problem(429, "Too Many Requests", "Rate limit exceeded");
                reply.headers.extend(retry_after_s.map(|wait| ("retry-after".to_owned(), wait.to_string())));
                reply
            }
            Fault::ServerError { status: status @ (502 | 504) } => html(status),
            Fault::ServerError { status } => Reply { status, ..Reply::default() },
            Fault::Html => html(200),
            Fault::Truncated => Reply { body: reply.body[..reply.body.len() / 2].to_vec(), ..reply },
            Fault::RepeatPage => rewritten(reply, |body| body["links"]["next"] = json!(call.url.as_str())),
            Fault::NextElsewhere { origin } => rewritten(reply, |body| {
                let path = &call.url[url::Position::BeforePath..];
                body["links"]["next"] = json!(format!("{origin}{path}"));
            }),
            Fault::DoubledRow => rewritten(reply, |body| {
                if let Some(rows) = body["data"].as_array_mut() {
                    rows.extend(rows.first().cloned());
                }
            }),
            Fault::Row { index, damage } => rewritten(reply, |body| damage_row(&mut body["data"], index, damage)),
            Fault::CloseConnection => return Answer { reply, delivery: Delivery::Cut },
            Fault::SlowBody { pause } => return Answer { reply, delivery: Delivery::Slow { pieces: 4, pause } },
        };
        Answer { reply, delivery: Delivery::Whole }
    }
}

impl Simulator for AuvikSim {
    fn vendor(&self) -> &'static str {
        "auvik"
    }

    fn serve(&mut self, call: &Call, own_origin: &str) -> Answer {
        self.calls += 1;
        let query = call.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let asked = Asked { path: call.url.path(), query, origin: own_origin };
        let mut answer = Answer { reply: self.unauthorized(asked.path), delivery: Delivery::Whole };
        if self.lets_in(call) {
            let Said { reply, page } = self.route(call, &asked).unwrap_or_else(|reply| Said { reply, page: 1 });
            let owner = asked.owner_in_path();
            let tenants: Vec<&str> = asked.tenants().into_iter().chain(owner.as_deref()).collect();
            answer = match self.troubles.strike(Place { path: asked.path, tenants: &tenants, page }) {
                Some(fault) => self.spoil(fault, reply, call),
                None => Answer { reply, delivery: Delivery::Whole },
            };
        }
        if call.method == Method::Head {
            answer.reply.body.clear();
        }
        answer
    }

    fn troubles(&mut self) -> &mut Troubles {
        &mut self.troubles
    }

    fn listing(&self, url: &str) -> Listing {
        let domain = self.world.read().clients.first().map(|msp| msp.slug.clone()).unwrap_or_default();
        Listing {
            vendor: self.vendor(),
            url: url.to_owned(),
            settings: BTreeMap::from([("url", url.to_owned()), ("domain", domain)]),
            secret: BTreeMap::from([
                ("username", self.credentials.username.clone()),
                ("api_key", self.credentials.api_key.clone()),
            ]),
        }
    }
}

impl Asked<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(problem(400, "Bad Request", &format!("{name} must be true or false"))),
        }
    }

    fn word(&self, name: &str, known: &str) -> Result<Option<&str>, Refused> {
        match self.value(name) {
            Some(word) if !known.split_whitespace().any(|known| known == word) => {
                Err(problem(400, "Bad Request", &format!("{name} has an unknown value")))
            }
            word => Ok(word),
        }
    }

    fn instant_ms(&self, name: &str) -> Result<Option<u64>, Refused> {
        let read =
            |text| dates::parse(text).ok_or_else(|| problem(400, "Bad Request", &format!("{name} is no date-time")));
        self.value(name).map(read).transpose()
    }

    fn tenants(&self) -> Vec<&str> {
        let list = self.value("tenants").unwrap_or_default();
        list.split(',').map(str::trim).filter(|id| !id.is_empty()).collect()
    }

    /// Returns the tenant that a path with an id is about.
    fn owner_in_path(&self) -> Option<String> {
        let id = self.path.rsplit('/').next()?;
        if self.path.contains("/tenants/detail/") {
            return Some(id.to_owned());
        }
        ids::read_opaque(id).map(|(tenant, _)| tenant.to_string())
    }

    /// The prefix of the MSP's own account is required for details (auvik.md, section 3).
    fn main_account(&self, world: &World) -> Result<(), Refused> {
        let own = world.clients.first().map(|msp| msp.slug.as_str());
        match self.value("tenantDomainPrefix") {
            None | Some("") => Err(problem(400, "Bad Request", "tenantDomainPrefix is required")),
            prefix if prefix == own => Ok(()),
            Some(_) => Err(problem(403, "Forbidden", "No access to this account")),
        }
    }

    fn includes_detail(&self) -> Result<Option<DetailFields>, Refused> {
        match self.value("include") {
            None => Ok(None),
            Some("deviceDetail") => Ok(Some(DetailFields::read(self.value("fields[deviceDetail]")))),
            Some(_) => Err(problem(400, "Bad Request", "include knows deviceDetail only")),
        }
    }

    /// Reads the filters of the devices' list (auvik.md, section 4).
    fn device_filter<'w>(&'w self, world: &'w World) -> Result<impl Fn(&Client, &Device) -> bool + 'w, Refused> {
        let modified_after = self.instant_ms("filter[modifiedAfter]")?;
        let not_seen_since = self.instant_ms("filter[notSeenSince]")?;
        let state_known = self.flag("filter[stateKnown]")?;
        let networks: Option<Vec<&str>> = self.value("filter[networks]").map(|list| list.split(',').collect());
        let device_type = self.word("filter[deviceType]", writer::DEVICE_TYPES)?;
        let make_model = self.value("filter[makeModel]").map(|text| text.trim_matches('"'));
        let vendor_name = self.value("filter[vendorName]");
        let online_status = self.word("filter[onlineStatus]", writer::ONLINE_STATUSES)?;
        Ok(move |client: &Client, device: &Device| {
            let seen_ms = writer::last_seen_ms(world, device);
            modified_after.is_none_or(|instant| device.modified_ms > instant)
                && not_seen_since.is_none_or(|instant| seen_ms.is_none_or(|seen_ms| seen_ms < instant))
                && state_known.is_none_or(|known| known == (writer::online_status(device) != "unknown"))
                && device_type.is_none_or(|word| word == writer::device_type(device.class))
                && vendor_name.is_none_or(|make| device.make.as_deref() == Some(make))
                && online_status.is_none_or(|word| word == writer::online_status(device))
                && make_model.is_none_or(|model| writer::make_model(device).as_deref() == Some(model))
                && networks.as_ref().is_none_or(|ids| {
                    let id = ids::opaque(ids::network_spot(client, device));
                    ids.iter().any(|wanted| *wanted == id)
                })
        })
    }
}

fn one(body: &impl Serialize) -> Said {
    Said { reply: json_reply(200, body), page: 1 }
}

fn json_reply(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "application/vnd.api+json".to_owned())],
        body: serde_json::to_vec(body).expect("the wire form has texts for keys"),
    }
}

/// Writes a refusal (auvik.md, section 9).
fn problem(status: u16, title: &str, detail: &str) -> Reply {
    json_reply(status, &json!({ "errors": [{ "status": status.to_string(), "title": title, "detail": detail }] }))
}

fn html(status: u16) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
        body: b"<html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>".to_vec(),
    }
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
