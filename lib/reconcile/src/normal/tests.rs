use super::*;

#[test]
fn placeholder_list_is_sorted_for_the_binary_search() {
    assert!(PLACEHOLDERS.is_sorted());
}

#[test]
fn placeholders_are_no_serials() {
    let bogus = [
        "",
        "  ",
        "-",
        "Unknown",
        "N/A",
        "n.a.",
        "None",
        "(none)",
        "null",
        "Default string",
        "To be filled by O.E.M.",
        "To Be Filled By O.E.M. ",
        "System Serial Number",
        "Not Specified",
        "0",
        "00",
        "0000000",
        "123456789",
        "1234567890",
        "0123456789",
        "12345",
        "xxxxx",
        "XX",
        "INVALID",
        "Chassis Serial Number",
        "........",
        "111111",
        "X",
        "1",
        "a",
    ];
    for text in bogus {
        assert!(Serial::parse(text).is_err(), "{text:?} is taken for a serial number");
    }
}

#[test]
fn serials_compare_in_upper_case_without_outer_blanks() {
    assert_eq!(Serial::parse(" abc-12  3 ").unwrap().as_str(), "ABC-12 3");
    for text in ["1234", "11", "56789", "VMware-56 4d 01", "0X1", "NONE1", "123457"] {
        assert!(Serial::parse(text).is_ok(), "{text:?} is a serial number");
    }
}

#[test]
fn macs_compare_without_separators_and_show_with_colons() {
    for text in ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", " 001A2B3C4D5E "] {
        let mac = Mac::parse(text).unwrap();
        assert_eq!((mac.as_str(), mac.display().as_str()), ("001A2B3C4D5E", "00:1A:2B:3C:4D:5E"));
    }
}

#[test]
fn zero_broadcast_multicast_and_misshapen_macs_are_refused() {
    for text in ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33:33:00:00:00:01"] {
        assert_eq!(Mac::parse(text), Err(Unusable::Placeholder), "{text}");
    }
    for text in ["00:1a:2b:3c:4d", "00:1a:2b:3c:4d:5e:6f:70", "00:1a:2b:3c:4d:5g", "N/A", "00_1a:2b:3c:4d:5e"] {
        assert_eq!(Mac::parse(text), Err(Unusable::Shape), "{text}");
    }
    assert_eq!(Mac::parse(" "), Err(Unusable::Blank));
    assert!(Mac::parse("02:00:4c:4f:4f:50").is_ok(), "locally administered addresses identify until they are shared");
}

#[test]
fn a_host_without_domain_is_the_same_as_one_with() {
    let host = |text| Hostname::parse(text).unwrap();
    assert!(host("FS01").same(&host("fs01.acme.local.")));
    assert!(host("fs01.acme.local").same(&host("FS01")));
    assert!(host("fs01.acme.local").same(&host("FS01.ACME.local")));
    assert!(!host("fs01.acme.local").same(&host("fs01.other.local")));
    assert!(!host("fs01").same(&host("fs02.acme.local")));
}

#[test]
fn localhost_unknown_and_addresses_are_no_host_names() {
    for text in ["localhost", "LOCALHOST.localdomain", "unknown", "Unknown.lan", ".", "10.0.0.7", "fe80::1", "n/a", ""]
    {
        assert!(Hostname::parse(text).is_err(), "{text:?} is taken for a host name");
    }
}

#[test]
fn emails_are_lower_case_and_shaped() {
    assert_eq!(Email::parse(" Ann@Example.COM ").unwrap().as_str(), "ann@example.com");
    assert!(Email::parse("na@acme.example").is_ok(), "one telling side is enough");
    for text in ["", "ann", "ann@", "@acme.com", "ann@acme", "a b@acme.com", "a@b@c.com", "none@none.com", "ann@.com"] {
        assert!(Email::parse(text).is_err(), "{text:?} is taken for an e-mail address");
    }
}

#[test]
fn names_are_identical_after_folding() {
    let key = |text: &str| NameKey::parse(text).unwrap();
    let same = [
        ("Smith &amp; Sons", "smith & sons"),
        ("  Acme\u{a0}\t Ltd ", "ACME LTD"),
        ("Ｃａｆé", "cafe\u{301}"),
        ("Straße AG", "STRASSE AG"),
        ("ΟΔΟΣ", "οδος"),
        ("O&#39;Neill", "o'neill"),
    ];
    for (left, right) in same {
        assert_eq!(key(left), key(right), "{left:?} and {right:?}");
    }
    assert_ne!(key("Acme Ltd"), key("Acme Ltd."), "punctuation tells names apart");
    assert_eq!(NameKey::parse(" \u{a0} "), Err(Unusable::Blank));
}

#[test]
fn addresses_compare_by_their_words() {
    let key = |text: &str, city: Option<&str>| AddressKey::parse(text, city).unwrap();
    assert_eq!(key("1, Main St.", Some("Leeds")), key("1 main st", Some("LEEDS")));
    assert_ne!(key("1 Main St", Some("Leeds")), key("1 Main St", Some("York")));
    assert!(AddressKey::parse("unknown", None).is_err());
}
