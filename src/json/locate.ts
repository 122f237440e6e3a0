import type { JsonPath } from './replace-numbers.ts'
import { scanJson } from './scan-json.ts'
import { positionsOf, type TextPosition } from './text-position.ts'

/** A place of a JSON text. */
export interface JsonPlace {
  /** Keys and indices from the root; an index may be a string of digits, as in a pointer. */
  readonly path: JsonPath
  /** Whether the key of the member is meant, not its value. */
  readonly isKey?: boolean
}

/** A step on the way to places. */
interface Step {
  readonly children: Map<string, Step>
  value: number
  key: number
}

/**
 * Finds the positions of places. A place that the text lacks has the position of the innermost value around it; a key of an item,
 * which has none, that of the item.
 *
 * Scans the text once, up to the last place.
 * @param text valid JSON
 */
export function locate(text: string, places: readonly JsonPlace[]): TextPosition[] {
  const root = createStep()
  let waitingCount = 1
  for (const { path } of places) {
    let step = root
    for (const token of path) {
      const name = String(token)
      let next = step.children.get(name)
      if (next === undefined) {
        next = createStep()
        step.children.set(name, next)
        waitingCount += 1
      }
      step = next
    }
  }
  /** By depth, the step of the current value; `undefined` where no place is below. */
  const steps: (Step | undefined)[] = []
  scanJson(text, (path, start, keyStart) => {
    const depth = path.length
    const step = depth === 0 ? root : steps[depth - 1]?.children.get(String(path[depth - 1]))
    steps[depth] = step
    if (step === undefined || step.value >= 0) return true
    step.value = start
    step.key = keyStart
    waitingCount -= 1
    return waitingCount > 0
  })
  return positionsOf(
    text,
    places.map(place => findOffset(root, place)),
  )
}

function createStep(): Step {
  return { children: new Map(), value: -1, key: -1 }
}

function findOffset(root: Step, { path, isKey = false }: JsonPlace): number {
  let step = root
  for (const token of path) {
    const next = step.children.get(String(token)) as Step
    if (next.value < 0) return step.value
    step = next
  }
  return isKey && step.key >= 0 ? step.key : step.value
}
