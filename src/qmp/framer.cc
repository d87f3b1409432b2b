// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/framer.h"

#include "base/error.h"

namespace cpr::qmp {

void Framer::skip_blanks() {
    const size_t start = buffer_.find_first_not_of(" \t\r\n");
    buffer_.erase(0, start == std::string::npos ? buffer_.size() : start);
}

bool Framer::scan(char c) {
    if (escaped_) {
        escaped_ = false;
    } else if (in_string_) {
        escaped_ = c == '\\';
        in_string_ = c != '"';
    } else if (c == '"') {
        in_string_ = true;
    } else if (c == '{' || c == '[') {
        if (++depth_ > kMaxDepth)
            throw Error(ErrorCode::kInvalidArgument, "a message is nested deeper than {} levels",
                        kMaxDepth);
    } else if (c == '}' || c == ']') {
        return --depth_ == 0;
    }
    return false;
}

void Framer::skip_line() {
    const size_t end = buffer_.find('\n');
    buffer_.erase(0, end == std::string::npos ? buffer_.size() : end + 1);
    scanned_ = 0;
    depth_ = 0;
    in_string_ = false;
    escaped_ = false;
}

std::optional<std::string> Framer::next() {
    if (scanned_ == 0)
        skip_blanks();
    if (buffer_.empty())
        return std::nullopt;
    if (buffer_[0] != '{')
        throw Error(ErrorCode::kInvalidArgument,
                    "a message begins with byte {:#04x} instead of an opening brace",
                    static_cast<unsigned char>(buffer_[0]));
    while (scanned_ < buffer_.size()) {
        if (scan(buffer_[scanned_++])) {
            std::string message = buffer_.substr(0, scanned_);
            buffer_.erase(0, scanned_);
            scanned_ = 0;
            return message;
        }
        if (scanned_ > kMaxMessage)
            throw Error(ErrorCode::kInvalidArgument, "a message is longer than {} bytes",
                        kMaxMessage);
    }
    return std::nullopt;
}

}  // namespace cpr::qmp
