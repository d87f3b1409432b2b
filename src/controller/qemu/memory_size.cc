// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/memory_size.h"

#include <charconv>
#include <system_error>

namespace cpr::controller::qemu {
namespace {

std::optional<unsigned> shift_of(std::string_view suffix) {
    if (suffix.empty())
        return 20;
    if (suffix.size() > 1)
        return std::nullopt;
    switch (suffix[0]) {
        case 'b':
        case 'B':
            return 0;
        case 'k':
        case 'K':
            return 10;
        case 'm':
        case 'M':
            return 20;
        case 'g':
        case 'G':
            return 30;
        case 't':
        case 'T':
            return 40;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<uint64_t> parse_memory_size(std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number == 0)
        return std::nullopt;
    const auto shift = shift_of(text.substr(static_cast<size_t>(end - text.data())));
    if (!shift || number > (uint64_t{1} << 63) >> *shift)
        return std::nullopt;
    return number << *shift;
}

}  // namespace cpr::controller::qemu
