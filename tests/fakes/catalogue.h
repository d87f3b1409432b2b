// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FAKES_CATALOGUE_H
#define CPR_TESTS_FAKES_CATALOGUE_H

#include <libintl.h>

#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/translate.h"
#include "config.h"

namespace cpr {

// A language of the test's own, for as long as it exists: what the process says is looked up there.
class Catalogue {
  public:
    using Texts = std::map<std::string, std::string>;

    explicit Catalogue(const Texts& texts) : Catalogue(texts, {}) {}
    Catalogue(const Texts& texts, const Texts& systems) {
        std::string folder = "/tmp/catalogue-XXXXXX";
        folder_ = mkdtemp(folder.data());
        write(PACKAGE, texts);
        write("libc", systems);
        setenv("LANGUAGE", "tlh", 1);
        setlocale(LC_ALL, "C.UTF-8");
        // The first look-up names the installed folder, once and for all.
        translated("");
        bindtextdomain(PACKAGE, folder_.c_str());
        bindtextdomain("libc", folder_.c_str());
    }
    Catalogue(const Catalogue&) = delete;
    Catalogue& operator=(const Catalogue&) = delete;
    ~Catalogue() {
        unsetenv("LANGUAGE");
        setlocale(LC_ALL, "C");
        bindtextdomain("libc", "/usr/share/locale");
        std::filesystem::remove_all(folder_);
    }

  private:
    // The format of .mo files (the GNU gettext manual): a head, two tables of lengths and offsets,
    // the originals in their order, and the translations.
    void write(const std::string& domain, const Texts& texts) const {
        const auto count = static_cast<uint32_t>(texts.size());
        constexpr uint32_t kHead = 28;
        const uint32_t tables = 16 * count;
        std::string head, originals, translations, strings;
        const auto number = [](std::string& to, size_t value) {
            const auto word = static_cast<uint32_t>(value);
            to.append(reinterpret_cast<const char*>(&word), sizeof(word));
        };
        for (const uint32_t value : {0x950412deU, 0U, count, kHead, kHead + 8 * count, 0U, 0U})
            number(head, value);
        const auto add = [&](std::string& table, const std::string& text) {
            number(table, text.size());
            number(table, kHead + tables + strings.size());
            strings.append(text).push_back('\0');
        };
        for (const auto& [original, translation] : texts) {
            add(originals, original);
            add(translations, translation);
        }
        const auto path = std::filesystem::path(folder_) / "tlh/LC_MESSAGES";
        std::filesystem::create_directories(path);
        std::ofstream(path / (domain + ".mo")) << head << originals << translations << strings;
    }

    std::string folder_;
};

}  // namespace cpr

#endif
