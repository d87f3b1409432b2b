# SPDX-License-Identifier: LGPL-2.1-or-later
# By ctypes, so there is nothing to build and one file serves every version of Python.
pythonmoduledir = @PYTHON_DIR@
dist_pythonmodule_DATA = src/python/libvirt_cpr.py
