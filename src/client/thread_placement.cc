// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/thread_placement.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/cgroups.h"
#include "base/translate.h"
#include "client/c_string.h"
#include "client/call_error.h"
#include "client/monitor.h"
#include "client/xml_document.h"

namespace cpr::client {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// libvirt's, of the system's daemon: the process that it knows of each domain.
constexpr const char* kPidFolder = "/run/libvirt/qemu";
// Its name for the control group of all threads that have none of their own.
constexpr const char* kCommonGroup = "emulator";
// More than any domain has.
constexpr unsigned int kMaxThreads = 8192;

struct PolicyName {
    const char* name;
    int policy;
};
constexpr std::array kPolicyNames{PolicyName{"batch", SCHED_BATCH}, PolicyName{"idle", SCHED_IDLE},
                                  PolicyName{"fifo", SCHED_FIFO}, PolicyName{"rr", SCHED_RR}};

CallError bad_tuning(const std::string& value) {
    return CallError("invalid-argument",
                     format_text(_("'{}' in the domain's <cputune> is not understood"), value));
}

CallError system_error(const std::string& what) {
    return CallError("system", what + ": " + std::strerror(errno));
}

unsigned int parse_number(const std::string& list, std::string_view text) {
    unsigned int number = 0;
    const char* end_of_text = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), end_of_text, number);
    if (error != std::errc() || end != end_of_text || number >= kMaxThreads) {
        throw bad_tuning(list);
    }
    return number;
}

// A list as libvirt writes it: 0-3,7
std::vector<unsigned int> parse_list(const std::string& list) {
    std::vector<unsigned int> numbers;
    for (size_t at = 0; at <= list.size();) {
        const size_t comma = std::min(list.find(',', at), list.size());
        const std::string_view part = std::string_view(list).substr(at, comma - at);
        const size_t dash = part.find('-');
        const unsigned int first = parse_number(list, part.substr(0, dash));
        const unsigned int last =
            dash == std::string_view::npos ? first : parse_number(list, part.substr(dash + 1));
        for (unsigned int number = first; number <= last; ++number) {
            numbers.push_back(number);
        }
        at = comma + 1;
    }
    return numbers;
}

int policy_named(const std::string& name) {
    for (const PolicyName& entry : kPolicyNames) {
        if (name == entry.name) {
            return entry.policy;
        }
    }
    throw bad_tuning(name);
}

void add_scheduling(const xmlNode* element, const char* list, const char* prefix,
                    std::vector<ThreadScheduling>& into) {
    const int policy = policy_named(attribute(element, "scheduler").value_or(""));
    const std::string priority = attribute(element, "priority").value_or("0");
    for (const unsigned int number : parse_list(attribute(element, list).value_or(""))) {
        into.push_back({prefix + std::to_string(number), policy,
                        static_cast<int>(parse_number(priority, priority))});
    }
}

// With a server's name in it, it is the URI of another host, or of this one by a detour.
bool is_local(virDomainPtr domain) {
    const Allocated<char> uri(virConnectGetURI(virDomainGetConnect(domain)));
    return uri && std::string_view(uri.get()).find(":///") != std::string_view::npos;
}

// 0 if libvirt has noted none here.
pid_t noted_process(virDomainPtr domain) {
    pid_t pid = 0;
    const char* name = virDomainGetName(domain);
    std::ifstream(fmt::format("{}/{}.pid", kPidFolder, name ? name : "")) >> pid;
    return pid;
}

pid_t vmm_process(const Job& job) {
    const json& data = job.data();
    const char* key = data.contains("vmm-pid") ? "vmm-pid" : "domain-pid";
    return data.value(key, pid_t{0});
}

// Places the threads of one VMM. What its monitor says is taken for what a guest may have made it
// say: nothing is touched that is not the domain's.
class Placement {
  public:
    Placement(virDomainPtr domain, pid_t process)
        : domain_(domain), groups_(cgroup_folders(process)) {
        if (groups_.empty() || groups_ != cgroup_folders(noted_process(domain))) {
            throw CallError("invalid-state", format_text(_("process {} is not in the domain's "
                                                           "control group"),
                                                         process));
        }
        threads_ = Monitor(domain).query_threads();
        if (const auto stranger = stranger_among(threads_, process)) {
            throw CallError("invalid-state",
                            format_text(_("{}, thread {}, is not of process {}"), *stranger,
                                        threads_.at(*stranger), process));
        }
    }

    void apply() {
        for (const auto& [name, thread] : threads_) {
            join_groups(name, thread);
        }
        pin_vcpus();
        set_scheduling();
    }

  private:
    void join_groups(const std::string& name, pid_t thread) const {
        for (const auto& [hierarchy, folder] : groups_) {
            const fs::path own = folder.parent_path() / name;
            if (folder.filename() != kCommonGroup || !fs::is_directory(own)) {
                continue;
            }
            const fs::path members = own / (hierarchy.empty() ? "cgroup.threads" : "tasks");
            errno = 0;
            if (!(std::ofstream(members) << thread << std::flush)) {
                throw system_error(format_text(_("cannot move {}, thread {}, to '{}'"), name,
                                               thread, own.string()));
            }
        }
    }

    void pin_vcpus() const {
        const int processors = virNodeGetCPUMap(virDomainGetConnect(domain_), nullptr, nullptr, 0);
        const int vcpus = virDomainGetMaxVcpus(domain_);
        if (processors < 0 || vcpus < 0) {
            throw CallError::from_libvirt();
        }
        const auto length = static_cast<size_t>(VIR_CPU_MAPLEN(processors));
        std::vector<unsigned char> maps(length * static_cast<size_t>(vcpus));
        const int found = virDomainGetVcpuPinInfo(domain_, vcpus, maps.data(),
                                                  static_cast<int>(length), VIR_DOMAIN_AFFECT_LIVE);
        if (found < 0) {
            throw CallError::from_libvirt();
        }
        for (int vcpu = 0; vcpu < found; ++vcpu) {
            pin(fmt::format("vcpu{}", vcpu), maps.data() + length * static_cast<size_t>(vcpu),
                processors);
        }
    }

    void pin(const std::string& name, const unsigned char* map, int processors) const {
        const auto thread = threads_.find(name);
        if (thread == threads_.end()) {
            return;  // a vCPU that is not plugged in
        }
        const size_t size = CPU_ALLOC_SIZE(processors);
        std::vector<unsigned char> storage(size);
        auto* set = reinterpret_cast<cpu_set_t*>(storage.data());
        for (int processor = 0; processor < processors; ++processor) {
            if (VIR_CPU_USED(map, processor)) {
                CPU_SET_S(processor, size, set);
            }
        }
        if (sched_setaffinity(thread->second, size, set) < 0) {
            throw system_error(format_text(_("cannot pin {}, thread {}"), name, thread->second));
        }
    }

    void set_scheduling() const {
        const Allocated<char> xml(virDomainGetXMLDesc(domain_, 0));
        if (!xml) {
            throw CallError::from_libvirt();
        }
        for (const ThreadScheduling& wanted : scheduling_in(xml.get())) {
            const auto thread = threads_.find(wanted.thread);
            sched_param param{};
            param.sched_priority = wanted.priority;
            if (thread != threads_.end() &&
                sched_setscheduler(thread->second, wanted.policy, &param) < 0) {
                throw system_error(format_text(_("cannot set the scheduling of {}, thread {}"),
                                               wanted.thread, thread->second));
            }
        }
    }

    virDomainPtr domain_;
    std::map<std::string, fs::path> groups_;
    VmmThreads threads_;
};

}  // namespace

std::vector<ThreadScheduling> scheduling_in(const std::string& domain_xml) {
    const XmlDocument document(domain_xml, _("the domain's XML"));
    std::vector<ThreadScheduling> found;
    const xmlNode* tuning = child_element(document.root(), "cputune");
    for (const xmlNode* element : tuning ? child_elements(tuning) : std::vector<xmlNode*>()) {
        if (name_of(element) == "vcpusched") {
            add_scheduling(element, "vcpus", "vcpu", found);
        } else if (name_of(element) == "iothreadsched") {
            add_scheduling(element, "iothreads", "iothread", found);
        }
    }
    return found;
}

bool can_place_threads(virDomainPtr domain) {
    return geteuid() == 0 && is_local(domain) && noted_process(domain) > 0;
}

bool has_tuned_threads(virDomainPtr domain) {
    const Allocated<char> xml(virDomainGetXMLDesc(domain, 0));
    if (!xml) {
        throw CallError::from_libvirt();
    }
    const XmlDocument document(xml.get(), _("the domain's XML"));
    return child_element(document.root(), "cputune") != nullptr;
}

void place_threads(virDomainPtr domain) {
    if (!can_place_threads(domain)) {
        throw CallError("not-privileged",
                        _("only root on the domain's host, connected to its libvirt without a "
                          "detour, can place threads"));
    }
    Placement(domain, vmm_process(Monitor(domain).query_job())).apply();
}

void place_threads_after(virDomainPtr domain, const Job& job) {
    if (job.is_final() && !job.data().value("check", false) && can_place_threads(domain)) {
        Placement(domain, vmm_process(job)).apply();
    }
}

}  // namespace cpr::client
