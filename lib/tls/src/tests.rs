use super::*;

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../transport/fixtures/authority.pem");

fn authority() -> Vec<CertificateDer<'static>> {
    certificates(&std::fs::read(AUTHORITY).unwrap()).unwrap()
}

#[test]
fn compiled_in_are_the_roots_of_aws_and_of_the_common_authorities() {
    let roots = Tls::compiled_in().roots;
    for name in ["Amazon Root CA 1", "Amazon Root CA 4", "ISRG Root X1", "DigiCert Global Root G2"] {
        let found = roots.roots.iter().any(|root| root.subject.windows(name.len()).any(|part| part == name.as_bytes()));
        assert!(found, "{name}");
    }
    assert!(roots.len() > 100, "{}", roots.len());
}

#[test]
fn a_bundle_takes_the_place_of_what_is_compiled_in() {
    assert_eq!(Tls::of_bundle(Path::new(AUTHORITY)).unwrap().roots.len(), 1);
}

#[test]
fn a_bundle_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    std::fs::copy(AUTHORITY, &path).unwrap();
    let tls = Tls::of_bundle(&path).unwrap();
    drop(folder);
    for _ in 0..3 {
        assert_eq!(tls.client(&[]).alpn_protocols.len(), 0);
    }
    let more = tls.and_trusting(&authority());
    assert_eq!((tls.roots.len(), more.roots.len()), (1, 2));
    assert!(Arc::ptr_eq(&tls.roots, &tls.clone().roots), "clones share the roots");
}

#[test]
fn a_bundle_without_a_certificate_is_refused_and_an_odd_one_among_others_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    assert!(matches!(Tls::of_bundle(&path), Err(BundleError::Unreadable { .. })));
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "hello", odd] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Tls::of_bundle(&path), Err(BundleError::Empty(_))), "{text:?}");
    }
    std::fs::write(&path, format!("{odd}{}", std::fs::read_to_string(AUTHORITY).unwrap())).unwrap();
    assert_eq!(Tls::of_bundle(&path).unwrap().roots.len(), 1);
}

#[test]
fn protocols_are_offered_as_named() {
    assert_eq!(Tls::compiled_in().client(&["h2", "http/1.1"]).alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
}
