//! Kaseya BMS REST API v2 as its fact sheet (kaseya_bms.md) describes it, over a shared world.
//!
//! Where the sheet says UNCERTAIN, [`Forms`] chooses between the forms; the default is the one the sheet thinks likelier.

mod lists;
mod rows;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use apis::call::{Call, Method, Reply};
use serde_json::{Value, json};

use lists::Asked;
use rows::{Listed, Writer};
pub use rows::{account_id, asset_id, contact_id, employee_id, location_id};
use session::Sessions;

use crate::dates;
use crate::faults::{Fault, Place, RowDamage, Trouble, Troubles, damage_row};
use crate::simulator::{Answer, Delivery, Listing, Simulator};
use crate::world::SharedWorld;

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// Who may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// That user's password; with the characters that must not get into a form unescaped.
    pub password: String,
    /// The company's name.
    pub tenant: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            username: "api.sync".to_owned(),
            password: "s4ndb0x/Bms+Pass&=".to_owned(),
            tenant: "Larch MSP".to_owned(),
        }
    }
}

/// The choices that the sheet leaves open, and what an installation may have set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// Whether names begin with capitals, as in the vendor's description (section 1).
    pub capitals: bool,
    /// Whether a good answer holds an `error` that is null (section 3).
    pub null_error: bool,
    /// Whether `totalRecords` is left out where it could stand (section 4).
    pub no_totals: bool,
    /// Whether a single object comes without an envelope (section 3).
    pub bare_objects: bool,
    /// Whether dates name their zone (section 1).
    pub zoned_dates: bool,
    /// Whether a page beyond the last one is the last one again (section 4).
    pub repeats_last_page: bool,
    /// The status of a refused log-in (section 2).
    pub refused_log_in: u16,
    /// Whether users that are programs are listed among the employees; the sheet does not say.
    pub lists_programs: bool,
    /// The most rows that a page has (section 4).
    pub page_size_max: usize,
    /// How long an access token is good. The default outlasts whoever lives by another clock than the world's; real ones
    /// are good for minutes (section 2).
    pub token_ms: u64,
    /// The most calls of an endpoint in an hour of the world; 1,500 at the vendor (section 5), nothing where the world's
    /// time stands still.
    pub per_hour: Option<u64>,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            capitals: false,
            null_error: false,
            no_totals: false,
            bare_objects: false,
            zoned_dates: false,
            repeats_last_page: false,
            refused_log_in: 200,
            lists_programs: false,
            page_size_max: 100,
            token_ms: 10 * 365 * dates::DAY_MS,
            per_hour: None,
        }
    }
}

/// The simulated Kaseya BMS.
#[derive(Debug)]
pub struct KaseyaBmsSim {
    world: SharedWorld,
    credentials: Credentials,
    forms: Forms,
    sessions: Sessions,
    troubles: Troubles,
    /// Calls of each endpoint in the hour that began then.
    hours: BTreeMap<String, (u64, u64)>,
    calls: u64,
}

/// A reply that stands already, because the call was refused.
type Refused = Reply;

/// What a call asks for.
enum Route<'a> {
    AccountTypes,
    UserInfo,
    List(Listed),
    One(Listed, &'a str),
}

impl KaseyaBmsSim {
    /// Makes a Kaseya BMS that shows `world` to whoever has these credentials.
    pub fn new(world: SharedWorld, credentials: Credentials) -> Self {
        Self {
            world,
            credentials,
            forms: Forms::default(),
            sessions: Sessions::default(),
            troubles: Troubles::default(),
            hours: BTreeMap::new(),
            calls: 0,
        }
    }

    /// Returns the number of calls that were answered, refused ones included.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Chooses among the forms that the sheet leaves open.
    pub fn set_forms(&mut self, forms: Forms) {
        self.forms = forms;
    }

    /// Replaces the credentials; tokens that were given for the old ones are void.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
        self.sessions = self.sessions.without_tokens();
    }

    /// Takes every token back, as a restart of the vendor may do.
    pub fn forget_tokens(&mut self) {
        self.sessions = self.sessions.without_tokens();
    }

    /// Switches a fault on.
    pub fn trouble(&mut self, trouble: impl Into<Trouble>) {
        self.troubles.add(trouble);
    }

    /// Switches all faults off.
    pub fn heal(&mut self) {
        self.troubles.clear();
    }

    fn serve_good(&mut self, call: &Call, asked: &Asked) -> Result<Reply, Refused> {
        let now_ms = self.world.read().now_ms;
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        if let ["v2", "security", action @ ("authenticate" | "refreshtoken")] = parts[..] {
            if call.method != Method::Post {
                return Err(self.refusal(405, 405, "Method Not Allowed"));
            }
            let form = session::form(call);
            let result = match action {
                "authenticate" => self.sessions.log_in(&form, &self.credentials, now_ms, self.forms.token_ms),
                _ => self.sessions.renew(&form, now_ms, self.forms.token_ms),
            };
            // Whether a refused log-in has a status of its own is uncertain (section 2).
            let result = result.map_err(|message| self.refusal(self.forms.refused_log_in, 1001, message))?;
            return Ok(self.said(json!({ "result": result })));
        }
        let bearer = call.header("authorization").and_then(|text| text.split_once(' '));
        let is_let_in = bearer.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.sessions.lets_in(token, now_ms)
        });
        if !is_let_in {
            return Err(self.unauthorized());
        }
        self.count_in_hour(&asked.path, now_ms)?;
        if call.method == Method::Post {
            return Err(self.refusal(405, 405, "Method Not Allowed"));
        }
        let route = match parts[..] {
            ["v2", "security", "userinfo"] => Route::UserInfo,
            ["v2", "system", "accounttypes", "lookup"] => Route::AccountTypes,
            ["v2", "crm", "accounts", "summary"] => Route::List(Listed::Accounts),
            ["v2", "crm", "accounts", "summary", id] => Route::One(Listed::Accounts, id),
            ["v2", "crm", "contacts", "summary"] => Route::List(Listed::Contacts),
            ["v2", "crm", "contacts", "summary", id] => Route::One(Listed::Contacts, id),
            ["v2", "hr", "employees", "searchselect"] => Route::List(Listed::Employees),
            ["v2", "servicedesk", "hardwareasset", "searchselect"] => Route::List(Listed::Assets),
            ["v2", "servicedesk", "hardwareasset", id] => Route::One(Listed::Assets, id),
            _ => return Err(self.refusal(404, 404, "Not found")),
        };
        self.look_up(route, asked)
    }

    fn look_up(&self, route: Route<'_>, asked: &Asked) -> Result<Reply, Refused> {
        let world = self.world.read();
        let writer = Writer { world: &world, forms: &self.forms, tenant: &self.credentials.tenant };
        match route {
            Route::AccountTypes => Ok(self.said(json!({ "result": rows::account_types() }))),
            Route::UserInfo => Ok(self.said(json!({ "result": writer.user_info(&self.credentials.username) }))),
            Route::List(listed) => {
                let page = writer.page(listed, asked).map_err(|why| self.refusal(400, 400, why))?;
                let mut body = json!({ "result": page.rows });
                // The list of assets is declared without a total (section 6).
                if listed != Listed::Assets && !self.forms.no_totals {
                    body["totalRecords"] = json!(page.total);
                }
                Ok(self.said(body))
            }
            Route::One(listed, id) => {
                let row = id.parse().ok().and_then(|id| writer.one(listed, id));
                let row = row.ok_or_else(|| self.refusal(200, 404, "Not found"))?;
                if self.forms.bare_objects {
                    return Ok(self.json(200, row));
                }
                Ok(self.said(json!({ "result": row })))
            }
        }
    }

    /// Counts a call against the hour's limit of its endpoint (section 5). A path's numbers are no endpoints of their own.
    fn count_in_hour(&mut self, path: &str, now_ms: u64) -> Result<(), Refused> {
        let Some(limit) = self.forms.per_hour else { return Ok(()) };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let endpoint: Vec<&str> = path.split('/').filter(|part| !is_number(part)).collect();
        let (began_ms, count) = self.hours.entry(endpoint.join("/")).or_insert((now_ms, 0));
        if now_ms >= *began_ms + HOUR_MS {
            (*began_ms, *count) = (now_ms, 0);
        }
        *count += 1;
        if *count > limit { Err(self.refusal(429, 429, "API calls quota exceeded")) } else { Ok(()) }
    }

    /// Wraps a good answer.
    fn said(&self, mut body: Value) -> Reply {
        body["success"] = json!(true);
        if self.forms.null_error {
            body["error"] = Value::Null;
        }
        self.json(200, body)
    }

    /// Wraps a refusal (section 3; the misspelt name is the vendor's).
    fn refusal(&self, status: u16, code: u32, message: &str) -> Reply {
        let error = json!({
            "code": code, "message": message, "details": null, "stackStrace": null, "subErrors": [],
        });
        self.json(status, json!({ "success": false, "error": error }))
    }

    fn unauthorized(&self) -> Reply {
        self.refusal(401, 978_001, "Security Error")
    }

    fn json(&self, status: u16, body: Value) -> Reply {
        let body = if self.forms.capitals { rows::with_capitals(body) } else { body };
        Reply {
            status,
            headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    /// Puts a fault's answer in the place of the good one.
    fn spoil(&self, fault: Fault, reply: Reply, call: &Call) -> Answer {
        let rows = if self.forms.capitals { "Result" } else { "result" };
        let reply = match fault {
            Fault::Unauthorized => self.unauthorized(),
            Fault::Moved { origin } => {
                let path = &call.url[url::Position::BeforePath..];
                Reply { status: 308, headers: vec![("location".to_owned(), format!("{origin}{path}"))], body: vec![] }
            }
            // A failure may come under a good status (section 3).
            Fault::Forbidden => self.refusal(200, 403, "You do not have permission to view this"),
            Fault::ThrottleAs403 => self.refusal(403, 429, "API calls quota exceeded"),
            Fault::ThrottleAs429 { retry_after_s } => {
                let mut reply = self.refusal(429, 429, "API calls quota exceeded");
                reply.headers.extend(retry_after_s.map(|wait| ("retry-after".to_owned(), wait.to_string())));
                reply
            }
            Fault::ServerError { status } => Reply { status, ..Reply::default() },
            Fault::Html => Reply {
                status: 200,
                headers: vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())],
                body: b"<!DOCTYPE html><html><head><title>Kaseya BMS</title></head><body>Sign in</body></html>"
                    .to_vec(),
            },
            Fault::Truncated => Reply { body: reply.body[..reply.body.len() / 2].to_vec(), ..reply },
            Fault::DoubledRow => rewritten(reply, |body| {
                if let Some(rows) = body[rows].as_array_mut() {
                    rows.extend(rows.first().cloned());
                }
            }),
            Fault::Row { index, damage } => rewritten(reply, |body| spoil_row(&mut body[rows], index, damage)),
            // There are no links; a page that comes again is asked for by its number.
            Fault::RepeatPage | Fault::NextElsewhere { .. } => reply,
            Fault::CloseConnection => return Answer { reply, delivery: Delivery::Cut },
            Fault::SlowBody { pause } => return Answer { reply, delivery: Delivery::Slow { pieces: 4, pause } },
        };
        Answer { reply, delivery: Delivery::Whole }
    }
}

impl Simulator for KaseyaBmsSim {
    fn vendor(&self) -> &'static str {
        "kaseya-bms"
    }

    fn serve(&mut self, call: &Call, _: &str) -> Answer {
        self.calls += 1;
        let mut asked = Asked::read(&call.url);
        let tenants: Vec<String> = asked.values("filter.accountid").map(str::to_owned).collect();
        let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
        let fault = self.troubles.strike(Place { path: call.url.path(), tenants: &tenants, page: asked.page() });
        if fault == Some(Fault::RepeatPage) {
            asked.ask_for_page(asked.page().saturating_sub(1));
        }
        let reply = self.serve_good(call, &asked).unwrap_or_else(|refused| refused);
        let mut answer = match fault {
            Some(fault) => self.spoil(fault, reply, call),
            None => Answer { reply, delivery: Delivery::Whole },
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
            settings: BTreeMap::from([("url", url.to_owned()), ("tenant", self.credentials.tenant.clone())]),
            secret: BTreeMap::from([
                ("username", self.credentials.username.clone()),
                ("password", self.credentials.password.clone()),
            ]),
        }
    }
}

/// Damages a row; where the vendor has neither attributes nor relationships, the row's own fields stand for them.
fn spoil_row(rows: &mut Value, index: usize, damage: RowDamage) {
    let fields = rows.get_mut(index).and_then(Value::as_object_mut);
    match (damage, fields) {
        (RowDamage::NumbersForTexts, Some(fields)) => {
            fields.values_mut().filter(|value| value.is_string()).for_each(|value| *value = json!(7));
        }
        (RowDamage::NoOwner, Some(fields)) => fields.retain(|name, _| !name.eq_ignore_ascii_case("accountId")),
        _ => damage_row(rows, index, damage),
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
