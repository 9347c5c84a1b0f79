/** cli: pixels -> a PNG file of 8 bits for each of red, green and blue. W3C, "Portable Network Graphics (PNG) Specification". */
import { crc32, deflateSync } from "node:zlib"

/** `pixels`: row after row, three bytes each. */
export function png(width: number, height: number, pixels: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(13))
  header.setUint32(0, width)
  header.setUint32(4, height)
  // 8 bits of true colour, the only compression and filter method, not interlaced.
  for (const [i, byte] of [8, 2, 0, 0, 0].entries()) header.setUint8(8 + i, byte)
  const stride = 3 * width
  const rows = new Uint8Array(height * (stride + 1))
  // Each row begins with its filter: none.
  for (let y = 0; y < height; y++)
    rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ])
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const checked = Buffer.concat([Buffer.from(type, "latin1"), content])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  sum.writeUInt32BE(crc32(checked))
  return Buffer.concat([length, checked, sum])
}
