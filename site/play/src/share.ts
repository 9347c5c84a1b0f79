/** play: a program as a part of an address: packed, so that nothing is sent to a server. Small files of data go with it. */
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate"

export interface Shared {
  readonly text: string
  readonly example?: string
  /** The files that are not an example's. */
  readonly files?: Readonly<Record<string, string>>
}

/** Browsers and chats cut longer addresses. */
const MOST = 12_000

/** Undefined: it is too long. */
export function addressOf(shared: Shared): string | undefined {
  const packed = deflateSync(strToU8(JSON.stringify(shared)), { level: 9 })
  const code = btoa(String.fromCharCode(...packed))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "")
  return code.length > MOST ? undefined : `${location.href.replace(/#.*$/, "")}#p=${code}`
}

export function sharedIn(address: string): Shared | undefined {
  const code = /#p=([\w-]+)$/.exec(address)?.[1]
  if (code === undefined) return undefined
  try {
    const packed = Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (sign) =>
      sign.charCodeAt(0),
    )
    const found: unknown = JSON.parse(strFromU8(inflateSync(packed)))
    return isShared(found) ? found : undefined
  } catch {
    return undefined
  }
}

const isShared = (value: unknown): value is Shared =>
  typeof value === "object" && value !== null && typeof Reflect.get(value, "text") === "string"
