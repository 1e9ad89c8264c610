//! Integrations: list, settings, what the vendor said, its types.

use console::request::Request;
use console::views::{IntegrationView, List, RemovedView, TypeView, VerifyView};
use console::words::IntegrationState;
use reconcile::ids::IntegrationId;
use reconcile::record::Kind;

use super::more;
use super::screen::{Ink, Screen, harmless, harmless_lines};
use super::table::{Column, Sheet, Value, facts};
use super::words::{counted, expected, instant_or, integration_state, listed};

/// What to type where nothing is set up yet.
pub(super) const NONE_YET: &str = "No integrations yet. Add one:\n  \
    msp-sync integration add acme-auvik --vendor auvik --setting url=us1 --setting domain=acme --secret-stdin\n\
    Or see it work with simulated vendors first:  msp-sync demo\n";

/// `integration list`.
pub(super) fn list(list: &List<IntegrationView>, screen: Screen) -> String {
    if list.items.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut sheet = Sheet::new([
        Column::id("INTEGRATION"),
        Column::id("VENDOR"),
        Column::id("STATE"),
        Column::text("SYNC"),
        Column::text("AUTO-CREATE").optional(3),
        Column::id("SCHEDULE").optional(2),
        Column::id("NEXT RUN").optional(1),
    ]);
    for view in &list.items {
        sheet.row([
            view.integration.to_string().into(),
            (&view.vendor).into(),
            integration_state(view.state),
            listed(&view.sync, "-").into(),
            listed(&view.auto_create, "-").into(),
            view.schedule.clone().unwrap_or_default().into(),
            instant_or(view.next_run_at, "-").into(),
        ]);
    }
    sheet.render(screen) + &more(list.next.as_ref(), list.items.len())
}

/// `integration show`, and what `add`, `set`, `pause` and `resume` leave behind.
pub(super) fn one(asked: &Request, view: &IntegrationView, screen: Screen) -> String {
    let id = &view.integration;
    let said = match asked {
        Request::IntegrationAdd { .. } => format!("Added {id}.\n\n"),
        Request::IntegrationSet { .. } => format!("Changed {id}.\n\n"),
        Request::Pause { .. } => format!("Paused {id}: its mappings are kept, it does not sync.\n\n"),
        Request::Resume { .. } => format!("{id} syncs again.\n\n"),
        _ => String::new(),
    };
    let mut rows: Vec<(&str, Value)> = vec![
        ("integration", id.to_string().into()),
        ("vendor", (&view.vendor).into()),
        ("state", integration_state(view.state)),
        ("kinds of the vendor", listed(&view.kinds, "-").into()),
        ("sync", listed(&view.sync, "none").into()),
        ("auto-create", listed(&view.auto_create, "none").into()),
    ];
    if let Some(types) = &view.types {
        rows.push(("types", listed(types, "none (no asset is imported)").into()));
    }
    let schedule = view.schedule.as_ref().map(|cron| format!("{cron}  ({})", view.time_zone));
    rows.push(("schedule", schedule.unwrap_or_else(|| "none".to_owned()).into()));
    rows.push(("next run", instant_or(view.next_run_at, "-").into()));
    if let Some(cost) = &view.expected_cost {
        rows.push(("next run costs", expected(cost).into()));
    }
    rows.push(("archive stale", if view.archive_stale { "on" } else { "off" }.into()));
    let settings: Vec<(String, String)> =
        view.settings.iter().map(|(key, value)| (format!("setting {key}"), value.clone())).collect();
    rows.extend(settings.iter().map(|(key, value)| (key.as_str(), value.into())));
    format!("{said}{}{}", facts(&rows, screen), next_step(view))
}

/// What a person does next with an integration in this state.
fn next_step(view: &IntegrationView) -> String {
    let id = &view.integration;
    match view.state {
        IntegrationState::Draft => format!("\nNext: msp-sync integration verify {id}\n"),
        IntegrationState::Verified => choose_kinds(id, &view.kinds),
        IntegrationState::Configured => {
            let types = match &view.types {
                Some(types) if types.is_empty() && view.sync.contains(&Kind::Asset) => {
                    format!("\nNo asset comes in before its type is chosen: msp-sync integration types {id}\n")
                }
                _ => String::new(),
            };
            // What a run costs is known once there was one.
            let next = match view.expected_cost {
                Some(_) => format!("msp-sync auto-match {id}, then create-unmatched, preview and finish"),
                None => format!("msp-sync sync {id}    (reads the vendor; nothing is written to the documentation)"),
            };
            format!("{types}\nNext: {next}\n")
        }
        IntegrationState::CredentialsRejected => {
            format!("\nThe vendor refuses its secret. Next: msp-sync secret rotate {id} --secret-stdin\n")
        }
        IntegrationState::Paused => format!("\nNext: msp-sync integration resume {id}\n"),
        IntegrationState::Live => String::new(),
    }
}

/// `integration remove`.
pub(super) fn removed(view: &RemovedView) -> String {
    let mappings = counted(view.mappings_removed, "mapping");
    format!("Removed {} with its secret and {mappings}. Documentation records stay as they are.\n", view.integration)
}

/// `integration verify` and `secret rotate`.
pub(super) fn verified(view: &VerifyView, screen: Screen) -> String {
    let id = &view.integration;
    let mut sheet =
        Sheet::new([Column::id("KIND"), Column::id("ANSWER"), Column::prose("THE VENDOR SAID").optional(1)]);
    for item in &view.items {
        let answer = if item.ok { Value::inked(Ink::Good, "ok") } else { Value::inked(Ink::Bad, "refused") };
        let said = if item.ok { "" } else { &item.message };
        sheet.row([item.kind.to_string().into(), answer, said.into()]);
    }
    let mut text = sheet.render(screen);
    let mut told: Vec<(&str, &str)> = Vec::new();
    for item in view.items.iter().filter(|item| !item.ok) {
        if told.contains(&(&item.cause, &item.hint)) {
            continue;
        }
        told.push((&item.cause, &item.hint));
        text.push('\n');
        let likely = likely_cause(&item.cause);
        for (label, line) in
            [("Likely cause: ", likely), ("What to do:   ", item.hint.as_str()), ("Try it:       ", item.curl.as_str())]
        {
            if !line.is_empty() {
                text.push_str(&format!("{label}{}\n", harmless_lines(line)));
            }
        }
    }
    match (view.promoted, view.ok) {
        (Some(true), _) => text.push_str("\nThe new secret is the current one.\n"),
        (Some(false), _) => text.push_str("\nThe new secret was not taken; the one before stays.\n"),
        (None, true) if view.state == IntegrationState::Verified => {
            let work: Vec<Kind> = view.items.iter().filter(|item| item.ok).map(|item| item.kind).collect();
            text.push_str(&choose_kinds(id, &work));
        }
        (None, _) => {}
    }
    if view.ok && view.promoted.is_some() {
        text.push_str(&format!("{id} is {}.\n", view.state));
    }
    text
}

/// The command that chooses all of these kinds.
fn choose_kinds(id: &IntegrationId, kinds: &[Kind]) -> String {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
    format!("\nNext: msp-sync integration set {id} --sync {}\n", kinds.join(","))
}

/// A cause in words; a code that has none stands for itself.
fn likely_cause(code: &str) -> &str {
    match code {
        "credentials" => "the secret is wrong, was changed or taken back, or may not use the API",
        "permission" => "the secret is good, but may not read this",
        "wrong_place" => "the account is somewhere else than url says",
        "not_found" => "the vendor does not know what the settings name",
        "bad_request" => "the vendor does not take the request as it is",
        "unavailable" => "the vendor is busy or out of order; it may pass",
        "not_the_api" => "something else than the vendor's API answers there",
        "no_answer" => "nobody answers there, or something in between does not let the call through",
        other => other,
    }
}

/// `integration types`.
pub(super) fn types(asked: &Request, list: &List<TypeView>, screen: Screen) -> String {
    if list.items.is_empty() {
        let id = if let Request::Types { id, .. } = asked { id } else { "ID" };
        return format!(
            "No configuration types are known yet. Kaseya BMS has no list of them: they are those of the assets that were \
             read.\nNext: msp-sync sync {id}    (asset must be among the kinds to sync; nothing is written to the \
             documentation)\n"
        );
    }
    let mut sheet = Sheet::new([
        Column::id("ID"),
        Column::text("NAME"),
        Column::number("ASSETS").optional(1),
        Column::id("SELECTED"),
    ]);
    for view in &list.items {
        let selected = if view.selected { Value::inked(Ink::Good, "yes") } else { Value::inked(Ink::Faint, "no") };
        let assets = view.count.map(super::words::count).unwrap_or_default();
        sheet.row([harmless(&view.id).into(), (&view.name).into(), assets.into(), selected]);
    }
    sheet.render(screen) + &more(list.next.as_ref(), list.items.len())
}
