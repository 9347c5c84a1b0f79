/** runtime/data: the values of the training rows, gathered by their position in a row: one list for each position. */
import { columnText } from "../table.js"
import type { TrainingRows } from "./stage.js"

export interface PlaceValues {
  /** The values in ascending order, without missing ones. */
  readonly sorted: Float64Array
  /** File and column, for messages. */
  readonly where: string
}

export function valuesByPlace({ table, rows, walk }: TrainingRows): PlaceValues[] {
  const places: { readonly values: Float64Array; count: number; readonly where: string }[] = []
  walk(({ values, width, columnAt }) => {
    for (let j = places.length; j < width; j++)
      places.push({
        values: new Float64Array(rows.length),
        count: 0,
        where: `${table.place}${columnText(columnAt(j))}`,
      })
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (Number.isNaN(value)) continue
      const place = places[i % width]!
      place.values[place.count++] = value
    }
  })
  return places.map(({ values, count, where }) => ({ sorted: values.subarray(0, count).sort(), where }))
}
