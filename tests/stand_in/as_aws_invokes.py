"""Starts the stand-in with two things as AWS has them: an event that is handed over asynchronously and whose invocation fails
comes again under the same request id, and the answer to a call says the invocation's request id. By the one a function knows
that the reader that vanished was itself, by the other a caller knows whose run to give up.
"""

import contextvars
import uuid

from ministack.app import main
from ministack.services import lambda_svc

event_id = contextvars.ContextVar("event_id", default=None)
hand_over, invoke = lambda_svc.invoke_async_with_retry, lambda_svc._invoke
dispatch = lambda_svc._execute_function_dispatch


def hand_over_under_one_id(function, event):
    """All tries of the event are made in a copy of this context."""
    before = event_id.set(str(uuid.uuid4()))
    try:
        hand_over(function, event)
    finally:
        event_id.reset(before)


class HeadersWithTheId(dict):
    """An answer's headers, over which the stand-in writes an id that no function has seen."""

    def update(self, others):
        super().update({**others, "x-amzn-requestid": self["x-amzn-requestid"]})


async def invoke_and_say_its_id(*call):
    request_id = str(uuid.uuid4())
    before = event_id.set(request_id)
    try:
        status, headers, body = await invoke(*call)
    finally:
        event_id.reset(before)
    return status, HeadersWithTheId(headers, **{"x-amzn-requestid": request_id}), body


def dispatch_under_its_id(function, config, event, request_id, started):
    return dispatch(function, config, event, event_id.get() or request_id, started)


lambda_svc.invoke_async_with_retry = hand_over_under_one_id
lambda_svc._invoke = invoke_and_say_its_id
lambda_svc._execute_function_dispatch = dispatch_under_its_id
main()
