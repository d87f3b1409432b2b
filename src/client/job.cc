// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/job.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text_json.h"
#include "base/text_translation.h"
#include "base/translate.h"
#include "client/flat_params.h"

namespace cpr::client {

using nlohmann::json;

namespace {

struct StatusName {
    const char* name;
    virDomainCprJobStatus status;
};

constexpr std::array kStatusNames{
    StatusName{"none", VIR_DOMAIN_CPR_JOB_NONE},
    StatusName{"running", VIR_DOMAIN_CPR_JOB_RUNNING},
    StatusName{"completed", VIR_DOMAIN_CPR_JOB_COMPLETED},
    StatusName{"failed", VIR_DOMAIN_CPR_JOB_FAILED},
    StatusName{"rolled-back", VIR_DOMAIN_CPR_JOB_ROLLED_BACK},
    StatusName{"cancelled", VIR_DOMAIN_CPR_JOB_CANCELLED},
};

CallError malformed(const std::string& text) {
    return CallError("internal", text);
}

virDomainCprJobStatus status_named(const std::string& name) {
    for (const StatusName& entry : kStatusNames) {
        if (name == entry.name) {
            return entry.status;
        }
    }
    throw malformed(
        format_text(_("the controller's report on the job has the unknown status '{}'; is this "
                      "libvirt-cpr older than the controller?"),
                    name));
}

std::string text_at(const json& data, const char* name) {
    auto member = data.find(name);  // end() if it is no object
    return member != data.end() && member->is_string() ? member->get<std::string>() : "";
}

// What is said of a job that failed without giving a reason.
std::string default_reason(virDomainCprJobStatus status) {
    switch (status) {
        case VIR_DOMAIN_CPR_JOB_CANCELLED:
            return _("the update was cancelled");
        case VIR_DOMAIN_CPR_JOB_NONE:
            return _("the domain has no update job");
        default:
            return _("the update failed for an unknown reason; see the domain's log");
    }
}

}  // namespace

Job::Job(json data) : data_(std::make_unique<json>(std::move(data))) {
    if (!data_->is_object()) {
        throw malformed(
            _("the controller's report on the job is no object; is this libvirt-cpr older than "
              "the controller?"));
    }
    auto id = data_->find("job-id");
    if (id == data_->end() || !id->is_number_unsigned()) {
        throw malformed(
            _("the controller's report on the job has no job-id; is this libvirt-cpr older than "
              "the controller?"));
    }
    id_ = id->get<long long>();
    status_ = status_named(text_at(*data_, "status"));
    phase_ = text_at(*data_, "phase");
}

Job::Job(Job&&) noexcept = default;
Job& Job::operator=(Job&&) noexcept = default;
Job::~Job() = default;

bool Job::is_complete() const {
    return data_->contains("generation");
}

std::optional<CallError> Job::error() const {
    if (status_ == VIR_DOMAIN_CPR_JOB_RUNNING || status_ == VIR_DOMAIN_CPR_JOB_COMPLETED) {
        return std::nullopt;
    }
    std::string code;
    std::string desc;
    if (auto error = data_->find("error"); error != data_->end() && error->is_object()) {
        code = text_at(*error, "code");
        desc = translation_of(text_in(*error, "desc"));
    }
    if (code.empty()) {
        code = status_ == VIR_DOMAIN_CPR_JOB_CANCELLED ? "cancelled" : "internal";
    }
    return CallError(code, desc.empty() ? default_reason(status_) : desc);
}

std::vector<Blocker> Job::blockers() const {
    std::vector<Blocker> blockers;
    auto list = data_->find("blockers");
    if (list == data_->end() || !list->is_array()) {
        return blockers;
    }
    for (const json& entry : *list) {
        blockers.push_back({text_at(entry, "id"), translation_of(text_in(entry, "reason")),
                            translation_of(text_in(entry, "remedy"))});
    }
    return blockers;
}

std::string Job::json_text() const {
    return data_->dump(-1, ' ', false, json::error_handler_t::replace);
}

TypedParams Job::params() const {
    return flattened(*data_);
}

}  // namespace cpr::client
