//! How a read that outlives its invocation goes on: the function calls itself, at once or when the vendor lets it.
//!
//! Nothing waits meanwhile and nothing is polled. A continuation that comes twice finds that the run is in other hands, or
//! over; one that is lost is made up for by the next invocation for the integration, which finds the checkpoint.

use aws::CallError;
use aws::functions::Functions;
use aws::schedules::{Schedules, Target};
use jiff::{SignedDuration, Timestamp};
use reconcile::ids::RunId;
use serde_json::json;

/// Calls this function again to go on with a run.
pub trait Onward: Send + Sync {
    /// Has the run gone on with, not before `after` where that is given.
    fn go_on(
        &self,
        run: &RunId,
        after: Option<Timestamp>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Waits shorter than this are not worth a schedule, which fires up to a minute late.
const AT_ONCE_BELOW: SignedDuration = SignedDuration::from_secs(1);

/// An asynchronous call of the function by itself, or a one-time schedule that deletes itself.
#[derive(Debug)]
pub struct BySelf {
    functions: Functions,
    schedules: Schedules,
    function_arn: String,
    role_arn: String,
}

impl BySelf {
    /// Takes the function's own ARN, and the role that the scheduler calls it as.
    pub fn new(functions: Functions, schedules: Schedules, function_arn: String, role_arn: String) -> Self {
        Self { functions, schedules, function_arn, role_arn }
    }
}

impl Onward for BySelf {
    async fn go_on(&self, run: &RunId, after: Option<Timestamp>, now: Timestamp) -> Result<(), CallError> {
        let event = json!({"integration": run.integration(), "continues": run});
        match after.filter(|after| after.duration_since(now) >= AT_ONCE_BELOW) {
            None => self.functions.invoke(&self.function_arn, &event).await,
            Some(after) => {
                let target = Target {
                    function_arn: self.function_arn.clone(),
                    role_arn: self.role_arn.clone(),
                    dead_letters_arn: None,
                    event,
                };
                self.schedules.once(&name(run, after), after, &target).await
            }
        }
    }
}

/// Names a continuation's schedule: the integration and two numbers in at most 64 letters, the same for the same call.
fn name(run: &RunId, after: Timestamp) -> String {
    let started = run.as_str().rsplit('.').next().unwrap_or_default().to_lowercase();
    let digits: String = started.chars().filter(char::is_ascii_digit).skip(4).take(8).collect();
    format!("{}-{digits}-{}", run.integration(), after.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuation_s_name_fits_and_tells_calls_apart() {
        let integration = "a".repeat(40);
        let run = RunId::parse(&format!("{integration}.20261122T200000000Z")).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = name(&run, at("2026-11-22T20:15:00Z"));
        assert_eq!(first, format!("{integration}-11222000-1795378500"));
        assert!(first.len() <= 64, "{first}");
        assert_ne!(first, name(&run, at("2026-11-22T20:16:00Z")));
    }
}
