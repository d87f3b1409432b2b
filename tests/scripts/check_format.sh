#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Checks that the C++ sources are formatted as .clang-format says. CPR_CLANG_FORMAT in the
# environment names the program.
set -e
formatter=${CPR_CLANG_FORMAT:-clang-format-14}
if ! command -v "$formatter" >/dev/null; then
  echo "skipped: clang-format is not installed (Debian package clang-format-14)"
  exit 77
fi
cd "$(dirname "$0")/../.."
find src tests \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 -n 8 -P 2 "$formatter" --dry-run -Werror
