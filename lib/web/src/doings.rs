//! Work that goes on behind a page: an order that takes longer than a browser should wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use console::progress::ProgressEvent;
use console::request::Request;
use jiff::Timestamp;
use pages::{Doing, Notice};
use tokio::sync::oneshot;

use crate::deeds;
use crate::visit::Visit;

/// So long a browser waits for an order that may take long; then it is told that the work goes on.
pub(crate) const PATIENCE: Duration = Duration::from_millis(700);

/// What goes on, and what came of work that ended after its browser was answered.
#[derive(Debug, Default)]
pub(crate) struct Doings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By integration.
    under_way: BTreeMap<String, Doing>,
    /// By session.
    late: BTreeMap<String, Notice>,
}

impl Doings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what goes on for an integration.
    pub(crate) fn of(&self, integration: &str) -> Option<Doing> {
        self.state().under_way.get(integration).cloned()
    }

    /// Returns what a session is to be told of work that ended behind its page, once.
    pub(crate) fn told(&self, session: &str) -> Option<Notice> {
        self.state().late.remove(session)
    }

    fn begin(&self, integration: &str, what: &'static str) -> Result<(), ConsoleError> {
        let mut state = self.state();
        if let Some(doing) = state.under_way.get(integration) {
            let message = format!("{integration} is busy: {}", doing.what.to_lowercase());
            return Err(ConsoleError::new(Code::Busy, message, "wait until it has ended"));
        }
        let doing = Doing { what, progress: None, expected: None, since: Timestamp::now() };
        state.under_way.insert(integration.to_owned(), doing);
        Ok(())
    }

    fn report(&self, integration: &str, event: ProgressEvent) {
        if let Some(doing) = self.state().under_way.get_mut(integration) {
            match &event.expected_cost {
                // Told once, before anything is done.
                Some(cost) => doing.expected = Some(cost.clone()),
                None => doing.progress = Some(event),
            }
        }
    }

    fn end(&self, integration: &str) {
        self.state().under_way.remove(integration);
    }

    fn tell(&self, session: String, notice: Notice) {
        self.state().late.insert(session, notice);
    }
}

/// Begins a long order. Returns its answer if it comes soon; otherwise the session is told once it is there.
pub(crate) async fn begin<D: Deps + 'static>(
    visit: &Visit<D>,
    integration: &str,
    what: &'static str,
    request: Request,
) -> Result<Option<Answer>, ConsoleError> {
    visit.site.doings.begin(integration, what)?;
    let (soon, answer) = oneshot::channel();
    let (site, guest, integration) = (Arc::clone(&visit.site), visit.guest.clone(), integration.to_owned());
    tokio::spawn(async move {
        let (reporting, of) = (Arc::clone(&site), integration.clone());
        let report = move |event: ProgressEvent| reporting.doings.report(&of, event);
        let ended = console::handle::handle(request, &guest.actor, site.deps.as_ref(), &report).await;
        site.doings.end(&integration);
        if let Err(late) = soon.send(ended) {
            site.doings.tell(guest.session, deeds::told(&late));
        }
    });
    let answered = match visit.site.patience {
        Some(patience) => tokio::time::timeout(patience, answer).await.ok(),
        None => Some(answer.await),
    };
    match answered {
        Some(Ok(ended)) => ended.map(Some),
        Some(Err(_)) | None => Ok(None),
    }
}
