/** runtime/checkpoint: files of weights -> named tensors: safetensors, as one file or as several that an index lists, and a single array as .npy.
 *  Not here:   the assignment of tensors to slots (weights.ts). */
import { bytesOf, type DataFile } from "../data/file.js"
import type { OpenFile } from "../data/load.js"
import { parseNpy } from "../data/npy.js"
import { reasonOf, RunError } from "../error.js"
import { product } from "../exec/size.js"
import { decodeTensors, type StoredTensor, type TensorFile } from "./safetensors.js"

/** Pickles of PyTorch are never read, since they hold code that would run. */
const PICKLED = /\.(pt|pth|bin|ckpt|pkl)$/i

export function refusePickled(path: string): void {
  if (!PICKLED.test(path)) return
  const to = path.replace(PICKLED, ".safetensors")
  throw new RunError("weights-format", `${path} is a pickle of PyTorch, which holds code, and is not read`, {
    help:
      "these two lines of Python write its tensors as safetensors:\n" +
      "  import torch; from safetensors.torch import save_file\n" +
      `  save_file({k: v.contiguous() for k, v in torch.load("${path}", map_location="cpu", weights_only=True).items()}, "${to}")`,
  })
}

const INDEX = /\.index\.json$/

export async function readWeights(open: OpenFile, path: string): Promise<TensorFile> {
  refusePickled(path)
  if (!INDEX.test(path)) return decodeTensors(path, await contentOf(open, path))
  const folder = path.slice(0, path.lastIndexOf("/") + 1)
  const tensors: [string, StoredTensor][] = []
  for (const shard of shardsOf(path, await contentOf(open, path)))
    tensors.push(...decodeTensors(folder + shard, await contentOf(open, folder + shard)).tensors)
  return { tensors: new Map(tensors), metadata: {} }
}

/** The files that an index names, beside which it lies. */
export function shardsOf(path: string, index: Uint8Array): string[] {
  let map: unknown
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(index))
    map = typeof json === "object" && json !== null ? Reflect.get(json, "weight_map") : undefined
  } catch {
    map = undefined
  }
  const files = typeof map === "object" && map !== null ? Object.values(map) : []
  const names = files.filter((file): file is string => typeof file === "string" && !/[\\/]/.test(file))
  if (names.length === 0 || names.length < files.length)
    throw new RunError(
      "weights-format",
      `${path} is no index of weights: it has no \`weight_map\` of files beside it`,
    )
  return [...new Set(names)]
}

/** An array for one parameter. */
export async function readArray(open: OpenFile, path: string): Promise<StoredTensor> {
  const { shape, values } = parseNpy(path, path, await opened(open, path))
  const row = product(shape)
  return {
    dtype: TYPES[values.constructor.name] ?? "F64",
    shape: [row === 0 ? 0 : values.length / row, ...shape],
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }
}

const TYPES: Readonly<Record<string, string>> = {
  Float32Array: "F32",
  Float64Array: "F64",
  Int32Array: "I32",
  Uint32Array: "U32",
  Int16Array: "I16",
  Uint16Array: "U16",
  Int8Array: "I8",
  Uint8Array: "U8",
}

async function contentOf(open: OpenFile, path: string): Promise<Uint8Array> {
  const file = await opened(open, path)
  return bytesOf(file)
}

async function opened(open: OpenFile, path: string): Promise<DataFile> {
  try {
    const file = await open(path)
    await file.load?.()
    return file
  } catch (caught) {
    if (caught instanceof RunError) throw caught
    throw new RunError("weights-missing", `the weights ${path} cannot be read: ${reasonOf(caught)}`, {
      help: "paths in a program are relative to it; `--init FILE` names another file",
      cause: caught,
    })
  }
}
