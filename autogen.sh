#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes configure. Needs the Debian packages autoconf, automake, libtool, autopoint, autoconf-archive, pkg-config.
set -e
cd "$(dirname "$0")"
missing=
for pair in autoreconf:autoconf aclocal:automake libtoolize:libtool autopoint:autopoint pkg-config:pkg-config; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -e /usr/share/aclocal/ax_cxx_compile_stdcxx.m4 ] || missing="$missing autoconf-archive"
[ -z "$missing" ] || { echo "autogen.sh: install the Debian packages:$missing" >&2; exit 1; }
autoreconf -fi
