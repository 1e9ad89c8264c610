//! The Data Extraction API of N-able RMM as its fact sheet (nable_rmm.md) describes it, over a shared world.
//!
//! Everything is one path; the parameter `service` tells the lists apart, so a trouble's path is the service's name. Where
//! the sheet says UNCERTAIN, [`Forms`] chooses between the forms; the default is the one the sheet thinks likelier. Services
//! that no client here asks for (checks, software, people) are unknown.

#[cfg(test)]
mod tests;
mod wire;
mod writer;

use std::collections::BTreeMap;

use apis::call::{Call, Method, Reply};

use wire::{Element, document, free, parent, plain};
use writer::{Seer, Sort};

use crate::dates;
use crate::faults::{Fault, Place, Trouble, Troubles};
use crate::simulator::{Answer, Delivery, Listing, Simulator};
use crate::world::{Client, ClientNo, Device, SharedWorld, SiteNo};

/// The key that opens the sandbox.
pub const API_KEY: &str = "5a7db0x0000000000000000000nable1";

/// How the bytes relate to what the document says of them (nable_rmm.md, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// ISO-8859-1, and said to be.
    #[default]
    Latin1,
    /// UTF-8 that is said to be ISO-8859-1.
    Utf8SaidToBeLatin1,
    /// UTF-8, and said to be.
    Utf8,
    /// UTF-8, and nothing said.
    Utf8Undeclared,
}

/// A text that is empty (nable_rmm.md, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyText {
    /// `<timezone/>`.
    #[default]
    OneTag,
    /// `<timezone></timezone>`.
    TwoTags,
    /// `<timezone><![CDATA[]]></timezone>`.
    CData,
    /// Nothing.
    Missing,
}

/// What too many calls are answered with (nable_rmm.md, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Throttling {
    /// 429.
    #[default]
    Status429,
    /// 403 with a page of what stands in front.
    PageUnder403,
    /// A failure under 200.
    Fail,
}

/// The choices that the sheet leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forms {
    /// What the bytes are.
    pub encoding: Encoding,
    /// How an empty text is written.
    pub empty_text: EmptyText,
    /// Whether free texts come without CDATA.
    pub plain_texts: bool,
    /// Whether the names of sites do.
    pub plain_site_names: bool,
    /// Whether servers have `os_details`.
    pub server_details: bool,
    /// Whether servers and workstations are counted apart, so that two have the same number.
    pub numbers_apart: bool,
    /// Whether the result says nothing of its status.
    pub no_status: bool,
    /// Whether failures lack a code.
    pub no_error_codes: bool,
    /// What too many calls are answered with.
    pub throttling: Throttling,
}

/// The simulated N-able RMM.
#[derive(Debug)]
pub struct NableRmmSim {
    world: SharedWorld,
    api_key: String,
    forms: Forms,
    troubles: Troubles,
    calls: u64,
}

/// A call, read.
struct Asked {
    parameters: Vec<(String, String)>,
}

/// What stands below the result.
enum Said {
    Items(Vec<Element>),
    Bare(Vec<Element>),
    Fail { code: u64, message: String },
}

/// A service that answers for an id, or the failure to name one.
type Found<T> = Result<T, Said>;

impl NableRmmSim {
    /// Makes an N-able RMM that shows `world` to whoever has this key.
    pub fn new(world: SharedWorld, api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { world, api_key, forms: Forms::default(), troubles: Troubles::default(), calls: 0 }
    }

    /// Returns the number of calls that were answered, refused ones included.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Chooses among the forms that the sheet leaves open.
    pub fn set_forms(&mut self, forms: Forms) {
        self.forms = forms;
    }

    /// Makes a new key: the old one is refused from the next call on.
    pub fn set_api_key(&mut self, api_key: &str) {
        api_key.clone_into(&mut self.api_key);
    }

    /// Switches a fault on.
    pub fn trouble(&mut self, trouble: impl Into<Trouble>) {
        self.troubles.add(trouble);
    }

    /// Switches all faults off.
    pub fn heal(&mut self) {
        self.troubles.clear();
    }

    /// Returns the number that N-able RMM shows for a client.
    pub fn client_id(client: ClientNo) -> String {
        writer::client_id(client).to_string()
    }

    /// Returns the number that it shows for a site.
    pub fn site_id(site: SiteNo) -> String {
        writer::site_id(site).to_string()
    }

    /// Returns the number that it shows for a device, as long as there is one row of numbers for all.
    pub fn device_id(device: &Device) -> String {
        writer::device_id(device, &Forms::default()).to_string()
    }

    fn said(&self, asked: &Asked) -> Said {
        if asked.value("apikey") != Some(self.api_key.as_str()) {
            return login_failed();
        }
        let world = self.world.read();
        let seer = Seer { world: &world, forms: self.forms };
        let service = asked.service();
        if asked.value("describe") == Some("true") && SERVICES.contains(&service) {
            return Said::Bare(vec![parent("service", vec![plain("name", service)])]);
        }
        match service {
            "list_clients" => self.clients(seer, asked),
            "list_sites" => self.sites(seer, asked),
            "list_servers" => self.devices(seer, asked, Sort::Server),
            "list_workstations" => self.devices(seer, asked, Sort::Workstation),
            "list_devices_at_client" => self.tree(seer, asked),
            "list_device_asset_details" => asked
                .id("deviceid", |id| seer.device(id))
                .map(|(client, device)| Said::Bare(seer.asset_details(client, device))),
            "list_all_hardware" => hardware(seer, asked),
            // The number is not known; the words are.
            _ => Ok(fail(1, "Service unknown")),
        }
        .unwrap_or_else(|failure| failure)
    }

    fn clients(&self, seer: Seer<'_>, asked: &Asked) -> Found<Said> {
        let sort = asked.sort()?;
        let is_listed = |client: &&Client| {
            let has_devices = match sort {
                Some(Some(sort)) => writer::has(client, sort),
                Some(None) => false,
                None => true,
            };
            has_devices && !self.troubles.hides(&Self::client_id(client.number))
        };
        Ok(Said::Items(seer.world.clients.iter().filter(is_listed).map(|client| seer.client_row(client)).collect()))
    }

    fn sites(&self, seer: Seer<'_>, asked: &Asked) -> Found<Said> {
        let client = asked.id("clientid", |id| seer.client(id))?;
        Ok(Said::Items(writer::sites(client).map(|site| seer.site_row(site)).collect()))
    }

    fn devices(&self, seer: Seer<'_>, asked: &Asked, sort: Sort) -> Found<Said> {
        let (client, site) = asked.id("siteid", |id| seer.site(id))?;
        let rows = seer.devices_at(client, site, sort).into_iter();
        Ok(Said::Items(rows.map(|device| seer.device_row(client, device)).collect()))
    }

    fn tree(&self, seer: Seer<'_>, asked: &Asked) -> Found<Said> {
        let client = asked.id("clientid", |id| seer.client(id))?;
        // The user guide calls the parameter required, the developer site defaults to servers.
        let sort = asked.sort()?.unwrap_or(Some(Sort::Server));
        Ok(Said::Items(sort.and_then(|sort| seer.tree(client, sort)).into_iter().collect()))
    }

    /// Returns the number of the client that a call is about.
    fn owner(&self, asked: &Asked) -> Option<String> {
        let number = |name: &str| asked.value(name).and_then(|text| text.parse::<u64>().ok());
        let world = self.world.read();
        let seer = Seer { world: &world, forms: self.forms };
        let client = number("clientid")
            .and_then(|id| seer.client(id))
            .or_else(|| number("siteid").and_then(|id| seer.site(id)).map(|(client, _)| client))
            .or_else(|| number("deviceid").and_then(|id| seer.device(id)).map(|(client, _)| client))
            .or_else(|| number("assetid").and_then(|id| seer.asset(id)).map(|(client, _)| client))?;
        Some(Self::client_id(client.number))
    }

    /// Writes an answer of the API. Failures come under 200, too (nable_rmm.md, section 4).
    fn reply(&self, said: Said) -> Reply {
        let (status, inside) = match said {
            Said::Items(rows) => ("OK", vec![parent("items", rows)]),
            Said::Bare(elements) => ("OK", elements),
            Said::Fail { code, message } => {
                let code = (!self.forms.no_error_codes).then(|| plain("errorcode", code));
                ("FAIL", vec![parent("error", code.into_iter().chain([plain("message", message)]).collect())])
            }
        };
        let mut result = parent("result", inside);
        if !self.forms.no_status {
            let now = dates::stamp(self.world.read().now_ms)[..19].to_owned();
            result.attributes = vec![
                ("created", format!("{now}+00:00")),
                ("host", "www.systemmonitor.us".to_owned()),
                ("status", status.to_owned()),
            ];
        }
        Reply {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/xml".to_owned())],
            body: document(&result, &self.forms),
        }
    }

    /// Puts a fault's answer in the place of the good one. There are no pages, so faults of paging change nothing.
    fn spoil(&self, fault: Fault, said: Said, asked: &Asked) -> Answer {
        let reply = match fault {
            Fault::Unauthorized => self.reply(login_failed()),
            Fault::Moved { origin } => Reply {
                status: 302,
                headers: vec![("location".to_owned(), format!("{origin}/dashboard/"))],
                body: vec![],
            },
            // What is outside the user's client group does not exist for the key.
            Fault::Forbidden => match asked.parent() {
                Some(name) => self.reply(fail(4, &format!("Invalid value for parameter: {name}"))),
                None => page(403, "Access denied"),
            },
            Fault::ThrottleAs403 => page(403, "Error 1015: you are being rate limited"),
            Fault::ThrottleAs429 { retry_after_s } => {
                let mut reply = match self.forms.throttling {
                    Throttling::Status429 => page(429, "Too Many Requests"),
                    Throttling::PageUnder403 => page(403, "Error 1015: you are being rate limited"),
                    Throttling::Fail => self.reply(fail(9, "Too many requests")),
                };
                reply.headers.extend(retry_after_s.map(|wait| ("retry-after".to_owned(), wait.to_string())));
                reply
            }
            Fault::ServerError { status } => page(status, "The server is out of order"),
            Fault::Html => page(200, "Sign in"),
            Fault::Truncated => {
                let whole = self.reply(said);
                Reply { body: whole.body[..whole.body.len() / 2].to_vec(), ..whole }
            }
            Fault::RepeatPage | Fault::NextElsewhere { .. } => self.reply(said),
            Fault::DoubledRow => self.reply(with_rows(said, |rows| rows.extend(rows.first().cloned()))),
            Fault::Row { index, damage } => self.reply(with_rows(said, |rows| {
                rows.get_mut(index).into_iter().for_each(|row| wire::damage(row, damage));
            })),
            Fault::CloseConnection => return Answer { reply: self.reply(said), delivery: Delivery::Cut },
            Fault::SlowBody { pause } => {
                return Answer { reply: self.reply(said), delivery: Delivery::Slow { pieces: 4, pause } };
            }
        };
        Answer { reply, delivery: Delivery::Whole }
    }
}

/// The services that are simulated.
const SERVICES: &[&str] = &[
    "list_clients",
    "list_sites",
    "list_servers",
    "list_workstations",
    "list_devices_at_client",
    "list_device_asset_details",
    "list_all_hardware",
];

impl Simulator for NableRmmSim {
    fn vendor(&self) -> &'static str {
        "nable-rmm"
    }

    fn serve(&mut self, call: &Call, _: &str) -> Answer {
        self.calls += 1;
        let whole = |reply| Answer { reply, delivery: Delivery::Whole };
        // A call inside the process has no such header; over HTTP it is empty where the client sends none.
        if call.header("user-agent").is_some_and(|name| name.trim().is_empty()) {
            return whole(page(403, "Attention Required!"));
        }
        match call.url.path() {
            "/api/" | "/api/default.php" => {}
            "/api" => {
                let headers = vec![("location".to_owned(), "/api/".to_owned())];
                return whole(Reply { status: 301, headers, body: Vec::new() });
            }
            _ => return whole(page(404, "Not Found")),
        }
        let asked = Asked::read(call);
        let said = self.said(&asked);
        let is_in = !matches!(said, Said::Fail { code: 3, .. });
        let owner = self.owner(&asked);
        let tenants: Vec<&str> = owner.as_deref().into_iter().collect();
        let place = Place { path: asked.service(), tenants: &tenants, page: 1 };
        let mut answer = match self.troubles.strike(place).filter(|_| is_in) {
            Some(fault) => self.spoil(fault, said, &asked),
            None => whole(self.reply(said)),
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
            settings: BTreeMap::from([("url", url.to_owned())]),
            secret: BTreeMap::from([("api_key", self.api_key.clone())]),
        }
    }
}

impl Asked {
    /// Reads the parameters of the address, and those of a form in the body.
    fn read(call: &Call) -> Self {
        let of_form = call.body.as_ref().map_or("", |body| body.expose());
        let query = call.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
        Self { parameters: query.chain(form(of_form)).collect() }
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    fn service(&self) -> &str {
        self.value("service").unwrap_or_default()
    }

    /// Returns the name of the id that the call gives.
    fn parent(&self) -> Option<&'static str> {
        ["clientid", "siteid", "deviceid", "assetid"].into_iter().find(|name| self.value(name).is_some())
    }

    /// Finds what a parameter names. A text for a number and a number of nothing are refused alike.
    fn id<T>(&self, name: &str, find: impl FnOnce(u64) -> Option<T>) -> Found<T> {
        let text = self.value(name).ok_or_else(|| fail(5, &format!("Missing parameter: {name}")))?;
        let found = text.parse().ok().and_then(find);
        found.ok_or_else(|| fail(4, &format!("Invalid value for parameter: {name}")))
    }

    /// Reads `devicetype`; the inner option is empty for mobile devices, of which there are none.
    fn sort(&self) -> Found<Option<Option<Sort>>> {
        match self.value("devicetype") {
            None => Ok(None),
            Some("mobile_device") => Ok(Some(None)),
            Some(word) => match Sort::from_word(word) {
                Some(sort) => Ok(Some(Some(sort))),
                None => Err(fail(4, "Invalid value for parameter: devicetype")),
            },
        }
    }
}

fn form(body: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(body.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn hardware(seer: Seer<'_>, asked: &Asked) -> Found<Said> {
    let (_, device) = asked.id("assetid", |id| seer.asset(id))?;
    let row = |(_, mut fields): (u64, Vec<Element>)| {
        fields.retain(|field| field.name != "type");
        fields.extend([free("manufacturer", "Intel"), plain("hardware_type", 1)]);
        parent("hardware", fields)
    };
    Ok(Said::Items(seer.hardware(device).into_iter().map(row).collect()))
}

fn fail(code: u64, message: &str) -> Said {
    Said::Fail { code, message: message.to_owned() }
}

fn login_failed() -> Said {
    fail(3, "Login failed")
}

/// Changes the rows of a list.
fn with_rows(said: Said, change: impl FnOnce(&mut Vec<Element>)) -> Said {
    match said {
        Said::Items(mut rows) => {
            change(&mut rows);
            Said::Items(rows)
        }
        other => other,
    }
}

/// A page of what stands in front of the API (nable_rmm.md, section 1).
fn page(status: u16, title: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html; charset=UTF-8".to_owned())],
        body: format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><br>{title}</body></html>\n")
            .into_bytes(),
    }
}
