/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What most sources and tests include and what takes a compiler longest: scripts/build-sanitized
 * compiles it once. No source may rely on it: ordinary builds are without. */
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
