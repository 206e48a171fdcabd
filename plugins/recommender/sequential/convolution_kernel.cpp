#include "convolution_kernel.hpp"

#include <algorithm>

#include "simd.hpp"

namespace tsrec::sequential {
namespace {

// Where the rows of a group's filters meet tokens, when their first row is at this place of the
// window: rows begin .. end - 1, and the products of row r begin at first + r * step.
struct Meeting {
  Meeting(const FilterShape& shape, const FilterGroup& group, const Window& window, int64_t place)
      : begin(std::max<int64_t>(0, window.row - place)),
        end(std::min(group.height, window.row + window.count - place)),
        first((window.first + place - window.row) * shape.num_products + group.product),
        step(shape.num_products + shape.horizontal) {}
  int64_t begin, end, first, step;
};

// filters: those of the group.
[[gnu::always_inline]] inline void find_maxima(const FilterShape& shape, const FilterGroup& group,
                                               int64_t filters, const Window& window,
                                               const FilterInputs& inputs, int32_t* place,
                                               float* maximum) {
  Lanes bias, highest = {};
  read(inputs.horizontal_bias + group.maximum, filters, bias);
  IntLanes at = IntLanes{} - 1;
  for (int64_t p = 0; p + group.height <= shape.window; ++p) {
    const Meeting meeting(shape, group, window, p);
    Lanes value = bias;
    for (int64_t row = meeting.begin; row < meeting.end; ++row) {
      Lanes product;
      read(inputs.product + meeting.first + row * meeting.step, filters, product);
      value += product;
    }
    at = value > highest ? IntLanes{} + static_cast<int32_t>(p) : at;
    highest = value > highest ? value : highest;
  }
  write(at, filters, place + group.maximum);
  write(highest, filters, maximum + group.maximum);
}

[[gnu::always_inline]] inline void add_to_maxima(const FilterShape& shape, const FilterGroup& group,
                                                 int64_t filters, const Window& window,
                                                 const int32_t* place, const float* gradient,
                                                 const FilterGradients& gradients) {
  IntLanes at;
  Lanes of_maximum;
  read(place + group.maximum, filters, at);
  read(gradient + group.maximum, filters, of_maximum);
  add(at >= 0 ? of_maximum : Lanes{}, filters, gradients.horizontal_bias + group.maximum);
  for (int64_t p = 0; p + group.height <= shape.window; ++p) {
    const Meeting meeting(shape, group, window, p);
    const Lanes of_place = at == static_cast<int32_t>(p) ? of_maximum : Lanes{};
    for (int64_t row = meeting.begin; row < meeting.end; ++row)
      add(of_place, filters, gradients.product + meeting.first + row * meeting.step);
  }
}

// The numbers d .. d + numbers - 1 of all vertical filters' sums.
[[gnu::always_inline]] inline void sum_rows(const FilterShape& shape, const Window& window,
                                            int64_t d, int64_t numbers, const FilterInputs& inputs,
                                            float* sums) {
  const float* token = inputs.token + window.first * shape.width + d;
  for (int64_t f = 0; f < shape.vertical; ++f) {
    const float* weight = inputs.vertical + f * shape.window + window.row;
    Lanes sum = Lanes{} + inputs.vertical_bias[f];
    for (int64_t n = 0; n < window.count; ++n) {
      Lanes x;
      read(token + n * shape.width, numbers, x);
      sum += weight[n] * x;
    }
    write(sum, numbers, sums + f * shape.width + d);
  }
}

[[gnu::always_inline]] inline void add_to_rows(const FilterShape& shape, const Window& window,
                                               int64_t d, int64_t numbers,
                                               const FilterInputs& inputs, const float* gradient,
                                               const FilterGradients& gradients) {
  const int64_t token = window.first * shape.width + d;
  for (int64_t f = 0; f < shape.vertical; ++f) {
    const int64_t weight = f * shape.window + window.row;
    Lanes of_sum;
    read(gradient + f * shape.width + d, numbers, of_sum);
    add(of_sum, kLanes, gradients.vertical_bias_lanes + f * kLanes);
    for (int64_t n = 0; n < window.count; ++n) {
      Lanes x;
      read(inputs.token + token + n * shape.width, numbers, x);
      add(x * of_sum, kLanes, gradients.vertical_lanes + (weight + n) * kLanes);
      add(inputs.vertical[weight + n] * of_sum, numbers, gradients.token + token + n * shape.width);
    }
  }
}

}  // namespace

SEQUENTIAL_SIMD void filters_forward(const FilterShape& shape, const Window* windows, int64_t count,
                                     const FilterInputs& inputs, int32_t* place, float* feature) {
  const int64_t whole = shape.width / kLanes * kLanes;
  for (int64_t r = 0; r < count; ++r) {
    const Window& window = windows[r];
    for (int64_t g = 0; g < shape.num_groups; ++g) {
      const FilterGroup& group = shape.groups[g];
      if (group.filters == kLanes) {
        find_maxima(shape, group, kLanes, window, inputs, place, feature);
      } else {
        find_maxima(shape, group, group.filters, window, inputs, place, feature);
      }
    }
    float* sums = feature + shape.num_maxima;
    for (int64_t d = 0; d < whole; d += kLanes) sum_rows(shape, window, d, kLanes, inputs, sums);
    if (whole < shape.width) sum_rows(shape, window, whole, shape.width - whole, inputs, sums);
    place += shape.num_maxima;
    feature += shape.num_features();
  }
}

SEQUENTIAL_SIMD void filters_backward(const FilterShape& shape, const Window* windows,
                                      int64_t count, const FilterInputs& inputs,
                                      const int32_t* place, const float* feature_gradient,
                                      const FilterGradients& gradients) {
  const int64_t whole = shape.width / kLanes * kLanes;
  for (int64_t r = 0; r < count; ++r) {
    const Window& window = windows[r];
    for (int64_t g = 0; g < shape.num_groups; ++g) {
      const FilterGroup& group = shape.groups[g];
      if (group.filters == kLanes) {
        add_to_maxima(shape, group, kLanes, window, place, feature_gradient, gradients);
      } else {
        add_to_maxima(shape, group, group.filters, window, place, feature_gradient, gradients);
      }
    }
    const float* of_sums = feature_gradient + shape.num_maxima;
    for (int64_t d = 0; d < whole; d += kLanes)
      add_to_rows(shape, window, d, kLanes, inputs, of_sums, gradients);
    if (whole < shape.width)
      add_to_rows(shape, window, whole, shape.width - whole, inputs, of_sums, gradients);
    place += shape.num_maxima;
    feature_gradient += shape.num_features();
  }
}

}  // namespace tsrec::sequential
