// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_QMP_COMMAND_TABLE_H
#define CPR_QMP_COMMAND_TABLE_H

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace cpr::qmp {

// An error with one of QEMU's error classes other than GenericError.
class ClassError : public Error {
  public:
    ClassError(std::string_view error_class, ErrorCode code, Text text)
        : Error(code, std::move(text)), error_class_(error_class) {}

    template <typename... Args>
    ClassError(std::string_view error_class, ErrorCode code, fmt::format_string<Args...> format,
               Args&&... args) requires(sizeof...(Args) > 0)
        : Error(code, format, std::forward<Args>(args)...), error_class_(error_class) {}

    std::string_view error_class() const { return error_class_; }

  private:
    std::string_view error_class_;
};

enum class ArgumentType { kString, kInteger, kBool, kObject, kArray, kAny };

struct Argument {
    std::string_view name;
    ArgumentType type;
    bool optional = false;
};

// What a handler gets: arguments that have been checked against the table, and the descriptors that
// came along, of which it takes what it needs. `answer_fds` travel with the answer.
struct Request {
    const nlohmann::json& arguments;
    std::vector<UniqueFd>& fds;
    std::vector<UniqueFd> answer_fds = {};
};

// The answer to a message, and the descriptors beside it.
struct Reply {
    nlohmann::json body;
    std::vector<UniqueFd> fds;
};

struct Command {
    std::string_view name;
    std::vector<Argument> arguments;
    // Bit N: legal in the table's state N.
    unsigned states;
    // Returns what goes into "return". Throws Error.
    std::function<nlohmann::json(Request&)> handler;
    // More arguments than those named are allowed, as for device_add.
    bool open_arguments = false;
};

// The commands of a monitor. Main thread.
class CommandTable {
  public:
    // `current` gives the index of the state that the program is in.
    CommandTable(std::vector<std::string> states, std::function<size_t()> current)
        : states_(std::move(states)), current_(std::move(current)) {}

    // Throws Error kInternal if the name is taken.
    void add(Command command);
    // Runs a command; the body is what it returns. Throws Error.
    Reply run(const std::string& name, const nlohmann::json& arguments,
              std::vector<UniqueFd>& fds) const;

    // The answer of query-commands, and the command part of query-qmp-schema's.
    nlohmann::json names() const;
    nlohmann::json schema() const;

  private:
    std::vector<std::string> states_;
    std::function<size_t()> current_;
    std::map<std::string, Command, std::less<>> commands_;
};

// The protocol's state of one connection: greeting, negotiation, and the shape of answers.
class Session {
  public:
    // `version` is what query-version answers.
    Session(const CommandTable& table, const nlohmann::json& version);

    nlohmann::json greeting() const;
    // Always answers, with an error if need be.
    Reply handle(const nlohmann::json& message, std::vector<UniqueFd> fds);
    // Events are sent from here on.
    bool negotiated() const { return negotiated_; }

    static nlohmann::json error_reply(const Error& error);

  private:
    Reply run(const nlohmann::json& message, std::vector<UniqueFd>& fds);
    void negotiate(const nlohmann::json& arguments);

    const CommandTable& table_;
    nlohmann::json version_;
    bool negotiated_ = false;
};

}  // namespace cpr::qmp

#endif
