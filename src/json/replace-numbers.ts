import { JsonNumber } from './json-number.ts'

/** Where a value stands: keys and indices from the root. */
export type JsonPath = readonly (string | number)[]

/** An object or array whose members are being looked at. */
interface Frame {
  readonly source: Readonly<Record<string, unknown>>
  /** `undefined` for an array. */
  readonly keys: readonly string[] | undefined
  readonly length: number
  /** Of the next member. */
  at: number
  /** Made when the first member is replaced. */
  copy: Record<string, unknown> | undefined
}

/**
 * The value with what `read` makes in the place of each `JsonNumber`, in document order; the value itself where there is
 * none. Nothing is changed: the objects and arrays around a `JsonNumber` are copied, the rest is shared. In steps: what is
 * nested deep would overflow the stack.
 * @param read must not keep the path, which is one array for all
 */
export function replaceJsonNumbers(value: unknown, read: (number: JsonNumber, path: JsonPath) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof JsonNumber) return read(value, [])
  const root = openFrame(value)
  const frames = [root]
  /** Up to the member that is looked at. */
  const path: (string | number)[] = []
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.at === frame.length) {
      frames.pop()
      const key = path.pop()
      const around = frames.at(-1)
      if (frame.copy !== undefined && around !== undefined && key !== undefined) replace(around, key, frame.copy)
      continue
    }
    const key = frame.keys?.[frame.at] ?? frame.at
    frame.at += 1
    const member = frame.source[key]
    if (typeof member !== 'object' || member === null) continue
    path.push(key)
    if (member instanceof JsonNumber) {
      replace(frame, key, read(member, path))
      path.pop()
    } else frames.push(openFrame(member))
  }
  return root.copy ?? value
}

/** The value with the nearest double in the place of each `JsonNumber`. */
export function toDoubles(value: unknown): unknown {
  return replaceJsonNumbers(value, Number)
}

function openFrame(value: object): Frame {
  const source = value as Readonly<Record<string, unknown>>
  const keys = Array.isArray(value) ? undefined : Object.keys(value)
  return { source, keys, length: keys?.length ?? (value as readonly unknown[]).length, at: 0, copy: undefined }
}

/** The member is an own property of the copy, `__proto__` too, so an assignment reaches no setter. */
function replace(frame: Frame, key: string | number, value: unknown): void {
  frame.copy ??= (Array.isArray(frame.source) ? [...frame.source] : { ...frame.source }) as Record<string, unknown>
  frame.copy[key] = value
}
