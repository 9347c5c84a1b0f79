/** runtime/data: whether integers that a program uses as indices are inside of the axes that they index.
 *  Kernels clamp indices and so never read outside of a buffer; a wrong one would only give a wrong result. Here it is refused. */
import type { FieldSpec, IndexBoundSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import type { Numbers } from "../exec/values.js"
import { ruleOf } from "./stages/index.js"

type Bounds = NonNullable<FieldSpec["bounds"]>

/** Checks rows one after another; `where` names the place of a value. */
export function checkBounds(
  values: Numbers,
  width: number,
  bounds: Bounds,
  where: (index: number) => string,
): void {
  for (let i = 0; i < values.length; i++) {
    const bound = bounds.length === 1 ? bounds[0]! : bounds[i % width]!
    if (bound && !inside(values[i]!, bound)) refuse(values[i]!, bound, where(i))
  }
}

/** Refuses a field whose numbers may be larger than the axis that they index, whether or not they are in these rows. */
export function checkCounts({ name, stages, bounds = [] }: FieldSpec): void {
  for (const stage of stages) {
    const counted = ruleOf(stage).count?.(stage)
    const bound = counted && bounds.find((each) => each !== null && each.below < counted.count)
    if (bound)
      throw new RunError(
        "data-index",
        `${counted.by} numbers ${counted.count} tokens, and ${bound.at} uses "${name}" to pick one of ${bound.below}`,
        { help: `make room for ${counted.count} there` },
      )
  }
}

const inside = (value: number, { below, or }: IndexBoundSpec): boolean =>
  (Number.isInteger(value) && value >= 0 && value < below) || value === or

function refuse(value: number, { below, or, at }: IndexBoundSpec, where: string): never {
  const range = `0 to ${below - 1}${or === null || (or >= 0 && or < below) ? "" : ` or ${or}`}`
  throw new RunError("data-index", `${where}: ${value} is not one of ${range}`, {
    help: `${at} uses it to pick one of ${below}`,
  })
}
