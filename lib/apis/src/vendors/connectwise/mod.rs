//! ConnectWise PSA: companies as clients, members as users, contacts, company sites as locations, configurations as assets.
//! Facts from the sheet connectwise_psa.md, whose sections are named.
//!
//! All lists but one are read once, forward only: 1,000 rows a page, each page above the last id of the one before
//! (section 4). Sites have no list of their own: they cost a call for each company (section 3), so companies that are
//! deleted or that nobody wants to see are left out there.

mod companies;
mod configurations;
mod host;
mod people;
mod rows;
mod sites;

use jiff::SignedDuration;
use reconcile::doc::Role;
use reconcile::record::Kind;

use crate::account::{Account, basic, is_anything};
use crate::call::{Reply, SecretText, Text};
use crate::feed::{
    Ask, At, Auth, Base, Fan, Feed, Limits, LookUp, ORDINARY, Paging, PartSpec, Probe, SettingSpec, Vendor,
};
use crate::refusal::{Cause, Judged, by_status};
use crate::words::TYPES;

/// Rows per page: the most there is (section 4).
const PAGE_SIZE: u32 = 1000;

/// ConnectWise PSA.
pub static CONNECTWISE: Vendor = Vendor {
    id: "connectwise",
    name: "ConnectWise PSA",
    role: Role::Psa,
    kinds: &[Kind::Client, Kind::User, Kind::Asset, Kind::Contact, Kind::Location],
    settings: &[
        SettingSpec {
            name: "url",
            required: true,
            what: "the address where you sign in to ConnectWise PSA, such as https://na.myconnectwise.net or your own server",
            check: is_anything,
        },
        SettingSpec {
            name: "company_id",
            required: true,
            what: "what you type as Company when you sign in to ConnectWise PSA",
            check: host::is_company_id,
        },
        SettingSpec {
            name: "company_types",
            required: false,
            what: "types of companies to take in although they are no customers, such as Vendor or Prospect: ids or names, \
                parted by commas",
            check: is_anything,
        },
    ],
    secret_parts: &[
        PartSpec { name: "public_key", what: "the public key of the API member, from its page API Keys" },
        PartSpec { name: "private_key", what: "the private key that was shown once when the public one was made" },
        PartSpec { name: "client_id", what: "the clientId of your integration, from ConnectWise's developer portal" },
    ],
    base: Base::LookedUp(LookUp { at: host::sign_in, ask: host::ask, read: host::api }),
    auth: Auth::Headers(identity),
    // Naming a version would fail on servers that are older, and a year after it came out (section 2); without one the
    // latest is meant.
    accept: "application/json",
    feeds: &[STATUSES, COMPANIES, MEMBERS, TYPES_OF_CONFIGURATIONS, CONFIGURATIONS, CONTACTS, SITES],
    limits: Limits {
        // With half a second an answer this stays under the 1,000 a minute that clients report to be throttled (section 5).
        in_flight: 6,
        // No number is published (section 5); throttling is waited for when it comes.
        requests_per_minute: None,
        per_hour: None,
        page_size: PAGE_SIZE,
        pages_max: 1000,
        body_bytes_max: 32 << 20,
        answer_ms_assumed: 500,
    },
    has_asset_types: true,
    type_list: Some("configuration_types"),
    probes: &[
        probe(None, "the sign-in", "system/info", &[], is_object),
        probe(Some(Kind::Client), "the list of companies", "company/companies", ONE_ROW, is_list),
        probe(Some(Kind::Client), "the list of company statuses", "company/companies/statuses", ONE_ROW, is_list),
        probe(Some(Kind::User), "the list of members", "system/members", ONE_ROW, is_list),
        probe(Some(Kind::Asset), "the list of configurations", "company/configurations", ONE_ROW, is_list),
        probe(Some(Kind::Asset), "the list of configuration types", "company/configurations/types", ONE_ROW, is_list),
        probe(Some(Kind::Contact), "the list of contacts", "company/contacts", ONE_ROW, is_list),
        // Sites hang on companies and need the right to these (section 2).
        probe(Some(Kind::Location), "the list of companies, for their sites", "company/companies", ONE_ROW, is_list),
    ],
    judge,
    hint,
};

const ONE_ROW: &[(&str, &str)] = &[("pageSize", "1")];

const fn probe(
    kind: Option<Kind>,
    what: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    is_answer: fn(&[u8]) -> bool,
) -> Probe {
    Probe { kind, what, path, query, body: None, instead: None, is_answer }
}

/// What all lists share.
const FORWARD_ONLY: Feed = Feed { paging: Paging::AboveLast, ..ORDINARY };

const STATUSES: Feed = Feed {
    name: "statuses",
    words_for: &[Kind::Client],
    ask: |at| ask("company/companies/statuses", at),
    decode: companies::decode_statuses,
    ..FORWARD_ONLY
};

/// Always read whole, though it could say changes: it is a page for a thousand companies, and the sites need to know of
/// each company whether it is worth a call, which a list of changes says of few.
const COMPANIES: Feed = Feed {
    name: "companies",
    kinds: &[Kind::Client],
    ask: |at| ask("company/companies", at),
    decode: companies::decode,
    ..FORWARD_ONLY
};

const MEMBERS: Feed = Feed {
    name: "members",
    kinds: &[Kind::User],
    ask: |at| ask("system/members", at),
    can_say_changes: true,
    decode: people::decode_members,
    ..FORWARD_ONLY
};

/// The words [`TYPES`], which configurations do without: their rows carry the names.
const TYPES_OF_CONFIGURATIONS: Feed = Feed {
    name: "configuration_types",
    ask: |at| ask("company/configurations/types", at),
    decode: |reply, _| rows::words(reply, TYPES, |_| true),
    ..FORWARD_ONLY
};

const CONFIGURATIONS: Feed = Feed {
    name: "configurations",
    kinds: &[Kind::Asset],
    ask: |at| ask("company/configurations", at),
    can_say_changes: true,
    decode: configurations::decode,
    ..FORWARD_ONLY
};

const CONTACTS: Feed = Feed {
    name: "contacts",
    kinds: &[Kind::Contact],
    ask: |at| ask("company/contacts", at),
    can_say_changes: true,
    decode: people::decode_contacts,
    ..FORWARD_ONLY
};

const SITES: Feed = Feed {
    name: "sites",
    kinds: &[Kind::Location],
    fan: Fan::PerClient,
    is_empty_below: Some(companies::has_no_sites),
    ask: |at| ask(&format!("company/companies/{}/sites", at.parent()), at),
    decode: sites::decode,
    ..FORWARD_ONLY
};

/// Asks for the rows above the last id, all of them or those that changed. The condition asks for the second before, since
/// dates have no fractions (section 1) and "later than" leaves out the instant itself (section 4).
fn ask(path: &str, at: &At<'_>) -> Ask {
    let mut query = Vec::new();
    if let Some(since) = at.since.and_then(|since| since.checked_sub(SignedDuration::from_secs(1)).ok()) {
        query.push(("conditions", format!("lastUpdated > [{}]", since.strftime("%Y-%m-%dT%H:%M:%SZ"))));
    }
    query.push(("pageSize", at.page_size.to_string()));
    query.extend(at.above.map(|above| ("pageId", above.to_string())));
    Ask::get(path, query)
}

/// Basic with the company before the public key, the clientId, and the way of paging, which is a header too (sections 2
/// and 4).
fn identity(account: &Account) -> Vec<(&'static str, Text)> {
    let part = |name| account.secret.part(name);
    let user = format!("{}+{}", account.setting("company_id").unwrap_or_default(), part("public_key"));
    vec![
        basic(&user, part("private_key")),
        ("clientid", Text::Secret(SecretText::new(part("client_id")))),
        ("pagination-type", Text::Plain("forward-only".to_owned())),
    ]
}

fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// What is not told by the status alone: a clientId that is missing or unknown may be refused with 403 (section 5), and a
/// call to a cloud's sign-in host or to a release that the gateway does not know is at the wrong place (section 1).
fn judge(reply: &Reply) -> Judged {
    match by_status(reply) {
        Judged::Good | Judged::Refused(_) if says(&reply.body, b"ssl is required") => {
            Judged::Refused(Cause::WrongPlace { url: None })
        }
        Judged::Refused(Cause::BadRequest) if says(&reply.body, b"cannot route") => {
            Judged::Refused(Cause::WrongPlace { url: None })
        }
        Judged::Refused(Cause::Permission) if says(&reply.body, b"clientid") => Judged::Refused(Cause::Credentials),
        judged => judged,
    }
}

/// Bytes of the longest body in which the vendor's own words are looked for: refusals are short, lists are not.
const WORDS_BYTES_MAX: usize = 2000;

/// Says whether a short body holds these words, whatever their case.
fn says(body: &[u8], words: &[u8]) -> bool {
    body.len() <= WORDS_BYTES_MAX && body.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words))
}

fn hint(cause: &Cause) -> String {
    match cause {
        Cause::Credentials => "ConnectWise PSA does not accept the keys: the public or private key is wrong or was \
            deleted, the API member is inactive, company_id is another company's, or the clientId is missing or unknown. \
            Make new keys on the API member's page API Keys, rotate the secret, verify, and resume"
            .to_owned(),
        Cause::Permission => "The API member's security role does not allow this. Give the role, at the level All: \
            Companies > Company Maintenance: Inquire for clients and locations; Companies > Contacts: Inquire for \
            contacts; Companies > Configurations: Inquire for assets; System > Member Maintenance: Inquire for users; \
            System > Table Setup: Inquire for company statuses and configuration types. (The level My refuses nothing \
            and leaves rows out)"
            .to_owned(),
        Cause::WrongPlace { .. } => "ConnectWise PSA does not serve this company there. Set url to the address where you \
            sign in (https://na.myconnectwise.net for the cloud in North America, also eu, au and za; or your own \
            server) and company_id to what you type there as Company, then verify again"
            .to_owned(),
        Cause::NotFound => "ConnectWise PSA does not know this. Check company_id: it is what you type as Company when \
            you sign in, not the company's name; and that url is where you sign in. Wrong keys are answered like this \
            too by some of its servers"
            .to_owned(),
        Cause::BadRequest => {
            "ConnectWise PSA does not understand the request. Check the settings url and company_id".to_owned()
        }
        Cause::Unavailable => "ConnectWise PSA is busy or out of order. Try again in a few minutes".to_owned(),
        Cause::NotTheApi => "Something else than ConnectWise PSA's API answers there. Check url, and whether a proxy or \
            portal stands in between"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
