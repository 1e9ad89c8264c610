//! Verifying an account at each vendor, kind by kind: what works, what is refused, in whose words, and what to do.

use apis::vendors;
use console::views::{KindVerdict, VerifyView};
use console::words::IntegrationState;
use reconcile::record::Kind;
use sandbox::{Fault, Trouble};

use crate::office::Office;

/// Checks that a refusal says what the vendor said, why, what to do and how to try it, and shows no part of a secret.
fn is_told_well(office: &Office, verdict: &KindVerdict, vendor: &str) {
    assert!(!verdict.ok && !verdict.message.is_empty() && !verdict.cause.is_empty(), "{vendor}: {verdict:?}");
    assert!(verdict.hint.len() > 40, "{vendor}: it says what to do: {verdict:?}");
    assert!(verdict.curl.starts_with("curl "), "{vendor}: {verdict:?}");
    for (name, part) in office.listing(vendor).secret.iter().filter(|(name, _)| **name != "username") {
        let text = format!("{verdict:?}");
        assert!(!text.contains(part.as_str()), "{vendor}: {name} is shown: {text}");
    }
}

fn refused(view: &VerifyView) -> Vec<Kind> {
    view.items.iter().filter(|item| !item.ok).map(|item| item.kind).collect()
}

#[tokio::test]
async fn a_good_account_works_for_every_kind_of_its_vendor() {
    for vendor in vendors::ALL {
        let office = Office::new(2, 6);
        office.add_with(vendor.id, &[], &[]).await;
        let view = office.verify(vendor.id).await;
        assert!(view.ok && view.items.iter().all(|item| item.ok), "{view:?}");
        let mut kinds = vendor.kinds.to_vec();
        kinds.sort();
        assert_eq!(view.items.iter().map(|item| item.kind).collect::<Vec<_>>(), kinds, "{}", vendor.id);
        assert_eq!(view.state, IntegrationState::Verified, "{}", vendor.id);
    }
}

#[tokio::test]
async fn only_kinds_that_are_synced_are_asked_about() {
    for vendor in vendors::ALL {
        let office = Office::new(2, 6);
        office.set_up(vendor.id).await;
        office.set(vendor.id, |change| change.sync = Some([Kind::Client].into())).await.unwrap();
        let view = office.verify(vendor.id).await;
        assert_eq!(view.items.iter().map(|item| item.kind).collect::<Vec<_>>(), [Kind::Client], "{}", vendor.id);
    }
}

#[tokio::test]
async fn a_wrong_secret_works_for_no_kind_and_the_integration_stays_a_draft() {
    for (vendor, parts) in [
        ("auvik", &["api_key"][..]),
        ("nable-rmm", &["api_key"]),
        ("autotask", &["username", "secret", "integration_code"]),
        ("connectwise", &["public_key", "private_key", "client_id"]),
        ("kaseya-bms", &["username", "password"]),
    ] {
        for part in parts {
            let office = Office::new(2, 6);
            office.add_with(vendor, &[], &[(part, "wr0ng-and-l0ng")]).await;
            let view = office.verify(vendor).await;
            assert!(!view.ok && view.items.iter().all(|item| !item.ok), "{vendor}, {part}: {view:?}");
            assert_eq!(view.items.len(), vendors::find(vendor).unwrap().kinds.len(), "{vendor}, {part}");
            assert_eq!(view.state, IntegrationState::Draft, "{vendor}, {part}");
            for item in &view.items {
                is_told_well(&office, item, vendor);
                assert_eq!(item.cause, "credentials", "{vendor}, {part}: {item:?}");
                assert!(!item.curl.contains("wr0ng-and-l0ng") || *part == "username", "{vendor}, {part}: {item:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_company_or_tenant_works_for_no_kind() {
    for (vendor, setting, told) in
        [("connectwise", "company_id", "Check company_id"), ("kaseya-bms", "tenant", "the setting tenant")]
    {
        let office = Office::new(2, 6);
        office.add_with(vendor, &[(setting, "nobody")], &[]).await;
        let view = office.verify(vendor).await;
        assert!(!view.ok && view.items.iter().all(|item| !item.ok), "{vendor}: {view:?}");
        assert_eq!(view.state, IntegrationState::Draft, "{vendor}");
        for item in &view.items {
            is_told_well(&office, item, vendor);
            assert!(item.hint.contains(told), "{vendor}: {item:?}");
        }
    }
}

#[tokio::test]
async fn an_address_where_nobody_answers_works_for_no_kind() {
    for vendor in vendors::ALL {
        let office = Office::new(2, 6);
        office.add_with(vendor.id, &[("url", "http://127.0.0.1:4999")], &[]).await;
        let view = office.verify(vendor.id).await;
        assert_eq!(refused(&view).len(), vendor.kinds.len(), "{}: {view:?}", vendor.id);
        assert_eq!(view.state, IntegrationState::Draft, "{}", vendor.id);
        assert!(view.items[0].message.contains("127.0.0.1:4999"), "{}: {view:?}", vendor.id);
        assert!(view.items[0].hint.contains("url"), "{}: {view:?}", vendor.id);
    }
}

/// Takes the right to a list away.
fn forbid(office: &Office, vendor: &str, path: &str) {
    let trouble = Trouble::new(Fault::Forbidden).at_path(path);
    match vendor {
        "auvik" => office.vendors.auvik.with(|vendor| vendor.trouble(trouble)),
        "autotask" => office.vendors.autotask.with(|vendor| vendor.trouble(trouble)),
        "connectwise" => office.vendors.connectwise.with(|vendor| vendor.trouble(trouble)),
        "kaseya-bms" => office.vendors.kaseya_bms.with(|vendor| vendor.trouble(trouble)),
        other => panic!("{other} has no rights list by list"),
    }
}

/// The lists whose rights are apart, the kinds that cannot do without them, and words of the vendor's refusal. N-able RMM
/// has none: its key has no rights list by list (nable_rmm.md section 2).
const RIGHTS: &[(&str, &str, &[Kind], &str)] = &[
    ("auvik", "/v1/inventory/device", &[Kind::Asset], ""),
    ("autotask", "/ATServicesRest/V1.0/Contacts", &[Kind::Contact], "adequate permissions"),
    ("autotask", "/ATServicesRest/V1.0/Resources", &[Kind::User], "adequate permissions"),
    ("autotask", "/ATServicesRest/V1.0/ConfigurationItems", &[Kind::Asset], "adequate permissions"),
    ("connectwise", "/company/contacts", &[Kind::Contact], "security permission"),
    ("connectwise", "/system/members", &[Kind::User], "security permission"),
    ("connectwise", "/company/configurations/types", &[Kind::Asset], "security permission"),
    ("kaseya-bms", "/v2/crm/contacts", &[Kind::Contact], "permission to view"),
    ("kaseya-bms", "/v2/hr/employees", &[Kind::User], "permission to view"),
    ("kaseya-bms", "/v2/servicedesk/hardwareasset", &[Kind::Asset], "permission to view"),
];

#[tokio::test]
async fn a_missing_right_is_told_for_its_kind_alone() {
    for (vendor, path, kinds, words) in RIGHTS {
        let office = Office::new(2, 6);
        office.add_with(vendor, &[], &[]).await;
        forbid(&office, vendor, path);
        let view = office.verify(vendor).await;
        assert_eq!(refused(&view), *kinds, "{vendor}, {path}: {view:?}");
        assert_eq!(
            view.state,
            IntegrationState::Verified,
            "{vendor}: before kinds are chosen, one that works is enough"
        );
        for item in view.items.iter().filter(|item| !item.ok) {
            is_told_well(&office, item, vendor);
            assert_eq!(item.cause, "permission", "{vendor}, {path}");
            assert!(item.message.contains(words), "{vendor}, {path}: {item:?}");
        }
        let chosen: std::collections::BTreeSet<Kind> = [Kind::Client].iter().chain(*kinds).copied().collect();
        office.set(vendor, |change| change.sync = Some(chosen)).await.unwrap();
        let view = office.verify(vendor).await;
        assert!(!view.ok && refused(&view) == *kinds, "{vendor}, {path}: a chosen kind has to work: {view:?}");
    }
}
