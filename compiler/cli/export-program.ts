/** cli: checks and compiles the program that is exported. */
import type { Bundle } from "../../runtime/node.js"
import type { Model } from "../ir/model/types.js"
import { bug } from "../source/bug.js"
import { compileFile, isBundleFolder } from "./compile-file.js"
import { whenConverted } from "./convert/index.js"
import { Failure } from "./failure.js"
import { compiling, type DataOptions } from "./usage.js"

/** `made`: the name of the result, `ONNX model`. Throws a Failure for a compiled program, and the errors of compiling. */
export async function programToExport(
  path: string,
  options: DataOptions,
  made: string,
): Promise<{ readonly model: Model; readonly bundle: Bundle }> {
  refuseBundle(path, made)
  const asked = { data: options.data, devices: ["wasm"] as const, ...compiling(options) }
  const { model, bundle } = await whenConverted(() => compileFile(path, asked))
  return {
    model: model ?? bug("the program has no model"),
    bundle: bundle ?? bug("the program has no bundle"),
  }
}

/** Throws a Failure for a compiled program. */
export function refuseBundle(path: string, made: string): void {
  if (isBundleFolder(path))
    throw new Failure(
      "export-bundle",
      `${path} is compiled: it holds kernels, of which no ${made} can be made`,
      "name the .nn file it was compiled from",
    )
}
