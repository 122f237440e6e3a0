import { JsonNumber } from './json-number.ts'

/** Path of a value: keys and indices from the root. */
export type JsonPath = readonly (string | number)[]

/** An object or array being traversed. */
interface Frame {
  readonly source: Readonly<Record<string, unknown>>
  /** `undefined` for an array. */
  readonly keys: readonly string[] | undefined
  readonly length: number
  /** Position of the next member. */
  at: number
  /** Created when the first member is replaced. */
  copy: Record<string, unknown> | undefined
}

/**
 * Replaces each `JsonNumber` by the result of `read`, in document order; returns the value itself if there is none. The
 * value is not modified: objects and arrays around a `JsonNumber` are copied, the rest is shared. Iterative, because
 * deep nesting would overflow the stack.
 * @param read must not retain the path, which is a shared array
 */
export function replaceJsonNumbers(value: unknown, read: (number: JsonNumber, path: JsonPath) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof JsonNumber) return read(value, [])
  const root = openFrame(value)
  const frames = [root]
  /** Path of the current member. */
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

/** Replaces each `JsonNumber` by the nearest double. */
export function toDoubles(value: unknown): unknown {
  return replaceJsonNumbers(value, Number)
}

function openFrame(value: object): Frame {
  const source = value as Readonly<Record<string, unknown>>
  const keys = Array.isArray(value) ? undefined : Object.keys(value)
  return { source, keys, length: keys?.length ?? (value as readonly unknown[]).length, at: 0, copy: undefined }
}

/** Replaces a member in the copy. It is an own property, even `__proto__`, so the assignment calls no setter. */
function replace(frame: Frame, key: string | number, value: unknown): void {
  frame.copy ??= (Array.isArray(frame.source) ? [...frame.source] : { ...frame.source }) as Record<string, unknown>
  frame.copy[key] = value
}
