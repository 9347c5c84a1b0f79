/** runtime/data: `--data NAME=PATH` on the data sets of a bundle.
 *    name=path              the file of a source that is one: csv, jsonl, npz, text
 *    name.column=path       one file of an idx or npy source
 *    name.test=path, name.test.column=path   the same of the test source
 *  Guarantees: every override was used, or a RunError says what there is. */
import type { DataSpec, SourceSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { nearest } from "../suggest.js"

export function overrideData(specs: readonly DataSpec[], overrides: ReadonlyMap<string, string>): DataSpec[] {
  const known = specs.flatMap(keysOf)
  for (const key of overrides.keys())
    if (!known.includes(key)) {
      const help = nearest(key, known)
      throw new RunError(
        "data-override",
        `--data ${key}=... names nothing that is read from a file`,
        help ? { help } : {},
      )
    }
  return specs.map((spec) => ({
    ...spec,
    source: overrideSource(spec.source, spec.name, overrides),
    test: spec.test && overrideSource(spec.test, `${spec.name}.test`, overrides),
  }))
}

function keysOf({ name, source, test }: DataSpec): string[] {
  return [...sourceKeys(source, name), ...(test ? sourceKeys(test, `${name}.test`) : [])]
}

function sourceKeys(source: SourceSpec, name: string): string[] {
  if ("path" in source) return [name]
  return source.kind === "array" ? [] : source.files.map(({ column }) => `${name}.${column}`)
}

function overrideSource(
  source: SourceSpec,
  name: string,
  overrides: ReadonlyMap<string, string>,
): SourceSpec {
  if ("path" in source) return { ...source, path: overrides.get(name) ?? source.path }
  if (source.kind === "array") return source
  const files = source.files.map(({ column, path }) => ({
    column,
    path: overrides.get(`${name}.${column}`) ?? path,
  }))
  return { ...source, files }
}
