# SPDX-License-Identifier: LGPL-2.1-or-later
MANUAL_PAGES = \
	docs/manpages/cpr-inspect.1 \
	docs/manpages/openstack-compute-vmm.1 \
	docs/manpages/virsh-update-in-place.1 \
	docs/manpages/virt-update-in-place.1 \
	docs/manpages/emulators.conf.5 \
	docs/manpages/libvirt-cpr-nova-agent.conf.5 \
	docs/manpages/cpr-vmm.8 \
	docs/manpages/libvirt-cpr-nova-agent.8 \
	docs/manpages/virt-cpr-controller.8 \
	docs/manpages/virt-cpr-emulator.8 \
	docs/manpages/virt-cpr-emulators.8 \
	docs/manpages/virt-cpr-qemu-exec.8
man_MANS += $(MANUAL_PAGES)
CLEANFILES += $(MANUAL_PAGES)

EXTRA_DIST += \
	ARCHITECTURE.md CONTRIBUTING.md NEWS \
	docs/api.md docs/api-reference.md docs/errors.md docs/installation.md docs/metadata.md \
	docs/protocol.md docs/qemu.md docs/state-format.md \
	docs/fleet.md docs/nova-spec.rst docs/observability.md docs/openstack.md docs/refusals.md docs/security.md docs/troubleshooting.md docs/update-a-host.md docs/what-is-kept.md \
	docs/what-libvirt-shows.md \
	docs/screens/refusal.txt docs/screens/rollback.txt docs/screens/update.txt \
	docs/manpages/cpr-inspect.rst \
	docs/manpages/cpr-vmm.rst \
	docs/manpages/emulators.conf.rst \
	docs/manpages/libvirt-cpr-nova-agent.rst \
	docs/manpages/libvirt-cpr-nova-agent.conf.rst \
	docs/manpages/openstack-compute-vmm.rst \
	docs/manpages/virsh-update-in-place.rst \
	docs/manpages/virt-cpr-controller.rst \
	docs/manpages/virt-cpr-emulator.rst \
	docs/manpages/virt-cpr-emulators.rst \
	docs/manpages/virt-cpr-qemu-exec.rst \
	docs/manpages/virt-update-in-place.rst

# The pages name the folders of this very installation.
MAKE_MANUAL_PAGE = $(AM_V_GEN)$(MKDIR_P) docs/manpages && \
	sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' -e 's|@datadir[@]|$(datadir)|g' $< | \
	$(RST2MAN) --halt=warning - $@.tmp && mv $@.tmp $@

docs/manpages/%.1: docs/manpages/%.rst Makefile
	$(MAKE_MANUAL_PAGE)
docs/manpages/%.5: docs/manpages/%.rst Makefile
	$(MAKE_MANUAL_PAGE)
docs/manpages/%.8: docs/manpages/%.rst Makefile
	$(MAKE_MANUAL_PAGE)
