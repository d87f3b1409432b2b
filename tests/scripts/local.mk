# SPDX-License-Identifier: LGPL-2.1-or-later
# Checks of the sources, and of what is built from them. Each can also be run by hand, as it is.
TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON3)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	export CPR_BUILDDIR='$(abs_top_builddir)' CPR_CLANG_FORMAT='$(CLANG_FORMAT)' \
	PYTHONDONTWRITEBYTECODE=1;

SOURCE_CHECKS = \
	tests/scripts/check_apparmor.py \
	tests/scripts/check_api_reference.py \
	tests/scripts/check_commands.py \
	tests/scripts/check_documentation.py \
	tests/scripts/check_format.sh \
	tests/scripts/check_layers.py \
	tests/scripts/check_potfiles.py \
	tests/scripts/check_screens.py \
	tests/scripts/check_source_size.py \
	tests/scripts/check_symbols.py \
	tests/scripts/check_translations.py \
	tests/scripts/check_uninstall.py \
	tests/scripts/check_untranslated.py
dist_check_SCRIPTS += $(SOURCE_CHECKS)
TESTS += $(SOURCE_CHECKS)
EXTRA_DIST += tests/scripts/translatable.py
EXTRA_DIST += .clang-format .clang-tidy .ci/run scripts/check scripts/lint

check_PROGRAMS += tests/client_header_c99
TESTS += tests/client_header_c99
tests_client_header_c99_SOURCES = tests/client_header_c99.c
tests_client_header_c99_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_client_header_c99_CFLAGS = -std=c99 -pedantic-errors -Wall -Wextra -Werror
tests_client_header_c99_LDADD = liblibvirt-cpr.la
