// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_QMP_FRAMER_H
#define CPR_QMP_FRAMER_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cpr::qmp {

// Cuts a byte stream into JSON objects, by their braces, as QEMU does: peers need not end a message
// with a new line. It checks no more than it needs for the cut. White space between is dropped.
class Framer {
  public:
    // libvirt accepts replies up to 10 MiB; requests are far smaller.
    static constexpr size_t kMaxMessage = size_t{16} << 20;
    static constexpr size_t kMaxDepth = 512;

    void append(std::string_view bytes) { buffer_.append(bytes); }

    // The next complete object's text, if there is one. Throws Error kInvalidArgument on bytes
    // that cannot begin an object, or an object past the limits; the stream is then lost.
    std::optional<std::string> next();

    // After an error: drops the rest of the line, to go on with the next object.
    void skip_line();

    // True between two objects: nothing of a next one has come yet.
    bool idle() const { return buffer_.find_first_not_of(" \t\r\n") == std::string::npos; }

  private:
    void skip_blanks();
    // True when the object ends with `c`.
    bool scan(char c);

    std::string buffer_;
    size_t scanned_ = 0;
    size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

}  // namespace cpr::qmp

#endif
