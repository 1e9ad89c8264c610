use super::*;
use crate::ids::{DocId, VendorId};

fn doc(kind: Kind) -> Doc {
    let client = DocId::parse("c_00000000000000aa").unwrap();
    let id = DocId::imported(kind, kind.is_below_client().then_some(&client), "x", 0);
    Doc::new(id, "x")
}

fn add(doc: &mut Doc, integration: &str, role: Role, stale: bool, field: Field, text: &str) {
    let mut fields = Fields::default();
    if field.is_list() {
        fields.set_list(field, [text])
    } else {
        fields.set_text(field, text)
    }
    let source =
        Source { vendor_id: VendorId::parse("1").unwrap(), client: None, role, name: "x".into(), fields, stale };
    doc.sources.insert(IntegrationId::parse(integration).unwrap(), source);
}

fn winner(doc: &Doc, field: Field) -> String {
    resolve(doc).get(&field).map(|(value, _)| value.to_string()).unwrap_or_default()
}

#[test]
fn device_facts_come_from_rmm_then_monitor_then_psa() {
    let mut doc = doc(Kind::Asset);
    doc.imported.set_text(Field::Model, "imported");
    assert_eq!(winner(&doc, Field::Model), "imported");
    for (integration, role, text) in [("a", Role::Psa, "psa"), ("b", Role::Monitor, "monitor"), ("c", Role::Rmm, "rmm")]
    {
        add(&mut doc, integration, role, false, Field::Model, text);
        assert_eq!(winner(&doc, Field::Model), text);
    }
}

#[test]
fn people_and_places_come_from_psa_then_rmm_then_monitor() {
    for kind in [Kind::Client, Kind::User, Kind::Contact, Kind::Location] {
        let mut doc = doc(kind);
        for (integration, role, text) in [("a", Role::Monitor, "m"), ("b", Role::Rmm, "r"), ("c", Role::Psa, "p")] {
            add(&mut doc, integration, role, false, Field::Phone, text);
            assert_eq!(winner(&doc, Field::Phone), text, "{kind}");
        }
    }
}

#[test]
fn ties_go_to_the_first_integration_and_stale_sources_come_last() {
    let mut doc = doc(Kind::Asset);
    add(&mut doc, "b", Role::Rmm, false, Field::Os, "second");
    add(&mut doc, "a", Role::Rmm, false, Field::Os, "first");
    assert_eq!(winner(&doc, Field::Os), "first");
    add(&mut doc, "a", Role::Rmm, true, Field::Os, "first");
    assert_eq!(winner(&doc, Field::Os), "second");
    add(&mut doc, "c", Role::Psa, false, Field::Os, "psa");
    add(&mut doc, "b", Role::Rmm, true, Field::Os, "second");
    assert_eq!(winner(&doc, Field::Os), "psa");
}

#[test]
fn an_edit_wins_until_released_also_an_emptied_one() {
    let mut doc = doc(Kind::Asset);
    add(&mut doc, "a", Role::Rmm, false, Field::Os, "vendor");
    doc.edits.insert(Field::Os, Some(Value::Text("person".into())));
    assert_eq!(resolve(&doc)[&Field::Os], (Value::Text("person".into()), Origin::Edit));
    doc.edits.insert(Field::Os, None);
    assert!(!resolve(&doc).contains_key(&Field::Os));
    doc.edits.clear();
    assert_eq!(winner(&doc, Field::Os), "vendor");
}

#[test]
fn a_device_is_known_by_every_active_source_and_by_what_is_shown() {
    let mut doc = doc(Kind::Asset);
    add(&mut doc, "a", Role::Rmm, false, Field::SerialNumber, "S1");
    add(&mut doc, "b", Role::Psa, false, Field::SerialNumber, "S2");
    add(&mut doc, "c", Role::Monitor, true, Field::SerialNumber, "S3");
    doc.imported.set_text(Field::SerialNumber, "S4");
    doc.imported.set_list(Field::MacAddresses, ["00:1a:2b:3c:4d:5e", "ff:ff:ff:ff:ff:ff"]);
    let known = Identifiers::of_doc(&doc);
    assert_eq!(known.serials.iter().map(Serial::as_str).collect::<Vec<_>>(), ["S1", "S2"]);
    assert_eq!(known.macs.len(), 1);
}

#[test]
fn drift_lists_the_sources_that_call_it_otherwise() {
    let mut doc = doc(Kind::Client);
    add(&mut doc, "a", Role::Psa, false, Field::Phone, "1");
    assert!(drift(&doc).is_empty());
    doc.name = " X ".into();
    assert!(drift(&doc).is_empty());
    doc.name = "y".into();
    assert_eq!(drift(&doc).into_values().collect::<Vec<_>>(), ["x"]);
}
