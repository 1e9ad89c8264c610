//! Programs on AWS: `/ROLE/api/v1/…`, the same interface as on one machine, in one event of the HTTP API.
//!
//! The role that is taken stands before the path, so that IAM, which lets callers in by method and path, says who may be
//! what and ask what: `execute-api:Invoke` on `…/GET/viewer/api/v1/*` lets somebody look, and do nothing else.

use console::answer::Answer;
use console::error::{Code, ConsoleError};
use console::handle::{Deps, handle as carry_out};
use console::progress::Silent;
use console::request::Request;
use console::roles::{Actor, Role};
use http::{Response, StatusCode};
use serde_json::Value;
use web::Bytes;
use web::api::{self, Wanted};

use crate::asking::{ANSWER_BYTES_MAX, actor};
use crate::browsing;

/// Returns the role and the path of a call of a program; `None` for any other event.
pub(crate) fn called(event: &Value) -> Option<(Role, &str)> {
    let path = event["rawPath"].as_str()?.strip_prefix('/')?;
    let at = path.find('/')?;
    let (role, path) = path.split_at(at);
    let role = Role::ALL.into_iter().find(|known| known.code() == role)?;
    api::is_below(path).then_some((role, path))
}

/// Answers a call of a program that takes `role`.
pub(crate) async fn answer<D: Deps>(event: &Value, role: Role, path: &str, deps: &D) -> Value {
    let reply = match actor(event, role) {
        Ok(actor) => answered(event, path, &actor, deps).await,
        Err(error) => api::refused(StatusCode::FORBIDDEN, &error),
    };
    let status = reply.status().as_u16();
    tracing::info!(status, role = role.code(), "a program was answered");
    browsing::written(&reply)
}

async fn answered<D: Deps>(event: &Value, path: &str, actor: &Actor, deps: &D) -> Response<Bytes> {
    let call = match browsing::request(event, path) {
        Ok(call) => call,
        Err(why) => return api::refused(StatusCode::BAD_REQUEST, &ConsoleError::new(Code::Usage, why, "")),
    };
    match api::read(call.method(), call.uri(), call.headers(), call.body()) {
        Ok(Wanted::Document) => api::document(),
        Ok(Wanted::Ask(asked)) => {
            let reply = asked.reply(ask(asked.request.clone(), actor, deps).await);
            if reply.body().len() <= ANSWER_BYTES_MAX {
                return reply;
            }
            let hint = "ask for fewer at once, or use `msp-sync --aws STACK`, which has no such limit";
            asked.reply(Err(ConsoleError::new(Code::Refused, "the answer is longer than the HTTP API carries", hint)))
        }
        Err(refusal) => *refusal,
    }
}

async fn ask<D: Deps>(request: Request, actor: &Actor, deps: &D) -> Result<Answer, ConsoleError> {
    Box::pin(carry_out(request, actor, deps, &Silent)).await
}
