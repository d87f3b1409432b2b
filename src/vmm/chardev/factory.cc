// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/factory.h"

#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "vmm/chardev/pty.h"
#include "vmm/chardev/socket.h"
#include "vmm/chardev/sockets.h"
#include "vmm/chardev/stream_chardev.h"

namespace cpr::vmm {
namespace {

constexpr std::string_view kSection = "chardevs";

class NullChardev final : public Chardev {
  public:
    using Chardev::Chardev;
    void write(std::span<const uint8_t>) override {}
    void set_receiver(Receiver) override {}
    std::string filename() const override { return "null"; }
};

class FileChardev final : public StreamChardev {
  public:
    FileChardev(const std::string& id, EventLoop& loop, UniqueFd log, UniqueFd file)
        : StreamChardev(id, loop, std::move(log)) {
        attach(std::move(file));
    }
    // A file gives no input.
    void set_receiver(Receiver) override {}
    void accept_input() override {}
    std::string filename() const override { return "file"; }
    void keep(state::OutgoingFds& fds) const override {
        StreamChardev::keep(fds);
        fds.add("chardev-" + id(), 0, stream_fd());
    }

  private:
    void on_hangup() override {}
};

class Factory {
  public:
    Factory(EventLoop& loop, const FdSets& fd_sets, Restored* restored)
        : loop_(loop), fd_sets_(fd_sets), restored_(restored) {}

    std::unique_ptr<Chardev> make(const ChardevConfig& config) {
        using Type = ChardevConfig::Type;
        Ends ends = open(config);
        // The descriptors are known by their names only.
        const bool rehearsal = restored_ && restored_->rehearsal;
        switch (rehearsal ? Type::kNull : config.type) {
            case Type::kNull:
                return std::make_unique<NullChardev>(config.id);
            case Type::kPty:
                return std::make_unique<PtyChardev>(config.id, loop_, std::move(ends.log),
                                                    std::move(ends.stream));
            case Type::kFile:
                return std::make_unique<FileChardev>(config.id, loop_, std::move(ends.log),
                                                     std::move(ends.stream));
            case Type::kSocket:
                return std::make_unique<SocketChardev>(config, loop_, std::move(ends.log),
                                                       std::move(ends.listener),
                                                       std::move(ends.stream));
            case Type::kStdio:
                break;
        }
        throw Error(ErrorCode::kInternal, "its type is unknown");
    }

  private:
    UniqueFd take(const ChardevConfig& config, std::string_view suffix) {
        return restored_->fds.take(fmt::format("chardev-{}{}", config.id, suffix));
    }
    UniqueFd take_if_there(const ChardevConfig& config, std::string_view suffix) {
        const bool there = restored_->fds.has(fmt::format("chardev-{}{}", config.id, suffix));
        return there ? take(config, suffix) : UniqueFd();
    }

    UniqueFd open_path(const std::string& path, int set, bool append) {
        if (set >= 0)
            return fd_sets_.open_for_writing(set);
        return open_file(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0666);
    }
    UniqueFd open_log(const ChardevConfig& config) {
        if (config.log_path.empty())
            return {};
        return restored_ ? take(config, "-log")
                         : open_path(config.log_path, config.log_fdset, config.log_append);
    }
    UniqueFd open_output(const ChardevConfig& config) {
        return restored_ ? take(config, "") : open_path(config.path, config.fdset, config.append);
    }

    // New, or as they were.
    struct Ends {
        UniqueFd log;
        UniqueFd listener;
        UniqueFd stream;
    };
    Ends open(const ChardevConfig& config) {
        using Type = ChardevConfig::Type;
        Ends ends;
        ends.log = open_log(config);
        switch (config.type) {
            case Type::kNull:
                break;
            case Type::kPty:
                ends.stream = restored_ ? take(config, "") : UniqueFd();
                break;
            case Type::kFile:
                ends.stream = open_output(config);
                break;
            case Type::kSocket:
                if (!restored_) {
                    (config.server ? ends.listener : ends.stream) = open_socket(config);
                    break;
                }
                ends.listener = config.server ? take(config, "-listener") : UniqueFd();
                ends.stream = take_if_there(config, "-client");
                break;
            case Type::kStdio:
                throw Error(ErrorCode::kUnsupported, "standard input and output are not supported");
        }
        return ends;
    }

    EventLoop& loop_;
    const FdSets& fd_sets_;
    Restored* restored_;
};

bool is_monitor(const MachineConfig& config, const std::string& chardev) {
    return std::ranges::find(config.monitors, chardev, &MonitorConfig::chardev) !=
           config.monitors.end();
}

void restore_output(const Chardevs& chardevs, Restored& restored) {
    const auto state = restored.state.take<ChardevsState>(kSection);
    for (const ChardevsState::Output& output : state.pending) {
        const auto found = chardevs.find(output.id);
        if (found == chardevs.end())
            throw Error(ErrorCode::kCorruptState, "there is output of an unknown chardev '{}'",
                        output.id);
        found->second->restore_output(output.bytes);
    }
}

}  // namespace

Chardevs build_chardevs(const MachineConfig& config, EventLoop& loop, const FdSets& fd_sets,
                        Restored* restored) {
    Factory factory(loop, fd_sets, restored);
    Chardevs chardevs;
    for (const ChardevConfig& chardev : config.chardevs) {
        if (is_monitor(config, chardev.id))
            continue;
        try {
            auto made = factory.make(chardev);
            made->set_held(restored != nullptr);
            chardevs.emplace(chardev.id, std::move(made));
        } catch (const Error& error) {
            throw error.within(Text("chardev '{}'", chardev.id));
        }
    }
    if (restored)
        restore_output(chardevs, *restored);
    return chardevs;
}

state::SectionInfo chardevs_section() {
    return state::section_info<ChardevsState>(kSection);
}

void save_chardevs(const Chardevs& chardevs, state::StreamWriter& writer) {
    ChardevsState state;
    for (const auto& [id, chardev] : chardevs)
        if (auto bytes = chardev->pending_output(); !bytes.empty())
            state.pending.push_back({id, std::move(bytes)});
    writer.add(kSection, state);
}

}  // namespace cpr::vmm
