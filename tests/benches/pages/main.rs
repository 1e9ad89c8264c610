//! What a page of the console costs over long lists: 2,000 clients of which none is decided, 50,000 records that are not in
//! the documentation, ninety nights. The whole way of a request: guard, door, console, store, HTML, packing.
//!
//! ```text
//! cargo bench --profile fast -p tests --bench pages
//! ```
//!
//! The table is the embedded one, in a file, as on one machine; no vendor is asked.

#![allow(clippy::print_stdout)]

mod big;
mod nights;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use apis::account::Surroundings;
use console::handle::Deps;
use console::roles::{Actor, Role};
use engine::life::Holder;
use engine::memory::{FnTransport, MemoryQueue, MemorySecrets};
use engine::ports::{Consumed, SendError, Table};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use local::SystemClock;
use web::{Bytes, Console, Door, Guest, Place, Told};

const HOST: &str = "127.0.0.1:8080";
/// So often each page is asked for; told are the processor time of one, and of the clock the middle and the longest.
const TIMES: usize = 11;

type Send = Box<dyn Fn(&apis::call::Call) -> Result<apis::call::Reply, SendError> + std::marker::Send + Sync>;

/// A data folder whose vendors are never asked.
struct Folder {
    local: local::Local,
    queue: MemoryQueue,
    secrets: MemorySecrets,
    transport: FnTransport<Send>,
    clock: SystemClock,
    holder: Holder,
    surroundings: Surroundings,
}

impl Deps for Folder {
    type Table = aws::table::DynamoTable;
    type Queue = MemoryQueue;
    type Transport = FnTransport<Send>;
    type Secrets = MemorySecrets;
    type Clock = SystemClock;

    fn table(&self) -> &Self::Table {
        &self.local.table
    }
    fn queue(&self) -> &MemoryQueue {
        &self.queue
    }
    fn transport(&self) -> &Self::Transport {
        &self.transport
    }
    fn secrets(&self) -> &MemorySecrets {
        &self.secrets
    }
    fn clock(&self) -> &SystemClock {
        &self.clock
    }
    fn holder(&self) -> &Holder {
        &self.holder
    }
    fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}

/// The processor time of all threads since they began, which others on the machine do not change as they do the clock's.
fn worked() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let of = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(Result::ok).filter_map(of).sum()
}

/// What was used up to an instant.
#[derive(Clone, Copy)]
struct Used {
    stored: Consumed,
    worked: Duration,
}

/// Lets everybody in.
struct Open;

impl Door for Open {
    async fn guest(&self, _: &Place, _: &HeaderMap) -> Option<Guest> {
        let actor = Actor { name: "bench".to_owned(), role: Role::Admin };
        Some(Guest { actor, session: "s".to_owned(), csrf: "c".to_owned(), may_leave: false })
    }
    async fn receive(&self, _: &Place, _: &Parts, _: Option<&Guest>) -> Option<Response<Bytes>> {
        None
    }
    fn stranger(&self, _: &Place, _: &Parts) -> Response<Bytes> {
        Response::new(Bytes::new())
    }
    async fn leave(&self, _: &Place, _: &Guest) -> Response<Bytes> {
        Response::new(Bytes::new())
    }
    fn told(&self, _: &Place, _: &HeaderMap, _: &Guest) -> Told {
        Told::default()
    }
    fn keep(&self, _: &Place, _: &HeaderMap, _: &Guest, _: Told, _: &mut Response<Bytes>) {}
}

/// Somebody who looks at pages.
struct Visitor {
    console: Console<Folder, Open>,
    folder: Arc<Folder>,
    place: Place,
}

impl Visitor {
    async fn send(&self, method: Method, path: &str, body: String) -> anyhow::Result<Response<Bytes>> {
        let request =
            Request::builder().method(method).uri(path).header("host", HOST).header("accept-encoding", "deflate");
        Ok(self.console.answer(&self.place, request.body(Bytes::from(body))?).await)
    }

    fn read(&self) -> Used {
        Used { stored: self.folder.local.table.meter().read(), worked: worked() }
    }

    /// Asks for a page so many times, and prints what it costs: requests, units, time, weight.
    async fn look(&self, what: &str, path: &str, times: usize) -> anyhow::Result<()> {
        let before = self.read();
        let mut took = Vec::new();
        let mut bytes = 0;
        for _ in 0..times {
            let began = Instant::now();
            let answer = self.send(Method::GET, path, String::new()).await?;
            took.push(began.elapsed());
            bytes = answer.body().len();
            anyhow::ensure!(answer.status() == 200, "{path}: {}", answer.status());
        }
        self.line(what, before, took, bytes);
        Ok(())
    }

    /// Sends a form, and prints what the order costs.
    async fn order(&self, what: &str, path: &str, form: &str) -> anyhow::Result<()> {
        let before = self.read();
        let began = Instant::now();
        let answer = self.send(Method::POST, path, format!("csrf=c&{form}")).await?;
        let took = vec![began.elapsed()];
        anyhow::ensure!(answer.status() == 303, "{path}: {}", answer.status());
        self.line(what, before, took, 0);
        Ok(())
    }

    fn line(&self, what: &str, before: Used, mut took: Vec<Duration>, bytes: usize) {
        let worked = self.read().worked.saturating_sub(before.worked);
        let (before, now) = (before.stored, self.read().stored);
        took.sort();
        let times = took.len() as f64;
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        println!(
            "| {what} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {} |",
            (now.requests - before.requests) as f64 / times,
            (now.read_units - before.read_units) / times,
            (now.write_units - before.write_units) / times,
            ms(worked) / times,
            ms(took[took.len() / 2]),
            ms(took[took.len() - 1]),
            if bytes == 0 { String::new() } else { format!("{:.1}", bytes as f64 / 1000.0) },
        );
    }

    /// Returns the path of the page that follows so many pages after this one.
    async fn later(&self, path: &str, pages: usize) -> anyhow::Result<String> {
        let mut at = path.to_owned();
        for _ in 0..pages {
            let request = Request::builder().uri(&at).header("host", HOST).body(Bytes::new())?;
            let answer = self.console.answer(&self.place, request).await;
            let text = std::str::from_utf8(answer.body())?;
            let (_, rest) = text.split_once("cursor=").with_context(|| format!("{at} is the last page"))?;
            let cursor = rest.split(['"', '&']).next().unwrap_or_default();
            at = format!("{path}{}cursor={cursor}", if path.contains('?') { '&' } else { '?' });
        }
        Ok(at)
    }
}

async fn played() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let send: Send = Box::new(|call| Err(SendError::TimedOut { host: call.url.authority().to_owned(), seconds: 1 }));
    let folder = Arc::new(Folder {
        local: local::open(folder.path())?,
        queue: MemoryQueue::new(),
        secrets: MemorySecrets::new(),
        transport: FnTransport::new(send),
        clock: SystemClock,
        holder: Holder { name: "bench".to_owned(), gone_after: Duration::ZERO },
        surroundings: Surroundings::default(),
    });
    big::fill(&folder.local.table).await?;
    nights::fill(&folder.local.table).await?;
    let stored = folder.local.table.meter().read().write_units;
    println!(
        "{} clients, {} records that are not in the documentation, {} nights, {} decisions; written in {stored:.0} units\n",
        big::CLIENTS,
        big::UNSYNCED,
        nights::NIGHTS,
        nights::DECISIONS
    );
    println!("| page | store requests | read units | write units | CPU ms | ms | worst ms | KB packed |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let place = Place::plain(vec![HOST.to_owned()]);
    let visitor = Visitor { console: Console::new(Arc::clone(&folder), Open), folder, place };
    lists(&visitor).await?;
    past(&visitor).await?;
    plan(&visitor).await?;
    for file in ["/page.css", "/page.js", "/page.svg"] {
        visitor.look(&format!("`{file}`"), file, 1).await?;
    }
    Ok(())
}

/// Home, the integration, the wizard, and what is unsynced.
async fn lists(visitor: &Visitor) -> anyhow::Result<()> {
    let at = |part: &str| format!("/i/{}/{part}", big::ID);
    visitor.look("home", "/", TIMES).await?;
    visitor.look("integration", &format!("/i/{}", big::ID), TIMES).await?;
    let wizard = at("match/client");
    visitor.look("wizard, the first look after a run that touched clients", &wizard, 1).await?;
    visitor.look("wizard, the first page", &wizard, TIMES).await?;
    let deep = visitor.later(&wizard, 10).await?;
    visitor.look("wizard, the eleventh page", &deep, TIMES).await?;
    visitor.look("wizard, found by name", &format!("{wizard}?search=client+19"), TIMES).await?;
    let back = "back=%2Fi%2Fbig%2Fmatch%2Fclient";
    let form = format!("kind=client&one=exclude+{}&{back}", big::client(107));
    visitor.order("wizard, one decision", &at("decide"), &form).await?;
    visitor.look("wizard, a tab with one record", &format!("{wizard}?state=excluded"), TIMES).await?;
    let pick = format!("{wizard}/pick?record={}&search=client+19", big::client(7));
    visitor.look("wizard, type-ahead", &pick, TIMES).await?;
    let unsynced = at("unsynced");
    visitor.look("unsynced, the first page", &unsynced, TIMES).await?;
    let deep = visitor.later(&unsynced, 25).await?;
    visitor.look("unsynced, a page of devices", &deep, TIMES).await?;
    visitor.look("unsynced, the 20 of 50,000", &at("unsynced?kind=asset&reason=ambiguous_match"), TIMES).await?;
    visitor.look("unsynced, all of it as CSV", &at("unsynced.csv"), 3).await
}

/// What happened: runs, plans, records, decisions.
async fn past(visitor: &Visitor) -> anyhow::Result<()> {
    let at = |part: &str| format!("/i/{}/{part}", big::ID);
    visitor.look("run", &format!("/run/{}", nights::newest_run()?), TIMES).await?;
    visitor.look("history of runs", &at("runs"), TIMES).await?;
    visitor.look("plans", &at("plans"), TIMES).await?;
    visitor.look("catalogue, clients", "/catalogue?kind=client", TIMES).await?;
    visitor.look("catalogue, clients found by name", "/catalogue?kind=client&search=client+19", TIMES).await?;
    visitor.look("catalogue, devices", "/catalogue?kind=asset", TIMES).await?;
    let below = format!("/catalogue?kind=asset&client={}", nights::client()?);
    visitor.look("catalogue, devices of a client", &below, TIMES).await?;
    visitor.look("record and its history", &format!("/doc/{}", nights::record()?), TIMES).await?;
    visitor.look("audit", "/audit", TIMES).await
}

/// A preview of all clients.
async fn plan(visitor: &Visitor) -> anyhow::Result<()> {
    let at = |part: &str| format!("/i/{}/{part}", big::ID);
    visitor.look("preview of one decision", &at("preview"), TIMES).await?;
    visitor.order("create unmatched, 1,999 clients", &at("create-unmatched"), "kind=client").await?;
    visitor.look("preview of 2,000 decisions, the first look", &at("preview"), 1).await?;
    visitor.look("preview of 2,000 decisions, again", &at("preview"), 3).await?;
    let deep = visitor.later(&at("preview"), 10).await?;
    visitor.look("preview of 2,000 decisions, the eleventh page", &deep, TIMES).await
}

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(played())
}
