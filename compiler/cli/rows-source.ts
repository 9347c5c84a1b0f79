/** cli: the file or folder of rows to predict for -> a source. Its ending tells its format: CSV, JSON, an archive of arrays, parquet; for a
 *  program that was trained on images, an image or a folder of them. */
import { existsSync, statSync } from "node:fs"
import type { Manifest, PredictSpec, SourceSpec } from "../../runtime/bundle/format.js"
import { isImage } from "./convert/image-files.js"
import { isConverted, whenConverted, withTable } from "./convert/index.js"
import { Failure } from "./failure.js"

/** `delimiter`: of a CSV file; left out: that of the data which the model was trained on. */
export async function rowsSource(
  path: string,
  { feeds }: PredictSpec,
  { data }: Pick<Manifest, "data">,
  delimiter?: string,
): Promise<SourceSpec> {
  if (!existsSync(path))
    throw new Failure("io-program", `the rows to predict, ${path}, cannot be read: there is no such file`)
  const names = new Set(feeds.flatMap(({ inputs }) => inputs.map((input) => input.data)))
  const trained = data.flatMap(({ name, source }) =>
    names.has(name) && source.kind === "csv" ? [source] : [],
  )
  const source = sourceOf(path, delimiter ?? trained[0]?.delimiter ?? ",", data)
  return isConverted(source) ? whenConverted(() => withTable(source, path)) : source
}

function sourceOf(path: string, delimiter: string, data: Manifest["data"]): SourceSpec {
  const images = data.map(({ source }) => source).find(({ kind }) => kind === "images")
  // Every row that is asked for gets its prediction, or is refused.
  const trained = images?.kind === "images" ? { ...images, path, tables: [], skipDamaged: false } : undefined
  if (isImage(path) || statSync(path).isDirectory()) {
    if (trained) return { ...trained, column: null, mixed: true }
    throw new Failure(
      "io-program",
      `${path} is ${isImage(path) ? "an image" : "a folder"}, and the program was trained on no images`,
      "rows are in a .csv, .jsonl, .json, .npz or .parquet file",
    )
  }
  const [, ending] = /\.(jsonl|json|npz|parquet)(?:\.(?:gz|zst))?$/.exec(path) ?? []
  if (ending === "jsonl" || ending === "json" || ending === "npz" || ending === "parquet")
    return { kind: ending, path }
  return trained && trained.column !== null ? trained : { kind: "csv", path, delimiter }
}
