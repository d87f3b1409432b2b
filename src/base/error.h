// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_ERROR_H
#define CPR_BASE_ERROR_H

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

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
    Error(ErrorCode code, Text text) : code_(code), text_(std::move(text)) {}

    template <typename... Args>
    Error(ErrorCode code, fmt::format_string<Args...> format,
          Args&&... args) requires(sizeof...(Args) > 0)
        : code_(code), text_(format, std::forward<Args>(args)...) {}

    ErrorCode code() const { return code_; }
    // For a log, and for whoever takes the error for words.
    const std::string& message() const { return text_.english(); }
    // For another text, and for whoever translates.
    const Text& text() const { return text_; }
    const char* what() const noexcept override { return message().c_str(); }

    // The same error seen from further out: "context: message".
    Error within(const Text& context) const;

  private:
    ErrorCode code_;
    Text text_;
};

// The text of an Error; of any other exception what it says.
Text text_of(const std::exception& error);

// What errno's value stands for.
Text errno_text(int error);

// A kSystem error for errno: "cannot WHAT: strerror". Call it directly after the failed call.
Error errno_error(const Text& what);

template <typename... Args>
Error errno_error(fmt::format_string<Args...> format,
                  Args&&... args) requires(sizeof...(Args) > 0) {
    return errno_error(Text(format, std::forward<Args>(args)...));
}

}  // namespace cpr

#endif
