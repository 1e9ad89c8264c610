//! The pager as a value: what to ask, what came, what next.
//!
//! A [`Reading`] does nothing by itself. It gives the [`Call`] to send, takes the [`Reply`], and says what then; whoever
//! drives it owns time, network and tries. It serialises to the checkpoint from which another process goes on, and a
//! checkpoint holds no secret.
//!
//! ```text
//! start ─► call ─► take ─┬─► Next ──► call …
//!                        ├─► Again ─► call again, after a wait
//!                        └─► Done | Refused | Broken
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use reconcile::ids::VendorId;
use reconcile::record::VendorRecord;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::call::{Call, Reply};
use crate::decode::{hash, tell_apart};
use crate::feed::{Feed, Page, Paging, Sequel};
use crate::limits::retry_after;
use crate::refusal::{Cause, Judged, Refusal, tidy, words};

/// How far one feed has been read, below one parent where it fans out.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Reading {
    feed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<VendorId>,
    /// The page to ask for, as path and query; `None` for the first. Without the host, since a checkpoint must not decide
    /// where credentials go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<(String, Option<String>)>,
    /// Rows per page to ask for where the first page turned out to be too large for the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page_size: Option<u32>,
    /// Pages taken.
    pages: u32,
    /// Hashes of the addresses asked and of the rows that came, to notice a vendor that goes in circles. They have 52
    /// bits, which every reader of JSON keeps.
    seen: BTreeSet<u64>,
    /// What waits for the sequel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// Records of the first call that wait for the second.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Held {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    records: Vec<VendorRecord>,
    /// Why the first answer was not whole: the end will not be `Done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
}

/// What one reply gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// A record for every row, malformed rows among them. Rows below a client carry the client.
    pub records: Vec<VendorRecord>,
    /// What comes next.
    pub then: Then,
}

/// What comes after a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// There is more: send [`Reading::call`].
    Next,
    /// The list is complete by the vendor's own rule. No other ending is.
    Done,
    /// The vendor refuses; asking again changes nothing.
    Refused(Refusal),
    /// It may pass: send [`Reading::call`] again, as often as [`crate::limits::retry`] allows.
    Again {
        /// The wait that the vendor asks for.
        after: Option<Duration>,
        /// What happened, with the vendor's words; nothing in it is secret.
        why: String,
    },
    /// The list cannot be read to its end: what came is good, what is missing is unknown. The text says why.
    Broken(String),
}

impl Reading {
    /// Begins to read a feed, below `parent` exactly where the feed fans out.
    pub fn start(feed: &Feed, parent: Option<&VendorId>) -> Reading {
        Reading {
            feed: feed.name.to_owned(),
            parent: parent.cloned(),
            next: None,
            page_size: None,
            pages: 0,
            seen: BTreeSet::new(),
            held: None,
        }
    }

    /// Returns the name of the feed.
    pub fn feed(&self) -> &str {
        &self.feed
    }

    /// Returns the parent below which it reads.
    pub fn parent(&self) -> Option<&VendorId> {
        self.parent.as_ref()
    }

    /// Returns the call to send. Asked twice without a reply taken in between, it gives the same call.
    pub fn call(&self, account: &Account) -> Call {
        let feed = self.resolve(account);
        let sequel = self.held.as_ref().zip(feed.sequel.as_ref());
        if let Some(ask) = sequel.and_then(|(held, sequel)| (sequel.ask)(account, held.mark.as_deref())) {
            return account.call(&ask.path, &ask.query);
        }
        match &self.next {
            Some((path, query)) => {
                let mut url = account.base().clone();
                url.set_path(path);
                url.set_query(query.as_deref());
                account.call_at(url)
            }
            None => {
                let page_size = self.page_size.unwrap_or(account.vendor.limits.page_size);
                let ask = (feed.ask)(self.parent.as_ref(), page_size);
                account.call(&ask.path, &ask.query)
            }
        }
    }

    /// Takes the reply to [`Reading::call`]. After `Again` and `Refused` the reading stands where
    /// it stood, save that after a gateway's time-out it asks for smaller pages.
    pub fn take(&mut self, account: &Account, reply: &Reply) -> Taken {
        let feed = self.resolve(account);
        if let (Some(held), Some(sequel)) = (&self.held, &feed.sequel) {
            let held = held.clone();
            return self.take_sequel(account, sequel, held, reply);
        }
        if feed.nothing.contains(&reply.status) {
            return Taken { records: Vec::new(), then: Then::Done };
        }
        if let Some(then) = self.not_good(account, reply) {
            self.ask_for_less(account, reply);
            return Taken { records: Vec::new(), then };
        }
        let page = (feed.decode)(&reply.body, self.parent.as_ref());
        self.take_page(account, feed, page)
    }

    fn resolve(&self, account: &Account) -> &'static Feed {
        account.vendor.feed(&self.feed).expect("a reading is used with an account of the vendor whose feed it reads")
    }

    /// Returns what then, where the answer is not a good one.
    fn not_good(&self, account: &Account, reply: &Reply) -> Option<Then> {
        match (account.vendor.judge)(reply) {
            Judged::Good => None,
            Judged::Passing => {
                let said = words(account, reply);
                let status = reply.status;
                let why = if said.is_empty() { format!("status {status}") } else { format!("status {status}: {said}") };
                Some(Then::Again { after: retry_after(reply), why })
            }
            Judged::Refused(cause) => Some(Then::Refused(Refusal::new(cause, account, &self.call(account), reply))),
        }
    }

    /// A gateway's time-out on the first page is the mark of pages that are too large (auvik.md section 9), so the next try
    /// asks for half. Later pages are the vendor's links, which carry the size along and are not ours to change.
    fn ask_for_less(&mut self, account: &Account, reply: &Reply) {
        if reply.status == 504 && self.next.is_none() {
            let size = self.page_size.unwrap_or(account.vendor.limits.page_size);
            self.page_size = Some((size / 2).max(1));
        }
    }

    fn take_page(&mut self, account: &Account, feed: &'static Feed, mut page: Page) -> Taken {
        tell_apart(&mut page.records);
        let asked = self.call(account).url;
        self.seen.insert(short_hash([asked.as_str()]));
        self.pages += 1;
        let rows = short_hash(page.records.iter().map(|record| record.vendor_id.as_str()));
        if !page.records.is_empty() && !self.seen.insert(rows) {
            let why = "the vendor gave a page that it had given before, so the list has no end".to_owned();
            return Taken { records: Vec::new(), then: Then::Broken(why) };
        }
        let broken = page.broken.map(|why| broken(account, &why));
        if let Some(sequel) = &feed.sequel
            && !page.records.is_empty()
        {
            if (sequel.ask)(account, page.mark.as_deref()).is_some() {
                self.held = Some(Held { mark: page.mark, records: page.records, broken });
                return Taken { records: Vec::new(), then: Then::Next };
            }
            if let Some(why) = broken {
                // Without the sequel that a whole page would have asked for, these would look poorer than they are.
                return Taken { records: Vec::new(), then: Then::Broken(why) };
            }
        }
        if let Some(why) = broken {
            return Taken { records: page.records, then: Then::Broken(why) };
        }
        let then = match (feed.paging, page.next.filter(|link| !link.trim().is_empty())) {
            (Paging::Single, _) | (Paging::NextLink, None) => Then::Done,
            (Paging::NextLink, Some(link)) => self.follow(account, &link),
        };
        Taken { records: page.records, then }
    }

    /// Goes on to the address that a page names. Credentials go along, so it must be at the API's own scheme, host and port.
    fn follow(&mut self, account: &Account, link: &str) -> Then {
        let base = account.base();
        let url = match base.join(link) {
            Ok(url) => url,
            Err(_) => return Then::Broken("the link to the next page is not an address".to_owned()),
        };
        if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
            let host = tidy(account, url.host_str().unwrap_or_default());
            return Then::Broken(format!("the link to the next page leads elsewhere ({host}), so it was not followed"));
        }
        if account.has_secret(url.as_str()) {
            return Then::Broken("the link to the next page holds the credentials, so it was not followed".to_owned());
        }
        if self.seen.contains(&short_hash([url.as_str()])) {
            return Then::Broken("the link to the next page leads back, so the list has no end".to_owned());
        }
        if self.pages >= account.vendor.limits.pages_max {
            return Then::Broken(format!("the list has more than {} pages", self.pages));
        }
        self.next = Some((url.path().to_owned(), url.query().map(str::to_owned)));
        Then::Next
    }

    fn take_sequel(&mut self, account: &Account, sequel: &Sequel, mut held: Held, reply: &Reply) -> Taken {
        let judged = (account.vendor.judge)(reply);
        let is_ours = matches!(judged, Judged::Passing | Judged::Refused(Cause::Credentials));
        if is_ours || !sequel.dispensable.contains(&reply.status) {
            if let Some(then) = self.not_good(account, reply) {
                return Taken { records: Vec::new(), then };
            }
            if let Err(why) = (sequel.join)(&mut held.records, &reply.body) {
                return Taken { records: Vec::new(), then: Then::Broken(broken(account, &why)) };
            }
        }
        self.held = None;
        Taken { records: held.records, then: held.broken.map_or(Then::Done, Then::Broken) }
    }
}

fn short_hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    hash(texts) >> 12
}

/// Says that an answer cannot be read.
fn broken(account: &Account, why: &str) -> String {
    format!("an answer of {} cannot be read: {}", account.vendor.name, tidy(account, why))
}

#[cfg(test)]
mod tests;
