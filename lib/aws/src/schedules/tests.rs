use super::*;

#[track_caller]
fn check(line: &str, expected: Option<&str>) {
    assert_eq!(expression(line).as_deref(), expected, "{line}");
}

#[test]
fn a_cron_line_is_said_in_scheduler_s_words() {
    check("0 20 * * *", Some("cron(0 20 * * ? *)"));
    check("*/15 8-18 1,15 */2 *", Some("cron(*/15 8-18 1,15 */2 ? *)"));
    check("30 6 * * 1-5", Some("cron(30 6 ? * MON,TUE,WED,THU,FRI *)"));
    check("30 6 ? * mon-fri", Some("cron(30 6 ? * MON,TUE,WED,THU,FRI *)"));
    check("0 0 * * 0", Some("cron(0 0 ? * SUN *)"));
    check("0 0 * * 7", Some("cron(0 0 ? * SUN *)"));
    check("0 0 * * 5-7", Some("cron(0 0 ? * SUN,FRI,SAT *)"));
    check("0 0 * * SAT-SUN", Some("cron(0 0 ? * SUN,SAT *)"));
    check("0 0 * * */2", Some("cron(0 0 ? * SUN,TUE,THU,SAT *)"));
    check("0 0 * * 1/3", Some("cron(0 0 ? * MON,THU *)"));
}

#[test]
fn what_scheduler_cannot_say_is_told_apart() {
    check("0 0 13 * 5", None);
    check("0 0 * * 5L", None);
    check("0 0 * * 8", None);
    check("0 0 * * 1/0", None);
    check("0 0 * *", None);
}

#[test]
fn a_target_says_whom_to_call_with_what() {
    let target = Target {
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:acme-auvik".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/acme".to_owned(),
        dead_letters_arn: Some("arn:aws:sqs:eu-west-1:123456789012:acme-failed-events".to_owned()),
        event: json!({"integration": "main"}),
    };
    let written = target.json();
    assert_eq!(written["Input"], r#"{"integration":"main"}"#);
    assert_eq!(written["DeadLetterConfig"]["Arn"], "arn:aws:sqs:eu-west-1:123456789012:acme-failed-events");
    let without = Target { dead_letters_arn: None, ..target }.json();
    assert!(without.get("DeadLetterConfig").is_none());
}
