/** runtime/data: `log` and `log1p`: the natural logarithm of x, and of 1 + x. */
import type { FittedStage } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { asWritten, type Fitting, type StageRule } from "./stage.js"

type Log = Extract<FittedStage, { readonly kind: "log" }>
type Log1p = Extract<FittedStage, { readonly kind: "log1p" }>

export const log: Fitting<Log> & StageRule<Log> = {
  ...asWritten,
  ...logarithm({ of: Math.log, back: Math.exp, above: 0, help: "counts that may be 0 take `log1p`" }),
}
export const log1p: Fitting<Log1p> & StageRule<Log1p> = {
  ...asWritten,
  ...logarithm({
    of: Math.log1p,
    back: Math.expm1,
    above: -1,
    help: "`clip(0, ...)` before it holds values at 0",
  }),
}

interface Logarithm {
  readonly of: (value: number) => number
  readonly back: (value: number) => number
  readonly above: number
  readonly help: string
}

function logarithm({ of, back, above, help }: Logarithm): Pick<StageRule<Log | Log1p>, "apply" | "undo"> {
  return {
    apply({ kind }, values, _, where) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!
        if (value <= above)
          throw new RunError(
            "data-range",
            `${where(i)}: ${value} has no ${kind}, which is of numbers above ${above}`,
            {
              help,
            },
          )
        values[i] = of(value)
      }
      return values
    },
    undo(_, values) {
      for (let i = 0; i < values.length; i++) values[i] = back(values[i]!)
      return values
    },
  }
}
