# SPDX-License-Identifier: LGPL-2.1-or-later
NOVA_TESTS = tests/nova/agent_test.py tests/nova/api_test.py tests/nova/documentation_test.py \
	tests/nova/domains_test.py tests/nova/engine_test.py tests/nova/nova_client_test.py tests/nova/osc_test.py \
	tests/nova/recovery_test.py
TESTS += $(NOVA_TESTS)
dist_check_SCRIPTS += $(NOVA_TESTS)
EXTRA_DIST += tests/nova/engine.py tests/nova/record_answers.py tests/nova/recording.py tests/nova/scenes.py \
	tests/nova/support.py tests/nova/world.py \
	$(addprefix tests/nova/recordings/nova-31/, gone.json hypervisors.json lock.json metadata.json names.json \
		refused.json service.json tags.json)
