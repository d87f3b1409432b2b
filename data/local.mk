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

# The playbook, and the role as Ansible wants it laid out beside.
ansibledir = $(pkgdatadir)/ansible
ansibleroledir = $(ansibledir)/roles/libvirt_cpr_update
ansibledefaultsdir = $(ansibleroledir)/defaults
ansiblelibrarydir = $(ansibleroledir)/library
ansiblemetadir = $(ansibleroledir)/meta
ansibleutilsdir = $(ansibleroledir)/module_utils
ansibletasksdir = $(ansibleroledir)/tasks
ANSIBLE_ROLE = data/ansible/roles/libvirt_cpr_update
dist_ansible_DATA = data/ansible/update-vmm.yml
dist_ansibledefaults_DATA = $(ANSIBLE_ROLE)/defaults/main.yml
dist_ansiblelibrary_DATA = $(ANSIBLE_ROLE)/library/libvirt_cpr_host_info.py \
	$(ANSIBLE_ROLE)/library/libvirt_cpr_update_domains.py
dist_ansiblemeta_DATA = $(ANSIBLE_ROLE)/meta/argument_specs.yml $(ANSIBLE_ROLE)/meta/main.yml
dist_ansibleutils_DATA = $(ANSIBLE_ROLE)/module_utils/libvirt_cpr_host.py
dist_ansibletasks_DATA = \
	$(ANSIBLE_ROLE)/tasks/after.yml \
	$(ANSIBLE_ROLE)/tasks/batch.yml \
	$(ANSIBLE_ROLE)/tasks/before.yml \
	$(ANSIBLE_ROLE)/tasks/emulators.yml \
	$(ANSIBLE_ROLE)/tasks/host.yml \
	$(ANSIBLE_ROLE)/tasks/look.yml \
	$(ANSIBLE_ROLE)/tasks/main.yml \
	$(ANSIBLE_ROLE)/tasks/openstack_job.yml \
	$(ANSIBLE_ROLE)/tasks/openstack_service.yml \
	$(ANSIBLE_ROLE)/tasks/package.yml \
	$(ANSIBLE_ROLE)/tasks/record.yml \
	$(ANSIBLE_ROLE)/tasks/via_libvirt.yml \
	$(ANSIBLE_ROLE)/tasks/via_openstack.yml
ANSIBLE_FOLDERS = $(ansibledefaultsdir) $(ansiblelibrarydir) $(ansiblemetadir) $(ansibleutilsdir) \
	$(ansibletasksdir) $(ansibleroledir) $(ansibledir)/roles $(ansibledir)

# What is left of its own folders is an administrator's, as is a changed emulators.conf.
OWN_FOLDERS = $(novaoscdir) $(novadir) $(novainfodir) $(novadatadir) $(examplesdir) $(docdir) $(schemasdir) $(ANSIBLE_FOLDERS) \
	$(pkgdatadir) $(sysconfdir)/libvirt-cpr \
	$(apparmordir) $(pkglibexecdir) $(libvirt_cpr_includedir)
uninstall-hook:
	for folder in $(OWN_FOLDERS); do rmdir "$(DESTDIR)$$folder" 2>/dev/null || :; done

# Before anything is removed. (Automake would take a target that it knows for one of ours instead.)
FIRST_OF_UNINSTALL = uninstall-recursive
$(FIRST_OF_UNINSTALL): require-unused
require-unused: data/check-unused
	@data/check-unused '$(DESTDIR)'
.PHONY: require-unused
