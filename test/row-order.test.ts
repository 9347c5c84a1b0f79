// The host finds the rows of a batch as devices do: by the meaning of the operation, of which it is another writing.
import fc from "fast-check"
import { expect, test } from "vitest"
import { shuffledRow } from "../compiler/ops/rows.js"
import { shuffledOrder } from "../runtime/data/row-order.js"

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const epoch = fc.integer({ min: 0, max: 2 ** 31 - 2 })

test("the order of rows is that of batch_rows", () =>
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
      word,
      epoch,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { minLength: 1, maxLength: 8 }),
      (rows, seed, epoch, places) => {
        const rowAt = shuffledOrder({ rows, seed, epoch })
        for (const part of places) {
          const place = Math.floor(part * rows)
          expect(rowAt(place)).toBe(shuffledRow(place, rows, seed, epoch))
        }
      },
    ),
  ))
