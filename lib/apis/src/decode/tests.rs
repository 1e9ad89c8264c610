use super::*;

#[test]
fn mac_addresses_get_one_spelling() {
    let spellings = ["3c:37:86:aa:bb:0c", "3C-37-86-AA-BB-0C", "3c37.86aa.bb0c", "3c3786AABB0C", " 3c:37:86:aa:bb:0c "];
    for spelling in spellings {
        assert_eq!(mac_address(spelling).as_deref(), Some("3C:37:86:AA:BB:0C"), "{spelling}");
    }
}

#[test]
fn what_is_no_address_of_a_device_is_none() {
    let others = [
        "",
        "null",
        "N/A",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "3c:37:86:aa:bb",
        "3c:37:86:aa:bb:0c:0d",
        "zz:37:86:aa:bb:0c",
    ];
    for other in others {
        assert_eq!(mac_address(other), None, "{other}");
    }
}

#[test]
fn hashes_are_the_same_in_every_version() {
    assert_eq!(hash(["a"]), 0x089b_e207_b544_f1e4);
    assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let document = document::<Value, Value>("\u{feff}{\"data\":[1]}".as_bytes());
    assert_eq!((document.data.len(), document.broken), (1, None));
}

#[test]
fn what_follows_the_document_breaks_it_but_costs_no_row() {
    let document = document::<Value, Value>(b"{\"data\":[{},{}]} tail");
    assert_eq!(document.data.len(), 2);
    assert!(document.broken.is_some());
}

#[test]
fn bytes_that_are_no_text_are_said_to_be_none() {
    assert_eq!(document::<Value, Value>(b"{\"data\":[\xff]}").broken.as_deref(), Some("it is not UTF-8"));
    assert_eq!(document::<Value, Value>(b" ").broken.as_deref(), Some("it is empty"));
}
