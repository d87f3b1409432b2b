// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/command_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text_json.h"

namespace cpr::qmp {
namespace {

using nlohmann::json;

constexpr std::string_view kCommandNotFound = "CommandNotFound";

std::string_view type_name(ArgumentType type) {
    switch (type) {
        case ArgumentType::kString:
            return "string";
        case ArgumentType::kInteger:
            return "integer";
        case ArgumentType::kBool:
            return "boolean";
        case ArgumentType::kObject:
            return "object";
        case ArgumentType::kArray:
            return "array";
        case ArgumentType::kAny:
            return "any";
    }
    return "any";
}

bool has_type(const json& value, ArgumentType type) {
    switch (type) {
        case ArgumentType::kString:
            return value.is_string();
        case ArgumentType::kInteger:
            return value.is_number_integer();
        case ArgumentType::kBool:
            return value.is_boolean();
        case ArgumentType::kObject:
            return value.is_object();
        case ArgumentType::kArray:
            return value.is_array();
        case ArgumentType::kAny:
            return true;
    }
    return false;
}

void check_arguments(const Command& command, const json& arguments) {
    for (const Argument& argument : command.arguments) {
        const auto given = arguments.find(argument.name);
        if (given == arguments.end() && !argument.optional)
            throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' is missing", argument.name);
        if (given != arguments.end() && !has_type(*given, argument.type))
            throw Error(ErrorCode::kInvalidArgument,
                        "Invalid parameter type for '{}', expected: {}", argument.name,
                        type_name(argument.type));
    }
    if (command.open_arguments)
        return;
    for (const auto& [name, value] : arguments.items())
        if (std::ranges::find(command.arguments, name, &Argument::name) == command.arguments.end())
            throw Error(ErrorCode::kInvalidArgument, "Parameter '{}' is unexpected", name);
}

// The names of types in a schema mean nothing; builtin types are named as QEMU does.
std::string_view schema_type(ArgumentType type) {
    switch (type) {
        case ArgumentType::kString:
            return "str";
        case ArgumentType::kInteger:
            return "int";
        case ArgumentType::kBool:
            return "bool";
        case ArgumentType::kObject:
        case ArgumentType::kArray:
        case ArgumentType::kAny:
            return "any";
    }
    return "any";
}

json schema_builtins() {
    json types = json::array();
    for (const auto& [name, json_type] :
         {std::pair{"str", "string"}, {"int", "int"}, {"bool", "boolean"}, {"any", "value"}})
        types.push_back({{"name", name}, {"meta-type", "builtin"}, {"json-type", json_type}});
    return types;
}

}  // namespace

void CommandTable::add(Command command) {
    const std::string name(command.name);
    if (!commands_.emplace(name, std::move(command)).second)
        throw Error(ErrorCode::kInternal, "two commands are named '{}'", name);
}

Reply CommandTable::run(const std::string& name, const json& arguments,
                        std::vector<UniqueFd>& fds) const {
    const auto found = commands_.find(name);
    if (found == commands_.end())
        throw ClassError(kCommandNotFound, ErrorCode::kUnsupported,
                         "The command {} has not been found", name);
    const Command& command = found->second;
    check_arguments(command, arguments);
    const size_t state = current_();
    if ((command.states >> state & 1) == 0)
        throw Error(ErrorCode::kInvalidState, "the command {} is not legal in state '{}'", name,
                    states_.at(state));
    Request request{arguments, fds};
    json result = command.handler(request);
    return {std::move(result), std::move(request.answer_fds)};
}

json CommandTable::names() const {
    json names = json::array({{{"name", "qmp_capabilities"}}});
    for (const auto& [name, command] : commands_)
        names.push_back({{"name", name}});
    return names;
}

json CommandTable::schema() const {
    json schema = schema_builtins();
    for (const auto& [name, command] : commands_) {
        json members = json::array();
        for (const Argument& argument : command.arguments) {
            json member{{"name", argument.name}, {"type", schema_type(argument.type)}};
            if (argument.optional)
                member["default"] = nullptr;
            members.push_back(std::move(member));
        }
        const std::string arguments = name + "-arguments";
        schema.push_back({{"name", arguments}, {"meta-type", "object"}, {"members", members}});
        schema.push_back({{"name", name},
                          {"meta-type", "command"},
                          {"arg-type", arguments},
                          {"ret-type", "any"}});
    }
    return schema;
}

Session::Session(const CommandTable& table, const json& version)
    : table_(table), version_(version) {}

json Session::greeting() const {
    return {{"QMP", {{"version", version_}, {"capabilities", json::array()}}}};
}

json Session::error_reply(const Error& error) {
    const auto* with_class = dynamic_cast<const ClassError*>(&error);
    json object{{"class", with_class ? with_class->error_class() : "GenericError"},
                {"code", to_string(error.code())}};
    put_text(object, "desc", error.text());
    return {{"error", std::move(object)}};
}

Reply Session::handle(const json& message, std::vector<UniqueFd> fds) {
    Reply reply;
    try {
        Reply result = run(message, fds);
        reply = {{{"return", std::move(result.body)}}, std::move(result.fds)};
    } catch (const Error& error) {
        reply.body = error_reply(error);
    } catch (const std::exception& error) {
        reply.body = error_reply(Error(ErrorCode::kInternal, "internal failure: {}", error.what()));
    }
    if (message.contains("id"))
        reply.body["id"] = message["id"];
    return reply;
}

Reply Session::run(const json& message, std::vector<UniqueFd>& fds) {
    for (const auto& [key, value] : message.items())
        if (key != "execute" && key != "arguments" && key != "id")
            throw Error(ErrorCode::kInvalidArgument, "QMP input member '{}' is unexpected", key);
    if (!message.contains("execute"))
        throw Error(ErrorCode::kInvalidArgument, "QMP input lacks member 'execute'");
    if (!message["execute"].is_string())
        throw Error(ErrorCode::kInvalidArgument, "QMP input member 'execute' must be a string");
    const json arguments = message.value("arguments", json::object());
    if (!arguments.is_object())
        throw Error(ErrorCode::kInvalidArgument, "QMP input member 'arguments' must be an object");
    const auto name = message["execute"].get<std::string>();
    if (name == "qmp_capabilities") {
        negotiate(arguments);
        return {json::object(), {}};
    }
    if (!negotiated_)
        throw ClassError(kCommandNotFound, ErrorCode::kInvalidState,
                         "Expecting capabilities negotiation with 'qmp_capabilities'");
    return table_.run(name, arguments, fds);
}

void Session::negotiate(const json& arguments) {
    if (negotiated_)
        throw ClassError(kCommandNotFound, ErrorCode::kInvalidState,
                         "Capabilities negotiation is already complete, command ignored");
    const Command negotiation{
        "qmp_capabilities", {{"enable", ArgumentType::kArray, true}}, 0, nullptr};
    check_arguments(negotiation, arguments);
    for (const json& capability : arguments.value("enable", json::array()))
        throw Error(ErrorCode::kInvalidArgument, "Capability {} not available",
                    capability.is_string() ? capability.get<std::string>() : capability.dump());
    negotiated_ = true;
}

}  // namespace cpr::qmp
