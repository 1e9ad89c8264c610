//! Auvik's wire form as types (auvik.md, sections 3, 4, 6 and 11); [`super::writer`] fills them from the world.

use serde::Serialize;

/// `{"data": …}`.
#[derive(Debug, Serialize)]
pub(super) struct Data<T> {
    pub data: T,
}

/// A list with its neighbours.
#[derive(Debug, Serialize)]
pub(super) struct ListBody<T> {
    pub data: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<Vec<DetailRow>>,
    pub links: ListLinks,
    pub meta: Meta,
}

/// One row with what was asked for beside it.
#[derive(Debug, Serialize)]
pub(super) struct OneBody<T> {
    pub data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<Vec<DetailRow>>,
}

/// Addresses of the neighbours; `next` is absent on the last page (auvik.md, section 8).
#[derive(Debug, Default, Serialize)]
pub(super) struct ListLinks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub total_pages: usize,
}

/// Where something can be looked at.
#[derive(Debug, Serialize)]
pub(super) struct Links {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    #[serde(rename = "self")]
    pub this: String,
}

/// A row of its own.
#[derive(Debug, Serialize)]
pub(super) struct Row<A, R> {
    pub r#type: &'static str,
    pub id: String,
    pub attributes: A,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationships: Option<R>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

/// A mention of something else.
#[derive(Debug, Serialize)]
pub(super) struct Mention<A> {
    pub r#type: &'static str,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<A>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

pub(super) type One<A> = Data<Mention<A>>;
pub(super) type Many<A> = Data<Vec<Mention<A>>>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantAttributes {
    pub domain_prefix: String,
    pub tenant_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct TenantRelations {
    pub parent: One<()>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantDetailAttributes {
    pub domain_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub tenant_type: &'static str,
    pub enabled: bool,
    pub subscribed: bool,
    pub subscription_owner: String,
    pub running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_start_date: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_end_date: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<TenantAddress>,
}

#[derive(Debug, Serialize)]
pub(super) struct TenantAddress {
    pub address1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address2: Option<&'static str>,
    pub city: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    #[serde(rename = "State/Province", skip_serializing_if = "Option::is_none")]
    pub old_state: Option<&'static str>,
    #[serde(rename = "postalCode", skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(rename = "ZIP/PostalCode", skip_serializing_if = "Option::is_none")]
    pub old_postal_code: Option<String>,
    pub country: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct TenantDetailRelations {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<One<()>>,
    pub authorizations: Many<()>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prefix {
    pub domain_prefix: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceAttributes<'a> {
    pub ip_addresses: &'a [std::net::IpAddr],
    pub device_name: String,
    pub device_type: &'static str,
    pub make_model: Option<String>,
    pub vendor_name: Option<&'a str>,
    pub software_version: Option<&'a str>,
    pub serial_number: Option<&'a str>,
    pub description: String,
    pub firmware_version: Option<&'a str>,
    pub last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_time: Option<String>,
    pub online_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceRelations {
    pub tenant: One<Prefix>,
    pub networks: Many<NetworkName>,
    pub device_detail: One<()>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkName {
    pub network_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailAttributes {
    pub discovery_status: Discovery,
    pub manage_status: bool,
    pub traffic_insights_status: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Discovery {
    pub snmp: &'static str,
    pub login: &'static str,
    pub wmi: &'static str,
    pub vmware: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailRelations {
    pub tenant: One<Prefix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_devices: Option<Many<DeviceName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Many<InterfaceName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configurations: Option<Many<Backup>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Many<()>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceName {
    pub device_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InterfaceName {
    pub interface_name: String,
    pub mac_address: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Backup {
    pub is_running: bool,
    pub backup_time: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InterfaceAttributes {
    pub interface_name: String,
    pub interface_type: &'static str,
    pub mac_address: Option<String>,
    pub negotiated_speed: Option<&'static str>,
    pub duplex: &'static str,
    pub custom_connections: bool,
    pub ip_addresses: Vec<String>,
    pub operational_status: &'static str,
    pub admin_status: bool,
    pub last_modified: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InterfaceRelations {
    pub tenant: One<Prefix>,
    pub connected_to: Many<()>,
    pub networks: Many<NetworkName>,
    pub parent_device: One<()>,
}

pub(super) type TenantRow = Row<TenantAttributes, TenantRelations>;
pub(super) type TenantDetailRow = Row<TenantDetailAttributes, TenantDetailRelations>;
pub(super) type DeviceRow<'a> = Row<DeviceAttributes<'a>, DeviceRelations>;
pub(super) type DetailRow = Row<DetailAttributes, DetailRelations>;
pub(super) type InterfaceRow = Row<InterfaceAttributes, InterfaceRelations>;
