//! The vocabulary that vendors are written in: one [`Vendor`] value says everything about a vendor.
//!
//! A tag stands for what several vendors do alike, a function pointer for what one does oddly. There is no language in
//! texts: paths are plain, and what has to be computed is computed by a function in the vendor's file.

use reconcile::doc::Role;
use reconcile::ids::VendorId;
use reconcile::record::{Kind, VendorRecord};
use url::Url;

use crate::account::Account;
use crate::call::Reply;
use crate::refusal::{Cause, Judged};

/// A vendor: how to reach it, what it lists, and what its answers mean.
pub struct Vendor {
    /// The word of the contract (`auvik`).
    pub id: &'static str,
    /// The name that people know.
    pub name: &'static str,
    /// What sort of system it is; the ownership of fields follows it.
    pub role: Role,
    /// The kinds it has.
    pub kinds: &'static [Kind],
    /// Its settings, besides [`crate::account::COMMON_SETTINGS`].
    pub settings: &'static [SettingSpec],
    /// The parts of its secret, all of them needed.
    pub secret_parts: &'static [PartSpec],
    /// Where its API is.
    pub base: Base,
    /// How a call shows who asks.
    pub auth: Auth,
    /// The media type to ask for.
    pub accept: &'static str,
    /// Its lists, each before those that fan out over what it lists.
    pub feeds: &'static [Feed],
    /// How hard it may be asked.
    pub limits: Limits,
    /// Whether its assets have types that an operator chooses among.
    pub has_asset_types: bool,
    /// The calls that verify an account, in this order.
    pub probes: &'static [Probe],
    /// Says what an answer means before its rows are looked at.
    pub judge: fn(&Reply) -> Judged,
    /// Says what a person does about a refusal, and what the likely cause is.
    pub hint: fn(&Cause) -> String,
}

impl Vendor {
    /// Returns the feed with this name.
    pub fn feed(&self, name: &str) -> Option<&'static Feed> {
        self.feeds.iter().find(|feed| feed.name == name)
    }
}

/// A setting of an integration.
pub struct SettingSpec {
    /// Its name.
    pub name: &'static str,
    /// Whether an integration cannot do without it.
    pub required: bool,
    /// What it is, for a person.
    pub what: &'static str,
    /// Says what is wrong with a value and what to give instead.
    pub check: fn(&str) -> Result<(), String>,
}

/// A part of a secret.
pub struct PartSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is and where it is found, for a person.
    pub what: &'static str,
}

/// Where a vendor's API is.
pub enum Base {
    /// Follows from the setting `url`: the function turns what people paste there into the API's address, or says what is
    /// wrong with it. It is given `https` addresses only; loopback is taken as it stands and never comes here.
    FromUrl(fn(&Url) -> Result<Url, String>),
}

/// How a call shows who asks.
pub enum Auth {
    /// HTTP Basic, with two parts of the secret.
    Basic {
        /// The part that is the user name.
        user: &'static str,
        /// The part that is the password.
        password: &'static str,
    },
}

/// How often a feed is read in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// Once.
    Once,
    /// Once for every client that the vendor lists, with the client as parent.
    PerClient,
}

/// How the pages of a feed follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// One answer is the whole list.
    Single,
    /// The body of a page holds the address of the next one, followed as it stands; none ends the list.
    NextLink,
}

/// Path below the API's address, and query parameters in order.
pub struct Ask {
    /// The path, without a slash in front.
    pub path: String,
    /// Names and values, not encoded.
    pub query: Vec<(&'static str, String)>,
}

/// One list of a vendor.
pub struct Feed {
    /// Its name, unique within the vendor. It stands in checkpoints, so it never changes.
    pub name: &'static str,
    /// The kinds of its records.
    pub kinds: &'static [Kind],
    /// How often it is read in one run.
    pub fan: Fan,
    /// The first request, given the parent (exactly for feeds that fan out) and the rows per page.
    pub ask: fn(Option<&VendorId>, u32) -> Ask,
    /// How its pages follow one another.
    pub paging: Paging,
    /// Status codes that say, by this vendor's rule, that there is nothing to list.
    pub nothing: &'static [u16],
    /// Reads one page. Total: whatever the bytes are, it returns what could be read and what is wrong.
    pub decode: fn(&[u8], Option<&VendorId>) -> Page,
    /// A second call that completes the records of the first, where the vendor spreads them over two.
    pub sequel: Option<Sequel>,
}

/// One page, read.
#[derive(Default)]
pub struct Page {
    /// A record for every row, also for the rows that cannot be read.
    pub records: Vec<VendorRecord>,
    /// The address of the next page, as the vendor wrote it.
    pub next: Option<String>,
    /// What the sequel has to know.
    pub mark: Option<String>,
    /// Why the page is not whole; the records before the break are there all the same.
    pub broken: Option<String>,
}

/// A second call whose answer completes the records of a feed of one page.
pub struct Sequel {
    /// The request, given the page's mark; `None` where there is nothing to ask.
    pub ask: fn(&Account, Option<&str>) -> Option<Ask>,
    /// Completes the records with the answer; an error says why the answer cannot be read, and leaves them as they were.
    pub join: fn(&mut [VendorRecord], &[u8]) -> Result<(), String>,
    /// Status codes after which the records are good enough without the answer.
    pub dispensable: &'static [u16],
}

/// One call that verifies an account.
pub struct Probe {
    /// The kind that it speaks for; `None`: the account as a whole, shown with the first kind.
    pub kind: Option<Kind>,
    /// What it tries, for a person.
    pub what: &'static str,
    /// The path below the API's address.
    pub path: &'static str,
    /// Query parameters.
    pub query: &'static [(&'static str, &'static str)],
    /// The path to try instead, where the vendor does not know the first one.
    pub instead: Option<&'static str>,
    /// Says whether the body of a good answer is what this call gives; anything else is not the vendor's API.
    pub is_answer: fn(&[u8]) -> bool,
}

/// How hard a vendor may be asked, and how much is believed of its answers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests under way at once.
    pub in_flight: usize,
    /// Requests per minute, both the default and the most that an operator may set; `None` where no limit is known.
    pub requests_per_minute: Option<u32>,
    /// Rows per page that are asked for.
    pub page_size: u32,
    /// Pages after which a list is given up as endless.
    pub pages_max: u32,
    /// Bytes after which a body is given up.
    pub body_bytes_max: usize,
    /// How long an answer is assumed to take, for estimates.
    pub answer_ms_assumed: u64,
}

/// Says whether a record stands for a row whose id could not be read, so that it has an id of our making. Such a row may be
/// any record of its list: while it is there, nobody can say which of the others is gone.
pub fn has_no_id(record: &VendorRecord) -> bool {
    record.malformed.is_some() && record.vendor_id.as_str().starts_with(crate::decode::OWN_ID)
}
