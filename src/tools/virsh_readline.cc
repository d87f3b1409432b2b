// SPDX-License-Identifier: LGPL-2.1-or-later
// Loaded into the stock virsh by the front end (LD_PRELOAD) for the interactive mode, where it
// stands between virsh and readline: so the session, its connection included, is the stock one's.
#include <dlfcn.h>
#include <getopt.h>
#include <readline/readline.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tools/interactive_line.h"
#include "tools/update_request.h"
#include "tools/virsh_session.h"

namespace cpr::tools {

namespace {

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The front end is beside this file.
std::string front_end_path() {
    Dl_info info{};
    dladdr(reinterpret_cast<const void*>(&front_end_path), &info);
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/') + 1) + "virsh";
}

// readline's functions have no context of their own, so this is the process's one state.
struct Hook {
    std::unique_ptr<VirshSession> session;
    bool has_history = false;  // of the part that virsh was given last
    rl_completion_func_t* stock_completion = nullptr;
};

Hook& hook() {
    static Hook the_hook;
    return the_hook;
}

// Before virsh's main, so that no program that virsh starts gets this file as well.
__attribute__((constructor)) void begin(int argc, char** argv, char**) {
    const std::string all = std::getenv("LD_PRELOAD") ? std::getenv("LD_PRELOAD") : "";
    const std::size_t colon = all.find(':');
    if (colon == std::string::npos) {
        unsetenv("LD_PRELOAD");
    } else {
        setenv("LD_PRELOAD", all.substr(colon + 1).c_str(), 1);
    }
    hook().session = std::make_unique<VirshSession>(front_end_path(),
                                                    std::vector<std::string>(argv, argv + argc));
    // virsh reads its command line after us: getopt is to begin anew.
    optind = 0;
    opterr = 1;
}

// readline takes a list whose first entry is what all others begin with.
char** match_list(Words words) {
    if (words.empty()) {
        return nullptr;
    }
    std::string common = words[0];
    for (const std::string& word : words) {
        const auto end = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
        common.erase(end.first, common.end());
    }
    if (words.size() > 1) {
        words.insert(words.begin(), common);
    }
    auto** list = static_cast<char**>(std::calloc(words.size() + 1, sizeof(char*)));
    for (std::size_t i = 0; list && i < words.size(); ++i) {
        list[i] = strdup(words[i].c_str());
    }
    return list;
}

// Takes the list's ownership.
Words words_of(char** list) {
    Words words;
    for (char** at = list; at && *at; ++at) {
        words.emplace_back(*at);
        std::free(*at);
    }
    std::free(list);
    if (words.size() > 1) {
        words.erase(words.begin());  // the common beginning
    }
    return words;
}

char** complete(const char* typed, int start, int end) {
    const std::string before(rl_line_buffer, static_cast<std::size_t>(start));
    const auto words = words_up_to(before, typed);
    if (words && words->size() > 1 && words->front() == kUpdateCommandName) {
        rl_attempted_completion_over = *typed != '/';
        return match_list(hook().session->completions(*words));
    }
    rl_completion_func_t* stock = hook().stock_completion;
    char** list = stock ? stock(typed, start, end) : nullptr;
    const bool begins_command = words && words->size() == 1 && *typed;
    if (!begins_command || !std::string(kUpdateCommandName).starts_with(typed)) {
        return list;
    }
    Words matches = words_of(list);
    matches.emplace_back(kUpdateCommandName);
    return match_list(std::move(matches));
}

void put_completion_in() {
    if (rl_attempted_completion_function != complete) {
        hook().stock_completion = rl_attempted_completion_function;
        rl_attempted_completion_function = complete;
    }
}

// The next line for virsh, as readline would return it.
char* next_line(const char* prompt) {
    VirshSession& session = *hook().session;
    while (true) {
        if (const auto part = session.next_for_stock()) {
            hook().has_history = true;
            return strdup(part->c_str());
        }
        char* line = next<char*(const char*)>("readline")(prompt);
        hook().has_history = false;
        if (!line) {
            return nullptr;
        }
        if (!session.take(line)) {
            session.follow(line);
            return line;
        }
        next<void(const char*)>("add_history")(line);
        std::free(line);
    }
}

}  // namespace

}  // namespace cpr::tools

extern "C" __attribute__((visibility("default"))) char* readline(const char* prompt) {
    cpr::tools::put_completion_in();
    return cpr::tools::next_line(prompt);
}

extern "C" __attribute__((visibility("default"))) void add_history(const char* line) {
    // The whole line has been added already when virsh is given a part of it.
    if (!cpr::tools::hook().has_history) {
        cpr::tools::next<void(const char*)>("add_history")(line);
    }
}
