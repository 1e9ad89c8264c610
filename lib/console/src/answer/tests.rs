use reconcile::ids::{IntegrationId, RunId};

use super::*;
use crate::error::Code;
use crate::views::{NotRun, RowProblem};
use crate::words::Trigger;

fn integration() -> IntegrationId {
    IntegrationId::parse("auvik-main").unwrap()
}

fn run(outcome: Option<Outcome>) -> RunView {
    RunView {
        run_id: RunId::new(&integration(), "1"),
        integration: integration(),
        trigger: Trigger::Manual,
        outcome,
        started_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        finished_at: None,
        counts: Default::default(),
        vendor_requests: 0,
        plan_id: None,
        progress: None,
        notes: Vec::new(),
        log: Vec::new(),
    }
}

fn synced(outcomes: &[Outcome], errors: &[Code]) -> Answer {
    let not_run =
        errors.iter().map(|code| NotRun { integration: integration(), error: ConsoleError::new(*code, "no", "") });
    Answer::Synced(SyncView {
        items: outcomes.iter().map(|outcome| run(Some(*outcome))).collect(),
        next: None,
        not_run: not_run.collect(),
    })
}

#[test]
fn exit_codes_follow_the_contract_and_failure_counts_most() {
    use Outcome::{Complete, CredentialsRejected, Failed, Held, Incomplete};
    for (outcomes, errors, code) in [
        (vec![], vec![], 0),
        (vec![Complete, Complete], vec![], 0),
        (vec![Incomplete], vec![], 1),
        (vec![Failed], vec![], 1),
        (vec![Held], vec![], 3),
        (vec![CredentialsRejected, Complete], vec![], 3),
        (vec![Held, Failed], vec![], 1),
        (vec![Complete], vec![Code::CredentialsRejected], 3),
        (vec![Held], vec![Code::NotVerified], 1),
    ] {
        assert_eq!(synced(&outcomes, &errors).exit_code(), code, "{outcomes:?} {errors:?}");
    }
    let problems = vec![RowProblem { line: 2, message: "no".to_owned() }];
    assert_eq!(Answer::Imported(ImportView { problems, ..ImportView::default() }).exit_code(), 3);
    assert_eq!(Answer::Imported(ImportView::default()).exit_code(), 0);
}

#[test]
fn an_answer_travels_with_its_name_and_is_printed_bare() {
    let answer = synced(&[Outcome::Complete], &[]);
    let frame = Frame::Answer(Box::new(answer.clone()));
    let travelled: Frame = serde_json::from_str(&serde_json::to_string(&frame).unwrap()).unwrap();
    assert_eq!(travelled, frame);
    assert_eq!(answer.json()["items"][0]["outcome"], "complete");
    assert_eq!(answer.json()["next"], Value::Null);
}

#[test]
fn every_code_has_a_word_and_an_exit_code() {
    for code in Code::ALL {
        let error = ConsoleError::new(*code, "a\u{1b}[2Jb", "c\nd");
        assert_eq!(error.json()["error"]["code"], code.code());
        assert_eq!((error.message.as_str(), error.hint.as_str()), ("a\\u{1b}[2Jb", "c\\nd"));
        assert!((1..=3).contains(&error.exit_code()));
    }
    assert_eq!(Code::Usage.exit_code(), 2);
}
