/** runtime/exec: data sets -> their rows where programs find them: on the device as far as there is room, else in their files. */
import { besidePrefix, type DataSpec, type DrawSpec } from "../bundle/format.js"
import { drawWeights } from "../data/draws.js"
import { bytesOfRow } from "../data/encoder.js"
import { RowGather } from "../data/gather.js"
import { type Loaded, loadTables, type OpenFile, type Parts, type TableRows } from "../data/load.js"
import type { Part } from "../data/shares.js"
import { usesOf } from "../data/uses.js"
import type { DataRoom, Device } from "../device/device.js"
import { RunError } from "../error.js"
import {
  isWhole,
  type PlacedRows,
  type Placement,
  placementIn,
  residentRows,
  type SetSize,
} from "./placed-rows.js"
import { storeInPieces } from "./pieces.js"
import { stagedRows, stageRows, type StageSize, type StoredRows } from "./staged.js"
import { streamedStore } from "./streamed.js"

export interface DataSet extends Parts<PlacedRows> {
  readonly placement: Placement
  /** Rows that take no part. */
  readonly leftOut: number
  /** Training rows of the sets beside the one that leads. */
  readonly beside: ReadonlyMap<string, number>
  /** By train section: running sums of the weights by which training rows are drawn. */
  readonly weights: ReadonlyMap<string, Float64Array>
}

export interface HowToPlace {
  /** Left out: as there is room. */
  readonly placement?: Placement | undefined
  readonly room: DataRoom
  /** Rows of the largest batch that a program takes. */
  readonly batch: number
  /** How train sections draw rows of the set that leads, where they do. */
  readonly draws: ReadonlyMap<string, DrawSpec>
}

/** A data set whose tables are read. */
interface ReadSet {
  readonly spec: Pick<DataSpec, "name" | "fields">
  readonly tables: Loaded
}

/** The first set leads, the others give as many rows to every call as it does. */
export async function openDataSet(
  device: Device,
  specs: readonly [DataSpec, ...DataSpec[]],
  open: OpenFile,
  how: HowToPlace,
): Promise<DataSet> {
  const { draws } = how
  const read = async (spec: DataSpec, own: readonly DrawSpec[]): Promise<ReadSet> => {
    const { name, fields, ...source } = spec
    return { spec, tables: await loadTables({ name, ...source }, open, usesOf(fields, source, own)) }
  }
  const [first, ...others] = specs
  const lead = await read(first, [...draws.values()])
  const beside = await Promise.all(others.map((spec) => read(spec, [])))
  const sets = [lead, ...beside] as const
  const placement = placementOf(sets, how)
  const { train, val, test } = lead.tables
  const place =
    placement === "resident" ? residentPart(device, lead.spec) : stagedPart(device, sets, placement, how)
  return {
    placement,
    leftOut: sets.reduce((sum, { tables }) => sum + tables.leftOut, 0),
    beside: new Map(beside.map(({ spec, tables }) => [spec.name, tables.train.rows.length])),
    weights: new Map([...draws].map(([section, draw]) => [section, drawWeights(train, draw)])),
    train: await place("train", train),
    val: val && (await place("val", val)),
    test: test && (await place("test", test)),
  }
}

type PlacePart = (part: Part, rows: TableRows) => Promise<PlacedRows>

const residentPart =
  (device: Device, { name, fields }: ReadSet["spec"]): PlacePart =>
  async (part, rows) =>
    residentRows(device, idOf(name, part), await RowGather.open(fields, rows))

/** Parts with the same rows of a set share their store. */
function stagedPart(
  device: Device,
  sets: readonly [ReadSet, ...ReadSet[]],
  placement: Exclude<Placement, "resident">,
  { placement: wanted, room, batch }: HowToPlace,
): PlacePart {
  const [lead] = sets
  const counts = countsOf(lead.tables)
  const row = sets.flatMap(({ spec }) => spec.fields).reduce((sum, field) => sum + bytesOfRow(field), 0)
  // Each part may have a stage.
  const size: StageSize = { batch, most: room.all / counts.length }
  const most = stageRows(Math.max(...counts), row, size)
  const storeOf = async (
    { fields, name }: ReadSet["spec"],
    part: Part,
    rows: TableRows,
  ): Promise<StoredRows> => {
    const from = await RowGather.open(fields, rows)
    const bytes = from.encoders.reduce((sum, each) => sum + each.bytes, 0) * from.count
    const store =
      placement === "streamed"
        ? streamedStore(device, from)
        : await storeInPieces(
            device,
            idOf(name, part),
            from,
            most,
            pieceBytes(from, room, wanted !== undefined),
          )
    return { from, store, prefix: name === lead.spec.name ? "" : besidePrefix(name), bytes }
  }
  const stores = new Map<TableRows, Promise<StoredRows>>()
  const stored = async ({ spec, tables }: ReadSet, part: Part): Promise<StoredRows> => {
    // A set that holds no rows back for this part gives those that it trains with.
    const rows = tables[part] ?? tables.train
    const known = stores.get(rows)
    if (known) return { ...(await known), bytes: 0 }
    const opening = storeOf(spec, part, rows)
    stores.set(rows, opening)
    return opening
  }
  const id = sets.map(({ spec }) => spec.name).join(" with ")
  return async (part, { rows }) => {
    const [first, ...others] = sets
    const all = [await stored(first, part)] as [StoredRows, ...StoredRows[]]
    for (const each of others) all.push(await stored(each, part))
    return stagedRows(device, idOf(id, part), all, stageRows(rows.length, row, size))
  }
}

const idOf = (name: string, part: Part): string => (part === "train" ? name : `${name}.${part}`)

const countsOf = ({ train, val, test }: Loaded): number[] =>
  [train, val, test].flatMap((part) => (part ? [part.rows.length] : []))

/** Rows that come to a stage are not resident: those that are drawn by weights, and those of several sets. */
export function placementOf(
  sets: readonly [ReadSet, ...ReadSet[]],
  { placement: wanted, room, draws }: HowToPlace,
): Placement {
  const fields = sets.flatMap(({ spec }) => spec.fields)
  const [{ spec: lead }, ...beside] = sets
  const whyStaged =
    beside.length > 0
      ? `rows of "${lead.name}" and of ${beside.map(({ spec }) => `"${spec.name}"`).join(", ")} that train together`
      : draws.size > 0
        ? `rows of "${lead.name}" that are drawn by weights`
        : undefined
  if (wanted === "resident" && whyStaged !== undefined)
    throw new RunError("bad-option", `${whyStaged} cannot be resident`, {
      help: "they are brought together for the steps that take them: `--placement pieces` or `streamed`",
    })
  if (wanted === "resident") refuseLargeFields(sets, room)
  const half = fields.find((field) => !isWhole(bytesOfRow(field)))
  if (wanted === "pieces" && half)
    throw new RunError(
      "bad-option",
      `data set "${lead.name}" cannot lie in pieces: a row of "${half.name}" is an odd number of halves`,
    )
  if (wanted !== undefined) return wanted
  const sizes = sets.map(({ spec, tables }): SetSize => ({ fields: spec.fields, counts: countsOf(tables) }))
  const found = placementIn(room, sizes)
  if (whyStaged === undefined || found !== "resident") return found
  return half ? "streamed" : "pieces"
}

/** Refuses a field whose rows are more than one buffer of the device. */
function refuseLargeFields(sets: readonly ReadSet[], { buffer }: DataRoom): void {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  for (const { spec, tables } of sets)
    for (const field of spec.fields) {
      const bytes = bytesOfRow(field) * Math.max(...countsOf(tables))
      if (bytes > buffer)
        throw new RunError(
          "bad-option",
          `data set "${spec.name}" cannot be resident: "${field.name}" takes ${mib(bytes)}, and a buffer of the device at most ${mib(buffer)}`,
          { help: "leave `--placement` out, or choose `pieces` or `streamed`" },
        )
    }
}

/** Where nothing but the user asks for pieces, of each field there are several. */
function pieceBytes({ count, encoders }: RowGather, { buffer }: DataRoom, isAsked: boolean): number {
  const largest = Math.max(...encoders.map(({ bytes }) => bytes * count))
  return isAsked ? Math.min(buffer, Math.ceil(largest / PIECES)) : buffer
}
const PIECES = 3
