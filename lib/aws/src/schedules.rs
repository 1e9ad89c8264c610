//! Schedules in EventBridge Scheduler: one an integration, and one-time ones that delete themselves.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Config;
use crate::functions::encoded;
use crate::signed::{CallError, Signed, SignedCall};

/// What a schedule calls, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The function.
    pub function_arn: String,
    /// The role that may call it.
    pub role_arn: String,
    /// Where events go that could not be delivered.
    pub dead_letters_arn: Option<String>,
    /// What it is called with.
    pub event: Value,
}

impl Target {
    fn json(&self) -> Value {
        let retries = json!({"MaximumEventAgeInSeconds": 21_600, "MaximumRetryAttempts": 20});
        let mut target = json!({
            "Arn": self.function_arn,
            "RoleArn": self.role_arn,
            "Input": self.event.to_string(),
            "RetryPolicy": retries,
        });
        if let Some(arn) = &self.dead_letters_arn {
            target["DeadLetterConfig"] = json!({"Arn": arn});
        }
        target
    }
}

/// A group of schedules.
#[derive(Debug)]
pub struct Schedules {
    service: Signed,
    group: String,
}

impl Schedules {
    /// Opens the group; nothing is sent.
    pub fn open(config: &Config, group: impl Into<String>) -> Self {
        Self { service: Signed::open(config, "scheduler"), group: group.into() }
    }

    /// Makes or changes the schedule called `name`: an expression of Scheduler's in a time zone, each firing put off by
    /// up to `window`. Doing so twice is harmless.
    pub async fn put(
        &self,
        name: &str,
        expression: &str,
        time_zone: &str,
        window: Duration,
        target: &Target,
    ) -> Result<(), CallError> {
        let minutes = window.as_secs() / 60;
        let body = json!({
            "GroupName": self.group,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": time_zone,
            "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes},
            "State": "ENABLED",
            "Target": target.json(),
        });
        match self.write("change a schedule", "PUT", name, &body).await {
            Err(error) if error.has_code("ResourceNotFoundException") => {}
            end => return end,
        }
        match self.write("make a schedule", "POST", name, &body).await {
            // Somebody made it in between; what they wanted is what we want.
            Err(error) if error.has_code("ConflictException") => {
                self.write("change a schedule", "PUT", name, &body).await
            }
            end => end,
        }
    }

    /// Takes the schedule away; doing so twice is harmless.
    pub async fn remove(&self, name: &str) -> Result<(), CallError> {
        let path = format!("/schedules/{}?groupName={}", encoded(name), encoded(&self.group));
        let call = SignedCall::json("remove a schedule", "DELETE", &path, Vec::new());
        match self.service.send(&call).await {
            Ok(_) => Ok(()),
            Err(error) if error.has_code("ResourceNotFoundException") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a schedule that fires once, at an instant, and then deletes itself. One that is there under the name already
    /// was made by the same call, whose answer was lost.
    pub async fn once(&self, name: &str, at: Timestamp, target: &Target) -> Result<(), CallError> {
        let body = json!({
            "GroupName": self.group,
            "ScheduleExpression": format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "State": "ENABLED",
            "Target": target.json(),
        });
        match self.write("make a one-time schedule", "POST", name, &body).await {
            Err(error) if error.has_code("ConflictException") => Ok(()),
            end => end,
        }
    }

    async fn write(
        &self,
        operation: &'static str,
        method: &'static str,
        name: &str,
        body: &Value,
    ) -> Result<(), CallError> {
        let path = format!("/schedules/{}", encoded(name));
        let call = SignedCall::json(operation, method, &path, body.to_string().into_bytes());
        self.service.send(&call).await.map(drop)
    }
}

/// Writes a cron line of five fields as Scheduler wants it: six fields, and a `?` for whichever kind of day says nothing.
/// `None` where both kinds of days say something, since cron takes either and Scheduler neither, and for days of the week
/// that are no plain list.
pub fn expression(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return None };
    let says_nothing = |field: &str| field == "*" || field == "?";
    let (day, weekday) = match (says_nothing(day), says_nothing(weekday)) {
        (_, true) => (if says_nothing(day) { "*" } else { day }, "?".to_owned()),
        (true, false) => ("?", weekdays(weekday)?),
        (false, false) => return None,
    };
    Some(format!("cron({minute} {hour} {day} {month} {weekday} *)"))
}

/// The days of the week by name, in the order of their numbers in cron. Scheduler numbers them from 1 for Sunday, so names
/// are what both understand alike.
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Writes out the days of the week that a field of cron's names.
fn weekdays(field: &str) -> Option<String> {
    let number = |text: &str| -> Option<usize> {
        let name = text.to_uppercase();
        let by_name = WEEKDAYS.iter().position(|day| *day == name);
        by_name.or_else(|| text.parse().ok().filter(|number| *number <= WEEKDAYS.len()))
    };
    let mut wanted = [false; 7];
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (item, 1_usize),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (0, WEEKDAYS.len() - 1),
            // A single day with a step goes on to the end of the week.
            None if item.contains('/') => (number(range)?, WEEKDAYS.len() - 1),
            None => (number(range)?, number(range)?),
        };
        // Sunday is 7, too, at the end of a range.
        let last = if last < first { last + WEEKDAYS.len() } else { last };
        for day in (first..=last).step_by(step) {
            wanted[day % WEEKDAYS.len()] = true;
        }
    }
    let days: Vec<&str> = WEEKDAYS.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(day, _)| *day).collect();
    Some(days.join(","))
}

#[cfg(test)]
mod tests;
