//! What a function is built from: one way to speak TLS, and nothing that looks for keys. Asked is what cargo resolves for
//! the functions alone, as `infra/package`, `sam build` and `cargo lambda build` build them; together with the command
//! line, the SDK's libraries have more features.

use crate::workspace::cargo;

/// The lines of `cargo tree` for the functions' package, each `name vVERSION features`.
fn built_from() -> Vec<String> {
    let package = format!("functions@{}", env!("CARGO_PKG_VERSION"));
    let tree = cargo(&["tree", "-p", &package, "-e", "normal", "--prefix", "none", "-f", "{p} {f}"]);
    assert!(tree.starts_with("functions v"), "cargo tree answered for another package: {tree}");
    let mut lines: Vec<String> = tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect();
    lines.sort();
    lines.dedup();
    assert!(lines.len() > 100, "cargo tree printed too little: {tree}");
    lines
}

fn of<'a>(lines: &'a [String], name: &str) -> Vec<&'a String> {
    lines.iter().filter(|line| line.split(' ').next() == Some(name)).collect()
}

#[test]
fn a_function_is_built_with_one_tls_library_one_crypto_library_and_one_list_of_roots() {
    let lines = built_from();
    for name in ["rustls", "tokio-rustls", "hyper-rustls", "aws-lc-rs", "aws-lc-sys", "webpki-roots", "hyper"] {
        assert_eq!(of(&lines, name).len(), 1, "{name}: {:?}", of(&lines, name));
    }
    for name in ["ring", "openssl-sys", "native-tls", "s2n-tls", "aws-smithy-http-client"] {
        assert_eq!(of(&lines, name), Vec::<&String>::new());
    }
}

#[test]
fn a_function_is_built_without_the_chain_of_profiles_roles_and_metadata() {
    let lines = built_from();
    for name in ["aws-config", "aws-sdk-sts", "aws-sdk-sso", "aws-sdk-ssooidc", "aws-sdk-signin"] {
        assert_eq!(of(&lines, name), Vec::<&String>::new());
    }
    let runtime = of(&lines, "aws-smithy-runtime");
    assert!(matches!(runtime[..], [line] if !line.contains("default-https-client")), "{runtime:?}");
}
