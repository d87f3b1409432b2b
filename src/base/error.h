// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_ERROR_H
#define CPR_BASE_ERROR_H

#include <fmt/core.h>

#include <exception>
#include <string>
#include <string_view>

namespace cpr {

// The stable codes of docs/errors.md; a test compares the two lists.
enum class ErrorCode {
    kInternal,
    kSystem,
    kInvalidArgument,
    kUnsupported,
    kInvalidState,
    kCorruptState,
    kBlocked,
    kBinaryMissing,
    kBinaryNotExecutable,
    kBinaryForeign,
    kBinaryIncompatible,
    kRehearsalFailed,
    kJobActive,
    kNoJob,
    kTimeout,
    kExecFailed,
    kCancelled,
    kVmmGone,
    kPauseTooLong,
};

std::string_view to_string(ErrorCode code);

// The code whose name is `text`; kInternal for a name that this build does not know.
ErrorCode error_code_from(std::string_view text);

// The project's only exception: a stable code and a message for people. It is thrown on control
// paths only and caught at three boundaries: the C ABI, the QMP dispatcher, a thread's entry.
class Error : public std::exception {
  public:
    Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

    template <typename... Args>
    Error(ErrorCode code, fmt::format_string<Args...> format,
          Args&&... args) requires(sizeof...(Args) > 0)
        : code_(code), message_(fmt::format(format, std::forward<Args>(args)...)) {}

    ErrorCode code() const { return code_; }
    const std::string& message() const { return message_; }
    const char* what() const noexcept override { return message_.c_str(); }

    // The same error seen from further out: "context: message".
    Error within(std::string_view context) const;

  private:
    ErrorCode code_;
    std::string message_;
};

// A kSystem error for errno: "cannot WHAT: strerror". Call it directly after the failed call.
Error errno_error(std::string_view what);

}  // namespace cpr

#endif
