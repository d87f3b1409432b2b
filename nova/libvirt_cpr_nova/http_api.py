# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent's HTTP API, a WSGI application: what the plugin of the `openstack` command speaks to.

    GET  /v1/instances      the host's instances and their VMMs
    POST /v1/jobs           {"job": {"action": "update", ...}}: 202 and the job
    GET  /v1/jobs           all jobs that the journal has
    GET  /v1/jobs/ID        one of them

auth_token of keystonemiddleware stands before it, and has found out who asks.
"""
import dataclasses
import logging
import re

import webob
import webob.dec
from oslo_context import context

from libvirt_cpr_nova import access, errors, jobs, worker

LOG = logging.getLogger(__name__)

LONGEST_BODY = 65536


class Api:
    """The application.

    vmms, journal, worker  Domains, Journal, Worker
    enforcer               of access.enforcer()
    """

    def __init__(self, host, vmms, journal, job_worker, enforcer):
        self._host, self._vmms, self._journal = host, vmms, journal
        self._worker, self._enforcer = job_worker, enforcer
        self._routes = ((r"/v1/instances", "GET", self._instances), (r"/v1/jobs", "GET", self._jobs),
                        (r"/v1/jobs", "POST", self._new_job), (r"/v1/jobs/([0-9a-f-]{36})", "GET", self._job))

    @webob.dec.wsgify
    def __call__(self, request):
        found = [(method, call, match.groups()) for pattern, method, call in self._routes
                 if (match := re.fullmatch(pattern, request.path_info))]
        if not found:
            return _error(404, "there is no such resource")
        for method, call, arguments in found:
            if request.method == method:
                return self._answer(call, request, arguments)
        return _error(405, f"{request.method} is not possible here")

    def _answer(self, call, request, arguments):
        try:
            return call(request, *arguments)
        except _Forbidden as error:
            return _error(403, str(error))
        except errors.Unavailable as error:
            return _error(503, str(error))
        except errors.AgentError as error:
            return _error(400, str(error))
        except Exception:  # pylint: disable=broad-except
            LOG.exception("%s %s", request.method, request.path_info)
            return _error(500, "the agent has an error, see its log")

    def _instances(self, request):
        self._require(request, access.LIST)
        return _json(200, {"host": self._host, "instances": [dataclasses.asdict(vmm) for vmm in self._vmms.vmms()]})

    def _jobs(self, request):
        self._require(request, access.LIST)
        return _json(200, {"jobs": [jobs.to_view(job) for job in self._journal.all()]})

    def _job(self, request, job_id):
        self._require(request, access.LIST)
        job = self._journal.get(job_id)
        return _json(200, {"job": jobs.to_view(job)}) if job else _error(404, f"there is no job {job_id}")

    def _new_job(self, request):
        caller = context.RequestContext.from_environ(request.environ)
        if (request.content_length or 0) > LONGEST_BODY:
            return _error(413, "the request is too long")
        try:
            body = request.json_body
        except ValueError as error:
            raise errors.AgentError(f"the body is not JSON: {error}") from error
        if not isinstance(body, dict) or set(body) != {"job"}:
            raise errors.AgentError('the body has to be {"job": {...}}')
        job = worker.new_job(self._host, body["job"], caller.user_id, caller.global_request_id or caller.request_id)
        self._require(request, access.CHECK if job.action == "check" else access.UPDATE)
        self._worker.submit(job)
        LOG.info("Job %s: %s of %s, for user %s", job.id, job.action, job.server_id or "all instances", caller.user_id)
        response = _json(202, {"job": jobs.to_view(job)})
        response.location = f"/v1/jobs/{job.id}"
        return response

    def _require(self, request, rule):
        caller = context.RequestContext.from_environ(request.environ)
        if not self._enforcer.enforce(rule, {}, caller.to_policy_values()):
            raise _Forbidden(f"the policy does not allow {rule}")


class _Forbidden(errors.AgentError):
    """The caller may not."""


def _json(status, body):
    return webob.Response(status=status, json_body=body, content_type="application/json", charset="UTF-8")


def _error(status, message):
    return _json(status, {"error": {"code": status, "message": message}})
