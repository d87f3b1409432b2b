// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/io.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"

namespace cpr {

std::vector<uint8_t> read_all(int fd, size_t cap, const Text& what) {
    struct stat info {};
    if (fstat(fd, &info) < 0)
        throw errno_error("stat {}", what);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorCode::kCorruptState, "{} is not a regular file", what);
    if (static_cast<uint64_t>(info.st_size) > cap)
        throw Error(ErrorCode::kCorruptState, "{} has {} bytes, more than the limit of {}", what,
                    info.st_size, cap);
    std::vector<uint8_t> data(static_cast<size_t>(info.st_size));
    size_t done = 0;
    while (done < data.size()) {
        const ssize_t got =
            pread(fd, data.data() + done, data.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw errno_error("read {}", what);
        if (got == 0)
            throw Error(ErrorCode::kCorruptState, "{} ends after {} of {} bytes", what, done,
                        data.size());
        done += static_cast<size_t>(got);
    }
    return data;
}

void write_all(int fd, std::span<const uint8_t> data, const Text& what) {
    if (ftruncate(fd, 0) < 0)
        throw errno_error("empty {}", what);
    size_t done = 0;
    while (done < data.size()) {
        const ssize_t put =
            pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            throw errno_error("write {}", what);
        done += static_cast<size_t>(put);
    }
}

UniqueFd make_memfd(const std::string& name) {
    UniqueFd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        throw errno_error("make memfd '{}'", name);
    return fd;
}

UniqueFd make_sealed_memfd(const std::string& name, std::span<const uint8_t> content,
                           const Text& what) {
    UniqueFd fd = make_memfd(name);
    write_all(fd.get(), content, what);
    if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        throw errno_error("seal {}", what);
    if (!std::ranges::equal(read_all(fd.get(), content.size(), what), content))
        throw Error(ErrorCode::kCorruptState, "{} is not what was written", what);
    return fd;
}

UniqueFd open_file(const std::string& path, int flags, unsigned mode) {
    UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd)
        throw errno_error("open '{}'", path);
    return fd;
}

}  // namespace cpr
