# SPDX-License-Identifier: LGPL-2.1-or-later
examplesdir = $(docdir)/examples
dist_examples_DATA = xml/cpr-vmm.xml xml/qemu.xml

schemasdir = $(pkgdatadir)/schemas
dist_schemas_DATA = xml/domain-metadata.rng
