#include "nn/gru_kernel.hpp"

#include "simd.hpp"

namespace tsrec::nn {
namespace {

inline float sigmoid(float x) { return 1 / (1 + fast_exp(-x)); }
inline float tanh_of(float x) { return 2 * sigmoid(2 * x) - 1; }

}  // namespace

TSREC_SIMD void gru_forward(const GruShape& shape, const float* input, const float* product,
                            const float* bias, const float* before, float* kept, float* h) {
  const int64_t width = shape.width;
  for (int64_t row = 0; row < shape.rows; ++row) {
    const float *x = input + row * 3 * width, *wh = product + row * 3 * width;
    const float* old = before + row * width;
    float *of_row = kept + row * 4 * width, *state = h + row * width;
    for (int64_t d = 0; d < width; ++d) {
      const float reset = sigmoid(x[d] + wh[d] + bias[d]);
      const float update = sigmoid(x[width + d] + wh[width + d] + bias[width + d]);
      const float recurrent = wh[2 * width + d] + bias[2 * width + d];
      const float fresh = tanh_of(x[2 * width + d] + reset * recurrent);
      of_row[d] = reset;
      of_row[width + d] = update;
      of_row[2 * width + d] = fresh;
      of_row[3 * width + d] = recurrent;
      state[d] = fresh + update * (old[d] - fresh);
    }
  }
}

TSREC_SIMD void gru_backward(const GruShape& shape, const float* kept, const float* before,
                             float* h_gradient, float* input_gradient, float* product_gradient) {
  const int64_t width = shape.width;
  for (int64_t row = 0; row < shape.rows; ++row) {
    const float *of_row = kept + row * 4 * width, *old = before + row * width;
    float* dh = h_gradient + row * width;
    float *dx = input_gradient + row * 3 * width, *dwh = product_gradient + row * 3 * width;
    for (int64_t d = 0; d < width; ++d) {
      const float reset = of_row[d], update = of_row[width + d], fresh = of_row[2 * width + d],
                  recurrent = of_row[3 * width + d];
      const float dfresh = dh[d] * (1 - update) * (1 - fresh * fresh);
      const float dreset = dfresh * recurrent * reset * (1 - reset);
      const float dupdate = dh[d] * (old[d] - fresh) * update * (1 - update);
      dx[d] = dwh[d] = dreset;
      dx[width + d] = dwh[width + d] = dupdate;
      dx[2 * width + d] = dfresh;
      dwh[2 * width + d] = dfresh * reset;
      dh[d] *= update;
    }
  }
}

}  // namespace tsrec::nn
