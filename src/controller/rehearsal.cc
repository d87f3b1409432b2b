// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/rehearsal.h"

#include "base/error.h"
#include "base/json_number.h"
#include "base/text_json.h"

namespace cpr::controller {
namespace {

// What the program says when all went well: an exit status alone may be anybody's.
constexpr std::string_view kDone = "rehearsed\n";

// What a program that knows how to says of its failure; empty for any other, or a success.
Text reason_in(const RunResult& result) {
    return result.status == 0
               ? Text()
               : text_in(nlohmann::json::parse(result.output, nullptr, false), "desc");
}

void run(const Binary& binary, const std::vector<std::string>& arguments, const StateCopy& copy,
         const RunLimits& limits) {
    const RunResult result =
        run_program(binary.fd.get(), arguments, limits, {copy.table.get(), copy.state.get()});
    if (const Text reason = reason_in(result); !reason.empty())
        throw Error(ErrorCode::kRehearsalFailed, reason);
    if (result.status != 0)
        throw Error(ErrorCode::kRehearsalFailed, "it {}", result.status_text());
    if (result.output != kDone)
        throw Error(ErrorCode::kRehearsalFailed, "it said '{}'", excerpt(result.output));
}

}  // namespace

StateCopy copy_state(VmmCalls& vmm, std::chrono::milliseconds deadline) {
    try {
        Message answer = vmm.call_for_fds("cpr-rehearse", nlohmann::json::object(), deadline);
        const auto bytes = integer_in<uint64_t>(answer.body.at("state-bytes"));
        const auto pause = integer_in<int64_t>(answer.body.at("pause-ns"));
        if (answer.fds.size() != 2 || !bytes || !pause)
            throw Error(ErrorCode::kInternal, "its answer is not understood");
        return {std::move(answer.fds[0]), std::move(answer.fds[1]), *bytes, *pause};
    } catch (const std::exception& error) {
        throw Error(ErrorCode::kRehearsalFailed, "the VMM cannot copy the guest's state: {}",
                    text_of(error));
    }
}

void rehearse(const Binary& binary, const std::vector<std::string>& arguments,
              const StateCopy& copy, const RunLimits& limits) {
    std::vector<std::string> line{binary.path};
    line.insert(line.end(), arguments.begin(), arguments.end());
    line.insert(line.end(),
                {"-cpr", fmt::format("fd={},rehearse={}", copy.table.get(), copy.state.get())});
    try {
        run(binary, line, copy, limits);
    } catch (const Error& error) {
        throw Error(ErrorCode::kRehearsalFailed,
                    "'{}' cannot take over this guest; in a rehearsal on a copy of its state: {}",
                    binary.path, error.text());
    }
}

}  // namespace cpr::controller
