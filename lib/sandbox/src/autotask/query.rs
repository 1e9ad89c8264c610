//! Autotask's queries (autotask_psa.md, section 4): a filter of nested conditions, the fields to include, and how many rows.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::entities::{Entity, Field, Type};
use super::rows::{Thing, Writer, user_defined_value};
use crate::dates;

/// Rows of a page whose query names no number, and the most that it may name.
pub(super) const PAGE_ROWS_MAX: usize = 500;
/// OR conditions of a query, the values of `in` among them.
const OR_CONDITIONS_MAX: usize = 500;

/// A query, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub rows_max: usize,
    /// The fields of the answer, in the entity's order.
    pub fields: Vec<Field>,
    pub has_id: bool,
    filter: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    One(Subject, Operator, Value),
    /// An operator that the API does not know: the condition is dropped without a word.
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Subject {
    Field(Field),
    UserDefined(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    BeginsWith,
    EndsWith,
    Contains,
    Exist,
    NotExist,
    In,
    NotIn,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Eq),
    ("noteq", Operator::NotEq),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("beginsWith", Operator::BeginsWith),
    ("endsWith", Operator::EndsWith),
    ("contains", Operator::Contains),
    ("exist", Operator::Exist),
    ("notExist", Operator::NotExist),
    ("in", Operator::In),
    ("notIn", Operator::NotIn),
];

impl Query {
    /// Returns the query for everything.
    pub(super) fn of_all(entity: Entity) -> Query {
        Query { rows_max: PAGE_ROWS_MAX, fields: entity.fields(), has_id: true, filter: Vec::new() }
    }

    /// Reads a query; an error is the text that goes into the answer.
    pub(super) fn read(entity: Entity, body: &Value) -> Result<Query, String> {
        let body = body.as_object().ok_or("Invalid query syntax. The query is no object.")?;
        let value = |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let fields = entity.fields();
        let rows_max = match value("maxRecords") {
            None | Some(Value::Null) => PAGE_ROWS_MAX,
            Some(count) => count
                .as_u64()
                .map(|count| count as usize)
                .filter(|count| (1..=PAGE_ROWS_MAX).contains(count))
                .ok_or("MaxRecords must be between 1 and 500.")?,
        };
        let conditions = value("filter").and_then(Value::as_array).filter(|list| !list.is_empty());
        let conditions = conditions.ok_or("Invalid query syntax. A filter is required.")?;
        let filter: Vec<Condition> =
            conditions.iter().map(|one| Condition::read(entity, &fields, one)).collect::<Result<_, _>>()?;
        if filter.iter().map(|one| one.alternatives(false)).sum::<usize>() > OR_CONDITIONS_MAX {
            return Err("Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.".to_owned());
        }
        let wanted = match value("includeFields").and_then(Value::as_array).filter(|list| !list.is_empty()) {
            None => return Ok(Query { rows_max, fields, has_id: true, filter }),
            Some(names) => names
                .iter()
                .map(|name| find(entity, &fields, name.as_str().unwrap_or_default()))
                .collect::<Result<Vec<Field>, _>>()?,
        };
        let has_id = wanted.iter().any(|field| field.name == "id");
        // The id comes along, asked for or not.
        let fields = fields.into_iter().filter(|field| field.name == "id" || wanted.contains(field)).collect();
        Ok(Query { rows_max, fields, has_id, filter })
    }

    /// Says whether a row is asked for. Conditions at the top are joined by AND.
    pub(super) fn takes(&self, writer: Writer, thing: &Thing<'_>) -> bool {
        self.filter.iter().all(|condition| condition.holds(writer, thing) != Some(false))
    }

    /// Returns the query as an API would read it that does not heed conditions on ids.
    pub(super) fn without_ids(mut self) -> Query {
        self.filter.iter_mut().for_each(Condition::forget_ids);
        self
    }
}

/// An unknown field is a mistake, and the answer names the entity as the older service did (section 6).
fn find(entity: Entity, fields: &[Field], name: &str) -> Result<Field, String> {
    let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).copied();
    found.ok_or_else(|| format!("Unable to find {name} in the {} Entity.", entity.old_name()))
}

impl Condition {
    fn read(entity: Entity, fields: &[Field], json: &Value) -> Result<Condition, String> {
        let json = json.as_object().ok_or("Invalid query syntax. A condition is no object.")?;
        let value = |name: &str| json.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let word = value("op").and_then(Value::as_str).unwrap_or_default();
        if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") {
            let items = value("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let items: Vec<Condition> =
                items.iter().map(|one| Condition::read(entity, fields, one)).collect::<Result<_, _>>()?;
            return Ok(if word.eq_ignore_ascii_case("and") { Condition::All(items) } else { Condition::Any(items) });
        }
        let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) else {
            return Ok(Condition::Dropped);
        };
        let subject = subject(entity, fields, json, value("field").and_then(Value::as_str).unwrap_or_default())?;
        Ok(Condition::One(subject, *operator, value("value").cloned().unwrap_or_default()))
    }

    /// Counts what is joined by OR.
    fn alternatives(&self, is_one_of_several: bool) -> usize {
        match self {
            Condition::All(items) => items.iter().map(|one| one.alternatives(is_one_of_several)).sum(),
            Condition::Any(items) => items.iter().map(|one| one.alternatives(true)).sum(),
            Condition::One(_, Operator::In | Operator::NotIn, list) => list.as_array().map_or(1, Vec::len),
            Condition::One(..) => usize::from(is_one_of_several),
            Condition::Dropped => 0,
        }
    }

    /// Says whether it holds; nothing where all of it was dropped.
    fn holds(&self, writer: Writer, thing: &Thing<'_>) -> Option<bool> {
        match self {
            Condition::Dropped => None,
            Condition::All(items) => {
                items.iter().filter_map(|one| one.holds(writer, thing)).reduce(|one, other| one && other)
            }
            Condition::Any(items) => {
                items.iter().filter_map(|one| one.holds(writer, thing)).reduce(|one, other| one || other)
            }
            Condition::One(subject, operator, wanted) => {
                let (found, of) = match subject {
                    Subject::Field(field) => (writer.value(thing, field), field.of),
                    Subject::UserDefined(name) => (user_defined_value(thing, name), Type::Text(255)),
                };
                Some(operator.holds(&found, wanted, of))
            }
        }
    }

    fn forget_ids(&mut self) {
        match self {
            Condition::All(items) | Condition::Any(items) => items.iter_mut().for_each(Condition::forget_ids),
            Condition::One(Subject::Field(field), ..) if field.name == "id" => *self = Condition::Dropped,
            _ => {}
        }
    }
}

fn subject(entity: Entity, fields: &[Field], json: &Map<String, Value>, name: &str) -> Result<Subject, String> {
    let is_user_defined =
        json.iter().any(|(key, value)| key.eq_ignore_ascii_case("udf") && *value == Value::Bool(true));
    if is_user_defined {
        let found = entity.user_defined().iter().find(|known| known.eq_ignore_ascii_case(name));
        let missing = || format!("Unable to find {name} in the {} Entity.", entity.old_name());
        return found.map(|name| Subject::UserDefined(name)).ok_or_else(missing);
    }
    let field = find(entity, fields, name)?;
    if field.is_queryable { Ok(Subject::Field(field)) } else { Err(format!("{} cannot be queried.", field.name)) }
}

impl Operator {
    fn holds(self, found: &Value, wanted: &Value, of: Type) -> bool {
        let order = || compare(found, wanted, of);
        let is_blank = found.is_null() || *found == "";
        let texts = |fits: fn(&str, &str) -> bool| match (found.as_str(), wanted.as_str()) {
            (Some(found), Some(wanted)) => fits(&found.to_lowercase(), &wanted.to_lowercase()),
            _ => false,
        };
        let is_among = || wanted.as_array().is_some_and(|list| list.iter().any(|one| is_same(found, one, of)));
        match self {
            Operator::Eq => is_same(found, wanted, of),
            Operator::NotEq => !is_same(found, wanted, of),
            Operator::Gt => order() == Some(Ordering::Greater),
            Operator::Gte => order().is_some_and(Ordering::is_ge),
            Operator::Lt => order() == Some(Ordering::Less),
            Operator::Lte => order().is_some_and(Ordering::is_le),
            Operator::BeginsWith => texts(|found, wanted| found.starts_with(wanted)),
            Operator::EndsWith => texts(|found, wanted| found.ends_with(wanted)),
            Operator::Contains => texts(|found, wanted| found.contains(wanted)),
            Operator::Exist => !is_blank,
            Operator::NotExist => is_blank,
            Operator::In => is_among(),
            Operator::NotIn => !is_among(),
        }
    }
}

fn is_same(found: &Value, wanted: &Value, of: Type) -> bool {
    (found.is_null() && wanted.is_null()) || compare(found, wanted, of) == Some(Ordering::Equal)
}

/// Compares a value with what a query names; nothing where they cannot be compared.
fn compare(found: &Value, wanted: &Value, of: Type) -> Option<Ordering> {
    match of {
        Type::Int | Type::Long | Type::Number | Type::Bool => number(found)?.partial_cmp(&number(wanted)?),
        Type::Date => Some(instant_ms(found)?.cmp(&instant_ms(wanted)?)),
        Type::Text(_) => Some(found.as_str()?.to_lowercase().cmp(&wanted.as_str()?.to_lowercase())),
    }
}

/// Numbers may come as texts, and booleans as 1 and 0 (section 4).
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(is_on) => Some(f64::from(u8::from(*is_on))),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(1.0),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(0.0),
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    }
}

/// A missing zone means UTC (section 8); a date alone is its midnight.
fn instant_ms(value: &Value) -> Option<u64> {
    let text = value.as_str()?.trim_end_matches('Z');
    let full = if text.contains('T') { format!("{text}Z") } else { format!("{text}T00:00:00Z") };
    dates::parse(&full)
}
