//! Faults that a test switches on at a simulated vendor: what goes wrong, where, and how often.

use std::time::Duration;

use serde_json::{Value, json};

/// Something that goes wrong. How a refusal is worded is the vendor's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The credentials are no longer taken.
    Unauthorized,
    /// The account has moved to another host, which the answer names.
    Moved {
        /// Scheme and host of the new place.
        origin: String,
    },
    /// The credentials are good, but not for this.
    Forbidden,
    /// Too many calls, said with 403 as some do.
    ThrottleAs403,
    /// Too many calls, said with 429.
    ThrottleAs429 {
        /// Seconds for the `Retry-After` header, if it has one.
        retry_after_s: Option<u64>,
    },
    /// The server failed; the body is empty or a proxy's page.
    ServerError {
        /// 500 and above.
        status: u16,
    },
    /// A page of HTML with status 200 where data should be.
    Html,
    /// The JSON ends in the middle.
    Truncated,
    /// The link to the next page leads to this one again.
    RepeatPage,
    /// The link to the next page leads to another server, which must not see the credentials.
    NextElsewhere {
        /// Scheme and host of it.
        origin: String,
    },
    /// The first row comes twice.
    DoubledRow,
    /// A row is damaged.
    Row {
        /// Counted from 0.
        index: usize,
        /// In which way.
        damage: RowDamage,
    },
    /// The connection ends before the answer does.
    CloseConnection,
    /// The answer comes in four pieces.
    SlowBody {
        /// Before each piece.
        pause: Duration,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDamage {
    /// It is a text instead of an object.
    NoObject,
    /// It has no id.
    NoId,
    /// It has an id and nothing else.
    NoAttributes,
    /// Every text of its attributes is a number.
    NumbersForTexts,
    /// It does not say whose it is.
    NoOwner,
}

/// A fault with its place: without further words it strikes every call until it is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    fault: Fault,
    path: Option<String>,
    tenant: Option<String>,
    page: Option<usize>,
    calls_before: u64,
    times: Option<u64>,
}

impl Trouble {
    /// Makes a trouble that strikes every call.
    pub fn new(fault: Fault) -> Self {
        Self { fault, path: None, tenant: None, page: None, calls_before: 0, times: None }
    }

    /// Strikes only calls whose path begins like this.
    pub fn at_path(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Strikes only calls about this client, named by the vendor's id.
    pub fn for_tenant(self, id: &str) -> Self {
        Self { tenant: Some(id.to_owned()), ..self }
    }

    /// Strikes only this page of a list, counted from 1.
    pub fn on_page(self, page: usize) -> Self {
        Self { page: Some(page), ..self }
    }

    /// Lets so many calls that it would strike go by first.
    pub fn after(self, calls: u64) -> Self {
        Self { calls_before: calls, ..self }
    }

    /// Ends after it has struck so often.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

/// What a trouble may look at in a call.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The path.
    pub path: &'a str,
    /// The clients that the call names.
    pub tenants: &'a [&'a str],
    /// The page of the list, counted from 1.
    pub page: usize,
}

/// The troubles of one simulator.
#[derive(Debug, Default)]
pub struct Troubles(Vec<Trouble>);

impl Troubles {
    /// Adds one.
    pub fn add(&mut self, trouble: impl Into<Trouble>) {
        self.0.push(trouble.into());
    }

    /// Ends all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the fault that strikes a call, and counts it; the oldest trouble comes first.
    pub fn strike(&mut self, place: Place<'_>) -> Option<Fault> {
        for trouble in &mut self.0 {
            let here = trouble.path.as_deref().is_none_or(|path| place.path.starts_with(path))
                && trouble.tenant.as_deref().is_none_or(|tenant| place.tenants.contains(&tenant))
                && trouble.page.is_none_or(|page| place.page == page);
            if !here || trouble.times == Some(0) {
                continue;
            }
            if trouble.calls_before > 0 {
                trouble.calls_before -= 1;
                continue;
            }
            trouble.times = trouble.times.map(|times| times - 1);
            return Some(trouble.fault.clone());
        }
        None
    }

    /// Says whether a client is forbidden as a whole, so that lists which name no client leave it out.
    pub fn hides(&self, tenant: &str) -> bool {
        self.0.iter().any(|trouble| trouble.fault == Fault::Forbidden && trouble.tenant.as_deref() == Some(tenant))
    }
}

/// Damages a row of a list; nothing happens where there is no such row.
pub fn damage_row(rows: &mut Value, index: usize, damage: RowDamage) {
    let Some(row) = rows.get_mut(index) else { return };
    match damage {
        RowDamage::NoObject => *row = json!("<null>"),
        RowDamage::NoId => drop(row.as_object_mut().and_then(|row| row.remove("id"))),
        RowDamage::NoAttributes => *row = json!({ "id": row["id"] }),
        RowDamage::NumbersForTexts => {
            for (_, value) in row["attributes"].as_object_mut().into_iter().flatten() {
                if value.is_string() {
                    *value = json!(7);
                }
            }
        }
        RowDamage::NoOwner => drop(row.as_object_mut().and_then(|row| row.remove("relationships"))),
    }
}
