// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/error.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cpr {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 19> kNames{{
    {ErrorCode::kInternal, "internal"},
    {ErrorCode::kSystem, "system"},
    {ErrorCode::kInvalidArgument, "invalid-argument"},
    {ErrorCode::kUnsupported, "unsupported"},
    {ErrorCode::kInvalidState, "invalid-state"},
    {ErrorCode::kCorruptState, "corrupt-state"},
    {ErrorCode::kBlocked, "blocked"},
    {ErrorCode::kBinaryMissing, "binary-missing"},
    {ErrorCode::kBinaryNotExecutable, "binary-not-executable"},
    {ErrorCode::kBinaryForeign, "binary-foreign"},
    {ErrorCode::kBinaryIncompatible, "binary-incompatible"},
    {ErrorCode::kRehearsalFailed, "rehearsal-failed"},
    {ErrorCode::kJobActive, "job-active"},
    {ErrorCode::kNoJob, "no-job"},
    {ErrorCode::kTimeout, "timeout"},
    {ErrorCode::kExecFailed, "exec-failed"},
    {ErrorCode::kCancelled, "cancelled"},
    {ErrorCode::kVmmGone, "vmm-gone"},
    {ErrorCode::kPauseTooLong, "pause-too-long"},
}};

}  // namespace

std::string_view to_string(ErrorCode code) {
    for (const auto& [value, name] : kNames)
        if (value == code)
            return name;
    return "internal";
}

ErrorCode error_code_from(std::string_view text) {
    for (const auto& [value, name] : kNames)
        if (name == text)
            return value;
    return ErrorCode::kInternal;
}

Error Error::within(const Text& context) const {
    return Error(code_, "{}: {}", context, text_);
}

Text text_of(const std::exception& error) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    return ours ? ours->text() : Text::verbatim(error.what());
}

Text errno_text(int error) {
    return std::generic_category().message(error);
}

Error errno_error(const Text& what) {
    const int error = errno;
    return Error(ErrorCode::kSystem, "cannot {}: {}", what, errno_text(error));
}

}  // namespace cpr
