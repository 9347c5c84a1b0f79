/** runtime/exec: rows of which only those of the next calls lie in the buffers that programs read: in the stage. They are those of one
 *  data set, or of several that come together.
 *  How:        kernels find the row of a place by a permutation of the R rows that they are told of. Here R is the number of rows in the
 *              stage, and each row is put where that permutation of R looks for it, so that the kernels and their results are the
 *              same as with all rows there. A stage holds rows of one epoch, as the permutation is another in the next.
 *  Guarantees: the next stage is fetched while the calls of this one are computed.
 *  Not here:   where rows come from (pieces.ts, streamed.ts). */
import type { RowGather } from "../data/gather.js"
import { drawnOrder } from "../data/draws.js"
import { shuffledOrder } from "../data/row-order.js"
import type { Device, Memory } from "../device/device.js"
import { listsOf, type Order, type PlacedRows, type RowsOfCall, type Walk } from "./placed-rows.js"

/** Where rows come from. */
export interface RowStore {
  /** Fetches rows by their numbers; calling the result puts them into the stage, one after another, for later submissions. */
  fetch(numbers: Uint32Array): Promise<(stage: ReadonlyMap<string, Memory>) => void>
}

/** The rows of a data set. */
export interface StoredRows {
  readonly from: RowGather
  readonly store: RowStore
  /** The prefix of the names of its fields in programs. */
  readonly prefix: string
  /** The bytes of its rows, as they lie in the store; 0 where they were counted already. */
  readonly bytes: number
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

/** The rows of a stage: as many as a batch has at the least. `count`: of the data set that leads. `row`: bytes of a row of all sets. */
export function stageRows(count: number, row: number, { batch, most }: StageSize): number {
  const fitting = Math.min(STAGE_ROWS, Math.floor(Math.min(STAGE_BYTES, most) / Math.max(1, row)))
  return Math.max(1, Math.min(count, Math.max(batch, fitting)))
}

/** The first set leads: the order of a walk is that of its rows. */
export function stagedRows(
  device: Device,
  id: string,
  sets: readonly [StoredRows, ...StoredRows[]],
  /** Rows of the stage. */
  capacity: number,
): PlacedRows {
  const inPrograms = (prefix: string, all: Iterable<readonly [string, Memory]>): [string, Memory][] =>
    [...all].map(([name, memory]) => [prefix + name, memory])
  const staged = sets.map(({ from, store, prefix }): StagedSet => {
    const alloc = ({ name, bytes }: (typeof from.encoders)[number]): [string, Memory] => [
      name,
      device.alloc(`stage of ${id}.${prefix}${name}`, capacity * bytes),
    ]
    return { count: from.count, store, prefix, buffers: new Map(from.encoders.map(alloc)) }
  })
  const lists = sets.flatMap(({ from, prefix }) => inPrograms(prefix, listsOf(device, id + prefix, from)))
  const stage = staged.flatMap(({ prefix, buffers }) => inPrograms(prefix, buffers))
  const held: Held = { stage: undefined }
  const setOf = (field: string): number =>
    staged.findIndex(({ prefix, buffers }) =>
      [...buffers.keys()].some((name) => field === prefix + name || field === `${prefix}${name}/values`),
    )
  return {
    rows: sets[0].from.count,
    data: { id, rows: capacity, fields: new Map([...stage, ...lists]) },
    bytes: [...sets, ...lists.map(([, list]) => list)].reduce((sum, { bytes }) => sum + bytes, 0),
    rowAt: (place, field) => held.stage?.numbers[setOf(field)]?.[place],
    walk: (order) => new StagedWalk(order, staged, held, capacity),
  }
}

interface StagedSet {
  /** The number of all its rows. */
  readonly count: number
  readonly store: RowStore
  readonly prefix: string
  /** By field. */
  readonly buffers: ReadonlyMap<string, Memory>
}

/** The present contents of the buffers: walks of training and of evaluation take turns. */
interface Held {
  stage: Stage | undefined
}

interface Stage {
  readonly first: number
  readonly calls: number
  readonly rows: number
  /** The numbers of the rows of each set, by their places in the buffers. */
  readonly numbers: readonly Uint32Array[]
  /** Place in the epoch of the first. */
  readonly start: number
}

interface Coming {
  readonly stage: Stage
  readonly fetched: Promise<readonly Awaited<ReturnType<RowStore["fetch"]>>[]>
}

class StagedWalk implements Walk {
  private now: Stage | undefined
  private coming: Coming | undefined
  private limit: number
  private readonly orders: readonly RowOrder[]

  constructor(
    private readonly order: Order,
    private readonly sets: readonly StagedSet[],
    private readonly held: Held,
    /** Rows that the stage holds. */
    private readonly capacity: number,
  ) {
    this.limit = Math.ceil(capacity * FIRST)
    this.orders = sets.map(({ count }, set) => new RowOrder(order, count, set))
  }

  async ready(first: number, count: number): Promise<number> {
    const stage = this.holds(first) ? this.now! : await this.bring(first)
    return Math.min(count, stage.first + stage.calls - first)
  }

  of(call: number): RowsOfCall {
    const stage = this.holds(call) ? this.now! : undefined
    if (!stage) throw new Error(`the rows of call ${call} are not on the device`)
    return { R: stage.rows, start: this.order.at(call).start - stage.start }
  }

  private holds(call: number): boolean {
    const { now } = this
    return now !== undefined && this.held.stage === now && call >= now.first && call < now.first + now.calls
  }

  private async bring(first: number): Promise<Stage> {
    const { stage, fetched } = this.coming?.stage.first === first ? this.coming : this.fetch(first)
    const puts = await fetched
    puts.forEach((put, set) => put(this.sets[set]!.buffers))
    this.now = this.held.stage = stage
    const next = stage.first + stage.calls
    this.coming = next < this.order.calls ? this.fetch(next) : undefined
    return stage
  }

  private fetch(first: number): Coming {
    const stage = this.stageFrom(first)
    this.limit = Math.min(this.capacity, this.limit * GROWTH)
    const fetched = Promise.all(this.sets.map(({ store }, set) => store.fetch(stage.numbers[set]!)))
    // Nobody may come to wait for this stage.
    fetched.catch(() => {})
    return { stage, fetched }
  }

  private stageFrom(first: number): Stage {
    const { order } = this
    const { epoch, start, before, B } = order.at(first)
    let rows = B
    let calls = 1
    for (; first + calls < order.calls; calls++) {
      const next = order.at(first + calls)
      if (next.epoch !== epoch || next.start !== start + rows || rows + next.B > this.limit) break
      rows += next.B
    }
    const placeOf = order.shuffle
      ? shuffledOrder({ rows, seed: order.seed, epoch })
      : (place: number): number => place
    const numbers = this.orders.map((each, set) => {
      const own = new Uint32Array(rows)
      for (let i = 0; i < rows; i++)
        own[placeOf(i)] = set === 0 ? each.at(epoch, start + i) : each.after(before + i)
      return own
    })
    return { first, calls, rows, numbers, start }
  }
}

/** The order in which the rows of a set come. */
class RowOrder {
  private readonly seed: number
  /** The order of the last epoch that was asked for. */
  private epoch: { readonly number: number; readonly rowAt: (place: number) => number } | undefined

  /** `set`: which one; the first leads. */
  constructor(
    private readonly order: Order,
    private readonly count: number,
    private readonly set: number,
  ) {
    // Sets of equal sizes are shuffled in different ways, so that their rows do not always meet in the same pairs.
    this.seed = (order.seed ^ Math.imul(set, APART)) >>> 0
  }

  /** The row at a place of an epoch. */
  at(epoch: number, place: number): number {
    const { shuffle, weights } = this.order
    if (!shuffle) return place
    if (this.epoch?.number !== epoch) {
      const key = { rows: this.count, seed: this.seed, epoch }
      const drawn = this.set === 0 ? weights : undefined
      this.epoch = { number: epoch, rowAt: drawn ? drawnOrder(drawn, key) : shuffledOrder(key) }
    }
    return this.epoch.rowAt(place)
  }

  /** The row after so many, from the very beginning: at the end of the set it begins again, in the order of its next epoch. */
  after(rows: number): number {
    return this.at(Math.floor(rows / this.count), rows % this.count)
  }
}
const APART = 0x7feb352d
