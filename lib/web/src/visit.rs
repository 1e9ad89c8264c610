//! One request of somebody who was let in: what it asks and orders, and what its session is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use console::progress::Silent;
use console::request::Request;
use console::views::VerifyView;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pages::{Notice, Visitor};

use crate::Site;
use crate::door::{Guest, Told};

/// One request, let in.
#[derive(Debug)]
pub(crate) struct Visit<D> {
    pub(crate) site: Arc<Site<D>>,
    pub(crate) guest: Guest,
    told: Mutex<Told>,
}

impl<D: Deps + 'static> Visit<D> {
    /// Begins with what was to be told.
    pub(crate) fn new(site: &Arc<Site<D>>, guest: Guest, told: Told) -> Self {
        Self { site: Arc::clone(site), guest, told: Mutex::new(told) }
    }

    /// Asks a question.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, ConsoleError> {
        console::handle::handle(request, &self.guest.actor, self.site.deps.as_ref(), &Silent).await
    }

    /// Gives an order, which is carried out to its end even if the browser goes away.
    pub(crate) async fn order(&self, request: Request) -> Result<Answer, ConsoleError> {
        let (site, actor) = (Arc::clone(&self.site), self.guest.actor.clone());
        let working =
            tokio::spawn(async move { console::handle::handle(request, &actor, site.deps.as_ref(), &Silent).await });
        working.await.unwrap_or_else(|_| Err(ConsoleError::new(Code::Bug, "the order ended without an answer", "")))
    }

    /// Says who looks.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            name: self.guest.actor.name.clone(),
            role: self.guest.actor.role,
            csrf: self.guest.csrf.clone(),
            may_leave: self.guest.may_leave,
            zone: TimeZone::system(),
            now: Timestamp::now(),
            notice: None,
        }
    }

    fn bag(&self) -> MutexGuard<'_, Told> {
        // A panic elsewhere leaves nothing half-done in here.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what is to be told on the next page.
    pub(crate) fn tell(&self, notice: Notice) {
        self.bag().notice = Some(notice);
    }

    /// Returns what is to be told, once.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.bag().notice.take().or_else(|| self.site.doings.told(&self.guest.session))
    }

    /// Keeps what a vendor said.
    pub(crate) fn keep(&self, verdict: VerifyView) {
        self.bag().verdict = Some(verdict);
    }

    /// Returns what the vendor of `integration` said, once.
    pub(crate) fn verdict(&self, integration: &str) -> Option<VerifyView> {
        self.bag().verdict.take_if(|verdict| verdict.integration.as_str() == integration)
    }

    /// Returns what is still to be told.
    pub(crate) fn left(&self) -> Told {
        std::mem::take(&mut *self.bag())
    }
}

/// Says that an answer is not the one to its question.
pub(crate) fn unexpected(answer: &Answer) -> ConsoleError {
    tracing::error!(?answer, "an answer that does not belong to its question");
    ConsoleError::new(Code::Bug, "the answer does not belong to the question", "please report it")
}
