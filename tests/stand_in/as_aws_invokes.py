"""Starts the stand-in with one thing as AWS has it: an event that is handed over asynchronously and whose invocation fails
comes again under the same request id. Functions know by it that the reader that vanished was themselves.
"""

import contextvars
import uuid

from ministack.app import main
from ministack.services import lambda_svc

event_id = contextvars.ContextVar("event_id", default=None)
hand_over, dispatch = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function_dispatch


def hand_over_under_one_id(function, event):
    """All tries of the event are made in a copy of this context."""
    before = event_id.set(str(uuid.uuid4()))
    try:
        hand_over(function, event)
    finally:
        event_id.reset(before)


def dispatch_under_its_id(function, config, event, request_id, started):
    return dispatch(function, config, event, event_id.get() or request_id, started)


lambda_svc.invoke_async_with_retry = hand_over_under_one_id
lambda_svc._execute_function_dispatch = dispatch_under_its_id
main()
