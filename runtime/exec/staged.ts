/** runtime/exec: rows of which only those of the next calls lie in the buffers that programs read: in the stage.
 *  How:        kernels find the row of a place by a permutation of the R rows that they are told of. Here R is the number of rows in the
 *              stage, and each row is put where that permutation of R looks for it, so that the kernels and their results are the
 *              same as with all rows there. A stage holds rows of one epoch, as the permutation is another in the next.
 *  Guarantees: the next stage is fetched while the calls of this one are computed.
 *  Not here:   where rows come from (pieces.ts, streamed.ts). */
import type { RowGather } from "../data/gather.js"
import { drawnOrder } from "../data/draws.js"
import { shuffledOrder } from "../data/row-order.js"
import type { Device, Memory } from "../device/device.js"
import type { DeviceData } from "./dataset.js"
import { listsOf, type Order, type PlacedRows, type RowsOfCall, type Walk } from "./placed-rows.js"

/** Where rows come from. */
export interface RowStore {
  /** Fetches rows by their numbers; calling the result puts them into the stage, one after another, for later submissions. */
  fetch(numbers: Uint32Array): Promise<(stage: ReadonlyMap<string, Memory>) => void>
}

/** Bytes of a stage, and rows: fewer calls than that are soon computed, more take long to fetch. */
const STAGE_BYTES = 1 << 24
const STAGE_ROWS = 1 << 15
/** The first stages are small, so that the first step need not wait. */
const FIRST = 1 / 16
const GROWTH = 4

export interface StageSize {
  /** Rows of the largest batch that is taken. */
  readonly batch: number
  /** Bytes that there are for a stage. */
  readonly most: number
}

/** The rows of a stage: as many as a batch has at the least. */
export function stageRows(from: Pick<RowGather, "count" | "encoders">, { batch, most }: StageSize): number {
  const row = from.encoders.reduce((sum, { bytes }) => sum + bytes, 0)
  const fitting = Math.min(STAGE_ROWS, Math.floor(Math.min(STAGE_BYTES, most) / Math.max(1, row)))
  return Math.max(1, Math.min(from.count, Math.max(batch, fitting)))
}

export function stagedRows(
  device: Device,
  id: string,
  from: RowGather,
  store: RowStore,
  size: StageSize,
): PlacedRows {
  const { count, encoders } = from
  const capacity = stageRows(from, size)
  const stage = new Map(
    encoders.map(({ name, bytes }) => [name, device.alloc(`stage of ${id}.${name}`, capacity * bytes)]),
  )
  const lists = listsOf(device, id, from)
  const data: DeviceData = { id, rows: capacity, fields: new Map([...stage, ...lists]) }
  const held: Held = { stage: undefined }
  const row = encoders.reduce((sum, { bytes }) => sum + bytes, 0)
  return {
    rows: count,
    data,
    bytes: row * count + lists.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    rowAt: (place) => held.stage?.numbers[place],
    walk: (order) => new StagedWalk(order, store, stage, held, { count, capacity }),
  }
}

/** The present contents of the buffers: walks of training and of evaluation take turns. */
interface Held {
  stage: Stage | undefined
}

interface Stage {
  readonly first: number
  readonly calls: number
  /** The numbers of the rows, by their places in the buffers. */
  readonly numbers: Uint32Array
  /** Place in the epoch of the first. */
  readonly start: number
}

interface Coming {
  readonly stage: Stage
  readonly fetched: ReturnType<RowStore["fetch"]>
}

class StagedWalk implements Walk {
  private now: Stage | undefined
  private coming: Coming | undefined
  private limit: number
  /** The order of the last epoch that was asked for. */
  private epoch: { readonly number: number; readonly rowAt: (place: number) => number } | undefined

  constructor(
    private readonly order: Order,
    private readonly store: RowStore,
    private readonly buffers: ReadonlyMap<string, Memory>,
    private readonly held: Held,
    /** All rows, and those that the stage holds. */
    private readonly rows: { readonly count: number; readonly capacity: number },
  ) {
    this.limit = Math.ceil(rows.capacity * FIRST)
  }

  async ready(first: number, count: number): Promise<number> {
    const stage = this.holds(first) ? this.now! : await this.bring(first)
    return Math.min(count, stage.first + stage.calls - first)
  }

  of(call: number): RowsOfCall {
    const stage = this.holds(call) ? this.now! : undefined
    if (!stage) throw new Error(`the rows of call ${call} are not on the device`)
    return { R: stage.numbers.length, start: this.order.at(call).start - stage.start }
  }

  private holds(call: number): boolean {
    const { now } = this
    return now !== undefined && this.held.stage === now && call >= now.first && call < now.first + now.calls
  }

  private async bring(first: number): Promise<Stage> {
    const { stage, fetched } = this.coming?.stage.first === first ? this.coming : this.fetch(first)
    const put = await fetched
    put(this.buffers)
    this.now = this.held.stage = stage
    const next = stage.first + stage.calls
    this.coming = next < this.order.calls ? this.fetch(next) : undefined
    return stage
  }

  private fetch(first: number): Coming {
    const stage = this.stageFrom(first)
    this.limit = Math.min(this.rows.capacity, this.limit * GROWTH)
    const fetched = this.store.fetch(stage.numbers)
    // Nobody may come to wait for this stage.
    fetched.catch(() => {})
    return { stage, fetched }
  }

  private stageFrom(first: number): Stage {
    const { order } = this
    const { epoch, start, B } = order.at(first)
    let rows = B
    let calls = 1
    for (; first + calls < order.calls; calls++) {
      const next = order.at(first + calls)
      if (next.epoch !== epoch || next.start !== start + rows || rows + next.B > this.limit) break
      rows += next.B
    }
    const rowAt = this.orderOf(epoch)
    const placeOf = order.shuffle
      ? shuffledOrder({ rows, seed: order.seed, epoch })
      : (place: number): number => place
    const numbers = new Uint32Array(rows)
    for (let i = 0; i < rows; i++) numbers[placeOf(i)] = rowAt(start + i)
    return { first, calls, numbers, start }
  }

  private orderOf(epoch: number): (place: number) => number {
    const { shuffle, weights, seed } = this.order
    if (!shuffle) return (place) => place
    if (this.epoch?.number !== epoch) {
      const key = { rows: this.rows.count, seed, epoch }
      this.epoch = { number: epoch, rowAt: weights ? drawnOrder(weights, key) : shuffledOrder(key) }
    }
    return this.epoch.rowAt
  }
}
