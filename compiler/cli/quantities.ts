/** cli: numbers as people read them. */

export const numberText = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value)

/** `45.1 MiB`: three digits. */
export function bytesText(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${["bytes", "KiB", "MiB", "GiB"][power]}`
}

/** `398 rows, 85 for validation, 86 for the test, 12 left out`; of several data sets, `398 rows with 5000 of unlabelled, ...`. */
export function rowsText(
  rows: Readonly<Record<"rows" | "val_rows" | "test_rows", number>> & {
    readonly beside_rows?: Readonly<Record<string, number>>
    readonly left_out?: number
  },
): string {
  const beside = Object.entries(rows.beside_rows ?? {}).map(([set, count]) => `${count} of ${set}`)
  return [
    `${rows.rows} rows${beside.length > 0 ? ` with ${beside.join(" and ")}` : ""}`,
    ...(rows.val_rows > 0 ? [`${rows.val_rows} for validation`] : []),
    ...(rows.test_rows > 0 ? [`${rows.test_rows} for the test`] : []),
    ...(rows.left_out ? [`${rows.left_out} left out`] : []),
  ].join(", ")
}

/** Steps a second. */
export const rateText = (rate: number): string => (rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3))

export function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`
  const minutes = Math.floor(seconds / 60)
  const rest = Math.round(seconds % 60)
  return minutes < 60 ? `${minutes} min ${rest} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
