// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/controller_qemu/support.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "controller/qemu/start_plan.h"

namespace cpr::controller::qemu {
namespace {

const std::string kFolder = TESTS_SRCDIR "/golden/qemu/";

std::ifstream open_golden(const std::string& name) {
    std::ifstream file(kFolder + name);
    if (!file)
        throw std::runtime_error("cannot open " + kFolder + name);
    return file;
}

}  // namespace

Arguments golden_lines(const std::string& name) {
    std::ifstream file = open_golden(name);
    Arguments lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

nlohmann::json golden_json(const std::string& name) {
    std::ifstream file = open_golden(name);
    return nlohmann::json::parse(file);
}

std::vector<std::string> golden_command_lines() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder))
        if (entry.path().extension() == ".args")
            names.push_back(entry.path().filename());
    return names;
}

Arguments line(const Version& version) {
    return plan_start({"qemu", "-machine", "pc-q35-10.0,memory-backend=pc.ram", "-object",
                       R"({"qom-type":"memory-backend-ram","id":"pc.ram","size":1048576})",
                       "-chardev", "socket,id=charmonitor,fd=40", "-mon",
                       "chardev=charmonitor,id=monitor,mode=control"},
                      version, "/run/x")
        .arguments;
}

ArgumentModel model_of(const Arguments& arguments) {
    Arguments argv{"qemu"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return ArgumentModel::parse(argv);
}

Arguments arguments_of(const ArgumentModel& model) {
    Arguments arguments = model.write();
    arguments.erase(arguments.begin());
    return arguments;
}

std::string argument_of(const ArgumentModel& model, const std::string& name,
                        const std::string& id) {
    const Option* option = model.find(name, id);
    return option ? option->argument() : std::string();
}

}  // namespace cpr::controller::qemu
