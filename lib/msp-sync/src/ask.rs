//! From the command line's words to a question: argv and the files it names become a [`Request`].

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use apis::call::{Secret, SecretText};
use console::request::{IntegrationChange, Page, RecordFilter, Request, SecretParts, Selection, SyncTarget};

use crate::args::{
    Command, DecideMany, Docs, Edit, Filter, Integration, Mappings, Paging, Pair, Plan, Run, SecretCommand,
    SecretSource, Set, Switch,
};
use crate::failure::Failure;

/// The most bytes of a file or of standard input that are taken in.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Returns the question that `command` asks; `None` for the commands that ask none (demo, sandbox, serve, dlq, completions).
pub(crate) fn request(command: Command) -> Result<Option<Request>, Failure> {
    let request = match command {
        Command::Demo(_) | Command::Sandbox(_) | Command::Serve(_) | Command::Dlq(_) | Command::Completions { .. } => {
            return Ok(None);
        }
        Command::Integration(command) => integration(command)?,
        Command::Secret(SecretCommand::Rotate { id, secret }) => Request::SecretRotate { id, secret: parts(secret)? },
        Command::Sync(sync) => {
            let target = if sync.all { SyncTarget::All } else { SyncTarget::Ids(sync.ids) };
            Request::Sync { target, force: sync.force }
        }
        Command::Records(of) => {
            Request::Records { id: of.id, kind: of.kind, filter: filter(of.filter), page: page(of.paging) }
        }
        Command::AutoMatch(of) => Request::AutoMatch { id: of.id, kind: of.kind },
        Command::Match(of) => Request::Match { id: of.id, kind: of.kind, vendor_id: of.vendor_id, doc_id: of.doc_id },
        Command::Create(of) => Request::Create { id: of.id.clone(), kind: of.kind, records: selection(of) },
        Command::Exclude(of) => Request::Exclude { id: of.id.clone(), kind: of.kind, records: selection(of) },
        Command::Reset(of) => Request::Reset { id: of.id.clone(), kind: of.kind, records: selection(of) },
        Command::CreateUnmatched(of) => Request::CreateUnmatched { id: of.id, kind: of.kind },
        Command::Preview(of) => Request::Preview { id: of.id, page: page(of.paging) },
        Command::Finish(of) => Request::Finish { id: of.id, plan: of.plan, no_sync: of.no_sync },
        Command::Plans(of) => Request::Plans { id: of.id, page: page(of.paging) },
        Command::Plan(Plan::Show { plan, paging }) => Request::PlanShow { plan: plan.plan, page: page(paging) },
        Command::Plan(Plan::Approve(of)) => Request::PlanApprove { plan: of.plan },
        Command::Plan(Plan::Discard(of)) => Request::PlanDiscard { plan: of.plan },
        Command::Status(of) => Request::Status { id: of.id, page: page(of.paging) },
        Command::Runs(of) => Request::Runs { id: of.id, page: page(of.paging) },
        Command::Run(Run::Show { run }) => Request::RunShow { run },
        Command::Unsynced(of) if of.csv => {
            Request::UnsyncedExport { id: of.id, kind: of.kind, filter: filter(of.filter) }
        }
        Command::Unsynced(of) => {
            Request::Unsynced { id: of.id, kind: of.kind, filter: filter(of.filter), page: page(of.paging) }
        }
        Command::Docs(command) => docs(command)?,
        Command::Undo(of) => Request::Undo { plan: of.plan },
        Command::Mappings(Mappings::Export(of)) => Request::MappingsExport { id: of.id },
        Command::Mappings(Mappings::Import { id, file }) => Request::MappingsImport { id, csv: text_of(&file)? },
        Command::Audit { paging } => Request::Audit { page: page(paging) },
    };
    Ok(Some(request))
}

fn integration(command: Integration) -> Result<Request, Failure> {
    Ok(match command {
        Integration::Add(add) => Request::IntegrationAdd {
            id: add.id,
            vendor: add.vendor,
            settings: by_key("--setting", add.settings)?,
            secret: parts(add.secret)?,
        },
        Integration::List { paging } => Request::IntegrationList { page: page(paging) },
        Integration::Show(of) => Request::IntegrationShow { id: of.id },
        Integration::Verify(of) => Request::Verify { id: of.id },
        Integration::Set(set) => Request::IntegrationSet { id: set.id.clone(), change: change(set)? },
        Integration::Types(of) => Request::Types { id: of.id, page: page(of.paging) },
        Integration::Pause(of) => Request::Pause { id: of.id },
        Integration::Resume(of) => Request::Resume { id: of.id },
        Integration::Remove(of) => Request::IntegrationRemove { id: of.id },
    })
}

fn docs(command: Docs) -> Result<Request, Failure> {
    Ok(match command {
        Docs::List { kind, client, search, paging } => Request::DocsList { kind, client, search, page: page(paging) },
        Docs::Show(of) => Request::DocsShow { doc: of.doc },
        Docs::Import { kind, file } => Request::DocsImport { kind, csv: text_of(&file)? },
        Docs::Export { kind } => Request::DocsExport { kind },
        Docs::Edit(Edit { set, release, .. }) if set.is_empty() && release.is_empty() => {
            return Err(Failure::usage("nothing to edit was given", "add --set FIELD=VALUE or --release FIELD"));
        }
        Docs::Edit(Edit { doc, set, release }) => Request::DocsEdit { doc, set: by_key("--set", set)?, release },
        Docs::Archive(of) => Request::DocsArchive { doc: of.doc },
        Docs::Restore(of) => Request::DocsRestore { doc: of.doc },
    })
}

fn change(set: Set) -> Result<IntegrationChange, Failure> {
    let change = IntegrationChange {
        settings: by_key("--setting", set.settings)?,
        sync: set.sync.map(|kinds| kinds.0.into_iter().collect()),
        auto_create: set.auto_create.map(|kinds| kinds.0.into_iter().collect()),
        types: set.types.map(|words| words.0),
        schedule: set.schedule,
        time_zone: set.time_zone,
        archive_stale: set.archive_stale.map(|switch| switch == Switch::On),
    };
    if change == IntegrationChange::default() {
        let hint = "name what changes, e.g. --sync client,asset; `msp-sync integration set --help` lists all of it";
        return Err(Failure::usage("nothing to set was given", hint));
    }
    Ok(change)
}

fn page(paging: Paging) -> Page {
    Page { limit: paging.limit as usize, cursor: paging.cursor }
}

fn filter(filter: Filter) -> RecordFilter {
    RecordFilter { state: filter.state, reason: filter.reason, search: filter.search, new: false }
}

fn selection(of: DecideMany) -> Selection {
    if of.vendor_ids.is_empty() { Selection::Filter(filter(of.filter)) } else { Selection::Ids(of.vendor_ids) }
}

fn by_key(flag: &str, pairs: Vec<Pair>) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for Pair { key, value } in pairs {
        if map.insert(key.clone(), value).is_some() {
            return Err(Failure::usage(format!("{flag} {key}=… was given twice"), "give each key once"));
        }
    }
    Ok(map)
}

/// The secret's parts; no message repeats any text that might be one.
fn parts(source: SecretSource) -> Result<SecretParts, Failure> {
    if source.secret_stdin {
        let hint = "pipe an object of texts in, e.g. {\"username\":\"…\",\"api_key\":\"…\"}";
        let text = input(std::io::stdin().lock(), "standard input")?;
        let parts: Result<BTreeMap<String, String>, _> = serde_json::from_str(&text);
        return match parts {
            Ok(parts) if !parts.is_empty() => Ok(SecretParts::new(parts)),
            Ok(_) => Err(Failure::usage("the secret on standard input has no parts", hint)),
            Err(_) => Err(Failure::usage("the secret on standard input is not a JSON object of texts", hint)),
        };
    }
    let mut parts: BTreeMap<String, SecretText> = BTreeMap::new();
    for pair in source.secrets {
        let hint = "write --secret KEY=VALUE, e.g. --secret api_key=…, or pipe the secret in with --secret-stdin";
        if pair.key.is_empty() {
            return Err(Failure::usage("a --secret has no KEY= before it", hint));
        }
        if parts.insert(pair.key.clone(), pair.value).is_some() {
            return Err(Failure::usage(format!("--secret {}=… was given twice", pair.key), hint));
        }
    }
    if parts.is_empty() {
        let hint = "pipe it in with --secret-stdin, or write --secret KEY=VALUE for each of its parts";
        return Err(Failure::usage("no secret was given", hint));
    }
    Ok(SecretParts(Secret(parts)))
}

fn text_of(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        return input(std::io::stdin().lock(), "standard input");
    }
    let name = file.display().to_string();
    let opened = std::fs::File::open(file)
        .map_err(|error| Failure::new("bad_file", format!("{name} cannot be opened: {error}"), "look at its path"))?;
    input(opened, &name)
}

fn input(from: impl Read, name: &str) -> Result<String, Failure> {
    let bad = |why: String| Failure::new("bad_file", format!("{name} cannot be read: {why}"), "it must be UTF-8 text");
    let mut text = String::new();
    let bytes = from.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| bad(error.to_string()))?;
    if bytes as u64 > INPUT_BYTES_MAX {
        return Err(bad(format!("it is longer than {} MiB", INPUT_BYTES_MAX / 1024 / 1024)));
    }
    Ok(text.trim_start_matches('\u{FEFF}').to_owned())
}

#[cfg(test)]
mod tests;
