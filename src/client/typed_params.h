// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_TYPED_PARAMS_H
#define CPR_CLIENT_TYPED_PARAMS_H

#include <libvirt/libvirt.h>

#include <string>

namespace cpr::client {

// Owns a list of libvirt's typed parameters. Names that are too long for libvirt are left out;
// adding throws CallError only when memory is short.
class TypedParams {
  public:
    TypedParams() = default;
    TypedParams(TypedParams&& other) noexcept;
    TypedParams(const TypedParams&) = delete;
    TypedParams& operator=(const TypedParams&) = delete;
    TypedParams& operator=(TypedParams&&) = delete;
    ~TypedParams();

    void add_string(const std::string& name, const std::string& value);
    void add_boolean(const std::string& name, bool value);
    void add_uint(const std::string& name, unsigned int value);
    void add_llong(const std::string& name, long long value);
    void add_ullong(const std::string& name, unsigned long long value);
    void add_double(const std::string& name, double value);

    virTypedParameterPtr data() const { return params_; }
    int size() const { return size_; }

    // The list becomes the caller's, to be freed by virTypedParamsFree(); this is empty then.
    virTypedParameterPtr release();

  private:
    virTypedParameterPtr params_ = nullptr;
    int size_ = 0;
    int capacity_ = 0;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_TYPED_PARAMS_H
