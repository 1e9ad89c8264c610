//! Auvik's ids: numbers of 18 digits for tenants, base64 of two numbers for anything below one (auvik.md, section 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::world::{Client, ClientNo, Device, DeviceNo};

/// The place of a row in a list, by tenant and number: lists are in this order.
pub(super) type Spot = (u64, u64);

/// The first tenant's id, and how far the next one is: 18 digits, more than a double can hold.
const TENANT_IDS: (u64, u64) = (736_251_904_418_273_279, 371);
const DEVICE_IDS: (u64, u64) = (736_251_911_160_530_645, 256);
/// Interfaces of one device follow one another.
const INTERFACE_IDS: (u64, u64) = (736_252_011_160_000_000, 16);
/// Networks of one client follow one another.
const NETWORK_IDS: (u64, u64) = (736_252_911_160_000_000, 256);
const CONFIGURATION_IDS: (u64, u64) = (736_253_911_160_000_000, 1);

/// Returns the tenant id of a client.
pub(super) fn tenant_id(client: ClientNo) -> u64 {
    TENANT_IDS.0 + client.0 * TENANT_IDS.1
}

/// Returns the client of a tenant id.
pub(super) fn client_of(tenant_id: u64) -> Option<ClientNo> {
    let distance = tenant_id.checked_sub(TENANT_IDS.0)?;
    distance.is_multiple_of(TENANT_IDS.1).then_some(ClientNo(distance / TENANT_IDS.1))
}

/// Returns the number of a device in Auvik.
pub(super) fn device_entity(device: DeviceNo) -> u64 {
    DEVICE_IDS.0 + device.0 * DEVICE_IDS.1
}

/// Returns the device of a number in Auvik.
pub(super) fn device_of(entity: u64) -> Option<DeviceNo> {
    let distance = entity.checked_sub(DEVICE_IDS.0)?;
    distance.is_multiple_of(DEVICE_IDS.1).then_some(DeviceNo(distance / DEVICE_IDS.1))
}

/// Returns the number of a device's n-th interface.
pub(super) fn interface_entity(device: DeviceNo, nth: usize) -> u64 {
    INTERFACE_IDS.0 + device.0 * INTERFACE_IDS.1 + nth as u64
}

/// Returns the device that an interface's number belongs to, and which of its interfaces it is.
pub(super) fn interface_of(entity: u64) -> Option<(DeviceNo, usize)> {
    let distance = entity.checked_sub(INTERFACE_IDS.0)?;
    Some((DeviceNo(distance / INTERFACE_IDS.1), (distance % INTERFACE_IDS.1) as usize))
}

/// Writes the id of anything below a tenant: base64 without padding of both numbers (auvik.md, section 9, quirk 1).
pub(super) fn opaque((tenant, entity): Spot) -> String {
    STANDARD_NO_PAD.encode(format!("{tenant},{entity}"))
}

/// Reads an id of anything below a tenant.
pub(super) fn read_opaque(id: &str) -> Option<Spot> {
    let bytes = STANDARD_NO_PAD.decode(id).ok()?;
    let (tenant, entity) = std::str::from_utf8(&bytes).ok()?.split_once(',')?;
    Some((tenant.parse().ok()?, entity.parse().ok()?))
}

/// Returns the id that Auvik shows for a device.
pub fn device_id(client: ClientNo, device: DeviceNo) -> String {
    opaque((tenant_id(client), device_entity(device)))
}

/// Returns the place of a device in lists.
pub(super) fn device_spot(client: &Client, device: &Device) -> Spot {
    (tenant_id(client.number), device_entity(device.number))
}

/// Returns the place of the network that a device hangs on.
pub(super) fn network_spot(client: &Client, device: &Device) -> Spot {
    (tenant_id(client.number), NETWORK_IDS.0 + client.number.0 * NETWORK_IDS.1 + u64::from(device.network))
}

/// Returns the place of a device's n-th interface.
pub(super) fn interface_spot(client: &Client, device: &Device, nth: usize) -> Spot {
    (tenant_id(client.number), interface_entity(device.number, nth))
}

/// Returns the place of a device's stored configuration.
pub(super) fn configuration_spot(client: &Client, device: &Device) -> Spot {
    (tenant_id(client.number), CONFIGURATION_IDS.0 + device.number.0 * CONFIGURATION_IDS.1)
}
