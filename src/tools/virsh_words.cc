// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_words.h"

namespace cpr::tools {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool ends_command(char c) {
    return c == ';' || c == '\n';
}

class Splitter {
  public:
    explicit Splitter(const std::string& text) : text_(text) {}

    std::optional<std::vector<Words>> split() {
        while (at_ < text_.size()) {
            skip_blanks();
            if (at_ == text_.size()) {
                break;
            }
            if (ends_command(text_[at_])) {
                ++at_;
                end_command();
            } else if (text_[at_] == '#') {
                skip_comment();
            } else if (!take_word()) {
                return std::nullopt;
            }
        }
        end_command();
        return std::move(commands_);
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && (is_blank(text_[at_]) || is_continued_line())) {
            at_ += is_continued_line() ? 2 : 1;
        }
    }

    bool is_continued_line() const { return text_.compare(at_, 2, "\\\n") == 0; }

    void skip_comment() {
        while (at_ < text_.size() && text_[at_] != '\n') {
            ++at_;
        }
    }

    void end_command() {
        if (!words_.empty()) {
            commands_.push_back(std::move(words_));
            words_.clear();
        }
    }

    bool take_word() {
        std::string word;
        char quote = 0;
        for (; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (!quote && (is_blank(c) || ends_command(c))) {
                break;
            }
            if (quote ? c == quote : (c == '\'' || c == '"')) {
                quote = quote ? 0 : c;
            } else if (c == '\\' && quote != '\'') {
                if (++at_ == text_.size()) {
                    return false;
                }
                if (text_[at_] != '\n') {
                    word += text_[at_];
                }
            } else {
                word += c;
            }
        }
        words_.push_back(std::move(word));
        return !quote;
    }

    const std::string& text_;
    std::size_t at_ = 0;
    Words words_;
    std::vector<Words> commands_;
};

}  // namespace

std::optional<std::vector<Words>> split_command_string(const std::string& text) {
    return Splitter(text).split();
}

}  // namespace cpr::tools
