// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_JOB_SUMMARY_H
#define CPR_TOOLS_JOB_SUMMARY_H

#include <libvirt-cpr/libvirt-cpr.h>

#include <optional>
#include <string>
#include <vector>

namespace cpr::tools {

struct Blocker {
    std::string id;
    std::string reason;
    std::string remedy;
};

struct PausePart {
    const char* name;
    double milliseconds;
};

// What a person wants to know of an update job, copied from the library's typed parameters.
struct JobSummary {
    long long id = 0;
    bool is_check = false;
    virDomainCprJobStatus status = VIR_DOMAIN_CPR_JOB_NONE;
    std::string status_name;
    std::string phase;
    std::optional<unsigned long long> generation;
    std::optional<unsigned long long> domain_pid;
    std::optional<unsigned long long> vmm_pid;  // if it is another
    std::string old_binary;
    std::string old_version;
    std::string new_binary;
    std::string new_version;
    std::string error_code;
    std::string error;
    std::vector<std::string> phases;  // those that the job has begun, if the report has them
    std::vector<Blocker> blockers;
    std::optional<double> pause_milliseconds;
    std::vector<PausePart> pause_parts;
    std::optional<double> rehearsal_milliseconds;
    std::string rehearsal_skipped;
};

JobSummary summarize(virDomainCprJobStatus status, virTypedParameterPtr params, int nparams);

}  // namespace cpr::tools

#endif
