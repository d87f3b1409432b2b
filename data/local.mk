# SPDX-License-Identifier: LGPL-2.1-or-later
# One file for all programs; bash-completion loads it by a program's name.
completionsdir = $(datadir)/bash-completion/completions
dist_completions_DATA = data/bash-completion/virt-update-in-place
COMPLETION_LINKS = virt-cpr-emulators cpr-inspect

install-data-hook: install-completion-links
install-completion-links:
	for name in $(COMPLETION_LINKS); do \
		$(LN_S) -f virt-update-in-place '$(DESTDIR)$(completionsdir)'/$$name || exit 1; \
	done
uninstall-local: uninstall-completion-links
uninstall-completion-links:
	for name in $(COMPLETION_LINKS); do rm -f '$(DESTDIR)$(completionsdir)'/$$name; done
.PHONY: install-completion-links uninstall-completion-links

# libvirt's profile of guests includes what is in this folder.
apparmordir = $(sysconfdir)/apparmor.d/abstractions/libvirt-qemu.d
apparmor_DATA = data/apparmor/libvirt-cpr
pkglibexec_SCRIPTS += data/check-unused
EXTRA_DIST += data/apparmor/libvirt-cpr.in data/check-unused.in
CLEANFILES += data/apparmor/libvirt-cpr data/check-unused
NAME_FOLDERS = $(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' $< >$@.tmp
data/apparmor/libvirt-cpr: data/apparmor/libvirt-cpr.in Makefile
	$(NAME_FOLDERS) && mv $@.tmp $@
data/check-unused: data/check-unused.in Makefile
	$(NAME_FOLDERS) && chmod +x $@.tmp && mv $@.tmp $@

# What is left of its own folders is an administrator's, as is a changed emulators.conf.
OWN_FOLDERS = $(novaoscdir) $(novadir) $(novainfodir) $(novadatadir) $(examplesdir) $(docdir) $(schemasdir) $(pkgdatadir) $(sysconfdir)/libvirt-cpr \
	$(apparmordir) $(pkglibexecdir) $(libvirt_cpr_includedir)
uninstall-hook:
	for folder in $(OWN_FOLDERS); do rmdir "$(DESTDIR)$$folder" 2>/dev/null || :; done

# Before anything is removed. (Automake would take a target that it knows for one of ours instead.)
FIRST_OF_UNINSTALL = uninstall-recursive
$(FIRST_OF_UNINSTALL): require-unused
require-unused: data/check-unused
	@data/check-unused '$(DESTDIR)'
.PHONY: require-unused
