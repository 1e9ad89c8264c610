//! The table of all requests that programs may make: where each one is, what it takes, what it answers.
//!
//! A row is all that is known of a request here. Routing, strictness and the document are made from it; what the least
//! role is, `console::roles` says.

mod table;

use console::error::ConsoleError;
use console::request::Request;
use reconcile::ids::{DocId, IntegrationId, InvalidId, PlanId, RunId};
use reconcile::mapping::State;
use reconcile::reason::Reason;
use reconcile::record::Kind;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::given::Given;

/// Describes a type.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// Returns the method's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}

/// A part of a path that names something, by the field of the answers that has it.
#[derive(Debug)]
pub(super) struct PathPart {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) describe: Describe,
    pub(super) check: fn(&str) -> Result<(), InvalidId>,
    pub(super) example: &'static str,
}

/// What may stand in braces in a path.
pub(super) static PATH_PARTS: &[PathPart] = &[
    PathPart {
        name: "integration",
        what: "Which integration.",
        describe: SchemaGenerator::subschema_for::<IntegrationId>,
        check: |text| IntegrationId::parse(text).map(drop),
        example: "acme",
    },
    PathPart {
        name: "plan_id",
        what: "Which plan.",
        describe: SchemaGenerator::subschema_for::<PlanId>,
        check: |text| PlanId::parse(text).map(drop),
        example: "acme.46bb1ab8531540d8",
    },
    PathPart {
        name: "run_id",
        what: "Which run.",
        describe: SchemaGenerator::subschema_for::<RunId>,
        check: |text| RunId::parse(text).map(drop),
        example: "acme.20261122T200000Z",
    },
    PathPart {
        name: "doc_id",
        what: "Which documentation record.",
        describe: SchemaGenerator::subschema_for::<DocId>,
        check: |text| DocId::parse(text).map(drop),
        example: "c_0123456789abcdef",
    },
];

/// A parameter behind the question mark.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) is_required: bool,
    pub(super) describe: Describe,
    pub(super) example: Option<&'static str>,
}

impl Parameter {
    const fn new(name: &'static str, what: &'static str, describe: Describe) -> Self {
        Self { name, what, is_required: false, describe, example: None }
    }
}

fn describe_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn describe_switch(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "boolean" })
}

fn describe_limit(_: &mut SchemaGenerator) -> Schema {
    let (usual, most) = (console::request::PAGE_LIMIT, console::request::PAGE_LIMIT_MAX);
    json_schema!({ "type": "integer", "minimum": 1, "maximum": most, "default": usual })
}

fn describe_cursor(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^([0-9a-f]{2})+$" })
}

const LIMIT: Parameter = Parameter::new("limit", "At most so many items.", describe_limit);
const CURSOR: Parameter = Parameter::new("cursor", "The `next` of the page before.", describe_cursor);
const ANY_KIND: Parameter =
    Parameter::new("kind", "Which kind; without it, all.", SchemaGenerator::subschema_for::<Kind>);
const KIND: Parameter = Parameter {
    is_required: true,
    example: Some("client"),
    ..Parameter::new("kind", "Which kind.", SchemaGenerator::subschema_for::<Kind>)
};
const STATE: Parameter =
    Parameter::new("state", "Their state, staged decisions taken in.", SchemaGenerator::subschema_for::<State>);
const REASON: Parameter =
    Parameter::new("reason", "Why they are not in the documentation.", SchemaGenerator::subschema_for::<Reason>);
const SEARCH: Parameter =
    Parameter::new("search", "A part of the name, the id or a field, whatever its case.", describe_text);
const CLIENT: Parameter = Parameter::new(
    "client",
    "Below this client, by its documentation id; for assets, contacts and locations.",
    SchemaGenerator::subschema_for::<DocId>,
);

const NEW: Parameter = Parameter::new(
    "new",
    "Only those that were first seen after the first completed sync of their kind.",
    describe_switch,
);
const VENDOR_ID: Parameter = Parameter {
    is_required: true,
    example: Some("736251904418273650"),
    ..Parameter::new("vendor_id", "The vendor record.", describe_text)
};
const OF_CLIENT: Parameter =
    Parameter::new("client", "The vendor's id of the client that the record belongs to, below one.", describe_text);

const PAGE: &[Parameter] = &[LIMIT, CURSOR];

/// What the body is.
#[derive(Debug)]
pub(super) enum Body {
    None,
    Json { describe: Describe, is_required: bool, example: &'static str },
    Csv { example: &'static str },
}

impl Body {
    const fn json(describe: Describe, example: &'static str) -> Self {
        Body::Json { describe, is_required: true, example }
    }

    /// A body that may be left out.
    const fn some(describe: Describe, example: &'static str) -> Self {
        Body::Json { describe, is_required: false, example }
    }
}

/// What the answer is, where it works.
#[derive(Debug)]
pub(super) enum Answered {
    Json(Describe),
    /// 201, with where it is.
    Created(Describe),
    Csv,
}

/// One request.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// Below [`super::PREFIX`]; what is in braces is one of [`PATH_PARTS`].
    pub(super) path: &'static str,
    /// Its name among all.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Body,
    pub(super) answer: Answered,
    pub(super) request: fn(&Given<'_>) -> Result<Request, ConsoleError>,
}

impl Operation {
    /// Returns the parts of `path` that stand where ours has braces; the path is known to fit.
    pub(super) fn path_parts<'p>(&self, path: &'p str) -> impl Iterator<Item = (&'static str, &'p str)> {
        let name = |part: &'static str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        self.path.split('/').zip(path.split('/')).filter_map(move |(part, text)| Some((name(part)?, text)))
    }

    fn fits(&self, path: &str) -> bool {
        let (mut ours, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(text)) if part == text || part.starts_with('{') => {}
                _ => return false,
            }
        }
    }
}

/// Where the document is.
pub(super) const DOCUMENT_PATH: &str = "/openapi.json";

/// Returns all requests.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    table::ALL.iter().copied().flatten()
}

/// Returns the requests that may be made at a path below [`super::PREFIX`].
pub(super) fn at(path: &str) -> Vec<&'static Operation> {
    all().filter(|operation| operation.fits(path)).collect()
}

const fn get(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    describe: Describe,
    request: fn(&Given<'_>) -> Result<Request, ConsoleError>,
) -> Operation {
    let answer = Answered::Json(describe);
    Operation { verb: Verb::Get, path, id, summary, parameters, body: Body::None, answer, request }
}

const fn file(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    request: fn(&Given<'_>) -> Result<Request, ConsoleError>,
) -> Operation {
    Operation { verb: Verb::Get, path, id, summary, parameters, body: Body::None, answer: Answered::Csv, request }
}

const fn post(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    body: Body,
    describe: Describe,
    request: fn(&Given<'_>) -> Result<Request, ConsoleError>,
) -> Operation {
    let answer = Answered::Json(describe);
    Operation { verb: Verb::Post, path, id, summary, parameters: &[], body, answer, request }
}
