/** runtime/data: `--data NAME=PATH` on the data sets of a bundle.
 *    name=path              the file of a source that is one: csv, jsonl, npz, text
 *    name.column=path       one file of an idx or npy source
 *    name.test=path, name.test.column=path   the same of the source of test rows, and `name.val` of that for validation
 *  Guarantees: every override was used, or a RunError lists the names that there are. */
import type { DataSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { nearest } from "../suggest.js"
import { pathsOf, withPaths } from "./sources/index.js"

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
  const overridden = (path: string, key: string): string => overrides.get(key) ?? path
  return specs.map((spec) => ({
    ...spec,
    source: withPaths(spec.name, spec.source, overridden),
    ...(spec.val && { val: withPaths(`${spec.name}.val`, spec.val, overridden) }),
    test: spec.test && withPaths(`${spec.name}.test`, spec.test, overridden),
  }))
}

function keysOf({ name, source, val, test }: DataSpec): string[] {
  return [
    ...pathsOf(name, source),
    ...(val ? pathsOf(`${name}.val`, val) : []),
    ...(test ? pathsOf(`${name}.test`, test) : []),
  ].map(({ key }) => key)
}
