# SPDX-License-Identifier: LGPL-2.1-or-later
NOVA_TESTS = tests/nova/agent_test.py tests/nova/api_test.py tests/nova/documentation_test.py \
	tests/nova/domains_test.py tests/nova/engine_test.py tests/nova/nova_client_test.py tests/nova/osc_test.py \
	tests/nova/recovery_test.py
TESTS += $(NOVA_TESTS)
dist_check_SCRIPTS += $(NOVA_TESTS)
EXTRA_DIST += tests/nova/engine.py tests/nova/record_answers.py tests/nova/recording.py tests/nova/scenes.py \
	tests/nova/support.py tests/nova/world.py \
	tests/nova/recordings/nova-26/gone.json tests/nova/recordings/nova-26/hypervisors.json \
	tests/nova/recordings/nova-26/lock.json tests/nova/recordings/nova-26/metadata.json \
	tests/nova/recordings/nova-26/names.json tests/nova/recordings/nova-26/refused.json \
	tests/nova/recordings/nova-26/service.json tests/nova/recordings/nova-26/tags.json \
	tests/nova/recordings/nova-31/gone.json tests/nova/recordings/nova-31/hypervisors.json \
	tests/nova/recordings/nova-31/lock.json tests/nova/recordings/nova-31/metadata.json \
	tests/nova/recordings/nova-31/names.json tests/nova/recordings/nova-31/refused.json \
	tests/nova/recordings/nova-31/service.json tests/nova/recordings/nova-31/tags.json
