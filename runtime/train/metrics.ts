/** runtime/train: outputs of a step or evaluation program -> reported metrics. */
import type { Scalars } from "../exec/history.js"

/** The loss under one name. With several `minimize`, `loss` is their sum and each keeps its own name (`loss.0`, ...). */
export function reported(scalars: Scalars): { readonly loss: number } & Readonly<Record<string, number>> {
  const losses = lossNames(scalars)
  const { [losses[0] ?? ""]: only, ...rest } = scalars
  if (losses.length === 1) return { loss: only!, ...rest }
  const each = Object.entries(scalars).map(([name, value]) => [name === "loss" ? "loss.0" : name, value])
  return { loss: losses.reduce((sum, name) => sum + scalars[name]!, 0), ...Object.fromEntries(each) }
}

export function lossNames(scalars: Scalars): string[] {
  return Object.keys(scalars).filter((name) => name === "loss" || /^loss\.\d+$/.test(name))
}

export const isFiniteLoss = (scalars: Scalars): boolean =>
  lossNames(scalars).every((name) => Number.isFinite(scalars[name]!))

/** Whether `value` beats `best`. */
export function isBetter(better: "higher" | "lower", value: number, best: number | null): boolean {
  if (!Number.isFinite(value)) return false
  if (best === null) return true
  return better === "lower" ? value < best : value > best
}
