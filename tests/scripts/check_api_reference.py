#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that docs/api-reference.md is what the header, the library and the Python module say.

With --write it makes the page anew.
"""
import ast
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/api-reference.md"
HEADER = TOP / "include/libvirt-cpr/libvirt-cpr.h"
SOURCES = [TOP / "src/client" / name for name in ("libvirt_cpr.cc", "libvirt_cpr_domain.cc")]
MODULE = TOP / "src/python/libvirt_cpr.py"

COMMENT = re.compile(r"/\*\*\n \* (\w+):\n(.*?)\n \*/\n", re.DOTALL)

HEAD = """# API reference

Made of the comments in `include/libvirt-cpr/libvirt-cpr.h`, `src/client/libvirt_cpr.cc`, `src/client/libvirt_cpr_domain.cc` and `src/python/libvirt_cpr.py`
by `tests/scripts/check_api_reference.py --write`. [Using the API](api.md) is the place to begin.

Include `<libvirt-cpr/libvirt-cpr.h>`; flags for compiler and linker: `pkg-config --cflags --libs libvirt-cpr`.

"""


class Problem(Exception):
    """Something is not described as it has to be."""


def comments(path):
    """Name, text and what follows, of each comment that describes something."""
    text = path.read_text()
    for match in COMMENT.finditer(text):
        lines = [re.sub(r"^ \* ?", "", line) for line in match.group(2).split("\n")]
        yield match.group(1), lines, text[match.end():]


def described(name, lines):
    """Parameters and paragraphs of a comment; checks that it says since when."""
    parameters, rest = [], lines
    while rest and (found := re.match(r"@(\w+): (.*)", rest[0])):
        parameters.append([found.group(1), found.group(2)])
        rest = rest[1:]
        while rest and rest[0].startswith(" "):
            parameters[-1][1] += " " + rest[0].strip()
            rest = rest[1:]
    text = "\n".join(rest).strip("\n")
    if not re.search(r"^Since: \d+\.\d+\.\d+$", text, re.MULTILINE):
        raise Problem(f"{name}: the description does not say since when it is there")
    return parameters, text


def declaration_of(name, after, functions):
    """What the header declares by that name."""
    if name in functions:
        return functions[name]
    if after.startswith("#define"):
        return after.split("\n")[0]
    return after[:re.search(r"^(\}.*;|typedef[^{;]*;)$", after, re.MULTILINE).end()] if not (
        after.startswith("typedef struct")) else after[:after.index("};\n") + 2]


def section(name, lines, after, functions):
    """The section of something that has a comment."""
    parameters, text = described(name, lines)
    declaration = declaration_of(name, after, functions)
    if name in functions:
        names = re.findall(r"(\w+)(?=,|\)$)", re.sub(r"\s+", " ", declaration.split("(", 1)[1])
                           .removesuffix(";"))
        names = [parameter for parameter in names if parameter != "void"]
        if names != [parameter for parameter, _ in parameters]:
            raise Problem(f"{name}: its parameters are {names}, described are "
                          f"{[parameter for parameter, _ in parameters]}")
        if not declaration.startswith("void") and not re.search("^Returns ", text, re.MULTILINE):
            raise Problem(f"{name}: the description does not say what it returns")
    yield f"### {name}\n\n```c\n{declaration}\n```\n"
    if parameters:
        yield "\n".join(f"- `{parameter}`: " + re.sub(r"@(\w+)", r"`\1`", what)
                        for parameter, what in parameters) + "\n"
    if text:
        yield re.sub(r"@(\w+)", r"`\1`", text) + "\n"


def constant_table(entries):
    """The constants of one kind, a row each."""
    yield "| name | value | meaning |\n|---|---|---|"
    for name, lines, after in entries:
        _, text = described(name, lines)
        value = re.match(r'#define \w+ ("[^"]*")', after).group(1)
        meaning = " ".join(text.split("\n\nSince:")[0].split())
        yield f"| `{name}` | `{value}` | {meaning} |"
    yield ""


def c_part():
    """The C API."""
    header = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    functions = {match.group(1): " ".join(match.group(0).split()) for match in re.finditer(
        r"^(?!typedef)[\w *]+?\b(vir\w+)\([^)]*\);", header, re.MULTILINE)}
    functions = {name: re.sub(r"\s+\*", " *", text) for name, text in functions.items()}
    in_header = list(comments(HEADER))
    in_source = [comment for source in SOURCES for comment in comments(source)]
    missing = functions.keys() - {name for name, _, _ in in_source}
    if missing:
        raise Problem(f"no description: {', '.join(sorted(missing))}")
    defined = set(re.findall(r"#define (VIR_\w+) ", header))
    missing = defined - {name for name, _, _ in in_header}
    if missing:
        raise Problem(f"no description: {', '.join(sorted(missing))}")
    yield "## Functions\n"
    for name, lines, after in in_source:
        yield from section(name, lines, after, functions)
    yield "## Types\n"
    for name, lines, after in in_header:
        if name not in defined:
            yield from section(name, lines, after, functions)
    for title, prefix in (("Parameters of updates and checks", "VIR_DOMAIN_CPR_PARAM_"),
                          ("Modes", "VIR_DOMAIN_CPR_MODE_"),
                          ("What is told of a job", "VIR_DOMAIN_CPR_JOB_FIELD_"),
                          ("A domain's policy", "VIR_DOMAIN_CPR_POLICY_")):
        yield f"## {title}\n"
        yield from constant_table([entry for entry in in_header if entry[0].startswith(prefix)])


def python_part():
    """The Python module: what is public has a docstring."""
    tree = ast.parse(MODULE.read_text())
    yield f"## Python: libvirt_cpr\n\n{ast.get_docstring(tree)}\n"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            if not text:
                raise Problem(f"{node.name}: no docstring")
            if isinstance(node, ast.FunctionDef):
                yield f"### {node.name}({ast.unparse(node.args)})\n\n```\n{text}\n```\n"
                continue
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            yield f"### class {node.name}" + (f"({bases})" if bases else "") + f"\n\n{text}\n"
            rows = [f"- `{member.name}`: {ast.get_docstring(member)}" for member in node.body
                    if isinstance(member, ast.FunctionDef) and any(
                        isinstance(mark, ast.Name) and mark.id == "property"
                        for mark in member.decorator_list)]
            if rows:
                yield "\n".join(rows) + "\n"


def main():
    try:
        page = HEAD + "\n".join([*c_part(), *python_part()])
    except Problem as problem:
        print(problem)
        return 1
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        print(f"docs/api-reference.md is out of date: run {sys.argv[0]} --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
