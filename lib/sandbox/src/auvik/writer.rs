//! How Auvik writes down what it sees of the world: its words, its ids, and the gaps it leaves.

use std::fmt::Display;

use super::ids::{Spot, configuration_spot, device_spot, interface_spot, network_spot, opaque, tenant_id};
use super::wire::{
    Backup, Data, DetailAttributes, DetailRelations, DetailRow, DeviceAttributes, DeviceName, DeviceRelations,
    DeviceRow, Discovery, InterfaceAttributes, InterfaceName, InterfaceRelations, InterfaceRow, Links, Many, Mention,
    NetworkName, One, Prefix, Row, TenantAddress, TenantAttributes, TenantDetailAttributes, TenantDetailRelations,
    TenantDetailRow, TenantRelations, TenantRow,
};
use crate::dates;
use crate::world::{Class, Client, Device, Interface, Seen, Standing, System, World};

/// A MAC address that is not there is written as a word by one device in so many (auvik.md, section 9, quirk 3).
const NULL_AS_WORD_ONE_IN: u64 = 997;
/// The model begins with the maker's name at one device in so many (auvik.md, section 12).
const MAKE_IN_MODEL_ONE_IN: u64 = 7;

/// What a device can be, and so what may be filtered by (auvik.md, section 4).
pub(super) const DEVICE_TYPES: &str = "unknown switch l3Switch router accessPoint firewall workstation server storage \
    printer copier hypervisor multimedia phone tablet handheld virtualAppliance bridge controller hub modem ups module \
    loadBalancer camera telecommunications packetProcessor chassis airConditioner virtualMachine pdu ipPhone backhaul \
    internetOfThings voipSwitch stack backupDevice timeClock lightingDevice audioVisual securityAppliance utm alarm \
    buildingManagement ipmi thinAccessPoint thinClient";
/// States of a device (auvik.md, section 4).
pub(super) const ONLINE_STATUSES: &str = "online offline unreachable testing unknown dormant notPresent lowerLayerDown";

/// Which relationships of a device's detail were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DetailFields {
    pub connected_devices: bool,
    pub interfaces: bool,
    pub configurations: bool,
    pub components: bool,
}

impl DetailFields {
    /// Reads `fields[deviceDetail]`: everything without it, the named ones with it. Unknown names do no harm
    /// (auvik.md, section 4).
    pub(super) fn read(list: Option<&str>) -> Self {
        let asked = |name: &str| list.is_none_or(|list| list.split(',').any(|field| field.trim() == name));
        Self {
            connected_devices: asked("connectedDevices"),
            interfaces: asked("interfaces"),
            configurations: asked("configurations"),
            components: asked("components"),
        }
    }
}

/// Writes rows: the world as it is, and where the API lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub world: &'a World,
    pub origin: &'a str,
}

impl Writer<'_> {
    /// Writes a row of the tenants' list (auvik.md, section 3).
    pub(super) fn tenant(self, client: &Client, with_name: bool) -> TenantRow {
        Row {
            r#type: "tenant",
            id: tenant_id(client.number).to_string(),
            attributes: TenantAttributes {
                domain_prefix: client.slug.clone(),
                tenant_type: tenant_type(client),
                name: with_name.then(|| client.name_in(System::Network)),
            },
            relationships: self.parent("tenant", client).map(|parent| TenantRelations { parent }),
            links: None,
        }
    }

    /// Writes a tenant's detail; the display name, the trial dates and the address are missing now and then.
    pub(super) fn tenant_detail(self, client: &Client) -> TenantDetailRow {
        let nth = client.number.0;
        let address = client.sites.first().filter(|_| !nth.is_multiple_of(9)).map(|site| {
            let (address, old) = (&site.address, nth.is_multiple_of(4));
            let postal_code = Some(address.postal_code.clone());
            TenantAddress {
                address1: address.street.clone(),
                address2: address.floor,
                city: address.city,
                state: (!old).then_some(address.state),
                old_state: old.then_some(address.state),
                postal_code: postal_code.clone().filter(|_| !old),
                old_postal_code: postal_code.filter(|_| old),
                country: address.country,
            }
        });
        let trial = nth.is_multiple_of(3);
        Row {
            r#type: "tenants",
            id: tenant_id(client.number).to_string(),
            attributes: TenantDetailAttributes {
                domain_prefix: client.slug.clone(),
                display_name: (nth % 30 != 7).then(|| client.name_in(System::Network)),
                tenant_type: tenant_type(client),
                enabled: true,
                subscribed: true,
                subscription_owner: self.world.clients.first().map_or_else(String::new, |msp| msp.slug.clone()),
                running: true,
                trial_start_date: trial.then_some("2023-02-01T14:00:00.000-0500"),
                trial_end_date: trial.then_some("2023-02-15T14:00:00.000-0500"),
                address,
            },
            relationships: Some(TenantDetailRelations {
                parent: self.parent("tenants", client),
                authorizations: Data {
                    data: vec![Mention {
                        r#type: "authorizations",
                        id: format!("({},8817)", 61_203 + nth),
                        attributes: None,
                        links: None,
                    }],
                },
            }),
            links: None,
        }
    }

    /// Writes a device (auvik.md, section 4): no MAC address and no operating system of its own here.
    pub(super) fn device<'a>(self, client: &Client, device: &'a Device) -> DeviceRow<'a> {
        let spot = device_spot(client, device);
        Row {
            r#type: "device",
            id: opaque(spot),
            attributes: DeviceAttributes {
                ip_addresses: &device.ips,
                device_name: device_name(client, device),
                device_type: device_type(device.class),
                make_model: make_model(device),
                vendor_name: device.make.as_deref(),
                software_version: device.software.as_deref(),
                serial_number: device.serial.as_deref(),
                description: description(device),
                firmware_version: device.firmware.as_deref(),
                last_modified: modified(device),
                last_seen_time: last_seen_ms(self.world, device).map(dates::stamp),
                online_status: online_status(device),
            },
            relationships: Some(DeviceRelations {
                tenant: tenant_mention(client),
                networks: Data { data: vec![self.network(client, device)] },
                device_detail: Data {
                    data: Mention {
                        r#type: "deviceDetail",
                        id: opaque(spot),
                        attributes: None,
                        links: Some(self.links(client, spot, "device", "inventory/device/detail")),
                    },
                },
            }),
            links: Some(self.links(client, spot, "device", "inventory/device/info")),
        }
    }

    /// Writes a device's detail; its interfaces are the cheap source of MAC addresses, in lower case here.
    pub(super) fn detail(self, client: &Client, device: &Device, fields: DetailFields) -> DetailRow {
        let spot = device_spot(client, device);
        let computer = device.class.is_computer();
        let network_gear = matches!(device.class, Class::Firewall | Class::Switch | Class::Router);
        Row {
            r#type: "deviceDetail",
            id: opaque(spot),
            attributes: DetailAttributes {
                discovery_status: Discovery {
                    snmp: if computer { "notSupported" } else { "authorized" },
                    login: if network_gear { "privileged" } else { "notSupported" },
                    wmi: if computer { "authorized" } else { "notSupported" },
                    vmware: if device.class == Class::Hypervisor { "authorized" } else { "disabled" },
                },
                manage_status: device.managed,
                traffic_insights_status: if network_gear { "notApproved" } else { "notDetected" },
            },
            relationships: Some(DetailRelations {
                tenant: tenant_mention(client),
                connected_devices: fields.connected_devices.then(|| self.uplink(client, device)),
                interfaces: fields.interfaces.then(|| self.interface_mentions(client, device)),
                configurations: fields.configurations.then(|| self.configurations(client, device, network_gear)),
                components: fields.components.then(|| Data { data: Vec::new() }),
            }),
            links: Some(self.links(client, spot, "device", "inventory/device/detail")),
        }
    }

    /// Writes an interface (auvik.md, section 6): its MAC address is in upper case here.
    pub(super) fn interface(self, client: &Client, device: &Device, nth: usize) -> InterfaceRow {
        let interface = &device.interfaces[nth];
        let spot = interface_spot(client, device, nth);
        let real = !interface.is_virtual;
        Row {
            r#type: "interface",
            id: opaque(spot),
            attributes: InterfaceAttributes {
                interface_name: interface.name.to_string(),
                interface_type: if real { "ethernet" } else { "virtualNic" },
                mac_address: mac(device, interface).map(|mac| mac.to_uppercase()),
                negotiated_speed: real.then_some("1.0 Gbit/s"),
                duplex: if real { "full" } else { "unknown" },
                custom_connections: false,
                ip_addresses: device.ips.get(nth).map(ToString::to_string).into_iter().collect(),
                operational_status: online_status(device),
                admin_status: true,
                last_modified: modified(device),
            },
            relationships: Some(InterfaceRelations {
                tenant: tenant_mention(client),
                connected_to: Data { data: Vec::new() },
                networks: Data { data: Vec::new() },
                parent_device: Data {
                    data: Mention {
                        r#type: "device",
                        id: opaque(device_spot(client, device)),
                        attributes: None,
                        links: Some(self.self_link(device_spot(client, device), "inventory/device/info")),
                    },
                },
            }),
            links: Some(self.links(client, spot, "interface", "inventory/interface/info")),
        }
    }

    fn parent(self, word: &'static str, client: &Client) -> Option<One<()>> {
        let msp = self.world.clients.first().filter(|_| client.standing == Standing::Customer)?;
        let id = tenant_id(msp.number).to_string();
        Some(Data { data: Mention { r#type: word, id, attributes: None, links: None } })
    }

    fn network(self, client: &Client, device: &Device) -> Mention<NetworkName> {
        let spot = network_spot(client, device);
        let network_name = match device.ips.first() {
            Some(std::net::IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            _ => format!("network {}", device.network),
        };
        Mention {
            r#type: "network",
            id: opaque(spot),
            attributes: Some(NetworkName { network_name }),
            links: Some(self.links(client, spot, "network", "inventory/network/info")),
        }
    }

    /// Everything hangs on the client's first device.
    fn uplink(self, client: &Client, device: &Device) -> Many<DeviceName> {
        let first = client.devices.first().filter(|first| first.number != device.number);
        let mention = |first: &Device| Mention {
            r#type: "device",
            id: opaque(device_spot(client, first)),
            attributes: Some(DeviceName { device_name: device_name(client, first) }),
            links: Some(self.links(client, device_spot(client, first), "device", "inventory/device/info")),
        };
        Data { data: first.map(mention).into_iter().collect() }
    }

    fn interface_mentions(self, client: &Client, device: &Device) -> Many<InterfaceName> {
        let mention = |(nth, interface): (usize, &Interface)| {
            let spot = interface_spot(client, device, nth);
            Mention {
                r#type: "interface",
                id: opaque(spot),
                attributes: Some(InterfaceName {
                    interface_name: interface.name.to_string(),
                    mac_address: mac(device, interface),
                }),
                links: Some(self.links(client, spot, "interface", "inventory/interface/info")),
            }
        };
        Data { data: device.interfaces.iter().enumerate().map(mention).collect() }
    }

    fn configurations(self, client: &Client, device: &Device, has_one: bool) -> Many<Backup> {
        let spot = configuration_spot(client, device);
        let mention = || Mention {
            r#type: "configuration",
            id: opaque(spot),
            attributes: Some(Backup { is_running: true, backup_time: dates::stamp(device.modified_ms) }),
            links: Some(self.self_link(spot, "inventory/configuration")),
        };
        Data { data: has_one.then(mention).into_iter().collect() }
    }

    fn links(self, client: &Client, spot: Spot, kind: impl Display, path: &str) -> Links {
        let dashboard = format!("https://{}.my.auvik.com/#entity/{kind}/{}/dashboard", client.slug, spot.1);
        Links { dashboard: Some(dashboard), ..self.self_link(spot, path) }
    }

    fn self_link(self, spot: Spot, path: &str) -> Links {
        Links { dashboard: None, this: format!("{}/v1/{path}/{}", self.origin, opaque(spot)) }
    }
}

/// Returns the instant a device was last seen.
pub(super) fn last_seen_ms(world: &World, device: &Device) -> Option<u64> {
    match device.seen {
        Seen::Lately => Some(world.now_ms - device.number.0 * 7919 % 900_000),
        Seen::At(instant_ms) => Some(instant_ms),
        Seen::Never => None,
    }
}

/// Returns Auvik's word for the state of a device (auvik.md, section 4).
pub(super) fn online_status(device: &Device) -> &'static str {
    match device.seen {
        Seen::Lately => "online",
        Seen::At(_) if device.number.0.is_multiple_of(10) => "notPresent",
        Seen::At(_) => "offline",
        Seen::Never => "unknown",
    }
}

/// Returns Auvik's word for what a device is (auvik.md, section 4).
pub(super) fn device_type(class: Class) -> &'static str {
    match class {
        Class::Firewall => "firewall",
        Class::Switch => "switch",
        Class::AccessPoint => "accessPoint",
        Class::Router => "router",
        Class::Server => "server",
        Class::Hypervisor => "hypervisor",
        Class::VirtualMachine => "virtualMachine",
        Class::Workstation | Class::Laptop => "workstation",
        Class::Printer => "printer",
        Class::Phone => "ipPhone",
        Class::Storage => "storage",
        Class::Ups => "ups",
        Class::Camera => "camera",
        Class::Unknown => "unknown",
    }
}

/// Returns the model as Auvik shows it.
pub(super) fn make_model(device: &Device) -> Option<String> {
    let model = device.model.as_deref()?;
    Some(match device.make.as_deref() {
        Some(make) if device.number.0.is_multiple_of(MAKE_IN_MODEL_ONE_IN) => format!("{make} {model}"),
        _ => model.to_owned(),
    })
}

/// Returns the name as Auvik shows it: an unnamed device is something at an address (auvik.md, section 4).
fn device_name(client: &Client, device: &Device) -> String {
    device.name_in(System::Network, client).map_or_else(
        || {
            let ip = device.ips.first().map(ToString::to_string).unwrap_or_default();
            format!("{}@{ip}", device.make.as_deref().unwrap_or("Device"))
        },
        |name| name.into_owned(),
    )
}

fn description(device: &Device) -> String {
    let parts = [device.os.as_deref(), device.software.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// One in many dates has no milliseconds (auvik.md, section 9, quirk 8).
fn modified(device: &Device) -> String {
    let stamp = dates::stamp(device.modified_ms);
    if device.number.0.is_multiple_of(501) { stamp.replace(".000Z", "Z") } else { stamp }
}

fn mac(device: &Device, interface: &Interface) -> Option<String> {
    let Some([a, b, c, d, e, f]) = interface.mac else {
        return device.number.0.is_multiple_of(NULL_AS_WORD_ONE_IN).then(|| "null".to_owned());
    };
    Some(format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"))
}

fn tenant_type(client: &Client) -> &'static str {
    match client.standing {
        Standing::Msp => "multiClient",
        _ => "client",
    }
}

fn tenant_mention(client: &Client) -> One<Prefix> {
    Data {
        data: Mention {
            r#type: "tenant",
            id: tenant_id(client.number).to_string(),
            attributes: Some(Prefix { domain_prefix: client.slug.clone() }),
            links: None,
        },
    }
}
