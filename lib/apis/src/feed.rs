//! The vocabulary that vendors are written in: one [`Vendor`] value says everything about a vendor.
//!
//! A tag stands for what several vendors do alike, a function pointer for what one does oddly. There is no language in
//! texts: paths are plain, and what has to be computed is computed by a function in the vendor's file.

use jiff::Timestamp;
use reconcile::doc::Role;
use reconcile::ids::VendorId;
use reconcile::record::{Kind, VendorRecord};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::Account;
use crate::call::{Reply, SecretText, Text};
use crate::refusal::{Cause, Judged};
use crate::words::Words;

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
    /// The feed whose words, in the table [`crate::words::TYPES`], are the types that the vendor lists; without one they are
    /// derived from the assets that were read.
    pub type_list: Option<&'static str>,
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
    /// wrong with it. It is given `https` addresses only; a loopback address never comes here: it is taken as it stands,
    /// and where it is a host alone, the API is at this path of it, which is empty or ends with a slash.
    FromUrl(fn(&Url) -> Result<Url, String>, &'static str),
    /// Is said by a call that needs no credentials, asked before all others.
    LookedUp(LookUp),
}

/// The call that says where the API is.
pub struct LookUp {
    /// Where to ask, given the setting `url`, which is absent where it may be left out. It is given `https` addresses only;
    /// loopback is taken as it stands and never comes here.
    pub at: fn(Option<&Url>) -> Result<Url, String>,
    /// The request; `None` where the address that is asked is the API's own.
    pub ask: fn(&Account) -> Option<Ask>,
    /// Reads the answer: the API's address. It decides where the credentials go, so it takes no host but the vendor's own
    /// and the one that was asked ([`Account::base`]), whose scheme is kept where the answer names none.
    pub read: fn(&Account, &Reply) -> Result<Url, Cause>,
}

/// How a call shows who asks.
pub enum Auth {
    /// Headers, worked out from the settings and the secret.
    Headers(fn(&Account) -> Vec<(&'static str, Text)>),
    /// A part of the secret as a query parameter.
    Query {
        /// The parameter.
        name: &'static str,
        /// The part.
        part: &'static str,
    },
    /// A call that gives a token in exchange for the secret; the token goes along as bearer.
    Login(Login),
}

/// The call that gives a token, asked before all others but the look-up, and again when the token is about to expire.
pub struct Login {
    /// The request.
    pub ask: fn(&Account) -> Ask,
    /// The request that exchanges an old token for a new one; a refusal of it is no refusal of the secret.
    pub renew: fn(&Token) -> Option<Ask>,
    /// Reads the answer to either.
    pub read: fn(&Reply) -> Result<Token, Cause>,
}

/// What a log-in gave. It is kept in memory alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Sent with each call.
    pub access: SecretText,
    /// What a new one is asked with.
    pub refresh: Option<SecretText>,
    /// When it stops to be good, where the vendor says so.
    pub expires_at: Option<Timestamp>,
}

/// How often a feed is read in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// Once.
    Once,
    /// Once for every client that the vendor lists, with the client as parent.
    PerClient,
    /// Once for every row of another feed, named here, that fans out over clients and comes before it.
    PerRow(&'static str),
}

/// What a feed that fans out is read below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Below {
    /// The client.
    pub client: VendorId,
    /// The row of the other feed, for [`Fan::PerRow`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<VendorId>,
}

impl Below {
    /// Returns what is named in the request: the row, else the client.
    pub fn parent(&self) -> &VendorId {
        self.row.as_ref().unwrap_or(&self.client)
    }
}

impl From<VendorId> for Below {
    fn from(client: VendorId) -> Self {
        Self { client, row: None }
    }
}

/// How the pages of a feed follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// One answer is the whole list.
    Single,
    /// The body of a page holds the address of the next one, followed as it stands; none ends the list.
    NextLink,
    /// The next page holds ids above the last one seen. Where the vendor does not say whether more follow, a page that is
    /// not full ends the list. A row whose id is not above what was asked for breaks it: the vendor did not heed the filter.
    AboveLast,
    /// Pages have numbers from 1 up. The list ends when the total that the vendor states has come, or, where it states
    /// none, with a page that is not full.
    Numbered,
}

/// What a request may look at.
pub struct At<'a> {
    /// The account.
    pub account: &'a Account,
    /// What it is read below, exactly for feeds that fan out.
    pub below: Option<&'a Below>,
    /// Rows per page to ask for.
    pub page_size: u32,
    /// The number of the page, from 1 up.
    pub page: u32,
    /// The highest id seen, after the first page of [`Paging::AboveLast`].
    pub above: Option<u64>,
    /// Asks for what changed since alone; only where the feed can ([`Feed::can_say_changes`]).
    pub since: Option<Timestamp>,
}

impl At<'_> {
    /// Returns the id of what it is read below, as text; empty for a feed that does not fan out.
    pub fn parent(&self) -> &str {
        self.below.map_or("", |below| below.parent().as_str())
    }
}

/// Path below the API's address, query parameters in order, and a body where there is one.
#[derive(Default)]
pub struct Ask {
    /// The path, without a slash in front.
    pub path: String,
    /// Names and values, not encoded.
    pub query: Vec<(&'static str, String)>,
    /// A body makes the call a POST.
    pub body: Option<Body>,
}

impl Ask {
    /// Asks for a path with query parameters.
    pub fn get(path: impl Into<String>, query: Vec<(&'static str, String)>) -> Self {
        Self { path: path.into(), query, body: None }
    }
}

/// The body of a request.
pub enum Body {
    /// JSON that may be shown.
    Json(String),
    /// A form, whose values are not shown.
    Form(Vec<(&'static str, SecretText)>),
}

/// One list of a vendor.
pub struct Feed {
    /// Its name, unique within the vendor. It stands in checkpoints, so it never changes.
    pub name: &'static str,
    /// The kinds of its records; none for a list of words.
    pub kinds: &'static [Kind],
    /// For a list of words: the kinds whose rows cannot be told without them. It is read once, before them.
    pub words_for: &'static [Kind],
    /// How often it is read in one run.
    pub fan: Fan,
    /// Says whether there is nothing to list below a client, so that the calls can be saved.
    pub is_empty_below: Option<fn(&Words, &VendorId) -> bool>,
    /// A request for one page.
    pub ask: fn(&At<'_>) -> Ask,
    /// Whether [`At::since`] is heeded.
    pub can_say_changes: bool,
    /// How its pages follow one another.
    pub paging: Paging,
    /// Status codes that say, by this vendor's rule, that there is nothing to list.
    pub nothing: &'static [u16],
    /// Reads one page. Total: whatever the bytes are, it returns what could be read and what is wrong.
    pub decode: fn(&Reply, &Context<'_>) -> Page,
    /// A second call that completes the records of the first, where the vendor spreads them over two.
    pub sequel: Option<Sequel>,
    /// A call for each row, where the list says too little.
    pub detail: Option<Detail>,
}

/// A feed that says nothing out of the ordinary: what others are made from with `..ORDINARY`.
pub const ORDINARY: Feed = Feed {
    name: "",
    kinds: &[],
    words_for: &[],
    fan: Fan::Once,
    is_empty_below: None,
    ask: |_| Ask { path: String::new(), query: Vec::new(), body: None },
    can_say_changes: false,
    paging: Paging::Single,
    nothing: &[],
    decode: |_, _| Page::default(),
    sequel: None,
    detail: None,
};

/// What the reading of a page may look at beside the page.
pub struct Context<'a> {
    /// The account.
    pub account: &'a Account,
    /// What the list lies below, exactly for feeds that fan out.
    pub below: Option<&'a Below>,
    /// The words that earlier lists gave.
    pub words: &'a Words,
}

/// One page, read.
#[derive(Default)]
pub struct Page {
    /// A record for every row, also for the rows that cannot be read.
    pub records: Vec<VendorRecord>,
    /// The ids of the rows as numbers, where paging goes by them; those of rows without a readable id are missing.
    pub ids: Vec<u64>,
    /// How many rows there are, where it is not the number of records.
    pub rows: Option<usize>,
    /// The address of the next page, as the vendor wrote it.
    pub next: Option<String>,
    /// Whether more pages follow, where the vendor says so.
    pub more: Option<bool>,
    /// How many rows the list has, where the vendor says so.
    pub total: Option<u64>,
    /// What later lists need.
    pub words: Words,
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

/// A call for one row of a list, made only for rows that are new or whose list row changed.
pub struct Detail {
    /// The request.
    pub ask: fn(&VendorRecord) -> Ask,
    /// Completes the record with a good answer; an error says why the answer cannot be read, and leaves it as it was.
    pub join: fn(&mut VendorRecord, &Reply) -> Result<(), String>,
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
    /// A JSON body, which makes it a POST.
    pub body: Option<&'static str>,
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
    /// Requests in any hour; `None` where no limit is known.
    pub per_hour: Option<PerHour>,
    /// Rows per page that are asked for.
    pub page_size: u32,
    /// Pages after which a list is given up as endless.
    pub pages_max: u32,
    /// Bytes after which a body is given up.
    pub body_bytes_max: usize,
    /// How long an answer is assumed to take, for estimates.
    pub answer_ms_assumed: u64,
}

/// The most requests in any hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerHour {
    /// How many.
    pub requests: u32,
    /// Whether each endpoint has as many of its own: a feed is one, and its details are another.
    pub per_endpoint: bool,
}

/// What stands for the client of a record below clients whose row names none: no client has this id, so the record ends
/// as `client_unmatched`, or as malformed.
pub const NO_CLIENT: &str = "none";

/// Returns the client of a record below clients, given what its row names.
pub(crate) fn client_or_none(client: Option<VendorId>) -> VendorId {
    client.unwrap_or_else(|| VendorId::parse(NO_CLIENT).expect("letters make an id"))
}

/// Says whether a record stands for a row whose id could not be read, so that it has an id of our making. Such a row may be
/// any record of its list: while it is there, nobody can say which of the others is gone.
pub fn has_no_id(record: &VendorRecord) -> bool {
    record.malformed.is_some() && record.vendor_id.as_str().starts_with(crate::decode::OWN_ID)
}
