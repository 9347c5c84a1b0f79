/** codegen/wgsl: functions that WGSL lacks, that drivers compute too coarsely, or whose value it leaves open for NaN and infinities,
 *  in f32, each with its source and error. Written once with T for `f32` or `vec4<f32>` (U, I, P: the same shape of u32, i32, bool),
 *  without branches.
 *  WGSL lets a device assume that NaN and infinities do not occur, so NaN is told by its bits, and comparisons decide only between
 *  numbers. */

const TEXTS = {
  isnan: `fn NAME(x: T) -> P {
  return (bitcast<U>(x) & U(0x7fffffffu)) > U(0x7f800000u);
}`,
  eq: `fn NAME(a: T, b: T) -> P {
  return (a == b) & !(DEP_isnan(a) | DEP_isnan(b));
}`,
  ne: `fn NAME(a: T, b: T) -> P {
  return (a != b) | DEP_isnan(a) | DEP_isnan(b);
}`,
  lt: `fn NAME(a: T, b: T) -> P {
  return (a < b) & !(DEP_isnan(a) | DEP_isnan(b));
}`,
  le: `fn NAME(a: T, b: T) -> P {
  return (a <= b) & !(DEP_isnan(a) | DEP_isnan(b));
}`,
  /** The sum of NaN and anything is NaN. */
  max: `fn NAME(a: T, b: T) -> T {
  return select(max(a, b), a + b, DEP_isnan(a) | DEP_isnan(b));
}`,
  min: `fn NAME(a: T, b: T) -> T {
  return select(min(a, b), a + b, DEP_isnan(a) | DEP_isnan(b));
}`,
  sign: `fn NAME(x: T) -> T {
  return select(sign(x), x, DEP_isnan(x));
}`,
  /** x itself where the quotient is less than 1, for an infinite divisor too. */
  rem: `fn NAME(a: T, b: T) -> T {
  let q = trunc(a / b);
  return select(a - b * q, a, q == T(0));
}`,
  /** Held within the range of the type by WGSL; NaN becomes 0. */
  to_i32: `fn NAME(x: T) -> I {
  return select(I(x), I(0), DEP_isnan(x));
}`,
  to_u32: `fn NAME(x: T) -> U {
  return select(U(x), U(0), DEP_isnan(x));
}`,
  /** Taylor series to x^9 below 0.5, where exp(x) - 1 would cancel. */
  expm1: `fn NAME(x: T) -> T {
  let y = clamp(x, T(-0.5), T(0.5));
  let near = y * (T(1) + y * (T(0.5) + y * (T(0.16666667) + y * (T(0.041666668) + y * (T(0.008333334) + y * (T(0.0013888889) + y * (T(0.0001984127) + y * T(0.0000248016))))))));
  return select(exp(x) - T(1), near, abs(x) <= T(0.5));
}`,
  /** 2 atanh(x / (2 + x)) near 0, where 1 + x would lose the digits of x. */
  log1p: `fn NAME(x: T) -> T {
  let y = clamp(x, T(-0.4), T(0.5));
  let s = y / (T(2) + y);
  let q = s * s;
  let near = T(2) * s * (T(1) + q * (T(0.33333334) + q * (T(0.2) + q * (T(0.14285715) + q * (T(0.11111111) + q * (T(0.09090909) + q * T(0.07692308)))))));
  return select(log(T(1) + x), near, (x >= T(-0.4)) & (x <= T(0.5)));
}`,
  /** Through expm1(-2|x|), so that it neither overflows nor cancels. */
  tanh: `fn NAME(x: T) -> T {
  let a = min(abs(x), T(15));
  let t = DEP_expm1(T(-2) * a);
  return select(sign(x) * (-t / (t + T(2))), x, DEP_isnan(x));
}`,
  sinh: `fn NAME(x: T) -> T {
  let t = DEP_expm1(abs(x));
  let near = min(t, T(1e10));
  return sign(x) * T(0.5) * (t + near / (near + T(1)));
}`,
  /** Rational approximation on [-3.83, 3.83], beyond which erf is 1 in f32 (coefficients as in Eigen's erf for float). */
  erf: `fn NAME(v: T) -> T {
  let x = clamp(v, T(-3.832506856900711), T(3.832506856900711));
  let q = x * x;
  let a = T(1.128379143519084) + q * (T(0.18520832239976145) + q * (T(0.050955695062380861) + q * (T(0.0034082910107109506) + q * T(0.00022905065861350646))));
  let b = T(1) + q * (T(0.49746925110067538) + q * (T(0.11098505178285362) + q * (T(0.014070470171167667) + q * (T(0.0010179625278914885) + q * (T(0.000023547966471313185) + q * T(-1.1791602954361697e-7))))));
  return select(x * a / b, v, DEP_isnan(v));
}`,
  /** Cephes' atanf: two reductions, then an odd polynomial to x^9; 2e-7 relative. */
  atan: `fn NAME(v: T) -> T {
  let x = abs(v);
  let far = x > T(2.414213562373095);
  let mid = (x > T(0.4142135623730950)) & !far;
  let y0 = select(select(T(0), T(0.7853981633974483), mid), T(1.5707963267948966), far);
  let r = select(select(x, (x - T(1)) / (x + T(1)), mid), T(-1) / max(x, T(1)), far);
  let q = r * r;
  let p = (((T(0.0805374449538) * q - T(0.138776856032)) * q + T(0.199777106478)) * q - T(0.333329491539)) * q * r + r;
  return sign(v) * (y0 + p);
}`,
  /** atan(x / sqrt((1 - x)(1 + x))); NaN beyond 1. */
  asin: `fn NAME(x: T) -> T {
  let c = sqrt(max((T(1) - x) * (T(1) + x), T(0)));
  return select(DEP_atan2(x, c), DEP_nan(bitcast<U>(x)), abs(x) > T(1));
}`,
  /** NaN, made at run time, since WGSL refuses a constant one. */
  nan: `fn NAME(bits: U) -> T {
  return bitcast<T>(U(0x7fc00000u) | (bits & U(0u)));
}`,
  /** Infinities are taken as the largest number: the angles are the same. */
  atan2: `fn NAME(y: T, x: T) -> T {
  let ay = min(abs(y), T(3.4028234e38));
  let ax = min(abs(x), T(3.4028234e38));
  let swap = ay > ax;
  let big = max(select(ax, ay, swap), T(1e-37));
  let a = DEP_atan(select(ay, ax, swap) / big);
  let b = select(a, T(1.5707963267948966) - a, swap);
  let c = select(b, T(3.141592653589793) - b, x < T(0));
  return select(select(c, -c, y < T(0)), x + y, DEP_isnan(x) | DEP_isnan(y));
}`,
  /** exp2(b log2 |a|), with the sign of an odd integer power; a negative base with another exponent gives NaN; a ^ 0 and 1 ^ b are 1,
   *  also of NaN, and 0 ^ b is 0 for positive b, infinite for negative. */
  pow: `fn NAME(a: T, b: T) -> T {
  let zero = a == T(0);
  let infinity = bitcast<T>(U(0x7f800000u) | (bitcast<U>(a) & U(0u)));
  let r = exp2(b * log2(select(abs(a), T(1), zero)));
  let integer = floor(b) == b;
  let odd = abs(b - T(2) * floor(b * T(0.5))) == T(1);
  let signed_r = select(r, -r, (a < T(0)) & odd);
  let negative = select(signed_r, DEP_nan(bitcast<U>(a)), (a < T(0)) & (abs(a) < infinity) & !integer);
  let number = select(negative, select(infinity, T(0), b > T(0)), zero);
  let real = select(number, a + b, DEP_isnan(a) | DEP_isnan(b));
  let one = DEP_eq(b, T(0)) | DEP_eq(a, T(1)) | (DEP_eq(abs(a), T(1)) & DEP_eq(abs(b), infinity));
  return select(real, T(1), one);
}`,
  /** High word of a 32 x 32 bit product, from 16-bit halves. */
  mulhi: `fn NAME(a: U, b: U) -> U {
  let a0 = a & U(0xffffu);
  let a1 = a >> U(16u);
  let b0 = b & U(0xffffu);
  let b1 = b >> U(16u);
  let t = a1 * b0 + ((a0 * b0) >> U(16u));
  let w = a0 * b1 + (t & U(0xffffu));
  return a1 * b1 + (t >> U(16u)) + (w >> U(16u));
}`,
  /** Philox-4x32-10, see ir/kernels/philox.ts. */
  philox: `fn NAME(element: U, at_step: U, seed: U, stream: U) -> U {
  var c0 = element;
  var c1 = at_step;
  var c2 = U(0u);
  var c3 = U(0u);
  var k0 = seed;
  var k1 = stream;
  for (var round = 0; round < 10; round++) {
    let next0 = DEP_mulhi(U(0xcd9e8d57u), c2) ^ c1 ^ k0;
    let next2 = DEP_mulhi(U(0xd2511f53u), c0) ^ c3 ^ k1;
    c1 = U(0xcd9e8d57u) * c2;
    c3 = U(0xd2511f53u) * c0;
    c0 = next0;
    c2 = next2;
    k0 += U(0x9e3779b9u);
    k1 += U(0xbb67ae85u);
  }
  return c0;
}`,
} as const

export type Helper = keyof typeof TEXTS

/** The function's name for one width: `nnc_tanh`, `nnc_tanh_4`. */
export const helperName = (helper: Helper, width: 1 | 4): string => `nnc_${helper}${width === 4 ? "_4" : ""}`

/** Text of a helper preceded by those it calls; `have` holds the helpers that are already in the module. */
export function helperText(helper: Helper, width: 1 | 4, have: Set<string>): string[] {
  const name = helperName(helper, width)
  if (have.has(name)) return []
  have.add(name)
  const before: string[] = []
  const text = TEXTS[helper]
    .replace(/DEP_(\w+?)\(/g, (_, dep: Helper) => {
      before.push(...helperText(dep, width, have))
      return `${helperName(dep, width)}(`
    })
    .replace(/\bNAME\b/g, name)
    .replace(/\bT\b/g, width === 4 ? "vec4<f32>" : "f32")
    .replace(/\bU\b/g, width === 4 ? "vec4<u32>" : "u32")
    .replace(/\bI\b/g, width === 4 ? "vec4<i32>" : "i32")
    .replace(/\bP\b/g, width === 4 ? "vec4<bool>" : "bool")
  return [...before, text]
}
