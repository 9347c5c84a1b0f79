/** check: where elaboration stands: the run as a whole (`Cx`) and one place in it (`Env`).
 *  An `Env` is never changed; a callee, a body or a loop iteration gets a copy with other fields. */
import type {
  DataDecl,
  Declaration,
  Expr,
  FnDecl,
  LayerDecl,
  ModelDecl,
  OptimizerDecl,
} from "../ir/ast/types.js"
import type { Slot, Weights } from "../ir/model/types.js"
import type { Origin } from "../ir/origin.js"
import type { TensorType } from "../ir/tensor.js"
import type { Given } from "./args.js"
import type { Signature } from "./dims.js"
import type { DropoutUse } from "./dropout.js"
import type { Diagnostics } from "../source/diagnostic.js"
import { formatSpan, type SourceFile, type Span, spanText } from "../source/source.js"
import type { ModuleScope } from "./resolve.js"
import type { Counting } from "./run-length.js"
import { newScope, type Scope } from "./scope.js"
import type { SectionState } from "./section.js"
import type { Unread } from "./unread.js"
import type { Watch } from "./watch.js"
import type { Instance, TensorValue } from "./values.js"

/** One check of one program. */
export interface Cx {
  readonly diagnostics: Diagnostics
  /** Code and place of each reported diagnostic, since bodies are elaborated several times. */
  readonly reported: Set<string>
  readonly stdlib: ReadonlySet<SourceFile>
  readonly unread: Unread
  readonly watch?: Watch | undefined
  /** By name, in order of declaration. */
  readonly slots: Map<string, SlotEntry>
  /** The fields that some section reads, of data sets that sections train on. */
  readonly fields: Map<DataDecl, { readonly env: Env; readonly used: Set<string> }>
  /** Parameters that a section reads and does not move, and the place that a warning of them starts from. */
  readonly idle: Map<string, Env>
  /** Models that follow others, by name. */
  readonly followers: Map<string, Follower>
  /** Models that are carried out for their slots alone. */
  readonly making: ReadonlySet<ModelDecl>
  /** Weights by the model or parameter that they are for. */
  readonly weights: Map<string, Weights>
  /** By path. */
  readonly instances: Map<string, Instance>
  /** The sizes of the first call of each model, for `predict`. */
  readonly modelCalls: Map<ModelDecl, Signature>
  /** Declarations whose body was carried out at least once. */
  readonly elaborated: Set<Declaration>
  /** Those of them that some training step runs through. */
  readonly trained: Set<Declaration>
  readonly dropouts: Map<Span, DropoutUse>
  /** Schedules and averages that count steps, by place. */
  readonly counting: Map<string, Counting>
  /** Data sets of which it is not known whether rows are held back. */
  readonly splitUnknown: Set<string>
  readonly positions: Map<Span, string>
}
export interface Follower {
  /** The name of the model that it follows. */
  readonly leader: string
  /** The expression behind `by`, and its module. */
  readonly by: Expr
  readonly module: ModuleScope
}
export interface SlotEntry {
  readonly slot: Slot
  /** The span of the name in its declaration. */
  readonly span: Span
  /** The user's line that made it: the declaration itself, or the call that leads to it. */
  readonly user: Span
}

/** A call being elaborated, and the calls around it. */
export interface Frame {
  readonly decl: FnDecl | LayerDecl | ModelDecl | OptimizerDecl
  /** The call, and the names in sight there. */
  readonly span: Span
  readonly caller: Scope
  /** Its arguments as they are written, by the names of the parameters. */
  readonly given: ReadonlyMap<string, Given>
  readonly parent?: Frame
}

/** Names for the parts made inside one call of an instance; a second call starts over and finds the same slots. */
export interface Naming {
  /** `Classifier.linear.0`; empty in a train section. */
  readonly path: string
  /** How many anonymous instances of a layer there are so far, and which names are taken. */
  readonly counts: Map<string, number>
  readonly taken: Set<string>
}
export const newNaming = (path: string): Naming => ({ path, counts: new Map(), taken: new Set() })
export const under = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`)

export interface Optimizing {
  /** Path of the parameter, and the name it has in the body. */
  readonly param: string
  readonly name: string
  readonly type: TensorType
  /** The value of `p <- ...`. */
  updated?: TensorValue
  /** There was a `p <- ...`, and it was wrong. */
  failed?: boolean
}

export interface Env {
  readonly cx: Cx
  readonly module: ModuleScope
  readonly scope: Scope
  readonly section: SectionState
  readonly naming: Naming
  /** Iterations of the loops around this place, within one body. */
  readonly iterations: readonly number[]
  readonly frame?: Frame | undefined
  /** Added to the count of updates when the name `step` is read: 1 in an optimizer's body. */
  readonly stepsFrom: 0 | 1
  /** In the block of a scan, and in its calls: the number of the iteration, and how many there are. */
  readonly loop?:
    { readonly iteration: TensorValue; readonly iterations: number; readonly span: Span } | undefined
  /** The parameter for which the body of an optimizer is elaborated. */
  readonly optimizing?: Optimizing | undefined
  /** In a body that is called `with` given parameters: the tensors that replace its slots, by the names of the slots. */
  readonly replaced?: ReadonlyMap<string, TensorValue> | undefined
}

/** The environment at the top of a module: nothing is called, and statements belong to `section`. */
export const topEnv = (cx: Cx, module: ModuleScope, section: SectionState): Env => ({
  cx,
  module,
  scope: newScope(),
  section,
  naming: newNaming(""),
  iterations: [],
  frame: undefined,
  stepsFrom: 0,
  loop: undefined,
  optimizing: undefined,
})

/** The environment of a callee's body: a new scope, in the module that declares it. */
export const calleeEnv = (env: Env, module: ModuleScope, frame: Frame, naming = env.naming): Env => ({
  cx: env.cx,
  module,
  scope: newScope(),
  section: env.section,
  naming,
  iterations: [],
  frame,
  stepsFrom: env.stepsFrom,
  loop: env.loop,
  replaced: env.replaced,
  optimizing: undefined,
})

/** A call about to be elaborated in `env`. */
export const frameOf = (
  env: Env,
  decl: Frame["decl"],
  span: Span,
  given: ReadonlyMap<string, Given>,
): Frame => ({ decl, span, given, caller: env.scope, ...(env.frame && { parent: env.frame }) })

/** The place in the user's own files that `span` belongs to: itself, or the call that leads into the library. */
export function userSpan(env: Env, span: Span): Span {
  let at = span
  for (let f = env.frame; f && env.cx.stdlib.has(at.file); f = f.parent) at = f.span
  return at
}

/** The names in sight at `userSpan`. */
export function userScope(env: Env, span: Span): Scope {
  let [at, scope] = [span, env.scope]
  for (let f = env.frame; f && env.cx.stdlib.has(at.file); f = f.parent) [at, scope] = [f.span, f.caller]
  return scope
}

export function originAt(env: Env, span: Span): Origin {
  const user = userSpan(env, span)
  let at = env.cx.positions.get(user)
  if (at === undefined) env.cx.positions.set(user, (at = formatSpan(user)))
  const inside = env.naming.path || env.frame?.decl.name.text
  return { at, ...(inside && { in: inside }) }
}

/** Where the user wrote the argument that a name in the text of a declaration stands for. The library hands its arguments on
 *  from function to function by their names. */
export function writtenAt(env: Env, name: Span): Span | undefined {
  let at = name
  for (let { frame } = env; frame; frame = frame.parent) {
    const given = frame.given.get(spanText(at))
    if (!given) return undefined
    at = given.span
    if (!env.cx.stdlib.has(at.file)) return at
  }
  return undefined
}

/** The name of a declaration in messages: private ones of the library go by the name of the public one that called them. */
export function shownName(env: Env, { name }: Frame["decl"]): string {
  if (!name.text.startsWith("_") || !env.cx.stdlib.has(name.span.file)) return name.text
  let { frame } = env
  while (frame?.parent && frame.decl.name.text.startsWith("_")) frame = frame.parent
  return frame ? frame.decl.name.text : name.text
}

/** The name of the user's callee, where the library is being elaborated. */
export function calledName({ cx, frame }: Env): string | undefined {
  let outer = frame
  while (outer && cx.stdlib.has(outer.span.file)) outer = outer.parent
  return outer && cx.stdlib.has(outer.decl.name.span.file) ? outer.decl.name.text : undefined
}

/** For a model that follows another, the slot that a slot of its own follows. */
export function followed({ followers }: Cx, name: string): string | undefined {
  const dot = name.indexOf(".")
  const follower = followers.get(name.slice(0, dot))
  return follower && follower.leader + name.slice(dot)
}

/** The slot that one follows in the end; itself where it follows none. */
export function rootOf(cx: Cx, name: string): string {
  const next = followed(cx, name)
  return next === undefined ? name : rootOf(cx, next)
}
