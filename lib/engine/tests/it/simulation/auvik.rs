//! A small Auvik whose every row is in our hands: what people do there between nights, and what goes wrong in one.

use std::collections::{BTreeMap, BTreeSet};

use apis::call::{Call, Reply};
use jiff::Timestamp;
use reconcile::ids::VendorId;
use reconcile::record::{Activity, Field, Fields, Kind, VendorRecord};
use serde_json::{Value, json};

use super::cast::There;

/// Rows of one page, so that small accounts have several.
const PAGE_ROWS: usize = 3;

/// A device as the vendor has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    pub name: String,
    pub serial: String,
    pub mac: String,
    pub model: String,
    /// The row cannot be read: the name is no text.
    pub broken: bool,
    /// The list shows the row twice.
    pub doubled: bool,
}

/// A client as the vendor has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tenant {
    pub name: String,
    pub broken: bool,
    pub devices: BTreeMap<String, Device>,
}

/// What is wrong with the vendor tonight.
#[derive(Debug, Clone, Default)]
pub struct Troubles {
    /// The key is not accepted any more, from this call on.
    pub revoked_at: Option<u64>,
    /// Tenants that the account may not read.
    pub forbidden: BTreeSet<String>,
    /// Tenants whose list breaks off on its first page.
    pub cut: BTreeSet<String>,
    /// Tenants whose list is a page of HTML.
    pub html: BTreeSet<String>,
    /// Tenants whose last page leads back to the first.
    pub circling: BTreeSet<String>,
    /// Tenants whose list is never but a 503.
    pub down: BTreeSet<String>,
    /// Calls that are answered with 429 before the next good one.
    pub throttled: u32,
    /// The wait that such an answer asks for, beside two seconds.
    pub throttled_seconds: u64,
}

/// The vendor.
#[derive(Debug, Clone, Default)]
pub struct Auvik {
    pub tenants: BTreeMap<String, Tenant>,
    /// What was taken away and may come back.
    pub hidden_tenants: BTreeMap<String, Tenant>,
    pub hidden_devices: Vec<(String, String, Device)>,
    pub troubles: Troubles,
    pub calls: u64,
    /// When each device was last found to be another than before, and how it was.
    changed: BTreeMap<(String, String), (Timestamp, Device)>,
}

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/vnd.api+json".to_owned())];
    Reply { status, headers, body: body.into() }
}

impl Auvik {
    /// Answers one call.
    pub fn answer(&mut self, call: &Call) -> Reply {
        self.calls += 1;
        if self.troubles.revoked_at.is_some_and(|at| self.calls >= at) {
            return reply(401, r#"{"errors":[{"title":"Full authentication is required to access this resource"}]}"#);
        }
        if self.troubles.throttled > 0 {
            self.troubles.throttled -= 1;
            let mut slow = reply(429, "{}");
            let wait = 2 + self.troubles.throttled_seconds;
            slow.headers.push(("retry-after".to_owned(), wait.to_string()));
            return slow;
        }
        if call.url.path().ends_with("/tenants") {
            return reply(200, self.list_of_tenants().to_string());
        }
        let query: BTreeMap<String, String> = call.url.query_pairs().into_owned().collect();
        let tenant = query.get("tenants").cloned().unwrap_or_default();
        let page = query.get("page[after]").and_then(|page| page.parse().ok()).unwrap_or_default();
        let since = query.get("filter[modifiedAfter]").map(|text| text.parse().expect("an instant"));
        self.list_of_devices(&tenant, page, since)
    }

    /// Notes what people changed since the last look, as changed now.
    pub fn notice_changes(&mut self, now: Timestamp) {
        let mut changed = BTreeMap::new();
        for (tenant, id, device) in
            self.tenants.iter().flat_map(|(tenant, all)| all.devices.iter().map(move |(id, one)| (tenant, id, one)))
        {
            let key = (tenant.clone(), id.clone());
            let before = self.changed.get(&key).filter(|(_, before)| before == device).map(|(at, _)| *at);
            changed.insert(key, (before.unwrap_or(now), device.clone()));
        }
        self.changed = changed;
    }

    fn list_of_tenants(&self) -> Value {
        let rows: Vec<Value> = self
            .tenants
            .iter()
            .map(|(id, tenant)| {
                let name = if tenant.broken { json!(7) } else { json!(tenant.name) };
                json!({"id": id, "type": "tenant",
                    "attributes": {"name": name, "domainPrefix": id, "tenantType": "client"},
                    "relationships": {"parent": {"data": {"id": "msp", "type": "tenant"}}}})
            })
            .collect();
        json!({"data": rows, "links": {}})
    }

    fn list_of_devices(&self, tenant: &str, page: usize, since: Option<Timestamp>) -> Reply {
        let troubles = &self.troubles;
        if troubles.forbidden.contains(tenant) {
            return reply(403, r#"{"errors":[{"title":"Forbidden"}]}"#);
        }
        if troubles.html.contains(tenant) {
            let mut html = reply(200, "<!DOCTYPE html><html><body>Sign in</body></html>");
            html.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            return html;
        }
        if troubles.down.contains(tenant) {
            return reply(503, "");
        }
        let devices = self.tenants.get(tenant).map(|tenant| &tenant.devices);
        let rows: Vec<(&String, &Device)> = devices
            .into_iter()
            .flatten()
            .filter(|(id, _)| {
                let changed = self.changed.get(&(tenant.to_owned(), (*id).clone())).map(|(at, _)| *at);
                since.is_none_or(|since| changed.is_none_or(|at| at > since))
            })
            .flat_map(|row| std::iter::repeat_n(row, 1 + usize::from(row.1.doubled)))
            .collect();
        let shown = &rows[(page * PAGE_ROWS).min(rows.len())..((page + 1) * PAGE_ROWS).min(rows.len())];
        let data: Vec<Value> = shown.iter().map(|(id, device)| row(tenant, id, device)).collect();
        let included: Vec<Value> = shown
            .iter()
            .map(|(id, device)| {
                json!({"id": id, "type": "deviceDetail", "relationships": {"interfaces": {"data":
                    [{"id": "i", "type": "interface", "attributes": {"interfaceName": "e0", "macAddress": device.mac}}]}}})
            })
            .collect();
        let more = (page + 1) * PAGE_ROWS < rows.len();
        let filter = since.map(|since| format!("&filter[modifiedAfter]={since}")).unwrap_or_default();
        let link = |page: usize| format!("/v1/inventory/device/info?tenants={tenant}&page[after]={page}{filter}");
        let links = match (more, troubles.circling.contains(tenant) && !rows.is_empty()) {
            (true, _) => json!({"next": link(page + 1)}),
            (false, true) => json!({"next": link(0)}),
            (false, false) => json!({}),
        };
        let mut body = json!({"data": data, "included": included, "links": links}).to_string();
        if troubles.cut.contains(tenant) {
            body.truncate(body.len() / 2);
        }
        reply(200, body)
    }

    /// Returns what a complete read of this vendor would store, by scope; doubled rows with their number.
    pub fn records(&self) -> There {
        let id = |text: &str| VendorId::parse(text).expect("ids are plain");
        let mut records = BTreeMap::new();
        for (tenant_id, tenant) in &self.tenants {
            let mut record = record(Kind::Client, id(tenant_id), None, &tenant.name);
            record.malformed = tenant.broken.then(|| "name".to_owned());
            records.insert((Kind::Client, id(tenant_id), None), (record, 1));
            for (device_id, device) in &tenant.devices {
                let key = (Kind::Asset, id(device_id), Some(id(tenant_id)));
                records.insert(key, (device.record(id(tenant_id), id(device_id)), 1 + u32::from(device.doubled)));
            }
        }
        records
    }
}

fn record(kind: Kind, vendor_id: VendorId, client: Option<VendorId>, name: &str) -> VendorRecord {
    let name = if name.is_empty() { vendor_id.to_string() } else { name.to_owned() };
    let fields = Fields::default();
    VendorRecord { kind, vendor_id, client, name, fields, class: None, activity: Activity::Active, malformed: None }
}

impl Device {
    fn record(&self, tenant: VendorId, id: VendorId) -> VendorRecord {
        let mut record = record(Kind::Asset, id, Some(tenant), &self.name);
        record.fields.set_text(Field::Hostname, &self.name);
        record.fields.set_text(Field::SerialNumber, &self.serial);
        record.fields.set_text(Field::Model, &self.model);
        record.fields.set_list(Field::MacAddresses, (!self.mac.is_empty()).then_some(&self.mac));
        record.malformed = self.broken.then(|| "deviceName".to_owned());
        record
    }
}

fn row(tenant: &str, id: &str, device: &Device) -> Value {
    let name = if device.broken { json!({"x": 1}) } else { json!(device.name) };
    json!({"id": id, "type": "device",
        "attributes": {"deviceName": name, "serialNumber": device.serial, "makeModel": device.model, "ipAddresses": []},
        "relationships": {"tenant": {"data": {"id": tenant, "type": "tenant"}}}})
}
