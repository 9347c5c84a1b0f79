/** ir: dtypes, dimensions and tensor types, shared by all levels.
 *  A dimension is an integer, or a polynomial with integer coefficients in run-time symbols:
 *  `B` (rows of the batch) and `R` (rows of the data set on the device). Everything else is fixed at compile time. */

export type DType = "f32" | "f16" | "i32" | "u32" | "bool"

/** The two sizes that are known only when a program runs. */
export type DimSymbol = "B" | "R"
export const DIM_SYMBOLS: readonly DimSymbol[] = ["B", "R"]

/** coef * product of symbols (sorted; repeated for powers). A constant term has no symbols. */
export interface DimTerm {
  readonly coef: number
  readonly syms: readonly DimSymbol[]
}
/** Canonical: terms sorted by their symbols, no zero coefficient, at least one term with symbols. */
export interface SymbolicDim {
  readonly terms: readonly DimTerm[]
}
export type Dim = number | SymbolicDim
export type Shape = readonly Dim[]

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
}

/** Values of the symbols, for evaluation and for sizing memory. */
export type DimValues = Readonly<Record<DimSymbol, number>>

export const BATCH: Dim = { terms: [{ coef: 1, syms: ["B"] }] }
export const DATA_ROWS: Dim = { terms: [{ coef: 1, syms: ["R"] }] }

const terms = (d: Dim): readonly DimTerm[] =>
  typeof d === "number" ? (d === 0 ? [] : [{ coef: d, syms: [] }]) : d.terms

function canonical(list: readonly DimTerm[]): Dim {
  const byKey = new Map<string, DimTerm>()
  for (const t of list) {
    const syms = [...t.syms].sort()
    const key = syms.join("*")
    byKey.set(key, { coef: (byKey.get(key)?.coef ?? 0) + t.coef, syms })
  }
  const kept = [...byKey.entries()].filter(([, t]) => t.coef !== 0).sort(([a], [b]) => (a < b ? 1 : -1))
  if (kept.length === 0) return 0
  const [, only] = kept[0]!
  if (kept.length === 1 && only.syms.length === 0) return only.coef
  return { terms: kept.map(([, t]) => t) }
}

export const isStatic = (d: Dim): d is number => typeof d === "number"

// Nearly all sizes are numbers, and the scheduler computes with them all the time.
export function addDim(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b
  if (a === 0) return b
  if (b === 0) return a
  return canonical([...terms(a), ...terms(b)])
}
export function mulDim(a: Dim, b: Dim): Dim {
  // `|| 0`: not -0, which is another constant.
  if (typeof a === "number" && typeof b === "number") return a * b || 0
  if (a === 1) return b
  if (b === 1) return a
  return canonical(
    terms(a).flatMap((x) => terms(b).map((y) => ({ coef: x.coef * y.coef, syms: [...x.syms, ...y.syms] }))),
  )
}
export const subDim = (a: Dim, b: Dim): Dim =>
  typeof a === "number" && typeof b === "number" ? a - b : addDim(a, mulDim(b, -1))

/** a / b when b is an integer or a single term that divides every term of a exactly; otherwise undefined. */
export function divDim(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === "number" && typeof b === "number") return b !== 0 && a % b === 0 ? a / b || 0 : undefined
  const divisor = terms(b)
  if (divisor.length !== 1) return undefined
  const by = divisor[0]!
  const out: DimTerm[] = []
  for (const t of terms(a)) {
    const rest = [...t.syms]
    for (const s of by.syms) {
      const i = rest.indexOf(s)
      if (i < 0) return undefined
      rest.splice(i, 1)
    }
    if (t.coef % by.coef !== 0) return undefined
    out.push({ coef: t.coef / by.coef, syms: rest })
  }
  return canonical(out)
}

export function printDim(d: Dim): string {
  if (typeof d === "number") return String(d)
  return d.terms
    .map((t) => (t.syms.length === 0 ? `${t.coef}` : (t.coef === 1 ? "" : `${t.coef}*`) + t.syms.join("*")))
    .join("+")
    .replace(/\+-/g, "-")
}

export const evalDim = (d: Dim, values: DimValues): number =>
  terms(d).reduce((sum, t) => sum + t.syms.reduce((p, s) => p * values[s], t.coef), 0)

export const sameDim = (a: Dim, b: Dim): boolean =>
  a === b || (typeof a === "object" && typeof b === "object" && printDim(a) === printDim(b))
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => sameDim(d, b[i]!))
export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape)

/** Number of elements. */
export const numel = (shape: Shape): Dim => shape.reduce<Dim>(mulDim, 1)
export const evalShape = (shape: Shape, values: DimValues): number[] => shape.map((d) => evalDim(d, values))

/** Row-major strides, in elements. */
export function strides(shape: Shape): Dim[] {
  const out: Dim[] = new Array<Dim>(shape.length)
  let step: Dim = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = step
    step = mulDim(step, shape[i]!)
  }
  return out
}

export const printShape = (shape: Shape): string => `[${shape.map(printDim).join(", ")}]`
/** `f32[B, 30]`; a scalar is just `f32`. */
export const printType = (t: TensorType): string =>
  t.dtype + (t.shape.length === 0 ? "" : printShape(t.shape))

export const scalarType = (dtype: DType): TensorType => ({ dtype, shape: [] })
export const tensorType = (dtype: DType, shape: Shape): TensorType => ({ dtype, shape })
/** Bytes of one element in a device buffer. bool is stored as u32. */
export const isFloat = (dtype: DType): boolean => dtype === "f32" || dtype === "f16"
export const bytesOf = (dtype: DType): number => (dtype === "f16" ? 2 : 4)

/** The NumPy broadcast of two shapes, or undefined when they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const out: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x === 1) out.push(y)
    else if (y === 1 || sameDim(x, y)) out.push(x)
    else return undefined
  }
  return out
}
