import { JsonNumber } from './json-number.ts'

/** Where a value stands: keys and indices from the root. */
export type JsonPath = readonly (string | number)[]

/**
 * The value with what `read` makes in the place of each `JsonNumber`, in document order; the value itself where there is
 * none. Nothing is changed: the objects and arrays around a `JsonNumber` are copied, the rest is shared.
 * @param read must not keep the path, which is one array for all
 */
export function replaceJsonNumbers(value: unknown, read: (number: JsonNumber, path: JsonPath) => unknown): unknown {
  const path: (string | number)[] = []
  const visit = (each: object): unknown => {
    if (each instanceof JsonNumber) return read(each, path)
    return Array.isArray(each) ? visitArray(each) : visitObject(each as Record<string, unknown>)
  }
  const visitArray = (array: readonly unknown[]): unknown => {
    let copy: unknown[] | undefined
    for (let index = 0; index < array.length; index++) {
      const item = array[index]
      if (typeof item !== 'object' || item === null) continue
      path.push(index)
      const replaced = visit(item)
      path.pop()
      if (replaced !== item) (copy ??= array.slice())[index] = replaced
    }
    return copy ?? array
  }
  const visitObject = (object: Readonly<Record<string, unknown>>): unknown => {
    let copy: Record<string, unknown> | undefined
    for (const key of Object.keys(object)) {
      const member = object[key]
      if (typeof member !== 'object' || member === null) continue
      path.push(key)
      const replaced = visit(member)
      path.pop()
      // An own property of the copy, `__proto__` too, so an assignment reaches no setter.
      if (replaced !== member) (copy ??= { ...object })[key] = replaced
    }
    return copy ?? object
  }
  return typeof value === 'object' && value !== null ? visit(value) : value
}

/** The value with the nearest double in the place of each `JsonNumber`. */
export function toDoubles(value: unknown): unknown {
  return replaceJsonNumbers(value, Number)
}
