/** check: pairs of library functions that compute what is probably not meant, or compute it badly. Warnings. */
import type { Span } from "../source/source.js"
import type { Given } from "./args.js"
import type { Env } from "./env.js"
import { complain } from "./report.js"
import type { FnValue } from "./values.js"

interface Pair {
  readonly code: string
  readonly message: string
  readonly help: string
}

/** Consumer, then the producer of its first argument. */
const pairs: Readonly<Record<string, Readonly<Record<string, Pair>>>> = {
  cross_entropy: {
    softmax: {
      code: "softmax-twice",
      message: "`cross_entropy` takes logits and applies softmax itself; here softmax is applied twice",
      help: "give it the values before `softmax`",
    },
    log_softmax: {
      code: "softmax-twice",
      message: "`cross_entropy` takes logits and applies log_softmax itself",
      help: "give it the values before `log_softmax`, or use `nll`",
    },
  },
  bce: {
    sigmoid: {
      code: "sigmoid-then-bce",
      message: "`bce` after `sigmoid` loses precision where the sigmoid saturates",
      help: "use `bce_with_logits` on the values before `sigmoid`: the same loss in a stable form",
    },
  },
  bce_with_logits: {
    sigmoid: {
      code: "sigmoid-twice",
      message: "`bce_with_logits` takes logits and applies sigmoid itself; here sigmoid is applied twice",
      help: "give it the values before `sigmoid`, or use `bce`",
    },
  },
  log: {
    softmax: {
      code: "log-of-softmax",
      message: "`log` of `softmax` overflows where a probability underflows to 0",
      help: "use `log_softmax`: the same values in a stable form",
    },
  },
}

export function warnOfPair(env: Env, fn: FnValue, given: readonly Given[], span: Span): void {
  if (!fn.module.library || env.module.library) return
  const first = given[0]
  if (first?.value.kind !== "tensor" || first.value.madeBy === undefined) return
  const pair = pairs[fn.decl.name.text]?.[first.value.madeBy]
  if (!pair) return
  complain(env, {
    severity: "warning",
    code: pair.code,
    message: pair.message,
    span,
    label: `the result of \`${first.value.madeBy}\` comes in here`,
    help: pair.help,
  })
}
