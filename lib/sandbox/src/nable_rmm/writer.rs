//! How N-able RMM writes down what it sees of the world: its words, its numbers, and the gaps it leaves
//! (nable_rmm.md, section 6).

use super::Forms;
use super::wire::{Element, free, parent, plain};
use crate::dates::{self, DAY_MS};
use crate::world::{Class, Client, ClientNo, Device, DeviceNo, Seen, Site, SiteNo, System, World};

/// One MAC address in so many lacks the zero that it begins with.
const SHORT_MAC_ONE_IN: u64 = 5;
/// One operating system's name in so many ends with a blank.
const TRAILING_BLANK_ONE_IN: u64 = 9;
/// One device in so many has values of custom fields among its own.
const CUSTOM_ONE_IN: u64 = 13;

/// Where the numbers of each sort begin, and how far the next one is.
const CLIENT_IDS: (u64, u64) = (418_273, 1);
const SITE_IDS: (u64, u64) = (620_117, 1);
const DEVICE_IDS: (u64, u64) = (1_530_901, 3);
/// An asset's number is another one than its device's.
const ASSET_IDS: (u64, u64) = (2_293_336, 7);

/// The two lists of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Server,
    Workstation,
}

impl Sort {
    /// Returns the sort that `devicetype` names; words are told apart by their case.
    pub(super) fn from_word(word: &str) -> Option<Sort> {
        [Sort::Server, Sort::Workstation].into_iter().find(|sort| sort.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Sort::Server => "server",
            Sort::Workstation => "workstation",
        }
    }

    fn of(device: &Device) -> Sort {
        if matches!(device.class, Class::Server | Class::VirtualMachine) { Sort::Server } else { Sort::Workstation }
    }
}

fn number((first, step): (u64, u64), nth: u64) -> u64 {
    first + nth * step
}

fn nth((first, step): (u64, u64), number: u64) -> Option<u64> {
    number.checked_sub(first).filter(|distance| distance.is_multiple_of(step)).map(|distance| distance / step)
}

pub(super) fn client_id(client: ClientNo) -> u64 {
    number(CLIENT_IDS, client.0)
}

pub(super) fn site_id(site: SiteNo) -> u64 {
    number(SITE_IDS, site.0)
}

/// Returns the number of a device. Where servers and workstations are counted apart, a server has the number that the
/// workstation made after it would have.
pub(super) fn device_id(device: &Device, forms: &Forms) -> u64 {
    let apart = forms.numbers_apart && Sort::of(device) == Sort::Server;
    number(DEVICE_IDS, device.number.0 + u64::from(apart))
}

fn asset_id(device: &Device) -> u64 {
    number(ASSET_IDS, device.number.0)
}

/// The world as the RMM knows it.
#[derive(Clone, Copy)]
pub(super) struct Seer<'w> {
    pub world: &'w World,
    pub forms: Forms,
}

impl<'w> Seer<'w> {
    pub(super) fn client(self, id: u64) -> Option<&'w Client> {
        self.world.client(ClientNo(nth(CLIENT_IDS, id)?))
    }

    pub(super) fn site(self, id: u64) -> Option<(&'w Client, &'w Site)> {
        let number = SiteNo(nth(SITE_IDS, id)?);
        let found = self.world.clients.iter().find_map(|client| Some((client, client.site(number)?)));
        found.filter(|(client, site)| sites(client).any(|listed| listed.number == site.number))
    }

    /// Finds a device by its number, which two have where servers and workstations are counted apart.
    pub(super) fn device(self, id: u64) -> Option<(&'w Client, &'w Device)> {
        let all = self.world.clients.iter().flat_map(|client| devices(client).map(move |device| (client, device)));
        all.into_iter().find(|(_, device)| device_id(device, &self.forms) == id)
    }

    pub(super) fn asset(self, id: u64) -> Option<(&'w Client, &'w Device)> {
        let number = DeviceNo(nth(ASSET_IDS, id)?);
        self.world.clients.iter().find_map(|client| Some((client, client.device(number)?)))
    }

    /// Writes a row of list_clients.
    pub(super) fn client_row(self, client: &Client) -> Element {
        let count = |sort: Sort| devices(client).filter(|device| Sort::of(device) == sort).count();
        let (servers, workstations) = (count(Sort::Server), count(Sort::Workstation));
        let zone = if client.number.0.is_multiple_of(2) { "Europe/London" } else { "" };
        parent(
            "client",
            vec![
                free("name", client.name_in(System::Rmm)),
                plain("clientid", client_id(client.number)),
                plain("view_dashboard", 0),
                plain("view_wkstsn_assets", 0),
                free("dashboard_username", "none"),
                free("timezone", zone),
                plain("creation_date", self.date(client.number.0)),
                plain("server_count", servers),
                plain("workstation_count", workstations),
                plain("mobile_device_count", 0),
                plain("device_count", servers + workstations),
            ],
        )
    }

    /// Writes a row of list_sites.
    pub(super) fn site_row(self, site: &Site) -> Element {
        let name = if self.forms.plain_site_names { plain("name", &site.name) } else { free("name", &site.name) };
        let created = if site.number.0.is_multiple_of(4) { String::new() } else { self.date(site.number.0) };
        parent(
            "site",
            vec![
                plain("siteid", site_id(site.number)),
                name,
                plain("connection_ok", 1),
                plain("creation_date", created),
                free("primary_router", router(site)),
                free("secondary_router", ""),
            ],
        )
    }

    /// Returns the devices of one sort at a site.
    pub(super) fn devices_at(self, client: &'w Client, site: &Site, sort: Sort) -> Vec<&'w Device> {
        let here = |device: &&Device| client.sites.get(device.site).is_some_and(|at| at.number == site.number);
        devices(client).filter(here).filter(|device| Sort::of(device) == sort).collect()
    }

    /// Writes a row of list_servers or list_workstations. The order of the fields differs, and means nothing.
    pub(super) fn device_row(self, client: &Client, device: &Device) -> Element {
        let sort = Sort::of(device);
        let id = match sort {
            Sort::Server => plain("serverid", device_id(device, &self.forms)),
            Sort::Workstation => plain("workstationid", device_id(device, &self.forms)),
        };
        let (agent, asset) = (self.agent_fields(device), self.asset_fields(client, device));
        let mut fields = match sort {
            Sort::Server => [vec![id], agent, asset].concat(),
            Sort::Workstation => [asset, vec![id], agent].concat(),
        };
        if device.number.0.is_multiple_of(CUSTOM_ONE_IN) {
            let mut custom = free("custom1", format!("HD-{:04}", device.number.0));
            custom.attributes.push(("customname", "Asset \"Number\" <1>".to_owned()));
            fields.insert(fields.len() / 2, custom);
        }
        parent(sort.word(), fields)
    }

    fn agent_fields(self, device: &Device) -> Vec<Element> {
        let seen_ms = self.seen_ms(device);
        let online = match (device.seen, Sort::of(device)) {
            // Workstations are said to stay online.
            (Seen::Lately, _) | (_, Sort::Workstation) => 1,
            _ => 0,
        };
        let day = seen_ms.map_or_else(|| "0000-00-00 00:00:00".to_owned(), moment);
        let boot = seen_ms.map_or_else(|| "Not Available".to_owned(), |ms| (ms / 1000 - 86_400).to_string());
        let mut fields = vec![
            free("guid", if device.number.0.is_multiple_of(7) { String::new() } else { guid(device) }),
            free("description", device.class.tag()),
            free("agent_version", "10_13_8"),
            plain("agent_mode", 1),
            plain("install_date", self.date(device.number.0)),
            free("last_boot_time", boot),
            plain("online", online),
            plain("active_247", 1),
            plain("check_interval_247", if online == 1 { 5 } else { 60 }),
            plain("status_247", 5),
            plain("utc_time_247", &day),
            plain("dsc_active", 1),
            plain("dsc_hour", 6),
            plain("dsc_utc_time", &day),
            plain("tz_bias", 0),
            plain("tz_dst_bias", -60),
            plain("atz_dst_date", "0000-03-05:00T01:00:00"),
            plain("utc_apt", &day),
            plain("utc_offset", 0),
        ];
        if Sort::of(device) == Sort::Server {
            let late = if online == 1 { 0 } else { 1 };
            fields.extend([
                plain("miss_factor_247", "2.0"),
                plain("missed_247", late),
                plain("email_overdue_alert", 1),
                plain("remote_connection_type", 0),
                free("remote_address", ""),
            ]);
        }
        fields
    }

    fn asset_fields(self, client: &Client, device: &Device) -> Vec<Element> {
        let name = device.name_in(System::Rmm, client).unwrap_or_default();
        let macs = macs(device);
        let mac = |nth: usize| macs.get(nth).cloned().unwrap_or_default();
        let address = device.ips.first().map(ToString::to_string).unwrap_or_default();
        let (plain_os, full_os) = operating_system(device);
        let (os, details) = match Sort::of(device) {
            Sort::Server if self.forms.server_details => (plain_os, Some(full_os)),
            Sort::Server => (full_os, None),
            Sort::Workstation if is_windows(device) => (plain_os, Some(full_os)),
            Sort::Workstation => (plain_os, Some(String::new())),
        };
        let blank = if device.number.0.is_multiple_of(TRAILING_BLANK_ONE_IN) && !os.is_empty() { " " } else { "" };
        let scanned = self.seen_ms(device).map_or_else(|| "0000-00-00 00:00:00".to_owned(), moment);
        let mut fields = vec![
            free("name", name.clone()),
            plain("assetid", asset_id(device)),
            free("wins_name", name),
            free("user", user(client, device)),
            free("domain", format!("{}.local", client.slug)),
            plain("role", role(device)),
            plain("chassis_type", chassis(device)),
            free("manufacturer", device.make.as_deref().unwrap_or_default()),
            free("model", device.model.as_deref().unwrap_or_default()),
            free("device_serial", device.serial_in(System::Rmm).unwrap_or_default()),
            free("ip", address),
            free("external_ip", format!("203.0.113.{}", client.number.0 % 250 + 1)),
            free("mac1", mac(0)),
            free("mac2", mac(1)),
            free("mac3", mac(2)),
            free("os", format!("{os}{blank}")),
            plain("os_type", 18),
            plain("service_pack", "0"),
            free("os_serial_number", "00330-80000-00000-AA001"),
            free("os_product_key", ""),
            plain("processor_count", 1),
            plain("total_memory", 8_589_934_592_u64),
            plain("last_scan_time", scanned),
        ];
        fields.extend(details.map(|text| free("os_details", text)));
        fields
    }

    /// Writes the tree of list_devices_at_client: by the sites' names, then by the devices'.
    pub(super) fn tree(self, client: &'w Client, sort: Sort) -> Option<Element> {
        let mut at: Vec<(&Site, Vec<&Device>)> =
            sites(client).map(|site| (site, self.devices_at(client, site, sort))).collect();
        at.retain(|(_, devices)| !devices.is_empty());
        at.sort_by_key(|(site, _)| &site.name);
        let rows = at.into_iter().map(|(site, mut devices)| {
            devices.sort_by_key(|device| device.name.clone());
            let id = [plain("id", site_id(site.number)), free("name", &site.name)];
            parent("site", id.into_iter().chain(devices.into_iter().map(|device| self.leaf(client, device))).collect())
        });
        let rows: Vec<Element> = rows.collect();
        let id = [plain("id", client_id(client.number)), free("name", client.name_in(System::Rmm))];
        (!rows.is_empty()).then(|| parent("client", id.into_iter().chain(rows).collect()))
    }

    fn leaf(self, client: &Client, device: &Device) -> Element {
        let checks = |kind: u64| parent("checkcount", vec![plain("dsc_247", kind), plain("pass", 6), plain("fail", 0)]);
        let mut fields = vec![
            plain("id", device_id(device, &self.forms)),
            free("name", device.name_in(System::Rmm, client).unwrap_or_default()),
            free("username", user(client, device)),
            free("description", device.class.tag()),
            plain("status", "Ok"),
        ];
        fields.extend((1..=device.number.0 % 3).map(checks));
        fields.extend(["takecontrol", "patch", "mav", "mob", "systray", "mavbreck"].map(|flag| plain(flag, 0)));
        parent(Sort::of(device).word(), fields)
    }

    /// Writes what stands straight under the result of list_device_asset_details.
    pub(super) fn asset_details(self, client: &Client, device: &Device) -> Vec<Element> {
        let macs = macs(device);
        let mac = |nth: usize| macs.get(nth).cloned().unwrap_or_default();
        vec![
            plain("assetid", asset_id(device)),
            free("client", user(client, device)),
            plain("chassistype", chassis(device)),
            free("ip", device.ips.first().map(ToString::to_string).unwrap_or_default()),
            free("mac1", mac(0)),
            free("mac2", mac(1)),
            free("mac3", mac(2)),
            free("user", device.name_in(System::Rmm, client).unwrap_or_default()),
            free("manufacturer", device.make.as_deref().unwrap_or_default()),
            free("model", device.model.as_deref().unwrap_or_default()),
            free("os", operating_system(device).0),
            free("serialnumber", device.serial_in(System::Rmm).unwrap_or_default()),
            free("productkey", ""),
            plain("role", role(device)),
            plain("servicepack", 0),
            plain("ram", 8_589_934_592_u64),
            plain("scantime", self.seen_ms(device).map_or_else(String::new, moment)),
            parent("hardware", self.hardware(device).into_iter().map(|(_, item)| parent("item", item)).collect()),
            parent("software", Vec::new()),
        ]
    }

    /// Writes the network adapters of an asset, which are all the hardware that matters here: with their number, and the
    /// fields that both lists share.
    pub(super) fn hardware(self, device: &Device) -> Vec<(u64, Vec<Element>)> {
        let adapter = |(nth, mac): (usize, String)| {
            let number = device.number.0 * 8 + nth as u64;
            let details = format!("AdapterType=Ethernet 802.3 MACAddress={mac}");
            (
                number,
                vec![plain("hardwareid", number), free("name", "Ethernet"), plain("type", 1), free("details", details)],
            )
        };
        macs(device).into_iter().enumerate().map(adapter).collect()
    }

    fn seen_ms(self, device: &Device) -> Option<u64> {
        match device.seen {
            Seen::Lately => Some(self.world.now_ms - device.number.0 * 31 % 600 * 1000),
            Seen::At(instant_ms) => Some(instant_ms),
            Seen::Never => None,
        }
    }

    /// Returns a day some years back that a number decides.
    fn date(self, number: u64) -> String {
        dates::stamp(1_600_000_000_000 + number * 97 % 1500 * DAY_MS)[..10].to_owned()
    }
}

/// Returns the sites of a client: those in use, and those where something was left.
pub(super) fn sites(client: &Client) -> impl Iterator<Item = &Site> {
    let is_used = |nth: usize| devices(client).any(|device| device.site == nth);
    client.sites.iter().enumerate().filter(move |(nth, site)| site.is_active || is_used(*nth)).map(|(_, site)| site)
}

/// Returns the devices of a client that have an agent.
pub(super) fn devices(client: &Client) -> impl Iterator<Item = &Device> {
    client.devices.iter().filter(|device| device.is_seen_by(System::Rmm))
}

/// Says whether a client has an active device of a sort.
pub(super) fn has(client: &Client, sort: Sort) -> bool {
    devices(client).any(|device| Sort::of(device) == sort)
}

/// Returns `2024-12-10 12:18:57`.
fn moment(instant_ms: u64) -> String {
    dates::stamp(instant_ms)[..19].replace('T', " ")
}

fn guid(device: &Device) -> String {
    format!("{:020x}", u128::from(device.number.0) * 0x9e37_79b9_7f4a_7c15)
}

fn router(site: &Site) -> String {
    if site.number.0.is_multiple_of(3) { String::new() } else { format!("198.51.100.{}", site.number.0 % 250 + 1) }
}

fn macs(device: &Device) -> Vec<String> {
    let written = |(nth, [a, b, c, d, e, f]): (usize, [u8; 6])| {
        let whole = format!("{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}");
        let is_short = (device.number.0 + nth as u64).is_multiple_of(SHORT_MAC_ONE_IN);
        whole.strip_prefix('0').filter(|_| is_short).map_or_else(|| whole.clone(), str::to_owned)
    };
    device.macs_in(System::Rmm).into_iter().enumerate().map(written).collect()
}

fn user(client: &Client, device: &Device) -> String {
    let contact = client.contacts.get(device.number.0 as usize % client.contacts.len().max(1));
    contact.map(|contact| format!("{}\\{}", client.slug.to_uppercase(), contact.family_name)).unwrap_or_default()
}

fn is_windows(device: &Device) -> bool {
    device.os.as_deref().is_some_and(|os| os.contains("Windows"))
}

/// Returns the name of the operating system alone, and with the build that its version tells.
fn operating_system(device: &Device) -> (String, String) {
    let name = device.os.as_deref().unwrap_or_default().to_owned();
    let build = device.software.as_deref().and_then(|version| version.split('.').nth(2));
    let full = match build.filter(|_| is_windows(device)) {
        Some(build) => format!("{name}, 64-bit (build {build})"),
        None => name.clone(),
    };
    (name, full)
}

/// Windows' own roles, and what stands beside them (nable_rmm.md, section 6).
fn role(device: &Device) -> u64 {
    match (Sort::of(device), device.os.as_deref().unwrap_or_default()) {
        (_, "") => 999,
        (_, os) if os.starts_with("macOS") => 102,
        (_, os) if !os.contains("Windows") => 101,
        (Sort::Server, _) => 3 + device.number.0 % 3,
        (Sort::Workstation, _) => device.number.0 % 2,
    }
}

fn chassis(device: &Device) -> u64 {
    match device.class {
        Class::Laptop => [8, 9, 10, 14][device.number.0 as usize % 4],
        Class::Workstation => 3,
        _ => 23,
    }
}
