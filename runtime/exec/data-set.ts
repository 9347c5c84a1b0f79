/** runtime/exec: a data set -> its rows where programs find them: on the device as far as there is room, else in their files. */
import type { DataSpec, DrawSpec, FieldSpec } from "../bundle/format.js"
import { drawWeights } from "../data/draws.js"
import { bytesOfRow } from "../data/encoder.js"
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
  /** By train section: running sums of the weights by which training rows are drawn. */
  readonly weights: ReadonlyMap<string, Float64Array>
}

export interface HowToPlace {
  /** Left out: as there is room. */
  readonly placement?: Placement | undefined
  readonly room: DataRoom
  /** Rows of the largest batch that a program takes. */
  readonly batch: number
  /** How train sections draw rows, where they do. */
  readonly draws: ReadonlyMap<string, DrawSpec>
}

export async function openDataSet(
  device: Device,
  { name, fields, ...source }: DataSpec,
  open: OpenFile,
  { placement: wanted, room, batch, draws }: HowToPlace,
): Promise<DataSet> {
  const uses = usesOf(fields, source, [...draws.values()])
  const { train, val, test, leftOut } = await loadTables({ name, ...source }, open, uses)
  const counts = [train, val, test].map((part) => part?.rows.length ?? 0)
  const placement = wanted ?? placementFor(placementIn(room, fields, counts), fields, draws.size > 0)
  if (placement === "resident" && draws.size > 0)
    throw new RunError("bad-option", `rows of "${name}" that are drawn by weights cannot be resident`, {
      help: "they are brought together for the steps that take them: `--placement pieces` or `streamed`",
    })
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
    weights: new Map([...draws].map(([section, draw]) => [section, drawWeights(train, draw)])),
    train: await place(name, train),
    val: val && (await place(`${name}.val`, val)),
    test: test && (await place(`${name}.test`, test)),
  }
}

/** Drawn rows come to a stage, also where all are on the device. */
function placementFor(found: Placement, fields: readonly FieldSpec[], drawn: boolean): Placement {
  if (!drawn || found !== "resident") return found
  return fields.every((field) => isWhole(bytesOfRow(field))) ? "pieces" : "streamed"
}

/** Where nothing but the user asks for pieces, of each field there are several. */
function pieceBytes({ count, encoders }: RowGather, { buffer }: DataRoom, isAsked: boolean): number {
  const largest = Math.max(...encoders.map(({ bytes }) => bytes * count))
  return isAsked ? Math.min(buffer, Math.ceil(largest / PIECES)) : buffer
}
const PIECES = 3
