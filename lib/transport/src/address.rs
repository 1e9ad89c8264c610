//! Which network addresses may be called.
//!
//! A vendor's URL is typed in by a person and a name resolves to whatever its owner says, so both could point inward:
//! at a neighbour, at this machine, at the cloud's metadata. The rule looks at addresses only, never at names. Ranges are
//! those of the IANA special-purpose registries (RFC 6890 and what came after); what is not known to be public is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a call may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Public addresses.
    Public,
    /// Public addresses and those of a private network (RFC 1918, unique local IPv6): on-premise installations.
    Private,
    /// This machine and nothing else: the sandbox and tests.
    Loopback,
}

/// Returns why the address may not be called, or nothing if it may.
///
/// IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4) are judged by the address inside.
pub(crate) fn refusal(address: IpAddr, reach: Reach) -> Option<&'static str> {
    if reach == Reach::Loopback {
        return (!address.to_canonical().is_loopback()).then_some("it is not an address of this machine");
    }
    match address {
        IpAddr::V4(address) => refusal_v4(address, reach),
        IpAddr::V6(address) => refusal_v6(address, reach),
    }
}

fn refusal_v4(address: Ipv4Addr, reach: Reach) -> Option<&'static str> {
    let private = || (reach != Reach::Private).then_some("it is a private address");
    // The platform's own server on Azure has a public-looking address.
    if address == Ipv4Addr::new(168, 63, 129, 16) {
        return Some("it is the cloud's metadata address");
    }
    match address.octets() {
        [0, ..] => Some("it is an unspecified address"),
        [127, ..] => Some("it is a loopback address"),
        [10, ..] | [192, 168, ..] => private(),
        [172, second, ..] if (16..32).contains(&second) => private(),
        [169, 254, 169, 254] => Some("it is the cloud's metadata address"),
        [169, 254, ..] => Some("it is a link-local address"),
        [100, second, ..] if (64..128).contains(&second) => Some("it is a carrier's shared address"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("it is an address for documentation"),
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Some("it is an address for special purposes"),
        [224..=239, ..] => Some("it is a multicast address"),
        [240..=255, ..] => Some("it is a reserved address"),
        _ => None,
    }
}

fn refusal_v6(address: Ipv6Addr, reach: Reach) -> Option<&'static str> {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("it is an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("it is a loopback address"),
        [0, 0, 0, 0, 0, 0xffff, high, low] => refusal_v4(embedded(high, low), reach),
        // Through a translator or relay nothing private can be meant.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => refusal_v4(embedded(high, low), Reach::Public),
        [0x2002, high, low, ..] => refusal_v4(embedded(high, low), Reach::Public),
        // Metadata addresses within the unique local range: AWS, then Google.
        [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] => Some("it is the cloud's metadata address"),
        [first, ..] if first & 0xfe00 == 0xfc00 => (reach != Reach::Private).then_some("it is a private address"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("it is a link-local address"),
        [first, ..] if first & 0xff00 == 0xff00 => Some("it is a multicast address"),
        [0x2001, 0x0db8, ..] => Some("it is an address for documentation"),
        [0x3fff, second, ..] if second < 0x1000 => Some("it is an address for documentation"),
        [0x2001, second, ..] if second < 0x0200 => Some("it is an address for special purposes"),
        [first, ..] if first & 0xe000 == 0x2000 => None,
        _ => Some("it is not a public address"),
    }
}

#[cfg(test)]
mod tests;
