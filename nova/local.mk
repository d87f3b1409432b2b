# SPDX-License-Identifier: LGPL-2.1-or-later
# The agent of a compute host and the plugin of the `openstack` command. Pure Python: nothing is built but what names folders.
novadir = $(pythonmoduledir)/libvirt_cpr_nova
dist_nova_DATA = \
	nova/libvirt_cpr_nova/__init__.py nova/libvirt_cpr_nova/access.py nova/libvirt_cpr_nova/agent.py \
	nova/libvirt_cpr_nova/config.py nova/libvirt_cpr_nova/domains.py nova/libvirt_cpr_nova/errors.py \
	nova/libvirt_cpr_nova/http_api.py nova/libvirt_cpr_nova/jobs.py nova/libvirt_cpr_nova/journal.py \
	nova/libvirt_cpr_nova/notifications.py nova/libvirt_cpr_nova/nova_client.py \
	nova/libvirt_cpr_nova/results.py nova/libvirt_cpr_nova/retry.py nova/libvirt_cpr_nova/sweep.py \
	nova/libvirt_cpr_nova/unanswered.py nova/libvirt_cpr_nova/updater.py nova/libvirt_cpr_nova/worker.py
novaoscdir = $(novadir)/osc
dist_novaosc_DATA = \
	nova/libvirt_cpr_nova/osc/__init__.py nova/libvirt_cpr_nova/osc/agent_client.py \
	nova/libvirt_cpr_nova/osc/compute_vmm.py nova/libvirt_cpr_nova/osc/plugin.py \
	nova/libvirt_cpr_nova/osc/server_vmm.py nova/libvirt_cpr_nova/osc/tables.py nova/libvirt_cpr_nova/osc/vmm_job.py

# By its entry points the `openstack` command finds the plugin.
novainfodir = $(pythonmoduledir)/libvirt_cpr_nova-$(PACKAGE_VERSION).dist-info
nodist_novainfo_DATA = nova/data/METADATA
dist_novainfo_DATA = nova/data/entry_points.txt

novadatadir = $(datadir)/libvirt-cpr-nova
dist_novadata_DATA = nova/data/provider-libvirt-cpr.yaml
# Passwords are written into it.
novaconfdir = $(sysconfdir)/libvirt-cpr
install-data-hook: install-nova-conf
install-nova-conf:
	$(MKDIR_P) '$(DESTDIR)$(novaconfdir)'
	test -e '$(DESTDIR)$(novaconfdir)/libvirt-cpr-nova-agent.conf' || \
		$(INSTALL) -m 600 $(srcdir)/nova/data/libvirt-cpr-nova-agent.conf '$(DESTDIR)$(novaconfdir)'
uninstall-local: uninstall-nova-conf
uninstall-nova-conf:
	cmp -s $(srcdir)/nova/data/libvirt-cpr-nova-agent.conf '$(DESTDIR)$(novaconfdir)/libvirt-cpr-nova-agent.conf' && \
		rm -f '$(DESTDIR)$(novaconfdir)/libvirt-cpr-nova-agent.conf' || :
.PHONY: install-nova-conf uninstall-nova-conf

systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = nova/data/libvirt-cpr-nova-agent.service
bin_SCRIPTS = nova/data/libvirt-cpr-nova-agent
NOVA_MADE = nova/data/METADATA nova/data/libvirt-cpr-nova-agent nova/data/libvirt-cpr-nova-agent.service
CLEANFILES += $(NOVA_MADE)
EXTRA_DIST += nova/data/METADATA.in nova/data/libvirt-cpr-nova-agent.in nova/data/libvirt-cpr-nova-agent.service.in \
	nova/data/libvirt-cpr-nova-agent.conf

NAME_NOVA = $(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@PYTHON3[@]|$(PYTHON3)|g' \
		-e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|g' $< >$@.tmp
nova/data/METADATA: nova/data/METADATA.in Makefile
	$(NAME_NOVA) && mv $@.tmp $@
nova/data/libvirt-cpr-nova-agent: nova/data/libvirt-cpr-nova-agent.in Makefile
	$(NAME_NOVA) && chmod +x $@.tmp && mv $@.tmp $@
nova/data/libvirt-cpr-nova-agent.service: nova/data/libvirt-cpr-nova-agent.service.in Makefile
	$(NAME_NOVA) && mv $@.tmp $@
