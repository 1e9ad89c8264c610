use super::*;

#[test]
fn an_error_is_read_from_json_and_from_xml() {
    let json = r#"{"__type":"com.amazonaws#ConflictException","message":"there is one"}"#;
    assert_eq!(field(json, &["__type", "Code"]).as_deref(), Some("com.amazonaws#ConflictException"));
    let xml =
        "<ErrorResponse><Error><Code>ValidationError</Code><Message>no such stack</Message></Error></ErrorResponse>";
    assert_eq!(field(xml, &["message", "Message"]).as_deref(), Some("no such stack"));
    assert_eq!(field("<html>", &["Code"]), None);
}

fn signed(endpoint: &str) -> Signed {
    let credentials = aws_credential_types::Credentials::from_keys("test", "test", None);
    Signed {
        service: "lambda",
        endpoint: endpoint.to_owned(),
        region: "eu-west-1".to_owned(),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        user_agent: "msp-sync/test".to_owned(),
        connector: crate::config_at(endpoint).connector,
    }
}

#[tokio::test]
async fn a_call_carries_its_headers_and_a_signature_over_them() {
    let call = SignedCall::json("invoke", "POST", "/2015-03-31/functions/a%3Ab/invocations?x=1", b"{}".to_vec());
    let request = signed("https://lambda.eu-west-1.amazonaws.com").signed(&call).await.unwrap();
    assert_eq!(request.uri(), "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/a%3Ab/invocations?x=1");
    assert_eq!((request.method(), request.headers().get("content-type")), ("POST", Some("application/json")));
    let signature = request.headers().get("authorization").unwrap();
    assert!(
        signature.contains("/eu-west-1/lambda/aws4_request") && signature.contains("content-type;host"),
        "{signature}"
    );
}

#[tokio::test]
async fn a_service_that_nobody_reaches_is_told_as_passing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let call = SignedCall::json("invoke", "POST", "/", Vec::new());
    let error = signed(&endpoint).send(&call).await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { .. }), "{error:?}");
}
