// Makes the images of this example: `node examples/photos/make-images.mjs`. Five kinds of shapes, each in another colour, place, size and
// turn, on another background; the same ones every time.

import { mkdirSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import sharp from "sharp"

const SIZE = 48
const EACH = 100
const folder = fileURLToPath(new URL("data/shapes", import.meta.url))

/** Around the origin, of radius 1. */
const SHAPES = {
  circle: '<circle r="0.9"/>',
  cross: '<path d="M-.3-1h.6v.7h.7v.6h-.7v.7h-.6v-.7h-.7v-.6h.7z"/>',
  square: '<rect x="-.8" y="-.8" width="1.6" height="1.6"/>',
  star: `<polygon points="${corners(10, (i) => (i % 2 === 0 ? 1 : 0.42))}"/>`,
  triangle: `<polygon points="${corners(3, () => 1)}"/>`,
}

/** @param {number} count @param {(i: number) => number} radius */
function corners(count, radius) {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2
    return `${(radius(i) * Math.cos(angle)).toFixed(3)},${(radius(i) * Math.sin(angle)).toFixed(3)}`
  }).join(" ")
}

/** mulberry32. */
let state = 2024
function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
/** @param {number} low @param {number} high */
const between = (low, high) => low + (high - low) * random()

/** @param {string} shape */
function drawing(shape) {
  const hue = between(0, 360)
  const behind = (hue + between(60, 300)) % 360
  const dots = Array.from({ length: 25 }, () => {
    const [x, y, r] = [between(0, SIZE), between(0, SIZE), between(1, 5)]
    return `<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${behind},40%,${between(10, 50)}%)" opacity="0.5"/>`
  })
  const at = `translate(${between(19, 29)} ${between(19, 29)}) rotate(${between(-20, 20)}) scale(${between(12, 17)})`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}">
    <rect width="100%" height="100%" fill="hsl(${behind},35%,${between(15, 35)}%)"/>${dots.join("")}
    <g transform="${at}" fill="hsl(${hue},80%,${between(62, 80)}%)">${shape}</g></svg>`
}

rmSync(folder, { recursive: true, force: true })
for (const [name, shape] of Object.entries(SHAPES)) {
  mkdirSync(`${folder}/${name}`, { recursive: true })
  for (let i = 0; i < EACH; i++)
    await sharp(Buffer.from(drawing(shape)))
      .jpeg({ quality: 80 })
      .toFile(`${folder}/${name}/${String(i).padStart(2, "0")}.jpg`)
}
