#pragma once
#include <hdf5.h>
#include <string.h>

// Swift does not import these macros: most call H5open() first or cast.
static inline hid_t dure_h5t_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t dure_h5t_ieee_f32le(void) { return H5T_IEEE_F32LE; }
static inline hid_t dure_h5t_ieee_f32be(void) { return H5T_IEEE_F32BE; }
static inline hid_t dure_h5t_c_s1(void) { return H5T_C_S1; }
static inline hid_t dure_h5t_std_i8le(void) { return H5T_STD_I8LE; }
static inline hid_t dure_h5t_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t dure_h5t_std_i32le(void) { return H5T_STD_I32LE; }
static inline hid_t dure_h5t_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t dure_h5t_std_i64le(void) { return H5T_STD_I64LE; }
static inline hid_t dure_h5t_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t dure_h5t_std_u64le(void) { return H5T_STD_U64LE; }
static inline hid_t dure_h5t_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t dure_h5t_ieee_f64le(void) { return H5T_IEEE_F64LE; }
static inline size_t dure_h5t_variable(void) { return H5T_VARIABLE; }
static inline hid_t dure_h5p_default(void) { return H5P_DEFAULT; }
static inline hid_t dure_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t dure_h5p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t dure_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t dure_h5e_default(void) { return H5E_DEFAULT; }
static inline unsigned dure_h5f_acc_trunc(void) { return H5F_ACC_TRUNC; }
static inline unsigned dure_h5f_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline hid_t dure_h5s_all(void) { return H5S_ALL; }
static inline H5Z_filter_t dure_h5z_filter_deflate(void) { return H5Z_FILTER_DEFLATE; }
static inline H5Z_filter_t dure_h5z_filter_shuffle(void) { return H5Z_FILTER_SHUFFLE; }
static inline H5Z_filter_t dure_h5z_filter_fletcher32(void) { return H5Z_FILTER_FLETCHER32; }

// The format of HDF5 1.10, the first in which every structure of the file carries a checksum.
static inline herr_t dure_h5p_set_checksummed_format(hid_t access)
{
    return H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
}

// H5Literate and its callback's type are versioned macros in later releases. Names come in the order of the file:
// to sort them, HDF5 1.10 fills a table first, and frees what it never filled when it meets damage on the way.
typedef void (*dure_h5_name)(const char *name, void *context);
struct dure_h5_visit {
    dure_h5_name callback;
    void *context;
};
static inline herr_t dure_h5_visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    const struct dure_h5_visit *visit = data;
    (void)group;
    (void)info;
    visit->callback(name, visit->context);
    return 0;
}
static inline herr_t dure_h5_visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data)
{
    const struct dure_h5_visit *visit = data;
    (void)object;
    (void)info;
    visit->callback(name, visit->context);
    return 0;
}
static inline herr_t dure_h5_link_names(hid_t group, dure_h5_name callback, void *context)
{
    struct dure_h5_visit visit = {callback, context};
    return H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, dure_h5_visit_link, &visit);
}
static inline herr_t dure_h5_attribute_names(hid_t object, dure_h5_name callback, void *context)
{
    struct dure_h5_visit visit = {callback, context};
    return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, dure_h5_visit_attribute, &visit);
}

// The class of the link `name` of `group`, without following it.
static inline herr_t dure_h5_link_type(hid_t group, const char *name, H5L_type_t *type)
{
    H5L_info_t info;
    herr_t code = H5Lget_info(group, name, &info, H5P_DEFAULT);
    if (code >= 0) *type = info.type;
    return code;
}

// What tells an object of a file from the others: its address.
static inline herr_t dure_h5_identity(hid_t object, uint64_t *identity)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;
    herr_t code = H5Oget_info3(object, &info, H5O_INFO_BASIC);
    if (code >= 0) memcpy(identity, &info.token, sizeof *identity);
#else
    H5O_info_t info;
    herr_t code = H5Oget_info2(object, &info, H5O_INFO_BASIC);
    if (code >= 0) *identity = info.addr;
#endif
    return code;
}
