/** play: draws the inputs, predictions and samples of a model. */
import { colour, h, numberText } from "./dom.js"
import type { View } from "./protocol.js"

type Of<K extends View["kind"]> = Extract<View, { readonly kind: K }>

export class ViewPanel {
  private last: View | undefined

  constructor(private readonly parent: HTMLElement) {}

  clear(): void {
    this.last = undefined
    this.parent.replaceChildren()
  }

  show(view: View): void {
    const title = h("figcaption", {}, view.title)
    const isSame = this.last?.kind === view.kind
    this.last = view
    const [, old] = isSame ? [...this.parent.children] : []
    const body = bodyOf(view, old instanceof HTMLElement ? old : undefined)
    this.parent.replaceChildren(title, body)
  }

  redraw(): void {
    if (this.last) this.show(this.last)
  }
}

function bodyOf(view: View, old: HTMLElement | undefined): HTMLElement {
  if (view.kind === "text") return h("pre", { className: "written" }, view.text)
  if (view.kind === "table") return tableOf(view)
  if (view.kind === "images") return imagesOf(view)
  const canvas = old instanceof HTMLCanvasElement ? old : h("canvas", { className: "plot" })
  requestAnimationFrame(() => {
    const context = fitted(canvas)
    if (view.kind === "plane") drawPlane(context, canvas, view)
    else if (view.kind === "curve") drawCurve(context, canvas, view)
    else drawScatter(context, canvas, view)
  })
  return canvas
}

function fitted(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const { clientWidth, clientHeight } = canvas
  canvas.width = clientWidth * devicePixelRatio
  canvas.height = clientHeight * devicePixelRatio
  const context = canvas.getContext("2d")
  if (context === null) throw new Error("this page has no canvas")
  context.scale(devicePixelRatio, devicePixelRatio)
  return context
}

type Colour = readonly [number, number, number]
/** A canvas says every colour in one form. */
const probe = new OffscreenCanvas(1, 1).getContext("2d")
function rgb(name: string): Colour {
  if (probe) probe.fillStyle = colour(name)
  const number = parseInt(String(probe?.fillStyle).slice(1), 16)
  return [number >> 16, (number >> 8) & 255, number & 255]
}
const mix = (a: Colour, b: Colour, share: number): Colour => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
]
const css = ([r, g, b]: Colour): string => `rgb(${r} ${g} ${b})`
const CLASSES = ["class-0", "class-1", "class-2", "class-3", "class-4", "class-5"]
const classColour = (n: number): Colour => rgb(CLASSES[n % CLASSES.length]!)

function drawPlane(context: CanvasRenderingContext2D, canvas: HTMLCanvasElement, view: Of<"plane">): void {
  const { size, values, classes, points, extent } = view
  const [width, height] = [canvas.clientWidth, canvas.clientHeight]
  const [low, high] = classes === 0 ? [Math.min(...values), Math.max(...values)] : [0, 1]
  const ground = rgb("canvas")
  const colours =
    classes > 2 ? Array.from({ length: classes }, (_, n) => classColour(n)) : [classColour(0), classColour(1)]
  const of = (value: number): Colour => {
    if (classes > 2) return mix(ground, colours[Math.round(value)] ?? ground, 0.55)
    const share = high > low ? (value - low) / (high - low) : 0.5
    return mix(ground, colours[share < 0.5 ? 0 : 1]!, Math.min(1, Math.abs(share - 0.5) * 2) * 0.68)
  }
  const image = new ImageData(size, size)
  for (let i = 0; i < size * size; i++) {
    const [column, row] = [i % size, size - 1 - Math.floor(i / size)]
    image.data.set([...of(values[i]!), 255], 4 * (row * size + column))
  }
  const small = new OffscreenCanvas(size, size)
  small.getContext("2d")?.putImageData(image, 0, 0)
  context.imageSmoothingEnabled = classes <= 2
  context.imageSmoothingQuality = "high"
  context.drawImage(small, 0, 0, width, height)
  const [left, right, bottom, top] = extent
  const rest = rgb("canvas")
  for (const { x, y, value, isHeldBack } of points) {
    const share = high > low ? (value - low) / (high - low) : 0
    context.beginPath()
    context.arc(
      ((x - left) / (right - left)) * width,
      height - ((y - bottom) / (top - bottom)) * height,
      points.length > 200 ? 3 : 5,
      0,
      7,
    )
    context.fillStyle = css(classes > 2 ? classColour(value) : mix(colours[0]!, colours[1]!, share))
    context.fill()
    context.lineWidth = isHeldBack ? 1.6 : 1
    context.strokeStyle = isHeldBack ? colour("text") : css(rest)
    context.stroke()
  }
}

interface Frame {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

/** Axes with a few numbers along them. */
function frame(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  xs: readonly number[],
  ys: readonly number[],
): Frame {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight]
  const [left, bottom] = [48, 24]
  const range = (values: readonly number[]): readonly [number, number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const room = (high - low || 1) * 0.06
    return [low - room, high + room]
  }
  const [[x0, x1], [y0, y1]] = [range(xs), range(ys)]
  const x = (value: number): number => left + ((value - x0) / (x1 - x0)) * (width - left - 8)
  const y = (value: number): number => height - bottom - ((value - y0) / (y1 - y0)) * (height - bottom - 8)
  context.clearRect(0, 0, width, height)
  context.font = "11px system-ui"
  context.fillStyle = colour("muted")
  context.strokeStyle = colour("grid")
  for (let i = 0; i <= 4; i++) {
    const [vx, vy] = [x0 + ((x1 - x0) * (i + 0.5)) / 5, y0 + ((y1 - y0) * (i + 0.5)) / 5]
    context.beginPath()
    context.moveTo(left, y(vy))
    context.lineTo(width - 8, y(vy))
    context.stroke()
    context.textAlign = "right"
    context.fillText(numberText(Number(vy.toPrecision(2))), left - 6, y(vy) + 4)
    context.textAlign = "center"
    context.fillText(numberText(Number(vx.toPrecision(2))), x(vx), height - 6)
  }
  return { x, y }
}

function dots(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
  { x, y }: Frame,
): void {
  context.globalAlpha = 0.65
  context.fillStyle = colour("accent")
  for (const [a, b] of points) {
    context.beginPath()
    context.arc(x(a), y(b), 3, 0, 7)
    context.fill()
  }
  context.globalAlpha = 1
}

function line(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
  { x, y }: Frame,
  style: string,
): void {
  context.beginPath()
  points.forEach(([a, b], i) => (i === 0 ? context.moveTo(x(a), y(b)) : context.lineTo(x(a), y(b))))
  context.strokeStyle = style
  context.lineWidth = 2
  context.stroke()
}

function drawCurve(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  { points, curve }: Of<"curve">,
): void {
  const ys = [...points.map(([, y]) => y), ...curve.map(([, y]) => y)]
  const at = frame(
    context,
    canvas,
    curve.map(([x]) => x),
    ys,
  )
  dots(context, points, at)
  line(context, curve, at, colour("accent-2"))
}

function drawScatter(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  { points }: Of<"scatter">,
): void {
  const actual = points.map(([a]) => a)
  const at = frame(context, canvas, actual, [...actual, ...points.map(([, b]) => b)])
  const [low, high] = [Math.min(...actual), Math.max(...actual)]
  context.setLineDash([4, 4])
  line(
    context,
    [
      [low, low],
      [high, high],
    ],
    at,
    colour("faint"),
  )
  context.setLineDash([])
  dots(context, points, at)
}

function imagesOf({ width, height, channels, images }: Of<"images">): HTMLElement {
  const figures = images.map(({ pixels, says, isRight }) => {
    const canvas = h("canvas", { width, height })
    const image = new ImageData(width, height)
    const plane = width * height
    const isDark = document.documentElement.dataset["theme"] === "dark"
    for (let i = 0; i < plane; i++) {
      const at = (channel: number): number => Math.max(0, Math.min(1, pixels[channel * plane + i]!)) * 255
      const ink = isDark ? at(0) : 255 - at(0)
      image.data.set(channels === 3 ? [at(0), at(1), at(2), 255] : [ink, ink, ink, 255], 4 * i)
    }
    canvas.getContext("2d")?.putImageData(image, 0, 0)
    const state = isRight === undefined ? "" : isRight ? " right" : " wrong"
    return h("div", { className: `sample${state}` }, canvas, says !== undefined && h("span", {}, says))
  })
  return h("div", { className: "samples" }, ...figures)
}

function tableOf({ rows }: Of<"table">): HTMLElement {
  const body = rows.map(({ actual, predicted, probability }) =>
    h(
      "tr",
      { className: actual === predicted ? "right" : "" },
      h("td", {}, actual),
      h("td", {}, predicted),
      h(
        "td",
        {},
        probability !== undefined && h("meter", { value: probability, min: 0, max: 1 }),
        probability !== undefined && ` ${Math.round(100 * probability)} %`,
      ),
    ),
  )
  const head = h("tr", {}, h("th", {}, "in the data"), h("th", {}, "the model says"), h("th", {}, "how sure"))
  return h("table", { className: "predictions" }, h("thead", {}, head), h("tbody", {}, ...body))
}
