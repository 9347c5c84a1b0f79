/** grammar: a network as a class of PyTorch -> a model: the layers of `__init__` are made by `let`, and the body is that of `forward`.
 *  Guarantees: one mistake for the class, with the model as its repair. A class that does more is left as it is. */
import type { IToken, TokenType } from "chevrotain"
import type { Diagnostics } from "../compiler/source/diagnostic.js"
import { MODULES, writtenHere } from "../compiler/source/habits.js"
import type { SourceFile } from "../compiler/source/source.js"
import { retagged } from "./layout.js"
import { writeBody } from "./python-body.js"
import { across, blockEnd, endOf, isName, itemsOf, placeOf, Rewriting, type Line } from "./rewriting.js"
import * as t from "./tokens.js"

interface Method {
  readonly name: string
  readonly params: readonly string[]
  readonly lines: readonly Line[]
}

/** `lines`: the class. False: nothing was written. */
export function translateClass(
  file: SourceFile,
  lines: readonly Line[],
  out: Rewriting,
  diagnostics: Diagnostics,
): boolean {
  const head = lines[0]!.tokens
  const name = head[1]
  const methods = methodsOf(lines.slice(1))
  if (!isName(name) || head.at(-1)?.image !== ":" || !methods) return false
  const made = methods.find((method) => method.name === "__init__" || method.name === "build")
  const forward = methods.find((method) => /^(forward|call|__call__)$/.test(method.name))
  const layers = made ? layersOf(made) : []
  if (!forward || !layers || methods.length > (made ? 2 : 1) || (made?.params.length ?? 0) > 0) return false
  const { params } = forward
  const input = params.length === 1 ? inputType(layers) : undefined
  if (input === undefined) return false

  // A class that turns out to do more leaves nothing in `out`.
  const writer = new Rewriting(file)
  const [first, last] = [head[0]!, lines.at(-1)!.tokens.at(-1)!]
  writer.replace(
    [first],
    [
      [t.Model, "model"],
      [t.Identifier, name!.image],
      [t.LParen, "("],
      [t.Identifier, params[0]!],
      [t.Colon, ":"],
      ...input.tokens,
      [t.RParen, ")"],
      [t.LBrace, "{"],
    ],
  )
  const model = [`model ${name!.image}(${params[0]}: ${input.text}) {`]
  for (const { name: layer, value } of layers) {
    const from = writer.edits.length
    writer.write(value[0]!.startOffset, value[0]!.startOffset, `let ${layer.image} = `)
    const [word, sign] = [retagged(layer, t.Let), retagged(layer, t.Equals)]
    writer.tokens.push({ ...word, image: "let" }, layer, { ...sign, image: "=" })
    writeLayer(value, writer)
    model.push(`  ${writer.textSince(from, across(file, value))}`)
  }
  const bodyFrom = writer.edits.length
  let nested = false
  writeBody(
    { lines: forward.lines, params, margin: forward.lines[0]!.column - 1 },
    writer,
    () => (nested = true),
    (tokens) => writeValue(tokens, writer),
  )
  if (nested) return false
  const bodyTokens = forward.lines.flatMap(({ tokens }) => tokens)
  const body = writer.textSince(bodyFrom, across(file, bodyTokens))
  model.push(...reindented(body, forward.lines[0]!.column - 1), "}")
  const replacement = model.join("\n")
  writer.after(last, t.RBrace, "}", "\n}")
  for (const token of writer.tokens) out.tokens.push(token)
  diagnostics.add({
    code: "syntax-habit",
    severity: "error",
    message: "a network is a `model`: its layers are made by `let`, and its body is what `forward` computes",
    primary: { span: across(file, head), text: "not a class" },
    help: `write\n${replacement}`,
    fix: { span: across(file, [first, last]), replacement },
  })
  return true
}

function methodsOf(lines: readonly Line[]): Method[] | undefined {
  const methods: Method[] = []
  for (let i = 0; i < lines.length;) {
    const { tokens } = lines[i]!
    const end = blockEnd(lines, i)
    const close = placeOf(tokens.slice(3), ")")
    if (tokens[0]!.image !== "def" || tokens[2]?.image !== "(" || close < 0 || end === i + 1) return undefined
    const [self, ...params] = itemsOf(tokens.slice(3, 3 + close)).map(([param]) => param!.image)
    if (self !== "self" || tokens.at(-1)!.image !== ":") return undefined
    methods.push({ name: tokens[1]!.image, params, lines: lines.slice(i + 1, end) })
    i = end
  }
  return methods
}

interface Made {
  readonly name: IToken
  readonly value: readonly IToken[]
}

/** `self.fc = nn.Linear(4, 16)` line by line, after `super().__init__()`. */
function layersOf({ lines }: Method): Made[] | undefined {
  const made: Made[] = []
  for (const { tokens } of lines) {
    if (tokens[0]!.image === "super" || tokens[0]!.image === "pass") continue
    const [self, dot, name, sign, ...value] = tokens
    if (self?.image !== "self" || dot?.image !== "." || !name || sign?.image !== "=" || !value[0])
      return undefined
    made.push({ name, value })
  }
  return made
}

interface Typed {
  readonly text: string
  readonly tokens: readonly (readonly [TokenType, string])[]
}

/** The type of the input as the first layer takes it, whose constructor says the size. */
function inputType(layers: readonly Made[]): Typed | undefined {
  for (const { value } of layers) {
    const at = value.findIndex(({ image }) => image === "(")
    const layer = value[at - 1]?.image ?? ""
    const close = placeOf(value.slice(at + 1), ")")
    const size = itemsOf(value.slice(at + 1, at + 1 + close))[0]
    const last = size?.at(-1)
    const number = last?.tokenType === t.NumberLiteral && (size!.length === 1 || size!.length === 3)
    if (/^Embedding$/.test(layer)) return typed("i32", ["B", "T"])
    if (!number || last === undefined) continue
    const n = last.image
    if (/^Linear$/.test(layer)) return typed("f32", ["B", n])
    if (/^Conv1d$/.test(layer)) return typed("f32", ["B", n, "L"])
    if (/^Conv2d$/.test(layer)) return typed("f32", ["B", n, "H", "W"])
    if (/^(RNN|GRU|LSTM)$/.test(layer)) return typed("f32", ["B", "T", n])
  }
  return undefined
}

function typed(dtype: string, sizes: readonly string[]): Typed {
  const dims = sizes.flatMap((size, i) => {
    const type = /^\d/.test(size) ? t.NumberLiteral : t.Identifier
    return [...(i > 0 ? ([[t.Comma, ","]] as const) : []), [type, size] as const]
  })
  return {
    text: `${dtype}[${sizes.join(", ")}]`,
    tokens: [[t.Identifier, dtype], [t.LBracket, "["], ...dims, [t.RBracket, "]"]],
  }
}

/** Layers whose first number in PyTorch is the size of their input. */
const INPUT_FIRST =
  /^(Linear|Conv\dd|ConvTranspose\dd|RNN|GRU|LSTM|BatchNorm\dd|LayerNorm|MultiheadAttention)$/

/** `nn.Linear(4, 16, bias=False)` without its module, the size of its input, and with colons. */
function writeLayer(tokens: readonly IToken[], out: Rewriting): void {
  const at = tokens.findIndex(({ image }) => image === "(")
  const name = tokens[at - 1]
  if (at < 0 || !name) return writeValue(tokens, out)
  writeValue(tokens.slice(0, at), out)
  if (tokens[at + 1]?.image === ")" && /^[a-z]/.test(hereOf(name.image))) {
    out.write(tokens[at]!.startOffset, endOf(tokens[at + 1]!), "")
    return out.keep(tokens.slice(at + 2))
  }
  const items = itemsOf(tokens.slice(at + 1, at + 1 + placeOf(tokens.slice(at + 1), ")")))
  const [first, second] = items
  const positional = first?.length === 1
  out.keep([tokens[at]!])
  if (INPUT_FIRST.test(name.image) && positional) {
    const next = second?.[0] ?? tokens.at(-1)!
    out.write(first![0]!.startOffset, next.startOffset, "")
    return writeValue(tokens.slice(tokens.indexOf(next)), out)
  }
  writeValue(tokens.slice(at + 1), out)
}

const hereOf = (name: string): string => writtenHere(name) ?? name

/** Without `self.` and modules, with names as they are here. */
function writeValue(tokens: readonly IToken[], out: Rewriting): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const after = tokens[i + 1]
    const flat = flattened(tokens, i)
    if (flat !== undefined) {
      const name = out.renamed.get(token.image) ?? token.image
      out.replace(
        tokens.slice(i, i + flat),
        [
          [t.Identifier, "flatten"],
          [t.LParen, "("],
          [t.Identifier, name],
          [t.Comma, ","],
          [t.NumberLiteral, "1"],
          [t.RParen, ")"],
        ],
        `flatten(${name}, 1)`,
      )
      i += flat - 1
    } else if ((token.image === "self" || MODULES.has(token.image)) && after?.image === ".") {
      out.write(token.startOffset, endOf(after), "")
      i++
    } else if (after?.image !== "." && tokens[i - 1]?.image === "." && hereOf(token.image) !== token.image)
      out.replace([token], [[t.Identifier, hereOf(token.image)]])
    else if (token.image === "=" && isName(tokens[i - 1]) && i > 1)
      out.replace([token], [[t.Colon, ":"]], ": ")
    else if (tokens[i - 1]?.image === "." && out.renamed.has(token.image)) out.tokens.push(token)
    else out.keep([token])
  }
}

/** `x.view(x.size(0), -1)`, `x.flatten(1)`: how many tokens it has. */
function flattened(tokens: readonly IToken[], at: number): number | undefined {
  if (!isName(tokens[at]) || tokens[at - 1]?.image === ".") return undefined
  const name = tokens[at]!.image
  const text = tokens
    .slice(at, at + 14)
    .map(({ image }) => image)
    .join(" ")
  const ways = [
    `${name} . view ( ${name} . size ( 0 ) , - 1 )`,
    `${name} . reshape ( ${name} . size ( 0 ) , - 1 )`,
    `${name} . view ( ${name} . shape [ 0 ] , - 1 )`,
    `${name} . flatten ( 1 )`,
  ]
  const way = ways.find((each) => text.startsWith(each))
  return way?.split(" ").length
}

function reindented(text: string, margin: number): string[] {
  return text
    .split("\n")
    .map((line, i) => `  ${i === 0 ? line : line.slice(Math.min(margin, line.search(/\S|$/)))}`)
}
