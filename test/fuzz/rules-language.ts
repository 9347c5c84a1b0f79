/** test: rules for what the language has beside functions and layers: loops, gradients, names, layers of the program itself. */
import { newFrame, type Builder, type Rules, type UserLayer } from "./build.js"
import { isStatic, sameShape, type Shape, spliced } from "./shapes.js"

export const LANGUAGE: Rules[string] = {
  name: (b, want) => {
    const shape = b.flip() ? want : b.valueShape()
    return b.let({ text: b.expr(shape), shape })
  },
  block: (b, want) => {
    const shape = b.flip() ? want : b.valueShape()
    const value = b.let({ text: b.expr(shape), shape })
    const other = b.let({ text: `(${value.text} + ${b.expr(shape)})`, shape })
    return { text: `(${value.text} * ${other.text})`, shape }
  },
  choice: (b, want) => ({
    text: `(if ${b.pick(["training", "true", "!training"])} { ${b.expr(want)} } else { ${b.expr(want)} })`,
    shape: want,
  }),
  /** A variable that a loop without turns on the device changes. */
  repeated: (b, want) => {
    if (b.frame.loops > 0) return undefined
    const iterations = b.pick([2, 3, 1])
    const name = b.name("z")
    b.frame.block.push(`var ${name} = ${b.expr(want)}`)
    const block = inBlock(b, () => [
      `${name} = (${b.fit({ text: name, shape: want }, want)} * 0.5 + ${b.expr(want)})`,
    ])
    b.frame.block.push(`for ${b.name("i")} in 0..${iterations} {`, ...block, "}")
    return { text: name, shape: want }
  },
  scan: (b, want) => {
    if (b.frame.loops > 1) return undefined
    const axes = b.staticAxes(want)
    const stacked = axes.length > 0 && b.flip()
    const axis = stacked ? b.pick(axes) : b.below(3)
    const iterations = stacked ? (want[axis] as number) : b.size(5)
    const carried = stacked ? b.valueShape(b.pick([2, 1, 0, 3])) : want
    const given = b.valueShape(b.pick([1, 2, 0, 3]))
    const at = Math.min(axis, given.length)
    const sequence = spliced(given, at, 0, iterations)
    if (iterations > 9 || !b.fits(sequence)) return undefined
    // All that is walked has the axis at the same place.
    const place = stacked ? Math.min(axis, at) : at
    if (stacked && place !== axis) return undefined
    const [h, x] = [b.name("h"), b.name("x")]
    b.frame.block.push(`var ${h} = ${b.expr(carried)}`)
    const sequenceText = b.expr(sequence)
    const out = spliced(want, axis, 1)
    const block = inLoop(b, () => {
      b.frame.values.push({ text: x, shape: given }, { text: h, shape: carried })
      const next = b.flip(4)
        ? b.expr(carried)
        : `tanh(${h} * 0.5 + ${b.fit({ text: x, shape: given }, carried)} * ${b.expr(carried)})`
      return stacked ? [`${h} = ${next}`, b.expr(out)] : [`${h} = ${next}`]
    })
    const loop = `scan ${x} in ${sequenceText} over ${place} {`
    const name = b.name("s")
    b.frame.block.push(stacked ? `let ${name} = ${loop}` : loop, ...block, "}")
    return stacked ? { text: name, shape: want } : { text: h, shape: carried }
  },
  /** Several sequences, several values carried, and a tuple of stacks. */
  scan_of_several: (b, want) => {
    const axes = b.staticAxes(want)
    if (b.frame.loops > 1 || axes.length === 0) return undefined
    const axis = b.pick(axes)
    const iterations = want[axis] as number
    const out = spliced(want, axis, 1)
    const carried = [b.valueShape(b.pick([2, 1, 0, 3])), out]
    const given = [out, b.valueShape(b.pick([1, 2, 0, 3]))].filter((s) => axis <= s.length)
    const sequences = given.map((s) => spliced(s, axis, 0, iterations))
    if (iterations > 9 || !sequences.every((s) => b.fits(s))) return undefined
    const vars = carried.map((shape) => {
      const text = b.name("h")
      b.frame.block.push(`var ${text} = ${b.expr(shape)}`)
      return { text, shape }
    })
    const texts = sequences.map((s) => b.expr(s))
    const rows = given.map((shape) => ({ text: b.name("x"), shape }))
    const list = (all: readonly string[]): string => (all.length === 1 ? all[0]! : `(${all.join(", ")})`)
    const block = inLoop(b, () => {
      b.frame.values.push(...rows, ...vars)
      const moved = vars.map(({ text, shape }, n) => {
        const from = b.pick([...rows, vars[1 - n]!])
        return `${text} = ${b.pick(["tanh", "sin"])}(${text} * 0.5 + ${b.fit(from, shape)})`
      })
      return [...moved, `(${b.expr(out)}, ${b.fit(vars[0]!, out)})`]
    })
    const names = [b.name("s"), b.name("s")]
    const head = `scan ${list(rows.map((r) => r.text))} in ${list(texts)} over ${axis} {`
    b.frame.block.push(`let (${names.join(", ")}) = ${head}`, ...block, "}")
    const last = b.fit(vars[1]!, spliced(want, axis, 1, 1))
    return { text: `(${names[0]} * 0.5 + ${names[1]} + ${last})`, shape: want }
  },
  /** Arithmetic of whole numbers, which wraps and truncates. */
  integers: (b, want) => {
    const [p, q] = [b.index(want, b.pick([5, 2, 9, 31])), b.index(want, b.pick([3, 7, 1]))]
    const mixed = b.pick([
      `${p} * 3 - ${q}`,
      `(${p} - 4) / (${q} + 1)`,
      `(${p} - 4) % (${q} + 2)`,
      `maximum(${p}, ${q} * 2)`,
      `where(${p} > ${q}, ${p}, -${q})`,
      `i32(${b.expr(want)} * 4)`,
      `abs(${p} - ${q})`,
      `i32(${p} >= ${q}) + ${q}`,
    ])
    const whole = b.flip(4) ? `i32(u32(${p}) + u32(${q}) * ${b.pick(["3", "2654435761"])})` : mixed
    return { text: `(f32(${whole}) * ${b.pick(["0.125", "1", "0.1"])})`, shape: want }
  },
  grad: (b, want) => {
    if (b.frame.loops > 0) return undefined
    const shape = b.flip() ? want : b.valueShape()
    const x = b.let({ text: b.expr(shape), shape })
    const y = b.expr(shape)
    b.frame.block.push(`let ${b.name("w")} = ${y}`)
    const loss = `${b.pick(["mean", "sum"])}(${b.pick(["tanh", "sin", "square"])}(${x.text} * ${b.expr(shape)}) * ${b.number()})`
    const name = b.name("g")
    b.frame.block.push(`let ${name} = grad(${loss}, ${x.text})`)
    return { text: name, shape }
  },
  own_layer: (b, want) => {
    const alike = b.userLayers.filter((l) => sameShape(l.to, want))
    const layers = alike.length > 0 ? alike : b.userLayers
    if (layers.length === 0 || !b.frame.owns) return undefined
    const layer: UserLayer = b.pick(layers)
    if ((layer.from.includes("B") || layer.to.includes("B")) && b.frame.batch === null) return undefined
    return b.layer(layer.call, layer.from, layer.to)
  },
  /** Weights that several values share, one of them turned. */
  tied: (b, want) => {
    const [n, m] = [want.at(-1), b.size(8)]
    if (!b.frame.owns || n === undefined || n === "B") return undefined
    const weight = b.declare([m, n])
    const inner = b.within([...want.slice(0, -1), m])
    if (!sameShape(inner, [...want.slice(0, -1), m])) return undefined
    return {
      text: `(${b.pick(["tanh", "relu", "gelu"])}(${b.expr(want)} @ transpose(${weight})) @ ${weight})`,
      shape: want,
    }
  },
  tied_embedding: (b, want) => {
    const [v, e] = [want.at(-1), b.size(6)]
    if (!b.frame.owns || b.frame.loops > 0 || typeof v !== "number") return undefined
    const [place, to] = [want.slice(0, -1), [...want.slice(0, -1), e]]
    if (!b.fits(to) || !isStatic([v, e])) return undefined
    const name = b.name("layer")
    b.frame.body.push(`let ${name} = Embedding(${v}, ${e})`)
    const h = b.let({ text: `${name}(${b.index(place, v)})`, shape: to })
    return { text: `((${h.text} + ${b.expr(to)}) @ transpose(${name}.weight))`, shape: want }
  },
}

function inLoop(b: Builder, make: () => readonly string[]): readonly string[] {
  b.frame.loops++
  try {
    return inBlock(b, make)
  } finally {
    b.frame.loops--
  }
}
/** Statements of a block of its own: what is named in it is gone after it. */
function inBlock(b: Builder, make: () => readonly string[]): readonly string[] {
  const { frame } = b
  const outer = frame.block
  const known = frame.values.length
  frame.block = []
  try {
    const last = make()
    return [...frame.block, ...last].map((line) => `  ${line}`)
  } finally {
    frame.block = outer
    frame.values.length = known
  }
}

/** A layer of the program's own; its declaration. */
export function declareLayer(b: Builder): string {
  const outer = b.frame
  b.frame = newFrame(true, "B")
  const from = b.valueShape()
  if (!from.includes("B")) b.frame = newFrame(true, null)
  const to: Shape = b.flip() ? from : b.valueShape()
  b.frame.values.push({ text: "x", shape: from })
  const result = b.expr(to)
  const learned = b.declare(to.filter((d) => d !== "B"))
  const name = b.name("Layer")
  const body = [
    ...b.frame.body,
    `(${result} + ${b.fit({ text: learned, shape: to.filter((d) => d !== "B") }, to)})`,
  ]
  b.frame = outer
  const type = (shape: Shape): string => (shape.length === 0 ? "f32" : `f32[${shape.join(", ")}]`)
  b.userLayers.push({ call: `${name}()`, from, to })
  return `layer ${name}()(x: ${type(from)}) -> ${type(to)} {\n${body.map((line) => `  ${line}`).join("\n")}\n}`
}
