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
