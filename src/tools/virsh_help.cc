// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_help.h"

#include <sstream>

#include "base/translate.h"
#include "tools/update_words.h"

namespace cpr::tools {

namespace {

// The command before ours in the alphabet, in every virsh since 0.8.
constexpr const char* kListedBefore = "    update-device  ";

constexpr int kNameWidth = 30;  // of virsh's lists

const char* summary() {
    return _("update the virtual machine monitor of a domain in place");
}

std::string option_line(const char* option, const char* text) {
    return fmt::format("    {:<15}  {}\n", option, text);
}

// The last of `words` is the one that is being typed.
bool completes_update(const Words& words) {
    return words.size() >= 2 && words[0] == kUpdateCommandName;
}

TypedWord typed_in_update(const Words& words) {
    return typed_word({words.begin() + 1, words.end()});
}

// What the word that is being typed may become.
Words candidates(const Words& words) {
    if (words.size() == 1) {
        return words[0].empty() ? Words{} : Words{kUpdateCommandName};
    }
    if (!completes_update(words)) {
        return {};
    }
    const TypedWord typed = typed_in_update(words);
    if (typed.value_of == "mode") {
        return {"auto", "exec", "transfer"};
    }
    if (typed.value_of == "backend") {
        return {"qemu", "cpr-vmm"};
    }
    Words options;
    if (typed.is_option) {
        for (const std::string& name : update_option_names()) {
            options.push_back("--" + name);
        }
    }
    return options;
}

}  // namespace

std::string update_help() {
    std::string help = _("  NAME\n");
    help += fmt::format("    {} - {}\n", kUpdateCommandName, summary());
    help += _("\n  SYNOPSIS\n");
    help += fmt::format(
        "    {} <domain> [--emulator <string>] [--check] [--verbose] [--timeout <number>] "
        "[--max-pause <number>] [--mode <string>] [--async] [--wait] [--abort] [--info] "
        "[--json] [--enable] [--disable] [--backend <string>] [--print-xml] [--policy] "
        "[--set-policy <string>] [--history]\n",
        kUpdateCommandName);
    help += _("\n  DESCRIPTION\n");
    help +=
        _("    Replace the virtual machine monitor under a running guest, without moving the\n"
          "    guest, copying its memory or stopping its passthrough devices.\n");
    help += _("\n  OPTIONS\n");
    help += option_line(_("[--domain] <string>"), _("domain name, id or uuid"));
    help += option_line(_("--emulator <string>"),
                        _("path of the new monitor (default: what emulators.conf names)"));
    help += option_line("--check", _("only check whether the domain can be updated"));
    help += option_line("--verbose", _("show the phases, and the pause by phase"));
    help += option_line(_("--timeout <number>"), _("seconds after which an update goes back"));
    help +=
        option_line(_("--max-pause <number>"), _("milliseconds for which the guest may be paused"));
    help += option_line(_("--mode <string>"), _("auto, exec or transfer"));
    help += option_line("--async", _("only start the update"));
    help += option_line("--wait", _("wait for the update that is under way"));
    help += option_line("--abort", _("cancel the update that is under way"));
    help += option_line("--info", _("only tell of the domain's last update"));
    help += option_line("--json", _("print the update as JSON"));
    help += option_line("--enable", _("edit the domain's XML for updates"));
    help += option_line("--disable", _("put back what the XML had before --enable"));
    help += option_line(_("--backend <string>"),
                        _("what is behind the emulator program: qemu, cpr-vmm"));
    help += option_line("--print-xml", _("only print the XML that would result"));
    help += option_line("--policy", _("tell what the domain's policy for updates is"));
    help +=
        option_line(_("--set-policy <string>"),
                    _("change it: allowed=yes|no,mode=auto|exec|transfer,max-pause=<number>, or "
                      "default"));
    help += option_line("--history", _("tell of the domain's updates"));
    return help + "\n";
}

std::string with_update_listed(const std::string& listing) {
    std::string result;
    std::istringstream lines(listing);
    for (std::string line; std::getline(lines, line);) {
        result += line;
        if (!lines.eof()) {
            result += '\n';
        }
        if (line.starts_with(kListedBefore)) {
            result += fmt::format("    {:<{}} {}\n", kUpdateCommandName, kNameWidth, summary());
        }
    }
    return result;
}

std::string update_completions(const Words& words) {
    std::string result;
    for (const std::string& candidate : candidates(words)) {
        if (candidate.starts_with(words.back())) {
            result += candidate + "\n";
        }
    }
    return result;
}

Words stock_completion_words(const Words& words) {
    if (!completes_update(words)) {
        return words;
    }
    const TypedWord typed = typed_in_update(words);
    if (typed.value_of != "domain") {
        return {};
    }
    return {typed.may_be_shut_off ? "dominfo" : "suspend", words.back()};
}

}  // namespace cpr::tools
