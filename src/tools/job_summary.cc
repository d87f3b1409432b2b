// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/job_summary.h"

#include <array>
#include <utility>

namespace cpr::tools {

namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;

class Params {
  public:
    Params(virTypedParameterPtr params, int count) : params_(params), count_(count) {}

    std::string text(const std::string& name) const {
        virTypedParameterPtr param = virTypedParamsGet(params_, count_, name.c_str());
        return param && param->type == VIR_TYPED_PARAM_STRING ? param->value.s : "";
    }

    bool flag(const std::string& name) const {
        virTypedParameterPtr param = virTypedParamsGet(params_, count_, name.c_str());
        return param && param->type == VIR_TYPED_PARAM_BOOLEAN && param->value.b;
    }

    unsigned int count(const std::string& name) const {
        virTypedParameterPtr param = virTypedParamsGet(params_, count_, name.c_str());
        return param && param->type == VIR_TYPED_PARAM_UINT ? param->value.ui : 0;
    }

    std::optional<unsigned long long> number(const std::string& name) const {
        virTypedParameterPtr param = virTypedParamsGet(params_, count_, name.c_str());
        if (!param || param->type != VIR_TYPED_PARAM_ULLONG) {
            return std::nullopt;
        }
        return param->value.ul;
    }

    std::optional<double> milliseconds(const std::string& name) const {
        auto nanoseconds = number(name);
        if (!nanoseconds) {
            return std::nullopt;
        }
        return static_cast<double>(*nanoseconds) / kNanosecondsPerMillisecond;
    }

  private:
    virTypedParameterPtr params_;
    int count_;
};

std::vector<Blocker> blockers_of(const Params& params) {
    std::vector<Blocker> blockers;
    for (unsigned int i = 0; i < params.count(VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_COUNT); ++i) {
        std::string prefix = VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_PREFIX + std::to_string(i);
        blockers.push_back({params.text(prefix + VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_ID),
                            params.text(prefix + VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REASON),
                            params.text(prefix + VIR_DOMAIN_CPR_JOB_FIELD_BLOCKERS_SUFFIX_REMEDY)});
    }
    return blockers;
}

std::vector<std::string> phases_of(const Params& params) {
    std::vector<std::string> phases;
    for (unsigned int i = 0; i < params.count(VIR_DOMAIN_CPR_JOB_FIELD_PHASES_COUNT); ++i) {
        phases.push_back(params.text(VIR_DOMAIN_CPR_JOB_FIELD_PHASES_PREFIX + std::to_string(i) +
                                     VIR_DOMAIN_CPR_JOB_FIELD_PHASES_SUFFIX_NAME));
    }
    return phases;
}

std::vector<PausePart> pause_parts_of(const Params& params) {
    constexpr std::array kParts{std::pair("save", VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_SAVE),
                                std::pair("exec", VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_EXEC),
                                std::pair("load", VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_LOAD),
                                std::pair("resume", VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_RESUME)};
    std::vector<PausePart> parts;
    for (auto [name, field] : kParts) {
        if (auto milliseconds = params.milliseconds(field)) {
            parts.push_back({name, *milliseconds});
        }
    }
    return parts;
}

}  // namespace

JobSummary summarize(virDomainCprJobStatus status, virTypedParameterPtr params, int nparams) {
    Params from(params, nparams);
    return JobSummary{
        .id = static_cast<long long>(from.number(VIR_DOMAIN_CPR_JOB_FIELD_ID).value_or(0)),
        .is_check = from.flag(VIR_DOMAIN_CPR_JOB_FIELD_CHECK),
        .status = status,
        .status_name = from.text(VIR_DOMAIN_CPR_JOB_FIELD_STATUS),
        .phase = from.text(VIR_DOMAIN_CPR_JOB_FIELD_PHASE),
        .generation = from.number(VIR_DOMAIN_CPR_JOB_FIELD_GENERATION),
        .domain_pid = from.number(VIR_DOMAIN_CPR_JOB_FIELD_DOMAIN_PID),
        .vmm_pid = from.number(VIR_DOMAIN_CPR_JOB_FIELD_VMM_PID),
        .old_binary = from.text(VIR_DOMAIN_CPR_JOB_FIELD_OLD_BINARY),
        .old_version = from.text(VIR_DOMAIN_CPR_JOB_FIELD_OLD_VERSION),
        .new_binary = from.text(VIR_DOMAIN_CPR_JOB_FIELD_NEW_BINARY),
        .new_version = from.text(VIR_DOMAIN_CPR_JOB_FIELD_NEW_VERSION),
        .error_code = from.text(VIR_DOMAIN_CPR_JOB_FIELD_ERROR_CODE),
        .error = from.text(VIR_DOMAIN_CPR_JOB_FIELD_ERROR_DESC),
        .phases = phases_of(from),
        .blockers = blockers_of(from),
        .pause_milliseconds = from.milliseconds(VIR_DOMAIN_CPR_JOB_FIELD_PAUSE_TOTAL),
        .pause_parts = pause_parts_of(from),
        .rehearsal_milliseconds = from.milliseconds(VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_PAUSE),
        .rehearsal_skipped = from.text(VIR_DOMAIN_CPR_JOB_FIELD_REHEARSAL_SKIPPED),
    };
}

}  // namespace cpr::tools
