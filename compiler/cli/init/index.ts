/** cli/init: the templates by name. */
import { finetune } from "./finetune.js"
import { forecast } from "./forecast.js"
import { gan } from "./gan.js"
import { images } from "./images.js"
import { points } from "./points.js"
import { tabular } from "./tabular.js"
import type { Template } from "./template.js"
import { text } from "./text.js"
import { vite } from "./vite.js"

export const TEMPLATES = {
  points,
  tabular,
  images,
  text,
  forecast,
  gan,
  finetune,
  vite,
} as const satisfies Readonly<Record<string, Template>>
export type TemplateName = keyof typeof TEMPLATES
