// SPDX-License-Identifier: LGPL-2.1-or-later
// The tree of objects and their types, as far as libvirt looks at it.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "vmm/device/catalog.h"
#include "vmm/monitor/commands.h"
#include "vmm/monitor/shapes.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using qmp::ArgumentType;
using qmp::ClassError;
using qmp::Request;

struct ObjectType {
    std::string_view name;
    std::string_view parent;
    std::vector<PropertyInfo> properties;
    bool is_device = false;
};

std::vector<ObjectType> object_types() {
    std::vector<ObjectType> types{
        {"memory-backend-memfd",
         "memory-backend",
         {{"share", "bool", "shared with other processes"}, {"size", "int", "bytes"}}},
        {"memory-backend-ram",
         "memory-backend",
         {{"share", "bool", "shared with other processes"}, {"size", "int", "bytes"}}},
        {"monitor-qmp", "object", {{"chardev", "str", "socket character device"}}},
        {kMachineTypeName, "machine", {}},
        {"none-machine", "machine", {}},
        {"max-x86_64-cpu", "cpu", {{"migratable", "bool", "without an invariant TSC"}}},
        {kCpuType, "max-x86_64-cpu", {}},
    };
    for (const DeviceType& type : device_catalog()) {
        if (!type.on_command_line)
            continue;
        ObjectType object{type.driver, "device", type.properties, true};
        if (type.is_pci) {
            object.parent = "pci-device";
            object.properties.push_back({"bus", "str", "id of the bus"});
            object.properties.push_back({"addr", "str", "slot and function"});
        }
        types.push_back(std::move(object));
    }
    return types;
}

json types(const json& arguments) {
    const auto wanted = arguments.value("implements", std::string());
    json list = json::array();
    for (const ObjectType& type : object_types())
        if (wanted.empty() || wanted == type.parent || wanted == type.name || wanted == "object")
            list.push_back({{"name", type.name}, {"parent", type.parent}});
    return list;
}

ObjectType find_device(const json& arguments) {
    const auto name = arguments.at("typename").get<std::string>();
    const auto all = object_types();
    const auto found = std::ranges::find(all, name, &ObjectType::name);
    if (found == all.end())
        throw ClassError("DeviceNotFound", ErrorCode::kInvalidArgument, "Device '{}' not found",
                         name);
    if (!found->is_device)
        throw Error(ErrorCode::kInvalidArgument,
                    "Parameter 'typename' expects a non-abstract device type");
    return *found;
}

// A class that is not there has no properties. QEMU gives an error, but libvirt 11.3 asks for
// classes that were not listed, and its daemon does not survive an error here.
ObjectType find_class(const json& arguments) {
    const auto name = arguments.at("typename").get<std::string>();
    for (const ObjectType& type : object_types())
        if (type.name == name)
            return type;
    return {};
}

json properties(const ObjectType& type) {
    json list = json::array();
    for (const PropertyInfo& property : type.properties)
        list.push_back({{"name", property.name},
                        {"type", property.type},
                        {"description", property.description}});
    return list;
}

// A property of an object of the tree.
struct Property {
    std::string name;
    std::string type;
    json value;
};

Property child(std::string name, std::string_view type) {
    return {std::move(name), fmt::format("child<{}>", type), json()};
}

std::vector<Property> peripherals(const MachineConfig& config) {
    std::vector<Property> list;
    for (const DeviceConfig& device : config.devices)
        if (!device.id.empty())
            list.push_back(child(device.id, device.driver));
    for (const std::string& id : config.serial_ids)
        if (!id.empty())
            list.push_back(child(id, "isa-serial"));
    return list;
}

// The properties of the object at `path`. Throws ClassError DeviceNotFound if there is none.
std::vector<Property> object_at(const MachineConfig& config, const std::string& path) {
    const auto type = [](std::string_view name) { return Property{"type", "string", name}; };
    if (path == "/" || path.empty())
        return {type("container"), child("machine", kMachineTypeName),
                child("objects", "container")};
    if (path == "/objects")
        return {type("container")};
    if (path == "/machine")
        return {type(kMachineTypeName), child("peripheral", "container"),
                child("unattached", "container")};
    if (path == "/machine/peripheral") {
        auto list = peripherals(config);
        list.insert(list.begin(), type("container"));
        return list;
    }
    if (path == "/machine/unattached") {
        std::vector<Property> list{type("container")};
        for (uint32_t index = 0; index < config.vcpus; ++index)
            list.push_back(child(fmt::format("device[{}]", index), kCpuType));
        return list;
    }
    for (uint32_t index = 0; index < config.vcpus; ++index)
        if (path == cpu_path(index))
            return {type(kCpuType),
                    {"realized", "bool", true},
                    {"hotplugged", "bool", false},
                    {"hotpluggable", "bool", false}};
    throw ClassError("DeviceNotFound", ErrorCode::kInvalidArgument, "Device '{}' not found", path);
}

json list_object(const MachineConfig& config, const json& arguments) {
    json list = json::array();
    for (const Property& property : object_at(config, arguments.at("path").get<std::string>()))
        list.push_back({{"name", property.name}, {"type", property.type}});
    return list;
}

json get_property(const MachineConfig& config, const json& arguments) {
    const auto path = arguments.at("path").get<std::string>();
    const auto wanted = arguments.at("property").get<std::string>();
    for (const Property& property : object_at(config, path))
        if (property.name == wanted)
            return property.value.is_null() ? json(fmt::format("{}/{}", path, wanted))
                                            : property.value;
    throw Error(ErrorCode::kInvalidArgument, "Property '{}.{}' not found", path, wanted);
}

}  // namespace

void add_object_commands(qmp::CommandTable& table, Vmm& vmm) {
    const MachineConfig& config = vmm.line().machine;
    table.add(
        {"qom-list-types",
         {{"implements", ArgumentType::kString, true}, {"abstract", ArgumentType::kBool, true}},
         Vmm::kAlways,
         [](Request& request) { return types(request.arguments); }});
    table.add({"device-list-properties",
               {{"typename", ArgumentType::kString}},
               Vmm::kAlways,
               [](Request& request) { return properties(find_device(request.arguments)); }});
    table.add({"qom-list-properties",
               {{"typename", ArgumentType::kString}},
               Vmm::kAlways,
               [](Request& request) { return properties(find_class(request.arguments)); }});
    table.add(
        {"qom-list", {{"path", ArgumentType::kString}}, Vmm::kAlways, [&config](Request& request) {
             return list_object(config, request.arguments);
         }});
    table.add({"qom-get",
               {{"path", ArgumentType::kString}, {"property", ArgumentType::kString}},
               Vmm::kAlways,
               [&config](Request& request) { return get_property(config, request.arguments); }});
    table.add({"qom-set",
               {{"path", ArgumentType::kString},
                {"property", ArgumentType::kString},
                {"value", ArgumentType::kAny}},
               Vmm::kAlways,
               [](Request& request) -> json {
                   throw Error(ErrorCode::kUnsupported, "Property '{}.{}' cannot be set",
                               request.arguments.at("path").get<std::string>(),
                               request.arguments.at("property").get<std::string>());
               }});
}

}  // namespace cpr::vmm
