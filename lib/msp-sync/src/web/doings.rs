//! Work that goes on behind a page: an order that takes longer than a browser should wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::progress::ProgressEvent;
use console::request::Request;
use jiff::Timestamp;
use pages::Doing;
use tokio::sync::oneshot;

use super::{Site, deeds};

/// So long a browser waits for an order that may take long; then it is told that the work goes on.
const PATIENCE: Duration = Duration::from_millis(700);

/// What goes on, by integration.
#[derive(Debug, Default)]
pub(super) struct Doings(Mutex<BTreeMap<String, Doing>>);

impl Doings {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Doing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what goes on for an integration.
    pub(super) fn of(&self, integration: &str) -> Option<Doing> {
        self.all().get(integration).cloned()
    }

    fn begin(&self, integration: &str, what: &'static str) -> Result<(), ConsoleError> {
        let mut all = self.all();
        if let Some(doing) = all.get(integration) {
            let message = format!("{integration} is busy: {}", doing.what.to_lowercase());
            return Err(ConsoleError::new(Code::Busy, message, "wait until it has ended"));
        }
        all.insert(integration.to_owned(), Doing { what, progress: None, since: Timestamp::now() });
        Ok(())
    }

    fn report(&self, integration: &str, event: ProgressEvent) {
        if let Some(doing) = self.all().get_mut(integration) {
            doing.progress = Some(event);
        }
    }

    fn end(&self, integration: &str) {
        self.all().remove(integration);
    }
}

/// Begins a long order. Returns its answer if it comes soon; otherwise the session is told once it is there.
pub(super) async fn begin(
    site: &Arc<Site>,
    session: &str,
    integration: &str,
    what: &'static str,
    request: Request,
) -> Result<Option<Answer>, ConsoleError> {
    site.doings.begin(integration, what)?;
    let (soon, answer) = oneshot::channel();
    let (working, session, integration) = (Arc::clone(site), session.to_owned(), integration.to_owned());
    tokio::spawn(async move {
        let (reporting, of) = (Arc::clone(&working), integration.clone());
        let report = move |event: ProgressEvent| reporting.doings.report(&of, event);
        let ended = console::handle::handle(request, &working.actor, working.machine.as_ref(), &report).await;
        working.doings.end(&integration);
        if let Err(late) = soon.send(ended) {
            working.sessions.tell(&session, deeds::told(&late));
        }
    });
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(ended)) => ended.map(Some),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}
