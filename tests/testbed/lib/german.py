# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in German: what is said, and that nothing of it is English."""

# LANGUAGE does not count in the locales C and C.UTF-8.
LOCALE = "en_US.UTF-8"
ENVIRONMENT = ("env", f"LC_ALL={LOCALE}", "LANGUAGE=de")
# Words that a German sentence does not have.
ENGLISH = (" the ", " is ", " not ", " cannot ", " update ", "error", "Failed", "failed")


def set_up(l1):
    """Make the locale; once a machine."""
    l1.run("localedef", "-i", "en_US", "-f", "UTF-8", LOCALE, timeout=120)


def require_german(l1, what, *arguments, status=1, parts=()):
    """The command speaks German, and nothing else; returns what it says."""
    result = l1.run(*ENVIRONMENT, *arguments, check=False, timeout=90)
    said = result.stdout + result.stderr
    l1.require(result.returncode == status, f"{what}: status {result.returncode}: {said}")
    english = [word for word in ENGLISH if word in f" {said} "]
    l1.require(not english, f"{what}: not German: {english} in {said}")
    lacking = [part for part in parts if part not in said]
    l1.require(not lacking, f"{what}: {lacking} is not in {said}")
    return said
