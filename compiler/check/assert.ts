/** check: `assert` and `error`: messages by the authors of layers and of the library. The message appears where the user
 *  called, and the mark at the argument that is to blame, where the author names one with `at`. */
import type { Label } from "../source/diagnostic.js"
import { type Span, spanText } from "../source/source.js"
import type { Given } from "./args.js"
import { writtenAt, type Env, type Frame } from "./env.js"
import { complain, wrongType } from "./report.js"
import * as v from "./values.js"
import type { Value } from "./values.js"

/** `assert(condition, "message", at: argument, help: "text", instead: value)`, and `error` without the condition. `instead` is a value
 *  that the argument could have: the help offers it, and where the argument is written as a constant it is the repair. */
export function callAssert(env: Env, name: "assert" | "error", given: readonly Given[], span: Span): Value {
  const plain = given.filter((g) => g.name === undefined)
  const [at, help, instead] = ["at", "help", "instead"].map((word) => given.find((g) => g.name === word))
  const other = given.find((g) => g.name !== undefined && g !== at && g !== help && g !== instead)
  const [condition, message, more] = name === "assert" ? plain : [undefined, ...plain]
  if (other || !message || more || (name === "assert" && !condition))
    return complain(env, {
      code: plain.length > 2 ? "too-many-arguments" : other ? "argument-unknown" : "argument-missing",
      message: other
        ? `\`${name}\` has no argument \`${other.name}\``
        : `\`${name}\` takes ${name === "assert" ? "a condition and a text" : "a text"}, and got ${plain.length} ${plain.length === 1 ? "argument" : "arguments"}`,
      span: other?.nameSpan ?? span,
      label: other ? "not one of its arguments" : `${plain.length} given`,
      help: `it is \`${name}(${name === "assert" ? "condition, " : ""}"message", at: argument, help: "text", instead: value)\``,
    })
  if (condition && condition.value.kind !== "bool")
    return wrongType(env, name, "a condition known when compiling", condition)
  for (const text of [message, help])
    if (text && text.value.kind !== "string") return wrongType(env, name, "a text", text)
  if (condition?.value.kind === "bool" && condition.value.value) return v.NONE
  return refuse(env, textOf(message), at, help && textOf(help), span, instead && constantText(instead.value))
}

/** A constant as a program writes it; undefined for `none` and for other values. */
function constantText(value: Value): string | undefined {
  if (value.kind === "int" || value.kind === "float") return String(value.value)
  return value.kind === "string" ? JSON.stringify(value.value) : undefined
}

const textOf = ({ value }: Given): string => (value.kind === "string" ? value.value : "")

function refuse(
  env: Env,
  message: string,
  at: Given | undefined,
  help: string | undefined,
  span: Span,
  instead: string | undefined,
): Value {
  let { frame } = env
  if (!frame) return complain(env, { code: "assert", message, span, label: "does not hold", help })
  const blamed = at && writtenAt(env, at.span)
  // The user's call, not the inner function that noticed.
  while (frame.parent && env.cx.stdlib.has(frame.span.file)) frame = frame.parent
  const name = frame.decl.name.text
  const { frame: _, ...caller } = env
  return complain(caller, {
    code: "assert",
    message: `${name}: ${message}`,
    span: blamed ?? frame.span,
    label: at && blamed ? v.describe(at.value) : `\`${name}\` refuses this`,
    related: [
      // Sizes and tensors are wrong beside others; a text or a share is wrong by itself.
      ...(at && /^(tensor|int|dim|list)$/.test(at.value.kind) ? others(frame, blamed) : []),
      ...(env.cx.stdlib.has(span.file) ? [] : [{ span, text: "checked here" }]),
    ],
    help: help ?? (instead === undefined ? undefined : `did you mean ${instead}?`),
    ...(blamed &&
      instead !== undefined &&
      isConstant(blamed) && { fix: { span: blamed, replacement: instead } }),
  })
}

/** A number or a text as it stands in the program; a name stands for more places than this one. */
const isConstant = (span: Span): boolean => /^(-?[\d.]|"|(true|false)$)/.test(spanText(span))

/** The other tensors of the call, which the blamed one does not suit. */
const others = (frame: Frame, blamed: Span | undefined): Label[] =>
  blamed === undefined
    ? []
    : [...frame.given].flatMap(([name, { span, value }]) =>
        value.kind === "tensor" && span.start !== blamed.start
          ? [{ span, text: `\`${name}\` is ${v.describe(value)}` }]
          : [],
      )
