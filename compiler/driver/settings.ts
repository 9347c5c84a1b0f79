/** driver: settings: the top-level `let`s of the main file whose value is a literal, which `--set name=value` replaces.
 *  Guarantees: only the value changes, never its kind: a whole number stays one, a text stays a text.
 *  Not here:   the meaning of a value; `check` sees it as if it stood in the file. */
import type { BoolExpr, Expr, LetDecl, Module, NumberExpr, StringExpr } from "../ir/ast/types.js"
import { parse } from "../parse/parse.js"
import type { CodePages } from "../source/codes.js"
import { Diagnostics, type Diagnostic } from "../source/diagnostic.js"
import { nearest } from "../source/suggest.js"
import { visible } from "../source/visible.js"

/** Values as they were written on the command line, by name. */
export type GivenSettings = ReadonlyMap<string, string>
export type SettingValue = number | boolean | string

type Literal = NumberExpr | BoolExpr | StringExpr

/** The settings of a file, with the values that they have there. */
export function settingsOf(module: Module): ReadonlyMap<string, SettingValue> {
  return new Map(
    constantsOf(module).flatMap(({ name, value }) => {
      const literal = literalOf(value)
      return literal ? [[name.text, literal.value] as const] : []
    }),
  )
}

/** The names of those that are whole numbers. */
export const wholeSettingsOf = (module: Module): ReadonlySet<string> =>
  new Set(
    constantsOf(module).flatMap(({ name, value }) => {
      const literal = literalOf(value)
      return literal?.kind === "number" && literal.isInt ? [name.text] : []
    }),
  )

/** `module` with `given` in place of its own values; an error for each that cannot be set. */
export function withSettings(module: Module, given: GivenSettings, diagnostics: Diagnostics): Module {
  if (given.size === 0) return module
  const constants = new Map(constantsOf(module).map((decl) => [decl.name.text, decl]))
  const replaced = new Map<LetDecl, Expr>()
  for (const [name, text] of given) {
    const decl = constants.get(name)
    const own = decl && literalOf(decl.value)
    if (!decl) diagnostics.add(unknown(name, [...settingsOf(module).keys()]))
    else if (!own) diagnostics.add(computed(decl))
    else {
      const value = read(name, text, own)
      if (value) replaced.set(decl, value)
      else diagnostics.add(mistyped(decl, own, text))
    }
  }
  const declarations = module.declarations.map((decl) => {
    const value = decl.kind === "let-decl" ? replaced.get(decl) : undefined
    return value ? { ...decl, value } : decl
  })
  return { ...module, declarations }
}

const constantsOf = ({ declarations }: Module): readonly LetDecl[] =>
  declarations.flatMap((decl) => (decl.kind === "let-decl" ? [decl] : []))

/** A minus sign belongs to its number. */
function literalOf(expr: Expr): Literal | undefined {
  if (expr.kind === "number" || expr.kind === "bool" || expr.kind === "string") return expr
  if (expr.kind !== "unary" || expr.op !== "-" || expr.operand.kind !== "number") return undefined
  const { operand, span } = expr
  return { ...operand, span, value: -operand.value, text: `-${operand.text}` }
}

/** The new value as an expression, in a source of its own; undefined when it is of another kind than `own`. */
function read(name: string, text: string, own: Literal): Expr | undefined {
  const isQuoted = /^\s*"/.test(text)
  const written = own.kind === "string" && !isQuoted ? JSON.stringify(text) : text
  const found = new Diagnostics()
  const file = { path: `--set ${name}`, text: `let ${name} = ${written}` }
  const [decl, ...others] = parse(file, found).declarations
  if (found.hasErrors || others.length > 0 || decl?.kind !== "let-decl") return undefined
  const value = literalOf(decl.value)
  if (value?.kind !== own.kind) return undefined
  if (value.kind !== "number" || own.kind !== "number" || value.isInt === own.isInt) return decl.value
  // 2 is a value of 2.5's kind, not the other way round.
  if (value.isInt) return { ...value, isInt: false }
  // 1e9 is a whole number, written as people write large ones.
  return Number.isSafeInteger(value.value) && !value.text.includes(".")
    ? { ...value, isInt: true, text: String(value.value) }
    : undefined
}

function unknown(name: string, known: readonly string[]): Diagnostic {
  const near = nearest(name, known)
  const all = known.map((each) => `\`${each}\``).join(", ")
  return {
    code: "setting-unknown",
    severity: "error",
    message: `the program has no setting \`${visible(name)}\``,
    help:
      near !== undefined
        ? `did you mean \`${near}\`?`
        : known.length > 0
          ? `settings are ${all}`
          : "a setting is a `let` at the top of the file with a literal as its value: `let lr = 1e-3`",
  }
}

function computed({ name, value }: LetDecl): Diagnostic {
  return {
    code: "setting-computed",
    severity: "error",
    message: `\`${name.text}\` is computed, so it cannot be set`,
    primary: { span: value.span, text: "not a literal" },
    help: "set a constant that it is computed from, or write a number, a text, `true` or `false` here",
  }
}

function mistyped({ name }: LetDecl, own: Literal, text: string): Diagnostic {
  return {
    code: "setting-type",
    severity: "error",
    message: `\`${name.text}\` is ${kindOf(own)}, and \`--set\` gives it \`${visible(text)}\``,
    primary: { span: own.span, text: kindOf(own) },
    help:
      own.kind === "number" && own.isInt
        ? /^-?[\d.]/.test(text.trim())
          ? "a whole number has no fraction; where fractions are wanted, write `1.0` in place of `1` here"
          : `for instance \`--set ${name.text}=${own.text}\``
        : undefined,
  }
}

const kindOf = (literal: Literal): string =>
  literal.kind === "string"
    ? "a text"
    : literal.kind === "bool"
      ? "`true` or `false`"
      : literal.isInt
        ? "a whole number"
        : "a number"

export const settingCodes: CodePages = {
  "setting-unknown": {
    title: "there is no setting of that name",
    explanation: `\`--set name=value\` changes a \`let\` at the top of the program whose value is a literal. The message names the nearest
one. Names inside of layers, models and train sections, and those of imported files, are not settings.`,
  },
  "setting-computed": {
    title: "a constant that is computed cannot be set",
    explanation: `\`let hidden = 2 * width\` follows from \`width\`; set \`width\`. Only a \`let\` whose value is a number, a text, \`true\` or
\`false\` is a setting.`,
  },
  "setting-type": {
    title: "a setting is given a value of another kind",
    explanation: `The program was written for a value of one kind: \`let epochs = 20\` stays a whole number, \`let lr = 1e-3\` a number,
\`let activation = "relu"\` a text. A whole number is taken where a number with a fraction stands, not the other way round.`,
  },
}
