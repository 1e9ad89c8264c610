use super::*;

#[test]
fn an_unreadable_secret_is_not_quoted() {
    for text in ["{\"api_key\": [\"k3y-s3cret\"]}", "k3y-s3cret", "{\"api_key\": \"k3y-s3cret\""] {
        let error = parse(text).expect_err("it is no object of texts");
        assert!(!format!("{error} {error:?}").contains("k3y-s3cret"), "{error:?}");
    }
}

#[test]
fn the_object_of_before_the_first_promotion_is_no_secret() {
    assert_eq!(parse(NONE_YET).expect("it is an object"), None);
}
