import { JsonNumber } from '../json/json-number.ts'
import { shortenText } from '../text.ts'
import type { Run, Frame } from './compiled.ts'
import { CONDITION_LIMITS } from './limits.ts'
import { Failure, StepsExceeded } from './values.ts'

/** A JSON value of at most `maxObservedLength` characters. */
export type ObservedValue =
  | null
  | boolean
  | number
  | string
  | JsonNumber
  | ObservedValue[]
  | { [key: string]: ObservedValue }

/**
 * The values at these paths, by their source: at most `maxObserved`, without those that are missing. Long strings are cut;
 * larger arrays and objects are replaced by a text with their size.
 */
export function observe(reads: ReadonlyMap<string, Run>, frame: Frame): Record<string, ObservedValue> {
  const entries: [string, ObservedValue][] = []
  for (const [path, run] of reads) {
    if (entries.length === CONDITION_LIMITS.maxObserved) break
    const value = read(run, frame)
    if (value instanceof Failure || value === undefined) continue
    entries.push([shortenText(path, CONDITION_LIMITS.maxObservedLength), observeValue(value)])
  }
  // Makes every key an own property, even `__proto__`.
  return Object.fromEntries(entries)
}

function read(run: Run, frame: Frame): unknown {
  try {
    return run(frame)
  } catch (error) {
    // An index may be an expression of any cost.
    if (error instanceof StepsExceeded) return undefined
    throw error
  }
}

function observeValue(value: unknown): ObservedValue {
  const { maxObservedLength } = CONDITION_LIMITS
  if (typeof value === 'string') return shortenText(value, maxObservedLength)
  const copy = copyWithin(value, { left: maxObservedLength })
  if (copy !== undefined) return copy
  const count = Array.isArray(value) ? value.length : Object.keys(value as object).length
  return `${Array.isArray(value) ? 'array' : 'object'} of ${count}`
}

/** Copies a value; `undefined` if its JSON is longer than `room.left`. */
function copyWithin(value: unknown, room: { left: number }): ObservedValue | undefined {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) {
    room.left -= typeof value === 'string' ? value.length + 2 : String(value).length
    if (room.left < 0) return undefined
    return typeof value === 'bigint' ? new JsonNumber(`${value}`) : (value as ObservedValue)
  }
  room.left -= 2
  const isArray = Array.isArray(value)
  const keys = isArray ? value : Object.keys(value)
  // Every member takes at least two characters.
  if (room.left < keys.length * 2 - 1) return undefined
  const entries: [string, ObservedValue][] = []
  for (const [i, each] of keys.entries()) {
    const key = isArray ? String(i) : (each as string)
    room.left -= isArray ? 1 : key.length + 4
    const member = copyWithin(isArray ? each : (value as Record<string, unknown>)[key], room)
    if (member === undefined) return undefined
    entries.push([key, member])
  }
  return isArray ? entries.map(([, member]) => member) : Object.fromEntries(entries)
}
