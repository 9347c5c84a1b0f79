/** check: modules -> the meaning of each name at the top of a file.
 *  Guarantees: a module sees its own declarations, its imports, the library and the built-ins; among a program's declarations and
 *              imports a name has one meaning: two declarations of one name in sight are reported (`name-shadowed`, `name-twice`).
 *              They may take a name of the library, which itself goes on with its own.
 *  Not here:   names inside bodies (scope.ts). */
import type { Declaration, LetDecl, ModelDecl, Module, Name } from "../ir/ast/types.js"
import type { Diagnostic, Diagnostics } from "../source/diagnostic.js"
import type { Span } from "../source/source.js"
import type { Follower } from "./env.js"
import { meantName } from "./report.js"
import { BUILTINS } from "./builtins.js"
import { ERROR, type Value } from "./values.js"

/** The meaning of a name at the top of a file. The value of a `let` is computed when first asked for. */
export type Global =
  | { readonly kind: "value"; readonly value: Value; readonly span?: Span; readonly library: boolean }
  | { readonly kind: "let"; readonly decl: LetDecl; readonly module: ModuleScope; readonly library: boolean }
  | {
      readonly kind: "data" | "train"
      readonly span: Span
      readonly library: boolean
      readonly decl: Declaration
    }

export interface ModuleScope {
  readonly module: Module
  readonly library: boolean
  readonly names: Map<string, Global>
  /** The meaning of names in the library, whatever the module declares. */
  readonly libraryNames: ReadonlyMap<string, Global>
  /** Names that an import of a whole file has taken from the library, and that import. */
  readonly takenByImport: Map<string, Span>
  /** Values of its `let`s, once computed. */
  readonly constants: Map<LetDecl, Value | "computing">
}
export interface Modules {
  readonly main: ModuleScope
  /** By name. */
  readonly followers: Map<string, Follower>
  readonly all: readonly ModuleScope[]
}
/** Parses the file that an import names; undefined when there is no such file. */
export type Load = (path: string, from: string) => Module | undefined

export function resolveModules(
  main: Module,
  stdlib: readonly Module[],
  load: Load,
  diagnostics: Diagnostics,
): Modules {
  const library = new Map<string, Global>()
  for (const name of BUILTINS) library.set(name, { kind: "value", value: builtin(name), library: true })
  const libraryScopes = stdlib.map((module): ModuleScope => ({
    module,
    library: true,
    names: library,
    libraryNames: library,
    takenByImport: new Map(),
    constants: new Map(),
  }))
  for (const scope of libraryScopes) declare(scope, diagnostics)
  const scopes = new Map<Module, ModuleScope>()
  const followers = new Map<string, Follower>()
  const open = (module: Module): ModuleScope => {
    const known = scopes.get(module)
    if (known) return known
    const scope: ModuleScope = {
      module,
      library: false,
      names: new Map(library),
      libraryNames: library,
      takenByImport: new Map(),
      constants: new Map(),
    }
    scopes.set(module, scope)
    declare(scope, diagnostics)
    for (const i of module.imports) {
      const imported = load(i.path, module.span.file.path)
      if (!imported) {
        diagnostics.add({
          code: "import-missing",
          severity: "error",
          message: `there is no file \`${i.path}\` to import`,
          primary: { span: i.span, text: `looked for beside ${module.span.file.path}` },
          help: "the path is relative to the file that imports",
        })
        unknownNames(scope, i.names ?? [])
        continue
      }
      importNames(scope, open(imported), i.names, i.span, diagnostics)
    }
    for (const decl of module.declarations)
      if (decl.kind === "model" && decl.follows) follow(scope, decl, followers, diagnostics)
    return scope
  }
  const mainScope = open(main)
  return { main: mainScope, followers, all: [...libraryScopes, ...scopes.values()] }
}

const builtin = (name: string): Value => (name === "op" ? { kind: "ops" } : { kind: "builtin", name })

/** Its own declarations, by name. */
function declare(scope: ModuleScope, diagnostics: Diagnostics): void {
  const own = new Map<string, Span>()
  for (const decl of scope.module.declarations) {
    if (!scope.library) parametersTwice(decl, diagnostics)
    const { text, span } = decl.name ?? { text: "", span: headOf(decl) }
    const before = own.get(text)
    if (before) {
      twice(text === "" ? "a `train` without a name" : `\`${text}\``, span, before, diagnostics)
      continue
    }
    if (decl.name === undefined) {
      own.set(text, span)
      continue
    }
    own.set(text, span)
    put(scope, text, globalOf(scope, decl), span, diagnostics)
  }
}

/** The first word of a `train` without a name. */
const headOf = ({ span }: Declaration): Span => ({ ...span, end: span.start + "train".length })

/** Configuration, inputs and the names of an optimizer share one scope. */
function parametersTwice(decl: Declaration, diagnostics: Diagnostics): void {
  const params = "params" in decl ? decl.params : "config" in decl ? decl.config : []
  const inputs = "inputs" in decl ? decl.inputs : []
  const names = [...params, ...inputs].map(({ name }) => name)
  if (decl.kind === "optimizer") names.push(decl.parameter, decl.gradient)
  const own = new Map<string, Span>()
  for (const { text, span } of names) {
    const before = own.get(text)
    if (before) twice(`the parameter \`${text}\``, span, before, diagnostics)
    own.set(text, span)
  }
}

function twice(what: string, span: Span, before: Span, diagnostics: Diagnostics): void {
  diagnostics.add({
    code: "name-twice",
    severity: "error",
    message: `${what} is declared twice${what.startsWith("the") ? "" : " in this file"}`,
    primary: { span, text: "again here" },
    related: [{ span: before, text: "first declared here" }],
    help: "give one of them another name",
  })
}

function globalOf(scope: ModuleScope, decl: Declaration): Global {
  const { library } = scope
  switch (decl.kind) {
    case "let-decl":
      return { kind: "let", decl, module: scope, library }
    case "data":
    case "train":
      return { kind: decl.kind, decl, span: decl.name?.span ?? decl.span, library }
    case "fn":
      return { kind: "value", value: { kind: "fn", decl, module: scope }, span: decl.name.span, library }
    case "layer":
      return { kind: "value", value: { kind: "layer", decl, module: scope }, span: decl.name.span, library }
    case "model":
      return { kind: "value", value: { kind: "model", decl, module: scope }, span: decl.name.span, library }
    case "optimizer":
      return {
        kind: "value",
        value: { kind: "optimizer", decl, module: scope },
        span: decl.name.span,
        library,
      }
  }
}

/** Makes the name of a model that follows another stand for a model with the signature and body of that one. */
function follow(
  scope: ModuleScope,
  decl: ModelDecl,
  followers: Map<string, Follower>,
  diagnostics: Diagnostics,
  open: readonly string[] = [],
): void {
  const { name, follows } = decl
  const own = scope.names.get(name.text)
  if (!follows || followers.has(name.text) || own?.kind !== "value" || own.value.kind === "error") return
  const { leader, by } = follows
  const put = (value: Value): void => void scope.names.set(name.text, { ...own, value })
  const refuse = (message: string, label: string, help: Pick<Diagnostic, "help" | "fix">): void => {
    put(ERROR)
    diagnostics.add({
      code: "follows-model",
      severity: "error",
      message,
      primary: { span: leader.span, text: label },
      ...help,
    })
  }
  if (leader.text === name.text || open.includes(leader.text)) {
    refuse(`\`${name.text}\` follows itself`, "leads back to it", {
      help: "let one of them be a model with a body of its own",
    })
    return
  }
  const next = scope.module.declarations.find((d) => d.kind === "model" && d.name.text === leader.text)
  if (next?.kind === "model") follow(scope, next, followers, diagnostics, [...open, name.text])
  const found = scope.names.get(leader.text)
  const value = found?.kind === "value" ? found.value : undefined
  if (value?.kind === "error") put(ERROR)
  else if (value?.kind !== "model") {
    const models = [...scope.names].flatMap(([text, g]) =>
      g.kind === "value" && g.value.kind === "model" && !g.value.decl.follows ? [text] : [],
    )
    refuse(
      found
        ? `a model follows a model, and \`${leader.text}\` is none`
        : `there is no model \`${leader.text}\``,
      found ? "no model" : "not declared",
      meantName(leader.text, leader.span, models) ?? {
        help:
          models.length > 0
            ? `declared are ${models.join(", ")}`
            : "declare it: `model Online(x: f32[B, 4]) { ... }`",
      },
    )
  } else {
    const { inputs, result, body } = value.decl
    put({ ...value, decl: { ...decl, inputs, body, ...(result && { result }) } })
    followers.set(name.text, { leader: value.decl.name.text, by, module: scope })
  }
}

export const isBuiltin = (g: Global): boolean =>
  g.kind === "value" && (g.value.kind === "builtin" || g.value.kind === "ops")

export const placeOf = (g: Global): Span | undefined => (g.kind === "let" ? g.decl.name.span : g.span)

function put(scope: ModuleScope, name: string, global: Global, span: Span, diagnostics: Diagnostics): void {
  const before = scope.names.get(name)
  const taken = before?.library === true && !global.library && !isBuiltin(before)
  if (before && before !== global && !taken) {
    const place = placeOf(before)
    diagnostics.add({
      code: "name-shadowed",
      severity: "error",
      message: isBuiltin(before) ? `\`${name}\` is built in` : `\`${name}\` is already declared`,
      primary: { span, text: "this would hide it" },
      ...(place && { related: [{ span: place, text: "the other one" }] }),
      help: "a name is never silently shadowed: choose another",
    })
  }
  scope.names.set(name, global)
}

/** Names of which it was said that nothing declares them: where they are used there is nothing to add. */
function unknownNames(scope: ModuleScope, names: readonly Name[]): void {
  for (const { text } of names)
    if (!scope.names.has(text)) scope.names.set(text, { kind: "value", value: ERROR, library: false })
}

function importNames(
  into: ModuleScope,
  from: ModuleScope,
  names: readonly Name[] | undefined,
  span: Span,
  diagnostics: Diagnostics,
): void {
  const own = from.module.declarations
    .filter((d) => d.kind !== "train")
    .flatMap((d) => (d.name ? [d.name.text] : []))
  if (!names) {
    for (const name of own) {
      if (into.names.get(name)?.library) into.takenByImport.set(name, span)
      put(into, name, from.names.get(name)!, span, diagnostics)
    }
    return
  }
  for (const name of names) {
    if (own.includes(name.text)) {
      put(into, name.text, from.names.get(name.text)!, name.span, diagnostics)
      continue
    }
    unknownNames(into, [name])
    diagnostics.add({
      code: "import-name",
      severity: "error",
      message: `${from.module.span.file.path} declares no \`${name.text}\``,
      primary: { span: name.span, text: "not found there" },
      ...(meantName(name.text, name.span, own) ?? {
        help: `it declares ${own.map((n) => `\`${n}\``).join(", ") || "nothing"}`,
      }),
    })
  }
}
