//! The OpenAPI document, made from the table and from the types that answers and bodies are written and read by.

use console::roles;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::given::Given;
use super::operations::{Answered, Body, DOCUMENT_PATH, Operation, PATH_PARTS, all};
use super::{CSV, JSON, PREFIX};

/// The refusals that the interface knows: status, name in the document, what it means.
const REFUSALS: &[(u16, &str, &str)] = &[
    (400, "Malformed", "The request is not as this document says."),
    (401, "NotSignedIn", "Nobody says who calls."),
    (403, "Forbidden", "The caller's role does not allow it."),
    (404, "NotFound", "There is nothing of that name."),
    (405, "OtherMethod", "The path knows other methods."),
    (409, "Conflict", "Things as they stand forbid it: what is stored, a run under way, a plan that moved."),
    (413, "TooLarge", "The body is too long."),
    (415, "OtherMediaType", "The body is of another media type."),
    (421, "OtherHost", "The request is for another host."),
    (422, "Unprocessable", "A value is well-formed, and still cannot be taken."),
    (500, "Bug", "A mistake of ours."),
    (502, "Vendor", "The vendor did not answer, or not in a way that can be read."),
    (503, "Unavailable", "The store, the queue or the secrets could not be reached."),
];

/// Makes the document.
pub(super) fn document() -> Value {
    let describes = |settings: SchemaSettings| {
        settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator()
    };
    let mut describer = Describer {
        bodies: describes(SchemaSettings::draft2020_12().for_deserialize()),
        answers: describes(SchemaSettings::draft2020_12().for_serialize()),
    };
    let mut paths: Map<String, Value> = Map::new();
    for operation in all() {
        let at = paths.entry(operation.path).or_insert_with(|| json!({}));
        at[operation.verb.word().to_lowercase()] = describer.operation(operation);
    }
    paths.insert(DOCUMENT_PATH.to_owned(), json!({ "get": describer.own() }));
    let refusals: Map<String, Value> = REFUSALS.iter().map(|refusal| describer.refusal(refusal)).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "msp-sync",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Keeps a managed service provider's documentation in step with the systems it works in. \
                            The same requests as those of the command line. Orders may be given again: a decision \
                            that holds already changes nothing. An order that syncs answers when the run has ended; \
                            behind a gateway that does not wait so long, with the run as far as it is, whose \
                            `outcome` is null.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": PREFIX }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": describer.schemas(),
            "responses": refusals,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "On one machine, the token in the file `api-token` of the data folder. On AWS, calls \
                                    are signed for `execute-api` instead, and go to `/ROLE/api/v1`.",
                },
            },
        },
    });
    speak_of_json(&mut document);
    document
}

/// Makes descriptions that come from the code speak of JSON, on one line each.
fn speak_of_json(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("`None`", "null").replace('\n', " ");
                    }
                    field => speak_of_json(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(speak_of_json),
        _ => {}
    }
}

/// Describes types: as bodies are read, and as answers are written.
struct Describer {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Describer {
    fn operation(&mut self, operation: &'static Operation) -> Value {
        let (command, least) = roles::rule(&example(operation));
        let parts = operation.path_parts(operation.path).map(|(name, _)| {
            let part = PATH_PARTS.iter().find(|part| part.name == name).expect("a test looks at all paths");
            json!({
                "name": part.name, "in": "path", "required": true, "description": part.what,
                "schema": (part.describe)(&mut self.bodies), "example": part.example,
            })
        });
        let mut parameters: Vec<Value> = parts.collect();
        parameters.extend(operation.parameters.iter().map(|parameter| {
            let mut described = json!({
                "name": parameter.name, "in": "query", "required": parameter.is_required,
                "description": parameter.what, "schema": (parameter.describe)(&mut self.bodies),
            });
            if let Some(example) = parameter.example {
                described["example"] = json!(example);
            }
            described
        }));
        let mut described = json!({
            "operationId": operation.id,
            "tags": [tag(operation)],
            "summary": operation.summary,
            "description": format!("As the command `{command}`. Needs the role {least}."),
            "parameters": parameters,
            "responses": self.responses(operation),
        });
        if let Some(body) = self.body(&operation.body) {
            described["requestBody"] = body;
        }
        described
    }

    fn body(&mut self, body: &Body) -> Option<Value> {
        match body {
            Body::None => None,
            Body::Json { describe, is_required, example } => {
                let example: Value = serde_json::from_str(example).expect("a test reads all examples");
                let schema = describe(&mut self.bodies);
                Some(json!({ "required": is_required, "content": { JSON: { "schema": schema, "example": example } } }))
            }
            Body::Csv { example } => {
                let content = json!({ CSV: { "schema": { "type": "string" }, "example": example } });
                Some(json!({ "required": true, "content": content }))
            }
        }
    }

    fn responses(&mut self, operation: &Operation) -> Value {
        let json = |schema: schemars::Schema| json!({ JSON: { "schema": schema } });
        let (status, done) = match &operation.answer {
            Answered::Json(describe) => {
                let content = json(describe(&mut self.answers));
                ("200", json!({ "description": "Done.", "content": content }))
            }
            Answered::Created(describe) => {
                let headers = json!({ "Location": { "description": "Where it is.", "required": true,
                                                    "schema": { "type": "string" } } });
                let content = json(describe(&mut self.answers));
                ("201", json!({ "description": "Made.", "headers": headers, "content": content }))
            }
            Answered::Csv => {
                let content = json!({ CSV: { "schema": { "type": "string" } } });
                ("200", json!({ "description": "The file.", "content": content }))
            }
        };
        let has_body = !matches!(operation.body, Body::None);
        let mut responses = json!({ status: done });
        for (status, name, _) in REFUSALS {
            if has_body || !matches!(status, 413 | 415) {
                responses[status.to_string()] = json!({ "$ref": format!("#/components/responses/{name}") });
            }
        }
        responses
    }

    /// Describes where the document itself is.
    fn own(&self) -> Value {
        let refusals = REFUSALS.iter().filter(|(status, ..)| matches!(status, 400 | 401 | 405 | 421));
        let mut responses = json!({
            "200": { "description": "This document.", "content": { JSON: { "schema": { "type": "object" } } } },
        });
        for (status, name, _) in refusals {
            responses[status.to_string()] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
        json!({
            "operationId": "openapi", "tags": ["Document"], "summary": "Describes all requests.",
            "responses": responses,
        })
    }

    fn refusal(&mut self, (status, name, what): &(u16, &str, &str)) -> (String, Value) {
        let error = self.answers.subschema_for::<console::error::ConsoleError>();
        let schema = json!({ "type": "object", "required": ["error"], "properties": { "error": error } });
        let mut described = json!({ "description": what, "content": { JSON: { "schema": schema } } });
        let header = match status {
            401 => Some("WWW-Authenticate"),
            405 => Some("Allow"),
            _ => None,
        };
        if let Some(header) = header {
            described["headers"] = json!({ header: { "required": true, "schema": { "type": "string" } } });
        }
        ((*name).to_owned(), described)
    }

    /// Returns what was described, of bodies and of answers. A type that is both has the same description.
    fn schemas(self) -> Map<String, Value> {
        let (mut bodies, mut answers) = (self.bodies, self.answers);
        let mut all = bodies.take_definitions(true);
        for (name, schema) in answers.take_definitions(true) {
            let before = all.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "{name} is read otherwise than it is written");
        }
        all
    }
}

/// Returns what a request is about, for people who look through the document.
fn tag(operation: &Operation) -> &'static str {
    let mut parts = operation.path.split('/').skip(1);
    match (parts.next(), parts.nth(1)) {
        (Some("integrations"), None | Some("pause" | "resume" | "verify" | "secret" | "types")) => "Integrations",
        (Some("integrations"), Some("plans")) | (Some("plans"), _) => "Plans",
        (Some("integrations"), Some("runs" | "sync" | "status")) | (Some("runs" | "sync" | "status"), _) => "Runs",
        (Some("integrations"), _) => "Decisions",
        (Some("audit"), _) => "Audit",
        _ => "Catalogue",
    }
}

/// Returns the request that an operation's examples make.
pub(super) fn example(operation: &'static Operation) -> console::request::Request {
    let path: Vec<&str> = operation
        .path
        .split('/')
        .map(|part| {
            let name = part.trim_matches(['{', '}']);
            PATH_PARTS.iter().find(|known| part != name && known.name == name).map_or(part, |known| known.example)
        })
        .collect();
    let query: Vec<String> = operation
        .parameters
        .iter()
        .filter_map(|parameter| Some(format!("{}={}", parameter.name, parameter.example?)))
        .collect();
    let body = match &operation.body {
        Body::None => "",
        Body::Json { example, .. } | Body::Csv { example } => example,
    };
    let (path, query) = (path.join("/"), query.join("&"));
    let given = Given::read(operation, &path, &query, body.as_bytes());
    given.and_then(|given| (operation.request)(&given)).expect("a test reads all examples")
}
