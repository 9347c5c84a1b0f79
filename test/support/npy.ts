/** test: the bytes of an .npy file of version 1.0. `descr`: as NumPy writes it, `<f4`; `shape`: likewise, `(2, 3)`. */
export function npy(descr: string, shape: string, data: ArrayBufferView): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n"
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return Uint8Array.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0, ...Buffer.from(header), ...bytes])
}
