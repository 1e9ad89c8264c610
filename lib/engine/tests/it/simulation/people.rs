//! What people do with our records, whenever they like.

use engine::ports::Table;
use engine::store::catalogue::{self, Shelf};
use engine::store::{entries, integrations};
use fastrand::Rng;
use reconcile::doc::Doc;
use reconcile::ids::{DocId, IntegrationId, Scope};
use reconcile::mapping::{Decision, Entry};
use reconcile::record::{Field, Kind, Value};

use super::Sim;
use super::cast::{Cast, Thing};
use crate::office::wizard::{document, put};

/// Picks one of some things, if there are any.
pub fn pick<'a, K: Clone + 'a>(rng: &mut Rng, keys: impl Iterator<Item = &'a K>) -> Option<K> {
    let keys: Vec<&K> = keys.collect();
    (!keys.is_empty()).then(|| keys[rng.usize(..keys.len())].clone())
}

/// One thing that somebody does with our records. Returns what it was.
pub async fn at_ours<C: Cast>(sim: &mut Sim<C>) -> String {
    let done = match sim.rng.u32(..10) {
        0..5 => stage(sim).await,
        5 => edit(sim).await,
        6 => import(sim).await,
        7 => switch(sim).await,
        _ => archive(sim).await,
    };
    done.unwrap_or_else(|| "nothing".to_owned())
}

fn some_integration<C: Cast>(sim: &mut Sim<C>) -> IntegrationId {
    let which = sim.some_one();
    sim.ids[which].clone()
}

async fn some_entry<C: Cast>(sim: &mut Sim<C>, id: &IntegrationId) -> Option<(Scope, Entry)> {
    let clients = entries::load_scope(&sim.table, id, &Scope::Clients).await.expect("readable");
    let below = clients.keys().map(|(_, client)| Scope::Client(client.clone()));
    let scopes: Vec<Scope> = [Scope::Clients, Scope::Users].into_iter().chain(below).collect();
    let scope = match sim.rng.bool() {
        true => Scope::Clients,
        false => pick(&mut sim.rng, scopes.iter())?,
    };
    let all = entries::load_scope(&sim.table, id, &scope).await.expect("readable");
    let key = pick(&mut sim.rng, all.keys())?;
    Some((scope, all[&key].clone()))
}

async fn stage<C: Cast>(sim: &mut Sim<C>) -> Option<String> {
    let id = some_integration(sim);
    let (scope, mut entry) = some_entry(sim, &id).await?;
    let decision = match sim.rng.u32(..6) {
        0 => Decision::Exclude,
        1 => Decision::Reset,
        2 | 3 => Decision::Create,
        _ => Decision::Match(some_doc(sim, entry.record.kind).await?.id),
    };
    let said = format!("{id} {} {}: staged {decision:?}", entry.record.kind, entry.record.vendor_id);
    entry.mapping.staged = Some(decision);
    sim.table.write(entries::write(&id, &entry)).await.expect("nobody is in between");
    entries::note_staged(&sim.table, &id, &scope).await.expect("memory never fails");
    Some(said)
}

async fn some_doc<C: Cast>(sim: &mut Sim<C>, kind: Kind) -> Option<Doc> {
    let shelf = match kind {
        Kind::Client => Shelf::Clients,
        Kind::User => Shelf::Users,
        Kind::Asset | Kind::Contact | Kind::Location => {
            let clients = catalogue::load_shelf(&sim.table, &Shelf::Clients).await.expect("readable").docs;
            Shelf::Client(pick(&mut sim.rng, clients.keys())?)
        }
    };
    let docs = catalogue::load_shelf(&sim.table, &shelf).await.expect("readable").docs;
    let id = pick(&mut sim.rng, docs.keys().filter(|id| id.kind() == kind))?;
    docs.get(&id).cloned()
}

async fn edit<C: Cast>(sim: &mut Sim<C>) -> Option<String> {
    let mut doc = some_doc(sim, Kind::Asset).await?;
    let field = if sim.rng.bool() { Field::Model } else { Field::Hostname };
    match sim.rng.u32(..3) {
        0 => doc.edits.remove(&field),
        1 => doc.edits.insert(field, None),
        _ => doc.edits.insert(field, Some(Value::Text(format!("edited{}", sim.rng.u32(..3))))),
    };
    put(&sim.table, &doc).await;
    Some(format!("{}: {field} is edited", doc.id))
}

async fn import<C: Cast>(sim: &mut Sim<C>) -> Option<String> {
    let Thing { client, serial, name } = sim.cast.thing(&mut sim.rng);
    let id = DocId::imported(Kind::Asset, Some(&client.id), &serial, sim.rng.usize(..2));
    let mut doc = Doc::new(id.clone(), &name);
    doc.imported.set_text(Field::SerialNumber, &serial);
    doc.imported.set_text(Field::Hostname, &name);
    document(&sim.table, vec![client, doc]).await;
    Some(format!("{id} is read in"))
}

async fn switch<C: Cast>(sim: &mut Sim<C>) -> Option<String> {
    let id = some_integration(sim);
    let known = integrations::load(&sim.table, &id).await.expect("readable").expect("added");
    let kind = pick(&mut sim.rng, known.sync.iter())?;
    let no_more = pick(&mut sim.rng, known.types.iter().flatten()).filter(|_| sim.rng.u32(..3) == 0);
    let changed = integrations::update(&sim.table, &id, |integration| {
        if let (Some(types), Some(no_more)) = (&mut integration.types, &no_more) {
            types.remove(no_more);
        } else if !integration.auto_create.remove(&kind) {
            integration.auto_create.insert(kind);
        }
        integration.epoch += 1;
    });
    changed.await.expect("memory never fails");
    Some(match no_more {
        Some(no_more) => format!("{id}: type {no_more} is chosen no longer"),
        None => format!("{id}: auto-create of {kind} is switched"),
    })
}

async fn archive<C: Cast>(sim: &mut Sim<C>) -> Option<String> {
    let kinds = [Kind::Client, Kind::User, Kind::Contact, Kind::Location];
    let kind = if sim.rng.u32(..4) == 0 { pick(&mut sim.rng, kinds.iter())? } else { Kind::Asset };
    let mut doc = some_doc(sim, kind).await?;
    if doc.archived {
        doc.restore_by_person();
    } else {
        doc.archive_by_person();
    }
    put(&sim.table, &doc).await;
    Some(format!("{} is archived: {}", doc.id, doc.archived))
}
