/** codegen/wgsl: functions that WGSL lacks or that drivers compute too coarsely, in f32, each with its source and error.
 *  Written once with T for `f32` or `vec4<f32>` (U: the same shape of u32), without branches. */

const TEXTS = {
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
  return sign(x) * (-t / (t + T(2)));
}`,
  sinh: `fn NAME(x: T) -> T {
  let t = DEP_expm1(abs(x));
  return sign(x) * T(0.5) * (t + t / (t + T(1)));
}`,
  /** Rational approximation on [-3.83, 3.83], beyond which erf is 1 in f32 (coefficients as in Eigen's erf for float). */
  erf: `fn NAME(v: T) -> T {
  let x = clamp(v, T(-3.832506856900711), T(3.832506856900711));
  let q = x * x;
  let a = T(1.128379143519084) + q * (T(0.18520832239976145) + q * (T(0.050955695062380861) + q * (T(0.0034082910107109506) + q * T(0.00022905065861350646))));
  let b = T(1) + q * (T(0.49746925110067538) + q * (T(0.11098505178285362) + q * (T(0.014070470171167667) + q * (T(0.0010179625278914885) + q * (T(0.000023547966471313185) + q * T(-1.1791602954361697e-7))))));
  return x * a / b;
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
  /** atan(x / sqrt((1 - x)(1 + x))). */
  asin: `fn NAME(x: T) -> T {
  let c = sqrt(max((T(1) - x) * (T(1) + x), T(0)));
  return DEP_atan2(x, c);
}`,
  atan2: `fn NAME(y: T, x: T) -> T {
  let ay = abs(y);
  let ax = abs(x);
  let swap = ay > ax;
  let big = max(select(ax, ay, swap), T(1e-37));
  let a = DEP_atan(select(ay, ax, swap) / big);
  let b = select(a, T(1.5707963267948966) - a, swap);
  let c = select(b, T(3.141592653589793) - b, x < T(0));
  return select(c, -c, y < T(0));
}`,
  /** exp2(b log2 |a|), with the sign of an odd integer power; a negative base with another exponent gives NaN (made at run
   *  time, since WGSL refuses a constant NaN); 0 ^ b is 0 for positive b, 1 for 0. */
  pow: `fn NAME(a: T, b: T) -> T {
  let zero = a == T(0);
  let r = exp2(b * log2(select(abs(a), T(1), zero)));
  let integer = floor(b) == b;
  let odd = abs(b - T(2) * floor(b * T(0.5))) == T(1);
  let signed_r = select(r, -r, (a < T(0)) & odd);
  let nan = bitcast<T>(U(0x7fc00000u) | (bitcast<U>(r) & U(0u)));
  let negative = select(signed_r, nan, (a < T(0)) & !integer);
  let at_zero = select(select(T(3.4028234e38), T(0), b > T(0)), T(1), b == T(0));
  return select(negative, at_zero, zero);
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
  philox: `fn NAME(element: U, at_step: U, seed: U, place: U) -> U {
  var c0 = element;
  var c1 = at_step;
  var c2 = U(0u);
  var c3 = U(0u);
  var k0 = seed;
  var k1 = place;
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

/** Text of a helper preceded by those it calls; `have` keeps what is already in the module. */
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
  return [...before, text]
}
