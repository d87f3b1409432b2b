// SPDX-License-Identifier: LGPL-2.1-or-later
// The C boundary of liblibvirt-cpr, of what is in a domain's XML: its preparation for updates, and
// policy and history in its metadata.
#pragma GCC visibility push(default)
#include <libvirt-cpr/libvirt-cpr.h>
#pragma GCC visibility pop

#include <nlohmann/json.hpp>
#include <string>

#include "base/translate.h"
#include "client/boundary.h"
#include "client/c_string.h"
#include "client/domain_metadata.h"
#include "client/history.h"
#include "client/policy.h"
#include "client/preparation.h"
#include "client/typed_params.h"
#include "client/update_options.h"
#include "config.h"

namespace {

using cpr::client::Allocated;
using cpr::client::at_boundary;
using cpr::client::CallError;
using cpr::client::check_domain;
using cpr::client::check_flags;
using cpr::client::check_params;
using cpr::client::copy_for_caller;
using cpr::client::History;
using cpr::client::Policy;
using cpr::client::Preparation;
using cpr::client::TypedParams;

constexpr unsigned int kImpactFlags = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

std::string xml_of(virDomainPtr domain, unsigned int flags) {
    const Allocated<char> text(virDomainGetXMLDesc(domain, flags));
    if (!text) {
        throw CallError::from_libvirt();
    }
    return text.get();
}

void require_persistent(virDomainPtr domain) {
    const int persistent = virDomainIsPersistent(domain);
    if (persistent < 0) {
        throw CallError::from_libvirt();
    }
    if (!persistent) {
        throw CallError("invalid-state",
                        _("the domain is transient: it has no configuration that could be edited"));
    }
}

bool is_active(virDomainPtr domain) {
    const int active = virDomainIsActive(domain);
    if (active < 0) {
        throw CallError::from_libvirt();
    }
    return active == 1;
}

// Whether what the guest runs with now, or what a saved guest would, is not what is configured.
bool needs_restart(virDomainPtr domain, const std::string& configured) {
    if (is_active(domain)) {
        return cpr::client::differ_in_preparation(xml_of(domain, 0), configured);
    }
    return virDomainHasManagedSaveImage(domain, 0) == 1;
}

// libvirt tells whether it can use the program for this domain, wherever the host is.
void check_program(virDomainPtr domain, const std::string& emulator, const std::string& xml) {
    const auto type = cpr::client::domain_type(xml);
    const Allocated<char> found(virConnectGetDomainCapabilities(
        virDomainGetConnect(domain), emulator.c_str(), type.architecture.c_str(),
        type.machine.c_str(), type.type.c_str(), 0));
    if (!found && virGetLastErrorCode() != VIR_ERR_NO_SUPPORT) {
        throw CallError::from_libvirt();
    }
}

void define(virDomainPtr domain, const std::string& xml) {
    const virDomainPtr defined = virDomainDefineXML(virDomainGetConnect(domain), xml.c_str());
    if (!defined) {
        throw CallError::from_libvirt();
    }
    virDomainFree(defined);
}

// Makes the configuration what `edit` makes of it, and tells whether the guest has to be restarted.
template <typename Edit>
int edit_configuration(virDomainPtr domain, char** xml, unsigned int flags, Edit edit) {
    require_persistent(domain);
    const bool dry_run = flags & VIR_DOMAIN_CPR_PREPARE_DRY_RUN;
    // What is only shown has no passwords in it.
    const unsigned int secure = dry_run ? 0 : VIR_DOMAIN_XML_SECURE;
    const std::string before = xml_of(domain, VIR_DOMAIN_XML_INACTIVE | secure);
    const std::string after = edit(before);
    const int restart = needs_restart(domain, after) ? 1 : 0;
    if (!dry_run && after != before) {
        define(domain, after);
    }
    if (xml) {
        *xml = copy_for_caller(cpr::client::pretty_xml(after)).release();
    }
    return restart;
}

Preparation preparation_for(const char* emulator, unsigned int flags) {
    const bool is_cpr_vmm = flags & VIR_DOMAIN_CPR_PREPARE_CPR_VMM;
    if (emulator) {
        cpr::client::check_emulator(emulator);
        return {emulator, is_cpr_vmm};
    }
    const char* usual = is_cpr_vmm ? BINDIR "/virt-cpr-emulator" : BINDIR "/virt-cpr-qemu";
    return {usual, is_cpr_vmm};
}

void hand_out(TypedParams list, virTypedParameterPtr* params, int* nparams) {
    if (params) {
        *nparams = list.size();
        *params = list.release();
    }
}

}  // namespace

/**
 * virDomainCprEnable:
 * @domain: a persistent domain
 * @emulator: absolute path of the emulator program on the domain's host, or
 *            NULL for virt-cpr-qemu (with VIR_DOMAIN_CPR_PREPARE_CPR_VMM for
 *            virt-cpr-emulator) in the folder that this library was built for
 * @xml: where to store the configuration as it is after the call (with
 *       VIR_DOMAIN_CPR_PREPARE_DRY_RUN: as it would be), or NULL
 * @flags: bitwise-OR of virDomainCprPrepareFlags
 *
 * Makes the configuration of @domain one whose guest can be updated in place:
 * @emulator becomes its <emulator>, and it gets shared memory where the VMM
 * takes that from the configuration. What it had before is kept in its
 * metadata, for virDomainCprDisable(). libvirt has to be able to use @emulator
 * for the domain's machine type. Nothing is changed for a guest that runs.
 * The caller frees @xml by free(); it has no passwords with
 * VIR_DOMAIN_CPR_PREPARE_DRY_RUN, and those of the domain otherwise.
 *
 * Returns 1 if the guest has to be shut down and started again before it can
 * be updated, 0 if not, -1 in case of error.
 *
 * Since: 0.1.0
 */
int virDomainCprEnable(virDomainPtr domain, const char* emulator, char** xml, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprEnable", flags,
                    VIR_DOMAIN_CPR_PREPARE_DRY_RUN | VIR_DOMAIN_CPR_PREPARE_CPR_VMM);
        const Preparation preparation = preparation_for(emulator, flags);
        return edit_configuration(domain, xml, flags, [&](const std::string& before) {
            check_program(domain, preparation.emulator, before);
            return cpr::client::prepare_xml(before, preparation);
        });
    });
}

/**
 * virDomainCprDisable:
 * @domain: a persistent domain that virDomainCprEnable() has prepared
 * @xml: where to store the configuration as it is after the call (with
 *       VIR_DOMAIN_CPR_PREPARE_DRY_RUN: as it would be), or NULL
 * @flags: VIR_DOMAIN_CPR_PREPARE_DRY_RUN or 0
 *
 * Puts back what the configuration of @domain had before it was prepared. What
 * else was changed in it since then stays. Fails ("invalid-state") if the
 * domain was not prepared, or what was prepared has been changed since. A
 * guest that runs goes on as it is, and can be updated until it is shut down.
 * The caller frees @xml by free().
 *
 * Returns 1 if the guest has to be shut down and started again for the change
 * to have an effect, 0 if not, -1 in case of error.
 *
 * Since: 0.1.0
 */
int virDomainCprDisable(virDomainPtr domain, char** xml, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprDisable", flags, VIR_DOMAIN_CPR_PREPARE_DRY_RUN);
        return edit_configuration(domain, xml, flags, cpr::client::restore_xml);
    });
}

/**
 * virDomainCprGetPolicy:
 * @domain: a domain
 * @params: where to store the policy (VIR_DOMAIN_CPR_POLICY_*)
 * @nparams: number of @params
 * @flags: bitwise-OR of virDomainModificationImpact, at most one of
 *         VIR_DOMAIN_AFFECT_LIVE and VIR_DOMAIN_AFFECT_CONFIG
 *
 * Tells what the owner of @domain allows of updates in place. All parameters
 * are there, also for a domain without a policy. The caller frees @params by
 * virTypedParamsFree().
 *
 * Returns 0, or -1 in case of error.
 *
 * Since: 0.1.0
 */
int virDomainCprGetPolicy(virDomainPtr domain, virTypedParameterPtr* params, int* nparams,
                          unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprGetPolicy", flags, kImpactFlags);
        check_params(params, nparams);
        hand_out(to_params(cpr::client::read_policy(domain, flags)), params, nparams);
        return 0;
    });
}

/**
 * virDomainCprSetPolicy:
 * @domain: a domain
 * @params: what is to change (VIR_DOMAIN_CPR_POLICY_*), or NULL for a domain
 *          without a policy, which may be updated
 * @nparams: number of @params
 * @flags: bitwise-OR of virDomainModificationImpact
 *
 * Sets what updates in place the functions of this library may do of @domain;
 * others that send commands to its controller do not know of it. It is kept in
 * the domain's metadata.
 *
 * Returns 0, or -1 in case of error.
 *
 * Since: 0.1.0
 */
int virDomainCprSetPolicy(virDomainPtr domain, virTypedParameterPtr params, int nparams,
                          unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprSetPolicy", flags, kImpactFlags);
        if (nparams < 0) {
            throw CallError("invalid-argument", _("nparams must not be negative"));
        }
        Policy policy;
        if (params) {
            // With both flags the configuration's is taken for both.
            const bool both = flags == kImpactFlags;
            const unsigned int from = both ? +VIR_DOMAIN_AFFECT_CONFIG : flags;
            policy = changed_by(cpr::client::read_policy(domain, from), params, nparams);
        }
        cpr::client::write_metadata(domain, cpr::client::kPolicyUri, to_element(policy), flags);
        return 0;
    });
}

/**
 * virDomainCprGetHistory:
 * @domain: a domain
 * @json: where to store the history as a JSON object, or NULL
 * @params: where to store the history as typed parameters, or NULL
 * @nparams: number of @params, or NULL if @params is
 * @flags: bitwise-OR of virDomainModificationImpact, at most one of
 *         VIR_DOMAIN_AFFECT_LIVE and VIR_DOMAIN_AFFECT_CONFIG
 *
 * Tells of the last updates of @domain that were completed, oldest first, out
 * of its metadata: "history.count", and "history.N.generation", ".time" (of
 * the host, in UTC), ".binary", ".version" and, if the guest was paused,
 * ".pause-ns". An update is written there by virDomainCprWait(), or, if nobody
 * waited for it, by the next call that starts one. The caller frees @json by
 * free() and @params by virTypedParamsFree().
 *
 * Returns the number of updates, or -1 in case of error.
 *
 * Since: 0.1.0
 */
int virDomainCprGetHistory(virDomainPtr domain, char** json, virTypedParameterPtr* params,
                           int* nparams, unsigned int flags) {
    return at_boundary([&] {
        check_domain(domain);
        check_flags("virDomainCprGetHistory", flags, kImpactFlags);
        check_params(params, nparams);
        const History history = cpr::client::read_history(domain, flags);
        TypedParams list = to_params(history);
        if (json) {
            *json = copy_for_caller(to_json(history).dump()).release();
        }
        hand_out(std::move(list), params, nparams);
        return static_cast<int>(history.size());
    });
}
