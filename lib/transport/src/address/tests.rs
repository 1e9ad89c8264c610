use super::*;

fn check(address: &str, reach: Reach, expected: Option<&str>) {
    let found = refusal(address.parse().unwrap(), reach);
    match expected {
        None => assert_eq!(found, None, "{address} with {reach:?}"),
        Some(word) => assert!(
            found.is_some_and(|why| why.contains(word)),
            "{address} with {reach:?}: {found:?} instead of {word:?}"
        ),
    }
}

#[test]
fn public_addresses_may_be_called_with_either_reach() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2001:db9::1",
        "2a00::1",
        "3fff:1000::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ] {
        check(address, Reach::Public, None);
        check(address, Reach::Private, None);
    }
}

#[test]
fn inward_addresses_are_refused_whatever_the_integration_allows() {
    for (address, word) in [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.0.1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "link-local"),
        ("168.63.129.16", "metadata"),
        ("100.64.0.1", "shared"),
        ("100.100.100.200", "shared"),
        ("100.127.255.255", "shared"),
        ("192.0.0.192", "special"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("192.88.99.1", "special"),
        ("198.18.0.1", "special"),
        ("198.19.255.255", "special"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "not a public"),
        ("::127.0.0.1", "not a public"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "metadata"),
        ("::ffff:0:127.0.0.1", "not a public"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b::169.254.169.254", "metadata"),
        ("64:ff9b:1::8.8.8.8", "not a public"),
        ("100::1", "not a public"),
        ("2001::1", "special"),
        ("2001:1ff::1", "special"),
        ("2001:db8::1", "documentation"),
        ("3fff:fff::1", "documentation"),
        ("2002:7f00:1::1", "loopback"),
        ("2002:a00:1::1", "private"),
        ("2002:a9fe:a9fe::1", "metadata"),
        ("4000::1", "not a public"),
        ("fd00:ec2::254", "metadata"),
        ("fd20:ce::254", "metadata"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "not a public"),
        ("ff02::1", "multicast"),
    ] {
        check(address, Reach::Public, Some(word));
        check(address, Reach::Private, Some(word));
    }
}

#[test]
fn a_private_network_is_for_integrations_that_allow_it() {
    for address in [
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "::ffff:10.1.2.3",
        "fc00::1",
        "fd12:3456::1",
        "fdff::1",
    ] {
        check(address, Reach::Public, Some("private"));
        check(address, Reach::Private, None);
    }
}

#[test]
fn loopback_reaches_this_machine_and_nothing_else() {
    for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        check(address, Reach::Loopback, None);
    }
    for address in ["8.8.8.8", "10.0.0.1", "0.0.0.0", "169.254.169.254", "::", "::ffff:10.0.0.1", "2606:4700::1111"] {
        check(address, Reach::Loopback, Some("not an address of this machine"));
    }
}
