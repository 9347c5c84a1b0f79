/** runtime/exec: a data set -> its rows where programs find them: on the device as far as there is room, else in their files. */
import type { DataSpec } from "../bundle/format.js"
import { RowGather } from "../data/gather.js"
import { loadTables, type OpenFile, type Parts, type TableRows } from "../data/load.js"
import { usesOf } from "../data/uses.js"
import type { DataRoom, Device } from "../device/device.js"
import { RunError } from "../error.js"
import { isWhole, type PlacedRows, type Placement, placementIn, residentRows } from "./placed-rows.js"
import { rowsInPieces } from "./pieces.js"
import { streamedRows } from "./streamed.js"

export interface DataSet extends Parts<PlacedRows> {
  readonly placement: Placement
  /** Rows that take no part. */
  readonly leftOut: number
}

export interface HowToPlace {
  /** Left out: as there is room. */
  readonly placement?: Placement | undefined
  readonly room: DataRoom
  /** Rows of the largest batch that a program takes. */
  readonly batch: number
}

export async function openDataSet(
  device: Device,
  { name, fields, ...source }: DataSpec,
  open: OpenFile,
  { placement: wanted, room, batch }: HowToPlace,
): Promise<DataSet> {
  const { train, val, test, leftOut } = await loadTables({ name, ...source }, open, usesOf(fields, source))
  const counts = [train, val, test].map((part) => part?.rows.length ?? 0)
  const placement = wanted ?? placementIn(room, fields, counts)
  // Each part may have a stage.
  const size = { batch, most: room.all / counts.filter((count) => count > 0).length }
  const place = async (id: string, table: TableRows): Promise<PlacedRows> => {
    const from = await RowGather.open(fields, table)
    if (placement === "streamed") return streamedRows(device, id, from, size)
    if (placement === "resident") return residentRows(device, id, from)
    const half = from.encoders.find(({ bytes }) => !isWhole(bytes))
    if (half)
      throw new RunError(
        "bad-option",
        `data set "${name}" cannot lie in pieces: a row of "${half.name}" is an odd number of halves`,
      )
    return rowsInPieces(device, id, from, size, pieceBytes(from, room, wanted !== undefined))
  }
  return {
    placement,
    leftOut,
    train: await place(name, train),
    val: val && (await place(`${name}.val`, val)),
    test: test && (await place(`${name}.test`, test)),
  }
}

/** Where nothing but the user asks for pieces, of each field there are several. */
function pieceBytes({ count, encoders }: RowGather, { buffer }: DataRoom, isAsked: boolean): number {
  const largest = Math.max(...encoders.map(({ bytes }) => bytes * count))
  return isAsked ? Math.min(buffer, Math.ceil(largest / PIECES)) : buffer
}
const PIECES = 3
