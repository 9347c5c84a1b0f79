/** codegen/wasm: the instructions in use: name, opcode bytes, kind of immediate.
 *  Names are those of the WebAssembly text format. */

/** none; mem: align, offset; memlane: align, offset, lane; lane: one byte; index: LEB128 u32; block: a result type;
 *  call_indirect: type index (table 0); words: four 32-bit words; lanes: 16 bytes; fence: a zero byte. */
export type ImmediateKind =
  | "none"
  | "mem"
  | "memlane"
  | "lane"
  | "index"
  | "block"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "words"
  | "lanes"
  | "call_indirect"
  | "memory"
  | "fence"
  | "type"

export interface InstructionInfo {
  readonly bytes: readonly number[]
  readonly immediate: ImmediateKind
  /** Bytes accessed, for the alignment in the encoding. */
  readonly size?: number
}

const CONTROL: Record<string, readonly [number, ImmediateKind]> = {
  unreachable: [0x00, "none"],
  block: [0x02, "block"],
  loop: [0x03, "block"],
  if: [0x04, "block"],
  else: [0x05, "none"],
  end: [0x0b, "none"],
  br: [0x0c, "index"],
  br_if: [0x0d, "index"],
  return: [0x0f, "none"],
  call: [0x10, "index"],
  call_indirect: [0x11, "call_indirect"],
  drop: [0x1a, "none"],
  select: [0x1c, "type"],
  "local.get": [0x20, "index"],
  "local.set": [0x21, "index"],
  "local.tee": [0x22, "index"],
  "global.get": [0x23, "index"],
  "global.set": [0x24, "index"],
  "i32.const": [0x41, "i32"],
  "i64.const": [0x42, "i64"],
  "f32.const": [0x43, "f32"],
  "f64.const": [0x44, "f64"],
}

const MEMORY: Record<string, readonly [readonly number[], number]> = {
  "i32.load": [[0x28], 4],
  "f32.load": [[0x2a], 4],
  "i32.load16_u": [[0x2f], 2],
  "i32.store": [[0x36], 4],
  "f32.store": [[0x38], 4],
  "i32.store16": [[0x3b], 2],
  "v128.load": [[0xfd, 0], 16],
  "v128.load16x4_u": [[0xfd, 4], 8],
  "v128.load32_splat": [[0xfd, 9], 4],
  "v128.store": [[0xfd, 11], 16],
  "memory.atomic.notify": [[0xfe, 0x00], 4],
  "memory.atomic.wait32": [[0xfe, 0x01], 4],
  "i32.atomic.load": [[0xfe, 0x10], 4],
  "i64.atomic.load": [[0xfe, 0x11], 8],
  "i32.atomic.store": [[0xfe, 0x17], 4],
  "i64.atomic.store": [[0xfe, 0x18], 8],
  "i32.atomic.rmw.add": [[0xfe, 0x1e], 4],
  "i64.atomic.rmw.cmpxchg": [[0xfe, 0x49], 8],
}

/** Without immediates: numbered as listed, from the first opcode of each run. */
const PLAIN: readonly (readonly [readonly number[], number, string])[] = [
  [[], 0x45, "i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u"],
  [[], 0x51, "i64.eq i64.ne"],
  [[], 0x5b, "f32.eq f32.ne f32.lt f32.gt f32.le f32.ge"],
  [
    [],
    0x67,
    "i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u",
  ],
  [[], 0x7c, "i64.add i64.sub i64.mul"],
  [[], 0x83, "i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u"],
  [
    [],
    0x8b,
    "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign",
  ],
  [[], 0xa0, "f64.add f64.sub f64.mul f64.div"],
  [[], 0xa7, "i32.wrap_i64"],
  [[], 0xac, "i64.extend_i32_s i64.extend_i32_u"],
  [[], 0xb2, "f32.convert_i32_s f32.convert_i32_u"],
  [[], 0xb6, "f32.demote_f64"],
  [[], 0xb9, "f64.convert_i64_s"],
  [[], 0xbb, "f64.promote_f32"],
  [[], 0xbc, "i32.reinterpret_f32"],
  [[], 0xbe, "f32.reinterpret_i32"],
  [[0xfc], 0, "i32.trunc_sat_f32_s i32.trunc_sat_f32_u"],
  [[0xfd], 17, "i32x4.splat"],
  [[0xfd], 19, "f32x4.splat f64x2.splat"],
  [
    [0xfd],
    55,
    "i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u",
  ],
  [[0xfd], 65, "f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge"],
  [[0xfd], 71, "f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge"],
  [[0xfd], 77, "v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true"],
  [[0xfd], 94, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"],
  [[0xfd], 103, "f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest"],
  [[0xfd], 148, "f64x2.nearest"],
  [[0xfd], 160, "i32x4.abs i32x4.neg"],
  [[0xfd], 163, "i32x4.all_true"],
  [[0xfd], 171, "i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add"],
  [[0xfd], 177, "i32x4.sub"],
  [[0xfd], 181, "i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u"],
  [[0xfd], 203, "i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add"],
  [[0xfd], 209, "i64x2.sub"],
  [[0xfd], 222, "i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u"],
  [[0xfd], 224, "f32x4.abs f32x4.neg"],
  [
    [0xfd],
    227,
    "f32x4.sqrt f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax",
  ],
  [[0xfd], 236, "f64x2.abs f64x2.neg"],
  [[0xfd], 239, "f64x2.sqrt f64x2.add f64x2.sub f64x2.mul f64x2.div"],
  [
    [0xfd],
    248,
    "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero",
  ],
  [[0xfd], 254, "f64x2.convert_low_i32x4_s"],
]

const LANES: Record<string, number> = {
  "i32x4.extract_lane": 27,
  "i32x4.replace_lane": 28,
  "f32x4.extract_lane": 31,
  "f32x4.replace_lane": 32,
}

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, n >> 7])

function table(): Map<string, InstructionInfo> {
  const out = new Map<string, InstructionInfo>()
  for (const [name, [byte, immediate]] of Object.entries(CONTROL)) out.set(name, { bytes: [byte], immediate })
  for (const [name, [bytes, size]] of Object.entries(MEMORY)) out.set(name, { bytes, immediate: "mem", size })
  for (const [prefix, first, names] of PLAIN)
    names.split(" ").forEach((name, i) => {
      const bytes = prefix.length === 0 ? [first + i] : [...prefix, ...leb(first + i)]
      out.set(name, { bytes, immediate: "none" })
    })
  for (const [name, code] of Object.entries(LANES))
    out.set(name, { bytes: [0xfd, ...leb(code)], immediate: "lane" })
  out.set("v128.load32_lane", { bytes: [0xfd, 86], immediate: "memlane", size: 4 })
  out.set("v128.const", { bytes: [0xfd, 12], immediate: "words" })
  out.set("i8x16.shuffle", { bytes: [0xfd, 13], immediate: "lanes" })
  out.set("memory.copy", { bytes: [0xfc, 10], immediate: "memory" })
  out.set("atomic.fence", { bytes: [0xfe, 0x03], immediate: "fence" })
  return out
}

export const INSTRUCTIONS: ReadonlyMap<string, InstructionInfo> = table()
