#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that what a user meets is documented: commands, options, devices, error codes, functions.

Each check takes names from the sources and looks them up in the page that has to have them.
"""
import importlib.util
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = TOP / "docs/manpages"


def read(path):
    return (TOP / path).read_text()


def names_in(pattern, *globs):
    """What the group of `pattern` matches in the files of `globs`; at least one, or it has rotted."""
    files = sorted(file for glob in globs for file in TOP.glob(glob))
    found = {name for file in files for name in re.findall(pattern, file.read_text())}
    assert found, f"nothing matches {pattern} in {globs}: adapt {__file__}"
    return found


def documented_names(page, heading):
    """The names in the first column of the table under a heading."""
    section = read(f"docs/{page}").split(heading + "\n")[1].split("\n# ")[0]
    return set(re.findall(r"\n\| `([\w-]+)` \|", section))


def missing_options(page, names, form=r"\*-{{1,2}}{}\*"):
    text = read(f"docs/manpages/{page}.rst")
    for name in sorted(names):
        if not re.search(form.format(re.escape(name)), text):
            yield f"{page}.rst: option {name} is not documented"


def check_options():
    getopt = r'\boption\{"([\w-]+)"'
    yield from missing_options("virt-update-in-place",
                               names_in(getopt, "src/tools/virt_update_in_place.cc"))
    yield from missing_options("cpr-inspect", names_in(getopt, "src/tools/cpr_inspect.cc"))
    # virsh's own manual has the others; these touch update-in-place.
    yield from missing_options("virsh-update-in-place",
                               names_in(getopt, "src/tools/virsh_arguments.cc") -
                               {"help", "version", "no-pkttyagent"})
    words = names_in(r'\bOption\{"([\w-]+)"', "src/tools/update_words.cc")
    yield from missing_options("virsh-update-in-place", words - {"help"}, r"\*(--)?{}\*")
    yield from missing_options("virt-cpr-controller",
                               names_in(r'k\w+Option = "([\w-]+)"', "src/controller/launch.h"))
    yield from missing_options("virt-cpr-emulators",
                               names_in(r'command == "-+([\w-]+)"',
                                        "src/controller/emulators_tool.cc"))
    yield from missing_options("cpr-vmm",
                               names_in(r'\n    \{"([\w-]+)", "[^"]*",\s*"',
                                        "src/vmm/monitor/options_*.cc"))


def check_commands():
    """The QMP commands and events that are not QEMU's, and the sub-commands of tools."""
    protocol = read("docs/protocol.md")
    ours = (names_in(r'\{\s*"((?:query-)?cpr(?:-\w+)*)",', "src/vmm/monitor/*_commands.cc") |
            names_in(r'"((?:\w+-)?update-in-place(?:-\w+)?|UPDATE_IN_PLACE)"', "src/controller/*.cc"))
    for name in sorted(ours):
        if not re.search(rf"^###? .*`{name}`", protocol, re.MULTILINE):
            yield f"protocol.md: {name} has no section"
    page = read("docs/manpages/virt-cpr-emulators.rst")
    for name in sorted(names_in(r'command == "(\w+)" &&', "src/controller/emulators_tool.cc")):
        if f"\n{name}\n---" not in page:
            yield f"virt-cpr-emulators.rst: {name} has no section"


def check_devices():
    page = read("docs/manpages/cpr-vmm.rst")
    for name in sorted(names_in(r'\.driver = "([\w-]+)"', "src/vmm/**/*.cc")):
        if f"``{name}``" not in page:
            yield f"cpr-vmm.rst: device {name} is not documented"


def check_error_codes():
    documented = documented_names("errors.md", "# Error codes")
    used = names_in(r'ErrorCode::k\w+, "([\w-]+)"', "src/base/error.cc")
    used |= names_in(r'CodePair\{"([\w-]+)"', "src/client/call_error.cc")
    used |= names_in(r'CallError\(\s*"([\w-]+)"', "src/client/*.cc", "src/client/*.h")
    for name in sorted(documented ^ used):
        yield f"errors.md: {name} " + ("is used nowhere" if name in documented
                                       else "is not documented")


def check_blockers():
    documented = documented_names("errors.md", "# Blockers")
    used = names_in(r'(?:[bB]lockers_?\.add|found\.push_back)\(\s*\{\s*"([\w-]+)"',
                    "src/vmm/**/*.cc")
    used |= names_in(r'\bBlocker\{\s*"([\w-]+)"', "src/controller/*.cc")
    used |= names_in(r'k\w+Blocker = "([\w-]+)"', "src/controller/qemu/blocker.h")
    for name in sorted(documented ^ used):
        yield f"errors.md: blocker {name} " + ("is used nowhere" if name in documented
                                               else "is not documented")


def check_what_is_watched():
    """Metrics, and the ids of the journal's lines."""
    guide = read("docs/observability.md")
    manual = read("docs/manpages/virt-update-in-place.rst")
    for name in sorted(names_in(r'"(libvirt_cpr_\w+)"', "src/tools/metrics.cc")):
        if f"\n| `{name}` |" not in guide:
            yield f"observability.md: metric {name} is not documented"
        if f"``{name}``" not in manual and name != "libvirt_cpr_info":
            yield f"virt-update-in-place.rst: metric {name} is not documented"
    for name in sorted(names_in(r'k\w+Id = "(\w{32})"', "src/controller/job_log.cc")):
        if name not in guide:
            yield f"observability.md: message id {name} is not documented"


def check_functions():
    source = read("src/client/libvirt_cpr.cc") + read("src/client/libvirt_cpr_domain.cc")
    for name in sorted(names_in(r"\b(vir(?:Domain)?Cpr\w+)\(", "include/libvirt-cpr/*.h")):
        if f"\n * {name}:\n" not in source:
            yield f"src/client: {name} has no description"


def flattened(value, name=""):
    """The names of typed parameters for a JSON value, by the rule of the header."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flattened(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        yield f"{name}.count"
        for member in value:
            yield from (re.sub(rf"^{re.escape(name)}\.0\.", f"{name}.N.", below)
                        for below in flattened(member, f"{name}.0"))
    else:
        yield name


def check_job_fields():
    """The header names all that the protocol tells of a job, and nothing else."""
    text = read("docs/protocol.md").split("### `query-update-in-place`")[1]
    told = set(flattened(json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))))
    told |= {"vmm-pid", "rehearsal.skipped"}  # stand in the text below it
    pairs = dict(re.findall(r'#define VIR_DOMAIN_CPR_JOB_FIELD_(\w+) "([^"]+)"',
                            read("include/libvirt-cpr/libvirt-cpr.h")))
    named = {value for name, value in pairs.items()
             if not name.endswith("_PREFIX") and "_SUFFIX_" not in name}
    for name, suffix in pairs.items():
        if "_SUFFIX_" in name:
            named.add(pairs[name.split("_SUFFIX_")[0] + "_PREFIX"] + "N" + suffix)
    for name in sorted(told ^ named):
        yield f"libvirt-cpr.h: job field {name} " + (
            "has no name" if name in told else "is not in protocol.md")


def check_programs_have_pages():
    programs = names_in(r"(?:bin|pkglibexec)_PROGRAMS \+= (.+)", "src/*/local.mk", "src/*/*/local.mk")
    made = names_in(r"docs/manpages/(\S+)\.\d\b", "docs/local.mk")
    for name in sorted({name for line in programs for name in line.split()}):
        page = {"src/tools/virsh": "virsh-update-in-place"}.get(name, name)
        if page not in made or not (PAGES / f"{page}.rst").exists():
            yield f"{name}: there is no page {page}.rst, or docs/local.mk does not make it"
    for page in sorted({file.stem for file in PAGES.glob("*.rst")} - made):
        yield f"{page}.rst: docs/local.mk does not make it"


def check_layers_are_described():
    spec = importlib.util.spec_from_file_location("layers", TOP / "tests/scripts/check_layers.py")
    layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layers)
    described = {}
    for layer, uses in re.findall(r"\n\| `src/(\w+)/` \|[^|\n]*\| ([^|\n]*) \|",
                                  read("ARCHITECTURE.md")):
        described[layer] = set(re.findall(r"`(\w+)`", uses))
    for layer in sorted(layers.ALLOWED.keys() | described.keys()):
        if layers.ALLOWED.get(layer) != described.get(layer):
            yield f"ARCHITECTURE.md: what {layer} may use differs from tests/scripts/check_layers.py"


def anchors(page):
    """What a page's headings are called in links, as GitHub and its like make it."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_role_variables():
    """Those of the Ansible role: a default, a type, a place in the guide."""
    role = "data/ansible/roles/libvirt_cpr_update"
    defaults = names_in(r"(?m)^(libvirt_cpr_update_\w+):", f"{role}/defaults/main.yml")
    typed = names_in(r"(?m)^ +(libvirt_cpr_update_\w+): \{type:", f"{role}/meta/argument_specs.yml")
    of_play = names_in(r"(libvirt_cpr_update_\w+) \| default\(", "data/ansible/update-vmm.yml")
    documented = set(re.findall(r"\n\| `(libvirt_cpr_update_\w+)` \|", read("docs/fleet.md")))
    for name in sorted(defaults ^ typed):
        yield f"{role}: {name} is not in both defaults/main.yml and meta/argument_specs.yml"
    for name in sorted((defaults | of_play) ^ documented):
        yield f"fleet.md: {name} " + ("is no variable" if name in documented else "is not documented")


def check_paths_exist():
    """Links, and paths of this tree in code type, lead somewhere."""
    for page in sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("tests/**/*.md")]):
        text = page.read_text()
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text):
            target = page.parent / link if link else page
            if not target.exists():
                yield f"{page.name}: the link to {link} leads nowhere"
            elif anchor and anchor not in anchors(target):
                yield f"{page.name}: {link or page.name} has no heading for #{anchor}"
        for path in re.findall(r"`((?:src|tests|docs|include|scripts|po|xml)/[\w./-]*)`", text):
            if not any((TOP / (path + suffix)).exists() for suffix in ("", ".h")):
                yield f"{page.name}: there is no {path}"


CHECKS = (check_options, check_commands, check_devices, check_error_codes, check_blockers,
          check_what_is_watched, check_functions, check_job_fields, check_programs_have_pages,
          check_layers_are_described, check_role_variables, check_paths_exist)


def main():
    problems = [problem for check in CHECKS for problem in check()]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
