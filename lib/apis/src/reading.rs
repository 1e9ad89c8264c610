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

use jiff::Timestamp;
use reconcile::record::VendorRecord;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::call::{Call, Reply};
use crate::decode::{hash, tell_apart};
use crate::feed::{At, Below, Context, Detail, Feed, Page, Paging, Sequel};
use crate::refusal::{Cause, Judged, Refusal, again_because, tidy};
use crate::words::Words;

/// How many rows back a row is known again, where pages are numbered. A list that changes while it is read moves rows to the
/// next page, seldom further; a checkpoint has to stay small.
const ROWS_REMEMBERED: usize = 2000;

/// How far one feed has been read, below one parent where it fans out.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Reading {
    feed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<Below>,
    /// Asks for what changed since alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// The highest id seen, where paging goes by ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<u64>,
    /// Rows taken, those that came again left out, where pages are numbered.
    #[serde(default)]
    rows: u64,
    /// The page to ask for, as path and query; `None` for the first. Without the host, since a checkpoint must not decide
    /// where credentials go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<(String, Option<String>)>,
    /// Rows per page to ask for where the first page turned out to be too large for the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page_size: Option<u32>,
    /// Pages taken.
    pages: u32,
    /// Hashes of the newest rows, at most [`ROWS_REMEMBERED`], where pages are numbered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recent: Vec<u64>,
    /// Hashes of the addresses asked and of the pages that came, to notice a vendor that goes in circles. They have 52
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
    /// What later lists need.
    pub words: Words,
    /// What comes next.
    pub then: Then,
}

impl Taken {
    fn nothing(then: Then) -> Self {
        Taken { records: Vec::new(), words: Words::default(), then }
    }
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
    /// Begins to read a feed, below something exactly where the feed fans out, and as far as it changed `since` exactly
    /// where the feed can say that.
    pub fn start(feed: &Feed, below: Option<&Below>, since: Option<Timestamp>) -> Reading {
        Reading {
            feed: feed.name.to_owned(),
            below: below.cloned(),
            since: since.filter(|_| feed.can_say_changes),
            above: None,
            rows: 0,
            next: None,
            page_size: None,
            pages: 0,
            recent: Vec::new(),
            seen: BTreeSet::new(),
            held: None,
        }
    }

    /// Returns the name of the feed.
    pub fn feed(&self) -> &str {
        &self.feed
    }

    /// Returns what it reads below.
    pub fn below(&self) -> Option<&Below> {
        self.below.as_ref()
    }

    /// Says whether it asks for changes alone, so that what does not come is not gone.
    pub fn is_of_changes(&self) -> bool {
        self.since.is_some()
    }

    /// Returns the call to send, on an account that is open. Asked twice without a reply taken in between, it gives the
    /// same call.
    pub fn call(&self, account: &Account) -> Call {
        let feed = self.resolve(account);
        let sequel = self.held.as_ref().zip(feed.sequel.as_ref());
        if let Some(ask) = sequel.and_then(|(held, sequel)| (sequel.ask)(account, held.mark.as_deref())) {
            return account.call(ask);
        }
        match &self.next {
            Some((path, query)) => {
                let mut url = account.base().clone();
                url.set_path(path);
                url.set_query(query.as_deref());
                account.call_at(url)
            }
            None => account.call((feed.ask)(&At {
                account,
                below: self.below.as_ref(),
                page_size: self.page_size(account),
                page: self.pages + 1,
                above: self.above,
                since: self.since,
            })),
        }
    }

    /// Takes the reply to [`Reading::call`]; `words` are those of the lists that were read before. After `Again` and
    /// `Refused` the reading stands where it stood, save that after a gateway's time-out it asks for smaller pages.
    pub fn take(&mut self, account: &Account, words: &Words, reply: &Reply) -> Taken {
        let feed = self.resolve(account);
        if let (Some(held), Some(sequel)) = (&self.held, &feed.sequel) {
            let held = held.clone();
            return self.take_sequel(account, sequel, held, reply);
        }
        if feed.nothing.contains(&reply.status) {
            return Taken::nothing(Then::Done);
        }
        if let Some(then) = not_good(account, &self.call(account), reply) {
            self.ask_for_less(account, feed, reply);
            return Taken::nothing(then);
        }
        let page = (feed.decode)(reply, &Context { account, below: self.below.as_ref(), words });
        self.take_page(account, feed, page)
    }

    fn page_size(&self, account: &Account) -> u32 {
        self.page_size.unwrap_or(account.vendor.limits.page_size)
    }

    fn resolve(&self, account: &Account) -> &'static Feed {
        account.vendor.feed(&self.feed).expect("a reading is used with an account of the vendor whose feed it reads")
    }

    /// A gateway's time-out is the mark of pages that are too large (auvik.md section 9), so the next try asks for half.
    /// Later pages of a vendor's links carry the size along, and numbered pages stand for rows of one size: these are not
    /// ours to change.
    fn ask_for_less(&mut self, account: &Account, feed: &Feed, reply: &Reply) {
        let is_ours = self.next.is_none() && (self.pages == 0 || feed.paging == Paging::AboveLast);
        if reply.status == 504 && is_ours {
            self.page_size = Some((self.page_size(account) / 2).max(1));
        }
    }

    fn take_page(&mut self, account: &Account, feed: &'static Feed, mut page: Page) -> Taken {
        tell_apart(&mut page.records);
        let asked = self.call(account);
        let address = [asked.url.as_str(), asked.body.as_ref().map_or("", |body| body.expose())];
        self.seen.insert(short_hash(address));
        self.pages += 1;
        let is_new = match page.records.is_empty() {
            false => self.seen.insert(short_hash(page.records.iter().map(|record| record.vendor_id.as_str()))),
            true if page.ids.is_empty() => true,
            true => self
                .seen
                .insert(short_hash(page.ids.iter().map(u64::to_string).collect::<Vec<_>>().iter().map(String::as_str))),
        };
        if !is_new {
            let why = "the vendor gave a page that it had given before, so the list has no end".to_owned();
            return Taken::nothing(Then::Broken(why));
        }
        let words = std::mem::take(&mut page.words);
        let broken = page.broken.take().map(|why| broken(account, &why));
        if let Some(sequel) = &feed.sequel
            && !page.records.is_empty()
        {
            if (sequel.ask)(account, page.mark.as_deref()).is_some() {
                self.held = Some(Held { mark: page.mark, records: page.records, broken });
                return Taken { words, ..Taken::nothing(Then::Next) };
            }
            if let Some(why) = broken {
                // Without the sequel that a whole page would have asked for, these would look poorer than they are.
                return Taken::nothing(Then::Broken(why));
            }
        }
        if let Some(why) = broken {
            return Taken { records: page.records, words, then: Then::Broken(why) };
        }
        let then = match feed.paging {
            Paging::Single => Then::Done,
            Paging::NextLink => match page.next.take().filter(|link| !link.trim().is_empty()) {
                Some(link) => self.follow(account, &link),
                None => Then::Done,
            },
            Paging::AboveLast => self.above_last(account, &page),
            Paging::Numbered => self.numbered(account, feed, &mut page),
        };
        Taken { records: page.records, words, then }
    }

    /// Goes on above the highest id of a page.
    fn above_last(&mut self, account: &Account, page: &Page) -> Then {
        if page.ids.iter().any(|id| self.above.is_some_and(|above| *id <= above)) {
            let why = "the vendor gave rows that were not asked for, so it did not heed the question for the next page";
            return Then::Broken(why.to_owned());
        }
        let rows = page.rows.unwrap_or(page.records.len());
        if !page.more.unwrap_or(rows >= self.page_size(account) as usize) {
            return Then::Done;
        }
        let Some(last) = page.ids.iter().max() else {
            return Then::Broken("more pages follow, and no row says where they begin".to_owned());
        };
        self.above = Some(*last);
        self.or_endless(account)
    }

    /// Goes on to the next number. A list that changes while it is read moves rows from page to page; what comes again
    /// is left out. Where a row gives records of several kinds, those of the feed's first kind stand for the rows.
    fn numbered(&mut self, account: &Account, feed: &Feed, page: &mut Page) -> Then {
        let rows = page.rows.unwrap_or(page.records.len());
        let of_rows =
            |records: &[VendorRecord]| records.iter().filter(|record| Some(&record.kind) == feed.kinds.first()).count();
        let came = of_rows(&page.records);
        let hash = |record: &VendorRecord| short_hash(["row", record.kind.code(), record.vendor_id.as_str()]);
        let known: BTreeSet<u64> = self.recent.iter().copied().collect();
        page.records.retain(|record| !known.contains(&hash(record)));
        self.recent.extend(page.records.iter().map(hash));
        self.recent.drain(..self.recent.len().saturating_sub(ROWS_REMEMBERED));
        let again = came - of_rows(&page.records);
        self.rows += rows.saturating_sub(again) as u64;
        let is_full = rows >= self.page_size(account) as usize;
        match page.total {
            Some(total) if self.rows >= total => Then::Done,
            Some(total) if rows == 0 => {
                Then::Broken(format!("the vendor says that the list has {total} rows, and gave {}", self.rows))
            }
            None if !is_full => Then::Done,
            _ => self.or_endless(account),
        }
    }

    fn or_endless(&self, account: &Account) -> Then {
        if self.pages >= account.vendor.limits.pages_max {
            return Then::Broken(format!("the list has more than {} pages", self.pages));
        }
        Then::Next
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
        if self.seen.contains(&short_hash([url.as_str(), ""])) {
            return Then::Broken("the link to the next page leads back, so the list has no end".to_owned());
        }
        self.next = Some((url.path().to_owned(), url.query().map(str::to_owned)));
        self.or_endless(account)
    }

    fn take_sequel(&mut self, account: &Account, sequel: &Sequel, mut held: Held, reply: &Reply) -> Taken {
        let judged = (account.vendor.judge)(reply);
        let is_ours = matches!(judged, Judged::Passing | Judged::PassingIn(_) | Judged::Refused(Cause::Credentials));
        if is_ours || !sequel.dispensable.contains(&reply.status) {
            if let Some(then) = not_good(account, &self.call(account), reply) {
                return Taken::nothing(then);
            }
            if let Err(why) = (sequel.join)(&mut held.records, &reply.body) {
                return Taken::nothing(Then::Broken(broken(account, &why)));
            }
        }
        self.held = None;
        let then = held.broken.map_or(Then::Done, Then::Broken);
        Taken { records: held.records, words: Words::default(), then }
    }
}

/// Returns what then, where the answer to a call is not a good one.
fn not_good(account: &Account, call: &Call, reply: &Reply) -> Option<Then> {
    let judged = (account.vendor.judge)(reply);
    match judged {
        Judged::Good => None,
        Judged::Passing | Judged::PassingIn(_) => {
            Some(Then::Again { after: judged.wait(reply), why: again_because(account, reply) })
        }
        Judged::Refused(cause) => Some(Then::Refused(Refusal::new(cause, account, call, reply))),
    }
}

/// Returns the call for the detail of a record, on an account that is open.
pub fn detail_call(account: &Account, detail: &Detail, record: &VendorRecord) -> Call {
    account.call((detail.ask)(record))
}

/// Takes the reply to [`detail_call`]: after `Done` the record is completed, after anything else it is as it was.
pub fn take_detail(account: &Account, detail: &Detail, record: &mut VendorRecord, reply: &Reply) -> Then {
    if let Some(then) = not_good(account, &detail_call(account, detail, record), reply) {
        return then;
    }
    match (detail.join)(record, reply) {
        Ok(()) => Then::Done,
        Err(why) => Then::Broken(broken(account, &why)),
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
