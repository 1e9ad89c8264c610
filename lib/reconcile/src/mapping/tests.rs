use super::*;
use crate::ids::IntegrationId;
use crate::record::Kind;
use crate::worlds::OwnedWorld;

/// Stages a decision for the first record of a world whose first documentation record is `d1`, and says what came of it.
fn staging(text: &str, decision: Option<Decision>) -> Result<Option<Decision>, Refusal> {
    let world = OwnedWorld::parse(text);
    let (key, entry) = world.entries.first_key_value().expect("a record");
    let key = RecordKey { integration: world.integration.clone(), kind: key.0, vendor_id: key.1.clone() };
    let target = world.docs.values().next();
    let decision = decision.unwrap_or_else(|| Decision::Match(target.expect("a documentation record").id.clone()));
    let source = target.and_then(|doc| doc.sources.get(&world.integration));
    let holder = source.and_then(|source| world.entries.get(&(key.kind, source.vendor_id.clone())));
    let is_rival =
        |other: &&Entry| target.is_some_and(|doc| other.mapping.staged == Some(Decision::Match(doc.id.clone())));
    let rival = world.entries.values().find(is_rival);
    let facts = Facts { key: &key, policy: &world.policy, standing: &world.standing, doc: target, holder, rival };
    stage(entry, decision, &facts).map(|staged| staged.mapping.staged)
}

#[test]
fn any_decision_may_follow_any_other() {
    let free = "asset 1 a host=x1 {} \n doc asset d1 a";
    for state in ["", "excluded", "matched=d1", "stage=exclude", "stage=create", "stage=reset excluded"] {
        let text = free.replace("{}", state);
        for decision in [Decision::Create, Decision::Exclude, Decision::Reset] {
            let staged = staging(&text, Some(decision.clone())).unwrap();
            assert!(staged.is_none() || staged == Some(decision), "{state}");
        }
    }
    assert!(matches!(staging(&free.replace("{}", "excluded"), None), Ok(Some(Decision::Match(_)))));
}

#[test]
fn staging_what_holds_takes_back_what_was_staged() {
    let text = |state: &str| format!("asset 1 a host=x1 {state} stage=create\n doc asset d1 a");
    assert_eq!(staging(&text("matched=d1"), None), Ok(None));
    assert_eq!(staging(&text("excluded"), Some(Decision::Exclude)), Ok(None));
    assert_eq!(staging(&text(""), Some(Decision::Reset)), Ok(None));
    assert_eq!(staging(&text("matched=d1"), Some(Decision::Reset)), Ok(Some(Decision::Reset)));
    let created = "asset 1 a host=x1 created=new:1 stage=exclude\n doc asset new:1 a";
    assert_eq!(staging(created, Some(Decision::Create)), Ok(None));
}

#[test]
fn a_documentation_record_that_another_record_holds_is_refused() {
    let holder = VendorId::parse("2").unwrap();
    let text = |state: &str| format!("asset 1 a host=x1\n asset 2 b host=x2 matched=d1 {state}\n doc asset d1 a");
    assert_eq!(staging(&text(""), None), Err(Refusal::Taken(holder.clone())));
    for state in ["stage=reset", "stage=exclude", "absent"] {
        assert!(staging(&text(state), None).is_ok(), "{state} makes room");
    }
    let elsewhere = "asset 1 a host=x1\n doc asset d1 a\n source rmm 9 rmm";
    assert_eq!(staging(elsewhere, None), Err(Refusal::Taken(VendorId::parse("9").unwrap())));
    assert!(staging(&format!("{elsewhere} stale"), None).is_ok());
}

#[test]
fn two_records_are_not_staged_for_one_documentation_record() {
    let text = "asset 1 a host=x1\n asset 2 b host=x2 stage=match:d1\n doc asset d1 a";
    assert_eq!(staging(text, None), Err(Refusal::StagedElsewhere(VendorId::parse("2").unwrap())));
    let own = "asset 1 a host=x1 stage=match:d1\n doc asset d1 a";
    assert!(staging(own, None).is_ok(), "staging the same again");
}

#[test]
fn a_match_stays_within_kind_and_client() {
    let other = OwnedWorld::parse("contact 1 a\n doc contact d1 a").docs.into_keys().next().unwrap();
    let text = "asset 1 a host=x1\n doc asset d1 a";
    assert_eq!(staging(text, Some(Decision::Match(other.clone()))), Err(Refusal::OtherKind(other)));
    let elsewhere =
        OwnedWorld::parse("run client=globex\n asset 1 a\n doc asset d1 a").docs.into_keys().next().unwrap();
    assert_eq!(staging(text, Some(Decision::Match(elsewhere.clone()))), Err(Refusal::OtherClient(elsewhere)));
    let gone = OwnedWorld::parse("asset 1 a\n doc asset d2 a").docs.into_keys().next().unwrap();
    assert_eq!(staging(text, Some(Decision::Match(gone.clone()))), Err(Refusal::NotFound(gone)));
}

#[test]
fn what_is_gone_or_not_eligible_is_only_excluded_or_reset() {
    for (record, refusal) in [
        ("asset 1 a host=x1 absent", Refusal::Gone),
        ("asset 1 a", Refusal::NotEligible(Reason::MissingIdentifier)),
        ("asset 1 a host=x1 inactive", Refusal::NotEligible(Reason::InactiveAtVendor)),
    ] {
        assert_eq!(staging(record, Some(Decision::Create)), Err(refusal.clone()));
        assert_eq!(staging(&format!("{record}\n doc asset d1 a"), None), Err(refusal));
        assert_eq!(staging(record, Some(Decision::Exclude)), Ok(Some(Decision::Exclude)));
    }
    assert!(staging("asset 1 a host=x1 unseen", Some(Decision::Create)).is_ok(), "an incomplete read proves nothing");
}

#[test]
fn a_refusal_tells_what_is_in_the_way() {
    let key = RecordKey {
        integration: IntegrationId::parse("rmm").unwrap(),
        kind: Kind::Asset,
        vendor_id: VendorId::parse("17").unwrap(),
    };
    assert_eq!(
        Refusal::Taken(key.vendor_id).to_string(),
        "vendor record 17 is mapped to it already; reset or exclude that one first"
    );
}
