/** check: warnings about settings of an optimizer that are too large or too small to be of use. */
import type { Given } from "../args.js"
import type { Env } from "../env.js"
import { complain } from "../report.js"
import { isNumber, type Value } from "../values.js"
import { sameValue } from "./flow.js"

/** Optimizers that move a parameter by about the rate, whatever the size of its gradient. */
const BY_THE_RATE = new Set(["Adam", "AdamW", "RMSProp", "Lion"])
/** Others that have a rate, and from where on it is of no use. */
const LARGE: Readonly<Record<string, number>> = { SGD: 10, Adagrad: 5 }
/** Two f32 numbers near 1 differ by this at least. */
const SMALLEST_STEP = 6e-8
/** The smallest rate that is no mistake: gradients may be large, and a parameter moves by the rate times them. */
const SMALLEST_RATE = 1e-9
/** Optimizers that shrink a parameter by the rate times the decay; the others add the decay to its gradient. */
const DECOUPLED = new Set(["AdamW", "Lion", "Muon", "Adafactor"])

/** A number to three digits. */
const short = (value: number): string => String(Number(value.toPrecision(3)))

/** To be called with the settings as they are given; schedules among them have been called in the section of `env`. */
export function warnOfRates(env: Env, optimizer: string, given: ReadonlyMap<string, Given>): void {
  const [lr, decay] = [given.get("lr"), given.get("weight_decay")]
  const rate = lr && rateOf(env, lr)
  if (rate) warnOfRate(env, optimizer, rate)
  if (decay) warnOfDecay(env, optimizer, decay, rate?.value)
}

interface Rate {
  readonly value: number
  readonly span: Given["span"]
}

/** A number, or the one that a schedule begins with or goes up to. */
function rateOf(env: Env, { value, span }: Given): Rate | undefined {
  if (isNumber(value)) return { value: value.value, span }
  const schedule = env.section.done.find(({ result }) => sameValue(result, value))
  const peak: Value | undefined = schedule?.args.get("peak") ?? schedule?.args.get("lr")
  const at = schedule?.given.get("peak") ?? schedule?.given.get("lr")
  return peak && isNumber(peak) && at ? { value: peak.value, span: at.span } : undefined
}

function warnOfRate(env: Env, optimizer: string, { value, span }: Rate): void {
  const byRate = BY_THE_RATE.has(optimizer)
  const usual = byRate ? "0.0001 to 0.01" : "0.001 to 0.5"
  if (value >= (byRate ? 0.5 : (LARGE[optimizer] ?? Infinity)))
    complain(env, {
      severity: "warning",
      code: "rate-large",
      message: byRate
        ? `with a rate of ${value}, \`${optimizer}\` moves every parameter by about ${value} in each step`
        : `with a rate of ${value}, \`${optimizer}\` moves every parameter by ${value} times its gradient in each step`,
      span,
      label: byRate ? "far more than parameters are large" : "far beyond what such steps can use",
      help: `rates of it are ${usual} mostly`,
      ...(byRate && { fix: { span, replacement: "0.001" } }),
      ...(optimizer === "SGD" && { fix: { span, replacement: "0.1" } }),
    })
  // Who writes 0 wants a step that changes nothing.
  else if (value > 0 && value < (byRate ? SMALLEST_STEP : SMALLEST_RATE))
    complain(env, {
      severity: "warning",
      code: "rate-small",
      message: `with a rate of ${value}, \`${optimizer}\` ${byRate ? "moves every parameter by about that in each step" : "hardly moves a parameter"}: f32 numbers near 1 are ${SMALLEST_STEP} apart`,
      span,
      label: "nothing is learned",
      help: `rates of it are ${usual} mostly`,
      fix: { span, replacement: byRate ? "0.001" : "0.1" },
    })
}

function warnOfDecay(env: Env, optimizer: string, { value, span }: Given, rate = 0.001): void {
  if (!isNumber(value)) return
  const decay = value.value
  const decoupled = DECOUPLED.has(optimizer)
  if (decoupled ? decay * rate < 0.01 : decay < 1) return
  complain(env, {
    severity: "warning",
    code: "decay-large",
    message: decoupled
      ? `a decay of ${decay} takes ${short(100 * decay * rate)} % off every parameter in each step, ${short(100 * (1 - (1 - Math.min(decay * rate, 1)) ** 100))} % in 100 steps`
      : `a decay of ${decay} adds ${decay} times every parameter to its gradient, which is more than the loss does mostly`,
    span,
    label: "parameters are held near 0",
    help: "decays are 0.0001 to 0.1 mostly",
    fix: { span, replacement: "0.01" },
  })
}
