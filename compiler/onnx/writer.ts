/** onnx: makes the nodes of an ONNX graph, and the short sequences of nodes that many spellings share.
 *  Operators of ONNX broadcast as NumPy does, so a broadcast is not written where the reader does it: a `Term` has the shape that its
 *  tensor stands for and the shape that it has.
 *  Not here: the spellings of operations (ops/), the parts of a model (translate.ts). */
import { type Dim, type Shape, broadcastShapes, isStatic, printDim, sameShape } from "../ir/tensor.js"
import { bug } from "../source/bug.js"
import {
  DATA_TYPES,
  ELEMENT_BYTES,
  type OnnxAttr,
  type OnnxDType,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from "./proto.js"

/** A tensor of the ONNX graph. */
export interface Term {
  readonly name: string
  readonly dtype: OnnxDType
  /** The shape of the value in the program. */
  readonly shape: Shape
  /** The shape of the tensor; broadcast, it is `shape`. */
  readonly held: Shape
  /** Given by the caller, or a view of that. */
  readonly fed?: true
  /** Results of a loop. */
  readonly parts?: readonly Term[]
}

export type Attributes = Readonly<Record<string, OnnxAttr>>

/** The state that the graphs of one model share: names, constants and the place in the program that nodes are made for. */
export class Shared {
  private readonly used = new Map<string, number>()
  readonly tensors = new Map<string, OnnxTensor>()
  /** `Net.linear.0` */
  path = ""
  /** `net.nn:3:7` */
  at = ""

  constructor(readonly opset: number) {}

  /** A name that nothing else has. */
  fresh(name: string): string {
    const count = this.used.get(name) ?? 0
    this.used.set(name, count + 1)
    return count === 0 ? name : this.fresh(`${name}_${count}`)
  }
}

export class Writer {
  private readonly nodes: OnnxNode[] = []
  private readonly dims = new Map<string, Term>()
  /** Where the number of rows is found: an input and its axis. */
  private rows: { readonly name: string; readonly axis: number } | undefined

  constructor(
    readonly shared: Shared,
    /** The graph around this one, whose values it sees. */
    private readonly outer?: Writer,
  ) {}

  get opset(): number {
    return this.shared.opset
  }

  input(name: string, dtype: OnnxDType, shape: Shape): Term {
    const axis = shape.findIndex((d) => printDim(d) === "B")
    if (axis >= 0) this.rows ??= { name, axis }
    return { name: this.shared.fresh(name), dtype, shape, held: shape }
  }

  /** A tensor that is known, once for each name. */
  tensor(tensor: OnnxTensor): Term {
    const { name, dtype, shape } = tensor
    if (!this.shared.tensors.has(name)) {
      this.shared.fresh(name)
      this.shared.tensors.set(name, tensor)
    }
    return { name, dtype, shape, held: shape }
  }
  scalar(value: number, dtype: OnnxDType): Term {
    // The file holds it as f32, and a Cast rounds it.
    if (dtype === "f16") return this.cast(this.scalar(value, "f32"), dtype)
    const name = `${Object.is(value, -0) ? "-0" : value}${dtype === "f32" ? "" : `:${dtype}`}`
    return this.tensor({ name, dtype, shape: [], bytes: bytesOfNumbers([value], dtype) })
  }
  list(values: readonly number[], dtype: OnnxDType = "i64"): Term {
    const name = `[${values.join(", ")}]${dtype === "i64" ? "" : `:${dtype}`}`
    return this.tensor({ name, dtype, shape: [values.length], bytes: bytesOfNumbers(values, dtype) })
  }

  /** Adds a node; gives the names of its outputs. An input left out is "". */
  emit(op: string, inputs: readonly string[], attrs: Attributes = {}, outputs = 1): string[] {
    const { path, at } = this.shared
    const name = this.shared.fresh(path === "" ? op : `${path}/${op}`)
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}:${i}`))
    this.nodes.push({ name, op, inputs, outputs: names, attrs, doc: at })
    return names
  }
  /** A node of whole tensors. */
  node(op: string, args: readonly Term[], as: { dtype?: OnnxDType; shape: Shape }, attrs?: Attributes): Term {
    const [name] = this.emit(
      op,
      args.map((a) => this.whole(a).name),
      attrs,
    )
    return { name: name!, dtype: as.dtype ?? args[0]!.dtype, shape: as.shape, held: as.shape }
  }
  /** A node that works element by element, and broadcasts. */
  pointwise(op: string, args: readonly Term[], dtype = args[0]!.dtype, attrs?: Attributes): Term {
    const [name] = this.emit(
      op,
      args.map((a) => a.name),
      attrs,
    )
    return { name: name!, dtype, shape: together(args, "shape"), held: together(args, "held") }
  }
  cast(x: Term, dtype: OnnxDType): Term {
    return x.dtype === dtype ? x : this.pointwise("Cast", [x], dtype, { to: DATA_TYPES[dtype] })
  }

  /** x with the shape that it stands for. */
  whole(x: Term): Term {
    if (sameShape(x.held, x.shape)) return x
    const added = x.shape.length - x.held.length
    // Where x has the size already, 1 leaves it as it is.
    const sizes = x.shape.map((d, axis) => (axis >= added && x.held[axis - added] !== 1 ? 1 : d))
    const [name] = this.emit("Expand", [x.name, this.shapeOf(sizes).name])
    return { ...x, name: name!, held: x.shape }
  }
  reshape(x: Term, shape: Shape): Term {
    if (sameShape(x.shape, shape)) return x
    if (x.held.length === 0) return { ...x, shape }
    const open = shape.filter((d) => !isStatic(d))
    const sizes = open.length === 1 ? shape.map((d) => (isStatic(d) ? d : -1)) : shape
    const attrs: Attributes = shape.includes(0) ? { allowzero: 1 } : {}
    const [name] = this.emit("Reshape", [this.whole(x).name, this.shapeOf(sizes).name], attrs)
    return { ...x, name: name!, shape, held: shape }
  }
  transpose(x: Term, perm: readonly number[]): Term {
    if (perm.every((axis, i) => axis === i)) return x
    return this.node("Transpose", [x], { shape: perm.map((axis) => x.shape[axis]!) }, { perm })
  }
  /** Every element `value`. */
  full(value: number, dtype: OnnxDType, shape: Shape): Term {
    return { ...this.scalar(value, dtype), shape }
  }
  /** Each element's own place along an axis. */
  iota(shape: Shape, axis: number, dtype: OnnxDType): Term {
    const size = shape[axis]!
    const held = [size, ...shape.slice(axis + 1).map(() => 1)]
    if (isStatic(size)) {
      const counted = this.list(
        Array.from({ length: size }, (_, i) => i),
        dtype,
      )
      return { ...this.reshape(counted, held), shape, held }
    }
    const end = this.reshape(this.dim(size), [])
    const [name] = this.emit("Range", [this.scalar(0, "i64").name, end.name, this.scalar(1, "i64").name])
    const counted = this.cast({ name: name!, dtype: "i64", shape: [size], held: [size] }, dtype)
    return { ...this.reshape(counted, held), shape, held }
  }
  reduce(op: string, x: Term, axes: readonly number[], keepdim: boolean): Term {
    const shape = x.shape.flatMap((d, axis) => (!axes.includes(axis) ? [d] : keepdim ? [1] : []))
    const attrs = { keepdims: Number(keepdim) }
    // Axes are an input since opset 18, those of sums since 13.
    if (op !== "ReduceSum" && this.opset < 18) return this.node(op, [x], { shape }, { axes, ...attrs })
    return this.node(op, [x, this.list(axes)], { shape }, attrs)
  }

  /** A dimension, i64[1]. */
  dim(d: Dim): Term {
    if (this.outer !== undefined) return this.outer.dim(d)
    if (isStatic(d)) return this.list([d])
    const key = printDim(d)
    const known = this.dims.get(key)
    if (known !== undefined) return known
    const made = d.terms
      .map(({ coef, syms }) => {
        const factors = syms.map((s) => this.symbol(s))
        const all = coef === 1 && factors.length > 0 ? factors : [this.list([coef]), ...factors]
        return all.reduce((a, b) => this.pointwise("Mul", [a, b]))
      })
      .reduce((a, b) => this.pointwise("Add", [a, b]))
    this.dims.set(key, made)
    return made
  }
  private symbol(symbol: string): Term {
    const known = this.dims.get(symbol)
    if (known !== undefined) return known
    if (symbol !== "B" || this.rows === undefined) return bug(`no input has an axis of ${symbol}`)
    const { name, axis } = this.rows
    const [made] = this.emit("Shape", [name], { start: axis, end: axis + 1 })
    const term: Term = { name: made!, dtype: "i64", shape: [1], held: [1] }
    this.dims.set(symbol, term)
    return term
  }
  /** A shape, i64[rank]. */
  shapeOf(shape: Shape): Term {
    if (shape.every(isStatic)) return this.list(shape)
    const sizes = shape.map((d) => this.dim(d).name)
    const [name] = sizes.length === 1 ? sizes : this.emit("Concat", sizes, { axis: 0 })
    return { name: name!, dtype: "i64", shape: [shape.length], held: [shape.length] }
  }

  /** The graph of one iteration of a loop, which sees all values of this one. */
  region(params: readonly Term[], body: (w: Writer) => readonly Term[]): OnnxGraph {
    const inner = new Writer(this.shared, this)
    const results = body(inner).map((x) => inner.whole(x))
    const outputs = results.map((x) => ({ ...x, name: inner.emit("Identity", [x.name])[0]! }))
    return {
      name: this.shared.fresh("iteration"),
      inputs: params.map(valueOf),
      outputs: outputs.map(valueOf),
      nodes: inner.nodes,
      initializers: [],
    }
  }
  /** The whole graph, each output under its name. */
  finish(name: string, inputs: readonly Term[], outputs: readonly (readonly [string, Term])[]): OnnxGraph {
    const wholes = outputs.map(([wanted, term]) => [wanted, this.whole(term)] as const)
    const made = new Set(this.nodes.flatMap((n) => n.outputs))
    const names = new Map<string, string>()
    const values = wholes.map(([wanted, whole]) => {
      const output = this.shared.fresh(wanted)
      // The result of a node takes the name; an input, a constant or a value that is an output already keeps its own.
      if (made.delete(whole.name)) names.set(whole.name, output)
      else names.set(this.emit("Identity", [whole.name])[0]!, output)
      return valueOf({ ...whole, name: output })
    })
    const nodes = needed(
      this.nodes.map((n) => renamed(n, names)),
      values,
    )
    const read = new Set(nodes.flatMap(namesRead))
    return {
      name,
      inputs: inputs.map(valueOf),
      outputs: values,
      nodes,
      initializers: [...this.shared.tensors.values()].filter((t) => read.has(t.name)),
    }
  }
}

/** Drops nodes that no output needs, such as sizes that turned out to be unused. */
function needed(nodes: readonly OnnxNode[], outputs: readonly OnnxValue[]): OnnxNode[] {
  const read = new Set(outputs.map(({ name }) => name))
  const kept = [...nodes].reverse().filter((n) => {
    const isRead = n.outputs.some((name) => read.has(name))
    if (isRead) for (const name of namesRead(n)) read.add(name)
    return isRead
  })
  return kept.reverse()
}

/** Also by the graphs within it. */
const namesRead = ({ inputs, attrs }: OnnxNode): string[] => [
  ...inputs,
  ...Object.values(attrs).flatMap((attr) =>
    typeof attr === "object" && "nodes" in attr ? attr.nodes.flatMap(namesRead) : [],
  ),
]

function renamed(node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const name = (old: string): string => names.get(old) ?? old
  const inside = (attr: OnnxAttr): OnnxAttr =>
    typeof attr === "object" && "nodes" in attr
      ? { ...attr, nodes: attr.nodes.map((n) => renamed(n, names)) }
      : attr
  return {
    ...node,
    inputs: node.inputs.map(name),
    outputs: node.outputs.map(name),
    attrs: Object.fromEntries(Object.entries(node.attrs).map(([key, attr]) => [key, inside(attr)])),
  }
}

/** The size of a symbol is called `batch`. */
const valueOf = ({ name, dtype, shape }: Term): OnnxValue => ({
  name,
  dtype,
  shape: shape.map((d) => (isStatic(d) ? d : printDim(d).replaceAll("B", "batch"))),
})

function together(args: readonly Term[], which: "shape" | "held"): Shape {
  return args
    .map((a) => a[which])
    .reduce((a, b) => broadcastShapes(a, b) ?? bug("arguments do not broadcast"))
}

export function bytesOfNumbers(values: readonly number[], dtype: OnnxDType): Uint8Array {
  const bytes = new Uint8Array(values.length * ELEMENT_BYTES[dtype])
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => write(view, i * ELEMENT_BYTES[dtype], value, dtype))
  return bytes
}

function write(view: DataView, at: number, value: number, dtype: OnnxDType): void {
  switch (dtype) {
    case "f32":
      return view.setFloat32(at, value, true)
    case "f64":
      return view.setFloat64(at, value, true)
    case "i32":
      return view.setInt32(at, value, true)
    case "u32":
      return view.setUint32(at, value, true)
    case "i64":
      return view.setBigInt64(at, BigInt(value), true)
    case "bool":
      return view.setUint8(at, value)
    case "f16":
      return bug("constants of f16 are cast")
  }
}
