#pragma once
#include <oneapi/dnnl/dnnl.h>

// Exported by every release since 1.0, and by none in a header: oneDNN's own tests and PyTorch declare it like this.
// Row-major, as dnnl_sgemm: C = alpha · A · B + beta · C with A and B of bfloat16 and C of single precision.
dnnl_status_t dnnl_gemm_bf16bf16f32(
    char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k, float alpha, const void *a,
    dnnl_dim_t lda, const void *b, dnnl_dim_t ldb, float beta, float *c, dnnl_dim_t ldc);
