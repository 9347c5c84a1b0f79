/** ir/model: queries over the statements of a body: its operations, the producer and the uses of each value. */
import type { ModelStmt, ModelValue } from "./types.js"

export type OpStmt = Extract<ModelStmt, { kind: "op" }>
export type CallStmt = Extract<ModelStmt, { kind: "call" }>

/** The statement that defines a value. */
export type Producer = Extract<ModelStmt, { kind: "op" | "read" }>

/** The operations of a body and of the calls in it. */
export const opsOf = (body: readonly ModelStmt[]): OpStmt[] =>
  body.flatMap((s) => (s.kind === "op" ? [s] : s.kind === "call" ? opsOf(s.body) : []))

/** The statement behind each value, within calls and regions too. */
export function producersIn(body: readonly ModelStmt[]): ReadonlyMap<ModelValue, Producer> {
  const producers = new Map<ModelValue, Producer>()
  const walk = (list: readonly ModelStmt[]): void => {
    for (const s of list) {
      if (s.kind === "op" || s.kind === "read") producers.set(s.id, s)
      if (s.kind === "call") walk(s.body)
      if (s.kind === "op") for (const region of s.regions ?? []) walk(region.body)
    }
  }
  walk(body)
  return producers
}

/** How often each value is used, within calls and regions too. */
export function usesIn(body: readonly ModelStmt[], results: readonly ModelValue[]): Map<ModelValue, number> {
  const uses = new Map<ModelValue, number>()
  const use = (id: ModelValue): void => void uses.set(id, (uses.get(id) ?? 0) + 1)
  const walk = (list: readonly ModelStmt[]): void => {
    for (const s of list) {
      if (s.kind === "call") walk(s.body)
      if (s.kind === "update") use(s.value)
      if (s.kind !== "op") continue
      s.args.forEach(use)
      for (const region of s.regions ?? []) {
        walk(region.body)
        region.results.forEach(use)
      }
    }
  }
  walk(body)
  results.forEach(use)
  return uses
}

/** Values that statements define, within calls and regions too. */
export function definedIn(body: readonly ModelStmt[]): Set<ModelValue> {
  const defined = new Set<ModelValue>()
  const walk = (list: readonly ModelStmt[]): void => {
    for (const s of list) {
      if (s.kind === "op" || s.kind === "read") defined.add(s.id)
      if (s.kind === "call") walk(s.body)
      if (s.kind === "op")
        for (const region of s.regions ?? []) {
          region.params.forEach(({ id }) => defined.add(id))
          walk(region.body)
        }
    }
  }
  walk(body)
  return defined
}

/** Whether statements read or change slots, within calls and regions too. */
export const touchesSlots = (body: readonly ModelStmt[]): boolean =>
  body.some(
    (s) =>
      s.kind === "read" ||
      s.kind === "update" ||
      (s.kind === "call" && touchesSlots(s.body)) ||
      (s.kind === "op" && (s.regions?.some((r) => touchesSlots(r.body)) ?? false)),
  )
/** Whether statements change slots, within calls too: a region changes none. */
export const changesSlots = (body: readonly ModelStmt[]): boolean =>
  body.some((s) => s.kind === "update" || (s.kind === "call" && changesSlots(s.body)))
