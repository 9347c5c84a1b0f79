/** test: rules for norms, dense layers, attention and recurrence: layers of the library and the functions beside them.
 *  Not here: convolutions and pooling (rules-windows.ts). */
import type { Builder, Rule, Rules } from "./build.js"
import { groupsOf } from "./rules-windows.js"
import { type Dim, divisors, isStatic, type Piece, type Shape, spliced } from "./shapes.js"

const ACTIVATION = ["relu", "tanh", "gelu", "silu"]

/** [N, C, ...] with a static C. */
function channelled(b: Builder, want: Shape, rank?: number): readonly [Dim, number, ...Dim[]] {
  const fits = want.length >= 2 && want[1] !== "B" && (rank === undefined || rank === want.length)
  if (fits) return want as readonly [Dim, number, ...Dim[]]
  const more = Array.from({ length: (rank ?? 3) - 2 }, () => b.size(5))
  return b.within([b.lead(want), b.size(8), ...more]) as readonly [Dim, number, ...Dim[]]
}

/** A layer that keeps the shape. */
const keeping =
  (shape: (b: Builder, want: Shape) => Shape | undefined, call: (b: Builder, shape: Shape) => string): Rule =>
  (b, want) => {
    const given = shape(b, want)
    return given && b.layer(call(b, given), given, given)
  }
const lastStatic = (_: Builder, want: Shape): Shape | undefined =>
  typeof want.at(-1) === "number" ? want : undefined
const withRank =
  (rank?: number) =>
  (b: Builder, want: Shape): Shape =>
    channelled(b, want, rank)
/** Running values are a state, which a loop cannot change. */
const outsideLoops =
  (rule: Rule): Rule =>
  (b, want) =>
    b.frame.loops === 0 ? rule(b, want) : undefined
const EPS = ["", "eps: 0.01"]
const settingsOf = (...given: readonly string[]): string => `(${given.filter((s) => s !== "").join(", ")})`

export const NORMS: Rules[string] = {
  batch_norm: (b, want) => {
    const shape = channelled(b, want)
    const c = [shape[1]]
    return {
      text: `batch_norm(${b.expr(shape)}, ${b.expr(c)}, ${b.positive(c)}, ${b.expr(c)}, ${b.expr(c)})`,
      shape,
    }
  },
  layer_norm: (b, want) => {
    const axes = Math.min(want.length, b.pick([1, 2, 3]))
    const part = want.slice(want.length - axes)
    if (axes === 0 || !isStatic(part)) return undefined
    return { text: `layer_norm(${b.expr(want)}, ${b.expr(part)}, ${b.expr(part)})`, shape: want }
  },
  group_norm: (b, want) => {
    const shape = channelled(b, want)
    const c = shape[1]
    if (!isStatic(shape.slice(1))) return undefined
    return { text: `group_norm(${b.expr(shape)}, ${groupsOf(b, c)}, ${b.expr([c])}, ${b.expr([c])})`, shape }
  },
  instance_norm: (b, want) => {
    const shape = channelled(b, want)
    if (!isStatic(shape.slice(1))) return undefined
    return { text: `instance_norm(${b.expr(shape)}, ${b.expr([shape[1]])}, ${b.expr([shape[1]])})`, shape }
  },
  rms_norm: (b, want) => {
    const n = want.at(-1)
    if (n === undefined || n === "B") return undefined
    return { text: `rms_norm(${b.expr(want)}, ${b.expr([n])})`, shape: want }
  },
  BatchNorm1d: outsideLoops(
    keeping(
      (b, w) => channelled(b, w, b.pick([2, 3])),
      (b) => `BatchNorm1d${settingsOf(b.pick(["", "momentum: 0.5"]), b.pick(EPS))}`,
    ),
  ),
  BatchNorm2d: outsideLoops(
    keeping(withRank(4), (b) => `BatchNorm2d${settingsOf(b.pick(["", "momentum: 0.5"]), b.pick(EPS))}`),
  ),
  BatchNorm3d: outsideLoops(keeping(withRank(5), (b) => `BatchNorm3d${settingsOf(b.pick(EPS))}`)),
  LayerNorm: (b, want) => {
    const axes = Math.min(want.length, b.pick([1, 2, 3]))
    if (axes === 0 || !isStatic(want.slice(want.length - axes))) return undefined
    return b.layer(axes === 1 ? "LayerNorm()" : `LayerNorm(axes: ${axes})`, want, want)
  },
  GroupNorm: (b, want) => {
    const shape = channelled(b, want)
    return isStatic(shape.slice(1)) ? b.layer(`GroupNorm(${groupsOf(b, shape[1])})`, shape, shape) : undefined
  },
  InstanceNorm1d: outsideLoops(instanceNorm("InstanceNorm1d", 3)),
  InstanceNorm2d: outsideLoops(instanceNorm("InstanceNorm2d", 4)),
  RMSNorm: keeping(lastStatic, (b) => `RMSNorm${settingsOf(b.pick(EPS))}`),
  PReLU: keeping(withRank(), (b, shape) => `PReLU(${b.pick([1, shape[1]!])})`),
  Dropout: keeping(
    (_, want) => want,
    (b) => `Dropout(${b.pick(["0.5", "0.2", "0"])})`,
  ),
  Dropout2d: keeping(withRank(4), (b) => `Dropout2d(${b.pick(["0.5", "0"])})`),
  DropPath: keeping(withRank(), (b) => `DropPath(${b.pick(["0.5", "0"])})`),
  Identity: keeping(
    (_, want) => want,
    () => "Identity()",
  ),
}
function instanceNorm(name: string, rank: number): Rule {
  return keeping(
    (b, want) => {
      const [n, c, ...space] = withRank(rank)(b, want)
      return [n!, c!, ...(space.every((d) => d === 1) ? space.map(() => 2) : space)]
    },
    (b) => `${name}${settingsOf(b.pick(["", "affine: true"]), b.pick(["", "track_running_stats: true"]))}`,
  )
}

export const DENSE: Rules[string] = {
  Linear: (b, want) => dense(b, want, (out) => `Linear(${out}${b.pick(["", ", bias: false"])})`),
  ZeroBiasLinear: (b, want) => dense(b, want, (out) => `ZeroBiasLinear(${out})`),
  Bilinear: (b, want) => {
    const [n, o] = want.length === 2 && want[1] !== "B" ? want : [b.lead(want), b.size(6)]
    const [x, y] = [b.expr([n!, b.size(6)]), b.expr([n!, b.size(6)])]
    if (b.frame.loops > 0) return undefined
    return { text: `Bilinear(${o})(${x}, ${y})`, shape: [n!, o!] }
  },
  Embedding: (b, want) => {
    const dim = want.at(-1)
    if (dim === undefined || dim === "B" || b.frame.loops > 0) return undefined
    const count = b.size()
    return { text: `Embedding(${count}, ${dim})(${b.index(want.slice(0, -1), count)})`, shape: want }
  },
  EmbeddingBag: (b, want) => {
    const dim = want.at(-1)
    if (dim === undefined || dim === "B" || b.frame.loops > 0) return undefined
    const [count, index] = [b.size(), b.within([...want.slice(0, -1), b.size(3)])]
    const mode = b.pick(["", ', mode: "sum"', ', mode: "max"'])
    return { text: `EmbeddingBag(${count}, ${dim}${mode})(${b.index(index, count)})`, shape: want }
  },
  embedding_bag: (b, want) => {
    const dim = want.at(-1)
    if (dim === undefined || dim === "B") return undefined
    const [count, index] = [b.size(), b.within([...want.slice(0, -1), b.size(3)])]
    return { text: `embedding_bag(${b.index(index, count)}, ${b.expr([count, dim])})`, shape: want }
  },
  SwiGLU: keeping(lastStatic, (b) => `SwiGLU(${b.size(4)}${b.pick(["", ", bias: true"])})`),
  PositionEmbedding: (b, want) => {
    const [t, d] = want.slice(-2)
    if (typeof t !== "number" || typeof d !== "number" || b.frame.loops > 0) return undefined
    return { text: `PositionEmbedding(${d})(${b.expr(want.slice(0, -1))})`, shape: [t, d] }
  },
  PositionalEncoding: (b, want) => {
    const [t, e] = want.slice(-2)
    if (typeof t !== "number" || typeof e !== "number" || e % 2 !== 0) return undefined
    return b.layer(`PositionalEncoding(${b.pick(["", "0.1"])})`, want, want)
  },
  Flatten: (b, want) => {
    const [n, m] = want.length === 2 && want[1] !== "B" ? [want[0]!, want[1]!] : [b.lead(want), b.size()]
    const inner = b.pick([1, 2, 3].filter((d) => (m as number) % d === 0))
    return b.layer("Flatten()", [n, inner, (m as number) / inner], [n, m])
  },
}
function dense(b: Builder, want: Shape, call: (out: number) => string): Piece | undefined {
  const out = want.at(-1)
  if (out === undefined || out === "B") return undefined
  const from = b.within([...want.slice(0, -1), b.size()])
  return b.layer(call(out), from, [...from.slice(0, -1), out])
}

/** [N, T, E], with heads that divide E. */
function sequence(b: Builder, want: Shape): { shape: readonly [Dim, number, number]; heads: number } {
  const own = want.length === 3 && isStatic(want.slice(1))
  const given = own ? want : b.within([b.lead(want), b.size(9), b.pick([4, 6, 8, 2, 1, 3])])
  const shape = given as readonly [Dim, number, number]
  return { shape, heads: b.pick([1, 2, 3, 4].filter((h) => shape[2] % h === 0)) }
}
const setting = (b: Builder): string =>
  `dropout: ${b.pick(["0", "0", "0.1"])}, activation: ${b.pick(ACTIVATION)}, norm_first: ${b.pick(["false", "true"])}`

export const ATTENTION: Rules[string] = {
  scaled_dot_product_attention: (b, want) => {
    if (want.length < 2 || !isStatic(want.slice(-2))) return undefined
    const [t, f] = want.slice(-2) as readonly number[]
    const lead = want.slice(0, -2)
    const [s, e] = [b.size(9), b.size(9)]
    const causal = b.pick(["", ", causal: true"])
    const heads = lead.at(-1)
    const grouped = typeof heads === "number" && b.flip()
    const shared = grouped ? [...lead.slice(0, -1), b.pick(divisors(heads))] : lead
    const [q, k, v] = [
      [...lead, t!, e],
      [...shared, s, e],
      [...shared, s, f!],
    ]
    if (![q, k, v, [...lead, t!, s]].every((x) => b.fits(x!))) return undefined
    const settings = `${causal}${grouped ? ", enable_gqa: true" : ""}`
    return {
      text: `scaled_dot_product_attention(${b.expr(q!)}, ${b.expr(k!)}, ${b.expr(v!)}${settings})`,
      shape: want,
    }
  },
  multi_head_attention: (b, want) => {
    const { shape, heads } = sequence(b, want)
    const [n, t, e] = shape
    const s = b.size(9)
    if (
      ![
        [n, s, e],
        [n, heads, t, s],
        [3 * e, e],
      ].every((x) => b.fits(x))
    )
      return undefined
    const x = b.let({ text: b.expr([n, s, e]), shape: [n, s, e] }).text
    const weights = [[3 * e, e], [3 * e], [e, e], [e]].map((w) => b.expr(w))
    return {
      text: `multi_head_attention(${b.expr(shape)}, ${x}, ${x}, ${weights.join(", ")}, ${heads}, ${b.flip()})`,
      shape,
    }
  },
  MultiHeadAttention: (b, want) => {
    const { shape, heads } = sequence(b, want)
    const [n, t, e] = shape
    const call = `MultiHeadAttention(${heads}, causal: ${b.flip()}, dropout: ${b.pick(["0", "0", "0.2"])})`
    if (b.flip() || b.frame.loops > 0)
      return b.fits([n, heads, t, t]) ? b.layer(call, shape, shape) : undefined
    const s = b.size(9)
    if (
      ![
        [n, s, e],
        [n, heads, t, s],
      ].every((x) => b.fits(x))
    )
      return undefined
    const query = b.flip() ? b.fit({ text: b.declare([t, e]), shape: [t, e] }, shape) : b.expr(shape)
    const key = b.expr([n, s, e])
    return { text: `${call}(${query}, ${key}${b.flip() ? `, ${b.expr([n, s, e])}` : ""})`, shape }
  },
  TransformerEncoderLayer: (b, want) => {
    const { shape, heads } = sequence(b, want)
    if (!b.fits([shape[0], heads, shape[1], shape[1]])) return undefined
    return b.layer(
      `TransformerEncoderLayer(${heads}, feedforward: ${b.size(9)}, ${setting(b)}, causal: ${b.flip()})`,
      shape,
      shape,
    )
  },
  TransformerDecoderLayer: (b, want) => {
    const { shape, heads } = sequence(b, want)
    const [n, t, e] = shape
    const s = b.size(6)
    if (
      b.frame.loops > 0 ||
      ![
        [n, s, e],
        [n, heads, t, s],
        [n, heads, t, t],
      ].every((x) => b.fits(x))
    )
      return undefined
    const call = `TransformerDecoderLayer(${heads}, feedforward: ${b.size(9)}, ${setting(b)})`
    return { text: `${call}(${b.expr(shape)}, ${b.expr([n, s, e])})`, shape }
  },
}

/** [N, T, H] and what goes in. */
function recurrent(
  b: Builder,
  want: Shape,
): { from: Shape; to: readonly [Dim, number, number]; inner: number } {
  const own = want.length === 3 && isStatic(want.slice(1))
  const to = (own ? want : b.within([b.lead(want), b.size(7), b.size(9)])) as readonly [Dim, number, number]
  const inner = b.size(9)
  return { from: b.within([to[0], to[1], inner]), to, inner }
}
function recurrence(name: string, gates: number, more: (b: Builder, state: Shape) => string): Rule {
  return (b, want) => {
    if (b.frame.loops > 0) return undefined
    const { from, to } = recurrent(b, want)
    const h = to[2]
    const weights = [[gates * h, from[2]!], [gates * h, h], [gates * h], [gates * h]]
    if (!weights.every((w) => b.fits(w)) || from[1] !== to[1]) return undefined
    const given = weights.map((w) => b.expr(w)).join(", ")
    return { text: `${name}(${b.expr(from)}, ${given}${more(b, [to[0], h])})`, shape: to }
  }
}
function recurrentLayer(name: string, ...settings: readonly string[]): Rule {
  return (b, want) => {
    if (b.frame.loops > 0) return undefined
    const { from, to } = recurrent(b, want)
    if (from[1] !== to[1]) return undefined
    const both = to[2] % 2 === 0 && b.flip()
    const first = !b.flip(4)
    const call = `${name}(${settingsOf(
      String(both ? to[2] / 2 : to[2]),
      b.pick(["", "layers: 2", "layers: 2, dropout: 0.1"]),
      both ? "bidirectional: true" : "",
      first ? "" : "batch_first: false",
      b.pick(["", ...settings]),
    ).slice(1)}`
    const turned = ([n, t, x]: Shape): Shape => [t!, n!, x!]
    return first ? b.layer(call, from, to) : b.layer(call, turned(from), turned(to))
  }
}
const first = (b: Builder, state: Shape): string => (b.flip() ? "" : `, ${b.expr(state)}`)

export const RECURRENT: Rules[string] = {
  rnn: recurrence("rnn", 1, (b, state) =>
    b.flip() ? "" : `, ${b.expr(state)}, ${b.pick(["tanh", "relu"])}`,
  ),
  gru: recurrence("gru", 3, first),
  lstm: recurrence("lstm", 4, () => ""),
  lstm_states: (b, want) => {
    const states = recurrence("lstm_states", 4, (_, state) =>
      b.flip() ? "" : `, ${b.expr(state)}, ${b.expr(state)}`,
    )
    const piece = states(b, want)
    if (piece === undefined) return undefined
    const [hs, h, c] = [b.name("v"), b.name("v"), b.name("v")]
    b.frame.block.push(`let (${hs}, ${h}, ${c}) = ${piece.text}`)
    const state = spliced(piece.shape, 1, 1)
    return b.pick([
      { text: hs, shape: piece.shape },
      { text: h, shape: state },
      { text: c, shape: state },
    ])
  },
  RNN: recurrentLayer("RNN", "nonlinearity: relu"),
  GRU: recurrentLayer("GRU"),
  LSTM: recurrentLayer("LSTM"),
}
