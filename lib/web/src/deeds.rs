//! Orders: what a form asks for becomes a request, and its answer a sentence on the next page.

use std::collections::BTreeSet;

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::Deps;
use console::request::{Choice, Deciding, IntegrationChange, Request, SecretParts, Selection, SyncTarget};
use console::views::{RunView, StagedView};
use console::words::Outcome;
use pages::{Notice, Tone, adding, links, words};
use reconcile::record::Kind;

use crate::doings;
use crate::form::Form;
use crate::looks::{self, kind, nowhere};
use crate::visit::Visit;

/// Where an order leads.
#[derive(Debug)]
pub(crate) enum Done {
    /// To a page.
    To(String),
    /// To the same form, with what is wrong.
    Again(String),
}

/// Carries out what a form asks for. What a rule refuses is told on the page that the form was on.
pub(crate) async fn order<D: Deps + 'static>(
    visit: &Visit<D>,
    parts: &[&str],
    form: &Form,
) -> Result<Done, ConsoleError> {
    match parts {
        ["add"] => add(visit, form).await,
        ["i", id, deed] => of_integration(visit, id, deed, form).await,
        ["plan", plan, deed] => of_plan(visit, plan, deed, form).await,
        ["doc", doc, deed] => {
            let path = links::doc(doc);
            let request = of_doc(doc, deed, form)?;
            let ended = visit.order(request).await;
            Ok(tell(visit, ended.map(Some), path))
        }
        _ => Err(nowhere()),
    }
}

/// Returns the page of a run that others carry out by now.
fn under_way(ended: &Result<Option<Answer>, ConsoleError>) -> Option<String> {
    let run = match ended.as_ref().ok()?.as_ref()? {
        Answer::Synced(view) => view.items.first(),
        Answer::Finished(view) => view.run.as_ref(),
        Answer::PlanChanged(view) => view.run.as_ref(),
        _ => None,
    };
    run.filter(|run| run.outcome.is_none()).map(|run| links::run(&run.run_id))
}

/// Tells what came of an order on the page at `path`.
fn tell<D: Deps + 'static>(visit: &Visit<D>, ended: Result<Option<Answer>, ConsoleError>, path: String) -> Done {
    match ended {
        Ok(Some(Answer::Verified(view))) => {
            let ended = Ok(Answer::Verified(view.clone()));
            visit.tell(told(&ended));
            visit.keep(view);
        }
        Ok(Some(answer)) => visit.tell(told(&Ok(answer))),
        // The work goes on, and the page shows how far it is.
        Ok(None) => {}
        Err(error) => visit.tell(told(&Err(error))),
    }
    Done::To(path)
}

async fn add<D: Deps + 'static>(visit: &Visit<D>, form: &Form) -> Result<Done, ConsoleError> {
    let Some(vendor) = apis::vendors::find(form.one("vendor")) else { return Err(nowhere()) };
    let given = |(name, value): (String, String)| (!value.trim().is_empty()).then_some((name, value));
    let settings = form.below("setting.").into_iter().filter_map(given).collect();
    let typed = adding::Typed { id: form.one("id").to_owned(), settings };
    let request = Request::IntegrationAdd {
        id: typed.id.clone(),
        vendor: vendor.id.to_owned(),
        settings: typed.settings.clone(),
        secret: SecretParts::new(form.below("secret.")),
    };
    if let Err(error) = visit.order(request).await {
        let wrong = Notice::from(&error);
        return Ok(Done::Again(adding::form(&visit.visitor(), vendor, &typed, Some(&wrong))));
    }
    let ended = visit.order(Request::Verify { id: typed.id.clone() }).await;
    Ok(tell(visit, ended.map(Some), links::integration(&typed.id, "")))
}

async fn of_integration<D: Deps + 'static>(
    visit: &Visit<D>,
    id: &str,
    deed: &str,
    form: &Form,
) -> Result<Done, ConsoleError> {
    let own = links::integration(&id, "");
    let text = id.to_owned();
    let (request, path) = match deed {
        "sync" | "force" => {
            let sync = Request::Sync { target: SyncTarget::Ids(vec![text]), force: deed == "force" };
            // Looked at before: the run may end with the vendor refusing the secret.
            let is_live = looks::show(visit, id).await?.next_run_at.is_some();
            let ended = doings::begin(visit, id, "Syncing", sync).await;
            if let Some(run) = under_way(&ended) {
                return Ok(Done::To(run));
            }
            return Ok(tell(visit, ended, if is_live { "/".to_owned() } else { own }));
        }
        "finish" => {
            let finish = Request::Finish { id: text, plan: form.given("plan").map(str::to_owned), no_sync: false };
            let ended = doings::begin(visit, id, "Finishing", finish).await;
            let otherwise = if ended.is_err() { links::integration(&id, "preview") } else { "/".to_owned() };
            let path = under_way(&ended).unwrap_or(otherwise);
            return Ok(tell(visit, ended, path));
        }
        "remove" => {
            confirmed(id, form)?;
            (Request::IntegrationRemove { id: text }, "/".to_owned())
        }
        "verify" => (Request::Verify { id: text }, own),
        "pause" => (Request::Pause { id: text }, own),
        "resume" => (Request::Resume { id: text }, own),
        "rotate" => (Request::SecretRotate { id: text, secret: SecretParts::new(form.below("secret.")) }, own),
        "switches" | "types" | "settings" => (Request::IntegrationSet { id: text, change: change(deed, form)? }, own),
        "auto-match" => {
            let kind = kind(form.one("kind"))?;
            (Request::AutoMatch { id: text, kind: Some(kind) }, links::matching(&id, kind))
        }
        "create-unmatched" => {
            let kind = kind(form.one("kind"))?;
            (Request::CreateUnmatched { id: text, kind: Some(kind) }, links::matching(&id, kind))
        }
        "decide" => (decision(id, form)?, looks::own_path(form.one("back"), &own)),
        _ => return Err(nowhere()),
    };
    let ended = visit.order(request).await;
    Ok(tell(visit, ended.map(Some), path))
}

/// Reads a change of settings.
fn change(deed: &str, form: &Form) -> Result<IntegrationChange, ConsoleError> {
    let kinds = |name: &str| form.all(name).iter().map(|word| kind(word)).collect::<Result<BTreeSet<Kind>, _>>();
    Ok(match deed {
        "switches" => IntegrationChange {
            sync: Some(kinds("sync")?),
            auto_create: Some(kinds("auto_create")?),
            schedule: Some(form.one("schedule").to_owned()),
            time_zone: form.given("time_zone").map(str::to_owned),
            archive_stale: Some(form.one("archive_stale") == "on"),
            ..IntegrationChange::default()
        },
        "types" => IntegrationChange { types: Some(form.all("type")), ..IntegrationChange::default() },
        _ => IntegrationChange { settings: form.below("setting."), ..IntegrationChange::default() },
    })
}

/// Reads decisions: about one record by its own button, about the picked ones, or about all that the filter finds.
fn decision(id: &str, form: &Form) -> Result<Request, ConsoleError> {
    let kind = kind(form.one("kind"))?;
    let id = id.to_owned();
    if form.given("one").is_none() && form.one("scope") == "found" {
        let records = Selection::Filter(looks::filter(form));
        return match form.one("all") {
            "create" => Ok(Request::Create { id, kind, records }),
            "exclude" => Ok(Request::Exclude { id, kind, records }),
            "reset" => Ok(Request::Reset { id, kind, records }),
            _ => Err(nowhere()),
        };
    }
    let seen = form.all("seen");
    let revision_of = |vendor_id: &str| {
        seen.iter().filter_map(|seen| seen.split_once(' ')).find(|(_, of)| *of == vendor_id).map(|(seen, _)| seen)
    };
    let client = form.given("client").map(str::to_owned);
    let deciding = |vendor_id: &str, choice: Choice| Deciding {
        vendor_id: vendor_id.to_owned(),
        client: client.clone(),
        choice,
        revision: revision_of(vendor_id).map(str::to_owned),
    };
    let decisions = match form.given("one").map(|one| one.split_once(' ').unwrap_or((one, ""))) {
        Some(("match", rest)) => {
            let (doc_id, vendor_id) = rest.split_once(' ').ok_or_else(nowhere)?;
            vec![deciding(vendor_id, Choice::Match(doc_id.to_owned()))]
        }
        Some((word, vendor_id)) => vec![deciding(vendor_id, choice(word)?)],
        None => {
            let choice = choice(form.one("all"))?;
            form.all("record").iter().map(|vendor_id| deciding(vendor_id, choice.clone())).collect()
        }
    };
    Ok(Request::Decide { id, kind, decisions })
}

fn choice(word: &str) -> Result<Choice, ConsoleError> {
    match word {
        "create" => Ok(Choice::Create),
        "exclude" => Ok(Choice::Exclude),
        "reset" => Ok(Choice::Reset),
        _ => Err(nowhere()),
    }
}

async fn of_plan<D: Deps + 'static>(
    visit: &Visit<D>,
    plan: &str,
    deed: &str,
    form: &Form,
) -> Result<Done, ConsoleError> {
    let path = links::plan(&plan);
    let owner = plan.split('.').next().unwrap_or_default();
    let text = plan.to_owned();
    let request = match deed {
        "approve" => {
            confirmed(owner, form)?;
            let approve = Request::PlanApprove { plan: text };
            let ended = doings::begin(visit, owner, "Carrying the plan out", approve).await;
            let path = under_way(&ended).unwrap_or(path);
            return Ok(tell(visit, ended, path));
        }
        "discard" => {
            confirmed(owner, form)?;
            Request::PlanDiscard { plan: text }
        }
        "undo" => Request::Undo { plan: text },
        _ => return Err(nowhere()),
    };
    let ended = visit.order(request).await;
    Ok(tell(visit, ended.map(Some), path))
}

fn of_doc(doc: &str, deed: &str, form: &Form) -> Result<Request, ConsoleError> {
    let doc = doc.to_owned();
    let field = form.one("field").to_owned();
    match deed {
        "edit" => {
            let set = [(field, form.one("value").to_owned())].into();
            Ok(Request::DocsEdit { doc, set, release: Vec::new() })
        }
        "release" => Ok(Request::DocsEdit { doc, set: Default::default(), release: vec![field] }),
        "archive" => Ok(Request::DocsArchive { doc }),
        "restore" => Ok(Request::DocsRestore { doc }),
        _ => Err(nowhere()),
    }
}

/// Checks what a person typed to say that they mean it.
fn confirmed(word: &str, form: &Form) -> Result<(), ConsoleError> {
    if form.one("confirm") == word {
        return Ok(());
    }
    Err(ConsoleError::new(Code::Usage, format!("{word:?} was not typed, so nothing was done"), "go back and type it"))
}

/// Returns what came of an order, as a sentence.
pub(crate) fn told(ended: &Result<Answer, ConsoleError>) -> Notice {
    let answer = match ended {
        Ok(answer) => answer,
        Err(error) => return Notice::from(error),
    };
    match answer {
        Answer::Verified(view) if view.ok => Notice::good("The vendor lets us in."),
        Answer::Verified(view) => Notice {
            tone: Tone::Bad,
            text: "The vendor does not let us read everything.".to_owned(),
            hint: view.items.iter().find(|item| !item.ok).map(|item| item.hint.clone()).unwrap_or_default(),
        },
        Answer::Synced(view) => match (view.items.first(), view.not_run.first()) {
            (Some(run), _) => run_told(run),
            (None, Some(left)) => Notice::from(&left.error),
            (None, None) => Notice::care("Nothing was synced.", ""),
        },
        Answer::Finished(view) => match (&view.run, &view.not_run) {
            (Some(run), _) => run_told(run),
            (None, Some(error)) => Notice::from(error),
            (None, None) => Notice::good(format!("Finished. {} is {}.", view.integration, view.state)),
        },
        Answer::Staged(view) => staged(view),
        Answer::PlanChanged(view) => match &view.run {
            Some(run) => run_told(run),
            None => Notice::good(format!("The plan is {}.", view.state)),
        },
        Answer::Undone(view) if view.kept.is_empty() => {
            Notice::good(format!("{} undone.", words::counted(view.undone, "change")))
        }
        Answer::Undone(view) => Notice::care(
            format!("{} undone.", words::counted(view.undone, "change")),
            format!("{} stay, because something changed since.", words::counted(view.kept.len() as u64, "change")),
        ),
        Answer::Removed(view) => Notice::good(format!(
            "{} was removed with {}.",
            view.integration,
            words::counted(view.mappings_removed, "mapping")
        )),
        _ => Notice::good("Saved."),
    }
}

fn run_told(run: &RunView) -> Notice {
    let fetched: u64 = run.counts.values().map(|of| of.fetched).sum();
    if run.outcome.is_none() {
        return Notice::good(format!("{}: the run goes on.", run.integration));
    }
    let text = format!("{}: read {}.", run.integration, words::counted(fetched, "record"));
    let hint = run.notes.first().cloned().unwrap_or_default();
    match run.outcome {
        Some(Outcome::Complete) | None => Notice::good(text),
        Some(Outcome::Incomplete) => Notice::care(format!("{text} Not everything could be read."), hint),
        Some(Outcome::Held) => Notice::care(format!("{text} The guard holds the plan until a person looks."), hint),
        Some(Outcome::Failed) => {
            Notice { tone: Tone::Bad, text: format!("{}: the run failed.", run.integration), hint }
        }
        Some(Outcome::CredentialsRejected) => {
            Notice { tone: Tone::Bad, text: format!("{}: the vendor refused the secret.", run.integration), hint }
        }
    }
}

fn staged(view: &StagedView) -> Notice {
    let text = match (view.staged, view.unchanged) {
        (0, 0) => "Nothing was staged.".to_owned(),
        (0, _) => "It was staged already.".to_owned(),
        (number, _) => format!("Staged for {}. Nothing is written before Finish.", words::counted(number, "record")),
    };
    match view.left.first() {
        None => Notice::good(text),
        Some(first) => Notice::care(
            text,
            format!("{} left as it was: {}", words::counted(view.left.len() as u64, "record"), first.message),
        ),
    }
}
