//! Reads one list of a vendor to its end, page after page, and the details of its rows.

use apis::account::Account;
use apis::call::{Call, Reply};
use apis::feed::{Below, Detail, Feed};
use apis::reading::{Reading, Taken, Then, detail_call, take_detail};
use apis::refusal::Refusal;
use apis::words::Words;
use jiff::Timestamp;
use reconcile::record::VendorRecord;

use crate::line::{Hangup, Heard, Line, Question};
use crate::ports::{Clock, Transport};

/// How a list ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// By the vendor's own rule.
    Complete,
    /// Part of it is missing; what came is good.
    Incomplete(String),
    /// The vendor refuses this list.
    Refused(Refusal),
    /// The invocation's time is nearly over; the reading stands where the next one goes on.
    OutOfTime(Option<Timestamp>),
}

/// One list below something, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What came, in the vendor's order.
    pub records: Vec<VendorRecord>,
    /// The words that came.
    pub words: Words,
    /// How it ended.
    pub ending: Ending,
}

/// What the next page gave.
pub enum Step {
    /// A page, and more to come.
    Page(Taken),
    /// The last page, and how the list ended with it.
    Last(Taken, Ending),
}

struct NextPage<'r> {
    reading: &'r mut Reading,
    words: &'r Words,
}

impl Question for NextPage<'_> {
    type Answer = Taken;

    fn call(&self, account: &Account) -> Call {
        self.reading.call(account)
    }

    fn hear(&mut self, account: &Account, reply: &Reply) -> Heard<Taken> {
        let mut taken = self.reading.take(account, self.words, reply);
        match std::mem::replace(&mut taken.then, Then::Done) {
            Then::Again { after, why } => Heard::Again { after, why },
            Then::Refused(refusal) => Heard::Refused(refusal),
            then => Heard::Good(Taken { then, ..taken }),
        }
    }
}

/// Reads the next page of a list. After [`Ending::OutOfTime`] the reading may be gone on with, here or elsewhere.
pub async fn page<N: Transport, C: Clock>(line: &Line<'_, N, C>, reading: &mut Reading, words: &Words) -> Step {
    let endpoint = reading.feed().to_owned();
    match line.ask(&endpoint, &mut NextPage { reading, words }).await {
        Ok(Taken { then: Then::Broken(why), records, words }) => {
            Step::Last(Taken { records, words, then: Then::Done }, Ending::Incomplete(why))
        }
        Ok(taken) if taken.then == Then::Next => Step::Page(taken),
        Ok(taken) => Step::Last(taken, Ending::Complete),
        Err(hangup) => {
            let nothing = Taken { records: Vec::new(), words: Words::default(), then: Then::Done };
            Step::Last(nothing, ending(hangup))
        }
    }
}

fn ending(hangup: Hangup) -> Ending {
    match hangup {
        Hangup::OutOfTime { until } => Ending::OutOfTime(until),
        Hangup::Refused(refusal) => Ending::Refused(refusal),
        Hangup::GaveUp(why) => Ending::Incomplete(why),
    }
}

/// Reads one list to its end, below something where the feed fans out. What came is dropped where time ran out.
pub async fn list<N: Transport, C: Clock>(
    line: &Line<'_, N, C>,
    feed: &Feed,
    below: Option<&Below>,
    since: Option<Timestamp>,
    words: &Words,
) -> Listing {
    let mut reading = Reading::start(feed, below, since);
    let mut listing = Listing { records: Vec::new(), words: Words::default(), ending: Ending::Complete };
    loop {
        let (taken, ending) = match page(line, &mut reading, words).await {
            Step::Page(taken) => (taken, None),
            Step::Last(taken, ending) => (taken, Some(ending)),
        };
        listing.records.extend(taken.records);
        listing.words.extend(taken.words);
        match ending {
            Some(ending @ Ending::OutOfTime(_)) => {
                return Listing { records: Vec::new(), words: Words::default(), ending };
            }
            Some(ending) => return Listing { ending, ..listing },
            None => {}
        }
    }
}

struct Completion<'r> {
    detail: &'r Detail,
    record: &'r mut VendorRecord,
}

impl Question for Completion<'_> {
    /// Why the answer cannot be read, if it cannot.
    type Answer = Option<String>;

    fn call(&self, account: &Account) -> Call {
        detail_call(account, self.detail, self.record)
    }

    fn hear(&mut self, account: &Account, reply: &Reply) -> Heard<Option<String>> {
        match take_detail(account, self.detail, self.record, reply) {
            Then::Again { after, why } => Heard::Again { after, why },
            Then::Refused(refusal) => Heard::Refused(refusal),
            Then::Broken(why) => Heard::Good(Some(why)),
            Then::Done | Then::Next => Heard::Good(None),
        }
    }
}

/// Completes one record by the call for its detail. After anything but [`Ending::Complete`] it is as it was.
pub async fn detail<N: Transport, C: Clock>(
    line: &Line<'_, N, C>,
    detail: &Detail,
    record: &mut VendorRecord,
) -> Ending {
    match line.ask("detail", &mut Completion { detail, record }).await {
        Ok(None) => Ending::Complete,
        Ok(Some(why)) => Ending::Incomplete(why),
        Err(hangup) => ending(hangup),
    }
}
