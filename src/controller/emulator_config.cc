// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/emulator_config.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>

#include <memory>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"

namespace cpr::controller {
namespace {

constexpr const char* kBinaryKey = "binary";
constexpr const char* kModeKey = "mode";

struct DeadlineKey {
    const char* name;
    std::chrono::milliseconds UpdateDeadlines::*value;
};
constexpr DeadlineKey kDeadlineKeys[] = {{"query-deadline", &UpdateDeadlines::query},
                                         {"info-deadline", &UpdateDeadlines::info},
                                         {"rehearsal-deadline", &UpdateDeadlines::rehearsal},
                                         {"save-deadline", &UpdateDeadlines::save},
                                         {"exec-deadline", &UpdateDeadlines::exec},
                                         {"load-deadline", &UpdateDeadlines::load},
                                         {"resume-deadline", &UpdateDeadlines::resume},
                                         {"kill-deadline", &UpdateDeadlines::kill},
                                         {"start-deadline", &UpdateDeadlines::start},
                                         {"longest-stop", &UpdateDeadlines::longest_stop}};
constexpr int kLongestDeadline = 600'000;

struct KeyFileFree {
    void operator()(GKeyFile* file) const { g_key_file_unref(file); }
};
using KeyFile = std::unique_ptr<GKeyFile, KeyFileFree>;

struct GFree {
    void operator()(void* memory) const { g_free(memory); }
};
using Text = std::unique_ptr<char, GFree>;

struct GErrorFree {
    void operator()(GError* error) const { g_error_free(error); }
};
using GErrorPtr = std::unique_ptr<GError, GErrorFree>;

// `missing`: whether a file that does not exist is as good as an empty one.
KeyFile load(const std::string& path, bool missing) {
    KeyFile file(g_key_file_new());
    GError* raw = nullptr;
    if (g_key_file_load_from_file(file.get(), path.c_str(), G_KEY_FILE_KEEP_COMMENTS, &raw))
        return file;
    const GErrorPtr error(raw);
    if (missing && g_error_matches(error.get(), G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return KeyFile(g_key_file_new());
    throw Error(ErrorCode::kSystem, "cannot read {}: {}", path, error->message);
}

UpdateDeadlines read_deadlines(GKeyFile* file, const std::string& path, const std::string& name) {
    UpdateDeadlines deadlines;
    for (const DeadlineKey& key : kDeadlineKeys) {
        if (!g_key_file_has_key(file, name.c_str(), key.name, nullptr))
            continue;
        const int value = g_key_file_get_integer(file, name.c_str(), key.name, nullptr);
        if (value < 1 || value > kLongestDeadline)
            throw Error(ErrorCode::kInvalidArgument,
                        "{}: group [{}]: '{}' must be a number of milliseconds from 1 to {}", path,
                        name, key.name, kLongestDeadline);
        deadlines.*key.value = std::chrono::milliseconds(value);
    }
    return deadlines;
}

UpdateMode read_mode(GKeyFile* file, const std::string& path, const std::string& name) {
    const Text value(g_key_file_get_string(file, name.c_str(), kModeKey, nullptr));
    if (!value)
        return UpdateMode::kTransfer;
    const auto mode = update_mode_from(value.get());
    if (!mode || *mode == UpdateMode::kAuto)
        throw Error(ErrorCode::kInvalidArgument,
                    "{}: group [{}]: '{}' must be 'transfer' or 'exec'", path, name, kModeKey);
    return *mode;
}

EmulatorEntry read_entry(GKeyFile* file, const std::string& path, const std::string& name) {
    if (!g_key_file_has_group(file, name.c_str()))
        throw Error(ErrorCode::kInvalidArgument,
                    "{} has no group [{}]: 'virt-cpr-emulators set {} BINARY' names the VMM for "
                    "this emulator program",
                    path, name, name);
    const Text value(g_key_file_get_string(file, name.c_str(), kBinaryKey, nullptr));
    if (!value || *value == '\0')
        throw Error(ErrorCode::kInvalidArgument, "{}: group [{}] has no key '{}'", path, name,
                    kBinaryKey);
    if (*value != '/')
        throw Error(ErrorCode::kInvalidArgument, "{}: group [{}]: '{}' is not an absolute path",
                    path, name, value.get());
    return {name, value.get(), read_mode(file, path, name)};
}

// Changes what the file says, in one step for its readers; one writer at a time.
template <typename Change>
void edit(const std::string& path, Change change) {
    const Text folder_name(g_path_get_dirname(path.c_str()));
    if (g_mkdir_with_parents(folder_name.get(), 0755) < 0)
        throw errno_error("make the folder '{}'", folder_name.get());
    // The folder, since the file itself is replaced.
    const UniqueFd folder = open_file(folder_name.get(), O_RDONLY | O_DIRECTORY);
    if (flock(folder.get(), LOCK_EX) < 0)
        throw errno_error("lock '{}'", folder_name.get());
    const KeyFile file = load(path, true);
    change(file.get());
    gsize size = 0;
    const Text data(g_key_file_to_data(file.get(), &size, nullptr));
    GError* raw = nullptr;
    // 0644: the emulator program runs as the user that libvirt starts VMMs as.
    if (!g_file_set_contents_full(path.c_str(), data.get(), static_cast<gssize>(size),
                                  G_FILE_SET_CONTENTS_CONSISTENT, 0644, &raw)) {
        const GErrorPtr error(raw);
        throw Error(ErrorCode::kSystem, "cannot write {}: {}", path, error->message);
    }
}

}  // namespace

std::string EmulatorConfig::default_path() {
    return SYSCONFDIR "/libvirt-cpr/emulators.conf";
}

EmulatorEntry EmulatorConfig::find(const std::string& name) const {
    const KeyFile file = load(path_, false);
    return read_entry(file.get(), path_, name);
}

// A guest that runs can be updated whatever has become of the file.
UpdateDeadlines EmulatorConfig::deadlines(const std::string& name) const {
    KeyFile file;
    try {
        file = load(path_, false);
    } catch (const Error& error) {
        log::warning("{}: the update has the default deadlines", error.message());
        return {};
    }
    return read_deadlines(file.get(), path_, name);
}

std::vector<EmulatorEntry> EmulatorConfig::list() const {
    const KeyFile file = load(path_, false);
    gchar** groups = g_key_file_get_groups(file.get(), nullptr);
    const std::unique_ptr<gchar*, decltype(&g_strfreev)> owner(groups, g_strfreev);
    std::vector<EmulatorEntry> entries;
    for (gchar** group = groups; *group; ++group)
        entries.push_back(read_entry(file.get(), path_, *group));
    return entries;
}

void EmulatorConfig::set(const EmulatorEntry& entry) const {
    edit(path_, [&](GKeyFile* file) {
        g_key_file_set_string(file, entry.name.c_str(), kBinaryKey, entry.binary.c_str());
    });
}

void EmulatorConfig::remove(const std::string& name) const {
    edit(path_, [&](GKeyFile* file) { g_key_file_remove_group(file, name.c_str(), nullptr); });
}

}  // namespace cpr::controller
