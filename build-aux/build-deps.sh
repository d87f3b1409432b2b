#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what building (and, with "test", checking) the project needs, from the host's own Debian release.
# Does nothing if all is there; without root it only names what is missing.
set -eu

build="autoconf autoconf-archive automake autopoint g++ gettext libfmt-dev libglib2.0-dev
libgmock-dev libgtest-dev libreadline-dev libseccomp-dev libtool libvirt-dev libxml2-dev make nlohmann-json3-dev
pkg-config python3 python3-docutils xz-utils zlib1g-dev"
test="acpica-tools apparmor bash-completion clang-14 clang-format libclang-rt-14-dev libvirt-clients
libxml2-utils llvm-14 python3-cheroot python3-keystonemiddleware python3-libvirt python3-openstackclient
python3-oslo.log python3-oslo.messaging python3-oslo.policy python3-requests-mock"

wanted=$build
[ "${1:-}" != test ] || wanted="$wanted $test"
missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "missing packages, as root: apt-get install$missing" >&2
  exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq -y --no-install-recommends install $missing >/dev/null
