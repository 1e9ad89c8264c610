use super::*;

fn read(needed: &[&'static str], variables: &[(&str, &str)]) -> Result<Configuration, String> {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Configuration::read(needed, variable).map_err(|error| error.to_string())
}

#[test]
fn all_missing_variables_are_named_at_once() {
    let error = read(VENDOR_VARIABLES, &[("TABLE_NAME", " "), ("SECRET_PREFIX", "msp")]).unwrap_err();
    assert_eq!(
        error,
        "the function's environment lacks TABLE_NAME, RECORDS_QUEUE_URL, CONTINUATION_GROUP, SCHEDULER_ROLE_ARN"
    );
}

#[test]
fn the_reconciler_needs_no_secrets() {
    let variables = [("TABLE_NAME", "catalogue"), ("RECORDS_QUEUE_URL", "https://sqs.example/records.fifo")];
    let configuration = read(RECONCILER_VARIABLES, &variables).unwrap();
    assert_eq!((configuration.secret_prefix.as_str(), configuration.loopback), ("", Loopback::Refused));
    assert!(read(VENDOR_VARIABLES, &variables).unwrap_err().contains("SECRET_PREFIX"));
}
