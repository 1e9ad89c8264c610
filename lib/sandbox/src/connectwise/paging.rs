//! What a call for a list wishes, and both ways of paging (connectwise_psa.md, section 4).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::conditions::{Condition, found};

/// Rows of a page whose call names no number.
const PAGE_ROWS_DEFAULT: usize = 25;
/// Rows of the largest page.
const PAGE_ROWS_MAX: usize = 1000;

/// A call's parameters, whose names are read whatever their case.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Those that links carry along.
    kept: Vec<(String, String)>,
    conditions: Option<Condition>,
    child_conditions: Option<Condition>,
    custom_conditions: Option<Condition>,
    order: Vec<(Vec<String>, Ordering)>,
    fields: Vec<Vec<String>>,
    rows: usize,
    place: Place,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Pages have numbers from 1 up.
    Number(usize),
    /// Rows have ids above this one.
    Above(u64),
}

impl Default for Place {
    fn default() -> Self {
        Place::Number(1)
    }
}

/// A page: its rows, its number, and the `Link` header, absent where there is but one numbered page.
#[derive(Debug)]
pub(super) struct Page {
    pub rows: Vec<Value>,
    pub number: usize,
    pub link: Option<String>,
}

impl Wish {
    /// Reads the parameters of a call, and the body of a search; says which is wrong.
    pub(super) fn read(
        query: Vec<(String, String)>,
        body: Option<&str>,
        is_forward_only: bool,
    ) -> Result<Wish, String> {
        let mut parameters = query.clone();
        if let Some(body) = body {
            let body: Map<String, Value> = serde_json::from_str(body).map_err(|_| "the body is no JSON object")?;
            parameters.extend(body.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
        }
        let value = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).filter(|text| !text.is_empty())
        };
        let number = |name: &str, otherwise: u64| match value(name) {
            Some(text) => text.trim().parse::<u64>().map_err(|_| format!("{name} is no number")),
            None => Ok(otherwise),
        };
        let condition = |name: &str| value(name).map(Condition::read).transpose();
        let is_place = |name: &str| name.eq_ignore_ascii_case("page") || name.eq_ignore_ascii_case("pageId");
        let order = value("orderBy").map(order).transpose()?.unwrap_or_default();
        if is_forward_only && !order.is_empty() {
            return Err("orderBy is not allowed with forward-only pagination".to_owned());
        }
        let place = match is_forward_only {
            true => Place::Above(number("pageId", 0)?),
            false => Place::Number((number("page", 1)?).max(1) as usize),
        };
        Ok(Wish {
            conditions: condition("conditions")?,
            child_conditions: condition("childConditions")?,
            custom_conditions: condition("customFieldConditions")?,
            order,
            fields: value("fields").map(|text| text.split(',').map(path).collect()).unwrap_or_default(),
            rows: (number("pageSize", PAGE_ROWS_DEFAULT as u64)? as usize).clamp(1, PAGE_ROWS_MAX),
            place,
            kept: query.into_iter().filter(|(name, _)| !is_place(name)).collect(),
        })
    }

    /// Says whether a row is wanted.
    fn fits(&self, row: &Value) -> bool {
        self.conditions.as_ref().is_none_or(|condition| condition.fits(row))
            && self.child_conditions.as_ref().is_none_or(|condition| condition.fits_an_element(row))
            && self.custom_conditions.as_ref().is_none_or(|condition| condition.fits_a_custom_field(row))
    }

    fn picks(&self) -> bool {
        self.conditions.is_some() || self.child_conditions.is_some() || self.custom_conditions.is_some()
    }

    /// Counts the rows that are wanted.
    pub(super) fn count<T: Copy>(&self, list: &[T], write: impl Fn(T) -> Value) -> usize {
        if self.picks() { list.iter().filter(|row| self.fits(&write(**row))).count() } else { list.len() }
    }

    /// Cuts a page out of a list that is in the order of its ids. Rows are written only where they have to be looked at.
    pub(super) fn page<T: Copy>(
        &self,
        list: &[T],
        id: impl Fn(&T) -> u64,
        write: impl Fn(T) -> Value,
        address: &str,
    ) -> Page {
        let before = match self.place {
            Place::Above(above) => list.partition_point(|row| id(row) <= above),
            Place::Number(_) => 0,
        };
        if !self.picks() && self.order.is_empty() {
            let start = match self.place {
                Place::Above(_) => before,
                Place::Number(number) => (number - 1).saturating_mul(self.rows).min(list.len()),
            };
            let end = list.len().min(start.saturating_add(self.rows));
            let last = list[start..end].last().map(&id);
            let link = self.link(address, start, end, list.len(), last);
            let rows = list[start..end].iter().map(|row| self.shown(write(*row))).collect();
            return Page { rows, number: start / self.rows + 1, link };
        }
        let mut rows: Vec<Value> = list[before..].iter().map(|row| write(*row)).filter(|row| self.fits(row)).collect();
        rows.sort_by(|one, other| self.compare(one, other));
        let start = match self.place {
            Place::Above(_) => 0,
            Place::Number(number) => (number - 1).saturating_mul(self.rows).min(rows.len()),
        };
        let end = rows.len().min(start.saturating_add(self.rows));
        let last = rows[start..end].last().and_then(|row| row["id"].as_u64());
        let link = self.link(address, start, end, rows.len(), last);
        let number = (before + start) / self.rows + 1;
        let rows = rows.drain(start..end).map(|row| self.shown(row)).collect();
        Page { rows, number, link }
    }

    /// Returns a row with the fields that are wanted.
    pub(super) fn shown(&self, row: Value) -> Value {
        if self.fields.is_empty() {
            return row;
        }
        let paths: Vec<&[String]> = self.fields.iter().map(Vec::as_slice).collect();
        only(&row, &paths)
    }

    fn compare(&self, one: &Value, other: &Value) -> Ordering {
        let compared = self.order.iter().map(|(path, direction)| {
            let order = in_order(found(one, path), found(other, path));
            if *direction == Ordering::Less { order } else { order.reverse() }
        });
        compared.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    }

    /// Forward-only lists always have the header, empty at the end. Numbered ones have it where there are several pages,
    /// with `page` as the last parameter, which a client's reader of it depends on.
    fn link(&self, address: &str, start: usize, end: usize, total: usize, last: Option<u64>) -> Option<String> {
        let address = |parameter: &str, value: u64| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.kept).append_pair(parameter, &value.to_string());
            format!("<{address}?{}>", query.finish())
        };
        match self.place {
            Place::Above(_) => Some(match last.filter(|_| end < total) {
                Some(last) => format!("{}; rel=\"next\"", address("pageId", last)),
                None => String::new(),
            }),
            Place::Number(number) => {
                let number = number as u64;
                let pages = total.div_ceil(self.rows) as u64;
                let ways = [
                    (end < total, "next", number + 1),
                    (end < total, "last", pages),
                    (start > 0, "first", 1),
                    (start > 0, "prev", number.saturating_sub(1)),
                ];
                let links = ways.iter().filter(|(is_there, ..)| *is_there && pages > 1);
                let links: Vec<String> =
                    links.map(|(_, rel, page)| format!("{}; rel=\"{rel}\"", address("page", *page))).collect();
                (!links.is_empty()).then(|| links.join(", "))
            }
        }
    }
}

fn path(text: &str) -> Vec<String> {
    text.trim().split('/').map(str::to_owned).collect()
}

fn order(text: &str) -> Result<Vec<(Vec<String>, Ordering)>, String> {
    let one = |part: &str| {
        let (name, direction) = part.trim().split_once(char::is_whitespace).unwrap_or((part.trim(), "asc"));
        match direction.trim().to_ascii_lowercase().as_str() {
            "asc" => Ok((path(name), Ordering::Less)),
            "desc" => Ok((path(name), Ordering::Greater)),
            other => Err(format!("{other} is no direction")),
        }
    };
    text.split(',').map(one).collect()
}

/// Nothing comes first, then switches, numbers and texts.
fn in_order(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(one)), Some(Value::String(other))) => one.to_lowercase().cmp(&other.to_lowercase()),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Keeps what the paths name, in every element of an array.
fn only(value: &Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(|element| only(element, paths)).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, value)| {
                let below: Vec<&[String]> = paths
                    .iter()
                    .filter_map(|path| path.split_first().filter(|(first, _)| first.eq_ignore_ascii_case(name)))
                    .map(|(_, rest)| rest)
                    .collect();
                match below.iter().any(|rest| rest.is_empty()) {
                    true => Some((name.clone(), value.clone())),
                    false if below.is_empty() => None,
                    false => Some((name.clone(), only(value, &below))),
                }
            });
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}
