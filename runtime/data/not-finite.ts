/** runtime/data: the error for a value that is no finite number. */
import { RunError } from "../error.js"

export function notFinite(where: string, value: number): never {
  throw new RunError("data-not-a-number", `${where}: ${value} is not a finite number`, {
    help: Number.isNaN(value)
      ? "drop the row, or fill the cell: `|> fill(median)`"
      : "drop the row, or replace the value",
  })
}
