//! Log lines as Lambda's log settings ask for them.
//!
//! JSON lines carry an RFC 3339 timestamp and a level at the top, since Lambda's filters and alarms read those, and the
//! request id in `spans`. The span that holds the id is one of level error: no level setting takes it off the lines.

use std::fmt;

use jiff::Timestamp;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Our own crates. What others log stays at warnings: at finer levels the AWS SDK prints bodies, which hold secrets. The
/// colons keep `aws_sdk_…` from passing for `aws`.
const OURS: &[&str] =
    &["apis::", "aws::", "console::", "engine::", "functions::", "reconcile::", "signin::", "transport::", "web::"];

/// What the runtime logs of every failed event is logged by us already, with the request id.
const SAID_BY_US: &str = "lambda_runtime::layers::panic";

/// Milliseconds are enough to order the lines of one invocation.
struct Rfc3339;

impl FormatTime for Rfc3339 {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        write!(out, "{:.3}", Timestamp::now())
    }
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settings {
    json: bool,
    level: LevelFilter,
}

impl Settings {
    /// Reads Lambda's two settings; JSON at level info where they are not set.
    fn read(format: Option<&str>, level: Option<&str>) -> Self {
        let json = !format.is_some_and(|format| format.eq_ignore_ascii_case("text"));
        let level = match level.map(str::to_ascii_uppercase).as_deref() {
            Some("TRACE") => LevelFilter::TRACE,
            Some("DEBUG") => LevelFilter::DEBUG,
            Some("WARN") => LevelFilter::WARN,
            Some("ERROR" | "FATAL") => LevelFilter::ERROR,
            _ => LevelFilter::INFO,
        };
        Self { json, level }
    }
}

/// Starts logging to standard output, panics included. Called once, at the beginning of `main`.
pub fn start() {
    let variable = |name| std::env::var(name).ok();
    let settings =
        Settings::read(variable("AWS_LAMBDA_LOG_FORMAT").as_deref(), variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let targets = Targets::new()
        .with_default(settings.level.min(LevelFilter::WARN))
        .with_targets(OURS.iter().map(|ours| (*ours, settings.level)))
        .with_target(SAID_BY_US, LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(targets);
    let lines = tracing_subscriber::fmt::layer().with_timer(Rfc3339).with_ansi(false);
    if settings.json {
        registry.with(lines.json().flatten_event(true).with_current_span(false).with_span_list(true)).init();
    } else {
        registry.with(lines).init();
    }
    // The hook runs within the invocation's span; the default one would print lines without request id or timestamp.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a mistake of ours ended the event")));
}

/// The span of one invocation.
pub fn span(request_id: &str) -> Span {
    tracing::error_span!("invocation", requestId = request_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_s_settings_are_honoured() {
        for (format, level, json, expected) in [
            (None, None, true, LevelFilter::INFO),
            (Some("JSON"), Some("WARN"), true, LevelFilter::WARN),
            (Some("Text"), Some("debug"), false, LevelFilter::DEBUG),
            (Some("JSON"), Some("FATAL"), true, LevelFilter::ERROR),
            (Some("JSON"), Some("nonsense"), true, LevelFilter::INFO),
        ] {
            assert_eq!(Settings::read(format, level), Settings { json, level: expected }, "{format:?} {level:?}");
        }
    }
}
