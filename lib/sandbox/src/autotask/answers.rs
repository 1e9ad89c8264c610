//! The answers of Autotask that are no rows: where the account is, refusals, pages of a proxy (autotask_psa.md, sections 1
//! and 6), and damaged ones.

use apis::call::{Method, Reply};
use serde_json::{Value, json};

use crate::faults::RowDamage;

/// Percent-encodes with small letters, as the vendor does.
pub(super) fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    text.bytes().map(one).collect()
}

pub(super) fn zone(origin: &str) -> Reply {
    let url = format!("{origin}/ATServicesRest/");
    json_reply(200, &json!({ "zoneName": "America East", "url": url, "webUrl": format!("{origin}/"), "ci": 284_113 }))
}

pub(super) fn unknown_zone() -> Reply {
    errors(500, &["Zone information could not be determined"])
}

pub(super) fn unauthorized() -> Reply {
    let header = ("www-authenticate".to_owned(), "Basic Realm=\"webservices2.autotask.net\"".to_owned());
    Reply { status: 401, headers: vec![header], body: Vec::new() }
}

pub(super) fn beyond_threshold(status: u16) -> Reply {
    errors(status, &["The Autotask API request threshold of 10000 requests in 60 minutes has been exceeded."])
}

pub(super) fn method_not_allowed(method: Method) -> Reply {
    let text = format!("The requested resource does not support http method '{}'.", method.verb());
    json_reply(405, &json!({ "Message": text }))
}

pub(super) fn errors(status: u16, texts: &[&str]) -> Reply {
    json_reply(status, &json!({ "errors": texts }))
}

pub(super) fn json_reply(status: u16, body: &Value) -> Reply {
    let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Reply { status, headers, body: body.to_string().into_bytes() }
}

pub(super) fn html(status: u16) -> Reply {
    let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
    let body = format!("<!DOCTYPE html><html><head><title>{status}</title></head><body>Autotask</body></html>");
    Reply { status, headers, body: body.into_bytes() }
}

/// Changes the JSON of a reply; one without JSON stays as it is.
pub(super) fn rewritten(reply: Reply, change: impl FnOnce(&mut Value)) -> Reply {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
    change(&mut body);
    Reply { body: body.to_string().into_bytes(), ..reply }
}

/// Damages a row of a list; nothing happens where there is no such row.
pub(super) fn damage_row(rows: &mut Value, index: usize, damage: RowDamage) {
    let Some(row) = rows.get_mut(index) else { return };
    match damage {
        RowDamage::NoObject => *row = json!("<null>"),
        RowDamage::NoId => drop(row.as_object_mut().and_then(|row| row.remove("id"))),
        RowDamage::NoAttributes => *row = json!({ "id": row["id"] }),
        RowDamage::NumbersForTexts => {
            row.as_object_mut().into_iter().flatten().filter(|(_, value)| value.is_string()).for_each(|(_, value)| {
                *value = json!(7);
            });
        }
        RowDamage::NoOwner => drop(row.as_object_mut().and_then(|row| row.remove("companyID"))),
    }
}
