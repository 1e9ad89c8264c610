//! What starts a vendor function, reduced to one request.
//!
//! Four shapes arrive: a person's `{"integration":"ID","force":false}`, the same with `scheduled_at` from EventBridge
//! Scheduler, the same within an event-bus envelope (`detail`), and the function's own continuation, which names the run
//! it goes on with in `continues`. Whatever else arrives is refused with a sentence that says what to send.

use reconcile::ids::{IntegrationId, InvalidId, RunId};
use reconcile::run::Trigger;
use serde_json::{Map, Value};

/// The wish to read an integration's vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// Whose vendor.
    pub integration: IntegrationId,
    /// Why: manual, forced or by schedule.
    pub trigger: Trigger,
    /// The run to go on with; none opens a run, or joins the one that is open.
    pub continues: Option<RunId>,
}

/// Why an event is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not an object.
    #[error("the event is not a JSON object; send {EXAMPLE}")]
    NotAnObject,
    /// It has a field that no function reads: a misspelt one would be ignored silently.
    #[error("the event has the unknown field {0:?}; send {EXAMPLE}")]
    UnknownField(String),
    /// It names no integration.
    #[error("the event names no integration; send {EXAMPLE}, also as the input of a schedule")]
    NoIntegration,
    /// A field holds something else than it should.
    #[error("the event's field {field:?} must be {wanted}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// An id is not one.
    #[error("the event's field {field:?} is refused")]
    BadId {
        /// The field.
        field: &'static str,
        /// Why.
        #[source]
        cause: InvalidId,
    },
    /// The run to go on with is another integration's.
    #[error("the run {run} is not one of the integration {integration}")]
    ForeignRun {
        /// The run.
        run: RunId,
        /// The integration.
        integration: IntegrationId,
    },
}

const EXAMPLE: &str = r#"{"integration":"ID","force":false}"#;

/// The fields of the request itself.
const FIELDS: &[&str] = &["integration", "force", "scheduled_at", "continues"];

/// Reads an event of any of the shapes.
pub fn parse(event: &Value) -> Result<FetchRequest, EventError> {
    let object = event.as_object().ok_or(EventError::NotAnObject)?;
    if object.contains_key("detail-type") {
        let request = read(&detail(object)?)?;
        let scheduled = request.trigger == Trigger::Manual && is_by_schedule(object);
        return Ok(if scheduled { FetchRequest { trigger: Trigger::Schedule, ..request } } else { request });
    }
    read(object)
}

/// Returns what the envelope carries; Scheduler's own default event carries `"{}"`, as text.
fn detail(envelope: &Map<String, Value>) -> Result<Map<String, Value>, EventError> {
    let wrong = EventError::WrongType { field: "detail", wanted: "an object" };
    match envelope.get("detail") {
        None => Err(EventError::NoIntegration),
        Some(Value::Object(detail)) => Ok(detail.clone()),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| wrong),
        Some(_) => Err(wrong),
    }
}

fn is_by_schedule(envelope: &Map<String, Value>) -> bool {
    let source = envelope.get("source").and_then(Value::as_str);
    source.is_some_and(|source| ["aws.scheduler", "aws.events"].contains(&source))
}

fn read(object: &Map<String, Value>) -> Result<FetchRequest, EventError> {
    if let Some(unknown) = object.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(EventError::UnknownField(unknown.chars().take(80).collect()));
    }
    let integration = text(object, "integration")?.ok_or(EventError::NoIntegration)?;
    let integration =
        IntegrationId::parse(integration).map_err(|cause| EventError::BadId { field: "integration", cause })?;
    let force = match object.get("force") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(force)) => *force,
        Some(_) => return Err(EventError::WrongType { field: "force", wanted: "true or false" }),
    };
    let scheduled = text(object, "scheduled_at")?.is_some();
    let trigger = match (force, scheduled) {
        (true, _) => Trigger::Forced,
        (false, true) => Trigger::Schedule,
        (false, false) => Trigger::Manual,
    };
    let continues = match text(object, "continues")? {
        None => None,
        Some(run) => Some(RunId::parse(run).map_err(|cause| EventError::BadId { field: "continues", cause })?),
    };
    match continues {
        Some(run) if run.integration() != integration => Err(EventError::ForeignRun { run, integration }),
        continues => Ok(FetchRequest { integration, trigger, continues }),
    }
}

fn text<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, EventError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(EventError::WrongType { field, wanted: "a text" }),
    }
}

#[cfg(test)]
mod tests;
