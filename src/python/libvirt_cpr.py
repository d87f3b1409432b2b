# SPDX-License-Identifier: LGPL-2.1-or-later
"""Update the virtual machine monitor (VMM) under a running guest, through libvirt.

The functions take domains of the stock `libvirt` module, of any connection with write access, and
are those of liblibvirt-cpr:

    import libvirt
    import libvirt_cpr

    domain = libvirt.open("qemu:///system").lookupByName("g1")
    job = libvirt_cpr.update(domain, max_pause=500)
    print(libvirt_cpr.wait(domain, job).pause_ns)

All of them may be called from several threads at once, none needs an event loop, and they let other
threads of Python run while they wait. Durations are in milliseconds, as in C; moments and pauses of
jobs are in nanoseconds of the host's monotonic clock.

What goes wrong is raised: libvirt's own errors as `libvirt.libvirtError`, unchanged, and those of
libvirt-cpr as `CprError`, which is one as well, or as a class of it.
"""
# Since: 0.1.0
import atexit
import ctypes
import dataclasses
import enum
import itertools
import json
import threading
import types

import libvirt

__all__ = [
    "Blocked", "Blocker", "Cancelled", "CheckResult", "CprError", "InvalidArgument",
    "InvalidState", "JobActive", "JobInfo", "JobStatus", "NoJob", "NotAllowed", "NotPrivileged",
    "PauseTooLong",
    "TimedOut", "Unsupported", "cancel", "check", "deregister_event", "disable", "enable",
    "history", "job_info", "job_json", "place_threads", "policy", "register_event", "set_policy", "stats",
    "update", "wait",
]

_LIBRARY = "liblibvirt-cpr.so.0"


# -- errors ----------------------------------------------------------------------------------------

class CprError(libvirt.libvirtError):
    """An error of libvirt-cpr's.

    `code` is its stable code ("blocked", "job-active", ...; errors.md has them all), and
    `get_error_code()` and its kin have the closest of libvirt's. `job` is the JobInfo of the job
    that did not complete, or None if the call itself failed.
    """

    def __init__(self, code, error, job=None):
        super().__init__(error[2])
        self.args = (error[2],)
        self.err = error
        self.code = code
        self.job = job


class Blocked(CprError):
    """Something stands in the way of the update: see `job.blockers`."""


class Cancelled(CprError):
    """The update was cancelled, and the guest runs on with the VMM that it had."""


class InvalidArgument(CprError):
    """An argument that is not understood."""


class InvalidState(CprError):
    """The job or the guest is not in a state in which this can be done."""


class JobActive(CprError):
    """An update or a check of the domain is under way already."""


class NoJob(CprError):
    """There is no update that could be cancelled."""


class NotAllowed(CprError):
    """The domain's policy does not allow it."""


class NotPrivileged(CprError):
    """Only root on the domain's host can do it."""


class PauseTooLong(CprError):
    """The guest would have been paused for longer than `max_pause`."""


class TimedOut(CprError):
    """The wait, or the update itself, took longer than its timeout."""


class Unsupported(CprError):
    """The domain's VMM cannot do this, or has no controller for updates."""


_ERRORS = {
    "blocked": Blocked, "cancelled": Cancelled, "invalid-argument": InvalidArgument,
    "invalid-state": InvalidState, "job-active": JobActive, "no-job": NoJob,
    "not-allowed": NotAllowed, "not-privileged": NotPrivileged,
    "pause-too-long": PauseTooLong, "timeout": TimedOut, "unsupported": Unsupported,
}


# -- what jobs are ---------------------------------------------------------------------------------

class JobStatus(enum.IntEnum):
    """What became of an update job."""

    NONE = 0         # no job since the VMM started
    RUNNING = 1      # under way
    COMPLETED = 2    # the guest runs on the new VMM, or, of a check: it can be updated
    FAILED = 3       # refused in validation, nothing happened
    ROLLED_BACK = 4  # failed later; the guest runs on the old VMM
    CANCELLED = 5    # ended by cancel(); the guest runs on the old VMM


@dataclasses.dataclass(frozen=True)
class Blocker:
    """What stands in the way of an update: a stable id, and reason and remedy for people."""

    id: str
    reason: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """Whether a domain can be updated. If not, `code` and `reason` say why, and `blockers` lists
    what stands in the way, if that is it."""

    possible: bool
    blockers: tuple
    code: str | None
    reason: str | None

    def __bool__(self):
        return self.possible


class JobInfo:
    """One report on an update job. What does not apply is None, or empty.

    `status` is a JobStatus; `params` has all that the library tells, by the names of the C header
    (VIR_DOMAIN_CPR_JOB_FIELD_*). The reports before the final one have at least id, status and
    phase.
    """

    def __init__(self, status, params):
        self.status = JobStatus(status)
        self.params = types.MappingProxyType(dict(params))

    def __repr__(self):
        return f"<JobInfo {self.id} {self.status.name.lower()} {self.phase}>"

    @property
    def id(self):
        """The job's number, counted from the domain's start on; 0 if there was none."""
        return self.params.get("job-id")

    @property
    def phase(self):
        """The phase in which the job is, or ended."""
        return self.params.get("phase")

    @property
    def mode(self):
        """"exec" or "transfer"; "auto" before the validation has decided."""
        return self.params.get("mode")

    @property
    def generation(self):
        """How many updates the domain has had since its start."""
        return self.params.get("generation")

    @property
    def domain_pid(self):
        """The process that libvirt knows."""
        return self.params.get("domain-pid")

    @property
    def vmm_pid(self):
        """The process that has the guest."""
        return self.params.get("vmm-pid", self.domain_pid)

    @property
    def old_binary(self):
        """Path of the VMM that the guest had before."""
        return self.params.get("old.binary")

    @property
    def old_version(self):
        """Version of the VMM that the guest had before."""
        return self.params.get("old.version")

    @property
    def new_binary(self):
        """Path of the new VMM."""
        return self.params.get("new.binary")

    @property
    def new_version(self):
        """Version of the new VMM."""
        return self.params.get("new.version")

    @property
    def pause_ns(self):
        """For how many nanoseconds the guest was stopped."""
        return self.params.get("pause.total-ns")

    @property
    def pause_parts_ns(self):
        """The parts of the pause, by phase."""
        names = ("save", "exec", "load", "resume")
        return {name: self.params[f"pause.{name}-ns"] for name in names
                if f"pause.{name}-ns" in self.params}

    @property
    def state_bytes(self):
        """Size of the devices' state."""
        return self.params.get("state-bytes")

    @property
    def error_code(self):
        """Stable code of why the job did not complete."""
        return self.params.get("error.code")

    @property
    def error_message(self):
        """Why the job did not complete, for people."""
        return self.params.get("error.desc")

    @property
    def ended(self):
        """When the job ended, by the host's clock in UTC: "2026-01-31T23:59:59Z"."""
        return self.params.get("ended")

    @property
    def blockers(self):
        """What stood in the way, as a tuple of Blocker."""
        return tuple(Blocker(*(self.params.get(f"blockers.{i}.{name}", "")
                               for name in ("id", "reason", "remedy")))
                     for i in range(self.params.get("blockers.count", 0)))

    @property
    def phases(self):
        """(name, begin, end) of each phase that has begun; end is None while it lasts."""
        return tuple((self.params.get(f"phases.{i}.name"), self.params.get(f"phases.{i}.begin-ns"),
                      self.params.get(f"phases.{i}.end-ns"))
                     for i in range(self.params.get("phases.count", 0)))


# -- functions -------------------------------------------------------------------------------------

def check(domain, *, emulator=None, mode=None, timeout=None, max_pause=None):
    """Validate whether `domain` could be updated now; the arguments are those of update().

    Nothing about the guest is changed. Returns a CheckResult, which is true if it could. Raises
    JobActive if an update or a check is under way, and Unsupported for a domain that was not
    started by virt-cpr-emulator.
    """
    params = _update_params(emulator, mode, timeout, max_pause)
    blockers = ctypes.POINTER(ctypes.POINTER(_Blocker))()
    possible = _library().virDomainCprCheck(_pointer(domain), params, len(params),
                                            ctypes.byref(blockers), 0)
    if possible < 0:
        raise _last_error()
    try:
        found = tuple(_blockers_in(blockers))
    finally:
        _library().virDomainCprBlockerListFree(blockers)
    if possible:
        return CheckResult(True, found, None, None)
    return CheckResult(False, found, _last_code(), _last_error_fields()[2])


def update(domain, *, emulator=None, mode=None, timeout=None, max_pause=None, check_only=False):
    """Start a job that replaces the VMM under the guest of `domain`, and return its number.

    emulator   absolute path of the new VMM on the domain's host; without it, the one that
               emulators.conf names there
    mode       "auto" (the default), "exec" or "transfer"
    timeout    milliseconds for the update up to the guest's entry; then it goes back
    max_pause  milliseconds for which the guest may be paused by an update that goes on
    check_only only validate

    Follow the job by wait() or register_event(); it does not need this program. Raises JobActive,
    InvalidArgument and Unsupported.
    """
    params = _update_params(emulator, mode, timeout, max_pause)
    job = _library().virDomainCprUpdate(_pointer(domain), params, len(params), int(check_only))
    if job < 0:
        raise _last_error()
    return job


def wait(domain, job, timeout=None, callback=None, opaque=None):
    """Wait for the end of a job that update() has started, and return its JobInfo.

    `callback(domain, job_info, opaque)` is called for each change of phase or status, in this
    thread; what it raises is raised by wait() at the end. A job that has not ended after `timeout`
    milliseconds goes on, and TimedOut is raised with no `job`. A job that does not complete raises
    a CprError with its `job`: Blocked, Cancelled, PauseTooLong, ...
    """
    call = _Call(domain, callback, opaque)
    with call:
        status = _library().virDomainCprWait(_pointer(domain), job, -1 if timeout is None else timeout,
                                             _ON_JOB, call.key, 0)
        error = None if status == JobStatus.COMPLETED else _last_error(call.last_job(status))
    if call.raised:
        raise call.raised
    if error:
        raise error
    return call.job


def job_info(domain):
    """The JobInfo of the update of `domain` that is under way, or else of the last one."""
    text = ctypes.c_void_p()
    params, count = ctypes.POINTER(_TypedParameter)(), ctypes.c_int()
    status = _library().virDomainCprGetJob(_pointer(domain), ctypes.byref(text),
                                           ctypes.byref(params), ctypes.byref(count), 0)
    if status < 0:
        raise _last_error()
    _libc().free(text)
    try:
        return JobInfo(status, _values_of(params, count.value))
    finally:
        _libvirt().virTypedParamsFree(params, count)


def job_json(domain):
    """The same as a dictionary, as the controller gives it (protocol.md)."""
    text = ctypes.c_void_p()
    if _library().virDomainCprGetJob(_pointer(domain), ctypes.byref(text), None, None, 0) < 0:
        raise _last_error()
    try:
        return json.loads(ctypes.string_at(text))
    finally:
        _libc().free(text)


def stats(domain):
    """What the updates and checks of `domain` have come to since its start, as a dictionary
    (query-update-in-place-stats of protocol.md)."""
    text = ctypes.c_void_p()
    if _library().virDomainCprGetStats(_pointer(domain), ctypes.byref(text), None, None, 0) < 0:
        raise _last_error()
    try:
        return json.loads(ctypes.string_at(text))
    finally:
        _libc().free(text)


def cancel(domain):
    """Ask the update of `domain` to stop; wait() tells what became of it.

    Raises NoJob, or InvalidState if the guest runs on the new VMM already.
    """
    if _library().virDomainCprCancel(_pointer(domain), 0) < 0:
        raise _last_error()


def place_threads(domain):
    """Put the threads of the VMM of `domain` where libvirt has put those of its first VMM.

    wait() and update() do it by themselves. Raises NotPrivileged if this process is not root on
    the domain's host.
    """
    if _library().virDomainCprPlaceThreads(_pointer(domain), 0) < 0:
        raise _last_error()


def register_event(domain, callback, opaque=None):
    """Have `callback(domain, job_info, opaque)` called for each change in the update jobs of
    `domain` from now on, whoever starts them. Returns a number for deregister_event().

    The callback runs in a thread of the library's, one for each registration; what it raises is
    given to sys.unraisablehook. It ends by itself when the domain does not run any more or the
    connection is lost.
    """
    if not callable(callback):
        raise TypeError("the callback cannot be called")
    call = _Call(domain, callback, opaque)
    call.enter()
    number = _library().virDomainCprEventRegister(_pointer(domain), _ON_EVENT, call.key, _ON_FREE, 0)
    if number < 0:
        error = _last_error()
        call.leave()
        raise error
    _registered.append((domain, number))
    return number


def deregister_event(domain, number):
    """End a registration. The callback does not run any more when this returns, unless it is the
    callback that calls it."""
    if _library().virDomainCprEventDeregister(_pointer(domain), number, 0) < 0:
        raise _last_error()
    _registered[:] = [entry for entry in _registered if entry[1] != number]


def enable(domain, emulator=None, *, cpr_vmm=False, dry_run=False):
    """Make the configuration of a persistent `domain` one whose guest can be updated.

    emulator  absolute path of the emulator program on the domain's host; without it, virt-cpr-qemu
    cpr_vmm   cpr-vmm is behind the program, and not QEMU
    dry_run   change nothing

    Returns (restart, xml): whether the guest has to be shut down and started again first, and the
    configuration's XML as it is then. A dry run's has no passwords.
    """
    path = None if emulator is None else str(emulator).encode()
    return _edited(_library().virDomainCprEnable, domain, path, flags=int(dry_run) | int(cpr_vmm) << 1)


def disable(domain, *, dry_run=False):
    """Put back what the configuration of `domain` had before enable().

    Returns the same as enable(). Raises InvalidState if it was not enabled, or what was set has
    been changed since.
    """
    return _edited(_library().virDomainCprDisable, domain, flags=int(dry_run))


def policy(domain, flags=libvirt.VIR_DOMAIN_AFFECT_CURRENT):
    """What the owner of `domain` allows of updates: a dictionary with allowed, mode and max_pause
    (milliseconds, 0 for no limit)."""
    params, count = ctypes.POINTER(_TypedParameter)(), ctypes.c_int()
    if _library().virDomainCprGetPolicy(_pointer(domain), ctypes.byref(params), ctypes.byref(count),
                                        flags) < 0:
        raise _last_error()
    try:
        return {name.replace("-", "_"): value
                for name, value in _values_of(params, count.value).items()}
    finally:
        _libvirt().virTypedParamsFree(params, count)


def set_policy(domain, *, allowed=None, mode=None, max_pause=None,
               flags=libvirt.VIR_DOMAIN_AFFECT_CURRENT):
    """Change the policy of `domain`; what is None stays. With nothing given, all is allowed."""
    given = [("allowed", libvirt.VIR_TYPED_PARAM_BOOLEAN, allowed),
             ("mode", libvirt.VIR_TYPED_PARAM_STRING, mode),
             ("max-pause", libvirt.VIR_TYPED_PARAM_UINT, max_pause)]
    params = _params(given)
    if _library().virDomainCprSetPolicy(_pointer(domain), params if len(params) else None,
                                        len(params), flags) < 0:
        raise _last_error()


def history(domain, flags=libvirt.VIR_DOMAIN_AFFECT_CURRENT):
    """The last completed updates of `domain`, oldest first, as dictionaries (metadata.md)."""
    text = ctypes.c_void_p()
    if _library().virDomainCprGetHistory(_pointer(domain), ctypes.byref(text), None, None, flags) < 0:
        raise _last_error()
    try:
        return json.loads(ctypes.string_at(text))["history"]
    finally:
        _libc().free(text)


# -- the C library ---------------------------------------------------------------------------------

class _Error(ctypes.Structure):
    """virError."""

    _fields_ = [("code", ctypes.c_int), ("domain", ctypes.c_int), ("message", ctypes.c_char_p),
                ("level", ctypes.c_int), ("conn", ctypes.c_void_p), ("dom", ctypes.c_void_p),
                ("str1", ctypes.c_char_p), ("str2", ctypes.c_char_p), ("str3", ctypes.c_char_p),
                ("int1", ctypes.c_int), ("int2", ctypes.c_int), ("net", ctypes.c_void_p)]


class _Blocker(ctypes.Structure):
    """virDomainCprBlocker."""

    _fields_ = [("id", ctypes.c_char_p), ("reason", ctypes.c_char_p), ("remedy", ctypes.c_char_p)]


class _Value(ctypes.Union):
    """The value of a virTypedParameter."""

    _fields_ = [("i", ctypes.c_int), ("ui", ctypes.c_uint), ("l", ctypes.c_longlong),
                ("ul", ctypes.c_ulonglong), ("d", ctypes.c_double), ("b", ctypes.c_char),
                ("s", ctypes.c_char_p)]


class _TypedParameter(ctypes.Structure):
    """virTypedParameter."""

    _fields_ = [("field", ctypes.c_char * libvirt.VIR_TYPED_PARAM_FIELD_LENGTH
                 if hasattr(libvirt, "VIR_TYPED_PARAM_FIELD_LENGTH") else ctypes.c_char * 80),
                ("type", ctypes.c_int), ("value", _Value)]


# Members of the union by the type's number.
_MEMBERS = {libvirt.VIR_TYPED_PARAM_INT: "i", libvirt.VIR_TYPED_PARAM_UINT: "ui",
            libvirt.VIR_TYPED_PARAM_LLONG: "l", libvirt.VIR_TYPED_PARAM_ULLONG: "ul",
            libvirt.VIR_TYPED_PARAM_DOUBLE: "d", libvirt.VIR_TYPED_PARAM_BOOLEAN: "b",
            libvirt.VIR_TYPED_PARAM_STRING: "s"}

_JOB_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int,
                                 ctypes.POINTER(_TypedParameter), ctypes.c_int, ctypes.c_void_p)
_FREE_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_SIGNATURES = {
    "virDomainCprCheck": (ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_TypedParameter),
                          ctypes.c_int, ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprBlockerListFree": (None, ctypes.c_void_p),
    "virDomainCprUpdate": (ctypes.c_longlong, ctypes.c_void_p, ctypes.POINTER(_TypedParameter),
                           ctypes.c_int, ctypes.c_uint),
    "virDomainCprGetJob": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                           ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprGetStats": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                             ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprWait": (ctypes.c_int, ctypes.c_void_p, ctypes.c_longlong, ctypes.c_int,
                         _JOB_CALLBACK, ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprEnable": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p,
                           ctypes.c_uint),
    "virDomainCprDisable": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprGetPolicy": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                              ctypes.c_uint),
    "virDomainCprSetPolicy": (ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_TypedParameter),
                              ctypes.c_int, ctypes.c_uint),
    "virDomainCprGetHistory": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                               ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprCancel": (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprPlaceThreads": (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint),
    "virDomainCprEventRegister": (ctypes.c_int, ctypes.c_void_p, _JOB_CALLBACK, ctypes.c_void_p,
                                  _FREE_CALLBACK, ctypes.c_uint),
    "virDomainCprEventDeregister": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint),
    "virCprGetLastError": (ctypes.POINTER(_Error),),
    "virCprGetLastErrorCode": (ctypes.c_char_p,),
    "virCprGetLastErrorMessage": (ctypes.c_char_p,),
}


def _load(name, signatures):
    """A shared library with the types of some of its functions."""
    library = ctypes.CDLL(name)
    for function, (result, *arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


_libraries = {}


def _loaded(name, signatures):
    """The library, loaded when it is first used: so the module can be looked at without it."""
    if name not in _libraries:
        _libraries[name] = _load(name, signatures)
    return _libraries[name]


def _library():
    return _loaded(_LIBRARY, _SIGNATURES)


def _libvirt():
    return _loaded("libvirt.so.0", {
        "virTypedParamsFree": (None, ctypes.POINTER(_TypedParameter), ctypes.c_int)})


def _libc():
    return _loaded(None, {"free": (None, ctypes.c_void_p)})


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _pointer(domain):
    """The virDomainPtr of a domain of the stock module."""
    if not isinstance(domain, libvirt.virDomain):
        raise TypeError(f"a libvirt.virDomain is needed, not {type(domain).__name__}")
    # pylint: disable-next=protected-access
    return _capsule_pointer(domain._o, b"virDomainPtr")


def _text(value):
    """A string of the library's."""
    return None if value is None else value.decode("utf-8", "replace")


def _update_params(emulator, mode, timeout, max_pause):
    """The arguments of an update as typed parameters; those that are None are left out."""
    given = [("emulator", libvirt.VIR_TYPED_PARAM_STRING, emulator),
             ("mode", libvirt.VIR_TYPED_PARAM_STRING, mode),
             ("timeout", libvirt.VIR_TYPED_PARAM_UINT, timeout),
             ("max-pause", libvirt.VIR_TYPED_PARAM_UINT, max_pause)]
    return _params(given)


def _params(given):
    """Typed parameters of (name, type, value); those that are None are left out."""
    given = [entry for entry in given if entry[2] is not None]
    params = (_TypedParameter * len(given))()
    for param, (name, kind, value) in zip(params, given):
        param.field = name.encode()
        param.type = kind
        if kind == libvirt.VIR_TYPED_PARAM_STRING:
            param.value.s = str(value).encode()
        elif kind == libvirt.VIR_TYPED_PARAM_BOOLEAN:
            param.value.b = b"\1" if value else b"\0"
        elif isinstance(value, int) and 0 <= value < 1 << 32:
            param.value.ui = value
        else:
            raise ValueError(f"{name} has to be a whole number of milliseconds, not {value!r}")
    return params


def _values_of(params, count):
    """Typed parameters as a dictionary."""
    values = {}
    for param in params[:count]:
        value = getattr(param.value, _MEMBERS[param.type])
        if param.type == libvirt.VIR_TYPED_PARAM_STRING:
            value = _text(value)
        elif param.type == libvirt.VIR_TYPED_PARAM_BOOLEAN:
            value = value != b"\0"
        values[param.field.decode()] = value
    return values


def _edited(function, domain, *arguments, flags):
    """What a function says that edits a domain."""
    text = ctypes.c_void_p()
    restart = function(_pointer(domain), *arguments, ctypes.byref(text), flags)
    if restart < 0:
        raise _last_error()
    try:
        return bool(restart), ctypes.string_at(text).decode()
    finally:
        _libc().free(text)


def _blockers_in(blockers):
    """Those of a list that ends with NULL."""
    for i in itertools.count():
        if not blockers[i]:
            return
        entry = blockers[i].contents
        yield Blocker(_text(entry.id), _text(entry.reason), _text(entry.remedy))


def _last_code():
    """The stable code of this thread's last call, or None."""
    return _text(_library().virCprGetLastErrorCode())


def _last_error_fields():
    """The error of this thread's last call, as libvirt.libvirtError has it."""
    error = _library().virCprGetLastError()
    if not error:
        return (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_NONE, "no error was reported",
                libvirt.VIR_ERR_ERROR, None, None, None, 0, 0)
    told = error.contents
    return (told.code, told.domain, _text(told.message), told.level, _text(told.str1),
            _text(told.str2), _text(told.str3), told.int1, told.int2)


def _last_error(job=None):
    """The exception for this thread's last call."""
    fields, code = _last_error_fields(), _last_code()
    if code is None:
        error = libvirt.libvirtError(fields[2])
        error.args = (fields[2],)
        error.err = fields
        return error
    return _ERRORS.get(code, CprError)(code, fields, job)


# -- callbacks -------------------------------------------------------------------------------------

class _Call:
    """A callback of Python's that C knows by a number."""

    calls = {}
    keys = itertools.count(1)
    lock = threading.Condition()

    def __init__(self, domain, callback, opaque):
        self.domain, self.callback, self.opaque = domain, callback, opaque
        self.key = next(self.keys)
        self.job = None
        self.raised = None

    def enter(self):
        """It may be called from now on."""
        with self.lock:
            self.calls[self.key] = self

    def leave(self):
        """It is not called any more."""
        with self.lock:
            self.calls.pop(self.key, None)
            self.lock.notify_all()

    def __enter__(self):
        self.enter()

    def __exit__(self, *_):
        self.leave()

    def tell(self, job):
        """A change of the job."""
        self.job = job
        if self.callback:
            self.callback(self.domain, job, self.opaque)

    def last_job(self, status):
        """The last report, if it is the final one."""
        return self.job if status >= 0 else None


@_JOB_CALLBACK
def _ON_JOB(_domain, status, params, count, key):  # pylint: disable=invalid-name
    """A change that wait() sees."""
    call = _Call.calls[key]
    try:
        call.tell(JobInfo(status, _values_of(params, count)))
    except BaseException as error:  # pylint: disable=broad-except
        call.raised = call.raised or error


@_JOB_CALLBACK
def _ON_EVENT(_domain, status, params, count, key):  # pylint: disable=invalid-name
    """A change that a registration sees."""
    _Call.calls[key].tell(JobInfo(status, _values_of(params, count)))


@_FREE_CALLBACK
def _ON_FREE(key):  # pylint: disable=invalid-name
    """The end of a registration."""
    _Call.calls[key].leave()


_registered = []
_SECONDS_AT_EXIT = 2


@atexit.register
def _deregister_all():
    """Threads of the library must not come back to an interpreter that has ended."""
    for domain, number in _registered[:]:
        try:
            deregister_event(domain, number)
        except libvirt.libvirtError:
            pass
    with _Call.lock:
        _Call.lock.wait_for(lambda: not _Call.calls, _SECONDS_AT_EXIT)
