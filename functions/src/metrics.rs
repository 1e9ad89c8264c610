//! Metrics as CloudWatch takes them from log lines (the embedded metric format): one line a step.
//!
//! How runs end is read off what is written: [`Told`] wraps the table, and a run that was moved into the history, or is
//! held, is told once its write was taken. So a run is counted by whoever closed it, a doubled message counts nothing, and
//! no step knows of metrics.

use std::io::Write as _;

use engine::ports::{Item, Key, Meter, Page, Query, Table, TableError, Write};
use engine::store::runs::RunRecord;
use jiff::Timestamp;
use reconcile::run::{Outcome, Trigger};
use serde_json::{Map, Value, json};

/// Where metric lines go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The namespace; without one no line is written.
    namespace: Option<String>,
}

impl Metrics {
    /// Takes the namespace from the function's environment.
    pub fn new(namespace: Option<String>) -> Self {
        Self { namespace: namespace.filter(|name| !name.is_empty()) }
    }

    /// Writes one line with these counts; `about` says what they are counts of, for people.
    pub fn count(&self, counts: &[(&'static str, u64)], about: &[(&'static str, Value)]) {
        let Some(namespace) = &self.namespace else { return };
        let line = line(namespace, Timestamp::now(), counts, about);
        // A line that cannot be written is not worth an event.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// Renders one line. There is one set of dimensions, the empty one: a metric a stack, whatever the integrations are called,
/// since each further one is paid for by the month.
fn line(namespace: &str, now: Timestamp, counts: &[(&'static str, u64)], about: &[(&'static str, Value)]) -> Value {
    let metrics: Vec<Value> = counts.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
    let directive = json!({"Namespace": namespace, "Dimensions": [[]], "Metrics": metrics});
    let mut line = Map::new();
    line.insert("_aws".to_owned(), json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]}));
    line.extend(about.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    line.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))));
    Value::Object(line)
}

/// Returns the metric that counts events which failed in this way, by the disposition's name: the error type that Lambda
/// gets, too. Alarms watch what a person has to look at.
pub fn of_failure(disposition: &str) -> &'static str {
    match disposition {
        "Again" => "EventsToComeAgain",
        "Person" => "EventsForAPerson",
        "Drop" => "EventsDropped",
        _ => "EventsOfBugs",
    }
}

/// A table that tells of runs.
#[derive(Debug, Clone)]
pub struct Told<T> {
    table: T,
    metrics: Metrics,
}

impl<T> Told<T> {
    /// Wraps a table.
    pub fn new(table: T, metrics: Metrics) -> Self {
        Self { table, metrics }
    }

    fn tell(&self, news: &News) {
        let (run, outcome) = (&news.record.run_id, news.word);
        tracing::info!(integration = %news.record.integration(), %run, outcome, "a run came to its end, or waits");
        let about = [
            ("integration", json!(news.record.integration())),
            ("run", json!(run)),
            ("trigger", json!(news.record.run.trigger)),
            ("outcome", json!(outcome)),
        ];
        self.metrics.count(&news.counts(), &about);
    }
}

/// What a write says of a run.
struct News {
    record: RunRecord,
    word: &'static str,
}

impl News {
    /// Reads what a write would say, should it be taken.
    fn of(write: &Write) -> Option<News> {
        if !write.key.pk.starts_with("runs#") {
            return None;
        }
        let record: RunRecord = serde_json::from_str(write.body.as_ref()?).ok()?;
        let ended = write.key.sk.starts_with("run#");
        let word = match record.run.outcome() {
            Some(Outcome::Complete) if ended => "complete",
            Some(Outcome::Incomplete) if ended => "incomplete",
            Some(Outcome::Held) if ended => "discarded",
            Some(Outcome::Failed) if ended => "failed",
            Some(Outcome::CredentialsRejected) if ended => "credentials_rejected",
            None if record.run.is_held() => "held",
            _ => return None,
        };
        Some(News { record, word })
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        if self.word == "held" {
            return vec![("RunsHeld", 1)];
        }
        let sum = |of: fn(&reconcile::plan::Counts) -> u64| self.record.counts.values().map(of).sum::<u64>();
        let fetched = sum(|counts| counts.fetched);
        let is_poor = match self.word {
            "incomplete" => true,
            "complete" => fetched == 0 && self.record.run.trigger != Trigger::Setup,
            _ => false,
        };
        let mut all = vec![
            ("RunsEnded", 1),
            ("RecordsFetched", fetched),
            ("RecordsChanged", sum(|counts| counts.created + counts.matched + counts.updated)),
            ("RecordsUnsynced", sum(|counts| counts.unsynced)),
            ("VendorRequests", self.record.vendor_requests),
        ];
        match self.word {
            "failed" => all.push(("RunsFailed", 1)),
            "credentials_rejected" => all.push(("CredentialsRejected", 1)),
            _ if is_poor => all.push(("RunsPoor", 1)),
            _ => {}
        }
        all
    }
}

impl<T: Table> Table for Told<T> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_many(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn write(&self, write: Write) -> Result<(), TableError> {
        let news = News::of(&write);
        self.table.write(write).await?;
        news.iter().for_each(|news| self.tell(news));
        Ok(())
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let news: Vec<News> = writes.iter().filter_map(News::of).collect();
        self.table.transact(writes).await?;
        news.iter().for_each(|news| self.tell(news));
        Ok(())
    }

    fn meter(&self) -> &Meter {
        self.table.meter()
    }
}

#[cfg(test)]
mod tests;
